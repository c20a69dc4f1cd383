/* json.c: jansson with errors that say file, line and field. */
#include "base/json.h"

int rn_json_parse(rn_bytes text, rn_json_at at, json_t **out, rn_err *err)
{
    json_error_t je;
    json_t *v = json_loadb(text.data ? text.data : "", text.len,
                           JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &je);
    if (v) {
        *out = v;
        return 0;
    }
    /* A record on one line has its own line number; a whole file has jansson's. */
    int64_t line = at.line > 0 ? at.line : je.line;
    bool cut = json_error_code(&je) == json_error_premature_end_of_input;
    return rn_fail_at(err, cut ? RN_ETRUNCATED : RN_EFORMAT, line, je.position,
                      "%s: line %lld, column %d: %s", at.path, (long long)line, je.column, je.text);
}

static const char *type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a real number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: return "null";
    }
    return "unknown";
}

static int missing(const char *key, rn_json_at at, rn_err *err)
{
    if (at.line > 0)
        return rn_fail_at(err, RN_EFORMAT, at.line, -1, "%s: line %lld: field \"%s\" is missing",
                          at.path, (long long)at.line, key);
    return rn_fail(err, RN_EFORMAT, "%s: field \"%s\" is missing", at.path, key);
}

static int mistyped(const json_t *v, const char *key, const char *want, rn_json_at at, rn_err *err)
{
    if (at.line > 0)
        return rn_fail_at(err, RN_EFORMAT, at.line, -1,
                          "%s: line %lld: field \"%s\" is %s, %s is needed", at.path,
                          (long long)at.line, key, type_name(v), want);
    return rn_fail(err, RN_EFORMAT, "%s: field \"%s\" is %s, %s is needed", at.path, key,
                   type_name(v), want);
}

/* *v is NULL when the field is absent or null and not required. */
static int field(const json_t *obj, const char *key, bool required, rn_json_at at, json_t **v,
                 rn_err *err)
{
    if (!json_is_object(obj)) {
        if (at.line > 0)
            return rn_fail_at(err, RN_EFORMAT, at.line, -1,
                              "%s: line %lld is %s, an object is needed", at.path,
                              (long long)at.line, type_name(obj));
        return rn_fail(err, RN_EFORMAT, "%s holds %s, an object is needed", at.path,
                       type_name(obj));
    }
    *v = json_object_get(obj, key);
    if (*v && json_is_null(*v) && !required) *v = NULL;
    return !*v && required ? missing(key, at, err) : 0;
}

static int get_bytes(const json_t *obj, const char *key, bool required, rn_json_at at,
                     rn_bytes *out, rn_err *err)
{
    json_t *v;
    int rc = field(obj, key, required, at, &v, err);
    if (rc || !v) return rc;
    if (!json_is_string(v)) return mistyped(v, key, "a string", at, err);
    *out = (rn_bytes){.data = json_string_value(v), .len = json_string_length(v)};
    return 0;
}

int rn_json_bytes(const json_t *obj, const char *key, rn_json_at at, rn_bytes *out, rn_err *err)
{
    return get_bytes(obj, key, true, at, out, err);
}

int rn_json_bytes_opt(const json_t *obj, const char *key, rn_json_at at, rn_bytes *out, rn_err *err)
{
    return get_bytes(obj, key, false, at, out, err);
}

static int get_int(const json_t *obj, const char *key, bool required, rn_json_at at, int64_t *out,
                   rn_err *err)
{
    json_t *v;
    int rc = field(obj, key, required, at, &v, err);
    if (rc || !v) return rc;
    if (!json_is_integer(v)) return mistyped(v, key, "an integer", at, err);
    *out = json_integer_value(v);
    return 0;
}

int rn_json_int(const json_t *obj, const char *key, rn_json_at at, int64_t *out, rn_err *err)
{
    return get_int(obj, key, true, at, out, err);
}

int rn_json_int_opt(const json_t *obj, const char *key, rn_json_at at, int64_t *out, rn_err *err)
{
    return get_int(obj, key, false, at, out, err);
}

int rn_json_real_opt(const json_t *obj, const char *key, rn_json_at at, double *out, rn_err *err)
{
    json_t *v;
    int rc = field(obj, key, false, at, &v, err);
    if (rc || !v) return rc;
    if (!json_is_number(v)) return mistyped(v, key, "a number", at, err);
    *out = json_number_value(v);
    return 0;
}

static int get_array(const json_t *obj, const char *key, bool required, rn_json_at at, json_t **out,
                     rn_err *err)
{
    json_t *v;
    int rc = field(obj, key, required, at, &v, err);
    if (rc || !v) return rc;
    if (!json_is_array(v)) return mistyped(v, key, "an array", at, err);
    *out = v;
    return 0;
}

int rn_json_array(const json_t *obj, const char *key, rn_json_at at, json_t **out, rn_err *err)
{
    return get_array(obj, key, true, at, out, err);
}

int rn_json_array_opt(const json_t *obj, const char *key, rn_json_at at, json_t **out, rn_err *err)
{
    return get_array(obj, key, false, at, out, err);
}
