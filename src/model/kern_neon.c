/*
 * kern_neon.c: the kernels for neon.
 *
 * A vector is four registers of four lanes: 12 integer and 12 float accumulators of the 32
 * registers.
 */
#define RN_SIMD_NEON
#define RN_PANEL  3
#define RN_ATTN_N 2
#define RN_ATTN_V 2
#define RN_TILE_M 1

#include "model/attn_body.h"
#include "model/kern_table.h"
#include "model/ops_body.h"
#include "model/pack_body.h"
#include "model/tile_body.h"

const rn_kern rn_kern_neon = RN_KERN_TABLE(RN_ISA_NEON);
