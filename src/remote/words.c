/*
 * words.c: what servers say when they refuse, in any shape:
 *
 *     {"error": {"message": ..., "param": ..., "code": 429}}    OpenAI, vLLM, llama.cpp
 *     [{"error": {...}}], {"errors": [{"message": ...}]}        Gemini, Cloudflare
 *     {"detail": [{"loc": ["body", "seed"], "msg": ...}, ...]}  FastAPI
 *     {"error": "..."}, {"detail": {"error": ...}}, plain text  TGI and others
 *
 * The first text under a name that servers use for it is taken, wherever it lies; a body without
 * any is shown as it came. An error may also come with status 200, as gateways send it.
 */
#include "remote/remote_priv.h"

#include <ctype.h>
#include <stdlib.h>

enum { MAX_DEPTH = 6 };

/* ---- the words ------------------------------------------------------------------------------- */

/* The first string under one of the names, the outermost first. */
static const char *find_text(const json_t *v, int depth)
{
    static const char *const keys[] = {"message", "msg",     "error_description", "error",
                                       "detail",  "details", "description",       "reason",
                                       "title",   "errors",  "error_message",     "fault"};
    if (depth > MAX_DEPTH) return NULL;
    for (size_t i = 0; json_is_object(v) && i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *x = json_object_get(v, keys[i]);
        if (json_is_string(x) && json_string_length(x)) return json_string_value(x);
    }
    for (size_t i = 0; json_is_object(v) && i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = find_text(json_object_get(v, keys[i]), depth + 1);
        if (text) return text;
    }
    for (size_t i = 0; json_is_array(v) && i < json_array_size(v); i++) {
        const json_t *x = json_array_get(v, i);
        const char *text = json_is_string(x) ? json_string_value(x) : find_text(x, depth + 1);
        if (text && *text) return text;
    }
    return NULL;
}

static void add_name(rn_words *w, const char *name)
{
    size_t n = strlen(w->field);
    if (!*name || strcmp(name, "body") == 0 || n + strlen(name) + 3 > sizeof w->field) return;
    snprintf(w->field + n, sizeof w->field - n, "%s%s", n ? ", " : "", name);
}

/* The names of the fields that the error is about. */
static void find_fields(const json_t *v, int depth, rn_words *w)
{
    static const char *const keys[] = {"param", "field", "parameter", "property"};
    if (depth > MAX_DEPTH) return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *x = json_object_get(v, keys[i]);
        if (json_is_string(x)) add_name(w, json_string_value(x));
    }
    const json_t *loc = json_object_get(v, "loc");
    for (size_t i = 0; i < json_array_size(loc); i++)
        if (json_is_string(json_array_get(loc, i)))
            add_name(w, json_string_value(json_array_get(loc, i)));
    const char *key;
    json_t *x;
    json_object_foreach((json_t *)(uintptr_t)v, key, x)
    {
        if (json_is_object(x) || json_is_array(x)) find_fields(x, depth + 1, w);
    }
    for (size_t i = 0; i < json_array_size(v); i++)
        find_fields(json_array_get(v, i), depth + 1, w);
}

/* Copies text as one line of at most cap - 1 bytes: control characters and what is not UTF-8 become
 * spaces. */
static void copy_line(rn_bytes text, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 5 < cap;) {
        rn_bytes rest = {text.data + i, text.len - i};
        size_t len = rn_utf8_len(rest.data, rest.len);
        bool plain = len > 1 || (len == 1 && *rest.data >= ' ' && *rest.data != 0x7f);
        if (plain) {
            memcpy(out + n, rest.data, len);
            n += len;
        } else if (n && out[n - 1] != ' ') {
            out[n++] = ' ';
        }
        i += len ? len : 1;
    }
    out[n] = '\0';
}

/* XML without its tags, as gateways in front of the protocol refuse: <Code>..</Code><Message>..
 * Into an empty buffer. */
static rn_bytes untagged(rn_bytes page, rn_buf *out)
{
    bool tag = false;
    for (size_t i = 0; i < page.len; i++) {
        if (page.data[i] == '<') tag = true;
        if (!tag || (out->len && out->data[out->len - 1] != ' '))
            rn_buf_putc(out, tag ? ' ' : page.data[i]);
        if (page.data[i] == '>') tag = false;
    }
    size_t from = 0;
    while (from < out->len && isspace((unsigned char)out->data[from]))
        from++;
    return from < out->len ? (rn_bytes){out->data + from, out->len - from}
                           : rn_bytes_of("(a web page)");
}

/* What a web page calls itself. */
static rn_bytes title_of(rn_bytes page, rn_buf *room)
{
    size_t at = rn_bytes_find(page, rn_bytes_of("<title>"), 0);
    if (at == SIZE_MAX)
        return rn_bytes_starts(page, "<?xml") ? untagged(page, room) : rn_bytes_of("(a web page)");
    rn_bytes title = {.data = page.data + at + 7, .len = page.len - at - 7};
    const char *end = memchr(title.data, '<', title.len);
    if (end) title.len = (size_t)(end - title.data);
    return title;
}

/* A gateway's error holds that of the server behind it: {"metadata": {"raw": "..."}}. */
static void add_cause(const json_t *root, rn_words *w)
{
    const json_t *e = json_object_get(root, "error");
    const json_t *raw = json_object_get(json_object_get(e ? e : root, "metadata"), "raw");
    size_t n = strlen(w->text);
    if (!json_string_length(raw) || n + 8 > sizeof w->text) return;
    json_error_t ignored;
    json_t *inner = json_loads(json_string_value(raw), 0, &ignored);
    const char *text = find_text(inner, 0);
    if (n) w->text[n++] = ':', w->text[n++] = ' ';
    copy_line(rn_bytes_of(text ? text : json_string_value(raw)), w->text + n, sizeof w->text - n);
    json_decref(inner);
}

void rn_words_read(rn_bytes body, rn_words *w)
{
    json_error_t ignored;
    json_t *root = body.len ? json_loadb(body.data, body.len, JSON_ALLOW_NUL, &ignored) : NULL;
    w->text[0] = w->field[0] = '\0';
    const char *text = find_text(root, 0);
    if (root) find_fields(root, 0, w);
    while (body.len && isspace((unsigned char)*body.data))
        body.data++, body.len--;
    rn_buf room = {0};
    rn_bytes said = text                              ? rn_bytes_of(text)
                    : body.len && body.data[0] == '<' ? title_of(body, &room)
                                                      : body;
    copy_line(said, w->text, sizeof w->text);
    rn_buf_free(&room);
    add_cause(root, w);
    json_decref(root);
}

/* Every occurrence of `secret` in the line becomes ***. */
static void blot(char *line, const char *secret)
{
    size_t n = secret ? strlen(secret) : 0;
    for (char *p = line; n && (p = strstr(p, secret));) {
        size_t stars = n < 3 ? n : 3;
        memset(p, '*', stars);
        memmove(p + stars, p + n, strlen(p + n) + 1);
        p += stars;
    }
}

void rn_blot(const rn_secrets *secrets, char *line)
{
    for (size_t i = 0; secrets && i < secrets->n; i++)
        blot(line, secrets->data[i]);
}

void rn_answer_message(rn_bytes body, const rn_secrets *secrets, char *out, size_t cap)
{
    rn_words w;
    rn_words_read(body, &w);
    rn_blot(secrets, w.text); /* before anything is cut off */
    rn_blot(secrets, w.field);
    if (w.field[0] && !strstr(w.text, w.field))
        snprintf(out, cap, "%.*s (%s)", (int)(cap > 100 ? cap - 100 : cap / 2), w.text, w.field);
    else
        snprintf(out, cap, "%s", w.text);
    for (size_t n = strlen(out); n && !rn_utf8_valid(rn_bytes_of(out), NULL);)
        out[--n] = '\0'; /* the end of a character that did not fit */
}

/* ---- errors inside a good status ------------------------------------------------------------- */

static long status_of(const json_t *v)
{
    long n = 0;
    if (json_is_integer(v)) n = (long)json_integer_value(v);
    if (json_is_string(v)) n = strtol(json_string_value(v), NULL, 10);
    return n >= 400 && n <= 599 ? n : 0;
}

/* The status that an error object stands for; 0: it does not say. */
static long error_status(const json_t *e)
{
    static const char *const number[] = {"code", "status", "status_code", "http_status"};
    static const char *const words[] = {"code", "type", "status", "message", "error", "detail"};
    static const struct {
        const char *part;
        long status;
    } kinds[] = {{"rate limit", 429},    {"rate_limit", 429},   {"ratelimit", 429},
                 {"too many", 429},      {"quota", 429},        {"exhausted", 429},
                 {"overload", 503},      {"unavail", 503},      {"timeout", 504},
                 {"timed out", 504},     {"server_error", 500}, {"internal", 500},
                 {"gateway", 502},       {"upstream", 502},     {"invalid_request", 400},
                 {"not supported", 400}, {"unsupported", 400}};
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        long n = status_of(json_object_get(e, number[i]));
        if (n) return n;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *text = json_string_value(json_object_get(e, words[i]));
        for (size_t k = 0; text && k < sizeof kinds / sizeof kinds[0]; k++)
            if (strcasestr(text, kinds[k].part)) return kinds[k].status;
    }
    return 0;
}

/* A choice that the server gave up: {"finish_reason": "error", "error": {"code": 502}}. */
static bool failed_choice(const json_t *c, long *status)
{
    const json_t *e = json_object_get(c, "error");
    const char *finish = json_string_value(json_object_get(c, "finish_reason"));
    bool failed = json_is_object(e) || (finish && strcmp(finish, "error") == 0);
    long n = error_status(e);
    if (failed && !*status) *status = n ? n : 502;
    return failed;
}

bool rn_answer_is_page(rn_bytes body)
{
    while (body.len && isspace((unsigned char)*body.data))
        body.data++, body.len--;
    return body.len == 0 || body.data[0] == '<';
}

bool rn_answer_is_cut(rn_bytes body)
{
    size_t depth = 0, i = 0;
    bool quoted = false;
    while (i < body.len && isspace((unsigned char)body.data[i]))
        i++;
    if (i == body.len || body.data[i] != '{') return false;
    for (; i < body.len; i++) {
        char c = body.data[i];
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\') i++;
        if (quoted) continue;
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && depth) depth--;
    }
    return depth > 0;
}

static bool holds(rn_bytes body, const char *word)
{
    return rn_bytes_find(body, rn_bytes_of(word), 0) != SIZE_MAX;
}

long rn_answer_status(rn_bytes body)
{
    /* A usable answer is not read twice. */
    if (!body.len || (!holds(body, "\"error\"") && holds(body, "\"choices\""))) return 200;
    json_error_t ignored;
    json_t *root = json_loadb(body.data, body.len, JSON_ALLOW_NUL, &ignored);
    const json_t *choices = json_object_get(root, "choices");
    const json_t *outer = json_is_array(root) ? json_array_get(root, 0) : root;
    const json_t *e = json_object_get(outer, "error");
    if (!e) e = json_array_get(json_object_get(outer, "errors"), 0);
    long status = 0;
    size_t n = json_array_size(choices), failed = 0;
    for (size_t i = 0; i < n; i++)
        failed += failed_choice(json_array_get(choices, i), &status);
    if (failed < n) status = 0;
    if (n == 0) status = error_status(json_is_object(e) ? e : root);
    json_decref(root);
    return status ? status : 200;
}
