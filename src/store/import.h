/*
 * import.h: other people's samples into the store, streaming, in constant memory.
 *
 * Identity. The j-th sample of a problem in the files of one call (in their order) is sample
 * first_idx + j of the run. If that sample is stored with the same text, nothing changes; with
 * another text the row is refused (RN_EEXIST). So the same import can be run again, after an
 * interruption or for a file that has grown. With `append`, a file's samples go behind those that
 * the run has; which of them are stored already is known from the hash of the file's bytes.
 *
 * What was read before an error or an interruption is committed and stays.
 */
#ifndef RN_STORE_IMPORT_H
#define RN_STORE_IMPORT_H

#include "store/store.h"

/* Enum, name, default extractor, what it is. docs/FORMATS.md shows each. An extractor is named as
 * stores have it, so that a file imported again is the same run: the name asks for the newest. */
#define RN_IMPORT_FORMATS(X)                                                                 \
    X(HUMAN_EVAL, "human-eval", "raw/1", "rows {task_id, completion}")                       \
    X(EVALPLUS, "evalplus", "whole/2", "rows {task_id, solution}")                           \
    X(GENERATION, "generation", "raw/1", "rows {task_id, generation}")                       \
    X(RESPONSE, "response", "auto/2", "rows {task_id, response}, whole answers")             \
    X(EVALPLUS_RESULTS, "evalplus-results", "whole/2", "evalplus' eval_results.json")        \
    X(BIGCODE, "bigcode", "whole/2", "JSON list per problem of whole programs")              \
    X(CODET, "codet", "stop/1", "rows {prompt, samples}")                                    \
    X(RELEASE, "release", "raw/1", "the study's JSON object {task_id: {samples}}")           \
    X(RUNS, "runs", "whole/2", "rows {task_id, runs: [{result, code}]}")                     \
    X(LIVECODEBENCH, "livecodebench", "whole/2", "LiveCodeBench's {question_id, code_list}") \
    X(LM_EVAL, "lm-eval", "auto/2", "lm-eval's --log_samples {doc, resps}")                  \
    X(OPENAI_BATCH, "openai-batch", "auto/2", "answers {custom_id, response}")               \
    X(OPENCOMPASS, "opencompass", "auto/2", "OpenCompass' {\"0\": {prediction}}")            \
    X(INSPECT, "inspect", "auto/2", "inspect's log as JSON")                                 \
    X(MULTIPL_E, "multipl-e", "raw/1", "MultiPL-E's {name, language, completions}")          \
    X(MULTIPL_E_RESULTS, "multipl-e-results", "whole/2", "MultiPL-E's {name, results}")      \
    X(COUNTS, "counts", "", "CSV or rows task_id, n, c")                                     \
    X(CURVE, "curve", "", "CSV or rows k, pass@k")

#define X(name, text, extractor, what) RN_IMPORT_##name,
typedef enum rn_import_format {
    RN_IMPORT_AUTO,
    RN_IMPORT_FORMATS(X) RN_N_IMPORT_FORMATS
} rn_import_format;
#undef X

const char *rn_import_format_name(rn_import_format f); /* "auto" for AUTO; NULL out of range */
/* RN_EINVAL lists the names. */
int rn_import_format_of(const char *name, rn_import_format *out, rn_err *err);
/* By the first bytes of a file. RN_EFORMAT names what it looks like: two forms at once, a problem
 * set, requests without answers, an archive, another encoding. */
int rn_import_detect(const char *path, rn_import_format *out, rn_err *err);

typedef struct rn_import_problem {
    const char *task_id;
    const char *prompt; /* NULL unknown */
    const char *tests;  /* that follow a program; NULL unknown, or they do not */
} rn_import_problem;

typedef struct rn_import_opts {
    const char *set_name, *set_hash, *set_path; /* path: as in rn_store_set */
    const rn_import_problem *problems; /* [n_problems], in the set's order; NULL: ids are taken as
                                          they come, in the order in which they come */
    size_t n_problems;
    const char *model, *cost; /* cost: NULL or "" unknown */
    const char *preset;       /* NULL or "" unknown */
    const char *settings;     /* JSON object; NULL: {}. "source" and "extractor" are added to it
                                 unless it has them */
    const char *const *files; /* [n_files]; "-" is standard input (needs a format, no append) */
    size_t n_files;
    rn_import_format format;
    const char *map; /* CODET: JSONL of {task_id, prompt} with the prompts of the file; NULL:
                        found by the longest common beginning with the set's prompts */
    bool greedy;     /* one answer per problem, kind "greedy" */
    bool append;
    bool skip_bad;     /* report bad rows through on_bad and go on */
    int64_t first_idx; /* of each problem; 0 */
    int64_t declared;  /* samples per problem: more are refused; 0: any number */
    void (*on_bad)(void *user, const rn_err *err);
    int (*on_progress)(void *user, int64_t n_samples); /* not 0: stop, RN_ECANCELLED */
    void *user;
} rn_import_opts;

typedef struct rn_import_stats {
    int64_t run_id;
    int64_t n_added;         /* samples, counts or points that are new */
    int64_t n_present;       /* that were stored already */
    int64_t n_verdicts;      /* that came with them */
    int64_t n_bad;           /* rows left out */
    int64_t n_problems;      /* of the set that the run has something of */
    int64_t n_set;           /* problems of the set */
    int64_t n_short;         /* problems with fewer samples than declared */
    rn_import_format format; /* of the last file */
} rn_import_stats;

/* s is open for writing and outside of a transaction. *stats (may be NULL) is set also when the
 * import fails midway. */
int rn_import(rn_store *s, const rn_import_opts *opts, rn_import_stats *stats, rn_err *err);

#endif
