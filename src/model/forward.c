/*
 * forward.c: the decoder, layer by layer, for all rows of a batch; see forward.h.
 *
 *   x  = embedding                                                   [rows, d_model]
 *   for each layer:
 *     h  = norm(x)                                                   [rows, d_model]
 *     q, k, v = Wq h, Wk h, Wv h (+ biases)       [rows, n_head hd], [rows, n_kv_head hd] twice
 *     q, k = rotate(norm(q)), rotate(norm(k)); store k, v
 *     x += Wo attention(q, cache) (+ bias)
 *     h  = norm(x)
 *     x += Wdown (silu(Wgate h) * (Wup h)), or Wdown gelu(Wup h) (+ biases)
 *   logits = Wout norm(x)                                            [rows, n_vocab]
 *
 * Work between the products is done row by row, rows shared among the threads.
 */
#include "model/forward.h"

#include "model/ops.h"

#include <math.h>
#include <stdlib.h>

/* Multiplications of a layer below which a pass is done before other threads have woken. */
enum { SMALL_PASS = 1 << 20 };

struct rn_forward {
    const rn_model *m;
    rn_pool *all;  /* the threads there are */
    rn_pool *pool; /* those that this pass uses: all, or NULL for one */
    int64_t layer_weights;
    rn_kv_type kv;
    int32_t max_rows, max_pos, n_rows;
    float *x;          /* [rows, d_model]: the residual stream */
    float *h;          /* [rows, max(d_model, n_head hd)]: normed input, then attention's output */
    float *q;          /* [rows, n_head hd] */
    float *k, *v;      /* [rows, n_kv_head hd] */
    float *gate, *up;  /* [rows, d_ff] */
    float *rope;       /* [max_pos, n_rot / 2, 2]: cos and sin */
    rn_act *act;       /* the input of products, as the kernels want it */
    rn_attn_seq *seqs; /* [rows] */
    int32_t *tok, *pos, *own_pos; /* [rows] */
    int32_t *span_of;             /* [rows] */
    const rn_span *spans;         /* of this pass */
    int32_t layer;                /* at work */
};

static int64_t wider(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Forms of activations that some matrix of the model needs. */
static unsigned forms_of(const rn_model *m)
{
    unsigned forms = rn_mat_form(m->output);
    for (int32_t i = 0; i < m->hp.n_layer; i++) {
        const rn_layer *y = &m->layers[i];
        const rn_mat *w[] = {y->wq, y->wk, y->wv, y->wo, y->wgate, y->wup, y->wdown};
        for (size_t j = 0; j < sizeof w / sizeof w[0]; j++)
            if (w[j]) forms |= rn_mat_form(w[j]);
    }
    return forms;
}

static int64_t widest_input(const rn_hparams *h)
{
    return wider(wider(h->d_model, h->d_ff), (int64_t)h->n_head * h->head_dim);
}

/* Floats of all buffers that have a row per token. */
static size_t row_floats(const rn_hparams *h)
{
    size_t nq = (size_t)h->n_head * (size_t)h->head_dim;
    size_t nkv = (size_t)h->n_kv_head * (size_t)h->head_dim;
    return (size_t)h->d_model + (size_t)wider(h->d_model, (int64_t)nq) + nq + 2 * nkv +
           2 * (size_t)h->d_ff;
}

size_t rn_forward_bytes(const rn_model *m, int32_t max_rows, int32_t max_pos)
{
    const rn_hparams *h = &m->hp;
    return (size_t)max_rows *
               (row_floats(h) * sizeof(float) + sizeof(rn_attn_seq) + 4 * sizeof(int32_t)) +
           (size_t)max_pos * (size_t)h->n_rot * sizeof(float) +
           rn_act_bytes(m->kern, max_rows, widest_input(h), forms_of(m));
}

static float *floats(size_t rows, size_t n)
{
    size_t bytes = (rows * n * sizeof(float) + 63) / 64 * 64;
    return aligned_alloc(64, bytes ? bytes : 64);
}

int rn_forward_open(const rn_model *m, rn_pool *pool, int32_t max_rows, int32_t max_pos,
                    rn_kv_type kv, rn_forward **out, rn_err *err)
{
    const rn_hparams *h = &m->hp;
    rn_forward *f = calloc(1, sizeof *f);
    if (!f) return rn_fail(err, RN_ENOMEM, "out of memory for the buffers of a model");
    *f = (rn_forward){.m = m, .all = pool, .kv = kv, .max_rows = max_rows, .max_pos = max_pos};
    size_t r = (size_t)max_rows, hd = (size_t)h->head_dim;
    size_t nq = (size_t)h->n_head * hd, nkv = (size_t)h->n_kv_head * hd;
    f->layer_weights = (int64_t)h->d_model * ((int64_t)(2 * nq + 2 * nkv) + 3 * (int64_t)h->d_ff);
    f->x = floats(r, (size_t)h->d_model);
    f->h = floats(r, (size_t)wider(h->d_model, (int64_t)nq));
    f->q = floats(r, nq);
    f->k = floats(r, nkv);
    f->v = floats(r, nkv);
    f->gate = h->arch->gated ? floats(r, (size_t)h->d_ff) : NULL;
    f->up = floats(r, (size_t)h->d_ff);
    f->rope = floats((size_t)max_pos, (size_t)h->n_rot);
    f->seqs = calloc(r, sizeof *f->seqs);
    f->tok = calloc(r, sizeof *f->tok);
    f->pos = calloc(r, sizeof *f->pos);
    f->own_pos = calloc(r, sizeof *f->own_pos);
    f->span_of = calloc(r, sizeof *f->span_of);
    int rc = 0;
    if (!f->x || !f->h || !f->q || !f->k || !f->v || (h->arch->gated && !f->gate) || !f->up ||
        !f->rope || !f->seqs || !f->tok || !f->pos || !f->own_pos || !f->span_of)
        rc = rn_fail(err, RN_ENOMEM, "out of memory for passes of %d rows", max_rows);
    if (!rc) rc = rn_act_new(m->kern, max_rows, widest_input(h), forms_of(m), &f->act, err);
    if (rc) {
        rn_forward_close(f);
        return rc;
    }
    for (int32_t p = 0; p < max_pos; p++)
        rn_rope_table(p, h->n_rot, h->rope_base, 1.0 / h->rope_scale, m->rope_factors,
                      f->rope + (size_t)p * (size_t)h->n_rot);
    *out = f;
    return 0;
}

void rn_forward_close(rn_forward *f)
{
    if (!f) return;
    void *all[] = {f->x,    f->h,    f->q,   f->k,   f->v,       f->gate,   f->up,
                   f->rope, f->seqs, f->tok, f->pos, f->own_pos, f->span_of};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    rn_act_free(f->act);
    free(f);
}

/* ---- work on single rows -----------------------------------------------------------------------
 */

static void norm(const rn_model *m, const float *x, const float *w, const float *b, float *y)
{
    if (m->hp.arch->layer_norm)
        rn_layernorm(m->kern, x, w, b, m->hp.norm_eps, m->hp.d_model, y);
    else
        rn_rmsnorm(m->kern, x, w, m->hp.norm_eps, m->hp.d_model, y);
}

static void embed_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_tensor *t = f->m->embd;
    size_t row_bytes = rn_quant_row_bytes(t->type, t->ne[0]);
    for (int64_t r = begin; r < end; r++)
        rn_dequant_row(t->type, (const char *)t->data + (size_t)f->tok[r] * row_bytes,
                       f->x + r * f->m->hp.d_model, f->m->hp.d_model);
}

static void attn_norm_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_layer *y = &f->m->layers[f->layer];
    int64_t d = f->m->hp.d_model;
    for (int64_t r = begin; r < end; r++)
        norm(f->m, f->x + r * d, y->attn_norm, y->attn_norm_b, f->h + r * d);
}

/* Biases, query and key norms, rotation; then the key and value go to the cache. */
static void store_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_hparams *h = &f->m->hp;
    const rn_layer *y = &f->m->layers[f->layer];
    const rn_kern *kern = f->m->kern;
    int hd = h->head_dim, nq = h->n_head * hd, nkv = h->n_kv_head * hd;
    rn_rope_kind kind = h->arch->rope_halves ? RN_ROPE_HALVES : RN_ROPE_NEIGHBOURS;
    for (int64_t r = begin; r < end; r++) {
        float *q = f->q + r * nq, *k = f->k + r * nkv, *v = f->v + r * nkv;
        if (y->bq) rn_add(kern, y->bq, nq, q);
        if (y->bk) rn_add(kern, y->bk, nkv, k);
        if (y->bv) rn_add(kern, y->bv, nkv, v);
        for (int i = 0; y->q_norm && i < h->n_head; i++)
            rn_rmsnorm(kern, q + i * hd, y->q_norm, h->norm_eps, hd, q + i * hd);
        for (int i = 0; y->k_norm && i < h->n_kv_head; i++)
            rn_rmsnorm(kern, k + i * hd, y->k_norm, h->norm_eps, hd, k + i * hd);
        const float *cs = f->rope + (size_t)f->pos[r] * (size_t)h->n_rot;
        rn_rope(kind, cs, h->n_rot, h->n_head, hd, q);
        rn_rope(kind, cs, h->n_rot, h->n_kv_head, hd, k);
        const rn_span *s = &f->spans[f->span_of[r]];
        rn_kv_store(kern, f->kv, rn_cache_layer(s->own, f->layer), h->n_kv_head, hd, f->own_pos[r],
                    k, v);
    }
}

/* h holds Wo's product: to the residual stream; then the feed-forward's input. */
static void ffn_norm_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_layer *y = &f->m->layers[f->layer];
    int64_t d = f->m->hp.d_model;
    for (int64_t r = begin; r < end; r++) {
        float *x = f->x + r * d, *h = f->h + r * d;
        rn_add(f->m->kern, h, d, x);
        if (y->bo) rn_add(f->m->kern, y->bo, d, x);
        norm(f->m, x, y->ffn_norm, y->ffn_norm_b, h);
    }
}

static void ffn_act_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_layer *y = &f->m->layers[f->layer];
    int64_t n = f->m->hp.d_ff;
    for (int64_t r = begin; r < end; r++) {
        float *up = f->up + r * n;
        if (y->bup) rn_add(f->m->kern, y->bup, n, up);
        if (!f->gate) {
            rn_gelu(f->m->kern, up, n, up);
            continue;
        }
        float *gate = f->gate + r * n;
        if (y->bgate) rn_add(f->m->kern, y->bgate, n, gate);
        rn_silu_mul(f->m->kern, gate, up, n, up);
    }
}

/* h holds Wdown's product: to the residual stream. */
static void residual_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_layer *y = &f->m->layers[f->layer];
    int64_t d = f->m->hp.d_model;
    for (int64_t r = begin; r < end; r++) {
        rn_add(f->m->kern, f->h + r * d, d, f->x + r * d);
        if (y->bdown) rn_add(f->m->kern, y->bdown, d, f->x + r * d);
    }
}

static void out_norm_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    int64_t d = f->m->hp.d_model;
    for (int64_t r = begin; r < end; r++)
        norm(f->m, f->x + r * d, f->m->out_norm, f->m->out_norm_b, f->h + r * d);
}

/* ---- a pass ---------------------------------------------------------------------------------- */

static void each_row(rn_forward *f, rn_pool_fn *fn)
{
    rn_pool_for(f->pool, f->n_rows, 1, fn, f);
}

static void attend(rn_forward *f, int32_t n_spans)
{
    const rn_hparams *h = &f->m->hp;
    int32_t row = 0;
    for (int32_t i = 0; i < n_spans; i++) {
        const rn_span *s = &f->spans[i];
        f->seqs[i] = (rn_attn_seq){
            .prefix = s->prefix ? rn_cache_layer(s->prefix, f->layer) : (rn_kv){0},
            .own = rn_cache_layer(s->own, f->layer),
            .n_prefix = s->n_prefix,
            .n_own = s->n_own,
            .row = row,
            .n_rows = s->n,
        };
        row += s->n;
    }
    rn_attn a = {
        .kv_type = f->kv,
        .n_heads = h->n_head,
        .n_kv_heads = h->n_kv_head,
        .hd = h->head_dim,
        .scale = (float)(1.0 / sqrt(h->head_dim)),
        .window = h->window,
    };
    int64_t nq = (int64_t)h->n_head * h->head_dim;
    rn_attn_run(f->m->kern, &a, f->seqs, n_spans, f->q, nq, f->h, nq, f->pool);
}

static void run_layer(rn_forward *f, const rn_layer *y, int32_t n_spans)
{
    const rn_hparams *h = &f->m->hp;
    int64_t d = h->d_model, nq = (int64_t)h->n_head * h->head_dim;
    int64_t nkv = (int64_t)h->n_kv_head * h->head_dim, n = f->n_rows;
    each_row(f, attn_norm_rows);
    rn_act_set(f->act, f->h, d, n, d, rn_mat_form(y->wq) | rn_mat_form(y->wk) | rn_mat_form(y->wv),
               f->pool);
    rn_mat_mul((rn_mul[]){{y->wq, f->q, nq}, {y->wk, f->k, nkv}, {y->wv, f->v, nkv}}, 3, f->act,
               f->pool);
    each_row(f, store_rows);
    attend(f, n_spans);
    rn_act_set(f->act, f->h, nq, n, nq, rn_mat_form(y->wo), f->pool);
    rn_mat_mul(&(rn_mul){y->wo, f->h, d}, 1, f->act, f->pool);
    each_row(f, ffn_norm_rows);
    if (y->wgate) {
        rn_act_set(f->act, f->h, d, n, d, rn_mat_form(y->wgate) | rn_mat_form(y->wup), f->pool);
        rn_mat_mul((rn_mul[]){{y->wgate, f->gate, h->d_ff}, {y->wup, f->up, h->d_ff}}, 2, f->act,
                   f->pool);
    } else {
        rn_act_set(f->act, f->h, d, n, d, rn_mat_form(y->wup), f->pool);
        rn_mat_mul(&(rn_mul){y->wup, f->up, h->d_ff}, 1, f->act, f->pool);
    }
    each_row(f, ffn_act_rows);
    rn_act_set(f->act, f->up, h->d_ff, n, h->d_ff, rn_mat_form(y->wdown), f->pool);
    rn_mat_mul(&(rn_mul){y->wdown, f->h, d}, 1, f->act, f->pool);
    each_row(f, residual_rows);
}

void rn_forward_run(rn_forward *f, const rn_span *spans, int32_t n_spans)
{
    int32_t row = 0;
    for (int32_t i = 0; i < n_spans; i++) {
        const rn_span *s = &spans[i];
        for (int32_t j = 0; j < s->n; j++, row++) {
            f->tok[row] = s->tok[j];
            f->own_pos[row] = s->n_own + j;
            f->pos[row] = s->n_prefix + s->n_own + j;
            f->span_of[row] = i;
        }
    }
    f->n_rows = row;
    f->spans = spans;
    f->pool = row * f->layer_weights < SMALL_PASS ? NULL : f->all;
    each_row(f, embed_rows);
    for (f->layer = 0; f->layer < f->m->hp.n_layer; f->layer++)
        run_layer(f, &f->m->layers[f->layer], n_spans);
    each_row(f, out_norm_rows);
}

void rn_forward_logits(rn_forward *f, int32_t first, int32_t n, float *out)
{
    int64_t d = f->m->hp.d_model;
    rn_act_set(f->act, f->h + first * d, d, n, d, rn_mat_form(f->m->output), f->pool);
    rn_mat_mul(&(rn_mul){f->m->output, out, f->m->hp.n_vocab}, 1, f->act, f->pool);
}
