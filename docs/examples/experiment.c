/* experiment.c: a whole experiment: samples of a model, verdicts, ranking, report.
 * cc experiment.c $(pkg-config --cflags --libs libration)
 *     experiment MODEL.gguf SET STORE      e.g. experiment ration-mini-xs.gguf mini exp.db */
#include <ration.h>

#include <stdio.h>

/* Every stage keeps what it has finished: after any end the same call goes on. */
static int sample_and_judge(rn_store *store, const char *model, const char *set, rn_err *err)
{
    rn_generate_options g;
    rn_judge_options j;
    rn_rank_options r;
    rn_generate_options_init(&g);
    rn_judge_options_init(&j);
    rn_rank_options_init(&r);
    g.model.source = r.model.source = model;
    g.set = j.set = r.set = set;
    g.select.problems = "0-7";
    g.n = 4;
    g.max_tok = 64;
    rn_generate_summary made = {0};
    rn_judge_summary judged = {0};
    rn_rank_summary ranked = {0};
    int rc = rn_stage_generate(store, &g, &made, err);
    if (!rc) rc = rn_stage_judge(store, &j, &judged, err);
    if (!rc) rc = rn_stage_rank(store, &r, &ranked, err);
    if (!rc)
        printf("%lld samples, %lld of %lld passed, %lld samples ranked\n", (long long)made.n_made,
               (long long)judged.runs[0].by_verdict[RN_V_PASSED],
               (long long)judged.runs[0].n_samples, (long long)ranked.n_scored);
    rn_generate_summary_free(&made);
    rn_judge_summary_free(&judged);
    rn_rank_summary_free(&ranked);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 4) return fprintf(stderr, "usage: experiment MODEL.gguf SET STORE\n"), 2;
    rn_err err = {0};
    rn_store *store = NULL;
    int rc = rn_store_open(argv[3], RN_STORE_CREATE, &store, &err);
    if (!rc) rc = sample_and_judge(store, argv[1], argv[2], &err);
    rn_store_close(store);
    rn_report_options o;
    rn_report_options_init(&o);
    o.store = argv[3];
    o.format = "table";
    rn_report_output out = {0};
    if (!rc) rc = rn_stage_report(&o, &out, &err);
    printf("%s", rc ? "" : out.text);
    rn_report_output_free(&out);
    if (rc) fprintf(stderr, "%s\n", err.msg);
    return rc ? 1 : 0;
}
