/*
 * cpu.c: detection of instruction sets. x86: the compiler's own test of cpuid and of the state that
 * the system saves (XCR0); AMX, whose state is large, is also a permission that a process asks for.
 * AArch64: the capability bits that the kernel hands to every process.
 */
#include "model/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1UL << 20)
#endif
#ifndef HWCAP_FPHP
#define HWCAP_FPHP (1UL << 9)
#endif
#endif

static const struct {
    const char *name, *needs;
} isas[RN_N_ISAS] = {
#define X(id, text, needs_text) [RN_ISA_##id] = {text, needs_text},
    RN_ISAS(X)
#undef X
};

const char *rn_isa_name(rn_isa isa)
{
    return (unsigned)isa < RN_N_ISAS ? isas[isa].name : "?";
}

#if defined(__x86_64__)
/* clang 14's __builtin_cpu_supports does not know this one. Leaf 1, register c. */
static bool has_f16c(void)
{
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni") && has_f16c();
}

/* Leaf 7: GFNI, AMX-TILE, AMX-INT8; XCR0: the system saves the tiles and their shapes; leaf 1Dh,
 * palette 1: eight tiles of 16 rows of 64 bytes. */
static bool has_tiles(void)
{
    enum { GFNI = 1 << 8, TILE = 1 << 24, INT8 = 1 << 25, OSXSAVE = 1 << 27, STATE = 3 << 17 };
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(c & GFNI)) return false;
    if ((d & (TILE | INT8)) != (TILE | INT8)) return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & STATE) != STATE) return false;
    return __get_cpuid_count(0x1D, 1, &a, &b, &c, &d) && b >> 16 >= 8 && (b & 0xFFFF) >= 64 &&
           (c & 0xFFFF) >= 16;
}

static bool may_use_tiles;

/* Linux gives the state, since 5.16, only to processes that ask (asm/prctl.h of its own headers);
 * it is then in every thread's room for signal frames, so this is asked once, and only where the
 * instructions are there. Refused by older systems, sandboxes and tight alternate stacks. */
static void ask_for_tiles(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    may_use_tiles = has_avx512() && has_tiles() &&
                    syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static bool has_amx(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ask_for_tiles);
    return may_use_tiles;
}
#endif

rn_isa rn_isa_bits(rn_isa isa)
{
    return isa == RN_ISA_AMX ? RN_ISA_AVX512 : isa;
}

bool rn_isa_available(rn_isa isa)
{
    switch (isa) {
    case RN_ISA_SCALAR: return true;
#if defined(__x86_64__)
    case RN_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    case RN_ISA_AVX512: return has_avx512();
    case RN_ISA_AMX: return has_amx();
#elif defined(__aarch64__)
    case RN_ISA_NEON:
        return (getauxval(AT_HWCAP) & (HWCAP_ASIMDDP | HWCAP_FPHP)) == (HWCAP_ASIMDDP | HWCAP_FPHP);
#endif
    default: return false;
    }
}

const char *rn_isa_with_bits(const char *name)
{
    for (int i = RN_N_ISAS - 1; i >= 0; i--)
        if (strcmp(rn_isa_name(rn_isa_bits((rn_isa)i)), name) == 0 && rn_isa_available((rn_isa)i))
            return rn_isa_name((rn_isa)i);
    return name;
}

int rn_isa_choose(rn_isa *out, rn_err *err)
{
    const char *want = getenv("RATION_CPU");
    if (!want || !*want) {
        int best = RN_N_ISAS - 1;
        while (!rn_isa_available((rn_isa)best))
            best--;
        *out = (rn_isa)best;
        return 0;
    }
    for (int i = 0; i < RN_N_ISAS; i++) {
        if (strcmp(want, isas[i].name) != 0) continue;
        if (!rn_isa_available((rn_isa)i))
            return rn_fail(err, RN_EUNSUPPORTED,
                           "RATION_CPU=%s needs %s, which this machine does not offer; unset it to "
                           "use the best set available",
                           want, isas[i].needs);
        *out = (rn_isa)i;
        return 0;
    }
    return rn_fail(err, RN_EINVAL, "RATION_CPU=%s is not one of scalar, avx2, avx512, amx, neon",
                   want);
}

int rn_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

void rn_cpu_model(char *buf, size_t size)
{
    snprintf(buf, size, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "re");
    if (!f) return;
    char line[256];
    while (fgets(line, sizeof line, f)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !value) continue;
        value += strspn(value + 1, " \t") + 1;
        value[strcspn(value, "\n")] = 0;
        snprintf(buf, size, "%s", value);
        break;
    }
    fclose(f);
}
