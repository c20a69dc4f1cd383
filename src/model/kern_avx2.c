/*
 * kern_avx2.c: the kernels for avx2.
 *
 * A vector is two registers of eight lanes: 4 integer and 4 float accumulators of the 16 registers.
 */
#define RN_SIMD_AVX2
#define RN_PANEL  2
#define RN_ATTN_N 2
#define RN_ATTN_V 2
#define RN_TILE_M 1

#include "model/attn_body.h"
#include "model/kern_table.h"
#include "model/ops_body.h"
#include "model/pack_body.h"
#include "model/tile_body.h"

const rn_kern rn_kern_avx2 = RN_KERN_TABLE(RN_ISA_AVX2);
