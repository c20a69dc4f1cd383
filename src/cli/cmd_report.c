/*
 * cmd_report.c: `ration report`: which model to use at an equal budget, from a store or published
 * tables; and what report and plan have in common (report_opts.h).
 *
 * Exit status 1 when the report is there but something in it is missing (samples without a verdict,
 * models without a cost entry): a line says what and how to give it.
 */
#include "cli/commands.h"
#include "cli/model_opts.h"
#include "cli/report_opts.h"

static const char intro[] =
    "Answers which model leads at an equal budget, by how much and how sure that is,\n"
    "on one screen; --all and --metric show every table. Budgets are in samples of the\n"
    "cheapest model; scores are percentages, in CSV and JSON fractions. What is missing\n"
    "is reported, with the command that gives it.\n\n"
    "A cost file holds sections of `key = value` lines:\n"
    "  [model my-7b]     layers, d_model, d_ffn, heads, kv_heads, head_dim, vocab,\n"
    "                    gated = yes|no, tied = yes|no,\n"
    "                    or flop_per_sample = 1.69 TFLOP; usd_per_1m_tokens,\n"
    "                    or usd_per_1m_input, usd_per_1m_cached, usd_per_1m_output;\n"
    "                    or usd_per_sample, or usd_per_hour; alias = NAME, NAME\n"
    "  [profile my-box]  hardware = TEXT; my-7b = SECONDS, or FIXED + SECONDS,\n"
    "                    or k:SECONDS k:SECONDS ...";

void rn_report_lists_put(const rn_report_lists *l, rn_report_options *o)
{
    o->models = l->models.v;
    o->n_models = (size_t)l->models.n;
    o->costs = l->costs.v;
    o->n_costs = (size_t)l->costs.n;
    o->cost_files = l->cost_files.v;
    o->n_cost_files = (size_t)l->cost_files.n;
    o->metrics = l->metrics.v;
    o->n_metrics = (size_t)l->metrics.n;
}

int rn_report_output_print(const rn_command *cmd, const char *format, rn_report_output *out)
{
    const bool table = format && strcmp(format, "table") == 0;
    const int status = out->incomplete ? RN_EXIT_MISSING : RN_EXIT_DONE;
    if (format && !table) rn_term_data();
    fputs(out->text, stdout);
    for (const char *line = out->notes; line && *line && !table; line += strcspn(line, "\n") + 1)
        rn_opt_say(cmd, "%.*s", (int)strcspn(line, "\n"), line);
    rn_report_output_free(out);
    return status;
}

/* The problems that are meant, and what groups they are in, into the options. */
static int choose_problems(const rn_selection *select, const char *data, rn_report_options *o,
                           rn_taskset **set, rn_problem_list *chosen, rn_err *err)
{
    int rc = rn_taskset_open(o->set, data, set, err);
    if (!rc) rc = rn_problem_list_make(select, *set, o->by, chosen, err);
    if (rc) return rc;
    o->set = rn_taskset_name(*set);
    o->problems = (const char *const *)chosen->ids;
    o->groups = (const char *const *)chosen->groups;
    o->n_problems = chosen->n;
    return 0;
}

int rn_cmd_report(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("report");
    rn_report_options o;
    rn_report_lists l = {0};
    rn_selection select = {0};
    const char *data = NULL;
    rn_report_options_init(&o);
    const rn_opt table[] = {
        RN_REPORT_OPTIONS_DATA(o, l),
        RN_OPT_FLAG(0, "published", &o.published, "the study's published tables"),
        RN_OPT_STR('f', "format", &o.format, "FORMAT", "table, csv or json"),
        RN_OPT_FLAG(0, "all", &o.all, "every table and the conditions, not only the answer"),
        RN_OPT_STR(0, "html", &o.html, "FILE", "one page with everything, for a browser"),
        RN_OPT_STR(0, "chart-js", &o.chart_js, "FILE", "the Chart.js that the page holds"),
        RN_OPT_STR(0, "plot", &o.plot, "FILE", "a figure: .svg, .pdf or .png, drawn by gnuplot"),
        RN_OPT_STR(0, "figure", &o.figure, "NAME",
                   "which: study (default: pass@k over k, FLOPs, time), pass@k, flops, time, usd, "
                   "rank, rank-k, rank-flops, rank-time, stopping, reallocation, cascade"),
        RN_OPT_LIST(0, "metric", &l.metrics, "NAME",
                    "only this (repeat): pass@k, pass_flops@f, pass_time@t, pass_usd@u, "
                    "rank-score@k, rank-score_flops@f, rank-score_time@t, rankers, reach, compare, "
                    "samples, cost, stopping, reallocation, cascade, extrapolated@k, untested"),
        RN_OPT_STR(0, "by", &o.by, "TRAIT",
                   "pass@k by difficulty, month, platform, language or library of the problems"),
        RN_SELECT_OPTIONS(&select),
        RN_OPT_STR(0, "data", &data, "DIR", "where problem sets lie"),
        RN_OPT_GROUP("what a sample costs, and how scores are made"),
        RN_REPORT_OPTIONS_COST(o, l),
        RN_OPT_STR('k', "k", &o.ks, "LIST", "these k, e.g. 1,10,100"),
        RN_OPT_STR(0, "budgets", &o.budgets, "LIST", "these budgets, in samples of the cheapest"),
        RN_OPT_REAL(0, "reach", &o.reach, "SCORE", "what this score costs, e.g. 0.6"),
        RN_OPT_INT(0, "extrapolate", &o.extrapolate, "K",
                   "pass@k beyond the samples up to K, by a model of the problems"),
        RN_OPT_STR(0, "compare", &o.compare, "A,B", "two models side by side, paired by problem"),
        RN_OPT_STR(0, "fallback", &o.fallback, "MODEL",
                   "untested: takes this model's greedy answer where no sample passes all examples "
                   "(default: the most expensive)"),
        RN_OPT_STR(0, "against", &o.against, "WHAT",
                   "imported: which samples our verdict and an imported one differ on"),
        RN_OPT_FLAG(0, "interpolate", &o.interpolate,
                    "between published k: linear in log k, not the last one"),
        RN_REPORT_OPTIONS_BOOT(o),
        RN_OPT_END};
    int first;
    const int status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "what is '%s'? a store is given by -s", argv[first]);
    rn_err err = {0};
    rn_report_output out = {0};
    rn_report_lists_put(&l, &o);
    if (!o.format && !o.html && !o.plot) o.format = "table";
    if (rn_report_options_check(&o, &err) || rn_selection_check(&select, &err))
        return rn_opt_refused(cmd, &err);
    const bool selects = select.problems || select.from || select.to || select.difficulty || o.by;
    if (selects && !o.set)
        return rn_opt_usage(cmd, "name the set whose problems are meant: -t SET, or its file");
    rn_taskset *set = NULL;
    rn_problem_list chosen = {0};
    int rc = selects ? choose_problems(&select, data, &o, &set, &chosen, &err) : 0;
    if (!rc) rc = rn_stage_report(&o, &out, &err);
    const int end = rc ? rn_opt_failure(cmd, &err) : rn_report_output_print(cmd, o.format, &out);
    if (!rc && o.html) rn_opt_say(cmd, "the page is %s: open it in a browser", o.html);
    if (!rc && o.plot) rn_opt_say(cmd, "the figure is %s", o.plot);
    rn_problem_list_free(&chosen);
    rn_taskset_free(set);
    return end;
}
