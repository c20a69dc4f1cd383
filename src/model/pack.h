/*
 * pack.h: weights from the file's blocks to strips (layouts: kern.h for quants, pack.c for scales).
 */
#ifndef RN_MODEL_PACK_H
#define RN_MODEL_PACK_H

#include "model/kern.h"

/* How a type is packed. */
typedef struct rn_layout {
    bool is_float;
    bool nibbles; /* four bits and nothing else: can be multiplied as packed */
    rn_fold fold;
    int low_bits, high_bits;
    size_t quant_bytes; /* of a block of 32 columns of a strip; float types: of one column */
    size_t scale_bytes; /* of scale_block columns of a strip */
    int scale_block;    /* 32 or 256; float types: 0 */
} rn_layout;

/* NULL for a type without kernel. Static. */
const rn_layout *rn_layout_of(rn_qtype type);
/* Bytes of quants (they come first) and of a whole strip, a multiple of 64. */
size_t rn_strip_quant_bytes(const rn_layout *l, int64_t cols);
size_t rn_strip_bytes(const rn_layout *l, int64_t cols);

/* n <= RN_STRIP rows of the file (row_bytes apart) into one strip; missing rows become zero. */
void rn_pack_strip(rn_qtype type, bool biased, const uint8_t *rows, size_t row_bytes, int n,
                   int64_t cols, uint8_t *strip);

#endif
