/*
 * spend.h: the best ways to spend a budget, from what a report has loaded and priced; behind
 * `ration plan`. docs/METRICS.md, "Plans", says what each number estimates.
 *
 * Budgets are on one axis. `each`: what any single problem may cost, also if everything fails, as in
 * `ration solve`. `total`: for the whole set, in expectation; what easy problems leave goes to hard
 * ones. A choice is a way of choosing: it is made on all folds of the problems but one and scored on
 * that one, in turn; `plan` says what it comes to on all of them.
 *
 * Everything is in the report's arena and borrowed until rn_report_free.
 */
#ifndef RN_REPORT_SPEND_H
#define RN_REPORT_SPEND_H

#include "report/report.h"
#include "stat/policy.h"

typedef struct rn_spend_opts {
    rn_axis axis;
    const double *budgets; /* [n_budgets], increasing, in the unit of the axis */
    size_t n_budgets;      /* 0: powers of two of the cheapest sample */
    bool total;            /* budgets are for the whole set */
    bool stop, no_stop;    /* which of both to show; at least one */
    uint32_t n_folds;
    int64_t n_orders; /* of a replay */
} rn_spend_opts;

typedef enum rn_choice_kind {
    RN_CHOICE_ALONE,   /* one given model, the best k */
    RN_CHOICE_SINGLE,  /* the best model and k */
    RN_CHOICE_CASCADE, /* one model, then another for what is unsolved */
    RN_CHOICE_MIXTURE, /* each: the adaptive policy; total: a coin between two plans */
    RN_CHOICE_UPPER,   /* total: one model with every problem's pass rate known beforehand;
                          no plan, a line that none with one model is above */
} rn_choice_kind;
const char *rn_choice_name(rn_choice_kind kind); /* "single", ...; static */

typedef struct rn_choice {
    rn_choice_kind kind;
    bool stop;               /* at the first pass */
    int model;               /* ALONE: entrant of the task; -1 */
    const char *plan;        /* what it comes to on all problems: "7b x 9, then 13b x 19" */
    bool limited;            /* it would buy more samples than are recorded */
    rn_interval score, cost; /* cross-fitted, means per problem */
    rn_interval ahead;       /* score less that of the fixed choice: SINGLE without stopping */
    double first; /* share of resamples in which it is first of those with equal `stop`; NAN: SINGLE
                     and UPPER do not compete */
} rn_choice;

typedef struct rn_spend_row {
    double budget;            /* per problem, or of the set if total */
    double norm;              /* per problem, in samples of the cheapest model */
    const rn_choice *choices; /* [n_choices] of the spend */
} rn_spend_row;

typedef struct rn_spend {
    const rn_report *report;
    const rn_report_task *task;
    rn_spend_opts opts;
    const int *models; /* [n_models]: entrants that take part, cheapest sample first */
    size_t n_models, n_problems;
    double unit;              /* what a first sample of the cheapest costs */
    const rn_spend_row *rows; /* [n_rows] at the budgets that were asked for */
    size_t n_rows, n_choices;
    const rn_spend_row *frontier; /* [n_frontier] at a finer grid of budgets, for the curve */
    size_t n_frontier;
} rn_spend;

/* Plans for one task of a priced report; its curves are computed if they are not there yet.
 * RN_EINVAL: a budget that is too small for one sample. RN_ENOTFOUND: nothing to plan with; the
 * message says what is missing. */
int rn_report_spend(rn_report *r, rn_report_task *t, const rn_spend_opts *opts, rn_spend *out,
                    rn_err *err);

void rn_spend_text(const rn_spend *s, rn_buf *out);
void rn_spend_csv(const rn_spend *s, bool head, rn_buf *out);
void rn_spend_json(const rn_spend *s, rn_buf *out); /* one object */
/* Draws the frontiers of n tasks into one file (plot.h). */
int rn_spend_plot(const rn_spend *const *s, size_t n, const char *path, rn_err *err);

/* ---- replay ---------------------------------------------------------------------------------- */

typedef struct rn_replay_choice {
    const char *policy; /* "adaptive", ..., "only 13b" */
    bool fixed;
    const char *course; /* what it buys while all fails, learnt from all problems */
    bool limited;       /* it would buy more samples than are recorded */
    double promised; /* its chance of a pass by the priors of the folds, mean over the problems */
    rn_interval score, cost, draws; /* over the problems, each a mean over the random orders */
    rn_interval ahead; /* score less that of the best fixed policy; the best itself: none */
    double first;      /* share of resamples in which it has the highest score */
} rn_replay_choice;

typedef struct rn_replay_row {
    double budget, norm;
    int best_fixed;
    const rn_replay_choice *choices; /* [n_choices] */
} rn_replay_row;

typedef struct rn_replay_report {
    const rn_report *report;
    const rn_report_task *task;
    rn_spend_opts opts;
    const int *models; /* as in rn_spend */
    size_t n_models, n_problems;
    double unit;
    const rn_replay_row *rows;
    size_t n_rows, n_choices;
} rn_replay_report;

/* Every policy over the recorded samples in opts->n_orders random orders of each problem; budgets
 * are those of each problem. Errors as above. */
int rn_report_replay(rn_report *r, rn_report_task *t, const rn_spend_opts *opts,
                     rn_replay_report *out, rn_err *err);

void rn_replay_text(const rn_replay_report *s, rn_buf *out);
void rn_replay_csv(const rn_replay_report *s, bool head, rn_buf *out);
void rn_replay_json(const rn_replay_report *s, rn_buf *out);
int rn_replay_plot(const rn_replay_report *const *s, size_t n, const char *path, rn_err *err);

#endif
