/*
 * examples.h: the calls that a problem's text shows, with the values it says they give.
 *
 * Texts show them in many forms; each is read where it stands:
 *   calls    ">>> f(1)" with the value on the next line (or none: None), "f(1) == 2", "f(1) -> 2",
 *            "f(1) should return 2", "assert f(1) == 2", "f(1) -> 3 - 1 = 2"; inside an expression,
 *            ">>> round(f(1), 2)", "assert not f(1)"; keyword arguments; words without quotes,
 *            "is_happy(abcd) => True"; another function's name where f itself has no value
 *   settings "For s = 'ab', k = 2 the output should be 3"; "arr = [1]" then "return 1" below
 *   blocks   "Input: nums = [1], k = 2" then "Output: 3" (LeetCode)
 *   tables   "| 1 | 2 | 3 |" lines with a cell for each argument and one for the value
 *   arrows   "[1, 2] -> 3" on a line of its own
 * and programs that read standard input: blocks of sample input and sample output (APPS).
 *
 * An example may be wrong, and texts contain wrong ones: whoever uses them counts. Calls whose
 * arguments are not literals are left out; a value that cannot be read is unknown. The text is
 * untrusted.
 */
#ifndef RN_RANK_EXAMPLES_H
#define RN_RANK_EXAMPLES_H

#include "rank/signature.h"

typedef struct rn_example {
    const rn_lit *args;     /* TUPLE */
    const rn_lit *expected; /* NULL: unknown */
    rn_bytes via;           /* what has the expected value: an expression of the returned value `_`,
                               e.g. "round(_, 2)"; empty: the returned value itself. In the arena.
                               */
    bool either;            /* written as "(x)": x, or a tuple of it */
} rn_example;

enum { RN_MAX_EXAMPLES = 64 };

/* *out: [*n] in `a`, in the order of the text, each call once. name: the function, "f" or
 * "Solution().f"; NULL: the one that the text's assert statements call (MBPP). */
int rn_examples_find(rn_bytes text, const char *name, rn_arena *a, rn_example **out, size_t *n,
                     rn_err *err);

/* The name that assert statements of the text call, in `a`; NULL: none, or memory is out. */
const char *rn_examples_entry(rn_bytes text, rn_arena *a);

/* Sample input and output of a program that reads standard input. */
typedef struct rn_sample_io {
    rn_bytes input, output; /* in the arena; every line ends in '\n' */
} rn_sample_io;

int rn_examples_stdin(rn_bytes text, rn_arena *a, rn_sample_io **out, size_t *n, rn_err *err);

#endif
