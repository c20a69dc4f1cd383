/*
 * bench_remote.c: how close the client comes to what a server can give. A server of one process of
 * its own answers each request 20 ms after it came; 5,000 requests with 256 in flight take 0.39 s at
 * the least, connecting not counted. Prints one line per run and the median: requests per second,
 * share of the ideal rate, processor time of the client, peak memory. Limits: 80 %, 200 MB.
 *   bench_remote [URL MODEL]     another server instead, whose delay is taken for 20 ms
 */
#include "base/clock.h"
#include "remote/remote.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUESTS = 5000, IN_FLIGHT = 256, DELAY_MS = 20, RUNS = 7, MAX_FD = 2048, HEAD = 65536 };

static void die(const char *what)
{
    fprintf(stderr, "bench_remote: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the server ------------------------------------------------------------------------------ */

typedef struct connection {
    char *buf; /* [HEAD] */
    size_t len;
} connection;

static connection conns[MAX_FD];
static struct {
    int fd;
    int64_t due_ns;
} waiting[MAX_FD]; /* a ring in order of time: the delay is the same for all */
static unsigned first, last;

/* Takes whole requests off a connection's buffer; each is answered later. */
static void take_requests(int fd)
{
    connection *c = &conns[fd];
    for (;;) {
        c->buf[c->len] = '\0';
        char *end = strstr(c->buf, "\r\n\r\n"), *length = strcasestr(c->buf, "content-length:");
        if (!end || !length) return;
        size_t need = (size_t)(end - c->buf) + 4 + strtoul(length + 15, NULL, 10);
        if (c->len < need) return;
        memmove(c->buf, c->buf + need, c->len - need);
        c->len -= need;
        waiting[last % MAX_FD].fd = fd;
        waiting[last++ % MAX_FD].due_ns = rn_now_ns() + (int64_t)DELAY_MS * 1000000;
    }
}

static void answer_due(const char *answer, size_t len)
{
    int64_t now = rn_now_ns();
    for (; first != last && waiting[first % MAX_FD].due_ns <= now; first++)
        if (send(waiting[first % MAX_FD].fd, answer, len, MSG_NOSIGNAL) != (ssize_t)len)
            die("server: send");
}

static void serve(int listener)
{
    static const char body[] =
        "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"bench\","
        "\"choices\":[{\"index\":0,\"text\":\"    return sorted(x for x in values if x > "
        "0)[:n]\\n\","
        "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":140,"
        "\"completion_tokens\":19,\"total_tokens\":159,\"prompt_tokens_details\":"
        "{\"cached_tokens\":128}}}";
    char answer[1024];
    int len =
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                 "\r\n%s",
                 sizeof body - 1, body);
    int ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, got[256];
    if (epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev)) die("server: epoll");
    for (;;) {
        int64_t left = first != last ? waiting[first % MAX_FD].due_ns - rn_now_ns() : 1000000000;
        if (left < 0) left = 0;
        struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        int n = epoll_pwait2(ep, got, 256, &t, NULL);
        for (int i = 0; i < n; i++) {
            int fd = got[i].data.fd, one = 1;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (fd < 0 || fd >= MAX_FD) die("server: accept");
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                if (!conns[fd].buf) conns[fd].buf = malloc(HEAD);
                conns[fd].len = 0;
                ev.data.fd = fd;
                epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
                continue;
            }
            connection *c = &conns[fd];
            ssize_t r = recv(fd, c->buf + c->len, HEAD - 1 - c->len, 0);
            if (r <= 0) {
                close(fd);
                continue;
            }
            c->len += (size_t)r;
            take_requests(fd);
        }
        answer_due(answer, (size_t)len);
    }
}

static pid_t start_server(char *url, size_t cap)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        die("server: listen");
    snprintf(url, cap, "http://127.0.0.1:%d/v1", ntohs(at.sin_port));
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return pid;
}

/* ---- the client ------------------------------------------------------------------------------ */

static double one_run(const char *url, const char *model)
{
    rn_remote_opts o = {.url = url, .model = model, .in_flight = IN_FLIGHT};
    rn_remote *r;
    rn_err err;
    static const rn_sampling s = {.temperature = 0.8, .top_p = 0.95, .max_tok = 512};
    rn_buf prompt = {0};
    while (prompt.len < 450)
        rn_buf_puts(&prompt, "def positive(values, n):\n    \"\"\"The n smallest.\"\"\"\n");
    if (rn_remote_open(&o, &r, &err)) {
        fprintf(stderr, "bench_remote: %s\n", err.msg);
        exit(1);
    }
    int64_t from = rn_now_ns(), cpu = rn_cpu_ns();
    int64_t asked = 0, answered = 0;
    while (answered < REQUESTS) {
        for (; asked < REQUESTS && rn_remote_pending(r) < 2 * IN_FLIGHT; asked++) {
            rn_remote_request q = {.tag = (uint64_t)asked,
                                   .prompt = rn_buf_view(&prompt),
                                   .sampling = &s,
                                   .n = 1,
                                   .seed = asked};
            if (rn_remote_submit(r, &q, &err)) die(err.msg);
        }
        rn_remote_answer a;
        int rc = rn_remote_wait(r, 1000, &a, &err);
        if (rc < 0 || (rc == 1 && a.rc)) {
            fprintf(stderr, "bench_remote: %s\n", rc < 0 ? err.msg : a.err.msg);
            exit(1);
        }
        answered += rc;
    }
    double seconds = (double)(rn_now_ns() - from) * 1e-9;
    double ideal = (double)IN_FLIGHT * 1000 / DELAY_MS, rate = REQUESTS / seconds;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("%8.0f /s %6.1f %% of %.0f, %.1f us of processor time each, peak %.1f MB\n", rate,
           100 * rate / ideal, ideal, (double)(rn_cpu_ns() - cpu) * 1e-3 / REQUESTS,
           (double)u.ru_maxrss / 1000);
    rn_remote_close(r);
    rn_buf_free(&prompt);
    return rate / ideal;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    char url[64];
    pid_t pid = argc > 2 ? 0 : start_server(url, sizeof url);
    printf("%d requests, %d in flight, answers after %d ms\n", REQUESTS, IN_FLIGHT, DELAY_MS);
    double share[RUNS];
    for (int i = 0; i < RUNS; i++)
        share[i] = one_run(argc > 2 ? argv[1] : url, argc > 2 ? argv[2] : "bench");
    qsort(share, RUNS, sizeof *share, by_value);
    printf("median %.1f %%\n", 100 * share[RUNS / 2]);
    if (pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return 0;
}
