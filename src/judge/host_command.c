/*
 * host_command.c: a COMMAND job: a shell command in a private copy of a working folder, in which
 * one file has been replaced. Exit status 0 of the command is a pass.
 *
 * The child is init of its pid namespace and stays in charge: it unpacks the copy, starts the
 * command as a process of its own, keeps the tail of what it prints, answers its attempts to reach
 * the network with a refusal that is counted (seccomp's user notification), reaps what is orphaned,
 * and writes the record when the command itself has ended. It cannot be killed, traced or read from
 * inside, so the record says what really happened; but the command runs the candidate's code with
 * the candidate's own tests beside it, and nothing here can tell an honest exit status from one
 * that the candidate brought about (docs/SANDBOX.md).
 */
#include "judge/host.h"

#include "judge/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TAIL = 1 << 16, REAP_MS = 200, DRAIN_READS = 64, NOT_FOUND = 127, NOT_EXECUTABLE = 126 };

static rn_bytes tree;      /* the packed folder, mapped read-only */
static char work_dir[256]; /* the sandbox's writable folder, "/tmp" where there is a view */

int rn_command_start(int fd, rn_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return rn_fail_errno(err, "the working folder's copy");
    tree.len = (size_t)st.st_size;
    void *at = tree.len ? mmap(NULL, tree.len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (at == MAP_FAILED) return rn_fail_errno(err, "mapping the working folder's copy");
    tree.data = at;
    return 0;
}

/* ---- the private copy ------------------------------------------------------------------------ */

static bool write_candidate(const rn_judge_job *job)
{
    unlink(job->entry); /* a link is replaced, not followed; its permissions are kept */
    int fd = open(job->entry, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    for (size_t at = 0; at < job->program.len;) {
        ssize_t n = write(fd, job->program.data + at, job->program.len - at);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) at += (size_t)n;
    }
    return close(fd) == 0;
}

bool rn_command_home(void)
{
    return getcwd(work_dir, sizeof work_dir) != NULL;
}

static bool make_copy(const rn_judge_job *job)
{
    struct stat st;
    if (!rn_command_home() || mkdir("work", 0755) != 0 || !rn_tree_unpack(tree, "work") ||
        chdir("work") != 0)
        return false;
    if (!job->entry) return true; /* the folder as it is */
    bool had = lstat(job->entry, &st) == 0 && S_ISREG(st.st_mode);
    return write_candidate(job) && (!had || chmod(job->entry, st.st_mode & 0777) == 0);
}

/* ---- the command's process ------------------------------------------------------------------- */

static _Noreturn void run_shell(const rn_shell *s, int out)
{
    static char command[1 << 16], home[sizeof work_dir + 8], tmp[sizeof work_dir + 8];
    if (snprintf(command, sizeof command, "%s", s->text) >= (int)sizeof command)
        _exit(NOT_EXECUTABLE);
    int in = s->streams ? 0 : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0 || dup2(in, 0) < 0 || (!s->streams && dup2(out, 1) < 0) || dup2(out, 2) < 0)
        _exit(NOT_EXECUTABLE);
    setpgid(0, 0); /* kill(0, ...) reaches only what the command itself started */
    snprintf(home, sizeof home, "HOME=%s", work_dir);
    snprintf(tmp, sizeof tmp, "TMPDIR=%s", work_dir);
    static char shell[] = "/bin/sh", option[] = "-c", path[] = "PATH=/usr/local/bin:/usr/bin:/bin",
                lang[] = "LANG=C.UTF-8", user[] = "USER=nobody", term[] = "TERM=dumb";
    char *const argv[] = {shell, option, command, NULL};
    char *const env[] = {path, home, tmp, lang, user, term, NULL};
    execve(shell, argv, env);
    _exit(NOT_FOUND);
}

/* ---- what it prints -------------------------------------------------------------------------- */

static char tail[TAIL]; /* the newest bytes, from tail_at round */
static int64_t n_printed;

static void keep(const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tail[(size_t)(n_printed + (int64_t)i) % TAIL] = data[i];
    n_printed += (int64_t)n;
}

/* False at the end of the stream. */
static bool take_output(int fd)
{
    char buf[65536];
    ssize_t n = read(fd, buf, sizeof buf);
    if (n > 0) keep(buf, (size_t)n);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool rn_command_printed(const char *text)
{
    static char straight[TAIL];
    size_t have = n_printed < TAIL ? (size_t)n_printed : TAIL;
    for (size_t i = 0; i < have; i++)
        straight[i] = tail[(size_t)(n_printed - (int64_t)(have - i)) % TAIL];
    return rn_bytes_find((rn_bytes){straight, have}, rn_bytes_of(text), 0) != SIZE_MAX;
}

void rn_command_tail(char *out, size_t cap)
{
    size_t have = n_printed < TAIL ? (size_t)n_printed : TAIL;
    size_t n = have < cap - 1 ? have : cap - 1;
    for (size_t i = 0; i < n; i++) {
        char c = tail[(size_t)(n_printed - (int64_t)(n - i)) % TAIL];
        bool control = (unsigned char)c < ' ' && c != '\n' && c != '\t';
        out[i] = control || c == 127 ? ' ' : c;
    }
    out[n] = '\0';
    size_t bad = 0;
    while (!rn_utf8_valid(rn_bytes_of(out), &bad))
        out[bad] = '?';
    const char *line = n < have ? strchr(out, '\n') : NULL; /* the first line is cut */
    if (line && line[1]) memmove(out, line + 1, strlen(line + 1) + 1);
    for (size_t end = strlen(out); end && strchr(" \t\n", out[end - 1]);)
        out[--end] = '\0';
}

/* ---- attempts to reach the network ----------------------------------------------------------- */

static int64_t n_network;

/* Refuses one call of socket(); only those for the internet are counted. */
static void refuse_socket(int listener)
{
    const int64_t family = rn_forks_answer(listener, false);
    if (family == AF_INET || family == AF_INET6) n_network++;
}

/* ---- until its end --------------------------------------------------------------------------- */

/* Takes the status of every process that ended. True when the command itself has. */
static bool reap(pid_t main_pid, int *status)
{
    bool ended = false;
    int st;
    for (pid_t p; (p = waitpid(-1, &st, WNOHANG)) > 0;) {
        if (p != main_pid) continue;
        *status = st;
        ended = true;
    }
    return ended;
}

/* False when it printed more than it may. */
static bool watch_command(pid_t pid, int out, int listener, int64_t output_limit, int *status)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool open_end = true;
    while (!reap(pid, status)) {
        struct pollfd p[3] = {{.fd = open_end ? out : -1, .events = POLLIN},
                              {.fd = listener, .events = POLLIN},
                              {.fd = pidfd, .events = POLLIN}};
        if (poll(p, 3, REAP_MS) <= 0) continue;
        if (p[0].revents) open_end = take_output(out);
        if (p[1].revents & POLLIN) refuse_socket(listener);
        if (p[1].revents & (POLLHUP | POLLERR)) listener = -1;
        if (n_printed > output_limit) return false;
    }
    fcntl(out, F_SETFL, O_NONBLOCK); /* what it left in the pipe; its children may hold the end */
    for (int i = 0; i < DRAIN_READS; i++) {
        int64_t before = n_printed;
        if (!take_output(out) || n_printed == before) break;
    }
    return n_printed <= output_limit;
}

/* The last line of the output, which usually says why. */
static const char *last_line(const char *text)
{
    const char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

static rn_verdict verdict_of(int status)
{
    if (WIFSIGNALED(status)) return RN_V_CRASHED;
    switch (WEXITSTATUS(status)) {
    case 0: return RN_V_PASSED;
    case NOT_EXECUTABLE:
    case NOT_FOUND: return RN_V_EXCEPTION;
    default: return RN_V_WRONG;
    }
}

/* What a shell or a tool says when no further process could be made. */
static bool process_limit_text(const char *text)
{
    return strstr(text, "Cannot fork") || strstr(text, "Resource temporarily unavailable");
}

/* The same for memory, where an allocation was refused. */
static bool memory_limit_text(const char *text)
{
    return strstr(text, "MemoryError") || strstr(text, "Cannot allocate memory") ||
           strstr(text, "std::bad_alloc") || strstr(text, "OutOfMemoryError") ||
           strstr(text, "heap out of memory");
}

rn_verdict rn_command_limit(const char *output)
{
    return process_limit_text(output)  ? RN_V_PROCESS_LIMIT
           : memory_limit_text(output) ? RN_V_MEMORY_LIMIT
                                       : RN_N_VERDICTS;
}

static void describe(int status, rn_record *r)
{
    char what[64];
    if (WIFSIGNALED(status))
        snprintf(what, sizeof what, "signal %d (%.40s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(what, sizeof what, "exit status %d", WEXITSTATUS(status));
    char net[96] = "";
    if (n_network)
        snprintf(net, sizeof net, "; it asked for the network %lld %s, which the sandbox refuses",
                 (long long)n_network, rn_plural(n_network, "time", "times"));
    const char *line = last_line(r->output);
    snprintf(r->detail, sizeof r->detail, "%s%s%s%.90s", what, net, *line ? ": " : "", line);
    size_t bad = 0;
    while (!rn_utf8_valid(rn_bytes_of(r->detail), &bad))
        r->detail[bad] = '\0';
}

int rn_command_shell(const rn_shell *s, int *status, bool *within)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) != 0) return RN_STEP_START;
    pid_t pid = fork();
    if (pid < 0) return RN_STEP_START;
    if (pid == 0) run_shell(s, pipe_fd[1]);
    close(pipe_fd[1]);
    *within = watch_command(pid, pipe_fd[0], s->listener, s->output_limit, status);
    return 0;
}

int rn_command_run(const rn_task *task, int listener, rn_record *r)
{
    const rn_judge_job *job = task->job;
    static char text[1 << 16];
    r->failed_case = -1;
    if (job->n_cases != 1 || job->cases[0].input.len >= sizeof text || !make_copy(job))
        return RN_STEP_COPY;
    memcpy(text, job->cases[0].input.data, job->cases[0].input.len);
    const rn_shell s = {
        .text = text, .listener = listener, .output_limit = job->limits.output_bytes};
    int status = 0;
    bool within;
    int step = rn_command_shell(&s, &status, &within);
    if (step) return step;
    rn_command_tail(r->output, sizeof r->output);
    rn_verdict v = within ? verdict_of(status) : RN_V_OUTPUT_LIMIT;
    rn_verdict limit = v == RN_V_WRONG ? rn_command_limit(r->output) : RN_N_VERDICTS;
    if (limit != RN_N_VERDICTS) v = limit;
    if (v != RN_V_PASSED && within) describe(status, r);
    r->verdict = (int32_t)v;
    r->n_run = 1;
    r->n_passed = v == RN_V_PASSED;
    if (v != RN_V_PASSED) r->failed_case = 0;
    return 0;
}
