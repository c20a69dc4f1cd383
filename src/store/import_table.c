/*
 * import_table.c: results without texts: n and c per problem, or a published curve, as CSV with a
 * header line, also with semicolons or tabs for the commas; import_rows.c reads the same names as
 * rows of JSON.
 */
#include "store/import_priv.h"

enum { MAX_COLUMNS = 32, MAX_LINE = 1 << 20 };

/* A CSV line cut in place; quotes around a field are taken off, there are none inside ids and
 * numbers. */
typedef struct fields {
    char *v[MAX_COLUMNS];
    int n;
} fields;

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
        s[n - 1] = '\0';
        s++;
    }
    return s;
}

/* What stands between the columns of a header. */
static char separator_of(const char *header)
{
    return strchr(header, ',')    ? ','
           : strchr(header, '\t') ? '\t'
           : strchr(header, ';')  ? ';'
                                  : ',';
}

static void split(char *line, char separator, fields *f)
{
    f->n = 0;
    for (char *p = line; p && f->n < MAX_COLUMNS;) {
        char *comma = strchr(p, separator);
        if (comma) *comma = '\0';
        f->v[f->n++] = trim(p);
        p = comma ? comma + 1 : NULL;
    }
}

static int column(const fields *header, const char *const *names)
{
    for (const char *const *name = names; *name; name++)
        for (int i = 0; i < header->n; i++)
            if (strcmp(header->v[i], *name) == 0) return i;
    return -1;
}

static const char *const id_names[] = {"task_id", "problem", NULL};
static const char *const n_names[] = {"n", "total", NULL};
static const char *const c_names[] = {"c", "passed", "correct", NULL};
static const char *const k_names[] = {"k", NULL};
static const char *const value_names[] = {"pass@k", "value", NULL};

static int bad_row(const rn_importer *im, int64_t line, rn_err *err, const char *what)
{
    return rn_fail_at(err, RN_EFORMAT, line, -1, "%s: line %lld: %s", im->path, (long long)line,
                      what);
}

int rn_import_count(rn_importer *im, rn_bytes id, int64_t n, int64_t c, int64_t line, rn_err *err)
{
    rn_import_entry *p;
    int rc = rn_import_find(im, id, line, &p, err);
    if (rc) return rc;
    if (p->n_call > 0)
        return rn_fail_at(err, RN_EFORMAT, line, -1, "%s: line %lld: %s is there twice", im->path,
                          (long long)line, p->task_id);
    if (im->opts->declared > 0 && n > im->opts->declared)
        return rn_fail_at(err, RN_ELIMIT, line, -1,
                          "%s: line %lld: %s has n = %lld, more than the declared %lld", im->path,
                          (long long)line, p->task_id, (long long)n, (long long)im->opts->declared);
    rc = rn_store_put_count(im->s, im->run_id, p->problem_id, n, c, err);
    if (rc) return rn_err_prefix(err, "%s: line %lld: %s", im->path, (long long)line, p->task_id);
    p->n_call++;
    im->stats->n_added++;
    return rn_import_tick(im, err);
}

int rn_import_point(rn_importer *im, int64_t k, double value, int64_t line, rn_err *err)
{
    int rc = rn_store_put_curve(im->s, im->run_id, k, value, err);
    if (rc) return rn_err_prefix(err, "%s: line %lld", im->path, (long long)line);
    im->stats->n_added++;
    return rn_import_tick(im, err);
}

/* Also 12.0, as pandas writes it. */
static bool to_int(const char *s, int64_t *out)
{
    char *end;
    *out = strtoll(s, &end, 10);
    if (end != s && *end == '.') end += 1 + strspn(end + 1, "0");
    return end != s && *end == '\0';
}

/* A fraction, or a percentage with its sign. */
static bool to_fraction(const char *s, double *out)
{
    char *end;
    *out = strtod(s, &end);
    if (end == s) return false;
    if (strcmp(end, "%") == 0) {
        *out /= 100;
        return true;
    }
    return *end == '\0';
}

static int csv_row(rn_importer *im, const fields *header, const fields *f, int64_t line,
                   rn_err *err)
{
    if (f->n != header->n)
        return bad_row(im, line, err, "another number of fields than the header has");
    if (im->format == RN_IMPORT_CURVE) {
        int64_t k;
        double value;
        if (!to_int(f->v[column(header, k_names)], &k) ||
            !to_fraction(f->v[column(header, value_names)], &value))
            return bad_row(im, line, err, "k and pass@k must be numbers");
        return rn_import_point(im, k, value, line, err);
    }
    int64_t n, c;
    if (!to_int(f->v[column(header, n_names)], &n) || !to_int(f->v[column(header, c_names)], &c))
        return bad_row(im, line, err, "n and c must be whole numbers");
    return rn_import_count(im, rn_bytes_of(f->v[column(header, id_names)]), n, c, line, err);
}

static int check_header(const rn_importer *im, const fields *header, int64_t line, rn_err *err)
{
    if (im->format == RN_IMPORT_CURVE)
        return column(header, k_names) >= 0 && column(header, value_names) >= 0
                   ? 0
                   : bad_row(im, line, err, "the header must name the columns k and pass@k");
    bool ok = column(header, id_names) >= 0 && column(header, n_names) >= 0 &&
              column(header, c_names) >= 0;
    return ok ? 0 : bad_row(im, line, err, "the header must name the columns task_id, n and c");
}

int rn_import_csv(rn_importer *im, rn_js *js, rn_err *err)
{
    rn_buf header_text = {0}, row_text = {0};
    fields header = {.n = 0}, f;
    rn_bytes text;
    int64_t line;
    int rc;
    char separator = ',';
    while ((rc = rn_js_row(js, MAX_LINE, &text, &line, err)) > 0) {
        if (text.len == 0) continue;
        bool is_header = header.n == 0;
        rn_buf *b = is_header ? &header_text : &row_text;
        rn_buf_clear(b);
        rn_buf_add(b, text.data, text.len);
        if (!rn_buf_ok(b)) {
            rc = rn_nomem(err, im->path);
            break;
        }
        if (is_header) separator = separator_of(b->data);
        split(b->data, separator, is_header ? &header : &f);
        rc = is_header ? check_header(im, &header, line, err) : csv_row(im, &header, &f, line, err);
        if (rc && !is_header) rc = rn_import_bad(im, rc, err);
        if (rc) break;
    }
    rn_buf_free(&header_text);
    rn_buf_free(&row_text);
    return rc;
}
