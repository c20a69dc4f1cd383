/* experiment.c: a whole experiment: samples of a model, verdicts, ranking, report.
 * cc experiment.c $(pkg-config --cflags --libs libration)
 *     experiment MODEL.gguf SET STORE      e.g. experiment ration-mini-xs.gguf mini exp.db */
#include <ration.h>

#include <stdio.h>

static void note(void *user, int is_warning, const char *line)
{
    (void)user;
    fprintf(stderr, "%s%s\n", is_warning ? "warning: " : "", line);
}

static int experiment(const char *model, const char *set, const char *path, rn_err *err)
{
    const rn_watch watch = {.on_note =
                                note}; /* should_stop would end a stage, on_progress show it */
    rn_store *store;
    int rc = rn_store_open(path, RN_STORE_CREATE, &store, err);
    if (rc) return rc;

    rn_generate_options g;
    rn_generate_options_init(&g);
    g.watch = watch;
    g.model.source = model;
    g.set = set;
    g.select.problems = "0-7";
    g.n = 4;
    g.max_tok = 64;
    rn_generate_summary generated = {0};
    rc = rn_stage_generate(store, &g, &generated, err);
    if (!rc)
        printf("%lld samples, %lld tokens\n", (long long)generated.n_made,
               (long long)generated.n_tok);

    rn_judge_options j;
    rn_judge_options_init(&j);
    j.watch = watch;
    j.set = set;
    rn_judge_summary judged = {0};
    if (!rc) rc = rn_stage_judge(store, &j, &judged, err);
    for (size_t i = 0; !rc && i < judged.n_runs; i++)
        printf("run %lld: %lld of %lld passed\n", (long long)judged.runs[i].run_id,
               (long long)judged.runs[i].by_verdict[RN_V_PASSED],
               (long long)judged.runs[i].n_samples);

    rn_rank_options r;
    rn_rank_options_init(&r);
    r.watch = watch;
    r.model.source = model;
    r.set = set;
    rn_rank_summary ranked = {0};
    if (!rc) rc = rn_stage_rank(store, &r, &ranked, err);
    if (!rc) printf("%lld samples ranked\n", (long long)ranked.n_scored);

    rn_generate_summary_free(&generated);
    rn_judge_summary_free(&judged);
    rn_rank_summary_free(&ranked);
    rn_store_close(store);
    if (rc) return rc;

    rn_report_options o;
    rn_report_options_init(&o);
    o.store = path;
    o.format = "table";
    rn_report_output out = {0};
    rc = rn_stage_report(&o, &out, err);
    if (!rc) printf("%s", out.text);
    rn_report_output_free(&out);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc != 4) return fprintf(stderr, "usage: experiment MODEL.gguf SET STORE\n"), 2;
    rn_err err = {0};
    int rc = experiment(argv[1], argv[2], argv[3], &err);
    if (rc) fprintf(stderr, "%s\n", err.msg);
    return rc ? 1 : 0;
}
