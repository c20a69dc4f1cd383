/*
 * parquet_priv.h: what the files of the Parquet reader share: the schema and the places of the
 * columns' pages (parquet_meta.c), and values out of pages (parquet_page.c).
 *
 * Inner functions return NULL or what is wrong, in words; parquet.c says where.
 */
#ifndef RN_BASE_PARQUET_PRIV_H
#define RN_BASE_PARQUET_PRIV_H

#include "base/base.h"

/* Physical types, by their number in the file. */
enum { PQ_BOOL, PQ_INT32, PQ_INT64, PQ_INT96, PQ_FLOAT, PQ_DOUBLE, PQ_BYTES, PQ_FIXED, PQ_GROUP };

/* How a value is written; PQ_UNREAD: not at all. */
typedef enum rn_pq_show {
    PQ_AS_IS,
    PQ_UNSIGNED,
    PQ_DATE,  /* days since 1970 */
    PQ_MILLI, /* moments since then */
    PQ_MICRO,
    PQ_NANO,
    PQ_UNREAD
} rn_pq_show;

/* A field of the schema; the root is the first. */
typedef struct rn_pq_node {
    rn_bytes name; /* in the footer */
    int type;
    rn_pq_show show;
    bool optional, repeated, list; /* list: a group that holds one repeated field */
    int def, rep;                  /* levels of a value that is there */
    size_t end;                    /* the first field behind this one and what is in it */
    size_t leaf, n_leaves;         /* its columns */
} rn_pq_node;

/* A column of a row group. */
typedef struct rn_pq_chunk {
    int64_t start, end; /* in the file */
    int64_t n_values;
    int codec;
} rn_pq_chunk;

typedef struct rn_pq_group {
    int64_t n_rows;
    rn_pq_chunk *chunks; /* [n_columns] */
} rn_pq_group;

typedef struct rn_pq_meta {
    rn_arena arena;
    rn_pq_node *nodes;
    size_t n_nodes, n_columns;
    rn_pq_group *groups;
    size_t n_groups;
} rn_pq_meta;

/* Reads a footer of a file of file_bytes; `footer` must outlive *out. rn_arena_free(&out->arena)
 * in any case. */
const char *rn_pq_read_footer(rn_bytes footer, int64_t file_bytes, rn_pq_meta *out);

enum { PQ_DATA_PAGE, PQ_INDEX_PAGE, PQ_DICTIONARY_PAGE, PQ_DATA_PAGE_V2 };

typedef struct rn_pq_page {
    int64_t type, size, packed; /* bytes unpacked and in the file */
    int64_t n_values, encoding, def_encoding, rep_encoding;
    int64_t def_bytes, rep_bytes; /* of version 2 */
    bool is_packed;
    size_t header_bytes;
} rn_pq_page;

/* What is returned when the header does not end within s. */
extern const char rn_pq_cut[];
const char *rn_pq_read_page(rn_bytes s, rn_pq_page *out);

/* ---- values ---------------------------------------------------------------------------------- */

/* Runs of equal numbers and packed numbers of `width` bits. */
typedef struct rn_pq_runs {
    rn_bytes s;
    size_t pos;
    int width;
    uint64_t left; /* of this run */
    bool packed;
    uint32_t value;   /* of a run that is not packed */
    uint64_t bit, to; /* the next packed number, and where the packed ones end */
} rn_pq_runs;

/* Integers as differences, in blocks of miniblocks. */
typedef struct rn_pq_delta {
    rn_bytes s;
    size_t pos;
    uint64_t per_block, n_mini, per_mini;
    uint64_t left;      /* values, in all */
    uint64_t in_mini;   /* values left in the miniblock */
    uint64_t mini;      /* its number in the block */
    size_t widths;      /* where the block's bit widths are */
    uint64_t bit;       /* of the next difference */
    uint64_t min, last; /* two's complement */
    bool first;
} rn_pq_delta;

typedef struct rn_pq_value {
    int64_t i;
    double d;
    rn_bytes s; /* borrowed until the column's next page */
} rn_pq_value;

/* A column while it is read; zeroed, then fd, node and chunk are set. */
typedef struct rn_pq_column {
    int fd;
    const rn_pq_node *node;
    int64_t at, end; /* next page, in the file */
    int64_t left;    /* values that no page read so far has */
    int codec;
    rn_buf packed, page, dictionary;
    size_t *words, n_words; /* where the dictionary's values begin; malloc'ed */
    int64_t in_page;        /* values left in the page */
    rn_pq_runs rep, def, index;
    rn_pq_delta delta;
    rn_bytes values;
    size_t pos; /* of the next value in `values`; bits for booleans */
    int64_t encoding;
    bool have; /* the entry at hand */
    int cur_rep, cur_def;
    rn_pq_value cur;
} rn_pq_column;

/* *more: there is an entry at hand: cur_rep, cur_def, and cur where it is a value. */
const char *rn_pq_peek(rn_pq_column *c, bool *more);
void rn_pq_begin(rn_pq_column *c, const rn_pq_chunk *chunk);
void rn_pq_end(rn_pq_column *c); /* frees what it holds */

extern const char rn_pq_nomem[];

#endif
