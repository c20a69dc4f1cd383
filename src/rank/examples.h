/*
 * examples.h: the calls that a problem's text shows, with the values it says they give.
 *
 * Every "name(literals)" in the text is an example, wherever it stands: ">>> f(1)" with the value on
 * the next line, "f(1) == 2", "f(1) => 2", "f(1) -> 2", "f(1) returns 2", "f(1) should be 2" and
 * their like. Calls whose arguments are no literals are left out; a value that cannot be read is
 * unknown. The text is untrusted.
 */
#ifndef RN_RANK_EXAMPLES_H
#define RN_RANK_EXAMPLES_H

#include "rank/pylit.h"

typedef struct rn_example {
    const rn_lit *args;     /* TUPLE */
    const rn_lit *expected; /* NULL: unknown */
} rn_example;

enum { RN_MAX_EXAMPLES = 64 };

/* *out: [*n] in `a`, in the order of the text, each call once. */
int rn_examples_find(rn_bytes text, const char *name, rn_arena *a, rn_example **out, size_t *n,
                     rn_err *err);

/* An input for a function and, where the text tells it, the value to expect: Python source. */
typedef struct rn_input {
    rn_bytes args;     /* a tuple: "(1, [2],)" */
    rn_bytes expected; /* empty: unknown */
} rn_input;

/* Up to `want` different inputs in `a`: the examples, then inputs made from them by one to three
 * changes that keep the types (rn_lit_mutate) or by taking an argument of another example. A pure
 * function of (text, name, seed, stream). *n_examples of them come from the text. */
int rn_inputs_make(rn_bytes text, const char *name, uint64_t seed, uint64_t stream, size_t want,
                   rn_arena *a, rn_input **out, size_t *n, size_t *n_examples, rn_err *err);

#endif
