/*
 * draw.c: truncation and the draw without sorting the vocabulary; see draw.h.
 *
 * With weights w_i = exp((l_i - max) / T) of sum Z over n tokens, those below (1 - p) Z / n hold
 * less than 1 - p of Z together, so top-p never reaches them: in a trained model's distribution one
 * pass leaves a few hundred candidates. top-k and top-p need an order only at their edge: halving
 * the range of the logits finds the one at which the count or the mass is reached, each step a sum
 * over the candidates, then over the few that are left in the range. Among equals lower ids come
 * first. The draw is a walk over ids in rising order.
 */
#include "model/draw.h"

#include "model/ops.h"

#include <math.h>
#include <stdbool.h>

enum { HALVINGS = 6 }; /* of a range, before those outside it are left behind */

/* Temperatures below its inverse are as good as greedy and would overflow. */
#define MAX_INVERSE_T 1e30

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

/* Tokens in whole groups. */
static size_t padded(int32_t n_vocab)
{
    return ((size_t)n_vocab + 15) / 16 * 16;
}

size_t rn_sampler_scratch_bytes(int32_t n_vocab)
{
    /* logits, weights and places, of the candidates and of those at an edge; whole cache lines */
    const size_t n = padded(n_vocab);
    return (2 * (2 * n * sizeof(float) + n / 16 * sizeof(int32_t)) + 63) / 64 * 64;
}

static rn_tokens tokens_in(float *scratch, size_t n, int32_t *at)
{
    return (rn_tokens){.l = scratch, .w = scratch + n, .at = at};
}

/* What the steps share. */
typedef struct nucleus {
    const rn_kern *kern;
    rn_tokens c;    /* the candidates */
    rn_tokens edge; /* those among which the edge is; `at`: their places in c */
} nucleus;

static double mass_of(const nucleus *u)
{
    return rn_mass_above(u->kern, u->c.l, u->c.w, u->c.n, -INFINITY);
}

static void keep(nucleus *u, const float *x, float least)
{
    rn_tokens *c = &u->c;
    rn_keep_between(u->kern, x, nextafterf(least, -INFINITY), INFINITY,
                    &(rn_row){c->l, c->w, c->at, c->n}, c);
}

/* Keeps the likeliest candidates (ties: lower id first) until their count (by_count) or mass
 * reaches the target. */
static void cut(nucleus *u, bool by_count, double target)
{
    const rn_kern *k = u->kern;
    rn_tokens *c = &u->c, *edge = &u->edge;
    if (rn_mass_above(k, c->l, by_count ? NULL : c->w, c->n, -INFINITY) < target) return;
    double above = 0; /* of the candidates likelier than all of `in` */
    rn_tokens in = *c;
    const int32_t *at = NULL;
    do { /* The edge's logit is in (lo, hi]; what lies above hi does not reach the target. */
        float lo = -INFINITY, hi = in.most;
        const float *w = by_count ? NULL : in.w;
        for (int step = 0; step < HALVINGS; step++) {
            const float from = fmaxf(lo, in.least);
            float mid = from + (hi - from) / 2;
            if (mid >= hi) mid = from;
            if (mid >= hi) break;
            if (above + rn_mass_above(k, in.l, w, in.n, mid) < target)
                hi = mid;
            else
                lo = mid;
        }
        above += rn_mass_above(k, in.l, w, in.n, hi);
        rn_keep_between(k, in.l, lo, hi, &(rn_row){in.l, in.w, at, in.n}, edge);
        in = *edge;
        at = edge->at;
    } while (in.least < in.most);
    for (int64_t i = 0; i < in.n; i++) {
        if (in.l[i] == -INFINITY) continue;
        if (above >= target) c->l[at[i / 16] + i % 16] = -INFINITY;
        above += by_count ? 1 : (double)in.w[i];
    }
    keep(u, c->l, in.most);
}

/* The candidate in whose share of the mass x in [0, 1) falls. */
static int32_t draw(const nucleus *u, double x)
{
    enum { RUN = 64 };
    const rn_tokens *c = &u->c;
    const double target = x * mass_of(u);
    double so_far = 0;
    int64_t i = 0;
    for (; i + RUN < c->n; i += RUN) {
        const double run = rn_mass_above(u->kern, c->l + i, c->w + i, RUN, -INFINITY);
        if (so_far + run > target) break;
        so_far += run;
    }
    int32_t id = 0;
    for (; i < c->n && so_far <= target; i++) {
        so_far += (double)c->w[i];
        if (c->w[i] > 0) id = c->at[i / 16] + (int32_t)(i % 16);
    }
    return id; /* the last one, should the sums differ in the last bit */
}

static int32_t sample(const rn_kern *kern, const rn_sampling *s, const float *logits, float max,
                      int32_t n_vocab, void *scratch, double x)
{
    const size_t n = padded(n_vocab);
    float *f = scratch;
    int32_t *at = (void *)(f + 4 * n);
    nucleus u = {
        .kern = kern, .c = tokens_in(f, n, at), .edge = tokens_in(f + 2 * n, n, at + n / 16)};
    float inv_t = (float)fmin(1.0 / s->temperature, MAX_INVERSE_T);
    double total = rn_exp_row(kern, logits, max, inv_t, n_vocab, u.c.w);
    bool top_k = s->top_k > 0 && s->top_k < n_vocab;
    /* Halved, so that rounding in the sums cannot matter. After top-k the total is another. */
    float least = s->top_p < 1 && !top_k ? (float)(0.5 * (1 - s->top_p) * total / n_vocab) : 0;
    rn_keep_between(kern, u.c.w, least, INFINITY, &(rn_row){logits, u.c.w, NULL, n_vocab}, &u.c);
    if (top_k) {
        cut(&u, true, (double)s->top_k);
        total = mass_of(&u);
    }
    if (s->top_p < 1) cut(&u, false, s->top_p * total);
    if (s->min_p > 0) keep(&u, u.c.w, (float)s->min_p);
    return draw(&u, x);
}

int rn_sampler_pick(const rn_kern *kern, const rn_sampling *s, const float *logits, int32_t n_vocab,
                    void *scratch, rn_rng *rng, int32_t *token, double *logprob)
{
    float max = rn_max_row(kern, logits, n_vocab);
    double z = rn_exp_row(kern, logits, max, 1.0f, n_vocab, NULL); /* NaN if a logit is */
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
    return (double)logits[token] - (double)max -
           log(rn_exp_row(kern, logits, max, 1.0f, n_vocab, NULL));
}
