/*
 * batch_folder.h: the folder that a job and its tasks share, on a file system that all nodes see.
 *
 *   job.json       what is to be done: the stage and its arguments, by which version, for which
 *                  store; made whole before anything is submitted
 *   script.sh      what the scheduler runs, once per task
 *   jobs           the scheduler's ids, one per line
 *   finished       all of it is merged
 *   NNNN.units     the units of task NNNN (run/units.h)
 *   NNNN.in.db     the part of the store that it needs (store/split.h)
 *   NNNN.out.db    the part with its results so far, replaced as a whole
 *   NNNN.json      its state, replaced as a whole
 *   NNNN.log       what its stage printed
 *   NNNN.serve.log what a server that it started printed (run/serve.h)
 *   node-HOST      the level of the sandbox on that node, by its first task
 *
 * Each file has one writer: the submitter until the job is submitted, then the task. Nothing here
 * is compared with a clock of another machine.
 */
#ifndef RN_RUN_BATCH_FOLDER_H
#define RN_RUN_BATCH_FOLDER_H

#include "base/file.h"

enum { RN_BATCH_MAX_TASKS = 10000, RN_BATCH_ID = 17 };

typedef RN_VEC(const char *) rn_words; /* NULL-terminated, the NULL not counted */

typedef struct rn_batch_job {
    rn_arena arena;
    char id[RN_BATCH_ID]; /* hex: names the job in its parts */
    const char *version;  /* of the ration that made it; its tasks run the same */
    const char *store;    /* absolute path of the store that it was made for */
    const char *program;  /* absolute path of the ration that tasks run */
    const char *cwd;      /* where it was made: relative paths in args are meant from there */
    const char *kernels;  /* set whose bits all tasks compute (rn_isa_bits): numbers depend on it */
    const char *sbatch;   /* further options of sbatch; "" */
    rn_words args;        /* the stage and its arguments, without the store */
    int64_t n_tasks, n_tries, every_s;
    int64_t n_rows; /* samples, verdicts or scores that all tasks are to bring */
} rn_batch_job;

typedef enum rn_task_state {
    RN_TASK_NEW,     /* not begun */
    RN_TASK_RUNNING, /* on its node */
    RN_TASK_STOPPED, /* by a signal: it goes on when it is started again */
    RN_TASK_FAILED,
    RN_TASK_DONE,
} rn_task_state;

typedef struct rn_task_report {
    rn_task_state state;
    int64_t attempt;   /* how often it was started */
    int64_t n_done;    /* rows of results that it added */
    int64_t n_rows;    /* rows of that kind in its part: one that has fewer is an older copy */
    bool missing;      /* done, but something is missing that another attempt would not bring */
    double seconds;    /* of this attempt */
    char host[128];    /* of the node */
    char sandbox[128]; /* level there; "" not asked */
    char message[496]; /* why it failed, or what is missing; "" */
} rn_task_report;

/* FOLDER/NAME, and FOLDER/NNNN.ENDING of a task; in *path. */
const char *rn_batch_path(const char *folder, const char *name, rn_path *path);
const char *rn_task_path(const char *folder, int64_t task, const char *ending, rn_path *path);

int rn_batch_job_write(const char *folder, const rn_batch_job *job, rn_err *err);
/* RN_ENOTFOUND: there is no job. RN_EVERSION: of a form that we do not know. rn_batch_job_free. */
int rn_batch_job_read(const char *folder, rn_batch_job *job, rn_err *err);
void rn_batch_job_free(rn_batch_job *job);

int rn_task_report_write(const char *folder, int64_t task, const rn_task_report *r, rn_err *err);
/* A report that is not there yet, or that cannot be read this time, is one of RN_TASK_NEW. */
void rn_task_report_read(const char *folder, int64_t task, rn_task_report *r);

#endif
