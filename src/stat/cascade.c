/*
 * cascade.c: curves of one model with early stopping, cascades of two, the efficient frontier; see
 * cascade.h. Both means over problems of a grid are matrix products over the problems:
 *   score(k1, k2) = 1 - sum_p w_p fail1[p, k1] fail2[p, k2] / W
 *   cost(k1, k2)  = sum_p w_p spent1[p, k1] / W + sum_p w_p fail1[p, k1] spent2[p, k2] / W
 */
#include "stat/cascade.h"
#include "stat/product.h"
#include "stat/tol.h"

int rn_stat_arm_new(const rn_count *eff, const uint8_t *keep, size_t n, const rn_drawcost *costs,
                    int per_row, int64_t k_max, rn_arm **out, rn_err *err)
{
    if (k_max < 1 || k_max > RN_STAT_MAX_N)
        return rn_fail(err, RN_EINVAL, "k_max = %" PRId64 ": must be 1 to 2^31", k_max);
    size_t n_rows = 0, width = (size_t)k_max + 1;
    for (size_t i = 0; i < n; i++)
        n_rows += !keep || keep[i];
    rn_arm *arm = calloc(1, sizeof *arm);
    if (arm && n_rows <= SIZE_MAX / sizeof(double) / width - 1) {
        arm->fail = rn_arena_array(&arm->own, n_rows * width + 1, sizeof *arm->fail);
        arm->spent = rn_arena_array(&arm->own, n_rows * width + 1, sizeof *arm->spent);
        arm->worst = rn_arena_array(&arm->own, width, sizeof *arm->worst);
    }
    if (!arm || !arm->fail || !arm->spent || !arm->worst) {
        rn_stat_arm_free(arm);
        return rn_fail(err, RN_ENOMEM, "no memory for %zu problems and k up to %" PRId64, n_rows,
                       k_max);
    }
    arm->n_rows = n_rows;
    arm->k_max = k_max;
    double *fail = arm->fail, *spent = arm->spent;
    for (size_t i = 0; i < n; i++) {
        if (keep && !keep[i]) continue;
        fail[0] = 1;
        spent[0] = 0;
        int rc = 0;
        if (eff[i].n > 0)
            rc = rn_stat_pass_curve(eff[i].n, eff[i].c, k_max, NULL, fail + 1, err);
        else
            for (int64_t k = 1; k <= k_max; k++)
                fail[k] = 1;
        if (rc == 0)
            rc = rn_stat_stop_curve(&eff[i], &costs[per_row ? i : 0], k_max, NULL, spent + 1, err);
        if (rc) {
            rn_stat_arm_free(arm);
            return rn_err_prefix(err, "problem %zu", i);
        }
        const rn_drawcost *cost = &costs[per_row ? i : 0];
        for (int64_t k = 1; k <= k_max; k++)
            arm->worst[k] = fmax(arm->worst[k], cost->shared + cost->failing * (double)k);
        fail += width;
        spent += width;
    }
    *out = arm;
    return 0;
}

void rn_stat_arm_free(rn_arm *arm)
{
    if (!arm) return;
    rn_arena_free(&arm->own);
    free(arm);
}

static int same_rows(const rn_arm *first, const rn_arm *second, rn_err *err)
{
    if (first->n_rows == second->n_rows) return 0;
    return rn_fail(err, RN_EINVAL,
                   "cascade of models over %zu and %zu problems: both need the same problems",
                   first->n_rows, second->n_rows);
}

static rn_operand curves_of(const rn_arm *arm, const double *values)
{
    size_t width = (size_t)arm->k_max + 1;
    return (rn_operand){.value = values, .stride_p = width, .stride_i = 1, .n = width};
}

int rn_stat_cascade_grid(const rn_arm *first, const rn_arm *second, const double *weight,
                         double *score, double *cost, rn_err *err)
{
    int rc = same_rows(first, second, err);
    if (rc) return rc;
    const size_t n_rows = first->n_rows;
    const size_t n1 = (size_t)first->k_max + 1, n2 = (size_t)second->k_max + 1;
    double total = 0;
    for (size_t i = 0; i < n_rows; i++)
        total += weight ? weight[i] : 1;
    if (!(total > 0)) return rn_fail(err, RN_EINVAL, "cascade over no problem: all weights are 0");

    rn_operand fail1 = curves_of(first, first->fail);
    if (score) {
        rn_operand fail2 = curves_of(second, second->fail);
        rc = rn_stat_product(&fail1, &fail2, weight, n_rows, score, n2, err);
        if (rc) return rc;
        for (size_t i = 0; i < n1 * n2; i++)
            score[i] = 1 - score[i] / total;
    }
    if (!cost) return 0;
    double *spent1 = malloc(n1 * sizeof *spent1);
    if (!spent1) return rn_nomem(err, "costs");
    rn_operand spent2 = curves_of(second, second->spent);
    rc = rn_stat_product(&fail1, &spent2, weight, n_rows, cost, n2, err);
    if (rc == 0) {
        rn_stat_means(first->spent, weight, n_rows, n1, spent1);
        for (size_t i = 0; i < n1; i++)
            for (size_t j = 0; j < n2; j++)
                cost[i * n2 + j] = spent1[i] + cost[i * n2 + j] / total;
    }
    free(spent1);
    return rc;
}

/* Cheapest first; of equal costs the best score, then the fewest samples. */
static int by_cost(const void *a, const void *b)
{
    const rn_cascade_point *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->k1 != y->k1) return x->k1 < y->k1 ? -1 : 1;
    return (x->k2 > y->k2) - (x->k2 < y->k2);
}

int rn_stat_frontier(const double *score, const double *cost, int64_t k1_max, int64_t k2_max,
                     rn_cascade_point **out, size_t *n, rn_err *err)
{
    if (k1_max < 0 || k2_max < 0 || k1_max > RN_STAT_MAX_N || k2_max > RN_STAT_MAX_N)
        return rn_fail(err, RN_EINVAL, "frontier up to k = %" PRId64 ", %" PRId64, k1_max, k2_max);
    size_t n1 = (size_t)k1_max + 1, n2 = (size_t)k2_max + 1;
    rn_cascade_point *points = NULL;
    if (n1 <= SIZE_MAX / sizeof *points / n2) points = malloc(n1 * n2 * sizeof *points);
    if (!points) return rn_nomem(err, "choices");
    for (size_t i = 0; i < n1 * n2; i++)
        points[i] = (rn_cascade_point){(int64_t)(i / n2), (int64_t)(i % n2), score[i], cost[i]};
    qsort(points, n1 * n2, sizeof *points, by_cost);
    size_t kept = 0;
    for (size_t i = 0; i < n1 * n2; i++)
        if (kept == 0 || points[i].score > points[kept - 1].score + RN_STAT_TIE)
            points[kept++] = points[i];
    rn_cascade_point *less = realloc(points, kept * sizeof *points);
    *out = less ? less : points;
    *n = kept;
    return 0;
}
