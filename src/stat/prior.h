/*
 * prior.h: what is expected of several models on a problem before any of its samples is judged.
 *
 * A prior is a mixture of kinds of problems: a new problem is of kind t with probability weight[t],
 * and then every sample of arm (model) a passes independently with chance rate[t, a]. The arms are
 * coupled through the kind: failures of one say that the problem is of a hard kind, and so lower
 * what is expected of the others.
 *
 *  - rn_prior_learn: from recorded outcomes of other problems, by empirical Bayes. The kinds are
 *    placed where the records have mass, their weights are those of maximum likelihood (EM) for
 *    c ~ Binomial(n, rate) of each problem and arm; the default's kinds stay in with the weight of
 *    one problem, so that nothing is ever impossible.
 *  - rn_prior_default: nothing recorded. The chance of arm a is Beta with mean
 *    0.28 + 0.05 log2(cost of a / cost of the cheapest), at most 0.95, and alpha + beta = 1. With
 *    weight 0.8 all arms find the same problems hard (equal quantiles), with 0.2 one of them stands
 *    apart. The figures are those of the study's pass@1 and pass@2 on HumanEval: docs/METRICS.md.
 */
#ifndef RN_STAT_PRIOR_H
#define RN_STAT_PRIOR_H

#include "stat/pass.h"

enum { RN_PRIOR_MAX_ARM = 8 };

typedef struct rn_prior {
    size_t n_arm, n_kind;
    double *weight; /* [n_kind], positive, sum 1 */
    double *rate;   /* [n_kind, n_arm], between 0 and 1, both excluded */
} rn_prior;

/* cost [n_arm]: of one sample, any unit, positive. 1 <= n_arm <= RN_PRIOR_MAX_ARM. *out is the
 * caller's: rn_prior_free. */
int rn_prior_default(const double *cost, size_t n_arm, rn_prior **out, rn_err *err);

/* counts[a][i], i < n_problems: what is recorded of arm a on problem i; n = 0: nothing. Problems
 * with weight[i] = 0 are left out (weight [n_problems], NULL: all equally). cost as above, for the
 * default's kinds. RN_EINVAL when an arm has no judged sample at all. */
int rn_prior_learn(const rn_count *const *counts, size_t n_arm, size_t n_problems,
                   const double *weight, const double *cost, rn_prior **out, rn_err *err);

void rn_prior_free(rn_prior *p);

#endif
