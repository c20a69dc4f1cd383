/* plan_field.h: the models that plans and replays of a task choose among, and the work on them;
 * shared by plan_choices.c and plan_replay.c. */
#ifndef RN_REPORT_PLAN_FIELD_H
#define RN_REPORT_PLAN_FIELD_H

#include "report/plans.h"
#include "report/report_priv.h"
#include "stat/replay.h"

/* Sorted by the cost of a sample that fails, cheapest first. */
typedef struct rn_field {
    size_t n, n_rows;
    int model[RN_PRIOR_MAX_ARM]; /* entrants of the task */
    rn_drawcost cost[RN_PRIOR_MAX_ARM];
    rn_arm *stop[RN_PRIOR_MAX_ARM], *all[RN_PRIOR_MAX_ARM]; /* up to the last k; owned */
    rn_count *counts[RN_PRIOR_MAX_ARM];                     /* [n_rows] over the common problems */
    int64_t least_n[RN_PRIOR_MAX_ARM]; /* samples of the problem with the fewest */
    double unit;                       /* a first sample of the cheapest */
    const char *unit_model;
} rn_field;

/* Plans in work: at budgets [m] per problem. `a` is for the time of the work. */
typedef struct rn_plan_job {
    rn_report *r;
    const rn_report_task *t;
    const rn_plan_opts *o;
    rn_field f;
    rn_arena a;
    const uint32_t *fold;  /* [n_rows] */
    const double *budgets; /* [m] */
    size_t m;
    rn_err *err;
} rn_plan_job;

/* Computes the curves of the task if they are not there yet. `whole`: arms up to every recorded
 * sample of the problem with the fewest, not only the robust half. RN_ENOTFOUND says what there is
 * to do before anything can be planned. On error nothing is to be freed. */
int rn_report_field(rn_report *r, rn_report_task *t, rn_unit axis, bool whole, rn_field *out,
                    rn_err *err);
void rn_report_field_free(rn_field *f);

/* The prior from the problems with weight > 0 (NULL: all). The caller frees *out. */
int rn_report_field_prior(const rn_field *f, const double *weight, rn_prior **out, rn_err *err);
/* Expected costs, and as many samples as the field's arms have. */
void rn_report_field_prices(const rn_field *f, rn_policy_arm price[RN_PRIOR_MAX_ARM]);
/* Whether a budget per problem pays for more samples of arm `a` than its curve has; `total`: in
 * expectation, else where all fail. */
bool rn_report_field_ended(const rn_field *f, size_t a, bool stop, bool total, double budget);

/* RN_EINVAL for budgets that do not buy one sample. A total budget need only buy one at all. */
int rn_report_check_budgets(const rn_plan_opts *o, const rn_field *f, rn_err *err);
/* The budgets per problem that were asked for, or else powers of two, into out
 * [RN_PLAN_MAX_BUDGETS]; returns their number. */
size_t rn_report_field_budgets(const rn_plan_opts *o, const rn_field *f, double *out);
/* From the cheapest sample on, per_doubling budgets each time they double, to where only one model
 * has more samples; per problem. */
size_t rn_report_field_grid(const rn_field *f, int per_doubling, double *out);

/* "7b x 3, then 13b x 1", or "7b x 9, 13b x 4 in turns, first 7b x 3": a course as text, in the
 * report's arena; NULL: out of memory. */
const char *rn_report_course_text(const rn_plan_job *j, const rn_course *course);

/* The rows of the job's budgets, in the report's arena: plan_choices.c, plan_replay.c. */
int rn_plan_choices(rn_plan_job *j, const rn_plan_row **rows, size_t *n_choices);
int rn_plan_replays(rn_plan_job *j, const rn_plan_row **rows, size_t *n_choices);

#endif
