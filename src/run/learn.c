/*
 * learn.c: what is expected of the models before the first sample: from a store's recorded outcomes
 * of other problems, or the documented defaults (prior.h).
 *
 * With tests an outcome is a verdict. Without, the end of the search is a sample that passes all
 * examples: that is what is learnt, where the store has scores of the ranker `examples`; else the
 * verdicts stand in for it.
 *
 * A model of the store is an arm's when their names are equal (or their files); of several runs the
 * one with the most samples counts. Problems are matched by the id in their set; the problem that
 * is to be solved is left out, so that nothing is learnt from its own answer.
 */
#include "run/solve_priv.h"
#include "stat/votes.h"

typedef struct chosen {
    const rn_solve_state *s;
    int64_t run_id[RN_PRIOR_MAX_ARM], n_samples[RN_PRIOR_MAX_ARM], set_id[RN_PRIOR_MAX_ARM];
} chosen;

static int choose_run(void *user, const rn_store_run_row *r)
{
    chosen *c = user;
    if (strcmp(r->kind, "sample") != 0 || strcmp(r->set_name, "folder") == 0) return 0;
    int64_t n = r->n_samples + r->n_counts;
    for (int i = 0; i < c->s->n_arms; i++) {
        const rn_sampler *a = c->s->arms[i].sampler;
        const char *cost = a->o.model->cost;
        bool same = strcmp(r->model_name, a->m.name) == 0 ||
                    (a->m.sha[0] && r->model_sha && strcmp(r->model_sha, a->m.sha) == 0) ||
                    (cost && r->model_cost && strcmp(r->model_cost, cost) == 0);
        if (!same || n <= c->n_samples[i]) continue;
        c->run_id[i] = r->run_id;
        c->n_samples[i] = n;
        c->set_id[i] = r->set_id;
    }
    return 0;
}

/* ---- without tests --------------------------------------------------------------------------- */

/* Problems of a set with the samples of a run that pass all of their examples. */
typedef struct stops {
    rn_arena *arena;
    int64_t ranker_id; /* 0: none */
    const rn_store_cell *cells;
    const rn_store_grouping *by;
    size_t n_cells, at;
    rn_store_outcome *rows; /* [n] */
    size_t n, cap;
} stops;

static int note_examples(void *user, const rn_store_ranker_row *row)
{
    stops *x = user;
    if (strcmp(row->name, "examples") == 0) x->ranker_id = row->ranker_id;
    return 0;
}

/* Cells come in the order of the problems. A problem that tells no example stops nothing. */
static int count_stops(void *user, const rn_store_problem_row *row)
{
    stops *x = user;
    rn_store_outcome o = {.ord = row->x.ord};
    for (; x->at < x->n_cells && x->cells[x->at].problem_id == row->problem_id; x->at++) {
        const int known = rn_votes_at(x->by->votes[x->at], RN_VOTES_KNOWN);
        if (known == 0 || isnan(x->by->part[x->at])) continue;
        o.n++;
        o.c += x->by->part[x->at] >= known;
    }
    if (o.n == 0 || x->n == x->cap) return 0;
    o.task_id = rn_arena_strdup(x->arena, row->x.task_id);
    x->rows[x->n++] = o;
    return o.task_id ? 0 : RN_ENOMEM;
}

/* As rn_store_outcomes, of stopping; *n is 0 where nothing was ranked by examples. */
static int stop_outcomes(rn_store *store, const chosen *c, int i, rn_arena *arena,
                         rn_store_outcome **out, size_t *n, rn_err *err)
{
    stops x = {.arena = arena};
    rn_store_cell *cells = NULL;
    rn_store_grouping by;
    *n = 0;
    int rc = rn_store_each_ranker(store, c->run_id[i], note_examples, &x, err);
    if (rc || x.ranker_id == 0) return rc;
    rc = rn_store_cells(store, c->run_id[i], 0, arena, &cells, &x.n_cells, err);
    if (!rc) rc = rn_store_groups(store, c->run_id[i], x.ranker_id, arena, x.n_cells, &by, err);
    if (rc) return rc;
    x.cells = cells;
    x.by = &by;
    x.cap = x.n_cells;
    x.rows = rn_arena_array(arena, x.cap + 1, sizeof *x.rows);
    if (!x.rows) return rn_nomem(err, NULL);
    rc = rn_store_each_problem(store, c->set_id[i], count_stops, &x, err);
    *out = x.rows;
    *n = x.n;
    return rc;
}

/* ---- the prior ------------------------------------------------------------------------------- */

typedef RN_VEC(const char *) columns; /* ids of problems */

/* The column of a problem among those seen so far; SIZE_MAX when memory is out. */
static size_t column_of(columns *ids, const char *id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (strcmp(ids->data[i], id) == 0) return i;
    return rn_vec_push(ids, id) ? ids->n - 1 : SIZE_MAX;
}

static int fill_counts(rn_solve_state *s, const chosen *c, rn_store *store, rn_arena *arena,
                       rn_count *counts[RN_PRIOR_MAX_ARM], size_t *n_problems, rn_err *err)
{
    rn_store_outcome *rows[RN_PRIOR_MAX_ARM];
    size_t n_rows[RN_PRIOR_MAX_ARM];
    columns ids = {0};
    int rc = 0;
    for (int i = 0; !rc && i < s->n_arms; i++) {
        n_rows[i] = 0;
        if (s->o->no_tests) rc = stop_outcomes(store, c, i, arena, &rows[i], &n_rows[i], err);
        if (!rc && n_rows[i] == 0)
            rc = rn_store_outcomes(store, c->run_id[i], 0, arena, &rows[i], &n_rows[i], err);
        for (size_t k = 0; !rc && k < n_rows[i]; k++)
            if (column_of(&ids, rows[i][k].task_id) == SIZE_MAX) rc = rn_nomem(err, NULL);
    }
    for (int i = 0; !rc && i < s->n_arms; i++) {
        counts[i] = rn_arena_array(arena, ids.n + 1, sizeof **counts);
        if (!counts[i]) rc = rn_nomem(err, NULL);
        for (size_t k = 0; !rc && k < n_rows[i]; k++) {
            if (strcmp(rows[i][k].task_id, s->target.task_id) == 0) continue;
            size_t at = column_of(&ids, rows[i][k].task_id);
            counts[i][at] = (rn_count){.n = rows[i][k].n, .c = rows[i][k].c};
        }
    }
    *n_problems = ids.n;
    free((void *)ids.data);
    return rc;
}

static int learn(rn_solve_state *s, rn_store *store, const double *cost, rn_err *err)
{
    chosen c = {.s = s};
    int rc = rn_store_each_run(store, choose_run, &c, err);
    for (int i = 0; !rc && i < s->n_arms; i++)
        if (c.run_id[i] == 0)
            rc = rn_fail(err, RN_ENOTFOUND,
                         "%s holds no samples of %s; name the model as it is named there, or "
                         "leave --learn-from out",
                         s->o->learn_from, s->arms[i].sampler->m.name);
    rn_arena arena = {0};
    rn_count *counts[RN_PRIOR_MAX_ARM];
    size_t n = 0;
    if (!rc) rc = fill_counts(s, &c, store, &arena, counts, &n, err);
    if (!rc)
        rc = rn_prior_learn((const rn_count *const *)counts, (size_t)s->n_arms, n, NULL, cost,
                            &s->prior, err);
    rn_arena_free(&arena);
    return rc;
}

int rn_learn_prior(rn_solve_state *s, const double *cost, rn_err *err)
{
    if (!s->o->learn_from) return rn_prior_default(cost, (size_t)s->n_arms, &s->prior, err);
    rn_store *store;
    int rc = rn_store_open(s->o->learn_from, RN_STORE_READ, &store, err);
    if (rc) return rc;
    rc = learn(s, store, cost, err);
    rn_store_close(store);
    return rc;
}
