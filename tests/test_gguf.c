/* GGUF files: what is read, and what is refused with which message. */
#include "test.h"

#include "base/file.h"
#include "gguf/gguf.h"
#include "gguf/write.h"

#include <sys/stat.h>

/* ---- files byte by byte ---------------------------------------------------------------------- */

static void u32(rn_buf *b, uint32_t v)
{
    rn_buf_add(b, &v, sizeof v);
}
static void u64(rn_buf *b, uint64_t v)
{
    rn_buf_add(b, &v, sizeof v);
}
static void str(rn_buf *b, const char *s)
{
    u64(b, strlen(s));
    rn_buf_puts(b, s);
}
static void head(rn_buf *b, uint64_t n_tensors, uint64_t n_kv)
{
    rn_buf_puts(b, "GGUF");
    u32(b, 3);
    u64(b, n_tensors);
    u64(b, n_kv);
}
static void kv_u32(rn_buf *b, const char *key, uint32_t v)
{
    str(b, key);
    u32(b, RN_G_U32);
    u32(b, v);
}
static void tensor(rn_buf *b, const char *name, uint64_t n, uint32_t type, uint64_t offset)
{
    str(b, name);
    u32(b, 1);
    u64(b, n);
    u32(b, type);
    u64(b, offset);
}
static void zeros(rn_buf *b, size_t n)
{
    while (b->len % 32)
        rn_buf_putc(b, 0);
    for (size_t i = 0; i < n; i++)
        rn_buf_putc(b, 0);
}

/* Opens a copy that ends where the file ends, so that ASan sees every byte read too many. */
static int open_copy(rn_bytes file, rn_gguf **out, void **copy, rn_err *err)
{
    *copy = malloc(file.len ? file.len : 1);
    if (file.len) memcpy(*copy, file.data, file.len);
    return rn_gguf_open_memory(*copy, file.len, "test.gguf", out, err);
}

/* Touches everything that an open file promises. */
static uint64_t read_all(const rn_gguf *g)
{
    uint64_t sum = rn_gguf_file_bytes(g);
    for (size_t i = 0; i < rn_gguf_n_kv(g); i++) {
        const rn_gguf_kv *kv = rn_gguf_kv_at(g, i);
        for (uint64_t k = 0; k < kv->n; k++)
            if (kv->elem == RN_G_STR)
                sum += kv->strs[k].len ? (uint8_t)kv->strs[k].data[kv->strs[k].len - 1] : 0;
            else
                sum += (uint64_t)rn_gguf_int_at(kv, k);
    }
    for (size_t i = 0; i < rn_gguf_n_tensors(g); i++) {
        const rn_tensor *t = rn_gguf_tensor_at(g, i);
        assert_ptr_equal(rn_gguf_tensor(g, t->name), t);
        for (size_t k = 0; k < t->bytes; k++)
            sum += ((const uint8_t *)t->data)[k];
    }
    return sum;
}

/* ---- bad files ------------------------------------------------------------------------------- */

static void b_empty(rn_buf *b)
{
    rn_buf_reserve(b, 1);
}
static void b_short(rn_buf *b)
{
    rn_buf_puts(b, "GG");
}
static void b_html(rn_buf *b)
{
    rn_buf_puts(b, "<!DOCTYPE html><html>");
}
static void b_lfs(rn_buf *b)
{
    rn_buf_puts(b, "version https://git-lfs.github.com/spec/v1\n");
}
static void b_zip(rn_buf *b)
{
    rn_buf_puts(b, "PK\3\4..........");
}
static void b_pickle(rn_buf *b)
{
    rn_buf_puts(b, "\x80\2ctorch");
}
static void b_gzip(rn_buf *b)
{
    rn_buf_puts(b, "\x1f\x8b\x08......");
}
static void b_ggjt(rn_buf *b)
{
    rn_buf_puts(b, "tjgg\3\0\0\0");
}
static void b_noise(rn_buf *b)
{
    rn_buf_puts(b, "what is this, a file?");
}
static void b_safetensors(rn_buf *b)
{
    u64(b, 100);
    rn_buf_puts(b, "{\"model.embed\":{}}");
}
static void b_swapped(rn_buf *b)
{
    rn_buf_puts(b, "GGUF");
    u32(b, 0x03000000);
    zeros(b, 64);
}
static void version(rn_buf *b, uint32_t v)
{
    rn_buf_puts(b, "GGUF");
    u32(b, v);
    zeros(b, 64);
}
static void b_version_1(rn_buf *b)
{
    version(b, 1);
}
static void b_version_4(rn_buf *b)
{
    version(b, 4);
}
static void b_many_kv(rn_buf *b)
{
    head(b, 0, (uint64_t)1 << 63);
    zeros(b, 100);
}
static void b_many_tensors(rn_buf *b)
{
    head(b, (uint64_t)1 << 63, 0);
    zeros(b, 100);
}
static void b_key_past_end(rn_buf *b)
{
    head(b, 0, 1);
    u64(b, UINT64_MAX);
    zeros(b, 100);
}
static void b_key_empty(rn_buf *b)
{
    head(b, 0, 1);
    kv_u32(b, "", 1);
}
static void b_key_nul(rn_buf *b)
{
    head(b, 0, 1);
    u64(b, 3);
    rn_buf_add(b, "a\0b", 3);
    u32(b, RN_G_U32);
    u32(b, 1);
}
static void b_key_type(rn_buf *b)
{
    head(b, 0, 1);
    str(b, "some.key");
    u32(b, 13);
    zeros(b, 64);
}
static void b_key_twice(rn_buf *b)
{
    head(b, 0, 2);
    kv_u32(b, "same.key", 1);
    kv_u32(b, "same.key", 2);
}
static void b_bool(rn_buf *b)
{
    head(b, 0, 1);
    str(b, "some.flag");
    u32(b, RN_G_BOOL);
    rn_buf_putc(b, 2);
}
static void array(rn_buf *b, uint32_t elem, uint64_t n)
{
    head(b, 0, 1);
    str(b, "some.array");
    u32(b, RN_G_ARRAY);
    u32(b, elem);
    u64(b, n);
    zeros(b, 64);
}
static void b_array_nested(rn_buf *b)
{
    array(b, RN_G_ARRAY, 1);
}
static void b_array_long(rn_buf *b)
{
    array(b, RN_G_F64, (uint64_t)1 << 61);
}
static void b_array_strings(rn_buf *b)
{
    array(b, RN_G_STR, (uint64_t)1 << 63);
}
static void b_array_type(rn_buf *b)
{
    array(b, 99, 1);
}
static void alignment(rn_buf *b, uint32_t v)
{
    head(b, 0, 1);
    kv_u32(b, "general.alignment", v);
}
static void b_align_0(rn_buf *b)
{
    alignment(b, 0);
}
static void b_align_1(rn_buf *b)
{
    alignment(b, 1);
}
static void b_align_48(rn_buf *b)
{
    alignment(b, 48);
}
static void b_align_huge(rn_buf *b)
{
    alignment(b, 0x80000000u);
}
static void b_align_string(rn_buf *b)
{
    head(b, 0, 1);
    str(b, "general.alignment");
    u32(b, RN_G_STR);
    str(b, "32");
}
static void one_tensor(rn_buf *b, uint32_t rank, uint64_t dim, uint32_t type)
{
    head(b, 1, 0);
    str(b, "weird");
    u32(b, rank);
    for (uint32_t d = 0; d < rank && d < 4; d++)
        u64(b, dim);
    u32(b, type);
    u64(b, 0);
    zeros(b, 256);
}
static void b_rank_0(rn_buf *b)
{
    one_tensor(b, 0, 1, 0);
}
static void b_rank_5(rn_buf *b)
{
    one_tensor(b, 5, 1, 0);
}
static void b_rank_17(rn_buf *b)
{
    one_tensor(b, 17, 1, 0);
}
static void b_rank_max(rn_buf *b)
{
    one_tensor(b, UINT32_MAX, 1, 0);
}
static void b_dim_0(rn_buf *b)
{
    one_tensor(b, 2, 0, 0);
}
static void b_dim_negative(rn_buf *b)
{
    one_tensor(b, 1, (uint64_t)1 << 63, 0);
}
static void b_dim_overflow(rn_buf *b)
{
    one_tensor(b, 4, (uint64_t)1 << 16, 0);
}
static void b_bytes_overflow(rn_buf *b)
{
    one_tensor(b, 1, (uint64_t)1 << 62, 0);
}
static void b_row(rn_buf *b)
{
    one_tensor(b, 1, 33, RN_Q_Q8_0);
}
static void b_type_iq(rn_buf *b)
{
    one_tensor(b, 1, 256, 21);
}
static void b_type_removed(rn_buf *b)
{
    one_tensor(b, 1, 256, 4);
}
static void b_type_unknown(rn_buf *b)
{
    one_tensor(b, 1, 256, 1000);
}
static void b_name_long(rn_buf *b)
{
    head(b, 1, 0);
    u64(b, 300);
    zeros(b, 400);
}
static void b_name_twice(rn_buf *b)
{
    head(b, 2, 0);
    tensor(b, "same", 8, 0, 0);
    tensor(b, "same", 8, 0, 32);
    zeros(b, 64);
}
static void b_overlap(rn_buf *b)
{
    head(b, 2, 0);
    tensor(b, "first", 16, 0, 0);
    tensor(b, "second", 8, 0, 32);
    zeros(b, 64);
}
static void b_overlap_same(rn_buf *b)
{
    head(b, 2, 0);
    tensor(b, "first", 8, 0, 0);
    tensor(b, "second", 8, 0, 0);
    zeros(b, 64);
}
static void b_offset_odd(rn_buf *b)
{
    head(b, 1, 0);
    tensor(b, "odd", 4, 0, 4);
    zeros(b, 64);
}
static void b_past_end(rn_buf *b)
{
    head(b, 1, 0);
    tensor(b, "cut", 17, 0, 0);
    zeros(b, 64);
}
static void b_offset_huge(rn_buf *b)
{
    head(b, 1, 0);
    tensor(b, "far", 4, 0, UINT64_MAX - 31);
    zeros(b, 64);
}
static void b_no_data(rn_buf *b)
{
    head(b, 1, 0);
    tensor(b, "gone", 4, 0, 0);
}
static void b_split_no(rn_buf *b)
{
    head(b, 0, 2);
    kv_u32(b, "split.count", 3);
    kv_u32(b, "split.no", 3);
}
static void b_split_second(rn_buf *b)
{
    head(b, 0, 2);
    kv_u32(b, "split.count", 3);
    kv_u32(b, "split.no", 1);
}
static void b_split_memory(rn_buf *b)
{
    head(b, 0, 2);
    kv_u32(b, "split.count", 3);
    kv_u32(b, "split.no", 0);
}
static void b_split_many(rn_buf *b)
{
    head(b, 0, 1);
    kv_u32(b, "split.count", UINT32_MAX);
}

static const struct {
    const char *name;
    void (*build)(rn_buf *b);
    int code;
    const char *message; /* part of it */
} bad_files[] = {
    {"empty", b_empty, RN_ETRUNCATED, "empty"},
    {"two bytes", b_short, RN_EFORMAT, "not a GGUF file"},
    {"web page", b_html, RN_EFORMAT, "web page"},
    {"git-lfs", b_lfs, RN_EFORMAT, "git lfs pull"},
    {"zip", b_zip, RN_EFORMAT, "PyTorch"},
    {"pickle", b_pickle, RN_EFORMAT, "pickle"},
    {"gzip", b_gzip, RN_EFORMAT, "gzip"},
    {"GGJT", b_ggjt, RN_EFORMAT, "GGJT"},
    {"noise", b_noise, RN_EFORMAT, "not 'GGUF'"},
    {"safetensors", b_safetensors, RN_EFORMAT, "safetensors"},
    {"big-endian", b_swapped, RN_EUNSUPPORTED, "big-endian (version 3"},
    {"version 1", b_version_1, RN_EUNSUPPORTED, "version 1"},
    {"version 4", b_version_4, RN_EUNSUPPORTED, "version 4"},
    {"2^63 keys", b_many_kv, RN_ETRUNCATED, "9223372036854775808 metadata keys"},
    {"2^63 tensors", b_many_tensors, RN_ETRUNCATED, "9223372036854775808 tensors"},
    {"key past the end", b_key_past_end, RN_ETRUNCATED, "18446744073709551615 bytes"},
    {"key empty", b_key_empty, RN_EFORMAT, "empty"},
    {"key with NUL", b_key_nul, RN_EFORMAT, "NUL"},
    {"value type", b_key_type, RN_EFORMAT, "'some.key' has the unknown type 13"},
    {"key twice", b_key_twice, RN_EFORMAT, "'same.key' occurs twice"},
    {"bool of 2", b_bool, RN_EFORMAT, "'some.flag' holds 2"},
    {"array of arrays", b_array_nested, RN_EUNSUPPORTED, "array of arrays"},
    {"array too long", b_array_long, RN_ETRUNCATED, "2305843009213693952 array elements"},
    {"2^63 strings", b_array_strings, RN_ETRUNCATED, "9223372036854775808 array elements"},
    {"array type", b_array_type, RN_EFORMAT, "unknown type 99"},
    {"alignment 0", b_align_0, RN_EFORMAT, "general.alignment"},
    {"alignment 1", b_align_1, RN_EFORMAT, "general.alignment"},
    {"alignment 48", b_align_48, RN_EFORMAT, "general.alignment"},
    {"alignment 2^31", b_align_huge, RN_EFORMAT, "general.alignment"},
    {"alignment a string", b_align_string, RN_EFORMAT, "general.alignment (string"},
    {"rank 0", b_rank_0, RN_EFORMAT, "'weird' has 0 dimensions"},
    {"rank 5", b_rank_5, RN_EFORMAT, "5 dimensions"},
    {"rank 17", b_rank_17, RN_EFORMAT, "17 dimensions"},
    {"rank 2^32-1", b_rank_max, RN_EFORMAT, "4294967295 dimensions"},
    {"dimension 0", b_dim_0, RN_EFORMAT, "dimension of 0"},
    {"dimension 2^63", b_dim_negative, RN_EFORMAT, "more weights"},
    {"2^64 weights", b_dim_overflow, RN_EFORMAT, "more weights"},
    {"2^64 bytes", b_bytes_overflow, RN_EFORMAT, "larger than any file"},
    {"row of 33", b_row, RN_EFORMAT, "33 weights, no multiple of 32 as Q8_0 needs"},
    {"IQ3_S", b_type_iq, RN_EUNSUPPORTED, "the type IQ3_S, which is not supported"},
    {"Q4_2", b_type_removed, RN_EUNSUPPORTED, "Q4_2"},
    {"type 1000", b_type_unknown, RN_EUNSUPPORTED, "number 1000"},
    {"long name", b_name_long, RN_EFORMAT, "300 bytes"},
    {"name twice", b_name_twice, RN_EFORMAT, "'same' occurs twice"},
    {"overlap", b_overlap, RN_EFORMAT, "'first' and 'second' overlap"},
    {"same place", b_overlap_same, RN_EFORMAT, "overlap"},
    {"offset of 4", b_offset_odd, RN_EFORMAT, "alignment 32"},
    {"data past the end", b_past_end, RN_ETRUNCATED, "needs 68 bytes at offset 0"},
    {"offset near 2^64", b_offset_huge, RN_ETRUNCATED, "'far' needs"},
    {"no data", b_no_data, RN_ETRUNCATED, "holds 0 bytes"},
    {"part 4 of 3", b_split_no, RN_EFORMAT, "split.no"},
    {"part 2 of 3", b_split_second, RN_EINVAL, "is part 2 of 3"},
    {"parts in memory", b_split_memory, RN_EUNSUPPORTED, "from memory"},
    {"2^32-1 parts", b_split_many, RN_EFORMAT, "split.count"},
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        rn_buf b = {0};
        rn_err err = {0};
        rn_gguf *g = NULL;
        void *copy = NULL;
        bad_files[i].build(&b);
        int rc = open_copy(rn_buf_view(&b), &g, &copy, &err);
        if (rc != bad_files[i].code || !strstr(err.msg, bad_files[i].message) ||
            !strstr(err.msg, "test.gguf"))
            fail_msg("%s: %s \"%s\", want %s \"%s\"", bad_files[i].name, rn_err_name(rc), err.msg,
                     rn_err_name(bad_files[i].code), bad_files[i].message);
        assert_null(g);
        assert_int_equal(rn_gguf_open_memory(copy, b.len, "test.gguf", &g, NULL), rc);
        free(copy);
        rn_buf_free(&b);
    }
}

/* ---- good files ------------------------------------------------------------------------------ */

static const float weights[64] = {1, 2, 3, [63] = 4};

static void put_sample(rn_gguf_writer *w)
{
    rn_gguf_put_str(w, "general.architecture", rn_bytes_of("llama"));
    rn_gguf_put_u32(w, "llama.block_count", 7);
    rn_gguf_put_f32(w, "llama.eps", 1e-5f);
    rn_gguf_put_bool(w, "flag", true);
    rn_gguf_put_strs(w, "names", (rn_bytes[]){rn_bytes_of("a"), rn_bytes_of(""), {"x\0y", 3}}, 3);
    rn_gguf_put_i32s(w, "types", (int32_t[]){-1, 2}, 2);
    rn_gguf_put_f32s(w, "scores", (float[]){0.5f, -1.5f, INFINITY}, 3);
    rn_gguf_put_f32(w, "nan", NAN);
    rn_gguf_put_strs(w, "nothing", NULL, 0);
    rn_gguf_put_tensor(w, "b.weight", RN_Q_F32, 2, (int64_t[]){8, 2}, weights);
    rn_gguf_put_tensor(w, "a.weight", RN_Q_Q8_0, 1, (int64_t[]){32}, weights);
    rn_gguf_put_tensor(w, "c", RN_Q_F32, 1, (int64_t[]){1}, weights + 63);
}

static void test_read(void **state)
{
    (void)state;
    rn_gguf_writer w = {0};
    rn_buf file = {0};
    rn_err err;
    rn_gguf *g = NULL;
    void *copy = NULL;
    put_sample(&w);
    assert_ok(rn_gguf_write(&w, &file, &err), &err);
    assert_ok(open_copy(rn_buf_view(&file), &g, &copy, &err), &err);
    assert_int_equal(rn_gguf_version(g), 3);
    assert_int_equal(rn_gguf_n_parts(g), 1);
    assert_int_equal(rn_gguf_n_kv(g), 9);
    assert_int_equal(rn_gguf_file_bytes(g), file.len);

    const rn_tensor *t = rn_gguf_tensor(g, "b.weight");
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->ne[0] * 1000 + t->ne[1] * 100 + t->ne[2] * 10 + t->ne[3], 8211);
    assert_int_equal(t->bytes, 64);
    assert_memory_equal(t->data, weights, 64);
    assert_ptr_equal(rn_gguf_tensor_at(g, 0), t);
    assert_int_equal(rn_gguf_tensor(g, "a.weight")->bytes, 34);
    assert_near(*(const float *)rn_gguf_tensor(g, "c")->data, 4, 0);
    assert_null(rn_gguf_tensor(g, "B.weight"));
    assert_null(rn_gguf_tensor(g, ""));

    uint32_t u = 0;
    float f = 0;
    bool flag = false;
    rn_bytes s = {0};
    const rn_gguf_kv *kv = NULL;
    assert_ok(rn_gguf_u32(g, "llama.block_count", &u, &err), &err);
    assert_int_equal(u, 7);
    assert_ok(rn_gguf_f32(g, "llama.eps", &f, &err), &err);
    assert_near(f, 1e-5, 1e-12);
    assert_ok(rn_gguf_f32(g, "llama.block_count", &f, &err), &err);
    assert_near(f, 7, 0);
    assert_ok(rn_gguf_bool_opt(g, "flag", &flag, &err), &err);
    assert_true(flag);
    assert_ok(rn_gguf_str(g, "general.architecture", &s, &err), &err);
    assert_true(rn_bytes_equal(s, rn_bytes_of("llama")));
    assert_ok(rn_gguf_array(g, "names", RN_G_STR, &kv, &err), &err);
    assert_int_equal(kv->n, 3);
    assert_int_equal(kv->strs[2].len, 3);
    assert_ok(rn_gguf_array(g, "types", RN_G_I32, &kv, &err), &err);
    assert_int_equal(rn_gguf_int_at(kv, 0), -1);
    assert_ok(rn_gguf_array(g, "scores", RN_G_F32, &kv, &err), &err);
    assert_near(rn_gguf_real_at(kv, 1), -1.5, 0);
    assert_int_equal(rn_gguf_int_at(kv, 2), INT64_MAX);
    assert_ok(rn_gguf_array(g, "nothing", RN_G_STR, &kv, &err), &err);
    assert_int_equal(kv->n, 0);

    u = 99;
    assert_ok(rn_gguf_u32_opt(g, "absent", &u, &err), &err);
    assert_int_equal(u, 99);
    assert_int_equal(rn_gguf_u32(g, "absent", &u, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "'absent' is missing");
    assert_int_equal(rn_gguf_u32(g, "general.architecture", &u, &err), RN_EFORMAT);
    assert_contains(err.msg, "of type string, a whole number is needed");
    assert_int_equal(rn_gguf_u32(g, "types", &u, &err), RN_EFORMAT);
    assert_contains(err.msg, "an array of i32");
    assert_int_equal(rn_gguf_str(g, "flag", &s, &err), RN_EFORMAT);
    assert_int_equal(rn_gguf_f32(g, "nan", &f, &err), RN_EFORMAT);
    assert_contains(err.msg, "finite");
    assert_int_equal(rn_gguf_array(g, "names", RN_G_I32, &kv, &err), RN_EFORMAT);
    assert_int_equal(rn_gguf_array(g, "flag", RN_G_I32, &kv, &err), RN_EFORMAT);
    assert_ok(rn_gguf_array_opt(g, "absent", RN_G_STR, &kv, &err), &err);
    assert_null(kv);
    rn_gguf_close(g);
    free(copy);
    rn_buf_free(&file);
    rn_gguf_writer_free(&w);
}

/* Version 2 has the same layout; a file without tensors need not be padded; gaps are allowed. */
static void test_read_other_forms(void **state)
{
    (void)state;
    rn_buf b = {0};
    rn_err err;
    rn_gguf *g = NULL;
    void *copy = NULL;
    rn_buf_puts(&b, "GGUF");
    u32(&b, 2);
    u64(&b, 0);
    u64(&b, 1);
    kv_u32(&b, "key", 5);
    assert_ok(open_copy(rn_buf_view(&b), &g, &copy, &err), &err);
    assert_int_equal(rn_gguf_version(g), 2);
    rn_gguf_close(g);
    free(copy);

    rn_buf_clear(&b);
    head(&b, 2, 1);
    kv_u32(&b, "general.alignment", 8);
    tensor(&b, "second", 2, 0, 24);
    tensor(&b, "first", 2, 0, 8);
    while (b.len % 8)
        rn_buf_putc(&b, 0);
    for (int i = 0; i < 32; i++)
        rn_buf_putc(&b, (char)i);
    assert_ok(open_copy(rn_buf_view(&b), &g, &copy, &err), &err);
    assert_int_equal(*(const uint8_t *)rn_gguf_tensor(g, "first")->data, 8);
    assert_int_equal(*(const uint8_t *)rn_gguf_tensor(g, "second")->data, 24);
    rn_gguf_close(g);
    free(copy);
    rn_buf_free(&b);

    _Alignas(8) char odd[64] = {0};
    assert_int_equal(rn_gguf_open_memory(odd + 1, 40, "odd", &g, &err), RN_EINVAL);
    rn_gguf_close(NULL);
}

/* Every prefix is an error: the last tensor ends four bytes into the last padded block. */
static void test_truncated_everywhere(void **state)
{
    (void)state;
    rn_gguf_writer w = {0};
    rn_buf file = {0};
    rn_err err;
    put_sample(&w);
    assert_ok(rn_gguf_write(&w, &file, &err), &err);
    size_t needed = file.len - 28;
    for (size_t len = 0; len <= file.len; len++) {
        rn_gguf *g = NULL;
        void *copy = NULL;
        int rc = open_copy((rn_bytes){file.data, len}, &g, &copy, &err);
        if ((rc == 0) != (len >= needed)) fail_msg("%zu of %zu bytes: %d", len, file.len, rc);
        rn_gguf_close(g);
        free(copy);
    }
    rn_buf_free(&file);
    rn_gguf_writer_free(&w);
}

/* Every byte set to several values: an error, or a file that can be read. */
static void test_one_byte_changed(void **state)
{
    (void)state;
    static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF, 0x7F};
    rn_gguf_writer w = {0};
    rn_buf file = {0};
    rn_err err;
    put_sample(&w);
    assert_ok(rn_gguf_write(&w, &file, &err), &err);
    uint64_t sum = 0;
    for (size_t i = 0; i < file.len; i++)
        for (size_t m = 0; m < sizeof masks; m++) {
            rn_gguf *g = NULL;
            void *copy = NULL;
            file.data[i] = (char)(file.data[i] ^ masks[m]);
            if (open_copy(rn_buf_view(&file), &g, &copy, &err) == 0) sum += read_all(g);
            rn_gguf_close(g);
            free(copy);
            file.data[i] = (char)(file.data[i] ^ masks[m]);
        }
    assert_true(sum > 0);
    rn_buf_free(&file);
    rn_gguf_writer_free(&w);
}

/* ---- on disk --------------------------------------------------------------------------------- */

static void write_file(const rn_gguf_writer *w, const char *path)
{
    rn_buf file = {0};
    rn_err err;
    assert_ok(rn_gguf_write(w, &file, &err), &err);
    assert_ok(rn_file_write_atomic(path, rn_buf_view(&file), &err), &err);
    rn_buf_free(&file);
}

static void write_part(const char *path, int64_t no, int64_t count, const char *name, float value)
{
    rn_gguf_writer w = {0};
    rn_gguf_put_u32(&w, "split.count", (uint32_t)count);
    rn_gguf_put_u32(&w, "split.no", (uint32_t)no);
    rn_gguf_put_u32(&w, "split.tensors.count", 2);
    rn_gguf_put_tensor(&w, name, RN_Q_F32, 1, (int64_t[]){1}, &value);
    write_file(&w, path);
    rn_gguf_writer_free(&w);
}

static void test_split(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    char one[4200], two[4200], odd[4200];
    snprintf(one, sizeof one, "%s/m-00001-of-00002.gguf", dir);
    snprintf(two, sizeof two, "%s/m-00002-of-00002.gguf", dir);
    snprintf(odd, sizeof odd, "%s/m.gguf", dir);
    rn_err err;
    rn_gguf *g = NULL;

    write_part(one, 0, 2, "a", 1.5f);
    assert_int_equal(rn_gguf_open(one, &g, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "m-00002-of-00002.gguf is missing: the model has 2 parts");

    write_part(two, 1, 2, "b", 2.5f);
    assert_ok(rn_gguf_open(one, &g, &err), &err);
    assert_int_equal(rn_gguf_n_parts(g), 2);
    assert_int_equal(rn_gguf_n_tensors(g), 2);
    assert_near(*(const float *)rn_gguf_tensor(g, "b")->data, 2.5, 0);
    assert_int_equal(rn_gguf_tensor(g, "b")->part, 1);
    rn_gguf_close(g);
    g = NULL;

    assert_int_equal(rn_gguf_open(two, &g, &err), RN_EINVAL);
    assert_contains(err.msg, "is part 2 of 2 of a split model; open the first part");
    write_part(odd, 0, 2, "a", 1.5f);
    assert_int_equal(rn_gguf_open(odd, &g, &err), RN_EINVAL);
    assert_contains(err.msg, "-00001-of-00002.gguf");
    write_part(two, 1, 3, "b", 2.5f);
    assert_int_equal(rn_gguf_open(one, &g, &err), RN_EFORMAT);
    assert_contains(err.msg, "says it is part 2 of 3, part 2 of 2 belongs here");
    write_part(two, 1, 2, "a", 2.5f);
    assert_int_equal(rn_gguf_open(one, &g, &err), RN_EFORMAT);
    assert_contains(err.msg, "'a' occurs twice");
    assert_ok(rn_file_write_atomic(two, rn_bytes_of("GGUF"), &err), &err);
    assert_int_equal(rn_gguf_open(one, &g, &err), RN_ETRUNCATED);
    assert_contains(err.msg, "m-00002-of-00002.gguf");
    test_rmdir(dir);
}

static void test_files(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    char path[4200];
    rn_err err;
    rn_gguf *g = NULL;
    assert_int_equal(rn_gguf_open(dir, &g, &err), RN_EINVAL);
    assert_contains(err.msg, "not a regular file");
    snprintf(path, sizeof path, "%s/absent.gguf", dir);
    assert_int_equal(rn_gguf_open(path, &g, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "absent.gguf");
    snprintf(path, sizeof path, "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rn_gguf_open(path, &g, &err), RN_EINVAL);
    snprintf(path, sizeof path, "%s/empty", dir);
    assert_ok(rn_file_write_atomic(path, (rn_bytes){0}, &err), &err);
    assert_int_equal(rn_gguf_open(path, &g, &err), RN_ETRUNCATED);
    assert_contains(err.msg, "empty");
    assert_null(g);

    /* A mapped tensor that is not needed for now can still be read. */
    enum { N = 32 * 1024 };
    float *x = malloc(N * sizeof *x);
    for (int i = 0; i < N; i++)
        x[i] = (float)i;
    rn_gguf_writer w = {0};
    rn_gguf_put_tensor(&w, "x", RN_Q_F32, 1, (int64_t[]){N}, x);
    snprintf(path, sizeof path, "%s/x.gguf", dir);
    write_file(&w, path);
    rn_gguf_writer_free(&w);
    assert_ok(rn_gguf_open(path, &g, &err), &err);
    assert_string_equal(rn_gguf_path(g), path);
    const rn_tensor *t = rn_gguf_tensor(g, "x");
    rn_gguf_forget(g, t);
    assert_memory_equal(t->data, x, N * sizeof *x);
    rn_gguf_close(g);
    free(x);
    test_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_other_forms),
        cmocka_unit_test(test_truncated_everywhere),
        cmocka_unit_test(test_one_byte_changed),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}
