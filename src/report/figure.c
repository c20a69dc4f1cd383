/*
 * figure.c: the rows of a report and of plans as panels: the same curves, colours and words as in
 * the page.
 *
 * A model has the colour of its place in its task; a ranker that of the model in its name, and its
 * kind is told by the line. A panel of a row without a single curve is left out.
 */
#include "report/render.h"

#include "report/plans.h"
#include "report/plot.h"
#include "report/report_priv.h"
#include "report/views.h"

enum { MAX_PANELS = 64, MAX_SERIES = 96, MAX_COLUMNS = 3 };

static const char *const names[] = {
#define X(name, text) text,
    RN_FIGURES(X)
#undef X
};

const char *rn_figure_name(rn_figure f)
{
    return f < RN_N_FIGURES ? names[f] : NULL;
}

/* A panel as it is filled. */
typedef struct sheet {
    rn_arena arena; /* of every array below */
    rn_plot_panel panels[MAX_PANELS];
    size_t n_panels, n_columns;
    rn_plot_series *series; /* [MAX_SERIES] of the panel in work */
    size_t n_series, n_curves;
    bool failed;
} sheet;

/* How a series looks. */
typedef struct look {
    const char *label; /* NULL: not in the legend */
    int colour;
    rn_plot_style style;
    bool band;
} look;

/* Which rows: every `step`-th from `first` on, n of them; x in the unit of a figure. */
typedef struct slice {
    const rn_rows *rows;
    size_t first, step, n;
    const char *x, *y;
    double scale; /* of x */
} slice;

static void add_series(sheet *s, const slice *from, look how)
{
    const int x = rn_rows_find(from->rows, from->x), y = rn_rows_find(from->rows, from->y);
    double *at = rn_arena_array(&s->arena, 4 * from->n + 1, sizeof *at);
    const size_t n = from->n;
    s->failed |= !at;
    if (s->n_series == MAX_SERIES || s->failed || n == 0 || x < 0 || y < 0) return;
    for (size_t i = 0; i < n; i++) {
        const size_t row = from->first + i * from->step;
        const rn_datum *d = rn_rows_at(from->rows, row, y);
        at[i] = rn_rows_at(from->rows, row, x)->v * from->scale;
        at[n + i] = d->v;
        at[2 * n + i] = d->lo;
        at[3 * n + i] = d->hi;
    }
    s->series[s->n_series++] = (rn_plot_series){.label = how.label,
                                                .x = at,
                                                .y = at + n,
                                                .lo = how.band ? at + 2 * n : NULL,
                                                .hi = how.band ? at + 3 * n : NULL,
                                                .n = n,
                                                .colour = how.colour,
                                                .style = how.style};
    s->n_curves += how.style != RN_PLOT_STARS;
}

/* All rows with this text in column "model" (NULL: all rows), which lie together. */
static slice slice_of(const rn_rows *rows, const char *model, const char *x, const char *y)
{
    slice out = {rows, 0, 1, 0, x, y, 1};
    const int column = rn_rows_find(rows, "model");
    for (size_t i = 0; i < rn_rows_n(rows); i++) {
        if (model && strcmp(rn_rows_at(rows, i, column)->text, model) != 0) continue;
        if (out.n++ == 0) out.first = i;
    }
    return out;
}

static bool open_panel(sheet *s)
{
    s->n_series = s->n_curves = 0;
    s->series = rn_arena_array(&s->arena, MAX_SERIES, sizeof *s->series);
    if (!s->series) s->failed = true;
    return s->n_panels < MAX_PANELS && !s->failed;
}

/* Keeps the panel if it has a curve. */
static void close_panel(sheet *s, const char *title, const char *x_label, const char *y_label,
                        bool doublings, bool legend)
{
    if (s->n_curves == 0) return;
    s->panels[s->n_panels++] = (rn_plot_panel){.title = title,
                                               .x_label = x_label,
                                               .y_label = y_label,
                                               .log_x = true,
                                               .doublings = doublings,
                                               .percent = true,
                                               .legend = legend,
                                               .series = s->series,
                                               .n_series = s->n_series};
}

static int colour_of(const rn_report_task *t, const char *model)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        if (strcmp(t->entrants[i].model, model) == 0 ||
            strcmp(t->entrants[i].base_name, model) == 0)
            return (int)i;
    return -1;
}

/* That of the ranker's model; rankers without one come after all models. */
static int ranker_colour(const rn_report_task *t, const rn_entrant *e, const rn_ranking *k)
{
    int colour = colour_of(t, rn_report_ranker_model(k));
    if (colour >= 0) return colour;
    colour = (int)t->n_entrants;
    for (const rn_ranking *o = e->rankings; o < k; o++)
        colour += colour_of(t, rn_report_ranker_model(o)) < 0;
    return colour;
}

/* Greedy answers; axis RN_N_UNITS: over k. */
static void add_stars(sheet *s, const rn_report_task *t, rn_unit axis)
{
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (e->greedy.n == 0 || (axis != RN_N_UNITS && !e->priced[axis])) continue;
        rn_rows star = {0};
        rn_rows_column(&star, (rn_column){.name = "x"});
        rn_rows_column(&star, (rn_column){.name = "y"});
        rn_rows_value(&star, axis == RN_N_UNITS ? 1 : rn_stat_cost(&e->axis[axis], 1));
        rn_rows_value(&star, e->greedy.value);
        const slice one = slice_of(&star, NULL, "x", "y");
        if (rn_rows_n(&star)) add_series(s, &one, (look){NULL, (int)i, RN_PLOT_STARS, false});
        rn_rows_free(&star);
    }
}

/* What a walk over the series collects: those of one metric, task and (ranking) generator. */
typedef struct wanted {
    sheet *s;
    rn_metric metric;
    const rn_report_task *task;
    const rn_entrant *generator; /* NULL: pass@k */
    bool paid;                   /* x is with the cost of ranking */
} wanted;

/* Kinds of rankers in the order in which they appear: "nll:7b" and "nll:13b" are one. */
static rn_plot_style ranker_style(const rn_entrant *e, const rn_ranking *k)
{
    static const rn_plot_style styles[] = {RN_PLOT_LINE, RN_PLOT_DASHED, RN_PLOT_STEPS};
    size_t kind = 0;
    for (size_t i = 0; &e->rankings[i] != k; i++) {
        size_t len = strcspn(e->rankings[i].name, ":");
        bool seen = strcspn(k->name, ":") == len && strncmp(k->name, e->rankings[i].name, len) == 0;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcspn(e->rankings[j].name, ":") == len &&
                   strncmp(e->rankings[j].name, e->rankings[i].name, len) == 0;
        kind += !seen;
    }
    return styles[kind % 3];
}

/* More bands than this cannot be told apart. */
enum { MAX_BANDS = 3 };

/* Where no ranker's cost is known on an axis, the samples alone are charged, and the axis says
 * so. */
static bool ranking_is_charged(const rn_entrant *e, rn_unit axis)
{
    bool any = false;
    for (size_t i = 0; i < e->n_rankings && axis < RN_UNIT_USD; i++)
        any |= e->rankings[i].cost[axis].known;
    return any;
}

/* What x is: with the cost of ranking, or of the samples alone. */
static const char *x_of(const wanted *w, const rn_series *s)
{
    return s->x_sampling && !w->paid ? "x_sampling" : "x";
}

static void add_curve(void *user, const rn_series *from)
{
    const wanted *w = user;
    if (from->metric != w->metric || from->task != w->task || from->n_points == 0) return;
    if (w->generator && from->entrant != w->generator) return;
    const rn_ranking *k = from->ranking;
    rn_rows rows = {0};
    rn_view_series(from, &rows);
    const slice all = slice_of(&rows, NULL, x_of(w, from), "value");
    add_series(w->s, &all,
               (look){k ? k->name : from->entrant->model,
                      k ? ranker_colour(w->task, from->entrant, k)
                        : (int)(from->entrant - w->task->entrants),
                      k ? ranker_style(from->entrant, k) : RN_PLOT_LINE,
                      !k || from->entrant->n_rankings <= MAX_BANDS});
    rn_rows_free(&rows);
}

/* Curves beyond the samples, over k (axis RN_N_UNITS) or a budget; whether there are any. */
static bool add_continued(sheet *s, const rn_report_task *t, rn_unit axis)
{
    bool any = false;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (e->n_beyond == 0 || (axis != RN_N_UNITS && !e->priced[axis])) continue;
        const rn_series series = {.metric = RN_METRIC_EXTRAPOLATED,
                                  .task = t,
                                  .entrant = e,
                                  .points = e->beyond,
                                  .n_points = e->n_beyond,
                                  .x = axis == RN_N_UNITS ? NULL : &e->axis[axis]};
        rn_rows rows = {0};
        rn_view_series(&series, &rows);
        const slice all = slice_of(&rows, NULL, "x", "value");
        add_series(s, &all, (look){NULL, (int)i, RN_PLOT_DASHED, true});
        rn_rows_free(&rows);
        any = true;
    }
    return any;
}

/* The bounds of the ranking with the longest curve; they need no ranking to be paid. */
static void add_bounds(void *user, const rn_series *from)
{
    const wanted *w = user;
    if (from->metric != w->metric || from->task != w->task || from->entrant != w->generator) return;
    for (size_t i = 0; i < w->generator->n_rankings; i++) {
        const rn_ranking *other = &w->generator->rankings[i];
        if (other->n_points > from->n_points) return;
        if (other->n_points == from->n_points && other < from->ranking) return;
    }
    rn_rows rows = {0};
    rn_view_series(from, &rows);
    const char *x = from->x_sampling ? "x_sampling" : "x";
    const slice perfect = slice_of(&rows, NULL, x, "perfect"),
                random = slice_of(&rows, NULL, x, "random");
    add_series(w->s, &perfect, (look){"perfect choice", RN_PLOT_GREY, RN_PLOT_DASHED, false});
    add_series(w->s, &random, (look){"blind choice", RN_PLOT_GREY, RN_PLOT_DOTTED, false});
    rn_rows_free(&rows);
}

static const char *const over[RN_N_UNITS + 1] = {"At equal FLOPs", "At equal wall-time",
                                                 "At equal cost", "By number of samples"};
static const char *const units[RN_N_UNITS + 1] = {
    "FLOPs per problem", "seconds per problem", "US dollars per problem", "k, samples per problem"};

/* "mini, samples of 7b: at equal FLOPs"; the first part only where rows need it. */
static const char *title_of(sheet *s, const rn_report *r, const rn_report_task *t,
                            const rn_entrant *generator, const char *what)
{
    char *title = generator        ? rn_arena_printf(&s->arena, "%s: %s", generator->model, what)
                  : r->n_tasks > 1 ? rn_arena_printf(&s->arena, "%s: %s", t->name, what)
                                   : rn_arena_strdup(&s->arena, what);
    s->failed |= !title;
    return title;
}

/* pass@k, or rank-score of one generator's samples, over k (axis RN_N_UNITS) or a budget. */
static void curve_panel(sheet *s, const rn_report *r, const rn_report_task *t, rn_unit axis,
                        const rn_entrant *generator, bool legend)
{
    static const rn_metric pass[] = {RN_METRIC_PASS_FLOP, RN_METRIC_PASS_TIME, RN_METRIC_PASS_USD,
                                     RN_METRIC_PASS_K};
    static const rn_metric rank[] = {RN_METRIC_RANK_FLOP, RN_METRIC_RANK_TIME, RN_N_METRICS,
                                     RN_METRIC_RANK_K};
    wanted w = {s, generator ? rank[axis] : pass[axis], t, generator,
                generator && ranking_is_charged(generator, axis)};
    if (w.metric == RN_N_METRICS || !open_panel(s)) return;
    if (generator) rn_view_each_series(r, UINT32_C(1) << w.metric, add_bounds, &w);
    rn_view_each_series(r, UINT32_C(1) << w.metric, add_curve, &w);
    const bool far = !generator && add_continued(s, t, axis);
    add_stars(s, t, axis);
    const char *what = far ? rn_arena_printf(&s->arena, "%s (dashed: extrapolated)", over[axis])
                       : !generator || axis == RN_N_UNITS ? over[axis]
                       : w.paid ? rn_arena_printf(&s->arena, "%s, ranking charged", over[axis])
                                : rn_arena_printf(&s->arena, "%s, ranking not charged", over[axis]);
    close_panel(s, title_of(s, r, t, generator, what ? what : over[axis]), units[axis],
                generator ? "rank-score@k, %" : "pass@k, %", axis == RN_N_UNITS, legend);
}

/* Rows of each model, [n] curves of them: column, style, and whether it is the one in the
 * legend. */
static void model_panel(sheet *s, const rn_report *r, const rn_report_task *t, const rn_rows *rows,
                        const char *title, const char *const xy[][2], size_t n)
{
    static const rn_plot_style styles[] = {RN_PLOT_LINE, RN_PLOT_DASHED, RN_PLOT_DOTTED};
    if (t->plan_axis == RN_N_UNITS || rn_rows_n(rows) == 0 || !open_panel(s)) return;
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t c = 0; c < n; c++) {
            const rn_entrant *e = &t->entrants[i];
            const slice mine = slice_of(rows, e->model, xy[c][0], xy[c][1]);
            if (e->priced[t->plan_axis])
                add_series(s, &mine, (look){c ? NULL : e->model, (int)i, styles[c], false});
        }
    close_panel(s, title_of(s, r, t, NULL, title), units[t->plan_axis], "solved, %", false, true);
}

static void stopping_panel(sheet *s, const rn_report *r, const rn_report_task *t)
{
    static const char *const full[] = {"flops_full", "seconds_full", "usd_full"};
    if (t->plan_axis == RN_N_UNITS) return;
    model_panel(s, r, t, &t->stopping, "Stopping at the first pass (dashed: always k)",
                (const char *const[][2]){{rn_unit_name(t->plan_axis), "value"},
                                         {full[t->plan_axis], "value"}},
                2);
}

static void reallocation_panel(sheet *s, const rn_report *r, const rn_report_task *t)
{
    model_panel(
        s, r, t, &t->reallocation, "One budget for the set (dashed: same k)",
        (const char *const[][2]){{"budget", "rounds"}, {"budget", "same_k"}, {"budget", "oracle"}},
        3);
}

static void cascade_panel(sheet *s, const rn_report *r, const rn_report_task *t)
{
    if (rn_rows_n(&t->cascades) == 0 || !open_panel(s)) return;
    const slice one = slice_of(&t->cascades, NULL, "budget", "single_value"),
                two = slice_of(&t->cascades, NULL, "budget", "value");
    add_series(s, &one, (look){"best single model", RN_PLOT_GREY, RN_PLOT_DASHED, false});
    add_series(s, &two, (look){"best cascade", 0, RN_PLOT_LINE, false});
    close_panel(s, title_of(s, r, t, NULL, "The best cascade of two models"), units[t->plan_axis],
                "solved, %", false, true);
}

/* The panels over k, FLOPs and time side by side, the legend in the first. */
static void row_of_three(sheet *s, const rn_report *r, const rn_report_task *t,
                         const rn_entrant *generator)
{
    static const rn_unit columns[MAX_COLUMNS] = {RN_N_UNITS, RN_UNIT_FLOP, RN_UNIT_SECOND};
    size_t before = s->n_panels;
    for (size_t i = 0; i < MAX_COLUMNS; i++)
        curve_panel(s, r, t, columns[i], generator, s->n_panels == before);
    size_t made = s->n_panels - before;
    if (made > s->n_columns) s->n_columns = made;
}

static void add_task(sheet *s, const rn_report *r, const rn_report_task *t, rn_figure f)
{
    switch (f) {
    case RN_FIGURE_STUDY: row_of_three(s, r, t, NULL); return;
    case RN_FIGURE_PASS_K: curve_panel(s, r, t, RN_N_UNITS, NULL, true); return;
    case RN_FIGURE_FLOP: curve_panel(s, r, t, RN_UNIT_FLOP, NULL, true); return;
    case RN_FIGURE_TIME: curve_panel(s, r, t, RN_UNIT_SECOND, NULL, true); return;
    case RN_FIGURE_USD: curve_panel(s, r, t, RN_UNIT_USD, NULL, true); return;
    case RN_FIGURE_STOPPING: stopping_panel(s, r, t); return;
    case RN_FIGURE_REALLOCATION: reallocation_panel(s, r, t); return;
    case RN_FIGURE_CASCADE: cascade_panel(s, r, t); return;
    case RN_FIGURE_RANK:
    case RN_FIGURE_RANK_K:
    case RN_FIGURE_RANK_FLOP:
    case RN_FIGURE_RANK_TIME:
    case RN_N_FIGURES: break;
    }
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (e->n_rankings == 0) continue;
        if (f == RN_FIGURE_RANK)
            row_of_three(s, r, t, e);
        else
            curve_panel(s, r, t,
                        f == RN_FIGURE_RANK_K      ? RN_N_UNITS
                        : f == RN_FIGURE_RANK_FLOP ? RN_UNIT_FLOP
                                                   : RN_UNIT_SECOND,
                        e, true);
    }
}

/* Why the figure is empty: the report's own words, or what is needed in general. */
static int nothing(const rn_report *r, rn_figure f, rn_err *err)
{
    static const rn_unit axis_of[RN_N_FIGURES] = {
        [RN_FIGURE_TIME] = RN_UNIT_SECOND, [RN_FIGURE_USD] = RN_UNIT_USD};
    bool rank = f >= RN_FIGURE_RANK && f <= RN_FIGURE_RANK_TIME;
    const char *why = rank
                          ? "no sample has a score; run `ration rank`"
                          : "judged samples are needed (`ration judge`), at least two of a problem";
    for (size_t i = 0; i < r->n_tasks && !rank && f != RN_FIGURE_STUDY && f != RN_FIGURE_PASS_K;
         i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
            const char *w = r->tasks[i].entrants[j].why[axis_of[f]];
            if (w && !r->tasks[i].axis[axis_of[f]].any) why = w;
        }
    return rn_fail(err, RN_ENOTFOUND, "nothing to draw for the figure %s: %s", names[f], why);
}

int rn_report_figure(const rn_report *r, rn_figure f, const char *path, rn_err *err)
{
    sheet s = {.n_columns = 1};
    for (size_t i = 0; i < r->n_tasks; i++)
        add_task(&s, r, &r->tasks[i], f);
    int rc = s.failed          ? rn_nomem(err, "report")
             : s.n_panels == 0 ? nothing(r, f, err)
                               : rn_plot_write(path, s.panels, s.n_panels, s.n_columns, err);
    rn_arena_free(&s.arena);
    return rc;
}

/* ---- plans and replays ----------------------------------------------------------------------- */

/* The rows of one choice at all budgets; x is the budget, in a replay the mean cost. */
static void add_choice(sheet *s, const rn_plans *p, size_t which, look how)
{
    const rn_plan_row *all = p->opts.replay ? p->rows : p->frontier;
    const size_t n = p->opts.replay ? p->n_rows : p->n_frontier;
    rn_rows rows = {0};
    rn_rows_column(&rows, (rn_column){.name = "x"});
    rn_rows_column(&rows, (rn_column){.name = "y"});
    for (size_t i = 0; i < n; i++) {
        const rn_choice *c = &all[i].choices[which];
        rn_rows_value(&rows, p->opts.replay ? c->cost.value : all[i].budget);
        rn_rows_interval(&rows, c->score.value, c->score.lo, c->score.hi);
    }
    slice from = slice_of(&rows, NULL, "x", "y");
    if (p->opts.axis == RN_UNIT_FLOP) from.scale = 1e-12;
    add_series(s, &from, how);
    rn_rows_free(&rows);
}

static void plans_panel(sheet *s, const rn_plans *p)
{
    static const char *const labels[2][RN_N_UNITS] = {
        {"budget, TFLOP", "budget, seconds", "budget, dollars"},
        {"mean cost, TFLOP", "mean cost, seconds", "mean cost, dollars"}};
    const bool replay = p->opts.replay;
    if (!open_panel(s)) return;
    for (size_t i = 0; i < p->n_choices; i++) {
        const rn_choice *c = replay ? &p->rows[0].choices[i] : &p->frontier[0].choices[i];
        const bool alone = c->kind == RN_CHOICE_ALONE;
        int colour = replay ? (int)i : RN_PLOT_GREY;
        if (c->kind == RN_CHOICE_SINGLE && p->n_models > 1) continue; /* one of those alone */
        if (!replay && c->stop != p->opts.stop) continue;
        for (size_t m = 0; m < p->n_models && !replay; m++)
            if (p->models[m] == c->model) colour = (int)m;
        if (c->kind == RN_CHOICE_CASCADE) colour = (int)p->n_models;
        if (c->kind == RN_CHOICE_MIXTURE) colour = (int)p->n_models + 1;
        add_choice(s, p, i,
                   (look){alone ? p->task->entrants[c->model].model : c->name, colour,
                          alone || (replay && c->fixed) ? RN_PLOT_DASHED : RN_PLOT_LINE,
                          c->kind == RN_CHOICE_MIXTURE || (replay && !c->fixed)});
    }
    close_panel(s, p->task->name, labels[replay][p->opts.axis], "solved", false, true);
}

int rn_plans_plot(const rn_plans *p, size_t n, const char *path, rn_err *err)
{
    sheet s = {0};
    for (size_t i = 0; i < n; i++)
        plans_panel(&s, &p[i]);
    int rc = s.failed ? rn_nomem(err, "report")
                      : rn_plot_write(path, s.panels, s.n_panels, n > 1 ? 2 : 1, err);
    rn_arena_free(&s.arena);
    return rc;
}
