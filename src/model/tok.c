/*
 * tok.c: loading a tokenizer from a GGUF file, and what does not depend on the algorithm. See
 * tok.h.
 *
 * Inside, all matching is on the bytes that tokens stand for: U+2581 in SentencePiece tokens is
 * turned into the space it means, the letters of byte-level tokens into their bytes, once, here.
 */
#include "base/log.h"
#include "model/tok_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    MAX_VOCAB = 1 << 24,
    MAX_TOKEN_BYTES = 1 << 16,
    MAX_NODES = 1 << 23, /* of the tree of special tokens: 128 MiB */
};

#define LOWER_ONE "\xE2\x96\x81" /* U+2581, a space in SentencePiece's spelling */

/* Tokens that end a text or a turn, by their spelling in the models this library reads; the ids
 * that the file names (eos, eot, eom) are added to these. Repository and padding marks of
 * fill-in-the-middle models mean that the file is over, too. */
static const char *const end_texts[] = {
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|EOT|>",
    "<EOT>",
    LOWER_ONE "<EOT>",
    "<|fim_pad|>",
    "<fim_pad>",
    "<|repo_name|>",
    "<repo_name>",
    "<|file_sep|>",
    "<file_sep>",
    "<｜end▁of▁sentence｜>",
};

/* ---- token ids ------------------------------------------------------------------------------- */

void rn_ids_free(rn_ids *ids)
{
    if (!ids) return;
    free(ids->v);
    *ids = (rn_ids){0};
}

int rn_ids_add(rn_ids *ids, int32_t id)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? 2 * ids->cap : 64;
        int32_t *v = realloc(ids->v, cap * sizeof *v);
        if (!v) return RN_ENOMEM;
        ids->v = v;
        ids->cap = cap;
    }
    ids->v[ids->n++] = id;
    return 0;
}

/* ---- maps ------------------------------------------------------------------------------------ */

static uint64_t new_seed(const void *fallback)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed) return seed;
    return tok_mix((uint64_t)(uintptr_t)fallback);
}

static uint64_t hash_bytes(uint64_t seed, const char *data, size_t len)
{
    uint64_t h = seed ^ len * 0x9E3779B97F4A7C15u, word = 0;
    for (; len >= 8; data += 8, len -= 8) {
        memcpy(&word, data, 8);
        h = tok_mix(h ^ word);
    }
    word = 0;
    memcpy(&word, data, len);
    return tok_mix(h ^ word);
}

int32_t tok_lookup(const tok_text_map *map, const rn_bytes *strings, const char *data, size_t len)
{
    for (size_t i = (size_t)hash_bytes(map->seed, data, len) & map->mask;;
         i = (i + 1) & map->mask) {
        int32_t id = map->slots[i];
        if (id < 0) return -1;
        if (strings[id].len == len && memcmp(strings[id].data, data, len) == 0) return id;
    }
}

static size_t slots_for(size_t n)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    return slots;
}

static bool text_map_init(rn_arena *mem, tok_text_map *map, size_t n)
{
    size_t slots = slots_for(n);
    map->slots = rn_arena_array(mem, slots, sizeof *map->slots);
    if (!map->slots) return false;
    memset(map->slots, 0xFF, slots * sizeof *map->slots);
    map->mask = slots - 1;
    map->seed = new_seed(map->slots);
    return true;
}

/* The later of two equal strings wins, as in other readers of GGUF. */
static void text_map_put(tok_text_map *map, const rn_bytes *strings, int32_t id)
{
    rn_bytes s = strings[id];
    size_t i = (size_t)hash_bytes(map->seed, s.data, s.len) & map->mask;
    for (; map->slots[i] >= 0; i = (i + 1) & map->mask)
        if (rn_bytes_equal(strings[map->slots[i]], s)) break;
    map->slots[i] = id;
}

/* ---- what tokens stand for ------------------------------------------------------------------- */

/* The byte-level alphabet: printable bytes of Latin-1 stand for themselves, the others, in order,
 * for U+0100 and up. byte_of[c] is the byte of character c < 324, -1 if it is none. */
enum { ALPHABET = 324 };

static void make_alphabet(int16_t byte_of[ALPHABET])
{
    memset(byte_of, 0xFF, ALPHABET * sizeof *byte_of);
    int next = 256;
    for (int b = 0; b < 256; b++) {
        bool same = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        byte_of[same ? b : next++] = (int16_t)b;
    }
}

/* Bytes of a byte-level spelling into out (at least text.len bytes); false if it is none. */
static bool letters_to_bytes(const int16_t byte_of[ALPHABET], rn_bytes text, char *out, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; n++) {
        unsigned c = (unsigned char)text.data[i++];
        if (c >= 0x80) { /* the alphabet ends below U+0800: two bytes */
            if ((c & 0xE0) != 0xC0 || i == text.len) return false;
            c = (c & 0x1F) << 6 | ((unsigned char)text.data[i++] & 0x3F);
        }
        if (c >= ALPHABET || byte_of[c] < 0) return false;
        out[n] = (char)byte_of[c];
    }
    *len = n;
    return true;
}

/* A copy of text with U+2581 replaced by a space; text itself where there is none. */
static bool spaces_of(rn_arena *mem, rn_bytes text, rn_bytes *out)
{
    rn_bytes mark = rn_bytes_of(LOWER_ONE);
    size_t at = rn_bytes_find(text, mark, 0);
    *out = text;
    if (at == SIZE_MAX) return true;
    char *copy = rn_arena_alloc(mem, text.len);
    if (!copy) return false;
    size_t n = 0;
    for (size_t i = 0; i < text.len;) {
        bool space = text.len - i >= mark.len && memcmp(text.data + i, mark.data, mark.len) == 0;
        copy[n++] = space ? ' ' : text.data[i];
        i += space ? mark.len : 1;
    }
    *out = (rn_bytes){.data = copy, .len = n};
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of "<0x0A>"; -1 if the text is not of this form. */
static int byte_of_text(rn_bytes text)
{
    if (text.len != 6 || memcmp(text.data, "<0x", 3) != 0 || text.data[5] != '>') return -1;
    int high = hex_digit(text.data[3]), low = hex_digit(text.data[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Single bytes to borrow. */
static rn_bytes one_byte(int b)
{
    static const char all[256] = {
#define ROW(h) h, h + 1, h + 2, h + 3, h + 4, h + 5, h + 6, h + 7
#define ROWS(h) \
    ROW(h), ROW(h + 8), ROW(h + 16), ROW(h + 24), ROW(h + 32), ROW(h + 40), ROW(h + 48), ROW(h + 56)
        ROWS(0),
        ROWS(64),
        ROWS(-128),
        ROWS(-64),
#undef ROWS
#undef ROW
    };
    return (rn_bytes){.data = &all[b], .len = 1};
}

/* ---- loading --------------------------------------------------------------------------------- */

typedef struct loader {
    rn_tok *t;
    const rn_gguf *g;
    int16_t byte_of[ALPHABET];
    rn_err *err;
} loader;

static int no_memory(loader *l)
{
    return rn_fail(l->err, RN_ENOMEM, "%s: out of memory for the tokenizer", rn_gguf_path(l->g));
}

static int bad_token(loader *l, int32_t id, const char *why)
{
    return rn_fail(l->err, RN_EFORMAT, "%s: token %d %s; the file is damaged", rn_gguf_path(l->g),
                   id, why);
}

static int load_model(loader *l)
{
    rn_bytes model = {0};
    int rc = rn_gguf_str(l->g, "tokenizer.ggml.model", &model, l->err);
    if (rc) return rc;
    l->t->spm = rn_bytes_equal(model, rn_bytes_of("llama"));
    if (l->t->spm || rn_bytes_equal(model, rn_bytes_of("gpt2"))) return 0;
    return rn_fail(l->err, RN_EUNSUPPORTED,
                   "%s: the tokenizer model '%.*s' is not supported; 'llama' (SentencePiece) and "
                   "'gpt2' (byte-level) are",
                   rn_gguf_path(l->g), model.len < 64 ? (int)model.len : 64, model.data);
}

static int load_texts(loader *l)
{
    const rn_gguf_kv *tokens = NULL, *types = NULL;
    int rc = rn_gguf_array(l->g, "tokenizer.ggml.tokens", RN_G_STR, &tokens, l->err);
    if (!rc) rc = rn_gguf_array_opt(l->g, "tokenizer.ggml.token_type", RN_G_I32, &types, l->err);
    if (rc) return rc;
    if (tokens->n == 0 || tokens->n > MAX_VOCAB)
        return rn_fail(l->err, RN_EFORMAT, "%s: a vocabulary of %llu tokens; 1 to %d are possible",
                       rn_gguf_path(l->g), (unsigned long long)tokens->n, MAX_VOCAB);
    if (types && types->n != tokens->n)
        return rn_fail(l->err, RN_EFORMAT, "%s: %llu tokens, but %llu token types",
                       rn_gguf_path(l->g), (unsigned long long)tokens->n,
                       (unsigned long long)types->n);
    rn_tok *t = l->t;
    t->n_vocab = (int32_t)tokens->n;
    t->texts = tokens->strs;
    t->types = rn_arena_array(&t->mem, (size_t)t->n_vocab, 1);
    t->bytes = rn_arena_array(&t->mem, (size_t)t->n_vocab, sizeof *t->bytes);
    t->ends = rn_arena_array(&t->mem, (size_t)t->n_vocab / 64 + 1, sizeof *t->ends);
    t->unused = rn_arena_array(&t->mem, (size_t)t->n_vocab / 64 + 1, sizeof *t->unused);
    if (!t->types || !t->bytes || !t->ends || !t->unused ||
        !text_map_init(&t->mem, &t->by_text, tokens->n))
        return no_memory(l);
    for (int32_t id = 0; id < t->n_vocab; id++) {
        if (t->texts[id].len > MAX_TOKEN_BYTES)
            return bad_token(l, id, "is longer than 65536 bytes");
        int64_t type = types ? rn_gguf_int_at(types, (uint64_t)id) : TOK_NORMAL;
        if (!types && t->spm && byte_of_text(t->texts[id]) >= 0) type = TOK_BYTE;
        if (type < TOK_NORMAL || type > TOK_BYTE) return bad_token(l, id, "has an unknown type");
        t->types[id] = (uint8_t)type;
        if (type == TOK_UNUSED) t->unused[id / 64] |= (uint64_t)1 << (id % 64);
        text_map_put(&t->by_text, t->texts, id);
    }
    return 0;
}

/* A token id of the metadata; *out stays when the key is absent. */
static int load_id(loader *l, const char *key, int32_t *out)
{
    uint32_t v = 0;
    if (!rn_gguf_find(l->g, key)) return 0;
    int rc = rn_gguf_u32(l->g, key, &v, l->err);
    if (rc) return rc;
    if (v >= (uint32_t)l->t->n_vocab)
        return rn_fail(l->err, RN_EFORMAT, "%s: %s is %u, the vocabulary has %d tokens",
                       rn_gguf_path(l->g), key, v, l->t->n_vocab);
    *out = (int32_t)v;
    return 0;
}

static void mark_end(rn_tok *t, int32_t id)
{
    if (id >= 0) t->ends[id / 64] |= (uint64_t)1 << (id % 64);
}

/* By the file's keys, of today or of earlier converters; else all three by the texts of a family.
 */
static int load_fim(loader *l)
{
    static const char *const keys[3][2] = {
        {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"},
        {"tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id"},
        {"tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id"}};
    static const char *const texts[][3] = {
        {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
        {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
        {"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},
        {"<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"},
        {"\xE2\x96\x81<PRE>", "\xE2\x96\x81<SUF>", "\xE2\x96\x81<MID>"},
        {"<\xEF\xBD\x9C"
         "fim\xE2\x96\x81"
         "begin\xEF\xBD\x9C>",
         "<\xEF\xBD\x9C"
         "fim\xE2\x96\x81hole\xEF\xBD\x9C>",
         "<\xEF\xBD\x9C"
         "fim\xE2\x96\x81"
         "end\xEF\xBD\x9C>"}};
    int32_t *id = l->t->fim;
    int rc = 0;
    id[0] = id[1] = id[2] = -1;
    for (int i = 0; i < 3 && !rc; i++) {
        rc = load_id(l, keys[i][0], &id[i]);
        if (!rc && id[i] < 0) rc = load_id(l, keys[i][1], &id[i]);
    }
    for (size_t k = 0; k < sizeof texts / sizeof texts[0] && !rc; k++) {
        if (id[0] >= 0 && id[1] >= 0 && id[2] >= 0) break;
        for (int i = 0; i < 3; i++)
            id[i] = rn_tok_find(l->t, rn_bytes_of(texts[k][i]));
    }
    return rc;
}

static int load_special_ids(loader *l)
{
    rn_tok *t = l->t;
    int32_t eot = -1, eom = -1;
    t->bos = t->eos = t->unknown = -1;
    int rc = load_id(l, "tokenizer.ggml.bos_token_id", &t->bos);
    if (!rc) rc = load_id(l, "tokenizer.ggml.eos_token_id", &t->eos);
    if (!rc) rc = load_id(l, "tokenizer.ggml.eot_token_id", &eot);
    if (!rc) rc = load_id(l, "tokenizer.ggml.eom_token_id", &eom);
    if (!rc) rc = load_id(l, "tokenizer.ggml.unknown_token_id", &t->unknown);
    if (!rc) rc = rn_gguf_bool_opt(l->g, "tokenizer.ggml.add_bos_token", &t->add_bos, l->err);
    if (!rc)
        rc =
            rn_gguf_bool_opt(l->g, "tokenizer.ggml.add_space_prefix", &t->add_space_prefix, l->err);
    if (!rc) rc = load_fim(l);
    if (rc) return rc;
    bool wants = false; /* said, not assumed */
    rc = rn_gguf_bool_opt(l->g, "tokenizer.ggml.add_bos_token", &wants, l->err);
    if (!rc && wants && t->bos < 0)
        rc = rn_fail(l->err, RN_EFORMAT,
                     "%s: tokenizer.ggml.add_bos_token asks for a token before each text, and no "
                     "tokenizer.ggml.bos_token_id says which; the file is damaged",
                     rn_gguf_path(l->g));
    if (rc) return rc;
    if (t->bos < 0) t->add_bos = false;
    mark_end(t, t->eos);
    mark_end(t, eot);
    mark_end(t, eom);
    for (size_t i = 0; i < sizeof end_texts / sizeof end_texts[0]; i++)
        mark_end(t, rn_tok_find(t, rn_bytes_of(end_texts[i])));
    /* Where the file has no types, these at least are no text. */
    if (!rn_gguf_find(l->g, "tokenizer.ggml.token_type")) {
        if (t->bos >= 0) t->types[t->bos] = TOK_CONTROL;
        if (t->eos >= 0) t->types[t->eos] = TOK_CONTROL;
    }
    return 0;
}

/* t->bytes[id] and, for bytes, t->byte_id. */
static int load_bytes(loader *l, int32_t id)
{
    rn_tok *t = l->t;
    rn_bytes text = t->texts[id];
    uint8_t type = t->types[id];
    if (type == TOK_CONTROL || type == TOK_UNKNOWN) return 0;
    if (type == TOK_BYTE) {
        int b = byte_of_text(text);
        if (b < 0) return bad_token(l, id, "is a byte token, but not of the form <0x0A>");
        t->bytes[id] = one_byte(b);
        t->byte_id[b] = id;
        return 0;
    }
    if (t->spm) return spaces_of(&t->mem, text, &t->bytes[id]) ? 0 : no_memory(l);
    t->bytes[id] = text;
    if (type == TOK_USER || text.len == 0) return 0;
    char *copy = rn_arena_alloc(&t->mem, text.len);
    size_t len = 0;
    if (!copy) return no_memory(l);
    if (!letters_to_bytes(l->byte_of, text, copy, &len)) {
        t->types[id] = TOK_UNUSED; /* a text outside the alphabet: merging cannot make it */
        return 0;
    }
    t->bytes[id] = (rn_bytes){.data = copy, .len = len};
    if (type == TOK_NORMAL && len == 1) t->byte_id[(uint8_t)copy[0]] = id;
    return 0;
}

static int load_pieces(loader *l)
{
    rn_tok *t = l->t;
    make_alphabet(l->byte_of);
    memset(t->byte_id, 0xFF, sizeof t->byte_id);
    if (!text_map_init(&t->mem, &t->by_bytes, (size_t)t->n_vocab)) return no_memory(l);
    t->space_leads = true;
    for (int32_t id = 0; id < t->n_vocab; id++) {
        int rc = load_bytes(l, id);
        if (rc) return rc;
        /* A SentencePiece token with a plain space in its spelling cannot be made: spaces are
         * U+2581. */
        bool plain_space = t->spm && rn_bytes_find(t->texts[id], rn_bytes_of(" "), 0) != SIZE_MAX;
        rn_bytes b = t->bytes[id];
        if (t->types[id] != TOK_NORMAL || b.len == 0 || plain_space) continue;
        text_map_put(&t->by_bytes, t->bytes, id);
        if (b.len > t->max_piece) t->max_piece = b.len;
        for (size_t i = 1; i < b.len; i++)
            if (b.data[i] == ' ' && b.data[i - 1] != ' ') t->space_leads = false;
    }
    return 0;
}

/* A number that is smaller for a larger score. */
static uint32_t rank_of_score(float score)
{
    uint32_t u;
    score += 0.0f; /* -0 becomes 0 */
    memcpy(&u, &score, sizeof u);
    u = u & 0x80000000u ? ~u : u | 0x80000000u;
    return ~u;
}

static int load_scores(loader *l)
{
    rn_tok *t = l->t;
    const rn_gguf_kv *scores = NULL;
    int rc = rn_gguf_array(l->g, "tokenizer.ggml.scores", RN_G_F32, &scores, l->err);
    if (rc) return rc;
    if (scores->n != (uint64_t)t->n_vocab)
        return rn_fail(l->err, RN_EFORMAT, "%s: %d tokens, but %llu scores", rn_gguf_path(l->g),
                       t->n_vocab, (unsigned long long)scores->n);
    t->ranks = rn_arena_array(&t->mem, (size_t)t->n_vocab, sizeof *t->ranks);
    if (!t->ranks) return no_memory(l);
    for (int32_t id = 0; id < t->n_vocab; id++) {
        float score = (float)rn_gguf_real_at(scores, (uint64_t)id);
        if (isnan(score)) return bad_token(l, id, "has a score that is not a number");
        t->ranks[id] = rank_of_score(score);
    }
    bool has_bytes = t->unknown >= 0;
    for (int b = 0; b < 256 && !has_bytes; b++)
        if (t->byte_id[b] < 0)
            return rn_fail(l->err, RN_EFORMAT,
                           "%s: the vocabulary has neither a token <0x%02X> nor an unknown token",
                           rn_gguf_path(l->g), (unsigned)b);
    return 0;
}

static void put_pair(tok_pair_map *map, int32_t left, int32_t right, uint32_t rank, int32_t id)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t i = (size_t)tok_mix(key ^ map->seed) & map->mask;
    while (map->slots[i].key != UINT64_MAX && map->slots[i].key != key)
        i = (i + 1) & map->mask;
    if (map->slots[i].key == UINT64_MAX) /* of two equal merges the first counts */
        map->slots[i] = (tok_pair){.key = key, .rank = rank, .id = id};
}

/* "LEFT RIGHT" in the byte-level alphabet; buf has room for the whole. */
static bool parse_merge(loader *l, rn_bytes merge, char *buf, int32_t ids[3])
{
    const rn_tok *t = l->t;
    size_t space = merge.len > 1 ? rn_bytes_find(merge, rn_bytes_of(" "), 1) : SIZE_MAX;
    if (space == SIZE_MAX) return false;
    rn_bytes left = {.data = merge.data, .len = space};
    rn_bytes right = {.data = merge.data + space + 1, .len = merge.len - space - 1};
    size_t n_left = 0, n_right = 0;
    if (!letters_to_bytes(l->byte_of, left, buf, &n_left) ||
        !letters_to_bytes(l->byte_of, right, buf + n_left, &n_right))
        return false;
    ids[0] = tok_lookup(&t->by_bytes, t->bytes, buf, n_left);
    ids[1] = tok_lookup(&t->by_bytes, t->bytes, buf + n_left, n_right);
    ids[2] = tok_lookup(&t->by_bytes, t->bytes, buf, n_left + n_right);
    return ids[0] >= 0 && ids[1] >= 0 && ids[2] >= 0;
}

static int load_merges(loader *l)
{
    rn_tok *t = l->t;
    const rn_gguf_kv *merges = NULL;
    int rc = rn_gguf_array(l->g, "tokenizer.ggml.merges", RN_G_STR, &merges, l->err);
    if (rc) return rc;
    if (merges->n > MAX_VOCAB)
        return rn_fail(l->err, RN_EFORMAT, "%s: %llu merges are more than a vocabulary can have",
                       rn_gguf_path(l->g), (unsigned long long)merges->n);
    size_t slots = slots_for((size_t)merges->n);
    char *buf = malloc(2 * MAX_TOKEN_BYTES);
    t->pairs.slots = rn_arena_array(&t->mem, slots, sizeof *t->pairs.slots);
    if (!buf || !t->pairs.slots) {
        free(buf);
        return no_memory(l);
    }
    memset(t->pairs.slots, 0xFF, slots * sizeof *t->pairs.slots);
    t->pairs.mask = slots - 1;
    t->pairs.seed = new_seed(buf);
    for (uint64_t i = 0; i < merges->n && !rc; i++) {
        rn_bytes m = merges->strs[i];
        int32_t ids[3];
        if (m.len > 2 * MAX_TOKEN_BYTES || !parse_merge(l, m, buf, ids))
            rc = rn_fail(l->err, RN_EFORMAT,
                         "%s: merge %llu ('%.*s') does not join two tokens into a third of the "
                         "vocabulary; the file is damaged",
                         rn_gguf_path(l->g), (unsigned long long)i, m.len < 64 ? (int)m.len : 64,
                         m.len ? m.data : "");
        else
            put_pair(&t->pairs, ids[0], ids[1], (uint32_t)i, ids[2]);
    }
    free(buf);
    return rc;
}

/* ---- special tokens as a tree ---------------------------------------------------------------- */

static int32_t child_of(const rn_tok *t, int32_t node, uint8_t byte)
{
    if (node == 0) return t->first_child[byte];
    int32_t c = t->nodes[node].child;
    while (c && t->nodes[c].byte != byte)
        c = t->nodes[c].sibling;
    return c;
}

static int add_special(loader *l, int32_t id, size_t *cap)
{
    rn_tok *t = l->t;
    bool control = t->types[id] != TOK_USER;
    rn_bytes s = control ? t->texts[id] : t->bytes[id];
    if (t->n_nodes + s.len + 1 > MAX_NODES)
        return rn_fail(l->err, RN_ELIMIT,
                       "%s: the texts of special tokens are longer than %d bytes",
                       rn_gguf_path(l->g), MAX_NODES);
    if (t->n_nodes + s.len + 1 > *cap) {
        size_t more = 2 * (t->n_nodes + s.len + 1);
        tok_node *nodes = realloc(t->nodes, more * sizeof *nodes);
        if (!nodes) return no_memory(l);
        t->nodes = nodes;
        *cap = more;
    }
    if (t->n_nodes == 0) t->nodes[t->n_nodes++] = (tok_node){.id = -1};
    int32_t node = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t byte = (uint8_t)s.data[i];
        int32_t c = child_of(t, node, byte);
        if (!c) {
            c = (int32_t)t->n_nodes++;
            t->nodes[c] = (tok_node){.id = -1, .byte = byte, .sibling = t->nodes[node].child};
            if (node == 0) {
                t->nodes[c].sibling = 0;
                t->first_child[byte] = c;
            } else {
                t->nodes[node].child = c;
            }
        }
        node = c;
    }
    if (node == 0) return 0;
    t->nodes[node].id = id;
    t->nodes[node].control = control;
    return 0;
}

static int load_specials(loader *l)
{
    size_t cap = 0;
    for (int32_t id = 0; id < l->t->n_vocab; id++) {
        uint8_t type = l->t->types[id];
        if (type != TOK_USER && type != TOK_CONTROL && type != TOK_UNKNOWN) continue;
        int rc = add_special(l, id, &cap);
        if (rc) return rc;
    }
    return 0;
}

static bool says_nothing(const rn_gguf_kv *kv)
{
    if (kv->type == RN_G_ARRAY) return kv->n == 0;
    return kv->type != RN_G_STR && rn_gguf_real_at(kv, 0) == 0;
}

/* Keys that ask for texts to be changed before they are cut, which is not done here, and those of
 * which nobody knows what they ask for: to ignore them would change the result. Tokens by their
 * names' ids (padding_token_id) are free to be there; add_eos_token would end every prompt. */
static int refuse_changes(const loader *l)
{
    static const char prefix[] = "tokenizer.ggml.", id[] = "_token_id";
    static const char *const known[] = {"model",
                                        "pre",
                                        "tokens",
                                        "token_type",
                                        "scores",
                                        "token_type_count",
                                        "merges",
                                        "added_tokens",
                                        "add_bos_token",
                                        "add_eos_token",
                                        "add_space_prefix",
                                        NULL};
    static const char *const changes[] = {"remove_extra_whitespaces", "add_sep_token",
                                          "normalizer.lowercase", "precompiled_charsmap", NULL};
    for (size_t i = 0; i < rn_gguf_n_kv(l->g); i++) {
        const rn_gguf_kv *kv = rn_gguf_kv_at(l->g, i);
        char key[96];
        if (!rn_bytes_starts(kv->key, prefix) || says_nothing(kv)) continue;
        snprintf(key, sizeof key, "%.*s", (int)kv->key.len, kv->key.data);
        const char *name = key + sizeof prefix - 1;
        size_t n = strlen(name);
        if (rn_gguf_is_one(known, name)) continue;
        if (n >= sizeof id && strcmp(name + n - (sizeof id - 1), id) == 0) continue;
        bool change = rn_gguf_is_one(changes, name);
        return rn_fail(l->err, RN_EUNSUPPORTED,
                       change ? "%s: %s changes texts before they are cut into tokens, which this "
                                "version does not do"
                              : "%s: this version does not know what %s asks for, and to ignore it "
                                "would change the result",
                       rn_gguf_path(l->g), key);
    }
    return 0;
}

int rn_tok_new(const rn_gguf *g, rn_tok **out, rn_err *err)
{
    rn_tok *t = calloc(1, sizeof *t);
    if (!t) return rn_fail(err, RN_ENOMEM, "%s: out of memory for the tokenizer", rn_gguf_path(g));
    atomic_flag_clear(&t->warned_bos);
    loader l = {.t = t, .g = g, .err = err};
    int rc = load_model(&l);
    if (!rc) rc = refuse_changes(&l);
    if (!rc && t->spm) {
        t->add_bos = t->add_space_prefix = true; /* unless the file says otherwise */
    } else if (!rc) {
        rn_bytes pre = {0};
        rc = rn_gguf_str(g, "tokenizer.ggml.pre", &pre, err);
        if (rc == RN_ENOTFOUND)
            rc = rn_fail(
                err, RN_EUNSUPPORTED,
                "%s names no pre-tokenizer (tokenizer.ggml.pre), so that texts cannot be cut "
                "as its model learned it; convert the model again",
                rn_gguf_path(g));
        else if (!rc && (rc = tok_pre_new(pre, &t->pre, &t->ignore_merges, &t->add_bos, err)))
            rn_err_prefix(err, "%s", rn_gguf_path(g));
    }
    if (!rc) rc = load_texts(&l);
    if (!rc) rc = load_special_ids(&l);
    if (!rc) rc = load_pieces(&l);
    if (!rc) rc = t->spm ? load_scores(&l) : load_merges(&l);
    if (!rc) rc = load_specials(&l);
    if (rc) {
        rn_tok_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void rn_tok_free(rn_tok *t)
{
    if (!t) return;
    tok_pre_free(t->pre);
    free(t->nodes);
    rn_arena_free(&t->mem);
    free(t);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool in_range(const rn_tok *t, int32_t id)
{
    return id >= 0 && id < t->n_vocab;
}

int32_t rn_tok_n_vocab(const rn_tok *t)
{
    return t->n_vocab;
}
const char *rn_tok_model(const rn_tok *t)
{
    return t->spm ? "llama" : "gpt2";
}
const char *rn_tok_pre(const rn_tok *t)
{
    return t->pre ? tok_pre_name(t->pre) : "";
}
int32_t rn_tok_bos(const rn_tok *t)
{
    return t->bos;
}
int32_t rn_tok_eos(const rn_tok *t)
{
    return t->eos;
}
bool rn_tok_adds_bos(const rn_tok *t)
{
    return t->add_bos;
}

bool rn_tok_fim(const rn_tok *t, int32_t ids[3])
{
    memcpy(ids, t->fim, sizeof t->fim);
    return ids[0] >= 0 && ids[1] >= 0 && ids[2] >= 0;
}

bool rn_tok_is_end(const rn_tok *t, int32_t id)
{
    return in_range(t, id) && (t->ends[id / 64] >> (id % 64) & 1);
}

bool rn_tok_is_control(const rn_tok *t, int32_t id)
{
    return in_range(t, id) && (t->types[id] == TOK_CONTROL || t->types[id] == TOK_UNKNOWN);
}

bool rn_tok_is_unused(const rn_tok *t, int32_t id)
{
    if (!in_range(t, id)) return true;
    return !rn_tok_is_end(t, id) && (t->unused[id / 64] >> (id % 64) & 1);
}

int32_t rn_tok_find(const rn_tok *t, rn_bytes text)
{
    return tok_lookup(&t->by_text, t->texts, text.len ? text.data : "", text.len);
}

rn_bytes rn_tok_bytes(const rn_tok *t, int32_t id)
{
    return in_range(t, id) ? t->bytes[id] : (rn_bytes){0};
}

rn_bytes rn_tok_text(const rn_tok *t, int32_t id)
{
    return in_range(t, id) ? t->texts[id] : (rn_bytes){0};
}
