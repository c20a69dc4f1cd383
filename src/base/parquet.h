/*
 * parquet.h: a Parquet file as rows of JSON, one object a row, for readers of JSON lines.
 *
 * Read: every nesting of groups and lists; pages of both versions, plain, by dictionary, run-length
 * and delta (but DELTA_BYTE_ARRAY); uncompressed, Snappy, gzip, Zstandard. What is not read is
 * refused by its name. Lists are arrays, groups objects, dates and times ISO text, bytes text.
 * Pages are read one at a time and column, so that a large file needs little memory. The file is
 * untrusted: every length is checked against what holds it.
 */
#ifndef RN_BASE_PARQUET_H
#define RN_BASE_PARQUET_H

#include "base/base.h"

typedef struct rn_parquet rn_parquet;

/* True if a file begins with `head` (4 bytes or more) as a Parquet file does. */
bool rn_parquet_is(rn_bytes head);

/* Reads the footer of the file behind fd, which stays the caller's and must be open until the
 * close; `path` names it in messages. */
int rn_parquet_open(int fd, const char *path, rn_parquet **out, rn_err *err);
void rn_parquet_close(rn_parquet *p); /* NULL accepted */

/* 1 with the next row appended to *json, without a line end; 0 behind the last; else an error. */
int rn_parquet_row(rn_parquet *p, rn_buf *json, rn_err *err);

#endif
