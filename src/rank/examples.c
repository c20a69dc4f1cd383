/*
 * examples.c: see examples.h. Here: calls, and the choice among what all readers found.
 *
 * Every "word(" of the text is tried as a call. It counts as an example when all its arguments are
 * literals and their number fits the signature; what follows, or the line below a doctest, may tell
 * its value. Readers only add to a list: order, duplicates and doubtful kinds are settled at the
 * end.
 */
#include "rank/examples_priv.h"

/* ---- values ---------------------------------------------------------------------------------- */

const rn_lit *rn_read_value(rn_arena *a, rn_bytes text, size_t *to)
{
    static const rn_lit values[] = {
        {.kind = RN_LIT_BOOL}, {.kind = RN_LIT_BOOL, .i = 1}, {.kind = RN_LIT_NONE}};
    static const char *const words[] = {"false", "true", "null"};
    const rn_lit *v = rn_lit_parse(a, text, to);
    size_t at = rn_scan_skip(text, *to, " \t");
    for (size_t i = 0; !v && i < 3; i++)
        if (rn_scan_word(text, at, words[i])) {
            *to = at + strlen(words[i]);
            v = &values[i];
        }
    return v;
}

static bool at_line_end(rn_bytes text, size_t at)
{
    size_t next = rn_scan_skip(text, at, " \t.`");
    return next == text.len || text.data[next] == '\n' || text.data[next] == '\r';
}

/* A value ends where nothing goes on that would make it part of an expression. */
static bool ends_value(rn_bytes text, size_t at)
{
    size_t next = rn_scan_skip(text, at, " \t");
    if (next == text.len || text.data[next] == '\n' || text.data[next] == '\r') return true;
    if (text.data[next] == '(') return next > at; /* "True (since ...)" */
    return !strchr("+-*/%[{<>=&|^@", text.data[next]) && !(next == at && rn_in_name(text.data[at]));
}

/* "19 - 5 - 6 = 8": the value behind the last '=' of a line of arithmetic. */
static bool read_arithmetic(rn_finder *f, size_t at, rn_told *out)
{
    size_t end = rn_scan_line_end(f->text, at), equals = SIZE_MAX;
    for (size_t i = at; i < end; i++) {
        if (f->text.data[i] == '=')
            equals = i;
        else if (equals == SIZE_MAX && !strchr("0123456789. \t+-*/%()", f->text.data[i]))
            return false;
    }
    if (equals == SIZE_MAX || equals == at) return false;
    out->end = equals + 1;
    out->v = rn_read_value(f->a, f->text, &out->end);
    return out->v && out->end <= end && ends_value(f->text, out->end);
}

static const rn_lit *string_of(rn_arena *a, rn_bytes s)
{
    rn_lit *v = rn_arena_alloc(a, sizeof *v);
    char *copy = rn_arena_dup(a, s.data ? s.data : "", s.len);
    if (!v || !copy) return NULL;
    *v = (rn_lit){.kind = RN_LIT_STR, .s = {copy, s.len}};
    return v;
}

/* One word that fills the line, or a string whose quotes do not match: ""abc". */
static bool read_word(rn_finder *f, size_t at, rn_told *out)
{
    size_t from = rn_scan_skip(f->text, at, " \t\"'`"), to = rn_scan_name(f->text, from);
    bool quoted = from > at && strchr("\"'`", f->text.data[from - 1]);
    size_t end = rn_scan_skip(f->text, to, "\"'`");
    quoted |= end > to;
    if (to == from || !at_line_end(f->text, end)) return false;
    *out = (rn_told){string_of(f->a, rn_scan_slice(f->text, from, to)), end, false, !quoted};
    return out->v != NULL;
}

bool rn_read_told(rn_finder *f, size_t at, rn_told *out)
{
    *out = (rn_told){.end = at};
    size_t open = rn_scan_skip(f->text, at, " \t");
    out->v = rn_read_value(f->a, f->text, &out->end);
    if (out->v && ends_value(f->text, out->end)) {
        out->either = rn_scan_at(f->text, open) == '(' && out->v->kind != RN_LIT_TUPLE;
        return true;
    }
    return read_arithmetic(f, open, out) || read_word(f, open, out);
}

/* ---- what stands between a call and its value ------------------------------------------------ */

/* Behind one relation at `at`, *word when it is a word; SIZE_MAX if there is none. */
static size_t skip_relation(rn_bytes text, size_t at, bool *word)
{
    /* Longer ones before their own beginnings; U+279E, U+2192, U+21D2, U+21A6 are arrows. */
    static const char *const words[] = {
        "==>",    "==",           "=>",           "-->",          "->",
        "=",      "\xe2\x9e\x9e", "\xe2\x86\x92", "\xe2\x87\x92", "\xe2\x86\xa6",
        "should", "must",         "will",         "would",        "evaluates",
        "to",     "returns",      "return",       "be",           "gives",
        "give",   "equals",       "equal",        "outputs",      "output",
        "yields", "produces",     "results",      "is",           "#",
        "//"};
    at = rn_scan_skip(text, at, " \t`");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        *word = words[i][0] >= 'a' && words[i][0] <= 'z';
        if (*word ? !rn_scan_word(text, at, words[i]) : !rn_scan_is(text, at, words[i])) continue;
        return rn_scan_skip(text, at + strlen(words[i]), " \t:`");
    }
    return SIZE_MAX;
}

size_t rn_skip_relations(rn_bytes text, size_t at)
{
    size_t end = SIZE_MAX;
    for (int i = 0; i < 4; i++) { /* "should\n return"; "# => returns" */
        bool word;
        size_t next = skip_relation(text, at, &word);
        if (next == SIZE_MAX) break;
        end = next;
        at = word ? rn_scan_skip(text, next, " \t\r\n") : next;
    }
    return end;
}

/* ---- one call -------------------------------------------------------------------------------- */

/* Arguments while they are read, by their places. */
typedef struct arguments {
    const rn_lit *v[RN_MAX_PARAMS];
    size_t n;
    bool words, long_word; /* some are words without quotes; one has several letters */
} arguments;

/* The word at *at as a string; NULL for the name of a parameter or what goes on behind it. */
static const rn_lit *read_bare(rn_finder *f, size_t *at, arguments *args)
{
    size_t end = rn_scan_name(f->text, *at);
    rn_bytes word = rn_scan_slice(f->text, *at, end);
    char next = rn_scan_at(f->text, rn_scan_skip(f->text, end, " "));
    if (word.len == 0 || (next != ',' && next != ')')) return NULL;
    if (rn_signature_param(&f->sig, word) != RN_MAX_PARAMS || !f->sig.found) return NULL;
    args->words = true;
    args->long_word |= word.len > 1;
    *at = end;
    return string_of(f->a, word);
}

/* The place of the argument at *at, which is moved behind "name =" where that stands there. */
static size_t argument_place(const rn_finder *f, size_t *at, size_t n)
{
    size_t end = rn_scan_name(f->text, *at), p = rn_scan_skip(f->text, end, " ");
    if (end == *at || rn_scan_at(f->text, p) != '=' || rn_scan_at(f->text, p + 1) == '=') return n;
    size_t place = rn_signature_param(&f->sig, rn_scan_slice(f->text, *at, end));
    *at = rn_scan_skip(f->text, p + 1, " ");
    return place == RN_MAX_PARAMS ? n : place;
}

/* "(1, [2], k=3)" at *at; false if it is not a list of literals. */
static bool read_arguments(rn_finder *f, size_t *at, arguments *args)
{
    size_t p = rn_scan_skip(f->text, *at + 1, " \t\r\n");
    *args = (arguments){0};
    while (rn_scan_at(f->text, p) != ')') {
        size_t place = argument_place(f, &p, args->n);
        if (args->n == RN_MAX_PARAMS || args->v[place]) return false;
        const rn_lit *v = rn_read_value(f->a, f->text, &p);
        if (!v) v = read_bare(f, &p, args);
        if (!v) return false;
        args->v[place] = v;
        args->n++;
        p = rn_scan_skip(f->text, p, " \t\r\n");
        if (rn_scan_at(f->text, p) == ',')
            p = rn_scan_skip(f->text, p + 1, " \t\r\n");
        else if (rn_scan_at(f->text, p) != ')')
            return false;
    }
    for (size_t i = 0; i < args->n; i++)
        if (!args->v[i]) return false; /* a keyword argument left a gap */
    *at = p + 1;
    return rn_signature_takes(&f->sig, args->n);
}

static const rn_lit *tuple_of(rn_arena *a, const rn_lit *const *v, size_t n)
{
    rn_lit *t = rn_arena_alloc(a, sizeof *t);
    const rn_lit **item = rn_arena_array(a, n + 1, sizeof *item);
    if (!t || !item) return NULL;
    if (n) memcpy(item, v, n * sizeof *item);
    *t = (rn_lit){.kind = RN_LIT_TUPLE, .item = item, .n = n};
    return t;
}

/* Behind "NAME" at the start of the line that holds `at`; SIZE_MAX if it is not there. */
static size_t line_head(rn_bytes text, size_t at, const char *head)
{
    size_t p = rn_scan_skip(text, rn_scan_line_start(text, at), " \t*");
    if (!rn_scan_is(text, p, head)) return SIZE_MAX;
    p = rn_scan_skip(text, p + strlen(head), " \t");
    return p <= at ? p : SIZE_MAX;
}

/* The end of an expression on this line: before a comment, outside strings. */
static size_t expression_end(rn_bytes text, size_t at)
{
    size_t end = rn_scan_line_end(text, at);
    char quote = 0;
    for (size_t i = at; i < end; i++) {
        char c = text.data[i];
        if (quote && c == '\\')
            i++;
        else if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == '#')
            end = i;
    }
    while (end > at && strchr(" \t", text.data[end - 1]))
        end--;
    return end;
}

/* The expression from..to with the call at call..end replaced by the returned value. */
static rn_bytes via_of(rn_finder *f, size_t from, size_t call, size_t end, size_t to)
{
    if (to < end || call < from) return (rn_bytes){0};
    char *s = rn_arena_printf(f->a, "%.*s_%.*s", (int)(call - from), f->text.data + from,
                              (int)(to - end), f->text.data + end);
    return rn_bytes_of(s);
}

static const rn_lit none = {.kind = RN_LIT_NONE}, truth = {.kind = RN_LIT_BOOL, .i = 1};

/* The line below a doctest: its value; where there is nothing, None. */
static bool read_below(rn_finder *f, size_t line_end, rn_told *out)
{
    size_t to = rn_scan_skip(f->text, line_end, "\r");
    if (rn_scan_at(f->text, to) != '\n') return false;
    to = rn_scan_skip(f->text, to + 1, " \t");
    char c = rn_scan_at(f->text, to);
    if (c == '\n' || rn_scan_is(f->text, to, ">>>")) {
        *out = (rn_told){.v = &none, .end = to};
        return true;
    }
    *out = (rn_told){.end = to};
    out->v = rn_read_value(f->a, f->text, &out->end);
    return out->v && at_line_end(f->text, out->end);
}

/* What a doctest or an assert statement says of the call at call..end. */
static bool read_statement(rn_finder *f, size_t call, size_t end, rn_example *x)
{
    size_t doctest = line_head(f->text, call, ">>>"), claim = line_head(f->text, call, "assert");
    rn_told told;
    if (doctest != SIZE_MAX) {
        size_t to = expression_end(f->text, call);
        bool whole = doctest == call && to <= end;
        if (doctest == call && !whole) return false; /* "f(1) == 2": a relation, below */
        if (!read_below(f, rn_scan_line_end(f->text, end), &told)) return false;
        x->expected = told.v;
        if (!whole) x->via = via_of(f, doctest, call, end, to);
        return whole || x->via.len > 0;
    }
    if (claim == SIZE_MAX) return false;
    size_t to = expression_end(f->text, end), rel = rn_scan_skip(f->text, end, " \t");
    if (claim == call && rn_scan_is(f->text, rel, "=")) return false; /* a relation, too */
    x->via = via_of(f, claim, call, end, to);
    x->expected = &truth;
    return x->via.len > 0;
}

static void read_call_value(rn_finder *f, size_t call, size_t end, rn_found *found)
{
    rn_example *x = &found->x;
    if (read_statement(f, call, end, x)) return;
    *x = (rn_example){.args = x->args};
    size_t to = rn_skip_relations(f->text, end);
    bool doctest = line_head(f->text, call, ">>>") == call;
    if (to == SIZE_MAX && doctest) to = end; /* ">>> f(1) 2" */
    rn_told told;
    if (to == SIZE_MAX || !rn_read_told(f, to, &told)) return;
    if (told.word && found->kind >= RN_FOUND_WORDS) return;
    x->expected = told.v;
    x->either = told.either;
    found->word = told.word;
}

/* Functions that a text may call without being asked for them. */
static bool is_builtin(rn_bytes name)
{
    static const char *const names[] = {
        "abs",    "all",   "any",    "bin", "bool", "chr",        "dict",   "divmod", "enumerate",
        "filter", "float", "hash",   "hex", "int",  "isinstance", "len",    "list",   "map",
        "max",    "min",   "oct",    "ord", "pow",  "print",      "range",  "repr",   "reversed",
        "round",  "set",   "sorted", "str", "sum",  "tuple",      "type",   "zip",    "def",
        "if",     "and",   "or",     "not", "in",   "is",         "return", "assert", "for",
        "while",  "the",   "of",     "at",  "Note", "sqrt",       "gcd",    "log"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (rn_bytes_is(name, names[i])) return true;
    return false;
}

/* The call whose name is from..to, if it is one. */
static void read_call(rn_finder *f, size_t from, size_t to)
{
    rn_bytes name = rn_scan_slice(f->text, from, to);
    rn_found found = {.at = from};
    size_t before = from;
    while (before > 0 && strchr(" \t", f->text.data[before - 1]))
        before--;
    bool def = before >= 3 && rn_scan_word(f->text, before - 3, "def");
    bool method = from > 0 && f->text.data[from - 1] == '.';
    if (def || (method && !rn_scan_is(f->text, from - (from > 10 ? 11 : from), "Solution().")))
        return;
    if (!rn_bytes_equal(name, f->name)) {
        rn_signature other;
        rn_signature_find(f->text, name, &other);
        if (!f->sig.found || other.found || is_builtin(name)) return;
        found.kind = RN_FOUND_OTHER_NAME;
    }
    arguments args;
    size_t end = to;
    if (!read_arguments(f, &end, &args)) return;
    if (args.words) found.kind = args.long_word ? RN_FOUND_WORDS : RN_FOUND_LETTERS;
    found.x.args = tuple_of(f->a, args.v, args.n);
    if (!found.x.args) f->list.failed = true;
    read_call_value(f, from, end, &found);
    if (found.kind != RN_FOUND_SURE && !found.x.expected) return;
    rn_vec_push(&f->list, found);
}

static void find_calls(rn_finder *f)
{
    for (size_t at = 0; at < f->text.len;) {
        size_t to = rn_scan_name(f->text, at);
        bool word = to > at && rn_is_letter(f->text.data[at]);
        if (word && rn_scan_at(f->text, to) == '(') read_call(f, at, to);
        at = to > at ? to : at + 1;
    }
}

/* ---- the choice among what was found --------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const rn_found *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static bool same_arguments(const rn_lit *x, const rn_lit *y, rn_buf b[2])
{
    rn_buf_clear(&b[0]);
    rn_buf_clear(&b[1]);
    rn_lit_write(x, &b[0]);
    rn_lit_write(y, &b[1]);
    return rn_bytes_equal(rn_buf_view(&b[0]), rn_buf_view(&b[1]));
}

/* Whether words without quotes are values here: every value of the text is one, or a string. */
static bool words_are_values(const rn_finder *f)
{
    size_t n_words = 0, n_strings = 0, n_others = 0;
    for (size_t i = 0; i < f->list.n; i++) {
        const rn_found *x = &f->list.data[i];
        n_words += x->word;
        n_strings += !x->word && x->x.expected && x->x.expected->kind == RN_LIT_STR;
        n_others += !x->word && x->x.expected && x->x.expected->kind != RN_LIT_STR;
    }
    return rn_bytes_is(f->sig.returns, "str") || (n_others == 0 && n_words + n_strings > 1);
}

/* Keeps what is sure, else the least doubtful kind that tells values; each call once, a value from
 * wherever it is told. */
static size_t choose_found(rn_finder *f, rn_example *out)
{
    rn_found *list = f->list.data;
    bool told[RN_FOUND_LETTERS + 1] = {false}, words = words_are_values(f);
    for (size_t i = 0; i < f->list.n; i++) {
        if (list[i].word && !words) list[i].x.expected = NULL;
        told[list[i].kind] |= list[i].x.expected != NULL;
    }
    rn_found_kind use = told[RN_FOUND_SURE]         ? RN_FOUND_SURE
                        : told[RN_FOUND_WORDS]      ? RN_FOUND_WORDS
                        : told[RN_FOUND_OTHER_NAME] ? RN_FOUND_OTHER_NAME
                                                    : RN_FOUND_SURE;
    rn_buf b[2] = {{0}};
    size_t n = 0;
    for (size_t i = 0; i < f->list.n; i++) {
        bool kept = list[i].kind == RN_FOUND_SURE || list[i].kind == use;
        if (use == RN_FOUND_WORDS) kept |= list[i].kind == RN_FOUND_LETTERS;
        if (!kept) continue;
        size_t k = 0;
        while (k < n && !same_arguments(out[k].args, list[i].x.args, b))
            k++;
        if (k < n && !out[k].expected) out[k] = list[i].x;
        if (k == n && n < RN_MAX_EXAMPLES) out[n++] = list[i].x;
    }
    rn_buf_free(&b[0]);
    rn_buf_free(&b[1]);
    return n;
}

/* The first call of a line's statement; builtin: also one of a function of Python's own. */
static rn_bytes called_name(rn_bytes t, size_t at, bool builtin)
{
    size_t line = rn_scan_line_end(t, at);
    for (size_t p = at; p < line;) {
        size_t to = rn_scan_name(t, p);
        rn_bytes name = rn_scan_slice(t, p, to);
        bool call = to > p && rn_is_letter(t.data[p]) && rn_scan_at(t, to) == '(';
        bool method = p > 0 && t.data[p - 1] == '.';
        if (call && !method && (builtin || !is_builtin(name))) return name;
        p = to > p ? to : p + 1;
    }
    return (rn_bytes){0};
}

const char *rn_examples_entry(rn_bytes text, rn_arena *a)
{
    rn_bytes word = rn_bytes_of("assert");
    for (int builtin = 0; builtin < 2; builtin++) /* some sets ask for a `sum` of their own */
        for (size_t at = rn_bytes_find(text, word, 0); at != SIZE_MAX;
             at = rn_bytes_find(text, word, at + 1)) {
            rn_bytes name = called_name(text, at + word.len, builtin);
            if (name.len) return rn_arena_dup(a, name.data, name.len);
        }
    return NULL;
}

int rn_examples_find(rn_bytes text, const char *name, rn_arena *a, rn_example **out, size_t *n,
                     rn_err *err)
{
    *out = NULL;
    *n = 0;
    if (!name) name = rn_examples_entry(text, a);
    const char *dot = name ? strrchr(name, '.') : NULL;
    rn_finder f = {.text = text, .a = a, .name = rn_bytes_of(dot ? dot + 1 : name)};
    rn_example *list = rn_arena_array(a, RN_MAX_EXAMPLES, sizeof *list);
    if (!list) return rn_nomem(err, "examples");
    if (f.name.len) {
        rn_signature_find(text, f.name, &f.sig);
        find_calls(&f);
        rn_find_blocks(&f);
    }
    if (f.list.n) qsort(f.list.data, f.list.n, sizeof *f.list.data, by_place);
    *n = choose_found(&f, list);
    *out = list;
    int rc = rn_vec_ok(&f.list) ? 0 : rn_nomem(err, "examples");
    rn_vec_free(&f.list);
    return rc;
}
