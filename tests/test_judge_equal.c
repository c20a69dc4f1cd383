/*
 * Programs that do the same: keys of pairs that must have one in common, of pairs that must not, of
 * programs that must have none; and what a batch makes of them.
 */
#include "test_judge.h"

#include "run/equal.h"

enum { KEY = 64, MAX = 300 };

/* keys[n][KEY + 1]: "-" where there is none. */
static void keys_of(const char *const *programs, size_t n, char (*keys)[KEY + 1])
{
    rn_judge_case cases[MAX] = {0};
    assert_true(n <= MAX);
    for (size_t i = 0; i < n; i++)
        cases[i].input = rn_bytes_of(programs[i]);
    rn_judge_job job = {.mode = RN_JUDGE_KEYS, .cases = cases, .n_cases = n};
    rn_judge_result r = run_job(judge, &job);
    if (r.verdict != RN_V_PASSED) fail_msg("%s: %s", rn_verdict_name(r.verdict), r.detail);
    rn_bytes text = rn_judge_text(judge);
    const char *p = text.data, *end = text.data + text.len;
    for (size_t i = 0; i < n; i++) {
        const char *stop = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        if (!stop) fail_msg("%zu lines for %zu programs", i, n);
        assert_true(stop - p == KEY || (stop - p == 1 && *p == '-'));
        snprintf(keys[i], KEY + 1, "%.*s", (int)(stop - p), p);
        p = stop + 1;
    }
    assert_true(p == end);
}

static const char *const same[][2] = {
    {"def f(x):\n    return x + 1\n", "def f(x):  # adds\n    return x + 1\n"},
    {"def f(x):\n    return x + 1\n", "\n\n# one\ndef f( x ):\n\n        return (x+\n  1)\n"},
    {"def f(x):\n    return x\n", "def f(x):\n    \"\"\"Returns x.\"\"\"\n    return x\n"},
    {"def f(x):\n    '''One.'''\n    return x\n", "def f(x):\n    '''Two.'''\n    return x\n"},
    {"def f(x):\n    return None if x else 0\n",
     "def f(x):\n    'A text.'\n    return None if x else 0\n"},
    {"x = 1\n", "\"\"\"A module.\"\"\"\nx = 1\n"},
    {"x: int = 1\n", "\"\"\"A module.\"\"\"\nx: int = 1\n"},
    {"class A:\n    x = 1\n", "class A:\n    \"\"\"A class.\"\"\"\n    x = 1\n"},
    {"class A:\n    x: int = 1\n    def f(self): return 1\n",
     "class A:\n    'A class.'\n    x: int = 1\n    def f(self): return 1\n"},
    {"try:\n    f = 1\nexcept ValueError:\n    f = 2\n",
     "'A module.'\ntry:\n    f = 1\nexcept ValueError:\n    f = 2\n"},
    {"class A:\n    for i in range(3):\n        pass\n",
     "class A:\n    'A class.'\n    for i in range(3):\n        pass\n"},
    {"print(int(input()) * 2)\n", "# doubles\nprint( int(input()) * 2 )\n"},
    {"import sys\nfor line in sys.stdin: print(line)\n",
     "import sys\n\nfor line in sys.stdin:\n\tprint(line)   \n"},
    {"x = {1, 2, None}\n", "x = { 1,2 , None }\n"},
    {"def f(x): return x in {8, 0}\n", "def f(x):\n  # which\n  return x in {8, 0}\n"},
    {"import random\nf = lambda: random.random()\n",
     "import random # seeded\nf = lambda: random.random()\n"},
};

static const char *const different[][2] = {
    {"x = 1\n", "x = 2\n"},
    {"x = 1\n", "x = 1.0\n"},
    {"x = 1\n", "x = True\n"},
    {"x = 0.0\n", "x = -0.0\n"},
    {"x = 'a'\n", "x = b'a'\n"},
    {"x = (1, 2)\n", "x = (1, 2.0)\n"},
    {"x = 1\n", "y = 1\n"},
    {"def f(x): return x\n", "def f(y): return y\n"},
    {"def f(x): return x\n", "def g(x): return x\n"},
    {"def f(x, y): return x\n", "def f(x, *, y): return x\n"},
    {"def f(x, y): return x\n", "def f(x, y, /): return x\n"},
    {"def f(x, y=1): return x\n", "def f(x, y=2): return x\n"},
    {"def f(x): return x.lower()\n", "def f(x): return x.upper()\n"},
    {"def f(x): return len(x)\n", "def f(x): return max(x)\n"},
    {"def f(x): return x in {8, 0}\n", "def f(x): return x in {8, 1}\n"},
    {"f = [i for i in {8, 0}]\n", "f = [i for i in {0, 8}]\n"}, /* another order */
    {"def f(x): return x + 1\n", "def f(x): return x - 1\n"},
    {"def f(x):\n    if x:\n        x = 1\n    x = 2\n    return x\n",
     "def f(x):\n    if x:\n        x = 1\n        x = 2\n    return x\n"},
    {"def f(x):\n    for i in x:\n        x = 1\n    return 0\n",
     "def f(x):\n    for i in x:\n        x = 1\n        return 0\n"},
    {"def f(x):\n    try:\n        x = 1\n        x = int(x)\n    except ValueError:\n        x = "
     "2\n"
     "    return x\n",
     "def f(x):\n    x = 1\n    try:\n        x = int(x)\n    except ValueError:\n        x = 2\n"
     "    return x\n"},
    {"def f(x):\n    def g(): return x\n    return g\n",
     "def f(x):\n    def h(): return x\n    return h\n"},
    {"def f(): yield 1\n", "def f(): return 1\n"},
    {"f = lambda x: f'{x=}'\n", "f = lambda x: f'{x = }'\n"}, /* its own text is printed */
    {"from __future__ import annotations\ndef f(x: int): pass\n", "def f(x: int): pass\n"},
    {"def f(x):\n    global y\n    y = x\n", "def f(x):\n    y = x\n"},
    {"import math\nf = math.sin\n", "import math\nf = math.cos\n"},
    {"f = 'one'\n'text'\n", "f = 'two'\n'text'\n"},
    /* what APPS' harness reads in the text, comments or not */
    {"# class Solution\nclass  Solution: pass\n", "# a solution\nclass  Solution: pass\n"},
    {"f = 1  # np\n", "f = 1  # nothing\n"},
};

/* That look at their text or at what the system decides, or of which it is not known. */
static const char *const none[] = {
    "def f(x):\n    'text'\n    return f.__doc__\n",
    "'text'\nf = __doc__\n",
    "'text'\ndel __doc__\n",
    "def f(x):\n    return f.__code__.co_firstlineno\n",
    "import inspect\nf = inspect.getsource\n",
    "import traceback\nf = traceback.format_exc\n",
    "import sys\nf = sys._getframe\n",
    "f = lambda: __file__\n",
    "f = lambda: open(0).read()\n",
    "f = lambda: eval('1')\n",
    "f = lambda: exec('x = 1')\n",
    "f = lambda: getattr(f, '__do' + 'c__')\n",
    "f = lambda: vars()\n",
    "f = lambda: globals()\n",
    "f = lambda: help(f)\n",
    "import time\nf = time.time\n",
    "from time import *\nf = perf_counter\n",
    "from datetime import datetime as d\nf = lambda: d.now()\n",
    "import datetime\nf = lambda: datetime.date.today()\n",
    "import random\nrandom.seed()\nf = random.random\n",
    "import random\nf = random.SystemRandom().random\n",
    "import os\nf = os.urandom\n",
    "f = lambda: id(f)\n",
    "f = lambda: hash(f)\n",
    "class A:\n    'text'\n    __slots__ = ('__doc__',)\n",
    /* as many as lie on lines of their own */
    ("import typing\nf = (lambda: 1, lambda: 2)\ntyping.overload(f[0])\ntyping.overload(f[1])\n"
     "f = len(typing.get_overloads(f[0]))\n"),
    "from typing import *\nf = get_overloads\n",
    "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    f = e.__traceback__.tb_lineno\n",
    "import warnings\nwarnings.warn('x')\n",
    "import doctest\ndoctest.testmod()\n",
    "import threading\nf = threading.Thread\n",
    "import numpy\nf = numpy.zeros\n",
    "def f(x):\n    return x +\n",
    "x = '\xff'\n",
    "async def f(): pass\n",
    "def f():\n    while True:\n        __doc__ = 1\n    return __doc__\nglobal g\ng = __doc__\n",
    "while True:\n    __doc__ = 'x'\n    __doc__ = 'y'\n",
    "if x:\n    __doc__ = 'text'\n",
};

static void test_same_key(void **state)
{
    (void)state;
    static char keys[2][KEY + 1];
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        keys_of(same[i], 2, keys);
        if (keys[0][0] == '-' || strcmp(keys[0], keys[1]) != 0)
            fail_msg("%s and %s:\n%s\n%s", keys[0], keys[1], same[i][0], same[i][1]);
    }
}

static void test_other_keys(void **state)
{
    (void)state;
    static char keys[2][KEY + 1];
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        keys_of(different[i], 2, keys);
        if (keys[0][0] == '-' || keys[1][0] == '-' || strcmp(keys[0], keys[1]) == 0)
            fail_msg("%s and %s:\n%s\n%s", keys[0], keys[1], different[i][0], different[i][1]);
    }
}

static void test_no_key(void **state)
{
    (void)state;
    static char keys[MAX][KEY + 1];
    const size_t n = sizeof none / sizeof *none;
    keys_of(none, n, keys);
    for (size_t i = 0; i < n; i++)
        if (keys[i][0] != '-') fail_msg("a key for\n%s", none[i]);
}

/* A source that ends its child has no key and takes none of the others'. */
static void test_source_that_ends_the_compiler(void **state)
{
    (void)state;
    static char deep[200000], keys[MAX][KEY + 1];
    const char *programs[MAX];
    memset(deep, '-', sizeof deep - 2);
    deep[sizeof deep - 2] = '1';
    for (size_t i = 0; i < MAX; i++)
        programs[i] = i == 3 || i == 100 ? deep : "def f(x): return x\n";
    keys_of(programs, MAX, keys);
    for (size_t i = 0; i < MAX; i++)
        if ((keys[i][0] == '-') != (programs[i] == deep)) fail_msg("program %zu: %s", i, keys[i]);
}

static void test_tests_that_look(void **state)
{
    (void)state;
    static const char *const blind[] = {
        NULL, "", "assert f(3) == 9", "def check(candidate):\n    assert candidate('helper') == 1",
        "if __name__ == '__main__': check(f)"};
    static const char *const look[] = {"assert f.__doc__", "import inspect",
                                       "assert vars(f)",   "from traceback import *",
                                       "getattr(f, x)",    "assert f.__code__.co_firstlineno == 1",
                                       "f.__d\xc3\xb8__"};
    for (size_t i = 0; i < sizeof blind / sizeof *blind; i++)
        if (!rn_equals_blind(blind[i])) fail_msg("%s", blind[i]);
    for (size_t i = 0; i < sizeof look / sizeof *look; i++)
        if (rn_equals_blind(look[i])) fail_msg("%s", look[i]);
}

/* Answers every question; stands[i]: who runs for program i. */
static void settle_all(rn_equals *e, size_t *stands)
{
    for (size_t i = 0; i < e->all.n; i++) {
        rn_judge_job job;
        rn_err err;
        rn_judge_result r;
        uint64_t tag, got;
        while (rn_equals_job(e, i, &job, &tag)) {
            assert_ok(rn_judge_submit(judge, &job, tag, &err), &err);
            if (rn_judge_wait(judge, -1, &got, &r, &err) != 1) fail_msg("wait: %s", err.msg);
            rn_equals_take(e, got, &r, rn_judge_text(judge));
        }
        const rn_equals_state s = rn_equals_settle(e, i);
        assert_int_not_equal(s, RN_EQUALS_WAIT);
        if (s == RN_EQUALS_STOOD_FOR) continue;
        for (uint32_t k = (uint32_t)i; k != UINT32_MAX; k = e->all.data[k].twin)
            stands[k] = i;
    }
}

static void test_batch(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t group;
        bool alone;
        size_t stands; /* who is run for it */
    } table[] = {
        {"f = 1\n", 0, false, 0},
        {"f = 2\n", 0, false, 1},
        {"f = 1 # one\n", 0, false, 0},
        {"f = 1 # one\n", 1, false, 3}, /* another problem's */
        {"f = 1\n\n", 0, false, 0},
        {"f = 1\n\n#\n", 0, true, 5}, /* not to be compared */
        {"import os\nf = os\n", 0, false, 6},
        {"import os\nf = os #\n", 0, false, 7}, /* alike, but not certain */
        {"f = 2 #\n", 0, false, 1},
        {"'text'\nf = 2 #\n", 0, false, 1},
        {"f = (2)\n", 0, false, 10}, /* the same code, but who looks at texts alone cannot know */
        {"", 0, false, 11},
        {"# nothing\n", 0, false, 11},
    };
    const size_t n = sizeof table / sizeof *table;
    size_t stands[sizeof table / sizeof *table];
    rn_equals e = {0};
    for (int round = 0; round < 2; round++) {
        rn_equals_clear(&e);
        for (size_t i = 0; i < n; i++)
            assert_true(
                rn_equals_add(&e, table[i].group, rn_bytes_of(table[i].text), table[i].alone));
        assert_true(rn_equals_ready(&e));
        settle_all(&e, stands);
        for (size_t i = 0; i < n; i++)
            if (stands[i] != table[i].stands) fail_msg("program %zu: %zu runs", i, stands[i]);
    }
    rn_equals_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_key),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_no_key),
        cmocka_unit_test(test_source_that_ends_the_compiler),
        cmocka_unit_test(test_tests_that_look),
        cmocka_unit_test(test_batch),
    };
    return cmocka_run_group_tests(tests, open_judge, close_judge);
}
