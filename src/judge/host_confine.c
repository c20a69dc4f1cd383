/*
 * host_confine.c: puts the host into its own namespaces with a read-only view of the system.
 *
 * The strongest level that works is taken; each is tried in a process of its own first, because
 * what was entered half cannot be left. As root: build the view with root's rights, become nobody,
 * then enter a user namespace, in which the mounts of the view are locked. As anybody else: enter
 * the user namespace first. Where user namespaces are refused, root keeps to the others and lets
 * each child become nobody; where nothing can be mounted, Landlock alone keeps files away.
 *
 * The view is a tmpfs with bind mounts of /usr, /lib..., a few files of /etc, five devices and the
 * virtual environment; there is no /proc, /home, /root, /var, /sys. /tmp is a tmpfs of this host,
 * the programs' working folder. Two programs never meet in it: it is looked at before each run
 * (free blocks and inodes, mode and change time of its root) and mounted anew if anything is
 * different.
 */
#include "judge/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* By [room for copies of a working folder][the children are another user, whose folder it is]. */
#define TMPFS(room)                                              \
    {                                                            \
        room ",mode=0700", room ",mode=0700,uid=65534,gid=65534" \
    }
static const char *const tmpfs_options[2][2] = {TMPFS("size=64m,nr_inodes=4096"),
                                                TMPFS("size=2g,nr_inodes=400000")};

static struct stat work_stat; /* of the empty working folder */
static struct statfs work_statfs;

/* ---- cgroups --------------------------------------------------------------------------------- */

static int open_in(const char *dir, const char *name, int flags)
{
    char path[RN_WIRE_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return open(path, flags | O_CLOEXEC);
}

static bool join(const char *dir)
{
    if (!dir[0]) return false;
    int fd = open_in(dir, "cgroup.procs", O_WRONLY);
    if (fd < 0) return false;
    bool ok = write(fd, "0", 1) == 1;
    close(fd);
    return ok;
}

static void join_cgroups(const rn_wire_config *cfg, rn_confine *c)
{
    c->cg_v2 = cfg->cg_v2;
    bool memory = join(cfg->cg_memory);
    bool pids = cfg->cg_v2 ? memory : join(cfg->cg_pids);
    bool cpu = cfg->cg_v2 ? memory : join(cfg->cg_cpu);
    if (memory) {
        c->cg_memory_max_fd =
            open_in(cfg->cg_memory, c->cg_v2 ? "memory.max" : "memory.limit_in_bytes", O_WRONLY);
        c->cg_oom_fd =
            open_in(cfg->cg_memory, c->cg_v2 ? "memory.events" : "memory.oom_control", O_RDONLY);
        c->cg_full_fd =
            open_in(cfg->cg_memory, c->cg_v2 ? "memory.events" : "memory.failcnt", O_RDONLY);
        c->cg_memory = c->cg_memory_max_fd >= 0 && c->cg_oom_fd >= 0;
    }
    if (pids) {
        c->cg_pids_max_fd =
            open_in(cfg->cg_v2 ? cfg->cg_memory : cfg->cg_pids, "pids.max", O_WRONLY);
        c->cg_pids_fd =
            open_in(cfg->cg_v2 ? cfg->cg_memory : cfg->cg_pids, "pids.events", O_RDONLY);
        c->cg_pids = c->cg_pids_max_fd >= 0;
    }
    if (cpu) {
        c->cg_cpu_fd = open_in(cfg->cg_v2 ? cfg->cg_memory : cfg->cg_cpu,
                               cfg->cg_v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY);
        c->cg_cpu = c->cg_cpu_fd >= 0;
    }
}

/* ---- the view of the system ------------------------------------------------------------------ */

static const char *const system_dirs[] = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"};
/* The last ones are settings and package lists of language runtimes. */
static const char *const etc_paths[] = {"etc/ld.so.cache",
                                        "etc/localtime",
                                        "etc/alternatives",
                                        "etc/java-11-openjdk",
                                        "etc/java-17-openjdk",
                                        "etc/java-21-openjdk",
                                        "etc/java-25-openjdk",
                                        "etc/R",
                                        "etc/mono",
                                        "etc/ghc",
                                        "etc/matplotlibrc",
                                        "etc/fonts"};
static const char *const devices[] = {"dev/null", "dev/zero", "dev/full", "dev/random",
                                      "dev/urandom"};

/* mkdir -p below the present folder. */
static void make_parents(const char *path, bool itself)
{
    char copy[RN_WIRE_PATH];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        mkdir(copy, 0755);
        *p = '/';
    }
    if (itself) mkdir(copy, 0755);
}

/* Binds the descriptor's file or folder to `path` below the present folder. */
static bool bind_fd(int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return false;
    bool dir = S_ISDIR(st.st_mode);
    make_parents(path, dir);
    if (!dir) {
        int f = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (f >= 0) close(f);
    }
    char from[64];
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    return mount(from, path, NULL, MS_BIND | MS_REC, NULL) == 0;
}

typedef struct source {
    char path[RN_WIRE_PATH]; /* without the leading slash */
    char link[256];          /* target when it is a symbolic link */
    int fd;
} source;

enum { MAX_SOURCES = 32 };

static void add_source(source *list, size_t *n, const char *path)
{
    if (*n == MAX_SOURCES) return;
    source *s = &list[*n];
    memset(s, 0, sizeof *s);
    s->fd = -1;
    snprintf(s->path, sizeof s->path, "%s", path);
    char absolute[RN_WIRE_PATH + 1];
    const bool ghc = strcmp(path, "etc/ghc") == 0; /* its package list; there is no /var */
    snprintf(absolute, sizeof absolute, "/%s", ghc ? "var/lib/ghc" : path);
    ssize_t len =
        strncmp(path, "etc/", 4) == 0 ? -1 : readlink(absolute, s->link, sizeof s->link - 1);
    if (len <= 0) {
        s->link[0] = '\0';
        s->fd = open(absolute, O_PATH | O_CLOEXEC);
        if (s->fd < 0) return; /* this system has none */
    }
    (*n)++;
}

/* Read-only, no set-uid, no devices, for the whole tree under the present folder. */
static int seal_tree(rn_err *err)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    for (size_t i = 0; i < sizeof system_dirs / sizeof *system_dirs; i++) {
        struct stat st;
        if (lstat(system_dirs[i], &st) != 0 || !S_ISDIR(st.st_mode)) continue;
        if (syscall(SYS_mount_setattr, AT_FDCWD, system_dirs[i], AT_RECURSIVE, &attr, sizeof attr))
            return rn_fail_errno(err, "making /%s read-only", system_dirs[i]);
    }
    attr.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID; /* the devices in it work */
    if (syscall(SYS_mount_setattr, AT_FDCWD, ".", AT_RECURSIVE, &attr, sizeof attr))
        return rn_fail_errno(err, "making the view read-only");
    return 0;
}

/* In a chroot "/" is no mount point: nothing can be made private or pivoted from there. The root of
 * this process's own copy of the mounts lies above it; what the view binds was opened before. */
static bool climb_above_chroot(void)
{
    struct stat here, up;
    if (chdir("/") != 0 || chroot("/usr") != 0) return false;
    do {
        if (stat(".", &here) != 0 || chdir("..") != 0 || stat(".", &up) != 0) return false;
    } while (here.st_ino != up.st_ino || here.st_dev != up.st_dev);
    return chroot(".") == 0;
}

static bool make_private(void)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) return true;
    return errno == EINVAL && climb_above_chroot() &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int build_view(const char *site, rn_err *err)
{
    static source sources[MAX_SOURCES];
    size_t n = 0;
    for (size_t i = 0; i < sizeof system_dirs / sizeof *system_dirs; i++)
        add_source(sources, &n, system_dirs[i]);
    for (size_t i = 0; i < sizeof etc_paths / sizeof *etc_paths; i++)
        add_source(sources, &n, etc_paths[i]);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        add_source(sources, &n, devices[i]);
    int site_fd = site[0] ? open(site, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (!make_private()) return rn_fail_errno(err, "making mounts private");
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID, "size=1m,nr_inodes=512,mode=0755") != 0 ||
        chdir("/tmp") != 0)
        return rn_fail_errno(err, "a tmpfs on /tmp");
    umask(022);
    for (size_t i = 0; i < n; i++) {
        source *s = &sources[i];
        bool ok = s->link[0] ? symlink(s->link, s->path) == 0 : bind_fd(s->fd, s->path);
        if (s->fd >= 0) close(s->fd);
        if (!ok) return rn_fail_errno(err, "binding /%s", s->path);
    }
    bool bound = site_fd < 0 || bind_fd(site_fd, &RN_VIEW_SITE[1]);
    if (site_fd >= 0) close(site_fd);
    if (!bound) return rn_fail_errno(err, "binding %s", site);
    mkdir("tmp", 01777);
    mkdir("dev", 0755);
    mkdir("proc", 0755);
    if (symlink("/tmp", "dev/shm") != 0 || symlink("/tmp/.in/stdin", "dev/stdin") != 0)
        return rn_fail_errno(err, "links to the working folder");
    int rc = seal_tree(err);
    if (rc) return rc;
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return rn_fail_errno(err, "changing the root");
    return 0;
}

/* ---- users ----------------------------------------------------------------------------------- */

static bool write_proc(const rn_confine *c, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "self/%s", name);
    int fd = openat(c->proc_fd, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

/* Enters a user namespace in which this user is itself and nobody else exists. */
static bool enter_user_ns(rn_confine *c, int more)
{
    unsigned uid = getuid(), gid = getgid();
    if (unshare(CLONE_NEWUSER | more) != 0) return false;
    char map[64];
    write_proc(c, "setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
    if (!write_proc(c, "uid_map", map)) return false;
    snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
    c->user_ns = write_proc(c, "gid_map", map);
    return c->user_ns;
}

static bool become_nobody(void)
{
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0)
        return false;
    prctl(PR_SET_DUMPABLE, 1); /* else /proc/self would stay root's, and with it uid_map */
    return true;
}

/* ---- the working folder ---------------------------------------------------------------------- */

static int remember_work(rn_confine *c, rn_err *err)
{
    if (chdir(c->work_dir) != 0 || stat(".", &work_stat) != 0 || statfs(".", &work_statfs) != 0)
        return rn_fail_errno(err, "working folder %s", c->work_dir);
    rn_shm_folder(c->work_dir);
    return 0;
}

static int mount_work(rn_confine *c, rn_err *err)
{
    snprintf(c->work_dir, sizeof c->work_dir, "/tmp");
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME,
              tmpfs_options[c->roomy][c->drop_uid]) != 0)
        return rn_fail_errno(err, "a tmpfs as working folder");
    c->tmpfs = true;
    c->n_work++;
    return remember_work(c, err);
}

/* A folder on disk that every run gets anew: what cannot be removed of the last one is out of the
 * next one's sight (Landlock). */
static int make_work_dir(rn_confine *c, rn_err *err)
{
    static char base[40];
    static unsigned n_made;
    if (!base[0]) {
        snprintf(base, sizeof base, "/tmp/ration-judge-XXXXXX");
        if (!mkdtemp(base)) return rn_fail_errno(err, "working folder");
        chmod(base, 0711);
        c->base_dir = base;
    }
    snprintf(c->work_dir, sizeof c->work_dir, "%s/%u", base, n_made++);
    if (mkdir(c->work_dir, 0700) != 0 || (c->drop_uid && chown(c->work_dir, NOBODY, NOBODY) != 0))
        return rn_fail_errno(err, "working folder %s", c->work_dir);
    return remember_work(c, err);
}

/* Moves the folders in `dir` up into `top` under names of their own and removes all else. */
static void flatten(int top, int dir)
{
    static unsigned n_moved;
    DIR *d = fdopendir(dir);
    for (const struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (unlinkat(dirfd(d), e->d_name, 0) == 0) continue;
        fchmodat(dirfd(d), e->d_name, 0700, 0); /* it must be writable to be moved */
        char name[32];
        snprintf(name, sizeof name, ".%u-%u", (unsigned)getpid(), n_moved++);
        if (unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) != 0)
            renameat(dirfd(d), e->d_name, top, name);
    }
    if (d) closedir(d);
}

/* Removes a folder however deep it is: no path is longer than one name. */
static bool remove_tree(const char *path)
{
    enum { MAX_ROUNDS = 100000 };
    int top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0) return false;
    bool left = true;
    for (int round = 0; left && round < MAX_ROUNDS; round++) {
        left = false;
        int again = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = again >= 0 ? fdopendir(again) : NULL;
        for (const struct dirent *e; d && (e = readdir(d));) {
            if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
            if (unlinkat(top, e->d_name, 0) == 0) continue;
            left = true;
            fchmodat(top, e->d_name, 0700, 0);
            int sub = openat(top, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (sub >= 0) flatten(top, sub);
            unlinkat(top, e->d_name, AT_REMOVEDIR);
        }
        if (d) closedir(d);
    }
    close(top);
    return rmdir(path) == 0;
}

static bool work_untouched(void)
{
    struct stat st;
    struct statfs fs;
    if (stat("/tmp", &st) != 0 || statfs("/tmp", &fs) != 0) return false;
    const struct stat *w = &work_stat;
    return st.st_dev == w->st_dev && st.st_mode == w->st_mode && st.st_uid == w->st_uid &&
           st.st_gid == w->st_gid && st.st_nlink == w->st_nlink &&
           memcmp(&st.st_ctim, &w->st_ctim, sizeof st.st_ctim) == 0 &&
           memcmp(&st.st_mtim, &w->st_mtim, sizeof st.st_mtim) == 0 &&
           memcmp(&st.st_atim, &w->st_atim, sizeof st.st_atim) == 0 &&
           fs.f_bfree == work_statfs.f_bfree && fs.f_ffree == work_statfs.f_ffree;
}

int rn_confine_clean(rn_confine *c, bool roomy, rn_err *err)
{
    if (c->tmpfs) {
        if (roomy == c->roomy && work_untouched()) return 0;
        c->roomy = roomy;
        if (chdir("/") != 0 || umount2("/tmp", MNT_DETACH) != 0)
            return rn_fail(err, RN_ESANDBOX, "the working folder cannot be renewed");
        int rc = mount_work(c, err);
        rn_filter_renew(c);
        return rc ? RN_ESANDBOX : 0;
    }
    if (chdir("/") != 0) return rn_fail(err, RN_ESANDBOX, "the working folder cannot be left");
    remove_tree(c->work_dir);
    int rc = make_work_dir(c, err);
    rn_filter_renew(c);
    return rc ? RN_ESANDBOX : 0;
}

int rn_confine_proc(const rn_confine *c, const char *exe, rn_err *err)
{
    static const char *now; /* of the table of languages: the same pointer is the same text */
    if (exe == now || !c->root_view) return 0;
    if (now && umount2("/proc", MNT_DETACH) != 0)
        return rn_fail_errno(err, "removing what stands in for /proc");
    now = NULL;
    if (!exe) return 0;
    if (mount("tmpfs", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "size=64k,nr_inodes=16,mode=0755") != 0)
        return rn_fail_errno(err, "what stands in for /proc");
    now = exe;
    /* The C library looks for the main thread's stack there, and what lies below it. */
    static const char stack[] = "7fe000000000-7ff000000000 ---p 00000000 00:00 0\n"
                                "7ff000000000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n";
    int fd = mkdir("/proc/self", 0755) == 0 ? creat("/proc/self/maps", 0444) : -1;
    bool ok = fd >= 0 && write(fd, stack, sizeof stack - 1) == (ssize_t)sizeof stack - 1;
    if (fd >= 0) close(fd);
    if (!ok || symlink(exe, "/proc/self/exe") != 0 ||
        mount(NULL, "/proc", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
              NULL) != 0)
        return rn_fail_errno(err, "filling what stands in for /proc");
    return 0;
}

void rn_confine_leave(rn_confine *c)
{
    if (c->tmpfs || !c->base_dir || chdir("/") != 0) return;
    remove_tree(c->base_dir);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Whether a process can be cloned into a pid namespace of its own. */
static bool pid_ns_works(void)
{
    struct clone_args args = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) _exit(getpid() == 1 ? 0 : 1);
    int status = 1;
    if (pid < 0 || waitpid((pid_t)pid, &status, 0) < 0) return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Ways to be confined by namespaces, the strongest first. */
typedef enum ns_level {
    NS_USER_FIRST, /* anybody: a user namespace, in it the others and the view */
    NS_ROOT_USER,  /* root: the view, then a user namespace, in which its mounts are locked */
    NS_ROOT,       /* root where user namespaces are refused: children become nobody */
    NS_NO_VIEW,    /* root where nothing can be mounted: no network, no other processes */
    N_NS_LEVELS
} ns_level;

static int enter_level(const rn_wire_config *cfg, rn_confine *c, ns_level level, rn_err *err)
{
    const int no_files = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, all = CLONE_NEWNS | no_files;
    if (level == NS_USER_FIRST ? !enter_user_ns(c, all)
                               : unshare(level == NS_NO_VIEW ? no_files : all) != 0)
        return rn_fail_errno(err, "namespaces");
    c->other_ns = true;
    c->drop_uid = level == NS_ROOT || level == NS_NO_VIEW;
    if (level != NS_NO_VIEW) {
        int rc = build_view(cfg->venv, err);
        if (rc) return rc;
        c->root_view = true;
        if (level == NS_ROOT_USER && (!become_nobody() || !enter_user_ns(c, CLONE_NEWNS)))
            return rn_fail_errno(err, "user namespace");
        rc = mount_work(c, err);
        if (rc) return rc;
    }
    c->pid_ns = pid_ns_works();
    return 0;
}

/* Whether the level can be had, found out in a process of its own: what was entered half cannot be
 * left again. */
static bool level_works(const rn_wire_config *cfg, const rn_confine *c, ns_level level)
{
    pid_t pid = fork();
    if (pid == 0) {
        rn_confine trial = *c;
        _exit(enter_level(cfg, &trial, level, NULL) ? 1 : 0);
    }
    int status = 1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int enter_namespaces(const rn_wire_config *cfg, rn_confine *c, rn_err *err)
{
    const bool user_ns = !(cfg->without & RN_WITHOUT_USERNS), root = geteuid() == 0;
    for (ns_level l = 0; l < N_NS_LEVELS; l++) {
        if (root == (l == NS_USER_FIRST) || (!user_ns && l <= NS_ROOT_USER)) continue;
        if (level_works(cfg, c, l)) return enter_level(cfg, c, l, err);
    }
    return 0;
}

/* The outer /proc. In a chroot without one root can have it all the same. */
static int open_proc(void)
{
    int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && faccessat(fd, "self/stat", R_OK, 0) == 0) return fd;
    if (fd >= 0) close(fd);
    int fs = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
    if (fs < 0) return -1;
    fd = -1;
    if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    close(fs);
    return fd;
}

static void describe(rn_confine *c)
{
    rn_buf b = {0};
    if (c->other_ns)
        rn_buf_printf(&b, "ns:%s%s%snet,ipc,uts ", c->user_ns ? "user," : "",
                      c->root_view ? "mnt," : "", c->pid_ns ? "pid," : "");
    if (c->seccomp) rn_buf_puts(&b, "seccomp ");
    if (c->landlock) rn_buf_printf(&b, "landlock:%d ", c->landlock);
    if (c->cg_memory || c->cg_pids || c->cg_cpu)
        rn_buf_printf(&b, "cgroup:%s%s ", c->cg_v2 ? "v2" : "v1",
                      c->cg_memory && c->cg_pids && c->cg_cpu ? "" : "(part)");
    rn_buf_puts(&b, "rlimit");
    snprintf(c->level, sizeof c->level, "%s", rn_buf_ok(&b) ? b.data : "");
    rn_buf_free(&b);
}

/* Files must be out of a program's reach twice over or by a view that does not hold them. */
static int check_strength(const rn_wire_config *cfg, const rn_confine *c, rn_err *err)
{
    if (c->proc_fd < 0 && !(c->cg_memory && c->cg_pids && c->cg_cpu))
        return rn_fail(err, RN_ESANDBOX,
                       "there is no /proc here, by which limits are measured: mount it (mount -t "
                       "proc proc /proc)");
    if (c->root_view || (c->landlock && c->seccomp) || cfg->allow_weak) return 0;
    return rn_fail(err, RN_ESANDBOX,
                   "neither namespaces nor %s can be had here: judged programs could reach this "
                   "user's files. Allow user namespaces (sysctl user.max_user_namespaces, "
                   "kernel.unprivileged_userns_clone=1, "
                   "kernel.apparmor_restrict_unprivileged_userns=0) or accept it with --allow-weak",
                   c->seccomp ? "Landlock" : "a system-call filter");
}

int rn_confine_enter(const rn_wire_config *cfg, rn_confine *c, rn_err *err)
{
    memset(c, 0, sizeof *c);
    c->landlock_fd = c->cg_cpu_fd = c->cg_oom_fd = c->cg_pids_fd = -1;
    c->cg_full_fd = -1;
    c->cg_memory_max_fd = c->cg_pids_max_fd = -1;
    c->roomy = cfg->has_tree;
    c->proc_fd = open_proc();
    if (!(cfg->without & RN_WITHOUT_CGROUP)) join_cgroups(cfg, c);
    if (!(cfg->without & RN_WITHOUT_NS)) {
        int rc = enter_namespaces(cfg, c, err);
        if (rc) return RN_ESANDBOX;
    }
    if (!c->root_view) {
        c->drop_uid = geteuid() == 0;
        int rc = make_work_dir(c, err);
        if (rc) return rc;
    }
    if (c->root_view && cfg->venv[0]) {
        int rc = rn_python_move_site(cfg->venv, RN_VIEW_SITE, err);
        if (rc) return rc;
    }
    rn_filter_prepare(c, cfg);
    int weak = check_strength(cfg, c, err);
    if (weak) return weak;
    describe(c);
    return 0;
}
