/*
 * sequential.h: sampling until the mean pass@k of a set of problems is known to within a
 * half-width.
 *
 * Every problem starts with n_0 samples and may grow along one schedule n_0 < n_1 < ... < n_max. At
 * n_r with c passes it goes on when what a further sample is expected to narrow is worth more than
 * the price s:
 *
 *     sigma(c, n_r) / n_r > s,    sigma^2 = E k^2 p (1-p)^(2k-1),  p ~ Beta(c + 1/2, n_r - c + 1/2)
 *
 * (k^2 p (1-p)^(2k-1) / n is the variance of pass@k to first order; equal sigma / n is the best
 * allocation). The price falls from round to round, the same for all problems, until the interval
 * is narrow enough. A problem's number of samples thus depends on its own outcomes alone, given s,
 * and pass@k has an unbiased estimate for such a rule: the share of the admissible paths to (n, c)
 * that begin with k failures (Girshick, Mosteller, Savage 1946). Without stopping it is eq. 1.
 *
 * The interval is for these problems, with fresh samples. docs/METRICS.md derives it.
 */
#ifndef RN_STAT_SEQUENTIAL_H
#define RN_STAT_SEQUENTIAL_H

#include "stat/boot.h"
#include "stat/pass.h"

enum { RN_SEQ_MAX_N = 1000 };

typedef struct rn_seq_plan {
    int64_t k;     /* of pass@k; >= 1 */
    int64_t first; /* n_0 >= k; 0: k */
    int64_t n_max; /* >= n_0, at most RN_SEQ_MAX_N */
    double level;  /* of the interval, e.g. 0.95 */
} rn_seq_plan;

/* One thread at a time: tables of a price are made when they are first asked for. */
typedef struct rn_seq rn_seq;
int rn_seq_new(const rn_seq_plan *plan, rn_seq **out, rn_err *err); /* rn_seq_free */
void rn_seq_free(rn_seq *q);

/* Rounds have prices that fall by a fixed factor; round 0: n_0 samples of each problem. In the last
 * round every problem that can still narrow anything has n_max. */
int rn_seq_rounds(const rn_seq *q);

/* The samples that a problem with these counts shall have in this round: n itself when it is done,
 * else the next step of the schedule; ask again when it has them. n must be a step of the schedule
 * or below n_0. */
int64_t rn_seq_need(const rn_seq *q, int round, rn_count x);

/* The mean pass@k over n problems that have what they need in this round, and its interval. */
int rn_seq_estimate(rn_seq *q, int round, const rn_count *x, size_t n, rn_interval *out,
                    rn_err *err);
/* The same mean from n samples of each problem, fixed before: what equal allocation knows. */
int rn_seq_equal(rn_seq *q, const rn_count *x, size_t n, rn_interval *out, rn_err *err);

#endif
