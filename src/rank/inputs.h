/*
 * inputs.h: inputs to run the programs of a problem on, made from what its text tells.
 *
 * In this order, each once: the examples; copies of them with one to three changes that keep the
 * types (mutants); arguments pooled from all examples, their changes and the borders of their
 * types; single arguments set to a border. Where the text has no example, values of the annotated
 * types stand in for them. A pure function of (text, name, seed, stream).
 */
#ifndef RN_RANK_INPUTS_H
#define RN_RANK_INPUTS_H

#include "rank/examples.h"

/* An input for a function and, where the text tells it, what to expect: Python source. */
typedef struct rn_input {
    rn_bytes args;     /* a tuple: "(1, [2],)" */
    rn_bytes expected; /* a literal, or a function of the returned value, "lambda _: ..."; empty:
                          unknown */
} rn_input;

typedef struct rn_inputs_ask {
    rn_bytes text;
    const char *name; /* as rn_examples_find */
    uint64_t seed, stream;
    size_t max_examples, n_mutants, n_pooled, n_borders; /* at most */
    size_t max_total;                                    /* of all; 0: their sum */
} rn_inputs_ask;

typedef struct rn_inputs {
    rn_input *list;       /* [n] in the arena */
    size_t n, n_examples; /* the first n_examples come from the text */
    const char *name;     /* the function: as asked, or as found */
} rn_inputs;

int rn_inputs_make(const rn_inputs_ask *ask, rn_arena *a, rn_inputs *out, rn_err *err);

#endif
