/* report_opts.h: the options of commands that read recorded outcomes and price them: report,
 * plan. */
#ifndef RN_CLI_REPORT_OPTS_H
#define RN_CLI_REPORT_OPTS_H

#include "cli/opt.h"

/* What the option table fills that rn_report_options (ration.h) has as arrays. */
typedef struct rn_report_lists {
    rn_opt_list models, costs, cost_files, metrics;
} rn_report_lists;

/* Entries of an option table for `o`, an rn_report_options, and `l`, its lists: what there is, and
 * what it costs. */
#define RN_REPORT_OPTIONS_DATA(o, l)                                      \
    RN_OPT_STR('s', "store", &(o).store, "FILE", "the experiment file"),  \
        RN_OPT_STR('t', "set", &(o).set, "SET", "only this problem set"), \
        RN_OPT_LIST('m', "model", &(l).models, "NAME", "only this model (may be repeated)")
#define RN_REPORT_OPTIONS_COST(o, l)                                                               \
    RN_OPT_LIST(0, "cost", &(l).costs, "MODEL=ENTRY", "price a model as this entry (repeat)"),     \
        RN_OPT_LIST(0, "cost-file", &(l).cost_files, "FILE",                                       \
                    "more entries and profiles (repeat)"),                                         \
        RN_OPT_STR(0, "profile", &(o).profile, "NAME", "wall-times, e.g. paper-8xa100"),           \
        RN_OPT_STR(0, "flops", &(o).flops, "BASIS",                                                \
                   "study: 128 tokens per sample; exact: its real tokens"),                        \
        RN_OPT_STR(0, "prompt", &(o).prompt, "HOW",                                                \
                   "dollars pay for it once, each or cached: once per problem, with each sample, " \
                   "or after the first at the cached price (default)"),                            \
        RN_OPT_REAL(0, "prompt-tokens", &(o).prompt_tok, "N",                                      \
                    "mean prompt length where samples do not record theirs")
#define RN_REPORT_OPTIONS_BOOT(o)                                                             \
    RN_OPT_STR(0, "missing", &(o).missing, "POLICY",                                          \
               "samples without a verdict: drop, fail or refuse"),                            \
        RN_OPT_INT(0, "resamples", &(o).n_resamples, "N", "of the bootstrap (default 1000)"), \
        RN_OPT_INT(0, "seed", &(o).seed, "N", "of the bootstrap (default 0)"),                \
        RN_OPT_REAL(0, "confidence", &(o).level, "P", "of the intervals (default 0.95)")

/* The lists into the options that the table filled. */
void rn_report_lists_put(const rn_report_lists *l, rn_report_options *o);
/* Prints what a stage gave, notes on stderr where no table shows them; returns the exit status. */
int rn_report_output_print(const rn_command *cmd, const char *format, rn_report_output *out);

#endif
