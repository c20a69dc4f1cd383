/*
 * demo_published.c: `ration demo --published`: the study's comparison from its published tables.
 *
 * Who leads at each equal budget of FLOPs and of wall-time on HumanEval, MBPP and APPS, and for
 * each set one computed sentence. Needs nothing but the data file that ships with the program.
 */
#include "cli/demo.h"

#include "base/file.h"
#include "report/render.h"

#include <stdio.h>

static const char *const code_llama[] = {"code-llama-7b", "code-llama-13b", "code-llama-34b",
                                         "code-llama-70b"};
static const char *const llama_3[] = {"llama-3-8b", "llama-3-70b"};

/* The published curves of one family, priced and compared. */
static int build(const char *const *models, size_t n_models, rn_report **out, rn_err *err)
{
    rn_buf path = {0};
    if (!rn_data_locate(NULL, "published/hassid2024.csv", &path))
        return rn_fail(err, RN_ENOTFOUND,
                       "published/hassid2024.csv is neither beside the program nor installed; run "
                       "`make install` or the program of the build folder");
    rn_report_opts opts = rn_report_defaults();
    opts.profile = RN_COST_STUDY_PROFILE;
    opts.interpolate = true;
    opts.reach = 0.6;
    rn_report_filter filter = {.models = models, .n_models = n_models};
    rn_report *r = rn_report_new(&opts);
    int rc = r ? rn_report_add_published(r, path.data, &filter, err)
               : rn_fail(err, RN_ENOMEM, "out of memory");
    if (!rc) rc = rn_report_price(r, NULL, 0, err);
    if (!rc) rc = rn_report_compute(r, err);
    rn_buf_free(&path);
    if (rc)
        rn_report_free(r);
    else
        *out = r;
    return rc;
}

static void findings(const rn_report *r, rn_buf *out)
{
    for (size_t i = 0; i < r->n_tasks; i++)
        rn_report_sentences(&r->tasks[i], out);
}

int rn_demo_published(const rn_command *cmd)
{
    rn_err err = {0};
    rn_report *code = NULL, *general = NULL;
    rn_buf out = {0};
    int rc = build(code_llama, sizeof code_llama / sizeof code_llama[0], &code, &err);
    if (!rc) rc = build(llama_3, sizeof llama_3 / sizeof llama_3[0], &general, &err);
    if (!rc) {
        rn_buf_puts(
            &out,
            "One large model or many samples of a small one? The published results of Hassid "
            "et al. 2024\n(arXiv 2404.00725): pass@k of Code Llama at equal budgets of FLOPs, "
            "and of wall-time on 8 A100.\n\n");
        uint32_t metrics = 0;
        rn_report_metric_add(&metrics, "pass_flops@f");
        rn_report_metric_add(&metrics, "pass_time@t");
        rn_report_text(code, metrics, &out);
        rn_buf_puts(&out, "\nWhat it comes to\n\n");
        findings(code, &out);
        rn_buf_puts(&out, "\nLlama-3, for which no wall-times are published:\n");
        findings(general, &out);
        if (!rn_buf_ok(&out)) rc = rn_fail(&err, RN_ENOMEM, "out of memory");
    }
    if (!rc) fwrite(out.data, 1, out.len, stdout);
    rn_buf_free(&out);
    rn_report_free(code);
    rn_report_free(general);
    return rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
}
