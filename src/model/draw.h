/*
 * draw.h: from the logits of one position to the next token and its log probability.
 *
 * Order of the steps: temperature, top-k, top-p, min-p, draw. top-p takes its share of what top-k
 * left; min-p is relative to the likeliest token, so its place does not matter. One number of the
 * sample's stream is drawn per token, none when greedy.
 *
 * The log probability is that of the raw distribution, before temperature and truncation:
 * log p(t) = l_t - max - log(sum_i exp(l_i - max)). Sums run over ids in a fixed order.
 */
#ifndef RN_MODEL_DRAW_H
#define RN_MODEL_DRAW_H

#include "base/err.h"
#include "base/rng.h"
#include "model/kern.h"

#include <stddef.h>

/* RN_EINVAL with the setting's name and range if one is out of range (or NaN). */
int rn_sampling_check(const rn_sampling *s, rn_err *err);

/* Room for one call at a time: bytes for a vocabulary of n_vocab tokens, a multiple of 64. */
size_t rn_sampler_scratch_bytes(int32_t n_vocab);

/* logits: [n_vocab]. scratch: rn_sampler_scratch_bytes(n_vocab), aligned to 64 bytes. Sets *token
 * and *logprob. RN_EFORMAT when a logit is NaN or none is finite: the weights are damaged. */
int rn_sampler_pick(const rn_kern *kern, const rn_sampling *s, const float *logits, int32_t n_vocab,
                    void *scratch, rn_rng *rng, int32_t *token, double *logprob);

/* log p(token) as above; NAN when a logit is NaN or none is finite. */
double rn_logprob(const rn_kern *kern, const float *logits, int32_t n_vocab, int32_t token);

#endif
