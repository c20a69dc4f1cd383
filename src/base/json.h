/*
 * json.h: what every reader of JSON here needs on top of jansson: parse errors and missing or
 * mistyped fields as an rn_err that names the file, the line and the field.
 */
#ifndef RN_BASE_JSON_H
#define RN_BASE_JSON_H

#include "base/base.h"

#include <jansson.h>

/* Where a value came from; `line` is 0 when lines have no meaning. */
typedef struct rn_json_at {
    const char *path; /* borrowed */
    int64_t line;
} rn_json_at;

/* Parses exactly one value (duplicate keys are refused, NUL characters allowed in strings). *out is
 * the caller's: json_decref. */
int rn_json_parse(rn_bytes text, rn_json_at at, json_t **out, rn_err *err);

/* The same of what Python's json writes beyond JSON: NaN and Infinity become null, an integer
 * beyond 64 bits a string of its digits; a lone surrogate, which no UTF-8 holds, becomes a mark
 * (*marked), which rn_json_unmark turns into its three bytes: *text may then lie in *out. False: no
 * memory. */
int rn_json_parse_python(rn_bytes text, rn_json_at at, json_t **out, bool *marked, rn_err *err);
bool rn_json_unmark(rn_bytes *text, rn_buf *out);

/* Fields of an object; the results are borrowed from `obj`. A required field that is absent or of
 * the wrong type is RN_EFORMAT with file, line and field. The _opt forms leave *out alone when the
 * field is absent or null. */
int rn_json_bytes(const json_t *obj, const char *key, rn_json_at at, rn_bytes *out, rn_err *err);
int rn_json_bytes_opt(const json_t *obj, const char *key, rn_json_at at, rn_bytes *out,
                      rn_err *err);
int rn_json_int(const json_t *obj, const char *key, rn_json_at at, int64_t *out, rn_err *err);
int rn_json_int_opt(const json_t *obj, const char *key, rn_json_at at, int64_t *out, rn_err *err);
int rn_json_real_opt(const json_t *obj, const char *key, rn_json_at at, double *out, rn_err *err);
int rn_json_array(const json_t *obj, const char *key, rn_json_at at, json_t **out, rn_err *err);
int rn_json_array_opt(const json_t *obj, const char *key, rn_json_at at, json_t **out, rn_err *err);

#endif
