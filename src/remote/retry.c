/*
 * retry.c: what follows from an attempt. Tried again are 408, 409, 425, 429, 5xx, resets and
 * time-outs, pages and empty answers of a server that answered before, and at once what was refused
 * for a field that can be given up (fields.c); everything else is final.
 *
 * Attempt k (0, 1, ...) is followed by a wait of min(base 2^k, 60 s) less up to half of it by
 * chance, or of what the server's Retry-After says if that is longer, plus up to a tenth, so that
 * many requests do not come back at the same moment. A Retry-After also holds back what was not
 * sent yet.
 */
#include "remote/remote_priv.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdlib.h>

enum {
    LONGEST_MS = 60000,
    LONGEST_RETRY_AFTER_MS = 600000,
    UNREACHED_TRIES = 3 /* of a server that never answered: most likely a wrong address */
};

int64_t rn_retry_after_ms(const char *value, int64_t now_unix_s)
{
    if (isdigit((unsigned char)*value)) {
        char *end;
        double s = strtod(value, &end);
        while (*end == ' ' || *end == '\t')
            end++;
        if (*end || !(s >= 0)) return -1;
        return s > 1e9 ? 1000000000000 : (int64_t)(s * 1000);
    }
    time_t when = curl_getdate(value, NULL);
    if (when < 0) return -1;
    return (int64_t)when > now_unix_s ? ((int64_t)when - now_unix_s) * 1000 : 0;
}

/* A quota that is used up does not come back by waiting. */
static bool is_spent(const rn_ask *a)
{
    rn_bytes body = rn_buf_view(&a->in);
    return rn_bytes_find(body, rn_bytes_of("insufficient_quota"), 0) != SIZE_MAX;
}

static bool status_again(long status)
{
    if (status == 501 || status == 505) return false; /* it never will */
    return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

static bool curl_again(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return true;
    default: return false;
    }
}

static bool unreachable(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_COULDNT_CONNECT;
}

static void set_due(rn_remote *r, rn_ask *a)
{
    int64_t now = rn_now_ns(), wait = r->retry_wait_ms;
    for (int i = 1; i < a->tries && wait < LONGEST_MS; i++)
        wait *= 2;
    if (wait > LONGEST_MS) wait = LONGEST_MS;
    double ms = (double)wait * (1 - rn_rng_unit(&r->jitter) / 2);
    double told = (double)a->retry_after_ms;
    if (told > ms) ms = told * (1 + rn_rng_unit(&r->jitter) / 10);
    a->due_ns = now + (int64_t)(ms * 1e6);
    if (a->retry_after_ms > 0) {
        int64_t until = now + a->retry_after_ms * 1000000;
        if (until > r->hold_ns) r->hold_ns = until;
    }
}

/* "after 9 attempts", or nothing where there was one. */
static const char *attempts(const rn_ask *a, char buf[48])
{
    buf[0] = '\0';
    if (a->tries > 1) snprintf(buf, 48, " (%d attempts)", a->tries);
    return buf;
}

static void fail_status(const rn_remote *r, rn_ask *a, long status)
{
    char said[440], tries[48];
    const char *url = r->shown_url[a->form.kind];
    rn_answer_message(rn_buf_view(&a->in), &r->secrets, said, 230);
    const bool answered = r->takes.proven != 0; /* it did before */
    if (!answered && r->first_words[0] && strcmp(r->first_words, said) != 0) {
        size_t n = strlen(said);
        snprintf(said + n, sizeof said - n, "; at first: %s", r->first_words);
    }
    const char *colon = said[0] ? ": " : "";
    attempts(a, tries);
    a->fatal = true;
    if (status >= 300 && status < 400) {
        a->rc =
            rn_fail(&a->err, RN_ENET,
                    "%s answers %ld and sends on to '%s'; redirects are not followed, so that no "
                    "other host gets the key: give the final address with -m",
                    url, status, a->location);
    } else if (status == 401 || (status == 403 && !answered)) {
        a->rc = rn_fail(&a->err, RN_ENET, "%s answers %ld%s%s; %s", url, status, colon, said,
                        r->has_key ? "look at the key in the variable that --key-env names"
                                   : "name the environment variable of the key with --key-env");
    } else if (status == 404 && !answered) {
        a->rc =
            rn_fail(&a->err, RN_ENOTFOUND,
                    "%s answers 404%s%s; is the address right up to /v1, and the model '%s' served "
                    "there?",
                    url, colon, said, r->model);
    } else if (status == 429) {
        a->rc = rn_fail(
            &a->err, RN_ENET,
            "%s answers 429%s%s%s: too many requests, or the quota is used up; go on later, "
            "or with fewer --in-flight",
            url, tries, colon, said);
    } else {
        /* To be paid for; gone. Of a server that answered before, 403 and 404 are about this
         * prompt, or pass: a filter's, a router's. */
        a->fatal = status == 402 || status == 410;
        a->rc = rn_fail(&a->err, status == 400 ? RN_EINVAL : RN_ENET, "%s answers %ld%s%s%s", url,
                        status, tries, colon, said);
    }
}

static void fail_curl(const rn_remote *r, rn_ask *a, CURLcode code)
{
    char tries[48];
    const char *url = r->shown_url[a->form.kind];
    const char *why = a->curl_error[0] ? a->curl_error : curl_easy_strerror(code);
    attempts(a, tries);
    if (a->too_large) {
        a->rc = rn_fail(&a->err, RN_ELIMIT,
                        "%s sends more than %lld bytes, which is not an answer to what was asked",
                        url, (long long)a->form.max_bytes);
        return;
    }
    if (code == CURLE_OUT_OF_MEMORY || a->in.failed) {
        a->rc = rn_fail(&a->err, RN_ENOMEM, "out of memory for an answer of %s", url);
        a->fatal = true;
        return;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        a->fatal = true;
        a->rc =
            rn_fail(&a->err, RN_ENET,
                    "%s: the server's certificate is not trusted (%s); give the one to trust with "
                    "--ca-file FILE",
                    url, why);
        return;
    }
    a->fatal = unreachable(code) || !curl_again(code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        a->rc = rn_fail(&a->err, RN_ENET, "%s%s: no whole answer within %lld s; see --timeout", url,
                        tries, (long long)(r->timeout_ms / 1000));
    else
        a->rc = rn_fail(&a->err, RN_ENET, "%s%s: %s%s", url, tries, why,
                        unreachable(code) ? "; is the server running at this address?" : "");
}

rn_after rn_retry_decide(rn_remote *r, rn_ask *a, CURLcode code, long status)
{
    a->rc = 0;
    a->fatal = false;
    bool answered = code == CURLE_OK;
    if (answered) r->reached = true;
    bool page = answered && status == 200 && rn_answer_is_page(rn_buf_view(&a->in));
    if (answered && status == 200) {
        if (!page) rn_fields_prove(r, a);
        return RN_AFTER_DONE;
    }
    if (answered && rn_fields_concede(r, a, status)) {
        a->tries--; /* nothing is wrong with the server */
        a->due_ns = rn_now_ns();
        return RN_AFTER_AGAIN;
    }
    bool again = answered ? status_again(status) && !(status == 429 && is_spent(a))
                          : curl_again(code) && !a->too_large;
    int most = a->max_tries;
    if (!answered && unreachable(code) && !r->reached && most > UNREACHED_TRIES)
        most = UNREACHED_TRIES;
    if (again && a->retry_after_ms > LONGEST_RETRY_AFTER_MS) {
        a->fatal = true;
        a->rc =
            rn_fail(&a->err, RN_ENET,
                    "%s answers %ld and asks to wait for %lld s; run the same command again then",
                    r->shown_url[a->form.kind], status, (long long)(a->retry_after_ms / 1000));
        return RN_AFTER_DONE;
    }
    if (answered)
        fail_status(r, a, status);
    else
        fail_curl(r, a, code);
    if (!again || a->tries >= most) return RN_AFTER_DONE;
    a->rc = 0; /* its message stays: rn_remote_trouble */
    a->fatal = false;
    set_due(r, a);
    return RN_AFTER_AGAIN;
}
