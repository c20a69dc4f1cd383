/* rank_verifier.c: see rank_verifier.h. Problem by problem, so that what all questions begin with is
 * processed once. */
#include "run/rank_verifier.h"

#include "run/stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A sample that waits for its score. */
typedef struct pending {
    int64_t sample_id;
    rn_bytes program; /* in the problem's arena */
    double sum;       /* the generator's log likelihood of n_tok tokens */
    int64_t n_tok;
} pending;

struct rn_verify {
    rn_verify_opts o;
    rn_verifier *template;
    rn_shape shape;
    rn_store *store;
    int64_t ranker_id;
    /* of the run at work */
    rn_rank_run *run;
    rn_arena run_arena;
    rn_store_cell *cells; /* [n_cells]; NULL: no likelihood scores by the generator */
    double *nll;          /* [n_cells] */
    size_t n_cells, at;
    rn_verify_counts *counts;
    rn_progress progress;
    /* of the problem at work */
    const rn_problem *problem;
    rn_arena arena;
    pending *list; /* [n] */
    size_t n, cap;
    rn_buf code, source;
    rn_err *err; /* of the walk */
};

static int put_ranker(rn_verify *v, rn_err *err)
{
    const rn_verifier *t = v->template;
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "by", "verifier",
                          "model_sha256", v->o.model_sha, "template", t->name, "template_sha256",
                          t->sha, "generator", "mean log likelihood of a token", "kernels",
                          rn_isa_name(v->o.model->isa), "kv", v->o.kv, "version", rn_version());
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(j);
    if (!text) return rn_fail(err, RN_ENOMEM, "out of memory for the ranker's record");
    char name[400];
    bool usual = strcmp(t->name, RN_VERIFIER_DEFAULT) == 0;
    snprintf(name, sizeof name, "verifier%s%s:%s", usual ? "" : "/", usual ? "" : t->name,
             v->o.model_name);
    int rc = rn_store_put_ranker(v->store, name, text, false, &v->ranker_id, err);
    free(text);
    return rc;
}

int rn_verify_open(const rn_verify_opts *o, rn_store *store, rn_verify **out, rn_err *err)
{
    rn_verify *v = calloc(1, sizeof *v);
    if (!v) return rn_fail(err, RN_ENOMEM, "out of memory");
    v->o = *o;
    v->store = store;
    rn_model_shape(o->model, &v->shape);
    int rc = rn_verifier_open(o->verifier ? o->verifier : RN_VERIFIER_DEFAULT, rn_data_dir(o->data),
                              &v->template, err);
    if (!rc) rc = put_ranker(v, err);
    if (rc) {
        rn_verify_close(v);
        return rc;
    }
    *out = v;
    return 0;
}

void rn_verify_close(rn_verify *v)
{
    if (!v) return;
    rn_verifier_free(v->template);
    rn_arena_free(&v->run_arena);
    rn_arena_free(&v->arena);
    rn_buf_free(&v->code);
    rn_buf_free(&v->source);
    free(v->list);
    free(v);
}

/* ---- the generator's likelihood -------------------------------------------------------------- */

typedef struct generator {
    const rn_rank_run *run;
    int64_t ranker_id; /* 0: none */
} generator;

/* A likelihood ranker whose model is the run's own: the same file, or at least the same name. */
static int note_ranker(void *user, const rn_store_ranker_row *row)
{
    generator *g = user;
    if (strncmp(row->name, "nll:", 4) != 0) return 0;
    bool same_file = g->run->model_sha[0] && strstr(row->json, g->run->model_sha);
    if (same_file || strcmp(row->name + 4, g->run->model_name) == 0) g->ranker_id = row->ranker_id;
    return 0;
}

static int load_likelihoods(rn_verify *v, rn_err *err)
{
    generator g = {.run = v->run};
    int rc = rn_store_each_ranker(v->store, v->run->id, note_ranker, &g, err);
    if (rc || g.ranker_id == 0) return rc;
    rc = rn_store_cells(v->store, v->run->id, 0, &v->run_arena, &v->cells, &v->n_cells, err);
    if (!rc)
        rc = rn_store_scores(v->store, v->run->id, g.ranker_id, &v->run_arena, v->n_cells, &v->nll,
                             err);
    return rc;
}

/* False when it is not known. Samples come in the order of the cells. */
static bool likelihood_of(rn_verify *v, const rn_store_sample_row *r, pending *p)
{
    p->n_tok = r->x.gen_tok > 0 ? r->x.gen_tok : 1;
    p->sum = r->x.logprob;
    if (!isnan(r->x.logprob) && r->x.gen_tok > 0) return true;
    while (v->at < v->n_cells && v->cells[v->at].sample_id != r->sample_id)
        v->at++;
    if (v->at == v->n_cells || isnan(v->nll[v->at])) return false;
    p->sum = -v->nll[v->at] * (double)p->n_tok; /* a score is a mean */
    return true;
}

/* ---- one problem ----------------------------------------------------------------------------- */

static void forget_problem(rn_verify *v)
{
    rn_arena_free(&v->arena);
    v->problem = NULL;
    v->n = 0;
}

static int after_pass(void *user, rn_err *err)
{
    rn_verify *v = user;
    if (rn_interrupted) return rn_fail(err, RN_ECANCELLED, "stopped");
    return rn_store_tick(v->store, err);
}

static int put_scores(rn_verify *v, const rn_ask *asks, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < v->n && !rc; i++) {
        const rn_ask *a = &asks[i];
        if (a->too_long) {
            v->counts->n_too_long++;
            continue;
        }
        rn_store_parts parts = {.part = a->log_yes, .cpu_ns = -1, .n_runs = -1};
        rn_store_score x = {.sample_id = v->list[i].sample_id,
                            .ranker_id = v->ranker_id,
                            .score = a->log_yes + v->list[i].sum / (double)v->list[i].n_tok,
                            .sum = v->list[i].sum,
                            .n_tok = v->list[i].n_tok,
                            .wall_ns = a->wall_ns,
                            .flop = rn_flop_sample(&v->shape, a->shared_tok, a->own_tok) +
                                    rn_flop_prompt(&v->shape, a->shared_tok) / (double)v->n,
                            .parts = &parts};
        v->counts->n_scored++;
        rc = rn_store_put_score(v->store, &x, err);
    }
    return rc;
}

static int score_problem(rn_verify *v, rn_err *err)
{
    if (v->n == 0) return 0;
    rn_ask *asks = calloc(v->n, sizeof *asks);
    int rc = asks ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for questions");
    for (size_t i = 0; !rc && i < v->n; i++)
        asks[i] =
            (rn_ask){.prompt = rn_bytes_of(v->problem->prompt), .program = v->list[i].program};
    rn_ask_io io = {.tick = after_pass, .user = v};
    if (!rc)
        rc = rn_verifier_ask(v->template, v->o.model, v->o.engine, asks, (int64_t)v->n, &io, err);
    if (!rc) rc = put_scores(v, asks, err);
    free(asks);
    if (rc) return rc;
    forget_problem(v);
    rn_progress_set(&v->progress, v->counts->n_scored, NULL);
    return rn_store_tick(v->store, err);
}

/* ---- one run --------------------------------------------------------------------------------- */

static int count_row(void *user, const rn_store_sample_row *r)
{
    *(int64_t *)user += !rn_rank_is_cut(r);
    return 0;
}

static int collect(void *user, const rn_store_sample_row *r)
{
    rn_verify *v = user;
    if (rn_rank_is_cut(r)) {
        v->counts->n_cut++;
        return 0;
    }
    const rn_problem *p = rn_rank_problem(v->run, r, v->err);
    if (!p) return RN_EINVAL;
    pending x = {.sample_id = r->sample_id};
    if (!likelihood_of(v, r, &x)) {
        v->counts->n_unlikely++;
        return 0;
    }
    int rc = v->problem && v->problem != p ? score_problem(v, v->err) : 0;
    if (rc) return rc;
    v->problem = p;
    rn_buf_clear(&v->source);
    rc = rn_rank_program(v->run, p, r->x.text, &v->code, &v->source, v->err);
    if (rc) return rc;
    x.program =
        (rn_bytes){rn_arena_dup(&v->arena, v->source.data ? v->source.data : "", v->source.len),
                   v->source.len};
    pending *list = rn_rank_grown(v->list, v->n, &v->cap, sizeof *list);
    if (list) v->list = list;
    if (!list || !x.program.data || !rn_buf_ok(&v->source))
        return rn_fail(v->err, RN_ENOMEM, "out of memory for a list of samples");
    list[v->n++] = x;
    return 0;
}

int rn_verify_run(rn_verify *v, rn_rank_run *run, rn_verify_counts *n, rn_err *err)
{
    v->run = run;
    v->counts = n;
    v->err = err;
    v->at = v->n_cells = 0;
    rn_verify_counts before = *n;
    int64_t total = before.n_scored;
    char label[64];
    snprintf(label, sizeof label, "verifier, run %lld", (long long)run->id);
    int rc = load_likelihoods(v, err);
    if (!rc)
        rc = rn_store_each_unscored(v->store, run->id, v->ranker_id, false, count_row, &total, err);
    rn_progress_start(&v->progress, label, "samples", total);
    if (!rc) rc = rn_store_each_unscored(v->store, run->id, v->ranker_id, true, collect, v, err);
    if (!rc) rc = score_problem(v, err);
    rn_progress_end(&v->progress);
    forget_problem(v);
    rn_arena_free(&v->run_arena);
    v->cells = NULL;
    if (!rc && n->n_scored == before.n_scored && n->n_too_long == before.n_too_long &&
        n->n_unlikely > before.n_unlikely)
        rc = rn_fail(err, RN_ENOTFOUND,
                     "run %lld: no sample of %s has a likelihood under its generator; score them "
                     "first: ration rank -m %s.gguf --of %s",
                     (long long)run->id, run->model_name, run->model_name, run->model_name);
    return rc;
}
