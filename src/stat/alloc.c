/*
 * alloc.c: one budget for a whole set; see alloc.h.
 *
 * Replay. In one random order of the samples, problem p passes first at draw T_p, P(T_p > k) =
 * fail_p(k), which is drawn by inverting that curve. Until T_p the course of a problem is certain,
 * so that a run is summarised by what all problems together have spent at the end of each round;
 * the round in which a budget ends is found by bisection, and only that round is walked through.
 *
 * Oracle. Stopping at the first pass, a plan of k draws on problem p is the point (spent_p(k),
 * pass_p(k)); attempting it with a probability gives the points between. The best use of an
 * expected budget takes the edges of the problems' upper concave hulls by falling slope (fractional
 * knapsack).
 */
#include "stat/alloc.h"
#include "stat/tol.h"

#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int rn_stat_rounds(const rn_arm *arm, const double *weight, double *score, double *cost,
                   rn_err *err)
{
    size_t width = (size_t)arm->k_max + 1;
    double total = 0;
    for (size_t i = 0; i < arm->n_rows; i++)
        total += weight ? weight[i] : 1;
    if (!(total > 0)) return rn_fail(err, RN_EINVAL, "rounds over no problem: all weights are 0");
    double *mean = malloc(width * sizeof *mean);
    if (!mean) return rn_fail(err, RN_ENOMEM, "no memory for %zu rounds", width);
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

/* ---- replay with a hard budget --------------------------------------------------------------- */

typedef struct replay {
    rn_count *problem;        /* [n_rows] */
    const rn_drawcost **cost; /* [n_rows] */
    double *fail;             /* [n_rows, k_max + 1], as in rn_arm; borrowed */
    size_t n_rows;
    int64_t k_max, batch, n_rounds;
    int64_t *first;  /* [n_rows] draw of the first pass, k_max + 1 if none within k_max */
    double *step;    /* [n_rounds] change of what full, failing batches cost per round */
    double *spent;   /* [n_rounds + 1] by the whole set at the end of each round */
    int64_t *solved; /* [n_rounds + 1] problems solved by then */
} replay;

/* The smallest k with fail[k] <= u: the first pass when u is uniform on [0, 1). */
static int64_t first_pass(const double *fail, int64_t k_max, double u)
{
    if (u < fail[k_max]) return k_max + 1;
    int64_t lo = 0, hi = k_max; /* u < fail[lo], u >= fail[hi] */
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (u < fail[mid])
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}

/* What problem p spends in round r (0-based) while unsolved before it. The samples of a batch after
 * the first pass are drawn already: they are charged at their expected cost. */
static double round_cost(const replay *s, size_t p, int64_t r)
{
    const rn_drawcost *cost = s->cost[p];
    const int64_t before = r * s->batch, t = s->first[p];
    const int64_t size = s->k_max - before < s->batch ? s->k_max - before : s->batch;
    double sum = r == 0 ? cost->shared : 0;
    if (t > before + size) return sum + cost->failing * (double)size;
    const rn_count *x = &s->problem[p];
    double after = (double)(before + size - t);
    double rate = x->n > t ? (double)(x->c - 1) / (double)(x->n - t) : 0;
    return sum + cost->failing * (double)(t - 1 - before) + cost->passing +
           after * (rate * cost->passing + (1 - rate) * cost->failing);
}

/* The round in which problem p ends, 0-based. */
static int64_t last_round(const replay *s, size_t p)
{
    return s->first[p] > s->k_max ? s->n_rounds - 1 : (s->first[p] - 1) / s->batch;
}

/* Draws the first passes of one run and adds up its rounds. Every round but a problem's last costs
 * the same (the first also the prompt), so that a problem takes constant time. */
static void run_once(replay *s, rn_rng *rng)
{
    const size_t width = (size_t)s->k_max + 1, n_rounds = (size_t)s->n_rounds;
    memset(s->step, 0, n_rounds * sizeof *s->step);
    memset(s->spent, 0, (n_rounds + 1) * sizeof *s->spent);
    memset(s->solved, 0, (n_rounds + 1) * sizeof *s->solved);
    for (size_t p = 0; p < s->n_rows; p++) {
        s->first[p] = first_pass(s->fail + p * width, s->k_max, rn_rng_unit(rng));
        const int64_t last = last_round(s, p);
        const double full = s->cost[p]->failing * (double)s->batch;
        s->step[0] += full;
        s->step[last] -= full;
        if (last > 0) s->spent[1] += s->cost[p]->shared;
        s->spent[last + 1] += round_cost(s, p, last);
        if (s->first[p] <= s->k_max) s->solved[last + 1]++;
    }
    double full = 0;
    for (size_t r = 0; r < n_rounds; r++) {
        full += s->step[r];
        s->spent[r + 1] += s->spent[r] + full;
        s->solved[r + 1] += s->solved[r];
    }
}

/* Problems solved when the run may spend `budget`. */
static int64_t solved_at(const replay *s, double budget)
{
    budget *= RN_STAT_SLACK;
    int64_t lo = 0, hi = s->n_rounds; /* spent[lo] fits */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo + 1) / 2;
        if (s->spent[mid] <= budget)
            lo = mid;
        else
            hi = mid - 1;
    }
    int64_t n = s->solved[lo];
    double spent = s->spent[lo];
    for (size_t p = 0; p < s->n_rows && lo < s->n_rounds; p++) {
        int64_t last = last_round(s, p);
        if (last < lo) continue;
        spent += round_cost(s, p, lo);
        if (spent > budget) break;
        n += last == lo && s->first[p] <= s->k_max;
    }
    return n;
}

static void replay_free(replay *s)
{
    free(s->problem);
    free(s->cost);
    free(s->first);
    free(s->step);
    free(s->spent);
    free(s->solved);
}

/* Fills *s but for the curves. The batch is that of the first row: one policy for the set. */
static int replay_new(const rn_count *eff, const uint8_t *keep, size_t n, const rn_drawcost *costs,
                      int per_row, const rn_arm *arm, replay *s, rn_err *err)
{
    size_t n_rows = arm->n_rows, n_rounds = (size_t)arm->k_max + 1; /* at most */
    *s = (replay){
        .problem = calloc(n_rows + 1, sizeof *s->problem),
        .cost = calloc(n_rows + 1, sizeof *s->cost),
        .fail = arm->fail,
        .n_rows = n_rows,
        .k_max = arm->k_max,
        .batch = 0,
        .first = calloc(n_rows + 1, sizeof *s->first),
        .step = calloc(n_rounds, sizeof *s->step),
        .spent = calloc(n_rounds + 1, sizeof *s->spent),
        .solved = calloc(n_rounds + 1, sizeof *s->solved),
    };
    if (!s->problem || !s->cost || !s->first || !s->step || !s->spent || !s->solved)
        return rn_fail(err, RN_ENOMEM, "no memory to replay %zu problems", n_rows);
    size_t row = 0;
    for (size_t i = 0; i < n; i++) {
        if (keep && !keep[i]) continue;
        const rn_drawcost *cost = &costs[per_row ? i : 0];
        int64_t batch = cost->batch > 1 ? cost->batch : 1;
        if (row > 0 && batch != s->batch)
            return rn_fail(err, RN_EINVAL,
                           "problem %zu: batches of %" PRId64 " among batches of %" PRId64
                           "; a replay has one batch size",
                           i, batch, s->batch);
        s->batch = batch;
        s->problem[row] = eff[i];
        s->cost[row++] = cost;
    }
    s->n_rounds = row == 0 ? 0 : (s->k_max - 1) / s->batch + 1;
    return 0;
}

static int budgets_check(const double *budgets, size_t m, rn_err *err)
{
    for (size_t j = 0; j < m; j++)
        if (isnan(budgets[j]) || (j > 0 && budgets[j] < budgets[j - 1]))
            return rn_fail(err, RN_EINVAL, "budget %zu, %g: budgets must increase", j, budgets[j]);
    return 0;
}

int rn_stat_rounds_replay(const rn_count *eff, const uint8_t *keep, size_t n,
                          const rn_drawcost *costs, int per_row, int64_t k_max, uint64_t seed,
                          int64_t n_draws, const double *budgets, size_t m, double *score,
                          double *sem, rn_err *err)
{
    if (n_draws < 2 || n_draws > UINT32_MAX)
        return rn_fail(err, RN_EINVAL, "%" PRId64 " random orders: needs at least 2", n_draws);
    int rc = budgets_check(budgets, m, err);
    if (rc) return rc;
    rn_arm *arm = NULL;
    rc = rn_stat_arm_new(eff, keep, n, costs, per_row, k_max, &arm, err);
    if (rc) return rc;
    replay s = {0};
    double *sum = calloc(2 * m + 1, sizeof *sum), *squares = sum ? sum + m : NULL;
    if (!sum) rc = rn_fail(err, RN_ENOMEM, "no memory for %zu budgets", m);
    if (rc == 0) rc = replay_new(eff, keep, n, costs, per_row, arm, &s, err);
    if (rc == 0 && s.n_rows == 0) rc = rn_fail(err, RN_EINVAL, "replay over no problem");
    if (rc) goto out;

    static const char name[] = "replay";
    const uint64_t stream = rn_rng_stream(name, sizeof name - 1);
    for (int64_t d = 0; d < n_draws; d++) {
        rn_rng rng;
        rn_rng_init(&rng, seed, stream, (uint32_t)d);
        run_once(&s, &rng);
        for (size_t j = 0; j < m; j++) {
            double x = (double)solved_at(&s, budgets[j]); /* whole numbers: exact sums */
            sum[j] += x;
            squares[j] += x * x;
        }
    }
    for (size_t j = 0; j < m; j++) {
        double count = (double)n_draws, mean = sum[j] / count;
        double var = fmax(0, (squares[j] - sum[j] * mean) / (count - 1));
        score[j] = mean / (double)s.n_rows;
        if (sem) sem[j] = sqrt(var / count) / (double)s.n_rows;
    }
out:
    free(sum);
    replay_free(&s);
    rn_stat_arm_free(arm);
    return rc;
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
    if (!list) return rn_fail(err, RN_ENOMEM, "no memory for %zu plans", arm->n_rows * width);
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
