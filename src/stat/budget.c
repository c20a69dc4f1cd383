/*
 * budget.c: costs of k samples, and curves read at budgets; see budget.h. Budgets come from people
 * and from sums: comparisons allow for rounding (tol.h).
 */
#include "stat/budget.h"
#include "stat/tol.h"

int rn_stat_cost_check(const rn_kcost *cost, rn_err *err)
{
    if (!(cost->shared >= 0) || !isfinite(cost->shared))
        return rn_fail(err, RN_EINVAL, "cost of the prompt is %g: must be finite, 0 or more",
                       cost->shared);
    if (cost->n_points == 0) {
        if (!(cost->per_sample > 0) || !isfinite(cost->per_sample))
            return rn_fail(err, RN_EINVAL, "cost per sample is %g: must be finite and positive",
                           cost->per_sample);
        return 0;
    }
    for (size_t i = 0; i < cost->n_points; i++) {
        if (cost->k[i] < 1 || (i > 0 && cost->k[i] <= cost->k[i - 1]))
            return rn_fail(err, RN_EINVAL,
                           "cost table, entry %zu: k = %" PRId64 " must exceed the one before it",
                           i, cost->k[i]);
        if (!(cost->cost[i] > 0) || !isfinite(cost->cost[i]))
            return rn_fail(err, RN_EINVAL,
                           "cost table, entry %zu: cost %g must be finite and positive", i,
                           cost->cost[i]);
        if (i > 0 && cost->cost[i] < cost->cost[i - 1])
            return rn_fail(err, RN_EINVAL,
                           "cost table, entry %zu: %g for k = %" PRId64
                           " is less than %g for fewer samples; smooth the measurements",
                           i, cost->cost[i], cost->k[i], cost->cost[i - 1]);
    }
    return 0;
}

/* The table's cost of one batch of 0 <= k <= k[last] samples. */
static double batch_cost(const rn_kcost *c, int64_t k)
{
    if (k == 0) return 0;
    if (k <= c->k[0]) return c->cost[0];
    size_t lo = 0, hi = c->n_points - 1; /* k[lo] < k <= k[hi] */
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->k[mid] < k)
            lo = mid;
        else
            hi = mid;
    }
    double part = (double)(k - c->k[lo]) / (double)(c->k[hi] - c->k[lo]);
    return k == c->k[hi] ? c->cost[hi] : c->cost[lo] + part * (c->cost[hi] - c->cost[lo]);
}

double rn_stat_cost(const rn_kcost *cost, int64_t k)
{
    if (k <= 0) return 0;
    if (cost->n_points == 0) return cost->shared + cost->per_sample * (double)k;
    int64_t batch = cost->k[cost->n_points - 1];
    double whole = (double)(k / batch) * cost->cost[cost->n_points - 1];
    return cost->shared + whole + batch_cost(cost, k % batch);
}

int64_t rn_stat_afford(const rn_kcost *cost, double budget, int64_t k_limit)
{
    int64_t lo = 0, hi = k_limit; /* cost(lo) fits; nothing above hi is asked for */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo + 1) / 2;
        if (rn_stat_cost(cost, mid) <= budget * RN_STAT_SLACK)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

int rn_stat_budget_grid(double lo, double hi, size_t m, double *budgets, rn_err *err)
{
    if (m < 2 || !(lo > 0) || !(hi > lo) || !isfinite(hi))
        return rn_fail(
            err, RN_EINVAL,
            "budget grid of %zu points from %g to %g: needs 2 points or more, 0 < lo < hi", m, lo,
            hi);
    double step = log(hi / lo) / (double)(m - 1);
    for (size_t i = 1; i + 1 < m; i++)
        budgets[i] = lo * exp(step * (double)i);
    budgets[0] = lo;
    budgets[m - 1] = hi;
    return 0;
}

int rn_stat_budget_table(const rn_ktable *t, const rn_kcost *costs, int per_row,
                         const double *budgets, size_t m, double *out, rn_err *err)
{
    const size_t n_rows = t->n_rows;
    const int64_t k_max = t->k_max;
    if (k_max < 1) return rn_fail(err, RN_EINVAL, "k_max = %" PRId64 ": must be at least 1", k_max);
    for (size_t i = 0; i < (per_row ? n_rows : 1); i++) {
        int rc = rn_stat_cost_check(&costs[i], err);
        if (rc) return per_row ? rn_err_prefix(err, "row %zu", i) : rc;
    }
    for (size_t j = 0; j < m; j++)
        if (isnan(budgets[j])) return rn_fail(err, RN_EINVAL, "budget %zu is not a number", j);

    for (size_t j = 0; j < m; j++) {
        int beyond = 0;
        int64_t k = 0;
        for (size_t i = 0; i < n_rows && !beyond; i++) {
            if (per_row || i == 0)
                k = rn_stat_afford(&costs[per_row ? i : 0], budgets[j], k_max + 1);
            beyond = k > k_max;
            out[i * m + j] = k == 0 || beyond ? 0 : t->at[i * (size_t)k_max + (size_t)k - 1];
        }
        for (size_t i = 0; i < n_rows && beyond; i++)
            out[i * m + j] = NAN;
    }
    return 0;
}
