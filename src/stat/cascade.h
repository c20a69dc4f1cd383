/*
 * cascade.h: two models: up to k1 samples of the small one, then, for the problems still unsolved,
 * up to k2 of the large one; stop at the first pass. Expected score and cost are exact from the
 * counts of both models, since their samples are independent: score = 1 - fail1(k1) fail2(k2), cost
 * = spent1(k1) + fail1(k1) spent2(k2) k1 = 0 or k2 = 0 is one model alone.
 *
 * Choosing the best (k1, k2) on the data that also scores it is biased upwards. Every call here
 * takes a weight per problem, so that a plan is chosen with the weights of one fold and scored with
 * those of another (fold.h), and resampled by bootstrap weights.
 */
#ifndef RN_STAT_CASCADE_H
#define RN_STAT_CASCADE_H

#include "stat/pass.h"
#include "stat/stop.h"

/* Per-problem curves of one model with k = 0 in front; build with rn_stat_arm_new. */
typedef struct rn_arm {
    rn_arena own; /* of the tables */
    size_t n_rows;
    int64_t k_max;
    double *fail;  /* [n_rows, k_max + 1]: no pass in k draws; column 0 is 1 */
    double *spent; /* [n_rows, k_max + 1]: expected cost; column 0 is 0 */
    double *worst; /* [k_max + 1]: cost of k draws that all fail, the largest of the rows */
} rn_arm;

/* Rows as in rn_stat_pass_table, costs as in rn_stat_stop_table. *out is the caller's:
 * rn_stat_arm_free. */
int rn_stat_arm_new(const rn_count *eff, const uint8_t *keep, size_t n, const rn_drawcost *costs,
                    int per_row, int64_t k_max, rn_arm **out, rn_err *err);
void rn_stat_arm_free(rn_arm *arm);

/* Means over the problems, rows weighted by weight [n_rows] (NULL: equally), for every
 * k1 = 0..first->k_max, k2 = 0..second->k_max: score and cost, each
 * [first->k_max + 1, second->k_max + 1]; either may be NULL. The arms have the same rows. */
int rn_stat_cascade_grid(const rn_arm *first, const rn_arm *second, const double *weight,
                         double *score, double *cost, rn_err *err);

/* One choice on the efficient frontier. */
typedef struct rn_cascade_point {
    int64_t k1, k2;
    double score, cost; /* means per problem */
} rn_cascade_point;

/* The choices that no other choice beats in both score and cost, by increasing cost, from the grids
 * of rn_stat_cascade_grid. *out [*n] is the caller's: free. */
int rn_stat_frontier(const double *score, const double *cost, int64_t k1_max, int64_t k2_max,
                     rn_cascade_point **out, size_t *n, rn_err *err);

#endif
