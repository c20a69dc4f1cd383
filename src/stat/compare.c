/*
 * compare.c: models against each other on the same resampled problems: paired differences, who
 * leads, where the lead changes, what it takes to reach a score. Declared in boot.h.
 */
#include "stat/boot.h"
#include "stat/boot_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Percentiles of a mean difference degenerate when hardly any problem differs; see METRICS.md. */
#define FEW_DIFFERENCES 5.0

/* ---- paired differences ---------------------------------------------------------------------- */

typedef struct paired {
    const double *x, *y; /* [n_rows, n_cols] */
    size_t n_rows, n_cols, n_resamples;
    double level;
    rn_interval *out;
    double *p_greater;
} paired;

/* Newcombe (1998), method 10: Wilson's intervals of both means, combined with the correlation of
 * the pairs. */
static void newcombe(const paired *s, size_t col, rn_interval *out)
{
    double n = (double)s->n_rows, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        mx += s->x[i * s->n_cols + col] / n;
        my += s->y[i * s->n_cols + col] / n;
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        double dx = s->x[i * s->n_cols + col] - mx, dy = s->y[i * s->n_cols + col] - my;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    mx = fmin(fmax(mx, 0), 1);
    my = fmin(fmax(my, 0), 1);
    double phi = xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
    double lx, ux, ly, uy;
    rn_stat_wilson(mx, n, s->level, &lx, &ux);
    rn_stat_wilson(my, n, s->level, &ly, &uy);
    double a = mx - lx, b = uy - my, c = ux - mx, d = my - ly;
    out->method = RN_INTERVAL_NEWCOMBE;
    out->lo = out->value - sqrt(fmax(0, a * a - 2 * phi * a * b + b * b));
    out->hi = out->value + sqrt(fmax(0, c * c - 2 * phi * c * d + d * d));
}

static void paired_column(void *user, size_t col, double *means)
{
    const paired *s = user;
    double sum = 0, differing = 0, ahead = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        double d = s->x[i * s->n_cols + col] - s->y[i * s->n_cols + col];
        sum += d;
        differing += fabs(d);
    }
    rn_interval *x = &s->out[col];
    if (isnan(sum)) {
        *x = (rn_interval){NAN, NAN, NAN, RN_INTERVAL_NONE};
        if (s->p_greater) s->p_greater[col] = NAN;
        return;
    }
    x->value = sum / (double)s->n_rows;
    for (size_t i = 0; i < s->n_resamples; i++)
        ahead += fabs(means[i]) <= RN_STAT_TIE ? 0.5 : means[i] > 0;
    if (s->p_greater) s->p_greater[col] = ahead / (double)s->n_resamples;
    if (differing < FEW_DIFFERENCES) {
        newcombe(s, col, x);
        return;
    }
    x->method = RN_INTERVAL_PERCENTILE;
    x->lo = rn_stat_quantile(means, s->n_resamples, 0.5 - 0.5 * s->level);
    x->hi = rn_stat_quantile(means, s->n_resamples, 0.5 + 0.5 * s->level);
}

int rn_stat_boot_paired(const rn_boot *b, const double *x, const double *y, size_t n_cols,
                        double level, rn_interval *out, double *p_greater, rn_err *err)
{
    const size_t n_rows = rn_stat_boot_rows(b);
    int rc = rn_stat_level_check(level, err);
    if (rc == 0) rc = rn_stat_fractions_check(x, n_rows, n_cols, err);
    if (rc == 0) rc = rn_stat_fractions_check(y, n_rows, n_cols, err);
    if (rc) return rc;
    double *diff = malloc((n_rows * n_cols + 1) * sizeof *diff);
    if (!diff) return rn_fail(err, RN_ENOMEM, "no memory for %zu differences", n_rows * n_cols);
    for (size_t i = 0; i < n_rows * n_cols; i++)
        diff[i] = x[i] - y[i];
    paired s = {x, y, n_rows, n_cols, rn_stat_boot_resamples(b), level, out, p_greater};
    rc = rn_stat_boot_each_column(b, diff, n_cols, paired_column, &s, err);
    free(diff);
    return rc;
}

/* ---- who leads ------------------------------------------------------------------------------- */

/* Shares 1 equally among the models that lead at `col` of one set of curves. means[m] points to the
 * curve of model m. Returns the first of the leaders, -1 if no model has a value. */
static int share_lead(const double *const *means, size_t n_models, size_t col, double *lead,
                      size_t n_cols)
{
    double best = NAN;
    for (size_t m = 0; m < n_models; m++)
        best = fmax(best, means[m][col]); /* of a NAN and a number: the number */
    if (isnan(best)) return -1;

    int first = -1;
    size_t n_best = 0;
    for (size_t m = 0; m < n_models; m++) {
        if (!(means[m][col] >= best - RN_STAT_TIE)) continue;
        if (first < 0) first = (int)m;
        n_best++;
    }
    for (size_t m = 0; m < n_models && lead; m++)
        if (means[m][col] >= best - RN_STAT_TIE) lead[m * n_cols + col] += 1 / (double)n_best;
    return first;
}

int rn_stat_boot_leader(const rn_boot *b, const double *const *tables, size_t n_models,
                        size_t n_cols, double *lead, int *best, rn_err *err)
{
    const size_t n_rows = rn_stat_boot_rows(b), n_resamples = rn_stat_boot_resamples(b);
    if (n_models < 1 || n_models > 1024)
        return rn_fail(err, RN_EINVAL, "%zu models to compare: needs 1 to 1024", n_models);

    const size_t size = n_resamples * n_cols;
    int rc = 0;
    double *means =
        calloc(n_models * size + 1, sizeof *means); /* [n_models, n_resamples, n_cols] */
    double *data = calloc(n_models * n_cols + 1, sizeof *data); /* [n_models, n_cols] */
    const double **at = calloc(n_models, sizeof *at);
    if (!means || !data || !at) {
        rc = rn_fail(err, RN_ENOMEM, "no memory to compare %zu models at %zu points", n_models,
                     n_cols);
        goto out;
    }
    for (size_t m = 0; m < n_models; m++) {
        rc = rn_stat_boot_means(b, tables[m], n_cols, means + m * size, err);
        if (rc) goto out;
        rn_stat_means(tables[m], NULL, n_rows, n_cols, data + m * n_cols);
    }
    memset(lead, 0, n_models * n_cols * sizeof *lead);
    for (size_t i = 0; i < n_resamples; i++) {
        for (size_t m = 0; m < n_models; m++)
            at[m] = means + m * size + i * n_cols;
        for (size_t j = 0; j < n_cols; j++)
            share_lead(at, n_models, j, lead, n_cols);
    }
    for (size_t m = 0; m < n_models; m++)
        at[m] = data + m * n_cols;
    for (size_t j = 0; j < n_cols; j++) {
        int first = share_lead(at, n_models, j, NULL, n_cols);
        if (best) best[j] = first;
        for (size_t m = 0; m < n_models; m++) {
            double *share = &lead[m * n_cols + j];
            *share = first < 0 ? NAN : *share / (double)n_resamples;
        }
    }
out:
    free(means);
    free(data);
    free(at);
    return rc;
}

/* ---- where the lead changes ------------------------------------------------------------------ */

typedef struct lead_path {
    int from, to; /* the last change of the lead, -1: none */
    size_t at;    /* first column of the last run */
    int n_changes;
    int x_leads, y_leads; /* somewhere */
} lead_path;

static lead_path follow(const double *x, const double *y, size_t n_cols)
{
    lead_path p = {.from = -1, .to = -1};
    int now = -1;
    for (size_t j = 0; j < n_cols; j++) {
        double d = x[j] - y[j];
        if (isnan(d) || fabs(d) <= RN_STAT_TIE) continue;
        int leader = d < 0;
        if (leader == 0)
            p.x_leads = 1;
        else
            p.y_leads = 1;
        if (now >= 0 && leader != now) {
            p.from = now;
            p.to = leader;
            p.at = j;
            p.n_changes++;
        }
        now = leader;
    }
    return p;
}

int rn_stat_boot_crossover(const rn_boot *b, const double *x, const double *y,
                           const double *budgets, size_t n_cols, double level, rn_crossover *out,
                           rn_err *err)
{
    const size_t n_rows = rn_stat_boot_rows(b), n_resamples = rn_stat_boot_resamples(b);
    int rc = rn_stat_level_check(level, err);
    if (rc) return rc;
    for (size_t j = 0; j < n_cols; j++)
        if (isnan(budgets[j]) || (j > 0 && !(budgets[j] > budgets[j - 1])))
            return rn_fail(err, RN_EINVAL, "budget %zu, %g: budgets must increase", j, budgets[j]);

    const size_t size = n_resamples * n_cols;
    double *means = malloc((2 * size + 2 * n_cols + n_resamples) * sizeof *means);
    if (!means) return rn_fail(err, RN_ENOMEM, "no memory for %zu resamples", n_resamples);
    double *mx = means, *my = mx + size, *dx = my + size, *dy = dx + n_cols, *found = dy + n_cols;
    rc = rn_stat_boot_means(b, x, n_cols, mx, err);
    if (rc == 0) rc = rn_stat_boot_means(b, y, n_cols, my, err);
    if (rc) goto out;

    rn_stat_means(x, NULL, n_rows, n_cols, dx);
    rn_stat_means(y, NULL, n_rows, n_cols, dy);
    lead_path data = follow(dx, dy, n_cols);
    size_t n_exists = 0, n_same = 0, n_x = 0, n_y = 0;
    for (size_t i = 0; i < n_resamples; i++) {
        lead_path p = follow(mx + i * n_cols, my + i * n_cols, n_cols);
        n_exists += p.from >= 0;
        n_x += p.x_leads && !p.y_leads;
        n_y += p.y_leads && !p.x_leads;
        if (p.from >= 0 && p.from == data.from) found[n_same++] = budgets[p.at];
    }
    const double n = (double)n_resamples;
    *out = (rn_crossover){
        .budget = data.from >= 0 ? budgets[data.at] : NAN,
        .lo = rn_stat_quantile(found, n_same, 0.5 - 0.5 * level),
        .hi = rn_stat_quantile(found, n_same, 0.5 + 0.5 * level),
        .from = data.from,
        .to = data.to,
        .n_changes = data.n_changes,
        .p_exists = (double)n_exists / n,
        .p_x_always = (double)n_x / n,
        .p_y_always = (double)n_y / n,
        .p_same = (double)n_same / n,
    };
out:
    free(means);
    return rc;
}

/* ---- samples to reach a score ---------------------------------------------------------------- */

/* The smallest k with mean[k-1] >= score, INFINITY if there is none. */
static double reach_k(const double *mean, size_t n_cols, double score)
{
    for (size_t j = 0; j < n_cols; j++)
        if (mean[j] >= score) return (double)(j + 1);
    return INFINITY;
}

int rn_stat_boot_reach(const rn_boot *b, const double *table, size_t n_cols, double score,
                       double level, rn_reach *out, rn_err *err)
{
    const size_t n_resamples = rn_stat_boot_resamples(b);
    int rc = rn_stat_level_check(level, err);
    if (rc) return rc;
    if (!isfinite(score)) return rn_fail(err, RN_EINVAL, "score to reach is %g", score);
    double *means = malloc((n_resamples * n_cols + n_resamples + n_cols) * sizeof *means);
    if (!means) return rn_fail(err, RN_ENOMEM, "no memory for %zu resamples", n_resamples);
    double *k = means + n_resamples * n_cols, *data = k + n_resamples;
    rc = rn_stat_boot_means(b, table, n_cols, means, err);
    if (rc == 0) {
        size_t n_reached = 0;
        for (size_t i = 0; i < n_resamples; i++) {
            k[i] = reach_k(means + i * n_cols, n_cols, score);
            n_reached += isfinite(k[i]) != 0;
        }
        rn_stat_means(table, NULL, rn_stat_boot_rows(b), n_cols, data);
        double first = reach_k(data, n_cols, score);
        *out = (rn_reach){
            .k = isfinite(first) ? (int64_t)first : 0,
            .lo = rn_stat_quantile(k, n_resamples, 0.5 - 0.5 * level),
            .hi = rn_stat_quantile(k, n_resamples, 0.5 + 0.5 * level),
            .p_reached = (double)n_reached / (double)n_resamples,
        };
    }
    free(means);
    return rc;
}
