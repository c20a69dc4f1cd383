/*
 * fields.c: what a server takes of a request's fields.
 *
 * Every request is first written with all that a sample depends on, so that no server's own default
 * (top_k 40, a repetition penalty from the model's files) decides anything: `want`. What is sent is
 * `want` less what was refused. After a refusal the server's words name a field; of several the
 * one whose loss does least harm is given up, and the request goes out again. Where no field is
 * named, what is not in OpenAI's protocol is left out, once. A field that some answered request
 * held is never given up: what a run's settings say stays true to its end.
 *
 * Conceded for all requests of the handle: n is halved; of more than four stop strings four are
 * sent and the rest is cut from the text here; max_tokens is renamed; top_k -1 ("all") becomes 0;
 * any other field is left out. Temperature 0 is not: without it no answer is the likeliest one.
 */
#include "remote/remote_priv.h"

#include <ctype.h>
#include <stdlib.h>

enum { FEW_STOPS = 4, ALL_TOP_K = -1 };

static const char *const names[RN_N_FIELDS] = {
#define NAME(id, name) [RN_FIELD_##id] = name,
    RN_FIELDS(NAME)
#undef NAME
};

static const char new_max_tok[] = "max_completion_tokens";

static const uint32_t extensions = 1u << RN_FIELD_REPEAT_PENALTY |
                                   1u << RN_FIELD_REPETITION_PENALTY | 1u << RN_FIELD_MIN_P |
                                   1u << RN_FIELD_TOP_K;

static bool holds(uint32_t set, rn_field f)
{
    return set >> f & 1;
}

void rn_fields_init(rn_takes *t)
{
    *t = (rn_takes){.max_n = INT64_MAX, .max_stop = INT64_MAX};
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static void limit_stops(const rn_takes *t, rn_ask *a, json_t *body)
{
    json_t *stop = json_object_get(body, names[RN_FIELD_STOP]);
    int64_t n = (int64_t)json_array_size(stop);
    a->form.n_stop_sent = n < t->max_stop ? n : t->max_stop;
    if (a->form.n_stop_sent == n) return;
    json_t *few = json_array();
    for (int64_t i = 0; i < a->form.n_stop_sent; i++)
        json_array_append(few, json_array_get(stop, (size_t)i));
    if (a->form.n_stop_sent)
        json_object_set(body, names[RN_FIELD_STOP], few);
    else
        json_object_del(body, names[RN_FIELD_STOP]);
    json_decref(few);
}

static void limit_n(const rn_takes *t, rn_ask *a, json_t *body)
{
    const char *key = names[RN_FIELD_N];
    json_t *n = json_object_get(body, key);
    if (a->form.kind != RN_ASK_SAMPLES) return;
    a->form.n = n ? json_integer_value(n) : 1;
    if (a->form.n > t->max_n) a->form.n = t->max_n;
    if (a->form.n > 1)
        json_object_set_new(body, key, json_integer(a->form.n));
    else
        json_object_del(body, key);
}

/* The user's fields: null leaves one out. Either name of the repetition penalty stands for both. */
static void add_extra(const rn_remote *r, json_t *body)
{
    const char *key;
    json_t *value;
    json_object_foreach(r->extra, key, value)
    {
        if (strcmp(key, names[RN_FIELD_REPEAT_PENALTY]) == 0 ||
            strcmp(key, names[RN_FIELD_REPETITION_PENALTY]) == 0) {
            json_object_del(body, names[RN_FIELD_REPEAT_PENALTY]);
            json_object_del(body, names[RN_FIELD_REPETITION_PENALTY]);
        }
        if (json_is_null(value))
            json_object_del(body, key);
        else
            json_object_set(body, key, value);
    }
}

int rn_fields_render(rn_remote *r, rn_ask *a, rn_err *err)
{
    const rn_takes *t = &r->takes;
    if (!a->want || (a->body && a->version == t->version)) return 0;
    json_t *body = json_copy(a->want);
    if (!body) return rn_fail(err, RN_ENOMEM, "out of memory for a request");
    const uint32_t needed = a->form.kind == RN_ASK_SCORE ? 1u << RN_FIELD_LOGPROBS : 0;
    for (int f = 0; f < RN_N_FIELDS; f++)
        if (holds(t->refused & ~needed, (rn_field)f)) json_object_del(body, names[f]);
    limit_stops(t, a, body);
    limit_n(t, a, body);
    json_t *top_k = json_object_get(body, names[RN_FIELD_TOP_K]);
    if (t->zero_top_k && top_k && json_integer_value(top_k) == ALL_TOP_K)
        json_object_set_new(body, names[RN_FIELD_TOP_K], json_integer(0));
    json_t *limit = json_object_get(body, names[RN_FIELD_MAX_TOK]);
    if (limit && t->renamed) {
        json_object_set(body, new_max_tok, limit);
        json_object_del(body, names[RN_FIELD_MAX_TOK]);
    }
    add_extra(r, body);
    a->held = 0;
    for (int f = 0; f < RN_N_FIELDS; f++)
        if (json_object_get(body, names[f])) a->held |= 1u << f;
    if (json_object_get(body, new_max_tok)) a->held |= 1u << RN_FIELD_MAX_TOK;
    a->form.bounded = holds(a->held, RN_FIELD_MAX_TOK);
    free(a->body);
    a->body = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15));
    a->body_len = a->body ? strlen(a->body) : 0;
    a->version = t->version;
    json_decref(body);
    return a->body ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a request");
}

void rn_fields_prove(rn_remote *r, const rn_ask *a)
{
    rn_takes *t = &r->takes;
    t->proven |= a->held;
    t->guessing = false;
    if (a->form.kind == RN_ASK_SAMPLES && a->form.n > t->proven_n) t->proven_n = a->form.n;
    if (a->form.n_stop_sent > t->proven_stop) t->proven_stop = a->form.n_stop_sent;
}

/* ---- what a refusal names -------------------------------------------------------------------- */

/* Where `word` stands in text on its own, not inside a longer name; NULL: nowhere. */
static const char *find_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strcasestr(p, word)); p++) {
        bool head = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
        bool tail = !(isalnum((unsigned char)p[n]) || p[n] == '_');
        if (head && tail) return p;
    }
    return NULL;
}

static bool any_part(const char *text, const char *const *parts)
{
    for (; *parts; parts++)
        if (strcasestr(text, *parts)) return true;
    return false;
}

/* "n" is a letter: it counts in quotes, or before a word that says something of a value. */
static bool names_n(const char *text)
{
    static const char *const other[] = {"n_cmpl",
                                        "n_parallel",
                                        "slots",
                                        "candidateCount",
                                        "best_of",
                                        "candidate_count",
                                        "multiple choices",
                                        "num_return_sequences",
                                        NULL};
    static const char *const after[] = {"exceed", "must", "should", "is ",  "> ",    ">",
                                        "=",      "can",  "not ",   "too ", "value", NULL};
    for (const char *p = text; (p = find_word(p, "n")); p++) {
        if (p > text && strchr("`'\"", p[-1])) return true;
        const char *rest = p + 1 + strspn(p + 1, " ");
        for (int i = 0; after[i]; i++)
            if (strncasecmp(rest, after[i], strlen(after[i])) == 0) return true;
    }
    return any_part(text, other);
}

static bool text_names(const char *text, rn_field f)
{
    static const char *const stops[] = {"stop sequence", "stop_sequence", "stopSequences",
                                        "stop word",     "stop string",   NULL};
    if (f == RN_FIELD_N) return names_n(text);
    if (f == RN_FIELD_STOP && any_part(text, stops)) return true;
    if (f == RN_FIELD_MAX_TOK && find_word(text, new_max_tok)) return true;
    return find_word(text, names[f]) != NULL;
}

/* Whether the server does not know max_tokens at all, as opposed to its value. */
static bool is_unknown(const char *text)
{
    static const char *const value[] = {"too large", "at most",   "exceed",  "maximum",
                                        "less than", "too small", "context", NULL};
    static const char *const unknown[] = {
        "support",     "unrecognized", "unknown",    "extra",          "not permitted",
        "not allowed", "unexpected",   "deprecated", "not recognized", NULL};
    if (strcasestr(text, "instead")) return true;
    return any_part(text, unknown) && !any_part(text, value);
}

/* The fields that the words blame; not the one that they offer instead. */
static uint32_t blamed(const rn_words *said)
{
    rn_words cut = *said;
    const rn_words *w = &cut;
    char *offer = strcasestr(cut.text, "did you mean");
    if (offer) *offer = '\0';
    uint32_t set = 0;
    for (int f = 0; f < RN_N_FIELDS; f++)
        if (w->field[0] && text_names(w->field, (rn_field)f)) set |= 1u << f;
    if (find_word(w->field, "n")) set |= 1u << RN_FIELD_N;
    for (int f = 0; !set && f < RN_N_FIELDS; f++)
        if (text_names(w->text, (rn_field)f)) set |= 1u << f;
    return set;
}

/* ---- concessions ----------------------------------------------------------------------------- */

static int64_t n_stops(const rn_ask *a)
{
    return a->form.n_stop_sent;
}

static bool give_up(rn_takes *t, const rn_ask *a, rn_field f, const char *text)
{
    const json_t *v = json_object_get(a->want, names[f]);
    switch (f) {
    case RN_FIELD_N:
        if (a->form.n < 2 || a->form.n <= t->proven_n) return false;
        t->max_n = a->form.n / 2 > t->proven_n ? a->form.n / 2 : t->proven_n;
        if (t->max_n < 1) t->max_n = 1;
        return true;
    case RN_FIELD_STOP:
        if (n_stops(a) <= t->proven_stop) return false;
        t->max_stop = n_stops(a) > FEW_STOPS ? FEW_STOPS : n_stops(a) / 2;
        if (t->max_stop < t->proven_stop) t->max_stop = t->proven_stop;
        return true;
    case RN_FIELD_MAX_TOK:
        if (!is_unknown(text)) return false;
        if (t->renamed) t->refused |= 1u << f;
        t->renamed = true;
        return true;
    case RN_FIELD_TOP_K:
        if (!t->zero_top_k && v && json_integer_value(v) == ALL_TOP_K && !is_unknown(text)) {
            t->zero_top_k = true;
            return true;
        }
        break;
    case RN_FIELD_TEMPERATURE:
        if (json_number_value(v) == 0) return false;
        break;
    default: break;
    }
    t->refused |= 1u << f;
    return true;
}

/* Of the fields in `set` those that can be given up; the first alone, but all that an explicit list
 * of fields names. */
static bool give_up_some(rn_takes *t, const rn_ask *a, uint32_t set, const rn_words *w)
{
    bool done = false;
    for (int f = 0; f < RN_N_FIELDS; f++) {
        bool counted = f == RN_FIELD_N || f == RN_FIELD_STOP;
        if (!holds(set & a->held, (rn_field)f)) continue;
        if (holds(t->proven, (rn_field)f) && !counted) continue;
        if (!give_up(t, a, (rn_field)f, w->text)) continue;
        done = true;
        if (!w->field[0]) return true;
    }
    return done;
}

/* Nobody is named: what OpenAI's protocol lacks goes first, then an n larger than any answered. */
static bool guess(rn_takes *t, const rn_ask *a, const rn_words *w)
{
    const uint32_t beyond = extensions | 1u << RN_FIELD_STREAM;
    uint32_t set = t->vain ? 0 : beyond & a->held & ~t->proven;
    if (!set) return holds(a->held, RN_FIELD_N) && t->proven && give_up(t, a, RN_FIELD_N, w->text);
    if (!t->guessing) t->before = t->refused;
    t->guessing = true;
    t->refused |= set;
    return true;
}

bool rn_fields_concede(rn_remote *r, const rn_ask *a, long status)
{
    rn_takes *t = &r->takes;
    bool clear = status == 400 || status == 422;
    bool maybe =
        clear || status == 403 || status == 404 || status == 405 || status == 500 || status == 501;
    if (!a->want || !maybe) return false;
    if (a->version != t->version) return true; /* conceded since it was sent */
    rn_words w;
    rn_words_read(rn_buf_view(&a->in), &w);
    uint32_t set = blamed(&w);
    if (a->form.kind == RN_ASK_SCORE) set &= ~(1u << RN_FIELD_LOGPROBS);
    bool done = set && give_up_some(t, a, set, &w);
    /* Some servers fail at what they do not know. */
    bool fails = status == 500 && a->tries > 1 && !t->proven;
    if (!done && !set && (clear || fails) && a->form.kind == RN_ASK_SAMPLES) done = guess(t, a, &w);
    if (done && !t->proven && !r->first_words[0])
        rn_answer_message(rn_buf_view(&a->in), &r->secrets, r->first_words, sizeof r->first_words);
    if (!done && t->guessing) { /* it did not help */
        t->refused = t->before;
        t->guessing = false;
        t->vain = true;
        t->version++;
    }
    t->version += done;
    return done;
}

/* ---- the user's own -------------------------------------------------------------------------- */

/* {"field": value, ...}: what requests hold beside what ration writes. */
int rn_fields_extra(const char *text, json_t **out, rn_err *err)
{
    static const struct {
        const char *key, *option;
        bool may_be_null;
    } own[] = {{"model", "-m URL#NAME", false},
               {"prompt", "--preset", false},
               {"messages", "--preset", false},
               {"n", "-n", false},
               {"stream", NULL, false},
               {"echo", NULL, false},
               {"prompt_logprobs", NULL, false},
               {"max_tokens", "--max-tokens", true},
               {new_max_tok, "--max-tokens", true},
               {"temperature", "--temperature", true},
               {"top_p", "--top-p", true},
               {"top_k", "--top-k", true},
               {"min_p", "--min-p", true},
               {"seed", "--seed", true},
               {"stop", "--preset", true},
               {"logprobs", NULL, true}};
    json_error_t why;
    json_t *extra = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(extra)) {
        json_decref(extra);
        return rn_fail(err, RN_EINVAL,
                       "--body is not a JSON object%s%s; write e.g. "
                       "--body '{\"reasoning_effort\": \"low\"}'",
                       extra ? "" : ": ", extra ? "" : why.text);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        const json_t *v = json_object_get(extra, own[i].key);
        if (!v || (own[i].may_be_null && json_is_null(v))) continue;
        int rc =
            rn_fail(err, RN_EINVAL, "--body sets '%s', which ration writes itself%s%s%s",
                    own[i].key, own[i].option ? "; use " : "", own[i].option ? own[i].option : "",
                    own[i].may_be_null ? ", or null to leave it out" : "");
        json_decref(extra);
        return rc;
    }
    *out = extra;
    return 0;
}

/* ---- what records say ------------------------------------------------------------------------ */

static bool is_sent(const rn_remote *r, rn_field f)
{
    const json_t *extra = json_object_get(r->extra, names[f]);
    return !holds(r->takes.refused, f) && !(extra && json_is_null(extra));
}

/* Notes a field as it is sent, or that the server decides; takes the value over. */
static void describe(json_t *settings, json_t *decides, const char *name, bool sent, json_t *value)
{
    if (sent) {
        json_object_set_new(settings, name, value);
        return;
    }
    json_decref(value);
    json_object_set_new(settings, name, json_null());
    json_array_append_new(decides, json_string(name));
}

void rn_remote_describe(const rn_remote *r, const rn_sampling *s, json_t *settings)
{
    const struct {
        rn_field f;
        json_t *value;
        bool if_greedy; /* it says something at temperature 0 */
    } rows[] = {{RN_FIELD_TEMPERATURE, json_real(s->temperature), true},
                {RN_FIELD_MAX_TOK, json_integer((json_int_t)s->max_tok), true},
                {RN_FIELD_TOP_P, json_real(s->top_p), false},
                {RN_FIELD_TOP_K, json_integer((json_int_t)s->top_k), false},
                {RN_FIELD_MIN_P, json_real(s->min_p), false},
                {RN_FIELD_SEED, json_integer((json_int_t)s->seed), false}};
    json_t *decides = json_array();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (s->temperature > 0 || rows[i].if_greedy)
            describe(settings, decides, names[rows[i].f], is_sent(r, rows[i].f), rows[i].value);
        else
            json_decref(rows[i].value);
    }
    const char *penalty = names[RN_FIELD_REPETITION_PENALTY];
    json_t *given = json_object_get(r->extra, penalty);
    if (!given) given = json_object_get(r->extra, names[RN_FIELD_REPEAT_PENALTY]);
    bool sent = is_sent(r, RN_FIELD_REPETITION_PENALTY) || is_sent(r, RN_FIELD_REPEAT_PENALTY);
    describe(settings, decides, penalty, sent || (given && !json_is_null(given)),
             given && !json_is_null(given) ? json_incref(given) : json_integer(1));
    if (json_array_size(decides)) json_object_set(settings, "server_decides", decides);
    json_decref(decides);
    if (r->extra) json_object_set(settings, "body", r->extra);
    if (json_object_size(r->headers_said)) json_object_set(settings, "headers", r->headers_said);
    if (json_object_size(r->query_said)) json_object_set(settings, "query", r->query_said);
}

json_t *rn_remote_terms(const rn_remote *r)
{
    const rn_takes *t = &r->takes;
    json_t *j = json_object(), *left_out = json_array();
    for (int f = 0; f < RN_N_FIELDS; f++)
        if (holds(t->refused, (rn_field)f)) json_array_append_new(left_out, json_string(names[f]));
    json_object_set_new(j, "left_out", left_out);
    json_object_set_new(j, "max_tokens_as",
                        json_string(t->renamed ? new_max_tok : names[RN_FIELD_MAX_TOK]));
    if (t->max_n < INT64_MAX) json_object_set_new(j, "choices_at_most", json_integer(t->max_n));
    if (t->max_stop < INT64_MAX) json_object_set_new(j, "stops_sent", json_integer(t->max_stop));
    return j;
}

void rn_remote_decides(const rn_remote *r, const rn_sampling *s, rn_buf *out)
{
    json_t *settings = json_object();
    rn_remote_describe(r, s, settings);
    const json_t *list = json_object_get(settings, "server_decides");
    for (size_t i = 0; i < json_array_size(list); i++)
        rn_buf_printf(out, "%s%s", i ? ", " : "", json_string_value(json_array_get(list, i)));
    json_decref(settings);
}

int64_t rn_remote_max_n(const rn_remote *r)
{
    return r->takes.max_n < RN_REMOTE_MAX_N ? r->takes.max_n : RN_REMOTE_MAX_N;
}

/* The extensions of vLLM, SGLang and llama.cpp are not in OpenAI's protocol: a server that ignores
 * one without a word has defaults of its own. */
void rn_fields_ignored(rn_remote *r)
{
    r->takes.refused |= extensions;
    r->takes.version++;
}
