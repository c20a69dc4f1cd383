/*
 * host_watch.c: one child from clone to its grave.
 *
 * The child is init of its own pid namespace: when it dies, the kernel kills and reaps all it ever
 * made before the host sees its end. Without pid namespaces the host is the subreaper and does the
 * same by hand. The record page is read only after that, so nothing can still write to it.
 *
 * Time. The limit is held against the processor time of the whole tree and what it waited by its
 * own choice (host_usage.c); a busy machine, a slow disk and the price of the machine's pages
 * change no verdict. The wall-clock limit is a backstop behind that. A tree that is still ready
 * when patience ends (wire.h) had no processor: it is reported as starved, for another try alone,
 * unless it had lowered its own priority.
 */
#include "judge/host.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETUP_FAILED = 120, NOBODY = 65534 };
enum {
    LOOK_NS = 20000000, /* the mean time between two looks at a program that runs long */
    LEAST_NS = 2000000,
    READY_POLL_NS = 50000000
};
static const int64_t DISK_NS = 30000000000; /* waiting for disks that is excused */

static rn_record *shared;
static rn_values *values;
static uint8_t nonce[RN_NONCE_BYTES]; /* of the present run; no Python object holds it */
static pid_t child_pid;               /* in the child: its own pid, to tell it from its forks */
static int library_fd = -1;
static int64_t memory_set, pids_set; /* limits in the cgroup's files now */
static int64_t oom_seen, forks_denied_seen;
static int64_t overhead_bytes = 64 << 20; /* the host's own pages lie in the same cgroup */
static int64_t overhead_processes = 1;

int rn_watch_start(int lib_fd, rn_err *err)
{
    library_fd = lib_fd;
    int rc = rn_stream_start(err);
    if (rc) return rc;
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

void rn_watch_case_end(size_t i, const rn_case_end *e, const char *detail)
{
    if (getpid() != child_pid) return;
    values->ended[i] = *e;
    if (detail && !values->detail[0]) snprintf(values->detail, sizeof values->detail, "%s", detail);
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

int64_t rn_watch_processes(void)
{
    return overhead_processes;
}

static int64_t count_of(int fd, const char *key)
{
    if (fd < 0) return 0;
    char buf[512];
    rn_usage_read(-1, NULL, fd, buf, sizeof buf);
    return rn_usage_number(buf, key);
}

/* True once for every rise of the counter. */
static bool risen(int fd, const char *key, int64_t *seen)
{
    int64_t now = count_of(fd, key);
    bool yes = now > *seen;
    *seen = now;
    return yes;
}

/* ---- limits ---------------------------------------------------------------------------------- */

typedef struct watch {
    rn_confine *c;
    const rn_task *task;
    const rn_judge_limits *limits;
    pid_t pid;
    int pidfd;
    int64_t start_ns;
    int n_cpus;
    rn_streams streams;
    rn_usage used;
    bool values;        /* the child says which case is under way */
    int32_t at;         /* the case that was under way at the last look, */
    int64_t at_time_ns; /* and the time used at the first look that saw it */
    bool whole;         /* it is not to be set aside (any more) */
    int turn_fd;        /* where a child that stays says that a program is done; -1 none */
    int listener;       /* where forks are announced; -1 none */
    int64_t most_tasks; /* it can have by now: those counted last, and its forks since */
    int64_t before_ns;  /* what the child had used when this program came */
    int64_t begun_ns;   /* the time used when it last went on */
} watch;

/* VALUES: a program may use this many times the limit of one case in all its cases. */
enum { CASES_TIME = 20 };

/* What is left of the time limit. Where the child says so: of the case under way, counted from the
 * first look that saw it, so that a hang costs its limit and the time between two looks. */
static int64_t time_left_ns(watch *w)
{
    int64_t used = w->used.cpu_ns + w->used.waited_ns, limit = w->limits->cpu_ns;
    const rn_judge_job *job = w->task->job;
    if (!w->values) return limit - used;
    int32_t at = values->at;
    if (at != w->at) {
        w->at = at;
        w->at_time_ns = used;
    }
    if (job->mode == RN_JUDGE_CALLS) {
        int64_t own = at >= 0 && (size_t)at < job->n_cases ? job->cases[at].cpu_ns : 0;
        int64_t all = limit - used, left = own ? own - (used - w->at_time_ns) : all;
        return left < all ? left : all;
    }
    int64_t of_case = limit - (used - w->at_time_ns), of_all = CASES_TIME * limit - used;
    if (job->mode == RN_JUDGE_STDIO) return of_case;
    return of_case < of_all ? of_case : of_all;
}

/* The wall-clock limit, met only by time that is neither the machine's nor counted elsewhere. */
static rn_verdict check_wall(const watch *w, int64_t *left_ns, bool *starved)
{
    const rn_usage *u = &w->used;
    int64_t disk = u->disk_ns < DISK_NS ? u->disk_ns : DISK_NS;
    int64_t excused = u->demoted ? 0 : u->delay_ns + disk + u->growth_ns;
    *left_ns = w->limits->wall_ns - u->elapsed_ns + excused;
    if (*left_ns > 0 && u->elapsed_ns <= w->limits->wall_ns) return RN_N_VERDICTS;
    if (*left_ns <= 0) {
        if (u->demoted) return RN_V_TIME_LIMIT;
        /* schedstat counts a wait only when it is over: a tree that is ready waits, or it meets its
         * CPU limit */
        if (!u->ready) return RN_V_WALL_LIMIT;
        *left_ns = READY_POLL_NS;
    }
    if (u->elapsed_ns <= rn_wire_patience_ns(w->limits)) return RN_N_VERDICTS;
    *starved = true;
    return RN_V_WALL_LIMIT;
}

/* Whether a fork waits to be allowed. */
static bool is_held(const watch *w)
{
    struct pollfd p = {.fd = w->listener, .events = POLLIN};
    return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

/* Lets a fork happen that was announced; false when the program has as many tasks as it may. */
static bool allow_fork(watch *w)
{
    if (++w->most_tasks > w->limits->processes) {
        w->most_tasks = rn_usage_tasks(w->c) + 1;
        if (w->most_tasks > w->limits->processes) return false;
    }
    rn_forks_answer(w->listener, true);
    return true;
}

static void close_listener(watch *w)
{
    if (w->listener >= 0) close(w->listener);
    w->listener = -1;
}

/* Looks at the tree. Which limit it is over, RN_N_VERDICTS if none; else *sleep_ns is how long it
 * may run before the next look, of random length so that no rhythm of the program meets it. */
static rn_verdict check_limits(watch *w, int64_t *sleep_ns, bool *starved)
{
    static uint32_t random = 1;
    const rn_judge_limits *l = w->limits;
    const rn_confine *c = w->c;
    rn_usage *u = &w->used;
    u->held = is_held(w);
    rn_usage_look(c, l->memory_bytes, u);
    if (u->memory_bytes > l->memory_bytes) return RN_V_MEMORY_LIMIT;
    if (!c->cg_pids && !c->user_ns && u->n_tasks > l->processes) return RN_V_PROCESS_LIMIT;
    /* While memory or the number of processes grows, their price is the machine's: which limit is
     * met first must not depend on it. */
    int64_t time_left = time_left_ns(w) + u->growth_ns;
    if (time_left <= 0) return RN_V_TIME_LIMIT;
    int64_t wall_left;
    rn_verdict v = check_wall(w, &wall_left, starved);
    random = random * 1664525 + 1013904223;
    int64_t s = LOOK_NS * 3 / 4 + (int64_t)(random >> 16) * LOOK_NS / 131072;
    if (s > time_left / w->n_cpus) s = time_left / w->n_cpus;
    if (s > wall_left) s = wall_left;
    *sleep_ns = s > LEAST_NS ? s : LEAST_NS;
    return v;
}

/* ---- set aside ------------------------------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__
enum { SMALL = 1 << 30 }; /* a sanitized process is larger */
#else
enum { SMALL = 64 << 20 };
#endif
enum { ALL_ASIDE = 512 << 20, TABLES = 256 << 10 };

struct rn_aside {
    watch w;
    rn_task task;
    rn_record *shared;
    rn_values *values;
    uint8_t nonce[RN_NONCE_BYTES];
    rn_streams_kept streams;
    rn_usage_kept *usage;
    rn_secret_kept *secret;
    int64_t bytes; /* that stay in memory while it stands still */
};

static int n_aside;
static int64_t aside_bytes;

static void signal_child(const watch *w, int sig)
{
    if (syscall(SYS_pidfd_send_signal, w->pidfd, sig, NULL, 0) != 0) kill(w->pid, sig);
}

/* What others do must not meet it: it is alone in its pid namespace, has no file, no clock and no
 * way to find out where it is; nor have its tests a clock. Its memory counts in the cgroup of those
 * that run meanwhile; it is smaller than the smallest share of a program that meets the limit
 * there, which is ended first. */
static bool may_stand_still(const watch *w)
{
    const rn_usage *u = &w->used;
    return w->task->aside && !w->whole && w->c->pid_ns && u->n_tasks == 1 && u->ready &&
           u->cpu_ns - w->begun_ns >= RN_ASIDE_NS && u->waited_ns < RN_ASIDE_NS / 10 &&
           u->most_bytes < SMALL && n_aside < RN_MAX_ASIDE && aside_bytes < ALL_ASIDE &&
           (w->begun_ns || (rn_plain_told() && rn_plain_told_steady() && rn_plain_told_patient()));
}

/* A page that host and children share. */
static void *new_page(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool stand_still(watch *w)
{
    rn_aside *a = mmap(NULL, sizeof *a, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *record = new_page(sizeof *shared), *page = new_page(sizeof *values);
    rn_usage_kept *usage = rn_usage_keep(w->c);
    /* Those that run meanwhile must find neither its record nor its secret in their memory. */
    bool ok = a != MAP_FAILED && record && page && usage && !madvise(a, sizeof *a, MADV_DONTFORK) &&
              !madvise(shared, sizeof *shared, MADV_DONTFORK) &&
              !madvise(values, sizeof *values, MADV_DONTFORK);
    rn_secret_kept *secret = ok ? rn_secret_keep_job() : NULL;
    if (!secret) {
        madvise(shared, sizeof *shared, MADV_DOFORK);
        madvise(values, sizeof *values, MADV_DOFORK);
        if (a != MAP_FAILED) munmap(a, sizeof *a);
        if (record) munmap(record, sizeof *shared);
        if (page) munmap(page, sizeof *values);
        free(usage);
        w->whole = true;
        return false;
    }
    signal_child(w, SIGSTOP);
    close_listener(w); /* a steady program has nothing to fork with */
    *a = (rn_aside){.w = *w,
                    .task = *w->task,
                    .shared = shared,
                    .values = values,
                    .streams = rn_stream_keep(),
                    .usage = usage,
                    .secret = secret,
                    .bytes = rn_usage_private_bytes(w->c, w->pid) + TABLES};
    memcpy(a->nonce, nonce, sizeof nonce);
    shared = record;
    values = page;
    n_aside++;
    aside_bytes += a->bytes;
    rn_watch_overhead(a->bytes, 1);
    *w->task->aside = a;
    return true;
}

static void kill_child(const watch *w)
{
    signal_child(w, SIGKILL);
}

void rn_watch_bury(const rn_confine *c)
{
    for (int round = 0; round < 1000; round++) {
        bool left = rn_usage_kill_all(c);
        int dead = 0;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            dead++;
        if (!left && !dead) return;
        if (!dead) usleep(1000);
    }
}

/* What a child that may stay says; one that does not stay closes its end. */
static void hear(watch *w, rn_outcome *o)
{
    char word;
    const ssize_t n = rn_forks_take(w->turn_fd, &word, &w->listener);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n == 1 && word == RN_TURN_FORKS) return;
    o->stayed = n == 1;
    o->declined = n == 1 && word == RN_TURN_DECLINED;
    if (n == 1) return;
    close(w->turn_fd);
    w->turn_fd = -1;
}

/* Sleeps until the child is dead, killing it at its limits; until it is set aside; or until it has
 * done with a program and stays. */
static int wait_for_end(watch *w, rn_outcome *o, rn_err *err)
{
    int64_t due = w->start_ns + LOOK_NS; /* most programs have ended before the first look */
    for (;;) {
        int64_t sleep_ns = due - rn_now_ns();
        if (sleep_ns < 0) sleep_ns = 0;
        const bool alive = o->limit == RN_N_VERDICTS;
        struct pollfd p[5] = {{.fd = w->pidfd, .events = POLLIN},
                              {.fd = library_fd, .events = 0},
                              {.fd = w->streams.poll_fd, .events = POLLIN},
                              {.fd = w->turn_fd, .events = POLLIN},
                              {.fd = alive ? w->listener : -1, .events = POLLIN}};
        struct timespec t = {.tv_sec = sleep_ns / 1000000000, .tv_nsec = sleep_ns % 1000000000};
        int n = ppoll(p, 5, &t, NULL);
        if (n < 0 && errno != EINTR) return rn_fail_errno(err, "waiting for a judged program");
        if (n > 0 && p[0].revents) return 0;
        if (n > 0 && p[1].revents) {
            kill_child(w);
            return rn_fail(err, RN_ECANCELLED, "the library is gone");
        }
        bool too_much = n > 0 && p[2].revents && !rn_stream_drain(w->task, &w->streams);
        if (!alive) continue; /* killed already: its end is near */
        if (n > 0 && p[3].revents) hear(w, o);
        if (o->stayed) return 0;
        if (n > 0 && p[4].revents & (POLLHUP | POLLERR)) close_listener(w);
        if (too_much) {
            o->limit = RN_V_OUTPUT_LIMIT;
        } else if (n > 0 && p[4].revents & POLLIN && !allow_fork(w)) {
            o->limit = RN_V_PROCESS_LIMIT;
        } else if (rn_now_ns() >= due) {
            o->limit = check_limits(w, &sleep_ns, &o->starved);
            due = rn_now_ns() + sleep_ns;
            if (o->limit == RN_N_VERDICTS && may_stand_still(w) && stand_still(w))
                return RN_SET_ASIDE;
        }
        if (o->limit == RN_N_VERDICTS) continue;
        kill_child(w);
        due = rn_now_ns() + 1000000000;
    }
}

/* ---- one run --------------------------------------------------------------------------------- */

void rn_watch_forget(void)
{
    munmap(shared, sizeof *shared);
    munmap(values, sizeof *values);
    explicit_bzero(nonce, sizeof nonce);
}

/* In the child, as its last act, or the last before its next program. */
static void tell_record(const rn_record *own)
{
    shared->verdict = own->verdict;
    shared->n_run = own->n_run;
    shared->n_passed = own->n_passed;
    shared->failed_case = own->failed_case;
    shared->doubt = own->doubt;
    shared->clean_exit = own->clean_exit;
    shared->cpu_ns = own->cpu_ns;
    shared->all_cpu_ns = own->all_cpu_ns;
    shared->peak_bytes = own->peak_bytes;
    memcpy(shared->detail, own->detail, sizeof shared->detail);
    memcpy(shared->output, own->output, sizeof shared->output);
    __sync_synchronize();
    for (int i = 0; i < RN_NONCE_BYTES; i++)
        shared->nonce[i] = nonce[i];
}

/* One program, and in a child that stays the next ones. */
static void run_programs(rn_task *task, rn_record *own)
{
    do {
        memset(own, 0, sizeof *own);
        rn_run_task(task, own);
        if (getpid() != child_pid) return; /* a fork of the judged program came to the end, too */
        rn_worker_used(own);
        if (rn_worker_declined())
            shared->all_cpu_ns = own->all_cpu_ns;
        else
            tell_record(own);
    } while (rn_worker_next(task, nonce));
}

static _Noreturn void be_child(const watch *w, int turn_fd)
{
    const rn_confine *c = w->c;
    rn_task given = *w->task, *task = &given;
    child_pid = getpid();
    static rn_record own;
    int listener = -1;
    if (turn_fd >= 0 && dup2(turn_fd, RN_TURN_FD) < 0) _exit(1);
    rn_worker_begin(task->stays);
    int step = rn_stream_enter(task, &w->streams) ? 0 : 1;
    if (!step) step = rn_filter_enter(c, task, &listener);
    if (!step && rn_filter_counts(c, task) && !rn_forks_give(RN_TURN_FD, listener)) step = 8;
    if (turn_fd >= 0 && !task->stays) close(RN_TURN_FD);
    bool command = task->job->mode == RN_JUDGE_COMMAND;
    const bool lang = task->stage != RN_STAGE_PYTHON;
    if (!step && command) step = rn_command_run(task, listener, &own);
    if (!step && lang) step = rn_lang_child(task, &own);
    if (step) {
        shared->setup_failed = step;
        _exit(SETUP_FAILED);
    }
    if (command || lang) {
        if (getpid() == child_pid) tell_record(&own);
    } else {
        run_programs(task, &own);
    }
    _exit(0);
}

static void write_limit(int fd, int64_t value, int64_t *now)
{
    if (fd < 0 || *now == value) return;
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    if (pwrite(fd, text, (size_t)len, 0) == len) *now = value;
}

static size_t largest; /* of the jobs so far: the host's own copy lies in the same cgroup */

static void set_limits(rn_confine *c, const rn_judge_limits *l)
{
    write_limit(c->cg_memory_max_fd, l->memory_bytes + overhead_bytes + (int64_t)largest,
                &memory_set);
    write_limit(c->cg_pids_max_fd, l->processes + overhead_processes, &pids_set);
}

static int prepare(rn_confine *c, const rn_task *task, rn_err *err)
{
    const rn_judge_job *job = task->job;
    size_t body = job->program.len;
    for (size_t i = 0; i < job->n_cases; i++)
        body += job->cases[i].input.len + job->cases[i].expected.len;
    if (body > largest) largest = body;
    set_limits(c, &job->limits);
    memset(shared, 0, sizeof *shared);
    values->at = -1;
    values->detail[0] = '\0';
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

/* Once judged code ran in the process that writes it, a record is the program's claim: it may say
 * how it ended, and nothing about the sandbox. */
static void distrust(rn_record *r, const rn_judge_job *job)
{
    static const bool may[RN_N_VERDICTS] = {
        [RN_V_PASSED] = true, [RN_V_WRONG] = true,        [RN_V_EXCEPTION] = true,
        [RN_V_EXITED] = true, [RN_V_MEMORY_LIMIT] = true, [RN_V_FORGED] = true,
        [RN_V_SYNTAX] = true};
    const int32_t n = (int32_t)job->n_cases;
    const bool known = r->verdict >= 0 && r->verdict < RN_N_VERDICTS && may[r->verdict];
    const bool counts = r->n_run >= 0 && r->n_run <= n && r->n_passed >= 0 &&
                        r->n_passed <= r->n_run && r->failed_case >= -1 && r->failed_case < n;
    if (known && counts) return;
    *r = (rn_record){.verdict = RN_V_CRASHED, .failed_case = -1};
    snprintf(r->detail, sizeof r->detail, "the program wrote a record of its own");
}

static int64_t time_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

/* Whether the child, dead but not yet waited for, was killed by a hard CPU limit that it or a part
 * of it set: the kernel's, which spares init as little as anybody. */
static bool own_cpu_limit(const watch *w)
{
    siginfo_t si = {0};
    if (waitid(P_PID, (id_t)w->pid, &si, WEXITED | WNOWAIT) != 0) return false;
    if (si.si_code != CLD_KILLED || si.si_status != SIGKILL) return false;
    char path[64], buf[4096];
    snprintf(path, sizeof path, "%d/limits", (int)w->pid);
    rn_usage_read(w->c->proc_fd, path, -1, buf, sizeof buf);
    const char *at = strstr(buf, "Max cpu time");
    long long soft = -1, hard = -1;
    if (!at || sscanf(at + strlen("Max cpu time"), "%lld %lld", &soft, &hard) != 2) return false;
    return hard < rn_filter_cpu_seconds(w->limits);
}

/* What a record says, and how the run was as its host saw it. */
static void take_record(const watch *w, rn_outcome *o)
{
    o->wall_ns = rn_now_ns() - w->start_ns;
    o->waited_ns = w->used.waited_ns;
    o->output_bytes = rn_stream_printed(w->task);
    o->output_limit = rn_stream_allowed(w->task);
    o->have_record = nonce_matches(shared->nonce);
    if (o->have_record) memcpy(&o->record, shared, sizeof o->record);
    if (o->have_record && rn_plain_ran() && w->task->how < RN_RUN_APART)
        distrust(&o->record, w->task->job);
    o->record.detail[sizeof o->record.detail - 1] = '\0';
    o->record.output[sizeof o->record.output - 1] = '\0';
}

/* Everything that is known once the child is dead. */
static int conclude(const watch *w, const struct rusage *ru, rn_outcome *o, rn_err *err)
{
    const rn_confine *c = w->c;
    take_record(w, o);
    o->cpu_ns = time_ns(ru->ru_utime) + time_ns(ru->ru_stime) - w->before_ns;
    if (o->cpu_ns < w->used.cpu_ns) o->cpu_ns = w->used.cpu_ns; /* of children nobody waited for */
    o->peak_bytes = (int64_t)ru->ru_maxrss * 1024;
    o->oom = risen(c->cg_oom_fd, "oom_kill ", &oom_seen);
    o->fork_denied = risen(c->cg_pids_fd, "max ", &forks_denied_seen);
    if (shared->setup_failed && WIFEXITED(o->status) && WEXITSTATUS(o->status) == SETUP_FAILED)
        return rn_fail(err, RN_ESANDBOX, "%s failed at step %d",
                       shared->setup_failed >= RN_STEP_COPY ? "a copy of the working folder"
                                                            : "confinement of a program",
                       (int)shared->setup_failed);
    return 0;
}

/* ---- a child that stays ---------------------------------------------------------------------- */

enum { WORKER_BYTES = 32 << 20 }; /* more than it holds when it ends */

static watch worker; /* it waits for a program; pid 0: none */
static rn_task worker_task;
static rn_judge_limits worker_limits;
static rn_streams_kept worker_streams;
static int64_t worker_allowed, worker_used_ns;
static unsigned worker_n_work;

/* It waits no more: it is dead, or it is no worker any longer. */
static void forget_worker(void)
{
    if (!worker.pid) return;
    worker.pid = 0;
    worker_streams.drain_fd = -1; /* closed with it, or its alone */
    rn_stream_end(&worker_streams);
    rn_watch_overhead(-(int64_t)WORKER_BYTES, -1);
}

void rn_watch_lost(void)
{
    worker.pid = 0;
}

static void end_worker(void)
{
    if (!worker.pid) return;
    kill_child(&worker);
    while (waitpid(worker.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(worker.pidfd);
    close(worker.turn_fd);
    close_listener(&worker);
    rn_stream_end(&worker_streams);
    forget_worker();
}

/* The child of a run that has ended stays. */
static void keep_worker(const watch *w)
{
    const bool fresh = !worker.pid;
    if (fresh) {
        worker_limits = *w->limits;
        worker_allowed = rn_stream_allowed(w->task);
        worker_n_work = w->c->n_work;
        rn_watch_overhead(WORKER_BYTES, 1);
    }
    worker_task = (rn_task){.stays = true};
    worker = *w;
    worker.task = &worker_task;
    worker.limits = &worker_limits;
    if (fresh && !rn_stream_stay(w->task, &worker_streams)) end_worker();
    if (!fresh) (void)rn_stream_keep();
}

bool rn_watch_has_worker(rn_confine *c, const rn_task *task)
{
    if (!worker.pid) return false;
    const rn_judge_limits *l = &task->job->limits;
    const bool stdio = task->job->mode == RN_JUDGE_STDIO;
    if (stdio == (worker_streams.files[0] >= 0) && worker_n_work == c->n_work &&
        l->cpu_ns == worker_limits.cpu_ns && l->memory_bytes == worker_limits.memory_bytes &&
        l->output_bytes == worker_limits.output_bytes && l->processes == worker_limits.processes &&
        rn_stream_allowed(task) <= worker_allowed)
        return true;
    end_worker();
    return false;
}

/* A socket to the child, if it may stay or hands something over. */
static int open_turn(watch *w, int *child_fd, rn_err *err)
{
    int sv[2];
    *child_fd = -1;
    if (!w->task->stays && !rn_filter_counts(w->c, w->task)) return 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0)
        return rn_fail_errno(err, "socket to a judged program's process");
    *child_fd = sv[0];
    w->turn_fd = sv[1];
    if (!w->task->stays || rn_worker_room(true)) return 0;
    close(sv[0]);
    return rn_fail(err, RN_ENOMEM, "memory for orders");
}

static int clone_child(watch *w, rn_err *err)
{
    rn_confine *c = w->c;
    int turn_fd, rc = open_turn(w, &turn_fd, err);
    if (rc) return rc;
    rn_usage_begin(c);
    w->start_ns = rn_now_ns();
    struct clone_args args = {.flags = CLONE_PIDFD | (c->pid_ns ? CLONE_NEWPID : 0),
                              .pidfd = (uint64_t)(uintptr_t)&w->pidfd,
                              .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) be_child(w, turn_fd);
    if (turn_fd >= 0) {
        close(turn_fd);
        if (w->task->stays) rn_worker_room(false);
    }
    if (pid < 0) {
        rn_fail_errno(err, RN_NOT_STARTED);
        if (err) err->code = RN_ESANDBOX;
        return RN_ESANDBOX;
    }
    w->pid = (pid_t)pid;
    rn_usage_of(c, w->pid);
    close(w->streams.child_fd); /* the program's end alone stays open */
    w->streams.child_fd = -1;
    return 0;
}

/* A program has ended, its child has not. */
static int conclude_turn(const watch *w, rn_outcome *o)
{
    take_record(w, o);
    o->cpu_ns = o->record.cpu_ns;
    o->peak_bytes = o->record.peak_bytes;
    worker_used_ns = shared->all_cpu_ns;
    keep_worker(w);
    if (o->have_record) return 0;
    if (!o->declined) end_worker();
    return RN_ENOTFOUND;
}

/* From a clone or from standing still to the end, or to standing still. */
static int watch_child(watch *w, rn_outcome *o, rn_err *err)
{
    int rc = wait_for_end(w, o, err);
    if (rc == RN_SET_ASIDE) {
        /* Its pages are the host's no more, and the worker's are those. */
        if (w->pid == worker.pid)
            forget_worker();
        else
            end_worker();
        rn_worker_renew();
        return rc;
    }
    if (o->stayed && !w->begun_ns) return conclude_turn(w, o);
    if (o->stayed)
        kill_child(w); /* it was set aside: others have come since */
    else if (!rc && o->limit == RN_N_VERDICTS && own_cpu_limit(w))
        o->limit = RN_V_TIME_LIMIT;
    struct rusage ru = {0};
    while (wait4(w->pid, &o->status, 0, &ru) < 0 && errno == EINTR)
        continue;
    if (w->pid == worker.pid) forget_worker();
    close(w->pidfd);
    if (w->turn_fd >= 0) close(w->turn_fd);
    close_listener(w);
    rn_stream_close(&w->streams);
    if (!w->c->pid_ns) rn_watch_bury(w->c); /* a dead child's */
    return rc ? rc : conclude(w, &ru, o, err);
}

int rn_watch_run(rn_confine *c, const rn_task *given, rn_outcome *o, rn_err *err)
{
    rn_task own = *given;
    const rn_task *task = &own;
    if (!c->cg_pids && !c->user_ns && !rn_filter_counts(c, task))
        own.n_others = rn_usage_count_user(c, c->drop_uid ? NOBODY : geteuid());
    memset(o, 0, sizeof *o);
    o->limit = RN_N_VERDICTS;
    const bool roomy = task->job->mode == RN_JUDGE_COMMAND || task->stage != RN_STAGE_PYTHON;
    int rc = task->keep ? 0 : rn_confine_clean(c, roomy, err);
    if (!rc) rc = prepare(c, task, err);
    if (rc) return rc;
    static int n_cpus;
    if (!n_cpus) {
        n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
        oom_seen = count_of(c->cg_oom_fd, "oom_kill ");
        forks_denied_seen = count_of(c->cg_pids_fd, "max ");
    }
    watch w = {.c = c,
               .task = task,
               .limits = &task->job->limits,
               .pidfd = -1,
               .n_cpus = n_cpus,
               .values = task->many || task->job->mode == RN_JUDGE_VALUES ||
                         task->job->mode == RN_JUDGE_CALLS,
               .at = -1,
               .turn_fd = -1,
               .listener = -1,
               .most_tasks = 1,
               .streams = {.child_fd = -1, .poll_fd = -1}};
    rc = rn_stream_open(task, &w.streams, err);
    if (!rc) rc = clone_child(&w, err);
    if (rc) {
        if (w.turn_fd >= 0) close(w.turn_fd);
        rn_stream_close(&w.streams);
        return rc;
    }
    return watch_child(&w, o, err);
}

int rn_watch_turn(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err)
{
    memset(o, 0, sizeof *o);
    o->limit = RN_N_VERDICTS;
    watch w = worker;
    w.task = task;
    w.limits = &task->job->limits;
    w.used = (rn_usage){0};
    w.values = task->many || task->job->mode == RN_JUDGE_VALUES;
    w.at = -1;
    w.whole = false;
    w.most_tasks = 1;
    w.before_ns = worker_used_ns;
    rn_watch_overhead(-(int64_t)WORKER_BYTES, -1); /* it is the program now, and has no more */
    int rc = prepare(c, task, err);
    rn_watch_overhead(WORKER_BYTES, 1);
    if (rc) return rc;
    rn_worker_seal(nonce);
    rn_usage_turn(c, w.pid, w.before_ns);
    w.start_ns = rn_now_ns();
    const char word = RN_TURN_NEXT;
    if (!rn_stream_turn(&worker_streams, &w.streams) ||
        send(w.turn_fd, &word, 1, MSG_NOSIGNAL) != 1) {
        (void)rn_stream_keep();
        end_worker();
        return RN_ENOTFOUND;
    }
    rc = watch_child(&w, o, err);
    if (rc == RN_SET_ASIDE || rc == RN_ECANCELLED || rc == RN_ENOTFOUND) return rc;
    /* What ended the child may be what was before this program. */
    const bool told = o->have_record && o->limit == RN_N_VERDICTS;
    const bool sure =
        o->limit == RN_V_TIME_LIMIT || (told && o->record.verdict != RN_V_MEMORY_LIMIT);
    return !rc && sure ? 0 : RN_ENOTFOUND;
}

void rn_watch_drop(rn_confine *c, rn_aside *a)
{
    siginfo_t si;
    rn_outcome o;
    signal_child(&a->w, SIGKILL);
    while (waitid(P_PID, (id_t)a->w.pid, &si, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        continue;
    (void)rn_watch_go_on(c, a, &o, NULL);
}

int rn_watch_go_on(rn_confine *c, rn_aside *a, rn_outcome *o, rn_err *err)
{
    rn_task task = a->task;
    watch w = a->w;
    w.task = &task;
    w.limits = &task.job->limits;
    w.begun_ns = w.used.cpu_ns;
    memset(o, 0, sizeof *o);
    o->limit = RN_N_VERDICTS;
    munmap(shared, sizeof *shared);
    munmap(values, sizeof *values);
    shared = a->shared;
    values = a->values;
    memcpy(nonce, a->nonce, sizeof nonce);
    rn_stream_go_on(a->streams);
    rn_secret_go_on(a->secret);
    madvise(shared, sizeof *shared, MADV_DOFORK);
    madvise(values, sizeof *values, MADV_DOFORK);
    rn_plain_restore();
    w.start_ns += rn_usage_go_on(c, a->usage);
    n_aside--;
    aside_bytes -= a->bytes;
    rn_watch_overhead(-a->bytes, -1);
    munmap(a, sizeof *a);
    set_limits(c, w.limits);
    signal_child(&w, SIGCONT);
    return watch_child(&w, o, err);
}
