/* cmd_rank.c: `ration rank`: options and results of rn_stage_rank (ration.h). */
#include "cli/commands.h"
#include "cli/model_opts.h"

/* What was scored and what was left out. */
static void print_counts(const rn_rank_summary *s)
{
    const bool tests = strcmp(s->ranker, "tests") == 0;
    if (tests || strcmp(s->ranker, "consensus") == 0 || strcmp(s->ranker, "examples") == 0) {
        printf(
            "%lld scored; left out: %lld at their token limit, %lld that the sandbox failed on\n",
            (long long)s->n_scored, (long long)s->n_cut, (long long)s->n_failed);
        printf("%lld %s executed: %.1f CPU seconds, %.1f s of wall-time one after the other\n",
               (long long)s->n_programs, rn_plural(s->n_programs, "program", "programs"), s->cpu_s,
               s->wall_s);
        if (tests)
            printf("%lld different %s written for %lld %s\n", (long long)s->n_examples,
                   rn_plural(s->n_examples, "test", "tests"), (long long)s->n_problems,
                   rn_plural(s->n_problems, "problem", "problems"));
        else if (s->n_examples)
            printf("%lld %s a value; %lld of them %s in no test\n", (long long)s->n_examples,
                   rn_plural(s->n_examples, "example gives", "examples give"),
                   (long long)s->n_unseen, rn_plural(s->n_unseen, "is", "are"));
        if (s->n_blind)
            printf("%lld of %lld %s %s: all samples of such a problem have the same score\n",
                   (long long)s->n_blind, (long long)s->n_problems,
                   rn_plural(s->n_problems, "problem", "problems"),
                   tests ? "got no test"
                         : rn_plural(s->n_blind, "shows no example to make inputs from",
                                     "show no example to make inputs from"));
    } else if (strcmp(s->ranker, "verifier") == 0) {
        printf("%lld scored; left out: %lld at their token limit, %lld without a likelihood under "
               "their generator, %lld too long for the context\n",
               (long long)s->n_scored, (long long)s->n_cut, (long long)s->n_unlikely,
               (long long)s->n_too_long);
    } else {
        printf("%lld scored; left out: %lld at their token limit, %lld without a token, %lld too "
               "long for the context\n",
               (long long)s->n_scored, (long long)s->n_cut, (long long)s->n_empty,
               (long long)s->n_too_long);
    }
}

static void print_runs(const rn_rank_summary *s)
{
    const bool likelihood = s->ranker && strcmp(s->ranker, "nll") == 0;
    for (size_t i = 0; i < s->n_runs; i++) {
        const rn_rank_run_row *r = &s->runs[i];
        if (likelihood)
            printf("run %lld: %lld of %lld scored\n", (long long)r->run_id, (long long)r->n_scored,
                   (long long)r->n_due);
        else
            printf("run %lld: %lld scored\n", (long long)r->run_id, (long long)r->n_scored);
    }
}

int rn_cmd_rank(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("rank");
    rn_model_args m = RN_MODEL_ARGS_NONE;
    rn_rank_options o;
    rn_rank_options_init(&o);
    const char *store = NULL;
    int64_t jobs = 0;
    const rn_opt table[] = {
        RN_OPT_STR(
            0, "ranker", &o.ranker, "RANKER",
            "examples: those of the prompt that pass, then agreement (default without -m); "
            "nll: mean negative log likelihood (default with -m); verifier: a model's yes or "
            "no; consensus: programs that agree; tests: those that pass the same tests, which a "
            "model writes, or two of them: examples+nll by the first, then by the second, "
            "logit:examples+nll by weights fitted on other problems"),
        RN_OPT_ALIAS("by", &o.ranker),
        RN_MODEL_OPTION(&m),
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file"),
        RN_OPT_INT(0, "run", &o.run_id, "ID", "only this run"),
        RN_OPT_STR(0, "of", &o.of, "MODEL", "only runs of this model"),
        RN_OPT_STR('t', "set", &o.set, "SET",
                   "where the runs' problem set lies; default: its name"),
        RN_OPT_STR(0, "preset", &o.preset, "NAME", "prompt preset; default: the run's"),
        RN_OPT_STR(0, "name", &m.m.name, "NAME", "the ranking model's name; default: the file's"),
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "where problem sets lie"),
        RN_OPT_STR(0, "extractor", &o.extractor, "NAME",
                   "verifier, consensus: how the program is taken from the text (default: the "
                   "run's own)"),
        RN_OPT_STR(0, "verifier", &o.verifier, "NAME|FILE",
                   "verifier: the question (default: function)"),
        RN_OPT_STR(0, "question", &o.question, "NAME|FILE",
                   "tests: how the model is asked for them (default: assert)"),
        RN_OPT_GROUP("of examples, consensus and tests"),
        RN_OPT_STR(0, "agree", &o.agree, "RULE", "consensus: mbr (default) or codet"),
        RN_OPT_INT(
            0, "inputs", &o.inputs, "N",
            "consensus: inputs per problem (default 32); tests: answers of the model (default 10)"),
        RN_OPT_INT(0, "seed", &o.seed, "N", "of the inputs (default 0)"),
        RN_OPT_REAL(0, "cpu-limit", &o.cpu_s, "S",
                    "CPU seconds per input or test (default 0.1; consensus: 0.5)"),
        RN_OPT_INT('j', "jobs", &jobs, "N", "programs at a time (default: cores)"),
        RN_OPT_FLAG(0, "allow-weak", &o.allow_weak, "run even without namespaces and Landlock"),
        RN_SELECT_OPTIONS(&o.select),
        RN_SHARE_OPTIONS(&o.share),
        RN_FILE_OPTIONS(&m),
        RN_SERVER_OPTIONS(&m),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd,
                                 "Scores the samples of a store. What has a score is kept; "
                                 "after an interruption run the same command again.",
                                 table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if (!store) return rn_opt_usage(cmd, "give a store with -s FILE");
    if (jobs < 0 || jobs > 256) return rn_opt_usage(cmd, "--jobs is 1 to 256");
    if ((rc = rn_model_args_read(cmd, &m)) >= 0) return rc;
    o.model = m.m;
    o.jobs = (int)jobs;
    rn_err err = {0};
    if (rn_rank_options_check(&o, &err)) return rn_opt_refused(cmd, &err);

    o.watch = rn_opt_watch(cmd, argc, argv);
    rn_store *s = NULL;
    rn_rank_summary out = {0};
    rc = rn_store_open(store, RN_STORE_WRITE, &s, &err);
    if (!rc) rc = rn_stage_rank(s, &o, &out, &err);
    print_runs(&out);
    if (!rc) print_counts(&out);
    if (out.spent) printf("%s\n", out.spent);
    if (out.n_refused)
        fprintf(stderr, "ration rank: %lld texts got no score, e.g.: %s\n",
                (long long)out.n_refused, out.refusal);
    rc = rn_opt_status(cmd, rc, out.incomplete, &err);
    rn_rank_summary_free(&out);
    rn_store_close(s);
    return rc;
}
