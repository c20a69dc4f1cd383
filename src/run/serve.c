/*
 * serve.c: one thread starts the server, watches it and starts it again; see serve.h.
 *
 * The server dies with the thread that started it (process.h), which lives until rn_serve_close:
 * so no server outlives a ration that is killed. Requests that are in flight when it dies fail and
 * are repeated by src/remote, as after any lost connection.
 */
#include "run/serve.h"

#include "base/clock.h"
#include "base/file.h"
#include "run/process.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOOK_MS = 100,
    ASK_MS = 2000,
    GRACE_MS = 10000,
    TAIL_BYTES = 300, /* of the log, in messages */
    MAX_LOG = 1 << 28,
};

typedef enum state { STARTING, READY, GIVEN_UP } state;

struct rn_serve {
    char *command, *url, *log;
    int n_restarts;
    double wait_s;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    state state;
    bool closing;
    int n_deaths;
    rn_err why; /* when given up */
};

/* ---- words ----------------------------------------------------------------------------------- */

/* A port that nothing listens on just now; 0: none. */
static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
        getsockname(fd, (struct sockaddr *)&a, &len) == 0)
        port = ntohs(a.sin_port);
    if (fd >= 0) close(fd);
    return port;
}

static void put_with_port(rn_buf *out, const char *text, int port)
{
    static const char mark[] = "{port}";
    for (const char *p = text; *p;) {
        if (strncmp(p, mark, sizeof mark - 1) == 0) {
            rn_buf_printf(out, "%d", port);
            p += sizeof mark - 1;
        } else {
            rn_buf_putc(out, *p++);
        }
    }
}

/* ---- the server ------------------------------------------------------------------------------ */

static size_t drop(char *data, size_t size, size_t n, void *user)
{
    (void)data, (void)user;
    return size * n;
}

/* True when it answers with anything but an error of its own: 503 is "still loading". */
static bool answers(const char *url)
{
    CURL *c = curl_easy_init();
    if (!c) return false;
    long status = 0;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)ASK_MS);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
    bool ok = curl_easy_perform(c) == CURLE_OK &&
              curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status > 0 &&
              status < 500;
    curl_easy_cleanup(c);
    return ok;
}

/* The end of the log on one line: why it died, in its own words. */
static void last_words(const char *path, char *out, size_t size)
{
    rn_buf text = {0};
    out[0] = '\0';
    if (rn_file_read(path, MAX_LOG, &text, NULL) == 0 && text.len) {
        size_t from = text.len > TAIL_BYTES ? text.len - TAIL_BYTES : 0;
        snprintf(out, size, "%s", text.data + from);
        for (char *p = out; *p; p++)
            if ((unsigned char)*p < 0x20) *p = ' ';
    }
    rn_buf_free(&text);
}

static bool closing(rn_serve *s)
{
    pthread_mutex_lock(&s->lock);
    bool yes = s->closing;
    pthread_mutex_unlock(&s->lock);
    return yes;
}

static void enter(rn_serve *s, state next)
{
    pthread_mutex_lock(&s->lock);
    s->state = next;
    pthread_mutex_unlock(&s->lock);
}

static void give_up(rn_serve *s, const char *what)
{
    char words[TAIL_BYTES + 1];
    last_words(s->log, words, sizeof words);
    pthread_mutex_lock(&s->lock);
    rn_fail(&s->why, RN_ENET, "the server of --serve %s; the end of %.80s: %s", what, s->log,
            words[0] ? words : "(empty)");
    s->state = GIVEN_UP;
    pthread_mutex_unlock(&s->lock);
}

static int start(rn_serve *s, rn_process *p, rn_err *err)
{
    rn_buf line = {0};
    /* The shell gets SIGTERM when this thread dies, and hands it to all of its group. */
    rn_buf_printf(&line, "trap 'trap - TERM; kill 0' TERM; { %s\n} & wait $!", s->command);
    int fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int rc = 0;
    if (fd < 0) rc = rn_fail_errno(err, "%s", s->log);
    if (!rc && !rn_buf_ok(&line)) rc = rn_nomem(err, "server");
    const char *const argv[] = {"/bin/sh", "-c", line.data, NULL};
    if (!rc) rc = rn_process_start(p, &(rn_process_call){.argv = argv}, fd, err);
    if (fd >= 0) close(fd);
    rn_buf_free(&line);
    return rc;
}

/* One life of the server: true when another should follow. */
static bool live(rn_serve *s)
{
    rn_process p;
    rn_err why = {0};
    if (start(s, &p, &why)) {
        give_up(s, why.msg);
        return false;
    }
    int64_t until = rn_now_ns() + (int64_t)(s->wait_s * 1e9);
    bool ready = false;
    while (!closing(s) && !rn_process_wait(&p, LOOK_MS)) {
        if (ready) continue;
        ready = answers(s->url);
        if (ready) enter(s, READY);
        if (!ready && rn_now_ns() > until) {
            rn_process_end(&p, GRACE_MS);
            give_up(s, "does not answer in time (--serve-wait)");
            return false;
        }
    }
    bool over = closing(s);
    rn_process_end(&p, GRACE_MS);
    if (over) return false;
    pthread_mutex_lock(&s->lock);
    s->state = STARTING;
    bool again = ++s->n_deaths <= s->n_restarts;
    pthread_mutex_unlock(&s->lock);
    char what[64];
    snprintf(what, sizeof what, "ended with status %d", rn_process_code(&p));
    if (!again) give_up(s, what);
    return again;
}

static void *watch(void *user)
{
    rn_serve *s = user;
    while (live(s))
        continue;
    return NULL;
}

/* ---- for the command ------------------------------------------------------------------------- */

static int wait_ready(rn_serve *s, const rn_serve_opts *o, rn_err *err)
{
    for (;;) {
        pthread_mutex_lock(&s->lock);
        state now = s->state;
        pthread_mutex_unlock(&s->lock);
        if (now == READY) return 0;
        if (now == GIVEN_UP) return rn_serve_check(s, err);
        if (o->should_stop && o->should_stop(o->user))
            return rn_fail(err, RN_ECANCELLED, "stopped while the server starts");
        struct timespec nap = {.tv_nsec = LOOK_MS * 1000000};
        nanosleep(&nap, NULL);
    }
}

/* Fills in what the thread reads; the port stands in command, URL and model alike. */
static int prepare(rn_serve *s, const rn_serve_opts *o, rn_buf *model, rn_err *err)
{
    rn_buf command = {0}, url = {0}, log = {0};
    int port = free_port();
    if (!port) return rn_fail_errno(err, "no free port for the server");
    put_with_port(&command, o->command, port);
    put_with_port(model, o->model, port);
    size_t len = strcspn(model->data ? model->data : "", "#");
    rn_buf_printf(&url, "%.*s/models", (int)len, model->data ? model->data : "");
    if (o->log)
        rn_buf_puts(&log, o->log);
    else
        rn_buf_printf(&log, "serve-%ld.log", (long)getpid());
    s->n_restarts = o->n_restarts;
    s->wait_s = o->wait_s;
    bool ok = rn_buf_ok(model);
    ok &= (s->command = rn_buf_take(&command)) != NULL;
    ok &= (s->url = rn_buf_take(&url)) != NULL;
    ok &= (s->log = rn_buf_take(&log)) != NULL;
    return ok ? 0 : rn_nomem(err, "server");
}

static void free_serve(rn_serve *s)
{
    pthread_mutex_destroy(&s->lock);
    free(s->command);
    free(s->url);
    free(s->log);
    free(s);
}

int rn_serve_open(const rn_serve_opts *o, rn_serve **out, rn_buf *model, rn_err *err)
{
    rn_serve *s = calloc(1, sizeof *s);
    if (!s) return rn_nomem(err, "server");
    pthread_mutex_init(&s->lock, NULL);
    rn_buf_clear(model);
    int rc = prepare(s, o, model, err);
    if (!rc && (errno = pthread_create(&s->thread, NULL, watch, s)))
        rc = rn_fail_errno(err, "no thread for the server");
    if (rc) {
        free_serve(s);
        return rc;
    }
    rc = wait_ready(s, o, err);
    if (rc)
        rn_serve_close(s);
    else
        *out = s;
    return rc;
}

int rn_serve_check(rn_serve *s, rn_err *err)
{
    pthread_mutex_lock(&s->lock);
    int rc = s->state == GIVEN_UP ? s->why.code : 0;
    if (rc && err) *err = s->why;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void rn_serve_close(rn_serve *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    free_serve(s);
}
