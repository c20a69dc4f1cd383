/*
 * rng.h: counter-based random numbers, Philox4x32-10 (Salmon et al., SC 2011; Random123).
 *
 * A stream is a pure function of (seed, stream, index): no state is shared, so sample i of a
 * problem draws the same numbers whatever ran before it, in whichever thread.
 */
#ifndef RN_BASE_RNG_H
#define RN_BASE_RNG_H

#include "base/base.h"

typedef struct rn_rng {
    uint32_t key[2]; /* the seed */
    uint32_t ctr[4]; /* [0] block within the stream, [1] index, [2..3] stream */
    uint32_t out[4];
    int left; /* unused words of out */
} rn_rng;

/* stream: what the numbers are for (e.g. a hash of the problem); index: which sample of it. */
void rn_rng_init(rn_rng *r, uint64_t seed, uint64_t stream, uint32_t index);
uint32_t rn_rng_u32(rn_rng *r);
uint64_t rn_rng_u64(rn_rng *r);
double rn_rng_unit(rn_rng *r);                /* uniform on [0, 1), 53 bits */
uint64_t rn_rng_below(rn_rng *r, uint64_t n); /* uniform on 0..n-1, unbiased; n > 0 */
/* A 64-bit name for a stream from bytes (FNV-1a with a final mix). */
uint64_t rn_rng_stream(const void *data, uint64_t len);

#endif
