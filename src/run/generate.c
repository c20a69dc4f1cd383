/*
 * generate.c: samples n programs per problem into the store.
 *
 * A run in the store is (set, model, preset, settings); settings hold all that a sample depends on
 * (seed, temperature, ..., kernel set or server, hash of all prompts), not n and not how many slots,
 * threads or requests there were. What the store holds already is not made again, so that the same
 * command continues after any end.
 */
#include "run/generate.h"

#include "base/clock.h"
#include "base/rng.h"
#include "cost/paper.h"
#include "model/sampler.h"
#include "run/stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what is wanted -------------------------------------------------------------------------- */

/* Marks the problems of "0-9,12,20-40/4": places in the set, from 0; /4: every fourth of these. */
static int choose_problems(rn_gen *g, const char *ranges, rn_err *err)
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

static int choose_preset(rn_gen *g, rn_err *err)
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
static int choose_n(rn_gen *g, rn_err *err)
{
    rn_gen_opts *o = g->o;
    if (o->n != RN_GEN_N_NOT_GIVEN) return 0;
    const rn_paper *paper = o->greedy ? NULL : rn_paper_find(o->preset);
    o->n = paper ? rn_paper_n(paper, &g->shape) : 1;
    if (o->n) return 0;
    return rn_fail(err, RN_EINVAL,
                   "%s takes its number of samples from the model's size, which is not known; "
                   "give -n N",
                   paper->name);
}

static void choose_sampling(rn_gen *g)
{
    const rn_gen_opts *o = g->o;
    g->sampling = (rn_sampling){
        .temperature = !isnan(o->temperature) ? o->temperature : g->preset->temperature,
        .top_k = o->top_k,
        .top_p = !isnan(o->top_p) ? o->top_p : g->preset->top_p,
        .min_p = o->min_p,
        .seed = (uint64_t)o->seed,
        .max_tok = o->max_tok != RN_GEN_N_NOT_GIVEN ? o->max_tok : g->preset->max_new_tok,
        /* A chat answer ends by its end token; code in it may hold any stop string. */
        .stop = !g->wrapped || g->preset->chat ? g->preset->stop : NULL,
    };
    if (o->greedy) {
        g->sampling.temperature = 0;
        g->sampling.top_p = 1;
    }
}

/* The prompt of problem i as text and as tokens; its text also goes into the hash over all. */
static int build_prompt(rn_gen *g, size_t i, rn_sha256 *hash, rn_buf *text, rn_err *err)
{
    rn_gen_work *w = &g->work[i];
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
    w->stream = rn_rng_stream(view.data, view.len);
    rc = g->maker->take_prompt(g, w, view, err);
    return rc ? rn_err_prefix(err, "prompt of %s", p->task_id) : 0;
}

static int build_prompts(rn_gen *g, rn_err *err)
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

static char *settings_json(const rn_gen *g)
{
    const rn_sampling *s = &g->sampling;
    json_t *j =
        json_pack("{s:s, s:s, s:f, s:I, s:s, s:s}", "source", "ration generate", "version",
                  rn_version(), "temperature", s->temperature, "max_tokens", (json_int_t)s->max_tok,
                  "chat", g->chat_name, "prompts_sha256", g->prompts_sha);
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
    g->maker->describe(g, j);
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(j);
    return text;
}

/* What settings hold beside the conditions of a sample. */
static bool is_provenance(const char *key)
{
    return strcmp(key, "source") == 0 || strcmp(key, "version") == 0 || strcmp(key, "server") == 0;
}

static bool is_in(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0) return true;
    return false;
}

/* Whether a run with the settings `have` is what is wanted, but for what a server decided. */
static bool is_wanted(const json_t *want, const json_t *have)
{
    const char *key;
    json_t *w;
    json_object_foreach((json_t *)(uintptr_t)want, key, w)
    {
        const json_t *h = json_object_get(have, key);
        if (is_provenance(key) || is_in(json_object_get(have, "server_decides"), key)) continue;
        bool numbers = json_is_number(w) && json_is_number(h);
        if (numbers ? json_number_value(w) != json_number_value(h) : !json_equal(w, h))
            return false;
    }
    json_object_foreach((json_t *)(uintptr_t)have, key, w)
    {
        bool known = is_provenance(key) || strcmp(key, "server_decides") == 0;
        if (!known && !json_object_get(want, key)) return false;
    }
    return true;
}

typedef struct looking {
    const rn_gen *g;
    json_t *want;
    int64_t run_id, n_samples; /* the largest that fits; 0 none */
} looking;

static int look_at_run(void *user, const rn_run_info *r)
{
    looking *l = user;
    const rn_gen *g = l->g;
    const char *kind = g->o->greedy ? "greedy" : "sample";
    const char *model = g->o->name ? g->o->name : g->model_name;
    if (strcmp(r->kind, kind) != 0 || strcmp(r->model, model) != 0) return 0;
    if (strcmp(r->set, g->set->name) != 0 || r->n_samples <= l->n_samples) return 0;
    json_t *have = r->settings ? json_loads(r->settings, 0, NULL) : NULL;
    if (json_is_object(have) && is_wanted(l->want, have)) {
        l->run_id = r->run_id;
        l->n_samples = r->n_samples;
    }
    json_decref(have);
    return 0;
}

static char *settings_json(const rn_gen *g);
static int list_missing(rn_gen *g, rn_err *err);

/* A stored run that has all that is asked for: *all, and nobody need be asked. */
static int find_whole_run(rn_gen *g, bool *all, rn_err *err)
{
    char *settings = settings_json(g);
    looking l = {.g = g, .want = settings ? json_loads(settings, 0, NULL) : NULL};
    free(settings);
    if (!l.want) return rn_fail(err, RN_ENOMEM, "out of memory for the settings");
    int rc = rn_store_runs(g->store, look_at_run, &l, err);
    json_decref(l.want);
    if (rc || !l.run_id) return rc;
    g->run_id = l.run_id;
    if ((rc = list_missing(g, err))) return rc;
    *all = g->n_had == g->n_total;
    return 0;
}

static int open_run(rn_gen *g, rn_err *err)
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
    rn_store_model model = {.name = g->o->name ? g->o->name : g->model_name,
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
    rn_gen *g;
    uint8_t *have; /* [set->n, n] */
} seen;

static int mark_seen(void *user, const rn_store_sample_row *r)
{
    seen *s = user;
    rn_gen *g = s->g;
    const rn_problem *p = rn_taskset_find(g->set, r->task_id);
    if (p && r->x.idx >= 0 && r->x.idx < g->o->n)
        s->have[(size_t)(p - g->set->problems) * (size_t)g->o->n + (size_t)r->x.idx] = 1;
    return 0;
}

/* Lists the samples that are still to be made. */
static int list_missing(rn_gen *g, rn_err *err)
{
    size_t n = (size_t)g->o->n;
    seen s = {.g = g, .have = calloc(g->set->n * n, 1)};
    if (!s.have) return rn_fail(err, RN_ENOMEM, "out of memory for a list of samples");
    int rc = rn_store_each_sample(g->store, g->run_id, 0, false, mark_seen, &s, err);
    g->n_total = g->n_had = 0;
    for (size_t i = 0; !rc && i < g->set->n; i++) {
        rn_gen_work *w = &g->work[i];
        if (!w->chosen) continue;
        g->n_total += g->o->n;
        free(w->missing);
        w->n_missing = 0;
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

/* ---- what makers call ------------------------------------------------------------------------ */

int rn_gen_put(rn_gen *g, rn_gen_work *w, rn_store_sample *x, rn_err *err)
{
    x->run_id = g->run_id;
    x->problem_id = w->problem_id;
    bool counted = g->shape.n_layer > 0 && x->prompt_tok > 0 && x->gen_tok >= 0;
    x->flop = counted ? rn_flop_sample(&g->shape, x->prompt_tok, x->gen_tok) +
                            rn_flop_prompt(&g->shape, x->prompt_tok) / (double)g->o->n
                      : NAN;
    uint64_t hash = rn_rng_stream(x->text.data, x->text.len);
    if (w->n_made++ == 0) w->text_hash = hash;
    w->differ |= hash != w->text_hash;
    int64_t id;
    g->n_done++;
    if (x->gen_tok > 0) g->n_tok += x->gen_tok;
    return rn_store_put_sample(g->store, x, &id, NULL, err);
}

int rn_gen_next(rn_gen *g, rn_gen_work **w, rn_err *err)
{
    while (g->next < g->set->n && g->work[g->next].n_missing == 0)
        g->next++;
    if (g->next == g->set->n) return 0;
    int rc = rn_store_commit(g->store, err);
    if (!rc) rc = rn_store_begin(g->store, err);
    if (rc) return rc;
    *w = &g->work[g->next++];
    return 1;
}

int rn_gen_tick(rn_gen *g, int64_t n_new_tok, int64_t n_in_flight, rn_err *err)
{
    int rc = rn_store_tick(g->store, err);
    if (rc) return rc;
    char extra[96];
    double seconds = (double)(rn_now_ns() - g->progress.start_ns) * 1e-9;
    snprintf(extra, sizeof extra, "%.1f tok/s, %lld in flight",
             seconds > 0 ? (double)n_new_tok / seconds : 0, (long long)n_in_flight);
    rn_progress_set(&g->progress, g->n_done, extra);
    return rn_interrupted ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
}

int rn_gen_make(rn_gen *g, rn_err *err)
{
    rn_progress_start(&g->progress, "generate", "samples", g->n_total - g->n_had);
    int rc = rn_store_begin(g->store, err);
    if (!rc) rc = g->maker->make(g, err);
    rn_err late;
    int rc2 = rn_store_commit(g->store, &late); /* also after an error: finished is finished */
    if (!rc && rc2) {
        rc = rc2;
        if (err) *err = late;
    }
    rn_progress_end(&g->progress);
    return rc;
}

int rn_gen_prepare(rn_gen *g, rn_err *err)
{
    const rn_gen_opts *o = g->o;
    int rc = rn_taskset_open(o->set, rn_data_dir(o->data), &g->set, err);
    if (rc) return rc;
    g->work = calloc(g->set->n, sizeof *g->work);
    if (!g->work) return rn_fail(err, RN_ENOMEM, "out of memory for %zu problems", g->set->n);
    if ((rc = choose_preset(g, err))) return rc;
    if ((rc = choose_problems(g, o->problems, err))) return rc;
    /* The store first: one that is busy should be known before a large model is read. */
    if ((rc = rn_store_open(o->store, RN_STORE_CREATE, &g->store, err))) return rc;
    if ((rc = g->maker->open(g, err))) return rc;
    if ((rc = choose_n(g, err))) return rc;
    if ((rc = g->maker->choose_chat(g, err))) return rc;
    choose_sampling(g);
    if ((rc = rn_sampling_check(&g->sampling, err))) return rc;
    if ((rc = build_prompts(g, err))) return rc;
    bool all = false;
    if (g->maker->settle) {
        if ((rc = find_whole_run(g, &all, err)) || all) return rc;
        if ((rc = g->maker->settle(g, err))) return rc;
    }
    if ((rc = rn_store_begin(g->store, err))) return rc;
    if ((rc = open_run(g, err))) return rc;
    if ((rc = rn_store_commit(g->store, err))) return rc;
    if ((rc = list_missing(g, err))) return rc;
    g->maker->drop_too_long(g);
    return 0;
}

void rn_gen_free(rn_gen *g)
{
    for (size_t i = 0; g->work && i < g->set->n; i++) {
        rn_ids_free(&g->work[i].prompt);
        free(g->work[i].text);
        free(g->work[i].missing);
    }
    free(g->work);
    rn_buf_free(&g->system_text);
    g->maker->close(g);
    rn_store_close(g->store);
    rn_taskset_free(g->set);
}
