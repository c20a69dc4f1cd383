/*
 * pack.c: weights from the file's blocks to strips. The only code that knows both.
 *
 * A block of the file is first decoded to one byte a weight (the raw unsigned code; Q8_0: the
 * signed byte, with 128 added for biased kernel sets), then its quads are merged four bytes at a
 * time into the planes of kern.h. Scales of a strip, after its quants, for every scale_block
 * columns:
 *
 *   Q8_0 Q4_0 Q5_0  d [32]                                     F16
 *   IQ4_NL MXFP4    as Q8_0: their codes stand for 8-bit values, MXFP4's scale is a power of two
 *   IQ4_XS          8-bit values, too, with scales as those of Q6_K, each for two halves
 *   Q4_1 Q5_1       d [32], m [32]                             F16
 *   Q4_K Q5_K       d [32], dmin [32] F16, scales [8][32], minima [8][32]    bytes
 *   Q6_K Q3_K       d [32] F16, scales [16][32]                signed bytes, Q3_K's less 32
 *   Q2_K            d [32], dmin [32] F16, [16][32]            scale low nibble, minimum high
 *   TQ1_0 TQ2_0     as Q2_K: two bits, d for dmin, scale and minimum 1
 *
 * That is the file's size, but for the three that become 8 bits (twice theirs), ternary types (84
 * of 54 and 66 bytes), Q4_K (148 of 144 bytes), Q5_K (180 of 176) and Q3_K (114 of 110), whose
 * 6-bit scales become bytes, and rows padded to a multiple of 32.
 */
#include "model/pack.h"

#include <string.h>

#define S RN_STRIP
static const rn_layout layouts[RN_Q_END] = {
    [RN_Q_F32] = {.is_float = true, .quant_bytes = 4 * S},
    [RN_Q_F16] = {.is_float = true, .quant_bytes = 2 * S},
    [RN_Q_BF16] = {.is_float = true, .quant_bytes = 2 * S},
    [RN_Q_Q8_0] = {.fold = RN_FOLD_D,
                   .low_bits = 8,
                   .quant_bytes = 1024,
                   .scale_bytes = 2 * S,
                   .scale_block = 32},
    [RN_Q_IQ4_NL] = {.fold = RN_FOLD_D,
                     .low_bits = 8,
                     .quant_bytes = 1024,
                     .scale_bytes = 2 * S,
                     .scale_block = 32},
    [RN_Q_MXFP4] = {.fold = RN_FOLD_D,
                    .low_bits = 8,
                    .quant_bytes = 1024,
                    .scale_bytes = 2 * S,
                    .scale_block = 32},
    [RN_Q_IQ4_XS] = {.fold = RN_FOLD_D_16,
                     .low_bits = 8,
                     .quant_bytes = 1024,
                     .scale_bytes = 18 * S,
                     .scale_block = 256},
    [RN_Q_Q4_0] = {.nibbles = true,
                   .fold = RN_FOLD_D,
                   .low_bits = 4,
                   .quant_bytes = 512,
                   .scale_bytes = 2 * S,
                   .scale_block = 32},
    [RN_Q_Q4_1] = {.nibbles = true,
                   .fold = RN_FOLD_DM,
                   .low_bits = 4,
                   .quant_bytes = 512,
                   .scale_bytes = 4 * S,
                   .scale_block = 32},
    [RN_Q_Q5_0] = {.fold = RN_FOLD_D,
                   .low_bits = 4,
                   .high_bits = 1,
                   .quant_bytes = 640,
                   .scale_bytes = 2 * S,
                   .scale_block = 32},
    [RN_Q_Q5_1] = {.fold = RN_FOLD_DM,
                   .low_bits = 4,
                   .high_bits = 1,
                   .quant_bytes = 640,
                   .scale_bytes = 4 * S,
                   .scale_block = 32},
    [RN_Q_Q2_K] = {.fold = RN_FOLD_DM_16,
                   .low_bits = 2,
                   .quant_bytes = 256,
                   .scale_bytes = 20 * S,
                   .scale_block = 256},
    [RN_Q_TQ1_0] = {.fold = RN_FOLD_DM_16,
                    .low_bits = 2,
                    .quant_bytes = 256,
                    .scale_bytes = 20 * S,
                    .scale_block = 256},
    [RN_Q_TQ2_0] = {.fold = RN_FOLD_DM_16,
                    .low_bits = 2,
                    .quant_bytes = 256,
                    .scale_bytes = 20 * S,
                    .scale_block = 256},
    [RN_Q_Q3_K] = {.fold = RN_FOLD_D_16,
                   .low_bits = 2,
                   .high_bits = 1,
                   .quant_bytes = 384,
                   .scale_bytes = 18 * S,
                   .scale_block = 256},
    [RN_Q_Q4_K] = {.nibbles = true,
                   .fold = RN_FOLD_DM,
                   .low_bits = 4,
                   .quant_bytes = 512,
                   .scale_bytes = 20 * S,
                   .scale_block = 256},
    [RN_Q_Q5_K] = {.fold = RN_FOLD_DM,
                   .low_bits = 4,
                   .high_bits = 1,
                   .quant_bytes = 640,
                   .scale_bytes = 20 * S,
                   .scale_block = 256},
    [RN_Q_Q6_K] = {.fold = RN_FOLD_D_16,
                   .low_bits = 4,
                   .high_bits = 2,
                   .quant_bytes = 768,
                   .scale_bytes = 18 * S,
                   .scale_block = 256},
};
#undef S

const rn_layout *rn_layout_of(rn_qtype type)
{
    return (unsigned)type < RN_Q_END && layouts[type].quant_bytes ? &layouts[type] : NULL;
}

size_t rn_strip_quant_bytes(const rn_layout *l, int64_t cols)
{
    return (size_t)(l->is_float ? cols : cols / RN_BLOCK) * l->quant_bytes;
}

size_t rn_strip_bytes(const rn_layout *l, int64_t cols)
{
    size_t scale = l->is_float ? 0 : (size_t)(cols / l->scale_block) * l->scale_bytes;
    return rn_strip_quant_bytes(l, cols) + scale;
}

/* ---- blocks of the file to one byte a weight ------------------------------------------------- */

/* Half a byte each: the low nibbles are the first 16 weights, the high ones the rest. */
static void nibbles_16(const uint8_t qs[16], uint8_t out[32])
{
    for (int i = 0; i < 16; i++) {
        out[i] = qs[i] & 15;
        out[i + 16] = qs[i] >> 4;
    }
}

/* Bit i of qh is the fifth bit of weight i. */
static void fifth_bits(const uint8_t qh[4], uint8_t out[32])
{
    for (int i = 0; i < 32; i++)
        out[i] |= (uint8_t)((qh[i / 8] >> (i % 8) & 1) << 4);
}

/* Sub-block k (0-7, 32 weights) of a K block. */
static void code_q4_k(const uint8_t qs[128], int k, uint8_t out[32])
{
    for (int i = 0; i < 32; i++)
        out[i] = qs[k / 2 * 32 + i] >> (k % 2 * 4) & 15;
}

static void code_q6_k(const rn_q6_k *b, int k, uint8_t out[32])
{
    int half = k / 4, quarter = k % 4;
    for (int i = 0; i < 32; i++) {
        int low = b->ql[half * 64 + quarter % 2 * 32 + i] >> (quarter / 2 * 4) & 15;
        int high = b->qh[half * 32 + i] >> (quarter * 2) & 3;
        out[i] = (uint8_t)(low | high << 4);
    }
}

static void two_bits(const uint8_t qs[64], int k, uint8_t out[32])
{
    for (int i = 0; i < 32; i++)
        out[i] = qs[k / 4 * 32 + i] >> (k % 4 * 2) & 3;
}

/* Codes that stand for 8-bit values, as Q8_0's. */
static void table_16(const uint8_t qs[16], const int8_t values[16], bool biased, uint8_t out[32])
{
    const uint8_t flip = biased ? 0x80 : 0;
    for (int i = 0; i < 16; i++) {
        out[i] = (uint8_t)values[qs[i] & 15] ^ flip;
        out[i + 16] = (uint8_t)values[qs[i] >> 4] ^ flip;
    }
}

/* The power of two that is an MXFP4 block's scale, in its F16 and what is left for the values:
 * 2^(e - 128) = d 2^left. Beyond the powers that F16 has the values take what they can. */
static uint16_t mxfp4_scale(uint8_t e, int *left)
{
    enum { LEAST = -24, MOST = 15 };
    int power = e - 128, held = power < LEAST ? LEAST : power > MOST ? MOST : power;
    *left = power - held;
    if (*left > 3) *left = 3; /* 12 * 2^3 is the most that 8 bits hold */
    unsigned bits = held >= -14 ? (unsigned)(held + 15) << 10 : 1u << (held + 24);
    return (uint16_t)(bits & 0xFFFF);
}

static void code_mxfp4(const rn_mxfp4 *q, bool biased, uint8_t out[32])
{
    int left;
    int8_t values[16];
    mxfp4_scale(q->e, &left);
    for (int i = 0; i < 16; i++) {
        int v = rn_fp4_values[i];
        values[i] = (int8_t)(left >= 0 ? v * (1 << left) : left < -8 ? 0 : v / (1 << -left));
    }
    table_16(q->qs, values, biased, out);
}

/* The 32 codes of columns 32 b .. of a row. */
static void decode(rn_qtype type, bool biased, const uint8_t *row, int64_t b, uint8_t out[32])
{
    const size_t bytes = rn_qtype_find((uint32_t)type)->bytes;
    const bool big = rn_qtype_find((uint32_t)type)->block == 256;
    const uint8_t *at = row + (size_t)(big ? b / 8 : b) * bytes;
    const int k = (int)(b % 8);
    switch (type) {
    case RN_Q_Q8_0: {
        const rn_q8_0 *q = (const void *)at;
        for (int i = 0; i < 32; i++)
            out[i] = (uint8_t)((uint8_t)q->qs[i] ^ (biased ? 0x80 : 0));
        return;
    }
    case RN_Q_IQ4_NL:
        table_16(((const rn_iq4_nl *)(const void *)at)->qs, rn_iq4_values, biased, out);
        return;
    case RN_Q_IQ4_XS:
        table_16(((const rn_iq4_xs *)(const void *)at)->qs + 16 * k, rn_iq4_values, biased, out);
        return;
    case RN_Q_MXFP4: code_mxfp4((const void *)at, biased, out); return;
    case RN_Q_Q4_0: nibbles_16(((const rn_q4_0 *)(const void *)at)->qs, out); return;
    case RN_Q_Q4_1: nibbles_16(((const rn_q4_1 *)(const void *)at)->qs, out); return;
    case RN_Q_Q5_0:
        nibbles_16(((const rn_q5_0 *)(const void *)at)->qs, out);
        fifth_bits(((const rn_q5_0 *)(const void *)at)->qh, out);
        return;
    case RN_Q_Q5_1:
        nibbles_16(((const rn_q5_1 *)(const void *)at)->qs, out);
        fifth_bits(((const rn_q5_1 *)(const void *)at)->qh, out);
        return;
    case RN_Q_Q4_K: code_q4_k(((const rn_q4_k *)(const void *)at)->qs, k, out); return;
    case RN_Q_Q5_K: {
        const rn_q5_k *q = (const void *)at;
        code_q4_k(q->qs, k, out);
        for (int i = 0; i < 32; i++)
            out[i] |= (uint8_t)((q->qh[i] >> k & 1) << 4);
        return;
    }
    case RN_Q_Q6_K: code_q6_k((const void *)at, k, out); return;
    case RN_Q_Q3_K: {
        const rn_q3_k *q = (const void *)at;
        two_bits(q->qs, k, out);
        for (int i = 0; i < 32; i++)
            out[i] |= (uint8_t)((q->hmask[i] >> k & 1) << 2);
        return;
    }
    case RN_Q_Q2_K: two_bits(((const rn_q2_k *)(const void *)at)->qs, k, out); return;
    case RN_Q_TQ2_0: two_bits(((const rn_tq2_0 *)(const void *)at)->qs, k, out); return;
    case RN_Q_TQ1_0:
        for (int i = 0; i < 32; i++)
            out[i] = (uint8_t)rn_tq1_digit((const void *)at, 32 * k + i);
        return;
    default: return;
    }
}

/* ---- codes to planes ------------------------------------------------------------------------- */

static uint32_t load_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* block: the strip's block; row: 0-31. Four bytes at a time: shifts stay within bytes because the
 * codes are small. */
static void put_codes(const rn_layout *l, const uint8_t code[32], int row, uint8_t *block)
{
    uint8_t *at = block + 64 * (row / 16) + 4 * (row % 16);
    if (l->low_bits == 8) {
        for (int j = 0; j < RN_QUADS; j++)
            memcpy(at + 128 * j, code + 4 * j, 4);
        return;
    }
    const int per_byte = 8 / l->low_bits;
    const uint32_t low_mask = 0x01010101u * ((1u << l->low_bits) - 1);
    for (int v = 0; v < RN_QUADS / per_byte; v++) {
        uint32_t merged = 0;
        for (int i = 0; i < per_byte; i++)
            merged |= (load_u32(code + 4 * (v * per_byte + i)) & low_mask) << (i * l->low_bits);
        memcpy(at + 128 * v, &merged, 4);
    }
    if (!l->high_bits) return;
    uint8_t *high = at + 128 * (RN_QUADS / per_byte);
    const int quads = 8 / l->high_bits; /* per byte of the high plane */
    const uint32_t high_mask = 0x01010101u * ((1u << l->high_bits) - 1);
    for (int v = 0; v < RN_QUADS / quads; v++) {
        uint32_t merged = 0;
        for (int i = 0; i < quads; i++) {
            uint32_t code4 = load_u32(code + 4 * (v * quads + i));
            merged |= (code4 >> l->low_bits & high_mask) << (i * l->high_bits);
        }
        memcpy(high + 128 * v, &merged, 4);
    }
}

/* ---- scales ---------------------------------------------------------------------------------- */

/* Element i of row's F16 scales: plane 0 is d, plane 1 is m or dmin. */
static void put_half(uint8_t *s, int plane, int row, uint16_t value)
{
    memcpy(s + 64 * plane + 2 * row, &value, 2);
}

/* Scales of scale_block number b of a row. */
static void put_scales(rn_qtype type, const uint8_t *file, int row, uint8_t *s)
{
    switch (type) {
    case RN_Q_MXFP4: {
        int left;
        put_half(s, 0, row, mxfp4_scale(((const rn_mxfp4 *)(const void *)file)->e, &left));
        return;
    }
    case RN_Q_IQ4_XS: {
        const rn_iq4_xs *q = (const void *)file;
        put_half(s, 0, row, q->d);
        for (int j = 0; j < 16; j++)
            s[64 + 32 * j + row] = (uint8_t)rn_iq4_scale(q, j / 2);
        return;
    }
    case RN_Q_Q8_0:
    case RN_Q_IQ4_NL:
    case RN_Q_Q4_0:
    case RN_Q_Q5_0: put_half(s, 0, row, ((const rn_q4_0 *)(const void *)file)->d); return;
    case RN_Q_Q4_1:
    case RN_Q_Q5_1: {
        const rn_q4_1 *q = (const void *)file;
        put_half(s, 0, row, q->d);
        put_half(s, 1, row, q->m);
        return;
    }
    case RN_Q_Q4_K:
    case RN_Q_Q5_K: {
        const rn_q4_k *q = (const void *)file;
        put_half(s, 0, row, q->d);
        put_half(s, 1, row, q->dmin);
        for (int j = 0; j < 8; j++)
            rn_k4_scale_min(q->scales, j, &s[128 + 32 * j + row], &s[384 + 32 * j + row]);
        return;
    }
    case RN_Q_Q6_K: {
        const rn_q6_k *q = (const void *)file;
        put_half(s, 0, row, q->d);
        for (int j = 0; j < 16; j++)
            s[64 + 32 * j + row] = (uint8_t)q->scales[j];
        return;
    }
    case RN_Q_Q3_K: {
        const rn_q3_k *q = (const void *)file;
        put_half(s, 0, row, q->d);
        for (int j = 0; j < 16; j++)
            s[64 + 32 * j + row] = (uint8_t)(rn_k3_scale(q->scales, j) - 32);
        return;
    }
    case RN_Q_TQ1_0:
    case RN_Q_TQ2_0: {
        const uint16_t d = type == RN_Q_TQ1_0 ? ((const rn_tq1_0 *)(const void *)file)->d
                                              : ((const rn_tq2_0 *)(const void *)file)->d;
        put_half(s, 0, row, d);
        put_half(s, 1, row, d);
        for (int j = 0; j < 16; j++)
            s[128 + 32 * j + row] = 0x11;
        return;
    }
    case RN_Q_Q2_K: {
        const rn_q2_k *q = (const void *)file;
        put_half(s, 0, row, q->d);
        put_half(s, 1, row, q->dmin);
        for (int j = 0; j < 16; j++)
            s[128 + 32 * j + row] = q->scales[j];
        return;
    }
    default: return;
    }
}

static void pack_float(const rn_layout *l, const uint8_t *rows, size_t row_bytes, int n,
                       int64_t cols, uint8_t *strip)
{
    const size_t size = l->quant_bytes / RN_STRIP;
    for (int r = 0; r < n; r++)
        for (int64_t c = 0; c < cols; c++)
            memcpy(strip + ((size_t)c * RN_STRIP + (size_t)r) * size,
                   rows + (size_t)r * row_bytes + (size_t)c * size, size);
}

void rn_pack_strip(rn_qtype type, bool biased, const uint8_t *rows, size_t row_bytes, int n,
                   int64_t cols, uint8_t *strip)
{
    const rn_layout *l = rn_layout_of(type);
    if (n < RN_STRIP) memset(strip, 0, rn_strip_bytes(l, cols));
    if (l->is_float) {
        pack_float(l, rows, row_bytes, n, cols, strip);
        return;
    }
    uint8_t *s = strip + rn_strip_quant_bytes(l, cols);
    const size_t file_bytes = rn_qtype_find((uint32_t)type)->bytes;
    for (int r = 0; r < n; r++) {
        const uint8_t *row = rows + (size_t)r * row_bytes;
        for (int64_t b = 0; b < cols / RN_BLOCK; b++) {
            uint8_t code[32];
            decode(type, biased, row, b, code);
            put_codes(l, code, r, strip + (size_t)b * l->quant_bytes);
        }
        for (int64_t b = 0; b < cols / l->scale_block; b++)
            put_scales(type, row + (size_t)b * file_bytes, r, s + (size_t)b * l->scale_bytes);
    }
}
