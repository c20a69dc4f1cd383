/*
 * cmd_generate.c: `ration generate`: samples n programs per problem into the store.
 *
 * A run in the store is (set, model, preset, settings); settings hold all that a sample depends on
 * (seed, temperature, ..., kernel set or server, hash of all prompts), not n and not how many slots,
 * threads or requests there were. What the store holds already is not made again, so that the same
 * command continues after any end.
 */
#include "cli/generate.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "cli/commands.h"
#include "cost/paper.h"
#include "model/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_NOT_GIVEN = -1000000, ENOUGH_TO_DIFFER = 4 };

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
    if (o->n != N_NOT_GIVEN) return 0;
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
        .max_tok = o->max_tok > 0 ? o->max_tok : g->preset->max_new_tok,
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
    if (r->ord >= 0 && (size_t)r->ord < g->set->n && r->x.idx >= 0 && r->x.idx < g->o->n)
        s->have[(size_t)r->ord * (size_t)g->o->n + (size_t)r->x.idx] = 1;
    return 0;
}

/* Lists the samples that are still to be made. */
static int list_missing(rn_gen *g, rn_err *err)
{
    size_t n = (size_t)g->o->n;
    seen s = {.g = g, .have = calloc(g->set->n * n, 1)};
    if (!s.have) return rn_fail(err, RN_ENOMEM, "out of memory for a list of samples");
    int rc = rn_store_each_sample(g->store, g->run_id, 0, false, mark_seen, &s, err);
    for (size_t i = 0; !rc && i < g->set->n; i++) {
        rn_gen_work *w = &g->work[i];
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

static int make_samples(rn_gen *g, rn_err *err)
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

/* ---- the command ----------------------------------------------------------------------------- */

static int check_options(const rn_command *cmd, const rn_gen_opts *o)
{
    int rc = rn_server_opts_check(cmd, &o->server, &o->model);
    if (rc >= 0) return rc;
    if (o->chat && rn_remote_is_url(o->model.path))
        return rn_opt_usage(cmd, "--chat is for model files; with --api chat a server wraps the "
                                 "prompt in its own template");
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

static int prepare(rn_gen *g, rn_err *err)
{
    const rn_gen_opts *o = g->o;
    int rc = rn_taskset_open(o->set, rn_opt_data_dir(o->data), &g->set, err);
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
    if ((rc = rn_store_begin(g->store, err))) return rc;
    if ((rc = open_run(g, err))) return rc;
    if ((rc = rn_store_commit(g->store, err))) return rc;
    if ((rc = list_missing(g, err))) return rc;
    g->maker->drop_too_long(g);
    return 0;
}

/* Samples that repeat each other are no samples: a server or something before it may keep answers. */
static void warn_of_repetition(const rn_gen *g)
{
    int64_t n = 0, same = 0;
    for (size_t i = 0; i < g->set->n; i++) {
        const rn_gen_work *w = &g->work[i];
        n += w->n_made >= ENOUGH_TO_DIFFER;
        same += w->n_made >= ENOUGH_TO_DIFFER && !w->differ;
    }
    if (g->sampling.temperature > 0 && 2 * same > n)
        fprintf(stderr,
                "ration generate: of %lld problems, %lld got samples that are all equal: is the "
                "temperature meant, and does %s sample at all?\n",
                (long long)n, (long long)same, g->model_name);
}

static void print_result(const rn_gen *g, int64_t ns)
{
    double s = (double)ns * 1e-9;
    printf("run %lld: %lld of %lld samples (%lld made now, %lld tokens, %.1f s, %.1f tok/s)\n",
           (long long)g->run_id, (long long)(g->n_had + g->n_done), (long long)g->n_total,
           (long long)g->n_done, (long long)g->n_tok, s, s > 0 ? (double)g->n_tok / s : 0);
}

static void free_gen(rn_gen *g)
{
    for (size_t i = 0; g->work && i < g->set->n; i++) {
        rn_ids_free(&g->work[i].prompt);
        free(g->work[i].text);
        free(g->work[i].missing);
    }
    free(g->work);
    g->maker->close(g);
    rn_store_close(g->store);
    rn_taskset_free(g->set);
}

int rn_cmd_generate(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("generate");
    rn_gen_opts o = {.n = N_NOT_GIVEN,
                     .temperature = NAN, /* NAN: not given */
                     .top_p = NAN,
                     .server = RN_SERVER_OPTS_NONE};
    const rn_opt table[] = {
        RN_ANY_MODEL_OPTIONS(&o.model, &o.server),
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

    rn_gen g = {.cmd = cmd,
                .o = &o,
                .maker = rn_remote_is_url(o.model.path) ? &rn_gen_server : &rn_gen_local};
    rn_err err = {0};
    rn_opt_catch_signals();
    int64_t t0 = 0;
    rc = prepare(&g, &err);
    if (!rc) rc = rn_store_log_begin(g.store, cmd->name, argc, argv, &g.command_id, &err);
    if (!rc) {
        t0 = rn_now_ns();
        if (g.n_had + g.n_too_long * o.n < g.n_total) rc = make_samples(&g, &err);
    }
    int status = RN_EXIT_DONE;
    if (rc && rc != RN_ECANCELLED)
        status = rn_opt_failure(cmd, &err);
    else
        print_result(&g, rn_now_ns() - t0);
    if (!rc) warn_of_repetition(&g);
    g.maker->report(&g);
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration generate: stopped; the same command continues\n");
        status = RN_EXIT_MISSING;
    }
    if (status == RN_EXIT_DONE && g.n_had + g.n_done < g.n_total) status = RN_EXIT_MISSING;
    if (g.command_id) rn_store_log_end(g.store, g.command_id, status, NULL);
    free_gen(&g);
    return status;
}
