/* examples_priv.h: what the readers of examples share: examples.c (calls), examples_block.c. */
#ifndef RN_RANK_EXAMPLES_PRIV_H
#define RN_RANK_EXAMPLES_PRIV_H

#include "rank/examples.h"
#include "rank/scan_priv.h"

/* How an example was found; the doubtful kinds are used only where no sure one tells a value. */
typedef enum rn_found_kind {
    RN_FOUND_SURE,
    RN_FOUND_OTHER_NAME, /* a call of a function that the text does not define */
    RN_FOUND_WORDS,      /* arguments are words without quotes */
    RN_FOUND_LETTERS,    /* all of one letter: only beside longer ones, since f(x) is a formula */
} rn_found_kind;

typedef struct rn_found {
    rn_example x;
    size_t at; /* where it begins in the text */
    rn_found_kind kind;
    bool word;  /* its value is a word without quotes */
    bool block; /* behind "Input:" */
} rn_found;

typedef struct rn_finder {
    rn_bytes text, name;
    rn_signature sig;
    rn_arena *a;
    RN_VEC(rn_found) list;
} rn_finder;

/* A value as the text tells it. */
typedef struct rn_told {
    const rn_lit *v;
    size_t end; /* behind it */
    bool either, word;
} rn_told;

/* The literal at `at`, with true, false and null as people write them; *to behind it. */
const rn_lit *rn_read_value(rn_arena *a, rn_bytes text, size_t *to);
/* The value at `at` when it ends there: nothing follows that would make it part of an expression.
 * Also the last value of "3 - 1 = 2", and words without quotes that fill the line. */
bool rn_read_told(rn_finder *f, size_t at, rn_told *out);
/* Behind "->", "=>", "should be" and their like at `at`; SIZE_MAX if there is none. */
size_t rn_skip_relations(rn_bytes text, size_t at);

/* Settings, blocks, tables and arrows: examples_block.c. */
void rn_find_blocks(rn_finder *f);

#endif
