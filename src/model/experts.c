/*
 * experts.c: a mixture of experts as the feed-forward of a layer.
 *
 *   s = Wroute h (+ bias)                                            [rows, n_expert]
 *   of each row the n_used largest s (a tie: the lower number), w = softmax of these
 *   y = sum over them of w_e (Wdown_e act(Wgate_e h, Wup_e h))       [rows, d_model]
 *
 * Rows are grouped by expert, so that one product of an expert serves every row of the pass that
 * chose it: many samples in flight fill what one alone leaves empty. A row's outputs are added in
 * rising order of the experts' numbers, and no product depends on what rows stand beside (mat.h),
 * so that a row's result is the same in every batch, bit for bit.
 */
#include "model/forward_priv.h"
#include "model/ops.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The n_used largest of s [n_expert], in rising order of their numbers: `chosen` and their scores
 * `kept`, [n_used] each. s is used up. */
static void choose(const rn_hparams *h, float *s, int32_t *chosen, float *kept)
{
    for (int32_t k = 0; k < h->n_used; k++) {
        int32_t best = 0;
        for (int32_t e = 1; e < h->n_expert; e++)
            if (s[e] > s[best]) best = e;
        int32_t at = k; /* insertion keeps the order */
        for (; at > 0 && chosen[at - 1] > best; at--) {
            chosen[at] = chosen[at - 1];
            kept[at] = kept[at - 1];
        }
        chosen[at] = best;
        kept[at] = s[best];
        s[best] = -INFINITY;
    }
}

static void route_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_hparams *h = &f->m->hp;
    const rn_layer *y = &f->m->layers[f->layer];
    for (int64_t r = begin; r < end; r++) {
        float kept[RN_MAX_USED], *s = f->scores + r * h->n_expert, *w = f->weight + r * h->n_used;
        if (y->broute) rn_add(f->m->kern, y->broute, h->n_expert, s);
        choose(h, s, f->chosen + r * h->n_used, kept);
        rn_exp_row(f->m->kern, kept, rn_max_row(f->m->kern, kept, h->n_used), 1, h->n_used, w);
        float total = 0;
        for (int32_t k = 0; k < h->n_used; k++)
            total += w[k];
        rn_scale(f->m->kern, 1 / total, h->n_used, w);
        memset(f->sum + r * h->d_model, 0, (size_t)h->d_model * sizeof(float));
    }
}

/* Lists the (row, expert) pairs expert by expert, rows in order. */
static void group(rn_forward *f)
{
    const rn_hparams *h = &f->m->hp;
    const int64_t n = (int64_t)f->n_rows * h->n_used;
    memset(f->start, 0, ((size_t)h->n_expert + 1) * sizeof *f->start);
    for (int64_t i = 0; i < n; i++)
        f->start[f->chosen[i] + 1]++;
    for (int32_t e = 0; e < h->n_expert; e++)
        f->start[e + 1] += f->start[e];
    for (int64_t i = 0; i < n; i++)
        f->of[f->start[f->chosen[i]]++] = (int32_t)i;
    for (int32_t e = h->n_expert; e > 0; e--) /* each start has moved to its end */
        f->start[e] = f->start[e - 1];
    f->start[0] = 0;
    assert(f->start[h->n_expert] == n);
}

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const int64_t d = f->m->hp.d_model;
    const int32_t *of = f->of + f->start[f->expert];
    for (int64_t i = begin; i < end; i++)
        memcpy(f->some + i * d, f->h + of[i] / f->m->hp.n_used * d, (size_t)d * sizeof(float));
}

static void act_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_expert *x = &f->m->layers[f->layer].experts[f->expert];
    const int64_t n = f->m->hp.d_ff;
    for (int64_t i = begin; i < end; i++)
        rn_forward_gate(f->m, x->bgate, x->bup, f->gate + i * n, f->up + i * n);
}

static void scatter_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_expert *x = &f->m->layers[f->layer].experts[f->expert];
    const int64_t d = f->m->hp.d_model;
    const int32_t *of = f->of + f->start[f->expert];
    for (int64_t i = begin; i < end; i++) {
        float *y = f->some + i * d;
        if (x->bdown) rn_add(f->m->kern, x->bdown, d, y);
        rn_scale(f->m->kern, f->weight[of[i]], d, y);
        rn_add(f->m->kern, y, d, f->sum + of[i] / f->m->hp.n_used * d);
    }
}

static void take_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const int64_t d = f->m->hp.d_model;
    memcpy(f->h + begin * d, f->sum + begin * d, (size_t)((end - begin) * d) * sizeof(float));
}

void rn_experts_run(rn_forward *f, const rn_layer *y)
{
    const rn_hparams *h = &f->m->hp;
    const int64_t d = h->d_model, ff = h->d_ff;
    rn_act_set(f->act, f->h, d, f->n_rows, d, rn_mat_form(y->wroute), f->pool);
    rn_mat_mul(&(rn_mul){y->wroute, f->scores, h->n_expert}, 1, f->act, f->pool);
    rn_forward_each_row(f, route_rows);
    group(f);
    for (int32_t e = 0; e < h->n_expert; e++) {
        const int64_t n = f->start[e + 1] - f->start[e];
        const rn_expert *x = &y->experts[e];
        if (n == 0) continue;
        f->expert = e;
        rn_pool_for(f->pool, n, 4, gather_rows, f);
        rn_act_set(f->act, f->some, d, n, d, rn_mat_form(x->gate) | rn_mat_form(x->up), f->pool);
        rn_mat_mul((rn_mul[]){{x->gate, f->gate, ff}, {x->up, f->up, ff}}, 2, f->act, f->pool);
        rn_pool_for(f->pool, n, 1, act_rows, f);
        rn_act_set(f->act, f->up, ff, n, ff, rn_mat_form(x->down), f->pool);
        rn_mat_mul(&(rn_mul){x->down, f->some, d}, 1, f->act, f->pool);
        rn_pool_for(f->pool, n, 4, scatter_rows, f);
    }
    rn_forward_each_row(f, take_rows);
}
