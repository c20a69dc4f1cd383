/* quant.c: scalar conversion of every weight type to float. See quant.h. */
#include "gguf/quant.h"
#include "gguf/half.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the block formats are read in place and are little-endian"
#endif

enum { QK = 32, QK_K = 256, MAX_NAMED_TYPE = 41 };

#define CHECK_SIZE(name, bytes) _Static_assert(sizeof(rn_##name) == (bytes), "block of " #name);
CHECK_SIZE(q4_0, 18)
CHECK_SIZE(q4_1, 20)
CHECK_SIZE(q5_0, 22)
CHECK_SIZE(q5_1, 24)
CHECK_SIZE(q8_0, 34)
CHECK_SIZE(q2_k, 84)
CHECK_SIZE(q3_k, 110)
CHECK_SIZE(q4_k, 144)
CHECK_SIZE(q5_k, 176)
CHECK_SIZE(q6_k, 210)
CHECK_SIZE(iq4_nl, 18)
CHECK_SIZE(iq4_xs, 136)
CHECK_SIZE(mxfp4, 17)
CHECK_SIZE(tq1_0, 54)
CHECK_SIZE(tq2_0, 66)

const int8_t rn_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};
const int8_t rn_fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static const rn_qtype_info infos[RN_Q_END] = {
#define X(name, id, block, bytes) [id] = {#name, block, bytes},
    RN_QTYPES(X)
#undef X
};

/* Ids of the ggml library that are not read here; 4, 5 and 31-33, 36-38 were withdrawn. */
static const char *const other_names[MAX_NAMED_TYPE] = {
    [4] = "Q4_2",        [5] = "Q4_3",        [9] = "Q8_1",      [15] = "Q8_K",
    [16] = "IQ2_XXS",    [17] = "IQ2_XS",     [18] = "IQ3_XXS",  [19] = "IQ1_S",
    [21] = "IQ3_S",      [22] = "IQ2_S",      [24] = "I8",       [25] = "I16",
    [26] = "I32",        [27] = "I64",        [28] = "F64",      [29] = "IQ1_M",
    [31] = "Q4_0_4_4",   [32] = "Q4_0_4_8",   [33] = "Q4_0_8_8", [36] = "IQ4_NL_4_4",
    [37] = "IQ4_NL_4_8", [38] = "IQ4_NL_8_8", [40] = "NVFP4",
};

const rn_qtype_info *rn_qtype_find(uint32_t id)
{
    return id < RN_Q_END && infos[id].name ? &infos[id] : NULL;
}

const char *rn_qtype_name(uint32_t id)
{
    const rn_qtype_info *info = rn_qtype_find(id);
    if (info) return info->name;
    return id < MAX_NAMED_TYPE ? other_names[id] : NULL;
}

bool rn_qtype_parse(const char *name, rn_qtype *out)
{
    for (uint32_t id = 0; id < RN_Q_END; id++) {
        if (!infos[id].name || strcasecmp(infos[id].name, name) != 0) continue;
        *out = (rn_qtype)id;
        return true;
    }
    return false;
}

size_t rn_quant_row_bytes(rn_qtype type, int64_t n)
{
    const rn_qtype_info *info = rn_qtype_find(type);
    return info ? (size_t)n / info->block * info->bytes : 0;
}

/* ---- to float -------------------------------------------------------------------------------- */

static void from_q4_0(const rn_q4_0 *b, float *y)
{
    float d = rn_f16_to_f32(b->d);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)((b->qs[i] & 15) - 8) * d;
        y[i + 16] = (float)((b->qs[i] >> 4) - 8) * d;
    }
}

static void from_q4_1(const rn_q4_1 *b, float *y)
{
    float d = rn_f16_to_f32(b->d), m = rn_f16_to_f32(b->m);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)(b->qs[i] & 15) * d + m;
        y[i + 16] = (float)(b->qs[i] >> 4) * d + m;
    }
}

/* The fifth bit of weight i, at bit 4. */
static int fifth(const uint8_t qh[4], int i)
{
    return (qh[i / 8] >> (i % 8) & 1) << 4;
}

static void from_q5_0(const rn_q5_0 *b, float *y)
{
    float d = rn_f16_to_f32(b->d);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)(((b->qs[i] & 15) | fifth(b->qh, i)) - 16) * d;
        y[i + 16] = (float)((b->qs[i] >> 4 | fifth(b->qh, i + 16)) - 16) * d;
    }
}

static void from_q5_1(const rn_q5_1 *b, float *y)
{
    float d = rn_f16_to_f32(b->d), m = rn_f16_to_f32(b->m);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)((b->qs[i] & 15) | fifth(b->qh, i)) * d + m;
        y[i + 16] = (float)(b->qs[i] >> 4 | fifth(b->qh, i + 16)) * d + m;
    }
}

/* 16 codes in the low nibbles, 16 in the high ones. */
static void from_table(const uint8_t qs[16], const int8_t values[16], float d, float *y)
{
    for (int i = 0; i < 16; i++) {
        y[i] = (float)values[qs[i] & 15] * d;
        y[i + 16] = (float)values[qs[i] >> 4] * d;
    }
}

static void from_iq4_nl(const rn_iq4_nl *b, float *y)
{
    from_table(b->qs, rn_iq4_values, rn_f16_to_f32(b->d), y);
}

static void from_iq4_xs(const rn_iq4_xs *b, float *y)
{
    for (int j = 0; j < 8; j++)
        from_table(b->qs + 16 * j, rn_iq4_values, rn_f16_to_f32(b->d) * (float)rn_iq4_scale(b, j),
                   y + 32 * j);
}

static void from_mxfp4(const rn_mxfp4 *b, float *y)
{
    from_table(b->qs, rn_fp4_values, ldexpf(1, b->e - 128), y);
}

static void from_q8_0(const rn_q8_0 *b, float *y)
{
    float d = rn_f16_to_f32(b->d);
    for (int i = 0; i < QK; i++)
        y[i] = (float)b->qs[i] * d;
}

/* 2-bit quants: byte 32 h + i holds weights 128 h + i + {0, 32, 64, 96} in its four bit pairs. */
static int two_bits(const uint8_t qs[64], int w)
{
    return qs[w / 128 * 32 + w % 32] >> (w % 128 / 32 * 2) & 3;
}

static void from_q2_k(const rn_q2_k *b, float *y)
{
    float d = rn_f16_to_f32(b->d), dmin = rn_f16_to_f32(b->dmin);
    for (int w = 0; w < QK_K; w++) {
        uint8_t s = b->scales[w / 16];
        y[w] = d * (float)(s & 15) * (float)two_bits(b->qs, w) - dmin * (float)(s >> 4);
    }
}

static void from_tq1_0(const rn_tq1_0 *b, float *y)
{
    float d = rn_f16_to_f32(b->d);
    for (int w = 0; w < QK_K; w++)
        y[w] = d * (float)(rn_tq1_digit(b, w) - 1);
}

static void from_tq2_0(const rn_tq2_0 *b, float *y)
{
    float d = rn_f16_to_f32(b->d);
    for (int w = 0; w < QK_K; w++)
        y[w] = d * (float)(two_bits(b->qs, w) - 1);
}

static void from_q3_k(const rn_q3_k *b, float *y)
{
    float d = rn_f16_to_f32(b->d);
    for (int w = 0; w < QK_K; w++) {
        float scale = d * (float)(rn_k3_scale(b->scales, w / 16) - 32);
        int high = b->hmask[w % 32] >> (w / 32) & 1;
        y[w] = scale * (float)(two_bits(b->qs, w) - (high ? 0 : 4));
    }
}

static void from_q4_k(const rn_q4_k *b, float *y)
{
    float d = rn_f16_to_f32(b->d), dmin = rn_f16_to_f32(b->dmin);
    for (int j = 0; j < 8; j++) { /* nibbles of 32 bytes: low ones are block j, high ones j + 1 */
        uint8_t s, m;
        rn_k4_scale_min(b->scales, j, &s, &m);
        float scale = d * (float)s, min = dmin * (float)m;
        for (int i = 0; i < 32; i++) {
            int q = b->qs[j / 2 * 32 + i] >> (j % 2 * 4) & 15;
            y[32 * j + i] = scale * (float)q - min;
        }
    }
}

static void from_q5_k(const rn_q5_k *b, float *y)
{
    float d = rn_f16_to_f32(b->d), dmin = rn_f16_to_f32(b->dmin);
    for (int j = 0; j < 8; j++) {
        uint8_t s, m;
        rn_k4_scale_min(b->scales, j, &s, &m);
        float scale = d * (float)s, min = dmin * (float)m;
        for (int i = 0; i < 32; i++) {
            int q = b->qs[j / 2 * 32 + i] >> (j % 2 * 4) & 15;
            q |= (b->qh[i] >> j & 1) << 4;
            y[32 * j + i] = scale * (float)q - min;
        }
    }
}

static void from_q6_k(const rn_q6_k *b, float *y)
{
    float d = rn_f16_to_f32(b->d);
    for (int w = 0; w < QK_K; w++) {
        int half = w / 128, quarter = w % 128 / 32, i = w % 32;
        int low = b->ql[half * 64 + quarter % 2 * 32 + i] >> (quarter / 2 * 4) & 15;
        int high = b->qh[half * 32 + i] >> (quarter * 2) & 3;
        y[w] = d * (float)b->scales[w / 16] * (float)((low | high << 4) - 32);
    }
}

#define FOR_BLOCKS(type, func)                      \
    do {                                            \
        const type *b = src;                        \
        int64_t size = rn_qtype_find(qtype)->block; \
        for (int64_t i = 0; i < n / size; i++)      \
            func(b + i, dst + i * size);            \
    } while (0)

void rn_dequant_row(rn_qtype qtype, const void *src, float *dst, int64_t n)
{
    const uint16_t *half = src;
    switch (qtype) {
    case RN_Q_F32: memcpy(dst, src, (size_t)n * sizeof *dst); return;
    case RN_Q_F16:
        for (int64_t i = 0; i < n; i++)
            dst[i] = rn_f16_to_f32(half[i]);
        return;
    case RN_Q_BF16:
        for (int64_t i = 0; i < n; i++)
            dst[i] = rn_bf16_to_f32(half[i]);
        return;
    case RN_Q_Q4_0: FOR_BLOCKS(rn_q4_0, from_q4_0); return;
    case RN_Q_Q4_1: FOR_BLOCKS(rn_q4_1, from_q4_1); return;
    case RN_Q_Q5_0: FOR_BLOCKS(rn_q5_0, from_q5_0); return;
    case RN_Q_Q5_1: FOR_BLOCKS(rn_q5_1, from_q5_1); return;
    case RN_Q_Q8_0: FOR_BLOCKS(rn_q8_0, from_q8_0); return;
    case RN_Q_Q2_K: FOR_BLOCKS(rn_q2_k, from_q2_k); return;
    case RN_Q_Q3_K: FOR_BLOCKS(rn_q3_k, from_q3_k); return;
    case RN_Q_Q4_K: FOR_BLOCKS(rn_q4_k, from_q4_k); return;
    case RN_Q_Q5_K: FOR_BLOCKS(rn_q5_k, from_q5_k); return;
    case RN_Q_Q6_K: FOR_BLOCKS(rn_q6_k, from_q6_k); return;
    case RN_Q_IQ4_NL: FOR_BLOCKS(rn_iq4_nl, from_iq4_nl); return;
    case RN_Q_IQ4_XS: FOR_BLOCKS(rn_iq4_xs, from_iq4_xs); return;
    case RN_Q_MXFP4: FOR_BLOCKS(rn_mxfp4, from_mxfp4); return;
    case RN_Q_TQ1_0: FOR_BLOCKS(rn_tq1_0, from_tq1_0); return;
    case RN_Q_TQ2_0: FOR_BLOCKS(rn_tq2_0, from_tq2_0); return;
    case RN_Q_END: return;
    }
}

/* ---- NaN and infinity ------------------------------------------------------------------------ */

static bool f16_finite(uint16_t h)
{
    return (h & 0x7C00) != 0x7C00;
}

/* The halves at byte offsets `at` and, unless negative, `at2` of every block. */
static bool scales_finite(const uint8_t *p, int64_t n_blocks, size_t bytes, int at, int at2)
{
    for (int64_t i = 0; i < n_blocks; i++, p += bytes) {
        uint16_t a, b = 0;
        memcpy(&a, p + at, sizeof a);
        if (at2 >= 0) memcpy(&b, p + at2, sizeof b);
        if (!f16_finite(a) || !f16_finite(b)) return false;
    }
    return true;
}

bool rn_quant_row_finite(rn_qtype type, const void *src, int64_t n)
{
    const rn_qtype_info *info = rn_qtype_find(type);
    int64_t n_blocks = n / info->block;
    const float *f = src;
    const uint16_t *h = src;
    switch (type) {
    case RN_Q_F32:
        for (int64_t i = 0; i < n; i++)
            if (!isfinite(f[i])) return false;
        return true;
    case RN_Q_BF16:
        for (int64_t i = 0; i < n; i++)
            if ((h[i] & 0x7F80) == 0x7F80) return false;
        return true;
    case RN_Q_F16:
    case RN_Q_Q4_0:
    case RN_Q_Q5_0:
    case RN_Q_IQ4_NL:
    case RN_Q_IQ4_XS:
    case RN_Q_Q8_0: return scales_finite(src, n_blocks, info->bytes, 0, -1);
    case RN_Q_Q4_1:
    case RN_Q_Q5_1:
    case RN_Q_Q4_K:
    case RN_Q_Q5_K: return scales_finite(src, n_blocks, info->bytes, 0, 2);
    case RN_Q_Q2_K: return scales_finite(src, n_blocks, info->bytes, 80, 82);
    case RN_Q_Q3_K: return scales_finite(src, n_blocks, info->bytes, 108, -1);
    case RN_Q_Q6_K: return scales_finite(src, n_blocks, info->bytes, 208, -1);
    case RN_Q_TQ1_0: return scales_finite(src, n_blocks, info->bytes, 52, -1);
    case RN_Q_TQ2_0: return scales_finite(src, n_blocks, info->bytes, 64, -1);
    case RN_Q_MXFP4: /* a scale of 255 is not a number */
        for (int64_t i = 0; i < n_blocks; i++)
            if (((const rn_mxfp4 *)src)[i].e == 255) return false;
        return true;
    case RN_Q_END: break;
    }
    return false;
}
