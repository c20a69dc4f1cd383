/*
 * beyond.c: what recorded outcomes say about other ways to spend: stopping at the first pass, one
 * budget for the whole set, cascades of two models.
 *
 * All of it is computed on the task's plan axis: the first of FLOPs, seconds and dollars on which
 * an entrant is priced linearly (a measured table of batches has no cost of a single further
 * sample). Cascades are chosen on one half of the problems and scored on the other, both ways
 * round, so that the choice is not judged by the data that made it; the single model beside them
 * likewise.
 */
#include "report/inside.h"

#include "stat/alloc.h"
#include "stat/fold.h"
#include "stat/plan.h"

#include <stdlib.h>

enum { MAX_K = 256, N_FOLDS = 2 };

static int stop_rows(rn_report *r, const rn_report_task *t, const rn_entrant *e,
                     const rn_stop_row **out, size_t *n_out, rn_err *err)
{
    size_t rows = e->cov.n_used, cols = (size_t)e->k_max, n = 0;
    rn_stop_row *list = rn_arena_array(&r->arena, 66, sizeof *list);
    double *table = malloc(rows * cols * sizeof *table), *draws = malloc(cols * sizeof *draws);
    double *pass = malloc((size_t)e->n_cols * sizeof *pass), *spent = malloc(cols * sizeof *spent);
    int rc = list && table && draws && pass && spent ? 0 : rn_report_nomem(err);
    const rn_drawcost unit = {.failing = 1, .passing = 1};
    if (!rc)
        rc = rn_stat_stop_table(e->eff, e->keep, t->n_problems, &unit, 0, e->k_max, NULL, table,
                                err);
    if (!rc) {
        rn_stat_means(table, NULL, rows, cols, draws);
        rn_stat_means(e->table, NULL, rows, (size_t)e->n_cols, pass);
        for (int64_t k = 1; k <= e->k_max; k = k < e->k_max && 2 * k > e->k_max ? e->k_max : 2 * k)
            list[n++] = (rn_stop_row){.k = k, .value = pass[k - 1], .draws = draws[k - 1]};
    }
    for (int a = 0; a < RN_N_AXES && !rc; a++) {
        bool on = rn_report_linear(e, (rn_axis)a);
        const rn_drawcost cost = on ? rn_report_draw_cost(r, e, (rn_axis)a) : unit;
        if (on)
            rc = rn_stat_stop_table(e->eff, e->keep, t->n_problems, &cost, 0, e->k_max, NULL, table,
                                    err);
        if (on && !rc) rn_stat_means(table, NULL, rows, cols, spent);
        for (size_t i = 0; i < n && !rc; i++) {
            list[i].full[a] = e->priced[a] ? rn_stat_cost(&e->axis[a], list[i].k) : NAN;
            list[i].spent[a] = on ? spent[list[i].k - 1] : NAN;
        }
    }
    free(spent);
    free(pass);
    free(draws);
    free(table);
    *out = list;
    *n_out = n;
    return rc;
}

/* The plan axis: the first on which somebody is priced linearly; RN_N_AXES if none. */
static rn_axis plan_axis(const rn_report_task *t)
{
    for (int a = 0; a < RN_N_AXES; a++)
        for (size_t i = 0; i < t->n_entrants; i++)
            if (t->entrants[i].table && rn_report_linear(&t->entrants[i], (rn_axis)a))
                return (rn_axis)a;
    return RN_N_AXES;
}

/* One row per budget of the axis at which the entrant has an estimate. */
static int alloc_rows(rn_report *r, const rn_report_task *t, size_t who, rn_axis axis,
                      const rn_alloc_row **out, size_t *n_out, rn_err *err)
{
    const rn_report_axis *ax = &t->axis[axis];
    const rn_entrant *e = &t->entrants[who];
    size_t m = 0, k_max = (size_t)e->k_max;
    double problems = (double)t->n_common;
    rn_alloc_row *rows = rn_arena_array(&r->arena, ax->n_rows + 1, sizeof *rows);
    double *score = malloc(k_max * sizeof *score), *cost = malloc(k_max * sizeof *cost);
    double *budgets = malloc((ax->n_rows + 1) * sizeof *budgets);
    double *oracle = malloc((ax->n_rows + 1) * sizeof *oracle);
    rn_arm *arm = NULL;
    int rc = rows && score && cost && budgets && oracle ? 0 : rn_report_nomem(err);
    if (!rc) rc = rn_report_arm(r, t, e, axis, INT64_MAX, true, &arm, err);
    if (!rc) rc = rn_stat_rounds(arm, NULL, score, cost, err);
    for (size_t j = 0; j < ax->n_rows && !rc; j++) {
        const rn_cell *c = &ax->rows[j].cells[who];
        if (c->k == 0 || isnan(c->value)) continue;
        double total = ax->rows[j].budget * problems;
        rows[m] = (rn_alloc_row){
            .budget = ax->rows[j].budget, .norm = ax->rows[j].norm, .same_k = c->value};
        for (size_t k = 0; k < k_max && cost[k] <= total * (1 + 1e-12); k++)
            rows[m].rounds = score[k];
        /* Money that even k_max samples for each cannot spend says nothing about more samples. */
        if (cost[k_max - 1] <= total) rows[m].rounds = NAN;
        budgets[m++] = total;
    }
    if (!rc && m) rc = rn_stat_oracle(arm, budgets, m, oracle, err);
    for (size_t j = 0; j < m && !rc; j++)
        rows[j].oracle = isnan(rows[j].rounds) ? NAN : oracle[j];
    rn_stat_arm_free(arm);
    free(oracle);
    free(budgets);
    free(cost);
    free(score);
    *out = rows;
    *n_out = m;
    return rc;
}

/* ---- cascades -------------------------------------------------------------------------------- */

/* The plans at the budgets [m], chosen on everything, and the scores of such plans on problems that
 * did not choose them. */
typedef struct choices {
    rn_plan *plan; /* [m] */
    double *score; /* [m] */
    double *table; /* [n_rows, m] */
} choices;

static int choose(const rn_arm *const *arms, size_t n_arms, rn_plan_kind kind, const uint32_t *fold,
                  const double *budgets, size_t m, choices *out, rn_err *err)
{
    const size_t n_rows = arms[0]->n_rows;
    *out = (choices){.plan = malloc(m * sizeof *out->plan),
                     .score = malloc(m * sizeof *out->score),
                     .table = malloc(n_rows * m * sizeof *out->table)};
    if (!out->plan || !out->score || !out->table) return rn_report_nomem(err);
    int rc = rn_stat_plan_best(arms, n_arms, kind, RN_LIMIT_MEAN, NULL, budgets, m, out->plan, err);
    if (!rc)
        rc = rn_stat_plan_crossfit(arms, n_arms, kind, RN_LIMIT_MEAN, fold, N_FOLDS, budgets, m,
                                   out->table, NULL, err);
    if (!rc) rn_stat_means(out->table, NULL, n_rows, m, out->score);
    return rc;
}

static void choices_free(choices *c)
{
    free(c->plan);
    free(c->score);
    free(c->table);
}

/* An arm's place among the task's entrants; -1 for no arm. */
static int entrant_of(const int *entrants, int arm)
{
    return arm < 0 ? -1 : entrants[arm];
}

static void fill_rows(const rn_report_axis *ax, const int *entrants, const choices *single,
                      const choices *cascade, rn_cascade_row *out)
{
    for (size_t j = 0; j < ax->n_rows; j++) {
        const rn_step *step = &cascade->plan[j].step;
        const int first = entrant_of(entrants, step->first);
        out[j] = (rn_cascade_row){.budget = ax->rows[j].budget,
                                  .norm = ax->rows[j].norm,
                                  .first = first,
                                  .second =
                                      step->second < 0 ? first : entrant_of(entrants, step->second),
                                  .k1 = step->k1,
                                  .k2 = step->k2,
                                  .cascade = cascade->score[j],
                                  .single = single->score[j],
                                  .single_model = entrant_of(entrants, single->plan[j].step.first)};
    }
}

static int cascades(rn_report *r, rn_report_task *t, rn_axis axis, rn_err *err)
{
    const rn_report_axis *ax = &t->axis[axis];
    const size_t m = ax->n_rows;
    if (t->n_common < 2 * N_FOLDS || m == 0) return 0;
    rn_arm **arms = calloc(t->n_entrants, sizeof *arms);
    int *entrants = calloc(t->n_entrants, sizeof *entrants);
    uint32_t *fold = malloc(t->n_common * sizeof *fold);
    double *budgets = malloc(m * sizeof *budgets);
    rn_cascade_row *out = rn_arena_array(&r->arena, m, sizeof *out);
    choices single = {0}, cascade = {0};
    size_t n_arms = 0;
    int rc = arms && entrants && fold && budgets && out ? 0 : rn_report_nomem(err);
    for (size_t i = 0; i < t->n_entrants && !rc; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->table || !rn_report_linear(e, axis)) continue;
        entrants[n_arms] = (int)i;
        rc = rn_report_arm(r, t, e, axis, MAX_K, true, &arms[n_arms], err);
        if (!rc) n_arms++;
    }
    if (!rc && n_arms >= 2) {
        const rn_arm *const *list = (const rn_arm *const *)arms;
        for (size_t j = 0; j < m; j++)
            budgets[j] = ax->rows[j].budget;
        rc = rn_stat_folds(r->opts.seed, t->n_common, N_FOLDS, fold, err);
        if (!rc) rc = choose(list, n_arms, RN_PLAN_SINGLE, fold, budgets, m, &single, err);
        if (!rc) rc = choose(list, n_arms, RN_PLAN_CASCADE, fold, budgets, m, &cascade, err);
        if (!rc) {
            fill_rows(ax, entrants, &single, &cascade, out);
            t->cascades = out;
            t->n_cascades = m;
        }
    }
    choices_free(&cascade);
    choices_free(&single);
    for (size_t i = 0; i < n_arms; i++)
        rn_stat_arm_free(arms[i]);
    free(budgets);
    free(fold);
    free(entrants);
    free(arms);
    return rc;
}

int rn_report_beyond(rn_report *r, rn_report_task *t, rn_err *err)
{
    if (!t->boot) return 0;
    size_t n = t->n_entrants;
    const rn_stop_row **stops = rn_arena_array(&r->arena, n, sizeof *stops);
    const rn_alloc_row **allocs = rn_arena_array(&r->arena, n, sizeof *allocs);
    size_t *n_stops = rn_arena_array(&r->arena, n, sizeof *n_stops);
    size_t *n_allocs = rn_arena_array(&r->arena, n, sizeof *n_allocs);
    if (!stops || !allocs || !n_stops || !n_allocs) return rn_report_nomem(err);
    t->alloc_axis = plan_axis(t);
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->table) continue;
        rc = stop_rows(r, t, e, &stops[i], &n_stops[i], err);
        if (!rc && t->alloc_axis != RN_N_AXES && rn_report_linear(e, t->alloc_axis))
            rc = alloc_rows(r, t, i, t->alloc_axis, &allocs[i], &n_allocs[i], err);
    }
    t->stops = stops;
    t->n_stops = n_stops;
    t->allocs = allocs;
    t->n_allocs = n_allocs;
    if (rc || t->alloc_axis == RN_N_AXES) return rc;
    return cascades(r, t, t->alloc_axis, err);
}
