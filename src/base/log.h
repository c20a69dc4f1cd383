/*
 * log.h: warnings of the library. The library never prints: it hands text to a sink that the
 * program set, and without one the text is dropped.
 */
#ifndef RN_BASE_LOG_H
#define RN_BASE_LOG_H

#include "base/err.h"

typedef void rn_log_sink(void *user, const char *msg); /* one line, no newline; borrowed */

/* Process-wide; call before other threads start. NULL drops everything. */
void rn_log_set(rn_log_sink *sink, void *user);
void rn_warn(const char *fmt, ...) RN_PRINTF(1, 2);

#endif
