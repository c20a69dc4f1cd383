/* table.c: lays out a table; see table.h. Widths are in characters, so UTF-8 lines up. */
#include "base/table.h"

enum { LEAST_ROOM = 24, OWN_INDENT = 4 }; /* of a wrapped column, in characters */

void rn_table_cell(rn_table *t, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *copy = rn_arena_strdup(&t->arena, text);
    t->cells.failed |= !copy;
    rn_vec_push(&t->cells, copy);
}

/* Characters, not bytes: continuation bytes do not count. */
static size_t width(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static void pad(rn_buf *out, size_t n)
{
    while (n-- > 0)
        rn_buf_putc(out, ' ');
}

/* The column that is wrapped, the last one if it is text, and where its lines begin; -1: none. */
static int find_wrapped(const rn_table *t, const size_t *widths, size_t total, size_t *indent)
{
    size_t last = t->n_columns;
    while (last > 0 && widths[last - 1] == 0)
        last--;
    if (total <= RN_LINE || last < 2 || last > 64 || !(t->left >> (last - 1) & 1)) return -1;
    const size_t at = total - widths[last - 1];
    *indent = at + LEAST_ROOM <= RN_LINE ? at : OWN_INDENT;
    return (int)(last - 1);
}

static void write_row(const rn_table *t, const size_t *widths, size_t row, size_t total,
                      rn_buf *out)
{
    size_t gap = 0, indent = 0;
    const int wrapped = find_wrapped(t, widths, total, &indent);
    for (size_t c = 0; c < t->n_columns; c++) {
        if (widths[c] == 0) continue;
        const char *cell = t->cells.data[row * t->n_columns + c];
        size_t w = width(cell);
        const size_t begin = total - widths[c]; /* of the last column */
        const bool below = (int)c == wrapped && indent < begin && begin + w > RN_LINE;
        if (below)
            rn_buf_printf(out, "\n%*s", (int)indent, "");
        else
            pad(out, gap);
        if ((int)c == wrapped)
            rn_buf_wrapped(out, cell, indent, below ? indent : begin);
        else if (c == 0 || (c < 64 && t->left >> c & 1)) {
            rn_buf_puts(out, cell);
            gap = 2 + widths[c] - w;
        } else {
            pad(out, widths[c] - w);
            rn_buf_puts(out, cell);
            gap = 2;
        }
    }
    while (out->len && out->data[out->len - 1] == ' ') /* a line has no blanks at its end */
        out->data[--out->len] = '\0';
    rn_buf_putc(out, '\n');
}

/* Where character n of a text begins. */
static const char *at_character(const char *s, size_t n)
{
    for (; *s && n; n--)
        s += rn_utf8_len(s, strlen(s)) ? rn_utf8_len(s, strlen(s)) : 1;
    return s;
}

/* A text in at most `most` characters: its beginning, dots, its end. NULL: out of memory. */
static const char *shorten(rn_arena *a, const char *s, size_t most)
{
    const size_t w = width(s), end = (most - 1) / 2, begin = most - 1 - end;
    if (w <= most) return s;
    return rn_arena_printf(a, "%.*s\xe2\x80\xa6%s", (int)(at_character(s, begin) - s), s,
                           at_character(s, w - end));
}

/* Cells of the first column to at most `most` characters. False, and nothing is changed, where rows
 * that lie close could not be told apart then. */
static bool shorten_first(rn_table *t, size_t n_rows, size_t most)
{
    enum { CLOSE = 64 };
    const char **of = calloc(n_rows, sizeof *of);
    bool ok = of != NULL;
    for (size_t r = 1; ok && r < n_rows; r++) {
        const char *whole = t->cells.data[r * t->n_columns];
        ok = (of[r] = shorten(&t->arena, whole, most)) != NULL;
        for (size_t k = r > CLOSE ? r - CLOSE : 1; ok && k < r; k++)
            ok = strcmp(of[r], of[k]) != 0 || strcmp(whole, t->cells.data[k * t->n_columns]) == 0;
    }
    for (size_t r = 1; ok && r < n_rows; r++)
        t->cells.data[r * t->n_columns] = of[r];
    free(of);
    return ok;
}

void rn_table_end(rn_table *t, rn_buf *out)
{
    enum { LEAST_NAME = 12 };
    size_t n_rows = t->cells.n / t->n_columns, total = 0;
    size_t *widths = calloc(t->n_columns, sizeof *widths);
    if (!rn_vec_ok(&t->cells)) n_rows = 0;
    for (size_t c = 0; widths && c < t->n_columns; c++) {
        for (size_t r = 1; r < n_rows; r++) {
            size_t w = width(t->cells.data[r * t->n_columns + c]);
            if (w > widths[c]) widths[c] = w;
        }
        size_t head = n_rows ? width(t->cells.data[c]) : 0;
        if (widths[c] && head > widths[c]) widths[c] = head;
        if (widths[c]) total += widths[c] + (total ? 2 : 0);
    }
    if (total > RN_LINE && widths && widths[0] > LEAST_NAME && t->n_columns > 1) {
        const size_t over = total - RN_LINE, had = widths[0];
        size_t most = had > LEAST_NAME + over ? had - over : LEAST_NAME;
        if (n_rows && width(t->cells.data[0]) > most) most = width(t->cells.data[0]);
        if (shorten_first(t, n_rows, most)) {
            widths[0] = most;
            total -= had - most;
        }
    }
    if (widths && n_rows) {
        write_row(t, widths, 0, total, out);
        for (size_t i = 0; i < total && i < RN_LINE; i++)
            rn_buf_putc(out, '-');
        rn_buf_putc(out, '\n');
        for (size_t r = 1; r < n_rows; r++)
            write_row(t, widths, r, total, out);
    }
    out->failed |= !widths || !rn_vec_ok(&t->cells);
    free(widths);
    rn_vec_free(&t->cells);
    rn_arena_free(&t->arena);
    *t = (rn_table){0};
}
