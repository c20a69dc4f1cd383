/*
 * cmd_plan.c: `ration plan`: the best way to spend a budget, from what a store knows; with
 * --replay, how the policies of `ration solve` would have done on the recorded samples.
 *
 * Exit status 1 when the plan is there but something it rests on is missing; the notes say what.
 */
#include "cli/commands.h"
#include "cli/report_opts.h"

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
    "it, and what comes of choosing by the prompt's examples, beside every model's greedy answer.";

int rn_cmd_plan(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("plan");
    rn_plan_options o;
    rn_report_lists l = {0};
    rn_opt_list budgets = {0};
    bool total = false, stop = false, no_stop = false, replay = false, no_tests = false;
    rn_plan_options_init(&o);
    o.data.format = "table";
    const rn_opt table[] = {
        RN_REPORT_OPTIONS_DATA(o.data, l),
        RN_OPT_LIST('b', "budget", &budgets, "AMOUNT",
                    "60s, 200TFLOP, 0.05USD, ... (repeat; default: powers of two of a sample)"),
        RN_OPT_FLAG(0, "total", &total, "budgets are for the whole set, in expectation"),
        RN_OPT_FLAG(0, "stop", &stop, "only with stopping at the first pass"),
        RN_OPT_FLAG(0, "no-stop", &no_stop, "only without"),
        RN_OPT_STR(0, "axis", &o.axis, "AXIS", "flops, time or usd, where no budget says it"),
        RN_OPT_FLAG(0, "replay", &replay, "run the policies of `solve` over the samples"),
        RN_OPT_FLAG(0, "no-tests", &no_tests,
                    "stop at the first sample that passes all examples of the prompt, then choose"),
        RN_OPT_STR(0, "fallback", &o.data.fallback, "MODEL",
                   "no-tests: takes this model's greedy answer where no sample passes them "
                   "(default: the most expensive)"),
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
    o.budgets = budgets.v;
    o.n_budgets = (size_t)budgets.n;
    o.total = total;
    o.stop = stop;
    o.no_stop = no_stop;
    o.replay = replay;
    o.no_tests = no_tests;
    if (rn_plan_options_check(&o, &err)) return rn_opt_usage(cmd, "%s", err.msg);
    if (rn_stage_plan(&o, &out, &err)) return rn_opt_failure(cmd, &err);
    return rn_report_output_print(cmd, o.data.format, &out);
}
