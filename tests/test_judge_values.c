/* test_judge_values.c: what functions return: equal values, kinds of outcomes, programs that end. */
#include "test_judge.h"

/* A sanitized host is slower and larger. */
#ifdef __SANITIZE_ADDRESS__
static const int64_t CPU_NS = 1500000000, MEMORY = 512 << 20;
#else
static const int64_t CPU_NS = 300000000, MEMORY = 256 << 20;
#endif

enum { MAX = 8 };

static rn_judge_result call(const char *program, const char *const *inputs, const char *expected,
                            rn_compare compare)
{
    rn_judge_case cases[MAX] = {0};
    size_t n = 0;
    for (; inputs[n]; n++)
        cases[n] = (rn_judge_case){.input = rn_bytes_of(inputs[n]),
                                   .expected = rn_bytes_of(expected ? expected : "")};
    rn_judge_job job = {
        .mode = RN_JUDGE_VALUES,
        .compare = compare,
        .program = rn_bytes_of(program),
        .entry = "f",
        .cases = cases,
        .n_cases = n,
        .limits = {.cpu_ns = CPU_NS, .wall_ns = 10 * CPU_NS, .memory_bytes = MEMORY}};
    return run_job(judge, &job);
}

static bool same(const rn_judge_value *a, const rn_judge_value *b)
{
    return a->kind == b->kind && memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* Each pair is two expressions that a program returns. */
static void test_equal_values(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } table[] = {
        {"1", "1.0", true},
        {"True", "1", true},
        {"0.1 + 0.2", "0.3", true},
        {"2.9999999999999996", "3", true},
        {"-0.0", "0", true},
        {"float('nan')", "-float('nan')", true},
        {"float('inf')", "-float('inf')", false},
        {"1.5", "1.6", false},
        {"10**40", "10**40 + 1", false},
        {"2**70", "2**70", true},
        {"'a'", "b'a'", false},
        {"'a'", "['a']", false},
        {"[1, 2]", "(1, 2)", false},
        {"[1, [2, '3']]", "[1, [2, '3']]", true},
        {"['a', 'b']", "['ab']", false},
        {"{1: 2, 3: 4}", "{3: 4, 1: 2}", true},
        {"{1: 2}", "{2: 1}", false},
        {"{3, 1, 2}", "frozenset([1, 2, 3])", true},
        {"{}", "set()", false},
        {"None", "''", false},
        {"'\\ud800'", "'\\ud801'", false},
        {"__import__('collections').Counter('aab')", "{'b': 1, 'a': 2}", true},
        {"__import__('collections').OrderedDict(b=1, a=2)", "{'a': 2, 'b': 1}", true},
        {"type('I', (int,), {'__eq__': lambda s, o: True})(3)", "3", true},
        {"type('I', (int,), {'__eq__': lambda s, o: True})(3)", "4", false},
        {"1 + 2j", "1 + 2j", true},
        {"1 + 2j", "1", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char program[512];
        snprintf(program, sizeof program, "def f(i):\n    return %s if i else %s\n", table[i].a,
                 table[i].b);
        rn_judge_result r =
            call(program, (const char *[]){"(1,)", "(0,)", NULL}, NULL, RN_COMPARE_STRICT);
        if (r.verdict != RN_V_PASSED) fail_msg("%s: %s", program, r.detail);
        const rn_judge_value *v = rn_judge_values(judge);
        if (v[0].kind != RN_VALUE_DATA || v[1].kind != RN_VALUE_DATA)
            fail_msg("%s: kinds %d %d", program, v[0].kind, v[1].kind);
        if (same(&v[0], &v[1]) != table[i].equal)
            fail_msg("%s and %s: expected %s", table[i].a, table[i].b,
                     table[i].equal ? "equal" : "different");
    }
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        rn_value_kind kind;
    } table[] = {
        {"return x", RN_VALUE_DATA},
        {"return f", RN_VALUE_OTHER},
        {"return (i for i in [1])", RN_VALUE_OTHER},
        {"return object()", RN_VALUE_OTHER},
        {"a = []\n    a.append(a)\n    return a", RN_VALUE_OTHER},
        {"a = [1]\n    for i in range(40): a = [a, a]\n    return a", RN_VALUE_OTHER},
        {"a = {}\n    for i in range(40): a = {0: a, 1: a}\n    return a", RN_VALUE_OTHER},
        {"return 'x' * 10**7", RN_VALUE_OTHER},
        {"return list(range(10**6))", RN_VALUE_OTHER},
        {"return 1 / 0", RN_VALUE_RAISED},
        {"return f(x)", RN_VALUE_RAISED},
        {"raise SystemExit(0)", RN_VALUE_RAISED},
        {"import os\n    os._exit(0)", RN_VALUE_ENDED},
        {"import os\n    os.abort()", RN_VALUE_ENDED},
        {"while True: pass", RN_VALUE_LIMIT},
        {"import time\n    time.sleep(1000)", RN_VALUE_LIMIT},
        {"return 'a' * 10**10", RN_VALUE_LIMIT},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char program[512];
        snprintf(program, sizeof program, "def f(x):\n    %s\n", table[i].body);
        rn_judge_result r = call(program, (const char *[]){"(1,)", NULL}, NULL, RN_COMPARE_STRICT);
        const rn_judge_value *v = rn_judge_values(judge);
        if (r.verdict != RN_V_PASSED || v[0].kind != table[i].kind)
            fail_msg("%s: %s (%s), kind %d, not %d", program, rn_verdict_name(r.verdict), r.detail,
                     v[0].kind, table[i].kind);
    }
}

/* One input of several ends the process: the others are known all the same. A second one ends the
 * trial: the program is taken to do so in all that are left. */
static void test_goes_on_behind_an_end(void **state)
{
    (void)state;
    static const char program[] = "n = 0\n"
                                  "def f(x):\n"
                                  "    import os\n"
                                  "    if x == 2: os._exit(0)\n"
                                  "    if x == 4:\n"
                                  "        while True: pass\n"
                                  "    return x * 10\n";
    rn_judge_result r =
        call(program, (const char *[]){"(1,)", "(2,)", "(3,)", "(4,)", "(5,)", NULL}, "30",
             RN_COMPARE_STRICT);
    static const uint8_t kinds[] = {RN_VALUE_DATA, RN_VALUE_ENDED, RN_VALUE_DATA, RN_VALUE_LIMIT,
                                    RN_VALUE_LIMIT};
    const rn_judge_value *v = rn_judge_values(judge);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(v[i].kind, kinds[i]);
        assert_int_equal(v[i].agrees, i == 2);
    }
    assert_int_equal(r.verdict, RN_V_PASSED);
    assert_int_equal(r.n_run, 5);
    assert_int_equal(r.n_passed, 1);

    /* After three ends the rest is taken to end likewise, and costs nothing. */
    r = call("def f(x):\n    while True: pass\n",
             (const char *[]){"(1,)", "(2,)", "(3,)", "(4,)", "(5,)", "(6,)", "(7,)", NULL}, NULL,
             RN_COMPARE_STRICT);
    v = rn_judge_values(judge);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(v[i].kind, RN_VALUE_LIMIT);
        assert_true(same(&v[i], &v[0]));
    }
    assert_true(r.cpu_ns < 4 * CPU_NS);
}

static void test_program_itself_fails(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        rn_verdict verdict;
    } table[] = {
        {"def f(x)\n    return 1", RN_V_SYNTAX},
        {"x = 1 / 0\ndef f(x): return 1", RN_V_EXCEPTION},
        {"def g(x): return 1", RN_V_EXCEPTION},
        {"import os\nos._exit(0)\ndef f(x): return 1", RN_V_EXITED},
        {"while True: pass\n", RN_V_TIME_LIMIT},
        {"", RN_V_EXCEPTION},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_judge_result r =
            call(table[i].program, (const char *[]){"(1,)", NULL}, NULL, RN_COMPARE_STRICT);
        if (r.verdict != table[i].verdict)
            fail_msg("%s: %s (%s)", table[i].program, rn_verdict_name(r.verdict), r.detail);
        assert_int_equal(rn_judge_values(judge)[0].kind, RN_VALUE_NONE);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    /* Bent names of the program mean nothing in inputs and expected values. */
    rn_judge_result r = call("import builtins\nbuiltins.set = lambda *a: 5\nset = 3\n"
                             "class A(int):\n    def __eq__(s, o): return True\n"
                             "    def __hash__(s): return 0\n"
                             "def f(x): return A(7)\n",
                             (const char *[]){"({1},)", NULL}, "8", RN_COMPARE_STRICT);
    assert_int_equal(r.n_passed, 0);
    assert_int_equal(rn_judge_values(judge)[0].kind, RN_VALUE_DATA);
    /* A fork that comes back tells nothing. */
    r = call("import os\ndef f(x):\n    os.fork()\n    return x\n",
             (const char *[]){"(1,)", "(2,)", NULL}, NULL, RN_COMPARE_STRICT);
    assert_int_equal(r.verdict, RN_V_PASSED);
    /* What it prints is not read. */
    r = call("def f(x):\n    print('y' * 1000)\n    return x\n", (const char *[]){"(1,)", NULL},
             "1", RN_COMPARE_STRICT);
    assert_int_equal(r.n_passed, 1);
    /* An input that is none is an outcome like any other. */
    r = call("def f(x): return x\n", (const char *[]){"(1", "5", NULL}, NULL, RN_COMPARE_STRICT);
    assert_int_equal(r.verdict, RN_V_PASSED);
    assert_int_equal(rn_judge_values(judge)[0].kind, RN_VALUE_RAISED);

    /* Nor is one with a null byte read up to it. */
    static const char with_null[] = "(1,)\0+ (2,)";
    rn_judge_case cases[] = {{.input = {with_null, sizeof with_null - 1}},
                             {.input = rn_bytes_of("(1,)")}};
    rn_judge_job job = {.mode = RN_JUDGE_VALUES,
                        .program = rn_bytes_of("def f(x): return x\n"),
                        .entry = "f",
                        .cases = cases,
                        .n_cases = 2,
                        .limits = {.cpu_ns = CPU_NS, .memory_bytes = MEMORY}};
    r = run_job(judge, &job);
    assert_int_equal(r.verdict, RN_V_PASSED);
    assert_int_equal(rn_judge_values(judge)[0].kind, RN_VALUE_RAISED);
    assert_int_equal(rn_judge_values(judge)[1].kind, RN_VALUE_DATA);
}

static void test_method_of_solution(void **state)
{
    (void)state;
    rn_judge_result r = call("class Solution:\n    def f(self, x): return sqrt(x)\n",
                             (const char *[]){"(9,)", NULL}, "3", RN_COMPARE_APPS);
    assert_int_equal(r.n_passed, 1);
}

static void test_refuses(void **state)
{
    (void)state;
    rn_err err;
    rn_judge_case cases[RN_JUDGE_MAX_VALUES + 1] = {0};
    rn_judge_job job = {.mode = RN_JUDGE_VALUES, .entry = "f", .cases = cases};
    job.n_cases = RN_JUDGE_MAX_VALUES + 1;
    assert_int_equal(rn_judge_submit(judge, &job, 1, &err), RN_EINVAL);
    assert_contains(err.msg, "at most 128");
    job.n_cases = 1;
    job.entry = NULL;
    assert_int_equal(rn_judge_submit(judge, &job, 1, &err), RN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_values),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_goes_on_behind_an_end),
        cmocka_unit_test(test_program_itself_fails),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_method_of_solution),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, open_judge, close_judge);
}
