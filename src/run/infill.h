/*
 * infill.h: prompts of infilling problems in a model's own form: the text before the gap and the
 * text behind it, between the three tokens that the model learnt to fill gaps with.
 */
#ifndef RN_RUN_INFILL_H
#define RN_RUN_INFILL_H

#include "model/tok.h"
#include "task/task.h"

/* Whether the problem has a gap and the model knows such tokens. */
bool rn_infill_applies(const rn_problem *p, const rn_tok *t);
/* Appends "BEGIN before HOLE behind END", the tokens as the vocabulary spells them. RN_EINVAL: the
 * texts hold such a token themselves. */
int rn_infill_build(const rn_problem *p, const rn_tok *t, rn_buf *out, rn_err *err);
/* The ids of such a prompt, of which only the three marks are read as tokens; of any other as
 * rn_tok_encode. */
int rn_infill_encode(const rn_tok *t, rn_bytes prompt, rn_ids *out, rn_err *err);

#endif
