/* tok_decode.h: token ids back into text, for round trips. */
#ifndef RN_TOK_DECODE_H
#define RN_TOK_DECODE_H

#include "model/tok_priv.h"

enum {
    FROM_START = 1,   /* undoes the space before the text; control tokens may stand first */
    SHOW_CONTROL = 2, /* control tokens as the file spells them, else nothing */
};

/* Appends the text of the ids to *out. */
static inline void decode(const rn_tok *t, const rn_ids *ids, unsigned how, rn_buf *out)
{
    bool strip = (how & FROM_START) && t->spm && t->add_space_prefix;
    bool at_start = true; /* where the encoder puts a space: first, and after control tokens */
    for (size_t i = 0; i < ids->n; i++) {
        rn_bytes b = rn_tok_bytes(t, ids->v[i]);
        if (rn_tok_is_control(t, ids->v[i])) {
            rn_bytes text = t->texts[ids->v[i]];
            if (how & SHOW_CONTROL) rn_buf_add(out, text.data, text.len);
            at_start = true;
            continue;
        }
        if (b.len == 0) continue;
        bool text = t->types[ids->v[i]] == TOK_NORMAL || t->types[ids->v[i]] == TOK_BYTE;
        if (strip && at_start && text && b.data[0] == ' ') {
            b.data++;
            b.len--;
        }
        rn_buf_add(out, b.data, b.len);
        at_start = false;
    }
}

#endif
