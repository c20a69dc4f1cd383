/*
 * arm.h: one model as a source of samples that are bought one at a time.
 *
 * Each arm has a thread of its own: a local model runs the sampling engine in it, with up to `width`
 * samples side by side, a server's requests are sent and waited for in it. Finished samples arrive
 * in one inbox, from which the thread of rn_solve takes them. Local arms take turns at the
 * processors, step by step. A model's weights are read when its first sample is bought.
 *
 * Sample i of an arm is the i-th of its stream (engine.h): what is bought first is the lowest index
 * that is not stored already.
 */
#ifndef RN_RUN_ARM_H
#define RN_RUN_ARM_H

#include "base/hash.h"
#include "model/engine.h"
#include "rank/nll.h"

#include <pthread.h>

enum { RN_ARM_MAX_SAMPLES = 4096 }; /* of one model for one problem */

/* ---- what arms tell -------------------------------------------------------------------------- */

typedef struct rn_event {
    struct rn_event *next;
    int arm;
    int64_t idx;
    bool sample;        /* text and counts are a sample's; else the purchase came to nothing: err */
    bool dead;          /* nothing more can come from this arm */
    rn_buf text;        /* raw */
    const char *finish; /* static */
    int64_t prompt_tok, cached_tok, gen_tok; /* -1 unknown */
    char note[160];                          /* for people: what the server decides; "" nothing */
    int64_t lost_prompt_tok, lost_gen_tok;   /* paid for on the way, in no sample */
    double logprob;                          /* NAN unknown */
    int64_t wall_ns;                         /* its share of the engine's time; of a request all */
    int64_t at_ns;                           /* when its last token was there; rn_now_ns */
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
void rn_inbox_put(rn_inbox *b, rn_event *e); /* the event becomes the inbox's */
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
void rn_turn_take(rn_turn *t);
void rn_turn_give(rn_turn *t);

/* ---- arms ------------------------------------------------------------------------------------ */

/* Appends the text for a completion model or the message for an instruct model; at most about
 * max_bytes of context, where that can be chosen. */
typedef int rn_solve_arm_prompt_fn(void *user, bool chat, size_t max_bytes, rn_buf *out,
                                   rn_err *err);

typedef struct rn_solve_arm_opts {
    const rn_solve_model *model; /* borrowed, as all here */
    int index, width, threads, retries;
    size_t memory_bytes;
    rn_sampling sampling; /* its stop strings hold for completions */
    rn_solve_arm_prompt_fn *prompt;
    void *user;
    bool want_sha; /* the hash of a model file, which takes a while for a large one */
    rn_inbox *inbox;
    rn_turn *turn;
} rn_solve_arm_opts;

/* What had been paid for when the end came. After rn_solve_arm_stop. */
typedef struct rn_solve_arm_rest {
    int64_t n_cancelled, gen_tok;
    double flop;    /* of the cancelled samples of a local model */
    double seconds; /* at work, from start to end */
} rn_solve_arm_rest;

typedef struct rn_solve_arm rn_solve_arm;
struct rn_solve_arm {
    rn_solve_arm_opts o;
    char name[256], sha[RN_SHA256_HEX];
    bool remote, chat;
    char how[32];       /* "completions", "chat", "none", "chatml", ...: how it is asked */
    rn_buf prompt;      /* the exact bytes: completion prompt or message */
    int64_t prompt_tok; /* -1 unknown */
    bool has_shape;
    rn_shape shape;
    int64_t *idx; /* [n_idx] indices to make, in order */
    int64_t n_idx;
    rn_solve_arm_rest rest;
    /* Of its thread. */
    void *own; /* arm_local.c's or arm_remote.c's */
    void *(*run)(void *arm);
    void (*wake)(rn_solve_arm *a);
    void (*free_own)(rn_solve_arm *a);
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t bought, started, ended; /* under the lock */
    bool stop;                      /* under the lock */
};

/* Opens what is cheap to open and checks the rest: a file's header, shape and tokenizer, a server's
 * address. */
int rn_solve_arm_open(const rn_solve_arm_opts *o, rn_solve_arm **out, rn_err *err);
void rn_solve_arm_close(rn_solve_arm *a); /* stops it; NULL accepted */

/* Buys the next sample; the first starts the thread. RN_ELIMIT: no index is left. */
int rn_solve_arm_buy(rn_solve_arm *a, rn_err *err);
/* Bought, and not yet begun. */
int64_t rn_solve_arm_waiting(rn_solve_arm *a);
/* Asks the thread to drop what is in flight; rn_solve_arm_stop waits for it. */
void rn_solve_arm_cancel(rn_solve_arm *a);
void rn_solve_arm_stop(rn_solve_arm *a);

/* Scores texts by the likelihood under a local model (rank/nll.h), once the arm is stopped; reads
 * the weights if it never ran. should_stop as in rn_solve_options, or NULL. */
int rn_solve_arm_score(rn_solve_arm *a, rn_nll_text *texts, int64_t n,
                       int (*should_stop)(void *user), void *user, rn_err *err);

/* Private to the two kinds. */
int rn_solve_arm_open_local(rn_solve_arm *a, rn_err *err);
int rn_solve_arm_open_remote(rn_solve_arm *a, rn_err *err);
rn_event *rn_solve_arm_event(rn_solve_arm *a, int64_t idx); /* NULL: no memory */
/* Tells that nothing more will come; `err` says why. */
void rn_solve_arm_die(rn_solve_arm *a, const rn_err *err);

#endif
