/*
 * until_priv.h: a question on its way to its answer, shared by the files that ask it:
 *
 *   until_arms.c   which models and problems, what a sample costs, the recorded outcomes
 *   until.c        rn_stage_until: round by round, drawing or replaying
 *   until_plan.c   rn_stage_until_plan: what it would take, by simulation
 */
#ifndef RN_RUN_UNTIL_PRIV_H
#define RN_RUN_UNTIL_PRIV_H

#include "cost/cost.h"
#include "run/portions.h"
#include "run/question.h"
#include "stat/budget.h"

/* One model of the question. */
typedef struct rn_until_arm {
    const char *name, *cost_name; /* cost_name: entry that the store names; "" */
    int64_t run_id;
    rn_portions *portions;     /* NULL: nothing is drawn */
    double flop, seconds, usd; /* of a sample; NAN unknown */
    rn_kcost axis[RN_N_UNITS]; /* of k samples of a problem, priced as in a report */
    /* By problem of the question, [n_problems]: */
    const int64_t *problem_id;
    const size_t *place;  /* in the set; with portions */
    const char **task_id; /* "" unknown */
    uint8_t *pass;        /* [n_problems, n_max] outcomes of judged samples, in order of index */
    int64_t *n_known;     /* of them, at most n_max */
    int64_t *n_skipped;   /* samples among them that the sandbox failed on: missing */
    rn_count *counts;     /* what the rule has taken of them */
    int64_t n_max;
} rn_until_arm;

typedef struct rn_until_work {
    const rn_until_options *o;
    rn_until_summary *out;
    rn_store *store;
    rn_arena *arena; /* of the summary */
    rn_cost_book *book;
    rn_question q;
    rn_until_arm arms[2];
    size_t n_arms, n_problems;
    rn_ask ask;
    rn_inquiry *inquiry;
    rn_known known; /* of the last look; round 0: none yet */
    int64_t command_id;
} rn_until_work;

/* Reads the question, finds its models (in the store, or opens those of the options where samples
 * are to be drawn), prices them and reads what was recorded. Close the work after a failure too. */
int rn_until_open(rn_until_work *w, bool draws, rn_err *err);
void rn_until_close(rn_until_work *w);
/* Reads the outcomes of an arm anew. */
int rn_until_load(rn_until_work *w, rn_until_arm *a, rn_err *err);
/* Lets the rule take what the outcomes hold; *n_short: problems that lack an outcome that they
 * need, of all arms. */
void rn_until_take(rn_until_work *w, size_t *n_short);
/* The summary from the state of the work. */
int rn_until_summarize(rn_until_work *w, rn_err *err);
/* The summary's sentence anew, of its points as a report has them; k_max: where its curves end. */
int rn_until_say_records(rn_until_work *w, const int64_t k_max[2], rn_err *err);

#endif
