/*
 * ranked.c: rank-score of each pair of generator and ranker, by k and by budget (eq. 4, 5, 6).
 *
 * The population of a pair is its judged samples with a score, and those cut by the token limit:
 * these are drawn and paid for, and never chosen. A budget buys fewer samples where their ranking
 * is charged too; both curves are kept. Two bounds come from the same samples: a choice that is
 * blind, and one that always finds a passing sample among those it may choose. Where scores come
 * from the samples drawn (agreement), k samples count only themselves (stat/agree.h).
 */
#include "report/inside.h"

#include <stdlib.h>

/* One pair at work. Everything but `ranking` is the pair's own. */
typedef struct pair {
    rn_ranking *ranking;
    rn_ranked *rows;   /* [n_rows]: problems with scored samples */
    rn_agreed *agreed; /* [n_rows]: the same; NULL: scores stand for themselves */
    size_t n_rows;
    int64_t k_max;
    double *table;            /* [n_rows, k_max] */
    double *random, *perfect; /* [k_max]: means */
    rn_boot *boot;
} pair;

static void free_pair(pair *p)
{
    free(p->rows);
    free(p->agreed);
    free(p->table);
    free(p->random);
    free(p->perfect);
    rn_stat_boot_free(p->boot);
}

/* Means over the problems when the scores are all equal, or those of a perfect ranker. */
static int bound(const pair *p, bool perfect, double *mean, rn_err *err)
{
    size_t n = 0, cols = (size_t)p->k_max;
    for (size_t i = 0; i < p->n_rows; i++)
        n += (size_t)p->rows[i].n;
    rn_ranked *rows = malloc(p->n_rows * sizeof *rows);
    double *score = calloc(n + 1, sizeof *score);
    double *table = malloc(p->n_rows * cols * sizeof *table);
    int rc = rows && score && table ? 0 : rn_report_nomem(err);
    double *at = score;
    for (size_t i = 0; i < p->n_rows && !rc; i++) {
        rows[i] = p->rows[i];
        rows[i].score = at;
        for (int64_t j = 0; j < rows[i].n; j++)
            *at++ = perfect && rows[i].pass[j] ? 1 : 0;
    }
    if (!rc) rc = rn_stat_rank_table(rows, p->n_rows, false, RN_CUT_LAST, p->k_max, table, err);
    for (size_t k = 0; k < cols && !rc; k++) {
        double sum = 0;
        for (size_t i = 0; i < p->n_rows; i++)
            sum += table[i * cols + k];
        mean[k] = sum / (double)p->n_rows;
    }
    free(table);
    free(score);
    free(rows);
    return rc;
}

/* Table, bounds and bootstrap; k_max 0 when nothing can be ranked. */
static int open_pair(const rn_report *r, const rn_report_task *t, const rn_entrant *e, pair *p,
                     rn_err *err)
{
    p->rows = malloc((t->n_problems + 1) * sizeof *p->rows);
    const rn_agreed *agreed = p->ranking->agreed;
    if (agreed) p->agreed = malloc((t->n_problems + 1) * sizeof *p->agreed);
    if (!p->rows || (agreed && !p->agreed)) return rn_report_nomem(err);
    for (size_t i = 0; i < t->n_problems; i++) {
        if (!e->keep[i] || p->ranking->problems[i].n == 0) continue;
        if (agreed) p->agreed[p->n_rows] = agreed[i];
        p->rows[p->n_rows++] = p->ranking->problems[i];
    }
    p->k_max = rn_stat_rank_k_max(p->rows, p->n_rows, RN_CUT_LAST);
    if (p->k_max == 0) return 0;
    size_t cols = (size_t)p->k_max;
    p->table = malloc(p->n_rows * cols * sizeof *p->table);
    p->random = malloc(cols * sizeof *p->random);
    p->perfect = malloc(cols * sizeof *p->perfect);
    if (!p->table || !p->random || !p->perfect) return rn_report_nomem(err);
    int rc = agreed
                 ? rn_stat_agree_table(p->agreed, p->n_rows, p->k_max, r->opts.seed, p->table, err)
                 : rn_stat_rank_table(p->rows, p->n_rows, p->ranking->lower_is_better, RN_CUT_LAST,
                                      p->k_max, p->table, err);
    if (!rc) rc = bound(p, false, p->random, err);
    if (!rc) rc = bound(p, true, p->perfect, err);
    return rc ? rc
              : rn_stat_boot_new(p->n_rows, (size_t)r->opts.n_resamples, r->opts.seed, &p->boot,
                                 err);
}

static int put_points(rn_report *r, pair *p, rn_err *err)
{
    size_t n = 0, cols = (size_t)p->k_max;
    int64_t *ks = rn_report_chart_ks(r, p->k_max, p->k_max, &n);
    rn_point *points = ks ? rn_arena_array(&r->arena, n, sizeof *points) : NULL;
    double *random = ks ? rn_arena_array(&r->arena, n, sizeof *random) : NULL;
    double *perfect = ks ? rn_arena_array(&r->arena, n, sizeof *perfect) : NULL;
    double *at_ks = malloc(p->n_rows * (n + 1) * sizeof *at_ks);
    rn_interval *at = malloc((n + 1) * sizeof *at);
    int rc = points && random && perfect && at_ks && at ? 0 : rn_report_nomem(err);
    for (size_t i = 0; i < p->n_rows && !rc; i++)
        for (size_t j = 0; j < n; j++)
            at_ks[i * n + j] = p->table[i * cols + (size_t)ks[j] - 1];
    if (!rc) rc = rn_stat_boot_interval(p->boot, at_ks, n, r->opts.level, at, err);
    for (size_t j = 0; j < n && !rc; j++) {
        points[j] = (rn_point){ks[j], at[j].value, at[j].lo, at[j].hi, true};
        random[j] = p->random[ks[j] - 1];
        perfect[j] = p->perfect[ks[j] - 1];
    }
    if (!rc) {
        p->ranking->points = points;
        p->ranking->random = random;
        p->ranking->perfect = perfect;
        p->ranking->n_points = n;
    }
    free(at);
    free(at_ks);
    return rc;
}

/* The value at each of m budgets under one cost of k. */
static int cells_at(const rn_report *r, const pair *p, const rn_kcost *cost, const double *budgets,
                    size_t m, rn_cell *cells, rn_err *err)
{
    double *out = malloc(p->n_rows * m * sizeof *out);
    rn_interval *iv = malloc(m * sizeof *iv);
    int rc = out && iv ? 0 : rn_report_nomem(err);
    if (!rc)
        rc = rn_stat_budget_table(p->table, p->n_rows, p->k_max, cost, 0, budgets, m, out, err);
    if (!rc) rc = rn_stat_boot_interval(p->boot, out, m, r->opts.level, iv, err);
    for (size_t j = 0; j < m && !rc; j++) {
        cells[j] = (rn_cell){rn_stat_afford(cost, budgets[j], RN_STAT_MAX_N), iv[j].value, iv[j].lo,
                             iv[j].hi};
        if (cells[j].k == 0) cells[j].value = cells[j].lo = cells[j].hi = NAN;
    }
    free(iv);
    free(out);
    return rc;
}

/* The rows at the task's budgets on one axis, both ways of charging. */
static int put_rows(rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_axis axis,
                    pair *p, rn_err *err)
{
    size_t m = t->axis[axis].n_rows;
    const rn_rank_cost *c = &p->ranking->cost[axis];
    if (!e->priced[axis] || m == 0) return 0;
    rn_rank_row *rows = rn_arena_array(&r->arena, m, sizeof *rows);
    double *budgets = malloc(m * sizeof *budgets);
    rn_cell *cells = malloc(m * sizeof *cells);
    int rc = rows && budgets && cells ? 0 : rn_report_nomem(err);
    for (size_t j = 0; j < m && !rc; j++)
        budgets[j] = t->axis[axis].rows[j].budget;
    if (!rc) rc = cells_at(r, p, &e->axis[axis], budgets, m, cells, err);
    for (size_t j = 0; j < m && !rc; j++) {
        int64_t k = cells[j].k;
        bool there = k > 0 && !isnan(cells[j].value);
        rows[j] = (rn_rank_row){.paid = {0, NAN, NAN, NAN},
                                .unpaid = cells[j],
                                .random = there ? p->random[k - 1] : NAN,
                                .perfect = there ? p->perfect[k - 1] : NAN};
    }
    if (!rc && c->known) rc = cells_at(r, p, &c->total, budgets, m, cells, err);
    for (size_t j = 0; j < m && !rc && c->known; j++)
        rows[j].paid = cells[j];
    if (!rc) p->ranking->rows[axis] = rows;
    free(cells);
    free(budgets);
    return rc;
}

int rn_report_rankings(rn_report *r, rn_report_task *t, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < t->n_entrants && !rc; i++) {
        const rn_entrant *e = &t->entrants[i];
        for (size_t j = 0; e->table && j < e->n_rankings && !rc; j++) {
            pair p = {.ranking = &e->rankings[j]};
            rc = open_pair(r, t, e, &p, err);
            if (!rc && p.k_max) rc = put_points(r, &p, err);
            for (int a = RN_AXIS_FLOP; a <= RN_AXIS_TIME && !rc && p.k_max; a++)
                rc = put_rows(r, t, e, (rn_axis)a, &p, err);
            free_pair(&p);
        }
    }
    return rc;
}
