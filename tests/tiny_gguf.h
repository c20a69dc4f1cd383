/*
 * tiny_gguf.h: small GGUF files in memory for unit tests and fuzz targets: a SentencePiece and a
 * byte-level vocabulary of the 256 bytes, the letters of "hello" and their merges.
 */
#ifndef RN_TINY_GGUF_H
#define RN_TINY_GGUF_H

#include "gguf/write.h"

#include <stdio.h>

enum {
    TINY_SPM_WORDS = 259,                   /* id of the first token that is no byte */
    TINY_BPE_MERGED = 256,                  /* id of the first merged token */
    TINY_BPE_SPECIAL = TINY_BPE_MERGED + 5, /* <|endoftext|> <|im_start|> <|im_end|> <|user|> */
    TINY_BPE_TOKENS = TINY_BPE_SPECIAL + 4
};

/* <unk> <s> </s>, bytes, then: _ e h l o he ll hell hello _hello __ <user>, the last user defined.
 */
static inline void tiny_spm(rn_gguf_writer *w)
{
    static const char *const words[] = {"\xE2\x96\x81",
                                        "e",
                                        "h",
                                        "l",
                                        "o",
                                        "he",
                                        "ll",
                                        "hell",
                                        "hello",
                                        "\xE2\x96\x81hello",
                                        "\xE2\x96\x81\xE2\x96\x81",
                                        "<user>"};
    enum { N_WORDS = sizeof words / sizeof words[0], N = TINY_SPM_WORDS + N_WORDS };
    static const char *const first[] = {"<unk>", "<s>", "</s>"};
    rn_bytes tokens[N];
    float scores[N] = {0};
    int32_t types[N] = {2, 3, 3};
    char bytes[256][8];
    for (int i = 0; i < 3; i++)
        tokens[i] = rn_bytes_of(first[i]);
    for (int b = 0; b < 256; b++) {
        snprintf(bytes[b], sizeof bytes[b], "<0x%02X>", (unsigned)b);
        tokens[3 + b] = rn_bytes_of(bytes[b]);
        types[3 + b] = 6;
    }
    for (int i = 0; i < N_WORDS; i++) {
        tokens[TINY_SPM_WORDS + i] = rn_bytes_of(words[i]);
        types[TINY_SPM_WORDS + i] = i == N_WORDS - 1 ? 4 : 1;
        scores[TINY_SPM_WORDS + i] = -(float)i;
    }
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("llama"));
    rn_gguf_put_strs(w, "tokenizer.ggml.tokens", tokens, N);
    rn_gguf_put_f32s(w, "tokenizer.ggml.scores", scores, N);
    rn_gguf_put_i32s(w, "tokenizer.ggml.token_type", types, N);
    rn_gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1);
    rn_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 2);
    rn_gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0);
}

/* The spelling of a byte in byte-level vocabularies, NUL-terminated. */
static inline void tiny_letter(int b, char out[4])
{
    int c = b, skipped = 0; /* bytes below b that are not spelled as themselves */
    for (int i = 0; i <= b; i++) {
        bool same = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174;
        if (i == b && !same) c = 256 + skipped;
        skipped += !same;
    }
    if (c < 128)
        snprintf(out, 4, "%c", c);
    else
        snprintf(out, 4, "%c%c", 0xC0 | c >> 6, 0x80 | (c & 63));
}

/* Bytes in order, "he" "ll" "hell" "hello" " hello", the special tokens; the last is user defined.
 */
static inline void tiny_bpe(rn_gguf_writer *w, const char *pre)
{
    static const char *const merges[] = {"h e", "l l", "he ll", "hell o", "\xC4\xA0 hello"};
    static const char *const merged[] = {"he", "ll", "hell", "hello", "\xC4\xA0hello"};
    static const char *const special[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>",
                                          "<|user|>"};
    rn_bytes tokens[TINY_BPE_TOKENS], m[5];
    int32_t types[TINY_BPE_TOKENS];
    char letters[256][4];
    for (int b = 0; b < 256; b++) {
        tiny_letter(b, letters[b]);
        tokens[b] = rn_bytes_of(letters[b]);
    }
    for (int i = 0; i < 5; i++) {
        m[i] = rn_bytes_of(merges[i]);
        tokens[TINY_BPE_MERGED + i] = rn_bytes_of(merged[i]);
    }
    for (int i = 0; i < 4; i++)
        tokens[TINY_BPE_SPECIAL + i] = rn_bytes_of(special[i]);
    for (int i = 0; i < TINY_BPE_TOKENS; i++)
        types[i] = i < TINY_BPE_SPECIAL ? 1 : i == TINY_BPE_TOKENS - 1 ? 4 : 3;
    rn_gguf_put_str(w, "tokenizer.ggml.model", rn_bytes_of("gpt2"));
    rn_gguf_put_str(w, "tokenizer.ggml.pre", rn_bytes_of(pre));
    rn_gguf_put_strs(w, "tokenizer.ggml.tokens", tokens, TINY_BPE_TOKENS);
    rn_gguf_put_i32s(w, "tokenizer.ggml.token_type", types, TINY_BPE_TOKENS);
    rn_gguf_put_strs(w, "tokenizer.ggml.merges", m, 5);
    rn_gguf_put_u32(w, "tokenizer.ggml.bos_token_id", TINY_BPE_SPECIAL);
    rn_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", TINY_BPE_SPECIAL);
}

#endif
