/*
 * kern_scalar.c: the kernels for scalar.
 *
 * Plain C, the yardstick of the others; vectors are arrays.
 */
#define RN_SIMD_SCALAR
#define RN_PANEL  2
#define RN_ATTN_N 2
#define RN_ATTN_V 2
#define RN_TILE_M 1

#include "model/attn_body.h"
#include "model/kern_table.h"
#include "model/ops_body.h"
#include "model/pack_body.h"
#include "model/tile_body.h"

const rn_kern rn_kern_scalar = RN_KERN_TABLE(RN_ISA_SCALAR);
