/*
 * engine.c: memory plan, slots, and the loop that turns jobs into samples; see engine.h.
 *
 * One turn of the loop:
 *   pick    one token for every slot whose logits are known, side by side over the threads
 *   settle  in slot order: append, look for an end, hand finished samples out, free their slots
 *   fill    free slots take the next sample of a live group, or of the next job, whose prompt is
 *           run first; a new sample's first token comes from the logits after the prompt
 *   step    one forward pass with a row for each slot in use
 * Pick, settle and fill repeat until no slot can be filled, so that a pass is always as full as the
 * work allows.
 */
#include "base/clock.h"
#include "base/log.h"
#include "model/engine_priv.h"
#include "model/memory.h"
#include "model/draw.h"

#include <math.h>
#include <stdlib.h>

const char *rn_finish_name(rn_finish f)
{
    return f == RN_FINISH_LENGTH ? "length" : "stop";
}

const rn_engine_plan *rn_engine_plan_of(const rn_engine *e)
{
    return &e->plan;
}

const rn_engine_stats *rn_engine_stats_of(const rn_engine *e)
{
    return &e->stats;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Bytes of text that a sample of n tokens may reach; longer pieces make the buffer grow. */
static size_t text_room(int64_t n_tok)
{
    return (size_t)n_tok * 16 + 64;
}

static size_t slot_bytes(const rn_engine *e)
{
    const rn_hparams *hp = &e->model->hp;
    int64_t n = e->opts.max_new_tok;
    return rn_cache_bytes(hp, e->opts.kv, n) + (size_t)n * sizeof(int32_t) + text_room(n) +
           (size_t)hp->n_vocab * sizeof(float);
}

static size_t prompt_bytes(const rn_engine *e, int64_t n_tok)
{
    return rn_cache_bytes(&e->model->hp, e->opts.kv, n_tok) +
           (size_t)e->model->hp.n_vocab * sizeof(float);
}

/* The most positions a sequence can have, which sizes the table of rotations. */
static int32_t max_pos(const rn_engine *e)
{
    int64_t n = e->opts.max_prompt_tok + e->opts.max_new_tok;
    return n < e->model->hp.n_ctx ? (int32_t)n : e->model->hp.n_ctx;
}

static int plan(rn_engine *e, rn_err *err)
{
    rn_engine_opts *o = &e->opts;
    const rn_hparams *hp = &e->model->hp;
    if (o->max_prompt_tok < 1 || o->max_new_tok < 1 || o->max_new_tok > RN_MAX_CONTEXT)
        return rn_fail(err, RN_EINVAL, "a plan for prompts of %lld and samples of %lld tokens",
                       (long long)o->max_prompt_tok, (long long)o->max_new_tok);
    if (o->n_slots < 0 || o->n_slots > RN_ENGINE_MAX_SLOTS)
        return rn_fail(err, RN_EINVAL, "%d slots: give 1 to %d, or 0 for as many as fit",
                       o->n_slots, RN_ENGINE_MAX_SLOTS);
    if (o->max_prompt_tok > hp->n_ctx)
        return rn_fail(err, RN_ELIMIT,
                       "a prompt of %lld tokens is longer than the model's context of %d; use a "
                       "shorter prompt or a model with a longer context",
                       (long long)o->max_prompt_tok, hp->n_ctx);
    if (o->max_new_tok > hp->n_ctx) o->max_new_tok = hp->n_ctx;
    if (o->n_threads <= 0) o->n_threads = rn_cpu_count();
    size_t budget = o->memory_bytes ? o->memory_bytes : rn_memory_available() / 10 * 8;
    int32_t slots = o->n_slots ? o->n_slots : RN_ENGINE_SLOTS;
    e->max_rows = slots > RN_ENGINE_CHUNK ? slots : RN_ENGINE_CHUNK;
    size_t per_slot = slot_bytes(e), prompt = prompt_bytes(e, o->max_prompt_tok);
    size_t buffers = rn_forward_bytes(e->model, e->max_rows, max_pos(e)) +
                     RN_ENGINE_LOGIT_ROWS * (size_t)hp->n_vocab * sizeof(float) +
                     (size_t)o->n_threads * rn_sampler_scratch_bytes(hp->n_vocab);
    if (buffers + prompt + per_slot > budget)
        return rn_fail(
            err, RN_ELIMIT,
            "one sample needs %.0f MiB (%.0f for buffers, %.0f for the prompt's keys and "
            "values, %.0f for the sample's) and %.0f MiB may be used; give more with "
            "--memory, fewer tokens with --max-tokens, or --kv q8",
            rn_mib(buffers + prompt + per_slot), rn_mib(buffers), rn_mib(prompt), rn_mib(per_slot),
            rn_mib(budget));
    size_t fit = (budget - buffers - prompt) / per_slot;
    o->n_slots = fit < (size_t)slots ? (int32_t)fit : slots;
    o->memory_bytes = budget;
    e->plan = (rn_engine_plan){
        .n_threads = o->n_threads,
        .n_slots = o->n_slots,
        .kv_bytes_per_tok = rn_cache_bytes(hp, o->kv, 1),
        .slot_bytes = per_slot,
        .buffer_bytes = buffers,
        .memory_bytes = budget,
    };
    return 0;
}

static int take_memory(rn_engine *e, rn_err *err)
{
    const rn_hparams *hp = &e->model->hp;
    size_t n = (size_t)e->opts.n_slots, v = (size_t)hp->n_vocab;
    size_t logit_rows = n > RN_ENGINE_LOGIT_ROWS ? n : RN_ENGINE_LOGIT_ROWS;
    e->scratch_bytes = rn_sampler_scratch_bytes(hp->n_vocab);
    e->slots = calloc(n, sizeof *e->slots);
    e->groups = calloc(n, sizeof *e->groups);
    e->spans = calloc((size_t)e->max_rows, sizeof *e->spans);
    e->span_slot = calloc((size_t)e->max_rows, sizeof *e->span_slot);
    e->logits = aligned_alloc(64, (logit_rows * v * sizeof(float) + 63) / 64 * 64);
    e->scratch = aligned_alloc(64, (size_t)e->opts.n_threads * e->scratch_bytes);
    if (!e->slots || !e->groups || !e->spans || !e->span_slot || !e->logits || !e->scratch)
        return rn_fail(err, RN_ENOMEM, "out of memory for %zu slots", n);
    for (size_t i = 0; i < n; i++) {
        rn_slot *s = &e->slots[i];
        s->tok = calloc((size_t)e->opts.max_new_tok, sizeof *s->tok);
        if (!s->tok || !rn_buf_reserve(&s->text, text_room(e->opts.max_new_tok)))
            return rn_fail(err, RN_ENOMEM, "out of memory for %zu slots", n);
        int rc = rn_cache_open(&s->cache, hp, e->opts.kv, e->opts.max_new_tok, err);
        if (rc) return rc;
    }
    return 0;
}

int rn_engine_open(const rn_model *model, const rn_engine_opts *opts, rn_engine **out, rn_err *err)
{
    rn_engine *e = calloc(1, sizeof *e);
    if (!e) return rn_fail(err, RN_ENOMEM, "out of memory for the engine");
    e->model = model;
    e->opts = *opts;
    int rc = plan(e, err);
    if (!rc) rc = rn_pool_new(e->opts.n_threads, &e->pool, err);
    if (!rc)
        rc = rn_forward_open(model, e->pool, e->max_rows, max_pos(e), e->opts.kv, &e->fwd, err);
    if (!rc) rc = take_memory(e, err);
    if (rc) {
        rn_engine_close(e);
        return rc;
    }
    *out = e;
    return 0;
}

static void free_group(rn_engine *e, rn_group *g)
{
    if (!g->live) return;
    e->group_bytes -= prompt_bytes(e, g->job.n_prompt);
    rn_cache_close(&g->cache);
    free(g->logits);
    *g = (rn_group){0};
}

static void free_all_slots(rn_engine *e)
{
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        e->slots[i].group = NULL;
        e->slots[i].logits = NULL;
        free_group(e, &e->groups[i]);
    }
}

void rn_engine_close(rn_engine *e)
{
    if (!e) return;
    if (e->groups && e->slots) free_all_slots(e);
    for (int32_t i = 0; e->slots && i < e->opts.n_slots; i++) {
        rn_cache_close(&e->slots[i].cache);
        free(e->slots[i].tok);
        rn_buf_free(&e->slots[i].text);
    }
    rn_forward_close(e->fwd);
    rn_pool_free(e->pool);
    free(e->slots);
    free(e->groups);
    free(e->spans);
    free(e->span_slot);
    free(e->logits);
    free(e->scratch);
    free(e);
}

/* ---- prompts --------------------------------------------------------------------------------- */

int rn_engine_check_ids(const rn_engine *e, const int32_t *ids, int64_t n, const char *what,
                        rn_err *err)
{
    if (n < 1) return rn_fail(err, RN_EINVAL, "%s is empty: no token to start from", what);
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= e->model->hp.n_vocab)
            return rn_fail(err, RN_EINVAL,
                           "token %d at place %lld of %s is outside the vocabulary of %d", ids[i],
                           (long long)i, what, e->model->hp.n_vocab);
    return 0;
}

void rn_engine_prefill(rn_engine *e, rn_cache *cache, const int32_t *ids, int32_t n, bool long_text,
                       float *out)
{
    int32_t m = 0;
    for (int32_t at = 0; at < n; at += m) {
        m = n - at < RN_ENGINE_CHUNK ? n - at : RN_ENGINE_CHUNK;
        const rn_span s = {
            .own = cache, .n_own = at, .tok = ids + at, .n = m, .long_text = long_text};
        rn_forward_run(e->fwd, &s, 1);
    }
    rn_forward_logits(e->fwd, m - 1, 1, out);
    e->stats.n_prompt_tok += n;
}

static int check_job(const rn_engine *e, const rn_job *j, rn_err *err)
{
    int rc = rn_sampling_check(j->sampling, err);
    if (!rc) rc = rn_engine_check_ids(e, j->prompt, j->n_prompt, "the prompt", err);
    if (rc) return rc;
    if (j->n < 1)
        return rn_fail(err, RN_EINVAL, "n is %lld; ask for at least one sample", (long long)j->n);
    if (j->n_prompt >= e->model->hp.n_ctx)
        return rn_fail(err, RN_ELIMIT,
                       "a prompt of %d tokens leaves no room in the model's context of %d",
                       j->n_prompt, e->model->hp.n_ctx);
    if (j->n_prompt > e->opts.max_prompt_tok)
        return rn_fail(err, RN_EINVAL, "a prompt of %d tokens in an engine opened for %lld",
                       j->n_prompt, (long long)e->opts.max_prompt_tok);
    return 0;
}

/* The limit of a sample's new tokens: the settings', within slot and context. */
static int32_t token_limit(const rn_engine *e, const rn_job *j)
{
    int64_t n = j->sampling->max_tok;
    int64_t room = e->model->hp.n_ctx - j->n_prompt;
    if (n > e->opts.max_new_tok) n = e->opts.max_new_tok;
    return (int32_t)(n < room ? n : room);
}

static int start_group(rn_engine *e, rn_group *g, const rn_job *job, rn_err *err)
{
    int rc = check_job(e, job, err);
    if (rc) return rc;
    const rn_hparams *hp = &e->model->hp;
    float *logits = aligned_alloc(64, ((size_t)hp->n_vocab * sizeof(float) + 63) / 64 * 64);
    if (!logits) return rn_fail(err, RN_ENOMEM, "out of memory for a prompt");
    rc = rn_cache_open(&g->cache, hp, e->opts.kv, job->n_prompt, err);
    if (rc) {
        free(logits);
        return rc;
    }
    g->live = true;
    g->job = *job;
    g->logits = logits;
    g->long_text = rn_engine_long(e, job->n_prompt + token_limit(e, job));
    e->group_bytes += prompt_bytes(e, job->n_prompt);
    int64_t t0 = rn_now_ns();
    rn_engine_prefill(e, &g->cache, job->prompt, job->n_prompt, g->long_text, logits);
    int64_t spent = rn_now_ns() - t0;
    e->stats.prefill_ns += spent;
    g->prompt_ns = (double)spent / (double)job->n;
    return 0;
}

/* ---- filling slots --------------------------------------------------------------------------- */

static void start_sample(rn_slot *s, rn_group *g)
{
    s->group = g;
    s->idx = g->job.idx[g->next++];
    s->logits = g->logits;
    s->n_tok = 0;
    s->logprob = 0;
    s->wall_ns = g->prompt_ns;
    rn_buf_clear(&s->text);
    rn_rng_init(&s->rng, g->job.sampling->seed, g->job.stream, s->idx);
}

/* A group with samples that have not started; NULL if there is none. */
static rn_group *waiting_group(rn_engine *e)
{
    for (int32_t i = 0; i < e->opts.n_slots; i++)
        if (e->groups[i].live && e->groups[i].next < e->groups[i].job.n) return &e->groups[i];
    return NULL;
}

static rn_group *free_group_place(rn_engine *e)
{
    for (int32_t i = 0; i < e->opts.n_slots; i++)
        if (!e->groups[i].live) return &e->groups[i];
    return NULL;
}

/* True if the prompt's keys and values fit beside what is held; always when nothing is held. */
static bool prompt_fits(const rn_engine *e, int64_t n_tok)
{
    size_t held =
        e->plan.buffer_bytes + (size_t)e->opts.n_slots * e->plan.slot_bytes + e->group_bytes;
    return e->group_bytes == 0 || held + prompt_bytes(e, n_tok) <= e->opts.memory_bytes;
}

typedef struct source {
    const rn_engine_io *io;
    rn_job job; /* fetched, not started */
    bool have, ended;
} source;

/* Fills free slots. Returns how many, or an error. */
static int fill(rn_engine *e, source *src, rn_err *err)
{
    int n = 0;
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        rn_slot *s = &e->slots[i];
        if (s->group) continue;
        rn_group *g = waiting_group(e);
        if (!g) {
            if (!src->have && !src->ended) {
                int rc = src->io->next(src->io->user, &src->job, err);
                if (rc < 0) return rc;
                src->have = rc > 0;
                src->ended = rc == 0;
            }
            if (!src->have || !prompt_fits(e, src->job.n_prompt)) return n;
            g = free_group_place(e); /* there is one: a slot is free, and each group holds one */
            int rc = start_group(e, g, &src->job, err);
            if (rc) return rc;
            src->have = false;
        }
        int go = src->io->start ? src->io->start(src->io->user, &g->job, err) : 1;
        if (go <= 0) return go < 0 ? go : n;
        start_sample(s, g);
        n++;
    }
    return n;
}

/* ---- picking tokens -------------------------------------------------------------------------- */

static void pick_slots(void *user, int64_t begin, int64_t end, int thread)
{
    rn_engine *e = user;
    void *scratch = e->scratch + (size_t)thread * e->scratch_bytes;
    for (int64_t i = begin; i < end; i++) {
        rn_slot *s = &e->slots[i];
        if (!s->group || !s->logits) continue;
        s->rc =
            rn_sampler_pick(e->model->kern, s->group->job.sampling, s->logits, e->model->hp.n_vocab,
                            scratch, &s->rng, &s->picked, &s->picked_logprob);
    }
}

/* True if a stop string ends in the text's last `fresh` bytes or spans into them. */
static bool stop_string_seen(const rn_sampling *sp, rn_bytes text, size_t fresh)
{
    for (const char *const *stop = sp->stop; stop && *stop; stop++) {
        rn_bytes needle = rn_bytes_of(*stop);
        if (needle.len == 0 || needle.len > text.len) continue;
        size_t back = fresh + needle.len - 1;
        size_t from = back < text.len ? text.len - back : 0;
        if (rn_bytes_find(text, needle, from) != SIZE_MAX) return true;
    }
    return false;
}

static rn_result result_of(const rn_slot *s, rn_finish finish)
{
    return (rn_result){
        .idx = s->idx,
        .finish = finish,
        .tok = s->tok,
        .n_tok = s->n_tok,
        .text = rn_buf_view(&s->text),
        .logprob = s->logprob,
        .wall_ns = (int64_t)s->wall_ns,
    };
}

static int deliver(rn_engine *e, const rn_engine_io *io, rn_slot *s, rn_finish finish, rn_err *err)
{
    rn_group *g = s->group;
    rn_result r = result_of(s, finish);
    s->group = NULL;
    s->logits = NULL;
    int rc = io->done(io->user, &g->job, &r, err);
    if (++g->n_done == g->job.n) free_group(e, g);
    return rc < 0 ? rc : 0;
}

/* Appends the picked token and ends the sample if it is over. */
static int settle(rn_engine *e, const rn_engine_io *io, rn_slot *s, rn_err *err)
{
    if (s->rc)
        return rn_fail(err, s->rc,
                       "%s: the model's logits are not numbers; its weights are damaged or of a "
                       "variant that this version does not know",
                       e->model->path);
    const rn_job *j = &s->group->job;
    s->tok[s->n_tok++] = s->picked;
    s->logprob += s->picked_logprob;
    s->logits = NULL;
    e->stats.n_new_tok++;
    if (!j->to_limit && rn_tok_is_end(e->model->tok, s->picked))
        return deliver(e, io, s, RN_FINISH_END, err);

    size_t before = s->text.len;
    rn_bytes piece = rn_tok_bytes(e->model->tok, s->picked);
    if (j->bare && s->text.len == 0 && piece.len > 0 && piece.data[0] == ' ')
        piece = (rn_bytes){piece.data + 1, piece.len - 1};
    rn_buf_add(&s->text, piece.data, piece.len);
    if (!rn_buf_ok(&s->text)) return rn_fail(err, RN_ENOMEM, "out of memory for a sample's text");
    if (!j->to_limit && stop_string_seen(j->sampling, rn_buf_view(&s->text), s->text.len - before))
        return deliver(e, io, s, RN_FINISH_STOP, err);
    if (s->n_tok >= token_limit(e, j)) return deliver(e, io, s, RN_FINISH_LENGTH, err);
    return 0;
}

static int pick_and_settle(rn_engine *e, const rn_engine_io *io, rn_err *err)
{
    rn_pool_for(e->pool, e->opts.n_slots, 1, pick_slots, e);
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        rn_slot *s = &e->slots[i];
        if (!s->group || !s->logits) continue;
        int rc = settle(e, io, s, err);
        if (rc) return rc;
    }
    return 0;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* One pass over every slot in use, rows of one prompt side by side. Returns the number of rows. */
static int32_t step(rn_engine *e)
{
    int64_t t0 = rn_now_ns();
    int32_t n = 0;
    for (int32_t gi = 0; gi < e->opts.n_slots; gi++) {
        rn_group *g = &e->groups[gi];
        if (!g->live) continue;
        for (int32_t i = 0; i < e->opts.n_slots; i++) {
            rn_slot *s = &e->slots[i];
            if (s->group != g) continue;
            e->span_slot[n] = i;
            e->spans[n] = (rn_span){
                .prefix = &g->cache,
                .own = &s->cache,
                .n_prefix = g->job.n_prompt,
                .n_own = s->n_tok - 1,
                .tok = &s->tok[s->n_tok - 1],
                .n = 1,
                .long_text = g->long_text,
            };
            n++;
        }
    }
    e->stats.n_active = n;
    if (n == 0) return 0;
    rn_forward_run(e->fwd, e->spans, n);
    rn_forward_logits(e->fwd, 0, n, e->logits);
    int64_t spent = rn_now_ns() - t0;
    for (int32_t r = 0; r < n; r++) {
        rn_slot *s = &e->slots[e->span_slot[r]];
        s->logits = e->logits + (size_t)r * (size_t)e->model->hp.n_vocab;
        s->wall_ns += (double)spent / n;
    }
    e->stats.decode_ns += spent;
    return n;
}

static int run(rn_engine *e, const rn_engine_io *io, rn_err *err)
{
    source src = {.io = io};
    for (;;) {
        for (int n = 1; n > 0;) { /* a sample may end with its first token: fill again */
            int rc = pick_and_settle(e, io, err);
            if (rc) return rc;
            n = fill(e, &src, err);
            if (n < 0) return n;
        }
        int32_t rows = step(e);
        if (io->tick) {
            int rc = io->tick(io->user, &e->stats, err);
            if (rc < 0) return rc;
        }
        if (rows == 0 && !src.have) return 0;
    }
}

int rn_engine_run(rn_engine *e, const rn_engine_io *io, rn_err *err)
{
    e->stats = (rn_engine_stats){0};
    int rc = run(e, io, err);
    for (int32_t i = 0; io->dropped && i < e->opts.n_slots; i++) {
        const rn_slot *s = &e->slots[i];
        if (!s->group) continue;
        rn_result r = result_of(s, RN_FINISH_LENGTH);
        io->dropped(io->user, &s->group->job, &r);
    }
    free_all_slots(e);
    return rc;
}
