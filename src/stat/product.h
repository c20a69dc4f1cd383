/*
 * product.h: the one matrix product of this module, blocked for the cache and summed in a fixed
 * order: out[i, j] = sum_p x[p, i] * (weight[p] * y[p, j]), p = 0, 1, 2, ... for every (i, j), so
 * that a result does not depend on blocking, threads or what else is computed beside it.
 */
#ifndef RN_STAT_PRODUCT_H
#define RN_STAT_PRODUCT_H

#include "base/base.h"

/* A matrix read as [p, i]: element (p, i) is at p * stride_p + i * stride_i. Borrowed. */
typedef struct rn_operand {
    const double *value;   /* or NULL: */
    const uint32_t *count; /* small integers instead */
    size_t stride_p, stride_i;
    size_t n; /* number of i */
} rn_operand;

/* out is [x.n, y.n] with ld >= y.n elements from row to row; weight [n_p] or NULL. Needs
 * 8 * n_p * 260 bytes for the time of the call. */
int rn_stat_product(const rn_operand *x, const rn_operand *y, const double *weight, size_t n_p,
                    double *out, size_t ld, rn_err *err);

#endif
