/*
 * layout.c: see layout.h. One pass over logical lines: the indent becomes a depth by a stack of
 * widths, as Python's tokenizer counts it; tokens are copied with a blank only between two words.
 */
#include "rank/layout.h"

#include "rank/scan_priv.h"

enum { MAX_INDENTS = 100, TAB = 8 };

typedef struct layout {
    rn_bytes t;
    size_t at;
    rn_buf *out;
    int width[MAX_INDENTS]; /* [depth + 1] */
    int depth;
} layout;

/* Behind the string whose quote is at `at`. */
static size_t string_end(rn_bytes t, size_t at)
{
    char q = t.data[at];
    bool triple = rn_scan_at(t, at + 1) == q && rn_scan_at(t, at + 2) == q;
    for (at += triple ? 3 : 1; at < t.len; at++) {
        if (t.data[at] == '\\')
            at++;
        else if (t.data[at] == '\n' && !triple)
            return at; /* not closed: the line's end closes it */
        else if (t.data[at] == q && !triple)
            return at + 1;
        else if (t.data[at] == q && rn_scan_at(t, at + 1) == q && rn_scan_at(t, at + 2) == q)
            return at + 3;
    }
    return t.len;
}

/* Blanks, comments and, within brackets, line ends. */
static void skip_nothing(layout *l, int brackets)
{
    for (;;) {
        l->at = rn_scan_skip(l->t, l->at, brackets ? " \t\f\r\n" : " \t\f\r");
        char c = rn_scan_at(l->t, l->at);
        if (c == '#')
            while (l->at < l->t.len && l->t.data[l->at] != '\n')
                l->at++;
        else if (c == '\\' && rn_scan_at(l->t, l->at + 1) == '\n')
            l->at += 2;
        else
            return;
    }
}

/* The depth of a line indented by `width` columns. */
static int depth_of(layout *l, int width)
{
    while (l->depth > 0 && l->width[l->depth] > width)
        l->depth--;
    if (width > l->width[l->depth] && l->depth + 1 < MAX_INDENTS) l->width[++l->depth] = width;
    return l->depth;
}

static int read_indent(layout *l)
{
    int width = 0;
    for (; l->at < l->t.len; l->at++) {
        char c = l->t.data[l->at];
        if (c == ' ')
            width++;
        else if (c == '\t')
            width += TAB - width % TAB;
        else if (c != '\f' && c != '\r')
            break;
    }
    return width;
}

/* One token at l->at, which is not blank: a string, a word, or one character. */
static rn_bytes read_token(layout *l)
{
    size_t from = l->at;
    char c = l->t.data[from];
    if (c == '\'' || c == '"')
        l->at = string_end(l->t, from);
    else
        while (l->at < l->t.len && rn_in_name(l->t.data[l->at]))
            l->at++;
    if (l->at == from) l->at++;
    return rn_scan_slice(l->t, from, l->at);
}

static void read_line(layout *l)
{
    int width = read_indent(l), brackets = 0;
    bool word = false, first = true, only_string = false;
    size_t start = l->out->len;
    for (;;) {
        skip_nothing(l, brackets);
        char c = rn_scan_at(l->t, l->at);
        if (l->at >= l->t.len || c == '\n') break;
        rn_bytes token = read_token(l);
        bool string = c == '\'' || c == '"';
        if (first) rn_buf_printf(l->out, "%d ", depth_of(l, width));
        if (word && rn_in_name(c)) rn_buf_putc(l->out, ' ');
        rn_buf_add(l->out, token.data, token.len);
        only_string = first && string;
        brackets += c == '(' || c == '[' || c == '{';
        brackets -= brackets > 0 && (c == ')' || c == ']' || c == '}');
        word = rn_in_name(c);
        first = false;
    }
    l->at++;
    if (first) return;
    if (only_string && rn_buf_ok(l->out)) { /* it stays a statement, whatever it says */
        l->out->len = start;
        rn_buf_printf(l->out, "%d \"", l->depth);
    }
    rn_buf_putc(l->out, '\n');
}

void rn_layout_key(rn_bytes program, rn_buf *out)
{
    layout l = {.t = program, .out = out};
    while (l.at < program.len)
        read_line(&l);
}
