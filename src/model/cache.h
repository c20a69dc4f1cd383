/*
 * cache.h: the keys and values of a run of positions, all layers: a prompt's, which many samples
 * read, or what one sample adds to it. The layout within a layer is attn.h's.
 */
#ifndef RN_MODEL_CACHE_H
#define RN_MODEL_CACHE_H

#include "model/arch.h"
#include "model/attn.h"

/* What it holds of a position and layer. */
static inline rn_kv_form rn_cache_form(const rn_hparams *hp, rn_kv_type type)
{
    return (rn_kv_form){type, hp->n_kv_head, hp->head_dim, hp->value_dim, hp->kv_rank > 0};
}

typedef struct rn_cache {
    char *data; /* [n_layer][n_kv_head] heads of `capacity` positions; owned */
    size_t bytes, layer_bytes;
    int64_t capacity; /* positions, a multiple of 16 */
} rn_cache;

/* Bytes of a cache of n positions. */
size_t rn_cache_bytes(const rn_hparams *hp, rn_kv_type type, int64_t n);
/* Zeroed; memory is used as positions are written. RN_ENOMEM. rn_cache_close frees. */
int rn_cache_open(rn_cache *c, const rn_hparams *hp, rn_kv_type type, int64_t n, rn_err *err);
void rn_cache_close(rn_cache *c); /* NULL accepted; *c is empty afterwards */

static inline rn_kv rn_cache_layer(const rn_cache *c, int32_t layer)
{
    return (rn_kv){.data = c->data + (size_t)layer * c->layer_bytes, .capacity = c->capacity};
}

#endif
