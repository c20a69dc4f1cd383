/*
 * pool.c: see pool.h.
 *
 * Theory of operation. A loop is published by storing its fields and then, in one word, the next
 * round's number with OPEN set. A worker that sees an open round it has not been in may join: it
 * counts itself into the same word, takes ranges from the shared counter `next` until it is past n,
 * and counts itself out. The caller does the same work, then clears OPEN, so that nobody joins any
 * more, and waits for those who are in. No field is written while one still reads it, and a worker
 * that the system has not given a processor is not waited for: on a busy machine the caller just
 * does more of the loop itself.
 *
 * Workers spin SPIN times for the next round (a token's loops follow each other within
 * microseconds), then sleep in futex(2) on the word; `sleepers` tells the caller whether a wake-up
 * call is needed. Rounds are counted modulo 2^15: a worker that sleeps through all of them misses
 * one, which costs nothing but time.
 */
#include "model/pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPIN = 20000, CALLER_SPIN = 2000, CACHE_LINE = 64 };

/* The word: workers inside, OPEN, round. */
#define INSIDE 0xFFFFu
#define OPEN   0x10000u
#define ROUND  0x20000u

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
    _Atomic _Bool stop;
    worker *workers; /* [n_threads - 1] */
    _Alignas(CACHE_LINE) _Atomic uint32_t word;
    _Atomic uint32_t sleepers;
    _Alignas(CACHE_LINE) _Atomic int64_t next;
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

static uint32_t round_of(uint32_t word)
{
    return word & ~(OPEN | INSIDE);
}

/* Returns when the word differs from `old`. The sequentially consistent order of "announce sleep,
 * look again" here and "change the word, look for sleepers" in publish loses no wake-up. */
static void wait_while(rn_pool *p, uint32_t old)
{
    for (int i = 0; i < SPIN; i++) {
        if (atomic_load_explicit(&p->word, memory_order_relaxed) != old) return;
        relax();
    }
    atomic_fetch_add(&p->sleepers, 1);
    if (atomic_load(&p->word) == old) futex(&p->word, FUTEX_WAIT, old);
    atomic_fetch_sub(&p->sleepers, 1);
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
    uint32_t seen = 0, word = 0;
    while (!atomic_load(&p->stop)) {
        if (!(word & OPEN) || round_of(word) == seen) {
            wait_while(p, word);
            word = atomic_load_explicit(&p->word, memory_order_acquire);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&p->word, &word, word + 1, memory_order_acquire,
                                                   memory_order_acquire))
            continue;
        seen = round_of(word);
        take_ranges(p, w->index);
        word = atomic_fetch_sub_explicit(&p->word, 1, memory_order_acq_rel) - 1;
    }
    return NULL;
}

/* Begins the next round, open or (to end the workers) closed. Nobody is inside. */
static void publish(rn_pool *p, uint32_t open)
{
    uint32_t word = atomic_load_explicit(&p->word, memory_order_relaxed);
    atomic_store(&p->word, (round_of(word) + ROUND) | open);
    if (atomic_load(&p->sleepers)) futex(&p->word, FUTEX_WAKE, INT32_MAX);
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
    atomic_store(&p->stop, 1);
    publish(p, 0);
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
    publish(p, OPEN);
    take_ranges(p, 0);
    uint32_t word = atomic_fetch_and_explicit(&p->word, ~OPEN, memory_order_acq_rel);
    for (int i = 0; word & INSIDE; i++) {
        if (i < CALLER_SPIN)
            relax();
        else
            sched_yield(); /* whoever is inside has work and wants this processor */
        word = atomic_load_explicit(&p->word, memory_order_acquire);
    }
}
