/*
 * solve_price.h: what samples of an arm cost, in the budget's unit: expected before they are
 * bought, and exact afterwards.
 *
 * FLOPs follow from the shape (a file's own, or that of the arm's entry in the cost tables) and the
 * tokens; a prompt is processed once by a local model, and for each request by a server, less what
 * it had cached. Dollars follow from the entry's prices of tokens, or its price of an hour. Seconds
 * are the engine's own time, or the time of a request divided by the requests in flight.
 */
#ifndef RN_RUN_SOLVE_PRICE_H
#define RN_RUN_SOLVE_PRICE_H

#include "cost/amount.h"
#include "cost/cost.h"
#include "run/sampler.h"

typedef struct rn_price {
    const rn_sampler *sampler;
    const rn_cost *cost; /* entry; NULL none */
    bool has_shape;
    rn_shape shape;
    /* What samples were so far, with a guess as the first one. */
    double n, gen_tok, seconds, prompt_tok; /* sums over n */
} rn_price;

/* What one sample, or a part of one, was. */
typedef struct rn_usage {
    bool first; /* of a local model: the prompt was processed for it */
    int64_t prompt_tok, cached_tok, gen_tok;
    double seconds;
} rn_usage;

/* RN_EINVAL when the unit's cost cannot be known, with what to give. `place` of the arm among all,
 * for the guess of its time where there is nothing to go by. */
int rn_price_init(rn_price *p, const rn_sampler *sampler, const rn_cost_book *book, rn_unit unit,
                  int place, rn_err *err);
/* NAN unknown. */
double rn_price_of(const rn_price *p, rn_unit unit, const rn_usage *u);
/* FLOPs of reading a text of n tokens after the prompt (ranking). */
double rn_price_score(const rn_price *p, rn_unit unit, int64_t n_tok);
/* The prompt alone (0 for a server), and a sample without it. */
void rn_price_expect(const rn_price *p, rn_unit unit, double *shared, double *per_sample);
void rn_price_learn(rn_price *p, const rn_usage *u);
/* An arm of which no sample has come is guessed anew from another's first one: as long an answer
 * and, if both are files or both servers, as far from the first guess of its time. `guess`: of the
 * other's time, before that sample. */
void rn_price_follow(rn_price *p, const rn_price *other, double guess);

#endif
