/*
 * arch.c: the table of architectures and the hyperparameters of a file, each checked: a size is
 * bounded before it is used, and sizes must fit each other.
 *
 * Sources: the model cards and their reference code (transformers: modeling_llama, modeling_qwen2,
 * modeling_qwen3, modeling_qwen3_moe, modeling_gpt_oss, modeling_gemma3, modeling_phi3,
 * modeling_glm4, modeling_granite, modeling_ministral3, modeling_deepseek_v2 and _v3,
 * modeling_starcoder2); key names from the GGUF specification. The rotation of llama files is of
 * neighbours because their query and key rows were permuted on conversion.
 */
#include "model/arch.h"

#include <math.h>
#include <stdio.h>

#define RN_PI 3.14159265358979323846

static const rn_arch archs[] = {
    {.name = "llama",
     .gated = true,
     .qkv_bias = RN_NEED_MAY,
     .out_bias = RN_NEED_MAY,
     .ffn_bias = RN_NEED_MAY},
    {.name = "qwen2", .rope_halves = true, .gated = true, .qkv_bias = RN_NEED_MUST},
    {.name = "qwen3", .qk_norm = true, .rope_halves = true, .gated = true},
    {.name = "qwen3moe", .qk_norm = true, .rope_halves = true, .gated = true, .experts = true},
    {.name = "starcoder2",
     .layer_norm = true,
     .rope_halves = true,
     .qkv_bias = RN_NEED_MUST,
     .out_bias = RN_NEED_MUST,
     .ffn_bias = RN_NEED_MUST,
     .window = 4096}, /* its config.json; converters do not always write the key */
    {.name = "gpt-oss",
     .rope_halves = true,
     .gated = true,
     .oai_gate = true,
     .sinks = true,
     .experts = true,
     .qkv_bias = RN_NEED_MUST,
     .out_bias = RN_NEED_MUST,
     .ffn_bias = RN_NEED_MUST,
     .period = 2,
     .ffn_norm = "post_attention_norm"},
    {.name = "gemma3",
     .qk_norm = true,
     .rope_halves = true,
     .gated = true,
     .gelu_gate = true,
     .post_norms = true,
     .embd_root = true,
     .period = 6,
     .local_base = 10000},
    {.name = "phi3",
     .rope_halves = true,
     .gated = true,
     .fused_qkv = true,
     .fused_ffn = true,
     .long_rope = true},
    {.name = "mistral3", .gated = true, .tempered = true},
    {.name = "deepseek2",
     .gated = true,
     .experts = true,
     .router = true,
     .latent = true,
     .tempered = true},
    {.name = "glm4", .gated = true, .fused_ffn = true, .post_norms = true, .qkv_bias = RN_NEED_MAY},
    {.name = "granite",
     .gated = true,
     .scales = true,
     .qkv_bias = RN_NEED_MAY,
     .out_bias = RN_NEED_MAY,
     .ffn_bias = RN_NEED_MAY},
};

/* "qwen2.block_count" for "block_count": in a static thread-local buffer. */
static const char *key_of(const rn_arch *a, const char *name)
{
    static _Thread_local char key[96];
    snprintf(key, sizeof key, "%s.%s", a->name, name);
    return key;
}

/* ---- metadata that is not understood --------------------------------------------------------- */

/* Keys of an architecture, without its name, that are read below, or that say nothing to a forward
 * pass. */
static const char *const known_keys[] = {"block_count",
                                         "embedding_length",
                                         "feed_forward_length",
                                         "context_length",
                                         "vocab_size",
                                         "tensor_data_layout",
                                         "attention.head_count",
                                         "attention.head_count_kv",
                                         "attention.key_length",
                                         "attention.value_length",
                                         "attention.layer_norm_epsilon",
                                         "attention.layer_norm_rms_epsilon",
                                         "attention.sliding_window",
                                         "attention.sliding_window_pattern",
                                         "rope.freq_base",
                                         "rope.dimension_count",
                                         "rope.scale_linear",
                                         "rope.scaling.type",
                                         "rope.scaling.factor",
                                         "rope.scaling.original_context_length",
                                         "rope.scaling.finetuned",
                                         "rope.scaling.attn_factor",
                                         "rope.scaling.yarn_attn_factor",
                                         "rope.scaling.yarn_beta_fast",
                                         "rope.scaling.yarn_beta_slow",
                                         "expert_count",
                                         "expert_used_count",
                                         NULL};

/* Keys that may be there if they ask for what is done anyway. */
static const struct {
    const char *name;
    double value, or ; /* the only ones */
} neutral_keys[] = {{"attention.causal", 1, 1},
                    {"use_parallel_residual", 0, 0},
                    {"pooling_type", 0, 0},
                    {"attention.clamp_kqv", 0, 0},
                    {"attention.max_alibi_bias", 0, 0},
                    {"attn_logit_softcapping", 0, 0},
                    {"final_logit_softcapping", 0, 0},
                    {"expert_shared_count", 0, 0},
                    {"expert_group_count", 0, 1},
                    {"expert_group_used_count", 0, 1},
                    {"expert_gating_func", 0, 1}, /* 1: softmax */
                    {"expert_weights_norm", 1, 1},
                    {"expert_weights_scale", 0, 1},
                    {"leading_dense_block_count", 0, 0},
                    {"nextn_predict_layers", 0, 0},
                    {"rope.scaling.yarn_ext_factor", 1, 1},
                    {"rope.scaling.yarn_log_multiplier", 0, 0}};

static bool is_known(const rn_arch *a, const char *name)
{
    static const char *const scales[] = {"embedding_scale", "residual_scale", "attention.scale",
                                         "logit_scale", NULL};
    static const char *const experts[] = {"expert_feed_forward_length", NULL};
    static const char *const router[] = {"leading_dense_block_count", "expert_shared_count",
                                         "expert_gating_func",        "expert_weights_norm",
                                         "expert_weights_scale",      "expert_group_count",
                                         "expert_group_used_count",   NULL};
    static const char *const latent[] = {"attention.q_lora_rank", "attention.kv_lora_rank",
                                         "attention.key_length_mla", "attention.value_length_mla",
                                         NULL};
    static const char *const tempered[] = {"rope.scaling.yarn_log_multiplier",
                                           "attention.temperature_scale",
                                           "attention.temperature_length", NULL};
    return rn_gguf_is_one(known_keys, name) || (a->scales && rn_gguf_is_one(scales, name)) ||
           (a->experts && rn_gguf_is_one(experts, name)) ||
           (a->router && rn_gguf_is_one(router, name)) ||
           (a->latent && rn_gguf_is_one(latent, name)) ||
           (a->tempered && rn_gguf_is_one(tempered, name));
}

static bool is_neutral(const rn_gguf_kv *kv, const char *name)
{
    for (size_t i = 0; i < sizeof neutral_keys / sizeof neutral_keys[0]; i++) {
        if (strcmp(name, neutral_keys[i].name) != 0) continue;
        if (kv->type == RN_G_ARRAY || kv->type == RN_G_STR) return false;
        double v = rn_gguf_real_at(kv, 0);
        return v == neutral_keys[i].value || v == neutral_keys[i].or ;
    }
    return false;
}

/* What a file asks for beyond what is known would be ignored without a word. */
static int refuse_unknown_keys(const rn_gguf *g, const rn_arch *a, rn_err *err)
{
    size_t n = strlen(a->name);
    for (size_t i = 0; i < rn_gguf_n_kv(g); i++) {
        const rn_gguf_kv *kv = rn_gguf_kv_at(g, i);
        if (kv->key.len <= n + 1 || memcmp(kv->key.data, a->name, n) != 0 || kv->key.data[n] != '.')
            continue;
        char name[96];
        snprintf(name, sizeof name, "%.*s", (int)(kv->key.len - n - 1), kv->key.data + n + 1);
        if (is_known(a, name) || is_neutral(kv, name)) continue;
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: this version does not know what %.*s asks for, and to ignore it would "
                       "change the result",
                       rn_gguf_path(g), (int)(kv->key.len < 96 ? kv->key.len : 96), kv->key.data);
    }
    return 0;
}

/* ---- values ---------------------------------------------------------------------------------- */

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
static int read_heads(const rn_gguf *g, const rn_hparams *h, const char *name, int32_t fallback,
                      int32_t *out, rn_err *err)
{
    const rn_arch *a = h->arch;
    const int32_t n_layer = h->n_layer;
    const char *key = key_of(a, name);
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    if (!kv || kv->type != RN_G_ARRAY)
        return read_size(g, a, name, (uint32_t)fallback, RN_MAX_WIDTH, out, err);
    int rc = rn_gguf_array(g, key, RN_G_I32, &kv, err);
    if (rc) return rc;
    if (kv->n != (uint64_t)n_layer)
        return rn_fail(err, RN_EFORMAT, "%s: %s has %llu numbers for %d layers", rn_gguf_path(g),
                       key, (unsigned long long)kv->n, n_layer);
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

/* YaRN (arXiv 2309.00071): dimensions that turn often within the original context keep their
 * positions, slow ones are interpolated, and cos and sin grow with the factor. A second amplitude
 * (mscale_all_dim) divides that growth; latent attention, whose keys are rotated in part only, has
 * it on the whole score instead, and its files hold a tenth of it. */
static int read_yarn(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    const char *log_mul = "rope.scaling.yarn_log_multiplier";
    double second = 0;
    h->yarn = true;
    h->yarn_fast = 32;
    h->yarn_slow = 1;
    int32_t ctx = 0;
    int rc = read_size(g, a, "rope.scaling.original_context_length", (uint32_t)h->n_ctx,
                       RN_MAX_CONTEXT, &ctx, err);
    if (!rc)
        rc = read_real(g, a, "rope.scaling.yarn_beta_fast", 1e-3, 1e6, false, &h->yarn_fast, err);
    if (!rc)
        rc = read_real(g, a, "rope.scaling.yarn_beta_slow", 1e-3, 1e6, false, &h->yarn_slow, err);
    if (!rc && a->tempered) rc = read_real(g, a, log_mul, 0, 1e3, a->latent, &second, err);
    if (rc) return rc;
    h->yarn_ctx = ctx;
    const double growth = 0.1 * log(h->rope_scale);
    if (a->latent)
        h->attn_scale *= (float)((1 + 10 * second * growth) * (1 + 10 * second * growth));
    else
        h->rope_amp *= (1 + growth) / (1 + second * growth);
    return 0;
}

/* LongRoPE (arXiv 2402.13753): factors of the frequencies for texts within the original context and
 * for longer ones; cos and sin grow with how much longer the context became. */
static int read_longrope(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    int rc = read_size(g, a, "rope.scaling.original_context_length", 0, RN_MAX_CONTEXT,
                       &h->long_ctx, err);
    if (rc) return rc;
    if (!rn_gguf_find(g, key_of(a, "rope.scaling.attn_factor")) && h->n_ctx > h->long_ctx)
        h->rope_amp *= sqrt(1 + log((double)h->n_ctx / h->long_ctx) / log(h->long_ctx));
    return 0;
}

/* The scaling of positions: `type` and `factor`; older files state scale_linear alone, and a factor
 * without a type is linear, as the reference library has it. Type none never scales. The factors of
 * LongRoPE are tensors, which files without a type may have, too. */
static int read_rope_scaling(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    const bool has_factors = rn_gguf_tensor(g, "rope_factors_long.weight") != NULL;
    rn_bytes type = {0};
    int rc = rn_gguf_str_opt(g, key_of(a, "rope.scaling.type"), &type, err);
    if (!rc) rc = read_real(g, a, "rope.scaling.attn_factor", 1e-3, 1e3, false, &h->rope_amp, err);
    if (!rc)
        rc = read_real(g, a, "rope.scaling.yarn_attn_factor", 1e-3, 1e3, false, &h->rope_amp, err);
    if (rc) return rc;
    const bool yarn = rn_bytes_equal(type, rn_bytes_of("yarn"));
    const bool longrope = a->long_rope && (rn_bytes_equal(type, rn_bytes_of("longrope")) ||
                                           (!type.data && has_factors));
    if (longrope) return read_longrope(g, h, err);
    if (rn_bytes_equal(type, rn_bytes_of("none"))) return 0;
    if (type.data && !yarn && !rn_bytes_equal(type, rn_bytes_of("linear")))
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: %s '%.*s' is not supported; 'none', 'linear', 'yarn'%s and Llama 3's "
                       "factors are",
                       rn_gguf_path(g), key_of(a, "rope.scaling.type"),
                       (int)(type.len < 40 ? type.len : 40), type.data,
                       a->long_rope ? ", 'longrope'" : "");
    rc = read_real(g, a, "rope.scale_linear", 1e-3, 1e6, false, &h->rope_scale, err);
    if (!rc) rc = read_real(g, a, "rope.scaling.factor", 0, 1e6, yarn, &h->rope_scale, err);
    if (rc) return rc;
    if (h->rope_scale == 0) h->rope_scale = 1; /* the reference reads 0 as no scaling */
    if (h->rope_scale < 1e-3)
        return rn_fail(err, RN_EFORMAT, "%s: %s is %g; the file is damaged", rn_gguf_path(g),
                       key_of(a, "rope.scaling.factor"), h->rope_scale);
    return yarn ? read_yarn(g, h, err) : 0;
}

/* Queries that grow with their position, in steps of temper_len. */
static int read_temper(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    if (!a->tempered) return 0;
    int rc = read_real(g, a, "attention.temperature_scale", 0, 1e3, false, &h->temper, err);
    if (rc || h->temper == 0) return rc;
    uint32_t len = h->yarn ? (uint32_t)h->yarn_ctx : 0;
    return read_size(g, a, "attention.temperature_length", len, RN_MAX_CONTEXT, &h->temper_len,
                     err);
}

static int read_rope(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    h->rope_base = 10000;
    h->rope_scale = h->rope_amp = 1;
    int rc = read_real(g, a, "rope.freq_base", 1, 1e12, false, &h->rope_base, err);
    if (rc) return rc;
    if (!a->latent) /* there it is part of the widths */
        rc = read_size(g, a, "rope.dimension_count", (uint32_t)h->head_dim, (uint32_t)h->head_dim,
                       &h->n_rot, err);
    if (rc) return rc;
    if (h->n_rot % 2)
        return rn_fail(err, RN_EFORMAT, "%s: %s is odd; the file is damaged", rn_gguf_path(g),
                       key_of(a, "rope.dimension_count"));
    rc = read_rope_scaling(g, h, err);
    return rc ? rc : read_temper(g, h, err);
}

/* Which layers have the window must be what the architecture does anyway: a number p is "every p-th
 * has none", an array has a flag for each layer. */
static int check_window_pattern(const rn_gguf *g, const rn_hparams *h, rn_err *err)
{
    const char *key = key_of(h->arch, "attention.sliding_window_pattern");
    const rn_gguf_kv *kv = rn_gguf_find(g, key);
    bool same = true;
    if (!kv || !h->window) return 0;
    if (kv->type == RN_G_ARRAY) {
        same = kv->elem != RN_G_STR && kv->elem != RN_G_ARRAY && kv->n >= (uint64_t)h->n_layer;
        for (int32_t i = 0; same && i < h->n_layer; i++)
            same = (rn_gguf_int_at(kv, (uint64_t)i) != 0) == rn_layer_local(h, i);
    } else {
        same = kv->type != RN_G_STR && rn_gguf_int_at(kv, 0) == h->arch->period;
    }
    if (same) return 0;
    return rn_fail(err, RN_EUNSUPPORTED,
                   "%s: %s puts the window on other layers than a %s model has it on, which this "
                   "version does not run",
                   rn_gguf_path(g), key, h->arch->name);
}

static int read_window(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    uint32_t window = (uint32_t)h->arch->window;
    int rc = rn_gguf_u32_opt(g, key_of(h->arch, "attention.sliding_window"), &window, err);
    if (rc) return rc;
    h->window = window < (uint32_t)h->n_ctx ? (int32_t)window : 0;
    return check_window_pattern(g, h, err);
}

/* How a router chooses and weighs experts, where the file may state it. */
static int read_router(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    enum { SOFTMAX = 1, SIGMOID = 2 };
    uint32_t gate = SOFTMAX, dense = 0, shared = 0;
    double scale = 0;
    h->norm_weights = false;
    int rc = rn_gguf_u32_opt(g, key_of(a, "leading_dense_block_count"), &dense, err);
    if (!rc) rc = rn_gguf_u32_opt(g, key_of(a, "expert_shared_count"), &shared, err);
    if (!rc) rc = rn_gguf_u32_opt(g, key_of(a, "expert_gating_func"), &gate, err);
    if (!rc) rc = rn_gguf_bool_opt(g, key_of(a, "expert_weights_norm"), &h->norm_weights, err);
    if (!rc) rc = read_real(g, a, "expert_weights_scale", 0, 1e3, false, &scale, err);
    if (!rc) rc = read_size(g, a, "expert_group_count", 1, (uint32_t)h->n_expert, &h->n_group, err);
    if (!rc)
        rc = read_size(g, a, "expert_group_used_count", 1, (uint32_t)h->n_group, &h->n_group_used,
                       err);
    if (rc) return rc;
    if (gate != SOFTMAX && gate != SIGMOID)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: %s is %u; this version knows 1 (softmax) and 2 (sigmoid)",
                       rn_gguf_path(g), key_of(a, "expert_gating_func"), gate);
    if (dense > (uint32_t)h->n_layer)
        return rn_fail(err, RN_EFORMAT, "%s: %s is %u of %d layers; the file is damaged",
                       rn_gguf_path(g), key_of(a, "leading_dense_block_count"), dense, h->n_layer);
    if (shared > (uint32_t)(RN_MAX_WIDTH / h->d_expert))
        return rn_fail(err, RN_EFORMAT, "%s: %s is %u; the file is damaged", rn_gguf_path(g),
                       key_of(a, "expert_shared_count"), shared);
    if (h->n_expert % h->n_group || h->n_expert / h->n_group * h->n_group_used < h->n_used)
        return rn_fail(err, RN_EFORMAT,
                       "%s: %d of %d experts cannot be chosen from %d of %d groups; the file is "
                       "damaged",
                       rn_gguf_path(g), h->n_used, h->n_expert, h->n_group_used, h->n_group);
    h->sigmoid = gate == SIGMOID;
    h->n_dense = (int32_t)dense;
    h->d_shared = (int32_t)shared * h->d_expert;
    if (scale != 0) h->expert_scale = (float)scale; /* 0 is how files say that there is none */
    return 0;
}

static int read_experts(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    uint32_t n = 0;
    int rc = rn_gguf_u32_opt(g, key_of(a, "expert_count"), &n, err);
    if (rc) return rc;
    if (!a->experts && n)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: %s is %u; this version runs %s models without experts only",
                       rn_gguf_path(g), key_of(a, "expert_count"), n, a->name);
    if (!a->experts) return 0;
    h->n_group = h->n_group_used = 1;
    h->norm_weights = true;
    h->expert_scale = 1;
    rc = read_size(g, a, "expert_count", 0, RN_MAX_EXPERTS, &h->n_expert, err);
    if (!rc)
        rc = read_size(g, a, "expert_used_count", 0,
                       (uint32_t)(h->n_expert < RN_MAX_USED ? h->n_expert : RN_MAX_USED),
                       &h->n_used, err);
    if (!rc)
        rc = read_size(g, a, "expert_feed_forward_length", (uint32_t)h->d_ff, RN_MAX_WIDTH,
                       &h->d_expert, err);
    return rc || !a->router ? rc : read_router(g, h, err);
}

/* Latent attention: what is cached is one vector a position, from which each head's keys and values
 * would follow by a matrix. Older files state a head's widths as key_length and value_length, newer
 * ones as the _mla keys beside those of the cache. */
static int read_latent(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    const bool apart = rn_gguf_find(g, key_of(a, "attention.key_length_mla"));
    const char *key = apart ? "attention.key_length_mla" : "attention.key_length";
    const char *value = apart ? "attention.value_length_mla" : "attention.value_length";
    uint32_t q_rank = 0;
    int32_t key_len = 0;
    int rc = read_size(g, a, "attention.kv_lora_rank", 0, RN_MAX_LATENT - 2, &h->kv_rank, err);
    if (!rc) rc = rn_gguf_u32_opt(g, key_of(a, "attention.q_lora_rank"), &q_rank, err);
    if (!rc) rc = read_size(g, a, key, 0, RN_MAX_LATENT, &key_len, err);
    if (!rc) rc = read_size(g, a, value, 0, RN_MAX_LATENT, &h->out_dim, err);
    if (!rc)
        rc = read_size(g, a, "rope.dimension_count", 0, (uint32_t)(RN_MAX_LATENT - h->kv_rank),
                       &h->n_rot, err);
    if (rc) return rc;
    if (key_len <= h->n_rot || q_rank > RN_MAX_WIDTH ||
        h->n_head > RN_MAX_WIDTH / (h->kv_rank + h->n_rot + key_len + h->out_dim))
        return rn_fail(err, RN_EFORMAT,
                       "%s: %d heads of %d elements, %d of them rotated, and a rank of %u for "
                       "queries; the file is damaged",
                       rn_gguf_path(g), h->n_head, key_len, h->n_rot, q_rank);
    if ((h->kv_rank + 15) / 16 * 16 > h->kv_rank + h->n_rot)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: a latent vector of %d elements beside %d rotated ones; the kernels "
                       "want a multiple of 16, or more of these",
                       rn_gguf_path(g), h->kv_rank, h->n_rot);
    h->q_rank = (int32_t)q_rank;
    h->nope = key_len - h->n_rot;
    h->n_kv_head = 1;
    h->head_dim = h->kv_rank + h->n_rot;
    h->value_dim = h->kv_rank;
    h->attn_scale = (float)(1 / sqrt(key_len));
    return 0;
}

/* Heads that have keys and values of their own, or share them in equal groups. */
static int read_heads_of(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    int rc = read_heads(g, h, "attention.head_count_kv", h->n_head, &h->n_kv_head, err);
    if (rc) return rc;
    if (h->n_head % h->n_kv_head)
        return rn_fail(err, RN_EFORMAT,
                       "%s: %d heads are not a multiple of %d key-value heads; the file is damaged",
                       rn_gguf_path(g), h->n_head, h->n_kv_head);
    uint32_t even = h->d_model % h->n_head == 0 ? (uint32_t)(h->d_model / h->n_head) : 0;
    rc = read_size(g, a, "attention.key_length", even, RN_MAX_HEAD_DIM, &h->head_dim, err);
    if (!rc)
        rc = read_size(g, a, "attention.value_length", (uint32_t)h->head_dim, RN_MAX_HEAD_DIM,
                       &h->value_dim, err);
    if (rc) return rc;
    if (h->value_dim != h->head_dim)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: keys of %d and values of %d elements a head; they must be equal",
                       rn_gguf_path(g), h->head_dim, h->value_dim);
    if (h->n_head > RN_MAX_WIDTH / h->head_dim)
        return rn_fail(err, RN_EFORMAT, "%s: %d heads of %d elements; the file is damaged",
                       rn_gguf_path(g), h->n_head, h->head_dim);
    return 0;
}

/* Multipliers that some files state; logits are divided by theirs. */
static int read_scales(const rn_gguf *g, rn_hparams *h, rn_err *err)
{
    const rn_arch *a = h->arch;
    double embd = a->embd_root ? sqrt(h->d_model) : 1, residual = 1, logit = 1;
    double attn = a->latent ? (double)h->attn_scale : 1 / sqrt(h->head_dim);
    /* Gemma 3 27B alone scales by the width of a head as if there were no wider one. */
    if (a->embd_root && h->n_layer == 62) attn = 1 / sqrt((double)h->d_model / h->n_head);
    int rc = 0;
    if (a->scales) {
        rc = read_real(g, a, "embedding_scale", 1e-6, 1e6, false, &embd, err);
        if (!rc) rc = read_real(g, a, "residual_scale", 1e-6, 1e6, false, &residual, err);
        if (!rc) rc = read_real(g, a, "attention.scale", 1e-6, 1e6, false, &attn, err);
        if (!rc) rc = read_real(g, a, "logit_scale", 1e-6, 1e6, false, &logit, err);
    }
    h->embd_scale = (float)embd;
    h->residual_scale = (float)residual;
    h->attn_scale = (float)attn;
    h->logit_scale = (float)(1 / logit);
    return rc;
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

/* A file of changes to a model, or of its eyes, is none. */
static int check_type(const rn_gguf *g, rn_err *err)
{
    rn_bytes type = {0};
    int rc = rn_gguf_str_opt(g, "general.type", &type, err);
    if (rc || !type.data || rn_bytes_equal(type, rn_bytes_of("model"))) return rc;
    return rn_fail(err, RN_EUNSUPPORTED,
                   "%s: general.type is '%.*s': no model by itself; give the model's own file",
                   rn_gguf_path(g), (int)(type.len < 40 ? type.len : 40), type.data);
}

int rn_hparams_read(const rn_gguf *g, rn_hparams *out, rn_err *err)
{
    rn_hparams h = {0};
    int rc = check_type(g, err);
    if (!rc) rc = read_arch(g, &h.arch, err);
    if (rc) return rc;
    const rn_arch *a = h.arch;
    if ((rc = read_size(g, a, "block_count", 0, RN_MAX_LAYERS, &h.n_layer, err))) return rc;
    if ((rc = read_size(g, a, "embedding_length", 0, RN_MAX_WIDTH, &h.d_model, err))) return rc;
    uint32_t no_ff = a->experts ? 1 : 0; /* a file of experts need not state the dense one */
    if ((rc = read_size(g, a, "feed_forward_length", no_ff, RN_MAX_WIDTH, &h.d_ff, err))) return rc;
    if ((rc = read_size(g, a, "context_length", 0, RN_MAX_CONTEXT, &h.n_ctx, err))) return rc;
    if ((rc = read_heads(g, &h, "attention.head_count", 0, &h.n_head, err))) return rc;
    rc = a->latent ? read_latent(g, &h, err) : read_heads_of(g, &h, err);
    if (rc) return rc;
    double eps = 0;
    rc = read_real(
        g, a, a->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
        0, 1, true, &eps, err);
    if (rc) return rc;
    h.norm_eps = (float)eps;
    if ((rc = read_window(g, &h, err))) return rc;
    if ((rc = read_rope(g, &h, err))) return rc;
    if ((rc = read_experts(g, &h, err))) return rc;
    if ((rc = read_scales(g, &h, err))) return rc;
    if ((rc = refuse_unknown_keys(g, a, err))) return rc;

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

/* Weights of a layer's attention as it is run: a head's query goes to the latent space, and its
 * output comes from there. */
static int64_t latent_weights(const rn_hparams *h)
{
    const int64_t query = (int64_t)h->n_head * (h->nope + h->n_rot), d = h->d_model;
    const int64_t from = h->q_rank ? h->q_rank * (d + query) : d * query;
    const int64_t heads = (int64_t)h->n_head * h->kv_rank * (h->nope + h->out_dim);
    return from + d * h->head_dim + heads + (int64_t)h->n_head * h->out_dim * d;
}

void rn_hparams_shape(const rn_hparams *h, rn_shape *out)
{
    const int64_t some = h->n_layer - h->n_dense; /* layers with experts, if any has */
    const int64_t mixed = (int64_t)h->n_used * h->d_expert + h->d_shared;
    *out = (rn_shape){.n_layer = h->n_layer,
                      .d_model = h->d_model,
                      .d_ffn = h->d_ff,
                      .n_head = h->n_head,
                      .n_kv_head = h->n_kv_head,
                      .head_dim = (h->head_dim + h->value_dim) / 2,
                      .vocab = h->n_vocab,
                      .gated_ffn = h->arch->gated};
    if (h->n_expert) out->d_ffn = (h->n_dense * (int64_t)h->d_ff + some * mixed) / h->n_layer;
    if (h->kv_rank) out->attn_weights = latent_weights(h);
}

void rn_rope_freqs(const rn_hparams *h, const float *factors, bool local, double *out)
{
    bool own = local && h->arch->local_base > 0; /* and no scaling */
    double base = own ? h->arch->local_base : h->rope_base, ramp_low = 0, ramp_high = 0;
    if (h->yarn && !own) {
        /* The dimension that turns `turns` times in the original context. */
        double per = h->n_rot / (2 * log(base));
        ramp_low = floor(per * log(h->yarn_ctx / (h->yarn_fast * 2 * RN_PI)));
        ramp_high = ceil(per * log(h->yarn_ctx / (h->yarn_slow * 2 * RN_PI)));
        ramp_low = fmax(0, ramp_low);
        ramp_high = fmin(h->n_rot - 1, ramp_high);
    }
    for (int32_t i = 0; i < h->n_rot / 2; i++) {
        double freq = pow(base, -2.0 * i / h->n_rot);
        if (factors && !own) freq /= (double)factors[i];
        out[i] = own ? freq : freq / h->rope_scale;
        if (!h->yarn || own) continue;
        double along = (i - ramp_low) / fmax(0.001, ramp_high - ramp_low);
        double keep = 1 - fmin(1, fmax(0, along));
        out[i] = out[i] * (1 - keep) + freq * keep;
    }
}
