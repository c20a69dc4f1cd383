/*
 * sampler_file.c: samples of a GGUF model, from an engine in a thread of its own.
 *
 * The engine is given the orders one after the other, each with every index that may ever be
 * bought; its `start` callback lets a sample begin for each purchase, and waits where nothing is
 * in flight. A prompt is processed once.
 */
#include "run/sampler.h"

typedef struct file {
    rn_engine *engine;
    size_t given;       /* orders */
    int64_t charged_ns; /* of prompts, added to a sample's time */
} file;

/* ---- opening --------------------------------------------------------------------------------- */

static int choose_chat(rn_sampler *s, rn_err *err)
{
    const char *want = s->o.chat ? s->o.chat : "auto", *args = s->o.model->chat_args;
    int rc = rn_chat_choose(s->m.file, want, args, &s->template, &s->system, err);
    if (rc) return rc;
    s->chat = s->template != RN_CHAT_NONE;
    if (!s->chat && s->o.chat_needed && strcmp(want, "auto") == 0)
        return rn_fail(
            err, RN_EINVAL,
            "%s has no chat template and the prompt is a message; name its form with --chat or "
            "take another --preset",
            s->o.model->source);
    snprintf(s->how, sizeof s->how, "%s", rn_chat_name(s->template));
    if (s->template == RN_CHAT_TEMPLATE) { /* what was rendered is a condition of the samples */
        char sha[RN_SHA256_HEX];
        rn_sha256_hex_of(rn_buf_view(&s->system), sha);
        snprintf(s->how, sizeof s->how, "%s:%.16s", rn_chat_name(s->template), sha);
    }
    return 0;
}

static void free_file(rn_sampler *s)
{
    free(s->own);
}

static void forget(rn_sampler *s)
{
    *(file *)s->own = (file){0};
}

static void wake(rn_sampler *s)
{
    (void)s; /* the condition variable is all that it waits for */
}

static void *run(void *sampler);

int rn_sampler_open_file(rn_sampler *s, rn_err *err)
{
    s->own = calloc(1, sizeof(file));
    if (!s->own) return rn_nomem(err, "model");
    s->run = run;
    s->wake = wake;
    s->free_own = free_file;
    s->forget = forget;
    return choose_chat(s, err);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static int give_job(void *user, rn_job *job, rn_err *err)
{
    (void)err;
    rn_sampler *s = user;
    file *f = s->own;
    if (f->given == s->orders.n) return 0;
    rn_order *o = &s->orders.data[f->given++];
    *job = (rn_job){.prompt = o->ids.v,
                    .n_prompt = (int32_t)o->ids.n,
                    .bare = o->prompt.len == 0,
                    .stream = o->stream,
                    .idx = o->idx,
                    .n = o->n,
                    .sampling = &s->sampling,
                    .user = o};
    return 1;
}

static int may_start(void *user, const rn_job *job, rn_err *err)
{
    (void)job;
    rn_sampler *s = user;
    pthread_mutex_lock(&s->lock);
    if (s->started == s->bought && s->started == s->ended && !s->stop) {
        rn_turn_give(s->o.turn);
        while (s->started == s->bought && !s->stop)
            pthread_cond_wait(&s->changed, &s->lock);
        pthread_mutex_unlock(&s->lock);
        rn_turn_take(s->o.turn);
        pthread_mutex_lock(&s->lock);
    }
    bool stop = s->stop, go = s->started < s->bought;
    if (!stop && go) s->started++;
    pthread_mutex_unlock(&s->lock);
    return stop ? rn_fail(err, RN_ECANCELLED, "stopped") : go;
}

static int sample_done(void *user, const rn_job *job, const rn_result *r, rn_err *err)
{
    rn_sampler *s = user;
    file *f = s->own;
    const rn_order *o = job->user;
    rn_event *e = rn_sampler_event(s, RN_EV_SAMPLE, o->tag);
    if (!e) return rn_nomem(err, "sample");
    e->idx = r->idx;
    e->finish = rn_finish_name(r->finish);
    e->prompt_tok = job->n_prompt;
    e->gen_tok = r->n_tok;
    e->logprob = r->logprob;
    e->share_ns = e->wall_ns = r->wall_ns;
    /* A purchase pays for the prompt that was processed for it. */
    int64_t prefill_ns = rn_engine_stats_of(f->engine)->prefill_ns;
    e->wall_ns += prefill_ns - f->charged_ns;
    f->charged_ns = prefill_ns;
    if (r->text.len) rn_buf_add(&e->text, r->text.data, r->text.len);
    pthread_mutex_lock(&s->lock);
    s->ended++;
    pthread_mutex_unlock(&s->lock);
    rn_sampler_put(s, e);
    return 0;
}

static void sample_dropped(void *user, const rn_job *job, const rn_result *r)
{
    rn_sampler *s = user;
    s->rest.n_cancelled++;
    s->rest.gen_tok += r->n_tok;
    if (r->n_tok > 0) s->rest.flop += rn_flop_sample(&s->m.shape, job->n_prompt, r->n_tok);
}

static int after_step(void *user, const rn_engine_stats *stats, rn_err *err)
{
    rn_sampler *s = user;
    rn_turn_give(s->o.turn);
    rn_turn_take(s->o.turn);
    pthread_mutex_lock(&s->lock);
    s->state.n_new_tok = stats->n_new_tok;
    s->state.n_active = stats->n_active;
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
}

/* What the engine came to, as a line for people. */
static void tell_plan(rn_sampler *s, const rn_engine_plan *plan)
{
    rn_event *e = rn_sampler_event(s, RN_EV_NOTE, 0);
    if (!e) return;
    rn_buf_printf(&e->text, "%s: %lld %s to make, %d in flight (at most %.1f MiB each), %d %s, %s",
                  s->m.name, (long long)s->n_wanted, rn_plural(s->n_wanted, "sample", "samples"),
                  plan->n_slots, (double)plan->slot_bytes / 1048576.0, plan->n_threads,
                  rn_plural(plan->n_threads, "thread", "threads"), rn_isa_name(s->m.model->isa));
    rn_sampler_put(s, e);
}

static int open_engine(rn_sampler *s, rn_err *err)
{
    file *f = s->own;
    int rc = rn_opened_load(&s->m, err);
    if (rc) return rc;
    rn_engine_opts eo = s->m.engine;
    eo.max_new_tok = s->sampling.max_tok;
    for (size_t i = 0; i < s->orders.n; i++)
        if ((int64_t)s->orders.data[i].ids.n > eo.max_prompt_tok)
            eo.max_prompt_tok = (int64_t)s->orders.data[i].ids.n;
    if (eo.n_slots == 0) eo.n_slots = s->o.width;
    if (eo.n_slots == 0 && s->n_wanted < RN_ENGINE_SLOTS) eo.n_slots = (int32_t)s->n_wanted;
    rc = rn_engine_open(s->m.model, &eo, &f->engine, err);
    if (!rc) tell_plan(s, rn_engine_plan_of(f->engine));
    return rc;
}

static void *run(void *sampler)
{
    rn_sampler *s = sampler;
    file *f = s->own;
    rn_err err = {0};
    int rc = open_engine(s, &err);
    if (!rc) {
        const rn_engine_io io = {.next = give_job,
                                 .done = sample_done,
                                 .tick = after_step,
                                 .start = may_start,
                                 .dropped = sample_dropped,
                                 .user = s};
        rn_turn_take(s->o.turn);
        rc = rn_engine_run(f->engine, &io, &err);
        rn_turn_give(s->o.turn);
        const rn_engine_stats *stats = rn_engine_stats_of(f->engine);
        s->rest.seconds = (double)(stats->prefill_ns + stats->decode_ns) * 1e-9;
    }
    rn_engine_close(f->engine);
    f->engine = NULL;
    if (!rc)
        rn_sampler_over(s);
    else if (rc != RN_ECANCELLED)
        rn_sampler_die(s, 0, &err);
    return NULL;
}

/* ---- scoring --------------------------------------------------------------------------------- */

static int after_pass(void *user, rn_err *err)
{
    const rn_sampler *s = user;
    return rn_watch_check(s->o.watch, err);
}

int rn_sampler_score(rn_sampler *s, rn_nll_text *texts, int64_t n, rn_err *err)
{
    const rn_order *o = &s->orders.data[0];
    int rc = rn_opened_load(&s->m, err);
    if (rc) return rc;
    const rn_nll_batch all = {.texts = texts, .n = n, .tick = after_pass, .user = s};
    return rn_nll_score(s->m.model, &s->m.engine, &o->ids, o->prompt.len == 0, &all, err);
}
