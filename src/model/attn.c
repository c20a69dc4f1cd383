/*
 * attn.c: see attn.h. Owns the layout of pages and the loop over runs of keys.
 *
 * Work is cut into tiles: one kv head, some consecutive rows, some of the query heads that share
 * it, at most MAX_QUERIES queries. For each page, keys and values are converted to float once per
 * tile; rows whose prefixes have a page in common go through it together, then each sequence's own
 * part.
 */
#include "model/attn.h"
#include "gguf/half.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MAX_QUERIES = 64 };

/* ---- cache ----------------------------------------------------------------------------------- */

/* Bytes of the codes of n_el elements of a position, without their scales. */
static int code_bytes(rn_kv_type type, int n_el)
{
    switch (type) {
    case RN_KV_F32: return 4 * n_el;
    case RN_KV_F16: return 2 * n_el;
    case RN_KV_Q8: return n_el;
    default: return rn_kv_q4_bytes(n_el);
    }
}

/* Bytes of the part of a head that holds keys (or values) of n_el elements. */
static size_t part_bytes(rn_kv_type type, int n_el)
{
    const int scales = type == RN_KV_Q8 || type == RN_KV_Q4 ? 2 * ((n_el + 31) / 32) : 0;
    return ((size_t)(RN_PAGE * (code_bytes(type, n_el) + scales)) + 63) / 64 * 64;
}

size_t rn_kv_head_bytes(const rn_kv_form *form)
{
    return part_bytes(form->type, form->hd) + (form->shared ? 0 : part_bytes(form->type, form->vd));
}

/* Element i of the key at place pos of a page: where it lies in its part. */
static int key_at(int hd, int pos, int i)
{
    return (pos / RN_KEY_BLOCK * hd + i) * RN_KEY_BLOCK + pos % RN_KEY_BLOCK;
}

static void store_q8(const float *x, int n, int8_t q[32], uint16_t *scale)
{
    float most = 0;
    for (int i = 0; i < n; i++)
        most = fmaxf(most, fabsf(x[i]));
    *scale = rn_f32_to_f16(most / 127);
    const float d = rn_f16_to_f32(*scale), inverse = d > 0 && isfinite(d) ? 1 / d : 0;
    for (int i = 0; i < n; i++) {
        float v = x[i] * inverse;
        q[i] = (int8_t)(v >= 127 ? 127 : v <= -127 ? -127 : isnan(v) ? 0 : (int)rintf(v));
    }
}

/* Codes 0 to 15 of n <= 32 elements, those beyond n as of 0; the element that is largest either way
 * becomes -8 scales exactly. */
static void store_q4(const float *x, int n, uint8_t q[32], uint16_t *scale)
{
    float most = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(most)) most = x[i];
    *scale = rn_f32_to_f16(most / -8);
    const float d = rn_f16_to_f32(*scale), inverse = d != 0 && isfinite(d) ? 1 / d : 0;
    for (int i = 0; i < 32; i++) {
        const float v = i < n ? x[i] * inverse : 0;
        q[i] = (uint8_t)(v >= 7 ? 15 : v <= -8 ? 0 : isnan(v) ? 8 : 8 + (int)rintf(v));
    }
}

static int in_group(int n_el, int g)
{
    return n_el - 32 * g < 32 ? n_el - 32 * g : 32;
}

/* One key [hd] at place pos of a head's keys. */
static void store_key(const rn_kern *kern, const rn_kv_form *form, uint8_t *keys, int pos,
                      const float *k)
{
    const int hd = form->hd, groups = (hd + 31) / 32;
    if (form->type == RN_KV_F32) {
        for (int i = 0; i < hd; i++)
            ((float *)(void *)keys)[key_at(hd, pos, i)] = k[i];
        return;
    }
    if (form->type == RN_KV_F16) {
        uint16_t half[RN_ATTN_MAX_HD];
        kern->to_half(k, hd, half);
        for (int i = 0; i < hd; i++)
            ((uint16_t *)(void *)keys)[key_at(hd, pos, i)] = half[i];
        return;
    }
    uint16_t *scales = (uint16_t *)(void *)(keys + RN_PAGE * code_bytes(form->type, hd));
    for (int g = 0; g < groups; g++) {
        const int at = (pos / RN_KEY_BLOCK * groups + g) * RN_KEY_BLOCK + pos % RN_KEY_BLOCK;
        if (form->type == RN_KV_Q4) {
            uint8_t q[32];
            store_q4(k + 32 * g, in_group(hd, g), q, &scales[at]);
            for (int i = 0; i < 16; i++)
                keys[key_at(rn_kv_q4_bytes(hd), pos, 16 * g + i)] =
                    (uint8_t)(q[2 * i] | q[2 * i + 1] << 4);
            continue;
        }
        int8_t q[32];
        store_q8(k + 32 * g, in_group(hd, g), q, &scales[at]);
        for (int i = 0; i < in_group(hd, g); i++)
            ((int8_t *)keys)[key_at(hd, pos, 32 * g + i)] = q[i];
    }
}

/* One value [vd] at place pos of a head's values. */
static void store_value(const rn_kern *kern, const rn_kv_form *form, uint8_t *values, int pos,
                        const float *v)
{
    const int vd = form->vd, groups = (vd + 31) / 32;
    if (form->type == RN_KV_F32) {
        memcpy((float *)(void *)values + pos * vd, v, (size_t)vd * sizeof *v);
        return;
    }
    if (form->type == RN_KV_F16) {
        kern->to_half(v, vd, (uint16_t *)(void *)values + pos * vd);
        return;
    }
    const int bytes = code_bytes(form->type, vd);
    uint16_t *scales = (uint16_t *)(void *)(values + RN_PAGE * bytes);
    for (int g = 0; g < groups; g++) {
        if (form->type == RN_KV_Q4) {
            uint8_t q[32], *at = values + pos * bytes + 16 * g;
            store_q4(v + 32 * g, in_group(vd, g), q, &scales[pos * groups + g]);
            for (int i = 0; i < 16; i++)
                at[i] = (uint8_t)(q[i] | q[16 + i] << 4);
            continue;
        }
        int8_t q[32];
        store_q8(v + 32 * g, in_group(vd, g), q, &scales[pos * groups + g]);
        memcpy(values + pos * vd + 32 * g, q, (size_t)in_group(vd, g));
    }
}

void rn_kv_store(const rn_kern *kern, const rn_kv_form *form, rn_kv kv, int64_t pos, const float *k,
                 const float *v)
{
    const size_t head_bytes = rn_kv_head_bytes(form), key_bytes = part_bytes(form->type, form->hd);
    uint8_t *heads = (uint8_t *)kv.pages[pos / RN_PAGE] + kv.at;
    const int place = (int)(pos % RN_PAGE);
    for (int h = 0; h < form->n_heads; h++) {
        uint8_t *head = heads + (size_t)h * head_bytes;
        store_key(kern, form, head, place, k + (int64_t)h * form->hd);
        if (!form->shared)
            store_value(kern, form, head + key_bytes, place, v + (int64_t)h * form->vd);
    }
}

/* ---- attention ------------------------------------------------------------------------------- */

typedef struct attn_job {
    const rn_kern *kern;
    const rn_attn *a;
    const rn_attn_seq *seqs;
    int n_seqs;
    int heads_per_kv, tile_heads,
        head_parts; /* query heads of a tile, tiles of a kv head's heads */
    int tile_rows;
    int64_t n_rows, row_tiles; /* rows of all sequences */
} attn_job;

/* Queries of a tile: `n` of them, those of one row side by side. */
typedef struct tile {
    int n, heads; /* n = rows * heads */
    float q[MAX_QUERIES * RN_ATTN_MAX_HD];
    float out[MAX_QUERIES * RN_ATTN_MAX_HD];
    float max[MAX_QUERIES], sum[MAX_QUERIES], decay[MAX_QUERIES];
    int lo[MAX_QUERIES], hi[MAX_QUERIES]; /* keys of the run that a query sees */
    int32_t position[MAX_QUERIES];        /* in the sequence, prefix included */
    float s[MAX_QUERIES * RN_ATTN_RUN];
    float kv[RN_ATTN_RUN * RN_ATTN_MAX_HD]; /* keys of the run, then its values */
} tile;

/* In place: keys [n_blocks][hd][16] become values [16 n_blocks][rn_attn_width(vd)], their first vd
 * elements. A block's values end before the keys of the next begin, since vd <= hd. */
static void keys_to_values(float *kv, int hd, int vd, int n_blocks)
{
    const int width = rn_attn_width(vd);
    float block[RN_ATTN_MAX_HD * RN_KEY_BLOCK];
    for (int b = 0; b < n_blocks; b++) {
        const float *keys =
            memcpy(block, kv + b * hd * RN_KEY_BLOCK, (size_t)(vd * RN_KEY_BLOCK) * sizeof *block);
        float *out = kv + b * width * RN_KEY_BLOCK;
        for (int p = 0; p < RN_KEY_BLOCK; p++, out += width) {
            for (int d = 0; d < vd; d++)
                out[d] = keys[d * RN_KEY_BLOCK + p];
            for (int d = vd; d < width; d++)
                out[d] = 0;
        }
    }
}

/* Queries [q0, q1) over the first n positions of a page, which are base, base + 1 .. of their
 * sequences. */
static void run_page(const attn_job *job, tile *t, int q0, int q1, const uint8_t *head,
                     int32_t base, int n)
{
    const rn_attn *a = job->a;
    const rn_kv_form *form = &a->kv;
    const int hd = form->hd, width = rn_attn_width(form->vd), n_q = q1 - q0;
    const int n_blocks = (n + RN_KEY_BLOCK - 1) / RN_KEY_BLOCK;
    for (int b = 0; b < n_blocks; b++)
        job->kern->load_keys(form->type, head, RN_PAGE, hd, b, t->kv + b * RN_KEY_BLOCK * hd);
    job->kern->scores(t->kv, n_blocks, t->q + q0 * hd, n_q, hd, t->s);
    for (int i = 0; i < n_q; i++) {
        const int32_t seen = t->position[q0 + i] - base; /* the query's place in the page */
        t->hi[i] = seen < n ? seen + 1 : n;
        t->lo[i] = a->window > 0 && seen >= a->window ? seen - a->window + 1 : 0;
    }
    job->kern->softmax_step(t->s, n_q, n_blocks, t->lo, t->hi, a->scale, &t->max[q0], &t->sum[q0],
                            t->decay);
    if (form->shared)
        keys_to_values(t->kv, hd, form->vd, n_blocks);
    else
        job->kern->load_values(form->type, head + part_bytes(form->type, hd), RN_PAGE, form->vd, 0,
                               n, t->kv);
    job->kern->mix(t->kv, n, width, t->s, t->decay, n_q, t->out + q0 * width);
}

static const uint8_t *head_of(const attn_job *job, const rn_kv *kv, int32_t page, int kv_head)
{
    return (const uint8_t *)kv->pages[page] + kv->at +
           (size_t)kv_head * rn_kv_head_bytes(&job->a->kv);
}

/* Queries [q0, q1) of one sequence over `n_keys` positions of a cache that start at position `base`
 * of the sequence (0: the prefix; n_prefix: the own part). */
static void run_keys(const attn_job *job, tile *t, int q0, int q1, const rn_kv *kv, int kv_head,
                     int32_t base, int32_t n_keys)
{
    /* The window's first key for the first query; those of later ones lie behind it. */
    const int32_t window = job->a->window;
    int32_t first = window > 0 ? t->position[q0] - window + 1 - base : 0;
    for (int32_t p = first < 0 ? 0 : first / RN_PAGE; p * RN_PAGE < n_keys; p++) {
        const int32_t left = n_keys - p * RN_PAGE;
        run_page(job, t, q0, q1, head_of(job, kv, p, kv_head), base + p * RN_PAGE,
                 left < RN_PAGE ? left : RN_PAGE);
    }
}

/* Page p of a prefix, or NULL where it is shorter; *n: positions in it. */
static const char *prefix_page(const rn_attn_seq *s, int32_t p, int32_t *n)
{
    const int32_t left = s->n_prefix - p * RN_PAGE;
    *n = left < RN_PAGE ? left : RN_PAGE;
    return left > 0 ? s->prefix.pages[p] : NULL;
}

/* The prefixes of rows [row0, row1), of which the first belongs to sequence s that starts at
 * `start`: page after page, rows of neighbours with the same page in its place together. */
static void run_prefixes(const attn_job *job, tile *t, int64_t row0, int64_t row1, int s,
                         int64_t start, int kv_head)
{
    int32_t longest = 0;
    int64_t at = start;
    for (int i = s; at < row1; at += job->seqs[i++].n_rows)
        if (job->seqs[i].n_prefix > longest) longest = job->seqs[i].n_prefix;
    for (int32_t p = 0; p * RN_PAGE < longest; p++) {
        at = start;
        for (int i = s; at < row1;) {
            int32_t n, more;
            const rn_attn_seq *seq = &job->seqs[i];
            const char *page = prefix_page(seq, p, &n);
            const int64_t first = at > row0 ? at : row0;
            do
                at += job->seqs[i++].n_rows;
            while (at < row1 && prefix_page(&job->seqs[i], p, &more) == page && more == n);
            const int64_t stop = at < row1 ? at : row1;
            if (page)
                run_page(job, t, (int)(first - row0) * t->heads, (int)(stop - row0) * t->heads,
                         head_of(job, &seq->prefix, p, kv_head), p * RN_PAGE, n);
        }
    }
}

/* Rows [row0, row1) of all sequences' rows counted together, heads [h0, h0 + heads) of a kv head.
 */
static void run_tile(const attn_job *job, int64_t row0, int64_t row1, int kv_head, int h0,
                     int heads)
{
    _Alignas(64) tile t;
    const int hd = job->a->kv.hd, vd = job->a->kv.vd, width = rn_attn_width(vd);
    const int first_head = kv_head * job->heads_per_kv + h0;
    /* The sequence that row0 belongs to, and its first row's count. */
    int s = 0;
    int64_t start = 0;
    while (start + job->seqs[s].n_rows <= row0)
        start += job->seqs[s++].n_rows;
    const int s0 = s;
    const int64_t start0 = start;

    t.heads = heads;
    t.n = (int)(row1 - row0) * heads;
    memset(t.out, 0, (size_t)(t.n * width) * sizeof *t.out);
    int n = 0;
    for (int64_t row = row0; row < row1; row++) {
        while (row >= start + job->seqs[s].n_rows)
            start += job->seqs[s++].n_rows;
        const rn_attn_seq *seq = &job->seqs[s];
        const int32_t i = (int32_t)(row - start);
        const float *q = job->a->q + (seq->row + i) * job->a->q_stride + (int64_t)first_head * hd;
        memcpy(t.q + n * hd, q, (size_t)(heads * hd) * sizeof *q);
        for (int h = 0; h < heads; h++, n++) {
            /* A sink is as a key of that score, seen first, whose value is 0. */
            t.max[n] = job->a->sinks ? job->a->sinks[first_head + h] : -INFINITY;
            t.sum[n] = job->a->sinks ? 1 : 0;
            t.position[n] = seq->n_prefix + seq->n_own + i;
        }
    }

    /* Their positions may be in any order, so a window starts each sequence on its own. */
    if (job->a->window == 0) run_prefixes(job, &t, row0, row1, s0, start0, kv_head);

    s = s0, start = start0;
    for (int64_t row = row0; row < row1; s++) {
        const rn_attn_seq *seq = &job->seqs[s];
        const int64_t end = start + seq->n_rows, stop = end < row1 ? end : row1;
        const int q0 = (int)(row - row0) * heads, q1 = (int)(stop - row0) * heads;
        if (job->a->window > 0 && seq->n_prefix > 0)
            run_keys(job, &t, q0, q1, &seq->prefix, kv_head, 0, seq->n_prefix);
        run_keys(job, &t, q0, q1, &seq->own, kv_head, seq->n_prefix,
                 seq->n_own + (int32_t)(stop - start));
        for (; row < stop; row++)
            for (int h = 0; h < heads; h++) {
                const int at = (int)(row - row0) * heads + h;
                float *out = job->a->out + (seq->row + (row - start)) * job->a->out_stride +
                             (int64_t)(first_head + h) * vd;
                memcpy(out, t.out + at * width, (size_t)vd * sizeof *out);
                job->kern->scale(1 / t.sum[at], vd, out);
            }
        start = end;
    }
}

static void run_tiles(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const attn_job *job = arg;
    for (int64_t i = begin; i < end; i++) {
        const int64_t tile_of_row = i % job->row_tiles, rest = i / job->row_tiles;
        const int part = (int)(rest % job->head_parts), kv_head = (int)(rest / job->head_parts);
        const int h0 = part * job->tile_heads, left = job->heads_per_kv - h0;
        const int64_t row0 = tile_of_row * job->tile_rows, row1 = row0 + job->tile_rows;
        run_tile(job, row0, row1 < job->n_rows ? row1 : job->n_rows, kv_head, h0,
                 left < job->tile_heads ? left : job->tile_heads);
    }
}

void rn_attn_run(const rn_kern *kern, const rn_attn *a, const rn_attn_seq *seqs, int n_seqs,
                 rn_pool *pool)
{
    assert(a->n_heads % a->kv.n_heads == 0);
    assert(a->kv.hd <= RN_ATTN_MAX_HD && a->kv.vd <= RN_ATTN_MAX_HD);
    assert(!a->kv.shared || rn_attn_width(a->kv.vd) <= a->kv.hd);
    attn_job job = {.kern = kern,
                    .a = a,
                    .seqs = seqs,
                    .n_seqs = n_seqs,
                    .heads_per_kv = a->n_heads / a->kv.n_heads};
    for (int i = 0; i < n_seqs; i++)
        job.n_rows += seqs[i].n_rows;
    if (job.n_rows == 0) return;
    /* The largest tiles that leave every thread two. */
    int64_t items = 0;
    for (int queries = MAX_QUERIES; queries > 0; queries /= 2) {
        job.tile_heads = job.heads_per_kv < queries ? job.heads_per_kv : queries;
        job.head_parts = (job.heads_per_kv + job.tile_heads - 1) / job.tile_heads;
        job.tile_rows = queries / job.tile_heads;
        job.row_tiles = (job.n_rows + job.tile_rows - 1) / job.tile_rows;
        items = a->kv.n_heads * job.head_parts * job.row_tiles;
        if (items >= 2 * (int64_t)rn_pool_threads(pool)) break;
    }
    rn_pool_for(pool, items, 1, run_tiles, &job);
}
