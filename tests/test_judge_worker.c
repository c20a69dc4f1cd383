/* Programs that follow each other in one child have the verdicts that they have alone. */
#include "test_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The first child of a process, 0 if it has none. */
static int child_of(int pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%d", &child) != 1) child = 0;
    if (f) fclose(f);
    return child;
}

/* That of the host which waits for a program; 0: none. */
static int waiting(void)
{
    return child_of(child_of(getpid()));
}

static rn_judge_result run(const char *program, const char *test)
{
    const rn_judge_case c = {.input = rn_bytes_of(test)};
    const rn_judge_job job = {.mode = RN_JUDGE_SCRIPT,
                              .program = rn_bytes_of(program),
                              .entry = "f",
                              .cases = &c,
                              .n_cases = 1,
                              .limits = {.cpu_ns = 500000000}};
    return run_job(judge, &job);
}

static const char simple[] = "def f(x):\n    return 2 * x", test[] = "assert f(4) == 8";

static void assert_verdict(const char *program, const char *tests, rn_verdict want)
{
    const rn_judge_result r = run(program, tests);
    if (r.verdict != want)
        fail_msg("%s: %s (%s), should be %s", program, rn_verdict_name(r.verdict), r.detail,
                 rn_verdict_name(want));
}

/* f(4) is called, and should come to 8. */
static rn_judge_result call(const char *program, const char *input)
{
    const rn_judge_case c = {.input = rn_bytes_of(input), .expected = rn_bytes_of("8")};
    const rn_judge_job job = {.mode = RN_JUDGE_VALUES,
                              .compare = RN_COMPARE_STRICT,
                              .program = rn_bytes_of(program),
                              .entry = "f",
                              .cases = &c,
                              .n_cases = 1,
                              .limits = {.cpu_ns = 500000000}};
    return run_job(judge, &job);
}

static void assert_call(const char *program, const char *input, rn_value_kind kind, bool agrees)
{
    const rn_judge_result r = call(program, input);
    const rn_judge_value *v = rn_judge_values(judge);
    if (r.verdict != RN_V_PASSED || v->kind != kind || r.n_passed != agrees)
        fail_msg("%s: %s (%s), kind %d, %d agree", program, rn_verdict_name(r.verdict), r.detail,
                 v->kind, (int)r.n_passed);
}

/* Whether child processes can be seen, and a pid namespace is to be had here. */
static bool seen(void)
{
    return strstr(rn_judge_level(judge), "pid,") && child_of(getpid()) > 0;
}

/* Ordinary ends let the child go on; what is not for it runs elsewhere. */
static void test_stays(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        rn_verdict v;
    } rows[] = {
        {"def f(x): return x + 4", RN_V_PASSED},
        {"def f(x): return x", RN_V_WRONG},
        {"def f(x): return x[0]", RN_V_EXCEPTION},
        {"def f(x: return x", RN_V_SYNTAX},
        {"import os\ndef f(x): return 2 * x", RN_V_PASSED},
        {"import os\ndef f(x): os._exit(0)", RN_V_EXITED},
        {"class A:\n    y = 2\ndef f(x): return A.y * x", RN_V_PASSED},
        {"import string\ndef f(x): string.x = 1; return 2 * x", RN_V_PASSED},
        {"import functools\n@functools.lru_cache\ndef f(x): return x + x", RN_V_PASSED},
        {"import os\ntry: os.write(3, b'd')\nexcept OSError: pass\ndef f(x): return 8",
         RN_V_PASSED},
    };
    assert_verdict(simple, test, RN_V_PASSED);
    const int first = waiting();
    if (seen() && !first) fail_msg("no child waits for a further program");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_verdict(rows[i].program, test, rows[i].v);
        if (waiting() != first) fail_msg("%s: the child has gone", rows[i].program);
    }
}

/* A child whose first program is one of these is there for the next one: what honest programs
 * import and name is no reason to go. */
static void test_stays_first(void **state)
{
    (void)state;
    static const char *const programs[] = {
        "import re\ndef f(x): return 8 * len(re.findall('a', 'ba'))",
        "import sys\ndef f(x): return 8 if sys.maxsize else 0",
        "from collections import Counter, defaultdict\ndef f(x): return Counter('a' * 8)['a']",
        "from functools import reduce\ndef f(x): return reduce(lambda a, b: a + b, [x, x])",
        "import operator\ndef f(x): return operator.add(x, x)",
        ("from typing import *\nimport math, string, itertools, heapq, bisect, copy\n"
         "def f(x): return 8"),
        "name = key = prefix = 4\ndef f(x): return next(iter([name + key]))",
        "from __future__ import annotations\ndef f(x: int): return 8",
    };
    static const char ending[] = "def f(x): return f(x)";
    for (size_t i = 0; seen() && i < sizeof programs / sizeof *programs; i++) {
        assert_verdict(ending, test, RN_V_EXCEPTION);
        if (waiting()) fail_msg("a child waits behind %s", ending);
        assert_verdict(programs[i], test, RN_V_PASSED);
        if (!waiting()) fail_msg("%s: no child waits", programs[i]);
    }
}

/* After these nobody else may follow. */
static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        rn_verdict v;
    } rows[] = {
        {"def f(x): return f(x)", RN_V_EXCEPTION},
        {"def f(x):\n    while x: pass", RN_V_TIME_LIMIT},
        {"def f(x): return len([0] * 10**7) and 8", RN_V_PASSED},
        {"def f(x): return max(sum(range(10**5)) for i in range(10**2)) and 8", RN_V_PASSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bool slow = strstr(rows[i].program, "sum(range");
        assert_verdict(simple, test, RN_V_PASSED);
        const int before = waiting();
        assert_verdict(rows[i].program, test, rows[i].v);
        if (before && !slow && waiting() == before) fail_msg("%s: it stayed", rows[i].program);
        assert_verdict(simple, test, RN_V_PASSED);
    }
}

/* What one leaves that another could find; the second one passes if it finds nothing. */
static void test_nothing_left(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"seen = 1\ndef f(x): return 2 * x",
         "def f(x):\n    try: return seen\n    except NameError: return 8"},
        {"def g():\n    try: yield 1\n    finally:\n        while True: pass\n"
         "h = g()\nnext(h)\ndef f(x): return 8",
         "def f(x):\n    y = [[] for i in range(10**5)]\n    return 8"},
        {"import random\nrandom.seed(5)\ndef f(x): return 8",
         "import random\ndef f(x): return 8 if random.random() == 0.8444218515250481 else 0"},
        {"import collections\nclass A:\n    def __init__(self): self.kept = 1\n"
         "collections.Counter.kept = 8\ndef f(x): return 8",
         "import collections\nclass A:\n    def __init__(self): self.kept = 1\n"
         "def f(x):\n    try: return collections.Counter().kept + 1\n    except AttributeError: "
         "return 8"},
        {"import sys\nsys.setrecursionlimit(60)\ndef f(x): return 8",
         "def g(n): return n and 1 + g(n - 1)\ndef f(x): return 8 + 0 * g(500)"},
        {"from typing import no_type_check, List\nno_type_check(List)\ndef f(x): return 8",
         "from typing import List\ndef f(x: List[int]): return 8"},
        {"import decimal\ndecimal.getcontext().prec = 3\ndef f(x): return 8",
         "import decimal\ndef f(x): return 8 if str(1 / decimal.Decimal(3)) == '0.' + 28 * '3' "
         "else 0"},
        {"print('x' * 100000, end='')\ndef f(x): return 8", "print('y')\ndef f(x): return 8"},
        {"from sys import *\nset_int_max_str_digits(700)\ndef f(x): return 8",
         "def f(x): return 8 if len(str(10**1000)) else 0"},
        {"import typing\ntyping.EXCLUDED_ATTRIBUTES.append('x')\ndef f(x): return 8",
         "import typing\ndef f(x): return 8 if 'x' not in typing.EXCLUDED_ATTRIBUTES else 0"},
        {"import re\n_value2member_map_ = 1\n"
         "re.RegexFlag._value2member_map_[10] = re.RegexFlag(0)\ndef f(x): return 8",
         "import re\ndef f(x): return 8 if re.compile('^b', re.I | re.M).search('a\\nB') else 0"},
        {"import re\nre.I | 2**40\ndef f(x): return 8",
         "import re\ndef f(x):\n    try: re.RegexFlag(2.0 + 2**40)\n    except ValueError: return "
         "8"},
        {"import collections.abc\n_abc_registry_clear = _abc_caches_clear = 1\n"
         "collections.abc.Sequence._abc_registry_clear()\n"
         "collections.abc.Sequence._abc_caches_clear()\ndef f(x): return 8",
         "import collections.abc\ndef f(x): return 8 if isinstance([], collections.abc.Sequence) "
         "else 0"},
        {"import typing, collections\n"
         "typing.NewType.__init__(collections.Counter, 'Evil', int)\ndef f(x): return 8",
         "import collections\ndef f(x): return 8 if str(collections.Counter('a')) == "
         "\"Counter({'a': 1})\" else 0"},
        {"import re\nre.compile('a+b', 2)\ndef f(x): return 8",
         "import re\ndef f(x):\n    try: re.compile('a+b', 2.0)\n    except TypeError: return 8"},
        {"from typing import *\nList[Union[int, str]]\ndef f(x): return 8",
         "from typing import *\ndef f(x): return 8 if "
         "str(List[Union[str, int]]) == 'typing.List[typing.Union[str, int]]' else 0"},
        {"import re\nG = type(list[int])\nG(lambda: re.match, int)()\ndef f(x): return 8",
         "import re\ndef f(x): return 0 if hasattr(re.match, '__orig_class__') else 8"},
        {"from typing import List\nG = type(List[int])\nG(lambda: List, (int,))()\n"
         "def f(x): return 8",
         "from typing import List\n"
         "def f(x): return 0 if hasattr(List, '__orig_class__') else 8"},
        {"import re\ntype[int](type(re.I))\ndef f(x): return 8",
         "import re\ndef f(x): return 0 if hasattr(type(type(re.I)), '__orig_class__') else 8"},
        {"from __future__ import annotations as a\nimport copy\ncopy.copy(a)\n"
         "def f(x): return 8",
         "from __future__ import annotations as a\n"
         "def f(x): return 0 if hasattr(a, '__slotnames__') else 8"},
        {"from typing import sys as s\ns.maxsize\ns.setswitchinterval(1)\ndef f(x): return 8",
         "import sys\ndef f(x): return 8 if sys.getswitchinterval() < 1 else 0"},
        {"from functools import *\ndef put():\n    @wraps(reduce)\n    def g(): pass\nput()\n"
         "def f(x): return 8",
         "import functools\ndef f(x): return 8"},
        {"def g(): return g()\ntry: g()\nexcept RecursionError: pass\ndef f(x): return 8",
         "def g(n): return n and g(n - 1)\ndef f(x): return 8 + g(900)"},
        {"try: 'x'.encode('nowhere')\nexcept LookupError: pass\ndef f(x): return 8",
         "def f(x):\n    try: 'x'.encode('nowhere')\n    except LookupError: return 8"},
        {"def g():\n    try: 1 / 0\n    except ZeroDivisionError: yield 1\nh = g()\nnext(h)\n"
         "def f(x): return 8",
         "def f(x):\n    try: raise\n    except RuntimeError: return 8"},
        {"from typing import List\ndef g():\n    try: yield 1\n    finally:\n"
         "        while True: pass\ndef put():\n    h = g()\n    next(h)\n"
         "    k = lambda h=h: 0\n    List[k]\nput()\ndef f(x): return 8",
         "from typing import List\ndef f(x):\n    t = int\n    for i in range(200): t = List[t]\n"
         "    return 8"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_verdict(simple, test, RN_V_PASSED);
        for (int k = 0; k < 2; k++)
            assert_verdict(pairs[i][k], test, RN_V_PASSED);
        assert_call(simple, "(4,)", RN_VALUE_DATA, true);
        for (int k = 0; k < 2; k++)
            assert_call(pairs[i][k], "(4,)", RN_VALUE_DATA, true);
    }
}

/* Programs that are asked for values follow those that are judged, and each other. */
static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *program, *input;
        rn_value_kind kind;
        bool agrees, stays;
    } rows[] = {
        {simple, "(4,)", RN_VALUE_DATA, true, true},
        {"def f(x): return x", "(4,)", RN_VALUE_DATA, false, true},
        {"def f(x): return x[0]", "(4,)", RN_VALUE_RAISED, false, true},
        {"def f(x): return x", "([7, {1: 'a'}], -1)", RN_VALUE_RAISED, false, true},
        {"def f(x): return x", "(4", RN_VALUE_RAISED, false, true},
        {"import os\ndef f(x): return 2 * x", "(4,)", RN_VALUE_DATA, true, true},
        {simple, "(__import__('sys').setrecursionlimit(60) or 4,)", RN_VALUE_DATA, true, true},
        {"def g(n): return n and 1 + g(n - 1)\ndef f(x): return 8 + 0 * g(500)", "(4,)",
         RN_VALUE_DATA, true, true},
        {"def f(x): return f(x)", "(4,)", RN_VALUE_RAISED, false, false},
        {simple, "(4,)", RN_VALUE_DATA, true, false},
        {"def f(x):\n    while x: pass", "(4,)", RN_VALUE_LIMIT, false, false},
    };
    assert_verdict(simple, test, RN_V_PASSED);
    int before = waiting();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_call(rows[i].program, rows[i].input, rows[i].kind, rows[i].agrees);
        const int now = waiting();
        if (rows[i].stays && now != before) fail_msg("%s: the child has gone", rows[i].program);
        before = now;
    }
    const rn_judge_result r = call("def f(x: return x", "(4,)");
    assert_int_equal(r.verdict, RN_V_SYNTAX);
    assert_verdict(simple, test, RN_V_PASSED);
}

/* A later program has no more memory than the first one. */
static void test_memory(void **state)
{
    (void)state;
    const rn_judge_case c = {.input = rn_bytes_of(test)};
    const char *const programs[] = {simple,
                                    "def f(x): return 8 if len(bytearray(170 * 2**20)) else 0",
                                    simple, "y = bytearray(15 * 2**20)\ndef f(x): return 8",
                                    "def f(x): return 8 if len(bytearray(60 * 2**20)) else 0"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        const rn_judge_job job = {.mode = RN_JUDGE_SCRIPT,
                                  .program = rn_bytes_of(programs[i]),
                                  .entry = "f",
                                  .cases = &c,
                                  .n_cases = 1,
                                  .limits = {.memory_bytes = 96 << 20}};
        const rn_judge_result r = run_job(judge, &job);
        const bool large = strstr(programs[i], "170") != NULL;
        if (!strstr(rn_judge_level(judge), "cgroup") && large) continue; /* seen by chance */
        if (r.verdict != (large ? RN_V_MEMORY_LIMIT : RN_V_PASSED))
            fail_msg("%s: %s", programs[i], rn_verdict_name(r.verdict));
    }
}

/* Tests leave as little. */
static void test_tests(void **state)
{
    (void)state;
    static const char patching[] = "import math\nmath.pi = 3\nassert f(4) == 8",
                      asking[] = "import math\nassert math.pi > 3.1 and f(4) == 8";
    static const char drawing[] = "import random\n"
                                  "assert f(4) == 8 and random.randint(0, 10**9) == 906691059";
    assert_verdict(simple, test, RN_V_PASSED);
    for (int i = 0; i < 3; i++) {
        assert_verdict(simple, drawing, RN_V_PASSED);
        assert_verdict("def f(x): return random.random()", drawing, RN_V_WRONG);
        assert_verdict(simple, patching, RN_V_PASSED);
        assert_verdict(simple, asking, RN_V_PASSED);
        assert_verdict(simple, "assert f(4) == 9", RN_V_WRONG);
        assert_verdict(simple, "assert f(4) ==", RN_V_EXCEPTION);
    }
}

static rn_judge_result run_stdio(const char *program, const char *printed)
{
    const rn_judge_case c[] = {{.input = rn_bytes_of("4\n"), .expected = rn_bytes_of(printed)},
                               {.input = rn_bytes_of("4\n"), .expected = rn_bytes_of(printed)}};
    const rn_judge_job job = {.mode = RN_JUDGE_STDIO,
                              .compare = RN_COMPARE_STRICT,
                              .program = rn_bytes_of(program),
                              .cases = c,
                              .n_cases = 2,
                              .all_cases = true,
                              .limits = {.cpu_ns = 1000000000}};
    return run_job(judge, &job);
}

static void test_stdio(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        rn_verdict v;
        bool stays;
    } rows[] = {
        {"print(2 * int(input()))", RN_V_PASSED, true},
        {"import sys\nprint(2 * int(sys.stdin.read()))", RN_V_PASSED, true},
        {"print(int(input()))", RN_V_WRONG, true},
        {"print(8)\nprint(input()[7])", RN_V_EXCEPTION, true},
        {"print(", RN_V_SYNTAX, true},
        {"print(8, end='')", RN_V_PASSED, true},
        {"import sys\nsys.setrecursionlimit(2000)\nprint(8)\nsys.exit()", RN_V_PASSED, true},
        {"try: print(seen)\nexcept NameError: print(8)\nseen = 9", RN_V_PASSED, true},
        {"import os\nprint(8)", RN_V_PASSED, true},
        {"import sys\nprint(8)\nsys.stdin.close()\nsys.stdout.flush()", RN_V_PASSED, true},
        {"import sys\nprint(8)\nsys.stdout.close()", RN_V_PASSED, false},
        {"print(input())\nprint('x' * 2000000)", RN_V_OUTPUT_LIMIT, false},
        {"print(2 * int(input()))", RN_V_PASSED, false},
    };
    /* Both cases find the generator and the list as they were, however their names are spelt. */
    static const char *const kept[] = {
        "import \uff52andom\nprint(8 if \uff52andom.randint(0, 10**9) == 906691059 else 0)",
        ("if max(0, 0): \uff52andom = 1\n"
         "print(8 if \uff52andom.randint(0, 10**9) == 906691059 else 0)"),
        "import sys\nsys.\uff41rgv.append('x')\nprint(6 + len(sys.\uff41rgv))",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const rn_judge_result r = run_stdio(kept[i], "8\n");
        if (r.verdict != RN_V_PASSED) fail_msg("%s: %s", kept[i], rn_verdict_name(r.verdict));
    }
    int before = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const rn_judge_result r = run_stdio(rows[i].program, "8\n");
        if (r.verdict != rows[i].v || r.n_run != (rows[i].v == RN_V_SYNTAX ? 1 : 2))
            fail_msg("%s: %s (%s), %d run", rows[i].program, rn_verdict_name(r.verdict), r.detail,
                     (int)r.n_run);
        const int now = waiting();
        if (i && rows[i].stays && now != before) fail_msg("%s: it has gone", rows[i].program);
        before = now;
    }
    if (seen()) assert_int_not_equal(before, 0);
    assert_verdict(simple, test, RN_V_PASSED); /* and back */
}

/* A package that does not load is no reason to import the next one in each program anew. */
static void test_copies(void **state)
{
    (void)state;
    static const char program[] = "import sys\nhere = 'numpy' in sys.modules\n"
                                  "try: import torch\nexcept ImportError: pass\n"
                                  "try: import numpy\nexcept ImportError: here = True\n"
                                  "def f(x): return 2 * x * here";
    if (seen()) assert_verdict(program, test, RN_V_PASSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays),  cmocka_unit_test(test_stays_first),
        cmocka_unit_test(test_ends),   cmocka_unit_test(test_nothing_left),
        cmocka_unit_test(test_tests),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_stdio),  cmocka_unit_test(test_values),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, open_judge, close_judge);
}
