/*
 * inquiry.h: a question about pass@k of one or two models, asked round by round until it is
 * answered:
 *
 *   MEAN   pass@k of one model to within a half-width
 *   DIFF   the difference of two models, at a k of each, to within a half-width
 *   LEAD   which of two models is ahead: until the interval of the difference excludes 0
 *   CROSS  which is ahead at each of several budgets: until the lead is known everywhere but within
 *          one gap between two budgets, at most `within` apart, at which the lead changes
 *
 * The caller draws what rn_inquiry_need wants of every problem of every model (outcomes of a
 * problem in the order of its stream), then looks. All depends on the outcomes alone: the same
 * outcomes, recorded or drawn, give the same course, which is how an inquiry is resumed, replayed
 * and simulated. Intervals are for these problems, with fresh samples (sequential.h, looks.h).
 */
#ifndef RN_STAT_INQUIRY_H
#define RN_STAT_INQUIRY_H

#include "stat/looks.h"
#include "stat/sequential.h"

enum { RN_ASK_POINTS = 12 }; /* budgets of CROSS, most */

typedef enum rn_ask_kind { RN_ASK_MEAN, RN_ASK_DIFF, RN_ASK_LEAD, RN_ASK_CROSS } rn_ask_kind;

typedef struct rn_ask_arm {
    int64_t ks[RN_ASK_POINTS]; /* [n_points] k of pass@k at each point, not falling */
    double cost;               /* of a sample, in the unit of both arms; 0: 1 */
    int64_t n_max;             /* samples of a problem */
} rn_ask_arm;

typedef struct rn_ask {
    rn_ask_kind kind;
    rn_ask_arm arms[2];
    size_t n_arms, n_points;
    double budgets[RN_ASK_POINTS]; /* of CROSS, rising */
    size_t n_problems;
    double half;   /* MEAN, DIFF: half-width of the interval, a fraction */
    double within; /* CROSS: a ratio of budgets, > 1 */
    double level;
} rn_ask;

typedef struct rn_inquiry rn_inquiry;

/* What is known after a look. */
typedef struct rn_known {
    bool answered;
    bool over;                     /* answered, or every problem has all that it may have */
    int round;                     /* looks so far */
    rn_interval at[RN_ASK_POINTS]; /* [n_points] pass@k, or the first model's less the second's */
    int side[RN_ASK_POINTS];       /* LEAD, CROSS: 1, -1, or 0: not known */
    double from, to; /* CROSS, answered: the lead changes between these; NAN: it does not */
} rn_known;

int rn_inquiry_new(const rn_ask *ask, rn_inquiry **out, rn_err *err); /* copies; rn_inquiry_free */
void rn_inquiry_free(rn_inquiry *q);                                  /* NULL accepted */
/* Starts over, keeping the tables. */
int rn_inquiry_restart(rn_inquiry *q, rn_err *err);

/* The samples that a problem of an arm shall have in this round; ask again when it has them. */
int64_t rn_inquiry_need(const rn_inquiry *q, size_t arm, rn_count x);
/* counts [n_arms] of [n_problems]: all have what they need. Goes to the next round unless it is
 * over. */
int rn_inquiry_look(rn_inquiry *q, const rn_count *const *counts, rn_known *out, rn_err *err);
/* The same without the intervals of LEAD and CROSS, which take longer than all the rest: for
 * simulations. at is left zero there. */
int rn_inquiry_glance(rn_inquiry *q, const rn_count *const *counts, rn_known *out, rn_err *err);
rn_seq *rn_inquiry_seq(rn_inquiry *q, size_t arm); /* borrowed */
int rn_inquiry_rung(const rn_inquiry *q);          /* of the ladder of sequential.h */

#endif
