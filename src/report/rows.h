/*
 * rows.h: what leaves a report: typed rows, a table of columns with name, unit and form, which
 * text, CSV, JSON, page and figures are all made from.
 *
 * A new metric is one function that fills rows (views.c) and one line in the list of views: how a
 * score, an interval or an amount looks to people and to programs is decided here alone. Filling:
 *
 *     rn_rows t = {.title = "what one sample costs", .failed = &r->failed};
 *     rn_rows_column(&t, (rn_column){"model", "model", RN_AS_TEXT});
 *     rn_rows_column(&t, (rn_column){"seconds", "wall-time", RN_AS_AMOUNT, RN_UNIT_SECOND});
 *     for (...) {                              // row by row, a call for each column
 *         rn_rows_word(&t, e->model);
 *         rn_rows_value(&t, e->seconds);       // NAN: not known
 *     }
 *     rn_rows_print(&t, &out);                 // or _json, _csv
 *     rn_rows_free(&t);
 *
 * Memory that runs out is sticky (rn_vec, rn_buf): the buffer that is rendered to has failed then.
 */
#ifndef RN_REPORT_ROWS_H
#define RN_REPORT_ROWS_H

#include "cost/amount.h"
#include "stat/boot.h"

/* How a value looks: to people; programs get numbers as they are, flags as true or false. */
typedef enum rn_as {
    RN_AS_TEXT,
    RN_AS_WHOLE,  /* 164 */
    RN_AS_FACTOR, /* 5.08: four digits, no unit */
    RN_AS_AMOUNT, /* 16.9 TFLOP, 2.5 min, $0.05: of the column's unit */
    RN_AS_SCORE,  /* a fraction: 48.2 [43.1, 53.2] %, with its interval where it has one */
    RN_AS_POINTS, /* a difference of fractions: +5.7 [-3.6, +16.1] */
    RN_AS_SHARE,  /* a probability: 97 %, never a certainty that resampling cannot give */
    RN_AS_FLAG,
} rn_as;

/* What an interval's ends are called beside a value "x". */
typedef enum rn_ends {
    RN_ENDS_NONE,
    RN_ENDS_PLAIN,  /* x, lo, hi */
    RN_ENDS_NAMED,  /* x, x_lo, x_hi */
    RN_ENDS_NESTED, /* x: {value, lo, hi, method}; in CSV as NAMED */
} rn_ends;

/* Who a column is for, if not for all. */
enum { RN_FOR_PEOPLE = 1, RN_FOR_JSON = 2, RN_FOR_CSV = 4 };

typedef struct rn_column {
    const char *name, *title; /* for programs; for people */
    rn_as as;
    rn_unit unit; /* of AMOUNT */
    rn_ends ends;
    unsigned only;     /* RN_FOR_...; 0: for all */
    bool may_lack;     /* left out of a JSON object where it is not known */
    const char *model; /* one of a run of columns, one a model: in JSON members of "models" */
} rn_column;

typedef struct rn_datum {
    double v, lo, hi; /* NAN: unknown */
    const char *text; /* TEXT; beside a number: what people read instead where v is NAN */
    const char *mark; /* behind it, for people; NULL: none */
    int64_t k;        /* of a model's column: samples; 0: it affords none and is left out */
    rn_interval_method method;
} rn_datum;

typedef struct rn_rows {
    const char *title; /* above the table; NULL: none */
    rn_arena arena;    /* owns texts */
    RN_VEC(rn_column) column;
    RN_VEC(rn_datum) datum; /* [n_rows, n_columns] */
    rn_buf lead, foot;      /* lines between title and table, and below it */
} rn_rows;

void rn_rows_column(rn_rows *t, rn_column c);
void rn_rows_add_columns(rn_rows *t, const rn_column *list, size_t n);
/* Those of an array. */
#define rn_rows_columns(t, list) rn_rows_add_columns(t, list, sizeof(list) / sizeof *(list))
void rn_rows_text(rn_rows *t, const char *fmt, ...) RN_PRINTF(2, 3);
void rn_rows_word(rn_rows *t, const char *s); /* borrowed; NULL: nothing */
void rn_rows_value(rn_rows *t, double v);
void rn_rows_interval(rn_rows *t, double v, double lo, double hi);
void rn_rows_datum(rn_rows *t, rn_datum d);
void rn_rows_mark(rn_rows *t, const char *mark); /* on the last datum */
bool rn_rows_marked(const rn_rows *t);           /* whether any is */
void rn_rows_free(rn_rows *t);

static inline size_t rn_rows_n(const rn_rows *t)
{
    return t->column.n ? t->datum.n / t->column.n : 0;
}
/* The column of this name; -1 if there is none. */
int rn_rows_find(const rn_rows *t, const char *name);
/* The value of a column in a row. */
static inline const rn_datum *rn_rows_at(const rn_rows *t, size_t row, int column)
{
    return &t->datum.data[row * t->column.n + (size_t)column];
}

/* Appends title, lead, table and foot, a blank line before them; nothing where all are empty.
 * Columns that hold nothing are left out. */
void rn_rows_print(const rn_rows *t, rn_buf *out);
/* Appends the rows as a JSON array of objects. */
void rn_rows_json(const rn_rows *t, rn_buf *out);
/* Appends the rows as CSV, after a line of names if `head`. */
void rn_rows_csv(const rn_rows *t, bool head, rn_buf *out);

/* "16.9 TFLOP" of an amount, "-" where it is NAN, in the arena or "?". */
const char *rn_amount(rn_arena *a, rn_unit unit, double v);

/* "flops", "seconds", "usd": in files; "FLOPs", "wall-time", "money": to people. */
const char *rn_unit_name(rn_unit unit);
const char *rn_unit_words(rn_unit unit);

#endif
