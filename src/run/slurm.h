/*
 * slurm.h: Slurm, reached by its commands (sbatch, squeue): an array job of a folder's tasks.
 * Errors hold Slurm's own words.
 */
#ifndef RN_RUN_SLURM_H
#define RN_RUN_SLURM_H

#include "run/batch_folder.h"

/* Writes FOLDER/script.sh, which runs one task of the job in it. */
int rn_slurm_script(const char *folder, const rn_batch_job *job, rn_err *err);

/* The command that submits tasks[0 .. n-1], for people: one line. `extra` are options of sbatch as
 * typed in a shell; NULL: none. RN_EINVAL: `extra` is not a valid list of words. */
int rn_slurm_command(const char *folder, const char *extra, const int64_t *tasks, size_t n,
                     rn_buf *out, rn_err *err);

/* Submits the first tasks of the list, as many as Slurm accepts at a time (a quota may refuse the
 * rest for now): *n_taken of them, under the id that is added to FOLDER/jobs. Fails when it does
 * not accept even one. */
typedef struct rn_slurm_submission {
    const char *folder, *extra;
    const int64_t *tasks;
    size_t n, n_taken;
    char id[32];
} rn_slurm_submission;
int rn_slurm_submit(rn_slurm_submission *x, rn_err *err);

/* What Slurm has of the jobs in FOLDER/jobs. alive[n_tasks]: waiting or running. */
typedef struct rn_slurm_queue {
    bool *alive;
    int64_t n_tasks;
    int64_t n_running, n_waiting;
    char reason[64];                /* why the last of the waiting ones waits; "" */
    int64_t n_held;                 /* of the waiting ones: Slurm does not start these by itself */
    char held[48], held_reason[64]; /* one of them as JOB_TASK; n_held 0: not valid */
} rn_slurm_queue;
/* RN_ENET: the controller does not answer, which says nothing about the tasks. */
int rn_slurm_look(const char *folder, rn_slurm_queue *q, rn_err *err);

#endif
