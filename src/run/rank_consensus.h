/*
 * rank_consensus.h: `ration rank --ranker examples` and `--ranker consensus`: scores by what executed
 * programs give.
 */
#ifndef RN_RUN_RANK_CONSENSUS_H
#define RN_RUN_RANK_CONSENSUS_H

#include "base/log.h"
#include "judge/judge.h"
#include "rank/consensus.h"
#include "run/rank_run.h"

typedef struct rn_consensus_opts {
    bool examples;                 /* the ranker `examples`: examples passed, then soft agreement */
    const char *agree, *extractor; /* consensus: NULL: mbr; the run's own, for the record */
    int64_t inputs, seed, jobs;
    double cpu_s;
    bool allow_weak;
} rn_consensus_opts;

/* Checks the values: NULL, or what is wrong; static. */
const char *rn_consensus_check(const rn_consensus_opts *o);

/* A ranker at work on the runs of one store. */
typedef struct rn_consensus rn_consensus;

/* Starts the judge and registers the ranker. store: borrowed. */
int rn_consensus_open(const rn_consensus_opts *o, rn_store *store, rn_consensus **out, rn_err *err);
void rn_consensus_close(rn_consensus *c); /* NULL accepted */

typedef struct rn_consensus_counts {
    int64_t n_scored, n_cut, n_failed; /* samples; failed: the sandbox did */
    int64_t n_problems, n_blind;       /* problems scored; of them, without an input */
    int64_t n_examples, n_unseen;      /* examples: that tell a value; of them in no test */
    int64_t n_runs;                    /* programs executed */
    double cpu_s, wall_s;              /* of these */
} rn_consensus_counts;

/* Scores every problem of an open run that has a sample without a score, all its samples anew: a score
 * depends on the others. RN_ECANCELLED when interrupted; what is done is committed at least every
 * second, within the caller's transaction (rn_store_tick). Adds to *n. */
int rn_consensus_run(rn_consensus *c, rn_rank_run *run, rn_consensus_counts *n, rn_err *err);

#endif
