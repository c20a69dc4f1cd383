/*
 * host_stream.c: the standard streams of a run.
 *
 * Every run has descriptors of its own: locks, owners, flags, times and sizes of a stream that two
 * programs shared would carry data from one to the other. Input is a file of memory (STDIO) or
 * the end of a pipe that cannot be read. Output is wanted in STDIO, RECORD and KEYS and is a
 * file of memory there; elsewhere, and all that goes to the standard error, it is read from a pipe
 * and dropped, as the official harnesses do, until it is far more than a program prints.
 */
#include "judge/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DRAIN = 1 << 16, GENEROUS = 16 };

static int drain_fd = -1; /* the end that the host reads */
static int64_t n_dropped;
static void *output_map;
static size_t output_len;

static int new_memory(int as, rn_err *err)
{
    int fd = memfd_create("stream", MFD_CLOEXEC);
    if (fd < 0 || dup2(fd, as) < 0) return rn_fail_errno(err, "standard stream %d", as);
    if (fd != as) close(fd);
    return 0;
}

int rn_stream_start(rn_err *err)
{
    int rc = 0;
    for (int fd = 0; !rc && fd < 3; fd++)
        rc = new_memory(fd, err);
    return rc;
}

static int feed_input(const rn_task *task, rn_err *err)
{
    int rc = new_memory(0, err);
    if (rc) return rc;
    rn_bytes in = task->job->cases[task->case_no].input;
    for (size_t at = 0; at < in.len;) {
        ssize_t n = pwrite(0, in.data + at, in.len - at, (off_t)at);
        if (n <= 0) return rn_fail_errno(err, "standard input of %zu bytes", in.len);
        at += (size_t)n;
    }
    return 0;
}

/* Whether the host wants the standard output. */
static bool is_kept(const rn_task *task)
{
    const rn_judge_mode m = task->job->mode;
    return m == RN_JUDGE_STDIO || m == RN_JUDGE_RECORD || m == RN_JUDGE_KEYS;
}

int rn_stream_open(const rn_task *task, rn_streams *s, rn_err *err)
{
    if (output_map) munmap(output_map, output_len);
    output_map = NULL;
    output_len = 0;
    n_dropped = 0;
    const bool stdio = task->job->mode == RN_JUDGE_STDIO;
    int rc = !stdio ? 0 : task->many ? new_memory(0, err) : feed_input(task, err);
    if (!rc && is_kept(task)) rc = new_memory(1, err);
    if (rc) return rc;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return rn_fail_errno(err, "a pipe for output");
    drain_fd = ends[0];
    s->child_fd = ends[1];
    s->poll_fd = ends[0];
    if (fcntl(drain_fd, F_SETFL, O_NONBLOCK) != 0) return rn_fail_errno(err, "a pipe for output");
    return 0;
}

/* The view's /dev/stdin is a link to this file: only a program that names it has it. */
static bool make_dev_stdin(const rn_task *task)
{
    if (rn_bytes_find(task->job->program, rn_bytes_of("/dev/stdin"), 0) == SIZE_MAX) return true;
    off_t at = 0, len = lseek(0, 0, SEEK_END);
    int fd = mkdir(".in", 0755) == 0 || errno == EEXIST
                 ? open(".in/stdin", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
                 : -1;
    while (fd >= 0 && at < len && sendfile(fd, 0, &at, (size_t)(len - at)) > 0)
        continue;
    if (fd >= 0) close(fd);
    return lseek(0, 0, SEEK_SET) == 0 && at == len;
}

bool rn_stream_enter(const rn_task *task, const rn_streams *s)
{
    const bool stdio = task->job->mode == RN_JUDGE_STDIO;
    if (stdio && !make_dev_stdin(task)) return false;
    if (dup2(s->child_fd, 2) < 0 || (!is_kept(task) && dup2(s->child_fd, 1) < 0)) return false;
    /* A standard input that cannot be read; /dev/null is one file for all programs, locks and all.
     */
    return stdio || dup2(s->child_fd, 0) == 0;
}

bool rn_stream_drain(const rn_task *task, rn_streams *s)
{
    static char buf[DRAIN];
    ssize_t n = read(s->poll_fd, buf, sizeof buf);
    if (n > 0) n_dropped += n;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) s->poll_fd = -1;
    return n_dropped <= GENEROUS * task->job->limits.output_bytes;
}

int64_t rn_stream_allowed(const rn_task *task)
{
    const rn_judge_job *job = task->job;
    int64_t all = job->limits.output_bytes;
    if (job->mode != RN_JUDGE_STDIO) return all;
    if (!task->many) return all + 4 * (int64_t)job->cases[task->case_no].expected.len;
    for (size_t i = 0; i < job->n_cases; i++) /* the child itself writes the inputs to a file */
        all += 4 * (int64_t)job->cases[i].expected.len + (int64_t)job->cases[i].input.len;
    return all;
}

void rn_stream_close(rn_streams *s)
{
    if (s->child_fd >= 0) close(s->child_fd);
    if (drain_fd >= 0) close(drain_fd);
    drain_fd = s->child_fd = s->poll_fd = -1;
}

rn_streams_kept rn_stream_keep(void)
{
    const rn_streams_kept k = {.drain_fd = drain_fd, .n_dropped = n_dropped, .files = {-1, -1}};
    drain_fd = -1;
    return k;
}

bool rn_stream_stay(const rn_task *task, rn_streams_kept *k)
{
    const bool files = task->job->mode == RN_JUDGE_STDIO;
    *k = rn_stream_keep();
    for (int fd = 0; files && fd < 2; fd++)
        if ((k->files[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0) return false;
    return true;
}

bool rn_stream_turn(const rn_streams_kept *k, rn_streams *s)
{
    if (output_map) munmap(output_map, output_len);
    output_map = NULL;
    output_len = 0;
    drain_fd = k->drain_fd;
    n_dropped = 0;
    *s = (rn_streams){.child_fd = -1, .poll_fd = drain_fd};
    static char rest[DRAIN]; /* of the last program */
    while (read(drain_fd, rest, sizeof rest) > 0)
        continue;
    if (k->files[0] < 0) return true;
    return dup2(k->files[0], 0) == 0 && dup2(k->files[1], 1) == 1 && ftruncate(1, 0) == 0 &&
           lseek(1, 0, SEEK_SET) == 0;
}

void rn_stream_end(rn_streams_kept *k)
{
    if (k->drain_fd >= 0) close(k->drain_fd);
    for (int fd = 0; fd < 2; fd++)
        if (k->files[fd] >= 0) close(k->files[fd]);
    *k = (rn_streams_kept){.drain_fd = -1, .files = {-1, -1}};
}

void rn_stream_go_on(rn_streams_kept k)
{
    drain_fd = k.drain_fd;
    n_dropped = k.n_dropped;
}

int64_t rn_stream_printed(const rn_task *task)
{
    off_t out = is_kept(task) ? lseek(1, 0, SEEK_END) : 0;
    return out > 0 ? out : 0;
}

int rn_watch_output(rn_bytes *out, rn_err *err)
{
    off_t len = lseek(1, 0, SEEK_END);
    *out = (rn_bytes){0};
    if (len <= 0) return 0;
    output_map = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, 1, 0);
    if (output_map == MAP_FAILED) {
        output_map = NULL;
        return rn_fail_errno(err, "reading %lld bytes of output", (long long)len);
    }
    output_len = (size_t)len;
    *out = (rn_bytes){.data = output_map, .len = output_len};
    return 0;
}
