/*
 * study.h: the whole experiment of the study (docs/METRICS.md, arXiv 2404.00725) as a list of steps:
 * every set, n by the model's size, greedy, judging, and the smallest model's samples scored by all;
 * with the samples, hours and money that each will take, before anything is begun.
 *
 * Hours are those of the machine on which a profile was measured: the store's own (`ration profile`),
 * else a named one. What no profile or price tells is NAN, and the step says which command gives it.
 */
#ifndef RN_RUN_STUDY_H
#define RN_RUN_STUDY_H

#include "base/arena.h"
#include "base/vec.h"
#include "cost/cost.h"
#include "store/store.h"

typedef struct rn_study_step {
    const char *stage, *set; /* "generate", "judge" or "rank" */
    const char *model;       /* name in the store; of the ranker when ranking; "" when judging */
    bool greedy;
    int64_t n_samples; /* in all */
    double hours, usd; /* NAN unknown */
    const char **args; /* [n_args] of `ration`, the stage first, without the store */
    size_t n_args;
} rn_study_step;

typedef struct rn_study {
    rn_arena arena;
    RN_VEC(rn_study_step) steps;
    double hours, usd;   /* sums over what is known */
    int64_t n_unknown;   /* steps without hours */
    const char *missing; /* the model that the first of these needs a profile of; NULL */
} rn_study;

typedef struct rn_study_opts {
    const char *const *models; /* [n_models] as for -m: a path, or URL#NAME */
    size_t n_models;
    const char *profile; /* of the book, for models that the store has none of; NULL */
} rn_study_opts;

/* store: for its profiles; NULL: none. RN_EINVAL: a model whose size is not known, or a preset that
 * is not there. rn_study_free. */
int rn_study_plan(const rn_study_opts *o, rn_store *store, rn_cost_book *book, rn_study *out,
                  rn_err *err);
void rn_study_free(rn_study *s);

#endif
