/* plan_field.c: see plan_field.h; and rn_report_plans, which plans.h declares. */
#include "report/plan_field.h"

#include "stat/fold.h"

static double first_sample(const rn_drawcost *c)
{
    return c->shared + c->failing;
}

/* Why nobody is in the field: the first reason that holds. */
static int nobody(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_err *err)
{
    if (t->n_problems == 0)
        return rn_fail(err, RN_ENOTFOUND,
                       "published curves only: a plan needs the outcomes of samples");
    bool judged = false, batches = false;
    const char *why = NULL;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->table) continue;
        judged = true;
        batches |= e->priced[axis];
        if (!why) why = e->why[axis];
    }
    if (!judged)
        return rn_fail(err, RN_ENOTFOUND, "no sample has a verdict: run `ration judge -s %s`",
                       t->store);
    if (batches)
        return rn_fail(err, RN_ENOTFOUND,
                       "profile %s times batches only; a plan needs the cost of one more sample: "
                       "describe it as FIXED + SECONDS in a --cost-file",
                       r->opts.profile);
    return rn_fail(err, RN_ENOTFOUND, "no model has a cost in %s: %s", rn_unit_words(axis),
                   why ? why : "give --cost MODEL=ENTRY or a --cost-file");
}

static void add_model(rn_field *f, int model, rn_drawcost cost)
{
    size_t i = f->n++;
    for (; i > 0 && f->cost[i - 1].failing > cost.failing; i--) {
        f->cost[i] = f->cost[i - 1];
        f->model[i] = f->model[i - 1];
    }
    f->cost[i] = cost;
    f->model[i] = model;
}

static int list_models(rn_report *r, const rn_report_task *t, rn_unit axis, rn_field *f,
                       rn_err *err)
{
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->table) continue;
        if (!rn_report_linear(e, axis)) {
            int rc = rn_report_note(r, err, "%s: %s takes no part in plans: %s", t->name, e->model,
                                    e->priced[axis] ? "only batches of it were timed"
                                    : e->why[axis]  ? e->why[axis]
                                                    : "it has no cost");
            if (rc) return rc;
            continue;
        }
        if (f->n == RN_PRIOR_MAX_ARM)
            return rn_fail(err, RN_EINVAL, "more than %d models: choose some with -m",
                           RN_PRIOR_MAX_ARM);
        add_model(f, (int)i, rn_report_draw_cost(r, e, axis));
    }
    return f->n ? 0 : nobody(r, t, axis, err);
}

/* The counts of one model over the common problems, and its curves. */
static int fill_model(const rn_report *r, const rn_report_task *t, rn_unit axis, bool whole,
                      rn_field *f, size_t a, rn_err *err)
{
    const rn_entrant *e = &t->entrants[f->model[a]];
    f->counts[a] = malloc((t->n_common + 1) * sizeof **f->counts);
    if (!f->counts[a]) return rn_nomem(err, "report");
    size_t row = 0;
    f->least_n[a] = INT64_MAX;
    for (size_t i = 0; i < t->n_problems; i++) {
        if (!t->common[i]) continue;
        f->counts[a][row++] = e->eff[i];
        /* n = 0 stands for a problem that is never solved: it limits nothing. */
        if (e->eff[i].n && e->eff[i].n < f->least_n[a]) f->least_n[a] = e->eff[i].n;
    }
    if (whole) {
        const rn_drawcost cost = f->cost[a];
        return rn_stat_arm_new(f->counts[a], NULL, f->n_rows, &cost, 0, f->least_n[a], &f->stop[a],
                               err);
    }
    int rc = rn_report_arm(r, t, e, axis, e->k_max, true, &f->stop[a], err);
    return rc ? rc : rn_report_arm(r, t, e, axis, e->k_max, false, &f->all[a], err);
}

int rn_report_field(rn_report *r, rn_report_task *t, rn_unit axis, bool whole, rn_field *out,
                    rn_err *err)
{
    rn_field f = {0};
    int rc = t->common || t->n_problems == 0 ? 0 : rn_report_curves(r, t, err);
    if (!rc) rc = list_models(r, t, axis, &f, err);
    if (!rc && !t->boot)
        rc = rn_fail(err, RN_ENOTFOUND,
                     "no problem was judged for every model: choose some of them with -m");
    f.n_rows = t->n_common;
    for (size_t a = 0; a < f.n && !rc; a++)
        rc = fill_model(r, t, axis, whole, &f, a, err);
    if (rc) {
        rn_report_field_free(&f);
        return rc;
    }
    size_t cheapest = 0;
    for (size_t a = 1; a < f.n; a++)
        if (first_sample(&f.cost[a]) < first_sample(&f.cost[cheapest])) cheapest = a;
    f.unit = first_sample(&f.cost[cheapest]);
    f.unit_model = t->entrants[f.model[cheapest]].model;
    *out = f;
    return 0;
}

void rn_report_field_free(rn_field *f)
{
    for (size_t a = 0; a < f->n; a++) {
        rn_stat_arm_free(f->stop[a]);
        rn_stat_arm_free(f->all[a]);
        free(f->counts[a]);
    }
    *f = (rn_field){0};
}

int rn_report_field_prior(const rn_field *f, const double *weight, rn_prior **out, rn_err *err)
{
    double cost[RN_PRIOR_MAX_ARM];
    for (size_t a = 0; a < f->n; a++)
        cost[a] = f->cost[a].failing;
    return rn_prior_learn((const rn_count *const *)f->counts, f->n, f->n_rows, weight, cost, out,
                          err);
}

void rn_report_field_prices(const rn_field *f, rn_policy_arm price[RN_PRIOR_MAX_ARM])
{
    for (size_t a = 0; a < f->n; a++)
        price[a] = (rn_policy_arm){.shared = f->cost[a].shared,
                                   .per_sample = f->cost[a].failing,
                                   .limit = f->stop[a]->k_max};
}

bool rn_report_field_ended(const rn_field *f, size_t a, bool stop, bool total, double budget)
{
    const rn_arm *arm = stop ? f->stop[a] : f->all[a];
    const double slack = total ? 1 - 1e-9 : 1 + 1e-9;
    return rn_report_arm_ends(arm, total ? 0 : f->cost[a].failing) <= budget * slack;
}

const char *rn_report_course_text(const rn_plan_job *j, const rn_course *course)
{
    const rn_report_task *t = j->t;
    const rn_field *f = &j->f;
    enum { SHOWN = 3 }; /* longer courses are summed up */
    rn_buf out = {0};
    int64_t k[RN_PRIOR_MAX_ARM] = {0};
    const char *join = "";
    for (size_t i = 0; i < course->n; i++) {
        const rn_course_step *s = &course->steps[i];
        k[s->arm] += s->n;
        if (course->n > SHOWN) continue;
        rn_buf_printf(&out, "%s%s x %lld", join, t->entrants[f->model[s->arm]].model,
                      (long long)s->n);
        join = ", then ";
    }
    if (course->n > SHOWN) {
        for (size_t a = 0; a < f->n; a++) {
            if (!k[a]) continue;
            rn_buf_printf(&out, "%s%s x %lld", join, t->entrants[f->model[a]].model,
                          (long long)k[a]);
            join = ", ";
        }
        rn_buf_printf(&out, " in turns, first %s x %lld",
                      t->entrants[f->model[course->steps[0].arm]].model,
                      (long long)course->steps[0].n);
    }
    if (!course->n) rn_buf_puts(&out, "nothing");
    return rn_arena_take(&j->r->arena, &out);
}

/* ---- budgets --------------------------------------------------------------------------------- */

/* What the recorded samples of a model cost altogether; of the model with the second most. */
static double last_budget(const rn_field *f)
{
    rn_grid_end ends = {0};
    for (size_t a = 0; a < f->n; a++)
        rn_grid_end_add(&ends, f->stop[a]->worst[f->stop[a]->k_max]);
    return rn_grid_end_of(&ends);
}

size_t rn_report_field_grid(const rn_field *f, int per_doubling, double *out)
{
    size_t n = 0;
    for (; n < RN_PLAN_MAX_BUDGETS; n++) {
        double b = f->unit * pow(2, (double)n / per_doubling);
        if (n && b > last_budget(f) * (1 + 1e-9)) break;
        out[n] = b;
    }
    return n;
}

int rn_report_check_budgets(const rn_plan_opts *o, const rn_field *f, rn_err *err)
{
    if (o->n_budgets > RN_PLAN_MAX_BUDGETS)
        return rn_fail(err, RN_EINVAL, "more than %d budgets", RN_PLAN_MAX_BUDGETS);
    for (size_t i = 0; i < o->n_budgets; i++) {
        const rn_budget b = {o->axis, o->budgets[i]};
        int rc = rn_budget_check(&b, f->unit, f->unit_model, err);
        if (rc) return rc;
    }
    return 0;
}

size_t rn_report_field_budgets(const rn_plan_opts *o, const rn_field *f, double *out)
{
    if (o->n_budgets == 0) return rn_report_field_grid(f, 1, out);
    for (size_t i = 0; i < o->n_budgets; i++)
        out[i] = o->budgets[i] / (o->total ? (double)f->n_rows : 1);
    return o->n_budgets;
}

/* The fold of each common problem, from the report's seed. */
static int choose_folds(rn_plan_job *j)
{
    const size_t n = j->f.n_rows;
    if (n < 2 * j->o->n_folds)
        return rn_fail(j->err, RN_EINVAL,
                       "%zu problems are too few to plan on one part of them and judge on another: "
                       "needs %u",
                       n, 2 * j->o->n_folds);
    uint32_t *fold = rn_arena_array(&j->a, n, sizeof *fold);
    j->fold = fold;
    return fold ? rn_stat_folds(j->r->opts.seed, n, j->o->n_folds, fold, j->err)
                : rn_nomem(j->err, "report");
}

int rn_report_plans(rn_report *r, rn_report_task *t, const rn_plan_opts *o, rn_plans *out,
                    rn_err *err)
{
    enum { PER_DOUBLING = 2 };
    double budgets[RN_PLAN_MAX_BUDGETS];
    rn_plan_job j = {.r = r, .t = t, .o = o, .budgets = budgets, .err = err};
    int rc = rn_report_field(r, t, o->axis, o->replay, &j.f, err);
    if (rc) return rc;
    rn_plans s = {.report = r,
                  .task = t,
                  .opts = *o,
                  .n_models = j.f.n,
                  .n_problems = j.f.n_rows,
                  .unit = j.f.unit};
    int *models = rn_arena_array(&r->arena, j.f.n, sizeof *models);
    if (models) memcpy(models, j.f.model, j.f.n * sizeof *models);
    s.models = models;
    if (!models) rc = rn_nomem(err, "report");
    if (!rc) rc = rn_report_check_budgets(o, &j.f, err);
    if (!rc) rc = choose_folds(&j);
    for (int finer = 0; finer < (o->replay ? 1 : 2) && !rc; finer++) {
        const rn_plan_row *rows = NULL;
        j.m = finer ? rn_report_field_grid(&j.f, PER_DOUBLING, budgets)
                    : rn_report_field_budgets(o, &j.f, budgets);
        rc = o->replay ? rn_plan_replays(&j, &rows, &s.n_choices)
                       : rn_plan_choices(&j, &rows, &s.n_choices);
        *(finer ? &s.frontier : &s.rows) = rows;
        *(finer ? &s.n_frontier : &s.n_rows) = j.m;
    }
    if (!rc) *out = s;
    rn_arena_free(&j.a);
    rn_report_field_free(&j.f);
    return rc;
}
