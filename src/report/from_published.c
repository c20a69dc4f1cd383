/*
 * published.c: curves that were published as pass@k at some k, without counts.
 *
 * Between two published values the true curve is not known, but pass@k never falls with k: the
 * values on either side bound it. Equation 2 at the published k alone is a step function, the lower
 * bound; interpolation in log k lies between the bounds. No interval over problems can be given.
 */
#include "report/report_priv.h"

#include "base/file.h"

enum { N_COLUMNS = 5, MAX_LINE = 4096, MAX_CURVE = 64 };

static const char header[] = "task,model,n,k,pass";

/* Cuts the line in place; false unless it has exactly N_COLUMNS fields. */
static bool split(char *line, char *field[N_COLUMNS])
{
    int n = 0;
    for (char *f; (f = strsep(&line, ",")) != NULL; n++) {
        if (n == N_COLUMNS || !*f) return false;
        field[n] = f;
    }
    return n == N_COLUMNS;
}

static bool whole(const char *s, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || end == s || *end || v < 1) return false;
    *out = v;
    return true;
}

static int bad(const char *path, int64_t line, const char *what, rn_err *err)
{
    return rn_fail_at(err, RN_EFORMAT, line, -1, "%s: line %lld: %s", path, (long long)line, what);
}

static rn_entrant *find(rn_report_task *t, const char *model)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        if (t->entrants[i].n_published && strcmp(t->entrants[i].model, model) == 0)
            return &t->entrants[i];
    return NULL;
}

static int add_row(rn_report *r, const char *path, int64_t line_no, char *field[N_COLUMNS],
                   rn_err *err)
{
    int64_t n, k;
    char *end;
    double percent = strtod(field[4], &end);
    if (!whole(field[2], &n) || !whole(field[3], &k))
        return bad(path, line_no, "n and k must be whole numbers from 1", err);
    if (k > n) return bad(path, line_no, "k is larger than n", err);
    if (end == field[4] || *end || !(percent >= 0 && percent <= 100))
        return bad(path, line_no, "pass must be a percentage from 0 to 100", err);

    rn_report_task *t = rn_report_task_get(r, field[0], "");
    if (!t) return rn_nomem(err, "report");
    const char *name = strrchr(path, '/');
    t->source = rn_arena_strdup(&r->arena, name ? name + 1 : path);
    rn_entrant *e = find(t, field[1]);
    if (!e) {
        e = rn_report_entrant_add(r, t, field[1]);
        if (!e) return rn_nomem(err, "report");
        e->published_k = rn_arena_array(&r->arena, MAX_CURVE, sizeof(int64_t));
        e->published = rn_arena_array(&r->arena, MAX_CURVE, sizeof(double));
        if (!e->published_k || !e->published || !t->source) return rn_nomem(err, "report");
    }
    size_t i = e->n_published;
    if (i == MAX_CURVE) return bad(path, line_no, "more than 64 points in one curve", err);
    if (i && (k <= e->published_k[i - 1] || percent / 100 < e->published[i - 1]))
        return bad(path, line_no, "k must rise and pass must not fall along a curve", err);
    ((int64_t *)e->published_k)[i] = k;
    ((double *)e->published)[i] = percent / 100;
    e->n_published++;
    e->n = n;
    return 0;
}

int rn_report_add_published(rn_report *r, const char *path, const rn_report_filter *filter,
                            rn_err *err)
{
    rn_reader *in = NULL;
    int rc = rn_reader_open(path, &in, err);
    if (rc) return rc;
    bool headed = false, any = false;
    rn_bytes text;
    while (!rc && (rc = rn_reader_line(in, MAX_LINE, &text, err)) > 0) {
        int64_t line_no = rn_reader_line_no(in);
        char line[MAX_LINE + 1];
        memcpy(line, text.data, text.len);
        line[text.len] = '\0';
        rc = 0;
        if (text.len == 0 || line[0] == '#') continue;
        char *field[N_COLUMNS];
        if (memchr(line, '\0', text.len)) {
            rc = bad(path, line_no, "holds a NUL byte", err);
        } else if (!headed) {
            headed = strcmp(line, header) == 0;
            if (!headed) rc = bad(path, line_no, "the columns must be task,model,n,k,pass", err);
        } else if (!split(line, field)) {
            rc = bad(path, line_no, "five fields are needed, none empty", err);
        } else if (rn_report_wants(filter, field[0], field[1])) {
            any = true;
            rc = add_row(r, path, line_no, field, err);
        }
    }
    rn_reader_close(in);
    if (rc) return rc;
    return any ? 0 : rn_fail(err, RN_ENOTFOUND, "%s holds no curve of this set and model", path);
}

rn_cell rn_report_published_at(const rn_entrant *e, int64_t k, bool interpolate)
{
    rn_cell c = {.k = k, .value = NAN, .lo = NAN, .hi = NAN};
    size_t n = e->n_published;
    if (n == 0 || k < e->published_k[0] || k > e->published_k[n - 1]) return c;
    size_t i = 0;
    while (i + 1 < n && e->published_k[i + 1] <= k)
        i++;
    c.value = c.lo = c.hi = e->published[i];
    if (e->published_k[i] == k) return c;
    c.hi = e->published[i + 1];
    if (interpolate) {
        double from = log((double)e->published_k[i]), to = log((double)e->published_k[i + 1]);
        c.value += (c.hi - c.lo) * (log((double)k) - from) / (to - from);
    }
    return c;
}
