/*
 * arch.h: what an architecture is: a row of a table, and the numbers of one model of it.
 *
 * Every decoder here is the same loop (pre-norm attention with rotary positions and grouped
 * queries, pre-norm feed-forward, final norm, output head). The table says what differs. The
 * forward pass reads these fields and never a name.
 */
#ifndef RN_MODEL_ARCH_H
#define RN_MODEL_ARCH_H

#include "gguf/gguf.h"

typedef enum rn_need { RN_NEED_NO, RN_NEED_MAY, RN_NEED_MUST } rn_need;

typedef struct rn_arch {
    const char *name; /* general.architecture */
    bool layer_norm;  /* (x - mean) / sd * w + b; otherwise x / rms * w */
    bool qk_norm;     /* RMS norm of each head's query and key before rotation */
    bool rope_halves; /* rotates (i, i + n_rot/2); otherwise (2i, 2i + 1) */
    bool gated;       /* silu(gate x) * (up x); otherwise gelu(up x), the tanh form */
    rn_need qkv_bias, out_bias, ffn_bias;
    int32_t window; /* sliding window where the file does not state one; 0: none */
} rn_arch;

/* Sizes above which a file is taken for damaged; the largest known models stay far below. */
enum {
    RN_MAX_LAYERS = 1024,
    RN_MAX_WIDTH = 1 << 20, /* d_model, d_ff, heads * head_dim */
    RN_MAX_VOCAB = 1 << 22,
    RN_MAX_CONTEXT = 1 << 24,
    RN_MAX_HEAD_DIM = 256,
};

typedef struct rn_hparams {
    const rn_arch *arch;
    int32_t n_layer, d_model, d_ff, n_head, n_kv_head, head_dim, n_vocab;
    int32_t n_ctx;  /* positions the model was trained for */
    int32_t n_rot;  /* leading elements of a head that are rotated, even */
    int32_t window; /* a position sees itself and window - 1 before it; 0: all */
    float norm_eps;
    double rope_base;  /* theta */
    double rope_scale; /* positions are divided by it (linear scaling); 1: none */
} rn_hparams;

/* The architecture of that name, or NULL. Static. */
const rn_arch *rn_arch_find(const char *name);

/* Reads and checks every hyperparameter. RN_EUNSUPPORTED names an unknown architecture or feature,
 * RN_EFORMAT the key that is missing or out of range. n_vocab is that of token_embd. */
int rn_hparams_read(const rn_gguf *file, rn_hparams *out, rn_err *err);
/* What FLOPs follow from; whether the output head is tied is not among the parameters. */
void rn_hparams_shape(const rn_hparams *h, rn_shape *out);

#endif
