/* rank_stage.c: rn_stage_rank: scores the samples of a store. See rank_priv.h. */
#include "run/identity.h"
#include "run/rank_priv.h"
#include "run/set_file.h"

#include "run/study.h"

static const rn_ranker *const rankers[] = {&rn_rank_by_nll, &rn_rank_by_verifier,
                                           &rn_rank_by_consensus, &rn_rank_by_examples,
                                           &rn_rank_by_tests};

/* A model scores by likelihood; without one there is what the prompt shows. */
static const rn_ranker *find_ranker(const rn_rank_options *o)
{
    const char *name = o->ranker ? o->ranker : o->model.source ? "nll" : "examples";
    if (strchr(name, '+')) return &rn_rank_by_combination;
    for (size_t i = 0; i < sizeof rankers / sizeof rankers[0]; i++)
        if (strcmp(name, rankers[i]->name) == 0) return rankers[i];
    return NULL;
}

/* ---- what rankers call ----------------------------------------------------------------------- */

int rn_ranking_put_ranker(rn_ranking *k, const char *name, const rn_ranker_identity *r, rn_err *err)
{
    rn_buf b = {0};
    rn_ranker_identity_write(r, &b);
    int rc = rn_buf_ok(&b) ? rn_store_put_ranker(k->store, name, b.data, k->by->lower_is_better,
                                                 &k->ranker_id, err)
                           : rn_nomem(err, "ranker's record");
    rn_buf_free(&b);
    return rc;
}

int rn_ranking_put_score(rn_ranking *k, const rn_store_score *x, rn_err *err)
{
    assert(x->sample_id > 0 && x->ranker_id == k->ranker_id);
    k->out->n_scored++;
    return rn_store_put_score(k->store, x, err);
}

int rn_ranking_tick(void *ranking, rn_err *err)
{
    rn_ranking *k = ranking;
    char what[64];
    snprintf(what, sizeof what, "%s, run %lld", k->by->name, (long long)k->run->id);
    const rn_progress_step step = {what, "samples", k->out->n_scored - k->n_before, k->n_due, NULL};
    rn_watch_step(&k->o->watch, &step);
    int rc = rn_watch_check(&k->o->watch, err);
    return rc ? rc : rn_store_tick(k->store, err);
}

/* ---- one run --------------------------------------------------------------------------------- */

static bool is_cut(const rn_store_sample_row *r)
{
    return strcmp(r->x.finish, "length") == 0;
}

/* The problem that a sample answers; NULL with an error when the set has none of that id. */
static const rn_problem *problem_of(rn_ranking *k, const rn_store_sample_row *r)
{
    const rn_problem *p = rn_taskset_find(k->set, r->task_id);
    if (!p) rn_fail(k->err, RN_EINVAL, "problem %s is not in %s", r->task_id, k->set->name);
    return p;
}

/* A problem is one process' as a whole: consensus compares all of its samples, and a model reads
 * its prompt once for all of them. */
static bool is_mine(const rn_ranking *k, const rn_problem *p, int64_t idx)
{
    const rn_share_problem at = {p->task_id, (size_t)(p - k->set->problems), k->set->n, true};
    if (!k->chosen[p - k->set->problems]) return false;
    return rn_share_has(k->share, &at, idx);
}

static int note_due(void *user, const rn_store_sample_row *r)
{
    rn_ranking *k = user;
    if (is_cut(r)) {
        k->out->n_cut++;
        return 0;
    }
    const rn_problem *p = problem_of(k, r);
    if (!p) return RN_EINVAL;
    if (!is_mine(k, p, r->x.idx)) return 0;
    k->due[p - k->set->problems] = true;
    k->n_due++;
    return 0;
}

static int count_whole(void *user, const rn_store_sample_row *r)
{
    rn_ranking *k = user;
    const rn_problem *p = problem_of(k, r);
    if (!p) return RN_EINVAL;
    k->n_due += k->due[p - k->set->problems] && !is_cut(r);
    return 0;
}

static int score_items(rn_ranking *k, rn_err *err)
{
    if (k->items.n == 0) return 0;
    int rc = k->by->score(k, err);
    k->items.n = 0;
    rn_arena_free(&k->problem_arena);
    return rc ? rc : rn_ranking_tick(k, err);
}

static int collect(void *user, const rn_store_sample_row *r)
{
    rn_ranking *k = user;
    if (is_cut(r)) return 0;
    const rn_problem *p = problem_of(k, r);
    if (!p) return RN_EINVAL;
    if (!k->due[p - k->set->problems] || !is_mine(k, p, r->x.idx)) return 0;
    int rc = p != k->problem ? score_items(k, k->err) : 0;
    if (rc) return rc;
    k->problem = p;
    k->problem_id = r->x.problem_id;
    rn_bytes text = r->x.text;
    const char *copy = rn_arena_dup(&k->problem_arena, text.data ? text.data : "", text.len);
    rn_rank_item item = {.sample_id = r->sample_id,
                         .gen_tok = r->x.gen_tok,
                         .logprob = r->x.logprob,
                         .text = {copy, text.len},
                         .stopped = strcmp(r->x.finish, "stop") == 0};
    if (copy && rn_vec_push(&k->items, item)) return 0;
    return rn_nomem(k->err, "list of samples");
}

/* ---- units ----------------------------------------------------------------------------------- */

/* Seconds per byte of text, and per program that is executed: what counts is that they are in
 * proportion. */
static const double byte_s = 1e-5, program_s = 0.03;

static int add_todo(void *user, const rn_store_sample_row *r)
{
    rn_ranking *k = user;
    if (is_cut(r)) return 0;
    const rn_problem *p = problem_of(k, r);
    if (!p) return RN_EINVAL;
    if (!k->due[p - k->set->problems] || !is_mine(k, p, r->x.idx)) return 0;
    double s = k->by->whole ? program_s : byte_s * (double)r->text_bytes;
    rn_unit *last = k->units.v.n ? &k->units.v.data[k->units.v.n - 1] : NULL;
    if (last && last->run_id == k->run->id && last->problem_id == r->x.problem_id) {
        last->to = r->x.idx + 1;
        last->n++;
        last->seconds += s;
        return 0;
    }
    const rn_unit x = {.run_id = k->run->id,
                       .problem_id = r->x.problem_id,
                       .task_id = p->task_id,
                       .from = r->x.idx,
                       .to = r->x.idx + 1,
                       .n = 1,
                       .seconds = s,
                       .whole = true};
    return rn_units_add(&k->units, &x, k->err);
}

/* The samples that are scored together: all where a score depends on the others. */
static rn_store_samples scored_together(const rn_ranking *k, bool with_text)
{
    return (rn_store_samples){.run_id = k->run->id,
                              .unscored_ranker = k->by->whole ? 0 : k->ranker_id,
                              .with_text = with_text};
}

static int walk_samples(rn_ranking *k, rn_err *err)
{
    const rn_store_samples unscored = {.run_id = k->run->id, .unscored_ranker = k->ranker_id},
                           all = {.run_id = k->run->id}, listed = scored_together(k, false),
                           read = scored_together(k, true);
    k->err = err;
    k->problem = NULL;
    k->n_due = 0;
    int rc = rn_store_each_sample(k->store, &unscored, note_due, k, err);
    const int64_t n_unscored = k->n_due;
    if (!rc && k->by->whole) {
        k->n_due = 0;
        rc = rn_store_each_sample(k->store, &all, count_whole, k, err);
    }
    if (!rc && k->o->share.todo) return rn_store_each_sample(k->store, &listed, add_todo, k, err);
    if (!rc && k->by->begin) rc = k->by->begin(k, err);
    if (!rc && n_unscored) rc = rn_store_each_sample(k->store, &read, collect, k, err);
    if (!rc) rc = score_items(k, err);
    if (!rc && k->by->end) rc = k->by->end(k, err);
    rn_watch_end(&k->o->watch);
    k->items.n = 0;
    rn_arena_free(&k->problem_arena);
    return rc;
}

/* RN_EINVAL when the set is another version than the one that the run was made with. */
static int open_run(rn_ranking *k, const rn_rank_run *r, rn_err *err)
{
    const rn_rank_options *o = k->o;
    k->run = r;
    const char *data = rn_data_dir(o->data_dir);
    int rc = o->set ? rn_taskset_open(o->set, data, &k->set, err)
                    : rn_set_reopen(k->store, r->set_name, data, &k->set, err);
    if (rc) return rn_err_prefix(err, "run %lld", (long long)r->id);
    if (r->set_hash[0] && strcmp(r->set_hash, k->set->hash) != 0)
        return rn_fail(
            err, RN_EINVAL,
            "run %lld was made with another version of %s (hash %.12s, here %.12s); name the "
            "right file with -t",
            (long long)r->id, r->set_name, r->set_hash, k->set->hash);
    k->preset = rn_preset_find(o->preset           ? rn_paper_prompt(o->preset)
                               : r->preset_name[0] ? r->preset_name
                                                   : k->set->preset);
    k->recipe = rn_recipe_of(o->extractor, r->preset_name, r->settings_text);
    rc = rn_json_parse(rn_bytes_of(r->settings_text), (rn_json_at){"settings", 0}, &k->settings,
                       err);
    if (rc) return rc;
    k->due = calloc(k->set->n + 1, sizeof *k->due);
    k->chosen = calloc(k->set->n + 1, 1);
    if (!k->due || !k->chosen) return rn_nomem(err, "problems");
    return rn_select(&o->select, k->set, k->chosen, NULL, err);
}

static void close_run(rn_ranking *k)
{
    json_decref(k->settings);
    rn_taskset_free(k->set);
    free(k->due);
    free(k->chosen);
    k->chosen = NULL;
    k->settings = NULL;
    k->set = NULL;
    k->due = NULL;
}

static int score_run(rn_ranking *k, const rn_rank_run *r, rn_err *err)
{
    k->n_before = k->out->n_scored;
    int rc = open_run(k, r, err);
    if (!rc) rc = walk_samples(k, err);
    close_run(k);
    if (rc && rc != RN_ECANCELLED) return rc;
    k->out->runs[k->out->n_runs++] = (rn_rank_run_row){
        .run_id = r->id, .n_scored = k->out->n_scored - k->n_before, .n_due = k->n_due};
    return rc;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static int note_run(void *user, const rn_store_run_row *r)
{
    rn_ranking *k = user;
    if (strcmp(r->kind, "sample") != 0 || r->n_samples == 0) return 0;
    if (k->o->run_id && r->run_id != k->o->run_id) return 0;
    if (k->o->of && strcmp(r->model_name, k->o->of) != 0) return 0;
    rn_arena *a = &k->arena;
    rn_rank_run run = {.id = r->run_id,
                       .set_name = rn_arena_strdup(a, r->set_name),
                       .set_hash = rn_arena_strdup(a, r->set_hash),
                       .preset_name = rn_arena_strdup(a, r->preset),
                       .settings_text = rn_arena_strdup(a, r->settings),
                       .model_name = rn_arena_strdup(a, r->model_name),
                       .model_sha = rn_arena_strdup(a, r->model_sha)};
    bool ok = run.set_name && run.set_hash && run.preset_name && run.settings_text &&
              run.model_name && run.model_sha && rn_vec_push(&k->runs, run);
    return ok ? 0 : rn_nomem(k->err, "list of runs");
}

static int find_runs(rn_ranking *k, rn_err *err)
{
    k->err = err;
    int rc = rn_store_each_run(k->store, note_run, k, err);
    if (rc) return rc;
    if (k->runs.n == 0)
        return rn_fail(err, RN_ENOTFOUND, "%s: no run with samples to score%s",
                       rn_store_path(k->store),
                       k->o->run_id || k->o->of ? " fits --run and --of" : "");
    k->out->runs = calloc(k->runs.n, sizeof *k->out->runs);
    return k->out->runs ? 0 : rn_nomem(err, "list of runs");
}

static int score_runs(rn_ranking *k, rn_err *err)
{
    int rc = rn_share_open(&k->o->share, &k->share, err);
    if (!rc) rc = find_runs(k, err);
    if (!rc) rc = k->by->open(k, err);
    if (!rc) rc = rn_watch_log_begin(&k->o->watch, k->store, &k->command_id, err);
    if (!rc) rc = rn_store_begin(k->store, err);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < k->runs.n; i++)
        rc = score_run(k, &k->runs.data[i], err);
    rc = rn_stage_commit(k->store, rc, err); /* also after an error: scored is scored */
    return !rc && k->o->share.todo ? rn_units_write(&k->units, k->o->share.todo, err) : rc;
}

void rn_rank_options_init(rn_rank_options *o)
{
    *o = (rn_rank_options){.ranker = NULL};
}

int rn_rank_options_check(const rn_rank_options *o, rn_err *err)
{
    int rc = rn_share_check(&o->share, err);
    if (rc) return rc;
    const rn_ranker *by = find_ranker(o);
    if (!by)
        return rn_fail(err, RN_EINVAL,
                       "no ranker '%s'; there is examples, nll, verifier, consensus and tests, and "
                       "several of them, e.g. examples+nll or logit:examples+nll",
                       o->ranker);
    if (o->extractor && !rn_extractor_find(o->extractor))
        return rn_fail(err, RN_EINVAL, "unknown extractor '%s'; 'man ration-judge' lists them",
                       o->extractor);
    if (by->asks && !by->whole) {
        if (by == &rn_rank_by_verifier && o->model.source && rn_source_is_server(&o->model))
            return rn_fail(err, RN_EINVAL,
                           "the verifier needs a model file: servers score texts, not answers");
        return rn_model_source_check(&o->model, err);
    }
    if (by->asks && (rc = rn_model_source_check(&o->model, err))) return rc;
    if (o->model.source && !by->asks)
        return rn_fail(err, RN_EINVAL, "%s executes programs: it has no model", by->name);
    if (o->question && !by->asks)
        return rn_fail(err, RN_EINVAL, "--question belongs to --ranker tests");
    if (o->agree && strcmp(o->agree, "mbr") != 0 && strcmp(o->agree, "codet") != 0)
        return rn_fail(err, RN_EINVAL, "--agree is mbr or codet");
    if (o->inputs < 0 || o->inputs > RN_JUDGE_MAX_VALUES)
        return rn_fail(err, RN_EINVAL, "--inputs is 1 to %d", RN_JUDGE_MAX_VALUES);
    if (!(o->cpu_s >= 0 && o->cpu_s <= 3600))
        return rn_fail(err, RN_EINVAL, "--cpu-limit is a number of seconds up to 3600");
    if (o->jobs < 0 || o->jobs > 256) return rn_fail(err, RN_EINVAL, "--jobs is 1 to 256");
    return 0;
}

int rn_stage_rank(rn_store *s, const rn_rank_options *o, rn_rank_summary *out, rn_err *err)
{
    *out = (rn_rank_summary){0};
    out->ranker = find_ranker(o) ? find_ranker(o)->name : NULL;
    int rc = rn_rank_options_check(o, err);
    if (rc) return rc;
    rn_ranking k = {.o = o, .out = out, .store = s, .by = find_ranker(o)};
    rc = score_runs(&k, err);
    if (k.opened.remote) {
        const rn_remote_usage *u = rn_remote_ledger(k.opened.remote);
        out->spent = rn_server_summary(&k.opened, u);
        if (u->n_requests) rn_server_put_note(&k.opened, u, NULL, s, k.command_id, NULL);
    }
    out->incomplete = out->n_too_long + out->n_refused + out->n_unlikely + out->n_failed > 0;
    rn_watch_log_end(s, k.command_id, rc, out->incomplete);
    if (k.by->close) k.by->close(&k);
    rn_opened_close(&k.opened);
    rn_share_close(k.share);
    rn_units_free(&k.units);
    rn_vec_free(&k.runs);
    rn_vec_free(&k.items);
    rn_buf_free(&k.code);
    rn_buf_free(&k.source);
    rn_arena_free(&k.arena);
    return rc;
}

void rn_rank_summary_free(rn_rank_summary *out)
{
    free(out->runs);
    free(out->spent);
    *out = (rn_rank_summary){0};
}
