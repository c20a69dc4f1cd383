/*
 * kern_pick.c: from an instruction set to its table of kernels, and the row operations (ops.h) that
 * need no kernel of their own.
 */
#include "model/kern_table.h"
#include "model/ops.h"

#include <math.h>
#include <pthread.h>

#if defined(__x86_64__)
static rn_kern amx;

static void fill_amx(void)
{
    rn_kern_amx_fill(&amx);
}

static const rn_kern *amx_table(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_amx);
    return &amx;
}
#endif

const rn_kern *rn_kern_get(rn_isa isa)
{
    if (!rn_isa_available(isa)) return NULL;
    switch (isa) {
    case RN_ISA_SCALAR: return &rn_kern_scalar;
#if defined(__x86_64__)
    case RN_ISA_AVX2: return &rn_kern_avx2;
    case RN_ISA_AVX512: return &rn_kern_avx512;
    case RN_ISA_AMX: return amx_table();
#elif defined(__aarch64__)
    case RN_ISA_NEON: return &rn_kern_neon;
#endif
    default: return NULL;
    }
}

/* ---- row operations -------------------------------------------------------------------------- */

int64_t rn_argmax(const rn_kern *k, const float *x, int64_t n)
{
    const float most = k->max_row(x, n);
    for (int64_t i = 0; i < n; i++)
        if (x[i] == most) return i;
    return 0;
}

void rn_rope_table(int64_t pos, const double *freqs, int n_rot, double amp, float *cs)
{
    for (int i = 0; i < n_rot / 2; i++) {
        double angle = (double)pos * freqs[i];
        cs[2 * i] = (float)(amp * cos(angle));
        cs[2 * i + 1] = (float)(amp * sin(angle));
    }
}

void rn_rope(rn_rope_kind kind, const float *cs, int n_rot, int n_heads, int hd, float *x)
{
    const int step = kind == RN_ROPE_NEIGHBOURS ? 2 : 1;
    const int apart = kind == RN_ROPE_NEIGHBOURS ? 1 : n_rot / 2;
    for (int h = 0; h < n_heads; h++, x += hd)
        for (int i = 0; i < n_rot / 2; i++) {
            float *a = x + i * step, *b = a + apart, c = cs[2 * i], s = cs[2 * i + 1];
            float u = *a, v = *b;
            *a = u * c - v * s;
            *b = u * s + v * c;
        }
}
