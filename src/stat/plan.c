/*
 * plan.c: see plan.h. All steps of the kind are listed with their mean score and cost; what nothing
 * beats is kept, by increasing cost; for mixtures only the corners of its upper concave hull, since
 * drawing between two plans gives every point between them. A budget is then looked up.
 */
#include "stat/plan.h"
#include "stat/fold.h"
#include "stat/tol.h"

typedef struct choice {
    rn_step step;
    double score, spent;
    double cost; /* what the budget limits: `spent`, or the cost if everything fails */
} choice;

typedef RN_VEC(choice) choices;

static int add(choices *c, choice x, rn_err *err)
{
    return rn_vec_push(c, x) ? 0 : rn_nomem(err, "plans");
}

static int arms_check(const rn_arm *const *arms, size_t n_arms, rn_err *err)
{
    if (n_arms < 1 || n_arms > 1024)
        return rn_fail(err, RN_EINVAL, "a plan over %zu models: needs 1 to 1024", n_arms);
    for (size_t i = 1; i < n_arms; i++)
        if (arms[i]->n_rows != arms[0]->n_rows)
            return rn_fail(err, RN_EINVAL,
                           "a plan over models with %zu and %zu problems: all need the same ones",
                           arms[0]->n_rows, arms[i]->n_rows);
    return 0;
}

/* Every k of one model. */
static int add_single(choices *c, const rn_arm *const *arms, int which, rn_plan_limit limit,
                      const double *weight, rn_err *err)
{
    const rn_arm *arm = arms[which];
    const size_t width = (size_t)arm->k_max + 1;
    double *fail = malloc(2 * width * sizeof *fail), *spent = fail ? fail + width : NULL;
    if (!fail) return rn_nomem(err, "plans");
    rn_stat_means(arm->fail, weight, arm->n_rows, width, fail);
    rn_stat_means(arm->spent, weight, arm->n_rows, width, spent);
    int rc = 0;
    for (size_t k = 1; k < width && rc == 0; k++) {
        const double cost = limit == RN_LIMIT_EACH ? arm->worst[k] : spent[k];
        rc = add(c, (choice){{which, -1, (int64_t)k, 0}, 1 - fail[k], spent[k], cost}, err);
    }
    free(fail);
    return rc;
}

/* What nothing beats among the cascades of two models. */
static int add_cascades(choices *c, const rn_arm *const *arms, int first, int second,
                        rn_plan_limit limit, const double *weight, rn_err *err)
{
    const rn_arm *a = arms[first], *b = arms[second];
    const size_t n1 = (size_t)a->k_max + 1, n2 = (size_t)b->k_max + 1;
    rn_arena mem = {0};
    double *score = rn_arena_array(&mem, n1, n2 * sizeof *score),
           *spent = rn_arena_array(&mem, n1, n2 * sizeof *spent),
           *cost = rn_arena_array(&mem, n1, n2 * sizeof *cost);
    rn_cascade_point *points = NULL;
    size_t n = 0;
    int rc = 0;
    if (!score || !spent || !cost) rc = rn_nomem(err, "plans");
    if (rc == 0) rc = rn_stat_cascade_grid(a, b, weight, score, spent, err);
    for (size_t i = 0; i < n1 * n2 && rc == 0; i++)
        cost[i] = limit == RN_LIMIT_EACH ? a->worst[i / n2] + b->worst[i % n2] : spent[i];
    if (rc == 0) rc = rn_stat_frontier(score, cost, a->k_max, b->k_max, &points, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (points[i].k1 == 0 || points[i].k2 == 0) continue; /* one model alone: listed as such */
        const rn_step step = {first, second, points[i].k1, points[i].k2};
        const size_t at = (size_t)points[i].k1 * n2 + (size_t)points[i].k2;
        rc = add(c, (choice){step, score[at], spent[at], cost[at]}, err);
    }
    free(points);
    rn_arena_free(&mem);
    return rc;
}

/* Cheapest first, of equal costs the best; then in the order of models and samples. */
static int by_cost(const void *a, const void *b)
{
    const choice *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->step.first != y->step.first) return x->step.first < y->step.first ? -1 : 1;
    if (x->step.second != y->step.second) return x->step.second < y->step.second ? -1 : 1;
    return (x->step.k1 > y->step.k1) - (x->step.k1 < y->step.k1);
}

/* Leaves what nothing beats, by increasing cost. The empty plan comes first. */
static void keep_frontier(choices *c)
{
    qsort(c->data, c->n, sizeof *c->data, by_cost);
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++)
        if (kept == 0 || c->data[i].score > c->data[kept - 1].score + RN_STAT_TIE)
            c->data[kept++] = c->data[i];
    c->n = kept;
}

/* Leaves the corners of the upper concave hull of a frontier. */
static void keep_hull(choices *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const choice p = c->data[i];
        while (n >= 2) {
            const choice *a = &c->data[n - 2], *b = &c->data[n - 1];
            double along = (b->score - a->score) * (p.cost - a->cost);
            double direct = (p.score - a->score) * (b->cost - a->cost);
            if (along > direct) break; /* b is above the line from a to p */
            n--;
        }
        c->data[n++] = p;
    }
    c->n = n;
}

static int list_choices(const rn_plan_ask *q, const double *weight, choices *c, rn_err *err)
{
    int rc = add(c, (choice){{-1, -1, 0, 0}, 0, 0, 0}, err);
    for (size_t a = 0; a < q->n_arms && rc == 0; a++) {
        rc = add_single(c, q->arms, (int)a, q->limit, weight, err);
        for (size_t b = 0; b < q->n_arms && q->kind != RN_PLAN_SINGLE && rc == 0; b++)
            if (a != b) rc = add_cascades(c, q->arms, (int)a, (int)b, q->limit, weight, err);
    }
    if (rc) return rc;
    keep_frontier(c);
    if (q->kind == RN_PLAN_MIXTURE && q->limit == RN_LIMIT_MEAN) keep_hull(c);
    return 0;
}

/* The plan at one budget; the empty one where the budget is negative. */
static rn_plan at_budget(const choices *c, bool mix, double budget)
{
    size_t i = 0;
    while (i + 1 < c->n && c->data[i + 1].cost <= budget * RN_STAT_SLACK)
        i++;
    const choice *a = &c->data[i];
    rn_plan p = {.step = a->step, .other = a->step, .score = a->score, .cost = a->spent};
    if (!mix || i + 1 == c->n || budget <= a->cost) return p;
    const choice *b = a + 1;
    p.other = b->step;
    p.share = (budget - a->cost) / (b->cost - a->cost);
    p.score += p.share * (b->score - a->score);
    p.cost = budget;
    return p;
}

int rn_stat_plan_best(const rn_plan_ask *q, const double *weight, rn_plan *plan, rn_err *err)
{
    int rc = arms_check(q->arms, q->n_arms, err);
    if (rc) return rc;
    for (size_t j = 0; j < q->m; j++)
        if (isnan(q->budgets[j])) return rn_fail(err, RN_EINVAL, "budget %zu is not a number", j);
    double total = 0;
    for (size_t i = 0; i < q->arms[0]->n_rows; i++)
        total += weight ? weight[i] : 1;
    if (!(total > 0)) return rn_fail(err, RN_EINVAL, "a plan from no problem: all weights are 0");

    const bool mix = q->kind == RN_PLAN_MIXTURE && q->limit == RN_LIMIT_MEAN;
    choices c = {0};
    rc = list_choices(q, weight, &c, err);
    for (size_t j = 0; j < q->m && rc == 0; j++)
        plan[j] = at_budget(&c, mix, q->budgets[j]);
    rn_vec_free(&c);
    return rc;
}

static int step_check(const rn_arm *const *arms, size_t n_arms, const rn_step *s, rn_err *err)
{
    const int n = (int)n_arms;
    if (s->first >= n || s->second >= n || s->first < -1 || s->second < -1 || s->k1 < 0 ||
        s->k2 < 0 || (s->first >= 0 && s->k1 > arms[s->first]->k_max) ||
        (s->second >= 0 && s->k2 > arms[s->second]->k_max))
        return rn_fail(err, RN_EINVAL,
                       "a plan of %" PRId64 " samples of model %d, then %" PRId64
                       " of model %d: more than is recorded",
                       s->k1, s->first, s->k2, s->second);
    return 0;
}

/* Score and cost of a step on problem i. */
static void step_row(const rn_arm *const *arms, const rn_step *s, size_t i, double *score,
                     double *cost)
{
    *score = *cost = 0;
    if (s->first < 0) return;
    const rn_arm *a = arms[s->first];
    size_t at = i * ((size_t)a->k_max + 1) + (size_t)s->k1;
    double left = a->fail[at];
    *cost = a->spent[at];
    if (s->second >= 0) {
        const rn_arm *b = arms[s->second];
        at = i * ((size_t)b->k_max + 1) + (size_t)s->k2;
        *cost += left * b->spent[at];
        left *= b->fail[at];
    }
    *score = 1 - left;
}

int rn_stat_plan_rows(const rn_arm *const *arms, size_t n_arms, const rn_plan *plan, size_t stride,
                      double *score, double *cost, rn_err *err)
{
    int rc = arms_check(arms, n_arms, err);
    if (rc == 0) rc = step_check(arms, n_arms, &plan->step, err);
    if (rc == 0) rc = step_check(arms, n_arms, &plan->other, err);
    if (rc) return rc;
    for (size_t i = 0; i < arms[0]->n_rows; i++) {
        double s, c, other_s, other_c;
        step_row(arms, &plan->step, i, &s, &c);
        step_row(arms, &plan->other, i, &other_s, &other_c);
        if (score) score[i * stride] = (1 - plan->share) * s + plan->share * other_s;
        if (cost) cost[i * stride] = (1 - plan->share) * c + plan->share * other_c;
    }
    return 0;
}

int rn_stat_plan_crossfit(const rn_plan_ask *q, const uint32_t *fold, uint32_t n_folds,
                          double *score, double *cost, rn_err *err)
{
    int rc = arms_check(q->arms, q->n_arms, err);
    if (rc) return rc;
    const size_t n_rows = q->arms[0]->n_rows;
    for (size_t i = 0; i < n_rows; i++)
        if (fold[i] >= n_folds)
            return rn_fail(err, RN_EINVAL, "problem %zu is in fold %" PRIu32 " of %" PRIu32, i,
                           fold[i], n_folds);
    double *weight = malloc((3 * n_rows + 1) * sizeof *weight);
    rn_plan *plan = malloc((q->m + 1) * sizeof *plan);
    if (!weight || !plan) rc = rn_nomem(err, "plans");
    for (uint32_t f = 0; f < n_folds && rc == 0; f++) {
        double *row_score = weight + n_rows, *row_cost = row_score + n_rows;
        rn_stat_fold_weights(fold, n_rows, f, 0, weight);
        rc = rn_stat_plan_best(q, weight, plan, err);
        for (size_t j = 0; j < q->m && rc == 0; j++) {
            rc = rn_stat_plan_rows(q->arms, q->n_arms, &plan[j], 1, row_score, row_cost, err);
            for (size_t i = 0; i < n_rows && rc == 0; i++) {
                if (fold[i] != f) continue;
                if (score) score[i * q->m + j] = row_score[i];
                if (cost) cost[i * q->m + j] = row_cost[i];
            }
        }
    }
    free(weight);
    free(plan);
    return rc;
}
