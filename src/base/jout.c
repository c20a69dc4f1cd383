/* jout.c: items of JSON objects and arrays; the last byte tells whether a comma is due. */
#include "base/jout.h"

#include <inttypes.h>
#include <math.h>

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
