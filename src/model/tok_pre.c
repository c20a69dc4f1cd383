/*
 * tok_pre.c: the patterns that cut a text into words before byte-level merging.
 *
 * A pre-tokenizer is a list of patterns; each one cuts the pieces that the former left, and both
 * what it matches and what lies between are pieces ("isolated" splits of Hugging Face's
 * tokenizers). The patterns are those of the models' tokenizer.json, with white space spelled out,
 * because PCRE2's \s counts U+180E as space and Unicode no longer does.
 *
 * Pieces hold valid UTF-8 only, so that PCRE2 need not check again. The patterns need a bounded
 * stack on any text; should PCRE2's compiled form run out of its stack all the same, the
 * interpreted one, with a limit on its heap, takes over for that match.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/tok_priv.h"

#include <pcre2.h>
#include <stdlib.h>

enum { MAX_PATTERNS = 6, HEAP_LIMIT_KIB = 64 * 1024 };

#define SPACE                                                                                   \
    "\\x{9}-\\x{D}\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}" \
    "\\x{205F}\\x{3000}"
#define S  "[" SPACE "]"
#define NS "[^" SPACE "]"

/* Contractions, words with one leading other character, numbers, punctuation, white space. */
#define LLAMA_LIKE(digits)                                                             \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^" SPACE \
    "\\p{L}\\p{N}]+[\\r\\n]*|" S "*[\\r\\n]+|" S "+(?!" NS ")|" S "+"
#define GPT_2                                                                                     \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE "\\p{L}\\p{N}]+|" S "+(?!" NS ")|" S \
    "+"

/* Words with one leading other character in which capitals stand first, then `tail`; numbers and
 * the rest as above, slashes with the punctuation. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(tail, digits)                                                                     \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" tail "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER \
    "*" tail "|" digits "| ?[^" SPACE "\\p{L}\\p{N}]+[\\r\\n/]*|" S "*[\\r\\n]+|" S "+(?!" NS   \
    ")|" S "+"

/* What DeepSeek's first models take for letters: most that have a case, of the blocks that their
 * pattern lists; Armenian small letters, for one, are not among them. */
#define CASED_LETTERS                                                                       \
    "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}"          \
    "\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}"  \
    "\\x{37F}\\x{386}\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}"           \
    "\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}"                \
    "\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}"          \
    "\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}"          \
    "\\x{1F18}-\\x{1F1D}\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}" \
    "\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}"  \
    "\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}"          \
    "\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}"           \
    "\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}"            \
    "\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}" \
    "\\x{214E}\\x{2183}\\x{2184}\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}"  \
    "\\x{2CF2}\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}"           \
    "\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}"          \
    "\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}"        \
    "\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}"  \
    "\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}"

typedef struct family {
    const char *names[4];
    const char *patterns[MAX_PATTERNS];
    bool ignore_merges; /* a word that is a token is not cut further, whatever the merges say */
    bool add_bos;       /* where the file does not say */
} family;

/* From each model's tokenizer.json; the names are those that converters write. */
static const family families[] = {
    {{"llama-bpe", "llama3", "llama-v3"}, {LLAMA_LIKE("\\p{N}{1,3}")}, true, true},
    {{"dbrx", "glm4", "chatglm-bpe"}, {LLAMA_LIKE("\\p{N}{1,3}")}, false, false},
    {{"qwen2", "deepseek-r1-qwen"}, {LLAMA_LIKE("\\p{N}")}, false, false},
    {{"qwen35"}, /* marks belong to words */
     {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^" SPACE
      "\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" S "*[\\r\\n]+|" S "+(?!" NS ")|" S "+"},
     false,
     false},
    {{"deepseek-coder"},
     {"[\\r\\n]", S "?\\p{L}+", S "?\\p{P}+",
      "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+", "\\p{N}"},
     false,
     false},
    {{"deepseek-llm"},
     {"[\\r\\n]", S "?[" CASED_LETTERS "]+",
      S "?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
      S "+$", "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+", "\\p{N}"},
     false,
     false},
    {{"deepseek-v3"},
     {"\\p{N}{1,3}", "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+",
      "[!-/:-@\\[-`{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
      "?[\\p{P}\\p{S}]+[\\r\\n]*|" S "*[\\r\\n]+|" S "+(?!" NS ")|" S "+"},
     false,
     false},
    {{"starcoder", "refact", "smollm"}, {"\\p{N}", GPT_2}, false, false},
    {{"gpt-2", "gpt2", "granite-docling"}, {GPT_2}, false, false},
    {{"tekken"}, {CASED("", "\\p{N}")}, true, true},
    {{"gpt-4o", "llama4"}, {CASED("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}")}, false, false},
    {{"seed-coder"}, /* punctuation ends before a line's end */
     {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^" SPACE
      "\\p{L}\\p{N}\\r\\n]+|" S "*[\\r\\n]+|" S "+(?!" NS ")|" S "+"},
     false,
     false},
};

struct tok_pre {
    const family *family;
    pcre2_code *codes[MAX_PATTERNS];
    int n;
};

struct tok_pre_work {
    pcre2_match_data *match;
    pcre2_match_context *context;
};

static const family *find_family(rn_bytes name)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        for (size_t k = 0; k < 4; k++)
            if (families[i].names[k] && rn_bytes_equal(name, rn_bytes_of(families[i].names[k])))
                return &families[i];
    return NULL;
}

int tok_pre_new(rn_bytes name, struct tok_pre **out, bool *ignore_merges, bool *add_bos,
                rn_err *err)
{
    const family *f = find_family(name);
    if (!f)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "the pre-tokenizer '%.*s' is not supported; supported are llama-bpe, dbrx, "
                       "glm4, chatglm-bpe, qwen2, qwen35, deepseek-llm, "
                       "deepseek-coder, deepseek-v3, deepseek-r1-qwen, starcoder, refact, smollm, "
                       "gpt-2, granite-docling, tekken, gpt-4o, llama4 and seed-coder",
                       name.len < 64 ? (int)name.len : 64, name.len ? name.data : "");
    struct tok_pre *p = calloc(1, sizeof *p);
    if (!p) return rn_fail(err, RN_ENOMEM, "out of memory for the tokenizer's patterns");
    p->family = f;
    for (; p->n < MAX_PATTERNS && f->patterns[p->n]; p->n++) {
        int code = 0;
        size_t at = 0;
        p->codes[p->n] = pcre2_compile((PCRE2_SPTR)f->patterns[p->n], PCRE2_ZERO_TERMINATED,
                                       PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
        if (!p->codes[p->n]) {
            char why[128] = "";
            pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
            tok_pre_free(p);
            return rn_fail(err, RN_EINTERNAL, "PCRE2 refuses the pattern of %s at %zu: %s",
                           f->names[0], at, why);
        }
        pcre2_jit_compile(p->codes[p->n], PCRE2_JIT_COMPLETE); /* interpreted where there is none */
    }
    *ignore_merges = f->ignore_merges;
    *add_bos = f->add_bos;
    *out = p;
    return 0;
}

void tok_pre_free(struct tok_pre *p)
{
    if (!p) return;
    for (int i = 0; i < MAX_PATTERNS; i++)
        pcre2_code_free(p->codes[i]);
    free(p);
}

const char *tok_pre_name(const struct tok_pre *p)
{
    return p->family->names[0];
}

tok_pre_work *tok_pre_work_new(const struct tok_pre *p)
{
    (void)p;
    tok_pre_work *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->match = pcre2_match_data_create(1, NULL); /* no pattern captures anything */
    w->context = pcre2_match_context_create(NULL);
    if (!w->match || !w->context) {
        tok_pre_work_free(w);
        return NULL;
    }
    pcre2_set_heap_limit(w->context, HEAP_LIMIT_KIB);
    return w;
}

void tok_pre_work_free(tok_pre_work *w)
{
    if (!w) return;
    pcre2_match_data_free(w->match);
    pcre2_match_context_free(w->context);
    free(w);
}

/* 1 and the first match of pattern i at or after `from`; 0 if none. */
static int next_match(const struct tok_pre *p, tok_pre_work *w, int i, rn_bytes text, size_t from,
                      size_t *start, size_t *end, rn_err *err)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)text.data;
    int rc =
        pcre2_match(p->codes[i], subject, text.len, from, PCRE2_NO_UTF_CHECK, w->match, w->context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(p->codes[i], subject, text.len, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                         w->match, w->context);
    if (rc == PCRE2_ERROR_NOMATCH) return 0;
    if (rc < 0) {
        char why[128] = "";
        pcre2_get_error_message(rc, (PCRE2_UCHAR *)why, sizeof why);
        return rn_fail(err, rc == PCRE2_ERROR_NOMEMORY ? RN_ENOMEM : RN_ELIMIT,
                       "cutting a text of %zu bytes into words failed: %s", text.len, why);
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(w->match);
    *start = ends[0];
    *end = ends[1];
    return 1;
}

/* Cuts `text` by the patterns from number i on. */
static int split(const struct tok_pre *p, tok_pre_work *w, int i, rn_bytes text, tok_word_fn *word,
                 void *user, rn_err *err)
{
    if (text.len == 0) return 0;
    if (i == p->n) return word(user, text);
    for (size_t pos = 0; pos < text.len;) {
        size_t start = text.len, end = text.len;
        int rc = next_match(p, w, i, text, pos, &start, &end, err);
        if (rc < 0) return rc;
        rn_bytes gap = {.data = text.data + pos, .len = start - pos};
        rc = split(p, w, i + 1, gap, word, user, err);
        if (rc) return rc;
        rn_bytes match = {.data = text.data + start, .len = end - start};
        rc = split(p, w, i + 1, match, word, user, err);
        if (rc) return rc;
        pos = end;
    }
    return 0;
}

int tok_pre_split(const struct tok_pre *p, tok_pre_work *w, rn_bytes text, tok_word_fn *word,
                  void *user, rn_err *err)
{
    return split(p, w, 0, text, word, user, err);
}
