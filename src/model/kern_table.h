/* kern_table.h: the tables of all sets, and how a kern_<isa>.c fills its own from the templates. */
#ifndef RN_MODEL_KERN_TABLE_H
#define RN_MODEL_KERN_TABLE_H

#include "model/kern.h"

extern const rn_kern rn_kern_scalar, rn_kern_avx2, rn_kern_avx512, rn_kern_neon;

/* The amx set: that of avx512 with its own products of many rows. */
void rn_kern_amx_fill(rn_kern *out);

#define RN_KERN_TABLE(isa_id)                                                                     \
    {                                                                                             \
        .isa = isa_id, .biased = RN_SIMD_BIASED, .panel_rows = RN_PANEL, .quantise = quantise,    \
        .tile = tile, .unpack = unpack, .scales = scales, .ftile = ftile, .load_keys = load_keys, \
        .load_values = load_values, .scores = scores, .softmax_step = softmax_step, .mix = mix,   \
        .rmsnorm = rmsnorm, .layernorm = layernorm, .add = add, .scale = scale_row,               \
        .silu_mul = silu_mul, .gelu = gelu, .exp_row = exp_row, .max_row = max_row,               \
        .keep_between = keep_between, .mass_above = mass_above, .to_half = to_half,               \
        .peak_dots = peak_dots, .peak_read = peak_read, .peak_macs = PEAK_MACS,                   \
        .peak_name = RN_SIMD_DOT,                                                                 \
    }

#endif
