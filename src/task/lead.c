/*
 * lead.c: how a text begins: as code at the margin or indented, as a value, as a sentence.
 *
 * Everything is told by logical lines (pylex.h), so that strings and brackets across lines keep
 * their inner lines as they are.
 */
#include "task/lead.h"

#include <ctype.h>

rn_lead rn_lead_of(rn_bytes text)
{
    rn_lead l = {0};
    rn_pylex x;
    rn_pyline line;
    rn_pylex_init(&x, text);
    while (l.n < 2 && rn_pyline_next(&x, &line)) {
        if (line.comment) continue;
        *(l.n++ ? &l.second : &l.first) = line;
    }
    return l;
}

void rn_lead_put_shifted(rn_bytes text, int columns, bool all, int tab, rn_buf *out)
{
    rn_pylex x;
    rn_pyline line;
    size_t done = 0;
    rn_pylex_init(&x, text);
    while (rn_pyline_next(&x, &line)) {
        rn_buf_add(out, text.data + done, line.start - done);
        int have = 0;
        for (size_t i = line.start; i < line.first; i++)
            have += text.data[i] == '\t' ? (tab > 0 ? tab : 8) : 1;
        int want = have > 0 || all ? have + columns : 0;
        for (int i = 0; i < want; i++)
            rn_buf_putc(out, ' ');
        rn_buf_add(out, text.data + line.first, line.end - line.first);
        done = line.end;
    }
    rn_buf_add(out, text.data + done, text.len - done);
}

bool rn_lead_is_value(rn_bytes text, const rn_lead *l)
{
    rn_pylex x;
    rn_pylex_init(
        &x, (rn_bytes){.data = text.data + l->first.first, .len = l->first.end - l->first.first});
    rn_pytok first = rn_pylex_next(&x);
    rn_bytes word = rn_pytok_text(&x, first);
    bool objects = l->n > 1 && word.data[0] == '{' && text.data[l->second.first] == '{';
    if (l->n > 1 && !l->second.prose && !objects) return false;
    if (first.kind == RN_PY_NUMBER || first.kind == RN_PY_STRING) return true;
    if (first.kind == RN_PY_OP) return strchr("{[", word.data[0]) != NULL;
    rn_pytok next = rn_pylex_next(&x);
    return !rn_py_is_keyword(word) && (next.kind == RN_PY_NEWLINE || next.kind == RN_PY_END);
}

rn_bytes rn_lead_returning(rn_bytes text)
{
    rn_pylex x;
    rn_pyline line, first = {0};
    rn_bytes part = {0};
    bool inside = false, behind_prose = true, returns = false;
    rn_pylex_init(&x, text);
    while (rn_pyline_next(&x, &line)) {
        if (line.comment) continue;
        rn_bytes code = {.data = text.data + line.first, .len = line.end - line.first};
        inside &= line.indent >= first.indent && !line.prose;
        if (!inside) {
            inside = behind_prose && line.indent > 0 && !line.prose;
            first = line;
            returns = false;
        }
        behind_prose = line.prose;
        returns |= rn_bytes_starts(code, "return ") || rn_bytes_starts(code, "yield ");
        if (!inside || !returns || line.open || line.unfinished) continue;
        part = (rn_bytes){.data = text.data + first.start, .len = line.end - first.start};
    }
    return part;
}

bool rn_lead_is_sentence(rn_bytes text)
{
    size_t n = 0;
    while (n < text.len && isalpha((unsigned char)text.data[n]))
        n++;
    return n < text.len && text.data[n] && strchr(n ? " ',:" : "*", text.data[n]);
}
