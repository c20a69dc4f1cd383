/* fold.c: seeded splits of problems and of samples; see fold.h. */
#include "stat/fold.h"

#include "base/rng.h"

#include <inttypes.h>

int rn_stat_folds(uint64_t seed, size_t n, uint32_t n_folds, uint32_t *fold, rn_err *err)
{
    if (n_folds < 2 || n_folds > n)
        return rn_fail(err, RN_EINVAL, "%" PRIu32 " folds of %zu problems: needs 2 to %zu folds",
                       n_folds, n, n);
    static const char name[] = "folds";
    rn_rng r;
    rn_rng_init(&r, seed, rn_rng_stream(name, sizeof name - 1), n_folds);
    for (size_t i = 0; i < n; i++) { /* Fisher-Yates, inside out, over i mod n_folds */
        size_t j = rn_rng_below(&r, i + 1);
        fold[i] = fold[j];
        fold[j] = (uint32_t)(i % n_folds);
    }
    return 0;
}

void rn_stat_fold_weights(const uint32_t *fold, size_t n, uint32_t which, int inside,
                          double *weight)
{
    for (size_t i = 0; i < n; i++)
        weight[i] = (fold[i] == which) == (inside != 0) ? 1 : 0;
}

int rn_stat_halves(uint64_t seed, const rn_count *eff, size_t n, rn_count *a, rn_count *b,
                   rn_err *err)
{
    static const char name[] = "halves";
    const uint64_t stream = rn_rng_stream(name, sizeof name - 1);
    if (n > UINT32_MAX) return rn_fail(err, RN_EINVAL, "%zu problems", n);
    for (size_t i = 0; i < n; i++) {
        const rn_count x = eff[i];
        if (x.n < 0 || x.c < 0 || x.c > x.n)
            return rn_fail(err, RN_EINVAL, "problem %zu: c = %" PRId64 " of n = %" PRId64, i, x.c,
                           x.n);
        rn_rng r;
        rn_rng_init(&r, seed, stream, (uint32_t)i);
        int64_t half = x.n / 2, passes = 0;
        for (int64_t j = 0; j < half; j++) /* draw without replacement */
            passes += rn_rng_below(&r, (uint64_t)(x.n - j)) < (uint64_t)(x.c - passes);
        a[i] = (rn_count){.n = half, .c = passes};
        b[i] = (rn_count){.n = x.n - half, .c = x.c - passes};
    }
    return 0;
}
