/* jstream.c: a string-aware splitter of JSON. See jstream.h. */
#include "store/jstream.h"

#include "base/json.h"

enum { CHUNK = 256 * 1024, MAX_KEY_BYTES = 64 * 1024 };

struct rn_js {
    rn_reader *r; /* borrowed */
    char *chunk;  /* [CHUNK] */
    size_t pos, len;
    int64_t line;
    bool eof;
    rn_buf value;
    json_t *key; /* holds the last key's bytes */
};

int rn_js_new(rn_reader *r, rn_js **out, rn_err *err)
{
    rn_js *js = calloc(1, sizeof *js);
    if (js) js->chunk = malloc(CHUNK);
    if (!js || !js->chunk) {
        free(js);
        return rn_nomem(err, rn_reader_path(r));
    }
    js->r = r;
    js->line = 1;
    *out = js;
    return 0;
}

void rn_js_free(rn_js *js)
{
    if (!js) return;
    json_decref(js->key);
    rn_buf_free(&js->value);
    free(js->chunk);
    free(js);
}

int64_t rn_js_line(const rn_js *js)
{
    return js->line;
}

static int fail(const rn_js *js, int code, rn_err *err, const char *what)
{
    return rn_fail_at(err, code, js->line, -1, "%s: line %lld: %s", rn_reader_path(js->r),
                      (long long)js->line, what);
}

static int cut(const rn_js *js, rn_err *err)
{
    return fail(js, RN_ETRUNCATED, err,
                "the file ends within its JSON; it is incomplete, get it again");
}

/* 1: there is a byte at pos; 0: end of input. */
static int fill(rn_js *js, rn_err *err)
{
    if (js->pos < js->len) return 1;
    if (js->eof) return 0;
    size_t n = 0;
    int rc = rn_reader_read(js->r, js->chunk, CHUNK, &n, err);
    if (rc < 0) {
        if (err) err->line = js->line;
        return rc;
    }
    js->pos = 0;
    js->len = n;
    js->eof = rc == 0;
    return rc;
}

int rn_js_peek(rn_js *js, rn_err *err)
{
    for (;;) {
        int rc = fill(js, err);
        if (rc <= 0) return rc;
        for (; js->pos < js->len; js->pos++) {
            char c = js->chunk[js->pos];
            if (c == '\n') js->line++;
            if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
                return c ? (unsigned char)c : fail(js, RN_EFORMAT, err, "a NUL byte in the JSON");
        }
    }
}

static int expected(const rn_js *js, const char *what, int got, rn_err *err)
{
    if (got == 0) return cut(js, err);
    char msg[96];
    snprintf(msg, sizeof msg, "%s is expected, not '%c'", what, got);
    return fail(js, RN_EFORMAT, err, msg);
}

int rn_js_enter(rn_js *js, char open, rn_err *err)
{
    int c = rn_js_peek(js, err);
    if (c < 0) return c;
    if (c != open) return expected(js, open == '{' ? "an object" : "an array", c, err);
    js->pos++;
    return 0;
}

int rn_js_next(rn_js *js, char close, bool *first, rn_err *err)
{
    int c = rn_js_peek(js, err);
    if (c < 0) return c;
    if (c == close) {
        js->pos++;
        return 0;
    }
    bool was_first = *first;
    *first = false;
    if (was_first) return c ? 1 : cut(js, err);
    if (c != ',') return expected(js, close == '}' ? "',' or '}'" : "',' or ']'", c, err);
    js->pos++;
    c = rn_js_peek(js, err);
    if (c < 0) return c;
    if (c == 0) return cut(js, err);
    return c == close ? expected(js, "another element", c, err) : 1;
}

/* Consumes bytes of a string up to and with its closing quote; `escaped` goes across chunks. */
static size_t scan_string(const char *p, size_t n, bool *escaped, bool *in_string, int64_t *line)
{
    size_t i = 0;
    while (i < n) {
        char c = p[i++];
        if (*escaped)
            *escaped = false;
        else if (c == '\\')
            *escaped = true;
        else if (c == '"') {
            *in_string = false;
            break;
        } else if (c == '\n')
            ++*line;
    }
    return i;
}

/* Where a value is being scanned. A scalar ends at a delimiter that is not its own. */
typedef struct scan {
    size_t depth;
    bool in_string, escaped, scalar, done;
} scan;

static size_t scan_value(const char *p, size_t n, scan *sc, int64_t *line)
{
    size_t i = 0;
    while (i < n && !sc->done) {
        if (sc->in_string) {
            i += scan_string(p + i, n - i, &sc->escaped, &sc->in_string, line);
            sc->done = !sc->in_string && sc->depth == 0;
            continue;
        }
        char c = p[i];
        bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (sc->scalar && (space || c == ',' || c == '}' || c == ']')) {
            sc->done = true;
            break;
        }
        i++;
        if (c == '\n') ++*line;
        if (c == '"') {
            sc->in_string = true;
        } else if (c == '{' || c == '[') {
            sc->depth++;
        } else if (c == '}' || c == ']') {
            sc->depth--;
            sc->done = sc->depth == 0;
        } else if (sc->depth == 0) {
            sc->scalar = true;
        }
    }
    return i;
}

int rn_js_value(rn_js *js, size_t max_bytes, rn_bytes *raw, int64_t *line, rn_err *err)
{
    int c = rn_js_peek(js, err);
    if (c < 0) return c;
    if (c == 0) return cut(js, err);
    if (strchr(",:}]", c)) return expected(js, "a value", c, err);
    *line = js->line;
    rn_buf_clear(&js->value);
    scan sc = {0};
    while (!sc.done) {
        int rc = fill(js, err);
        if (rc < 0) return rc;
        if (rc == 0) {
            if (sc.scalar) break;
            return cut(js, err);
        }
        size_t used = scan_value(js->chunk + js->pos, js->len - js->pos, &sc, &js->line);
        if (js->value.len + used > max_bytes) {
            char msg[96];
            snprintf(msg, sizeof msg, "a value is longer than %zu bytes", max_bytes);
            return fail(js, RN_ELIMIT, err, msg);
        }
        rn_buf_add(&js->value, js->chunk + js->pos, used);
        js->pos += used;
    }
    if (!rn_buf_ok(&js->value)) return fail(js, RN_ENOMEM, err, "out of memory");
    *raw = rn_buf_view(&js->value);
    return 0;
}

rn_bytes rn_js_seen(const rn_js *js)
{
    const char *from = js->chunk + js->pos;
    const char *nl = js->pos < js->len ? memchr(from, '\n', js->len - js->pos) : NULL;
    return (rn_bytes){from, nl ? (size_t)(nl - from) : 0};
}

int rn_js_row(rn_js *js, size_t max_bytes, rn_bytes *raw, int64_t *line, rn_err *err)
{
    bool any = false, too_long = false;
    *line = js->line;
    rn_buf_clear(&js->value);
    for (;;) {
        int rc = fill(js, err);
        if (rc < 0) return rc;
        if (rc == 0) break;
        any = true;
        const char *from = js->chunk + js->pos, *nl = memchr(from, '\n', js->len - js->pos);
        size_t n = nl ? (size_t)(nl - from) : js->len - js->pos;
        too_long |= js->value.len + n > max_bytes;
        if (!too_long) rn_buf_add(&js->value, from, n);
        js->pos += n + (nl ? 1 : 0);
        js->line += nl != NULL;
        if (nl) break;
    }
    if (!any) return 0;
    if (too_long)
        return rn_fail_at(err, RN_ELIMIT, *line, -1, "%s: line %lld is longer than %zu bytes",
                          rn_reader_path(js->r), (long long)*line, max_bytes);
    if (!rn_buf_ok(&js->value)) return fail(js, RN_ENOMEM, err, "out of memory");
    *raw = rn_buf_view(&js->value);
    if (raw->len && raw->data[raw->len - 1] == '\r') raw->len--;
    return 1;
}

int rn_js_key(rn_js *js, rn_bytes *key, rn_err *err)
{
    int c = rn_js_peek(js, err);
    if (c < 0) return c;
    if (c != '"') return expected(js, "a key in quotes", c, err);
    rn_bytes raw;
    int64_t line;
    int rc = rn_js_value(js, MAX_KEY_BYTES, &raw, &line, err);
    if (rc) return rc;
    json_decref(js->key);
    js->key = NULL;
    rc = rn_json_parse(raw, (rn_json_at){rn_reader_path(js->r), line}, &js->key, err);
    if (rc) return rc;
    c = rn_js_peek(js, err);
    if (c < 0) return c;
    if (c != ':') return expected(js, "':'", c, err);
    js->pos++;
    *key = (rn_bytes){json_string_value(js->key), json_string_length(js->key)};
    return 0;
}

int rn_js_end(rn_js *js, rn_err *err)
{
    int c = rn_js_peek(js, err);
    if (c <= 0) return c;
    return fail(js, RN_EFORMAT, err, "more text follows the end of the JSON");
}
