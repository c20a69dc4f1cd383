/*
 * merge.h: the union of experiment files. Everything is matched by identity (store.h), never by id;
 * what both hold is kept once. Where two hold different content under one identity, that of `out`
 * stays and the other is reported. Run again after an interruption, it goes on. A part (split.h) is
 * refused where it is not one of `out`.
 */
#ifndef RN_STORE_MERGE_H
#define RN_STORE_MERGE_H

#include "store/store.h"

typedef struct rn_merge_stats {
    int64_t n_samples;            /* new in out */
    int64_t n_present;            /* samples that out had already */
    int64_t n_verdicts, n_scores; /* written */
    int64_t n_conflicts;          /* rows of `in` that were left out */
} rn_merge_stats;

typedef struct rn_merge_opts {
    /* What out keeps and why `in` differs; NULL */
    void (*on_conflict)(void *user, const char *text);
    int (*on_progress)(void *user, int64_t n_samples); /* not 0: stop, RN_ECANCELLED; NULL */
    void *user;
} rn_merge_opts;

/* out is open for writing and outside of a transaction, in for reading. *stats is added to. */
int rn_merge(rn_store *out, rn_store *in, const rn_merge_opts *opts, rn_merge_stats *stats,
             rn_err *err);

#endif
