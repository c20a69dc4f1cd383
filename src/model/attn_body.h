/*
 * attn_body.h: the inner steps of attention on one run of at most RN_ATTN_RUN keys, written over
 * simd.h and included once by each kern_<isa>.c, which sets RN_ATTN_N and RN_ATTN_V. Layouts:
 * attn.h; the loop around them: attn.c.
 *
 * For a query q and the runs in order:  s_k = scale q.k,  M' = max(M, max s),  p_k = exp(s_k - M'),
 * L' = L exp(M - M') + sum p,  O' = O exp(M - M') + sum p_k v_k;  the result is O / L.
 * Lanes are keys in the scores and dimensions in O, so no sum crosses lanes but max and sum of p.
 */
#ifndef RN_MODEL_ATTN_BODY_H
#define RN_MODEL_ATTN_BODY_H

#include "gguf/half.h"
#include "model/attn.h"
#include "model/ops_body.h"

/* Queries and vectors of a tile of the two products: RN_ATTN_N * RN_ATTN_V sums stay in registers.
 */
#if RN_ATTN_N > 4 || RN_ATTN_V > 4
#error "the switches below know tiles of at most 4 x 4"
#endif

/* Half bytes, less 8: the low ones and the high ones of 16 bytes. */
RN_INLINE void halves(const uint8_t *p, int8_t low[16], int8_t high[16])
{
    for (int i = 0; i < 16; i++) {
        low[i] = (int8_t)((p[i] & 15) - 8);
        high[i] = (int8_t)((p[i] >> 4) - 8);
    }
}

/* As load_keys, of Q4: each row of bytes holds two elements. */
static void load_keys_q4(const void *head, int64_t capacity, int hd, int64_t block, float *out)
{
    const int bytes = rn_kv_q4_bytes(hd), groups = bytes / 16;
    const uint8_t *k = (const uint8_t *)head + block * 16 * bytes;
    const uint16_t *scale =
        (const uint16_t *)(const void *)((const uint8_t *)head + capacity * bytes) +
        block * groups * 16;
    for (int d = 0; d < hd; d += 2, k += 16) {
        int8_t low[16], high[16];
        const vf s = vf_load_f16(scale + d / 32 * 16);
        halves(k, low, high);
        vf_store(out + 16 * d, vf_mul(vf_load_i8(low), s));
        if (d + 1 < hd) vf_store(out + 16 * (d + 1), vf_mul(vf_load_i8(high), s));
    }
}

/* Key block `block` of a head to out [hd][16]. */
static void load_keys(rn_kv_type type, const void *head, int64_t capacity, int hd, int64_t block,
                      float *out)
{
    const int64_t at = block * 16 * hd;
    if (type == RN_KV_Q4) {
        load_keys_q4(head, capacity, hd, block, out);
        return;
    }
    if (type == RN_KV_F32) {
        memcpy(out, (const float *)head + at, (size_t)(16 * hd) * sizeof *out);
        return;
    }
    if (type == RN_KV_F16) {
        const uint16_t *k = (const uint16_t *)head + at;
        for (int d = 0; d < hd; d++)
            vf_store(out + 16 * d, vf_load_f16(k + 16 * d));
        return;
    }
    const int groups = (hd + 31) / 32;
    const int8_t *k = (const int8_t *)head + at;
    const uint16_t *scale = (const uint16_t *)(const void *)((const int8_t *)head + capacity * hd) +
                            block * groups * 16;
    for (int d = 0; d < hd; d++)
        vf_store(out + 16 * d, vf_mul(vf_load_i8(k + 16 * d), vf_load_f16(scale + d / 32 * 16)));
}

/* As load_values, of Q4. */
static void load_values_q4(const void *values, int64_t capacity, int hd, int64_t pos, int n,
                           float *out)
{
    const int width = rn_attn_width(hd), bytes = rn_kv_q4_bytes(hd), groups = bytes / 16;
    const uint8_t *v = (const uint8_t *)values + pos * bytes;
    const uint16_t *scales =
        (const uint16_t *)(const void *)((const uint8_t *)values + capacity * bytes) + pos * groups;
    for (int i = 0; i < n; i++, out += width) {
        for (int g = 0; g < groups; g++, v += 16, scales++) {
            int8_t low[16], high[16];
            const vf s = vf_set1(rn_f16_to_f32(*scales));
            halves(v, low, high);
            vf_store(out + 32 * g, vf_mul(vf_load_i8(low), s));
            if (32 * g + 16 < width) vf_store(out + 32 * g + 16, vf_mul(vf_load_i8(high), s));
        }
    }
}

/* Values of positions pos .. pos + n - 1 to out [n][rn_attn_width(hd)], zero beyond hd. `values`:
 * the value part of a head. */
static void load_values(rn_kv_type type, const void *values, int64_t capacity, int hd, int64_t pos,
                        int n, float *out)
{
    const int width = rn_attn_width(hd), groups = (hd + 31) / 32;
    const uint16_t *scales =
        (const uint16_t *)(const void *)((const int8_t *)values + capacity * hd);
    if (type == RN_KV_Q4) {
        load_values_q4(values, capacity, hd, pos, n, out);
        return;
    }
    for (int i = 0; i < n; i++, out += width) {
        const int64_t at = (pos + i) * hd;
        if (type == RN_KV_F32) memcpy(out, (const float *)values + at, (size_t)hd * sizeof *out);
        int d = 0;
        if (type == RN_KV_F16)
            for (; d + 16 <= hd; d += 16)
                vf_store(out + d, vf_load_f16((const uint16_t *)values + at + d));
        if (type == RN_KV_F16 && d < hd) {
            uint16_t rest[16] = {0};
            memcpy(rest, (const uint16_t *)values + at + d, (size_t)(hd - d) * sizeof *rest);
            vf_store(out + d, vf_load_f16(rest));
        }
        if (type == RN_KV_Q8)
            for (; d < hd; d += 16) {
                const int8_t *q = (const int8_t *)values + at + d;
                int8_t rest[16] = {0};
                if (hd - d < 16) q = memcpy(rest, q, (size_t)(hd - d));
                const vf scale = vf_set1(rn_f16_to_f32(scales[(pos + i) * groups + d / 32]));
                vf_store(out + d, vf_mul(vf_load_i8(q), scale));
            }
        for (int z = hd; type == RN_KV_F32 && z < width; z++)
            out[z] = 0;
    }
}

RN_KERNEL void scores_n(const float *keys, const float *q, int hd, float *s, const int n,
                        const int blocks)
{
    vf acc[RN_ATTN_N][RN_ATTN_V];
    RN_UNROLL for (int i = 0; i < n; i++) RN_UNROLL for (int b = 0; b < blocks; b++) acc[i][b] =
        vf_set1(0);
    for (int d = 0; d < hd; d++) {
        vf k[RN_ATTN_V];
        RN_UNROLL for (int b = 0; b < blocks; b++) k[b] = vf_load(keys + 16 * (b * hd + d));
        RN_UNROLL for (int i = 0; i < n; i++)
        {
            vf x = vf_set1(q[i * hd + d]);
            RN_UNROLL for (int b = 0; b < blocks; b++) acc[i][b] = vf_fma(k[b], x, acc[i][b]);
        }
    }
    RN_UNROLL for (int i = 0; i < n; i++) RN_UNROLL for (int b = 0; b < blocks; b++)
        vf_store(s + i * RN_ATTN_RUN + 16 * b, acc[i][b]);
}

RN_KERNEL void mix_n(const float *values, int n_keys, int width, const float *p, const float *decay,
                     float *out, const int n, const int vectors)
{
    vf acc[RN_ATTN_N][RN_ATTN_V];
    RN_UNROLL for (int i = 0; i < n; i++) RN_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] =
        vf_mul(vf_load(out + i * width + 16 * v), vf_set1(decay[i]));
    for (int k = 0; k < n_keys; k++) {
        vf x[RN_ATTN_V];
        RN_UNROLL for (int v = 0; v < vectors; v++) x[v] =
            vf_load(values + (int64_t)k * width + 16 * v);
        RN_UNROLL for (int i = 0; i < n; i++)
        {
            vf pi = vf_set1(p[i * RN_ATTN_RUN + k]);
            RN_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = vf_fma(x[v], pi, acc[i][v]);
        }
    }
    RN_UNROLL for (int i = 0; i < n; i++) RN_UNROLL for (int v = 0; v < vectors; v++)
        vf_store(out + i * width + 16 * v, acc[i][v]);
}

#if RN_COMPACT
#define RN_ATTN_SWITCH(n, v, f, ...) f(__VA_ARGS__, n, v);
#else
/* One call of f(..., n, v) with constant n and v, both 1 to 4 and within the tile. */
#define RN_ATTN_CASE(n, v, f, ...)                                                            \
    case 8 * (n) + (v):                                                                       \
        f(__VA_ARGS__, (n) < RN_ATTN_N ? (n) : RN_ATTN_N, (v) < RN_ATTN_V ? (v) : RN_ATTN_V); \
        break;
#define RN_ATTN_CASES(n, f, ...)       \
    RN_ATTN_CASE(n, 1, f, __VA_ARGS__) \
    RN_ATTN_CASE(n, 2, f, __VA_ARGS__) \
    RN_ATTN_CASE(n, 3, f, __VA_ARGS__) \
    RN_ATTN_CASE(n, 4, f, __VA_ARGS__)
#define RN_ATTN_SWITCH(n, v, f, ...)     \
    switch (8 * (n) + (v)) {             \
        RN_ATTN_CASES(1, f, __VA_ARGS__) \
        RN_ATTN_CASES(2, f, __VA_ARGS__) \
        RN_ATTN_CASES(3, f, __VA_ARGS__) \
        RN_ATTN_CASES(4, f, __VA_ARGS__) \
    default: break;                      \
    }
#endif

RN_INLINE int at_most(int a, int b)
{
    return a < b ? a : b;
}

/* s [n_q][RN_ATTN_RUN] = q [n_q][hd] times keys [n_blocks][hd][16]. */
static void scores(const float *keys, int n_blocks, const float *q, int n_q, int hd, float *s)
{
    for (int b = 0; b < n_blocks; b += RN_ATTN_V) {
        const int blocks = at_most(n_blocks - b, RN_ATTN_V);
        const float *k = keys + (int64_t)b * 16 * hd;
        for (int i = 0; i < n_q; i += RN_ATTN_N) {
            const int n = at_most(n_q - i, RN_ATTN_N);
            RN_ATTN_SWITCH(n, blocks, scores_n, k, q + (int64_t)i * hd, hd,
                           s + i * RN_ATTN_RUN + 16 * b)
        }
    }
}

/* out [n_q][width] = out decay [n_q] + p [n_q][RN_ATTN_RUN] values [n_keys][width]. */
static void mix(const float *values, int n_keys, int width, const float *p, const float *decay,
                int n_q, float *out)
{
    for (int d = 0; d < width; d += 16 * RN_ATTN_V) {
        const int vectors = at_most((width - d) / 16, RN_ATTN_V);
        for (int i = 0; i < n_q; i += RN_ATTN_N) {
            const int n = at_most(n_q - i, RN_ATTN_N);
            RN_ATTN_SWITCH(n, vectors, mix_n, values + d, n_keys, width, p + i * RN_ATTN_RUN,
                           decay + i, out + i * width + d)
        }
    }
}

/* Scores s [n_q][RN_ATTN_RUN] of one run become p, those of query i outside [lo[i], hi[i]) become
 * 0; max (M), sum (L) [n_q] go on. decay [n_q] = exp(M - M'), 1 if nothing of the run is visible.
 */
static void softmax_step(float *s, int n_q, int n_blocks, const int *lo, const int *hi, float scale,
                         float *max, float *sum, float *decay)
{
    const vf least = vf_set1(-INFINITY);
    for (int i = 0; i < n_q; i++) {
        float *si = s + i * RN_ATTN_RUN;
        vf most = vf_set1(max[i]);
        for (int b = 0; b < n_blocks; b++) {
            vf v = vf_mul(vf_load(si + 16 * b), vf_set1(scale));
            v = vf_keep(v, least, lo[i] - 16 * b, hi[i] - 16 * b);
            vf_store(si + 16 * b, v);
            most = vf_max(v, most);
        }
        const float now = vf_hmax(most);
        decay[i] = lo[i] < hi[i] ? max[i] - now : 0;
        max[i] = now;
    }
    for (int i = 0; i < n_q; i += 16) {
        const int n = at_most(n_q - i, 16);
        store_row(decay + i, vf_exp(load_row(decay + i, n)), n);
    }
    for (int i = 0; i < n_q; i++) {
        float *si = s + i * RN_ATTN_RUN;
        if (lo[i] >= hi[i]) { /* the maximum may still be -inf */
            memset(si, 0, (size_t)n_blocks * 16 * sizeof *si);
            continue;
        }
        vf total = vf_set1(0);
        for (int b = 0; b < n_blocks; b++) {
            vf p = vf_exp(vf_sub(vf_load(si + 16 * b), vf_set1(max[i])));
            vf_store(si + 16 * b, p);
            total = vf_add(total, p);
        }
        sum[i] = sum[i] * decay[i] + vf_sum(total);
    }
}

#endif
