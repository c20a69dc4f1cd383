/*
 * plan_choices.c: the choices of `ration plan`; see plans.h. Every choice at every budget becomes
 * one column of two tables, score and cost per problem, cross-fitted; intervals, differences and
 * leaders come from the one bootstrap of the task, so that all of them are paired.
 *
 * A choice for a total budget keeps it on the folds that chose it, in expectation; where it came to
 * more on the others it is compared at equal spending: that share of the problems that the budget
 * pays for, the rest unsolved.
 */
#include "report/plan_field.h"

#include "stat/alloc.h"
#include "stat/fold.h"
#include "stat/plan.h"

static const char *const choice_names[] = {[RN_CHOICE_ALONE] = "alone",
                                           [RN_CHOICE_SINGLE] = "single",
                                           [RN_CHOICE_CASCADE] = "cascade",
                                           [RN_CHOICE_MIXTURE] = "mixture",
                                           [RN_CHOICE_UPPER] = "one-model upper line"};

/* One way of choosing, at all budgets. */
typedef struct way {
    rn_choice_kind kind;
    bool stop;
    int arm;              /* ALONE; -1 */
    double *score, *cost; /* [n_rows, m]; UPPER: score [m] */
    double *fair;         /* [n_rows, m]: score at equal spending */
    const char **plan;    /* [m] */
    bool *limited, *over; /* [m] */
} way;

static const char *model_name(const rn_plan_job *j, int arm)
{
    return j->t->entrants[j->f.model[arm]].model;
}

static void step_text(const rn_plan_job *j, const rn_step *s, rn_buf *out)
{
    if (s->first < 0) {
        rn_buf_puts(out, "nothing");
        return;
    }
    rn_buf_printf(out, "%s x %lld", model_name(j, s->first), (long long)s->k1);
    if (s->second >= 0)
        rn_buf_printf(out, ", then %s x %lld", model_name(j, s->second), (long long)s->k2);
}

static const char *plan_text(const rn_plan_job *j, const rn_plan *p)
{
    rn_buf out = {0};
    if (p->share > 0 && p->share < 1) rn_buf_printf(&out, "%.0f %%: ", 100 * (1 - p->share));
    if (p->share < 1) step_text(j, &p->step, &out);
    if (p->share > 0 && p->share < 1) rn_buf_printf(&out, "; %.0f %%: ", 100 * p->share);
    if (p->share > 0) step_text(j, &p->other, &out);
    return rn_arena_take(&j->r->arena, &out);
}

/* Whether the budget pays for more samples than recorded curves have, of a model that the way may
 * choose: then what it comes to is a lower bound. */
static bool is_limited(const rn_plan_job *j, const way *w, double budget)
{
    for (size_t a = 0; a < j->f.n; a++)
        if ((w->arm < 0 || w->arm == (int)a) &&
            rn_report_field_ended(&j->f, a, w->stop, j->o->total, budget))
            return true;
    return false;
}

/* Plans of src/stat/plan.c. */
static int planned(rn_plan_job *j, way *w)
{
    rn_arm *const *arms = w->stop ? j->f.stop : j->f.all;
    const bool alone = w->kind == RN_CHOICE_ALONE;
    const size_t n_arms = alone ? 1 : j->f.n;
    const rn_arm *const *list = (const rn_arm *const *)(alone ? arms + w->arm : arms);
    const rn_plan_kind kind = w->kind == RN_CHOICE_CASCADE   ? RN_PLAN_CASCADE
                              : w->kind == RN_CHOICE_MIXTURE ? RN_PLAN_MIXTURE
                                                             : RN_PLAN_SINGLE;
    const rn_plan_limit limit = j->o->total ? RN_LIMIT_MEAN : RN_LIMIT_EACH;
    rn_plan *plan = rn_arena_array(&j->a, j->m, sizeof *plan);
    if (!plan) return rn_nomem(j->err, "report");
    int rc = rn_stat_plan_crossfit(&(rn_plan_ask){list, n_arms, kind, limit, j->budgets, j->m},
                                   j->fold, j->o->n_folds, w->score, w->cost, j->err);
    if (!rc)
        rc = rn_stat_plan_best(&(rn_plan_ask){list, n_arms, kind, limit, j->budgets, j->m}, NULL,
                               plan, j->err);
    for (size_t b = 0; b < j->m && !rc; b++) {
        if (alone && plan[b].step.first == 0) { /* of the field, not of the list of one */
            plan[b].step.first = w->arm;
            plan[b].other.first = w->arm;
        }
        w->plan[b] = plan_text(j, &plan[b]);
        if (!w->plan[b]) rc = rn_nomem(j->err, "report");
    }
    return rc;
}

/* Score and cost of the adaptive policy at one budget on the problems of fold `which` (all: NULL),
 * by a prior of the others. */
static int policy_rows(rn_plan_job *j, way *w, const rn_prior *prior, size_t b,
                       const uint32_t *fold, uint32_t which, double *rows)
{
    const rn_field *f = &j->f;
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
        if (k[a] && !w->stop) all += f->stop[a]->worst[k[a]];
    for (size_t i = 0; i < f->n_rows && !rc && fold; i++) {
        if (fold[i] != which) continue;
        w->score[i * j->m + b] = score[i];
        w->cost[i * j->m + b] = w->stop ? cost[i] : all;
    }
    if (!rc && !fold) w->plan[b] = rn_report_course_text(j, &course);
    if (!rc && !fold && !w->plan[b]) rc = rn_nomem(j->err, "report");
    rn_course_free(&course);
    rn_policy_free(p);
    return rc;
}

/* The adaptive policy: priors learnt on the other folds. */
static int by_policy(rn_plan_job *j, way *w)
{
    const size_t n = j->f.n_rows;
    double *weight = rn_arena_array(&j->a, 3 * n, sizeof *weight);
    int rc = weight ? 0 : rn_nomem(j->err, "report");
    for (uint32_t fold = 0; fold <= j->o->n_folds && !rc; fold++) {
        const bool last = fold == j->o->n_folds; /* then: the plan of all problems */
        rn_prior *prior = NULL;
        rn_stat_fold_weights(j->fold, n, fold, 0, weight);
        rc = rn_report_field_prior(&j->f, last ? NULL : weight, &prior, j->err);
        for (size_t b = 0; b < j->m && !rc; b++)
            rc = policy_rows(j, w, prior, b, last ? NULL : j->fold, fold, weight + n);
        rn_prior_free(prior);
    }
    return rc;
}

/* The upper line of the model that has the highest at each budget. */
static int upper_line(rn_plan_job *j, way *w)
{
    const rn_field *f = &j->f;
    double *total = rn_arena_array(&j->a, 2 * j->m, sizeof *total), *score = NULL;
    if (!total) return rn_nomem(j->err, "report");
    score = total + j->m;
    int rc = 0;
    for (size_t b = 0; b < j->m; b++) {
        total[b] = j->budgets[b] * (double)f->n_rows;
        w->score[b] = -1;
    }
    for (size_t a = 0; a < f->n && !rc; a++) {
        double end = 0;
        rc = rn_stat_oracle(f->stop[a], f->stop[a]->k_max, total, j->m, score, &end, j->err);
        for (size_t b = 0; b < j->m && !rc; b++) {
            if (score[b] <= w->score[b]) continue;
            w->score[b] = score[b];
            w->plan[b] = model_name(j, (int)a);
            w->limited[b] = total[b] >= end * (1 - 1e-9);
        }
    }
    return rc;
}

/* Scores at equal spending: where the mean cost is above the budget, of the share that it pays
 * for. */
static void make_fair(const rn_plan_job *j, way *w)
{
    const size_t n = j->f.n_rows, m = j->m;
    for (size_t b = 0; b < m; b++) {
        double cost = 0;
        for (size_t i = 0; i < n; i++)
            cost += w->cost[i * m + b] / (double)n;
        w->over[b] = cost > j->budgets[b] * (1 + 1e-9);
        const double share = w->over[b] ? j->budgets[b] / cost : 1;
        for (size_t i = 0; i < n; i++)
            w->fair[i * m + b] = share * w->score[i * m + b];
    }
}

static int fill_way(rn_plan_job *j, way *w)
{
    const size_t cells = j->f.n_rows * j->m;
    w->score = rn_arena_array(&j->a, 3 * cells, sizeof *w->score);
    w->plan = rn_arena_array(&j->a, j->m, sizeof *w->plan);
    w->limited = rn_arena_array(&j->a, 2 * j->m, sizeof *w->limited);
    if (!w->score || !w->plan || !w->limited) return rn_nomem(j->err, "report");
    w->cost = w->score + cells;
    w->fair = w->cost + cells;
    w->over = w->limited + j->m;
    if (w->kind == RN_CHOICE_UPPER) return upper_line(j, w);
    int rc = w->kind == RN_CHOICE_MIXTURE && !j->o->total ? by_policy(j, w) : planned(j, w);
    for (size_t b = 0; b < j->m && !rc; b++)
        w->limited[b] = is_limited(j, w, j->budgets[b]);
    if (!rc) make_fair(j, w);
    return rc;
}

/* Shown ways, and behind them the fixed choice where it is not shown; *n_shown of them. */
static way *list_ways(rn_plan_job *j, size_t *n_shown, size_t *n, size_t *fixed)
{
    const size_t n_models = j->f.n;
    way *w = rn_arena_array(&j->a, 2 * (n_models + 4) + 2, sizeof *w);
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
static int find_leaders(rn_plan_job *j, const way *w, size_t n, bool stop, double *first)
{
    const double **table = rn_arena_array(&j->a, n, sizeof *table);
    size_t *who = rn_arena_array(&j->a, n, sizeof *who), m = j->m, n_table = 0;
    double *lead = rn_arena_array(&j->a, n * m, sizeof *lead);
    if (!table || !who || !lead) return rn_nomem(j->err, "report");
    for (size_t i = 0; i < n; i++) {
        if (w[i].stop != stop || w[i].kind == RN_CHOICE_UPPER) continue;
        /* The best single model is one of those alone, unless there is only one. */
        if (w[i].kind == RN_CHOICE_SINGLE && j->f.n > 1) continue;
        who[n_table] = i;
        table[n_table++] = w[i].fair;
    }
    int rc = n_table ? rn_stat_boot_leader(j->t->boot, table, n_table, m, lead, NULL, j->err) : 0;
    for (size_t i = 0; i < n_table && !rc; i++)
        memcpy(first + who[i] * m, lead + i * m, m * sizeof *first);
    return rc;
}

/* Column b of a way with its intervals into out [m] with n_ways elements from one to the next. */
static int judge_way(rn_plan_job *j, const way *w, const way *fixed, const double *first,
                     rn_choice *out, size_t n_ways)
{
    const size_t m = j->m;
    rn_interval *iv = rn_arena_array(&j->a, 3 * m, sizeof *iv);
    if (!iv) return rn_nomem(j->err, "report");
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
            rc = rn_stat_boot_paired(j->t->boot, w->fair, fixed->fair, m, level, iv + 2 * m, NULL,
                                     j->err);
    }
    for (size_t b = 0; b < m && !rc; b++) {
        out[b * n_ways] = (rn_choice){.kind = w->kind,
                                      .name = choice_names[w->kind],
                                      .stop = w->stop,
                                      .model = w->arm < 0 ? -1 : j->f.model[w->arm],
                                      .plan = w->plan[b],
                                      .limited = w->limited[b],
                                      .over = w->over[b],
                                      .score = iv[b],
                                      .cost = iv[m + b],
                                      .draws = none,
                                      .promised = NAN,
                                      .ahead = iv[2 * m + b],
                                      .first = first[b]};
        if (!real) out[b * n_ways].score.value = w->score[b];
    }
    return rc;
}

int rn_plan_choices(rn_plan_job *j, const rn_plan_row **out, size_t *n_choices)
{
    size_t n_shown = 0, n = 0, fixed = 0;
    way *w = list_ways(j, &n_shown, &n, &fixed);
    rn_plan_row *rows = rn_arena_array(&j->r->arena, j->m, sizeof *rows);
    rn_choice *choices = rn_arena_array(&j->r->arena, j->m * n_shown, sizeof *choices);
    double *first = rn_arena_array(&j->a, n * j->m, sizeof *first);
    int rc = w && rows && choices && first ? 0 : rn_nomem(j->err, "report");
    for (size_t i = 0; i < n * j->m && first; i++)
        first[i] = NAN;
    for (size_t i = 0; i < n && !rc; i++)
        rc = fill_way(j, &w[i]);
    for (int stop = 0; stop < 2 && !rc; stop++)
        rc = find_leaders(j, w, n_shown, stop, first);
    for (size_t i = 0; i < n_shown && !rc; i++)
        rc = judge_way(j, &w[i], &w[fixed], first + i * j->m, choices + i, n_shown);
    for (size_t b = 0; b < j->m && !rc; b++)
        rows[b] = (rn_plan_row){.budget = j->budgets[b] * (j->o->total ? (double)j->f.n_rows : 1),
                                .norm = j->budgets[b] / j->f.unit,
                                .choices = choices + b * n_shown};
    *out = rows;
    *n_choices = n_shown;
    return rc;
}
