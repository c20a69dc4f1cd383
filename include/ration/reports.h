/* reports.h: `ration report` and `ration plan` as calls. A part of ration.h. */
#ifndef RATION_REPORTS_H
#define RATION_REPORTS_H

#include "core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reports and plans ----------------------------------------------------------------------- */

/* `ration report` and `ration plan` as calls on the file of a store: options are the words of the
 * command line (docs/man), strings are borrowed during the call. Start from _init, which sets the
 * defaults. RN_EINVAL from _check: what in the options cannot be, before anything is read. */
typedef struct rn_report_options {
    const char *store;         /* path; NULL: published curves only */
    int published;             /* the study's published curves */
    const char *set;           /* only this problem set; NULL: all */
    const char *const *models; /* [n_models] only these; none: all */
    const char *const *costs;  /* [n_costs] "MODEL=ENTRY": how a model is priced */
    const char *const *cost_files;
    size_t n_models, n_costs, n_cost_files;
    const char *profile; /* of wall-times; NULL: that of the store which times most models */
    const char *flops;   /* "study", "exact" */
    const char *prompt;  /* how often dollars pay for the prompt: "cached", "once", "each" */
    const char *missing; /* samples without a verdict: "drop", "fail", "refuse" */
    double prompt_tok;   /* mean prompt length where samples do not record theirs; NAN */
    int64_t n_resamples, seed;
    double level;               /* of the intervals */
    const char *ks, *budgets;   /* "1,10,100", budgets in samples of the cheapest model; NULL */
    double reach;               /* what this score costs; NAN */
    int64_t extrapolate;        /* pass@k up to this k beyond the samples, by a model of the
                                   problems (docs/METRICS.md); 0: no */
    const char *compare;        /* "A,B": two models side by side; NULL */
    const char *fallback;       /* without tests: the model whose greedy answer is taken where no
                                   sample passes all examples; NULL: the most expensive */
    int interpolate;            /* between published k */
    const char *const *metrics; /* [n_metrics] only these tables and series; none: all of them */
    size_t n_metrics;
    int all;                     /* as a table: every one, not the answer alone */
    const char *format;          /* "table", "csv", "json"; NULL: no text */
    const char *html, *chart_js; /* a page to write; the Chart.js in it; NULL */
    const char *plot, *figure;   /* a figure to write: .svg, .pdf, .png; which; NULL */
    const char *against;         /* "imported": our verdicts beside imported ones, nothing else */
    const char *by;              /* pass@k by group of problems, nothing else: the groups' name */
    const char *const
        *problems; /* [n_problems] ids of those that count; none: all (rn_problem_list) */
    const char *const *groups; /* [n_problems] with `by`: the groups of each, a tab before each */
    size_t n_problems;
} rn_report_options;

typedef struct rn_plan_options {
    rn_report_options data;     /* store to level, format and plot of it */
    const char *const *budgets; /* [n_budgets] "60s", "200TFLOP", "0.05USD" */
    size_t n_budgets;
    const char *axis;  /* "flops", "time", "usd", where no budget tells it; NULL */
    int total;         /* budgets are for the whole set, in expectation */
    int stop, no_stop; /* only with, only without stopping at the first pass; neither: both */
    int replay;        /* the policies of rn_solve over the recorded samples */
    int no_tests;      /* stopping at the first sample that passes all examples of the prompt */
    int64_t n_folds, n_orders;
} rn_plan_options;

/* Strings are the caller's, all freed by _free; never NULL after a call that returned 0. */
typedef struct rn_report_output {
    char *text;     /* what `format` asked for */
    char *notes;    /* what is missing and how to give it, one a line */
    char *findings; /* of a report: who leads, in sentences, one a line */
    int incomplete; /* something is missing: `notes` says what */
} rn_report_output;

RN_API void rn_report_options_init(rn_report_options *o);
RN_API int rn_report_options_check(const rn_report_options *o, rn_err *err);
RN_API int rn_stage_report(const rn_report_options *o, rn_report_output *out, rn_err *err);
RN_API void rn_plan_options_init(rn_plan_options *o);
RN_API int rn_plan_options_check(const rn_plan_options *o, rn_err *err);
RN_API int rn_stage_plan(const rn_plan_options *o, rn_report_output *out, rn_err *err);
RN_API void rn_report_output_free(rn_report_output *out); /* NULL accepted */

#ifdef __cplusplus
}
#endif
#endif
