/* public.c: ration.h's calls on problem sets, over task.h and prompt.h. */
#include "task/prompt.h"

#include <stdlib.h>

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
    if (!taken) return rn_fail(err, RN_ENOMEM, "out of memory building a prompt");
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
    if (!taken) return rn_fail(err, RN_ENOMEM, "out of memory building a program");
    *out = (rn_program_text){.text = taken, .len = n, .found = what.found};
    return 0;
}
