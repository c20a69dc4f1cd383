/*
 * prompt.h: named prompt presets with exact bytes, extraction of the program from a model's raw
 * text as a versioned step that can be run again, and composition of the program to be judged.
 */
#ifndef RN_TASK_PROMPT_H
#define RN_TASK_PROMPT_H

#include "task/task.h"

/* A preset never changes its bytes: another wording gets another name. */
typedef struct rn_preset {
    const char *name;        /* "humaneval-0shot", "mbpp-3shot", "apps-2shot", ... */
    const char *description; /* one line: source and wording */
    int64_t max_new_tok;     /* of the study */
    double temperature, top_p;
    const char *const *stop; /* stop strings, NULL-terminated */
    const char *extractor;   /* the default extractor for answers to this prompt */
    bool chat;               /* the text is a user's message: wrap it for an instruct model */
} rn_preset;

const rn_preset *rn_preset_find(const char *name); /* NULL if unknown; static */
const rn_preset *rn_preset_at(size_t i);           /* NULL past the end; static */

/* Appends the exact prompt bytes for problem p. RN_EINVAL when the preset does not fit the
 * problem's form. A few-shot example that is the problem itself is left out. */
int rn_prompt_build(const rn_preset *preset, const rn_taskset *set, const rn_problem *p,
                    rn_buf *out, rn_err *err);

/* What extraction made of one answer. */
typedef struct rn_extracted {
    bool whole;        /* a whole program; else a continuation of the prompt */
    bool alone;        /* a whole program that the prompt's head is not put before */
    bool found;        /* false: nothing that looks like code; text is then the raw answer, or
                          empty after an unterminated thinking block */
    bool unterminated; /* ends within a statement, a string, a code fence or a thinking block */
    bool thinking;     /* ends within a thinking block: there is no answer */
    bool cut;          /* some of the raw text was left out */
    bool markup;       /* taken literally, or no code found, though it looks like a chat answer:
                          fences, thinking or channels */
} rn_extracted;

/* Extractors are named and versioned; a change of behaviour is a new version, and an older name
 * asks for the present one.
 *   raw/1         the text as it is: human-eval's own rule, the default for imported samples
 *   stop/1        cut at the first of the preset's stop strings, as in the Codex paper
 *   completion/5  a base model's continuation: cut where the function's body ends
 *   chat/5        an instruct model's answer: the right fenced block of it
 *   auto/5        chat/5 when there are fences, channels or thinking, else completion/5
 *   whole/2       the text as it is, run alone: evalplus' and bigcode's forms
 * Appends the code to *out. preset may be NULL: the stop strings are then those of p's form.
 * `extractor` NULL means the preset's own, or raw/1 without a preset. No Python is run. */
int rn_extract(const char *extractor, const rn_preset *preset, const rn_problem *p, rn_bytes raw,
               rn_buf *out, rn_extracted *what, rn_err *err);
const char *rn_extractor_at(size_t i); /* NULL past the end; static */
/* The present full name ("auto/5") of "auto", "auto/1" or "auto/5"; NULL if unknown; static. */
const char *rn_extractor_find(const char *name);

/* Appends the source that the judge runs before the tests. CHECK: prompt + code; code that is whole
 * follows the prompt's text before the entry point (imports, helpers), unless it is to be run
 * alone. Others: code. */
int rn_program_build(const rn_problem *p, rn_bytes code, const rn_extracted *what, rn_buf *out,
                     rn_err *err);

#endif
