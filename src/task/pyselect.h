/*
 * pyselect.h: the part of a Python text that a judge needs: the body that continues a prompt, the
 * definitions that the tests use with everything they depend on, or a script without the prose
 * around it. Private to src/task.
 */
#ifndef RN_TASK_PYSELECT_H
#define RN_TASK_PYSELECT_H

#include "base/buf.h"

typedef enum rn_select_mode {
    RN_SELECT_BODY,   /* indented lines that continue a function, then the definitions they use */
    RN_SELECT_DEFS,   /* the top-level definitions of the names in `roots`, and what they use */
    RN_SELECT_SCRIPT, /* all code, from the first line of code to the first line of prose after it
                       */
} rn_select_mode;

typedef struct rn_select_in {
    rn_select_mode mode;
    rn_bytes text;  /* lines end with "\n" */
    rn_bytes roots; /* DEFS: source whose names are wanted */
    rn_bytes entry; /* DEFS: the root that decides whether the rest is complete; empty: any */
    rn_bytes known; /* the prompt; BODY: its functions are not wanted again; DEFS: nor are stubs of
                       them, but for the entry; may be empty */
    const rn_bytes *others; /* [n_others] further texts, nearest first, from which what `text` needs
                               and does not have itself may come; NULL */
    size_t n_others;
} rn_select_in;

typedef struct rn_selected {
    bool found;    /* BODY: a body; DEFS: one of the roots is defined; SCRIPT: some code */
    bool complete; /* found, and the definition has a body and an end */
    bool cut;      /* DEFS: the text ends within a line of the definition that returns nothing */
    bool open;     /* the text ended within a statement, which was left out */
    bool prose;    /* lines that cannot be Python were kept or left out */
    bool reads, writes; /* what was selected reads standard input, prints */
    bool dedented;      /* DEFS, SCRIPT: a `return` stands outside of any function */
} rn_selected;

/* Appends to *out only when found. Linear in the texts but for sorting their names. RN_ENOMEM. */
int rn_py_select(const rn_select_in *in, rn_buf *out, rn_selected *what, rn_err *err);

#endif
