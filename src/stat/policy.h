/*
 * policy.h: which model to buy the next sample from, for ONE problem, until a sample passes or the
 * budget is spent. The same code decides in `ration solve` and in `ration plan --replay`.
 *
 * Since a pass ends everything, all that is ever known when another sample is bought is that every
 * one so far failed. A policy is therefore a sequence of purchases, and a run follows it until the
 * first pass. With kinds of problems t of weight w_t (prior.h) and k_a samples bought of arm a,
 *
 *     chance of a pass = 1 - sum_t w_t prod_a (1 - rate_ta)^k_a,  whatever the order of buying
 *     cost             = sum_a (k_a > 0) shared_a + k_a per_sample_a <= budget
 *
 *  - adaptive: the counts k of the largest chance among all that fit into what is left of the
 *    budget (searched completely), or, within 0.2 points of it, those that cost least in
 *    expectation, bought in the order of the least expected cost (a shortest path): the best chance
 *    per unit of cost first. Planned again from the failures so far whenever real costs leave more,
 *    or less, than expected.
 *  - small-only, large-only: the arm with the cheapest, the most expensive sample, as long as it
 *    fits.
 *  - cascade: first the cheapest, then the most expensive for all that is left; at least one sample
 *    of each where both fit, split where the chance is largest under the prior.
 *
 * Buying and learning are apart, so that samples can be in flight: rn_policy_next may be called any
 * number of times before rn_policy_observe. What is in flight is taken to fail (if it passes,
 * nothing else matters), and its expected cost is set aside.
 *
 *     rn_policy_new(&spec, prior, &p, &err);
 *     while (rn_policy_next(p, &arm, &err) == 0 && arm >= 0) {
 *         bool passed = draw_and_judge(arm, &cost);
 *         rn_policy_observe(p, arm, passed, cost);
 *     }
 *     rn_policy_free(p);
 *
 * No clocks, no random numbers, no input or output; memory is taken by _new and by planning only.
 */
#ifndef RN_STAT_POLICY_H
#define RN_STAT_POLICY_H

#include "stat/prior.h"

#define RN_POLICIES(X)          \
    X(ADAPTIVE, "adaptive")     \
    X(SMALL_ONLY, "small-only") \
    X(LARGE_ONLY, "large-only") \
    X(CASCADE, "cascade")
#define RN_POLICY_ENUM(name, text) RN_POLICY_##name,
typedef enum rn_policy_kind { RN_POLICIES(RN_POLICY_ENUM) RN_N_POLICIES } rn_policy_kind;
#undef RN_POLICY_ENUM
const char *rn_policy_name(rn_policy_kind kind);              /* static */
bool rn_policy_parse(const char *name, rn_policy_kind *kind); /* false: there is no such policy */

typedef struct rn_policy_arm {
    double shared;     /* expected cost of the prompt, charged with the arm's first sample; >= 0 */
    double per_sample; /* expected cost of a sample that fails; > 0. In the unit of the budget */
    int64_t limit;     /* at most this many samples; 0: no limit */
} rn_policy_arm;

typedef struct rn_policy_spec {
    rn_policy_kind kind;
    const rn_policy_arm *arms; /* [prior->n_arm], copied */
    double budget;             /* > 0; INFINITY is refused: a search needs an end */
} rn_policy_spec;

typedef struct rn_policy rn_policy;

/* The prior is borrowed until rn_policy_free and may be shared. RN_EINVAL for costs or budgets out
 * of range; a budget that is too small for a single sample is no error here (next says stop). */
int rn_policy_new(const rn_policy_spec *spec, const rn_prior *prior, rn_policy **out, rn_err *err);
void rn_policy_free(rn_policy *p);
/* As new, with nothing bought; keeps the first plan. */
void rn_policy_reset(rn_policy *p);

/* The arm to buy the next sample from, which is then in flight; -1: stop, because a sample passed,
 * nothing fits into what is left, or every limit is reached. While samples are in flight -1 is "not
 * now": their real cost may leave room. Only RN_ENOMEM. */
int rn_policy_next(rn_policy *p, int *arm, rn_err *err);

/* A sample in flight was judged; what it really cost, the prompt included if it was the arm's
 * first. An arm without samples in flight is our own bug. */
void rn_policy_observe(rn_policy *p, int arm, bool passed, double cost);
/* A sample in flight came to nothing (a failed request, no verdict): it says nothing about the
 * problem; `cost` is what was paid all the same. */
void rn_policy_lose(rn_policy *p, int arm, double cost);
/* n samples of this arm are known to have failed at no cost now: a former run paid for them. */
void rn_policy_known(rn_policy *p, int arm, int64_t n_failed);
/* Cost that belongs to no sample (loading, judging, waiting); negative: given back. */
void rn_policy_spend(rn_policy *p, double cost);
/* A sample of this arm is expected to cost this from now on: costs are learnt on the way. */
void rn_policy_reprice(rn_policy *p, int arm, double shared, double per_sample);
/* Never buy from this arm again (its server is gone). */
void rn_policy_close_arm(rn_policy *p, int arm);
/* Whether what is left buys a sample of an arm, one that may be bought of. */
bool rn_policy_affords(const rn_policy *p, int arm);

double rn_policy_left(const rn_policy *p);             /* budget less what is spent and set aside */
int64_t rn_policy_bought(const rn_policy *p, int arm); /* observed, lost and in flight */
int64_t rn_policy_in_flight(const rn_policy *p, int arm);
/* What the policy promises from here, given the failures so far and all in flight failing: the
 * chance of a pass within what is left, and the expected cost until then. Either may be NULL. */
int rn_policy_promise(rn_policy *p, double *chance, double *cost, rn_err *err);

#endif
