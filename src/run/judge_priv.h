/*
 * judge_priv.h: one call of rn_stage_judge on one problem set, shared by the files that make it up.
 *
 *   judge_stage.c  which runs, under which protocols; the summary
 *   libraries.c    which problems lack a library here
 *   references.c   the set's own solutions first; limits that are calibrated by them
 *   judge_batch.c  samples in batches, equal programs once, verdicts into the store
 */
#ifndef RN_RUN_JUDGE_PRIV_H
#define RN_RUN_JUDGE_PRIV_H

#include "run/program.h"
#include "run/stage.h"
#include "run/units.h"

/* One run of the store that is to be judged. */
typedef struct rn_work_run {
    rn_judge_run_row row;
    int64_t protocol_id, n_due;
    int64_t
        base_protocol_id; /* of the verdicts under the base tests alone; 0: the set has no others */
    rn_recipe recipe;
    int64_t
        *older; /* [row.n_older] samples judged under an older version of the protocol, rising */
} rn_work_run;

typedef struct rn_work {
    const rn_judge_options *o;
    rn_judge_summary *out;
    rn_store *store;       /* borrowed */
    rn_judge *judge;       /* borrowed */
    rn_taskset *tasks;     /* of this call */
    rn_arena *arena;       /* of the summary */
    const rn_share *share; /* NULL: all samples; borrowed */
    rn_units *todo;        /* NULL, or what is missing goes there instead of into the judge */
    RN_VEC(rn_work_run) runs;
    rn_judge_limits limits; /* of the options; 0: official */
    rn_compare compare;
    unsigned char *chosen; /* [tasks->n] by the selection */
    int64_t *limit_ns;     /* [tasks->n] calibrated CPU limit; 0: official */
    const char **lacks; /* [tasks->n] modules that this machine lacks for it; NULL: none. The array
                           is NULL before they were asked for */
    int64_t n_due;
    RN_VEC(rn_judge_near_row) near;
    rn_err *err; /* of the walk under way */
} rn_work;

/* The CPU limit that holds for a problem, in seconds: given, calibrated, or official. */
double rn_work_cpu_limit_s(const rn_work *w, const rn_problem *p);
/* Fills *job with the tests of p and the limits; what it points to is in `a`. */
int rn_work_job(const rn_work *w, const rn_problem *p, rn_bytes program, rn_arena *a,
                rn_judge_job *job, rn_err *err);
/* Walks the samples of a run that are due in this process; as rn_store_each_sample. */
int rn_work_each_due(rn_work *w, const rn_work_run *run, bool with_text,
                     int (*fn)(void *user, const rn_store_sample_row *r), void *user, rn_err *err);

/* Asks for the modules that the set's problems need, fills w->lacks and names what is not here. */
int rn_work_libraries(rn_work *w, rn_err *err);

/* Runs the reference solutions of the problems that have samples due. RN_ELIMIT with a message that
 * names the first failures when one fails that is not known to; a note for each known or missing
 * one. */
int rn_work_references(rn_work *w, rn_err *err);

/* Judges every sample that is due. RN_ECANCELLED when stopped; what is done is committed. */
int rn_work_samples(rn_work *w, rn_err *err);

/* Hits of a limit are verdicts of their own; these ended above 80 % of it. */
bool rn_work_is_near(rn_verdict verdict, double cpu_s, double limit_s);

#endif
