/* log.c: the warning sink, and the progress line with its rate and ETA; see log.h. */
#include "base/log.h"

#include "base/clock.h"
#include "base/term.h"

#include <unistd.h>

static rn_log_sink *log_sink;
static void *log_user;

void rn_log_set(rn_log_sink *sink, void *user)
{
    log_sink = sink;
    log_user = user;
}

void rn_warn(const char *fmt, ...)
{
    if (!log_sink) return;
    char msg[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    log_sink(log_user, msg);
}

void rn_progress_start(rn_progress *p, const char *label, const char *unit, int64_t total)
{
    *p = (rn_progress){
        .label = label,
        .unit = unit,
        .total = total,
        .start_ns = rn_now_ns(),
        .on = isatty(STDERR_FILENO) == 1,
    };
}

void rn_progress_set(rn_progress *p, int64_t done, const char *extra)
{
    p->done = done;
    if (!p->on) return;
    int64_t now = rn_now_ns();
    if (now - p->shown_ns < 100000000) return;
    p->shown_ns = now;
    double s = (double)(now - p->start_ns) * 1e-9;
    double rate = s > 0 ? (double)done / s : 0;
    rn_term_clear_line();
    fprintf(stderr, "%s %lld", p->label, (long long)done);
    if (p->total > 0)
        fprintf(stderr, "/%lld %s (%.0f %%)", (long long)p->total, p->unit,
                100.0 * (double)done / (double)p->total);
    else
        fprintf(stderr, " %s", p->unit);
    fprintf(stderr, ", %.4g/s", rate);
    if (p->total > 0 && rate > 0) {
        long eta_s = (long)((double)(p->total - done) / rate + 0.5);
        if (eta_s >= 3600)
            fprintf(stderr, ", ETA %ld:%02ld:%02ld", eta_s / 3600, eta_s / 60 % 60, eta_s % 60);
        else
            fprintf(stderr, ", ETA %ld:%02ld", eta_s / 60, eta_s % 60);
    }
    if (extra) fprintf(stderr, ", %s", extra);
    fflush(stderr);
}

void rn_progress_end(rn_progress *p)
{
    if (p->on) rn_term_clear_line();
    p->on = false;
}
