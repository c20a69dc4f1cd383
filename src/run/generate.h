/*
 * generate.h: what the files of `ration generate` share: the run, its problems, and the maker that
 * its samples come from: a model file here (generate_local.c) or a server (generate_server.c).
 * generate.c owns the run; a maker turns prompts and missing indices into samples.
 */
#ifndef RN_RUN_GENERATE_H
#define RN_RUN_GENERATE_H

#include "base/json.h"
#include "base/log.h"
#include "model/chat.h"
#include "run/local_model.h"
#include "run/server_model.h"
#include "store/store.h"
#include "task/prompt.h"

typedef struct rn_gen_opts {
    rn_model_opts model;
    rn_server_opts server;
    const char *set, *store, *preset, *chat, *chat_args, *problems, *data, *name, *cost;
    int64_t n, max_tok, top_k, seed;
    double temperature, top_p, min_p;
    bool greedy;
} rn_gen_opts;

/* One problem of the run. */
typedef struct rn_gen_work {
    int64_t problem_id;
    const char *task_id;
    rn_ids prompt; /* of a model file */
    bool bare;     /* the prompt is a BOS token and no text */
    char *text;    /* of a server: [text_len] the prompt's bytes, owned */
    size_t text_len;
    uint64_t stream;
    uint32_t *missing; /* [n_missing] sample indices that the store does not hold */
    int64_t n_missing;
    int64_t n_made;     /* now */
    uint64_t text_hash; /* of the first of these */
    bool differ;        /* not all of these are equal */
    bool chosen;
} rn_gen_work;

typedef struct rn_gen rn_gen;

typedef struct rn_gen_maker {
    /* Opens model or client; fills model_name, model_sha, shape. */
    int (*open)(rn_gen *g, rn_err *err);
    /* How a prompt is wrapped: fills chat, system, wrapped. */
    int (*choose_chat)(rn_gen *g, rn_err *err);
    /* Keeps a problem's prompt in the form that it is asked in. */
    int (*take_prompt)(rn_gen *g, rn_gen_work *w, rn_bytes text, rn_err *err);
    /* Finds out what the settings of the run will be, as far as others decide; NULL: nobody does. */
    int (*settle)(rn_gen *g, rn_err *err);
    /* Adds what else a sample depends on to the settings of the run. */
    void (*describe)(const rn_gen *g, json_t *settings);
    /* Takes out, with a message, problems that leave no room for an answer. */
    void (*drop_too_long)(rn_gen *g);
    /* Makes what is missing within a transaction of the store that is open. */
    int (*make)(rn_gen *g, rn_err *err);
    /* Prints what else is to be said at the end. */
    void (*report)(const rn_gen *g);
    void (*close)(rn_gen *g);
} rn_gen_maker;

extern const rn_gen_maker rn_gen_local, rn_gen_server;

struct rn_gen {
    rn_gen_opts *o; /* n is filled in when the model is known */
    const rn_gen_maker *maker;
    rn_taskset *set;
    const rn_preset *preset;
    rn_shape shape;                     /* n_layer 0: not known */
    const char *model_name, *chat_name; /* as records spell them */
    char model_sha[RN_SHA256_HEX];      /* "" none */
    rn_chat chat;
    rn_bytes system; /* of the chat template; borrowed from system_text */
    rn_buf system_text;
    bool wrapped; /* prompts are messages to an instruct model */
    rn_sampling sampling;
    char prompts_sha[RN_SHA256_HEX];
    rn_store *store;
    int64_t run_id, command_id;
    rn_gen_work *work; /* [set->n] */
    size_t next;       /* place in work of the next problem to ask for */
    int64_t n_total, n_had, n_done, n_tok;
    int64_t n_too_long;
    rn_progress progress;
    /* of a model file */
    rn_model *model;
    size_t budget; /* bytes for the engine; 0: chosen */
    /* of a server */
    struct rn_gen_client *client;
};

enum { RN_GEN_N_NOT_GIVEN = -1000000 }; /* rn_gen_opts.n, max_tok */

/* Opens set, store and model, makes the prompts and lists what is missing. */
int rn_gen_prepare(rn_gen *g, rn_err *err);
/* Makes what is missing; what is finished is committed, whatever ended it. */
int rn_gen_make(rn_gen *g, rn_err *err);
void rn_gen_free(rn_gen *g);

/* ---- for makers ---- */

/* Puts one sample of w into the store; x has all but run, problem and FLOPs. */
int rn_gen_put(rn_gen *g, rn_gen_work *w, rn_store_sample *x, rn_err *err);
/* Moves on to the next problem with missing samples and commits what is finished, since a long
 * prompt may follow: 1 with *w, 0 at the end. */
int rn_gen_next(rn_gen *g, rn_gen_work **w, rn_err *err);
/* After each turn of work: commits once in a while, shows progress; RN_ECANCELLED after a signal. */
int rn_gen_tick(rn_gen *g, int64_t n_new_tok, int64_t n_in_flight, rn_err *err);

#endif
