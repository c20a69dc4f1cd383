/*
 * url.c: "https://HOST:PORT/v1#MODEL" in its parts, and the user's headers and query parameters,
 * checked. The part before '#' is what requests are sent to and what records name the server by, so
 * it must not carry a password or a token; nor may a header or parameter whose name says that it is
 * one, unless its value is "$VAR", which is read from the environment and recorded by that name.
 */
#include "base/late.h"
#include "remote/remote_priv.h"

#include <stdlib.h>

bool rn_remote_is_url(const char *model)
{
    return strncmp(model, "http://", 7) == 0 || strncmp(model, "https://", 8) == 0;
}

/* Whether a header or parameter of this name is likely to hold what must not be recorded. */
static bool is_secret(const char *name)
{
    static const char *const parts[] = {"key",    "token",   "secret", "auth",   "passw",
                                        "cookie", "session", "sig",    "client", "credential"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcasestr(name, parts[i])) return true;
    return false;
}

/* The names of a query, "a=1&b=2", one after the other. */
static int check_query(const char *query, rn_err *err)
{
    for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
        char name[64];
        size_t len = strcspn(p, "=&");
        if (len >= sizeof name) len = sizeof name - 1;
        memcpy(name, p, len);
        name[len] = '\0';
        if (is_secret(name))
            return rn_fail(err, RN_EINVAL,
                           "a server's address must not hold '%s', which may be a key: the "
                           "address is stored; give it as --query '%s=$VAR', which reads the "
                           "environment variable VAR",
                           name, name);
    }
    return 0;
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
        int rc = check_query(part, err);
        curl_free(part);
        if (rc) return rc;
    }
    if (curl_url_get(u, CURLUPART_SCHEME, &part, 0) != CURLUE_OK)
        return rn_fail(err, RN_EINVAL, "'%s' is not the address of a server", text);
    bool known = strcmp(part, "http") == 0 || strcmp(part, "https") == 0;
    curl_free(part);
    if (!known) return rn_fail(err, RN_EINVAL, "'%s': only http and https are spoken", text);
    if (curl_url_get(u, CURLUPART_HOST, &part, 0) != CURLUE_OK)
        return rn_fail(err, RN_EINVAL, "'%s' names no host", text);
    curl_free(part);
    return 0;
}

/* No control characters in [s, end), and no space unless it may be there. */
static bool printable(const char *s, const char *end, bool spaces)
{
    for (; s < end; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f || (*s == ' ' && !spaces)) return false;
    return true;
}

int rn_remote_url_split(const char *text, rn_buf *url, rn_buf *model, rn_err *err)
{
    const char *hash = strchr(text, '#');
    if (!hash || !hash[1])
        return rn_fail(err, RN_EINVAL,
                       "a model behind a server is written https://HOST:PORT/v1#MODEL; the name "
                       "after '#' is missing");
    bool plain = printable(text, hash, false) && printable(hash, text + strlen(text), true);
    if (!plain || !rn_utf8_valid(rn_bytes_of(text), NULL))
        return rn_fail(err, RN_EINVAL, "a server's address holds a space or control character");
    rn_buf_clear(url);
    rn_buf_clear(model);
    rn_buf_add(url, text, (size_t)(hash - text));
    rn_buf_puts(model, hash + 1);
    if (!rn_buf_ok(url) || !rn_buf_ok(model)) return rn_fail(err, RN_ENOMEM, "out of memory");
    while (url->len && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
    int rc = rn_late_curl(err);
    if (rc) return rc;
    CURLU *u = curl_url();
    if (!u) return rn_fail(err, RN_ENOMEM, "out of memory");
    CURLUcode bad = curl_url_set(u, CURLUPART_URL, url->data, 0);
    rc = bad ? rn_fail(err, RN_EINVAL, "the address of the server is malformed: %s",
                       curl_url_strerror(bad))
             : check_parts(u, url->data, err);
    curl_url_cleanup(u);
    return rc;
}

/* ---- headers and parameters ------------------------------------------------------------------ */

/* "NAME<sign>value" in its parts; the value of "$VAR" from the environment, noted as a secret. What
 * records say of it goes into `said`. *value is the caller's to free. */
static int read_pair(rn_remote *r, const char *text, char sign, json_t *said, char name[64],
                     char **value, rn_err *err)
{
    const char *option = sign == ':' ? "--header" : "--query";
    const char *at = strchr(text, sign);
    size_t n = at ? (size_t)(at - text) : 0;
    if (!n || n > 63 || !printable(text, at, false))
        return rn_fail(err, RN_EINVAL, "%s is written '%s'", option,
                       sign == ':' ? "NAME: VALUE" : "NAME=VALUE");
    snprintf(name, 64, "%.*s", (int)n, text);
    const char *v = at + 1 + (sign == ':' ? strspn(at + 1, " ") : 0), *given = v;
    bool from_env = *v == '$';
    if (!from_env && is_secret(name))
        return rn_fail(err, RN_EINVAL,
                       "%s '%s' may be a key, and the command line is stored; put it into an "
                       "environment variable and write %s '%s%c$VAR'",
                       option, name, option, name, sign);
    if (from_env && (!(v = getenv(given + 1)) || !*v))
        return rn_fail(err, RN_ENOTFOUND, "%s '%s': the environment variable %s is not set", option,
                       name, given + 1);
    if (!printable(v, v + strlen(v), true) || !rn_utf8_valid(rn_bytes_of(v), NULL))
        return rn_fail(err, RN_EINVAL, "%s '%s': its value holds a control character", option,
                       name);
    int rc = from_env ? rn_remote_add_secret(r, v, err) : 0;
    json_object_set_new(said, name, json_string(given));
    *value = rc ? NULL : strdup(v);
    return rc ? rc : *value ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a client");
}

int rn_remote_add_header(rn_remote *r, const char *text, rn_err *err)
{
    char name[64], *value;
    int rc = read_pair(r, text, ':', r->headers_said, name, &value, err);
    if (rc) return rc;
    rn_buf line = {0};
    rn_buf_printf(&line, "%s: %s", name, value);
    struct curl_slist *h = rn_buf_ok(&line) ? curl_slist_append(r->headers, line.data) : NULL;
    if (line.data) explicit_bzero(line.data, line.len);
    rn_buf_free(&line);
    explicit_bzero(value, strlen(value));
    free(value);
    return h ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a client");
}

int rn_remote_add_query(rn_remote *r, const char *text, rn_err *err)
{
    char name[64], *value;
    int rc = read_pair(r, text, '=', r->query_said, name, &value, err);
    if (rc) return rc;
    char *k = curl_easy_escape(NULL, name, 0), *v = curl_easy_escape(NULL, value, 0);
    rn_buf b = {0};
    if (r->query) rn_buf_printf(&b, "%s&", r->query);
    rn_buf_printf(&b, "%s=%s", k ? k : "", v ? v : "");
    bool ok = k && v && rn_buf_ok(&b);
    if (ok) {
        free(r->query);
        r->query = rn_buf_take(&b);
    }
    rn_buf_free(&b);
    if (v) explicit_bzero(v, strlen(v));
    explicit_bzero(value, strlen(value));
    curl_free(k);
    curl_free(v);
    free(value);
    return ok ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a client");
}
