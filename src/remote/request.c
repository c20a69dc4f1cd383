/*
 * request.c: what is sent. POST .../completions takes {"model", "prompt", ...}, POST
 * .../chat/completions {"model", "messages", ...}; `logprobs` is a number in the one and a flag in
 * the other. Fields that not every server knows (n, seed, stop, top_k, min_p) are sent only when
 * they say something.
 */
#include "remote/internal.h"

#include <stdlib.h>

/* An answer's body is a bounded multiple of what was asked for, so that a hostile one cannot take
 * much memory: JSON values take some thirty times the bytes of their text. */
enum { BODY_BASE = 1 << 20, BODY_TOK = 1024, MAX_TOK = 1 << 20 };

const char *rn_remote_api_name(rn_remote_api api)
{
    return api == RN_REMOTE_CHAT ? "chat" : "completions";
}

const char *rn_remote_scoring_name(rn_remote_scoring s)
{
    return s == RN_SCORE_ECHO ? "echo" : s == RN_SCORE_PROMPT_LOGPROBS ? "prompt_logprobs" : "none";
}

void rn_ask_free(rn_ask *a)
{
    if (!a) return;
    free(a->body);
    free(a->text);
    rn_buf_free(&a->in);
    free(a);
}

static int check_text(rn_bytes s, const char *what, rn_err *err)
{
    size_t at;
    if (!rn_utf8_valid(s, &at))
        return rn_fail_at(err, RN_EINVAL, -1, (int64_t)at,
                          "byte %zu of the %s is no UTF-8; a server takes nothing else", at, what);
    if (s.len && memchr(s.data, 0, s.len))
        return rn_fail(err, RN_EINVAL, "the %s holds a NUL byte, which servers do not take", what);
    return 0;
}

static rn_ask *new_ask(const rn_remote *r, rn_ask_kind kind, uint64_t tag)
{
    rn_ask *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    a->tag = tag;
    a->form.kind = kind;
    a->form.api = r->api;
    a->max_tries = 1 + r->retries;
    a->retry_after_ms = -1;
    return a;
}

static int64_t body_limit(const rn_remote *r, int64_t tokens)
{
    int64_t limit = BODY_BASE + tokens * BODY_TOK;
    return limit < r->max_body_bytes ? limit : r->max_body_bytes;
}

/* Moves the body into the ask, or fails and frees it. */
static int finish(rn_ask *a, rn_buf *body, rn_ask **out, rn_err *err)
{
    a->body_len = body->len;
    a->body = rn_buf_ok(body) ? rn_buf_take(body) : NULL;
    rn_buf_free(body);
    if (!a->body) {
        rn_ask_free(a);
        return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    }
    *out = a;
    return 0;
}

static void add_field(rn_buf *b, const char *key, rn_bytes value)
{
    rn_buf_printf(b, ",\"%s\":", key);
    rn_buf_json(b, value);
}

static void add_message(rn_buf *b, const char *role, rn_bytes content)
{
    rn_buf_printf(b, "{\"role\":\"%s\",\"content\":", role);
    rn_buf_json(b, content);
    rn_buf_putc(b, '}');
}

static void add_prompt(rn_buf *b, const rn_remote_request *q, rn_remote_api api)
{
    if (api == RN_REMOTE_COMPLETIONS) {
        add_field(b, "prompt", q->prompt);
        return;
    }
    rn_buf_puts(b, ",\"messages\":[");
    if (q->system.len) {
        add_message(b, "system", q->system);
        rn_buf_putc(b, ',');
    }
    add_message(b, "user", q->prompt);
    rn_buf_putc(b, ']');
}

static void add_sampling(rn_buf *b, const rn_sampling *s)
{
    rn_buf_printf(b, ",\"temperature\":%.15g,\"top_p\":%.15g,\"max_tokens\":%lld", s->temperature,
                  s->top_p, (long long)s->max_tok);
    if (s->top_k > 0) rn_buf_printf(b, ",\"top_k\":%lld", (long long)s->top_k);
    if (s->min_p > 0) rn_buf_printf(b, ",\"min_p\":%.15g", s->min_p);
    if (!s->stop || !s->stop[0]) return;
    rn_buf_puts(b, ",\"stop\":[");
    for (size_t i = 0; s->stop[i]; i++) {
        if (i) rn_buf_putc(b, ',');
        rn_buf_json(b, rn_bytes_of(s->stop[i]));
    }
    rn_buf_putc(b, ']');
}

int rn_ask_samples(const rn_remote *r, const rn_remote_request *q, rn_ask **out, rn_err *err)
{
    const rn_sampling *s = q->sampling;
    int64_t n = q->n ? q->n : 1;
    if (n < 1 || n > RN_REMOTE_MAX_N)
        return rn_fail(err, RN_EINVAL, "%lld samples in one request; 1 to %d", (long long)q->n,
                       RN_REMOTE_MAX_N);
    if (!s || s->max_tok < 1 || s->max_tok > MAX_TOK)
        return rn_fail(err, RN_EINVAL, "a request needs 1 to %d new tokens", MAX_TOK);
    int rc = check_text(q->prompt, "prompt", err);
    if (!rc) rc = check_text(q->system, "system text", err);
    if (rc) return rc;
    rn_ask *a = new_ask(r, RN_ASK_SAMPLES, q->tag);
    if (!a) return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    a->form.n = n;
    a->form.max_tok = s->max_tok;
    a->form.logprobs = q->logprobs;
    a->form.max_bytes = body_limit(r, n * s->max_tok);
    rn_buf b = {0};
    rn_buf_puts(&b, "{\"model\":");
    rn_buf_json(&b, rn_bytes_of(r->model));
    add_prompt(&b, q, r->api);
    add_sampling(&b, s);
    if (n > 1) rn_buf_printf(&b, ",\"n\":%lld", (long long)n);
    if (q->seed >= 0) rn_buf_printf(&b, ",\"seed\":%lld", (long long)q->seed);
    if (q->logprobs)
        rn_buf_puts(&b, r->api == RN_REMOTE_CHAT ? ",\"logprobs\":true" : ",\"logprobs\":1");
    rn_buf_putc(&b, '}');
    return finish(a, &b, out, err);
}

int rn_ask_score(const rn_remote *r, rn_remote_scoring how, uint64_t tag, rn_bytes prompt,
                 rn_bytes text, rn_ask **out, rn_err *err)
{
    if (how == RN_SCORE_NONE)
        return rn_fail(err, RN_EINVAL, "no way of scoring is known for %s", r->url);
    int rc = check_text(prompt, "prompt", err);
    if (!rc) rc = check_text(text, "text", err);
    if (rc) return rc;
    rn_ask *a = new_ask(r, RN_ASK_SCORE, tag);
    rn_buf whole = {0}, b = {0};
    if (a) a->text = malloc(text.len + 1);
    if (!a || !a->text) {
        rn_ask_free(a);
        return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    }
    if (text.len) memcpy(a->text, text.data, text.len);
    a->form.api = RN_REMOTE_COMPLETIONS;
    a->form.scoring = how;
    a->form.n = 1;
    a->form.max_tok = how == RN_SCORE_ECHO ? r->echo_max_tok : 1;
    a->form.text = (rn_bytes){a->text, text.len};
    a->form.max_bytes = body_limit(r, (int64_t)(prompt.len + text.len));
    rn_buf_add(&whole, prompt.data, prompt.len);
    rn_buf_add(&whole, text.data, text.len);
    rn_buf_puts(&b, "{\"model\":");
    rn_buf_json(&b, rn_bytes_of(r->model));
    add_field(&b, "prompt", rn_buf_view(&whole));
    b.failed = b.failed || whole.failed;
    rn_buf_free(&whole);
    rn_buf_printf(&b, ",\"max_tokens\":%lld,\"temperature\":0,%s}", (long long)a->form.max_tok,
                  how == RN_SCORE_ECHO ? "\"echo\":true,\"logprobs\":1" : "\"prompt_logprobs\":0");
    return finish(a, &b, out, err);
}

int rn_ask_models(const rn_remote *r, rn_ask **out, rn_err *err)
{
    rn_ask *a = new_ask(r, RN_ASK_MODELS, 0);
    if (!a) return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    a->form.max_bytes = r->max_body_bytes;
    *out = a;
    return 0;
}
