/*
 * boot.c: resamples of problems, their means, and the intervals made from them; see boot.h.
 *
 * Resample b draws n_rows problems with the stream ("bootstrap", b) of the seed. Intervals are made
 * from blocks of columns, [columns, n_resamples], so that memory does not grow with the curve.
 *
 * Ends are expanded percentiles (Hesterberg 2015). Means of resamples of P problems spread by the
 * variance with divisor P, too little by P/(P-1), and an interval with an estimated spread needs
 * quantiles of Student's t with P-1 degrees of freedom, not of the normal: so the share of
 * resamples beyond each end is Phi(-t sqrt(P/(P-1))) in place of (1-level)/2. Quantile q is that of
 * rank q (B+1) of B resamples, which a resample from outside would lie below with chance q.
 */
#include "stat/boot.h"
#include "stat/beta.h"
#include "stat/boot_priv.h"
#include "stat/fold.h"
#include "stat/product.h"

#include "base/rng.h"

/* Below this many problems' worth of passes, or of failures, quantiles of resamples are those of a
 * handful of different values: the usual "n p >= 5" of the normal approximation. */
#define EDGE_PROBLEMS 5.0

struct rn_boot {
    size_t n_rows, n_resamples;
    uint32_t *count; /* [n_resamples, n_rows] */
};

int rn_stat_boot_new(size_t n_rows, size_t n_resamples, uint64_t seed, rn_boot **out, rn_err *err)
{
    if (n_rows < 1 || n_rows > UINT32_MAX)
        return rn_fail(err, RN_EINVAL, "bootstrap over %zu problems: needs at least 1", n_rows);
    if (n_resamples < 2 || n_resamples > UINT32_MAX)
        return rn_fail(err, RN_EINVAL, "%zu resamples: needs at least 2, 1000 is usual",
                       n_resamples);
    rn_boot *b = malloc(sizeof *b);
    uint32_t *count = NULL;
    if (n_resamples <= SIZE_MAX / sizeof *count / n_rows)
        count = calloc(n_resamples * n_rows, sizeof *count);
    if (!b || !count) {
        free(b);
        free(count);
        return rn_nomem(err, "resamples");
    }
    static const char name[] = "bootstrap";
    const uint64_t stream = rn_rng_stream(name, sizeof name - 1);
    for (size_t i = 0; i < n_resamples; i++) {
        rn_rng r;
        rn_rng_init(&r, seed, stream, (uint32_t)i);
        for (size_t j = 0; j < n_rows; j++)
            count[i * n_rows + rn_rng_below(&r, n_rows)]++;
    }
    *b = (rn_boot){n_rows, n_resamples, count};
    *out = b;
    return 0;
}

void rn_stat_boot_free(rn_boot *b)
{
    if (!b) return;
    free(b->count);
    free(b);
}

size_t rn_stat_boot_rows(const rn_boot *b)
{
    return b->n_rows;
}
size_t rn_stat_boot_resamples(const rn_boot *b)
{
    return b->n_resamples;
}

void rn_stat_boot_weights(const rn_boot *b, size_t resample, double *weight)
{
    for (size_t i = 0; i < b->n_rows; i++)
        weight[i] = (double)b->count[resample * b->n_rows + i];
}

static rn_operand resamples_of(const rn_boot *b)
{
    return (rn_operand){
        .count = b->count, .stride_p = 1, .stride_i = b->n_rows, .n = b->n_resamples};
}

static rn_operand columns_of(const double *table, size_t n_cols, size_t from, size_t n)
{
    return (rn_operand){.value = table + from, .stride_p = n_cols, .stride_i = 1, .n = n};
}

static void scale(double *x, size_t n, double by)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

int rn_stat_boot_means(const rn_boot *b, const double *table, size_t n_cols, double *means,
                       rn_err *err)
{
    rn_operand x = resamples_of(b), y = columns_of(table, n_cols, 0, n_cols);
    int rc = rn_stat_product(&x, &y, NULL, b->n_rows, means, n_cols, err);
    if (rc == 0) scale(means, b->n_resamples * n_cols, 1 / (double)b->n_rows);
    return rc;
}

int rn_stat_boot_block(const rn_boot *b, const double *table, size_t n_cols, size_t from, size_t n,
                       double *means, rn_err *err)
{
    rn_operand x = columns_of(table, n_cols, from, n), y = resamples_of(b);
    int rc = rn_stat_product(&x, &y, NULL, b->n_rows, means, b->n_resamples, err);
    if (rc == 0) scale(means, n * b->n_resamples, 1 / (double)b->n_rows);
    return rc;
}

double *rn_stat_boot_blocks(const rn_boot *b, size_t n_tables, size_t n_cols)
{
    size_t width = n_tables * (n_cols < RN_STAT_BLOCK ? n_cols : RN_STAT_BLOCK);
    if (width > SIZE_MAX / sizeof(double) / b->n_resamples - 1) return NULL;
    return malloc((width * b->n_resamples + 1) * sizeof(double));
}

int rn_stat_boot_each_column(const rn_boot *b, const double *table, size_t n_cols,
                             rn_boot_column_fn *fn, void *user, rn_err *err)
{
    double *means = rn_stat_boot_blocks(b, 1, n_cols);
    if (!means) return rn_nomem(err, "resamples");
    int rc = 0;
    for (size_t from = 0; from < n_cols && rc == 0; from += RN_STAT_BLOCK) {
        size_t n = n_cols - from < RN_STAT_BLOCK ? n_cols - from : RN_STAT_BLOCK;
        rc = rn_stat_boot_block(b, table, n_cols, from, n, means, err);
        for (size_t j = 0; j < n && rc == 0; j++)
            fn(user, from + j, means + j * b->n_resamples);
    }
    free(means);
    return rc;
}

int rn_stat_level_check(double level, rn_err *err)
{
    if (level > 0 && level < 1) return 0;
    return rn_fail(err, RN_EINVAL, "confidence level %g: must be between 0 and 1, e.g. 0.95",
                   level);
}

/* Exchanges elements until x[k] is the k-th smallest, those before it no larger, those after it no
 * smaller (Hoare's select with the median of three; equal elements split evenly). */
static void select_kth(double *x, size_t n, size_t k)
{
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        double a = x[lo], m = x[lo + (hi - lo) / 2], z = x[hi];
        double pivot = a < m ? (m < z ? m : (a < z ? z : a)) : (a < z ? a : (m < z ? z : m));
        size_t i = lo, j = hi;
        for (;;) {
            while (x[i] < pivot)
                i++;
            while (pivot < x[j])
                j--;
            if (i >= j) break;
            double t = x[i];
            x[i++] = x[j];
            x[j--] = t;
        }
        /* x[lo..j] <= pivot <= x[j+1..hi]; when i == j that element is the pivot itself. */
        if (k <= j)
            hi = j;
        else
            lo = j + 1;
    }
}

double rn_stat_quantile(double *x, size_t n, double q)
{
    if (n == 0) return NAN;
    double at = q * (double)(n - 1);
    size_t k = (size_t)at;
    if (k > n - 1) k = n - 1;
    select_kth(x, n, k);
    double part = at - (double)k;
    if (part <= 0 || k + 1 == n) return x[k];
    double next = x[k + 1];
    for (size_t i = k + 2; i < n; i++)
        if (x[i] < next) next = x[i];
    return next > x[k] ? x[k] + part * (next - x[k]) : x[k];
}

/* The quantile of the standard normal distribution, by Newton's method on erfc: the start is inside
 * the basin for every 0 < p < 1 because the steps are bounded. */
static double normal_quantile(double p)
{
    double z = 0;
    for (int i = 0; i < 200; i++) {
        double excess = 0.5 * erfc(-z * M_SQRT1_2) - p;
        double step = excess / (exp(-0.5 * z * z) * 0.39894228040143267794); /* 1/sqrt(2 pi) */
        if (step > 0.5) step = 0.5;
        if (step < -0.5) step = -0.5;
        z -= step;
        if (fabs(step) < 1e-14) break;
    }
    return z;
}

/* P(T > t) of Student's t with v degrees of freedom, t >= 0. */
static double student_tail(double t, double v)
{
    return 0.5 * rn_stat_beta_cdf(0.5 * v, 0.5, v / (v + t * t));
}

double rn_stat_boot_tail(const rn_boot *b, double level)
{
    const double n = (double)b->n_rows, v = n - 1;
    if (b->n_rows < 2) return 0.5 - 0.5 * level; /* one problem: every resample is the same */
    const double x = rn_stat_beta_quantile(0.5 * v, 0.5, 1 - level);
    const double t = sqrt(v * (1 - x) / x);
    return 0.5 * erfc(t * sqrt(n / v) * M_SQRT1_2);
}

double rn_stat_boot_probability(const rn_boot *b, double share)
{
    const double n = (double)b->n_rows, v = n - 1;
    if (b->n_rows < 2 || !(share > 0 && share < 1)) return share;
    const double t = normal_quantile(share) / sqrt(n / v);
    return t > 0 ? 1 - student_tail(t, v) : student_tail(-t, v);
}

void rn_stat_boot_ends(const rn_boot *b, double level, double *x, size_t n, rn_interval *out)
{
    const double rank = rn_stat_boot_tail(b, level) * ((double)n + 1) - 1; /* from 0 */
    const double q = n > 1 ? fmax(0, rank) / ((double)n - 1) : 0;
    out->lo = rn_stat_quantile(x, n, q);
    out->hi = rn_stat_quantile(x, n, 1 - q);
}

void rn_stat_wilson(double p, double n, double level, double *lo, double *hi)
{
    double z = normal_quantile(0.5 + 0.5 * level), z2 = z * z;
    double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
    double half = z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    *lo = p <= 0 ? 0 : fmax(0, centre - half);
    *hi = p >= 1 ? 1 : fmin(1, centre + half);
}

const char *rn_stat_interval_name(rn_interval_method m)
{
    switch (m) {
    case RN_INTERVAL_PERCENTILE: return "percentile";
    case RN_INTERVAL_WILSON: return "wilson";
    case RN_INTERVAL_NEWCOMBE: return "newcombe";
    case RN_INTERVAL_NORMAL: return "normal";
    case RN_INTERVAL_LOOKS: return "sequential";
    case RN_INTERVAL_NONE: return "none";
    }
    return "none";
}

typedef struct intervals {
    const rn_boot *b;
    rn_interval *out;
    double level;
    int fractions; /* values in [0, 1]: Wilson near the edges */
} intervals;

static void interval_of_column(void *user, size_t col, double *means)
{
    intervals *s = user;
    rn_interval *x = &s->out[col];
    double n = (double)s->b->n_rows;
    if (isnan(x->value)) {
        *x = (rn_interval){NAN, NAN, NAN, RN_INTERVAL_NONE};
    } else if (s->fractions && fmin(x->value, 1 - x->value) * n < EDGE_PROBLEMS) {
        x->method = RN_INTERVAL_WILSON;
        rn_stat_wilson(x->value, n, s->level, &x->lo, &x->hi);
    } else {
        x->method = RN_INTERVAL_PERCENTILE;
        rn_stat_boot_ends(s->b, s->level, means, s->b->n_resamples, x);
    }
}

/* The column means of the data itself into out[].value. */
static int data_means(const rn_boot *b, const double *table, size_t n_cols, rn_interval *out,
                      rn_err *err)
{
    double *mean = malloc((n_cols + 1) * sizeof *mean);
    if (!mean) return rn_nomem(err, "points");
    rn_stat_means(table, NULL, b->n_rows, n_cols, mean);
    for (size_t j = 0; j < n_cols; j++)
        out[j] = (rn_interval){mean[j], mean[j], mean[j], RN_INTERVAL_NONE};
    free(mean);
    return 0;
}

int rn_stat_fractions_check(const double *table, size_t n_rows, size_t n_cols, rn_err *err)
{
    for (size_t i = 0; i < n_rows * n_cols; i++)
        if (table[i] < -1e-9 || table[i] > 1 + 1e-9)
            return rn_fail(err, RN_EINVAL, "row %zu, column %zu: %g is not a fraction", i / n_cols,
                           i % n_cols, table[i]);
    return 0;
}

static int make_intervals(const rn_boot *b, const double *table, size_t n_cols, double level,
                          int fractions, rn_interval *out, rn_err *err)
{
    int rc = rn_stat_level_check(level, err);
    if (rc == 0 && fractions) rc = rn_stat_fractions_check(table, b->n_rows, n_cols, err);
    if (rc == 0) rc = data_means(b, table, n_cols, out, err);
    if (rc) return rc;
    intervals s = {b, out, level, fractions};
    return rn_stat_boot_each_column(b, table, n_cols, interval_of_column, &s, err);
}

int rn_stat_boot_interval(const rn_boot *b, const double *table, size_t n_cols, double level,
                          rn_interval *out, rn_err *err)
{
    return make_intervals(b, table, n_cols, level, 1, out, err);
}

int rn_stat_boot_interval_any(const rn_boot *b, const double *table, size_t n_cols, double level,
                              rn_interval *out, rn_err *err)
{
    return make_intervals(b, table, n_cols, level, 0, out, err);
}

/* ---- splits (fold.h) ------------------------------------------------------------------------- */

int rn_stat_folds(uint64_t seed, size_t n, uint32_t n_folds, uint32_t *fold, rn_err *err)
{
    if (n_folds < 2 || n_folds > n)
        return rn_fail(err, RN_EINVAL, "%" PRIu32 " folds of %zu problems: needs 2 to %zu folds",
                       n_folds, n, n);
    static const char name[] = "folds";
    rn_rng r;
    rn_rng_init(&r, seed, rn_rng_stream(name, sizeof name - 1), n_folds);
    for (size_t i = 0; i < n; i++) { /* Fisher-Yates, inside out, over i mod n_folds */
        size_t j = rn_rng_below(&r, i + 1);
        fold[i] = fold[j];
        fold[j] = (uint32_t)(i % n_folds);
    }
    return 0;
}

void rn_stat_fold_weights(const uint32_t *fold, size_t n, uint32_t which, int inside,
                          double *weight)
{
    for (size_t i = 0; i < n; i++)
        weight[i] = (fold[i] == which) == (inside != 0) ? 1 : 0;
}

/* ---- ration.h -------------------------------------------------------------------------------- */

int rn_bootstrap(const rn_bootstrap_table *t, double *mean, double *lo, double *hi, rn_err *err)
{
    rn_boot *boot = NULL;
    int rc = rn_stat_boot_new(t->n_problems, t->n_resamples, t->seed, &boot, err);
    if (rc) return rc;
    const size_t n = t->n_points;
    rn_interval *out = calloc(n + 1, sizeof *out);
    if (!out)
        rc = rn_nomem(err, "points");
    else if (t->minus)
        rc = rn_stat_boot_paired(boot, t->values, t->minus, n, t->level, out, NULL, err);
    else
        rc = rn_stat_boot_interval(boot, t->values, n, t->level, out, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        mean[i] = out[i].value;
        lo[i] = out[i].lo;
        hi[i] = out[i].hi;
    }
    free(out);
    rn_stat_boot_free(boot);
    return rc;
}
