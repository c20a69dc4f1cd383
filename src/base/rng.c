/* rng.c: Philox4x32-10 through Random123; see rng.h for what makes a stream. */
#include "base/rng.h"

#include <Random123/philox.h>

void rn_rng_init(rn_rng *r, uint64_t seed, uint64_t stream, uint32_t index)
{
    *r = (rn_rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .ctr = {0, index, (uint32_t)stream, (uint32_t)(stream >> 32)},
    };
}

uint32_t rn_rng_u32(rn_rng *r)
{
    if (r->left == 0) {
        philox4x32_ctr_t ctr = {{r->ctr[0], r->ctr[1], r->ctr[2], r->ctr[3]}};
        philox4x32_key_t key = {{r->key[0], r->key[1]}};
        philox4x32_ctr_t out = philox4x32(ctr, key);
        for (int i = 0; i < 4; i++)
            r->out[i] = out.v[i];
        r->ctr[0]++;
        r->left = 4;
    }
    return r->out[4 - r->left--];
}

uint64_t rn_rng_u64(rn_rng *r)
{
    uint64_t hi = rn_rng_u32(r);
    return hi << 32 | rn_rng_u32(r);
}

double rn_rng_unit(rn_rng *r)
{
    return (double)(rn_rng_u64(r) >> 11) * 0x1p-53;
}

uint64_t rn_rng_below(rn_rng *r, uint64_t n)
{
    /* Rejection keeps it unbiased: values below 2^64 mod n are drawn again. */
    uint64_t reject = (0 - n) % n;
    for (;;) {
        uint64_t x = rn_rng_u64(r);
        if (x >= reject) return x % n;
    }
}

uint64_t rn_rng_stream(const void *data, uint64_t len)
{
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a offset basis and prime, Fowler/Noll/Vo */
    for (uint64_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    h ^= h >> 33; /* finaliser of MurmurHash3 (Appleby): spreads short inputs over all bits */
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}
