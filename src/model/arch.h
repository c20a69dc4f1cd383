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
    bool gated;       /* f(gate x) * (up x); otherwise gelu(up x), the tanh form */
    bool gelu_gate;   /* f is the tanh form of gelu; otherwise silu */
    bool oai_gate;    /* min(g, 7) sigmoid(1.702 g) (clamp(u, -7, 7) + 1), as gpt-oss has it */
    bool fused_qkv;   /* query, key and value weights are one tensor, attn_qkv */
    bool fused_ffn;   /* gate and up weights are one tensor, ffn_up */
    bool post_norms;  /* norms of attention's and feed-forward's outputs, before they are added */
    bool sinks;       /* each head has a score that takes its share of the softmax and no value */
    bool embd_root;   /* embeddings are multiplied by sqrt(d_model) */
    bool scales;      /* the file states embedding, residual, attention and logit scales */
    bool experts;     /* the feed-forward is a mixture of experts */
    bool router;      /* the file states how experts are chosen and weighted, leading layers
                         without experts and experts that every token takes */
    bool latent;      /* keys and values come from one short vector a position (latent.c) */
    bool tempered;    /* the file may state that queries grow with their position, and YaRN's
                         second amplitude */
    bool long_rope;   /* the file may hold factors of frequencies for short and for long texts */
    rn_need qkv_bias, out_bias, ffn_bias;
    int32_t window;       /* sliding window where the file does not state one; 0: none */
    int32_t period;       /* every period-th layer has no window; 0: all have it */
    double local_base;    /* rope base of layers with a window; 0: the file's */
    const char *ffn_norm; /* name of the feed-forward's norm where it is another; NULL */
} rn_arch;

/* Sizes above which a file is taken for damaged; the largest known models stay far below. */
enum {
    RN_MAX_LAYERS = 1024,
    RN_MAX_WIDTH = 1 << 20, /* d_model, d_ff, heads * head_dim */
    RN_MAX_VOCAB = 1 << 22,
    RN_MAX_CONTEXT = 1 << 24,
    RN_MAX_HEAD_DIM = 256,
    RN_MAX_LATENT = 576, /* the largest of RN_ATTN_MAX_HD */
    RN_MAX_EXPERTS = 1024,
    RN_MAX_USED = 64, /* experts of a token */
};

typedef struct rn_hparams {
    const rn_arch *arch;
    int32_t n_layer, d_model, d_ff, n_head, n_vocab;
    int32_t n_kv_head, head_dim, value_dim; /* of the cache: heads, elements of a key and a value */
    /* Latent attention; kv_rank 0: none. A head's query has `nope` elements for the latent vector
     * and n_rot that are rotated, its value out_dim; a key is the latent vector [kv_rank] and
     * [n_rot]. Queries come from a vector of q_rank; 0: straight from the input. */
    int32_t kv_rank, q_rank, nope, out_dim;
    int32_t n_ctx;            /* positions the model was trained for */
    int32_t n_rot;            /* leading elements of a head that are rotated, even */
    int32_t window;           /* a position sees itself and window - 1 before it; 0: all */
    int32_t n_expert, n_used; /* experts, and how many of them a token takes; 0: dense */
    int32_t d_expert;         /* width of an expert */
    int32_t d_shared;         /* width of the experts that every token takes, together; 0: none */
    int32_t n_dense;          /* leading layers without experts, d_ff wide */
    int32_t n_group, n_group_used; /* experts are chosen within the best groups; 1, 1 */
    bool sigmoid;                  /* weights are sigmoids of the scores, not their softmax */
    bool norm_weights;             /* and are divided by their sum */
    float expert_scale;            /* and multiplied by it; 1 */
    float norm_eps;
    float embd_scale, residual_scale, attn_scale; /* 1, 1, 1 / sqrt(head_dim) usually */
    float logit_scale;                            /* of the logits; 1 */
    double rope_base;                             /* theta */
    double rope_scale;                     /* positions are divided by it (linear, YaRN); 1: none */
    bool yarn;                             /* YaRN: fast dimensions keep their positions */
    double yarn_fast, yarn_slow, yarn_ctx; /* turns within yarn_ctx positions: where that begins */
    double rope_amp;                       /* of cos and sin; 1 */
    int32_t long_ctx; /* longer texts turn by the long factors; 0: there are none */
    /* A query at position p is multiplied by 1 + temper ln(1 + floor(p / temper_len)). */
    double temper; /* 0: none */
    int32_t temper_len;
} rn_hparams;

/* Whether layer i has the sliding window. */
static inline bool rn_layer_local(const rn_hparams *h, int32_t i)
{
    return h->window && (!h->arch->period || i % h->arch->period != h->arch->period - 1);
}

/* Width of one head's output of attention. */
static inline int32_t rn_head_out(const rn_hparams *h)
{
    return h->kv_rank ? h->out_dim : h->value_dim;
}

/* Whether layer i is a mixture of experts. */
static inline bool rn_layer_experts(const rn_hparams *h, int32_t i)
{
    return h->n_expert && i >= h->n_dense;
}

/* How fast each pair of elements turns, in radians a position: out [n_rot / 2]. factors: those of
 * Llama 3 or LongRoPE, [n_rot / 2] or NULL. local: of a layer with a window that has a base of its
 * own. */
void rn_rope_freqs(const rn_hparams *h, const float *factors, bool local, double *out);

/* Reads and checks every hyperparameter. RN_EUNSUPPORTED names an unknown architecture or feature,
 * RN_EFORMAT the key that is missing or out of range. n_vocab is that of token_embd. */
int rn_hparams_read(const rn_gguf *file, rn_hparams *out, rn_err *err);
/* What FLOPs follow from; whether the output head is tied is not among the parameters. */
void rn_hparams_shape(const rn_hparams *h, rn_shape *out);

#endif
