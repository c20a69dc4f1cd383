/* stat_api.c: the estimators of ration.h, on top of the module's own interfaces. */
#include "stat/boot.h"
#include "stat/pass.h"
#include "stat/rankscore.h"
#include "stat/stop.h"

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

int rn_rank_score(const double *score, const uint8_t *pass, int64_t n, int64_t k, double *out,
                  rn_err *err)
{
    if (n < 1) return rn_fail(err, RN_EINVAL, "rank-score of %" PRId64 " samples", n);
    const rn_ranked r = {.score = score, .pass = pass, .n = n};
    double *place = malloc((size_t)n * sizeof *place);
    if (!place) return rn_nomem(err, "ranking");
    int64_t n_place;
    int rc = rn_stat_rank_order(&r, false, RN_CUT_LAST, place, &n_place, err);
    if (rc == 0) rc = rn_stat_rank_at(place, n_place, k, out, err);
    free(place);
    return rc;
}

int rn_bootstrap(const rn_bootstrap_table *t, double *mean, double *lo, double *hi, rn_err *err)
{
    rn_boot *boot = NULL;
    int rc = rn_stat_boot_new(t->n_problems, t->n_resamples, t->seed, &boot, err);
    if (rc) return rc;
    const size_t n = t->n_points;
    rn_interval *out = calloc(n + 1, sizeof *out);
    if (!out)
        rc = rn_nomem(err, "points");
    else if (t->minus)
        rc = rn_stat_boot_paired(boot, t->values, t->minus, n, t->level, out, NULL, err);
    else
        rc = rn_stat_boot_interval(boot, t->values, n, t->level, out, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        mean[i] = out[i].value;
        lo[i] = out[i].lo;
        hi[i] = out[i].hi;
    }
    free(out);
    rn_stat_boot_free(boot);
    return rc;
}
