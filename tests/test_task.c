/* test_task.c: reading problem sets: every form, their order, hashes and errors. */
#include "test.h"

#include "task/prompt.h"

#include "base/file.h"
#include "task/task.h"

#define CHECK_ROW(id)                                                                             \
    "{\"task_id\": \"" id "\", \"prompt\": \"def f():\\n\", \"entry_point\": \"f\", "             \
    "\"test\": \"def check(c):\\n    assert c() == 1\\n\", \"canonical_solution\": \"    return " \
    "1\\n\"}\n"

static void humaneval_is_read_whole(void **state)
{
    (void)state;
    rn_err err;
    rn_taskset *set = NULL;
    assert_non_null(test_data("humaneval/HumanEval.jsonl.gz"));
    assert_ok(rn_taskset_open("humaneval", getenv("RATION_DATA"), &set, &err), &err);
    assert_int_equal(set->n, 164);
    assert_string_equal(set->name, "humaneval");
    assert_string_equal(set->preset, "humaneval-0shot");
    /* Part of the format: a change of it makes results incomparable (docs/FORMATS.md). */
    assert_string_equal(set->hash,
                        "67b5c0517232c976c2fb5a51fd73e917228c7196cf1bdb7544dead5663fe6e00");
    for (size_t i = 0; i < set->n; i++) {
        char id[32];
        snprintf(id, sizeof id, "HumanEval/%zu", i);
        assert_string_equal(set->problems[i].task_id, id);
        assert_int_equal(set->problems[i].form, RN_FORM_CHECK);
        assert_int_equal(set->problems[i].n_references, 1);
        assert_ptr_equal(rn_taskset_find(set, id), &set->problems[i]);
        assert_ptr_equal(rn_taskset_find(set, id + 10), &set->problems[i]);
    }
    assert_null(rn_taskset_find(set, "HumanEval/164"));
    assert_null(rn_taskset_find(set, "x"));
    rn_taskset_free(set);
}

static void mbpp_has_its_splits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t n, n_shots;
    } t[] = {{"mbpp", 500, 3},
             {"mbpp-full", 974, 3},
             {"mbpp-sanitized", 257, 3},
             {"mbpp-sanitized-full", 427, 3}};
    rn_err err;
    assert_non_null(test_data("mbpp/mbpp.jsonl"));
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        rn_taskset *set = NULL;
        assert_ok(rn_taskset_open(t[i].name, getenv("RATION_DATA"), &set, &err), &err);
        assert_int_equal(set->n, t[i].n);
        assert_int_equal(set->n_shots, t[i].n_shots);
        assert_string_equal(set->shots[0].task_id, "MBPP/2");
        assert_string_equal(set->preset, "mbpp-3shot");
        const rn_problem *p = rn_taskset_find(set, "11");
        if (strcmp(t[i].name, "mbpp") == 0) {
            assert_ptr_equal(p, set->problems);
            assert_int_equal(p->n_asserts, 3);
            assert_contains(p->references[0], "\r\n");
        }
        rn_taskset_free(set);
    }
}

static void order_is_by_number_and_hash_by_content(void **state)
{
    (void)state;
    rn_err err;
    rn_taskset *a = NULL, *b = NULL;
    assert_ok(
        rn_taskset_parse(rn_bytes_of(CHECK_ROW("x/10") CHECK_ROW("x/9")), "a.jsonl", &a, &err),
        &err);
    assert_ok(rn_taskset_parse(rn_bytes_of("[" CHECK_ROW("x/9") "," CHECK_ROW("x/10") "]"), "b", &b,
                               &err),
              &err);
    assert_string_equal(a->problems[0].task_id, "x/9");
    assert_string_equal(a->hash, b->hash);
    assert_string_equal(a->name, "a");
    rn_taskset_free(a);
    rn_taskset_free(b);
}

static void bad_input_names_line_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        int code;
    } t[] = {
        {CHECK_ROW("x/1") CHECK_ROW("x/1"), "task_id \"x/1\" is there twice (lines 1 and 2)",
         RN_EFORMAT},
        {CHECK_ROW("x/1") "{\"task_id\": 3}\n", "line 2: field \"task_id\" is an integer",
         RN_EFORMAT},
        {CHECK_ROW("x/1") "{\"task_id\": \"y\", \"prompt\": \"\"}\n",
         "line 2: field \"entry_point\" is missing", RN_EFORMAT},
        {CHECK_ROW("x/1") "{\"task_id\": \"y\"", "line 2", RN_ETRUNCATED},
        {"{\"colour\": 1}\n", "the fields (colour) are those of no known form", RN_EFORMAT},
        {"[1]", "a problem is a JSON object", RN_EFORMAT},
        {"", "holds no problem", RN_EFORMAT},
        {"{\"task_id\": \"a\\u0000b\", \"prompt\": \"\", \"entry_point\": \"f\", \"test\": \"t\"}",
         "field \"task_id\" holds a NUL", RN_EFORMAT},
        {"{\"task_id\": \"a\", \"prompt\": \"\", \"entry_point\": \"f)\", \"test\": \"t\"}",
         "not a function's name", RN_EFORMAT},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        rn_err err = {0};
        rn_taskset *set = NULL;
        assert_int_equal(rn_taskset_parse(rn_bytes_of(t[i].text), "bad.jsonl", &set, &err),
                         t[i].code);
        assert_contains(err.msg, t[i].want);
        assert_contains(err.msg, "bad.jsonl");
        assert_null(set);
    }
}

/* Sets of our own are found beside the program, whatever the data folder. */
static void mini_comes_with_the_program(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_taskset *set = NULL;
    assert_ok(rn_taskset_open("mini", "/nonexistent", &set, &err), &err);
    assert_true(set->n > 0);
    for (size_t i = 0; i < set->n; i++)
        assert_int_equal(set->problems[i].n_references, 1);
    rn_taskset_free(set);
}

static void public_calls(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_taskset *set = NULL;
    char *text = NULL;
    assert_ok(rn_taskset_parse(rn_bytes_of(CHECK_ROW("x/1")), "a.jsonl", &set, &err), &err);
    assert_int_equal(rn_taskset_size(set), 1);
    assert_string_equal(rn_taskset_id(set, 0), "x/1");
    assert_null(rn_taskset_id(set, 1));
    assert_int_equal(strlen(rn_taskset_hash(set)), 64);
    assert_ok(rn_taskset_prompt(set, 0, NULL, &text, &err), &err);
    assert_string_equal(text, "def f():\n");
    free(text);
    static const char answer[] = "    return 1\n\ndef g(): pass\n";
    rn_answer a = {.text = answer, .len = sizeof answer - 1, .extractor = "auto/1"};
    rn_program_text program = {.found = -1};
    assert_ok(rn_taskset_program(set, 0, &a, &program, &err), &err);
    assert_string_equal(program.text, "def f():\n    return 1\n");
    assert_int_equal(program.len, strlen(program.text));
    assert_int_equal(program.found, 1);
    free(program.text);
    assert_int_equal(rn_taskset_prompt(set, 0, "nonsense", &text, &err), RN_EINVAL);
    assert_int_equal(rn_taskset_prompt(set, 1, NULL, &text, &err), RN_EINVAL);
    assert_int_equal(rn_taskset_program(set, 0, &(rn_answer){"", 0, "x"}, &program, &err),
                     RN_EINVAL);
    rn_taskset_free(set);
}

static rn_taskset *parsed(const char *text)
{
    rn_err err = {0};
    rn_taskset *set = NULL;
    assert_ok(rn_taskset_parse(rn_bytes_of(text), "x.jsonl", &set, &err), &err);
    return set;
}

/* Fields that carry tests or context are used. */
static void test_fields_that_count(void **state)
{
    (void)state;
    rn_taskset *s = parsed(
        "{\"task_id\": \"T/0\", \"prompt\": \"def f(x):\\n\", \"suffix\": \"    return y\\n\","
        " \"entry_point\": \"f\", \"test\": \"def check(c): pass\"}");
    rn_err err = {0};
    rn_buf out = {0};
    rn_extracted what = {.found = true};
    assert_ok(rn_program_build(&s->problems[0], rn_bytes_of("    y = x\n"), &what, &out, &err),
              &err);
    assert_string_equal(out.data, "def f(x):\n    y = x\n    return y\n");
    rn_buf_free(&out);
    rn_taskset_free(s);
    s = parsed(
        "{\"task_id\": 5, \"prompt\": \"q\", \"code\": \"\", \"test_list\": [\"assert f() == 1\"],"
        " \"test\": \"assert f() == 2\"}");
    assert_string_equal(s->problems[0].test, "assert f() == 2");
    rn_taskset_free(s);
    s = parsed(
        "{\"task_id\": \"two\", \"prompt\": \"import math\\n\", \"entry_point\": "
        "\"Solution().two\","
        " \"test\": \"def check(c): pass\", \"completion\": \"class Solution:\\n    pass\\n\","
        " \"meta\": {\"difficulty\": \"Easy\"}}");
    assert_string_equal(s->problems[0].difficulty, "Easy");
    assert_int_equal(s->problems[0].n_references, 1);
    rn_taskset_free(s);
    static const char *const bad[] = {"Solution().", "a;b().c", "().x", "S(1).x", "S().x()"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rn_buf text = {0};
        rn_buf_printf(
            &text,
            "{\"task_id\": \"T/0\", \"prompt\": \"\", \"entry_point\": \"%s\", \"test\": \"x\"}",
            bad[i]);
        assert_int_equal(rn_taskset_parse(rn_buf_view(&text), "x.jsonl", &s, &err), RN_EFORMAT);
        rn_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_that_count),
        cmocka_unit_test(humaneval_is_read_whole),
        cmocka_unit_test(mbpp_has_its_splits),
        cmocka_unit_test(order_is_by_number_and_hash_by_content),
        cmocka_unit_test(bad_input_names_line_and_field),
        cmocka_unit_test(mini_comes_with_the_program),
        cmocka_unit_test(public_calls),
    };
    return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
