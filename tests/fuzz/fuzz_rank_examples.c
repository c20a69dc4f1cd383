/*
 * fuzz_rank_examples.c: examples and inputs from arbitrary problem texts. Every input must be read
 * back as the same tuple, and all are different.
 * modules: base rank
 */
#include "rank/inputs.h"
#include "rank/layout.h"

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
    bool function = rn_bytes_starts(in->expected, "lambda _: ");
    if (in->expected.len && !function && !rn_lit_parse(a, in->expected, &at)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rn_arena a = {0};
    rn_err err = {0};
    const rn_inputs_ask ask = {.text = {.data = (const char *)data, .len = size},
                               .name = size % 4 ? "f" : NULL,
                               .seed = size,
                               .stream = size ? data[0] : 0,
                               .max_examples = 10,
                               .n_mutants = 10,
                               .n_pooled = 10,
                               .n_borders = 10};
    rn_inputs in;
    if (rn_inputs_make(&ask, &a, &in, &err)) abort();
    if (in.n > 40 || in.n_examples > in.n) abort();
    for (size_t i = 0; i < in.n; i++) {
        check_input(&a, &in.list[i]);
        for (size_t k = 0; k < i; k++)
            if (rn_bytes_equal(in.list[i].args, in.list[k].args)) abort();
    }
    rn_sample_io *io;
    size_t n_io;
    if (rn_examples_stdin(ask.text, &a, &io, &n_io, &err)) abort();
    rn_buf key = {0};
    rn_layout_key(ask.text, &key);
    rn_buf_free(&key);
    rn_arena_free(&a);
    return 0;
}
