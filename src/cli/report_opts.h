/* report_opts.h: the options of commands that read recorded outcomes and price them: report, plan. */
#ifndef RN_CLI_REPORT_OPTS_H
#define RN_CLI_REPORT_OPTS_H

#include "cli/opt.h"
#include "report/report.h"

typedef struct rn_report_args {
    const char *store, *task, *profile, *missing, *flops, *prompt;
    rn_opt_list models, costs, cost_files;
    int64_t resamples, seed;
    double confidence, prompt_tok;
} rn_report_args;

#define RN_REPORT_ARGS_DEFAULT                                                      \
    {                                                                               \
        .missing = "drop", .flops = "study", .prompt = "cached", .resamples = 1000, \
        .confidence = 0.95, .prompt_tok = NAN                                       \
    }

/* Entries of an option table for `a`, an rn_report_args: what there is, and what it costs. */
#define RN_REPORT_OPTIONS_DATA(a)                                          \
    RN_OPT_STR('s', "store", &(a).store, "FILE", "the experiment file"),   \
        RN_OPT_STR('t', "set", &(a).task, "SET", "only this problem set"), \
        RN_OPT_LIST('m', "model", &(a).models, "NAME", "only this model (may be repeated)")
#define RN_REPORT_OPTIONS_COST(a)                                                                  \
    RN_OPT_LIST(0, "cost", &(a).costs, "MODEL=ENTRY", "price a model as this entry (repeat)"),     \
        RN_OPT_LIST(0, "cost-file", &(a).cost_files, "FILE",                                       \
                    "more entries and profiles (repeat)"),                                         \
        RN_OPT_STR(0, "profile", &(a).profile, "NAME", "wall-times, e.g. " RN_COST_STUDY_PROFILE), \
        RN_OPT_STR(0, "flops", &(a).flops, "BASIS",                                                \
                   "study: 128 tokens a sample; exact: its real tokens"),                          \
        RN_OPT_STR(0, "prompt", &(a).prompt, "HOW",                                                \
                   "dollars pay for it once, each or cached: once per problem, with each sample, " \
                   "or after the first at the cached price (default)"),                            \
        RN_OPT_REAL(0, "prompt-tokens", &(a).prompt_tok, "N",                                      \
                    "mean prompt length where samples do not tell theirs")
#define RN_REPORT_OPTIONS_BOOT(a)                                                           \
    RN_OPT_STR(0, "missing", &(a).missing, "POLICY",                                        \
               "samples without a verdict: drop, fail or refuse"),                          \
        RN_OPT_INT(0, "resamples", &(a).resamples, "N", "of the bootstrap (default 1000)"), \
        RN_OPT_INT(0, "seed", &(a).seed, "N", "of the bootstrap (default 0)"),              \
        RN_OPT_REAL(0, "confidence", &(a).confidence, "P", "of the intervals (default 0.95)")

enum { RN_REPORT_MAX_PRICES = 64 };

/* What follows from the command line alone; rn_report_request_free. */
typedef struct rn_report_request {
    rn_arena arena;
    rn_report_opts report;
    rn_price_map prices[RN_REPORT_MAX_PRICES];
    size_t n_prices;
} rn_report_request;

/* Fills *q from the options, on top of q->report; -1, or the exit status after a printed error. */
int rn_report_args_read(const rn_command *cmd, const rn_report_args *a, rn_report_request *q);
void rn_report_request_free(rn_report_request *q);

/* Cost files and, if one is named, the store into a new report. */
int rn_report_args_load(const rn_report_args *a, rn_report *r, rn_err *err);
rn_report_filter rn_report_args_filter(const rn_report_args *a);

/* One of n words into *out; -1, or the exit status. */
int rn_opt_choose(const rn_command *cmd, const char *name, const char *value,
                  const char *const *choices, int n, int *out);
/* Cuts "A=B" (or "A,B") at `mark` in a copy in the arena; -1, or the exit status. */
int rn_opt_pair(const rn_command *cmd, const char *name, const char *text, char mark,
                rn_arena *arena, const char **a, const char **b);

/* Whether a reader should know that something is missing: exit status 1. */
bool rn_report_incomplete(const rn_report *r);

#endif
