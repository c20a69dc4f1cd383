/*
 * host_confine.c: puts the host into its own namespaces with a read-only view of the system.
 *
 * As root: build the view with root's rights, become nobody, then enter a user namespace, in which
 * the mounts of the view are locked. As anybody else: enter the user namespace first. Where user
 * namespaces are refused, root keeps to the others and lets each child become nobody.
 *
 * The view is a tmpfs with bind mounts of /usr, /lib..., a few files of /etc, five devices and the
 * virtual environment; there is no /proc, /home, /root, /var, /sys. /tmp is a tmpfs of this host,
 * the programs' working folder. Two programs never meet in it: it is looked at before each run
 * (free blocks and inodes, mode and change time of its root) and mounted anew if anything is
 * different.
 */
#include "judge/host.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

/* By [room for copies of a working folder][the children are other users than the host]. */
static const char *const tmpfs_options[2][2] = {
    {"size=64m,nr_inodes=4096,mode=0700", "size=64m,nr_inodes=4096,mode=0777"},
    {"size=2g,nr_inodes=400000,mode=0700", "size=2g,nr_inodes=400000,mode=0777"}};

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
static const char *const etc_paths[] = {"etc/ld.so.cache", "etc/localtime", "etc/alternatives"};
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
    snprintf(absolute, sizeof absolute, "/%s", path);
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
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return rn_fail_errno(err, "making mounts private");
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
    if (symlink("/tmp", "dev/shm") != 0) return rn_fail_errno(err, "/dev/shm");
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
    return 0;
}

static int mount_work(rn_confine *c, rn_err *err)
{
    snprintf(c->work_dir, sizeof c->work_dir, "/tmp");
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV,
              tmpfs_options[c->commands][c->drop_uid]) != 0)
        return rn_fail_errno(err, "a tmpfs as working folder");
    c->tmpfs = true;
    return remember_work(c, err);
}

static int make_work_dir(rn_confine *c, rn_err *err)
{
    snprintf(c->work_dir, sizeof c->work_dir, "/tmp/ration-judge-XXXXXX");
    if (!mkdtemp(c->work_dir)) return rn_fail_errno(err, "working folder");
    if (c->drop_uid && chown(c->work_dir, NOBODY, NOBODY) != 0)
        return rn_fail_errno(err, "working folder %s", c->work_dir);
    return remember_work(c, err);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    if (ftw->level > 0) remove(path);
    return 0;
}

static bool work_untouched(void)
{
    struct stat st;
    struct statfs fs;
    if (stat("/tmp", &st) != 0 || statfs("/tmp", &fs) != 0) return false;
    return st.st_dev == work_stat.st_dev && st.st_ctim.tv_sec == work_stat.st_ctim.tv_sec &&
           st.st_ctim.tv_nsec == work_stat.st_ctim.tv_nsec && st.st_mode == work_stat.st_mode &&
           fs.f_bfree == work_statfs.f_bfree && fs.f_ffree == work_statfs.f_ffree;
}

int rn_confine_clean(rn_confine *c, rn_err *err)
{
    if (c->tmpfs) {
        if (work_untouched()) return 0;
        if (chdir("/") != 0 || umount2("/tmp", MNT_DETACH) != 0)
            return rn_fail(err, RN_ESANDBOX, "the working folder cannot be renewed");
        int rc = mount_work(c, err);
        rn_filter_renew(c);
        return rc ? RN_ESANDBOX : 0;
    }
    if (work_stat.st_ctim.tv_sec == 0) return 0;
    nftw(c->work_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    chmod(c->work_dir, 0700);
    return remember_work(c, err);
}

void rn_confine_leave(rn_confine *c)
{
    if (c->tmpfs || !c->work_dir[0]) return;
    nftw(c->work_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    rmdir(c->work_dir);
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

static int enter_namespaces(const rn_wire_config *cfg, rn_confine *c, rn_err *err)
{
    const int others = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    bool user_ns = !(cfg->without & RN_WITHOUT_USERNS);
    if (geteuid() == 0 && unshare(others) == 0) {
        int rc = build_view(cfg->venv, err);
        if (rc) return rc;
        c->root_view = true;
        if (user_ns && become_nobody()) enter_user_ns(c, CLONE_NEWNS);
        c->drop_uid = geteuid() == 0;
        if (!c->user_ns && !c->drop_uid)
            return rn_fail(err, RN_ESANDBOX,
                           "user namespaces are refused; raise /proc/sys/user/max_user_namespaces");
    } else {
        if (!user_ns || !enter_user_ns(c, others)) return 0;
        int rc = build_view(cfg->venv, err);
        if (rc) return rc;
        c->root_view = true;
    }
    int rc = mount_work(c, err);
    if (rc) return rc;
    c->pid_ns = pid_ns_works();
    return 0;
}

static void describe(rn_confine *c)
{
    rn_buf b = {0};
    if (c->root_view)
        rn_buf_printf(&b, "ns:%smnt,%snet,ipc,uts ", c->user_ns ? "user," : "",
                      c->pid_ns ? "pid," : "");
    if (c->seccomp) rn_buf_puts(&b, "seccomp ");
    if (c->landlock) rn_buf_printf(&b, "landlock:%d ", c->landlock);
    if (c->cg_memory || c->cg_pids || c->cg_cpu)
        rn_buf_printf(&b, "cgroup:%s%s ", c->cg_v2 ? "v2" : "v1",
                      c->cg_memory && c->cg_pids && c->cg_cpu ? "" : "(part)");
    rn_buf_puts(&b, "rlimit");
    snprintf(c->level, sizeof c->level, "%s", rn_buf_ok(&b) ? b.data : "");
    rn_buf_free(&b);
}

int rn_confine_enter(const rn_wire_config *cfg, rn_confine *c, rn_err *err)
{
    memset(c, 0, sizeof *c);
    c->landlock_fd = c->cg_cpu_fd = c->cg_oom_fd = c->cg_pids_fd = -1;
    c->cg_memory_max_fd = c->cg_pids_max_fd = -1;
    c->commands = cfg->has_tree;
    c->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    c->null_in_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (c->null_in_fd < 0) return rn_fail_errno(err, "/dev/null");
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
    if (!c->root_view && !c->seccomp && !cfg->allow_weak)
        return rn_fail(
            err, RN_ESANDBOX,
            "neither namespaces nor a system-call filter can be had here: judged programs "
            "would run unconfined. Allow user namespaces (sysctl "
            "user.max_user_namespaces, kernel.unprivileged_userns_clone=1, "
            "kernel.apparmor_restrict_unprivileged_userns=0) or accept it with "
            "--allow-weak");
    describe(c);
    return 0;
}
