/*
 * boot.h: intervals by bootstrap over problems.
 *
 * A resample draws as many problems as the set has, with replacement, and is kept as a count per
 * problem. Its curve is (counts x table) / n_rows: all resamples of all points are one matrix
 * product, [n_resamples, n_rows] x [n_rows, n_cols], summed in row order, so that the result does
 * not depend on blocking or threads. Resample b is a pure function of (seed, b, n_rows): curves of
 * several models over the same problems are resampled together, which makes their differences
 * paired.
 */
#ifndef RN_STAT_BOOT_H
#define RN_STAT_BOOT_H

#include "base/base.h"

typedef struct rn_boot rn_boot;

/* 1 <= n_rows, 2 <= n_resamples, both below 2^32. Holds n_rows * n_resamples counts of 4 bytes.
 * *out is the caller's: rn_stat_boot_free. */
int rn_stat_boot_new(size_t n_rows, size_t n_resamples, uint64_t seed, rn_boot **out, rn_err *err);
void rn_stat_boot_free(rn_boot *b);
size_t rn_stat_boot_rows(const rn_boot *b);
size_t rn_stat_boot_resamples(const rn_boot *b);
/* How often each problem is in a resample, into weight [n_rows]; they sum to n_rows. */
void rn_stat_boot_weights(const rn_boot *b, size_t resample, double *weight);

/* Means of every resample: table [n_rows, n_cols] into means [n_resamples, n_cols]. */
int rn_stat_boot_means(const rn_boot *b, const double *table, size_t n_cols, double *means,
                       rn_err *err);

/* How an interval was made; to be printed with it. */
typedef enum rn_interval_method {
    RN_INTERVAL_PERCENTILE, /* bootstrap quantiles, expanded for the number of problems */
    RN_INTERVAL_WILSON,     /* mean within 5 problems of 0 or 1, where the bootstrap degenerates */
    RN_INTERVAL_NEWCOMBE,   /* difference of means of rows that differ by less than 5 in sum */
    RN_INTERVAL_NORMAL,     /* value -+ z standard errors (sequential.h) */
    RN_INTERVAL_LOOKS,      /* of an estimate that was looked at several times (looks.h) */
    RN_INTERVAL_NONE,       /* no estimate at this point: NAN */
} rn_interval_method;
const char *rn_stat_interval_name(rn_interval_method m); /* "percentile", ...; static */

typedef struct rn_interval {
    double value, lo, hi;
    rn_interval_method method;
} rn_interval;

/* Column means of table [n_rows, n_cols], values in [0, 1], with intervals, into out [n_cols]. A
 * column with a NAN has none. 0 < level < 1. */
int rn_stat_boot_interval(const rn_boot *b, const double *table, size_t n_cols, double level,
                          rn_interval *out, rn_err *err);

/* As above for values that are not fractions (costs, draws): always percentile. */
int rn_stat_boot_interval_any(const rn_boot *b, const double *table, size_t n_cols, double level,
                              rn_interval *out, rn_err *err);

/* Mean of x - y per column, paired by problem, values in [0, 1]. p_greater [n_cols] (may be NULL):
 * the probability that x is ahead, by what made the interval, so that both agree: the share of
 * resamples, ties counted half, corrected as the ends are; where it is Newcombe's, that of his
 * interval that ends at 0. */
int rn_stat_boot_paired(const rn_boot *b, const double *x, const double *y, size_t n_cols,
                        double level, rn_interval *out, double *p_greater, rn_err *err);

/* How often each of n_models leads at each column: tables[i] [n_rows, n_cols] into
 * lead [n_models, n_cols]; ties are shared equally; a model with NAN at a column does not compete
 * there (NAN where nobody does). best [n_cols] (may be NULL): who leads in the data itself, -1 if
 * nobody, the first of equals. */
int rn_stat_boot_leader(const rn_boot *b, const double *const *tables, size_t n_models,
                        size_t n_cols, double *lead, int *best, rn_err *err);

/* Where the lead passes from one model to the other for good. */
typedef struct rn_crossover {
    double budget, lo,
        hi;          /* NAN where there is none; lo, hi: over the resamples that p_same counts */
    int from, to;    /* who leads before and after, 0: x, 1: y; -1 if there is none */
    int n_changes;   /* changes of the lead in the data itself */
    double p_exists; /* share of resamples in which x leads somewhere and y somewhere */
    double p_x_always, p_y_always; /* share in which only one of them ever leads */
    double p_same;                 /* share that cross in the direction that the data shows */
} rn_crossover;

/* budgets [n_cols], increasing; x and y [n_rows, n_cols] at these budgets (rn_stat_budget_table);
 * columns with a NAN in either are skipped. The crossover is the first budget of the last run of
 * columns that one model leads, when the other led before. Start the budgets where both can afford
 * a sample, or the cheaper one trivially leads first. */
int rn_stat_boot_crossover(const rn_boot *b, const double *x, const double *y,
                           const double *budgets, size_t n_cols, double level, rn_crossover *out,
                           rn_err *err);

/* The number of samples k (1-based column) to reach a score: value is the smallest k in the data, 0
 * if none; lo, hi: quantiles over the resamples, INFINITY where a resample never reaches it;
 * p_reached: the share that does. */
typedef struct rn_reach {
    int64_t k;
    double lo, hi, p_reached;
} rn_reach;
int rn_stat_boot_reach(const rn_boot *b, const double *table, size_t n_cols, double score,
                       double level, rn_reach *out, rn_err *err);

/* Wilson's score interval of a proportion p over n trials. 0 < level < 1. */
void rn_stat_wilson(double p, double n, double level, double *lo, double *hi);
/* The quantile q of x [n] by linear interpolation of order statistics (numpy's default); x is
 * reordered. NAN if n is 0. */
double rn_stat_quantile(double *x, size_t n, double q);

#endif
