/*
 * report_stage.c: reports and plans as calls (ration.h): words into options, then load, compute,
 * render.
 *
 * A word that cannot be is refused before anything is read; what only the data can tell (a model
 * that is not there, a budget too small) comes as an error of the stage.
 */
#include "base/file.h"
#include "base/near.h"
#include "base/jout.h"
#include "report/render.h"
#include "report/plans.h"
#include "report/plot.h"
#include "report/report_priv.h"

enum { MAX_LIST = 256, MAX_TASKS = 64 };

/* ---- words ----------------------------------------------------------------------------------- */

/* The place of `value` among n words; `name` is the option. */
static int choose(const char *name, const char *value, const char *const *words, int n, int *out,
                  rn_err *err)
{
    rn_buf known = {0};
    for (int i = 0; i < n; i++) {
        if (strcmp(value, words[i]) == 0) {
            rn_buf_free(&known);
            *out = i;
            return 0;
        }
        rn_buf_printf(&known, "%s%s", i ? ", " : "", words[i]);
    }
    char what[64];
    snprintf(what, sizeof what, "--%s cannot be", name);
    return rn_near_fail(err, RN_EINVAL, what, value, ": it is one of ", &known);
}

/* "1,2,4" into rising numbers above 0. */
static int read_list(const char *name, const char *text, double *out, size_t *n, rn_err *err)
{
    for (const char *p = text; *p;) {
        char *end;
        errno = 0;
        double v = strtod(p, &end);
        if (errno || end == p || (*end && *end != ',') || !(v > 0 && v < 1e18))
            return rn_fail(err, RN_EINVAL, "--%s needs numbers above 0 with commas, not '%s'", name,
                           text);
        if (*n && v <= out[*n - 1])
            return rn_fail(err, RN_EINVAL, "the numbers of --%s must rise: '%s'", name, text);
        if (*n == MAX_LIST)
            return rn_fail(err, RN_EINVAL, "--%s takes at most %d numbers", name, MAX_LIST);
        out[(*n)++] = v;
        p = *end ? end + 1 : end;
    }
    return 0;
}

/* "A=B" or "A,B" cut at `mark`, in the arena. */
static int read_pair(const char *name, const char *text, char mark, rn_arena *a,
                     const char *pair[2], rn_err *err)
{
    char *copy = rn_arena_strdup(a, text), *at = copy ? strchr(copy, mark) : NULL;
    if (!copy) return rn_nomem(err, "report");
    if (!at || at == copy || !at[1])
        return rn_fail(err, RN_EINVAL, "--%s needs two names with '%c' between them, not '%s'",
                       name, mark, text);
    *at = '\0';
    pair[0] = copy;
    pair[1] = at + 1;
    return 0;
}

/* Options as the rooms take them. */
typedef struct request {
    rn_arena arena;
    rn_report_opts opts;
    rn_price_map prices[MAX_LIST];
    size_t n_prices;
    int64_t ks[MAX_LIST];
    double budgets[MAX_LIST];
    uint32_t metrics;
    bool screen; /* the answer only */
    int figure;
    int format; /* 0 table, 1 csv, 2 json, -1 none */
} request;

/* What reports and plans have in common. */
static int read_common(const rn_report_options *o, request *q, rn_err *err)
{
    static const char *const missing[] = {"drop", "fail", "refuse"},
                             *const flops[] = {"study", "exact"}, *const paid[] = RN_PROMPT_NAMES,
                             *const formats[] = {"table", "csv", "json"};
    int policy = 0, basis = 0, prompt = 0;
    rn_report_opts *r = &q->opts;
    *r = rn_report_defaults();
    q->format = -1;
    if (o->n_resamples < 2 || o->n_resamples > 1000000)
        return rn_fail(err, RN_EINVAL, "--resamples must be from 2 to 1000000");
    if (!(o->level > 0 && o->level < 1))
        return rn_fail(err, RN_EINVAL, "--confidence must be between 0 and 1, e.g. 0.95");
    if (!isnan(o->prompt_tok) && !(o->prompt_tok >= 1 && o->prompt_tok <= 1e9))
        return rn_fail(err, RN_EINVAL, "--prompt-tokens must be a number from 1");
    if (o->n_costs > MAX_LIST)
        return rn_fail(err, RN_EINVAL, "--cost is given more than %d times", MAX_LIST);
    int rc = choose("missing", o->missing, missing, 3, &policy, err);
    if (!rc) rc = choose("flops", o->flops, flops, 2, &basis, err);
    if (!rc) rc = choose("prompt", o->prompt, paid, 3, &prompt, err);
    if (!rc && o->format) rc = choose("format", o->format, formats, 3, &q->format, err);
    for (size_t i = 0; i < o->n_costs && !rc; i++) {
        const char *pair[2];
        rc = read_pair("cost", o->costs[i], '=', &q->arena, pair, err);
        if (!rc) q->prices[q->n_prices++] = (rn_price_map){pair[0], pair[1]};
    }
    if (!rc && o->plot && !rn_plot_knows(o->plot))
        rc = rn_fail(err, RN_EINVAL, "--plot writes .svg, .pdf or .png, not '%s'", o->plot);
    r->n_resamples = o->n_resamples;
    r->seed = (uint64_t)o->seed;
    r->level = o->level;
    r->prompt_tok = o->prompt_tok;
    r->profile = o->profile;
    r->missing = (rn_missing)policy;
    r->basis = (rn_flop_basis)basis;
    r->prompt = (rn_prompt_paid)prompt;
    r->fallback = o->fallback;
    return rc;
}

int rn_report_common_opts(const rn_report_options *o, rn_report_opts *out, rn_err *err)
{
    request q = {0};
    int rc = read_common(o, &q, err);
    *out = q.opts;
    rn_arena_free(&q.arena);
    return rc;
}

static int check_extrapolate(int64_t k, rn_err *err)
{
    if (k == 0 || (k >= 2 && k <= 1000000)) return 0;
    return rn_fail(err, RN_EINVAL, "--extrapolate is a number of samples from 2 to 1000000");
}

static int read_report(const rn_report_options *o, request *q, rn_err *err)
{
    const char *figures[RN_N_FIGURES], *pair[2];
    int rc = read_common(o, q, err);
    rn_report_opts *r = &q->opts;
    for (int f = 0; f < RN_N_FIGURES; f++)
        figures[f] = rn_figure_name((rn_figure)f);
    if (!rc && !o->store && !o->published)
        rc = rn_fail(err, RN_EINVAL, "-s FILE or --published names what to report on");
    if (!rc && !isnan(o->reach) && !(o->reach > 0 && o->reach <= 1))
        rc = rn_fail(err, RN_EINVAL, "--reach must be a fraction above 0 and up to 1, e.g. 0.6");
    if (!rc && o->against && strcmp(o->against, "imported") != 0)
        rc = rn_fail(err, RN_EINVAL, "--against knows 'imported', not '%.40s'", o->against);
    if (!rc) rc = check_extrapolate(o->extrapolate, err);
    if (!rc && o->figure && !o->plot)
        rc = rn_fail(err, RN_EINVAL, "--figure chooses what --plot FILE draws; give both");
    if (!rc && o->figure) rc = choose("figure", o->figure, figures, RN_N_FIGURES, &q->figure, err);
    if (!rc && o->ks) rc = read_list("k", o->ks, q->budgets, &r->n_ks, err);
    for (size_t i = 0; i < r->n_ks && !rc; i++) {
        q->ks[i] = (int64_t)q->budgets[i];
        if ((double)q->ks[i] != q->budgets[i])
            rc = rn_fail(err, RN_EINVAL, "--k needs whole numbers: '%s'", o->ks);
    }
    if (!rc && o->budgets) rc = read_list("budgets", o->budgets, q->budgets, &r->n_budgets, err);
    for (size_t i = 0; i < o->n_metrics && !rc; i++)
        rc = rn_report_metric_add(&q->metrics, o->metrics[i], err);
    if (!rc && o->compare) rc = read_pair("compare", o->compare, ',', &q->arena, pair, err);
    if (!rc && o->compare) r->compare_a = pair[0], r->compare_b = pair[1];
    if (o->extrapolate && q->metrics == 0 && !o->all) /* what was asked for, not the answer alone */
        q->metrics = UINT32_C(1) << RN_METRIC_PASS_K | UINT32_C(1) << RN_METRIC_EXTRAPOLATED;
    q->screen = q->metrics == 0 && !o->all;
    if (q->metrics == 0) q->metrics = RN_METRICS_ALL;
    r->ks = q->ks;
    r->budgets = q->budgets;
    r->reach = o->reach;
    r->extrapolate = o->extrapolate;
    r->interpolate = o->interpolate;
    r->untested = o->html ||
                  ((!q->screen || q->format != 0) && rn_report_has(q->metrics, RN_METRIC_UNTESTED));
    if (!rc && o->fallback && !r->untested)
        rc = rn_fail(err, RN_EINVAL, "--fallback belongs to --metric untested");
    return rc;
}

void rn_report_options_init(rn_report_options *o)
{
    *o = (rn_report_options){.flops = "study",
                             .prompt = "cached",
                             .missing = "drop",
                             .prompt_tok = NAN,
                             .n_resamples = 1000,
                             .level = 0.95,
                             .reach = NAN};
}

int rn_report_options_check(const rn_report_options *o, rn_err *err)
{
    request q = {0};
    int rc = read_report(o, &q, err);
    rn_arena_free(&q.arena);
    return rc;
}

/* ---- the rooms ------------------------------------------------------------------------------- */

/* Options with which `plan --samples` sees and prices what this report does, if there are any. */
static int note_pricing(const rn_report_options *o, rn_report *r, rn_err *err)
{
    rn_buf out = {0};
    r->set_chosen = o->set != NULL;
    if (o->n_problems || r->opts.basis != RN_FLOP_STUDY || r->opts.prompt != RN_PROMPT_CACHED)
        return 0;
    for (size_t i = 0; i < o->n_models; i++) {
        rn_buf_puts(&out, " -m ");
        rn_buf_word(&out, o->models[i]);
    }
    for (size_t i = 0; i < o->n_costs; i++) {
        rn_buf_puts(&out, " --cost ");
        rn_buf_word(&out, o->costs[i]);
    }
    for (size_t i = 0; i < o->n_cost_files; i++) {
        rn_buf_puts(&out, " --cost-file ");
        rn_buf_word(&out, o->cost_files[i]);
    }
    if (r->opts.profile) {
        rn_buf_puts(&out, " --profile ");
        rn_buf_word(&out, r->opts.profile);
    }
    if (r->opts.missing != RN_MISSING_DROP) rn_buf_printf(&out, " --missing %s", o->missing);
    if (r->opts.level != 0.95) rn_buf_printf(&out, " --confidence %g", r->opts.level);
    if (r->opts.n_resamples != rn_report_defaults().n_resamples)
        rn_buf_printf(&out, " --resamples %lld", (long long)r->opts.n_resamples);
    if (r->opts.seed) rn_buf_printf(&out, " --seed %lld", (long long)o->seed);
    rn_buf_puts(&out, "");
    r->repriced = rn_arena_take(&r->arena, &out);
    return r->repriced ? 0 : rn_nomem(err, "report");
}

/* Loads and prices what the options name. */
static int load(const rn_report_options *o, const request *q, rn_report **out, rn_err *err)
{
    const rn_report_filter filter = {.task = o->set,
                                     .models = o->models,
                                     .n_models = o->n_models,
                                     .problems = o->problems,
                                     .n_problems = o->n_problems,
                                     .loose = o->published};
    rn_report *r = rn_report_new(&q->opts);
    int rc = r ? 0 : rn_nomem(err, "report");
    for (size_t i = 0; i < o->n_cost_files && !rc; i++)
        rc = rn_cost_book_read(r->book, o->cost_files[i], err);
    if (!rc && o->store) rc = rn_report_add_store(r, o->store, &filter, err);
    if (!rc && o->published) {
        rn_path path;
        rc = rn_data_locate(NULL, "published/hassid2024.csv", &path)
                 ? rn_report_add_published(r, path.s, &filter, err)
                 : rn_fail(
                       err, RN_ENOTFOUND,
                       "published/hassid2024.csv is neither beside the program nor installed; run "
                       "`make install` or the program of the build folder");
    }
    if (!rc) rc = rn_report_price(r, q->prices, q->n_prices, err);
    if (!rc) rc = note_pricing(o, r, err);
    *out = r;
    return rc;
}

static int write_page(const rn_report_options *o, const rn_report *r, rn_err *err)
{
    const rn_html_opts h = {.chart_js = o->chart_js};
    rn_buf page = {0};
    int rc = rn_report_html(r, &h, &page, err);
    if (!rc) rc = rn_file_write_atomic(o->html, rn_buf_view(&page), err);
    rn_buf_free(&page);
    return rc;
}

/* Whether a reader should know that something is missing. */
static bool is_incomplete(const rn_report *r)
{
    bool some = r->n_notes > 0;
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++)
            some |= r->tasks[i].entrants[j].cov.n_missing > 0 || !r->tasks[i].entrants[j].cost;
    return some;
}

/* Texts into *out, the caller's; the buffers are empty afterwards. */
static int hand_over(const rn_report *r, rn_buf *text, rn_buf *findings, rn_report_output *out,
                     rn_err *err)
{
    rn_buf notes = {0}, *const all[] = {text, &notes, findings};
    char **const to[] = {&out->text, &out->notes, &out->findings};
    *out = (rn_report_output){.incomplete = is_incomplete(r)};
    for (size_t i = 0; i < r->n_notes; i++)
        rn_buf_printf(&notes, "%s\n", r->notes[i]);
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        rn_buf_puts(all[i], "");
        ok &= rn_buf_ok(all[i]);
        *to[i] = rn_buf_take(all[i]);
    }
    if (ok) return 0;
    rn_report_output_free(out);
    return rn_nomem(err, "report");
}

void rn_report_output_free(rn_report_output *out)
{
    if (!out) return;
    free(out->text);
    free(out->notes);
    free(out->findings);
    *out = (rn_report_output){0};
}

/* What is computed in whole, in the forms that are asked for. */
static int render(const rn_report_options *o, const request *q, rn_report *r, rn_buf *text,
                  rn_buf *findings, rn_err *err)
{
    int rc = rn_report_compute(r, err);
    if (!rc && o->html) rc = write_page(o, r, err);
    if (!rc && o->plot) rc = rn_report_figure(r, (rn_figure)q->figure, o->plot, err);
    if (rc) return rc;
    if (q->format == 0 && q->screen) rn_report_screen(r, text);
    if (q->format == 0 && !q->screen) rn_report_text(r, q->metrics, text);
    if (q->format == 1) rn_report_csv(r, q->metrics, text);
    if (q->format == 2) rn_report_json(r, q->metrics, text);
    for (size_t i = 0; i < r->n_tasks; i++)
        rn_report_sentences(&r->tasks[i], findings);
    return 0;
}

int rn_stage_report(const rn_report_options *o, rn_report_output *out, rn_err *err)
{
    const rn_report none = {.n_notes = 0};
    request q = {0};
    rn_report *r = NULL;
    rn_buf text = {0}, findings = {0};
    int rc = read_report(o, &q, err);
    if (!rc) rc = o->against ? rn_report_against(o, &text, err) : load(o, &q, &r, err);
    if (!rc && r && o->by)
        rc = rn_report_by_group(r, o, q.opts.ks, q.opts.n_ks, &text, err);
    else if (!rc && r)
        rc = render(o, &q, r, &text, &findings, err);
    if (!rc) rc = hand_over(r ? r : &none, &text, &findings, out, err);
    rn_buf_free(&findings);
    rn_buf_free(&text);
    rn_report_free(r);
    rn_arena_free(&q.arena);
    return rc;
}

/* ---- plans ----------------------------------------------------------------------------------- */

/* The budgets, all of one unit, into q->budgets; *any: neither they nor an axis tell it. */
static int read_budgets(const rn_plan_options *o, request *q, rn_plan_opts *p, bool *any,
                        rn_err *err)
{
    static const char *const axes[RN_N_UNITS] = {"flops", "time", "usd"};
    int axis = -1;
    int rc = o->axis ? choose("axis", o->axis, axes, RN_N_UNITS, &axis, err) : 0;
    if (!rc && o->n_budgets > RN_PLAN_MAX_BUDGETS)
        rc = rn_fail(err, RN_EINVAL, "more than %d budgets", RN_PLAN_MAX_BUDGETS);
    for (size_t i = 0; i < o->n_budgets && !rc; i++) {
        rn_budget b = {0};
        rc = rn_budget_parse(o->budgets[i], &b, err);
        if (!rc && axis >= 0 && (int)b.unit != axis)
            rc = rn_fail(err, RN_EINVAL, "--budget %s: all budgets must be in one unit, %s",
                         o->budgets[i], axes[axis]);
        axis = (int)b.unit;
        q->budgets[p->n_budgets++] = b.amount;
    }
    qsort(q->budgets, p->n_budgets, sizeof *q->budgets, rn_by_real);
    p->budgets = q->budgets;
    *any = axis < 0;
    p->axis = axis < 0 ? RN_UNIT_FLOP : (rn_unit)axis;
    return rc;
}

static int read_plan(const rn_plan_options *o, request *q, rn_plan_opts *p, bool *any, rn_err *err)
{
    const bool both = !o->stop == !o->no_stop;
    *p = (rn_plan_opts){.total = o->total,
                        .stop = both || o->stop,
                        .no_stop = both || o->no_stop,
                        .replay = o->replay,
                        .n_folds = (uint32_t)o->n_folds,
                        .n_orders = o->n_orders};
    if (!o->data.store) return rn_fail(err, RN_EINVAL, "-s FILE names the experiment to plan from");
    if (o->n_folds < 2 || o->n_folds > 1000)
        return rn_fail(err, RN_EINVAL, "--folds must be from 2 to 1000");
    if (o->n_orders < 1 || o->n_orders > 1000000)
        return rn_fail(err, RN_EINVAL, "--orders must be from 1 to 1000000");
    if (o->replay && (o->total || o->stop || o->no_stop))
        return rn_fail(
            err, RN_EINVAL,
            "a replay has a budget for each problem and stops at the first pass: --replay "
            "goes without --total, --stop and --no-stop");
    if (o->no_tests && (o->total || o->stop || o->no_stop || o->replay || o->data.plot))
        return rn_fail(
            err, RN_EINVAL,
            "without tests a budget is a problem's in expectation: --no-tests goes without "
            "--total, --stop, --no-stop, --replay and --plot");
    if (o->data.fallback && !o->no_tests)
        return rn_fail(err, RN_EINVAL, "--fallback belongs to --no-tests");
    int rc = check_extrapolate(o->data.extrapolate, err);
    if (!rc && o->data.extrapolate &&
        (o->total || o->stop || o->no_stop || o->replay || o->no_tests))
        rc = rn_fail(err, RN_EINVAL,
                     "beyond the samples each model is planned alone: --extrapolate goes without "
                     "--total, --stop, --no-stop, --replay and --no-tests");
    if (!rc) rc = read_common(&o->data, q, err);
    q->opts.extrapolate = o->data.extrapolate;
    return rc ? rc : read_budgets(o, q, p, any, err);
}

void rn_plan_options_init(rn_plan_options *o)
{
    *o = (rn_plan_options){.n_folds = 5, .n_orders = 2000};
    rn_report_options_init(&o->data);
}

int rn_plan_options_check(const rn_plan_options *o, rn_err *err)
{
    request q = {0};
    rn_plan_opts p;
    bool any;
    int rc = read_plan(o, &q, &p, &any, err);
    rn_arena_free(&q.arena);
    return rc;
}

/* Where no budget and no axis says it: the first axis on which a model of the task is priced. */
static rn_unit first_axis(const rn_report_task *t)
{
    for (int a = 0; a < RN_N_UNITS; a++)
        for (size_t i = 0; i < t->n_entrants; i++)
            if (t->entrants[i].priced[a]) return (rn_unit)a;
    return RN_UNIT_FLOP;
}

/* The object that holds plans or their rows under `key`; other formats have their notes behind. */
static void begin(int format, const char *key, rn_buf *out)
{
    if (format != 2) return;
    rn_buf_puts(out, "{");
    rn_jout_text(out, "version", rn_version());
    rn_jout_open(out, key, "[");
}

static void end(const rn_report *r, int format, rn_buf *out)
{
    if (format == 0) rn_report_notes(r, out);
    if (format != 2) return;
    rn_buf_puts(out, "]");
    rn_report_json_notes(r, out);
    rn_buf_puts(out, "}\n");
}

static void render_plans(const rn_report *r, const rn_plans *plans, int format, rn_buf *out)
{
    const bool replay = r->n_tasks > 0 && plans[0].opts.replay;
    begin(format, replay ? "replays" : "plans", out);
    for (size_t i = 0; i < r->n_tasks; i++) {
        if (i && format == 0) rn_buf_putc(out, '\n');
        if (format == 0) rn_plans_text(&plans[i], out);
        if (format == 1) rn_plans_csv(&plans[i], i == 0, out);
        if (format == 2) rn_plans_json(&plans[i], out);
    }
    end(r, format, out);
}

/* A plan that is rows on an axis: without tests, or beyond the samples. */
typedef struct row_plan {
    const char *key; /* of JSON */
    const char *nothing;
    int (*rows)(rn_report *r, rn_report_task *t, const rn_plan_opts *p, rn_rows *to, rn_err *err);
} row_plan;

static int untested_rows(rn_report *r, rn_report_task *t, const rn_plan_opts *p, rn_rows *to,
                         rn_err *err)
{
    const rn_untested_ask ask = {p->axis, p->budgets, p->n_budgets};
    return rn_report_untested(r, t, &ask, to, err);
}

/* The rows of a task on one axis, in the format. */
static int write_axis(rn_report *r, const row_plan *w, rn_report_task *t, const rn_plan_opts *p,
                      int format, rn_buf *out, rn_err *err)
{
    rn_rows rows = {0};
    int rc = w->rows(r, t, p, &rows, err);
    if (!rc && rn_rows_n(&rows) && format == 0) {
        rn_buf_printf(out, "%s== %s, %s ==\n", out->len ? "\n" : "", t->name,
                      rn_unit_words(p->axis));
        rn_rows_print(&rows, out);
    } else if (!rc && rn_rows_n(&rows) && format == 1) {
        rn_rows_csv(&rows, true, out);
    } else if (!rc && rn_rows_n(&rows)) {
        rn_jout_open(out, NULL, "\n{");
        rn_jout_text(out, "task", t->name);
        rn_jout_text(out, "axis", rn_unit_name(p->axis));
        rn_jout_key(out, "rows");
        rn_rows_json(&rows, out);
        rn_buf_putc(out, '}');
    }
    rn_rows_free(&rows);
    return rc;
}

/* Of every task on each axis that is asked for, or has prices. */
static int write_rows(rn_report *r, const row_plan *w, const rn_plan_opts *p, bool any, int format,
                      rn_buf *out, rn_err *err)
{
    int rc = 0;
    begin(format, w->key, out);
    for (size_t i = 0; i < r->n_tasks && !rc; i++) {
        const size_t before = out->len;
        rc = rn_report_curves(r, &r->tasks[i], err);
        for (int u = 0; u < RN_N_UNITS && !rc; u++) {
            rn_plan_opts on = *p;
            on.axis = (rn_unit)u;
            if (any || u == (int)p->axis)
                rc = write_axis(r, w, &r->tasks[i], &on, format, out, err);
        }
        if (!rc && out->len == before)
            rc = rn_report_note(r, err, "%s: %s", r->tasks[i].name, w->nothing);
    }
    end(r, format, out);
    return rc;
}

static const row_plan untested = {
    "untested", "nothing to plan without tests: run `ration rank`, and price the models",
    untested_rows};
static const row_plan beyond = {
    "extrapolated",
    "no budget up to that k buys more samples than are recorded, or no model is priced",
    rn_report_plan_beyond};

int rn_stage_plan(const rn_plan_options *o, rn_report_output *out, rn_err *err)
{
    request q = {0};
    rn_plan_opts p;
    rn_plans plans[MAX_TASKS];
    rn_report *r = NULL;
    rn_buf text = {0}, none = {0};
    bool any = false;
    int rc = read_plan(o, &q, &p, &any, err);
    if (!rc) rc = load(&o->data, &q, &r, err);
    if (!rc && r->n_tasks > MAX_TASKS)
        rc = rn_fail(err, RN_EINVAL, "more than %d problem sets: choose one with -t", MAX_TASKS);
    const row_plan *rows = o->no_tests ? &untested : o->data.extrapolate ? &beyond : NULL;
    if (!rc && rows) rc = write_rows(r, rows, &p, any, q.format, &text, err);
    for (size_t i = 0; !rc && !rows && i < r->n_tasks; i++) {
        rn_report_task *t = &r->tasks[i];
        if (any) p.axis = first_axis(t);
        rc = rn_report_plans(r, t, &p, &plans[i], err);
        if (rc) rn_err_prefix(err, "%s", t->name);
    }
    if (!rc && !rows && q.format >= 0) render_plans(r, plans, q.format, &text);
    if (!rc && !rows && o->data.plot) rc = rn_plans_plot(plans, r->n_tasks, o->data.plot, err);
    if (!rc && rows && o->data.plot) {
        static const rn_figure figures[RN_N_UNITS] = {RN_FIGURE_FLOP, RN_FIGURE_TIME,
                                                      RN_FIGURE_USD};
        rc = rn_report_figure(r, any ? RN_FIGURE_STUDY : figures[p.axis], o->data.plot, err);
    }
    if (!rc) rc = hand_over(r, &text, &none, out, err);
    rn_buf_free(&text);
    rn_buf_free(&none);
    rn_report_free(r);
    rn_arena_free(&q.arena);
    return rc;
}
