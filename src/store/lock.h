/*
 * lock.h: one writer per experiment file.
 *
 * The lock is flock() on PATH.lock, so that the kernel drops it when its holder dies. It is not
 * taken on the database itself: SQLite uses POSIX locks there, which vanish when any descriptor of
 * that file is closed. The file's text is "PID COMMAND" for the message of who comes second.
 */
#ifndef RN_STORE_LOCK_H
#define RN_STORE_LOCK_H

#include "base/base.h"

/* *fd is the held lock; RN_EBUSY names the holder. lock_path is created and removed again by
 * rn_lock_release. `store` is the name for messages. */
int rn_lock_take(const char *lock_path, const char *store, int *fd, rn_err *err);
void rn_lock_release(const char *lock_path, int fd);

#endif
