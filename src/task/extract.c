/*
 * extract.c: the extractors by name.
 *
 * Raw text is kept for ever and extraction is a pure function of (extractor, preset, problem, raw),
 * so that a better one can be run on old samples. docs/FORMATS.md defines each; what a
 * continuation, a definition and a fence are is told in pyselect.h and chat.h.
 */
#include "task/prompt.h"

#include "task/chat.h"
#include "task/pylex.h"
#include "task/pyselect.h"

/* One extraction under way. */
typedef struct job {
    const rn_preset *preset;
    const rn_problem *p;
    rn_bytes raw;
    rn_buf *out;
    rn_extracted what;
    bool wanted; /* the code defines what the tests use */
    rn_err *err;
} job;

/* ---- small parts ------------------------------------------------------------------------------
 */

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

/* The names that the tests use, as source for rn_py_select. */
static void put_roots(const rn_problem *p, rn_buf *roots)
{
    if (p->entry_point) rn_buf_puts(roots, p->entry_point);
    if (p->form == RN_FORM_CALL) rn_buf_puts(roots, "\nSolution");
    for (size_t i = 0; i < p->n_asserts; i++)
        rn_buf_printf(roots, "%s\n", p->asserts[i]);
    if (p->form == RN_FORM_ASSERTS) rn_buf_puts(roots, p->setup);
}

/* ---- raw and stop -----------------------------------------------------------------------------
 */

static int extract_raw(job *j)
{
    rn_buf_add(j->out, j->raw.data, j->raw.len);
    j->what.found = !is_blank(j->raw);
    return 0;
}

/* A program that does not need the prompt: evalplus' solutions, bigcode's generations. */
static int extract_whole(job *j)
{
    j->what.whole = true;
    return extract_raw(j);
}

static int extract_stop(job *j)
{
    rn_bytes kept = {.data = j->raw.data, .len = first_stop(j, j->raw)};
    rn_buf_add(j->out, kept.data, kept.len);
    j->what.found = !is_blank(kept);
    return 0;
}

/* ---- completion -------------------------------------------------------------------------------
 */

/* Whether the first line of code is indented, so that it continues a function. */
static bool continues(rn_bytes text)
{
    rn_pylex x;
    rn_pyline line;
    rn_pylex_init(&x, text);
    while (rn_pyline_next(&x, &line))
        if (!line.comment) return line.indent > 0;
    return false;
}

/* An answer whose leading white space was lost on the way: it begins with code at once, which is no
 * definition, and the prompt ends with a line end. Gives its first line the body's indentation. */
static bool lost_indent(const rn_problem *p, rn_bytes text)
{
    static const char *const top[] = {"def ",   "class ", "import ", "from ",
                                      "async ", "@",      "#",       "<"};
    size_t n = strlen(p->prompt);
    if (text.len == 0 || strchr(" \t\n", text.data[0]) || n == 0 || p->prompt[n - 1] != '\n')
        return false;
    for (size_t i = 0; i < sizeof top / sizeof top[0]; i++)
        if (rn_bytes_starts(text, top[i])) return false;
    rn_pylex x;
    rn_pyline line;
    rn_pylex_init(&x, text);
    return rn_pyline_next(&x, &line) && !line.prose;
}

static int select_into(job *j, rn_bytes text, rn_select_mode mode, rn_selected *s)
{
    rn_buf roots = {0};
    put_roots(j->p, &roots);
    rn_bytes known = mode == RN_SELECT_BODY ? rn_bytes_of(j->p->prompt) : (rn_bytes){0};
    int rc = rn_buf_ok(&roots)
                 ? rn_py_select(text, mode, rn_buf_view(&roots), known, j->out, s, j->err)
                 : rn_fail(j->err, RN_ENOMEM, "out of memory reading an answer");
    rn_buf_free(&roots);
    return rc;
}

/* Code without fences: `text` is clean and cut at the stop strings. */
static int select_completion(job *j, rn_bytes text)
{
    rn_selected s = {0};
    bool check = j->p->form == RN_FORM_CHECK;
    int rc = 0;
    if (check && continues(text)) {
        rc = select_into(j, text, RN_SELECT_BODY, &s);
        j->wanted = s.found;
    } else {
        bool script = j->p->form == RN_FORM_STDIO;
        rc = select_into(j, text, script ? RN_SELECT_SCRIPT : RN_SELECT_DEFS, &s);
        j->what.whole = true;
        j->wanted = s.found && !script;
        if (!rc && !s.found && check && lost_indent(j->p, text)) {
            rn_buf indented = {0};
            rn_buf_puts(&indented, "    ");
            rn_buf_add(&indented, text.data, text.len);
            rc = rn_buf_ok(&indented)
                     ? select_into(j, rn_buf_view(&indented), RN_SELECT_BODY, &s)
                     : rn_fail(j->err, RN_ENOMEM, "out of memory reading an answer");
            rn_buf_free(&indented);
            j->what.whole = false;
        }
    }
    /* Another name than the tests use: still the program that was written. */
    if (!rc && !s.found && !check) rc = select_into(j, text, RN_SELECT_SCRIPT, &s);
    if (rc) return rc;
    j->what.found = s.found;
    j->what.unterminated |= s.open;
    return 0;
}

/* Nothing found: the raw text stands for itself, as under raw/1. */
static void keep_raw(job *j)
{
    if (j->what.found) return;
    j->what.whole = j->p->form != RN_FORM_CHECK;
    if (!j->what.thinking) rn_buf_add(j->out, j->raw.data, j->raw.len);
}

static int extract_completion(job *j)
{
    rn_buf clean = {0};
    rn_chat_clean(j->raw, &clean);
    rn_bytes text = rn_buf_view(&clean);
    /* A function's body is cut by its own end; other programs by the prompt's stop strings. */
    if (j->p->form != RN_FORM_CHECK) text.len = first_stop(j, text);
    int rc = rn_buf_ok(&clean) ? select_completion(j, text)
                               : rn_fail(j->err, RN_ENOMEM, "out of memory reading an answer");
    if (!rc) keep_raw(j);
    rn_buf_free(&clean);
    return rc;
}

/* ---- chat -------------------------------------------------------------------------------------
 */

typedef struct best {
    rn_buf code;
    bool found, whole, open;
    size_t score; /* of a block without the wanted definition: its length */
} best;

/* Tries one block: the first complete one with the wanted definition ends the search. */
static int try_block(job *j, const rn_chat_block *block, best *b)
{
    rn_buf code = {0}, picked = {0};
    rn_chat_put_code(block, &code);
    job k = *j;
    k.out = &picked;
    k.what = (rn_extracted){0};
    int rc = rn_buf_ok(&code) ? select_completion(&k, rn_buf_view(&code))
                              : rn_fail(j->err, RN_ENOMEM, "out of memory reading an answer");
    if (rc) goto out;
    bool open = k.what.unterminated || block->open;
    size_t score = !k.what.found ? 0 : k.wanted ? SIZE_MAX / 2 : picked.len;
    if (block->python && !k.wanted && score) score += SIZE_MAX / 8;
    if (open) score /= 2;
    if (k.what.found && score > b->score) {
        rn_buf t = b->code;
        b->code = picked;
        picked = t;
        b->found = true;
        b->whole = k.what.whole;
        b->open = open;
        b->score = score;
    }
out:
    rn_buf_free(&code);
    rn_buf_free(&picked);
    return rc;
}

static int select_chat(job *j, rn_bytes answer)
{
    best b = {0};
    rn_chat_block block = {0};
    size_t pos = 0, n = 0;
    int rc = 0;
    bool first_bare = false;
    while (!rc && rn_chat_next_block(answer, &pos, &block)) {
        if (n++ == 0) first_bare = !block.python && !block.other;
        if (!block.other) rc = try_block(j, &block, &b);
    }
    /* The prompt may have opened the block: the text begins with code, its only fence closes. */
    if (!rc && !b.found && first_bare) {
        size_t fence = rn_bytes_find(answer, rn_bytes_of("```"), 0);
        rn_chat_block head = {.code = {.data = answer.data, .len = fence < answer.len ? fence : 0}};
        rc = try_block(j, &head, &b);
    }
    if (!rc && b.found) {
        rn_buf_add(j->out, b.code.data, b.code.len);
        j->what.found = true;
        j->what.whole = b.whole;
        j->what.unterminated |= b.open;
    }
    rn_buf_free(&b.code);
    if (rc || j->what.found) return rc;
    return select_completion(j, answer); /* no fence at all, or none with code */
}

static int extract_chat(job *j)
{
    rn_buf clean = {0};
    bool open = false;
    rn_chat_clean(j->raw, &clean);
    rn_bytes answer = rn_chat_answer(rn_buf_view(&clean), &open);
    j->what.unterminated = open;
    int rc = rn_buf_ok(&clean) ? select_chat(j, answer)
                               : rn_fail(j->err, RN_ENOMEM, "out of memory reading an answer");
    j->what.thinking = open && !j->what.found;
    if (!rc) keep_raw(j);
    rn_buf_free(&clean);
    return rc;
}

static int extract_auto(job *j)
{
    return rn_chat_has_markup(j->raw) ? extract_chat(j) : extract_completion(j);
}

/* ---- by name ----------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    int (*run)(job *j);
} extractors[] = {
    {"raw/1", extract_raw},   {"stop/1", extract_stop}, {"completion/1", extract_completion},
    {"chat/1", extract_chat}, {"auto/1", extract_auto}, {"whole/1", extract_whole},
};

enum { N_EXTRACTORS = sizeof extractors / sizeof extractors[0] };

const char *rn_extractor_at(size_t i)
{
    return i < N_EXTRACTORS ? extractors[i].name : NULL;
}

bool rn_extractor_known(const char *name)
{
    for (size_t i = 0; i < N_EXTRACTORS; i++)
        if (strcmp(extractors[i].name, name) == 0) return true;
    return false;
}

int rn_extract(const char *extractor, const rn_preset *preset, const rn_problem *p, rn_bytes raw,
               rn_buf *out, rn_extracted *what, rn_err *err)
{
    const char *name = extractor ? extractor : preset ? preset->extractor : "raw/1";
    if (!raw.data) raw.data = "";
    job j = {.preset = preset, .p = p, .raw = raw, .out = out, .err = err};
    j.what.whole = p->form != RN_FORM_CHECK;
    size_t before = out->len;
    for (size_t i = 0; i < N_EXTRACTORS; i++) {
        if (strcmp(extractors[i].name, name) != 0) continue;
        int rc = extractors[i].run(&j);
        if (rc) return rc;
        if (!rn_buf_ok(out)) return rn_fail(err, RN_ENOMEM, "out of memory reading an answer");
        j.what.cut = out->len - before < raw.len;
        *what = j.what;
        return 0;
    }
    return rn_fail(
        err, RN_EINVAL,
        "no extractor is called '%s'; known are raw/1, stop/1, completion/1, chat/1, auto/1 "
        "and whole/1",
        name);
}
