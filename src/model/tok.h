/*
 * tok.h: tokenizers of GGUF models: bytes to token ids and back.
 *
 * Two algorithms, both byte-pair merging of adjacent symbols, best pair first, leftmost on ties:
 *  - "llama" (SentencePiece): symbols are characters, a pair may merge if its text is a token, best
 *    means the highest score; a space is written U+2581, one is put before the text where the file
 *    says so (add_space_prefix); characters without a token become byte tokens;
 *  - "gpt2" (byte-level): a pattern cuts the text into words (tok_pre.c), symbols are bytes, pairs
 *    and their order come from the list of merges.
 *
 * Exact round trip: the bytes of the ids give back every byte that was encoded, valid UTF-8 or not
 * (tests/tok_decode.h). For that, a U+2581 in SentencePiece input is written as byte tokens, and in
 * byte-level vocabularies bytes outside valid UTF-8 are words of their own; a byte that the
 * vocabulary has no token for (a few that never occur in UTF-8) is an error. "user defined" tokens
 * are matched in every text; control tokens only on request.
 *
 * A rn_tok is immutable: any number of threads may use one at a time.
 */
#ifndef RN_MODEL_TOK_H
#define RN_MODEL_TOK_H

#include "base/buf.h"
#include "gguf/gguf.h"

typedef struct rn_tok rn_tok;

/* Reads tokenizer.ggml.* of a file, which must stay open as long as the tokenizer is used.
 * RN_EUNSUPPORTED for a model or pre-tokenizer that is not known, RN_ENOTFOUND and RN_EFORMAT for
 * missing and damaged tables. */
int rn_tok_new(const rn_gguf *g, rn_tok **out, rn_err *err); /* rn_tok_free */
void rn_tok_free(rn_tok *t);                                 /* NULL accepted */

int32_t rn_tok_n_vocab(const rn_tok *t);
const char *rn_tok_model(const rn_tok *t); /* "llama" or "gpt2"; static */
const char *rn_tok_pre(const rn_tok *t);   /* pre-tokenizer, e.g. "qwen2"; "" for SentencePiece */
int32_t rn_tok_bos(const rn_tok *t);       /* -1 if the vocabulary has none */
int32_t rn_tok_eos(const rn_tok *t);       /* -1 if none */
bool rn_tok_adds_bos(const rn_tok *t);     /* the file asks for BOS before a text */
/* The tokens around a gap that is to be filled: before the text in front of it, at the gap, behind
 * the text that follows it. Named by the file, else known by their texts. False: there are none. */
bool rn_tok_fim(const rn_tok *t, int32_t ids[3]);
/* True if the token ends a generation: EOS, end of turn, end of text, and what models use as such.
 */
bool rn_tok_is_end(const rn_tok *t, int32_t id);
/* True for tokens that stand for no text: control, unknown. */
bool rn_tok_is_control(const rn_tok *t, int32_t id);
/* True for ids that stand for no token: beyond the vocabulary, or of the type "unused". */
bool rn_tok_is_unused(const rn_tok *t, int32_t id);
/* The id of the token whose text is exactly `text` as the file spells it; -1 if none. */
int32_t rn_tok_find(const rn_tok *t, rn_bytes text);

/* Token ids; owns its memory. */
typedef struct rn_ids {
    int32_t *v;
    size_t n, cap;
} rn_ids;
void rn_ids_free(rn_ids *ids);           /* NULL accepted; *ids is empty and usable afterwards */
int rn_ids_add(rn_ids *ids, int32_t id); /* 0 or RN_ENOMEM */

enum {
    RN_TOK_BOS = 1,      /* BOS first if the file asks for it; warns once if the text has one too */
    RN_TOK_SPECIAL = 2,  /* texts of control tokens become these tokens */
    RN_TOK_CONTINUE = 4, /* the text continues another one: no space is put before it */
};

/* Appends the ids of `text` (any bytes) to *out. On failure *out holds what it held before. */
int rn_tok_encode(const rn_tok *t, rn_bytes text, unsigned flags, rn_ids *out, rn_err *err);

/* As rn_tok_encode of the parts put together, where control tokens are matched only in parts that
 * allow it: a chat template may, the user's text in it must not. RN_TOK_SPECIAL is ignored. */
typedef struct rn_tok_part {
    rn_bytes text;
    bool special;
} rn_tok_part;
int rn_tok_encode_parts(const rn_tok *t, const rn_tok_part *parts, size_t n_parts, unsigned flags,
                        rn_ids *out, rn_err *err);

/* The bytes a token stands for, possibly part of a character; empty for control tokens and ids out
 * of range. Appending those of a sequence decodes it. Borrowed until rn_tok_free. */
rn_bytes rn_tok_bytes(const rn_tok *t, int32_t id);
/* The token's text as the file spells it, e.g. "<0x0A>", "\u2581the", "<|im_end|>"; empty for ids
 * out of range. Borrowed until the file is closed. */
rn_bytes rn_tok_text(const rn_tok *t, int32_t id);

#endif
