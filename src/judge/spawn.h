/* spawn.h: starting, feeding and ending one host process. The queue on top of it is judge.c. */
#ifndef RN_JUDGE_SPAWN_H
#define RN_JUDGE_SPAWN_H

#include "judge/wire.h"

#include <sys/types.h>

enum { RN_HOST_DEPTH = 2 }; /* jobs a host holds: one under way and one to go on with */

typedef struct rn_host {
    pid_t pid;   /* 0: not running */
    int fd;      /* -1: none */
    int tree_fd; /* the packed working folder, borrowed; -1: none */
    rn_wire_config config;
    rn_wire_hello hello;
    rn_buf out; /* bytes on their way to the host, from out_at */
    size_t out_at;
    rn_wire_result in; /* being received */
    size_t in_len;
    rn_buf text;                     /* RECORD: what follows `in`, up to in.text_bytes */
    uint64_t job_ids[RN_HOST_DEPTH]; /* in order */
    int n_jobs;
    int n_aside;         /* jobs of which it keeps the rest */
    int64_t deadline_ns; /* when the job under way must have a result */
} rn_host;

/* Where ration-judge-host is: `given` or $RATION_JUDGE_HOST, else beside this program, one folder
 * up, or in libexec. RN_ENOTFOUND names the places. */
int rn_host_find(const char *given, char out[RN_WIRE_PATH], rn_err *err);

/* Starts the process; rn_host_ready waits for its hello (RN_ESANDBOX with its reason). */
int rn_host_start(rn_host *h, const char *path, rn_err *err);
int rn_host_ready(rn_host *h, rn_err *err);
/* Ends the process and whatever it runs, and waits for it. */
void rn_host_stop(rn_host *h);

/* Moves bytes without blocking. RN_EIO when the host is gone. *got is true with a whole result in
 * h->in. */
int rn_host_send(rn_host *h);
int rn_host_receive(rn_host *h, bool *got);

#endif
