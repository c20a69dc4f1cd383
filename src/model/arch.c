/*
 * arch.c: the table of architectures and the hyperparameters of a file, each checked: a size is
 * bounded before it is used, and sizes must fit each other.
 *
 * Sources: the model cards and their reference code (transformers: modeling_llama, modeling_qwen2,
 * modeling_qwen3, modeling_starcoder2); key names from the GGUF specification. The rotation of
 * llama files is of neighbours because their query and key rows were permuted on conversion.
 */
#include "model/arch.h"

#include <math.h>
#include <stdio.h>

static const rn_arch archs[] = {
    {.name = "llama",
     .gated = true,
     .qkv_bias = RN_NEED_MAY,
     .out_bias = RN_NEED_MAY,
     .ffn_bias = RN_NEED_MAY},
    {.name = "qwen2", .rope_halves = true, .gated = true, .qkv_bias = RN_NEED_MUST},
    {.name = "qwen3", .qk_norm = true, .rope_halves = true, .gated = true},
    {.name = "starcoder2",
     .layer_norm = true,
     .rope_halves = true,
     .qkv_bias = RN_NEED_MUST,
     .out_bias = RN_NEED_MUST,
     .ffn_bias = RN_NEED_MUST,
     .window = 4096}, /* its config.json; converters do not always write the key */
};

const rn_arch *rn_arch_find(const char *name)
{
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        if (strcmp(archs[i].name, name) == 0) return &archs[i];
    return NULL;
}

/* "qwen2.block_count" for "block_count": in a static thread-local buffer. */
static const char *key_of(const rn_arch *a, const char *name)
{
    static _Thread_local char key[96];
    snprintf(key, sizeof key, "%s.%s", a->name, name);
    return key;
}

/* A size of 1..max; `fallback` > 0 where the key may be absent. */
static int read_size(const rn_gguf *g, const rn_arch *a, const char *name, uint32_t fallback,
                     uint32_t max, int32_t *out, rn_err *err)
{
    const char *key = key_of(a, name);
    uint32_t v = fallback;
    int rc = fallback ? rn_gguf_u32_opt(g, key, &v, err) : rn_gguf_u32(g, key, &v, err);
    if (rc) return rc;
    if (v < 1 || v > max)
        return rn_fail(err, RN_EFORMAT, "%s: %s is %u, expected 1 to %u; the file is damaged",
                       rn_gguf_path(g), key, v, max);
    *out = (int32_t)v;
    return 0;
}

/* As read_size, for a key that may be one number per layer: they must all be equal. */
static int read_heads(const rn_gguf *g, const rn_arch *a, const char *name, int32_t fallback,
                      int32_t *out, rn_err *err)
{
    const char *key = key_of(a, name);
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    if (!kv || kv->type != RN_G_ARRAY)
        return read_size(g, a, name, (uint32_t)fallback, RN_MAX_WIDTH, out, err);
    int rc = rn_gguf_array(g, key, RN_G_I32, &kv, err);
    if (rc) return rc;
    int64_t first = kv->n ? rn_gguf_int_at(kv, 0) : 0;
    for (uint64_t i = 1; i < kv->n; i++)
        if (rn_gguf_int_at(kv, i) != first)
            return rn_fail(err, RN_EUNSUPPORTED,
                           "%s: %s differs between layers, which this version does not run",
                           rn_gguf_path(g), key);
    if (first < 1 || first > RN_MAX_WIDTH)
        return rn_fail(err, RN_EFORMAT, "%s: %s is %lld; the file is damaged", rn_gguf_path(g), key,
                       (long long)first);
    *out = (int32_t)first;
    return 0;
}

static int read_real(const rn_gguf *g, const rn_arch *a, const char *name, double lo, double hi,
                     bool required, double *out, rn_err *err)
{
    const char *key = key_of(a, name);
    float v = (float)*out;
    int rc = required ? rn_gguf_f32(g, key, &v, err) : rn_gguf_f32_opt(g, key, &v, err);
    if (rc) return rc;
    if (!((double)v >= lo && (double)v <= hi))
        return rn_fail(err, RN_EFORMAT, "%s: %s is %g, expected %g to %g; the file is damaged",
                       rn_gguf_path(g), key, (double)v, lo, hi);
    *out = (double)v;
    return 0;
}

static int read_rope(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    h->rope_base = 10000;
    h->rope_scale = 1;
    int rc = read_real(g, a, "rope.freq_base", 1, 1e12, false, &h->rope_base, err);
    if (rc) return rc;
    rc = read_size(g, a, "rope.dimension_count", (uint32_t)h->head_dim, (uint32_t)h->head_dim,
                   &h->n_rot, err);
    if (rc) return rc;
    if (h->n_rot % 2)
        return rn_fail(err, RN_EFORMAT, "%s: %s is odd; the file is damaged", rn_gguf_path(g),
                       key_of(a, "rope.dimension_count"));
    /* Older files state the factor alone, newer ones type and factor. */
    rc = read_real(g, a, "rope.scale_linear", 1e-3, 1e6, false, &h->rope_scale, err);
    if (rc) return rc;
    rn_bytes type = {0};
    rc = rn_gguf_str_opt(g, key_of(a, "rope.scaling.type"), &type, err);
    if (rc || !type.data || rn_bytes_equal(type, rn_bytes_of("none"))) return rc;
    if (!rn_bytes_equal(type, rn_bytes_of("linear")))
        return rn_fail(
            err, RN_EUNSUPPORTED,
            "%s: rope scaling '%.*s' is not supported; 'linear' and Llama 3's factors are",
            rn_gguf_path(g), (int)(type.len < 40 ? type.len : 40), type.data);
    return read_real(g, a, "rope.scaling.factor", 1e-3, 1e6, true, &h->rope_scale, err);
}

/* Features that some file of the architecture may ask for and that are not there. */
static int refuse_unsupported(const rn_gguf *g, const rn_arch *a, rn_err *err)
{
    uint32_t experts = 0;
    int rc = rn_gguf_u32_opt(g, key_of(a, "expert_count"), &experts, err);
    if (rc) return rc;
    if (experts)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: a mixture of %u experts; this version runs dense models only",
                       rn_gguf_path(g), experts);
    return 0;
}

static int read_arch(const rn_gguf *g, const rn_arch **out, rn_err *err)
{
    rn_bytes name;
    int rc = rn_gguf_str(g, "general.architecture", &name, err);
    if (rc) return rc;
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++) {
        if (!rn_bytes_equal(name, rn_bytes_of(archs[i].name))) continue;
        *out = &archs[i];
        return 0;
    }
    rn_buf known = {0};
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        rn_buf_printf(&known, "%s%s", i ? ", " : "", archs[i].name);
    rc = rn_fail(err, RN_EUNSUPPORTED,
                 "%s: architecture '%.*s' is not supported; this version runs %s", rn_gguf_path(g),
                 (int)(name.len < 64 ? name.len : 64), name.data,
                 known.data ? known.data : "others");
    rn_buf_free(&known);
    return rc;
}

int rn_hparams_read(const rn_gguf *g, rn_hparams *out, rn_err *err)
{
    rn_hparams h = {0};
    int rc = read_arch(g, &h.arch, err);
    if (!rc) rc = refuse_unsupported(g, h.arch, err);
    if (rc) return rc;
    const rn_arch *a = h.arch;
    if ((rc = read_size(g, a, "block_count", 0, RN_MAX_LAYERS, &h.n_layer, err))) return rc;
    if ((rc = read_size(g, a, "embedding_length", 0, RN_MAX_WIDTH, &h.d_model, err))) return rc;
    if ((rc = read_size(g, a, "feed_forward_length", 0, RN_MAX_WIDTH, &h.d_ff, err))) return rc;
    if ((rc = read_size(g, a, "context_length", 0, RN_MAX_CONTEXT, &h.n_ctx, err))) return rc;
    if ((rc = read_heads(g, a, "attention.head_count", 0, &h.n_head, err))) return rc;
    if ((rc = read_heads(g, a, "attention.head_count_kv", h.n_head, &h.n_kv_head, err))) return rc;
    if (h.n_head % h.n_kv_head)
        return rn_fail(err, RN_EFORMAT,
                       "%s: %d heads are no multiple of %d key-value heads; the file is damaged",
                       rn_gguf_path(g), h.n_head, h.n_kv_head);
    int32_t value_len = 0;
    uint32_t even = h.d_model % h.n_head == 0 ? (uint32_t)(h.d_model / h.n_head) : 0;
    if ((rc = read_size(g, a, "attention.key_length", even, RN_MAX_HEAD_DIM, &h.head_dim, err)))
        return rc;
    if ((rc = read_size(g, a, "attention.value_length", (uint32_t)h.head_dim, RN_MAX_HEAD_DIM,
                        &value_len, err)))
        return rc;
    if (value_len != h.head_dim)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: keys of %d and values of %d elements a head; they must be equal",
                       rn_gguf_path(g), h.head_dim, value_len);
    if (h.n_head > RN_MAX_WIDTH / h.head_dim)
        return rn_fail(err, RN_EFORMAT, "%s: %d heads of %d elements; the file is damaged",
                       rn_gguf_path(g), h.n_head, h.head_dim);
    double eps = 0;
    rc = read_real(
        g, a, a->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
        0, 1, true, &eps, err);
    if (rc) return rc;
    h.norm_eps = (float)eps;
    uint32_t window = (uint32_t)a->window;
    if ((rc = rn_gguf_u32_opt(g, key_of(a, "attention.sliding_window"), &window, err))) return rc;
    h.window = window < (uint32_t)h.n_ctx ? (int32_t)window : 0;
    if ((rc = read_rope(g, &h, err))) return rc;

    const rn_tensor *embd = rn_gguf_tensor(g, "token_embd.weight");
    if (!embd)
        return rn_fail(err, RN_EFORMAT, "%s: no tensor token_embd.weight; the file holds no model",
                       rn_gguf_path(g));
    if (embd->ne[1] > RN_MAX_VOCAB)
        return rn_fail(err, RN_EFORMAT, "%s: token_embd.weight has %lld rows; the file is damaged",
                       rn_gguf_path(g), (long long)embd->ne[1]);
    h.n_vocab = (int32_t)embd->ne[1];
    *out = h;
    return 0;
}

void rn_hparams_shape(const rn_hparams *h, rn_shape *out)
{
    *out = (rn_shape){.n_layer = h->n_layer,
                      .d_model = h->d_model,
                      .d_ffn = h->d_ff,
                      .n_head = h->n_head,
                      .n_kv_head = h->n_kv_head,
                      .head_dim = h->head_dim,
                      .vocab = h->n_vocab,
                      .gated_ffn = h->arch->gated};
}
