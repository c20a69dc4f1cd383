/*
 * plans.h: the best ways to spend a budget, and policies over recorded samples, from what a report
 * has loaded and priced; behind `ration plan`. docs/METRICS.md, "Plans" and "Replay", says what
 * each number estimates.
 *
 * Budgets are on one axis. `each`: what any single problem may cost, also if everything fails, as
 * in `ration solve`. `total`: for the whole set, in expectation; what easy problems leave goes to
 * hard ones. A choice is made on all folds of the problems but one and scored on that one, in turn;
 * `plan` says what it comes to.
 *
 * Everything is in the report's arena and borrowed until rn_report_free.
 */
#ifndef RN_REPORT_PLANS_H
#define RN_REPORT_PLANS_H

#include "report/report.h"

enum { RN_PLAN_MAX_BUDGETS = 64 };

typedef struct rn_plan_opts {
    rn_unit axis;
    const double *budgets; /* [n_budgets], increasing, in the unit of the axis */
    size_t n_budgets;      /* 0: powers of two of the cheapest sample */
    bool total;            /* budgets are for the whole set */
    bool stop, no_stop;    /* which of both to show; at least one */
    bool replay;           /* policies over recorded samples; budgets are those of each problem */
    uint32_t n_folds;
    int64_t n_orders; /* of a replay */
} rn_plan_opts;

typedef enum rn_choice_kind {
    RN_CHOICE_ALONE,   /* one given model, the best k */
    RN_CHOICE_SINGLE,  /* the best model and k */
    RN_CHOICE_CASCADE, /* one model, then another for what is unsolved */
    RN_CHOICE_MIXTURE, /* each: the adaptive policy; total: a coin between two plans */
    RN_CHOICE_UPPER,   /* total: one model with every problem's pass rate known beforehand;
                          no plan, a line that none with one model is above */
    RN_CHOICE_POLICY,  /* of a replay */
} rn_choice_kind;

typedef struct rn_choice {
    rn_choice_kind kind;
    const char *name; /* "single", "adaptive", "only 13b" */
    bool stop;        /* at the first pass */
    bool fixed;       /* POLICY: decides nothing on the way */
    int model;        /* ALONE: entrant of the task; -1 */
    const char *plan; /* "7b x 9, then 13b x 19": what it comes to on all problems; POLICY: what it
                         bought while all failed */
    bool limited;     /* the budget pays for more samples than curves have: a lower bound */
    bool over;        /* total: it cost more than its budget on the folds that did not choose it */
    rn_interval score, cost; /* cross-fitted, means per problem */
    rn_interval draws;       /* POLICY: samples */
    double promised;         /* POLICY: its chance of a pass by the priors of the folds */
    rn_interval ahead; /* score less that of SINGLE without stopping, or of the best fixed policy;
                                at equal spending where one is over its budget */
    double first; /* share of resamples in which it is first of those with equal `stop`; NAN: SINGLE
                     and UPPER do not compete */
} rn_choice;

typedef struct rn_plan_row {
    double budget;            /* per problem, or of the set if total */
    double norm;              /* per problem, in samples of the cheapest model */
    int best_fixed;           /* of a replay */
    const rn_choice *choices; /* [n_choices] of the plans */
} rn_plan_row;

typedef struct rn_plans {
    const rn_report *report;
    const rn_report_task *task;
    rn_plan_opts opts;
    const int *models; /* [n_models]: entrants that take part, cheapest sample first */
    size_t n_models, n_problems;
    double unit;             /* what a first sample of the cheapest costs */
    const rn_plan_row *rows; /* [n_rows] at the budgets that were asked for */
    size_t n_rows, n_choices;
    const rn_plan_row
        *frontier; /* [n_frontier] at a finer grid of budgets, for the curve; no replay */
    size_t n_frontier;
} rn_plans;

/* For one task of a priced report; its curves are computed if they are not there yet. RN_EINVAL:
 * a budget that is too small for one sample. RN_ENOTFOUND: nothing to plan with; the message
 * says what is missing. */
int rn_report_plans(rn_report *r, rn_report_task *t, const rn_plan_opts *opts, rn_plans *out,
                    rn_err *err);

/* Each model alone at budgets that pay for more samples than its curve has, up to the k of the
 * report's option `extrapolate`: columns and rows into *to, empty before; none where no model is
 * priced on the axis. o->n_budgets 0: doublings of the cheapest sample from where a curve ends.
 * What cannot be extrapolated is a note of the report. */
int rn_report_plan_beyond(rn_report *r, rn_report_task *t, const rn_plan_opts *o, rn_rows *to,
                          rn_err *err);

/* Rendering: a task's plans for people, ending in one line of advice where budgets were asked
 * for; as CSV; as one JSON object; the frontiers or replays of n tasks in one figure (plot.h). */
void rn_plans_text(const rn_plans *s, rn_buf *out);
void rn_plans_csv(const rn_plans *s, bool head, rn_buf *out);
void rn_plans_json(const rn_plans *s, rn_buf *out);
int rn_plans_plot(const rn_plans *s, size_t n, const char *path, rn_err *err);

#endif
