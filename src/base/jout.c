/*
 * jout.c: JSON strings (rn_buf_json) and the items of objects and arrays. The last byte that was
 * written tells whether a comma is due, so that no writer keeps count.
 */
#include "base/jout.h"

#include <inttypes.h>
#include <math.h>

void rn_buf_json(rn_buf *b, rn_bytes s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    rn_buf_putc(b, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = rn_utf8_len(s.data + i, s.len - i);
        if (n == 0) {
            rn_buf_puts(b, "\xEF\xBF\xBD");
            i++;
        } else if (n > 1) {
            rn_buf_add(b, p + i, n);
            i += n;
        } else {
            unsigned char c = p[i++];
            if (c == '"' || c == '\\')
                rn_buf_printf(b, "\\%c", c);
            else if (c == '\n')
                rn_buf_puts(b, "\\n");
            else if (c < 0x20 || c == 0x7F)
                rn_buf_printf(b, "\\u%04x", c);
            else
                rn_buf_putc(b, (char)c);
        }
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
