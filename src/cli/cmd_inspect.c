/* cmd_inspect.c: `ration inspect`: options and text of rn_inspect (ration.h). */
#include "cli/commands.h"

static const char intro[] = "Shows a GGUF model file: architecture, shape, weight types, context, "
                            "tokenizer, chat format and\n"
                            "FLOPs per token. With --tokenize: one line of token ids for each FILE "
                            "(no BOS, special tokens\n"
                            "not parsed). With --logits: reads int32 token ids from the file IDS "
                            "and writes the float32 logits\n"
                            "of every position to the file OUT, keys and values in float32.";

int rn_cmd_inspect(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("inspect");
    rn_inspect_options o = {0};
    int tokenize = 0, logits = 0;
    const rn_opt opts[] = {
        RN_OPT_STR('f', "format", &o.format, "FORMAT", "table (default), csv or json"),
        RN_OPT_FLAG(0, "meta", &o.meta, "also every metadata key"),
        RN_OPT_FLAG(0, "tensors", &o.tensors, "also every tensor"),
        RN_OPT_FLAG(0, "tokenize", &tokenize, "print the token ids of each FILE"),
        RN_OPT_FLAG(0, "logits", &logits, "write the logits of the ids in IDS to OUT"),
        RN_OPT_END};
    int first = 0, status = rn_opt_parse(cmd, intro, opts, argc, argv, &first), format;
    if (status >= 0) return status;
    int n = argc - first;
    if (n < 1) return rn_opt_usage(cmd, "the model file is missing");
    if ((status = rn_opt_format(cmd, o.format, &format)) >= 0) return status;
    if (tokenize && n < 2) return rn_opt_usage(cmd, "--tokenize needs files after the model");
    if (tokenize && logits) return rn_opt_usage(cmd, "--tokenize and --logits exclude each other");
    if (logits && n != 3) return rn_opt_usage(cmd, "--logits needs IDS and OUT after the model");
    if (!tokenize && !logits && n > 1)
        return rn_opt_usage(cmd, "unexpected operand '%s'", argv[first + 1]);
    rn_err err = {0};
    char *text = NULL;
    char **more = argv + first;
    o.path = more[0];
    int rc = logits     ? rn_inspect_logits(more[0], more[1], more[2], &err)
             : tokenize ? rn_inspect_tokens(more[0], (const char *const *)(more + 1), (size_t)n - 1,
                                            &text, &err)
                        : rn_inspect(&o, &text, &err);
    if (format && !tokenize) rn_term_data();
    if (text) fputs(text, stdout);
    free(text);
    return rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
}
