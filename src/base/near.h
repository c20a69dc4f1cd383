/* near.h: the name that somebody meant who typed another. */
#ifndef RN_BASE_NEAR_H
#define RN_BASE_NEAR_H

#include "base/base.h"

/* Keystrokes between two words, a swap of neighbours counting one. */
int rn_near_distance(const char *a, const char *b);

/* Candidates are shown to it one by one; `best` is the one that is meant, the first of equals, or
 * NULL: none is near enough. Letters and digits count, in either case: "pass_flops" means
 * "pass_flops@f", "Human-Eval" humaneval. Names are borrowed. */
typedef struct rn_near {
    const char *typed;
    const char *best;
    int cost; /* of best */
} rn_near;
void rn_near_try(rn_near *n, const char *name);
/* " (did you mean 'NAME'?)" with the one of a list in text ("a, b, c") that is meant, "" where none
 * is: to stand behind the typed word in a message. */
enum { RN_NEAR_HINT = 96 };
const char *rn_near_hint(const char *typed, const char *names, char room[RN_NEAR_HINT]);
/* Fails with "WHAT 'TYPED' (did you mean 'NAME'?)JOIN KNOWN": no such name, and those that there
 * are, "a, b, c" or "none". Frees the list. */
int rn_near_fail(rn_err *err, int code, const char *what, const char *typed, const char *join,
                 rn_buf *known);

#endif
