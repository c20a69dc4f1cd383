/*
 * pyscope.h: a Python text as a list of top-level blocks, each with the module's names that it
 * binds, reads, changes and calls, found by following Python's scopes. Private to src/task.
 *
 * A block is a logical line at the margin with the indented lines below it; else, elif, except and
 * finally belong to the block before, decorators to the one after, a comment at the margin to a
 * body that goes on below it. What a function binds is its own (parameters, targets of assignments,
 * for, with, import, def, class, except, del, captures of case) unless `global` says otherwise;
 * subscripts and attributes bind nothing; defaults, decorators, annotations and the first iterable
 * of a comprehension belong to the scope outside; a class's names are seen by no method.
 */
#ifndef RN_TASK_PYSCOPE_H
#define RN_TASK_PYSCOPE_H

#include "base/vec.h"
#include "task/pylex.h"

/* What a block does with a name of the module; 0: reads it when the block runs. */
enum {
    RN_PYREF_BIND = 1,    /* binds it */
    RN_PYREF_CHANGE = 2,  /* may change what it names: m[0] = 1, t.append(x), fill(t) */
    RN_PYREF_CALL = 4,    /* calls it */
    RN_PYREF_LATER = 8,   /* not when the block runs, but when a function of it is called */
    RN_PYREF_HEAD = 16,   /* as the first word of a statement */
    RN_PYREF_MODULE = 32, /* the name is a module's that the block imports from */
    RN_PYREF_SHOWN = 64,  /* within a call of a test, a benchmark or the like */
    RN_PYREF_BASE = 128,  /* in the header of a class: its base or metaclass */
    RN_PYREF_GIVEN = 256, /* returned as it is, so that whoever calls may change it */
};

typedef struct rn_pyref {
    rn_bytes name;
    size_t block;
    uint16_t what; /* RN_PYREF_... */
} rn_pyref;

typedef struct rn_pyblock {
    rn_bytes code;      /* up to the last whole statement; empty if there is none */
    rn_bytes def;       /* the name of the function or class that it is; else empty */
    size_t ref, n_refs; /* in rn_pymodule.refs */
    uint8_t part;       /* as given to rn_pymodule_read */
    bool known;         /* it begins within the first n_known bytes of its text */
    bool cut;           /* it goes up to the end of a text that ends within a line */
    bool ends;          /* its last statement returns or raises */
    bool open;          /* its last statement is not whole, and not part of `code` */
    bool prose;         /* no code at all; or, of a def, with lines in it that are none */
    bool imports;       /* nothing but imports */
    bool sets;          /* imports a function set...() of sys by its name */
    bool decorated;     /* a definition behind decorators */
    bool always;        /* sys.set...(), exec(), globals(): to be kept without being asked for */
    bool star, future;  /* from x import *; from __future__ */
    bool star_known;    /* the star's module is one of Python's library */
    bool guard;         /* if __name__ == ... */
    bool stub;          /* a definition without a body: docstring, pass, ..., NotImplementedError;
                           or one with "..." for what was left out */
    bool reads;         /* reads standard input */
    bool writes;        /* prints */
    bool literal;       /* NAME = 5: a number, a string, a list, ...: nothing that can be called */
    bool hollow;        /* an expression that begins with a capital and calls nothing: prose */
    bool lone;          /* a single name or number, which does nothing */
    bool redirects;     /* sys.stdin = ...: an example's input */
    bool looks_up;      /* a function of it looks names up by computed texts: globals()[name] */
} rn_pyblock;

typedef struct rn_pymodule {
    RN_VEC(rn_pyblock) blocks;
    RN_VEC(rn_pyref) refs; /* of block i: blocks[i].n_refs from blocks[i].ref on */
    size_t body_end;       /* of the last text: behind the last line that goes on indented after
                              its first n_known bytes; 0: none */
    bool body_open;        /* the line after body_end is not whole */
    bool body_returns;     /* some text has a `return` outside of any function */
} rn_pymodule;

/* Appends the blocks of `text`, whose first n_known bytes are a prompt (0: none). Names and code
 * are borrowed from it. RN_ENOMEM. */
int rn_pymodule_read(rn_pymodule *m, rn_bytes text, size_t n_known, uint8_t part, rn_err *err);
void rn_pymodule_free(rn_pymodule *m);

bool rn_py_is_builtin(rn_bytes name);
/* Whether a function's name says that it is for examples, tests or measurements. */
bool rn_py_is_demonstration(rn_bytes name);

#endif
