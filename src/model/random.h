/*
 * random.h: models of any shape with random weights, made in memory, so that any size and weight
 * type can be timed without a download. The image is a whole GGUF file (architecture llama, or
 * qwen3moe where there are experts; a vocabulary of single bytes and made-up words), which other
 * programs can load too.
 */
#ifndef RN_MODEL_RANDOM_H
#define RN_MODEL_RANDOM_H

#include "model/model.h"

typedef struct rn_random_spec {
    int32_t n_layer, d_model, d_ff, n_head, n_kv_head, n_vocab, n_ctx;
    int32_t n_expert, n_used; /* experts of d_ff each, and those of a row; 0: none */
    rn_qtype type;            /* of every matrix but routers */
    uint64_t seed;
} rn_random_spec;

/* RN_EINVAL if the numbers do not fit each other or the type's blocks, RN_ELIMIT if the file would
 * not fit in memory. *data is freed by rn_memory_give(*data, *bytes). */
int rn_random_gguf(const rn_random_spec *spec, void **data, size_t *bytes, rn_err *err);

/* A model of that image; memory of the image is given back while its matrices are packed. */
int rn_random_model(const rn_random_spec *spec, int n_threads, rn_model **out, rn_err *err);

#endif
