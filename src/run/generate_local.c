/* generate_local.c: samples of a model file, made by the engine here. See generate.h. */
#include "run/generate.h"
#include "run/chat_template.h"

#include "model/sampler.h"

#include <stdio.h>

static int open_model(rn_gen *g, rn_err *err)
{
    const rn_model_opts *o = &g->o->model;
    int rc = rn_model_opts_load(o, &g->model, &g->budget, err);
    if (!rc) rc = rn_sha256_file(o->path, g->model_sha, err);
    if (rc) return rc;
    rn_model_shape(g->model, &g->shape);
    g->model_name = rn_model_opts_name(o->path);
    return 0;
}

static int choose_chat(rn_gen *g, rn_err *err)
{
    const char *want = g->o->chat                           ? g->o->chat
                       : g->preset->chat || g->o->chat_args ? "auto"
                                                            : "none";
    int rc = rn_chat_choose(g->model->file, want, g->o->chat_args, &g->chat, &g->system_text, err);
    if (rc) return rc;
    g->system = rn_buf_view(&g->system_text);
    if (g->chat != RN_CHAT_NONE || strcmp(want, "auto") != 0) return 0;
    return rn_fail(
        err, RN_EINVAL,
        "%s has no chat template and the prompt is a message; name its form with --chat or "
        "take another --preset",
        g->model->path);
}

static int choose_wrapping(rn_gen *g, rn_err *err)
{
    int rc = choose_chat(g, err);
    g->wrapped = g->chat != RN_CHAT_NONE;
    g->chat_name = rn_chat_name(g->chat);
    return rc;
}

static int take_prompt(rn_gen *g, rn_gen_work *w, rn_bytes text, rn_err *err)
{
    w->bare = text.len == 0;
    int rc = g->chat == RN_CHAT_NONE
                 ? rn_tok_encode(g->model->tok, text, RN_TOK_BOS, &w->prompt, err)
                 : rn_chat_encode(g->chat, g->model->tok, g->system, text, &w->prompt, err);
    if (rc || w->prompt.n) return rc;
    return rn_fail(err, RN_EINVAL, "it is empty and the model has no token to begin with");
}

static void describe(const rn_gen *g, json_t *settings)
{
    rn_kv_type kv = RN_KV_F16;
    rn_parse_kv(g->o->model.kv, &kv, NULL);
    json_object_set_new(settings, "kv", json_string(rn_kv_name(kv)));
    json_object_set_new(settings, "kernels", json_string(rn_isa_name(g->model->isa)));
}

/* A prompt that leaves no room for an answer is left out, and said so. */
static void drop_too_long(rn_gen *g)
{
    for (size_t i = 0; i < g->set->n; i++) {
        rn_gen_work *w = &g->work[i];
        if (!w->chosen || w->prompt.n < (size_t)g->model->hp.n_ctx) continue;
        fprintf(stderr,
                "ration generate: %s: a prompt of %zu tokens does not fit the context of %d\n",
                w->task_id, w->prompt.n, g->model->hp.n_ctx);
        g->n_too_long++;
        w->n_missing = 0;
    }
}

/* ---- making them ----------------------------------------------------------------------------- */

static int next_job(void *user, rn_job *job, rn_err *err)
{
    rn_gen *g = user;
    rn_gen_work *w;
    int more = rn_gen_next(g, &w, err);
    if (more != 1) return more;
    *job = (rn_job){
        .prompt = w->prompt.v,
        .n_prompt = (int32_t)w->prompt.n,
        .bare = w->bare,
        .stream = w->stream,
        .idx = w->missing,
        .n = w->n_missing,
        .sampling = &g->sampling,
        .user = w,
    };
    return 1;
}

static int sample_done(void *user, const rn_job *job, const rn_result *r, rn_err *err)
{
    rn_store_sample x = {
        .idx = r->idx,
        .text = r->text,
        .prompt_tok = job->n_prompt,
        .gen_tok = r->n_tok,
        .finish = rn_finish_name(r->finish),
        .logprob = r->logprob,
        .wall_ns = r->wall_ns,
    };
    return rn_gen_put(user, job->user, &x, err);
}

static int after_step(void *user, const rn_engine_stats *s, rn_err *err)
{
    return rn_gen_tick(user, s->n_new_tok, s->n_active, err);
}

static int open_engine(rn_gen *g, size_t budget, rn_engine **out, rn_err *err)
{
    rn_engine_opts eo;
    int rc = rn_model_opts_engine(&g->o->model, budget, &eo, err);
    if (rc) return rc;
    eo.max_new_tok = g->sampling.max_tok;
    int64_t most = 0;
    for (size_t i = 0; i < g->set->n; i++) {
        const rn_gen_work *w = &g->work[i];
        if (w->n_missing > most) most = w->n_missing;
        if (w->n_missing && (int64_t)w->prompt.n > eo.max_prompt_tok)
            eo.max_prompt_tok = (int64_t)w->prompt.n;
    }
    if (eo.n_slots == 0 && g->n_total - g->n_had < RN_ENGINE_SLOTS)
        eo.n_slots = (int32_t)(g->n_total - g->n_had);
    return rn_engine_open(g->model, &eo, out, err);
}

static int make(rn_gen *g, rn_err *err)
{
    rn_engine *engine;
    int rc = open_engine(g, g->budget, &engine, err);
    if (rc) return rc;
    const rn_engine_plan *plan = rn_engine_plan_of(engine);
    fprintf(stderr, "%s: %lld samples to make, %d in flight (%.1f MiB each), %d threads, %s\n",
            g->model_name, (long long)(g->n_total - g->n_had), plan->n_slots,
            (double)plan->slot_bytes / 1048576.0, plan->n_threads, rn_isa_name(g->model->isa));
    rn_engine_io io = {.next = next_job, .done = sample_done, .tick = after_step, .user = g};
    rc = rn_engine_run(engine, &io, err);
    rn_engine_close(engine);
    return rc;
}

static void report(const rn_gen *g)
{
    (void)g;
}

static void close_model(rn_gen *g)
{
    rn_model_close(g->model);
}

const rn_gen_maker rn_gen_local = {
    .open = open_model,
    .choose_chat = choose_wrapping,
    .take_prompt = take_prompt,
    .describe = describe,
    .drop_too_long = drop_too_long,
    .make = make,
    .report = report,
    .close = close_model,
};
