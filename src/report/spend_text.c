/* spend_text.c: plans and replays for people; see spend.h. */
#include "report/cells.h"
#include "report/spend.h"

static const char *const axis_options[RN_N_AXES] = {"FLOPs", "seconds", "dollars"};

/* As on_axis, FLOPs in the unit that reads best: plans are made for models of any size. */
static double best_scale(rn_axis axis, double v, const char **unit)
{
    static const char *const flops[] = {"TFLOP", "GFLOP", "MFLOP"};
    double scale = axes[axis].scale;
    size_t i = 0;
    *unit = axis == RN_AXIS_TIME ? "s" : "";
    if (axis != RN_AXIS_FLOP) return scale;
    for (; v > 0 && v * scale < 1 && i < 2; i++)
        scale *= 1000;
    *unit = flops[i];
    return scale;
}

/* "16.9 TFLOP", "2.5 s", "$0.05"; static buffers, used in turn. */
static const char *price(rn_axis axis, double v)
{
    static char buf[4][64];
    static int turn;
    const char *unit;
    const double scale = best_scale(axis, v, &unit);
    char *s = buf[turn++ % 4];
    snprintf(s, sizeof buf[0], "%s%s%s%s", axis == RN_AXIS_USD ? "$" : "", amount(v * scale),
             *unit ? " " : "", unit);
    return s;
}

static void write_models(const rn_report *r, const rn_report_task *t, rn_axis axis,
                         const int *models, size_t n, rn_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const rn_entrant *e = &t->entrants[models[i]];
        rn_buf_printf(out, "%s%s: %s a sample", i ? "; " : "", e->model,
                      price(axis, e->axis[axis].per_sample));
        if (e->axis[axis].shared > 0)
            rn_buf_printf(out, " and %s a prompt", price(axis, e->axis[axis].shared));
        rn_buf_printf(out, ", n = %lld", (long long)e->n);
    }
    const char *profile = axis == RN_AXIS_TIME ? r->opts.profile : NULL;
    rn_buf_printf(out, "%s%s\n", profile ? "; profile " : "", profile ? profile : "");
}

static void write_conditions(const rn_report *r, const rn_spend_opts *o, rn_buf *out)
{
    rn_buf_printf(out,
                  "judged on the one of %u parts of the problems that had no say in the choice, in "
                  "turn; intervals: %.4g %%, bootstrap over problems, %lld resamples, seed %llu; "
                  "ration %s\n",
                  o->n_folds, 100 * r->opts.level, (long long)r->opts.n_resamples,
                  (unsigned long long)r->opts.seed, rn_version());
}

static void cost_cell(rn_table *tab, rn_axis axis, const rn_interval *c, double times)
{
    const char *unit;
    const double scale = best_scale(axis, c->value * times, &unit) * times;
    if (isnan(c->value))
        rn_table_cell(tab, "%s", "");
    else
        rn_table_cell(tab, "%s [%s, %s]", price(axis, c->value * times), amount(c->lo * scale),
                      amount(c->hi * scale));
}

/* A difference in points, or nothing for what it is measured against. */
static void ahead_cell(rn_table *tab, const rn_interval *d)
{
    if (isnan(d->value))
        rn_table_cell(tab, "%s", "");
    else
        rn_table_cell(tab, "%+.1f [%+.1f, %+.1f]", 100 * d->value, 100 * d->lo, 100 * d->hi);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static void choice_name(rn_table *tab, const rn_report_task *t, const rn_choice *c)
{
    if (c->model >= 0)
        rn_table_cell(tab, "%s alone", t->entrants[c->model].model);
    else
        rn_table_cell(tab, "%s", rn_choice_name(c->kind));
}

static void write_row(const rn_spend *s, const rn_spend_row *row, rn_buf *out)
{
    const rn_axis axis = s->opts.axis;
    const double times = s->opts.total ? (double)s->n_problems : 1;
    heading(out, "%s %s: %.4g samples of %s%s", price(axis, row->budget),
            s->opts.total ? "for the whole set" : "for each problem", row->norm,
            s->task->entrants[s->models[0]].model, s->opts.total ? " a problem" : "");
    rn_table tab = {.n_columns = 7, .last_left = true};
    static const char *const head[] = {"choice",
                                       "stops",
                                       "solves, %",
                                       "mean cost",
                                       "ahead, points",
                                       "first",
                                       "plan, from all problems"};
    for (size_t i = 0; i < 7; i++)
        rn_table_cell(&tab, "%s", i == 3 && s->opts.total ? "cost" : head[i]);
    bool limited = false;
    for (size_t i = 0; i < s->n_choices; i++) {
        const rn_choice *c = &row->choices[i];
        limited |= c->limited;
        choice_name(&tab, s->task, c);
        rn_table_cell(&tab, c->stop ? "yes" : "no");
        score_cell(&tab, c->score.value, c->score.lo, c->score.hi);
        cost_cell(&tab, axis, &c->cost, times);
        ahead_cell(&tab, &c->ahead);
        if (isnan(c->first))
            rn_table_cell(&tab, "%s", "");
        else
            share_cell(&tab, c->first);
        rn_table_cell(&tab, "%s%s", c->plan, c->limited ? " +" : "");
    }
    rn_table_end(&tab, out);
    if (limited) rn_buf_puts(out, "+ would buy more samples than are recorded: a lower bound\n");
}

/* The choice of a kind in a row; NULL if it is not shown. */
static const rn_choice *find_choice(const rn_spend *s, const rn_spend_row *row, rn_choice_kind kind,
                                    bool stop)
{
    for (size_t i = 0; i < s->n_choices; i++)
        if (row->choices[i].kind == kind && row->choices[i].stop == stop) return &row->choices[i];
    return NULL;
}

static void write_frontier(const rn_spend *s, rn_buf *out)
{
    const bool stop = s->opts.stop;
    const rn_axis axis = s->opts.axis;
    heading(out, "the frontier: the best of each kind at rising budgets %s, %s, %% solved",
            s->opts.total ? "for the whole set" : "for each problem",
            stop ? "stopping at the first pass" : "without stopping");
    static const rn_choice_kind kinds[] = {RN_CHOICE_SINGLE, RN_CHOICE_CASCADE, RN_CHOICE_MIXTURE,
                                           RN_CHOICE_UPPER};
    enum { N_KINDS = sizeof kinds / sizeof kinds[0] };
    rn_table tab = {.n_columns = N_KINDS + 4, .last_left = true};
    rn_table_cell(&tab, "budget");
    rn_table_cell(&tab, "%s", axis_options[axis]);
    for (size_t i = 0; i < N_KINDS; i++)
        rn_table_cell(&tab, "%s", rn_choice_name(kinds[i]));
    rn_table_cell(&tab, "its cost");
    rn_table_cell(&tab, "the best of them, from all problems");
    for (size_t b = 0; b < s->n_frontier; b++) {
        const rn_spend_row *row = &s->frontier[b];
        const rn_choice *best = NULL;
        rn_table_cell(&tab, "%.4g", row->norm);
        rn_table_cell(&tab, "%s", price(axis, row->budget));
        for (size_t i = 0; i < N_KINDS; i++) {
            const rn_choice *c = find_choice(s, row, kinds[i], stop);
            if (!c) {
                rn_table_cell(&tab, "%s", "");
                continue;
            }
            rn_table_cell(&tab, "%.1f%s", 100 * c->score.value, c->limited ? "+" : "");
            if (c->kind != RN_CHOICE_UPPER && (!best || c->score.value > best->score.value))
                best = c;
        }
        double times = s->opts.total ? (double)s->n_problems : 1;
        rn_table_cell(&tab, "%s", best ? price(axis, best->cost.value * times) : "");
        rn_table_cell(&tab, "%s", best ? best->plan : "");
    }
    rn_table_end(&tab, out);
}

void rn_spend_text(const rn_spend *s, rn_buf *out)
{
    rn_buf_printf(out, "== %s: %zu problems, %s %s ==\n", s->task->name, s->n_problems,
                  axis_options[s->opts.axis],
                  s->opts.total ? "for the whole set, in expectation"
                                : "for each problem, never more");
    write_models(s->report, s->task, s->opts.axis, s->models, s->n_models, out);
    write_conditions(s->report, &s->opts, out);
    rn_buf_puts(out, "ahead: of the best single model without stopping, chosen alike; first: share "
                     "of resamples\n");
    for (size_t b = 0; b < s->n_rows && s->opts.n_budgets; b++)
        write_row(s, &s->rows[b], out);
    write_frontier(s, out);
}

/* ---- replays --------------------------------------------------------------------------------- */

void rn_replay_text(const rn_replay_report *s, rn_buf *out)
{
    const rn_axis axis = s->opts.axis;
    rn_buf_printf(out, "== %s: %zu problems, %lld random orders of the samples of each ==\n",
                  s->task->name, s->n_problems, (long long)s->opts.n_orders);
    write_models(s->report, s->task, axis, s->models, s->n_models, out);
    write_conditions(s->report, &s->opts, out);
    rn_buf_puts(out, "ahead: of the best fixed policy at the budget; promised: by the prior of the "
                     "other parts\n");
    bool limited = false;
    for (size_t b = 0; b < s->n_rows; b++) {
        const rn_replay_row *row = &s->rows[b];
        heading(out, "%s for each problem: %.4g samples of %s", price(axis, row->budget), row->norm,
                s->task->entrants[s->models[0]].model);
        rn_table tab = {.n_columns = 8, .last_left = true};
        static const char *const head[] = {
            "policy",   "solves, %",     "mean cost", "samples",
            "promised", "ahead, points", "first",     "buys, while all fails"};
        for (size_t i = 0; i < 8; i++)
            rn_table_cell(&tab, "%s", head[i]);
        for (size_t i = 0; i < s->n_choices; i++) {
            const rn_replay_choice *c = &row->choices[i];
            limited |= c->limited;
            rn_table_cell(&tab, "%s%s", c->policy, c->limited ? " +" : "");
            score_cell(&tab, c->score.value, c->score.lo, c->score.hi);
            cost_cell(&tab, axis, &c->cost, 1);
            rn_table_cell(&tab, "%s", amount(c->draws.value));
            score_cell(&tab, c->promised, NAN, NAN);
            if ((int)i == row->best_fixed)
                rn_table_cell(&tab, "best fixed");
            else
                ahead_cell(&tab, &c->ahead);
            share_cell(&tab, c->first);
            rn_table_cell(&tab, "%s", c->course);
        }
        rn_table_end(&tab, out);
    }
    if (limited) rn_buf_puts(out, "+ would buy more samples than are recorded: a lower bound\n");
}
