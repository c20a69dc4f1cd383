/*
 * measure.c: the time of one step with a given number of samples in flight, at a given length.
 *
 * The caches are taken as they are (zeros at first): attention over them costs the same whatever
 * they hold, so that a step in the middle of a long sample is timed without making the first half.
 */
#include "base/clock.h"
#include "model/engine_priv.h"
#include "model/draw.h"

#include <assert.h>
#include <stdlib.h>

typedef struct picking {
    rn_engine *e;
    rn_sampling sampling;
} picking;

static void pick_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    picking *p = arg;
    rn_engine *e = p->e;
    size_t v = (size_t)e->model->hp.n_vocab;
    for (int64_t r = begin; r < end; r++) {
        rn_slot *s = &e->slots[r];
        s->rc = rn_sampler_pick(e->model->kern, &p->sampling, e->logits + (size_t)r * v, (int32_t)v,
                                e->scratch + (size_t)thread * e->scratch_bytes, &s->rng, &s->picked,
                                &s->picked_logprob);
    }
}

static int64_t time_step(picking *p, int32_t n_rows)
{
    rn_engine *e = p->e;
    int64_t t0 = rn_now_ns();
    rn_forward_run(e->fwd, e->spans, n_rows);
    rn_forward_logits(e->fwd, 0, n_rows, e->logits);
    rn_pool_for(e->pool, n_rows, 1, pick_rows, p);
    return rn_now_ns() - t0;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int rn_engine_time_step(rn_engine *e, int32_t n_prompt, int32_t n_own, int32_t n_rows, int n_steps,
                        int64_t *step_ns, rn_err *err)
{
    enum { MAX_STEPS = 64 };
    if (n_prompt < 1 || n_prompt > e->opts.max_prompt_tok || n_own < 0 ||
        n_own >= e->opts.max_new_tok || n_rows < 1 || n_rows > e->opts.n_slots || n_steps < 1 ||
        n_steps > MAX_STEPS)
        return rn_fail(err, RN_EINVAL, "a step of %d samples at %d + %d tokens in an engine for %d",
                       n_rows, n_prompt, n_own, e->opts.n_slots);
    rn_cache prompt;
    int rc = rn_cache_open(&prompt, &e->pages, n_prompt, err);
    if (rc) return rc;
    bool fits = rn_engine_reach(e, &prompt, n_prompt);
    for (int32_t i = 0; fits && i < n_rows; i++)
        fits = rn_engine_reach(e, &e->slots[i].cache, n_own + 1);
    if (!fits) {
        rc = rn_fail(err, RN_ELIMIT, "no room for %d samples of %d tokens; give more with --memory",
                     n_rows, n_own);
        goto out;
    }
    picking p = {.e = e};
    rn_sampling_init(&p.sampling);
    for (int32_t i = 0; i < n_rows; i++) {
        e->slots[i].tok[0] = i % e->model->hp.n_vocab;
        rn_rng_init(&e->slots[i].rng, 0, 0, (uint32_t)i);
        e->spans[i] = (rn_span){.prefix = &prompt,
                                .own = &e->slots[i].cache,
                                .n_prefix = n_prompt,
                                .n_own = n_own,
                                .tok = e->slots[i].tok,
                                .n = 1};
    }
    int64_t ns[MAX_STEPS] = {0};
    time_step(&p, n_rows); /* pages and caches get warm */
    for (int i = 0; i < n_steps; i++)
        ns[i] = time_step(&p, n_rows);
    qsort(ns, (size_t)n_steps, sizeof *ns, by_size);
    *step_ns = ns[n_steps / 2];
out:
    for (int32_t i = 0; i < n_rows; i++)
        rn_cache_drop(&e->slots[i].cache);
    rn_cache_close(&prompt);
    return rc;
}

int rn_engine_time_prompt(rn_engine *e, int32_t n_prompt, int64_t *prompt_ns, rn_err *err)
{
    int32_t *ids = calloc((size_t)(n_prompt > 0 ? n_prompt : 1), sizeof *ids);
    rn_cache cache;
    int rc = ids ? rn_engine_check_ids(e, ids, n_prompt, "the prompt", err)
                 : rn_fail(err, RN_ENOMEM, "out of memory for a prompt");
    if (!rc && n_prompt > e->opts.max_prompt_tok)
        rc = rn_fail(err, RN_EINVAL, "a prompt of %d tokens in an engine opened for %lld", n_prompt,
                     (long long)e->opts.max_prompt_tok);
    if (!rc) rc = rn_cache_open(&cache, &e->pages, n_prompt, err);
    if (!rc) {
        const rn_prompt_ids p = {ids, n_prompt, false};
        const bool fits = rn_engine_reach(e, &cache, n_prompt); /* of its longest prompt always */
        assert(fits);
        (void)fits;
        int64_t t0 = rn_now_ns();
        rn_engine_prefill(e, &p, 0, &cache, e->logits);
        *prompt_ns = rn_now_ns() - t0;
        rn_cache_close(&cache);
    }
    free(ids);
    return rc;
}
