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

enum { N_RATES = RN_SEQ_RATES, N_EM = 30, MAX_STEPS = 40, MAX_RUNGS = 128, N_VIRTUAL = 6 };

static const double growth = 1.3;     /* of the schedule */
static const double price_drop = 1.2; /* from rung to rung */

typedef struct table {
    double *pass;   /* [n_ks, n_steps, n_max + 1]: the estimates; NAN where no path ends */
    double *spread; /* [n_ks, N_RATES]: variance of the estimate at each rate */
} table;

struct rn_seq {
    rn_seq_plan plan; /* ks, n_ks: what is estimated */
    int64_t *ks;      /* [n_rule] own: what the rule is about */
    size_t n_rule;
    int64_t step[MAX_STEPS]; /* n_r */
    int n_steps;
    int first, last; /* rungs */
    double rate[N_RATES];
    rn_arena arena;           /* of ks and the tables */
    table *tables[MAX_RUNGS]; /* [last - first + 1] */
    rn_arena equal_arena;
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

/* sigma / (n sqrt(cost)) at (n, c). */
static double worth(const rn_seq *q, int64_t n, int64_t c)
{
    const double a = (double)c + 0.5, b = (double)(n - c) + 0.5, whole = log_beta(a, b);
    double squared = 0;
    for (size_t j = 0; j < q->n_rule; j++) {
        const double k = (double)q->ks[j];
        squared += k * k * exp(log_beta(a + 1, b + 2 * k - 1) - whole);
    }
    return sqrt(squared / (double)q->n_rule / q->plan.cost) / (double)n;
}

static double price(int rung)
{
    return pow(price_drop, -rung);
}

static int step_of(const rn_seq *q, int64_t n)
{
    for (int r = 0; r < q->n_steps; r++)
        if (q->step[r] == n) return r;
    return -1;
}

static bool goes_on(const rn_seq *q, int rung, int r, int64_t c)
{
    return r + 1 < q->n_steps && worth(q, q->step[r], c) > price(rung < q->last ? rung : q->last);
}

int rn_seq_first(const rn_seq *q)
{
    return q->first;
}

int rn_seq_last(const rn_seq *q)
{
    return q->last;
}

int64_t rn_seq_need(const rn_seq *q, int rung, rn_count x)
{
    if (x.n < q->step[0]) return q->step[0];
    int r = step_of(q, x.n);
    if (r < 0) return x.n;
    return goes_on(q, rung, r, x.c) ? q->step[r + 1] : x.n;
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

/* The variance at every rate, from the chance that the rule ends in each state. pass [n_steps, w]
 * of one k; spread [N_RATES]. */
static void fill_spread(const rn_seq *q, const double *ends, const double *pass, double *spread)
{
    for (int g = 0; g < N_RATES; g++) {
        const double p = q->rate[g], log_p = log(p), log_q = log1p(-p);
        double second = 0, mean = 0;
        for (int r = 0; r < q->n_steps; r++)
            for (int64_t c = 0; c <= q->step[r]; c++) {
                double paths = ends[(size_t)r * width(q) + (size_t)c];
                if (!(paths > 0)) continue;
                const int64_t n = q->step[r];
                double x = pass[(size_t)r * width(q) + (size_t)c];
                double chance = exp(log(paths) + (double)n * log(2) + (double)c * log_p +
                                    (double)(n - c) * log_q);
                mean += chance * x;
                second += chance * x * x;
            }
        spread[g] = fmax(second - mean * mean, 0);
    }
}

/* What make_table works with. w = n_max + 1. */
typedef struct paths {
    double *all, *next; /* [w] */
    double *failing;    /* [n_ks, w] */
    double *ends;       /* [n_steps, w] */
    uint8_t *go;        /* [w] */
} paths;

static void first_paths(const rn_seq *q, paths *x)
{
    const int64_t n0 = q->step[0];
    for (int64_t c = 0; c <= n0; c++) {
        x->all[c] = exp(log_share(n0, c));
        for (size_t j = 0; j < q->plan.n_ks; j++) {
            const int64_t k = q->plan.ks[j];
            if (c <= n0 - k)
                x->failing[j * width(q) + (size_t)c] =
                    exp(log_share(n0 - k, c) - (double)k * log(2));
        }
    }
}

/* Estimates of step r, and who goes on there; false: nobody does. */
static bool fill_step(const rn_seq *q, int rung, int r, paths *x, table *t)
{
    const size_t w = width(q);
    bool any = false;
    memset(x->go, 0, w);
    for (size_t c = 0; c < w; c++) {
        const bool there = (int64_t)c <= q->step[r] && x->all[c] > 0;
        for (size_t j = 0; j < q->plan.n_ks; j++)
            t->pass[(j * (size_t)q->n_steps + (size_t)r) * w + c] =
                there ? 1 - x->failing[j * w + c] / x->all[c] : NAN;
        if (!there) continue;
        x->go[c] = goes_on(q, rung, r, (int64_t)c);
        any |= x->go[c];
        x->ends[(size_t)r * w + c] = x->go[c] ? 0 : x->all[c];
    }
    return any;
}

/* In the arena; NULL when memory is out. Without the spread, which takes longer than all the rest,
 * where only estimates are asked for. */
static table *make_table(const rn_seq *q, int rung, bool with_spread, rn_arena *arena)
{
    const size_t w = width(q), n_ks = q->plan.n_ks, size = (size_t)q->n_steps * w;
    rn_arena a = {0};
    table *t = rn_arena_alloc(arena, sizeof *t);
    paths x = {.all = rn_arena_array(&a, w, sizeof *x.all),
               .next = rn_arena_array(&a, w, sizeof *x.next),
               .failing = rn_arena_array(&a, n_ks * w, sizeof *x.failing),
               .ends = rn_arena_array(&a, size, sizeof *x.ends),
               .go = rn_arena_array(&a, w, 1)};
    if (t) t->pass = rn_arena_array(arena, n_ks * size, sizeof *t->pass);
    if (t) t->spread = rn_arena_array(arena, n_ks * N_RATES, sizeof *t->spread);
    const bool ok = t && t->pass && t->spread && x.all && x.next && x.failing && x.ends && x.go;
    if (ok) first_paths(q, &x);
    for (int r = 0; ok && r < q->n_steps; r++) {
        bool any = fill_step(q, rung, r, &x, t);
        if (r + 1 == q->n_steps) break;
        if (!any) { /* later steps have no path */
            memset(x.all, 0, w * sizeof *x.all);
            continue;
        }
        spread_paths(q, r, x.go, x.all, x.next);
        memcpy(x.all, x.next, w * sizeof *x.all);
        for (size_t j = 0; j < n_ks; j++) {
            spread_paths(q, r, x.go, x.failing + j * w, x.next);
            memcpy(x.failing + j * w, x.next, w * sizeof *x.next);
        }
    }
    for (size_t j = 0; ok && j < n_ks && with_spread; j++)
        fill_spread(q, x.ends, t->pass + j * size, t->spread + j * N_RATES);
    rn_arena_free(&a);
    return ok ? t : NULL;
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
static int fill_rungs(rn_seq *q, rn_err *err)
{
    double most = 0, least = INFINITY;
    for (int r = 0; r + 1 < q->n_steps; r++)
        for (int64_t c = 0; c <= q->step[r]; c++) {
            double x = worth(q, q->step[r], c);
            most = fmax(most, x);
            if (r + 2 == q->n_steps && c == 0) least = x; /* unsolved so far: the last to be left */
        }
    if (q->n_steps < 2) return 0;
    q->first = (int)floor(-log(most) / log(price_drop));
    q->last = (int)floor(-log(least) / log(price_drop)) + 1;
    assert(price(q->first) >= most * (1 - 1e-9) && price(q->last) < least);
    if (q->last - q->first < MAX_RUNGS) return 0;
    return rn_fail(err, RN_ELIMIT, "from %" PRId64 " to %" PRId64 " samples: too many rounds",
                   q->plan.first, q->plan.n_max);
}

static int check_plan(const rn_seq_plan *p, rn_err *err)
{
    bool rising = p->n_ks > 0 && p->ks[0] >= 1;
    for (size_t i = 1; i < p->n_ks; i++)
        rising &= p->ks[i] >= p->ks[i - 1];
    if (!rising) return rn_fail(err, RN_EINVAL, "the k of a question must rise from 1");
    if (!(p->cost >= 0 && p->cost < 1e30))
        return rn_fail(err, RN_EINVAL, "a cost of %g for a sample", p->cost);
    const int64_t k = p->ks[p->n_ks - 1];
    if ((p->first == 0 || p->first >= k) && p->n_max >= k && p->n_max >= p->first &&
        p->n_max <= RN_SEQ_MAX_N)
        return 0;
    return rn_fail(err, RN_EINVAL,
                   "pass@%" PRId64 " needs at least that many samples of each problem, at most "
                   "%d: not %" PRId64,
                   k, RN_SEQ_MAX_N, p->n_max);
}

int rn_seq_new(const rn_seq_plan *plan, rn_seq **out, rn_err *err)
{
    int rc = check_plan(plan, err);
    if (rc) return rc;
    rn_seq *q = calloc(1, sizeof *q);
    if (q) q->ks = rn_arena_array(&q->arena, plan->n_ks, sizeof *q->ks);
    if (!q || !q->ks) {
        free(q);
        return rn_nomem(err, "sampling until an interval");
    }
    q->plan = *plan;
    memcpy(q->ks, plan->ks, plan->n_ks * sizeof *q->ks);
    q->plan.ks = q->ks;
    q->n_rule = plan->n_ks;
    const int64_t k = q->ks[plan->n_ks - 1];
    if (q->plan.first == 0) q->plan.first = k > RN_SEQ_FIRST ? k : RN_SEQ_FIRST;
    if (q->plan.first > plan->n_max) q->plan.first = plan->n_max;
    if (q->plan.cost == 0) q->plan.cost = 1;
    for (int g = 0; g < N_RATES; g++)
        q->rate[g] = rn_seq_rate(g);
    fill_schedule(q);
    rc = fill_rungs(q, err);
    if (rc) {
        rn_seq_free(q);
        return rc;
    }
    *out = q;
    return 0;
}

void rn_seq_free(rn_seq *q)
{
    if (!q) return;
    rn_arena_free(&q->arena);
    rn_arena_free(&q->equal_arena);
    free(q);
}

double rn_seq_rate(int g)
{
    assert(g >= 0 && g < N_RATES);
    if (g == 0) return 1e-9;
    if (g == N_RATES - 1) return 1 - 1e-9;
    return 1 / (1 + exp(-(-8 + 0.2 * g))); /* log-odds -8 .. 8 by 0.2 */
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
            const double share = cls[i].count / total / sum;
            for (int g = 0; g < N_RATES; g++)
                next[g] += share * w[g] * l[g];
        }
        memcpy(w, next, sizeof next);
    }
}

/* The estimates of one state into pass [n_ks]; false: the rule does not end there. */
static bool look_up(const rn_seq *q, const table *t, int64_t n, int64_t c, double *pass)
{
    const int r = step_of(q, n);
    if (r < 0 || c < 0 || c > n) return false;
    for (size_t j = 0; j < q->plan.n_ks; j++) {
        pass[j] = t->pass[(j * (size_t)q->n_steps + (size_t)r) * width(q) + (size_t)c];
        if (isnan(pass[j])) return false;
    }
    return true;
}

static int not_an_end(rn_err *err, int64_t n, int64_t c)
{
    return rn_fail(err, RN_EINVAL,
                   "%" PRId64 " of %" PRId64 " samples passed: not where the rule ends", c, n);
}

/* Means and their variances under one table, into out [n_ks]. */
static int estimate(const rn_seq *q, const table *t, const rn_count *x, size_t n, rn_seq_mean *out,
                    rn_err *err)
{
    const size_t n_ks = q->plan.n_ks;
    rn_arena a = {0};
    class_ *cls = rn_arena_array(&a, n + 1, sizeof *cls);
    double *like = rn_arena_array(&a, (n + 1) * N_RATES, sizeof *like);
    double *pass = rn_arena_array(&a, n_ks, sizeof *pass), w[N_RATES];
    int rc = cls && like && pass ? 0 : rn_nomem(err, "interval");
    size_t m = rc ? 0 : list_classes(x, n, cls);
    for (size_t j = 0; j < n_ks && !rc; j++)
        out[j] = (rn_seq_mean){0};
    for (size_t i = 0; i < m && !rc; i++) {
        if (!look_up(q, t, cls[i].n, cls[i].c, pass)) rc = not_an_end(err, cls[i].n, cls[i].c);
        for (size_t j = 0; j < n_ks && !rc; j++)
            out[j].value += cls[i].count * pass[j] / (double)n;
    }
    if (!rc) fit_rates(q, cls, m, like, w);
    for (size_t j = 0; j < n_ks && !rc; j++)
        for (int g = 0; g < N_RATES; g++)
            out[j].variance += (w[g] + (double)N_VIRTUAL / N_RATES / (double)n) *
                               t->spread[j * N_RATES + (size_t)g] / (double)n;
    rn_arena_free(&a);
    return rc;
}

static int table_of(rn_seq *q, int rung, const table **out, rn_err *err)
{
    if (rung < q->first) rung = q->first; /* all rungs before are alike, and all behind */
    if (rung > q->last) rung = q->last;
    table **t = &q->tables[rung - q->first];
    if (!*t) *t = make_table(q, rung, true, &q->arena);
    if (!*t) return rn_nomem(err, "interval");
    *out = *t;
    return 0;
}

int rn_seq_means(rn_seq *q, int rung, const rn_count *x, size_t n, rn_seq_mean *out, rn_err *err)
{
    const table *t = NULL;
    if (n == 0) return rn_fail(err, RN_EINVAL, "an interval of no problem");
    int rc = table_of(q, rung, &t, err);
    return rc ? rc : estimate(q, t, x, n, out, err);
}

int rn_seq_equal(rn_seq *q, const rn_count *x, size_t n, rn_seq_mean *out, rn_err *err)
{
    if (n == 0) return rn_fail(err, RN_EINVAL, "an interval of no problem");
    rn_seq one = *q; /* a schedule of one step */
    one.step[0] = x[0].n;
    one.n_steps = 1;
    one.plan.n_max = x[0].n;
    for (size_t i = 0; i < n; i++)
        if (x[i].n != x[0].n || x[i].n < q->ks[q->plan.n_ks - 1])
            return rn_fail(err, RN_EINVAL, "problem %zu has %" PRId64 " samples", i, x[i].n);
    if (q->equal_n != x[0].n) {
        rn_arena_free(&q->equal_arena);
        q->equal_n = 0;
        q->equal = make_table(&one, 0, true, &q->equal_arena);
        if (!q->equal) return rn_nomem(err, "interval");
        q->equal_n = x[0].n;
    }
    return estimate(&one, q->equal, x, n, out, err);
}

int64_t rn_seq_n0(const rn_seq *q)
{
    return q->step[0];
}

int rn_seq_table(rn_seq *q, int rung, const rn_count *x, size_t n, int64_t k_max, double *table_,
                 rn_err *err)
{
    enum { AT_ONCE = 16 };
    int64_t ks[AT_ONCE];
    double pass[AT_ONCE];
    rn_arena a = {0};
    int rc = 0;
    assert(k_max >= 1 && k_max <= q->step[0]);
    for (int64_t done = 0; !rc && done < k_max;) {
        rn_seq one = *q; /* the same rule, other estimates */
        one.plan.ks = ks;
        one.plan.n_ks = 0;
        while (one.plan.n_ks < AT_ONCE && done + (int64_t)one.plan.n_ks < k_max) {
            ks[one.plan.n_ks] = done + (int64_t)one.plan.n_ks + 1;
            one.plan.n_ks++;
        }
        const table *t = make_table(&one, rung, false, &a);
        if (!t) rc = rn_nomem(err, "interval");
        for (size_t i = 0; !rc && i < n; i++) {
            if (!look_up(&one, t, x[i].n, x[i].c, pass))
                rc = not_an_end(err, x[i].n, x[i].c);
            else
                memcpy(&table_[i * (size_t)k_max + (size_t)done], pass,
                       one.plan.n_ks * sizeof *pass);
        }
        rn_arena_free(&a);
        done += (int64_t)one.plan.n_ks;
    }
    return rc;
}

int rn_seq_posterior(const rn_seq *q, const rn_count *x, size_t n, double *out, rn_err *err)
{
    rn_arena a = {0};
    class_ *cls = rn_arena_array(&a, n + 1, sizeof *cls);
    double *like = rn_arena_array(&a, (n + 1) * N_RATES, sizeof *like), w[N_RATES];
    int rc = cls && like ? 0 : rn_nomem(err, "rates of problems");
    size_t m = rc ? 0 : list_classes(x, n, cls);
    if (!rc) fit_rates(q, cls, m, like, w);
    for (size_t i = 0; i < n && !rc; i++) {
        size_t at = 0;
        double sum = 0, *row = &out[i * N_RATES];
        while (at < m && (cls[at].n != x[i].n || cls[at].c != x[i].c))
            at++;
        assert(at < m);
        for (int g = 0; g < N_RATES; g++)
            sum += row[g] = w[g] * like[at * N_RATES + (size_t)g];
        for (int g = 0; g < N_RATES; g++)
            row[g] /= sum;
    }
    rn_arena_free(&a);
    return rc;
}

double rn_seq_z(double level)
{
    double lo = 0, hi = 40; /* P(|Z| < z) = level, by bisection of the error function */
    for (int i = 0; i < 100; i++) {
        double mid = (lo + hi) / 2;
        if (erf(mid / sqrt(2)) < level)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* ---- as text --------------------------------------------------------------------------------- */

void rn_seq_rule_write(const rn_seq *q, char *out, size_t cap)
{
    size_t at = 0;
    for (size_t i = 0; i < q->plan.n_ks && at < cap; i++)
        at += (size_t)snprintf(out + at, cap - at, "%s%" PRId64, i ? "," : "k ", q->ks[i]);
    if (at < cap)
        snprintf(out + at, cap - at, ", n %" PRId64 " to %" PRId64 ", cost %.17g", q->step[0],
                 q->plan.n_max, q->plan.cost);
}

/* A whole number of at least 1 at *p, behind `word`; *p moves behind both. */
static bool take_whole(const char **p, const char *word, int64_t *out)
{
    const size_t n = strlen(word);
    if (strncmp(*p, word, n) != 0) return false;
    char *end;
    *out = strtoll(*p + n, &end, 10);
    const bool ok = end != *p + n && *out >= 1;
    *p = end;
    return ok;
}

int rn_seq_rule_read(const char *text, rn_seq **out, int *rung, rn_err *err)
{
    enum { MAX_KS = 64 };
    int64_t ks[MAX_KS];
    rn_seq_plan plan = {.ks = ks};
    const char *p = text;
    bool ok = take_whole(&p, "k ", &ks[plan.n_ks++]);
    while (ok && p[0] == ',' && p[1] != ' ' && plan.n_ks < MAX_KS)
        ok = take_whole(&p, ",", &ks[plan.n_ks++]);
    ok = ok && take_whole(&p, ", n ", &plan.first) && take_whole(&p, " to ", &plan.n_max);
    if (ok && (ok = strncmp(p, ", cost ", 7) == 0)) {
        char *end;
        plan.cost = strtod(p + 7, &end);
        ok = end != p + 7 && plan.cost > 0;
        p = end;
    }
    int at = 0;
    if (ok && *p) ok = sscanf(p, ", rung %d", &at) == 1;
    if (!ok) return rn_fail(err, RN_EFORMAT, "'%.80s' is no rule of a question", text);
    int rc = rn_seq_new(&plan, out, err);
    if (!rc && *p) *rung = at;
    return rc;
}
