/*
 * host_watch.c: one child from clone to its grave.
 *
 * The child is init of its own pid namespace: when it dies, the kernel kills and reaps all it ever
 * made before the host sees its end. Without pid namespaces the host is the subreaper and does the
 * same by hand. The record page is read only after that, so nothing can still write to it.
 *
 * Time. The CPU limit is that of the whole tree: from the host's cgroup less the host's own time,
 * or from /proc. The wall-clock limit is a backstop against sleeping: time that the child spent
 * waiting for a processor (schedstat, and the state at the limit) does not count, so that a busy
 * machine changes no verdict. A child that still waits after WALL_HARD limits is reported as
 * starved, for another try alone.
 */
#include "judge/host.h"

#include "base/clock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WALL_HARD = 20, MAX_TREE = 4096, SETUP_FAILED = 120 };

static rn_record *shared;
static rn_values *values;
static uint8_t nonce[RN_NONCE_BYTES]; /* of the present run; no Python object holds it */
static pid_t child_pid;               /* in the child: its own pid, to tell it from its forks */
static int library_fd = -1;
static int64_t memory_set, pids_set; /* limits in the cgroup's files now */
static int64_t oom_seen, forks_denied_seen;
static int64_t overhead_bytes = 64 << 20; /* the host's own pages lie in the same cgroup */
static int64_t overhead_processes = 1;
static void *output_map;
static size_t output_len;

static int make_stream(int as, rn_err *err)
{
    int fd = memfd_create("stream", MFD_CLOEXEC);
    if (fd < 0 || dup2(fd, as) < 0) return rn_fail_errno(err, "standard stream %d", as);
    if (fd != as) close(fd);
    return 0;
}

int rn_watch_start(int lib_fd, rn_err *err)
{
    library_fd = lib_fd;
    for (int fd = 0; fd < 3; fd++) {
        int rc = make_stream(fd, err);
        if (rc) return rc;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return rn_fail_errno(err, "record page");
    values = mmap(NULL, sizeof *values, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (values == MAP_FAILED) return rn_fail_errno(err, "page of values");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return 0;
}

rn_values *rn_watch_values(void)
{
    return values;
}

void rn_watch_value_begin(size_t i)
{
    if (getpid() == child_pid) values->at = (int32_t)i;
}

void rn_watch_value_end(size_t i, const rn_judge_value *v)
{
    if (getpid() == child_pid) values->v[i] = *v;
}

void rn_watch_library(int fd)
{
    library_fd = fd;
}

void rn_watch_overhead(int64_t bytes, int processes)
{
    overhead_bytes += bytes;
    overhead_processes += processes;
    memory_set = pids_set = 0;
}

/* ---- reading small files of the kernel ------------------------------------------------------- */

/* The text at the file's start; "" if it cannot be read. */
static void read_at(int dir, const char *path, int fd, char *buf, size_t cap)
{
    buf[0] = '\0';
    int use = path ? openat(dir, path, O_RDONLY | O_CLOEXEC) : fd;
    if (use < 0) return;
    ssize_t n = pread(use, buf, cap - 1, 0);
    buf[n > 0 ? n : 0] = '\0';
    if (path) close(use);
}

static int64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

static int64_t cgroup_cpu_ns(const rn_confine *c)
{
    char buf[512];
    read_at(-1, NULL, c->cg_cpu_fd, buf, sizeof buf);
    return c->cg_v2 ? number_after(buf, "usage_usec ") * 1000 : strtoll(buf, NULL, 10);
}

static int64_t count_of(int fd, const char *key)
{
    if (fd < 0) return 0;
    char buf[512];
    read_at(-1, NULL, fd, buf, sizeof buf);
    return number_after(buf, key);
}

/* True once for every rise of the counter. */
static bool risen(int fd, const char *key, int64_t *seen)
{
    int64_t now = count_of(fd, key);
    bool yes = now > *seen;
    *seen = now;
    return yes;
}

/* ---- the process tree, from /proc ------------------------------------------------------------ */

typedef struct tree {
    pid_t pids[MAX_TREE];
    size_t n;
} tree;

static void add_children(const rn_confine *c, pid_t pid, tree *t)
{
    static char buf[32768];
    char path[64];
    snprintf(path, sizeof path, "%d/task/%d/children", (int)pid, (int)pid);
    read_at(c->proc_fd, path, -1, buf, sizeof buf);
    for (char *p = buf; *p && t->n < MAX_TREE;) {
        char *end;
        long kid = strtol(p, &end, 10);
        if (end == p) break;
        t->pids[t->n++] = (pid_t)kid;
        p = end;
    }
}

/* `pid` and all its descendants. */
static void find_tree(const rn_confine *c, pid_t pid, tree *t)
{
    t->n = 0;
    t->pids[t->n++] = pid;
    for (size_t i = 0; i < t->n; i++)
        add_children(c, t->pids[i], t);
}

/* utime + stime + cutime + cstime of one process. */
static int64_t stat_cpu_ns(const rn_confine *c, pid_t pid)
{
    char path[64], buf[1024];
    snprintf(path, sizeof path, "%d/stat", (int)pid);
    read_at(c->proc_fd, path, -1, buf, sizeof buf);
    const char *p = strrchr(buf, ')'); /* the name before it may hold anything */
    for (int field = 2; p && field < 14; field++)
        p = strchr(p + 1, ' ');
    if (!p) return 0;
    int64_t ticks = 0;
    char *end = (char *)(uintptr_t)p;
    for (int i = 0; i < 4; i++)
        ticks += strtoll(end, &end, 10);
    return ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

static int64_t resident_bytes(const rn_confine *c, pid_t pid)
{
    char path[64], buf[256];
    snprintf(path, sizeof path, "%d/statm", (int)pid);
    read_at(c->proc_fd, path, -1, buf, sizeof buf);
    const char *p = strchr(buf, ' ');
    return p ? strtoll(p, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

/* How long the process of the tree that waited longest for a processor did so. */
static int64_t run_delay_ns(const rn_confine *c, pid_t pid)
{
    static tree t;
    int64_t longest = 0;
    find_tree(c, pid, &t);
    for (size_t i = 0; i < t.n; i++) {
        char path[64], buf[128];
        snprintf(path, sizeof path, "%d/schedstat", (int)t.pids[i]);
        read_at(c->proc_fd, path, -1, buf, sizeof buf);
        const char *p = strchr(buf, ' ');
        int64_t delay = p ? strtoll(p, NULL, 10) : 0;
        if (delay > longest) longest = delay;
    }
    return longest;
}

/* Whether a thread of this process stands in a processor's queue (or runs) at this moment. */
static bool thread_ready(const rn_confine *c, pid_t pid)
{
    char path[64], buf[1024];
    snprintf(path, sizeof path, "%d/task", (int)pid);
    int fd = openat(c->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0) close(fd);
        return false;
    }
    bool ready = false;
    for (struct dirent *e; !ready && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%d/task/%.20s/stat", (int)pid, e->d_name);
        read_at(c->proc_fd, path, -1, buf, sizeof buf);
        const char *p = strrchr(buf, ')');
        ready = p && p[1] == ' ' && p[2] == 'R';
    }
    closedir(dir);
    return ready;
}

/* schedstat counts a wait only when it is over. A tree that is not asleep at its wall-clock limit
 * is therefore given more time: it waits, or it meets its CPU limit. */
static bool tree_ready(const rn_confine *c, pid_t pid)
{
    static tree t;
    find_tree(c, pid, &t);
    for (size_t i = 0; i < t.n; i++)
        if (thread_ready(c, t.pids[i])) return true;
    return false;
}

/* ---- limits ---------------------------------------------------------------------------------- */

typedef struct watch {
    rn_confine *c;
    const rn_judge_limits *limits;
    pid_t pid;
    int pidfd;
    int64_t start_ns, base_cgroup_ns, base_host_ns;
    int n_cpus;
    bool command;
} watch;

static int64_t tree_cpu_ns(const watch *w)
{
    if (w->c->cg_cpu) {
        int64_t all = cgroup_cpu_ns(w->c) - w->base_cgroup_ns;
        return all - (rn_cpu_ns() - w->base_host_ns);
    }
    static tree t;
    int64_t sum = 0;
    find_tree(w->c, w->pid, &t);
    for (size_t i = 0; i < t.n; i++)
        sum += stat_cpu_ns(w->c, t.pids[i]);
    return sum;
}

/* Without a cgroup, resident memory is looked at ten times a second. */
static bool memory_exceeded(const watch *w)
{
    if (w->c->cg_memory) return false;
    static tree t;
    int64_t sum = 0;
    find_tree(w->c, w->pid, &t);
    for (size_t i = 0; i < t.n; i++)
        sum += resident_bytes(w->c, t.pids[i]);
    return sum > w->limits->memory_bytes;
}

/* Which limit the child is over now, RN_N_VERDICTS if none; else *sleep_ns is how long it may run
 * before it must be looked at again. */
static rn_verdict check_limits(const watch *w, int64_t *sleep_ns, bool *starved)
{
    const int64_t least = 2000000, memory_poll = 100000000, ready_poll = 50000000;
    int64_t elapsed = rn_now_ns() - w->start_ns;
    if (memory_exceeded(w)) return RN_V_MEMORY_LIMIT;
    int64_t cpu = tree_cpu_ns(w);
    if (cpu >= w->limits->cpu_ns) return RN_V_TIME_LIMIT;
    int64_t cpu_left = (w->limits->cpu_ns - cpu) / w->n_cpus;
    int64_t wall_left = w->limits->wall_ns - elapsed;
    if (wall_left <= 0) {
        wall_left += run_delay_ns(w->c, w->pid);
        if (wall_left <= 0) {
            if (!tree_ready(w->c, w->pid)) return RN_V_WALL_LIMIT;
            wall_left = ready_poll;
        }
        if (elapsed > WALL_HARD * w->limits->wall_ns) {
            *starved = true;
            return RN_V_WALL_LIMIT;
        }
    }
    int64_t s = cpu_left < wall_left ? cpu_left : wall_left;
    if (!w->c->cg_memory && s > memory_poll) s = memory_poll;
    *sleep_ns = s > least ? s : least;
    return RN_N_VERDICTS;
}

static void kill_child(const watch *w)
{
    if (syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0) != 0) kill(w->pid, SIGKILL);
}

/* Without a pid namespace: everything below this process is the dead child's. */
static void bury_orphans(const rn_confine *c)
{
    static tree t;
    for (int round = 0; round < 1000; round++) {
        find_tree(c, getpid(), &t);
        for (size_t i = 1; i < t.n; i++)
            kill(t.pids[i], SIGKILL);
        int dead = 0;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            dead++;
        if (t.n <= 1 && !dead) return;
        if (!dead) usleep(1000);
    }
}

/* Sleeps until the child is dead, killing it at its limits. */
static int wait_for_end(const watch *w, rn_outcome *o, rn_err *err)
{
    /* At the start nothing needs a look: no limit can be met before the first of these is over. */
    int64_t first = w->limits->cpu_ns / w->n_cpus;
    int64_t sleep_ns = first < w->limits->wall_ns ? first : w->limits->wall_ns;
    if (!w->c->cg_memory && sleep_ns > 100000000) sleep_ns = 100000000;
    for (;;) {
        struct pollfd p[2] = {{.fd = w->pidfd, .events = POLLIN}, {.fd = library_fd, .events = 0}};
        struct timespec t = {.tv_sec = sleep_ns / 1000000000, .tv_nsec = sleep_ns % 1000000000};
        int n = ppoll(p, 2, &t, NULL);
        if (n < 0 && errno != EINTR) return rn_fail_errno(err, "waiting for a judged program");
        if (n > 0 && p[0].revents) return 0;
        if (n > 0 && p[1].revents) {
            kill_child(w);
            return rn_fail(err, RN_ECANCELLED, "the library is gone");
        }
        if (o->limit != RN_N_VERDICTS) continue; /* killed already: its end is near */
        o->limit = check_limits(w, &sleep_ns, &o->starved);
        if (o->limit == RN_N_VERDICTS) continue;
        kill_child(w);
        sleep_ns = 1000000000;
    }
}

/* ---- one run --------------------------------------------------------------------------------- */

void rn_watch_confirming(void)
{
    if (getpid() != child_pid) return;
    for (int i = 0; i < RN_NONCE_BYTES; i++)
        shared->confirm[i] = nonce[i];
}

static _Noreturn void be_child(const rn_confine *c, const rn_task *task)
{
    child_pid = getpid();
    static rn_record own;
    int listener = -1;
    int step = rn_filter_enter(c, task, &listener);
    bool command = task->job->mode == RN_JUDGE_COMMAND;
    if (!step && command) step = rn_command_run(task, listener, &own);
    if (step) {
        shared->setup_failed = step;
        _exit(SETUP_FAILED);
    }
    if (!command) rn_run_task(task, &own);
    if (getpid() != child_pid) _exit(0); /* a fork of the judged program came to the end, too */
    shared->verdict = own.verdict;
    shared->n_run = own.n_run;
    shared->n_passed = own.n_passed;
    shared->failed_case = own.failed_case;
    shared->clean_exit = own.clean_exit;
    memcpy(shared->detail, own.detail, sizeof shared->detail);
    memcpy(shared->output, own.output, sizeof shared->output);
    __sync_synchronize();
    for (int i = 0; i < RN_NONCE_BYTES; i++)
        shared->nonce[i] = nonce[i];
    _exit(0);
}

static void write_limit(int fd, int64_t value, int64_t *now)
{
    if (fd < 0 || *now == value) return;
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    if (pwrite(fd, text, (size_t)len, 0) == len) *now = value;
}

static int reset_stream(int fd, rn_err *err)
{
    if (lseek(fd, 0, SEEK_END) > 0 && ftruncate(fd, 0) != 0)
        return rn_fail_errno(err, "resetting standard stream %d", fd);
    lseek(fd, 0, SEEK_SET);
    fcntl(fd, F_SETFL, O_RDWR); /* flags of an open file are shared with former children */
    return 0;
}

static int feed_input(const rn_task *task, rn_err *err)
{
    int rc = reset_stream(0, err);
    if (rc || task->job->mode != RN_JUDGE_STDIO) return rc;
    rn_bytes in = task->job->cases[task->case_no].input;
    for (size_t at = 0; at < in.len;) {
        ssize_t n = pwrite(0, in.data + at, in.len - at, (off_t)at);
        if (n <= 0) return rn_fail_errno(err, "standard input of %zu bytes", in.len);
        at += (size_t)n;
    }
    return 0;
}

static int prepare(rn_confine *c, const rn_task *task, rn_err *err)
{
    if (output_map) munmap(output_map, output_len);
    output_map = NULL;
    output_len = 0;
    for (int fd = 1; fd < 3; fd++) {
        int rc = reset_stream(fd, err);
        if (rc) return rc;
    }
    int rc = feed_input(task, err);
    if (rc) return rc;
    write_limit(c->cg_memory_max_fd, task->job->limits.memory_bytes + overhead_bytes, &memory_set);
    write_limit(c->cg_pids_max_fd, task->job->limits.processes + overhead_processes, &pids_set);
    memset(shared, 0, sizeof *shared);
    values->at = -1;
    if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return rn_fail_errno(err, "random numbers");
    return 0;
}

static bool nonce_matches(const volatile uint8_t *at)
{
    for (int i = 0; i < RN_NONCE_BYTES; i++)
        if (at[i] != nonce[i]) return false;
    return true;
}

static int64_t time_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

/* Everything that is known once the child is dead. */
static int conclude(rn_confine *c, const watch *w, const struct rusage *ru, rn_outcome *o,
                    rn_err *err)
{
    o->wall_ns = rn_now_ns() - w->start_ns;
    o->cpu_ns = time_ns(ru->ru_utime) + time_ns(ru->ru_stime);
    o->peak_bytes = (int64_t)ru->ru_maxrss * 1024;
    off_t out = lseek(1, 0, SEEK_END), errs = lseek(2, 0, SEEK_END);
    o->output_bytes = out > errs ? out : errs;
    o->have_record = nonce_matches(shared->nonce);
    o->confirming = nonce_matches(shared->confirm);
    if (o->have_record) memcpy(&o->record, shared, sizeof o->record);
    o->record.detail[sizeof o->record.detail - 1] = '\0';
    o->record.output[sizeof o->record.output - 1] = '\0';
    bool passed = o->have_record && o->record.verdict == RN_V_PASSED;
    if (!passed || w->command) { /* a command may pass although a part of it met a limit */
        o->oom = risen(c->cg_oom_fd, "oom_kill ", &oom_seen);
        o->fork_denied = risen(c->cg_pids_fd, "max ", &forks_denied_seen);
    }
    if (shared->setup_failed && WIFEXITED(o->status) && WEXITSTATUS(o->status) == SETUP_FAILED)
        return rn_fail(err, RN_ESANDBOX, "%s failed at step %d",
                       shared->setup_failed >= RN_STEP_COPY ? "a copy of the working folder"
                                                            : "confinement of a program",
                       (int)shared->setup_failed);
    return 0;
}

int rn_watch_run(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err)
{
    memset(o, 0, sizeof *o);
    o->limit = RN_N_VERDICTS;
    int rc = rn_confine_clean(c, err);
    if (!rc) rc = prepare(c, task, err);
    if (rc) return rc;
    static int n_cpus;
    if (!n_cpus) {
        n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
        oom_seen = count_of(c->cg_oom_fd, "oom_kill ");
        forks_denied_seen = count_of(c->cg_pids_fd, "max ");
    }
    watch w = {.c = c,
               .limits = &task->job->limits,
               .pidfd = -1,
               .n_cpus = n_cpus,
               .command = task->job->mode == RN_JUDGE_COMMAND};
    if (c->cg_cpu) w.base_cgroup_ns = cgroup_cpu_ns(c);
    w.base_host_ns = rn_cpu_ns();
    w.start_ns = rn_now_ns();
    struct clone_args args = {.flags = CLONE_PIDFD | (c->pid_ns ? CLONE_NEWPID : 0),
                              .pidfd = (uint64_t)(uintptr_t)&w.pidfd,
                              .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) be_child(c, task);
    if (pid < 0) {
        rn_fail_errno(err, "forking a judged program");
        if (err) err->code = RN_ESANDBOX;
        return RN_ESANDBOX;
    }
    w.pid = (pid_t)pid;
    rc = wait_for_end(&w, o, err);
    struct rusage ru = {0};
    while (wait4(w.pid, &o->status, 0, &ru) < 0 && errno == EINTR)
        continue;
    close(w.pidfd);
    if (!c->pid_ns) bury_orphans(c);
    return rc ? rc : conclude(c, &w, &ru, o, err);
}

int rn_watch_output(rn_bytes *out, rn_err *err)
{
    off_t len = lseek(1, 0, SEEK_END);
    *out = (rn_bytes){0};
    if (len <= 0) return 0;
    output_map = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, 1, 0);
    if (output_map == MAP_FAILED) {
        output_map = NULL;
        return rn_fail_errno(err, "reading %lld bytes of output", (long long)len);
    }
    output_len = (size_t)len;
    *out = (rn_bytes){.data = output_map, .len = output_len};
    return 0;
}
