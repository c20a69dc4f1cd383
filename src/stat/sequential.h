/*
 * sequential.h: sampling until the mean pass@k of a set of problems is known to within a
 * half-width.
 *
 * Every problem starts with n_0 samples and may grow along one schedule n_0 < n_1 < ... < n_max. At
 * n_r with c passes it goes on when what a further sample is expected to narrow is worth more than
 * the price s:
 *
 *     sigma(c, n_r) / (n_r sqrt(cost)) > s,
 *     sigma^2 = E k^2 p (1-p)^(2k-1),  p ~ Beta(c + 1/2, n_r - c + 1/2)
 *
 * (k^2 p (1-p)^(2k-1) / n is the variance of pass@k to first order; equal sigma / (n sqrt(cost)) is
 * the best allocation; a question with several k takes the mean of sigma^2). Prices are rungs of
 * one ladder, s = 1.2^-rung for every model and question: descending it round by round, the same
 * for all problems, until the interval is narrow enough. A problem's number of samples thus depends
 * on its own outcomes alone, given s, and pass@k has an unbiased estimate for such a rule: the
 * share of the admissible paths to (n, c) that begin with k failures (Girshick, Mosteller, Savage
 * 1946). Without stopping it is eq. 1.
 *
 * Intervals are for these problems, with fresh samples. docs/METRICS.md derives them; inquiry.h
 * asks questions with this.
 */
#ifndef RN_STAT_SEQUENTIAL_H
#define RN_STAT_SEQUENTIAL_H

#include "stat/pass.h"

enum {
    RN_SEQ_MAX_N = 1000,
    RN_SEQ_FIRST = 4, /* samples of each problem, least */
    RN_SEQ_RATES = 81 /* grid of pass rates of the empirical Bayes fit */
};

typedef struct rn_seq_plan {
    const int64_t *ks; /* [n_ks] of pass@k, >= 1, not falling; copied */
    size_t n_ks;
    int64_t first; /* n_0, at least the largest k; 0: that, or RN_SEQ_FIRST */
    int64_t n_max; /* >= n_0, at most RN_SEQ_MAX_N */
    double cost;   /* of a sample, in a unit that all models of a question share; 0: 1 */
} rn_seq_plan;

typedef struct rn_seq_mean {
    double value, variance;
} rn_seq_mean;

/* One thread at a time: tables of a price are made when they are first asked for. */
typedef struct rn_seq rn_seq;
int rn_seq_new(const rn_seq_plan *plan, rn_seq **out, rn_err *err); /* rn_seq_free */
void rn_seq_free(rn_seq *q);

/* Up to the first rung every problem ends with n_0 samples; from the last on every problem that can
 * still narrow anything has n_max. Rungs beyond either are as these. */
int rn_seq_first(const rn_seq *q);
int rn_seq_last(const rn_seq *q);

/* The samples that a problem with these counts shall have at this rung: n itself when it is done,
 * else the next step of the schedule; ask again when it has them. n must be a step of the schedule
 * or below n_0. */
int64_t rn_seq_need(const rn_seq *q, int rung, rn_count x);

/* pass@k of n problems that have what they need at this rung: the mean, unbiased, and its variance,
 * into out [n_ks]. */
int rn_seq_means(rn_seq *q, int rung, const rn_count *x, size_t n, rn_seq_mean *out, rn_err *err);
/* pass@1 .. pass@k_max of n such problems, k_max at most n_0, whatever k the question asks: table
 * [n, k_max], unbiased. */
int rn_seq_table(rn_seq *q, int rung, const rn_count *x, size_t n, int64_t k_max, double *table,
                 rn_err *err);
int64_t rn_seq_n0(const rn_seq *q);
/* The same from n samples of each problem, fixed before: what equal allocation knows. */
int rn_seq_equal(rn_seq *q, const rn_count *x, size_t n, rn_seq_mean *out, rn_err *err);

/* How likely each rate of the grid is for each problem, given all counts: out [n, RN_SEQ_RATES].
 * Counts may stand anywhere, n = 0 too. */
int rn_seq_posterior(const rn_seq *q, const rn_count *x, size_t n, double *out, rn_err *err);
double rn_seq_rate(int g);     /* 0 <= g < RN_SEQ_RATES, rising */
double rn_seq_z(double level); /* P(|Z| < z) = level of a normal Z */

/* The rule as text, for records: "k 8,8, n 8 to 1000, cost 1.69". */
void rn_seq_rule_write(const rn_seq *q, char *out, size_t cap);
/* Opens the rule of a record; rn_seq_free. A rung that stands behind it (", rung 12") goes to
 * *rung, which is left alone where none does. RN_EFORMAT: not such a text. */
int rn_seq_rule_read(const char *text, rn_seq **out, int *rung, rn_err *err);

#endif
