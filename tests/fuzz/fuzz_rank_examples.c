/*
 * fuzz_rank_examples.c: examples and inputs from arbitrary problem texts. Every input must be read
 * back as the same tuple, and all are different.
 * modules: base rank
 */
#include "rank/examples.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An empty set that lost its members is written set(), which is read again. */
static void check_input(rn_arena *a, const rn_input *in)
{
    size_t at = 0;
    const rn_lit *v = rn_lit_parse(a, in->args, &at);
    if (!v || v->kind != RN_LIT_TUPLE || at != in->args.len) abort();
    rn_buf again = {0};
    rn_lit_write(v, &again);
    if (!rn_bytes_equal(rn_buf_view(&again), in->args)) abort();
    rn_buf_free(&again);
    at = 0;
    if (in->expected.len && !rn_lit_parse(a, in->expected, &at)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rn_arena a = {0};
    rn_err err = {0};
    rn_input *in = NULL;
    size_t n = 0, n_examples = 0;
    rn_bytes text = {.data = (const char *)data, .len = size};
    if (rn_inputs_make(text, "f", size, size ? data[0] : 0, 40, &a, &in, &n, &n_examples, &err))
        abort();
    if (n > 40 || n_examples > n || (n && !n_examples)) abort();
    for (size_t i = 0; i < n; i++) {
        check_input(&a, &in[i]);
        for (size_t k = 0; k < i; k++)
            if (rn_bytes_equal(in[i].args, in[k].args)) abort();
    }
    rn_arena_free(&a);
    return 0;
}
