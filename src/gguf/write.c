/* write.c: GGUF files put together in memory. See write.h. */
#include "gguf/write.h"

static void put_raw32(rn_buf *b, uint32_t v)
{
    rn_buf_add(b, &v, sizeof v);
}
static void put_raw64(rn_buf *b, uint64_t v)
{
    rn_buf_add(b, &v, sizeof v);
}

static void put_raw_str(rn_buf *b, rn_bytes s)
{
    put_raw64(b, s.len);
    rn_buf_add(b, s.data, s.len);
}

static void put_key(rn_gguf_writer *w, const char *key, rn_gguf_type type)
{
    put_raw_str(&w->kvs, rn_bytes_of(key));
    put_raw32(&w->kvs, (uint32_t)type);
    w->n_kv++;
}

static void put_array(rn_gguf_writer *w, const char *key, rn_gguf_type elem, size_t n)
{
    put_key(w, key, RN_G_ARRAY);
    put_raw32(&w->kvs, (uint32_t)elem);
    put_raw64(&w->kvs, n);
}

void rn_gguf_put_u32(rn_gguf_writer *w, const char *key, uint32_t v)
{
    put_key(w, key, RN_G_U32);
    put_raw32(&w->kvs, v);
}

void rn_gguf_put_f32(rn_gguf_writer *w, const char *key, float v)
{
    put_key(w, key, RN_G_F32);
    rn_buf_add(&w->kvs, &v, sizeof v);
}

void rn_gguf_put_bool(rn_gguf_writer *w, const char *key, bool v)
{
    put_key(w, key, RN_G_BOOL);
    rn_buf_putc(&w->kvs, v ? 1 : 0);
}

void rn_gguf_put_str(rn_gguf_writer *w, const char *key, rn_bytes v)
{
    put_key(w, key, RN_G_STR);
    put_raw_str(&w->kvs, v);
}

void rn_gguf_put_strs(rn_gguf_writer *w, const char *key, const rn_bytes *v, size_t n)
{
    put_array(w, key, RN_G_STR, n);
    for (size_t i = 0; i < n; i++)
        put_raw_str(&w->kvs, v[i]);
}

void rn_gguf_put_i32s(rn_gguf_writer *w, const char *key, const int32_t *v, size_t n)
{
    put_array(w, key, RN_G_I32, n);
    rn_buf_add(&w->kvs, v, n * sizeof *v);
}

void rn_gguf_put_f32s(rn_gguf_writer *w, const char *key, const float *v, size_t n)
{
    put_array(w, key, RN_G_F32, n);
    rn_buf_add(&w->kvs, v, n * sizeof *v);
}

void rn_gguf_put_tensor(rn_gguf_writer *w, const char *name, rn_qtype type, int n_dims,
                        const int64_t *ne, const void *data)
{
    int64_t rows = 1;
    put_raw_str(&w->infos, rn_bytes_of(name));
    put_raw32(&w->infos, (uint32_t)n_dims);
    for (int d = 0; d < n_dims; d++) {
        put_raw64(&w->infos, (uint64_t)ne[d]);
        if (d > 0) rows *= ne[d];
    }
    put_raw32(&w->infos, (uint32_t)type);
    put_raw64(&w->infos, w->data_bytes);
    size_t bytes = rn_quant_row_bytes(type, ne[0]) * (size_t)rows;
    rn_vec_push(&w->tensors, ((rn_bytes){.data = data, .len = bytes}));
    w->data_bytes += rn_gguf_aligned(bytes);
}

static void pad(rn_buf *b)
{
    while (b->len != rn_gguf_aligned(b->len) && rn_buf_ok(b))
        rn_buf_putc(b, 0);
}

int rn_gguf_write_head(const rn_gguf_writer *w, rn_buf *out, rn_err *err)
{
    rn_buf_clear(out);
    rn_buf_puts(out, "GGUF");
    put_raw32(out, 3);
    put_raw64(out, w->tensors.n);
    put_raw64(out, w->n_kv);
    rn_buf_add(out, w->kvs.data, w->kvs.len);
    rn_buf_add(out, w->infos.data, w->infos.len);
    pad(out);
    bool ok =
        rn_buf_ok(&w->kvs) && rn_buf_ok(&w->infos) && rn_vec_ok(&w->tensors) && rn_buf_ok(out);
    return ok ? 0 : rn_nomem(err, "GGUF file");
}

int rn_gguf_write(const rn_gguf_writer *w, rn_buf *out, rn_err *err)
{
    int rc = rn_gguf_write_head(w, out, err);
    if (rc) return rc;
    rn_buf_reserve(out, w->data_bytes);
    for (size_t i = 0; i < w->tensors.n; i++) {
        rn_buf_add(out, w->tensors.data[i].data, w->tensors.data[i].len);
        pad(out);
    }
    return rn_buf_ok(out) ? 0 : rn_nomem(err, "GGUF file");
}

void rn_gguf_writer_free(rn_gguf_writer *w)
{
    rn_buf_free(&w->kvs);
    rn_buf_free(&w->infos);
    rn_vec_free(&w->tensors);
    *w = (rn_gguf_writer){0};
}
