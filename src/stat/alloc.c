/*
 * alloc.c: one budget for a whole set; see alloc.h.
 *
 * Oracle. Stopping at the first pass, a plan of k draws on problem p is the point (spent_p(k),
 * pass_p(k)); attempting it with a probability gives the points between. The best use of an
 * expected budget takes the edges of the problems' upper concave hulls by falling slope (fractional
 * knapsack).
 */
#include "stat/alloc.h"
#include "stat/tol.h"

int rn_stat_rounds(const rn_arm *arm, const double *weight, double *score, double *cost,
                   rn_err *err)
{
    size_t width = (size_t)arm->k_max + 1;
    double total = 0;
    for (size_t i = 0; i < arm->n_rows; i++)
        total += weight ? weight[i] : 1;
    if (!(total > 0)) return rn_fail(err, RN_EINVAL, "rounds over no problem: all weights are 0");
    double *mean = malloc(width * sizeof *mean);
    if (!mean) return rn_nomem(err, "rounds");
    if (score) {
        rn_stat_means(arm->fail, weight, arm->n_rows, width, mean);
        for (size_t r = 1; r < width; r++)
            score[r - 1] = 1 - mean[r];
    }
    if (cost) {
        rn_stat_means(arm->spent, weight, arm->n_rows, width, mean);
        for (size_t r = 1; r < width; r++)
            cost[r - 1] = mean[r] * total;
    }
    free(mean);
    return 0;
}

static int budgets_check(const double *budgets, size_t m, rn_err *err)
{
    for (size_t j = 0; j < m; j++)
        if (isnan(budgets[j]) || (j > 0 && budgets[j] < budgets[j - 1]))
            return rn_fail(err, RN_EINVAL, "budget %zu, %g: budgets must increase", j, budgets[j]);
    return 0;
}

/* ---- the oracle ------------------------------------------------------------------------------ */

typedef struct edge {
    double cost, gain; /* of one problem's hull, both >= 0 */
    size_t row, order; /* order: along the hull of its problem */
} edge;

/* Is the slope of a less than, equal to, or greater than that of b? By cross products: an edge may
 * cost nothing. */
static int compare_slope(const edge *a, const edge *b)
{
    double x = a->gain * b->cost, y = b->gain * a->cost;
    return (x > y) - (x < y);
}

static int steepest_first(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    int slope = compare_slope(y, x);
    if (slope) return slope;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Appends the edges of the upper concave hull of (spent(k), pass(k)), k = 0..k_max, to list;
 * returns their number. Edges of falling slope; ends where nothing more is gained. */
static size_t hull(const double *fail, const double *spent, int64_t k_max, size_t row, edge *list)
{
    size_t n = 0;
    for (int64_t k = 1; k <= k_max; k++) {
        edge e = {spent[k] - spent[k - 1], fail[k - 1] - fail[k], row, 0};
        while (n > 0 && compare_slope(&e, &list[n - 1]) >= 0) { /* not concave: one edge of both */
            e.cost += list[n - 1].cost;
            e.gain += list[n - 1].gain;
            n--;
        }
        list[n++] = e;
    }
    while (n > 0 && list[n - 1].gain <= 0)
        n--;
    for (size_t i = 0; i < n; i++)
        list[i].order = i;
    return n;
}

int rn_stat_oracle(const rn_arm *arm, int64_t k_max, const double *budgets, size_t m, double *score,
                   double *end, rn_err *err)
{
    int rc = budgets_check(budgets, m, err);
    if (rc) return rc;
    if (arm->n_rows == 0 || k_max < 1 || k_max > arm->k_max)
        return rn_fail(err, RN_EINVAL,
                       "oracle over %zu problems and %" PRId64 " of %" PRId64 " samples",
                       arm->n_rows, k_max, arm->k_max);
    const size_t width = (size_t)arm->k_max + 1;
    edge *list = NULL;
    if (arm->n_rows <= SIZE_MAX / sizeof *list / width)
        list = malloc(arm->n_rows * width * sizeof *list);
    if (!list) return rn_nomem(err, "plans");
    size_t n = 0;
    for (size_t i = 0; i < arm->n_rows; i++)
        n += hull(arm->fail + i * width, arm->spent + i * width, k_max, i, list + n);
    qsort(list, n, sizeof *list, steepest_first);

    double cost = 0, gain = 0, all = 0;
    for (size_t i = 0; i < n; i++)
        all += list[i].cost;
    if (end) *end = all;
    size_t next = 0;
    for (size_t j = 0; j < m; j++) {
        while (next < n && cost + list[next].cost <= budgets[j] * RN_STAT_SLACK) {
            cost += list[next].cost;
            gain += list[next].gain;
            next++;
        }
        double part = 0;
        if (next < n && budgets[j] > cost) part = (budgets[j] - cost) / list[next].cost;
        score[j] = (gain + (part > 0 ? part * list[next].gain : 0)) / (double)arm->n_rows;
    }
    free(list);
    return 0;
}
