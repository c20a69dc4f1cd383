/*
 * alloc.h: one budget for a whole set of problems, instead of the same k for each: what early
 * stopping does not spend on easy problems goes to hard ones. Computed from recorded outcomes.
 *
 *  - rounds: the realisable policy. Every unsolved problem gets one more sample (or batch), round
 *    after round, until the budget is spent. Knows nothing in advance.
 *  - oracle: the upper line. Knows each problem's pass rate, though not which sample passes, and
 *    spends on the problems with the most passes per unit of cost first.
 * Budgets are totals of the set; scores are fractions of the problems.
 */
#ifndef RN_STAT_ALLOC_H
#define RN_STAT_ALLOC_H

#include "stat/cascade.h"

/* Budget met in expectation: after r rounds the set has cost[r-1] in total and solved the fraction
 * score[r-1], r = 1..arm->k_max; both exact, for weight [n_rows] as in rn_stat_cascade_grid (totals
 * are then of the weighted set). Either may be NULL. */
int rn_stat_rounds(const rn_arm *arm, const double *weight, double *score, double *cost,
                   rn_err *err);

/* The oracle at each of budgets [m]: the largest expected fraction solved by any plan of
 * (problem, number of draws up to k_max <= arm->k_max) with stop at the first pass whose expected
 * total cost is at most the budget; a problem may be attempted with a probability. Optimistic: the
 * pass rates it knows are those of the recorded samples. *end (may be NULL): the budget from which
 * on it stands still, because no recorded draw is left that could gain. */
int rn_stat_oracle(const rn_arm *arm, int64_t k_max, const double *budgets, size_t m, double *score,
                   double *end, rn_err *err);

#endif
