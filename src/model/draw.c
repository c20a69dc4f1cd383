/*
 * draw.c: truncation and the draw without sorting the vocabulary; see draw.h.
 *
 * With weights w_i = exp((l_i - max) / T) of sum Z over n tokens, those below (1 - p) Z / n hold
 * less than 1 - p of Z together, so top-p never reaches them: in a trained model's distribution one
 * pass leaves a few hundred candidates. top-k and top-p need an order only at their edge: a
 * histogram over (max - l) / T finds the bucket in which the count or the mass is reached, and only
 * that bucket's tokens go through a heap, likeliest first (ties: lower id first), until the edge is
 * found. What is kept is then a threshold (logit, id), and the draw is a walk over ids in rising
 * order.
 */
#include "model/draw.h"

#include "model/ops.h"

#include <math.h>
#include <stdbool.h>

enum {
    N_BUCKETS = 1024, /* buckets of 1/32 nat: 32 nats, the mass below is nothing */
    BUCKETS_PER_NAT = 32,
    LANES = 8, /* partial sums side by side; their order is part of the result */
};

/* Temperatures below its inverse are as good as greedy and would overflow. */
#define MAX_INVERSE_T 1e30

/* A token is kept if its logit is above `logit`, or equal with an id of at most `id`. */
typedef struct edge {
    float logit;
    int32_t id;
} edge;

void rn_sampling_init(rn_sampling *s)
{
    *s = (rn_sampling){.temperature = 0.8, .top_p = 0.95, .max_tok = 512};
}

int rn_sampling_check(const rn_sampling *s, rn_err *err)
{
    if (!(s->temperature >= 0 && s->temperature <= 1000))
        return rn_fail(err, RN_EINVAL,
                       "temperature %g is out of range; give 0 (greedy) or more, e.g. 0.8",
                       s->temperature);
    if (!(s->top_p > 0 && s->top_p <= 1))
        return rn_fail(err, RN_EINVAL, "top-p %g is outside (0, 1]; 1 keeps every token", s->top_p);
    if (s->top_k < 0)
        return rn_fail(err, RN_EINVAL, "top-k %lld is negative; 0 keeps every token",
                       (long long)s->top_k);
    if (!(s->min_p >= 0 && s->min_p <= 1))
        return rn_fail(err, RN_EINVAL, "min-p %g is outside [0, 1]; 0 keeps every token", s->min_p);
    if (s->max_tok < 1 || s->max_tok > 1 << 24)
        return rn_fail(err, RN_EINVAL, "a limit of %lld new tokens is out of range; give 1 or more",
                       (long long)s->max_tok);
    return 0;
}

size_t rn_sampler_scratch_bytes(int32_t n_vocab)
{
    /* weights, candidates, heap; whole cache lines */
    return ((size_t)n_vocab * (sizeof(float) + 2 * sizeof(int32_t)) + 127) / 64 * 64;
}

static bool kept(edge e, float logit, int32_t id)
{
    return logit > e.logit || (logit == e.logit && id <= e.id);
}

/* Weight of the candidates [n]. */
static double mass_of(const float *w, const int32_t *ids, int32_t n)
{
    double lane[LANES] = {0};
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int32_t j = 0; j < LANES; j++)
            lane[j] += (double)w[ids[i + j]];
    for (; i < n; i++)
        lane[i % LANES] += (double)w[ids[i]];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

/* ---- the edge of top-k and top-p ------------------------------------------------------------- */

static bool before(const float *l, int32_t a, int32_t b)
{
    return l[a] > l[b] || (a < b && l[a] == l[b]);
}

static void sift_down(int32_t *heap, int32_t n, int32_t i, const float *l)
{
    for (;;) {
        int32_t top = i, c = 2 * i + 1;
        if (c < n && before(l, heap[c], heap[top])) top = c;
        if (c + 1 < n && before(l, heap[c + 1], heap[top])) top = c + 1;
        if (top == i) return;
        int32_t t = heap[i];
        heap[i] = heap[top];
        heap[top] = t;
        i = top;
    }
}

static int bucket_of(float max, float logit, float per_logit)
{
    float b = (max - logit) * per_logit;
    return b < (float)(N_BUCKETS - 1) ? (int)b : N_BUCKETS - 1;
}

/* What the steps share: the candidates in rising order of id. */
typedef struct nucleus {
    const float *l, *w;
    float max, per_logit; /* bucket = (max - l) * per_logit */
    int32_t *ids, n;
    int32_t *heap; /* room for all candidates */
} nucleus;

/* Keeps the candidates up to the edge at which their count (by_count) or mass reaches the target.
 */
static void cut(nucleus *c, bool by_count, double target)
{
    double reach[N_BUCKETS] = {0};
    for (int32_t i = 0; i < c->n; i++) {
        int32_t id = c->ids[i];
        reach[bucket_of(c->max, c->l[id], c->per_logit)] += by_count ? 1 : (double)c->w[id];
    }
    int at = 0;
    double so_far = 0;
    for (; at < N_BUCKETS - 1 && so_far + reach[at] < target; at++)
        so_far += reach[at];
    int32_t m = 0;
    for (int32_t i = 0; i < c->n; i++)
        if (bucket_of(c->max, c->l[c->ids[i]], c->per_logit) == at) c->heap[m++] = c->ids[i];
    for (int32_t i = m / 2 - 1; i >= 0; i--)
        sift_down(c->heap, m, i, c->l);
    edge e = {-INFINITY, INT32_MAX};
    while (m > 0 && so_far < target) {
        int32_t id = c->heap[0];
        e = (edge){c->l[id], id};
        so_far += by_count ? 1 : (double)c->w[id];
        c->heap[0] = c->heap[--m];
        sift_down(c->heap, m, 0, c->l);
    }
    int32_t n = 0;
    for (int32_t i = 0; i < c->n; i++) {
        int32_t id = c->ids[i];
        c->ids[n] = id;
        n += kept(e, c->l[id], id);
    }
    c->n = n;
}

/* Keeps the candidates of at least this weight. */
static void drop_below(nucleus *c, float least)
{
    int32_t n = 0;
    for (int32_t i = 0; i < c->n; i++) {
        int32_t id = c->ids[i];
        c->ids[n] = id;
        n += c->w[id] >= least;
    }
    c->n = n;
}

/* The candidate in whose share of the mass u in [0, 1) falls. */
static int32_t draw(const nucleus *c, double u)
{
    double target = u * mass_of(c->w, c->ids, c->n), so_far = 0;
    for (int32_t i = 0; i < c->n; i++) {
        so_far += (double)c->w[c->ids[i]];
        if (so_far > target) return c->ids[i];
    }
    return c->ids[c->n - 1]; /* the two sums may differ in the last bit */
}

static int32_t sample(const rn_kern *kern, const rn_sampling *s, const float *logits, float max,
                      int32_t n_vocab, void *scratch, double u)
{
    float *w = scratch;
    int32_t *ids = (void *)(w + n_vocab);
    float inv_t = (float)fmin(1.0 / s->temperature, MAX_INVERSE_T);
    rn_exp_row(kern, logits, max, inv_t, n_vocab, w);
    double total = rn_sum_exp(kern, logits, max, inv_t, n_vocab);
    bool top_k = s->top_k > 0 && s->top_k < n_vocab;
    /* Halved, so that rounding in the sums cannot matter. After top-k the total is another. */
    float least = s->top_p < 1 && !top_k ? (float)(0.5 * (1 - s->top_p) * total / n_vocab) : 0;
    int32_t n = 0;
    for (int32_t i = 0; i < n_vocab; i++) {
        ids[n] = i;
        n += w[i] > least;
    }
    nucleus c = {.l = logits,
                 .w = w,
                 .max = max,
                 .per_logit = inv_t * BUCKETS_PER_NAT,
                 .ids = ids,
                 .n = n,
                 .heap = ids + n_vocab};
    if (top_k) {
        cut(&c, true, (double)s->top_k);
        total = mass_of(w, c.ids, c.n);
    }
    if (s->top_p < 1) cut(&c, false, s->top_p * total);
    if (s->min_p > 0) drop_below(&c, (float)s->min_p);
    return draw(&c, u);
}

int rn_sampler_pick(const rn_kern *kern, const rn_sampling *s, const float *logits, int32_t n_vocab,
                    void *scratch, rn_rng *rng, int32_t *token, double *logprob)
{
    float max = rn_max_row(kern, logits, n_vocab);
    double z = rn_sum_exp(kern, logits, max, 1.0f, n_vocab); /* NaN if a logit is */
    if (!isfinite(max) || !isfinite(z)) return RN_EFORMAT;
    int32_t id = s->temperature > 0
                     ? sample(kern, s, logits, max, n_vocab, scratch, rn_rng_unit(rng))
                     : (int32_t)rn_argmax(kern, logits, n_vocab);
    *token = id;
    *logprob = (double)logits[id] - (double)max - log(z);
    return 0;
}

double rn_logprob(const rn_kern *kern, const float *logits, int32_t n_vocab, int32_t token)
{
    float max = rn_max_row(kern, logits, n_vocab);
    if (!isfinite(max)) return NAN;
    return (double)logits[token] - (double)max - log(rn_sum_exp(kern, logits, max, 1.0f, n_vocab));
}
