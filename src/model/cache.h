/*
 * cache.h: the keys and values of runs of positions, in pages: a prompt's, which many samples read,
 * or what one sample adds to it.
 *
 * A page holds RN_PAGE positions of every layer, and is one run of attention (attn.h): where pages
 * lie cannot show in a result. One set of pages serves all prompts and samples of an engine.
 * Address space for the most there may be is taken at once, memory as pages are used, those that
 * were used before first. A cache takes a page when it grows into it, and none before.
 *
 * Pages are counted. Prompts that begin alike hold the same pages for what they have in common, in
 * whole pages, so that the prompts of a set with examples in front are a tree, stored once; who
 * shares a page has all of its positions and writes to none.
 */
#ifndef RN_MODEL_CACHE_H
#define RN_MODEL_CACHE_H

#include "model/arch.h"
#include "model/attn.h"

/* What a cache holds of a position and layer. */
static inline rn_kv_form rn_cache_form(const rn_hparams *hp, rn_kv_type type)
{
    return (rn_kv_form){type, hp->n_kv_head, hp->head_dim, hp->value_dim, hp->kv_rank > 0};
}

/* Bytes of a page of all layers, and pages of n positions. */
size_t rn_page_bytes(const rn_hparams *hp, rn_kv_type type);
static inline int64_t rn_pages_of(int64_t n)
{
    return (n + RN_PAGE - 1) / RN_PAGE;
}

typedef struct rn_pages {
    char *data; /* [n][page_bytes]; owned */
    size_t page_bytes, layer_bytes;
    int64_t n;
    int64_t n_used;  /* held by caches now */
    int64_t n_fresh; /* the first that was never used */
    int32_t *spare;  /* [n_spare] that were given back, the last first; owned */
    int64_t n_spare;
    uint32_t *users; /* [n] caches that hold it; owned */
} rn_pages;

/* Room for n pages. RN_ENOMEM. rn_pages_close frees. */
int rn_pages_open(rn_pages *p, const rn_hparams *hp, rn_kv_type type, int64_t n, rn_err *err);
void rn_pages_close(rn_pages *p); /* *p is empty afterwards */

typedef struct rn_cache {
    rn_pages *from; /* borrowed */
    char **page;    /* [n] pages of positions 0, RN_PAGE .. on; owned, room for max */
    int64_t n, max;
} rn_cache;

/* An empty cache that may grow to max_pos positions. RN_ENOMEM. */
int rn_cache_open(rn_cache *c, rn_pages *from, int64_t max_pos, rn_err *err);
void rn_cache_close(rn_cache *c); /* NULL accepted; gives its pages back; *c is empty afterwards */
/* Takes pages until n_pos <= max_pos positions fit; false where too few are left, and *c is as it
 * was. */
bool rn_cache_reach(rn_cache *c, int64_t n_pos);
/* Gives all pages back. */
void rn_cache_drop(rn_cache *c);
/* An empty cache takes the first n_pages of another one, too. */
void rn_cache_share(rn_cache *c, const rn_cache *other, int64_t n_pages);

static inline rn_kv rn_cache_layer(const rn_cache *c, int32_t layer)
{
    return (rn_kv){.pages = c->page, .at = (size_t)layer * c->from->layer_bytes};
}

#endif
