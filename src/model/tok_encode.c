/*
 * tok_encode.c: texts to token ids: special tokens first, then words, then merging.
 *
 * The text is scanned once for special tokens, the longest at the leftmost place winning; what lies
 * between is a fragment. SentencePiece puts a space before the first fragment and after control
 * tokens, and merges whole fragments; they are cut before spaces where no token of the vocabulary
 * reaches across, which changes nothing but the time. Byte-level vocabularies cut a fragment by the
 * patterns of the pre-tokenizer; runs of bytes that are not UTF-8 are words of their own.
 */
#include "base/log.h"
#include "model/tok_priv.h"

#include <stdlib.h>

typedef struct encoder {
    const rn_tok *t;
    rn_bytes text;
    const rn_tok_part *parts;
    size_t n_parts, part, part_start; /* the part that holds the position looked at last */
    unsigned flags;
    tok_work work;
    tok_pre_work *pre_work;
    rn_buf prefixed;  /* a fragment with a space before it */
    const char *base; /* the fragment at hand ... */
    size_t base_at;   /* ... and where it lies in the text */
    rn_ids *out;
    rn_err *err;
} encoder;

static int merge(void *user, rn_bytes word)
{
    encoder *e = user;
    size_t where = e->base_at + (size_t)(word.data - e->base);
    return tok_merge_word(e->t, word, where, &e->work, e->out, e->err);
}

/* ---- fragments ------------------------------------------------------------------------------- */

static int fragment_spm(encoder *e, rn_bytes text, bool add_space)
{
    if (add_space) {
        rn_buf_clear(&e->prefixed);
        rn_buf_putc(&e->prefixed, ' ');
        rn_buf_add(&e->prefixed, text.data, text.len);
        if (!rn_buf_ok(&e->prefixed))
            return rn_fail(e->err, RN_ENOMEM, "out of memory tokenizing %zu bytes", text.len);
        text = rn_buf_view(&e->prefixed);
        e->base_at--; /* may wrap: offsets are only added to it */
    }
    e->base = text.data;
    for (size_t start = 0; start < text.len;) {
        size_t end = start + 1;
        if (e->t->space_leads)
            while (end < text.len && !(text.data[end] == ' ' && text.data[end - 1] != ' '))
                end++;
        else
            end = text.len;
        int rc = merge(e, (rn_bytes){.data = text.data + start, .len = end - start});
        if (rc) return rc;
        start = end;
    }
    return 0;
}

static int fragment_bpe(encoder *e, rn_bytes text)
{
    e->base = text.data;
    for (size_t pos = 0; pos < text.len;) {
        rn_bytes rest = {.data = text.data + pos, .len = text.len - pos};
        size_t bad = rest.len;
        rn_utf8_valid(rest, &bad);
        rn_bytes valid = {.data = rest.data, .len = bad};
        int rc = tok_pre_split(e->t->pre, e->pre_work, valid, merge, e, e->err);
        if (rc) return rc;
        pos += bad;
        size_t end = pos;
        while (end < text.len && rn_utf8_len(text.data + end, text.len - end) == 0)
            end++;
        rc = merge(e, (rn_bytes){.data = text.data + pos, .len = end - pos});
        if (rc) return rc;
        pos = end;
    }
    return 0;
}

static int fragment(encoder *e, size_t from, size_t to, bool add_space)
{
    if (from == to) return 0;
    rn_bytes text = {.data = e->text.data + from, .len = to - from};
    e->base_at = from;
    return e->t->spm ? fragment_spm(e, text, add_space) : fragment_bpe(e, text);
}

/* ---- special tokens -------------------------------------------------------------------------- */

/* The end of the run of parts around `pos` in which control tokens are matched; `pos` itself where
 * they are not. Positions only grow. */
static size_t control_until(encoder *e, size_t pos)
{
    while (e->part < e->n_parts && pos >= e->part_start + e->parts[e->part].text.len) {
        e->part_start += e->parts[e->part].text.len;
        e->part++;
    }
    size_t end = pos, at = e->part_start;
    for (size_t i = e->part; i < e->n_parts && e->parts[i].special; i++)
        end = at += e->parts[i].text.len;
    return end;
}

/* The longest special token at `pos`; -1 if none. */
static int32_t special_at(encoder *e, size_t pos, size_t *len)
{
    const rn_tok *t = e->t;
    int32_t node = t->first_child[(uint8_t)e->text.data[pos]];
    if (!node) return -1;
    size_t limit = control_until(e, pos);
    int32_t found = -1;
    for (size_t i = pos + 1;; i++) {
        const tok_node *n = &t->nodes[node];
        if (n->id >= 0 && (!n->control || i <= limit)) {
            found = n->id;
            *len = i - pos;
        }
        if (i == e->text.len) return found;
        int32_t c = n->child;
        while (c && t->nodes[c].byte != (uint8_t)e->text.data[i])
            c = t->nodes[c].sibling;
        if (!c) return found;
        node = c;
    }
}

static int encode(encoder *e)
{
    const rn_tok *t = e->t;
    size_t first = e->out->n;
    bool bos = (e->flags & RN_TOK_BOS) && t->add_bos;
    if (bos && rn_ids_add(e->out, t->bos)) goto no_memory;
    bool prefix = t->spm && t->add_space_prefix;
    bool add_space = prefix && !(e->flags & RN_TOK_CONTINUE);
    size_t from = 0;
    for (size_t pos = 0; pos < e->text.len;) {
        size_t len = 0;
        int32_t id = special_at(e, pos, &len);
        if (id < 0) {
            pos++;
            continue;
        }
        int rc = fragment(e, from, pos, add_space);
        if (rc) return rc;
        if (rn_ids_add(e->out, id)) goto no_memory;
        add_space = prefix && rn_tok_is_control(t, id);
        from = pos += len;
    }
    int rc = fragment(e, from, e->text.len, add_space);
    if (rc) return rc;
    if (bos && e->out->n > first + 1 && e->out->v[first + 1] == t->bos &&
        !atomic_flag_test_and_set(&((rn_tok *)(uintptr_t)t)->warned_bos))
        rn_warn("a text begins with the BOS token that the model's file adds anyway: it now stands "
                "there twice; leave it out of the text");
    return 0;
no_memory:
    return rn_fail(e->err, RN_ENOMEM, "out of memory for token ids");
}

/* ---- entry points ---------------------------------------------------------------------------- */

int rn_tok_encode_parts(const rn_tok *t, const rn_tok_part *parts, size_t n_parts, unsigned flags,
                        rn_ids *out, rn_err *err)
{
    rn_buf joined = {0};
    encoder e = {
        .t = t, .parts = parts, .n_parts = n_parts, .flags = flags, .out = out, .err = err};
    if (n_parts == 1) {
        e.text = parts[0].text;
    } else {
        for (size_t i = 0; i < n_parts; i++)
            rn_buf_add(&joined, parts[i].text.data, parts[i].text.len);
        e.text = rn_buf_view(&joined);
    }
    size_t before = out->n;
    int rc = 0;
    if (!rn_buf_ok(&joined))
        rc = rn_fail(err, RN_ENOMEM, "out of memory joining %zu parts of a text", n_parts);
    else if (e.text.len > INT32_MAX / 2)
        rc = rn_fail(err, RN_ELIMIT, "a text of %zu bytes cannot be tokenized at once", e.text.len);
    if (!rc && t->pre && !(e.pre_work = tok_pre_work_new(t->pre)))
        rc = rn_fail(err, RN_ENOMEM, "out of memory tokenizing %zu bytes", e.text.len);
    if (!rc) rc = encode(&e);
    if (rc) out->n = before;
    tok_work_free(&e.work);
    tok_pre_work_free(e.pre_work);
    rn_buf_free(&e.prefixed);
    rn_buf_free(&joined);
    return rc;
}

int rn_tok_encode(const rn_tok *t, rn_bytes text, unsigned flags, rn_ids *out, rn_err *err)
{
    rn_tok_part part = {.text = text, .special = (flags & RN_TOK_SPECIAL) != 0};
    return rn_tok_encode_parts(t, &part, 1, flags, out, err);
}
