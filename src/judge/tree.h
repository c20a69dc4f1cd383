/*
 * tree.h: a working folder as one block of memory, from which every COMMAND job gets its private
 * copy.
 *
 * The folder is read once. Nothing of it is visible in the sandbox: a job's copy is unpacked from
 * the block into the sandbox's own file system, which is memory and vanishes with its mount, so
 * that even a killed process leaves no file behind. Symbolic links are kept and never followed;
 * devices, sockets and named pipes are refused; permissions and modification times (make compares
 * them) are kept.
 *
 * The block is a sequence of entries in native layout, parents before children: rn_tree_entry, the
 * path relative to the folder, the content (of a link: its target). It never leaves the machine.
 */
#ifndef RN_JUDGE_TREE_H
#define RN_JUDGE_TREE_H

#include "base/buf.h"

typedef enum rn_tree_kind { RN_TREE_DIR, RN_TREE_FILE, RN_TREE_LINK } rn_tree_kind;

typedef struct rn_tree_entry {
    uint32_t kind, mode;
    uint64_t path_len, data_len;
    int64_t mtime_s, mtime_ns;
} rn_tree_entry;

typedef struct rn_tree {
    int fd; /* sealed memory that holds the block; above 9, so that a spawn can move it */
    size_t bytes;
    size_t n_files;
    char sha[65]; /* SHA-256, hex, of paths, kinds, permissions and content, in the block's order */
} rn_tree;

enum { RN_TREE_MAX_BYTES = 512 << 20, RN_TREE_MAX_FILES = 100000, RN_TREE_MAX_PATH = 4096 };

/* Reads the folder. RN_ELIMIT over max_bytes (0: RN_TREE_MAX_BYTES) or RN_TREE_MAX_FILES;
 * RN_EUNSUPPORTED names a special file; RN_EIO, RN_ENOTFOUND what cannot be read. rn_tree_free. */
int rn_tree_pack(const char *dir, size_t max_bytes, rn_tree **out, rn_err *err);
void rn_tree_free(rn_tree *t); /* NULL accepted */

/* Unpacks a block into the existing empty folder `to`. False with errno set. Only in the host. */
bool rn_tree_unpack(rn_bytes block, const char *to);

/* True if `path` names something below the folder it is relative to: not absolute, no ".." and no
 * empty part. */
bool rn_tree_path_ok(const char *path);

#endif
