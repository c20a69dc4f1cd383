/* simd_neon.h: simd.h's sixteen lanes in four NEON registers; see simd_avx512.h. */
#ifndef RN_MODEL_SIMD_NEON_H
#define RN_MODEL_SIMD_NEON_H

#include <arm_neon.h>

#define RN_SIMD_BIASED 0
#define RN_SIMD_DOT    "sdot"
typedef struct vf {
    float32x4_t v[4];
} vf;
typedef struct vi {
    int32x4_t v[4];
} vi;
typedef struct vb {
    uint8x16_t v[4];
} vb;
typedef int8x16_t vx;

RN_INLINE vf vf_set1(float x)
{
    float32x4_t v = vdupq_n_f32(x);
    return (vf){{v, v, v, v}};
}
RN_INLINE vf vf_load(const float *p)
{
    return (vf){{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}
RN_INLINE void vf_store(float *p, vf x)
{
    for (int i = 0; i < 4; i++)
        vst1q_f32(p + 4 * i, x.v[i]);
}
#define RN_F2(name, op)                                                                        \
    RN_INLINE vf name(vf x, vf y)                                                              \
    {                                                                                          \
        return (vf){                                                                           \
            {op(x.v[0], y.v[0]), op(x.v[1], y.v[1]), op(x.v[2], y.v[2]), op(x.v[3], y.v[3])}}; \
    }
RN_F2(vf_add, vaddq_f32)
RN_F2(vf_sub, vsubq_f32)
RN_F2(vf_mul, vmulq_f32)
RN_F2(vf_div, vdivq_f32)
RN_F2(vf_max, vmaxnmq_f32)
RN_F2(vf_min, vminnmq_f32)
#undef RN_F2
RN_INLINE vf vf_fma(vf x, vf y, vf z)
{
    return (vf){{vfmaq_f32(z.v[0], x.v[0], y.v[0]), vfmaq_f32(z.v[1], x.v[1], y.v[1]),
                 vfmaq_f32(z.v[2], x.v[2], y.v[2]), vfmaq_f32(z.v[3], x.v[3], y.v[3])}};
}
RN_INLINE vf vf_abs(vf x)
{
    return (vf){{vabsq_f32(x.v[0]), vabsq_f32(x.v[1]), vabsq_f32(x.v[2]), vabsq_f32(x.v[3])}};
}
RN_INLINE vf vf_from_i(vi x)
{
    return (vf){{vcvtq_f32_s32(x.v[0]), vcvtq_f32_s32(x.v[1]), vcvtq_f32_s32(x.v[2]),
                 vcvtq_f32_s32(x.v[3])}};
}
RN_INLINE vi vi_round(vf x)
{
    return (vi){{vcvtnq_s32_f32(x.v[0]), vcvtnq_s32_f32(x.v[1]), vcvtnq_s32_f32(x.v[2]),
                 vcvtnq_s32_f32(x.v[3])}};
}
RN_INLINE vf vf_of_bits(vi x)
{
    return (vf){{vreinterpretq_f32_s32(x.v[0]), vreinterpretq_f32_s32(x.v[1]),
                 vreinterpretq_f32_s32(x.v[2]), vreinterpretq_f32_s32(x.v[3])}};
}
RN_INLINE vf vf_load_f16(const uint16_t *p)
{
    float16x8_t a = vreinterpretq_f16_u16(vld1q_u16(p)),
                b = vreinterpretq_f16_u16(vld1q_u16(p + 8));
    return (vf){{vcvt_f32_f16(vget_low_f16(a)), vcvt_f32_f16(vget_high_f16(a)),
                 vcvt_f32_f16(vget_low_f16(b)), vcvt_f32_f16(vget_high_f16(b))}};
}
RN_INLINE void vf_to_f16(uint16_t *p, vf x)
{
    for (int i = 0; i < 4; i++)
        vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(x.v[i])));
}
RN_INLINE vf vf_load_bf16(const uint16_t *p)
{
    vf r;
    for (int i = 0; i < 4; i++)
        r.v[i] = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16));
    return r;
}
RN_INLINE vf vf_load_i8(const int8_t *p)
{
    int8x16_t v = vld1q_s8(p);
    int16x8_t a = vmovl_s8(vget_low_s8(v)), b = vmovl_s8(vget_high_s8(v));
    return vf_from_i((vi){{vmovl_s16(vget_low_s16(a)), vmovl_s16(vget_high_s16(a)),
                           vmovl_s16(vget_low_s16(b)), vmovl_s16(vget_high_s16(b))}});
}
RN_INLINE vf vf_load_u8(const uint8_t *p)
{
    uint8x16_t v = vld1q_u8(p);
    uint16x8_t a = vmovl_u8(vget_low_u8(v)), b = vmovl_u8(vget_high_u8(v));
    return (vf){
        {vcvtq_f32_u32(vmovl_u16(vget_low_u16(a))), vcvtq_f32_u32(vmovl_u16(vget_high_u16(a))),
         vcvtq_f32_u32(vmovl_u16(vget_low_u16(b))), vcvtq_f32_u32(vmovl_u16(vget_high_u16(b)))}};
}
RN_INLINE vf vf_keep(vf x, vf other, int lo, int hi)
{
    static const int32_t iota[4] = {0, 1, 2, 3};
    vf r;
    for (int i = 0; i < 4; i++) {
        int32x4_t lane = vaddq_s32(vld1q_s32(iota), vdupq_n_s32(4 * i));
        uint32x4_t keep =
            vandq_u32(vcgeq_s32(lane, vdupq_n_s32(lo)), vcltq_s32(lane, vdupq_n_s32(hi)));
        r.v[i] = vbslq_f32(keep, x.v[i], other.v[i]);
    }
    return r;
}
RN_INLINE vf vf_where_above(vf x, vf t, vf yes, vf no)
{
    vf r;
    for (int i = 0; i < 4; i++)
        r.v[i] = vbslq_f32(vcgtq_f32(x.v[i], t.v[i]), yes.v[i], no.v[i]);
    return r;
}
RN_INLINE bool vf_any_above(vf x, vf t)
{
    uint32x4_t any = vorrq_u32(vorrq_u32(vcgtq_f32(x.v[0], t.v[0]), vcgtq_f32(x.v[1], t.v[1])),
                               vorrq_u32(vcgtq_f32(x.v[2], t.v[2]), vcgtq_f32(x.v[3], t.v[3])));
    return vmaxvq_u32(any) != 0;
}

RN_INLINE vi vi_set1(int32_t x)
{
    int32x4_t v = vdupq_n_s32(x);
    return (vi){{v, v, v, v}};
}
RN_INLINE vi vi_add(vi x, vi y)
{
    return (vi){{vaddq_s32(x.v[0], y.v[0]), vaddq_s32(x.v[1], y.v[1]), vaddq_s32(x.v[2], y.v[2]),
                 vaddq_s32(x.v[3], y.v[3])}};
}
RN_INLINE vi vi_shl23(vi x)
{
    return (vi){{vshlq_n_s32(x.v[0], 23), vshlq_n_s32(x.v[1], 23), vshlq_n_s32(x.v[2], 23),
                 vshlq_n_s32(x.v[3], 23)}};
}
RN_INLINE int32_t vi_sum(vi x)
{
    return vaddvq_s32(vaddq_s32(vaddq_s32(x.v[0], x.v[1]), vaddq_s32(x.v[2], x.v[3])));
}
RN_INLINE void vi_store_i8(int8_t *p, vi x)
{
    int16x8_t a = vcombine_s16(vmovn_s32(x.v[0]), vmovn_s32(x.v[1]));
    int16x8_t b = vcombine_s16(vmovn_s32(x.v[2]), vmovn_s32(x.v[3]));
    vst1q_s8(p, vcombine_s8(vmovn_s16(a), vmovn_s16(b)));
}

RN_INLINE vb vb_load(const uint8_t *p)
{
    return (vb){{vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}};
}
RN_INLINE void vb_store(uint8_t *p, vb x)
{
    for (int i = 0; i < 4; i++)
        vst1q_u8(p + 16 * i, x.v[i]);
}
RN_INLINE vb vb_or(vb x, vb y)
{
    return (vb){{vorrq_u8(x.v[0], y.v[0]), vorrq_u8(x.v[1], y.v[1]), vorrq_u8(x.v[2], y.v[2]),
                 vorrq_u8(x.v[3], y.v[3])}};
}
RN_INLINE vb vb_add(vb x, vb y)
{
    return (vb){{vaddq_u8(x.v[0], y.v[0]), vaddq_u8(x.v[1], y.v[1]), vaddq_u8(x.v[2], y.v[2]),
                 vaddq_u8(x.v[3], y.v[3])}};
}
RN_INLINE vb vb_set1(uint8_t x)
{
    uint8x16_t v = vdupq_n_u8(x);
    return (vb){{v, v, v, v}};
}
RN_INLINE vb vb_bits(vb x, int shift, uint8_t mask)
{
    int8x16_t by = vdupq_n_s8((int8_t)-shift);
    uint8x16_t m = vdupq_n_u8(mask);
    vb r;
    for (int i = 0; i < 4; i++)
        r.v[i] = vandq_u8(vshlq_u8(x.v[i], by), m);
    return r;
}
RN_INLINE vb vb_shl(vb x, int shift)
{
    int8x16_t by = vdupq_n_s8((int8_t)shift);
    vb r;
    for (int i = 0; i < 4; i++)
        r.v[i] = vshlq_u8(x.v[i], by);
    return r;
}

RN_INLINE vx vx_load(const uint8_t *p)
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return vreinterpretq_s8_s32(vdupq_n_s32(x));
}
RN_INLINE vi vi_dot_s(vi acc, vb w, vx x)
{
    for (int i = 0; i < 4; i++)
        acc.v[i] = vdotq_s32(acc.v[i], vreinterpretq_s8_u8(w.v[i]), x);
    return acc;
}
/* w < 128: signed and unsigned are the same. */
RN_INLINE vi vi_dot_u(vi acc, vb w, vx x)
{
    return vi_dot_s(acc, w, x);
}

#endif
