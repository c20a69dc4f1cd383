/*
 * sequential.c: see sequential.h.
 *
 * Tables of a price. paths[r, c] is the number of admissible ways to c passes at step r, over
 * 2^n_r; failing[r, c] of those whose first k samples all fail. From step to step the states that
 * go on are spread by the binomial of the samples between. An estimate is 1 - failing / paths.
 * Its exact variance at a rate p is a sum over the states where the rule ends.
 *
 * The variance of a mean is that expected under the distribution of the problems' rates, which is
 * fitted to all their counts by EM on a grid (empirical Bayes): a problem with no pass yet is a
 * hard one with some probability, and one that is never solved with the rest. Likelihoods do not
 * depend on why sampling stopped.
 */
#include "stat/sequential.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { N_RATES = 81, N_EM = 30, MAX_STEPS = 40, MAX_ROUNDS = 64, N_VIRTUAL = 6 };

static const double growth = 1.3;     /* of the schedule */
static const double price_drop = 1.2; /* from round to round */

typedef struct table {
    double *pass;           /* [n_steps, n_max + 1]: the estimate; NAN where no path ends */
    double spread[N_RATES]; /* variance of the estimate at each rate */
} table;

struct rn_seq {
    rn_seq_plan plan;
    int64_t step[MAX_STEPS]; /* n_r */
    int n_steps, n_rounds;
    double rate[N_RATES];
    double price[MAX_ROUNDS];
    table *tables[MAX_ROUNDS];
    table *equal; /* the last one made by rn_seq_equal, for n samples of each problem */
    int64_t equal_n;
};

static size_t width(const rn_seq *q)
{
    return (size_t)q->plan.n_max + 1;
}

/* ---- the rule -------------------------------------------------------------------------------- */

static double log_beta(double a, double b)
{
    return lgamma(a) + lgamma(b) - lgamma(a + b);
}

/* sigma / n at (n, c). */
static double worth(const rn_seq *q, int64_t n, int64_t c)
{
    const double k = (double)q->plan.k, a = (double)c + 0.5, b = (double)(n - c) + 0.5;
    double squared = k * k * exp(log_beta(a + 1, b + 2 * k - 1) - log_beta(a, b));
    return sqrt(squared) / (double)n;
}

static int step_of(const rn_seq *q, int64_t n)
{
    for (int r = 0; r < q->n_steps; r++)
        if (q->step[r] == n) return r;
    return -1;
}

static bool goes_on(const rn_seq *q, int round, int r, int64_t c)
{
    return r + 1 < q->n_steps && worth(q, q->step[r], c) > q->price[round];
}

int rn_seq_rounds(const rn_seq *q)
{
    return q->n_rounds;
}

int64_t rn_seq_need(const rn_seq *q, int round, rn_count x)
{
    if (x.n < q->step[0]) return q->step[0];
    int r = step_of(q, x.n);
    if (r < 0) return x.n;
    return goes_on(q, round, r, x.c) ? q->step[r + 1] : x.n;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* log of C(n, c) / 2^n. */
static double log_share(int64_t n, int64_t c)
{
    return lgamma((double)n + 1) - lgamma((double)c + 1) - lgamma((double)(n - c) + 1) -
           (double)n * log(2);
}

/* Paths of step r that go on, spread over step r + 1. go [n_max + 1]: 1 where they do. */
static void spread_paths(const rn_seq *q, int r, const uint8_t *go, const double *from, double *to)
{
    const int64_t n = q->step[r], m = q->step[r + 1] - n;
    memset(to, 0, width(q) * sizeof *to);
    for (int64_t j = 0; j <= m; j++) {
        const double share = exp(log_share(m, j));
        for (int64_t c = 0; c <= n; c++)
            if (go[c]) to[c + j] += share * from[c];
    }
}

/* The variance at every rate, from the chance that the rule ends in each state. */
static void fill_spread(const rn_seq *q, const double *ends, table *t)
{
    for (int g = 0; g < N_RATES; g++) {
        const double p = q->rate[g];
        double second = 0, mean = 0;
        for (int r = 0; r < q->n_steps; r++)
            for (int64_t c = 0; c <= q->step[r]; c++) {
                double paths = ends[(size_t)r * width(q) + (size_t)c];
                if (!(paths > 0)) continue;
                const int64_t n = q->step[r];
                double x = t->pass[(size_t)r * width(q) + (size_t)c];
                double chance = exp(log(paths) + (double)n * log(2) + (c ? (double)c * log(p) : 0) +
                                    (n > c ? (double)(n - c) * log1p(-p) : 0));
                mean += chance * x;
                second += chance * x * x;
            }
        t->spread[g] = fmax(second - mean * mean, 0);
    }
}

static void free_table(table *t)
{
    if (t) free(t->pass);
    free(t);
}

/* Under the rule of `round`; round < 0: `last` is the step at which every problem ends. */
static table *make_table(const rn_seq *q, int round, int last)
{
    const size_t w = width(q), size = (size_t)q->n_steps * w;
    table *t = calloc(1, sizeof *t);
    double *work = calloc(4 * w + size, sizeof *work);
    uint8_t *go = calloc(w, 1);
    if (t) t->pass = malloc(size * sizeof *t->pass);
    if (!t || !work || !go || !t->pass) {
        free_table(t);
        free(work);
        free(go);
        return NULL;
    }
    double *all = work, *failing = work + w, *next = work + 2 * w, *next_failing = work + 3 * w;
    double *ends = work + 4 * w; /* [n_steps, w] */
    const int64_t n0 = q->step[0], k = q->plan.k;
    for (int64_t c = 0; c <= n0; c++) {
        all[c] = exp(log_share(n0, c));
        if (c <= n0 - k) failing[c] = exp(log_share(n0 - k, c) - (double)k * log(2));
    }
    for (int r = 0; r < q->n_steps; r++) {
        bool any = false;
        for (int64_t c = 0; c <= q->step[r]; c++) {
            double *pass = &t->pass[(size_t)r * w + (size_t)c];
            *pass = all[c] > 0 ? 1 - failing[c] / all[c] : NAN;
            go[c] = round < 0 ? r < last : goes_on(q, round, r, c);
            any |= go[c] && all[c] > 0;
            ends[(size_t)r * w + (size_t)c] = go[c] ? 0 : all[c];
        }
        for (size_t c = (size_t)q->step[r] + 1; c < w; c++)
            t->pass[(size_t)r * w + c] = NAN;
        if (r + 1 == q->n_steps) break;
        if (!any) memset(go, 0, w);
        spread_paths(q, r, go, all, next);
        spread_paths(q, r, go, failing, next_failing);
        memcpy(all, next, w * sizeof *all);
        memcpy(failing, next_failing, w * sizeof *failing);
        memset(go, 0, w);
    }
    fill_spread(q, ends, t);
    free(work);
    free(go);
    return t;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void fill_schedule(rn_seq *q)
{
    int64_t n = q->plan.first;
    while (q->n_steps + 1 < MAX_STEPS && n < q->plan.n_max) {
        q->step[q->n_steps++] = n;
        int64_t more = (int64_t)ceil((double)n * (growth - 1));
        n += more > 2 ? more : 2;
    }
    q->step[q->n_steps++] = q->plan.n_max;
}

/* From a price at which nobody goes on down to one at which everybody does that can. */
static void fill_prices(rn_seq *q)
{
    double most = 0, least = INFINITY;
    for (int r = 0; r + 1 < q->n_steps; r++)
        for (int64_t c = 0; c <= q->step[r]; c++) {
            double x = worth(q, q->step[r], c);
            most = fmax(most, x);
            if (r + 2 == q->n_steps && c == 0) least = x; /* unsolved so far: the last to be left */
        }
    double price = most;
    while (q->n_rounds + 1 < MAX_ROUNDS && price > least) {
        q->price[q->n_rounds++] = price;
        price /= price_drop;
    }
    q->price[q->n_rounds++] = q->n_steps > 1 ? least / price_drop : 0;
}

int rn_seq_new(const rn_seq_plan *plan, rn_seq **out, rn_err *err)
{
    rn_seq *q = calloc(1, sizeof *q);
    if (!q) return rn_fail(err, RN_ENOMEM, "sampling until an interval: out of memory");
    q->plan = *plan;
    if (q->plan.first == 0) q->plan.first = plan->k;
    if (plan->k < 1 || q->plan.first < plan->k || plan->n_max < q->plan.first ||
        plan->n_max > RN_SEQ_MAX_N) {
        free(q);
        return rn_fail(err, RN_EINVAL,
                       "pass@%" PRId64 " needs at least that many samples of each problem, at most "
                       "%d: not %" PRId64,
                       plan->k, RN_SEQ_MAX_N, plan->n_max);
    }
    if (!(plan->level > 0 && plan->level < 1)) {
        free(q);
        return rn_fail(err, RN_EINVAL, "a level of %g: must be between 0 and 1", plan->level);
    }
    for (int g = 0; g < N_RATES; g++) /* log-odds -8 .. 8 by 0.2, the ends at 0 and 1 */
        q->rate[g] = 1 / (1 + exp(-(-8 + 0.2 * g)));
    q->rate[0] = 1e-9;
    q->rate[N_RATES - 1] = 1 - 1e-9;
    fill_schedule(q);
    fill_prices(q);
    *out = q;
    return 0;
}

void rn_seq_free(rn_seq *q)
{
    if (!q) return;
    for (int i = 0; i < q->n_rounds; i++)
        free_table(q->tables[i]);
    free_table(q->equal);
    free(q);
}

/* ---- estimates ------------------------------------------------------------------------------- */

typedef struct class_ {
    int64_t n, c;
    double count;
} class_;

static int by_counts(const void *a, const void *b)
{
    const class_ *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? -1 : 1;
    return (x->c > y->c) - (x->c < y->c);
}

static size_t list_classes(const rn_count *x, size_t n, class_ *cls)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        cls[i] = (class_){x[i].n, x[i].c, 1};
    qsort(cls, n, sizeof *cls, by_counts);
    for (size_t i = 0; i < n; i++) {
        if (m && by_counts(&cls[i], &cls[m - 1]) == 0)
            cls[m - 1].count++;
        else
            cls[m++] = cls[i];
    }
    return m;
}

/* The distribution of the rates, fitted to the classes [m], into w [N_RATES]. */
static void fit_rates(const rn_seq *q, const class_ *cls, size_t m, double *like, double *w)
{
    double total = 0, next[N_RATES];
    for (size_t i = 0; i < m; i++) {
        double most = -INFINITY, *l = &like[i * N_RATES];
        total += cls[i].count;
        for (int g = 0; g < N_RATES; g++) {
            l[g] = (double)cls[i].c * log(q->rate[g]) +
                   (double)(cls[i].n - cls[i].c) * log1p(-q->rate[g]);
            most = fmax(most, l[g]);
        }
        for (int g = 0; g < N_RATES; g++)
            l[g] = exp(l[g] - most);
    }
    for (int g = 0; g < N_RATES; g++)
        w[g] = 1.0 / N_RATES;
    for (int round = 0; round < N_EM; round++) {
        memset(next, 0, sizeof next);
        for (size_t i = 0; i < m; i++) {
            const double *l = &like[i * N_RATES];
            double sum = 0;
            for (int g = 0; g < N_RATES; g++)
                sum += w[g] * l[g];
            for (int g = 0; g < N_RATES; g++)
                next[g] += cls[i].count / total * w[g] * l[g] / sum;
        }
        memcpy(w, next, sizeof next);
    }
}

/* Mean and the variance of the mean under one table. */
static int estimate(const rn_seq *q, const table *t, const rn_count *x, size_t n, double *mean,
                    double *variance, rn_err *err)
{
    class_ *cls = malloc((n + 1) * sizeof *cls);
    double *like = malloc((n + 1) * N_RATES * sizeof *like), w[N_RATES];
    int rc = cls && like ? 0 : rn_fail(err, RN_ENOMEM, "an interval: out of memory");
    size_t m = rc ? 0 : list_classes(x, n, cls);
    *mean = *variance = 0;
    for (size_t i = 0; i < m && !rc; i++) {
        int r = step_of(q, cls[i].n);
        double pass = r < 0 ? NAN : t->pass[(size_t)r * width(q) + (size_t)cls[i].c];
        if (isnan(pass))
            rc = rn_fail(err, RN_EINVAL,
                         "%" PRId64 " of %" PRId64 " samples passed: not where the rule ends",
                         cls[i].c, cls[i].n);
        *mean += cls[i].count * pass / (double)n;
    }
    if (!rc) {
        fit_rates(q, cls, m, like, w);
        for (int g = 0; g < N_RATES; g++)
            *variance +=
                (w[g] + (double)N_VIRTUAL / N_RATES / (double)n) * t->spread[g] / (double)n;
    }
    free(cls);
    free(like);
    return rc;
}

/* The z with P(|Z| < z) = level, by bisection of the error function. */
static double two_sided(double level)
{
    double lo = 0, hi = 40;
    for (int i = 0; i < 100; i++) {
        double mid = (lo + hi) / 2;
        if (erf(mid / sqrt(2)) < level)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static rn_interval interval(double mean, double variance, double level, double least, double most)
{
    double half = two_sided(level) * sqrt(variance);
    return (rn_interval){.value = mean,
                         .lo = fmax(mean - half, least),
                         .hi = fmin(mean + half, most),
                         .method = RN_INTERVAL_NORMAL};
}

static int table_of(rn_seq *q, int round, const table **out, rn_err *err)
{
    if (round < 0 || round >= q->n_rounds)
        return rn_fail(err, RN_EINVAL, "round %d of %d", round, q->n_rounds);
    if (!q->tables[round]) q->tables[round] = make_table(q, round, 0);
    if (!q->tables[round]) return rn_fail(err, RN_ENOMEM, "an interval: out of memory");
    *out = q->tables[round];
    return 0;
}

int rn_seq_estimate(rn_seq *q, int round, const rn_count *x, size_t n, rn_interval *out,
                    rn_err *err)
{
    const table *t = NULL;
    double mean, variance;
    if (n == 0) return rn_fail(err, RN_EINVAL, "an interval of no problem");
    int rc = table_of(q, round, &t, err);
    if (!rc) rc = estimate(q, t, x, n, &mean, &variance, err);
    if (!rc) *out = interval(mean, variance, q->plan.level, 0, 1);
    return rc;
}

int rn_seq_equal(rn_seq *q, const rn_count *x, size_t n, rn_interval *out, rn_err *err)
{
    if (n == 0) return rn_fail(err, RN_EINVAL, "an interval of no problem");
    rn_seq one = *q; /* a schedule of one step */
    one.step[0] = x[0].n;
    one.n_steps = 1;
    one.plan.n_max = x[0].n;
    for (size_t i = 0; i < n; i++)
        if (x[i].n != x[0].n || x[i].n < q->plan.k)
            return rn_fail(err, RN_EINVAL, "problem %zu has %" PRId64 " samples", i, x[i].n);
    if (q->equal_n != x[0].n) {
        free_table(q->equal);
        q->equal_n = 0;
        q->equal = make_table(&one, -1, 0);
        if (!q->equal) return rn_fail(err, RN_ENOMEM, "an interval: out of memory");
        q->equal_n = x[0].n;
    }
    double mean, variance;
    int rc = estimate(&one, q->equal, x, n, &mean, &variance, err);
    if (!rc) *out = interval(mean, variance, q->plan.level, 0, 1);
    return rc;
}
