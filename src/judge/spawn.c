/*
 * spawn.c: one host process: found, spawned, greeted, fed, ended.
 *
 * posix_spawn starts it (no fork handlers, safe in a threaded program) with an environment of its
 * own: what the judged program sees of the caller's is nothing. The host ends by itself when the
 * socket closes, so that even a killed caller leaves no process behind.
 */
#include "judge/spawn.h"

#include "base/clock.h"
#include "base/file.h"
#include "judge/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST_FD = 3, START_MS = 60000, END_MS = 2000 };

static char program_name[] = "ration-judge-host";

static bool try_path(char out[RN_WIRE_PATH], const char *dir, int dir_len, const char *rest)
{
    int n = snprintf(out, RN_WIRE_PATH, "%.*s%s%s", dir_len, dir, rest, program_name);
    return n < RN_WIRE_PATH && access(out, X_OK) == 0;
}

int rn_host_find(const char *given, char out[RN_WIRE_PATH], rn_err *err)
{
    if (!given) given = getenv("RATION_JUDGE_HOST");
    if (given) {
        snprintf(out, RN_WIRE_PATH, "%s", given);
        if (access(out, X_OK) == 0) return 0;
        return rn_fail_errno(err, "judge host %s", given);
    }
    char exe[RN_WIRE_PATH];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    const char *as_called = (const char *)getauxval(AT_EXECFN); /* where there is no /proc */
    if (n <= 0 && as_called) snprintf(exe, sizeof exe, "%s", as_called);
    const char *slash = strrchr(exe, '/');
    int len = slash ? (int)(slash - exe) : 0;
    if (slash && (try_path(out, exe, len, "/") || try_path(out, exe, len, "/../") ||
                  try_path(out, exe, len, "/../libexec/ration/")))
        return 0;
    if (try_path(out, "", 0, "/usr/local/libexec/ration/") ||
        try_path(out, "", 0, "/usr/libexec/ration/"))
        return 0;
    return rn_fail(err, RN_ENOTFOUND,
                   "%s is neither beside %s nor in ../libexec/ration; build it with make, or set "
                   "RATION_JUDGE_HOST to its path",
                   program_name, exe);
}

static int spawn(rn_host *h, const char *path, int child_fd, rn_err *err)
{
    char fd_text[16];
    snprintf(fd_text, sizeof fd_text, "%d", HOST_FD);
    char *const argv[] = {program_name, fd_text, NULL};
    static char env_path[] = "PATH=/usr/bin:/bin", env_lang[] = "LANG=C.UTF-8",
                env_home[] = "HOME=/tmp", env_tmp[] = "TMPDIR=/tmp",
                env_now[] = "LD_BIND_NOW=1", /* resolved once, not in every child */
        /* a sanitized host ends by _exit, and a judged program's crash is its own */
        env_asan[] = "ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_abort=0:"
                     "handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:quarantine_size_mb=8";
    char *const env[] = {env_path, env_lang, env_home, env_tmp, env_now, env_asan, NULL};
    posix_spawn_file_actions_t acts;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&acts);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&acts, child_fd, HOST_FD);
    if (h->tree_fd >= 0) posix_spawn_file_actions_adddup2(&acts, h->tree_fd, RN_WIRE_TREE_FD);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    /* A Ctrl-C for the command must not end a program half judged, or a host half started. */
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                        POSIX_SPAWN_SETPGROUP);
    int e = posix_spawn(&h->pid, path, &acts, &attr, argv, env);
    posix_spawn_file_actions_destroy(&acts);
    posix_spawnattr_destroy(&attr);
    if (!e) return 0;
    h->pid = 0;
    errno = e;
    return rn_fail_errno(err, "starting %s", path);
}

int rn_host_start(rn_host *h, const char *path, rn_err *err)
{
    int sv[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0)
        return rn_fail_errno(err, "socket to the judge host");
    rn_cgroup_make(&h->config);
    int rc = spawn(h, path, sv[1], err);
    close(sv[1]);
    h->fd = sv[0];
    h->in_len = h->out_at = 0;
    h->n_jobs = h->n_aside = 0;
    rn_buf_clear(&h->out);
    rn_buf_clear(&h->text);
    if (rc) rn_host_stop(h);
    return rc;
}

int rn_host_ready(rn_host *h, rn_err *err)
{
    struct pollfd p = {.fd = h->fd, .events = POLLIN};
    int rc = rn_wire_write(h->fd, &h->config, sizeof h->config);
    int n = 0;
    while (!rc && (n = poll(&p, 1, START_MS)) < 0 && errno == EINTR)
        continue; /* a Ctrl-C is for the caller, who asks for it when the host stands */
    if (!rc && n != 1) rc = RN_EIO;
    if (!rc) rc = rn_wire_read(h->fd, &h->hello, sizeof h->hello);
    if (rc)
        return rn_fail(
            err, RN_ESANDBOX,
            "the judge host does not start (is it of this build, and libpython present?)");
    if (h->hello.magic != RN_WIRE_MAGIC)
        return rn_fail(err, RN_EVERSION, "ration-judge-host is of another build; run make again");
    h->hello.level[sizeof h->hello.level - 1] = '\0';
    h->hello.python[sizeof h->hello.python - 1] = '\0';
    h->hello.text[sizeof h->hello.text - 1] = '\0';
    if (h->hello.code) return rn_fail(err, h->hello.code, "sandbox: %s", h->hello.text);
    int flags = fcntl(h->fd, F_GETFL);
    if (flags < 0 || fcntl(h->fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return rn_fail_errno(err, "socket to the judge host");
    return 0;
}

static bool wait_end(pid_t pid, int ms)
{
    int64_t until = rn_now_ns() + (int64_t)ms * 1000000;
    for (;;) {
        pid_t r = waitpid(pid, NULL, WNOHANG);
        if (r == pid || (r < 0 && errno == ECHILD)) return true;
        if (rn_now_ns() > until) return false;
        usleep(1000);
    }
}

void rn_host_stop(rn_host *h)
{
    if (h->fd >= 0) close(h->fd);
    h->fd = -1;
    if (h->pid > 0 && !wait_end(h->pid, END_MS)) {
        kill(h->pid, SIGKILL); /* its children die with it: PR_SET_PDEATHSIG */
        waitpid(h->pid, NULL, 0);
    }
    h->pid = 0;
    h->n_jobs = h->n_aside = 0;
    rn_buf_clear(&h->out);
    rn_cgroup_remove(&h->config);
}

int rn_host_send(rn_host *h)
{
    while (h->out_at < h->out.len) {
        ssize_t n = send(h->fd, h->out.data + h->out_at, h->out.len - h->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : RN_EIO;
        h->out_at += (size_t)n;
    }
    rn_buf_clear(&h->out);
    h->out_at = 0;
    return 0;
}

int rn_host_receive(rn_host *h, bool *got)
{
    *got = false;
    while (h->in_len < sizeof h->in) {
        ssize_t n = recv(h->fd, (char *)&h->in + h->in_len, sizeof h->in - h->in_len, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : RN_EIO;
        if (n == 0) return RN_EIO;
        h->in_len += (size_t)n;
    }
    if (h->in.magic != RN_WIRE_MAGIC || h->in.text_bytes > RN_WIRE_MAX_JOB_BYTES) return RN_EIO;
    while (h->text.len < h->in.text_bytes) {
        char part[65536];
        size_t left = (size_t)h->in.text_bytes - h->text.len;
        ssize_t n = recv(h->fd, part, left < sizeof part ? left : sizeof part, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : RN_EIO;
        if (n == 0) return RN_EIO;
        rn_buf_add(&h->text, part, (size_t)n);
        if (!rn_buf_ok(&h->text)) return RN_ENOMEM;
    }
    h->in_len = 0;
    *got = true;
    return 0;
}
