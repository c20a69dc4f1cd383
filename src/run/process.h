/*
 * process.h: programs that ration starts as a user would: the commands of a scheduler, its own
 * stages inside a task, a model's server. Never judged programs: those belong to src/judge.
 *
 * Each child leads a process group of its own, so that it ends with all that it started, and dies
 * with the thread that started it.
 */
#ifndef RN_RUN_PROCESS_H
#define RN_RUN_PROCESS_H

#include "base/base.h"

#include <sys/types.h>

typedef struct rn_process {
    pid_t pid;  /* 0: none, or ended and reaped */
    int status; /* of waitpid, once it has ended */
} rn_process;

/* What is started, and in which surroundings. */
typedef struct rn_process_call {
    const char *const *argv;    /* NULL-terminated; argv[0] is looked for in PATH */
    const char *dir;            /* its current folder; NULL: this process's */
    const char *const *without; /* variables that it does not inherit: names, or beginnings with a
                                   '*' behind; NULL-terminated; NULL: it inherits all */
    const char *const *with; /* "NAME=VALUE" that it gets instead; NULL-terminated; NULL: nothing */
    /* of rn_process_run */
    int timeout_ms;
    const char *enough; /* once its output holds this it is ended, with code 128 + SIGTERM; NULL */
    const rn_watch *watch; /* ended when it says so; NULL */
    rn_buf *said;          /* what it wrote, errors included, without the newline at the end */
    int code;              /* out: rn_process_code */
} rn_process_call;

/* Starts it with its output and errors going to the descriptor `out_fd`. RN_ENOTFOUND: there is no
 * such program. */
int rn_process_start(rn_process *p, const rn_process_call *c, int out_fd, rn_err *err);
/* Waits up to timeout_ms (0: looks only, < 0: for ever): true when it has ended, and with it all
 * that is left of its group. */
bool rn_process_wait(rn_process *p, int timeout_ms);
void rn_process_signal(const rn_process *p, int sig); /* to the whole group */
/* Asks with SIGTERM, and after grace_ms ends what is left of the group with SIGKILL. */
void rn_process_end(rn_process *p, int grace_ms);
/* 0 to 255, or 128 + the signal that ended it. */
int rn_process_code(const rn_process *p);

/* Runs a command to its end and fills said, which is cleared first, and code. RN_ELIMIT: it took
 * longer than timeout_ms. RN_ECANCELLED: its watch said stop. */
int rn_process_run(rn_process_call *c, rn_err *err);

#endif
