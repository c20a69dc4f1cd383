/*
 * cells.h: how numbers look in the tables for people: reports, plans, replays. Included once by each
 * of the files that write such tables; nothing of it is seen outside of them.
 */
#ifndef RN_REPORT_CELLS_H
#define RN_REPORT_CELLS_H

#include "report/inside.h"
#include "report/table.h"

#include <stdio.h>

static const struct {
    const char *title, *metric;
    double scale; /* from the axis' unit to that of the text */
} axes[RN_N_AXES] = {
    {"FLOPs", "pass_flops@f", 1e-12},
    {"wall-time", "pass_time@t", 1},
    {"money", "pass_usd@u", 1},
};

/* Three significant digits, whole numbers up to 99999 in full. Static buffers, used in turn. */
static inline const char *amount(double v)
{
    static char buf[8][32];
    static int turn;
    char *s = buf[turn++ % 8];
    if (isnan(v))
        snprintf(s, sizeof buf[0], "-");
    else if (isinf(v))
        snprintf(s, sizeof buf[0], "never");
    else if (v >= 100 && v < 99999.5)
        snprintf(s, sizeof buf[0], "%.0f", v);
    else if (v >= 10 && v < 100)
        snprintf(s, sizeof buf[0], "%.1f", v);
    else if (v >= 1 && v < 10)
        snprintf(s, sizeof buf[0], "%.2f", v);
    else
        snprintf(s, sizeof buf[0], "%.3g", v);
    return s;
}

static inline const char *on_axis(rn_axis axis, double v)
{
    static char buf[4][48];
    static int turn;
    char *s = buf[turn++ % 4];
    const char *number = amount(v * axes[axis].scale);
    if (axis == RN_AXIS_FLOP)
        snprintf(s, sizeof buf[0], "%s TFLOP", number);
    else if (axis == RN_AXIS_TIME)
        snprintf(s, sizeof buf[0], "%s s", number);
    else
        snprintf(s, sizeof buf[0], "$%s", number);
    return isnan(v) ? "-" : s;
}

/* "48.2 [43.1, 53.2]", "48.2", "-" */
static inline void score_cell(rn_table *t, double value, double lo, double hi)
{
    if (isnan(value))
        rn_table_cell(t, "-");
    else if (isnan(lo) || isnan(hi) || (lo == hi && lo == value))
        rn_table_cell(t, "%.1f", 100 * value);
    else
        rn_table_cell(t, "%.1f [%.1f, %.1f]", 100 * value, 100 * lo, 100 * hi);
}

/* "97 %", never a certainty that resampling cannot give. */
static inline void share_cell(rn_table *t, double p)
{
    if (isnan(p))
        rn_table_cell(t, "-");
    else if (p > 0.995)
        rn_table_cell(t, "> 99 %%");
    else if (p < 0.005)
        rn_table_cell(t, "< 1 %%");
    else
        rn_table_cell(t, "%.0f %%", 100 * p);
}

static inline void heading(rn_buf *out, const char *fmt, ...) RN_PRINTF(2, 3);
static inline void heading(rn_buf *out, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    rn_buf_printf(out, "\n%s\n", text);
}

#endif
