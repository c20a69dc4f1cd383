/*
 * stop.c: expected draws and cost of "up to k, stop at the first pass".
 *
 * Draw j+1 happens when the first j draws all failed, with probability fail(j). Hence
 *   E[draws] = sum_{j<k} fail(j),   E[failing draws] = sum_{1<=j<=k} fail(j),
 * and the one passing draw happens with probability pass(k). With batches of b, batch r of s
 * samples happens with probability fail(r b) and then holds s (n-rb-c)/(n-rb) failing and s
 * c/(n-rb) passing samples in expectation. Closed form of the first sum: sum_{j<k} C(n-j, c) / C(n,
 * c), a hockey stick.
 */
#include "stat/stop.h"

int rn_stat_drawcost_check(const rn_drawcost *cost, rn_err *err)
{
    const double part[] = {cost->shared, cost->failing, cost->passing};
    const char *const name[] = {"the prompt", "a failing sample", "a passing sample"};
    for (int i = 0; i < 3; i++)
        if (!(part[i] >= 0) || !isfinite(part[i]))
            return rn_fail(err, RN_EINVAL, "cost of %s is %g: must be finite, 0 or more", name[i],
                           part[i]);
    if (part[0] + part[1] + part[2] <= 0)
        return rn_fail(err, RN_EINVAL,
                       "a sample costs nothing: give its cost, or 1 to count samples");
    if (cost->batch < 0)
        return rn_fail(err, RN_EINVAL, "batches of %" PRId64 " samples: must be 0 or more",
                       cost->batch);
    return 0;
}

int rn_stat_draws(int64_t n, int64_t c, int64_t k, double *out, rn_err *err)
{
    double pass;
    int rc = rn_stat_pass(n, c, k, &pass, err); /* checks n, c and k */
    if (rc) return rc;
    if (c == 0) {
        *out = (double)k;
        return 0;
    }
    if (n == RN_STAT_MAX_N)
        return rn_fail(err, RN_EINVAL, "n = %" PRId64 " samples: must be below 2^31", n);
    rc = rn_stat_pass(n + 1, c + 1, k, &pass, err);
    if (rc) return rc;
    *out = (double)(n + 1) / (double)(c + 1) * pass;
    return 0;
}

int rn_stat_stop_curve(const rn_count *problem, const rn_drawcost *cost, int64_t k_max,
                       double *draws, double *spent, rn_err *err)
{
    const int64_t n = problem->n, c = problem->c;
    int rc = rn_stat_drawcost_check(cost, err);
    if (rc) return rc;
    if (n == 0 && k_max < 1)
        return rn_fail(err, RN_EINVAL, "k_max = %" PRId64 ": must be at least 1", k_max);
    if (n > 0) { /* for its checks */
        double ignored;
        rc = rn_stat_pass(n, c, k_max, &ignored, err);
        if (rc) return rc;
    }
    const int64_t batch = cost->batch > 1 ? cost->batch : 1;
    double none = 1;                        /* fail(k-1) */
    double full_draws = 0, full_spent = 0;  /* of the batches before this one */
    double reach = 1, each = cost->failing; /* P(this batch), expected cost of a sample of it */
    for (int64_t k = 1; k <= k_max; k++) {
        int64_t place = (k - 1) % batch + 1; /* within its batch */
        double left = (double)(n - k + 1);
        if (place == 1 && n > 0) {
            reach = none;
            /* Past n - c failing draws there is nothing left to fail, and reach is 0. */
            double p = none > 0 ? (double)c / left : 1;
            each = p * cost->passing + (1 - p) * cost->failing;
        }
        double now_draws = full_draws + reach * (double)place;
        double now_spent = full_spent + reach * (double)place * each;
        if (draws) draws[k - 1] = now_draws;
        if (spent) spent[k - 1] = cost->shared + now_spent;
        if (place == batch) {
            full_draws = now_draws;
            full_spent = now_spent;
        }
        if (n > 0) none *= n - c - k + 1 > 0 ? (double)(n - c - k + 1) / left : 0;
    }
    return 0;
}

int rn_stat_stop_table(const rn_counts *x, const rn_drawcost *costs, int per_row, int64_t k_max,
                       double *draws, double *spent, rn_err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (x->keep && !x->keep[i]) continue;
        int rc = rn_stat_stop_curve(&x->eff[i], &costs[per_row ? i : 0], k_max,
                                    draws ? draws + at : NULL, spent ? spent + at : NULL, err);
        if (rc) return rn_err_prefix(err, "problem %zu", i);
        at += (size_t)k_max;
    }
    return 0;
}

/* ---- ration.h -------------------------------------------------------------------------------- */

int rn_expected_draws(int64_t n, int64_t c, int64_t k, double *out, rn_err *err)
{
    return rn_stat_draws(n, c, k, out, err);
}
