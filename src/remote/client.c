/*
 * client.c: the handle: requests on their way through curl's multi interface over epoll, so that
 * the work for one answer does not grow with the number in flight.
 *
 * queue -> active (a curl handle each, at most in_flight) -> done, or -> waiting -> active again.
 * Connections are kept and reused; over TLS HTTP/2 is asked for, where many requests share one.
 */
#include "remote/remote_priv.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    CONNECT_MS = 15000,
    MAX_BODY_BYTES = 64 << 20,
    BUFFER_BYTES = 16384,
    MAX_EVENTS = 128,
    OTHER_FILES = 32, /* store, locks, standard streams, ... */
    SLICE_MS = 200    /* how long a blocking call waits before it asks should_stop */
};

/* ---- lists ----------------------------------------------------------------------------------- */

static void push(rn_ask_list *l, rn_ask *a)
{
    a->next = NULL;
    if (l->tail)
        l->tail->next = a;
    else
        l->head = a;
    l->tail = a;
    l->n++;
}

static rn_ask *pop(rn_ask_list *l)
{
    rn_ask *a = l->head;
    if (!a) return NULL;
    l->head = a->next;
    if (!l->head) l->tail = NULL;
    l->n--;
    return a;
}

/* Takes the first for which `fits` holds. */
static rn_ask *take(rn_ask_list *l, bool (*fits)(const rn_ask *a, int64_t x), int64_t x)
{
    rn_ask *before = NULL;
    for (rn_ask *a = l->head; a; before = a, a = a->next) {
        if (!fits(a, x)) continue;
        if (before)
            before->next = a->next;
        else
            l->head = a->next;
        if (l->tail == a) l->tail = before;
        l->n--;
        return a;
    }
    return NULL;
}

static bool is_due(const rn_ask *a, int64_t now)
{
    return a->due_ns <= now;
}
static bool is_internal(const rn_ask *a, int64_t want)
{
    return a->internal == (want != 0);
}

static void free_list(rn_ask_list *l)
{
    rn_ask *a;
    while ((a = pop(l)))
        rn_ask_free(a);
}

/* ---- what curl calls ------------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    (void)easy;
    rn_remote *r = user;
    struct epoll_event ev = {.data.fd = fd};
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(r->epoll_fd, EPOLL_CTL_DEL, fd, &ev);
        return 0;
    }
    if (what & CURL_POLL_IN) ev.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) ev.events |= EPOLLOUT;
    int op = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(r->epoll_fd, op, fd, &ev) && errno == EEXIST)
        epoll_ctl(r->epoll_fd, EPOLL_CTL_MOD, fd, &ev);
    if (!known) curl_multi_assign(r->multi, fd, r);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *user)
{
    (void)multi;
    rn_remote *r = user;
    r->timer_ns = ms < 0 ? -1 : rn_now_ns() + (int64_t)ms * 1000000;
    return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    rn_ask *a = user;
    size_t len = size * n;
    if (a->in.len + len > (size_t)a->form.max_bytes) {
        a->too_large = true;
        return 0;
    }
    rn_buf_add(&a->in, data, len);
    return a->in.failed ? 0 : len;
}

/* The value of "Name: value" without the line's end, into out; false if it is another header. */
static bool header_is(const char *line, size_t len, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);
    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0) return false;
    const char *from = line + n + 1, *end = line + len;
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    size_t w = 0;
    for (; from < end && w + 1 < cap && (unsigned char)*from >= ' ' && (unsigned char)*from < 0x7f;
         from++)
        out[w++] = *from;
    out[w] = '\0';
    return true;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    rn_ask *a = user;
    size_t len = size * n;
    char v[64];
    if (header_is(line, len, "Retry-After", v, sizeof v))
        a->retry_after_ms = rn_retry_after_ms(v, (int64_t)time(NULL));
    char to[2000];
    if (header_is(line, len, "Location", to, sizeof to)) {
        rn_blot(a->form.secrets, to); /* a query comes back with it; before it is cut */
        snprintf(a->location, sizeof a->location, "%.*s", (int)sizeof a->location - 1, to);
    }
    return len;
}

/* Programs that a caller starts must not inherit connections. */
static int on_open_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user;
    (void)purpose;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return CURL_SOCKOPT_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"://127.0.0.1", "://localhost", "://[::1]"};
    const char *at = strstr(url, "://");
    for (size_t i = 0; at && i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t n = strlen(hosts[i]);
        if (strncasecmp(at, hosts[i], n) == 0 && strchr(":/", at[n])) return true;
    }
    return false;
}

static CURL *new_easy(rn_remote *r)
{
    CURL *c = curl_easy_init();
    if (!c) return NULL;
    bool tls = strncmp(r->url, "https:", 6) == 0;
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ration/" RN_VERSION);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, ""); /* not asked for, but understood */
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_PIPEWAIT, tls ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(r->timeout_ms < CONNECT_MS ? r->timeout_ms : CONNECT_MS));
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, on_open_socket);
    if (r->ca_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    if (is_loopback(r->url)) curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    return c;
}

static bool keep_secret(rn_remote *r, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    bool kept = copy && rn_vec_push(&r->secrets, copy);
    if (!kept) free(copy);
    /* cppcheck-suppress memleak ; the vector owns it */
    return kept;
}

/* A server shows an address as it was sent: the value is noted as it stands there, too. */
int rn_remote_add_secret(rn_remote *r, const char *value, rn_err *err)
{
    char *sent = curl_easy_escape(NULL, value, 0);
    bool kept = keep_secret(r, value) && sent && (!strcmp(sent, value) || keep_secret(r, sent));
    if (sent) explicit_bzero(sent, strlen(sent));
    curl_free(sent);
    return kept ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a client");
}

/* A key of the user's as a header. */
static int set_key(rn_remote *r, const char *key_env, rn_err *err)
{
    const char *key = getenv(key_env);
    if (!key || !*key)
        return rn_fail(err, RN_ENOTFOUND,
                       "the environment variable %s, which is to hold the key, is not set",
                       key_env);
    for (const char *p = key; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return rn_fail(err, RN_EINVAL,
                           "the environment variable %s holds a space or another character that no "
                           "key has",
                           key_env);
    rn_buf line = {0};
    rn_buf_printf(&line, "Authorization: Bearer %s", key);
    int rc = rn_remote_add_secret(r, key, err);
    struct curl_slist *h = rn_buf_ok(&line) ? curl_slist_append(r->headers, line.data) : NULL;
    if (line.data) explicit_bzero(line.data, line.len);
    rn_buf_free(&line);
    r->has_key = h != NULL;
    return rc ? rc : h ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a client");
}

/* The headers that every request has, and the user's fields and parameters. */
static int set_extras(rn_remote *r, const rn_remote_opts *o, rn_err *err)
{
    struct curl_slist *h = curl_slist_append(NULL, "Content-Type: application/json");
    if (h) r->headers = h;
    h = h ? curl_slist_append(h, "Expect:") : NULL; /* no round trip before a long prompt */
    h = h ? curl_slist_append(h, "Accept-Encoding:") : NULL;
    r->headers_said = json_object();
    r->query_said = json_object();
    if (!h || !r->headers_said || !r->query_said)
        return rn_fail(err, RN_ENOMEM, "out of memory for a client");
    int rc = o->key_env ? set_key(r, o->key_env, err) : 0;
    if (!rc && o->body) rc = rn_fields_extra(o->body, &r->extra, err);
    for (size_t i = 0; !rc && i < o->n_headers; i++)
        rc = rn_remote_add_header(r, o->headers[i], err);
    for (size_t i = 0; !rc && i < o->n_query; i++)
        rc = rn_remote_add_query(r, o->query[i], err);
    return rc;
}

static int check_opts(const rn_remote_opts *o, rn_err *err)
{
    rn_buf whole = {0}, url = {0}, model = {0};
    rn_buf_printf(&whole, "%s#%s", o->url ? o->url : "", o->model ? o->model : "");
    int rc = rn_buf_ok(&whole) ? rn_remote_url_split(whole.data, &url, &model, err)
                               : rn_fail(err, RN_ENOMEM, "out of memory for a client");
    rn_buf_free(&whole);
    rn_buf_free(&url);
    rn_buf_free(&model);
    if (rc) return rc;
    if (o->in_flight < 0 || o->in_flight > RN_REMOTE_MAX_IN_FLIGHT)
        return rn_fail(err, RN_EINVAL, "%d requests in flight; 1 to %d", o->in_flight,
                       RN_REMOTE_MAX_IN_FLIGHT);
    struct rlimit files;
    int64_t need = (o->in_flight ? o->in_flight : RN_REMOTE_IN_FLIGHT) + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < (rlim_t)need)
        return rn_fail(
            err, RN_ELIMIT,
            "%d requests in flight need up to %lld open files, and this process may have "
            "%lld: fewer --in-flight, or more by `ulimit -n`",
            o->in_flight, (long long)need, (long long)files.rlim_cur);
    if (o->retry_wait_ms < 0 || o->timeout_ms < 0 || o->max_body_bytes < 0 || o->retries > 100)
        return rn_fail(err, RN_EINVAL, "a wait, time or size below 0, or more than 100 retries");
    if (o->ca_file && !rn_file_exists(o->ca_file))
        return rn_fail(err, RN_ENOTFOUND, "there is no file %s with certificates", o->ca_file);
    return 0;
}

/* Where each kind of request goes: the address, its path, and the query of both. */
static int set_addresses(rn_remote *r, rn_err *err)
{
    static const char *const paths[][2] = {{"/completions", "/chat/completions"},
                                           {"/completions", "/completions"},
                                           {"/models", "/models"}};
    const char *mark = strchr(r->url, '?');
    int base = (int)(mark ? mark - r->url : (ptrdiff_t)strlen(r->url));
    while (base && r->url[base - 1] == '/')
        base--;
    for (int i = 0; i < 3; i++) {
        rn_buf b = {0};
        rn_buf_printf(&b, "%.*s%s%s", base, r->url, paths[i][r->api == RN_REMOTE_CHAT],
                      mark ? mark : "");
        r->shown_url[i] = rn_buf_ok(&b) ? strdup(b.data) : NULL;
        if (r->query) rn_buf_printf(&b, "%c%s", mark ? '&' : '?', r->query);
        r->ask_url[i] = rn_buf_ok(&b) ? rn_buf_take(&b) : NULL;
        rn_buf_free(&b);
        if (!r->ask_url[i] || !r->shown_url[i])
            return rn_fail(err, RN_ENOMEM, "out of memory for a client");
    }
    return 0;
}

static int fill(rn_remote *r, const rn_remote_opts *o, rn_err *err)
{
    r->api = o->api;
    r->in_flight = o->in_flight ? o->in_flight : RN_REMOTE_IN_FLIGHT;
    r->retries = o->retries ? o->retries : RN_REMOTE_RETRIES;
    if (r->retries < 0) r->retries = 0;
    r->retry_wait_ms = o->retry_wait_ms ? o->retry_wait_ms : RN_REMOTE_RETRY_WAIT_MS;
    r->timeout_ms = o->timeout_ms ? o->timeout_ms : RN_REMOTE_TIMEOUT_MS;
    r->max_body_bytes = o->max_body_bytes ? o->max_body_bytes : MAX_BODY_BYTES;
    r->should_stop = o->should_stop;
    r->user = o->user;
    r->timer_ns = -1;
    rn_fields_init(&r->takes);
    rn_rng_init(&r->jitter, (uint64_t)rn_now_ns(), (uint64_t)getpid(), 0);
    size_t len = strlen(o->url);
    while (len && o->url[len - 1] == '/')
        len--;
    r->url = strndup(o->url, len);
    r->model = strdup(o->model);
    r->ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
    r->active = calloc((size_t)r->in_flight, sizeof(rn_ask *));
    r->idle = calloc((size_t)r->in_flight, sizeof(CURL *));
    if (!r->url || !r->model || (o->ca_file && !r->ca_file) || !r->active || !r->idle)
        return rn_fail(err, RN_ENOMEM, "out of memory for a client");
    int rc = set_extras(r, o, err);
    return rc ? rc : set_addresses(r, err);
}

static int open_multi(rn_remote *r, rn_err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return rn_fail(err, RN_ENOMEM, "libcurl cannot be initialised");
    r->multi = curl_multi_init();
    if (!r->multi) return rn_fail(err, RN_ENOMEM, "out of memory for a client");
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(r->multi, CURLMOPT_MAXCONNECTS, (long)r->in_flight);
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = r->wake_fd};
    if (r->epoll_fd < 0 || r->wake_fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->wake_fd, &ev))
        return rn_fail_errno(err, "a client cannot wait for its connections");
    return 0;
}

int rn_remote_open(const rn_remote_opts *o, rn_remote **out, rn_err *err)
{
    int rc = check_opts(o, err);
    if (rc) return rc;
    rn_remote *r = calloc(1, sizeof *r);
    if (!r) return rn_fail(err, RN_ENOMEM, "out of memory for a client");
    r->epoll_fd = r->wake_fd = -1;
    rc = fill(r, o, err);
    if (!rc) rc = open_multi(r, err);
    if (rc)
        rn_remote_close(r);
    else
        *out = r;
    return rc;
}

void rn_remote_close(rn_remote *r)
{
    if (!r) return;
    if (r->multi) rn_remote_cancel(r);
    free_list(&r->done);
    rn_ask_free(r->given);
    rn_parsed_free(&r->parsed);
    for (int i = 0; i < r->n_idle; i++)
        curl_easy_cleanup(r->idle[i]);
    if (r->multi) curl_multi_cleanup(r->multi);
    for (struct curl_slist *h = r->headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(r->headers);
    for (size_t i = 0; i < r->secrets.n; i++) {
        explicit_bzero(r->secrets.data[i], strlen(r->secrets.data[i]));
        free(r->secrets.data[i]);
    }
    rn_vec_free(&r->secrets);
    for (size_t i = 0; i < r->finishes.n; i++)
        free(r->finishes.data[i]);
    rn_vec_free(&r->finishes);
    if (r->query) explicit_bzero(r->query, strlen(r->query));
    free(r->query);
    json_decref(r->extra);
    json_decref(r->headers_said);
    json_decref(r->query_said);
    if (r->epoll_fd >= 0) close(r->epoll_fd);
    if (r->wake_fd >= 0) close(r->wake_fd);
    for (int i = 0; i < 3; i++) {
        if (r->ask_url[i]) explicit_bzero(r->ask_url[i], strlen(r->ask_url[i]));
        free(r->ask_url[i]);
        free(r->shown_url[i]);
    }
    free(r->ca_file);
    free(r->url);
    free(r->model);
    free(r->active);
    free(r->idle);
    free(r);
}

const char *rn_remote_url(const rn_remote *r)
{
    return r->url;
}
const char *rn_remote_model(const rn_remote *r)
{
    return r->model;
}
rn_remote_api rn_remote_api_of(const rn_remote *r)
{
    return r->api;
}
const rn_remote_usage *rn_remote_ledger(const rn_remote *r)
{
    return &r->ledger;
}
int64_t rn_remote_pending(const rn_remote *r)
{
    return r->queue.n + r->waiting.n + r->n_active + r->done.n;
}

/* ---- the ledger ------------------------------------------------------------------------------ */

/* A name of the parsed answer that is to outlive it, as one word that may be shown. */
static const char *keep_name(rn_remote *r, const char *name)
{
    static const char *const known[] = {"stop", "length", "content_filter", "tool_calls"};
    enum { MAX_NAMES = 64, MAX_LEN = 63 };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i]) == 0) return known[i];
    char *own = strdup(name);
    if (!own) return "other";
    rn_blot(&r->secrets, own);
    size_t n = strnlen(own, MAX_LEN);
    while (n && !rn_utf8_valid((rn_bytes){own, n}, NULL))
        n--; /* the end of a character that did not fit */
    own[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)own[i] < ' ' || own[i] == 0x7f) own[i] = '?';
    const char *kept = NULL;
    for (size_t i = 0; i < r->finishes.n && !kept; i++)
        if (strcmp(own, r->finishes.data[i]) == 0) kept = r->finishes.data[i];
    if (!kept && r->finishes.n < MAX_NAMES && rn_vec_push(&r->finishes, own)) return own;
    free(own);
    return kept ? kept : "other";
}

/* An attempt whose tokens nobody knows: the server may have generated all that was asked for. */
static void note_untold(rn_ask *a)
{
    if (a->form.kind == RN_ASK_MODELS) return;
    a->usage.n_untold++;
    a->usage.untold_tok += a->form.n * a->form.max_tok;
}

static void add_usage(rn_remote_usage *to, const rn_remote_usage *x)
{
    to->n_requests += x->n_requests;
    to->n_sent += x->n_sent;
    to->n_failed += x->n_failed;
    to->n_cancelled += x->n_cancelled;
    to->prompt_tok += x->prompt_tok;
    to->cached_tok += x->cached_tok;
    to->gen_tok += x->gen_tok;
    to->discarded_prompt_tok += x->discarded_prompt_tok;
    to->discarded_gen_tok += x->discarded_gen_tok;
    to->n_untold += x->n_untold;
    to->untold_tok += x->untold_tok;
}

/* Tokens of an answer that came whole. */
static void note_answer(rn_ask *a, const rn_parsed *p, bool usable)
{
    rn_remote_usage *u = &a->usage;
    int64_t gen = p->gen_tok;
    if (gen < 0 && usable) { /* the samples may know their tokens where the whole does not */
        gen = 0;
        for (int64_t i = 0; i < p->n_samples && gen >= 0; i++)
            gen = p->samples[i].gen_tok < 0 ? -1 : gen + p->samples[i].gen_tok;
    }
    if (gen < 0) note_untold(a);
    if (gen < 0) gen = 0;
    int64_t prompt = p->prompt_tok > 0 ? p->prompt_tok : 0;
    if (!usable) {
        u->discarded_prompt_tok += prompt;
        u->discarded_gen_tok += gen;
        return;
    }
    u->prompt_tok += prompt;
    u->cached_tok += p->cached_tok > 0 ? p->cached_tok : 0;
    u->gen_tok += gen - p->discarded_tok;
    u->discarded_gen_tok += p->discarded_tok;
}

/* ---- sending and receiving ------------------------------------------------------------------- */

void rn_remote_put(rn_remote *r, rn_ask *a)
{
    push(&r->queue, a);
}

int rn_remote_submit(rn_remote *r, const rn_remote_request *q, rn_err *err)
{
    rn_ask *a;
    int rc = rn_ask_samples(r, q, &a, err);
    if (!rc) rn_remote_put(r, a);
    return rc;
}

int rn_remote_submit_score(rn_remote *r, const rn_remote_text *t, rn_err *err)
{
    if (r->api == RN_REMOTE_CHAT)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "texts are scored through completions, not through chat");
    rn_ask *a;
    int rc = rn_ask_score(r, t, &a, err);
    if (!rc) rn_remote_put(r, a);
    return rc;
}

/* Sends an ask; after an error it is freed. */
static int start(rn_remote *r, rn_ask *a, rn_err *err)
{
    int rc = rn_fields_render(r, a, err);
    CURL *c = r->n_idle ? r->idle[--r->n_idle] : new_easy(r);
    if (rc || !c) {
        if (c) curl_easy_cleanup(c);
        rn_ask_free(a);
        return rc ? rc : rn_fail(err, RN_ENOMEM, "out of memory for a request");
    }
    rn_buf_clear(&a->in);
    a->too_large = false;
    a->retry_after_ms = -1;
    a->location[0] = a->curl_error[0] = '\0';
    a->easy = c;
    curl_easy_setopt(c, CURLOPT_URL, r->ask_url[a->form.kind]);
    if (a->body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)a->body_len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->body);
    } else {
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->curl_error);
    curl_easy_setopt(c, CURLOPT_PRIVATE, a);
    CURLMcode bad = curl_multi_add_handle(r->multi, c);
    if (bad) {
        curl_easy_cleanup(c);
        rn_ask_free(a);
        return rn_fail(err, RN_EINTERNAL, "libcurl: %s", curl_multi_strerror(bad));
    }
    a->tries++;
    a->usage.n_sent++;
    a->sent_ns = rn_now_ns();
    r->active[r->n_active++] = a;
    return 0;
}

static int start_due(rn_remote *r, rn_err *err)
{
    if (r->n_active == r->in_flight || (!r->waiting.n && !r->queue.n)) return 0;
    int64_t now = rn_now_ns();
    while (r->n_active < r->in_flight) {
        rn_ask *a = r->waiting.n ? take(&r->waiting, is_due, now) : NULL;
        if (!a && now >= r->hold_ns) a = pop(&r->queue);
        if (!a) return 0;
        int rc = start(r, a, err);
        if (rc) return rc;
    }
    return 0;
}

/* Takes the ask off its curl handle, which stays for the next one. */
static void detach(rn_remote *r, rn_ask *a)
{
    curl_multi_remove_handle(r->multi, a->easy);
    r->idle[r->n_idle++] = a->easy;
    a->easy = NULL;
    for (int i = 0; i < r->n_active; i++)
        if (r->active[i] == a) {
            r->active[i] = r->active[--r->n_active];
            return;
        }
}

/* A refusal in so many words generated nothing; an attempt that broke off may have. */
static bool may_have_generated(CURLcode code, long status)
{
    if (code == CURLE_OK) return status >= 500 || status == 408;
    return code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST &&
           code != CURLE_PEER_FAILED_VERIFICATION;
}

/* Servers of .NET begin with a byte order mark. */
static void unmark(rn_buf *in)
{
    if (!rn_bytes_starts(rn_buf_view(in), "\xef\xbb\xbf")) return;
    memmove(in->data, in->data + 3, in->len - 2); /* with the NUL behind it */
    in->len -= 3;
}

static void collect(rn_remote *r)
{
    int left;
    CURLMsg *m;
    while ((m = curl_multi_info_read(r->multi, &left))) {
        if (m->msg != CURLMSG_DONE) continue;
        rn_ask *a = NULL;
        long status = 0;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &a);
        curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        unmark(&a->in);
        if (status == 200 && code == CURLE_OK && rn_answer_is_cut(rn_buf_view(&a->in))) {
            code = CURLE_PARTIAL_FILE;
            snprintf(a->curl_error, sizeof a->curl_error, "the answer ends in its middle");
        }
        if (status == 200) status = rn_answer_status(rn_buf_view(&a->in));
        if (status == 200 && code == CURLE_OK && r->takes.proven &&
            rn_answer_is_page(rn_buf_view(&a->in)))
            status = 502; /* a gateway's */
        a->status = status;
        a->wall_ns = rn_now_ns() - a->sent_ns;
        detach(r, a);
        rn_after next = rn_retry_decide(r, a, code, status);
        if (may_have_generated(code, status)) note_untold(a);
        push(next == RN_AFTER_AGAIN ? &r->waiting : &r->done, a);
    }
}

/* When something is to be done without an event: ns, or INT64_MAX. */
static int64_t next_deadline(const rn_remote *r)
{
    int64_t at = INT64_MAX;
    if (r->timer_ns >= 0) at = r->timer_ns;
    if (r->n_active == r->in_flight) return at;
    for (const rn_ask *a = r->waiting.head; a; a = a->next)
        if (a->due_ns < at) at = a->due_ns;
    if (r->queue.n && r->hold_ns < at) at = r->hold_ns;
    return at;
}

/* Waits for at most until_ns and lets curl work. 1 when the caller should be asked: a signal, or
 * rn_remote_wake. */
static int turn(rn_remote *r, int64_t until_ns, rn_err *err)
{
    int64_t now = rn_now_ns(), at = next_deadline(r);
    if (at > until_ns) at = until_ns;
    int64_t ms = at <= now ? 0 : (at - now + 999999) / 1000000;
    struct epoll_event ev[MAX_EVENTS];
    int n = epoll_wait(r->epoll_fd, ev, MAX_EVENTS, ms > 60000 ? 60000 : (int)ms);
    if (n < 0 && errno != EINTR) return rn_fail_errno(err, "a client cannot wait");
    int running, woken = n < 0;
    for (int i = 0; i < n; i++) {
        if (ev[i].data.fd == r->wake_fd) {
            eventfd_t ignored;
            eventfd_read(r->wake_fd, &ignored);
            woken = 1;
            continue;
        }
        int what = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(r->multi, ev[i].data.fd, what, &running);
    }
    if (r->timer_ns >= 0 && rn_now_ns() >= r->timer_ns) {
        r->timer_ns = -1;
        curl_multi_socket_action(r->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    collect(r);
    return woken;
}

/* ---- answers --------------------------------------------------------------------------------- */

void rn_remote_deliver(rn_remote *r, rn_ask *a, rn_parsed *p, rn_remote_answer *out)
{
    *p = (rn_parsed){.prompt_tok = -1, .cached_tok = -1, .gen_tok = -1, .id = "", .model = ""};
    int rc = a->rc;
    if (!rc && a->form.kind != RN_ASK_MODELS) {
        rn_err why;
        rc = rn_answer_parse(&a->form, rn_buf_view(&a->in), p, &why);
        note_answer(a, p, rc == 0);
        for (int64_t i = 0; i < p->n_samples; i++)
            p->samples[i].finish = keep_name(r, p->samples[i].finish);
        if (rc) a->rc = rn_fail(&a->err, rc, "%s: %s", r->shown_url[a->form.kind], why.msg);
        if (rc) rn_blot(&r->secrets, a->err.msg);
    }
    a->usage.n_requests = 1;
    a->usage.n_failed = rc != 0;
    add_usage(&r->ledger, &a->usage);
    *out = (rn_remote_answer){
        .tag = a->tag,
        .rc = rc,
        .fatal = a->fatal,
        .samples = p->samples,
        .n_samples = rc ? 0 : p->n_samples,
        .n_discarded = p->n_discarded,
        .n_asked = a->form.n,
        .has_score = !rc && p->has_score,
        .score = p->score,
        .prompt_tok = p->prompt_tok,
        .cached_tok = p->cached_tok,
        .wall_ns = a->wall_ns,
        .id = p->id ? p->id : "",
        .model = p->model ? p->model : "",
        .usage = a->usage,
    };
    if (rc) out->err = a->err;
}

int rn_remote_wait(rn_remote *r, int64_t timeout_ms, rn_remote_answer *out, rn_err *err)
{
    rn_ask_free(r->given);
    r->given = NULL;
    rn_parsed_free(&r->parsed);
    int64_t until = rn_now_ns() + timeout_ms * 1000000;
    for (bool first = true;; first = false) {
        int rc = start_due(r, err);
        if (rc) return rc;
        r->given = r->done.n ? take(&r->done, is_internal, 0) : NULL;
        if (r->given) {
            rn_remote_deliver(r, r->given, &r->parsed, out);
            return 1;
        }
        if (rn_remote_pending(r) == 0) return 0;
        if (!first && rn_now_ns() >= until) return 0;
        if ((rc = turn(r, until, err)) < 0) return rc;
        if (rc > 0 && !r->done.n) return 0;
    }
}

int rn_remote_finish(rn_remote *r, rn_ask **done, rn_err *err)
{
    for (;;) {
        int rc = start_due(r, err);
        if (rc) return rc;
        *done = r->done.n ? take(&r->done, is_internal, 1) : NULL;
        if (*done) return 0;
        if (r->should_stop && r->should_stop(r->user))
            return rn_fail(err, RN_ECANCELLED, "stopped");
        if ((rc = turn(r, rn_now_ns() + (int64_t)SLICE_MS * 1000000, err)) < 0) return rc;
    }
}

const rn_err *rn_remote_trouble(const rn_remote *r)
{
    for (const rn_ask *a = r->waiting.head; a; a = a->next)
        if (a->err.code) return &a->err;
    for (int i = 0; i < r->n_active; i++)
        if (r->active[i]->err.code) return &r->active[i]->err;
    return NULL;
}

void rn_remote_wake(rn_remote *r)
{
    eventfd_write(r->wake_fd, 1);
}

void rn_remote_cancel(rn_remote *r)
{
    while (r->n_active) {
        rn_ask *a = r->active[0];
        detach(r, a);
        note_untold(a);
        a->usage.n_requests = a->usage.n_cancelled = 1;
        add_usage(&r->ledger, &a->usage);
        rn_ask_free(a);
    }
    rn_ask_list *lists[] = {&r->queue, &r->waiting};
    for (int i = 0; i < 2; i++) {
        rn_ask *a;
        while ((a = pop(lists[i]))) {
            a->usage.n_requests = a->usage.n_cancelled = 1;
            add_usage(&r->ledger, &a->usage);
            rn_ask_free(a);
        }
    }
}

void rn_remote_give_up(rn_remote *r)
{
    rn_remote_cancel(r);
    rn_ask *a;
    while ((a = take(&r->done, is_internal, 1)))
        rn_ask_free(a);
}
