/*
 * pool.h: a fixed set of threads that share the items of one loop at a time.
 *
 * rn_pool_for(pool, n, grain, fn, arg) calls fn on disjoint ranges that cover [0, n) and returns
 * when all are done; the caller works as thread 0. Which thread takes which range differs from run
 * to run, so an item's result may not depend on it. No allocation and no system call in a loop
 * while threads are busy: waiting threads spin briefly, then sleep on a futex.
 */
#ifndef RN_MODEL_POOL_H
#define RN_MODEL_POOL_H

#include "base/err.h"

enum { RN_POOL_MAX = 256 };

typedef struct rn_pool rn_pool;

/* Items [begin, end); thread: 0..n_threads-1, each is one thread at a time (for scratch memory). */
typedef void rn_pool_fn(void *arg, int64_t begin, int64_t end, int thread);

/* n_threads: 1..RN_POOL_MAX, the caller included. RN_EINVAL, RN_ENOMEM, RN_EIO.
 * The caller frees with rn_pool_free, from the thread that uses it. */
int rn_pool_new(int n_threads, rn_pool **out, rn_err *err);
void rn_pool_free(rn_pool *pool); /* NULL accepted */

/* 1 for NULL. */
int rn_pool_threads(const rn_pool *pool);

/* pool: NULL runs fn(arg, 0, n, 0) in the caller. grain: items a thread takes at once, >= 1.
 * Not reentrant: fn does not call it. Writes before the call are seen by fn, writes of fn after. */
void rn_pool_for(rn_pool *pool, int64_t n, int64_t grain, rn_pool_fn *fn, void *arg);

#endif
