/* table.h: a table of text: cells are added row by row, columns become as wide as they need. */
#ifndef RN_REPORT_TABLE_H
#define RN_REPORT_TABLE_H

#include "base/arena.h"

typedef struct rn_table {
    rn_arena arena; /* owns the cells */
    const char **cells;
    size_t n_cells, cap, n_columns;
    bool last_left; /* the last column is text: flush left as the first one */
    bool failed;
} rn_table;

/* Zero-initialised with the number of columns; the first row is the head. */
void rn_table_cell(rn_table *t, const char *fmt, ...) RN_PRINTF(2, 3);
/* Appends the rows: the first column flush left, the others flush right, two spaces apart, a rule
 * under the head. Columns whose body is empty throughout are left out. Frees the table. */
void rn_table_end(rn_table *t, rn_buf *out);

#endif
