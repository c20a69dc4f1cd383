/*
 * quant.h: the weight types of GGUF files: their block formats, sizes and names, and a plain scalar
 * dequantisation of each, the yardstick of every kernel.
 *
 * A row of n weights is n / block blocks of `bytes` bytes each, without padding. All numbers are
 * little-endian; d, m and dmin are binary16. Written w for a weight and q for its stored integer:
 *
 *   Q4_0  w = d (q - 8)          Q4_1  w = d q + m        32 weights a block: the low nibbles hold
 *   Q5_0  w = d (q - 16)         Q5_1  w = d q + m        weights 0-15, the high ones 16-31; bit i
 * of Q8_0  w = d q                                         qh is the fifth bit of weight i Q2_K  w
 * = d s q - dmin t     16 weights share a 4-bit scale s and minimum t    256 weights Q3_K  w = d (s
 * - 32)(q - 4)  16 weights share a 6-bit scale                    a block Q4_K  w = d s q - dmin t
 * 32 weights share a 6-bit scale and minimum Q5_K  as Q4_K with a fifth bit in qh Q6_K  w = d s (q
 * - 32)       16 weights share a signed 8-bit scale
 */
#ifndef RN_GGUF_QUANT_H
#define RN_GGUF_QUANT_H

#include "base/base.h"

/* Types this library reads: name, id in the file, weights per block, bytes per block. */
#define RN_QTYPES(X)        \
    X(F32, 0, 1, 4)         \
    X(F16, 1, 1, 2)         \
    X(Q4_0, 2, 32, 18)      \
    X(Q4_1, 3, 32, 20)      \
    X(Q5_0, 6, 32, 22)      \
    X(Q5_1, 7, 32, 24)      \
    X(Q8_0, 8, 32, 34)      \
    X(Q2_K, 10, 256, 84)    \
    X(Q3_K, 11, 256, 110)   \
    X(Q4_K, 12, 256, 144)   \
    X(Q5_K, 13, 256, 176)   \
    X(Q6_K, 14, 256, 210)   \
    X(IQ4_NL, 20, 32, 18)   \
    X(IQ4_XS, 23, 256, 136) \
    X(BF16, 30, 1, 2)       \
    X(TQ1_0, 34, 256, 54)   \
    X(TQ2_0, 35, 256, 66)   \
    X(MXFP4, 39, 32, 17)

#define RN_QTYPE_ENUM(name, id, block, bytes) RN_Q_##name = id,
typedef enum rn_qtype { RN_QTYPES(RN_QTYPE_ENUM) RN_Q_END = 40 } rn_qtype;
#undef RN_QTYPE_ENUM

typedef struct rn_qtype_info {
    const char *name; /* "Q4_K" */
    uint32_t block;   /* weights per block */
    uint32_t bytes;   /* bytes per block */
} rn_qtype_info;

/* NULL for a type that this library does not read. Static. */
const rn_qtype_info *rn_qtype_find(uint32_t id);
/* The type's name, also of types that are not read ("IQ4_XS"); NULL if nobody knows the id. */
const char *rn_qtype_name(uint32_t id);
/* Finds a type by its name, without regard to case. False if it is not read. */
bool rn_qtype_parse(const char *name, rn_qtype *out);
/* Bytes of a row of n weights; n is a multiple of the type's block. */
size_t rn_quant_row_bytes(rn_qtype type, int64_t n);

/* The blocks as they lie in files. */
typedef struct rn_q4_0 {
    uint16_t d;
    uint8_t qs[16];
} rn_q4_0;
typedef struct rn_q4_1 {
    uint16_t d, m;
    uint8_t qs[16];
} rn_q4_1;
typedef struct rn_q5_0 {
    uint16_t d;
    uint8_t qh[4], qs[16];
} rn_q5_0;
typedef struct rn_q5_1 {
    uint16_t d, m;
    uint8_t qh[4], qs[16];
} rn_q5_1;
typedef struct rn_q8_0 {
    uint16_t d;
    int8_t qs[32];
} rn_q8_0;
typedef struct rn_q2_k {
    uint8_t scales[16], qs[64];
    uint16_t d, dmin;
} rn_q2_k;
typedef struct rn_q3_k {
    uint8_t hmask[32], qs[64], scales[12];
    uint16_t d;
} rn_q3_k;
typedef struct rn_q4_k {
    uint16_t d, dmin;
    uint8_t scales[12], qs[128];
} rn_q4_k;
typedef struct rn_q5_k {
    uint16_t d, dmin;
    uint8_t scales[12], qh[32], qs[128];
} rn_q5_k;
typedef struct rn_q6_k {
    uint8_t ql[128], qh[64];
    int8_t scales[16];
    uint16_t d;
} rn_q6_k;
typedef struct rn_iq4_nl {
    uint16_t d;
    uint8_t qs[16];
} rn_iq4_nl;
typedef struct rn_iq4_xs {
    uint16_t d, scales_h; /* two high bits of each scale */
    uint8_t scales_l[4];  /* four low bits */
    uint8_t qs[128];
} rn_iq4_xs;
typedef struct rn_mxfp4 {
    uint8_t e; /* the block's scale is 2^(e - 127) */
    uint8_t qs[16];
} rn_mxfp4;

typedef struct rn_tq1_0 {
    uint8_t qs[48], qh[4]; /* five digits to base 3 a byte, and four */
    uint16_t d;
} rn_tq1_0;
typedef struct rn_tq2_0 {
    uint8_t qs[64];
    uint16_t d;
} rn_tq2_0;

/* Digit i (0-255) of a TQ1_0 block, 0 to 2. A byte is a fraction of 1, rounded up to a 256th, whose
 * digits stand behind the point: 32 bytes hold digit 0 of weights 0-31, digit 1 of the next 32 ...,
 * 16 bytes those of weights 160-239, 4 bytes the rest. */
static inline int rn_tq1_digit(const rn_tq1_0 *b, int i)
{
    static const uint8_t power[] = {1, 3, 9, 27, 81};
    const uint8_t *at = i < 160 ? b->qs : i < 240 ? b->qs + 32 : b->qh;
    const int from = i < 160 ? 0 : i < 240 ? 160 : 240, width = i < 160 ? 32 : i < 240 ? 16 : 4;
    const uint8_t left = (uint8_t)(at[(i - from) % width] * power[(i - from) / width]);
    return left * 3 >> 8;
}

/* What the codes of IQ4_NL and IQ4_XS stand for; and those of MXFP4, twice their value. */
extern const int8_t rn_iq4_values[16], rn_fp4_values[16];

/* The scale j (0-7) of an IQ4_XS block, -32 to 31. */
static inline int rn_iq4_scale(const rn_iq4_xs *b, int j)
{
    int low = b->scales_l[j / 2] >> (4 * (j % 2)) & 15;
    return (low | (b->scales_h >> (2 * j) & 3) << 4) - 32;
}

/* The 6-bit scale and minimum of sub-block j (0-7) from the 12 bytes of a Q4_K or Q5_K block. */
static inline void rn_k4_scale_min(const uint8_t s[12], int j, uint8_t *scale, uint8_t *min)
{
    if (j < 4) {
        *scale = s[j] & 63;
        *min = s[j + 4] & 63;
    } else {
        *scale = (uint8_t)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
        *min = (uint8_t)(s[j + 4] >> 4 | (s[j] >> 6) << 4);
    }
}

/* The 6-bit scale j (0-15) of a Q3_K block, still with its offset of 32. */
static inline uint8_t rn_k3_scale(const uint8_t s[12], int j)
{
    uint8_t low = j < 8 ? s[j] & 15 : s[j - 8] >> 4;
    return (uint8_t)(low | ((s[8 + j % 4] >> (2 * (j / 4))) & 3) << 4);
}

/* src: a row of n weights of `type`, 4-byte aligned for F32 and 2-byte aligned otherwise; dst [n].
 * n is a multiple of the block. */
void rn_dequant_row(rn_qtype type, const void *src, float *dst, int64_t n);

/* True if every scale of the row (every weight of F32, F16, BF16) is a finite number, so that no
 * weight is NaN or infinite. Reads the scales only. */
bool rn_quant_row_finite(rn_qtype type, const void *src, int64_t n);

#endif
