/* test_task_apps.c: APPS as rows and folders, CodeContests, and the JSON scanner below them. */
#include "test.h"

#include "base/file.h"
#include "task/jsonraw.h"
#include "task/task.h"

static rn_taskset *parse(const char *text)
{
    rn_err err = {0};
    rn_taskset *set = NULL;
    assert_ok(rn_taskset_parse(rn_bytes_of(text), "t.jsonl", &set, &err), &err);
    return set;
}

static void assert_bytes(rn_bytes got, const char *want)
{
    if (!rn_bytes_equal(got, rn_bytes_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", (int)got.len, got.data, want);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    rn_err err;
    char path[5000];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_ok(rn_file_write_atomic(path, rn_bytes_of(text), &err), &err);
}

static void scanner_keeps_numbers_and_checks_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical; /* NULL: refused */
    } t[] = {
        {" [ 1 , 123456789012345678901234567890, -0.50e+3 ] ",
         "[1,123456789012345678901234567890,-0.50e+3]"},
        {"{\"a b\" : [NaN, -Infinity, true, null]}", "{\"a b\":[NaN,-Infinity,true,null]}"},
        {"\"\\u00e9\\ud83d\\ude00\\/\\n\"", "\"\xC3\xA9\xF0\x9F\x98\x80/\\n\""},
        {"\"\\ud800\"", "\"\xEF\xBF\xBD\""},
        {"[1,]", NULL},
        {"[1", NULL},
        {"\"abc", NULL},
        {"\"\\x\"", NULL},
        {"\"\\u12g4\"", NULL},
        {"{1: 2}", NULL},
        {"{\"a\" 2}", NULL},
        {"-", NULL},
        {"1.", NULL},
        {"nul", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        rn_err err = {0};
        rn_bytes v = {0};
        size_t pos = 0;
        int rc = rn_jsonraw_value(rn_bytes_of(t[i].text), &pos, &v, &err);
        if (!t[i].canonical) {
            if (rc == 0) fail_msg("%s was accepted", t[i].text);
            assert_contains(err.msg, "JSON at byte");
            continue;
        }
        assert_ok(rc, &err);
        rn_buf out = {0};
        rn_jsonraw_canonical(v, &out);
        assert_string_equal(out.data, t[i].canonical);
        rn_buf_free(&out);
    }
    char deep[1000];
    memset(deep, '[', sizeof deep);
    rn_bytes v;
    size_t pos = 0;
    rn_err err = {0};
    assert_int_equal(rn_jsonraw_value((rn_bytes){.data = deep, .len = sizeof deep}, &pos, &v, &err),
                     RN_EFORMAT);
    assert_contains(err.msg, "nested too deeply");
}

static const char rows[] =
    "{\"problem_id\": 8, \"difficulty\": \"interview\", \"question\": \"Add.\", \"starter_code\": "
    "\"class Solution:\", \"solutions\": \"\", \"input_output\": \"{\\\"fn_name\\\": \\\"f\\\", "
    "\\\"inputs\\\": [[1, 123456789012345678901234567890], [{\\\"a\\\": 1}]], \\\"outputs\\\": "
    "[\\\"x y\\\", [2 ]]}\"}\n"
    "{\"problem_id\": 7, \"difficulty\": \"introductory\", \"question\": \"Add.\", "
    "\"starter_code\": "
    "\"\", \"solutions\": \"[\\\"print(1)\\\", \\\"print(2)\\\"]\", \"input_output\": "
    "\"{\\\"inputs\\\": [\\\"1\\\\n\\\", [\\\"1\\\", \\\"2\\\"]], \\\"outputs\\\": "
    "[\\\"1\\\\n\\\", "
    "[\\\"x\\\"]]}\"}\n"
    "{\"problem_id\": 9, \"difficulty\": \"competition\", \"question\": \"No tests.\", "
    "\"starter_code\": \"\", \"solutions\": \"\", \"input_output\": \"\"}\n";

static void check_rows(const rn_taskset *set)
{
    assert_int_equal(set->n, 3);
    assert_string_equal(set->preset, "apps-2shot");
    const rn_problem *p = rn_taskset_find(set, "APPS/7");
    assert_ptr_equal(p, &set->problems[0]);
    assert_int_equal(p->form, RN_FORM_STDIO);
    assert_int_equal(p->n_cases, 2);
    assert_bytes(p->cases[0].input, "1\n");
    assert_bytes(p->cases[1].input, "1\n2");
    assert_bytes(p->cases[1].output, "x");
    assert_int_equal(p->n_references, 2);
    assert_string_equal(p->references[1], "print(2)");
    p = rn_taskset_find(set, "8");
    assert_int_equal(p->form, RN_FORM_CALL);
    assert_string_equal(p->entry_point, "f");
    assert_bytes(p->cases[0].input, "[1,123456789012345678901234567890]");
    assert_bytes(p->cases[1].input, "[{\"a\":1}]");
    assert_bytes(p->cases[0].output, "\"x y\"");
    assert_bytes(p->cases[1].output, "[2]");
    assert_int_equal(p->n_references, 0);
    assert_int_equal(rn_taskset_find(set, "9")->n_cases, 0);
}

static void rows_and_folders_are_the_same_set(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_taskset *a = parse(rows), *b = NULL;
    check_rows(a);

    const char *dir = test_tmpdir();
    char sub[4200];
    const char *const folders[] = {"test/0007", "test/0008", "test/0009", "test/readme"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(sub, sizeof sub, "%s/%s", dir, folders[i]);
        assert_ok(rn_dir_make(sub, &err), &err);
        if (i == 3) continue;
        write_file(sub, "question.txt", i == 2 ? "No tests." : "Add.");
        static const char *const levels[] = {"introductory", "interview", "competition"};
        char meta[100];
        snprintf(meta, sizeof meta, "{\"difficulty\": \"%s\", \"url\": \"http://x\"}", levels[i]);
        write_file(sub, "metadata.json", meta);
        if (i == 0) {
            write_file(sub, "solutions.json", "[\"print(1)\", \"print(2)\"]");
            write_file(
                sub, "input_output.json",
                "{\"inputs\": [\"1\\n\", [\"1\", \"2\"]],\n \"outputs\": [\"1\\n\", [\"x\"]]}");
        }
        if (i == 1) {
            write_file(sub, "starter_code.py", "class Solution:");
            write_file(sub, "input_output.json",
                       "{\"inputs\": [[1, 123456789012345678901234567890], [{\"a\": 1}]], "
                       "\"outputs\": [\"x y\", [2]], \"fn_name\": \"f\"}");
        }
    }
    assert_ok(rn_taskset_open(dir, NULL, &b, &err), &err);
    check_rows(b);
    assert_string_equal(a->hash, b->hash);
    rn_taskset_free(a);
    rn_taskset_free(b);

    /* The three difficulties are sets of their own, found in either form. */
    snprintf(sub, sizeof sub, "%s/apps", dir);
    assert_ok(rn_dir_make(sub, &err), &err);
    write_file(sub, "test.jsonl", rows);
    static const struct {
        const char *name, *id;
    } t[] = {{"apps-introductory", "APPS/7"},
             {"apps-interview", "APPS/8"},
             {"apps-competition", "APPS/9"}};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(rn_taskset_open(t[i].name, dir, &b, &err), &err);
        assert_int_equal(b->n, 1);
        assert_string_equal(b->problems[0].task_id, t[i].id);
        assert_string_equal(b->name, t[i].name);
        rn_taskset_free(b);
    }
    test_rmdir(dir);
}

static void train_rows_are_worked_examples(void **state)
{
    (void)state;
    rn_taskset *set = parse(
        "{\"problem_id\": 1, \"split\": \"train\", \"question\": \"Q\", \"solutions\": "
        "\"[\\\"pass\\\"]\", \"input_output\": \"\"}\n"
        "{\"problem_id\": 2, \"question\": \"R\", \"solutions\": \"\", \"input_output\": \"\"}\n");
    assert_int_equal(set->n, 1);
    assert_int_equal(set->n_shots, 1);
    assert_string_equal(set->shots[0].references[0], "pass");
    rn_taskset_free(set);
}

static void real_files_are_read(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_taskset *set = NULL;
    assert_ok(rn_taskset_open(test_data("apps/apps-real-7.jsonl"), NULL, &set, &err), &err);
    assert_int_equal(set->n, 7);
    assert_string_equal(set->name, "apps-real-7");
    assert_string_equal(set->problems[0].task_id, "APPS/203");
    assert_bytes(rn_taskset_find(set, "1079")->cases[0].input, "10\n");
    rn_taskset_free(set);
    assert_ok(rn_taskset_open(test_data("codecontests/codecontests-100.jsonl"), NULL, &set, &err),
              &err);
    assert_int_equal(set->n, 100);
    const rn_problem *p = rn_taskset_find(set, "1575_C. Cyclic Sum");
    assert_non_null(p);
    assert_near(p->time_limit_s, 3.0, 0);
    assert_int_equal(p->n_references, 0); /* the file's samples are model answers, not references */
    rn_taskset_free(set);
}

static void deepmind_rows_are_read(void **state)
{
    (void)state;
    rn_taskset *set = parse(
        "{\"name\": \"1_A. X\", \"description\": \"D\", \"time_limit\": {\"seconds\": 2, "
        "\"nanos\": "
        "500000000}, \"public_tests\": {\"input\": [\"1\\n\"], \"output\": [\"2\\n\"]}, "
        "\"private_tests\": {\"input\": [\"3\\n\"], \"output\": [\"4\\n\"]}, \"generated_tests\": "
        "null, \"solutions\": {\"language\": [2, 3], \"solution\": [\"int main\", \"print()\"]}}");
    const rn_problem *p = &set->problems[0];
    assert_int_equal(p->n_cases, 2);
    assert_bytes(p->cases[1].output, "4\n");
    assert_near(p->time_limit_s, 2.5, 1e-9);
    assert_int_equal(p->n_references, 1);
    assert_string_equal(p->references[0], "print()");
    rn_taskset_free(set);
}

#define APPS_ROW(io) "{\"problem_id\": 1, \"question\": \"Q\", \"input_output\": \"" io "\"}\n"

static void bad_rows_name_line_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } t[] = {
        {APPS_ROW("{\\\"inputs\\\": [\\\"1\\\"]}"),
         "line 1: field \"outputs\" has 0 entries for 1 inputs"},
        {APPS_ROW("{\\\"inputs\\\": [\\\"1\\\"], \\\"outputs\\\""),
         "line 1: field \"input_output\": JSON at byte"},
        {APPS_ROW("[1]"), "field \"input_output\" does not hold an object"},
        {APPS_ROW("{\\\"inputs\\\": 3}"), "field \"inputs\" is not an array"},
        {APPS_ROW("{\\\"fn_name\\\": 3}"), "field \"fn_name\" is not a string"},
        {APPS_ROW("{\\\"fn_name\\\": \\\"f\\\", \\\"inputs\\\": [3], \\\"outputs\\\": [3]}"),
         "number 1 is not an array of arguments"},
        {APPS_ROW("{} x"), "text follows the value"},
        {"{\"problem_id\": \"1\", \"question\": \"Q\", \"input_output\": \"\"}", "\"problem_id\""},
        {"{\"problem_id\": 1, \"question\": \"Q\", \"input_output\": \"\", \"solutions\": "
         "\"[3]\"}",
         "field \"solutions\" has an entry (number 1) that is not a string"},
        {"{\"name\": \"n\", \"question\": \"Q\", \"test_cases\": {\"input\": [\"1\"], \"output\": "
         "[]}}",
         "field \"test_cases\" has 0 outputs for 1 inputs"},
        {"{\"name\": \"n\", \"question\": \"Q\", \"timeout\": -1, \"test_cases\": {}}",
         "field \"timeout\" is not between"},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        rn_err err = {0};
        rn_taskset *set = NULL;
        assert_true(rn_taskset_parse(rn_bytes_of(t[i].text), "bad.jsonl", &set, &err) < 0);
        assert_contains(err.msg, t[i].want);
    }
    rn_err err = {0};
    rn_taskset *set = NULL;
    const char *dir = test_tmpdir();
    assert_int_equal(rn_taskset_open(dir, NULL, &set, &err), RN_EFORMAT);
    assert_contains(err.msg, "nor numbered folders");
    assert_int_equal(rn_taskset_open("apps-interview", dir, &set, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "ration fetch apps");
    assert_int_equal(rn_taskset_open("nonsense", dir, &set, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "humaneval, mbpp");
    test_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scanner_keeps_numbers_and_checks_text),
        cmocka_unit_test(rows_and_folders_are_the_same_set),
        cmocka_unit_test(train_rows_are_worked_examples),
        cmocka_unit_test(real_files_are_read),
        cmocka_unit_test(deepmind_rows_are_read),
        cmocka_unit_test(bad_rows_name_line_and_field),
    };
    return cmocka_run_group_tests_name("task_apps", tests, NULL, NULL);
}
