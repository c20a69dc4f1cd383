/*
 * peak.h: what this machine can do at most, measured, so that a kernel's speed can be stated as a
 * share: integer dot products from registers, and reading memory. A pool of one thread is timed by
 * that thread's CPU time, others by the wall clock.
 */
#ifndef RN_MODEL_PEAK_H
#define RN_MODEL_PEAK_H

#include "model/kern.h"
#include "model/pool.h"

/* Operations (a multiplication and an addition are two) per second of the kernel set's 8-bit dot
 * product, the instruction kern->peak_name, on all threads of the pool: independent chains in
 * registers, the best of several runs of together about `seconds`. Of amx that is whole tiles of 64
 * columns; a scale per 32 columns allows half of them, so that its products cannot pass 50 %. */
double rn_peak_int8_ops(const rn_kern *kern, rn_pool *pool, double seconds);

/* Bytes per second that all threads together read from memory: 256 MiB, each thread its part, the
 * best of several passes of together about `seconds`. RN_ENOMEM. */
int rn_peak_read_bytes(const rn_kern *kern, rn_pool *pool, double seconds, double *out,
                       rn_err *err);

#endif
