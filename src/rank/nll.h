/*
 * nll.h: the likelihood ranker. score(G | P) = -(1/l) sum_i log p(w_i | w_<i, P), the mean negative
 * log likelihood of the generation's own tokens (Hassid et al. 2024, eq. 7); lowest is best. Any
 * model may score any model's samples.
 *
 * Prompt and text are encoded apart, as the generator saw them: the text's first token never merges
 * with the prompt's last. A sample that is known to have ended by an end token is scored with the
 * model's own end token, which was generated too; otherwise the text alone counts.
 */
#ifndef RN_RANK_NLL_H
#define RN_RANK_NLL_H

#include "model/engine.h"

typedef enum rn_nll_state {
    RN_NLL_SCORED,
    RN_NLL_EMPTY,    /* no token to take a mean over */
    RN_NLL_TOO_LONG, /* prompt and text exceed the model's context */
    RN_NLL_REFUSED,  /* a server gives no score for it */
} rn_nll_state;

typedef struct rn_nll_text {
    rn_bytes text;      /* borrowed */
    bool ended;         /* by an end token, as far as is known */
    rn_nll_state state; /* out */
    double mean, sum;   /* out, when scored: mean NLL, and the sum of log p */
    int64_t n_tok;      /* out, when scored */
    int64_t wall_ns;    /* out, when scored */
} rn_nll_text;

/* The texts after one prompt, and who hears of them; either call may be NULL. */
typedef struct rn_nll_batch {
    rn_nll_text *texts; /* [n] */
    int64_t n;
    int (*done)(void *user, int64_t i, rn_err *err); /* texts[i] is scored; 0 to go on */
    int (*tick)(void *user, rn_err *err);            /* after every pass; 0 to go on */
    void *user;
} rn_nll_batch;

/* Scores them. bare: the prompt is a BOS token and no text. opts gives
 * threads, slots, memory and storage; its token counts are set here. */
int rn_nll_score(const rn_model *m, const rn_engine_opts *opts, const rn_ids *prompt, bool bare,
                 const rn_nll_batch *texts, rn_err *err);

#endif
