/*
 * load_model.c: from a GGUF file to a model: names bound, shapes checked, weights checked for NaN,
 * then packed for the kernels. Two walks over the same list of tensors: the first checks shapes and
 * adds up the memory, so that a model that cannot fit is refused before any is taken; the second
 * packs.
 */
#include "base/clock.h"
#include "base/vec.h"
#include "model/memory.h"
#include "model/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct loader {
    rn_model *m;
    const rn_kern *kern;
    rn_pool *pool;
    const rn_load_opts *opts;
    bool take; /* the second walk */
    size_t bytes;
    RN_VEC(const rn_tensor *) bound; /* of the first walk: what the model uses */
    rn_err *err;
} loader;

static int shape_error(const loader *L, const rn_tensor *t, int64_t n, int64_t rows, int64_t cols)
{
    char want[80];
    snprintf(want, sizeof want,
             n > 1 ? "%" PRId64 ", %" PRId64 ", %" PRId64 : "%" PRId64 ", %" PRId64, cols, rows, n);
    return rn_fail(L->err, RN_EFORMAT,
                   "%s: tensor %s is [%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                   "], expected [%s]; the file is damaged",
                   L->m->path, t->name, t->ne[0], t->ne[1], t->ne[2], t->ne[3], want);
}

/* Finds a tensor of the wanted shape [n, rows, cols]; *out stays NULL when an optional one is
 * absent. */
static int find(loader *L, const char *name, rn_need need, const int64_t shape[3],
                const rn_tensor **out)
{
    const int64_t n = shape[0], rows = shape[1], cols = shape[2];
    *out = NULL;
    if (need == RN_NEED_NO) return 0;
    const rn_tensor *t = rn_gguf_tensor(L->m->file, name);
    if (!t && need == RN_NEED_MAY) return 0;
    if (!t)
        return rn_fail(L->err, RN_EFORMAT,
                       "%s: tensor %s is missing; the file is not a complete %s model", L->m->path,
                       name, L->m->hp.arch->name);
    if (t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != n || t->ne[3] != 1)
        return shape_error(L, t, n, rows, cols);
    if (!L->take) rn_vec_push(&L->bound, t);
    *out = t;
    return 0;
}

/* ---- vectors --------------------------------------------------------------------------------- */

/* n rows of `each` floats in one piece. */
static int vectors_of(loader *L, const char *name, rn_need need, int64_t n, int64_t each,
                      float **out)
{
    const rn_tensor *t;
    int rc = find(L, name, need, (int64_t[]){1, n, each}, &t);
    if (rc || !t) return rc;
    if (!L->take) {
        L->bytes += (size_t)(n * each) * sizeof(float);
        return 0;
    }
    float *v = rn_arena_array(&L->m->arena, (size_t)(n * each), sizeof *v);
    if (!v) return rn_fail(L->err, RN_ENOMEM, "out of memory for tensor %s", name);
    for (int64_t r = 0; r < n; r++)
        rn_dequant_row(t->type,
                       (const char *)t->data + (size_t)r * rn_quant_row_bytes(t->type, each),
                       v + r * each, each);
    for (int64_t i = 0; i < n * each; i++)
        if (!isfinite(v[i]))
            return rn_fail(L->err, RN_EFORMAT,
                           "%s: tensor %s holds NaN or infinity at place %" PRId64
                           "; the file is damaged",
                           L->m->path, name, i);
    *out = v;
    return 0;
}

static int vector(loader *L, const char *name, rn_need need, int64_t n, float **out)
{
    return vectors_of(L, name, need, 1, n, out);
}

/* ---- matrices -------------------------------------------------------------------------------- */

typedef struct finite_job {
    const rn_tensor *t;
    size_t row_bytes;
    _Atomic int64_t bad_row; /* the lowest; n_rows if none */
} finite_job;

static void check_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    finite_job *j = arg;
    for (int64_t r = begin; r < end; r++) {
        const char *row = (const char *)j->t->data + (size_t)r * j->row_bytes;
        if (rn_quant_row_finite(j->t->type, row, j->t->ne[0])) continue;
        int64_t low = atomic_load(&j->bad_row);
        while (r < low && !atomic_compare_exchange_weak(&j->bad_row, &low, r))
            ;
        return;
    }
}

static int check_finite(loader *L, const rn_tensor *t)
{
    finite_job j = {.t = t, .row_bytes = rn_quant_row_bytes(t->type, t->ne[0])};
    atomic_init(&j.bad_row, t->ne[1]);
    rn_pool_for(L->pool, t->ne[1], 64, check_rows, &j);
    int64_t bad = atomic_load(&j.bad_row);
    if (bad == t->ne[1]) return 0;
    return rn_fail(L->err, RN_EFORMAT,
                   "%s: tensor %s holds NaN or infinity in row %" PRId64 "; the file is damaged",
                   L->m->path, t->name, bad);
}

static void done_with(const loader *L, const rn_tensor *t)
{
    if (L->opts->packed)
        L->opts->packed(L->opts->user, t);
    else
        rn_gguf_forget(L->m->file, t);
}

/* n matrices of t, one below the other; keep: the caller is not done with t. */
static int stack_of(loader *L, const rn_tensor *t, int64_t n, bool keep, rn_mat **out)
{
    const int64_t rows = t->ne[1] / n;
    if (!L->take) {
        size_t bytes = rn_mat_bytes(t->type, rows, t->ne[0]);
        if (bytes == 0)
            return rn_fail(L->err, RN_EUNSUPPORTED,
                           "%s: tensor %s is [%" PRId64 ", %" PRId64
                           "] of type %s, which the kernels cannot run",
                           L->m->path, t->name, t->ne[0], t->ne[1], rn_qtype_name(t->type));
        L->bytes += (size_t)n * bytes;
        return 0;
    }
    int rc = check_finite(L, t);
    const rn_stack stack = {t->type, t->data, n, rows, t->ne[0]};
    if (!rc) rc = rn_mat_new_stack(L->kern, &stack, L->pool, out, L->err);
    if (rc) return rc;
    if (!keep) done_with(L, t);
    return 0;
}

static int matrix_of(loader *L, const rn_tensor *t, bool keep, rn_mat **out)
{
    return stack_of(L, t, 1, keep, out);
}

static int matrix(loader *L, const char *name, rn_need need, int64_t rows, int64_t cols,
                  rn_mat **out)
{
    const rn_tensor *t;
    int rc = find(L, name, need, (int64_t[]){1, rows, cols}, &t);
    return rc || !t ? rc : matrix_of(L, t, false, out);
}

/* Rows [from, from + rows) of a tensor, its layers one after the other, as a tensor. */
static rn_tensor rows_of(const rn_tensor *t, int64_t from, int64_t rows)
{
    rn_tensor part = *t;
    size_t row_bytes = rn_quant_row_bytes(t->type, t->ne[0]);
    part.data = (const char *)t->data + (size_t)from * row_bytes;
    part.bytes = (size_t)rows * row_bytes;
    part.ne[1] = rows;
    part.ne[2] = 1;
    return part;
}

/* One tensor that holds several matrices, one below the other: rows[i] of each, up to a 0. */
static int stacked(loader *L, const char *name, int64_t cols, const int64_t rows[4],
                   rn_mat **const out[3])
{
    const rn_tensor *t;
    int64_t all = 0, from = 0;
    for (int i = 0; rows[i]; i++)
        all += rows[i];
    int rc = find(L, name, RN_NEED_MUST, (int64_t[]){1, all, cols}, &t);
    for (int i = 0; !rc && rows[i]; i++) {
        rn_tensor part = rows_of(t, from, rows[i]);
        rc = matrix_of(L, &part, true, out[i]);
        from += rows[i];
    }
    if (!rc && L->take) done_with(L, t);
    return rc;
}

/* ---- the list -------------------------------------------------------------------------------- */

static const char *layer_name(int32_t layer, const char *what)
{
    static _Thread_local char name[64];
    snprintf(name, sizeof name, "blk.%d.%s", layer, what);
    return name;
}

/* The matrices of each expert lie in one tensor, [n_expert, rows, cols]. */
static int walk_experts(loader *L, int32_t i, rn_layer *y)
{
    const rn_hparams *h = &L->m->hp;
    const int64_t d = h->d_model, ff = h->d_expert, n = h->n_expert;
    const rn_need bias = h->arch->ffn_bias, favour = h->arch->router ? RN_NEED_MAY : RN_NEED_NO;
    float *bgate = NULL, *bup = NULL, *bdown = NULL;
    int rc = matrix(L, layer_name(i, "ffn_gate_inp.weight"), RN_NEED_MUST, n, d, &y->wroute);
    if (!rc) rc = vector(L, layer_name(i, "ffn_gate_inp.bias"), bias, n, &y->broute);
    if (!rc) rc = vector(L, layer_name(i, "exp_probs_b.bias"), favour, n, &y->route_favour);
    if (!rc) rc = vectors_of(L, layer_name(i, "ffn_gate_exps.bias"), bias, n, ff, &bgate);
    if (!rc) rc = vectors_of(L, layer_name(i, "ffn_up_exps.bias"), bias, n, ff, &bup);
    if (!rc) rc = vectors_of(L, layer_name(i, "ffn_down_exps.bias"), bias, n, d, &bdown);
    if (rc) return rc;
    if (!y->experts) y->experts = calloc((size_t)n, sizeof *y->experts);
    if (!y->experts) return rn_fail(L->err, RN_ENOMEM, "out of memory for %d experts", (int)n);
    static const char *const names[] = {"ffn_gate_exps.weight", "ffn_up_exps.weight",
                                        "ffn_down_exps.weight"};
    for (int k = 0; k < 3; k++) {
        const int64_t rows = k == 2 ? d : ff, cols = k == 2 ? ff : d;
        const rn_tensor *t;
        rc = find(L, layer_name(i, names[k]), RN_NEED_MUST, (int64_t[]){n, rows, cols}, &t);
        rn_mat *w[RN_MAX_EXPERTS] = {NULL};
        if (rc) return rc;
        const rn_tensor all = rows_of(t, 0, n * rows);
        rc = stack_of(L, &all, n, true, w);
        for (int64_t e = 0; !rc && L->take && e < n; e++) {
            rn_expert *x = &y->experts[e];
            *(k == 0 ? &x->gate : k == 1 ? &x->up : &x->down) = w[e];
        }
        if (rc) return rc;
        if (L->take) done_with(L, t);
    }
    for (int64_t e = 0; bgate && e < n; e++) {
        y->experts[e].bgate = bgate + e * ff;
        y->experts[e].bup = bup + e * ff;
        y->experts[e].bdown = bdown + e * d;
    }
    return 0;
}

/* Rows [from, from + rows) of t, turned: a matrix [cols, rows] of floats. */
static int turned(loader *L, const rn_tensor *t, int64_t from, int64_t rows, rn_mat **out)
{
    const int64_t cols = t->ne[0];
    rn_tensor part = rows_of(t, from, rows);
    if (!L->take) {
        L->bytes += rn_mat_bytes(RN_Q_F32, cols, rows);
        return 0;
    }
    int rc = check_finite(L, &part);
    if (rc) return rc;
    float *row = malloc((size_t)cols * sizeof *row);
    float *w = malloc((size_t)(cols * rows) * sizeof *w);
    if (!row || !w) rc = rn_fail(L->err, RN_ENOMEM, "out of memory for tensor %s", t->name);
    for (int64_t r = 0; !rc && r < rows; r++) {
        rn_dequant_row(t->type, (const char *)part.data + (size_t)r * (part.bytes / (size_t)rows),
                       row, cols);
        for (int64_t c = 0; c < cols; c++)
            w[c * rows + r] = row[c];
    }
    if (!rc) rc = rn_mat_new(L->kern, RN_Q_F32, w, cols, rows, L->pool, out, L->err);
    free(row);
    free(w);
    return rc;
}

/* The matrices of each head into the latent space and out of it: attn_k_b and attn_v_b; in older
 * files rows of attn_kv_b, [n_head][nope + out_dim][kv_rank], with those of keys to be turned. */
static int walk_latent_heads(loader *L, int32_t i, rn_layer *y)
{
    const rn_hparams *h = &L->m->hp;
    const int64_t n = h->n_head, rank = h->kv_rank, nope = h->nope, out = h->out_dim;
    const bool old = rn_gguf_tensor(L->m->file, layer_name(i, "attn_kv_b.weight"));
    const rn_need apart = old ? RN_NEED_NO : RN_NEED_MUST, one = old ? RN_NEED_MUST : RN_NEED_NO;
    const rn_tensor *k, *v, *kv;
    int rc = find(L, layer_name(i, "attn_k_b.weight"), apart, (int64_t[]){n, rank, nope}, &k);
    if (!rc) rc = find(L, layer_name(i, "attn_v_b.weight"), apart, (int64_t[]){n, out, rank}, &v);
    if (!rc)
        rc = find(L, layer_name(i, "attn_kv_b.weight"), one, (int64_t[]){1, n * (nope + out), rank},
                  &kv);
    if (rc) return rc;
    if (!y->to_latent) y->to_latent = calloc((size_t)n, sizeof *y->to_latent);
    if (!y->from_latent) y->from_latent = calloc((size_t)n, sizeof *y->from_latent);
    if (!y->to_latent || !y->from_latent)
        return rn_fail(L->err, RN_ENOMEM, "out of memory for %d heads", (int)n);
    for (int64_t e = 0; !rc && e < n; e++) {
        if (old) {
            rn_tensor value = rows_of(kv, e * (nope + out) + nope, out);
            rc = turned(L, kv, e * (nope + out), nope, &y->to_latent[e]);
            if (!rc) rc = matrix_of(L, &value, true, &y->from_latent[e]);
        } else {
            rn_tensor key = rows_of(k, e * rank, rank), value = rows_of(v, e * out, out);
            rc = matrix_of(L, &key, true, &y->to_latent[e]);
            if (!rc) rc = matrix_of(L, &value, true, &y->from_latent[e]);
        }
    }
    for (int t = 0; !rc && L->take && t < 3; t++) {
        const rn_tensor *all[] = {k, v, kv};
        if (all[t]) done_with(L, all[t]);
    }
    return rc;
}

static int walk_latent(loader *L, int32_t i, rn_layer *y)
{
    const rn_hparams *h = &L->m->hp;
    const int64_t d = h->d_model, q = (int64_t)h->n_head * (h->nope + h->n_rot);
    const int64_t from = h->q_rank ? h->q_rank : d;
    const rn_need low = h->q_rank ? RN_NEED_MUST : RN_NEED_NO;
    const char *wq = h->q_rank ? "attn_q_b.weight" : "attn_q.weight";
    int rc = matrix(L, layer_name(i, "attn_q_a.weight"), low, h->q_rank, d, &y->wq_a);
    if (!rc) rc = vector(L, layer_name(i, "attn_q_a_norm.weight"), low, h->q_rank, &y->q_a_norm);
    if (!rc) rc = matrix(L, layer_name(i, wq), RN_NEED_MUST, q, from, &y->wq);
    if (!rc)
        rc = matrix(L, layer_name(i, "attn_kv_a_mqa.weight"), RN_NEED_MUST, h->head_dim, d,
                    &y->wkv_a);
    if (!rc)
        rc = vector(L, layer_name(i, "attn_kv_a_norm.weight"), RN_NEED_MUST, h->kv_rank,
                    &y->kv_a_norm);
    return rc ? rc : walk_latent_heads(L, i, y);
}

static int walk_layer(loader *L, int32_t i, rn_layer *y)
{
    const rn_hparams *h = &L->m->hp;
    const rn_arch *a = h->arch;
    const bool mixed = rn_layer_experts(h, i);
    int64_t d = h->d_model, ff = h->d_ff, hd = h->head_dim, shared = h->d_shared;
    int64_t nq = h->n_head * hd, nkv = h->n_kv_head * hd, no = (int64_t)h->n_head * rn_head_out(h);
    rn_need norm_b = a->layer_norm ? RN_NEED_MUST : RN_NEED_NO;
    rn_need qk = a->qk_norm ? RN_NEED_MUST : RN_NEED_NO;
    rn_need post = a->post_norms ? RN_NEED_MUST : RN_NEED_NO;
    rn_need sinks = a->sinks ? RN_NEED_MUST : RN_NEED_NO;
    rn_need ffn_b = mixed ? RN_NEED_NO : a->ffn_bias;
    rn_need gate_b = a->gated ? ffn_b : RN_NEED_NO;
    rn_need apart = a->fused_qkv || a->latent ? RN_NEED_NO : RN_NEED_MUST;
    rn_need dense = mixed ? RN_NEED_NO : RN_NEED_MUST;
    rn_need beside = mixed && shared ? RN_NEED_MUST : RN_NEED_NO;
    rn_need up = a->fused_ffn ? RN_NEED_NO : dense;
    rn_need gate = a->gated ? up : RN_NEED_NO;
    char ffn_norm[64];
    snprintf(ffn_norm, sizeof ffn_norm, "%s.weight", a->ffn_norm ? a->ffn_norm : "ffn_norm");
    const struct {
        const char *name;
        rn_need need;
        int64_t n;
        float **out;
    } vectors[] = {
        {"attn_norm.weight", RN_NEED_MUST, d, &y->attn_norm},
        {"attn_norm.bias", norm_b, d, &y->attn_norm_b},
        {ffn_norm, RN_NEED_MUST, d, &y->ffn_norm},
        {"ffn_norm.bias", norm_b, d, &y->ffn_norm_b},
        {"attn_q_norm.weight", qk, hd, &y->q_norm},
        {"attn_k_norm.weight", qk, hd, &y->k_norm},
        {"post_attention_norm.weight", post, d, &y->post_attn_norm},
        {"post_ffw_norm.weight", post, d, &y->post_ffn_norm},
        {"attn_sinks.weight", sinks, h->n_head, &y->sinks},
        {"attn_q.bias", a->qkv_bias, nq, &y->bq},
        {"attn_k.bias", a->qkv_bias, nkv, &y->bk},
        {"attn_v.bias", a->qkv_bias, nkv, &y->bv},
        {"attn_output.bias", a->out_bias, d, &y->bo},
        {"ffn_gate.bias", gate_b, ff, &y->bgate},
        {"ffn_up.bias", ffn_b, ff, &y->bup},
        {"ffn_down.bias", ffn_b, d, &y->bdown},
    };
    const struct {
        const char *name;
        rn_need need;
        int64_t rows, cols;
        rn_mat **out;
    } matrices[] = {
        {"attn_q.weight", apart, nq, d, &y->wq},
        {"attn_k.weight", apart, nkv, d, &y->wk},
        {"attn_v.weight", apart, nkv, d, &y->wv},
        {"attn_output.weight", RN_NEED_MUST, d, no, &y->wo},
        {"ffn_gate.weight", gate, ff, d, &y->wgate},
        {"ffn_up.weight", up, ff, d, &y->wup},
        {"ffn_down.weight", dense, d, ff, &y->wdown},
        {"ffn_gate_shexp.weight", beside, shared, d, &y->wgate},
        {"ffn_up_shexp.weight", beside, shared, d, &y->wup},
        {"ffn_down_shexp.weight", beside, d, shared, &y->wdown},
    };
    for (size_t k = 0; k < sizeof vectors / sizeof vectors[0]; k++) {
        int rc = vector(L, layer_name(i, vectors[k].name), vectors[k].need, vectors[k].n,
                        vectors[k].out);
        if (rc) return rc;
    }
    for (size_t k = 0; k < sizeof matrices / sizeof matrices[0]; k++) {
        int rc = matrix(L, layer_name(i, matrices[k].name), matrices[k].need, matrices[k].rows,
                        matrices[k].cols, matrices[k].out);
        if (rc) return rc;
    }
    int rc = 0;
    if (a->fused_qkv)
        rc = stacked(L, layer_name(i, "attn_qkv.weight"), d, (int64_t[]){nq, nkv, nkv, 0},
                     (rn_mat * *[]){&y->wq, &y->wk, &y->wv});
    if (!rc && a->fused_ffn)
        rc = stacked(L, layer_name(i, "ffn_up.weight"), d, (int64_t[]){ff, ff, 0, 0},
                     (rn_mat * *[]){&y->wgate, &y->wup, NULL});
    if (!rc && a->latent) rc = walk_latent(L, i, y);
    return rc || !mixed ? rc : walk_experts(L, i, y);
}

static int walk(loader *L)
{
    rn_model *m = L->m;
    const rn_hparams *h = &m->hp;
    rn_need norm_b = h->arch->layer_norm ? RN_NEED_MUST : RN_NEED_NO;
    rn_need two = h->long_ctx ? RN_NEED_MUST : RN_NEED_NO;
    int rc = find(L, "token_embd.weight", RN_NEED_MUST, (int64_t[]){1, h->n_vocab, h->d_model},
                  &m->embd);
    if (!rc && L->take) rc = check_finite(L, m->embd);
    if (!rc) rc = vector(L, "output_norm.weight", RN_NEED_MUST, h->d_model, &m->out_norm);
    if (!rc) rc = vector(L, "output_norm.bias", norm_b, h->d_model, &m->out_norm_b);
    if (!rc && !h->long_ctx)
        rc = vector(L, "rope_freqs.weight", RN_NEED_MAY, h->n_rot / 2, &m->rope_factors);
    if (!rc) rc = vector(L, "rope_factors_short.weight", two, h->n_rot / 2, &m->rope_factors);
    if (!rc) rc = vector(L, "rope_factors_long.weight", two, h->n_rot / 2, &m->rope_long);
    for (int32_t i = 0; !rc && i < h->n_layer; i++)
        rc = walk_layer(L, i, &m->layers[i]);
    if (rc) return rc;
    m->tied = !rn_gguf_tensor(m->file, "output.weight");
    if (m->tied) return matrix_of(L, m->embd, true, &m->output);
    return matrix(L, "output.weight", RN_NEED_MUST, h->n_vocab, h->d_model, &m->output);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const rn_tensor *const *)a,
              y = (uintptr_t) * (const rn_tensor *const *)b;
    return x < y ? -1 : x > y;
}

/* A tensor that nothing reads means a variant that would run wrongly without a word. */
static int refuse_unknown(loader *L)
{
    if (!rn_vec_ok(&L->bound)) return rn_fail(L->err, RN_ENOMEM, "out of memory for tensors");
    qsort(L->bound.data, L->bound.n, sizeof *L->bound.data, by_address);
    for (size_t i = 0; i < rn_gguf_n_tensors(L->m->file); i++) {
        const rn_tensor *t = rn_gguf_tensor_at(L->m->file, i);
        if (!bsearch(&t, L->bound.data, L->bound.n, sizeof *L->bound.data, by_address))
            return rn_fail(L->err, RN_EUNSUPPORTED,
                           "%s: tensor %s has no place in a %s model as this version knows it",
                           L->m->path, t->name, L->m->hp.arch->name);
    }
    return 0;
}

static int check_rope_factors(const rn_model *m, rn_err *err)
{
    const float *const all[] = {m->rope_factors, m->rope_long};
    for (int k = 0; k < 2; k++)
        for (int32_t i = 0; all[k] && i < m->hp.n_rot / 2; i++)
            if (!(all[k][i] > 0))
                return rn_fail(err, RN_EFORMAT,
                               "%s: %s holds %g, expected more than 0; the file is damaged",
                               m->path,
                               !m->hp.long_ctx ? "rope_freqs.weight"
                               : k             ? "rope_factors_long.weight"
                                               : "rope_factors_short.weight",
                               (double)all[k][i]);
    return 0;
}

/* A router whose choice favours some experts is a sigmoid in every model known; a file that does
 * not say so is from before the key, and may mean either. */
static int check_router(const rn_model *m, rn_err *err)
{
    char key[96];
    bool favours = false;
    for (int32_t i = 0; i < m->hp.n_layer; i++)
        favours |= m->layers[i].route_favour != NULL;
    snprintf(key, sizeof key, "%s.expert_gating_func", m->hp.arch->name);
    if (!favours || rn_gguf_find(m->file, key)) return 0;
    return rn_fail(err, RN_EUNSUPPORTED,
                   "%s: no key %s, but tensors exp_probs_b; convert the model again with a current "
                   "converter",
                   m->path, key);
}

/* Rows of the output head that are no token. */
static int list_dead(rn_model *m, rn_err *err)
{
    int32_t n = 0;
    for (int32_t id = 0; id < m->hp.n_vocab; id++)
        n += rn_tok_is_unused(m->tok, id);
    if (n == m->hp.n_vocab)
        return rn_fail(err, RN_EFORMAT, "%s: every token is unused; the file is damaged", m->path);
    m->dead = rn_arena_array(&m->arena, (size_t)n + 1, sizeof *m->dead);
    if (!m->dead) return rn_fail(err, RN_ENOMEM, "out of memory for a list of tokens");
    for (int32_t id = 0; id < m->hp.n_vocab; id++)
        if (rn_tok_is_unused(m->tok, id)) m->dead[m->n_dead++] = id;
    return 0;
}

static int check_fits(const loader *L)
{
    size_t have = L->opts->memory_bytes ? L->opts->memory_bytes : rn_memory_available();
    if (L->bytes <= have) return 0;
    return rn_fail(
        L->err, RN_ELIMIT,
        "%s: the weights need %.0f MiB and %.0f MiB may be used; take a smaller model or a "
        "smaller weight type",
        L->m->path, rn_mib(L->bytes), rn_mib(have));
}

static int load(rn_model *m, const rn_load_opts *opts, rn_err *err)
{
    int rc = rn_hparams_read(m->file, &m->hp, err);
    if (rc) return rc;
    /* Every layer has tensors: what the file does not hold need not be counted up to. */
    if ((size_t)m->hp.n_layer > rn_gguf_n_tensors(m->file))
        return rn_fail(err, RN_EFORMAT, "%s: %d layers but only %zu tensors; the file is damaged",
                       m->path, m->hp.n_layer, rn_gguf_n_tensors(m->file));
    rc = rn_isa_choose(&m->isa, err);
    if (rc) return rc;
    m->kern = rn_kern_get(m->isa);
    loader L = {.m = m, .kern = m->kern, .opts = opts, .err = err};
    m->layers = calloc((size_t)m->hp.n_layer, sizeof *m->layers);
    if (!m->layers) return rn_fail(err, RN_ENOMEM, "out of memory for %d layers", m->hp.n_layer);
    rc = walk(&L);
    if (!rc) rc = refuse_unknown(&L);
    rn_vec_free(&L.bound);
    if (!rc) rc = check_fits(&L);
    if (!rc) rc = rn_tok_new(m->file, &m->tok, err);
    if (!rc && rn_tok_n_vocab(m->tok) > m->hp.n_vocab)
        rc = rn_fail(err, RN_EFORMAT, "%s: %d tokens but embeddings for %d; the file is damaged",
                     m->path, rn_tok_n_vocab(m->tok), m->hp.n_vocab);
    if (!rc) rc = rn_pool_new(opts->n_threads > 0 ? opts->n_threads : rn_cpu_count(), &L.pool, err);
    if (rc) return rc;
    L.take = true;
    m->weight_bytes = L.bytes;
    rc = walk(&L);
    rn_pool_free(L.pool);
    if (!rc) rc = list_dead(m, err);
    if (!rc) rc = check_router(m, err);
    return rc ? rc : check_rope_factors(m, err);
}

int rn_model_load_gguf(rn_gguf *file, const rn_load_opts *opts, rn_model **out, rn_err *err)
{
    int64_t t0 = rn_now_ns();
    static const rn_load_opts none;
    rn_model *m = calloc(1, sizeof *m);
    if (!m) {
        rn_gguf_close(file);
        return rn_fail(err, RN_ENOMEM, "out of memory for a model");
    }
    m->file = file;
    m->path = rn_gguf_path(file);
    int rc = load(m, opts ? opts : &none, err);
    if (rc) {
        rn_model_close(m);
        return rc;
    }
    m->load_ns = rn_now_ns() - t0;
    *out = m;
    return 0;
}

int rn_model_load(const char *path, const rn_load_opts *opts, rn_model **out, rn_err *err)
{
    rn_gguf *file;
    int rc = rn_gguf_open(path, &file, err);
    return rc ? rc : rn_model_load_gguf(file, opts, out, err);
}

void rn_model_shape(const rn_model *m, rn_shape *out)
{
    rn_hparams_shape(&m->hp, out);
    out->tied_head = m->tied;
}

void rn_model_close(rn_model *m)
{
    if (!m) return;
    for (int32_t i = 0; m->layers && i < m->hp.n_layer; i++) {
        rn_layer *y = &m->layers[i];
        rn_mat *mats[] = {y->wq,  y->wk,    y->wv,     y->wo,   y->wgate,
                          y->wup, y->wdown, y->wroute, y->wq_a, y->wkv_a};
        for (size_t k = 0; k < sizeof mats / sizeof mats[0]; k++)
            rn_mat_free(mats[k]);
        for (int32_t e = 0; e < m->hp.n_head; e++) {
            if (y->to_latent) rn_mat_free(y->to_latent[e]);
            if (y->from_latent) rn_mat_free(y->from_latent[e]);
        }
        free(y->to_latent);
        free(y->from_latent);
        for (int32_t e = 0; y->experts && e < m->hp.n_expert; e++) {
            rn_mat_free(y->experts[e].gate);
            rn_mat_free(y->experts[e].up);
            rn_mat_free(y->experts[e].down);
        }
        free(y->experts);
    }
    free(m->layers);
    rn_mat_free(m->output);
    rn_tok_free(m->tok);
    rn_gguf_close(m->file);
    rn_arena_free(&m->arena);
    rn_memory_give(m->image, m->image_bytes);
    free(m);
}
