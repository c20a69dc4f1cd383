/* clock.h: time in nanoseconds. */
#ifndef RN_BASE_CLOCK_H
#define RN_BASE_CLOCK_H

#include "base/base.h"

#include <time.h>

static inline int64_t rn_clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t rn_now_ns(void)
{
    return rn_clock_ns(CLOCK_MONOTONIC);
}
static inline int64_t rn_cpu_ns(void)
{
    return rn_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}
/* This thread's: under RLIMIT_CPU the process's clock stands still between two ticks. */
static inline int64_t rn_thread_cpu_ns(void)
{
    return rn_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
