/* csv.c: fields of CSV lines. */
#include "report/inside.h"

/* A field of a CSV line after RFC 4180. */
void rn_report_csv_field(rn_buf *out, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        rn_buf_puts(out, s);
        return;
    }
    rn_buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"') rn_buf_putc(out, '"');
        rn_buf_putc(out, *s);
    }
    rn_buf_putc(out, '"');
}

/* Empty where it is not known. */
void rn_report_csv_number(rn_buf *out, double v)
{
    rn_buf_putc(out, ',');
    if (isfinite(v)) rn_buf_printf(out, "%.10g", v);
}
