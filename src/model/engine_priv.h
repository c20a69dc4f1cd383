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
    rn_cache cache;  /* [max_new_tok] positions after the prompt */
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
    rn_slot *slots; /* [n_slots] */
    rn_group
        *groups;    /* [n_slots]: every job in flight has a sample in flight, or is being started */
    rn_span *spans; /* [max_rows]: of a pass */
    int32_t *span_slot; /* [max_rows]: slot of a span */
    int32_t max_rows;
    float *logits; /* [max(n_slots, LOGIT_ROWS), n_vocab] */
    char *scratch; /* [n_threads, scratch_bytes] of the sampler */
    size_t scratch_bytes;
    size_t group_bytes; /* held by the prompts of live groups */
};

/* Whether n_tok tokens turn by the factors of long texts, where a model has two sets (LongRoPE).
 * What counts is how long a sample may become, or a given text is: keys that are stored cannot be
 * turned again, and the answer may depend on nothing but the sample. */
static inline bool rn_engine_long(const rn_engine *e, int64_t n_tok)
{
    return e->model->hp.long_ctx && n_tok > e->model->hp.long_ctx;
}

/* Runs ids [n] into an empty cache, in chunks; leaves the logits of the last in out [n_vocab]. */
void rn_engine_prefill(rn_engine *e, rn_cache *cache, const int32_t *ids, int32_t n, bool long_text,
                       float *out);

/* RN_EINVAL if an id is outside the vocabulary or n < 1. */
int rn_engine_check_ids(const rn_engine *e, const int32_t *ids, int64_t n, const char *what,
                        rn_err *err);

#endif
