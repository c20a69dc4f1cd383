/*
 * compare.c: models against each other on the same resampled problems: paired differences, who
 * leads, where the lead changes, what it takes to reach a score. Declared in boot.h.
 */
#include "stat/boot.h"
#include "stat/boot_priv.h"
#include "stat/tol.h"

/* Percentiles of a mean difference degenerate when hardly any problem differs; see METRICS.md. */
#define FEW_DIFFERENCES 5.0

/* ---- paired differences ---------------------------------------------------------------------- */

typedef struct paired {
    const rn_boot *b;
    const double *x, *y; /* [n_rows, n_cols] */
    size_t n_rows, n_cols, n_resamples;
    double level;
    rn_interval *out;
    double *p_greater;
} paired;

/* What Newcombe's interval of a column follows from. */
typedef struct moments {
    double n, mx, my, phi; /* rows, means, correlation of the pairs */
} moments;

static moments moments_of(const paired *s, size_t col)
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
    return (moments){n, mx, my, xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0};
}

/* Newcombe (1998), method 10: Wilson's intervals of both means, combined with the correlation of
 * the pairs. */
static void newcombe(const moments *m, double level, rn_interval *out)
{
    double lx, ux, ly, uy;
    rn_stat_wilson(m->mx, m->n, level, &lx, &ux);
    rn_stat_wilson(m->my, m->n, level, &ly, &uy);
    double a = m->mx - lx, b = uy - m->my, c = ux - m->mx, d = m->my - ly;
    out->method = RN_INTERVAL_NEWCOMBE;
    out->lo = out->value - sqrt(fmax(0, a * a - 2 * m->phi * a * b + b * b));
    out->hi = out->value + sqrt(fmax(0, c * c - 2 * m->phi * c * d + d * d));
}

/* The probability that belongs to these intervals: that of the one whose end is 0. */
static double newcombe_p(const moments *m, double value)
{
    double low = 0, high = 1; /* levels */
    for (int i = 0; i < 50 && value != 0; i++) {
        const double level = 0.5 * (low + high);
        rn_interval x = {.value = value};
        newcombe(m, level, &x);
        if (value > 0 ? x.lo > 0 : x.hi < 0)
            low = level;
        else
            high = level;
    }
    return value > 0 ? 0.5 + 0.5 * low : 0.5 - 0.5 * low;
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
    if (s->p_greater) {
        const double share = ahead / (double)s->n_resamples;
        s->p_greater[col] = rn_stat_boot_probability(s->b, share);
    }
    if (differing < FEW_DIFFERENCES) {
        const moments m = moments_of(s, col);
        newcombe(&m, s->level, x);
        if (s->p_greater) s->p_greater[col] = newcombe_p(&m, x->value);
        return;
    }
    x->method = RN_INTERVAL_PERCENTILE;
    rn_stat_boot_ends(s->b, s->level, means, s->n_resamples, x);
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
    if (!diff) return rn_nomem(err, "differences");
    for (size_t i = 0; i < n_rows * n_cols; i++)
        diff[i] = x[i] - y[i];
    paired s = {b, x, y, n_rows, n_cols, rn_stat_boot_resamples(b), level, out, p_greater};
    rc = rn_stat_boot_each_column(b, diff, n_cols, paired_column, &s, err);
    free(diff);
    return rc;
}

/* ---- who leads ------------------------------------------------------------------------------- */

/* Adds 1 in equal parts to lead[m * stride] of the models m that lead among value[m * step]; NAN
 * does not compete. Returns the first of the leaders, -1 if nobody competes. lead may be NULL. */
static int share_lead(const double *value, size_t step, size_t n_models, double *lead,
                      size_t stride)
{
    double best = NAN;
    for (size_t m = 0; m < n_models; m++)
        best = fmax(best, value[m * step]); /* of a NAN and a number: the number */
    if (isnan(best)) return -1;

    int first = -1;
    size_t n_best = 0;
    for (size_t m = 0; m < n_models; m++) {
        if (!(value[m * step] >= best - RN_STAT_TIE)) continue;
        if (first < 0) first = (int)m;
        n_best++;
    }
    for (size_t m = 0; m < n_models && lead; m++)
        if (value[m * step] >= best - RN_STAT_TIE) lead[m * stride] += 1 / (double)n_best;
    return first;
}

/* Shares of the lead over the resamples for a block of columns; lead starts at its first column. */
static void lead_block(const double *means, size_t n_models, size_t n, size_t n_resamples,
                       double *lead, size_t n_cols)
{
    for (size_t j = 0; j < n; j++) {
        int anybody = -1;
        for (size_t m = 0; m < n_models; m++)
            lead[m * n_cols + j] = 0;
        for (size_t i = 0; i < n_resamples; i++)
            anybody = share_lead(means + j * n_resamples + i, n * n_resamples, n_models, lead + j,
                                 n_cols);
        for (size_t m = 0; m < n_models; m++) {
            double *share = &lead[m * n_cols + j];
            *share = anybody < 0 ? NAN : *share / (double)n_resamples;
        }
    }
}

int rn_stat_boot_leader(const rn_boot *b, const double *const *tables, size_t n_models,
                        size_t n_cols, double *lead, int *best, rn_err *err)
{
    const size_t n_rows = rn_stat_boot_rows(b), n_resamples = rn_stat_boot_resamples(b);
    if (n_models < 1 || n_models > 1024)
        return rn_fail(err, RN_EINVAL, "%zu models to compare: needs 1 to 1024", n_models);

    int rc = 0;
    double *means = rn_stat_boot_blocks(b, n_models, n_cols);   /* [n_models, block, n_resamples] */
    double *data = calloc(n_models * n_cols + 1, sizeof *data); /* [n_models, n_cols] */
    if (!means || !data) rc = rn_nomem(err, "comparison");
    for (size_t from = 0; from < n_cols && rc == 0; from += RN_STAT_BLOCK) {
        size_t n = n_cols - from < RN_STAT_BLOCK ? n_cols - from : RN_STAT_BLOCK;
        for (size_t m = 0; m < n_models && rc == 0; m++)
            rc =
                rn_stat_boot_block(b, tables[m], n_cols, from, n, means + m * n * n_resamples, err);
        if (rc == 0) lead_block(means, n_models, n, n_resamples, lead + from, n_cols);
    }
    for (size_t m = 0; m < n_models && best && rc == 0; m++)
        rn_stat_means(tables[m], NULL, n_rows, n_cols, data + m * n_cols);
    for (size_t j = 0; j < n_cols && best && rc == 0; j++)
        best[j] = share_lead(data + j, n_cols, n_models, NULL, 0);
    free(means);
    free(data);
    return rc;
}

/* ---- where the lead changes ------------------------------------------------------------------ */

typedef struct lead_path {
    int now;      /* who leads; -1: nobody yet */
    int from, to; /* the last change of the lead, -1: none */
    size_t at;    /* first column of the last run */
    int n_changes;
    int leads[2]; /* x, y: leads somewhere */
} lead_path;

#define NOBODY_YET ((lead_path){.now = -1, .from = -1, .to = -1})

/* One column further: x is ahead by d. */
static void follow(lead_path *p, size_t col, double d)
{
    if (isnan(d) || fabs(d) <= RN_STAT_TIE) return;
    int leader = d < 0;
    p->leads[leader] = 1;
    if (p->now >= 0 && leader != p->now) {
        p->from = p->now;
        p->to = leader;
        p->at = col;
        p->n_changes++;
    }
    p->now = leader;
}

static void summarise(const rn_boot *b, const lead_path *data, const lead_path *paths,
                      const double *budgets, double level, double *found, rn_crossover *out)
{
    const size_t n = rn_stat_boot_resamples(b);
    rn_interval ends = {.lo = NAN, .hi = NAN};
    size_t n_exists = 0, n_same = 0, n_x = 0, n_y = 0;
    for (size_t i = 0; i < n; i++) {
        const lead_path *p = &paths[i];
        n_exists += p->from >= 0;
        n_x += p->leads[0] && !p->leads[1];
        n_y += p->leads[1] && !p->leads[0];
        if (p->from >= 0 && p->from == data->from) found[n_same++] = budgets[p->at];
    }
    rn_stat_boot_ends(b, level, found, n_same, &ends);
    *out = (rn_crossover){
        .budget = data->from >= 0 ? budgets[data->at] : NAN,
        .lo = ends.lo,
        .hi = ends.hi,
        .from = data->from,
        .to = data->to,
        .n_changes = data->n_changes,
        .p_exists = (double)n_exists / (double)n,
        .p_x_always = (double)n_x / (double)n,
        .p_y_always = (double)n_y / (double)n,
        .p_same = (double)n_same / (double)n,
    };
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

    double *means = rn_stat_boot_blocks(b, 2, n_cols);
    rn_arena mem = {0};
    double *dx = rn_arena_array(&mem, 2 * n_cols + n_resamples, sizeof *dx);
    lead_path *paths = rn_arena_array(&mem, n_resamples, sizeof *paths), data = NOBODY_YET;
    if (!means || !dx || !paths) rc = rn_nomem(err, "resamples");
    for (size_t i = 0; i < n_resamples && !rc; i++)
        paths[i] = NOBODY_YET;
    for (size_t from = 0; from < n_cols && !rc; from += RN_STAT_BLOCK) {
        size_t n = n_cols - from < RN_STAT_BLOCK ? n_cols - from : RN_STAT_BLOCK;
        double *my = means + n * n_resamples;
        rc = rn_stat_boot_block(b, x, n_cols, from, n, means, err);
        if (rc == 0) rc = rn_stat_boot_block(b, y, n_cols, from, n, my, err);
        for (size_t j = 0; j < n * n_resamples && !rc; j++)
            follow(&paths[j % n_resamples], from + j / n_resamples, means[j] - my[j]);
    }
    if (!rc) {
        double *dy = dx + n_cols, *found = dy + n_cols;
        rn_stat_means(x, NULL, n_rows, n_cols, dx);
        rn_stat_means(y, NULL, n_rows, n_cols, dy);
        for (size_t j = 0; j < n_cols; j++)
            follow(&data, j, dx[j] - dy[j]);
        summarise(b, &data, paths, budgets, level, found, out);
    }
    free(means);
    rn_arena_free(&mem);
    return rc;
}

/* ---- samples to reach a score ---------------------------------------------------------------- */

typedef struct reaching {
    double score;
    double *k; /* [n_resamples] first k at which the score is reached, INFINITY if not yet */
    size_t n_resamples;
} reaching;

static void reach_column(void *user, size_t col, double *means)
{
    const reaching *s = user;
    for (size_t i = 0; i < s->n_resamples; i++)
        if (isinf(s->k[i]) && means[i] >= s->score - RN_STAT_TIE) s->k[i] = (double)(col + 1);
}

int rn_stat_boot_reach(const rn_boot *b, const double *table, size_t n_cols, double score,
                       double level, rn_reach *out, rn_err *err)
{
    const size_t n_resamples = rn_stat_boot_resamples(b);
    int rc = rn_stat_level_check(level, err);
    if (rc) return rc;
    if (!isfinite(score)) return rn_fail(err, RN_EINVAL, "score to reach is %g", score);
    double *k = malloc((n_resamples + n_cols) * sizeof *k), *data = k ? k + n_resamples : NULL;
    if (!k) return rn_nomem(err, "resamples");
    for (size_t i = 0; i < n_resamples; i++)
        k[i] = INFINITY;
    reaching s = {score, k, n_resamples};
    rc = rn_stat_boot_each_column(b, table, n_cols, reach_column, &s, err);
    if (rc == 0) {
        size_t n_reached = 0, first = 0;
        rn_interval ends;
        for (size_t i = 0; i < n_resamples; i++)
            n_reached += isfinite(k[i]) != 0;
        rn_stat_means(table, NULL, rn_stat_boot_rows(b), n_cols, data);
        while (first < n_cols && !(data[first] >= score - RN_STAT_TIE))
            first++;
        rn_stat_boot_ends(b, level, k, n_resamples, &ends);
        *out = (rn_reach){
            .k = first < n_cols ? (int64_t)first + 1 : 0,
            .lo = ends.lo,
            .hi = ends.hi,
            .p_reached = (double)n_reached / (double)n_resamples,
        };
    }
    free(k);
    return rc;
}
