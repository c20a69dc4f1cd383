/* local_model.h: a model file as commands name it: path, threads, slots, memory. */
#ifndef RN_RUN_LOCAL_MODEL_H
#define RN_RUN_LOCAL_MODEL_H

#include "base/hash.h"
#include "model/engine.h"

typedef struct rn_model_opts {
    const char *path;
    int64_t threads, slots;
    const char *memory; /* "12G" */
    const char *kv;     /* "f16" */
} rn_model_opts;

/* "800M", "12G", "1.5GiB" in bytes. RN_EINVAL. */
int rn_parse_size(const char *text, size_t *out, rn_err *err);
int rn_parse_kv(const char *text, rn_kv_type *out, rn_err *err); /* NULL: f16 */
const char *rn_kv_name(rn_kv_type kv);

/* Loads the model; *budget is what is left of --memory for the engine, 0 without --memory. */
int rn_model_opts_load(const rn_model_opts *o, rn_model **out, size_t *budget, rn_err *err);

/* The engine's options from these; the two token counts are the caller's to fill in. */
int rn_model_opts_engine(const rn_model_opts *o, size_t budget, rn_engine_opts *out, rn_err *err);

/* The model's name in the store: the file's name without folders and ".gguf". Static buffer. */
const char *rn_model_opts_name(const char *path);

/* A description of this machine for records: processor, cores, memory, kernel set. */
void rn_hardware(rn_isa isa, int n_threads, rn_buf *out);

#endif
