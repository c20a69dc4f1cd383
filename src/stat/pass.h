/*
 * pass.h: pass@k (eq. 1 of the method) of one problem and of a set, for every k.
 *
 * A problem is a pair (n, c): n samples were judged, c of them pass all tests. Every estimator of
 * this module takes problems as rows: a table [n_rows, n_cols] of float64 holds one value per
 * problem and point of a curve (k, or a budget), the curve is the mean of its rows, and boot.h
 * resamples its rows. docs/METRICS.md derives each formula.
 */
#ifndef RN_STAT_PASS_H
#define RN_STAT_PASS_H

#include "base/base.h"

typedef struct rn_count {
    int64_t n;       /* samples with a verdict of family P or L; at most RN_STAT_MAX_N */
    int64_t c;       /* of them passed; 0 <= c <= n */
    int64_t missing; /* samples without a verdict, or with a failed sandbox; >= 0 */
} rn_count;

#define RN_STAT_MAX_N ((int64_t)1 << 31) /* products of two counts stay exact in float64 */

/* What a missing sample counts as. */
typedef enum rn_missing {
    RN_MISSING_DROP, /* nothing: n is what was judged; a problem with n = 0 is left out */
    RN_MISSING_FAIL, /* a failed sample; a problem with no samples at all counts as never solved */
    RN_MISSING_REFUSE, /* an error: RN_EINVAL names the first problem that lacks samples */
} rn_missing;

/* What a mean over problems rests on; to be printed with it. */
typedef struct rn_coverage {
    size_t n_problems;                      /* in the set */
    size_t n_used;                          /* rows of the tables */
    size_t n_empty;                         /* without any judged sample */
    size_t n_partial;                       /* with some, but not all, samples judged */
    int64_t n_samples, n_passed, n_missing; /* sums over the set */
    int64_t min_n, max_n; /* effective n over the used problems that have samples; 0 if none */
    int64_t k_max; /* where the curve stops: floor(min_n / 2), but 1 if min_n is 1; 0 if none */
} rn_coverage;

/* Applies `policy` to the counts [n] of a set: effective counts into eff [n] (missing is 0 there),
 * keep[i] = 1 where problem i takes part (both may be NULL), and what the result rests on into
 * *cov. RN_EINVAL for a count outside its range, with the problem's index. */
int rn_stat_cover(const rn_count *counts, size_t n, rn_missing policy, rn_count *eff, uint8_t *keep,
                  rn_coverage *cov, rn_err *err);

/* pass@k of one problem, relative error a few ulp for any n. O(min(c, k)). RN_EINVAL unless
 * 0 <= c <= n and 1 <= k <= n. */
int rn_stat_pass(int64_t n, int64_t c, int64_t k, double *out, rn_err *err);

/* pass@k for k = 1..k_max into pass [k_max], and the probability of no pass in k draws,
 * C(n-c, k) / C(n, k), into fail [k_max]; either may be NULL. O(k_max). RN_EINVAL unless
 * 0 <= c <= n and 1 <= k_max <= n. */
int rn_stat_pass_curve(int64_t n, int64_t c, int64_t k_max, double *pass, double *fail,
                       rn_err *err);

/* One row per problem i with keep[i] (NULL: all), in order: pass@1..pass@k_max, row-major into
 * table [n_rows, k_max]. A problem with n = 0 gives a row of zeros (see RN_MISSING_FAIL). */
int rn_stat_pass_table(const rn_count *eff, const uint8_t *keep, size_t n, int64_t k_max,
                       double *table, rn_err *err);

/* Means of the columns of table [n_rows, n_cols] into mean [n_cols], rows weighted by weight
 * [n_rows] (NULL: equally). Each sum runs in row order. NAN where the weights sum to 0. */
void rn_stat_means(const double *table, const double *weight, size_t n_rows, size_t n_cols,
                   double *mean);

#endif
