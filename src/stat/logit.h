/*
 * logit.h: weights of several scores in one, by logistic regression, cross-fitted over problems.
 *
 *   P(pass | x) = 1 / (1 + exp(-(a + sum_j w_j (x_j - mean of x_j over the problem))))
 *
 * Only what distinguishes samples of one problem is used: features are taken less their mean over
 * the problem, whose difficulty says nothing about which of its samples to take. Every problem
 * counts alike. w has a ridge of one problem's weight on features scaled to the same spread, so
 * that few problems give small weights, not wild ones. The weights that score a problem are fitted
 * on other problems only (rn_stat_folds): nothing that judges a problem has a say in its order.
 */
#ifndef RN_STAT_LOGIT_H
#define RN_STAT_LOGIT_H

#include "base/base.h"

enum { RN_LOGIT_MAX = 8, RN_LOGIT_FOLDS = 5, RN_LOGIT_MIN_PROBLEMS = 2 * RN_LOGIT_FOLDS };

/* Samples, problem by problem. */
typedef struct rn_logit_data {
    const double *x;         /* [n, n_x], finite */
    const uint8_t *passed;   /* [n] */
    const uint32_t *problem; /* [n] below n_problems */
    size_t n, n_x;           /* n_x at most RN_LOGIT_MAX */
    size_t n_problems;
} rn_logit_data;

/* Weights w [n_x] from the problems with use[problem] (NULL: all). All 0 where nothing tells
 * passing from failing samples of a problem. */
int rn_logit_fit(const rn_logit_data *d, const uint8_t *use, double *w, rn_err *err);

/* The weights of each problem, fitted on the folds that it is not in: w [n_problems, n_x].
 * RN_EINVAL with fewer than RN_LOGIT_MIN_PROBLEMS problems. */
int rn_logit_crossfit(const rn_logit_data *d, uint64_t seed, double *w, rn_err *err);

#endif
