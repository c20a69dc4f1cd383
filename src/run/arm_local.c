/*
 * arm_local.c: samples of a GGUF model, from an engine in a thread of its own.
 *
 * The engine is given one job with every index that may ever be bought; its `start` callback lets a
 * sample begin for each purchase, and waits where nothing is in flight. The prompt is processed
 * once.
 */
#include "base/clock.h"
#include "base/rng.h"
#include "run/chat_template.h"
#include "run/arm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { LARGEST_CONTEXT = 48 << 10, SMALLEST_CONTEXT = 256 };

typedef struct local {
    rn_gguf *file;    /* header, and what ids are read with; NULL when the model came opened */
    rn_tok *tok;      /* of it */
    rn_ids ids;       /* the prompt */
    rn_model *opened; /* by the thread */
    const rn_model *model;
    uint32_t *idx; /* [n_idx] */
    rn_chat chat;
    rn_buf system; /* of the chat form */
    rn_engine *engine;
    bool given;
    bool prompt_charged; /* its time was added to a sample's */
} local;

/* ---- opening --------------------------------------------------------------------------------- */

static void name_of(const char *path, char *out, size_t cap)
{
    const char *base = strrchr(path, '/');
    snprintf(out, cap, "%s", base ? base + 1 : path);
    size_t n = strlen(out);
    if (n > 5 && strcasecmp(out + n - 5, ".gguf") == 0) out[n - 5] = '\0';
}

static int choose_chat(rn_solve_arm *a, const rn_gguf *file, rn_err *err)
{
    local *l = a->own;
    const char *want = a->o.model->chat ? a->o.model->chat : "auto";
    int rc = rn_chat_choose(file, want, a->o.model->chat_args, &l->chat, &l->system, err);
    if (rc) return rc;
    a->chat = l->chat != RN_CHAT_NONE;
    snprintf(a->how, sizeof a->how, "%s", rn_chat_name(l->chat));
    if (l->chat == RN_CHAT_TEMPLATE) { /* what was rendered is a condition of the samples */
        char sha[RN_SHA256_HEX];
        uint8_t digest[RN_SHA256_BYTES];
        rn_sha256_of(rn_buf_view(&l->system), digest);
        rn_sha256_hex(digest, sha);
        snprintf(a->how, sizeof a->how, "%s:%.16s", rn_chat_name(l->chat), sha);
    }
    return 0;
}

static int encode(rn_solve_arm *a, const rn_tok *tok, rn_bytes system, size_t max_bytes,
                  rn_err *err)
{
    local *l = a->own;
    rn_buf_clear(&a->prompt);
    l->ids.n = 0;
    int rc = a->o.prompt(a->o.user, a->chat, max_bytes, &a->prompt, err);
    if (rc) return rc;
    if (!rn_buf_ok(&a->prompt)) return rn_fail(err, RN_ENOMEM, "out of memory for a prompt");
    rn_bytes text = rn_buf_view(&a->prompt);
    return a->chat ? rn_chat_encode(l->chat, tok, system, text, &l->ids, err)
                   : rn_tok_encode(tok, text, RN_TOK_BOS, &l->ids, err);
}

/* The prompt with as much context as leaves room for an answer. */
static int fit_prompt(rn_solve_arm *a, const rn_tok *tok, const rn_hparams *hp, rn_bytes system,
                      rn_err *err)
{
    local *l = a->own;
    int64_t room = hp->n_ctx - a->o.sampling.max_tok;
    if (room < hp->n_ctx / 2) room = hp->n_ctx / 2;
    size_t before = SIZE_MAX;
    for (size_t max = LARGEST_CONTEXT;; max /= 2) {
        int rc = encode(a, tok, system, max, err);
        if (rc) return rc;
        if ((int64_t)l->ids.n <= room) break;
        if (max <= SMALLEST_CONTEXT || (a->prompt.len == before && before < max)) break;
        before = a->prompt.len;
    }
    if (l->ids.n == 0)
        return rn_fail(err, RN_EINVAL, "the prompt is empty and %s has no token to begin with",
                       a->name);
    if ((int64_t)l->ids.n >= hp->n_ctx)
        return rn_fail(err, RN_ELIMIT,
                       "the prompt of %zu tokens does not fit the context of %d of %s", l->ids.n,
                       hp->n_ctx, a->name);
    a->prompt_tok = (int64_t)l->ids.n;
    return 0;
}

static void free_local(rn_solve_arm *a)
{
    local *l = a->own;
    if (!l) return;
    rn_ids_free(&l->ids);
    rn_buf_free(&l->system);
    rn_tok_free(l->tok);
    rn_gguf_close(l->file);
    rn_model_close(l->opened);
    free(l->idx);
    free(l);
}

static void wake(rn_solve_arm *a)
{
    (void)a; /* the condition variable is all that it waits for */
}

static void *run(void *arm);

int rn_solve_arm_open_local(rn_solve_arm *a, rn_err *err)
{
    local *l = calloc(1, sizeof *l);
    if (!l) return rn_fail(err, RN_ENOMEM, "out of memory for a model");
    a->own = l;
    a->run = run;
    a->wake = wake;
    a->free_own = free_local;
    l->model = a->o.model->model;
    const char *path = l->model ? l->model->path : a->o.model->source;
    name_of(path, a->name, sizeof a->name);
    rn_hparams hp;
    int rc = 0;
    if (l->model) {
        hp = l->model->hp;
    } else {
        rc = rn_gguf_open(path, &l->file, err);
        if (!rc) rc = rn_hparams_read(l->file, &hp, err);
        if (!rc) rc = rn_tok_new(l->file, &l->tok, err);
    }
    if (!rc) rc = choose_chat(a, l->model ? l->model->file : l->file, err);
    if (!rc)
        rc = fit_prompt(a, l->model ? l->model->tok : l->tok, &hp, rn_buf_view(&l->system), err);
    if (rc) return rc;
    rn_hparams_shape(&hp, &a->shape);
    a->has_shape = true;
    if (a->chat) a->o.sampling.stop = NULL; /* it ends by its end token */
    return a->o.want_sha ? rn_sha256_file(path, a->sha, err) : 0;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static int give_job(void *user, rn_job *job, rn_err *err)
{
    (void)err;
    rn_solve_arm *a = user;
    local *l = a->own;
    if (l->given) return 0;
    l->given = true;
    *job = (rn_job){.prompt = l->ids.v,
                    .n_prompt = (int32_t)l->ids.n,
                    .bare = a->prompt.len == 0,
                    .stream = rn_rng_stream(a->prompt.data, a->prompt.len),
                    .idx = l->idx,
                    .n = a->n_idx,
                    .sampling = &a->o.sampling};
    return 1;
}

static int may_start(void *user, const rn_job *job, rn_err *err)
{
    (void)job;
    rn_solve_arm *a = user;
    pthread_mutex_lock(&a->lock);
    if (a->started == a->bought && a->started == a->ended && !a->stop) {
        rn_turn_give(a->o.turn);
        while (a->started == a->bought && !a->stop)
            pthread_cond_wait(&a->changed, &a->lock);
        pthread_mutex_unlock(&a->lock);
        rn_turn_take(a->o.turn);
        pthread_mutex_lock(&a->lock);
    }
    bool stop = a->stop, go = a->started < a->bought;
    if (!stop && go) a->started++;
    pthread_mutex_unlock(&a->lock);
    return stop ? rn_fail(err, RN_ECANCELLED, "stopped") : go;
}

static int sample_done(void *user, const rn_job *job, const rn_result *r, rn_err *err)
{
    rn_solve_arm *a = user;
    local *l = a->own;
    rn_event *e = rn_solve_arm_event(a, r->idx);
    if (!e) return rn_fail(err, RN_ENOMEM, "out of memory for a sample");
    e->sample = true;
    e->finish = rn_finish_name(r->finish);
    e->prompt_tok = job->n_prompt;
    e->gen_tok = r->n_tok;
    e->logprob = r->logprob;
    e->wall_ns = r->wall_ns;
    if (!l->prompt_charged) e->wall_ns += rn_engine_stats_of(l->engine)->prefill_ns;
    l->prompt_charged = true;
    if (r->text.len) rn_buf_add(&e->text, r->text.data, r->text.len);
    pthread_mutex_lock(&a->lock);
    a->ended++;
    pthread_mutex_unlock(&a->lock);
    rn_inbox_put(a->o.inbox, e);
    return 0;
}

static void sample_dropped(void *user, const rn_job *job, const rn_result *r)
{
    rn_solve_arm *a = user;
    a->rest.n_cancelled++;
    a->rest.gen_tok += r->n_tok;
    if (r->n_tok > 0) a->rest.flop += rn_flop_sample(&a->shape, job->n_prompt, r->n_tok);
}

static int after_step(void *user, const rn_engine_stats *s, rn_err *err)
{
    (void)s;
    rn_solve_arm *a = user;
    rn_turn_give(a->o.turn);
    rn_turn_take(a->o.turn);
    pthread_mutex_lock(&a->lock);
    bool stop = a->stop;
    pthread_mutex_unlock(&a->lock);
    return stop ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
}

static int need_model(rn_solve_arm *a, rn_err *err)
{
    local *l = a->own;
    if (l->model) return 0;
    rn_load_opts load = {.n_threads = a->o.threads};
    int rc = rn_model_load(a->o.model->source, &load, &l->opened, err);
    if (!rc) l->model = l->opened;
    return rc;
}

static int prepare(rn_solve_arm *a, rn_err *err)
{
    local *l = a->own;
    l->idx = calloc((size_t)a->n_idx, sizeof *l->idx);
    if (!l->idx) return rn_fail(err, RN_ENOMEM, "out of memory for a list of samples");
    for (int64_t i = 0; i < a->n_idx; i++)
        l->idx[i] = (uint32_t)a->idx[i];
    int rc = need_model(a, err);
    if (rc) return rc;
    rn_engine_opts eo = {.n_threads = a->o.threads,
                         .n_slots = a->o.width,
                         .memory_bytes = a->o.memory_bytes,
                         .max_prompt_tok = a->prompt_tok,
                         .max_new_tok = a->o.sampling.max_tok};
    return rn_engine_open(l->model, &eo, &l->engine, err);
}

static void *run(void *arm)
{
    rn_solve_arm *a = arm;
    local *l = a->own;
    rn_err err = {0};
    int rc = prepare(a, &err);
    if (!rc) {
        const rn_engine_io io = {.next = give_job,
                                 .done = sample_done,
                                 .tick = after_step,
                                 .start = may_start,
                                 .dropped = sample_dropped,
                                 .user = a};
        rn_turn_take(a->o.turn);
        rc = rn_engine_run(l->engine, &io, &err);
        rn_turn_give(a->o.turn);
        const rn_engine_stats *s = rn_engine_stats_of(l->engine);
        a->rest.seconds = (double)(s->prefill_ns + s->decode_ns) * 1e-9;
    }
    rn_engine_close(l->engine);
    l->engine = NULL;
    if (rc && rc != RN_ECANCELLED) rn_solve_arm_die(a, &err);
    return NULL;
}

/* ---- scoring --------------------------------------------------------------------------------- */

typedef struct stopper {
    int (*should_stop)(void *user);
    void *user;
} stopper;

static int after_pass(void *user, rn_err *err)
{
    const stopper *s = user;
    return s->should_stop && s->should_stop(s->user) ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
}

int rn_solve_arm_score(rn_solve_arm *a, rn_nll_text *texts, int64_t n,
                       int (*should_stop)(void *user), void *user, rn_err *err)
{
    local *l = a->own;
    int rc = need_model(a, err);
    if (rc) return rc;
    stopper s = {.should_stop = should_stop, .user = user};
    const rn_nll_io io = {.tick = after_pass, .user = &s};
    const rn_engine_opts eo = {.n_threads = a->o.threads, .memory_bytes = a->o.memory_bytes};
    return rn_nll_score(l->model, &eo, &l->ids, a->prompt.len == 0, texts, n, &io, err);
}
