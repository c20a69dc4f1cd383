/*
 * engine.h: many samples of few prompts through one model, and scores of given texts.
 *
 * A job is one prompt and the indices of the samples wanted of it. Its prompt goes through the
 * model once, its keys and values are stored once and are read by every sample of the job in
 * flight; what it has in common with the prompt before it, or with another one in flight, is taken
 * from there. A sample holds a slot from its first token to its end; then the slot goes to the next
 * sample, of this job or of the following one. Every step is one forward pass with one row per slot
 * in use, whatever jobs they belong to.
 *
 * Keys and values lie in pages (cache.h) that a sample takes as it grows: the memory that is there
 * is used for the tokens that are there, not for the most there may be. When no page is left, the
 * sample with the fewest tokens gives its own back and waits; later its tokens go through the model
 * once more, side by side, and it goes on where it was.
 *
 * Promise: the result of sample i depends on model, kernels, prompt, sampling settings, stream and
 * i alone. Rows never mix (each is reduced in an order of its own) and each sample draws from its
 * own stream, so slots, threads, memory, order and restarts cannot show.
 *
 * All address space is taken when the engine opens and when a job starts, none in the token loop.
 */
#ifndef RN_MODEL_ENGINE_H
#define RN_MODEL_ENGINE_H

#include "model/cache.h"
#include "model/model.h"

typedef struct rn_engine rn_engine;

typedef struct rn_engine_opts {
    int n_threads;          /* 0: one per core */
    int32_t n_slots;        /* samples in flight; 0: RN_ENGINE_SLOTS, or fewer if memory is short */
    size_t memory_bytes;    /* for everything but the weights; 0: most of what is free now */
    rn_kv_type kv;          /* how keys and values are stored */
    int64_t max_prompt_tok; /* longest prompt that will come */
    int64_t max_new_tok;    /* most new tokens of a sample, or tokens of a text to score */
} rn_engine_opts;

enum { RN_ENGINE_SLOTS = 64, RN_ENGINE_MAX_SLOTS = 4096 };

/* The model stays the caller's and must outlive the engine. RN_ELIMIT with numbers when not even
 * one slot fits, or when the prompt does not fit the model's context. */
int rn_engine_open(const rn_model *model, const rn_engine_opts *opts, rn_engine **out, rn_err *err);
void rn_engine_close(rn_engine *e); /* NULL accepted */

/* What the plan came to: for messages and the record of a run. */
typedef struct rn_engine_plan {
    int n_threads;
    int32_t n_slots; /* samples in flight at most */
    int32_t n_full;  /* so many could all have max_new_tok tokens at once without waiting */
    size_t kv_bytes_per_tok, slot_bytes, buffer_bytes, memory_bytes;
} rn_engine_plan;
const rn_engine_plan *rn_engine_plan_of(const rn_engine *e); /* borrowed */

typedef enum rn_finish { RN_FINISH_END, RN_FINISH_STOP, RN_FINISH_LENGTH } rn_finish;
/* "stop" for an end token and a stop string, "length" for the limit; static. */
const char *rn_finish_name(rn_finish f);

/* One prompt. Everything is borrowed until its last sample was delivered. */
typedef struct rn_job {
    const int32_t *prompt; /* [n_prompt] token ids, at least 1 */
    int32_t n_prompt;
    bool bare;           /* nothing but a BOS token: the first piece's added space is not text */
    bool to_limit;       /* nothing but the limit ends a sample: for measuring */
    uint64_t stream;     /* names the problem in the random streams */
    const uint32_t *idx; /* [n] sample indices, each once */
    int64_t n;
    const rn_sampling *sampling;
    void *user;
} rn_job;

/* A finished sample; borrowed until the callback returns. */
typedef struct rn_result {
    uint32_t idx;
    rn_finish finish;
    const int32_t *tok; /* [n_tok] generated ids, the end token included */
    int32_t n_tok;
    rn_bytes text;   /* bytes of the tokens, without the end token, with the stop string */
    double logprob;  /* sum of log p over tok, in nats, before temperature and truncation */
    int64_t wall_ns; /* its share of the time: of each step 1 / rows, of the prompt 1 / n */
} rn_result;

typedef struct rn_engine_stats {
    int64_t n_prompt_tok, n_new_tok; /* processed so far */
    int64_t n_shared_tok;            /* of prompts: taken from another prompt */
    int64_t n_again_tok;             /* new ones that went through once more */
    int32_t n_active;                /* slots in use */
    int64_t prefill_ns, decode_ns;
} rn_engine_stats;

/* Callbacks of a run; a negative result ends the run and is returned by it, with *err as the
 * callback filled it. next: 1 and the next job, 0 when there is none. tick (may be NULL): after
 * every step. start (may be NULL: always): before a job's next sample is given a free slot; 1 to
 * start it, 0 not now; a caller that has nothing in flight waits in there. dropped (may be NULL):
 * what was in flight when the run ended early, as far as it had come. */
typedef struct rn_engine_io {
    int (*next)(void *user, rn_job *job, rn_err *err);
    int (*done)(void *user, const rn_job *job, const rn_result *r, rn_err *err);
    int (*tick)(void *user, const rn_engine_stats *s, rn_err *err);
    int (*start)(void *user, const rn_job *job, rn_err *err);
    void (*dropped)(void *user, const rn_job *job, const rn_result *r);
    void *user;
} rn_engine_io;

/* Runs until no job is left. After an error the engine is free for another run. */
int rn_engine_run(rn_engine *e, const rn_engine_io *io, rn_err *err);
const rn_engine_stats *rn_engine_stats_of(const rn_engine *e); /* of the last run; borrowed */

/* ---- given texts ----------------------------------------------------------------------------- */

/* A text as token ids, and what comes out. */
typedef struct rn_score {
    const int32_t *tok; /* [n_tok], borrowed; at least 1 */
    int32_t n_tok;
    double logprob;  /* out: sum_i log p(tok[i] | prompt, tok[0..i-1]), in nats */
    int64_t wall_ns; /* out: its share of the time */
    bool has_alt;    /* the last token is one answer of two: `alt` would be the other */
    int32_t alt;
    double last_logprob, alt_logprob; /* out, if has_alt: log p of either in the last place */
} rn_score;

/* Callbacks of scoring; as in rn_engine_io. done: texts[i] has its score. tick: after every pass.
 */
typedef struct rn_score_io {
    int (*done)(void *user, int64_t i, rn_err *err);
    int (*tick)(void *user, const rn_engine_stats *s, rn_err *err);
    void *user;
} rn_score_io;

/* Teacher-forced: the prompt [n_prompt >= 1] goes through once, then the texts' tokens side by
 * side, many rows a pass. Equation 7 is -logprob / n_tok. io: may be NULL, and so may its members.
 */
int rn_engine_score(rn_engine *e, const int32_t *prompt, int32_t n_prompt, rn_score *texts,
                    int64_t n, const rn_score_io *io, rn_err *err);

/* Logits of every position of ids [n]: out [n, n_vocab]. Keys and values as the engine stores them.
 */
int rn_engine_logits(rn_engine *e, const int32_t *ids, int32_t n, float *out, rn_err *err);

/* ---- measuring ------------------------------------------------------------------------------- */

/* The median time of n_steps (1 to 64) steps with n_rows samples of one prompt in flight, each with
 * n_own tokens of its own already: forward pass, logits, draw and likelihood. n_own < max_new_tok.
 */
int rn_engine_time_step(rn_engine *e, int32_t n_prompt, int32_t n_own, int32_t n_rows, int n_steps,
                        int64_t *step_ns, rn_err *err);
/* The time of a prompt. */
int rn_engine_time_prompt(rn_engine *e, int32_t n_prompt, int64_t *prompt_ns, rn_err *err);

#endif
