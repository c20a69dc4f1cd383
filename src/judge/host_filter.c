/*
 * host_filter.c: what a child loses before judged code runs, in this order: its session,
 * descriptors, file access (Landlock), resources (rlimits), identity and capabilities, system calls
 * (seccomp).
 *
 * The filter and the ruleset are built once in the host; a child only installs them. The filter is
 * a list of refusals (EPERM), and answers ENOSYS to every call that is newer than the list, so that
 * a new kernel opens nothing. clone3 is refused with ENOSYS because its flags lie in memory that a
 * filter cannot read; the C library then uses clone, whose flags it can.
 */
#include "judge/host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NOBODY = 65534,
    NEWEST_LISTED = 462,
    PREFIX = 3,
    COMMAND_FILE_BYTES = 1 << 30,
    MORE_OTHERS = 512
};

/* Whose filter it is. Tools make pipes in the file system and files executable; a command's calls
 * of socket() are announced instead of refused; a counted program's forks are announced. */
typedef enum filter_kind {
    FOR_PROGRAM,
    FOR_TOOLS,
    FOR_COMMAND,
    FOR_COUNTED,
    N_FILTERS
} filter_kind;

static struct sock_fprog filters[N_FILTERS]; /* empty: none, or not to be had */

static char visible_site[RN_WIRE_PATH]; /* of a virtual environment; "" none */

/* ---- the system-call filter ------------------------------------------------------------------ */

static const char *const refused[] = {
    /* other processes' memory and state */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "kcmp", "pidfd_getfd", "perf_event_open", "userfaultfd", "memfd_secret",
    /* the view of the system */
    "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "unshare", "setns", "name_to_handle_at",
    "open_by_handle_at", "fanotify_init", "quotactl", "quotactl_fd", "acct", "swapon", "swapoff",
    /* the kernel itself */
    "bpf", "keyctl", "add_key", "request_key", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "reboot", "syslog", "iopl", "ioperm", "modify_ldt", "personality",
    "lookup_dcookie", "nfsservctl", "vhangup", "uselib", "ustat", "sysfs", "_sysctl", "seccomp",
    "landlock_create_ruleset", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime",
    "sethostname", "setdomainname",
    /* what outlives a program in the host's own namespaces */
    "shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop",
    "semctl", "semtimedop", "mq_open", "mq_unlink", "setxattr", "lsetxattr", "fsetxattr",
    "removexattr", "lremovexattr", "fremovexattr",
    /* which pages of files are in memory: one program can tell another by them */
    "mincore", "cachestat"};

static int refuse(scmp_filter_ctx f, const char *name)
{
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR) return 0; /* another architecture's */
    return seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), nr, 0);
}

/* Calls that succeed and do nothing: a program that made itself less important would starve on a
 * busy machine, one that outlives its host or hides from it could not be watched; what it does to
 * the cache of files the next one would see. */
static int pretend(scmp_filter_ctx f, const char *name)
{
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR) return 0;
    return seccomp_rule_add(f, SCMP_ACT_ERRNO(0), nr, 0);
}

static int add_pretended(scmp_filter_ctx f)
{
    static const char *const calls[] = {"sched_setscheduler", "sched_setattr", "sched_setparam",
                                        "setpriority",        "ioprio_set",    "fadvise64",
                                        "readahead"};
    static const int options[] = {PR_SET_DUMPABLE, PR_SET_PDEATHSIG};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof calls / sizeof *calls; i++)
        rc = pretend(f, calls[i]);
    for (size_t i = 0; !rc && i < sizeof options / sizeof *options; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(0), SCMP_SYS(prctl), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)options[i]));
    return rc;
}

/* Taking pages of files out of memory, and reading only what is in memory. */
static int hide_cache(scmp_filter_ctx f)
{
    static const int advice[] = {MADV_COLD, MADV_PAGEOUT};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof advice / sizeof *advice; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(0), SCMP_SYS(madvise), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)advice[i]));
    if (!rc)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(preadv2), 1,
                              SCMP_A5(SCMP_CMP_NE, 0, 0));
    return rc;
}

/* Limits and processors of others: the host's, init's, where they are of the same user. */
static int refuse_others(scmp_filter_ctx f)
{
    int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
                              SCMP_A0(SCMP_CMP_GT, 0, 0));
    if (!rc)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sched_setaffinity), 1,
                              SCMP_A0(SCMP_CMP_GT, 0, 0));
    return rc;
}

/* Without a view of its own a program sees the user's files. Landlock keeps it from their content;
 * their times and permissions, and sockets that others listen on, it does not know. */
static int add_rules_without_view(scmp_filter_ctx f)
{
    static const char *const meta[] = {"chmod",     "fchmod", "fchmodat", "fchmodat2",
                                       "utimensat", "utime",  "utimes",   "futimesat"};
    static const char *const owner[] = {"chown", "fchown", "lchown", "fchownat"};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof meta / sizeof *meta; i++)
        rc = pretend(f, meta[i]);
    for (size_t i = 0; !rc && i < sizeof owner / sizeof *owner; i++)
        rc = refuse(f, owner[i]);
    if (!rc) rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(connect), 0);
    if (!rc) /* every process of the user's */
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, 0xffffffff));
    if (!rc)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(sendto), 1,
                              SCMP_A4(SCMP_CMP_NE, 0, 0));
    return rc;
}

static const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                   CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

static int announce_forks(scmp_filter_ctx f)
{
    int rc = seccomp_rule_add(f, SCMP_ACT_NOTIFY, SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
    static const char *const calls[] = {"fork", "vfork"};
    for (size_t i = 0; !rc && i < sizeof calls / sizeof *calls; i++) {
        const int nr = seccomp_syscall_resolve_name(calls[i]);
        if (nr != __NR_SCMP_ERROR) rc = seccomp_rule_add(f, SCMP_ACT_NOTIFY, nr, 0);
    }
    return rc;
}

/* Device nodes; for programs pipes and sockets in the file system, too. make uses such a pipe. */
static int refuse_nodes(scmp_filter_ctx f, bool command)
{
    int rc = command ? 0 : refuse(f, "mknod");
    if (!command) return rc ? rc : refuse(f, "mknodat");
    static const mode_t devices[] = {S_IFCHR, S_IFBLK};
    for (size_t i = 0; !rc && i < 2; i++) {
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mknodat), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, devices[i]));
        int nr = seccomp_syscall_resolve_name("mknod");
        if (!rc && nr != __NR_SCMP_ERROR)
            rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), nr, 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, devices[i]));
    }
    return rc;
}

static int add_rules(scmp_filter_ctx f, const rn_confine *c, filter_kind kind)
{
    int rc = add_pretended(f);
    if (!rc) rc = hide_cache(f);
    if (!rc) rc = refuse_others(f);
    const bool program = kind == FOR_PROGRAM || kind == FOR_COUNTED;
    if (!rc && !c->root_view && program) rc = add_rules_without_view(f);
    for (size_t i = 0; !rc && i < sizeof refused / sizeof *refused; i++)
        rc = refuse(f, refused[i]);
    if (!rc) rc = refuse_nodes(f, !program);
    if (!rc && kind == FOR_COUNTED) rc = announce_forks(f);
    for (uint64_t bit = 1; !rc && bit <= namespaces; bit <<= 1)
        if (namespaces & bit)
            rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
    if (!rc) rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (!rc)
        rc = seccomp_rule_add(f, kind == FOR_COMMAND ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EACCES),
                              SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
    /* TIOCSTI, TIOCLINUX; FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR: flags of the working folder stay */
    static const uint64_t ioctls[] = {0x5412, 0x541c, 0x40086602, 0x401c5820};
    for (size_t i = 0; !rc && i < sizeof ioctls / sizeof *ioctls; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                              SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, ioctls[i]));
    return rc;
}

/* Numbers past the newest call that was looked at when the list was written: one comparison ahead
 * of the library's program, where rules for single numbers would be hundreds. */
static const struct sock_filter prefix[PREFIX] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST_LISTED, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
};

static void build_filter(const rn_confine *c, filter_kind kind)
{
    struct sock_fprog *to = &filters[kind];
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    if (!f) return;
    seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree instead of a list of comparisons */
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd >= 0 && add_rules(f, c, kind) == 0 && seccomp_export_bpf(f, fd) == 0) {
        off_t len = lseek(fd, 0, SEEK_END);
        to->filter = len > 0 ? malloc((size_t)len + sizeof prefix) : NULL;
        if (to->filter && pread(fd, to->filter + PREFIX, (size_t)len, 0) == len) {
            memcpy(to->filter, prefix, sizeof prefix);
            to->len = (unsigned short)((size_t)len / sizeof *to->filter + PREFIX);
        }
    }
    if (fd >= 0) close(fd);
    seccomp_release(f);
}

/* ---- Landlock -------------------------------------------------------------------------------- */

/* linux/landlock.h, by number: the build machine's header may be older than the kernel. */
enum {
    LL_EXECUTE = 1 << 0,
    LL_WRITE_FILE = 1 << 1,
    LL_READ_FILE = 1 << 2,
    LL_READ_DIR = 1 << 3,
    LL_ALL_V1 = (1 << 13) - 1,
    LL_REFER = 1 << 13,     /* ABI 2 */
    LL_TRUNCATE = 1 << 14,  /* ABI 3 */
    LL_NET_ALL = 3,         /* ABI 4: bind and connect of TCP */
    LL_IOCTL_DEV = 1 << 15, /* ABI 5 */
    LL_SCOPE_ALL = 3,       /* ABI 6: abstract sockets, signals to other domains */
};

static void allow_path(int ruleset, const char *path, uint64_t access)
{
    struct {
        uint64_t access;
        int32_t fd;
    } __attribute__((packed)) rule = {access, open(path, O_PATH | O_CLOEXEC)};
    if (rule.fd < 0) return; /* what is not there needs no permission */
    syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0);
    close(rule.fd);
}

static void build_ruleset(rn_confine *c)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    if (abi < 1) return;
    struct {
        uint64_t fs, net, scoped;
    } attr = {.fs = LL_ALL_V1};
    if (abi >= 2) attr.fs |= LL_REFER;
    if (abi >= 3) attr.fs |= LL_TRUNCATE;
    if (abi >= 4) attr.net = LL_NET_ALL;
    if (abi >= 5) attr.fs |= LL_IOCTL_DEV;
    if (abi >= 6) attr.scoped = LL_SCOPE_ALL;
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (fd < 0) return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    const uint64_t read_only = LL_EXECUTE | LL_READ_FILE | LL_READ_DIR;
    static const char *const system_paths[] = {"/usr",
                                               "/bin",
                                               "/sbin",
                                               "/lib",
                                               "/lib64",
                                               "/lib32",
                                               "/etc/ld.so.cache",
                                               "/etc/localtime",
                                               "/etc/alternatives",
                                               "/etc/matplotlibrc",
                                               "/etc/fonts",
                                               "/dev/urandom",
                                               "/dev/random",
                                               "/dev/zero"};
    if (c->root_view) allow_path(fd, "/", read_only); /* it holds nothing else */
    for (size_t i = 0; i < sizeof system_paths / sizeof *system_paths; i++)
        allow_path(fd, system_paths[i], read_only);
    allow_path(fd, "/dev/null", LL_READ_FILE | LL_WRITE_FILE);
    const uint64_t devices = 1 << 6 | 1 << 11; /* making device nodes */
    allow_path(fd, c->work_dir, attr.fs & ~devices);
    if (visible_site[0]) allow_path(fd, visible_site, read_only);
    c->landlock = (int)abi;
    c->landlock_fd = fd;
}

void rn_filter_renew(rn_confine *c)
{
    if (c->landlock_fd < 0) return;
    close(c->landlock_fd);
    c->landlock_fd = -1;
    build_ruleset(c);
}

/* Commands get the filter that announces their calls of socket(), where the kernel has that (an
 * outer sandbox may have taken the only listener); else the one that refuses them. */
static bool install_filter(filter_kind kind, int *listener)
{
    const unsigned long flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    const bool listens = kind == FOR_COMMAND || kind == FOR_COUNTED;
    if (listens && filters[kind].len) {
        long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, &filters[kind]);
        *listener = (int)fd;
        if (fd >= 0) return true;
    }
    const struct sock_fprog *f = &filters[kind == FOR_COMMAND ? FOR_TOOLS : kind];
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, f) == 0;
}

/* Whether forks can be announced here, found out in a process of its own: an outer sandbox may have
 * taken the only listener. */
static bool can_listen(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        int listener = -1;
        _exit(install_filter(FOR_COUNTED, &listener) && listener >= 0 ? 0 : 1);
    }
    int status = 1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool rn_filter_counts(const rn_confine *c, const rn_task *task)
{
    const bool tools = task->stage == RN_STAGE_PREPARE || task->stage == RN_STAGE_COMPILE;
    return c->counts_forks && task->job->mode != RN_JUDGE_COMMAND && !tools;
}

void rn_filter_prepare(rn_confine *c, const rn_wire_config *cfg)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    snprintf(visible_site, sizeof visible_site, "%s", cfg->venv);
    const bool by_user = !c->cg_pids && !c->user_ns;
    for (filter_kind k = 0; k < N_FILTERS && !(cfg->without & RN_WITHOUT_SECCOMP); k++)
        if (k == FOR_COMMAND ? cfg->has_tree : k != FOR_COUNTED || by_user) build_filter(c, k);
    uint32_t action = SECCOMP_RET_ERRNO;
    c->seccomp =
        filters[FOR_PROGRAM].len && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    c->counts_forks = by_user && c->seccomp && rn_forks_kernel() && can_listen();
    c->landlock_fd = -1;
    if (!(cfg->without & RN_WITHOUT_LANDLOCK)) build_ruleset(c);
}

/* ---- in the child ---------------------------------------------------------------------------- */

/* Lowers a limit; one that is lower already (a container's) stays. */
static bool limit(int what, int64_t value)
{
    struct rlimit old;
    if (getrlimit((__rlimit_resource_t)what, &old) != 0) return false;
    rlim_t v = (rlim_t)value;
    if (old.rlim_max < v) v = old.rlim_max;
    const struct rlimit now = {.rlim_cur = v, .rlim_max = v};
    return setrlimit((__rlimit_resource_t)what, &now) == 0;
}

int64_t rn_filter_cpu_seconds(const rn_judge_limits *l)
{
    const int64_t pages = l->memory_bytes / 4096 * rn_usage_page_ns();
    return (2 * l->cpu_ns + pages) / 1000000000 + 5;
}

static bool set_limits(const rn_confine *c, const rn_task *task, bool tools)
{
    const rn_judge_limits *l = &task->job->limits;
    /* CPU: a second line behind the host's own clock, per process, in whole seconds. What a command
     * prints is counted by its init; its files are what a compiler writes. */
    bool ok = limit(RLIMIT_CPU, rn_filter_cpu_seconds(l)) && limit(RLIMIT_CORE, 0) &&
              limit(RLIMIT_FSIZE, tools ? COMMAND_FILE_BYTES : rn_stream_allowed(task)) &&
              limit(RLIMIT_NOFILE, tools ? 1024 : 256) && limit(RLIMIT_MEMLOCK, 0);
    /* Counts the user's processes: in a user namespace of our own this host and its warm copies,
     * else strangers too, of which some more may come. There it only bounds a fork bomb, which
     * could not be caught up with otherwise; the limit itself is held by looking. */
    if (!c->cg_pids && !rn_filter_counts(c, task)) {
        int64_t others = c->user_ns ? rn_watch_processes() : task->n_others + MORE_OTHERS;
        ok = ok && limit(RLIMIT_NPROC, l->processes + others);
    }
    return ok;
}

static bool drop_identity(const rn_confine *c)
{
    if (c->drop_uid && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
                        setresuid(NOBODY, NOBODY, NOBODY) != 0))
        return false;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    return syscall(SYS_capset, &head, none) == 0;
}

/* Files of memory count and belong to no process: when they meet the limit, the kernel must end the
 * program, not the host, which may be the largest process there is. */
static void die_first(const rn_confine *c)
{
    int fd = openat(c->proc_fd, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t n = write(fd, "1000", 4);
    (void)n; /* without it such a program ends its host, and is found out by a known-good one */
    close(fd);
}

int rn_filter_enter(const rn_confine *c, const rn_task *task, int *listener)
{
    const bool command = task->job->mode == RN_JUDGE_COMMAND;
    const bool tools = task->stage == RN_STAGE_PREPARE || task->stage == RN_STAGE_COMPILE;
    const bool counted = rn_filter_counts(c, task);
    const filter_kind kind = command   ? FOR_COMMAND
                             : tools   ? FOR_TOOLS
                             : counted ? FOR_COUNTED
                                       : FOR_PROGRAM;
    /* kill(0, ...) reaches nobody else. A session of its own would cost a scheduling group each; it
     * is needed only where a terminal can be opened. */
    if (c->root_view)
        setpgid(0, 0);
    else
        setsid();
    die_first(c);
    if (c->landlock_fd >= 0 && syscall(SYS_landlock_restrict_self, c->landlock_fd, 0) != 0)
        return 2;
    const int first = task->stays || counted ? RN_TURN_FD + 1 : 3;
    if (syscall(SYS_close_range, first, ~0u, 0) != 0)
        for (int fd = first; fd < 1024; fd++)
            close(fd);
    if (!set_limits(c, task, command || tools)) return 4;
    if (!drop_identity(c)) return 5;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user clears it */
    if (c->seccomp && !install_filter(kind, listener)) return 6;
    return counted && *listener < 0 ? 7 : 0;
}
