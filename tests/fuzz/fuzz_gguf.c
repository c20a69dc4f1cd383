/*
 * fuzz_gguf.c: model files from arbitrary bytes. What opens must keep the promises of gguf.h: every
 * string, array and weight can be read, names are unique, tensors do not overlap.
 */
#include "gguf/gguf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink; /* keeps the reads */

static void read_kv(const rn_gguf *g, const rn_gguf_kv *kv)
{
    for (size_t i = 0; i < kv->key.len; i++)
        if (!kv->key.data[i]) abort();
    for (uint64_t i = 0; i < kv->n; i++) {
        if (kv->elem == RN_G_STR) {
            for (size_t k = 0; k < kv->strs[i].len; k++)
                sink += (uint8_t)kv->strs[i].data[k];
            continue;
        }
        sink += (uint64_t)rn_gguf_int_at(kv, i) + (rn_gguf_real_at(kv, i) > 0);
    }
    char key[64];
    if (kv->key.len >= sizeof key) return;
    memcpy(key, kv->key.data, kv->key.len);
    key[kv->key.len] = '\0';
    if (rn_gguf_find(g, key) != kv) abort();
    rn_err err = {0};
    uint32_t u = 0;
    float f = 0;
    bool b = false;
    rn_bytes s = {0};
    const rn_gguf_kv *array = NULL;
    (void)rn_gguf_u32(g, key, &u, &err);
    (void)rn_gguf_f32(g, key, &f, &err);
    (void)rn_gguf_bool_opt(g, key, &b, &err);
    (void)rn_gguf_str(g, key, &s, &err);
    (void)rn_gguf_array(g, key, RN_G_STR, &array, &err);
}

static void read_tensor(const rn_gguf *g, const rn_tensor *t)
{
    if (rn_gguf_tensor(g, t->name) != t || t->n_dims < 1 || t->n_dims > 4) abort();
    size_t row = rn_quant_row_bytes(t->type, t->ne[0]);
    size_t n_rows = t->bytes / row;
    if (n_rows * row != t->bytes || t->ne[0] > (1 << 20)) {
        if (n_rows * row != t->bytes) abort();
        return;
    }
    float *y = malloc((size_t)t->ne[0] * sizeof *y);
    if (!y) return;
    for (size_t r = 0; r < n_rows; r++) {
        const uint8_t *src = (const uint8_t *)t->data + r * row;
        rn_dequant_row(t->type, src, y, t->ne[0]);
        sink += rn_quant_row_finite(t->type, src, t->ne[0]);
    }
    free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *copy = malloc(size ? size : 1); /* aligned, and no byte too long for ASan */
    if (!copy) return 0;
    memcpy(copy, data, size);
    rn_err err = {0};
    rn_gguf *g = NULL;
    if (rn_gguf_open_memory(copy, size, "fuzz.gguf", &g, &err)) {
        if (!err.msg[0] || g) abort();
        free(copy);
        return 0;
    }
    for (size_t i = 0; i < rn_gguf_n_kv(g); i++)
        read_kv(g, rn_gguf_kv_at(g, i));
    for (size_t i = 0; i < rn_gguf_n_tensors(g); i++)
        read_tensor(g, rn_gguf_tensor_at(g, i));
    rn_gguf_close(g);
    free(copy);
    return 0;
}
