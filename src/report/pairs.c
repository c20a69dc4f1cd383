/*
 * pairs.c: two models side by side, at equal k and at equal budgets, paired by problem.
 *
 * Intervals of two curves that overlap say little about their difference: the same hard problems
 * pull both down. The difference per problem is resampled instead.
 */
#include "report/inside.h"

#include <stdlib.h>

static int find(const rn_report_task *t, const char *model)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        if (t->entrants[i].table && strcmp(t->entrants[i].model, model) == 0) return (int)i;
    return -1;
}

/* Differences of two tables [n_common, m] into rows; columns with a NAN keep NAN. */
static int differences(const rn_report *r, const rn_report_task *t, const double *x,
                       const double *y, size_t m, rn_pair_row *rows, rn_err *err)
{
    rn_interval *iv = malloc(m * sizeof *iv);
    double *p = malloc(m * sizeof *p);
    int rc = iv && p ? rn_stat_boot_paired(t->boot, x, y, m, r->opts.level, iv, p, err)
                     : rn_report_nomem(err);
    for (size_t j = 0; j < m && !rc; j++) {
        rows[j].diff = iv[j].value;
        rows[j].lo = iv[j].lo;
        rows[j].hi = iv[j].hi;
        rows[j].p_greater = p[j];
    }
    free(p);
    free(iv);
    return rc;
}

/* At k = 1, 2, 4, ... and the last k that is robust for both. */
static int by_k(rn_report *r, rn_report_task *t, rn_err *err)
{
    const rn_entrant *a = &t->entrants[t->pair_a], *b = &t->entrants[t->pair_b];
    const double *ta = rn_report_common_table(r, t, a), *tb = rn_report_common_table(r, t, b);
    int64_t k_max = a->k_max < b->k_max ? a->k_max : b->k_max, ks[66];
    size_t m = 0, n = t->n_common;
    for (int64_t k = 1; k <= k_max; k = k < k_max && 2 * k > k_max ? k_max : 2 * k)
        ks[m++] = k;
    rn_pair_row *rows = rn_arena_array(&r->arena, m, sizeof *rows);
    double *x = malloc(2 * n * m * sizeof *x);
    if (!ta || !tb || !rows || !x) {
        free(x);
        return rn_report_nomem(err);
    }
    double *y = x + n * m;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            x[i * m + j] = ta[i * (size_t)a->k_max + (size_t)ks[j] - 1];
            y[i * m + j] = tb[i * (size_t)b->k_max + (size_t)ks[j] - 1];
        }
    for (size_t j = 0; j < m; j++)
        rows[j].x = rows[j].norm = (double)ks[j];
    int rc = differences(r, t, x, y, m, rows, err);
    free(x);
    t->pairs[RN_N_AXES] = rows;
    t->n_pairs[RN_N_AXES] = rc ? 0 : m;
    return rc;
}

static int by_budget(rn_report *r, rn_report_task *t, rn_axis axis, rn_err *err)
{
    const rn_entrant *a = &t->entrants[t->pair_a], *b = &t->entrants[t->pair_b];
    size_t m = t->axis[axis].n_rows, n = t->n_common;
    if (!a->priced[axis] || !b->priced[axis] || m == 0) return 0;
    const double *ta = rn_report_common_table(r, t, a), *tb = rn_report_common_table(r, t, b);
    rn_pair_row *rows = rn_arena_array(&r->arena, m, sizeof *rows);
    double *x = malloc((2 * n + 1) * m * sizeof *x);
    if (!ta || !tb || !rows || !x) {
        free(x);
        return rn_report_nomem(err);
    }
    double *y = x + n * m, *budgets = y + n * m;
    for (size_t j = 0; j < m; j++) {
        budgets[j] = rows[j].x = t->axis[axis].rows[j].budget;
        rows[j].norm = t->axis[axis].rows[j].norm;
    }
    int rc = rn_stat_budget_table(ta, n, a->k_max, &a->axis[axis], 0, budgets, m, x, err);
    if (!rc) rc = rn_stat_budget_table(tb, n, b->k_max, &b->axis[axis], 0, budgets, m, y, err);
    if (!rc) rc = differences(r, t, x, y, m, rows, err);
    free(x);
    t->pairs[axis] = rows;
    t->n_pairs[axis] = rc ? 0 : m;
    return rc;
}

int rn_report_pairs(rn_report *r, rn_report_task *t, rn_err *err)
{
    t->pair_a = t->pair_b = -1;
    if (!r->opts.compare_a || !t->boot) return 0;
    t->pair_a = find(t, r->opts.compare_a);
    t->pair_b = find(t, r->opts.compare_b);
    if (t->pair_a < 0 || t->pair_b < 0)
        return rn_report_note(r, err, "%s: no judged samples of %s: no comparison", t->name,
                              t->pair_a < 0 ? r->opts.compare_a : r->opts.compare_b);
    int rc = by_k(r, t, err);
    for (int a = 0; a < RN_N_AXES && !rc; a++)
        rc = by_budget(r, t, (rn_axis)a, err);
    return rc;
}
