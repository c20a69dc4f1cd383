/*
 * pyexpr.c: names within expressions, in one pass over the logical lines, with a stack of scopes.
 *
 * A use is noted in the innermost scope and handed outwards when the scope ends, unless the scope
 * binds its name. `skip` counts the scopes that it passes unasked: a default, an annotation, the
 * first iterable of a comprehension, and a method's names at its class. In a class or at module
 * level a name is the scope's own only from its binding on. The text need not be Python: whatever
 * comes, the pass is linear in it but for sorting names and the (bounded) depth of scopes.
 */
#include "task/pyexpr_priv.h"

/* ---- tokens ---------------------------------------------------------------------------------- */

bool rn_pyx_word_is(rn_bytes w, const char *s)
{
    return rn_bytes_equal(w, rn_bytes_of(s));
}

bool rn_pyx_word_in(rn_bytes w, const char *const *list)
{
    for (; *list; list++)
        if (rn_pyx_word_is(w, *list)) return true;
    return false;
}

rn_bytes rn_pyx_text_of(const reader *r, size_t k)
{
    if (k >= r->toks.n) return (rn_bytes){0};
    rn_pytok t = r->toks.data[k];
    return (rn_bytes){.data = r->text.data + r->line_at + t.start, .len = t.end - t.start};
}

rn_pytok_kind rn_pyx_kind_at(const reader *r, size_t k)
{
    return k < r->toks.n ? r->toks.data[k].kind : RN_PY_END;
}

bool rn_pyx_op_at(const reader *r, size_t k, char c)
{
    return rn_pyx_kind_at(r, k) == RN_PY_OP && rn_pyx_text_of(r, k).data[0] == c;
}

bool rn_pyx_one_of(const reader *r, size_t k, const char *chars)
{
    return rn_pyx_kind_at(r, k) == RN_PY_OP && strchr(chars, rn_pyx_text_of(r, k).data[0]) != NULL;
}

/* Words that are never names; match, case, type and print may be. */
bool rn_pyx_is_reserved(rn_bytes w)
{
    static const char *const soft[] = {"match", "case", "type", "print", NULL};
    static const char *const values[] = {"True", "False", "None", NULL};
    return rn_pyx_word_in(w, values) || (rn_py_is_keyword(w) && !rn_pyx_word_in(w, soft));
}

bool rn_pyx_name_at(const reader *r, size_t k)
{
    return rn_pyx_kind_at(r, k) == RN_PY_NAME && !rn_pyx_is_reserved(rn_pyx_text_of(r, k));
}

bool rn_pyx_keyword_at(const reader *r, size_t k, const char *word)
{
    return rn_pyx_kind_at(r, k) == RN_PY_NAME && rn_pyx_word_is(rn_pyx_text_of(r, k), word);
}

/* An '=' that assigns: not part of ==, <=, >=, != or := (but of += and the like). */
bool rn_pyx_assigns_at(const reader *r, size_t k)
{
    if (!rn_pyx_op_at(r, k, '=')) return false;
    rn_bytes s = r->text;
    size_t at = r->line_at + r->toks.data[k].start;
    if (at + 1 < s.len && s.data[at + 1] == '=') return false;
    if (at == 0 || !strchr("=<>!:", s.data[at - 1])) return true;
    return at >= 2 && strchr("<>", s.data[at - 1]) && s.data[at - 2] == s.data[at - 1];
}

bool rn_pyx_adjacent(const reader *r, size_t k)
{
    return k + 1 < r->toks.n && r->toks.data[k].end == r->toks.data[k + 1].start;
}

static bool walrus_at(const reader *r, size_t k)
{
    return rn_pyx_op_at(r, k, ':') && rn_pyx_op_at(r, k + 1, '=') && rn_pyx_adjacent(r, k) &&
           !rn_pyx_op_at(r, k + 2, '=');
}

/* Something that a bracket behind it subscripts or calls. */
static bool operand_before(const reader *r, size_t k)
{
    if (k == 0) return false;
    return rn_pyx_name_at(r, k - 1) || rn_pyx_kind_at(r, k - 1) == RN_PY_STRING ||
           rn_pyx_one_of(r, k - 1, ")]}");
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
    return rn_pyx_word_in(w, pure);
}

/* A word of the name begins so: run_tests, TestAll, benchmark; not prune, domain. */
bool rn_py_is_demonstration(rn_bytes name)
{
    static const char *const parts[] = {"test", "check", "bench", "demo",  "main",  "example",
                                        "time", "run",   "show",  "print", "verify"};
    char low[64];
    size_t n = name.len < sizeof low ? name.len : sizeof low;
    for (size_t i = 0; i < n; i++)
        low[i] =
            (char)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] + 32 : name.data[i]);
    for (size_t i = 0; i < n; i++) {
        bool capital = low[i] != name.data[i] && i > 0 && low[i - 1] == name.data[i - 1];
        if (i > 0 && low[i - 1] != '_' && !capital) continue;
        rn_bytes word = {.data = low + i, .len = n - i};
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
            if (rn_bytes_starts(word, parts[k])) return true;
    }
    return false;
}

/* Where each bracket closes, and which hold a comprehension. */
void rn_pyx_find_mates(reader *r)
{
    size_t n = r->toks.n;
    r->mate.n = r->comp.n = r->stack.n = 0;
    if (!rn_vec_room(&r->mate, n) || !rn_vec_room(&r->comp, n)) return;
    for (size_t k = 0; k < n; k++) {
        rn_vec_push(&r->mate, n);
        rn_vec_push(&r->comp, false);
        if (rn_pyx_one_of(r, k, "([{")) rn_vec_push(&r->stack, k);
        if (r->stack.n == 0) continue;
        size_t top = r->stack.data[r->stack.n - 1];
        if (rn_pyx_keyword_at(r, k, "for")) r->comp.data[top] = true;
        if (!rn_pyx_one_of(r, k, ")]}")) continue;
        r->mate.data[top] = k;
        r->stack.n--;
    }
}

/* ---- scopes ---------------------------------------------------------------------------------- */

scope *rn_pyx_top(reader *r)
{
    return &r->scopes[r->n_scopes - 1];
}

bool rn_pyx_push_scope(reader *r, scope s)
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
void rn_pyx_bind_name(reader *r, size_t k)
{
    size_t at = r->n_scopes - 1;
    while (at > 0 && (r->scopes[at].kind == S_COMPREHENSION || r->scopes[at].kind == S_LAMBDA))
        at--;
    size_t pos = r->bind_pos ? r->bind_pos : r->line_at + r->toks.data[k].start;
    bind_in(r, at, rn_pyx_text_of(r, k), pos);
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
const bound *rn_pyx_find_own(const reader *r, rn_bytes name)
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
void rn_pyx_take_own(reader *r, size_t at)
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

void rn_pyx_put_ref(reader *r, rn_bytes name, unsigned what)
{
    rn_pyref ref = {.name = name, .block = r->m->blocks.n - 1, .what = (uint16_t)what};
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
        if (global && binds)
            rn_pyx_put_ref(r, r->own.data[first].name, RN_PYREF_BIND | RN_PYREF_LATER);
        bool declared = global;
        for (size_t k = first; k < i; k++)
            declared |= r->own.data[k].nonlocal;
        r->own.data[first].global = declared; /* the first stands for all: see is_local */
    }
}

static bool is_local(const reader *r, scope_kind kind, const use *u)
{
    const bound *b = rn_pyx_find_own(r, u->name);
    if (!b || b->global) return false;
    return kind == S_CLASS ? b->pos < u->pos : true;
}

/* Ends the innermost scope: what it does not bind is its surroundings' business. */
void rn_pyx_pop_scope(reader *r)
{
    scope s = *rn_pyx_top(r);
    rn_pyx_take_own(r, r->n_scopes - 1);
    put_globals(r);
    r->n_scopes--;
    const scope *outer = rn_pyx_top(r);
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
            if (later) u.what = (uint16_t)((u.what | RN_PYREF_LATER) & ~RN_PYREF_HEAD);
            if (skip) u.skip = 1;
        }
        r->uses.data[n++] = u;
    }
    r->uses.n = n;
}

void rn_pyx_note_use(reader *r, rn_bytes name, size_t pos, unsigned what)
{
    if (r->quiet) what &= ~(unsigned)(RN_PYREF_CHANGE | RN_PYREF_CALL);
    rn_vec_push(
        &r->uses,
        ((use){.name = name, .pos = pos, .what = (uint16_t)what, .skip = rn_pyx_top(r)->outside}));
}

/* ---- one name within an expression ----------------------------------------------------------- */

/* What the trailers behind a name do: `t.append(1)`, `m[k].add(2)` change it, `f(x)` calls it. */
static unsigned effect_of(const reader *r, size_t k)
{
    static const char *const mutators[] = {"append",     "add", "update",      "extend", "insert",
                                           "setdefault", "pop", "__setitem__", "clear",  NULL};
    bool reached = false, called = false;
    for (size_t i = k + 1; i < r->toks.n;) {
        if (rn_pyx_op_at(r, i, '.') && rn_pyx_kind_at(r, i + 1) == RN_PY_NAME) {
            if (rn_pyx_word_in(rn_pyx_text_of(r, i + 1), mutators)) return RN_PYREF_CHANGE;
            reached = true;
            i += 2;
        } else if (rn_pyx_one_of(r, i, "([")) {
            if (rn_pyx_op_at(r, i, '(') && reached) return RN_PYREF_CHANGE;
            called |= rn_pyx_op_at(r, i, '(') && !reached;
            reached |= rn_pyx_op_at(r, i, '[');
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
    bool plain = !rn_pyx_one_of(r, k + 1, ".[(");
    unsigned head = k == r->head ? RN_PYREF_HEAD : 0;
    if (plain) rn_pyx_bind_name(r, k);
    if (!plain || r->augmented)
        rn_pyx_note_use(r, rn_pyx_text_of(r, k), pos, RN_PYREF_CHANGE | head);
}

/* Whether a subscript or call is open above the first `depth` brackets. */
static bool in_trailer(const reader *r, size_t depth)
{
    size_t below = depth ? r->open.data[depth - 1].n_trailers : 0;
    return r->open.n > depth && r->open.data[r->open.n - 1].n_trailers > below;
}

/* Whether the name at k, with what hangs on it but calls, is all that a function returns or that a
 * lambda comes to. */
static bool is_given(reader *r, size_t k)
{
    const scope *s = rn_pyx_top(r);
    bool lambda = s->kind == S_LAMBDA && !s->outside && k > 0 && rn_pyx_op_at(r, k - 1, ':');
    if (!lambda && (k == 0 || !rn_pyx_keyword_at(r, k - 1, "return"))) return false;
    size_t i = k + 1;
    while (i < r->toks.n) {
        if (rn_pyx_op_at(r, i, '.'))
            i += 2;
        else if (rn_pyx_op_at(r, i, '['))
            i = r->mate.data[i] + 1;
        else
            break;
    }
    return i >= r->toks.n || rn_pyx_one_of(r, i, ",;)]}") || rn_pyx_keyword_at(r, i, "if");
}

static void read_name(reader *r, size_t k)
{
    rn_bytes w = rn_pyx_text_of(r, k);
    size_t pos = r->line_at + r->toks.data[k].start;
    if (k > 0 && rn_pyx_op_at(r, k - 1, '.') && !(k > 1 && rn_pyx_op_at(r, k - 2, '.'))) return;
    const scope *s = rn_pyx_top(r);
    bool annotation = s->kind == S_FUNCTION && s->outside && r->open.n == s->depth + 1;
    bool in_call = r->open.n && r->open.data[r->open.n - 1].call && !annotation;
    if (in_call && rn_pyx_assigns_at(r, k + 1)) { /* a keyword argument */
        if (r->dynamic) rn_pyx_note_use(r, w, pos, RN_PYREF_LATER);
        return;
    }
    if (walrus_at(r, k + 1)) {
        rn_pyx_bind_name(r, k);
        return;
    }
    if (k < r->target_end && !in_trailer(r, 0)) {
        target_name(r, k);
        return;
    }
    static const char *const dynamic[] = {"eval", "exec", "globals", "vars", NULL};
    r->dynamic |= rn_pyx_word_in(w, dynamic);
    unsigned what = effect_of(r, k);
    if (what == RN_PYREF_CALL && is_pure(w)) what = 0;
    const bracket *in = r->open.n ? &r->open.data[r->open.n - 1] : NULL;
    if (in && (in->loud || in->shown)) what |= RN_PYREF_CHANGE;
    if (in && in->shown && !in->loud) what |= RN_PYREF_SHOWN;
    bool alias = k == r->target_end + 1 && k + 1 == r->toks.n && rn_pyx_assigns_at(r, k - 1);
    if (alias) what |= RN_PYREF_CHANGE; /* what is done to the new name is done to this one */
    if (k == r->head) what |= RN_PYREF_HEAD;
    if (is_given(r, k)) what |= RN_PYREF_GIVEN;
    rn_pyx_note_use(r, w, pos, what);
}

/* Names within the braces of an f-string. */
static void read_fields(reader *r, size_t k)
{
    rn_bytes s = rn_pyx_text_of(r, k);
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
            if (t.kind == RN_PY_NAME && rn_pyx_word_is(w, "for")) target = true;
            if (t.kind == RN_PY_NAME && rn_pyx_word_is(w, "in")) target = false;
            bool free_name =
                t.kind == RN_PY_NAME && !rn_pyx_is_reserved(w) && !rn_pyx_word_is(before, ".");
            if (free_name && !target) rn_pyx_note_use(r, w, base + i + 1 + t.start, 0);
            before = w;
        }
        i = end > i ? end - 1 : i; /* a nested field of the format is seen next */
        while (i + 1 < s.len && s.data[i + 1] != '{' && s.data[i + 1] != '}')
            i++;
    }
}

/* ---- expressions ----------------------------------------------------------------------------- */

static void open_bracket(reader *r, size_t k)
{
    bool trailer = operand_before(r, k);
    bool call = trailer && rn_pyx_op_at(r, k, '(');
    bracket around = r->open.n ? r->open.data[r->open.n - 1] : (bracket){0};
    bracket b = {.n_trailers = around.n_trailers + trailer,
                 .call = call,
                 .loud = around.loud,
                 .shown = around.shown};
    if (call && rn_pyx_kind_at(r, k - 1) == RN_PY_NAME) {
        rn_bytes callee = rn_pyx_text_of(r, k - 1);
        bool method = k > 1 && rn_pyx_op_at(r, k - 2, '.');
        bool shows = rn_py_is_demonstration(callee);
        b.loud |= (method || !is_pure(callee)) && !shows;
        b.shown |= shows && !(rn_pyx_word_is(callee, "run") && method); /* asyncio.run(f()) */
        b.loud |= shows && !b.shown;
    } else {
        b.loud |= call; /* (lambda t: ...)(TABLE) */
    }
    rn_vec_push(&r->open, b);
    if (!r->comp.data[k]) return;
    scope s = {.kind = S_COMPREHENSION, .depth = r->open.n, .end = r->mate.data[k]};
    (void)rn_pyx_push_scope(r, s);
}

static void close_bracket(reader *r, size_t k)
{
    while (rn_pyx_top(r)->kind == S_COMPREHENSION && rn_pyx_top(r)->end <= k)
        rn_pyx_pop_scope(r);
    if (r->open.n) r->open.n--;
}

/* `for`, `in` and `if` of a comprehension. */
static void comprehension_word(reader *r, rn_bytes w)
{
    scope *s = rn_pyx_top(r);
    if (s->kind != S_COMPREHENSION || s->depth != r->open.n) return;
    if (rn_pyx_word_is(w, "for")) {
        s->target = true;
        s->outside = false;
        s->n_for++;
    } else if (rn_pyx_word_is(w, "in") && s->target) {
        s->target = false;
        s->outside = s->n_for == 1;
    } else if (rn_pyx_word_is(w, "if")) {
        s->outside = false;
    }
}

/* A lambda ends before what cannot be part of its body. */
static void end_lambdas(reader *r, size_t k)
{
    for (;;) {
        scope *s = rn_pyx_top(r);
        if (s->kind != S_LAMBDA || s->depth != r->open.n || s->outside) return;
        if (!rn_pyx_one_of(r, k, ",)]}:") && !rn_pyx_keyword_at(r, k, "for") &&
            !rn_pyx_one_of(r, k, ";"))
            return;
        if (walrus_at(r, k)) return;
        rn_pyx_pop_scope(r);
    }
}

/* A name among the parameters of a lambda or def: true when it is dealt with. */
static bool parameter(reader *r, size_t k)
{
    scope *s = rn_pyx_top(r);
    bool lambda = s->kind == S_LAMBDA;
    if ((!lambda && s->kind != S_FUNCTION) || !s->outside) return false;
    if (r->open.n != s->depth + (lambda ? 0 : 1) || s->value) return false;
    bind_in(r, r->n_scopes - 1, rn_pyx_text_of(r, k), r->line_at + r->toks.data[k].start);
    return true;
}

/* ':', '=' and ',' among parameters. */
static void parameter_mark(reader *r, size_t k)
{
    scope *s = rn_pyx_top(r);
    if (!s->outside || (s->kind != S_LAMBDA && s->kind != S_FUNCTION)) return;
    bool lambda = s->kind == S_LAMBDA;
    size_t depth = s->depth + (lambda ? 0 : 1);
    if (r->open.n != depth) return;
    if (rn_pyx_op_at(r, k, ',')) s->value = false;
    if (rn_pyx_op_at(r, k, '=') || (rn_pyx_op_at(r, k, ':') && !lambda)) s->value = true;
    if (rn_pyx_op_at(r, k, ':') && lambda) s->outside = false;
}

/* The names of tokens [i, end). */
void rn_pyx_read_names(reader *r, size_t i, size_t end)
{
    for (size_t k = i; k < end; k++) {
        end_lambdas(r, k);
        rn_pytok_kind kind = rn_pyx_kind_at(r, k);
        if (kind == RN_PY_STRING) read_fields(r, k);
        if (kind == RN_PY_OP) {
            if (rn_pyx_one_of(r, k, "([{"))
                open_bracket(r, k);
            else if (rn_pyx_one_of(r, k, ")]}"))
                close_bracket(r, k);
            else
                parameter_mark(r, k);
        }
        if (kind != RN_PY_NAME) continue;
        rn_bytes w = rn_pyx_text_of(r, k);
        if (rn_pyx_word_is(w, "lambda")) {
            (void)rn_pyx_push_scope(r,
                                    (scope){.kind = S_LAMBDA, .outside = true, .depth = r->open.n});
        } else if (rn_pyx_is_reserved(w)) {
            comprehension_word(r, w);
        } else if (rn_pyx_top(r)->kind == S_COMPREHENSION && rn_pyx_top(r)->target &&
                   !in_trailer(r, rn_pyx_top(r)->depth) && !rn_pyx_one_of(r, k + 1, ".[(") &&
                   !rn_pyx_op_at(r, k - 1, '.')) {
            bind_in(r, r->n_scopes - 1, w, r->line_at + r->toks.data[k].start);
        } else if (!parameter(r, k)) {
            read_name(r, k);
        }
    }
}

/* Ends what an expression may have left open. */
void rn_pyx_end_expression(reader *r)
{
    while (rn_pyx_top(r)->kind == S_LAMBDA || rn_pyx_top(r)->kind == S_COMPREHENSION)
        rn_pyx_pop_scope(r);
    r->open.n = 0;
}

/* The first token from i on, outside brackets and lambdas, that is ':' (or ';', with `simple`);
 * `end` if there is none. */
size_t rn_pyx_find_mark(const reader *r, size_t i, size_t end, char mark)
{
    bool lambda = false;
    for (size_t k = i; k < end; k++) {
        if (rn_pyx_one_of(r, k, "([{")) {
            k = r->mate.data[k];
            continue;
        }
        if (rn_pyx_keyword_at(r, k, "lambda")) lambda = true;
        if (rn_pyx_op_at(r, k, ':') && lambda && mark == ':') {
            lambda = false;
            continue;
        }
        if (rn_pyx_op_at(r, k, mark) && !walrus_at(r, k)) return k;
    }
    return end;
}

/* Behind `as`: the target up to a mark, or its bracketed names. */
void rn_pyx_bind_as(reader *r, size_t i, size_t end)
{
    for (size_t k = i; k + 1 < end; k++) {
        if (!rn_pyx_keyword_at(r, k, "as")) continue;
        size_t to = k + 2;
        if (rn_pyx_one_of(r, k + 1, "(["))
            to = r->mate.data[k + 1] < end ? r->mate.data[k + 1] : end;
        for (size_t n = k + 1; n < to; n++)
            if (rn_pyx_name_at(r, n) && !rn_pyx_one_of(r, n + 1, ".[(")) rn_pyx_bind_name(r, n);
    }
}
