/*
 * engine.c: memory plan, slots, and the loop that turns jobs into samples; see engine.h.
 *
 * One turn of the loop:
 *   pick    one token for every slot whose logits are known, side by side over the threads
 *   settle  in slot order: append, look for an end, hand finished samples out, free their slots
 *   fill    free slots take the next sample of a live group, or of the next job, whose prompt is
 *           run first; a new sample's first token comes from the logits after the prompt
 *   room    slots take the pages they grow into, wait for them, or come back with their tokens
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

/* Of a slot without pages: tokens, text, a row of logits, and one of its prompt's. */
static size_t slot_bytes(const rn_engine *e)
{
    int64_t n = e->opts.max_new_tok;
    return (size_t)n * sizeof(int32_t) + text_room(n) +
           2 * (size_t)e->model->hp.n_vocab * sizeof(float);
}

/* Pages of the longest prompt, and of the longest sample. */
static int64_t prompt_pages(const rn_engine *e)
{
    return rn_pages_of(e->opts.max_prompt_tok);
}

static int64_t sample_pages(const rn_engine *e)
{
    return rn_pages_of(e->opts.max_new_tok);
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
    const size_t page = rn_page_bytes(hp, o->kv), per_slot = slot_bytes(e);
    const size_t prompt = (size_t)prompt_pages(e) * page;
    const size_t sample = per_slot + (size_t)sample_pages(e) * page;
    size_t buffers = rn_forward_bytes(e->model, e->max_rows, max_pos(e)) +
                     RN_ENGINE_LOGIT_ROWS * (size_t)hp->n_vocab * sizeof(float) +
                     (size_t)o->n_threads * rn_sampler_scratch_bytes(hp->n_vocab);
    if (buffers + prompt + sample > budget)
        return rn_fail(
            err, RN_ELIMIT,
            "one sample needs %.0f MiB (%.0f for buffers, %.0f for the prompt's keys and "
            "values, %.0f for the sample's) and %.0f MiB may be used; give more with "
            "--memory, fewer tokens with --max-tokens, or --kv q8",
            rn_mib(buffers + prompt + sample), rn_mib(buffers), rn_mib(prompt), rn_mib(sample),
            rn_mib(budget));
    /* A sample more needs a page at first; how many there are in the end follows from how long they
     * become. */
    size_t fit = 1 + (budget - buffers - prompt - sample) / (per_slot + page);
    o->n_slots = fit < (size_t)slots ? (int32_t)fit : slots;
    o->memory_bytes = budget;
    const int64_t room = (int64_t)((budget - buffers - (size_t)o->n_slots * per_slot) / page);
    const int64_t most = (o->n_slots + 1) * prompt_pages(e) + o->n_slots * sample_pages(e);
    e->pages.n = room < most ? room : most;
    const int64_t full = (e->pages.n - prompt_pages(e)) / sample_pages(e);
    e->plan = (rn_engine_plan){
        .n_threads = o->n_threads,
        .n_slots = o->n_slots,
        .n_full = full < o->n_slots ? (int32_t)full : o->n_slots,
        .kv_bytes_per_tok = (page + RN_PAGE - 1) / RN_PAGE,
        .slot_bytes = sample,
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
    int rc = rn_pages_open(&e->pages, hp, e->opts.kv, e->pages.n, err);
    if (rc) return rc;
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
        rc = rn_cache_open(&s->cache, &e->pages, e->opts.max_new_tok, err);
        if (rc) return rc;
    }
    e->kept_ids = calloc((size_t)e->opts.max_prompt_tok, sizeof *e->kept_ids);
    if (!e->kept_ids) return rn_fail(err, RN_ENOMEM, "out of memory for a prompt");
    return rn_cache_open(&e->kept, &e->pages, e->opts.max_prompt_tok, err);
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

static void free_group(rn_group *g)
{
    if (!g->live) return;
    rn_cache_close(&g->cache);
    free(g->logits);
    *g = (rn_group){0};
}

static void free_all_slots(rn_engine *e)
{
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        e->slots[i].group = NULL;
        e->slots[i].logits = NULL;
        e->slots[i].parked = false;
        rn_cache_drop(&e->slots[i].cache);
        free_group(&e->groups[i]);
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
    rn_cache_close(&e->kept);
    free(e->kept_ids);
    rn_pages_close(&e->pages);
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

void rn_engine_prefill(rn_engine *e, const rn_prompt_ids *p, int32_t from, rn_cache *cache,
                       float *out)
{
    int32_t m = 0;
    for (int32_t at = from; at < p->n; at += m) {
        m = p->n - at < RN_ENGINE_CHUNK ? p->n - at : RN_ENGINE_CHUNK;
        const rn_span s = {
            .own = cache, .n_own = at, .tok = p->ids + at, .n = m, .long_text = p->long_text};
        rn_forward_run(e->fwd, &s, 1);
    }
    rn_forward_logits(e->fwd, m - 1, 1, out);
    e->stats.n_prompt_tok += p->n - from;
}

bool rn_engine_reach(rn_engine *e, rn_cache *c, int64_t n_pos)
{
    if (rn_cache_reach(c, n_pos)) return true;
    rn_cache_drop(&e->kept);
    return rn_cache_reach(c, n_pos);
}

/* Whole pages that a prompt has in common with ids [n_pages RN_PAGE], its last token left out: that
 * one's logits are wanted. */
static int64_t pages_alike(const rn_prompt_ids *p, const int32_t *ids, int64_t n_pages)
{
    int64_t n = 0;
    while (n < n_pages && (n + 1) * RN_PAGE < p->n &&
           memcmp(p->ids + n * RN_PAGE, ids + n * RN_PAGE, RN_PAGE * sizeof *ids) == 0)
        n++;
    return n;
}

/* The beginning of a prompt from the one that begins most like it: the last one, or one in flight.
 */
static void share_beginning(rn_engine *e, const rn_prompt_ids *p, rn_cache *cache)
{
    const rn_cache *best = &e->kept;
    int64_t most = e->kept_long == p->long_text ? pages_alike(p, e->kept_ids, e->kept.n) : 0;
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        const rn_group *g = &e->groups[i];
        if (!g->live || g->long_text != p->long_text) continue;
        const int64_t n = pages_alike(p, g->job.prompt, g->job.n_prompt / RN_PAGE);
        if (n <= most) continue;
        most = n;
        best = &g->cache;
    }
    rn_cache_share(cache, best, most);
}

/* Remembers the whole pages of a prompt that was run. */
static void keep_beginning(rn_engine *e, const rn_prompt_ids *p, const rn_cache *cache)
{
    const int64_t n = p->n / RN_PAGE;
    rn_cache_drop(&e->kept);
    rn_cache_share(&e->kept, cache, n);
    e->kept_long = p->long_text;
    if (n) memcpy(e->kept_ids, p->ids, (size_t)n * RN_PAGE * sizeof *p->ids);
}

int rn_engine_prompt(rn_engine *e, const rn_prompt_ids *p, rn_cache *cache, float *out, rn_err *err)
{
    int rc = rn_cache_open(cache, &e->pages, p->n, err);
    if (rc) return rc;
    share_beginning(e, p, cache);
    const int32_t from = (int32_t)cache->n * RN_PAGE;
    if (!rn_engine_reach(e, cache, p->n)) {
        rn_cache_close(cache);
        return rn_fail(err, RN_ELIMIT, "no room for a prompt of %d tokens; give more with --memory",
                       p->n);
    }
    rn_engine_prefill(e, p, from, cache, out);
    e->stats.n_shared_tok += from;
    keep_beginning(e, p, cache);
    return 0;
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
    const bool long_text = rn_engine_long(e, job->n_prompt + token_limit(e, job));
    const rn_prompt_ids p = {job->prompt, job->n_prompt, long_text};
    int64_t t0 = rn_now_ns();
    rc = rn_engine_prompt(e, &p, &g->cache, logits, err);
    if (rc) {
        free(logits);
        return rc;
    }
    g->live = true;
    g->job = *job;
    g->logits = logits;
    g->long_text = long_text;
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

/* Slots with a sample, and whether one of them waits for pages. */
static int64_t n_in_use(const rn_engine *e, bool *waits)
{
    int64_t n = 0;
    *waits = false;
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        n += e->slots[i].group != NULL;
        *waits |= e->slots[i].parked;
    }
    return n;
}

/* True if a prompt of n_tok fits, and leaves what one sample may need in the end whatever others
 * hold; always when nothing is in flight. */
static bool prompt_fits(rn_engine *e, int64_t n_tok)
{
    int64_t samples = 0; /* pages of theirs, which they can give back; prompts cannot */
    for (int32_t i = 0; i < e->opts.n_slots; i++)
        samples += e->slots[i].cache.n;
    const int64_t want = rn_pages_of(n_tok);
    for (int turn = 0; turn < 2; turn++) {
        const int64_t used = e->pages.n_used;
        if (used + want <= e->pages.n && used - samples + want + sample_pages(e) <= e->pages.n)
            return true;
        rn_cache_drop(&e->kept);
    }
    return false;
}

/* True if a sample more may start: nobody waits, and those in flight can each take a page. */
static bool sample_fits(const rn_engine *e)
{
    bool waits;
    const int64_t n = n_in_use(e, &waits);
    return n == 0 || (!waits && e->pages.n - e->pages.n_used + e->kept.n > n);
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
        if (!sample_fits(e)) return n;
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

static int deliver(const rn_engine_io *io, rn_slot *s, rn_finish finish, rn_err *err)
{
    rn_group *g = s->group;
    rn_result r = result_of(s, finish);
    s->group = NULL;
    s->logits = NULL;
    rn_cache_drop(&s->cache);
    int rc = io->done(io->user, &g->job, &r, err);
    if (++g->n_done == g->job.n) free_group(g);
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
        return deliver(io, s, RN_FINISH_END, err);

    size_t before = s->text.len;
    rn_bytes piece = rn_tok_bytes(e->model->tok, s->picked);
    if (j->bare && s->text.len == 0 && piece.len > 0 && piece.data[0] == ' ')
        piece = (rn_bytes){piece.data + 1, piece.len - 1};
    rn_buf_add(&s->text, piece.data, piece.len);
    if (!rn_buf_ok(&s->text)) return rn_fail(err, RN_ENOMEM, "out of memory for a sample's text");
    if (!j->to_limit && stop_string_seen(j->sampling, rn_buf_view(&s->text), s->text.len - before))
        return deliver(io, s, RN_FINISH_STOP, err);
    if (s->n_tok >= token_limit(e, j)) return deliver(io, s, RN_FINISH_LENGTH, err);
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

/* ---- room ------------------------------------------------------------------------------------ */

/* Whether the slot is in the next pass. */
static bool runs(const rn_slot *s)
{
    return s->group && !s->parked;
}

static void park(rn_slot *s)
{
    s->parked = true;
    rn_cache_drop(&s->cache);
}

/* The running sample with the fewest tokens, of equals the last: what is lost with it is least. */
static rn_slot *cheapest(rn_engine *e)
{
    rn_slot *least = NULL;
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        rn_slot *s = &e->slots[i];
        if (runs(s) && (!least || s->n_tok <= least->n_tok)) least = s;
    }
    return least;
}

/* The tokens of a sample that waited go through the model again, all but the last, whose turn comes
 * with the next step. */
static void run_again(rn_engine *e, rn_slot *s)
{
    const rn_group *g = s->group;
    const int32_t n = s->n_tok - 1;
    int64_t t0 = rn_now_ns();
    for (int32_t at = 0, m; at < n; at += m) {
        m = n - at < RN_ENGINE_CHUNK ? n - at : RN_ENGINE_CHUNK;
        const rn_span span = {.prefix = &g->cache,
                              .own = &s->cache,
                              .n_prefix = g->job.n_prompt,
                              .n_own = at,
                              .tok = s->tok + at,
                              .n = m,
                              .long_text = g->long_text};
        rn_forward_run(e->fwd, &span, 1);
    }
    int64_t spent = rn_now_ns() - t0;
    s->wall_ns += (double)spent;
    e->stats.decode_ns += spent;
    e->stats.n_again_tok += n;
}

/* Samples that waited come back while there are pages for them and one for each that runs; a sample
 * alone has room always (prompt_fits). */
static void come_back(rn_engine *e)
{
    int64_t running = 0;
    for (int32_t i = 0; i < e->opts.n_slots; i++)
        running += runs(&e->slots[i]);
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        rn_slot *s = &e->slots[i];
        if (!s->parked) continue;
        const int64_t left = e->pages.n - e->pages.n_used + e->kept.n;
        if (running && rn_pages_of(s->n_tok) + running > left) return;
        if (!rn_engine_reach(e, &s->cache, s->n_tok)) return;
        s->parked = false;
        running++;
        run_again(e, s);
    }
}

/* Every sample that runs has room for its last token; some may have to wait for that. */
static void make_room(rn_engine *e)
{
    come_back(e);
    for (int32_t i = 0; i < e->opts.n_slots; i++) {
        rn_slot *s = &e->slots[i];
        while (runs(s) && !rn_engine_reach(e, &s->cache, s->n_tok))
            park(cheapest(e));
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* One pass over every slot in use, rows of one prompt side by side. Returns the number of rows. */
static int32_t step(rn_engine *e)
{
    make_room(e);
    int64_t t0 = rn_now_ns();
    int32_t n = 0;
    for (int32_t gi = 0; gi < e->opts.n_slots; gi++) {
        rn_group *g = &e->groups[gi];
        if (!g->live) continue;
        for (int32_t i = 0; i < e->opts.n_slots; i++) {
            rn_slot *s = &e->slots[i];
            if (s->group != g || s->parked) continue;
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
