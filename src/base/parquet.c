/*
 * parquet.c: rows of a Parquet file, put together from its columns, as JSON.
 *
 * A value comes with two levels: how many of the fields around it that may be absent are there, and
 * at which of the lists around it it begins a new element. The schema is walked for each row; where
 * a list ends or a field is null, the first column below it says, and the others must agree.
 */
#include "base/parquet.h"

#include "base/parquet_priv.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FOOTER_BYTES = 1 << 28, MAX_ROW_BYTES = 1 << 29, TAIL_BYTES = 8 };

struct rn_parquet {
    char *path;
    rn_buf footer;
    rn_pq_meta meta;
    rn_pq_column *columns; /* [n_columns] */
    size_t group;          /* the next one */
    int64_t rows_left;     /* of this one */
    int64_t n_rows;        /* read so far */
    const rn_pq_node *bad; /* the field at which the walk found a fault */
};

bool rn_parquet_is(rn_bytes head)
{
    return head.len >= 4 && memcmp(head.data, "PAR1", 4) == 0;
}

/* ---- one value ------------------------------------------------------------------------------- */

static void put_moment(rn_buf *out, int64_t v, int64_t per_second)
{
    int64_t s = v / per_second - (v % per_second < 0);
    time_t t = (time_t)s;
    struct tm tm;
    char text[64];
    if (!gmtime_r(&t, &tm) || !strftime(text, sizeof text, "\"%Y-%m-%dT%H:%M:%S\"", &tm))
        rn_buf_puts(out, "null"); /* beyond all years */
    else
        rn_buf_puts(out, text);
}

static void put_date(rn_buf *out, int64_t days)
{
    time_t t = (time_t)days * 86400;
    struct tm tm;
    char text[64];
    if (!gmtime_r(&t, &tm) || !strftime(text, sizeof text, "\"%Y-%m-%d\"", &tm))
        rn_buf_puts(out, "null");
    else
        rn_buf_puts(out, text);
}

static void put_whole(rn_buf *out, const rn_pq_node *n, int64_t v)
{
    switch (n->show) {
    case PQ_UNSIGNED:
        rn_buf_printf(out, "%llu",
                      n->type == PQ_INT32 ? (unsigned long long)(uint32_t)v
                                          : (unsigned long long)v);
        break;
    case PQ_DATE: put_date(out, v); break;
    case PQ_MILLI: put_moment(out, v, 1000); break;
    case PQ_MICRO: put_moment(out, v, 1000000); break;
    case PQ_NANO: put_moment(out, v, 1000000000); break;
    case PQ_AS_IS:
    case PQ_UNREAD: rn_buf_printf(out, "%lld", (long long)v); break;
    }
}

/* As JSON, which has no infinities; 3 stays a real number. */
static void put_real(rn_buf *out, double v, int digits)
{
    char text[40];
    snprintf(text, sizeof text, "%.*g", digits, v);
    const bool whole = !text[strspn(text, "-0123456789")];
    rn_buf_printf(out, "%s%s", isfinite(v) ? text : "null", isfinite(v) && whole ? ".0" : "");
}

static void put_value(rn_buf *out, const rn_pq_node *n, const rn_pq_value *v)
{
    switch (n->type) {
    case PQ_BOOL: rn_buf_puts(out, v->i ? "true" : "false"); break;
    case PQ_FLOAT:
    case PQ_DOUBLE: put_real(out, v->d, n->type == PQ_FLOAT ? 9 : 17); break;
    case PQ_BYTES: rn_buf_json(out, v->s); break;
    default: put_whole(out, n, v->i);
    }
}

/* ---- one row --------------------------------------------------------------------------------- */

static const char disagree[] = "its columns disagree on where rows, lists or nulls are";

/* The entry at hand of a column, within the row: of the repetition level `rep`. */
static const char *entry(rn_parquet *p, size_t column, int rep, rn_pq_column **out)
{
    bool more;
    rn_pq_column *c = &p->columns[column];
    const char *why = rn_pq_peek(c, &more);
    if (!why && (!more || c->cur_rep != rep)) why = disagree;
    *out = c;
    return why;
}

/* Passes over what the columns below n have for a null or an empty list, above level `def`. */
static const char *pass_null(rn_parquet *p, const rn_pq_node *n, int rep, int def)
{
    for (size_t i = n->leaf; i < n->leaf + n->n_leaves; i++) {
        rn_pq_column *c;
        const char *why = entry(p, i, rep, &c);
        if (!why && c->cur_def >= def) why = disagree;
        if (why) return why;
        c->have = false;
    }
    return NULL;
}

static const char *put_field(rn_parquet *p, const rn_pq_node *n, int rep, rn_buf *out);

/* A field that is there, without its list or null. */
static const char *put_content(rn_parquet *p, const rn_pq_node *n, int rep, rn_buf *out)
{
    const char *why = NULL;
    p->bad = n;
    if (out->len > MAX_ROW_BYTES) return "a row is larger than 512 MiB";
    if (n->type != PQ_GROUP) {
        rn_pq_column *c;
        why = entry(p, n->leaf, rep, &c);
        if (!why && c->cur_def != n->def) why = disagree;
        if (why) return why;
        put_value(out, n, &c->cur);
        c->have = false;
        return NULL;
    }
    const rn_pq_node *const end = p->meta.nodes + n->end;
    if (n->list) return put_field(p, n + 1, rep, out);
    rn_buf_putc(out, '{');
    for (const rn_pq_node *f = n + 1; f < end && !why; f = p->meta.nodes + f->end) {
        if (f > n + 1) rn_buf_putc(out, ',');
        rn_buf_json(out, f->name);
        rn_buf_putc(out, ':');
        why = put_field(p, f, rep, out);
    }
    rn_buf_putc(out, '}');
    return why;
}

static bool ends_with(rn_bytes s, rn_bytes head, const char *tail)
{
    const size_t n = strlen(tail);
    return s.len == head.len + n && memcmp(s.data, head.data, head.len) == 0 &&
           memcmp(s.data + head.len, tail, n) == 0;
}

/* What an element of the list n is: the repeated field's only field, or in files of older writers
 * the repeated field itself. */
static const rn_pq_node *element_of(const rn_parquet *p, const rn_pq_node *n)
{
    const rn_pq_node *inner = n + 1;
    if (n == p->meta.nodes || !(n - 1)->list || n->type != PQ_GROUP || inner->end != n->end ||
        rn_bytes_equal(n->name, rn_bytes_of("array")) ||
        ends_with(n->name, (n - 1)->name, "_tuple"))
        return n;
    return inner;
}

static const char *put_field(rn_parquet *p, const rn_pq_node *n, int rep, rn_buf *out)
{
    rn_pq_column *c;
    p->bad = n;
    if (!n->optional && !n->repeated) return put_content(p, n, rep, out);
    const char *why = entry(p, n->leaf, rep, &c);
    if (why) return why;
    if (c->cur_def < n->def) {
        rn_buf_puts(out, n->repeated ? "[]" : "null");
        return pass_null(p, n, rep, n->def);
    }
    if (!n->repeated) return put_content(p, n, rep, out);
    const rn_pq_node *element = element_of(p, n);
    rn_buf_putc(out, '[');
    for (bool more = true; more; rep = n->rep) {
        why = element == n ? put_content(p, n, rep, out) : put_field(p, element, rep, out);
        if (!why) why = rn_pq_peek(c, &more);
        if (why) return why;
        more = more && c->cur_rep == n->rep;
        if (more) rn_buf_putc(out, ',');
    }
    rn_buf_putc(out, ']');
    return NULL;
}

static int fail_row(const rn_parquet *p, const char *why, rn_err *err)
{
    if (why == rn_pq_nomem)
        return rn_fail(err, RN_ENOMEM, "%s: out of memory at row %lld", p->path,
                       (long long)p->n_rows + 1);
    return rn_fail_at(err, RN_EFORMAT, p->n_rows + 1, -1,
                      "%s: row %lld, column %.*s: the Parquet file cannot be read: %s", p->path,
                      (long long)p->n_rows + 1,
                      (int)(p->bad->name.len < 60 ? p->bad->name.len : 60), p->bad->name.data, why);
}

static void begin_group(rn_parquet *p)
{
    const rn_pq_group *g = &p->meta.groups[p->group++];
    p->rows_left = g->n_rows;
    for (size_t i = 0; i < p->meta.n_columns; i++)
        rn_pq_begin(&p->columns[i], &g->chunks[i]);
}

int rn_parquet_row(rn_parquet *p, rn_buf *json, rn_err *err)
{
    while (p->rows_left == 0) {
        if (p->group == p->meta.n_groups) return 0;
        begin_group(p);
    }
    p->rows_left--;
    const char *why = put_content(p, p->meta.nodes, 0, json);
    if (why) return fail_row(p, why, err);
    if (!rn_buf_ok(json)) return fail_row(p, rn_pq_nomem, err);
    p->n_rows++;
    return 1;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int read_part(rn_parquet *p, int fd, int64_t at, size_t n, rn_buf *out, rn_err *err)
{
    rn_buf_clear(out);
    if (!rn_buf_reserve(out, n)) return rn_nomem(err, p->path);
    while (out->len < n) {
        ssize_t got = pread(fd, out->data + out->len, n - out->len, at + (int64_t)out->len);
        if (got < 0) return rn_fail_errno(err, "%s: read failed", p->path);
        if (got == 0) return rn_fail(err, RN_ETRUNCATED, "%s became shorter", p->path);
        out->len += (size_t)got;
    }
    return 0;
}

static int read_footer(rn_parquet *p, int fd, rn_err *err)
{
    struct stat st;
    if (fstat(fd, &st)) return rn_fail_errno(err, "%s: read failed", p->path);
    rn_buf *b = &p->footer;
    int rc = st.st_size < 4 + TAIL_BYTES
                 ? RN_ETRUNCATED
                 : read_part(p, fd, st.st_size - TAIL_BYTES, TAIL_BYTES, b, err);
    if (rc && rc != RN_ETRUNCATED) return rc;
    const bool encrypted = !rc && memcmp(b->data + 4, "PARE", 4) == 0;
    if (encrypted) return rn_fail(err, RN_EUNSUPPORTED, "%s is encrypted Parquet", p->path);
    if (rc || memcmp(b->data + 4, "PAR1", 4) != 0)
        return rn_fail(err, RN_ETRUNCATED,
                       "%s: the Parquet file has no end; it is incomplete, get it again", p->path);
    const uint32_t n = (uint8_t)b->data[0] | (uint32_t)(uint8_t)b->data[1] << 8 |
                       (uint32_t)(uint8_t)b->data[2] << 16 | (uint32_t)(uint8_t)b->data[3] << 24;
    if (n > st.st_size - 4 - TAIL_BYTES || n > MAX_FOOTER_BYTES)
        return rn_fail(err, RN_EFORMAT, "%s: the Parquet file is damaged at its end", p->path);
    rc = read_part(p, fd, st.st_size - TAIL_BYTES - n, n, b, err);
    if (rc) return rc;
    const char *why = rn_pq_read_footer(rn_buf_view(b), st.st_size, &p->meta);
    if (why == rn_pq_nomem) return rn_nomem(err, p->path);
    return why ? rn_fail(err, RN_EFORMAT, "%s: the Parquet file cannot be read: %s", p->path, why)
               : 0;
}

static int begin_columns(rn_parquet *p, int fd, rn_err *err)
{
    p->columns = calloc(p->meta.n_columns, sizeof *p->columns);
    if (!p->columns) return rn_nomem(err, p->path);
    for (size_t i = 0; i < p->meta.n_nodes; i++) {
        const rn_pq_node *n = &p->meta.nodes[i];
        if (n->type == PQ_GROUP) continue;
        if (n->show == PQ_UNREAD)
            return rn_fail(
                err, RN_EUNSUPPORTED,
                "%s: the column %.*s is of a type that is not read (decimals, intervals, "
                "times of day, fixed lengths); write the file anew without it",
                p->path, (int)(n->name.len < 60 ? n->name.len : 60), n->name.data);
        p->columns[n->leaf].fd = fd;
        p->columns[n->leaf].node = n;
    }
    return 0;
}

int rn_parquet_open(int fd, const char *path, rn_parquet **out, rn_err *err)
{
    rn_parquet *p = calloc(1, sizeof *p);
    if (p) p->path = strdup(path);
    if (!p || !p->path) {
        free(p);
        return rn_nomem(err, path);
    }
    int rc = read_footer(p, fd, err);
    if (!rc) rc = begin_columns(p, fd, err);
    if (rc)
        rn_parquet_close(p);
    else
        *out = p;
    return rc;
}

void rn_parquet_close(rn_parquet *p)
{
    if (!p) return;
    for (size_t i = 0; p->columns && i < p->meta.n_columns; i++)
        rn_pq_end(&p->columns[i]);
    free(p->columns);
    rn_arena_free(&p->meta.arena);
    rn_buf_free(&p->footer);
    free(p->path);
    free(p);
}
