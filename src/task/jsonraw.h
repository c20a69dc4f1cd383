/*
 * jsonraw.h: walking JSON text without building values, for tests that must keep their exact text:
 * integers of any size (jansson refuses more than 64 bits), NaN and Infinity as Python writes them.
 * Private to src/task.
 */
#ifndef RN_TASK_JSONRAW_H
#define RN_TASK_JSONRAW_H

#include "base/base.h"

enum { RN_JSONRAW_MAX_DEPTH = 200 };

/* The value that starts at *pos (after white space): its text without the white space around it.
 * *pos ends behind it. Checked whole: strings, escapes, numbers, brackets, depth. RN_EFORMAT or
 * RN_ETRUNCATED with the offset. */
int rn_jsonraw_value(rn_bytes text, size_t *pos, rn_bytes *value, rn_err *err);

/* Walks the entries of an array or object whose text is `value` (from rn_jsonraw_value). Start with
 * *pos = 0; 1 with the next entry (key empty for arrays, still quoted for objects), 0 at the end.
 */
int rn_jsonraw_next(rn_bytes value, size_t *pos, rn_bytes *key, rn_bytes *entry, rn_err *err);

static inline bool rn_jsonraw_is(rn_bytes value, char first)
{
    return value.len > 0 && value.data[0] == first;
}
/* The string `text`, which needs no escapes: a key, or a word. */
static inline bool rn_jsonraw_says(rn_bytes value, const char *text)
{
    const size_t n = strlen(text);
    return value.len == n + 2 && memcmp(value.data + 1, text, n) == 0;
}

/* Appends the characters of the JSON string `value`; a lone surrogate becomes U+FFFD. */
void rn_jsonraw_string(rn_bytes value, rn_buf *out);

/* Appends the value in one spelling: no white space outside strings, strings with only the escapes
 * that are needed. Numbers keep their digits. */
void rn_jsonraw_canonical(rn_bytes value, rn_buf *out);

#endif
