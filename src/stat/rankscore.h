/*
 * rankscore.h: rank-score@k (eq. 4 of the method): the chance that, of k samples drawn at random
 * from n, the one that the ranker puts first passes.
 *
 * Ties are averaged exactly: the value is the mean over all orders within groups of equal scores,
 * which is eq. 4 with each pass_i replaced by its group's mean. Bounds: a ranker that chooses
 * blindly scores the mean pass rate c/n at every k, a perfect one pass@k.
 */
#ifndef RN_STAT_RANKSCORE_H
#define RN_STAT_RANKSCORE_H

#include "base/base.h"

/* What becomes of samples that are left out of the ranking (cut by the token limit). */
typedef enum rn_cut {
    RN_CUT_LAST, /* drawn and paid for, never chosen: k counts them; all k cut is a failure */
    RN_CUT_DROP, /* not part of the population: k counts only samples that can be ranked */
} rn_cut;

typedef struct rn_ranked {
    const double *score; /* [n], no NAN; borrowed */
    const uint8_t *pass; /* [n], 0 or 1; borrowed */
    const uint8_t *cut;  /* [n], 1: left out of the ranking; NULL: none; borrowed */
    int64_t n;
} rn_ranked;

/* The vector of eq. 4, best first, ties replaced by their group's mean, into place [n]; *n_place is
 * its length: n under RN_CUT_LAST (cut samples are zeros at the end), less the cut ones under
 * RN_CUT_DROP. RN_EINVAL for a NAN score or a pass flag other than 0 and 1. */
int rn_stat_rank_order(const rn_ranked *r, bool lower_is_better, rn_cut cut, double *place,
                       int64_t *n_place, rn_err *err);

/* rank-score@k of one problem from its vector place [n] (values in [0, 1]). O(n): weights below
 * 1e-18 of the whole are left out. RN_EINVAL unless 1 <= k <= n. */
int rn_stat_rank_at(const double *place, int64_t n, int64_t k, double *out, rn_err *err);

/* The same for k = 1..k_max into out [k_max]. */
int rn_stat_rank_curve(const double *place, int64_t n, int64_t k_max, double *out, rn_err *err);

/* Table [n_rows, k_max] of rank-score@k, one row per problem. A problem without any sample to rank
 * (RN_CUT_DROP) gives a row of zeros: nothing can be chosen. RN_EINVAL when k_max exceeds the
 * number of places of another row; rn_stat_rank_k_max gives the robust limit. */
int rn_stat_rank_table(const rn_ranked *problems, size_t n_rows, bool lower_is_better, rn_cut cut,
                       int64_t k_max, double *table, rn_err *err);
/* floor(min places / 2) over the rows that have any, but 1 if that minimum is 1; 0 if none has. */
int64_t rn_stat_rank_k_max(const rn_ranked *problems, size_t n_rows, rn_cut cut);

#endif
