/*
 * download.c: libcurl with Range and If-Range (RFC 9110, 13.1.5 and 14.2).
 *
 * The status of the final answer decides in the write callback, before a byte is stored: 206 with
 * the right Content-Range appends, 200 starts anew (the server ignored the range or the content has
 * changed), anything else stores nothing.
 */
#include "base/late.h"
#include "task/download.h"

#include "base/file.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    META_MAX = 8192,
    STALL_S = 60,
    BACKOFF_MS = 500,
    BACKOFF_MAX_MS = 10000,
    MAX_REDIRECTS = 10
};

/* What is known of the content that PART has the first bytes of. */
typedef struct meta {
    char url[2048], validator[256];
    int64_t total; /* -1 unknown */
} meta;

typedef struct transfer {
    const rn_download *d;
    CURL *curl;
    int fd;
    int64_t have; /* bytes in PART */
    meta known;   /* of PART */
    meta answer;  /* of the answer that is coming in */
    int64_t range_start;
    bool started; /* the body's first bytes were accepted */
    bool appended, misranged, too_large;
    int write_errno; /* of the disk */
} transfer;

/* ---- the notes beside the partial file ------------------------------------------------------- */

static void meta_load(const char *part, meta *m)
{
    *m = (meta){.total = -1};
    rn_path path;
    rn_buf text = {0};
    if (!rn_file_read(rn_path_make(&path, "%s.meta", part), META_MAX, &text, NULL)) {
        char *url = text.data, *validator = url ? strchr(url, '\n') : NULL;
        char *total = validator ? strchr(validator + 1, '\n') : NULL;
        if (total) {
            *validator++ = '\0';
            *total++ = '\0';
            snprintf(m->url, sizeof m->url, "%s", url);
            snprintf(m->validator, sizeof m->validator, "%s", validator);
            m->total = strtoll(total, NULL, 10);
        }
    }
    rn_buf_free(&text);
}

static int meta_save(const char *part, const meta *m, rn_err *err)
{
    rn_path path;
    rn_buf text = {0};
    rn_buf_printf(&text, "%s\n%s\n%lld\n", m->url, m->validator, (long long)m->total);
    rn_path_make(&path, "%s.meta", part);
    int rc = rn_buf_ok(&text) ? rn_file_write_atomic(path.s, rn_buf_view(&text), err)
                              : rn_nomem(err, "download");
    rn_buf_free(&text);
    return rc;
}

void rn_download_forget(const char *part)
{
    rn_path path;
    unlink(part);
    unlink(rn_path_make(&path, "%s.meta", part));
}

/* ---- callbacks ------------------------------------------------------------------------------- */

/* The value of a header line, trimmed, if it is `name`. */
static bool header_value(const char *line, size_t len, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);
    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0) return false;
    line += n + 1;
    len -= n + 1;
    while (len && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len && (unsigned char)line[len - 1] <= ' ')
        len--;
    if (len >= cap) return false;
    memcpy(out, line, len);
    out[len] = '\0';
    return true;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    transfer *t = user;
    size_t len = size * n;
    char v[256];
    if (len >= 5 && strncmp(line, "HTTP/", 5) == 0) { /* a redirect's headers are forgotten */
        t->answer = (meta){.total = -1};
        t->range_start = -1;
    } else if (header_value(line, len, "ETag", v, sizeof v)) {
        if (strncmp(v, "W/", 2) != 0) memcpy(t->answer.validator, v, sizeof v);
    } else if (header_value(line, len, "Last-Modified", v, sizeof v)) {
        if (!t->answer.validator[0]) memcpy(t->answer.validator, v, sizeof v);
    } else if (header_value(line, len, "Content-Length", v, sizeof v)) {
        if (t->range_start < 0) t->answer.total = strtoll(v, NULL, 10);
    } else if (header_value(line, len, "Content-Range", v, sizeof v)) {
        long long first, last, total;
        if (sscanf(v, "bytes %lld-%lld/%lld", &first, &last, &total) == 3) {
            t->range_start = first;
            t->answer.total = total;
        }
    }
    return len;
}

/* Decides over the body before its first byte. False: do not take it. */
static bool accept_body(transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 206) {
        bool same_size = t->known.total < 0 || t->answer.total == t->known.total;
        bool same_content = !t->known.validator[0] || !t->answer.validator[0] ||
                            strcmp(t->known.validator, t->answer.validator) == 0;
        t->misranged = t->range_start != t->have || !same_size || !same_content;
        t->appended = !t->misranged;
        return t->appended;
    }
    if (status != 200) return false;
    if (ftruncate(t->fd, 0) || lseek(t->fd, 0, SEEK_SET) < 0) {
        t->write_errno = errno;
        return false;
    }
    t->have = 0;
    t->known = t->answer;
    snprintf(t->known.url, sizeof t->known.url, "%s", t->d->url);
    return meta_save(t->d->part, &t->known, NULL) == 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    transfer *t = user;
    size_t len = size * n;
    if (!t->started) {
        t->started = accept_body(t);
        if (!t->started) return t->write_errno || t->misranged ? 0 : len; /* an error's page */
    }
    if (t->have + (int64_t)len > t->d->max_bytes) {
        t->too_large = true;
        return 0;
    }
    for (size_t done = 0; done < len;) {
        ssize_t w = write(t->fd, data + done, len - done);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) {
            t->write_errno = w < 0 ? errno : ENOSPC;
            return 0;
        }
        done += (size_t)w;
        t->have += w;
    }
    return len;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t ut, curl_off_t un)
{
    (void)total;
    (void)now;
    (void)ut;
    (void)un;
    transfer *t = user;
    return t->d->progress ? t->d->progress(t->d->user, t->have, t->known.total) : 0;
}

/* ---- one attempt ----------------------------------------------------------------------------- */

enum outcome { DONE, AGAIN, FRESH, FAILED }; /* AGAIN: retry; FRESH: from the first byte, at once */

static enum outcome fail_status(transfer *t, long status, rn_err *err)
{
    const char *url = t->d->url;
    if (status == 416 && t->have > 0) {
        if (t->have == t->known.total) return DONE;
        return FRESH;
    }
    if (status == 404 || status == 410) {
        rn_fail(err, RN_ENOTFOUND,
                "%s answers %ld: the file is not there; name its new place with --url, or give a "
                "local copy with --from",
                url, status);
        return FAILED;
    }
    rn_fail(err, RN_ENET, "%s answers with status %ld", url, status);
    return status >= 500 || status == 429 || status == 408 ? AGAIN : FAILED;
}

static enum outcome fail_curl(transfer *t, CURLcode rc, const char *text, rn_err *err)
{
    const char *url = t->d->url;
    if (t->write_errno) {
        errno = t->write_errno;
        rn_fail_errno(err, "cannot write %s (%lld bytes are kept)", t->d->part, (long long)t->have);
        return FAILED;
    }
    if (t->too_large) {
        rn_fail(err, RN_ELIMIT, "%s sends more than %lld bytes; that is not the file", url,
                (long long)t->d->max_bytes);
        return FAILED;
    }
    if (t->misranged) return FRESH;
    if (rc == CURLE_ABORTED_BY_CALLBACK) {
        rn_fail(err, RN_ECANCELLED, "stopped; %lld bytes are kept, run again to continue",
                (long long)t->have);
        return FAILED;
    }
    if (rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT) {
        rn_fail(err, RN_EINVAL, "%s is not an http or https address", url);
        return FAILED;
    }
    rn_fail(err, RN_ENET, "%s: %s", url, *text ? text : curl_easy_strerror(rc));
    bool final = rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE ||
                 rc == CURLE_TOO_MANY_REDIRECTS;
    return final ? FAILED : AGAIN;
}

static void set_options(transfer *t, char *errbuf, struct curl_slist **headers)
{
    CURL *c = t->curl;
    curl_easy_setopt(c, CURLOPT_URL, t->d->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ration/" RN_VERSION);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, errbuf);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(t->d->stall_s ? t->d->stall_s : STALL_S));
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    if (t->have <= 0) return;
    char range[32], cond[300];
    snprintf(range, sizeof range, "%lld-", (long long)t->have);
    curl_easy_setopt(c, CURLOPT_RANGE, range); /* copied */
    if (!t->known.validator[0]) return;
    snprintf(cond, sizeof cond, "If-Range: %s", t->known.validator);
    *headers = curl_slist_append(NULL, cond);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, *headers);
}

static enum outcome attempt(transfer *t, rn_err *err)
{
    char errbuf[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    if (rn_late_curl(err)) return FAILED;
    t->curl = curl_easy_init();
    if (!t->curl) {
        rn_nomem(err, "download");
        return FAILED;
    }
    t->started = t->misranged = t->too_large = false;
    t->write_errno = 0;
    set_options(t, errbuf, &headers);
    CURLcode rc = curl_easy_perform(t->curl);
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(t->curl);
    curl_slist_free_all(headers);
    t->curl = NULL;
    if (rc != CURLE_OK) return fail_curl(t, rc, errbuf, err);
    if (status != 200 && status != 206) return fail_status(t, status, err);
    if (t->known.total >= 0 && t->have != t->known.total) {
        rn_fail(err, RN_ENET, "%s ends after %lld of %lld bytes", t->d->url, (long long)t->have,
                (long long)t->known.total);
        return AGAIN;
    }
    if (t->have == 0) {
        rn_fail(err, RN_ENET, "%s is empty", t->d->url);
        return FAILED;
    }
    return DONE;
}

/* ---- all attempts ---------------------------------------------------------------------------- */

static int open_part(transfer *t, rn_err *err)
{
    const char *part = t->d->part;
    t->fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (t->fd < 0) return rn_fail_errno(err, "cannot create %s", part);
    if (flock(t->fd, LOCK_EX | LOCK_NB))
        return rn_fail(err, RN_EBUSY, "%s is being downloaded by another process", part);
    meta_load(part, &t->known);
    bool usable =
        strcmp(t->known.url, t->d->url) == 0 && (t->known.validator[0] || t->known.total >= 0);
    t->have = usable ? (int64_t)lseek(t->fd, 0, SEEK_END) : 0;
    if (!usable) t->known = (meta){.total = -1};
    return t->have < 0 ? rn_fail_errno(err, "cannot read %s", part) : 0;
}

/* PART is whole already: stopped between the last byte and its use. */
static bool complete(const transfer *t)
{
    return t->have > 0 && t->have == t->known.total;
}

static int run_attempts(transfer *t, rn_err *err)
{
    const rn_download *d = t->d;
    int64_t first_ms = d->backoff_ms ? d->backoff_ms : BACKOFF_MS, wait_ms = first_ms;
    bool fresh = false;
    for (int tries = 0;;) {
        rn_err why = {0};
        int64_t before = t->have;
        enum outcome o = attempt(t, &why);
        if (o == DONE) return 0;
        if (o == FRESH && !fresh) {
            fresh = true;
            t->have = 0;
            t->known = (meta){.total = -1};
            continue;
        }
        if (o == FAILED || tries++ >= d->retries) {
            if (why.code == RN_ENET && t->have > 0)
                return rn_fail(err, why.code,
                               "%s; %lld bytes are kept, run again to continue where it stopped",
                               why.msg, (long long)t->have);
            if (err) *err = why;
            return why.code ? why.code : rn_fail(err, RN_ENET, "%s: wrong ranges", d->url);
        }
        struct timespec ts = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
        nanosleep(&ts, NULL);
        /* Retries count from the last progress on. */
        if (t->have > before) {
            tries = 0;
            wait_ms = first_ms;
        } else if (wait_ms < BACKOFF_MAX_MS) {
            wait_ms *= 2;
        }
    }
}

int rn_download_run(const rn_download *d, bool *resumed, rn_err *err)
{
    transfer t = {.d = d, .fd = -1};
    if (strlen(d->url) >= sizeof t.known.url)
        return rn_fail(err, RN_EINVAL, "the address is too long");
    int rc = open_part(&t, err);
    if (!rc && !complete(&t)) rc = run_attempts(&t, err);
    if (!rc && fsync(t.fd)) rc = rn_fail_errno(err, "cannot write %s", d->part);
    if (!rc) *resumed = t.appended;
    if (rc && t.fd >= 0 && t.have == 0 && rc != RN_EBUSY) rn_download_forget(d->part);
    if (t.fd >= 0) close(t.fd);
    return rc;
}
