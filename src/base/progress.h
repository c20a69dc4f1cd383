/*
 * progress.h: one line on standard error with rate, done and ETA, when that is a terminal.
 * It belongs to programs (src/cli), never to the library's own calls.
 */
#ifndef RN_BASE_PROGRESS_H
#define RN_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

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
