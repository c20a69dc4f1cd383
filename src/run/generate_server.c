/*
 * generate_server.c: samples of a model behind a server. See generate.h, remote/remote.h.
 *
 * A problem's missing indices are asked for in orders of up to PER_REQUEST, or singly where the
 * server does not honour n. Each request has a seed of its own, from the run's seed, the prompt and
 * the first index of its order; a server need not honour it, and a sample is what it is by run,
 * problem and index alone. What was answered is put and committed before anything else happens.
 */
#include "run/generate.h"

#include "base/clock.h"
#include "base/rng.h"
#include "base/vec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PER_REQUEST = 16,
    FULL_PROBE_FROM = 64, /* missing samples; fewer do not pay for some 30 questions */
    MAX_MESSAGES = 5,
    WAIT_MS = 100,
    NOTE_NS = 1000000000
};

/* Indices of one problem that one request is to give. */
typedef struct order {
    rn_gen_work *w;
    uint32_t idx[PER_REQUEST];
    int64_t n;
    uint64_t next_free;
} order;

/* A sample that an answer left out. */
typedef struct missed {
    rn_gen_work *w;
    uint32_t idx;
} missed;

typedef struct rn_gen_client {
    rn_remote *r;
    rn_cost_book *book;
    const rn_cost *entry; /* NULL: not priced */
    rn_remote_probe probe;
    bool probed, repeated, single;
    RN_VEC(order) orders; /* a request's tag is its place */
    uint64_t free;        /* a place without a request; orders.n: none */
    RN_VEC(missed) again; /* asked for in vain */
    rn_gen_work *work;    /* being ordered, from missing[at] on */
    int64_t at;
    bool ended; /* no further problem */
    rn_server_luck luck;
    int64_t answered_ns, noted_ns, n_refused, n_discarded;
} rn_gen_client;

/* ---- the run --------------------------------------------------------------------------------- */

static int open_client(rn_gen *g, rn_err *err)
{
    const rn_gen_opts *o = g->o;
    rn_gen_client *c = g->client = calloc(1, sizeof *c);
    if (!c) return rn_fail(err, RN_ENOMEM, "out of memory for a client");
    g->model_name = rn_server_opts_name(o->model.path);
    int rc = rn_server_opts_cost(&o->server, o->cost, g->model_name, &c->book, &c->entry, err);
    if (rc) return rc;
    if (c->entry && c->entry->has_shape) g->shape = c->entry->shape;
    return rn_server_opts_open(&o->server, o->model.path,
                               g->preset->chat ? RN_REMOTE_CHAT : RN_REMOTE_COMPLETIONS, &c->r,
                               err);
}

static int choose_wrapping(rn_gen *g, rn_err *err)
{
    (void)err;
    g->wrapped = rn_remote_api_of(g->client->r) == RN_REMOTE_CHAT;
    g->chat_name = g->wrapped ? "server" : "none";
    return 0;
}

static int take_prompt(rn_gen *g, rn_gen_work *w, rn_bytes text, rn_err *err)
{
    (void)g;
    w->text = malloc(text.len + 1);
    if (!w->text) return rn_fail(err, RN_ENOMEM, "out of memory");
    if (text.len) memcpy(w->text, text.data, text.len);
    w->text_len = text.len;
    return 0;
}

static void describe(const rn_gen *g, json_t *settings)
{
    const rn_remote *r = g->client->r;
    json_object_set_new(settings, "server", json_string(rn_remote_url(r)));
    json_object_set_new(settings, "server_model", json_string(rn_remote_model(r)));
    json_object_set_new(settings, "api", json_string(rn_remote_api_name(rn_remote_api_of(r))));
    rn_remote_describe(r, &g->sampling, settings);
}

/* What the server takes of the settings, by asking it for one sample. */
static int settle(rn_gen *g, rn_err *err)
{
    rn_gen_client *c = g->client;
    size_t i = 0;
    while (i + 1 < g->set->n && !g->work[i].chosen)
        i++;
    rn_bytes prompt = {g->work[i].text, g->work[i].text_len};
    int rc = rn_remote_settle(c->r, prompt, &g->sampling, err);
    rn_buf decides = {0};
    if (!rc) rn_remote_decides(c->r, &g->sampling, &decides);
    if (!rc && decides.len)
        fprintf(stderr, "%s: the server decides %s, which it does not take; the settings say so\n",
                rn_remote_url(c->r), decides.data);
    rn_buf_free(&decides);
    return rc;
}

static void drop_too_long(rn_gen *g)
{
    (void)g; /* the server says so when it is asked */
}

/* ---- the probe ------------------------------------------------------------------------------- */

static int run_probe(rn_gen *g, rn_err *err)
{
    rn_gen_client *c = g->client;
    rn_bytes prompts[3];
    size_t n = 0;
    for (size_t i = 0; i < g->set->n && n < 3; i++)
        if (g->work[i].n_missing) prompts[n++] = (rn_bytes){g->work[i].text, g->work[i].text_len};
    c->repeated = g->n_total - g->n_had >= FULL_PROBE_FROM;
    int rc = c->repeated ? rn_remote_probe_run(c->r, prompts, n, &g->sampling, &c->probe, err)
                         : rn_remote_probe_quick(c->r, prompts[0], &g->sampling, &c->probe, err);
    if (rc) return rc;
    const rn_remote_probe *p = &c->probe;
    c->probed = true;
    c->luck.n_good = 1;
    c->single = !p->honours_n;
    fprintf(stderr, "%s: n %s, log probabilities %s%s\n", rn_remote_url(c->r),
            p->honours_n       ? "is honoured"
            : p->n_choices > 1 ? "gives equal texts, so one sample a request"
                               : "is not honoured, so one sample a request",
            p->logprobs ? "are given" : "are not given",
            p->listed ? "" : "; the model is not in the server's list");
    if (c->repeated)
        fprintf(stderr,
                "%s: repeated, %" PRId64 " of %" PRId64 " greedy answers differ, %" PRId64
                " of %" PRId64 " with equal seeds%s\n",
                rn_remote_url(c->r), p->n_greedy_differ, p->n_greedy, p->n_seeded_differ,
                p->n_seeded, p->honours_seed ? "" : " (the seed is not honoured)");
    return 0;
}

/* What was learned and spent, into the ledger of commands. */
static int put_note(rn_gen *g, rn_err *err)
{
    rn_gen_client *c = g->client;
    char *note = rn_server_note(c->r, c->probed ? &c->probe : NULL, c->entry);
    int rc = note ? rn_store_log_note(g->store, g->command_id, note, err)
                  : rn_fail(err, RN_ENOMEM, "out of memory for the ledger");
    free(note);
    c->noted_ns = rn_now_ns();
    return rc;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Fills the next order: 1, or 0 when nothing is left to ask for. */
static int next_order(rn_gen *g, order *o, rn_err *err)
{
    rn_gen_client *c = g->client;
    int64_t most = c->single ? 1 : rn_remote_max_n(c->r);
    if (most > PER_REQUEST) most = PER_REQUEST;
    *o = (order){0};
    for (; c->again.n && o->n < most; c->again.n--) {
        const missed *m = &c->again.data[c->again.n - 1];
        if (o->w && o->w != m->w) break;
        o->w = m->w;
        o->idx[o->n++] = m->idx;
    }
    if (o->n) return 1;
    while (!c->ended && (!c->work || c->at == c->work->n_missing)) {
        int more = rn_gen_next(g, &c->work, err);
        if (more < 0) return more;
        c->at = 0;
        c->ended = more == 0;
    }
    if (c->ended) return 0;
    o->w = c->work;
    while (o->n < most && c->at < c->work->n_missing)
        o->idx[o->n++] = c->work->missing[c->at++];
    return 1;
}

static int send(rn_gen *g, const order *o, uint64_t tag, rn_err *err)
{
    rn_gen_client *c = g->client;
    rn_rng rng;
    rn_rng_init(&rng, g->sampling.seed, o->w->stream, o->idx[0]);
    rn_remote_request q = {
        .tag = tag,
        .prompt = {o->w->text, o->w->text_len},
        .n = o->n,
        .sampling = &g->sampling,
        .seed = g->o->greedy ? -1 : (int64_t)(rn_rng_u32(&rng) >> 1),
        .logprobs = c->probe.logprobs,
    };
    int rc = rn_remote_submit(c->r, &q, err);
    return rc ? rn_err_prefix(err, "prompt of %s", o->w->task_id) : 0;
}

static int ask_more(rn_gen *g, int64_t limit, rn_err *err)
{
    rn_gen_client *c = g->client;
    while (rn_remote_pending(c->r) < limit) {
        order o;
        int rc = next_order(g, &o, err);
        if (rc != 1) return rc;
        uint64_t tag = c->free;
        if (tag < c->orders.n) {
            c->free = c->orders.data[tag].next_free;
            c->orders.data[tag] = o;
        } else if (rn_vec_push(&c->orders, o)) {
            c->free = c->orders.n;
        } else {
            return rn_fail(err, RN_ENOMEM, "out of memory for requests");
        }
        if ((rc = send(g, &o, tag, err))) return rc;
    }
    return 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The answer left some out: they are asked for again, singly where the server ignored n. */
static int ask_again(rn_gen_client *c, const order *o, const rn_remote_answer *a, rn_err *err)
{
    int64_t given = a->n_samples + a->n_discarded;
    c->single |= given < a->n_asked;
    for (int64_t i = given; i < o->n; i++)
        rn_vec_push(&c->again, ((missed){o->w, o->idx[i]}));
    return rn_vec_ok(&c->again) ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for requests");
}

static int put_samples(rn_gen *g, const order *o, const rn_remote_answer *a, rn_err *err)
{
    rn_gen_client *c = g->client;
    int64_t now = rn_now_ns(), share = (now - c->answered_ns) / (a->n_samples ? a->n_samples : 1);
    c->answered_ns = now;
    for (int64_t i = 0; i < a->n_samples; i++) {
        const rn_remote_sample *s = &a->samples[i];
        rn_store_sample x = {
            .idx = o->idx[i],
            .text = s->text,
            .prompt_tok = a->prompt_tok,
            .gen_tok = s->gen_tok,
            .finish = s->finish,
            .logprob = s->logprob,
            .wall_ns = share,
        };
        int rc = rn_gen_put(g, o->w, &x, err);
        if (rc) return rc;
    }
    return 0;
}

/* An answer's samples into the store; an error when it makes no sense to go on. */
static int take_answer(rn_gen *g, const rn_remote_answer *a, rn_err *err)
{
    rn_gen_client *c = g->client;
    order o = c->orders.data[a->tag];
    c->orders.data[a->tag].next_free = c->free;
    c->free = a->tag;
    c->n_discarded += a->n_discarded;
    bool stop = rn_server_give_up(&c->luck, a);
    if (a->rc) {
        if (stop && err) *err = a->err;
        if (stop) return a->rc;
        c->n_refused += o.n;
        if (c->luck.n_bad <= MAX_MESSAGES)
            fprintf(stderr, "ration generate: %s: %s\n", o.w->task_id, a->err.msg);
        return 0;
    }
    int rc = put_samples(g, &o, a, err);
    if (rc || a->n_samples + a->n_discarded >= o.n) return rc;
    return ask_again(c, &o, a, err);
}

/* Asks and takes answers until all are there, a signal comes or it makes no sense to go on. */
static int work_through(rn_gen *g, rn_err *err)
{
    rn_gen_client *c = g->client;
    int64_t limit = 2 * (g->o->server.in_flight > 0 ? g->o->server.in_flight : RN_REMOTE_IN_FLIGHT);
    for (;;) {
        int rc = ask_more(g, limit, err);
        if (rc < 0) return rc;
        if (rn_remote_pending(c->r) == 0) return 0;
        rn_remote_answer a;
        if ((rc = rn_remote_wait(c->r, WAIT_MS, &a, err)) < 0) return rc;
        if (rc == 1 && (rc = take_answer(g, &a, err))) return rc;
        if (rn_now_ns() - c->noted_ns > NOTE_NS && (rc = put_note(g, err))) return rc;
        rc = rn_gen_tick(g, rn_remote_ledger(c->r)->gen_tok, rn_remote_pending(c->r), err);
        if (rc) return rc;
    }
}

/* What had been answered when the end came is paid for and kept. */
static int take_rest(rn_gen *g, rn_err *err)
{
    rn_remote *r = g->client->r;
    rn_remote_answer a;
    int rc;
    rn_remote_cancel(r);
    while ((rc = rn_remote_wait(r, 0, &a, err)) == 1) {
        order o = g->client->orders.data[a.tag];
        if (!a.rc && (rc = put_samples(g, &o, &a, err))) return rc;
    }
    return rc;
}

static int make(rn_gen *g, rn_err *err)
{
    rn_gen_client *c = g->client;
    int rc = run_probe(g, err);
    if (!rc) {
        fprintf(stderr, "%s: %" PRId64 " samples to make\n", g->model_name, g->n_total - g->n_had);
        c->answered_ns = rn_now_ns();
        rc = work_through(g, err);
    }
    rn_err late;
    int rest = c->probed ? take_rest(g, &late) : 0;
    if (!rest) rest = put_note(g, &late);
    if (rc || !rest) return rc;
    if (err) *err = late;
    return rest;
}

static void report(const rn_gen *g)
{
    const rn_gen_client *c = g->client;
    if (!c || !c->r || rn_remote_ledger(c->r)->n_requests == 0) return;
    rn_buf line = {0};
    rn_server_summary(rn_remote_ledger(c->r), c->entry, &line);
    if (rn_buf_ok(&line)) printf("%s: %s\n", rn_remote_url(c->r), line.data);
    rn_buf_free(&line);
    if (c->n_refused + c->n_discarded)
        fprintf(stderr,
                "ration generate: %" PRId64 " samples failed, %" PRId64
                " were broken off by the server; the same command asks for them again\n",
                c->n_refused, c->n_discarded);
}

static void close_client(rn_gen *g)
{
    rn_gen_client *c = g->client;
    if (!c) return;
    rn_remote_close(c->r);
    rn_cost_book_free(c->book);
    rn_vec_free(&c->orders);
    rn_vec_free(&c->again);
    free(c);
}

const rn_gen_maker rn_gen_server = {
    .open = open_client,
    .choose_chat = choose_wrapping,
    .take_prompt = take_prompt,
    .settle = settle,
    .describe = describe,
    .drop_too_long = drop_too_long,
    .make = make,
    .report = report,
    .close = close_client,
};
