/*
 * prior.c: see prior.h.
 *
 * Learning. Support: for up to MAX_SUPPORT of the problems, spread evenly over their order by pass
 * rate, the kinds at a few quantiles of what its counts say of each arm (Jeffreys' posterior,
 * Beta(c + 1/2, n - c + 1/2)), the same quantile for all arms. Weights by EM,
 *
 *     w_t <- mean over problems i of w_t L_it / sum_s w_s L_is,
 *     L_it = prod_a rate_ta^c_ia (1 - rate_ta)^(n_ia - c_ia),
 *
 * stopped after N_EM rounds: what it would still do is to gather the mass in ever fewer kinds. The
 * likelihoods are of log scale, each problem's largest taken out.
 */
#include "stat/prior.h"
#include "stat/beta.h"

enum { N_DEFAULT = 48, N_LEVELS = 5, MAX_SUPPORT = 160, N_EM = 20 };

static const double levels[N_LEVELS] = {0.1, 0.3, 0.5, 0.7, 0.9};
static const double rate_floor = 1e-9;   /* a sample is never hopeless, nor a pass certain */
static const double weight_floor = 1e-9; /* kinds below it are dropped */

/* The chance of the default that one arm finds other problems hard than the rest do. */
static const double default_apart = 0.2;

/* Mean pass@1 of the study's cheapest model on HumanEval, and what twice the cost adds to it; Beta
 * with alpha + beta = 1 then gives its pass@2 as well (0.385). */
static const double default_mean = 0.28, default_gain = 0.05, default_max = 0.95;

static double clamped(double rate)
{
    return fmin(fmax(rate, rate_floor), 1 - rate_floor);
}

static rn_prior *new_prior(size_t n_arm, size_t n_kind)
{
    rn_prior *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    *p = (rn_prior){.n_arm = n_arm,
                    .n_kind = n_kind,
                    .weight = calloc(n_kind, sizeof *p->weight),
                    .rate = calloc(n_kind * n_arm, sizeof *p->rate)};
    if (p->weight && p->rate) return p;
    rn_prior_free(p);
    return NULL;
}

void rn_prior_free(rn_prior *p)
{
    if (!p) return;
    free(p->weight);
    free(p->rate);
    free(p);
}

static int arms_check(const double *cost, size_t n_arm, rn_err *err)
{
    if (n_arm < 1 || n_arm > RN_PRIOR_MAX_ARM)
        return rn_fail(err, RN_EINVAL, "%zu models: needs 1 to %d", n_arm, RN_PRIOR_MAX_ARM);
    for (size_t a = 0; a < n_arm; a++)
        if (!(cost[a] > 0) || !isfinite(cost[a]))
            return rn_fail(err, RN_EINVAL, "model %zu: a sample costs %g, must be above 0", a,
                           cost[a]);
    return 0;
}

/* Kinds of the default: those that all arms share, and as many for each arm that stands apart. */
static size_t n_default(size_t n_arm)
{
    return n_arm > 1 ? N_DEFAULT * (1 + n_arm) : N_DEFAULT;
}

/* The quantile of an arm that stands apart where the others have quantile t: all of them once, and
 * uncorrelated. */
static size_t quantile_apart(size_t t)
{
    return 17 * (t + 1) % N_DEFAULT;
}

/* The kinds of the default into rate [n_default, n_arm], their weights, of sum `share`, into
 * weight. */
static void default_kinds(const double *cost, size_t n_arm, double share, double *rate,
                          double *weight)
{
    double cheapest = cost[0];
    for (size_t a = 1; a < n_arm; a++)
        cheapest = fmin(cheapest, cost[a]);
    for (size_t a = 0; a < n_arm; a++) {
        double mean = fmin(default_mean + default_gain * log2(cost[a] / cheapest), default_max);
        for (size_t t = 0; t < N_DEFAULT; t++)
            rate[t * n_arm + a] =
                clamped(rn_stat_beta_quantile(mean, 1 - mean, ((double)t + 0.5) / N_DEFAULT));
    }
    const size_t n = n_default(n_arm);
    const double apart = n > N_DEFAULT ? default_apart : 0;
    for (size_t t = 0; t < N_DEFAULT; t++)
        weight[t] = share * (1 - apart) / N_DEFAULT;
    for (size_t t = N_DEFAULT; t < n; t++) {
        const size_t own = t / N_DEFAULT - 1, q = t % N_DEFAULT;
        for (size_t a = 0; a < n_arm; a++)
            rate[t * n_arm + a] = rate[(a == own ? quantile_apart(q) : q) * n_arm + a];
        weight[t] = share * apart / (double)(n - N_DEFAULT);
    }
}

int rn_prior_default(const double *cost, size_t n_arm, rn_prior **out, rn_err *err)
{
    int rc = arms_check(cost, n_arm, err);
    if (rc) return rc;
    rn_prior *p = new_prior(n_arm, n_default(n_arm));
    if (!p) return rn_nomem(err, "prior");
    default_kinds(cost, n_arm, 1, p->rate, p->weight);
    *out = p;
    return 0;
}

/* ---- learning -------------------------------------------------------------------------------- */

typedef struct record { /* one problem that takes part */
    size_t at;          /* its index in counts */
    double weight, ease;
} record;

static int by_ease(const void *a, const void *b)
{
    const record *x = a, *y = b;
    if (x->ease != y->ease) return x->ease < y->ease ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int counts_check(const rn_count *const *counts, size_t n_arm, size_t n_problems,
                        const double *weight, rn_err *err)
{
    for (size_t a = 0; a < n_arm; a++) {
        bool any = false;
        for (size_t i = 0; i < n_problems; i++) {
            const rn_count *x = &counts[a][i];
            if (x->n < 0 || x->c < 0 || x->c > x->n)
                return rn_fail(err, RN_EINVAL,
                               "model %zu, problem %zu: c = %" PRId64 " of n = %" PRId64, a, i,
                               x->c, x->n);
            any |= x->n > 0 && (!weight || weight[i] > 0);
        }
        if (!any)
            return rn_fail(err, RN_EINVAL,
                           "model %zu has no judged sample to learn from: generate and judge some, "
                           "or leave the prior to its default",
                           a);
    }
    return 0;
}

/* The problems with any record, by rising pass rate (the mean of the arms'). */
static record *list_records(const rn_count *const *counts, size_t n_arm, size_t n_problems,
                            const double *weight, size_t *n)
{
    record *list = malloc((n_problems + 1) * sizeof *list);
    if (!list) return NULL;
    *n = 0;
    for (size_t i = 0; i < n_problems; i++) {
        double w = weight ? weight[i] : 1, sum = 0;
        size_t arms = 0;
        for (size_t a = 0; a < n_arm; a++) {
            const rn_count *x = &counts[a][i];
            if (x->n == 0) continue;
            arms++;
            sum += (double)x->c / (double)x->n;
        }
        if (w > 0 && arms) list[(*n)++] = (record){i, w, sum / (double)arms};
    }
    qsort(list, *n, sizeof *list, by_ease);
    return list;
}

/* The kinds of up to MAX_SUPPORT problems into p, from the first on. */
static void place_kinds(const rn_count *const *counts, const record *list, size_t n_support,
                        size_t n_records, rn_prior *p)
{
    double *rate = p->rate;
    for (size_t s = 0; s < n_support; s++) {
        const size_t i = list[s * n_records / n_support].at;
        for (size_t l = 0; l < N_LEVELS; l++)
            for (size_t a = 0; a < p->n_arm; a++) {
                const rn_count *x = &counts[a][i];
                *rate++ = clamped(rn_stat_beta_quantile((double)x->c + 0.5,
                                                        (double)(x->n - x->c) + 0.5, levels[l]));
            }
    }
}

/* L_it of the head comment, each row's largest 1, into like [n_records, n_learned]. */
static void likelihoods(const rn_count *const *counts, const record *list, size_t n_records,
                        const rn_prior *p, const double *log_rate, size_t n_learned, double *like)
{
    for (size_t r = 0; r < n_records; r++, like += n_learned) {
        double largest = -INFINITY;
        for (size_t t = 0; t < n_learned; t++) {
            double sum = 0;
            for (size_t a = 0; a < p->n_arm; a++) {
                const rn_count *x = &counts[a][list[r].at];
                const double *logs = &log_rate[2 * (t * p->n_arm + a)];
                sum += (double)x->c * logs[0] + (double)(x->n - x->c) * logs[1];
            }
            like[t] = sum;
            largest = fmax(largest, sum);
        }
        for (size_t t = 0; t < n_learned; t++)
            like[t] = exp(like[t] - largest);
    }
}

/* One round of EM on weight [n_learned]; next is scratch of the same size. */
static void em_round(const double *like, const record *list, size_t n_records, size_t n_learned,
                     double *weight, double *next)
{
    double total = 0;
    for (size_t t = 0; t < n_learned; t++)
        next[t] = 0;
    for (size_t r = 0; r < n_records; r++, like += n_learned) {
        double sum = 0;
        for (size_t t = 0; t < n_learned; t++)
            sum += weight[t] * like[t];
        total += list[r].weight;
        if (!(sum > 0)) continue; /* no kind that has weight left can have made it */
        const double share = list[r].weight / sum;
        for (size_t t = 0; t < n_learned; t++)
            next[t] += share * weight[t] * like[t];
    }
    for (size_t t = 0; t < n_learned; t++)
        weight[t] = next[t] / total;
}

/* Drops the kinds without weight and makes the rest sum to 1. */
static void tidy(rn_prior *p)
{
    size_t kept = 0;
    double sum = 0;
    for (size_t t = 0; t < p->n_kind; t++) {
        if (p->weight[t] < weight_floor) continue;
        p->weight[kept] = p->weight[t];
        for (size_t a = 0; a < p->n_arm; a++)
            p->rate[kept * p->n_arm + a] = p->rate[t * p->n_arm + a];
        sum += p->weight[kept++];
    }
    p->n_kind = kept;
    for (size_t t = 0; t < kept; t++)
        p->weight[t] /= sum;
}

static int fit(const rn_count *const *counts, const record *list, size_t n_records,
               size_t n_learned, rn_prior *p, rn_err *err)
{
    rn_arena mem = {0};
    double *next = rn_arena_array(&mem, n_learned, sizeof *next);
    double *log_rate = rn_arena_array(&mem, 2 * n_learned * p->n_arm, sizeof *log_rate);
    double *like = rn_arena_array(&mem, n_records, n_learned * sizeof *like);
    int rc = like && next && log_rate ? 0 : rn_nomem(err, "prior");
    for (size_t j = 0; j < n_learned * p->n_arm && !rc; j++) {
        log_rate[2 * j] = log(p->rate[j]);
        log_rate[2 * j + 1] = log1p(-p->rate[j]);
    }
    if (!rc) likelihoods(counts, list, n_records, p, log_rate, n_learned, like);
    for (size_t t = 0; t < n_learned; t++)
        p->weight[t] = 1 / (double)n_learned;
    for (int round = 0; round < N_EM && !rc; round++)
        em_round(like, list, n_records, n_learned, p->weight, next);
    rn_arena_free(&mem);
    return rc;
}

int rn_prior_learn(const rn_count *const *counts, size_t n_arm, size_t n_problems,
                   const double *weight, const double *cost, rn_prior **out, rn_err *err)
{
    int rc = arms_check(cost, n_arm, err);
    if (!rc) rc = counts_check(counts, n_arm, n_problems, weight, err);
    if (rc) return rc;
    size_t n_records = 0;
    record *list = list_records(counts, n_arm, n_problems, weight, &n_records);
    const size_t n_support = n_records < MAX_SUPPORT ? n_records : MAX_SUPPORT;
    const size_t n_learned = n_support * N_LEVELS;
    rn_prior *p = list ? new_prior(n_arm, n_learned + n_default(n_arm)) : NULL;
    if (!p) {
        free(list);
        return rn_nomem(err, "prior");
    }
    place_kinds(counts, list, n_support, n_records, p);
    rc = fit(counts, list, n_records, n_learned, p, err);
    if (!rc) {
        const double n = (double)n_records;
        for (size_t t = 0; t < n_learned; t++)
            p->weight[t] *= n / (n + 1);
        default_kinds(cost, n_arm, 1 / (n + 1), p->rate + n_learned * n_arm, p->weight + n_learned);
        tidy(p);
        *out = p;
    } else {
        rn_prior_free(p);
    }
    free(list);
    return rc;
}
