/* cmd_generate.c: `ration generate`: options and results of rn_stage_generate (ration.h). */
#include "cli/commands.h"
#include "cli/model_opts.h"

#include <stdio.h>

enum { NOT_GIVEN = -1000000 };

static void print_result(const rn_generate_summary *s)
{
    printf("run %lld: %lld of %lld samples (%lld made now, %lld tokens, %.1f s, %.1f tok/s)\n",
           (long long)s->run_id, (long long)(s->n_had + s->n_made), (long long)s->n_total,
           (long long)s->n_made, (long long)s->n_tok, s->seconds,
           s->seconds > 0 ? (double)s->n_tok / s->seconds : 0);
}

int rn_cmd_generate(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("generate");
    rn_model_args m = RN_MODEL_ARGS_NONE;
    rn_generate_options o;
    rn_generate_options_init(&o);
    const char *store = NULL;
    bool greedy = false;
    int64_t n = NOT_GIVEN, max_tok = NOT_GIVEN;
    const rn_opt table[] = {
        RN_MODEL_OPTION(&m),
        RN_OPT_STR('t', "set", &o.set, "SET", "problem set: a known name or a file"),
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file; made if there is none"),
        RN_OPT_STR(0, "name", &m.m.name, "NAME",
                   "the model's name in the store; default: the file's"),
        RN_OPT_STR(0, "cost", &m.m.cost, "NAME", "entry of the cost tables that prices the model"),
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "where problem sets lie"),
        RN_OPT_GROUP("sampling"),
        RN_OPT_INT('n', "samples", &n, "N", "samples per problem (default 1, or the --preset's)"),
        RN_OPT_STR(0, "preset", &o.preset, "NAME",
                   "prompt preset (default: the set's), or the study's settings: paper-humaneval, "
                   "..."),
        RN_OPT_STR(0, "chat", &m.m.chat, "FORM",
                   "wrapping for instruct models: auto, none, chatml, ..."),
        RN_OPT_STR(0, "chat-args", &m.m.chat_args, "JSON",
                   "variables for the file's chat template, e.g. {\"enable_thinking\": false}"),
        RN_OPT_FLAG(0, "greedy", &greedy, "the likeliest token each time; one sample per problem"),
        RN_OPT_REAL(0, "temperature", &o.temperature, "T", "default: the preset's"),
        RN_OPT_REAL(0, "top-p", &o.top_p, "P", "in (0, 1]; default: the preset's"),
        RN_OPT_INT(0, "top-k", &o.top_k, "K", "default 0: all tokens"),
        RN_OPT_REAL(0, "min-p", &o.min_p, "P", "default 0: all tokens"),
        RN_OPT_INT(0, "seed", &o.seed, "N", "default 0"),
        RN_OPT_INT(0, "max-tokens", &max_tok, "N", "new tokens per sample; default: the preset's"),
        RN_SELECT_OPTIONS(&o.select),
        RN_SHARE_OPTIONS(&o.share),
        RN_FILE_OPTIONS(&m),
        RN_SERVER_OPTIONS(&m),
        RN_OPT_END};
    int first,
        rc = rn_opt_parse(cmd,
                          "Samples programs from a model into the store. Samples that it holds "
                          "already are kept; after an interruption run the same command again.",
                          table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if (!store) return rn_opt_usage(cmd, "give a store with -s FILE; it is made if there is none");
    if ((rc = rn_model_args_read(cmd, &m)) >= 0) return rc;
    o.model = m.m;
    o.greedy = greedy;
    if (n == 0) return rn_opt_usage(cmd, "-n is 0; give 1 to 100000 samples");
    o.n = n == NOT_GIVEN ? 0 : n;
    o.max_tok = max_tok == NOT_GIVEN ? 0 : max_tok == 0 ? -1 : max_tok;
    rn_err err = {0};
    rn_generate_options checked = o; /* a preset of the study brings its set */
    if (!checked.set && o.preset) checked.set = o.preset;
    if (rn_generate_options_check(&checked, &err)) return rn_opt_usage(cmd, "%s", err.msg);

    o.watch = rn_opt_watch(cmd, argc, argv);
    rn_store *s = NULL;
    rn_generate_summary out = {0};
    rc = rn_store_open(store, RN_STORE_CREATE, &s, &err);
    if (!rc) rc = rn_stage_generate(s, &o, &out, &err);
    if (!rc || rc == RN_ECANCELLED) print_result(&out);
    if (out.spent) printf("%s\n", out.spent);
    rc = rn_opt_status(cmd, rc, out.incomplete, &err);
    rn_generate_summary_free(&out);
    rn_store_close(s);
    return rc;
}
