/*
 * pyscope.c: statements, lines and blocks over the scopes and expressions of pyexpr.c.
 */
#include "task/pyexpr_priv.h"

/* ---- statements ------------------------------------------------------------------------------ */

/* Modules of Python's library whose names answers use without naming them. */
static bool is_library(rn_bytes w)
{
    static const char *const names[] = {
        "math",    "typing",   "collections", "itertools", "functools",  "re",   "string",
        "heapq",   "bisect",   "operator",    "fractions", "decimal",    "copy", "random",
        "cmath",   "datetime", "statistics",  "sys",       "os",         "time", "array",
        "numbers", "enum",     "dataclasses", "abc",       "contextlib", NULL};
    return rn_pyx_word_in(w, names);
}

static void read_import(reader *r, size_t i, size_t end)
{
    bool from = rn_pyx_keyword_at(r, i, "from"), names = !from;
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    bool module_level = r->n_scopes == 1;
    if (from && module_level && rn_pyx_name_at(r, i + 1))
        rn_pyx_put_ref(r, rn_pyx_text_of(r, i + 1), RN_PYREF_MODULE);
    for (size_t k = i + 1; k < end; k++) {
        if (from && rn_pyx_keyword_at(r, k, "import")) names = true;
        if (rn_pyx_keyword_at(r, k, "__future__") && module_level) b->future = true;
        if (names && rn_pyx_op_at(r, k, '*') && module_level) {
            b->star = true;
            b->star_known = is_library(rn_pyx_text_of(r, i + 1));
        }
        if (!names || !rn_pyx_name_at(r, k)) continue;
        b->sets |= from && rn_pyx_word_is(rn_pyx_text_of(r, i + 1), "sys") &&
                   rn_bytes_starts(rn_pyx_text_of(r, k), "set");
        bool part = k > 0 && rn_pyx_op_at(r, k - 1, '.'); /* a.b.c binds a */
        size_t behind = k + 1;
        while (rn_pyx_op_at(r, behind, '.') && !from)
            behind += 2;
        if (!from && !part && module_level && !rn_pyx_keyword_at(r, k - 1, "as"))
            rn_pyx_put_ref(r, rn_pyx_text_of(r, k), RN_PYREF_MODULE);
        if (!part && !rn_pyx_keyword_at(r, behind, "as")) rn_pyx_bind_name(r, k);
    }
}

static void declare(reader *r, size_t i, size_t end)
{
    bool global = rn_pyx_keyword_at(r, i, "global");
    for (size_t k = i + 1; k < end; k++) {
        if (!rn_pyx_name_at(r, k)) continue;
        rn_vec_push(&r->binds, ((bound){.name = rn_pyx_text_of(r, k),
                                        .pos = r->line_at + r->toks.data[k].start,
                                        .scope = (uint32_t)(r->n_scopes - 1),
                                        .global = global,
                                        .nonlocal = !global}));
    }
}

/* def and class: the header belongs outside, what follows its ':' inside. Behind the ':'. */
static size_t read_definition(reader *r, size_t i, size_t end, int indent)
{
    bool class = rn_pyx_keyword_at(r, i, "class");
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    if (rn_pyx_name_at(r, i + 1)) {
        rn_pyx_bind_name(r, i + 1);
        if (r->n_scopes == 1 && indent == 0 && !b->def.len) b->def = rn_pyx_text_of(r, i + 1);
    }
    size_t colon = rn_pyx_find_mark(r, i, end, ':');
    scope s = {.kind = class ? S_CLASS : S_FUNCTION, .outside = true, .indent = indent};
    bool pushed = rn_pyx_push_scope(r, s), quiet = r->quiet;
    r->target_end = 0;
    r->quiet = true; /* a default is read, not given to a function */
    size_t first = r->uses.n;
    rn_pyx_read_names(r, i + 2, colon);
    rn_pyx_end_expression(r);
    for (size_t k = first; class && indent == 0 && k < r->uses.n; k++)
        r->uses.data[k].what |= RN_PYREF_BASE;
    r->quiet = quiet;
    if (pushed) rn_pyx_top(r)->outside = rn_pyx_top(r)->value = false;
    return colon + 1;
}

/* Calls that only show something, or end the program. */
static bool only_shows(const reader *r, size_t i)
{
    static const char *const show[] = {"print", "pprint", "display", "exit",
                                       "quit",  "input",  "help",    NULL};
    static const char *const of_sys[] = {"stdout", "stderr", "stdin", "exit", NULL};
    rn_bytes w = rn_pyx_text_of(r, i);
    if (rn_pyx_word_in(w, show)) return true;
    if (rn_pyx_word_is(w, "sys") && rn_pyx_op_at(r, i + 1, '.'))
        return rn_pyx_word_in(rn_pyx_text_of(r, i + 2), of_sys);
    return rn_pyx_word_is(w, "logging") || rn_pyx_word_is(w, "doctest") ||
           rn_pyx_word_is(w, "unittest") || rn_pyx_word_is(w, "pytest") || rn_pyx_word_is(w, "plt");
}

/* The end of sys.modules[...] from token i on; i if it is something else. */
static size_t module_end(const reader *r, size_t i)
{
    bool is = rn_pyx_word_is(rn_pyx_text_of(r, i), "sys") && rn_pyx_op_at(r, i + 1, '.') &&
              rn_pyx_word_is(rn_pyx_text_of(r, i + 2), "modules") && rn_pyx_op_at(r, i + 3, '[');
    return is ? r->mate.data[i + 3] + 1 : i;
}

/* this = sys.modules[__name__], names = globals() */
static void note_self(reader *r, size_t i, size_t end)
{
    if (!rn_pyx_name_at(r, i) || !rn_pyx_assigns_at(r, i + 1)) return;
    bool names = end == i + 5 && rn_pyx_word_is(rn_pyx_text_of(r, i + 2), "globals");
    if (names || (module_end(r, i + 2) == end && end > i + 2)) r->self = rn_pyx_text_of(r, i);
}

/* Behind the module itself, as sys.modules[...] or by a name of its own; i if it is another. */
static size_t self_end(const reader *r, size_t i)
{
    bool named = r->self.len && rn_bytes_equal(rn_pyx_text_of(r, i), r->self);
    return named ? i + 1 : module_end(r, i);
}

/* Statements that change the interpreter or the module itself: sys.setrecursionlimit(n),
 * globals()['f'] = g, setattr(sys.modules[...], ...), this.f = g, builtins.f = g. */
static bool sets_up(const reader *r, size_t i)
{
    static const char *const calls[] = {"exec", "globals", "vars", "locals", NULL};
    static const char *const limits[] = {"setrecursionlimit", "set_int_max_str_digits", NULL};
    rn_bytes w = rn_pyx_text_of(r, i), what = rn_pyx_text_of(r, i + 2);
    if (rn_pyx_word_in(w, calls) || rn_pyx_word_in(w, limits)) return rn_pyx_op_at(r, i + 1, '(');
    if (rn_pyx_word_is(w, "setattr")) return self_end(r, i + 2) > i + 2;
    if (self_end(r, i) > i) return rn_pyx_one_of(r, self_end(r, i), ".[");
    if (!rn_pyx_op_at(r, i + 1, '.')) return false;
    if (rn_pyx_word_in(what, limits) || rn_pyx_word_is(w, "builtins")) return true;
    if (!rn_pyx_word_is(w, "sys")) return false;
    return rn_bytes_starts(what, "set") || rn_pyx_word_is(what, "modules");
}

/* sys.stdin = io.StringIO(...) */
static bool redirects(const reader *r, size_t i)
{
    static const char *const streams[] = {"stdin", "stdout", "stderr", NULL};
    return rn_pyx_word_is(rn_pyx_text_of(r, i), "sys") && rn_pyx_op_at(r, i + 1, '.') &&
           rn_pyx_word_in(rn_pyx_text_of(r, i + 2), streams) && rn_pyx_assigns_at(r, i + 3);
}

/* Targets, '=' and value; or an expression. */
static void read_simple(reader *r, size_t i, size_t end)
{
    r->target_end = 0;
    r->augmented = false;
    size_t first = SIZE_MAX;
    for (size_t k = i; k < end && !rn_pyx_keyword_at(r, k, "lambda"); k++) {
        if (rn_pyx_one_of(r, k, "([{")) {
            k = r->mate.data[k];
            continue;
        }
        if (!rn_pyx_assigns_at(r, k)) continue;
        if (first == SIZE_MAX) first = k;
        r->target_end = k;
    }
    size_t colon = rn_pyx_find_mark(r, i, first < end ? first : end, ':');
    bool annotated = colon < end && colon != first && colon > i; /* x: T = v; T is read */
    if (annotated)
        r->target_end = colon;
    else if (first != SIZE_MAX && first > i)
        r->augmented = rn_pyx_one_of(r, first - 1, "+-*/%&|^@<>") && rn_pyx_adjacent(r, first - 1);
    bool expression = first == SIZE_MAX && !annotated;
    r->head = i;
    r->bind_pos = r->line_at + r->toks.data[end - 1].end;
    bool was_quiet = r->quiet;
    if (expression && only_shows(r, i)) r->quiet = true;
    if (r->n_scopes == 1 && sets_up(r, i)) {
        r->m->blocks.data[r->m->blocks.n - 1].always = true;
        r->dynamic = true;
        bool builtins = rn_pyx_keyword_at(r, i, "builtins");
        size_t name = builtins ? i + 2 : self_end(r, i) + 1; /* of the attribute that is set */
        if (name > i + 1 && rn_pyx_assigns_at(r, name + 1))
            rn_pyx_note_use(r, rn_pyx_text_of(r, name), r->line_at, RN_PYREF_LATER);
    }
    if (r->n_scopes == 1) {
        note_self(r, i, end);
        r->m->blocks.data[r->m->blocks.n - 1].redirects |= redirects(r, i);
    }
    rn_pytok_kind value = rn_pyx_kind_at(r, i + 2);
    r->m->blocks.data[r->m->blocks.n - 1].literal |=
        r->n_scopes == 1 && i == 0 && end == i + 3 && rn_pyx_assigns_at(r, i + 1) &&
        (value == RN_PY_NUMBER || value == RN_PY_STRING);
    rn_pyx_read_names(r, i, end);
    rn_pyx_end_expression(r);
    r->quiet = was_quiet;
    r->head = SIZE_MAX;
    r->target_end = r->bind_pos = 0;
}

/* case PATTERN: names in it are bound, unless they are called, dotted, or a keyword's. */
static void read_case(reader *r, size_t i, size_t end)
{
    size_t guard = i;
    while (guard < end && !rn_pyx_keyword_at(r, guard, "if"))
        guard++;
    for (size_t k = i; k < guard; k++) {
        if (!rn_pyx_name_at(r, k)) continue;
        bool dotted = rn_pyx_one_of(r, k + 1, ".(") || (k > i && rn_pyx_op_at(r, k - 1, '.'));
        if (dotted)
            rn_pyx_note_use(r, rn_pyx_text_of(r, k), r->line_at + r->toks.data[k].start, 0);
        else if (!rn_pyx_assigns_at(r, k + 1))
            rn_pyx_bind_name(r, k);
    }
    rn_pyx_read_names(r, guard, end);
    rn_pyx_end_expression(r);
}

static bool is_header(const reader *r, size_t i, size_t end)
{
    static const char *const hard[] = {"if",   "for",  "while",  "with",    "try",
                                       "else", "elif", "except", "finally", NULL};
    rn_bytes w = rn_pyx_text_of(r, i);
    if (rn_pyx_word_in(w, hard)) return true;
    bool soft = i == 0 && (rn_pyx_word_is(w, "match") || rn_pyx_word_is(w, "case"));
    return soft && !rn_pyx_one_of(r, i + 1, "=.,):") && rn_pyx_find_mark(r, i, end, ':') < end;
}

/* The header of a compound statement. Behind its ':'. */
static size_t read_header(reader *r, size_t i, size_t end)
{
    size_t colon = rn_pyx_find_mark(r, i, end, ':');
    r->target_end = 0;
    r->head = SIZE_MAX;
    if (rn_pyx_keyword_at(r, i, "for")) {
        size_t in = i + 1;
        while (in < colon && !rn_pyx_keyword_at(r, in, "in"))
            in++;
        r->target_end = in;
        r->augmented = false;
        rn_pyx_read_names(r, i + 1, in);
        rn_pyx_end_expression(r);
        r->target_end = 0;
        rn_pyx_read_names(r, in, colon);
        rn_pyx_end_expression(r);
    } else if (rn_pyx_keyword_at(r, i, "case")) {
        read_case(r, i + 1, colon);
    } else {
        rn_pyx_bind_as(r, i, colon);
        /* A name behind `as` is bound, and read too: no harm. */
        rn_pyx_read_names(r, i + 1, colon);
        rn_pyx_end_expression(r);
    }
    return colon + 1;
}

static bool is_docstring(const reader *r, size_t i, size_t end)
{
    for (size_t k = i; k < end; k++)
        if (rn_pyx_kind_at(r, k) != RN_PY_STRING) return false;
    return i < end;
}

/* "..." as a statement, right in a function's body. */
static bool leaves_out(const reader *r, size_t i, size_t end)
{
    return end - i == 3 && rn_pyx_op_at(r, i, '.') && rn_pyx_op_at(r, i + 1, '.') &&
           rn_pyx_op_at(r, i + 2, '.');
}

/* A statement that a body needs besides others: none of these makes a definition complete. */
static bool is_hollow(const reader *r, size_t i, size_t end)
{
    if (is_docstring(r, i, end) || rn_pyx_keyword_at(r, i, "pass")) return true;
    if (leaves_out(r, i, end)) return true;
    if (rn_pyx_keyword_at(r, i, "return") && rn_pyx_keyword_at(r, i + 1, "NotImplemented"))
        return true;
    return rn_pyx_keyword_at(r, i, "raise") && rn_pyx_keyword_at(r, i + 1, "NotImplementedError");
}

static void read_expression(reader *r, size_t i, size_t end, bool quiet)
{
    bool was = r->quiet;
    r->quiet |= quiet;
    r->target_end = 0;
    rn_pyx_read_names(r, i, end);
    rn_pyx_end_expression(r);
    r->quiet = was;
}

/* `@name`: the decorator is called, and may keep what it is given. */
static void read_decorator(reader *r, size_t i, size_t end)
{
    size_t n = r->uses.n;
    read_expression(r, i + 1, end, false);
    if (r->uses.n > n)
        r->uses.data[n].what |= rn_pyx_op_at(r, i + 2, '.') ? RN_PYREF_CHANGE : RN_PYREF_CALL;
}

/* `del t[0]` changes t, `del t` unbinds it. */
static void read_del(reader *r, size_t i, size_t end)
{
    r->augmented = true;
    r->target_end = end;
    r->head = i + 1;
    rn_pyx_read_names(r, i + 1, end);
    rn_pyx_end_expression(r);
    r->target_end = 0;
}

/* A statement [i, end) that is no definition and no header. */
static void read_small(reader *r, size_t i, size_t end)
{
    if (i >= end) return;
    bool import = rn_pyx_keyword_at(r, i, "import") || rn_pyx_keyword_at(r, i, "from");
    r->real |= !is_hollow(r, i, end);
    /* in a method on a line of its own: of a protocol it stands behind the header */
    bool method = r->n_scopes == 3 && r->scopes[1].kind == S_CLASS && i == 0;
    r->elided |= leaves_out(r, i, end) && (r->n_scopes == 2 || method);
    r->any_import |= import;
    r->any_other |= !import;
    r->head = SIZE_MAX;
    bool target = rn_pyx_name_at(r, i) || rn_pyx_one_of(r, i, "([*");
    if (import)
        read_import(r, i, end);
    else if (rn_pyx_keyword_at(r, i, "global") || rn_pyx_keyword_at(r, i, "nonlocal"))
        declare(r, i, end);
    else if (rn_pyx_op_at(r, i, '@'))
        read_decorator(r, i, end);
    else if (rn_pyx_keyword_at(r, i, "del"))
        read_del(r, i, end);
    else if (target)
        read_simple(r, i, end);
    else
        read_expression(r, i, end, rn_pyx_keyword_at(r, i, "assert"));
}

/* The statements of the line's tokens: definitions, headers, and what ';' separates. */
static void read_statements(reader *r, int indent)
{
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    size_t end = r->toks.n;
    for (size_t i = 0; i < end;) {
        if (rn_pyx_keyword_at(r, i, "async") && i + 1 < end) i++;
        if (rn_pyx_keyword_at(r, i, "def") || rn_pyx_keyword_at(r, i, "class")) {
            r->any_other = true;
            i = read_definition(r, i, end, indent);
        } else if (is_header(r, i, end)) {
            bool guard = rn_pyx_keyword_at(r, i, "if") && r->n_scopes == 1;
            for (size_t k = i; guard && k < end; k++)
                b->guard |= rn_pyx_keyword_at(r, k, "__name__");
            r->any_other = r->real = true;
            i = read_header(r, i, end);
        } else {
            size_t semicolon = rn_pyx_find_mark(r, i, end, ';');
            read_small(r, i, semicolon);
            i = semicolon + 1;
        }
    }
}

/* ---- lines and blocks ------------------------------------------------------------------------ */

static void read_tokens(reader *r, const rn_pyline *line)
{
    rn_pylex x;
    rn_bytes code = {.data = r->text.data + line->first, .len = line->end - line->first};
    rn_pylex_init(&x, code);
    r->line_at = line->first;
    r->toks.n = 0;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;)
        if (t.kind != RN_PY_COMMENT && t.kind != RN_PY_NEWLINE) rn_vec_push(&r->toks, t);
    rn_pyx_find_mates(r);
}

/* Whether the def that the line is has a parameter of this name. */
static bool has_parameter(const reader *r, const char *name)
{
    for (size_t k = 1; k < r->toks.n; k++)
        if (rn_pyx_keyword_at(r, k, name) && rn_pyx_one_of(r, k - 1, "(,*") &&
            rn_pyx_one_of(r, k + 1, ",):="))
            return true;
    return false;
}

/* Whether a lambda of the line has it. */
static bool has_lambda_parameter(const reader *r, const char *name)
{
    bool head = false;
    for (size_t k = 0; k < r->toks.n; k++) {
        head |= rn_pyx_keyword_at(r, k, "lambda");
        head &= !rn_pyx_op_at(r, k, ':');
        if (head && rn_pyx_keyword_at(r, k, name) && !rn_pyx_op_at(r, k - 1, '=')) return true;
    }
    return false;
}

/* input(...), sys.stdin, open(0): read; print, sys.stdout: write. */
static void note_streams(reader *r, rn_pyblock *b)
{
    bool async = rn_pyx_keyword_at(r, 0, "async");
    if (rn_pyx_keyword_at(r, async, "def")) {
        r->own_input = has_parameter(r, "input");
        r->own_stdin = has_parameter(r, "stdin");
    }
    bool own_input = r->own_input || has_lambda_parameter(r, "input");
    for (size_t k = 0; k < r->toks.n; k++) {
        rn_bytes w = rn_pyx_text_of(r, k);
        if (rn_pyx_kind_at(r, k) == RN_PY_STRING) {
            b->reads |= rn_bytes_find(w, rn_bytes_of("/dev/stdin"), 0) != SIZE_MAX;
            continue;
        }
        if (rn_pyx_kind_at(r, k) != RN_PY_NAME) continue;
        bool attribute = k > 0 && rn_pyx_op_at(r, k - 1, '.');
        bool called = rn_pyx_op_at(r, k + 1, '(');
        bool set = rn_pyx_assigns_at(r, k + 1);
        b->reads |= (rn_pyx_word_is(w, "stdin") && !set && (attribute || !r->own_stdin)) ||
                    rn_pyx_word_is(w, "fileinput") || rn_pyx_word_is(w, "raw_input");
        b->reads |= rn_pyx_word_is(w, "input") && !attribute && !set &&
                    (called || (rn_pyx_one_of(r, k + 1, ",)") && !own_input));
        b->reads |= (rn_pyx_word_is(w, "open") || rn_pyx_word_is(w, "read")) && called &&
                    rn_bytes_equal(rn_pyx_text_of(r, k + 2), rn_bytes_of("0"));
        b->writes |= rn_pyx_word_is(w, "print") || rn_pyx_word_is(w, "stdout");
    }
}

/* Names of the module that are looked up by their texts: globals()[...], sys.modules[...]. */
static void note_lookups(reader *r, const rn_pyline *line, rn_pyblock *b)
{
    bool module = false, computed = false;
    size_t n_texts = 0;
    for (size_t k = 0; k < r->toks.n; k++) {
        rn_bytes w = rn_pyx_text_of(r, k);
        bool names = rn_pyx_word_is(w, "globals") || rn_pyx_word_is(w, "vars");
        module |= names && rn_pyx_op_at(r, k + 1, '(') && rn_pyx_op_at(r, k + 2, ')');
        module |= rn_pyx_word_is(w, "modules") && k > 0 && rn_pyx_op_at(r, k - 1, '.');
        bool text = rn_pyx_kind_at(r, k) == RN_PY_STRING;
        n_texts += text;
        computed |= text && (w.data[0] | 0x20) == 'f';
        computed |= rn_pyx_one_of(r, k, "+%");
    }
    if (!module) return;
    r->dynamic = true;
    b->looks_up |= line->indent > 0 && (computed || n_texts == 0);
}

/* A line that does nothing where it stands at the margin: "python", "Explanation", "6". */
static bool is_lone(const reader *r)
{
    size_t n = r->toks.n, i = rn_pyx_one_of(r, 0, "-+");
    if (leaves_out(r, 0, n)) return true;
    return n == i + 1 && (rn_pyx_name_at(r, i) || rn_pyx_kind_at(r, i) == RN_PY_NUMBER);
}

/* "This is O(1)" is Python by its form only. */
static bool reads_as_prose(const reader *r)
{
    rn_bytes w = rn_pyx_text_of(r, 0);
    if (rn_pyx_kind_at(r, 0) != RN_PY_NAME || w.data[0] < 'A' || w.data[0] > 'Z' ||
        rn_pyx_is_reserved(w))
        return false;
    if (rn_pyx_op_at(r, 1, ':')) {
        for (size_t k = 2; k < r->toks.n; k++)
            if (rn_pyx_assigns_at(r, k)) return false;
        return r->toks.n > 2;
    }
    return rn_pyx_keyword_at(r, 1, "is") || rn_pyx_keyword_at(r, 1, "in") ||
           rn_pyx_keyword_at(r, 1, "and") || rn_pyx_keyword_at(r, 1, "or") ||
           rn_pyx_keyword_at(r, 1, "not");
}

/* Names inside a string. */
static void read_string(reader *r, rn_bytes s, size_t pos)
{
    size_t from = 0;
    while (from < s.len && s.data[from] != '"' && s.data[from] != '\'')
        from++;
    while (from < s.len && (s.data[from] == '"' || s.data[from] == '\''))
        from++;
    rn_pylex x;
    rn_pylex_init(&x, (rn_bytes){.data = s.data + from, .len = s.len - from});
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        rn_bytes w = rn_pytok_text(&x, t);
        if (t.kind == RN_PY_NAME && !rn_pyx_is_reserved(w))
            rn_pyx_note_use(r, w, pos, RN_PYREF_LATER);
    }
}

/* Those of a line that evaluates text. */
static void read_strings(reader *r)
{
    r->dynamic = false;
    for (size_t k = 0; k < r->toks.n; k++)
        if (rn_pyx_kind_at(r, k) == RN_PY_STRING)
            read_string(r, rn_pyx_text_of(r, k), r->line_at + r->toks.data[k].start);
}

/* Those of a block that sets names: for name in ("f", "g"): globals()[name] = h. */
static void read_block_strings(reader *r, const rn_pyblock *b)
{
    rn_pylex x;
    rn_pylex_init(&x, b->code);
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;)
        if (t.kind == RN_PY_STRING) read_string(r, rn_pytok_text(&x, t), r->line_at);
}

/* The module's share of a block that is read: what it binds, and what it does not bind itself. */
static void end_block(reader *r)
{
    while (r->n_scopes > 1)
        rn_pyx_pop_scope(r);
    if (r->m->blocks.n == 0) return;
    rn_pyblock *b = &r->m->blocks.data[r->m->blocks.n - 1];
    if (b->always) read_block_strings(r, b);
    r->scopes[0].n_binds = r->scopes[0].n_uses = 0;
    rn_pyx_take_own(r, 0);
    bool alias = false;
    size_t first = r->m->refs.n;
    for (size_t i = 0; i < r->uses.n; i++) {
        const use *u = &r->uses.data[i];
        const bound *own = rn_pyx_find_own(r, u->name);
        if (own && own->pos < u->pos && !(u->what & RN_PYREF_LATER)) {
            alias |= (u->what & RN_PYREF_CHANGE) != 0; /* for row in grid: row.append(0) */
            continue;
        }
        rn_pyx_put_ref(r, u->name, u->what);
    }
    for (size_t i = first; alias && i < r->m->refs.n; i++)
        if (!(r->m->refs.data[i].what & (RN_PYREF_LATER | RN_PYREF_CALL)))
            r->m->refs.data[i].what |= RN_PYREF_CHANGE;
    for (size_t i = 0; i < r->own.n; i++)
        if (i == 0 || !rn_bytes_equal(r->own.data[i - 1].name, r->own.data[i].name))
            rn_pyx_put_ref(r, r->own.data[i].name, RN_PYREF_BIND);
    b->stub = b->def.len && (!r->real || r->elided);
    b->imports = r->any_import && !r->any_other;
    b->n_refs = r->m->refs.n - b->ref;
    r->uses.n = r->binds.n = r->own.n = 0;
    r->real = r->elided = r->any_import = r->any_other = false;
    r->own_input = r->own_stdin = false;
}

static bool continues_block(const reader *r)
{
    static const char *const words[] = {"else", "elif", "except", "finally", NULL};
    return rn_pyx_word_in(rn_pyx_text_of(r, 0), words);
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
                            .lone = margin && is_lone(r),
                            .hollow = margin && reads_as_prose(r)};
        if (!rn_vec_push(&m->blocks, fresh)) return NULL;
    }
    return &m->blocks.data[m->blocks.n - 1];
}

static void read_line(reader *r, const rn_pyline *line, rn_pyblock *b)
{
    while (r->n_scopes > 1 && rn_pyx_top(r)->indent >= line->indent)
        rn_pyx_pop_scope(r);
    if (line->prose) {
        b->prose |= b->def.len > 0;
        return;
    }
    note_streams(r, b);
    b->decorated |= line->decorator && line->indent == 0;
    r->m->body_returns |= r->n_scopes == 1 && rn_pyx_keyword_at(r, 0, "return");
    read_statements(r, line->indent);
    note_lookups(r, line, b);
    if (r->dynamic) read_strings(r);
}

/* "# ... as above": something was left out here. */
static bool elides(rn_bytes text, const rn_pyline *line)
{
    size_t i = line->first;
    while (i < line->end && (text.data[i] == '#' || text.data[i] == ' '))
        i++;
    rn_bytes words = {.data = text.data + i, .len = line->end - i};
    return rn_bytes_starts(words, "...") || rn_bytes_starts(words, "\xE2\x80\xA6");
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
        if (line.comment) { /* becomes part of a block when code of it follows */
            r.elided |= line.indent > 0 && elides(text, &line);
            continue;
        }
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
        b->ends = rn_pyx_keyword_at(&r, 0, "return") || rn_pyx_keyword_at(&r, 0, "raise");
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
    if (rn_bytes_starts(name, "__") || rn_pyx_word_in(name, names)) return true;
    /* Exceptions: ValueError, KeyError, StopIteration, Warning, ... */
    static const char *const tails[] = {"Error", "Exception", "Warning", "Exit", "Iteration"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        size_t n = strlen(tails[i]);
        if (name.len >= n && memcmp(name.data + name.len - n, tails[i], n) == 0) return true;
    }
    return rn_pyx_word_is(name, "KeyboardInterrupt");
}
