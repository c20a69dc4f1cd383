/*
 * rank_verifier.c: a model's answer to "is it correct?" (rank/verifier.h) plus the mean log
 * likelihood of a token under the generator: that recorded with the sample, else a likelihood
 * score by the generating model. Samples with neither are left out and counted.
 */
#include "run/identity.h"
#include "run/rank_priv.h"

#include "rank/verifier.h"

typedef struct verify {
    rn_verifier *template;
    /* of the run at work */
    rn_arena arena;
    rn_store_cell *cells; /* [n_cells]; NULL: no likelihood scores by the generator */
    double *nll;          /* [n_cells] */
    size_t n_cells, at;
    rn_rank_summary before;
} verify;

static int open_verifier(rn_ranking *k, rn_err *err)
{
    verify *v = k->own = calloc(1, sizeof *v);
    if (!v) return rn_nomem(err, NULL);
    rn_opened *m = &k->opened;
    int rc = rn_opened_open(&k->o->model, &k->o->watch, RN_REMOTE_COMPLETIONS, m, err);
    if (!rc) rc = rn_opened_hash(m, err);
    if (!rc)
        rc = rn_verifier_open(k->o->verifier ? k->o->verifier : RN_VERIFIER_DEFAULT,
                              rn_data_dir(k->o->data_dir), &v->template, err);
    if (rc) return rc;
    const rn_verifier *t = v->template;
    const rn_ranker_identity r = {.by = "verifier",
                                  .model_sha = m->sha,
                                  .template = t->name,
                                  .template_sha = t->sha,
                                  .generator = "mean log likelihood of a token",
                                  .kernels = rn_isa_name(rn_isa_bits(m->model->isa)),
                                  .kv = rn_kv_name(m->engine.kv)};
    char name[400];
    bool usual = strcmp(t->name, RN_VERIFIER_DEFAULT) == 0;
    snprintf(name, sizeof name, "verifier%s%s:%s", usual ? "" : "/", usual ? "" : t->name, m->name);
    return rn_ranking_put_ranker(k, name, &r, err);
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

static int begin_run(rn_ranking *k, rn_err *err)
{
    verify *v = k->own;
    generator g = {.run = k->run};
    rn_arena_free(&v->arena);
    v->cells = NULL;
    v->n_cells = v->at = 0;
    v->before = *k->out;
    int rc = rn_store_each_ranker(k->store, k->run->id, note_ranker, &g, err);
    if (rc || g.ranker_id == 0) return rc;
    rc = rn_store_cells(k->store, k->run->id, 0, &v->arena, &v->cells, &v->n_cells, err);
    if (!rc)
        rc =
            rn_store_scores(k->store, k->run->id, g.ranker_id, &v->arena, v->n_cells, &v->nll, err);
    return rc;
}

/* The log likelihood of *n_tok tokens; NAN when it is not known. Items come in the order of the
 * cells. */
static double likelihood_of(verify *v, const rn_rank_item *x, int64_t *n_tok)
{
    *n_tok = x->gen_tok > 0 ? x->gen_tok : 1;
    if (!isnan(x->logprob) && x->gen_tok > 0) return x->logprob;
    while (v->at < v->n_cells && v->cells[v->at].sample_id != x->sample_id)
        v->at++;
    if (v->at == v->n_cells) return NAN;
    return -v->nll[v->at] * (double)*n_tok; /* a score is a mean */
}

/* ---- one problem ----------------------------------------------------------------------------- */

typedef struct question {
    int64_t sample_id, n_tok;
    double sum; /* the generator's log likelihood of n_tok tokens */
} question;

static int put_scores(rn_ranking *k, const question *q, const rn_ask *asks, size_t n, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        const rn_ask *a = &asks[i];
        if (a->too_long) {
            k->out->n_too_long++;
            continue;
        }
        const rn_store_parts parts = {.part = a->log_yes, .cpu_ns = -1, .n_runs = -1};
        const rn_store_score x = {
            .sample_id = q[i].sample_id,
            .ranker_id = k->ranker_id,
            .score = a->log_yes + q[i].sum / (double)q[i].n_tok,
            .sum = q[i].sum,
            .n_tok = q[i].n_tok,
            .wall_ns = a->wall_ns,
            .flop = rn_flop_share(&k->opened.shape, a->shared_tok, a->own_tok, (int64_t)n),
            .parts = &parts};
        rc = rn_ranking_put_score(k, &x, err);
    }
    return rc;
}

static int score_problem(rn_ranking *k, rn_err *err)
{
    verify *v = k->own;
    size_t n = 0;
    question *q = rn_arena_array(&k->problem_arena, k->items.n, sizeof *q);
    rn_ask *asks = rn_arena_array(&k->problem_arena, k->items.n, sizeof *asks);
    int rc = q && asks ? 0 : rn_nomem(err, "questions");
    for (size_t i = 0; !rc && i < k->items.n; i++) {
        const rn_rank_item *x = &k->items.data[i];
        q[n] = (question){.sample_id = x->sample_id};
        q[n].sum = likelihood_of(v, x, &q[n].n_tok);
        if (isnan(q[n].sum)) {
            k->out->n_unlikely++;
            continue;
        }
        rn_buf_clear(&k->source);
        rc = rn_recipe_program(&k->recipe, k->problem, x->text, &k->code, &k->source, NULL, err);
        rn_bytes text = rn_buf_view(&k->source);
        const char *copy = rn_arena_dup(&k->problem_arena, text.data ? text.data : "", text.len);
        if (!rc && !copy) rc = rn_nomem(err, "programs");
        asks[n++] =
            (rn_ask){.prompt = rn_bytes_of(k->problem->prompt), .program = {copy, text.len}};
    }
    const rn_ask_io io = {.tick = rn_ranking_tick, .user = k};
    if (!rc && n)
        rc = rn_verifier_ask(v->template, k->opened.model, &k->opened.engine, asks, (int64_t)n, &io,
                             err);
    return rc ? rc : put_scores(k, q, asks, n, err);
}

static int end_run(rn_ranking *k, rn_err *err)
{
    const verify *v = k->own;
    const rn_rank_summary *out = k->out;
    const char *model = k->run->model_name;
    if (out->n_scored > v->before.n_scored || out->n_too_long > v->before.n_too_long ||
        out->n_unlikely == v->before.n_unlikely)
        return 0;
    return rn_fail(err, RN_ENOTFOUND,
                   "run %lld: no sample of %s has a likelihood under its generator; score them "
                   "first: ration rank -m %s.gguf --of %s",
                   (long long)k->run->id, model, model, model);
}

static void close_verifier(rn_ranking *k)
{
    verify *v = k->own;
    if (!v) return;
    rn_verifier_free(v->template);
    rn_arena_free(&v->arena);
    free(v);
}

const rn_ranker rn_rank_by_verifier = {.name = "verifier",
                                       .asks = true,
                                       .open = open_verifier,
                                       .begin = begin_run,
                                       .score = score_problem,
                                       .end = end_run,
                                       .close = close_verifier};
