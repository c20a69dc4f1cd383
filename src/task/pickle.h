/* pickle.h: the data in a Python pickle, read without running any of it. Private to src/task. */
#ifndef RN_TASK_PICKLE_H
#define RN_TASK_PICKLE_H

#include "base/base.h"

/* Appends what the pickle holds to *out: a string at the top as it is (*is_text true), anything
 * else as JSON. RN_EFORMAT with what it asks for and the byte: every opcode that would import, call
 * or build something is refused, and so is what is cut off, nested too deep or too large. */
int rn_pickle_data(rn_bytes pickle, rn_buf *out, bool *is_text, rn_err *err);

#endif
