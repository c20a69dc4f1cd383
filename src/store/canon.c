/*
 * canon.c: the canonical form of settings, so that equal settings are equal text.
 *
 * Keys sorted by their bytes, no spaces; a real number that is whole (and below 2^53) is written as
 * an integer, any other with the fewest digits that read back as the same double.
 */
#include "store/internal.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEPTH = 64 };

static int put_value(const json_t *v, int depth, rn_buf *out, rn_err *err);

static void put_real(double x, rn_buf *out)
{
    if (fabs(x) < 9007199254740992.0 && x == floor(x)) {
        rn_buf_printf(out, "%.0f", x == 0 ? 0.0 : x);
        return;
    }
    char s[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, x);
        if (strtod(s, NULL) == x) break;
    }
    rn_buf_puts(out, s);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int put_object(const json_t *v, int depth, rn_buf *out, rn_err *err)
{
    size_t n = json_object_size(v), i = 0;
    const char **keys = malloc((n + 1) * sizeof *keys);
    if (!keys) return rn_fail(err, RN_ENOMEM, "out of memory in settings");
    for (void *it = json_object_iter((json_t *)(uintptr_t)v); it;
         it = json_object_iter_next((json_t *)(uintptr_t)v, it))
        keys[i++] = json_object_iter_key(it);
    qsort(keys, n, sizeof *keys, compare_keys);
    int rc = 0;
    rn_buf_putc(out, '{');
    for (i = 0; i < n && !rc; i++) {
        if (i) rn_buf_putc(out, ',');
        rn_buf_json(out, rn_bytes_of(keys[i]));
        rn_buf_putc(out, ':');
        rc = put_value(json_object_get(v, keys[i]), depth + 1, out, err);
    }
    rn_buf_putc(out, '}');
    free(keys);
    return rc;
}

static int put_array(const json_t *v, int depth, rn_buf *out, rn_err *err)
{
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i) rn_buf_putc(out, ',');
        int rc = put_value(json_array_get(v, i), depth + 1, out, err);
        if (rc) return rc;
    }
    rn_buf_putc(out, ']');
    return 0;
}

static int put_value(const json_t *v, int depth, rn_buf *out, rn_err *err)
{
    if (depth > MAX_DEPTH) return rn_fail(err, RN_ELIMIT, "settings are nested too deeply");
    switch (json_typeof(v)) {
    case JSON_OBJECT: return put_object(v, depth, out, err);
    case JSON_ARRAY: return put_array(v, depth, out, err);
    case JSON_STRING:
        rn_buf_json(out, (rn_bytes){json_string_value(v), json_string_length(v)});
        return 0;
    case JSON_INTEGER: rn_buf_printf(out, "%lld", (long long)json_integer_value(v)); return 0;
    case JSON_REAL: put_real(json_real_value(v), out); return 0;
    case JSON_TRUE: rn_buf_puts(out, "true"); return 0;
    case JSON_FALSE: rn_buf_puts(out, "false"); return 0;
    case JSON_NULL: rn_buf_puts(out, "null"); return 0;
    }
    return 0;
}

int rn_store_canonical(const char *json, rn_buf *out, rn_err *err)
{
    json_t *v = NULL;
    const char *text = json && *json ? json : "{}";
    int rc = rn_json_parse(rn_bytes_of(text), (rn_json_at){"settings", 1}, &v, err);
    if (rc) return rc;
    if (json_is_object(v))
        rc = put_value(v, 0, out, err);
    else
        rc = rn_fail(err, RN_EINVAL, "settings must be a JSON object, not '%.60s'", text);
    json_decref(v);
    if (!rc && !rn_buf_ok(out)) rc = rn_fail(err, RN_ENOMEM, "out of memory in settings");
    return rc;
}
