/*
 * test_writer.c: see test_writer.h. The model is a sampler (sampler.h), opened anew for each run,
 * since what it is asked has to be known before the first purchase; answers are kept, so that runs
 * of one set share them. They are bought a problem at a time, when its samples are scored: after an
 * interruption the answers of one problem are asked for again.
 */
#include "run/test_writer.h"

#include "run/identity.h"
#include "run/sampler.h"

#include "base/file.h"

enum { MAX_FILE = 1 << 20, MAX_TOK = 300, POLL_MS = 50 };

/* The answers to one question. */
typedef struct asked {
    char *key; /* set's hash and task id; owned */
    RN_VEC(rn_buf) answers;
    int64_t n_due; /* still to come */
} asked;

struct rn_test_writer {
    json_t *question; /* owns the strings below */
    const char *name, *text, *begin, *chat;
    char sha[RN_SHA256_HEX], sampler_sha[RN_SHA256_HEX];
    int64_t n_answers;
    int64_t n_flying; /* bought, not here */
    rn_sampling sampling;
    rn_sampler *sampler; /* of the run at work */
    rn_inbox inbox;
    rn_turn turn;
    RN_VEC(asked) list;
    rn_buf identity; /* of the model: name and server */
};

static const char *const stops[] = {"\ndef ", "\nclass ", "\n#", "\nif __name__", "\nprint(", NULL};

/* ---- the question ---------------------------------------------------------------------------- */

static int read_question(rn_test_writer *w, const rn_rank_options *o, rn_err *err)
{
    rn_path path;
    rn_buf text = {0};
    const char *which = o->question ? o->question : RN_TESTS_DEFAULT;
    int rc = 0;
    if (!rn_data_template(rn_data_dir(o->data_dir), "tests", which, &path))
        rc = rn_fail(err, RN_ENOTFOUND,
                     "there is no question for tests '%s': give assert or a file", which);
    if (!rc) rc = rn_file_read(path.s, MAX_FILE, &text, err);
    if (!rc) rc = rn_json_parse(rn_buf_view(&text), (rn_json_at){path.s, 0}, &w->question, err);
    const char **to[] = {&w->name, &w->text, &w->begin, &w->chat};
    const char *const names[] = {"name", "text", "begin", "chat"};
    for (int i = 0; i < 4 && !rc; i++) {
        rn_bytes x = {0};
        rc = json_is_object(w->question)
                 ? rn_json_bytes(w->question, names[i], (rn_json_at){path.s, 0}, &x, err)
                 : rn_fail(err, RN_EFORMAT, "%s: a question is a JSON object", path.s);
        *to[i] = x.data;
    }
    if (!rc && (!strstr(w->text, "{prompt}") || !strstr(w->chat, "{prompt}")))
        rc = rn_fail(err, RN_EINVAL,
                     "%s: \"text\" and \"chat\" must contain {prompt}: every problem would get the "
                     "same question",
                     path.s);
    if (!rc) rn_sha256_hex_of(rn_buf_view(&text), w->sha);
    rn_buf_free(&text);
    return rc;
}

/* Appends form with {prompt} and {entry} put in; what is put in is not looked at again. */
static void fill_in(const char *form, const rn_problem *p, const char *entry, rn_buf *out)
{
    const rn_bytes prompt = rn_bytes_of(p->prompt ? p->prompt : "");
    size_t len = prompt.len; /* the form goes on on a line of its own */
    while (len && strchr(" \t\r\n", prompt.data[len - 1]))
        len--;
    for (const char *at = form; *at;) {
        if (strncmp(at, "{prompt}", 8) == 0) {
            rn_buf_add(out, prompt.data, len);
            at += 8;
        } else if (strncmp(at, "{entry}", 7) == 0) {
            rn_buf_puts(out, entry);
            at += 7;
        } else {
            rn_buf_putc(out, *at++);
        }
    }
}

/* The function's name as assertions call it; in `a`, NULL: none is known. */
static const char *entry_of(const rn_problem *p, rn_arena *a)
{
    if (p->entry_point && p->entry_point[0]) return p->entry_point;
    for (size_t i = 0; i < p->n_asserts; i++) {
        const char *name = rn_examples_entry(rn_bytes_of(p->asserts[i]), a);
        if (name) return name;
    }
    return NULL;
}

/* ---- the model ------------------------------------------------------------------------------- */

static int open_sampler(rn_test_writer *w, rn_ranking *k, rn_err *err)
{
    const rn_sampler_opts so = {.model = &k->o->model,
                                .watch = &k->o->watch,
                                .chat = k->o->model.chat ? k->o->model.chat : "auto",
                                .inbox = &w->inbox,
                                .turn = &w->turn};
    int rc = rn_sampler_open(&so, &w->sampler, err);
    if (rc) return rc;
    rn_sampler *s = w->sampler;
    s->sampling = w->sampling;
    s->sampling.stop = s->chat ? NULL : stops;
    return rn_opened_hash(&s->m, err);
}

static void close_sampler(rn_test_writer *w)
{
    if (!w->sampler) return;
    rn_sampler_cancel(w->sampler);
    rn_sampler_stop(w->sampler);
    for (rn_event *e; (e = rn_inbox_take(&w->inbox, 0)) != NULL;)
        rn_event_free(e);
    rn_sampler_close(w->sampler);
    w->sampler = NULL;
    w->n_flying = 0;
}

int rn_test_writer_open(rn_ranking *k, rn_test_writer **out, rn_ranker_identity *id, rn_err *err)
{
    rn_test_writer *w = calloc(1, sizeof *w);
    if (!w) return rn_nomem(err, NULL);
    *out = w; /* the caller closes it, whatever comes */
    rn_inbox_init(&w->inbox);
    rn_turn_init(&w->turn);
    rn_sampling_init(&w->sampling);
    w->sampling.max_tok = MAX_TOK;
    w->sampling.seed = (uint64_t)k->o->seed;
    w->n_answers = k->o->inputs ? k->o->inputs : RN_TESTS_ANSWERS;
    int rc = read_question(w, k->o, err);
    if (!rc) rc = open_sampler(w, k, err);
    if (rc) return rc;
    const rn_opened *m = &w->sampler->m;
    snprintf(w->sampler_sha, sizeof w->sampler_sha, "%s", m->sha);
    rn_buf_puts(&w->identity, m->name);
    id->model_sha = w->sampler_sha[0] ? w->sampler_sha : NULL;
    id->server_model = m->remote ? w->identity.data : NULL;
    id->scoring = w->sampler->chat ? "chat" : "completions";
    id->template = w->name;
    id->template_sha = w->sha;
    close_sampler(w);
    return rn_buf_ok(&w->identity) ? 0 : rn_nomem(err, NULL);
}

const char *rn_test_writer_model(const rn_test_writer *w)
{
    return w->identity.data;
}

void rn_test_writer_close(rn_test_writer *w)
{
    if (!w) return;
    close_sampler(w);
    for (size_t i = 0; i < w->list.n; i++) {
        for (size_t j = 0; j < w->list.data[i].answers.n; j++)
            rn_buf_free(&w->list.data[i].answers.data[j]);
        rn_vec_free(&w->list.data[i].answers);
        free(w->list.data[i].key);
    }
    rn_vec_free(&w->list);
    rn_inbox_free(&w->inbox);
    rn_buf_free(&w->identity);
    json_decref(w->question);
    free(w);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static asked *find(const rn_test_writer *w, const rn_ranking *k, const rn_problem *p)
{
    for (size_t i = 0; i < w->list.n; i++) {
        const char *key = w->list.data[i].key;
        if (strncmp(key, k->set->hash, strlen(k->set->hash)) == 0 &&
            strcmp(key + strlen(k->set->hash) + 1, p->task_id) == 0)
            return &w->list.data[i];
    }
    return NULL;
}

static int want(rn_test_writer *w, rn_ranking *k, const rn_problem *p, rn_arena *a, rn_err *err)
{
    const char *entry = entry_of(p, a);
    rn_buf key = {0}, question = {0};
    rn_buf_printf(&key, "%s/%s", k->set->hash, p->task_id);
    asked x = {.n_due = entry ? w->n_answers : 0};
    x.key = rn_buf_ok(&key) ? rn_buf_take(&key) : NULL;
    if (!x.key || !rn_vec_push(&w->list, x)) {
        free(x.key);
        return rn_nomem(err, "questions");
    }
    if (!entry) return 0; /* a program that reads standard input: nothing to assert */
    uint32_t *idx = rn_arena_array(a, (size_t)w->n_answers, sizeof *idx);
    for (int64_t i = 0; idx && i < w->n_answers; i++)
        idx[i] = (uint32_t)i;
    fill_in(w->sampler->chat ? w->chat : w->text, p, entry, &question);
    if (!w->sampler->chat) fill_in(w->begin, p, entry, &question);
    int rc = idx && rn_buf_ok(&question)
                 ? rn_sampler_want(w->sampler, w->list.n - 1, rn_buf_view(&question), idx,
                                   w->n_answers, err)
                 : rn_nomem(err, "questions");
    rn_buf_free(&question);
    if (rc == RN_ELIMIT) { /* it is longer than the context: no tests of it */
        w->list.data[w->list.n - 1].n_due = 0;
        return 0;
    }
    return rc;
}

int rn_test_writer_begin(rn_test_writer *w, rn_ranking *k, rn_err *err)
{
    rn_arena a = {0};
    close_sampler(w);
    int rc = 0;
    for (size_t i = 0; i < k->set->n && !rc; i++) {
        const rn_problem *p = &k->set->problems[i];
        if (!k->due[i] || find(w, k, p)) continue;
        if (!w->sampler) rc = open_sampler(w, k, err);
        if (!rc) rc = want(w, k, p, &a, err);
        rn_arena_free(&a);
    }
    return rc;
}

static int take(rn_test_writer *w, rn_event *e, rn_err *err)
{
    asked *x = e->tag < w->list.n ? &w->list.data[e->tag] : NULL;
    if (e->kind == RN_EV_DEAD) return *err = e->err, e->err.code;
    if (!x || (e->kind != RN_EV_SAMPLE && e->kind != RN_EV_FAILED && e->kind != RN_EV_CUT))
        return 0;
    const int64_t n = e->kind == RN_EV_SAMPLE ? 1 : e->n;
    x->n_due -= n;
    w->n_flying -= n;
    if (e->kind != RN_EV_SAMPLE) return 0;
    if (!rn_vec_push(&x->answers, e->text)) return rn_nomem(err, NULL);
    e->text = (rn_buf){0};
    return 0;
}

/* Buys question by question, in the order of the set, until this one is answered. */
static int await(rn_test_writer *w, rn_ranking *k, size_t at, rn_err *err)
{
    int rc = 0;
    while (!rc && w->sampler && w->list.data[at].n_due > 0) {
        if (w->n_flying <= 0) {
            rc = rn_sampler_buy(w->sampler, w->n_answers, err);
            w->n_flying = w->n_answers;
            continue;
        }
        rn_event *e = rn_inbox_take(&w->inbox, POLL_MS);
        if (e) rc = take(w, e, err);
        rn_event_free(e);
        if (!rc) rc = rn_watch_check(&k->o->watch, err);
    }
    return rc;
}

/* ---- tests ----------------------------------------------------------------------------------- */

typedef struct tests {
    rn_input *list; /* [RN_JUDGE_MAX_VALUES] */
    size_t n;
} tests;

static void add_test(tests *t, const rn_input *x)
{
    if (x->expected.len == 0 || t->n == RN_JUDGE_MAX_VALUES) return;
    for (size_t i = 0; i < t->n; i++)
        if (rn_bytes_equal(t->list[i].args, x->args) &&
            rn_bytes_equal(t->list[i].expected, x->expected))
            return;
    t->list[t->n++] = *x;
}

/* Answer by answer, so that two answers that contradict each other are two tests. */
static int read_answer(const rn_test_writer *w, const rn_buf *answer, const rn_problem *p,
                       const char *entry, rn_arena *a, tests *out, rn_err *err)
{
    rn_buf text = {0};
    const char *at = answer->len ? answer->data : "";
    if (at[0] != '`' && strncmp(at, "assert", 6) != 0) /* it goes on from the beginning */
        fill_in(w->begin, p, entry, &text);
    if (answer->len) rn_buf_add(&text, answer->data, answer->len);
    rn_bytes kept = {rn_arena_dup(a, text.data ? text.data : "", text.len), text.len};
    int rc = rn_buf_ok(&text) && kept.data ? 0 : rn_nomem(err, "tests");
    rn_buf_free(&text);
    const rn_inputs_ask ask = {.text = kept, .name = entry, .max_examples = RN_MAX_EXAMPLES};
    rn_inputs in = {.n = 0};
    if (!rc) rc = rn_inputs_make(&ask, a, &in, err);
    for (size_t i = 0; i < in.n_examples && !rc; i++)
        add_test(out, &in.list[i]);
    return rc;
}

int rn_test_writer_trial(rn_test_writer *w, rn_ranking *k, rn_arena *a, rn_trial *out, rn_err *err)
{
    const rn_problem *p = k->problem;
    *out = (rn_trial){.in = {.list = NULL}};
    const asked *x = find(w, k, p);
    if (!x) return rn_fail(err, RN_EINTERNAL, "%s was not asked about", p->task_id);
    const char *entry = entry_of(p, a);
    int rc = entry ? await(w, k, (size_t)(x - w->list.data), err) : 0;
    if (rc || !entry) return rc;
    tests t = {.list = rn_arena_array(a, RN_JUDGE_MAX_VALUES, sizeof *t.list)};
    out->known = rn_arena_array(a, RN_JUDGE_MAX_VALUES, sizeof *out->known);
    out->unseen = rn_arena_array(a, RN_JUDGE_MAX_VALUES, sizeof *out->unseen);
    out->cases = rn_arena_array(a, RN_JUDGE_MAX_VALUES, sizeof *out->cases);
    if (!t.list || !out->known || !out->unseen || !out->cases) return rn_nomem(err, "tests");
    for (size_t i = 0; i < x->answers.n && !rc; i++)
        rc = read_answer(w, &x->answers.data[i], p, entry, a, &t, err);
    for (size_t i = 0; i < t.n; i++) {
        out->known[i] = true;
        out->cases[i] = (rn_judge_case){.input = t.list[i].args, .expected = t.list[i].expected};
    }
    out->in = (rn_inputs){.list = t.list, .n = t.n, .n_examples = t.n, .name = entry};
    out->n_known = (uint32_t)t.n;
    return rc;
}
