/*
 * tok_merge.c: byte-pair merging of one word.
 *
 * Start from the word's characters (SentencePiece) or bytes (byte-level); while some adjacent pair
 * can merge, merge the one with the lowest rank, the leftmost of equals. Short words look through
 * all pairs each time; long ones keep the candidates in a heap, so that a word of n symbols takes
 * O(n log n) whatever it holds. A candidate in the heap may be stale, because one of its symbols
 * has grown or gone; its total length tells.
 */
#include "model/tok_priv.h"

#include <stdlib.h>

enum { SCAN_MAX = 24 }; /* up to here looking through all pairs beats the heap */

void tok_work_free(tok_work *w)
{
    free(w->symbols);
    free(w->heap);
    *w = (tok_work){0};
}

/* The token that two adjacent symbols merge into, and its rank; -1 if there is none. */
static int32_t pair_of(const rn_tok *t, const char *word, const tok_symbol *l, const tok_symbol *r,
                       uint32_t *rank)
{
    *rank = 0;
    if (!t->spm) {
        const tok_pair *p = tok_find_pair(&t->pairs, l->id, r->id);
        if (!p) return -1;
        *rank = p->rank;
        return p->id;
    }
    size_t len = (size_t)l->len + r->len;
    if (len > t->max_piece) return -1;
    int32_t merged = tok_lookup(&t->by_bytes, t->bytes, word + l->start, len);
    if (merged >= 0) *rank = t->ranks[merged];
    return merged;
}

static int split_symbols(const rn_tok *t, rn_bytes word, tok_work *w, size_t *n, rn_err *err)
{
    if (word.len > w->cap_symbols) {
        size_t cap = word.len < 256 ? 256 : word.len;
        tok_symbol *s = realloc(w->symbols, cap * sizeof *s);
        if (!s) return rn_fail(err, RN_ENOMEM, "out of memory tokenizing %zu bytes", word.len);
        w->symbols = s;
        w->cap_symbols = cap;
    }
    size_t count = 0;
    for (size_t i = 0; i < word.len; count++) {
        size_t len = 1;
        int32_t id = t->byte_id[(uint8_t)word.data[i]];
        if (t->spm) {
            len = rn_utf8_len(word.data + i, word.len - i);
            if (len == 0) len = 1;
            id = tok_lookup(&t->by_bytes, t->bytes, word.data + i, len);
        }
        w->symbols[count] = (tok_symbol){.start = (uint32_t)i,
                                         .len = (uint32_t)len,
                                         .id = id,
                                         .prev = (int32_t)count - 1,
                                         .next = (int32_t)count + 1};
        i += len;
    }
    w->symbols[count - 1].next = -1;
    *n = count;
    return 0;
}

/* Symbol l takes over its right neighbour. */
static void join(tok_symbol *s, int32_t l, int32_t id)
{
    int32_t r = s[l].next;
    s[l].len += s[r].len;
    s[l].id = id;
    s[l].next = s[r].next;
    if (s[r].next >= 0) s[s[r].next].prev = l;
    s[r].len = 0;
}

/* rank[i], id[i]: the merge of symbol i with its right neighbour. */
static void merge_by_scan(const rn_tok *t, const char *word, tok_symbol *s, size_t n)
{
    uint32_t rank[SCAN_MAX] = {0};
    int32_t id[SCAN_MAX] = {0}; /* -1: none */
    for (size_t i = 0; i < n; i++)
        id[i] = i + 1 < n ? pair_of(t, word, &s[i], &s[i + 1], &rank[i]) : -1;
    for (;;) {
        int32_t best = -1;
        for (int32_t i = 0; i >= 0; i = s[i].next)
            if (id[i] >= 0 && (best < 0 || rank[i] < rank[best])) best = i;
        if (best < 0) return;
        join(s, best, id[best]);
        int32_t next = s[best].next, prev = s[best].prev;
        id[best] = next >= 0 ? pair_of(t, word, &s[best], &s[next], &rank[best]) : -1;
        if (prev >= 0) id[prev] = pair_of(t, word, &s[prev], &s[best], &rank[prev]);
    }
}

static bool before(const tok_candidate *a, const tok_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

static void heap_push(tok_work *w, tok_candidate c)
{
    size_t i = w->n_heap++;
    for (; i > 0 && before(&c, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = c;
}

static tok_candidate heap_pop(tok_work *w)
{
    tok_candidate top = w->heap[0], last = w->heap[--w->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->n_heap; i = child) {
        if (child + 1 < w->n_heap && before(&w->heap[child + 1], &w->heap[child])) child++;
        if (!before(&w->heap[child], &last)) break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return top;
}

static void offer(const rn_tok *t, const char *word, tok_work *w, int32_t l, int32_t r)
{
    if (l < 0 || r < 0) return;
    const tok_symbol *a = &w->symbols[l], *b = &w->symbols[r];
    tok_candidate c = {.left = l, .right = r, .len = a->len + b->len};
    c.id = pair_of(t, word, a, b, &c.rank);
    if (c.id >= 0) heap_push(w, c);
}

static int merge_by_heap(const rn_tok *t, const char *word, size_t n, tok_work *w, rn_err *err)
{
    size_t most = 3 * n; /* n - 1 at the start, two more for each of n - 1 merges */
    if (most > w->cap_heap) {
        tok_candidate *h = realloc(w->heap, most * sizeof *h);
        if (!h) return rn_fail(err, RN_ENOMEM, "out of memory tokenizing %zu symbols", n);
        w->heap = h;
        w->cap_heap = most;
    }
    w->n_heap = 0;
    tok_symbol *s = w->symbols;
    for (size_t i = 0; i + 1 < n; i++)
        offer(t, word, w, (int32_t)i, (int32_t)i + 1);
    while (w->n_heap > 0) {
        tok_candidate c = heap_pop(w);
        tok_symbol *l = &s[c.left];
        if (l->len == 0 || s[c.right].len == 0 || l->len + s[c.right].len != c.len) continue;
        join(s, c.left, c.id);
        offer(t, word, w, l->prev, c.left);
        offer(t, word, w, c.left, l->next);
    }
    return 0;
}

static int add_bytes(const rn_tok *t, rn_bytes text, size_t where, rn_ids *out, rn_err *err)
{
    for (size_t i = 0; i < text.len; i++) {
        int32_t id = t->byte_id[(uint8_t)text.data[i]];
        if (id < 0 && t->spm) id = t->unknown;
        if (id < 0)
            return rn_fail_at(err, RN_EUNSUPPORTED, -1, (int64_t)(where + i),
                              "the vocabulary has no token for the byte 0x%02X at offset %zu",
                              (unsigned)(uint8_t)text.data[i], where + i);
        if (rn_ids_add(out, id)) return rn_fail(err, RN_ENOMEM, "out of memory for token ids");
    }
    return 0;
}

int tok_merge_word(const rn_tok *t, rn_bytes word, size_t where, tok_work *w, rn_ids *out,
                   rn_err *err)
{
    if (word.len == 0) return 0;
    if (t->ignore_merges) {
        int32_t whole = tok_lookup(&t->by_bytes, t->bytes, word.data, word.len);
        if (whole >= 0)
            return rn_ids_add(out, whole) ? rn_fail(err, RN_ENOMEM, "out of memory for token ids")
                                          : 0;
    }
    size_t n = 0;
    int rc = split_symbols(t, word, w, &n, err);
    if (!rc && n <= SCAN_MAX)
        merge_by_scan(t, word.data, w->symbols, n);
    else if (!rc)
        rc = merge_by_heap(t, word.data, n, w, err);
    for (int32_t i = 0; i >= 0 && !rc; i = w->symbols[i].next) {
        const tok_symbol *s = &w->symbols[i];
        rn_bytes text = {.data = word.data + s->start, .len = s->len};
        if (s->id < 0)
            rc = add_bytes(t, text, where + s->start, out, err);
        else if (rn_ids_add(out, s->id))
            rc = rn_fail(err, RN_ENOMEM, "out of memory for token ids");
    }
    return rc;
}
