/*
 * forward_priv.h: the buffers of a forward pass, shared by forward.c and experts.c.
 *
 * Rows of a pass lie one below the other in every buffer, whatever sequence they belong to.
 */
#ifndef RN_MODEL_FORWARD_PRIV_H
#define RN_MODEL_FORWARD_PRIV_H

#include "model/forward.h"

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
    float *rope_local; /* the same of layers with a window, where theirs is another; NULL */
    rn_act *act;       /* the input of products, as the kernels want it */
    rn_attn_seq *seqs; /* [rows] */
    int32_t *tok, *pos, *own_pos; /* [rows] */
    int32_t *span_of;             /* [rows] */
    const rn_span *spans;         /* of this pass */
    int32_t layer;                /* at work */
    /* Of a mixture of experts; n_used a row. */
    float *scores;   /* [rows, n_expert] */
    float *sum;      /* [rows, d_model]: the experts' outputs by their weights */
    float *some;     /* [rows, d_model]: rows of one expert, side by side: in and out */
    float *weight;   /* [rows, n_used] */
    int32_t *chosen; /* [rows, n_used]: experts, in rising order */
    int32_t *of;     /* [rows n_used]: place in `chosen` of each (row, expert), expert by expert */
    int32_t *start;  /* [n_expert + 1]: where an expert's part of `of` begins */
    int32_t expert;  /* at work */
};

void rn_forward_each_row(rn_forward *f, rn_pool_fn *fn);

/* gate (may be NULL) and up [n]: the activation between the products, into up. */
void rn_forward_gate(const rn_model *m, const float *bgate, const float *bup, float *gate,
                     float *up);

/* experts.c: h, the feed-forward's input [rows, d_model], becomes its output. */
void rn_experts_run(rn_forward *f, const rn_layer *y);

#endif
