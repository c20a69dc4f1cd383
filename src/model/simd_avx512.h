/* simd_avx512.h: simd.h's sixteen lanes in one AVX-512 register. The comments on what an operation
 * does hold for the other sets, too. */
#ifndef RN_MODEL_SIMD_AVX512_H
#define RN_MODEL_SIMD_AVX512_H

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

/* Where x > t the lanes of yes, elsewhere (and where either is NaN) those of no; whether any is. */
RN_INLINE vf vf_where_above(vf x, vf t, vf yes, vf no)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, t, _CMP_GT_OQ), no, yes);
}
RN_INLINE bool vf_any_above(vf x, vf t)
{
    return _mm512_cmp_ps_mask(x, t, _CMP_GT_OQ) != 0;
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

#endif
