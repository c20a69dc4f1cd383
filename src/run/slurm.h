/*
 * slurm.h: Slurm, reached by its commands (sbatch, squeue): an array job of a folder's tasks.
 * Errors hold Slurm's own words.
 */
#ifndef RN_RUN_SLURM_H
#define RN_RUN_SLURM_H

#include "run/batch_folder.h"

/* Writes FOLDER/script.sh, which runs one task of the job in it. */
int rn_slurm_script(const char *folder, const rn_batch_job *job, rn_err *err);

/* RN_EINVAL: `extra`, options of sbatch as typed in a shell (NULL: none), cannot be: it is not a
 * list of options, or has one that is batch's to give. */
int rn_slurm_check(const char *extra, rn_err *err);

typedef struct rn_slurm_submission {
    const char *folder, *extra; /* as of rn_slurm_check */
    const char *stage;          /* names the job */
    const int64_t *tasks;       /* [n] rising */
    size_t n, n_taken;
    char id[32];
} rn_slurm_submission;

/* The command that submits all of it, for people: one line. */
int rn_slurm_command(const rn_slurm_submission *x, rn_buf *out, rn_err *err);

/* Submits the first tasks of the list, as many as Slurm accepts at a time (a quota may refuse the
 * rest for now): *n_taken of them, under the id that is added to FOLDER/jobs. RN_ENET: the
 * controller does not answer; it may have taken them all the same, which a look with `adopt` tells.
 * RN_EBUSY: it has no room for even one now. RN_EIO: it refuses. */
int rn_slurm_submit(rn_slurm_submission *x, rn_err *err);

typedef struct rn_slurm_task {
    bool alive;     /* waiting or running */
    char ended[16]; /* Slurm's word for how its last job ended, while it still knows; "" */
    int64_t job;    /* of that word */
} rn_slurm_task;

/* What Slurm has of the jobs in FOLDER/jobs. */
typedef struct rn_slurm_queue {
    const rn_watch *watch; /* a look ends when it says so; NULL */
    rn_slurm_task *tasks;  /* [n_tasks] */
    int64_t n_tasks;
    bool adopt; /* first add to FOLDER/jobs what else of this user runs its script: submitted by
                   hand, or by a submitter that died before it could say so; then false */
    int64_t n_running, n_waiting;
    char reason[64];                /* why the last of the waiting ones waits; "" */
    int64_t n_held;                 /* of the waiting ones: Slurm does not start these by itself */
    char held[48], held_reason[64]; /* one of them as JOB_TASK; n_held 0: not valid */
} rn_slurm_queue;
/* RN_ENET: the controller does not answer, which says nothing about the tasks. RN_EIO:
 * squeue fails otherwise. RN_EUNSUPPORTED: there is no Slurm here. RN_ECANCELLED. */
int rn_slurm_look(const char *folder, rn_slurm_queue *q, rn_err *err);

#endif
