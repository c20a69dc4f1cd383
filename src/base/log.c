/* log.c: hands warnings to the program's sink. */
#include "base/log.h"

#include <stdio.h>

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
