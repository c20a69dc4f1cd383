/* tsan */
/* test_model.c: golden logits of every weight type and architecture, and what the loader refuses.
 */
#include "test.h"

#include "base/file.h"
#include "base/json.h"
#include "model/engine.h"
#include "model/memory.h"
#include "tiny_model.h"

static rn_model *load(const char *path)
{
    rn_err err;
    rn_model *m = NULL;
    assert_ok(rn_model_load(path, &(rn_load_opts){.n_threads = 2}, &m, &err), &err);
    return m;
}

static rn_engine *engine_of(const rn_model *m, int64_t prompt, int64_t tokens, rn_kv_type kv)
{
    rn_err err;
    rn_engine *e = NULL;
    rn_engine_opts o = {
        .n_threads = 2, .n_slots = 4, .kv = kv, .max_prompt_tok = prompt, .max_new_tok = tokens};
    assert_ok(rn_engine_open(m, &o, &e, &err), &err);
    return e;
}

/* ||x - exact|| / ||exact|| */
static double relative_error(const float *x, const float *exact, size_t n)
{
    double diff = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - (double)exact[i];
        diff += d * d;
        norm += (double)exact[i] * (double)exact[i];
    }
    return sqrt(diff / norm);
}

enum { GOLDEN_ROWS = 48, GOLDEN_VOCAB = 512 };

static void check_golden(const char *isa, const char *dir, const char *file, double bound)
{
    char path[8192];
    rn_err err;
    rn_buf ids = {0}, exact = {0};
    snprintf(path, sizeof path, "%s/ids.bin", dir);
    assert_ok(rn_file_read(path, 1 << 20, &ids, &err), &err);
    assert_int_equal(ids.len, GOLDEN_ROWS * sizeof(int32_t));
    snprintf(path, sizeof path, "%s/%.*s.logits", dir, (int)strcspn(file, "."), file);
    assert_ok(rn_file_read(path, 1 << 20, &exact, &err), &err);
    assert_int_equal(exact.len, GOLDEN_ROWS * GOLDEN_VOCAB * sizeof(float));

    snprintf(path, sizeof path, "%s/%s", dir, file);
    rn_model *m = load(path);
    assert_string_equal(rn_isa_name(m->isa), isa);
    rn_engine *e = engine_of(m, GOLDEN_ROWS, 1, RN_KV_F32);
    static float out[GOLDEN_ROWS * GOLDEN_VOCAB];
    assert_ok(rn_engine_logits(e, (const int32_t *)(void *)ids.data, GOLDEN_ROWS, out, &err), &err);
    double got = relative_error(out, (const float *)(void *)exact.data, GOLDEN_ROWS * GOLDEN_VOCAB);
    print_message("%s %s: %.3g (bound %.3g)\n", isa, file, got, bound);
    if (!(got <= bound)) fail_msg("%s on %s: relative error %g, bound %g", file, isa, got, bound);
    rn_engine_close(e);
    rn_model_close(m);
    rn_buf_free(&ids);
    rn_buf_free(&exact);
}

/* Proof 2: at most 1.10 times llama.cpp's error on every kernel set; F32 also within 1e-5. */
static void logits_are_as_exact_as_llama_cpp(void **state)
{
    (void)state;
    rn_err err;
    char dir[4097];
    snprintf(dir, sizeof dir, "%s", test_data("golden/llama_cpp_errors.json"));
    rn_buf text = {0};
    assert_ok(rn_file_read(dir, 1 << 20, &text, &err), &err);
    json_t *errors = NULL;
    assert_ok(rn_json_parse(rn_buf_view(&text), (rn_json_at){dir, 0}, &errors, &err), &err);
    *strrchr(dir, '/') = '\0';
    char *before = getenv("RATION_CPU") ? strdup(getenv("RATION_CPU")) : NULL;
    for (int isa = 0; isa < RN_N_ISAS; isa++) {
        if (!rn_isa_available((rn_isa)isa)) continue;
        setenv("RATION_CPU", rn_isa_name((rn_isa)isa), 1);
        const char *file;
        json_t *entry;
        json_object_foreach(errors, file, entry)
        {
            double theirs = json_real_value(json_object_get(entry, "rel_err_llamacpp"));
            bool f32 = strstr(file, "f32") != NULL;
            check_golden(rn_isa_name((rn_isa)isa), dir, file,
                         f32 ? fmin(1e-5, 1.10 * theirs) : 1.10 * theirs);
        }
    }
    if (before)
        setenv("RATION_CPU", before, 1);
    else
        unsetenv("RATION_CPU");
    free(before);
    json_decref(errors);
    rn_buf_free(&text);
}

/* ---- what the loader refuses ----------------------------------------------------------------- */

/* A small model's image, with every occurrence of `find` replaced by `put` of the same length. */
static int load_changed(const char *find, const char *put, size_t len, const rn_load_opts *opts,
                        rn_err *err)
{
    rn_random_spec spec = tiny_spec(RN_Q_F32, 1);
    void *data;
    size_t bytes;
    assert_ok(rn_random_gguf(&spec, &data, &bytes, err), err);
    char *p = data;
    int n = 0;
    for (size_t i = 0; len && i + len <= bytes; i++)
        if (memcmp(p + i, find, len) == 0) {
            memcpy(p + i, put, len);
            n++;
        }
    if (len && n == 0) fail_msg("the image does not hold \"%s\"", find);
    rn_gguf *file;
    int rc = rn_gguf_open_memory(data, bytes, "changed", &file, err);
    rn_model *m = NULL;
    if (rc == 0) rc = rn_model_load_gguf(file, opts, &m, err);
    rn_model_close(m);
    rn_memory_give(data, bytes);
    return rc;
}

/* A metadata entry of the image: key, type u32, value. */
static void u32_entry(char *out, const char *key, uint32_t value)
{
    uint32_t type = 4;
    size_t n = strlen(key);
    memcpy(out, key, n);
    memcpy(out + n, &type, 4);
    memcpy(out + n + 4, &value, 4);
}

static void hostile_models_are_refused(void **state)
{
    (void)state;
    rn_err err;
    assert_ok(load_changed("", "", 0, NULL, &err), &err);

    static const struct {
        const char *find, *put, *part;
        int code;
    } words[] = {
        {"\x05\0\0\0\0\0\0\0llama", "\x05\0\0\0\0\0\0\0mamba", "'mamba' is not supported",
         RN_EUNSUPPORTED},
        {"blk.1.attn_q.weight", "blk.1.attn_x.weight", "blk.1.attn_q.weight is missing",
         RN_EFORMAT},
        {"blk.1.attn_q.weight", "blk.9.attn_q.weight", "blk.1.attn_q.weight is missing",
         RN_EFORMAT},
        {"output_norm.weight", "output_nerm.weight", "output_norm.weight is missing", RN_EFORMAT},
        {"token_embd.weight", "token_embx.weight", "no tensor token_embd.weight", RN_EFORMAT},
        {"\x0D\0\0\0\0\0\0\0output.weight", "\x0D\0\0\0\0\0\0\0outpux.weight",
         "outpux.weight has no place", RN_EUNSUPPORTED},
        {"embedding_length", "embexxing_length", "embedding_length", RN_ENOTFOUND},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        /* strings with their length in front hold NUL bytes */
        size_t len = words[i].find[1] ? strlen(words[i].find) : 8 + (size_t)words[i].find[0];
        int rc = load_changed(words[i].find, words[i].put, len, NULL, &err);
        if (rc != words[i].code) fail_msg("%s: %s: %s", words[i].find, rn_err_name(rc), err.msg);
        assert_contains(err.msg, words[i].part);
    }

    static const struct {
        const char *key;
        uint32_t good, bad;
        const char *part;
    } numbers[] = {
        {"llama.block_count", 2, 0, "block_count is 0"},
        {"llama.block_count", 2, 3, "blk.2.attn_norm.weight is missing"},
        {"llama.block_count", 2, 1, "blk.1."},
        {"llama.block_count", 2, 0xFFFFFFFF, "expected 1 to"},
        {"llama.block_count", 2, 1000, "1000 layers but only"},
        {"llama.embedding_length", 64, 128, "expected ["},
        {"llama.feed_forward_length", 96, 0x80000000, "expected 1 to"},
        {"llama.attention.head_count", 4, 3, "not a multiple"},
        {"llama.attention.head_count", 4, 0, "head_count is 0"},
        {"llama.attention.head_count", 4, 64, "dimension_count"},
        {"llama.attention.head_count_kv", 2, 4, "expected ["},
        {"llama.context_length", 256, 0, "context_length is 0"},
        {"llama.rope.dimension_count", 16, 15, "is odd"},
        {"llama.rope.dimension_count", 16, 18, "expected 1 to 16"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char find[96], put[96];
        u32_entry(find, numbers[i].key, numbers[i].good);
        u32_entry(put, numbers[i].key, numbers[i].bad);
        int rc = load_changed(find, put, strlen(numbers[i].key) + 8, NULL, &err);
        if (rc == 0) fail_msg("%s = %u was accepted", numbers[i].key, numbers[i].bad);
        if (!strstr(err.msg, numbers[i].part))
            fail_msg("%s = %u: \"%s\" does not contain \"%s\"", numbers[i].key, numbers[i].bad,
                     err.msg, numbers[i].part);
    }
}

static void weights_that_are_not_numbers_are_refused(void **state)
{
    (void)state;
    rn_err err;
    float one[8] = {1, 1, 1, 1, 1, 1, 1, 1}, bad[8] = {1, 1, 1, NAN, 1, 1, 1, 1};
    assert_int_equal(load_changed((char *)one, (char *)bad, sizeof one, NULL, &err), RN_EFORMAT);
    assert_contains(err.msg, "NaN or infinity");
    bad[3] = INFINITY;
    assert_int_equal(load_changed((char *)one, (char *)bad, sizeof one, NULL, &err), RN_EFORMAT);
}

static void a_model_larger_than_memory_is_refused_with_numbers(void **state)
{
    (void)state;
    rn_err err;
    rn_load_opts o = {.memory_bytes = 100000};
    assert_int_equal(load_changed("", "", 0, &o, &err), RN_ELIMIT);
    assert_contains(err.msg, "the weights need");
    assert_contains(err.msg, "MiB may be used");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_as_exact_as_llama_cpp),
        cmocka_unit_test(hostile_models_are_refused),
        cmocka_unit_test(weights_that_are_not_numbers_are_refused),
        cmocka_unit_test(a_model_larger_than_memory_is_refused_with_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
