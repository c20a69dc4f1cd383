/*
 * plan.h: the best way to spend a budget per problem, among one model, cascades of two, and
 * mixtures of plans; chosen from recorded outcomes and, to be judged fairly, cross-fitted.
 *
 * Models are arms (cascade.h) over the same problems: rows are problems. Whether sampling stops at
 * the first pass is in the arm's costs: with batch >= k_max every plan pays for all of its k.
 */
#ifndef RN_STAT_PLAN_H
#define RN_STAT_PLAN_H

#include "stat/cascade.h"

typedef enum rn_plan_kind {
    RN_PLAN_SINGLE,  /* one model, up to k samples */
    RN_PLAN_CASCADE, /* up to k1 of one, then up to k2 of another for what is unsolved; or one alone
                      */
    RN_PLAN_MIXTURE, /* each problem gets one of two plans at random, so that the whole budget is
                        used */
} rn_plan_kind;

/* What the budget limits. */
typedef enum rn_plan_limit {
    RN_LIMIT_MEAN, /* the expected cost per problem: what easy problems leave goes to hard ones */
    RN_LIMIT_EACH, /* what any single problem costs, also if everything fails. A coin is of no use
                      then: a mixture is a cascade */
} rn_plan_limit;

typedef struct rn_step {
    int first, second; /* indices of arms; second -1: alone; first -1: nothing is drawn */
    int64_t k1, k2;    /* k2 is 0 where second is -1 */
} rn_step;

typedef struct rn_plan {
    rn_step step, other; /* other with probability `share`; not used where share is 0 */
    double share;
    double score, cost; /* expected, under the weights that chose it: the score is optimistic */
} rn_plan;

/* What is asked of a plan. */
typedef struct rn_plan_ask {
    const rn_arm *const *arms; /* [n_arms] */
    size_t n_arms;
    rn_plan_kind kind;
    rn_plan_limit limit;
    const double *budgets; /* [m] */
    size_t m;
} rn_plan_ask;

/* The plan of `kind` with the best expected score that `limit` allows, for each of budgets [m],
 * under weight [n_rows] (NULL: equally), into plan [m]. Equal scores: the cheaper one. A budget
 * that affords nothing gives the empty plan with score and cost 0. */
int rn_stat_plan_best(const rn_plan_ask *q, const double *weight, rn_plan *plan, rn_err *err);

/* Expected score and cost of a plan per problem, [n_rows] with `stride` elements from one to the
 * next; either may be NULL. */
int rn_stat_plan_rows(const rn_arm *const *arms, size_t n_arms, const rn_plan *plan, size_t stride,
                      double *score, double *cost, rn_err *err);

/* Cross-fitting: for every fold the plans are chosen on the problems of all other folds and applied
 * to the problems of that fold: score and cost, tables [n_rows, m] (either may be NULL), for
 * boot.h. fold [n_rows] is from rn_stat_folds. The budget holds on the data that chose the plan;
 * `cost` tells what it came to on the other. */
int rn_stat_plan_crossfit(const rn_plan_ask *q, const uint32_t *fold, uint32_t n_folds,
                          double *score, double *cost, rn_err *err);

#endif
