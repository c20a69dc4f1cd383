/*
 * fold.h: splits for cross-fitting, so that no plan is judged on the data that chose it. A plan is
 * chosen on one part and scored on the other, then the parts change places and the scores are
 * averaged. By problems: does the choice carry over to new problems? By samples: to new samples of
 * the same problems?
 */
#ifndef RN_STAT_FOLD_H
#define RN_STAT_FOLD_H

#include "stat/pass.h"

/* fold[i] in 0..n_folds-1 for n problems: a random split whose sizes differ by at most one, a pure
 * function of (seed, n, n_folds). RN_EINVAL unless 2 <= n_folds <= n. */
int rn_stat_folds(uint64_t seed, size_t n, uint32_t n_folds, uint32_t *fold, rn_err *err);

/* weight[i] = 1 where (fold[i] == which) == inside, else 0. */
void rn_stat_fold_weights(const uint32_t *fold, size_t n, uint32_t which, int inside,
                          double *weight);

#endif
