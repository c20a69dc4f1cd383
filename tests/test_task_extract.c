/* test_task_extract.c: what each extractor makes of the answers that models give. */
#include "test.h"

#include "base/file.h"
#include "task/prompt.h"

#include <stdio.h>
#include <stdlib.h>

#define DOC "    \"\"\"Adds.\n    >>> f(1)\n    \"\"\"\n"

static const char *const asserts[] = {"assert add(1, 2) == 3", "assert set(add([1], [2])) == {3}"};

static const rn_problem check = {.task_id = "t/1",
                                 .form = RN_FORM_CHECK,
                                 .prompt = "import math\n\ndef g(x):\n    return x\n\n\n"
                                           "def f(x):\n" DOC,
                                 .entry_point = "f",
                                 .test = "def check(c): pass",
                                 .setup = "",
                                 .starter_code = ""};
static const rn_problem mbpp = {.task_id = "MBPP/11",
                                .form = RN_FORM_ASSERTS,
                                .prompt = "Add.",
                                .setup = "",
                                .asserts = asserts,
                                .n_asserts = 2,
                                .starter_code = ""};
static const rn_problem stdio = {
    .task_id = "APPS/1", .form = RN_FORM_STDIO, .prompt = "Add.", .setup = "", .starter_code = ""};
static const rn_problem call = {.task_id = "APPS/2",
                                .form = RN_FORM_CALL,
                                .prompt = "Add.",
                                .entry_point = "add",
                                .setup = "",
                                .starter_code = ""};

static const char *const pair_asserts[] = {"assert add([Pair(1, 2)]) == 3"};
static const rn_problem pairs = {.task_id = "MBPP/13",
                                 .form = RN_FORM_ASSERTS,
                                 .prompt = "Add.",
                                 .setup = "",
                                 .asserts = pair_asserts,
                                 .n_asserts = 1,
                                 .starter_code = ""};

/* what: w whole, u unterminated, t thinking, n not found. */
typedef struct row {
    const char *extractor;
    const rn_problem *p;
    const char *raw, *code, *what;
} row;

static void run_rows(const row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rn_err err = {0};
        rn_buf out = {0};
        rn_extracted w = {0};
        const row *r = &rows[i];
        rn_buf_puts(&out, "<"); /* what is there stays */
        assert_ok(rn_extract(r->extractor, NULL, r->p, rn_bytes_of(r->raw), &out, &w, &err), &err);
        if (strcmp(out.data + 1, r->code) != 0)
            fail_msg("%s of \"%s\": got \"%s\", want \"%s\"", r->extractor, r->raw, out.data + 1,
                     r->code);
        char got[8] = "";
        if (w.whole && r->p->form == RN_FORM_CHECK) strcat(got, "w");
        if (w.unterminated) strcat(got, "u");
        if (w.thinking) strcat(got, "t");
        if (!w.found) strcat(got, "n");
        if (strcmp(got, r->what) != 0)
            fail_msg("%s of \"%s\": flags \"%s\", want \"%s\"", r->extractor, r->raw, got, r->what);
        rn_buf_free(&out);
    }
}

static void raw_and_stop_are_literal(void **state)
{
    (void)state;
    static const row rows[] = {
        {"raw/1", &check, "    return 1\r\n\ndef g():", "    return 1\r\n\ndef g():", ""},
        {"raw/1", &check, " \n", " \n", "n"},
        {"raw/1", &check, "", "", "n"},
        {"whole/2", &check, "def f(x): pass", "def f(x): pass", "w"},
        {"stop/1", &check, "    return 1\n\ndef g():", "    return 1\n", ""},
        {"stop/1", &check, "    return 1\n# x\nclass A:", "    return 1", ""},
        {"stop/1", &check, "    s = '''\nif'''\n    return s", "    s = '''", ""},
        {"stop/1", &mbpp, "def add(a, b): return a\n[DONE]\nx", "def add(a, b): return a\n", ""},
    };
    run_rows(rows, sizeof rows / sizeof rows[0]);
}

static void completions_end_with_the_body(void **state)
{
    (void)state;
    static const row rows[] = {
        {"completion/5", &check, "    return x\n", "    return x\n", ""},
        {"completion/5", &check, "    return x", "    return x\n", ""},
        {"completion/5", &check, "    return x\r\n\r\n\r\ndef h():\r\n    pass\r\n",
         "    return x\n", ""},
        {"completion/5", &check, "\n    return x\n\n\nprint(f(1))\n", "\n    return x\n", ""},
        {"completion/5", &check, "    return x\n\nif __name__ == '__main__':\n    f(1)\n",
         "    return x\n", ""},
        /* The Codex stop strings cut good code here. */
        {"completion/5", &check, "    s = \"\"\"\nif a:\ndef b\n\"\"\"\n    return s\n",
         "    s = \"\"\"\nif a:\ndef b\n\"\"\"\n    return s\n", ""},
        {"completion/5", &check, "    y = 1\n# margin\n    return y\n# end\n",
         "    y = 1\n# margin\n    return y\n", ""},
        {"completion/5", &check, "    return [\nx\n]\nclass A: pass\n", "    return [\nx\n]\n", ""},
        /* What the body uses comes along, what it does not use does not. */
        {"completion/5", &check,
         "    return h(x)\n\ndef unused():\n    pass\n\n@dec\ndef h(y):\n    return K + y\n\nK = "
         "3\n",
         "    return h(x)\n\n\n@dec\ndef h(y):\n    return K + y\nK = 3\n", ""},
        {"completion/5", &check, "    return g(x)\n\ndef g(y):\n    return 0\n",
         "    return g(x)\n", ""},
        {"completion/5", &check,
         "    for i in x:\n        pass\n    return 1\n\nfor i in [1]:\n    "
         "print(f(i))\n",
         "    for i in x:\n        pass\n    return 1\n", ""},
        /* Text that ends in the middle. */
        {"completion/5", &check, "    return x\n    y = (1,\n", "    return x\n", "u"},
        {"completion/5", &check, "    return x\n    \"\"\"and\n  so on", "    return x\n", "u"},
        {"completion/5", &check, "    return x\n\ndef h(\n", "    return x\n", ""},
        {"completion/5", &check, "    if x:\n        return 1\n    for y in",
         "    if x:\n        return 1\n", "u"},
        {"completion/5", &check, "    return x<|endoftext|>\n\nmore", "    return x\n", ""},
        {"completion/5", &check, "    return x</s>", "    return x\n", ""},
        {"completion/5", &check, "    return '</s>x'\n", "    return '</s>x'\n", ""},
        /* Leading white space that was lost on the way. */
        {"completion/5", &check, "return x", "    return x\n", ""},
        {"completion/5", &check, "y = x\n    return y\n", "    y = x\n    return y\n", ""},
        {"completion/5", &check, "I cannot help you.", "I cannot help you.", "n"},
        {"completion/5", &check, "\n\n", "\n\n", "n"},
        /* Whole programs. */
        {"completion/5", &check,
         "\nimport re\nimport os\n\ndef f(x):\n    return re.sub(x)\n\nprint(f(1))\n",
         "import re\n\n\ndef f(x):\n    return re.sub(x)\n", "w"},
        {"completion/5", &check, "def f(x):\n    return 1\n\ndef f(x):\n    return 2\n",
         "def f(x):\n    return 2\n", "w"},
        {"completion/5", &mbpp, "\ndef add(a, b):\n    return a + b\n[DONE]\nYou are an expert",
         "def add(a, b):\n    return a + b\n", ""},
        {"completion/5", &mbpp, "def Add(a, b):\n    return a + b\n[DONE]",
         "def Add(a, b):\n    return a + b\n", ""},
        {"completion/5", &mbpp,
         "from typing import *\nimport sys\nsys.setrecursionlimit(9)\ntry:\n    import np\nexcept "
         "E:\n"
         "    np = 0\ndef add(a, b):\n    return np\nassert add(1, 1) == 3\n",
         "from typing import *\nimport sys\nsys.setrecursionlimit(9)\ntry:\n    import np\nexcept "
         "E:\n"
         "    np = 0\n\n\ndef add(a, b):\n    return np\n",
         ""},
        {"completion/5", &mbpp, "def add(a, b):\n    ...\n", "def add(a, b):\n    ...\n", ""},
        {"completion/5", &stdio, "n = int(input())\nprint(n)\n\nQUESTION:\nNext\n",
         "n = int(input())\nprint(n)\n", ""},
        {"completion/5", &call,
         "class Solution:\n    def add(self, a):\n        return a\n\nHere is why.\n",
         "class Solution:\n    def add(self, a):\n        return a\n", ""},
    };
    run_rows(rows, sizeof rows / sizeof rows[0]);
}

#define ADD "def add(a, b):\n    return a + b\n"

static void chat_answers_give_their_code(void **state)
{
    (void)state;
    static const row rows[] = {
        {"chat/5", &mbpp,
         "Here's it:\r\n\r\n```python\r\ndef add(a, b):\r\n    return a + b\r\n```\r\nBye!", ADD,
         ""},
        {"chat/5", &mbpp, "~~~py\n" ADD "~~~", ADD, ""},
        {"chat/5", &mbpp, "```\n" ADD "```", ADD, ""},
        {"chat/5", &mbpp, "````python\n" ADD "````\n", ADD, ""},
        {"chat/5", &mbpp, "Sure: ```python\n" ADD "```", ADD, ""},
        {"chat/5", &mbpp, "[PYTHON]\n" ADD "[/PYTHON]\n[TESTS]\n", ADD, ""},
        {"chat/5", &mbpp, "1. So:\n   ```python\n   def add(a, b):\n       return a + b\n   ```\n",
         ADD, ""},
        /* The block with the wanted function, not the first one. */
        {"chat/5", &mbpp,
         "```bash\npip install x\n```\n```python\nprint(1)\n```\n```python\n" ADD "```\n"
         "```python\nadd(1, 2)\n```",
         ADD, ""},
        {"chat/5", &mbpp, "```python\n" ADD "assert add(1, 1) == 3\nprint(add(1, 2))\n```", ADD,
         ""},
        {"chat/5", &mbpp, "```python\ndef other(a):\n    return a\n```",
         "def other(a):\n    return a\n", ""},
        /* A fence within a docstring closes nothing. */
        {"chat/5", &mbpp,
         "```python\ndef add(a, b):\n    \"\"\"\n```\n    \"\"\"\n    return a\n```\n",
         "def add(a, b):\n    \"\"\"\n```\n    \"\"\"\n    return a\n", ""},
        /* Unterminated, opened by the prompt, without any fence. */
        {"chat/5", &mbpp, "So:\n```python\n" ADD "    x = (", ADD, "u"},
        {"chat/5", &mbpp, ADD "```\nThat's all.", ADD, ""},
        {"chat/5", &mbpp, "Here's the function:\n\n" ADD "\nIt adds the two numbers.\n", ADD, ""},
        {"chat/5", &mbpp, "```python\n" ADD "```<|im_end|>\n<|im_start|>user", ADD, ""},
        /* Thinking. */
        {"chat/5", &mbpp,
         "<think>\n```python\ndef add(a): wrong\n```\n</think>\n```python\n" ADD "```", ADD, ""},
        {"chat/5", &mbpp, "so I think\n</think>\n" ADD, ADD, ""},
        {"chat/5", &mbpp, "<think>\n```python\n" ADD "```\n", "", "utn"},
        {"chat/5", &mbpp, "I cannot do that.", "I cannot do that.", "n"},
        {"chat/5", &mbpp, "", "", "n"},
        /* Functions and continuations. */
        {"chat/5", &check, "```python\ndef f(x):\n    return g(x)\n```",
         "def f(x):\n    return g(x)\n", "w"},
        {"chat/5", &check, "```python\n    return g(x)\n```", "    return g(x)\n", ""},
        /* The prompt's g is before it; a class of the arguments is in another block. */
        {"chat/5", &check, "```python\ndef g(x):\n    ...\n\ndef f(x):\n    return g(x)\n```",
         "def f(x):\n    return g(x)\n", "w"},
        {"chat/5", &check, "```python\ndef g(x):\n    return 2\n\ndef f(x):\n    return g(x)\n```",
         "def g(x):\n    return 2\n\n\ndef f(x):\n    return g(x)\n", "w"},
        {"chat/5", &pairs, "```python\nclass Pair: pass\n```\nand\n```python\n" ADD "```",
         "class Pair: pass\n\n\n" ADD, ""},
        {"chat/5", &mbpp, "```python\n" ADD "from add import add\nassert add(1, 1) == 3\n```", ADD,
         ""},
        /* Programs. */
        {"chat/5", &stdio, "Test:\n```\n5\n```\n```python\nn = int(input())\nprint(n)\n```",
         "n = int(input())\nprint(n)\n", ""},
        {"chat/5", &stdio,
         " ```# Cyclic\nn = int(input())\nprint(n)````\nQ:", "n = int(input())\nprint(n)\n", ""},
        {"chat/5", &call,
         "```python\nclass Solution:\n    def add(self, a):\n        return a\n```",
         "class Solution:\n    def add(self, a):\n        return a\n", ""},
        /* auto takes the one that fits. */
        {"auto/5", &check, "    return x\n\ndef h():", "    return x\n", ""},
        {"auto/5", &mbpp, "A:\n```python\n" ADD "```", ADD, ""},
    };
    run_rows(rows, sizeof rows / sizeof rows[0]);
}

/* ---- tests/task_extract.cases ---------------------------------------------------------------- */

static const char cases_path[] = "tests/task_extract.cases";

static const rn_problem fib = {.task_id = "t/3",
                               .form = RN_FORM_CHECK,
                               .prompt = "from typing import List\n\n\ndef fib(n: int) -> int:\n"
                                         "    \"\"\" n-th Fibonacci number, fib(0) is 0.\n"
                                         "    \"\"\"\n",
                               .entry_point = "fib",
                               .test = "def check(c): pass",
                               .setup = "",
                               .starter_code = ""};
static const char *const one_asserts[] = {"assert one() == 1"};
static const rn_problem one = {.task_id = "MBPP/12",
                               .form = RN_FORM_ASSERTS,
                               .prompt = "One.",
                               .setup = "",
                               .asserts = one_asserts,
                               .n_asserts = 1,
                               .starter_code = ""};

/* The text between two marks of the file, with its escapes as bytes. */
static void put_unescaped(rn_bytes s, rn_buf *out)
{
    static const char open[] = "\xE2\x9F\xA6", close[] = "\xE2\x9F\xA7";
    rn_buf_puts(out, "");
    for (size_t i = 0; i < s.len;) {
        if (!rn_bytes_starts((rn_bytes){.data = s.data + i, .len = s.len - i}, open)) {
            rn_buf_putc(out, s.data[i++]);
            continue;
        }
        for (i += 3; i + 2 < s.len && memcmp(s.data + i, close, 3) != 0; i += 2) {
            unsigned byte = 0;
            sscanf(s.data + i, "%2x", &byte);
            rn_buf_putc(out, (char)byte);
        }
        i += 3;
        if (i + 1 == s.len && s.data[i - 4] == open[2]) i++; /* no line end */
    }
}

static void put_escaped(rn_bytes s, rn_buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        bool plain = s.data[i] == '\n' || (unsigned char)s.data[i] >= 0x20;
        if (plain)
            rn_buf_putc(out, s.data[i]);
        else
            rn_buf_printf(out, "\xE2\x9F\xA6%02X\xE2\x9F\xA7", (unsigned)s.data[i]);
    }
    if (s.len && s.data[s.len - 1] != '\n') rn_buf_puts(out, "\xE2\x9F\xA6\xE2\x9F\xA7\n");
}

static const rn_problem *problem_of_form(const char *form)
{
    if (strcmp(form, "check") == 0) return &fib;
    if (strcmp(form, "asserts") == 0) return &one;
    return strcmp(form, "stdio") == 0 ? &stdio : &call;
}

/* The case at *pos; what it should be goes to *updated. False at the end. */
static bool run_case(rn_bytes all, size_t *pos, rn_buf *updated, size_t *n_bad)
{
    size_t head = *pos ? *pos : rn_bytes_find(all, rn_bytes_of("\n== "), 0) + 1;
    if (head + 3 >= all.len) return false;
    char name[64], extractor[32], form[16], flags[16];
    assert_int_equal(
        sscanf(all.data + head, "== %63s %31s %15s %15s", name, extractor, form, flags), 4);
    size_t text = rn_bytes_find(all, rn_bytes_of("\n"), head) + 1;
    size_t mark = rn_bytes_find(all, rn_bytes_of("\n--\n"), head) + 1;
    size_t next = rn_bytes_find(all, rn_bytes_of("\n== "), mark);
    next = next == SIZE_MAX ? all.len : next + 1;
    rn_buf raw = {0}, want = {0}, got = {0};
    put_unescaped((rn_bytes){.data = all.data + text, .len = mark - text}, &raw);
    put_unescaped((rn_bytes){.data = all.data + mark + 3, .len = next - mark - 3}, &want);
    rn_err err = {0};
    rn_extracted w = {0};
    const rn_problem *p = problem_of_form(form);
    assert_ok(rn_extract(extractor, NULL, p, rn_buf_view(&raw), &got, &w, &err), &err);
    char now[8] = "";
    if (w.whole && p->form == RN_FORM_CHECK) strcat(now, "w");
    if (w.unterminated) strcat(now, "u");
    if (w.thinking) strcat(now, "t");
    if (!w.found) strcat(now, "n");
    if (!*now) strcat(now, "-");
    bool same = rn_bytes_equal(rn_buf_view(&got), rn_buf_view(&want)) && strcmp(now, flags) == 0;
    if (!same) {
        ++*n_bad;
        print_error("%s: flags %s, want %s; got\n%s\nwant\n%s\n", name, now, flags,
                    got.data ? got.data : "", want.data);
    }
    rn_buf_printf(updated, "== %s %s %s %s\n", name, extractor, form, now);
    rn_buf_add(updated, all.data + text, mark + 3 - text);
    put_escaped(rn_buf_view(&got), updated);
    rn_buf_free(&raw);
    rn_buf_free(&want);
    rn_buf_free(&got);
    *pos = next;
    return next < all.len;
}

static void answers_of_every_kind(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_buf all = {0}, updated = {0};
    size_t pos = 0, n_bad = 0;
    assert_ok(rn_file_read(cases_path, 1 << 24, &all, &err), &err);
    rn_buf_add(&updated, all.data, rn_bytes_find(rn_buf_view(&all), rn_bytes_of("\n== "), 0) + 1);
    while (run_case(rn_buf_view(&all), &pos, &updated, &n_bad))
        ;
    if (getenv("RATION_UPDATE")) {
        FILE *f = fopen(cases_path, "w");
        assert_non_null(f);
        fwrite(updated.data, 1, updated.len, f);
        fclose(f);
    } else {
        assert_int_equal(n_bad, 0);
    }
    rn_buf_free(&all);
    rn_buf_free(&updated);
}

static void programs_are_composed(void **state)
{
    (void)state;
    static const struct {
        const rn_problem *p;
        bool whole, alone;
        const char *want, *code;
    } t[] = {
        {&check, false, false, "import math\n\ndef g(x):\n    return x\n\n\ndef f(x):\n" DOC "CODE",
         "CODE"},
        {&check, true, false, "import math\n\ndef g(x):\n    return x\n\n\nCODE", "CODE"},
        {&check, true, false,
         "from __future__ import annotations\nimport math\n\ndef g(x):\n    return x\n\n\nCODE",
         "from __future__ import annotations\nCODE"},
        {&check, true, true, "CODE", "CODE"},
        {&mbpp, true, false, "CODE", "CODE"},
        {&stdio, true, false, "CODE", "CODE"},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        rn_err err = {0};
        rn_buf out = {0};
        rn_extracted w = {.whole = t[i].whole, .alone = t[i].alone};
        rn_bytes code = rn_bytes_of(t[i].code);
        assert_ok(rn_program_build(t[i].p, code, &w, &out, &err), &err);
        assert_string_equal(out.data, t[i].want);
        rn_buf_free(&out);
    }
}

static void names_and_hostile_bytes(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_buf out = {0};
    rn_extracted w;
    /* An older version's name asks for the present one. */
    assert_string_equal(rn_extractor_find("auto"), "auto/5");
    assert_string_equal(rn_extractor_find("auto/1"), "auto/5");
    assert_string_equal(rn_extractor_find("raw/1"), "raw/1");
    assert_null(rn_extractor_find("auto/6"));
    assert_null(rn_extractor_find("raw/0"));
    assert_null(rn_extractor_find("auto/10"));
    assert_null(rn_extractor_find("aut"));
    assert_int_equal(rn_extract("x", NULL, &check, rn_bytes_of(""), &out, &w, &err), RN_EINVAL);
    assert_contains(err.msg, "completion/5");
    static const char nul[] = "    return x\0\xFF\xFE\n\n\0";
    rn_bytes raw = {.data = nul, .len = sizeof nul - 1};
    assert_ok(rn_extract("raw/1", NULL, &check, raw, &out, &w, &err), &err);
    assert_int_equal(out.len, raw.len);
    for (size_t i = 0; rn_extractor_at(i); i++) {
        rn_buf_clear(&out);
        assert_ok(rn_extract(rn_extractor_at(i), NULL, &check, raw, &out, &w, &err), &err);
        assert_ok(rn_extract(rn_extractor_at(i), NULL, &stdio, (rn_bytes){0}, &out, &w, &err),
                  &err);
    }
    rn_buf_free(&out);
}

/* Answers of tens of megabytes take time in proportion to their length. */
static void long_answers_are_read_once(void **state)
{
    (void)state;
    static const char *const pieces[] = {"    x = '''\n",
                                         "```\n",
                                         "</s> </think>",
                                         "def f(x):\n",
                                         "(((((",
                                         "x = x\n",
                                         "\\\n",
                                         "import a, b\n",
                                         "#\n    y\n",
                                         "{\"a\": 1}\n",
                                         "[\n",
                                         "cat > a <<E\n",
                                         "f().x = 0\n",
                                         "def f(x): return m\nt = f()\nt[0] = m\n",
                                         "def f(x): return globals()[x]\n",
                                         "\n\nUser:",
                                         "Here:\n  return x\n",
                                         "```\nx\n```\ndef f(x): 1\n"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        rn_err err = {0};
        rn_buf raw = {0}, out = {0};
        rn_extracted w;
        while (raw.len < 400000)
            rn_buf_puts(&raw, pieces[i]);
        assert_ok(rn_extract("auto/5", NULL, &mbpp, rn_buf_view(&raw), &out, &w, &err), &err);
        rn_buf_clear(&out);
        assert_ok(rn_extract("chat/5", NULL, &check, rn_buf_view(&raw), &out, &w, &err), &err);
        rn_buf_free(&raw);
        rn_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_and_stop_are_literal),
        cmocka_unit_test(completions_end_with_the_body),
        cmocka_unit_test(chat_answers_give_their_code),
        cmocka_unit_test(answers_of_every_kind),
        cmocka_unit_test(programs_are_composed),
        cmocka_unit_test(names_and_hostile_bytes),
        cmocka_unit_test(long_answers_are_read_once),
    };
    return cmocka_run_group_tests_name("task_extract", tests, NULL, NULL);
}
