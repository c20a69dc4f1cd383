/*
 * tile_body.h: products of one strip of 32 weight rows with one panel of activations, written over
 * simd.h and included once by each kern_<isa>.c, which sets
 *   RN_PANEL   rows of a full panel        RN_TILE_M   vectors of 16 weight rows held at once (1,
 * 2) so that RN_PANEL * RN_TILE_M integer and as many float accumulators stay in registers.
 *
 * Order of one element, whatever the tile: for each block of 32 columns in order, the exact integer
 * sum s of w x over the block (or over each half), then acc = fma(s, d * xd, acc), and for types
 * with a minimum acc = fma(m, xsum, acc).
 *
 * On biased sets (vpdpbusd wants one unsigned side) weights carry +128; the accumulator starts at
 * -128 sum(x) instead of 0, which costs one broadcast in place of a zeroing.
 */
#ifndef RN_MODEL_TILE_BODY_H
#define RN_MODEL_TILE_BODY_H

#include "model/kern.h"
#include "model/simd.h"

RN_INLINE int32_t load_i32(const uint8_t *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

RN_INLINE float load_f32(const uint8_t *p)
{
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Quad j of vector m of a block at q. */
RN_INLINE vb load_quad(const uint8_t *q, int j, int m, bool nibbles, bool has_min)
{
    if (!nibbles) return vb_load(q + 128 * j + 64 * m);
    vb low = vb_bits(vb_load(q + 128 * (j / 2) + 64 * m), j % 2 * 4, 15);
    return has_min ? low : vb_add(low, vb_set1(RN_SIMD_BIASED ? 120 : 0xF8));
}

typedef vf tile_acc[RN_PANEL][RN_TILE_M];

/* Quads [j0, j1) of one block, which share a scale: acc += d xd sum(w x) (+ m sum(x)). side: the
 * panel's plane for these quads; q, d, min: at the first of RN_TILE_M vectors. */
RN_KERNEL void tile_quads(tile_acc acc, const int n, const int j0, const int j1, const bool nibbles,
                          const bool has_min, const uint8_t *q, const float *d, const float *min,
                          const uint8_t *xb, const uint8_t *side)
{
    vi s[RN_PANEL][RN_TILE_M];
    RN_UNROLL for (int r = 0; r < n; r++) RN_UNROLL for (int m = 0; m < RN_TILE_M; m++) s[r][m] =
        vi_set1(RN_SIMD_BIASED && !has_min ? load_i32(side + 4 * r) : 0);

    RN_UNROLL for (int j = j0; j < j1; j++)
    {
        vb wq[RN_TILE_M];
        RN_UNROLL for (int m = 0; m < RN_TILE_M; m++) wq[m] = load_quad(q, j, m, nibbles, has_min);
        RN_UNROLL for (int r = 0; r < n; r++)
        {
            vx xq = vx_load(xb + 32 * r + 4 * j);
            RN_UNROLL for (int m = 0; m < RN_TILE_M; m++) s[r][m] =
                has_min ? vi_dot_u(s[r][m], wq[m], xq) : vi_dot_w(s[r][m], wq[m], xq);
        }
    }
    RN_UNROLL for (int m = 0; m < RN_TILE_M; m++)
    {
        vf dw = vf_load(d + 16 * m);
        RN_UNROLL for (int r = 0; r < n; r++)
        {
            vf dx = vf_set1(load_f32(xb + rn_xblock_d(n) + 4 * r));
            acc[r][m] = vf_fma(vf_from_i(s[r][m]), vf_mul(dw, dx), acc[r][m]);
        }
        if (!has_min) continue;
        vf mw = vf_load(min + 16 * m);
        RN_UNROLL for (int r = 0; r < n; r++) acc[r][m] =
            vf_fma(mw, vf_set1(load_f32(side + 4 * r)), acc[r][m]);
    }
}

RN_KERNEL void tile_n(const rn_wslab *w, const uint8_t *x, const uint8_t *side, const int n,
                      const rn_fold fold, const bool nibbles, const float *from, float *y,
                      int64_t stride)
{
    const bool has_min = fold == RN_FOLD_DM || fold == RN_FOLD_DM_16;
    const bool halves = rn_fold_halves(fold);
    for (int m0 = 0; m0 < 2; m0 += RN_TILE_M) {
        tile_acc acc;
        RN_UNROLL for (int r = 0; r < n; r++) RN_UNROLL for (int m = 0; m < RN_TILE_M; m++)
            acc[r][m] = from ? vf_load(from + r * RN_STRIP + 16 * (m0 + m)) : vf_set1(0);

        const uint8_t *q = w->q + 64 * m0, *xb = x, *sb = side, *ahead = w->ahead;
        const float *d = w->d + 16 * m0, *min = w->m + 16 * m0;
        for (int b = 0; b < w->n_blocks; b++) {
            for (size_t i = 0; i < w->ahead_step_bytes; i += 64)
                if (n == 1) /* the first-level cache has room */
                    __builtin_prefetch(ahead + i, 0, 3);
                else
                    __builtin_prefetch(ahead + i, 0, 2);
            ahead += w->ahead_step_bytes;
            tile_quads(acc, n, 0, halves ? 4 : 8, nibbles, has_min, q, d, min, xb, sb);
            sb += 4 * n;
            if (halves) {
                d += RN_STRIP, min += RN_STRIP;
                tile_quads(acc, n, 4, 8, nibbles, has_min, q, d, min, xb, sb);
                sb += 4 * n;
            }
            d += RN_STRIP, min += RN_STRIP;
            q += w->q_step_bytes;
            xb += rn_xblock_bytes(n);
        }
        RN_UNROLL for (int r = 0; r < n; r++) RN_UNROLL for (int m = 0; m < RN_TILE_M; m++)
            vf_store(y + r * stride + 16 * (m0 + m), acc[r][m]);
    }
}

#if !RN_COMPACT
#define RN_TILE_CASE(n, fold, nibbles)                         \
    case n:                                                    \
        tile_n(w, x, side, n, fold, nibbles, from, y, stride); \
        return;
#if RN_PANEL == 2
#define RN_TILE_CASES(fold, nibbles) RN_TILE_CASE(1, fold, nibbles) RN_TILE_CASE(2, fold, nibbles)
#elif RN_PANEL == 3
#define RN_TILE_CASES(fold, nibbles) \
    RN_TILE_CASE(1, fold, nibbles) RN_TILE_CASE(2, fold, nibbles) RN_TILE_CASE(3, fold, nibbles)
#elif RN_PANEL == 5
#define RN_TILE_CASES(fold, nibbles) \
    RN_TILE_CASE(1, fold, nibbles)   \
    RN_TILE_CASE(2, fold, nibbles)   \
    RN_TILE_CASE(3, fold, nibbles) RN_TILE_CASE(4, fold, nibbles) RN_TILE_CASE(5, fold, nibbles)
#else
#error "no cases for this RN_PANEL"
#endif

#define RN_TILE_FUNCTION(name, fold, nibbles)                                         \
    static void name(const rn_wslab *w, const uint8_t *x, const uint8_t *side, int n, \
                     const float *from, float *y, int64_t stride)                     \
    {                                                                                 \
        switch (n) {                                                                  \
            RN_TILE_CASES(fold, nibbles)                                              \
        default: return;                                                              \
        }                                                                             \
    }
RN_TILE_FUNCTION(tile_d, RN_FOLD_D, false)
RN_TILE_FUNCTION(tile_dm, RN_FOLD_DM, false)
RN_TILE_FUNCTION(tile_d_16, RN_FOLD_D_16, false)
RN_TILE_FUNCTION(tile_dm_16, RN_FOLD_DM_16, false)
RN_TILE_FUNCTION(tile_nibbles_d, RN_FOLD_D, true)
RN_TILE_FUNCTION(tile_nibbles_dm, RN_FOLD_DM, true)

static void tile(const rn_wslab *w, const uint8_t *x, const uint8_t *side, int n, const float *from,
                 float *y, int64_t stride)
{
    switch (w->fold) {
    case RN_FOLD_D: (w->nibbles ? tile_nibbles_d : tile_d)(w, x, side, n, from, y, stride); return;
    case RN_FOLD_DM:
        (w->nibbles ? tile_nibbles_dm : tile_dm)(w, x, side, n, from, y, stride);
        return;
    case RN_FOLD_D_16: tile_d_16(w, x, side, n, from, y, stride); return;
    case RN_FOLD_DM_16: tile_dm_16(w, x, side, n, from, y, stride); return;
    case RN_N_FOLDS: return;
    }
}
#else
static void tile(const rn_wslab *w, const uint8_t *x, const uint8_t *side, int n, const float *from,
                 float *y, int64_t stride)
{
    tile_n(w, x, side, n, w->fold, w->nibbles, from, y, stride);
}
#endif

/* ---- float weights --------------------------------------------------------------------------- */

RN_INLINE vf load_weights(rn_qtype type, const uint8_t *w, int64_t at)
{
    if (type == RN_Q_F32) return vf_load((const float *)(const void *)w + at);
    const uint16_t *half = (const uint16_t *)(const void *)w;
    return type == RN_Q_F16 ? vf_load_f16(half + at) : vf_load_bf16(half + at);
}

enum { FLOAT_PART = 16 };

/* Partial sums of FLOAT_PART columns are added to the total, which keeps the error of a long sum
 * near that of a short one (golden qwen2 F32: 3.4e-7; 3.55e-7 with parts of 32, 3.7e-7 with 8). */
RN_KERNEL void ftile_n(const rn_qtype type, const uint8_t *w, const float *x, int64_t cols,
                       const int n, float *y, int64_t stride)
{
    for (int m0 = 0; m0 < 2; m0 += RN_TILE_M) {
        vf total[RN_PANEL][RN_TILE_M];
        RN_UNROLL for (int r = 0; r < n; r++) RN_UNROLL for (int m = 0; m < RN_TILE_M; m++)
            total[r][m] = vf_set1(0);
        for (int64_t c0 = 0; c0 < cols; c0 += FLOAT_PART) {
            int64_t c1 = cols - c0 < FLOAT_PART ? cols : c0 + FLOAT_PART;
            vf acc[RN_PANEL][RN_TILE_M];
            RN_UNROLL for (int r = 0; r < n; r++) RN_UNROLL for (int m = 0; m < RN_TILE_M; m++)
                acc[r][m] = vf_set1(0);
            for (int64_t c = c0; c < c1; c++) {
                vf wv[RN_TILE_M];
                RN_UNROLL for (int m = 0; m < RN_TILE_M; m++) wv[m] =
                    load_weights(type, w, c * RN_STRIP + 16 * (m0 + m));
                RN_UNROLL for (int r = 0; r < n; r++)
                {
                    vf xv = vf_set1(x[c * n + r]);
                    RN_UNROLL for (int m = 0; m < RN_TILE_M; m++) acc[r][m] =
                        vf_fma(wv[m], xv, acc[r][m]);
                }
            }
            RN_UNROLL for (int r = 0; r < n; r++) RN_UNROLL for (int m = 0; m < RN_TILE_M; m++)
                total[r][m] = vf_add(total[r][m], acc[r][m]);
        }
        RN_UNROLL for (int r = 0; r < n; r++) RN_UNROLL for (int m = 0; m < RN_TILE_M; m++)
            vf_store(y + r * stride + 16 * (m0 + m), total[r][m]);
    }
}

#if !RN_COMPACT
#undef RN_TILE_CASE
#define RN_TILE_CASE(n, type, unused)            \
    case n:                                      \
        ftile_n(type, w, x, cols, n, y, stride); \
        return;
#define RN_FTILE_FUNCTION(name, type)                                                 \
    static void name(const uint8_t *w, const float *x, int64_t cols, int n, float *y, \
                     int64_t stride)                                                  \
    {                                                                                 \
        switch (n) {                                                                  \
            RN_TILE_CASES(type, 0)                                                    \
        default: return;                                                              \
        }                                                                             \
    }
RN_FTILE_FUNCTION(ftile_f32, RN_Q_F32)
RN_FTILE_FUNCTION(ftile_f16, RN_Q_F16)
RN_FTILE_FUNCTION(ftile_bf16, RN_Q_BF16)

static void ftile(rn_qtype type, const void *w, const float *x, int64_t cols, int n, float *y,
                  int64_t stride)
{
    if (type == RN_Q_F32) ftile_f32(w, x, cols, n, y, stride);
    if (type == RN_Q_F16) ftile_f16(w, x, cols, n, y, stride);
    if (type == RN_Q_BF16) ftile_bf16(w, x, cols, n, y, stride);
}
#else
static void ftile(rn_qtype type, const void *w, const float *x, int64_t cols, int n, float *y,
                  int64_t stride)
{
    ftile_n(type, w, x, cols, n, y, stride);
}
#endif

/* ---- what the machine can do at most (peak.h) ------------------------------------------------ */

enum { CHAINS = 16, PEAK_MACS = 64 * CHAINS };

static uint32_t peak_dots(int64_t n)
{
    static const uint8_t bytes[64] = {1, 2, 3, 4, 5, 6, 7};
    const vb w = vb_load(bytes);
    const vx x = vx_load(bytes + 1);
    vi s[CHAINS];
    RN_UNROLL for (int c = 0; c < CHAINS; c++) s[c] = vi_set1(c);
    for (int64_t i = 0; i < n; i++)
        RN_UNROLL for (int c = 0; c < CHAINS; c++) s[c] = vi_dot_u(s[c], w, x);
    uint32_t all = 0;
    for (int c = 0; c < CHAINS; c++)
        all += (uint32_t)vi_sum(s[c]);
    return all;
}

enum { AHEAD = 4096 };

static uint32_t peak_read(const uint8_t *p, size_t n)
{
    vb s[4] = {vb_set1(0), vb_set1(0), vb_set1(0), vb_set1(0)};
    for (size_t i = 0; i < n; i += 256)
        RN_UNROLL for (int k = 0; k < 4; k++)
        {
            const uint8_t *line = p + i + 64 * (size_t)k;
            __builtin_prefetch(line + AHEAD, 0, 2); /* as products do */
            s[k] = vb_or(s[k], vb_load(line));
        }
    uint8_t all[64];
    vb_store(all, vb_or(vb_or(s[0], s[1]), vb_or(s[2], s[3])));
    return all[0];
}

#endif
