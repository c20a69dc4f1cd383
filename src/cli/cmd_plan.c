/*
 * cmd_plan.c: `ration plan`: the best way to spend a budget, from what a store knows; with --replay,
 * how the policies of `ration solve` would have done on the recorded samples.
 *
 * Exit status 1 when the plan is there but something it rests on is missing; the notes say what.
 */
#include "cli/commands.h"
#include "cli/report_opts.h"

#include "base/jout.h"
#include "cost/amount.h"
#include "report/plot.h"
#include "report/plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BUDGETS = 64, MAX_TASKS = 64 };

typedef struct opts {
    rn_report_args a;
    const char *format, *plot, *axis;
    rn_opt_list budgets;
    bool total, stop, no_stop, replay;
    int64_t folds, orders;
} opts;

static const char intro[] =
    "The best single model, the best cascade and the best mixture for a budget, whether sampling\n"
    "stops at the first pass or not: expected score, cost, by how much each is ahead of the best\n"
    "single model, and how sure that order is. A choice is judged on problems that had no say in\n"
    "it. A budget has a unit: 60s, 2min, 1h, 200TFLOP, 1PFLOP, 0.05USD. It is what each problem "
    "may\n"
    "cost at most; with --total, what the whole set may cost in expectation.\n\n"
    "With --replay the policies of `ration solve` (adaptive, small-only, large-only, cascade) run\n"
    "over the recorded samples in many random orders.";

typedef struct request {
    rn_report_request common;
    rn_plan_opts spend;
    double budgets[MAX_BUDGETS];
    int format; /* 0 table, 1 csv, 2 json */
    bool any_axis;
} request;

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int read_budgets(const rn_command *cmd, const opts *o, request *q)
{
    static const char *const axes[] = {"flops", "time", "usd"};
    int axis = -1;
    if (o->axis) {
        int rc = rn_opt_choose(cmd, "axis", o->axis, axes, RN_N_UNITS, &axis);
        if (rc >= 0) return rc;
    }
    for (int i = 0; i < o->budgets.n; i++) {
        rn_budget b;
        rn_err err;
        if (rn_budget_parse(o->budgets.v[i], &b, &err)) return rn_opt_usage(cmd, "%s", err.msg);
        const int mine = (int)b.unit;
        if (axis >= 0 && mine != axis)
            return rn_opt_usage(cmd, "--budget %s: all budgets must be in one unit, %s",
                                o->budgets.v[i], axes[axis]);
        axis = mine;
        q->budgets[q->spend.n_budgets++] = b.amount;
    }
    qsort(q->budgets, q->spend.n_budgets, sizeof *q->budgets, rising);
    q->spend.budgets = q->budgets;
    q->any_axis = axis < 0;
    q->spend.axis = axis < 0 ? RN_UNIT_FLOP : (rn_unit)axis;
    return -1;
}

static int read_request(const rn_command *cmd, const opts *o, request *q)
{
    static const char *const formats[] = {"table", "csv", "json"};
    if (!o->a.store) return rn_opt_usage(cmd, "-s FILE says which experiment to plan from");
    if (o->folds < 2 || o->folds > 1000) return rn_opt_usage(cmd, "--folds must be from 2 to 1000");
    if (o->orders < 1 || o->orders > 1000000)
        return rn_opt_usage(cmd, "--orders must be from 1 to 1000000");
    if (o->replay && (o->total || o->stop || o->no_stop))
        return rn_opt_usage(cmd, "a replay has a budget for each problem and stops at the first "
                                 "pass: --replay goes without --total, --stop and --no-stop");
    if (o->plot && !rn_plot_knows(o->plot))
        return rn_opt_usage(cmd, "--plot writes .svg, .pdf or .png, not '%s'", o->plot);
    const bool both = o->stop == o->no_stop;
    q->spend = (rn_plan_opts){.replay = o->replay,
                              .total = o->total,
                              .stop = both || o->stop,
                              .no_stop = both || o->no_stop,
                              .n_folds = (uint32_t)o->folds,
                              .n_orders = o->orders};
    int rc = rn_opt_choose(cmd, "format", o->format, formats, 3, &q->format);
    if (rc < 0) rc = read_budgets(cmd, o, q);
    return rc < 0 ? rn_report_args_read(cmd, &o->a, &q->common) : rc;
}

/* Where no budget and no axis says it: the first axis on which a model of the task is priced. */
static rn_unit first_axis(const rn_report_task *t)
{
    for (int a = 0; a < RN_N_UNITS; a++)
        for (size_t i = 0; i < t->n_entrants; i++)
            if (t->entrants[i].priced[a]) return (rn_unit)a;
    return RN_UNIT_FLOP;
}

/* The plans or replays of all tasks. */
typedef struct results {
    rn_plans plans[MAX_TASKS];
    size_t n;
} results;

static int compute(const opts *o, request *q, rn_report *r, results *x, rn_err *err)
{
    int rc = rn_report_args_load(&o->a, r, err);
    if (!rc) rc = rn_report_price(r, q->common.prices, q->common.n_prices, err);
    if (!rc && r->n_tasks > MAX_TASKS)
        rc = rn_fail(err, RN_EINVAL, "more than %d problem sets: choose one with -t", MAX_TASKS);
    for (size_t i = 0; i < r->n_tasks && !rc; i++) {
        rn_report_task *t = &r->tasks[i];
        if (q->any_axis) q->spend.axis = first_axis(t);
        rc = rn_report_plans(r, t, &q->spend, &x->plans[i], err);
        if (rc) return rn_err_prefix(err, "%s", t->name);
        x->n++;
    }
    return rc;
}

static void write_notes(const rn_report *r, rn_buf *out)
{
    rn_jout_key(out, "notes");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < r->n_notes; i++) {
        rn_jout_item(out);
        rn_buf_json(out, rn_bytes_of(r->notes[i]));
    }
    rn_buf_puts(out, "]");
}

static void render_json(const opts *o, const rn_report *r, const results *x, rn_buf *out)
{
    rn_buf_puts(out, "{");
    rn_jout_text(out, "version", rn_version());
    rn_jout_key(out, o->replay ? "replays" : "plans");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < x->n; i++)
        rn_plans_json(&x->plans[i], out);
    rn_buf_putc(out, ']');
    write_notes(r, out);
    rn_buf_puts(out, "}\n");
}

static void render(const opts *o, const rn_report *r, const results *x, int format, rn_buf *out)
{
    if (format == 2) {
        render_json(o, r, x, out);
        return;
    }
    for (size_t i = 0; i < r->n_notes && format == 0; i++)
        rn_buf_printf(out, "note: %s\n%s", r->notes[i], i + 1 == r->n_notes ? "\n" : "");
    for (size_t i = 0; i < x->n; i++) {
        if (i && format == 0) rn_buf_putc(out, '\n');
        if (format == 1)
            rn_plans_csv(&x->plans[i], i == 0, out);
        else
            rn_plans_text(&x->plans[i], out);
    }
}

static int run(const rn_command *cmd, const opts *o, request *q)
{
    rn_err err = {0};
    rn_buf out = {0};
    results *x = calloc(1, sizeof *x);
    rn_report *r = rn_report_new(&q->common.report);
    int rc = r && x ? compute(o, q, r, x, &err) : rn_fail(&err, RN_ENOMEM, "out of memory");
    if (!rc) {
        render(o, r, x, q->format, &out);
        if (!rn_buf_ok(&out)) rc = rn_fail(&err, RN_ENOMEM, "out of memory");
    }
    if (!rc && o->plot) rc = rn_plans_plot(x->plans, x->n, o->plot, &err);
    if (q->format > 0) rn_term_data();
    if (!rc && out.len) fwrite(out.data, 1, out.len, stdout);
    for (size_t i = 0; !rc && q->format > 0 && i < r->n_notes; i++)
        fprintf(stderr, "ration plan: %s\n", r->notes[i]);
    const int status = rc                        ? rn_opt_failure(cmd, &err)
                       : rn_report_incomplete(r) ? RN_EXIT_MISSING
                                                 : RN_EXIT_DONE;
    rn_report_free(r);
    free(x);
    rn_buf_free(&out);
    return status;
}

int rn_cmd_plan(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("plan");
    opts o = {.a = RN_REPORT_ARGS_DEFAULT, .format = "table", .folds = 5, .orders = 2000};
    const rn_opt table[] = {
        RN_REPORT_OPTIONS_DATA(o.a),
        RN_OPT_LIST('b', "budget", &o.budgets, "AMOUNT",
                    "60s, 200TFLOP, 0.05USD, ... (repeat; default: powers of two of a sample)"),
        RN_OPT_FLAG(0, "total", &o.total, "budgets are for the whole set, in expectation"),
        RN_OPT_FLAG(0, "stop", &o.stop, "only with stopping at the first pass"),
        RN_OPT_FLAG(0, "no-stop", &o.no_stop, "only without"),
        RN_OPT_STR(0, "axis", &o.axis, "AXIS", "flops, time or usd, where no budget says it"),
        RN_OPT_FLAG(0, "replay", &o.replay, "run the policies of `solve` over the samples"),
        RN_OPT_INT(0, "orders", &o.orders, "N", "random orders of a replay (default 2000)"),
        RN_OPT_INT(0, "folds", &o.folds, "N",
                   "parts of the problems, for cross-fitting (default 5)"),
        RN_OPT_STR('f', "format", &o.format, "FORMAT", "table, csv or json"),
        RN_OPT_STR(0, "plot", &o.plot, "FILE", "a figure: .svg, .pdf or .png, drawn by gnuplot"),
        RN_REPORT_OPTIONS_COST(o.a),
        RN_REPORT_OPTIONS_BOOT(o.a),
        RN_OPT_END};
    int first;
    int status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "what is '%s'? a store is given by -s", argv[first]);
    request q = {.common.report = rn_report_defaults()};
    status = read_request(cmd, &o, &q);
    if (status < 0) status = run(cmd, &o, &q);
    rn_report_request_free(&q.common);
    return status;
}
