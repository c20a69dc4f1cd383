/*
 * buf.h: byte strings. rn_bytes is a borrowed view; rn_buf owns and grows.
 *
 * An rn_buf is always NUL-terminated after its `len` bytes (when `data` is not NULL), but may hold
 * NUL bytes itself. The first failed growth makes it sticky: later appends do nothing and
 * rn_buf_ok() is false, so that a writer checks once at the end.
 */
#ifndef RN_BASE_BUF_H
#define RN_BASE_BUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct rn_bytes {
    const char *data; /* may hold NUL bytes; NULL only when len is 0 */
    size_t len;
} rn_bytes;

/* A view of a NUL-terminated string; borrowed. NULL gives the empty view. */
static inline rn_bytes rn_bytes_of(const char *s)
{
    return (rn_bytes){.data = s, .len = s ? strlen(s) : 0};
}

/* The word for n things: rn_plural(n, "sample", "samples"), rn_plural(n, "has", "have"). */
static inline const char *rn_plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static inline bool rn_bytes_equal(rn_bytes a, rn_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool rn_bytes_starts(rn_bytes s, const char *prefix);
/* The offset of the first occurrence of needle (not empty) at or after `from`; SIZE_MAX if none. */
size_t rn_bytes_find(rn_bytes s, rn_bytes needle, size_t from);
/* Bytes of the valid UTF-8 character at s, which has `left` bytes; 0 if there is none. */
size_t rn_utf8_len(const char *s, size_t left);
/* True if s is valid UTF-8 (no surrogates, no overlong forms); else *bad_at (may be NULL) is the
 * offset of the first bad byte. */
bool rn_utf8_valid(rn_bytes s, size_t *bad_at);

typedef struct rn_buf {
    char *data; /* owned; rn_buf_free */
    size_t len, cap;
    bool failed;
} rn_buf;

void rn_buf_free(rn_buf *b);  /* NULL accepted; *b is empty and usable afterwards */
void rn_buf_clear(rn_buf *b); /* keeps the memory */
bool rn_buf_reserve(rn_buf *b, size_t extra);
void rn_buf_add(rn_buf *b, const void *data, size_t len);
void rn_buf_puts(rn_buf *b, const char *s);
void rn_buf_putc(rn_buf *b, char c);
/* The UTF-8 of a code point; halves of pairs in three bytes, as if they were characters. */
void rn_buf_utf8(rn_buf *b, uint32_t u);
void rn_buf_printf(rn_buf *b, const char *fmt, ...) RN_PRINTF(2, 3);
/* Characters of a line of a screen, most. */
enum { RN_LINE = 100 };
/* Appends the words of s in lines up to RN_LINE: the first begins at column `at`, where the
 * buffer's line has come to, further ones are indented. `commands` in these quotes are words. Ends
 * without a newline. */
void rn_buf_wrapped(rn_buf *b, const char *s, size_t indent, size_t at);
/* Appends s as one word for a shell, in quotes where it needs them. */
void rn_buf_word(rn_buf *b, const char *s);
/* Appends s as a field of CSV, in quotes where it needs them. */
void rn_buf_csv(rn_buf *b, rn_bytes s);
/* Appends s as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void rn_buf_json(rn_buf *b, rn_bytes s);
static inline bool rn_buf_ok(const rn_buf *b)
{
    return !b->failed;
}
static inline rn_bytes rn_buf_view(const rn_buf *b)
{
    return (rn_bytes){.data = b->data, .len = b->len};
}
/* Hands the memory to the caller (free with free()); never NULL unless the buffer failed. */
char *rn_buf_take(rn_buf *b);

#endif
