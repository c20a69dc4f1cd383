/*
 * batch.h: what the files of `ration batch` share; its calls are in ration.h, "clusters".
 *
 * The submitter (batch.c) asks the stage what is missing, balances it over tasks (units.h), gives
 * each its part of the store in a folder that all nodes see (batch_folder.h), submits them as an
 * array job (slurm.h), follows them and merges what comes back (batch_follow.c). A task is
 * batch_task.c.
 */
#ifndef RN_RUN_BATCH_H
#define RN_RUN_BATCH_H

#include "run/batch_folder.h"
#include "run/stage.h"
#include "run/units.h"
#include "store/split.h"

/* Merges what every task has sent so far into `whole`, open for writing. Parts that are damaged or
 * that the store refuses are said and left; *n_left of the latter hold results all the same. */
int rn_batch_collect(const char *folder, const rn_batch_job *job, rn_store *whole, int64_t *n_left,
                     const rn_watch *watch, rn_err *err);

/* Rows of what the job's stage adds to a store. */
int64_t rn_batch_rows(const rn_batch_job *job, const rn_store_rows *rows);

/* Submits what is left of the job and follows it to its end; fills the counts of *out. */
typedef struct rn_batch_course {
    const char *folder, *sbatch;
    const rn_batch_job *job;
    rn_store *whole; /* open for writing */
    const rn_watch *watch;
} rn_batch_course;
int rn_batch_follow(const rn_batch_course *c, rn_batch_summary *out, rn_err *err);

#endif
