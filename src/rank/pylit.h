/*
 * pylit.h: Python literals: read, written, and changed a little while their types stay.
 *
 * Numbers that fit in 64 bits, strings, True, False, None, and lists, tuples, sets and dictionaries
 * of them. Text is untrusted: depth and size are bounded.
 */
#ifndef RN_RANK_PYLIT_H
#define RN_RANK_PYLIT_H

#include "base/rng.h"

typedef enum rn_lit_kind {
    RN_LIT_NONE,
    RN_LIT_BOOL,
    RN_LIT_INT,
    RN_LIT_FLOAT,
    RN_LIT_STR,
    RN_LIT_LIST,
    RN_LIT_TUPLE,
    RN_LIT_SET,
    RN_LIT_DICT,
} rn_lit_kind;

/* Immutable once made; items may be shared. In the arena that it was made in. */
typedef struct rn_lit {
    rn_lit_kind kind;
    int64_t i;                  /* INT; BOOL: 0, 1 */
    double f;                   /* FLOAT, finite */
    rn_bytes s;                 /* STR: its characters in UTF-8 */
    const struct rn_lit **item; /* [n]; DICT: keys and values in turn */
    size_t n;
} rn_lit;

/* Reads one literal from text at *at, behind blanks and line ends; *at is moved behind it. NULL:
 * none is there, or it is of no kind above, or memory is out; *at is then where it was. */
const rn_lit *rn_lit_parse(rn_arena *a, rn_bytes text, size_t *at);

/* Appends Python source that evaluates to it. */
void rn_lit_write(const rn_lit *v, rn_buf *out);

/* One change that keeps the type, e.g. another number near it, a character less, two elements
 * exchanged. Never larger than a small multiple of what was given. NULL: memory is out. `v` itself
 * where nothing can be changed (None, an empty list). */
const rn_lit *rn_lit_mutate(const rn_lit *v, rn_rng *rng, rn_arena *a);

#endif
