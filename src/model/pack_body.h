/*
 * pack_body.h: activations to 8 bits, and packed weights to 8 bits with float scales, written over
 * simd.h and included once by each kern_<isa>.c. Layouts: kern.h and pack.c.
 */
#ifndef RN_MODEL_PACK_BODY_H
#define RN_MODEL_PACK_BODY_H

#include "model/kern.h"
#include "model/simd.h"

RN_INLINE void put_sums(uint8_t *init, uint8_t *sum, int32_t q, float d)
{
    const int32_t i = -128 * q;
    const float s = d * (float)q;
    memcpy(init, &i, sizeof i);
    memcpy(sum, &s, sizeof s);
}

/* q = round(x / d), d = max |x| / 127 of each block of 32. */
static void quantise(const float *x, int64_t stride, int n, int64_t cols, uint8_t *panel)
{
    const size_t cells = (size_t)(cols / RN_BLOCK) * (size_t)n;
    uint8_t *init = panel + rn_xplane_at(RN_X_INIT, cells);
    uint8_t *sum = panel + rn_xplane_at(RN_X_SUM, cells);
    uint8_t *init16 = panel + rn_xplane_at(RN_X_INIT16, cells);
    uint8_t *sum16 = panel + rn_xplane_at(RN_X_SUM16, cells);
    for (int64_t c = 0; c < cols; c += RN_BLOCK, panel += rn_xblock_bytes(n)) {
        for (int r = 0; r < n; r++) {
            vf a = vf_load(x + r * stride + c), b = vf_load(x + r * stride + c + 16);
            float most = vf_hmax(vf_max(vf_abs(a), vf_abs(b)));
            float d = most / 127, inverse = most > 0x1p-100f ? 127 / most : 0;
            vi qa = vi_round(vf_mul(a, vf_set1(inverse))),
               qb = vi_round(vf_mul(b, vf_set1(inverse)));
            int8_t *q = (int8_t *)panel + 32 * r;
            vi_store_i8(q, qa);
            vi_store_i8(q + 16, qb);
            int32_t half[2] = {vi_sum(qa), vi_sum(qb)}, all = half[0] + half[1];
            memcpy(panel + rn_xblock_d(n) + 4 * r, &d, 4);
            put_sums(init + 4 * r, sum + 4 * r, all, d);
            for (int h = 0; h < 2; h++)
                put_sums(init16 + 4 * (h * n + r), sum16 + 4 * (h * n + r), half[h], d);
        }
        init += 4 * n, sum += 4 * n, init16 += 8 * n, sum16 += 8 * n;
    }
}

/* ---- quants ---------------------------------------------------------------------------------- */

/* Blocks with `low_bits` (4 or 2) bits, then `high_bits` (0, 1, 2) more; `offset` is subtracted. */
RN_KERNEL void unpack_bits(const uint8_t *q, int n_blocks, uint8_t *out, const int low_bits,
                           const int high_bits, const int offset)
{
    const int per_byte = 8 / low_bits;
    const size_t low_bytes = (size_t)(128 * 8 / per_byte);
    const bool has_min = offset == 0;
    const vb shift = vb_set1((uint8_t)((RN_SIMD_BIASED ? 128 : 0) - offset));
    for (int b = 0; b < n_blocks; b++) {
        const uint8_t *high = q + low_bytes;
        RN_UNROLL for (int j = 0; j < RN_QUADS; j++) RN_UNROLL for (int m = 0; m < 2; m++)
        {
            vb v = vb_bits(vb_load(q + 128 * (j / per_byte) + 64 * m), j % per_byte * low_bits,
                           (uint8_t)((1 << low_bits) - 1));
            if (high_bits == 1)
                v = vb_or(v, vb_shl(vb_bits(vb_load(high + 64 * m), j, 1), low_bits));
            if (high_bits == 2)
                v = vb_or(v, vb_shl(vb_bits(vb_load(high + 128 * (j / 4) + 64 * m), j % 4 * 2, 3),
                                    low_bits));
            vb_store(out + 128 * j + 64 * m, has_min ? v : vb_add(v, shift));
        }
        q = high + 128 * high_bits;
        out += RN_Q8_BYTES;
    }
}

static void unpack(rn_qtype type, const uint8_t *q, int n_blocks, uint8_t *out)
{
    switch (type) {
    case RN_Q_Q4_0: unpack_bits(q, n_blocks, out, 4, 0, 8); return;
    case RN_Q_Q4_1:
    case RN_Q_Q4_K: unpack_bits(q, n_blocks, out, 4, 0, 0); return;
    case RN_Q_Q5_0: unpack_bits(q, n_blocks, out, 4, 1, 16); return;
    case RN_Q_Q5_1:
    case RN_Q_Q5_K: unpack_bits(q, n_blocks, out, 4, 1, 0); return;
    case RN_Q_Q6_K: unpack_bits(q, n_blocks, out, 4, 2, 32); return;
    case RN_Q_Q3_K: unpack_bits(q, n_blocks, out, 2, 1, 4); return;
    case RN_Q_TQ1_0:
    case RN_Q_TQ2_0:
    case RN_Q_Q2_K: unpack_bits(q, n_blocks, out, 2, 0, 0); return;
    default: return;
    }
}

/* ---- scales ---------------------------------------------------------------------------------- */

RN_INLINE vf load_half(const uint8_t *p, int m)
{
    return vf_load_f16((const uint16_t *)(const void *)p + 16 * m);
}

/* [blocks]: d [32], and m [32] if any, F16. */
RN_KERNEL void scales_32(const uint8_t *s, int64_t first, int n_blocks, float *d, float *min,
                         const bool has_min)
{
    const int step = has_min ? 128 : 64;
    s += first * step;
    for (int b = 0; b < n_blocks; b++, s += step)
        RN_UNROLL for (int m = 0; m < 2; m++)
        {
            vf_store(d + RN_STRIP * b + 16 * m, load_half(s, m));
            if (has_min) vf_store(min + RN_STRIP * b + 16 * m, load_half(s + 64, m));
        }
}

/* [blocks of 256]: d [32], dmin [32] F16, scales [8][32], minima [8][32] bytes. */
static void scales_k4(const uint8_t *s, int64_t first, int n_blocks, float *d, float *min)
{
    s += first / 8 * 640;
    for (int b = 0; b < n_blocks; b += 8, s += 640)
        for (int m = 0; m < 2; m++) {
            vf dv = load_half(s, m), mv = vf_sub(vf_set1(0), load_half(s + 64, m));
            for (int j = 0; j < 8; j++) {
                const int64_t at = RN_STRIP * (b + j) + 16 * m;
                vf_store(d + at, vf_mul(dv, vf_load_u8(s + 128 + 32 * j + 16 * m)));
                vf_store(min + at, vf_mul(mv, vf_load_u8(s + 384 + 32 * j + 16 * m)));
            }
        }
}

/* [blocks of 256]: d [32] F16, signed scales [16][32]. */
static void scales_k6(const uint8_t *s, int64_t first, int n_blocks, float *d)
{
    s += first / 8 * 576;
    for (int b = 0; b < n_blocks; b += 8, s += 576)
        for (int m = 0; m < 2; m++) {
            vf dv = load_half(s, m);
            for (int j = 0; j < 16; j++) {
                vf sc = vf_load_i8((const int8_t *)s + 64 + 32 * j + 16 * m);
                vf_store(d + RN_STRIP * (2 * b + j) + 16 * m, vf_mul(dv, sc));
            }
        }
}

/* [blocks of 256]: d [32], dmin [32] F16, [16][32] bytes with the scale below and the minimum
 * above. */
static void scales_k2(const uint8_t *s, int64_t first, int n_blocks, float *d, float *min)
{
    s += first / 8 * 640;
    for (int b = 0; b < n_blocks; b += 8, s += 640)
        for (int m = 0; m < 2; m++) {
            vf dv = load_half(s, m), mv = vf_sub(vf_set1(0), load_half(s + 64, m));
            for (int j = 0; j < 16; j++) {
                uint8_t low[16], high[16];
                for (int i = 0; i < 16; i++) {
                    uint8_t both = s[128 + 32 * j + 16 * m + i];
                    low[i] = both & 15;
                    high[i] = both >> 4;
                }
                const int64_t at = RN_STRIP * (2 * b + j) + 16 * m;
                vf_store(d + at, vf_mul(dv, vf_load_u8(low)));
                vf_store(min + at, vf_mul(mv, vf_load_u8(high)));
            }
        }
}

static void scales(rn_qtype type, const uint8_t *s, int64_t first, int n_blocks, float *d, float *m)
{
    switch (type) {
    case RN_Q_Q8_0:
    case RN_Q_IQ4_NL:
    case RN_Q_MXFP4:
    case RN_Q_Q4_0:
    case RN_Q_Q5_0: scales_32(s, first, n_blocks, d, m, false); return;
    case RN_Q_Q4_1:
    case RN_Q_Q5_1: scales_32(s, first, n_blocks, d, m, true); return;
    case RN_Q_Q4_K:
    case RN_Q_Q5_K: scales_k4(s, first, n_blocks, d, m); return;
    case RN_Q_Q6_K:
    case RN_Q_IQ4_XS:
    case RN_Q_Q3_K: scales_k6(s, first, n_blocks, d); return;
    case RN_Q_TQ1_0:
    case RN_Q_TQ2_0:
    case RN_Q_Q2_K: scales_k2(s, first, n_blocks, d, m); return;
    default: return;
    }
}

#endif
