/*
 * beyond.c: other ways to spend, as typed rows: stopping at the first pass, one budget for the
 * whole set, cascades of two models; and two models side by side.
 *
 * The first three are on the task's plan axis: the first of FLOPs, seconds and dollars on which an
 * entrant is priced linearly (a measured table of batches has no cost of a single further sample).
 * Cascades are chosen on one half of the problems and scored on the other, both ways round, so that
 * the choice is not judged by the data that made it; the single model beside them likewise.
 *
 * A curve ends at k_max, half of the recorded samples. What a budget buys is known while it is
 * below the cost of k_max + 1; above, a value is a lower bound and marked, or NAN where it would
 * stand still.
 */
#include "report/report_priv.h"

#include "stat/alloc.h"
#include "stat/fold.h"
#include "stat/plan.h"

enum { MAX_K = 256, N_FOLDS = 2 };

/* ---- entrants as arms of src/stat ------------------------------------------------------------ */

bool rn_report_linear(const rn_entrant *e, rn_unit axis)
{
    return e->priced[axis] && e->axis[axis].n_points == 0;
}

/* Where tokens are known for passing and failing samples apart, so are their exact FLOPs. */
rn_drawcost rn_report_draw_cost(const rn_report *r, const rn_entrant *e, rn_unit axis)
{
    const rn_kcost *c = &e->axis[axis];
    rn_drawcost d = {.shared = c->shared, .failing = c->per_sample, .passing = c->per_sample};
    const rn_tokens *all = &e->tokens, *pass = &e->tokens_passed;
    if (axis != RN_UNIT_FLOP || r->opts.basis != RN_FLOP_EXACT || !pass->n_gen ||
        pass->n_gen == all->n_gen)
        return d;
    const rn_tokens fail = {.n_gen = all->n_gen - pass->n_gen,
                            .n_both = all->n_both - pass->n_both,
                            .g = all->g - pass->g,
                            .g2 = all->g2 - pass->g2,
                            .gp = all->gp - pass->gp};
    const double prompt = rn_report_mean_prompt(r, e);
    d.passing = rn_report_exact_sample(&e->cost->shape, pass, prompt);
    d.failing = rn_report_exact_sample(&e->cost->shape, &fail, prompt);
    return d;
}

int rn_report_arm(const rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_unit axis,
                  int64_t k, bool stop, rn_arm **out, rn_err *err)
{
    rn_drawcost cost = rn_report_draw_cost(r, e, axis);
    if (!stop) cost.batch = k;
    return rn_stat_arm_new(e->eff, t->common, t->n_problems, &cost, 0, k, out, err);
}

double rn_report_arm_ends(const rn_arm *arm, double next)
{
    const size_t k = (size_t)arm->k_max, width = k + 1;
    double sum = 0;
    if (next > 0) return arm->worst[k] + next;
    for (size_t i = 0; i < arm->n_rows; i++)
        sum += arm->spent[i * width + k];
    return sum / (double)arm->n_rows;
}

/* The plan axis: the first on which somebody is priced linearly; RN_N_UNITS if none. */
static rn_unit plan_axis(const rn_report_task *t)
{
    for (int a = 0; a < RN_N_UNITS; a++)
        for (size_t i = 0; i < t->n_entrants; i++)
            if (t->entrants[i].table && rn_report_linear(&t->entrants[i], (rn_unit)a))
                return (rn_unit)a;
    return RN_N_UNITS;
}

/* ---- stopping at the first pass -------------------------------------------------------------- */

/* Expected draws, or cost, of up to k samples: means over the entrant's problems, [k_max]. */
static int stop_means(const rn_report_task *t, const rn_entrant *e, const rn_drawcost *cost,
                      rn_arena *a, double **out, rn_err *err)
{
    const size_t rows = e->cov.n_used, cols = (size_t)e->k_max;
    double *table = rn_arena_array(a, rows * cols, sizeof *table);
    *out = rn_arena_array(a, cols, sizeof **out);
    if (!table || !*out) return rn_nomem(err, "report");
    int rc = rn_stat_stop_table(&(rn_counts){e->eff, e->keep, t->n_problems}, cost, 0, e->k_max,
                                NULL, table, err);
    if (!rc) rn_stat_means(table, NULL, rows, cols, *out);
    return rc;
}

static int stop_rows(const rn_report *r, rn_report_task *t, const rn_entrant *e, rn_err *err)
{
    const rn_drawcost unit = {.failing = 1, .passing = 1};
    rn_arena a = {0};
    double *draws, *spent[RN_N_UNITS] = {0};
    double *pass = rn_arena_array(&a, (size_t)e->n_cols, sizeof *pass);
    int rc = pass ? stop_means(t, e, &unit, &a, &draws, err) : rn_nomem(err, "report");
    for (int u = 0; u < RN_N_UNITS && !rc; u++) {
        if (!rn_report_linear(e, (rn_unit)u)) continue;
        const rn_drawcost cost = rn_report_draw_cost(r, e, (rn_unit)u);
        rc = stop_means(t, e, &cost, &a, &spent[u], err);
    }
    if (!rc) rn_stat_means(e->table, NULL, e->cov.n_used, (size_t)e->n_cols, pass);
    for (int64_t k = 1; k <= e->k_max && !rc; k = rn_report_next_power(k, e->k_max)) {
        rn_rows *to = &t->stopping;
        rn_rows_word(to, e->model);
        rn_rows_value(to, (double)k);
        rn_rows_value(to, pass[k - 1]);
        rn_rows_value(to, draws[k - 1]);
        for (int u = 0; u < RN_N_UNITS; u++) {
            rn_rows_value(to, e->priced[u] ? rn_stat_cost(&e->axis[u], k) : NAN);
            rn_rows_value(to, spent[u] ? spent[u][k - 1] : NAN);
        }
    }
    rn_arena_free(&a);
    return rc;
}

static void stop_head(rn_rows *to)
{
    static const char *const full[] = {"flops_full", "seconds_full", "usd_full"};
    to->title = "up to k samples, stopping at the first pass, %";
    static const rn_column columns[] = {{.name = "model", .title = "model", .as = RN_AS_TEXT},
                                        {.name = "k", .title = "k", .as = RN_AS_WHOLE},
                                        {.name = "value", .title = "pass@k", .as = RN_AS_SCORE},
                                        {.name = "draws", .title = "drawn", .as = RN_AS_FACTOR}};
    rn_rows_columns(to, columns);
    for (int u = 0; u < RN_N_UNITS; u++) {
        const char *words = rn_unit_words((rn_unit)u);
        const char *title =
            rn_arena_printf(&to->arena, "%s of k", u == RN_UNIT_SECOND ? "time" : words);
        rn_rows_column(
            to,
            (rn_column){.name = full[u], .title = title, .as = RN_AS_AMOUNT, .unit = (rn_unit)u});
        rn_rows_column(to, (rn_column){.name = rn_unit_name((rn_unit)u),
                                       .title = "stopping",
                                       .as = RN_AS_AMOUNT,
                                       .unit = (rn_unit)u});
    }
}

/* ---- one budget for the whole set ------------------------------------------------------------ */

/* One row per budget of the axis at which the entrant has an estimate. `arm` goes on to k_max + 1
 * where that is recorded, so that the end of the last step is known. */
static int alloc_rows(rn_report_task *t, size_t who, const rn_arm *arm, rn_arena *a, rn_err *err)
{
    const rn_report_axis *ax = &t->axis[t->plan_axis];
    const rn_entrant *e = &t->entrants[who];
    const size_t width = (size_t)arm->k_max, k_max = (size_t)e->k_max, n = ax->n_rows;
    double *score = rn_arena_array(a, 2 * width + 2 * n + 1, sizeof *score);
    if (!score) return rn_nomem(err, "report");
    double *cost = score + width, *total = cost + width, *oracle = total + n, end = 0;
    for (size_t j = 0; j < n; j++)
        total[j] = ax->rows[j].budget * (double)t->n_common;
    int rc = rn_stat_rounds(arm, NULL, score, cost, err);
    if (!rc) rc = rn_stat_oracle(arm, e->k_max, total, n, oracle, &end, err);
    for (size_t j = 0; j < n && !rc; j++) {
        const rn_cell *c = &ax->rows[j].cells[who];
        rn_rows *to = &t->reallocation;
        if (c->k == 0 || isnan(c->value)) continue;
        /* A budget that pays for one more round has no estimate; the last recorded one ends at
         * once. */
        const double last = cost[k_max < width ? k_max : k_max - 1];
        size_t k = 0;
        while (k < k_max && cost[k] <= total[j] * RN_STAT_SLACK)
            k++;
        const bool ended = last <= total[j] * RN_STAT_SLACK;
        rn_rows_word(to, e->model);
        rn_rows_value(to, ax->rows[j].norm);
        rn_rows_value(to, ax->rows[j].budget);
        rn_rows_value(to, c->value);
        rn_rows_value(to, ended ? NAN : k ? score[k - 1] : 0);
        rn_rows_value(to, ended ? NAN : oracle[j]);
        const bool limited = !ended && total[j] > end * RN_STAT_SLACK;
        if (limited) rn_rows_mark(to, " +");
        rn_rows_value(to, limited);
    }
    return rc;
}

static void alloc_head(const rn_report_task *t, rn_rows *to)
{
    to->title = rn_arena_printf(&to->arena, "one %s budget for the whole set, %% solved",
                                rn_unit_words(t->plan_axis));
    const rn_column columns[] = {
        {.name = "model", .title = "model", .as = RN_AS_TEXT},
        {.name = "normalised", .title = "budget", .as = RN_AS_FACTOR},
        {.name = "budget", .title = "mean per problem", .as = RN_AS_AMOUNT, .unit = t->plan_axis},
        {.name = "same_k", .title = "same k for all", .as = RN_AS_SCORE},
        {.name = "rounds", .title = "stop and pass on", .as = RN_AS_SCORE},
        {.name = "oracle", .title = "upper line", .as = RN_AS_SCORE},
        {.name = "oracle_limited", .as = RN_AS_FLAG, .only = RN_FOR_JSON}};
    rn_rows_columns(to, columns);
}

/* ---- cascades -------------------------------------------------------------------------------- */

/* The arms that plans may choose among, and what they are of the task. */
typedef struct field {
    rn_arm **arms; /* [n], owned */
    int *entrants;
    size_t n;
} field;

static const char *model_of(const rn_report_task *t, const field *f, int arm)
{
    return arm < 0 ? "" : t->entrants[f->entrants[arm]].model;
}

/* Plans chosen on everything into plan [m], and their cross-fitted means into score [m]. */
static int choose(const field *f, rn_plan_kind kind, const uint32_t *fold, const double *budgets,
                  size_t m, rn_plan *plan, double *score, rn_err *err)
{
    const rn_arm *const *arms = (const rn_arm *const *)f->arms;
    const size_t rows = arms[0]->n_rows;
    double *table = malloc((rows * m + 1) * sizeof *table);
    int rc = table ? rn_stat_plan_best(&(rn_plan_ask){arms, f->n, kind, RN_LIMIT_MEAN, budgets, m},
                                       NULL, plan, err)
                   : rn_nomem(err, "report");
    if (!rc)
        rc = rn_stat_plan_crossfit(&(rn_plan_ask){arms, f->n, kind, RN_LIMIT_MEAN, budgets, m},
                                   fold, N_FOLDS, table, NULL, err);
    if (!rc) rn_stat_means(table, NULL, rows, m, score);
    free(table);
    return rc;
}

/* Whether the budget, a mean per problem, pays for more samples of an arm than its curve has. */
static bool is_limited(const field *f, double budget)
{
    for (size_t a = 0; a < f->n; a++)
        if (rn_report_arm_ends(f->arms[a], 0) <= budget * (1 - 1e-9)) return true;
    return false;
}

static void cascade_row(rn_report_task *t, const field *f, size_t j, const rn_plan *single,
                        const rn_plan *cascade, const double score[2])
{
    const rn_budget_row *row = &t->axis[t->plan_axis].rows[j];
    const rn_step *s = &cascade->step;
    rn_rows *to = &t->cascades;
    const bool two = s->second >= 0, limited = is_limited(f, row->budget);
    if (single->step.first < 0 || s->first < 0) return;
    rn_rows_value(to, row->norm);
    rn_rows_value(to, row->budget);
    rn_rows_value(to, score[0]);
    if (limited) rn_rows_mark(to, " +");
    rn_rows_word(to, model_of(t, f, single->step.first));
    if (two)
        rn_rows_text(to, "%s x %lld, %s x %lld", model_of(t, f, s->first), (long long)s->k1,
                     model_of(t, f, s->second), (long long)s->k2);
    else
        rn_rows_text(to, "%s x %lld", model_of(t, f, s->first), (long long)s->k1);
    rn_rows_value(to, score[1]);
    if (limited) rn_rows_mark(to, " +");
    rn_rows_word(to, model_of(t, f, s->first));
    rn_rows_value(to, (double)s->k1);
    rn_rows_word(to, model_of(t, f, two ? s->second : s->first));
    rn_rows_value(to, (double)s->k2);
    rn_rows_value(to, limited);
}

static void cascade_head(const rn_report_task *t, rn_rows *to)
{
    to->title =
        rn_arena_printf(&to->arena,
                        "two models at one expected %s budget, stopping at the first pass, "
                        "%% solved; chosen on one half of the problems, scored on the other",
                        rn_unit_words(t->plan_axis));
    const rn_column columns[] = {
        {.name = "normalised", .title = "budget", .as = RN_AS_FACTOR},
        {.name = "budget", .title = "mean per problem", .as = RN_AS_AMOUNT, .unit = t->plan_axis},
        {.name = "single_value", .title = "one model", .as = RN_AS_SCORE},
        {.name = "single", .title = "best of them", .as = RN_AS_TEXT},
        {.title = "cascade, chosen on all", .as = RN_AS_TEXT},
        {.name = "value", .title = "solves", .as = RN_AS_SCORE},
        {.name = "first", .as = RN_AS_TEXT},
        {.name = "k1", .as = RN_AS_WHOLE},
        {.name = "second", .as = RN_AS_TEXT},
        {.name = "k2", .as = RN_AS_WHOLE},
        {.name = "limited", .as = RN_AS_FLAG}};
    rn_rows_columns(to, columns);
}

static int cascades(const rn_report *r, rn_report_task *t, const field *f, rn_arena *a, rn_err *err)
{
    const rn_report_axis *ax = &t->axis[t->plan_axis];
    const size_t m = ax->n_rows;
    uint32_t *fold = rn_arena_array(a, t->n_common, sizeof *fold);
    rn_plan *plan = rn_arena_array(a, 2 * m, sizeof *plan);
    double *budgets = rn_arena_array(a, 3 * m, sizeof *budgets);
    if (!fold || !plan || !budgets) return rn_nomem(err, "report");
    double *score = budgets + m;
    for (size_t j = 0; j < m; j++)
        budgets[j] = ax->rows[j].budget;
    int rc = rn_stat_folds(r->opts.seed, t->n_common, N_FOLDS, fold, err);
    if (!rc) rc = choose(f, RN_PLAN_SINGLE, fold, budgets, m, plan, score, err);
    if (!rc) rc = choose(f, RN_PLAN_CASCADE, fold, budgets, m, plan + m, score + m, err);
    for (size_t j = 0; j < m && !rc; j++)
        cascade_row(t, f, j, &plan[j], &plan[m + j], (double[]){score[j], score[m + j]});
    return rc;
}

int rn_report_beyond(rn_report *r, rn_report_task *t, rn_err *err)
{
    static const char note[] = "+ the budget pays for more samples than the curve has: a lower "
                               "bound\n";
    if (!t->boot) return 0;
    rn_arena a = {0};
    field f = {.arms = rn_arena_array(&a, t->n_entrants, sizeof *f.arms),
               .entrants = rn_arena_array(&a, t->n_entrants, sizeof *f.entrants)};
    int rc = f.arms && f.entrants ? 0 : rn_nomem(err, "report");
    t->plan_axis = plan_axis(t);
    stop_head(&t->stopping);
    const bool planned = t->plan_axis != RN_N_UNITS && t->axis[t->plan_axis].n_rows > 0;
    if (planned) alloc_head(t, &t->reallocation);
    if (planned) cascade_head(t, &t->cascades);
    for (size_t i = 0; i < t->n_entrants && !rc; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->table) continue;
        rc = stop_rows(r, t, e, err);
        if (rc || !planned || !rn_report_linear(e, t->plan_axis)) continue;
        rn_arm *arm = NULL;
        const int64_t more = e->k_max + (e->k_max < e->cov.min_n);
        rc = rn_report_arm(r, t, e, t->plan_axis, more, true, &arm, err);
        if (!rc) rc = alloc_rows(t, i, arm, &a, err);
        rn_stat_arm_free(arm);
        if (!rc)
            rc = rn_report_arm(r, t, e, t->plan_axis, e->k_max < MAX_K ? e->k_max : MAX_K, true,
                               &f.arms[f.n], err);
        if (!rc) f.entrants[f.n++] = (int)i;
    }
    if (!rc && planned && f.n >= 2 && t->n_common >= 2 * N_FOLDS) rc = cascades(r, t, &f, &a, err);
    rn_rows *const marked[] = {&t->reallocation, &t->cascades};
    for (size_t i = 0; i < 2; i++)
        if (rn_rows_marked(marked[i])) rn_buf_puts(&marked[i]->foot, note);
    for (size_t i = 0; i < f.n; i++)
        rn_stat_arm_free(f.arms[i]);
    rn_arena_free(&a);
    return rc;
}

/* ---- two models side by side ----------------------------------------------------------------- */

/* Intervals of two curves that overlap say little about their difference: the same hard problems
 * pull both down. The difference per problem is resampled instead. */

static int find(const rn_report_task *t, const char *model)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        if (t->entrants[i].table && strcmp(t->entrants[i].model, model) == 0) return (int)i;
    return -1;
}

/* The differences of x and y [n_common, m] as rows at x-values `at`, multiples `norm` of the
 * unit; a budget that buys no sample of one of them compares nothing: `lacks` [m] names that
 * one, or NULL. */
static int differences(const rn_report *r, rn_report_task *t, int axis, double *const xy[2],
                       size_t m, const double *at, const char *const *lacks, rn_err *err)
{
    const char *a = t->entrants[t->pair_a].model, *b = t->entrants[t->pair_b].model;
    const bool by_k = axis == RN_N_UNITS;
    rn_rows *to = &t->pairs[axis];
    rn_interval *iv = malloc((m + 1) * sizeof *iv);
    double *p = malloc((m + 1) * sizeof *p);
    int rc = iv && p ? rn_stat_boot_paired(t->boot, xy[0], xy[1], m, r->opts.level, iv, p, err)
                     : rn_nomem(err, "report");
    const rn_unit unit = by_k ? RN_UNIT_FLOP : (rn_unit)axis;
    to->title = rn_arena_printf(&to->arena, "%s minus %s at equal %s, points", a, b,
                                by_k ? "k" : rn_unit_words(unit));
    if (!by_k)
        rn_rows_column(to,
                       (rn_column){.name = "normalised", .title = "budget", .as = RN_AS_FACTOR});
    rn_rows_column(to, by_k ? (rn_column){.name = "x", .title = "k", .as = RN_AS_WHOLE}
                            : (rn_column){.name = "x",
                                          .title = rn_unit_words(unit),
                                          .as = RN_AS_AMOUNT,
                                          .unit = unit});
    rn_rows_column(to, (rn_column){.name = "difference",
                                   .title = "difference",
                                   .as = RN_AS_POINTS,
                                   .ends = RN_ENDS_PLAIN});
    rn_rows_column(to, (rn_column){.name = "p_a_ahead", .title = "P(ahead)", .as = RN_AS_SHARE});
    for (size_t j = 0; j < m && !rc; j++) {
        const bool none = lacks && lacks[j];
        if (!by_k) rn_rows_value(to, t->axis[axis].rows[j].norm);
        rn_rows_value(to, at[j]);
        rn_rows_datum(to,
                      (rn_datum){none ? NAN : iv[j].value, none ? NAN : iv[j].lo,
                                 none ? NAN : iv[j].hi, .text = none ? lacks[j] : "no estimate"});
        rn_rows_datum(to, (rn_datum){none ? NAN : p[j], NAN, NAN, .text = ""});
    }
    free(p);
    free(iv);
    return rc;
}

/* At k = 1, 2, 4, ... and the last k that is robust for both (RN_N_UNITS), or at an axis'
 * budgets. */
static int pair_rows(rn_report *r, rn_report_task *t, int axis, rn_err *err)
{
    const rn_entrant *pair[2] = {&t->entrants[t->pair_a], &t->entrants[t->pair_b]};
    const bool by_k = axis == RN_N_UNITS;
    const int64_t k_max = pair[0]->k_max < pair[1]->k_max ? pair[0]->k_max : pair[1]->k_max;
    const size_t n = t->n_common, m = by_k ? 66 : t->axis[axis].n_rows;
    if (!by_k && (!pair[0]->priced[axis] || !pair[1]->priced[axis] || m == 0)) return 0;
    rn_arena a = {0};
    double *at = rn_arena_array(&a, m, sizeof *at);
    const char **lacks = rn_arena_array(&a, m, sizeof *lacks);
    double *xy[2] = {rn_arena_array(&a, n * m, sizeof(double)),
                     rn_arena_array(&a, n * m, sizeof(double))};
    int rc = at && lacks && xy[0] && xy[1] ? 0 : rn_nomem(err, "report");
    size_t used = 0;
    for (int64_t k = 1; by_k && k <= k_max && !rc; k = rn_report_next_power(k, k_max))
        at[used++] = (double)k;
    for (size_t j = 0; !by_k && j < m && !rc; j++)
        at[used++] = t->axis[axis].rows[j].budget;
    for (int i = 0; i < 2 && !rc; i++) {
        const rn_entrant *e = pair[i];
        const double *table = rn_report_common_table(r, t, e);
        if (!table) {
            rc = rn_nomem(err, "report");
        } else if (by_k) {
            for (size_t j = 0; j < n * used; j++)
                xy[i][j] = table[j / used * (size_t)e->k_max + (size_t)at[j % used] - 1];
        } else {
            rc = rn_stat_budget_table(&(rn_ktable){table, n, e->k_max}, &e->axis[axis], 0, at, used,
                                      xy[i], err);
        }
        for (size_t j = 0; j < used && !by_k; j++)
            if (rn_stat_afford(&e->axis[axis], at[j], 1) == 0)
                lacks[j] = rn_arena_printf(&t->pairs[axis].arena, "no sample of %s", e->model);
    }
    if (!rc) rc = differences(r, t, axis, xy, used, at, by_k ? NULL : lacks, err);
    rn_arena_free(&a);
    return rc;
}

int rn_report_pairs(rn_report *r, rn_report_task *t, rn_err *err)
{
    t->pair_a = t->pair_b = -1;
    if (!r->opts.compare_a || !t->boot) return 0;
    t->pair_a = find(t, r->opts.compare_a);
    t->pair_b = find(t, r->opts.compare_b);
    if (t->pair_a < 0 || t->pair_b < 0)
        return rn_report_note(r, err, "%s: no judged samples of %s: no comparison", t->name,
                              t->pair_a < 0 ? r->opts.compare_a : r->opts.compare_b);
    int rc = 0;
    for (int a = 0; a <= RN_N_UNITS && !rc; a++)
        rc = pair_rows(r, t, a, err);
    return rc;
}
