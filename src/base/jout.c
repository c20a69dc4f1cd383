/*
 * jout.c: JSON strings (rn_buf_json) and the items of objects and arrays. The last byte that was
 * written tells whether a comma is due, so that no writer keeps count.
 */
#include "base/jout.h"

/* Bytes of s from i on that stand for themselves. */
static size_t plain_run(rn_bytes s, size_t i)
{
    size_t n = 0;
    for (; i + n < s.len; n++) {
        unsigned char c = (unsigned char)s.data[i + n];
        if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\') break;
    }
    return n;
}

static void put_escape(rn_buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    size_t n = c == '"' || c == '\\' || c == '\n' ? 2 : sizeof text;
    if (n == 2) text[1] = c == '\n' ? 'n' : (char)c;
    rn_buf_add(b, text, n);
}

void rn_buf_json(rn_buf *b, rn_bytes s)
{
    rn_buf_putc(b, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = plain_run(s, i);
        if (n == 0) {
            n = rn_utf8_len(s.data + i, s.len - i);
            if (n == 1) {
                put_escape(b, (unsigned char)s.data[i++]);
                continue;
            }
        }
        if (n)
            rn_buf_add(b, s.data + i, n);
        else
            rn_buf_puts(b, "\xEF\xBF\xBD");
        i += n ? n : 1;
    }
    rn_buf_putc(b, '"');
}

void rn_jout_item(rn_buf *out)
{
    char last = out->len ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[') rn_buf_putc(out, ',');
}

void rn_jout_key(rn_buf *out, const char *name)
{
    rn_jout_item(out);
    rn_buf_printf(out, "\"%s\":", name);
}

void rn_jout_open(rn_buf *out, const char *name, const char *bracket)
{
    if (name)
        rn_jout_key(out, name);
    else
        rn_jout_item(out);
    rn_buf_puts(out, bracket);
}

void rn_jout_number(rn_buf *out, const char *name, double v)
{
    rn_jout_key(out, name);
    if (isfinite(v))
        rn_buf_printf(out, "%.10g", v);
    else
        rn_buf_puts(out, "null");
}

void rn_jout_whole(rn_buf *out, const char *name, int64_t v)
{
    rn_jout_key(out, name);
    rn_buf_printf(out, "%" PRId64, v);
}

void rn_jout_text(rn_buf *out, const char *name, const char *s)
{
    rn_jout_key(out, name);
    if (s && *s)
        rn_buf_json(out, rn_bytes_of(s));
    else
        rn_buf_puts(out, "null");
}

void rn_jout_boolean(rn_buf *out, const char *name, bool v)
{
    rn_jout_key(out, name);
    rn_buf_puts(out, v ? "true" : "false");
}

void rn_jout_raw(rn_buf *out, const char *name, const char *json)
{
    rn_jout_key(out, name);
    rn_buf_puts(out, json && *json ? json : "null");
}
