/* scan_priv.h: steps through a text, shared by the readers of examples. */
#ifndef RN_RANK_SCAN_PRIV_H
#define RN_RANK_SCAN_PRIV_H

#include "base/base.h"

static inline bool rn_in_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static inline bool rn_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Behind the characters of the set `chars` at `at`. */
static inline size_t rn_scan_skip(rn_bytes t, size_t at, const char *chars)
{
    while (at < t.len && t.data[at] && strchr(chars, t.data[at]))
        at++;
    return at;
}

static inline size_t rn_scan_name(rn_bytes t, size_t at)
{
    while (at < t.len && rn_in_name(t.data[at]) && (unsigned char)t.data[at] < 0x80)
        at++;
    return at;
}

static inline size_t rn_scan_line_end(rn_bytes t, size_t at)
{
    while (at < t.len && t.data[at] != '\n' && t.data[at] != '\r')
        at++;
    return at;
}

static inline size_t rn_scan_line_start(rn_bytes t, size_t at)
{
    while (at > 0 && t.data[at - 1] != '\n')
        at--;
    return at;
}

static inline char rn_scan_at(rn_bytes t, size_t at)
{
    return at < t.len ? t.data[at] : '\0';
}

static inline rn_bytes rn_scan_slice(rn_bytes t, size_t from, size_t to)
{
    return (rn_bytes){t.data + from, to - from};
}

static inline bool rn_scan_is(rn_bytes t, size_t at, const char *word)
{
    size_t len = strlen(word);
    return t.len - at >= len && memcmp(t.data + at, word, len) == 0;
}

/* The same for a whole word, letters in either case. */
static inline bool rn_scan_word(rn_bytes t, size_t at, const char *word)
{
    size_t len = strlen(word);
    if (at > t.len || t.len - at < len) return false;
    if (at > 0 && rn_in_name(t.data[at - 1])) return false;
    for (size_t i = 0; i < len; i++) {
        char c = t.data[at + i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (c != word[i]) return false;
    }
    return at + len == t.len || !rn_in_name(t.data[at + len]);
}

static inline bool rn_bytes_is(rn_bytes b, const char *s)
{
    return b.len == strlen(s) && memcmp(b.data, s, b.len) == 0;
}

static inline rn_bytes rn_bytes_trim(rn_bytes b)
{
    while (b.len && strchr(" \t\r\n", b.data[0]))
        b.data++, b.len--;
    while (b.len && strchr(" \t\r\n", b.data[b.len - 1]))
        b.len--;
    return b;
}

#endif
