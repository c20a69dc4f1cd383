/* The programs of tests/hostile: each gets the verdict of its first line, and nothing of it is
 * left. */
#include "test.h"

#include "base/file.h"
#include "judge/judge.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>

static const char folder[] = "tests/hostile";
static const char marker[] = "# --- test ---\n";

typedef struct hostile {
    char name[64];
    char expect[32];
    rn_buf text;
    rn_judge_result result;
    bool done;
} hostile;

static hostile programs[256];
static size_t n_programs;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const hostile *)a)->name, ((const hostile *)b)->name);
}

static void read_programs(void)
{
    DIR *d = opendir(folder);
    if (!d) fail_msg("%s is not here", folder);
    for (const struct dirent *e; (e = readdir(d));) {
        if (!strstr(e->d_name, ".py")) continue;
        assert_true(n_programs < 256);
        hostile *h = &programs[n_programs++];
        snprintf(h->name, sizeof h->name, "%.60s", e->d_name);
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        rn_err err;
        assert_ok(rn_file_read(path, 1 << 20, &h->text, &err), &err);
        if (sscanf(h->text.data, "# expect: %31s", h->expect) != 1)
            fail_msg("%s has no expected verdict in its first line", path);
    }
    closedir(d);
    if (n_programs <= 40) fail_msg("%zu programs in %s", n_programs, folder);
    qsort(programs, n_programs, sizeof *programs, by_name);
}

static rn_judge_limits small_limits(void)
{
    return (rn_judge_limits){
        .cpu_ns = 600000000, .wall_ns = 1500000000, .memory_bytes = 256 << 20, .processes = 32};
}

static void submit(rn_judge *j, const hostile *h, uint64_t tag)
{
    const char *at = strstr(h->text.data, marker);
    rn_bytes program = {.data = h->text.data,
                        .len = at ? (size_t)(at - h->text.data) : h->text.len};
    rn_judge_case cases[2] = {{.input = rn_bytes_of("assert f(3) == 9")},
                              {.input = rn_bytes_of("assert f(4) == 16")}};
    if (at) cases[0].input = rn_bytes_of(at + strlen(marker));
    rn_judge_job job = {.mode = RN_JUDGE_SCRIPT,
                        .program = program,
                        .entry = "f",
                        .cases = cases,
                        .n_cases = at ? 1 : 2,
                        .limits = small_limits()};
    rn_err err;
    assert_ok(rn_judge_submit(j, &job, tag, &err), &err);
}

/* Children of `pid`, as text. */
/* Whether these, children of one host, are at most the one that waits for its next program
 * (host_worker.c): alone, asleep, without a child of its own. */
static bool only_waits(const char *kids)
{
    char *end, path[64], below[64], state = 0;
    const long pid = strtol(kids, &end, 10);
    if (end == kids) return true;
    if (end[strspn(end, " ")]) return false;
    test_children_of(pid, below, sizeof below);
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    const bool read = f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1;
    if (f) fclose(f);
    return read && state == 'S' && !below[0];
}

static void run_honest(rn_judge *j)
{
    const rn_judge_case c = {
        .input = rn_bytes_of("import os\nassert f(3) == 9 and os.listdir('.') == []")};
    const rn_judge_job honest = {
        .program = rn_bytes_of("def f(x):\n    return x * x\n"), .cases = &c, .n_cases = 1};
    uint64_t tag;
    rn_judge_result r;
    rn_err err;
    assert_ok(rn_judge_submit(j, &honest, 7, &err), &err);
    assert_int_equal(rn_judge_wait(j, -1, &tag, &r, &err), 1);
    if (r.verdict != RN_V_PASSED) fail_msg("honest: %s %s", rn_verdict_name(r.verdict), r.detail);
}

/* With nothing under way no host has a child at work: the box is empty. */
static void assert_boxes_empty(rn_judge *j)
{
    char hosts[4096], kids[4096];
    test_children_of(getpid(), hosts, sizeof hosts);
    for (char *p = hosts, *end; *p; p = end) {
        long pid = strtol(p, &end, 10);
        if (end == p) break;
        test_children_of(pid, kids, sizeof kids);
        /* A host may still run a copy of a program whose result another was faster with, or have
         * set it aside, which is heard while others run. */
        for (int i = 0; !only_waits(kids) && i < 1000; i++) {
            usleep(10000);
            if (i % 10 == 9) run_honest(j);
            test_children_of(pid, kids, sizeof kids);
        }
        if (!only_waits(kids)) fail_msg("processes %s are left", kids);
    }
}

static bool as_expected(const hostile *h, bool by_name)
{
    const char *got = rn_verdict_name(h->result.verdict);
    const bool same = !by_name || strcmp(got, h->expect) == 0;
    if (same && h->result.verdict != RN_V_PASSED) return true;
    print_error("%s: got %s (%s), want %s\n", h->name, got, h->result.detail, h->expect);
    return false;
}

static void run_all(int jobs)
{
    rn_err err;
    rn_judge *j;
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = jobs}, &j, &err), &err);
    size_t done = 0;
    for (size_t i = 0; i < n_programs; i++)
        submit(j, &programs[i], i);
    while (done < n_programs) {
        uint64_t tag;
        rn_judge_result r;
        int rc = rn_judge_wait(j, -1, &tag, &r, &err);
        if (rc != 1) fail_msg("waiting: %s", err.msg);
        programs[tag].result = r;
        done++;
    }
    assert_int_equal(rn_judge_pending(j), 0);
    assert_boxes_empty(j);
    run_honest(j); /* the host still judges one right, in a clean folder */
    rn_judge_close(j);
}

static void check_all(bool by_name)
{
    run_all(2);
    size_t bad = 0;
    for (size_t i = 0; i < n_programs; i++)
        bad += !as_expected(&programs[i], by_name);
    assert_int_equal(bad, 0);
    char left[4096];
    test_children_of(getpid(), left, sizeof left);
    assert_string_equal(left, "");
}

static void each_gets_its_verdict(void **state)
{
    (void)state;
    check_all(true);
}

/* As in a chroot, or where a system refuses them: the same verdicts. A normal user has no other
 * namespace then either, so that a program that kills itself is not init, and dies of it. */
static void also_without_user_namespaces(void **state)
{
    (void)state;
    setenv("RATION_JUDGE_WITHOUT", "userns", 1);
    check_all(geteuid() == 0);
    unsetenv("RATION_JUDGE_WITHOUT");
}

/* Nor does a child that waits for a further program when the judge is closed. */
static void nothing_outlives_a_judge(void **state)
{
    (void)state;
    enum { ALL = 40 };
    rn_err err;
    rn_judge *j;
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = 2}, &j, &err), &err);
    const rn_judge_case c = {.input = rn_bytes_of("assert f(3) == 9")};
    const rn_judge_job job = {
        .program = rn_bytes_of("def f(x): return x * x\n"), .cases = &c, .n_cases = 1};
    for (uint64_t i = 0; i < ALL; i++)
        assert_ok(rn_judge_submit(j, &job, i, &err), &err);
    for (int i = 0; i < ALL; i++) {
        uint64_t tag;
        rn_judge_result r;
        assert_int_equal(rn_judge_wait(j, -1, &tag, &r, &err), 1);
        assert_int_equal(r.verdict, RN_V_PASSED);
    }
    rn_judge_close(j);
    char left[4096];
    test_children_of(getpid(), left, sizeof left);
    assert_string_equal(left, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_outlives_a_judge),
        cmocka_unit_test(each_gets_its_verdict),
        cmocka_unit_test(also_without_user_namespaces),
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* whatever a host leaves behind becomes ours */
    read_programs();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < n_programs; i++)
        rn_buf_free(&programs[i].text);
    return failed;
}
