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

/* Merges the results of every task into `whole`, open for writing: of those that are done, or with
 * `partial` of all. Parts that are of another job, damaged or absent are said and left. */
int rn_batch_collect(const char *folder, const rn_batch_job *job, rn_store *whole, bool partial,
                     const rn_watch *watch, rn_err *err);

/* Submits what is left of the job and follows it to its end; fills the counts of *out. */
typedef struct rn_batch_course {
    const char *folder, *sbatch;
    const rn_batch_job *job;
    rn_store *whole; /* open for writing */
    const rn_watch *watch;
} rn_batch_course;
int rn_batch_follow(const rn_batch_course *c, rn_batch_summary *out, rn_err *err);

#endif
