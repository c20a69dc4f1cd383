/*
 * extract.c: the extractors by name, and the program that the judge runs.
 *
 * Raw text is kept for ever and extraction is a pure function of (extractor, preset, problem, raw),
 * so that a better one can be run on old samples. docs/FORMATS.md defines each.
 */
#include "task/prompt.h"

static const char *const names[] = {"raw/1", "stop/1"};

const char *rn_extractor_at(size_t i)
{
    return i < sizeof names / sizeof names[0] ? names[i] : NULL;
}

bool rn_extractor_known(const char *name)
{
    for (size_t i = 0; rn_extractor_at(i); i++)
        if (strcmp(rn_extractor_at(i), name) == 0) return true;
    return false;
}

static const char *const *stops_of(const rn_preset *preset, const rn_problem *p)
{
    if (preset) return preset->stop;
    static const char *const by_form[] = {
        [RN_FORM_CHECK] = "humaneval-0shot",
        [RN_FORM_ASSERTS] = "mbpp-3shot",
        [RN_FORM_STDIO] = "apps-2shot",
        [RN_FORM_CALL] = "apps-2shot",
    };
    return rn_preset_find(by_form[p->form])->stop;
}

static bool is_blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '\0' || !strchr(" \t\r\n\f\v", s.data[i])) return false;
    return true;
}

static void extract_stop(const rn_preset *preset, const rn_problem *p, rn_bytes raw, rn_buf *out,
                         rn_extracted *what)
{
    size_t end = raw.len;
    for (const char *const *s = stops_of(preset, p); *s; s++) {
        size_t at = rn_bytes_find((rn_bytes){.data = raw.data, .len = end}, rn_bytes_of(*s), 0);
        if (at < end) end = at;
    }
    rn_buf_add(out, raw.data, end);
    what->cut = end < raw.len;
    what->found = !is_blank((rn_bytes){.data = raw.data, .len = end});
}

int rn_extract(const char *extractor, const rn_preset *preset, const rn_problem *p, rn_bytes raw,
               rn_buf *out, rn_extracted *what, rn_err *err)
{
    const char *name = extractor ? extractor : preset ? preset->extractor : "raw/1";
    rn_extracted w = {.whole = p->form != RN_FORM_CHECK};
    if (strcmp(name, "raw/1") == 0) {
        rn_buf_add(out, raw.data, raw.len);
        w.found = !is_blank(raw);
    } else if (strcmp(name, "stop/1") == 0) {
        extract_stop(preset, p, raw, out, &w);
    } else {
        return rn_fail(err, RN_EINVAL, "no extractor is called '%s'", name);
    }
    if (!rn_buf_ok(out)) return rn_fail(err, RN_ENOMEM, "out of memory extracting a program");
    *what = w;
    return 0;
}

/* The offset in the prompt of the line that defines the entry point; its length if there is none.
 */
static size_t head_of_prompt(const rn_problem *p)
{
    rn_buf def = {0};
    rn_buf_printf(&def, "def %s(", p->entry_point);
    rn_bytes prompt = rn_bytes_of(p->prompt);
    size_t at = 0;
    while (rn_buf_ok(&def) && (at = rn_bytes_find(prompt, rn_buf_view(&def), at)) != SIZE_MAX) {
        if (at == 0 || prompt.data[at - 1] == '\n') break;
        at++;
    }
    rn_buf_free(&def);
    return at == SIZE_MAX ? prompt.len : at;
}

int rn_program_build(const rn_problem *p, rn_bytes code, const rn_extracted *what, rn_buf *out,
                     rn_err *err)
{
    if (p->form == RN_FORM_CHECK) {
        size_t head = what->whole ? head_of_prompt(p) : strlen(p->prompt);
        rn_buf_add(out, p->prompt, head);
    }
    rn_buf_add(out, code.data, code.len);
    return rn_buf_ok(out) ? 0 : rn_fail(err, RN_ENOMEM, "out of memory building a program");
}
