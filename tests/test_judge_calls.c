/* test_judge_calls.c: tests that are calls: evalplus' comparison, both parts, limits, forged passes,
 * and what a reference's run writes down. */
#include "test_judge.h"

enum { MAX = 8 };

/* One case or more: inputs and expected values of typed JSON, NULL at the end. */
static rn_judge_result call_parts(const rn_judge_job *given, const char *const *inputs,
                                  const char *const *expected)
{
    rn_judge_case cases[MAX] = {0};
    rn_judge_job job = *given;
    for (job.n_cases = 0; inputs[job.n_cases]; job.n_cases++)
        cases[job.n_cases] =
            (rn_judge_case){.input = rn_bytes_of(inputs[job.n_cases]),
                            .expected = rn_bytes_of(expected ? expected[job.n_cases] : NULL)};
    job.cases = cases;
    if (!job.entry) job.entry = "f";
    job.limits.memory_bytes = 512 << 20;
    return run_job(judge, &job);
}

/* As evalplus 0.3.1 judges. */
static void test_comparison(void **state)
{
    (void)state;
    static const struct {
        const char *returns, *expected;
        double atol;
        bool passes;
    } table[] = {
        {"1", "1", 0, true},
        {"1.0", "1", 0, true},
        {"True", "1", 0, true},
        {"'1'", "1", 0, false},
        {"[1, 2]", "[1,2]", 0, true},
        {"(1, 2)", "[1,2]", 0, false},
        {"[1, 2]", "{\"t\":[1,2]}", 0, false},
        {"(1, [2, (3,)])", "{\"t\":[1,[2,{\"t\":[3]}]]}", 0, true},
        {"{1, 2}", "{\"s\":[2,1]}", 0, true},
        {"frozenset({1})", "{\"s\":[1]}", 0, true},
        {"{1: 'a', (1, 2): None}", "{\"d\":[1,\"a\",{\"t\":[1,2]},null]}", 0, true},
        {"__import__('collections').Counter('aab')", "{\"d\":[\"a\",2,\"b\",1]}", 0, true},
        {"b'\\x00a'", "{\"b\":\"0061\"}", 0, true},
        {"1 + 2j", "{\"c\":[1.0,2.0]}", 0, true},
        {"10 ** 40", "10000000000000000000000000000000000000000", 0, true},
        {"10 ** 40 + 1", "10000000000000000000000000000000000000000", 0, false},
        {"255", "{\"x\":\"ff\"}", 0, true},
        {"float('inf')", "Infinity", 0, true},
        {"float('nan')", "NaN", 0, false},
        {"None", "null", 0, true},
        /* floats within 1e-6 although nothing is said */
        {"0.1 + 0.2", "0.3", 0, true},
        {"0.3000005", "0.3", 0, true},
        {"0.30001", "0.3", 0, false},
        {"[0.3000005, 1.0]", "[0.3,1.0]", 0, true},
        {"[0.3000005, 1]", "[0.3,1]", 0, false}, /* not all are floats */
        {"[[0.3000005]]", "[[0.3]]", 0, false},  /* nor these */
        {"3", "3.0000001", 0, false},            /* another type */
        {"(0.3000005,)", "[0.3]", 0, false},
        {"[0.3, 0.3]", "[0.3]", 0, false},
        /* within atol */
        {"5.05", "5.0", 0.1, true},
        {"5.2", "5.0", 0.1, false},
        {"[[5.05, 1]]", "[[5.0,1]]", 0.1, true},
        {"[[5.05], [1]]", "[[5.0,5.0],[1,1]]", 0.1, true}, /* as numpy broadcasts */
        {"['a', 5.0]", "[\"a\",5.01]", 0.1, false},
        {"{'a': 5.05}", "{\"d\":[\"a\",5.0]}", 0.1, false},
        {"1000000001.0", "1000000000.0", 0, true}, /* and 1e-7 of the value */
        {"[float('inf'), 1.01]", "[Infinity,1.0]", 0.1, true},
        {"[float('nan'), 1.01]", "[NaN,1.0]", 0.1, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char program[256];
        snprintf(program, sizeof program, "def f():\n    return %s\n", table[i].returns);
        const rn_judge_job job = {
            .mode = RN_JUDGE_CALLS, .program = rn_bytes_of(program), .atol = table[i].atol};
        rn_judge_result r =
            call_parts(&job, (const char *[]){"[]", NULL}, (const char *[]){table[i].expected});
        if ((r.verdict == RN_V_PASSED) != table[i].passes)
            fail_msg("%s for %s: %s %s", table[i].returns, table[i].expected,
                     rn_verdict_name(r.verdict), r.detail);
    }
}

/* Problems whose answer is not one value. */
static void test_special(void **state)
{
    (void)state;
    static const struct {
        rn_calls_oracle oracle;
        const char *entry, *returns, *input, *expected;
        bool passes;
        double atol;
    } table[] = {
        {RN_CALLS_MBPP, "find_dissimilar", "(2, 1)", "[0]", "{\"t\":[1,2]}", true, 0},
        {RN_CALLS_PLAIN, "find_dissimilar", "(2, 1)", "[0]", "{\"t\":[1,2]}", false, 0},
        {RN_CALLS_MBPP, "find_dissimilar", "(2, 3)", "[0]", "{\"t\":[1,2]}", false, 0},
        {RN_CALLS_MBPP, "check_str", "__import__('re').match('a', 'a')", "[0]", "true", true, 0},
        {RN_CALLS_MBPP, "check_str", "None", "[0]", "true", false, 0},
        {RN_CALLS_MBPP, "check_str", "False", "[0]", "true", false, 0},
        {RN_CALLS_MBPP, "are_equivalent", "7", "[0]", "true", true, 0},
        {RN_CALLS_MBPP, "sum_div", "0", "[8]", "7", true, 0},
        {RN_CALLS_MBPP, "sum_div", "1", "[8]", "7", false, 0},
        {RN_CALLS_MBPP, "digit_distance_nums", "27", "[12,999]", "0", false, 0},
        {RN_CALLS_MBPP, "digit_distance_nums", "24", "[12,999]", "0", true, 0},
        {RN_CALLS_HUMANEVAL, "find_zero", "-0.5", "[[1,2]]", "9", true, 0},
        {RN_CALLS_HUMANEVAL, "find_zero", "-0.50001", "[[1,2]]", "9", true, 1e-4},
        {RN_CALLS_HUMANEVAL, "find_zero", "-0.50001", "[[1,2]]", "9", false, 1e-6},
        /* the rule asks for the zero of what was given, not of what the program made of it */
        {RN_CALLS_HUMANEVAL, "find_zero", "x[0].clear() or 0.0", "[[1,2]]", "9", false, 1e-6},
        {RN_CALLS_HUMANEVAL, "find_zero", "__import__('sys') and x[0].clear() or 0.0", "[[1,2]]",
         "9", false, 1e-6},
        {RN_CALLS_HUMANEVAL, "find_zero", "x[0].clear() or -0.5", "[[1,2]]", "9", true, 1e-6},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char program[256];
        snprintf(program, sizeof program, "def %s(*x):\n    return %s\n", table[i].entry,
                 table[i].returns);
        const rn_judge_job job = {.mode = RN_JUDGE_CALLS,
                                  .program = rn_bytes_of(program),
                                  .entry = table[i].entry,
                                  .atol = table[i].atol,
                                  .oracle = table[i].oracle};
        rn_judge_result r = call_parts(&job, (const char *[]){table[i].input, NULL},
                                       (const char *[]){table[i].expected});
        if ((r.verdict == RN_V_PASSED) != table[i].passes)
            fail_msg("%s %s: %s %s", table[i].entry, table[i].returns, rn_verdict_name(r.verdict),
                     r.detail);
    }
}

/* The first cases in a process of their own; the program runs once in each. */
static void test_parts(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        rn_verdict verdict;
        int failed, passed;
    } table[] = {
        {"def f(x):\n    return x\n", RN_V_PASSED, -1, 4},
        {"def f(x):\n    return x if x < 3 else 0\n", RN_V_WRONG, 2, 2},
        {"def f(x):\n    return x if x != 2 else [][1]\n", RN_V_EXCEPTION, 1, 1},
        {"n = []\ndef f(x):\n    n.append(1)\n    return x if len(n) < 3 else 0\n", RN_V_PASSED, -1,
         4},
        {"def f(x):\n    while x > 3: pass\n    return x\n", RN_V_TIME_LIMIT, 3, -1},
        {"import os\ndef f(x):\n    if x > 2: os._exit(0)\n    return x\n", RN_V_EXITED, 2, -1},
        {"def g(x):\n    return x\n", RN_V_EXCEPTION, 0, 0},
        {"def f(x) return x\n", RN_V_SYNTAX, 0, 0},
        {"class E:\n    def __eq__(self, o): return True\ndef f(x):\n    return E()\n", RN_V_FORGED,
         0, 0},
        {"class E(int):\n    def __eq__(self, o): return True\ndef f(x):\n"
         "    return x if x < 3 else E(7)\n",
         RN_V_FORGED, 2, 2},
        {"import gc\ndef f(x):\n    return x if x < 9 else gc.get_objects()\n", RN_V_PASSED, -1, 4},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const rn_judge_job job = {.mode = RN_JUDGE_CALLS,
                                  .program = rn_bytes_of(table[i].program),
                                  .n_first = 2,
                                  .limits = {.cpu_ns = 1000000000}};
        rn_judge_result r = call_parts(&job, (const char *[]){"[1]", "[2]", "[3]", "[4]", NULL},
                                       (const char *[]){"1", "2", "3", "4"});
        bool ok = r.verdict == table[i].verdict && r.failed_case == table[i].failed &&
                  (table[i].passed < 0 || r.n_passed == table[i].passed);
        if (!ok)
            fail_msg("%s: %s at %d, %d passed: %s", table[i].program, rn_verdict_name(r.verdict),
                     r.failed_case, r.n_passed, r.detail);
    }
}

/* What is recorded is what is then expected, large values by their digest. */
static void test_record(void **state)
{
    (void)state;
    static const char program[] = "def f(x):\n    print('x')\n    if x == 3: return object()\n"
                                  "    if x == 4: return [1.5] * 0 + [10**9999]\n"
                                  "    if x == 5: return [{(i, 'a'): {i}} for i in range(3000)]\n"
                                  "    return {2: (x, [None, True, 1e300, 'é\\n', {x}])}\n";
    rn_judge_job job = {.mode = RN_JUDGE_RECORD, .program = rn_bytes_of(program)};
    const char *inputs[] = {"[1]", "[3]", "[4]", "[5]", "[]", NULL};
    rn_judge_result r = call_parts(&job, inputs, NULL);
    assert_int_equal(r.verdict, RN_V_PASSED);
    char text[65536], *line[MAX];
    rn_bytes told = rn_judge_text(judge);
    assert_true(told.len < sizeof text);
    memcpy(text, told.data, told.len);
    text[told.len] = '\0';
    char *at = text;
    for (int i = 0; i < 5; i++) {
        char *end = strchr(at, '\n'), *tab = strchr(at, '\t');
        assert_non_null(end);
        *end = '\0';
        line[i] = tab + 1;
        at = end + 1;
    }
    assert_string_equal(at, "");
    assert_string_equal(line[0], "{\"d\":[2,{\"t\":[1,[null,true,1e+300,\"é\\n\",{\"s\":[1]}]]}]}");
    assert_string_equal(line[1], "a value of type object cannot be kept");
    assert_non_null(strstr(line[2], "{\"x\":\""));
    /* Kept files hold it: it never changes. */
    assert_string_equal(
        line[3], "{\"h\":\"e7c6aa87d44282bf3b779b4cb49a0c02a8be01175f587a63f6a677b7f087d20c\"}");
    assert_non_null(strstr(line[4], "TypeError: "));
    job.mode = RN_JUDGE_CALLS;
    r = call_parts(&job, (const char *[]){"[1]", "[4]", "[5]", NULL},
                   (const char *[]){line[0], line[2], line[3]});
    if (r.verdict != RN_V_PASSED) fail_msg("%s %s", rn_verdict_name(r.verdict), r.detail);
    job.program =
        rn_bytes_of("def f(x):\n    return [{(i, 'a'): {i + (i == 7)}} for i in range(3000)]");
    r = call_parts(&job, (const char *[]){"[5]", NULL}, (const char *[]){line[3]});
    assert_int_equal(r.verdict, RN_V_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_special),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_record),
    };
    return cmocka_run_group_tests(tests, open_judge, close_judge);
}
