/* cache.c: see cache.h. */
#include "model/cache.h"

#include "model/memory.h"

static int64_t rounded(int64_t n)
{
    return (n + RN_KEY_BLOCK - 1) / RN_KEY_BLOCK * RN_KEY_BLOCK;
}

static size_t layer_bytes(const rn_hparams *hp, rn_kv_type type, int64_t n)
{
    return (size_t)hp->n_kv_head * rn_kv_head_bytes(type, hp->head_dim, rounded(n));
}

size_t rn_cache_bytes(const rn_hparams *hp, rn_kv_type type, int64_t n)
{
    return (size_t)hp->n_layer * layer_bytes(hp, type, n);
}

int rn_cache_open(rn_cache *c, const rn_hparams *hp, rn_kv_type type, int64_t n, rn_err *err)
{
    rn_cache made = {
        .bytes = rn_cache_bytes(hp, type, n),
        .layer_bytes = layer_bytes(hp, type, n),
        .capacity = rounded(n),
    };
    made.data = rn_memory_take(made.bytes);
    if (!made.data)
        return rn_fail(err, RN_ENOMEM, "no room for %.0f MiB of keys and values; use fewer slots",
                       rn_mib(made.bytes));
    *c = made;
    return 0;
}

void rn_cache_close(rn_cache *c)
{
    if (!c) return;
    rn_memory_give(c->data, c->bytes);
    *c = (rn_cache){0};
}
