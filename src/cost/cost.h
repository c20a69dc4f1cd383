/*
 * cost.h: what one sample of a model costs, by name: FLOPs, seconds, money.
 *
 * A book holds entries (a model's shape, FLOPs or prices) and profiles (seconds on some hardware).
 * It starts with the six models of the study and the profile paper-8xa100; a user's file adds to it
 * and may replace what it names. Nothing is guessed: what an entry does not know is NAN, and a
 * reader of it says which option or line would give it.
 *
 * The file, also shown by `ration report --help` (UTF-8, one `key = value` a line, # starts a
 * comment, sections in any order):
 *
 *     [model my-7b]                 # numbers may be written 1.69e12
 *     alias = my-org/My-7B-hf       # several, separated by commas
 *     layers = 32                   # the shape: these eight, heads to vocab as in GGUF files
 *     d_model = 4096
 *     d_ffn = 11008
 *     heads = 32
 *     kv_heads = 32                 # default: heads
 *     head_dim = 128                # default: d_model / heads
 *     vocab = 32016
 *     gated = yes                   # default: yes
 *     tied = no                     # default: no
 *     flop_per_sample = 1.69 TFLOP  # or 1.69e12; instead of a shape, or to replace what follows
 *     usd_per_1m_input = 0.20       # prices of 1,000,000 tokens
 *     usd_per_1m_cached = 0.05      # prompt tokens seen before; default: as input
 *     usd_per_1m_output = 0.60
 *     usd_per_1m_tokens = 0.20      # one price for input and output, instead of these
 *     usd_per_sample = 0.001        # instead of all prices of tokens
 *     usd_per_hour = 2.50           # of the machine that a profile was measured on
 *
 *     [profile my-box]
 *     hardware = 1 x H100, vLLM, batch 256
 *     my-7b = 0.395                 # seconds per sample: time(k) = 0.395 k
 *     my-13b = 0.5 + 0.667          # fixed and per sample: time(k) = 0.5 + 0.667 k
 *     my-34b = 1:4.0 16:9.5 256:88  # measured, k:seconds
 */
#ifndef RN_COST_COST_H
#define RN_COST_COST_H

#include "base/json.h"
#include "cost/flop.h"

#define RN_COST_STUDY_PROFILE "paper-8xa100"

typedef struct rn_cost {
    const char *name;
    const char *const *aliases; /* [n_aliases] */
    size_t n_aliases;
    bool has_shape;
    rn_shape shape;
    double flop_per_sample; /* as given; NAN: follows from the shape by the convention */
    double usd_per_1m_input, usd_per_1m_cached, usd_per_1m_output; /* NAN unknown */
    double usd_per_sample, usd_per_hour;
    const char *source; /* where the entry comes from */
} rn_cost;

typedef struct rn_cost_book rn_cost_book;

/* A book with the built-in entries; NULL when memory is out. Everything found in it is borrowed
 * until rn_cost_book_free. */
rn_cost_book *rn_cost_book_new(void);
void rn_cost_book_free(rn_cost_book *b);
/* Adds the entries of a file. RN_EFORMAT names the file and the line; the book is then unchanged
 * as far as lookups of names outside the file go, and should be freed. */
int rn_cost_book_read(rn_cost_book *b, const char *path, rn_err *err);
/* As _read, from memory; `path` is for messages. */
int rn_cost_book_parse(rn_cost_book *b, rn_bytes text, const char *path, rn_err *err);

/* The entry of this name or alias, NULL if none. Upper and lower case, the characters "-_. ", an
 * owner before the last '/' and a final "-hf" or ".gguf" make no difference. */
const rn_cost *rn_cost_find(const rn_cost_book *b, const char *name);
/* The i-th entry, built-in ones first; NULL past the end. */
const rn_cost *rn_cost_at(const rn_cost_book *b, size_t i);

/* time(k) of a model under a profile. RN_ENOTFOUND says whether the profile or the model in it is
 * missing, and what there is. */
int rn_cost_profile(const rn_cost_book *b, const char *profile, const rn_cost *model,
                    rn_cost_curve *out, rn_err *err);
/* Adds (or replaces) what was measured elsewhere, e.g. a profile kept in a store; strings and
 * points are copied. */
int rn_cost_profile_add(rn_cost_book *b, const char *profile, const char *hardware,
                        const char *model, const rn_cost_curve *time, rn_err *err);
/* Adds an entry of this shape unless the book knows the name; `source` says where it is from. */
int rn_cost_book_add_shape(rn_cost_book *b, const char *name, const rn_shape *shape,
                           const char *source, rn_err *err);
/* "8 x A100, ..." ; NULL if there is no such profile. */
const char *rn_cost_hardware(const rn_cost_book *b, const char *profile);
/* The i-th profile's name; NULL past the end. */
const char *rn_cost_profile_at(const rn_cost_book *b, size_t i);

/* A shape with the keys of a cost file, as a profile keeps it under "shape". Caller's; NULL: out of
 * memory. */
json_t *rn_shape_to_json(const rn_shape *s);
/* The checked shape of a profile's JSON; RN_ENOTFOUND if it tells none, RN_EFORMAT. */
int rn_shape_of_profile(const char *profile_json, rn_shape *out, rn_err *err);

/* FLOPs of one sample by the study's convention (or as the entry gives them); NAN unknown. */
double rn_cost_flop(const rn_cost *c);

/* Dollars for k samples of one problem: by the sample, or by tokens where prices are given (the
 * prompt at the input price once, then k - 1 times at the cached one), else by the hour for
 * `seconds`; NAN unknown. */
double rn_cost_usd(const rn_cost *c, double k, double prompt_tok, double gen_tok, double seconds);
/* Dollars for k samples of an entry that is priced by the hour alone, from its wall-time; cost
 * [time->n_points] is the result's. */
rn_cost_curve rn_cost_by_hour(const rn_cost *c, const rn_cost_curve *time, double *cost);
bool rn_cost_is_hourly(const rn_cost *c); /* it has no other price */

#endif
