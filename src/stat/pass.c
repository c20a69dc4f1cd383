/*
 * pass.c: pass@k, eq. 1: pass = 1 - C(n-c, k) / C(n, k).
 *
 * The ratio of binomials is the chance that k draws without replacement from n samples, c of which
 * pass, all fail. It is symmetric in c and k:
 *   fail(k) = prod_{j < min(c,k)} (n - max(c,k) - j) / (n - j)
 * One value is computed from the sum of the logarithms of these factors: the terms have one sign,
 * and 1 - exp(-s) through expm1 loses nothing where pass is small. A whole curve uses fail(k+1) =
 * fail(k) (n-c-k)/(n-k),   pass(k+1) = pass(k) + fail(k) c/(n-k) where the sum of positive terms is
 * exact while pass is small and 1 - fail once it is large. No binomial coefficient is ever formed,
 * so that nothing overflows.
 */
#include "stat/pass.h"

/* 1 - exp(-50) is 1 to the last bit. */
#define LOG_NOTHING (-50.0)

static int check_count(int64_t n, int64_t c, rn_err *err)
{
    if (n < 0 || n > RN_STAT_MAX_N)
        return rn_fail(err, RN_EINVAL, "n = %" PRId64 " samples: must be 0 to 2^31", n);
    if (c < 0)
        return rn_fail(err, RN_EINVAL, "c = %" PRId64 " passing samples: must not be negative", c);
    if (c > n)
        return rn_fail(err, RN_EINVAL,
                       "c = %" PRId64 " passing of n = %" PRId64 " samples: more passed than exist",
                       c, n);
    return 0;
}

static int check_k(int64_t n, int64_t c, int64_t k, rn_err *err)
{
    int rc = check_count(n, c, err);
    if (rc) return rc;
    if (k < 1) return rn_fail(err, RN_EINVAL, "k = %" PRId64 ": must be at least 1", k);
    if (k > n)
        return rn_fail(err, RN_EINVAL,
                       "k = %" PRId64 " is more than the n = %" PRId64
                       " samples: pass@k needs n >= k; draw more samples or ask for a smaller k",
                       k, n);
    return 0;
}

int rn_stat_cover(const rn_count *counts, size_t n, rn_missing policy, rn_count *eff, uint8_t *keep,
                  rn_coverage *cov, rn_err *err)
{
    rn_coverage sum = {.n_problems = n};
    for (size_t i = 0; i < n; i++) {
        rn_count x = counts[i];
        int rc = check_count(x.n, x.c, err);
        if (rc) return rn_err_prefix(err, "problem %zu", i);
        if (x.missing < 0 || x.missing > RN_STAT_MAX_N - x.n)
            return rn_fail(err, RN_EINVAL, "problem %zu: %" PRId64 " missing samples", i,
                           x.missing);
        if (policy == RN_MISSING_REFUSE && (x.missing > 0 || x.n == 0))
            return rn_fail(err, RN_EINVAL,
                           "problem %zu: %" PRId64 " samples judged, %" PRId64
                           " missing; judge them, or say what a missing sample counts as",
                           i, x.n, x.missing);
        sum.n_samples += x.n;
        sum.n_passed += x.c;
        sum.n_missing += x.missing;
        if (x.n == 0) sum.n_empty++;
        if (x.n > 0 && x.missing > 0) sum.n_partial++;
        if (policy == RN_MISSING_FAIL) x.n += x.missing;
        x.missing = 0;
        int used = x.n > 0 || policy == RN_MISSING_FAIL;
        if (used) sum.n_used++;
        if (x.n > 0) {
            if (sum.min_n == 0 || x.n < sum.min_n) sum.min_n = x.n;
            if (x.n > sum.max_n) sum.max_n = x.n;
        }
        if (eff) eff[i] = x;
        if (keep) keep[i] = (uint8_t)used;
    }
    sum.k_max = sum.min_n == 1 ? 1 : sum.min_n / 2;
    *cov = sum;
    return 0;
}

int rn_stat_pass(int64_t n, int64_t c, int64_t k, double *out, rn_err *err)
{
    int rc = check_k(n, c, k, err);
    if (rc) return rc;
    int64_t few = c < k ? c : k;
    double many = (double)(c < k ? k : c);
    if (few == 0 || c + k > n) {
        *out = few == 0 ? 0 : 1;
        return 0;
    }
    if (few == 1) { /* k/n or c/n, exactly rounded */
        *out = many / (double)n;
        return 0;
    }
    double sum = 0, lost = 0; /* Neumaier: `lost` collects the rounding errors of `sum` */
    for (int64_t j = 0; j < few && sum > LOG_NOTHING; j++) {
        double all = (double)(n - j), x = many / all;
        double term = x < 0.5 ? log1p(-x) : log((all - many) / all);
        double next = sum + term;
        lost += sum <= term ? (sum - next) + term : (term - next) + sum;
        sum = next;
    }
    *out = -expm1(sum + lost);
    return 0;
}

int rn_stat_pass_curve(int64_t n, int64_t c, int64_t k_max, double *pass, double *fail, rn_err *err)
{
    int rc = check_k(n, c, k_max, err);
    if (rc) return rc;
    /* none = fail(k-1); some + lost = pass(k-1), `lost` collecting the rounding errors of `some`
     * (Neumaier). Up to pass = 1/2 none follows from the sum, whose error does not grow with k;
     * from there on from its own factors. */
    double none = 1, some = 0, lost = 0;
    for (int64_t k = 1; k <= k_max; k++) {
        double left = (double)(n - k + 1);
        double failing = n - c - k + 1 > 0 ? (double)(n - c - k + 1) : 0;
        double term = none * ((double)c / left), next = some + term;
        lost += some >= term ? (some - next) + term : (term - next) + some;
        some = next;
        none = some < 0.5 ? 1 - (some + lost) : none * (failing / left);
        if (pass) pass[k - 1] = some < 0.5 ? some + lost : 1 - none;
        if (fail) fail[k - 1] = none;
    }
    return 0;
}

int rn_stat_pass_table(const rn_count *eff, const uint8_t *keep, size_t n, int64_t k_max,
                       double *table, rn_err *err)
{
    if (k_max < 1) return rn_fail(err, RN_EINVAL, "k_max = %" PRId64 ": must be at least 1", k_max);
    double *row = table;
    for (size_t i = 0; i < n; i++) {
        if (keep && !keep[i]) continue;
        if (eff[i].n == 0) {
            memset(row, 0, (size_t)k_max * sizeof *row);
        } else {
            int rc = rn_stat_pass_curve(eff[i].n, eff[i].c, k_max, row, NULL, err);
            if (rc) return rn_err_prefix(err, "problem %zu", i);
        }
        row += k_max;
    }
    return 0;
}

void rn_stat_means(const double *table, const double *weight, size_t n_rows, size_t n_cols,
                   double *mean)
{
    memset(mean, 0, n_cols * sizeof *mean);
    double total = 0;
    for (size_t i = 0; i < n_rows; i++) {
        const double *row = table + i * n_cols;
        double w = weight ? weight[i] : 1;
        total += w;
        for (size_t j = 0; j < n_cols; j++)
            mean[j] += w * row[j];
    }
    for (size_t j = 0; j < n_cols; j++)
        mean[j] = total != 0 ? mean[j] / total : NAN;
}

/* ---- ration.h -------------------------------------------------------------------------------- */

int rn_pass_at_k(int64_t n, int64_t c, int64_t k, double *out, rn_err *err)
{
    return rn_stat_pass(n, c, k, out, err);
}

int rn_pass_curve(int64_t n, int64_t c, int64_t k_max, double *out, rn_err *err)
{
    return rn_stat_pass_curve(n, c, k_max, out, NULL, err);
}
