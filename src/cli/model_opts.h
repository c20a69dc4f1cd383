/* model_opts.h: options that the commands with a model share: which file, threads, slots, memory.
 */
#ifndef RN_CLI_MODEL_OPTS_H
#define RN_CLI_MODEL_OPTS_H

#include "cli/opt.h"
#include "run/local_model.h"

/* Rows for an option table; o is a rn_model_opts. */
#define RN_MODEL_OPTIONS(o) \
    RN_OPT_STR('m', "model", &(o)->path, "FILE.gguf", "the model"), RN_ENGINE_OPTIONS(o)
#define RN_ENGINE_OPTIONS(o)                                                                   \
    RN_OPT_INT(0, "threads", &(o)->threads, "N", "threads (default: one per core)"),           \
        RN_OPT_INT(0, "slots", &(o)->slots, "N",                                               \
                   "sequences in flight (default: as memory allows, at most 64)"),             \
        RN_OPT_STR(0, "memory", &(o)->memory, "SIZE",                                          \
                   "for weights, keys, values and buffers, e.g. 12G (default: what is free)"), \
        RN_OPT_STR(0, "kv", &(o)->kv, "TYPE",                                                  \
                   "storage of keys and values: f16 (default), q8, f32")

/* Checks the values without opening anything: -1 to go on, or the exit status after a message. */
int rn_model_opts_check(const rn_command *cmd, const rn_model_opts *o);

#endif
