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

#include "stat/cascade.h"
#include "stat/alloc.h"
#include "stat/fold.h"

#include <stdlib.h>

enum { MAX_ARM = 256, N_FOLDS = 2 };

static bool linear(const rn_entrant *e, rn_axis axis)
{
    return e->priced[axis] && e->axis[axis].n_points == 0;
}

/* Where tokens are known for passing and failing samples apart, so are their exact FLOPs. */
static rn_drawcost draw_cost(const rn_report *r, const rn_entrant *e, rn_axis axis)
{
    const rn_kcost *c = &e->axis[axis];
    rn_drawcost d = {.shared = c->shared, .failing = c->per_sample, .passing = c->per_sample};
    const rn_tokens *all = &e->tokens, *pass = &e->tokens_passed;
    if (axis != RN_AXIS_FLOP || r->opts.basis != RN_FLOP_EXACT || !pass->n_gen ||
        pass->n_gen == all->n_gen)
        return d;
    rn_tokens fail = {.n_gen = all->n_gen - pass->n_gen,
                      .n_both = all->n_both - pass->n_both,
                      .g = all->g - pass->g,
                      .g2 = all->g2 - pass->g2,
                      .gp = all->gp - pass->gp};
    double prompt = all->n_both ? all->prompt / (double)all->n_both : r->opts.prompt_tok;
    d.passing = rn_report_exact_sample(&e->cost->shape, pass, prompt);
    d.failing = rn_report_exact_sample(&e->cost->shape, &fail, prompt);
    return d;
}

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
        bool on = linear(e, (rn_axis)a);
        const rn_drawcost cost = on ? draw_cost(r, e, (rn_axis)a) : unit;
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
            if (t->entrants[i].table && linear(&t->entrants[i], (rn_axis)a)) return (rn_axis)a;
    return RN_N_AXES;
}

static int new_arm(const rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_axis axis,
                   int64_t k_limit, rn_arm **out, rn_err *err)
{
    rn_drawcost cost = draw_cost(r, e, axis);
    int64_t k = e->k_max < k_limit ? e->k_max : k_limit;
    return rn_stat_arm_new(e->eff, t->common, t->n_problems, &cost, 0, k, out, err);
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
    if (!rc) rc = new_arm(r, t, e, axis, INT64_MAX, &arm, err);
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

/* A choice of one or two models; b < 0: a alone with k1 samples. */
typedef struct plan {
    int a, b;
    int64_t k1, k2;
    double score;
} plan;

typedef struct cascade_job {
    rn_arm **arms; /* [n_entrants], NULL: not on the axis */
    size_t n, n_rows, m;
    const double *budgets; /* [m], means per problem */
} cascade_job;

/* The best plan of `a` then `b` at each budget under the weights, kept in best [m] where it beats
 * what is there; b < 0: a alone. */
static int improve(const cascade_job *job, int a, int b, const double *weight, plan *best,
                   rn_err *err)
{
    /* k2 = 0 throughout is `a` alone; the same arm serves as an unused second. */
    const rn_arm *first = job->arms[a], *second = job->arms[b < 0 ? a : b];
    size_t cells = (size_t)(first->k_max + 1) * (size_t)(second->k_max + 1);
    double *score = malloc(cells * sizeof *score), *cost = malloc(cells * sizeof *cost);
    rn_cascade_point *points = NULL;
    size_t n = 0;
    int rc = score && cost ? rn_stat_cascade_grid(first, second, weight, score, cost, err)
                           : rn_report_nomem(err);
    if (!rc && b < 0) { /* keep the column k2 = 0 */
        size_t stride = (size_t)(second->k_max + 1);
        for (size_t k = 0; k <= (size_t)first->k_max; k++) {
            score[k] = score[k * stride];
            cost[k] = cost[k * stride];
        }
    }
    if (!rc)
        rc = rn_stat_frontier(score, cost, first->k_max, b < 0 ? 0 : second->k_max, &points, &n,
                              err);
    for (size_t j = 0; j < job->m && !rc; j++) {
        const rn_cascade_point *p = rn_stat_frontier_at(points, n, job->budgets[j]);
        if (p && p->score > best[j].score) best[j] = (plan){a, b, p->k1, p->k2, p->score};
    }
    free(points);
    free(cost);
    free(score);
    return rc;
}

/* The best single models and the best cascades at each budget under the weights. */
static int choose(const cascade_job *job, const double *weight, plan *single, plan *cascade,
                  rn_err *err)
{
    for (size_t j = 0; j < job->m; j++)
        single[j] = cascade[j] = (plan){-1, -1, 0, 0, 0};
    int rc = 0;
    for (size_t a = 0; a < job->n && !rc; a++)
        if (job->arms[a]) rc = improve(job, (int)a, -1, weight, single, err);
    for (size_t i = 0; i < job->n * job->n && !rc; i++) {
        size_t a = i / job->n, b = i % job->n;
        if (a != b && job->arms[a] && job->arms[b])
            rc = improve(job, (int)a, (int)b, weight, cascade, err);
    }
    return rc;
}

/* The sum over the problems of fold `which` of a plan's score. */
static int score_plan(const cascade_job *job, const plan *p, const uint32_t *fold, uint32_t which,
                      double *rows, double *sum, rn_err *err)
{
    if (p->a < 0) return 0;
    const rn_arm *first = job->arms[p->a], *second = job->arms[p->b < 0 ? p->a : p->b];
    int rc = rn_stat_cascade_rows(first, second, p->k1, p->k2, rows, NULL, err);
    for (size_t i = 0; i < job->n_rows && !rc; i++)
        if (fold[i] == which) *sum += rows[i];
    return rc;
}

static int cross_fit(const rn_report *r, const cascade_job *job, double *single, double *cascade,
                     rn_err *err)
{
    size_t n = job->n_rows, m = job->m;
    uint32_t *fold = malloc(n * sizeof *fold);
    double *weight = malloc(n * sizeof *weight), *rows = malloc(n * sizeof *rows);
    plan *plans = malloc(2 * m * sizeof *plans);
    int rc = fold && weight && rows && plans ? rn_stat_folds(r->opts.seed, n, N_FOLDS, fold, err)
                                             : rn_report_nomem(err);
    for (uint32_t f = 0; f < N_FOLDS && !rc; f++) {
        rn_stat_fold_weights(fold, n, f, 0, weight);
        rc = choose(job, weight, plans, plans + m, err);
        for (size_t j = 0; j < m && !rc; j++) {
            rc = score_plan(job, &plans[j], fold, f, rows, &single[j], err);
            if (!rc) rc = score_plan(job, &plans[m + j], fold, f, rows, &cascade[j], err);
        }
    }
    for (size_t j = 0; j < m && !rc; j++) {
        single[j] /= (double)n;
        cascade[j] /= (double)n;
    }
    free(plans);
    free(rows);
    free(weight);
    free(fold);
    return rc;
}

static int cascades(rn_report *r, rn_report_task *t, rn_axis axis, rn_err *err)
{
    const rn_report_axis *ax = &t->axis[axis];
    size_t n = t->n_entrants, m = ax->n_rows, n_arms = 0;
    if (t->n_common < 2 * N_FOLDS || m == 0) return 0;
    rn_cascade_row *out = rn_arena_array(&r->arena, m, sizeof *out);
    cascade_job job = {.arms = calloc(n, sizeof *job.arms), .n = n, .n_rows = t->n_common, .m = m};
    double *budgets = malloc(m * sizeof *budgets);
    double *single = calloc(m, sizeof *single), *cascade = calloc(m, sizeof *cascade);
    plan *plans = malloc(2 * m * sizeof *plans);
    int rc = out && job.arms && budgets && single && cascade && plans ? 0 : rn_report_nomem(err);
    for (size_t i = 0; i < n && !rc; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->table || !linear(e, axis)) continue;
        n_arms++;
        rc = new_arm(r, t, e, axis, MAX_ARM, &job.arms[i], err);
    }
    if (!rc && n_arms >= 2) {
        for (size_t j = 0; j < m; j++)
            budgets[j] = ax->rows[j].budget;
        job.budgets = budgets;
        rc = cross_fit(r, &job, single, cascade, err);
        if (!rc) rc = choose(&job, NULL, plans, plans + m, err);
        for (size_t j = 0; j < m && !rc; j++)
            out[j] = (rn_cascade_row){.budget = budgets[j],
                                      .norm = ax->rows[j].norm,
                                      .first = plans[m + j].a,
                                      .second = plans[m + j].b,
                                      .k1 = plans[m + j].k1,
                                      .k2 = plans[m + j].k2,
                                      .cascade = cascade[j],
                                      .single = single[j],
                                      .single_model = plans[j].a};
        if (!rc) {
            t->cascades = out;
            t->n_cascades = m;
        }
    }
    for (size_t i = 0; job.arms && i < n; i++)
        rn_stat_arm_free(job.arms[i]);
    free(plans);
    free(cascade);
    free(single);
    free(budgets);
    free(job.arms);
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
        if (!rc && t->alloc_axis != RN_N_AXES && linear(e, t->alloc_axis))
            rc = alloc_rows(r, t, i, t->alloc_axis, &allocs[i], &n_allocs[i], err);
    }
    t->stops = stops;
    t->n_stops = n_stops;
    t->allocs = allocs;
    t->n_allocs = n_allocs;
    if (rc || t->alloc_axis == RN_N_AXES) return rc;
    return cascades(r, t, t->alloc_axis, err);
}
