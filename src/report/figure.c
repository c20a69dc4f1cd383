/*
 * figure.c: series of a report as panels: the same curves, colours and words as in the page.
 *
 * A model has the colour of its place in its task; a ranker that of the model in its name, and its
 * kind is told by the line. A panel of a row without a single curve is left out.
 */
#include "report/figure.h"

#include "report/inside.h"
#include "report/plot.h"

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
    bool failed; /* out of memory */
} sheet;

/* A series with room for n points; NULL when there is no place for it. */
static rn_plot_series *add_series(sheet *s, const char *label, size_t n, int colour,
                                  rn_plot_style style, bool band)
{
    if (s->n_series == MAX_SERIES) return NULL;
    rn_plot_series *to = &s->series[s->n_series];
    *to = (rn_plot_series){.label = label,
                           .x = rn_arena_array(&s->arena, n, sizeof(double)),
                           .y = rn_arena_array(&s->arena, n, sizeof(double)),
                           .lo = band ? rn_arena_array(&s->arena, n, sizeof(double)) : NULL,
                           .hi = band ? rn_arena_array(&s->arena, n, sizeof(double)) : NULL,
                           .n = n,
                           .colour = colour,
                           .style = style};
    if (!to->x || !to->y || (band && (!to->lo || !to->hi))) {
        s->failed = true;
        return NULL;
    }
    s->n_series++;
    s->n_curves += style != RN_PLOT_STARS;
    return to;
}

static void put(rn_plot_series *to, size_t i, double x, double y)
{
    ((double *)to->x)[i] = x;
    ((double *)to->y)[i] = y;
}

static void put_band(rn_plot_series *to, size_t i, double lo, double hi)
{
    ((double *)to->lo)[i] = lo;
    ((double *)to->hi)[i] = hi;
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

/* axis RN_N_AXES: over k. */
static void add_stars(sheet *s, const rn_report_task *t, rn_axis axis)
{
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        bool there = e->greedy.n > 0 && (axis == RN_N_AXES || e->priced[axis]);
        rn_plot_series *to = there ? add_series(s, NULL, 1, (int)i, RN_PLOT_STARS, false) : NULL;
        if (to)
            put(to, 0, axis == RN_N_AXES ? 1 : rn_stat_cost(&e->axis[axis], 1), e->greedy.value);
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

/* Where no ranker's cost is known on an axis, the samples alone are charged, and the axis says so. */
static bool ranking_is_charged(const rn_entrant *e, rn_axis axis)
{
    bool any = false;
    for (size_t i = 0; i < e->n_rankings && axis < RN_AXIS_USD; i++)
        any |= e->rankings[i].cost[axis].known;
    return any;
}

static double x_of(const wanted *w, const rn_series *s, int64_t k)
{
    return s->x_sampling && !w->paid ? rn_stat_cost(s->x_sampling, k) : rn_report_series_x(s, k);
}

static void add_curve(void *user, const rn_series *from)
{
    const wanted *w = user;
    if (from->metric != w->metric || from->task != w->task || from->n_points == 0) return;
    if (w->generator && from->entrant != w->generator) return;
    const rn_ranking *k = from->ranking;
    bool band = !k || from->entrant->n_rankings <= MAX_BANDS;
    int colour =
        k ? ranker_colour(w->task, from->entrant, k) : (int)(from->entrant - w->task->entrants);
    rn_plot_series *to =
        add_series(w->s, k ? k->name : from->entrant->model, from->n_points, colour,
                   k ? ranker_style(from->entrant, k) : RN_PLOT_LINE, band);
    for (size_t i = 0; to && i < from->n_points; i++) {
        put(to, i, x_of(w, from, from->points[i].k), from->points[i].value);
        if (band) put_band(to, i, from->points[i].lo, from->points[i].hi);
    }
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
    rn_plot_series *perfect =
        add_series(w->s, "perfect choice", from->n_points, RN_PLOT_GREY, RN_PLOT_DASHED, false);
    rn_plot_series *random =
        add_series(w->s, "blind choice", from->n_points, RN_PLOT_GREY, RN_PLOT_DOTTED, false);
    for (size_t i = 0; perfect && random && i < from->n_points; i++) {
        int64_t k = from->points[i].k;
        double x = from->x_sampling ? rn_stat_cost(from->x_sampling, k) : (double)k;
        put(perfect, i, x, from->ranking->perfect[i]);
        put(random, i, x, from->ranking->random[i]);
    }
}

static const char *const over[RN_N_AXES + 1] = {"At equal FLOPs", "At equal wall-time",
                                                "At equal cost", "By number of samples"};
static const char *const units[RN_N_AXES + 1] = {
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

/* pass@k, or rank-score of one generator's samples, over k (axis RN_N_AXES) or a budget. */
static void curve_panel(sheet *s, const rn_report *r, const rn_report_task *t, rn_axis axis,
                        const rn_entrant *generator, bool legend)
{
    static const rn_metric pass[] = {RN_METRIC_PASS_FLOP, RN_METRIC_PASS_TIME, RN_METRIC_PASS_USD,
                                     RN_METRIC_PASS_K};
    static const rn_metric rank[] = {RN_METRIC_RANK_FLOP, RN_METRIC_RANK_TIME, RN_N_METRICS,
                                     RN_METRIC_RANK_K};
    wanted w = {s, generator ? rank[axis] : pass[axis], t, generator,
                generator && ranking_is_charged(generator, axis)};
    if (w.metric == RN_N_METRICS || !open_panel(s)) return;
    if (generator) rn_report_each_series(r, UINT32_C(1) << w.metric, add_bounds, &w);
    rn_report_each_series(r, UINT32_C(1) << w.metric, add_curve, &w);
    add_stars(s, t, axis);
    const char *what = !generator || axis == RN_N_AXES ? over[axis]
                       : w.paid ? rn_arena_printf(&s->arena, "%s, ranking charged", over[axis])
                                : rn_arena_printf(&s->arena, "%s, ranking not charged", over[axis]);
    close_panel(s, title_of(s, r, t, generator, what ? what : over[axis]), units[axis],
                generator ? "rank-score@k, %" : "pass@k, %", axis == RN_N_AXES, legend);
}

static void stopping_panel(sheet *s, const rn_report *r, const rn_report_task *t)
{
    rn_axis axis = t->alloc_axis;
    if (!t->stops || axis == RN_N_AXES || !open_panel(s)) return;
    for (size_t i = 0; i < t->n_entrants; i++) {
        size_t n = t->n_stops[i];
        if (n == 0 || !t->entrants[i].priced[axis]) continue;
        rn_plot_series *full = add_series(s, NULL, n, (int)i, RN_PLOT_DASHED, false);
        rn_plot_series *stop = add_series(s, t->entrants[i].model, n, (int)i, RN_PLOT_LINE, false);
        for (size_t j = 0; full && stop && j < n; j++) {
            const rn_stop_row *row = &t->stops[i][j];
            put(full, j, row->full[axis], row->value);
            put(stop, j, row->spent[axis], row->value);
        }
    }
    close_panel(s, title_of(s, r, t, NULL, "Stopping at the first pass (dashed: always k)"),
                units[axis], "solved, %", false, true);
}

static void reallocation_panel(sheet *s, const rn_report *r, const rn_report_task *t)
{
    if (!t->allocs || t->alloc_axis == RN_N_AXES || !open_panel(s)) return;
    for (size_t i = 0; i < t->n_entrants; i++) {
        size_t n = t->n_allocs[i];
        if (n == 0) continue;
        rn_plot_series *same = add_series(s, NULL, n, (int)i, RN_PLOT_DASHED, false);
        rn_plot_series *oracle = add_series(s, NULL, n, (int)i, RN_PLOT_DOTTED, false);
        rn_plot_series *rounds =
            add_series(s, t->entrants[i].model, n, (int)i, RN_PLOT_LINE, false);
        for (size_t j = 0; same && oracle && rounds && j < n; j++) {
            const rn_alloc_row *row = &t->allocs[i][j];
            put(same, j, row->budget, row->same_k);
            put(oracle, j, row->budget, row->oracle);
            put(rounds, j, row->budget, row->rounds);
        }
    }
    close_panel(s, title_of(s, r, t, NULL, "One budget for the set (dashed: same k)"),
                units[t->alloc_axis], "solved, %", false, true);
}

static void cascade_panel(sheet *s, const rn_report *r, const rn_report_task *t)
{
    if (t->n_cascades == 0 || !open_panel(s)) return;
    rn_plot_series *one =
        add_series(s, "best single model", t->n_cascades, RN_PLOT_GREY, RN_PLOT_DASHED, false);
    rn_plot_series *two = add_series(s, "best cascade", t->n_cascades, 0, RN_PLOT_LINE, false);
    for (size_t j = 0; one && two && j < t->n_cascades; j++) {
        put(one, j, t->cascades[j].budget, t->cascades[j].single);
        put(two, j, t->cascades[j].budget, t->cascades[j].cascade);
    }
    close_panel(s, title_of(s, r, t, NULL, "The best cascade of two models"), units[t->alloc_axis],
                "solved, %", false, true);
}

/* The panels over k, FLOPs and time side by side, the legend in the first. */
static void row_of_three(sheet *s, const rn_report *r, const rn_report_task *t,
                         const rn_entrant *generator)
{
    static const rn_axis columns[MAX_COLUMNS] = {RN_N_AXES, RN_AXIS_FLOP, RN_AXIS_TIME};
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
    case RN_FIGURE_PASS_K: curve_panel(s, r, t, RN_N_AXES, NULL, true); return;
    case RN_FIGURE_FLOP: curve_panel(s, r, t, RN_AXIS_FLOP, NULL, true); return;
    case RN_FIGURE_TIME: curve_panel(s, r, t, RN_AXIS_TIME, NULL, true); return;
    case RN_FIGURE_USD: curve_panel(s, r, t, RN_AXIS_USD, NULL, true); return;
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
                        f == RN_FIGURE_RANK_K      ? RN_N_AXES
                        : f == RN_FIGURE_RANK_FLOP ? RN_AXIS_FLOP
                                                   : RN_AXIS_TIME,
                        e, true);
    }
}

/* Why the figure is empty: the report's own words, or what is needed in general. */
static int nothing(const rn_report *r, rn_figure f, rn_err *err)
{
    static const rn_axis axis_of[RN_N_FIGURES] = {
        [RN_FIGURE_TIME] = RN_AXIS_TIME, [RN_FIGURE_USD] = RN_AXIS_USD};
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
    int rc = s.failed          ? rn_report_nomem(err)
             : s.n_panels == 0 ? nothing(r, f, err)
                               : rn_plot_write(path, s.panels, s.n_panels, s.n_columns, err);
    rn_arena_free(&s.arena);
    return rc;
}
