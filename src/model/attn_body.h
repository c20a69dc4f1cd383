/*
 * attn_body.h: the inner steps of attention on one run of at most RN_ATTN_RUN keys, written over
 * simd.h and included once by each kern_<isa>.c. Layouts: attn.h; the loop around them: attn.c.
 *
 * For a query q and the runs in order:  s_k = scale q.k,  M' = max(M, max s),  p_k = exp(s_k - M'),
 * L' = L exp(M - M') + sum p,  O' = O exp(M - M') + sum p_k v_k;  the result is O / L.
 * Lanes are keys in the scores and dimensions in O, so no sum crosses lanes but max and sum of p.
 */
#ifndef RN_MODEL_ATTN_BODY_H
#define RN_MODEL_ATTN_BODY_H

#include "model/attn.h"
#include "model/ops_body.h"

/* Key block `block` of a head to out [hd][16]. */
static void load_keys(rn_kv_type type, const void *head, int64_t capacity, int hd, int64_t block,
                      float *out)
{
    const int64_t at = block * 16 * hd;
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

/* Values of positions pos .. pos + n - 1 to out [n][rn_attn_width(hd)], zero beyond hd. `values`:
 * the value part of a head. */
static void load_values(rn_kv_type type, const void *values, int64_t capacity, int hd, int64_t pos,
                        int n, float *out)
{
    const int width = rn_attn_width(hd), groups = (hd + 31) / 32;
    const uint16_t *scales =
        (const uint16_t *)(const void *)((const int8_t *)values + capacity * hd);
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
                int8_t q[16] = {0};
                uint16_t s[16] = {scales[(pos + i) * groups + d / 32]};
                memcpy(q, (const int8_t *)values + at + d, (size_t)(hd - d < 16 ? hd - d : 16));
                float f[16];
                vf_store(f, vf_load_f16(s));
                vf_store(out + d, vf_mul(vf_load_i8(q), vf_set1(f[0])));
            }
        for (int z = hd; type == RN_KV_F32 && z < width; z++)
            out[z] = 0;
    }
}

RN_INLINE void scores_n(const float *keys, const float *q, int hd, float *s, const int n,
                        const int blocks)
{
    vf acc[4][4];
    RN_UNROLL for (int i = 0; i < n; i++) RN_UNROLL for (int b = 0; b < blocks; b++) acc[i][b] =
        vf_set1(0);
    for (int d = 0; d < hd; d++) {
        vf k[4];
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

/* s [n_q][RN_ATTN_RUN] = q [n_q][hd] times keys [n_blocks][hd][16]. */
static void scores(const float *keys, int n_blocks, const float *q, int n_q, int hd, float *s)
{
    for (int b = 0; b < n_blocks;) {
        const int blocks = n_blocks - b >= 4 ? 4 : 1;
        const float *k = keys + (int64_t)b * 16 * hd;
        for (int i = 0; i < n_q;) {
            const int n = n_q - i >= 4 ? 4 : 1;
            const float *qi = q + (int64_t)i * hd;
            float *si = s + i * RN_ATTN_RUN + 16 * b;
            if (n == 4 && blocks == 4)
                scores_n(k, qi, hd, si, 4, 4);
            else if (n == 4)
                scores_n(k, qi, hd, si, 4, 1);
            else if (blocks == 4)
                scores_n(k, qi, hd, si, 1, 4);
            else
                scores_n(k, qi, hd, si, 1, 1);
            i += n;
        }
        b += blocks;
    }
}

/* Scores s [16 n_blocks] of one run become p, those outside [lo, hi) become 0; *max (M) and *sum
 * (L) go on. Returns exp(M - M'), 1 if nothing of the run is visible. */
static float softmax_step(float *s, int n_blocks, int lo, int hi, float scale, float *max,
                          float *sum)
{
    if (lo < 0) lo = 0;
    if (lo >= hi) {
        memset(s, 0, (size_t)n_blocks * 16 * sizeof *s);
        return 1;
    }
    const vf least = vf_set1(-INFINITY);
    vf most = least;
    for (int b = 0; b < n_blocks; b++) {
        vf v =
            vf_keep(vf_mul(vf_load(s + 16 * b), vf_set1(scale)), least, lo - 16 * b, hi - 16 * b);
        vf_store(s + 16 * b, v);
        most = vf_max(v, most);
    }
    const float before = *max, now = vf_hmax(vf_max(most, vf_set1(before)));
    vf total = vf_set1(0);
    for (int b = 0; b < n_blocks; b++) {
        vf p = vf_exp(vf_sub(vf_load(s + 16 * b), vf_set1(now)));
        vf_store(s + 16 * b, p);
        total = vf_add(total, p);
    }
    float decay[16];
    vf_store(decay, vf_exp(vf_set1(before - now)));
    *max = now;
    *sum = *sum * decay[0] + vf_sum(total);
    return decay[0];
}

RN_INLINE void mix_n(const float *values, int n_keys, int width, const float *p, const float *decay,
                     float *out, const int n, const int vectors)
{
    vf acc[4][4];
    RN_UNROLL for (int i = 0; i < n; i++) RN_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] =
        vf_mul(vf_load(out + i * width + 16 * v), vf_set1(decay[i]));
    for (int k = 0; k < n_keys; k++) {
        vf x[4];
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

/* out [n_q][width] = out decay [n_q] + p [n_q][RN_ATTN_RUN] values [n_keys][width]. */
static void mix(const float *values, int n_keys, int width, const float *p, const float *decay,
                int n_q, float *out)
{
    for (int v = 0; v < width;) {
        const int vectors = width - v >= 64 ? 4 : 1;
        for (int i = 0; i < n_q;) {
            const int n = n_q - i >= 4 ? 4 : 1;
            const float *pi = p + i * RN_ATTN_RUN;
            float *o = out + i * width + v;
            if (n == 4 && vectors == 4)
                mix_n(values + v, n_keys, width, pi, decay + i, o, 4, 4);
            else if (n == 4)
                mix_n(values + v, n_keys, width, pi, decay + i, o, 4, 1);
            else if (vectors == 4)
                mix_n(values + v, n_keys, width, pi, decay + i, o, 1, 4);
            else
                mix_n(values + v, n_keys, width, pi, decay + i, o, 1, 1);
            i += n;
        }
        v += 16 * vectors;
    }
}

#endif
