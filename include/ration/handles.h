/* handles.h: problem sets, the judge, the experiment file, models: things that are opened and
 * closed. A part of ration.h. */
#ifndef RATION_HANDLES_H
#define RATION_HANDLES_H

#include "core.h"

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
