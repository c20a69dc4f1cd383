/* solve.c: one problem, some models, a budget. cc solve.c $(pkg-config --cflags --libs libration)
 *     solve BUDGET PROBLEM.json MODEL...      MODEL: FILE.gguf or https://HOST:PORT/v1#NAME */
#include <ration.h>

#include <stdio.h>

static int told(void *user, const rn_solve_sample *s)
{
    (void)user;
    fprintf(stderr, "model %d, sample %lld: %s\n", s->model, (long long)s->index,
            rn_verdict_name(s->verdict));
    return 0; /* anything else would stop it */
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 11) return fprintf(stderr, "usage: solve BUDGET PROBLEM MODEL...\n"), 2;
    rn_err err;
    rn_taskset *set;
    if (rn_taskset_open(argv[2], NULL, &set, &err)) return fprintf(stderr, "%s\n", err.msg), 3;
    rn_model_source models[8] = {{0}};
    for (int i = 3; i < argc; i++)
        models[i - 3].source = argv[i];
    rn_solve_options options = {.models = models,
                                .n_models = (size_t)argc - 3,
                                .set = set,
                                .budget = argv[1],
                                .on_verdict = told};
    rn_solve_result result;
    int rc = rn_solve(&options, &result, &err);
    if (rc) fprintf(stderr, "%s\n", err.msg);
    if (!rc) {
        fprintf(stderr, "%s\n%s\n", result.why, result.ledger_json);
        if (result.program) puts(result.program);
        rc = result.outcome == RN_SOLVED ? 0 : 1;
        rn_solve_result_free(&result);
    } else {
        rc = 3;
    }
    rn_taskset_free(set);
    return rc;
}
