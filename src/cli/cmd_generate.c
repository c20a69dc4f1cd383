/*
 * cmd_generate.c: `ration generate`: samples n programs per problem into the store.
 *
 * A run in the store is (set, model, preset, settings); settings hold all that a sample depends on
 * (seed, temperature, ..., kernel set, hash of all prompts), not n and not how many slots or
 * threads there were. What the store holds already is not made again, so that the same command
 * continues after any end.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/model_opts.h"
#include "cost/paper.h"
#include "model/chat.h"
#include "model/sampler.h"
#include "store/store.h"
#include "task/prompt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_NOT_GIVEN = -1000000 };

typedef struct options {
    rn_model_opts model;
    const char *set, *store, *preset, *chat, *problems, *data, *name, *cost;
    int64_t n, max_tok, top_k, seed;
    double temperature, top_p, min_p;
    bool greedy;
} options;

/* One problem of the run. */
typedef struct work {
    int64_t problem_id;
    const char *task_id;
    rn_ids prompt;
    uint64_t stream;
    uint32_t *missing; /* [n_missing] sample indices that the store does not hold */
    int64_t n_missing;
    bool chosen, bare;
} work;

typedef struct gen {
    const rn_command *cmd;
    options *o; /* n is filled in when the model is known */
    rn_taskset *set;
    const rn_preset *preset;
    rn_model *model;
    rn_shape shape;
    rn_chat chat;
    rn_bytes system; /* of the chat template */
    rn_sampling sampling;
    char prompts_sha[RN_SHA256_HEX], model_sha[RN_SHA256_HEX];
    rn_store *store;
    int64_t run_id;
    work *work; /* [set->n] */
    size_t next;
    int64_t n_total, n_had, n_done, n_tok;
    int64_t n_too_long;
    rn_progress progress;
} gen;

/* ---- what is wanted -------------------------------------------------------------------------- */

/* Marks the problems of "0-9,12,20-40/4": places in the set, from 0; /4: every fourth of these. */
static int choose_problems(gen *g, const char *ranges, rn_err *err)
{
    if (!ranges) {
        for (size_t i = 0; i < g->set->n; i++)
            g->work[i].chosen = true;
        return 0;
    }
    for (const char *p = ranges; *p;) {
        char *end;
        unsigned long long a = strtoull(p, &end, 10), b = a, step = 1;
        bool ok = end != p && *p >= '0' && *p <= '9';
        if (ok && *end == '-') {
            p = end + 1;
            b = strtoull(p, &end, 10);
            ok = end != p && *p >= '0' && *p <= '9';
        }
        if (ok && *end == '/') {
            p = end + 1;
            step = strtoull(p, &end, 10);
            ok = end != p && *p >= '1' && *p <= '9';
        }
        if (!ok || a > b || (*end != ',' && *end != '\0'))
            return rn_fail(err, RN_EINVAL,
                           "--problems '%s': write places in the set, e.g. 0-9,12 or 0-99/4",
                           ranges);
        if (b >= g->set->n)
            return rn_fail(err, RN_EINVAL, "--problems '%s': %s has problems 0 to %zu", ranges,
                           g->set->name, g->set->n - 1);
        for (unsigned long long i = a; i <= b; i += step > b ? b + 1 : step)
            g->work[i].chosen = true;
        p = *end ? end + 1 : end;
    }
    return 0;
}

static int choose_preset(gen *g, rn_err *err)
{
    const char *name = g->o->preset ? rn_paper_prompt(g->o->preset) : g->set->preset;
    g->preset = rn_preset_find(name);
    if (g->preset) return 0;
    rn_buf known = {0};
    for (size_t i = 0; rn_preset_at(i); i++)
        rn_buf_printf(&known, "%s%s", i ? ", " : "", rn_preset_at(i)->name);
    for (size_t i = 0; rn_paper_at(i); i++)
        if (!rn_preset_find(rn_paper_at(i)->name))
            rn_buf_printf(&known, ", %s", rn_paper_at(i)->name);
    int rc = rn_fail(err, RN_EINVAL, "no prompt preset '%s'; there are %s", name,
                     known.data ? known.data : "none");
    rn_buf_free(&known);
    return rc;
}

/* How many samples a problem gets: -n, or what the study made with a model of this size, or one. */
static int choose_n(gen *g, rn_err *err)
{
    options *o = g->o;
    if (o->n != N_NOT_GIVEN) return 0;
    const rn_paper *paper = o->greedy ? NULL : rn_paper_find(o->preset);
    o->n = paper ? rn_paper_n(paper, &g->shape) : 1;
    if (o->n) return 0;
    return rn_fail(err, RN_EINVAL,
                   "%s takes its number of samples from the model's size, which is not known; "
                   "give -n N",
                   paper->name);
}

static int choose_chat(gen *g, rn_err *err)
{
    const char *want = g->o->chat ? g->o->chat : g->preset->chat ? "auto" : "none";
    rn_chat found = RN_CHAT_NONE;
    rn_bytes system = {0};
    int rc = rn_chat_detect(g->model->file, &found, &system, err);
    if (strcmp(want, "auto") != 0) {
        int bad = rn_chat_parse(want, &g->chat, err);
        if (!bad && !rc && g->chat == found) g->system = system;
        return bad;
    }
    if (rc) return rc;
    g->chat = found;
    g->system = system;
    if (found != RN_CHAT_NONE) return 0;
    return rn_fail(
        err, RN_EINVAL,
        "%s has no chat template and the prompt is a message; name its form with --chat or "
        "take another --preset",
        g->model->path);
}

static void choose_sampling(gen *g)
{
    const options *o = g->o;
    g->sampling = (rn_sampling){
        .temperature = !isnan(o->temperature) ? o->temperature : g->preset->temperature,
        .top_k = o->top_k,
        .top_p = !isnan(o->top_p) ? o->top_p : g->preset->top_p,
        .min_p = o->min_p,
        .seed = (uint64_t)o->seed,
        .max_tok = o->max_tok > 0 ? o->max_tok : g->preset->max_new_tok,
        /* A chat answer ends by its end token; code in it may hold any stop string. */
        .stop = g->chat == RN_CHAT_NONE || g->preset->chat ? g->preset->stop : NULL,
    };
    if (o->greedy) {
        g->sampling.temperature = 0;
        g->sampling.top_p = 1;
    }
}

/* The prompt of problem i as text and as tokens; its text also goes into the hash over all. */
static int build_prompt(gen *g, size_t i, rn_sha256 *hash, rn_buf *text, rn_err *err)
{
    work *w = &g->work[i];
    const rn_problem *p = &g->set->problems[i];
    rn_buf_clear(text);
    int rc = rn_prompt_build(g->preset, g->set, p, text, err);
    if (rc) return rc;
    if (!rn_buf_ok(text)) return rn_fail(err, RN_ENOMEM, "out of memory for a prompt");
    rn_bytes view = rn_buf_view(text);
    rn_sha256_add(hash, view.data, view.len);
    rn_sha256_add(hash, "", 1);
    if (!w->chosen) return 0;
    w->task_id = p->task_id;
    w->bare = view.len == 0;
    w->stream = rn_rng_stream(view.data, view.len);
    if (g->chat == RN_CHAT_NONE)
        rc = rn_tok_encode(g->model->tok, view, RN_TOK_BOS, &w->prompt, err);
    else
        rc = rn_chat_encode(g->chat, g->model->tok, g->system, view, &w->prompt, err);
    if (rc) return rn_err_prefix(err, "prompt of %s", p->task_id);
    if (w->prompt.n == 0)
        return rn_fail(err, RN_EINVAL,
                       "the prompt of %s is empty and the model has no token to begin with",
                       p->task_id);
    return 0;
}

static int build_prompts(gen *g, rn_err *err)
{
    rn_sha256 *hash = rn_sha256_new();
    rn_buf text = {0};
    int rc = hash ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for hashing");
    for (size_t i = 0; !rc && i < g->set->n; i++)
        rc = build_prompt(g, i, hash, &text, err);
    if (!rc) {
        uint8_t digest[RN_SHA256_BYTES];
        rn_sha256_done(hash, digest);
        rn_sha256_hex(digest, g->prompts_sha);
    }
    rn_sha256_free(hash);
    rn_buf_free(&text);
    return rc;
}

/* ---- the run in the store -------------------------------------------------------------------- */

static char *settings_json(const gen *g)
{
    const rn_sampling *s = &g->sampling;
    rn_kv_type kv = RN_KV_F16;
    rn_parse_kv(g->o->model.kv, &kv, NULL);
    json_t *j =
        json_pack("{s:s, s:s, s:f, s:I, s:s, s:s, s:s, s:s}", "source", "ration generate",
                  "version", rn_version(), "temperature", s->temperature, "max_tokens",
                  (json_int_t)s->max_tok, "chat", rn_chat_name(g->chat), "kv", rn_kv_name(kv),
                  "kernels", rn_isa_name(g->model->isa), "prompts_sha256", g->prompts_sha);
    json_t *stop = json_array();
    for (size_t i = 0; s->stop && s->stop[i]; i++)
        json_array_append_new(stop, json_string(s->stop[i]));
    json_object_set_new(j, "stop", stop);
    if (g->system.len)
        json_object_set_new(j, "system", json_stringn(g->system.data, g->system.len));
    if (!g->o->greedy) {
        json_object_set_new(j, "top_p", json_real(s->top_p));
        json_object_set_new(j, "top_k", json_integer(s->top_k));
        json_object_set_new(j, "min_p", json_real(s->min_p));
        json_object_set_new(j, "seed", json_integer((json_int_t)s->seed));
    }
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(j);
    return text;
}

static int open_run(gen *g, rn_err *err)
{
    int64_t set_id, model_id;
    rn_store_set set = {.name = g->set->name, .hash = g->set->hash};
    int rc = rn_store_put_set(g->store, &set, &set_id, err);
    for (size_t i = 0; !rc && i < g->set->n; i++) {
        rn_store_problem p = {.set_id = set_id,
                              .ord = (int64_t)i,
                              .task_id = g->set->problems[i].task_id,
                              .prompt = g->set->problems[i].prompt,
                              .prompt_tok = -1};
        rc = rn_store_put_problem(g->store, &p, &g->work[i].problem_id, err);
    }
    if (rc) return rc;
    rn_store_model model = {.name = g->o->name ? g->o->name : rn_model_opts_name(g->o->model.path),
                            .file_sha = g->model_sha,
                            .cost = g->o->cost ? g->o->cost : ""};
    if ((rc = rn_store_put_model(g->store, &model, &model_id, err))) return rc;
    char *settings = settings_json(g);
    if (!settings) return rn_fail(err, RN_ENOMEM, "out of memory for the settings");
    rn_store_run run = {.set_id = set_id,
                        .model_id = model_id,
                        .kind = g->o->greedy ? "greedy" : "sample",
                        .preset = g->preset->name,
                        .settings = settings};
    rc = rn_store_put_run(g->store, &run, &g->run_id, err);
    free(settings);
    return rc;
}

typedef struct seen {
    gen *g;
    uint8_t *have; /* [set->n, n] */
} seen;

static int mark_seen(void *user, const rn_store_sample_row *r)
{
    seen *s = user;
    gen *g = s->g;
    if (r->ord >= 0 && (size_t)r->ord < g->set->n && r->x.idx >= 0 && r->x.idx < g->o->n)
        s->have[(size_t)r->ord * (size_t)g->o->n + (size_t)r->x.idx] = 1;
    return 0;
}

/* Lists the samples that are still to be made. */
static int list_missing(gen *g, rn_err *err)
{
    size_t n = (size_t)g->o->n;
    seen s = {.g = g, .have = calloc(g->set->n * n, 1)};
    if (!s.have) return rn_fail(err, RN_ENOMEM, "out of memory for a list of samples");
    int rc = rn_store_each_sample(g->store, g->run_id, 0, false, mark_seen, &s, err);
    for (size_t i = 0; !rc && i < g->set->n; i++) {
        work *w = &g->work[i];
        if (!w->chosen) continue;
        g->n_total += g->o->n;
        w->missing = calloc(n, sizeof *w->missing);
        if (!w->missing) {
            rc = rn_fail(err, RN_ENOMEM, "out of memory for a list of samples");
            break;
        }
        for (size_t k = 0; k < n; k++)
            if (!s.have[i * n + k]) w->missing[w->n_missing++] = (uint32_t)k;
        g->n_had += g->o->n - w->n_missing;
    }
    free(s.have);
    return rc;
}

/* A prompt that leaves no room for an answer is left out, and said so. */
static void drop_too_long(gen *g)
{
    for (size_t i = 0; i < g->set->n; i++) {
        work *w = &g->work[i];
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
    gen *g = user;
    while (g->next < g->set->n && g->work[g->next].n_missing == 0)
        g->next++;
    if (g->next == g->set->n) return 0;
    /* A long prompt follows: what is finished must not wait for it. */
    int rc = rn_store_commit(g->store, err);
    if (!rc) rc = rn_store_begin(g->store, err);
    if (rc) return rc;
    const work *w = &g->work[g->next++];
    *job = (rn_job){
        .prompt = w->prompt.v,
        .n_prompt = (int32_t)w->prompt.n,
        .bare = w->bare,
        .stream = w->stream,
        .idx = w->missing,
        .n = w->n_missing,
        .sampling = &g->sampling,
        .user = (void *)w,
    };
    return 1;
}

static int sample_done(void *user, const rn_job *job, const rn_result *r, rn_err *err)
{
    gen *g = user;
    const work *w = job->user;
    rn_store_sample x = {
        .run_id = g->run_id,
        .problem_id = w->problem_id,
        .idx = r->idx,
        .text = r->text,
        .prompt_tok = job->n_prompt,
        .gen_tok = r->n_tok,
        .finish = rn_finish_name(r->finish),
        .logprob = r->logprob,
        .wall_ns = r->wall_ns,
        .flop = rn_flop_sample(&g->shape, job->n_prompt, r->n_tok) +
                rn_flop_prompt(&g->shape, job->n_prompt) / (double)g->o->n,
    };
    int64_t id;
    g->n_done++;
    g->n_tok += r->n_tok;
    return rn_store_put_sample(g->store, &x, &id, NULL, err);
}

static int after_step(void *user, const rn_engine_stats *s, rn_err *err)
{
    gen *g = user;
    int rc = rn_store_tick(g->store, err);
    if (rc) return rc;
    char extra[96];
    double seconds = (double)(rn_now_ns() - g->progress.start_ns) * 1e-9;
    snprintf(extra, sizeof extra, "%.1f tok/s, %d in flight",
             seconds > 0 ? (double)s->n_new_tok / seconds : 0, s->n_active);
    rn_progress_set(&g->progress, g->n_done, extra);
    return rn_interrupted ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
}

static int open_engine(gen *g, size_t budget, rn_engine **out, rn_err *err)
{
    rn_engine_opts eo;
    int rc = rn_model_opts_engine(&g->o->model, budget, &eo, err);
    if (rc) return rc;
    eo.max_new_tok = g->sampling.max_tok;
    int64_t most = 0;
    for (size_t i = 0; i < g->set->n; i++) {
        const work *w = &g->work[i];
        if (w->n_missing > most) most = w->n_missing;
        if (w->n_missing && (int64_t)w->prompt.n > eo.max_prompt_tok)
            eo.max_prompt_tok = (int64_t)w->prompt.n;
    }
    if (eo.n_slots == 0 && g->n_total - g->n_had < RN_ENGINE_SLOTS)
        eo.n_slots = (int32_t)(g->n_total - g->n_had);
    return rn_engine_open(g->model, &eo, out, err);
}

static int make_samples(gen *g, size_t budget, rn_err *err)
{
    rn_engine *engine;
    int rc = open_engine(g, budget, &engine, err);
    if (rc) return rc;
    const rn_engine_plan *plan = rn_engine_plan_of(engine);
    fprintf(stderr, "%s: %lld samples to make, %d in flight (%.1f MiB each), %d threads, %s\n",
            rn_model_opts_name(g->o->model.path), (long long)(g->n_total - g->n_had), plan->n_slots,
            (double)plan->slot_bytes / 1048576.0, plan->n_threads, rn_isa_name(g->model->isa));
    rn_engine_io io = {.next = next_job, .done = sample_done, .tick = after_step, .user = g};
    rn_progress_start(&g->progress, "generate", "samples", g->n_total - g->n_had);
    rc = rn_store_begin(g->store, err);
    if (!rc) rc = rn_engine_run(engine, &io, err);
    rn_err late;
    int rc2 = rn_store_commit(g->store, &late); /* also after an error: finished is finished */
    if (!rc && rc2) {
        rc = rc2;
        if (err) *err = late;
    }
    rn_progress_end(&g->progress);
    rn_engine_close(engine);
    return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int check_options(const rn_command *cmd, const options *o)
{
    int rc = rn_model_opts_check(cmd, &o->model);
    if (rc >= 0) return rc;
    if (!o->set)
        return rn_opt_usage(cmd, "give a problem set with -t SET, e.g. -t humaneval, or a --preset "
                                 "of the study");
    if (!o->store)
        return rn_opt_usage(cmd, "give a store with -s FILE; it is made if there is none");
    if (o->n != N_NOT_GIVEN && (o->n < 1 || o->n > 100000))
        return rn_opt_usage(cmd, "-n is %lld; give 1 to 100000 samples", (long long)o->n);
    if (o->greedy && o->n != 1 && o->n != N_NOT_GIVEN)
        return rn_opt_usage(cmd, "--greedy makes one sample a problem; leave -n out");
    rn_sampling s;
    rn_sampling_init(&s);
    if (!isnan(o->temperature)) s.temperature = o->temperature;
    if (!isnan(o->top_p)) s.top_p = o->top_p;
    if (o->max_tok) s.max_tok = o->max_tok;
    s.top_k = o->top_k;
    s.min_p = o->min_p;
    rn_err err;
    if (rn_sampling_check(&s, &err)) return rn_opt_usage(cmd, "%s", err.msg);
    return -1;
}

static int prepare(gen *g, size_t *budget, rn_err *err)
{
    const options *o = g->o;
    int rc = rn_taskset_open(o->set, rn_opt_data_dir(o->data), &g->set, err);
    if (rc) return rc;
    g->work = calloc(g->set->n, sizeof *g->work);
    if (!g->work) return rn_fail(err, RN_ENOMEM, "out of memory for %zu problems", g->set->n);
    if ((rc = choose_preset(g, err))) return rc;
    if ((rc = choose_problems(g, o->problems, err))) return rc;
    /* The store first: one that is busy should be known before a large model is read. */
    if ((rc = rn_store_open(o->store, RN_STORE_CREATE, &g->store, err))) return rc;
    if ((rc = rn_model_opts_load(&o->model, &g->model, budget, err))) return rc;
    if ((rc = rn_sha256_file(o->model.path, g->model_sha, err))) return rc;
    rn_model_shape(g->model, &g->shape);
    if ((rc = choose_n(g, err))) return rc;
    if ((rc = choose_chat(g, err))) return rc;
    choose_sampling(g);
    if ((rc = rn_sampling_check(&g->sampling, err))) return rc;
    if ((rc = build_prompts(g, err))) return rc;
    if ((rc = rn_store_begin(g->store, err))) return rc;
    if ((rc = open_run(g, err))) return rc;
    if ((rc = rn_store_commit(g->store, err))) return rc;
    if ((rc = list_missing(g, err))) return rc;
    drop_too_long(g);
    return 0;
}

static void print_result(const gen *g, int64_t ns)
{
    double s = (double)ns * 1e-9;
    printf("run %lld: %lld of %lld samples (%lld made now, %lld tokens, %.1f s, %.1f tok/s)\n",
           (long long)g->run_id, (long long)(g->n_had + g->n_done), (long long)g->n_total,
           (long long)g->n_done, (long long)g->n_tok, s, s > 0 ? (double)g->n_tok / s : 0);
}

static void free_gen(gen *g)
{
    for (size_t i = 0; g->work && i < g->set->n; i++) {
        rn_ids_free(&g->work[i].prompt);
        free(g->work[i].missing);
    }
    free(g->work);
    rn_model_close(g->model);
    rn_store_close(g->store);
    rn_taskset_free(g->set);
}

int rn_cmd_generate(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("generate");
    options o = {.n = N_NOT_GIVEN, .temperature = NAN, .top_p = NAN}; /* NAN: not given */
    const rn_opt table[] = {
        RN_MODEL_OPTIONS(&o.model),
        RN_OPT_STR('t', "set", &o.set, "SET", "problem set: a known name or a file"),
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file; made if there is none"),
        RN_OPT_INT('n', "samples", &o.n, "N", "samples per problem (default 1, or the --preset's)"),
        RN_OPT_FLAG(0, "greedy", &o.greedy, "the likeliest token each time; one sample a problem"),
        RN_OPT_REAL(0, "temperature", &o.temperature, "T", "default: the preset's"),
        RN_OPT_REAL(0, "top-p", &o.top_p, "P", "in (0, 1]; default: the preset's"),
        RN_OPT_INT(0, "top-k", &o.top_k, "K", "default 0: all tokens"),
        RN_OPT_REAL(0, "min-p", &o.min_p, "P", "default 0: all tokens"),
        RN_OPT_INT(0, "seed", &o.seed, "N", "default 0"),
        RN_OPT_INT(0, "max-tokens", &o.max_tok, "N", "new tokens a sample; default: the preset's"),
        RN_OPT_STR(
            0, "preset", &o.preset, "NAME",
            "prompt preset (default: the set's), or the study's settings: paper-humaneval, ..."),
        RN_OPT_STR(0, "chat", &o.chat, "FORM",
                   "wrapping for instruct models: auto, none, chatml, ..."),
        RN_OPT_STR(0, "problems", &o.problems, "RANGE", "places in the set, e.g. 0-9,12 or 0-99/4"),
        RN_OPT_STR(0, "name", &o.name, "NAME",
                   "the model's name in the store; default: the file's"),
        RN_OPT_STR(0, "cost", &o.cost, "NAME", "entry of the cost tables that prices the model"),
        RN_OPT_STR(0, "data", &o.data, "DIR", "where problem sets lie"),
        RN_OPT_END};
    int first,
        rc = rn_opt_parse(cmd,
                          "Samples programs from a model into the store. Samples that it holds "
                          "already are kept; after an interruption run the same command again.",
                          table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    const rn_paper *paper = rn_paper_find(o.preset);
    if (paper && !o.set) o.set = paper->set;
    if ((rc = check_options(cmd, &o)) >= 0) return rc;

    gen g = {.cmd = cmd, .o = &o};
    rn_err err = {0};
    size_t budget = 0;
    rn_opt_catch_signals();
    int64_t command_id = 0, t0 = 0;
    rc = prepare(&g, &budget, &err);
    if (!rc) rc = rn_store_log_begin(g.store, cmd->name, argc, argv, &command_id, &err);
    if (!rc) {
        t0 = rn_now_ns();
        if (g.n_had + g.n_too_long * o.n < g.n_total) rc = make_samples(&g, budget, &err);
    }
    int status = RN_EXIT_DONE;
    if (rc && rc != RN_ECANCELLED)
        status = rn_opt_failure(cmd, &err);
    else
        print_result(&g, rn_now_ns() - t0);
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration generate: stopped; the same command continues\n");
        status = RN_EXIT_MISSING;
    }
    if (status == RN_EXIT_DONE && g.n_had + g.n_done < g.n_total) status = RN_EXIT_MISSING;
    if (command_id) rn_store_log_end(g.store, command_id, status, NULL);
    free_gen(&g);
    return status;
}
