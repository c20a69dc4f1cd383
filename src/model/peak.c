/* peak.c: see peak.h. */
#include "model/peak.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MACS = 1 << 28, AREA = 256 << 20, PIECE = 1 << 20 };

typedef struct peak_job {
    const rn_kern *kern;
    const uint8_t *area;
    _Alignas(64) uint32_t results[RN_POOL_MAX]; /* keep the compiler from dropping the work */
} peak_job;

static void dots(void *arg, int64_t begin, int64_t end, int thread)
{
    peak_job *job = arg;
    for (int64_t i = begin; i < end; i++)
        job->results[thread] += job->kern->peak_dots(MACS / job->kern->peak_macs);
}

static void reads(void *arg, int64_t begin, int64_t end, int thread)
{
    peak_job *job = arg;
    job->results[thread] +=
        job->kern->peak_read(job->area + (size_t)begin * PIECE, (size_t)(end - begin) * PIECE);
}

/* One thread is timed by its own CPU time, which other programs do not lengthen. */
static int64_t now_ns(const rn_pool *pool)
{
    return rn_clock_ns(rn_pool_threads(pool) == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC);
}

/* Items of fn per second, the best of turns that last `seconds` together, at least one. */
static double best_rate(rn_pool *pool, int64_t items, rn_pool_fn *fn, peak_job *job, double seconds)
{
    double best = 0;
    const int64_t start = now_ns(pool);
    while (best <= 0 || (double)(now_ns(pool) - start) < seconds * 1e9) {
        const int64_t t = now_ns(pool);
        rn_pool_for(pool, items, 1, fn, job);
        const double rate = (double)items * 1e9 / (double)(now_ns(pool) - t + 1);
        best = rate > best ? rate : best;
    }
    return best;
}

double rn_peak_int8_ops(const rn_kern *kern, rn_pool *pool, double seconds)
{
    peak_job job = {.kern = kern};
    const double rate = best_rate(pool, 4 * rn_pool_threads(pool), dots, &job, seconds);
    return rate * MACS * 2.0;
}

int rn_peak_read_bytes(const rn_kern *kern, rn_pool *pool, double seconds, double *out, rn_err *err)
{
    uint8_t *area = aligned_alloc(2 << 20, AREA);
    if (!area) return rn_fail(err, RN_ENOMEM, "no memory for %d bytes to read", AREA);
    (void)madvise(area, AREA, MADV_HUGEPAGE);
    memset(area, 1, AREA);
    peak_job job = {.kern = kern, .area = area};
    *out = best_rate(pool, AREA / PIECE, reads, &job, seconds) * PIECE;
    free(area);
    return 0;
}
