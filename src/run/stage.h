/*
 * stage.h: what every stage shares: how it is followed and ended (rn_watch), its row in the store's
 * list of commands, where problem sets lie.
 */
#ifndef RN_RUN_STAGE_H
#define RN_RUN_STAGE_H

#include "base/file.h"
#include "store/store.h"

bool rn_watch_stops(const rn_watch *w);
/* RN_ECANCELLED when it is time to stop, else 0. */
int rn_watch_check(const rn_watch *w, rn_err *err);
void rn_watch_step(const rn_watch *w, const rn_progress_step *step);
void rn_watch_end(const rn_watch *w); /* that part is over */
void rn_watch_note(const rn_watch *w, const char *fmt, ...) RN_PRINTF(2, 3);
void rn_watch_warn(const rn_watch *w, const char *fmt, ...) RN_PRINTF(2, 3);

/* A row in the list of commands; *id 0 where the caller gave no command line. */
int rn_watch_log_begin(const rn_watch *w, rn_store *s, int64_t *id, rn_err *err);
/* rc: of the stage. Does nothing for id 0. */
void rn_watch_log_end(rn_store *s, int64_t id, int rc, bool incomplete);

/* A commit that belongs after success and failure alike: finished is finished. Keeps the first
 * error. */
int rn_stage_commit(rn_store *s, int rc, rn_err *err);

#endif
