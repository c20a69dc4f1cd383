/* simd_avx2.h: simd.h's sixteen lanes in two AVX2 registers; see simd_avx512.h. */
#ifndef RN_MODEL_SIMD_AVX2_H
#define RN_MODEL_SIMD_AVX2_H

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
RN_INLINE vf vf_where_above(vf x, vf t, vf yes, vf no)
{
    return (vf){_mm256_blendv_ps(no.a, yes.a, _mm256_cmp_ps(x.a, t.a, _CMP_GT_OQ)),
                _mm256_blendv_ps(no.b, yes.b, _mm256_cmp_ps(x.b, t.b, _CMP_GT_OQ))};
}
RN_INLINE bool vf_any_above(vf x, vf t)
{
    return _mm256_movemask_ps(_mm256_or_ps(_mm256_cmp_ps(x.a, t.a, _CMP_GT_OQ),
                                           _mm256_cmp_ps(x.b, t.b, _CMP_GT_OQ))) != 0;
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

#endif
