/*
 * cmd_report.c: `ration report`: curves, budgets and decisions from a store or published tables.
 *
 * Exit status 1 when the report is there but something in it is missing (samples without a verdict,
 * models without a cost entry): the report says what and how to give it.
 */
#include "cli/commands.h"
#include "cli/report_opts.h"

#include "base/file.h"
#include "report/figure.h"
#include "report/page.h"
#include "report/plot.h"
#include "report/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LIST = 256 };

typedef struct opts {
    rn_report_args a;
    const char *format, *compare, *ks, *budgets;
    const char *html, *chart_js, *plot, *figure;
    rn_opt_list metrics;
    double reach;
    bool published, interpolate, all;
} opts;

static const char intro[] =
    "Answers which model leads at an equal budget, by how much and how sure that is, on one "
    "screen;\n"
    "--all and --metric show every table. Budgets are given in samples of the cheapest model;\n"
    "scores are percentages, in CSV and JSON fractions. What is missing is reported, with the\n"
    "command that gives it.\n\n"
    "A cost file holds sections of `key = value` lines:\n"
    "  [model my-7b]                layers, d_model, d_ffn, heads, kv_heads, head_dim, vocab,\n"
    "                               gated = yes|no, tied = yes|no, or flop_per_sample = 1.69e12;\n"
    "                               usd_per_1m_input, usd_per_1m_cached, usd_per_1m_output,\n"
    "                               usd_per_hour; alias = NAME, NAME\n"
    "  [profile my-box]             hardware = TEXT; my-7b = SECONDS, or FIXED + SECONDS,\n"
    "                               or k:SECONDS k:SECONDS ...";

/* Parses "1,2,4" into rising numbers above 0; -1, or the exit status after a printed error. */
static int parse_list(const rn_command *cmd, const char *name, const char *text, double *out,
                      size_t *n)
{
    for (const char *p = text; *p;) {
        char *end;
        errno = 0;
        double v = strtod(p, &end);
        if (errno || end == p || (*end && *end != ',') || !(v > 0 && v < 1e18))
            return rn_opt_usage(cmd, "--%s needs numbers above 0 with commas, not '%s'", name,
                                text);
        if (*n && v <= out[*n - 1])
            return rn_opt_usage(cmd, "the numbers of --%s must rise: '%s'", name, text);
        if (*n == MAX_LIST)
            return rn_opt_usage(cmd, "--%s takes at most %d numbers", name, MAX_LIST);
        out[(*n)++] = v;
        p = *end ? end + 1 : end;
    }
    return -1;
}

static int parse_ks(const rn_command *cmd, const char *text, int64_t *ks, size_t *n)
{
    double v[MAX_LIST];
    int rc = parse_list(cmd, "k", text, v, n);
    for (size_t i = 0; i < *n && rc < 0; i++) {
        ks[i] = (int64_t)v[i];
        if ((double)ks[i] != v[i]) rc = rn_opt_usage(cmd, "--k needs whole numbers: '%s'", text);
    }
    return rc;
}

/* Everything that follows from the command line alone. */
typedef struct request {
    rn_report_request common;
    int64_t ks[MAX_LIST];
    double budgets[MAX_LIST];
    uint32_t metrics;
    bool screen; /* the answer only */
    rn_figure figure;
    int format; /* 0 table, 1 csv, 2 json, -1 none: only files were asked for */
} request;

static int read_numbers(const rn_command *cmd, const opts *o, request *q)
{
    rn_report_opts *r = &q->common.report;
    if (!isnan(o->reach) && !(o->reach > 0 && o->reach <= 1))
        return rn_opt_usage(cmd, "--reach must be a fraction above 0 and up to 1, e.g. 0.6");
    int rc = rn_report_args_read(cmd, &o->a, &q->common);
    r->reach = o->reach;
    r->interpolate = o->interpolate;
    if (rc < 0 && o->ks) rc = parse_ks(cmd, o->ks, q->ks, &r->n_ks);
    if (rc < 0 && o->budgets)
        rc = parse_list(cmd, "budgets", o->budgets, q->budgets, &r->n_budgets);
    r->ks = q->ks;
    r->budgets = q->budgets;
    return rc;
}

static int read_figure(const rn_command *cmd, const opts *o, request *q)
{
    const char *choices[RN_N_FIGURES];
    int figure = RN_FIGURE_STUDY;
    for (int f = 0; f < RN_N_FIGURES; f++)
        choices[f] = rn_figure_name((rn_figure)f);
    if (o->figure && !o->plot)
        return rn_opt_usage(cmd, "--figure chooses what --plot FILE draws; give both");
    if (o->plot && !rn_plot_knows(o->plot))
        return rn_opt_usage(cmd, "--plot writes .svg, .pdf or .png, not '%s'", o->plot);
    int rc =
        o->figure ? rn_opt_choose(cmd, "figure", o->figure, choices, RN_N_FIGURES, &figure) : -1;
    q->figure = (rn_figure)figure;
    return rc;
}

static int read_names(const rn_command *cmd, const opts *o, request *q)
{
    static const char *const formats[] = {"table", "csv", "json"};
    int rc = -1;
    q->format = o->html || o->plot ? -1 : 0;
    if (o->format) rc = rn_opt_choose(cmd, "format", o->format, formats, 3, &q->format);
    if (rc < 0) rc = read_figure(cmd, o, q);
    for (int i = 0; i < o->metrics.n && rc < 0; i++)
        if (!rn_report_metric_add(&q->metrics, o->metrics.v[i]))
            rc = rn_opt_usage(cmd, "there is no metric '%s'", o->metrics.v[i]);
    q->screen = q->metrics == 0 && !o->all;
    if (q->metrics == 0) q->metrics = RN_METRICS_ALL;
    if (rc < 0 && o->compare)
        rc = rn_opt_pair(cmd, "compare", o->compare, ',', &q->common.arena,
                         &q->common.report.compare_a, &q->common.report.compare_b);
    return rc;
}

static int build(const opts *o, const request *q, rn_report *r, rn_err *err)
{
    const rn_report_filter filter = rn_report_args_filter(&o->a);
    int rc = rn_report_args_load(&o->a, r, err);
    if (!rc && o->published) {
        rn_buf path = {0};
        rc = rn_data_locate(NULL, "published/hassid2024.csv", &path)
                 ? rn_report_add_published(r, path.data, &filter, err)
                 : rn_fail(err, RN_ENOTFOUND,
                           "published/hassid2024.csv is neither beside the program nor installed");
        rn_buf_free(&path);
    }
    if (!rc) rc = rn_report_price(r, q->common.prices, q->common.n_prices, err);
    return rc ? rc : rn_report_compute(r, err);
}

static int write_html(const opts *o, const rn_report *r, rn_err *err)
{
    const rn_html_opts h = {.chart_js = o->chart_js};
    rn_buf page = {0};
    int rc = rn_report_html(r, &h, &page, err);
    if (!rc) rc = rn_file_write_atomic(o->html, rn_buf_view(&page), err);
    rn_buf_free(&page);
    return rc;
}

/* Where no table is printed, what is missing goes to the terminal as well as into the file. */
static void print_notes(const rn_command *cmd, const rn_report *r)
{
    for (size_t i = 0; i < r->n_notes; i++)
        fprintf(stderr, "ration %s: %s\n", cmd->name, r->notes[i]);
}

int rn_cmd_report(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("report");
    opts o = {.a = RN_REPORT_ARGS_DEFAULT, .reach = NAN};
    const rn_opt table[] = {
        RN_REPORT_OPTIONS_DATA(o.a),
        RN_OPT_FLAG(0, "published", &o.published, "the study's published tables"),
        RN_OPT_STR('f', "format", &o.format, "FORMAT", "table, csv or json"),
        RN_OPT_FLAG(0, "all", &o.all, "every table and the conditions, not only the answer"),
        RN_OPT_STR(0, "html", &o.html, "FILE", "one page with everything, for a browser"),
        RN_OPT_STR(0, "chart-js", &o.chart_js, "FILE", "the Chart.js that the page holds"),
        RN_OPT_STR(0, "plot", &o.plot, "FILE", "a figure: .svg, .pdf or .png, drawn by gnuplot"),
        RN_OPT_STR(0, "figure", &o.figure, "NAME",
                   "which: study (default: pass@k over k, FLOPs, time), pass@k, flops, time, usd, "
                   "rank, rank-k, rank-flops, rank-time, stopping, reallocation, cascade"),
        RN_OPT_LIST(0, "metric", &o.metrics, "NAME",
                    "only this (repeat): pass@k, pass_flops@f, pass_time@t, pass_usd@u, "
                    "rank-score@k, rank-score_flops@f, rank-score_time@t, rankers, reach, compare, "
                    "samples, cost, stopping, reallocation, cascade"),
        RN_REPORT_OPTIONS_COST(o.a),
        RN_OPT_STR('k', "k", &o.ks, "LIST", "these k, e.g. 1,10,100"),
        RN_OPT_STR(0, "budgets", &o.budgets, "LIST", "these budgets, in samples of the cheapest"),
        RN_OPT_REAL(0, "reach", &o.reach, "SCORE", "what this score costs, e.g. 0.6"),
        RN_OPT_STR(0, "compare", &o.compare, "A,B", "two models side by side, paired by problem"),
        RN_OPT_FLAG(0, "interpolate", &o.interpolate,
                    "between published k: linear in log k, not the last one"),
        RN_REPORT_OPTIONS_BOOT(o.a),
        RN_OPT_END};
    int first;
    int status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "what is '%s'? a store is given by -s", argv[first]);
    if (!o.a.store && !o.published)
        return rn_opt_usage(cmd, "-s FILE or --published says what to report on");

    request q = {.common.report = rn_report_defaults()};
    status = read_numbers(cmd, &o, &q);
    if (status < 0) status = read_names(cmd, &o, &q);
    if (status >= 0) {
        rn_report_request_free(&q.common);
        return status;
    }
    rn_err err = {0};
    rn_buf out = {0};
    rn_report *r = rn_report_new(&q.common.report);
    int rc = r ? build(&o, &q, r, &err) : rn_fail(&err, RN_ENOMEM, "out of memory");
    if (!rc && o.html) rc = write_html(&o, r, &err);
    if (!rc && o.plot) rc = rn_report_figure(r, q.figure, o.plot, &err);
    if (!rc && q.format >= 0) {
        void (*const render[])(const rn_report *, uint32_t,
                               rn_buf *) = {rn_report_text, rn_report_csv, rn_report_json};
        if (q.format == 0 && q.screen)
            rn_report_screen(r, &out);
        else
            render[q.format](r, q.metrics, &out);
        if (!rn_buf_ok(&out)) rc = rn_fail(&err, RN_ENOMEM, "out of memory");
    }
    if (q.format > 0) rn_term_data();
    if (!rc && out.len) fwrite(out.data, 1, out.len, stdout);
    if (!rc && q.format != 0) print_notes(cmd, r);
    status = rc                        ? rn_opt_failure(cmd, &err)
             : rn_report_incomplete(r) ? RN_EXIT_MISSING
                                       : RN_EXIT_DONE;
    rn_report_free(r);
    rn_buf_free(&out);
    rn_report_request_free(&q.common);
    return status;
}
