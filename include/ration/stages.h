/* stages.h: what the commands of `ration` do, each as a call on a store; clusters; the demo. A part
 * of ration.h. */
#ifndef RATION_STAGES_H
#define RATION_STAGES_H

#include "handles.h"
#include "reports.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- stages ---------------------------------------------------------------------------------- */

/* What the commands of `ration` do, each as a call on a store; the command line uses nothing else.
 *
 * Options start from their _init function, which sets the defaults; strings are borrowed during the
 * call. A stage that is ended at any moment, by should_stop or by kill -9, has lost nothing that
 * was finished, and goes on where it was when it is called again. A summary is set as far as a call
 * came, whatever it returns, and freed by its _free function. `incomplete` in it says that
 * something is missing that the caller should know of: the command's exit status 1. */

/* How far a stage is. Borrowed during the callback. */
typedef struct rn_progress_step {
    const char *what, *unit; /* "judge", "samples" */
    int64_t done, total;     /* total 0: not known */
    const char *extra;       /* "91 tok/s"; NULL none */
} rn_progress_step;

/* How a stage is followed and ended; each callback may be NULL. */
typedef struct rn_watch {
    int (*should_stop)(void *user); /* asked at least every 200 ms; not 0: RN_ECANCELLED */
    void (*on_progress)(void *user,
                        const rn_progress_step *step); /* often; `step` NULL: that part is over */
    void (*on_note)(void *user, int is_warning, const char *line); /* for people, without newline */
    void *user;
    int argc; /* the command, as the store's list of commands shows it; 0: it is not listed */
    char *const *argv;
} rn_watch;

/* A model: a GGUF file, or one behind a server that speaks OpenAI's protocol. 0 or NULL is the
 * default of a member. */
typedef struct rn_model_source {
    const char *source;    /* "FILE.gguf", or "https://HOST:PORT/v1#MODEL" */
    const rn_model *model; /* solve: the file, opened already; NULL: opened when it is needed */
    const char *name;      /* in the store; NULL: follows from source */
    const char *cost;      /* entry of the cost tables; NULL: the one of that name, if any */
    const char *cost_file; /* more entries of them */
    const char *chat;      /* file: "auto", "none", "chatml", ...: how prompts are wrapped */
    const char *chat_args; /* file: JSON object of variables for its chat template */
    /* of a file */
    int threads, slots;  /* one per core; sequences in flight, as memory allows */
    size_t memory_bytes; /* for weights, keys, values and buffers; 0: what is free */
    const char *kv;      /* storage of keys and values: "f16", "q8", "q4", "f32" */
    /* of a server */
    const char *api;                /* "completions" or "chat"; NULL: follows from the prompt */
    const char *key_env;            /* environment variable that holds the key */
    const char *ca_file;            /* certificates to trust instead of the system's */
    int in_flight;                  /* requests at a time; 32 */
    int retries;                    /* further attempts of a request; 0: 8, negative: none */
    double retry_wait_s, timeout_s; /* before the first of them, 0.5; for one whole answer, 600 */
    const char *body;               /* JSON object of further fields of each request */
    const char *const *headers;     /* [n_headers] "NAME: VALUE"; a value "$VAR" is read from */
    const char *const *query;       /* [n_query] "NAME=VALUE"     the environment */
    size_t n_headers, n_query;
    /* a server that lives as long as the source is open: a shell's command; each "{port}" in it and
     * in `source` becomes a free port of this machine */
    const char *serve;
    const char *serve_log; /* its output is appended there; NULL: "serve-PID.log" */
    int serve_restarts;    /* when it dies; 0: 3, negative: none */
    double serve_wait_s;   /* until it answers, each time; 0: 1800 */
} rn_model_source;

/* RN_EINVAL: what in it cannot be, before anything is opened. */
RN_API int rn_model_source_check(const rn_model_source *m, rn_err *err);
/* The name in the store: the one given, the file's without folders and ".gguf", what stands after
 * the '#' of a URL. */
RN_API void rn_source_name(const rn_model_source *m, char *out, size_t cap);
RN_API int rn_source_is_server(const rn_model_source *m);

/* The names that an option may have as its value, with spaces between them: of a problem "set", a
 * "preset", an "extractor", an entry of the "cost" tables, a "profile" in them. To be freed; NULL:
 * no memory, or `what` is none of these. */
RN_API char *rn_known_names(const char *what);

/* Which part of its work a stage does, for processes that share it (docs/CLUSTER.md). NULL: all. */
typedef struct rn_share_options {
    const char *shard; /* "I/N" with I from 0 to N - 1; "auto", "auto/N": of this array job */
    const char *units; /* a file of units, as `todo` writes it: only these */
    const char *todo;  /* writes the units that are missing to this file, and does nothing else */
} rn_share_options;

/* ---- generate ---- */

typedef struct rn_generate_options {
    rn_watch watch;
    rn_share_options share;
    rn_model_source model;
    const char *set, *data_dir; /* a known name or a file; where sets lie, NULL: the usual folder */
    const char *preset;         /* prompt preset or an experiment of the study; NULL: the set's */
    rn_selection select;        /* which problems */
    int64_t n;                  /* samples per problem; 0: the preset's, else 1 */
    int greedy;                 /* one answer per problem, the likeliest token each time */
    double temperature, top_p;  /* NAN: the preset's */
    double min_p;
    int64_t top_k, seed, max_tok; /* max_tok 0: the preset's */
} rn_generate_options;

typedef struct rn_generate_summary {
    int incomplete;
    int64_t run_id;
    int64_t n_total, n_had, n_made;       /* samples: wanted, there before, made now */
    int64_t n_too_long, n_refused, n_cut; /* problems without room; samples that failed, were cut */
    int64_t n_tok, n_untold; /* tokens generated now; samples whose server does not tell theirs */
    double seconds;
    char *spent; /* of a server: requests, tokens, dollars in a line; NULL none */
} rn_generate_summary;

RN_API void rn_generate_options_init(rn_generate_options *o);
RN_API int rn_generate_options_check(const rn_generate_options *o, rn_err *err);
RN_API int rn_stage_generate(rn_store *s, const rn_generate_options *o, rn_generate_summary *out,
                             rn_err *err);
RN_API void rn_generate_summary_free(rn_generate_summary *out);

/* ---- until ---- */

/* Samples, judged between rounds, until a question is answered (docs/METRICS.md: "Sampling until
 * the answer is known"):
 *     "pass@10 +-1"  "MODEL pass@10 +-1"  "A>B at 8x"  "A - B at 20TFLOP +-2"  "A>B at pass@10"
 *     "crossover A,B up to 16x within 4x"
 * Each problem gets the samples that narrow the interval most. The store is all of its state: the
 * same call continues after any end, and a replay of recorded samples goes the same way. */
typedef struct rn_until_options {
    rn_watch watch;
    const char *question;
    rn_generate_options draw; /* set, prompt and sampling; n: most samples of a problem, 0: 1,000
                                 (of a replay: what is recorded). Its watch and model are not looked
                                 at */
    const rn_model_source *models; /* [n_models] to draw from; a replay looks into the store */
    size_t n_models;
    rn_judge_settings judge;
    int dry_run;              /* replays recorded samples and draws none */
    const char *const *costs; /* [n_costs] "MODEL=ENTRY": how a model is priced */
    const char *const *cost_files;
    size_t n_costs, n_cost_files;
    const char *profile; /* wall-times of the cost tables; NULL: the store's, else the study's */
    double level;        /* of the interval; 0.95 */
    /* Of a plan: the report whose figure of what is recorded it shows (store, set, models, missing,
     * resamples, seed, level); NULL: the defaults of this store. */
    const rn_report_options *as;
} rn_until_options;

/* A model of the question. */
typedef struct rn_until_model {
    const char *name;
    int64_t run_id;
    int64_t n_samples, least, most; /* that the answer rests on; of one problem */
    int64_t n_recorded, n_made;     /* judged in the store at the end; made now */
    double flop, seconds, usd;      /* of a sample; NAN unknown */
    int64_t n_more[3];              /* of a plan: further samples, 5 %, 50 % and 95 % quantile */
} rn_until_model;

typedef struct rn_until_point {
    double budget; /* of a crossover, in samples of the cheaper model */
    int64_t k[2];  /* pass@k of each model */
    /* pass@k, or the difference, fractions; NAN: no look yet. Of a plan as a report has it: NAN
     * where a curve has ended. */
    double value, lo, hi;
    int side; /* 1: the first model is ahead; -1: the second; 0: not known, or not asked */
} rn_until_point;

/* Of a plan: a problem that gets further samples. */
typedef struct rn_until_problem {
    const char *task_id;
    int64_t n, c;  /* judged; passed */
    int model;     /* place in models */
    double n_more; /* in expectation */
} rn_until_problem;

typedef struct rn_until_summary {
    int answered, incomplete;
    int rounds;
    int64_t n_problems;
    rn_until_model models[2];
    size_t n_models;
    rn_until_point points[12];
    size_t n_points;
    double from, to; /* of a crossover that was found; NAN */
    /* A sentence; never NULL after 0 or RN_ECANCELLED. Of a plan: the report's figure of what is
     * recorded. */
    const char *answer;
    int64_t n_reported;         /* of a plan: problems that this figure is of */
    double p_answered;          /* of a plan: the share of simulations that came to an answer */
    rn_until_problem *problems; /* [n_listed] of a plan, most samples first */
    size_t n_listed;
    char *spent; /* of servers: as in rn_generate_summary */
    void *own;
    /* The difference is the median unbiased one of a question that ended by what it saw: the plain
     * estimate of a report may differ. */
    int median_unbiased;
} rn_until_summary;

RN_API void rn_until_options_init(rn_until_options *o);
RN_API int rn_until_options_check(const rn_until_options *o, rn_err *err);
RN_API int rn_stage_until(rn_store *s, const rn_until_options *o, rn_until_summary *out,
                          rn_err *err);
/* What an answer would take beyond what is recorded, by simulation: nothing is drawn. */
RN_API int rn_stage_until_plan(rn_store *s, const rn_until_options *o, rn_until_summary *out,
                               rn_err *err);
RN_API void rn_until_summary_free(rn_until_summary *out);

/* ---- judge ---- */

typedef struct rn_judge_options {
    rn_watch watch;
    rn_share_options share;
    const char *set, *data_dir; /* set NULL: every set that the store has samples of */
    const char *model;          /* only this model's runs; NULL: all */
    int64_t run_id;             /* only this run; 0: all */
    rn_selection select;        /* which problems */
    const char *extractor;      /* NULL: the run's own */
    rn_judge_settings judge;    /* jobs 0: one per core; cpu_s 0: the set's official limit */
    int64_t output_bytes, processes;
    double calibrate, floor_s; /* limit: calibrate x the reference's own time, at least floor_s */
    int strict;                /* exact comparison instead of the set's */
    int all_tests, recheck, keep_going;
    int uncalibrated; /* BigCodeBench: solutions alone, without its code prompt before them */
    int near; /* 1: list samples that ended above 80 % of their limit; 2: calibrate for all of them
               */
} rn_judge_options;

/* A run and its verdicts, old and new. */
typedef struct rn_judge_run_row {
    int64_t run_id, n_samples, n_missing;
    int64_t n_older; /* judged under an older version of the protocol, and counted as they are */
    int64_t by_verdict[RN_N_VERDICTS];
    const char *set, *model, *kind, *protocol; /* protocol: JSON */
} rn_judge_run_row;

typedef struct rn_judge_near_row {
    const char *task_id, *model;
    int64_t run_id, index;
    double cpu_s, limit_s;
    rn_verdict verdict;
} rn_judge_near_row;

typedef struct rn_judge_summary {
    int incomplete;
    rn_judge_run_row *runs; /* [n_runs] */
    size_t n_runs;
    rn_judge_near_row *near; /* [n_near] */
    size_t n_near;
    int64_t n_judged, n_programs; /* now; equal programs are run once */
    int64_t n_confirmed;          /* of them: passes that could be forged, put to further proof */
    int64_t n_ended_near, n_missing, n_older;
    int64_t n_lacking;                         /* problems that need a library that is not here */
    int64_t n_without_code;                    /* of n_judged: answers in which no code was found */
    const char *set, *hash, *python, *sandbox; /* of the first set */
    void *own;                                 /* memory of all this */
} rn_judge_summary;

RN_API void rn_judge_options_init(rn_judge_options *o);
/* RN_EINVAL: what cannot be, before anything is opened. */
RN_API int rn_judge_options_check(const rn_judge_options *o, rn_err *err);
RN_API int rn_stage_judge(rn_store *s, const rn_judge_options *o, rn_judge_summary *out,
                          rn_err *err);
RN_API void rn_judge_summary_free(rn_judge_summary *out);

/* ---- rank ---- */

typedef struct rn_rank_options {
    rn_watch watch;
    rn_share_options share;
    const char *ranker;    /* "examples", "nll", "verifier", "consensus", "tests" */
    rn_model_source model; /* of nll, verifier, tests */
    const char *of;        /* only runs of this model; NULL: all */
    int64_t run_id;        /* only this run; 0: all */
    const char *set, *data_dir, *preset, *extractor; /* NULL: the run's own */
    rn_selection select;                             /* which problems */
    const char *verifier; /* the question: a name or file; NULL: "function" */
    const char *question; /* tests: how the model is asked: a name or file; NULL: "assert" */
    const char *agree;    /* consensus: "mbr" or "codet" */
    int64_t inputs, seed; /* consensus: inputs per problem; 32. tests: answers per problem; 10.
                             All three: their seed, 0 */
    double cpu_s;         /* examples, tests, consensus: of an input; 0.1, 0.1, 0.5 */
    int jobs, allow_weak; /* consensus: programs at a time; as in rn_judge_settings */
} rn_rank_options;

typedef struct rn_rank_run_row {
    int64_t run_id, n_scored, n_due; /* now; n_due -1: not counted before */
} rn_rank_run_row;

typedef struct rn_rank_summary {
    int incomplete;
    const char *ranker;    /* static */
    rn_rank_run_row *runs; /* [n_runs] */
    size_t n_runs;
    int64_t n_scored;
    /* left out: */
    int64_t n_cut;                /* at their token limit */
    int64_t n_empty;              /* without a token */
    int64_t n_too_long;           /* for the context */
    int64_t n_refused;            /* by the server, with its words in `refusal` */
    int64_t n_unlikely;           /* verifier: without a likelihood under their generator */
    int64_t n_failed;             /* consensus: the sandbox failed on them */
    int64_t n_problems, n_blind;  /* consensus: scored; of them without an input */
    int64_t n_examples, n_unseen; /* examples, tests: that tell a value; of them in no test */
    int64_t n_programs;           /* consensus: executed, in cpu_s and wall_s */
    double cpu_s, wall_s;
    char refusal[200];
    char *spent; /* as in rn_generate_summary */
} rn_rank_summary;

RN_API void rn_rank_options_init(rn_rank_options *o);
RN_API int rn_rank_options_check(const rn_rank_options *o, rn_err *err);
RN_API int rn_stage_rank(rn_store *s, const rn_rank_options *o, rn_rank_summary *out, rn_err *err);
RN_API void rn_rank_summary_free(rn_rank_summary *out);

/* ---- profile ---- */

typedef struct rn_profile_options {
    rn_watch watch;
    rn_model_source model;
    int64_t prompt_tok, gen_tok; /* of a sample; 256, 512 */
} rn_profile_options;

typedef struct rn_profile_row {
    int in_flight;
    double step_s, s_per_1000; /* for one token of each; for 1,000 samples */
} rn_profile_row;

typedef struct rn_profile_summary {
    rn_profile_row rows[13];        /* [n_rows] 1, 2, 4, ... in flight */
    int n_rows, best;               /* rows[best] is the cheapest */
    double prompt_s, flop;          /* flop of a sample; NAN unknown */
    char *hardware, *probe, *spent; /* lines; probe and spent: of a server, NULL else */
    char *json;                     /* all of it, as it is stored */
} rn_profile_summary;

RN_API void rn_profile_options_init(rn_profile_options *o);
/* s NULL: nothing is kept. */
RN_API int rn_stage_profile(rn_store *s, const rn_profile_options *o, rn_profile_summary *out,
                            rn_err *err);
RN_API void rn_profile_summary_free(rn_profile_summary *out);

/* ---- import, export, merge, fetch ---- */

/* Other people's samples, counts and curves. What was read before an error stays; doing it again
 * changes nothing. */
typedef struct rn_import_options {
    rn_watch watch;
    const char *set, *data_dir, *model; /* the set of the samples, the model that wrote them */
    const char *const *files;           /* [n_files] "-" is standard input */
    size_t n_files;
    const char *format;          /* "human-eval", "evalplus", ...; NULL: told from the file */
    const char *cost;            /* entry of the cost tables; NULL: the one of that name, if any */
    const char *cost_file;       /* more entries of them */
    const char *preset;          /* prompt preset that was used; NULL */
    const char *const *settings; /* [n_settings] "KEY=VALUE" of the run */
    size_t n_settings;
    const char *map; /* CodeT: JSONL of {task_id, prompt}; NULL */
    int greedy;      /* one answer per problem */
    int append;      /* behind the samples that the run has */
    int skip_bad;    /* bad rows are noted and left out */
    int ids_only;    /* ids as they come, without a known set */
    int64_t n;       /* samples per problem: more are refused, fewer counted in n_short; 0: any */
    int64_t first;   /* index of each problem's first sample */
} rn_import_options;

typedef struct rn_import_summary {
    int incomplete;
    int64_t n_added, n_present, n_verdicts; /* new; there before; that came with them */
    int64_t n_bad, n_short;                 /* rows left out; problems with too few samples */
    int64_t n_problems, n_set;              /* of the set: with samples of the run; in all */
    const char *format, *unit;              /* unit: "samples", "counts" or "points". Static */
} rn_import_summary;
RN_API void rn_import_options_init(rn_import_options *o);
RN_API int rn_import_options_check(const rn_import_options *o, rn_err *err);
RN_API int rn_stage_import(rn_store *s, const rn_import_options *o, rn_import_summary *out,
                           rn_err *err);

/* Runs in the forms of others, as flat rows, or their digest. Zero members are the defaults. */
typedef struct rn_export_options {
    rn_watch watch;
    const char *format;      /* "human-eval", ..., "csv", "jsonl", "digest" */
    const char *model, *set; /* only runs of these; a set also by its file */
    const char *data_dir;
    rn_selection select;         /* which problems */
    int greedy, samples;         /* only greedy runs; only others */
    int64_t run_id, protocol_id; /* only this run; verdicts under this protocol. 0: all, newest */
    const char *output;          /* a file, .gz is compressed; NULL: goes through `write`, */
    int (*write)(void *user, const char *data, size_t len); /* which returns 0 or an errno */
    void *user;
} rn_export_options;
typedef struct rn_export_summary {
    int64_t n_samples, n_missing; /* written; of them without a verdict */
    int64_t n_replaced;           /* texts with bytes that are not UTF-8, written as U+FFFD */
} rn_export_summary;
RN_API int rn_export_options_check(const rn_export_options *o, rn_err *err);
/* RN_ENOTFOUND: no run is meant. RN_ELIMIT: several, where the form holds one; on_note lists them.
 */
RN_API int rn_stage_export(rn_store *s, const rn_export_options *o, rn_export_summary *out,
                           rn_err *err);

/* Other experiment files into one. */
typedef struct rn_merge_options {
    rn_watch watch;
    const char *const *files; /* [n_files]; none: the store is checked for damage */
    size_t n_files;
} rn_merge_options;
typedef struct rn_merge_summary {
    int incomplete; /* there were conflicts: the store's own stays */
    int64_t n_samples, n_present, n_verdicts, n_scores, n_conflicts;
} rn_merge_summary;
RN_API int rn_stage_merge(rn_store *s, const rn_merge_options *o, rn_merge_summary *out,
                          rn_err *err);

/* A public problem set into the data folder. */
typedef struct rn_fetch_options {
    rn_watch watch;
    const char *data_dir, *url, *from, *sha256; /* url, from: instead of its public home */
    int again;                                  /* replaces a file that is there */
    int retries;                                /* after lost connections */
} rn_fetch_options;
typedef struct rn_fetch_summary {
    const char *name, *set;         /* static; set: what was opened to check it */
    size_t n_problems;              /* of that set */
    int already, resumed, recorded; /* nothing to do; a broken download went on; its hash is new */
    char path[4096], sha256[65];
    const char *later; /* static: what else adds later problems to the set; NULL: nothing */
} rn_fetch_summary;
/* RN_EINVAL: no public set has this name. */
RN_API int rn_fetch_options_check(const char *name, const rn_fetch_options *o, rn_err *err);
RN_API int rn_stage_fetch(const char *name, const rn_fetch_options *o, rn_fetch_summary *out,
                          rn_err *err);
typedef struct rn_public_set {
    const char *name, *size, *url; /* static; size "?": not known */
    const char *sha256;            /* of the published file; NULL: recorded on first use */
} rn_public_set;
/* RN_ENOTFOUND past the last. */
RN_API int rn_public_set_at(size_t i, rn_public_set *out);

/* ---- bench, inspect, doctor ---- */

/* Speed of the engine on a model file, or on random weights of a shape. */
typedef struct rn_bench_options {
    rn_watch watch;
    rn_model_source model;    /* a file; source NULL: random weights of the next two */
    const char *shape, *type; /* "layers,width,ffn,heads,kv-heads,vocabulary"; "q8_0" */
    const char *save;         /* also writes the random model there; NULL */
    const char *samples;      /* in flight: "1,16,64" */
    const char *format;       /* "table" (NULL) or "json" */
    int64_t prompt_tok, gen_tok;
    int64_t texts, text_tok; /* scored beside each other, 0: none; tokens of each */
    int64_t repeat;          /* the best counts */
} rn_bench_options;
RN_API void rn_bench_options_init(rn_bench_options *o);
RN_API int rn_bench_options_check(const rn_bench_options *o, rn_err *err);
/* *text: the caller frees it, as in the calls below. */
RN_API int rn_bench_engine(const rn_bench_options *o, char **text, rn_err *err);

typedef struct rn_inspect_options {
    const char *path;   /* of a GGUF file */
    const char *format; /* "table" (NULL), "csv" or "json" */
    int meta, tensors;  /* also every metadata key; every tensor */
} rn_inspect_options;
RN_API int rn_inspect(const rn_inspect_options *o, char **text, rn_err *err);
/* The token ids of each of files [n], a line each: without BOS, special tokens not parsed. */
RN_API int rn_inspect_tokens(const char *path, const char *const *files, size_t n, char **text,
                             rn_err *err);
/* ids_path: int32 token ids [n]; out_path: their float32 logits [n, vocabulary], keys and values in
 * float32. */
RN_API int rn_inspect_logits(const char *path, const char *ids_path, const char *out_path,
                             rn_err *err);

typedef struct rn_doctor_options {
    const char *data_dir, *venv, *format; /* as in the others; NULL: the defaults */
} rn_doctor_options;
/* What this machine offers and how to get what is missing. *unsafe: programs cannot be judged. */
RN_API int rn_doctor(const rn_doctor_options *o, char **text, int *unsafe, rn_err *err);

/* ---- clusters -------------------------------------------------------------------------------- */

/* A stage's missing work as tasks of a Slurm cluster (docs/CLUSTER.md). The submitter holds the
 * store's lock while it lives and keeps nothing that is not in the job's folder: killed at any
 * moment, it is attached again. */
typedef struct rn_batch_options {
    rn_watch watch;
    const char *store; /* path: the stages open it themselves */
    const char *dir; /* the job's folder, on a file system that all nodes see; NULL: STORE.batch */
    const char *sbatch;  /* further options of sbatch, as typed in a shell; NULL */
    const char *program; /* absolute path of the `ration` that tasks run */
    const char *const
        *args; /* [n_args] "generate", "judge" or "rank" and its arguments, without -s */
    size_t n_args;
    int n_tasks; /* 0: 16, or what n_nodes need */
    int n_nodes; /* that work at a time, on several tasks each, the longest first; 0: all tasks do
                  */
    int n_tries; /* attempts of a task in a row that bring nothing; 3. Attached, 0: the job's */
    int every_s; /* seconds between copies of a task's results to the folder, 1 to 60; 30 */
    int print;   /* make the folder, and only say what would be submitted */
    int no_wait; /* submit, and do not follow */
} rn_batch_options;

typedef struct rn_batch_summary {
    int incomplete;    /* tasks were given up, or say that something is missing */
    int submitted;     /* Slurm has tasks of the job, or had */
    int64_t n_tasks;   /* of the job; 0: there is none */
    int64_t n_done;    /* merged */
    int64_t n_failed;  /* given up */
    int64_t n_missing; /* of those done: something is missing that another attempt would not bring
                        */
    char *script;      /* with `print`: script and commands; NULL else */
} rn_batch_summary;

RN_API void rn_batch_options_init(rn_batch_options *o);
/* RN_EINVAL: what in them cannot be, before anything is read; for rn_batch_submit. */
RN_API int rn_batch_options_check(const rn_batch_options *o, rn_err *err);
/* Makes and submits a job of what is missing, and follows it to its end, merging parts as tasks
 * end. RN_ECANCELLED: stopped following; the job goes on. RN_EBUSY: a job of the folder is still at
 * work. */
RN_API int rn_batch_submit(const rn_batch_options *o, rn_batch_summary *out, rn_err *err);
/* Follows the job that is in the folder, with its own options; sbatch and n_tries, where given, are
 * for what is submitted from now on. The others are not looked at. */
RN_API int rn_batch_attach(const rn_batch_options *o, rn_batch_summary *out, rn_err *err);
RN_API void rn_batch_summary_free(rn_batch_summary *out);
/* What a node runs: task number `task` of the job in `dir`. RN_ECANCELLED: stopped by should_stop,
 * to be started again. */
RN_API int rn_batch_task(const char *dir, int64_t task, const rn_watch *watch, rn_err *err);

/* A step of the study (arXiv 2404.00725): what it takes, before anything is begun. */
typedef struct rn_study_step {
    const char *stage, *set; /* "generate", "judge" or "rank" */
    const char *model;       /* name in the store; of the ranker when ranking; "" when judging */
    int greedy;
    int64_t n_samples; /* in all */
    double hours, usd; /* of the machine that its profile was measured on; NAN unknown */
    const char **args; /* [n_args] of `ration`, the stage first, without the store */
    size_t n_args;
} rn_study_step;

typedef struct rn_study_options {
    const char *const *models; /* [n_models] as rn_model_source.source */
    size_t n_models;
    const char *profile;   /* of the cost tables, for models that the store has none of; NULL */
    const char *cost_file; /* more entries of them; NULL */
} rn_study_options;

typedef struct rn_study {
    rn_study_step *steps; /* [n_steps] in order */
    size_t n_steps;
    double hours, usd;    /* sums over what is known; hours without those of judging, */
    double core_hours;    /* which are of one core */
    const char *hardware; /* of the profile that was asked for; NULL */
    int64_t n_unknown;    /* steps without hours */
    const char *missing;  /* the model that the first of these needs a profile of; NULL */
    void *own;
} rn_study;

/* The whole experiment of the study: every set, n by the model's size, greedy, judging, the
 * smallest model's samples scored by all. s: for its profiles; NULL: none. RN_EINVAL: a model whose
 * size is not known. */
RN_API int rn_study_plan(rn_store *s, const rn_study_options *o, rn_study *out, rn_err *err);
RN_API void rn_study_free(rn_study *out);

/* ---- demo ---- */

/* Where the demo finds the bundled models and problems, and writes. */
enum { RN_DEMO_MODELS = 4 };
typedef struct rn_demo_options {
    const char *out;        /* folder for demo.db and report.html; NULL: the current one */
    const char *models_dir; /* NULL: beside the data sets, as they are installed or built */
    const char *set, *data_dir;
} rn_demo_options;
typedef struct rn_demo {
    char *model[RN_DEMO_MODELS];      /* files, smallest first, */
    const char *size[RN_DEMO_MODELS]; /* and what tells them apart: "xs" */
    char *db, *page;
    int64_t n_problems;
    int is_there;      /* the store */
    int64_t n_samples; /* that it holds */
} rn_demo;
/* RN_ENOTFOUND, RN_EREADONLY; RN_EVERSION: the store holds what another demo made. rn_demo_close.
 */
RN_API int rn_demo_open(const rn_demo_options *o, rn_demo *out, rn_err *err);
RN_API void rn_demo_close(rn_demo *d);

#ifdef __cplusplus
}
#endif
#endif
