/* sampler.c: what files and servers share as sources of samples; see sampler.h. */
#include "run/infill.h"
#include "run/sampler.h"

#include "base/clock.h"
#include "base/rng.h"

/* ---- the inbox ------------------------------------------------------------------------------- */

static void init_cond(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

void rn_inbox_init(rn_inbox *b)
{
    *b = (rn_inbox){0};
    pthread_mutex_init(&b->lock, NULL);
    init_cond(&b->filled);
    b->last = &b->first;
}

void rn_inbox_free(rn_inbox *b)
{
    for (rn_event *e; (e = b->first);) {
        b->first = e->next;
        rn_event_free(e);
    }
    pthread_cond_destroy(&b->filled);
    pthread_mutex_destroy(&b->lock);
}

static void put(rn_inbox *b, rn_event *e)
{
    pthread_mutex_lock(&b->lock);
    *b->last = e;
    b->last = &e->next;
    pthread_cond_signal(&b->filled);
    pthread_mutex_unlock(&b->lock);
}

rn_event *rn_inbox_take(rn_inbox *b, int timeout_ms)
{
    int64_t until = rn_now_ns() + (int64_t)timeout_ms * 1000000;
    const struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    pthread_mutex_lock(&b->lock);
    while (!b->first && timeout_ms > 0)
        if (pthread_cond_timedwait(&b->filled, &b->lock, &t) == ETIMEDOUT) break;
    rn_event *e = b->first;
    if (e) {
        b->first = e->next;
        if (!b->first) b->last = &b->first;
        e->next = NULL;
    }
    pthread_mutex_unlock(&b->lock);
    return e;
}

void rn_event_free(rn_event *e)
{
    if (!e) return;
    rn_buf_free(&e->text);
    free(e);
}

/* ---- turns ----------------------------------------------------------------------------------- */

void rn_turn_init(rn_turn *t)
{
    *t = (rn_turn){0};
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->moved, NULL);
}

void rn_turn_take(rn_turn *t)
{
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    uint64_t mine = t->next++;
    while (t->serving != mine)
        pthread_cond_wait(&t->moved, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void rn_turn_give(rn_turn *t)
{
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    t->serving++;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

/* ---- samplers -------------------------------------------------------------------------------- */

int rn_sampler_open(const rn_sampler_opts *o, rn_sampler **out, rn_err *err)
{
    rn_sampler *s = calloc(1, sizeof *s);
    if (!s) return rn_nomem(err, "model");
    s->o = *o;
    s->per_request = 1;
    rn_sampling_init(&s->sampling);
    pthread_mutex_init(&s->lock, NULL);
    init_cond(&s->changed);
    int rc = rn_opened_peek(o->model, o->watch, o->api, &s->m, err);
    if (!rc && o->load_now) rc = rn_opened_load(&s->m, err);
    if (!rc) rc = s->m.remote ? rn_sampler_open_server(s, err) : rn_sampler_open_file(s, err);
    if (rc) {
        rn_sampler_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

static void free_orders(rn_sampler *s)
{
    for (size_t i = 0; i < s->orders.n; i++) {
        rn_order *o = &s->orders.data[i];
        free((void *)(uintptr_t)o->prompt.data);
        rn_ids_free(&o->ids);
        free(o->idx);
    }
    rn_vec_free(&s->orders);
}

void rn_sampler_again(rn_sampler *s)
{
    rn_sampler_stop(s);
    free_orders(s);
    s->forget(s);
    s->n_wanted = s->bought = s->started = s->ended = 0;
    s->stop = false;
}

void rn_sampler_close(rn_sampler *s)
{
    if (!s) return;
    rn_sampler_stop(s);
    if (s->free_own) s->free_own(s);
    free_orders(s);
    rn_buf_free(&s->system);
    rn_opened_close(&s->m);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
}

static int encode(rn_sampler *s, rn_bytes prompt, rn_ids *ids, rn_err *err)
{
    int rc = s->infill ? rn_infill_encode(s->m.tok, prompt, ids, err)
             : s->template == RN_CHAT_NONE
                 ? rn_tok_encode(s->m.tok, prompt, RN_TOK_BOS, ids, err)
                 : rn_chat_encode(s->template, s->m.tok, rn_buf_view(&s->system), prompt, ids, err);
    if (rc || ids->n) return rc;
    return rn_fail(err, RN_EINVAL, "the prompt is empty and %s has no token to begin with",
                   s->m.name);
}

int rn_sampler_count(rn_sampler *s, rn_bytes prompt, int64_t *n_tok, rn_err *err)
{
    rn_ids ids = {0};
    *n_tok = -1;
    if (s->m.remote) return 0;
    int rc = encode(s, prompt, &ids, err);
    *n_tok = (int64_t)ids.n;
    rn_ids_free(&ids);
    return rc;
}

int rn_sampler_want(rn_sampler *s, uint64_t tag, rn_bytes prompt, const uint32_t *idx, int64_t n,
                    rn_err *err)
{
    assert(!s->running && n >= 0);
    rn_order o = {.tag = tag, .stream = rn_rng_stream(prompt.data, prompt.len), .n = n};
    char *text = malloc(prompt.len + 1);
    o.idx = malloc((size_t)n * sizeof *o.idx + 1);
    int rc = text && o.idx ? 0 : rn_nomem(err, "prompt");
    if (!rc && prompt.len) memcpy(text, prompt.data, prompt.len);
    if (!rc && n) memcpy(o.idx, idx, (size_t)n * sizeof *o.idx);
    if (!rc && !s->m.remote) rc = encode(s, prompt, &o.ids, err);
    if (!rc && !s->m.remote && (int64_t)o.ids.n >= s->m.hp.n_ctx)
        rc = rn_fail(err, RN_ELIMIT, "a prompt of %zu tokens does not fit the context of %d of %s",
                     o.ids.n, s->m.hp.n_ctx, s->m.name);
    o.prompt = (rn_bytes){text, prompt.len};
    if (!rc && !rn_vec_push(&s->orders, o)) rc = rn_nomem(err, NULL);
    if (!rc) {
        s->n_wanted += n;
        /* cppcheck-suppress memleak ; the order owns them */
        return 0;
    }
    free(text);
    free(o.idx);
    rn_ids_free(&o.ids);
    return rc;
}

int rn_sampler_buy(rn_sampler *s, int64_t n, rn_err *err)
{
    if (s->bought + n > s->n_wanted)
        return rn_fail(err, RN_ELIMIT, "%s: %lld samples of one problem are the most", s->m.name,
                       (long long)s->n_wanted);
    pthread_mutex_lock(&s->lock);
    s->bought += n;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->running) {
        s->wake(s);
        return 0;
    }
    if (pthread_create(&s->thread, NULL, s->run, s) != 0)
        return rn_fail_errno(err, "a thread for %s", s->m.name);
    s->running = true;
    return 0;
}

rn_sampler_state rn_sampler_look(rn_sampler *s)
{
    pthread_mutex_lock(&s->lock);
    rn_sampler_state now = s->state;
    pthread_mutex_unlock(&s->lock);
    return now;
}

void rn_sampler_cancel(rn_sampler *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->running) s->wake(s);
}

void rn_sampler_stop(rn_sampler *s)
{
    rn_sampler_cancel(s);
    if (s->running) pthread_join(s->thread, NULL);
    s->running = false;
}

/* ---- private to the two kinds ---------------------------------------------------------------- */

rn_event *rn_sampler_event(rn_sampler *s, rn_event_kind kind, uint64_t tag)
{
    rn_event *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->kind = kind;
    e->sampler = s->o.index;
    e->tag = tag;
    e->finish = "";
    e->prompt_tok = e->cached_tok = e->gen_tok = -1;
    e->logprob = NAN;
    e->at_ns = rn_now_ns();
    return e;
}

void rn_sampler_put(rn_sampler *s, rn_event *e)
{
    put(s->o.inbox, e);
}

void rn_sampler_die(rn_sampler *s, int64_t n, const rn_err *err)
{
    rn_event *e = rn_sampler_event(s, RN_EV_DEAD, 0);
    if (!e) return; /* who waits for it ends by a budget, or is stopped */
    e->n = n;
    e->err = *err;
    rn_sampler_put(s, e);
}

void rn_sampler_over(rn_sampler *s)
{
    rn_event *e = rn_sampler_event(s, RN_EV_OVER, 0);
    if (e) rn_sampler_put(s, e);
}
