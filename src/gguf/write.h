/*
 * write.h: making GGUF files (version 3), for random models and for tests.
 *
 *     rn_gguf_writer w = {0};
 *     rn_gguf_put_str(&w, "general.architecture", rn_bytes_of("llama"));
 *     rn_gguf_put_tensor(&w, "output.weight", RN_Q_Q8_0, 2, (int64_t[]){256, 512}, data);
 *     rc = rn_gguf_write(&w, &file, err);
 *     rn_gguf_writer_free(&w);
 *
 * Nothing is checked but memory: what is put twice is written twice, so that tests can make damaged
 * files. Keys and values are copied; the tensors' data is borrowed until the file is written.
 */
#ifndef RN_GGUF_WRITE_H
#define RN_GGUF_WRITE_H

#include "gguf/gguf.h"

typedef struct rn_gguf_writer {
    rn_buf kvs, infos; /* the two tables as they stand in the file */
    uint64_t n_kv;
    uint64_t data_bytes;      /* of the tensors so far, with padding */
    RN_VEC(rn_bytes) tensors; /* what they hold, borrowed */
} rn_gguf_writer;

void rn_gguf_put_u32(rn_gguf_writer *w, const char *key, uint32_t v);
void rn_gguf_put_f32(rn_gguf_writer *w, const char *key, float v);
void rn_gguf_put_bool(rn_gguf_writer *w, const char *key, bool v);
void rn_gguf_put_str(rn_gguf_writer *w, const char *key, rn_bytes v);
void rn_gguf_put_strs(rn_gguf_writer *w, const char *key, const rn_bytes *v, size_t n);
void rn_gguf_put_i32s(rn_gguf_writer *w, const char *key, const int32_t *v, size_t n);
void rn_gguf_put_f32s(rn_gguf_writer *w, const char *key, const float *v, size_t n);
/* ne [n_dims], ne[0] first; data has the bytes that type and shape ask for (NULL: where only the
 * head is written). */
void rn_gguf_put_tensor(rn_gguf_writer *w, const char *name, rn_qtype type, int n_dims,
                        const int64_t *ne, const void *data);

/* Where what follows n bytes begins, in the head and in the data. */
static inline uint64_t rn_gguf_aligned(uint64_t n)
{
    return (n + 31) / 32 * 32;
}
/* All before the tensors' data into *out, which is cleared first. */
int rn_gguf_write_head(const rn_gguf_writer *w, rn_buf *out, rn_err *err);
/* The whole file, likewise. */
int rn_gguf_write(const rn_gguf_writer *w, rn_buf *out, rn_err *err);
void rn_gguf_writer_free(rn_gguf_writer *w); /* *w is empty and usable afterwards */

#endif
