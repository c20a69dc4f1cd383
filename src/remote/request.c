/*
 * request.c: what is asked for. POST .../completions takes {"model", "prompt", ...}, POST
 * .../chat/completions {"model", "messages", ...}; `logprobs` is a number in the one and a flag in
 * the other. All that a sample depends on is written, neutral values too (top_k -1 is "all"), so
 * that no default of a server decides; fields.c leaves out what a server refuses. At temperature 0
 * the likeliest token is taken, and what cuts the distribution says nothing.
 */
#include "remote/remote_priv.h"

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
    json_decref(a->want);
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
    a->form.secrets = &r->secrets;
    a->max_tries = 1 + r->retries;
    a->retry_after_ms = -1;
    return a;
}

static int64_t body_limit(const rn_remote *r, int64_t tokens)
{
    int64_t limit = BODY_BASE + tokens * BODY_TOK;
    return limit < r->max_body_bytes ? limit : r->max_body_bytes;
}

/* A text that was checked already, as a JSON string. */
static json_t *text_json(rn_bytes s)
{
    return json_stringn_nocheck(s.data ? s.data : "", s.len);
}

static void set_int(json_t *body, const char *key, int64_t v)
{
    json_object_set_new(body, key, json_integer((json_int_t)v));
}

static json_t *message(const char *role, rn_bytes content)
{
    return json_pack("{s:s, s:o}", "role", role, "content", text_json(content));
}

static void set_prompt(json_t *body, const rn_remote_request *q, rn_remote_api api)
{
    if (api == RN_REMOTE_COMPLETIONS) {
        json_object_set_new(body, "prompt", text_json(q->prompt));
        return;
    }
    json_t *messages = json_array();
    if (q->system.len) json_array_append_new(messages, message("system", q->system));
    json_array_append_new(messages, message("user", q->prompt));
    json_object_set_new(body, "messages", messages);
}

static void set_sampling(json_t *body, const rn_sampling *s)
{
    json_object_set_new(body, "temperature", json_real(s->temperature));
    if (s->temperature > 0) json_object_set_new(body, "top_p", json_real(s->top_p));
    set_int(body, "max_tokens", s->max_tok);
    if (s->temperature > 0) {
        set_int(body, "top_k", s->top_k > 0 ? s->top_k : -1);
        json_object_set_new(body, "min_p", json_real(s->min_p));
    }
    json_object_set_new(body, "repetition_penalty", json_real(1));
    json_object_set_new(body, "repeat_penalty", json_real(1));
    if (!s->stop || !s->stop[0]) return;
    json_t *stop = json_array();
    for (size_t i = 0; s->stop[i]; i++)
        json_array_append_new(stop, json_string(s->stop[i]));
    json_object_set_new(body, "stop", stop);
}

/* What every request begins with; NULL: no memory. */
static json_t *new_body(const rn_remote *r)
{
    return json_pack("{s:s, s:b}", "model", r->model, "stream", 0);
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
    json_t *body = a ? new_body(r) : NULL;
    if (!body) {
        rn_ask_free(a);
        return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    }
    a->want = body;
    a->form.n = n;
    a->form.max_tok = s->max_tok;
    a->form.max_bytes = body_limit(r, n * s->max_tok);
    set_prompt(body, q, r->api);
    set_sampling(body, s);
    a->form.stop = json_object_get(body, "stop");
    if (n > 1) set_int(body, "n", n);
    if (q->seed >= 0) set_int(body, "seed", q->seed);
    bool chat = r->api == RN_REMOTE_CHAT;
    if (q->logprobs) json_object_set_new(body, "logprobs", chat ? json_true() : json_integer(1));
    *out = a;
    return 0;
}

int rn_ask_score(const rn_remote *r, const rn_remote_text *t, rn_ask **out, rn_err *err)
{
    if (t->how == RN_SCORE_NONE)
        return rn_fail(err, RN_EINVAL, "no way of scoring is known for %s", r->url);
    int rc = check_text(t->prompt, "prompt", err);
    if (!rc) rc = check_text(t->text, "text", err);
    if (rc) return rc;
    rn_ask *a = new_ask(r, RN_ASK_SCORE, t->tag);
    rn_buf whole = {0};
    rn_buf_add(&whole, t->prompt.data, t->prompt.len);
    rn_buf_add(&whole, t->text.data, t->text.len);
    if (a) a->text = malloc(t->text.len + 1);
    if (a && rn_buf_ok(&whole)) a->want = new_body(r);
    if (!a || !a->text || !a->want) {
        rn_ask_free(a);
        rn_buf_free(&whole);
        return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    }
    if (t->text.len) memcpy(a->text, t->text.data, t->text.len);
    a->form.api = RN_REMOTE_COMPLETIONS;
    a->form.scoring = t->how;
    a->form.n = 1;
    a->form.max_tok = t->how == RN_SCORE_ECHO ? r->echo_max_tok : 1;
    a->form.text = (rn_bytes){a->text, t->text.len};
    a->form.max_bytes = body_limit(r, (int64_t)whole.len);
    json_object_set_new(a->want, "prompt", text_json(rn_buf_view(&whole)));
    set_int(a->want, "max_tokens", a->form.max_tok);
    set_int(a->want, "temperature", 0);
    if (t->how == RN_SCORE_ECHO) {
        json_object_set_new(a->want, "echo", json_true());
        set_int(a->want, "logprobs", 1);
    } else {
        set_int(a->want, "prompt_logprobs", 0);
    }
    rn_buf_free(&whole);
    *out = a;
    return 0;
}

int rn_ask_models(const rn_remote *r, rn_ask **out, rn_err *err)
{
    rn_ask *a = new_ask(r, RN_ASK_MODELS, 0);
    if (!a) return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    a->form.max_bytes = r->max_body_bytes;
    *out = a;
    return 0;
}
