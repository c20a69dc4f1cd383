/*
 * pylex.h: a tolerant scanner of Python source, enough to see where statements, strings and
 * brackets begin and end. It never fails: text that is not Python gives T_BAD tokens and flags.
 * Private to src/task.
 *
 * Lines end with "\n", "\r\n" or "\r", as Python reads them. A tab goes to the next multiple of 8.
 */
#ifndef RN_TASK_PYLEX_H
#define RN_TASK_PYLEX_H

#include "base/buf.h"

typedef enum rn_pytok_kind {
    RN_PY_END,
    RN_PY_NAME,
    RN_PY_NUMBER,
    RN_PY_STRING,
    RN_PY_OP,      /* one character of an operator or a bracket */
    RN_PY_COMMENT, /* without its line end */
    RN_PY_NEWLINE, /* end of a logical line */
    RN_PY_BAD,     /* a character that no Python program has outside strings and comments */
} rn_pytok_kind;

typedef struct rn_pytok {
    rn_pytok_kind kind;
    size_t start, end; /* bytes */
    bool bad;          /* STRING: not closed before its line (or the text) ended */
} rn_pytok;

typedef struct rn_pylex {
    rn_bytes s;
    size_t pos;
    int depth;      /* open brackets */
    bool at_line;   /* at the start of a logical line */
    bool in_string; /* the text ended within a triple-quoted string */
    bool broken;    /* brackets of the current line were left open or closed too often */
} rn_pylex;

void rn_pylex_init(rn_pylex *x, rn_bytes s);
/* At RN_PY_END `depth` and `in_string` tell whether the text ends within something. A line at the
 * margin that begins with def, class or import ends a statement whose bracket was never closed. */
rn_pytok rn_pylex_next(rn_pylex *x);

static inline rn_bytes rn_pytok_text(const rn_pylex *x, rn_pytok t)
{
    return (rn_bytes){.data = x->s.data + t.start, .len = t.end - t.start};
}

bool rn_py_is_keyword(rn_bytes name);

/* One logical line: a statement, or a comment on its own. Blank lines belong to none. */
typedef struct rn_pyline {
    size_t start;    /* of its first physical line */
    size_t end;      /* behind its line end */
    size_t first;    /* first token */
    int indent;      /* columns */
    bool comment;    /* only a comment */
    bool open;       /* the text ends within it: a string or bracket is open */
    bool prose;      /* cannot be Python: two operands side by side, foreign characters */
    bool decorator;  /* begins with '@' */
    bool unfinished; /* needs more: an indented block, its ':', an operand at its end */
} rn_pyline;

/* 1 with the next line, 0 at the end. */
int rn_pyline_next(rn_pylex *x, rn_pyline *line);

#endif
