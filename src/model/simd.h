/*
 * simd.h: sixteen lanes, the same on every instruction set, so that each kernel is written once.
 *
 *   vf  16 floats           vi  16 int32           vb  64 bytes (four for each lane)
 *   vx  four bytes of an activation, repeated as the dot product of the set wants them
 *
 * A file kern_<isa>.c defines RN_SIMD_AVX512, _AVX2, _NEON or _SCALAR and is compiled with that
 * set's flags. Lanes never mix except in vf_sum and vf_hmax, whose order is a fixed tree. vf_fma
 * rounds once.
 */
#ifndef RN_MODEL_SIMD_H
#define RN_MODEL_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#define RN_SHIFT unsigned /* what the compiler's headers declare for 512-bit shift counts */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RN_SANITIZED 1
#endif
#else
#define RN_SHIFT int
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RN_SANITIZED 1
#endif
#endif

#if defined(RN_SANITIZED) && defined(RN_SIMD_SCALAR)
#define RN_INLINE static __attribute__((noinline, unused))
#elif defined(RN_SANITIZED)
#define RN_INLINE static inline
#else
#define RN_INLINE static inline __attribute__((always_inline))
#endif

/* Fast kernels are inlined into one function per tile shape, with their loops unrolled so that sums
 * stay in registers. Plain C and sanitized builds take the same code as loops: hundreds of
 * instrumented copies take a compiler minutes and find nothing more. Same operations, same bits. */
#if defined(RN_SIMD_SCALAR) || defined(RN_SANITIZED)
#define RN_COMPACT 1
#define RN_KERNEL  static __attribute__((noinline))
#define RN_UNROLL
#else
#define RN_COMPACT 0
#define RN_KERNEL  RN_INLINE
#if defined(__clang__)
#define RN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define RN_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

/* ---- AVX-512 --------------------------------------------------------------------------------- */
#if defined(RN_SIMD_AVX512)
#include <immintrin.h>

#define RN_SIMD_BIASED 1
#define RN_SIMD_DOT    "vpdpbusd"
typedef __m512 vf;
typedef __m512i vi;
typedef __m512i vb;
typedef __m512i vx;

RN_INLINE vf vf_set1(float x)
{
    return _mm512_set1_ps(x);
}
RN_INLINE vf vf_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
RN_INLINE void vf_store(float *p, vf a)
{
    _mm512_storeu_ps(p, a);
}
RN_INLINE vf vf_load_n(const float *p, int n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
RN_INLINE void vf_store_n(float *p, vf a, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a);
}
RN_INLINE vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}
RN_INLINE vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}
RN_INLINE vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}
RN_INLINE vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}
RN_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}
RN_INLINE vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}
RN_INLINE vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}
RN_INLINE vf vf_abs(vf a)
{
    return _mm512_abs_ps(a);
}
RN_INLINE vf vf_from_i(vi a)
{
    return _mm512_cvtepi32_ps(a);
}
RN_INLINE vi vi_round(vf a)
{
    return _mm512_cvtps_epi32(a);
}
RN_INLINE vf vf_of_bits(vi a)
{
    return _mm512_castsi512_ps(a);
}
RN_INLINE vf vf_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)(const void *)p));
}
RN_INLINE void vf_to_f16(uint16_t *p, vf x)
{
    _mm256_storeu_si256((__m256i_u *)(void *)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
RN_INLINE vf vf_load_bf16(const uint16_t *p)
{
    __m256i h = _mm256_loadu_si256((const __m256i_u *)(const void *)p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}
RN_INLINE vf vf_load_i8(const int8_t *p)
{
    __m128i b = _mm_loadu_si128((const __m128i_u *)(const void *)p);
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(b));
}
RN_INLINE vf vf_load_u8(const uint8_t *p)
{
    __m128i b = _mm_loadu_si128((const __m128i_u *)(const void *)p);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(b));
}
/* Lanes lo <= i < hi of a, `other` elsewhere. */
RN_INLINE vf vf_keep(vf a, vf other, int lo, int hi)
{
    uint32_t below_hi = hi >= 16 ? 0xFFFFu : hi <= 0 ? 0u : (1u << hi) - 1;
    uint32_t below_lo = lo >= 16 ? 0xFFFFu : lo <= 0 ? 0u : (1u << lo) - 1;
    return _mm512_mask_blend_ps((__mmask16)(below_hi & ~below_lo), other, a);
}

RN_INLINE vi vi_set1(int32_t x)
{
    return _mm512_set1_epi32(x);
}
RN_INLINE vi vi_add(vi a, vi b)
{
    return _mm512_add_epi32(a, b);
}
RN_INLINE vi vi_shl23(vi a)
{
    return _mm512_slli_epi32(a, 23);
}
RN_INLINE int32_t vi_sum(vi a)
{
    return _mm512_reduce_add_epi32(a);
}
/* Lanes, known to fit, as 16 signed bytes. */
RN_INLINE void vi_store_i8(int8_t *p, vi a)
{
    _mm_storeu_si128((__m128i_u *)(void *)p, _mm512_cvtepi32_epi8(a));
}

RN_INLINE vb vb_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}
RN_INLINE void vb_store(uint8_t *p, vb a)
{
    _mm512_storeu_si512(p, a);
}
RN_INLINE vb vb_or(vb a, vb b)
{
    return _mm512_or_si512(a, b);
}
RN_INLINE vb vb_add(vb a, vb b)
{
    return _mm512_add_epi8(a, b);
}
RN_INLINE vb vb_set1(uint8_t x)
{
    return _mm512_set1_epi8((char)x);
}
/* Bits `shift` and up of every byte, as many as `mask` has. */
RN_INLINE vb vb_bits(vb a, int shift, uint8_t mask)
{
    return _mm512_and_si512(_mm512_srli_epi16(a, (RN_SHIFT)shift), _mm512_set1_epi8((char)mask));
}
/* Every byte << shift; no bit may leave its byte. */
RN_INLINE vb vb_shl(vb a, int shift)
{
    return _mm512_slli_epi16(a, (RN_SHIFT)shift);
}

RN_INLINE vx vx_load(const uint8_t *p)
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return _mm512_set1_epi32(x);
}
/* acc + sum over the four bytes of each lane of w x; w unsigned. */
RN_INLINE vi vi_dot_u(vi acc, vb w, vx x)
{
    return _mm512_dpbusd_epi32(acc, w, x);
}

/* ---- AVX2 ------------------------------------------------------------------------------------ */
#elif defined(RN_SIMD_AVX2)
#include <immintrin.h>

#define RN_SIMD_BIASED 0
#define RN_SIMD_DOT    "vpmaddubsw"
typedef struct vf {
    __m256 a, b;
} vf;
typedef struct vi {
    __m256i a, b;
} vi;
typedef vi vb;
typedef __m256i vx;

RN_INLINE vf vf_set1(float x)
{
    return (vf){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
RN_INLINE vf vf_load(const float *p)
{
    return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
RN_INLINE void vf_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
RN_INLINE vf vf_add(vf x, vf y)
{
    return (vf){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}
RN_INLINE vf vf_sub(vf x, vf y)
{
    return (vf){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}
RN_INLINE vf vf_mul(vf x, vf y)
{
    return (vf){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}
RN_INLINE vf vf_div(vf x, vf y)
{
    return (vf){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)};
}
RN_INLINE vf vf_max(vf x, vf y)
{
    return (vf){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}
RN_INLINE vf vf_min(vf x, vf y)
{
    return (vf){_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)};
}
RN_INLINE vf vf_fma(vf x, vf y, vf z)
{
    return (vf){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
RN_INLINE vf vf_abs(vf x)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return (vf){_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
RN_INLINE vf vf_from_i(vi x)
{
    return (vf){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)};
}
RN_INLINE vi vi_round(vf x)
{
    return (vi){_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)};
}
RN_INLINE vf vf_of_bits(vi x)
{
    return (vf){_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)};
}
RN_INLINE __m128i load16_(const void *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}
RN_INLINE vf vf_load_f16(const uint16_t *p)
{
    return (vf){_mm256_cvtph_ps(load16_(p)), _mm256_cvtph_ps(load16_(p + 8))};
}
RN_INLINE void vf_to_f16(uint16_t *p, vf x)
{
    _mm_storeu_si128((__m128i_u *)(void *)p, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i_u *)(void *)(p + 8), _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
}
RN_INLINE vf vf_load_bf16(const uint16_t *p)
{
    __m256i a = _mm256_cvtepu16_epi32(load16_(p)), b = _mm256_cvtepu16_epi32(load16_(p + 8));
    return vf_of_bits((vi){_mm256_slli_epi32(a, 16), _mm256_slli_epi32(b, 16)});
}
RN_INLINE vf vf_load_i8(const int8_t *p)
{
    __m128i v = load16_(p);
    return vf_from_i((vi){_mm256_cvtepi8_epi32(v), _mm256_cvtepi8_epi32(_mm_srli_si128(v, 8))});
}
RN_INLINE vf vf_load_u8(const uint8_t *p)
{
    __m128i v = load16_(p);
    return vf_from_i((vi){_mm256_cvtepu8_epi32(v), _mm256_cvtepu8_epi32(_mm_srli_si128(v, 8))});
}
RN_INLINE vf vf_keep(vf x, vf other, int lo, int hi)
{
    __m256i i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
            j = _mm256_add_epi32(i, _mm256_set1_epi32(8));
    __m256i from = _mm256_set1_epi32(lo - 1), to = _mm256_set1_epi32(hi);
    __m256i ka = _mm256_and_si256(_mm256_cmpgt_epi32(i, from), _mm256_cmpgt_epi32(to, i));
    __m256i kb = _mm256_and_si256(_mm256_cmpgt_epi32(j, from), _mm256_cmpgt_epi32(to, j));
    return (vf){_mm256_blendv_ps(other.a, x.a, _mm256_castsi256_ps(ka)),
                _mm256_blendv_ps(other.b, x.b, _mm256_castsi256_ps(kb))};
}

RN_INLINE vi vi_set1(int32_t x)
{
    return (vi){_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
RN_INLINE vi vi_add(vi x, vi y)
{
    return (vi){_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
}
RN_INLINE vi vi_shl23(vi x)
{
    return (vi){_mm256_slli_epi32(x.a, 23), _mm256_slli_epi32(x.b, 23)};
}
RN_INLINE int32_t vi_sum(vi x)
{
    __m256i s = _mm256_add_epi32(x.a, x.b);
    __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(t, _mm_shuffle_epi32(t, 0xB1)));
}
RN_INLINE void vi_store_i8(int8_t *p, vi x)
{
    __m256i w = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xD8);
    __m128i b = _mm_packs_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
    _mm_storeu_si128((__m128i_u *)(void *)p, b);
}

RN_INLINE vb vb_load(const uint8_t *p)
{
    return (vb){_mm256_loadu_si256((const __m256i_u *)(const void *)p),
                _mm256_loadu_si256((const __m256i_u *)(const void *)(p + 32))};
}
RN_INLINE void vb_store(uint8_t *p, vb x)
{
    _mm256_storeu_si256((__m256i_u *)(void *)p, x.a);
    _mm256_storeu_si256((__m256i_u *)(void *)(p + 32), x.b);
}
RN_INLINE vb vb_or(vb x, vb y)
{
    return (vb){_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)};
}
RN_INLINE vb vb_add(vb x, vb y)
{
    return (vb){_mm256_add_epi8(x.a, y.a), _mm256_add_epi8(x.b, y.b)};
}
RN_INLINE vb vb_set1(uint8_t x)
{
    return (vb){_mm256_set1_epi8((char)x), _mm256_set1_epi8((char)x)};
}
RN_INLINE vb vb_bits(vb x, int shift, uint8_t mask)
{
    __m256i m = _mm256_set1_epi8((char)mask);
    return (vb){_mm256_and_si256(_mm256_srli_epi16(x.a, shift), m),
                _mm256_and_si256(_mm256_srli_epi16(x.b, shift), m)};
}
RN_INLINE vb vb_shl(vb x, int shift)
{
    return (vb){_mm256_slli_epi16(x.a, shift), _mm256_slli_epi16(x.b, shift)};
}

RN_INLINE vx vx_load(const uint8_t *p)
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return _mm256_set1_epi32(x);
}
/* w < 128, so that a pair of products fits 16 bits. */
RN_INLINE __m256i dot_u_(__m256i acc, __m256i w, __m256i x)
{
    __m256i pairs = _mm256_maddubs_epi16(w, x);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
RN_INLINE vi vi_dot_u(vi acc, vb w, vx x)
{
    return (vi){dot_u_(acc.a, w.a, x), dot_u_(acc.b, w.b, x)};
}
/* w signed, x never -128: |w| times x with w's sign. */
RN_INLINE vi vi_dot_s(vi acc, vb w, vx x)
{
    return (vi){dot_u_(acc.a, _mm256_abs_epi8(w.a), _mm256_sign_epi8(x, w.a)),
                dot_u_(acc.b, _mm256_abs_epi8(w.b), _mm256_sign_epi8(x, w.b))};
}

/* ---- NEON ------------------------------------------------------------------------------------ */
#elif defined(RN_SIMD_NEON)
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

/* ---- plain C --------------------------------------------------------------------------------- */
#elif defined(RN_SIMD_SCALAR)
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
#else
#error "define RN_SIMD_AVX512, RN_SIMD_AVX2, RN_SIMD_NEON or RN_SIMD_SCALAR before simd.h"
#endif

/* ---- on all sets ----------------------------------------------------------------------------- */

/* Weights of the types without minimum: unsigned with 128 added on biased sets, else signed. */
RN_INLINE vi vi_dot_w(vi acc, vb w, vx x)
{
#if RN_SIMD_BIASED
    return vi_dot_u(acc, w, x);
#else
    return vi_dot_s(acc, w, x);
#endif
}

#if !defined(RN_SIMD_AVX512)
/* The first n of p, zero beyond; 0 <= n <= 16. */
RN_INLINE vf vf_load_n(const float *p, int n)
{
    float t[16] = {0};
    memcpy(t, p, (size_t)n * sizeof *p);
    return vf_load(t);
}
RN_INLINE void vf_store_n(float *p, vf x, int n)
{
    float t[16];
    vf_store(t, x);
    memcpy(p, t, (size_t)n * sizeof *p);
}
#endif

#if defined(RN_SIMD_SCALAR)
RN_INLINE void vf_to_f16(uint16_t *p, vf x)
{
    for (int i = 0; i < 16; i++)
        p[i] = rn_f32_to_f16(x.v[i]);
}
#endif

/* Sum and maximum over the lanes: halves, quarters, eighths, in that order. */
#if defined(RN_SIMD_AVX512)
RN_INLINE float vf_sum(vf x)
{
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
RN_INLINE float vf_hmax(vf x)
{
    __m256 a = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
#elif defined(RN_SIMD_AVX2)
RN_INLINE float vf_sum(vf x)
{
    __m256 a = _mm256_add_ps(x.a, x.b);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
RN_INLINE float vf_hmax(vf x)
{
    __m256 a = _mm256_max_ps(x.a, x.b);
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
#else
RN_INLINE float vf_sum(vf x)
{
    float t[16];
    vf_store(t, x);
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            t[i] += t[i + half];
    return t[0];
}
RN_INLINE float vf_hmax(vf x)
{
    float t[16];
    vf_store(t, x);
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            t[i] = t[i + half] > t[i] ? t[i + half] : t[i];
    return t[0];
}

#endif

#endif
