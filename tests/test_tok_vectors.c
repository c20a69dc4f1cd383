/*
 * Tokenizers against recorded data: the five vocabularies with their 46 texts, exactly; and the
 * token counts that 49,200 samples of a Llama-family model came with (every tenth; RATION_FULL=1:
 * all).
 */
#include "test.h"

#include "base/file.h"
#include "base/json.h"
#include "tok_decode.h"

enum { N_TEXTS = 46 };

/* Encodes every text of tokenizers/NAME.inp and compares with NAME.out; also the round trip. */
static void check_vectors(const char *name)
{
    char file[64];
    rn_err err;
    rn_gguf *g = NULL;
    rn_tok *t = NULL;
    rn_buf inp = {0}, out = {0}, back = {0};
    snprintf(file, sizeof file, "tokenizers/%s.gguf", name);
    assert_ok(rn_gguf_open(test_data(file), &g, &err), &err);
    assert_ok(rn_tok_new(g, &t, &err), &err);
    snprintf(file, sizeof file, "tokenizers/%s.inp", name);
    assert_ok(rn_file_read(test_data(file), 1 << 20, &inp, &err), &err);
    snprintf(file, sizeof file, "tokenizers/%s.out", name);
    assert_ok(rn_file_read(test_data(file), 1 << 20, &out, &err), &err);

    static const char mark[] = "\n__ggml_vocab_test__\n";
    const char *ids_at = out.data;
    size_t from = 0;
    int n_texts = 0;
    while (from < inp.len) {
        size_t end = rn_bytes_find(rn_buf_view(&inp), rn_bytes_of(mark), from);
        if (end == SIZE_MAX) break;
        rn_bytes text = {.data = inp.data + from, .len = end - from};
        from = end + sizeof mark - 1;
        rn_ids ids = {0};
        assert_ok(rn_tok_encode(t, text, 0, &ids, &err), &err);

        size_t n = 0;
        for (char *stop; *ids_at && *ids_at != '\n'; ids_at = stop) {
            while (*ids_at == ' ')
                ids_at++;
            if (*ids_at == '\n') break;
            long want = strtol(ids_at, &stop, 10);
            if (n >= ids.n || ids.v[n] != want)
                fail_msg("%s, text %d '%.*s': token %zu is %d, want %ld", name, n_texts,
                         (int)text.len, text.data, n, n < ids.n ? ids.v[n] : -1, want);
            n++;
        }
        if (n != ids.n) fail_msg("%s, text %d: %zu tokens, want %zu", name, n_texts, ids.n, n);
        if (*ids_at == '\n') ids_at++;

        rn_buf_clear(&back);
        decode(t, &ids, FROM_START, &back);
        assert_int_equal(back.len, text.len);
        if (text.len) assert_memory_equal(back.data, text.data, text.len);
        rn_ids_free(&ids);
        n_texts++;
    }
    assert_int_equal(n_texts, N_TEXTS);
    rn_buf_free(&inp);
    rn_buf_free(&out);
    rn_buf_free(&back);
    rn_tok_free(t);
    rn_gguf_close(g);
}

static void test_llama_spm(void **state)
{
    (void)state;
    check_vectors("llama-spm");
}
static void test_llama_bpe(void **state)
{
    (void)state;
    check_vectors("llama-bpe");
}
static void test_qwen2(void **state)
{
    (void)state;
    check_vectors("qwen2");
}
static void test_deepseek_coder(void **state)
{
    (void)state;
    check_vectors("deepseek-coder");
}
static void test_starcoder(void **state)
{
    (void)state;
    check_vectors("starcoder");
}

/* A completion is a newline and a whole program; what its model generated is the program and the
 * end token, `generated_tokens` in all. */
static void test_sample_counts(void **state)
{
    (void)state;
    static const char *const sizes[] = {"7b", "13b", "34b"};
    const char *full = getenv("RATION_FULL");
    int step = full && *full == '1' ? 1 : 10, n = 0;
    rn_err err;
    rn_gguf *g = NULL;
    rn_tok *t = NULL;
    assert_ok(rn_gguf_open(test_data("tokenizers/llama-spm.gguf"), &g, &err), &err);
    assert_ok(rn_tok_new(g, &t, &err), &err);
    for (int s = 0; s < 3; s++) {
        char name[96];
        snprintf(name, sizeof name, "samples/wizardcoder-python-%s.humaneval.jsonl.gz", sizes[s]);
        rn_reader *r = NULL;
        rn_bytes line;
        rn_ids ids = {0};
        assert_ok(rn_reader_open(test_data(name), &r, &err), &err);
        while (rn_reader_line(r, 1 << 24, &line, &err) > 0) {
            if (rn_reader_line_no(r) % step) continue;
            rn_json_at at = {.path = name, .line = rn_reader_line_no(r)};
            json_t *row = NULL;
            rn_bytes text;
            int64_t want = 0;
            assert_ok(rn_json_parse(line, at, &row, &err), &err);
            assert_ok(rn_json_bytes(row, "completion", at, &text, &err), &err);
            assert_ok(rn_json_int(row, "generated_tokens", at, &want, &err), &err);
            assert_true(rn_bytes_starts(text, "\n"));
            text.data++;
            text.len--;
            ids.n = 0;
            assert_ok(rn_tok_encode(t, text, 0, &ids, &err), &err);
            if ((int64_t)ids.n + 1 != want)
                fail_msg("%s line %lld: %zu + 1 tokens, want %lld", name, (long long)at.line, ids.n,
                         (long long)want);
            json_decref(row);
            n++;
        }
        rn_ids_free(&ids);
        rn_reader_close(r);
    }
    print_message("%d samples, every count as recorded\n", n);
    assert_int_equal(n, 49200 / step);
    rn_tok_free(t);
    rn_gguf_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama_spm), cmocka_unit_test(test_llama_bpe),
        cmocka_unit_test(test_qwen2),     cmocka_unit_test(test_deepseek_coder),
        cmocka_unit_test(test_starcoder), cmocka_unit_test(test_sample_counts),
    };
    return cmocka_run_group_tests_name("tok_vectors", tests, NULL, NULL);
}
