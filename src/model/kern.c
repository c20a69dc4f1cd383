/* kern.c: from an instruction set to its table of kernels. */
#include "model/kern_table.h"

const rn_kern *rn_kern_get(rn_isa isa)
{
    if (!rn_isa_available(isa)) return NULL;
    switch (isa) {
    case RN_ISA_SCALAR: return &rn_kern_scalar;
#if defined(__x86_64__)
    case RN_ISA_AVX2: return &rn_kern_avx2;
    case RN_ISA_AVX512: return &rn_kern_avx512;
#elif defined(__aarch64__)
    case RN_ISA_NEON: return &rn_kern_neon;
#endif
    default: return NULL;
    }
}
