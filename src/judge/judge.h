/*
 * judge.h: runs Python programs against their tests, or a command in a copy of a working folder, in
 * a sandbox, and says what happened.
 * Knows nothing of models, problem sets or stores.
 */
#ifndef RN_JUDGE_JUDGE_H
#define RN_JUDGE_JUDGE_H

#include "judge/job.h"
#include "judge/tree.h"

typedef struct rn_judge_opts {
    int jobs; /* programs at a time; 0: number of cores */
    rn_judge_limits limits;
    const char *venv;      /* virtual environment whose packages programs may import; NULL */
    const char *host_path; /* ration-judge-host; NULL: beside the program, then libexec */
    bool allow_weak;       /* run even without namespaces and Landlock */
    const rn_tree *tree;   /* the folder of COMMAND jobs; borrowed until rn_judge_close; NULL */
} rn_judge_opts;

/* Starts `jobs` host processes. RN_ESANDBOX when the needed layers cannot be had and allow_weak is
 * false; the message says which and the fix. */
int rn_judge_open(const rn_judge_opts *opts, rn_judge **out, rn_err *err);
/* rn_judge_close (ration.h) kills everything under way; no process is left. */

/* Queues a job (its bytes are copied). `tag` comes back with its result. RN_EBUSY when the queue is
 * full: call rn_judge_wait first. */
int rn_judge_submit(rn_judge *j, const rn_judge_job *job, uint64_t tag, rn_err *err);
/* 1 with a result; 0 when nothing finished within timeout_ms (-1: wait) or nothing is queued. */
int rn_judge_wait(rn_judge *j, int timeout_ms, uint64_t *tag, rn_judge_result *result, rn_err *err);
/* Of the VALUES job whose result came last: its outcomes [n_cases], borrowed until the next wait.
 * Its verdict says how the program itself fared: PASSED when every case was called, n_passed of
 * them with the expected value. */
const rn_judge_value *rn_judge_values(const rn_judge *j);
/* Of the RECORD or KEYS job whose result came last: what it wrote; borrowed until the next wait. */
rn_bytes rn_judge_text(const rn_judge *j);
size_t rn_judge_pending(const rn_judge *j);

/* The sandbox level in a phrase that is stored with each verdict, e.g.
 * "ns:user,mnt,pid,net,ipc,uts seccomp landlock:3 cgroup:v1 rlimit". Borrowed. */
const char *rn_judge_level(const rn_judge *j);
const char *rn_judge_python(const rn_judge *j); /* "3.11.2"; borrowed */

#endif
