/*
 * fuzz_task_jsonl.c: problem sets of every form from arbitrary bytes. Whatever opens must have its
 * promised shape, and every problem of it must give a prompt.
 * modules: base task
 */
#include "task/prompt.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problem(const rn_taskset *set, const rn_problem *p)
{
    if (!p->task_id || !p->prompt || !p->setup || !p->starter_code) abort();
    if (p->form == RN_FORM_CHECK && (!p->entry_point || !p->test)) abort();
    if (rn_taskset_find(set, p->task_id) != p) abort();
    for (size_t i = 0; i < p->n_cases; i++)
        if (!p->cases[i].input.data || !p->cases[i].output.data) abort();
    rn_err err;
    rn_buf out = {0};
    (void)rn_prompt_build(rn_preset_find(set->preset), set, p, &out, &err);
    rn_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rn_err err = {0};
    rn_taskset *set = NULL;
    rn_bytes text = {.data = (const char *)data, .len = size};
    if (rn_taskset_parse(text, "fuzz.jsonl", &set, &err)) {
        if (!err.msg[0]) abort();
        return 0;
    }
    for (size_t i = 0; i < set->n; i++)
        check_problem(set, &set->problems[i]);
    rn_taskset_free(set);
    return 0;
}
