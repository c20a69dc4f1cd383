/* cmd_bench.c: `ration bench engine`: options and text of rn_bench_engine (ration.h). */
#include "cli/commands.h"
#include "cli/model_opts.h"

int rn_cmd_bench(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("bench");
    rn_model_args m = RN_MODEL_ARGS_NONE;
    rn_bench_options o;
    rn_bench_options_init(&o);
    const rn_opt table[] = {
        RN_OPT_STR('m', "model", &m.m.source, "FILE.gguf", "a model file"),
        RN_OPT_STR(0, "shape", &o.shape, "LIST",
                   "random weights: layers,width,ffn,heads,kv-heads,vocab[,experts,used]"),
        RN_OPT_STR(0, "type", &o.type, "TYPE", "their type (default q8_0)"),
        RN_OPT_STR(0, "save", &o.save, "FILE", "also write the random model, for other programs"),
        RN_OPT_INT(0, "prompt-tokens", &o.prompt_tok, "N", "of the prompt (default 128)"),
        RN_OPT_ALIAS("prompt", &o.prompt_tok),
        RN_OPT_INT(0, "max-tokens", &o.gen_tok, "N", "new tokens per sample (default 64)"),
        RN_OPT_ALIAS("gen", &o.gen_tok),
        RN_OPT_STR(0, "samples", &o.samples, "LIST", "samples in flight (default 1,16,64)"),
        RN_OPT_INT(0, "texts", &o.texts, "N", "texts to score beside each other (default 0: none)"),
        RN_OPT_INT(0, "text-tokens", &o.text_tok, "N", "tokens of each (default 128)"),
        RN_OPT_INT(0, "repeat", &o.repeat, "N", "runs of each measurement, the best counts"),
        RN_OPT_STR('f', "format", &o.format, "FORM", "table (default) or json"),
        RN_FILE_OPTIONS(&m),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd,
                                 "Measures the sampling engine on a model file (-m) or on random "
                                 "weights of a given shape.",
                                 table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (argc - first != 1 || strcmp(argv[first], "engine") != 0)
        return rn_opt_usage(cmd, "say what to measure: 'ration bench engine'");
    if ((rc = rn_model_args_read(cmd, &m)) >= 0) return rc;
    o.model = m.m;
    rn_err err = {0};
    if (rn_bench_options_check(&o, &err)) return rn_opt_refused(cmd, &err);
    o.watch = rn_opt_watch(cmd, argc, argv);
    char *text = NULL;
    if (rn_bench_engine(&o, &text, &err)) return rn_opt_failure(cmd, &err);
    fputs(text, stdout);
    free(text);
    return RN_EXIT_DONE;
}
