/*
 * ration.h: the public interface of libration, the only public header.
 *
 * libration spends a code-generation budget where it buys the most passing programs: it samples
 * programs from language models, judges them in a sandbox, ranks them, accounts every FLOP and
 * second, and estimates which model, sampled how often, solves most per unit of budget.
 *
 * Read it top-down by need: errors, then simple calls on plain numbers, then handles.
 *
 * Conventions
 *  - A fallible function returns 0 or a negative RN_E... code. Results come through
 *    out-parameters and are set only on success. The last parameter `rn_err *err` may be NULL;
 *    otherwise it receives code, position and a message that says what, where and the likely fix.
 *  - Each declaration states who owns what. `_close` and `_free` accept NULL.
 *  - A handle is used by one thread at a time. The library never prints, exits or aborts on input.
 *  - Units are in the names: _ns, _ms, _s, _bytes, _tok, _flop; counts are n_.
 */
#ifndef RATION_H
#define RATION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RN_API __attribute__((visibility("default")))
#else
#define RN_API
#endif

#define RN_VERSION "0.1.0"

/* The version of the library that is linked, as opposed to RN_VERSION of the header. Static. */
RN_API const char *rn_version(void);

/* ---- errors ---------------------------------------------------------------------------------- */

/* One list of every error: name, value, what it means in a phrase. */
#define RN_ERRORS(X)                            \
    X(EINVAL, -1, "invalid argument")           \
    X(ENOMEM, -2, "out of memory")              \
    X(EIO, -3, "input/output error")            \
    X(EFORMAT, -4, "malformed input")           \
    X(ETRUNCATED, -5, "input ends too early")   \
    X(EUNSUPPORTED, -6, "not supported")        \
    X(ENOTFOUND, -7, "not found")               \
    X(EEXIST, -8, "exists already")             \
    X(EBUSY, -9, "in use by another process")   \
    X(EVERSION, -10, "made by another version") \
    X(ELIMIT, -11, "over a limit")              \
    X(ESANDBOX, -12, "sandbox failure")         \
    X(ECANCELLED, -13, "cancelled")             \
    X(ENET, -14, "network failure")             \
    X(EREADONLY, -15, "cannot be written")      \
    X(EINTERNAL, -16, "internal error")

#define RN_ERROR_ENUM(name, value, text) RN_##name = value,
enum rn_error { RN_OK = 0, RN_ERRORS(RN_ERROR_ENUM) };
#undef RN_ERROR_ENUM

/* Why a call failed. `line` and `offset` are -1 where they have no meaning. */
typedef struct rn_err {
    int code;       /* RN_E..., 0 if nothing failed */
    int64_t line;   /* 1-based line or row of the input */
    int64_t offset; /* byte offset in the input */
    char msg[488];  /* what, where, the likely fix; NUL-terminated UTF-8, no newline at the end */
} rn_err;

/* "EINVAL" and "invalid argument" for RN_EINVAL; "E?" and "unknown error" for anything else. */
RN_API const char *rn_err_name(int code);
RN_API const char *rn_err_text(int code);

/* ---- verdicts -------------------------------------------------------------------------------- */

/* What judging one program concluded: name, name in files, family.
 * Family P: what the program did. L: which limit it hit. S: the sandbox failed, never a wrong
 * answer: it counts as missing and is judged again. */
#define RN_VERDICTS(X)                                                                     \
    X(PASSED, "passed", 'P')         /* every test ran and passed */                       \
    X(WRONG, "wrong_answer", 'P')    /* a test failed */                                   \
    X(EXCEPTION, "exception", 'P')   /* an exception other than a failed assertion */      \
    X(SYNTAX, "syntax_error", 'P')   /* does not compile */                                \
    X(EXITED, "exited", 'P')         /* ended before the tests did, whatever the status */ \
    X(CRASHED, "crashed", 'P')       /* killed by a signal of its own making */            \
    X(FORGED, "forged", 'P')         /* tests held only because the program bent them */   \
    X(TIME_LIMIT, "time_limit", 'L') /* CPU time */                                        \
    X(WALL_LIMIT, "wall_limit", 'L') /* wall-clock backstop: slept or was blocked */       \
    X(MEMORY_LIMIT, "memory_limit", 'L')                                                   \
    X(OUTPUT_LIMIT, "output_limit", 'L')                                                   \
    X(PROCESS_LIMIT, "process_limit", 'L')                                                 \
    X(NO_TESTS, "no_tests", 'S') /* the problem has none: nothing was shown */             \
    X(SANDBOX, "sandbox_failure", 'S')                                                     \
    X(NO_LIBRARY, "missing_library", 'S') /* the problem needs a library that is not here */

#define RN_VERDICT_ENUM(name, text, family) RN_V_##name,
typedef enum rn_verdict { RN_VERDICTS(RN_VERDICT_ENUM) RN_N_VERDICTS } rn_verdict;
#undef RN_VERDICT_ENUM

/* The name in files, e.g. "wrong_answer"; NULL if v is out of range. */
RN_API const char *rn_verdict_name(rn_verdict v);
/* 'P', 'L' or 'S'; 0 if v is out of range. */
RN_API char rn_verdict_family(rn_verdict v);

/* ---- cost: FLOPs from a transformer's shape -------------------------------------------------- */

/* What the FLOPs of a decoder-only transformer follow from. */
typedef struct rn_shape {
    int64_t n_layer, d_model, d_ffn;
    int64_t n_head, n_kv_head, head_dim; /* head_dim is usually d_model / n_head */
    int64_t vocab;
    int gated_ffn; /* 1: gate, up and down matrices (SwiGLU); 0: up and down */
    int tied_head; /* 1: the output head is the embedding table (same FLOPs, fewer parameters) */
    int64_t attn_weights; /* of a layer's attention, where they do not follow from the heads (latent
                             attention, whose head_dim is the mean of key and value); 0: they do */
} rn_shape;

/* The study's cost of one sample: one forward pass over n_tok tokens, 128 there,
 *   2 * n_tok * (linear weights, output head included) + n_layer * n_tok^2 * d_model. */
RN_API double rn_flop_convention(const rn_shape *s, int64_t n_tok);
/* What is paid once for all samples of one prompt: prompt_tok tokens through the layers, the output
 * head at the last of them. */
RN_API double rn_flop_prompt(const rn_shape *s, int64_t prompt_tok);
/* What each sample of gen_tok tokens adds (the token that ends it included): gen_tok - 1 tokens
 * through layers and head, each attending to all before it and itself. Scoring a given text in one
 * teacher-forced pass costs the same. */
RN_API double rn_flop_sample(const rn_shape *s, int64_t prompt_tok, int64_t gen_tok);
/* A sample with its share of the prompt, which n samples have in common. NAN when the shape (no
 * layers) or a number of tokens is not known. */
RN_API double rn_flop_share(const rn_shape *s, int64_t prompt_tok, int64_t gen_tok, int64_t n);

/* What k samples of one problem cost, in any unit: shared + per_sample * k, the prompt once; or,
 * with n_points, shared + what was measured at k[i], both rising (src/stat/budget.h joins the
 * points). */
typedef struct rn_cost_curve {
    double shared, per_sample;
    const int64_t *k;   /* [n_points], borrowed */
    const double *cost; /* [n_points], borrowed */
    size_t n_points;    /* 0: linear */
} rn_cost_curve;

/* ---- estimators ------------------------------------------------------------------------------ */

/* Simple calls on plain numbers; docs/METRICS.md derives each. n samples of a problem were judged,
 * c of them pass. All refuse k < 1, k > n, c < 0 and c > n with RN_EINVAL. */

/* pass@k, unbiased: 1 - C(n-c, k) / C(n, k). */
RN_API int rn_pass_at_k(int64_t n, int64_t c, int64_t k, double *out, rn_err *err);
/* pass@1..pass@k_max into out [k_max]. */
RN_API int rn_pass_curve(int64_t n, int64_t c, int64_t k_max, double *out, rn_err *err);
/* How many samples "up to k, stop at the first pass" draws in expectation. */
RN_API int rn_expected_draws(int64_t n, int64_t c, int64_t k, double *out, rn_err *err);
/* rank-score@k: the chance that the best-scored of k random samples passes; the highest score is
 * best, equal ones are in random order. score [n] (no NAN), pass [n] of 0 and 1. */
RN_API int rn_rank_score(const double *score, const uint8_t *pass, int64_t n, int64_t k,
                         double *out, rn_err *err);

/* Intervals of a mean by bootstrap over problems; within 5 problems of 0 or 1 it is Wilson's. */
typedef struct rn_bootstrap_table {
    const double *values; /* [n_problems, n_points] in [0, 1], e.g. one rn_pass_curve per problem */
    const double *minus;  /* as values: the mean of values - minus, two models on the same problems;
                               NULL: of values alone */
    size_t n_problems, n_points, n_resamples;
    uint64_t seed; /* the same seed gives the same interval */
    double level;  /* e.g. 0.95 */
} rn_bootstrap_table;
/* mean, lo, hi: [n_points]. */
RN_API int rn_bootstrap(const rn_bootstrap_table *t, double *mean, double *lo, double *hi,
                        rn_err *err);

/* ---- reports and plans ----------------------------------------------------------------------- */

/* `ration report` and `ration plan` as calls on the file of a store: options are the words of the
 * command line (docs/man), strings are borrowed during the call. Start from _init, which sets the
 * defaults. RN_EINVAL from _check: what in the options cannot be, before anything is read. */
typedef struct rn_report_options {
    const char *store;         /* path; NULL: published curves only */
    int published;             /* the study's published curves */
    const char *set;           /* only this problem set; NULL: all */
    const char *const *models; /* [n_models] only these; none: all */
    const char *const *costs;  /* [n_costs] "MODEL=ENTRY": how a model is priced */
    const char *const *cost_files;
    size_t n_models, n_costs, n_cost_files;
    const char *profile; /* of wall-times; NULL: that of the store which times most models */
    const char *flops;   /* "study", "exact" */
    const char *prompt;  /* how often dollars pay for the prompt: "cached", "once", "each" */
    const char *missing; /* samples without a verdict: "drop", "fail", "refuse" */
    double prompt_tok;   /* mean prompt length where samples do not record theirs; NAN */
    int64_t n_resamples, seed;
    double level;               /* of the intervals */
    const char *ks, *budgets;   /* "1,10,100", budgets in samples of the cheapest model; NULL */
    double reach;               /* what this score costs; NAN */
    int64_t extrapolate;        /* pass@k up to this k beyond the samples, by a model of the
                                   problems (docs/METRICS.md); 0: no */
    const char *compare;        /* "A,B": two models side by side; NULL */
    const char *fallback;       /* without tests: the model whose greedy answer is taken where no
                                   sample passes all examples; NULL: the most expensive */
    int interpolate;            /* between published k */
    const char *const *metrics; /* [n_metrics] only these tables and series; none: all of them */
    size_t n_metrics;
    int all;                     /* as a table: every one, not the answer alone */
    const char *format;          /* "table", "csv", "json"; NULL: no text */
    const char *html, *chart_js; /* a page to write; the Chart.js in it; NULL */
    const char *plot, *figure;   /* a figure to write: .svg, .pdf, .png; which; NULL */
    const char *against;         /* "imported": our verdicts beside imported ones, nothing else */
    const char *by;              /* pass@k by group of problems, nothing else: the groups' name */
    const char *const
        *problems; /* [n_problems] ids of those that count; none: all (rn_problem_list) */
    const char *const *groups; /* [n_problems] with `by`: the groups of each, a tab before each */
    size_t n_problems;
} rn_report_options;

typedef struct rn_plan_options {
    rn_report_options data;     /* store to level, format and plot of it */
    const char *const *budgets; /* [n_budgets] "60s", "200TFLOP", "0.05USD" */
    size_t n_budgets;
    const char *axis;  /* "flops", "time", "usd", where no budget tells it; NULL */
    int total;         /* budgets are for the whole set, in expectation */
    int stop, no_stop; /* only with, only without stopping at the first pass; neither: both */
    int replay;        /* the policies of rn_solve over the recorded samples */
    int no_tests;      /* stopping at the first sample that passes all examples of the prompt */
    int64_t n_folds, n_orders;
} rn_plan_options;

/* Strings are the caller's, all freed by _free; never NULL after a call that returned 0. */
typedef struct rn_report_output {
    char *text;     /* what `format` asked for */
    char *notes;    /* what is missing and how to give it, one a line */
    char *findings; /* of a report: who leads, in sentences, one a line */
    int incomplete; /* something is missing: `notes` says what */
} rn_report_output;

RN_API void rn_report_options_init(rn_report_options *o);
RN_API int rn_report_options_check(const rn_report_options *o, rn_err *err);
RN_API int rn_stage_report(const rn_report_options *o, rn_report_output *out, rn_err *err);
RN_API void rn_plan_options_init(rn_plan_options *o);
RN_API int rn_plan_options_check(const rn_plan_options *o, rn_err *err);
RN_API int rn_stage_plan(const rn_plan_options *o, rn_report_output *out, rn_err *err);
RN_API void rn_report_output_free(rn_report_output *out); /* NULL accepted */

/* ---- problem sets, prompts, extraction ------------------------------------------------------- */

/* A problem set: read once, checked, immutable; threads may share it. */
typedef struct rn_taskset rn_taskset;

/* name: a known set ("humaneval", "mbpp", ...), looked for in data_dir (NULL: $RATION_DATA, else
 * the user's data folder) and beside the program, or the path of a file or folder in a known form
 * (docs/FORMATS.md). rn_taskset_free. */
RN_API int rn_taskset_open(const char *name, const char *data_dir, rn_taskset **out, rn_err *err);
RN_API void rn_taskset_free(rn_taskset *set); /* NULL accepted */
RN_API size_t rn_taskset_size(const rn_taskset *set);
RN_API const char *rn_taskset_hash(const rn_taskset *set); /* SHA-256, hex; borrowed */
/* The id of problem i < size; NULL beyond. Borrowed from the set. */
RN_API const char *rn_taskset_id(const rn_taskset *set, size_t i);

/* The exact prompt of problem i under a preset ("mbpp-3shot"; NULL: the set's own). *text is
 * NUL-terminated; free it with free(). */
RN_API int rn_taskset_prompt(const rn_taskset *set, size_t i, const char *preset, char **text,
                             rn_err *err);
typedef struct rn_answer {
    const char *text; /* [len] of a model */
    size_t len;
    const char *extractor; /* "auto/1", "completion/1", ...; NULL: "raw/1" */
} rn_answer;
typedef struct rn_program_text {
    char *text; /* [len], NUL-terminated behind that; free it with free() */
    size_t len;
    int found; /* 0: the answer holds no code */
} rn_program_text;
/* The program that a judge runs for an answer to problem i: the extractor cuts the code out of it.
 */
RN_API int rn_taskset_program(const rn_taskset *set, size_t i, const rn_answer *answer,
                              rn_program_text *out, rn_err *err);

/* Which problems of a set are meant; NULL: no condition. docs/FORMATS.md says what sets tell. */
typedef struct rn_selection {
    const char *problems;   /* places, ids and traits: "0-9,12", "0-99/4", "HumanEval/3",
                               "difficulty=hard,month=2024-05"; the same trait twice: either */
    const char *from, *to;  /* dates, "2024-05-01", "2024-05" or "2024", both included */
    const char *difficulty; /* as difficulty=... */
} rn_selection;
/* RN_EINVAL: what in it cannot be, whatever the set. */
RN_API int rn_selection_check(const rn_selection *s, rn_err *err);
/* 1 for each chosen problem into chosen [size of the set], their number into *n (may be NULL).
 * RN_EINVAL when none is, or when the set does not tell what is asked. */
RN_API int rn_select(const rn_selection *s, const rn_taskset *set, unsigned char *chosen, size_t *n,
                     rn_err *err);
/* The chosen problems by id, each with its values of the trait `by` ("month"; NULL: none), as
 * reports take them. rn_problem_list_free. */
typedef struct rn_problem_list {
    char **ids, **groups; /* [n] */
    size_t n;
} rn_problem_list;
RN_API int rn_problem_list_make(const rn_selection *s, const rn_taskset *set, const char *by,
                                rn_problem_list *out, rn_err *err);
RN_API void rn_problem_list_free(rn_problem_list *s);
/* "humaneval", or a file's stem; borrowed. */
RN_API const char *rn_taskset_name(const rn_taskset *set);

/* ---- judging --------------------------------------------------------------------------------- */

/* Runs Python programs against their tests in a sandbox (docs/SANDBOX.md). The handle keeps host
 * processes with a warm interpreter; a program costs about a millisecond more than its own work. */
typedef struct rn_judge rn_judge;

/* 0 or NULL in a field means the default. */
typedef struct rn_judge_settings {
    int jobs;             /* host processes; 1 */
    double cpu_s;         /* CPU seconds of a program and all it starts; 3 */
    double wall_s;        /* backstop against sleeping; 5 x cpu_s + 5 */
    int64_t memory_bytes; /* resident; 4 GiB */
    const char *venv;     /* virtual environment whose packages programs may import */
    int allow_weak;       /* run even where neither namespaces nor seccomp can be had */
} rn_judge_settings;

typedef struct rn_judgement {
    rn_verdict verdict; /* RN_V_PASSED: every test ran and held */
    int32_t n_tests, n_run, n_passed;
    double cpu_s, wall_s;
    int64_t peak_bytes; /* resident; -1 unknown */
    char detail[256];   /* e.g. "IndexError: list index out of range" */
} rn_judgement;

/* settings may be NULL. RN_ESANDBOX says which layer is missing and the fix. rn_judge_close ends
 * every process. */
RN_API int rn_judge_start(const rn_judge_settings *settings, rn_judge **out, rn_err *err);
RN_API void rn_judge_close(rn_judge *j);
/* Runs `program`, then the statements of each of tests[0 .. n_tests-1], in one namespace, up to the
 * first that fails. A verdict of family 'S' means that nothing is known about the program. */
RN_API int rn_judge_run(rn_judge *j, const char *program, const char *const *tests, size_t n_tests,
                        rn_judgement *out, rn_err *err);

/* ---- experiment file ------------------------------------------------------------------------- */

/* One experiment in one SQLite file; docs/FORMATS.md explains its tables. One writer at a time, any
 * number of readers. */
typedef struct rn_store rn_store;

enum { RN_STORE_READ = 0, RN_STORE_WRITE = 1, RN_STORE_CREATE = 2 };

/* CREATE makes the file if it is not there. RN_EBUSY: another writer holds it (says its pid).
 * RN_EVERSION: made by a newer version. RN_EFORMAT: not an experiment file. RN_ENOTFOUND: none
 * there. Readers are never kept out, and can read a file in a folder that they cannot write to. */
RN_API int rn_store_open(const char *path, int mode, rn_store **out, rn_err *err);
RN_API void rn_store_close(rn_store *s);

/* What was sampled from one model on one set with one choice of settings. */
typedef struct rn_run_info {
    int64_t run_id;
    int64_t n_problems, n_samples;
    const char *set, *model, *kind, *settings; /* kind: "sample" or "greedy"; settings: JSON */
} rn_run_info;
/* Strings are borrowed until fn returns; what it returns ends the walk if it is not 0. */
RN_API int rn_store_runs(rn_store *s, int (*fn)(void *user, const rn_run_info *run), void *user,
                         rn_err *err);
/* Judged samples and passes of each problem of a run, in the order of the set, for the estimators
 * above: [*n_problems] each, the caller frees both. */
RN_API int rn_store_counts(rn_store *s, int64_t run_id, int64_t **n, int64_t **c,
                           size_t *n_problems, rn_err *err);

/* ---- models ---------------------------------------------------------------------------------- */

/* How tokens are drawn. Zero members are not the defaults: start from rn_sampling_init(). */
typedef struct rn_sampling {
    double temperature; /* >= 0; 0 is greedy: the likeliest token, the lowest id at a tie */
    int64_t top_k;      /* the k likeliest tokens; 0: all */
    double top_p;       /* in (0, 1]: the fewest tokens that hold this share; 1: all */
    double min_p;       /* in [0, 1]: tokens at least this likely beside the likeliest; 0: all */
    uint64_t seed;      /* with prompt and sample index it names the random stream */
    int64_t max_tok;    /* new tokens of a sample, > 0 */
    const char *const *stop; /* strings that end a sample, NULL-terminated; borrowed; NULL: none */
} rn_sampling;

/* Temperature 0.8, top-p 0.95, no top-k, no min-p, seed 0, 512 tokens, no stop strings. */
RN_API void rn_sampling_init(rn_sampling *s);

/* A loaded model: immutable, may be shared by threads. */
typedef struct rn_model rn_model;

/* Opens a GGUF file and packs its weights for this machine. memory_bytes: most that the weights may
 * take, 0: what the system has left. n_threads: 0 is one per core. RN_EFORMAT for a damaged file,
 * RN_EUNSUPPORTED for an architecture that is not known, RN_ELIMIT when it does not fit.
 * rn_model_close frees. */
RN_API int rn_model_open(const char *path, int n_threads, size_t memory_bytes, rn_model **out,
                         rn_err *err);
RN_API void rn_model_close(rn_model *m); /* NULL accepted */

/* A finished sample; borrowed until the callback returns. */
typedef struct rn_generated {
    int64_t index;    /* 0 .. n-1; samples come in the order in which they end */
    const char *text; /* [len] raw bytes, with the stop string, without the end token */
    size_t len;
    const char *finish; /* "stop" or "length"; static */
    int64_t prompt_tok, gen_tok;
    double logprob; /* sum over the generated tokens, in nats, before temperature */
    double flop;    /* its own, and 1/n of the prompt's */
} rn_generated;

/* What is asked of a loaded model. */
typedef struct rn_prompt {
    const char *text; /* [len] */
    size_t len;
    int n_threads;       /* 0: one per core */
    size_t memory_bytes; /* for keys, values and buffers; 0: what is free */
} rn_prompt;

/* Samples n continuations of the prompt and hands each to fn; fn returns 0 to go on, anything else
 * ends the call, which returns it. The prompt is processed once. Sample i depends on model, prompt,
 * settings and i alone. sampling: NULL is rn_sampling_init's. */
typedef struct rn_generation {
    rn_prompt prompt;
    const rn_sampling *sampling;
    int64_t n;
    int (*fn)(void *user, const rn_generated *s);
    void *user;
} rn_generation;
RN_API int rn_generate(const rn_model *m, const rn_generation *g, rn_err *err);

/* A text after a prompt, and what comes out. A text without tokens has 0 and 0. */
typedef struct rn_text_score {
    const char *text; /* [len] */
    size_t len;
    double sum;    /* out: its log probability, in nats; the mean negative one is -sum / n_tok */
    int64_t n_tok; /* out: its tokens */
} rn_text_score;
/* Scores texts [n] after one prompt. Prompt and text are encoded apart. */
RN_API int rn_score_texts(const rn_model *m, const rn_prompt *prompt, rn_text_score *texts,
                          int64_t n, rn_err *err);

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

/* ---- solving --------------------------------------------------------------------------------- */

/* One problem, some models and a budget: buys samples, judges them, stops at the first that passes.
 * docs/man/ration-solve.1 tells what the options mean; zero members are the defaults. */

/* A sample that was bought, or found in the store. Borrowed until the callback returns. */
typedef struct rn_solve_sample {
    int model;        /* index in options.models */
    int64_t index;    /* of the sample, in its model's random stream */
    int stored;       /* it was in the store: nothing was paid */
    const char *text; /* [len] raw answer */
    size_t len;
    const char *finish;          /* "stop", "length" or "" */
    int64_t prompt_tok, gen_tok; /* -1 unknown */
    int judged;                  /* verdict and detail are set */
    rn_verdict verdict;
    const char *detail;
} rn_solve_sample;

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

/* Where a problem comes from: a set, or the user's own files. */
typedef struct rn_problem_source {
    const char *set, *data_dir; /* as rn_taskset_open; or, with set NULL, */
    const char *prompt_file;    /* the beginning of a Python function, */
    const char *tests_file;     /* its tests: statements, or check(candidate); NULL: none, */
    const char *entry;          /* and its name */
    const char *problem;        /* id of the problem in the set; NULL: its only one */
    rn_judge_settings judge;    /* of references: sets in evalplus' form have what they return */
    rn_watch watch;
} rn_problem_source;
/* The set, which the caller frees, and the place of the problem in it. RN_ENOTFOUND, RN_EINVAL;
 * RN_ESANDBOX and RN_ELIMIT: references could not be run, or the problem's own fails. */
RN_API int rn_problem_open(const rn_problem_source *from, rn_taskset **set, size_t *problem,
                           rn_err *err);

typedef struct rn_solve_options {
    const rn_model_source *models; /* [n_models], 1 to 8; each name is used once */
    size_t n_models;
    /* What is to be solved: problem `problem` of `set`, or a place in a working folder: `marker` in
     * the file dir/file is replaced in a private copy, and exit status 0 of `command` is a pass. */
    const rn_taskset *set;
    size_t problem;
    const char *dir, *file, *marker, *command;
    const char *budget;     /* "60s", "200TFLOP", "0.05USD" */
    const char *policy;     /* "adaptive" (NULL), "small-only", "large-only", "cascade" */
    const char *learn_from; /* store with recorded outcomes of the models; NULL: defaults */
    rn_store *store;        /* where samples and verdicts are kept as they come; borrowed; NULL */
    int no_tests;           /* nothing is judged: stop at the first sample that passes all examples
                               of the prompt, else choose by them, agreement and likelihood */
    const char *fallback;   /* no_tests: the one of the models whose greedy answer is taken where no
                               sample passes all examples; it writes no other; NULL */
    int accept_unverified;  /* without a pass: the ranker's choice */
    int keep_going;         /* go on although all programs fail as an empty place does */
    const rn_sampling *sampling; /* NULL: temperature 0.8, top-p 0.95, 512 tokens; seed 0. Stop
                                    strings follow from the problem */
    int in_flight;               /* samples of one model at a time; 0: 8 for seconds, else 2 */
    rn_judge_settings judge;     /* jobs, limits, packages of the sandbox */
    /* Callbacks; each may be NULL. A non-zero return ends the call with RN_ECANCELLED; the result
     * is set all the same. */
    int (*on_sample)(void *user, const rn_solve_sample *s);
    int (*on_verdict)(void *user, const rn_solve_sample *s);
    int (*should_stop)(void *user); /* asked at least every 50 ms */
    void *user;
    int argc; /* the command, as the store's list of commands shows it; 0: it is not listed */
    char *const *argv;
} rn_solve_options;

/* What one model cost. */
typedef struct rn_solve_row {
    const char *name;
    int64_t n_samples;                       /* delivered and paid for now */
    int64_t n_stored;                        /* found in the store */
    int64_t n_judged;                        /* with a verdict */
    int64_t n_cancelled;                     /* in flight when the end came */
    int64_t n_failed;                        /* requests without a usable answer */
    int64_t prompt_tok, cached_tok, gen_tok; /* of delivered samples */
    int64_t discarded_tok; /* generated, or paid for, without a sample: cancelled, cut, failed */
    int64_t scored_tok;    /* read to rank samples */
    double flop, seconds, usd; /* all of the above; NAN unknown. Seconds: of this model at work */
} rn_solve_row;

typedef enum rn_solve_outcome {
    RN_SOLVED,   /* the program passes every test */
    RN_CHOSEN,   /* no tests, or no pass: the ranker's choice, unverified */
    RN_UNSOLVED, /* none: `why` says what failed most often */
} rn_solve_outcome;

typedef struct rn_solve_result {
    rn_solve_outcome outcome;
    char *program; /* [program_len], NUL-terminated; of a working folder: the whole file. NULL */
    size_t program_len;
    int model; /* whose sample it is; -1 none */
    int64_t index;
    rn_solve_row *rows; /* [n_rows], as options.models */
    size_t n_rows;
    double spent;      /* in the budget's unit */
    double seconds;    /* from the call to its end */
    char *why;         /* one line for people; never NULL */
    char *warnings;    /* one a line; "" none */
    char *ledger_json; /* all of this and more as JSON: docs/FORMATS.md */
} rn_solve_result;

/* *out is set, and must be freed, whenever the call returns 0 or RN_ECANCELLED. Everything that was
 * started has ended when it returns: samples in flight, requests, processes. RN_EINVAL: an option,
 * a budget without unit or too small for one sample, a cost that is not known in the budget's unit.
 * RN_ENOTFOUND, RN_EFORMAT, RN_ENET...: no model could be used; the message names the first. */
RN_API int rn_solve(const rn_solve_options *options, rn_solve_result *out, rn_err *err);
RN_API void rn_solve_result_free(rn_solve_result *r); /* NULL accepted */

#ifdef __cplusplus
}
#endif
#endif /* RATION_H */
