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

typedef struct rn_selected {
    bool found; /* BODY: a body; DEFS: one of the roots is defined; SCRIPT: some code */
    bool open;  /* the text ended within a statement, which was left out */
    bool prose; /* lines that cannot be Python were kept or left out */
} rn_selected;

/* text: lines end with "\n". roots: source whose names are wanted (DEFS). known: source whose
 * top-level functions are there already and not wanted again (BODY). Appends to *out only when
 * found. Linear in the text but for sorting its names. RN_ENOMEM. */
int rn_py_select(rn_bytes text, rn_select_mode mode, rn_bytes roots, rn_bytes known, rn_buf *out,
                 rn_selected *what, rn_err *err);

#endif
