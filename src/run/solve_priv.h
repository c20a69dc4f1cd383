/*
 * solve_priv.h: the state of one call of rn_solve, shared by the files that make it up; private to
 * these files.
 *
 *   solve.c   the loop: buys, takes samples, judges, ends
 *   keep.c    the store: what a former run paid for, samples and verdicts as they come
 *   learn.c   the prior of the policy from a store of recorded outcomes
 *   choose.c  the ranker's choice where no test decides; solve_agree.c: examples and agreement
 *   solve_alike.c  when all fails as an empty place does
 *   solve_stop.c  without tests: stopping at the examples, the fallback
 *   ledger.c  sums, the reason in a line, JSON
 */
#ifndef RN_RUN_SOLVE_PRIV_H
#define RN_RUN_SOLVE_PRIV_H

#include "run/identity.h"
#include "run/program.h"
#include "run/sampler.h"
#include "run/solve_price.h"
#include "run/target.h"
#include "run/trial.h"
#include "stat/policy.h"

typedef enum rn_try_state { RN_TRY_NEW, RN_TRY_JUDGING, RN_TRY_DONE } rn_try_state;

/* One sample and what became of it. */
typedef struct rn_try {
    int arm;
    int64_t idx, sample_id; /* sample_id: in the store; 0 none */
    bool stored;            /* a former run paid for it */
    bool kept;              /* and its verdict is in the store */
    bool flying;            /* the policy waits for its outcome */
    bool copied;            /* its verdict is that of an equal program */
    rn_try_state state;
    rn_buf text, program;
    bool found;         /* it holds code */
    const char *finish; /* static */
    int64_t prompt_tok, gen_tok;
    double logprob, cost; /* cost in the budget's unit, NAN unknown */
    int64_t at_ns, judged_ns;
    uint8_t sha[RN_SHA256_BYTES]; /* of the program */
    rn_judge_result result;       /* when DONE and judged */
    bool judged;
    bool tried; /* without tests: it was run on the inputs of the problem's examples: */
    rn_trial_program trial;
    double score;     /* mean negative log likelihood, lowest is best; NAN none */
    double agreement; /* samples that give the same values, highest is best; 0 unknown */
} rn_try;

enum { RN_SOLVE_MAX_SAMPLES = 4096 }; /* of one model for one problem */

/* A model and what became of it. */
typedef struct rn_slot_arm {
    rn_sampler *sampler;
    rn_buf prompt; /* the exact bytes: completion prompt or message */
    rn_price price;
    rn_solve_row row;
    int64_t generating; /* bought, not yet here */
    bool dead, paid_prompt;
    int64_t run_id, protocol_id; /* in the store */
} rn_slot_arm;

typedef struct rn_solve_state {
    const rn_solve_options *o;
    rn_solve_result *out;
    rn_target target;
    rn_arena trial_arena; /* of the trial and of what programs gave */
    rn_trial trial;       /* made by rn_stop_open */
    bool stops;           /* no tests, and examples that can stop */
    int fallback;         /* the arm whose greedy answer stands in; -1 none */
    bool asked;
    rn_budget budget;
    rn_policy_kind policy_kind;
    rn_prior *prior;
    rn_policy *policy;
    rn_cost_book *book;
    rn_slot_arm arms[RN_PRIOR_MAX_ARM];
    int n_arms, width;
    rn_inbox inbox;
    rn_turn turn;
    rn_judge *judge;  /* once it is needed */
    pthread_t opener; /* starts the judge while the models are opened */
    bool opening;     /* opener runs, or has ended and was not joined */
    rn_judge *opened; /* opener's */
    rn_err open_err;  /* why it has none */
    rn_watch watch;   /* of should_stop */
    RN_VEC(rn_try *) tries;
    rn_pump pump;   /* into the judge */
    rn_arena job;   /* of the job given out last */
    rn_buf nothing; /* the program that does nothing */
    bool nothing_given;
    size_t n_judging; /* candidates in the judge */
    rn_try *winner;
    bool cancelled;                     /* by a callback */
    bool closing;                       /* nothing more is bought */
    bool nothing_known, nothing_passes; /* the run of the tests on nothing */
    rn_judge_result nothing_result;     /* once it is known */
    bool all_alike; /* so many fail as nothing does that the command is to blame */
    int64_t start_ns, charged_ns, stopped_ns, start_unix_ns;
    double spent; /* in the budget's unit; not for seconds */
    int64_t set_id, problem_id;
    rn_buf warnings;
    rn_err first_death;   /* why the first arm ended */
    const char *ranker;   /* what chose; NULL */
    double ranking_cpu_s; /* of programs that were run to choose */
} rn_solve_state;

/* solve.c */
int rn_solve_add(rn_solve_state *s, rn_try *t, rn_err *err); /* takes t over, also on failure */
void rn_solve_warn(rn_solve_state *s, const char *fmt, ...) RN_PRINTF(2, 3);

/* keep.c; all do nothing without a store */
int rn_keep_open(rn_solve_state *s, rn_err *err);      /* runs of the arms; their next indices */
int rn_keep_load(rn_solve_state *s, rn_err *err);      /* tries of a former run */
int rn_keep_protocols(rn_solve_state *s, rn_err *err); /* once the judge is open */
int rn_keep_sample(rn_solve_state *s, rn_try *t, int64_t wall_ns, double flop, rn_err *err);
int rn_keep_verdict(rn_solve_state *s, const rn_try *t, rn_err *err);

/* learn.c */
int rn_learn_prior(rn_solve_state *s, const double *cost, rn_err *err);

/* choose.c: sets s->winner, or leaves it NULL when there is no candidate. */
int rn_choose(rn_solve_state *s, rn_err *err);
/* solve_agree.c: fills `agreement` of the candidates [n]; *known false: the problem shows nothing.
 * */
int rn_choose_agree(rn_solve_state *s, rn_try **list, size_t n, bool *known, rn_err *err);

/* solve_alike.c: with every turn: closes arms, or sets s->all_alike. */
void rn_alike_look(rn_solve_state *s);

/* solve_stop.c */
int rn_stop_check(const rn_solve_state *s, rn_err *err); /* of the options */
int rn_stop_open(rn_solve_state *s, rn_err *err);        /* once the target is open */
/* Whether a program is to be run on the examples; the job that does, and what it gave. */
bool rn_stop_tries(const rn_solve_state *s, const rn_try *t);
void rn_stop_job(const rn_solve_state *s, const rn_try *t, rn_judge_job *job);
int rn_stop_take(rn_solve_state *s, rn_try *t, const rn_judge_result *r, rn_err *err);
/* Whether this is the one that is printed: it passes all examples, or is the fallback's answer. */
bool rn_stop_at(rn_solve_state *s, const rn_try *t);
/* The others had their budget: 1: the fallback was asked, 0: there is none, or its answer was in
 * the store and is the winner. */
int rn_stop_ask(rn_solve_state *s, rn_err *err);
/* The budget less one answer of the fallback. */
int rn_stop_reserve(const rn_solve_state *s, const rn_policy_arm *arms, double *budget,
                    rn_err *err);

/* ledger.c: fills s->out. */
int rn_ledger_fill(rn_solve_state *s, rn_err *err);

#endif
