/*
 * nll_server.h: the likelihood ranker (nll.h) through a server that scores texts that it is given.
 *
 * Prompt and text go there as one string, so that the server's tokenizer may join them otherwise
 * than the generator did; the tokens that hold a byte of the text count (remote/answer.c). An end
 * token is never scored: no server takes one after a text.
 */
#ifndef RN_RANK_NLL_SERVER_H
#define RN_RANK_NLL_SERVER_H

#include "rank/nll.h"
#include "remote/remote.h"

/* What the server let know beside the scores. */
typedef struct rn_nll_heard {
    int64_t prompt_tok; /* of the prompt alone; -1 unknown */
    char refusal[200];  /* the last reason why a text was refused; kept where none is */
} rn_nll_heard;

/* Scores texts after one prompt, many at a time, as rn_nll_score does. A text that the server
 * refuses, or whose tokens cannot be told from the prompt's, is RN_NLL_REFUSED. The error is for
 * what ends all work: wrong key, no server, 16 refusals in a row. */
int rn_nll_score_server(rn_remote *r, rn_remote_scoring how, rn_bytes prompt,
                        const rn_nll_batch *batch, rn_nll_heard *heard, rn_err *err);

#endif
