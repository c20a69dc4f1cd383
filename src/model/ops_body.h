/*
 * ops_body.h: operations on single rows, written over simd.h and included once by each
 * kern_<isa>.c.
 *
 * exp(x) = 2^n p(r) with n = round(x / ln 2), r = x - n ln 2 in two steps (Cody and Waite), p the
 * Taylor polynomial of e^r of degree 7, whose next term is 5e-9 at |r| = ln 2 / 2. Results below
 * 2^-125 are 0, so that no subnormal number appears; exp(0) is exactly 1; the largest result is
 * near 2^128. tests/test_kern_ops.c bounds the error at 2e-7.
 *
 * Sums over a row run in four accumulators of 16 lanes, added pairwise at the end.
 */
#ifndef RN_MODEL_OPS_BODY_H
#define RN_MODEL_OPS_BODY_H

#include "model/kern.h"
#include "model/simd.h"

#include <math.h>

RN_INLINE vf vf_exp(vf x)
{
    vf c = vf_min(vf_set1(88.72283f), vf_max(vf_set1(-87.33654f), x));
    vi n = vi_round(vf_mul(c, vf_set1(1.44269504f)));
    vf nf = vf_from_i(n);
    vf r = vf_fma(nf, vf_set1(-0.693359375f), c); /* exact: the constant has nine bits */
    r = vf_fma(nf, vf_set1(2.12194440e-4f), r);
    vf p = vf_set1(1.9841270e-4f);
    p = vf_fma(p, r, vf_set1(1.3888889e-3f));
    p = vf_fma(p, r, vf_set1(8.3333333e-3f));
    p = vf_fma(p, r, vf_set1(4.1666667e-2f));
    p = vf_fma(p, r, vf_set1(1.6666667e-1f));
    p = vf_fma(p, r, vf_set1(0.5f));
    p = vf_fma(p, r, vf_set1(1));
    p = vf_fma(p, r, vf_set1(1));
    /* 2^(n - 1) as bits, then doubled: n = 128 does not overflow on the way, n = -126 is 0. */
    vf scale = vf_of_bits(vi_shl23(vi_add(n, vi_set1(126))));
    return vf_mul(vf_mul(p, scale), vf_set1(2));
}

/* Calls body(vector, width) for 16 elements at a time, the rest last. */
#define RN_ROW_LOOP(i, n, width) \
    for (int64_t i = 0, width; width = (n)-i < 16 ? (n)-i : 16, i < (n); i += 16)

RN_INLINE vf load_row(const float *p, int64_t width)
{
    return width == 16 ? vf_load(p) : vf_load_n(p, (int)width);
}

RN_INLINE void store_row(float *p, vf x, int64_t width)
{
    if (width == 16)
        vf_store(p, x);
    else
        vf_store_n(p, x, (int)width);
}

/* Sum of (x - mean)^2, or of x itself with `linear`. */
RN_INLINE float row_sum(const float *x, float mean, int64_t n, bool linear)
{
    vf acc[4] = {vf_set1(0), vf_set1(0), vf_set1(0), vf_set1(0)};
    const vf m = vf_set1(mean);
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
        RN_UNROLL for (int k = 0; k < 4; k++)
        {
            vf v = vf_load(x + i + 16 * k), c = vf_sub(v, m);
            acc[k] = linear ? vf_add(acc[k], v) : vf_fma(c, c, acc[k]);
        }
    for (; i < n; i += 16) {
        const int width = n - i < 16 ? (int)(n - i) : 16;
        vf v = load_row(x + i, width), c = vf_keep(vf_sub(v, m), vf_set1(0), 0, width);
        acc[0] = linear ? vf_add(acc[0], v) : vf_fma(c, c, acc[0]);
    }
    return vf_sum(vf_add(vf_add(acc[0], acc[1]), vf_add(acc[2], acc[3])));
}

static void rmsnorm(const float *x, const float *w, float eps, int64_t n, float *y)
{
    const vf s = vf_set1(1 / sqrtf(row_sum(x, 0, n, false) / (float)n + eps));
    RN_ROW_LOOP(i, n, width)
    store_row(y + i, vf_mul(vf_mul(load_row(x + i, width), s), load_row(w + i, width)), width);
}

static void layernorm(const float *x, const float *w, const float *b, float eps, int64_t n,
                      float *y)
{
    const float mean = row_sum(x, 0, n, true) / (float)n;
    const vf m = vf_set1(mean), s = vf_set1(1 / sqrtf(row_sum(x, mean, n, false) / (float)n + eps));
    RN_ROW_LOOP(i, n, width)
    {
        vf v = vf_mul(vf_mul(vf_sub(load_row(x + i, width), m), s), load_row(w + i, width));
        store_row(y + i, b ? vf_add(v, load_row(b + i, width)) : v, width);
    }
}

static void add(const float *x, int64_t n, float *y)
{
    RN_ROW_LOOP(i, n, width)
    store_row(y + i, vf_add(load_row(y + i, width), load_row(x + i, width)), width);
}

static void scale_row(float s, int64_t n, float *y)
{
    RN_ROW_LOOP(i, n, width) store_row(y + i, vf_mul(load_row(y + i, width), vf_set1(s)), width);
}

static void silu_mul(const float *gate, const float *up, int64_t n, float *y)
{
    const vf one = vf_set1(1);
    RN_ROW_LOOP(i, n, width)
    {
        vf g = load_row(gate + i, width), e = vf_exp(vf_sub(vf_set1(0), g));
        store_row(y + i, vf_mul(vf_div(g, vf_add(one, e)), load_row(up + i, width)), width);
    }
}

/* x / 2 (1 + tanh(u)) = x / (1 + exp(-2 u)). */
static void gelu(const float *x, int64_t n, float *y)
{
    const vf one = vf_set1(1), a = vf_set1(0.044715f), b = vf_set1(-1.5957691216f);
    RN_ROW_LOOP(i, n, width)
    {
        vf v = load_row(x + i, width), u = vf_mul(v, vf_fma(vf_mul(v, v), a, one));
        store_row(y + i, vf_div(v, vf_add(one, vf_exp(vf_mul(u, b)))), width);
    }
}

static double exp_row(const float *x, float max, float scale, int64_t n, float *y)
{
    const vf m = vf_set1(max), s = vf_set1(scale);
    double sum = 0;
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
        vf e[4];
        RN_UNROLL for (int k = 0; k < 4; k++)
        {
            e[k] = vf_exp(vf_mul(vf_sub(vf_load(x + i + 16 * k), m), s));
            if (y) vf_store(y + i + 16 * k, e[k]);
        }
        sum += (double)vf_sum(vf_add(vf_add(e[0], e[1]), vf_add(e[2], e[3])));
    }
    for (; i < n; i += 16) {
        const int width = n - i < 16 ? (int)(n - i) : 16;
        vf e = vf_exp(vf_mul(vf_sub(load_row(x + i, width), m), s));
        if (y) store_row(y + i, e, width);
        sum += (double)vf_sum(vf_keep(e, vf_set1(0), 0, width));
    }
    return sum;
}

static float max_row(const float *x, int64_t n)
{
    vf most = vf_set1(-INFINITY);
    RN_ROW_LOOP(i, n, width)
    {
        vf v = vf_keep(load_row(x + i, width), vf_set1(-INFINITY), 0, (int)width);
        most = vf_max(v, most); /* in this order a NaN in v leaves `most` */
    }
    return vf_hmax(most);
}

static void keep_between(const float *x, float lo, float hi, const rn_row *from, rn_tokens *to)
{
    const vf below = vf_set1(lo), upto = vf_set1(hi), none = vf_set1(-INFINITY), zero = vf_set1(0);
    vf most = none, least = vf_set1(INFINITY);
    const rn_row r = *from;
    int64_t m = 0;
    RN_ROW_LOOP(i, r.n, width)
    {
        vf v = vf_keep(load_row(x + i, width), none, 0, (int)width),
           kept = load_row(r.l + i, width);
        kept = vf_where_above(v, upto, none, vf_where_above(v, below, kept, none));
        if (!vf_any_above(kept, none)) continue;
        most = vf_max(kept, most);
        least = vf_min(vf_where_above(kept, none, kept, least), least);
        vf_store(to->w + m, vf_where_above(kept, none, load_row(r.w + i, width), zero));
        vf_store(to->l + m, kept);
        to->at[m / 16] = r.at ? r.at[i / 16] : (int32_t)i;
        m += 16;
    }
    to->n = m;
    to->most = vf_hmax(most);
    to->least = -vf_hmax(vf_sub(zero, least));
}

static double mass_above(const float *l, const float *w, int64_t n, float t)
{
    enum { RUN = 256 }; /* so many are added as floats */
    const vf limit = vf_set1(t), zero = vf_set1(0), one = vf_set1(1);
    double sum = 0;
    for (int64_t i = 0; i < n;) {
        const int64_t end = n - i < RUN ? n : i + RUN;
        vf acc[2] = {zero, zero};
        for (; i + 32 <= end; i += 32)
            RN_UNROLL for (int k = 0; k < 2; k++)
            {
                vf v = w ? vf_load(w + i + 16 * k) : one;
                acc[k] = vf_add(acc[k], vf_where_above(vf_load(l + i + 16 * k), limit, v, zero));
            }
        if (i < end) {
            acc[0] = vf_add(acc[0],
                            vf_where_above(vf_load(l + i), limit, w ? vf_load(w + i) : one, zero));
            i += 16;
        }
        sum += (double)vf_sum(vf_add(acc[0], acc[1]));
    }
    return sum;
}

static void to_half(const float *x, int64_t n, uint16_t *y)
{
    RN_ROW_LOOP(i, n, width)
    {
        uint16_t h[16];
        vf_to_f16(h, load_row(x + i, width));
        memcpy(y + i, h, (size_t)width * sizeof *h);
    }
}

#endif
