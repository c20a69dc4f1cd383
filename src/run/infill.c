/* infill.c: see infill.h. The order is prefix, suffix, middle, in which all families were trained.
 */
#include "run/infill.h"

/* The texts of the tokens that begin the prompt, stand for the gap, and end it. */
typedef struct marks {
    rn_bytes begin, hole, end;
} marks;

static bool find_marks(const rn_tok *t, marks *m)
{
    int32_t id[3];
    if (!rn_tok_fim(t, id)) return false;
    *m = (marks){rn_tok_text(t, id[0]), rn_tok_text(t, id[1]), rn_tok_text(t, id[2])};
    return m->begin.len && m->hole.len && m->end.len;
}

static bool holds(const char *text, rn_bytes mark)
{
    return memmem(text, strlen(text), mark.data, mark.len) != NULL;
}

bool rn_infill_applies(const rn_problem *p, const rn_tok *t)
{
    marks m;
    return p->suffix && find_marks(t, &m);
}

int rn_infill_build(const rn_problem *p, const rn_tok *t, rn_buf *out, rn_err *err)
{
    marks m;
    if (!find_marks(t, &m)) return rn_fail(err, RN_EUNSUPPORTED, "the model fills no gaps");
    const rn_bytes all[] = {m.begin, m.hole, m.end};
    for (size_t i = 0; i < 3; i++)
        if (holds(p->prompt, all[i]) || holds(p->suffix, all[i]))
            return rn_fail(err, RN_EINVAL, "%s: its text holds the model's own token %.*s",
                           p->task_id, (int)all[i].len, all[i].data);
    rn_buf_add(out, m.begin.data, m.begin.len);
    rn_buf_puts(out, p->prompt);
    rn_buf_add(out, m.hole.data, m.hole.len);
    rn_buf_puts(out, p->suffix);
    rn_buf_add(out, m.end.data, m.end.len);
    return rn_buf_ok(out) ? 0 : rn_nomem(err, p->task_id);
}

int rn_infill_encode(const rn_tok *t, rn_bytes prompt, rn_ids *out, rn_err *err)
{
    marks m;
    const size_t n = prompt.len;
    if (!find_marks(t, &m) || n < m.begin.len + m.hole.len + m.end.len ||
        memcmp(prompt.data, m.begin.data, m.begin.len) != 0 ||
        memcmp(prompt.data + n - m.end.len, m.end.data, m.end.len) != 0)
        return rn_tok_encode(t, prompt, RN_TOK_BOS, out, err);
    const char *before = prompt.data + m.begin.len, *end = prompt.data + n - m.end.len;
    const char *hole = memmem(before, (size_t)(end - before), m.hole.data, m.hole.len);
    if (!hole) return rn_tok_encode(t, prompt, RN_TOK_BOS, out, err);
    const char *behind = hole + m.hole.len;
    const rn_tok_part parts[] = {{m.begin, true},
                                 {{before, (size_t)(hole - before)}, false},
                                 {m.hole, true},
                                 {{behind, (size_t)(end - behind)}, false},
                                 {m.end, true}};
    return rn_tok_encode_parts(t, parts, sizeof parts / sizeof parts[0], RN_TOK_BOS, out, err);
}
