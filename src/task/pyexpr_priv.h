/*
 * pyexpr_priv.h: what pyscope.c (statements, blocks) and pyexpr.c (tokens, scopes, expressions)
 * share.
 */
#ifndef RN_TASK_PYEXPR_PRIV_H
#define RN_TASK_PYEXPR_PRIV_H

#include "task/pyscope.h"

enum { MAX_SCOPES = 100 }; /* CPython itself refuses deeper nesting */

typedef enum { S_MODULE, S_CLASS, S_FUNCTION, S_LAMBDA, S_COMPREHENSION } scope_kind;

typedef struct scope {
    scope_kind kind;
    bool outside;  /* what comes now belongs to the scope around: header, first iterable */
    bool target;   /* COMPREHENSION: between `for` and `in` */
    int n_for;     /* COMPREHENSION: its `for` so far */
    bool value;    /* LAMBDA, FUNCTION: in a parameter's default or annotation */
    int indent;    /* FUNCTION, CLASS: of the line that began it */
    size_t depth;  /* LAMBDA, COMPREHENSION, headers: open brackets where it began */
    size_t end;    /* COMPREHENSION: the token that closes it */
    size_t n_uses; /* how many were noted before it began */
    size_t n_binds;
} scope;

typedef struct use {
    rn_bytes name;
    size_t pos;
    uint16_t what; /* RN_PYREF_... */
    uint8_t skip;
} use;

typedef struct bound {
    rn_bytes name;
    size_t pos;
    uint32_t scope;
    bool global, nonlocal; /* declared so, not bound */
} bound;

/* An open bracket of the line. */
typedef struct bracket {
    size_t n_trailers; /* subscripts and calls among the open brackets up to this one */
    bool call;
    bool loud;  /* it or one around it is a call that may change its arguments */
    bool shown; /* or of a test, a benchmark or the like */
} bracket;

typedef struct reader {
    rn_pymodule *m;
    rn_bytes text;
    rn_pylex x;
    RN_VEC(rn_pytok) toks; /* of the logical line */
    RN_VEC(size_t) mate;   /* [toks.n] of an opening bracket: where it closes */
    RN_VEC(bool) comp;     /* [toks.n] of an opening bracket: a comprehension is in it */
    RN_VEC(size_t) stack;  /* open brackets while mates are sought */
    RN_VEC(bracket) open;  /* open brackets while names are read */
    RN_VEC(use) uses;
    RN_VEC(bound) binds, own;
    scope scopes[MAX_SCOPES];
    size_t n_scopes;
    size_t line_at; /* offset in the text of the line's tokens */
    rn_bytes self;  /* a name of the module itself: this = sys.modules[__name__]; else empty */
    /* of the statement */
    size_t head, target_end;
    size_t bind_pos; /* where its targets are bound: behind its value; 0: where they stand */
    bool quiet, augmented, dynamic;
    /* of the block */
    bool real, elided, after_decorator, any_import, any_other;
    bool own_input, own_stdin; /* parameters of its last function are called so */
} reader;

bool rn_pyx_word_is(rn_bytes w, const char *s);
bool rn_pyx_word_in(rn_bytes w, const char *const *list);
rn_bytes rn_pyx_text_of(const reader *r, size_t k);
rn_pytok_kind rn_pyx_kind_at(const reader *r, size_t k);
bool rn_pyx_op_at(const reader *r, size_t k, char c);
bool rn_pyx_one_of(const reader *r, size_t k, const char *chars);
/* Words that are never names; match, case, type and print may be. */
bool rn_pyx_is_reserved(rn_bytes w);
bool rn_pyx_name_at(const reader *r, size_t k);
bool rn_pyx_keyword_at(const reader *r, size_t k, const char *word);
/* An '=' that assigns: not part of ==, <=, >=, != or := (but of += and the like). */
bool rn_pyx_assigns_at(const reader *r, size_t k);
bool rn_pyx_adjacent(const reader *r, size_t k);
/* Where each bracket closes, and which hold a comprehension. */
void rn_pyx_find_mates(reader *r);
scope *rn_pyx_top(reader *r);
bool rn_pyx_push_scope(reader *r, scope s);
/* Binds in the scope that statements bind in. */
void rn_pyx_bind_name(reader *r, size_t k);
/* The first of r->own that binds `name`; NULL if none does. */
const bound *rn_pyx_find_own(const reader *r, rn_bytes name);
/* Moves the bindings of scope number `at`, sorted, into r->own; others stay. */
void rn_pyx_take_own(reader *r, size_t at);
void rn_pyx_put_ref(reader *r, rn_bytes name, unsigned what);
/* Ends the innermost scope: what it does not bind is its surroundings' business. */
void rn_pyx_pop_scope(reader *r);
void rn_pyx_note_use(reader *r, rn_bytes name, size_t pos, unsigned what);
/* The names of tokens [i, end). */
void rn_pyx_read_names(reader *r, size_t i, size_t end);
/* Ends what an expression may have left open. */
void rn_pyx_end_expression(reader *r);
/* The first token from i on, outside brackets and lambdas, that is ':' (or ';', with `simple`);
 * `end` if there is none. */
size_t rn_pyx_find_mark(const reader *r, size_t i, size_t end, char mark);
/* Behind `as`: the target up to a mark, or its bracketed names. */
void rn_pyx_bind_as(reader *r, size_t i, size_t end);

#endif
