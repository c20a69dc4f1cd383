/*
 * signature.c: see signature.h. A parameter list is split at its commas outside brackets and
 * strings; "name: type = default" is cut at the first ':' and '=' outside of them.
 */
#include "rank/signature.h"

#include "rank/scan_priv.h"

enum { MAX_BORDERS = 16, MAX_TYPE_DEPTH = 4 };

/* ---- reading --------------------------------------------------------------------------------- */

/* The first of `stops` at or behind `at`, outside brackets and strings; `end` if there is none. */
static size_t find_outside(rn_bytes t, size_t at, size_t end, const char *stops)
{
    int depth = 0;
    char quote = 0;
    for (; at < end; at++) {
        char c = t.data[at];
        if (quote) {
            if (c == '\\') at++;
            if (c == quote) quote = 0;
            continue;
        }
        if (depth == 0 && c && strchr(stops, c)) return at;
        if (c == '\'' || c == '"') quote = c;
        if (c == '(' || c == '[' || c == '{') depth++;
        if (c == ')' || c == ']' || c == '}') depth--;
        if (depth < 0) return end;
    }
    return end;
}

static void add_param(rn_signature *s, rn_bytes t, size_t from, size_t to)
{
    size_t colon = find_outside(t, from, to, ":="), equals = find_outside(t, from, to, "=");
    rn_bytes name = rn_bytes_trim(rn_scan_slice(t, from, colon));
    if (name.len == 0 || rn_bytes_is(name, "self") || rn_bytes_is(name, "/")) return;
    if (name.data[0] == '*' || s->n == RN_MAX_PARAMS) {
        s->variadic = true;
        return;
    }
    rn_param *p = &s->p[s->n++];
    *p = (rn_param){.name = name, .optional = equals < to};
    if (colon < equals) p->type = rn_bytes_trim(rn_scan_slice(t, colon + 1, equals));
    if (!p->optional) s->n_required = s->n;
}

/* Behind "def name" that begins at `at`; SIZE_MAX if it does not. */
static size_t match_def(rn_bytes t, size_t at, rn_bytes name)
{
    if (at > 0 && rn_in_name(t.data[at - 1])) return SIZE_MAX;
    size_t p = rn_scan_skip(t, at + 3, " \t");
    if (p == at + 3 || t.len - p < name.len || memcmp(t.data + p, name.data, name.len) != 0)
        return SIZE_MAX;
    p = rn_scan_skip(t, p + name.len, " \t");
    return rn_scan_at(t, p) == '(' ? p : SIZE_MAX;
}

void rn_signature_find(rn_bytes t, rn_bytes name, rn_signature *s)
{
    *s = (rn_signature){0};
    size_t open = SIZE_MAX;
    for (size_t at = rn_bytes_find(t, rn_bytes_of("def"), 0); at != SIZE_MAX && name.len;
         at = rn_bytes_find(t, rn_bytes_of("def"), at + 1))
        if ((open = match_def(t, at, name)) != SIZE_MAX) break;
    if (open == SIZE_MAX) return;
    size_t close = find_outside(t, open + 1, t.len, ")");
    if (close == t.len) return;
    s->found = true;
    for (size_t from = open + 1; from < close;) {
        size_t comma = find_outside(t, from, close, ",");
        add_param(s, t, from, comma);
        from = comma + 1;
    }
    size_t p = rn_scan_skip(t, close + 1, " \t");
    if (rn_scan_at(t, p) == '-' && rn_scan_at(t, p + 1) == '>')
        s->returns = rn_bytes_trim(rn_scan_slice(t, p + 2, find_outside(t, p + 2, t.len, ":")));
}

size_t rn_signature_param(const rn_signature *s, rn_bytes name)
{
    for (size_t i = 0; i < s->n; i++)
        if (rn_bytes_equal(s->p[i].name, name)) return i;
    return RN_MAX_PARAMS;
}

bool rn_signature_takes(const rn_signature *s, size_t n)
{
    return !s->found || s->variadic || (n >= s->n_required && n <= s->n);
}

/* ---- values at the borders ------------------------------------------------------------------- */

/* Literals of each plain type, most telling first. */
static const char *const ints[] = {"0", "1", "-1", "2", "3", "7", "10", "100", "-5", NULL};
static const char *const reals[] = {"0.0", "1.0", "-1.0", "0.5", "2.0", "100.0", NULL};
static const char *const strings[] = {"''",   "'a'",           "'A'", "' '",
                                      "'ab'", "'Hello World'", "'1'", NULL};
static const char *const bools[] = {"True", "False", NULL};
static const char *const int_lists[] = {"[]",          "[1]",          "[0, 0]", "[3, 1, 2]",
                                        "[-1, 2, -3]", "[5, 5, 1, 1]", NULL};
static const char *const real_lists[] = {"[]", "[1.0]", "[0.5, -1.5]", "[3.0, 1.0, 2.0, 1.0]",
                                         NULL};
static const char *const string_lists[] = {"[]", "['a']", "['', 'b']", "['ab', 'c', 'ab', 'Abc']",
                                           NULL};
static const char *const tables[] = {
    "[]", "[[]]", "[[1]]", "[[1, 2], [3, 4]]", "[[0, 1, 0], [1, 1, 0], [0, 0, 1]]", NULL};
static const char *const dicts[] = {"{}", "{'a': 1}", "{'a': 1, 'b': 2}", NULL};

/* The plain literals of an annotation; NULL: none is known. */
static const char *const *of_annotation(rn_bytes t, int depth)
{
    static const struct {
        const char *word;
        const char *const *values;
    } plain[] = {{"int", ints},           {"float", reals},    {"str", strings}, {"bool", bools},
                 {"list", int_lists},     {"List", int_lists}, {"dict", dicts},  {"Dict", dicts},
                 {"Sequence", int_lists}, {"Any", ints}};
    size_t end = rn_scan_name(t, 0);
    if (end == 0 || depth > MAX_TYPE_DEPTH) return NULL;
    rn_bytes head = rn_scan_slice(t, 0, end), inner = {0};
    if (rn_scan_at(t, end) == '[') {
        inner = rn_scan_slice(t, end + 1, t.len);
        inner.data += rn_scan_skip(inner, 0, " ");
        inner.len = t.len - (size_t)(inner.data - t.data);
    }
    if (rn_bytes_is(head, "Optional") || rn_bytes_is(head, "Union"))
        return inner.len ? of_annotation(inner, depth + 1) : NULL;
    bool list = rn_bytes_is(head, "List") || rn_bytes_is(head, "list") ||
                rn_bytes_is(head, "Sequence") || rn_bytes_is(head, "Iterable");
    if (list && inner.len) {
        if (rn_bytes_starts(inner, "List") || rn_bytes_starts(inner, "list")) return tables;
        if (rn_bytes_starts(inner, "str")) return string_lists;
        if (rn_bytes_starts(inner, "float")) return real_lists;
        return int_lists;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (rn_bytes_is(head, plain[i].word)) return plain[i].values;
    return NULL;
}

static const char *const *of_literal(const rn_lit *v)
{
    switch (v->kind) {
    case RN_LIT_BOOL: return bools;
    case RN_LIT_INT: return ints;
    case RN_LIT_FLOAT: return reals;
    case RN_LIT_STR: return strings;
    case RN_LIT_DICT: return dicts;
    case RN_LIT_LIST:
        if (v->n == 0) return int_lists;
        return v->item[0]->kind == RN_LIT_STR     ? string_lists
               : v->item[0]->kind == RN_LIT_FLOAT ? real_lists
               : v->item[0]->kind == RN_LIT_LIST  ? tables
               : v->item[0]->kind == RN_LIT_INT   ? int_lists
                                                  : NULL;
    default: return NULL;
    }
}

/* What parameters are called by habit. */
static const char *const *of_name(rn_bytes name)
{
    static const char *const int_names[] = {"n",   "k",      "x", "y",    "a",     "b",    "m", "i",
                                            "num", "number", "N", "base", "limit", "size", NULL};
    static const char *const string_names[] = {"s",       "t",    "S",    "text",
                                               "string",  "word", "txt",  "sentence",
                                               "message", "str1", "str2", NULL};
    static const char *const list_names[] = {"l",       "lst",  "arr",    "nums", "array",
                                             "numbers", "xs",   "values", "A",    "list1",
                                             "list2",   "lst1", "lst2",   NULL};
    const struct {
        const char *const *names, *const *values;
    } kinds[] = {{int_names, ints}, {string_names, strings}, {list_names, int_lists}};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; kinds[k].names[i]; i++)
            if (rn_bytes_is(name, kinds[k].names[i])) return kinds[k].values;
    return NULL;
}

size_t rn_param_borders(const rn_param *p, const rn_lit *like, rn_arena *a, const rn_lit **out,
                        size_t cap)
{
    const char *const *values = like ? of_literal(like) : NULL;
    if (!values && p) values = of_annotation(p->type, 0);
    if (!values && p && !like) values = of_name(p->name);
    size_t n = 0;
    for (size_t i = 0; values && values[i] && n < cap; i++) {
        size_t at = 0;
        if ((out[n] = rn_lit_parse(a, rn_bytes_of(values[i]), &at))) n++;
    }
    return n;
}
