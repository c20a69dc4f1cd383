/* solving.h: one problem, some models and a budget. A part of ration.h. */
#ifndef RATION_SOLVING_H
#define RATION_SOLVING_H

#include "stages.h"

#ifdef __cplusplus
extern "C" {
#endif

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
#endif
