/*
 * forward_priv.h: the buffers of a forward pass, shared by forward.c, experts.c and latent.c.
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
    float *h;          /* [rows, max(d_model, n_head vd)]: normed input, then attention's output */
    float *q;          /* [rows, n_head hd] */
    float *k, *v;      /* [rows, n_kv_head hd], [rows, n_kv_head vd] */
    float *gate, *up;  /* [rows, widest feed-forward] */
    float *rope;       /* [max_pos, n_rot / 2, 2]: cos and sin */
    float *rope_local; /* the same of layers with a window, where theirs is another; NULL */
    float *rope_long;  /* the same of long texts, where theirs is another; NULL */
    rn_act *act;       /* the input of products, as the kernels want it */
    rn_attn_seq *seqs; /* [rows] */
    int32_t *tok, *pos, *own_pos; /* [rows] */
    int32_t *span_of;             /* [rows] */
    const rn_span *spans;         /* [n_spans] of this pass */
    int32_t n_spans;
    int32_t layer; /* at work */
    /* Of latent attention. */
    float *low;   /* [rows, q_rank] */
    float *heads; /* [rows, n_head (nope + n_rot)]: queries before they go to the latent space */
    float *mixed; /* [rows, n_head kv_rank]: attention's output in the latent space */
    /* Of a mixture of experts; n_used a row. */
    float *scores;    /* [rows, n_expert] */
    float *sum;       /* [rows, d_model]: the experts' outputs by their weights */
    float *some;      /* [rows n_used, d_model]: input and output of the pairs, group by group */
    float *weight;    /* [rows, n_used] */
    int32_t *chosen;  /* [rows, n_used]: experts, in rising order */
    int32_t *place;   /* [rows, n_used]: of each (row, expert) among the pairs */
    int32_t *expert;  /* [n_groups]: whose a group is */
    int32_t *start;   /* [n_groups + 1]: where its pairs begin */
    int32_t *end;     /* [n_expert]: where an expert's pairs end */
    int32_t n_groups; /* of the layer at work, at most n_expert */
    rn_mul *muls;     /* [2 n_expert] */
};

void rn_forward_each_row(rn_forward *f, rn_pool_fn *fn);

/* cos and sin of row r's position in the layer at work, [n_rot / 2, 2]. */
const float *rn_forward_turn(const rn_forward *f, int64_t r);
/* What a query at row r's position is multiplied by; 1 in most models. */
float rn_forward_temper(const rn_forward *f, int64_t r);
/* Row r's key and value to the cache of its span. */
void rn_forward_store(const rn_forward *f, int64_t r, const float *k, const float *v);
/* Attention of the layer at work: q to out [rows, n_head vd]. */
void rn_forward_attend(rn_forward *f, float *out);

/* gate (may be NULL) and up [n]: the activation between the products, into up. */
void rn_forward_gate(const rn_model *m, const float *bgate, const float *bup, float *gate,
                     float *up, int64_t n);
/* h, the feed-forward's input [rows, d_model], becomes its output without the last bias. */
void rn_forward_ffn(rn_forward *f, const rn_layer *y);

/* experts.c: the same of a mixture of experts. */
void rn_experts_run(rn_forward *f, const rn_layer *y);
/* latent.c: h, the normed input [rows, d_model], becomes attention's output [rows, n_head out_dim].
 */
void rn_latent_run(rn_forward *f, const rn_layer *y);

#endif
