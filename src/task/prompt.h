/*
 * prompt.h: named prompt presets with exact bytes, extraction of the program from a model's raw
 * text as a versioned step that can be run again, and composition of the program to be judged.
 */
#ifndef RN_TASK_PROMPT_H
#define RN_TASK_PROMPT_H

#include "task/task.h"

typedef struct rn_preset {
    const char *name;        /* "humaneval-0shot", "mbpp-3shot", "apps-2shot", ... */
    const char *description; /* one line: source and wording */
    int64_t max_new_tok;     /* of the study */
    double temperature, top_p;
    const char *const *stop; /* stop strings, NULL-terminated */
    const char *extractor;   /* the default extractor for answers to this prompt */
} rn_preset;

const rn_preset *rn_preset_find(const char *name); /* NULL if unknown; static */
const rn_preset *rn_preset_at(size_t i);           /* NULL past the end; static */

/* Appends the exact prompt bytes for problem p. */
int rn_prompt_build(const rn_preset *preset, const rn_taskset *set, const rn_problem *p,
                    rn_buf *out, rn_err *err);

/* What extraction made of one answer. */
typedef struct rn_extracted {
    bool whole;        /* a whole program; else a continuation of the prompt */
    bool found;        /* false: nothing that looks like code; text is then the raw answer */
    bool unterminated; /* an open code fence or thinking block at the end */
} rn_extracted;

/* Extractors are named and versioned ("completion/1", "chat/1", "raw/1", ...); a change of
 * behaviour is a new version. Appends the code to *out. */
int rn_extract(const char *extractor, const rn_preset *preset, const rn_problem *p, rn_bytes raw,
               rn_buf *out, rn_extracted *what, rn_err *err);
const char *rn_extractor_at(size_t i); /* NULL past the end; static */

/* Appends the source that the judge runs before the tests: CHECK: prompt + code (or code alone when
 * it is whole, with the prompt's imports and helpers kept); others: code. */
int rn_program_build(const rn_problem *p, rn_bytes code, const rn_extracted *what, rn_buf *out,
                     rn_err *err);

#endif
