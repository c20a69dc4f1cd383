/*
 * agree.h: rank-score@k of a ranker whose scores come from the samples that were drawn: groups of
 * equal outputs, each scored by its size times a weight.
 *
 * Equation 4 takes the order of all n samples and asks which of k random ones stands first. That is
 * right where a sample's score is its own. A score by agreement is not: k samples know only their
 * own groups, and scores counted among all n would let k samples profit from n. So k random samples
 * are drawn, their groups counted among these k, and the choice is made among them:
 *
 *   rank-score@k = E over k-subsets S of the mean of p_g over the samples of S in the best groups,
 *
 * best by (samples of S in g) * weight_g, p_g the share of group g that passes. The mean of p_g is
 * that of pass_i over which members of g were drawn, so that the value is the same with less noise.
 * The expectation is taken over random orders of the samples, whose first k are a k-subset for each
 * k; it is a Monte Carlo estimate, unbiased, with a standard error below 0.5 / sqrt(orders * rows).
 */
#ifndef RN_STAT_AGREE_H
#define RN_STAT_AGREE_H

#include "stat/rankscore.h"

typedef struct rn_agreed {
    const uint32_t *group; /* [n], from 1 to n; of cut samples anything; borrowed */
    const double *weight;  /* [n], >= 0, one value in a group; 0: belongs to no group; borrowed */
    const uint8_t *pass;   /* [n], 0 or 1; borrowed */
    const uint8_t *cut;    /* [n], 1: drawn and paid for, never chosen; borrowed */
    int64_t n;
} rn_agreed;

/* rank-score@k for k = 1..k_max into out [k_max], 1 <= k_max <= n. The same seed and stream give
 * the same value. RN_EINVAL for a group or weight out of range. */
int rn_stat_agree_curve(const rn_agreed *p, int64_t k_max, uint64_t seed, uint64_t stream,
                        double *out, rn_err *err);

/* Table [n_rows, k_max], one row per problem; row i draws from stream i. */
int rn_stat_agree_table(const rn_agreed *problems, size_t n_rows, int64_t k_max, uint64_t seed,
                        double *table, rn_err *err);

#endif
