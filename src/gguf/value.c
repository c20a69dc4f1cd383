/* value.c: typed access to the metadata of an opened GGUF file. See gguf.h. */
#include "gguf/gguf.h"

static uint64_t load(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;
    memcpy(&v, p, bytes); /* little-endian, as quant.c makes sure */
    return v;
}

static int64_t saturate(double v)
{
    if (isnan(v)) return 0;
    if (v >= 0x1p63) return INT64_MAX;
    return v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

int64_t rn_gguf_int_at(const rn_gguf_kv *kv, uint64_t i)
{
    const uint8_t *p = kv->raw;
    switch (kv->elem) {
    case RN_G_U8:
    case RN_G_BOOL: return p[i];
    case RN_G_I8: return (int8_t)p[i];
    case RN_G_U16: return (int64_t)load(p + 2 * i, 2);
    case RN_G_I16: return (int16_t)load(p + 2 * i, 2);
    case RN_G_U32: return (int64_t)load(p + 4 * i, 4);
    case RN_G_I32: return (int32_t)load(p + 4 * i, 4);
    case RN_G_I64: return (int64_t)load(p + 8 * i, 8);
    case RN_G_U64: {
        uint64_t v = load(p + 8 * i, 8);
        return v > INT64_MAX ? INT64_MAX : (int64_t)v;
    }
    case RN_G_F32:
    case RN_G_F64: return saturate(rn_gguf_real_at(kv, i));
    case RN_G_STR:
    case RN_G_ARRAY:
    case RN_G_N_TYPES: break;
    }
    return 0;
}

double rn_gguf_real_at(const rn_gguf_kv *kv, uint64_t i)
{
    if (kv->elem == RN_G_F32) {
        float f;
        memcpy(&f, kv->raw + 4 * i, sizeof f);
        return (double)f;
    }
    if (kv->elem == RN_G_F64) {
        double d;
        memcpy(&d, kv->raw + 8 * i, sizeof d);
        return d;
    }
    if (kv->elem == RN_G_U64) return (double)load(kv->raw + 8 * i, 8);
    return (double)rn_gguf_int_at(kv, i);
}

static bool is_int(rn_gguf_type t)
{
    return t <= RN_G_I32 || t == RN_G_U64 || t == RN_G_I64;
}

static bool is_number(rn_gguf_type t)
{
    return is_int(t) || t == RN_G_F32 || t == RN_G_F64;
}

static int absent(const rn_gguf *g, const char *key, rn_err *err)
{
    return rn_fail(err, RN_ENOTFOUND, "%s: the metadata key '%s' is missing", rn_gguf_path(g), key);
}

static int wrong_type(const rn_gguf *g, const rn_gguf_kv *kv, const char *want, rn_err *err)
{
    bool array = kv->type == RN_G_ARRAY;
    return rn_fail(err, RN_EFORMAT, "%s: the metadata key '%.*s' is %s%s, %s is needed",
                   rn_gguf_path(g), (int)kv->key.len, kv->key.data,
                   array ? "an array of " : "of type ", rn_gguf_type_name(kv->elem), want);
}

int rn_gguf_u32_opt(const rn_gguf *g, const char *key, uint32_t *out, rn_err *err)
{
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    if (!kv) return 0;
    if (!is_int(kv->type)) return wrong_type(g, kv, "a whole number", err);
    int64_t v = rn_gguf_int_at(kv, 0);
    if (v < 0 || v > UINT32_MAX)
        return rn_fail(err, RN_EFORMAT, "%s: the metadata key '%s' is %lld, out of range",
                       rn_gguf_path(g), key, (long long)v);
    *out = (uint32_t)v;
    return 0;
}

int rn_gguf_f32_opt(const rn_gguf *g, const char *key, float *out, rn_err *err)
{
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    if (!kv) return 0;
    if (!is_number(kv->type)) return wrong_type(g, kv, "a number", err);
    float v = (float)rn_gguf_real_at(kv, 0);
    if (!isfinite(v))
        return rn_fail(err, RN_EFORMAT, "%s: the metadata key '%s' is not a finite number",
                       rn_gguf_path(g), key);
    *out = v;
    return 0;
}

int rn_gguf_bool_opt(const rn_gguf *g, const char *key, bool *out, rn_err *err)
{
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    if (!kv) return 0;
    if (kv->type != RN_G_BOOL) return wrong_type(g, kv, "a bool", err);
    *out = kv->raw[0] != 0;
    return 0;
}

int rn_gguf_str_opt(const rn_gguf *g, const char *key, rn_bytes *out, rn_err *err)
{
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    if (!kv) return 0;
    if (kv->type != RN_G_STR) return wrong_type(g, kv, "a string", err);
    *out = kv->strs[0];
    return 0;
}

int rn_gguf_array_opt(const rn_gguf *g, const char *key, rn_gguf_type elem, const rn_gguf_kv **out,
                      rn_err *err)
{
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    *out = NULL;
    if (!kv) return 0;
    bool fits = elem == RN_G_STR   ? kv->elem == RN_G_STR
                : elem == RN_G_F32 ? is_number(kv->elem)
                                   : is_int(kv->elem);
    if (kv->type != RN_G_ARRAY || !fits)
        return wrong_type(g, kv,
                          elem == RN_G_STR   ? "an array of strings"
                          : elem == RN_G_F32 ? "an array of numbers"
                                             : "an array of whole numbers",
                          err);
    *out = kv;
    return 0;
}

int rn_gguf_u32(const rn_gguf *g, const char *key, uint32_t *out, rn_err *err)
{
    return rn_gguf_find(g, key) ? rn_gguf_u32_opt(g, key, out, err) : absent(g, key, err);
}

int rn_gguf_f32(const rn_gguf *g, const char *key, float *out, rn_err *err)
{
    return rn_gguf_find(g, key) ? rn_gguf_f32_opt(g, key, out, err) : absent(g, key, err);
}

int rn_gguf_str(const rn_gguf *g, const char *key, rn_bytes *out, rn_err *err)
{
    return rn_gguf_find(g, key) ? rn_gguf_str_opt(g, key, out, err) : absent(g, key, err);
}

int rn_gguf_array(const rn_gguf *g, const char *key, rn_gguf_type elem, const rn_gguf_kv **out,
                  rn_err *err)
{
    return rn_gguf_find(g, key) ? rn_gguf_array_opt(g, key, elem, out, err) : absent(g, key, err);
}
