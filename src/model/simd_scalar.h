/* simd_scalar.h: simd.h's sixteen lanes as an array in plain C; see simd_avx512.h. */
#ifndef RN_MODEL_SIMD_SCALAR_H
#define RN_MODEL_SIMD_SCALAR_H

#include "gguf/half.h"

#include <math.h>

#define RN_SIMD_BIASED 0
#define RN_SIMD_DOT    "plain C"
typedef struct vf {
    float v[16];
} vf;
typedef struct vi {
    int32_t v[16];
} vi;
typedef struct vb {
    uint8_t v[64];
} vb;
typedef struct vx {
    int8_t v[4];
} vx;

#define RN_LANEWISE(type, expr)  \
    type r;                      \
    for (int i = 0; i < 16; i++) \
        r.v[i] = (expr);         \
    return r
#define RN_BYTEWISE(expr)         \
    vb r;                         \
    for (int i = 0; i < 64; i++)  \
        r.v[i] = (uint8_t)(expr); \
    return r

RN_INLINE vf vf_set1(float x)
{
    RN_LANEWISE(vf, x);
}
RN_INLINE vf vf_load(const float *p)
{
    RN_LANEWISE(vf, p[i]);
}
RN_INLINE void vf_store(float *p, vf x)
{
    memcpy(p, x.v, sizeof x.v);
}
RN_INLINE vf vf_add(vf x, vf y)
{
    RN_LANEWISE(vf, x.v[i] + y.v[i]);
}
RN_INLINE vf vf_sub(vf x, vf y)
{
    RN_LANEWISE(vf, x.v[i] - y.v[i]);
}
RN_INLINE vf vf_mul(vf x, vf y)
{
    RN_LANEWISE(vf, x.v[i] * y.v[i]);
}
RN_INLINE vf vf_div(vf x, vf y)
{
    RN_LANEWISE(vf, x.v[i] / y.v[i]);
}
/* The product is exact in double: rounded once, but for rare ties. */
RN_INLINE vf vf_fma(vf x, vf y, vf z)
{
    RN_LANEWISE(vf, (float)((double)x.v[i] * (double)y.v[i] + (double)z.v[i]));
}
/* As the x86 instructions: y if either is NaN. */
RN_INLINE vf vf_max(vf x, vf y)
{
    RN_LANEWISE(vf, x.v[i] > y.v[i] ? x.v[i] : y.v[i]);
}
RN_INLINE vf vf_min(vf x, vf y)
{
    RN_LANEWISE(vf, x.v[i] < y.v[i] ? x.v[i] : y.v[i]);
}
RN_INLINE vf vf_abs(vf x)
{
    RN_LANEWISE(vf, fabsf(x.v[i]));
}
RN_INLINE vf vf_from_i(vi x)
{
    RN_LANEWISE(vf, (float)x.v[i]);
}
/* Nearest, ties to even; NaN and what does not fit become INT32_MIN, as on x86. */
RN_INLINE vi vi_round(vf x)
{
    RN_LANEWISE(vi, x.v[i] >= -2147483648.0f && x.v[i] < 2147483648.0f ? (int32_t)rintf(x.v[i])
                                                                       : INT32_MIN);
}
RN_INLINE vf vf_of_bits(vi x)
{
    vf r;
    memcpy(&r, &x, sizeof r);
    return r;
}
RN_INLINE vf vf_load_f16(const uint16_t *p)
{
    RN_LANEWISE(vf, rn_f16_to_f32(p[i]));
}
RN_INLINE vf vf_load_bf16(const uint16_t *p)
{
    RN_LANEWISE(vf, rn_bf16_to_f32(p[i]));
}
RN_INLINE vf vf_load_i8(const int8_t *p)
{
    RN_LANEWISE(vf, (float)p[i]);
}
RN_INLINE vf vf_load_u8(const uint8_t *p)
{
    RN_LANEWISE(vf, (float)p[i]);
}
RN_INLINE vf vf_keep(vf x, vf other, int lo, int hi)
{
    RN_LANEWISE(vf, i >= lo && i < hi ? x.v[i] : other.v[i]);
}
RN_INLINE vf vf_where_above(vf x, vf t, vf yes, vf no)
{
    RN_LANEWISE(vf, x.v[i] > t.v[i] ? yes.v[i] : no.v[i]);
}
RN_INLINE bool vf_any_above(vf x, vf t)
{
    for (int i = 0; i < 16; i++)
        if (x.v[i] > t.v[i]) return true;
    return false;
}

RN_INLINE vi vi_set1(int32_t x)
{
    RN_LANEWISE(vi, x);
}
RN_INLINE vi vi_add(vi x, vi y)
{
    RN_LANEWISE(vi, x.v[i] + y.v[i]);
}
RN_INLINE vi vi_shl23(vi x)
{
    RN_LANEWISE(vi, (int32_t)((uint32_t)x.v[i] << 23));
}
RN_INLINE int32_t vi_sum(vi x)
{
    int32_t s = 0;
    for (int i = 0; i < 16; i++)
        s += x.v[i];
    return s;
}
RN_INLINE void vi_store_i8(int8_t *p, vi x)
{
    for (int i = 0; i < 16; i++)
        p[i] = (int8_t)x.v[i];
}

RN_INLINE vb vb_load(const uint8_t *p)
{
    RN_BYTEWISE(p[i]);
}
RN_INLINE void vb_store(uint8_t *p, vb x)
{
    memcpy(p, x.v, sizeof x.v);
}
RN_INLINE vb vb_or(vb x, vb y)
{
    RN_BYTEWISE(x.v[i] | y.v[i]);
}
RN_INLINE vb vb_add(vb x, vb y)
{
    RN_BYTEWISE(x.v[i] + y.v[i]);
}
RN_INLINE vb vb_set1(uint8_t x)
{
    RN_BYTEWISE(x);
}
RN_INLINE vb vb_bits(vb x, int shift, uint8_t mask)
{
    RN_BYTEWISE((x.v[i] >> shift) & mask);
}
RN_INLINE vb vb_shl(vb x, int shift)
{
    RN_BYTEWISE(x.v[i] << shift);
}

RN_INLINE vx vx_load(const uint8_t *p)
{
    vx x;
    memcpy(&x, p, sizeof x);
    return x;
}
RN_INLINE vi vi_dot_u(vi acc, vb w, vx x)
{
    for (int i = 0; i < 64; i++)
        acc.v[i / 4] += w.v[i] * x.v[i % 4];
    return acc;
}
RN_INLINE vi vi_dot_s(vi acc, vb w, vx x)
{
    for (int i = 0; i < 64; i++)
        acc.v[i / 4] += (int8_t)w.v[i] * x.v[i % 4];
    return acc;
}

RN_INLINE void vf_to_f16(uint16_t *p, vf x)
{
    for (int i = 0; i < 16; i++)
        p[i] = rn_f32_to_f16(x.v[i]);
}

#endif
