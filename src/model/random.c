/*
 * random.c: see random.h. Quantised blocks are random bytes with their scale fields set, so that
 * weights have a standard deviation near 0.02, as trained ones do, and a mean near 0. Routers of
 * experts choose evenly: their scores are those of random weights.
 */
#include "model/random.h"

#include "base/arena.h"
#include "base/rng.h"
#include "gguf/half.h"
#include "gguf/write.h"
#include "model/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { N_BYTE_TOKENS = 256, FIRST_WORD = 3 + N_BYTE_TOKENS };

/* Where a block keeps its scale and minimum, and what they are set to. */
static const struct {
    rn_qtype type;
    int d_at, m_at; /* -1: none */
    float d, m;
} scale_fields[] = {
    {RN_Q_Q4_0, 0, -1, 4.3e-3f, 0},       {RN_Q_Q4_1, 0, 2, 4.3e-3f, -3.2e-2f},
    {RN_Q_Q5_0, 0, -1, 2.2e-3f, 0},       {RN_Q_Q5_1, 0, 2, 2.2e-3f, -3.4e-2f},
    {RN_Q_Q8_0, 0, -1, 2.7e-4f, 0},       {RN_Q_Q2_K, 80, 82, 1.8e-3f, 2.7e-3f},
    {RN_Q_Q3_K, 108, -1, 4.8e-4f, 0},     {RN_Q_Q4_K, 0, 2, 1.0e-4f, 7.5e-4f},
    {RN_Q_Q5_K, 0, 2, 5.0e-5f, 7.75e-4f}, {RN_Q_Q6_K, 208, -1, 1.5e-5f, 0},
    {RN_Q_IQ4_NL, 0, -1, 2.9e-4f, 0},     {RN_Q_IQ4_XS, 0, -1, 1.6e-5f, 0},
    {RN_Q_TQ1_0, 52, -1, 2.4e-2f, 0},     {RN_Q_TQ2_0, 64, -1, 1.6e-2f, 0},
};

/* The scale of a block of MXFP4 is its first byte, a power of two: 2^-7. */
enum { MXFP4_SCALE = 120 };

typedef struct tensor_plan {
    char name[48];
    rn_qtype type;
    int64_t rows, cols; /* rows 0: a vector */
    int64_t n;          /* matrices in it, one for each expert; 0: no such dimension */
    size_t bytes;
} tensor_plan;

/* ---- the list of tensors --------------------------------------------------------------------- */

static void add_tensor(tensor_plan *list, size_t *n, const char *name, int layer, rn_qtype type,
                       int64_t rows, int64_t cols)
{
    tensor_plan *t = &list[(*n)++];
    *t = (tensor_plan){.type = type, .rows = rows, .cols = cols};
    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s.weight", name);
    else
        snprintf(t->name, sizeof t->name, "blk.%d.%s.weight", layer, name);
    t->bytes = rn_quant_row_bytes(type, cols) * (size_t)(rows ? rows : 1);
}

/* The same matrix of every expert. */
static void add_experts(tensor_plan *list, size_t *n, const char *name, int layer, rn_qtype type,
                        int64_t rows, int64_t cols, int64_t n_expert)
{
    add_tensor(list, n, name, layer, type, rows, cols);
    tensor_plan *t = &list[*n - 1];
    t->n = n_expert;
    t->bytes *= (size_t)n_expert;
}

enum { TENSORS_PER_LAYER = 12 };

static void plan_feed_forward(const rn_random_spec *s, int l, tensor_plan *list, size_t *n)
{
    const int64_t d = s->d_model, ff = s->d_ff, e = s->n_expert;
    if (!e) {
        add_tensor(list, n, "ffn_gate", l, s->type, ff, d);
        add_tensor(list, n, "ffn_up", l, s->type, ff, d);
        add_tensor(list, n, "ffn_down", l, s->type, d, ff);
        return;
    }
    add_tensor(list, n, "ffn_gate_inp", l, RN_Q_F32, e, d);
    add_experts(list, n, "ffn_gate_exps", l, s->type, ff, d, e);
    add_experts(list, n, "ffn_up_exps", l, s->type, ff, d, e);
    add_experts(list, n, "ffn_down_exps", l, s->type, d, ff, e);
}

static size_t plan_tensors(const rn_random_spec *s, tensor_plan *list)
{
    size_t n = 0;
    const int64_t d = s->d_model, hd = d / s->n_head, kv = hd * s->n_kv_head;
    add_tensor(list, &n, "token_embd", -1, s->type, s->n_vocab, d);
    for (int l = 0; l < s->n_layer; l++) {
        add_tensor(list, &n, "attn_norm", l, RN_Q_F32, 0, d);
        add_tensor(list, &n, "attn_q", l, s->type, d, d);
        add_tensor(list, &n, "attn_k", l, s->type, kv, d);
        add_tensor(list, &n, "attn_v", l, s->type, kv, d);
        add_tensor(list, &n, "attn_output", l, s->type, d, d);
        if (s->n_expert) { /* the architecture with experts has these */
            add_tensor(list, &n, "attn_q_norm", l, RN_Q_F32, 0, hd);
            add_tensor(list, &n, "attn_k_norm", l, RN_Q_F32, 0, hd);
        }
        add_tensor(list, &n, "ffn_norm", l, RN_Q_F32, 0, d);
        plan_feed_forward(s, l, list, &n);
    }
    add_tensor(list, &n, "output_norm", -1, RN_Q_F32, 0, d);
    add_tensor(list, &n, "output", -1, s->type, s->n_vocab, d);
    return n;
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* <unk>, <s>, </s>, the 256 bytes, then words. */
static int put_vocabulary(rn_gguf_writer *w, int32_t n_vocab, rn_err *err)
{
    static const char *const special[] = {"<unk>", "<s>", "</s>"};
    rn_arena a = {0};
    const size_t n = (size_t)n_vocab;
    rn_bytes *words = rn_arena_array(&a, n, sizeof *words);
    float *scores = rn_arena_array(&a, n, sizeof *scores);
    int32_t *types = rn_arena_array(&a, n, sizeof *types);
    bool ok = words && scores && types;
    for (int32_t i = 0; ok && i < n_vocab; i++) {
        const char *text = i < 3            ? special[i]
                           : i < FIRST_WORD ? rn_arena_printf(&a, "<0x%02X>", (unsigned)(i - 3))
                                            : rn_arena_printf(&a, "\xE2\x96\x81w%d", i);
        ok = text != NULL;
        words[i] = rn_bytes_of(text);
        scores[i] = i < FIRST_WORD ? 0 : (float)-i;
        types[i] = i == 0 ? 2 : i < 3 ? 3 : i < FIRST_WORD ? 6 : 1; /* unknown, control, byte */
    }
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("llama"));
    if (ok) {
        rn_gguf_put_strs(w, "tokenizer.ggml.tokens", words, n);
        rn_gguf_put_f32s(w, "tokenizer.ggml.scores", scores, n);
        rn_gguf_put_i32s(w, "tokenizer.ggml.token_type", types, n);
    }
    rn_gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1);
    rn_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 2);
    rn_gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    rn_arena_free(&a);
    return ok ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a vocabulary of %d", n_vocab);
}

/* A number of the architecture, under its name. */
static void arch_u32(rn_gguf_writer *w, const char *arch, const char *key, int64_t v)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", arch, key);
    rn_gguf_put_u32(w, full, (uint32_t)v);
}

/* The file up to its weights. */
static int make_head(const rn_random_spec *s, const tensor_plan *list, size_t n, rn_buf *head,
                     rn_err *err)
{
    const char *arch = s->n_expert ? "qwen3moe" : "llama";
    char eps[64];
    snprintf(eps, sizeof eps, "%s.attention.layer_norm_rms_epsilon", arch);
    rn_gguf_writer w = {0};
    rn_gguf_put_str(&w, "general.architecture", rn_bytes_of(arch));
    rn_gguf_put_str(&w, "general.name", rn_bytes_of("random weights"));
    arch_u32(&w, arch, "context_length", s->n_ctx);
    arch_u32(&w, arch, "embedding_length", s->d_model);
    arch_u32(&w, arch, "block_count", s->n_layer);
    arch_u32(&w, arch, "feed_forward_length", s->d_ff);
    arch_u32(&w, arch, "attention.head_count", s->n_head);
    arch_u32(&w, arch, "attention.head_count_kv", s->n_kv_head);
    rn_gguf_put_f32(&w, eps, 1e-5f);
    arch_u32(&w, arch, "rope.dimension_count", s->d_model / s->n_head);
    if (s->n_expert) {
        arch_u32(&w, arch, "attention.key_length", s->d_model / s->n_head);
        arch_u32(&w, arch, "attention.value_length", s->d_model / s->n_head);
        arch_u32(&w, arch, "expert_count", s->n_expert);
        arch_u32(&w, arch, "expert_used_count", s->n_used);
        arch_u32(&w, arch, "expert_feed_forward_length", s->d_ff);
    }
    int rc = put_vocabulary(&w, s->n_vocab, err);
    for (size_t i = 0; i < n; i++)
        rn_gguf_put_tensor(&w, list[i].name, list[i].type,
                           list[i].n      ? 3
                           : list[i].rows ? 2
                                          : 1,
                           (const int64_t[]){list[i].cols, list[i].rows, list[i].n}, NULL);
    if (!rc) rc = rn_gguf_write_head(&w, head, err);
    rn_gguf_writer_free(&w);
    return rc;
}

/* ---- weights --------------------------------------------------------------------------------- */

static void fill_floats(const tensor_plan *t, char *out, rn_rng *rng)
{
    size_t n = (size_t)(t->rows ? t->rows : 1) * (size_t)t->cols;
    for (size_t i = 0; i < n; i++) {
        /* uniform with standard deviation 0.02; norms are 1 */
        float w = t->rows ? ((float)(rn_rng_u32(rng) >> 8) * 0x1p-24f - 0.5f) * 0.0693f : 1.0f;
        uint16_t h = t->type == RN_Q_F16 ? rn_f32_to_f16(w) : rn_f32_to_bf16(w);
        if (t->type == RN_Q_F32)
            memcpy(out + i * sizeof w, &w, sizeof w);
        else
            memcpy(out + i * sizeof h, &h, sizeof h);
    }
}

static void fill_blocks(const tensor_plan *t, char *out, rn_rng *rng)
{
    for (size_t i = 0; i < t->bytes; i += 4) {
        uint32_t x = rn_rng_u32(rng);
        memcpy(out + i, &x, t->bytes - i < 4 ? t->bytes - i : 4);
    }
}

static void set_scales(const tensor_plan *t, size_t field, char *out)
{
    size_t step = rn_qtype_find(t->type)->bytes;
    uint16_t d = rn_f32_to_f16(scale_fields[field].d), m = rn_f32_to_f16(scale_fields[field].m);
    for (size_t at = 0; at < t->bytes; at += step) {
        memcpy(out + at + scale_fields[field].d_at, &d, sizeof d);
        if (scale_fields[field].m_at >= 0)
            memcpy(out + at + scale_fields[field].m_at, &m, sizeof m);
    }
}

static void fill(const tensor_plan *t, char *out, uint64_t seed)
{
    rn_rng rng;
    rn_rng_init(&rng, seed, rn_rng_stream(t->name, strlen(t->name)), 0);
    for (size_t i = 0; i < sizeof scale_fields / sizeof scale_fields[0]; i++)
        if (scale_fields[i].type == t->type) {
            fill_blocks(t, out, &rng);
            set_scales(t, i, out);
            return;
        }
    if (t->type == RN_Q_MXFP4) {
        fill_blocks(t, out, &rng);
        for (size_t at = 0; at < t->bytes; at += rn_qtype_find(t->type)->bytes)
            out[at] = MXFP4_SCALE;
        return;
    }
    fill_floats(t, out, &rng);
}

/* ---- the image ------------------------------------------------------------------------------- */

static int check_spec(const rn_random_spec *s, rn_err *err)
{
    const rn_qtype_info *q = rn_qtype_find(s->type);
    if (s->n_layer < 1 || s->n_layer > RN_MAX_LAYERS || s->d_model < 1 ||
        s->d_model > RN_MAX_WIDTH || s->d_ff < 1 || s->d_ff > RN_MAX_WIDTH || s->n_head < 1 ||
        s->n_kv_head < 1 || s->n_ctx < 1 || s->n_ctx > RN_MAX_CONTEXT ||
        s->n_vocab < FIRST_WORD + 1 || s->n_vocab > RN_MAX_VOCAB)
        return rn_fail(err, RN_EINVAL,
                       "shape out of range: layers 1-%d, widths 1-%d, vocabulary %d-%d",
                       RN_MAX_LAYERS, RN_MAX_WIDTH, FIRST_WORD + 1, RN_MAX_VOCAB);
    if (s->d_model % s->n_head || s->n_head % s->n_kv_head ||
        s->d_model / s->n_head > RN_MAX_HEAD_DIM || s->d_model / s->n_head % 2)
        return rn_fail(
            err, RN_EINVAL,
            "%d heads (%d for keys) do not divide a width of %d into even heads of at most %d",
            s->n_head, s->n_kv_head, s->d_model, RN_MAX_HEAD_DIM);
    if (s->n_expert < 0 || s->n_expert > RN_MAX_EXPERTS || s->n_used < 0 ||
        s->n_used > s->n_expert || (s->n_expert && !s->n_used))
        return rn_fail(err, RN_EINVAL, "%d of %d experts: give 1 to %d, and of them those used",
                       s->n_used, s->n_expert, RN_MAX_EXPERTS);
    if (s->d_model % (int)q->block || s->d_ff % (int)q->block)
        return rn_fail(err, RN_EINVAL,
                       "%s has blocks of %u weights, which do not divide widths %d and %d", q->name,
                       q->block, s->d_model, s->d_ff);
    return 0;
}

int rn_random_gguf(const rn_random_spec *s, void **data, size_t *bytes, rn_err *err)
{
    int rc = check_spec(s, err);
    if (rc) return rc;
    tensor_plan *list = calloc((size_t)s->n_layer * TENSORS_PER_LAYER + 3, sizeof *list);
    if (!list) return rn_fail(err, RN_ENOMEM, "out of memory for a list of tensors");
    size_t n = plan_tensors(s, list);
    rn_buf head = {0};
    rc = make_head(s, list, n, &head, err);
    size_t total = head.len;
    for (size_t i = 0; i < n; i++)
        total += rn_gguf_aligned(list[i].bytes);
    char *image = NULL;
    if (!rc && total > rn_memory_available())
        rc = rn_fail(err, RN_ELIMIT,
                     "random weights of %.0f MiB do not fit in the %.0f MiB that are free",
                     rn_mib(total), rn_mib(rn_memory_available()));
    if (!rc && !(image = rn_memory_take(total)))
        rc = rn_fail(err, RN_ENOMEM, "no room for %.0f MiB of random weights", rn_mib(total));
    if (!rc) {
        memcpy(image, head.data, head.len);
        char *at = image + head.len;
        for (size_t i = 0; i < n; i++, at += rn_gguf_aligned(list[i - 1].bytes))
            fill(&list[i], at, s->seed);
        *data = image;
        *bytes = total;
    }
    rn_buf_free(&head);
    free(list);
    return rc;
}

/* Gives back the whole pages that lie inside a tensor. */
static void give_back(void *user, const rn_tensor *t)
{
    (void)user;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)t->data;
    uintptr_t first = (at + page - 1) / page * page, end = (at + t->bytes) / page * page;
    if (end > first) madvise((void *)first, end - first, MADV_DONTNEED);
}

int rn_random_model(const rn_random_spec *spec, int n_threads, rn_model **out, rn_err *err)
{
    void *data;
    size_t bytes;
    int rc = rn_random_gguf(spec, &data, &bytes, err);
    if (rc) return rc;
    rn_gguf *file;
    rc = rn_gguf_open_memory(data, bytes, "random weights", &file, err);
    rn_model *m = NULL;
    if (!rc)
        rc = rn_model_load_gguf(file, &(rn_load_opts){.n_threads = n_threads, .packed = give_back},
                                &m, err);
    if (rc) {
        rn_memory_give(data, bytes);
        return rc;
    }
    m->image = data;
    m->image_bytes = bytes;
    *out = m;
    return 0;
}
