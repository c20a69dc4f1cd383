/*
 * store.h: one experiment in one SQLite file (WAL, one writer, versioned schema).
 *
 * set -> problems;  model;  run = (model, set, sampling settings);  sample = (run, problem, idx);
 * verdict = (sample, protocol);  score = (sample, ranker);  counts and curves for results without
 * text;  profile = measured wall-time of a model on some hardware.
 * Every `put` is idempotent: the same identity gives the same id, so that an interrupted command can
 * be run again. Writes between rn_store_begin and rn_store_commit are atomic.
 */
#ifndef RN_STORE_STORE_H
#define RN_STORE_STORE_H

#include "base/arena.h"
#include "base/buf.h"

typedef struct rn_store rn_store;

enum { RN_STORE_READ = 0, RN_STORE_WRITE = 1, RN_STORE_CREATE = 2 };

/* RN_EBUSY: another writer holds it (says its pid). RN_EVERSION: made by a newer version.
 * RN_EFORMAT: not an experiment file. */
int rn_store_open(const char *path, int mode, rn_store **out, rn_err *err);
void rn_store_close(rn_store *s);
const char *rn_store_path(const rn_store *s);

int rn_store_begin(rn_store *s, rn_err *err);
int rn_store_commit(rn_store *s, rn_err *err);
void rn_store_rollback(rn_store *s);

typedef struct rn_store_set {
    const char *name, *hash; /* hash: of the problem set; "" when only ids are known */
} rn_store_set;
int rn_store_put_set(rn_store *s, const rn_store_set *set, int64_t *set_id, rn_err *err);

typedef struct rn_store_problem {
    int64_t set_id;
    int64_t ord;         /* place in the set */
    const char *task_id;
    const char *prompt;  /* the problem's own text, for reports; NULL unknown */
    int64_t prompt_tok;  /* -1 unknown; in a model's tokens it is with the sample */
} rn_store_problem;
int rn_store_put_problem(rn_store *s, const rn_store_problem *p, int64_t *problem_id, rn_err *err);

typedef struct rn_store_model {
    const char *name;     /* as the user says it */
    const char *file_sha; /* "" unknown */
    const char *cost;     /* entry of src/cost that prices it, e.g. "code-llama-7b"; "" unknown */
} rn_store_model;
int rn_store_put_model(rn_store *s, const rn_store_model *m, int64_t *model_id, rn_err *err);

typedef struct rn_store_run {
    int64_t set_id, model_id;
    const char *kind;     /* "sample" or "greedy" */
    const char *preset;   /* prompt preset; "" unknown */
    const char *settings; /* JSON object: temperature, top_p, max_tokens, seed, version, source, ... */
} rn_store_run;
int rn_store_put_run(rn_store *s, const rn_store_run *r, int64_t *run_id, rn_err *err);

typedef struct rn_store_sample {
    int64_t run_id, problem_id;
    int64_t idx;          /* 0-based within (run, problem) */
    rn_bytes text;        /* raw, kept for ever; may hold any bytes */
    int64_t prompt_tok;   /* -1 unknown */
    int64_t gen_tok;      /* generated tokens; -1 unknown */
    const char *finish;   /* "stop", "length", "" unknown */
    double logprob;       /* sum over the generated tokens; NAN unknown */
    int64_t wall_ns;      /* -1 unknown */
    double flop;          /* NAN unknown */
} rn_store_sample;
/* *existed (may be NULL) is true when (run, problem, idx) was there already; nothing is changed
 * then, and other text under the same identity is RN_EEXIST. */
int rn_store_put_sample(rn_store *s, const rn_store_sample *x, int64_t *sample_id, bool *existed,
                        rn_err *err);

typedef struct rn_store_verdict {
    int64_t sample_id;
    int64_t protocol_id;
    rn_verdict verdict;
    int64_t n_tests, n_passed, failed_test; /* -1 unknown or none */
    int64_t cpu_ns, wall_ns, peak_bytes;    /* -1 unknown */
    const char *detail;
    uint8_t program_sha[32]; /* of the program that was judged; all zero: imported */
} rn_store_verdict;
/* A protocol is everything a verdict depends on: JSON with limits, extractor, compare mode, sandbox
 * level, Python, version; or {"imported": source}. */
int rn_store_put_protocol(rn_store *s, const char *json, int64_t *protocol_id, rn_err *err);
int rn_store_put_verdict(rn_store *s, const rn_store_verdict *v, rn_err *err); /* replaces */

/* A ranker's score of a sample; lower is better when the ranker says so. */
typedef struct rn_store_score {
    int64_t sample_id, ranker_id;
    double score;   /* what ranks: for NLL the mean */
    double sum;     /* sum of log probabilities; NAN unknown */
    int64_t n_tok;  /* -1 unknown */
    int64_t wall_ns; double flop; /* cost of scoring; -1, NAN unknown */
} rn_store_score;
int rn_store_put_ranker(rn_store *s, const char *name, const char *json, bool lower_is_better,
                        int64_t *ranker_id, rn_err *err);
int rn_store_put_score(rn_store *s, const rn_store_score *x, rn_err *err);

/* n and c without text, and published curves (k, value). */
int rn_store_put_count(rn_store *s, int64_t run_id, int64_t problem_id, int64_t n, int64_t c,
                       rn_err *err);
int rn_store_put_curve(rn_store *s, int64_t run_id, int64_t k, double value, rn_err *err);

/* Measured wall-time of a model: JSON with hardware, batch, tokens per second. */
typedef struct rn_store_profile {
    int64_t model_id;
    const char *hardware; /* a description that names the machine's parts */
    double s_per_sample, s_per_1000, flop_per_sample;
    const char *json;
} rn_store_profile;
int rn_store_put_profile(rn_store *s, const rn_store_profile *p, rn_err *err);

/* ---- reading --------------------------------------------------------------------------------- */

/* One row per run, in order of id; strings borrowed until the callback returns. A callback returns 0
 * to go on; anything else ends the walk and is returned. */
typedef struct rn_store_run_row {
    int64_t run_id, set_id, model_id, n_problems, n_samples;
    const char *set_name, *set_hash, *model_name, *model_cost, *kind, *preset, *settings;
} rn_store_run_row;
int rn_store_each_run(rn_store *s, int (*fn)(void *user, const rn_store_run_row *r), void *user,
                      rn_err *err);

typedef struct rn_store_sample_row {
    rn_store_sample x;
    int64_t sample_id;
    const char *task_id;
    int64_t ord;
    int verdict; /* newest verdict's rn_verdict, -1 if none */
} rn_store_sample_row;
/* Samples of a run by (ord, idx). unjudged_protocol > 0: only those without a verdict under that
 * protocol (sandbox failures count as none). with_text false leaves text empty (fast). */
int rn_store_each_sample(rn_store *s, int64_t run_id, int64_t unjudged_protocol, bool with_text,
                         int (*fn)(void *user, const rn_store_sample_row *r), void *user,
                         rn_err *err);

/* Per problem of a run, in set order: what the estimators need. */
typedef struct rn_store_outcome {
    const char *task_id;
    int64_t ord;
    int64_t n;       /* samples with a verdict */
    int64_t c;       /* of them passed */
    int64_t missing; /* without a verdict, or sandbox failure */
    double mean_gen_tok, mean_prompt_tok; /* NAN unknown */
} rn_store_outcome;
/* *out: array in `arena`. protocol_id 0: the newest verdict of each sample. */
int rn_store_outcomes(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                      rn_store_outcome **out, size_t *n, rn_err *err);

#endif
