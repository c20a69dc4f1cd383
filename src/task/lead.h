/* lead.h: the lines that a text begins with, what their indentation and words tell. Private
 * to src/task. */
#ifndef RN_TASK_LEAD_H
#define RN_TASK_LEAD_H

#include "task/pylex.h"

/* The first two lines of code, for what their indentation tells. */
typedef struct rn_lead {
    rn_pyline first, second;
    int n; /* how many there are */
} rn_lead;

rn_lead rn_lead_of(rn_bytes text);
/* Appends text with its logical lines moved by `columns`; `all`: those at the margin too. Leading
 * tabs become `tab` spaces where tab > 0. Lines within strings and brackets stay. */
void rn_lead_put_shifted(rn_bytes text, int columns, bool all, int tab, rn_buf *out);
/* A value alone, {"error": "no"} or a word: no statement that a body could be. */
bool rn_lead_is_value(rn_bytes text, const rn_lead *l);
/* The last indented lines behind prose, or at the text's start, that return something. */
rn_bytes rn_lead_returning(rn_bytes text);
/* "Here's the body:", "**Body**"; not "elements(x) -> int:", the rest of something else. */
bool rn_lead_is_sentence(rn_bytes text);

#endif
