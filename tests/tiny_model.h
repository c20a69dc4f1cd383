/* tiny_model.h: the shape of a model with random weights that a test makes in a moment. */
#ifndef RN_TINY_MODEL_H
#define RN_TINY_MODEL_H

#include "model/random.h"

static inline rn_random_spec tiny_spec(rn_qtype type, uint64_t seed)
{
    return (rn_random_spec){.n_layer = 2,
                            .d_model = 64,
                            .d_ff = 96,
                            .n_head = 4,
                            .n_kv_head = 2,
                            .n_vocab = 320,
                            .n_ctx = 256,
                            .type = type,
                            .seed = seed};
}

#endif
