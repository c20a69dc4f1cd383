/*
 * rank_priv.h: one call of rn_stage_rank, shared by the files that make it up.
 *
 *   rank_stage.c      which runs; walks their samples problem by problem
 *   rank_nll.c        mean negative log likelihood, by a file's engine or a server
 *   rank_verifier.c   a model's answer to "is it correct?"
 *   rank_combine.c    several of them, one after the other or weighted: "examples+nll"
 *   rank_consensus.c  what executed programs give: examples passed, agreement; tests by a model
 *
 * A sample belongs to the problem of its task_id: a store that was filled without the set may hold
 * its problems in another order. Samples that ran into their token limit are never ranked.
 */
#ifndef RN_RUN_RANK_PRIV_H
#define RN_RUN_RANK_PRIV_H

#include "run/opened.h"
#include "run/program.h"
#include "run/units.h"

/* A sample of the problem at work. */
typedef struct rn_rank_item {
    int64_t sample_id, gen_tok; /* -1 unknown */
    double logprob;             /* NAN unknown */
    rn_bytes text;              /* in the problem's arena */
    bool stopped;               /* finish is "stop" */
} rn_rank_item;

typedef struct rn_ranking rn_ranking;

/* A ranker. Each call but open and score may be NULL. */
typedef struct rn_ranker {
    const char *name;
    bool lower_is_better;
    bool asks;                                /* needs a model */
    bool whole;                               /* a score depends on all samples of its problem */
    int (*open)(rn_ranking *k, rn_err *err);  /* puts the ranker into the store */
    int (*begin)(rn_ranking *k, rn_err *err); /* a run is open */
    int (*score)(rn_ranking *k, rn_err *err); /* the items of a problem, at least one */
    int (*end)(rn_ranking *k, rn_err *err);   /* of the run */
    void (*close)(rn_ranking *k);
} rn_ranker;

extern const rn_ranker rn_rank_by_nll, rn_rank_by_verifier, rn_rank_by_consensus,
    rn_rank_by_examples, rn_rank_by_tests, rn_rank_by_combination;

/* A run to score. Strings are in the call's arena. */
typedef struct rn_rank_run {
    int64_t id;
    const char *set_name, *set_hash, *preset_name, *settings_text, *model_name, *model_sha;
} rn_rank_run;

struct rn_ranking {
    const rn_rank_options *o;
    rn_rank_summary *out;
    rn_store *store; /* borrowed */
    const rn_ranker *by;
    void *own;        /* the ranker's */
    rn_opened opened; /* its model, if it has one */
    int64_t ranker_id, command_id;
    rn_share *share; /* NULL: all samples */
    rn_units units;  /* what is missing, with o->share.todo */
    rn_arena arena;
    RN_VEC(rn_rank_run) runs;
    /* of the run at work */
    const rn_rank_run *run;
    rn_taskset *set;
    json_t *settings;
    rn_recipe recipe;
    const rn_preset *preset; /* of its prompts; NULL: no known one */
    unsigned char *chosen;   /* [set->n] by the selection */
    bool *due;               /* [set->n] problems with a sample without a score */
    int64_t n_due, n_before;
    /* of the problem at work */
    const rn_problem *problem;
    int64_t problem_id;
    rn_arena problem_arena;
    RN_VEC(rn_rank_item) items;
    rn_buf code, source; /* scratch */
    rn_err *err;         /* of the walk */
};

/* Puts the ranker of this identity; fills ranker_id. */
struct rn_ranker_identity;
int rn_ranking_put_ranker(rn_ranking *k, const char *name, const struct rn_ranker_identity *r,
                          rn_err *err);
int rn_ranking_put_score(rn_ranking *k, const rn_store_score *x, rn_err *err);
/* After each pass: progress, a commit once in a while; RN_ECANCELLED when it is time to stop. */
int rn_ranking_tick(void *ranking, rn_err *err);

#endif
