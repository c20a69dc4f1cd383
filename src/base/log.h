/*
 * log.h: what is shown while work goes on. Warnings are the library's: it never prints, but hands
 * text to a sink that the program set, and without one the text is dropped. The progress line, on
 * standard error when that is a terminal, is the program's (src/cli).
 */
#ifndef RN_BASE_LOG_H
#define RN_BASE_LOG_H

#include "base/base.h"

typedef void rn_log_sink(void *user, const char *msg); /* one line, no newline; borrowed */

/* Process-wide; call before other threads start. NULL drops everything. */
void rn_log_set(rn_log_sink *sink, void *user);
void rn_warn(const char *fmt, ...) RN_PRINTF(1, 2);

typedef struct rn_progress {
    const char *label; /* borrowed */
    const char *unit;  /* borrowed, e.g. "samples" */
    int64_t total;     /* 0 if unknown */
    int64_t done;
    int64_t start_ns, shown_ns;
    bool on; /* standard error is a terminal */
} rn_progress;

void rn_progress_start(rn_progress *p, const char *label, const char *unit, int64_t total);
/* Redraws at most ten times a second. `extra` (may be NULL) is appended, e.g. "91 tok/s". */
void rn_progress_set(rn_progress *p, int64_t done, const char *extra);
void rn_progress_end(rn_progress *p); /* clears the line */

#endif
