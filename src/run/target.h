/*
 * target.h: what is to be solved: a problem with tests, or a place in a working folder with a
 * command. Knows how a model is asked, what program its answer makes, and what the judge runs.
 */
#ifndef RN_RUN_TARGET_H
#define RN_RUN_TARGET_H

#include "judge/judge.h"
#include "task/marker.h"
#include "task/prompt.h"

typedef struct rn_target {
    const rn_solve_options *o;
    /* a problem */
    const rn_taskset *set; /* NULL: a working folder */
    const rn_problem *p;
    const rn_preset *completion, *chat;
    /* a working folder */
    rn_buf file; /* the file with the marker */
    rn_marker marker;
    rn_tree *tree;
    /* both: the place in a store */
    char name[128], hash[65]; /* of the set */
    const char *task_id;
    int64_t ord, n_problems;
} rn_target;

/* Checks and reads everything. RN_EINVAL, RN_ENOTFOUND: an option, the marker; as rn_tree_pack. */
int rn_target_open(const rn_solve_options *o, rn_target *t, rn_err *err);
void rn_target_close(rn_target *t);

/* Appends the exact prompt or message; at most about max_bytes of context, where that can be
 * chosen. */
int rn_target_prompt(const rn_target *t, bool chat, size_t max_bytes, rn_buf *out, rn_err *err);
/* Strings that end a completion; NULL-terminated, NULL if none. */
const char *const *rn_target_stop(const rn_target *t);
/* The names that records use. */
const char *rn_target_preset(const rn_target *t, bool chat);

/* Appends the program (of a folder: the whole file) that an answer makes. *found false: it holds no
 * code. */
int rn_target_program(const rn_target *t, bool chat, rn_bytes raw, rn_buf *out, bool *found,
                      rn_err *err);
/* Appends the program that does nothing: no test should pass on it. */
void rn_target_nothing(const rn_target *t, rn_buf *out);
/* Fills the job that judges a program; what it points to is in `a`, or the target's own. */
int rn_target_job(const rn_target *t, rn_bytes program, rn_arena *a, rn_judge_job *job,
                  rn_err *err);
/* Appends the JSON of what a verdict depends on; `chat`: by which extractor. */
void rn_target_protocol(const rn_target *t, const rn_judge *j, bool chat, rn_buf *out);

#endif
