/*
 * ranked.c: rank-score of each pair of generator and ranker, by k and by budget (eq. 4, 5, 6), and
 * the best pair at each budget.
 *
 * The population of a pair is its judged samples with a score, and those cut by the token limit:
 * these are drawn and paid for, and never chosen. A budget buys fewer samples where their ranking
 * is charged too; both curves are kept. Two bounds come from the same samples: a choice that is
 * blind, and one that always finds a passing sample among those it may choose. Where scores come
 * from the samples drawn (agreement), k samples count only themselves (stat/agree.h).
 *
 * Problems are those of pass@k under the same policy for missing samples: under `fail` one without
 * a sample to rank is never solved, and counts 0.
 */
#include "report/report_priv.h"

/* One pair at work; its arrays are in `a`. */
typedef struct pair {
    rn_arena a;
    rn_ranking *ranking;
    rn_ranked *rows;   /* [n_rows]: problems with samples to rank */
    rn_agreed *agreed; /* [n_rows]: the same; NULL: scores stand for themselves */
    rn_votes *votes;   /* [n_rows]: the same; NULL: not the ranker `examples` */
    size_t n_rows;
    size_t n_zero; /* problems that are never solved, below the rows of `table` */
    int64_t k_max;
    double *table;            /* [n_rows + n_zero, k_max] */
    double *random, *perfect; /* [k_max]: means */
    rn_boot *boot;
} pair;

static void means_of(const pair *p, const double *table, double *mean)
{
    const size_t cols = (size_t)p->k_max;
    rn_stat_means(table, NULL, p->n_rows + p->n_zero, cols, mean);
}

/* Means over the problems when the scores are all equal, or those of a perfect ranker. */
static int bound(pair *p, bool perfect, double **mean, rn_err *err)
{
    size_t n = 0, cols = (size_t)p->k_max;
    for (size_t i = 0; i < p->n_rows; i++)
        n += (size_t)p->rows[i].n;
    rn_ranked *rows = rn_arena_array(&p->a, p->n_rows, sizeof *rows);
    double *score = rn_arena_array(&p->a, n, sizeof *score), *at = score;
    double *table = rn_arena_array(&p->a, (p->n_rows + p->n_zero) * cols, sizeof *table);
    *mean = rn_arena_array(&p->a, cols, sizeof **mean);
    if (!rows || !score || !table || !*mean) return rn_nomem(err, "report");
    for (size_t i = 0; i < p->n_rows; i++) {
        rows[i] = p->rows[i];
        rows[i].score = at;
        for (int64_t j = 0; j < rows[i].n; j++)
            *at++ = perfect && rows[i].pass[j] ? 1 : 0;
    }
    int rc = rn_stat_rank_table(rows, p->n_rows, false, RN_CUT_LAST, p->k_max, table, err);
    if (!rc) means_of(p, table, *mean);
    return rc;
}

/* Table, bounds and bootstrap; k_max 0 when nothing can be ranked. */
static int open_pair(const rn_report *r, const rn_report_task *t, const rn_entrant *e, pair *p,
                     rn_err *err)
{
    const rn_agreed *agreed = p->ranking->agreed;
    p->rows = rn_arena_array(&p->a, t->n_problems + 1, sizeof *p->rows);
    if (agreed) p->agreed = rn_arena_array(&p->a, t->n_problems + 1, sizeof *p->agreed);
    const rn_votes *votes = p->ranking->votes;
    if (votes) p->votes = rn_arena_array(&p->a, t->n_problems + 1, sizeof *p->votes);
    if (!p->rows || (votes && !p->votes) || (agreed && !p->agreed)) return rn_nomem(err, "report");
    for (size_t i = 0; i < t->n_problems; i++) {
        if (!e->keep[i]) continue;
        if (p->ranking->problems[i].n == 0) {
            p->n_zero += r->opts.missing == RN_MISSING_FAIL && e->counts[i].n == 0;
            continue;
        }
        if (agreed) p->agreed[p->n_rows] = agreed[i];
        if (votes) p->votes[p->n_rows] = votes[i];
        p->rows[p->n_rows++] = p->ranking->problems[i];
    }
    p->k_max = rn_stat_rank_k_max(p->rows, p->n_rows, RN_CUT_LAST);
    if (p->k_max == 0) return 0;
    p->ranking->n_problems_used = p->n_rows + p->n_zero;
    p->table = rn_arena_array(&p->a, (p->n_rows + p->n_zero) * (size_t)p->k_max, sizeof *p->table);
    if (!p->table) return rn_nomem(err, "report");
    int rc = votes ? rn_stat_votes_table(p->votes, p->n_rows, p->k_max, r->opts.seed, p->table, err)
             : agreed
                 ? rn_stat_agree_table(p->agreed, p->n_rows, p->k_max, r->opts.seed, p->table, err)
                 : rn_stat_rank_table(p->rows, p->n_rows, p->ranking->lower_is_better, RN_CUT_LAST,
                                      p->k_max, p->table, err);
    if (!rc) rc = bound(p, false, &p->random, err);
    if (!rc) rc = bound(p, true, &p->perfect, err);
    return rc ? rc
              : rn_stat_boot_new(p->n_rows + p->n_zero, (size_t)r->opts.n_resamples, r->opts.seed,
                                 &p->boot, err);
}

static int put_points(rn_report *r, pair *p, rn_err *err)
{
    size_t n = 0, cols = (size_t)p->k_max, n_rows = p->n_rows + p->n_zero;
    int64_t *ks = rn_report_chart_ks(r, p->k_max, p->k_max, &n);
    rn_point *points = ks ? rn_arena_array(&r->arena, n, sizeof *points) : NULL;
    double *random = ks ? rn_arena_array(&r->arena, 2 * n, sizeof *random) : NULL;
    double *at_ks = rn_arena_array(&p->a, n_rows * (n + 1), sizeof *at_ks);
    rn_interval *at = rn_arena_array(&p->a, n + 1, sizeof *at);
    if (!points || !random || !at_ks || !at) return rn_nomem(err, "report");
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n; j++)
            at_ks[i * n + j] = p->table[i * cols + (size_t)ks[j] - 1];
    int rc = rn_stat_boot_interval(p->boot, at_ks, n, r->opts.level, at, err);
    for (size_t j = 0; j < n && !rc; j++) {
        points[j] = (rn_point){ks[j], at[j].value, at[j].lo, at[j].hi, true};
        random[j] = p->random[ks[j] - 1];
        random[n + j] = p->perfect[ks[j] - 1];
    }
    if (rc) return rc;
    p->ranking->points = points;
    p->ranking->random = random;
    p->ranking->perfect = random + n;
    p->ranking->n_points = n;
    return 0;
}

/* The value at each of m budgets under one cost of k. */
static int cells_at(const rn_report *r, pair *p, const rn_kcost *cost, const double *budgets,
                    size_t m, rn_cell *cells, rn_err *err)
{
    const size_t n_rows = p->n_rows + p->n_zero;
    double *out = rn_arena_array(&p->a, n_rows * m, sizeof *out);
    rn_interval *iv = rn_arena_array(&p->a, m, sizeof *iv);
    int rc = out && iv ? rn_stat_budget_table(&(rn_ktable){p->table, n_rows, p->k_max}, cost, 0,
                                              budgets, m, out, err)
                       : rn_nomem(err, "report");
    if (!rc) rc = rn_stat_boot_interval(p->boot, out, m, r->opts.level, iv, err);
    for (size_t j = 0; j < m && !rc; j++) {
        cells[j] = (rn_cell){rn_stat_afford(cost, budgets[j], RN_STAT_MAX_N), iv[j].value, iv[j].lo,
                             iv[j].hi};
        if (cells[j].k == 0) cells[j].value = cells[j].lo = cells[j].hi = NAN;
    }
    return rc;
}

/* The rows at the task's budgets on one axis, both ways of charging. */
static int put_rows(rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_unit axis,
                    pair *p, rn_err *err)
{
    size_t m = t->axis[axis].n_rows;
    const rn_rank_cost *c = &p->ranking->cost[axis];
    if (!e->priced[axis] || m == 0) return 0;
    rn_rank_row *rows = rn_arena_array(&r->arena, m, sizeof *rows);
    double *budgets = rn_arena_array(&p->a, m, sizeof *budgets);
    rn_cell *unpaid = rn_arena_array(&p->a, 2 * m, sizeof *unpaid);
    if (!rows || !budgets || !unpaid) return rn_nomem(err, "report");
    rn_cell *paid = unpaid + m;
    for (size_t j = 0; j < m; j++) {
        budgets[j] = t->axis[axis].rows[j].budget;
        paid[j] = (rn_cell){0, NAN, NAN, NAN};
    }
    int rc = cells_at(r, p, &e->axis[axis], budgets, m, unpaid, err);
    if (!rc && c->known) rc = cells_at(r, p, &c->total, budgets, m, paid, err);
    for (size_t j = 0; j < m && !rc; j++) {
        const int64_t k = unpaid[j].k;
        const bool there = k > 0 && !isnan(unpaid[j].value);
        rows[j] = (rn_rank_row){.paid = paid[j],
                                .unpaid = unpaid[j],
                                .random = there ? p->random[k - 1] : NAN,
                                .perfect = there ? p->perfect[k - 1] : NAN};
    }
    if (!rc) p->ranking->rows[axis] = rows;
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
            for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND && !rc && p.k_max; a++)
                rc = put_rows(r, t, e, (rn_unit)a, &p, err);
            rn_stat_boot_free(p.boot);
            rn_arena_free(&p.a);
        }
    }
    return rc;
}

/* ---- the best pair at each budget ------------------------------------------------------------ */

/* The yardstick is the entrant with the most expensive sample among those with a greedy answer.
 * Only generators that cost less per sample compete: the question is whether ranking many cheap
 * samples can replace one answer of the expensive model. Ranking is charged; a pair whose
 * ranking has no known cost does not compete. */

static double sample_cost(const rn_report_task *t, rn_unit axis, size_t i)
{
    return rn_stat_cost(&t->entrants[i].axis[axis], 1);
}

static int find_yardstick(const rn_report_task *t, rn_unit axis)
{
    int best = -1;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->priced[axis] || e->greedy.n == 0) continue;
        if (best < 0 || sample_cost(t, axis, i) > sample_cost(t, axis, (size_t)best)) best = (int)i;
    }
    return best;
}

/* Whether entrant i may stand against the yardstick. */
static bool competes(const rn_report_task *t, rn_unit axis, int yardstick, size_t i)
{
    if (!t->entrants[i].priced[axis]) return false;
    return yardstick < 0 || sample_cost(t, axis, i) < sample_cost(t, axis, (size_t)yardstick);
}

/* False: no pair has rows on this axis. */
static bool best_at(const rn_report_task *t, rn_unit axis, int yardstick, size_t j, rn_rank_best *b)
{
    const rn_budget_row *row = &t->axis[axis].rows[j];
    bool any = false;
    *b = (rn_rank_best){.budget = row->budget,
                        .norm = row->norm,
                        .entrant = -1,
                        .ranking = -1,
                        .cell = {0, NAN, NAN, NAN},
                        .below = NAN};
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        for (size_t k = 0; competes(t, axis, yardstick, i) && k < e->n_rankings; k++) {
            const rn_rank_row *rows = e->rankings[k].rows[axis];
            any |= rows != NULL;
            if (!rows || rows[j].paid.k == 0 || isnan(rows[j].paid.value)) continue;
            if (b->entrant >= 0 && rows[j].paid.value <= b->cell.value) continue;
            b->entrant = (int)i;
            b->ranking = (int)k;
            b->cell = rows[j].paid;
        }
    }
    if (yardstick < 0) return any;
    b->greedy_affordable = sample_cost(t, axis, (size_t)yardstick) <= row->budget * (1 + 1e-9);
    if (b->entrant >= 0) b->below = t->entrants[yardstick].greedy.value - b->cell.value;
    return any;
}

int rn_report_rank_best(rn_report *r, rn_report_task *t, rn_err *err)
{
    for (int a = RN_UNIT_FLOP; a < RN_N_UNITS; a++) {
        rn_report_axis *ax = &t->axis[a];
        const bool ranked = a <= RN_UNIT_SECOND;
        ax->yardstick = ranked ? find_yardstick(t, (rn_unit)a) : -1;
        if (!ranked || ax->n_rows == 0) continue;
        rn_rank_best *rows = rn_arena_array(&r->arena, ax->n_rows, sizeof *rows);
        if (!rows) return rn_nomem(err, "report");
        ax->ranked = rows;
        for (size_t j = 0; j < ax->n_rows; j++)
            if (best_at(t, (rn_unit)a, ax->yardstick, j, &rows[j])) ax->n_ranked = ax->n_rows;
    }
    return 0;
}
