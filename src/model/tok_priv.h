/* tok_priv.h: what the files of the tokenizer share; nothing outside tok*.c includes it. */
#ifndef RN_MODEL_TOK_PRIV_H
#define RN_MODEL_TOK_PRIV_H

#include "base/arena.h"
#include "model/tok.h"

#include <stdatomic.h>

/* tokenizer.ggml.token_type */
enum {
    TOK_NORMAL = 1,
    TOK_UNKNOWN = 2,
    TOK_CONTROL = 3,
    TOK_USER = 4,
    TOK_UNUSED = 5,
    TOK_BYTE = 6
};

/* A hash that hostile tokens cannot be made to collide under: seeded once per table. */
static inline uint64_t tok_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

/* Bytes to token id; the bytes are pieces of the tokenizer, looked up by `bytes` of tok. */
typedef struct tok_text_map {
    int32_t *slots; /* id or -1; a power of two of them */
    size_t mask;
    uint64_t seed;
} tok_text_map;

/* Pair of adjacent token ids to its merge. */
typedef struct tok_pair {
    uint64_t key; /* left << 32 | right; UINT64_MAX if the slot is empty */
    uint32_t rank;
    int32_t id;
} tok_pair;
typedef struct tok_pair_map {
    tok_pair *slots;
    size_t mask;
    uint64_t seed;
} tok_pair_map;

/* Texts that become tokens before anything else, as a tree of bytes. Node 0 is the root. */
typedef struct tok_node {
    int32_t child, sibling; /* 0: none */
    int32_t id;             /* token that ends here, -1 if none */
    uint8_t byte;
    bool control;
} tok_node;

struct tok_pre; /* tok_pre.c */

struct rn_tok {
    rn_arena mem;
    bool spm; /* "llama"; else "gpt2" */
    bool add_bos, add_space_prefix, ignore_merges;
    bool space_leads; /* SentencePiece: no token has a space after anything but spaces */
    int32_t n_vocab, bos, eos, unknown;
    int32_t fim[3];        /* rn_tok_fim; -1: none */
    const rn_bytes *texts; /* [n_vocab] as the file spells them; borrowed from it */
    rn_bytes *bytes;       /* [n_vocab] what they stand for */
    uint8_t *types;        /* [n_vocab] */
    uint32_t *ranks;       /* [n_vocab] SentencePiece: lower merges first */
    uint64_t *ends;        /* bit set of tokens that end a generation */
    uint64_t *unused;      /* bit set of those that the file calls unused */
    int32_t byte_id[256];  /* -1 where the vocabulary lacks the byte */
    size_t max_piece;      /* bytes of the longest token that merging can make */
    tok_text_map by_bytes; /* tokens that merging can make */
    tok_text_map by_text;  /* all tokens, as spelled */
    tok_pair_map pairs;    /* byte-level */
    tok_node *nodes;       /* malloc */
    size_t n_nodes;
    int32_t first_child[256]; /* children of the root by byte, 0 if none */
    struct tok_pre *pre;
    atomic_flag warned_bos;
};

/* tok.c */
int32_t tok_lookup(const tok_text_map *map, const rn_bytes *strings, const char *data, size_t len);
static inline const tok_pair *tok_find_pair(const tok_pair_map *map, int32_t left, int32_t right)
{
    if (left < 0 || right < 0) return NULL;
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    for (size_t i = (size_t)tok_mix(key ^ map->seed) & map->mask;; i = (i + 1) & map->mask) {
        if (map->slots[i].key == key) return &map->slots[i];
        if (map->slots[i].key == UINT64_MAX) return NULL;
    }
}

/* ---- merging (tok_merge.c) ------------------------------------------------------------------- */

typedef struct tok_symbol {
    uint32_t start, len; /* bytes of the word; len 0: merged into another */
    int32_t id;          /* -1 if no token has this text */
    int32_t prev, next;  /* -1 at the ends */
} tok_symbol;

typedef struct tok_candidate {
    uint32_t rank;
    int32_t left, right;
    uint32_t len; /* of both together: tells whether the pair is still there */
    int32_t id;
} tok_candidate;

/* Scratch memory of one encoding; zero-initialised, freed by tok_work_free. */
typedef struct tok_work {
    tok_symbol *symbols;
    size_t cap_symbols;
    tok_candidate *heap;
    size_t cap_heap, n_heap;
} tok_work;
void tok_work_free(tok_work *w);

/* Appends the ids of one word (any bytes, at most INT32_MAX of them) to *out. `where` is its offset
 * in the text, for messages. */
int tok_merge_word(const rn_tok *t, rn_bytes word, size_t where, tok_work *w, rn_ids *out,
                   rn_err *err);

/* ---- pre-tokenizers (tok_pre.c) -------------------------------------------------------------- */

/* Finds and compiles the patterns called `name`; sets *ignore_merges and *add_bos to what the
 * family does by default. */
int tok_pre_new(rn_bytes name, struct tok_pre **out, bool *ignore_merges, bool *add_bos,
                rn_err *err);
void tok_pre_free(struct tok_pre *p);
const char *tok_pre_name(const struct tok_pre *p);

/* Scratch of one encoding with the patterns. */
typedef struct tok_pre_work tok_pre_work;
tok_pre_work *tok_pre_work_new(const struct tok_pre *p); /* NULL when memory is out */
void tok_pre_work_free(tok_pre_work *w);

/* Calls word() for each word of `text`, valid UTF-8, in order; stops at the first that is not 0. */
typedef int tok_word_fn(void *user, rn_bytes word);
int tok_pre_split(const struct tok_pre *p, tok_pre_work *w, rn_bytes text, tok_word_fn *word,
                  void *user, rn_err *err);

#endif
