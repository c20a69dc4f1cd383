/* spend_form.c: plans and replays as CSV, JSON and figures; docs/FORMATS.md. See spend.h. */
#include "report/inside.h"
#include "report/plot.h"
#include "report/spend.h"

#include "base/jout.h"

#include <stdlib.h>

static const char *const axis_names[RN_N_AXES] = {"flops", "seconds", "usd"};

/* ---- CSV --------------------------------------------------------------------------------------- */

static void csv_interval(rn_buf *out, const rn_interval *x)
{
    rn_report_csv_number(out, x->value);
    rn_report_csv_number(out, x->lo);
    rn_report_csv_number(out, x->hi);
}

static void csv_rows(const rn_spend *s, const char *part, const rn_spend_row *rows, size_t n,
                     rn_buf *out)
{
    for (size_t i = 0; i < n * s->n_choices; i++) {
        const rn_spend_row *row = &rows[i / s->n_choices];
        const rn_choice *c = &row->choices[i % s->n_choices];
        rn_report_csv_field(out, s->task->name);
        rn_buf_printf(out, ",%s,%s,%s", axis_names[s->opts.axis], s->opts.total ? "total" : "each",
                      part);
        rn_report_csv_number(out, row->budget);
        rn_report_csv_number(out, row->norm);
        rn_buf_printf(out, ",%s,", rn_choice_name(c->kind));
        rn_report_csv_field(out, c->model < 0 ? "" : s->task->entrants[c->model].model);
        rn_buf_printf(out, ",%d", c->stop);
        csv_interval(out, &c->score);
        csv_interval(out, &c->cost);
        csv_interval(out, &c->ahead);
        rn_report_csv_number(out, c->first);
        rn_buf_printf(out, ",%d,", c->limited);
        rn_report_csv_field(out, c->plan);
        rn_buf_putc(out, '\n');
    }
}

void rn_spend_csv(const rn_spend *s, bool head, rn_buf *out)
{
    if (head)
        rn_buf_puts(out,
                    "task,axis,scope,part,budget,normalised,choice,model,stop,value,lo,hi,cost,"
                    "cost_lo,cost_hi,ahead,ahead_lo,ahead_hi,first,limited,plan\n");
    csv_rows(s, "budget", s->rows, s->n_rows, out);
    csv_rows(s, "frontier", s->frontier, s->n_frontier, out);
}

void rn_replay_csv(const rn_replay_report *s, bool head, rn_buf *out)
{
    if (head)
        rn_buf_puts(out,
                    "task,axis,budget,normalised,policy,fixed,value,lo,hi,cost,cost_lo,cost_hi,"
                    "samples,promised,ahead,ahead_lo,ahead_hi,first,limited,course\n");
    for (size_t i = 0; i < s->n_rows * s->n_choices; i++) {
        const rn_replay_row *row = &s->rows[i / s->n_choices];
        const rn_replay_choice *c = &row->choices[i % s->n_choices];
        rn_report_csv_field(out, s->task->name);
        rn_buf_printf(out, ",%s", axis_names[s->opts.axis]);
        rn_report_csv_number(out, row->budget);
        rn_report_csv_number(out, row->norm);
        rn_buf_putc(out, ',');
        rn_report_csv_field(out, c->policy);
        rn_buf_printf(out, ",%d", c->fixed);
        csv_interval(out, &c->score);
        csv_interval(out, &c->cost);
        rn_report_csv_number(out, c->draws.value);
        rn_report_csv_number(out, c->promised);
        csv_interval(out, &c->ahead);
        rn_report_csv_number(out, c->first);
        rn_buf_printf(out, ",%d,", c->limited);
        rn_report_csv_field(out, c->course);
        rn_buf_putc(out, '\n');
    }
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_interval(rn_buf *out, const char *name, const rn_interval *x)
{
    rn_jout_key(out, name);
    rn_buf_putc(out, '{');
    rn_jout_number(out, "value", x->value);
    rn_jout_number(out, "lo", x->lo);
    rn_jout_number(out, "hi", x->hi);
    rn_jout_text(out, "method", rn_stat_interval_name(x->method));
    rn_buf_putc(out, '}');
}

/* What plans and replays begin with. */
static void json_head(rn_buf *out, const rn_report *r, const rn_report_task *t,
                      const rn_spend_opts *o, const int *models, size_t n_models, size_t n_problems,
                      double unit)
{
    rn_jout_text(out, "task", t->name);
    rn_jout_text(out, "hash", t->hash);
    rn_jout_whole(out, "problems", (int64_t)n_problems);
    rn_jout_text(out, "axis", axis_names[o->axis]);
    rn_jout_text(out, "profile", o->axis == RN_AXIS_TIME ? r->opts.profile : NULL);
    rn_jout_number(out, "unit", unit);
    rn_jout_whole(out, "folds", o->n_folds);
    rn_jout_whole(out, "resamples", r->opts.n_resamples);
    rn_jout_whole(out, "seed", (int64_t)r->opts.seed);
    rn_jout_number(out, "level", r->opts.level);
    rn_jout_key(out, "models");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < n_models; i++) {
        const rn_entrant *e = &t->entrants[models[i]];
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        rn_jout_text(out, "model", e->model);
        rn_jout_text(out, "cost", e->cost ? e->cost->name : NULL);
        rn_jout_whole(out, "n", e->n);
        rn_jout_number(out, "prompt", e->axis[o->axis].shared);
        rn_jout_number(out, "sample", e->axis[o->axis].per_sample);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void json_rows(const rn_spend *s, const char *name, const rn_spend_row *rows, size_t n,
                      rn_buf *out)
{
    rn_jout_key(out, name);
    rn_buf_putc(out, '[');
    for (size_t b = 0; b < n; b++) {
        rn_jout_item(out);
        rn_buf_puts(out, "\n{");
        rn_jout_number(out, "budget", rows[b].budget);
        rn_jout_number(out, "normalised", rows[b].norm);
        rn_jout_key(out, "choices");
        rn_buf_putc(out, '[');
        for (size_t i = 0; i < s->n_choices; i++) {
            const rn_choice *c = &rows[b].choices[i];
            rn_jout_item(out);
            rn_buf_puts(out, "\n{");
            rn_jout_text(out, "choice", rn_choice_name(c->kind));
            rn_jout_text(out, "model", c->model < 0 ? NULL : s->task->entrants[c->model].model);
            rn_jout_boolean(out, "stop", c->stop);
            rn_jout_text(out, "plan", c->plan);
            rn_jout_boolean(out, "limited", c->limited);
            json_interval(out, "score", &c->score);
            json_interval(out, "cost", &c->cost);
            json_interval(out, "ahead", &c->ahead);
            rn_jout_number(out, "first", c->first);
            rn_buf_putc(out, '}');
        }
        rn_buf_puts(out, "]}");
    }
    rn_buf_putc(out, ']');
}

void rn_spend_json(const rn_spend *s, rn_buf *out)
{
    rn_jout_item(out);
    rn_buf_puts(out, "\n{");
    json_head(out, s->report, s->task, &s->opts, s->models, s->n_models, s->n_problems, s->unit);
    rn_jout_text(out, "scope", s->opts.total ? "total" : "each");
    json_rows(s, "budgets", s->rows, s->n_rows, out);
    json_rows(s, "frontier", s->frontier, s->n_frontier, out);
    rn_buf_putc(out, '}');
}

void rn_replay_json(const rn_replay_report *s, rn_buf *out)
{
    rn_jout_item(out);
    rn_buf_puts(out, "\n{");
    json_head(out, s->report, s->task, &s->opts, s->models, s->n_models, s->n_problems, s->unit);
    rn_jout_whole(out, "orders", s->opts.n_orders);
    rn_jout_key(out, "budgets");
    rn_buf_putc(out, '[');
    for (size_t b = 0; b < s->n_rows; b++) {
        const rn_replay_row *row = &s->rows[b];
        rn_jout_item(out);
        rn_buf_puts(out, "\n{");
        rn_jout_number(out, "budget", row->budget);
        rn_jout_number(out, "normalised", row->norm);
        rn_jout_text(out, "best_fixed", row->choices[row->best_fixed].policy);
        rn_jout_key(out, "policies");
        rn_buf_putc(out, '[');
        for (size_t i = 0; i < s->n_choices; i++) {
            const rn_replay_choice *c = &row->choices[i];
            rn_jout_item(out);
            rn_buf_puts(out, "\n{");
            rn_jout_text(out, "policy", c->policy);
            rn_jout_boolean(out, "fixed", c->fixed);
            rn_jout_text(out, "course", c->course);
            rn_jout_boolean(out, "limited", c->limited);
            rn_jout_number(out, "promised", c->promised);
            json_interval(out, "score", &c->score);
            json_interval(out, "cost", &c->cost);
            json_interval(out, "samples", &c->draws);
            json_interval(out, "ahead", &c->ahead);
            rn_jout_number(out, "first", c->first);
            rn_buf_putc(out, '}');
        }
        rn_buf_puts(out, "]}");
    }
    rn_buf_puts(out, "]}");
}

/* ---- figures ----------------------------------------------------------------------------------- */

typedef struct curve_point {
    double x;
    const rn_interval *y;
} curve_point;

/* Appends a series of n points that get(user, i) gives, in the arena. */
static int add_series(rn_arena *a, rn_plot_panel *panel, const char *label, int colour,
                      rn_plot_style style, bool band, size_t n,
                      curve_point (*get)(const void *user, size_t i, size_t which),
                      const void *user, size_t which, rn_err *err)
{
    double *at = rn_arena_array(a, 4 * n + 1, sizeof *at);
    if (!at) return rn_report_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const curve_point p = get(user, i, which);
        at[i] = p.x;
        at[n + i] = p.y->value;
        at[2 * n + i] = p.y->lo;
        at[3 * n + i] = p.y->hi;
    }
    ((rn_plot_series *)panel->series)[panel->n_series++] =
        (rn_plot_series){.label = label,
                         .x = at,
                         .y = at + n,
                         .lo = band ? at + 2 * n : NULL,
                         .hi = band ? at + 3 * n : NULL,
                         .n = n,
                         .colour = colour,
                         .style = style};
    return 0;
}

/* In the unit of the figure's axis: TFLOP, seconds, dollars. */
static double on_figure(rn_axis axis, double v)
{
    return axis == RN_AXIS_FLOP ? v * 1e-12 : v;
}

static curve_point plan_point(const void *user, size_t i, size_t which)
{
    const rn_spend *s = user;
    return (curve_point){on_figure(s->opts.axis, s->frontier[i].budget),
                         &s->frontier[i].choices[which].score};
}

static curve_point replay_point(const void *user, size_t i, size_t which)
{
    const rn_replay_report *s = user;
    const rn_replay_choice *c = &s->rows[i].choices[which];
    return (curve_point){on_figure(s->opts.axis, c->cost.value), &c->score};
}

static const char *const x_labels[2][RN_N_AXES] = {
    {"budget, TFLOP", "budget, seconds", "budget, dollars"},
    {"mean cost, TFLOP", "mean cost, seconds", "mean cost, dollars"}};

static int plan_panel(rn_arena *a, const rn_spend *s, rn_plot_panel *panel, rn_err *err)
{
    *panel = (rn_plot_panel){.title = s->task->name,
                             .x_label = x_labels[0][s->opts.axis],
                             .y_label = "solved",
                             .log_x = true,
                             .percent = true,
                             .legend = true,
                             .series = rn_arena_array(a, s->n_choices + 1, sizeof *panel->series)};
    if (!panel->series) return rn_report_nomem(err);
    int rc = 0;
    for (size_t i = 0; i < s->n_choices && !rc; i++) {
        const rn_choice *c = &s->frontier[0].choices[i];
        if (c->kind == RN_CHOICE_SINGLE && s->n_models > 1) continue; /* one of those alone */
        if (c->stop != s->opts.stop) continue;
        const bool alone = c->kind == RN_CHOICE_ALONE;
        int colour = RN_PLOT_GREY;
        for (size_t m = 0; m < s->n_models; m++)
            if (s->models[m] == c->model) colour = (int)m;
        if (c->kind == RN_CHOICE_CASCADE) colour = (int)s->n_models;
        if (c->kind == RN_CHOICE_MIXTURE) colour = (int)s->n_models + 1;
        rc = add_series(a, panel,
                        alone ? s->task->entrants[c->model].model : rn_choice_name(c->kind), colour,
                        alone ? RN_PLOT_DASHED : RN_PLOT_LINE, c->kind == RN_CHOICE_MIXTURE,
                        s->n_frontier, plan_point, s, i, err);
    }
    return rc;
}

int rn_spend_plot(const rn_spend *const *s, size_t n, const char *path, rn_err *err)
{
    rn_arena a = {0};
    rn_plot_panel *panels = rn_arena_array(&a, n + 1, sizeof *panels);
    int rc = panels ? 0 : rn_report_nomem(err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = plan_panel(&a, s[i], &panels[i], err);
    if (!rc) rc = rn_plot_write(path, panels, n, n > 1 ? 2 : 1, err);
    rn_arena_free(&a);
    return rc;
}

int rn_replay_plot(const rn_replay_report *const *s, size_t n, const char *path, rn_err *err)
{
    rn_arena a = {0};
    rn_plot_panel *panels = rn_arena_array(&a, n + 1, sizeof *panels);
    int rc = panels ? 0 : rn_report_nomem(err);
    for (size_t i = 0; i < n && !rc; i++) {
        panels[i] = (rn_plot_panel){
            .title = s[i]->task->name,
            .x_label = x_labels[1][s[i]->opts.axis],
            .y_label = "solved",
            .log_x = true,
            .percent = true,
            .legend = true,
            .series = rn_arena_array(&a, s[i]->n_choices + 1, sizeof *panels->series)};
        if (!panels[i].series) rc = rn_report_nomem(err);
        for (size_t c = 0; c < s[i]->n_choices && !rc; c++) {
            const rn_replay_choice *x = &s[i]->rows[0].choices[c];
            rc = add_series(&a, &panels[i], x->policy, (int)c,
                            x->fixed ? RN_PLOT_DASHED : RN_PLOT_LINE, !x->fixed, s[i]->n_rows,
                            replay_point, s[i], c, err);
        }
    }
    if (!rc) rc = rn_plot_write(path, panels, n, n > 1 ? 2 : 1, err);
    rn_arena_free(&a);
    return rc;
}
