/*
 * host_usage.c: what the processes of one run use, looked at some forty times a second.
 *
 * Processor time is the whole tree's, of dead and of unreaped processes too: from the host's cgroup
 * less the host's own, or from /proc, where what a process had used is kept when it vanishes and no
 * parent's sum took it over.
 *
 * Waiting. A program that sleeps or blocks chose to; one that is ready and has no processor, or
 * waits for a disk, did not. Two measures of the same time, of which the smaller counts:
 *     exact     elapsed - processor time - time in the processors' queues (schedstat);
 *     sampled   the sum of the intervals at whose end no thread of the tree was ready.
 * The first takes for waiting what a child that lived between two looks spent in a queue, and waits
 * for a disk; the second cannot, and the first bounds its chance errors. A busy machine changes
 * neither.
 *
 * Memory. With a cgroup the kernel counts. Else the sum of resident sizes, and where that is over
 * the limit the sum of proportional ones (pages that processes share count once), files of memory
 * and the working folder included.
 */
#include "judge/host.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum {
    MAX_TREE = 2048,
    MAX_FILES = 1024,
    PAGE = 4096,
    FAULT_NS = 200000, /* what the first touch of a page costs at most: cold, or by software */
    PROBE = 1024,      /* pages that are touched to see what it costs where it is not */
    GROWTH = 64,       /* pages more than at the last mark: the tree is growing, */
    GROWTH_MS = 100,   /* for so long of its own time at least */
    FORK_NS = 25000000 /* what one more process may cost, its first pages included */
};

typedef struct proc {
    pid_t pid;
    int64_t born;                        /* start time: numbers are used again */
    int64_t cpu_ns, reaped_ns, delay_ns; /* own, of children waited for, in queues */
    int64_t system_ns, faults;
    int64_t share_ns; /* of the last interval, if it ran at the last look */
    int n_threads, looks;
    bool alive;
} proc;

typedef struct tree {
    size_t n;
    pid_t root;
    bool root_is_host; /* no pid namespace: everything below this process */
    bool one;          /* it is one process, which had used base_child_ns before this run */
    int64_t start_ns, last_ns, base_cgroup_ns, base_host_ns, base_child_ns;
    int64_t lost_ns, dead_delay_ns; /* of processes that vanished */
    int64_t sampled_ns, disk_ns, resident, files, peak_held;
    int64_t faults;        /* first touches of pages, of all processes */
    int64_t mark, mark_ns; /* memory held when growth was last seen, and its time used until then */
    int64_t mark_faults, mark_full;
    int host_nice, host_policy, looks;
    bool ready, disk, demoted;
    int n_tasks, most_tasks;
    int64_t tasks_ns;     /* its time used until there were more than ever before */
    proc procs[MAX_TREE]; /* [n] */
} tree;

static tree t;

/* ---- small files of the kernel --------------------------------------------------------------- */

void rn_usage_read(int dir, const char *path, int fd, char *buf, size_t cap)
{
    buf[0] = '\0';
    int use = path ? openat(dir, path, O_RDONLY | O_CLOEXEC) : fd;
    if (use < 0) return;
    ssize_t n = pread(use, buf, cap - 1, 0);
    buf[n > 0 ? n : 0] = '\0';
    if (path) close(use);
}

static void read_proc(const rn_confine *c, pid_t pid, const char *name, char *buf, size_t cap)
{
    char path[96];
    snprintf(path, sizeof path, "%d/%s", (int)pid, name);
    rn_usage_read(c->proc_fd, path, -1, buf, cap);
}

int64_t rn_usage_number(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

static int64_t cgroup_cpu_ns(const rn_confine *c)
{
    char buf[512];
    rn_usage_read(-1, NULL, c->cg_cpu_fd, buf, sizeof buf);
    return c->cg_v2 ? rn_usage_number(buf, "usage_usec ") * 1000 : strtoll(buf, NULL, 10);
}

static int64_t tick_ns(void)
{
    static int64_t ns;
    if (!ns) ns = 1000000000 / sysconf(_SC_CLK_TCK);
    return ns;
}

static int64_t at_least_0(int64_t x)
{
    return x > 0 ? x : 0;
}

/* ---- one process ----------------------------------------------------------------------------- */

typedef struct stat_line {
    char state;
    int64_t faults, utime, stime, cutime, cstime, nice, n_threads, born, policy; /* 10 to 41 */
} stat_line;

static bool parse_stat(const char *text, stat_line *s)
{
    const char *p = strrchr(text, ')'); /* the name before it may hold anything */
    if (!p || !p[1] || !p[2]) return false;
    s->state = p[2];
    int64_t v[42] = {0};
    char *end = (char *)(uintptr_t)(p + 3);
    for (int field = 4; field <= 41 && *end; field++)
        v[field] = strtoll(end, &end, 10);
    s->faults = v[10], s->utime = v[14], s->stime = v[15], s->cutime = v[16], s->cstime = v[17];
    s->nice = v[19], s->n_threads = v[20], s->born = v[22], s->policy = v[41];
    return true;
}

/* Adds the queue time of a thread (its folder in /proc) and what it is doing. */
static void add_thread(const rn_confine *c, pid_t pid, const char *folder, char state, proc *p)
{
    char path[64], buf[128];
    snprintf(path, sizeof path, "%.40sschedstat", folder);
    read_proc(c, pid, path, buf, sizeof buf);
    char *end;
    p->cpu_ns += strtoll(buf, &end, 10);
    p->delay_ns += strtoll(end, NULL, 10);
    t.ready |= state == 'R';
    t.disk |= state == 'D';
}

static void add_children(const rn_confine *c, pid_t pid, const char *folder, pid_t *list, size_t *n)
{
    static char buf[32768];
    char path[64];
    snprintf(path, sizeof path, "%.40schildren", folder);
    read_proc(c, pid, path, buf, sizeof buf);
    for (char *p = buf, *end; *p && *n < MAX_TREE; p = end) {
        long kid = strtol(p, &end, 10);
        if (end == p) break;
        list[(*n)++] = (pid_t)kid;
    }
}

/* Calls for every thread of the process: children belong to the thread that forked them. */
static void each_thread(const rn_confine *c, pid_t pid, proc *p, pid_t *list, size_t *n)
{
    char path[64], buf[1024];
    snprintf(path, sizeof path, "%d/task", (int)pid);
    int fd = openat(c->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0) close(fd);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        char folder[48];
        snprintf(folder, sizeof folder, "task/%.20s/", e->d_name);
        if (p) {
            snprintf(path, sizeof path, "%sstat", folder);
            read_proc(c, pid, path, buf, sizeof buf);
            stat_line s = {0};
            if (parse_stat(buf, &s)) add_thread(c, pid, folder, s.state, p);
        }
        add_children(c, pid, folder, list, n);
    }
    if (dir) closedir(dir);
}

static proc *entry_of(pid_t pid, int64_t born)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.procs[i].pid == pid && t.procs[i].born == born) return &t.procs[i];
    if (t.n == MAX_TREE) return NULL;
    t.procs[t.n] = (proc){.pid = pid, .born = born};
    return &t.procs[t.n++];
}

/* A thread that made itself less important than the host waits by its own choice. */
static bool demoted(const stat_line *s)
{
    return s->policy != t.host_policy || s->nice > t.host_nice;
}

/* Looks at one process; its children are appended to list. */
static void look_at(const rn_confine *c, pid_t pid, int64_t interval, pid_t *list, size_t *n)
{
    char buf[1024];
    stat_line s = {0};
    read_proc(c, pid, "stat", buf, sizeof buf);
    if (!parse_stat(buf, &s)) return;
    proc *p = entry_of(pid, s.born);
    if (!p) return;
    int64_t before = p->cpu_ns, delay = p->delay_ns;
    p->cpu_ns = p->delay_ns = 0;
    bool zombie = s.state == 'Z' || s.state == 'X';
    char folder[32];
    snprintf(folder, sizeof folder, "task/%d/", (int)pid);
    if (s.n_threads > 1) {
        each_thread(c, pid, p, list, n);
    } else {
        add_thread(c, pid, folder, zombie ? 'Z' : s.state, p);
        add_children(c, pid, folder, list, n);
    }
    int64_t ticks = (s.utime + s.stime) * tick_ns();
    if (p->cpu_ns < ticks) p->cpu_ns = ticks; /* of threads that ended, too */
    if (p->cpu_ns < before) p->cpu_ns = before;
    if (p->delay_ns < delay) p->delay_ns = delay;
    p->system_ns = s.stime * tick_ns();
    t.faults += at_least_0(s.faults - p->faults);
    p->faults = s.faults;
    int64_t ran = p->cpu_ns - before, queued = p->delay_ns - delay;
    p->share_ns = s.state != 'R'     ? 0
                  : ran + queued > 0 ? interval * ran / (ran + queued)
                                     : interval;
    p->n_threads = zombie ? 0 : (int)s.n_threads;
    p->looks++;
    p->alive = true;
    t.n_tasks += p->n_threads;
    t.demoted |= !zombie && demoted(&s);
    int64_t reaped = (s.cutime + s.cstime) * tick_ns();
    if (reaped > p->reaped_ns) p->reaped_ns = reaped;
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* What a process that vanished had used beyond what was seen: half an interval on average, and all
 * of one that was seen once stands for all that lived as shortly and were not. */
static int64_t used_by(const proc *p)
{
    if (p->looks == 1) return p->cpu_ns > p->share_ns ? p->cpu_ns : p->share_ns;
    return p->cpu_ns + p->share_ns / 2;
}

/* Keeps what vanished processes used unless their parents' sums took it over. */
static void bury(int64_t reaped_more)
{
    int64_t gone = 0;
    size_t keep = 0, n_gone = 0;
    for (size_t i = 0; i < t.n; i++) {
        proc *p = &t.procs[i];
        if (p->alive) {
            t.procs[keep++] = *p;
            continue;
        }
        gone += used_by(p) + p->reaped_ns;
        t.dead_delay_ns += p->delay_ns;
        n_gone++;
    }
    t.n = keep;
    gone -= reaped_more + (int64_t)n_gone * 2 * tick_ns() * (reaped_more > 0);
    if (gone > 0) t.lost_ns += gone;
}

static void look_at_tree(const rn_confine *c, int64_t interval)
{
    static pid_t list[MAX_TREE];
    size_t n = 0;
    int64_t reaped[2] = {0};
    t.ready = t.disk = false;
    t.n_tasks = 0;
    for (size_t i = 0; i < t.n; i++) {
        t.procs[i].alive = false;
    }
    if (t.root_is_host)
        each_thread(c, t.root, NULL, list, &n);
    else
        list[n++] = t.root;
    size_t known = t.n;
    static int64_t reaped_before[MAX_TREE];
    for (size_t i = 0; i < known; i++)
        reaped_before[i] = t.procs[i].reaped_ns;
    for (size_t i = 0; i < n; i++)
        look_at(c, list[i], interval, list, &n);
    for (size_t i = 0; i < known; i++) {
        if (!t.procs[i].alive) continue;
        reaped[0] += reaped_before[i];
        reaped[1] += t.procs[i].reaped_ns;
    }
    bury(reaped[1] - reaped[0]);
}

static int64_t tree_cpu_ns(const rn_confine *c)
{
    if (c->cg_cpu && !t.one)
        return cgroup_cpu_ns(c) - t.base_cgroup_ns - (rn_cpu_ns() - t.base_host_ns);
    int64_t sum = t.lost_ns - t.base_child_ns;
    for (size_t i = 0; i < t.n; i++)
        sum += t.procs[i].cpu_ns + t.procs[i].reaped_ns;
    return sum > 0 ? sum : 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int64_t resident_bytes(const rn_confine *c)
{
    int64_t pages = 0;
    for (size_t i = 0; i < t.n; i++) {
        char buf[256];
        read_proc(c, t.procs[i].pid, "statm", buf, sizeof buf);
        const char *p = strchr(buf, ' ');
        if (p) pages += strtoll(p, NULL, 10);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

/* Files of memory that the process holds open; `seen` are those counted already. */
static int64_t files_of_memory(const rn_confine *c, pid_t pid, dev_t dev, ino_t *seen, size_t *n)
{
    char path[64];
    int64_t bytes = 0;
    snprintf(path, sizeof path, "%d/fd", (int)pid);
    int fd = openat(c->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0) close(fd);
    for (const struct dirent *e; dir && (e = readdir(dir)) && *n < MAX_FILES;) {
        struct stat st;
        if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, 0) || st.st_dev != dev)
            continue;
        bool known = false;
        for (size_t i = 0; i < *n && !known; i++)
            known = seen[i] == st.st_ino;
        if (known) continue;
        seen[(*n)++] = st.st_ino;
        bytes += st.st_blocks * 512;
    }
    if (dir) closedir(dir);
    return bytes;
}

static int64_t files_bytes(const rn_confine *c)
{
    static ino_t seen[MAX_FILES];
    size_t n = 0;
    struct stat st;
    if (fstat(2, &st) != 0) return 0; /* the host's own is such a file */
    int64_t bytes = 0;
    for (size_t i = 0; i < t.n; i++)
        bytes += files_of_memory(c, t.procs[i].pid, st.st_dev, seen, &n);
    struct statfs fs;
    if (c->tmpfs && statfs(c->work_dir, &fs) == 0)
        bytes += (int64_t)(fs.f_blocks - fs.f_bfree) * (int64_t)fs.f_bsize;
    return bytes;
}

/* Pages that processes share count once. */
static int64_t proportional_bytes(const rn_confine *c, int64_t files)
{
    int64_t anon = 0, shared = 0;
    for (size_t i = 0; i < t.n; i++) {
        char buf[2048];
        read_proc(c, t.procs[i].pid, "smaps_rollup", buf, sizeof buf);
        anon += rn_usage_number(buf, "Pss_Anon:") * 1024;
        shared += rn_usage_number(buf, "Pss_Shmem:") * 1024;
    }
    return anon + (shared > files ? shared : files); /* a file that is mapped is in both */
}

static int64_t tree_memory(const rn_confine *c, int64_t limit)
{
    if (t.resident + t.files <= limit) return t.resident + t.files;
    return proportional_bytes(c, t.files);
}

static int64_t times_full(const rn_confine *c)
{
    char buf[512];
    rn_usage_read(-1, NULL, c->cg_full_fd, buf, sizeof buf);
    return c->cg_v2 ? rn_usage_number(buf, "max ") : strtoll(buf, NULL, 10);
}

/* Counts what the tree holds. Whether it grows is asked over several looks: a program that fills
 * memory also pauses, and looks follow each other closely near the end of the time. Several
 * processes grow without holding more, too, as each makes the pages its own that it shared with its
 * parent; and what is at the limit of its cgroup wants more, while the kernel looks for pages to
 * take back. used: its time so far, which stands still while it waits for a processor. */
static bool look_at_memory(const rn_confine *c, int64_t used)
{
    t.resident = resident_bytes(c);
    if (t.looks % 4 == 0 || t.n > 1) t.files = files_bytes(c);
    int64_t held = t.resident + t.files;
    if (held > t.peak_held) t.peak_held = held;
    if (held > t.mark + (int64_t)GROWTH * PAGE) {
        t.mark = held;
        t.mark_ns = used;
    }
    const int64_t full = times_full(c);
    if (full != t.mark_full) {
        t.mark_full = full;
        t.mark_ns = used;
    }
    if (t.n > 1 && t.faults > t.mark_faults + GROWTH) {
        t.mark_faults = t.faults;
        t.mark_ns = used;
    }
    /* Half of what it touches may be room that it had given back: a quarter of its time. */
    const int64_t window = used / 4, least = (int64_t)GROWTH_MS * 1000000;
    return used - t.mark_ns < (window > least ? window : least);
}

/* What the first touch of a page costs this process, in any kind of processor time: where a virtual
 * machine makes its page tables by software it is 15 us, and the kernel sees none of it. Twice what
 * was measured, as it varies. */
int64_t rn_usage_page_ns(void)
{
    static int64_t ns;
    if (ns) return ns;
    const size_t bytes = (size_t)PROBE * PAGE;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return FAULT_NS;
    madvise(p, bytes, MADV_NOHUGEPAGE);
    const int64_t begin = rn_cpu_ns();
    for (size_t i = 0; i < bytes; i += PAGE)
        *(volatile char *)(p + i) = 1;
    ns = 2 * (rn_cpu_ns() - begin) / PROBE + 1;
    if (ns > FAULT_NS) ns = FAULT_NS;
    munmap(p, bytes);
    return ns;
}

/* What its processes cost a tree of ever more of them, which is the machine's doing, too. */
static int64_t fork_ns(int64_t used)
{
    if (t.n_tasks > t.most_tasks) {
        t.most_tasks = t.n_tasks;
        t.tasks_ns = used;
    }
    const bool more = t.most_tasks > 1 && used - t.tasks_ns < (int64_t)GROWTH_MS * 1000000;
    return more ? (int64_t)t.n_tasks * FORK_NS : 0;
}

/* What the pages of a growing tree cost it that is the machine's doing: the kernel's share of its
 * time, and what a touch was measured to cost, of which the kernel may see nothing. */
static int64_t fault_ns(int64_t system, int64_t cpu)
{
    const int64_t pages = t.peak_held / PAGE, cold = pages * FAULT_NS;
    const int64_t seen = system < cold ? system : cold, least = pages * rn_usage_page_ns();
    const int64_t ns = seen + least;
    return ns < cpu ? ns : cpu;
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void forget_tree(void)
{
    t.n = 0;
    t.looks = 0;
    t.lost_ns = t.dead_delay_ns = t.sampled_ns = t.disk_ns = t.base_child_ns = 0;
    t.resident = t.files = t.peak_held = t.mark = t.mark_ns = t.tasks_ns = 0;
    t.faults = t.mark_faults = 0;
    t.most_tasks = 0;
    t.demoted = t.ready = t.disk = t.one = false;
}

void rn_usage_begin(const rn_confine *c)
{
    forget_tree();
    (void)rn_usage_page_ns(); /* not in each child */
    t.host_nice = getpriority(PRIO_PROCESS, 0);
    t.host_policy = sched_getscheduler(0);
    t.mark_full = times_full(c);
    if (c->cg_cpu) t.base_cgroup_ns = cgroup_cpu_ns(c);
    t.base_host_ns = rn_cpu_ns();
    t.start_ns = t.last_ns = rn_now_ns();
}

void rn_usage_of(const rn_confine *c, pid_t child)
{
    t.root_is_host = !c->pid_ns;
    t.root = c->pid_ns ? child : getpid();
}

void rn_usage_turn(const rn_confine *c, pid_t child, int64_t before_ns)
{
    if (c->proc_fd < 0)
        rn_usage_begin(c);
    else
        forget_tree();
    rn_usage_of(c, child);
    t.one =
        c->proc_fd >= 0; /* what it uses stands in /proc: nothing is asked before it is needed */
    t.base_child_ns = before_ns;
    t.start_ns = t.last_ns = rn_now_ns();
}

void rn_usage_look(const rn_confine *c, int64_t memory_limit, rn_usage *u)
{
    int64_t now = rn_now_ns(), interval = now - t.last_ns;
    t.last_ns = now;
    t.looks++;
    look_at_tree(c, interval);
    t.ready |= u->held;
    int64_t delay = t.dead_delay_ns, system = 0;
    for (size_t i = 0; i < t.n; i++) {
        delay += t.procs[i].delay_ns;
        system += t.procs[i].system_ns;
    }
    if (t.disk) t.disk_ns += interval;
    if (!t.ready && !t.disk) t.sampled_ns += interval;
    u->elapsed_ns = now - t.start_ns;
    u->cpu_ns = tree_cpu_ns(c);
    int64_t exact = at_least_0(u->elapsed_ns - u->cpu_ns - delay);
    u->waited_ns = exact < t.sampled_ns ? exact : t.sampled_ns;
    u->delay_ns = delay;
    u->disk_ns = t.disk_ns;
    const int64_t used = u->cpu_ns + u->waited_ns, forks = fork_ns(used);
    const int64_t pages = look_at_memory(c, used) ? fault_ns(system, u->cpu_ns) : 0;
    u->growth_ns = pages > forks ? pages : forks < u->cpu_ns ? forks : u->cpu_ns;
    u->memory_bytes = c->cg_memory ? -1 : tree_memory(c, memory_limit);
    /* One that is dying has given its memory up already, and is no small program for that. */
    u->most_bytes = t.resident ? t.peak_held : INT64_MAX;
    u->n_tasks = t.n_tasks;
    u->ready = t.ready;
    u->demoted = t.demoted;
}

/* What was measured of a tree that stands still, and when that began. */
struct rn_usage_kept {
    int64_t now_ns, cgroup_ns, host_ns;
    size_t bytes; /* of the tree, as many processes as it has */
    char tree[];
};

rn_usage_kept *rn_usage_keep(const rn_confine *c)
{
    const size_t bytes = offsetof(tree, procs) + t.n * sizeof *t.procs;
    rn_usage_kept *k = malloc(sizeof *k + bytes);
    if (!k) return NULL;
    k->now_ns = rn_now_ns();
    k->cgroup_ns = c->cg_cpu ? cgroup_cpu_ns(c) : 0;
    k->host_ns = rn_cpu_ns();
    k->bytes = bytes;
    memcpy(k->tree, &t, bytes);
    return k;
}

int64_t rn_usage_go_on(const rn_confine *c, rn_usage_kept *k)
{
    memcpy(&t, k->tree, k->bytes);
    const int64_t stood = rn_now_ns() - k->now_ns;
    t.start_ns += stood;
    t.last_ns += stood;
    if (c->cg_cpu) t.base_cgroup_ns += cgroup_cpu_ns(c) - k->cgroup_ns;
    t.base_host_ns += rn_cpu_ns() - k->host_ns;
    free(k);
    return stood;
}

int64_t rn_usage_private_bytes(const rn_confine *c, pid_t pid)
{
    char buf[2048];
    read_proc(c, pid, "smaps_rollup", buf, sizeof buf);
    return rn_usage_number(buf, "Private_Dirty:") * 1024;
}

int rn_usage_tasks(const rn_confine *c)
{
    static pid_t list[MAX_TREE];
    size_t n = 0;
    int n_tasks = 0;
    if (t.root_is_host)
        each_thread(c, t.root, NULL, list, &n);
    else
        list[n++] = t.root;
    for (size_t i = 0; i < n; i++) {
        char buf[1024];
        stat_line s = {0};
        read_proc(c, list[i], "stat", buf, sizeof buf);
        if (!parse_stat(buf, &s) || s.state == 'X') continue;
        n_tasks += s.state == 'Z' ? 0 : (int)s.n_threads;
        each_thread(c, list[i], NULL, list, &n);
    }
    return n_tasks;
}

int64_t rn_usage_count_user(const rn_confine *c, uid_t uid)
{
    int fd = openat(c->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0) close(fd);
    int64_t n = 0;
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        struct stat st;
        char buf[1024];
        stat_line s = {0};
        if (e->d_name[0] < '1' || e->d_name[0] > '9') continue;
        if (fstatat(dirfd(dir), e->d_name, &st, 0) || st.st_uid != uid) continue;
        read_proc(c, (pid_t)atoi(e->d_name), "stat", buf, sizeof buf);
        if (parse_stat(buf, &s)) n += s.n_threads;
    }
    if (dir) closedir(dir);
    return n;
}

/* Everything below this process is a dead program's: none of it may fork again, then it is killed.
 */
bool rn_usage_kill_all(const rn_confine *c)
{
    const struct rlimit none = {0};
    pid_t *list = malloc(MAX_TREE * sizeof *list);
    if (!list) return false;
    size_t n = 0;
    each_thread(c, getpid(), NULL, list, &n);
    for (size_t i = 0; i < n; i++) {
        prlimit(list[i], RLIMIT_NPROC, &none, NULL);
        kill(list[i], SIGKILL);
        each_thread(c, list[i], NULL, list, &n);
    }
    free(list);
    return n > 0;
}
