/* cmd_merge.c: `ration merge`: options and results of rn_stage_merge (ration.h). */
#include "cli/commands.h"

static const char intro[] = "Adds the content of experiment files to FILE (-s), which is made if "
                            "it is not there: runs that\n"
                            "were sampled, judged or scored on several machines become one. What "
                            "several hold is kept once.\n"
                            "Where they differ, FILE keeps what it has and the difference is "
                            "reported. Inputs stay as they\n"
                            "are; an interrupted merge is run again. Without inputs, FILE is "
                            "brought up to date and checked.";

int rn_cmd_merge(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("merge");
    const char *store = NULL;
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file to add to"), RN_OPT_END};
    int first, rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (!store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    const rn_merge_options o = {.watch = rn_opt_watch(cmd, argc, argv),
                                .files = (const char *const *)(argv + first),
                                .n_files = (size_t)(argc - first)};
    rn_err err = {0};
    rn_store *s = NULL;
    rn_merge_summary out = {0};
    rc = rn_store_open(store, o.n_files ? RN_STORE_CREATE : RN_STORE_WRITE, &s, &err);
    if (rc) return rn_opt_failure(cmd, &err);
    rc = rn_stage_merge(s, &o, &out, &err);
    rn_store_close(s);
    if (o.n_files)
        printf("%s: %lld %s added, %lld %s there already, %lld %s, %lld %s; %lld %s\n", store,
               (long long)out.n_samples, rn_plural(out.n_samples, "sample", "samples"),
               (long long)out.n_present, rn_plural(out.n_present, "was", "were"),
               (long long)out.n_verdicts, rn_plural(out.n_verdicts, "verdict", "verdicts"),
               (long long)out.n_scores, rn_plural(out.n_scores, "score", "scores"),
               (long long)out.n_conflicts, rn_plural(out.n_conflicts, "conflict", "conflicts"));
    else if (!rc)
        printf("%s: up to date, no damage found\n", store);
    return rn_opt_status(cmd, rc, out.incomplete, &err);
}
