/*
 * jsonraw.c: a checking scanner for RFC 8259, plus Python's NaN, Infinity and -Infinity.
 *
 * rn_jsonraw_value checks; the other calls take only text that it accepted, so they walk without
 * looking back. Recursion is bounded by RN_JSONRAW_MAX_DEPTH.
 */
#include "task/jsonraw.h"

typedef struct cursor {
    rn_bytes s;
    size_t pos;
    rn_err *err;
} cursor;

static int bad(cursor *c, const char *what)
{
    bool end = c->pos >= c->s.len;
    return rn_fail_at(c->err, end ? RN_ETRUNCATED : RN_EFORMAT, -1, (int64_t)c->pos,
                      "JSON at byte %zu: %s", c->pos, end ? "ends too early" : what);
}

static void skip_space(cursor *c)
{
    while (c->pos < c->s.len && c->s.data[c->pos] && strchr(" \t\r\n", c->s.data[c->pos]))
        c->pos++;
}

static int peek(const cursor *c)
{
    return c->pos < c->s.len ? (unsigned char)c->s.data[c->pos] : -1;
}

static int hex_of(int c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static int scan_string(cursor *c)
{
    c->pos++;
    for (;;) {
        int ch = peek(c);
        if (ch == '"') {
            c->pos++;
            return 0;
        }
        if (ch < 0x20) return bad(c, "control character in a string"); /* -1: the end */
        c->pos++;
        if (ch != '\\') continue;
        int e = peek(c);
        if (e < 0 || !strchr("\"\\/bfnrtu", e) || e == 0) return bad(c, "unknown escape");
        c->pos++;
        for (int i = 0; e == 'u' && i < 4; i++, c->pos++)
            if (hex_of(peek(c)) < 0) return bad(c, "four hexadecimal digits are needed");
    }
}

static size_t scan_digits(cursor *c)
{
    size_t start = c->pos;
    while (peek(c) >= '0' && peek(c) <= '9')
        c->pos++;
    return c->pos - start;
}

static bool scan_word(cursor *c, const char *word)
{
    size_t n = strlen(word);
    if (c->s.len - c->pos < n || memcmp(c->s.data + c->pos, word, n) != 0) return false;
    c->pos += n;
    return true;
}

static int scan_number(cursor *c)
{
    if (peek(c) == '-') c->pos++;
    if (scan_word(c, "Infinity")) return 0;
    if (scan_digits(c) == 0) return bad(c, "not a value");
    if (peek(c) == '.') {
        c->pos++;
        if (scan_digits(c) == 0) return bad(c, "digits are needed after the point");
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        c->pos++;
        if (peek(c) == '+' || peek(c) == '-') c->pos++;
        if (scan_digits(c) == 0) return bad(c, "digits are needed in the exponent");
    }
    return 0;
}

static int scan_value(cursor *c, int depth);

/* After '[' or '{'. */
static int scan_entries(cursor *c, char close, int depth)
{
    if (depth >= RN_JSONRAW_MAX_DEPTH) return bad(c, "nested too deeply");
    c->pos++;
    skip_space(c);
    if (peek(c) == close) {
        c->pos++;
        return 0;
    }
    for (;;) {
        if (close == '}') {
            skip_space(c);
            if (peek(c) != '"') return bad(c, "a key is needed");
            int rc = scan_string(c);
            if (rc) return rc;
            skip_space(c);
            if (peek(c) != ':') return bad(c, "':' is needed");
            c->pos++;
        }
        int rc = scan_value(c, depth + 1);
        if (rc) return rc;
        skip_space(c);
        int ch = peek(c);
        if (ch != ',' && ch != close) return bad(c, "',' or the closing bracket is needed");
        c->pos++;
        if (ch == close) return 0;
    }
}

static int scan_value(cursor *c, int depth)
{
    skip_space(c);
    switch (peek(c)) {
    case '"': return scan_string(c);
    case '[': return scan_entries(c, ']', depth);
    case '{': return scan_entries(c, '}', depth);
    case 't': return scan_word(c, "true") ? 0 : bad(c, "not a value");
    case 'f': return scan_word(c, "false") ? 0 : bad(c, "not a value");
    case 'n': return scan_word(c, "null") ? 0 : bad(c, "not a value");
    case 'N': return scan_word(c, "NaN") ? 0 : bad(c, "not a value");
    case 'I': return scan_word(c, "Infinity") ? 0 : bad(c, "not a value");
    default: return scan_number(c);
    }
}

int rn_jsonraw_value(rn_bytes text, size_t *pos, rn_bytes *value, rn_err *err)
{
    cursor c = {.s = text, .pos = *pos, .err = err};
    skip_space(&c);
    size_t start = c.pos;
    int rc = scan_value(&c, 0);
    if (rc) return rc;
    *value = (rn_bytes){.data = text.data + start, .len = c.pos - start};
    *pos = c.pos;
    return 0;
}

int rn_jsonraw_next(rn_bytes value, size_t *pos, rn_bytes *key, rn_bytes *entry, rn_err *err)
{
    bool object = rn_jsonraw_is(value, '{');
    cursor c = {.s = value, .pos = *pos ? *pos : 1, .err = err};
    skip_space(&c);
    if (peek(&c) == ',') c.pos++;
    skip_space(&c);
    if (peek(&c) == (object ? '}' : ']')) return 0;
    *key = (rn_bytes){0};
    if (object) {
        int rc = rn_jsonraw_value(value, &c.pos, key, err);
        if (rc) return rc;
        skip_space(&c);
        c.pos++; /* ':' */
    }
    int rc = rn_jsonraw_value(value, &c.pos, entry, err);
    if (rc) return rc;
    *pos = c.pos;
    return 1;
}

static uint32_t hex4(const char *p)
{
    uint32_t u = 0;
    for (int i = 0; i < 4; i++)
        u = u * 16 + (uint32_t)hex_of((unsigned char)p[i]);
    return u;
}

/* The code point of the escape "\uXXXX" (and of the second half of a pair) at p; *used its bytes.
 */
static uint32_t unicode_escape(const char *p, size_t left, size_t *used)
{
    uint32_t u = hex4(p + 2);
    *used = 6;
    if (u < 0xD800 || u > 0xDFFF) return u;
    if (u <= 0xDBFF && left >= 12 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = hex4(p + 8);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *used = 12;
            return 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return 0xFFFD;
}

void rn_jsonraw_string(rn_bytes value, rn_buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t end = value.len - 1; /* the closing quote */
    for (size_t i = 1; i < end;) {
        const char *p = value.data + i;
        const char *stop = memchr(p, '\\', end - i);
        size_t plain = stop ? (size_t)(stop - p) : end - i;
        rn_buf_add(out, p, plain);
        i += plain;
        if (!stop) return;
        if (stop[1] == 'u') {
            size_t used = 0;
            rn_buf_utf8(out, unicode_escape(stop, end - i, &used));
            i += used;
        } else {
            rn_buf_putc(out, to[strchr(from, stop[1]) - from]);
            i += 2;
        }
    }
}

void rn_jsonraw_canonical(rn_bytes value, rn_buf *out)
{
    rn_buf plain = {0};
    for (size_t i = 0; i < value.len;) {
        char c = value.data[i];
        if (c && strchr(" \t\r\n", c)) {
            i++;
            continue;
        }
        if (c != '"') {
            rn_buf_putc(out, c);
            i++;
            continue;
        }
        size_t pos = i;
        rn_bytes s = {0};
        if (rn_jsonraw_value(value, &pos, &s, NULL)) break; /* cannot be: it was checked */
        rn_buf_clear(&plain);
        rn_jsonraw_string(s, &plain);
        rn_buf_json(out, rn_buf_view(&plain));
        if (!rn_buf_ok(&plain)) out->failed = true;
        i = pos;
    }
    rn_buf_free(&plain);
}
