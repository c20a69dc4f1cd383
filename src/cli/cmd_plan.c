/*
 * cmd_plan.c: `ration plan`: the best way to spend a budget, from what a store knows; with
 * --replay, how the policies of `ration solve` would have done on the recorded samples.
 *
 * Exit status 1 when the plan is there but something it rests on is missing; the notes say what.
 */
#include "cli/commands.h"
#include "cli/report_opts.h"
#include "cli/until_print.h"

#include "base/jout.h"

static const char intro[] =
    "The best single model, the best cascade and the best mixture for a budget, whether sampling\n"
    "stops at the first pass or not: expected score, cost, by how much each is ahead of the best\n"
    "single model, and how sure that order is. A choice is judged on problems that had no say in\n"
    "it. A budget has a unit: 60s, 2min, 1h, 200TFLOP, 1PFLOP, 0.05USD. It is what each problem "
    "may\n"
    "cost at most; with --total, what the whole set may cost in expectation.\n\n"
    "With --replay the policies of `ration solve` (adaptive, small-only, large-only, cascade) run\n"
    "over the recorded samples in many random orders.\n\n"
    "With --no-tests a budget is what a problem costs in expectation, by default one sample of "
    "the\n"
    "most expensive model, in FLOPs and in seconds: the most samples that each model may draw for\n"
    "it, and what comes of choosing by the prompt's examples, beside every model's greedy "
    "answer.\n\n"
    "With --extrapolate K budgets may buy more samples than are recorded, up to K of a problem: "
    "the\n"
    "curve of each model is continued by a model of how hard the problems are, and marked as an\n"
    "extrapolation.\n\n"
    "With --samples QUESTION (as `ration generate --until` takes it): how many more samples of "
    "which\n"
    "model on which problems answer it, and what they cost, by simulation from what is recorded.";

/* What is recorded, at each budget of the question: the figures of a report. */
static void put_points(const rn_until_summary *s, rn_buf *out)
{
    rn_jout_open(out, "recorded", "[");
    for (size_t i = 0; i < s->n_points; i++) {
        const rn_until_point *p = &s->points[i];
        rn_jout_open(out, NULL, "{");
        rn_jout_whole(out, "k", p->k[0]);
        if (s->n_models == 2) rn_jout_whole(out, "second_k", p->k[1]);
        rn_jout_number(out, s->n_models == 2 ? "ahead" : "value", p->value);
        rn_jout_number(out, "lo", p->lo);
        rn_jout_number(out, "hi", p->hi);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

/* One JSON object. */
static void put_json(const rn_until_summary *s, rn_buf *out)
{
    rn_buf_putc(out, '{');
    rn_jout_text(out, "version", rn_version());
    rn_jout_text(out, "as_recorded", s->answer);
    rn_jout_boolean(out, "answered", s->answered);
    rn_jout_number(out, "p_answered", s->p_answered);
    rn_jout_whole(out, "problems_compared", s->n_reported);
    put_points(s, out);
    rn_jout_open(out, "models", "[");
    for (size_t i = 0; i < s->n_models; i++) {
        const rn_until_model *m = &s->models[i];
        rn_jout_open(out, NULL, "{");
        rn_jout_text(out, "model", m->name);
        rn_jout_whole(out, "recorded", m->n_recorded);
        rn_jout_whole(out, "further", m->n_more[1]);
        rn_jout_whole(out, "further_lo", m->n_more[0]);
        rn_jout_whole(out, "further_hi", m->n_more[2]);
        rn_jout_number(out, "flop", m->flop * (double)m->n_more[1]);
        rn_jout_number(out, "seconds", m->seconds * (double)m->n_more[1]);
        rn_jout_number(out, "usd", m->usd * (double)m->n_more[1]);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
    rn_jout_open(out, "problems", "[");
    for (size_t i = 0; i < s->n_listed; i++) {
        const rn_until_problem *p = &s->problems[i];
        rn_jout_open(out, NULL, "{");
        rn_jout_text(out, "task_id", p->task_id);
        rn_jout_text(out, "model", s->models[p->model].name);
        rn_jout_whole(out, "n", p->n);
        rn_jout_whole(out, "c", p->c);
        rn_jout_number(out, "further", p->n_more);
        rn_buf_putc(out, '}');
    }
    rn_buf_puts(out, "]}\n");
}

/* `plan --samples`. */
static int plan_samples(const rn_command *cmd, const char *question, int64_t n,
                        const rn_report_options *d, const rn_watch *watch)
{
    rn_until_options u;
    rn_err err = {0};
    rn_until_options_init(&u);
    u.watch = *watch;
    u.question = question;
    u.draw.set = d->set;
    u.draw.n = n;
    u.costs = d->costs;
    u.n_costs = d->n_costs;
    u.cost_files = d->cost_files;
    u.n_cost_files = d->n_cost_files;
    u.profile = d->profile;
    u.level = d->level;
    u.as = d;
    u.dry_run = 1;
    const bool json = strcmp(d->format, "json") == 0;
    if (!json && strcmp(d->format, "table") != 0)
        return rn_opt_usage(cmd, "--samples has --format table or json");
    if (!d->store) return rn_opt_usage(cmd, "-s FILE names the experiment to plan from");
    if (rn_report_options_check(d, &err)) return rn_opt_refused(cmd, &err);
    if (rn_until_options_check(&u, &err)) return rn_opt_refused(cmd, &err);
    u.dry_run = 0;
    rn_store *s = NULL;
    rn_until_summary out = {0};
    rn_buf text = {0};
    int rc = rn_store_open(d->store, RN_STORE_READ, &s, &err);
    if (!rc) rc = rn_stage_until_plan(s, &u, &out, &err);
    if (!rc && json) put_json(&out, &text);
    if (!rc && json) fputs(rn_buf_ok(&text) ? text.data : "", stdout);
    if (!rc && !json) rn_until_print(&out, true);
    if (!rc && out.p_answered < 0.5)
        rn_opt_say(cmd, "most simulations come to no answer with the samples that a problem may "
                        "have: ask for a wider one, or give more with -n");
    rc = rn_opt_status(cmd, rc, out.p_answered < 0.5, &err);
    rn_buf_free(&text);
    rn_until_summary_free(&out);
    rn_store_close(s);
    return rc;
}

int rn_cmd_plan(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("plan");
    rn_plan_options o;
    rn_report_lists l = {0};
    rn_opt_list budgets = {0};
    const char *question = NULL;
    int64_t n_max = 0;
    rn_plan_options_init(&o);
    o.data.format = "table";
    const rn_opt table[] = {
        RN_REPORT_OPTIONS_DATA(o.data, l),
        RN_OPT_LIST('b', "budget", &budgets, "AMOUNT",
                    "60s, 200TFLOP, 0.05USD, ... (repeat; default: powers of two of a sample)"),
        RN_OPT_FLAG(0, "total", &o.total, "budgets are for the whole set, in expectation"),
        RN_OPT_FLAG(0, "stop", &o.stop, "only with stopping at the first pass"),
        RN_OPT_FLAG(0, "no-stop", &o.no_stop, "only without"),
        RN_OPT_STR(0, "axis", &o.axis, "AXIS", "flops, time or usd, where no budget says it"),
        RN_OPT_FLAG(0, "replay", &o.replay, "run the policies of `solve` over the samples"),
        RN_OPT_FLAG(0, "no-tests", &o.no_tests,
                    "stop at the first sample that passes all examples of the prompt, then choose"),
        RN_OPT_STR(0, "fallback", &o.data.fallback, "MODEL",
                   "no-tests: takes this model's greedy answer where no sample passes them "
                   "(default: the most expensive)"),
        RN_OPT_INT(0, "extrapolate", &o.data.extrapolate, "K",
                   "budgets that buy up to K samples, more than are recorded: each model alone, "
                   "its curve continued"),
        RN_OPT_STR(0, "samples", &question, "QUESTION",
                   "what answers 'pass@10 +-1', 'small>large at 8x', ..."),
        RN_OPT_INT('n', "most", &n_max, "N",
                   "with --samples: samples of a problem, most (default 1000)"),
        RN_OPT_INT(0, "orders", &o.n_orders, "N", "random orders of a replay (default 2000)"),
        RN_OPT_INT(0, "folds", &o.n_folds, "N",
                   "parts of the problems, for cross-fitting (default 5)"),
        RN_OPT_STR('f', "format", &o.data.format, "FORMAT", "table, csv or json"),
        RN_OPT_STR(0, "plot", &o.data.plot, "FILE",
                   "a figure: .svg, .pdf or .png, drawn by gnuplot"),
        RN_REPORT_OPTIONS_COST(o.data, l),
        RN_REPORT_OPTIONS_BOOT(o.data),
        RN_OPT_END};
    int first;
    const int status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "what is '%s'? a store is given by -s", argv[first]);
    rn_err err = {0};
    rn_report_output out = {0};
    rn_report_lists_put(&l, &o.data);
    const rn_watch watch = rn_opt_watch(cmd, argc, argv);
    if (question) return plan_samples(cmd, question, n_max, &o.data, &watch);
    o.budgets = budgets.v;
    o.n_budgets = (size_t)budgets.n;
    if (rn_plan_options_check(&o, &err)) return rn_opt_refused(cmd, &err);
    if (rn_stage_plan(&o, &out, &err)) return rn_opt_failure(cmd, &err);
    return rn_report_output_print(cmd, o.data.format, &out);
}
