/* set_file.h: the problem set of a store's samples: put down with the file that it was read from,
 * and found there again. */
#ifndef RN_RUN_SET_FILE_H
#define RN_RUN_SET_FILE_H

#include "base/file.h"
#include "store/store.h"
#include "task/task.h"

/* The absolute path of the file behind a set that was asked for by `asked` (NULL: not known how),
 * in the caller's buffer; NULL where that names a known set, or it was not read from a file. */
const char *rn_set_file(const rn_taskset *set, const char *asked, rn_path *path);

/* rn_store_put_set with that path. */
int rn_set_put(rn_store *s, const rn_taskset *set, const char *asked, int64_t *set_id, rn_err *err);

/* Opens the set that a store calls `name`: a known set, or the file that it came from as long as
 * that holds what it held; else a file of that name in the current folder. RN_ENOTFOUND, RN_EINVAL
 * say which file it was, and that -t names another. */
int rn_set_reopen(rn_store *s, const char *name, const char *data_dir, rn_taskset **out,
                  rn_err *err);

#endif
