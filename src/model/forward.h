/*
 * forward.h: one pass of a batch of tokens through the model.
 *
 * A span is consecutive tokens of one sequence. A sequence is a prefix (the prompt, stored once and
 * shared) and an own part; a prompt itself is a span without prefix. The spans' keys and values are
 * stored before any is read. Every row (one token) comes out the same whatever else is in the batch
 * and however its sequence is cut into spans.
 */
#ifndef RN_MODEL_FORWARD_H
#define RN_MODEL_FORWARD_H

#include "model/cache.h"
#include "model/model.h"
#include "model/pool.h"

typedef struct rn_span {
    const rn_cache *prefix; /* NULL: none */
    const rn_cache *own;    /* receives the tokens */
    int32_t n_prefix;       /* positions of the prefix; 0 without one */
    int32_t n_own;          /* positions that `own` holds already */
    const int32_t *tok;     /* [n] */
    int32_t n;
    bool long_text; /* turned by the factors of long texts, where a model has them; one choice for
                       all spans of a sequence and of its prefix (rn_hparams.long_ctx) */
} rn_span;

typedef struct rn_forward rn_forward;

/* Room for max_rows tokens a pass and positions below max_pos. Model and pool are borrowed. */
int rn_forward_open(const rn_model *model, rn_pool *pool, int32_t max_rows, int32_t max_pos,
                    rn_kv_type kv, rn_forward **out, rn_err *err);
void rn_forward_close(rn_forward *f); /* NULL accepted */
/* Bytes that rn_forward_open will take. */
size_t rn_forward_bytes(const rn_model *model, int32_t max_rows, int32_t max_pos);

/* Runs the spans; rows are numbered through them in order. Spans that share a prefix should be
 * neighbours: their attention to it is then one matrix product. The last layer's states stay until
 * the next pass. */
void rn_forward_run(rn_forward *f, const rn_span *spans, int32_t n_spans);

/* Logits of rows first .. first+n-1 of the last pass: out [n, n_vocab]. Those of ids that stand for
 * no token are so low that they have no probability. */
void rn_forward_logits(rn_forward *f, int32_t first, int32_t n, float *out);

#endif
