/* arm.c: what local and remote arms share; see arm.h. */
#include "run/arm.h"

#include "base/clock.h"
#include "remote/remote.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

void rn_inbox_put(rn_inbox *b, rn_event *e)
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
    pthread_mutex_lock(&t->lock);
    uint64_t mine = t->next++;
    while (t->serving != mine)
        pthread_cond_wait(&t->moved, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void rn_turn_give(rn_turn *t)
{
    pthread_mutex_lock(&t->lock);
    t->serving++;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

/* ---- arms ------------------------------------------------------------------------------------ */

int rn_solve_arm_open(const rn_solve_arm_opts *o, rn_solve_arm **out, rn_err *err)
{
    rn_solve_arm *a = calloc(1, sizeof *a);
    if (!a) return rn_fail(err, RN_ENOMEM, "out of memory for a model");
    a->o = *o;
    a->prompt_tok = -1;
    pthread_mutex_init(&a->lock, NULL);
    init_cond(&a->changed);
    const char *source = o->model->source;
    int rc = !source && !o->model->model
                 ? rn_fail(err, RN_EINVAL, "model %d has no source", o->index + 1)
             : !o->model->model && rn_remote_is_url(source) ? rn_solve_arm_open_remote(a, err)
                                                            : rn_solve_arm_open_local(a, err);
    if (o->model->name) snprintf(a->name, sizeof a->name, "%s", o->model->name);
    if (rc) {
        rn_solve_arm_close(a);
        return rc;
    }
    *out = a;
    return 0;
}

int rn_solve_arm_buy(rn_solve_arm *a, rn_err *err)
{
    if (a->bought == a->n_idx)
        return rn_fail(err, RN_ELIMIT, "%s: %d samples of one problem are the most", a->name,
                       RN_ARM_MAX_SAMPLES);
    pthread_mutex_lock(&a->lock);
    a->bought++;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (a->running) {
        a->wake(a);
        return 0;
    }
    if (pthread_create(&a->thread, NULL, a->run, a) != 0)
        return rn_fail_errno(err, "a thread for %s", a->name);
    a->running = true;
    return 0;
}

int64_t rn_solve_arm_waiting(rn_solve_arm *a)
{
    pthread_mutex_lock(&a->lock);
    int64_t n = a->bought - a->started;
    pthread_mutex_unlock(&a->lock);
    return n;
}

void rn_solve_arm_cancel(rn_solve_arm *a)
{
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (a->running) a->wake(a);
}

void rn_solve_arm_stop(rn_solve_arm *a)
{
    rn_solve_arm_cancel(a);
    if (a->running) pthread_join(a->thread, NULL);
    a->running = false;
}

void rn_solve_arm_close(rn_solve_arm *a)
{
    if (!a) return;
    rn_solve_arm_stop(a);
    if (a->free_own) a->free_own(a);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->changed);
    rn_buf_free(&a->prompt);
    free(a->idx);
    free(a);
}

rn_event *rn_solve_arm_event(rn_solve_arm *a, int64_t idx)
{
    rn_event *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->arm = a->o.index;
    e->idx = idx;
    e->finish = "";
    e->prompt_tok = e->cached_tok = e->gen_tok = -1;
    e->logprob = NAN;
    e->at_ns = rn_now_ns();
    return e;
}

void rn_solve_arm_die(rn_solve_arm *a, const rn_err *err)
{
    rn_event *e = rn_solve_arm_event(a, -1);
    if (!e) return; /* the loop ends by its budget */
    e->dead = true;
    e->err = *err;
    rn_inbox_put(a->o.inbox, e);
}
