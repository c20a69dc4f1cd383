/*
 * experts.c: a mixture of experts as the feed-forward of a layer.
 *
 *   s = Wroute h (+ bias)                                            [rows, n_expert]
 *   of each row the n_used largest s (a tie: the lower number), w = softmax of these
 *   y = sum over them of w_e (Wdown_e act(Wgate_e h, Wup_e h))       [rows, d_model]
 *       + the same of the experts that every row takes, one feed-forward
 *
 * DeepSeek's routers: w is the softmax of all s or the sigmoid of each, chosen by w + favour within
 * the best groups of experts, then divided by its sum (if stated) and multiplied by a number.
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

/* What a group is worth: with sigmoids the sum of its two best, as DeepSeek-V3 has it; with a
 * softmax its best, as V2 has it. */
static float group_worth(const rn_hparams *h, const float *p, int32_t n)
{
    float first = -INFINITY, second = -INFINITY;
    for (int32_t e = 0; e < n; e++) {
        if (p[e] > first) {
            second = first;
            first = p[e];
        } else if (p[e] > second) {
            second = p[e];
        }
    }
    return h->sigmoid && n > 1 ? first + second : first;
}

/* Experts outside the n_group_used best groups cannot be chosen (a tie: the lower number wins). */
static void leave_groups(const rn_hparams *h, float *p)
{
    const int32_t each = h->n_expert / h->n_group;
    float worth[RN_MAX_EXPERTS];
    bool kept[RN_MAX_EXPERTS] = {false};
    for (int32_t g = 0; g < h->n_group; g++)
        worth[g] = group_worth(h, p + g * each, each);
    for (int32_t k = 0; k < h->n_group_used; k++) {
        int32_t best = 0;
        for (int32_t g = 1; g < h->n_group; g++)
            if (kept[best] || (!kept[g] && worth[g] > worth[best])) best = g;
        kept[best] = true;
    }
    for (int32_t e = 0; e < h->n_expert; e++)
        if (!kept[e / each]) p[e] = -INFINITY;
}

/* Scores s [n_expert] become the weights that a file's own router gives them, before the choice. */
static void weigh(const rn_forward *f, float *s)
{
    const rn_hparams *h = &f->m->hp;
    const rn_kern *kern = f->m->kern;
    const int32_t n = h->n_expert;
    if (h->sigmoid) {
        rn_exp_row(kern, s, 0, -1, n, s);
        for (int32_t e = 0; e < n; e++)
            s[e] = 1 / (1 + s[e]);
        return;
    }
    float total = 0;
    rn_exp_row(kern, s, rn_max_row(kern, s, n), 1, n, s);
    for (int32_t e = 0; e < n; e++)
        total += s[e];
    rn_scale(kern, 1 / total, n, s);
}

/* The experts and weights [n_used] of one row by the file's own router. */
static void route_stated(const rn_forward *f, const rn_layer *y, float *s, int32_t *chosen,
                         float *w)
{
    const rn_hparams *h = &f->m->hp;
    float pick[RN_MAX_EXPERTS];
    weigh(f, s);
    memcpy(pick, s, (size_t)h->n_expert * sizeof *pick);
    if (y->route_favour) rn_add(f->m->kern, y->route_favour, h->n_expert, pick);
    if (h->n_group > 1) leave_groups(h, pick);
    choose(h, pick, chosen, w);
    float total = 0;
    for (int32_t k = 0; k < h->n_used; k++) {
        w[k] = s[chosen[k]];
        total += w[k];
    }
    if (h->norm_weights) rn_scale(f->m->kern, 1 / (total + 1e-20F), h->n_used, w);
    if (h->expert_scale != 1) rn_scale(f->m->kern, h->expert_scale, h->n_used, w);
}

static void route_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_hparams *h = &f->m->hp;
    const rn_layer *y = &f->m->layers[f->layer];
    for (int64_t r = begin; r < end; r++) {
        float kept[RN_MAX_USED], *s = f->scores + r * h->n_expert, *w = f->weight + r * h->n_used;
        memset(f->sum + r * h->d_model, 0, (size_t)h->d_model * sizeof(float));
        if (y->broute) rn_add(f->m->kern, y->broute, h->n_expert, s);
        if (h->arch->router) {
            route_stated(f, y, s, f->chosen + r * h->n_used, w);
            continue;
        }
        choose(h, s, f->chosen + r * h->n_used, kept);
        rn_exp_row(f->m->kern, kept, rn_max_row(f->m->kern, kept, h->n_used), 1, h->n_used, w);
        float total = 0;
        for (int32_t k = 0; k < h->n_used; k++)
            total += w[k];
        rn_scale(f->m->kern, 1 / total, h->n_used, w);
    }
}

/* Deals the (row, expert) pairs to groups, one for each expert that any row chose, in rising order
 * of the experts, rows in order. */
static void group(rn_forward *f)
{
    const rn_hparams *h = &f->m->hp;
    const int64_t n = (int64_t)f->n_rows * h->n_used;
    int32_t *end = f->end, at = 0;
    memset(end, 0, (size_t)h->n_expert * sizeof *end);
    for (int64_t i = 0; i < n; i++)
        end[f->chosen[i]]++;
    f->n_groups = 0;
    for (int32_t e = 0; e < h->n_expert; e++) {
        const int32_t rows = end[e];
        end[e] = at;
        if (!rows) continue;
        f->expert[f->n_groups] = e;
        f->start[f->n_groups++] = at;
        at += rows;
    }
    f->start[f->n_groups] = at;
    for (int64_t i = 0; i < n; i++)
        f->place[i] = end[f->chosen[i]]++;
    assert(at == n);
}

static void gather_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const int64_t d = f->m->hp.d_model, n_used = f->m->hp.n_used;
    for (int64_t i = begin * n_used; i < end * n_used; i++)
        memcpy(f->some + f->place[i] * d, f->h + i / n_used * d, (size_t)d * sizeof(float));
}

static void act_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const int64_t n = f->m->hp.d_expert, n_used = f->m->hp.n_used;
    for (int64_t i = begin * n_used; i < end * n_used; i++) {
        const rn_expert *x = &f->m->layers[f->layer].experts[f->chosen[i]];
        const int64_t at = f->place[i] * n;
        rn_forward_gate(f->m, x->bgate, x->bup, f->gate + at, f->up + at, n);
    }
}

static void sum_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const rn_kern *kern = f->m->kern;
    const int64_t d = f->m->hp.d_model, n_used = f->m->hp.n_used;
    for (int64_t i = begin * n_used; i < end * n_used; i++) {
        const rn_expert *x = &f->m->layers[f->layer].experts[f->chosen[i]];
        float *y = f->some + f->place[i] * d;
        if (x->bdown) rn_add(kern, x->bdown, d, y);
        rn_scale(kern, f->weight[i], d, y);
        rn_add(kern, y, d, f->sum + i / n_used * d);
    }
}

/* The experts' sum becomes the output, or is added to that of the experts of every row. */
static void take_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    rn_forward *f = arg;
    const int64_t d = f->m->hp.d_model, n = (end - begin) * d;
    if (f->m->layers[f->layer].wdown)
        rn_add(f->m->kern, f->sum + begin * d, n, f->h + begin * d);
    else
        memcpy(f->h + begin * d, f->sum + begin * d, (size_t)n * sizeof(float));
}

/* Every product of all groups is one loop: were each expert's of its own, threads would meet some
 * fifty times as often. */
void rn_experts_run(rn_forward *f, const rn_layer *y)
{
    const rn_hparams *h = &f->m->hp;
    const int64_t d = h->d_model, ff = h->d_expert;
    rn_act_set(f->act, f->h, d, f->n_rows, d, rn_mat_form(y->wroute), f->pool);
    rn_mat_mul(&(rn_mul){y->wroute, f->scores, h->n_expert}, 1, f->act, f->pool);
    rn_forward_each_row(f, route_rows);
    group(f);
    rn_forward_each_row(f, gather_rows);
    const rn_expert *first = &y->experts[f->expert[0]];
    rn_act_set_groups(f->act, f->some, d, f->start, f->n_groups, d,
                      rn_mat_form(first->gate) | rn_mat_form(first->up), f->pool);
    for (int32_t g = 0; g < f->n_groups; g++) {
        const rn_expert *x = &y->experts[f->expert[g]];
        f->muls[2 * g] = (rn_mul){x->gate, f->gate + f->start[g] * ff, ff};
        f->muls[2 * g + 1] = (rn_mul){x->up, f->up + f->start[g] * ff, ff};
    }
    rn_mat_mul_groups(f->muls, 2, f->start, f->n_groups, f->act, f->pool);
    rn_forward_each_row(f, act_rows);
    rn_act_set_groups(f->act, f->up, ff, f->start, f->n_groups, ff, rn_mat_form(first->down),
                      f->pool);
    for (int32_t g = 0; g < f->n_groups; g++)
        f->muls[g] = (rn_mul){y->experts[f->expert[g]].down, f->some + f->start[g] * d, d};
    rn_mat_mul_groups(f->muls, 1, f->start, f->n_groups, f->act, f->pool);
    rn_forward_each_row(f, sum_rows);
    if (y->wdown) rn_forward_ffn(f, y);
    rn_forward_each_row(f, take_rows);
}
