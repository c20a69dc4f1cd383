/* table.c: lays out a table; see table.h. Widths are in characters, so UTF-8 lines up. */
#include "report/table.h"

#include <stdio.h>
#include <stdlib.h>

void rn_table_cell(rn_table *t, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (t->n_cells == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        const char **cells = realloc(t->cells, cap * sizeof *cells);
        t->failed |= cells == NULL;
        if (!cells) return;
        t->cells = cells;
        t->cap = cap;
    }
    const char *copy = rn_arena_strdup(&t->arena, text);
    t->failed |= copy == NULL;
    t->cells[t->n_cells++] = copy ? copy : "";
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

static void write_row(const rn_table *t, const size_t *widths, size_t row, rn_buf *out)
{
    size_t gap = 0;
    for (size_t c = 0; c < t->n_columns; c++) {
        if (widths[c] == 0) continue;
        const char *cell = t->cells[row * t->n_columns + c];
        size_t w = width(cell);
        pad(out, gap);
        if (c == 0 || (t->last_left && c + 1 == t->n_columns)) {
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

void rn_table_end(rn_table *t, rn_buf *out)
{
    size_t n_rows = t->n_cells / t->n_columns, total = 0;
    size_t *widths = calloc(t->n_columns, sizeof *widths);
    t->failed |= widths == NULL;
    for (size_t c = 0; widths && c < t->n_columns; c++) {
        for (size_t r = 1; r < n_rows; r++) {
            size_t w = width(t->cells[r * t->n_columns + c]);
            if (w > widths[c]) widths[c] = w;
        }
        size_t head = n_rows ? width(t->cells[c]) : 0;
        if (widths[c] && head > widths[c]) widths[c] = head;
        if (widths[c]) total += widths[c] + (total ? 2 : 0);
    }
    if (widths && n_rows) {
        write_row(t, widths, 0, out);
        for (size_t i = 0; i < total; i++)
            rn_buf_putc(out, '-');
        rn_buf_putc(out, '\n');
        for (size_t r = 1; r < n_rows; r++)
            write_row(t, widths, r, out);
    }
    out->failed |= t->failed;
    free(widths);
    free(t->cells);
    rn_arena_free(&t->arena);
    *t = (rn_table){0};
}
