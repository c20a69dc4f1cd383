/* table.h: a table of text: cells are added row by row, columns become as wide as they need. */
#ifndef RN_BASE_TABLE_H
#define RN_BASE_TABLE_H

#include "base/base.h"

typedef struct rn_table {
    rn_arena arena; /* owns the cells */
    RN_VEC(const char *) cells;
    size_t n_columns;
    uint64_t left; /* bit c: column c is text, flush left as the first one always is */
} rn_table;

/* Zero-initialised with the number of columns; the first row is the head. */
void rn_table_cell(rn_table *t, const char *fmt, ...) RN_PRINTF(2, 3);
/* Appends the rows: the first column flush left, the others flush right, two spaces apart, a rule
 * under the head. Columns whose body is empty throughout are left out. A last column of text that
 * would go beyond RN_LINE is wrapped, in place or, where little room is left, on lines of its own;
 * texts of the first column are shortened in their middle where the table is wider than that and
 * they still differ.
 * Frees the table. */
void rn_table_end(rn_table *t, rn_buf *out);

#endif
