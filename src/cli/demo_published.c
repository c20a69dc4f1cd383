/*
 * demo_published.c: `ration demo --published`: the study's comparison from its published tables.
 *
 * Who leads at each equal budget of FLOPs and of wall-time on HumanEval, MBPP and APPS, and what
 * that comes to in sentences. Needs nothing but the data file that ships with the program.
 */
#include "cli/demo.h"

#include <stdio.h>

static const char *const code_llama[] = {"code-llama-7b", "code-llama-13b", "code-llama-34b",
                                         "code-llama-70b"};
static const char *const llama_3[] = {"llama-3-8b", "llama-3-70b"};
static const char *const metrics[] = {"pass_flops@f", "pass_time@t"};

/* The published curves of one family, priced and compared. */
static int compare(const char *const *models, size_t n_models, rn_report_output *out, rn_err *err)
{
    rn_report_options o;
    rn_report_options_init(&o);
    o.published = 1;
    o.interpolate = 1;
    o.models = models;
    o.n_models = n_models;
    o.profile = "paper-8xa100";
    o.reach = 0.6;
    o.metrics = metrics;
    o.n_metrics = sizeof metrics / sizeof metrics[0];
    o.format = "table";
    return rn_stage_report(&o, out, err);
}

int rn_demo_published(const rn_command *cmd)
{
    rn_err err = {0};
    rn_report_output code = {0}, general = {0};
    int rc = compare(code_llama, sizeof code_llama / sizeof code_llama[0], &code, &err);
    if (!rc) rc = compare(llama_3, sizeof llama_3 / sizeof llama_3[0], &general, &err);
    if (!rc)
        printf(
            "One large model or many samples of a small one? The published results of Hassid et "
            "al. "
            "2024\n(arXiv 2404.00725): pass@k of Code Llama at equal budgets of FLOPs, and of "
            "wall-time on 8 A100.\n\n%s\nWhat it comes to\n\n%s\nLlama-3, for which no wall-times "
            "are published:\n%s",
            code.text, code.findings, general.findings);
    rn_report_output_free(&code);
    rn_report_output_free(&general);
    return rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
}
