/* rank_consensus.h: `ration rank --ranker consensus`: scores by agreement of executed programs. */
#ifndef RN_CLI_RANK_CONSENSUS_H
#define RN_CLI_RANK_CONSENSUS_H

#include "base/log.h"
#include "judge/judge.h"
#include "rank/consensus.h"
#include "cli/rank_run.h"

typedef struct rn_consensus_opts {
    const char *agree, *extractor; /* NULL: mbr; the run's own, for the record */
    int64_t inputs, seed, jobs;
    double cpu_s;
    bool allow_weak;
} rn_consensus_opts;

/* Rows for an option table; o is a rn_consensus_opts. */
#define RN_CONSENSUS_OPTIONS(o)                                                                 \
    RN_OPT_STR(0, "agree", &(o)->agree, "RULE", "consensus: mbr (default) or codet"),           \
        RN_OPT_INT(0, "inputs", &(o)->inputs, "N", "consensus: inputs a problem (default 32)"), \
        RN_OPT_INT(0, "seed", &(o)->seed, "N", "consensus: of the inputs (default 0)"),         \
        RN_OPT_REAL(0, "cpu-limit", &(o)->cpu_s, "S",                                           \
                    "consensus: CPU seconds of a program (default 0.5)"),                       \
        RN_OPT_INT('j', "jobs", &(o)->jobs, "N",                                                \
                   "consensus: programs at a time (default: cores)"),                           \
        RN_OPT_FLAG(0, "allow-weak", &(o)->allow_weak,                                          \
                    "consensus: run even without namespaces and seccomp")

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
    int64_t n_runs;                    /* programs executed */
    double cpu_s, wall_s;              /* of these */
} rn_consensus_counts;

/* Scores every problem of an open run that has a sample without a score, all its samples anew: a score
 * depends on the others. RN_ECANCELLED when interrupted; what is done is committed at least every
 * second, within the caller's transaction (rn_store_tick). Adds to *n. */
int rn_consensus_run(rn_consensus *c, rn_rank_run *run, rn_consensus_counts *n, rn_err *err);

#endif
