/*
 * url.c: "https://HOST:PORT/v1#MODEL" in its parts, checked. The part before '#' is what requests
 * are sent to and what records name the server by, so it must not carry a password or a token.
 */
#include "remote/remote.h"

#include <curl/curl.h>

bool rn_remote_is_url(const char *model)
{
    return strncmp(model, "http://", 7) == 0 || strncmp(model, "https://", 8) == 0;
}

/* Everything that may be wrong with an address; `text` is only shown where it holds no secret. */
static int check_parts(CURLU *u, const char *text, rn_err *err)
{
    char *part = NULL;
    if (curl_url_get(u, CURLUPART_USER, &part, 0) == CURLUE_OK ||
        curl_url_get(u, CURLUPART_PASSWORD, &part, 0) == CURLUE_OK) {
        curl_free(part);
        return rn_fail(err, RN_EINVAL,
                       "a server's address must not hold a user or password: it is stored; put the "
                       "key into an environment variable and name that with --key-env");
    }
    if (curl_url_get(u, CURLUPART_QUERY, &part, 0) == CURLUE_OK) {
        curl_free(part);
        return rn_fail(
            err, RN_EINVAL,
            "a server's address must not hold a query ('?...'): it is stored; a key goes "
            "into an environment variable that --key-env names");
    }
    if (curl_url_get(u, CURLUPART_SCHEME, &part, 0) != CURLUE_OK)
        return rn_fail(err, RN_EINVAL, "'%s' is no address of a server", text);
    bool known = strcmp(part, "http") == 0 || strcmp(part, "https") == 0;
    curl_free(part);
    if (!known) return rn_fail(err, RN_EINVAL, "'%s': only http and https are spoken", text);
    if (curl_url_get(u, CURLUPART_HOST, &part, 0) != CURLUE_OK)
        return rn_fail(err, RN_EINVAL, "'%s' names no host", text);
    curl_free(part);
    return 0;
}

static bool printable(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == 0x7f) return false;
    return true;
}

int rn_remote_url_split(const char *text, rn_buf *url, rn_buf *model, rn_err *err)
{
    const char *hash = strchr(text, '#');
    if (!hash || !hash[1])
        return rn_fail(err, RN_EINVAL,
                       "a model behind a server is written https://HOST:PORT/v1#MODEL; the name "
                       "after '#' is missing");
    if (!printable(text) || !rn_utf8_valid(rn_bytes_of(text), NULL))
        return rn_fail(err, RN_EINVAL, "a server's address holds a space or control character");
    rn_buf_clear(url);
    rn_buf_clear(model);
    rn_buf_add(url, text, (size_t)(hash - text));
    rn_buf_puts(model, hash + 1);
    if (!rn_buf_ok(url) || !rn_buf_ok(model)) return rn_fail(err, RN_ENOMEM, "out of memory");
    while (url->len && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
    CURLU *u = curl_url();
    if (!u) return rn_fail(err, RN_ENOMEM, "out of memory");
    CURLUcode bad = curl_url_set(u, CURLUPART_URL, url->data, 0);
    int rc = bad ? rn_fail(err, RN_EINVAL, "the address of the server is malformed: %s",
                           curl_url_strerror(bad))
                 : check_parts(u, url->data, err);
    curl_url_cleanup(u);
    return rc;
}
