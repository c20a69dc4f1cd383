/*
 * replay.c: every policy over the recorded samples of a task; see spend.h.
 *
 * A policy's prior is learnt on the folds that a problem is not in; all samples of a problem take
 * part, also those beyond the robust half of the curves, since a replay asks for single orders. A
 * policy that would buy more of a model than the problem with the fewest samples has is marked.
 */
#include "report/field.h"

#include "stat/fold.h"

#include <stdlib.h>

enum { MAX_WAYS = RN_N_POLICIES + RN_PRIOR_MAX_ARM };

/* One policy: a kind, or, with only >= 0, one model alone. */
typedef struct way {
    rn_policy_kind kind;
    int only; /* arm; -1 */
    const char *name;
    double *score, *cost, *draws; /* [n_rows, m] */
    double *promised;             /* [m], sums over the problems */
} way;

typedef struct job {
    rn_report *r;
    const rn_report_task *t;
    const rn_spend_opts *o;
    const rn_field *f;
    const uint32_t *fold;
    const double *budgets;
    size_t m;
    rn_err *err;
} job;

static int new_policy(const job *j, const way *w, const rn_prior *prior, double budget,
                      rn_policy_arm *price, rn_policy **out)
{
    rn_report_field_prices(j->f, price);
    const rn_policy_spec spec = {w->kind, price, budget};
    int rc = rn_policy_new(&spec, prior, out, j->err);
    for (size_t a = 0; a < j->f->n && !rc && w->only >= 0; a++)
        if ((int)a != w->only) rn_policy_close_arm(*out, (int)a);
    return rc;
}

/* One policy at one budget on the problems of a fold. */
static int replay_fold(const job *j, way *w, const rn_prior *prior, size_t b, uint32_t which)
{
    const rn_field *f = j->f;
    rn_policy_arm price[RN_PRIOR_MAX_ARM];
    rn_policy *p = NULL;
    double chance = 0;
    int rc = new_policy(j, w, prior, j->budgets[b], price, &p);
    if (!rc) rc = rn_policy_promise(p, &chance, NULL, j->err);
    for (size_t i = 0; i < f->n_rows && !rc; i++) {
        if (j->fold[i] != which) continue;
        rn_count counts[RN_PRIOR_MAX_ARM];
        for (size_t a = 0; a < f->n; a++) {
            counts[a] = f->counts[a][i];
            /* Never solved, for want of any sample: it fails as often as it is asked. */
            if (counts[a].n == 0) counts[a].n = f->least_n[a];
        }
        rn_replay x;
        rc = rn_stat_replay(p, f->n, counts, f->cost, j->o->n_orders, j->r->opts.seed, (uint32_t)i,
                            &x, j->err);
        if (rc) break;
        const size_t at = i * j->m + b;
        w->score[at] = x.score;
        w->cost[at] = x.cost;
        w->draws[at] = x.draws;
        w->promised[b] += chance;
    }
    rn_policy_free(p);
    return rc;
}

static int replay_all(const job *j, way *ways, size_t n_ways)
{
    const size_t n = j->f->n_rows;
    double *weight = malloc(n * sizeof *weight);
    int rc = weight ? 0 : rn_report_nomem(j->err);
    for (uint32_t fold = 0; fold < j->o->n_folds && !rc; fold++) {
        rn_prior *prior = NULL;
        rn_stat_fold_weights(j->fold, n, fold, 0, weight);
        rc = rn_report_field_prior(j->f, weight, &prior, j->err);
        for (size_t i = 0; i < n_ways && !rc; i++)
            for (size_t b = 0; b < j->m && !rc; b++)
                rc = replay_fold(j, &ways[i], prior, b, fold);
        rn_prior_free(prior);
    }
    free(weight);
    return rc;
}

/* ---- from tables to rows ----------------------------------------------------------------------- */

/* What the policies do while all fails, by the prior of all problems. */
static int describe(const job *j, const way *ways, size_t n_ways, rn_replay_choice *out)
{
    rn_prior *prior = NULL;
    int rc = rn_report_field_prior(j->f, NULL, &prior, j->err);
    for (size_t i = 0; i < n_ways * j->m && !rc; i++) {
        const double budget = j->budgets[i / n_ways];
        rn_policy_arm price[RN_PRIOR_MAX_ARM];
        rn_policy *p = NULL;
        rn_course course = {0};
        rc = new_policy(j, &ways[i % n_ways], prior, budget, price, &p);
        if (!rc) rc = rn_stat_course(p, price, &course, j->err);
        if (!rc) out[i].course = rn_report_course_text(j->r, j->t, j->f, &course);
        if (!rc) out[i].limited = rn_report_course_limited(price, j->f->n, &course, budget);
        if (!rc && !out[i].course) rc = rn_report_nomem(j->err);
        rn_course_free(&course);
        rn_policy_free(p);
    }
    rn_prior_free(prior);
    return rc;
}

/* Three tables of a way into its cells. */
static int summarise(const job *j, const way *w, rn_replay_choice *out, size_t n_ways)
{
    const size_t m = j->m;
    const double level = j->r->opts.level, n = (double)j->f->n_rows;
    rn_interval *iv = malloc(3 * m * sizeof *iv);
    int rc = iv ? 0 : rn_report_nomem(j->err);
    if (!rc) rc = rn_stat_boot_interval(j->t->boot, w->score, m, level, iv, j->err);
    if (!rc) rc = rn_stat_boot_interval_any(j->t->boot, w->cost, m, level, iv + m, j->err);
    if (!rc) rc = rn_stat_boot_interval_any(j->t->boot, w->draws, m, level, iv + 2 * m, j->err);
    for (size_t b = 0; b < m && !rc; b++) {
        rn_replay_choice *c = &out[b * n_ways];
        c->policy = w->name;
        c->fixed = w->kind != RN_POLICY_ADAPTIVE || w->only >= 0;
        c->promised = w->promised[b] / n;
        c->score = iv[b];
        c->cost = iv[m + b];
        c->draws = iv[2 * m + b];
    }
    free(iv);
    return rc;
}

/* A table's column b, [n_rows], into out. */
static void column(const job *j, const double *table, size_t b, double *out)
{
    for (size_t i = 0; i < j->f->n_rows; i++)
        out[i] = table[i * j->m + b];
}

/* The best fixed policy of a row, and how far the others are ahead of it. */
static int compare(const job *j, const way *ways, size_t n_ways, size_t b, rn_replay_row *row,
                   rn_replay_choice *cells)
{
    double *x = malloc(2 * j->f->n_rows * sizeof *x);
    if (!x) return rn_report_nomem(j->err);
    double *y = x + j->f->n_rows;
    row->best_fixed = -1;
    for (size_t i = 0; i < n_ways; i++)
        if (cells[i].fixed &&
            (row->best_fixed < 0 || cells[i].score.value > cells[row->best_fixed].score.value))
            row->best_fixed = (int)i;
    int rc = 0;
    column(j, ways[row->best_fixed].score, b, y);
    for (size_t i = 0; i < n_ways && !rc; i++) {
        cells[i].ahead = (rn_interval){NAN, NAN, NAN, RN_INTERVAL_NONE};
        if ((int)i == row->best_fixed) continue;
        column(j, ways[i].score, b, x);
        rc = rn_stat_boot_paired(j->t->boot, x, y, 1, j->r->opts.level, &cells[i].ahead, NULL,
                                 j->err);
    }
    free(x);
    return rc;
}

static int leaders(const job *j, const way *ways, size_t n_ways, rn_replay_choice *cells)
{
    const double *tables[MAX_WAYS];
    for (size_t i = 0; i < n_ways; i++)
        tables[i] = ways[i].score;
    double *lead = malloc(n_ways * j->m * sizeof *lead);
    int rc = lead ? rn_stat_boot_leader(j->t->boot, tables, n_ways, j->m, lead, NULL, j->err)
                  : rn_report_nomem(j->err);
    for (size_t i = 0; i < n_ways * j->m && !rc; i++)
        cells[i].first = lead[i % n_ways * j->m + i / n_ways];
    free(lead);
    return rc;
}

static int fill(const job *j, way *ways, size_t n_ways, rn_replay_report *s)
{
    rn_replay_row *rows = rn_arena_array(&j->r->arena, j->m, sizeof *rows);
    rn_replay_choice *cells = rn_arena_array(&j->r->arena, j->m * n_ways, sizeof *cells);
    int rc = rows && cells ? 0 : rn_report_nomem(j->err);
    if (!rc) rc = replay_all(j, ways, n_ways);
    for (size_t i = 0; i < n_ways && !rc; i++)
        rc = summarise(j, &ways[i], cells + i, n_ways);
    if (!rc) rc = describe(j, ways, n_ways, cells);
    if (!rc) rc = leaders(j, ways, n_ways, cells);
    for (size_t b = 0; b < j->m && !rc; b++) {
        rn_replay_choice *c = cells + b * n_ways;
        rows[b] =
            (rn_replay_row){.budget = j->budgets[b], .norm = j->budgets[b] / s->unit, .choices = c};
        rc = compare(j, ways, n_ways, b, &rows[b], c);
    }
    s->rows = rows;
    s->n_rows = j->m;
    s->n_choices = n_ways;
    return rc;
}

/* The policies of policy.h, and the models between the cheapest and the dearest alone. */
static int list_ways(const job *j, way *w, size_t *n)
{
    for (int kind = 0; kind < RN_N_POLICIES; kind++)
        w[(*n)++] = (way){
            .kind = (rn_policy_kind)kind, .only = -1, .name = rn_policy_name((rn_policy_kind)kind)};
    for (size_t a = 1; a + 1 < j->f->n; a++) {
        const char *model = j->t->entrants[j->f->model[a]].model;
        const char *name = rn_arena_printf(&j->r->arena, "only %s", model);
        if (!name) return rn_report_nomem(j->err);
        w[(*n)++] = (way){.kind = RN_POLICY_ADAPTIVE, .only = (int)a, .name = name};
    }
    const size_t cells = j->f->n_rows * j->m;
    for (size_t i = 0; i < *n; i++) {
        w[i].score = calloc(3 * cells + j->m, sizeof(double));
        if (!w[i].score) return rn_report_nomem(j->err);
        w[i].cost = w[i].score + cells;
        w[i].draws = w[i].cost + cells;
        w[i].promised = w[i].draws + cells;
    }
    return 0;
}

int rn_report_replay(rn_report *r, rn_report_task *t, const rn_spend_opts *opts,
                     rn_replay_report *out, rn_err *err)
{
    rn_field f;
    int rc = rn_report_field(r, t, opts->axis, true, &f, err);
    if (rc) return rc;
    double budgets[RN_SPEND_MAX_BUDGETS];
    rn_replay_report s = {.report = r,
                          .task = t,
                          .opts = *opts,
                          .models = rn_report_field_models(r, &f),
                          .n_models = f.n,
                          .n_problems = f.n_rows,
                          .unit = f.unit};
    uint32_t *fold = NULL;
    way ways[MAX_WAYS] = {0};
    size_t n_ways = 0;
    if (!s.models) rc = rn_report_nomem(err);
    if (!rc) rc = rn_report_check_budgets(opts, &f, err);
    if (!rc) rc = rn_report_field_folds(r, opts, &f, &fold, err);
    if (!rc) {
        job j = {.r = r, .t = t, .o = opts, .f = &f, .fold = fold, .budgets = budgets, .err = err};
        j.m = rn_report_field_budgets(opts, &f, budgets);
        rc = list_ways(&j, ways, &n_ways);
        if (!rc) rc = fill(&j, ways, n_ways, &s);
    }
    for (size_t i = 0; i < n_ways; i++)
        free(ways[i].score);
    free(fold);
    rn_report_field_free(&f);
    if (!rc) *out = s;
    return rc;
}
