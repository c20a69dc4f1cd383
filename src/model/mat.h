/*
 * mat.h: products of a weight matrix with one or many rows of activations, y = x W^T.
 *
 * Weights are repacked once, at load, into a layout made for many rows at a time (kern.h); their
 * size stays within a few percent of the file's. Integer types are multiplied with activations
 * quantised to 8 bits, one scale per 32 columns; F32, F16 and BF16 with float activations.
 *
 * Repeatability: element (row, column) of y is a function of that row of x and that column's
 * weights alone, bit for bit, for one kernel set: integer sums are exact, and floats are added
 * block after block in column order, whatever the number of rows, their place, or the threads.
 *
 * One step of a model:
 *     rn_act_set(act, x, stride, n_rows, n_cols, rn_mat_form(wq) | rn_mat_form(wv), pool);
 *     rn_mat_mul((rn_mul[]){{wq, q, q_stride}, {wk, k, k_stride}, {wv, v, v_stride}}, 3, act,
 * pool);
 */
#ifndef RN_MODEL_MAT_H
#define RN_MODEL_MAT_H

#include "model/kern.h"
#include "model/pool.h"

typedef struct rn_mat rn_mat;
typedef struct rn_act rn_act;

/* Forms of activations that products need. */
enum { RN_ACT_Q8 = 1, RN_ACT_F32 = 2 };

/* ---- weights --------------------------------------------------------------------------------- */

/* Packs [rows][cols] weights of `type` as they lie in a file (row after row, rn_quant_row_bytes
 * each; any alignment). `data` is read during the call only. pool: may be NULL.
 * RN_EINVAL if rows or cols is not positive, cols is not a multiple of the type's block, or the
 * size overflows; RN_EUNSUPPORTED for a type without kernel; RN_ENOMEM. Caller frees. */
int rn_mat_new(const rn_kern *kern, rn_qtype type, const void *data, int64_t rows, int64_t cols,
               rn_pool *pool, rn_mat **out, rn_err *err);
/* Weights as they lie in a file: n matrices, one below the other (a mixture's experts). */
typedef struct rn_stack {
    rn_qtype type;
    const void *data;
    int64_t n, rows, cols; /* of each */
} rn_stack;

/* rn_mat_new of all of them, out [n]. Small ones so lie together, on huge pages. The first owns the
 * weights of all: free it with the others. */
int rn_mat_new_stack(const rn_kern *kern, const rn_stack *stack, rn_pool *pool, rn_mat **out,
                     rn_err *err);
void rn_mat_free(rn_mat *w); /* NULL accepted */

/* Bytes that rn_mat_new would hold for such a matrix; 0 if it would refuse it. */
size_t rn_mat_bytes(rn_qtype type, int64_t rows, int64_t cols);

int64_t rn_mat_rows(const rn_mat *w);
int64_t rn_mat_cols(const rn_mat *w);
unsigned rn_mat_form(const rn_mat *w); /* RN_ACT_Q8 or RN_ACT_F32 */

/* ---- activations ----------------------------------------------------------------------------- */

/* Room for up to max_rows rows of max_cols columns in every form of `forms` (RN_ACT_... together).
 * Caller frees. RN_EINVAL, RN_ENOMEM. */
int rn_act_new(const rn_kern *kern, int64_t max_rows, int64_t max_cols, unsigned forms,
               rn_act **out, rn_err *err);
void rn_act_free(rn_act *a); /* NULL accepted */
size_t rn_act_bytes(const rn_kern *kern, int64_t max_rows, int64_t max_cols, unsigned forms);

/* Prepares x [n_rows][n_cols], rows x_stride floats apart, in each of `forms`, a subset of those it
 * was made for; n_cols % 32 == 0 for RN_ACT_Q8; at most the maxima of rn_act_new. x is not kept. */
void rn_act_set(rn_act *a, const float *x, int64_t x_stride, int64_t n_rows, int64_t n_cols,
                unsigned forms, rn_pool *pool);

/* The same of rows that are dealt to groups, each with products of its own (a mixture's experts):
 * group g has rows start[g] to start[g + 1], at least one. start [n_groups + 1], start[0] = 0. */
void rn_act_set_groups(rn_act *a, const float *x, int64_t x_stride, const int32_t *start,
                       int32_t n_groups, int64_t n_cols, unsigned forms, rn_pool *pool);

/* ---- products -------------------------------------------------------------------------------- */

/* y [act rows][rows of w] = x W^T; rows of y are y_stride >= rows of w floats apart. */
typedef struct rn_mul {
    const rn_mat *w;
    float *y;
    int64_t y_stride;
} rn_mul;

/* All jobs read the same activations (their columns are the cols of every w, their forms set) and
 * are shared among the threads as one loop. All mats and `x` are of one kernel set. */
void rn_mat_mul(const rn_mul *jobs, int n_jobs, const rn_act *x, rn_pool *pool);

/* All groups' products as one loop: jobs [n_groups][each], those of group g with its rows alone,
 * whose first is row 0 of their y. Types and sizes are those of the first group's jobs in all. */
void rn_mat_mul_groups(const rn_mul *jobs, int each, const int32_t *start, int32_t n_groups,
                       const rn_act *x, rn_pool *pool);

#endif
