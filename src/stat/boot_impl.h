/* boot_impl.h: what boot.c and compare.c share. */
#ifndef RN_STAT_BOOT_IMPL_H
#define RN_STAT_BOOT_IMPL_H

#include "stat/boot.h"
#include "stat/pass.h"

/* Called once per column, in order, with the means of all resamples [n_resamples], which it may
 * reorder. */
typedef void rn_boot_column_fn(void *user, size_t col, double *means);
int rn_stat_boot_each_column(const rn_boot *b, const double *table, size_t n_cols,
                             rn_boot_column_fn *fn, void *user, rn_err *err);

/* Means closer than this are equal: sums of the same fractions in another order. */
#define RN_STAT_TIE 1e-12

int rn_stat_level_check(double level, rn_err *err);
/* RN_EINVAL unless every value is in [0, 1] (rounding allowed) or NAN. */
int rn_stat_fractions_check(const double *table, size_t n_rows, size_t n_cols, rn_err *err);

#endif
