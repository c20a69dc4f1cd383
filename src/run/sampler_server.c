/*
 * sampler_server.c: samples of a model behind a server (remote/remote.h).
 *
 * Indices are asked for in requests of up to per_request, or singly once the server ignored how
 * many were asked for; those that an answer left out are asked for again. Each request has a seed
 * of its own, from the run's seed, the prompt and its first index; a server need not honour it,
 * and a sample is what it is by run, problem and index alone.
 *
 * The client's handle belongs to the thread; only rn_remote_wake is called from outside.
 */
#include "run/sampler.h"

#include "base/clock.h"
#include "base/rng.h"

enum { PER_REQUEST = 16, WAIT_MS = 1000, MAX_FAILURES_IN_ROW = 16, NONE = -1 };

/* Indices of one order that one request is to give. */
typedef struct request {
    const rn_order *order;
    uint32_t idx[PER_REQUEST];
    int64_t n;
    int64_t next_free; /* place of the next one that is free; NONE */
} request;

typedef struct again {
    const rn_order *order;
    uint32_t idx;
} again;

typedef struct server {
    RN_VEC(request) requests; /* a request's tag is its place */
    int64_t free;             /* the first free place; NONE */
    RN_VEC(again) again;      /* asked for in vain */
    size_t at;                /* the order at work */
    bool single;
    bool told; /* what the server decides */
    int64_t n_good, failures_in_row;
    int64_t handed_tok;    /* most that samples of unknown length have: they are no loss */
    int64_t busy_since_ns; /* 0: nothing in flight */
    int64_t answered_ns;
} server;

static void free_server(rn_sampler *s)
{
    server *v = s->own;
    if (!v) return;
    rn_vec_free(&v->requests);
    rn_vec_free(&v->again);
    free(v);
}

static void forget(rn_sampler *s)
{
    server *v = s->own;
    rn_vec_free(&v->requests);
    rn_vec_free(&v->again);
    *v = (server){.free = NONE, .single = v->single, .told = v->told, .n_good = v->n_good};
}

static void wake(rn_sampler *s)
{
    rn_remote_wake(s->m.remote);
}

static void *run(void *sampler);

int rn_sampler_open_server(rn_sampler *s, rn_err *err)
{
    server *v = s->own = calloc(1, sizeof *v);
    if (!v) return rn_nomem(err, "model");
    v->free = NONE;
    s->run = run;
    s->wake = wake;
    s->free_own = free_server;
    s->forget = forget;
    rn_remote_api api = rn_remote_api_of(s->m.remote);
    s->chat = api == RN_REMOTE_CHAT;
    snprintf(s->how, sizeof s->how, "%s", rn_remote_api_name(api));
    return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Whether every index was asked for. */
static bool is_exhausted(const rn_sampler *s)
{
    const server *v = s->own;
    return v->again.n == 0 && v->at == s->orders.n;
}

/* Takes up to `most` indices of what comes next. */
static void fill(rn_sampler *s, request *q, int64_t most)
{
    server *v = s->own;
    *q = (request){.next_free = NONE};
    for (; v->again.n && q->n < most; v->again.n--) {
        const again *a = &v->again.data[v->again.n - 1];
        if (q->order && q->order != a->order) break;
        q->order = a->order;
        q->idx[q->n++] = a->idx;
    }
    if (q->n) return;
    rn_order *o = &s->orders.data[v->at];
    q->order = o;
    while (q->n < most && o->at < o->n)
        q->idx[q->n++] = o->idx[o->at++];
    if (o->at == o->n) v->at++;
}

static int send(rn_sampler *s, const request *q, uint64_t tag, rn_err *err)
{
    rn_rng rng;
    rn_rng_init(&rng, s->sampling.seed, q->order->stream, q->idx[0]);
    const rn_remote_request r = {
        .tag = tag,
        .prompt = q->order->prompt,
        .n = q->n,
        .sampling = &s->sampling,
        .seed = s->sampling.temperature > 0 ? (int64_t)(rn_rng_u32(&rng) >> 1) : -1,
        .logprobs = s->logprobs};
    return rn_remote_submit(s->m.remote, &r, err);
}

/* Asks for the next ones; how many, or an error. */
static int64_t ask(rn_sampler *s, int64_t most, rn_err *err)
{
    server *v = s->own;
    int64_t at_most = rn_remote_max_n(s->m.remote);
    if (at_most > s->per_request) at_most = s->per_request;
    if (at_most > PER_REQUEST) at_most = PER_REQUEST;
    if (most > at_most) most = at_most;
    int64_t place = v->free;
    if (place == NONE) {
        place = (int64_t)v->requests.n;
        if (!rn_vec_push(&v->requests, (request){.next_free = NONE}))
            return rn_nomem(err, "requests");
    }
    request *q = &v->requests.data[place];
    v->free = q->next_free;
    fill(s, q, v->single ? 1 : most);
    int rc = send(s, q, (uint64_t)place, err);
    if (rc) return rc;
    if (!v->busy_since_ns) v->busy_since_ns = v->answered_ns = rn_now_ns();
    return q->n;
}

/* What was bought and not asked for; waits for it while nothing is in flight. -1: stop. */
static int64_t take_purchases(rn_sampler *s, bool idle)
{
    pthread_mutex_lock(&s->lock);
    while (idle && s->started == s->bought && !s->stop)
        pthread_cond_wait(&s->changed, &s->lock);
    int64_t n = s->stop ? -1 : s->bought - s->started;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static int ask_all(rn_sampler *s, int64_t n, rn_err *err)
{
    const server *v = s->own;
    const int in_flight = s->o.model->in_flight ? s->o.model->in_flight : RN_REMOTE_IN_FLIGHT;
    const int64_t limit = 2 * (s->o.width ? s->o.width : in_flight);
    while (n > 0 && !is_exhausted(s) && rn_remote_pending(s->m.remote) < limit) {
        bool repeated = v->again.n > 0; /* bought before */
        int64_t got = ask(s, n, err);
        if (got < 0) return (int)got;
        n -= got;
        if (repeated) continue;
        pthread_mutex_lock(&s->lock);
        s->started += got;
        pthread_mutex_unlock(&s->lock);
    }
    return 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

static int put_samples(rn_sampler *s, const request *q, const rn_remote_answer *a, rn_err *err)
{
    server *v = s->own;
    int64_t now = rn_now_ns(), share = (now - v->answered_ns) / (a->n_samples ? a->n_samples : 1);
    v->answered_ns = now;
    bool told = true;
    for (int64_t i = 0; i < a->n_samples; i++)
        told = told && a->samples[i].gen_tok >= 0;
    if (!told) v->handed_tok += a->n_asked * s->sampling.max_tok;
    for (int64_t i = 0; i < a->n_samples; i++) {
        const rn_remote_sample *x = &a->samples[i];
        rn_event *e = rn_sampler_event(s, RN_EV_SAMPLE, q->order->tag);
        if (!e) return rn_nomem(err, "sample");
        e->idx = q->idx[i];
        e->finish = x->finish;
        e->prompt_tok = a->prompt_tok;
        e->cached_tok = a->cached_tok;
        e->gen_tok = x->gen_tok;
        e->logprob = x->logprob;
        e->wall_ns = a->wall_ns;
        e->share_ns = share;
        if (i == 0) {
            e->lost_prompt_tok = a->usage.discarded_prompt_tok;
            e->lost_gen_tok = a->usage.discarded_gen_tok;
        }
        if (x->text.len) rn_buf_add(&e->text, x->text.data, x->text.len);
        rn_sampler_put(s, e);
    }
    return 0;
}

/* n purchases of a request came to nothing. */
static int put_loss(rn_sampler *s, rn_event_kind kind, const request *q, int64_t n,
                    const rn_remote_answer *a, rn_err *err)
{
    rn_event *e = rn_sampler_event(s, kind, q->order->tag);
    if (!e) return rn_nomem(err, "sample");
    e->n = n;
    e->idx = q->idx[0];
    e->lost_prompt_tok = a->n_samples ? 0 : a->usage.discarded_prompt_tok;
    e->lost_gen_tok = a->n_samples ? 0 : a->usage.discarded_gen_tok;
    if (a->rc)
        e->err = a->err;
    else
        (void)rn_fail(&e->err, RN_ENET, "%s: an answer without a usable choice", s->m.name);
    rn_sampler_put(s, e);
    return 0;
}

/* What the server decides itself, once it is known. */
static void tell_terms(rn_sampler *s)
{
    server *v = s->own;
    if (v->told) return;
    v->told = true;
    rn_event *e = rn_sampler_event(s, RN_EV_TERMS, 0);
    if (!e) return;
    rn_remote_decides(s->m.remote, &s->sampling, &e->text);
    if (e->text.len)
        rn_sampler_put(s, e);
    else
        rn_event_free(e);
}

static int take_answer(rn_sampler *s, const rn_remote_answer *a, bool last, rn_err *err)
{
    server *v = s->own;
    const request q = v->requests.data[a->tag];
    v->requests.data[a->tag].next_free = v->free;
    v->free = (int64_t)a->tag;
    v->failures_in_row = a->rc ? v->failures_in_row + 1 : 0;
    v->n_good += !a->rc;
    /* When all others would fail alike, when nothing has worked yet, or nothing works any more. */
    bool nothing_works = v->n_good + s->n_proven == 0 || v->failures_in_row >= MAX_FAILURES_IN_ROW;
    bool dead = a->rc && (a->fatal || nothing_works);
    if (!a->rc) tell_terms(s);
    int rc = put_samples(s, &q, a, err);
    int64_t rest = q.n - a->n_samples;
    int64_t lost = a->rc ? rest : a->n_discarded < rest ? a->n_discarded : rest;
    if (!rc && lost)
        rc = put_loss(s, dead ? RN_EV_DEAD : a->rc ? RN_EV_FAILED : RN_EV_CUT, &q, lost, a, err);
    if (!rc && dead) return rn_fail(err, RN_ECANCELLED, "nothing more comes");
    v->single |= !a->rc && a->n_samples + a->n_discarded < a->n_asked; /* it ignores n */
    for (int64_t i = a->n_samples + lost; !rc && !last && i < q.n; i++)
        if (!rn_vec_push(&v->again, ((again){q.order, q.idx[i]}))) rc = rn_nomem(err, "requests");
    return rc;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void note_state(rn_sampler *s)
{
    server *v = s->own;
    const rn_remote_usage *u = rn_remote_ledger(s->m.remote);
    int64_t pending = rn_remote_pending(s->m.remote);
    pthread_mutex_lock(&s->lock);
    s->state = (rn_sampler_state){.n_new_tok = u->gen_tok, .n_active = pending, .usage = *u};
    pthread_mutex_unlock(&s->lock);
    if (!v->busy_since_ns || pending) return;
    s->rest.seconds += (double)(rn_now_ns() - v->busy_since_ns) * 1e-9;
    v->busy_since_ns = 0;
}

/* Until all is there, or it is stopped. */
static int serve(rn_sampler *s, rn_err *err)
{
    const server *v = s->own;
    for (;;) {
        if (is_exhausted(s) && rn_remote_pending(s->m.remote) == 0) return 0;
        bool idle = rn_remote_pending(s->m.remote) == 0 && v->again.n == 0;
        int64_t n = take_purchases(s, idle);
        if (n < 0) return rn_fail(err, RN_ECANCELLED, "stopped");
        int rc = ask_all(s, n + (int64_t)v->again.n, err);
        rn_remote_answer x;
        int got = rc ? rc : rn_remote_wait(s->m.remote, WAIT_MS, &x, err);
        if (got < 0) return got;
        if (got > 0) rc = take_answer(s, &x, false, err);
        note_state(s);
        if (rc) return rc;
    }
}

/* What had been answered when the end came is paid for and kept. */
static void take_rest(rn_sampler *s)
{
    rn_remote_answer a;
    server *v = s->own;
    int64_t in_flight = rn_remote_pending(s->m.remote);
    const rn_err *why = rn_remote_trouble(s->m.remote);
    if (why && v->n_good == 0) s->rest.trouble = *why;
    rn_remote_cancel(s->m.remote);
    while (rn_remote_wait(s->m.remote, 0, &a, NULL) == 1) {
        if (a.rc || a.n_samples == 0) continue;
        in_flight--;
        if (take_answer(s, &a, true, NULL)) break;
    }
    note_state(s);
    s->rest.n_cancelled = in_flight;
    /* At most: it does not tell what it did for nobody. */
    s->rest.gen_tok = s->state.usage.untold_tok - v->handed_tok;
}

static void *run(void *sampler)
{
    rn_sampler *s = sampler;
    rn_err err = {0};
    int rc = serve(s, &err);
    take_rest(s);
    if (!rc)
        rn_sampler_over(s);
    else if (rc != RN_ECANCELLED)
        rn_sampler_die(s, 0, &err);
    return NULL;
}
