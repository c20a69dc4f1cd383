/*
 * process.c: fork and exec with a process group and a parent-death signal; see process.h.
 *
 * posix_spawn cannot set the latter, so that fork is used; between fork and exec only calls that
 * are safe in the child of a threaded process are made.
 */
#include "run/process.h"

#include "base/clock.h"
#include "base/file.h"
#include "run/stage.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 5, MAX_SAID = 1 << 20 };

static bool is_left_out(const char *variable, const rn_process_call *c)
{
    for (const char *const *w = c->without; w && *w; w++) {
        size_t n = strcspn(*w, "*");
        if (strncmp(variable, *w, n) == 0 && ((*w)[n] == '*' || variable[n] == '=')) return true;
    }
    for (const char *const *w = c->with; w && *w; w++)
        if (strncmp(variable, *w, strcspn(*w, "=") + 1) == 0) return true;
    return false;
}

typedef RN_VEC(char *) words;

/* The environment that the child gets, borrowed; NULL-terminated. */
static int choose_environment(const rn_process_call *c, words *out, rn_err *err)
{
    for (char **e = environ; *e; e++)
        if (!is_left_out(*e, c)) rn_vec_push(out, *e);
    for (const char *const *w = c->with; w && *w; w++)
        rn_vec_push(out, (char *)(uintptr_t)*w);
    rn_vec_push(out, NULL);
    return rn_vec_ok(out) ? 0 : rn_nomem(err, c->argv[0]);
}

/* In the child: never returns. What goes wrong is errno, sent through `tell`. */
static void become(const rn_process_call *c, char **env, const int fd[2], pid_t parent)
{
    const int out_fd = fd[0], tell = fd[1];
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
        dup2(out_fd, 2) == 2 && (!c->dir || chdir(c->dir) == 0))
        execvpe(c->argv[0], (char *const *)(uintptr_t)c->argv, env);
    int why = errno;
    while (write(tell, &why, sizeof why) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

/* False also where a folder of PATH is closed to this user: execvpe says EACCES then, of a program
 * that is nowhere. */
static bool is_on_path(const char *name)
{
    const char *dirs = getenv("PATH");
    if (strchr(name, '/') || !dirs) return true;
    for (size_t len; *dirs; dirs += len + (dirs[len] == ':')) {
        rn_path file;
        len = strcspn(dirs, ":");
        if (rn_file_exists(rn_path_make(&file, "%.*s/%s", (int)len, dirs, name))) return true;
    }
    return false;
}

int rn_process_start(rn_process *p, const rn_process_call *c, int out_fd, rn_err *err)
{
    int tell[2];
    words env = {0};
    *p = (rn_process){0};
    int rc = choose_environment(c, &env, err);
    if (!rc && pipe2(tell, O_CLOEXEC)) rc = rn_fail_errno(err, "cannot start %s", c->argv[0]);
    if (rc) {
        rn_vec_free(&env);
        return rc;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) become(c, env.data, (const int[]){out_fd, tell[1]}, parent);
    int why = errno;
    rn_vec_free(&env);
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
    if (c->dir && access(c->dir, X_OK))
        return rn_fail_errno(err, "cannot start %s in %s", c->argv[0], c->dir);
    errno = why;
    if (why == ENOENT || (why == EACCES && !is_on_path(c->argv[0])))
        return rn_fail(err, RN_ENOTFOUND, "%s: no such program on this machine (PATH)", c->argv[0]);
    return rn_fail_errno(err, "cannot start %s", c->argv[0]);
}

bool rn_process_wait(rn_process *p, int timeout_ms)
{
    int64_t until = rn_now_ns() + (int64_t)timeout_ms * 1000000;
    while (p->pid > 0) {
        siginfo_t seen = {0};
        int bad =
            waitid(P_PID, (id_t)p->pid, &seen, WEXITED | WNOWAIT | (timeout_ms < 0 ? 0 : WNOHANG));
        if (bad && errno == EINTR) return false; /* a signal: the caller looks what it means */
        if (bad || seen.si_pid == p->pid) {
            /* While it is not reaped the number of its group is nobody else's. */
            kill(-p->pid, SIGKILL);
            waitpid(p->pid, &p->status, 0);
            p->pid = 0;
            break;
        }
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
    rn_process_signal(p, SIGTERM);
    int64_t until = rn_now_ns() + (int64_t)grace_ms * 1000000;
    while (!rn_process_wait(p, 50) && rn_now_ns() < until)
        continue;
    rn_process_signal(p, SIGKILL);
    while (!rn_process_wait(p, -1))
        continue;
}

int rn_process_code(const rn_process *p)
{
    return WIFSIGNALED(p->status) ? 128 + WTERMSIG(p->status) : WEXITSTATUS(p->status);
}

static void read_said(int fd, rn_buf *said)
{
    char chunk[4096];
    ssize_t n;
    rn_buf_clear(said);
    while (said->len < MAX_SAID && (n = pread(fd, chunk, sizeof chunk, (off_t)said->len)) > 0)
        rn_buf_add(said, chunk, (size_t)n);
}

static int wait_for_it(rn_process *p, const rn_process_call *c, int fd, rn_err *err)
{
    for (int64_t until = rn_now_ns() + (int64_t)c->timeout_ms * 1000000; rn_now_ns() < until;) {
        if (rn_process_wait(p, 10 * LOOK_MS)) return 0;
        if (c->enough) read_said(fd, c->said);
        if (c->enough && c->said->len && strstr(c->said->data, c->enough)) {
            rn_process_end(p, 100);
            return 0;
        }
        if (c->watch && rn_watch_check(c->watch, err)) {
            rn_process_end(p, 100);
            return RN_ECANCELLED;
        }
    }
    rn_process_end(p, 100);
    return rn_fail(err, RN_ELIMIT, "%s does not answer within %d s", c->argv[0],
                   c->timeout_ms / 1000);
}

int rn_process_run(rn_process_call *c, rn_err *err)
{
    rn_buf_clear(c->said);
    int fd = memfd_create("output", MFD_CLOEXEC);
    if (fd < 0) return rn_fail_errno(err, "cannot start %s", c->argv[0]);
    rn_process p;
    int rc = rn_process_start(&p, c, fd, err);
    if (!rc) rc = wait_for_it(&p, c, fd, err);
    if (!rc) c->code = rn_process_code(&p);
    if (!rc) read_said(fd, c->said);
    close(fd);
    while (c->said->len && c->said->data[c->said->len - 1] == '\n')
        c->said->data[--c->said->len] = '\0';
    if (!rc && !rn_buf_ok(c->said))
        rc = rn_fail(err, RN_ENOMEM, "%s: out of memory for its output", c->argv[0]);
    return rc;
}
