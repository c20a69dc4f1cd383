/*
 * leaders.c: all entrants of a task at equal budgets: who leads, by how much, how sure; where the
 * lead changes for good; what a given score costs.
 *
 * Budgets are normalised: multiples of what one sample of the cheapest entrant costs, as in the
 * study. A sampled entrant is known exactly up to k = floor(n/2); above it has no estimate, and
 * where an entrant that affords a sample has none, nobody leads. A published curve competes with
 * its value at the largest published k (or interpolated); its neighbours bound the truth.
 *
 * Margin, interval and P(lead) of a row are of the same resamples (rn_stat_boot_paired): P(lead) is
 * the share of them in which the leader has the highest mean, and never more than its probability
 * to be ahead of any single rival by that rival's interval.
 */
#include "report/report_priv.h"

enum { MAX_BUDGETS = 256, CROSS_BUDGETS = 256 };

static bool competes(const rn_entrant *e, rn_unit axis)
{
    return e->priced[axis] && e->n_points > 0 && e->k_max > 0;
}

/* The entrant with the cheapest sample; -1 if nobody is priced. */
static int find_unit(const rn_report_task *t, rn_unit axis)
{
    int unit = -1;
    for (size_t i = 0; i < t->n_entrants; i++) {
        if (!competes(&t->entrants[i], axis)) continue;
        if (unit < 0 || rn_stat_cost(&t->entrants[i].axis[axis], 1) <
                            rn_stat_cost(&t->entrants[unit].axis[axis], 1))
            unit = (int)i;
    }
    return unit;
}

/* The last budget worth a row: up to it at least two entrants (or the only one) have estimates. */
static double last_budget(const rn_report_task *t, rn_unit axis)
{
    rn_grid_end ends = {0};
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (competes(e, axis)) rn_grid_end_add(&ends, rn_stat_cost(&e->axis[axis], e->k_max));
    }
    return rn_grid_end_of(&ends);
}

/* The last budget at which all have estimates and one of them affords one more sample; 0: none. */
static double last_common(const rn_report_task *t, rn_unit axis)
{
    double end = INFINITY, last = 0;
    for (size_t i = 0; i < t->n_entrants; i++)
        if (competes(&t->entrants[i], axis))
            end = fmin(end, rn_stat_cost(&t->entrants[i].axis[axis], t->entrants[i].k_max + 1));
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!competes(e, axis)) continue;
        int64_t k = rn_stat_afford(&e->axis[axis], end * (1 - 1e-9), e->k_max);
        last = fmax(last, rn_stat_cost(&e->axis[axis], k));
    }
    return last;
}

/* What the user asked for; else powers of two of the unit `one`, and always each model's first
 * sample, the last budget that all curves reach, and the crossovers. */
static size_t list_budgets(const rn_report *r, const rn_report_task *t, rn_unit axis, double one,
                           double out[MAX_BUDGETS])
{
    const rn_report_axis *ax = &t->axis[axis];
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < r->opts.n_budgets && n < MAX_BUDGETS; i++)
        out[n++] = r->opts.budgets[i] * one;
    if (r->opts.n_budgets) return n;
    const double last = last_budget(t, axis) * (1 + 1e-12);
    for (double b = one; b <= last && n < MAX_BUDGETS; b *= 2)
        out[n++] = b;
    for (size_t i = 0; i < t->n_entrants && n < MAX_BUDGETS; i++)
        if (competes(&t->entrants[i], axis)) out[n++] = rn_stat_cost(&t->entrants[i].axis[axis], 1);
    for (size_t i = 0; i < ax->n_crossings && n < MAX_BUDGETS; i++)
        if (!isnan(ax->crossings[i].at.budget)) out[n++] = ax->crossings[i].at.budget;
    if (n < MAX_BUDGETS) out[n++] = last_common(t, axis);
    qsort(out, n, sizeof *out, rn_by_real);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || out[i] > out[kept - 1] * (1 + 1e-9)) out[kept++] = out[i];
    return kept;
}

/* Budgets in work; everything of the work lies in `a`. */
typedef struct work {
    rn_arena a;
    rn_unit axis;
    double budgets[MAX_BUDGETS];
    size_t m;
    double *
        *at; /* [n_entrants] tables at the budgets, [n_common, m]; NULL: published, or not there */
} work;

/* Cells of a sampled entrant, and its table at the budgets. */
static int sampled_cells(rn_report *r, const rn_report_task *t, size_t who, work *w, rn_cell *cells,
                         rn_err *err)
{
    const rn_entrant *e = &t->entrants[who];
    const rn_kcost *cost = &e->axis[w->axis];
    const double *table = rn_report_common_table(r, t, e);
    double *out = rn_arena_array(&w->a, t->n_common * w->m, sizeof *out);
    rn_interval *iv = rn_arena_array(&w->a, w->m, sizeof *iv);
    if (!table || !out || !iv) return rn_nomem(err, "report");
    int rc = rn_stat_budget_table(&(rn_ktable){table, t->n_common, e->k_max}, cost, 0, w->budgets,
                                  w->m, out, err);
    if (!rc) rc = rn_stat_boot_interval(t->boot, out, w->m, r->opts.level, iv, err);
    for (size_t j = 0; j < w->m && !rc; j++) {
        const int64_t k = rn_stat_afford(cost, w->budgets[j], RN_STAT_MAX_N);
        if (k > 0) cells[j] = (rn_cell){k, iv[j].value, iv[j].lo, iv[j].hi};
    }
    w->at[who] = out;
    return rc;
}

static bool better(const rn_cell *a, const rn_cell *b)
{
    return a->value > b->value;
}

static bool stands(const rn_cell *c)
{
    return c->k > 0 && !isnan(c->value);
}

static void find_best(const rn_report_task *t, rn_budget_row *row)
{
    row->best = row->second = -1;
    row->complete = true;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_cell *c = &row->cells[i];
        if (c->k > 0 && isnan(c->value)) row->complete = false;
        if (!stands(c)) continue;
        if (row->best < 0 || better(c, &row->cells[row->best])) {
            row->second = row->best;
            row->best = (int)i;
        } else if (row->second < 0 || better(c, &row->cells[row->second])) {
            row->second = (int)i;
        }
    }
    if (!row->complete) row->best = row->second = -1; /* who has no estimate might be ahead */
}

/* Without counts, the lead is certain only when no other curve can lie above it. */
static double published_sure(const rn_report_task *t, const rn_budget_row *row)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        if ((int)i != row->best && stands(&row->cells[i]) &&
            row->cells[i].hi > row->cells[row->best].lo)
            return NAN;
    return row->complete ? 1 : NAN;
}

/* The paired difference of best and second at column j, and how sure it is that best leads all. */
static int compare(rn_report *r, const rn_report_task *t, work *w, size_t j, rn_budget_row *row,
                   rn_err *err)
{
    double *const *at = w->at;
    row->diff = row->cells[row->best].value - row->cells[row->second].value;
    bool sampled = true;
    for (size_t i = 0; i < t->n_entrants; i++)
        sampled &= !stands(&row->cells[i]) || at[i] != NULL;
    if (!at[row->best] || !at[row->second]) {
        row->p_lead = published_sure(t, row);
        return 0;
    }
    const size_t n = t->n_common;
    size_t rivals = 0, best = 0;
    rn_arena a = {0}; /* freed row by row */
    double *cols = rn_arena_array(&a, n * t->n_entrants, sizeof *cols);
    const double **tables = rn_arena_array(&a, t->n_entrants, sizeof *tables);
    double *lead = rn_arena_array(&a, t->n_entrants, sizeof *lead);
    int *who = rn_arena_array(&a, t->n_entrants, sizeof *who);
    int rc = cols && tables && lead && who ? 0 : rn_nomem(err, "report");
    for (size_t i = 0; i < t->n_entrants && !rc; i++) {
        if (!stands(&row->cells[i]) || !at[i]) continue;
        if ((int)i == row->best) best = rivals;
        rn_report_column(at[i], n, w->m, j, cols + rivals * n);
        who[rivals] = (int)i;
        tables[rivals] = cols + rivals * n;
        rivals++;
    }
    if (!rc) rc = rn_stat_boot_leader(t->boot, tables, rivals, 1, lead, NULL, err);
    double sure = rc ? NAN : lead[best];
    for (size_t i = 0; i < rivals && !rc; i++) {
        rn_interval diff = {0};
        double p = 1;
        if (i == best) continue;
        rc =
            rn_stat_boot_paired(t->boot, tables[best], tables[i], 1, r->opts.level, &diff, &p, err);
        sure = fmin(sure, p);
        if (who[i] != row->second) continue;
        row->diff_lo = diff.lo;
        row->diff_hi = diff.hi;
    }
    if (!rc) row->p_lead = sampled ? sure : NAN;
    rn_arena_free(&a);
    return rc;
}

static int crossings(rn_report *r, const rn_report_task *t, rn_unit axis, rn_report_axis *out,
                     rn_err *err)
{
    size_t n = t->n_entrants;
    rn_cross *list = rn_arena_array(&r->arena, n * n + 1, sizeof *list);
    if (!list) return rn_nomem(err, "report");
    rn_arena own = {0};
    double budgets[CROSS_BUDGETS];
    double *x = rn_arena_array(&own, 2 * t->n_common * CROSS_BUDGETS, sizeof *x);
    double *y = x + t->n_common * CROSS_BUDGETS;
    int rc = x ? 0 : rn_nomem(err, "report");
    for (size_t i = 0; i < n * n && !rc; i++) {
        const rn_entrant *a = &t->entrants[i / n], *b = &t->entrants[i % n];
        if (!competes(a, axis) || !competes(b, axis) || !a->table || !b->table) continue;
        const rn_kcost *ca = &a->axis[axis], *cb = &b->axis[axis];
        if (!(rn_stat_cost(ca, 1) < rn_stat_cost(cb, 1))) continue; /* the cheaper one is a */
        double from = rn_stat_cost(cb, 1);
        double to = fmin(rn_stat_cost(ca, a->k_max), rn_stat_cost(cb, b->k_max));
        if (!(to > from)) continue;
        const double *ta = rn_report_common_table(r, t, a), *tb = rn_report_common_table(r, t, b);
        rc = ta && tb ? rn_stat_budget_grid(from, to, CROSS_BUDGETS, budgets, err)
                      : rn_nomem(err, "report");
        if (!rc)
            rc = rn_stat_budget_table(&(rn_ktable){ta, t->n_common, a->k_max}, ca, 0, budgets,
                                      CROSS_BUDGETS, x, err);
        if (!rc)
            rc = rn_stat_budget_table(&(rn_ktable){tb, t->n_common, b->k_max}, cb, 0, budgets,
                                      CROSS_BUDGETS, y, err);
        rn_cross *c = &list[out->n_crossings];
        *c = (rn_cross){.a = (int)(i / n), .b = (int)(i % n), .from = from, .to = to};
        if (!rc)
            rc = rn_stat_boot_crossover(t->boot, x, y, budgets, CROSS_BUDGETS, r->opts.level,
                                        &c->at, err);
        if (!rc) out->n_crossings++;
    }
    out->crossings = list;
    rn_arena_free(&own);
    return rc;
}

static int lead_on(rn_report *r, rn_report_task *t, rn_unit axis, rn_err *err)
{
    rn_report_axis *out = &t->axis[axis];
    out->unit = find_unit(t, axis);
    out->any = out->unit >= 0;
    if (!out->any) return 0;
    int rc = t->boot ? crossings(r, t, axis, out, err) : 0;
    if (rc) return rc;
    const double one = rn_stat_cost(&t->entrants[out->unit].axis[axis], 1);
    const rn_cell none = {0, NAN, NAN, NAN};
    work w = {.axis = axis};
    w.m = list_budgets(r, t, axis, one, w.budgets);
    const size_t n = t->n_entrants, m = w.m;
    rn_budget_row *rows = rn_arena_array(&r->arena, m, sizeof *rows);
    rn_cell *all = rn_arena_array(&r->arena, m * n, sizeof *all);
    rn_cell *column = rn_arena_array(&w.a, m, sizeof *column);
    w.at = rn_arena_array(&w.a, n, sizeof *w.at);
    if (!rows || !all || !column || !w.at) rc = rn_nomem(err, "report");
    for (size_t i = 0; i < n && !rc; i++) {
        const rn_entrant *e = &t->entrants[i];
        const bool here = competes(e, axis);
        for (size_t j = 0; j < m; j++)
            column[j] = none;
        if (here && e->table && t->boot) rc = sampled_cells(r, t, i, &w, column, err);
        for (size_t j = 0; j < m && here && !e->table; j++)
            column[j] = rn_report_published_at(
                e, rn_stat_afford(&e->axis[axis], w.budgets[j], RN_STAT_MAX_N),
                r->opts.interpolate);
        for (size_t j = 0; j < m && !rc; j++)
            all[j * n + i] = column[j];
    }
    for (size_t j = 0; j < m && !rc; j++) {
        rows[j] = (rn_budget_row){.budget = w.budgets[j],
                                  .norm = w.budgets[j] / one,
                                  .cells = all + j * n,
                                  .diff = NAN,
                                  .diff_lo = NAN,
                                  .diff_hi = NAN,
                                  .p_lead = NAN};
        find_best(t, &rows[j]);
        if (rows[j].second >= 0) rc = compare(r, t, &w, j, &rows[j], err);
    }
    rn_arena_free(&w.a);
    out->rows = rows;
    out->n_rows = rc ? 0 : m;
    return rc;
}

/* The smallest k whose value reaches the score: published values, or interpolated ones. */
static int64_t published_reach(const rn_entrant *e, double score, bool interpolate)
{
    size_t i = 0;
    while (i < e->n_published && e->published[i] < score)
        i++;
    if (i == e->n_published) return 0;
    if (!interpolate || i == 0) return e->published_k[i];
    int64_t lo = e->published_k[i - 1], hi = e->published_k[i]; /* lo misses it, hi reaches it */
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (rn_report_published_at(e, mid, true).value >= score)
            hi = mid;
        else
            lo = mid;
    }
    return hi;
}

static int reach(rn_report *r, rn_report_task *t, rn_err *err)
{
    rn_reach_row *rows = rn_arena_array(&r->arena, t->n_entrants + 1, sizeof *rows);
    if (!rows) return rn_nomem(err, "report");
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        rn_reach_row *row = &rows[i];
        row->k_lo = row->k_hi = row->best = NAN;
        for (int a = 0; a < RN_N_UNITS; a++)
            row->budget[a] = NAN;
        if (e->n_published) {
            row->k = published_reach(e, r->opts.reach, r->opts.interpolate);
            row->best = e->published[e->n_published - 1];
        } else if (e->table && t->boot) {
            const double *table = rn_report_common_table(r, t, e);
            rn_reach at;
            int rc = table ? rn_stat_boot_reach(t->boot, table, (size_t)e->k_max, r->opts.reach,
                                                r->opts.level, &at, err)
                           : rn_nomem(err, "report");
            if (rc) return rc;
            row->k = at.k;
            row->k_lo = at.lo;
            row->k_hi = at.hi;
            for (size_t j = 0; j < e->n_points; j++)
                if (e->points[j].k == e->k_max) row->best = e->points[j].value;
        }
        for (int a = 0; a < RN_N_UNITS; a++)
            if (row->k > 0 && e->priced[a]) row->budget[a] = rn_stat_cost(&e->axis[a], row->k);
    }
    t->reach = rows;
    return 0;
}

int rn_report_leaders(rn_report *r, rn_report_task *t, rn_err *err)
{
    int rc = 0;
    for (int a = 0; a < RN_N_UNITS && !rc; a++)
        rc = lead_on(r, t, (rn_unit)a, err);
    return rc || isnan(r->opts.reach) ? rc : reach(r, t, err);
}
