/*
 * load_priv.h: what the readers of the several forms share; private to src/task.
 *
 * A loader collects checked problems in its set's arena; rn_load_finish orders them, refuses
 * duplicate ids and computes the hash. Each reader turns one record into one problem.
 */
#ifndef RN_TASK_LOAD_PRIV_H
#define RN_TASK_LOAD_PRIV_H

#include "base/json.h"
#include "task/task.h"

/* A problem with its line, 0 if none, so that a duplicate can be named after sorting. */
typedef struct rn_placed {
    rn_problem p;
    int64_t line;
} rn_placed;

typedef struct rn_loader {
    rn_taskset *set;
    const rn_set_spec *spec; /* NULL: everything in the file */
    RN_VEC(rn_placed) problems;
    RN_VEC(rn_problem) shots;
    int64_t n_records; /* read so far, whatever became of them */
} rn_loader;

/* Reads one record and adds its problem. */
typedef int rn_record_fn(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err);

rn_record_fn rn_load_humaneval;     /* load_check.c */
rn_record_fn rn_load_mbpp;          /* load_check.c */
rn_record_fn rn_load_apps;          /* load_apps.c */
rn_record_fn rn_load_codecontests;  /* load_apps.c */
rn_record_fn rn_load_humaneval_x;   /* load_langs.c */
rn_record_fn rn_load_multipl_e;     /* load_langs.c */
rn_record_fn rn_load_bigcodebench;  /* load_bigcodebench.c */
rn_record_fn rn_load_livecodebench; /* load_lcb.c */
rn_record_fn rn_load_evalplus;      /* load_evalplus.c */
/* The same from a record's text, whose integers may have any number of digits. */
int rn_load_evalplus_line(rn_loader *l, rn_bytes line, rn_json_at at, rn_err *err);

/* APPS' older form: a folder with one numbered folder for each problem. */
int rn_load_apps_folder(rn_loader *l, const char *path, rn_err *err);

/* The reader that fits a record's fields, with the preset its set gets by default; NULL if none. */
rn_record_fn *rn_load_detect(const json_t *rec, const char **preset);

/* Adds a problem, or a few-shot example. */
int rn_load_add(rn_loader *l, const rn_problem *p, rn_json_at at, rn_err *err);
int rn_load_add_shot(rn_loader *l, const rn_problem *p, rn_err *err);
/* True if a problem of this number belongs to the set's own range. */
bool rn_load_wants(const rn_loader *l, int64_t number);
bool rn_load_wants_shot(const rn_loader *l, int64_t number);

/* Opens one file or folder: spec NULL takes everything in it. */
int rn_load_path(const char *path, const rn_set_spec *spec, rn_taskset **out, rn_err *err);

/* A string field as a NUL-terminated copy in the set's arena; a NUL inside is RN_EFORMAT. The _opt
 * form gives "" when the field is absent or null. */
int rn_load_text(rn_loader *l, const json_t *rec, const char *key, rn_json_at at, const char **out,
                 rn_err *err);
int rn_load_text_opt(rn_loader *l, const json_t *rec, const char *key, rn_json_at at,
                     const char **out, rn_err *err);
/* The field "entry_point": a function's name, or that of a new object's method. */
int rn_load_entry_point(rn_loader *l, const json_t *rec, rn_json_at at, const char **out,
                        rn_err *err);
/* One reference solution in an array of its own; an empty one counts as none. */
int rn_load_reference(rn_loader *l, const char *text, rn_json_at at, rn_problem *p, rn_err *err);
/* A buffer's bytes into the set's arena; frees the buffer. */
int rn_load_keep(rn_loader *l, rn_buf *b, rn_json_at at, rn_bytes *out, rn_err *err);
/* A problem's cases, copied into the set's arena. */
typedef RN_VEC(rn_case) rn_case_vec;
int rn_load_cases(rn_loader *l, const rn_case_vec *cases, rn_json_at at, rn_problem *p,
                  rn_err *err);
/* An array of strings; `what` names the field in messages. NULL or JSON null gives none. */
int rn_load_texts(rn_loader *l, const json_t *array, const char *what, rn_json_at at,
                  const char *const **out, size_t *n, rn_err *err);

/* RN_EFORMAT with "FILE: line N: field "KEY" " before the message; RN_ENOMEM for the set. */
int rn_load_bad(rn_json_at at, const char *key, rn_err *err, const char *fmt, ...) RN_PRINTF(4, 5);

/* Orders, refuses duplicates and an empty set, hashes, and moves everything into the set. */
int rn_load_finish(rn_loader *l, rn_err *err);
void rn_load_free(rn_loader *l); /* what the loader itself holds; the set stays */

/* The set's SHA-256 over its canonical content (docs/FORMATS.md), into set->hash. */
int rn_load_hash(rn_taskset *set, rn_err *err);

/* MultiPL-E's translations of HumanEval, and HumanEvalPack: a set and a source per language. */
/* clang-format off */
#define RN_MULTIPL_E_LANGUAGES(X)                                                             \
    X(cpp, "C++") X(cs, "C#") X(go, "Go") X(hs, "Haskell") X(java, "Java") X(jl, "Julia")     \
    X(js, "JavaScript") X(lua, "Lua") X(ml, "OCaml") X(php, "PHP") X(pl, "Perl") X(r, "R")    \
    X(rb, "Ruby") X(rs, "Rust") X(sh, "Bash") X(ts, "TypeScript")
#define RN_PACK_LANGUAGES(X)                                                                  \
    X(cpp, "C++") X(go, "Go") X(java, "Java") X(js, "JavaScript") X(python, "Python")         \
    X(rust, "Rust")
/* clang-format on */

#endif
