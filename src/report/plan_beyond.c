/*
 * plan_beyond.c: budgets that pay for more samples than curves have: what each model alone comes to
 * when its curve is continued (stat/extrapolate.h), who leads, and by how much.
 *
 * At a budget a model draws k samples of a problem, stopping at the first pass. Where k is within
 * its curve the value is that of the curve, from there on an extrapolation, and marked as one. All
 * values of a budget are resampled over the same problems with the same draws, so that differences
 * are paired. Cascades are not continued: what they come to depends on how the failures of two
 * models meet on each problem, which a distribution of rates does not tell.
 */
#include "report/plans.h"
#include "report/report_priv.h"

typedef struct line {
    const rn_entrant *e;
    const double *table;            /* [n_common, e->k_max] */
    double *mean;                   /* [e->k_max] of its columns */
    int64_t k[RN_PLAN_MAX_BUDGETS]; /* [n]; 0: affords none */
    double value[RN_PLAN_MAX_BUDGETS];
    bool far[RN_PLAN_MAX_BUDGETS]; /* extrapolated */
    double *drawn;                 /* [n, n_resamples] of value */
} line;

typedef struct field {
    rn_report *r;
    rn_report_task *t;
    rn_unit axis;
    rn_arena a;
    double budget[RN_PLAN_MAX_BUDGETS];
    size_t n, n_resamples;
    line *lines; /* [n_lines] */
    size_t n_lines;
} field;

/* ---- budgets --------------------------------------------------------------------------------- */

static int64_t affords(const field *f, const line *l, double budget)
{
    return rn_stat_afford(&l->e->axis[f->axis], budget, f->r->opts.extrapolate + 1);
}

/* Doublings of the cheapest sample at which a curve has ended and no k is beyond what was asked. */
static void choose_budgets(field *f)
{
    double unit = INFINITY;
    for (size_t i = 0; i < f->n_lines; i++)
        unit = fmin(unit, rn_stat_cost(&f->lines[i].e->axis[f->axis], 1));
    for (double b = unit; f->n < RN_PLAN_MAX_BUDGETS && f->n_lines; b *= 2) {
        bool ended = false, far = false;
        for (size_t i = 0; i < f->n_lines; i++) {
            const int64_t k = affords(f, &f->lines[i], b);
            ended |= k > f->lines[i].e->k_max;
            far |= k > f->r->opts.extrapolate;
        }
        if (far) return;
        if (ended) f->budget[f->n++] = b;
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Resampled means of a column of its curve, as the extrapolation resamples. */
static int draw_column(const field *f, const line *l, int64_t k, double *drawn, rn_err *err)
{
    double *column = malloc((f->t->n_common + 1) * sizeof *column);
    if (!column) return rn_nomem(err, "report");
    rn_report_column(l->table, f->t->n_common, (size_t)l->e->k_max, (size_t)k - 1, column);
    int rc = rn_stat_boot_means(f->t->boot, column, 1, drawn, err);
    free(column);
    return rc;
}

/* The extrapolated values of a model, of all its budgets beyond its curve at once. */
static int continue_line(field *f, line *l, rn_err *err)
{
    int64_t ks[RN_PLAN_MAX_BUDGETS];
    size_t at[RN_PLAN_MAX_BUDGETS], m = 0;
    rn_extra_ask ask;
    int rc = rn_report_beyond_ask(f->r, f->t, l->e, &ask, err);
    for (size_t b = 0; b < f->n; b++) {
        if (l->k[b] <= l->e->k_max || l->k[b] > f->r->opts.extrapolate) continue;
        ks[m] = l->k[b];
        at[m++] = b;
    }
    if (rc || m == 0 || !l->e->n_beyond) return rc; /* refused: a note says why */
    rn_interval value[RN_PLAN_MAX_BUDGETS];
    double *drawn = rn_arena_array(&f->a, m * f->n_resamples, sizeof *drawn);
    if (!drawn) return rn_nomem(err, "report");
    ask.keep = f->t->common;
    ask.ks = ks;
    ask.n_ks = m;
    ask.drawn = drawn;
    rc = rn_stat_extrapolate(&ask, value, NULL, err);
    for (size_t i = 0; !rc && i < m; i++) {
        l->value[at[i]] = value[i].value;
        l->far[at[i]] = true;
        memcpy(l->drawn + at[i] * f->n_resamples, drawn + i * f->n_resamples,
               f->n_resamples * sizeof *drawn);
    }
    return rc;
}

static int fill_line(field *f, line *l, rn_err *err)
{
    int rc = 0;
    l->drawn = rn_arena_array(&f->a, (f->n + 1) * f->n_resamples, sizeof *l->drawn);
    if (!l->drawn) return rn_nomem(err, "report");
    for (size_t b = 0; b < f->n && !rc; b++) {
        l->k[b] = affords(f, l, f->budget[b]);
        l->value[b] = NAN;
        if (l->k[b] == 0 || l->k[b] > l->e->k_max) continue;
        l->value[b] = l->mean[l->k[b] - 1];
        rc = draw_column(f, l, l->k[b], l->drawn + b * f->n_resamples, err);
    }
    return rc ? rc : continue_line(f, l, err);
}

/* The chance of no pass in j samples, the mean over the problems: along the curve, and between the
 * points of its continuation a power of j. */
static double fail_mean(const line *l, int64_t j)
{
    const rn_entrant *e = l->e;
    if (j == 0) return 1;
    if (j <= e->k_max) return 1 - l->mean[j - 1];
    for (size_t i = 1; i < e->n_beyond; i++) {
        const rn_point *p = &e->beyond[i - 1], *q = &e->beyond[i];
        if (j > q->k) continue;
        const double share = log((double)j / (double)p->k) / log((double)q->k / (double)p->k);
        return exp((1 - share) * log(fmax(1 - p->value, 1e-12)) +
                   share * log(fmax(1 - q->value, 1e-12)));
    }
    return NAN;
}

/* What a problem costs in the mean when drawing stops at the first pass. */
static double mean_cost(const field *f, const line *l, size_t b)
{
    const rn_drawcost c = rn_report_draw_cost(f->r, l->e, f->axis);
    double failing = 0;
    for (int64_t j = 1; j <= l->k[b]; j++)
        failing += fail_mean(l, j);
    return c.shared + c.failing * failing + c.passing * l->value[b];
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void put_columns(const field *f, rn_rows *to)
{
    const rn_column columns[] = {
        {.name = "budget", .title = "budget", .as = RN_AS_AMOUNT, .unit = f->axis},
        {.name = "model", .title = "model", .as = RN_AS_TEXT},
        {.name = "k", .title = "up to", .as = RN_AS_WHOLE},
        {.name = "value", .title = "pass@k, %", .as = RN_AS_SCORE, .ends = RN_ENDS_NAMED},
        {.name = "extrapolated", .as = RN_AS_FLAG, .only = RN_FOR_JSON | RN_FOR_CSV},
        {.name = "cost", .title = "mean cost", .as = RN_AS_AMOUNT, .unit = f->axis},
        {.name = "ahead",
         .title = "ahead of the best other, points",
         .as = RN_AS_POINTS,
         .ends = RN_ENDS_NAMED},
        {.name = "first", .title = "P(lead)", .as = RN_AS_SHARE}};
    rn_rows_columns(to, columns);
}

/* The best of the others at a budget; NULL if there is none. */
static const line *best_other(const field *f, const line *l, size_t b)
{
    const line *best = NULL;
    for (size_t i = 0; i < f->n_lines; i++) {
        const line *o = &f->lines[i];
        if (o == l || isnan(o->value[b])) continue;
        if (!best || o->value[b] > best->value[b]) best = o;
    }
    return best;
}

static void put_k(const field *f, int64_t k, rn_rows *to)
{
    const bool known = k <= f->r->opts.extrapolate;
    const char *over = rn_arena_printf(&to->arena, "over %lld", (long long)f->r->opts.extrapolate);
    rn_rows_datum(to, (rn_datum){known ? (double)k : NAN, NAN, NAN, .text = over ? over : ""});
}

static void put_interval(const field *f, const line *l, size_t b, double *work, rn_rows *to)
{
    const double level = f->r->opts.level;
    if (isnan(l->value[b])) {
        rn_rows_value(to, NAN);
        return;
    }
    memcpy(work, l->drawn + b * f->n_resamples, f->n_resamples * sizeof *work);
    rn_rows_interval(to, l->value[b], rn_stat_quantile(work, f->n_resamples, (1 - level) / 2),
                     rn_stat_quantile(work, f->n_resamples, (1 + level) / 2));
    if (l->far[b]) rn_rows_mark(to, " e");
}

static void put_ahead(const field *f, const line *l, size_t b, double *work, rn_rows *to)
{
    const line *o = best_other(f, l, b);
    const double level = f->r->opts.level;
    double ahead = 0;
    if (!o || isnan(l->value[b])) {
        rn_rows_value(to, NAN);
        rn_rows_value(to, NAN);
        return;
    }
    for (size_t s = 0; s < f->n_resamples; s++) {
        double most = -1;
        for (size_t i = 0; i < f->n_lines; i++) {
            const line *x = &f->lines[i];
            if (x != l && !isnan(x->value[b])) most = fmax(most, x->drawn[b * f->n_resamples + s]);
        }
        const double mine = l->drawn[b * f->n_resamples + s];
        ahead += mine > most ? 1 : mine < most ? 0 : 0.5;
        work[s] = mine - o->drawn[b * f->n_resamples + s];
    }
    rn_rows_interval(to, l->value[b] - o->value[b],
                     rn_stat_quantile(work, f->n_resamples, (1 - level) / 2),
                     rn_stat_quantile(work, f->n_resamples, (1 + level) / 2));
    rn_rows_value(to, ahead / (double)f->n_resamples);
}

static void put_words(const field *f, rn_rows *to)
{
    to->title = rn_arena_printf(&to->arena,
                                "at equal %s per problem, beyond the samples: each model alone, "
                                "stopping at the first pass",
                                rn_unit_words(f->axis));
    rn_buf_puts(&to->foot,
                "e an extrapolation, not measured: a model of how hard the problems are, fitted to "
                "their counts\nahead: paired by problem\n");
    for (size_t i = 0; i < f->n_lines; i++) {
        const rn_entrant *e = f->lines[i].e;
        if (e->n_beyond)
            rn_buf_printf(&to->foot, "%s: measured up to k = %lld, %s fit from there on\n",
                          e->model, (long long)e->beyond_about.from_k,
                          rn_extra_form_name(e->beyond_about.form));
    }
}

/* Who takes part: what has a curve and a price of a single further sample. */
static int list_lines(field *f, rn_err *err)
{
    f->lines = rn_arena_array(&f->a, f->t->n_entrants + 1, sizeof *f->lines);
    if (!f->lines) return rn_nomem(err, "report");
    for (size_t i = 0; i < f->t->n_entrants; i++) {
        const rn_entrant *e = &f->t->entrants[i];
        if (!e->table || !rn_report_linear(e, f->axis)) continue;
        line *l = &f->lines[f->n_lines++];
        *l = (line){.e = e, .table = rn_report_common_table(f->r, f->t, e)};
        l->mean = rn_arena_array(&f->a, (size_t)e->k_max + 1, sizeof *l->mean);
        if (!l->table || !l->mean) return rn_nomem(err, "report");
        rn_stat_means(l->table, NULL, f->t->n_common, (size_t)e->k_max, l->mean);
    }
    return 0;
}

int rn_report_plan_beyond(rn_report *r, rn_report_task *t, const rn_plan_opts *o, rn_rows *to,
                          rn_err *err)
{
    field f = {.r = r, .t = t, .axis = o->axis, .n_resamples = (size_t)r->opts.n_resamples};
    int rc = t->common || t->n_problems == 0 ? 0 : rn_report_curves(r, t, err);
    if (!rc && t->boot) rc = list_lines(&f, err);
    if (!rc && o->n_budgets) {
        f.n = o->n_budgets < RN_PLAN_MAX_BUDGETS ? o->n_budgets : RN_PLAN_MAX_BUDGETS;
        memcpy(f.budget, o->budgets, f.n * sizeof *f.budget);
    } else if (!rc) {
        choose_budgets(&f);
    }
    for (size_t i = 0; i < f.n_lines && !rc; i++)
        rc = fill_line(&f, &f.lines[i], err);
    double *work = rn_arena_array(&f.a, f.n_resamples + 1, sizeof *work);
    if (!rc && !work) rc = rn_nomem(err, "report");
    if (!rc && f.n_lines && f.n) put_columns(&f, to);
    for (size_t b = 0; b < f.n && !rc; b++)
        for (size_t i = 0; i < f.n_lines; i++) {
            const line *l = &f.lines[i];
            if (l->k[b] == 0) continue;
            rn_rows_value(to, f.budget[b]);
            rn_rows_word(to, l->e->model);
            put_k(&f, l->k[b], to);
            put_interval(&f, l, b, work, to);
            rn_rows_value(to, l->far[b]);
            rn_rows_value(to, isnan(l->value[b]) ? NAN : mean_cost(&f, l, b));
            put_ahead(&f, l, b, work, to);
        }
    if (!rc && rn_rows_n(to)) put_words(&f, to);
    rn_arena_free(&f.a);
    return rc;
}
