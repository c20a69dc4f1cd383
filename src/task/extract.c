/*
 * extract.c: the extractors by name.
 *
 * Raw text is kept for ever and extraction is a pure function of (extractor, preset, problem, raw),
 * so that a better one can be run on old samples. docs/FORMATS.md defines each; what a
 * continuation, a definition and a fence are is told in pyselect.h and markup.h.
 */
#include "task/prompt.h"

#include "task/foreign.h"
#include "task/lead.h"
#include "task/markup.h"
#include "task/pylex.h"
#include "task/pyscope.h"
#include "task/pyselect.h"

/* One extraction under way. */
typedef struct job {
    const rn_preset *preset;
    const rn_problem *p;
    rn_bytes raw;
    rn_buf *out;
    rn_extracted what;
    bool wanted;            /* the code defines what the tests use */
    bool lost;              /* it is a body by assumption: unindented lines, no `return` */
    bool complete;          /* and the definition is whole */
    bool cut;               /* or the text's end may have cut it */
    int streams;            /* of a script: 1 it writes, 2 it reads, 3 both */
    bool margin;            /* code that Markdown indents does not count */
    const rn_bytes *others; /* [n_others] other blocks of the answer, nearest first; borrowed */
    size_t n_others;
    rn_err *err;
} job;

/* ---- small parts ----------------------------------------------------------------------------- */

static const char *const *stops_of(const job *j)
{
    static const char *const by_form[] = {
        [RN_FORM_CHECK] = "humaneval-0shot",
        [RN_FORM_ASSERTS] = "mbpp-3shot",
        [RN_FORM_STDIO] = "apps-2shot",
        [RN_FORM_CALL] = "apps-2shot",
    };
    return j->preset ? j->preset->stop : rn_preset_find(by_form[j->p->form])->stop;
}

static size_t first_stop(const job *j, rn_bytes text)
{
    for (const char *const *s = stops_of(j); *s; s++) {
        size_t at = rn_bytes_find(text, rn_bytes_of(*s), 0);
        if (at < text.len) text.len = at;
    }
    return text.len;
}

static bool is_blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '\0' || !strchr(" \t\r\n\f\v", s.data[i])) return false;
    return true;
}

/* The name that the tests call first: "f" of "Solution().f" is asked of the class. */
static rn_bytes entry_of(const rn_problem *p)
{
    static const char own[] = "Solution";
    if (p->entry_point) {
        rn_bytes whole = rn_bytes_of(p->entry_point);
        if (p->form == RN_FORM_CALL) return whole;
        size_t n = 0;
        while (n < whole.len && whole.data[n] != '.' && whole.data[n] != '(')
            n++;
        return (rn_bytes){.data = whole.data, .len = n};
    }
    rn_bytes test = rn_bytes_of(p->n_asserts ? p->asserts[0] : "");
    rn_pylex x;
    rn_pylex_init(&x, test);
    rn_bytes name = {0};
    bool attribute = false;
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        rn_bytes w = rn_pytok_text(&x, t);
        bool called = t.kind == RN_PY_OP && w.data[0] == '(';
        if (called && name.len && !rn_py_is_builtin(name)) return name;
        name = t.kind == RN_PY_NAME && !attribute && !rn_py_is_keyword(w) ? w : (rn_bytes){0};
        attribute = t.kind == RN_PY_OP && w.data[0] == '.';
    }
    return p->form == RN_FORM_CALL ? rn_bytes_of(own) : (rn_bytes){0};
}

/* The names that the tests use, as source for rn_py_select; the one that counts comes first. */
static void put_roots(const rn_problem *p, rn_buf *roots)
{
    rn_bytes entry = entry_of(p);
    rn_buf_add(roots, entry.data, entry.len);
    if (p->form == RN_FORM_CALL) rn_buf_puts(roots, "\nSolution");
    rn_buf_puts(roots, "\n");
    for (size_t i = 0; i < p->n_asserts; i++)
        rn_buf_printf(roots, "%s\n", p->asserts[i]);
    if (p->form == RN_FORM_ASSERTS) rn_buf_puts(roots, p->setup);
}

/* ---- raw and stop ---------------------------------------------------------------------------- */

static int extract_raw(job *j)
{
    rn_buf_add(j->out, j->raw.data, j->raw.len);
    j->what.found = !is_blank(j->raw);
    j->what.markup = rn_chat_has_markup(j->raw);
    return 0;
}

/* A program that does not need the prompt: evalplus' solutions, bigcode's generations. */
static int extract_whole(job *j)
{
    j->what.whole = j->what.alone = true;
    return extract_raw(j);
}

static int extract_stop(job *j)
{
    rn_bytes kept = {.data = j->raw.data, .len = first_stop(j, j->raw)};
    rn_buf_add(j->out, kept.data, kept.len);
    j->what.found = !is_blank(kept);
    j->what.markup = rn_chat_has_markup(j->raw);
    return 0;
}

/* ---- completion ------------------------------------------------------------------------------ */

static int nomem(job *j)
{
    return rn_fail(j->err, RN_ENOMEM, "out of memory reading an answer");
}

/* The columns at which a body must stand: those of the docstring that the prompt ends with; 0 where
 * it ends otherwise, so that any will do. */
static int body_indent(const rn_problem *p)
{
    rn_bytes prompt = rn_bytes_of(p->prompt);
    rn_pylex x;
    rn_pyline line;
    int indent = 0;
    rn_pylex_init(&x, prompt);
    while (rn_pyline_next(&x, &line)) {
        if (line.comment) continue;
        rn_pylex y;
        rn_pylex_init(&y,
                      (rn_bytes){.data = prompt.data + line.first, .len = line.end - line.first});
        bool docstring = rn_pylex_next(&y).kind == RN_PY_STRING && !line.open;
        indent = docstring ? line.indent : 0;
    }
    return indent;
}

static bool defines_at_once(rn_bytes text, const rn_pyline *line)
{
    static const char *const top[] = {"def ", "class ", "import ", "from ", "async ", "@"};
    rn_bytes rest = {.data = text.data + line->first, .len = text.len - line->first};
    for (size_t i = 0; i < sizeof top / sizeof top[0]; i++)
        if (rn_bytes_starts(rest, top[i])) return true;
    return false;
}

/* The definition of the entry point in an indented line, so that the whole text is indented. */
static bool defines_entry(const job *j, rn_bytes text, const rn_pyline *line)
{
    rn_bytes code = {.data = text.data + line->first, .len = line->end - line->first};
    rn_pylex x;
    rn_pylex_init(&x, code);
    rn_pytok t = rn_pylex_next(&x);
    rn_bytes w = rn_pytok_text(&x, t);
    if (!rn_bytes_equal(w, rn_bytes_of("def")) && !rn_bytes_equal(w, rn_bytes_of("class")))
        return false;
    t = rn_pylex_next(&x);
    return rn_bytes_equal(rn_pytok_text(&x, t), entry_of(j->p));
}

/* Whether the text continues the prompt's function. */
static bool continues(const job *j, rn_bytes text, const rn_lead *l)
{
    const char *prompt = j->p->prompt, *nl = strrchr(prompt, '\n');
    const char *last = nl ? nl + 1 : prompt;
    if (l->n == 0) return false;
    if (*last && is_blank(rn_bytes_of(last)) && l->first.start == 0) return true;
    return l->first.indent > 0 && !defines_entry(j, text, &l->first);
}

/* Gives a body the indentation that the prompt's docstring asks for. */
static void put_body(const job *j, rn_bytes text, const rn_lead *l, rn_buf *out)
{
    int want = body_indent(j->p), have = l->first.indent;
    size_t i = l->first.start;
    bool tabs = text.data[i] == '\t';
    bool fits = want == 0 || have == 0 || (have == want && !tabs);
    if (fits || l->first.prose) {
        rn_buf_add(out, text.data, text.len);
        return;
    }
    if (!tabs && l->n == 2 && l->second.indent == want && !l->first.unfinished) { /* only it */
        rn_buf_add(out, text.data, i);
        for (int n = 0; n < want; n++)
            rn_buf_putc(out, ' ');
        rn_buf_add(out, text.data + l->first.first, text.len - l->first.first);
        return;
    }
    int tab = 0;
    if (tabs) {
        tab = 4;
        have = 0;
        for (; i < l->first.first; i++)
            have += text.data[i] == '\t' ? tab : 1;
    }
    rn_lead_put_shifted(text, want - have, false, tab, out);
}

/* A body that lost its indentation on the way, all of it or that of its first line. */
static bool put_lost_body(const job *j, rn_bytes text, const rn_lead *l, bool returns, rn_buf *out)
{
    size_t n = strlen(j->p->prompt);
    bool prose = l->n == 0 || l->first.prose || text.len == 0 || text.data[0] == '<';
    if (prose || l->first.indent > 0 || n == 0 || j->p->prompt[n - 1] != '\n' ||
        defines_at_once(text, &l->first) || rn_lead_is_value(text, l))
        return false;
    int want = body_indent(j->p) ? body_indent(j->p) : 4;
    bool opens = l->first.unfinished; /* a header: the next line is deeper */
    bool first_only = l->n == 2 && (opens ? l->second.indent > want : l->second.indent > 0);
    if (!first_only && !returns && l->n == 2 && l->second.prose) first_only = true;
    if (first_only || (l->n == 2 && !returns && !opens && l->second.indent > 0)) {
        rn_buf_add(out, text.data, l->first.start);
        for (int i = 0; i < want; i++)
            rn_buf_putc(out, ' ');
        rn_buf_add(out, text.data + l->first.start, text.len - l->first.start);
    } else {
        rn_lead_put_shifted(text, want, true, 0, out);
    }
    return true;
}

static int select_into(job *j, rn_bytes text, rn_select_mode mode, rn_selected *s)
{
    rn_buf roots = {0};
    put_roots(j->p, &roots);
    rn_select_in in = {.mode = mode,
                       .text = text,
                       .roots = rn_buf_view(&roots),
                       .entry = entry_of(j->p),
                       .others = j->others,
                       .n_others = j->n_others};
    if (j->p->form == RN_FORM_CHECK) in.known = rn_bytes_of(j->p->prompt);
    int rc = rn_buf_ok(&roots) ? rn_py_select(&in, j->out, s, j->err) : nomem(j);
    rn_buf_free(&roots);
    return rc;
}

static int select_body(job *j, rn_bytes text, const rn_lead *l, bool returns, rn_selected *s)
{
    rn_buf body = {0};
    int rc = 0;
    bool is_body = true;
    if (l->first.indent > 0 || continues(j, text, l))
        put_body(j, text, l, &body);
    else
        is_body = put_lost_body(j, text, l, returns, &body);
    if (!rn_buf_ok(&body))
        rc = nomem(j);
    else if (is_body)
        rc = select_into(j, rn_buf_view(&body), RN_SELECT_BODY, s);
    rn_buf_free(&body);
    if (is_body) j->what.whole = false;
    return rc;
}

/* Takes the indentation of a whole program off. */
static int select_indented(job *j, rn_bytes text, const rn_lead *l, rn_select_mode mode,
                           rn_selected *s)
{
    rn_buf flat = {0};
    rn_lead_put_shifted(text, -l->first.indent, false, 0, &flat);
    int rc = rn_buf_ok(&flat) ? select_into(j, rn_buf_view(&flat), mode, s) : nomem(j);
    rn_buf_free(&flat);
    return rc;
}

/* The part of a text of prose that Markdown indents as code: from the line at some column that
 * defines the entry point, with the indented lines before it, to the next line at a lesser one. Of
 * a script the first such lines. */
static rn_bytes indented_part(const job *j, rn_bytes text, rn_lead *l)
{
    rn_pylex x;
    rn_pyline line, first = {0};
    size_t end = 0;
    bool defined = false, script = j->p->form == RN_FORM_STDIO;
    bool header = false; /* the line above opens a block of its own */
    rn_pylex_init(&x, text);
    while (rn_pyline_next(&x, &line)) {
        bool inside = end > 0 && line.indent >= first.indent;
        if (!inside && defined) break;
        if (!inside) {
            first = line;
            end = 0;
        }
        if (line.indent == 0 || line.prose || (header && !inside)) {
            header = line.unfinished || (header && line.indent > 0);
            if (inside) break;
            continue;
        }
        end = line.end;
        defined |= line.indent == first.indent && (script || defines_entry(j, text, &line));
    }
    if (!defined) return (rn_bytes){0};
    *l = (rn_lead){.first = first, .n = 1};
    return (rn_bytes){.data = text.data + first.start, .len = end - first.start};
}

/* Code without fences: `text` is clean and cut at the stop strings. */
static int select_code(job *j, rn_bytes text)
{
    rn_selected s = {0};
    bool check = j->p->form == RN_FORM_CHECK, script = j->p->form == RN_FORM_STDIO;
    rn_select_mode mode = script ? RN_SELECT_SCRIPT : RN_SELECT_DEFS;
    rn_lead l = rn_lead_of(text);
    int rc = 0;
    bool body = check && continues(j, text, &l);
    if (body) {
        size_t before = j->out->len;
        rc = select_body(j, text, &l, false, &s);
        /* `pass`, and the whole function below it. */
        rn_selected below = {0};
        size_t stub = j->out->len;
        if (!rc && s.found && !s.complete) rc = select_into(j, text, mode, &below);
        if (!rc && below.complete) {
            memmove(j->out->data + before, j->out->data + stub, j->out->len - stub + 1);
            j->out->len -= stub - before;
            j->what.whole = true;
            s = below;
        } else if (j->out->len > stub) {
            j->out->data[j->out->len = stub] = '\0';
        }
    } else {
        j->what.whole = true;
        bool flat = l.n == 0 || l.first.indent == 0 || l.first.prose;
        rc = flat ? select_into(j, text, mode, &s) : select_indented(j, text, &l, mode, &s);
        bool returns = s.dedented;
        if (!rc && !s.found && flat && !j->margin) {
            rn_lead in = {0};
            rn_bytes part = indented_part(j, text, &in);
            if (part.len) rc = select_indented(j, part, &in, mode, &s);
        }
        if (!rc && !s.found && check) {
            rc = select_body(j, text, &l, returns, &s);
            j->lost = !returns && l.n > 0 && l.first.indent == 0;
        }
    }
    j->wanted = s.found && !script;
    j->complete = s.complete;
    j->cut = s.cut;
    j->streams = script ? 2 * s.reads + s.writes : 0;
    /* Another name than the tests use: still the program that was written. */
    if (!rc && !s.found && !check) rc = select_into(j, text, RN_SELECT_SCRIPT, &s);
    if (rc) return rc;
    j->what.found = s.found;
    j->what.unterminated |= s.open;
    return 0;
}

static int select_completion(job *j, rn_bytes text)
{
    if (!rn_chat_is_transcript(text)) return select_code(j, text);
    rn_buf typed = {0};
    rn_chat_put_typed(text, &typed);
    int rc = rn_buf_ok(&typed) ? select_code(j, rn_buf_view(&typed)) : nomem(j);
    rn_buf_free(&typed);
    return rc;
}

/* Text without blocks: code; or a function's body that prose introduces. */
static int select_plain(job *j, rn_bytes text)
{
    rn_selected s = {0};
    int rc = select_completion(j, text);
    if (rc || j->what.found || !rn_lead_is_sentence(text) || j->p->form != RN_FORM_CHECK) return rc;
    rn_bytes part = rn_lead_returning(text);
    rn_lead l = rn_lead_of(part);
    if (l.n) rc = select_body(j, part, &l, true, &s);
    j->what.found = s.found;
    j->what.unterminated |= s.open;
    return rc;
}

/* Nothing found: the raw text stands for itself, as under raw/1. */
static void keep_raw(job *j)
{
    if (j->what.found) return;
    j->what.whole = j->p->form != RN_FORM_CHECK || j->what.thinking;
    if (!j->what.thinking) rn_buf_add(j->out, j->raw.data, j->raw.len);
}

/* What stands between prompt and suffix is the answer itself. */
static int extract_infilling(job *j, rn_bytes text)
{
    rn_buf_add(j->out, text.data, text.len);
    j->what.found = !is_blank(text);
    return 0;
}

/* The raw text as a page or a terminal would show it. */
static void put_clean(const job *j, rn_buf *out)
{
    rn_buf lines = {0};
    rn_chat_clean(j->raw, &lines);
    rn_chat_plain_blanks(rn_buf_view(&lines), out);
    out->failed |= !rn_buf_ok(&lines);
    rn_buf_free(&lines);
}

static int extract_completion(job *j)
{
    rn_buf clean = {0};
    put_clean(j, &clean);
    rn_bytes text = rn_chat_before_end(rn_buf_view(&clean));
    /* A function's body is cut by its own end; other programs by the prompt's stop strings. */
    if (j->p->form != RN_FORM_CHECK) text.len = first_stop(j, text);
    int rc = !rn_buf_ok(&clean) ? nomem(j)
             : j->p->suffix     ? extract_infilling(j, text)
                                : select_plain(j, text);
    if (!rc && !j->p->suffix) keep_raw(j);
    rn_buf_free(&clean);
    j->what.markup = !j->what.found && rn_chat_has_markup(j->raw);
    return rc;
}

/* ---- chat ------------------------------------------------------------------------------------ */

/* A fenced block, or what may be one. */
typedef struct candidate {
    rn_buf code;
    bool python, other, open;
    bool inner; /* held by a JSON value or the like: only what is sure to be the program counts */
    bool gap;   /* the text between blocks: only a whole program in it counts */
    size_t score;
} candidate;

typedef struct candidates {
    RN_VEC(candidate) v;
} candidates;

static void add_candidate(candidates *c, const rn_chat_block *b, bool inner)
{
    candidate x = {.python = b->python, .other = b->other, .open = b->open, .inner = inner};
    rn_chat_put_code(b, &x.code);
    rn_buf_puts(&x.code, "");
    if (!rn_vec_push(&c->v, x)) rn_buf_free(&x.code);
}

/* The blocks of what a text holds, or that itself where it has none. Frees it. */
static void add_texts(candidates *c, rn_chat_texts *inner)
{
    for (size_t i = 0; i < inner->v.n; i++) {
        rn_bytes s = rn_buf_view(&inner->v.data[i]);
        rn_chat_block b = {.code = s};
        size_t pos = 0;
        bool any = false;
        while (rn_chat_next_block(s, &pos, &b)) {
            add_candidate(c, &b, true);
            any = true;
        }
        if (!any) add_candidate(c, &(rn_chat_block){.code = s}, true);
    }
    c->v.failed |= inner->failed;
    rn_chat_texts_free(inner);
}

static void add_inner(candidates *c, rn_bytes text)
{
    rn_chat_texts inner = {0};
    rn_chat_unwrap(text, &inner);
    add_texts(c, &inner);
}

static void add_gap(candidates *c, rn_bytes text, size_t from, size_t to)
{
    rn_bytes gap = {.data = text.data + from, .len = to > from ? to - from : 0};
    size_t done = rn_bytes_find(gap, rn_bytes_of("\n[DONE]"), 0);
    if (done < gap.len) gap.len = done;
    if (is_blank(gap)) return;
    size_t n = c->v.n;
    add_candidate(c, &(rn_chat_block){.code = gap}, false);
    if (c->v.n > n) c->v.data[n].gap = true;
}

static void free_candidates(candidates *c)
{
    for (size_t i = 0; i < c->v.n; i++)
        rn_buf_free(&c->v.data[i].code);
    rn_vec_free(&c->v);
}

/* Selects from candidate i; the others give what it lacks. */
static int select_from(job *j, const candidates *c, size_t i, bool with_others)
{
    RN_VEC(rn_bytes) others = {0};
    for (int gaps = 0; with_others && gaps < 2; gaps++) /* what is no block comes last */
        for (size_t d = 1; d < c->v.n; d++) {           /* before it from the nearest, then after */
            const candidate *o = &c->v.data[d <= i ? i - d : d];
            if (!o->other && o->gap == gaps) rn_vec_push(&others, rn_buf_view(&o->code));
        }
    j->others = others.data;
    j->n_others = others.n;
    int rc = rn_vec_ok(&others) ? select_completion(j, rn_buf_view(&c->v.data[i].code)) : nomem(j);
    j->others = NULL;
    j->n_others = 0;
    rn_vec_free(&others);
    return rc;
}

/* How well it fits; of equals the last is taken, of programs that nothing speaks for the longest.
 */
static int rate(job *j, const candidates *c, size_t i, size_t *score)
{
    enum { STEP = 1 << 28 };
    rn_buf picked = {0};
    job k = *j;
    k.out = &picked;
    k.what = (rn_extracted){0};
    k.margin = c->v.data[i].gap;
    int rc = select_from(&k, c, i, false);
    size_t len = picked.len < STEP / 4 ? picked.len : STEP / 4;
    const candidate *x = &c->v.data[i];
    bool open = k.what.unterminated || (x->open && k.cut);
    if (!k.what.found)
        *score = 0;
    else if (k.wanted && k.lost)
        *score = STEP;
    else if (k.wanted) /* a definition before a body, a whole one before a stub or a cut one */
        *score = (size_t)STEP * (size_t)(k.complete ? 8 + 2 * k.what.whole - 3 * open : 4 - open);
    else if (k.streams)
        *score = (size_t)STEP * (size_t)(4 + k.streams - 2 * open);
    else
        *score = 1 + (x->python ? (size_t)STEP / 2 : 0) + (open ? len / 2 : len);
    if (x->other && !(k.wanted && k.complete && k.what.whole)) *score = 0;
    if (x->other && *score) *score = STEP; /* named otherwise, and still the definition */
    if (x->inner && (k.lost || !(k.wanted || k.streams))) *score = 0;
    if (x->gap && !(k.wanted ? k.complete && k.what.whole : k.streams == 3)) *score = 0;
    rn_buf_free(&picked);
    return rc;
}

/* The text before the first fence: a block that the prompt opened, or code without fences. True if
 * it is code; *pos is then behind the fence that closes it. */
static int try_head(job *j, rn_bytes answer, candidates *c, size_t *pos, bool *is_head)
{
    rn_chat_block b = {0};
    size_t p = 0, behind = 0;
    size_t fence = rn_chat_next_block(answer, &p, &b) ? b.start : answer.len;
    bool bare = b.bare && fence < answer.len;
    size_t close = rn_chat_first_close((rn_bytes){.data = answer.data, .len = fence}, &behind);
    rn_bytes head = {.data = answer.data, .len = close};
    rn_lead l = rn_lead_of(head);
    *is_head = false;
    if (l.n == 0 || l.first.prose) return 0;
    rn_chat_block block = {.code = head, .python = true};
    size_t n = c->v.n;
    add_candidate(c, &block, false);
    if (c->v.n == n) return nomem(j);
    size_t score = 0;
    int rc = rate(j, c, n, &score);
    enum { STEP = 1 << 28 };
    if (rc || score < (size_t)STEP) {
        rn_buf_free(&c->v.data[--c->v.n].code);
        return rc;
    }
    c->v.data[n].score = score;
    *is_head = true;
    rn_bytes mark = {.data = answer.data + close, .len = answer.len - close};
    if (close < fence) /* behind [DONE] another problem begins */
        *pos = rn_bytes_starts(mark, "[DONE]") ? answer.len : behind;
    else if (bare) /* the fence's line closes the block */
        while (*pos < answer.len && (*pos <= fence || answer.data[*pos - 1] != '\n'))
            ++*pos;
    return 0;
}

/* What is not in a block, for an answer whose blocks hold no code. */
static int select_outside(job *j, rn_bytes answer)
{
    rn_buf text = {0};
    rn_chat_block b = {0};
    size_t pos = 0, done = 0;
    while (rn_chat_next_block(answer, &pos, &b)) {
        rn_buf_add(&text, answer.data + done, b.start - done);
        done = pos;
    }
    rn_buf_add(&text, answer.data + done, answer.len - done);
    rn_selected s = {0};
    int rc = rn_buf_ok(&text) ? 0 : nomem(j);
    /* Text behind a fence is never a function's body. */
    if (!rc && j->p->form != RN_FORM_STDIO)
        rc = select_into(j, rn_buf_view(&text), RN_SELECT_DEFS, &s);
    rn_buf_free(&text);
    j->what.found = s.found;
    j->what.unterminated |= s.open;
    j->what.whole = true;
    return rc;
}

/* Whether a line from `from` to `to` begins with [DONE]: what follows is another problem's. */
static bool has_done(rn_bytes text, size_t from, size_t to)
{
    rn_bytes gap = {.data = text.data + from, .len = to > from ? to - from : 0};
    return rn_bytes_starts(gap, "[DONE]") ||
           rn_bytes_find(gap, rn_bytes_of("\n[DONE]"), 0) != SIZE_MAX;
}

/* Rates the candidates from `first` on. */
static int rate_from(job *j, candidates *c, size_t first)
{
    int rc = rn_vec_ok(&c->v) ? 0 : nomem(j);
    for (size_t i = first; !rc && i < c->v.n; i++)
        rc = rate(j, c, i, &c->v.data[i].score);
    return rc;
}

/* The last of the best; SIZE_MAX: none is any good. */
static size_t best_of(const candidates *c)
{
    size_t best = SIZE_MAX, score = 1;
    for (size_t i = 0; i < c->v.n; i++) {
        if (c->v.data[i].score < score) continue;
        best = i;
        score = c->v.data[i].score;
    }
    return best;
}

/* The blocks of an answer, and what they hold where they are no code. */
static int add_blocks(job *j, rn_bytes answer, candidates *c, size_t *n_blocks)
{
    rn_chat_block block = {0};
    size_t pos = 0;
    bool head = false;
    int rc = try_head(j, answer, c, &pos, &head);
    for (size_t from = pos; !rc; from = pos) {
        const size_t first = c->v.n;
        bool any = rn_chat_next_block(answer, &pos, &block);
        size_t to = any ? block.start : answer.len;
        if (any || *n_blocks) add_gap(c, answer, from, to);
        if (*n_blocks && has_done(answer, from, to)) any = false;
        if (any) {
            ++*n_blocks;
            add_candidate(c, &block, false);
            add_inner(c, block.code);
        }
        rc = rate_from(j, c, first);
        if (!any || block.last) break;
    }
    return rc;
}

/* A JSON value among other text, where there is nothing else. */
static int rate_within(job *j, rn_bytes answer, candidates *c)
{
    const size_t first = c->v.n;
    rn_chat_texts within = {0};
    rn_chat_unwrap_within(answer, &within);
    add_texts(c, &within);
    return rate_from(j, c, first);
}

static int select_chat(job *j, rn_bytes answer)
{
    candidates c = {0};
    size_t n_blocks = 0;
    add_inner(&c, answer);
    int rc = rate_from(j, &c, 0);
    size_t best = best_of(&c);
    if (!rc && best == SIZE_MAX) {
        free_candidates(&c);
        rc = add_blocks(j, answer, &c, &n_blocks);
        best = best_of(&c);
        if (!rc && best == SIZE_MAX) rc = rate_within(j, answer, &c);
        best = best_of(&c);
    }
    if (rc) {
    } else if (best != SIZE_MAX) {
        bool open = c.v.data[best].open;
        rc = select_from(j, &c, best, true);
        j->what.unterminated |= open;
    } else if (n_blocks == 0) {
        rc = select_plain(j, answer);
    } else {
        rc = select_outside(j, answer);
    }
    free_candidates(&c);
    return rc;
}

static int extract_chat(job *j)
{
    rn_buf clean = {0}, answer = {0};
    bool open = false;
    put_clean(j, &clean);
    rn_chat_answer(rn_buf_view(&clean), &answer, &open);
    j->what.unterminated = open;
    int rc =
        rn_buf_ok(&clean) && rn_buf_ok(&answer) ? select_chat(j, rn_buf_view(&answer)) : nomem(j);
    j->what.thinking = open && !j->what.found;
    if (!rc) keep_raw(j);
    rn_buf_free(&clean);
    rn_buf_free(&answer);
    return rc;
}

static int extract_auto(job *j)
{
    rn_buf clean = {0};
    put_clean(j, &clean);
    bool markup = rn_chat_has_markup(rn_buf_view(&clean));
    rn_chat_texts inner = {0};
    if (!markup && !j->p->suffix) rn_chat_unwrap(rn_buf_view(&clean), &inner);
    if (!markup && !j->p->suffix && !inner.v.n) rn_chat_unwrap_within(rn_buf_view(&clean), &inner);
    markup |= inner.v.n > 0;
    bool ok = rn_buf_ok(&clean) && !inner.failed;
    rn_chat_texts_free(&inner);
    rn_buf_free(&clean);
    if (!ok) return nomem(j);
    return markup ? extract_chat(j) : extract_completion(j);
}

/* ---- other languages ------------------------------------------------------------------------- */

static int extract_foreign(job *j)
{
    rn_buf clean = {0}, answer = {0};
    bool open = false;
    rn_chat_clean(j->raw, &clean);
    rn_chat_answer(rn_buf_view(&clean), &answer, &open);
    bool ok = rn_buf_ok(&clean) && rn_buf_ok(&answer);
    if (ok) j->what.found = rn_foreign_program(j->p, rn_buf_view(&answer), j->out, &j->what.whole);
    j->what.unterminated = open;
    j->what.thinking = open && !j->what.found;
    rn_buf_free(&clean);
    rn_buf_free(&answer);
    return ok ? 0 : nomem(j);
}

/* ---- by name --------------------------------------------------------------------------------- */

/* The newest version is the one that runs: an older name asks for it, and is recorded as it. */
static const struct {
    const char *name; /* without the version */
    int version;
    const char *full;
    int (*run)(job *j);
} extractors[] = {
    {"raw", 1, "raw/1", extract_raw},
    {"stop", 1, "stop/1", extract_stop},
    {"completion", 5, "completion/5", extract_completion},
    {"chat", 5, "chat/5", extract_chat},
    {"auto", 5, "auto/5", extract_auto},
    {"whole", 2, "whole/2", extract_whole},
};

enum { N_EXTRACTORS = sizeof extractors / sizeof extractors[0] };

const char *rn_extractor_at(size_t i)
{
    return i < N_EXTRACTORS ? extractors[i].full : NULL;
}

static size_t find_extractor(const char *name)
{
    size_t n = strcspn(name, "/");
    for (size_t i = 0; i < N_EXTRACTORS; i++) {
        if (strlen(extractors[i].name) != n || strncmp(extractors[i].name, name, n) != 0) continue;
        if (name[n] == '\0') return i;
        bool digit = name[n + 1] >= '1' && name[n + 1] <= '0' + extractors[i].version;
        return digit && name[n + 2] == '\0' ? i : SIZE_MAX;
    }
    return SIZE_MAX;
}

const char *rn_extractor_find(const char *name)
{
    size_t i = find_extractor(name);
    return i == SIZE_MAX ? NULL : extractors[i].full;
}

int rn_extract(const char *extractor, const rn_preset *preset, const rn_problem *p, rn_bytes raw,
               rn_buf *out, rn_extracted *what, rn_err *err)
{
    const char *name = extractor ? extractor : preset ? preset->extractor : "raw/1";
    if (!raw.data) raw.data = "";
    job j = {.preset = preset, .p = p, .raw = raw, .out = out, .err = err};
    j.what.whole = p->form != RN_FORM_CHECK;
    size_t before = out->len, i = find_extractor(name);
    if (i == SIZE_MAX)
        return rn_fail(
            err, RN_EINVAL,
            "no extractor is called '%s'; known are raw/1, stop/1, completion/5, chat/5, auto/5 "
            "and whole/2",
            name);
    bool literal = extractors[i].run == extract_raw || extractors[i].run == extract_whole;
    int rc = p->language && !literal ? extract_foreign(&j) : extractors[i].run(&j);
    if (rc) return rc;
    if (!rn_buf_ok(out)) return nomem(&j);
    j.what.cut = out->len - before < raw.len;
    *what = j.what;
    return 0;
}
