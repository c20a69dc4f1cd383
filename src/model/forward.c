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
#include "model/forward_priv.h"
#include "model/ops.h"

#include <math.h>
#include <stdlib.h>

/* Multiplications of a layer below which a pass is done before other threads have woken. */
enum { SMALL_PASS = 1 << 20 };

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
        const rn_mat *w[] = {y->wq,  y->wk,    y->wv,     y->wo,   y->wgate,
                             y->wup, y->wdown, y->wroute, y->wq_a, y->wkv_a};
        for (size_t j = 0; j < sizeof w / sizeof w[0]; j++)
            if (w[j]) forms |= rn_mat_form(w[j]);
        for (int32_t e = 0; y->to_latent && e < m->hp.n_head; e++)
            forms |= rn_mat_form(y->to_latent[e]) | rn_mat_form(y->from_latent[e]);
        for (int32_t e = 0; y->experts && e < m->hp.n_expert; e++)
            forms |= rn_mat_form(y->experts[e].gate) | rn_mat_form(y->experts[e].up) |
                     rn_mat_form(y->experts[e].down);
    }
    return forms;
}

/* The widest feed-forward, and the widest row of attention's output. */
static int64_t ffn_width(const rn_hparams *h)
{
    if (!h->n_expert) return h->d_ff;
    return wider(wider(h->d_expert, h->d_shared), h->n_dense ? h->d_ff : 0);
}

static int64_t out_width(const rn_hparams *h)
{
    return (int64_t)h->n_head * rn_head_out(h);
}

static int64_t widest_input(const rn_hparams *h)
{
    int64_t latent = h->kv_rank ? wider(wider(h->kv_rank, h->nope), h->q_rank) : 0;
    return wider(wider(h->d_model, ffn_width(h)), wider(out_width(h), latent));
}

/* Floats of a row in each buffer. */
typedef struct widths {
    size_t x, h, q, k, v, ffn, low, heads, mixed, scores, sum, some, weight;
} widths;

static widths widths_of(const rn_hparams *h)
{
    const size_t heads = (size_t)h->n_head, d = (size_t)h->d_model;
    widths w = {.x = d,
                .h = (size_t)wider(h->d_model, out_width(h)),
                .q = heads * (size_t)h->head_dim,
                .k = (size_t)h->n_kv_head * (size_t)h->head_dim,
                .v = (size_t)h->n_kv_head * (size_t)h->value_dim,
                .ffn = (size_t)ffn_width(h)};
    if (h->kv_rank) {
        w.v = 0; /* the first elements of the keys */
        w.low = (size_t)h->q_rank;
        w.heads = heads * (size_t)(h->nope + h->n_rot);
        w.mixed = heads * (size_t)h->kv_rank;
    }
    if (h->n_expert) {
        w.scores = (size_t)h->n_expert;
        w.sum = d;
        w.weight = (size_t)h->n_used;
        w.some = w.weight * d;
        w.ffn = (size_t)wider(ffn_width(h), (int64_t)h->n_used * h->d_expert);
    }
    return w;
}

/* Rows of activations that are prepared at a time: those of all experts of a pass. */
static int64_t act_rows(const rn_hparams *h, int32_t max_rows)
{
    return h->n_expert ? (int64_t)max_rows * h->n_used : max_rows;
}

/* Bytes of all buffers that have a row per token. */
static size_t row_bytes(const rn_hparams *h)
{
    const widths w = widths_of(h);
    return (w.x + w.h + w.q + w.k + w.v + 2 * w.ffn + w.low + w.heads + w.mixed + w.scores + w.sum +
            w.some + w.weight) *
               sizeof(float) +
           sizeof(rn_attn_seq) + (4 + 2 * w.weight) * sizeof(int32_t);
}

/* Whether layers with a window turn otherwise than those without. */
static bool has_local_rope(const rn_hparams *h)
{
    return h->window && h->arch->local_base > 0;
}

/* Tables of rotations. */
static int n_tables(const rn_model *m)
{
    return 1 + has_local_rope(&m->hp) + (m->rope_long != NULL);
}

size_t rn_forward_bytes(const rn_model *m, int32_t max_rows, int32_t max_pos)
{
    const rn_hparams *h = &m->hp;
    return (size_t)max_rows * row_bytes(h) +
           (size_t)max_pos * (size_t)h->n_rot * sizeof(float) * (size_t)n_tables(m) +
           rn_act_bytes(m->kern, act_rows(h, max_rows), widest_input(h), forms_of(m));
}

/* NULL when memory is out, which *failed remembers. */
static float *floats(size_t rows, size_t n, bool *failed)
{
    size_t bytes = (rows * n * sizeof(float) + 63) / 64 * 64;
    float *v = aligned_alloc(64, bytes ? bytes : 64);
    *failed |= !v;
    return v;
}

static int32_t *ints(size_t n, bool *failed)
{
    int32_t *v = calloc(n ? n : 1, sizeof *v);
    *failed |= !v;
    return v;
}

/* cos and sin of every position, [max_pos, n_rot / 2, 2], of factors (NULL: none). */
static int fill_rope(const rn_forward *f, const float *factors, bool local, float *table,
                     rn_err *err)
{
    const rn_hparams *h = &f->m->hp;
    double *freqs = malloc((size_t)h->n_rot / 2 * sizeof *freqs);
    if (!freqs) return rn_fail(err, RN_ENOMEM, "out of memory for the buffers of a model");
    rn_rope_freqs(h, factors, local, freqs);
    for (int32_t p = 0; p < f->max_pos; p++)
        rn_rope_table(p, freqs, h->n_rot, local ? 1 : h->rope_amp,
                      table + (size_t)p * (size_t)h->n_rot);
    free(freqs);
    return 0;
}

/* Every buffer; false when memory is out. */
static bool take_buffers(rn_forward *f)
{
    const rn_hparams *h = &f->m->hp;
    const widths w = widths_of(h);
    const size_t r = (size_t)f->max_rows, turns = (size_t)h->n_rot, pos = (size_t)f->max_pos;
    bool failed = false;
    f->x = floats(r, w.x, &failed);
    f->h = floats(r, w.h, &failed);
    f->q = floats(r, w.q, &failed);
    f->k = floats(r, w.k, &failed);
    f->v = floats(r, w.v, &failed);
    if (h->arch->gated) f->gate = floats(r, w.ffn, &failed);
    f->up = floats(r, w.ffn, &failed);
    f->rope = floats(pos, turns, &failed);
    if (has_local_rope(h)) f->rope_local = floats(pos, turns, &failed);
    if (f->m->rope_long) f->rope_long = floats(pos, turns, &failed);
    f->seqs = calloc(r, sizeof *f->seqs);
    f->tok = ints(r, &failed);
    f->pos = ints(r, &failed);
    f->own_pos = ints(r, &failed);
    f->span_of = ints(r, &failed);
    if (h->kv_rank) {
        f->low = floats(r, w.low, &failed);
        f->heads = floats(r, w.heads, &failed);
        f->mixed = floats(r, w.mixed, &failed);
    }
    if (h->n_expert) {
        f->scores = floats(r, w.scores, &failed);
        f->sum = floats(r, w.sum, &failed);
        f->some = floats(r, w.some, &failed);
        f->weight = floats(r, w.weight, &failed);
        f->chosen = ints(r * w.weight, &failed);
        f->place = ints(r * w.weight, &failed);
        f->expert = ints((size_t)h->n_expert, &failed);
        f->start = ints((size_t)h->n_expert + 1, &failed);
        f->end = ints((size_t)h->n_expert, &failed);
        f->muls = calloc(2 * (size_t)h->n_expert, sizeof *f->muls);
        failed |= !f->muls;
    }
    return !failed && f->seqs;
}

int rn_forward_open(const rn_model *m, rn_pool *pool, int32_t max_rows, int32_t max_pos,
                    rn_kv_type kv, rn_forward **out, rn_err *err)
{
    const rn_hparams *h = &m->hp;
    rn_forward *f = calloc(1, sizeof *f);
    if (!f) return rn_fail(err, RN_ENOMEM, "out of memory for the buffers of a model");
    *f = (rn_forward){.m = m, .all = pool, .kv = kv, .max_rows = max_rows, .max_pos = max_pos};
    const widths w = widths_of(h);
    const int64_t ffn = h->n_expert ? (int64_t)h->n_used * h->d_expert + h->d_shared : h->d_ff;
    f->layer_weights = (int64_t)h->d_model * ((int64_t)(2 * w.q + 2 * w.k) + 3 * ffn);
    int rc = 0;
    if (!take_buffers(f))
        rc = rn_fail(err, RN_ENOMEM, "out of memory for passes of %d rows", max_rows);
    if (!rc)
        rc = rn_act_new(m->kern, act_rows(h, max_rows), widest_input(h), forms_of(m), &f->act, err);
    if (!rc) rc = fill_rope(f, m->rope_factors, false, f->rope, err);
    if (!rc && f->rope_local) rc = fill_rope(f, m->rope_factors, true, f->rope_local, err);
    if (!rc && f->rope_long) rc = fill_rope(f, m->rope_long, false, f->rope_long, err);
    if (rc)
        rn_forward_close(f);
    else
        *out = f;
    return rc;
}

void rn_forward_close(rn_forward *f)
{
    if (!f) return;
    void *all[] = {f->x,       f->h,      f->q,          f->k,        f->v,      f->gate,
                   f->up,      f->rope,   f->seqs,       f->tok,      f->pos,    f->own_pos,
                   f->span_of, f->scores, f->sum,        f->some,     f->weight, f->chosen,
                   f->place,   f->expert, f->end,        f->muls,     f->start,  f->low,
                   f->heads,   f->mixed,  f->rope_local, f->rope_long};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    rn_act_free(f->act);
    free(f);
}

/* ---- work on single rows --------------------------------------------------------------------- */

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
    const rn_hparams *h = &f->m->hp;
    for (int64_t r = begin; r < end; r++) {
        float *x = f->x + r * h->d_model;
        rn_dequant_row(t->type, (const char *)t->data + (size_t)f->tok[r] * row_bytes, x,
                       h->d_model);
        if (h->embd_scale != 1) rn_scale(f->m->kern, h->embd_scale, h->d_model, x);
    }
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

const float *rn_forward_turn(const rn_forward *f, int64_t r)
{
    const rn_hparams *h = &f->m->hp;
    const float *table = f->rope;
    if (f->rope_local && rn_layer_local(h, f->layer))
        table = f->rope_local;
    else if (f->rope_long && f->spans[f->span_of[r]].long_text)
        table = f->rope_long;
    return table + (size_t)f->pos[r] * (size_t)h->n_rot;
}

float rn_forward_temper(const rn_forward *f, int64_t r)
{
    const rn_hparams *h = &f->m->hp;
    return h->temper == 0 ? 1 : (float)(1 + h->temper * log(1 + f->pos[r] / h->temper_len));
}

void rn_forward_store(const rn_forward *f, int64_t r, const float *k, const float *v)
{
    const rn_kv_form form = rn_cache_form(&f->m->hp, f->kv);
    const rn_span *s = &f->spans[f->span_of[r]];
    rn_kv_store(f->m->kern, &form, rn_cache_layer(s->own, f->layer), f->own_pos[r], k, v);
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
        const float *cs = rn_forward_turn(f, r), temper = rn_forward_temper(f, r);
        rn_rope(kind, cs, h->n_rot, h->n_head, hd, q);
        rn_rope(kind, cs, h->n_rot, h->n_kv_head, hd, k);
        if (temper != 1) rn_scale(kern, temper, nq, q);
        rn_forward_store(f, r, k, v);
    }
}

/* The output h of attention or feed-forward, with its bias and norm, to the residual stream x; all
 * [d_model]. h is overwritten. */
static void add_output(const rn_model *m, float *h, const float *bias, const float *post, float *x)
{
    const int64_t d = m->hp.d_model;
    if (post) { /* after it nothing may be added out of order */
        if (bias) rn_add(m->kern, bias, d, h);
        rn_rmsnorm(m->kern, h, post, m->hp.norm_eps, d, h);
        bias = NULL;
    }
    if (m->hp.residual_scale != 1) {
        if (bias) rn_add(m->kern, bias, d, h);
        rn_scale(m->kern, m->hp.residual_scale, d, h);
        bias = NULL;
    }
    rn_add(m->kern, h, d, x);
    if (bias) rn_add(m->kern, bias, d, x);
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
        add_output(f->m, h, y->bo, y->post_attn_norm, x);
        norm(f->m, x, y->ffn_norm, y->ffn_norm_b, h);
    }
}

/* min(g, 7) sigmoid(1.702 g) (clamp(u, -7, 7) + 1), with g cut before the sigmoid, too. */
static void oai_gate(const rn_kern *kern, float *gate, float *up, int64_t n)
{
    static const float alpha = 1.702f, limit = 7;
    for (int64_t i = 0; i < n; i++) {
        const float g = gate[i] < limit ? gate[i] : limit;
        const float u = up[i] > limit ? limit : up[i] < -limit ? -limit : up[i];
        gate[i] = alpha * g;
        up[i] = (u + 1) / alpha;
    }
    rn_silu_mul(kern, gate, up, n, up);
}

void rn_forward_gate(const rn_model *m, const float *bgate, const float *bup, float *gate,
                     float *up, int64_t n)
{
    if (bup) rn_add(m->kern, bup, n, up);
    if (!gate) {
        rn_gelu(m->kern, up, n, up);
        return;
    }
    if (bgate) rn_add(m->kern, bgate, n, gate);
    if (m->hp.arch->oai_gate) {
        oai_gate(m->kern, gate, up, n);
    } else if (m->hp.arch->gelu_gate) {
        rn_gelu(m->kern, gate, n, gate);
        for (int64_t i = 0; i < n; i++)
            up[i] *= gate[i];
    } else {
        rn_silu_mul(m->kern, gate, up, n, up);
    }
}

static void ffn_act_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_layer *y = &f->m->layers[f->layer];
    const int64_t n = rn_mat_cols(y->wdown);
    for (int64_t r = begin; r < end; r++)
        rn_forward_gate(f->m, y->bgate, y->bup, f->gate ? f->gate + r * n : NULL, f->up + r * n, n);
}

/* h holds Wdown's product: to the residual stream. */
static void residual_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_layer *y = &f->m->layers[f->layer];
    int64_t d = f->m->hp.d_model;
    for (int64_t r = begin; r < end; r++)
        add_output(f->m, f->h + r * d, y->bdown, y->post_ffn_norm, f->x + r * d);
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

void rn_forward_each_row(rn_forward *f, rn_pool_fn *fn)
{
    rn_pool_for(f->pool, f->n_rows, 1, fn, f);
}

void rn_forward_attend(rn_forward *f, float *out)
{
    const rn_hparams *h = &f->m->hp;
    int32_t row = 0;
    for (int32_t i = 0; i < f->n_spans; i++) {
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
        .kv = rn_cache_form(h, f->kv),
        .n_heads = h->n_head,
        .scale = h->attn_scale,
        .window = rn_layer_local(h, f->layer) ? h->window : 0,
        .sinks = f->m->layers[f->layer].sinks,
        .q = f->q,
        .out = out,
        .q_stride = (int64_t)h->n_head * h->head_dim,
        .out_stride = (int64_t)h->n_head * h->value_dim,
    };
    rn_attn_run(f->m->kern, &a, f->seqs, f->n_spans, f->pool);
}

void rn_forward_ffn(rn_forward *f, const rn_layer *y)
{
    const int64_t d = f->m->hp.d_model, n = f->n_rows, ff = rn_mat_cols(y->wdown);
    if (y->wgate) {
        rn_act_set(f->act, f->h, d, n, d, rn_mat_form(y->wgate) | rn_mat_form(y->wup), f->pool);
        rn_mat_mul((rn_mul[]){{y->wgate, f->gate, ff}, {y->wup, f->up, ff}}, 2, f->act, f->pool);
    } else {
        rn_act_set(f->act, f->h, d, n, d, rn_mat_form(y->wup), f->pool);
        rn_mat_mul(&(rn_mul){y->wup, f->up, ff}, 1, f->act, f->pool);
    }
    rn_forward_each_row(f, ffn_act_rows);
    rn_act_set(f->act, f->up, ff, n, ff, rn_mat_form(y->wdown), f->pool);
    rn_mat_mul(&(rn_mul){y->wdown, f->h, d}, 1, f->act, f->pool);
}

/* h, the normed input, becomes attention's output, [rows, n_head hd]. */
static void attention(rn_forward *f, const rn_layer *y)
{
    const rn_hparams *h = &f->m->hp;
    const int64_t d = h->d_model, nq = (int64_t)h->n_head * h->head_dim;
    const int64_t nkv = (int64_t)h->n_kv_head * h->head_dim;
    rn_act_set(f->act, f->h, d, f->n_rows, d,
               rn_mat_form(y->wq) | rn_mat_form(y->wk) | rn_mat_form(y->wv), f->pool);
    rn_mat_mul((rn_mul[]){{y->wq, f->q, nq}, {y->wk, f->k, nkv}, {y->wv, f->v, nkv}}, 3, f->act,
               f->pool);
    rn_forward_each_row(f, store_rows);
    rn_forward_attend(f, f->h);
}

static void run_layer(rn_forward *f, const rn_layer *y)
{
    const rn_hparams *h = &f->m->hp;
    const int64_t d = h->d_model, no = out_width(h), n = f->n_rows;
    rn_forward_each_row(f, attn_norm_rows);
    if (h->kv_rank)
        rn_latent_run(f, y);
    else
        attention(f, y);
    rn_act_set(f->act, f->h, no, n, no, rn_mat_form(y->wo), f->pool);
    rn_mat_mul(&(rn_mul){y->wo, f->h, d}, 1, f->act, f->pool);
    rn_forward_each_row(f, ffn_norm_rows);
    if (y->experts)
        rn_experts_run(f, y);
    else
        rn_forward_ffn(f, y);
    rn_forward_each_row(f, residual_rows);
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
    f->n_spans = n_spans;
    f->pool = row * f->layer_weights < SMALL_PASS ? NULL : f->all;
    rn_forward_each_row(f, embed_rows);
    for (f->layer = 0; f->layer < f->m->hp.n_layer; f->layer++)
        run_layer(f, &f->m->layers[f->layer]);
    rn_forward_each_row(f, out_norm_rows);
}

typedef struct logits_job {
    const rn_model *m;
    float *out; /* [rows, n_vocab] */
} logits_job;

static void finish_logits(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    static const float never = -1e30f; /* finite, so that a row's checks stay what they are */
    const logits_job *j = arg;
    const int64_t n = j->m->hp.n_vocab;
    for (int64_t r = begin; r < end; r++) {
        float *row = j->out + r * n;
        if (j->m->hp.logit_scale != 1) rn_scale(j->m->kern, j->m->hp.logit_scale, n, row);
        for (int32_t i = 0; i < j->m->n_dead; i++)
            row[j->m->dead[i]] = never;
    }
}

void rn_forward_logits(rn_forward *f, int32_t first, int32_t n, float *out)
{
    int64_t d = f->m->hp.d_model;
    rn_act_set(f->act, f->h + first * d, d, n, d, rn_mat_form(f->m->output), f->pool);
    rn_mat_mul(&(rn_mul){f->m->output, out, f->m->hp.n_vocab}, 1, f->act, f->pool);
    logits_job j = {f->m, out};
    if (f->m->n_dead || f->m->hp.logit_scale != 1) rn_pool_for(f->pool, n, 1, finish_logits, &j);
}
