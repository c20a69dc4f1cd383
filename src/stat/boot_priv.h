/* boot_priv.h: what boot.c and compare.c share. */
#ifndef RN_STAT_BOOT_PRIV_H
#define RN_STAT_BOOT_PRIV_H

#include "stat/boot.h"
#include "stat/pass.h"

/* Columns are resampled in blocks of this many, so that memory does not grow with the curve. */
enum { RN_STAT_BLOCK = 256 };

/* Means of columns from..from+n-1 of table [n_rows, n_cols] in every resample, into means
 * [n, n_resamples]. */
int rn_stat_boot_block(const rn_boot *b, const double *table, size_t n_cols, size_t from, size_t n,
                       double *means, rn_err *err);
/* Memory for such blocks of n_tables tables; NULL if there is none. The caller frees it. */
double *rn_stat_boot_blocks(const rn_boot *b, size_t n_tables, size_t n_cols);

/* Called once per column, in order, with the means of all resamples [n_resamples], which it may
 * reorder. */
typedef void rn_boot_column_fn(void *user, size_t col, double *means);
int rn_stat_boot_each_column(const rn_boot *b, const double *table, size_t n_cols,
                             rn_boot_column_fn *fn, void *user, rn_err *err);

/* The share of resamples beyond each end of an interval of this level, and its inverse: the
 * probability that belongs to a share of resamples on one side. Both correct for the number of
 * problems; see boot.c. */
double rn_stat_boot_tail(const rn_boot *b, double level);
double rn_stat_boot_probability(const rn_boot *b, double share);
/* The ends of an interval from the statistic of every resample x [n], reordered. */
void rn_stat_boot_ends(const rn_boot *b, double level, double *x, size_t n, rn_interval *out);

int rn_stat_level_check(double level, rn_err *err);
/* RN_EINVAL unless every value is in [0, 1] (rounding allowed) or NAN. */
int rn_stat_fractions_check(const double *table, size_t n_rows, size_t n_cols, rn_err *err);

#endif
