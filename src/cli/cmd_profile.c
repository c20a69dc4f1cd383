/* cmd_profile.c: `ration profile`: options and results of rn_stage_profile (ration.h). */
#include "cli/commands.h"
#include "cli/model_opts.h"

static void print_table(const rn_profile_options *o, const rn_profile_summary *p)
{
    const rn_profile_row *best = &p->rows[p->best];
    printf("%s\n", p->hardware);
    if (p->probe) printf("%s", p->probe);
    printf("prompt of %lld tokens: %.3g s; samples of %lld tokens", (long long)o->prompt_tok,
           p->prompt_s, (long long)o->gen_tok);
    if (!isnan(p->flop)) printf(": %.4g GFLOP each", p->flop * 1e-9);
    putchar('\n');
    printf("%10s %12s %12s %16s\n", "in flight", "step, ms", "tok/s", "s per 1,000");
    for (int i = 0; i < p->n_rows; i++) {
        const rn_profile_row *x = &p->rows[i];
        printf("%10d %12.2f %12.1f %16.1f%s\n", x->in_flight, x->step_s * 1e3,
               x->in_flight / x->step_s, x->s_per_1000, i == p->best ? "  best" : "");
    }
    printf("%.4g s per sample, %.4g s per 1,000 samples with %d in flight\n",
           best->s_per_1000 / 1000, best->s_per_1000, best->in_flight);
    if (p->spent) printf("%s\n", p->spent);
}

int rn_cmd_profile(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("profile");
    rn_model_args m = RN_MODEL_ARGS_NONE;
    rn_profile_options o;
    rn_profile_options_init(&o);
    const char *store = NULL, *format_name = NULL;
    const rn_opt table[] = {
        RN_MODEL_OPTION(&m),
        RN_OPT_STR('s', "store", &store, "FILE", "also keep the profile in this store"),
        RN_OPT_INT(0, "prompt-tokens", &o.prompt_tok, "N", "of a prompt (default 256)"),
        RN_OPT_ALIAS("prompt", &o.prompt_tok),
        RN_OPT_INT(0, "max-tokens", &o.gen_tok, "N", "new tokens per sample (default 512)"),
        RN_OPT_ALIAS("tokens", &o.gen_tok),
        RN_OPT_STR(0, "name", &m.m.name, "NAME",
                   "the model's name in the store; default: the file's"),
        RN_OPT_STR(0, "cost", &m.m.cost, "NAME", "entry of the cost tables that prices the model"),
        RN_OPT_STR('f', "format", &format_name, "FORM", "table (default) or json"),
        RN_FILE_OPTIONS(&m),
        RN_SERVER_OPTIONS(&m),
        RN_OPT_END};
    int first, format,
        rc = rn_opt_parse(cmd,
                          "Measures what a sample costs, on this machine or at a server, and how "
                          "many samples in flight are fastest. Of a server it also reports what it "
                          "honours and how often it repeats itself.",
                          table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if ((rc = rn_opt_format(cmd, format_name, &format)) >= 0) return rc;
    if (format == 1) return rn_opt_usage(cmd, "--format is table or json, not 'csv'");
    if (o.prompt_tok < 1 || o.gen_tok < 1)
        return rn_opt_usage(cmd, "--prompt-tokens and --max-tokens are positive numbers");
    if ((rc = rn_model_args_read(cmd, &m)) >= 0) return rc;
    rn_err err = {0};
    if (rn_model_source_check(&m.m, &err)) return rn_opt_refused(cmd, &err);
    o.model = m.m;
    o.watch = rn_opt_watch(cmd, argc, argv);
    rn_store *s = NULL;
    rn_profile_summary out = {0};
    rc = store ? rn_store_open(store, RN_STORE_CREATE, &s, &err) : 0;
    if (!rc) rc = rn_stage_profile(s, &o, &out, &err);
    if (!rc && format == 2) {
        rn_term_data();
        printf("%s\n", out.json);
    } else if (!rc) {
        print_table(&o, &out);
    }
    rc = rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
    rn_profile_summary_free(&out);
    rn_store_close(s);
    return rc;
}
