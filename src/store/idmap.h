/*
 * idmap.h: the task ids of a set and what an import counts per problem. A file may spell an id in
 * other case ("Mbpp/2") or as the bare number of a numbered set (2), where that is unambiguous.
 */
#ifndef RN_STORE_IDMAP_H
#define RN_STORE_IDMAP_H

#include "base/base.h"

typedef struct rn_import_entry {
    const char *task_id, *prompt, *tests; /* prompt, tests: NULL unknown */
    int64_t problem_id;
    int64_t n_call;   /* samples of this problem in the files of the call so far */
    int64_t file_no;  /* the file that the next three belong to */
    int64_t n_file;   /* samples of this problem in that file so far */
    int64_t n_stored; /* append: how many of them are stored already */
    int64_t next_idx; /* append: where the next one goes */
} rn_import_entry;

typedef struct rn_idmap_slot {
    const char *key;
    size_t len;
    rn_import_entry *entry; /* NULL: an alias of several */
} rn_idmap_slot;

typedef struct rn_idmap {
    rn_idmap_slot *slots; /* [cap], cap a power of two */
    size_t cap, n_keys;
    RN_VEC(rn_import_entry *) list; /* in the order of addition */
    rn_arena arena;
} rn_idmap;

/* Adds an id that is not there yet; NULL when memory is out. */
rn_import_entry *rn_idmap_add(rn_idmap *m, rn_bytes task_id);
/* NULL: unknown or ambiguous. */
rn_import_entry *rn_idmap_find(const rn_idmap *m, rn_bytes task_id);
void rn_idmap_free(rn_idmap *m);

#endif
