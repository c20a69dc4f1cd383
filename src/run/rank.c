/*
 * rank.c: see rank.h.
 *
 * Samples that ran into their token limit are left out, as method and report do; so are texts
 * without a token and those that do not fit the model's context, which are counted. What has a
 * score is not scored again.
 */
#include "run/rank.h"

#include "run/stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One sample that waits for its score. */
typedef struct rn_rank_pending {
    int64_t sample_id;
    char *text; /* owned */
    size_t len;
    bool ended;
} pending;

/* ---- which runs --------------------------------------------------------------------------------
 */

static int note_run(void *user, const rn_store_run_row *r)
{
    rn_rank *k = user;
    if (strcmp(r->kind, "sample") != 0 || r->n_samples == 0) return 0;
    if (k->o->run && r->run_id != k->o->run) return 0;
    if (k->o->of && strcmp(r->model_name, k->o->of) != 0) return 0;
    rn_rank_run *more = rn_rank_grown(k->runs, k->n_runs, &k->cap_runs, sizeof *more);
    if (!more) return rn_fail(k->err, RN_ENOMEM, "out of memory for a list of runs");
    k->runs = more;
    k->runs[k->n_runs++] = rn_rank_run_of(r, &k->arena);
    return 0;
}

/* All that a score depends on, as JSON; the caller frees. NULL and an error when it cannot be told. */
static char *describe_ranker(const rn_rank *k, rn_err *err)
{
    char sha[RN_SHA256_HEX];
    json_t *j = json_pack("{s:s, s:s}", "by", "nll", "version", rn_version());
    if (k->remote) {
        json_object_set_new(j, "server", json_string(rn_remote_url(k->remote)));
        json_object_set_new(j, "server_model", json_string(rn_remote_model(k->remote)));
        json_object_set_new(j, "scoring", json_string(rn_remote_scoring_name(k->scoring)));
        if (k->o->server.body)
            json_object_set_new(j, "body", json_loads(k->o->server.body, 0, NULL));
    } else {
        if (rn_sha256_file(k->o->model.path, sha, err)) {
            json_decref(j);
            return NULL;
        }
        json_object_set_new(j, "model_sha256", json_string(sha));
        json_object_set_new(j, "kernels", json_string(rn_isa_name(k->model->isa)));
        json_object_set_new(j, "kv", json_string(rn_kv_name(k->engine.kv)));
    }
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(j);
    if (!text) rn_fail(err, RN_ENOMEM, "out of memory for the ranker's record");
    return text;
}

static int open_verifier(rn_rank *k, const char *model, rn_err *err)
{
    char sha[RN_SHA256_HEX];
    int rc = rn_sha256_file(k->o->model.path, sha, err);
    const rn_verify_opts v = {.verifier = k->o->verifier,
                              .data = k->o->source.data,
                              .model = k->model,
                              .engine = &k->engine,
                              .model_name = model,
                              .model_sha = sha,
                              .kv = rn_kv_name(k->engine.kv)};
    return rc ? rc : rn_verify_open(&v, k->store, &k->verify, err);
}

static int open_ranker(rn_rank *k, rn_err *err)
{
    const char *model = k->o->name  ? k->o->name
                        : k->remote ? rn_remote_model(k->remote)
                                    : rn_model_opts_name(k->o->model.path);
    if (strcmp(k->o->ranker, "verifier") == 0) return open_verifier(k, model, err);
    char name[320];
    snprintf(name, sizeof name, "nll:%s", model);
    char *text = describe_ranker(k, err);
    if (!text) return err->code;
    int rc = rn_store_put_ranker(k->store, name, text, true, &k->ranker_id, err);
    free(text);
    return rc;
}

/* How the run's prompts were made. */
static int open_prompts(rn_rank *k, rn_err *err)
{
    const rn_rank_run *r = k->run;
    if (!r->preset)
        return rn_fail(err, RN_EINVAL, "run %lld: no prompt preset '%s'; name one with --preset",
                       (long long)r->id,
                       k->o->source.preset ? k->o->source.preset : r->preset_name);
    const char *chat = json_string_value(json_object_get(r->settings, "chat"));
    k->chat = RN_CHAT_NONE;
    if (!chat || strcmp(chat, "none") == 0) return 0;
    if (k->remote || strcmp(chat, "server") == 0)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "run %lld was sampled with prompts wrapped as '%s'; %s", (long long)r->id,
                       chat,
                       k->remote ? "a server scores plain prompts only; rank with a GGUF file"
                                 : "that server's template is not known here");
    return rn_chat_parse(chat, &k->chat, err);
}

/* ---- one problem -------------------------------------------------------------------------------
 */

/* Samples of model files keep their stop string; one that stopped without it had an end token. Of
 * imported samples and those of servers nobody knows. */
static bool ended_by_token(const rn_rank *k, const rn_store_sample *x)
{
    const json_t *stop = json_object_get(k->run->settings, "stop");
    if (!json_is_array(stop) || strcmp(x->finish, "stop") != 0) return false;
    if (json_object_get(k->run->settings, "server") && json_array_size(stop)) return false;
    for (size_t i = 0; i < json_array_size(stop); i++) {
        rn_bytes s = rn_bytes_of(json_string_value(json_array_get(stop, i)));
        if (s.len && rn_bytes_find(x->text, s, 0) != SIZE_MAX) return false;
    }
    return true;
}

static int encode_prompt(rn_rank *k, rn_bytes text, rn_ids *ids, rn_err *err)
{
    const char *system = json_string_value(json_object_get(k->run->settings, "system"));
    int rc = k->chat == RN_CHAT_NONE
                 ? rn_tok_encode(k->model->tok, text, RN_TOK_BOS, ids, err)
                 : rn_chat_encode(k->chat, k->model->tok, rn_bytes_of(system), text, ids, err);
    if (rc || ids->n) return rc;
    return rn_fail(err, RN_EINVAL,
                   "the prompt of %s is empty and the model has no token to begin with",
                   k->problem->task_id);
}

static int put_score(void *user, int64_t i, rn_err *err)
{
    rn_rank *k = user;
    const rn_nll_text *t = &k->texts[i];
    rn_store_score x = {
        .sample_id = k->list[i].sample_id,
        .ranker_id = k->ranker_id,
        .score = t->mean,
        .sum = t->sum,
        .n_tok = t->n_tok,
        .wall_ns = t->wall_ns,
        .flop = NAN,
    };
    if (k->shape.n_layer > 0 && k->prompt_tok > 0)
        x.flop =
            rn_flop_sample(&k->shape, k->prompt_tok, t->n_tok) +
            rn_flop_prompt(&k->shape, k->prompt_tok) / (double)(k->n_siblings ? k->n_siblings : 1);
    k->n_scored++;
    return rn_store_put_score(k->store, &x, err);
}

static int after_pass(void *user, rn_err *err)
{
    rn_rank *k = user;
    rn_progress_set(&k->progress, k->n_scored, NULL);
    if (rn_interrupted) return rn_fail(err, RN_ECANCELLED, "stopped");
    return rn_store_tick(k->store, err);
}

static void clear_list(rn_rank *k)
{
    for (size_t i = 0; i < k->n; i++)
        free(k->list[i].text);
    k->n = 0;
}

static int score_here(rn_rank *k, rn_bytes text, const rn_nll_io *io, rn_err *err)
{
    rn_ids prompt = {0};
    int rc = encode_prompt(k, text, &prompt, err);
    k->prompt_tok = (int64_t)prompt.n;
    if (!rc && prompt.n < (size_t)k->model->hp.n_ctx)
        rc = rn_nll_score(k->model, &k->engine, &prompt, text.len == 0, k->texts, (int64_t)k->n, io,
                          err);
    else if (!rc)
        k->n_too_long += (int64_t)k->n;
    rn_ids_free(&prompt);
    return rc;
}

/* What was spent at the server, into the ledger of commands. */
int rn_rank_put_note(rn_rank *k, rn_err *err)
{
    char *note = rn_server_note(k->remote, NULL, k->entry);
    int rc = note ? rn_store_log_note(k->store, k->command_id, note, err)
                  : rn_fail(err, RN_ENOMEM, "out of memory for the ledger");
    free(note);
    return rc;
}

/* Scores what was collected of one problem. */
static int score_problem(rn_rank *k, rn_err *err)
{
    if (k->n == 0) return 0;
    rn_buf prompt = {0};
    int64_t next_idx;
    k->texts = calloc(k->n, sizeof *k->texts);
    int rc = k->texts ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for texts");
    for (size_t i = 0; !rc && i < k->n; i++)
        k->texts[i] =
            (rn_nll_text){.text = {k->list[i].text, k->list[i].len}, .ended = k->list[i].ended};
    if (!rc) rc = rn_prompt_build(k->run->preset, k->run->set, k->problem, &prompt, err);
    if (!rc)
        rc = rn_store_count_samples(k->store, k->run->id, k->problem_id, &k->n_siblings, &next_idx,
                                    err);
    rn_nll_io io = {.done = put_score, .tick = after_pass, .user = k};
    if (!rc && k->remote)
        rc = rn_nll_score_server(k->remote, k->scoring, rn_buf_view(&prompt), k->texts,
                                 (int64_t)k->n, &io, &k->prompt_tok, k->refusal, sizeof k->refusal,
                                 err);
    else if (!rc)
        rc = score_here(k, rn_buf_view(&prompt), &io, err);
    for (size_t i = 0; !rc && i < k->n; i++) {
        k->n_empty += k->texts[i].state == RN_NLL_EMPTY;
        k->n_too_long += k->texts[i].state == RN_NLL_TOO_LONG;
        k->n_refused += k->texts[i].state == RN_NLL_REFUSED;
    }
    if (!rc && k->remote) rc = rn_rank_put_note(k, err);
    rn_buf_free(&prompt);
    free(k->texts);
    k->texts = NULL;
    clear_list(k);
    return rc;
}

static int collect(void *user, const rn_store_sample_row *r)
{
    rn_rank *k = user;
    if (rn_rank_is_cut(r)) {
        k->n_cut++;
        return 0;
    }
    /* By its id: a store that was filled without the set may hold its problems in another order. */
    const rn_problem *p = rn_rank_problem(k->run, r, k->err);
    if (!p) return RN_EINVAL;
    if (k->n && p != k->problem) {
        int rc = score_problem(k, k->err);
        if (rc) return rc;
    }
    k->problem = p;
    k->problem_id = r->x.problem_id;
    if (k->n == k->cap) {
        size_t cap = k->cap ? 2 * k->cap : 256;
        pending *more = realloc(k->list, cap * sizeof *more);
        if (!more) return rn_fail(k->err, RN_ENOMEM, "out of memory for a list of samples");
        k->list = more;
        k->cap = cap;
    }
    char *text = malloc(r->x.text.len + 1);
    if (!text) return rn_fail(k->err, RN_ENOMEM, "out of memory for a sample");
    if (r->x.text.len) memcpy(text, r->x.text.data, r->x.text.len);
    k->list[k->n++] = (pending){.sample_id = r->sample_id,
                                .text = text,
                                .len = r->x.text.len,
                                .ended = ended_by_token(k, &r->x)};
    return 0;
}

static int count_row(void *user, const rn_store_sample_row *r)
{
    *(int64_t *)user += !rn_rank_is_cut(r);
    return 0;
}

static int score_likelihoods(rn_rank *k, int64_t *total, rn_err *err)
{
    const rn_rank_run *r = k->run;
    int rc = rn_store_each_unscored(k->store, r->id, k->ranker_id, false, count_row, total, err);
    if (!rc) rc = open_prompts(k, err);
    if (rc) return rc;
    char label[64];
    snprintf(label, sizeof label, "rank run %lld", (long long)r->id);
    rn_progress_start(&k->progress, label, "samples", *total + k->n_scored);
    rc = rn_store_each_unscored(k->store, r->id, k->ranker_id, true, collect, k, err);
    if (!rc) rc = score_problem(k, err);
    rn_progress_end(&k->progress);
    clear_list(k);
    return rc;
}

/* How many samples have been scored so far. */
static int64_t n_scored(const rn_rank *k)
{
    return k->n_scored + k->verified.n_scored + k->agreed.n_scored;
}

static int score_run(rn_rank *k, rn_rank_run *r, rn_err *err)
{
    int64_t total = 0, before = n_scored(k);
    k->run = r;
    int rc = rn_rank_run_open(r, &k->o->source, err);
    if (!rc && k->consensus)
        rc = rn_consensus_run(k->consensus, r, &k->agreed, err);
    else if (!rc && k->verify)
        rc = rn_verify_run(k->verify, r, &k->verified, err);
    else if (!rc)
        rc = score_likelihoods(k, &total, err);
    rn_rank_run_close(r);
    if (rc && rc != RN_ECANCELLED) return rc;
    if (k->consensus || k->verify)
        printf("run %lld: %lld scored\n", (long long)r->id, (long long)(n_scored(k) - before));
    else
        printf("run %lld: %lld of %lld scored\n", (long long)r->id,
               (long long)(n_scored(k) - before), (long long)total);
    return rc;
}

static int open_model(rn_rank *k, rn_err *err)
{
    size_t budget = 0;
    int rc = rn_model_opts_load(&k->o->model, &k->model, &budget, err);
    if (rc) return rc;
    rn_model_shape(k->model, &k->shape);
    return rn_model_opts_engine(&k->o->model, budget, &k->engine, err);
}

static int open_server(rn_rank *k, rn_err *err)
{
    const char *url = k->o->model.path;
    int rc = rn_server_opts_cost(&k->o->server, NULL, rn_server_opts_name(url), &k->book, &k->entry,
                                 err);
    if (rc) return rc;
    if (k->entry && k->entry->has_shape) k->shape = k->entry->shape;
    rc = rn_server_opts_open(&k->o->server, url, RN_REMOTE_COMPLETIONS, &k->remote, err);
    return rc ? rc : rn_remote_find_scoring(k->remote, &k->scoring, err);
}

int rn_rank_prepare(rn_rank *k, rn_err *err)
{
    int rc = rn_store_open(k->o->store, RN_STORE_WRITE, &k->store, err);
    if (rc) return rc;
    if ((rc = rn_store_each_run(k->store, note_run, k, err))) return rc;
    if (k->n_runs == 0)
        return rn_fail(err, RN_ENOTFOUND, "%s: no run with samples to score%s", k->o->store,
                       k->o->run || k->o->of ? " fits --run and --of" : "");
    if (k->o->consensus.examples || strcmp(k->o->ranker, "consensus") == 0)
        return rn_consensus_open(&k->o->consensus, k->store, &k->consensus, err);
    rc = rn_remote_is_url(k->o->model.path) ? open_server(k, err) : open_model(k, err);
    return rc ? rc : open_ranker(k, err);
}

int rn_rank_score_all(rn_rank *k, rn_err *err)
{
    int rc = rn_store_begin(k->store, err);
    for (size_t i = 0; !rc && i < k->n_runs; i++)
        rc = score_run(k, &k->runs[i], err);
    rn_err late;
    int rc2 = rn_store_commit(k->store, &late); /* also after an error: scored is scored */
    if (!rc && rc2) {
        rc = rc2;
        *err = late;
    }
    return rc;
}

void rn_rank_free(rn_rank *k)
{
    rn_verify_close(k->verify);
    rn_consensus_close(k->consensus);
    free(k->list);
    free(k->runs);
    rn_arena_free(&k->arena);
    rn_model_close(k->model);
    rn_remote_close(k->remote);
    rn_cost_book_free(k->book);
    rn_store_close(k->store);
}
