/*
 * kern_avx512.c: the kernels for avx512.
 *
 * One AVX-512 register is sixteen lanes: 10 integer and 10 float accumulators, weights and scales
 * fit the 32 registers; two vectors of weights share each broadcast, which keeps loads below two a
 * cycle. Six rows would fit too and share more, but take 5 % longer (measured on Zen 5).
 */
#define RN_SIMD_AVX512
#define RN_PANEL  5
#define RN_ATTN_N 4
#define RN_ATTN_V 4
#define RN_TILE_M 2

#include "model/attn_body.h"
#include "model/kern_table.h"
#include "model/ops_body.h"
#include "model/pack_body.h"
#include "model/tile_body.h"

const rn_kern rn_kern_avx512 = RN_KERN_TABLE(RN_ISA_AVX512);
