/*
 * signature.h: the function that a text asks for: its parameters and what their annotations say.
 *
 * Read from the first "def NAME(" of the text, e.g. HumanEval's prompt or the starter code of a
 * LeetCode problem; a parameter `self` is left out. The text is untrusted.
 */
#ifndef RN_RANK_SIGNATURE_H
#define RN_RANK_SIGNATURE_H

#include "rank/pylit.h"

enum { RN_MAX_PARAMS = 16 };

typedef struct rn_param {
    rn_bytes name, type; /* in the text; type is empty where it is not annotated */
    bool optional;       /* it has a default */
} rn_param;

typedef struct rn_signature {
    bool found;
    rn_param p[RN_MAX_PARAMS]; /* [n] */
    size_t n, n_required;
    bool variadic;    /* *args, **kwargs or keyword-only parameters: any number of arguments */
    rn_bytes returns; /* the annotation; empty: none */
} rn_signature;

/* `name` without a class: "f" of "Solution().f". */
void rn_signature_find(rn_bytes text, rn_bytes name, rn_signature *out);
/* The index of the parameter with this name; RN_MAX_PARAMS if there is none. */
size_t rn_signature_param(const rn_signature *s, rn_bytes name);
/* True when a call may have n arguments, as far as is known. */
bool rn_signature_takes(const rn_signature *s, size_t n);

/* A few values of the parameter's type at the borders where programs differ (0, -1, an empty list,
 * ...) into out [cap]; the type is that of the annotation, of `like` (an argument of an example;
 * NULL: none) or, failing both, what the name suggests. Returns how many; 0: nothing is known, or
 * memory is out. */
size_t rn_param_borders(const rn_param *p, const rn_lit *like, rn_arena *a, const rn_lit **out,
                        size_t cap);

#endif
