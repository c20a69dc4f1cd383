/*
 * ops.h: what a transformer does to single rows, on the kernel set `k`.
 *
 * Every function treats a row by itself, in an order that depends on the row's length only. In and
 * out may be the same array unless said otherwise. exp is exact to about 1 unit in the last place
 * (ops_body.h has the polynomial); rn_exp of a kernel set is the same number wherever it is used.
 */
#ifndef RN_MODEL_OPS_H
#define RN_MODEL_OPS_H

#include "model/kern.h"

/* y = x / sqrt(mean(x^2) + eps) * w. x, w, y [n]. */
static inline void rn_rmsnorm(const rn_kern *k, const float *x, const float *w, float eps,
                              int64_t n, float *y)
{
    k->rmsnorm(x, w, eps, n, y);
}

/* y = (x - mean) / sqrt(var + eps) * w + b. b may be NULL. x, w, b, y [n]. */
static inline void rn_layernorm(const rn_kern *k, const float *x, const float *w, const float *b,
                                float eps, int64_t n, float *y)
{
    k->layernorm(x, w, b, eps, n, y);
}

/* y += x (residual, bias). x, y [n]. */
static inline void rn_add(const rn_kern *k, const float *x, int64_t n, float *y)
{
    k->add(x, n, y);
}

/* y *= s. y [n]. */
static inline void rn_scale(const rn_kern *k, float s, int64_t n, float *y)
{
    k->scale(s, n, y);
}

/* y = gate / (1 + exp(-gate)) * up. All [n]; y may be gate or up. */
static inline void rn_silu_mul(const rn_kern *k, const float *gate, const float *up, int64_t n,
                               float *y)
{
    k->silu_mul(gate, up, n, y);
}

/* y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). x, y [n]. */
static inline void rn_gelu(const rn_kern *k, const float *x, int64_t n, float *y)
{
    k->gelu(x, n, y);
}

/* The largest of x [n], n > 0; NaN is passed over (-inf if nothing is left). */
static inline float rn_max_row(const rn_kern *k, const float *x, int64_t n)
{
    return k->max_row(x, n);
}

/* y = exp((x - max) * scale), and its sum, added in double. x, y [n]; y NULL: the sum alone. */
static inline double rn_exp_row(const rn_kern *k, const float *x, float max, float scale, int64_t n,
                                float *y)
{
    return k->exp_row(x, max, scale, n, y);
}

/* The tokens with lo < x <= hi of `from` to `to`, whose arrays have room for all of them, in whole
 * groups, and may be those of `from`. x [from->n]. */
static inline void rn_keep_between(const rn_kern *k, const float *x, float lo, float hi,
                                   const rn_row *from, rn_tokens *to)
{
    k->keep_between(x, lo, hi, from, to);
}

/* The sum of w (NULL: 1 each) where l > t. l, w [n], n % 16 == 0. Never less for a smaller t. */
static inline double rn_mass_above(const rn_kern *k, const float *l, const float *w, int64_t n,
                                   float t)
{
    return k->mass_above(l, w, n, t);
}

/* The index of the largest of x [n], the first of equals; 0 if all are NaN. n > 0. */
int64_t rn_argmax(const rn_kern *k, const float *x, int64_t n);

/* ---- rotary position embedding --------------------------------------------------------------- */

/* Which two elements of a head turn together: neighbours (2 i, 2 i + 1), as the llama architecture
 * stores them, or halves (i, i + n_rot / 2), as qwen2, qwen3 and starcoder2 do. */
typedef enum rn_rope_kind { RN_ROPE_NEIGHBOURS, RN_ROPE_HALVES } rn_rope_kind;

/* cos and sin of the angles pos * freqs[i] (radians a position), times amp: cs [n_rot / 2][2]. */
void rn_rope_table(int64_t pos, const double *freqs, int n_rot, double amp, float *cs);

/* Turns the first n_rot elements of each of n_heads heads [n_heads][hd] in place. */
void rn_rope(rn_rope_kind kind, const float *cs, int n_rot, int n_heads, int hd, float *x);

#endif
