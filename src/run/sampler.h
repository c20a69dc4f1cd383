/*
 * sampler.h: a model as a source of samples, a GGUF file or a server alike: open, give it prompts
 * with the indices that are wanted of them, buy, take what arrives, close.
 *
 * Each sampler has a thread of its own: a file's engine runs in it with up to `width` samples side
 * by side, a server's requests are sent and waited for in it. Finished samples arrive in one
 * inbox, from which one thread takes them. Files that share a turn take turns at the processors,
 * step by step.
 *
 * Sample i of a prompt is the i-th of its stream (engine.h); orders are worked off as they were
 * given, and of each the indices in their order, as many as were bought.
 */
#ifndef RN_RUN_SAMPLER_H
#define RN_RUN_SAMPLER_H

#include "run/chat_template.h"
#include "rank/nll.h"
#include "run/opened.h"

#include <pthread.h>

/* ---- what arrives ---------------------------------------------------------------------------- */

typedef enum rn_event_kind {
    RN_EV_SAMPLE,
    RN_EV_FAILED, /* n purchases came to nothing: err */
    RN_EV_CUT,    /* n samples were cut by the server: no samples */
    RN_EV_DEAD,   /* nothing more can come: err; n purchases with it */
    RN_EV_OVER,   /* every index of every order has arrived or failed */
    RN_EV_NOTE,   /* text is a line for people */
    RN_EV_TERMS   /* text names what the server decides itself: "top_k, min_p" */
} rn_event_kind;

typedef struct rn_event {
    struct rn_event *next;
    rn_event_kind kind;
    int sampler;                             /* opts.index */
    uint64_t tag;                            /* of the order */
    int64_t idx, n;                          /* n: of FAILED, CUT, DEAD */
    rn_buf text;                             /* raw */
    const char *finish;                      /* static */
    int64_t prompt_tok, cached_tok, gen_tok; /* -1 unknown */
    int64_t lost_prompt_tok, lost_gen_tok;   /* paid for on the way, in no sample */
    double logprob;                          /* NAN unknown */
    int64_t wall_ns;  /* its share of the engine's time; of a server's request all */
    int64_t share_ns; /* its share of the time since the answer before; of a file wall_ns */
    int64_t at_ns;    /* when its last token was there; rn_now_ns */
    rn_err err;
} rn_event;

/* Events in the order in which they happened, from many threads to one. */
typedef struct rn_inbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    rn_event *first, **last;
} rn_inbox;

void rn_inbox_init(rn_inbox *b);
void rn_inbox_free(rn_inbox *b);
/* The next event, the caller's to rn_event_free, or NULL when none came within timeout_ms. */
rn_event *rn_inbox_take(rn_inbox *b, int timeout_ms);
void rn_event_free(rn_event *e);

/* Whose step it is: first come, first served. */
typedef struct rn_turn {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t next, serving;
} rn_turn;

void rn_turn_init(rn_turn *t);

/* ---- samplers -------------------------------------------------------------------------------- */

typedef struct rn_sampler_opts {
    const rn_model_source *model; /* borrowed, as all here */
    const rn_watch *watch;
    int index;     /* comes back in events */
    int width;     /* samples of a file, or requests of a server, side by side; 0: its own choice */
    bool load_now; /* a file's weights; else when the first sample is bought */
    const char *chat;  /* of a file: "auto", "none", "chatml", ... */
    bool chat_needed;  /* "auto" fails for a file without a template; else it is a base model */
    rn_remote_api api; /* of a server whose source names none */
    rn_inbox *inbox;
    rn_turn *turn; /* NULL: alone */
} rn_sampler_opts;

/* A prompt and what is wanted of it. */
typedef struct rn_order {
    uint64_t tag;
    rn_bytes prompt; /* the exact bytes: completion prompt or message; the sampler's own copy */
    uint64_t stream; /* of it */
    rn_ids ids;      /* of a file */
    uint32_t *idx;   /* [n] own */
    int64_t n, at;   /* at: next to start */
} rn_order;

/* What had been paid for when the end came. After rn_sampler_stop. */
typedef struct rn_sampler_rest {
    int64_t n_cancelled, gen_tok; /* at most; not of samples that were handed out */
    double flop;                  /* of the cancelled samples of a file */
    double seconds;               /* at work, from start to end */
    rn_err trouble;               /* of a server that never answered: why; code 0: none */
} rn_sampler_rest;

/* A moment of the work, for progress. */
typedef struct rn_sampler_state {
    int64_t n_new_tok, n_active;
    rn_remote_usage usage; /* of a server */
} rn_sampler_state;

typedef struct rn_sampler rn_sampler;
struct rn_sampler {
    rn_sampler_opts o;
    rn_opened m;
    rn_chat template; /* of a file */
    rn_buf system;    /* of its template */
    bool chat;        /* prompts are messages to an instruct model */
    bool infill;      /* prompts may have gaps (infill.h) */
    char how[32];     /* "completions", "chat", "none", "chatml", ...: how it is asked */
    /* The caller's, until the first purchase. */
    rn_sampling sampling;
    int per_request; /* of a server: samples of a request; 1 */
    bool logprobs;   /* of a server: are asked for */
    int n_proven;    /* of a server: answers that the caller had already */
    RN_VEC(rn_order) orders;
    int64_t n_wanted; /* indices of all orders */
    rn_sampler_rest rest;
    /* Of its thread. */
    void *own; /* sampler_file.c's or sampler_server.c's */
    void *(*run)(void *sampler);
    void (*wake)(rn_sampler *s);
    void (*free_own)(rn_sampler *s);
    void (*forget)(rn_sampler *s); /* its part of rn_sampler_again */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    rn_sampler_state state;         /* under the lock */
    int64_t bought, started, ended; /* under the lock */
    bool stop;                      /* under the lock */
};

/* Opens what is cheap to open, unless load_now, and checks the rest. */
int rn_sampler_open(const rn_sampler_opts *o, rn_sampler **out, rn_err *err);
void rn_sampler_close(rn_sampler *s); /* stops it; NULL accepted */

/* Tokens of a prompt; -1: a server's are not known. */
int rn_sampler_count(rn_sampler *s, rn_bytes prompt, int64_t *n_tok, rn_err *err);
/* Wants samples idx [n] of a prompt; all are copied. Before the first purchase. RN_ELIMIT: it
 * leaves no room for an answer in a file's context. */
int rn_sampler_want(rn_sampler *s, uint64_t tag, rn_bytes prompt, const uint32_t *idx, int64_t n,
                    rn_err *err);
/* Buys the next n samples; the first purchase starts the thread. RN_ELIMIT: not so many are left.
 * */
int rn_sampler_buy(rn_sampler *s, int64_t n, rn_err *err);
rn_sampler_state rn_sampler_look(rn_sampler *s);
/* Asks the thread to drop what is in flight; rn_sampler_stop waits for it. */
void rn_sampler_cancel(rn_sampler *s);
void rn_sampler_stop(rn_sampler *s);
/* Stops it and forgets all orders: new ones may be given and bought. */
void rn_sampler_again(rn_sampler *s);

/* Scores texts [n] after the first order's prompt by their likelihood under a file's model
 * (rank/nll.h), once the sampler is stopped; reads the weights if it never ran. */
int rn_sampler_score(rn_sampler *s, rn_nll_text *texts, int64_t n, rn_err *err);

/* ---- private to the two kinds ---- */

int rn_sampler_open_file(rn_sampler *s, rn_err *err);
int rn_sampler_open_server(rn_sampler *s, rn_err *err);
rn_event *rn_sampler_event(rn_sampler *s, rn_event_kind kind, uint64_t tag); /* NULL: no memory */
void rn_sampler_put(rn_sampler *s, rn_event *e); /* the event becomes the inbox's */
/* Tells that nothing more will come, n purchases in flight included; `err` says why. */
void rn_sampler_die(rn_sampler *s, int64_t n, const rn_err *err);
void rn_sampler_over(rn_sampler *s);
void rn_turn_take(rn_turn *t); /* NULL: nothing to wait for */
void rn_turn_give(rn_turn *t);

#endif
