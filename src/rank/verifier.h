/*
 * verifier.h: a model's answer to "is this program correct?" as a ranker, in the manner of LEVER
 * (Ni et al. 2023), without execution results.
 *
 *   score = log P(yes) + L,   P(yes) = p(yes | q) / (p(yes | q) + p(no | q))
 *
 * q is the template's text with the problem and the program in it, and L the generator's mean log
 * likelihood of its sample's tokens. LEVER multiplies the two probabilities. Here the generator's
 * is that of a token in the geometric mean: its sum over hundreds of tokens would drown log P(yes),
 * which has one token, and would prefer short programs for their length alone. Both parts are kept
 * in the store. Highest is best.
 *
 * The template is data: a JSON object
 *   {"name": ..., "form": "text" | "chat", "text": "... {program} ...", "yes": " yes", "no": " no"}
 * in which {program} and, if wanted, {prompt} are replaced. "text" goes to the model as it is,
 * "chat" is a user's message in the model's own chat form. White space at the program's end is
 * left out.
 */
#ifndef RN_RANK_VERIFIER_H
#define RN_RANK_VERIFIER_H

#include "base/hash.h"
#include "model/chat.h"
#include "model/engine.h"

typedef struct rn_verifier {
    const char *name, *text, *yes, *no; /* in `own` */
    bool chat;
    char sha[RN_SHA256_HEX]; /* of the file */
    rn_arena own;
} rn_verifier;

#define RN_VERIFIER_DEFAULT "function"

/* `which`: the name of a bundled template (data/verifier/NAME.json) or the path of a file.
 * RN_ENOTFOUND, RN_EFORMAT for what is no such object, RN_EINVAL for a text without {program}. */
int rn_verifier_open(const char *which, const char *data_dir, rn_verifier **out, rn_err *err);
void rn_verifier_free(rn_verifier *v); /* NULL accepted */

/* Appends the question about one program. */
void rn_verifier_question(const rn_verifier *v, rn_bytes prompt, rn_bytes program, rn_buf *out);

/* One program to ask about. */
typedef struct rn_ask {
    rn_bytes prompt, program; /* borrowed */
    bool too_long;            /* out: question and answer exceed the model's context */
    double log_yes;           /* out, unless too long: log P(yes) */
    int64_t shared_tok;       /* out: tokens that went through once for all */
    int64_t own_tok;          /* out: tokens that went through for this one */
    int64_t wall_ns;          /* out */
} rn_ask;

typedef struct rn_ask_io {
    int (*tick)(void *user, rn_err *err); /* after every pass; 0 to go on */
    void *user;
} rn_ask_io;

/* Asks about programs [n] of one problem; the beginning that their questions share is processed
 * once. opts: threads, slots, memory and storage. RN_EUNSUPPORTED when the model has no tokens for
 * the answers or, for a chat template, no chat form that is known. */
int rn_verifier_ask(const rn_verifier *v, const rn_model *m, const rn_engine_opts *opts,
                    rn_ask *asks, int64_t n, const rn_ask_io *io, rn_err *err);

#endif
