/* examples.c: see examples.h. */
#include "rank/examples.h"

#include <stdlib.h>

enum { TRIES_PER_INPUT = 20, MAX_INPUT_BYTES = 4096, SCRATCH_BYTES = 1 << 20 };

typedef struct finder {
    rn_bytes text;
    rn_arena *a;
    rn_example *list; /* [RN_MAX_EXAMPLES] */
    size_t n;
} finder;

static bool in_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* "f" in "g.f(", "xf(" and "def f(" is no call of f. */
static bool is_call(rn_bytes text, size_t at)
{
    if (at == 0) return true;
    char before = text.data[at - 1];
    if (in_name(before) || before == '.') return false;
    while (at > 0 && (text.data[at - 1] == ' ' || text.data[at - 1] == '\t'))
        at--;
    bool def = at >= 3 && memcmp(text.data + at - 3, "def", 3) == 0;
    return !def || (at > 3 && in_name(text.data[at - 4]));
}

static size_t skip(rn_bytes text, size_t at, const char *chars)
{
    while (at < text.len && text.data[at] && strchr(chars, text.data[at]))
        at++;
    return at;
}

/* Behind one relation at `at`; SIZE_MAX if there is none. */
static size_t skip_relation(rn_bytes text, size_t at)
{
    /* Longer ones before their own beginnings; U+279E, U+2192, U+21D2, U+21A6 are arrows. */
    static const char *const words[] = {
        "==>",          "==",           "=>",           "-->",          "->",     "=",
        "\xe2\x9e\x9e", "\xe2\x86\x92", "\xe2\x87\x92", "\xe2\x86\xa6", "should", "must",
        "will",         "would",        "returns",      "return",       "be",     "gives",
        "give",         "equals",       "outputs",      "is",           "#",      "//"};
    at = skip(text, at, " \t`");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]), end = at + len;
        if (text.len - at < len || memcmp(text.data + at, words[i], len) != 0) continue;
        bool word = words[i][0] >= 'a' && words[i][0] <= 'z';
        if (word && end < text.len && in_name(text.data[end])) continue;
        return skip(text, end, " \t:`");
    }
    return SIZE_MAX;
}

/* Behind the words between a call and its value, "should return" or "# =>"; SIZE_MAX: none. */
static size_t skip_relations(rn_bytes text, size_t at)
{
    size_t end = SIZE_MAX;
    for (int i = 0; i < 3 && at != SIZE_MAX; i++)
        if ((at = skip_relation(text, at)) != SIZE_MAX) end = at;
    return end;
}

/* The value at *to; also true and false as people write them. */
static const rn_lit *read_expected(rn_arena *a, rn_bytes text, size_t *to)
{
    static const rn_lit truth[] = {{.kind = RN_LIT_BOOL}, {.kind = RN_LIT_BOOL, .i = 1}};
    static const char *const words[] = {"false", "true"};
    const rn_lit *v = rn_lit_parse(a, text, to);
    for (size_t i = 0; !v && i < 2; i++) {
        size_t end = *to + strlen(words[i]);
        if (end > text.len || memcmp(text.data + *to, words[i], end - *to) != 0) continue;
        *to = end;
        v = &truth[i];
    }
    return v;
}

/* A value ends where nothing goes on that would make it part of an expression. */
static bool ends_value(rn_bytes text, size_t at, bool line)
{
    size_t next = skip(text, at, " \t");
    if (next == text.len || text.data[next] == '\n' || text.data[next] == '\r') return true;
    if (line) return false;
    return !strchr("+-*/%([{<>=&|^@", text.data[next]) && !(next == at && in_name(text.data[at]));
}

static bool prompt_before(rn_bytes text, size_t at)
{
    while (at > 0 && (text.data[at - 1] == ' ' || text.data[at - 1] == '\t'))
        at--;
    return at >= 3 && memcmp(text.data + at - 3, ">>>", 3) == 0;
}

/* The value behind a call that began at `call` and ended at `at`; NULL unknown. */
static const rn_lit *find_value(finder *f, size_t call, size_t at)
{
    size_t to = skip_relations(f->text, at);
    bool line = to == SIZE_MAX;
    if (line) { /* doctest: alone on the next line */
        to = skip(f->text, at, " \t");
        if (!prompt_before(f->text, call) || to == f->text.len) return NULL;
        if (f->text.data[to] == '\r') to++;
        if (to == f->text.len || f->text.data[to] != '\n') return NULL;
        to = skip(f->text, to + 1, " \t");
        if (to < f->text.len && (f->text.data[to] == '\n' || f->text.data[to] == '>')) return NULL;
    }
    const rn_lit *v = read_expected(f->a, f->text, &to);
    return v && ends_value(f->text, to, line) ? v : NULL;
}

static bool equal_source(const rn_lit *x, const rn_lit *y, rn_buf b[2])
{
    rn_buf_clear(&b[0]);
    rn_buf_clear(&b[1]);
    rn_lit_write(x, &b[0]);
    rn_lit_write(y, &b[1]);
    return rn_bytes_equal(rn_buf_view(&b[0]), rn_buf_view(&b[1]));
}

/* A call that was there already may bring a value that was unknown. */
static void add(finder *f, const rn_lit *args, const rn_lit *expected)
{
    rn_buf b[2] = {{0}};
    size_t i = 0;
    while (i < f->n && !equal_source(f->list[i].args, args, b))
        i++;
    rn_buf_free(&b[0]);
    rn_buf_free(&b[1]);
    if (i < f->n) {
        if (!f->list[i].expected) f->list[i].expected = expected;
        return;
    }
    if (f->n < RN_MAX_EXAMPLES) f->list[f->n++] = (rn_example){.args = args, .expected = expected};
}

int rn_examples_find(rn_bytes text, const char *name, rn_arena *a, rn_example **out, size_t *n,
                     rn_err *err)
{
    finder f = {.text = text, .a = a};
    rn_bytes needle = rn_bytes_of(name);
    f.list = rn_arena_array(a, RN_MAX_EXAMPLES, sizeof *f.list);
    if (!f.list) return rn_fail(err, RN_ENOMEM, "out of memory for examples");
    for (size_t at = needle.len ? rn_bytes_find(text, needle, 0) : SIZE_MAX; at != SIZE_MAX;
         at = rn_bytes_find(text, needle, at + 1)) {
        size_t end = at + needle.len;
        if (!is_call(text, at)) continue;
        const rn_lit *args = rn_lit_parse_args(a, text, &end);
        if (args) add(&f, args, find_value(&f, at, end));
    }
    *out = f.list;
    *n = f.n;
    return 0;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

/* Inputs while they are gathered. */
typedef struct gather {
    rn_arena *a;
    rn_input *list;
    size_t n;
    rn_buf text;
} gather;

/* True when it was new and small enough. RN_ENOMEM through *rc. */
static bool take(gather *g, const rn_lit *args, const rn_lit *expected, int *rc)
{
    rn_buf_clear(&g->text);
    rn_lit_write(args, &g->text);
    if (g->text.len > MAX_INPUT_BYTES) return false;
    for (size_t i = 0; i < g->n; i++)
        if (rn_bytes_equal(g->list[i].args, rn_buf_view(&g->text))) return false;
    rn_input in = {{rn_arena_dup(g->a, g->text.data ? g->text.data : "", g->text.len), g->text.len},
                   {0}};
    if (expected) {
        rn_buf_clear(&g->text);
        rn_lit_write(expected, &g->text);
        in.expected = (rn_bytes){rn_arena_dup(g->a, g->text.data ? g->text.data : "", g->text.len),
                                 g->text.len};
    }
    if (!rn_buf_ok(&g->text) || !in.args.data || (expected && !in.expected.data)) {
        *rc = RN_ENOMEM;
        return false;
    }
    g->list[g->n++] = in;
    return true;
}

/* An example's arguments with one to three changes; NULL: memory is out. */
static const rn_lit *change(const rn_example *ex, size_t n, rn_rng *rng, rn_arena *a)
{
    const rn_lit *base = ex[rn_rng_below(rng, n)].args;
    const rn_lit **item = rn_arena_array(a, base->n + 1, sizeof *item);
    rn_lit *out = rn_arena_alloc(a, sizeof *out);
    if (!item || !out) return NULL;
    if (base->n) memcpy(item, base->item, base->n * sizeof *item);
    *out = (rn_lit){.kind = RN_LIT_TUPLE, .item = item, .n = base->n};
    uint64_t changes = 1 + rn_rng_below(rng, 3);
    for (uint64_t c = 0; base->n && c < changes; c++) {
        size_t i = (size_t)rn_rng_below(rng, base->n);
        const rn_lit *other = ex[rn_rng_below(rng, n)].args;
        bool cross = rn_rng_below(rng, 4) == 0 && other->n == base->n;
        item[i] = cross ? other->item[i] : rn_lit_mutate(item[i], rng, a);
        if (!item[i]) return NULL;
    }
    return out;
}

int rn_inputs_make(rn_bytes text, const char *name, uint64_t seed, uint64_t stream, size_t want,
                   rn_arena *a, rn_input **out, size_t *n, size_t *n_examples, rn_err *err)
{
    rn_example *ex;
    size_t n_ex;
    int rc = rn_examples_find(text, name, a, &ex, &n_ex, err);
    if (rc) return rc;
    gather g = {.a = a};
    g.list = rn_arena_array(a, want + 1, sizeof *g.list);
    if (!g.list) return rn_fail(err, RN_ENOMEM, "out of memory for inputs");
    for (size_t i = 0; i < n_ex && g.n < want && !rc; i++)
        take(&g, ex[i].args, ex[i].expected, &rc);
    *n_examples = g.n;
    rn_rng rng;
    rn_rng_init(&rng, seed, stream, 0);
    rn_arena scratch = {0};
    for (size_t t = 0; n_ex && g.n < want && t < TRIES_PER_INPUT * want && !rc; t++) {
        const rn_lit *args = change(ex, n_ex, &rng, &scratch);
        if (args)
            take(&g, args, NULL, &rc);
        else
            rc = RN_ENOMEM;
        if (scratch.used_bytes > SCRATCH_BYTES) rn_arena_free(&scratch);
    }
    rn_arena_free(&scratch);
    rn_buf_free(&g.text);
    if (rc) return rn_fail(err, rc, "out of memory for inputs");
    *out = g.list;
    *n = g.n;
    return 0;
}
