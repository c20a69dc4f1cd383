/*
 * judge_work.h: what `ration judge` does between the store, the problem set and the judge:
 * references first, then samples in batches, equal programs once, results committed at least every
 * second.
 */
#ifndef RN_RUN_JUDGE_WORK_H
#define RN_RUN_JUDGE_WORK_H

#include "base/log.h"
#include "judge/judge.h"
#include "store/store.h"
#include "task/prompt.h"

/* One run of the store that is to be judged. Strings are in the session's arena. */
typedef struct rn_work_run {
    int64_t run_id, protocol_id, n_samples, n_due, n_missing;
    int64_t by_verdict[RN_N_VERDICTS];
    const char *model, *kind, *extractor, *protocol;
    const rn_preset *preset; /* NULL unknown */
} rn_work_run;

/* A sample that ended close to its limit. Where the limit holds for each case, cpu_s is the time of
 * all cases together, which is what the store keeps: its longest case may be further away. */
typedef struct rn_work_near {
    const char *task_id, *model;
    int64_t run_id, idx;
    double cpu_s, limit_s;
    rn_verdict verdict;
} rn_work_near;

typedef struct rn_work {
    rn_store *store;         /* borrowed */
    const rn_taskset *tasks; /* borrowed */
    rn_judge *judge;         /* borrowed */
    rn_arena arena;          /* of what lives as long as the session */
    rn_work_run *runs;       /* [n_runs] */
    size_t n_runs;
    rn_judge_limits limits; /* of the command line; 0: official */
    rn_compare compare;
    bool all_tests, recheck, keep_going;
    bool all_limits;           /* calibrate for every sample's problem, not only what is due */
    double calibrate, floor_s; /* 0: official limits */
    int64_t *limit_ns;         /* [tasks->n] calibrated CPU limit; 0: official */
    rn_progress progress;
    int64_t n_judged, n_programs; /* samples done now; programs run for them */
    int64_t n_ended_near;         /* of those, near the limit of their longest case */
    rn_work_near *near;           /* [n_near], malloc'ed; of rn_work_list_near */
    size_t n_near;
} rn_work;

/* The CPU limit that holds for a problem, in seconds: given, calibrated, or official (3 s a program
 * for HumanEval and MBPP, 4 s a case for APPS, more where the problem itself states more). */
double rn_work_cpu_limit_s(const rn_work *w, const rn_problem *p);

/* Runs the reference solutions of the problems that have samples due. RN_ELIMIT with a message that
 * names the first failures when one fails that is not known to; `notes` gets a line for each known
 * or missing one. */
int rn_work_references(rn_work *w, rn_buf *notes, rn_err *err);

/* Judges every sample that is due. RN_ECANCELLED when interrupted; what is done is committed. */
int rn_work_samples(rn_work *w, rn_err *err);

/* Lists the samples of all runs, whenever they were judged under the present protocol, whose CPU
 * time ended above 80 % of the limit that holds for them. After rn_work_references, if that ran. */
int rn_work_list_near(rn_work *w, rn_err *err);

void rn_work_free(rn_work *w);

#endif
