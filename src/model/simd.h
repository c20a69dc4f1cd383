/*
 * simd.h: sixteen lanes, the same on every instruction set, so that each kernel is written once.
 *
 *   vf  16 floats           vi  16 int32           vb  64 bytes (four for each lane)
 *   vx  four bytes of an activation, repeated as the dot product of the set wants them
 *
 * A file kern_<isa>.c defines RN_SIMD_AVX512, _AVX2, _NEON or _SCALAR and is compiled with that
 * set's flags; the operations of each are in simd_<isa>.h. Lanes never mix except in vf_sum and
 * vf_hmax, whose order is a fixed tree. vf_fma rounds once.
 */
#ifndef RN_MODEL_SIMD_H
#define RN_MODEL_SIMD_H

#include <stdbool.h>
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

#if defined(RN_SIMD_AVX512)
#include "model/simd_avx512.h"
#elif defined(RN_SIMD_AVX2)
#include "model/simd_avx2.h"
#elif defined(RN_SIMD_NEON)
#include "model/simd_neon.h"
#elif defined(RN_SIMD_SCALAR)
#include "model/simd_scalar.h"
#else
#error "define RN_SIMD_AVX512, RN_SIMD_AVX2, RN_SIMD_NEON or RN_SIMD_SCALAR before simd.h"
#endif

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

/* Sum and maximum over the lanes: halves, quarters, eighths, in that order, as on x86. */
#if defined(RN_SIMD_NEON) || defined(RN_SIMD_SCALAR)
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
