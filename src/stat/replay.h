/*
 * replay.h: policies (policy.h) over recorded samples instead of models.
 *
 * A problem is replayed by the counts (n, c) of each arm: a random order of its recorded samples is
 * a draw without replacement, made sample by sample as the policy asks for them. A sample costs
 * what samples of its outcome cost in the mean; one that costs more than is left of the budget is
 * cut there: all that is left is spent, and it does not pass.
 *
 * The same in closed form: as long as everything fails, a policy does the same in every order. Its
 * course, the list of what it buys while all fails, gives score and expected cost of every problem
 * exactly, as cascades of many steps.
 */
#ifndef RN_STAT_REPLAY_H
#define RN_STAT_REPLAY_H

#include "stat/cascade.h"
#include "stat/policy.h"

typedef struct rn_course_step {
    int arm;
    int64_t n; /* samples of it, one after the other */
} rn_course_step;

typedef struct rn_course {
    rn_course_step *steps; /* [n], owned: rn_course_free */
    size_t n;
} rn_course;

/* What the policy buys while everything fails at the costs it expects. The policy is reset before
 * and after. *out is only set on success. */
int rn_stat_course(rn_policy *p, const rn_policy_arm *price, rn_course *out, rn_err *err);
void rn_course_free(rn_course *c);

/* Chance of a pass and expected cost, stopping at the first, per problem: [n_rows] with `stride`
 * elements from one to the next; either may be NULL. RN_EINVAL when an arm has fewer draws than the
 * course buys. Costs must not depend on what is left (no sample is ever cut). */
int rn_stat_course_rows(const rn_arm *const *arms, size_t n_arms, const rn_course *course,
                        size_t stride, double *score, double *cost, rn_err *err);

typedef struct rn_replay {
    double score, cost; /* means over the orders */
    double draws;       /* samples drawn */
} rn_replay;

/* Random orders of one problem's samples: stream (seed, problem), so that they are the same
 * whatever else is replayed. */
typedef struct rn_orders {
    int64_t n;
    uint64_t seed;
    uint32_t problem;
} rn_orders;

/* One problem in orders->n random orders: counts [n_arm], costs [n_arm] (batches are not regarded).
 * The policy's limits must not be above the counts. The policy
 * is reset before each. */
int rn_stat_replay(rn_policy *p, size_t n_arm, const rn_count *counts, const rn_drawcost *costs,
                   const rn_orders *orders, rn_replay *out, rn_err *err);

#endif
