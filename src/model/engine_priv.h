/* engine_priv.h: what engine.c and score.c share: the engine's memory and its buffers. */
#ifndef RN_MODEL_ENGINE_PRIV_H
#define RN_MODEL_ENGINE_PRIV_H

#include "base/buf.h"
#include "base/rng.h"
#include "model/engine.h"
#include "model/forward.h"

enum {
    RN_ENGINE_CHUNK = 512,     /* rows of a pass over prompts and given texts */
    RN_ENGINE_LOGIT_ROWS = 128 /* rows whose logits are held at a time when scoring */
};

typedef struct rn_group rn_group;

/* A sample in flight. */
typedef struct rn_slot {
    rn_group *group; /* NULL: free */
    rn_cache cache;  /* positions after the prompt */
    bool parked;     /* has given its pages back and waits */
    uint32_t idx;
    const float *logits; /* of its last token; NULL until they are known */
    int32_t *tok;        /* [max_new_tok] */
    int32_t n_tok;
    rn_buf text;
    rn_rng rng;
    double logprob, wall_ns;
    double picked_logprob; /* of the token just drawn */
    int32_t picked;
    int rc;
} rn_slot;

/* A job in flight. */
struct rn_group {
    bool live;
    rn_job job;
    rn_cache cache; /* the prompt's keys and values */
    bool long_text; /* prompt and the most new tokens are longer than the original context */
    float *logits;  /* [n_vocab] after the prompt's last token */
    int64_t next;   /* of job.idx: the first that has not started */
    int64_t n_done;
    double prompt_ns; /* each sample's share of the prompt */
};

struct rn_engine {
    const rn_model *model;
    rn_pool *pool;
    rn_forward *fwd;
    rn_engine_opts opts; /* as resolved: nothing is 0 */
    rn_engine_plan plan;
    rn_engine_stats stats;
    rn_pages pages; /* of all caches */
    /* The whole pages of the last prompt, for one that begins like it; given back when pages are
     * short. */
    rn_cache kept;
    int32_t *kept_ids; /* [max_prompt_tok]; of kept.n pages */
    bool kept_long;
    rn_slot *slots; /* [n_slots] */
    rn_group
        *groups;    /* [n_slots]: every job in flight has a sample in flight, or is being started */
    rn_span *spans; /* [max_rows]: of a pass */
    int32_t *span_slot; /* [max_rows]: slot of a span */
    int32_t max_rows;
    float *logits; /* [max(n_slots, LOGIT_ROWS), n_vocab] */
    char *scratch; /* [n_threads, scratch_bytes] of the sampler */
    size_t scratch_bytes;
};

/* Whether n_tok tokens turn by the factors of long texts, where a model has two sets (LongRoPE).
 * What counts is how long a sample may become, or a given text is: keys that are stored cannot be
 * turned again, and the answer may depend on nothing but the sample. */
static inline bool rn_engine_long(const rn_engine *e, int64_t n_tok)
{
    return e->model->hp.long_ctx && n_tok > e->model->hp.long_ctx;
}

/* A prompt, for rn_engine_prompt. */
typedef struct rn_prompt_ids {
    const int32_t *ids; /* [n], borrowed */
    int32_t n;
    bool long_text;
} rn_prompt_ids;

/* Opens *cache with the prompt's keys and values, those of its beginning from another prompt that
 * begins alike, where there is one, and leaves the logits of its last token in out [n_vocab].
 * RN_ENOMEM, RN_ELIMIT. The caller closes. */
int rn_engine_prompt(rn_engine *e, const rn_prompt_ids *p, rn_cache *cache, float *out,
                     rn_err *err);
/* Runs the prompt's ids from `from` on, in chunks, into a cache that holds those before and has
 * room for all; the last token's logits to out. */
void rn_engine_prefill(rn_engine *e, const rn_prompt_ids *p, int32_t from, rn_cache *cache,
                       float *out);
/* As rn_cache_reach, at the cost of what is kept of the last prompt. */
bool rn_engine_reach(rn_engine *e, rn_cache *c, int64_t n_pos);

/* RN_EINVAL if an id is outside the vocabulary or n < 1. */
int rn_engine_check_ids(const rn_engine *e, const int32_t *ids, int64_t n, const char *what,
                        rn_err *err);

#endif
