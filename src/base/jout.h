/*
 * jout.h: writing JSON into an rn_buf. Each call puts the comma that belongs before its item; the
 * caller puts the braces and brackets. What is not known is null; numbers have ten digits, so that
 * the text is stable from machine to machine.
 */
#ifndef RN_BASE_JOUT_H
#define RN_BASE_JOUT_H

#include "base/base.h"

/* The comma before an item of an object or array, unless it is the first. */
void rn_jout_item(rn_buf *out);
/* `"name":` with the comma before it. `name` needs no escapes. */
void rn_jout_key(rn_buf *out, const char *name);

/* Opens an object or array as the member `name`, NULL: as an item; `bracket`: "{", "[" or "\n{". */
void rn_jout_open(rn_buf *out, const char *name, const char *bracket);

/* Members of an object. */
void rn_jout_number(rn_buf *out, const char *name, double v); /* not finite: null */
void rn_jout_whole(rn_buf *out, const char *name, int64_t v);
void rn_jout_text(rn_buf *out, const char *name, const char *s); /* NULL and "": null */
void rn_jout_boolean(rn_buf *out, const char *name, bool v);
void rn_jout_raw(rn_buf *out, const char *name, const char *json); /* NULL and "": null */

#endif
