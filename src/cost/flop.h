/*
 * flop.h: FLOPs of a decoder-only transformer, from its shape alone (rn_shape of ration.h).
 *
 * Two counts stand side by side and are never mixed:
 *  - the study's convention (rn_flop_convention), which ranks models by one pass over 128 tokens;
 *  - the exact count of what sampling does: the prompt once, then token by token.
 * A multiply and an add are two FLOPs. Norms, rotary embeddings, softmax and the embedding lookup
 * are left out of both; they are below one percent for every model of the study.
 */
#ifndef RN_COST_FLOP_H
#define RN_COST_FLOP_H

#include "base/base.h"

/* Tokens of the study's forward pass. */
enum { RN_FLOP_STUDY_TOK = 128 };

/* RN_EINVAL naming the first field that cannot be: not positive, above 2^31, or heads that are no
 * multiple of the kv heads. */
int rn_shape_check(const rn_shape *s, rn_err *err);

double rn_shape_layer_weights(const rn_shape *s); /* linear weights of all layers together */
double rn_shape_head_weights(const rn_shape *s);  /* d_model * vocab */
/* Weights of the layers, the output head and, unless tied, the embedding table; biases and norms
 * are not counted. */
double rn_shape_params(const rn_shape *s);

/* A pass over n_tok tokens that follow `past_tok` cached ones, with the head at n_head of them:
 *   2 * n_tok * layer weights + 2 * n_head * head weights
 *   + 4 * n_layer * n_head * head_dim * (sum of the attended lengths past_tok + 1 ... + n_tok). */
double rn_flop_pass(const rn_shape *s, int64_t past_tok, int64_t n_tok, int64_t n_head);

/* The common approximation 2 * N * n_tok, N the linear weights with the output head. */
double rn_flop_2n(const rn_shape *s, int64_t n_tok);

#endif
