/*
 * jstream.h: walks through one large JSON value without holding it: the caller enters containers
 * and takes the raw bytes of the members that it wants, one at a time, to be parsed by jansson.
 *
 *     rn_js_enter(js, '{')  while (rn_js_next(js, '}', &first) > 0) { rn_js_key(...);
 * rn_js_value(...); }
 *
 * Memory: one value at a time, up to the limit that the caller gives. Only the structure on the way
 * is checked here; a raw value is found by its brackets and strings, and checked when it is parsed.
 */
#ifndef RN_STORE_JSTREAM_H
#define RN_STORE_JSTREAM_H

#include "base/file.h"

typedef struct rn_js rn_js;

/* Takes over nothing: close r after js. */
int rn_js_new(rn_reader *r, rn_js **out, rn_err *err);
void rn_js_free(rn_js *js);
int64_t rn_js_line(const rn_js *js); /* 1-based, of the next byte */

/* The next byte that is no space, not consumed; 0 at the end of input; negative on error. */
int rn_js_peek(rn_js *js, rn_err *err);
/* Consumes `open`, '{' or '['. */
int rn_js_enter(rn_js *js, char open, rn_err *err);
/* 1: another member follows (its comma is consumed); 0: `close` was consumed. *first starts true.
 */
int rn_js_next(rn_js *js, char close, bool *first, rn_err *err);
/* A member's key, decoded, and its colon; borrowed until the next call. */
int rn_js_key(rn_js *js, rn_bytes *key, rn_err *err);
/* The raw bytes of the next value; borrowed until the next call. *line: where it starts. RN_ELIMIT
 * when it is longer than max_bytes. */
int rn_js_value(rn_js *js, size_t max_bytes, rn_bytes *raw, int64_t *line, rn_err *err);
/* The rest of the line without its end, when rows stand one per line: 1; 0 at the end of input;
 * negative on error, RN_ELIMIT when it is longer than max_bytes and was passed over. Borrowed as
 * above. */
int rn_js_row(rn_js *js, size_t max_bytes, rn_bytes *raw, int64_t *line, rn_err *err);
/* The line at the next byte as far as its end is read already, else empty; borrowed until the next
 * call. */
rn_bytes rn_js_seen(const rn_js *js);
/* Only spaces may follow. */
int rn_js_end(rn_js *js, rn_err *err);

#endif
