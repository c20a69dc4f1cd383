/*
 * cmd_rank.c: `ration rank`: scores the samples of a store. The likelihood ranker is here, the
 * verifier and consensus in files of their own.
 *
 * Samples that ran into their token limit are left out, as method and report do; so are texts
 * without a token and those that do not fit the model's context, which are counted. What has a
 * score is not scored again.
 */
#include "base/hash.h"
#include "cli/commands.h"
#include "cli/rank_consensus.h"
#include "cli/rank_verifier.h"
#include "cli/server_opts.h"
#include "model/chat.h"
#include "rank/nll_server.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct options {
    rn_model_opts model;
    rn_server_opts server;
    const char *ranker, *store, *of, *name, *verifier;
    rn_rank_source source;
    rn_consensus_opts consensus;
    int64_t run;
} options;

/* One sample that waits for its score. */
typedef struct pending {
    int64_t sample_id;
    char *text; /* owned */
    size_t len;
    bool ended;
} pending;

typedef struct rank {
    const options *o;
    rn_model *model;
    rn_shape shape;
    rn_engine_opts engine;
    rn_remote *remote; /* instead of model and engine */
    rn_remote_scoring scoring;
    rn_cost_book *book;
    const rn_cost *entry; /* that gives shape and prices of a server's model; NULL none */
    rn_store *store;
    rn_arena arena;    /* the runs */
    rn_rank_run *runs; /* [n_runs] */
    size_t n_runs, cap_runs;
    int64_t ranker_id, command_id;
    rn_verify *verify; /* the other rankers; NULL: not this one */
    rn_consensus *consensus;
    rn_verify_counts verified;
    rn_consensus_counts agreed;
    /* of the run at work */
    rn_rank_run *run;
    rn_chat chat;
    /* of the problem at work */
    int64_t ord, problem_id;
    pending *list; /* [n] */
    size_t n, cap;
    rn_nll_text *texts; /* [n] */
    int64_t prompt_tok, n_siblings;
    /* counts */
    int64_t n_scored, n_cut, n_empty, n_too_long, n_refused;
    char refusal[200]; /* the last one's reason */
    rn_progress progress;
    rn_err *err;
} rank;

/* ---- which runs --------------------------------------------------------------------------------
 */

static int note_run(void *user, const rn_store_run_row *r)
{
    rank *k = user;
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
static char *describe_ranker(const rank *k, rn_err *err)
{
    char sha[RN_SHA256_HEX];
    json_t *j = json_pack("{s:s, s:s}", "by", "nll", "version", rn_version());
    if (k->remote) {
        json_object_set_new(j, "server", json_string(rn_remote_url(k->remote)));
        json_object_set_new(j, "server_model", json_string(rn_remote_model(k->remote)));
        json_object_set_new(j, "scoring", json_string(rn_remote_scoring_name(k->scoring)));
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

static int open_verifier(rank *k, const char *model, rn_err *err)
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

static int open_ranker(rank *k, rn_err *err)
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
static int open_prompts(rank *k, rn_err *err)
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
static bool ended_by_token(const rank *k, const rn_store_sample *x)
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

static int encode_prompt(rank *k, rn_bytes text, rn_ids *ids, rn_err *err)
{
    const char *system = json_string_value(json_object_get(k->run->settings, "system"));
    int rc = k->chat == RN_CHAT_NONE
                 ? rn_tok_encode(k->model->tok, text, RN_TOK_BOS, ids, err)
                 : rn_chat_encode(k->chat, k->model->tok, rn_bytes_of(system), text, ids, err);
    if (rc || ids->n) return rc;
    return rn_fail(err, RN_EINVAL,
                   "the prompt of %s is empty and the model has no token to begin with",
                   k->run->set->problems[k->ord].task_id);
}

static int put_score(void *user, int64_t i, rn_err *err)
{
    rank *k = user;
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
    rank *k = user;
    rn_progress_set(&k->progress, k->n_scored, NULL);
    if (rn_interrupted) return rn_fail(err, RN_ECANCELLED, "stopped");
    return rn_store_tick(k->store, err);
}

static void clear_list(rank *k)
{
    for (size_t i = 0; i < k->n; i++)
        free(k->list[i].text);
    k->n = 0;
}

static int score_here(rank *k, rn_bytes text, const rn_nll_io *io, rn_err *err)
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
static int put_note(rank *k, rn_err *err)
{
    char *note = rn_server_note(k->remote, NULL, k->entry);
    int rc = note ? rn_store_log_note(k->store, k->command_id, note, err)
                  : rn_fail(err, RN_ENOMEM, "out of memory for the ledger");
    free(note);
    return rc;
}

/* Scores what was collected of one problem. */
static int score_problem(rank *k, rn_err *err)
{
    if (k->n == 0) return 0;
    rn_buf prompt = {0};
    int64_t next_idx;
    k->texts = calloc(k->n, sizeof *k->texts);
    int rc = k->texts ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for texts");
    for (size_t i = 0; !rc && i < k->n; i++)
        k->texts[i] =
            (rn_nll_text){.text = {k->list[i].text, k->list[i].len}, .ended = k->list[i].ended};
    if (!rc)
        rc = rn_prompt_build(k->run->preset, k->run->set, &k->run->set->problems[k->ord], &prompt,
                             err);
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
    if (!rc && k->remote) rc = put_note(k, err);
    rn_buf_free(&prompt);
    free(k->texts);
    k->texts = NULL;
    clear_list(k);
    return rc;
}

static int collect(void *user, const rn_store_sample_row *r)
{
    rank *k = user;
    if (rn_rank_is_cut(r)) {
        k->n_cut++;
        return 0;
    }
    if (r->ord < 0 || (size_t)r->ord >= k->run->set->n)
        return rn_fail(k->err, RN_EINVAL, "problem %s is not in %s", r->task_id, k->run->set->name);
    if (k->n && r->ord != k->ord) {
        int rc = score_problem(k, k->err);
        if (rc) return rc;
    }
    k->ord = r->ord;
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

static int score_likelihoods(rank *k, int64_t *total, rn_err *err)
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
static int64_t n_scored(const rank *k)
{
    return k->n_scored + k->verified.n_scored + k->agreed.n_scored;
}

static int score_run(rank *k, rn_rank_run *r, rn_err *err)
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

/* ---- the command -------------------------------------------------------------------------------
 */

static int open_model(rank *k, rn_err *err)
{
    size_t budget = 0;
    int rc = rn_model_opts_load(&k->o->model, &k->model, &budget, err);
    if (rc) return rc;
    rn_model_shape(k->model, &k->shape);
    return rn_model_opts_engine(&k->o->model, budget, &k->engine, err);
}

static int open_server(rank *k, rn_err *err)
{
    const char *url = k->o->model.path;
    int rc = rn_server_opts_cost(&k->o->server, NULL, rn_server_opts_name(url), &k->book, &k->entry,
                                 err);
    if (rc) return rc;
    if (k->entry && k->entry->has_shape) k->shape = k->entry->shape;
    rc = rn_server_opts_open(&k->o->server, url, RN_REMOTE_COMPLETIONS, &k->remote, err);
    return rc ? rc : rn_remote_find_scoring(k->remote, &k->scoring, err);
}

static int prepare(rank *k, rn_err *err)
{
    int rc = rn_store_open(k->o->store, RN_STORE_WRITE, &k->store, err);
    if (rc) return rc;
    if ((rc = rn_store_each_run(k->store, note_run, k, err))) return rc;
    if (k->n_runs == 0)
        return rn_fail(err, RN_ENOTFOUND, "%s: no run with samples to score%s", k->o->store,
                       k->o->run || k->o->of ? " fits --run and --of" : "");
    if (strcmp(k->o->ranker, "consensus") == 0)
        return rn_consensus_open(&k->o->consensus, k->store, &k->consensus, err);
    rc = rn_remote_is_url(k->o->model.path) ? open_server(k, err) : open_model(k, err);
    return rc ? rc : open_ranker(k, err);
}

static int score_all(rank *k, rn_err *err)
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

static void report_server(rank *k)
{
    if (!k->remote || rn_remote_ledger(k->remote)->n_requests == 0) return;
    rn_buf line = {0};
    rn_server_summary(rn_remote_ledger(k->remote), k->entry, &line);
    if (rn_buf_ok(&line)) printf("%s: %s\n", rn_remote_url(k->remote), line.data);
    rn_buf_free(&line);
    if (k->n_refused)
        fprintf(stderr, "ration rank: %lld texts got no score, e.g.: %s\n", (long long)k->n_refused,
                k->refusal);
    if (k->command_id) put_note(k, NULL);
}

/* What was scored and what was left out; the exit status. */
static int print_counts(const rank *k)
{
    const rn_consensus_counts *c = &k->agreed;
    const rn_verify_counts *v = &k->verified;
    if (k->consensus) {
        printf(
            "%lld scored; left out: %lld at their token limit, %lld that the sandbox failed on\n",
            (long long)c->n_scored, (long long)c->n_cut, (long long)c->n_failed);
        printf(
            "%lld programs executed: %.1f CPU seconds, %.1f s of wall-time one after the other\n",
            (long long)c->n_runs, c->cpu_s, c->wall_s);
        if (c->n_blind)
            printf("%lld of %lld problems show no example to make inputs from: all their samples "
                   "have the same score\n",
                   (long long)c->n_blind, (long long)c->n_problems);
        return c->n_failed ? RN_EXIT_MISSING : RN_EXIT_DONE;
    }
    if (k->verify) {
        printf("%lld scored; left out: %lld at their token limit, %lld without a likelihood under "
               "their generator, %lld too long for the context\n",
               (long long)v->n_scored, (long long)v->n_cut, (long long)v->n_unlikely,
               (long long)v->n_too_long);
        return v->n_unlikely || v->n_too_long ? RN_EXIT_MISSING : RN_EXIT_DONE;
    }
    printf("%lld scored; left out: %lld at their token limit, %lld without a token, %lld too long "
           "for the context\n",
           (long long)k->n_scored, (long long)k->n_cut, (long long)k->n_empty,
           (long long)k->n_too_long);
    return k->n_too_long + k->n_refused ? RN_EXIT_MISSING : RN_EXIT_DONE;
}

/* Checks the values without opening anything: -1 to go on, or the exit status after a message. */
static int check_options(const rn_command *cmd, options *o)
{
    bool consensus = strcmp(o->ranker, "consensus") == 0;
    if (strcmp(o->ranker, "nll") != 0 && strcmp(o->ranker, "verifier") != 0 && !consensus)
        return rn_opt_usage(cmd, "no ranker '%s'; there is nll, verifier and consensus", o->ranker);
    if (!o->store) return rn_opt_usage(cmd, "give a store with -s FILE");
    if (o->source.extractor && !rn_extractor_known(o->source.extractor))
        return rn_opt_usage(cmd, "unknown extractor '%s'; 'man ration-judge' lists them",
                            o->source.extractor);
    if (!consensus && o->model.path && rn_remote_is_url(o->model.path) &&
        strcmp(o->ranker, "verifier") == 0)
        return rn_opt_usage(cmd,
                            "the verifier needs a model file: servers score texts, not answers");
    if (!consensus) return rn_server_opts_check(cmd, &o->server, &o->model);
    if (o->model.path) return rn_opt_usage(cmd, "consensus executes programs: it has no model");
    o->consensus.extractor = o->source.extractor;
    const char *wrong = rn_consensus_check(&o->consensus);
    return wrong ? rn_opt_usage(cmd, "%s", wrong) : -1;
}

int rn_cmd_rank(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("rank");
    options o = {.ranker = "nll", .server = RN_SERVER_OPTS_NONE};
    const rn_opt table[] = {
        RN_OPT_STR(0, "ranker", &o.ranker, "RANKER",
                   "nll (default): mean negative log likelihood; verifier: a model's yes or no; "
                   "consensus: programs that agree"),
        RN_OPT_STR(0, "by", &o.ranker, "RANKER", "the same as --ranker"),
        RN_ANY_MODEL_OPTIONS(&o.model, &o.server),
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
        RN_OPT_INT(0, "run", &o.run, "ID", "only this run"),
        RN_OPT_STR(0, "of", &o.of, "MODEL", "only runs of this model"),
        RN_OPT_STR('t', "set", &o.source.set, "SET",
                   "where the runs' problem set lies; default: its name"),
        RN_OPT_STR(0, "preset", &o.source.preset, "NAME", "prompt preset; default: the run's"),
        RN_OPT_STR(0, "name", &o.name, "NAME", "the ranking model's name; default: the file's"),
        RN_OPT_STR(0, "data", &o.source.data, "DIR", "where problem sets lie"),
        RN_OPT_STR(0, "extractor", &o.source.extractor, "NAME",
                   "verifier, consensus: how the program is taken from the text (default: the "
                   "run's own)"),
        RN_OPT_STR(0, "verifier", &o.verifier, "NAME|FILE",
                   "verifier: the question (default: function)"),
        RN_CONSENSUS_OPTIONS(&o.consensus),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd,
                                 "Scores the samples of a store. What has a score is kept; "
                                 "after an interruption run the same command again.",
                                 table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if ((rc = check_options(cmd, &o)) >= 0) return rc;

    rn_err err = {0};
    rank k = {.o = &o, .err = &err};
    rn_opt_catch_signals();
    rc = prepare(&k, &err);
    if (!rc) rc = rn_store_log_begin(k.store, cmd->name, argc, argv, &k.command_id, &err);
    if (!rc) rc = score_all(&k, &err);
    int status = RN_EXIT_DONE;
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration rank: stopped; the same command continues\n");
        status = RN_EXIT_MISSING;
    } else if (rc) {
        status = rn_opt_failure(cmd, &err);
    } else {
        status = print_counts(&k);
    }
    report_server(&k);
    if (k.command_id) rn_store_log_end(k.store, k.command_id, status, NULL);
    rn_verify_close(k.verify);
    rn_consensus_close(k.consensus);
    free(k.list);
    free(k.runs);
    rn_arena_free(&k.arena);
    rn_model_close(k.model);
    rn_remote_close(k.remote);
    rn_cost_book_free(k.book);
    rn_store_close(k.store);
    return status;
}
