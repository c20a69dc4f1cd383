/* model_opts.h: options that the commands with a model share: which file, threads, slots, memory.
 */
#ifndef RN_CLI_MODEL_OPTS_H
#define RN_CLI_MODEL_OPTS_H

#include "base/hash.h"
#include "cli/opt.h"
#include "model/engine.h"

typedef struct rn_model_opts {
    const char *path;
    int64_t threads, slots;
    const char *memory; /* "12G" */
    const char *kv;     /* "f16" */
} rn_model_opts;

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

/* "800M", "12G", "1.5GiB" in bytes. RN_EINVAL. */
int rn_parse_size(const char *text, size_t *out, rn_err *err);
int rn_parse_kv(const char *text, rn_kv_type *out, rn_err *err); /* NULL: f16 */
const char *rn_kv_name(rn_kv_type kv);

/* Checks the values without opening anything: -1 to go on, or the exit status after a message. */
int rn_model_opts_check(const rn_command *cmd, const rn_model_opts *o);

/* Loads the model; *budget is what is left of --memory for the engine, 0 without --memory. */
int rn_model_opts_load(const rn_model_opts *o, rn_model **out, size_t *budget, rn_err *err);

/* The engine's options from these; the two token counts are the caller's to fill in. */
int rn_model_opts_engine(const rn_model_opts *o, size_t budget, rn_engine_opts *out, rn_err *err);

/* The model's name in the store: the file's name without folders and ".gguf". Static buffer. */
const char *rn_model_opts_name(const char *path);

/* A description of this machine for records: processor, cores, memory, kernel set. */
void rn_hardware(rn_isa isa, int n_threads, rn_buf *out);

#endif
