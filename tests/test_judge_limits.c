/* Limits and what programs do to themselves, to the judge and to one another: the same verdicts as
 * root and as a normal user, with and without namespaces and control groups. */
#include "test.h"

#include "judge/judge.h"

#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitized host is larger. */
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY = 256 << 20 };
#else
enum { MEMORY = 128 << 20 };
#endif

#ifdef __SANITIZE_ADDRESS__
enum { SLOWER = 3 };
#else
enum { SLOWER = 1 };
#endif
static const rn_judge_limits small = {.cpu_ns = SLOWER * INT64_C(800000000),
                                      .wall_ns = SLOWER * INT64_C(5000000000),
                                      .memory_bytes = MEMORY,
                                      .processes = 32};

typedef struct program {
    const char *name, *source;
    rn_verdict want;
} program;

/* Forks `n` children that run `body` at the same time. */
#define CHILDREN(n, body)                                                             \
    "import os, time\npids = []\nfor i in range(" #n "):\n    pid = os.fork()\n"      \
    "    if pid == 0:\n        " body "\n        os._exit(0)\n    pids.append(pid)\n" \
    "for p in pids: os.waitpid(p, 0)\n"
#define SQUARE "def f(x): return x * x\n"

static const program programs[] = {
    {"sleeps", "import time\ntime.sleep(10)\n" SQUARE, RN_V_TIME_LIMIT},
    {"sleeps a little", "import time\ntime.sleep(0.1)\n" SQUARE, RN_V_PASSED},
    {"waits for a lock", "import threading\nl = threading.Lock()\nl.acquire()\nl.acquire()\n",
     RN_V_TIME_LIMIT},
    {"waits for a child that sleeps", CHILDREN(2, "time.sleep(10)") SQUARE, RN_V_TIME_LIMIT},
    {"one string", "x = 'a' * 10**10\n" SQUARE, RN_V_MEMORY_LIMIT},
    {"one list", "x = [0] * 10**9\n" SQUARE, RN_V_MEMORY_LIMIT},
    {"reserves and touches nothing",
     "import mmap\nm = mmap.mmap(-1, 1 << 31, flags=mmap.MAP_PRIVATE)\nm[1 << 30] = 1\n" SQUARE,
     RN_V_PASSED},
    {"large stacks",
     "import threading\nthreading.stack_size(2 ** 26)\nb = threading.Barrier(21)\n"
     "ts = [threading.Thread(target=b.wait) for i in range(20)]\n"
     "[t.start() for t in ts]; b.wait(); [t.join() for t in ts]\n" SQUARE,
     RN_V_PASSED},
    {"memory that workers share", "a = b'x' * (60 << 20)\n" CHILDREN(6, "time.sleep(0.1)") SQUARE,
     RN_V_PASSED},
    {"files of memory in children",
     "import os, time\nfds = []\nfor i in range(3):\n    r, w = os.pipe()\n    if os.fork() == 0:\n"
     "        for k in range(100):\n            fds.append(os.memfd_create('m'))\n"
     "            os.write(fds[-1], bytes(1 << 20))\n"
     "        os.write(w, b'x'); time.sleep(9); os._exit(0)\n"
     "    os.close(w); os.read(r, 1)\ntime.sleep(0.2)\n" SQUARE,
     RN_V_MEMORY_LIMIT},
    {"a fork bomb", "import os\nwhile True: os.fork()\n", RN_V_PROCESS_LIMIT},
    {"too many processes", CHILDREN(60, "time.sleep(9)") SQUARE, RN_V_PROCESS_LIMIT},
    {"work in children that nobody waits for",
     "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nr, w = os.pipe()\n"
     "for i in range(12):\n    if os.fork() == 0:\n        t = time.process_time()\n"
     "        while time.process_time() - t < 0.4: pass\n        os.write(w, b'x')\n"
     "        os._exit(0)\n    os.read(r, 1)\n" SQUARE,
     RN_V_TIME_LIMIT},
    {"a CPU limit of its own",
     "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (0, 0))\nwhile True: pass\n",
     RN_V_TIME_LIMIT},
    {"a low priority",
     "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nos.nice(19)\n"
     "while True: pass\n",
     RN_V_TIME_LIMIT},
    {"limits of its parent",
     "import os, resource\nfor r in (resource.RLIMIT_NPROC, resource.RLIMIT_AS,\n"
     "          resource.RLIMIT_NOFILE, resource.RLIMIT_CPU):\n"
     "    try:\n        if os.getppid(): resource.prlimit(os.getppid(), r, (0, 0))\n"
     "    except OSError: pass\n" SQUARE,
     RN_V_PASSED},
    {"multiprocessing",
     "import multiprocessing as mp\ndef f(x):\n    with mp.Pool(2) as p:\n"
     "        return p.map(abs, [x])[0] * x\n",
     RN_V_PASSED},
    {"prints 2 MB", "for i in range(20): print('x' * 100000)\n" SQUARE, RN_V_PASSED},
    {"an honest one at the end", SQUARE, RN_V_PASSED},
};

enum { N_PROGRAMS = sizeof programs / sizeof *programs };

static rn_judge_job job_of(const char *source, const rn_judge_case *c)
{
    return (rn_judge_job){
        .program = rn_bytes_of(source), .entry = "f", .cases = c, .n_cases = 1, .limits = small};
}

/* Whether programs[i] came to its verdict; 0 or 1, so that a process can return the sum. */
static int check_one(uint64_t i, const rn_judge_result *r, const char *where)
{
    if (r->verdict == programs[i].want) return 0;
    print_error("%s: %s: got %s (%s), want %s\n", where, programs[i].name,
                rn_verdict_name(r->verdict), r->detail, rn_verdict_name(programs[i].want));
    return 1;
}

/* Judges the table; how many verdicts are wrong. */
static int run_table(const char *without, const char *user)
{
    rn_err err;
    rn_judge *j;
    setenv("RATION_JUDGE_WITHOUT", without, 1);
    int rc = rn_judge_open(&(rn_judge_opts){.jobs = 2}, &j, &err);
    unsetenv("RATION_JUDGE_WITHOUT");
    if (rc == RN_ESANDBOX) {
        print_message("%s without '%s': %s\n", user, without, err.msg);
        return 0;
    }
    assert_ok(rc, &err);
    char where[300];
    snprintf(where, sizeof where, "%s without '%s' (%s)", user, without, rn_judge_level(j));
    const rn_judge_case c = {.input = rn_bytes_of("assert f(3) == 9")};
    for (uint64_t i = 0; i < N_PROGRAMS; i++) {
        rn_judge_job job = job_of(programs[i].source, &c);
        assert_ok(rn_judge_submit(j, &job, i, &err), &err);
    }
    int bad = 0;
    while (rn_judge_pending(j)) {
        uint64_t tag;
        rn_judge_result r;
        if (rn_judge_wait(j, -1, &tag, &r, &err) != 1) fail_msg("wait: %s", err.msg);
        bad += check_one(tag, &r, where);
    }
    rn_judge_close(j);
    return bad;
}

static const char *const layers[] = {"", "cgroup", "ns,cgroup"};

/* Calls `what` in a process of a normal user's, where this one is root. */
static void as_user(int (*what)(void))
{
    enum { UNREACHABLE = 100 };
    pid_t pid = fork();
    if (pid == 0) {
        const char *host = getenv("RATION_BUILD");
        char path[4096];
        snprintf(path, sizeof path, "%s/ration-judge-host", host ? host : "build");
        if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534))) _exit(101);
        prctl(PR_SET_DUMPABLE, 1);
        if (access(path, X_OK) != 0) _exit(UNREACHABLE); /* in a folder of root's */
        _exit(what());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == UNREACHABLE) {
        print_message("the build is out of a normal user's reach\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int run_tables(void)
{
    int bad = 0;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        bad += run_table(layers[i], geteuid() ? "user" : "root");
    return bad;
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(run_tables(), 0);
}

static void test_limits_as_user(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    as_user(run_tables);
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

/* Judges a program that forks beside 600 tasks of the same user, which came after it; whether it
 * did not pass. */
static int fork_beside_strangers(void)
{
    enum { STRANGERS = 600 };
    static const char forks[] =
        "import os, time\ntime.sleep(0.3)\ndef f(x):\n    try: pid = os.fork()\n"
        "    except OSError: return 0\n    if pid == 0: os._exit(0)\n"
        "    os.waitpid(pid, 0)\n    return x * x\n";
    rn_err err;
    rn_judge *j;
    setenv("RATION_JUDGE_WITHOUT", "ns,cgroup", 1);
    int rc = rn_judge_open(&(rn_judge_opts){.jobs = 1}, &j, &err);
    if (rc) return rc != RN_ESANDBOX;
    const rn_judge_case c = {.input = rn_bytes_of("assert f(3) == 9")};
    const rn_judge_job job = job_of(forks, &c);
    assert_ok(rn_judge_submit(j, &job, 0, &err), &err);
    uint64_t tag;
    rn_judge_result r;
    assert_int_equal(rn_judge_wait(j, 100, &tag, &r, &err), 0); /* it has begun */
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 64 << 10);
    for (int i = 0; i < STRANGERS; i++) {
        pthread_t t;
        if (pthread_create(&t, &a, wait_for_ever, NULL)) return 2;
    }
    assert_int_equal(rn_judge_wait(j, -1, &tag, &r, &err), 1);
    if (r.verdict != RN_V_PASSED) print_error("%s (%s)\n", rn_verdict_name(r.verdict), r.detail);
    rn_judge_close(j);
    return r.verdict != RN_V_PASSED;
}

/* What else its user runs takes no fork from a program. */
static void test_strangers(void **state)
{
    (void)state;
    as_user(fork_beside_strangers);
}

/* What the first program leaves, the second looks for; both run in one host. The second returns 9 if it
 * finds something. */
static const struct {
    const char *name, *leave, *look;
} channels[] = {
    {"locks of open files",
     "import fcntl, struct\nfor fd in (0, 1, 2):\n"
     "    try: fcntl.fcntl(fd, 37, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 7, 1, 0))\n"
     "    except OSError: pass\n",
     "import fcntl, struct\ndef f(x):\n    for fd in (0, 1, 2):\n        try:\n"
     "            r = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, "
     "99, "
     "0))\n            if struct.unpack('hhqqi4x', r)[0] != fcntl.F_UNLCK: return 9\n"
     "        except OSError: pass\n"},
    {"times and permissions of streams",
     "import os\nfor fd in (0, 1, 2, '/tmp', '.', '/dev/null'):\n"
     "    try: os.utime(fd, ns=(9 * 10**9, 9 * 10**9))\n    except OSError: pass\n"
     "for fd in (1, 2):\n    try: os.fchmod(fd, 0o1)\n    except OSError: pass\n",
     "import os\ndef f(x):\n    for fd in (0, 1, 2, '/tmp', '.', '/dev/null'):\n"
     "        st = os.stat(fd)\n        if int(st.st_atime) == 9 or int(st.st_mtime) == 9: return "
     "9\n"
     "        if fd in (1, 2) and st.st_mode & 0o777 == 1: return 9\n"},
    {"owners and flags of streams",
     "import fcntl, os\nfor fd in (0, 1, 2):\n    for op, v in ((fcntl.F_SETSIG, 9), "
     "(fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)):\n"
     "        try: fcntl.fcntl(fd, op, v)\n        except OSError: pass\n",
     "import fcntl, os\ndef f(x):\n    for fd in (0, 1, 2):\n"
     "        if fcntl.fcntl(fd, fcntl.F_GETSIG) == 9: return 9\n"
     "        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND: return 9\n"},
    {"folders that are hard to remove",
     "import os\nos.mkdir('v9'); open('v9/x', 'w').close(); os.chmod('v9', 0)\nos.mkdir('u9', 0)\n"
     "os.mkdir('w9'); os.chdir('w9')\nfor i in range(40):\n    os.mkdir('d' * 200); os.chdir('d' * "
     "200)\n",
     "import os\ndef f(x):\n    for n in os.listdir('.'):\n"
     "        if n[1:] == '9': return 9\n"},
    {"whether the folder was read", "import os\nos.listdir('/tmp')\n",
     "import os\ndef f(x):\n    st = os.stat('/tmp')\n"
     "    if os.statvfs('/tmp').f_blocks < 20000 and st.st_atime_ns > st.st_mtime_ns: return 9\n"},
    {"limits of the host",
     "import os, resource\ntry: os.getppid() and resource.prlimit(os.getppid(), "
     "resource.RLIMIT_STACK, (9 << 20, 9 "
     "<< "
     "20))\nexcept OSError: pass\ntry: os.setpriority(os.PRIO_PROCESS, os.getppid(), 9)\n"
     "except OSError: pass\n",
     "import os, resource\ndef f(x):\n    if resource.getrlimit(resource.RLIMIT_STACK)[0] == 9 << "
     "20: "
     "return 9\n    if os.getpriority(os.PRIO_PROCESS, 0) == 9: return 9\n"},
};

static void test_channels(void **state)
{
    (void)state;
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
        rn_err err;
        rn_judge *j;
        setenv("RATION_JUDGE_WITHOUT", layers[l], 1);
        int rc = rn_judge_open(&(rn_judge_opts){.jobs = 1}, &j, &err);
        unsetenv("RATION_JUDGE_WITHOUT");
        if (rc == RN_ESANDBOX) continue;
        assert_ok(rc, &err);
        for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
            const rn_judge_case quiet = {.input = rn_bytes_of("assert True")},
                                c = {.input = rn_bytes_of("assert f(3) != 9")};
            rn_judge_job leave = job_of(channels[i].leave, &quiet),
                         look = job_of(channels[i].look, &c);
            uint64_t tag;
            rn_judge_result r;
            assert_ok(rn_judge_submit(j, &leave, 0, &err), &err);
            assert_int_equal(rn_judge_wait(j, -1, &tag, &r, &err), 1);
            assert_ok(rn_judge_submit(j, &look, 1, &err), &err);
            assert_int_equal(rn_judge_wait(j, -1, &tag, &r, &err), 1);
            if (r.verdict != RN_V_PASSED)
                fail_msg("without '%s': %s: %s (%s)", layers[l], channels[i].name,
                         rn_verdict_name(r.verdict), r.detail);
        }
        rn_judge_close(j);
    }
}

int main(void)
{
    /* Should a layer fail, the machine stays usable. */
    const struct rlimit processes = {2000, 2000};
    setrlimit(RLIMIT_NPROC, &processes);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits), cmocka_unit_test(test_limits_as_user),
        cmocka_unit_test(test_strangers), cmocka_unit_test(test_channels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
