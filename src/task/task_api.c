/* task_api.c: the source that the judge runs before the tests, and ration.h's calls on problem
 * sets, over task.h and prompt.h. */
#include "task/prompt.h"

#include "task/pylex.h"

/* The offset in the prompt of the line that defines the entry point; its length if there is none.
 */
static size_t head_of_prompt(const rn_problem *p, rn_err *err)
{
    rn_buf def = {0};
    rn_bytes prompt = rn_bytes_of(p->prompt);
    rn_buf_printf(&def, "def %s(", p->entry_point);
    if (!rn_buf_ok(&def)) {
        rn_buf_free(&def);
        (void)rn_nomem(err, "program");
        return SIZE_MAX;
    }
    size_t at = rn_bytes_find(prompt, rn_buf_view(&def), 0);
    while (at != SIZE_MAX && at > 0 && prompt.data[at - 1] != '\n')
        at = rn_bytes_find(prompt, rn_buf_view(&def), at + 1);
    rn_buf_free(&def);
    return at == SIZE_MAX ? prompt.len : at;
}

/* Go refuses imports that are missing and those that are not used: CodeGeeX' harness adds what the
 * code names. */
static void put_go_imports(const rn_problem *p, rn_bytes code, rn_buf *out)
{
    static const char *const packages[] = {"math",  "strings", "fmt",  "strconv",   "time",
                                           "bytes", "regexp",  "sort", "math/rand", "crypto/md5"};
    if (strcmp(p->language, "go") != 0 || !p->before) return;
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++) {
        const char *slash = strrchr(packages[i], '/');
        char use[32];
        snprintf(use, sizeof use, "%s.", slash ? slash + 1 : packages[i]);
        if (strstr(p->before, packages[i])) continue;
        if (rn_bytes_find(code, rn_bytes_of(use), 0) == SIZE_MAX) continue;
        rn_buf_printf(out, "import \"%s\"\n", packages[i]);
    }
}

/* The length of the lines `from __future__ import ...` that the code begins with: Python wants them
 * before all else, so before the prompt's head too. */
static size_t future_of(rn_bytes code)
{
    rn_pylex x;
    rn_pyline line;
    size_t n = 0;
    rn_pylex_init(&x, code);
    while (rn_pyline_next(&x, &line)) {
        rn_bytes rest = {.data = code.data + line.first, .len = code.len - line.first};
        if (!rn_bytes_starts(rest, "from __future__ import")) break;
        n = line.end;
    }
    return n;
}

int rn_program_build(const rn_problem *p, rn_bytes code, const rn_extracted *what, rn_buf *out,
                     rn_err *err)
{
    if (p->before) rn_buf_puts(out, p->before);
    if (p->language) put_go_imports(p, code, out);
    const bool own =
        p->language || p->whole_alone; /* a whole program needs nothing of the prompt */
    if (p->form == RN_FORM_CHECK && !what->alone && !(own && what->whole)) {
        size_t head = what->whole ? head_of_prompt(p, err) : strlen(p->prompt);
        if (head == SIZE_MAX) return RN_ENOMEM;
        size_t future = what->whole ? future_of(code) : 0;
        rn_buf_add(out, code.data, future);
        code = (rn_bytes){.data = code.data + future, .len = code.len - future};
        rn_buf_add(out, p->prompt, head);
        /* MBPP+'s prompts are a docstring without a line end. */
        if (what->whole && head > 0 && p->prompt[head - 1] != '\n') rn_buf_putc(out, '\n');
    }
    rn_buf_add(out, code.data, code.len);
    if (p->suffix && !what->whole) rn_buf_puts(out, p->suffix);
    return rn_buf_ok(out) ? 0 : rn_nomem(err, "program");
}

/* ---- ration.h -------------------------------------------------------------------------------- */

size_t rn_taskset_size(const rn_taskset *set)
{
    return set->n;
}

const char *rn_taskset_hash(const rn_taskset *set)
{
    return set->hash;
}

const char *rn_taskset_id(const rn_taskset *set, size_t i)
{
    return i < set->n ? set->problems[i].task_id : NULL;
}

static int no_problem(const rn_taskset *set, size_t i, rn_err *err)
{
    return rn_fail(err, RN_EINVAL, "the set %s has %zu problems, there is no number %zu", set->name,
                   set->n, i);
}

int rn_taskset_prompt(const rn_taskset *set, size_t i, const char *preset, char **text, rn_err *err)
{
    const char *name = preset ? preset : set->preset;
    const rn_preset *p = rn_preset_find(name);
    if (i >= set->n) return no_problem(set, i, err);
    if (!p) return rn_fail(err, RN_EINVAL, "no prompt preset is called '%s'", name);
    rn_buf out = {0};
    int rc = rn_prompt_build(p, set, &set->problems[i], &out, err);
    char *taken = rc ? NULL : rn_buf_take(&out);
    rn_buf_free(&out);
    if (rc) return rc;
    if (!taken) return rn_nomem(err, "prompt");
    *text = taken;
    return 0;
}

int rn_taskset_program(const rn_taskset *set, size_t i, const rn_answer *answer,
                       rn_program_text *out, rn_err *err)
{
    if (i >= set->n) return no_problem(set, i, err);
    rn_buf code = {0}, source = {0};
    rn_extracted what = {0};
    const rn_bytes raw = {.data = answer->text, .len = answer->len};
    const rn_problem *p = &set->problems[i];
    int rc = rn_extract(answer->extractor, NULL, p, raw, &code, &what, err);
    if (!rc) rc = rn_program_build(p, rn_buf_view(&code), &what, &source, err);
    size_t n = source.len;
    char *taken = rc ? NULL : rn_buf_take(&source);
    rn_buf_free(&code);
    rn_buf_free(&source);
    if (rc) return rc;
    if (!taken) return rn_nomem(err, "program");
    *out = (rn_program_text){.text = taken, .len = n, .found = what.found};
    return 0;
}
