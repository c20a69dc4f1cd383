/* rank_verifier.h: `ration rank --ranker verifier`: a model's answer to "is it correct?". */
#ifndef RN_RUN_RANK_VERIFIER_H
#define RN_RUN_RANK_VERIFIER_H

#include "base/log.h"
#include "run/rank_run.h"
#include "rank/verifier.h"

/* Everything is borrowed as long as the ranker is open. */
typedef struct rn_verify_opts {
    const char *verifier; /* template: name or file; NULL: the default */
    const char *data;
    const rn_model *model;
    const rn_engine_opts *engine;
    const char *model_name, *model_sha, *kv; /* for the ranker's name and record */
} rn_verify_opts;

typedef struct rn_verify rn_verify;

typedef struct rn_verify_counts {
    int64_t n_scored, n_cut, n_too_long;
    int64_t n_unlikely; /* samples whose likelihood under their generator is not known */
} rn_verify_counts;

int rn_verify_open(const rn_verify_opts *o, rn_store *store, rn_verify **out, rn_err *err);
void rn_verify_close(rn_verify *v); /* NULL accepted */

/* Scores the samples of an open run that have no score. The generator's likelihood is that recorded
 * with the sample, else a likelihood score by the generating model. RN_ENOTFOUND when no sample has
 * either; RN_ECANCELLED when interrupted. Commits within the caller's transaction. Adds to *n. */
int rn_verify_run(rn_verify *v, rn_rank_run *run, rn_verify_counts *n, rn_err *err);

#endif
