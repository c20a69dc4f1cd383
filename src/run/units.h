/*
 * units.h: work as units, so that it can be shared among processes that do not know each other.
 *
 * A unit is a range of sample indices of one problem in one run, with the time that its missing
 * part is expected to take. A stage lists its units (`--todo FILE`), `ration batch` balances them
 * over tasks, and a task's stage works on those of its file only (`--units FILE`). By hand, and
 * under any scheduler, `--shard I/N` takes a fixed part of all samples instead: which part depends
 * on the set, I and N alone, so that a shard that starts again continues with the same samples.
 *
 * A file of units has one JSON object per line:
 *   {"run": 3, "problem": 9, "task_id": "HumanEval/0", "from": 0, "to": 100, "n": 98,
 *    "seconds": 2.1, "whole": false}
 */
#ifndef RN_RUN_UNITS_H
#define RN_RUN_UNITS_H

#include "base/base.h"

typedef struct rn_unit {
    int64_t run_id;      /* of the store that was asked; 0: a run that is not in it yet */
    int64_t problem_id;  /* of that store; 0 with run_id 0 */
    const char *task_id; /* borrowed from the list's arena */
    int64_t from, to;    /* sample indices, `to` exclusive; from < to */
    int64_t n;           /* of these that are missing; 0 < n <= to - from */
    double seconds;      /* for these n, >= 0 */
    bool whole;          /* its samples are compared with each other: never divided */
} rn_unit;

typedef struct rn_units {
    rn_arena arena; /* holds the ids */
    RN_VEC(rn_unit) v;
} rn_units;

void rn_units_free(rn_units *u); /* NULL accepted; usable afterwards */
/* Appends a copy. */
int rn_units_add(rn_units *u, const rn_unit *x, rn_err *err);
int rn_units_write(const rn_units *u, const char *path, rn_err *err); /* whole or not at all */
int rn_units_read(const char *path, rn_units *out, rn_err *err);
double rn_units_seconds(const rn_units *u); /* sum */

/* Shares u among n_tasks lists, tasks[n_tasks], which are empty before; n_nodes of them run at a
 * time, started in order: the first n_nodes are the longest, the following ones shorter. Long units
 * are divided, then the longest goes to the list that lacks most (LPT; Graham 1969). n_tasks <=
 * n_nodes: lists of about equal time. Deterministic. */
int rn_units_balance(const rn_units *u, size_t n_tasks, size_t n_nodes, rn_units *tasks,
                     rn_err *err);
/* How many tasks each of n_nodes > 0 should get when all take `seconds`: 1 to 5, few where starting
 * one would take a notable part of its time. */
size_t rn_units_rounds(double seconds, size_t n_nodes);

/* ---- which samples this process works on ----------------------------------------------------- */

typedef struct rn_share rn_share;

/* Shard and units of ration.h; both NULL: all samples, and *out is NULL. "auto" takes I (and N)
 * from the array job that this process is part of: Slurm, a Kubernetes indexed job, PBS, LSF.
 * RN_EINVAL says what is wrong with them. rn_share_close. */
int rn_share_open(const rn_share_options *o, rn_share **out, rn_err *err);
/* RN_EINVAL: a shard that cannot be; the file of units is not looked at. */
int rn_share_check(const rn_share_options *o, rn_err *err);
void rn_share_close(rn_share *s); /* NULL accepted */

/* A problem in the set that has n_problems: `place` is its place there. `whole`: see rn_unit. */
typedef struct rn_share_problem {
    const char *task_id;
    size_t place, n_problems;
    bool whole;
} rn_share_problem;
/* Whether sample idx of that problem is of this process; s NULL: it is. */
bool rn_share_has(const rn_share *s, const rn_share_problem *p, int64_t idx);

#endif
