/*
 * pool.c: see pool.h.
 *
 * Theory of operation. A loop is published by storing its fields and then raising `round`
 * (release). A worker that sees a new round (acquire) takes ranges from the shared counter `next`
 * until it is past n, then lowers `busy`; the caller does the same and waits until busy is 0. So
 * every worker passes through every round, and no field is written while one still reads it.
 * Waiters spin SPIN times (a token's loops follow each other within microseconds), then sleep in
 * futex(2) on the word they watch; `sleepers` tells the other side whether a wake-up call is
 * needed.
 */
#include "model/pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPIN = 20000, CACHE_LINE = 64 };

typedef struct worker {
    rn_pool *pool;
    pthread_t thread;
    int index;
} worker;

struct rn_pool {
    int n_threads;
    /* the current loop */
    rn_pool_fn *fn;
    void *arg;
    int64_t n, grain;
    _Bool stop;
    worker *workers; /* [n_threads - 1] */
    _Alignas(CACHE_LINE) _Atomic uint32_t round;
    _Atomic uint32_t sleepers;
    _Alignas(CACHE_LINE) _Atomic int64_t next;
    _Alignas(CACHE_LINE) _Atomic uint32_t busy; /* workers that have not finished this round */
    _Atomic uint32_t caller_sleeps;
};

static void futex(_Atomic uint32_t *word, int op, uint32_t value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Returns when *word differs from `old`. The sequentially consistent order of "announce sleep, look
 * again" here and "change the word, look for sleepers" there loses no wake-up. */
static void wait_while(_Atomic uint32_t *word, uint32_t old, _Atomic uint32_t *sleepers)
{
    for (int i = 0; i < SPIN; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old) return;
        relax();
    }
    while (atomic_load(word) == old) {
        atomic_fetch_add(sleepers, 1);
        if (atomic_load(word) == old) futex(word, FUTEX_WAIT, old);
        atomic_fetch_sub(sleepers, 1);
    }
}

static void take_ranges(rn_pool *p, int thread)
{
    for (;;) {
        int64_t begin = atomic_fetch_add_explicit(&p->next, p->grain, memory_order_relaxed);
        if (begin >= p->n) return;
        int64_t end = p->n - begin < p->grain ? p->n : begin + p->grain;
        p->fn(p->arg, begin, end, thread);
    }
}

static void *work(void *arg)
{
    worker *w = arg;
    rn_pool *p = w->pool;
    for (uint32_t seen = 0;; seen++) {
        wait_while(&p->round, seen, &p->sleepers);
        if (p->stop) return NULL;
        take_ranges(p, w->index);
        if (atomic_fetch_sub(&p->busy, 1) == 1 && atomic_load(&p->caller_sleeps))
            futex(&p->busy, FUTEX_WAKE, 1);
    }
}

static void publish(rn_pool *p)
{
    atomic_fetch_add(&p->round, 1);
    if (atomic_load(&p->sleepers)) futex(&p->round, FUTEX_WAKE, INT32_MAX);
}

int rn_pool_new(int n_threads, rn_pool **out, rn_err *err)
{
    if (n_threads < 1 || n_threads > RN_POOL_MAX)
        return rn_fail(err, RN_EINVAL, "%d threads; choose 1 to %d", n_threads, RN_POOL_MAX);
    rn_pool *p = aligned_alloc(CACHE_LINE, sizeof *p);
    worker *workers = calloc((size_t)n_threads, sizeof *workers);
    if (!p || !workers) {
        free(p);
        free(workers);
        return rn_fail(err, RN_ENOMEM, "no memory for %d threads", n_threads);
    }
    *p = (rn_pool){.n_threads = 1, .workers = workers};

    /* Signals are the main thread's business. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = 0;
    while (p->n_threads < n_threads && rc == 0) {
        worker *w = &workers[p->n_threads - 1];
        *w = (worker){.pool = p, .index = p->n_threads};
        rc = pthread_create(&w->thread, NULL, work, w);
        if (rc == 0) p->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        int started = p->n_threads;
        rn_pool_free(p);
        return rn_fail(err, RN_EIO, "only %d of %d threads could be started; use fewer", started,
                       n_threads);
    }
    *out = p;
    return 0;
}

void rn_pool_free(rn_pool *p)
{
    if (!p) return;
    p->stop = 1;
    publish(p);
    for (int i = 0; i < p->n_threads - 1; i++)
        pthread_join(p->workers[i].thread, NULL);
    free(p->workers);
    free(p);
}

int rn_pool_threads(const rn_pool *pool)
{
    return pool ? pool->n_threads : 1;
}

void rn_pool_for(rn_pool *p, int64_t n, int64_t grain, rn_pool_fn *fn, void *arg)
{
    if (n <= 0) return;
    if (!p || p->n_threads == 1 || n <= grain) {
        fn(arg, 0, n, 0);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    p->n = n;
    p->grain = grain;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    atomic_store_explicit(&p->busy, (uint32_t)p->n_threads - 1, memory_order_relaxed);
    publish(p);
    take_ranges(p, 0);
    for (uint32_t left; (left = atomic_load_explicit(&p->busy, memory_order_acquire)) != 0;)
        wait_while(&p->busy, left, &p->caller_sleeps);
}
