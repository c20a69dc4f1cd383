/* equal.c: see equal.h. */
#include "run/equal.h"

#include "rank/layout.h"
#include "rank/scan_priv.h"

enum {
    PER_JOB = 64,        /* programs whose keys are found by one child */
    JOB_BYTES = 1 << 20, /* and about their bytes */
    AHEAD = 256          /* keys are asked for so many programs before they are due */
};
static const uint32_t NONE = UINT32_MAX;

/* ---- tests ----------------------------------------------------------------------------------- */

static bool looks(const char *word, size_t len)
{
    static const char *const words[] = {
        "inspect",   "traceback", "linecache", "doctest", "pydoc",    "help",    "vars",
        "getattr",   "dir",       "dis",       "ast",     "sys",      "gc",      "types",
        "eval",      "exec",      "compile",   "open",    "tokenize", "logging", "warnings",
        "getsource", "lineno",    "time",      "timeit",  "pickle",   "marshal", "operator"};
    static const char *const harmless[] = {"__name__", "__main__", "__init__"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0) return true;
    if (len < 2 || memcmp(word, "__", 2) != 0) {
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)word[i] >= 0x80) return true; /* letters that mean others */
        return false;
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strlen(harmless[i]) == len && memcmp(harmless[i], word, len) == 0) return false;
    return true;
}

bool rn_equals_blind(const char *tests)
{
    for (const char *p = tests ? tests : ""; *p;) {
        const char *from = p;
        while (*p && rn_in_name(*p))
            p++;
        if (p > from && looks(from, (size_t)(p - from))) return false;
        if (p == from) p++;
    }
    return true;
}

/* ---- who is alike ---------------------------------------------------------------------------- */

/* Takes out of a layout the lines that are a text and nothing else, DEPTH and a quote: a docstring
 * that is there in one program and not in another tells them no more apart. */
static rn_bytes without_docstrings(rn_buf *layout)
{
    char *to = layout->data, *end = layout->data + layout->len;
    for (char *line = layout->data; line < end;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop + 1 : end;
        const char *p = line;
        while (p < stop && *p >= '0' && *p <= '9')
            p++;
        const bool text = stop - p == 3 && p[0] == ' ' && p[1] == '"' && p[2] == '\n';
        if (!text) {
            memmove(to, line, (size_t)(stop - line));
            to += stop - line;
        }
        line = stop;
    }
    return (rn_bytes){.data = layout->data, .len = (size_t)(to - layout->data)};
}

bool rn_equals_add(rn_equals *e, uint64_t group, rn_bytes text, bool alone)
{
    const uint32_t i = (uint32_t)e->all.n;
    rn_equal_program p = {.text = text, .group = i, .next = NONE, .twin = NONE, .n = 1};
    if (!rn_vec_push(&e->all, p)) return false;
    if (alone) return true;
    uint8_t sha[RN_SHA256_BYTES];
    bool is_new;
    rn_buf_clear(&e->layout);
    rn_layout_key(text, &e->layout);
    if (!rn_buf_ok(&e->layout)) return false;
    rn_sha256_of(e->layout.len ? without_docstrings(&e->layout) : (rn_bytes){0}, sha);
    const size_t at = rn_programs_add(&e->layouts, group, sha, &is_new);
    if (at == SIZE_MAX) return false;
    if (is_new) return rn_vec_push(&e->firsts, i);
    rn_equal_program *first = &e->all.data[e->firsts.data[at]], *own = &e->all.data[i];
    own->group = e->firsts.data[at];
    own->next = first->next; /* put in order by rn_equals_ready */
    first->next = i;
    first->n++;
    return true;
}

bool rn_equals_ready(rn_equals *e)
{
    for (uint32_t i = 0; i < e->all.n; i++) {
        if (e->all.data[i].group != i || e->all.data[i].n < 2) continue;
        uint32_t list = NONE; /* the further ones, which were put in front of each other */
        for (uint32_t k = e->all.data[i].next, next; k != NONE; k = next) {
            next = e->all.data[k].next;
            e->all.data[k].next = list;
            list = k;
        }
        e->all.data[i].next = list;
        for (uint32_t k = i; k != NONE; k = e->all.data[k].next) {
            e->all.data[k].asked = true;
            if (!rn_vec_push(&e->ask, k)) return false;
        }
    }
    return true;
}

void rn_equals_clear(rn_equals *e)
{
    e->all.n = e->ask.n = e->firsts.n = e->n_asked = 0;
    rn_programs_clear(&e->layouts);
}

void rn_equals_free(rn_equals *e)
{
    rn_vec_free(&e->all);
    rn_vec_free(&e->ask);
    rn_vec_free(&e->firsts);
    rn_programs_free(&e->layouts);
    rn_buf_free(&e->layout);
    free(e->cases);
    *e = (rn_equals){0};
}

/* ---- keys ------------------------------------------------------------------------------------ */

bool rn_equals_job(rn_equals *e, size_t at, rn_judge_job *job, uint64_t *tag)
{
    if (e->n_asked == e->ask.n) return false;
    if (e->all.data[e->ask.data[e->n_asked]].group > at + AHEAD) return false;
    if (!e->cases) e->cases = calloc(PER_JOB, sizeof *e->cases);
    if (!e->cases) { /* each by itself */
        e->n_asked = e->ask.n;
        for (size_t i = 0; i < e->all.n; i++)
            e->all.data[i].n = 0;
        return false;
    }
    size_t n = 0, bytes = 0;
    for (; n < PER_JOB && e->n_asked + n < e->ask.n && bytes < JOB_BYTES; n++) {
        e->cases[n].input = e->all.data[e->ask.data[e->n_asked + n]].text;
        bytes += e->cases[n].input.len;
    }
    *job = (rn_judge_job){.mode = RN_JUDGE_KEYS, .cases = e->cases, .n_cases = n};
    *tag = UINT64_C(1) << RN_EQUALS_TAG_BIT | (uint64_t)n << 32 | e->n_asked;
    e->n_asked += n;
    return true;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_key(const char *line, size_t len, uint8_t key[RN_SHA256_BYTES])
{
    if (len != 2 * RN_SHA256_BYTES) return false;
    for (size_t i = 0; i < RN_SHA256_BYTES; i++) {
        const int high = digit(line[2 * i]), low = digit(line[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        key[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void rn_equals_take(rn_equals *e, uint64_t tag, const rn_judge_result *r, rn_bytes text)
{
    const size_t from = (uint32_t)tag, n = tag >> 32 & 0x7fffffff;
    const char *p = text.data, *end = text.len ? text.data + text.len : NULL;
    for (size_t i = from; i < from + n; i++) {
        rn_equal_program *q = &e->all.data[e->ask.data[i]];
        const char *stop = p && p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        q->has_key = r->verdict == RN_V_PASSED && stop && read_key(p, (size_t)(stop - p), q->key);
        q->known = true;
        e->all.data[q->group].n--;
        p = stop ? stop + 1 : NULL;
    }
}

rn_equals_state rn_equals_settle(rn_equals *e, size_t i)
{
    rn_equal_program *p = &e->all.data[i];
    if (p->stood_for) return RN_EQUALS_STOOD_FOR;
    if (!p->asked) return RN_EQUALS_RUN;
    if (e->all.data[p->group].n) return RN_EQUALS_WAIT;
    uint32_t *link = &p->twin;
    for (uint32_t k = p->next; p->has_key && k != NONE; k = e->all.data[k].next) {
        rn_equal_program *q = &e->all.data[k];
        if (q->stood_for || !q->has_key || memcmp(q->key, p->key, sizeof p->key) != 0) continue;
        q->stood_for = true;
        *link = k;
        link = &q->twin;
    }
    return RN_EQUALS_RUN;
}
