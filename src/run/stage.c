/* stage.c: see stage.h. */
#include "run/stage.h"

enum { DONE = 0, MISSING = 1, FAILURE = 3 }; /* exit statuses of the command line */

bool rn_watch_stops(const rn_watch *w)
{
    return w->should_stop && w->should_stop(w->user);
}

int rn_watch_check(const rn_watch *w, rn_err *err)
{
    return rn_watch_stops(w) ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
}

void rn_watch_step(const rn_watch *w, const rn_progress_step *step)
{
    if (w->on_progress) w->on_progress(w->user, step);
}

void rn_watch_end(const rn_watch *w)
{
    if (w->on_progress) w->on_progress(w->user, NULL);
}

static void tell(const rn_watch *w, int is_warning, const char *fmt, va_list args)
{
    char line[1024];
    vsnprintf(line, sizeof line, fmt, args);
    w->on_note(w->user, is_warning, line);
}

void rn_watch_note(const rn_watch *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (w->on_note) tell(w, 0, fmt, args);
    va_end(args);
}

void rn_watch_warn(const rn_watch *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (w->on_note) tell(w, 1, fmt, args);
    va_end(args);
}

int rn_watch_log_begin(const rn_watch *w, rn_store *s, int64_t *id, rn_err *err)
{
    *id = 0;
    return w->argc > 0 ? rn_store_log_begin(s, w->argv[0], w->argc, w->argv, id, err) : 0;
}

void rn_watch_log_end(rn_store *s, int64_t id, int rc, bool incomplete)
{
    int status = rc == RN_ECANCELLED || (!rc && incomplete) ? MISSING : rc ? FAILURE : DONE;
    if (id) rn_store_log_end(s, id, status, NULL);
}

int rn_stage_commit(rn_store *s, int rc, rn_err *err)
{
    rn_err late;
    int rc2 = rn_store_commit(s, &late);
    if (rc || !rc2) return rc;
    if (err) *err = late;
    return rc2;
}
