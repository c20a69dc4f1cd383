/*
 * arm_remote.c: samples from a server, one request for each, with a seed of its own.
 *
 * Requests are single because they are bought one at a time: what the next should be is decided
 * when an answer is known. The client's handle belongs to the thread; only rn_remote_wake is called
 * from outside.
 */
#include "base/clock.h"
#include "run/server_model.h"
#include "run/arm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONTEXT = 48 << 10, WAIT_MS = 1000 };

typedef struct remote {
    rn_remote *handle;
    int64_t busy_since_ns; /* 0: nothing in flight */
    rn_server_luck luck;
    bool told; /* what the server decides */
} remote;

static void free_remote(rn_solve_arm *a)
{
    remote *r = a->own;
    if (!r) return;
    rn_remote_close(r->handle);
    free(r);
}

static void wake(rn_solve_arm *a)
{
    const remote *r = a->own;
    rn_remote_wake(r->handle);
}

static void *run(void *arm);

int rn_solve_arm_open_remote(rn_solve_arm *a, rn_err *err)
{
    remote *r = calloc(1, sizeof *r);
    if (!r) return rn_fail(err, RN_ENOMEM, "out of memory for a model");
    a->own = r;
    a->run = run;
    a->wake = wake;
    a->free_own = free_remote;
    a->remote = true;
    const rn_solve_model *m = a->o.model;
    a->chat = m->chat && strcmp(m->chat, "none") != 0 && strcmp(m->chat, "completions") != 0;
    rn_remote_api api = a->chat ? RN_REMOTE_CHAT : RN_REMOTE_COMPLETIONS;
    snprintf(a->how, sizeof a->how, "%s", rn_remote_api_name(api));
    if (a->chat) a->o.sampling.stop = NULL;
    rn_buf url = {0}, model = {0};
    int rc = rn_remote_url_split(m->source, &url, &model, err);
    if (!rc) {
        snprintf(a->name, sizeof a->name, "%s", model.data);
        const rn_remote_opts o = {.url = url.data,
                                  .model = model.data,
                                  .key_env = m->key_env,
                                  .ca_file = m->ca_file,
                                  .api = api,
                                  .body = m->body,
                                  .headers = m->headers,
                                  .query = m->query,
                                  .n_headers = m->n_headers,
                                  .n_query = m->n_query,
                                  .in_flight = a->o.width,
                                  .retries = a->o.retries};
        rc = rn_remote_open(&o, &r->handle, err);
    }
    rn_buf_free(&url);
    rn_buf_free(&model);
    if (!rc) rc = a->o.prompt(a->o.user, a->chat, CONTEXT, &a->prompt, err);
    if (!rc && !rn_buf_ok(&a->prompt)) rc = rn_fail(err, RN_ENOMEM, "out of memory for a prompt");
    return rc;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* What was bought since the last call; waits for it while nothing is in flight. -1: stop. */
static int64_t take_purchases(rn_solve_arm *a, bool idle)
{
    pthread_mutex_lock(&a->lock);
    while (idle && a->started == a->bought && !a->stop)
        pthread_cond_wait(&a->changed, &a->lock);
    int64_t n = a->stop ? -1 : a->bought - a->started;
    pthread_mutex_unlock(&a->lock);
    return n;
}

static int submit(rn_solve_arm *a, rn_err *err)
{
    remote *r = a->own;
    int64_t idx = a->idx[a->started];
    const rn_remote_request q = {.tag = (uint64_t)idx,
                                 .prompt = rn_buf_view(&a->prompt),
                                 .n = 1,
                                 .sampling = &a->o.sampling,
                                 .seed =
                                     (int64_t)((a->o.sampling.seed + (uint64_t)idx) & INT32_MAX)};
    int rc = rn_remote_submit(r->handle, &q, err);
    if (rc) return rc;
    if (!r->busy_since_ns) r->busy_since_ns = rn_now_ns();
    pthread_mutex_lock(&a->lock);
    a->started++;
    pthread_mutex_unlock(&a->lock);
    return 0;
}

static void note_idle(rn_solve_arm *a)
{
    remote *r = a->own;
    if (!r->busy_since_ns || rn_remote_pending(r->handle)) return;
    a->rest.seconds += (double)(rn_now_ns() - r->busy_since_ns) * 1e-9;
    r->busy_since_ns = 0;
}

static int take_answer(rn_solve_arm *a, const rn_remote_answer *x, rn_err *err)
{
    remote *r = a->own;
    rn_event *e = rn_solve_arm_event(a, (int64_t)x->tag);
    if (!e) return rn_fail(err, RN_ENOMEM, "out of memory for a sample");
    e->wall_ns = x->wall_ns;
    bool give_up = rn_server_give_up(&r->luck, x);
    e->lost_prompt_tok = x->usage.discarded_prompt_tok;
    e->lost_gen_tok = x->usage.discarded_gen_tok;
    if (x->rc == 0 && x->n_samples > 0) {
        const rn_remote_sample *s = &x->samples[0];
        e->sample = true;
        e->finish = s->finish;
        e->prompt_tok = x->prompt_tok;
        e->cached_tok = x->cached_tok;
        e->gen_tok = s->gen_tok;
        e->logprob = s->logprob;
        if (!r->told) {
            r->told = true;
            rn_buf decides = {0};
            rn_remote_decides(r->handle, &a->o.sampling, &decides);
            if (decides.len)
                snprintf(e->note, sizeof e->note,
                         "the server decides %.100s, which it does not take", decides.data);
            rn_buf_free(&decides);
        }
        if (s->text.len) rn_buf_add(&e->text, s->text.data, s->text.len);
    } else if (x->rc) {
        e->err = x->err;
        e->dead = give_up;
    } else {
        (void)rn_fail(&e->err, RN_ENET, "%s: an answer without a usable choice", a->name);
    }
    pthread_mutex_lock(&a->lock);
    a->ended++;
    pthread_mutex_unlock(&a->lock);
    rn_inbox_put(a->o.inbox, e);
    return 0;
}

static int serve(rn_solve_arm *a, rn_err *err)
{
    remote *r = a->own;
    for (;;) {
        int64_t n = take_purchases(a, rn_remote_pending(r->handle) == 0);
        if (n < 0) return 0;
        int rc = 0;
        for (; n > 0 && !rc; n--)
            rc = submit(a, err);
        rn_remote_answer x;
        int got = rc ? rc : rn_remote_wait(r->handle, WAIT_MS, &x, err);
        if (got < 0) return got;
        if (got > 0) rc = take_answer(a, &x, err);
        if (rc) return rc;
        note_idle(a);
    }
}

static void *run(void *arm)
{
    rn_solve_arm *a = arm;
    remote *r = a->own;
    rn_err err = {0};
    int rc = serve(a, &err);
    int64_t in_flight = rn_remote_pending(r->handle);
    rn_remote_cancel(r->handle);
    note_idle(a);
    const rn_remote_usage *u = rn_remote_ledger(r->handle);
    a->rest.n_cancelled = in_flight;
    a->rest.gen_tok = u->untold_tok; /* at most: a server does not tell what it did for nobody */
    if (rc) rn_solve_arm_die(a, &err);
    return NULL;
}
