/*
 * half.h: IEEE binary16 and bfloat16 to and from binary32, portable and bit-exact.
 *
 * Conversions to the shorter form round to nearest, ties to even; NaN stays NaN, overflow becomes
 * an infinity, subnormal numbers are kept. Kernels use the processor's own instructions; they agree
 * with these on every input.
 */
#ifndef RN_GGUF_HALF_H
#define RN_GGUF_HALF_H

#include "base/base.h"

static inline uint32_t rn_f32_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float rn_f32_of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline float rn_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, abs = h & 0x7FFFu;
    if (abs >= 0x7C00u) return rn_f32_of_bits(sign | 0x7F800000u | abs << 13);
    if (abs >= 0x0400u) return rn_f32_of_bits(sign | ((abs << 13) + 0x38000000u));
    return rn_f32_of_bits(sign | rn_f32_bits((float)abs * 0x1p-24f));
}

static inline uint16_t rn_f32_to_f16(float f)
{
    uint32_t bits = rn_f32_bits(f), sign = (bits >> 16) & 0x8000u, abs = bits & 0x7FFFFFFFu;
    if (abs > 0x7F800000u) return (uint16_t)(sign | 0x7E00u);
    if (abs >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u); /* 65520 and more */
    if (abs >= 0x38800000u) {                                  /* 2^-14: normal */
        uint32_t r = abs - 0x38000000u;
        return (uint16_t)(sign | (r + 0x0FFFu + ((r >> 13) & 1u)) >> 13);
    }
    /* One unit in the last place of 0.5 is 2^-24, the smallest binary16: the addition rounds. */
    return (uint16_t)(sign | (rn_f32_bits(rn_f32_of_bits(abs) + 0.5f) - 0x3F000000u));
}

static inline float rn_bf16_to_f32(uint16_t h)
{
    return rn_f32_of_bits((uint32_t)h << 16);
}

static inline uint16_t rn_f32_to_bf16(float f)
{
    uint32_t bits = rn_f32_bits(f);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(bits >> 16 | 0x0040u);
    return (uint16_t)((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

#endif
