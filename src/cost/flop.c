/*
 * flop.c: counts FLOPs; see flop.h for what is counted.
 *
 * One layer holds wq [d_model, n_head * head_dim], wk and wv [d_model, n_kv_head * head_dim],
 * wo [n_head * head_dim, d_model] and two or three matrices [d_model, d_ffn]. A token that attends
 * to L positions costs 2 * L * head_dim per head for its scores and as much for the weighted
 * values.
 *
 * The convention's attention term, n_layer * T^2 * d_model, is half of the exact causal sum
 * (2 * n_layer * T * (T + 1) * d_model): a property of the published numbers, kept as it is.
 *
 * Everything is a double: 2^53 is passed by one sample of a large model, and the results are
 * reported with a few digits.
 */
#include "cost/flop.h"

int rn_shape_check(const rn_shape *s, rn_err *err)
{
    const struct {
        const char *name;
        int64_t v;
    } fields[] = {{"layers", s->n_layer}, {"d_model", s->d_model},    {"d_ffn", s->d_ffn},
                  {"heads", s->n_head},   {"kv_heads", s->n_kv_head}, {"head_dim", s->head_dim},
                  {"vocab", s->vocab}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].v <= 0 || fields[i].v > INT32_MAX)
            return rn_fail(err, RN_EINVAL, "%s is %lld; a whole number from 1 to %d is needed",
                           fields[i].name, (long long)fields[i].v, INT32_MAX);
    if (s->attn_weights < 0)
        return rn_fail(err, RN_EINVAL, "attn_weights is %lld; a whole number is needed",
                       (long long)s->attn_weights);
    if (s->n_head % s->n_kv_head)
        return rn_fail(err, RN_EINVAL, "%lld heads cannot share %lld kv_heads evenly",
                       (long long)s->n_head, (long long)s->n_kv_head);
    return 0;
}

double rn_shape_layer_weights(const rn_shape *s)
{
    double d = (double)s->d_model;
    double attention = s->attn_weights ? (double)s->attn_weights
                                       : 2 * d * (double)((s->n_head + s->n_kv_head) * s->head_dim);
    double ffn = (s->gated_ffn ? 3 : 2) * d * (double)s->d_ffn;
    return (double)s->n_layer * (attention + ffn);
}

double rn_shape_head_weights(const rn_shape *s)
{
    return (double)s->d_model * (double)s->vocab;
}

double rn_shape_params(const rn_shape *s)
{
    return rn_shape_layer_weights(s) + (s->tied_head ? 1 : 2) * rn_shape_head_weights(s);
}

double rn_flop_convention(const rn_shape *s, int64_t n_tok)
{
    double t = (double)n_tok;
    return 2 * t * (rn_shape_layer_weights(s) + rn_shape_head_weights(s)) +
           (double)s->n_layer * t * t * (double)s->d_model;
}

double rn_flop_2n(const rn_shape *s, int64_t n_tok)
{
    return 2 * (double)n_tok * (rn_shape_layer_weights(s) + rn_shape_head_weights(s));
}

double rn_flop_pass(const rn_shape *s, int64_t past_tok, int64_t n_tok, int64_t n_head)
{
    double a = (double)past_tok, b = (double)past_tok + (double)n_tok;
    double attended = (b * (b + 1) - a * (a + 1)) / 2;
    return 2 * (double)n_tok * rn_shape_layer_weights(s) +
           2 * (double)n_head * rn_shape_head_weights(s) +
           4 * (double)s->n_layer * (double)(s->n_head * s->head_dim) * attended;
}

double rn_flop_prompt(const rn_shape *s, int64_t prompt_tok)
{
    return prompt_tok > 0 ? rn_flop_pass(s, 0, prompt_tok, 1) : 0;
}

double rn_flop_sample(const rn_shape *s, int64_t prompt_tok, int64_t gen_tok)
{
    /* The first token comes from the prompt's last logits; the last one is never fed back. */
    return gen_tok > 1 ? rn_flop_pass(s, prompt_tok, gen_tok - 1, gen_tok - 1) : 0;
}

double rn_flop_share(const rn_shape *s, int64_t prompt_tok, int64_t gen_tok, int64_t n)
{
    if (s->n_layer <= 0 || prompt_tok <= 0 || gen_tok < 0) return NAN;
    return rn_flop_sample(s, prompt_tok, gen_tok) +
           rn_flop_prompt(s, prompt_tok) / (double)(n > 0 ? n : 1);
}
