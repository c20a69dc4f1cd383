/* STDIO: cases that share a child have the verdicts of cases that are run one by one. */
#include "test.h"

#include "judge/judge.h"

static rn_judge *judge;

enum { N = 12 };

/* A sanitized host is slower. */
#ifdef __SANITIZE_ADDRESS__
enum { CPU_MS = 2500 };
#else
enum { CPU_MS = 1200 };
#endif

static rn_judge_result run_cases(const char *program, const rn_judge_case *cases, size_t n,
                                 bool all)
{
    const rn_judge_job job = {.mode = RN_JUDGE_STDIO,
                              .compare = RN_COMPARE_STRICT,
                              .program = rn_bytes_of(program),
                              .cases = cases,
                              .n_cases = n,
                              .limits = {.cpu_ns = CPU_MS * INT64_C(1000000),
                                         .wall_ns = 15000000000,
                                         .memory_bytes = 256 << 20},
                              .all_cases = all};
    rn_err err;
    uint64_t tag;
    rn_judge_result r;
    assert_ok(rn_judge_submit(judge, &job, 1, &err), &err);
    if (rn_judge_wait(judge, -1, &tag, &r, &err) != 1) fail_msg("wait: %s", err.msg);
    return r;
}

/* Each reads two numbers, i and 100, and should print their sum and i lines more. */
static const char *const programs[] = {
    "a, b = map(int, input().split())\nprint(a + b)\nfor i in range(a): print(i)",
    "import sys\ndata = sys.stdin.read().split()\na = int(data[0])\nprint(a + int(data[1]))\n"
    "sys.stdout.write(''.join(f'{i}\\n' for i in range(a)))",
    "import sys\ninput = sys.stdin.readline\na, b = map(int, input().split())\n"
    "print(*[a + b, *range(a)], sep='\\n', end='')",
    "import sys\na, b = map(int, sys.stdin.buffer.read().split())\n"
    "sys.stdout.buffer.write('\\n'.join(map(str, [a + b, *range(a)])).encode())",
    "import sys\nfor line in sys.stdin:\n    a, b = map(int, line.split())\n    print(a + b)\n"
    "    for i in range(a): print(i)\nsys.exit(0)",
    /* an end of its own, in the middle */
    "import sys\na, b = map(int, input().split())\nprint(a + b)\nif a == 0: sys.exit()\n"
    "for i in range(a): print(i)\nif a == 3: sys.exit(1)",
    /* wrong, or fails, in some cases */
    "a, b = map(int, input().split())\nprint(a + b if a % 3 else 0)\nfor i in range(a): print(i)",
    "a, b = map(int, input().split())\nprint(a + b)\nassert a != 4, 'four'\nprint([0, 1, 2][a])",
    "a, b = map(int, input().split())\nprint(a + b)\nfor i in range(a): print(i)\nprint(1 // (a - "
    "5))",
    "a, b = map(int, input().split())\nprint(a + b)\nfor i in range(a): print(i)\ninput()",
    "a, b = map(int, input().split())\nprint(a + b)\nfor i in range(a): print(i)\n"
    "print(end='' if a < 7 else 'x' * 2000000)",
    /* limits in one case */
    "a, b = map(int, input().split())\nwhile a == 6: pass\nprint(a + b)\nfor i in range(a): "
    "print(i)",
    "a, b = map(int, input().split())\nx = 'x' * (10**9 if a == 2 else 1)\nprint(a + b)\n"
    "for i in range(a): print(i)",
    "a, b = map(int, input().split())\nx = []\nwhile a == 8: x.append(x[:] + [0] * 10**6)\n"
    "print(a + b)\nfor i in range(a): print(i)",
    /* what one case must not find of another: its names, its output, its depth */
    "a, b = map(int, input().split())\nif 'seen' in '' or a == -1: print('x')\n"
    "try:\n    print(seen)\nexcept NameError:\n    print(a + b)\nseen = 1\nfor i in range(a): "
    "print(i)",
    "a, b = map(int, input().split())\nprint(a + b)\ndef g():\n    try: yield 1\n"
    "    finally: print('late')\nh = g()\nnext(h)\nfor i in range(a): print(i)",
    "import sys\nfrom functools import lru_cache\na, b = map(int, input().split())\n"
    "print(a + b if sys.getrecursionlimit() < 9999 else 'deep')\nsys.setrecursionlimit(10000)\n"
    "@lru_cache(None)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nf(3000)\n"
    "for i in range(a): print(i)",
    "def f(n): return f(n + 1)\na, b = map(int, input().split())\nprint(a + b)\n"
    "for i in range(a): print(i)\ntry: f(0)\nexcept RecursionError: pass\n",
    "import random\na, b = map(int, input().split())\nprint(a + b)\n"
    "for i in range(a): print(i + random.randint(0, 1))",
    "import sys\nsys.argv.append(1)\na, b = map(int, input().split())\n"
    "print(a + b + len(sys.argv) - len(sys.argv))\nfor i in range(a): print(i)",
    "print(", /* no program */
};

static void test_same_as_alone(void **state)
{
    (void)state;
    char in[N][32], out[N][256];
    rn_judge_case cases[N];
    for (int i = 0; i < N; i++) {
        snprintf(in[i], sizeof in[i], "%d 100\n", i);
        int len = snprintf(out[i], sizeof out[i], "%d\n", i + 100);
        for (int k = 0; k < i; k++)
            len += snprintf(out[i] + len, sizeof out[i] - (size_t)len, "%d\n", k);
        cases[i] = (rn_judge_case){rn_bytes_of(in[i]), rn_bytes_of(out[i]), 0};
    }
    for (size_t p = 0; p < sizeof programs / sizeof *programs; p++) {
        rn_judge_result alone[N];
        int n_passed = 0, first = -1;
        for (int i = N - 1; i >= 0; i--) {
            alone[i] = run_cases(programs[p], &cases[i], 1, false);
            n_passed += alone[i].verdict == RN_V_PASSED;
            if (alone[i].verdict != RN_V_PASSED) first = i;
        }
        for (int all = 0; all < 2; all++) {
            const rn_judge_result r = run_cases(programs[p], cases, N, all);
            const rn_verdict want = first < 0 ? RN_V_PASSED : alone[first].verdict;
            if (r.verdict != want || r.failed_case != first)
                fail_msg("%s: %s at %d, alone %s at %d", programs[p], rn_verdict_name(r.verdict),
                         (int)r.failed_case, rn_verdict_name(want), first);
            /* Which of several ways a limit is met in is chance. */
            const bool told = first >= 0 && rn_verdict_family(want) != 'L';
            if (told && strcmp(r.detail, alone[first].detail) != 0)
                fail_msg("%s: '%s', alone '%s'", programs[p], r.detail, alone[first].detail);
            const bool stopped = !all || want == RN_V_SYNTAX;
            assert_int_equal(r.n_passed, stopped && first >= 0 ? first : n_passed);
            assert_int_equal(r.n_run, stopped && first >= 0 ? first + 1 : N);
        }
    }
}

/* Some 200 cases of a program: several children, and more than one of them may take. */
static void test_many_cases(void **state)
{
    (void)state;
    enum { MANY = 200 };
    static char in[MANY][16];
    static rn_judge_case cases[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(in[i], sizeof in[i], "%d\n", i);
        cases[i] = (rn_judge_case){rn_bytes_of(in[i]), rn_bytes_of(in[i]), 0};
    }
    rn_judge_result r = run_cases("print(input())", cases, MANY, false);
    assert_int_equal(r.verdict, RN_V_PASSED);
    assert_int_equal(r.n_passed, MANY);
    r = run_cases("n = input()\nprint(n if n != '177' else 0)", cases, MANY, false);
    assert_int_equal(r.verdict, RN_V_WRONG);
    assert_int_equal(r.failed_case, 177);
    assert_int_equal(r.n_run, 178);
    r = run_cases("n = input()\nprint(n if n != '177' else 0)", cases, MANY, true);
    assert_int_equal(r.n_run, MANY);
    assert_int_equal(r.n_passed, MANY - 1);
}

static int open_judge(void **state)
{
    (void)state;
    rn_err err;
    const rn_judge_opts opts = {.jobs = 1};
    return rn_judge_open(&opts, &judge, &err);
}

static int close_judge(void **state)
{
    (void)state;
    rn_judge_close(judge);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_alone),
        cmocka_unit_test(test_many_cases),
    };
    return cmocka_run_group_tests(tests, open_judge, close_judge);
}
