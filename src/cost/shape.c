/*
 * shape.c: a shape as JSON, in the words of a cost file, and as an entry of a cost book.
 *
 * A profile that a store keeps holds under "shape" what FLOPs follow from, so that a model that no
 * table knows is priced by what its file says. A store is input: the shape is checked.
 */
#include "cost/book.h"

static const struct {
    const char *key;
    size_t at;
} fields[] = {
    {"layers", offsetof(rn_shape, n_layer)},     {"d_model", offsetof(rn_shape, d_model)},
    {"d_ffn", offsetof(rn_shape, d_ffn)},        {"heads", offsetof(rn_shape, n_head)},
    {"kv_heads", offsetof(rn_shape, n_kv_head)}, {"head_dim", offsetof(rn_shape, head_dim)},
    {"vocab", offsetof(rn_shape, vocab)}};

enum { N_FIELDS = sizeof fields / sizeof fields[0] };

json_t *rn_shape_to_json(const rn_shape *s)
{
    json_t *j = json_pack("{s:b, s:b}", "gated", s->gated_ffn, "tied", s->tied_head);
    for (size_t i = 0; j && i < N_FIELDS; i++) {
        int64_t v;
        memcpy(&v, (const char *)s + fields[i].at, sizeof v);
        json_object_set_new(j, fields[i].key, json_integer(v));
    }
    if (j && s->attn_weights) json_object_set_new(j, "attn_weights", json_integer(s->attn_weights));
    return j;
}

static int read_shape(const json_t *shape, rn_json_at at, rn_shape *out, rn_err *err)
{
    rn_shape s = {.gated_ffn = json_is_true(json_object_get(shape, "gated")),
                  .tied_head = json_is_true(json_object_get(shape, "tied"))};
    for (size_t i = 0; i < N_FIELDS; i++) {
        int64_t v;
        int rc = rn_json_int(shape, fields[i].key, at, &v, err);
        if (rc) return rc;
        memcpy((char *)&s + fields[i].at, &v, sizeof v);
    }
    if (json_object_get(shape, "attn_weights")) {
        int rc = rn_json_int(shape, "attn_weights", at, &s.attn_weights, err);
        if (rc) return rc;
    }
    rn_err why;
    if (rn_shape_check(&s, &why)) return rn_fail(err, RN_EFORMAT, "%s: %s", at.path, why.msg);
    *out = s;
    return 0;
}

int rn_shape_of_profile(const char *profile_json, rn_shape *out, rn_err *err)
{
    rn_json_at at = {"the shape of a stored profile", 0};
    json_t *j;
    int rc = rn_json_parse(rn_bytes_of(profile_json), at, &j, err);
    if (rc) return rc;
    const json_t *shape = json_object_get(j, "shape");
    rc = json_is_object(shape) ? read_shape(shape, at, out, err)
                               : rn_fail(err, RN_ENOTFOUND, "the profile has no shape");
    json_decref(j);
    return rc;
}

int rn_cost_book_add_shape(rn_cost_book *b, const char *name, const rn_shape *shape,
                           const char *source, rn_err *err)
{
    if (rn_cost_find(b, name)) return 0;
    rn_cost *c = rn_cost_book_add(b, name);
    const char *from = c ? rn_arena_strdup(&b->arena, source) : NULL;
    if (!from) return rn_nomem(err, name);
    c->shape = *shape;
    c->has_shape = true;
    c->source = from;
    return 0;
}
