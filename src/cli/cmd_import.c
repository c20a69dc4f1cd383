/* cmd_import.c: `ration import`: options and results of rn_stage_import (ration.h). */
#include "cli/commands.h"

static const char intro[] =
    "Reads samples that others made into an experiment file: rows of completions, programs or\n"
    "answers (JSON lines or an array), results of evalplus, BigCodeBench, LiveCodeBench, lm-eval,\n"
    "OpenCompass, inspect and MultiPL-E, answers of a batch, CodeT, the release of the budget "
    "study,\n"
    "counts n and c, published curves. Compressed files (gzip) are read as they are.\n"
    "Running it again changes nothing; an interrupted import goes on.";

static void print_result(const rn_import_options *o, const char *store, const rn_import_summary *s)
{
    printf("%s: %lld %.*s added", store, (long long)s->n_added,
           (int)strlen(s->unit) - (s->n_added == 1), s->unit);
    if (s->n_present)
        printf(", %lld %s there already", (long long)s->n_present,
               rn_plural(s->n_present, "was", "were"));
    if (s->n_verdicts)
        printf(", %lld %s", (long long)s->n_verdicts,
               rn_plural(s->n_verdicts, "verdict", "verdicts"));
    if (s->n_bad)
        printf(", %lld %s left out", (long long)s->n_bad, rn_plural(s->n_bad, "row", "rows"));
    if (strcmp(s->unit, "points") != 0)
        printf("; %lld of %lld %s of %s", (long long)s->n_problems, (long long)s->n_set,
               rn_plural(s->n_set, "problem", "problems"), o->set);
    printf(" (%s, %s)\n", o->model, s->format);
    if (s->n_short)
        fprintf(stderr, "ration import: %lld %s fewer than the declared %lld samples\n",
                (long long)s->n_short, rn_plural(s->n_short, "problem has", "problems have"),
                (long long)o->n);
}

int rn_cmd_import(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("import");
    rn_import_options o;
    rn_import_options_init(&o);
    const char *store = NULL;
    rn_opt_list settings = {0};
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file; made if it is not there"),
        RN_OPT_STR('t', "set", &o.set, "SET", "the problem set"),
        RN_OPT_STR('m', "model", &o.model, "NAME", "the model that wrote the samples"),
        RN_OPT_STR('c', "cost", &o.cost, "ENTRY",
                   "the cost entry that prices it, e.g. code-llama-7b"),
        RN_OPT_STR(0, "cost-file", &o.cost_file, "FILE", "more entries of the cost tables"),
        RN_OPT_STR('f', "format", &o.format, "FORM",
                   "human-eval, evalplus, generation, response, evalplus-results, bigcode, codet, "
                   "release, runs, livecodebench, lm-eval, openai-batch, opencompass, inspect, "
                   "multipl-e, multipl-e-results, counts, curve, auto (default)"),
        RN_OPT_FLAG('g', "greedy", &o.greedy, "one greedy answer per problem"),
        RN_OPT_LIST(0, "setting", &settings, "KEY=VALUE",
                    "a setting of the run, e.g. temperature=0.8; may be repeated"),
        {RN_OPT_T_LIST, 'r', "run", NULL, NULL, &settings},
        RN_OPT_STR('p', "preset", &o.preset, "NAME", "the prompt preset that was used"),
        RN_OPT_INT('n', "samples", &o.n, "N",
                   "samples per problem: more are refused, fewer reported"),
        RN_OPT_FLAG(0, "append", &o.append, "further samples, behind those that the run has"),
        RN_OPT_INT(0, "first", &o.first, "I", "index of each problem's first sample (default 0)"),
        RN_OPT_FLAG(0, "skip-bad", &o.skip_bad, "report bad rows and go on"),
        RN_OPT_STR(0, "map", &o.map, "FILE", "CodeT: JSONL of task_id and prompt"),
        RN_OPT_FLAG(0, "ids-only", &o.ids_only, "take the ids as they come, without a known set"),
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "where problem sets lie"),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (!store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    o.files = (const char *const *)(argv + first);
    o.n_files = (size_t)(argc - first);
    o.settings = settings.v;
    o.n_settings = (size_t)settings.n;
    rn_err err = {0};
    if (rn_import_options_check(&o, &err)) return rn_opt_refused(cmd, &err);
    o.watch = rn_opt_watch(cmd, argc, argv);
    rn_store *s = NULL;
    rn_import_summary out = {0};
    rc = rn_store_open(store, RN_STORE_CREATE, &s, &err);
    if (!rc) rc = rn_stage_import(s, &o, &out, &err);
    if (!rc || out.n_added || out.n_present) print_result(&o, store, &out);
    rn_store_close(s);
    return rn_opt_status(cmd, rc, out.incomplete, &err);
}
