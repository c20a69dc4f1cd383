/*
 * canon.c: canonical JSON, and identity apart from provenance (canon_priv.h).
 *
 * Canonical: keys sorted by their bytes, no spaces; a real number that is whole (and below 2^53) is
 * written as an integer, any other with the fewest digits that read back as the same double.
 */
#include "store/canon_priv.h"

#include "base/json.h"

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

static int put_object(const json_t *v, int depth, rn_buf *out, rn_err *err)
{
    size_t n = json_object_size(v), i = 0;
    const char **keys = malloc((n + 1) * sizeof *keys);
    if (!keys) return rn_nomem(err, "settings");
    for (void *it = json_object_iter((json_t *)(uintptr_t)v); it;
         it = json_object_iter_next((json_t *)(uintptr_t)v, it))
        keys[i++] = json_object_iter_key(it);
    qsort(keys, n, sizeof *keys, rn_by_text);
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

static int parse_object(const char *json, json_t **out, rn_err *err)
{
    const char *text = json && *json ? json : "{}";
    int rc = rn_json_parse(rn_bytes_of(text), (rn_json_at){"settings", 1}, out, err);
    if (rc || json_is_object(*out)) return rc;
    json_decref(*out);
    return rn_fail(err, RN_EINVAL, "settings must be a JSON object, not '%.60s'", text);
}

/* Takes over v, which may be NULL: out of memory. */
static int put_whole(json_t *v, rn_buf *out, rn_err *err)
{
    int rc = v ? put_value(v, 0, out, err) : 0;
    json_decref(v);
    if (!v || (!rc && !rn_buf_ok(out))) rc = rn_nomem(err, "settings");
    return rc;
}

int rn_store_canonical(const char *json, rn_buf *out, rn_err *err)
{
    json_t *v = NULL;
    int rc = parse_object(json, &v, err);
    return rc ? rc : put_whole(v, out, err);
}

/* ---- provenance ------------------------------------------------------------------------------ */

/* The one list: who wrote it, and where it came from. */
static const char *const provenance_keys[] = {"ration", "server", "source", "until", "version"};
enum { N_KEYS = sizeof provenance_keys / sizeof provenance_keys[0], MAX_VALUES = 16 };

static bool is_unknown(const json_t *v)
{
    return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
}

/* Moves the provenance of an object into one of its own; NULL: out of memory. */
static json_t *take_provenance(json_t *object)
{
    json_t *out = json_object();
    for (size_t i = 0; out && i < N_KEYS; i++) {
        json_t *v = json_object_get(object, provenance_keys[i]);
        if (v && !is_unknown(v)) json_object_set(out, provenance_keys[i], v);
        json_object_del(object, provenance_keys[i]);
    }
    const char *key;
    json_t *v;
    void *next;
    json_object_foreach_safe(object, next, key, v)
    {
        if (is_unknown(v)) json_object_del(object, key);
    }
    return out;
}

int rn_identity_split(const char *json, rn_buf *identity, rn_buf *provenance, rn_err *err)
{
    json_t *v = NULL;
    assert(identity->len == 0 && provenance->len == 0);
    int rc = parse_object(json, &v, err);
    if (rc) return rc;
    json_t *from = take_provenance(v);
    rc = put_whole(v, identity, err);
    int rc2 = put_whole(from, provenance, rc ? NULL : err);
    assert(rc || rc2 || (identity->len >= 2 && provenance->len >= 2)); /* "{}" at least */
    return rc ? rc : rc2;
}

static int compare_values(const void *a, const void *b)
{
    const char *x = json_string_value(*(json_t *const *)a), *y;
    y = json_string_value(*(json_t *const *)b);
    return strcmp(x ? x : "", y ? y : "");
}

/* Adds a value, or each of an array, to those in list; not beyond MAX_VALUES: a cluster has as many
 * servers as nodes. */
static void collect(json_t *list[MAX_VALUES], size_t *n, json_t *v)
{
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++)
            collect(list, n, json_array_get(v, i));
        return;
    }
    for (size_t i = 0; i < *n; i++)
        if (json_equal(list[i], v)) return;
    if (v && *n < MAX_VALUES) list[(*n)++] = v;
}

/* What both say of a key, as a new reference; NULL: neither says anything. */
static json_t *united(json_t *a, json_t *b)
{
    json_t *list[MAX_VALUES];
    size_t n = 0;
    collect(list, &n, a);
    collect(list, &n, b);
    if (n < 2) return n ? json_incref(list[0]) : NULL;
    qsort(list, n, sizeof *list, compare_values);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append(out, list[i]);
    return out;
}

int rn_identity_unite(const char *a, const char *b, rn_buf *out, rn_err *err)
{
    json_t *x = NULL, *y = NULL, *both = NULL;
    int rc = parse_object(a, &x, err);
    if (!rc) rc = parse_object(b, &y, err);
    if (!rc) {
        both = json_object();
        for (size_t i = 0; i < N_KEYS; i++) {
            const char *key = provenance_keys[i];
            json_t *v = united(json_object_get(x, key), json_object_get(y, key));
            if (v) json_object_set_new(both, key, v);
        }
        rc = put_whole(both, out, err);
    }
    json_decref(x);
    json_decref(y);
    return rc;
}

/* ---- protocols ------------------------------------------------------------------------------- */

int rn_identity_family(const char *protocol, rn_protocol_family *out, rn_err *err)
{
    json_t *v = NULL;
    int rc = parse_object(protocol, &v, err);
    if (rc) return rc;
    json_decref(take_provenance(v));
    out->judge = out->extractor_version = 1;
    const json_t *number = json_object_get(v, "judge");
    if (json_is_integer(number)) out->judge = json_integer_value(number);
    const char *name = json_string_value(json_object_get(v, "extractor"));
    const char *slash = name ? strrchr(name, '/') : NULL;
    if (slash) out->extractor_version = strtoll(slash + 1, NULL, 10);
    snprintf(out->extractor, sizeof out->extractor, "%.*s",
             slash ? (int)(slash - name) : (int)sizeof out->extractor - 1, name ? name : "");
    json_object_del(v, "judge");
    json_object_del(v, "extractor");
    rn_buf_clear(&out->text);
    return put_whole(v, &out->text, err);
}

static double number_of(const json_t *v, const char *key)
{
    return json_number_value(json_object_get(v, key));
}

/* `ration solve` of 0.1.0 wrote the protocol of a set's problem in a form of its own, where 0 is
 * the default; this is how `ration judge` of 0.1.0 wrote the same limits. Of two kinds of tests,
 * scripts have 3 CPU seconds per program and APPS' cases 4 each. */
static void as_judge_wrote(json_t *v, const char *set)
{
    const char *source = json_string_value(json_object_get(v, "source"));
    if (!source || strcmp(source, "ration solve") != 0 || !json_object_get(v, "memory_bytes"))
        return;
    double memory = number_of(v, "memory_bytes"), mib = 1024.0 * 1024.0;
    if (number_of(v, "wall_s") == 0) json_object_del(v, "wall_s");
    if (json_object_get(v, "command")) {
        if (memory == 0) json_object_del(v, "memory_bytes");
        return;
    }
    bool cases = strncmp(set, "apps", 4) == 0 || number_of(v, "cpu_s") == 4;
    json_object_del(v, "memory_bytes");
    json_object_set_new(v, "memory_mib", json_real(memory > 0 ? memory / mib : 4096));
    json_object_set_new(v, "output_kib", json_integer(1024));
    json_object_set_new(v, "processes", json_integer(64));
    json_object_set_new(v, "per", json_string(cases ? "case" : "program"));
    if (cases) json_object_set_new(v, "compare", json_string("apps"));
}

/* ---- for SQL --------------------------------------------------------------------------------- */

typedef enum sql_part { IDENTITY, PROVENANCE, JOIN, APART, PROTOCOL } sql_part;

static const char *text_arg(sqlite3_value *v)
{
    const char *text = (const char *)sqlite3_value_text(v);
    return text ? text : "";
}

/* Text that is no JSON object is its own identity: whoever reads it says what is wrong. */
static void sql_function(sqlite3_context *c, int n, sqlite3_value **arg)
{
    sql_part part = *(const sql_part *)sqlite3_user_data(c);
    const char *json = text_arg(arg[0]), *more = n > 1 ? text_arg(arg[1]) : "";
    json_t *v = NULL, *extra = NULL;
    rn_buf out = {0};
    if (part == JOIN && strcmp(more, "{}") == 0) {
        sqlite3_result_value(c, arg[0]);
        return;
    }
    int rc = parse_object(json, &v, NULL);
    if (!rc && (part == JOIN || part == APART)) rc = parse_object(more, &extra, NULL);
    if (!rc && part == PROTOCOL) as_judge_wrote(v, more);
    if (!rc && (part == IDENTITY || part == PROTOCOL)) json_decref(take_provenance(v));
    if (!rc && part == PROVENANCE) {
        json_t *from = take_provenance(v);
        json_decref(v);
        v = from;
    }
    if (!rc && part == JOIN) json_object_update_missing(v, extra);
    if (!rc && part == APART) json_object_set(v, "apart", extra);
    if (!rc)
        rc = put_whole(v, &out, NULL);
    else
        json_decref(v);
    json_decref(extra);
    if (rc)
        sqlite3_result_text(c, part == PROVENANCE ? "{}" : json, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_text(c, out.data, (int)out.len, SQLITE_TRANSIENT);
    rn_buf_free(&out);
}

/* The aggregate's context: a pointer to the text so far, owned. */
static void unite_step(sqlite3_context *c, int n, sqlite3_value **arg)
{
    (void)n;
    char **so_far = sqlite3_aggregate_context(c, sizeof *so_far);
    rn_buf out = {0};
    if (so_far && !rn_identity_unite(*so_far, text_arg(arg[0]), &out, NULL)) {
        free(*so_far);
        *so_far = rn_buf_take(&out);
    }
    rn_buf_free(&out);
}

static void unite_final(sqlite3_context *c)
{
    char **so_far = sqlite3_aggregate_context(c, 0);
    sqlite3_result_text(c, so_far && *so_far ? *so_far : "{}", -1, SQLITE_TRANSIENT);
    if (so_far) free(*so_far);
}

int rn_identity_register(sqlite3 *db)
{
    static const struct {
        const char *name;
        int n_args;
        sql_part part;
    } functions[] = {{"rn_identity", 1, IDENTITY},
                     {"rn_provenance", 1, PROVENANCE},
                     {"rn_join", 2, JOIN},
                     {"rn_apart", 2, APART},
                     {"rn_protocol", 2, PROTOCOL}};
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, rc = 0;
    for (size_t i = 0; !rc && i < sizeof functions / sizeof functions[0]; i++)
        rc = sqlite3_create_function(db, functions[i].name, functions[i].n_args, flags,
                                     (void *)(uintptr_t)&functions[i].part, sql_function, NULL,
                                     NULL);
    return rc ? rc
              : sqlite3_create_function(db, "rn_unite", 1, flags, NULL, NULL, unite_step,
                                        unite_final);
}
