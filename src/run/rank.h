/*
 * rank.h: scores the samples of a store. The likelihood ranker is in rank.c, the verifier and
 * consensus in files of their own.
 */
#ifndef RN_RUN_RANK_H
#define RN_RUN_RANK_H

#include "model/chat.h"
#include "rank/nll_server.h"
#include "run/local_model.h"
#include "run/rank_consensus.h"
#include "run/rank_verifier.h"
#include "run/server_model.h"

/* What is to be scored, by what. */
typedef struct rn_rank_opts {
    rn_model_opts model;
    rn_server_opts server;
    const char *ranker, *store, *of, *name, *verifier;
    rn_rank_source source;
    rn_consensus_opts consensus;
    int64_t run;
} rn_rank_opts;

struct rn_rank_pending;

typedef struct rn_rank rn_rank;
struct rn_rank {
    const rn_rank_opts *o;
    rn_model *model;
    rn_shape shape;
    rn_engine_opts engine;
    rn_remote *remote; /* instead of model and engine */
    rn_remote_scoring scoring;
    rn_cost_book *book;
    const rn_cost *entry; /* that gives shape and prices of a server's model; NULL none */
    rn_store *store;
    rn_arena arena;    /* the runs */
    rn_rank_run *runs; /* [n_runs] */
    size_t n_runs, cap_runs;
    int64_t ranker_id, command_id;
    rn_verify *verify; /* the other rankers; NULL: not this one */
    rn_consensus *consensus;
    rn_verify_counts verified;
    rn_consensus_counts agreed;
    /* of the run at work */
    rn_rank_run *run;
    rn_chat chat;
    /* of the problem at work */
    const rn_problem *problem;
    int64_t problem_id;
    struct rn_rank_pending *list; /* [n] */
    size_t n, cap;
    rn_nll_text *texts; /* [n] */
    int64_t prompt_tok, n_siblings;
    /* counts */
    int64_t n_scored, n_cut, n_empty, n_too_long, n_refused;
    char refusal[200]; /* the last one's reason */
    rn_progress progress;
    rn_err *err;
};

/* Opens store, model and ranker, and lists the runs. */
int rn_rank_prepare(rn_rank *k, rn_err *err);
/* Scores what has no score; what is scored is committed, whatever ended it. */
int rn_rank_score_all(rn_rank *k, rn_err *err);
/* What was spent at the server, into the ledger of commands. */
int rn_rank_put_note(rn_rank *k, rn_err *err);
void rn_rank_free(rn_rank *k);

#endif
