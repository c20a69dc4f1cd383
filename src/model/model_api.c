/* model_api.c: the model's calls of ration.h: an engine is opened for each call, on the shared
 * model. */
#include "base/rng.h"
#include "model/engine.h"

#include <stdlib.h>

int rn_model_open(const char *path, int n_threads, size_t memory_bytes, rn_model **out, rn_err *err)
{
    rn_load_opts o = {.n_threads = n_threads, .memory_bytes = memory_bytes};
    return rn_model_load(path, &o, out, err);
}

static int encode_prompt(const rn_model *m, rn_bytes prompt, rn_ids *ids, rn_err *err)
{
    int rc = rn_tok_encode(m->tok, prompt, RN_TOK_BOS, ids, err);
    if (!rc && ids->n == 0)
        rc =
            rn_fail(err, RN_EINVAL, "the prompt is empty and the model has no token to begin with");
    return rc;
}

/* ---- samples --------------------------------------------------------------------------------- */

typedef struct call {
    rn_job job;
    bool given;
    rn_shape shape;
    int (*fn)(void *user, const rn_generated *s);
    void *user;
    int ended; /* what fn returned */
} call;

static int give_job(void *user, rn_job *job, rn_err *err)
{
    (void)err;
    call *c = user;
    if (c->given) return 0;
    c->given = true;
    *job = c->job;
    return 1;
}

static int hand_out(void *user, const rn_job *job, const rn_result *r, rn_err *err)
{
    call *c = user;
    rn_generated g = {
        .index = r->idx,
        .text = r->text.data ? r->text.data : "",
        .len = r->text.len,
        .finish = rn_finish_name(r->finish),
        .prompt_tok = job->n_prompt,
        .gen_tok = r->n_tok,
        .logprob = r->logprob,
        .flop = rn_flop_sample(&c->shape, job->n_prompt, r->n_tok) +
                rn_flop_prompt(&c->shape, job->n_prompt) / (double)job->n,
    };
    c->ended = c->fn(c->user, &g);
    return c->ended ? rn_fail(err, RN_ECANCELLED, "ended by the caller") : 0;
}

int rn_generate(const rn_model *m, const rn_generation *g, rn_err *err)
{
    rn_sampling s;
    rn_sampling_init(&s);
    if (g->sampling) s = *g->sampling;
    const int64_t n = g->n;
    if (n < 1 || n > INT32_MAX)
        return rn_fail(err, RN_EINVAL, "n is %lld; ask for 1 to %d samples", (long long)n,
                       INT32_MAX);
    const rn_prompt *p = &g->prompt;
    rn_ids ids = {0};
    rn_engine *e = NULL;
    uint32_t *idx = calloc((size_t)n, sizeof *idx);
    int rc = idx ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for %lld samples", (long long)n);
    if (!rc) rc = encode_prompt(m, (rn_bytes){p->text, p->len}, &ids, err);
    const rn_engine_opts o = {.n_threads = p->n_threads,
                              .n_slots = n < RN_ENGINE_SLOTS ? (int32_t)n : 0,
                              .memory_bytes = p->memory_bytes,
                              .max_prompt_tok = (int64_t)ids.n,
                              .max_new_tok = s.max_tok};
    if (!rc) rc = rn_engine_open(m, &o, &e, err);
    if (!rc) {
        for (uint32_t i = 0; i < n; i++)
            idx[i] = i;
        call c = {.fn = g->fn, .user = g->user};
        c.job = (rn_job){.prompt = ids.v,
                         .n_prompt = (int32_t)ids.n,
                         .bare = p->len == 0,
                         .stream = rn_rng_stream(p->text, p->len),
                         .idx = idx,
                         .n = n,
                         .sampling = &s};
        rn_model_shape(m, &c.shape);
        rn_engine_io io = {.next = give_job, .done = hand_out, .user = &c};
        rc = rn_engine_run(e, &io, err);
        if (c.ended) rc = c.ended;
    }
    rn_engine_close(e);
    rn_ids_free(&ids);
    free(idx);
    return rc;
}

/* ---- scores ---------------------------------------------------------------------------------- */

int rn_score_texts(const rn_model *m, const rn_prompt *p, rn_text_score *texts, int64_t n,
                   rn_err *err)
{
    if (n < 1) return rn_fail(err, RN_EINVAL, "n is %lld; give at least one text", (long long)n);
    rn_ids head = {0}, *ids = calloc((size_t)n, sizeof *ids);
    rn_score *list = calloc((size_t)n, sizeof *list);
    rn_engine *e = NULL;
    int64_t longest = 0, n_list = 0;
    int rc =
        ids && list ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for %lld texts", (long long)n);
    if (!rc) rc = encode_prompt(m, (rn_bytes){p->text, p->len}, &head, err);
    for (int64_t i = 0; !rc && i < n; i++) {
        const rn_bytes text = {.data = texts[i].text, .len = texts[i].len};
        rc = rn_tok_encode(m->tok, text, p->len ? RN_TOK_CONTINUE : 0, &ids[i], err);
        if (rc || ids[i].n == 0) continue;
        if ((int64_t)ids[i].n > longest) longest = (int64_t)ids[i].n;
        list[n_list++] = (rn_score){.tok = ids[i].v, .n_tok = (int32_t)ids[i].n};
    }
    const rn_engine_opts o = {.n_threads = p->n_threads,
                              .n_slots = n_list < RN_ENGINE_SLOTS ? (int32_t)n_list : 0,
                              .memory_bytes = p->memory_bytes,
                              .max_prompt_tok = (int64_t)head.n,
                              .max_new_tok = longest};
    if (!rc && n_list) rc = rn_engine_open(m, &o, &e, err);
    if (!rc && n_list) rc = rn_engine_score(e, head.v, (int32_t)head.n, list, n_list, NULL, err);
    for (int64_t i = 0, k = 0; !rc && i < n; i++) {
        texts[i].sum = ids[i].n ? list[k++].logprob : 0;
        texts[i].n_tok = (int64_t)ids[i].n;
    }
    rn_engine_close(e);
    for (int64_t i = 0; ids && i < n; i++)
        rn_ids_free(&ids[i]);
    rn_ids_free(&head);
    free(ids);
    free(list);
    return rc;
}
