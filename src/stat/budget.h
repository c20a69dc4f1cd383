/*
 * budget.h: curves over k as step functions of a budget (eq. 2, 3, 5, 6 of the method): the value
 * at budget f is that at the largest k with cost(k) <= f, and its inverse, the budget to reach a
 * score.
 *
 * A cost is in any unit (FLOPs, seconds, money); budgets are compared in the same unit.
 */
#ifndef RN_STAT_BUDGET_H
#define RN_STAT_BUDGET_H

#include "base/base.h"

/* What k samples of one problem cost: non-decreasing in k, and positive at k = 1.
 * Linear (n_points = 0): shared + per_sample * k; `shared` is the prompt, processed once.
 * Table (n_points > 0): shared + the measured cost at k[i], strictly increasing, linear between the
 * entries; below the first entry the first entry's cost (a batch that is not full costs as much);
 * past the last one, whole batches of the last size and a rest: T(k) = q T(b) + T(k - q b). */
typedef rn_cost_curve rn_kcost;

/* RN_EINVAL when the cost is not finite, negative, decreasing, or buys samples for nothing. */
int rn_stat_cost_check(const rn_kcost *cost, rn_err *err);
/* cost(k); 0 at k = 0. The cost must have passed rn_stat_cost_check. */
double rn_stat_cost(const rn_kcost *cost, int64_t k);
/* The largest k <= k_limit with cost(k) <= budget, 0 if none. A budget that equals cost(k) but for
 * rounding (relative 1e-12) affords k. */
int64_t rn_stat_afford(const rn_kcost *cost, double budget, int64_t k_limit);

/* budgets[0..m-1]: geometric from lo to hi, both included exactly; m >= 2, 0 < lo < hi. */
int rn_stat_budget_grid(double lo, double hi, size_t m, double *budgets, rn_err *err);

/* Values at k = 1..k_max of each row: at [n_rows, k_max]. */
typedef struct rn_ktable {
    const double *at;
    size_t n_rows;
    int64_t k_max;
} rn_ktable;

/* From a table to out [n_rows, m] (values at the budgets).
 * costs: [n_rows] if per_row, else one cost for all rows. A budget that affords no sample has value
 * 0; one that affords more than k_max samples of any row has no robust estimate: NAN in all rows,
 * unless it is within the step of k_max, that is, below cost(k_max + 1). */
int rn_stat_budget_table(const rn_ktable *t, const rn_kcost *costs, int per_row,
                         const double *budgets, size_t m, double *out, rn_err *err);

#endif
