/*
 * process.c: fork and exec with a process group and a parent-death signal; see process.h.
 *
 * posix_spawn cannot set the latter, so that fork is used; between fork and exec only calls that
 * are safe in the child of a threaded process are made.
 */
#include "run/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 5, MAX_SAID = 1 << 20 };

/* In the child: never returns. What goes wrong is errno, sent through `tell`. */
static void become(const char *const *argv, int out_fd, int tell, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (getppid() == parent && null >= 0 && dup2(null, 0) == 0 && dup2(out_fd, 1) == 1 &&
        dup2(out_fd, 2) == 2)
        execvp(argv[0], (char *const *)(uintptr_t)argv);
    int why = errno;
    while (write(tell, &why, sizeof why) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

int rn_process_start(rn_process *p, const char *const *argv, int out_fd, rn_err *err)
{
    int tell[2];
    *p = (rn_process){0};
    if (pipe2(tell, O_CLOEXEC)) return rn_fail_errno(err, "cannot start %s", argv[0]);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) become(argv, out_fd, tell[1], parent);
    int why = errno;
    close(tell[1]);
    ssize_t n = 0;
    if (pid > 0) {
        setpgid(pid, pid); /* here too: it must be true before the first signal */
        while ((n = read(tell[0], &why, sizeof why)) < 0 && errno == EINTR)
            continue;
    }
    close(tell[0]);
    if (pid > 0 && n == 0) {
        p->pid = pid;
        return 0;
    }
    if (pid > 0) waitpid(pid, NULL, 0);
    errno = why;
    if (why == ENOENT)
        return rn_fail(err, RN_ENOTFOUND, "%s: no such program on this machine (PATH)", argv[0]);
    return rn_fail_errno(err, "cannot start %s", argv[0]);
}

bool rn_process_wait(rn_process *p, int timeout_ms)
{
    int64_t until = rn_now_ns() + (int64_t)timeout_ms * 1000000;
    while (p->pid > 0) {
        pid_t got = waitpid(p->pid, &p->status, timeout_ms < 0 ? 0 : WNOHANG);
        if (got == p->pid || (got < 0 && errno != EINTR)) {
            p->pid = 0;
            break;
        }
        if (got < 0) return false; /* a signal: the caller looks what it means */
        if (rn_now_ns() >= until) return false;
        struct timespec nap = {.tv_nsec = LOOK_MS * 1000000};
        nanosleep(&nap, NULL);
    }
    return true;
}

void rn_process_signal(const rn_process *p, int sig)
{
    if (p->pid > 0) kill(-p->pid, sig);
}

void rn_process_end(rn_process *p, int grace_ms)
{
    pid_t group = p->pid;
    if (group <= 0) return;
    rn_process_signal(p, SIGTERM);
    int64_t until = rn_now_ns() + (int64_t)grace_ms * 1000000;
    while (!rn_process_wait(p, 50) && rn_now_ns() < until)
        continue;
    kill(-group, SIGKILL); /* also what the leader left behind */
    while (!rn_process_wait(p, -1))
        continue;
}

int rn_process_code(const rn_process *p)
{
    return WIFSIGNALED(p->status) ? 128 + WTERMSIG(p->status) : WEXITSTATUS(p->status);
}

int rn_process_run(rn_process_call *c, rn_err *err)
{
    rn_buf_clear(c->said);
    int fd = memfd_create("output", MFD_CLOEXEC);
    if (fd < 0) return rn_fail_errno(err, "cannot start %s", c->argv[0]);
    rn_process p;
    int rc = rn_process_start(&p, c->argv, fd, err);
    if (!rc && !rn_process_wait(&p, c->timeout_ms)) {
        rn_process_end(&p, 100);
        rc = rn_fail(err, RN_ELIMIT, "%s does not answer within %d s", c->argv[0],
                     c->timeout_ms / 1000);
    }
    if (!rc) c->code = rn_process_code(&p);
    char chunk[4096];
    ssize_t n;
    off_t at = 0;
    while (!rc && at < MAX_SAID && (n = pread(fd, chunk, sizeof chunk, at)) > 0) {
        rn_buf_add(c->said, chunk, (size_t)n);
        at += n;
    }
    close(fd);
    while (c->said->len && c->said->data[c->said->len - 1] == '\n')
        c->said->data[--c->said->len] = '\0';
    if (!rc && !rn_buf_ok(c->said))
        rc = rn_fail(err, RN_ENOMEM, "%s: out of memory for its output", c->argv[0]);
    return rc;
}
