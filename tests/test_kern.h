/* test_kern.h: random numbers and random weights of every type, for the kernel tests. */
#ifndef RN_TEST_KERN_H
#define RN_TEST_KERN_H

#include "base/rng.h"
#include "gguf/half.h"
#include "gguf/quant.h"

#include <stdlib.h>
#include <string.h>

/* n numbers around 0, mostly within 2, some ten times larger. Caller frees. */
static inline float *test_floats(int64_t n, uint64_t seed)
{
    rn_rng r;
    rn_rng_init(&r, seed, 1, 0);
    float *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) {
        double v = rn_rng_unit(&r) + rn_rng_unit(&r) + rn_rng_unit(&r) + rn_rng_unit(&r) - 2;
        x[i] = (float)(rn_rng_below(&r, 50) == 0 ? 10 * v : v);
    }
    return x;
}

/* A small positive or negative scale as F16. */
static inline uint16_t test_scale(rn_rng *r)
{
    return rn_f32_to_f16((float)(rn_rng_unit(r) * 0.02 - 0.01));
}

/* [rows][cols] weights as in a file: random bits with sane scales. Caller frees. */
static inline uint8_t *test_weights(rn_qtype type, int64_t rows, int64_t cols, uint64_t seed)
{
    rn_rng r;
    rn_rng_init(&r, seed, 2, 0);
    const size_t bytes = rn_quant_row_bytes(type, cols) * (size_t)rows;
    const rn_qtype_info *info = rn_qtype_find((uint32_t)type);
    uint8_t *w = malloc(bytes);
    if (info->block == 1) {
        for (int64_t i = 0; i < rows * cols; i++) {
            const float v = (float)(rn_rng_unit(&r) - 0.5);
            const uint16_t half = type == RN_Q_F16 ? rn_f32_to_f16(v) : rn_f32_to_bf16(v);
            if (type == RN_Q_F32)
                memcpy(w + i * 4, &v, 4);
            else
                memcpy(w + i * 2, &half, 2);
        }
        return w;
    }
    for (size_t i = 0; i < bytes; i++)
        w[i] = (uint8_t)rn_rng_below(&r, 256);
    int at = 0, at2 = -1; /* offsets of the F16 scales */
    if (type == RN_Q_Q4_1 || type == RN_Q_Q5_1 || type == RN_Q_Q4_K || type == RN_Q_Q5_K) at2 = 2;
    if (type == RN_Q_Q2_K) at = 80, at2 = 82;
    if (type == RN_Q_Q3_K) at = 108;
    if (type == RN_Q_TQ1_0) at = 52;
    if (type == RN_Q_TQ2_0) at = 64;
    if (type == RN_Q_Q6_K) at = 208;
    for (size_t b = 0; type == RN_Q_MXFP4 && b < bytes; b += info->bytes)
        w[b] = (uint8_t)(112 + rn_rng_below(&r, 12));
    if (type == RN_Q_MXFP4) return w;
    for (size_t b = 0; b < bytes; b += info->bytes) {
        uint16_t d = test_scale(&r), m = test_scale(&r);
        memcpy(w + b + at, &d, 2);
        if (at2 >= 0) memcpy(w + b + at2, &m, 2);
    }
    return w;
}

#endif
