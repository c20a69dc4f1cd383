/*
 * batch.h: `ration batch`: a stage's missing work as tasks of a cluster.
 *
 * The submitter asks the stage what is missing, balances it over tasks (units.h), gives each its
 * part of the store in a folder that all nodes see (batch_folder.h), submits them as an array job
 * (slurm.h), follows them and merges what comes back. It holds the store's lock while it lives, so
 * that two submitters exclude each other, and keeps nothing that is not in the folder: killed at
 * any moment, it is attached again.
 */
#ifndef RN_RUN_BATCH_H
#define RN_RUN_BATCH_H

#include "run/batch_folder.h"
#include "run/units.h"
#include "store/store.h"

typedef struct rn_batch_progress {
    int64_t n_tasks, n_done, n_running, n_waiting, n_failed;
    int64_t n_units_done, n_units; /* samples, verdicts or scores */
    char note[96];                 /* e.g. why tasks wait; "" */
} rn_batch_progress;

/* How a caller takes part; any member may be NULL. */
typedef struct rn_batch_watch {
    bool (*should_stop)(void *user);
    void (*say)(void *user, const char *line); /* for people, without a newline */
    void (*progress)(void *user, const rn_batch_progress *p);
    void *user;
} rn_batch_watch;

typedef struct rn_batch_opts {
    const char *store;
    const char *dir;     /* the shared folder; NULL: STORE.batch */
    const char *sbatch;  /* further options of sbatch, as typed in a shell; NULL */
    const char *program; /* absolute path of the ration that tasks run */
    int64_t n_tasks, n_tries, every_s;
    const char *const *args; /* [n_args] the stage and its arguments */
    size_t n_args;
    bool print; /* make the folder, then append script and command to *out instead of submitting */
    bool no_wait; /* submit and return */
} rn_batch_opts;

/* Makes and submits a job of what is missing, and follows it to its end. RN_ECANCELLED: stopped
 * following; the job goes on. *all (set on success): nothing is missing any more. */
int rn_batch_submit(const rn_batch_opts *o, const rn_batch_watch *watch, rn_buf *out, bool *all,
                    rn_err *err);
/* Follows the job that is in the folder. o: store, dir, sbatch. */
int rn_batch_attach(const rn_batch_opts *o, const rn_batch_watch *watch, bool *all, rn_err *err);
/* What a node runs. RN_ECANCELLED: stopped by should_stop, to be started again. */
int rn_batch_task(const char *folder, int64_t task, const rn_batch_watch *watch, rn_err *err);

/* ---- between batch.c and batch_follow.c --------------------------------------------------------- */

/* Merges the results of every task into `whole`, open for writing: of those that are done, or with
 * `partial` of all. Parts that are of another job, damaged or absent are said and left. */
int rn_batch_collect(const char *folder, const rn_batch_job *job, rn_store *whole, bool partial,
                     const rn_batch_watch *watch, rn_err *err);
/* Submits what is left of the job and follows it to its end. */
int rn_batch_follow(const char *folder, const rn_batch_job *job, const char *sbatch,
                    rn_store *whole, const rn_batch_watch *watch, bool *all, rn_err *err);

#endif
