/*
 * stop.h: early stopping: "up to k samples, stop at the first pass", exact from (n, c).
 *
 * The score is pass@k; the cost is that of the samples really drawn. With T the place of the first
 * pass in a random order of the n samples, E[min(T, k)] = (n+1)/(c+1) * pass@k of (n+1, c+1).
 */
#ifndef RN_STAT_STOP_H
#define RN_STAT_STOP_H

#include "stat/pass.h"

/* What samples of one problem cost one model, in any unit. The mean costs of failing and of passing
 * samples may differ (long answers fail more): the expectation stays exact, as every failing sample
 * is equally likely to be among those drawn. `batch` samples are drawn at a time and all of them
 * are paid, so that a stop takes effect at the end of a batch; 0 and 1: one by one. */
typedef struct rn_drawcost {
    double shared;  /* once per problem when anything is drawn: the prompt */
    double failing; /* mean cost of a sample that fails */
    double passing; /* mean cost of a sample that passes */
    int64_t batch;
} rn_drawcost;

/* RN_EINVAL when a cost is negative or not finite, all are 0, or batch < 0. */
int rn_stat_drawcost_check(const rn_drawcost *cost, rn_err *err);

/* E[number of samples drawn one by one] of one problem, closed form. RN_EINVAL unless
 * 0 <= c <= n and 1 <= k <= n. */
int rn_stat_draws(int64_t n, int64_t c, int64_t k, double *out, rn_err *err);

/* For k = 1..k_max: expected number of samples drawn into draws [k_max] and expected cost into
 * spent [k_max]; either may be NULL. n = 0 stands for a problem that is never solved and pays all
 * k. RN_EINVAL as rn_stat_pass_curve. */
int rn_stat_stop_curve(const rn_count *problem, const rn_drawcost *cost, int64_t k_max,
                       double *draws, double *spent, rn_err *err);

/* The problems of a table: those of eff [n] that keep [n] (NULL: all) keeps. */
typedef struct rn_counts {
    const rn_count *eff;
    const uint8_t *keep;
    size_t n;
} rn_counts;

/* As tables [n_rows, k_max], rows as in rn_stat_pass_table; costs: [n] if per_row (indexed as eff),
 * else one for all. Column means are per problem; times n_rows they are the total of the set. */
int rn_stat_stop_table(const rn_counts *x, const rn_drawcost *costs, int per_row, int64_t k_max,
                       double *draws, double *spent, rn_err *err);

#endif
