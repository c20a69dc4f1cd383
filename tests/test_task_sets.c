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
/* Ten times itself, twelve times over. */
static const char list_of_lists[] =
    "eJyVwr0RQEAABWHH+VeISHAdKEQgeDNbglABwtOvGeGL2G/PeK+heNvy/OErHb/LO5MToxODE70TnROtE40TtRPRic"
    "qJ0ongtDwne1wk";
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
    } bad[] = {{calls, "refused"},      {list_of_lists, "too large"},
               {list_calls, "refused"}, {list_of_itself, "nested too deep"},
               {number, "test_cases"},  {"!!", "neither JSON"},
               {"QUJD", "neither"}};
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
    text = program_of(js, "auto/5", "  return \"}\";\n}\n\nconsole.log(1)\n");
    assert_string_equal(text, "const f = (x) => {\n  return \"}\";\n}");
    free(text);
    text = program_of(js, "auto/5", "So:\n```js\nconst f = (x) => {\n  return 1\n}\n```\nBye");
    assert_string_equal(text, "const f = (x) => {\n  return 1\n}\n");
    free(text);
    assert_string_equal(js->language, "javascript");
    rn_taskset_free(s);
    s = parsed("{\"name\": \"HumanEval_0_f\", \"language\": \"lua\", \"prompt\": \"local function "
               "f(x)\\n\", "
               "\"tests\": \"os.exit(0)\", \"stop_tokens\": [\"\\nlocal\", \"\\nfunction\"]}");
    text = program_of(&s->problems[0], "completion/5", "  return x\nend\n\nlocal y = 1\n");
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
}

/* One record of evalplus' form, with these inputs. */
static int parse_plus(const char *id, const char *base, const char *plus, rn_taskset **s,
                      rn_err *err)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"task_id\": \"%s\", \"prompt\": \"q\", \"entry_point\": \"f\", "
             "\"canonical_solution\": \"s\", \"base_input\": %s, \"atol\": 0.5, "
             "\"plus_input\": %s, \"contract\": \"\"}",
             id, base, plus);
    return rn_taskset_parse(rn_bytes_of(text), "x.jsonl", s, err);
}

/* evalplus' inputs as typed JSON: MBPP+'s lists that are tuples, sets or numbers; any digits. */
static void inputs_of_evalplus(void **state)
{
    (void)state;
    static const struct {
        const char *id, *input, *typed;
    } table[] = {
        {"Mine/1", "[[1], {\"a\": [2.50]}, \"x\"]", "[[1],{\"d\":[\"a\",[2.50]]},\"x\"]"},
        {"Mbpp/77", "[123456789012345678901234567890]", "[123456789012345678901234567890]"},
        {"Mbpp/2", "[[1], [[2]]]", "[{\"t\":[1]},{\"t\":[[2]]}]"},
        {"Mbpp/63", "[[[1, 2]]]", "[[{\"t\":[1,2]}]]"},
        {"Mbpp/75", "[[[1]], [2]]", "[[{\"t\":[1]}],[2]]"},
        {"Mbpp/106", "[[1], [2]]", "[[1],{\"t\":[2]}]"},
        {"Mbpp/115", "[[[1, 2], []]]", "[[{\"s\":[1,2]},{\"d\":[]}]]"},
        {"Mbpp/124", "[\"0\", \"1j\"]", "[{\"f\":\"0\"},{\"c\":\"1j\"}]"},
        {"Mbpp/259", "[[[1], [2]]]", "[{\"t\":[{\"t\":[1]},{\"t\":[2]}]}]"},
        {"Mbpp/307", "[[1], 2, [3]]", "[{\"t\":[1]},2,[3]]"},
        {"Mbpp/580", "[[1, [2, []]]]", "[{\"t\":[1,{\"t\":[2,{\"t\":[]}]}]}]"},
        {"Mbpp/722", "[{\"a\": [1]}, 2]", "[{\"d\":[\"a\",{\"t\":[1]}]},2]"},
    };
    rn_taskset *s = NULL;
    rn_err err = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char base[256];
        snprintf(base, sizeof base, "[%s]", table[i].input);
        assert_ok(parse_plus(table[i].id, base, "{}", &s, &err), &err);
        const rn_problem *p = &s->problems[0];
        assert_int_equal(p->n_cases, 1);
        assert_int_equal(p->calls->n_base, 1);
        char got[256];
        snprintf(got, sizeof got, "%.*s", (int)p->cases[0].input.len, p->cases[0].input.data);
        assert_string_equal(got, table[i].typed);
        rn_taskset_free(s);
    }
    static const char *const bad[][3] = {{"[]", "[]", "base_input"},
                                         {"[[1]]", "[2]", "array of arguments"},
                                         {"[[1]]", "{\"a\": 1}", "plus_input"},
                                         {"[[1", "[]", "line 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(parse_plus("Mine/1", bad[i][0], bad[i][1], &s, &err) < 0);
        assert_contains(err.msg, bad[i][2]);
    }
}

/* Three problems of LiveCodeBench's form, in the order of their ids. */
static rn_taskset *dated(void)
{
    static const char *const row[][4] = {{"a1", "2024-04-30T00:00:00", "easy", "leetcode"},
                                         {"a2", "2024-05-01T00:00:00", "hard", "leetcode"},
                                         {"a10", "2024-05-31T00:00:00", "hard", "atcoder"}};
    rn_buf text = {0};
    for (size_t i = 0; i < 3; i++)
        rn_buf_printf(&text,
                      "{\"question_id\": \"%s\", \"question_content\": \"Q%zu\", \"starter_code\": "
                      "\"\", \"public_test_cases\": \"[{\\\"input\\\": \\\"5\\\", \\\"output\\\": "
                      "\\\"5\\\", \\\"testtype\\\": \\\"stdin\\\"}]\", \"contest_date\": \"%s\", "
                      "\"difficulty\": \"%s\", \"platform\": \"%s\"}\n",
                      row[i][0], i, row[i][1], row[i][2], row[i][3]);
    rn_taskset *set = parsed(text.data);
    rn_buf_free(&text);
    return set;
}

static void selections(void **state)
{
    (void)state;
    static const struct {
        rn_selection s;
        const char *chosen; /* of the three; NULL: refused, with `says` */
        const char *says;
    } table[] = {
        {{0}, "111", NULL},
        {{.problems = "0,2"}, "101", NULL},
        {{.problems = "0-2/2"}, "101", NULL},
        {{.problems = "a2,0"}, "110", NULL},
        {{.problems = "difficulty=hard"}, "011", NULL},
        {{.difficulty = "HARD"}, "011", NULL},
        {{.problems = "difficulty=hard,platform=leetcode"}, "010", NULL},
        {{.problems = "platform=atcoder,platform=leetcode"}, "111", NULL},
        {{.problems = "0-1,difficulty=hard"}, "010", NULL},
        {{.problems = "month=2024-05"}, "011", NULL},
        {{.problems = "language=python"}, "111", NULL},
        {{.from = "2024-05"}, "011", NULL},
        {{.to = "2024-05-01"}, "110", NULL},
        {{.from = "2024-05-01", .to = "2024-05"}, "011", NULL},
        {{.from = "2024", .to = "2024"}, "111", NULL},
        {{.problems = "3"}, NULL, "problems 0 to 2"},
        {{.problems = "2-1"}, NULL, "places in the set"},
        {{.problems = "0-1/0"}, NULL, "places in the set"},
        {{.problems = "b1"}, NULL, "no problem of that id"},
        {{.problems = "0,,1"}, NULL, "empty"},
        {{.problems = "library=numpy"}, NULL, "it records difficulty, month, date, platform"},
        {{.problems = "size=3"}, NULL, "does not record the size"},
        {{.difficulty = "medium"}, NULL, "has the difficulty 'medium'"},
        {{.from = "2024-06"}, NULL, "no problem"},
        {{.from = "May"}, NULL, "is a date such as"},
        {{.from = "2024-06", .to = "2024-05"}, NULL, "is later than"},
    };
    rn_taskset *set = dated();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        unsigned char chosen[3];
        rn_err err = {0};
        size_t n = 0;
        int rc = rn_select(&table[i].s, set, chosen, &n, &err);
        if (!table[i].chosen) {
            assert_int_equal(rc, RN_EINVAL);
            assert_contains(err.msg, table[i].says);
            continue;
        }
        assert_ok(rc, &err);
        for (size_t k = 0; k < 3; k++)
            if (chosen[k] != (table[i].chosen[k] == '1'))
                fail_msg("selection %zu: problem %zu is %d", i, k, chosen[k]);
        assert_int_equal(n, (size_t)chosen[0] + chosen[1] + chosen[2]);
    }
    rn_taskset_free(set);
}

static void taco_and_codecontests_tell_where_they_are_from(void **state)
{
    (void)state;
    rn_taskset *s = parsed(
        "{\"question\": \"q\", \"input_output\": \"{\\\"inputs\\\": [\\\"1\\\"], "
        "\\\"outputs\\\": [\\\"1\\\"]}\", \"difficulty\": \"VERY_HARD\", \"source\": "
        "\"codewars\", \"skill_types\": \"[]\", \"date\": \"2020-01-02\", \"solutions\": "
        "\"[\\\"print(1)\\\"]\", \"starter_code\": \"\", \"time_limit\": \"2.0 seconds\"}\n");
    const rn_problem *p = &s->problems[0];
    assert_string_equal(p->task_id, "TACO/0");
    assert_int_equal(p->rule, RN_RULE_TACO);
    assert_string_equal(p->difficulty, "VERY_HARD");
    assert_string_equal(p->platform, "codewars");
    assert_string_equal(p->date, "2020-01-02");
    rn_taskset_free(s);
    s = parsed(
        "{\"name\": \"1_A\", \"description\": \"q\", \"difficulty\": 8, \"source\": 2, "
        "\"public_tests\": {\"input\": [\"1\"], \"output\": [\"1\"]}, \"private_tests\": "
        "{\"input\": [], \"output\": []}, \"time_limit\": {\"seconds\": 2, \"nanos\": "
        "500000000}, \"solutions\": {\"language\": [2, 3], \"solution\": [\"c\", \"p\"]}}\n");
    p = &s->problems[0];
    assert_string_equal(p->difficulty, "B");
    assert_string_equal(p->platform, "codeforces");
    assert_true(p->time_limit_s == 2.5);
    assert_int_equal(p->n_references, 1);
    rn_taskset_free(s);
}

/* The first words of a prompt, what it holds, and how it ends. */
static void prompt_has(const rn_taskset *set, const char *preset, const char *const words[3])
{
    rn_err err = {0};
    rn_buf out = {0};
    assert_ok(rn_prompt_build(rn_preset_find(preset), set, &set->problems[0], &out, &err), &err);
    assert_int_equal(strncmp(out.data, words[0], strlen(words[0])), 0);
    assert_contains(out.data, words[1]);
    assert_string_equal(out.data + out.len - strlen(words[2]), words[2]);
    rn_buf_free(&out);
}

static void prompts_of_their_harnesses(void **state)
{
    (void)state;
    rn_taskset *s = dated();
    prompt_has(
        s, "livecodebench",
        (const char *const[]){"You are an expert Python programmer.",
                              "### Question:\nQ0\n\n### Format: Read the inputs from stdin",
                              "# YOUR CODE HERE\n```\n\n### Answer: (use the provided format "
                              "with backticks)\n\n"});
    prompt_has(s, "livecodebench-base",
               (const char *const[]){"### Question\n", "\n\n### Answer\n\n",
                                     "### Question\nQ0\n\n"
                                     "### Answer\n\n"});
    rn_taskset_free(s);
    s = parsed("{\"task_id\": \"B/1\", \"complete_prompt\": \"\\nimport os\\ndef f(x):\\n\", "
               "\"instruct_prompt\": \"Write f.\", \"code_prompt\": \"import os\\ndef f(x):\", "
               "\"libs\": \"['os', \\\"numpy\\\", '2x']\", \"test\": \"import faker\\nfrom a.b "
               "import c, d\\nimport e as g, h.i\\nclass TestCases:\\n    import never\", "
               "\"entry_point\": \"f\", \"canonical_solution\": \"    return 1\"}");
    prompt_has(s, "bigcodebench-chat",
               (const char *const[]){"Please provide a self-contained Python script",
                                     "block:\n```\nimport os\n", "def f(x):\n```\n"});
    prompt_has(s, "bigcodebench-instruct",
               (const char *const[]){"Please provide", "code block:\nWrite f.", "Write f.\n"});
    const rn_problem *p = &s->problems[0];
    static const char *const libs[] = {"os", "numpy", "faker", "a", "e", "h"};
    assert_int_equal(p->n_libs, sizeof libs / sizeof libs[0]);
    for (size_t i = 0; i < p->n_libs; i++)
        assert_string_equal(p->libs[i], libs[i]);
    char *text = program_of(p, "whole/2", "def f(x):\n    return 2\n");
    assert_contains(text, "sys.modules[__name__]");
    assert_contains(text, "import os\ndef f(x):\n    pass\ndef f(x):\n    return 2\n");
    free(text);
    text = program_of(p, "raw/1", "    return 3\n");
    assert_contains(text, "    pass\n\nimport os\ndef f(x):\n    return 3\n");
    free(text);
    rn_taskset_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(livecodebench_is_read_without_unpickling),
        cmocka_unit_test(functional_cases_are_calls),
        cmocka_unit_test(programs_of_each_language),
        cmocka_unit_test(unittest_sets_run_themselves),
        cmocka_unit_test(selections),
        cmocka_unit_test(taco_and_codecontests_tell_where_they_are_from),
        cmocka_unit_test(prompts_of_their_harnesses),
        cmocka_unit_test(inputs_of_evalplus),
    };
    return cmocka_run_group_tests_name("task_sets", tests, NULL, NULL);
}
