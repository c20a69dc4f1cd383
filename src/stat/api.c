/* api.c: the estimators of ration.h, on top of the module's own interfaces. */
#include "stat/boot.h"
#include "stat/pass.h"
#include "stat/rankscore.h"
#include "stat/stop.h"

#include <inttypes.h>
#include <stdlib.h>

int rn_pass_at_k(int64_t n, int64_t c, int64_t k, double *out, rn_err *err)
{
    return rn_stat_pass(n, c, k, out, err);
}

int rn_pass_curve(int64_t n, int64_t c, int64_t k_max, double *out, rn_err *err)
{
    return rn_stat_pass_curve(n, c, k_max, out, NULL, err);
}

int rn_expected_draws(int64_t n, int64_t c, int64_t k, double *out, rn_err *err)
{
    return rn_stat_draws(n, c, k, out, err);
}

int rn_rank_score(const double *score, const uint8_t *pass, int64_t n, int lower_is_better,
                  int64_t k, double *out, rn_err *err)
{
    if (n < 1) return rn_fail(err, RN_EINVAL, "rank-score of %" PRId64 " samples", n);
    const rn_ranked r = {.score = score, .pass = pass, .n = n};
    double *place = malloc((size_t)n * sizeof *place);
    if (!place) return rn_fail(err, RN_ENOMEM, "no memory to rank %" PRId64 " samples", n);
    int64_t n_place;
    int rc = rn_stat_rank_order(&r, lower_is_better != 0, RN_CUT_LAST, place, &n_place, err);
    if (rc == 0) rc = rn_stat_rank_at(place, n_place, k, out, err);
    free(place);
    return rc;
}

/* Of x alone, or of x - y. */
static int bootstrap(const double *x, const double *y, size_t n_problems, size_t n_points,
                     size_t n_resamples, uint64_t seed, double level, double *mean, double *lo,
                     double *hi, rn_err *err)
{
    rn_boot *boot = NULL;
    int rc = rn_stat_boot_new(n_problems, n_resamples, seed, &boot, err);
    if (rc) return rc;
    rn_interval *out = calloc(n_points + 1, sizeof *out);
    if (!out)
        rc = rn_fail(err, RN_ENOMEM, "no memory for %zu points", n_points);
    else if (y)
        rc = rn_stat_boot_paired(boot, x, y, n_points, level, out, NULL, err);
    else
        rc = rn_stat_boot_interval(boot, x, n_points, level, out, err);
    for (size_t i = 0; i < n_points && rc == 0; i++) {
        mean[i] = out[i].value;
        lo[i] = out[i].lo;
        hi[i] = out[i].hi;
    }
    free(out);
    rn_stat_boot_free(boot);
    return rc;
}

int rn_bootstrap(const double *values, size_t n_problems, size_t n_points, size_t n_resamples,
                 uint64_t seed, double level, double *mean, double *lo, double *hi, rn_err *err)
{
    return bootstrap(values, NULL, n_problems, n_points, n_resamples, seed, level, mean, lo, hi,
                     err);
}

int rn_bootstrap_difference(const double *x, const double *y, size_t n_problems, size_t n_points,
                            size_t n_resamples, uint64_t seed, double level, double *mean,
                            double *lo, double *hi, rn_err *err)
{
    return bootstrap(x, y, n_problems, n_points, n_resamples, seed, level, mean, lo, hi, err);
}
