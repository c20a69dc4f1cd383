/* Tokenizers: both algorithms on tiny vocabularies, special tokens, round trip of any bytes,
 * hostile files and texts. The recorded vectors are in test_tok_vectors.c. */
#include "test.h"

#include "base/log.h"
#include "base/rng.h"
#include "tiny_gguf.h"
#include "tok_decode.h"

/* ---- fixtures -------------------------------------------------------------------------------- */

typedef struct opened {
    rn_buf file;
    rn_gguf *g;
    rn_tok *t;
} opened;

/* Closes *w. */
static int open_writer(rn_gguf_writer *w, opened *o, rn_err *err)
{
    *o = (opened){0};
    int rc = rn_gguf_write(w, &o->file, err);
    rn_gguf_writer_free(w);
    if (!rc) rc = rn_gguf_open_memory(o->file.data, o->file.len, "tiny.gguf", &o->g, err);
    if (!rc) rc = rn_tok_new(o->g, &o->t, err);
    return rc;
}

static void close_all(opened *o)
{
    rn_tok_free(o->t);
    rn_gguf_close(o->g);
    rn_buf_free(&o->file);
    *o = (opened){0};
}

static opened open_spm(void)
{
    rn_gguf_writer w = {0};
    opened o;
    rn_err err;
    tiny_spm(&w);
    assert_ok(open_writer(&w, &o, &err), &err);
    return o;
}

static opened open_bpe(const char *pre)
{
    rn_gguf_writer w = {0};
    opened o;
    rn_err err;
    tiny_bpe(&w, pre);
    assert_ok(open_writer(&w, &o, &err), &err);
    return o;
}

/* ids as "1 2 3" */
static void assert_ids(const rn_tok *t, const char *text, unsigned flags, const char *want)
{
    rn_ids ids = {0};
    rn_err err;
    assert_ok(rn_tok_encode(t, rn_bytes_of(text), flags, &ids, &err), &err);
    rn_buf got = {0};
    rn_buf_puts(&got, "");
    for (size_t i = 0; i < ids.n; i++)
        rn_buf_printf(&got, "%s%d", i ? " " : "", ids.v[i]);
    if (strcmp(got.len ? got.data : "", want) != 0)
        fail_msg("\"%s\": %s, want %s", text, got.data, want);
    rn_buf_free(&got);
    rn_ids_free(&ids);
}

static void assert_round_trip(const rn_tok *t, rn_bytes text, unsigned flags)
{
    rn_ids ids = {0};
    rn_buf back = {0};
    rn_err err;
    assert_ok(rn_tok_encode(t, text, flags, &ids, &err), &err);
    unsigned how = flags & RN_TOK_CONTINUE ? 0 : FROM_START;
    decode(t, &ids, how | SHOW_CONTROL, &back);
    if (back.len != text.len || (text.len && memcmp(back.data, text.data, text.len) != 0))
        fail_msg("'%.*s' came back as '%.*s'", (int)text.len, text.data, (int)back.len, back.data);
    rn_ids_free(&ids);
    rn_buf_free(&back);
}

/* ---- algorithms ------------------------------------------------------------------------------ */

/* Ids of tiny_spm: a byte is 3 + b; words 259.. are _ e h l o he ll hell hello _hello __ <user>. */
static void test_spm(void **state)
{
    (void)state;
    opened o = open_spm();
    assert_string_equal(rn_tok_model(o.t), "llama");
    assert_string_equal(rn_tok_pre(o.t), "");
    assert_int_equal(rn_tok_n_vocab(o.t), 271);
    assert_ids(o.t, "", 0, "");
    assert_ids(o.t, "", RN_TOK_BOS, "1");
    assert_ids(o.t, "hello", 0, "268");
    assert_ids(o.t, "hello", RN_TOK_BOS, "1 268");
    assert_ids(o.t, "hello", RN_TOK_CONTINUE, "267");
    assert_ids(o.t, " hello", 0, "259 268");  /* "_hello" has a better score than "__" */
    assert_ids(o.t, "hell", 0, "259 266");    /* "_" "hell" */
    assert_ids(o.t, "hex", 0, "259 264 123"); /* byte fallback */
    assert_ids(o.t, "\xC3\xA9", 0, "259 198 172");
    assert_ids(o.t, "<s>", 0, "259 63 118 65");
    assert_ids(o.t, "<0x0A>", 0, "259 63 51 123 51 68 65");
    assert_ids(o.t, "<s>hello", RN_TOK_SPECIAL, "1 268");
    assert_ids(o.t, "hello</s>", RN_TOK_SPECIAL, "268 2");
    assert_ids(o.t, "<user>hello", 0, "270 267");
    assert_ids(o.t, "he<user>", 0, "259 264 270");
    /* U+2581 in a text is not a space. */
    assert_ids(o.t, "\xE2\x96\x81", RN_TOK_CONTINUE, "229 153 132");
    close_all(&o);
}

/* Ids of tiny_bpe: a byte is itself; he ll hell hello _hello are 256-260. */
static void test_bpe(void **state)
{
    (void)state;
    opened o = open_bpe("gpt-2");
    assert_string_equal(rn_tok_model(o.t), "gpt2");
    assert_string_equal(rn_tok_pre(o.t), "gpt-2");
    assert_int_equal(rn_tok_n_vocab(o.t), TINY_BPE_TOKENS);
    assert_ids(o.t, "", RN_TOK_BOS, "");
    assert_ids(o.t, "hello", 0, "259");
    assert_ids(o.t, "hello hello", 0, "259 260");
    assert_ids(o.t, "  hello", 0, "32 260");
    assert_ids(o.t, "helhello", 0, "256 108 259");
    assert_ids(o.t, "\n\t", 0, "10 9");
    assert_ids(o.t, "\xC3\xA9", 0, "195 169");
    assert_ids(o.t, "<|im_end|>", RN_TOK_SPECIAL, "263");
    assert_ids(o.t, "hello<|im_end|><|user|>", RN_TOK_SPECIAL, "259 263 264");
    assert_ids(o.t, "<|user|><|im_", 0, "264 60 124 105 109 95");
    close_all(&o);
}

static int add_word(void *user, rn_bytes word)
{
    rn_buf *b = user;
    if (b->len) rn_buf_putc(b, '|');
    rn_buf_add(b, word.data, word.len);
    return 0;
}

/* The words of each family, by hand from its pattern. */
static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *pre, *text, *want;
    } rows[] = {
        {"qwen2", "don't a !!\n\nb 1234", "don|'t| a| !!\n\n|b| |1|2|3|4"},
        {"deepseek-r1-qwen", "don't a !!\n\nb", "don|'t| a| !!\n\n|b"},
        {"dbrx", "IT's 1234 x\n\n y", "IT|'s| |123|4| x|\n\n| y"},
        {"glm4", "a123456 b", "a|123|456| b"},
        {"deepseek-llm", "Hi there 12\n\nx = y;\t ", "Hi| there| |1|2|\n|\n|x| =| y|;|\t "},
        {"deepseek-llm",
         "a\xd5\xa1"
         "b\xe4\xb8\xad\xe6\x96\x87",
         "a|\xd5\xa1|b|\xe4\xb8\xad\xe6\x96\x87"},
        {"seed-coder", "don't a !!\n\nb 12", "don|'t| a| !!|\n\n|b| |1|2"},
        {"qwen2", "e\xcc\x81\x61", "e|\xcc\x81\x61"},
        {"qwen35", "e\xcc\x81\x61 !\xcc\x81", "e\xcc\x81\x61| !|\xcc\x81"},
        {"tekken", "HelloWorld helloWORLD 123 a/b", "Hello|World| hello|WORLD| |1|2|3| a|/b"},
        {"tekken", "x = y //\n", "x| =| y| //\n"},
        {"gpt-4o", "don't DON'T 1234", "don't| DON'T| |123|4"},
        {"llama4", "getURL2x", "get|URL|2|x"},
        {"deepseek-v3", "x=12345 .foo", "x|=|123|45| .|foo"},
        {"deepseek-v3", ".foo\xe4\xb8\xad\xe6\x96\x87", ".foo|\xe4\xb8\xad\xe6\x96\x87"},
        {"refact", "ab12 3", "ab|1|2| |3"},
        {"smollm", "ab12", "ab|1|2"},
        {"granite-docling", "ab12 3", "ab|12| 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tok_pre *p;
        bool ignored;
        rn_err err;
        rn_buf got = {0};
        assert_ok(tok_pre_new(rn_bytes_of(rows[i].pre), &p, &ignored, &ignored, &err), &err);
        tok_pre_work *w = tok_pre_work_new(p);
        assert_ok(tok_pre_split(p, w, rn_bytes_of(rows[i].text), add_word, &got, &err), &err);
        if (strcmp(got.data, rows[i].want) != 0)
            fail_msg("%s: '%s', want '%s'", rows[i].pre, got.data, rows[i].want);
        rn_buf_free(&got);
        tok_pre_work_free(w);
        tok_pre_free(p);
    }
}

/* What the pre-tokenizers cut differently; the vocabulary merges "hello" only within a word. */
static void test_pre_tokenizers(void **state)
{
    (void)state;
    static const struct {
        const char *pre, *text, *want;
    } rows[] = {
        {"gpt-2", "'hello", "39 259"},
        {"llama-bpe", "\xC4\xA0hello", "196 160 259"},
        {"qwen2", " hello", "260"},
        {"deepseek-coder", " hello", "260"},
        {"deepseek-coder", "\nhello", "10 259"},
        {"starcoder", "1hello", "49 259"},
        {"llama3", "hello", "259"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        opened o = open_bpe(rows[i].pre);
        assert_ids(o.t, rows[i].text, 0, rows[i].want);
        close_all(&o);
    }
}

static void test_end_tokens(void **state)
{
    (void)state;
    opened o = open_bpe("qwen2");
    assert_true(rn_tok_is_end(o.t, TINY_BPE_SPECIAL));      /* eos */
    assert_false(rn_tok_is_end(o.t, TINY_BPE_SPECIAL + 1)); /* <|im_start|> */
    assert_true(rn_tok_is_end(o.t, TINY_BPE_SPECIAL + 2));  /* <|im_end|> */
    assert_false(rn_tok_is_end(o.t, -1));
    assert_false(rn_tok_is_end(o.t, TINY_BPE_TOKENS));
    assert_true(rn_tok_is_control(o.t, TINY_BPE_SPECIAL + 1));
    assert_false(rn_tok_is_control(o.t, TINY_BPE_SPECIAL + 3));
    assert_int_equal(rn_tok_find(o.t, rn_bytes_of("<|im_end|>")), TINY_BPE_SPECIAL + 2);
    assert_int_equal(rn_tok_find(o.t, rn_bytes_of("\xC4\xA0hello")), 260);
    assert_int_equal(rn_tok_find(o.t, rn_bytes_of("absent")), -1);
    assert_int_equal(rn_tok_bytes(o.t, 260).len, 6);
    assert_int_equal(rn_tok_text(o.t, 260).len, 7);
    assert_int_equal(rn_tok_bytes(o.t, TINY_BPE_SPECIAL).len, 0);
    assert_int_equal(rn_tok_bytes(o.t, INT32_MAX).len, 0);
    assert_int_equal(rn_tok_text(o.t, INT32_MIN).len, 0);
    close_all(&o);
}

/* Control tokens only where the part allows them, and merging across the border of parts. */
static void test_parts(void **state)
{
    (void)state;
    opened o = open_bpe("gpt-2");
    rn_ids ids = {0};
    rn_err err;
    const rn_tok_part parts[] = {{rn_bytes_of("<|im_start|>he"), true},
                                 {rn_bytes_of("llo<|im_end|>"), false},
                                 {rn_bytes_of("<|im_"), true},
                                 {rn_bytes_of("end|>"), true}};
    assert_ok(rn_tok_encode_parts(o.t, parts, 4, 0, &ids, &err), &err);
    const int32_t want[] = {262, 259, 60, 124, 105, 109, 95, 101, 110, 100, 124, 62, 263};
    assert_int_equal(ids.n, sizeof want / sizeof want[0]);
    assert_memory_equal(ids.v, want, sizeof want);
    ids.n = 0;
    assert_ok(rn_tok_encode_parts(o.t, NULL, 0, 0, &ids, &err), &err);
    assert_int_equal(ids.n, 0);
    rn_ids_free(&ids);
    close_all(&o);
}

static int n_warnings;
static void count_warning(void *user, const char *msg)
{
    (void)user;
    assert_contains(msg, "BOS");
    n_warnings++;
}

static void test_second_bos_warns_once(void **state)
{
    (void)state;
    opened o = open_spm();
    rn_log_set(count_warning, NULL);
    n_warnings = 0;
    assert_true(rn_tok_adds_bos(o.t));
    assert_ids(o.t, "<s>hello", RN_TOK_BOS | RN_TOK_SPECIAL, "1 1 268");
    assert_ids(o.t, "<s>hello", RN_TOK_BOS | RN_TOK_SPECIAL, "1 1 268");
    assert_int_equal(n_warnings, 1);
    rn_log_set(NULL, NULL);
    close_all(&o);
}

/* ---- round trip ------------------------------------------------------------------------------ */

static void test_round_trip_random(void **state)
{
    (void)state;
    static const char *const names[] = {"",          "gpt-2",     "qwen2",
                                        "llama-bpe", "starcoder", "deepseek-coder"};
    static const char *const words[] = {
        "hello",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\xC2\xA0",
        "\xE2\x96\x81",
        "<user>",
        "<s>",
        "</s>",
        "<0x0A>",
        "<|im_end|>",
        "he",
        "1234",
        "'ll",
        "\xE4\xB8\xAD",
        "\xF0\x9F\x99\x82",
        "\xFF",
        "\xC3",
        "\xE2\x96",
        "\xED\xA0\x80",
        "_",
        "(",
    };
    rn_rng rng;
    rn_rng_init(&rng, 3, 0, 0);
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        opened o = *names[m] ? open_bpe(names[m]) : open_spm();
        for (int i = 0; i < 400; i++) {
            rn_buf text = {0};
            int n = (int)rn_rng_below(&rng, 40);
            for (int k = 0; k < n; k++)
                if (rn_rng_below(&rng, 4) == 0)
                    rn_buf_putc(&text, (char)rn_rng_below(&rng, 256));
                else
                    rn_buf_puts(&text, words[rn_rng_below(&rng, sizeof words / sizeof words[0])]);
            for (unsigned flags = 0; flags < 8; flags += 2) /* SPECIAL and CONTINUE */
                if (!(flags & RN_TOK_SPECIAL && flags & RN_TOK_CONTINUE))
                    assert_round_trip(o.t, rn_buf_view(&text), flags);
            rn_buf_free(&text);
        }
        close_all(&o);
    }
}

/* Every code point that is a character, and every single byte. */
static void test_round_trip_all_characters(void **state)
{
    (void)state;
    for (int m = 0; m < 2; m++) {
        opened o = m ? open_bpe("qwen2") : open_spm();
        rn_buf text = {0};
        for (uint32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 37) {
            if (c >= 0xD800 && c < 0xE000) continue;
            if (c < 0x80) {
                rn_buf_putc(&text, (char)c);
            } else if (c < 0x800) {
                rn_buf_printf(&text, "%c%c", (int)(0xC0 | c >> 6), (int)(0x80 | (c & 63)));
            } else if (c < 0x10000) {
                rn_buf_printf(&text, "%c%c%c", (int)(0xE0 | c >> 12), (int)(0x80 | (c >> 6 & 63)),
                              (int)(0x80 | (c & 63)));
            } else {
                rn_buf_printf(&text, "%c%c%c%c", (int)(0xF0 | c >> 18),
                              (int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
                              (int)(0x80 | (c & 63)));
            }
        }
        assert_true(rn_utf8_valid(rn_buf_view(&text), NULL));
        assert_round_trip(o.t, rn_buf_view(&text), 0);
        rn_buf_free(&text);
        for (int b = 0; b < 256; b++) {
            char byte = (char)b;
            assert_round_trip(o.t, (rn_bytes){&byte, 1}, 0);
        }
        close_all(&o);
    }
}

/* Long words use a heap, short ones do not: the tokens of a long one must not depend on that. The
 * word is "hello" over and over, in which no merge crosses the repeats. */
static void test_long_words(void **state)
{
    (void)state;
    opened spm = open_spm(), bpe = open_bpe("gpt-2");
    rn_buf text = {0};
    rn_ids ids = {0};
    rn_err err;
    enum { REPEATS = 40000 };
    for (int i = 0; i < REPEATS; i++)
        rn_buf_puts(&text, "hello");
    for (int m = 0; m < 2; m++) {
        ids.n = 0;
        assert_ok(rn_tok_encode(m ? bpe.t : spm.t, rn_buf_view(&text), RN_TOK_CONTINUE, &ids, &err),
                  &err);
        assert_int_equal(ids.n, REPEATS);
        for (size_t i = 0; i < ids.n; i++)
            assert_int_equal(ids.v[i], m ? 259 : 267);
    }
    /* One letter, one space, one newline, a megabyte each: linear, or the test never ends. */
    static const char letters[] = {'l', ' ', '\n', 'x', '\xFF'};
    for (size_t k = 0; k < sizeof letters; k++) {
        rn_buf_clear(&text);
        for (int i = 0; i < 1 << 20; i++)
            rn_buf_putc(&text, letters[k]);
        assert_round_trip(spm.t, rn_buf_view(&text), 0);
        assert_round_trip(bpe.t, rn_buf_view(&text), 0);
    }
    rn_buf_free(&text);
    rn_ids_free(&ids);
    close_all(&spm);
    close_all(&bpe);
}

/* ---- bad files ------------------------------------------------------------------------------- */

static void v_no_model(rn_gguf_writer *w)
{
    rn_gguf_put_u32(w, "some.key", 1);
}
static void v_model_type(rn_gguf_writer *w)
{
    rn_gguf_put_u32(w, "tokenizer.ggml.model", 1);
}
static void v_model(rn_gguf_writer *w)
{
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("bert"));
}
static void v_no_pre(rn_gguf_writer *w)
{
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("gpt2"));
}
static void v_pre_default(rn_gguf_writer *w)
{
    tiny_bpe(w, "default");
}
static void v_pre_smaug(rn_gguf_writer *w)
{
    tiny_bpe(w, "smaug-bpe");
}
static void v_pre_empty(rn_gguf_writer *w)
{
    tiny_bpe(w, "");
}
static void v_no_tokens(rn_gguf_writer *w)
{
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("llama"));
}

/* A SentencePiece vocabulary of `n` tokens "<unk>", "a", "b"... with the given tables. */
static void small(rn_gguf_writer *w, size_t n, size_t n_scores, size_t n_types)
{
    static const char *const texts[] = {"<unk>", "a", "b", "c"};
    rn_bytes tokens[4];
    for (size_t i = 0; i < 4; i++)
        tokens[i] = rn_bytes_of(texts[i]);
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("llama"));
    rn_gguf_put_strs(w, "tokenizer.ggml.tokens", tokens, n);
    rn_gguf_put_f32s(w, "tokenizer.ggml.scores", (float[]){0, 1, 2, 3}, n_scores);
    rn_gguf_put_i32s(w, "tokenizer.ggml.token_type", (int32_t[]){2, 1, 1, 1}, n_types);
}
static void v_empty(rn_gguf_writer *w)
{
    small(w, 0, 0, 0);
}
static void v_scores(rn_gguf_writer *w)
{
    small(w, 4, 3, 4);
}
static void v_types(rn_gguf_writer *w)
{
    small(w, 4, 4, 3);
}
static void v_no_bytes(rn_gguf_writer *w)
{
    small(w, 4, 4, 4);
}
static void v_bos(rn_gguf_writer *w)
{
    small(w, 4, 4, 4);
    rn_gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 4);
}
static void v_eos(rn_gguf_writer *w)
{
    small(w, 4, 4, 4);
    rn_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", UINT32_MAX);
}
static void odd_spm(rn_gguf_writer *w, int32_t type, float score)
{
    rn_bytes tokens[2] = {rn_bytes_of("<unk>"), rn_bytes_of("<0xZZ>")};
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("llama"));
    rn_gguf_put_strs(w, "tokenizer.ggml.tokens", tokens, 2);
    rn_gguf_put_f32s(w, "tokenizer.ggml.scores", (float[]){0, score}, 2);
    rn_gguf_put_i32s(w, "tokenizer.ggml.token_type", (int32_t[]){2, type}, 2);
    rn_gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0);
}
static void v_nan_score(rn_gguf_writer *w)
{
    odd_spm(w, 1, NAN);
}
static void v_type_range(rn_gguf_writer *w)
{
    odd_spm(w, 7, 0);
}
static void v_type_negative(rn_gguf_writer *w)
{
    odd_spm(w, -1, 0);
}
static void v_byte_text(rn_gguf_writer *w)
{
    odd_spm(w, 6, 0);
}

static void merges(rn_gguf_writer *w, const char *merge)
{
    static const char *const texts[] = {"a", "b", "ab", "<|x|>"};
    rn_bytes tokens[4], m = rn_bytes_of(merge);
    for (size_t i = 0; i < 4; i++)
        tokens[i] = rn_bytes_of(texts[i]);
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("gpt2"));
    rn_gguf_put_str(w, "tokenizer.ggml.pre", rn_bytes_of("gpt-2"));
    rn_gguf_put_strs(w, "tokenizer.ggml.tokens", tokens, 4);
    rn_gguf_put_strs(w, "tokenizer.ggml.merges", &m, 1);
}
static void v_merge_left(rn_gguf_writer *w)
{
    merges(w, "c b");
}
static void v_merge_result(rn_gguf_writer *w)
{
    merges(w, "b a");
}
static void v_merge_form(rn_gguf_writer *w)
{
    merges(w, "ab");
}
static void v_merge_empty(rn_gguf_writer *w)
{
    merges(w, "");
}
static void v_merge_half(rn_gguf_writer *w)
{
    merges(w, "a ");
}
static void v_merge_letters(rn_gguf_writer *w)
{
    merges(w, "\xE2\x96\x81 b");
}

/* Keys that change texts first, true; false or empty they say nothing. */
static void v_blanks(rn_gguf_writer *w)
{
    merges(w, "a b");
    rn_gguf_put_bool(w, "tokenizer.ggml.add_sep_token", false);
    rn_gguf_put_bool(w, "tokenizer.ggml.remove_extra_whitespaces", true);
}
static void v_lowercase(rn_gguf_writer *w)
{
    merges(w, "a b");
    rn_gguf_put_bool(w, "tokenizer.ggml.normalizer.lowercase", true);
}
static void v_charsmap(rn_gguf_writer *w)
{
    merges(w, "a b");
    rn_gguf_put_i32s(w, "tokenizer.ggml.precompiled_charsmap", (int32_t[]){1, 2}, 2);
}
/* A key that nobody knows; ids of tokens may be there. */
static void v_unknown_key(rn_gguf_writer *w)
{
    merges(w, "a b");
    rn_gguf_put_u32(w, "tokenizer.ggml.padding_token_id", 1);
    rn_gguf_put_bool(w, "tokenizer.ggml.normalizer.strip_marks", false);
    rn_gguf_put_i32s(w, "tokenizer.ggml.suppress_tokens", (int32_t[]){1, 2}, 2);
}
static void v_no_bos(rn_gguf_writer *w)
{
    merges(w, "a b");
    rn_gguf_put_bool(w, "tokenizer.ggml.add_bos_token", true);
}

static const struct {
    const char *name;
    void (*build)(rn_gguf_writer *w);
    int code;
    const char *message;
} bad_files[] = {
    {"unknown key", v_unknown_key, RN_EUNSUPPORTED,
     "know what tokenizer.ggml.suppress_tokens asks"},
    {"no bos", v_no_bos, RN_EFORMAT, "no tokenizer.ggml.bos_token_id says which"},
    {"extra blanks", v_blanks, RN_EUNSUPPORTED, "remove_extra_whitespaces changes texts"},
    {"lowercase", v_lowercase, RN_EUNSUPPORTED, "normalizer.lowercase changes texts"},
    {"charsmap", v_charsmap, RN_EUNSUPPORTED, "precompiled_charsmap changes texts"},
    {"no model", v_no_model, RN_ENOTFOUND, "'tokenizer.ggml.model' is missing"},
    {"model a number", v_model_type, RN_EFORMAT, "string is needed"},
    {"bert", v_model, RN_EUNSUPPORTED, "'bert' is not supported"},
    {"no pre-tokenizer", v_no_pre, RN_EUNSUPPORTED, "names no pre-tokenizer"},
    {"pre default", v_pre_default, RN_EUNSUPPORTED, "'default' is not supported"},
    {"pre smaug", v_pre_smaug, RN_EUNSUPPORTED, "'smaug-bpe' is not supported"},
    {"pre empty", v_pre_empty, RN_EUNSUPPORTED, "'' is not supported"},
    {"no tokens", v_no_tokens, RN_ENOTFOUND, "tokenizer.ggml.tokens"},
    {"empty vocabulary", v_empty, RN_EFORMAT, "vocabulary of 0 tokens"},
    {"scores", v_scores, RN_EFORMAT, "4 tokens, but 3 scores"},
    {"types", v_types, RN_EFORMAT, "4 tokens, but 3 token types"},
    {"no bytes", v_no_bytes, RN_EFORMAT, "neither a token <0x00> nor an unknown token"},
    {"bos", v_bos, RN_EFORMAT, "bos_token_id is 4, the vocabulary has 4 tokens"},
    {"eos", v_eos, RN_EFORMAT, "eos_token_id is 4294967295"},
    {"NaN score", v_nan_score, RN_EFORMAT, "token 1 has a score that is not a number"},
    {"type 7", v_type_range, RN_EFORMAT, "token 1 has an unknown type"},
    {"type -1", v_type_negative, RN_EFORMAT, "token 1 has an unknown type"},
    {"byte text", v_byte_text, RN_EFORMAT, "token 1 is a byte token"},
    {"merge of an unknown", v_merge_left, RN_EFORMAT, "merge 0 ('c b')"},
    {"merge to an unknown", v_merge_result, RN_EFORMAT, "merge 0 ('b a')"},
    {"merge of one", v_merge_form, RN_EFORMAT, "merge 0 ('ab')"},
    {"merge empty", v_merge_empty, RN_EFORMAT, "merge 0 ('')"},
    {"merge half", v_merge_half, RN_EFORMAT, "merge 0 ('a ')"},
    {"merge letters", v_merge_letters, RN_EFORMAT, "merge 0"},
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        rn_gguf_writer w = {0};
        opened o;
        rn_err err = {0};
        bad_files[i].build(&w);
        int rc = open_writer(&w, &o, &err);
        if (rc != bad_files[i].code || !strstr(err.msg, bad_files[i].message) ||
            !strstr(err.msg, "tiny.gguf"))
            fail_msg("%s: %s \"%s\", want %s \"%s\"", bad_files[i].name, rn_err_name(rc), err.msg,
                     rn_err_name(bad_files[i].code), bad_files[i].message);
        close_all(&o);
    }
}

/* A byte-level vocabulary without some bytes: the text is refused, naming byte and place. */
static void test_missing_byte(void **state)
{
    (void)state;
    rn_gguf_writer w = {0};
    opened o;
    rn_err err;
    merges(&w, "a b");
    assert_ok(open_writer(&w, &o, &err), &err);
    assert_ids(o.t, "abba", 0, "2 1 0");
    rn_ids ids = {0};
    rn_ids_add(&ids, 77);
    assert_int_equal(rn_tok_encode(o.t, rn_bytes_of("ab c"), 0, &ids, &err), RN_EUNSUPPORTED);
    assert_contains(err.msg, "byte 0x20 at offset 2");
    assert_int_equal(ids.n, 1);
    rn_ids_free(&ids);
    close_all(&o);
}

/* A SentencePiece file without token types: bytes are known by their spelling. */
static void test_no_types(void **state)
{
    (void)state;
    rn_gguf_writer w = {0};
    opened o;
    rn_err err;
    rn_bytes tokens[3] = {rn_bytes_of("<unk>"), rn_bytes_of("<0x41>"), rn_bytes_of("\xE2\x96\x81")};
    rn_gguf_put_str(&w, "tokenizer.ggml.model", rn_bytes_of("llama"));
    rn_gguf_put_strs(&w, "tokenizer.ggml.tokens", tokens, 3);
    rn_gguf_put_f32s(&w, "tokenizer.ggml.scores", (float[]){0, 0, 0}, 3);
    rn_gguf_put_u32(&w, "tokenizer.ggml.unknown_token_id", 0);
    rn_gguf_put_bool(&w, "tokenizer.ggml.add_space_prefix", false);
    assert_ok(open_writer(&w, &o, &err), &err);
    assert_false(rn_tok_adds_bos(o.t));
    assert_int_equal(rn_tok_bos(o.t), -1);
    assert_int_equal(rn_tok_eos(o.t), -1);
    assert_ids(o.t, "A B", 0, "1 2 0");
    close_all(&o);
}

/* Every byte of a tokenizer's file changed in some ways: an error, or one that works. */
static void test_one_byte_changed(void **state)
{
    (void)state;
    for (int m = 0; m < 2; m++) {
        rn_gguf_writer w = {0};
        rn_buf file = {0};
        rn_err err;
        if (m)
            tiny_bpe(&w, "qwen2");
        else
            tiny_spm(&w);
        assert_ok(rn_gguf_write(&w, &file, &err), &err);
        rn_gguf_writer_free(&w);
        for (size_t i = 4; i < file.len; i += 1 + i / 512) {
            rn_gguf *g = NULL;
            rn_tok *t = NULL;
            char old = file.data[i];
            file.data[i] = (char)(old ^ (1 << i % 8));
            if (rn_gguf_open_memory(file.data, file.len, "t", &g, &err) == 0 &&
                rn_tok_new(g, &t, &err) == 0) {
                rn_ids ids = {0};
                (void)rn_tok_encode(t, rn_bytes_of("hello \xFF<|im_end|>"), 3, &ids, &err);
                rn_ids_free(&ids);
            }
            rn_tok_free(t);
            rn_gguf_close(g);
            file.data[i] = old;
        }
        rn_buf_free(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spm),
        cmocka_unit_test(test_bpe),
        cmocka_unit_test(test_pre_tokenizers),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_end_tokens),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_second_bos_warns_once),
        cmocka_unit_test(test_round_trip_random),
        cmocka_unit_test(test_round_trip_all_characters),
        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_missing_byte),
        cmocka_unit_test(test_no_types),
        cmocka_unit_test(test_one_byte_changed),
    };
    return cmocka_run_group_tests_name("tok", tests, NULL, NULL);
}
