/*
 * latent.c: attention whose keys and values come from one short vector a position, as DeepSeek-V2
 * has it (arXiv 2405.04434), run in the space of that vector.
 *
 *   c, k' = Wkv_a h; c = norm(c); k' = rotate(k')       [rows, kv_rank], [rows, n_rot]
 *   q = Wq h, or Wq norm(Wq_a h); of each head i: q_i [nope] and q'_i [n_rot], rotated
 *   head i's key at a position would be (Wk_i c, k'), its value Wv_i c. Since
 *     q_i . (Wk_i c) = (Wk_i^T q_i) . c    and    sum of p (Wv_i c) = Wv_i (sum of p c),
 *   every head reads the one vector (c, k') of a position, whose first kv_rank elements are the
 *   value, too: kv_rank + n_rot numbers are cached a position and layer, whatever the heads are.
 *
 * Wk_i^T is to_latent, Wv_i is from_latent. attn.c reads keys and values once for all heads.
 */
#include "model/forward_priv.h"
#include "model/ops.h"

#include <string.h>

/* The query's short vector. */
static void low_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_layer *y = &f->m->layers[f->layer];
    const int64_t n = f->m->hp.q_rank;
    for (int64_t r = begin; r < end; r++)
        rn_rmsnorm(f->m->kern, f->low + r * n, y->q_a_norm, f->m->hp.norm_eps, n, f->low + r * n);
}

/* Norm and rotation of what is cached, rotation of the queries' parts, which take their places
 * behind those that to_latent will give. */
static void store_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_hparams *h = &f->m->hp;
    const rn_layer *y = &f->m->layers[f->layer];
    const rn_kern *kern = f->m->kern;
    const rn_rope_kind kind = h->arch->rope_halves ? RN_ROPE_HALVES : RN_ROPE_NEIGHBOURS;
    const int hd = h->head_dim, rank = h->kv_rank, from = h->nope + h->n_rot;
    for (int64_t r = begin; r < end; r++) {
        float *k = f->k + r * hd, *raw = f->heads + r * h->n_head * from;
        float *q = f->q + r * h->n_head * hd;
        const float *cs = rn_forward_turn(f, r), temper = rn_forward_temper(f, r);
        rn_rmsnorm(kern, k, y->kv_a_norm, h->norm_eps, rank, k);
        rn_rope(kind, cs, h->n_rot, 1, h->n_rot, k + rank);
        rn_rope(kind, cs, h->n_rot, h->n_head, from, raw + h->nope);
        if (temper != 1) rn_scale(kern, temper, (int64_t)h->n_head * from, raw);
        for (int i = 0; i < h->n_head; i++)
            memcpy(q + i * hd + rank, raw + i * from + h->nope, (size_t)h->n_rot * sizeof *q);
        rn_forward_store(f, r, k, NULL);
    }
}

/* One product a head: columns [n_in] of x, x_stride floats a row, to columns of y. */
static void each_head(rn_forward *f, rn_mat *const *w, const float *x, int64_t x_stride, float *y,
                      int64_t y_stride)
{
    const int32_t n = f->m->hp.n_head;
    for (int32_t i = 0; i < n; i++) {
        rn_act_set(f->act, x + i * (x_stride / n), x_stride, f->n_rows, rn_mat_cols(w[i]),
                   rn_mat_form(w[i]), f->pool);
        rn_mat_mul(&(rn_mul){w[i], y + i * (y_stride / n), y_stride}, 1, f->act, f->pool);
    }
}

void rn_latent_run(rn_forward *f, const rn_layer *y)
{
    const rn_hparams *h = &f->m->hp;
    const int64_t d = h->d_model, n = f->n_rows, nh = h->n_head;
    const int64_t from = nh * (h->nope + h->n_rot), q = nh * h->head_dim, v = nh * h->kv_rank;
    const rn_mat *first = y->wq_a ? y->wq_a : y->wq;
    rn_act_set(f->act, f->h, d, n, d, rn_mat_form(first) | rn_mat_form(y->wkv_a), f->pool);
    rn_mat_mul((rn_mul[]){{first, y->wq_a ? f->low : f->heads, rn_mat_rows(first)},
                          {y->wkv_a, f->k, h->head_dim}},
               2, f->act, f->pool);
    if (y->wq_a) {
        rn_forward_each_row(f, low_rows);
        rn_act_set(f->act, f->low, h->q_rank, n, h->q_rank, rn_mat_form(y->wq), f->pool);
        rn_mat_mul(&(rn_mul){y->wq, f->heads, from}, 1, f->act, f->pool);
    }
    rn_forward_each_row(f, store_rows);
    each_head(f, y->to_latent, f->heads, from, f->q, q);
    rn_forward_attend(f, f->mixed);
    each_head(f, y->from_latent, f->mixed, v, f->h, nh * h->out_dim);
}
