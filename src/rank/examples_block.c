/*
 * examples_block.c: examples that are no calls: settings of the parameters followed by what comes
 * out, blocks of input and output, tables, arrows; sample input and output of whole programs.
 *
 * A setting is "name = literal", "name : literal" or "name[...]"; settings for all parameters, in a
 * row, make the arguments. The value is the first readable one behind a word like "output" or
 * "return", before the next settings begin.
 */
#include "rank/examples_priv.h"

enum { MAX_DISTANCE = 600 /* bytes between arguments and their value */ };

/* ---- settings -------------------------------------------------------------------------------- */

typedef struct setting {
    rn_bytes name; /* empty: a value alone */
    const rn_lit *v;
} setting;

/* One setting at *at; `alone`: a value without a name will do. */
static bool read_setting(rn_finder *f, size_t *at, bool alone, setting *out)
{
    rn_bytes t = f->text;
    size_t from = rn_scan_skip(t, *at, " \t\r\n`*-"), end = rn_scan_name(t, from);
    *out = (setting){0};
    if (end > from && rn_is_letter(t.data[from])) {
        size_t p = rn_scan_skip(t, end, " \t`");
        char c = rn_scan_at(t, p);
        bool assigned = (c == '=' && rn_scan_at(t, p + 1) != '=') || c == ':';
        if (assigned || (c == '[' && p == end)) {
            out->name = rn_scan_slice(t, from, end);
            p = assigned ? rn_scan_skip(t, p + 1, " \t`") : p;
            out->v = rn_read_value(f->a, t, &p);
            if (out->v) *at = p;
            return out->v != NULL;
        }
    }
    if (!alone) return false;
    if (rn_scan_at(t, from) != '-' && from > 0 && t.data[from - 1] == '-') from--; /* a sign */
    out->v = rn_read_value(f->a, t, &from);
    if (out->v) *at = from;
    return out->v != NULL;
}

/* Settings of all parameters from *at on, as a tuple; NULL if they are not there. `block`: behind
 * "Input:", where names need not be those of the signature. */
static const rn_lit *read_settings(rn_finder *f, size_t *at, bool block)
{
    const rn_lit *v[RN_MAX_PARAMS] = {0}, **item;
    size_t n = 0, p = *at, arity = f->sig.n, n_known = 0;
    setting s[RN_MAX_PARAMS];
    while (n < arity && read_setting(f, &p, block, &s[n])) {
        n_known += rn_signature_param(&f->sig, s[n++].name) != RN_MAX_PARAMS;
        size_t next = rn_scan_skip(f->text, p, " \t\r\n,;`");
        if (rn_scan_word(f->text, next, "and")) next += 3;
        if (n < arity) p = next;
    }
    bool first = n && rn_signature_param(&f->sig, s[0].name) != RN_MAX_PARAMS;
    if (n == 0 || n != arity || (!block && !first)) return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t place = n_known == n ? rn_signature_param(&f->sig, s[i].name) : i;
        if (v[place]) return NULL; /* a name twice */
        v[place] = s[i].v;
    }
    rn_lit *tuple = rn_arena_alloc(f->a, sizeof *tuple);
    item = rn_arena_array(f->a, n + 1, sizeof *item);
    if (!tuple || !item) {
        f->list.failed = true;
        return NULL;
    }
    memcpy(item, v, n * sizeof *item);
    *tuple = (rn_lit){.kind = RN_LIT_TUPLE, .item = item, .n = n};
    *at = p;
    return tuple;
}

/* Where the settings of the next example begin, or the text behind a value may no longer belong to
 * these ones. */
static size_t value_limit(const rn_finder *f, size_t at)
{
    size_t end = at + MAX_DISTANCE < f->text.len ? at + MAX_DISTANCE : f->text.len;
    for (size_t p = at; p < end; p++) {
        if (rn_scan_word(f->text, p, "input") || rn_scan_word(f->text, p, "example") ||
            rn_scan_word(f->text, p, "constraints"))
            return p;
        if (!rn_is_letter(f->text.data[p]) || (p > 0 && rn_in_name(f->text.data[p - 1]))) continue;
        size_t to = rn_scan_name(f->text, p), eq = rn_scan_skip(f->text, to, " \t");
        if (rn_scan_at(f->text, eq) == '=' &&
            rn_signature_param(&f->sig, rn_scan_slice(f->text, p, to)) != RN_MAX_PARAMS)
            return p;
    }
    return end;
}

/* The value that is told behind `at`. */
static bool read_outcome(rn_finder *f, size_t at, rn_told *out)
{
    static const char *const words[] = {"output", "return",  "returns",  "result",
                                        "answer", "outputs", "expected", "gives"};
    size_t limit = value_limit(f, at);
    size_t arrow = rn_skip_relations(f->text, at);
    bool is_word =
        arrow != SIZE_MAX && rn_is_letter(rn_scan_at(f->text, rn_scan_skip(f->text, at, " \t`")));
    if (arrow != SIZE_MAX && !is_word && arrow < limit && rn_read_told(f, arrow, out) && !out->word)
        return true;
    for (size_t p = at; p < limit; p++) {
        size_t len = 0;
        for (size_t i = 0; i < sizeof words / sizeof *words && !len; i++)
            if (rn_scan_word(f->text, p, words[i])) len = strlen(words[i]);
        if (!len) continue;
        size_t to = rn_scan_skip(f->text, p + len, " \t:`*"), end = rn_scan_name(f->text, to);
        /* "Output: name = 3" of a block */
        size_t eq = rn_scan_skip(f->text, end, " \t");
        if (end > to && rn_is_letter(f->text.data[to]) && rn_scan_at(f->text, eq) == '=') to = eq;
        size_t rel = rn_skip_relations(f->text, to);
        if (rn_read_told(f, rel == SIZE_MAX ? to : rel, out) && !out->word) return true;
    }
    return false;
}

static void add_block(rn_finder *f, size_t at, size_t end, const rn_lit *args, bool block)
{
    rn_told told;
    if (!read_outcome(f, end, &told)) return;
    rn_vec_push(&f->list,
                ((rn_found){.x = {.args = args, .expected = told.v, .either = told.either},
                            .at = at,
                            .block = block}));
}

/* Behind "Input:", "Input 1 =" at `at`; SIZE_MAX if it is not there. */
static size_t input_head(rn_bytes t, size_t at)
{
    if (!rn_scan_word(t, at, "input")) return SIZE_MAX;
    size_t p = rn_scan_skip(t, at + 5, " \t0123456789`*");
    char c = rn_scan_at(t, p);
    return c == ':' || c == '=' ? rn_scan_skip(t, p + 1, " \t`*") : SIZE_MAX;
}

static void find_settings(rn_finder *f)
{
    rn_bytes t = f->text;
    for (size_t at = 0; at < t.len;) {
        size_t name_end = rn_scan_name(t, at), end = SIZE_MAX;
        const rn_lit *args = NULL;
        if (name_end == at) {
            at++;
            continue;
        }
        size_t block = input_head(t, at);
        if (block != SIZE_MAX) {
            end = block;
            args = read_settings(f, &end, true);
        } else if (rn_signature_param(&f->sig, rn_scan_slice(t, at, name_end)) != RN_MAX_PARAMS &&
                   !(at > 0 && (t.data[at - 1] == '.' || t.data[at - 1] == '('))) {
            end = at;
            args = read_settings(f, &end, false);
        }
        if (args) add_block(f, at, end, args, block != SIZE_MAX);
        at = args ? end : name_end;
    }
}

/* Where "Input:" begins examples, "nums = [1, 2]" elsewhere belongs to an explanation of one. */
static void keep_blocks(rn_finder *f, size_t from)
{
    bool any = false;
    for (size_t i = from; i < f->list.n; i++)
        any |= f->list.data[i].block;
    size_t n = from;
    for (size_t i = from; i < f->list.n; i++)
        if (!any || f->list.data[i].block) f->list.data[n++] = f->list.data[i];
    f->list.n = n;
}

/* ---- tables and arrows ----------------------------------------------------------------------- */

/* The cell from..to holds one literal and nothing else. */
static const rn_lit *read_cell(rn_finder *f, size_t from, size_t to)
{
    rn_bytes cell = rn_bytes_trim(rn_scan_slice(f->text, from, to));
    while (cell.len && cell.data[0] == '`' && cell.data[cell.len - 1] == '`' && cell.len > 1)
        cell = rn_bytes_trim((rn_bytes){cell.data + 1, cell.len - 2});
    size_t at = 0;
    const rn_lit *v = cell.len ? rn_read_value(f->a, cell, &at) : NULL;
    return v && at == cell.len ? v : NULL;
}

/* A line with a literal for each argument and one for the value, in cells divided by '|'. */
static void read_row(rn_finder *f, size_t from, size_t to)
{
    rn_bytes t = f->text;
    const rn_lit *cell[RN_MAX_PARAMS + 1];
    size_t n = 0;
    size_t at = rn_scan_skip(t, from, " \t*#");
    if (rn_scan_at(t, at) == '|') at++;
    while (at < to && n <= RN_MAX_PARAMS) {
        size_t bar = at;
        while (bar < to && t.data[bar] != '|')
            bar++;
        if (rn_bytes_trim(rn_scan_slice(t, at, bar)).len == 0 && bar == to)
            break; /* behind the last */
        if (!(cell[n] = read_cell(f, at, bar))) return;
        n++;
        at = bar + 1;
    }
    if (n != f->sig.n + 1 || n < 2) return;
    rn_lit *args = rn_arena_alloc(f->a, sizeof *args);
    const rn_lit **item = rn_arena_array(f->a, n, sizeof *item);
    if (!args || !item) {
        f->list.failed = true;
        return;
    }
    memcpy(item, cell, (n - 1) * sizeof *item);
    *args = (rn_lit){.kind = RN_LIT_TUPLE, .item = item, .n = n - 1};
    rn_vec_push(&f->list, ((rn_found){.x = {.args = args, .expected = cell[n - 1]}, .at = from}));
}

/* "[1, 2] -> 3" alone on a line, for a function of one argument. */
static void read_arrow(rn_finder *f, size_t from, size_t to)
{
    rn_bytes t = f->text;
    size_t at = rn_scan_skip(t, from, " \t*-");
    if (at > from && t.data[at - 1] == '-') at--; /* a sign, no bullet */
    const rn_lit *v = at < to ? rn_read_value(f->a, t, &at) : NULL;
    size_t rel = v && at < to ? rn_skip_relations(t, at) : SIZE_MAX;
    if (rel == SIZE_MAX || rel >= to || rn_is_letter(rn_scan_at(t, rn_scan_skip(t, at, " \t`"))))
        return;
    const rn_lit **item = rn_arena_array(f->a, 2, sizeof *item);
    rn_lit *args = rn_arena_alloc(f->a, sizeof *args);
    rn_told told;
    if (!item || !args || !rn_read_told(f, rel, &told) || told.word || told.end > to) return;
    if (rn_scan_skip(t, told.end, " \t.`") < to) return;
    item[0] = v;
    *args = (rn_lit){.kind = RN_LIT_TUPLE, .item = item, .n = 1};
    rn_vec_push(&f->list, ((rn_found){
                              .x = {.args = args, .expected = told.v, .either = told.either},
                              .at = from,
                          }));
}

void rn_find_blocks(rn_finder *f)
{
    if (!f->sig.found || f->sig.n == 0 || f->sig.variadic) return;
    const size_t before = f->list.n;
    find_settings(f);
    keep_blocks(f, before);
    for (size_t at = 0; at < f->text.len;) {
        size_t to = rn_scan_line_end(f->text, at);
        if (memchr(f->text.data + at, '|', to - at)) read_row(f, at, to);
        if (f->sig.n == 1) read_arrow(f, at, to);
        at = to + 1;
    }
}

/* ---- programs that read standard input ------------------------------------------------------- */

/* What a line is to a reader of samples. */
typedef enum { LINE_OTHER, LINE_INPUT, LINE_OUTPUT, LINE_END } line_kind;

/* "Input", "-----Sample Input-----", "Sample Output 2:", "Note", "-----Constraints-----". A heading
 * holds few words. *rest: where text of its own begins behind "Input:" on the same line. */
static line_kind kind_of_line(rn_bytes t, size_t from, size_t to, bool *sample, size_t *rest)
{
    static const char *const ends[] = {"note",        "notes",        "explanation",
                                       "constraints", "explanations", "example",
                                       "examples",    "scoring",      "subtasks"};
    bool ruled = rn_scan_is(t, from, "---");
    size_t at = rn_scan_skip(t, from, " \t-*#");
    *rest = to;
    *sample = rn_scan_word(t, at, "sample") || rn_scan_word(t, at, "example");
    size_t head = at;
    if (*sample) head = rn_scan_skip(t, rn_scan_name(t, at), " \t0123456789:-");
    line_kind kind = rn_scan_word(t, head, "input")    ? LINE_INPUT
                     : rn_scan_word(t, head, "output") ? LINE_OUTPUT
                                                       : LINE_OTHER;
    if (kind != LINE_OTHER) {
        size_t tail = rn_scan_skip(t, rn_scan_name(t, head), " \t0123456789-*#");
        if (rn_scan_at(t, tail) == ':') {
            tail = rn_scan_skip(t, tail + 1, " \t*-");
            *rest = tail < to ? tail : to;
            return kind;
        }
        return tail >= to ? kind : LINE_OTHER;
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (rn_scan_word(t, at, ends[i])) {
            size_t tail = rn_scan_skip(t, rn_scan_name(t, at), " \t0123456789-*#:");
            if (ruled || tail >= to) return LINE_END;
        }
    return ruled && to - from > 6 ? LINE_END : LINE_OTHER;
}

/* Lines without blank ones at both ends, each ended by '\n'. */
static rn_bytes tidy(rn_arena *a, rn_bytes t, size_t from, size_t to)
{
    rn_bytes all = rn_scan_slice(t, from, to);
    while (all.len && strchr("\r\n", all.data[0]))
        all.data++, all.len--;
    while (all.len && strchr(" \t\r\n", all.data[all.len - 1]))
        all.len--;
    char *s = rn_arena_alloc(a, all.len + 2);
    if (!s) return (rn_bytes){0};
    size_t n = 0;
    for (size_t i = 0; i < all.len; i++)
        if (all.data[i] != '\r') s[n++] = all.data[i];
    if (n) s[n++] = '\n';
    return (rn_bytes){s, n};
}

/* The output without an explanation: a blank line and behind it a line of several words. */
static size_t output_end(rn_bytes t, size_t from, size_t to)
{
    bool any = false, blank = false;
    for (size_t at = from; at < to;) {
        size_t end = rn_scan_line_end(t, at), first = rn_scan_skip(t, at, " \t"), words = 0;
        bool empty = first >= end;
        for (size_t p = first; p < end; p++)
            words += rn_is_letter(t.data[p]) && (p == at || !rn_in_name(t.data[p - 1]));
        if (any && blank && words >= 4) return at;
        blank |= empty && any;
        any |= !empty;
        at = end + 1;
    }
    return to;
}

int rn_examples_stdin(rn_bytes t, rn_arena *a, rn_sample_io **out, size_t *n, rn_err *err)
{
    rn_sample_io *list = rn_arena_array(a, RN_MAX_EXAMPLES, sizeof *list);
    if (!list) return rn_nomem(err, "sample input and output");
    *n = 0;
    line_kind state = LINE_OTHER;
    bool samples = false; /* behind a heading that says "sample" or "example" */
    rn_bytes input = {0};
    size_t from = 0;
    for (size_t at = 0; at <= t.len;) {
        size_t to = rn_scan_line_end(t, at), rest = to;
        bool named;
        line_kind kind = at == t.len ? LINE_END : kind_of_line(t, at, to, &named, &rest);
        if (kind != LINE_OTHER) {
            if (state == LINE_INPUT && kind == LINE_OUTPUT) input = tidy(a, t, from, at);
            if (state == LINE_OUTPUT && input.len && *n < RN_MAX_EXAMPLES) {
                rn_bytes output = tidy(a, t, from, output_end(t, from, at));
                if (output.len) list[(*n)++] = (rn_sample_io){input, output};
                input = (rn_bytes){0};
            }
            size_t head = rn_scan_skip(t, at, " \t-*#");
            if (kind == LINE_END)
                samples = rn_scan_word(t, head, "example") || rn_scan_word(t, head, "examples");
            else
                samples |= named;
            bool used = samples && kind != LINE_END;
            state = used ? kind : LINE_END;
            from = rest < to ? rest : to;
        }
        /* The end of the text ends the last block, behind a line end or not. */
        at = to == t.len && at < t.len ? t.len : to + 1;
    }
    *out = list;
    return 0;
}
