/*
 * import_detect.c: which form a file has, from its first bytes: the kind of JSON value, the names
 * of the outermost keys as far as they can be seen, or a CSV header.
 */
#include "store/import.h"

#include "base/file.h"

#include <stdlib.h>

enum { LOOK_BYTES = 256 * 1024, MAX_KEYS = 24 };

/* Keys of the first object at depth 1; values are skipped by their strings and brackets. */
typedef struct keys {
    rn_bytes v[MAX_KEYS];
    char kind[MAX_KEYS]; /* first byte of each value, 0 if not seen */
    size_t n;
} keys;

static size_t skip_space(const char *p, size_t i, size_t n)
{
    while (i < n && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t'))
        i++;
    return i;
}

/* The offset behind the closing quote of the string that starts at i. */
static size_t skip_string(const char *p, size_t i, size_t n)
{
    for (i++; i < n && p[i] != '"'; i++)
        if (p[i] == '\\') i++;
    return i < n ? i + 1 : n;
}

static size_t skip_value(const char *p, size_t i, size_t n)
{
    size_t depth = 0;
    while (i < n) {
        char c = p[i];
        if (c == '"') {
            i = skip_string(p, i, n);
            if (depth == 0) return i;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}')) return i;
        if (c == '{' || c == '[') depth++;
        i++;
        if ((c == '}' || c == ']') && --depth == 0) return i;
    }
    return n;
}

static void read_keys(const char *p, size_t n, keys *k)
{
    size_t i = skip_space(p, 0, n) + 1;
    while (k->n < MAX_KEYS) {
        i = skip_space(p, i, n);
        if (i < n && p[i] == ',') i = skip_space(p, i + 1, n);
        if (i >= n || p[i] != '"') return;
        size_t start = i + 1;
        i = skip_string(p, i, n);
        if (i >= n) return;
        k->v[k->n] = (rn_bytes){p + start, i - 1 - start};
        i = skip_space(p, i, n);
        if (i >= n || p[i] != ':') return;
        i = skip_space(p, i + 1, n);
        k->kind[k->n++] = i < n ? p[i] : '\0';
        i = skip_value(p, i, n);
    }
}

static bool has(const keys *k, const char *name)
{
    for (size_t i = 0; i < k->n; i++)
        if (rn_bytes_equal(k->v[i], rn_bytes_of(name))) return true;
    return false;
}

static rn_import_format of_object(const keys *k)
{
    if (has(k, "task_id") && has(k, "completion")) return RN_IMPORT_HUMAN_EVAL;
    if (has(k, "task_id") && has(k, "solution")) return RN_IMPORT_EVALPLUS;
    if (has(k, "task_id") && has(k, "runs")) return RN_IMPORT_RUNS;
    if (has(k, "task_id") && has(k, "n") && has(k, "c")) return RN_IMPORT_COUNTS;
    if (has(k, "prompt") && has(k, "samples")) return RN_IMPORT_CODET;
    if (has(k, "k") && has(k, "pass@k")) return RN_IMPORT_CURVE;
    if (has(k, "eval")) return RN_IMPORT_EVALPLUS_RESULTS;
    return k->n > 0 && k->kind[0] == '{' ? RN_IMPORT_RELEASE : RN_IMPORT_AUTO;
}

static bool header_has(rn_bytes line, const char *name)
{
    size_t n = strlen(name);
    for (size_t at = 0; (at = rn_bytes_find(line, rn_bytes_of(name), at)) != SIZE_MAX; at += n) {
        bool left = at == 0 || strchr(", \"\t", line.data[at - 1]);
        bool right = at + n == line.len || strchr(", \"\t\r", line.data[at + n]);
        if (left && right) return true;
    }
    return false;
}

static rn_import_format of_text(rn_bytes s)
{
    size_t i = skip_space(s.data, 0, s.len);
    if (i < s.len && s.data[i] == '{') {
        keys k = {.n = 0};
        read_keys(s.data, s.len, &k);
        return of_object(&k);
    }
    if (i < s.len && s.data[i] == '[') return RN_IMPORT_BIGCODE;
    size_t end = rn_bytes_find(s, rn_bytes_of("\n"), i);
    rn_bytes line = {s.data + i, (end == SIZE_MAX ? s.len : end) - i};
    if (header_has(line, "n") && header_has(line, "c")) return RN_IMPORT_COUNTS;
    if (header_has(line, "k")) return RN_IMPORT_CURVE;
    return RN_IMPORT_AUTO;
}

int rn_import_detect(const char *path, rn_import_format *out, rn_err *err)
{
    rn_reader *r = NULL;
    rn_buf b = {0};
    int rc = rn_reader_open(path, &r, err);
    while (!rc && b.len < LOOK_BYTES) {
        size_t n = 0;
        if (!rn_buf_reserve(&b, LOOK_BYTES - b.len)) {
            rc = rn_fail(err, RN_ENOMEM, "%s: out of memory", path);
            break;
        }
        /* A damaged end is for the reading proper to report: the beginning is enough here. */
        int got = rn_reader_read(r, b.data + b.len, LOOK_BYTES - b.len, &n, err);
        if (got < 0 && b.len == 0) rc = got;
        if (got <= 0) break;
        b.len += n;
    }
    rn_reader_close(r);
    if (!rc && b.len == 0) rc = rn_fail(err, RN_EFORMAT, "%s is empty", path);
    rn_import_format f = rc ? RN_IMPORT_AUTO : of_text(rn_buf_view(&b));
    if (!rc && f == RN_IMPORT_AUTO)
        rc = rn_fail(err, RN_EFORMAT, "%s: its form is not known; name it with --format", path);
    if (!rc) *out = f;
    rn_buf_free(&b);
    return rc;
}
