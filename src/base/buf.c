/*
 * buf.c: growing memory, byte strings and arrays (vec.h), and UTF-8 checks.
 *
 * The UTF-8 rules are those of RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
 */
#include "base/buf.h"

#include "base/vec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

bool rn_bytes_starts(rn_bytes s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

size_t rn_bytes_find(rn_bytes s, rn_bytes needle, size_t from)
{
    if (from >= s.len || needle.len == 0) return SIZE_MAX;
    const char *at = memmem(s.data + from, s.len - from, needle.data, needle.len);
    return at ? (size_t)(at - s.data) : SIZE_MAX;
}

/* Length of the valid UTF-8 sequence at p, 0 if there is none. */
size_t rn_utf8_len(const char *s, size_t left)
{
    if (left == 0) return 0;
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || n > left) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
    if (p[0] == 0xED && p[1] > 0x9F) return 0;
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
    return n;
}

bool rn_utf8_valid(rn_bytes s, size_t *bad_at)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = rn_utf8_len(s.data + i, s.len - i);
        if (n == 0) {
            if (bad_at) *bad_at = i;
            return false;
        }
        i += n;
    }
    return true;
}

void rn_buf_free(rn_buf *b)
{
    if (!b) return;
    free(b->data);
    *b = (rn_buf){0};
}

void rn_buf_clear(rn_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data) b->data[0] = '\0';
}

bool rn_buf_reserve(rn_buf *b, size_t extra)
{
    if (b->failed) return false;
    if (extra < b->cap - b->len) return true; /* strict: one byte stays for the NUL */
    if (extra > SIZE_MAX / 2 - b->len) {
        b->failed = true;
        return false;
    }
    size_t cap = b->cap ? b->cap : 64;
    while (cap <= b->len + extra)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return true;
}

void rn_buf_add(rn_buf *b, const void *data, size_t len)
{
    if (!rn_buf_reserve(b, len)) return;
    if (len) memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void rn_buf_puts(rn_buf *b, const char *s)
{
    rn_buf_add(b, s, strlen(s));
}

void rn_buf_putc(rn_buf *b, char c)
{
    rn_buf_add(b, &c, 1);
}

void rn_buf_utf8(rn_buf *b, uint32_t u)
{
    if (u < 0x80) {
        rn_buf_putc(b, (char)u);
        return;
    }
    const int tail = u < 0x800 ? 1 : u < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xC0, 0xE0, 0xF0};
    rn_buf_putc(b, (char)(first[tail] | u >> (6 * tail)));
    for (int i = tail - 1; i >= 0; i--)
        rn_buf_putc(b, (char)(0x80 | (u >> (6 * i) & 0x3F)));
}

void rn_buf_printf(rn_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !rn_buf_reserve(b, (size_t)n)) {
        b->failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void rn_buf_wrapped(rn_buf *b, const char *s, size_t indent, size_t at)
{
    bool begun = false; /* this line has a word */
    while (*(s += strspn(s, " "))) {
        const char *quoted = *s == '`' ? strchr(s + 1, '`') : NULL; /* a command stays on a line */
        const size_t n = quoted ? (size_t)(quoted - s) + strcspn(quoted, " ") : strcspn(s, " ");
        size_t width = 0;
        for (size_t i = 0; i < n; i++) /* characters: continuation bytes do not count */
            width += ((unsigned char)s[i] & 0xC0) != 0x80;
        if (begun && at + 1 + width > RN_LINE) {
            rn_buf_printf(b, "\n%*s", (int)indent, "");
            at = indent;
            begun = false;
        }
        if (begun) rn_buf_putc(b, ' ');
        rn_buf_add(b, s, n);
        at += width + begun;
        begun = true;
        s += n;
    }
}

void rn_buf_word(rn_buf *b, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:=,+@%-";
    if (*s && s[strspn(s, plain)] == '\0') {
        rn_buf_puts(b, s);
        return;
    }
    rn_buf_putc(b, '\'');
    for (; *s; s++)
        if (*s == '\'')
            rn_buf_puts(b, "'\\''");
        else
            rn_buf_putc(b, *s);
    rn_buf_putc(b, '\'');
}

void rn_buf_csv(rn_buf *b, rn_bytes s)
{
    bool quote = false;
    for (size_t i = 0; i < s.len && !quote; i++)
        quote = s.data[i] && strchr(",\"\r\n", s.data[i]);
    if (quote) rn_buf_putc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"') rn_buf_putc(b, '"');
        rn_buf_putc(b, s.data[i]);
    }
    if (quote) rn_buf_putc(b, '"');
}

char *rn_buf_take(rn_buf *b)
{
    if (!rn_buf_reserve(b, 0)) return NULL;
    char *data = b->data;
    *b = (rn_buf){0};
    return data;
}

int rn_by_int(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int rn_by_real(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int rn_by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Doubles, from 8 elements on, so that n pushes copy fewer than 2 n elements in all. */
bool rn_vec_grow(void *data, size_t *cap, bool *failed, size_t n, size_t extra, size_t item_bytes)
{
    assert(item_bytes > 0 && n <= *cap);
    size_t want = *cap < 8 ? 8 : *cap;
    if (extra > SIZE_MAX / 2 - n) *failed = true;
    while (!*failed && want < n + extra)
        want *= 2;
    if (*failed || want > SIZE_MAX / item_bytes) {
        *failed = true;
        return false;
    }
    void *old;
    memcpy(&old, data, sizeof old); /* the pointer's own type is not known here */
    void *grown = realloc(old, want * item_bytes);
    if (!grown) {
        *failed = true;
        return false;
    }
    memcpy(data, &grown, sizeof grown);
    *cap = want;
    assert(*cap >= n + extra);
    return true;
}
