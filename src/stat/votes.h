/*
 * votes.h: the choice of the ranker `examples` among the samples that were drawn, and rank-score@k
 * of it.
 *
 * Of the samples S that were drawn, first those count that pass most examples of the prompt: T.
 * Among these, soft agreement decides: on input i each gives a value or none, v_i of them give one,
 * and m_i(a) of them the value that sample a gives there (itself included); then
 *
 *     agreement(a) = sum over the inputs on which a gives a value of v_i^4 m_i(a)
 *
 * so that an input says the more the fewer programs fail on it: where many raise, it is seldom one
 * that the problem allows. The highest is chosen, equals with equal chance. Nothing is fitted.
 *
 * Everything is counted within S: k samples know nothing of the others. rank-score@k is the mean
 * over k-subsets, estimated over random orders whose first k are such a subset, as in agree.h.
 */
#ifndef RN_STAT_VOTES_H
#define RN_STAT_VOTES_H

#include "base/base.h"

/* Before the values of a sample, as they are stored: 16-bit numbers, least significant byte first.
 * All but the last are the problem's. */
enum {
    RN_VOTES_KNOWN,        /* examples that tell a value */
    RN_VOTES_UNSEEN,       /* of them those that no test repeats */
    RN_VOTES_RIGHT_UNSEEN, /* of these, how many the sample passes */
    RN_VOTES_HEAD
};

/* The number at place i of stored votes; 0 where there are none. */
static inline uint16_t rn_votes_at(rn_bytes stored, size_t i)
{
    const uint8_t *b = (const uint8_t *)stored.data + 2 * i;
    return stored.len / 2 > i ? (uint16_t)(b[0] + 256u * b[1]) : 0;
}

typedef struct rn_votes {
    const uint16_t *value; /* [n, n_inputs]: equal for two samples exactly when they give the same
                              value on that input; 0: none. Borrowed, as all below. */
    const uint32_t *right; /* [n]: examples passed */
    const uint8_t *pass;   /* [n]: 0 or 1 */
    const uint8_t *cut;    /* [n], 1: drawn and paid for, never chosen and without a vote */
    int64_t n;
    size_t n_inputs;
    uint32_t n_known; /* examples that tell a value; 0: none, or not asked for */
} rn_votes;

/* rank-score@k for k = 1..k_max into out [k_max], 1 <= k_max <= n. The same seed and stream give
 * the same value. Above k = 128 it is computed at every (k/128)th k and linear between. */
int rn_stat_votes_curve(const rn_votes *p, int64_t k_max, uint64_t seed, uint64_t stream,
                        double *out, rn_err *err);
/* Table [n_rows, k_max], one row per problem; row i draws from stream i. */
int rn_stat_votes_table(const rn_votes *problems, size_t n_rows, int64_t k_max, uint64_t seed,
                        double *table, rn_err *err);

/* The rule on all n samples as one number each, into score [n]: examples passed, plus the agreement
 * among those that pass as many, as a share of the most there can be, below 1. The highest is the
 * choice. 0 for cut samples. */
int rn_stat_votes_score(const rn_votes *p, double *score, rn_err *err);

/* One problem under "draw until a sample passes all n_known examples, at most k, choose": means
 * over the k-subsets and their orders. With m samples that pass them all, a of these right, and
 * f = C(n-m, k) / C(n, k) the chance that none is among k,
 *
 *     met = 1 - f     met_pass = (1 - f) a/m    draws = sum of f at 0..k-1    pass = met_pass + f R
 *
 * for what is chosen after a stop is the sample that stopped, and R is rank-score@k among the n - m
 * others. All but R are exact. n_known 0: nothing stops. */
typedef struct rn_votes_stop {
    double pass;     /* the chance that what is chosen passes the tests */
    double draws;    /* samples drawn */
    double met;      /* the chance that a sample passes all examples */
    double met_pass; /* that one does and is right: where another answer takes the place of a choice
                        among samples that fail an example, its part of `pass` */
} rn_votes_stop;
/* For k = 1..k_max into out [k_max]. */
int rn_stat_votes_stop(const rn_votes *p, int64_t k_max, uint64_t seed, uint64_t stream,
                       rn_votes_stop *out, rn_err *err);

#endif
