/*
 * task.h: problem sets. A set is read once, checked, and immutable; everything in it is borrowed
 * until rn_taskset_free. Problems keep a stable order (that of the numbers in their ids) and the
 * set has a hash over its content, so that two results are comparable exactly when the hashes are
 * equal. docs/FORMATS.md gives every form and the definition of the hash.
 */
#ifndef RN_TASK_TASK_H
#define RN_TASK_TASK_H

#include "base/base.h"

/* How a problem is tested. */
typedef enum rn_form {
    RN_FORM_CHECK,   /* HumanEval: test source defines check(candidate); evalplus: calls */
    RN_FORM_ASSERTS, /* MBPP: the program, then setup code, then a list of assert statements */
    RN_FORM_STDIO,   /* APPS, CodeContests: standard input to standard output, per case */
    RN_FORM_CALL,    /* APPS with fn_name: arguments to return value (JSON), per case */
} rn_form;

/* Whose rule says whether an output agrees. */
typedef enum rn_rule {
    RN_RULE_APPS,
    RN_RULE_CODECONTESTS,
    RN_RULE_LIVECODEBENCH,
    RN_RULE_TACO
} rn_rule;

typedef struct rn_case {
    rn_bytes input;  /* STDIO: the bytes; CALL: JSON array of the arguments */
    rn_bytes output; /* STDIO: the bytes; CALL: JSON of the expected value */
} rn_case;

/* Whose special cases hold where values are compared with what a reference returned. */
typedef enum rn_oracle { RN_ORACLE_NONE, RN_ORACLE_HUMANEVAL, RN_ORACLE_MBPP } rn_oracle;

/* What a reference returned for one case, as typed JSON, and the time that it took. */
typedef struct rn_call_value {
    rn_bytes value;
    double seconds;
} rn_call_value;

/* Tests that are calls of the entry point: evalplus' form. */
typedef struct rn_calls {
    size_t n_base; /* the first of the problem's cases are the base tests, the others extra ones */
    double atol;   /* of numbers; 0: equal */
    rn_oracle oracle;
    const rn_call_value *expected; /* [n_cases]; NULL: not known yet (run/expected.h) */
} rn_calls;

typedef struct rn_problem {
    const char *task_id; /* "HumanEval/0", "MBPP/11", "APPS/1079", ... */
    rn_form form;
    const char *prompt;         /* CHECK: code to continue; others: the question in words */
    const char *entry_point;    /* CHECK, CALL: function name; NULL elsewhere */
    const char *test;           /* CHECK: source that defines check(), or, where entry_point is "",
                                   all of the tests; ASSERTS: tests behind the asserts; NULL */
    const char *setup;          /* ASSERTS: code between the program and the asserts, "" if none */
    const char *const *asserts; /* ASSERTS: [n_asserts] statements */
    size_t n_asserts;
    rn_calls *calls;      /* CHECK: tested by calls, one for each case; `test` is NULL then */
    const rn_case *cases; /* STDIO, CALL, calls: [n_cases]; none is possible in APPS: no tests */
    size_t n_cases;
    const char *starter_code;      /* APPS; "" if none */
    const char *const *references; /* [n_references] solutions: CHECK: completions of the prompt;
                                      others: whole programs */
    size_t n_references;
    rn_rule rule;             /* STDIO, CALL */
    const char *suffix;       /* CHECK, infilling: what follows a completion; NULL if none */
    const char *language;     /* CHECK: of a program in another language than Python; NULL */
    bool self_run;            /* CHECK: the test runs itself, check(entry_point) is not added */
    const char *before;       /* CHECK: what precedes prompt and program in any case; NULL */
    const char *const *stops; /* CHECK: [n_stops] the problem's own stop strings */
    size_t n_stops;
    const char *instruct;    /* CHECK: the same in words, for an instruct model; NULL */
    const char *const *libs; /* [n_libs] Python modules that prompt and tests import; a machine
                                 without one of them cannot judge the problem */
    size_t n_libs;
    const char *uncalibrated; /* CHECK: what may be asked for in the place of `before`; NULL */
    bool whole_alone;         /* a whole program gets nothing of the prompt before it */
    const char *difficulty, *date, *platform; /* "easy", "2024-05-11T00:00:00"; NULL unknown */
    double time_limit_s; /* stated by the problem itself (CodeContests); 0 if none */
} rn_problem;

struct rn_taskset {
    const char *name;   /* "humaneval", "mbpp", ..., or the file's stem */
    const char *preset; /* its prompt preset by default */
    const char *path;   /* where it was read */
    char hash[65];      /* SHA-256, hex, over the problems' canonical content */
    size_t n;
    const rn_problem *problems; /* [n] */
    const rn_problem *shots;    /* [n_shots] few-shot examples that came with the set (MBPP 2-4) */
    size_t n_shots;
    rn_arena arena; /* owns all of the above */
};

/* rn_taskset_open and rn_taskset_free are in ration.h; RN_ENOTFOUND of the first says which files
 * were looked for and how to fetch them. */
/* A set from bytes: one JSON object, an array of them, or JSON lines. `path` names the input in
 * messages and becomes the set's name (its stem). */
int rn_taskset_parse(rn_bytes text, const char *path, rn_taskset **out, rn_err *err);
/* The problem with this id, or NULL. Also accepts the bare number of a numbered set, and its prefix
 * in another case ("Mbpp/11"). O(log n). */
const rn_problem *rn_taskset_find(const rn_taskset *set, const char *task_id);

bool rn_selection_any(const rn_selection *s); /* it has a condition */
/* Puts down what the problem's cases are expected to give: values[n_cases], copied. */
int rn_calls_expect(rn_taskset *set, const rn_problem *p, const rn_call_value *values, rn_err *err);

/* Why the data set's own reference solution of this problem is known to fail in some harnesses, or
 * NULL. Told by id, so ask only for problems of the public sets. Static. */
const char *rn_problem_known_bad(const rn_problem *p);

/* A known set: where it is looked for under the data folder and what of the file belongs to it. */
typedef struct rn_set_spec {
    const char *name;              /* "humaneval" */
    const char *description;       /* one line */
    const char *preset;            /* default prompt preset */
    const char *source;            /* the `ration fetch` name that brings its file; NULL: bundled */
    const char *const *files;      /* tried in this order, relative to the data folder */
    const char *folder;            /* looked at before them where it holds parts; NULL: none */
    int64_t first_id, last_id;     /* numbers that belong to it; 0, 0: all */
    const char *difficulty;        /* APPS: only problems of this one; NULL: all */
    int64_t shot_first, shot_last; /* numbers of its few-shot examples; 0, 0: none */
    size_t n_expected;             /* problems in the published file; 0: any number */
} rn_set_spec;

const rn_set_spec *rn_set_at(size_t i);           /* NULL past the end; static */
const rn_set_spec *rn_set_find(const char *name); /* NULL if unknown; static */

/* ASCII order in which runs of digits compare by their value: "X/9" < "X/10". */
int rn_natural_cmp(const char *a, const char *b);

#endif
