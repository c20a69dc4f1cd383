/* The judge: modes, verdicts, limits, comparison rules, weaker sandboxes, hosts that die. */
#define JUDGE_JOBS 2
#include "test_judge.h"

#include "judge/checker.h"

#include <fcntl.h>
#include <signal.h>

static const rn_judge_limits small = {
    .cpu_ns = 800000000, .wall_ns = 2000000000, .memory_bytes = 256 << 20};

static rn_judge_result run_script(const char *program, size_t len, const char *const *tests)
{
    rn_judge_case cases[8];
    size_t n = 0;
    for (; tests[n]; n++)
        cases[n] = (rn_judge_case){.input = rn_bytes_of(tests[n])};
    rn_judge_job job = {.program = {program, len}, .cases = cases, .n_cases = n, .limits = small};
    return run_job(judge, &job);
}

static void expect(rn_judge_result r, rn_verdict want, const char *what)
{
    if (r.verdict != want)
        fail_msg("%s: got %s (%s), want %s", what, rn_verdict_name(r.verdict), r.detail,
                 rn_verdict_name(want));
}

static void test_script(void **state)
{
    (void)state;
    static const struct {
        const char *program, *test;
        rn_verdict want;
    } table[] = {
        {"def f(x):\n    return x + 1", "assert f(1) == 2", RN_V_PASSED},
        {"def f(x):\n    return x", "assert f(1) == 2", RN_V_WRONG},
        {"def f(x):\n    return [][x]", "assert f(1) == 2", RN_V_EXCEPTION},
        {"def f(x)\n    return x", "assert f(1) == 2", RN_V_SYNTAX},
        {"", "assert f(1) == 2", RN_V_EXCEPTION},
        {"", "assert True", RN_V_PASSED},
        /* exec(program, {}): not __main__, and the namespace is shared both ways */
        {"if __name__ == '__main__':\n    raise ValueError", "assert __name__ == 'builtins'",
         RN_V_PASSED},
        {"def f(x):\n    return math.floor(x)", "import math\nassert f(1.5) == 1", RN_V_PASSED},
        {"from __future__ import annotations\ndef f(x: undefined): return x",
         "def g(y: undefined): pass\nassert f(1) == 1", RN_V_PASSED},
        {"x = 1 + \\", "\nassert x == 1", RN_V_SYNTAX},
        {"def f():\n    return 1\\\n", "\nassert f() == 1",
         RN_V_PASSED}, /* compiles only as a whole */
        {"input()", "assert True", RN_V_EXCEPTION},
        {"import numpy", "assert numpy.zeros(3).sum() == 0", RN_V_PASSED},
        {"class P:\n    def __init__(s, v): s.v = v\n    def __eq__(s, o): return s.v == o.v\ndef "
         "f(v): return P(v)",
         "assert f(1) == f(1) and f(1) != f(2)", RN_V_PASSED}, /* honest operators */
        {"def f(x):\n    assert x", "assert f(0) == 0", RN_V_WRONG},
        {"f = lambda x: 'a' * 10**10", "assert len(f(1)) == 1", RN_V_MEMORY_LIMIT},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *tests[] = {table[i].test, NULL};
        expect(run_script(table[i].program, strlen(table[i].program), tests), table[i].want,
               table[i].program);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    const char *tests[] = {"assert True", NULL};
    expect(run_script("x = 1\0y", 7, tests), RN_V_SYNTAX, "NUL byte");
    expect(run_script("x = '\xff\xfe'", 8, tests), RN_V_SYNTAX, "invalid UTF-8");
    expect(run_script("x = 1\r\ny = 2\r\n", 14, tests), RN_V_PASSED, "CRLF");
    expect(run_script("\xef\xbb\xbfx = 1", 8, tests), RN_V_SYNTAX, "byte order mark");
    size_t len = 100 << 20;
    char *big = malloc(len);
    assert_non_null(big);
    memset(big, '#', len);
    rn_judge_result r = run_script(big, len, tests);
    free(big);
    if (r.verdict != RN_V_PASSED && rn_verdict_family(r.verdict) != 'L')
        fail_msg("100 MB: %s %s", rn_verdict_name(r.verdict), r.detail);
}

static void test_counts(void **state)
{
    (void)state;
    const char *tests[] = {"assert f(1) == 1", "assert f(2) == 1", "assert f(3) == 3", NULL};
    const char *program = "def f(x): return x";
    rn_judge_result r = run_script(program, strlen(program), tests);
    expect(r, RN_V_WRONG, program);
    assert_int_equal(r.n_cases, 3);
    assert_int_equal(r.n_run, 2);
    assert_int_equal(r.n_passed, 1);
    assert_int_equal(r.failed_case, 1);
    rn_judge_case cases[3];
    for (int i = 0; i < 3; i++)
        cases[i] = (rn_judge_case){.input = rn_bytes_of(tests[i])};
    rn_judge_job job = {
        .program = rn_bytes_of(program), .cases = cases, .n_cases = 3, .all_cases = true};
    r = run_job(judge, &job);
    assert_int_equal(r.n_run, 3);
    assert_int_equal(r.n_passed, 2);
    job.n_cases = 0;
    expect(run_job(judge, &job), RN_V_NO_TESTS, "no tests");
}

static rn_judge_result run_io(rn_judge_mode mode, rn_compare cmp, const char *program,
                              const char *in, const char *out)
{
    rn_judge_case c = {.input = rn_bytes_of(in), .expected = rn_bytes_of(out)};
    rn_judge_job job = {.mode = mode,
                        .compare = cmp,
                        .program = rn_bytes_of(program),
                        .entry = "f",
                        .cases = &c,
                        .n_cases = 1,
                        .limits = small};
    return run_job(judge, &job);
}

static void test_stdio(void **state)
{
    (void)state;
    static const struct {
        const char *program, *in, *out;
        rn_verdict want;
    } table[] = {
        {"a, b = map(int, input().split())\nprint(a + b)", "1 2\n", "3\n", RN_V_PASSED},
        {"import sys\nprint(sum(map(int, sys.stdin.read().split())))", "1 2\n3", "6", RN_V_PASSED},
        {"print(sum(map(int, open('/dev/stdin').read().split())))", "1 2\n3", "6", RN_V_PASSED},
        {"print(sum(map(int, open(0).read().split())))", "1 2\n3", "6", RN_V_PASSED},
        {"import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())", "x y\n", "x y",
         RN_V_PASSED},
        {"print(3)\nexit(0)", "", "3", RN_V_PASSED},
        {"import sys\nprint(3)\nsys.exit(0)", "", "3", RN_V_PASSED},
        {"import os\nos.write(1, b'3')\nos._exit(0)", "", "3", RN_V_PASSED},
        {"import threading\ndef main():\n    import time\n    time.sleep(.05)\n    print(3)\n"
         "threading.Thread(target=main).start()",
         "", "3", RN_V_PASSED},
        {"import atexit\natexit.register(print, 3)", "", "3", RN_V_PASSED},
        {"if __name__ == '__main__':\n    print(3)", "", "3", RN_V_PASSED},
        {"print(4)", "", "3", RN_V_WRONG},
        {"print(3)\nraise ValueError", "", "3", RN_V_EXCEPTION},
        {"print(sorted(deque([2, 1])), math.gcd(4, 6))", "", "[1, 2] 2", RN_V_PASSED}, /* prelude */
        {"print('x' * 3000000)", "", "x", RN_V_OUTPUT_LIMIT},
        {"while True: pass", "", "x", RN_V_TIME_LIMIT},
        {"print(input(), input())", "1", "1", RN_V_EXCEPTION},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(run_io(RN_JUDGE_STDIO, RN_COMPARE_APPS, table[i].program, table[i].in, table[i].out),
               table[i].want, table[i].program);
    enum { LARGE = 3000000 }; /* more than the limit of output, but expected */
    char *large = malloc(LARGE + 1);
    assert_non_null(large);
    memset(large, 'x', LARGE);
    large[LARGE] = '\0';
    rn_judge_result r = run_io(RN_JUDGE_STDIO, RN_COMPARE_APPS, "print('x' * 3000000)", "", large);
    free(large);
    expect(r, RN_V_PASSED, "3 MB that are expected");
}

static void test_call(void **state)
{
    (void)state;
    static const struct {
        const char *program, *in, *out;
        rn_verdict apps, strict;
    } table[] = {
        {"def f(a, b): return a + b", "[1, 2]", "3", RN_V_PASSED, RN_V_PASSED},
        {"def f(a, b): return a + b", "[1, 2]", "[3]", RN_V_PASSED, RN_V_PASSED},
        {"class Solution:\n    def f(self, a): return a[::-1]", "[\"ab\"]", "\"ba\"", RN_V_PASSED,
         RN_V_PASSED},
        {"def f(a): return (1, 2)", "[0]", "[1, 2]", RN_V_PASSED, RN_V_PASSED},
        {"def f(a): return [(1, 2)]", "[0]", "[[[1, 2]]]", RN_V_PASSED, RN_V_PASSED},
        {"def f(d): return d[1]", "[{\"1\": 5}]", "5", RN_V_PASSED, RN_V_PASSED},
        {"def f(a: List[int]) -> int: return sum(a)", "[[1, 2]]", "3", RN_V_PASSED, RN_V_PASSED},
        {"def f(a): return 10**30", "[0]", "1000000000000000000000000000000", RN_V_PASSED,
         RN_V_PASSED},
        {"def f(a): return 1.0", "[0]", "1", RN_V_PASSED, RN_V_PASSED},
        {"def f(a): return True", "[0]", "true", RN_V_PASSED, RN_V_PASSED},
        {"def f(a): return '\\u20ac'", "[0]", "\"\\u20ac\"", RN_V_PASSED, RN_V_PASSED},
        {"def f(a): return [1, [2]]", "[0]", "[1, [3]]", RN_V_WRONG, RN_V_WRONG},
        {"def f(a): return None", "[0]", "0", RN_V_WRONG, RN_V_WRONG},
        {"def g(a): return 0", "[0]", "0", RN_V_EXCEPTION, RN_V_EXCEPTION},
        {"class A:\n    def __eq__(s, o): return True\ndef f(a): return A()", "[0]", "[1]",
         RN_V_FORGED, RN_V_FORGED},
        {"class L(list):\n    def __eq__(s, o): return True\ndef f(a): return L()", "[0]", "[1]",
         RN_V_WRONG, RN_V_WRONG},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        expect(run_io(RN_JUDGE_CALL, RN_COMPARE_APPS, table[i].program, table[i].in, table[i].out),
               table[i].apps, table[i].program);
        expect(
            run_io(RN_JUDGE_CALL, RN_COMPARE_STRICT, table[i].program, table[i].in, table[i].out),
            table[i].strict, table[i].program);
    }
}

static void test_compare(void **state)
{
    (void)state;
    static const struct {
        const char *got, *want;
        bool apps, strict;
    } table[] = {
        {"1 2\n", "1 2", true, true},
        {"1 2 \n\n", "1 2", true, true},
        {"  1\n 2\n", "1\n2", true, false},
        {"a\n\nb\n", "a\nb", true, false},
        {"1.00000001\n", "1.0\n", true, false},
        {"1e0\n2.0\n", "1\n2", true, false},
        {"1.001\n", "1.0\n", false, false},
        {"1.0004\n", "1.0\n", true, false}, /* rounded to three decimals */
        {"2 1\n", "1 2", true, false},      /* APPS forgets the order */
        {"1 1 2\n", "1 2", true, false},
        {"b\na\n", "a\nb", true, false},
        {"nan\n", "nan", true, true},
        {"nan x\n", "x NaN", false, false},
        {"inf\n", "Infinity", true, false},
        {"-0.0001\n", "0", true, false},
        {"1_000\n", "1000", true, false},
        {"0x10\n", "16", false, false},
        {"", "", true, true},
        {"\n\n", "", true, true},
        {"", "1", false, false},
        {"yes\r\nno\r\n", "yes\nno", true, true},
        {"Yes", "yes", false, false},
        {"1\xC2\xA0\n", "1", true, false}, /* Python's blanks: U+00A0, */
        {"1\xE3\x80\x80"
         "2\n",
         "1 2", true, false}, /* 3000 */
        {"a\xE2\x80\xA8"
         "b\n",
         "a\nb", true, false},                         /* 2028 ends a line */
        {"a\xC3\xA0\n", "a", false, false},            /* a letter with the byte A0 */
        {"\xD9\xA1\xD9\xA2.5\n", "12.5", true, false}, /* float() reads digits of any script */
        {"\xEF\xBC\x91_\xEF\xBC\x90\n", "10", true, false},
        {"\xC2\xB2\n", "2", false, false}, /* a superscript is none */
        {"\xD9\xA1\n", "\xDB\xB1", true, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_err err;
        bool yes;
        rn_bytes g = rn_bytes_of(table[i].got), w = rn_bytes_of(table[i].want);
        assert_ok(rn_compare_text(RN_COMPARE_APPS, g, w, &yes, &err), &err);
        if (yes != table[i].apps)
            fail_msg("apps: '%s' '%s': got %d", table[i].got, table[i].want, yes);
        assert_ok(rn_compare_text(RN_COMPARE_STRICT, g, w, &yes, &err), &err);
        if (yes != table[i].strict)
            fail_msg("strict: '%s' '%s': got %d", table[i].got, table[i].want, yes);
    }
}

/* Numbers beyond a double are infinite in APPS' comparison, and close to each other. */
static void test_compare_long_numbers(void **state)
{
    (void)state;
    char got[700], want[700];
    memset(got, '1', sizeof got);
    memset(want, '2', sizeof want);
    rn_bytes g = {.data = got, .len = sizeof got}, w = {.data = want, .len = sizeof want};
    rn_err err;
    bool yes;
    assert_ok(rn_compare_text(RN_COMPARE_APPS, g, w, &yes, &err), &err);
    assert_true(yes);
    got[0] = '-';
    assert_ok(rn_compare_text(RN_COMPARE_APPS, g, w, &yes, &err), &err);
    assert_false(yes);
    got[0] = 'x';
    assert_ok(rn_compare_text(RN_COMPARE_APPS, g, w, &yes, &err), &err);
    assert_false(yes);
}

/* CodeContests' rule and LiveCodeBench's. */
static void test_compare_sets(void **state)
{
    (void)state;
    static const struct {
        const char *got, *want;
        bool contests, livecode;
    } table[] = {
        {"Yes", "YES\n", true, false},
        {"1 2\n3", "1\n2 3\n", true, false},
        {"2 1", "1 2", false, false},
        {"1000001", "1000000", false, false},
        {"007", "7", true, true},
        {"-0", "0", true, true},
        {"1.0", "1", true, true},
        {"1.000009", "1", true, false},
        {"1.00002", "1", false, false},
        {"123456.8", "123456.7", false, false},
        {"123456789012345678901", "123456789012345678902", false, false},
        {"123456789012345678901", "123456789012345678901.0", true, true},
        {"1e3", "1000", true, true},
        {"0.010", "1e-2", true, true},
        {".5", "0.50", true, true},
        {"100", "10", false, false},
        {"0.1", "0.01", false, false},
        {"  1  2 \n\n", "1 2", true, true},
        {"1\n\n2", "1\n2", true, false},
        {"x 1.0", "x 1", true, false},
        {"1 2 3", "1 2", false, false},
        {"", "", true, true},
        {"", "0", false, false},
        {"nan", "NaN", true, false}, /* numbers that are equal to none, but where all is equal */
        {"INF", "inf", true, true},
        {"3\nINF -1\n", "3\ninf -1", true, true},
        {"INF 1.0", "INF 1", false, true},
        {"nan 1", "nan 1", true, true},
        {"nan 1", "nan 1.0", false, false},
        {"1e400 2", "1E400\n2", true, false},
        {"x INFO", "X info", true, false},
        {"0.00001", "0", false, false}, /* less than 1e-5 */
        {"0.000009", "0", true, false},
        {"1\f2", "1 2", false, true},
        {"+5 5. .5", "5 5 0.5", true, true},
        {"1e999999999", "1e999999998", false, false},
        {"--1", "-1", false, false},
        {"1_000", "1000", false, true},
        {"Infinity -inf", "inf -Infinity", false, true},
        {"-inf", "inf", false, false},
        {"1 2\xC2\xA0", "1 2", false, true},
        {"\xD9\xA1.0", "1", false, true}, /* as Decimal() reads it */
        {"\xF0\x9D\x9F\x8F", "1", false, true},
        {"\xD9\xA1", "2", false, false},
        {"\xFF", "1", false, false},
        {"1_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000", "1e57",
         false, true},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_err err;
        bool yes;
        rn_bytes g = rn_bytes_of(table[i].got), w = rn_bytes_of(table[i].want);
        assert_ok(rn_compare_text(RN_COMPARE_CODECONTESTS, g, w, &yes, &err), &err);
        if (yes != table[i].contests)
            fail_msg("codecontests: '%s' '%s': got %d", table[i].got, table[i].want, yes);
        assert_ok(rn_compare_text(RN_COMPARE_LIVECODEBENCH, g, w, &yes, &err), &err);
        if (yes != table[i].livecode)
            fail_msg("livecodebench: '%s' '%s': got %d", table[i].got, table[i].want, yes);
    }
}

/* compare_std_results of FlagOpen/TACO, as run on one string: order of lines is forgotten where each
 * token is one character, and tokens meet lines of their characters. */
static void test_compare_taco(void **state)
{
    (void)state;
    static const struct {
        const char *got, *want;
        bool agrees;
    } table[] = {{"1 2\n", " 1 2", true},      {"1  2\n", "1 2", false},
                 {"10\n20\n", "10\n20", true}, {"20\n10\n", "10\n20", false},
                 {"2\n1\n", "1\n2", true},     {"12\n", "1 2", true},
                 {"1.0\n", "1", false},        {"1\n", "1.0", true},
                 {"YES\n", "yes", false},      {"", "1", false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_err err;
        bool yes;
        assert_ok(rn_compare_text(RN_COMPARE_TACO, rn_bytes_of(table[i].got),
                                  rn_bytes_of(table[i].want), &yes, &err),
                  &err);
        if (yes != table[i].agrees)
            fail_msg("taco: '%s' '%s': got %d", table[i].got, table[i].want, yes);
    }
}

static void test_repeatable(void **state)
{
    (void)state;
    const char *program = "import random\nx = [random.random() for i in range(9)]\n"
                          "y = str({str(i) for i in range(50)})";
    const char *show[] = {"raise ValueError(hash(str(x) + y))", NULL};
    rn_judge_result a = run_script(program, strlen(program), show);
    rn_judge_result b = run_script(program, strlen(program), show);
    expect(a, RN_V_EXCEPTION, program);
    assert_string_equal(a.detail, b.detail);
}

/* Ends every host under way; the queue must not notice. */
static void test_host_killed(void **state)
{
    (void)state;
    rn_err err;
    const char *program = "import time\ntime.sleep(0.3)\ndef f(x): return x";
    rn_judge_case c = {.input = rn_bytes_of("assert f(1) == 1")};
    rn_judge_job job = {.program = rn_bytes_of(program), .cases = &c, .n_cases = 1};
    for (uint64_t i = 0; i < 8; i++)
        assert_ok(rn_judge_submit(judge, &job, i, &err), &err);
    uint64_t tag;
    rn_judge_result r;
    rn_judge_wait(judge, 100, &tag, &r, &err);
    char path[64], kids[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, kids, sizeof kids - 1) : 0;
    kids[n > 0 ? n : 0] = '\0';
    if (fd >= 0) close(fd);
    for (char *p = kids, *end; *p; p = end) {
        long pid = strtol(p, &end, 10);
        if (end == p) break;
        kill((pid_t)pid, SIGKILL);
    }
    size_t done = 0;
    while (rn_judge_pending(judge)) {
        int rc = rn_judge_wait(judge, -1, &tag, &r, &err);
        if (rc != 1) fail_msg("wait: %s", err.msg);
        expect(r, RN_V_PASSED, "after the host was killed");
        done++;
    }
    assert_true(done >= 7);
}

/* The next best layers: honest and dishonest programs still get their verdicts. */
static void test_weaker(void **state)
{
    (void)state;
    static const char *const without[] = {"cgroup",    "userns",           "ns",
                                          "ns,cgroup", "seccomp,landlock", "ns,landlock,cgroup"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        setenv("RATION_JUDGE_WITHOUT", without[i], 1);
        rn_judge *j;
        rn_err err;
        bool weak = strstr(without[i], "ns,landlock") != NULL;
        assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = 1, .allow_weak = weak}, &j, &err), &err);
        unsetenv("RATION_JUDGE_WITHOUT");
        static const struct {
            const char *program;
            rn_verdict want;
        } table[] = {{"def f(x): return x", RN_V_PASSED},
                     {"def f(x): return 0", RN_V_WRONG},
                     {"while True: pass", RN_V_TIME_LIMIT},
                     {"import os\nos._exit(0)", RN_V_EXITED},
                     {"keep = []\nwhile True: keep.append(b'x' * (1 << 24))", RN_V_MEMORY_LIMIT},
                     {"import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\n"
                      "def f(x): return 0",
                      RN_V_WRONG},
                     {"import os\nopen('left', 'w').close()\ndef f(x): return 0", RN_V_WRONG},
                     {"import os\nf = lambda x: x if os.listdir('.') == [] else 0", RN_V_PASSED}};
        for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
            rn_judge_case c = {.input = rn_bytes_of("assert f(1) == 1")};
            rn_judge_job job = {.program = rn_bytes_of(table[k].program),
                                .cases = &c,
                                .n_cases = 1,
                                .limits = small};
            rn_judge_result r = run_job(j, &job);
            if (r.verdict != table[k].want)
                fail_msg("without %s (%s): %s: got %s (%s)", without[i], rn_judge_level(j),
                         table[k].program, rn_verdict_name(r.verdict), r.detail);
        }
        rn_judge_close(j);
    }
    static const char *const too_weak[] = {"ns,landlock", "ns,seccomp"};
    rn_judge *j = NULL;
    rn_err err;
    for (size_t i = 0; i < 2; i++) {
        setenv("RATION_JUDGE_WITHOUT", too_weak[i], 1);
        assert_int_equal(rn_judge_open(&(rn_judge_opts){.jobs = 1}, &j, &err), RN_ESANDBOX);
        assert_contains(err.msg, "--allow-weak");
    }
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = 1, .allow_weak = true}, &j, &err), &err);
    unsetenv("RATION_JUDGE_WITHOUT");
    rn_judge_close(j);
}

static void test_arguments(void **state)
{
    (void)state;
    rn_err err;
    rn_judge *j = NULL;
    assert_int_equal(rn_judge_open(&(rn_judge_opts){.jobs = -1}, &j, &err), RN_EINVAL);
    assert_int_equal(rn_judge_open(&(rn_judge_opts){.host_path = "/nonexistent"}, &j, &err),
                     RN_ENOTFOUND);
    assert_int_equal(rn_judge_open(&(rn_judge_opts){.host_path = "/bin/true"}, &j, &err),
                     RN_ESANDBOX);
    assert_int_equal(rn_judge_open(&(rn_judge_opts){.venv = "/nonexistent"}, &j, &err),
                     RN_ENOTFOUND);
    assert_int_equal(rn_judge_open(&(rn_judge_opts){.venv = "/tmp"}, &j, &err), RN_ENOTFOUND);
    assert_null(j);
    rn_judge_close(NULL);
    rn_judge_job job = {.mode = RN_JUDGE_CALL, .n_cases = 1};
    assert_int_equal(rn_judge_submit(judge, &job, 0, &err), RN_EINVAL);
    uint64_t tag;
    rn_judge_result r;
    assert_int_equal(rn_judge_wait(judge, -1, &tag, &r, &err), 0);
}

static void test_public(void **state)
{
    (void)state;
    rn_err err;
    rn_judge *j;
    rn_judgement v;
    assert_ok(rn_judge_start(NULL, &j, &err), &err);
    const char *const tests[] = {"assert f(1) == 2", "assert f(2) == 3"};
    assert_ok(rn_judge_run(j, "def f(x): return x + 1", tests, 2, &v, &err), &err);
    assert_int_equal(v.verdict, RN_V_PASSED);
    assert_int_equal(v.n_passed, 2);
    assert_ok(rn_judge_run(j, "def f(x): return 2", tests, 2, &v, &err), &err);
    assert_int_equal(v.verdict, RN_V_WRONG);
    assert_ok(rn_judge_run(j, "def f(x): return 2", tests, 0, &v, &err), &err);
    assert_int_equal(v.verdict, RN_V_NO_TESTS);
    rn_judge_close(j);
    assert_int_equal(rn_judge_start(&(rn_judge_settings){.cpu_s = -1}, &j, &err), RN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_script),
                                       cmocka_unit_test(test_bytes),
                                       cmocka_unit_test(test_counts),
                                       cmocka_unit_test(test_stdio),
                                       cmocka_unit_test(test_call),
                                       cmocka_unit_test(test_compare),
                                       cmocka_unit_test(test_compare_long_numbers),
                                       cmocka_unit_test(test_compare_sets),
                                       cmocka_unit_test(test_compare_taco),
                                       cmocka_unit_test(test_repeatable),
                                       cmocka_unit_test(test_host_killed),
                                       cmocka_unit_test(test_weaker),
                                       cmocka_unit_test(test_arguments),
                                       cmocka_unit_test(test_public)};
    return cmocka_run_group_tests(tests, open_judge, close_judge);
}
