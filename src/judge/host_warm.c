/*
 * host_warm.c: warm copies of the host with one large package imported.
 *
 * Importing numpy takes 60 ms and torch a second, more than a thousand programs' worth of judging.
 * A program whose source imports such a package is handed to a copy of the host that has imported
 * it once. The copy is forked when the first such program comes, after confinement, so that it
 * lives in the same namespaces and cgroup; it speaks the host's own protocol over a socket pair and
 * works only while the host waits for it: never two programs at a time.
 *
 * A package that starts threads when imported cannot be forked safely; then, and where it is not
 * installed, programs run in the plain host and import for themselves.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 60000, MAX_DEATHS = 16, START_ROOM = 512 << 20 };

typedef struct warm {
    const char *package;
    pid_t pid; /* 0: not started */
    int fd;
    int n_deaths;
    bool unusable;
} warm;

/* Those that import others first: a program goes to the first it mentions. */
static warm copies[] = {{.package = "torch"}, {.package = "sklearn"}, {.package = "pandas"},
                        {.package = "scipy"}, {.package = "sympy"},   {.package = "matplotlib"},
                        {.package = "numpy"}};
enum { N_COPIES = sizeof copies / sizeof *copies };

static bool in_copy; /* this process is one: it makes none itself */

/* True if the source says "import NAME" or "from NAME". */
static bool imports(rn_bytes source, const char *name)
{
    char words[2][64];
    snprintf(words[0], sizeof words[0], "import %s", name);
    snprintf(words[1], sizeof words[1], "from %s", name);
    for (int i = 0; i < 2; i++) {
        size_t at = rn_bytes_find(source, rn_bytes_of(words[i]), 0);
        if (at == SIZE_MAX) continue;
        size_t end = at + strlen(words[i]);
        char next = end < source.len ? source.data[end] : '\n';
        if (!Py_ISALNUM(next) && next != '_') return true;
    }
    return false;
}

static bool single_threaded(const rn_confine *c)
{
    int fd = openat(c->proc_fd, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) return false;
    int n = 0;
    for (const struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') n++;
    closedir(d);
    return n == 1;
}

static int64_t resident_bytes(void)
{
    struct rusage ru;
    return getrusage(RUSAGE_SELF, &ru) == 0 ? (int64_t)ru.ru_maxrss * 1024 : 0;
}

/* In the copy: imports, reports its size (negative: unusable), serves until the host is gone. */
static _Noreturn void be_copy(const rn_confine *c, const char *package, int fd)
{
    in_copy = true;
    rn_secret_lost();
    rn_worker_lost();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    PyObject *m = PyImport_ImportModule(package);
    bool ok = m && rn_python_settle(NULL) == 0 && single_threaded(c);
    if (ok) rn_pages_settle(c);
    int64_t bytes = ok ? resident_bytes() : -1;
    if (write(fd, &bytes, sizeof bytes) != (ssize_t)sizeof bytes || !ok) _exit(1);
    rn_watch_overhead(bytes - START_ROOM, 0);
    rn_watch_library(fd);
    rn_host_serve(fd);
    _exit(0);
}

static void discard(warm *w)
{
    if (w->pid) {
        close(w->fd);
        kill(w->pid, SIGKILL);
        waitpid(w->pid, NULL, 0);
    }
    w->pid = 0;
}

static void start(const rn_confine *c, warm *w, int library_fd)
{
    int sv[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0) return;
    rn_watch_overhead(START_ROOM, 1); /* room while it imports; its real size follows */
    pid_t pid = fork();
    if (pid == 0) {
        close(library_fd);
        close(sv[0]);
        be_copy(c, w->package, sv[1]);
    }
    close(sv[1]);
    w->pid = pid;
    w->fd = sv[0];
    if (pid < 0) {
        close(sv[0]);
        w->pid = 0;
        w->unusable = true;
        return;
    }
    int64_t bytes = -1;
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    if (poll(&p, 1, START_MS) != 1 || rn_wire_read(w->fd, &bytes, sizeof bytes) || bytes < 0) {
        discard(w);
        w->unusable = true;
        bytes = 0;
    }
    rn_watch_overhead(bytes - START_ROOM, w->pid ? 0 : -1);
}

/* Waits for the copy's result; RN_ECANCELLED when the library goes first. */
static int await(const warm *w, int library_fd, rn_wire_result *out)
{
    struct pollfd p[2] = {{.fd = w->fd, .events = POLLIN}, {.fd = library_fd, .events = 0}};
    for (;;) {
        if (poll(p, 2, -1) < 0) continue;
        if (p[1].revents) return RN_ECANCELLED;
        if (p[0].revents) return rn_wire_read(w->fd, out, sizeof *out);
    }
}

int rn_warm_run(const rn_confine *c, const rn_wire_job *head, rn_bytes body, rn_bytes program,
                int library_fd, rn_wire_result *out)
{
    if (in_copy || !c->pid_ns || c->proc_fd < 0) return RN_ENOTFOUND;
    warm *w = NULL;
    for (int i = 0; !w && i < N_COPIES; i++) {
        if (copies[i].unusable || !imports(program, copies[i].package)) continue;
        if (!copies[i].pid) start(c, &copies[i], library_fd);
        if (copies[i].pid) w = &copies[i];
    }
    if (!w) return RN_ENOTFOUND;
    rn_wire_job whole = *head; /* it is not set aside there */
    whole.may_wait = false;
    int rc = rn_wire_write(w->fd, &whole, sizeof whole);
    if (!rc) rc = rn_wire_write(w->fd, body.data, body.len);
    if (!rc) rc = await(w, library_fd, out);
    rn_watch_overhead(0, 0); /* the copy has set limits of its own: ours are to be set again */
    if (!rc || rc == RN_ECANCELLED) return rc;
    discard(w); /* a program ended it: the next one finds a new copy */
    w->unusable = ++w->n_deaths >= MAX_DEATHS;
    return RN_ENOTFOUND;
}
