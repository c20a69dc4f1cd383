/* COMMAND jobs: private copies of a working folder, exit statuses, limits, hostile commands, weaker
 * sandboxes; what stays outside the copy. */
#include "test.h"

#include "base/file.h"
#include "judge/judge.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[4096];
static rn_tree *tree;
static rn_judge *judge;

static const rn_judge_limits small = {.cpu_ns = 1000000000,
                                      .wall_ns = 1500000000,
                                      .memory_bytes = 256 << 20,
                                      .output_bytes = 1 << 20,
                                      .processes = 24};

static void put(const char *name, const char *text, mode_t mode)
{
    char path[5000];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    rn_err err;
    assert_ok(rn_file_write_atomic(path, rn_bytes_of(text), &err), &err);
    assert_int_equal(chmod(path, mode), 0);
}

static rn_judge_result run_in(rn_judge *j, const char *path, const char *text, const char *command)
{
    rn_judge_case c = {.input = rn_bytes_of(command)};
    rn_judge_job job = {.mode = RN_JUDGE_COMMAND,
                        .program = rn_bytes_of(text),
                        .entry = path,
                        .cases = &c,
                        .n_cases = 1,
                        .limits = small};
    rn_err err;
    uint64_t tag;
    rn_judge_result r;
    assert_ok(rn_judge_submit(j, &job, 5, &err), &err);
    if (rn_judge_wait(j, -1, &tag, &r, &err) != 1) fail_msg("%s", err.msg);
    return r;
}

static void expect(rn_judge_result r, rn_verdict want, const char *detail, const char *what)
{
    if (r.verdict != want)
        fail_msg("%s: got %s (%s; %s), want %s", what, rn_verdict_name(r.verdict), r.detail,
                 r.output, rn_verdict_name(want));
    if (detail && !strstr(r.detail, detail))
        fail_msg("%s: detail '%s' does not say '%s'", what, r.detail, detail);
}

static int open_all(void **state)
{
    (void)state;
    rn_err err;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* whatever is left behind becomes ours */
    snprintf(dir, sizeof dir, "%s", test_tmpdir());
    put("add.c", "int add(int a, int b) { return 0; }\n", 0644);
    put("check.c", "int add(int, int);\nint main(void) { return add(2, 3) != 5; }\n", 0644);
    put("Makefile", "check: check.c add.c\n\tcc -o t check.c add.c && ./t && echo fine\n", 0644);
    put("run.sh", "#!/bin/sh\nexit 0\n", 0755);
    put("locked", "x", 0400);
    char path[5000];
    snprintf(path, sizeof path, "%s/link", dir);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    snprintf(path, sizeof path, "%s/sub", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    put("sub/old", "old", 0644);
    snprintf(path, sizeof path, "%s/sub/old", dir);
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_ok(rn_tree_pack(dir, 0, &tree, &err), &err);
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = 2, .tree = tree}, &judge, &err), &err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    rn_judge_close(judge);
    rn_tree_free(tree);
    test_rmdir(dir);
    return 0;
}

static void test_exit_status(void **state)
{
    (void)state;
    static const struct {
        const char *program, *command;
        rn_verdict want;
        const char *detail;
    } table[] = {
        {"int add(int a, int b) { return a + b; }\n", "make check", RN_V_PASSED, ""},
        {"int add(int a, int b) { return a - b; }\n", "make check", RN_V_WRONG, "exit status 2"},
        {"int add(int a, int b) { return ", "make check", RN_V_WRONG, "exit status 2"},
        {"", "true", RN_V_PASSED, ""},
        {"", "exit 3", RN_V_WRONG, "exit status 3"},
        {"", "no-such-command", RN_V_EXCEPTION, "not found"},
        {"", "kill -SEGV $$", RN_V_CRASHED, "signal 11"},
        {"", "echo first; echo why >&2; exit 1", RN_V_WRONG, "exit status 1: why"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(run_in(judge, "add.c", table[i].program, table[i].command), table[i].want,
               table[i].detail, table[i].command);
}

/* Commands that exit with 0 when the copy is as it must be. */
static void test_copy(void **state)
{
    (void)state;
    static const char *const holds[] = {
        "test \"$(cat add.c)\" = new",
        "test -x run.sh && ./run.sh && test ! -x add.c",
        "test -L link && test \"$(readlink link)\" = /etc/hostname",
        "test \"$(stat -c %Y sub/old)\" = 1000",
        "test add.c -nt check.c",
        "test \"$(stat -c %a locked)\" = 600 || test \"$(stat -c %a locked)\" = 400",
        "touch left && mkfifo pipe && mkdir build && echo x >build/x && exec 3>/dev/null",
        "test ! -e left",
        "printf 'a b' >'name with space' && test -e 'name with space'",
        "test \"$HOME$TMPDIR\" = /tmp/tmp && test \"$(pwd)\" = /tmp/work",
        "test -z \"$(cat)\"", /* standard input is empty */
    };
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++)
        expect(run_in(judge, "add.c", "new", holds[i]), RN_V_PASSED, NULL, holds[i]);
    expect(run_in(judge, NULL, "", "grep -q 'return 0' add.c"), RN_V_PASSED, NULL, "as it is");
    expect(run_in(judge, "link", "mine", "test ! -L link && grep -q mine link"), RN_V_PASSED, NULL,
           "a link is replaced");
    rn_buf b = {0};
    rn_err err;
    char path[5000];
    snprintf(path, sizeof path, "%s/add.c", dir);
    assert_ok(rn_file_read(path, 1000, &b, &err), &err);
    assert_contains(b.data, "return 0"); /* the folder itself is as it was */
    rn_buf_free(&b);
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        rn_verdict want;
    } table[] = {
        {"while :; do :; done", RN_V_TIME_LIMIT},
        {"sleep 100", RN_V_TIME_LIMIT},
        {"yes", RN_V_OUTPUT_LIMIT},
        {"python3 -c 'x = bytearray(10**9); x[::4096] = x[::4096]'; exit 1", RN_V_MEMORY_LIMIT},
        {"i=0; while [ $i -lt 200 ]; do sleep 2 & i=$((i + 1)); done; exit 1", RN_V_PROCESS_LIMIT},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(run_in(judge, NULL, "", table[i].command), table[i].want, NULL, table[i].command);
}

/* None of these passes, and nothing of them is left. The first word is the expected verdict. */
static void test_hostile(void **state)
{
    (void)state;
    char read_host[12000], canary[5000];
    snprintf(canary, sizeof canary, "%s/canary", dir);
    snprintf(read_host, sizeof read_host, "cat '%s/add.c' && exit 0; echo x >'%s'; exit 1", dir,
             canary);
    const struct {
        const char *command;
        rn_verdict want;
    } table[] = {
        {read_host, RN_V_WRONG},
        {"bomb() { bomb | bomb & }; bomb; sleep 1; exit 1", RN_V_PROCESS_LIMIT},
        {"kill -9 1; kill -9 -1; exit 4", RN_V_WRONG},
        {"kill -9 $PPID; sleep 0.1; exit 4", RN_V_WRONG},
        {"python3 -c 'import os, resource\ntry: resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))\n"
         "except OSError: pass\nfor i in range(30000): os.write(1, b\"x\" * 9)'; exit 1",
         RN_V_WRONG},
        {"echo x >/usr/x || echo x >/etc/x || echo x >/x", RN_V_WRONG},
        {"cat /etc/shadow || ls /root || ls /home || ls /proc/1", RN_V_WRONG},
        {"mount -t tmpfs t /mnt || unshare -r true || /usr/sbin/chroot / true", RN_V_WRONG},
        {"mknod d b 8 0 || mknod c c 1 3", RN_V_WRONG},
        {"python3 -c 'import ctypes; l = ctypes.CDLL(None); exit(l.ptrace(16, 1, 0, 0) != 0 and "
         "l.ptrace(0, 0, 0, 0) != 0)'",
         RN_V_WRONG},
        {"sed -i s/x/y/ /proc/self/comm || exec 9>/dev/sda || exec 9>/dev/tty", RN_V_WRONG},
        {"head -c 3G /dev/zero >big", RN_V_WRONG},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_judge_result r = run_in(judge, NULL, "", table[i].command);
        if (r.verdict != table[i].want && rn_verdict_family(r.verdict) != 'L')
            expect(r, table[i].want, NULL, table[i].command);
    }
    assert_false(rn_file_exists(canary));
    /* What a command leaves running ends with it. */
    expect(run_in(judge, NULL, "",
                  "setsid sh -c 'while :; do sleep 0.01; done' >/dev/null 2>&1 & (sleep 1000 &)"),
           RN_V_PASSED, NULL, "daemons");
    expect(run_in(judge, NULL, "", "test -z \"$(ls /tmp | grep -v work)\""), RN_V_PASSED, NULL,
           "the next one's /tmp");
}

static void test_network(void **state)
{
    (void)state;
    static const char connect[] =
        "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 9))'";
    expect(run_in(judge, NULL, "", connect), RN_V_WRONG, "it asked for the network", connect);
    expect(run_in(judge, NULL, "", "python3 -c 'import socket; socket.socketpair()'"), RN_V_PASSED,
           NULL, "socketpair");
    rn_judge_result r = run_in(judge, NULL, "", "exit 1");
    assert_null(strstr(r.detail, "network"));
}

static void test_output(void **state)
{
    (void)state;
    rn_judge_result r = run_in(judge, NULL, "", "seq 1 5000; printf 'a\\033[2J\\377b\\n'; exit 1");
    expect(r, RN_V_WRONG, "a [2J?b", "control characters and broken UTF-8");
    assert_contains(r.output, "5000\na [2J?b");
    assert_true(strlen(r.output) < sizeof r.output);
    assert_true(r.output[0] >= '0' && r.output[0] <= '9'); /* from the start of a line */
}

static void test_bad_input(void **state)
{
    (void)state;
    rn_err err;
    rn_tree *t;
    rn_judge_case c = {.input = rn_bytes_of("true")};
    rn_judge_job job = {.mode = RN_JUDGE_COMMAND, .cases = &c, .n_cases = 1};
    static const char *const paths[] = {"/etc/passwd", "../x", "a/../../x", "", "a//b", "a/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        job.entry = paths[i];
        assert_int_equal(rn_judge_submit(judge, &job, 0, &err), RN_EINVAL);
    }
    assert_int_equal(rn_tree_pack("/no/such/folder", 0, &t, &err), RN_ENOTFOUND);
    assert_int_equal(rn_tree_pack(dir, 100, &t, &err), RN_ELIMIT);
    char path[5000];
    snprintf(path, sizeof path, "%s/add.c", dir);
    assert_true(rn_tree_pack(path, 0, &t, &err) < 0);
    snprintf(path, sizeof path, "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rn_tree_pack(dir, 0, &t, &err), RN_EUNSUPPORTED);
    assert_contains(err.msg, "pipe");
    unlink(path);
    rn_judge *plain;
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = 1}, &plain, &err), &err);
    job.entry = NULL;
    assert_int_equal(rn_judge_submit(plain, &job, 0, &err), RN_EINVAL);
    rn_judge_close(plain);
}

static void test_weaker(void **state)
{
    (void)state;
    static const char *const without[] = {"userns", "ns", "seccomp", "landlock", "cgroup"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        setenv("RATION_JUDGE_WITHOUT", without[i], 1);
        rn_err err;
        rn_judge *j;
        int rc = rn_judge_open(&(rn_judge_opts){.jobs = 1, .tree = tree}, &j, &err);
        unsetenv("RATION_JUDGE_WITHOUT");
        if (rc) {
            print_message("without %s: %s\n", without[i], err.msg);
            continue;
        }
        static const char right[] = "int add(int a, int b) { return a + b; }\n";
        expect(run_in(j, "add.c", right, "make check"), RN_V_PASSED, NULL, without[i]);
        expect(run_in(j, "add.c", "x", "make check"), RN_V_WRONG, NULL, without[i]);
        expect(run_in(j, "add.c", "x", "sleep 1000 & setsid sleep 1000 & exit 5"), RN_V_WRONG,
               "exit status 5", without[i]);
        rn_judge_close(j);
    }
}

/* After all judges are closed nothing that they started is left. */
static void test_nothing_left(void **state)
{
    (void)state;
    rn_err err;
    rn_judge *j;
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = 1, .tree = tree}, &j, &err), &err);
    rn_judge_case c = {.input = rn_bytes_of("sleep 1000 & sleep 1000")};
    rn_judge_job job = {.mode = RN_JUDGE_COMMAND, .cases = &c, .n_cases = 1};
    assert_ok(rn_judge_submit(j, &job, 0, &err), &err);
    uint64_t tag;
    rn_judge_result r;
    assert_int_equal(rn_judge_wait(j, 300, &tag, &r, &err), 0); /* it is under way */
    rn_judge_close(j);
    rn_judge_close(judge);
    judge = NULL;
    int n = 0;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        n++;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child at all */
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_status),  cmocka_unit_test(test_copy),
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_network),      cmocka_unit_test(test_output),
        cmocka_unit_test(test_bad_input),    cmocka_unit_test(test_weaker),
        cmocka_unit_test(test_nothing_left),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
