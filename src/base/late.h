/*
 * late.h: libraries that most runs do not need, loaded when first asked for: libcurl alone brings
 * 27 others, and was two thirds of what a start of `ration` cost.
 *
 * late.c defines the functions that we call of them, under their own names: callers include the
 * library's header as ever, and the program is not linked with it. Before its first call a caller
 * asks here; a function of a library that is not there fails.
 */
#ifndef RN_BASE_LATE_H
#define RN_BASE_LATE_H

#include "base/base.h"

int rn_late_curl(rn_err *err); /* RN_ENOTFOUND: it is not installed; the message says the fix */
bool rn_late_snappy(void);

#endif
