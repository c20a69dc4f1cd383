/*
 * generate_stage.c: rn_stage_generate: samples n programs per problem into the store.
 *
 * A run in the store is (set, model, preset, settings); settings hold all that a sample depends on
 * (seed, temperature, ..., kernel set or server, hash of all prompts), not n and not how many
 * slots, threads or requests there were. What the store holds already is not made again, so that
 * the same call continues after any end. Samples come from a sampler (sampler.h), a file's or a
 * server's, and are committed at least every second.
 */
#include "run/identity.h"
#include "run/infill.h"
#include "run/portions.h"
#include "run/sampler.h"
#include "run/set_file.h"
#include "run/units.h"

#include "base/clock.h"
#include "base/near.h"
#include "base/rng.h"
#include "run/study.h"
#include "model/draw.h"
#include "task/prompt.h"

enum {
    PER_REQUEST = 16,
    FULL_PROBE_FROM = 64, /* missing samples; fewer do not pay for some 30 questions */
    ENOUGH_TO_DIFFER = 4,
    MAX_MESSAGES = 5,
    WAIT_MS = 100,
    NOTE_NS = 1000000000
};

/* One problem of the run. */
typedef struct work {
    int64_t problem_id;
    const char *task_id;
    const char *prompt; /* [prompt_len] */
    size_t prompt_len;
    uint32_t *missing; /* [n_missing] sample indices that the store does not hold */
    int64_t n_missing;
    int64_t n_made;     /* now */
    uint64_t text_hash; /* of the first of these */
    bool differ;        /* not all of these are equal */
    bool chosen;
} work;

typedef struct call {
    const rn_generate_options *o;
    rn_generate_summary *out;
    rn_store *store;
    int64_t n;             /* samples per problem */
    const int64_t *target; /* [set->n] of each problem, at most n; NULL: n */
    const char *until;     /* the rule behind the targets; NULL: none */
    rn_taskset *set;
    const rn_preset *preset;
    rn_arena arena;  /* of the work and its arrays */
    int64_t n_blind; /* problems with a gap whose prompt does not show what follows it */
    char prompts_sha[RN_SHA256_HEX];
    work *work; /* [set->n] */
    rn_inbox inbox;
    rn_sampler *sampler;
    rn_share *share; /* NULL: all samples */
    rn_remote_probe probe;
    bool probed;
    int64_t command_id, noted_ns, start_ns;
    rn_err lost; /* why nothing more could come; code 0: nothing is lost */
    bool over;
} call;

/* ---- what is wanted -------------------------------------------------------------------------- */

static int choose_problems(call *g, rn_err *err)
{
    unsigned char *chosen = rn_arena_array(&g->arena, g->set->n + 1, 1);
    g->work = rn_arena_array(&g->arena, g->set->n + 1, sizeof *g->work);
    if (!chosen || !g->work) return rn_nomem(err, "problems");
    int rc = rn_select(&g->o->select, g->set, chosen, NULL, err);
    for (size_t i = 0; i < g->set->n && !rc; i++)
        g->work[i].chosen = chosen[i];
    return rc;
}

/* The presets whose first `n` bytes are those of `name`; whether there are some. */
static bool add_presets(rn_buf *out, const char *name, size_t n)
{
    for (size_t i = 0; rn_preset_at(i); i++)
        if (strncmp(rn_preset_at(i)->name, name, n) == 0)
            rn_buf_printf(out, "%s%s", out->len ? ", " : "", rn_preset_at(i)->name);
    for (size_t i = 0; rn_paper_at(i); i++)
        if (!rn_preset_find(rn_paper_at(i)->name) && strncmp(rn_paper_at(i)->name, name, n) == 0)
            rn_buf_printf(out, "%s%s", out->len ? ", " : "", rn_paper_at(i)->name);
    return out->len > 0;
}

static int choose_preset(call *g, rn_err *err)
{
    const char *name = g->o->preset ? rn_paper_prompt(g->o->preset) : g->set->preset;
    g->preset = rn_preset_find(name);
    if (g->preset) return 0;
    rn_buf known = {0};
    const bool alike = add_presets(&known, name, strcspn(name, "-"));
    if (!alike) add_presets(&known, name, 0);
    return rn_near_fail(err, RN_EINVAL, "no prompt preset", name, "; there are ", &known);
}

/* How many samples a problem gets: n, or what the study made with a model of this size, or one. */
static int choose_n(call *g, rn_err *err)
{
    const rn_paper *paper = g->o->greedy ? NULL : rn_paper_find(g->o->preset);
    g->n = g->o->n ? g->o->n : paper ? rn_paper_n(paper, &g->sampler->m.shape) : 1;
    if (g->n) return 0;
    return rn_fail(err, RN_EINVAL,
                   "%s takes its number of samples from the model's size, which is not known; "
                   "give -n N",
                   paper->name);
}

static int choose_sampling(call *g, rn_err *err)
{
    const rn_generate_options *o = g->o;
    g->sampler->sampling = (rn_sampling){
        .temperature = !isnan(o->temperature) ? o->temperature : g->preset->temperature,
        .top_k = o->top_k,
        .top_p = !isnan(o->top_p) ? o->top_p : g->preset->top_p,
        .min_p = o->min_p,
        .seed = (uint64_t)o->seed,
        .max_tok = o->max_tok ? o->max_tok : g->preset->max_new_tok,
        /* A chat answer ends by its end token; code in it may hold any stop string. */
        .stop = !g->sampler->chat || g->preset->chat ? g->preset->stop : NULL,
    };
    if (o->greedy) {
        g->sampler->sampling.temperature = 0;
        g->sampler->sampling.top_p = 1;
    }
    return rn_sampling_check(&g->sampler->sampling, err);
}

/* The prompts of all problems go into the hash; those of the chosen ones are kept. */
static int build_prompt(call *g, size_t i, rn_sha256 *hash, rn_buf *text, rn_err *err)
{
    work *w = &g->work[i];
    const rn_problem *p = &g->set->problems[i];
    rn_sampler *s = g->sampler;
    rn_buf_clear(text);
    const bool gap =
        p->suffix && !s->m.remote && s->template == RN_CHAT_NONE && rn_infill_applies(p, s->m.tok);
    int rc = gap ? rn_infill_build(p, s->m.tok, text, err)
                 : rn_prompt_build(g->preset, g->set, p, text, err);
    if (rc) return rc;
    s->infill |= gap;
    g->n_blind += p->suffix && !gap;
    rn_bytes view = rn_buf_view(text);
    rn_sha256_add(hash, view.data, view.len);
    rn_sha256_add(hash, "", 1);
    w->task_id = p->task_id;
    if (!w->chosen) return 0;
    w->prompt_len = view.len;
    w->prompt = rn_arena_dup(&g->arena, view.len ? view.data : "", view.len);
    return rn_buf_ok(text) && w->prompt ? 0 : rn_nomem(err, "prompt");
}

static int build_prompts(call *g, rn_err *err)
{
    rn_sha256 *hash = rn_sha256_new();
    rn_buf text = {0};
    int rc = hash ? 0 : rn_nomem(err, "download");
    for (size_t i = 0; !rc && i < g->set->n; i++)
        rc = build_prompt(g, i, hash, &text, err);
    if (!rc) {
        uint8_t digest[RN_SHA256_BYTES];
        rn_sha256_done(hash, digest);
        rn_sha256_hex(digest, g->prompts_sha);
    }
    if (!rc && g->n_blind)
        rn_watch_warn(
            &g->o->watch, "%s: of %lld %s with a gap it sees what stands before the gap alone%s",
            g->sampler->m.name, (long long)g->n_blind, rn_plural(g->n_blind, "problem", "problems"),
            g->sampler->m.remote                   ? ": a server has no form for them"
            : g->sampler->infill                   ? ""
            : g->sampler->template != RN_CHAT_NONE ? ": it is asked as a chat"
                                                   : ": its file names no tokens that fill gaps");
    rn_sha256_free(hash);
    rn_buf_free(&text);
    return rc;
}

/* ---- the run in the store -------------------------------------------------------------------- */

static const char *kind_of(const call *g)
{
    return g->o->greedy ? "greedy" : "sample";
}

static int write_settings(const call *g, rn_buf *out, rn_err *err)
{
    const rn_sampler *s = g->sampler;
    rn_run_identity r = {.source = "ration generate",
                         .until = g->until,
                         .sampling = &s->sampling,
                         .greedy = g->o->greedy != 0,
                         .prompts_sha = g->prompts_sha,
                         .infill = s->infill,
                         .chat =
                             s->m.remote ? s->chat ? "server" : "none" : rn_chat_name(s->template),
                         .system = rn_buf_view(&s->system),
                         .remote = s->m.remote};
    if (!s->m.remote) {
        r.kv = rn_kv_name(s->m.engine.kv);
        r.kernels = rn_isa_name(rn_isa_bits(s->m.model->isa));
    }
    rn_run_identity_write(&r, out);
    return rn_buf_ok(out) ? 0 : rn_nomem(err, "settings");
}

/* What settings hold beside the conditions of a sample. */
static bool is_provenance(const char *key)
{
    return strcmp(key, "source") == 0 || strcmp(key, "version") == 0 ||
           strcmp(key, "server") == 0 || strcmp(key, "until") == 0;
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
    const call *g;
    const char *model;
    json_t *want;              /* settings; NULL: any */
    int64_t run_id, n_samples; /* the largest that fits; 0 none */
} looking;

static int look_at_run(void *user, const rn_store_run_row *r)
{
    looking *l = user;
    const call *g = l->g;
    if (strcmp(r->kind, kind_of(g)) != 0 || strcmp(r->model_name, l->model) != 0 ||
        strcmp(r->set_name, g->set->name) != 0 || r->n_samples <= l->n_samples)
        return 0;
    json_t *have = r->settings ? json_loads(r->settings, 0, NULL) : NULL;
    if (!l->want || (json_is_object(have) && is_wanted(l->want, have))) {
        l->run_id = r->run_id;
        l->n_samples = r->n_samples;
    }
    json_decref(have);
    return 0;
}

static int open_run(call *g, rn_err *err)
{
    int64_t set_id, model_id;
    int rc = rn_set_put(g->store, g->set, g->o->set, &set_id, err);
    for (size_t i = 0; !rc && i < g->set->n; i++) {
        const rn_store_problem p = {.set_id = set_id,
                                    .ord = (int64_t)i,
                                    .task_id = g->set->problems[i].task_id,
                                    .prompt = g->set->problems[i].prompt,
                                    .prompt_tok = -1};
        rc = rn_store_put_problem(g->store, &p, &g->work[i].problem_id, err);
    }
    if (rc) return rc;
    const rn_store_model model = {.name = g->sampler->m.name,
                                  .file_sha = g->sampler->m.sha,
                                  .cost = g->o->model.cost ? g->o->model.cost : ""};
    if ((rc = rn_store_put_model(g->store, &model, &model_id, err))) return rc;
    rn_buf settings = {0};
    rc = write_settings(g, &settings, err);
    const rn_store_run run = {.set_id = set_id,
                              .model_id = model_id,
                              .kind = kind_of(g),
                              .preset = g->preset->name,
                              .settings = settings.data};
    if (!rc) rc = rn_store_put_run(g->store, &run, &g->out->run_id, err);
    rn_buf_free(&settings);
    return rc;
}

typedef struct seen {
    const call *g;
    uint8_t *have; /* [set->n, n] */
} seen;

static int mark_seen(void *user, const rn_store_sample_row *r)
{
    seen *s = user;
    const rn_problem *p = rn_taskset_find(s->g->set, r->task_id);
    if (p && r->x.idx >= 0 && r->x.idx < s->g->n)
        s->have[(size_t)(p - s->g->set->problems) * (size_t)s->g->n + (size_t)r->x.idx] = 1;
    return 0;
}

/* Lists the samples that are still to be made. */
static int list_missing(call *g, rn_err *err)
{
    const size_t n = (size_t)g->n;
    seen s = {.g = g, .have = calloc(g->set->n * n, 1)};
    if (!s.have) return rn_nomem(err, "list of samples");
    const rn_store_samples all = {.run_id = g->out->run_id};
    int rc = rn_store_each_sample(g->store, &all, mark_seen, &s, err);
    g->out->n_total = g->out->n_had = 0;
    for (size_t i = 0; !rc && i < g->set->n; i++) {
        work *w = &g->work[i];
        if (!w->chosen) continue;
        w->n_missing = 0;
        if (!w->missing) w->missing = rn_arena_array(&g->arena, n, sizeof *w->missing);
        if (!w->missing) {
            rc = rn_nomem(err, "list of samples");
            break;
        }
        const rn_share_problem at = {g->set->problems[i].task_id, i, g->set->n, false};
        const size_t end = g->target ? (size_t)g->target[i] : n;
        assert(end <= n);
        for (size_t k = 0; k < end; k++) {
            if (!rn_share_has(g->share, &at, (int64_t)k)) continue;
            if (!s.have[i * n + k]) w->missing[w->n_missing++] = (uint32_t)k;
            g->out->n_total++;
            g->out->n_had += s.have[i * n + k];
        }
    }
    free(s.have);
    return rc;
}

/* A stored run that has all that is asked for: *all, and no server need be asked. */
static int find_whole_run(call *g, bool *all, rn_err *err)
{
    rn_buf settings = {0};
    int rc = write_settings(g, &settings, err);
    looking l = {.g = g,
                 .model = g->sampler->m.name,
                 .want = rc ? NULL : json_loads(settings.data, 0, NULL)};
    rn_buf_free(&settings);
    if (!rc && !l.want) rc = rn_nomem(err, "settings");
    if (!rc) rc = rn_store_each_run(g->store, look_at_run, &l, err);
    json_decref(l.want);
    if (rc || !l.run_id) return rc;
    g->out->run_id = l.run_id;
    if ((rc = list_missing(g, err))) return rc;
    *all = g->out->n_had == g->out->n_total;
    return 0;
}

/* What a server takes of the settings, by asking it for one sample. */
static int settle(call *g, rn_err *err)
{
    rn_sampler *s = g->sampler;
    size_t i = 0;
    while (i + 1 < g->set->n && !g->work[i].chosen)
        i++;
    const rn_bytes prompt = {g->work[i].prompt, g->work[i].prompt_len};
    int rc = rn_remote_settle(s->m.remote, prompt, &s->sampling, err);
    rn_buf decides = {0};
    if (!rc) rn_remote_decides(s->m.remote, &s->sampling, &decides);
    if (decides.len)
        rn_watch_note(&g->o->watch,
                      "%s: the server decides %s, which it does not take; the settings say so",
                      rn_remote_url(s->m.remote), decides.data);
    rn_buf_free(&decides);
    return rc;
}

/* ---- units ----------------------------------------------------------------------------------- */

/* Relative times are what counts: a token is taken for 10 ms where no shape tells more. */
static double expected_s(const call *g, const work *w)
{
    const double flop_per_s = 5e10, token_s = 0.01;
    const int64_t gen =
        g->sampler && g->sampler->sampling.max_tok ? g->sampler->sampling.max_tok : 512;
    const rn_shape *shape = g->sampler ? &g->sampler->m.shape : NULL;
    double flop = shape && shape->n_layer > 0 ? rn_flop_sample(shape, 256, gen) : NAN;
    return (double)w->n_missing * (isnan(flop) ? token_s * (double)gen : flop / flop_per_s);
}

/* Writes what is missing instead of making it. */
static int write_todo(const call *g, rn_err *err)
{
    rn_units u = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < g->set->n; i++) {
        const work *w = &g->work[i];
        if (!w->n_missing) continue;
        const rn_unit x = {.run_id = g->out->run_id,
                           .problem_id = w->problem_id,
                           .task_id = g->set->problems[i].task_id,
                           .from = w->missing[0],
                           .to = (int64_t)w->missing[w->n_missing - 1] + 1,
                           .n = w->n_missing,
                           .seconds = expected_s(g, w)};
        rc = rn_units_add(&u, &x, err);
    }
    if (!rc) rc = rn_units_write(&u, g->o->share.todo, err);
    rn_units_free(&u);
    return rc;
}

static int note_problem(void *user, const rn_store_problem_row *r)
{
    call *g = user;
    const rn_problem *p = rn_taskset_find(g->set, r->x.task_id);
    if (p) g->work[p - g->set->problems].problem_id = r->problem_id;
    return 0;
}

static int note_set(void *user, const rn_store_run_row *r)
{
    call *g = user;
    return r->run_id == g->out->run_id
               ? rn_store_each_problem(g->store, r->set_id, note_problem, g, NULL)
               : 0;
}

/* A server that is started on the node cannot be asked here which settings it takes: its largest
 * run on the set is taken for the one that goes on. */
static int list_unasked(call *g, rn_err *err)
{
    char name[256];
    rn_source_name(&g->o->model, name, sizeof name);
    looking l = {.g = g, .model = name};
    if (!g->o->n && rn_paper_find(g->o->preset))
        return rn_fail(err, RN_EINVAL,
                       "the size of a model behind --serve is not known; give -n N");
    int rc = choose_n(g, err);
    if (!rc) rc = rn_store_each_run(g->store, look_at_run, &l, err);
    g->out->run_id = l.run_id;
    if (!rc && l.run_id) rc = rn_store_each_run(g->store, note_set, g, err);
    /* A store that holds nothing would be removed: what comes back is merged into it. */
    int64_t set_id;
    if (!rc && !l.run_id) rc = rn_set_put(g->store, g->set, g->o->set, &set_id, err);
    if (!rc) rc = list_missing(g, err);
    return rc;
}

static int prepare(call *g, bool *all, rn_err *err)
{
    const rn_generate_options *o = g->o;
    int rc = rn_taskset_open(o->set, rn_data_dir(o->data_dir), &g->set, err);
    if (!rc) rc = rn_share_open(&o->share, &g->share, err);
    if (rc) return rc;
    if ((rc = choose_preset(g, err))) return rc;
    if ((rc = choose_problems(g, err))) return rc;
    if (o->share.todo && o->model.serve) return list_unasked(g, err);
    const bool chat = g->preset->chat;
    const rn_sampler_opts so = {.model = &o->model,
                                .watch = &o->watch,
                                .load_now = true,
                                .chat = o->model.chat ? o->model.chat
                                        : chat        ? "auto"
                                                      : "none",
                                .chat_needed = true,
                                .api = chat ? RN_REMOTE_CHAT : RN_REMOTE_COMPLETIONS,
                                .inbox = &g->inbox};
    if ((rc = rn_sampler_open(&so, &g->sampler, err))) return rc;
    if ((rc = rn_opened_hash(&g->sampler->m, err))) return rc;
    if ((rc = choose_n(g, err))) return rc;
    if ((rc = choose_sampling(g, err))) return rc;
    if ((rc = build_prompts(g, err))) return rc;
    if (g->sampler->m.remote) {
        if ((rc = find_whole_run(g, all, err)) || *all) return rc;
        if ((rc = settle(g, err))) return rc;
    }
    if ((rc = rn_store_begin(g->store, err))) return rc;
    if ((rc = open_run(g, err))) return rc;
    if ((rc = rn_store_commit(g->store, err))) return rc;
    return list_missing(g, err);
}

/* ---- making them ----------------------------------------------------------------------------- */

/* Orders what is missing; a prompt that leaves no room for an answer is left out, and said so. */
static int order_all(call *g, rn_err *err)
{
    for (size_t i = 0; i < g->set->n; i++) {
        work *w = &g->work[i];
        if (w->n_missing == 0) continue;
        rn_err why;
        const rn_bytes prompt = {w->prompt, w->prompt_len};
        int rc = rn_sampler_want(g->sampler, i, prompt, w->missing, w->n_missing, &why);
        if (rc == RN_ELIMIT) {
            rn_watch_warn(&g->o->watch, "%s: %s", w->task_id, why.msg);
            g->out->n_too_long++;
            continue;
        }
        if (rc && err) *err = why;
        if (rc) return rn_err_prefix(err, "prompt of %s", w->task_id);
    }
    return 0;
}

static int probe_server(call *g, rn_err *err)
{
    rn_sampler *s = g->sampler;
    rn_remote *r = s->m.remote;
    rn_remote_probe *p = &g->probe;
    rn_bytes prompts[3];
    size_t n = 0;
    for (size_t i = 0; i < s->orders.n && n < 3; i++)
        prompts[n++] = s->orders.data[i].prompt;
    const bool repeated = s->n_wanted >= FULL_PROBE_FROM;
    s->m.asked_ns = rn_now_ns();
    int rc = repeated ? rn_remote_probe_run(r, prompts, n, &s->sampling, p, err)
                      : rn_remote_probe_quick(r, prompts[0], &s->sampling, p, err);
    s->m.asked_ns = 0;
    if (rc) return rc;
    g->probed = true;
    s->n_proven = 1;
    s->per_request = p->honours_n ? PER_REQUEST : 1;
    s->logprobs = p->logprobs;
    const rn_watch *w = &g->o->watch;
    rn_watch_note(w, "%s: n %s, log probabilities %s%s", rn_remote_url(r),
                  p->honours_n       ? "is honoured"
                  : p->n_choices > 1 ? "gives equal texts, so one sample a request"
                                     : "is not honoured, so one sample a request",
                  p->logprobs ? "are given" : "are not given",
                  p->listed ? "" : "; the model is not in the server's list");
    if (repeated)
        rn_watch_note(w,
                      "%s: repeated, %lld of %lld greedy answers differ, %lld of %lld with equal "
                      "seeds%s",
                      rn_remote_url(r), (long long)p->n_greedy_differ, (long long)p->n_greedy,
                      (long long)p->n_seeded_differ, (long long)p->n_seeded,
                      p->honours_seed ? "" : " (the seed is not honoured)");
    rn_watch_note(w, "%s: %lld %s to make", s->m.name, (long long)s->n_wanted,
                  rn_plural(s->n_wanted, "sample", "samples"));
    return 0;
}

/* What was learned and spent, into the store's list of commands. */
static int put_note(call *g, rn_err *err)
{
    if (!g->sampler->m.remote) return 0;
    rn_sampler *s = g->sampler;
    const rn_remote_usage u =
        s->running ? rn_sampler_look(s).usage : *rn_remote_ledger(s->m.remote);
    g->noted_ns = rn_now_ns();
    return rn_server_put_note(&g->sampler->m, &u, g->probed ? &g->probe : NULL, g->store,
                              g->command_id, err);
}

static int put_sample(call *g, const rn_event *e, rn_err *err)
{
    work *w = &g->work[e->tag];
    const rn_bytes text = rn_buf_view(&e->text);
    const rn_store_sample x = {
        .run_id = g->out->run_id,
        .problem_id = w->problem_id,
        .idx = e->idx,
        .text = text,
        .prompt_tok = e->prompt_tok,
        .gen_tok = e->gen_tok,
        .finish = e->finish,
        .logprob = e->logprob,
        .wall_ns = e->share_ns,
        .flop = rn_flop_share(&g->sampler->m.shape, e->prompt_tok, e->gen_tok, g->n)};
    uint64_t hash = rn_rng_stream(text.data, text.len);
    if (w->n_made++ == 0) w->text_hash = hash;
    w->differ |= hash != w->text_hash;
    g->out->n_made++;
    if (e->gen_tok > 0) g->out->n_tok += e->gen_tok;
    g->out->n_untold += e->gen_tok < 0;
    int64_t id;
    return rn_buf_ok(&e->text) ? rn_store_put_sample(g->store, &x, &id, NULL, err)
                               : rn_nomem(err, "sample");
}

static int take_event(call *g, const rn_event *e, rn_err *err)
{
    switch (e->kind) {
    case RN_EV_SAMPLE: return put_sample(g, e, err);
    case RN_EV_FAILED:
        if (g->out->n_refused < MAX_MESSAGES)
            rn_watch_warn(&g->o->watch, "%s: %s", g->work[e->tag].task_id, e->err.msg);
        g->out->n_refused += e->n;
        return 0;
    case RN_EV_CUT: g->out->n_cut += e->n; return 0;
    case RN_EV_DEAD:
        g->lost = e->err;
        g->over = true;
        return 0;
    case RN_EV_OVER: g->over = true; return 0;
    case RN_EV_NOTE: rn_watch_note(&g->o->watch, "%s", e->text.data); return 0;
    default: return 0; /* terms are known already */
    }
}

/* Takes what is there; waits up to timeout_ms for the first. */
static int take_events(call *g, int timeout_ms, rn_err *err)
{
    int rc = 0;
    for (rn_event *e; !rc && (e = rn_inbox_take(&g->inbox, timeout_ms)); timeout_ms = 0) {
        rc = take_event(g, e, err);
        rn_event_free(e);
    }
    return rc;
}

static void show(const call *g)
{
    char extra[96];
    const rn_sampler_state now = rn_sampler_look(g->sampler);
    double seconds = (double)(rn_now_ns() - g->start_ns) * 1e-9;
    snprintf(extra, sizeof extra, "%.1f tok/s, %lld in flight",
             seconds > 0 ? (double)now.n_new_tok / seconds : 0, (long long)now.n_active);
    const rn_progress_step step = {"generate", "samples", g->out->n_made, g->sampler->n_wanted,
                                   extra};
    rn_watch_step(&g->o->watch, &step);
}

static int work_through(call *g, rn_err *err)
{
    int rc = rn_sampler_buy(g->sampler, g->sampler->n_wanted, err);
    while (!rc && !g->over) {
        rc = take_events(g, WAIT_MS, err);
        if (!rc) rc = rn_store_tick(g->store, err);
        if (!rc && rn_now_ns() - g->noted_ns > NOTE_NS) rc = put_note(g, err);
        show(g);
        if (!rc) rc = rn_watch_check(&g->o->watch, err);
    }
    rn_watch_end(&g->o->watch);
    /* What had been finished when the end came is paid for and kept. */
    rn_err late;
    rn_sampler_stop(g->sampler);
    int rest = take_events(g, 0, &late);
    if (!rest) rest = put_note(g, &late);
    if (!rc && rest && err) *err = late;
    if (!rc) rc = rest;
    if (!rc && g->lost.code) {
        if (err) *err = g->lost;
        rc = g->lost.code;
    }
    return rc;
}

static int make_samples(call *g, rn_err *err)
{
    int rc = order_all(g, err);
    if (rc || g->sampler->n_wanted == 0) return rc;
    g->start_ns = g->noted_ns = rn_now_ns();
    if (g->sampler->m.remote && !g->probed) rc = probe_server(g, err);
    if (rc) put_note(g, NULL);
    if (!rc) rc = rn_store_begin(g->store, err);
    if (rc) return rc;
    rc = work_through(g, err);
    return rn_stage_commit(g->store, rc, err);
}

/* Samples that repeat each other are no samples: a server or something before it may keep answers.
 * */
static void warn_of_repetition(const call *g)
{
    int64_t n = 0, same = 0;
    for (size_t i = 0; i < g->set->n; i++) {
        const work *w = &g->work[i];
        n += w->n_made >= ENOUGH_TO_DIFFER;
        same += w->n_made >= ENOUGH_TO_DIFFER && !w->differ;
    }
    if (g->sampler->sampling.temperature > 0 && 2 * same > n)
        rn_watch_warn(&g->o->watch,
                      "of %lld problems, %lld got samples that are all equal: is the temperature "
                      "meant, and does %s sample at all?",
                      (long long)n, (long long)same, g->sampler->m.name);
}

static void free_call(call *g)
{
    rn_share_close(g->share);
    rn_arena_free(&g->arena);
    rn_sampler_close(g->sampler);
    rn_inbox_free(&g->inbox);
    rn_taskset_free(g->set);
}

/* ---- the stage ------------------------------------------------------------------------------- */

void rn_generate_options_init(rn_generate_options *o)
{
    *o = (rn_generate_options){.temperature = NAN, .top_p = NAN};
}

int rn_generate_options_check(const rn_generate_options *o, rn_err *err)
{
    int bad = rn_share_check(&o->share, err);
    if (bad) return bad;
    int rc = rn_model_source_check(&o->model, err);
    if (rc) return rc;
    if (o->model.chat && rn_source_is_server(&o->model))
        return rn_fail(
            err, RN_EINVAL,
            "--chat is for model files; with --api chat a server wraps the prompt in its "
            "own template");
    if (!o->set)
        return rn_fail(err, RN_EINVAL,
                       "give a problem set with -t SET, e.g. -t humaneval, or a --preset of the "
                       "study");
    if (o->n < 0 || o->n > 100000)
        return rn_fail(err, RN_EINVAL, "-n is %lld; give 1 to 100000 samples", (long long)o->n);
    if (o->greedy && o->n > 1)
        return rn_fail(err, RN_EINVAL, "--greedy makes one sample per problem; leave -n out");
    rn_sampling s;
    rn_sampling_init(&s);
    if (!isnan(o->temperature)) s.temperature = o->temperature;
    if (!isnan(o->top_p)) s.top_p = o->top_p;
    if (o->max_tok) s.max_tok = o->max_tok;
    s.top_k = o->top_k;
    s.min_p = o->min_p;
    return rn_sampling_check(&s, err);
}

int rn_stage_generate(rn_store *s, const rn_generate_options *options, rn_generate_summary *out,
                      rn_err *err)
{
    *out = (rn_generate_summary){0};
    rn_generate_options o = *options;
    const rn_paper *paper = rn_paper_find(o.preset);
    if (paper && !o.set) o.set = paper->set;
    int rc = rn_generate_options_check(&o, err);
    if (rc) return rc;
    call g = {.o = &o, .out = out, .store = s};
    rn_inbox_init(&g.inbox);
    bool all = false;
    rc = prepare(&g, &all, err);
    if (!rc) rc = rn_watch_log_begin(&o.watch, s, &g.command_id, err);
    int64_t from = rn_now_ns();
    if (!rc && o.share.todo)
        rc = write_todo(&g, err);
    else if (!rc && !all)
        rc = make_samples(&g, err);
    out->seconds = (double)(rn_now_ns() - from) * 1e-9;
    if (!rc && !o.share.todo) warn_of_repetition(&g);
    if (g.sampler && g.sampler->m.remote) {
        rn_sampler_stop(g.sampler);
        out->spent = rn_server_summary(&g.sampler->m, rn_remote_ledger(g.sampler->m.remote));
    }
    if (out->n_refused + out->n_cut)
        rn_watch_warn(&o.watch,
                      "%lld %s failed, %lld %s broken off by the server; the same command asks "
                      "again",
                      (long long)out->n_refused, rn_plural(out->n_refused, "sample", "samples"),
                      (long long)out->n_cut, rn_plural(out->n_cut, "was", "were"));
    out->incomplete = !o.share.todo && out->n_had + out->n_made < out->n_total;
    rn_watch_log_end(s, g.command_id, rc, out->incomplete);
    free_call(&g);
    return rc;
}

/* ---- in portions ----------------------------------------------------------------------------- */

struct rn_portions {
    rn_generate_options o;
    rn_generate_summary out;
    call g;
};

int rn_portions_open(rn_store *s, const rn_generate_options *o, int64_t command_id,
                     rn_portions **out, rn_err *err)
{
    rn_portions *p = calloc(1, sizeof *p);
    if (!p) return rn_nomem(err, "model");
    p->o = *o;
    p->g = (call){.o = &p->o, .out = &p->out, .store = s, .command_id = command_id};
    rn_inbox_init(&p->g.inbox);
    bool all = false;
    int rc = prepare(&p->g, &all, err);
    assert(rc || !all); /* n is more than any portion wants */
    if (rc)
        rn_portions_close(p);
    else
        *out = p;
    return rc;
}

void rn_portions_close(rn_portions *p)
{
    if (!p) return;
    free_call(&p->g);
    rn_generate_summary_free(&p->out);
    free(p);
}

const rn_taskset *rn_portions_set(const rn_portions *p)
{
    return p->g.set;
}

const rn_opened *rn_portions_model(const rn_portions *p)
{
    return &p->g.sampler->m;
}

int64_t rn_portions_problem(const rn_portions *p, size_t i)
{
    return p->g.work[i].chosen ? p->g.work[i].problem_id : 0;
}

const rn_generate_summary *rn_portions_summary(const rn_portions *p)
{
    return &p->out;
}

int rn_portions_mark(rn_portions *p, const char *until, rn_err *err)
{
    p->g.until = until;
    int rc = rn_store_begin(p->g.store, err);
    if (!rc) rc = open_run(&p->g, err);
    p->g.until = NULL; /* the caller's */
    return rc ? rc : rn_store_commit(p->g.store, err);
}

int rn_portions_draw(rn_portions *p, const int64_t *n, rn_err *err)
{
    call *g = &p->g;
    g->target = n;
    int rc = list_missing(g, err);
    if (rc) return rc;
    rn_sampler_again(g->sampler);
    g->over = false;
    g->lost = (rn_err){0};
    int64_t from = rn_now_ns();
    rc = make_samples(g, err);
    p->out.seconds += (double)(rn_now_ns() - from) * 1e-9;
    return rc;
}

void rn_generate_summary_free(rn_generate_summary *out)
{
    free(out->spent);
    *out = (rn_generate_summary){0};
}
