/*
 * split.h: a part of an experiment file for one task of a cluster, and the check of a part that
 * comes back.
 *
 * A part is a store of its own that holds what its task needs and no more: the runs, their set (the
 * prompts of the picked problems alone), models, rankers and protocols, and the picked samples with
 * their texts, verdicts and scores. A task that samples needs no texts, only to know which samples
 * there are: then a sample is its row without its text, which `generate` counts and `merge` passes
 * over. Ids are those of the whole, which only makes parts easier to look at: merging matches by
 * content.
 *
 * In its table `about` a part names the store that it is of (part_of), the version of ration that
 * split it, and its task. rn_merge takes back only parts of its own store, of its own version, on
 * its own sets and runs; the same part twice changes nothing.
 */
#ifndef RN_STORE_SPLIT_H
#define RN_STORE_SPLIT_H

#include "store/store.h"

/* Samples first_idx to end_idx - 1 of (run, problem). */
typedef struct rn_split_pick {
    int64_t run_id, problem_id;
    int64_t first_idx, end_idx; /* 0, INT64_MAX: all */
} rn_split_pick;

typedef struct rn_split_opts {
    const rn_split_pick *picks; /* [n_picks]; at least one */
    size_t n_picks;
    bool texts;       /* false: for a task that samples */
    const char *task; /* what the part is for, in words of the caller; NULL: nothing */
} rn_split_opts;

/* Writes a part to `path`, whole or not at all (it gets its name when it is complete); a file of
 * that name is replaced. It is one file without a write-ahead log, as network file systems need it.
 * `s` is open for writing and outside of a transaction. *n_samples may be NULL. */
int rn_split(rn_store *s, const char *path, const rn_split_opts *o, int64_t *n_samples,
             rn_err *err);

/* 0 if `in` may be merged into `out`: it is no part, or a part of it. RN_EVERSION or RN_EINVAL
 * names what differs: store, version, a set's hash, the settings of a run. */
int rn_split_check(rn_store *out, rn_store *in, rn_err *err);

/* Copies the experiment file `from`, which another process may be writing to, to `to` as of one
 * moment: a temporary file beside it, fsync, rename. */
int rn_store_snapshot(const char *from, const char *to, rn_err *err);

/* Rows that a stage adds: what the progress of a task is counted in. */
typedef struct rn_store_rows {
    int64_t n_samples, n_verdicts, n_scores;
} rn_store_rows;
int rn_store_count_rows(rn_store *s, rn_store_rows *out, rn_err *err);

/* A value of the table `about` ("id", "part_of", "version", "task") into *out, cleared first; empty
 * when there is none. */
int rn_store_about(rn_store *s, const char *name, rn_buf *out, rn_err *err);

#endif
