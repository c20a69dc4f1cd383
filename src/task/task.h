/*
 * task.h: problem sets. A set is read once, checked, and immutable; everything in it is borrowed
 * until rn_taskset_free. Problems keep a stable order (that of their numbers) and the set has a
 * hash over its content, so that two results are comparable exactly when the hashes are equal.
 */
#ifndef RN_TASK_TASK_H
#define RN_TASK_TASK_H

#include "base/arena.h"
#include "base/buf.h"

/* How a problem is tested. */
typedef enum rn_form {
    RN_FORM_CHECK,   /* HumanEval: test source defines check(candidate) */
    RN_FORM_ASSERTS, /* MBPP: setup code, then a list of assert statements */
    RN_FORM_STDIO,   /* APPS, CodeContests: standard input to standard output, per case */
    RN_FORM_CALL,    /* APPS with fn_name: arguments to return value (JSON), per case */
} rn_form;

typedef struct rn_case {
    rn_bytes input;  /* STDIO: the bytes; CALL: JSON array of the arguments */
    rn_bytes output; /* STDIO: the bytes; CALL: JSON of the expected value */
} rn_case;

typedef struct rn_problem {
    const char *task_id; /* "HumanEval/0", "MBPP/11", "APPS/1079", ... */
    rn_form form;
    const char *prompt;      /* CHECK: code to continue; others: the question in words */
    const char *entry_point; /* CHECK, CALL: function name; NULL elsewhere */
    const char *test;        /* CHECK: source that defines check() */
    const char *setup;       /* ASSERTS: code before the asserts, "" if none */
    const char *const *asserts; /* ASSERTS: [n_asserts] statements */
    size_t n_asserts;
    const rn_case *cases; /* STDIO, CALL: [n_cases] */
    size_t n_cases;
    const char *starter_code;      /* APPS; "" if none */
    const char *const *references; /* [n_references] solutions: CHECK: completions of the prompt;
                                      others: whole programs */
    size_t n_references;
    double time_limit_s; /* stated by the problem itself (CodeContests); 0 if none */
} rn_problem;

typedef struct rn_taskset {
    const char *name;   /* "humaneval", "mbpp", ..., or the file's stem */
    const char *preset; /* its prompt preset by default */
    const char *path;   /* where it was read */
    char hash[65];      /* SHA-256, hex, over the problems' canonical content */
    size_t n;
    const rn_problem *problems; /* [n] */
    const rn_problem *shots;    /* [n_shots] few-shot examples that came with the set (MBPP 2-4) */
    size_t n_shots;
    rn_arena arena; /* owns all of the above */
} rn_taskset;

/* name: a known set, looked for in data_dir, or a path to a file or folder in one of the known
 * forms. RN_ENOTFOUND says which files were looked for and how to fetch them. */
int rn_taskset_open(const char *name, const char *data_dir, rn_taskset **out, rn_err *err);
void rn_taskset_free(rn_taskset *set);
/* The problem with this id, or NULL. Also accepts the bare number of a numbered set. O(log n). */
const rn_problem *rn_taskset_find(const rn_taskset *set, const char *task_id);

#endif
