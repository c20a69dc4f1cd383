/*
 * answer.c: what servers send, which is hostile until it has been checked here.
 *
 *     {"id": ..., "model": ..., "choices": [{"index": 0, "text": ... | "message": {"content": ...},
 *      "finish_reason": "stop" | "length", "logprobs": ...}, ...],
 *      "usage": {"prompt_tokens": ..., "completion_tokens": ...,
 *                "prompt_tokens_details": {"cached_tokens": ...}}}
 *
 * A choice with another finish reason (a filter, an abort, a tool call) was cut and is no sample; its
 * tokens count as discarded. Log probabilities come as {"token_logprobs": [...]} (completions) or
 * {"content": [{"logprob": ...}, ...]} (chat; llama.cpp uses it for completions, too).
 *
 * Scores: `echo` gives tokens and log probabilities of prompt and text together, `prompt_logprobs` a
 * list of {"<id>": {"logprob": ..., "decoded_token": ...}}. Where the text begins is found from the
 * end: tokens are matched backwards against the text's bytes until all of them are covered. A token
 * that begins in the prompt and ends in the text counts.
 */
#include "remote/internal.h"

#include "base/json.h"

#include <math.h>

enum { MAX_TOKENS = INT32_MAX };

static const char reply[] = "the server's answer";

static int malformed(rn_err *err, const char *what)
{
    return rn_fail(err, RN_EFORMAT, "%s %s", reply, what);
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* A count that makes sense, else -1. */
static int64_t count_of(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_integer(v)) return -1;
    json_int_t n = json_integer_value(v);
    return n >= 0 && n <= MAX_TOKENS ? (int64_t)n : -1;
}

static void read_usage(const json_t *root, rn_parsed *p)
{
    const json_t *usage = json_object_get(root, "usage");
    p->prompt_tok = count_of(usage, "prompt_tokens");
    p->gen_tok = count_of(usage, "completion_tokens");
    p->cached_tok = count_of(json_object_get(usage, "prompt_tokens_details"), "cached_tokens");
    if (p->cached_tok > p->prompt_tok) p->cached_tok = -1;
    if (p->prompt_tok >= 0 && p->gen_tok < 0 && !json_object_get(usage, "completion_tokens"))
        p->gen_tok = 0; /* servers leave it out where nothing was generated */
}

/* ---- log probabilities ----------------------------------------------------------------------- */

static bool logprob_of(const json_t *v, double *out)
{
    if (!json_is_number(v)) return false;
    *out = json_number_value(v);
    return isfinite(*out) && *out < 1e-3; /* above 0 only by rounding */
}

/* The sum over a choice's tokens and their number. False: not there, or not all of them. */
static bool sum_logprobs(const json_t *choice, double *sum, int64_t *n)
{
    const json_t *lp = json_object_get(choice, "logprobs");
    const json_t *list = json_object_get(lp, "token_logprobs");
    bool nested = !json_is_array(list);
    if (nested) list = json_object_get(lp, "content");
    if (!json_is_array(list)) return false;
    *sum = 0;
    *n = (int64_t)json_array_size(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        double x;
        if (!logprob_of(nested ? json_object_get(v, "logprob") : v, &x)) return false;
        *sum += x;
    }
    return true;
}

/* ---- choices --------------------------------------------------------------------------------- */

/* The names that servers give to the two ways in which a sample ends; NULL: it was cut. */
static const char *finish_of(const char *name)
{
    static const char *const stop[] = {"stop", "eos", "eos_token", "stop_sequence", "end_turn"};
    for (size_t i = 0; i < sizeof stop / sizeof stop[0]; i++)
        if (strcmp(name, stop[i]) == 0) return "stop";
    return strcmp(name, "length") == 0 || strcmp(name, "max_tokens") == 0 ? "length" : NULL;
}

static bool string_of(const json_t *obj, const char *key, rn_bytes *out)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_string(v)) return false;
    *out = (rn_bytes){json_string_value(v), json_string_length(v)};
    return true;
}

/* The text of a message. Reasoning that a server keeps apart was generated and paid for too: it goes
 * before the text, as the model wrote it. */
static int message_text(const json_t *choice, rn_parsed *p, rn_bytes *out, rn_err *err)
{
    const json_t *m = json_object_get(choice, "message");
    rn_bytes content = {0}, thought = {0};
    bool has = string_of(m, "content", &content);
    bool thinks =
        string_of(m, "reasoning_content", &thought) || string_of(m, "reasoning", &thought);
    if (!has && (!thinks || !json_is_null(json_object_get(m, "content"))))
        return malformed(err, "holds a message whose content is no text");
    *out = content;
    if (!thinks || thought.len == 0) return 0;
    static const char open[] = "<think>\n", close[] = "\n</think>\n";
    size_t n_open = sizeof open - 1, n_close = has ? sizeof close - 1 : 0;
    size_t len = n_open + thought.len + n_close + content.len;
    char *whole = rn_arena_alloc(&p->arena, len + 1);
    if (!whole) return rn_fail(err, RN_ENOMEM, "out of memory for an answer");
    memcpy(whole, open, n_open);
    memcpy(whole + n_open, thought.data, thought.len);
    memcpy(whole + n_open + thought.len, close, n_close);
    if (content.len) memcpy(whole + n_open + thought.len + n_close, content.data, content.len);
    *out = (rn_bytes){whole, len};
    return 0;
}

static int read_choice(const rn_ask_form *f, const json_t *c, rn_parsed *p, rn_remote_sample *s,
                       rn_err *err)
{
    rn_bytes finish;
    if (!string_of(c, "finish_reason", &finish))
        return malformed(err, "holds a choice without finish_reason: it may be cut");
    s->finish = finish_of(finish.data);
    s->gen_tok = -1;
    s->logprob = NAN;
    if (!s->finish) return 0;
    if (f->api == RN_REMOTE_CHAT) {
        int rc = message_text(c, p, &s->text, err);
        if (rc) return rc;
    } else if (!string_of(c, "text", &s->text)) {
        return malformed(err, "holds a choice whose text is no text");
    }
    int64_t n;
    double sum;
    if (sum_logprobs(c, &sum, &n)) {
        s->logprob = sum;
        s->gen_tok = n;
        return 0;
    }
    if (f->logprobs && s->text.len)
        return malformed(err, "leaves out log probabilities that were asked for");
    return 0;
}

/* Some servers (ik_llama.cpp) say "stop" whatever the end was. A sample with as many tokens as were
 * allowed was cut, but for the one in hundreds whose last allowed token is its end. */
static void correct_finish(const rn_ask_form *f, rn_remote_sample *s)
{
    if (s->gen_tok_exact && s->gen_tok >= f->max_tok) s->finish = "length";
}

/* Tokens of each choice. Counts by log probabilities are taken where they add up to the server's
 * total; else what is not known of `length` ones is shared by bytes. */
static void share_tokens(const rn_ask_form *f, rn_parsed *p, const rn_remote_sample *all, int64_t n,
                         rn_remote_sample *const *place)
{
    int64_t counted = 0, bytes = 0, left = p->gen_tok;
    bool every = true;
    for (int64_t i = 0; i < n; i++) {
        every = every && all[i].gen_tok >= 0;
        counted += all[i].gen_tok;
        if (all[i].finish && strcmp(all[i].finish, "length") == 0)
            left -= f->max_tok;
        else
            bytes += (int64_t)all[i].text.len + 1; /* a cut one's text is not known: 1 */
    }
    for (int64_t i = 0; i < n; i++) {
        if (!place[i]) continue;
        rn_remote_sample *s = place[i];
        s->gen_tok_exact = true;
        if (n == 1) {
            if (p->gen_tok >= 0) s->gen_tok = p->gen_tok;
            continue;
        }
        if (every && (counted == p->gen_tok || p->gen_tok < 0)) continue;
        if (strcmp(s->finish, "length") == 0 && left >= 0) {
            s->gen_tok = f->max_tok;
            continue;
        }
        s->gen_tok_exact = false;
        if (p->gen_tok < 0 || left < 0) {
            s->gen_tok = p->gen_tok < 0 ? s->gen_tok : p->gen_tok / n;
            continue;
        }
        double share = (double)((int64_t)s->text.len + 1) / (double)bytes;
        s->gen_tok = (int64_t)((double)left * share + 0.5);
    }
}

static int read_choices(const rn_ask_form *f, const json_t *choices, rn_parsed *p, rn_err *err)
{
    size_t n = json_array_size(choices);
    rn_remote_sample *all = rn_arena_array(&p->arena, n, sizeof *all);
    rn_remote_sample **place = rn_arena_array(&p->arena, n, sizeof *place);
    bool *seen = rn_arena_array(&p->arena, n, sizeof *seen);
    p->samples = rn_arena_array(&p->arena, n, sizeof *p->samples);
    if (!all || !place || !seen || !p->samples)
        return rn_fail(err, RN_ENOMEM, "out of memory for an answer");
    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(choices, i);
        const json_t *index = json_object_get(c, "index");
        json_int_t at = json_is_integer(index) ? json_integer_value(index) : (json_int_t)i;
        if (!json_is_object(c)) return malformed(err, "holds a choice that is no object");
        if (at < 0 || at >= (json_int_t)n || seen[at])
            return malformed(err, "numbers its choices wrongly");
        seen[at] = true;
        int rc = read_choice(f, c, p, &all[at], err);
        if (rc) return rc;
    }
    for (size_t i = 0; i < n; i++) {
        if (!all[i].finish) continue;
        place[i] = &p->samples[p->n_samples++];
        *place[i] = all[i];
    }
    p->n_discarded = (int64_t)n - p->n_samples;
    share_tokens(f, p, all, (int64_t)n, place);
    int64_t kept = 0;
    for (int64_t i = 0; i < p->n_samples; i++) {
        correct_finish(f, &p->samples[i]);
        kept += p->samples[i].gen_tok > 0 ? p->samples[i].gen_tok : 0;
    }
    if (p->gen_tok > kept && p->n_discarded) p->discarded_tok = p->gen_tok - kept;
    if (p->n_samples == 0)
        return malformed(err, "was cut by the server (a filter or an abort); it is no sample");
    return 0;
}

/* ---- scores ---------------------------------------------------------------------------------- */

/* Bytes at the end of text [0, left) that `token` covers; 0: it does not fit there. Decoding one
 * SentencePiece token loses its space, and a byte of a longer character shows as U+FFFD. */
static size_t covers(rn_bytes token, const char *text, size_t left)
{
    size_t n = token.len < left ? token.len : left;
    if (n && memcmp(token.data + token.len - n, text + left - n, n) == 0) return n;
    if (token.len >= 3 && memcmp(token.data + token.len - 3, "\xef\xbf\xbd", 3) == 0 &&
        (unsigned char)text[left - 1] >= 0x80)
        return 1;
    return 0;
}

typedef struct token_at {
    rn_bytes text;
    const json_t *logprob;
} token_at;

/* Token i of the prompt (with the text in it). False: the answer's form is wrong. */
static bool token_of(const rn_ask_form *f, const json_t *choice, size_t i, token_at *out)
{
    if (f->scoring == RN_SCORE_ECHO) {
        const json_t *lp = json_object_get(choice, "logprobs");
        const json_t *name = json_array_get(json_object_get(lp, "tokens"), i);
        out->logprob = json_array_get(json_object_get(lp, "token_logprobs"), i);
        out->text = (rn_bytes){json_string_value(name), json_string_length(name)};
        return json_is_string(name) && out->logprob;
    }
    json_t *at = json_array_get(json_object_get(choice, "prompt_logprobs"), i);
    void *only = json_object_iter(at);
    const json_t *x = json_object_iter_value(only);
    if (!only || json_object_size(at) != 1) return false;
    out->logprob = json_object_get(x, "logprob");
    return string_of(x, "decoded_token", &out->text) && out->logprob;
}

/* How many tokens prompt and text have in the answer; negative: none are given. */
static int64_t n_tokens(const rn_ask_form *f, const json_t *choice, const rn_parsed *p)
{
    if (f->scoring == RN_SCORE_PROMPT_LOGPROBS) {
        const json_t *list = json_object_get(choice, "prompt_logprobs");
        return json_is_array(list) ? (int64_t)json_array_size(list) : -1;
    }
    const json_t *lp = json_object_get(choice, "logprobs");
    const json_t *names = json_object_get(lp, "tokens");
    const json_t *probs = json_object_get(lp, "token_logprobs");
    if (!json_is_array(names) || json_array_size(names) != json_array_size(probs)) return -1;
    int64_t n = (int64_t)json_array_size(names);
    if (f->max_tok == 0) return n;
    if (p->prompt_tok >= 0 && p->prompt_tok <= n && n <= p->prompt_tok + f->max_tok)
        return p->prompt_tok;
    return n - f->max_tok;
}

static int read_score(const rn_ask_form *f, const json_t *choices, rn_parsed *p, rn_err *err)
{
    const json_t *choice = json_array_get(choices, 0);
    int64_t n = n_tokens(f, choice, p);
    if (n <= 0) return malformed(err, "holds no log probabilities of the prompt");
    size_t left = f->text.len;
    p->score = (rn_remote_score){0};
    for (int64_t i = n - 1; left > 0; i--) {
        token_at t;
        double x;
        if (i < 1) return malformed(err, "holds fewer tokens than the text");
        if (!token_of(f, choice, (size_t)i, &t))
            return malformed(err, "holds tokens in another form than was asked for");
        if (!logprob_of(t.logprob, &x))
            return malformed(err, "holds a token of the text without log probability");
        if (t.text.len == 0 && p->score.n_tok == 0) continue; /* an end token behind the text */
        size_t covered = covers(t.text, f->text.data, left);
        if (!covered && f->text.data[left - 1] == ' ') {
            if (--left == 0) break; /* the space belongs to the token behind it */
            covered = covers(t.text, f->text.data, left);
        }
        if (!covered && t.text.len)
            return rn_fail(
                err, RN_EUNSUPPORTED,
                "%s spells the text's tokens in another way; where the text begins among "
                "them cannot be told",
                reply);
        left -= covered;
        p->score.sum += x;
        p->score.n_tok++;
    }
    p->has_score = true;
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int parse_root(rn_bytes body, json_t **out, rn_err *err)
{
    size_t at = 0;
    while (at < body.len && (unsigned char)body.data[at] <= ' ')
        at++;
    if (at == body.len) return malformed(err, "is empty");
    if (body.data[at] == '<')
        return malformed(err,
                         "is a web page; the address must lead to the server's API, up to /v1");
    json_t *root;
    rn_err why;
    if (rn_json_parse(body, (rn_json_at){"answer", 0}, &root, &why))
        return rn_fail(err, RN_EFORMAT, "%s is no valid JSON: %s", reply, why.msg);
    *out = root;
    return 0;
}

int rn_answer_parse(const rn_ask_form *f, rn_bytes body, rn_parsed *p, rn_err *err)
{
    p->prompt_tok = p->cached_tok = p->gen_tok = -1;
    p->id = p->model = "";
    int rc = parse_root(body, &p->root, err);
    if (rc) return rc;
    if (!json_is_object(p->root)) return malformed(err, "is no JSON object");
    read_usage(p->root, p);
    rn_bytes s;
    if (string_of(p->root, "id", &s)) p->id = s.data;
    if (string_of(p->root, "model", &s)) p->model = s.data;
    const json_t *choices = json_object_get(p->root, "choices");
    if (!json_is_array(choices)) {
        char said[200];
        rn_answer_message(body, NULL, said, sizeof said);
        return rn_fail(err, RN_EFORMAT, "%s holds no choices%s%s", reply, said[0] ? ": " : "",
                       said);
    }
    int64_t n = (int64_t)json_array_size(choices);
    if (n == 0) return malformed(err, "holds an empty list of choices");
    if (n > f->n)
        return rn_fail(err, RN_EFORMAT, "%s holds %lld choices, %lld were asked for", reply,
                       (long long)n, (long long)f->n);
    return f->kind == RN_ASK_SCORE ? read_score(f, choices, p, err)
                                   : read_choices(f, choices, p, err);
}

void rn_parsed_free(rn_parsed *p)
{
    json_decref(p->root);
    rn_arena_free(&p->arena);
    *p = (rn_parsed){0};
}

/* ---- what a server says about itself --------------------------------------------------------- */

/* {"error": {"message": ...}}, {"error": ...}, {"message": ...}, {"detail": ...} or [{"msg": ...}]. */
static bool message_of(const json_t *root, rn_bytes *out)
{
    const json_t *e = json_object_get(root, "error"), *d = json_object_get(root, "detail");
    if (string_of(e, "message", out) || string_of(root, "error", out)) return true;
    if (string_of(root, "message", out) || string_of(root, "detail", out)) return true;
    return string_of(json_array_get(d, 0), "msg", out);
}

/* Copies text as one line of at most cap - 1 bytes: control characters and what is no UTF-8 become
 * spaces, `secret` (may be empty) becomes ***. */
static void copy_line(rn_bytes text, rn_bytes secret, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 5 < cap;) {
        rn_bytes rest = {text.data + i, text.len - i};
        if (secret.len && rest.len >= secret.len &&
            memcmp(rest.data, secret.data, secret.len) == 0) {
            memcpy(out + n, "***", 3);
            n += 3;
            i += secret.len;
            continue;
        }
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

void rn_answer_message(rn_bytes body, const char *key, char *out, size_t cap)
{
    json_error_t ignored;
    json_t *root = body.len ? json_loadb(body.data, body.len, JSON_ALLOW_NUL, &ignored) : NULL;
    rn_bytes text = {0};
    if (root)
        message_of(root, &text);
    else if (body.len)
        text = body.data[0] == '<' ? rn_bytes_of("(a web page)") : body;
    copy_line(text, rn_bytes_of(key), out, cap);
    json_decref(root);
}

int64_t rn_answer_context(rn_bytes body, const char *model, bool *listed)
{
    *listed = false;
    json_error_t ignored;
    json_t *root = json_loadb(body.data ? body.data : "", body.len, 0, &ignored);
    const json_t *list = json_object_get(root, "data");
    int64_t context = -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        rn_bytes id;
        if (!string_of(m, "id", &id) || strcmp(id.data, model) != 0) continue;
        *listed = true;
        context = count_of(m, "max_model_len"); /* vLLM, SGLang */
        if (context < 0) context = count_of(m, "context_length");
        if (context < 0)
            context = count_of(json_object_get(m, "meta"), "n_ctx_train"); /* llama.cpp */
        break;
    }
    json_decref(root);
    return context;
}
