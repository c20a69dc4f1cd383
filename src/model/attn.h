/*
 * attn.h: attention of many queries over cached keys and values, the prompt's shared.
 *
 * A sequence is a prefix (the prompt; stored once, shared by any number of sequences) followed by
 * its own tokens, each in pages of RN_PAGE positions. The same call serves
 *   prefill   one sequence without prefix, its own cache being the prompt's: n_rows prompt tokens
 *   decode    one row per sample; sequences in a row whose prefixes begin with the same pages are
 *             treated together there, so that a page is read once for all (a matrix product)
 *   scoring   as decode with many rows per sequence
 *
 * Query i of a sequence sees the whole prefix and its own positions 0 .. n_own + i (a sliding
 * window keeps only the last `window` of all these). Keys and values of the own positions up to
 * n_own + n_rows - 1 must have been stored before the call.
 *
 * Repeatability: softmax is computed over runs of RN_ATTN_RUN keys that start at position 0 of the
 * prefix and of the own part, combined in order; a query's result is a function of its own keys,
 * values and the length of its prefix only, bit for bit, for one kernel set. A page is a run.
 *
 * A head's part of a page (64-byte aligned), hd and vd the elements of a key and of a value:
 *   keys    blocks of 16 positions, [hd][16]: position p is column p % 16 of block p / 16
 *   values  [position][vd]; none where a value is the first vd elements of its key (latent.c)
 * F16 or F32; Q8: bytes in the same arrangement, then (separately for keys, [blocks][hd / 32][16],
 * and for values, [position][vd / 32]) F16 scales. Q4: half a byte each, less 8. Of keys, elements
 * 2 i and 2 i + 1 share row i, the first low; of values, elements i and 16 + i of each 32 share
 * byte i; both as for a multiple of 32 elements; then the scales as Q8's.
 */
#ifndef RN_MODEL_ATTN_H
#define RN_MODEL_ATTN_H

#include "model/kern.h"
#include "model/pool.h"

enum { RN_ATTN_RUN = 64, RN_PAGE = RN_ATTN_RUN };

/* Floats of a value row in the kernels' buffers: vd rounded up to whole vectors. */
static inline int rn_attn_width(int vd)
{
    return (vd + 15) / 16 * 16;
}

/* What a cache holds of a position and layer. */
typedef struct rn_kv_form {
    rn_kv_type type;
    int n_heads; /* kv heads */
    int hd, vd;  /* elements of a key and of a value; at most RN_ATTN_MAX_HD */
    bool shared; /* a value is the first vd elements of its key and is not stored */
} rn_kv_form;

/* One layer of a cache: position p lies in pages[p / RN_PAGE], whose bytes from `at` on are the
 * layer's kv heads, [n_heads] of rn_kv_head_bytes each. Plain memory of the caller's, 64-byte
 * aligned; what no position was stored to is never used. */
typedef struct rn_kv {
    char *const *pages;
    size_t at;
} rn_kv;

/* Bytes of one kv head in a page, a multiple of 64. */
size_t rn_kv_head_bytes(const rn_kv_form *form);

/* Stores position pos of every kv head: k [n_heads][hd], v [n_heads][vd] (not read where values
 * are shared). */
void rn_kv_store(const rn_kern *kern, const rn_kv_form *form, rn_kv kv, int64_t pos, const float *k,
                 const float *v);

typedef struct rn_attn_seq {
    rn_kv prefix; /* ignored if n_prefix is 0 */
    rn_kv own;
    int32_t n_prefix; /* positions of the prefix */
    int32_t n_own;    /* own positions before this call's first row */
    int32_t row;      /* first row of q and out */
    int32_t n_rows;
} rn_attn_seq;

typedef struct rn_attn {
    rn_kv_form kv;
    int n_heads;        /* a multiple of kv.n_heads; head h reads kv head h / (their ratio) */
    float scale;        /* of the scores, usually 1 / sqrt(hd) */
    int32_t window;     /* sliding window, 0 for none */
    const float *sinks; /* [n_heads]: a score of each head beside those of its keys, which takes a
                           share and has no value; NULL none */
    const float *q;     /* [rows][q_stride], a row holding [n_heads][hd] */
    float *out;         /* [rows][out_stride], a row holding [n_heads][vd] */
    int64_t q_stride, out_stride;
} rn_attn;

enum { RN_ATTN_MAX_HD = 576 }; /* DeepSeek-V2's and V3's: 512 latent, 64 rotated */

/* seqs: those whose prefixes begin alike side by side. */
void rn_attn_run(const rn_kern *kern, const rn_attn *a, const rn_attn_seq *seqs, int n_seqs,
                 rn_pool *pool);

#endif
