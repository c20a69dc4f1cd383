/* rows.c: rows as text, JSON and CSV; see rows.h. */
#include "report/rows.h"

#include "base/jout.h"
#include "base/table.h"

const char *rn_unit_name(rn_unit unit)
{
    static const char *const names[RN_N_UNITS] = {"flops", "seconds", "usd"};
    return names[unit];
}

const char *rn_unit_words(rn_unit unit)
{
    static const char *const words[RN_N_UNITS] = {"FLOPs", "wall-time", "money"};
    return words[unit];
}

const char *rn_amount(rn_arena *a, rn_unit unit, double v)
{
    if (isnan(v)) return "-";
    if (isinf(v)) return "never";
    rn_buf text = {0};
    rn_budget_print(unit, v, &text);
    const char *copy = rn_arena_take(a, &text);
    return copy ? copy : "?";
}

/* ---- filling --------------------------------------------------------------------------------- */

void rn_rows_column(rn_rows *t, rn_column c)
{
    rn_vec_push(&t->column, c);
}

void rn_rows_add_columns(rn_rows *t, const rn_column *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rn_rows_column(t, list[i]);
}

void rn_rows_datum(rn_rows *t, rn_datum d)
{
    rn_vec_push(&t->datum, d);
}

void rn_rows_text(rn_rows *t, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *copy = rn_arena_strdup(&t->arena, text);
    t->datum.failed |= !copy;
    rn_rows_word(t, copy);
}

void rn_rows_word(rn_rows *t, const char *s)
{
    rn_rows_datum(t, (rn_datum){.v = NAN, .lo = NAN, .hi = NAN, .text = s});
}

void rn_rows_interval(rn_rows *t, double v, double lo, double hi)
{
    rn_rows_datum(t, (rn_datum){.v = v, .lo = lo, .hi = hi});
}

void rn_rows_value(rn_rows *t, double v)
{
    rn_rows_interval(t, v, NAN, NAN);
}

void rn_rows_mark(rn_rows *t, const char *mark)
{
    if (t->datum.n) t->datum.data[t->datum.n - 1].mark = mark;
}

bool rn_rows_marked(const rn_rows *t)
{
    for (size_t i = 0; i < t->datum.n; i++)
        if (t->datum.data[i].mark) return true;
    return false;
}

void rn_rows_free(rn_rows *t)
{
    rn_vec_free(&t->column);
    rn_vec_free(&t->datum);
    rn_buf_free(&t->lead);
    rn_buf_free(&t->foot);
    rn_arena_free(&t->arena);
}

int rn_rows_find(const rn_rows *t, const char *name)
{
    for (size_t c = 0; c < t->column.n; c++)
        if (t->column.data[c].name && strcmp(t->column.data[c].name, name) == 0) return (int)c;
    return -1;
}

static bool is_for(const rn_column *c, unsigned reader)
{
    return !c->only || (c->only & reader);
}

static bool is_failed(const rn_rows *t)
{
    return !rn_vec_ok(&t->column) || !rn_vec_ok(&t->datum) || !rn_buf_ok(&t->lead) ||
           !rn_buf_ok(&t->foot);
}

/* ---- for people ------------------------------------------------------------------------------ */

static void print_ends(const rn_datum *d, const char *form, double scale, rn_buf *out)
{
    if (isnan(d->lo) || isnan(d->hi) || (d->lo == d->hi && d->lo == d->v)) return;
    rn_buf_puts(out, " [");
    rn_buf_printf(out, form, scale * d->lo);
    rn_buf_puts(out, ", ");
    rn_buf_printf(out, form, scale * d->hi);
    rn_buf_putc(out, ']');
}

static void print_number(const rn_column *c, const rn_datum *d, rn_buf *out)
{
    switch (c->as) {
    case RN_AS_TEXT: break;
    case RN_AS_WHOLE: rn_buf_printf(out, "%.0f", d->v); break;
    case RN_AS_FACTOR:
        rn_buf_printf(out, isinf(d->v) ? "never" : "%.4g", d->v);
        print_ends(d, "%.4g", 1, out);
        break;
    case RN_AS_AMOUNT:
        rn_budget_print(c->unit, d->v, out);
        if (!isnan(d->lo) && !isnan(d->hi) && d->lo < d->hi) {
            rn_buf_puts(out, " [");
            rn_budget_print(c->unit, d->lo, out);
            rn_buf_puts(out, ", ");
            rn_budget_print(c->unit, d->hi, out);
            rn_buf_putc(out, ']');
        }
        break;
    case RN_AS_SCORE:
        rn_buf_printf(out, "%.1f", 100 * d->v);
        print_ends(d, "%.1f", 100, out);
        break;
    case RN_AS_POINTS:
        rn_buf_printf(out, "%+.1f", 100 * d->v);
        print_ends(d, "%+.1f", 100, out);
        break;
    case RN_AS_SHARE:
        if (d->v > 0.995 || d->v < 0.005)
            rn_buf_puts(out, d->v > 0.5 ? "> 99 %" : "< 1 %");
        else
            rn_buf_printf(out, "%.0f %%", 100 * d->v);
        break;
    case RN_AS_FLAG: rn_buf_puts(out, d->v > 0 ? "yes" : "no"); break;
    }
}

static void print_datum(const rn_column *c, const rn_datum *d, rn_buf *out)
{
    if (c->as == RN_AS_TEXT || (isnan(d->v) && d->text))
        rn_buf_puts(out, d->text ? d->text : "");
    else if (isnan(d->v))
        rn_buf_putc(out, '-');
    else
        print_number(c, d, out);
    if (d->mark) rn_buf_puts(out, d->mark);
}

static void print_table(const rn_rows *t, rn_buf *out)
{
    rn_table table = {0};
    rn_buf text = {0};
    for (size_t c = 0; c < t->column.n; c++) {
        const rn_column *column = &t->column.data[c];
        if (!column->title || !is_for(column, RN_FOR_PEOPLE)) continue;
        if (column->as == RN_AS_TEXT && c < 64) table.left |= UINT64_C(1) << table.n_columns;
        table.n_columns++;
        rn_table_cell(&table, "%s", column->title);
    }
    for (size_t row = 0; row < rn_rows_n(t); row++)
        for (size_t c = 0; c < t->column.n; c++) {
            const rn_column *column = &t->column.data[c];
            if (!column->title || !is_for(column, RN_FOR_PEOPLE)) continue;
            rn_buf_clear(&text);
            print_datum(column, rn_rows_at(t, row, (int)c), &text);
            rn_table_cell(&table, "%s", text.len ? text.data : "");
        }
    out->failed |= !rn_buf_ok(&text);
    rn_table_end(&table, out);
    rn_buf_free(&text);
}

void rn_rows_print(const rn_rows *t, rn_buf *out)
{
    const bool any = rn_rows_n(t) > 0;
    out->failed |= is_failed(t);
    if (out->failed || (!any && !t->lead.len && !t->foot.len)) return;
    if (t->title) rn_buf_printf(out, "\n%s\n", t->title);
    rn_buf_add(out, t->lead.data, t->lead.len);
    if (any) print_table(t, out);
    rn_buf_add(out, t->foot.data, t->foot.len);
}

/* ---- for programs ---------------------------------------------------------------------------- */

static void json_value(rn_buf *out, const char *name, const rn_column *c, const rn_datum *d)
{
    if (c->as == RN_AS_TEXT)
        rn_jout_text(out, name, d->text);
    else if (c->as == RN_AS_FLAG)
        rn_jout_boolean(out, name, d->v > 0);
    else
        rn_jout_number(out, name, d->v);
}

static void json_ends(rn_buf *out, const rn_column *c, const rn_datum *d)
{
    const bool plain = c->ends != RN_ENDS_NAMED;
    char name[64];
    if (c->ends == RN_ENDS_NONE) return;
    snprintf(name, sizeof name, "%s_lo", c->name);
    rn_jout_number(out, plain ? "lo" : name, d->lo);
    snprintf(name, sizeof name, "%s_hi", c->name);
    rn_jout_number(out, plain ? "hi" : name, d->hi);
}

static void json_datum(rn_buf *out, const rn_column *c, const rn_datum *d)
{
    const bool nested = c->ends == RN_ENDS_NESTED;
    if (nested) {
        rn_jout_open(out, c->name, "{");
    }
    json_value(out, nested ? "value" : c->name, c, d);
    json_ends(out, c, d);
    if (!nested) return;
    rn_jout_text(out, "method", rn_stat_interval_name(d->method));
    rn_buf_putc(out, '}');
}

static void json_models(const rn_rows *t, size_t row, rn_buf *out)
{
    rn_jout_open(out, "models", "[");
    for (size_t i = 0; i < t->column.n; i++) {
        const rn_column *c = &t->column.data[i];
        const rn_datum *d = rn_rows_at(t, row, (int)i);
        if (!c->model || !d->k) continue;
        rn_jout_open(out, NULL, "{");
        rn_jout_text(out, "model", c->model);
        rn_jout_whole(out, "k", d->k);
        json_datum(out, c, d);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

void rn_rows_json(const rn_rows *t, rn_buf *out)
{
    out->failed |= is_failed(t);
    rn_buf_putc(out, '[');
    for (size_t row = 0; row < rn_rows_n(t) && !out->failed; row++) {
        bool models = false;
        rn_jout_open(out, NULL, "{");
        for (size_t i = 0; i < t->column.n; i++) {
            const rn_column *c = &t->column.data[i];
            const rn_datum *d = rn_rows_at(t, row, (int)i);
            models |= c->model != NULL;
            if (c->model || !c->name || !is_for(c, RN_FOR_JSON)) continue;
            if (c->may_lack && isnan(d->v) && !d->text) continue;
            json_datum(out, c, d);
        }
        if (models) json_models(t, row, out);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void csv_number(rn_buf *out, double v)
{
    if (isfinite(v)) rn_buf_printf(out, "%.10g", v);
}

static void csv_datum(rn_buf *out, const rn_column *c, const rn_datum *d)
{
    if (c->as == RN_AS_TEXT)
        rn_buf_csv(out, rn_bytes_of(d->text));
    else
        csv_number(out, d->v);
    if (c->ends == RN_ENDS_NONE) return;
    rn_buf_putc(out, ',');
    csv_number(out, d->lo);
    rn_buf_putc(out, ',');
    csv_number(out, d->hi);
}

void rn_rows_csv(const rn_rows *t, bool head, rn_buf *out)
{
    out->failed |= is_failed(t);
    for (size_t row = 0; row <= rn_rows_n(t) && !out->failed; row++) {
        bool first = true;
        if (row == 0 && !head) continue;
        for (size_t i = 0; i < t->column.n; i++) {
            const rn_column *c = &t->column.data[i];
            if (!c->name || !is_for(c, RN_FOR_CSV)) continue;
            if (!first) rn_buf_putc(out, ',');
            first = false;
            if (row) {
                csv_datum(out, c, rn_rows_at(t, row - 1, (int)i));
                continue;
            }
            const char *base = c->ends == RN_ENDS_PLAIN ? "" : c->name;
            rn_buf_puts(out, c->name);
            if (c->ends)
                rn_buf_printf(out, ",%s%slo,%s%shi", base, *base ? "_" : "", base,
                              *base ? "_" : "");
        }
        rn_buf_putc(out, '\n');
    }
}
