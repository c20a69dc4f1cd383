/*
 * kern.h: the kernel set of one instruction set, as a table of functions.
 *
 * mat.h, attn.h and ops.h are what callers use; this header is for those three and for the files
 * kern_<isa>.c, which fill one table each from the same templates (tile_body.h, pack_body.h,
 * attn_body.h, ops_body.h) over sixteen lanes (simd.h).
 *
 * Layout of packed weights. A strip is RN_STRIP = 32 weight rows; lane r of a vector belongs to row
 * r, and a strip is two vectors of 16 rows. Columns come in blocks of 32 = 8 quads of 4; quad j of
 * 16 rows is 64 bytes, byte 4 r + i being row r, column 4 j + i, as an integer dot product wants
 * it. A block of 8-bit weights is [8 quads][2 vectors][64 bytes]. Smaller ones share bytes, at the
 * same byte position 4 r + i, so that unpacking is a shift and a mask whatever the instruction set:
 *
 *   4 bits  [4][2][64]  byte v: quad 2 v in the low nibble, quad 2 v + 1 in the high one
 *   2 bits  [2][2][64]  byte v: quads 4 v .. 4 v + 3, from the low pair of bits up
 *   1 bit   [1][2][64]  bit j: quad j
 *
 * Integer types: a strip is its blocks' quants, then its blocks' scales (see pack.c).
 * Float types: a strip is [cols][32] elements of the file's type.
 *
 * Layout of activations. Rows are dealt to panels of at most `panel_rows`; within a panel, block
 * after block of 32 columns (rn_xblock_bytes), then planes (rn_xplane).
 */
#ifndef RN_MODEL_KERN_H
#define RN_MODEL_KERN_H

#include "gguf/quant.h"
#include "model/cpu.h"

enum {
    RN_LANES = 16,                     /* weight rows of a vector */
    RN_STRIP = 32,                     /* weight rows of a strip */
    RN_BLOCK = 32,                     /* columns of a block */
    RN_QUADS = 8,                      /* quads of four columns in a block */
    RN_Q8_BYTES = RN_STRIP * RN_BLOCK, /* a block of 8-bit quants of a strip */
    RN_SLAB = 16,                      /* blocks that are unpacked and multiplied at a time */
    RN_KEY_BLOCK = 16,                 /* positions of a block of keys */
};

/* How a block's integers become floats; d and m are per weight row, x's d and sum per row of x:
 *   RN_FOLD_D    y += d xd (sum of w x)                      one scale per block of 32
 *   RN_FOLD_DM   y += d xd (sum of w x) + m xd (sum of x)    scale and (negated) minimum
 *   the _16 forms have a scale (and minimum) per 16 columns, the first half first. */
typedef enum rn_fold { RN_FOLD_D, RN_FOLD_DM, RN_FOLD_D_16, RN_FOLD_DM_16, RN_N_FOLDS } rn_fold;

/* Halves have a scale each. */
static inline bool rn_fold_halves(rn_fold fold)
{
    return fold == RN_FOLD_D_16 || fold == RN_FOLD_DM_16;
}

/* Blocks of one strip, ready to multiply. Without minimum, weights are signed, or (kernel sets with
 * `biased`) unsigned with 128 added; with minimum they are unsigned. */
typedef struct rn_wslab {
    const uint8_t *q;    /* quants of the first block */
    size_t q_step_bytes; /* from block to block */
    bool nibbles;        /* 4 bits a weight as packed, else 8 */
    rn_fold fold;
    const float *d, *m; /* [n_blocks][1 or 2][RN_STRIP] */
    int n_blocks;
    const uint8_t *ahead; /* what to prefetch while working on this, so much per block */
    size_t ahead_step_bytes;
} rn_wslab;

/* A panel of n rows of activations: blocks of [n][32] bytes q and float d [n], which every product
 * reads in one stream; behind them planes, over all blocks, of what only some need, so that the
 * others find more in their caches. */
static inline size_t rn_xblock_bytes(int n)
{
    return (size_t)n * 36;
}
static inline size_t rn_xblock_d(int n)
{
    return (size_t)n * 32;
}

typedef enum rn_xplane {
    RN_X_INIT,   /* int32 -128 sum(q) [n] of each block */
    RN_X_SUM,    /* float d sum(q) [n] */
    RN_X_INIT16, /* the same of each half [2][n] */
    RN_X_SUM16,
} rn_xplane;

/* What a fold needs beside q and d; sets that are not biased do without RN_X_INIT. */
static inline rn_xplane rn_fold_plane(rn_fold fold)
{
    static const rn_xplane planes[] = {
        [RN_FOLD_D] = RN_X_INIT,
        [RN_FOLD_DM] = RN_X_SUM,
        [RN_FOLD_D_16] = RN_X_INIT16,
        [RN_FOLD_DM_16] = RN_X_SUM16,
    };
    return planes[fold];
}

/* Where a plane begins in a panel of `cells` rows times blocks; all planes and blocks end at
 * rn_xpanel_bytes. */
static inline size_t rn_xplane_at(rn_xplane plane, size_t cells)
{
    static const size_t at[] = {36, 40, 44, 52};
    return at[plane] * cells;
}
static inline size_t rn_xpanel_bytes(size_t cells)
{
    return 60 * cells;
}

/* Keys and values of 1 to n positions of one head; see attn.h for the layouts. */
typedef enum rn_kv_type { RN_KV_F16, RN_KV_F32, RN_KV_Q8, RN_KV_Q4, RN_N_KV_TYPES } rn_kv_type;

/* Bytes of n_el elements of 4 bits, a whole number of groups of 32. */
static inline int rn_kv_q4_bytes(int n_el)
{
    return (n_el + 31) / 32 * 16;
}

/* Some of a row's tokens, 16 at a time as they lie side by side there, in rising order: lane j of
 * group i is token at[i] + j. Tokens of a group that do not belong have l = -inf, w = 0. */
typedef struct rn_tokens {
    float *l, *w;      /* [n]: logits, weights */
    int32_t *at;       /* [n / 16] */
    int64_t n;         /* a multiple of 16 */
    float least, most; /* of l, without those that do not belong */
} rn_tokens;

/* Where they are taken from: a row, or such groups. */
typedef struct rn_row {
    const float *l, *w; /* [n] */
    const int32_t *at;  /* [n / 16]; NULL: token i is i */
    int64_t n;
} rn_row;

typedef struct rn_kern {
    rn_isa isa;
    bool biased;
    bool unpacks; /* tiles multiply only what `unpack` made */
    int panel_rows;
    /* The set that serves products of up to few_rows rows, and of float weights: same packed
     * weights, same bits. NULL: this one. */
    const struct rn_kern *few;
    int few_rows;

    /* Before a thread's first call of `tile`, whose panels have up to `rows` rows and differ by at
     * most one, and after its last. NULL: nothing to do. */
    void (*enter)(int rows);
    void (*leave)(void);

    /* x [n][stride] -> one panel of n <= panel_rows rows; cols % 32 == 0. */
    void (*quantise)(const float *x, int64_t stride, int n, int64_t cols, uint8_t *panel);
    /* y[n][stride] (32 columns) = from [n][RN_STRIP] (NULL: 0) + the slab times n rows; x, side:
     * the panel's first block of it, and the plane that its fold needs there (rn_fold_plane). */
    void (*tile)(const rn_wslab *w, const uint8_t *x, const uint8_t *side, int n, const float *from,
                 float *y, int64_t stride);
    /* n_blocks blocks of a strip's quants to 8-bit [n_blocks][RN_Q8_BYTES]. */
    void (*unpack)(rn_qtype type, const uint8_t *q, int n_blocks, uint8_t *out);
    /* n_blocks blocks of scales, from block `first` of the strip, to d and m as rn_wslab has them.
     */
    void (*scales)(rn_qtype type, const uint8_t *s, int64_t first, int n_blocks, float *d,
                   float *m);
    /* y[n][stride] (32 columns) = strip of a float type, [cols][32], times n rows [cols][n]. */
    void (*ftile)(rn_qtype type, const void *w, const float *x, int64_t cols, int n, float *y,
                  int64_t stride);

    /* Attention over one run of keys; see attn_body.h. */
    void (*load_keys)(rn_kv_type type, const void *head, int64_t capacity, int hd, int64_t block,
                      float *out);
    void (*load_values)(rn_kv_type type, const void *values, int64_t capacity, int hd, int64_t pos,
                        int n, float *out);
    void (*scores)(const float *keys, int n_blocks, const float *q, int n_q, int hd, float *s);
    void (*softmax_step)(float *s, int n_q, int n_blocks, const int *lo, const int *hi, float scale,
                         float *max, float *sum, float *decay);
    void (*mix)(const float *values, int n_keys, int width, const float *p, const float *decay,
                int n_q, float *out);

    /* Row operations; see ops.h. */
    void (*rmsnorm)(const float *x, const float *w, float eps, int64_t n, float *y);
    void (*layernorm)(const float *x, const float *w, const float *b, float eps, int64_t n,
                      float *y);
    void (*add)(const float *x, int64_t n, float *y);
    void (*scale)(float s, int64_t n, float *y);
    void (*silu_mul)(const float *gate, const float *up, int64_t n, float *y);
    void (*gelu)(const float *x, int64_t n, float *y);
    double (*exp_row)(const float *x, float max, float scale, int64_t n, float *y);
    float (*max_row)(const float *x, int64_t n);
    void (*keep_between)(const float *x, float lo, float hi, const rn_row *from, rn_tokens *to);
    double (*mass_above)(const float *l, const float *w, int64_t n, float t);
    void (*to_half)(const float *x, int64_t n, uint16_t *y);

    /* n turns of independent dot products, peak_macs products of bytes each, by the instruction
     * peak_name; and reading n bytes (a multiple of 1024). See peak.h. */
    int64_t peak_macs;
    const char *peak_name;
    uint32_t (*peak_dots)(int64_t n);
    uint32_t (*peak_read)(const uint8_t *p, size_t n);
} rn_kern;

/* The table of an instruction set; NULL if this machine cannot run it. Static. */
const rn_kern *rn_kern_get(rn_isa isa);

#endif
