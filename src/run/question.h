/*
 * question.h: a question about models as people write it:
 *
 *     [MODEL] pass@K +-X            pass@K to within X points
 *     A>B at BUDGET                 which is ahead, until the interval of the difference excludes 0
 *     A - B at BUDGET +-X           the difference to within X points
 *     crossover A,B [up to Nx] [within Fx]
 *
 * BUDGET of one problem: "8x" (FLOPs of so many samples of the cheaper model), "20TFLOP", "60s",
 * "0.05USD", or "pass@K" (K samples of each model). A model is named by its name in the store, or
 * by words of it that no other has: "7b" is wizardcoder-python-7b.
 */
#ifndef RN_RUN_QUESTION_H
#define RN_RUN_QUESTION_H

#include "cost/amount.h"
#include "stat/inquiry.h"

typedef struct rn_question {
    rn_ask_kind kind;
    char model[2][128]; /* "": the only one */
    size_t n_models;
    int64_t k;           /* pass@K; 0: the budget tells it */
    double x;            /* budget in samples of the cheaper model; 0: not so given */
    rn_budget budget;    /* amount 0: not so given */
    double half, within; /* as in rn_ask */
} rn_question;

/* RN_EINVAL shows the forms. */
int rn_question_parse(const char *text, rn_question *out, rn_err *err);
/* The place of the model that `word` names ("": the only one). RN_ENOTFOUND lists the names. */
int rn_question_model(const char *word, const char *const *names, size_t n, size_t *at,
                      rn_err *err);

#endif
