/*
 * fuzz_task_extract.c: arbitrary answers through every extractor and every form of problem. The
 * result must be a function of the input alone, and a program must follow from it.
 * modules: base task
 */
#include "task/prompt.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const asserts[] = {"assert f(1) == 1"};

static const rn_problem problems[] = {
    {.task_id = "t/1",
     .form = RN_FORM_CHECK,
     .prompt = "import math\n\ndef f(x):\n    \"\"\"Doc.\"\"\"\n",
     .entry_point = "f",
     .test = "def check(c): pass",
     .setup = "",
     .starter_code = ""},
    {.task_id = "t/2",
     .form = RN_FORM_ASSERTS,
     .prompt = "Add.",
     .setup = "import math",
     .asserts = asserts,
     .n_asserts = 1,
     .starter_code = ""},
    {.task_id = "t/3", .form = RN_FORM_STDIO, .prompt = "Add.", .setup = "", .starter_code = ""},
    {.task_id = "t/4",
     .form = RN_FORM_CALL,
     .prompt = "Add.",
     .entry_point = "f",
     .setup = "",
     .starter_code = ""},
};

static void extract_twice(const char *name, const rn_problem *p, rn_bytes raw)
{
    rn_err err = {0};
    rn_buf a = {0}, b = {0}, program = {0};
    rn_extracted x = {0}, y = {0};
    if (rn_extract(name, NULL, p, raw, &a, &x, &err)) abort();
    if (rn_extract(name, NULL, p, raw, &b, &y, &err)) abort();
    if (!rn_bytes_equal(rn_buf_view(&a), rn_buf_view(&b)) || x.found != y.found) abort();
    /* Where no code was found the raw text stands for itself; stop/1 is literal. */
    bool literal = strcmp(name, "stop/1") == 0;
    if (!x.found && !x.thinking && !literal && a.len != raw.len) abort();
    if (rn_program_build(p, rn_buf_view(&a), &x, &program, &err)) abort();
    rn_buf_free(&a);
    rn_buf_free(&b);
    rn_buf_free(&program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rn_bytes raw = {.data = (const char *)data, .len = size};
    for (size_t e = 0; rn_extractor_at(e); e++)
        for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
            extract_twice(rn_extractor_at(e), &problems[i], raw);
    return 0;
}
