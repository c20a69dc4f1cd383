/*
 * spend.c: see spend.h. Every choice at every budget becomes one column of two tables, score and
 * cost per problem, cross-fitted; intervals, differences and leaders come from the one bootstrap of
 * the task, so that all of them are paired.
 */
#include "report/field.h"

#include "stat/alloc.h"
#include "stat/fold.h"
#include "stat/plan.h"

#include <stdlib.h>

enum { MAX_BUDGETS = RN_SPEND_MAX_BUDGETS, PER_DOUBLING = 2 };

static const char *const choice_names[] = {[RN_CHOICE_ALONE] = "alone",
                                           [RN_CHOICE_SINGLE] = "single",
                                           [RN_CHOICE_CASCADE] = "cascade",
                                           [RN_CHOICE_MIXTURE] = "mixture",
                                           [RN_CHOICE_UPPER] = "one-model upper line"};

const char *rn_choice_name(rn_choice_kind kind)
{
    return choice_names[kind];
}

/* One way of choosing, at all budgets. */
typedef struct way {
    rn_choice_kind kind;
    bool stop;
    int arm;              /* ALONE; -1 */
    double *score, *cost; /* [n_rows, m]; UPPER: score [m] */
    const char **plan;    /* [m] */
    bool *limited;        /* [m] */
} way;

typedef struct job {
    rn_report *r;
    const rn_report_task *t;
    const rn_spend_opts *o;
    const rn_field *f;
    const uint32_t *fold;  /* [n_rows] */
    const double *budgets; /* [m], per problem */
    size_t m;
    rn_err *err;
} job;

static const char *model_name(const job *j, int arm)
{
    return j->t->entrants[j->f->model[arm]].model;
}

static void step_text(const job *j, const rn_step *s, rn_buf *out)
{
    if (s->first < 0) {
        rn_buf_puts(out, "nothing");
        return;
    }
    rn_buf_printf(out, "%s x %lld", model_name(j, s->first), (long long)s->k1);
    if (s->second >= 0)
        rn_buf_printf(out, ", then %s x %lld", model_name(j, s->second), (long long)s->k2);
}

static const char *plan_text(const job *j, const rn_plan *p)
{
    rn_buf out = {0};
    if (p->share > 0 && p->share < 1) rn_buf_printf(&out, "%.0f %%: ", 100 * (1 - p->share));
    if (p->share < 1) step_text(j, &p->step, &out);
    if (p->share > 0 && p->share < 1) rn_buf_printf(&out, "; %.0f %%: ", 100 * p->share);
    if (p->share > 0) step_text(j, &p->other, &out);
    const char *text = rn_buf_ok(&out) ? rn_arena_strdup(&j->r->arena, out.data) : NULL;
    rn_buf_free(&out);
    return text;
}

/* Whether an arm of the plan is used up to its last recorded draw while budget is left for more. */
static bool plan_limited(const job *j, const rn_arm *const *arms, const rn_plan *p, double budget)
{
    const rn_step *s = p->share > 0 ? &p->other : &p->step;
    const int arm[2] = {s->first, s->second};
    const int64_t k[2] = {s->k1, s->k2};
    double worst = 0;
    for (int i = 0; i < 2; i++)
        if (arm[i] >= 0) worst += arms[arm[i]]->worst[k[i]];
    for (int i = 0; i < 2; i++) {
        if (arm[i] < 0 || k[i] < arms[arm[i]]->k_max) continue;
        double left = budget - (j->o->total ? p->cost : worst);
        double more = j->o->total ? 1e-9 * budget : j->f->cost[arm[i]].failing * (1 - 1e-9);
        if (left >= more) return true;
    }
    return false;
}

/* Plans of src/stat/plan.c. */
static int planned(job *j, way *w)
{
    const rn_field *f = j->f;
    rn_arm *const *arms = w->stop ? f->stop : f->all;
    const size_t n_arms = w->kind == RN_CHOICE_ALONE ? 1 : f->n;
    const rn_arm *const *list =
        (const rn_arm *const *)(w->kind == RN_CHOICE_ALONE ? arms + w->arm : arms);
    const rn_plan_kind kind = w->kind == RN_CHOICE_CASCADE   ? RN_PLAN_CASCADE
                              : w->kind == RN_CHOICE_MIXTURE ? RN_PLAN_MIXTURE
                                                             : RN_PLAN_SINGLE;
    const rn_plan_limit limit = j->o->total ? RN_LIMIT_MEAN : RN_LIMIT_EACH;
    rn_plan *plan = malloc((j->m + 1) * sizeof *plan);
    int rc = plan ? 0 : rn_report_nomem(j->err);
    if (!rc)
        rc = rn_stat_plan_crossfit(list, n_arms, kind, limit, j->fold, j->o->n_folds, j->budgets,
                                   j->m, w->score, w->cost, j->err);
    if (!rc)
        rc = rn_stat_plan_best(list, n_arms, kind, limit, NULL, j->budgets, j->m, plan, j->err);
    for (size_t b = 0; b < j->m && !rc; b++) {
        w->limited[b] = plan_limited(j, list, &plan[b], j->budgets[b]);
        if (w->kind == RN_CHOICE_ALONE && plan[b].step.first == 0) {
            plan[b].step.first = w->arm; /* of the field */
            plan[b].other.first = w->arm;
        }
        w->plan[b] = plan_text(j, &plan[b]);
        if (!w->plan[b]) rc = rn_report_nomem(j->err);
    }
    free(plan);
    return rc;
}

/* Score and cost of the adaptive policy at one budget on the problems of fold `which` (all: NULL),
 * by a prior of the others. */
static int policy_rows(job *j, way *w, const rn_prior *prior, size_t b, const uint32_t *fold,
                       uint32_t which, double *rows)
{
    const rn_field *f = j->f;
    rn_policy_arm price[RN_PRIOR_MAX_ARM];
    rn_report_field_prices(f, price);
    const rn_policy_spec spec = {RN_POLICY_ADAPTIVE, price, j->budgets[b]};
    rn_policy *p = NULL;
    rn_course course = {0};
    double *score = rows, *cost = rows + f->n_rows, all = 0;
    int rc = rn_policy_new(&spec, prior, &p, j->err);
    if (!rc) rc = rn_stat_course(p, price, &course, j->err);
    if (!rc)
        rc = rn_stat_course_rows((const rn_arm *const *)f->stop, f->n, &course, 1, score, cost,
                                 j->err);
    int64_t k[RN_PRIOR_MAX_ARM] = {0};
    for (size_t i = 0; i < course.n; i++)
        k[course.steps[i].arm] += course.steps[i].n;
    for (size_t a = 0; a < f->n; a++)
        if (k[a] && w->stop == false) all += f->stop[a]->worst[k[a]];
    for (size_t i = 0; i < f->n_rows && !rc && fold; i++) {
        if (fold[i] != which) continue;
        w->score[i * j->m + b] = score[i];
        w->cost[i * j->m + b] = w->stop ? cost[i] : all;
    }
    if (!rc && !fold) {
        w->plan[b] = rn_report_course_text(j->r, j->t, f, &course);
        w->limited[b] = rn_report_course_limited(price, f->n, &course, j->budgets[b]);
        if (!w->plan[b]) rc = rn_report_nomem(j->err);
    }
    rn_course_free(&course);
    rn_policy_free(p);
    return rc;
}

/* The adaptive policy: priors learnt on the other folds. */
static int by_policy(job *j, way *w)
{
    const size_t n = j->f->n_rows;
    double *weight = malloc((3 * n + 1) * sizeof *weight);
    int rc = weight ? 0 : rn_report_nomem(j->err);
    for (uint32_t fold = 0; fold <= j->o->n_folds && !rc; fold++) {
        const bool last = fold == j->o->n_folds; /* then: the plan of all problems */
        rn_prior *prior = NULL;
        rn_stat_fold_weights(j->fold, n, fold, 0, weight);
        rc = rn_report_field_prior(j->f, last ? NULL : weight, &prior, j->err);
        for (size_t b = 0; b < j->m && !rc; b++)
            rc = policy_rows(j, w, prior, b, last ? NULL : j->fold, fold, weight + n);
        rn_prior_free(prior);
    }
    free(weight);
    return rc;
}

/* The upper line of the model that has the highest at each budget. */
static int upper_line(job *j, way *w)
{
    const rn_field *f = j->f;
    double *total = malloc((2 * j->m + 1) * sizeof *total), *score = total ? total + j->m : NULL;
    int rc = total ? 0 : rn_report_nomem(j->err);
    for (size_t b = 0; b < j->m && !rc; b++) {
        total[b] = j->budgets[b] * (double)f->n_rows;
        w->score[b] = -1;
    }
    for (size_t a = 0; a < f->n && !rc; a++) {
        rc = rn_stat_oracle(f->stop[a], total, j->m, score, j->err);
        for (size_t b = 0; b < j->m && !rc; b++) {
            if (score[b] <= w->score[b]) continue;
            w->score[b] = score[b];
            w->plan[b] = model_name(j, (int)a);
        }
    }
    free(total);
    return rc;
}

/* ---- all ways at all budgets ------------------------------------------------------------------ */

static void ways_free(way *w, size_t n)
{
    for (size_t i = 0; w && i < n; i++) {
        free(w[i].score);
        free(w[i].cost);
        free(w[i].plan);
        free(w[i].limited);
    }
    free(w);
}

static int fill_way(job *j, way *w)
{
    const size_t cells = j->f->n_rows * j->m + 1;
    w->score = malloc(cells * sizeof *w->score);
    w->cost = malloc(cells * sizeof *w->cost);
    w->plan = calloc(j->m + 1, sizeof *w->plan);
    w->limited = calloc(j->m + 1, sizeof *w->limited);
    if (!w->score || !w->cost || !w->plan || !w->limited) return rn_report_nomem(j->err);
    if (w->kind == RN_CHOICE_UPPER) return upper_line(j, w);
    if (w->kind == RN_CHOICE_MIXTURE && !j->o->total) return by_policy(j, w);
    return planned(j, w);
}

/* Shown ways, and behind them the fixed choice where it is not shown; *n_shown of them. */
static way *list_ways(const job *j, size_t *n_shown, size_t *n, size_t *fixed)
{
    const size_t n_models = j->f->n;
    way *w = calloc(2 * (n_models + 3) + 2, sizeof *w);
    if (!w) return NULL;
    size_t at = 0;
    *fixed = SIZE_MAX;
    for (int stop = 0; stop < 2; stop++) {
        if (stop ? !j->o->stop : !j->o->no_stop) continue;
        if (!stop) *fixed = at;
        w[at++] = (way){.kind = RN_CHOICE_SINGLE, .stop = stop, .arm = -1};
        for (size_t a = 0; a < n_models && n_models > 1; a++)
            w[at++] = (way){.kind = RN_CHOICE_ALONE, .stop = stop, .arm = (int)a};
        if (n_models > 1) w[at++] = (way){.kind = RN_CHOICE_CASCADE, .stop = stop, .arm = -1};
        if (n_models > 1 || j->o->total)
            w[at++] = (way){.kind = RN_CHOICE_MIXTURE, .stop = stop, .arm = -1};
        if (stop && j->o->total) w[at++] = (way){.kind = RN_CHOICE_UPPER, .stop = stop, .arm = -1};
    }
    *n_shown = at;
    if (*fixed == SIZE_MAX) {
        *fixed = at;
        w[at++] = (way){.kind = RN_CHOICE_SINGLE, .arm = -1};
    }
    *n = at;
    return w;
}

/* Shares of resamples into first of the ways with this `stop`, [m] each. */
static int find_leaders(const job *j, const way *w, size_t n, bool stop, double *first)
{
    const double **table = malloc((n + 1) * sizeof *table);
    size_t *who = malloc((n + 1) * sizeof *who), m = j->m, n_table = 0;
    for (size_t i = 0; table && who && i < n; i++) {
        if (w[i].stop != stop || w[i].kind == RN_CHOICE_UPPER) continue;
        /* The best single model is one of those alone, unless there is only one. */
        if (w[i].kind == RN_CHOICE_SINGLE && j->f->n > 1) continue;
        who[n_table] = i;
        table[n_table++] = w[i].score;
    }
    double *lead = malloc((n_table * m + 1) * sizeof *lead);
    int rc = table && who && lead ? 0 : rn_report_nomem(j->err);
    if (!rc && n_table) rc = rn_stat_boot_leader(j->t->boot, table, n_table, m, lead, NULL, j->err);
    for (size_t i = 0; i < n_table && !rc; i++)
        memcpy(first + who[i] * m, lead + i * m, m * sizeof *first);
    free(lead);
    free(who);
    free(table);
    return rc;
}

/* Column b of a way with its intervals into out [m] with n_ways elements from one to the next. */
static int judge_way(const job *j, const way *w, const way *fixed, const double *first,
                     rn_choice *out, size_t n_ways)
{
    const size_t m = j->m;
    rn_interval *iv = malloc((3 * m + 1) * sizeof *iv);
    if (!iv) return rn_report_nomem(j->err);
    const rn_interval none = {NAN, NAN, NAN, RN_INTERVAL_NONE};
    const bool real = w->kind != RN_CHOICE_UPPER;
    const double level = j->r->opts.level;
    int rc = 0;
    for (size_t b = 0; b < 3 * m; b++)
        iv[b] = none;
    if (real) {
        rc = rn_stat_boot_interval(j->t->boot, w->score, m, level, iv, j->err);
        if (!rc) rc = rn_stat_boot_interval_any(j->t->boot, w->cost, m, level, iv + m, j->err);
        if (!rc && w != fixed)
            rc = rn_stat_boot_paired(j->t->boot, w->score, fixed->score, m, level, iv + 2 * m, NULL,
                                     j->err);
    }
    for (size_t b = 0; b < m && !rc; b++) {
        out[b * n_ways] = (rn_choice){.kind = w->kind,
                                      .stop = w->stop,
                                      .model = w->arm < 0 ? -1 : j->f->model[w->arm],
                                      .plan = w->plan[b],
                                      .limited = w->limited[b],
                                      .score = iv[b],
                                      .cost = iv[m + b],
                                      .ahead = iv[2 * m + b],
                                      .first = first[b]};
        if (!real) out[b * n_ways].score.value = w->score[b];
    }
    free(iv);
    return rc;
}

/* The rows at the job's budgets, in the arena. */
static int fill_rows(job *j, const rn_spend *s, rn_spend_row **out, size_t *n_choices)
{
    size_t n_shown = 0, n = 0, fixed = 0;
    way *w = list_ways(j, &n_shown, &n, &fixed);
    rn_spend_row *rows = rn_arena_array(&j->r->arena, j->m + 1, sizeof *rows);
    rn_choice *choices = rn_arena_array(&j->r->arena, j->m * n_shown + 1, sizeof *choices);
    double *first = malloc((n * j->m + 1) * sizeof *first);
    int rc = w && rows && choices && first ? 0 : rn_report_nomem(j->err);
    for (size_t i = 0; i < n * j->m && first; i++)
        first[i] = NAN;
    for (size_t i = 0; i < n && !rc; i++)
        rc = fill_way(j, &w[i]);
    for (int stop = 0; stop < 2 && !rc; stop++)
        rc = find_leaders(j, w, n_shown, stop, first);
    for (size_t i = 0; i < n_shown && !rc; i++)
        rc = judge_way(j, &w[i], &w[fixed], first + i * j->m, choices + i, n_shown);
    for (size_t b = 0; b < j->m && !rc; b++)
        rows[b] =
            (rn_spend_row){.budget = j->budgets[b] * (j->o->total ? (double)s->n_problems : 1),
                           .norm = j->budgets[b] / s->unit,
                           .choices = choices + b * n_shown};
    free(first);
    ways_free(w, n);
    *out = rows;
    *n_choices = n_shown;
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int rn_report_spend(rn_report *r, rn_report_task *t, const rn_spend_opts *opts, rn_spend *out,
                    rn_err *err)
{
    rn_field f;
    int rc = rn_report_field(r, t, opts->axis, false, &f, err);
    if (rc) return rc;
    double budgets[MAX_BUDGETS], fine[MAX_BUDGETS];
    rn_spend s = {.report = r,
                  .task = t,
                  .opts = *opts,
                  .models = rn_report_field_models(r, &f),
                  .n_models = f.n,
                  .n_problems = f.n_rows,
                  .unit = f.unit};
    uint32_t *fold = NULL;
    if (!s.models) rc = rn_report_nomem(err);
    if (!rc) rc = rn_report_check_budgets(opts, &f, err);
    if (!rc) rc = rn_report_field_folds(r, opts, &f, &fold, err);
    rn_spend_row *rows = NULL, *frontier = NULL;
    if (!rc) {
        job j = {.r = r, .t = t, .o = opts, .f = &f, .fold = fold, .budgets = budgets, .err = err};
        j.m = s.n_rows = rn_report_field_budgets(opts, &f, budgets);
        rc = fill_rows(&j, &s, &rows, &s.n_choices);
        j.budgets = fine;
        j.m = s.n_frontier = rn_report_field_grid(&f, PER_DOUBLING, fine);
        if (!rc) rc = fill_rows(&j, &s, &frontier, &s.n_choices);
    }
    s.rows = rows;
    s.frontier = frontier;
    if (!rc) *out = s;
    free(fold);
    rn_report_field_free(&f);
    return rc;
}
