/*
 * extrapolate.h: pass@k beyond the recorded samples, from the distribution of the problems' pass
 * rates p (empirical Bayes):
 *
 *   pass@k = 1 - E (1-p)^k,   fail(k) = fail(m) * F(k) / F(m),   F(k) = E over the fit of (1-p)^k
 *
 * with m the last robust k, so that the curve goes on where the unbiased one ends. The fit is one
 * of two, whichever predicts held-out problems better:
 *
 *   smooth   the mean over Beta and logit-normal distributions of p, with a mass of problems that
 *            are never solved and one of problems that always are, each weighted by how likely it
 *            makes the counts (n, c)
 *   mixture  masses on a grid of rates, by EM, stopped early (nonparametric)
 *
 * An extrapolation rests on a model: it is marked as one wherever it is shown. docs/METRICS.md has
 * the priors, their reasons, and what it was measured to be worth.
 */
#ifndef RN_STAT_EXTRAPOLATE_H
#define RN_STAT_EXTRAPOLATE_H

#include "stat/boot.h"
#include "stat/pass.h"

enum {
    RN_EXTRA_MIN_PROBLEMS = 20,
    RN_EXTRA_MIN_N = 4,      /* samples of each problem, least */
    RN_EXTRA_MAX_FACTOR = 50 /* k at most this many times the samples of each problem */
};

typedef enum rn_extra_form { RN_EXTRA_SMOOTH, RN_EXTRA_MIXTURE } rn_extra_form;
const char *rn_extra_form_name(rn_extra_form f); /* "smooth", "mixture"; static */

/* What an extrapolation rests on; to be printed with it. */
typedef struct rn_extra_about {
    rn_extra_form form;
    double never, always; /* SMOOTH: the mean masses of problems never and always solved */
    double held_out[2];   /* by form: mean log likelihood of a held-out problem's count, nats */
    int64_t from_k;       /* m: where the unbiased curve ends */
} rn_extra_about;

typedef struct rn_extra_ask {
    const rn_count *eff; /* [n]: effective counts, missing 0 (rn_stat_cover) */
    const uint8_t *keep; /* [n]: 1 takes part; NULL: all */
    size_t n;
    /* Counts whose n their own outcomes decided (sequential.h): the unbiased chance that the first
     * from_k samples of a problem all fail, [n], equal where eff is. NULL: eq. 1 at floor(least n /
     * 2) samples. The fit itself does not ask why sampling ended. */
    const double *fail;
    int64_t from_k;
    const int64_t *ks; /* [n_ks], each at least floor(least n / 2), or from_k */
    size_t n_ks;
    size_t n_resamples; /* over problems, for the intervals; 0: none, lo and hi are NAN */
    uint64_t seed;
    double level;
    double *drawn; /* [n_ks, n_resamples]: pass@k of each resample; NULL: not wanted */
} rn_extra_ask;

/* NULL, or why these counts cannot be extrapolated to `k`: too few problems or samples, none or all
 * passed, k too far. Static. */
const char *rn_stat_extrapolate_why_not(const rn_count *eff, const uint8_t *keep, size_t n,
                                        int64_t k);

/* pass@k with percentile intervals into out [n_ks]. RN_EUNSUPPORTED where the data cannot tell. */
int rn_stat_extrapolate(const rn_extra_ask *ask, rn_interval *out, rn_extra_about *about,
                        rn_err *err);

/* The same from points of a curve (published tables): pass [n] at k [n], increasing, fitted by
 * least squares with an error of `error` per point; into out [n_ks]. At least 3 points. */
int rn_stat_extrapolate_curve(const int64_t *k, const double *pass, size_t n, double error,
                              const int64_t *ks, size_t n_ks, double *out, rn_err *err);

#endif
