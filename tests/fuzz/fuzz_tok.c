/*
 * fuzz_tok.c: tokenizers. The first byte of the input chooses: a fixed vocabulary, on which any
 * text must come back byte for byte; or a model file made of the first half of the rest, whose
 * tokenizer, if it loads, must stand the second half.
 */
#include "tiny_gguf.h"
#include "tok_decode.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_FIXED = 6 };

static rn_tok *fixed(unsigned i)
{
    static const char *const pre[N_FIXED] = {NULL,        "gpt-2",          "qwen2",
                                             "llama-bpe", "deepseek-coder", "starcoder"};
    static rn_tok *toks[N_FIXED];
    if (toks[i]) return toks[i];
    static rn_buf files[N_FIXED];
    static rn_gguf *open[N_FIXED]; /* the tokenizer borrows from it */
    rn_gguf_writer w = {0};
    rn_err err;
    if (pre[i])
        tiny_bpe(&w, pre[i]);
    else
        tiny_spm(&w);
    if (rn_gguf_write(&w, &files[i], &err) ||
        rn_gguf_open_memory(files[i].data, files[i].len, "fixed", &open[i], &err) ||
        rn_tok_new(open[i], &toks[i], &err))
        abort();
    rn_gguf_writer_free(&w);
    return toks[i];
}

/* Every token in range; with `exact` the same bytes again. */
static void check(const rn_tok *t, rn_bytes text, unsigned flags, bool exact)
{
    rn_ids ids = {0};
    rn_buf back = {0};
    rn_err err = {0};
    int rc = rn_tok_encode(t, text, flags, &ids, &err);
    if (rc && (exact || !err.msg[0])) abort();
    if (rc && ids.n) abort();
    for (size_t i = 0; i < ids.n; i++)
        if (ids.v[i] < 0 || ids.v[i] >= rn_tok_n_vocab(t)) abort();
    decode(t, &ids, FROM_START | SHOW_CONTROL, &back);
    if (exact && !rn_bytes_equal(rn_buf_view(&back), text)) abort();
    rn_ids_free(&ids);
    rn_buf_free(&back);
}

static void from_file(const uint8_t *data, size_t size)
{
    void *copy = malloc(size);
    if (!copy) return;
    memcpy(copy, data, size);
    rn_bytes text = {.data = (const char *)data + size - size / 8, .len = size / 8};
    rn_gguf *g = NULL;
    rn_tok *t = NULL;
    rn_err err = {0};
    if (rn_gguf_open_memory(copy, size, "fuzz.gguf", &g, &err) == 0) {
        if (rn_tok_new(g, &t, &err) == 0) {
            check(t, text, 0, false);
            check(t, text, RN_TOK_BOS | RN_TOK_SPECIAL, false);
            int32_t n = rn_tok_n_vocab(t);
            for (int32_t id = -1; id <= n; id += 1 + n / 32) {
                (void)rn_tok_is_end(t, id);
                rn_bytes spelled = rn_tok_text(t, id);
                if (spelled.len && rn_tok_find(t, spelled) < 0) abort();
                check(t, rn_tok_bytes(t, id), RN_TOK_CONTINUE, false);
            }
        } else if (!err.msg[0]) {
            abort();
        }
    }
    rn_tok_free(t);
    rn_gguf_close(g);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    if (data[0] == 'G') {
        from_file(data, size);
        return 0;
    }
    unsigned kind = data[0] % N_FIXED;
    rn_bytes text = {.data = (const char *)data + 1, .len = size - 1};
    check(fixed(kind), text, 0, true);
    check(fixed(kind), text, RN_TOK_SPECIAL, true);
    check(fixed(kind), text, RN_TOK_CONTINUE, false);
    return 0;
}
