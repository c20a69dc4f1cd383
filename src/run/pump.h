/*
 * pump.h: programs into the judge, results out: the one loop that submits until the judge is busy
 * and waits for what comes back. Who has more to run when a result is known (a further reference,
 * a program that was put off) gives it out at the next call of `next`.
 */
#ifndef RN_RUN_PUMP_H
#define RN_RUN_PUMP_H

#include "judge/judge.h"

typedef struct rn_pump {
    rn_judge *judge; /* borrowed */
    /* Fills *job, whose bytes stay until the next call, and *tag: 1. Nothing to run now: 0. */
    int (*next)(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err);
    /* A result; rn_judge_values are its own. 0, or an error that ends the pump. */
    int (*done)(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err);
    /* After each turn, at least every 200 ms; NULL: nothing. An error ends the pump. */
    int (*tick)(void *user, rn_err *err);
    void *user;
    /* of the pump */
    rn_judge_job held; /* given out by `next`, while the judge was busy */
    uint64_t held_tag;
    bool holds;
} rn_pump;

/* Submits what fits, waits up to timeout_ms for a result and takes all that are there. */
int rn_pump_turn(rn_pump *p, int timeout_ms, rn_err *err);
/* Turns until nothing is left to run and everything has come back. */
int rn_pump_run(rn_pump *p, rn_err *err);

#endif
