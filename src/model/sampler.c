/*
 * sampler.c: truncation and the draw without sorting the vocabulary; see sampler.h.
 *
 * top-k and top-p need an order only at their edge. A histogram over (max - l) / T finds the bucket
 * in which the count or the mass is reached; only that bucket's tokens go through a heap, likeliest
 * first (ties: lower id first), until the edge is found. What is kept is then a threshold
 * (logit, id), and the draw is a walk over the vocabulary in id order.
 */
#include "model/sampler.h"

#include "model/ops.h"

#include <math.h>
#include <stdbool.h>

enum {
    N_BUCKETS = 512, /* buckets of 1/8 nat: 64 nats, the mass below is nothing */
    BUCKETS_PER_NAT = 8,
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
    /* weights, then candidates; whole cache lines */
    return ((size_t)n_vocab * (sizeof(float) + sizeof(int32_t)) + 127) / 64 * 64;
}

static bool kept(edge e, float logit, int32_t id)
{
    return logit > e.logit || (logit == e.logit && id <= e.id);
}

static double sum(const float *x, int32_t n)
{
    double lane[LANES] = {0};
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int32_t j = 0; j < LANES; j++)
            lane[j] += (double)x[i + j];
    for (; i < n; i++)
        lane[i % LANES] += (double)x[i];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

/* The first largest logit; -1 if one is NaN or none is finite. */
static int32_t find_max(const float *l, int32_t n)
{
    float best = -INFINITY, poison = 0;
    int32_t at = -1;
    for (int32_t i = 0; i < n; i++) {
        poison +=
            l[i] - l[i] == 0 ? 0.0f : l[i]; /* NaN and +inf stick; a lone -inf does not harm */
        if (l[i] > best) {
            best = l[i];
            at = i;
        }
    }
    return poison == poison && best < INFINITY ? at : -1;
}

/* ---- the edge of top-k and top-p ---------------------------------------------------------------
 */

static bool before(const float *l, int32_t a, int32_t b)
{
    return l[a] > l[b] || (l[a] == l[b] && a < b);
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

/* The edge after the likeliest kept tokens whose measure reaches its target: by_count: k tokens;
 * otherwise the share p of the kept mass. */
static edge cut(edge e, const float *l, const float *w, int32_t n, int32_t argmax, float per_logit,
                int64_t k, double p, int32_t *heap)
{
    double mass[N_BUCKETS] = {0};
    int32_t count[N_BUCKETS] = {0};
    float max = l[argmax];
    for (int32_t i = 0; i < n; i++) {
        if (!kept(e, l[i], i)) continue;
        int b = bucket_of(max, l[i], per_logit);
        mass[b] += (double)w[i];
        count[b]++;
    }
    bool by_count = k > 0;
    double total = 0, target, so_far = 0;
    for (int b = 0; b < N_BUCKETS; b++)
        total += by_count ? count[b] : mass[b];
    target = by_count ? (double)k : p * total;
    if (by_count && total <= target) return e;

    int at = 0;
    for (; at < N_BUCKETS - 1; at++) {
        double next = so_far + (by_count ? count[at] : mass[at]);
        if (next >= target) break;
        so_far = next;
    }
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++)
        if (kept(e, l[i], i) && bucket_of(max, l[i], per_logit) == at) heap[m++] = i;
    for (int32_t i = m / 2 - 1; i >= 0; i--)
        sift_down(heap, m, i, l);
    edge out = e;
    while (m > 0 && so_far < target) {
        int32_t id = heap[0];
        out = (edge){l[id], id};
        so_far += by_count ? 1 : (double)w[id];
        heap[0] = heap[--m];
        sift_down(heap, m, 0, l);
    }
    return out;
}

/* ---- the draw
 * ------------------------------------------------------------------------------------ */

static int32_t draw(const float *w, int32_t n, int32_t argmax, double u)
{
    double target = u * sum(w, n), so_far = 0;
    int32_t last = argmax;
    for (int32_t i = 0; i < n; i++) {
        if (w[i] <= 0) continue;
        so_far += (double)w[i];
        if (so_far > target) return i;
        last = i; /* the two sums may differ in the last bit: then the last kept token it is */
    }
    return last;
}

int rn_sampler_pick(const rn_kern *kern, const rn_sampling *s, const float *logits, int32_t n_vocab,
                    void *scratch, rn_rng *rng, int32_t *token, double *logprob)
{
    float *w = scratch;
    int32_t *heap = (int32_t *)(w + n_vocab);
    int32_t argmax = find_max(logits, n_vocab);
    if (argmax < 0) return RN_EFORMAT;
    float max = logits[argmax];
    int32_t id = argmax;
    if (s->temperature > 0) {
        float inv_t = (float)fmin(1.0 / s->temperature, MAX_INVERSE_T);
        float per_logit = inv_t * BUCKETS_PER_NAT;
        rn_exp_row(kern, logits, max, inv_t, n_vocab, w);
        edge e = {-INFINITY, n_vocab};
        if (s->top_k > 0 && s->top_k < n_vocab)
            e = cut(e, logits, w, n_vocab, argmax, per_logit, s->top_k, 0, heap);
        if (s->top_p < 1) e = cut(e, logits, w, n_vocab, argmax, per_logit, 0, s->top_p, heap);
        if (e.logit > -INFINITY || s->min_p > 0)
            for (int32_t i = 0; i < n_vocab; i++)
                if (!kept(e, logits[i], i) || w[i] < (float)s->min_p) w[i] = 0;
        id = draw(w, n_vocab, argmax, rn_rng_unit(rng));
    }
    *token = id;
    *logprob = (double)logits[id] - (double)max - log(rn_sum_exp(kern, logits, max, 1.0f, n_vocab));
    return 0;
}

double rn_logprob(const rn_kern *kern, const float *logits, int32_t n_vocab, int32_t token)
{
    int32_t argmax = find_max(logits, n_vocab);
    if (argmax < 0) return NAN;
    float max = logits[argmax];
    return (double)logits[token] - (double)max - log(rn_sum_exp(kern, logits, max, 1.0f, n_vocab));
}
