/*
 * answer.c: what servers send, which is hostile until it has been checked here.
 *
 *     {"id": ..., "model": ..., "choices": [{"index": 0, "text": ... | "message": {"content": ...},
 *      "finish_reason": "stop" | "length" | ..., "logprobs": ...}, ...],
 *      "usage": {"prompt_tokens": ..., "completion_tokens": ..., "total_tokens": ...,
 *                "prompt_tokens_details": {"cached_tokens": ...}}}
 *
 * Whatever the model itself ended is a sample, an empty text and a filter's cut among them: asking
 * again until an answer pleases would change what is measured. Only what the server broke off
 * ("abort", "error", "cancelled") is none; its tokens count as discarded. Log probabilities come as
 * {"token_logprobs": [...]} (completions) or {"content": [{"logprob": ...}, ...]} (chat, and
 * llama.cpp's completions); where one is missing the sample has none.
 *
 * Usage: a count of 0 or none is unknown, since a token is paid for at least. What total_tokens
 * holds beyond prompt and completion is reasoning, which was generated and is paid for.
 *
 * Scores: `echo` gives tokens and log probabilities of prompt and text together, `prompt_logprobs`
 * a list of {"<id>": {"logprob": ..., "decoded_token": ...}}. Where the text begins is found from
 * the end: tokens are matched backwards against the text's bytes until all of them are covered. A
 * token that begins in the prompt and ends in the text counts.
 */
#include "remote/remote_priv.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum { MAX_TOKENS = INT32_MAX, MAX_DEPTH = 4, MAX_NAMES = 4096 };

static const char reply[] = "the server's answer";

static int malformed(rn_err *err, const char *what)
{
    return rn_fail(err, RN_EFORMAT, "%s %s", reply, what);
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* A count that makes sense, else -1. Some servers write 12.0. */
static int64_t count_of(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    double x = json_number_value(v);
    return json_is_number(v) && x >= 0 && x <= MAX_TOKENS && x == floor(x) ? (int64_t)x : -1;
}

/* Of two names for one count that which is given. */
static int64_t count_of_either(const json_t *obj, const char *key, const char *other)
{
    return count_of(obj, json_object_get(obj, key) ? key : other);
}

static int64_t above_0(int64_t n)
{
    return n > 0 ? n : -1;
}

static void read_usage(const rn_ask_form *f, const json_t *root, rn_parsed *p)
{
    const json_t *usage = json_object_get(root, "usage");
    int64_t total = count_of(usage, "total_tokens");
    int64_t reasoning =
        count_of(json_object_get(usage, "completion_tokens_details"), "reasoning_tokens");
    if (reasoning < 0) reasoning = count_of(usage, "reasoning_tokens");
    p->prompt_tok = above_0(count_of_either(usage, "prompt_tokens", "input_tokens"));
    p->gen_tok = count_of_either(usage, "completion_tokens", "output_tokens");
    p->cached_tok = count_of(json_object_get(usage, "prompt_tokens_details"), "cached_tokens");
    if (p->cached_tok > p->prompt_tok) p->cached_tok = -1;
    if (f->kind == RN_ASK_SCORE) { /* nothing need be generated */
        if (p->prompt_tok >= 0 && !json_object_get(usage, "completion_tokens")) p->gen_tok = 0;
        return;
    }
    p->gen_tok = above_0(p->gen_tok);
    int64_t rest = p->prompt_tok > 0 && total > p->prompt_tok ? total - p->prompt_tok : -1;
    if (rest <= p->gen_tok && p->gen_tok > 0 && reasoning > p->gen_tok)
        rest = p->gen_tok + reasoning;
    p->hidden = p->gen_tok > 0 && rest > p->gen_tok;
    if (rest > p->gen_tok) p->gen_tok = rest;
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
    const json_t *tokens = json_object_get(lp, "tokens");
    bool nested = !json_is_array(list);
    if (nested) list = json_object_get(lp, "content");
    if (json_array_size(list) == 0) return false;
    if (!nested && tokens && json_array_size(tokens) != json_array_size(list)) return false;
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

/* ---- texts ----------------------------------------------------------------------------------- */

static bool string_of(const json_t *obj, const char *key, rn_bytes *out)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_string(v)) return false;
    *out = (rn_bytes){json_string_value(v), json_string_length(v)};
    return true;
}

static void add_json_text(rn_buf *b, const json_t *s)
{
    rn_buf_add(b, json_string_value(s), json_string_length(s));
}

/* Text that is a string, or nested parts: {"type": "text", "text": ...}, {"type": "thinking", ...}.
 * What a model thought goes into `thought`. */
static void add_parts(const json_t *v, int depth, rn_buf *text, rn_buf *thought)
{
    static const char *const keys[] = {"text",    "thinking",    "reasoning", "summary",
                                       "content", "output_text", "refusal"};
    if (depth > MAX_DEPTH) return;
    if (json_is_string(v)) add_json_text(text, v);
    for (size_t i = 0; json_is_array(v) && i < json_array_size(v); i++)
        add_parts(json_array_get(v, i), depth + 1, text, thought);
    if (!json_is_object(v)) return;
    rn_bytes type = {0};
    string_of(v, "type", &type);
    bool thinks = type.data && (strstr(type.data, "think") || strstr(type.data, "reason"));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *x = json_object_get(v, keys[i]);
        if (!json_is_string(x) && !json_is_array(x)) continue;
        add_parts(x, depth + 1, thinks ? thought : text, thought);
        return;
    }
}

static bool is_text(const json_t *v)
{
    return !v || json_is_null(v) || json_is_string(v) || json_is_array(v) || json_is_object(v);
}

/* Cuts the text at the first of the stop strings that the server was not asked to stop at. */
static bool cut(const rn_ask_form *f, rn_bytes *text)
{
    size_t at = SIZE_MAX;
    for (size_t i = (size_t)f->n_stop_sent; i < json_array_size(f->stop); i++) {
        size_t k =
            rn_bytes_find(*text, rn_bytes_of(json_string_value(json_array_get(f->stop, i))), 0);
        if (k < at) at = k;
    }
    if (at == SIZE_MAX) return false;
    text->len = at;
    return true;
}

/* The text of a message. Reasoning that a server keeps apart was generated and paid for too: it
 * goes before the text, as the model wrote it. */
static int message_text(const rn_ask_form *f, const json_t *m, rn_arena *arena, rn_remote_sample *s,
                        rn_err *err)
{
    static const char *const apart[] = {"reasoning_content", "reasoning", "thinking",
                                        "reasoning_details"};
    const json_t *content = json_object_get(m, "content");
    if (!content || json_is_null(content)) content = json_object_get(m, "refusal");
    if ((m && !json_is_object(m)) || !is_text(content))
        return malformed(err, "holds a message whose content is not a string");
    rn_buf text = {0}, thought = {0}, whole = {0};
    for (size_t i = 0; i < sizeof apart / sizeof apart[0] && !thought.len; i++)
        add_parts(json_object_get(m, apart[i]), 0, &thought, &thought);
    add_parts(content, 0, &text, &thought);
    rn_bytes view = rn_buf_view(&text);
    s->cut_here = cut(f, &view);
    bool answered = view.len || json_is_string(content);
    if (thought.len) {
        rn_buf_puts(&whole, "<think>\n");
        rn_buf_add(&whole, thought.data, thought.len);
        if (answered) rn_buf_puts(&whole, "\n</think>\n");
    }
    rn_buf_add(&whole, view.data, view.len);
    whole.failed |= text.failed | thought.failed;
    char *kept = rn_buf_ok(&whole) ? rn_arena_alloc(arena, whole.len + 1) : NULL;
    if (kept && whole.len) memcpy(kept, whole.data, whole.len);
    s->text = (rn_bytes){kept, whole.len};
    rn_buf_free(&text);
    rn_buf_free(&thought);
    rn_buf_free(&whole);
    return kept ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for an answer");
}

/* ---- choices --------------------------------------------------------------------------------- */

/* The names that servers give to the ends that all know; another one is kept as it is. NULL: the
 * server broke the answer off. */
static const char *finish_of(const char *name)
{
    static const char *const same[][2] = {
        {"eos", "stop"},           {"eos_token", "stop"},
        {"stop_sequence", "stop"}, {"end_turn", "stop"},
        {"stop", "stop"},          {"length", "length"},
        {"max_tokens", "length"},  {"max_length", "length"},
        {"abort", NULL},           {"aborted", NULL},
        {"error", NULL},           {"cancelled", NULL},
        {"canceled", NULL},        {"network_error", NULL},
        {"server_error", NULL},    {"insufficient_system_resource", NULL}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (strcasecmp(name, same[i][0]) == 0) return same[i][1];
    return name;
}

static int read_choice(const rn_ask_form *f, const json_t *c, rn_parsed *p, rn_remote_sample *s,
                       rn_err *err)
{
    rn_bytes finish; /* SGLang's own form: {"type": "stop", "matched": 2} */
    const json_t *reason = json_object_get(c, "finish_reason");
    bool told = json_is_object(reason) ? string_of(reason, "type", &finish)
                                       : string_of(c, "finish_reason", &finish);
    if (!told || finish.len == 0)
        return malformed(err, "holds a choice without finish_reason: it may be cut");
    s->finish = finish_of(finish.data);
    rn_bytes native; /* a gateway calls "stop" what its provider broke off */
    if (string_of(c, "native_finish_reason", &native) && !finish_of(native.data)) s->finish = NULL;
    s->gen_tok = -1;
    s->logprob = NAN;
    if (!s->finish) return 0;
    /* Gateways answer in the form of the other kind of request, and some in both at once. */
    const json_t *text = json_object_get(c, "text"), *message = json_object_get(c, "message");
    bool chat = f->api == RN_REMOTE_CHAT;
    if (!text && !message && json_object_get(c, "delta"))
        return malformed(err, "holds a piece of a stream (\"delta\"), although \"stream\": false "
                              "was sent");
    if (message && (chat || !json_is_string(text))) {
        int rc = message_text(f, message, &p->arena, s, err);
        if (rc) return rc;
    } else if (json_is_string(text)) {
        s->text = (rn_bytes){json_string_value(text), json_string_length(text)};
        s->cut_here = cut(f, &s->text);
    } else if (text && !json_is_null(text)) {
        return malformed(err, "holds a choice whose text is not a string");
    }
    int64_t n;
    double sum;
    if (sum_logprobs(c, &sum, &n)) {
        s->logprob = s->cut_here ? NAN : sum;
        s->gen_tok = n;
    }
    if (s->cut_here) s->finish = "stop";
    return 0;
}

/* Log probabilities that are not those of all tokens, but for the end token and those of a stop
 * string, which some servers count and others do not: of the visible part of an answer, or cut
 * short. Their sum says nothing. */
static void check_logprobs(const rn_ask_form *f, const rn_parsed *p, rn_remote_sample *all,
                           int64_t n)
{
    int64_t counted = 0, slack = 1;
    for (size_t i = 0; i < json_array_size(f->stop); i++) {
        int64_t len = 1 + (int64_t)json_string_length(json_array_get(f->stop, i));
        if (len > slack) slack = len;
    }
    for (int64_t i = 0; i < n; i++) {
        if (all[i].gen_tok < 0) return; /* of some choices only: they cannot be compared */
        counted += all[i].gen_tok;
    }
    if (p->gen_tok < 0 || llabs(counted - p->gen_tok) <= n * slack) return;
    for (int64_t i = 0; i < n; i++) {
        all[i].logprob = NAN;
        all[i].gen_tok = -1;
    }
}

/* Some servers (ik_llama.cpp) say "stop" whatever the end was. A sample with as many tokens as were
 * allowed was cut, but for the one in hundreds whose last allowed token is its end. */
static void correct_finish(const rn_ask_form *f, const rn_parsed *p, rn_remote_sample *s)
{
    bool stopped = strcmp(s->finish, "stop") == 0 && !s->cut_here;
    if (stopped && f->bounded && !p->hidden && s->gen_tok_exact && s->gen_tok >= f->max_tok)
        s->finish = "length";
}

/* Tokens of each choice. Counts by log probabilities are taken where they add up to the server's
 * total; else what is not known of `length` ones is shared by bytes. */
static void share_tokens(const rn_ask_form *f, rn_parsed *p, const rn_remote_sample *all, int64_t n,
                         rn_remote_sample *const *place)
{
    int64_t counted = 0, bytes = 0, left = p->gen_tok;
    bool every = true, limited = f->bounded && !p->hidden;
    for (int64_t i = 0; i < n; i++) {
        every = every && all[i].gen_tok >= 0;
        counted += all[i].gen_tok;
        if (limited && all[i].finish && strcmp(all[i].finish, "length") == 0)
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
        if (limited && strcmp(s->finish, "length") == 0 && left >= 0) {
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

/* Lone surrogates as the bytes that Python gives them; such a program does not compile. */
static int unmark(rn_arena *arena, rn_bytes *text, rn_err *err)
{
    rn_buf plain = {0};
    if (!text->len) return 0;
    bool ok = rn_json_unmark(text, &plain);
    char *kept = ok ? rn_arena_dup(arena, text->data, text->len) : NULL;
    text->data = kept;
    rn_buf_free(&plain);
    return kept ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for an answer");
}

static int read_choices(const rn_ask_form *f, const json_t *choices, rn_parsed *p, rn_err *err)
{
    size_t n = json_array_size(choices);
    rn_remote_sample *all = rn_arena_array(&p->arena, n, sizeof *all);
    rn_remote_sample **place = rn_arena_array(&p->arena, n, sizeof *place);
    int64_t *number = rn_arena_array(&p->arena, n, sizeof *number);
    p->samples = rn_arena_array(&p->arena, n, sizeof *p->samples);
    if (!all || !place || !number || !p->samples)
        return rn_fail(err, RN_ENOMEM, "out of memory for an answer");
    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(choices, i);
        const json_t *index = json_object_get(c, "index");
        number[i] = json_is_integer(index) ? (int64_t)json_integer_value(index) : (int64_t)i;
        if (!json_is_object(c)) return malformed(err, "holds a choice that is not an object");
        /* From 0 or from 1, with gaps where some were left out; one twice may be one text twice. */
        bool wrong = number[i] < 0 || number[i] > f->n;
        for (size_t k = 0; k < i; k++)
            wrong |= number[k] == number[i];
        if (wrong) return malformed(err, "numbers its choices wrongly");
        rn_remote_sample x = {0};
        int rc = read_choice(f, c, p, &x, err);
        if (rc) return rc;
        size_t at = i;
        for (; at > 0 && number[at - 1] > number[i]; at--)
            all[at] = all[at - 1];
        all[at] = x;
        int64_t own = number[i];
        memmove(number + at + 1, number + at, (i - at) * sizeof *number);
        number[at] = own;
    }
    check_logprobs(f, p, all, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].finish) continue;
        if (p->marked && unmark(&p->arena, &all[i].text, err)) return RN_ENOMEM;
        place[i] = &p->samples[p->n_samples++];
        *place[i] = all[i];
    }
    p->n_discarded = (int64_t)n - p->n_samples;
    share_tokens(f, p, all, (int64_t)n, place);
    int64_t kept = 0;
    for (int64_t i = 0; i < p->n_samples; i++) {
        correct_finish(f, p, &p->samples[i]);
        kept += p->samples[i].gen_tok > 0 ? p->samples[i].gen_tok : 0;
    }
    if (p->gen_tok > kept && p->n_discarded) p->discarded_tok = p->gen_tok - kept;
    if (p->n_samples == 0)
        return malformed(err, "was broken off by the server and is not a sample");
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

static int parse_root(rn_bytes body, rn_parsed *p, rn_err *err)
{
    static const char *const lines[] = {"data:", "event:", "id:", "retry:", ": "};
    while (body.len && (unsigned char)*body.data <= ' ')
        body.data++, body.len--;
    if (!body.len) return malformed(err, "is empty");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (rn_bytes_starts(body, lines[i]))
            return malformed(err, "is a stream, although \"stream\": false was sent; the address "
                                  "must lead to a server that answers in one piece");
    if (*body.data == '<')
        return malformed(err,
                         "is a web page; the address must lead to the server's API, up to /v1");
    rn_err why;
    if (rn_json_parse_python(body, (rn_json_at){"answer", 0}, &p->root, &p->marked, &why))
        return rn_fail(err, RN_EFORMAT, "%s is not valid JSON: %s", reply, why.msg);
    return 0;
}

int rn_answer_parse(const rn_ask_form *f, rn_bytes body, rn_parsed *p, rn_err *err)
{
    p->prompt_tok = p->cached_tok = p->gen_tok = -1;
    p->id = p->model = "";
    int rc = parse_root(body, p, err);
    if (rc) return rc;
    if (!json_is_object(p->root)) return malformed(err, "is no JSON object");
    read_usage(f, p->root, p);
    rn_bytes s;
    if (string_of(p->root, "id", &s)) p->id = s.data;
    if (string_of(p->root, "model", &s)) p->model = s.data;
    const json_t *choices = json_object_get(p->root, "choices");
    if (!json_is_array(choices)) {
        char said[200];
        rn_answer_message(body, f->secrets, said, sizeof said);
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

int64_t rn_answer_context(rn_bytes body, const char *model, bool *listed, rn_buf *names)
{
    *listed = false;
    json_error_t ignored;
    json_t *root = json_loadb(body.data ? body.data : "", body.len, 0, &ignored);
    static const char *const sizes[] = {"max_model_len", "context_length", /* vLLM, SGLang */
                                        "max_context_length", "context_window"};
    static const char prefix[] = "models/"; /* Gemini's */
    const json_t *list = json_is_array(root) ? root : json_object_get(root, "data");
    int64_t context = -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        rn_bytes id;
        if (!string_of(m, "id", &id)) continue;
        const char *name = id.data;
        if (rn_bytes_starts(id, prefix) && strcmp(name, model) != 0) name += sizeof prefix - 1;
        bool plain = rn_utf8_valid(id, NULL) && !strpbrk(name, "\x1b\r\n");
        if (plain && names->len < MAX_NAMES)
            rn_buf_printf(names, "%s%s", names->len ? ", " : "", name);
        if (strcmp(name, model) != 0) continue;
        *listed = true;
        for (size_t k = 0; context < 0 && k < sizeof sizes / sizeof sizes[0]; k++)
            context = count_of(m, sizes[k]);
        if (context < 0)
            context = count_of(json_object_get(m, "meta"), "n_ctx_train"); /* llama.cpp */
        break;
    }
    json_decref(root);
    return context;
}
