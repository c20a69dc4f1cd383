/*
 * store.h: one experiment in one SQLite file (WAL, one writer, versioned schema).
 *
 * set -> problems;  model;  run = (model, set, kind, preset, settings);  sample = (run, problem,
 * idx); verdict = (sample, protocol);  score = (sample, ranker);  counts and curves for results
 * without text;  profile = measured wall-time of a model on some hardware;  command = what was run
 * when.
 *
 * Every `put` is idempotent: the same identity gives the same id, so that an interrupted command
 * can be run again. Writes between rn_store_begin and rn_store_commit are atomic; a put outside of
 * them is a transaction of its own. A committed transaction survives the death of the process at
 * any moment (WAL); synchronous=NORMAL means that a power cut may lose the last ones, never more
 * and never the file. Commands that write much call rn_store_tick after each item.
 *
 * One handle is used by one thread at a time. Callbacks of a walk may put, begin, commit and tick
 * on the same handle, but must not rollback.
 */
#ifndef RN_STORE_STORE_H
#define RN_STORE_STORE_H

#include "base/base.h"

/* rn_store, rn_store_open and rn_store_close are in ration.h. Closing rolls back what was begun and
 * not committed, and removes a file that opening made and that got neither a set nor a model. */
const char *rn_store_path(const rn_store *s); /* borrowed */

/* Begins do not nest. In a store that is open for reading, begin gives one unchanging view of it.
 */
int rn_store_begin(rn_store *s, rn_err *err);
int rn_store_commit(rn_store *s, rn_err *err);
void rn_store_rollback(rn_store *s); /* nothing happens outside of a transaction */
/* Within a transaction: commits and begins anew when a tenth of a second has passed since it began.
 */
int rn_store_tick(rn_store *s, rn_err *err);

/* Every page and index of the file is looked at: RN_EFORMAT when it is damaged. */
int rn_store_check(rn_store *s, rn_err *err);

/* The ledger: which command with which arguments, when, by which version. `log_end` before close;
 * without it the command counts as killed. */
int rn_store_log_begin(rn_store *s, const char *name, int argc, char *const *argv,
                       int64_t *command_id, rn_err *err);
int rn_store_log_end(rn_store *s, int64_t command_id, int status, rn_err *err);
/* What the command learned and spent, as a JSON object that replaces the one before: a probe of a
 * server, tokens, requests. It is no part of the experiment: the digest does not see it. */
int rn_store_log_note(rn_store *s, int64_t command_id, const char *json, rn_err *err);

typedef struct rn_store_set {
    const char *name, *hash; /* hash: of the problem set; "" when only ids are known */
    const char *path; /* absolute, of the file that it was read from; NULL: none, or unknown. No
                         part of its identity: the last one given is kept */
} rn_store_set;
/* A hash that becomes known later is given to the set that was stored without one; "" finds the
 * only set of that name. */
int rn_store_put_set(rn_store *s, const rn_store_set *set, int64_t *set_id, rn_err *err);
/* Where the set of this name was read that was stored last, and its hash; *path NULL: not known. In
 * the arena. */
int rn_store_set_path(rn_store *s, const char *name, rn_arena *a, const char **path,
                      const char **hash, rn_err *err);

typedef struct rn_store_problem {
    int64_t set_id;
    int64_t ord; /* place in the set */
    const char *task_id;
    const char *prompt; /* the problem's own text, for reports; NULL unknown */
    int64_t prompt_tok; /* -1 unknown; in a model's tokens it is with the sample */
} rn_store_problem;
int rn_store_put_problem(rn_store *s, const rn_store_problem *p, int64_t *problem_id, rn_err *err);

typedef struct rn_store_model {
    const char *name;     /* as the user says it */
    const char *file_sha; /* "" unknown */
    const char *cost;     /* entry of src/cost that prices it, e.g. "code-llama-7b"; "" unknown */
} rn_store_model;
/* Identity: name and file_sha. A cost that is not "" replaces the stored one. */
int rn_store_put_model(rn_store *s, const rn_store_model *m, int64_t *model_id, rn_err *err);

typedef struct rn_store_run {
    int64_t set_id, model_id;
    const char *kind;     /* "sample" or "greedy" */
    const char *preset;   /* prompt preset; "" unknown */
    const char *settings; /* JSON object: temperature, top_p, seed, version, source, ... */
} rn_store_run;
/* Settings are compared in canonical form (rn_store_canonical) and apart from their provenance:
 * order of keys, spaces, the spelling of numbers, members that are null or "", and the keys ration,
 * version, source and server make no other run. Walks give both parts as one object, where a key
 * that several puts disagreed in holds an array. The same is true of rankers and protocols. */
int rn_store_put_run(rn_store *s, const rn_store_run *r, int64_t *run_id, rn_err *err);

typedef struct rn_store_sample {
    int64_t run_id, problem_id;
    int64_t idx;        /* 0-based within (run, problem) */
    rn_bytes text;      /* raw, kept for ever; may hold any bytes */
    int64_t prompt_tok; /* -1 unknown */
    int64_t gen_tok;    /* generated tokens; -1 unknown */
    const char *finish; /* "stop", "length", "" unknown */
    double logprob;     /* sum over the generated tokens; NAN unknown */
    int64_t wall_ns;    /* -1 unknown */
    double flop;        /* NAN unknown */
    int64_t source_id;  /* rn_store_put_source; 0: generated here */
} rn_store_sample;
/* *existed (may be NULL) is true when (run, problem, idx) was there already: what was unknown of it
 * is filled in then, nothing else changes, and other text under the same identity is RN_EEXIST. */
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
/* The detail of a failure of an answer in which the extractor found no code. */
#define RN_NO_CODE "the answer holds no code"

/* What a score was made of and what judging for it cost, for rankers that tell. */
typedef struct rn_store_parts {
    double part;   /* verifier: log P(yes); consensus: weight of its group; examples: how many of
                      them it passes; NAN none */
    int64_t group; /* consensus: group of equal outputs within (run, problem), from 1; 0 none */
    int64_t cpu_ns, n_runs; /* programs executed for it: CPU time, executions; -1 unknown */
    rn_bytes votes;         /* examples: which value on each input, see FORMATS.md; empty: none */
} rn_store_parts;

/* A ranker's score of a sample; lower is better when the ranker says so. */
typedef struct rn_store_score {
    int64_t sample_id, ranker_id;
    double score;  /* what ranks: for NLL the mean */
    double sum;    /* sum of log probabilities; NAN unknown */
    int64_t n_tok; /* -1 unknown */
    int64_t wall_ns;
    double flop;                 /* cost of scoring; -1, NAN unknown */
    const rn_store_parts *parts; /* borrowed; NULL: none */
} rn_store_score;
int rn_store_put_ranker(rn_store *s, const char *name, const char *json, bool lower_is_better,
                        int64_t *ranker_id, rn_err *err);
int rn_store_put_score(rn_store *s, const rn_store_score *x, rn_err *err);

/* n and c without text, and published curves (k, value as a fraction). Other values under the same
 * identity are RN_EEXIST. */
int rn_store_put_count(rn_store *s, int64_t run_id, int64_t problem_id, int64_t n, int64_t c,
                       rn_err *err);
int rn_store_put_curve(rn_store *s, int64_t run_id, int64_t k, double value, rn_err *err);

/* Measured wall-time of a model: JSON with hardware, batch, tokens per second. */
typedef struct rn_store_profile {
    int64_t model_id;
    const char *hardware; /* a description that names the machine's parts */
    double s_per_sample, s_per_1000, flop_per_sample; /* NAN unknown */
    const char *json;
} rn_store_profile;
int rn_store_put_profile(rn_store *s, const rn_store_profile *p, rn_err *err); /* replaces */

/* A file that samples came from. Identity: (run, sha, name). */
typedef struct rn_store_source {
    int64_t run_id;
    const char *sha;  /* SHA-256 of its bytes; "" standard input */
    const char *name; /* without folders */
    const char *format;
} rn_store_source;
/* *done: it was read to its end before. */
int rn_store_put_source(rn_store *s, const rn_store_source *x, int64_t *source_id, bool *done,
                        rn_err *err);
int rn_store_source_done(rn_store *s, int64_t source_id, rn_err *err);

/* ---- reading --------------------------------------------------------------------------------- */

/* In each walk strings are borrowed until the callback returns. A callback returns 0 to go on;
 * anything else ends the walk and is returned. */

/* One row per run, in order of id. */
typedef struct rn_store_run_row {
    int64_t run_id, set_id, model_id;
    int64_t n_set_problems;    /* in the set as far as it is known */
    int64_t n_problems;        /* with a sample or a count */
    int64_t n_samples;         /* with text */
    int64_t n_counts, n_curve; /* rows without text */
    const char *set_name, *set_hash, *model_name, *model_sha, *model_cost, *kind, *preset,
        *settings;
} rn_store_run_row;
int rn_store_each_run(rn_store *s, int (*fn)(void *user, const rn_store_run_row *r), void *user,
                      rn_err *err);

/* What -t or -m says, as the store calls it: *out, in the arena. A set may be named by its file,
 * e.g. dir/my.jsonl. RN_ENOTFOUND lists what there is. */
typedef enum rn_store_noun { RN_STORE_SET, RN_STORE_MODEL } rn_store_noun;
int rn_store_name_of(rn_store *s, rn_store_noun noun, const char *asked, rn_arena *a,
                     const char **out, rn_err *err);

/* The problems of a set in its order. */
typedef struct rn_store_problem_row {
    rn_store_problem x;
    int64_t problem_id;
} rn_store_problem_row;
int rn_store_each_problem(rn_store *s, int64_t set_id,
                          int (*fn)(void *user, const rn_store_problem_row *r), void *user,
                          rn_err *err);

typedef struct rn_store_sample_row {
    rn_store_sample x;
    int64_t sample_id;
    int64_t text_bytes; /* also when the text itself was not asked for */
    const char *task_id;
    int64_t ord;
    int verdict; /* newest verdict's rn_verdict, -1 if none */
} rn_store_sample_row;
/* Which samples of a run are meant; one of the two conditions at most. */
typedef struct rn_store_samples {
    int64_t run_id;
    int64_t unjudged_protocol; /* without a verdict under it or an older version of it (sandbox
                                  failures count as none); 0: all */
    int64_t unscored_ranker;   /* without a score of it; 0: all */
    bool with_text;            /* false leaves text empty (fast) */
} rn_store_samples;
/* By (ord, idx). The newest verdict is the one judged last; imported ones come before all others.
 */
int rn_store_each_sample(rn_store *s, const rn_store_samples *which,
                         int (*fn)(void *user, const rn_store_sample_row *r), void *user,
                         rn_err *err);
/* How many samples (run, problem) has, and the smallest index that is free above all of them. */
int rn_store_count_samples(rn_store *s, int64_t run_id, int64_t problem_id, int64_t *n,
                           int64_t *next_idx, rn_err *err);

/* The raw text of one sample into *out, which is cleared first. RN_ENOTFOUND: there is none. */
int rn_store_sample_text(rn_store *s, int64_t sample_id, rn_buf *out, rn_err *err);

/* The verdicts of one sample, newest first. `protocol` is its JSON. */
typedef struct rn_store_verdict_row {
    rn_store_verdict x;
    const char *protocol;
    int64_t judged_ms; /* Unix time; 0: imported */
} rn_store_verdict_row;
int rn_store_each_verdict(rn_store *s, int64_t sample_id,
                          int (*fn)(void *user, const rn_store_verdict_row *r), void *user,
                          rn_err *err);
/* How many samples of a run hold no code, by their newest verdicts. */
int rn_store_count_no_code(rn_store *s, int64_t run_id, int64_t *n, rn_err *err);
/* The verdicts of a run under one protocol whose CPU time is at least min_cpu_ns, by (ord, idx). */
typedef struct rn_store_timed {
    int64_t run_id, protocol_id, min_cpu_ns;
} rn_store_timed;
typedef struct rn_store_timed_row {
    const char *task_id;
    int64_t idx, cpu_ns;
    rn_verdict verdict;
} rn_store_timed_row;
int rn_store_each_timed(rn_store *s, const rn_store_timed *which,
                        int (*fn)(void *user, const rn_store_timed_row *r), void *user,
                        rn_err *err);
/* Samples of a run that were judged here and elsewhere, by (ord, idx): the newest verdict of our
 * own beside the imported one under the set's own tests. */
typedef struct rn_store_pair_row {
    const char *task_id;
    int64_t sample_id, idx;
    rn_verdict ours, theirs;
    bool differ; /* one of them passed, the other did not */
    const char *our_detail, *their_detail;
    const char *their_protocol; /* {"imported": FORM, ...} */
} rn_store_pair_row;
/* extra: of the verdicts under evalplus' extra tests as well, else of the others: like is compared
 * with like. Verdicts that a failed sandbox left count as none. */
int rn_store_each_pair(rn_store *s, int64_t run_id, bool extra,
                       int (*fn)(void *user, const rn_store_pair_row *r), void *user, rn_err *err);

/* Protocols of the verdicts that count in a run, the newest of each sample: the one with the most
 * comes last. `json` is identity and provenance together. */
int rn_store_each_protocol(rn_store *s, int64_t run_id, int64_t tests,
                           int (*fn)(void *user, int64_t protocol_id, const char *json,
                                     int64_t n_verdicts),
                           void *user, rn_err *err);
/* Appends to *ids, which is cleared first, a JSON array: the protocol itself and its older
 * versions, that is those which differ from it only in a smaller "judge" (1 where there is none) or
 * a smaller version of the extractor ("auto/1" for "auto/2"). What is judged under one of them is
 * judged. */
int rn_store_versions(rn_store *s, int64_t protocol_id, rn_buf *ids, rn_err *err);
/* Whether protocol `was` is among the versions of `now`: its verdicts stand for those under it. */
int rn_store_stands_for(rn_store *s, int64_t was, int64_t now, bool *yes, rn_err *err);

/* Rankers that scored a sample of the run, oldest first. */
typedef struct rn_store_ranker_row {
    int64_t ranker_id, n_scores;
    const char *name, *json;
    bool lower_is_better;
} rn_store_ranker_row;
int rn_store_each_ranker(rn_store *s, int64_t run_id,
                         int (*fn)(void *user, const rn_store_ranker_row *r), void *user,
                         rn_err *err);
int rn_store_each_curve(rn_store *s, int64_t run_id, int (*fn)(void *user, int64_t k, double value),
                        void *user, rn_err *err);
int rn_store_each_profile(rn_store *s,
                          int (*fn)(void *user, const char *model_name, const rn_store_profile *p),
                          void *user, rn_err *err);

/* Per problem of a run, in set order: what the estimators need. Problems without a sample or a
 * count are left out. */
typedef struct rn_store_outcome {
    const char *task_id;
    int64_t ord;
    int64_t n;                            /* samples with a verdict */
    int64_t c;                            /* of them passed */
    int64_t missing;                      /* without a verdict, or sandbox failure */
    double mean_gen_tok, mean_prompt_tok; /* NAN unknown */
} rn_store_outcome;
/* *out: array in `arena`. protocol_id 0: the newest verdict of each sample. Runs of counts give
 * their n and c. */
int rn_store_outcomes(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                      rn_store_outcome **out, size_t *n, rn_err *err);

/* Every sample of a run in bulk, by (ord, idx): [n] in `arena`. */
typedef struct rn_store_cell {
    int64_t sample_id;
    int64_t problem_id;
    int32_t ord, idx;
    int32_t gen_tok, prompt_tok; /* -1 unknown */
    int32_t text_bytes;
    int8_t verdict; /* rn_verdict, -1 none; protocol_id 0: the newest */
    bool cut;       /* finish is "length" */
    double logprob; /* NAN unknown */
} rn_store_cell;
/* In place of a protocol's id where a walk takes the newest verdict (0): the newest of those under
 * the base tests alone, or of the others, of sets that evalplus gave extra tests. */
enum { RN_STORE_BASE_TESTS = -1, RN_STORE_MORE_TESTS = -2 };
/* Whether samples of the set have verdicts of either sort. */
int rn_store_tests(rn_store *s, int64_t set_id, bool *base, bool *more, rn_err *err);
int rn_store_cells(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                   rn_store_cell **out, size_t *n, rn_err *err);
/* A ranker's scores for n cells of that run, in their order: [n] in `arena`, NAN where there is
 * none. */
int rn_store_scores(rn_store *s, int64_t run_id, int64_t ranker_id, rn_arena *arena, size_t n,
                    double **score, rn_err *err);
/* Group, weight and votes of the same cells. */
typedef struct rn_store_grouping {
    uint32_t *group; /* [n] in `arena`; 0: none */
    double *part;    /* [n] in `arena`; NAN: none */
    rn_bytes *votes; /* [n] in `arena`; empty: none */
    bool any;        /* at least one cell has a group */
    bool any_votes;
} rn_store_grouping;
int rn_store_groups(rn_store *s, int64_t run_id, int64_t ranker_id, rn_arena *arena, size_t n,
                    rn_store_grouping *out, rn_err *err);
/* What scoring the samples of a run cost, as far as the scores tell it. */
typedef struct rn_store_score_sums {
    int64_t n_flop, n_wall; /* scores that tell their FLOPs, their time */
    double flop, wall_s;    /* sums over these */
    int64_t n_cpu, n_runs;  /* scores that tell their judging; programs executed for them */
    double cpu_s;           /* of these executions */
} rn_store_score_sums;
int rn_store_score_cost(rn_store *s, int64_t run_id, int64_t ranker_id, rn_store_score_sums *out,
                        rn_err *err);

/* ---- the content as a whole ------------------------------------------------------------------ */

/* Appends the canonical form of a JSON object: keys sorted, no spaces, the shortest spelling of
 * each number (1.0 is 1). RN_EINVAL if it is no object. */
int rn_store_canonical(const char *json, rn_buf *out, rn_err *err);

/* Digest of all content, independent of ids, of the order of writing and of measured times (cpu,
 * wall, peak memory, dates, the ledger, names of sources): equal exactly when two stores hold the
 * same experiment. */
int rn_store_digest(rn_store *s, char hex[65], rn_err *err);

#endif
