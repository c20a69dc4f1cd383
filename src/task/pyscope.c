/*
 * pyscope.c: one pass over the logical lines, with a stack of scopes.
 *
 * A use is noted in the innermost scope and handed outwards when the scope ends, unless the scope
 * binds its name. `skip` counts the scopes that it passes unasked: a default, an annotation, the
 * first iterable of a comprehension, and a method's names at its class. In a class or at module
 * level a name is the scope's own only from its binding on. The text need not be Python: whatever
 * comes, the pass is linear in it but for sorting names and the (bounded) depth of scopes.
 */
#include "task/pyscope.h"

#include <limits.h>

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
    uint8_t what; /* RN_PYREF_... */
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
    bool loud; /* it or one around it is a call that may change its arguments */
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
    /* of the statement */
    size_t head, target_end;
    size_t bind_pos; /* where its targets are bound: behind its value; 0: where they stand */
    bool quiet, augmented, dynamic;
    /* of the block */
    bool real, after_decorator, any_import, any_other;
} reader;

/* ---- tokens -----------------------------------------------------------------------------------
 */

static bool word_is(rn_bytes w, const char *s)
{
    return rn_bytes_equal(w, rn_bytes_of(s));
}

static bool word_in(rn_bytes w, const char *const *list)
{
    for (; *list; list++)
        if (word_is(w, *list)) return true;
    return false;
}

static rn_bytes text_of(const reader *r, size_t k)
{
    if (k >= r->toks.n) return (rn_bytes){0};
    rn_pytok t = r->toks.data[k];
    return (rn_bytes){.data = r->text.data + r->line_at + t.start, .len = t.end - t.start};
}

static rn_pytok_kind kind_at(const reader *r, size_t k)
{
    return k < r->toks.n ? r->toks.data[k].kind : RN_PY_END;
}

static bool op_at(const reader *r, size_t k, char c)
{
    return kind_at(r, k) == RN_PY_OP && text_of(r, k).data[0] == c;
}

static bool one_of(const reader *r, size_t k, const char *chars)
{
    return kind_at(r, k) == RN_PY_OP && strchr(chars, text_of(r, k).data[0]) != NULL;
}

/* Words that are never names; match, case, type and print may be. */
static bool is_reserved(rn_bytes w)
{
    static const char *const soft[] = {"match", "case", "type", "print", NULL};
    static const char *const values[] = {"True", "False", "None", NULL};
    return word_in(w, values) || (rn_py_is_keyword(w) && !word_in(w, soft));
}

static bool name_at(const reader *r, size_t k)
{
    return kind_at(r, k) == RN_PY_NAME && !is_reserved(text_of(r, k));
}

static bool keyword_at(const reader *r, size_t k, const char *word)
{
    return kind_at(r, k) == RN_PY_NAME && word_is(text_of(r, k), word);
}

/* An '=' that assigns: not part of ==, <=, >=, != or := (but of += and the like). */
static bool assigns_at(const reader *r, size_t k)
{
    if (!op_at(r, k, '=')) return false;
    rn_bytes s = r->text;
    size_t at = r->line_at + r->toks.data[k].start;
    if (at + 1 < s.len && s.data[at + 1] == '=') return false;
    if (at == 0 || !strchr("=<>!:", s.data[at - 1])) return true;
    return at >= 2 && strchr("<>", s.data[at - 1]) && s.data[at - 2] == s.data[at - 1];
}

static bool adjacent(const reader *r, size_t k)
{
    return k + 1 < r->toks.n && r->toks.data[k].end == r->toks.data[k + 1].start;
}

static bool walrus_at(const reader *r, size_t k)
{
    return op_at(r, k, ':') && op_at(r, k + 1, '=') && adjacent(r, k) && !op_at(r, k + 2, '=');
}

/* Something that a bracket behind it subscripts or calls. */
static bool operand_before(const reader *r, size_t k)
{
    if (k == 0) return false;
    return name_at(r, k - 1) || kind_at(r, k - 1) == RN_PY_STRING || one_of(r, k - 1, ")]}");
}

/* Functions that change nothing that they are given. */
static bool is_pure(rn_bytes w)
{
    static const char *const pure[] = {
        "print",  "len",       "str",       "sum",        "max",    "min",   "sorted",
        "range",  "int",       "float",     "repr",       "list",   "tuple", "set",
        "dict",   "frozenset", "any",       "all",        "abs",    "round", "bool",
        "type",   "zip",       "enumerate", "map",        "id",     "hash",  "reversed",
        "iter",   "ord",       "chr",       "isinstance", "pow",    "bin",   "hex",
        "pprint", "bytes",     "input",     "format",     "filter", NULL};
    return word_in(w, pure);
}

/* Functions of an answer's own examples and measurements: what they are given is not theirs. */
static bool is_demonstration(rn_bytes w)
{
    static const char *const parts[] = {"test", "check", "bench", "demo",  "main",  "example",
                                        "time", "run",   "show",  "print", "verify"};
    char low[64];
    size_t n = w.len < sizeof low ? w.len : sizeof low;
    for (size_t i = 0; i < n; i++)
        low[i] = (char)(w.data[i] >= 'A' && w.data[i] <= 'Z' ? w.data[i] + 32 : w.data[i]);
    rn_bytes s = {.data = low, .len = n};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (rn_bytes_find(s, rn_bytes_of(parts[i]), 0) != SIZE_MAX) return true;
    return false;
}

/* Where each bracket closes, and which hold a comprehension. */
static void find_mates(reader *r)
{
    size_t n = r->toks.n;
    r->mate.n = r->comp.n = r->stack.n = 0;
    if (!rn_vec_room(&r->mate, n) || !rn_vec_room(&r->comp, n)) return;
    for (size_t k = 0; k < n; k++) {
        rn_vec_push(&r->mate, n);
        rn_vec_push(&r->comp, false);
        if (one_of(r, k, "([{")) rn_vec_push(&r->stack, k);
        if (r->stack.n == 0) continue;
        size_t top = r->stack.data[r->stack.n - 1];
        if (keyword_at(r, k, "for")) r->comp.data[top] = true;
        if (!one_of(r, k, ")]}")) continue;
        r->mate.data[top] = k;
        r->stack.n--;
    }
}

/* ---- scopes -----------------------------------------------------------------------------------
 */

static scope *top(reader *r)
{
    return &r->scopes[r->n_scopes - 1];
}

static bool push_scope(reader *r, scope s)
{
    if (r->n_scopes == MAX_SCOPES) return false;
    s.n_uses = r->uses.n;
    s.n_binds = r->binds.n;
    r->scopes[r->n_scopes++] = s;
    return true;
}

static void bind_in(reader *r, size_t scope_at, rn_bytes name, size_t pos)
{
    rn_vec_push(&r->binds, ((bound){.name = name, .pos = pos, .scope = (uint32_t)scope_at}));
}

/* Binds in the scope that statements bind in. */
static void bind_name(reader *r, size_t k)
{
    size_t at = r->n_scopes - 1;
    while (at > 0 && (r->scopes[at].kind == S_COMPREHENSION || r->scopes[at].kind == S_LAMBDA))
        at--;
    size_t pos = r->bind_pos ? r->bind_pos : r->line_at + r->toks.data[k].start;
    bind_in(r, at, text_of(r, k), pos);
}

static int by_name(const void *a, const void *b)
{
    const bound *x = a, *y = b;
    size_t n = x->name.len < y->name.len ? x->name.len : y->name.len;
    int c = n ? memcmp(x->name.data, y->name.data, n) : 0;
    if (c) return c;
    if (x->name.len != y->name.len) return x->name.len < y->name.len ? -1 : 1;
    return x->pos < y->pos ? -1 : x->pos > y->pos;
}

/* The first of r->own that binds `name`; NULL if none does. */
static const bound *find_own(const reader *r, rn_bytes name)
{
    bound probe = {.name = name, .pos = 0};
    size_t lo = 0, hi = r->own.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (by_name(&r->own.data[mid], &probe) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = lo < r->own.n && rn_bytes_equal(r->own.data[lo].name, name);
    return found ? &r->own.data[lo] : NULL;
}

/* Moves the bindings of scope number `at`, sorted, into r->own; others stay. */
static void take_own(reader *r, size_t at)
{
    size_t n = r->scopes[at].n_binds;
    r->own.n = 0;
    for (size_t i = n; i < r->binds.n; i++) {
        bound b = r->binds.data[i];
        if (b.scope == at)
            rn_vec_push(&r->own, b);
        else
            r->binds.data[n++] = b;
    }
    r->binds.n = n;
    if (r->own.n) qsort(r->own.data, r->own.n, sizeof *r->own.data, by_name);
}

static void put_ref(reader *r, rn_bytes name, unsigned what)
{
    rn_pyref ref = {.name = name, .block = r->m->blocks.n - 1, .what = (uint8_t)what};
    if (r->m->blocks.n) rn_vec_push(&r->m->refs, ref);
}

/* `global x` with a binding of x: the function binds the module's name when it runs. */
static void put_globals(reader *r)
{
    for (size_t i = 0; i < r->own.n;) {
        bool global = false, binds = false;
        size_t first = i;
        for (; i < r->own.n && rn_bytes_equal(r->own.data[i].name, r->own.data[first].name); i++) {
            global |= r->own.data[i].global;
            binds |= !r->own.data[i].global && !r->own.data[i].nonlocal;
        }
        if (global && binds) put_ref(r, r->own.data[first].name, RN_PYREF_BIND | RN_PYREF_LATER);
        bool declared = global;
        for (size_t k = first; k < i; k++)
            declared |= r->own.data[k].nonlocal;
        r->own.data[first].global = declared; /* the first stands for all: see is_local */
    }
}

static bool is_local(const reader *r, scope_kind kind, const use *u)
{
    const bound *b = find_own(r, u->name);
    if (!b || b->global) return false;
    return kind == S_CLASS ? b->pos < u->pos : true;
}

/* Ends the innermost scope: what it does not bind is its surroundings' business. */
static void pop_scope(reader *r)
{
    scope s = *top(r);
    take_own(r, r->n_scopes - 1);
    put_globals(r);
    r->n_scopes--;
    const scope *outer = top(r);
    bool later = s.kind == S_FUNCTION || s.kind == S_LAMBDA;
    /* A method does not see its class's names; a default's comprehension not the parameters. */
    uint8_t skip = (outer->kind == S_CLASS && s.kind != S_CLASS) || outer->outside;
    size_t n = s.n_uses;
    for (size_t i = s.n_uses; i < r->uses.n; i++) {
        use u = r->uses.data[i];
        if (u.skip == 0 && is_local(r, s.kind, &u)) continue;
        if (u.skip) {
            u.skip--;
        } else {
            if (later) u.what = (uint8_t)((u.what | RN_PYREF_LATER) & ~RN_PYREF_HEAD);
            if (skip) u.skip = 1;
        }
        r->uses.data[n++] = u;
    }
    r->uses.n = n;
}

static void note_use(reader *r, rn_bytes name, size_t pos, unsigned what)
{
    if (r->quiet) what &= ~(unsigned)(RN_PYREF_CHANGE | RN_PYREF_CALL);
    rn_vec_push(&r->uses,
                ((use){.name = name, .pos = pos, .what = (uint8_t)what, .skip = top(r)->outside}));
}

/* ---- one name within an expression ------------------------------------------------------------
 */

/* What the trailers behind a name do: `t.append(1)`, `m[k].add(2)` change it, `f(x)` calls it. */
static unsigned effect_of(const reader *r, size_t k)
{
    static const char *const mutators[] = {"append",     "add", "update",      "extend", "insert",
                                           "setdefault", "pop", "__setitem__", "clear",  NULL};
    bool reached = false, called = false;
    for (size_t i = k + 1; i < r->toks.n;) {
        if (op_at(r, i, '.') && kind_at(r, i + 1) == RN_PY_NAME) {
            if (word_in(text_of(r, i + 1), mutators)) return RN_PYREF_CHANGE;
            reached = true;
            i += 2;
        } else if (one_of(r, i, "([")) {
            if (op_at(r, i, '(') && reached) return RN_PYREF_CHANGE;
            called |= op_at(r, i, '(') && !reached;
            reached |= op_at(r, i, '[');
            if (i >= r->mate.n || r->mate.data[i] >= r->toks.n) break;
            i = r->mate.data[i] + 1;
        } else {
            break;
        }
    }
    return called ? RN_PYREF_CALL : 0;
}

/* A name in a place that assigns: bound if nothing hangs on it, else what it names is changed. */
static void target_name(reader *r, size_t k)
{
    size_t pos = r->line_at + r->toks.data[k].start;
    bool plain = !one_of(r, k + 1, ".[(");
    unsigned head = k == r->head ? RN_PYREF_HEAD : 0;
    if (plain) bind_name(r, k);
    if (!plain || r->augmented) note_use(r, text_of(r, k), pos, RN_PYREF_CHANGE | head);
}

/* Whether a subscript or call is open above the first `depth` brackets. */
static bool in_trailer(const reader *r, size_t depth)
{
    size_t below = depth ? r->open.data[depth - 1].n_trailers : 0;
    return r->open.n > depth && r->open.data[r->open.n - 1].n_trailers > below;
}

static void read_name(reader *r, size_t k)
{
    rn_bytes w = text_of(r, k);
    size_t pos = r->line_at + r->toks.data[k].start;
    if (k > 0 && op_at(r, k - 1, '.') && !(k > 1 && op_at(r, k - 2, '.'))) return;
    bool in_call = r->open.n && r->open.data[r->open.n - 1].call;
    if (in_call && assigns_at(r, k + 1)) return; /* a keyword argument */
    if (walrus_at(r, k + 1)) {
        bind_name(r, k);
        return;
    }
    if (k < r->target_end && !in_trailer(r, 0)) {
        target_name(r, k);
        return;
    }
    static const char *const dynamic[] = {"eval", "exec", "globals", "vars", NULL};
    r->dynamic |= word_in(w, dynamic);
    unsigned what = effect_of(r, k);
    if (what == RN_PYREF_CALL && is_pure(w)) what = 0;
    if (r->open.n && r->open.data[r->open.n - 1].loud) what |= RN_PYREF_CHANGE;
    bool alias = k == r->target_end + 1 && k + 1 == r->toks.n && assigns_at(r, k - 1);
    if (alias) what |= RN_PYREF_CHANGE; /* what is done to the new name is done to this one */
    if (k == r->head) what |= RN_PYREF_HEAD;
    note_use(r, w, pos, what);
}

/* Names within the braces of an f-string. */
static void read_fields(reader *r, size_t k)
{
    rn_bytes s = text_of(r, k);
    size_t base = r->line_at + r->toks.data[k].start;
    size_t quote = 0;
    bool formatted = false;
    while (quote < s.len && s.data[quote] != '"' && s.data[quote] != '\'')
        formatted |= (s.data[quote++] | 0x20) == 'f';
    if (!formatted) return;
    for (size_t i = quote; i < s.len; i++) {
        if (s.data[i] != '{') continue;
        if (i + 1 < s.len && s.data[i + 1] == '{') {
            i++;
            continue;
        }
        int depth = 0;
        size_t end = i + 1;
        for (; end < s.len; end++) {
            char c = s.data[end];
            if (strchr("([{", c) && c) depth++;
            if (strchr(")]}", c) && c && depth-- == 0) break;
            if (depth == 0 && (c == ':' || (c == '!' && end + 1 < s.len && s.data[end + 1] != '=')))
                break;
        }
        rn_pylex x;
        rn_pylex_init(&x, (rn_bytes){.data = s.data + i + 1, .len = end - i - 1});
        rn_bytes before = {0};
        bool target = false;
        for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
            rn_bytes w = rn_pytok_text(&x, t);
            if (t.kind == RN_PY_NAME && word_is(w, "for")) target = true;
            if (t.kind == RN_PY_NAME && word_is(w, "in")) target = false;
            bool free_name = t.kind == RN_PY_NAME && !is_reserved(w) && !word_is(before, ".");
            if (free_name && !target) note_use(r, w, base + i + 1 + t.start, 0);
            before = w;
        }
        i = end > i ? end - 1 : i; /* a nested field of the format is seen next */
        while (i + 1 < s.len && s.data[i + 1] != '{' && s.data[i + 1] != '}')
            i++;
    }
}

/* ---- expressions ------------------------------------------------------------------------------
 */

static void open_bracket(reader *r, size_t k)
{
    bool trailer = operand_before(r, k);
    bool call = trailer && op_at(r, k, '(');
    bracket around = r->open.n ? r->open.data[r->open.n - 1] : (bracket){0};
    bracket b = {.n_trailers = around.n_trailers + trailer, .call = call, .loud = around.loud};
    if (call && kind_at(r, k - 1) == RN_PY_NAME) {
        rn_bytes callee = text_of(r, k - 1);
        bool method = k > 1 && op_at(r, k - 2, '.');
        b.loud |= (method || !is_pure(callee)) && !is_demonstration(callee);
    }
    rn_vec_push(&r->open, b);
    if (!r->comp.data[k]) return;
    scope s = {.kind = S_COMPREHENSION, .depth = r->open.n, .end = r->mate.data[k]};
    (void)push_scope(r, s);
}

static void close_bracket(reader *r, size_t k)
{
    while (top(r)->kind == S_COMPREHENSION && top(r)->end <= k)
        pop_scope(r);
    if (r->open.n) r->open.n--;
}

/* `for`, `in` and `if` of a comprehension. */
static void comprehension_word(reader *r, rn_bytes w)
{
    scope *s = top(r);
    if (s->kind != S_COMPREHENSION || s->depth != r->open.n) return;
    if (word_is(w, "for")) {
        s->target = true;
        s->outside = false;
        s->n_for++;
    } else if (word_is(w, "in") && s->target) {
        s->target = false;
        s->outside = s->n_for == 1;
    } else if (word_is(w, "if")) {
        s->outside = false;
    }
}

/* A lambda ends before what cannot be part of its body. */
static void end_lambdas(reader *r, size_t k)
{
    for (;;) {
        scope *s = top(r);
        if (s->kind != S_LAMBDA || s->depth != r->open.n || s->outside) return;
        if (!one_of(r, k, ",)]}:") && !keyword_at(r, k, "for") && !one_of(r, k, ";")) return;
        if (walrus_at(r, k)) return;
        pop_scope(r);
    }
}

/* A name among the parameters of a lambda or def: true when it is dealt with. */
static bool parameter(reader *r, size_t k)
{
    scope *s = top(r);
    bool lambda = s->kind == S_LAMBDA;
    if ((!lambda && s->kind != S_FUNCTION) || !s->outside) return false;
    if (r->open.n != s->depth + (lambda ? 0 : 1) || s->value) return false;
    bind_in(r, r->n_scopes - 1, text_of(r, k), r->line_at + r->toks.data[k].start);
    return true;
}

/* ':', '=' and ',' among parameters. */
static void parameter_mark(reader *r, size_t k)
{
    scope *s = top(r);
    if (!s->outside || (s->kind != S_LAMBDA && s->kind != S_FUNCTION)) return;
    bool lambda = s->kind == S_LAMBDA;
    size_t depth = s->depth + (lambda ? 0 : 1);
    if (r->open.n != depth) return;
    if (op_at(r, k, ',')) s->value = false;
    if (op_at(r, k, '=') || (op_at(r, k, ':') && !lambda)) s->value = true;
    if (op_at(r, k, ':') && lambda) s->outside = false;
}

/* The names of tokens [i, end). */
static void read_names(reader *r, size_t i, size_t end)
{
    for (size_t k = i; k < end; k++) {
        end_lambdas(r, k);
        rn_pytok_kind kind = kind_at(r, k);
        if (kind == RN_PY_STRING) read_fields(r, k);
        if (kind == RN_PY_OP) {
            if (one_of(r, k, "([{"))
                open_bracket(r, k);
            else if (one_of(r, k, ")]}"))
                close_bracket(r, k);
            else
                parameter_mark(r, k);
        }
        if (kind != RN_PY_NAME) continue;
        rn_bytes w = text_of(r, k);
        if (word_is(w, "lambda")) {
            (void)push_scope(r, (scope){.kind = S_LAMBDA, .outside = true, .depth = r->open.n});
        } else if (is_reserved(w)) {
            comprehension_word(r, w);
        } else if (top(r)->kind == S_COMPREHENSION && top(r)->target &&
                   !in_trailer(r, top(r)->depth) && !one_of(r, k + 1, ".[(") &&
                   !op_at(r, k - 1, '.')) {
            bind_in(r, r->n_scopes - 1, w, r->line_at + r->toks.data[k].start);
        } else if (!parameter(r, k)) {
            read_name(r, k);
        }
    }
}

/* Ends what an expression may have left open. */
static void end_expression(reader *r)
{
    while (top(r)->kind == S_LAMBDA || top(r)->kind == S_COMPREHENSION)
        pop_scope(r);
    r->open.n = 0;
}

/* The first token from i on, outside brackets and lambdas, that is ':' (or ';', with `simple`);
 * `end` if there is none. */
static size_t find_mark(const reader *r, size_t i, size_t end, char mark)
{
    bool lambda = false;
    for (size_t k = i; k < end; k++) {
        if (one_of(r, k, "([{")) {
            k = r->mate.data[k];
            continue;
        }
        if (keyword_at(r, k, "lambda")) lambda = true;
        if (op_at(r, k, ':') && lambda && mark == ':') {
            lambda = false;
            continue;
        }
        if (op_at(r, k, mark) && !walrus_at(r, k)) return k;
    }
    return end;
}

/* Behind `as`: the target up to a mark, or its bracketed names. */
static void bind_as(reader *r, size_t i, size_t end)
{
    for (size_t k = i; k + 1 < end; k++) {
        if (!keyword_at(r, k, "as")) continue;
        size_t to = k + 2;
        if (one_of(r, k + 1, "([")) to = r->mate.data[k + 1] < end ? r->mate.data[k + 1] : end;
        for (size_t n = k + 1; n < to; n++)
            if (name_at(r, n) && !one_of(r, n + 1, ".[(")) bind_name(r, n);
    }
}

/* ---- statements -------------------------------------------------------------------------------
 */

/* Modules of Python's library whose names answers use without naming them. */
static bool is_library(rn_bytes w)
{
    static const char *const names[] = {
        "math",    "typing",   "collections", "itertools", "functools",  "re",   "string",
        "heapq",   "bisect",   "operator",    "fractions", "decimal",    "copy", "random",
        "cmath",   "datetime", "statistics",  "sys",       "os",         "time", "array",
        "numbers", "enum",     "dataclasses", "abc",       "contextlib", NULL};
    return word_in(w, names);
}

static void read_import(reader *r, size_t i, size_t end)
{
    bool from = keyword_at(r, i, "from"), names = !from;
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    bool module_level = r->n_scopes == 1;
    if (from && module_level && name_at(r, i + 1)) put_ref(r, text_of(r, i + 1), RN_PYREF_MODULE);
    for (size_t k = i + 1; k < end; k++) {
        if (from && keyword_at(r, k, "import")) names = true;
        if (keyword_at(r, k, "__future__") && module_level) b->future = true;
        if (names && op_at(r, k, '*') && module_level) {
            b->star = true;
            b->star_known = is_library(text_of(r, i + 1));
        }
        if (!names || !name_at(r, k)) continue;
        bool part = k > 0 && op_at(r, k - 1, '.'); /* a.b.c binds a */
        size_t behind = k + 1;
        while (op_at(r, behind, '.') && !from)
            behind += 2;
        if (!from && !part && module_level && !keyword_at(r, k - 1, "as"))
            put_ref(r, text_of(r, k), RN_PYREF_MODULE);
        if (!part && !keyword_at(r, behind, "as")) bind_name(r, k);
    }
}

static void declare(reader *r, size_t i, size_t end)
{
    bool global = keyword_at(r, i, "global");
    for (size_t k = i + 1; k < end; k++) {
        if (!name_at(r, k)) continue;
        rn_vec_push(&r->binds, ((bound){.name = text_of(r, k),
                                        .pos = r->line_at + r->toks.data[k].start,
                                        .scope = (uint32_t)(r->n_scopes - 1),
                                        .global = global,
                                        .nonlocal = !global}));
    }
}

/* def and class: the header belongs outside, what follows its ':' inside. Behind the ':'. */
static size_t read_definition(reader *r, size_t i, size_t end, int indent)
{
    bool class = keyword_at(r, i, "class");
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    if (name_at(r, i + 1)) {
        bind_name(r, i + 1);
        if (r->n_scopes == 1 && indent == 0 && !b->def.len) b->def = text_of(r, i + 1);
    }
    size_t colon = find_mark(r, i, end, ':');
    scope s = {.kind = class ? S_CLASS : S_FUNCTION, .outside = true, .indent = indent};
    bool pushed = push_scope(r, s), quiet = r->quiet;
    r->target_end = 0;
    r->quiet = true; /* a default is read, not given to a function */
    read_names(r, i + 2, colon);
    end_expression(r);
    r->quiet = quiet;
    if (pushed) top(r)->outside = top(r)->value = false;
    return colon + 1;
}

/* Calls that only show something, or end the program. */
static bool only_shows(const reader *r, size_t i)
{
    static const char *const show[] = {"print", "pprint", "display", "exit",
                                       "quit",  "input",  "help",    NULL};
    static const char *const of_sys[] = {"stdout", "stderr", "stdin", "exit", NULL};
    rn_bytes w = text_of(r, i);
    if (word_in(w, show)) return true;
    if (word_is(w, "sys") && op_at(r, i + 1, '.')) return word_in(text_of(r, i + 2), of_sys);
    return word_is(w, "logging") || word_is(w, "doctest") || word_is(w, "unittest") ||
           word_is(w, "pytest") || word_is(w, "plt");
}

static bool sets_up(const reader *r, size_t i)
{
    rn_bytes w = text_of(r, i);
    static const char *const calls[] = {"exec", "globals", "setrecursionlimit",
                                        "set_int_max_str_digits", NULL};
    if (word_in(w, calls)) return op_at(r, i + 1, '(');
    if (!word_is(w, "sys") || !op_at(r, i + 1, '.')) return false;
    rn_bytes what = text_of(r, i + 2);
    return rn_bytes_starts(what, "set") || word_is(what, "modules");
}

/* Targets, '=' and value; or an expression. */
static void read_simple(reader *r, size_t i, size_t end)
{
    r->target_end = 0;
    r->augmented = false;
    size_t first = SIZE_MAX;
    for (size_t k = i; k < end && !keyword_at(r, k, "lambda"); k++) {
        if (one_of(r, k, "([{")) {
            k = r->mate.data[k];
            continue;
        }
        if (!assigns_at(r, k)) continue;
        if (first == SIZE_MAX) first = k;
        r->target_end = k;
    }
    size_t colon = find_mark(r, i, first < end ? first : end, ':');
    bool annotated = colon < end && colon != first && colon > i; /* x: T = v; T is read */
    if (annotated)
        r->target_end = colon;
    else if (first != SIZE_MAX && first > i)
        r->augmented = one_of(r, first - 1, "+-*/%&|^@<>") && adjacent(r, first - 1);
    bool expression = first == SIZE_MAX && !annotated;
    r->head = i;
    r->bind_pos = r->line_at + r->toks.data[end - 1].end;
    bool was_quiet = r->quiet;
    if (expression && only_shows(r, i)) r->quiet = true;
    if (r->n_scopes == 1 && sets_up(r, i)) r->m->blocks.data[r->m->blocks.n - 1].always = true;
    read_names(r, i, end);
    end_expression(r);
    r->quiet = was_quiet;
    r->head = SIZE_MAX;
    r->target_end = r->bind_pos = 0;
}

/* case PATTERN: names in it are bound, unless they are called, dotted, or a keyword's. */
static void read_case(reader *r, size_t i, size_t end)
{
    size_t guard = i;
    while (guard < end && !keyword_at(r, guard, "if"))
        guard++;
    for (size_t k = i; k < guard; k++) {
        if (!name_at(r, k)) continue;
        bool dotted = one_of(r, k + 1, ".(") || (k > i && op_at(r, k - 1, '.'));
        if (dotted)
            note_use(r, text_of(r, k), r->line_at + r->toks.data[k].start, 0);
        else if (!assigns_at(r, k + 1))
            bind_name(r, k);
    }
    read_names(r, guard, end);
    end_expression(r);
}

static bool is_header(const reader *r, size_t i, size_t end)
{
    static const char *const hard[] = {"if",   "for",  "while",  "with",    "try",
                                       "else", "elif", "except", "finally", NULL};
    rn_bytes w = text_of(r, i);
    if (word_in(w, hard)) return true;
    bool soft = i == 0 && (word_is(w, "match") || word_is(w, "case"));
    return soft && !one_of(r, i + 1, "=.,):") && find_mark(r, i, end, ':') < end;
}

/* The header of a compound statement. Behind its ':'. */
static size_t read_header(reader *r, size_t i, size_t end)
{
    size_t colon = find_mark(r, i, end, ':');
    r->target_end = 0;
    r->head = SIZE_MAX;
    if (keyword_at(r, i, "for")) {
        size_t in = i + 1;
        while (in < colon && !keyword_at(r, in, "in"))
            in++;
        r->target_end = in;
        r->augmented = false;
        read_names(r, i + 1, in);
        end_expression(r);
        r->target_end = 0;
        read_names(r, in, colon);
        end_expression(r);
    } else if (keyword_at(r, i, "case")) {
        read_case(r, i + 1, colon);
    } else {
        bind_as(r, i, colon);
        /* A name behind `as` is bound, and read too: no harm. */
        read_names(r, i + 1, colon);
        end_expression(r);
    }
    return colon + 1;
}

static bool is_docstring(const reader *r, size_t i, size_t end)
{
    for (size_t k = i; k < end; k++)
        if (kind_at(r, k) != RN_PY_STRING) return false;
    return i < end;
}

/* A statement that a body needs besides others: none of these makes a definition complete. */
static bool is_hollow(const reader *r, size_t i, size_t end)
{
    if (is_docstring(r, i, end) || keyword_at(r, i, "pass")) return true;
    if (end - i == 3 && op_at(r, i, '.') && op_at(r, i + 1, '.') && op_at(r, i + 2, '.'))
        return true;
    return keyword_at(r, i, "raise") && keyword_at(r, i + 1, "NotImplementedError");
}

static void read_expression(reader *r, size_t i, size_t end, bool quiet)
{
    bool was = r->quiet;
    r->quiet |= quiet;
    r->target_end = 0;
    read_names(r, i, end);
    end_expression(r);
    r->quiet = was;
}

/* `@name`: the decorator is called, and may keep what it is given. */
static void read_decorator(reader *r, size_t i, size_t end)
{
    size_t n = r->uses.n;
    read_expression(r, i + 1, end, false);
    if (r->uses.n > n)
        r->uses.data[n].what |= op_at(r, i + 2, '.') ? RN_PYREF_CHANGE : RN_PYREF_CALL;
}

/* `del t[0]` changes t, `del t` unbinds it. */
static void read_del(reader *r, size_t i, size_t end)
{
    r->augmented = true;
    r->target_end = end;
    r->head = i + 1;
    read_names(r, i + 1, end);
    end_expression(r);
    r->target_end = 0;
}

/* A statement [i, end) that is no definition and no header. */
static void read_small(reader *r, size_t i, size_t end)
{
    if (i >= end) return;
    bool import = keyword_at(r, i, "import") || keyword_at(r, i, "from");
    r->real |= !is_hollow(r, i, end);
    r->any_import |= import;
    r->any_other |= !import;
    r->head = SIZE_MAX;
    bool target = name_at(r, i) || one_of(r, i, "([*");
    if (import)
        read_import(r, i, end);
    else if (keyword_at(r, i, "global") || keyword_at(r, i, "nonlocal"))
        declare(r, i, end);
    else if (op_at(r, i, '@'))
        read_decorator(r, i, end);
    else if (keyword_at(r, i, "del"))
        read_del(r, i, end);
    else if (target)
        read_simple(r, i, end);
    else
        read_expression(r, i, end, keyword_at(r, i, "assert"));
}

/* The statements of the line's tokens: definitions, headers, and what ';' separates. */
static void read_statements(reader *r, int indent)
{
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    size_t end = r->toks.n;
    for (size_t i = 0; i < end;) {
        if (keyword_at(r, i, "async") && i + 1 < end) i++;
        if (keyword_at(r, i, "def") || keyword_at(r, i, "class")) {
            r->any_other = true;
            i = read_definition(r, i, end, indent);
        } else if (is_header(r, i, end)) {
            bool guard = keyword_at(r, i, "if") && r->n_scopes == 1;
            for (size_t k = i; guard && k < end; k++)
                b->guard |= keyword_at(r, k, "__name__");
            r->any_other = r->real = true;
            i = read_header(r, i, end);
        } else {
            size_t semicolon = find_mark(r, i, end, ';');
            read_small(r, i, semicolon);
            i = semicolon + 1;
        }
    }
}

/* ---- lines and blocks -------------------------------------------------------------------------
 */

static void read_tokens(reader *r, const rn_pyline *line)
{
    rn_pylex x;
    rn_bytes code = {.data = r->text.data + line->first, .len = line->end - line->first};
    rn_pylex_init(&x, code);
    r->line_at = line->first;
    r->toks.n = 0;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;)
        if (t.kind != RN_PY_COMMENT && t.kind != RN_PY_NEWLINE) rn_vec_push(&r->toks, t);
    find_mates(r);
}

/* input(...), sys.stdin, open(0): read; print, sys.stdout: write. */
static void note_streams(const reader *r, rn_pyblock *b)
{
    for (size_t k = 0; k < r->toks.n; k++) {
        rn_bytes w = text_of(r, k);
        if (kind_at(r, k) == RN_PY_STRING) {
            b->reads |= rn_bytes_find(w, rn_bytes_of("/dev/stdin"), 0) != SIZE_MAX;
            continue;
        }
        if (kind_at(r, k) != RN_PY_NAME) continue;
        bool attribute = k > 0 && op_at(r, k - 1, '.');
        bool called = op_at(r, k + 1, '(');
        b->reads |= word_is(w, "stdin") || word_is(w, "fileinput") || word_is(w, "raw_input");
        b->reads |= word_is(w, "input") && !attribute && !assigns_at(r, k + 1) &&
                    (called || one_of(r, k + 1, ",)"));
        b->reads |= (word_is(w, "open") || word_is(w, "read")) && called &&
                    rn_bytes_equal(text_of(r, k + 2), rn_bytes_of("0"));
        b->writes |= word_is(w, "print") || word_is(w, "stdout");
    }
}

/* "This is O(1)" is Python by its form only. */
static bool reads_as_prose(const reader *r)
{
    rn_bytes w = text_of(r, 0);
    if (kind_at(r, 0) != RN_PY_NAME || w.data[0] < 'A' || w.data[0] > 'Z' || is_reserved(w))
        return false;
    if (op_at(r, 1, ':')) {
        for (size_t k = 2; k < r->toks.n; k++)
            if (assigns_at(r, k)) return false;
        return r->toks.n > 2;
    }
    return keyword_at(r, 1, "is") || keyword_at(r, 1, "in") || keyword_at(r, 1, "and") ||
           keyword_at(r, 1, "or") || keyword_at(r, 1, "not");
}

/* Names inside the strings of a line that evaluates text. */
static void read_strings(reader *r)
{
    r->dynamic = false;
    for (size_t k = 0; k < r->toks.n; k++) {
        if (kind_at(r, k) != RN_PY_STRING) continue;
        rn_bytes s = text_of(r, k);
        size_t from = 0, pos = r->line_at + r->toks.data[k].start;
        while (from < s.len && s.data[from] != '"' && s.data[from] != '\'')
            from++;
        while (from < s.len && (s.data[from] == '"' || s.data[from] == '\''))
            from++;
        rn_pylex x;
        rn_pylex_init(&x, (rn_bytes){.data = s.data + from, .len = s.len - from});
        for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
            rn_bytes w = rn_pytok_text(&x, t);
            if (t.kind == RN_PY_NAME && !is_reserved(w)) note_use(r, w, pos, RN_PYREF_LATER);
        }
    }
}

/* The module's share of a block that is read: what it binds, and what it does not bind itself. */
static void end_block(reader *r)
{
    while (r->n_scopes > 1)
        pop_scope(r);
    if (r->m->blocks.n == 0) return;
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    r->scopes[0].n_binds = r->scopes[0].n_uses = 0;
    take_own(r, 0);
    bool alias = false;
    size_t first = r->m->refs.n;
    for (size_t i = 0; i < r->uses.n; i++) {
        const use *u = &r->uses.data[i];
        const bound *own = find_own(r, u->name);
        if (own && own->pos < u->pos && !(u->what & RN_PYREF_LATER)) {
            alias |= (u->what & RN_PYREF_CHANGE) != 0; /* for row in grid: row.append(0) */
            continue;
        }
        put_ref(r, u->name, u->what);
    }
    for (size_t i = first; alias && i < r->m->refs.n; i++)
        if (!(r->m->refs.data[i].what & RN_PYREF_LATER)) r->m->refs.data[i].what |= RN_PYREF_CHANGE;
    for (size_t i = 0; i < r->own.n; i++)
        if (i == 0 || !rn_bytes_equal(r->own.data[i - 1].name, r->own.data[i].name))
            put_ref(r, r->own.data[i].name, RN_PYREF_BIND);
    b->stub = b->def.len && !r->real;
    b->imports = r->any_import && !r->any_other;
    b->n_refs = r->m->refs.n - b->ref;
    r->uses.n = r->binds.n = r->own.n = 0;
    r->real = r->any_import = r->any_other = false;
}

static bool continues_block(const reader *r)
{
    static const char *const words[] = {"else", "elif", "except", "finally", NULL};
    return word_in(text_of(r, 0), words);
}

/* The block that the line belongs to: the last, or a new one. */
static rn_pyblock *block_of(reader *r, const rn_pyline *line, size_t n_known, uint8_t part,
                            size_t n_before)
{
    rn_pymodule *m = r->m;
    bool margin = line->indent == 0;
    bool inside = m->blocks.n > n_before && (!margin || r->after_decorator || continues_block(r));
    if (!inside) {
        end_block(r);
        rn_pyblock fresh = {.code = {.data = r->text.data + line->start, .len = 0},
                            .ref = m->refs.n,
                            .part = part,
                            .known = line->start < n_known,
                            .prose = !margin || line->prose,
                            .hollow = margin && reads_as_prose(r)};
        if (!rn_vec_push(&m->blocks, fresh)) return NULL;
    }
    return &m->blocks.data[m->blocks.n - 1];
}

static void read_line(reader *r, const rn_pyline *line, rn_pyblock *b)
{
    while (r->n_scopes > 1 && top(r)->indent >= line->indent)
        pop_scope(r);
    if (line->prose) {
        b->prose |= b->def.len > 0;
        return;
    }
    note_streams(r, b);
    r->m->body_returns |= r->n_scopes == 1 && keyword_at(r, 0, "return");
    read_statements(r, line->indent);
    if (r->dynamic) read_strings(r);
}

int rn_pymodule_read(rn_pymodule *m, rn_bytes text, size_t n_known, uint8_t part, rn_err *err)
{
    reader r = {.m = m, .text = text, .n_scopes = 1, .head = SIZE_MAX};
    r.scopes[0] = (scope){.kind = S_MODULE, .indent = -1};
    rn_pyline line;
    size_t n_before = m->blocks.n;
    bool body = n_known > 0;
    m->body_end = 0;
    m->body_open = false;
    rn_pylex_init(&r.x, text);
    while (rn_pyline_next(&r.x, &line)) {
        if (line.comment) continue; /* becomes part of a block when code of it follows */
        read_tokens(&r, &line);
        bool answer = line.first >= n_known;
        rn_pyblock *b = block_of(&r, &line, n_known, part, n_before);
        if (!b || !rn_vec_ok(&r.toks) || !rn_vec_ok(&r.mate) || !rn_vec_ok(&r.comp)) break;
        body &= !answer || line.indent > 0;
        if (body && answer) {
            m->body_open = line.open || line.unfinished;
            if (!m->body_open) m->body_end = line.end;
        }
        r.after_decorator = line.indent == 0 && line.decorator;
        b->open = line.open || line.unfinished || line.decorator;
        if (!b->open) b->code.len = (size_t)(text.data + line.end - b->code.data);
        read_line(&r, &line, b);
    }
    end_block(&r);
    bool whole_line = text.len == 0 || text.data[text.len - 1] == '\n';
    if (m->blocks.n > n_before) m->blocks.data[m->blocks.n - 1].cut = !whole_line;
    bool ok = rn_vec_ok(&r.toks) && rn_vec_ok(&r.mate) && rn_vec_ok(&r.comp) &&
              rn_vec_ok(&r.stack) && rn_vec_ok(&r.open) && rn_vec_ok(&r.uses) &&
              rn_vec_ok(&r.binds) && rn_vec_ok(&r.own) && rn_vec_ok(&m->blocks) &&
              rn_vec_ok(&m->refs);
    rn_vec_free(&r.toks);
    rn_vec_free(&r.mate);
    rn_vec_free(&r.comp);
    rn_vec_free(&r.stack);
    rn_vec_free(&r.open);
    rn_vec_free(&r.uses);
    rn_vec_free(&r.binds);
    rn_vec_free(&r.own);
    return ok ? 0 : rn_fail(err, RN_ENOMEM, "out of memory reading an answer");
}

void rn_pymodule_free(rn_pymodule *m)
{
    rn_vec_free(&m->blocks);
    rn_vec_free(&m->refs);
}

bool rn_py_is_builtin(rn_bytes name)
{
    static const char *const names[] = {"abs",
                                        "aiter",
                                        "all",
                                        "anext",
                                        "any",
                                        "ascii",
                                        "bin",
                                        "bool",
                                        "breakpoint",
                                        "bytearray",
                                        "bytes",
                                        "callable",
                                        "chr",
                                        "classmethod",
                                        "compile",
                                        "complex",
                                        "copyright",
                                        "credits",
                                        "delattr",
                                        "dict",
                                        "dir",
                                        "divmod",
                                        "enumerate",
                                        "eval",
                                        "exec",
                                        "exit",
                                        "filter",
                                        "float",
                                        "format",
                                        "frozenset",
                                        "getattr",
                                        "globals",
                                        "hasattr",
                                        "hash",
                                        "help",
                                        "hex",
                                        "id",
                                        "input",
                                        "int",
                                        "isinstance",
                                        "issubclass",
                                        "iter",
                                        "len",
                                        "license",
                                        "list",
                                        "locals",
                                        "map",
                                        "max",
                                        "memoryview",
                                        "min",
                                        "next",
                                        "object",
                                        "oct",
                                        "open",
                                        "ord",
                                        "pow",
                                        "print",
                                        "property",
                                        "quit",
                                        "range",
                                        "repr",
                                        "reversed",
                                        "round",
                                        "set",
                                        "setattr",
                                        "slice",
                                        "sorted",
                                        "staticmethod",
                                        "str",
                                        "sum",
                                        "super",
                                        "tuple",
                                        "type",
                                        "vars",
                                        "zip",
                                        "Ellipsis",
                                        "NotImplemented",
                                        NULL};
    if (rn_bytes_starts(name, "__") || word_in(name, names)) return true;
    /* Exceptions: ValueError, KeyError, StopIteration, Warning, ... */
    static const char *const tails[] = {"Error", "Exception", "Warning", "Exit", "Iteration"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        size_t n = strlen(tails[i]);
        if (name.len >= n && memcmp(name.data + name.len - n, tails[i], n) == 0) return true;
    }
    return word_is(name, "KeyboardInterrupt");
}
