/*
 * Programs that are set aside: those that wait are judged first, the others end as they would have
 * ended at once; who could tell the difference is not set aside.
 */
#include "test.h"

#include "judge/judge.h"

enum { MAX = 160 };

static rn_judge *judge;
static rn_judge_result results[MAX];
static int order[MAX]; /* when the result of a tag came */

static void submit(const char *program, const char *test, int64_t cpu_ms, uint64_t tag)
{
    const rn_judge_case c = {.input = rn_bytes_of(test)};
    const rn_judge_job job = {.program = rn_bytes_of(program),
                              .entry = "f",
                              .cases = &c,
                              .n_cases = 1,
                              .limits = {.cpu_ns = cpu_ms * 1000000, .memory_bytes = 256 << 20}};
    rn_err err;
    assert_ok(rn_judge_submit(judge, &job, tag, &err), &err);
}

static void take_all(void)
{
    rn_err err;
    for (int i = 0; rn_judge_pending(judge); i++) {
        uint64_t tag;
        rn_judge_result r;
        if (rn_judge_wait(judge, -1, &tag, &r, &err) != 1) fail_msg("wait: %s", err.msg);
        assert_true(tag < MAX);
        results[tag] = r;
        order[tag] = i;
    }
}

static void expect(size_t tag, rn_verdict want)
{
    const rn_judge_result *r = &results[tag];
    if (r->verdict != want)
        fail_msg("%zu: got %s (%s), want %s", tag, rn_verdict_name(r->verdict), r->detail,
                 rn_verdict_name(want));
}

static void open_jobs(int jobs)
{
    rn_err err;
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = jobs}, &judge, &err), &err);
}

static const char forever[] = "def f(x):\n    while True: pass\n";
static const char quick[] = "def f(x): return x * x\n";
static const char test[] = "assert f(3) == 9";
/* Counts as long as it takes processor time of its own. */
static const char long_one[] = "def f(x):\n"
                               "    n = 0\n"
                               "    for i in range(REPEAT):\n"
                               "        n += i % 7\n"
                               "    return x * x if n > 5 else 0\n";

/* A program that counts for about `seconds`. */
static const char *counting(double seconds)
{
    static char text[sizeof long_one + 32];
    const char *at = strstr(long_one, "REPEAT");
    snprintf(text, sizeof text, "%.*s%.0f%s", (int)(at - long_one), long_one, seconds * 2e7,
             at + 6);
    return text;
}

static void test_last(void **state)
{
    (void)state;
    enum { BURN = 3, QUICK = 40 };
    open_jobs(1);
    for (uint64_t i = 0; i < BURN; i++)
        submit(forever, test, 900, i);
    submit(counting(1), test, 30000, BURN);
    for (uint64_t i = 1; i <= QUICK; i++)
        submit(i % 10 ? quick : "def f(x): return x\n", test, 900, BURN + i);
    take_all();
    for (size_t i = 0; i < BURN; i++) {
        expect(i, RN_V_TIME_LIMIT);
        if (results[i].cpu_ns < 900000000 || results[i].cpu_ns > 1300000000)
            fail_msg("%.3f s of processor time", (double)results[i].cpu_ns / 1e9);
        assert_true(order[i] >= QUICK);
    }
    expect(BURN, RN_V_PASSED);
    assert_int_equal(results[BURN].n_passed, 1);
    for (size_t i = 1; i <= QUICK; i++) {
        expect(BURN + i, i % 10 ? RN_V_PASSED : RN_V_WRONG);
        assert_true(order[BURN + i] < QUICK + (results[BURN].cpu_ns < 500000000));
    }
    rn_judge_close(judge);
}

/* In the order in which they came: they see clocks, hold much memory, or are several. */
static void test_not_set_aside(void **state)
{
    (void)state;
    static const char *const programs[] = {
        "import time\ndef f(x):\n    while time.process_time() < 60: pass\n",
        "from datetime import datetime\ndef f(x):\n    t = datetime.now()\n    while True: pass\n",
        ("import threading\ndef f(x):\n    threading.Thread(target=f, args=(x,)).start()\n"
         "    while True: pass\n"),
        "import os\ndef f(x):\n    os.fork()\n    while True: pass\n",
#ifndef __SANITIZE_ADDRESS__ /* there everything is larger, and so is what counts as small */
        "def f(x):\n    y = b'a' * (100 << 20)\n    while True: pass\n",
#endif
        "import ctypes\ndef f(x):\n    while True: pass\n"};
    const size_t n = sizeof programs / sizeof *programs;
    open_jobs(1);
    for (size_t i = 0; i < n; i++) {
        submit(programs[i], test, 700, 2 * i);
        submit(quick, test, 900, 2 * i + 1);
    }
    take_all();
    for (size_t i = 0; i < n; i++) {
        expect(2 * i, RN_V_TIME_LIMIT);
        expect(2 * i + 1, RN_V_PASSED);
        if (i + 1 < n && order[2 * i] != (int)(2 * i)) fail_msg("set aside: %s", programs[i]);
    }
    rn_judge_close(judge);
}

/* Neither is a program whose tests look at a clock: it would have taken as long as it stood still. */
static void test_clock_in_tests(void **state)
{
    (void)state;
    static const char *const tests[] = {
        "import time\nt = time.time()\nassert f(3) == 9\nassert time.time() - t < 1000",
        "from datetime import datetime as d\nt = d.now()\nassert f(3) == 9 and d.now() > t",
        "import timeit\nassert timeit.timeit('f(3)', globals={'f': f}, number=1) < 1000",
        "def check(f):\n    import signal\n    signal.alarm(1000)\n    assert f(3) == 9\ncheck(f)"};
    const size_t n = sizeof tests / sizeof *tests;
    open_jobs(1);
    for (size_t i = 0; i < n; i++) {
        submit(counting(1.3), tests[i], 30000, 2 * i);
        submit(quick, test, 900, 2 * i + 1);
    }
    take_all();
    for (size_t i = 0; i < n; i++) {
        expect(2 * i, RN_V_PASSED);
        if (results[2 * i].cpu_ns > 500000000 && order[2 * i] != (int)(2 * i))
            fail_msg("set aside: %s", tests[i]);
    }
    rn_judge_close(judge);
}

/* What runs meanwhile meets its limits, and those that stand still do not meet them with it. */
static void test_limits_meanwhile(void **state)
{
    (void)state;
    enum { STILL = 4 };
    open_jobs(1);
    for (uint64_t i = 0; i < STILL; i++)
        submit("def f(x):\n    y = [i for i in range(500000)]\n    while True: pass\n", test, 700,
               i);
    submit("def f(x):\n    y = []\n    while True: y.append('a' * 1000000 + str(len(y)))\n", test,
           20000, STILL);
    submit(
        "import os, time\ndef f(x):\n    while True:\n        if os.fork() == 0: time.sleep(9)\n",
        test, 5000, STILL + 1);
    for (uint64_t i = STILL + 2; i < 30; i++)
        submit(quick, test, 900, i);
    take_all();
    for (size_t i = 0; i < STILL; i++)
        expect(i, RN_V_TIME_LIMIT);
    expect(STILL, RN_V_MEMORY_LIMIT);
    expect(STILL + 1, RN_V_PROCESS_LIMIT);
    for (size_t i = STILL + 2; i < 30; i++)
        expect(i, RN_V_PASSED);
    rn_judge_close(judge);
}

/* Many, on two hosts. */
static void test_many(void **state)
{
    (void)state;
    enum { BURN = 8, ALL = 10 * BURN };
    open_jobs(2);
    uint64_t sent = 0;
    for (; sent < ALL; sent++)
        submit(sent % 10 == 0 ? forever : quick, test, 700, sent);
    take_all();
    for (uint64_t i = 0; i < sent; i++)
        expect(i, i % 10 == 0 ? RN_V_TIME_LIMIT : RN_V_PASSED);
    int late = 0; /* a host that has set aside more than the other finishes some at once */
    for (uint64_t i = 0; i < sent; i += 10)
        late += order[i] >= ALL - 2 * BURN;
    if (late < BURN / 2) fail_msg("%d of %d were finished last", late, BURN);
    rn_judge_close(judge);
}

/* Children of a process, as text. */
static int n_stopped(void)
{
    char hosts[4096], kids[4096];
    int n = 0;
    test_children_of(getpid(), hosts, sizeof hosts);
    for (char *h = hosts, *h_end; *h; h = h_end) {
        test_children_of(strtol(h, &h_end, 10), kids, sizeof kids);
        if (h == h_end) break;
        for (char *k = kids, *k_end; *k; k = k_end) {
            char path[64], state = 0;
            snprintf(path, sizeof path, "/proc/%ld/stat", strtol(k, &k_end, 10));
            if (k == k_end) break;
            FILE *f = fopen(path, "re");
            n += f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == 'T';
            if (f) fclose(f);
        }
    }
    return n;
}

/* A program that another host was faster with does not stand still for ever where nobody asks for
 * it any more. */
static void test_not_wanted(void **state)
{
    (void)state;
    enum { SLOW = 0, COPIED = 2, ALL = 24 };
    rn_err err;
    open_jobs(2);
    for (uint64_t i = 0; i < ALL; i++)
        submit(i == SLOW     ? "import time\n"
                               "def f(x):\n    while time.process_time() < 2: pass\n    return 9\n"
               : i == COPIED ? forever
                             : quick,
               test, i == COPIED ? 700 : 9000, i);
    take_all();
    expect(COPIED, RN_V_TIME_LIMIT);
    int stopped = 1;
    for (int i = 0; stopped && i < 1000; i++) { /* what hosts say is heard while others run */
        usleep(i < 20 ? 100000 : 10000);
        submit(quick, test, 900, 0);
        uint64_t tag;
        assert_int_equal(rn_judge_wait(judge, -1, &tag, &results[0], &err), 1);
        stopped = i < 19 || n_stopped();
    }
    assert_int_equal(stopped, 0);
    rn_judge_close(judge);
}

/* A judge that is closed with programs that stand still leaves none behind. */
static void test_close(void **state)
{
    (void)state;
    rn_err err;
    uint64_t tag;
    rn_judge_result r;
    open_jobs(1);
    submit(forever, test, 60000, 0);
    for (uint64_t i = 1; i < 20; i++)
        submit(quick, test, 900, i);
    for (int i = 0; i < 10; i++)
        assert_int_equal(rn_judge_wait(judge, -1, &tag, &r, &err), 1);
    assert_int_not_equal(tag, 0);
    rn_judge_close(judge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last),           cmocka_unit_test(test_not_set_aside),
        cmocka_unit_test(test_clock_in_tests), cmocka_unit_test(test_limits_meanwhile),
        cmocka_unit_test(test_many),           cmocka_unit_test(test_not_wanted),
        cmocka_unit_test(test_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
