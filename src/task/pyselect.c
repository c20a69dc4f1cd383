/*
 * pyselect.c: a text as a list of top-level blocks, each with the names it binds; selection is
 * reachability from the wanted names.
 *
 * A block is a logical line at the margin with the indented lines below it; else, elif, except and
 * finally belong to the block before, decorators to the one after, a comment at the margin to a
 * body that goes on below it. The first definition of a function or class wins, since what follows
 * a finished answer is mostly a repetition of it. Expression statements (examples, prints, asserts
 * of the model's own) and `if __name__ ...` are left out; sys.setrecursionlimit(...) stays.
 */
#include "task/pyselect.h"

#include "task/pylex.h"

#include <stdlib.h>

typedef enum { B_DEF, B_IMPORT, B_ASSIGN, B_COMPOUND, B_ALWAYS, B_OTHER, B_PROSE } block_kind;

typedef struct block {
    size_t start, end; /* end: behind the last line of code that belongs to it */
    block_kind kind;
    bool open; /* its last statement is not whole, and not part of it */
    bool keep, scanned;
} block;

typedef struct binding {
    rn_bytes name;
    size_t block;
    bool done;       /* of the first binding of a name: already followed */
    bool done_local; /* the same, for uses as a function's local name */
} binding;

typedef struct blocks {
    rn_bytes text;
    block *v;
    size_t n, cap;
    binding *names;
    size_t n_names, cap_names;
    size_t *work; /* [n] kept blocks that are not scanned yet */
    size_t n_work;
    size_t body_end; /* BODY: behind the last indented line of the head; 0: no head */
    bool body_open;
    bool prose;
    bool nomem;
} blocks;

static void blocks_free(blocks *b)
{
    free(b->v);
    free(b->names);
    free(b->work);
}

static rn_bytes slice(rn_bytes s, size_t from, size_t to)
{
    return (rn_bytes){.data = s.data + from, .len = to - from};
}

static bool word_is(rn_bytes w, const char *s)
{
    return rn_bytes_equal(w, rn_bytes_of(s));
}

static bool add_block(blocks *b, block x)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 32;
        block *v = realloc(b->v, cap * sizeof *v);
        if (!v) return false;
        b->v = v;
        b->cap = cap;
    }
    b->v[b->n++] = x;
    return true;
}

static bool add_name(blocks *b, rn_bytes name, size_t index)
{
    if (b->n_names == b->cap_names) {
        size_t cap = b->cap_names ? 2 * b->cap_names : 64;
        binding *v = realloc(b->names, cap * sizeof *v);
        if (!v) return false;
        b->names = v;
        b->cap_names = cap;
    }
    b->names[b->n_names++] = (binding){.name = name, .block = index};
    return true;
}

/* ---- cutting the text into blocks -------------------------------------------------------------
 */

/* The first word of a line, empty if it does not begin with a name. */
static rn_bytes first_word(rn_bytes text, const rn_pyline *line)
{
    rn_pylex x;
    rn_pylex_init(&x, slice(text, line->first, line->end));
    rn_pytok t = rn_pylex_next(&x);
    return t.kind == RN_PY_NAME ? rn_pytok_text(&x, t) : (rn_bytes){0};
}

static bool continues_block(rn_bytes word)
{
    return word_is(word, "else") || word_is(word, "elif") || word_is(word, "except") ||
           word_is(word, "finally");
}

static block_kind kind_of(rn_bytes text, const rn_pyline *line, rn_bytes word)
{
    if (line->prose) return B_PROSE;
    if (line->decorator || word_is(word, "def") || word_is(word, "class") || word_is(word, "async"))
        return B_DEF;
    rn_bytes rest = slice(text, line->first, line->end);
    if (word_is(word, "import")) return B_IMPORT;
    if (word_is(word, "from")) {
        bool always = rn_bytes_find(rest, rn_bytes_of("*"), 0) != SIZE_MAX ||
                      rn_bytes_find(rest, rn_bytes_of("__future__"), 0) != SIZE_MAX;
        return always ? B_ALWAYS : B_IMPORT;
    }
    if (word_is(word, "if") && rn_bytes_find(rest, rn_bytes_of("__name__"), 0) != SIZE_MAX)
        return B_OTHER;
    static const char *const compound[] = {"if", "for", "while", "with", "try"};
    for (size_t i = 0; i < sizeof compound / sizeof compound[0]; i++)
        if (word_is(word, compound[i])) return B_COMPOUND;
    if (rn_bytes_starts(rest, "sys.setrecursionlimit")) return B_ALWAYS;
    if (word_is(word, "assert") || word_is(word, "print") || word_is(word, "del")) return B_OTHER;
    return B_ASSIGN; /* an expression statement too: it binds nothing, so nothing reaches it */
}

static bool split(blocks *b, bool body)
{
    rn_pylex x;
    rn_pyline line;
    bool head = body, after_decorator = false;
    rn_pylex_init(&x, b->text);
    while (rn_pyline_next(&x, &line)) {
        if (line.comment) continue; /* becomes part of a block when code of it follows */
        b->prose |= line.prose;
        bool margin = line.indent == 0;
        if (head && !margin) {
            b->body_open = line.open || line.unfinished;
            if (!b->body_open) b->body_end = line.end;
            continue;
        }
        head = false;
        block *last = b->n ? &b->v[b->n - 1] : NULL;
        rn_bytes word = margin ? first_word(b->text, &line) : (rn_bytes){0};
        bool inside = last && (!margin || after_decorator || continues_block(word));
        if (!inside) {
            block fresh = {.start = line.start, .end = line.start};
            fresh.kind = margin ? kind_of(b->text, &line, word) : B_PROSE;
            if (!add_block(b, fresh)) return false;
            last = &b->v[b->n - 1];
        }
        after_decorator = margin && line.decorator;
        last->open = line.open || line.unfinished || line.decorator;
        if (!last->open) last->end = line.end;
    }
    return true;
}

/* ---- names that a block binds -----------------------------------------------------------------
 */

/* def, class: the name behind the keyword at the margin (decorators are skipped). */
static bool bind_def(blocks *b, size_t i, rn_bytes code)
{
    rn_pylex x;
    rn_pylex_init(&x, code);
    bool armed = false;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        rn_bytes w = t.kind == RN_PY_NAME ? rn_pytok_text(&x, t) : (rn_bytes){0};
        if (armed) return add_name(b, w, i);
        armed = word_is(w, "def") || word_is(w, "class");
    }
    return true;
}

/* import a.b, from a import b as c: every name counts, a superset of what is bound. */
static bool bind_import(blocks *b, size_t i, rn_bytes code)
{
    rn_pylex x;
    rn_pylex_init(&x, code);
    bool from = false, names = false;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        if (t.kind != RN_PY_NAME) continue;
        rn_bytes w = rn_pytok_text(&x, t);
        if (word_is(w, "from")) from = true;
        if (word_is(w, "import")) names = true;
        if (rn_py_is_keyword(w)) continue;
        if ((names || !from) && !add_name(b, w, i)) return false;
    }
    return true;
}

/* An '=' that assigns: not part of ==, <=, >=, != (but of += and the like). */
static bool is_assignment(rn_bytes s, size_t at)
{
    if (s.data[at] != '=') return false;
    if (at + 1 < s.len && s.data[at + 1] == '=') return false;
    if (at == 0 || !strchr("=<>!", s.data[at - 1])) return true;
    bool shift = at >= 2 && s.data[at - 1] != '=' && s.data[at - 2] == s.data[at - 1];
    return shift; /* <<= and >>= */
}

/* Names to the left of an assignment; names after for, as, import, def and class. */
static bool bind_statements(blocks *b, size_t i, rn_bytes code)
{
    rn_pylex x;
    rn_pylex_init(&x, code);
    size_t mark = b->n_names; /* names of this statement that wait for their '=' */
    bool keep_next = false;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        if (t.kind == RN_PY_NEWLINE) {
            b->n_names = mark;
        } else if (t.kind == RN_PY_NAME) {
            rn_bytes w = rn_pytok_text(&x, t);
            if (rn_py_is_keyword(w)) {
                keep_next = word_is(w, "for") || word_is(w, "as") || word_is(w, "import") ||
                            word_is(w, "def") || word_is(w, "class");
                continue;
            }
            if (!add_name(b, w, i)) return false;
            if (keep_next) mark = b->n_names;
        } else if (t.kind == RN_PY_OP && x.depth == 0 && is_assignment(code, t.start)) {
            mark = b->n_names;
        }
        if (t.kind == RN_PY_OP && !strchr(",.()", code.data[t.start])) keep_next = false;
    }
    b->n_names = mark;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const binding *x = a, *y = b;
    size_t n = x->name.len < y->name.len ? x->name.len : y->name.len;
    int c = n ? memcmp(x->name.data, y->name.data, n) : 0;
    if (c) return c;
    if (x->name.len != y->name.len) return x->name.len < y->name.len ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static bool bind_all(blocks *b)
{
    for (size_t i = 0; i < b->n; i++) {
        rn_bytes code = slice(b->text, b->v[i].start, b->v[i].end);
        bool ok = true;
        switch (b->v[i].kind) {
        case B_DEF: ok = bind_def(b, i, code); break;
        case B_IMPORT: ok = bind_import(b, i, code); break;
        case B_ASSIGN:
        case B_COMPOUND: ok = bind_statements(b, i, code); break;
        case B_ALWAYS:
        case B_OTHER:
        case B_PROSE: break;
        }
        if (!ok) return false;
    }
    if (b->n_names) qsort(b->names, b->n_names, sizeof *b->names, by_name);
    b->work = calloc(b->n ? b->n : 1, sizeof *b->work);
    return b->work != NULL;
}

/* ---- reachability -----------------------------------------------------------------------------
 */

static void keep(blocks *b, size_t i)
{
    if (b->v[i].keep || b->v[i].end == b->v[i].start) return;
    b->v[i].keep = true;
    b->work[b->n_work++] = i;
}

/* The first binding of `name` in the sorted list; n_names if there is none. */
static size_t find_name(const blocks *b, rn_bytes name)
{
    binding probe = {.name = name, .block = 0};
    size_t lo = 0, hi = b->n_names;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (by_name(&b->names[mid], &probe) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < b->n_names && rn_bytes_equal(b->names[lo].name, name) ? lo : b->n_names;
}

/* Keeps what binds `name`; a name that is local to a function reaches only imports and definitions,
 * so that `i` does not drag in an example's loop. True if it is a definition or assignment. */
static bool want(blocks *b, rn_bytes name, bool local)
{
    size_t lo = find_name(b, name);
    if (lo == b->n_names || b->names[lo].done || (local && b->names[lo].done_local)) return false;
    b->names[lo].done_local = true;
    if (!local) b->names[lo].done = true;
    bool defined = false, has_def = false;
    for (size_t i = lo; i < b->n_names && rn_bytes_equal(b->names[i].name, name); i++) {
        block *x = &b->v[b->names[i].block];
        if (x->end == x->start || (x->kind == B_DEF && has_def)) continue;
        if (local && x->kind != B_DEF && x->kind != B_IMPORT) continue;
        has_def |= x->kind == B_DEF;
        defined |= x->kind != B_IMPORT;
        keep(b, b->names[i].block);
    }
    return defined;
}

/* Parameters: names right behind '(' or ',' or '*' in the brackets of a def. */
static bool bind_parameters(blocks *b, rn_bytes code)
{
    rn_pylex x;
    rn_pylex_init(&x, code);
    int in_def = 0; /* 1 behind `def`, 2 within its brackets */
    char before = 0;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        rn_bytes w = rn_pytok_text(&x, t);
        if (t.kind == RN_PY_NAME && word_is(w, "def")) in_def = 1;
        if (in_def == 1 && x.depth > 0) in_def = 2;
        if (in_def == 2 && x.depth == 0) in_def = 0;
        bool first =
            in_def == 2 && x.depth == 1 && (before == '(' || before == ',' || before == '*');
        if (t.kind == RN_PY_NAME && first && !add_name(b, w, 0)) return false;
        before = t.kind == RN_PY_OP ? code.data[t.start] : 'x';
    }
    return true;
}

/* Wants every name of `code`. `function`: names that it binds itself are local to it. */
static bool want_names_of(blocks *b, rn_bytes code, bool function)
{
    blocks locals = {.text = code};
    if (function && !(bind_statements(&locals, 0, code) && bind_parameters(&locals, code)))
        b->nomem = true;
    if (locals.n_names) qsort(locals.names, locals.n_names, sizeof *locals.names, by_name);
    rn_pylex x;
    rn_pylex_init(&x, code);
    bool defined = false;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        if (t.kind != RN_PY_NAME) continue;
        rn_bytes w = rn_pytok_text(&x, t);
        defined |= want(b, w, find_name(&locals, w) < locals.n_names);
    }
    blocks_free(&locals);
    return defined;
}

static void follow(blocks *b)
{
    while (b->n_work) {
        block *x = &b->v[b->work[--b->n_work]];
        (void)want_names_of(b, slice(b->text, x->start, x->end), x->kind == B_DEF);
    }
}

/* Functions that the prompt has already are not taken from the answer again. */
static void forget_known(blocks *b, rn_bytes known)
{
    blocks k = {.text = known};
    b->nomem |= !(split(&k, false) && bind_all(&k));
    for (size_t i = 0; i < k.n_names; i++) {
        if (k.v[k.names[i].block].kind != B_DEF) continue;
        for (size_t j = 0; j < b->n_names; j++)
            if (rn_bytes_equal(b->names[j].name, k.names[i].name)) b->names[j].done = true;
    }
    blocks_free(&k);
}

/* ---- the three modes --------------------------------------------------------------------------
 */

static void put_kept(const blocks *b, bool first, rn_buf *out)
{
    for (size_t i = 0; i < b->n; i++) {
        if (!b->v[i].keep) continue;
        if (!first && b->v[i].kind == B_DEF) rn_buf_puts(out, "\n\n");
        first = false;
        rn_bytes code = slice(b->text, b->v[i].start, b->v[i].end);
        rn_buf_add(out, code.data, code.len);
        if (code.len && code.data[code.len - 1] != '\n') rn_buf_putc(out, '\n');
    }
}

static void keep_always(blocks *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->v[i].kind == B_ALWAYS) keep(b, i);
}

static void select_body(blocks *b, rn_bytes known, rn_buf *out, rn_selected *what)
{
    what->open = b->body_open;
    if (b->body_end == 0) return;
    rn_bytes body = slice(b->text, 0, b->body_end);
    what->found = true;
    forget_known(b, known);
    (void)want_names_of(b, body, true);
    follow(b);
    rn_buf_add(out, body.data, body.len);
    if (body.data[body.len - 1] != '\n') rn_buf_putc(out, '\n');
    put_kept(b, false, out);
}

static void select_defs(blocks *b, rn_bytes roots, rn_buf *out, rn_selected *what)
{
    what->found = want_names_of(b, roots, false);
    if (!what->found) return;
    keep_always(b);
    follow(b);
    for (size_t i = 0; i < b->n; i++)
        what->open |= b->v[i].keep && b->v[i].open;
    put_kept(b, true, out);
}

static void select_script(blocks *b, rn_buf *out, rn_selected *what)
{
    size_t first = 0;
    while (first < b->n && (b->v[first].kind == B_PROSE || b->v[first].end == b->v[first].start))
        first++;
    if (first == b->n) return;
    size_t last = first;
    while (last + 1 < b->n && b->v[last + 1].kind != B_PROSE)
        last++;
    rn_bytes code = slice(b->text, b->v[first].start, b->v[last].end);
    what->found = true;
    what->open = b->v[last].open;
    rn_buf_add(out, code.data, code.len);
    if (code.len && code.data[code.len - 1] != '\n') rn_buf_putc(out, '\n');
}

int rn_py_select(rn_bytes text, rn_select_mode mode, rn_bytes roots, rn_bytes known, rn_buf *out,
                 rn_selected *what, rn_err *err)
{
    blocks b = {.text = text};
    rn_selected w = {0};
    bool ok = split(&b, mode == RN_SELECT_BODY) && bind_all(&b);
    if (ok) {
        w.prose = b.prose;
        if (mode == RN_SELECT_BODY) select_body(&b, known, out, &w);
        if (mode == RN_SELECT_DEFS) select_defs(&b, roots, out, &w);
        if (mode == RN_SELECT_SCRIPT) select_script(&b, out, &w);
    }
    blocks_free(&b);
    if (!ok || b.nomem || !rn_buf_ok(out))
        return rn_fail(err, RN_ENOMEM, "out of memory reading an answer");
    *what = w;
    return 0;
}
