/*
 * model.h: a model that is loaded, checked and ready to run. Immutable after rn_model_load, so that
 * engines in several threads may share it.
 *
 * Every name of a tensor is looked up once, here, against the shape that the hyperparameters
 * demand; a tensor that is missing, misshapen or unknown is refused, and so are weights that are
 * not finite.
 */
#ifndef RN_MODEL_MODEL_H
#define RN_MODEL_MODEL_H

#include "base/arena.h"
#include "model/arch.h"
#include "model/mat.h"
#include "model/tok.h"

/* Weights of one expert of a mixture, as those of a layer's feed-forward. */
typedef struct rn_expert {
    rn_mat *gate, *up, *down;   /* [d_expert, d_model] twice, [d_model, d_expert] */
    float *bgate, *bup, *bdown; /* [d_expert] twice, [d_model]; NULL where there are none */
} rn_expert;

/* Weights of one layer; NULL or empty where the architecture has none. Matrices are [rows out, in].
 */
typedef struct rn_layer {
    float *attn_norm, *attn_norm_b; /* [d_model] */
    float *ffn_norm, *ffn_norm_b;   /* [d_model] */
    float *q_norm, *k_norm;         /* [head_dim] */
    float *bq, *bk, *bv;            /* [n_head * head_dim], [n_kv_head * head_dim] twice */
    float *bo;                      /* [d_model] */
    float *bgate, *bup, *bdown;     /* [d_ff] twice, [d_model] */
    rn_mat *wq, *wk, *wv; /* [n_head * head_dim, d_model], [n_kv_head * head_dim, d_model] */
    rn_mat *wo;           /* [d_model, n_head * head_dim] */
    rn_mat *wgate, *wup;  /* [d_ff, d_model]; beside experts [d_shared, d_model] or NULL */
    rn_mat *wdown;        /* [d_model, d_ff]; beside experts [d_model, d_shared] or NULL */
    float *post_attn_norm, *post_ffn_norm; /* [d_model] */
    float *sinks;                          /* [n_head] */
    rn_mat *wroute;                        /* [n_expert, d_model]: scores of the experts */
    float *broute;                         /* [n_expert] */
    float *route_favour;                   /* [n_expert]: added to weights for the choice only */
    rn_expert *experts;                    /* [n_expert], owned; NULL: wgate, wup and wdown alone */
    /* Of latent attention; wq is [n_head * (nope + n_rot), q_rank or d_model] then. */
    rn_mat *wq_a, *wkv_a;              /* [q_rank, d_model] or NULL, [kv_rank + n_rot, d_model] */
    float *q_a_norm, *kv_a_norm;       /* [q_rank], [kv_rank] */
    rn_mat **to_latent, **from_latent; /* [n_head] of [kv_rank, nope], [out_dim, kv_rank]; owned */
} rn_layer;

struct rn_model {
    const char *path; /* borrowed from file */
    rn_gguf *file;    /* mapped; embeddings are read from it */
    rn_tok *tok;
    rn_hparams hp;
    rn_isa isa;
    const rn_kern *kern;
    rn_layer *layers;             /* [n_layer] */
    const rn_tensor *embd;        /* [n_vocab, d_model] */
    float *out_norm, *out_norm_b; /* [d_model] */
    float *rope_factors;          /* [n_rot / 2]: each frequency is divided by its factor; NULL */
    float *rope_long;             /* the same for long texts, where they have others; NULL */
    rn_mat *output;               /* [n_vocab, d_model] */
    int32_t *dead;       /* [n_dead] ids that stand for no token: rows beyond the vocabulary, and */
    int32_t n_dead;      /* what the file calls unused; never sampled, without probability */
    bool tied;           /* the output head is the embedding table */
    rn_arena arena;      /* the small vectors */
    size_t weight_bytes; /* of all weights as they are kept in memory */
    int64_t load_ns;
    void *image; /* the file, where it was made in memory; NULL */
    size_t image_bytes;
};

typedef struct rn_load_opts {
    int n_threads;       /* for checking and packing; 0: one per core */
    size_t memory_bytes; /* for the weights; 0: what the system has left */
    /* Called for each tensor whose file data will not be read again; NULL: rn_gguf_forget. */
    void (*packed)(void *user, const rn_tensor *t);
    void *user;
} rn_load_opts;

/* Opens and checks a file and packs its matrices for the kernels that rn_isa_choose picks.
 * RN_ELIMIT with numbers, before anything large is taken, when the weights cannot fit.
 * opts: NULL is all defaults. */
int rn_model_load(const char *path, const rn_load_opts *opts, rn_model **out, rn_err *err);
/* The same of an open file, which becomes the model's, also on failure. */
int rn_model_load_gguf(rn_gguf *file, const rn_load_opts *opts, rn_model **out, rn_err *err);

/* The model's shape in the words of ration.h, for counting FLOPs. */
void rn_model_shape(const rn_model *m, rn_shape *out);

#endif
