/* test_task_sets.c: the readers of LiveCodeBench, HumanEval-X, MultiPL-E and BigCodeBench. */
#include "test.h"

#include "task/prompt.h"

static rn_taskset *parsed(const char *text)
{
    rn_err err = {0};
    rn_taskset *set = NULL;
    assert_ok(rn_taskset_parse(rn_bytes_of(text), "x.jsonl", &set, &err), &err);
    return set;
}

static char *program_of(const rn_problem *p, const char *extractor, const char *answer)
{
    rn_err err = {0};
    rn_buf code = {0}, out = {0};
    rn_extracted what = {0};
    assert_ok(rn_extract(extractor, NULL, p, rn_bytes_of(answer), &code, &what, &err), &err);
    assert_ok(rn_program_build(p, rn_buf_view(&code), &what, &out, &err), &err);
    rn_buf_free(&code);
    return rn_buf_take(&out);
}

/* Private tests as published: JSON, pickled, deflated, in base64; made by Python's pickle. */
static const char pickled[] =
    "eJxrYJlqxwABPVbR1UqZeQWlJUpWCkqGCkYxeUo6Ckr5pSVQIWOIQElqcUlJZUEqSKi4JCUzT6k2dooeALEqFJ0=";
static const char pickled_2[] =
    "eJxrYIqwYmBgiK5WyswrKC1RslJQMlQwislT0lFQyi8tgQoZQwRKUotLSioLUkFCxSUpmXlKtbGFDHoAe1wTcQ==";
/* Would call os.system when unpickled; a list of one number. */
static const char calls[] =
    "eJxrYJmqzQABPawF+cWZFVN62Iori0tSc6dMntIjUJJfmpyhoF+SW6BfUJ6XmjKldUrQFD0AyJ0S/A==";
static const char number[] = "eJxrYJnKxgABsVO8GRP1ABkRAuw=";
/* The list itself pickled, by protocols 2 to 5, and as a tuple. */
static const char list_2[] =
    "eJxrYIotZKgtZNSIYGVgYMjMKygtKWSKYAGyDRWMuAqZI9iAzPzSEpA4SwQTkGPMVcgawQFklKQWl5RUFqQWsoH1Fpek"
    "ZOYVspcm6gEAGR4Tqg==";
static const char list_3[] =
    "eJxrYI4tZKgtZNSIYGVgYMjMKygtKWSKYAGyDRWMuAqZI9iAzPzSEpA4SwQTkGPMVcgawQFklKQWl5RUFqQWsoH1Fpek"
    "ZOYVspcm6gEAGXETqw==";
static const char list_4[] =
    "eJxrYJlqwQABsVNqp2j0sGbmFZSWTOlhMVQw4prSw5ZfWgLmMxkDeRwlqcUlJZUFqVN6WItLUjLzppQm6gEAr48WrQ==";
static const char list_5[] =
    "eJxrYJ1qwQABsVNqp2j0sGbmFZSWTOlhMVQw4prSw5ZfWgLmMxkDeRwlqcUlJZUFqVN6WItLUjLzppQm6gEAr9EWrg==";
static const char tuple_4[] =
    "eJxrYJlqzgABtVM0elgz8wpKS6b0sBgqGHFN6WHLLy0B85mMgTyOktTikpLKgtQpPazFJSmZeVNKW6foAQCPqhZz";
/* A list whose second string is made by os.system when unpickled; a list that holds itself. */
static const char list_calls[] =
    "eJxrYJkayQABsVNqp2j0sGbmFZSWTOlhMVQw4prSw5ZfWgLmsxbkF2dWAAWKK4tLUnOnTJ7Sw1OSX5qcoaBfklugXzGl"
    "dUrQlB6OktTikpLKglSghuKSlMy8KaWJegDAxiVO";
static const char list_of_itself[] = "eJxrYJnKxgABsVMyGBL1ABmCAwg=";

static int read_lcb(const char *private_cases, rn_taskset **set, rn_err *err)
{
    rn_buf text = {0};
    rn_buf_printf(&text,
                  "{\"question_id\": \"a1\", \"question_content\": \"q\", \"starter_code\": \"\", "
                  "\"public_test_cases\": \"[{\\\"input\\\": \\\"5 6\\\", \\\"output\\\": "
                  "\\\"11\\\", \\\"testtype\\\": \\\"stdin\\\"}]\", "
                  "\"private_test_cases\": \"%s\", \"contest_date\": \"2024-05-11\", "
                  "\"difficulty\": \"easy\"}",
                  private_cases);
    int rc = rn_taskset_parse(rn_buf_view(&text), "x.jsonl", set, err);
    rn_buf_free(&text);
    return rc;
}

static void livecodebench_is_read_without_unpickling(void **state)
{
    (void)state;
    static const char *const good[] = {pickled, pickled_2, list_2, list_3, list_4, list_5, tuple_4};
    rn_err err = {0};
    rn_taskset *set = NULL;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(read_lcb(good[i], &set, &err), &err);
        const rn_problem *p = &set->problems[0];
        assert_int_equal(p->form, RN_FORM_STDIO);
        assert_int_equal(p->rule, RN_RULE_LIVECODEBENCH);
        assert_int_equal(p->n_cases, 2);
        assert_true(rn_bytes_equal(p->cases[0].input, rn_bytes_of("5 6")));
        assert_true(rn_bytes_equal(p->cases[1].input, rn_bytes_of("1 2\n")));
        assert_true(rn_bytes_equal(p->cases[1].output, rn_bytes_of("3\n")));
        assert_string_equal(p->difficulty, "easy");
        rn_taskset_free(set);
    }
    static const struct {
        const char *cases, *says;
    } bad[] = {{calls, "refused"},     {list_calls, "refused"}, {list_of_itself, "nested too deep"},
               {number, "test_cases"}, {"!!", "neither JSON"},  {"QUJD", "neither"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_lcb(bad[i].cases, &set, &err), RN_EFORMAT);
        assert_contains(err.msg, bad[i].says);
    }
}

static void functional_cases_are_calls(void **state)
{
    (void)state;
    rn_taskset *s =
        parsed("{\"question_id\": \"7\", \"question_content\": \"q\", \"starter_code\": \"class "
               "Solution:\", "
               "\"metadata\": \"{\\\"func_name\\\": \\\"go\\\"}\", \"public_test_cases\": "
               "\"[{\\\"input\\\": \\\"[1, 2]\\\\n3\\\", \\\"output\\\": \\\"[4 , 5]\\\", "
               "\\\"testtype\\\": \\\"functional\\\"}]\"}");
    const rn_problem *p = &s->problems[0];
    assert_int_equal(p->form, RN_FORM_CALL);
    assert_string_equal(p->entry_point, "go");
    assert_true(rn_bytes_equal(p->cases[0].input, rn_bytes_of("[[1,2],3]")));
    assert_true(rn_bytes_equal(p->cases[0].output, rn_bytes_of("[4,5]")));
    rn_taskset_free(s);
}

static void programs_of_each_language(void **state)
{
    (void)state;
    rn_taskset *s = parsed(
        "{\"task_id\": \"CPP/0\", \"prompt\": \"#include<vector>\\nint f(int x){\\n\", "
        "\"declaration\": \"\", "
        "\"canonical_solution\": \"return x;}\", \"test\": \"int main(){\\n f(1);\\n}\\n\"}\n"
        "{\"task_id\": \"Go/0\", \"prompt\": \"import (\\n \\\"math\\\"\\n)\\nfunc F() {\\n\", "
        "\"import\": \"import (\\n \\\"math\\\"\\n)\\n\", \"declaration\": \"\", \"test_setup\": "
        "\"package main\", \"test\": \"func TestF() {}\"}\n"
        "{\"task_id\": \"JavaScript/0\", \"prompt\": \"const f = (x) => {\\n\", \"declaration\": "
        "\"\", "
        "\"test\": \"f(1)\"}\n");
    const rn_problem *cpp = &s->problems[0], *go = &s->problems[1], *js = &s->problems[2];
    char *text = program_of(cpp, "raw/1", "  return x;\n}\n");
    assert_non_null(strstr(text, "#include<stdio.h>\n"));
    assert_null(strstr(text, "#include<vector>\n#include<vector>"));
    assert_non_null(strstr(text, "int f(int x){\n  return x;\n}\n"));
    free(text);
    assert_non_null(strstr(cpp->test, "puts(\"@RATION-END@\");\n}"));
    text = program_of(go, "raw/1", "  math.Abs(1)\n}\n");
    assert_string_equal(text, "package main\nimport \"math\"\nfunc F() {\n  math.Abs(1)\n}\n");
    free(text);
    text = program_of(js, "auto/2", "  return \"}\";\n}\n\nconsole.log(1)\n");
    assert_string_equal(text, "const f = (x) => {\n  return \"}\";\n}");
    free(text);
    text = program_of(js, "auto/2", "So:\n```js\nconst f = (x) => {\n  return 1\n}\n```\nBye");
    assert_string_equal(text, "const f = (x) => {\n  return 1\n}\n");
    free(text);
    assert_string_equal(js->language, "javascript");
    rn_taskset_free(s);
    s = parsed("{\"name\": \"HumanEval_0_f\", \"language\": \"lua\", \"prompt\": \"local function "
               "f(x)\\n\", "
               "\"tests\": \"os.exit(0)\", \"stop_tokens\": [\"\\nlocal\", \"\\nfunction\"]}");
    text = program_of(&s->problems[0], "completion/2", "  return x\nend\n\nlocal y = 1\n");
    assert_string_equal(text, "local function f(x)\n  return x\nend\n");
    free(text);
    rn_taskset_free(s);
}

static void unittest_sets_run_themselves(void **state)
{
    (void)state;
    rn_taskset *s = parsed("{\"task_id\": \"B/1\", \"complete_prompt\": \"import os\\ndef "
                           "task_func(x):\\n    \\\"\\\"\\\"x\\\"\\\"\\\"\\n\", "
                           "\"instruct_prompt\": \"q\", \"entry_point\": \"task_func\", \"test\": "
                           "\"import unittest\\nclass "
                           "TestCases(unittest.TestCase):\\n    pass\"}");
    assert_true(s->problems[0].self_run);
    assert_non_null(strstr(s->problems[0].test, "no test was run"));
    rn_taskset_free(s);
    rn_err err = {0};
    rn_bytes plus =
        rn_bytes_of("{\"task_id\": \"Mbpp/2\", \"prompt\": \"q\", \"entry_point\": \"f\", "
                    "\"test\": \"x\", \"base_input\": [], \"plus_input\": []}");
    assert_int_equal(rn_taskset_parse(plus, "x.jsonl", &s, &err), RN_EFORMAT);
    assert_contains(err.msg, "plus_input");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(livecodebench_is_read_without_unpickling),
        cmocka_unit_test(functional_cases_are_calls),
        cmocka_unit_test(programs_of_each_language),
        cmocka_unit_test(unittest_sets_run_themselves),
    };
    return cmocka_run_group_tests_name("task_sets", tests, NULL, NULL);
}
