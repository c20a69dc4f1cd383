/* verifier.c: see verifier.h. */
#include "rank/verifier.h"

#include "base/file.h"
#include "base/json.h"

enum { MAX_FILE = 1 << 20 };

/* ---- templates ------------------------------------------------------------------------------- */

static int read_fields(rn_verifier *v, const json_t *o, const char *path, rn_err *err)
{
    rn_json_at at = {path, 0};
    rn_bytes name = {0}, form = {0}, text = {0}, yes = {0}, no = {0};
    int rc = rn_json_bytes(o, "name", at, &name, err);
    if (!rc) rc = rn_json_bytes(o, "form", at, &form, err);
    if (!rc) rc = rn_json_bytes(o, "text", at, &text, err);
    if (!rc) rc = rn_json_bytes(o, "yes", at, &yes, err);
    if (!rc) rc = rn_json_bytes(o, "no", at, &no, err);
    if (rc) return rc;
    v->chat = rn_bytes_equal(form, rn_bytes_of("chat"));
    if (!v->chat && !rn_bytes_equal(form, rn_bytes_of("text")))
        return rn_fail(err, RN_EFORMAT, "%s: \"form\" is \"text\" or \"chat\", not \"%.40s\"", path,
                       form.data);
    if (rn_bytes_find(text, rn_bytes_of("{program}"), 0) == SIZE_MAX)
        return rn_fail(
            err, RN_EINVAL,
            "%s: the template's text does not contain {program}: every program would get "
            "the same question",
            path);
    if (yes.len == 0 || no.len == 0 || rn_bytes_equal(yes, no))
        return rn_fail(err, RN_EINVAL, "%s: \"yes\" and \"no\" must be two different texts", path);
    if (name.len == 0 || strchr(name.data, ':') || strchr(name.data, '/'))
        return rn_fail(err, RN_EINVAL, "%s: \"name\" must be a word without ':' and '/'", path);
    v->name = rn_arena_dup(&v->own, name.data, name.len);
    v->text = rn_arena_dup(&v->own, text.data, text.len);
    v->yes = rn_arena_dup(&v->own, yes.data, yes.len);
    v->no = rn_arena_dup(&v->own, no.data, no.len);
    if (!v->name || !v->text || !v->yes || !v->no) return rn_nomem(err, path);
    return 0;
}

int rn_verifier_open(const char *which, const char *data_dir, rn_verifier **out, rn_err *err)
{
    rn_verifier *v = calloc(1, sizeof *v);
    rn_path path;
    rn_buf text = {0};
    json_t *o = NULL;
    int rc = v ? 0 : rn_nomem(err, NULL);
    if (!rc && !rn_data_template(data_dir, "verifier", which, &path))
        rc = rn_fail(err, RN_ENOTFOUND,
                     "there is no verifier template '%s': give function, chat or a file", which);
    if (!rc) rc = rn_file_read(path.s, MAX_FILE, &text, err);
    if (!rc) rc = rn_json_parse(rn_buf_view(&text), (rn_json_at){path.s, 0}, &o, err);
    if (!rc && !json_is_object(o))
        rc = rn_fail(err, RN_EFORMAT, "%s: a verifier template is a JSON object", path.s);
    if (!rc) rc = read_fields(v, o, path.s, err);
    if (!rc) rn_sha256_hex_of(rn_buf_view(&text), v->sha);
    json_decref(o);
    rn_buf_free(&text);
    if (rc)
        rn_verifier_free(v);
    else
        *out = v;
    return rc;
}

void rn_verifier_free(rn_verifier *v)
{
    if (!v) return;
    rn_arena_free(&v->own);
    free(v);
}

/* What is put in is never looked at for placeholders itself. */
void rn_verifier_question(const rn_verifier *v, rn_bytes prompt, rn_bytes program, rn_buf *out)
{
    while (program.len && strchr(" \t\r\n", program.data[program.len - 1]))
        program.len--;
    const struct {
        rn_bytes mark, text;
    } parts[] = {{rn_bytes_of("{prompt}"), prompt}, {rn_bytes_of("{program}"), program}};
    for (rn_bytes rest = rn_bytes_of(v->text); rest.len;) {
        size_t n = 1;
        const rn_bytes *put = NULL;
        for (size_t i = 0; i < 2 && !put; i++)
            if (rn_bytes_starts(rest, parts[i].mark.data)) {
                n = parts[i].mark.len;
                put = &parts[i].text;
            }
        if (!put)
            rn_buf_putc(out, rest.data[0]);
        else if (put->len)
            rn_buf_add(out, put->data, put->len);
        rest.data += n;
        rest.len -= n;
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* One call of rn_verifier_ask. Each question has one text to score where both answers are one token
 * long, else two, one for each answer. */
typedef struct session {
    const rn_verifier *v;
    const rn_model *m;
    const rn_engine_opts *opts;
    const rn_ask_io *io;
    rn_ask *asks; /* [n] */
    int64_t n;
    rn_arena arena; /* of the arrays below, and of the tokens in scores */
    rn_ids yes, no;
    rn_ids *ids;      /* [n] questions; empty: too long */
    rn_score *scores; /* [n * per_ask] */
    int64_t *ask_of;  /* [n]: of the scored ones */
    int per_ask;
} session;

static int encode_answer(const rn_model *m, const char *text, rn_ids *ids, rn_err *err)
{
    int rc = rn_tok_encode(m->tok, rn_bytes_of(text), RN_TOK_CONTINUE, ids, err);
    for (size_t i = 0; !rc && i < ids->n; i++)
        if (rn_tok_is_control(m->tok, ids->v[i])) rc = RN_EUNSUPPORTED;
    if (!rc && ids->n) return 0;
    return rn_fail(
        err, RN_EUNSUPPORTED,
        "%s: its vocabulary has no token for the answer '%s'; give a template with other "
        "answers by --verifier FILE",
        m->path, text);
}

static int encode_questions(session *s, rn_err *err)
{
    rn_chat chat = RN_CHAT_NONE;
    rn_bytes system = {0};
    int rc = s->v->chat ? rn_chat_detect(s->m->file, &chat, &system, err) : 0;
    if (!rc && s->v->chat && chat == RN_CHAT_NONE)
        rc = rn_fail(err, RN_EUNSUPPORTED,
                     "%s has no chat template; use a template of the form \"text\"", s->m->path);
    rn_buf text = {0};
    size_t answer = s->yes.n > s->no.n ? s->yes.n : s->no.n;
    for (int64_t i = 0; i < s->n && !rc; i++) {
        rn_buf_clear(&text);
        rn_verifier_question(s->v, s->asks[i].prompt, s->asks[i].program, &text);
        if (!rn_buf_ok(&text)) {
            rc = rn_nomem(err, "question");
            break;
        }
        rc = chat == RN_CHAT_NONE
                 ? rn_tok_encode(s->m->tok, rn_buf_view(&text), RN_TOK_BOS, &s->ids[i], err)
                 : rn_chat_encode(chat, s->m->tok, system, rn_buf_view(&text), &s->ids[i], err);
        s->asks[i].too_long = s->ids[i].n + answer > (size_t)s->m->hp.n_ctx;
        if (s->asks[i].too_long) rn_ids_free(&s->ids[i]);
    }
    rn_buf_free(&text);
    return rc;
}

/* How many tokens all questions begin with; at least 0. */
static size_t common_prefix(const session *s)
{
    const rn_ids *first = NULL;
    size_t n = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const rn_ids *q = &s->ids[i];
        if (s->asks[i].too_long) continue;
        if (!first) {
            first = q;
            n = q->n;
        }
        if (q->n < n) n = q->n;
        for (size_t k = 0; k < n; k++)
            if (q->v[k] != first->v[k]) n = k;
    }
    return n;
}

/* The tokens of question i behind the prefix, and an answer. */
static int put_text(session *s, int64_t at, int64_t i, size_t prefix, const rn_ids *answer,
                    rn_err *err)
{
    size_t own = s->ids[i].n - prefix;
    int32_t *t = rn_arena_array(&s->arena, own + answer->n, sizeof *t);
    if (!t) return rn_nomem(err, "questions");
    if (own) memcpy(t, s->ids[i].v + prefix, own * sizeof *t);
    memcpy(t + own, answer->v, answer->n * sizeof *t);
    s->scores[at] = (rn_score){.tok = t, .n_tok = (int32_t)(own + answer->n)};
    if (s->per_ask == 1) {
        s->scores[at].has_alt = true;
        s->scores[at].alt = s->no.v[0];
    }
    return 0;
}

static int on_tick(void *user, const rn_engine_stats *st, rn_err *err)
{
    (void)st;
    session *s = user;
    return s->io && s->io->tick ? s->io->tick(s->io->user, err) : 0;
}

/* log(1 / (1 + exp(no - yes))), without overflow. */
static double log_share(double yes, double no)
{
    double d = no - yes;
    return d > 0 ? -d - log1p(exp(-d)) : -log1p(exp(d));
}

static void take_scores(session *s, const rn_score *sc, int64_t ask, size_t prefix)
{
    rn_ask *a = &s->asks[ask];
    a->shared_tok = (int64_t)prefix;
    a->own_tok = a->wall_ns = 0;
    for (int k = 0; k < s->per_ask; k++) {
        a->own_tok += sc[k].n_tok;
        a->wall_ns += sc[k].wall_ns;
    }
    /* Question and own tokens are common to both texts: their difference is that of the answers. */
    a->log_yes = s->per_ask == 1 ? log_share(sc->last_logprob, sc->alt_logprob)
                                 : log_share(sc[0].logprob, sc[1].logprob);
}

/* Scores the questions from..end-1 behind a prefix that they share (at least one token). */
static int ask_range(session *s, int64_t from, int64_t end, size_t prefix, rn_err *err)
{
    int64_t n = 0, longest = 1;
    const rn_ids *first = NULL;
    int rc = 0;
    for (int64_t i = from; i < end && !rc; i++) {
        if (s->asks[i].too_long) continue;
        if (!first) first = &s->ids[i];
        rc = put_text(s, n * s->per_ask, i, prefix, &s->yes, err);
        if (!rc && s->per_ask == 2) rc = put_text(s, n * s->per_ask + 1, i, prefix, &s->no, err);
        for (int k = 0; k < s->per_ask && !rc; k++)
            if (s->scores[n * s->per_ask + k].n_tok > longest)
                longest = s->scores[n * s->per_ask + k].n_tok;
        s->ask_of[n++] = i;
    }
    int64_t n_texts = n * s->per_ask;
    if (!rc && n > 0) {
        rn_engine_opts o = *s->opts;
        o.max_prompt_tok = (int64_t)prefix;
        o.max_new_tok = longest;
        if (o.n_slots == 0 && n_texts < RN_ENGINE_SLOTS) o.n_slots = (int32_t)n_texts;
        rn_engine *e = NULL;
        rn_score_io io = {.tick = on_tick, .user = s};
        rc = rn_engine_open(s->m, &o, &e, err);
        if (!rc) rc = rn_engine_score(e, first->v, (int32_t)prefix, s->scores, n_texts, &io, err);
        rn_engine_close(e);
    }
    for (int64_t i = 0; i < n && !rc; i++)
        take_scores(s, &s->scores[i * s->per_ask], s->ask_of[i], prefix);
    return rc;
}

static int ask_all(session *s, rn_err *err)
{
    size_t prefix = common_prefix(s);
    if (prefix > 0) return ask_range(s, 0, s->n, prefix, err);
    int rc = 0; /* without BOS the questions may begin differently */
    for (int64_t i = 0; i < s->n && !rc; i++)
        if (s->ids[i].n > 0) rc = ask_range(s, i, i + 1, s->ids[i].n, err);
    return rc;
}

int rn_verifier_ask(const rn_verifier *v, const rn_model *m, const rn_engine_opts *opts,
                    rn_ask *asks, int64_t n, const rn_ask_io *io, rn_err *err)
{
    if (n == 0) return 0;
    session s = {.v = v, .m = m, .opts = opts, .io = io, .asks = asks, .n = n};
    int rc = encode_answer(m, v->yes, &s.yes, err);
    if (!rc) rc = encode_answer(m, v->no, &s.no, err);
    s.per_ask = s.yes.n == 1 && s.no.n == 1 ? 1 : 2;
    s.ids = rn_arena_array(&s.arena, (size_t)n, sizeof *s.ids);
    s.ask_of = rn_arena_array(&s.arena, (size_t)n, sizeof *s.ask_of);
    s.scores = rn_arena_array(&s.arena, (size_t)n * 2, sizeof *s.scores);
    if (!rc && !(s.ids && s.ask_of && s.scores)) rc = rn_nomem(err, "questions");
    if (!rc) rc = encode_questions(&s, err);
    if (!rc) rc = ask_all(&s, err);
    for (int64_t i = 0; s.ids && i < n; i++)
        rn_ids_free(&s.ids[i]);
    rn_ids_free(&s.yes);
    rn_ids_free(&s.no);
    rn_arena_free(&s.arena);
    return rc;
}
