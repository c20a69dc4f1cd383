/* core.h: plain numbers and words: errors, verdicts, what a sample costs, estimators. A part of
 * ration.h. */
#ifndef RATION_CORE_H
#define RATION_CORE_H

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

#ifdef __cplusplus
}
#endif
#endif
