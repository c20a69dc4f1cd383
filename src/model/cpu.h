/*
 * cpu.h: which instruction set the kernels use.
 *
 * A kernel set is chosen once per model and recorded with what it computed: different sets may
 * differ in the last bits, the same set never does, and `amx` gives the bits of `avx512`.
 * RATION_CPU=scalar|avx2|avx512|amx|neon forces one.
 */
#ifndef RN_MODEL_CPU_H
#define RN_MODEL_CPU_H

#include "base/err.h"

#include <stdbool.h>

/* Kernel sets in order of preference: id, name, what the processor must offer. */
#define RN_ISAS(X)                                                                           \
    X(SCALAR, "scalar", "nothing")                                                           \
    X(AVX2, "avx2", "AVX2, FMA and F16C")                                                    \
    X(AVX512, "avx512", "AVX-512 F, BW, VL, DQ, VNNI")                                       \
    X(AMX, "amx", "AVX-512, GFNI, AMX-TILE and AMX-INT8, and a system that lets it use AMX") \
    X(NEON, "neon", "ARMv8.2 with dot product and FP16")

#define RN_ISA_ENUM(name, text, needs) RN_ISA_##name,
typedef enum rn_isa { RN_ISAS(RN_ISA_ENUM) RN_N_ISAS } rn_isa;
#undef RN_ISA_ENUM

/* "avx512"; "?" if out of range. Static. */
const char *rn_isa_name(rn_isa isa);
/* The set whose bits this one gives: AVX512 for AMX, itself for others. What is recorded with
 * results names that one, so that runs go on from one to the other. */
rn_isa rn_isa_bits(rn_isa isa);
/* The name of the best set here that gives the bits of the set `name`; `name` if there is none. */
const char *rn_isa_with_bits(const char *name);
/* True if this build contains the set and this processor (and kernel) can run it. The first call
 * for AMX asks the system for the permission, which is the process's for good. */
bool rn_isa_available(rn_isa isa);
/* The set that $RATION_CPU names, else the best one available. RN_EINVAL for an unknown name,
 * RN_EUNSUPPORTED for one that this machine cannot run. */
int rn_isa_choose(rn_isa *out, rn_err *err);

/* Processors this process may run on, at least 1. */
int rn_cpu_count(void);
/* The processor's name as the system gives it, e.g. "AMD EPYC 9R14"; "unknown" if it gives none. */
void rn_cpu_model(char *buf, size_t size);

#endif
