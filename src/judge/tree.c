/* tree.c: packing a working folder; see tree.h. */
#include "judge/tree.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 20, LEAST_FD = 10 };

bool rn_tree_path_ok(const char *path)
{
    if (!path || !path[0] || strlen(path) >= RN_TREE_MAX_PATH) return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += part != path; /* over the slash */
        size_t len = strcspn(part, "/");
        if (len == 0 || (len == 2 && memcmp(part, "..", 2) == 0)) return false;
        if (len == 1 && part[0] == '.' && !part[1]) return false;
    }
    return true;
}

/* ---- packing --------------------------------------------------------------------------------- */

typedef struct packer {
    rn_tree *t;
    rn_buf buf; /* on its way to t->fd */
    const char *dir;
    rn_sha256 *sha;
    size_t root_len; /* of the folder's path, with its slash */
    size_t max_bytes;
} packer;

static int flush(packer *p, rn_err *err)
{
    if (!rn_buf_ok(&p->buf)) return rn_fail(err, RN_ENOMEM, "%s: out of memory", p->dir);
    for (size_t at = 0; at < p->buf.len;) {
        ssize_t n = write(p->t->fd, p->buf.data + at, p->buf.len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return rn_fail_errno(err, "a copy of %s in memory", p->dir);
        at += (size_t)n;
    }
    rn_buf_clear(&p->buf);
    return 0;
}

static int put_entry(packer *p, const FTSENT *e, rn_tree_kind k, size_t data_len, rn_err *err)
{
    const char *path = e->fts_path + p->root_len;
    rn_tree_entry head;
    memset(&head, 0, sizeof head);
    head.kind = (uint32_t)k;
    head.mode = e->fts_statp->st_mode & 0777;
    head.path_len = strlen(path);
    head.data_len = data_len;
    rn_sha256_add(p->sha, &head, sizeof head);
    rn_sha256_add(p->sha, path, head.path_len);
    head.mtime_s = e->fts_statp->st_mtim.tv_sec; /* which no checkout keeps: not in the hash */
    head.mtime_ns = e->fts_statp->st_mtim.tv_nsec;
    p->t->bytes += sizeof head + head.path_len + data_len;
    if (p->t->bytes > p->max_bytes)
        return rn_fail(err, RN_ELIMIT,
                       "%s holds more than %zu MiB, and each program gets a copy of its own; "
                       "give a smaller folder with what the command needs",
                       p->dir, p->max_bytes >> 20);
    if (++p->t->n_files > RN_TREE_MAX_FILES)
        return rn_fail(err, RN_ELIMIT,
                       "%s holds more than %d files, and each program gets a copy of its own; "
                       "give a smaller folder with what the command needs",
                       p->dir, RN_TREE_MAX_FILES);
    rn_buf_add(&p->buf, &head, sizeof head);
    rn_buf_add(&p->buf, path, head.path_len);
    return 0;
}

/* The file may change while it is read: what was announced is what is stored. */
static int put_content(packer *p, const FTSENT *e, int fd, size_t size, rn_err *err)
{
    for (size_t left = size; left;) {
        size_t part = left < FLUSH_BYTES ? left : FLUSH_BYTES;
        if (!rn_buf_reserve(&p->buf, part + 1)) return flush(p, err);
        ssize_t n = read(fd, p->buf.data + p->buf.len, part);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return rn_fail_errno(err, "reading %s", e->fts_path);
        if (n == 0)
            return rn_fail(err, RN_EIO, "%s became shorter while it was copied", e->fts_path);
        rn_sha256_add(p->sha, p->buf.data + p->buf.len, (size_t)n);
        p->buf.len += (size_t)n;
        left -= (size_t)n;
        int rc = p->buf.len >= FLUSH_BYTES ? flush(p, err) : 0;
        if (rc) return rc;
    }
    return 0;
}

static int refuse_special(const FTSENT *e, rn_err *err)
{
    return rn_fail(err, RN_EUNSUPPORTED,
                   "%s is a device, socket or named pipe, which cannot be copied; remove it or "
                   "give another folder",
                   e->fts_path);
}

static int put_file(packer *p, const FTSENT *e, rn_err *err)
{
    int fd = open(e->fts_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return rn_fail_errno(err, "reading %s", e->fts_path);
    struct stat st;
    int rc = fstat(fd, &st) != 0    ? rn_fail_errno(err, "reading %s", e->fts_path)
             : !S_ISREG(st.st_mode) ? refuse_special(e, err) /* replaced meanwhile */
                                    : 0;
    size_t size = rc ? 0 : (size_t)st.st_size;
    if (!rc) rc = put_entry(p, e, RN_TREE_FILE, size, err);
    if (!rc) rc = put_content(p, e, fd, size, err);
    close(fd);
    return rc;
}

static int put_link(packer *p, const FTSENT *e, rn_err *err)
{
    char target[RN_TREE_MAX_PATH];
    ssize_t n = readlink(e->fts_path, target, sizeof target);
    if (n <= 0 || n == sizeof target) return rn_fail_errno(err, "reading the link %s", e->fts_path);
    int rc = put_entry(p, e, RN_TREE_LINK, (size_t)n, err);
    if (rc) return rc;
    rn_sha256_add(p->sha, target, (size_t)n);
    rn_buf_add(&p->buf, target, (size_t)n);
    return 0;
}

static int put_one(packer *p, const FTSENT *e, rn_err *err)
{
    if (e->fts_level == 0) {
        if (e->fts_info == FTS_D || e->fts_info == FTS_DP) return 0;
        errno = e->fts_errno ? e->fts_errno : ENOTDIR;
        return rn_fail_errno(err, "working folder %s", p->dir);
    }
    switch (e->fts_info) {
    case FTS_DP: return 0;
    case FTS_D: return put_entry(p, e, RN_TREE_DIR, 0, err);
    case FTS_F: return put_file(p, e, err);
    case FTS_SL:
    case FTS_SLNONE: return put_link(p, e, err);
    case FTS_DEFAULT: return refuse_special(e, err);
    default: errno = e->fts_errno; return rn_fail_errno(err, "reading %s", e->fts_path);
    }
}

/* The same folder gives the same block wherever it lies. */
static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(packer *p, rn_err *err)
{
    char *copy = strdup(p->dir);
    if (!copy) return rn_fail(err, RN_ENOMEM, "%s: out of memory", p->dir);
    size_t len = strlen(copy);
    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    p->root_len = len + (copy[len - 1] != '/');
    char *const roots[] = {copy, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    int rc = fts ? 0 : rn_fail_errno(err, "working folder %s", p->dir);
    while (!rc) {
        errno = 0;
        const FTSENT *e = fts_read(fts);
        if (!e && errno) rc = rn_fail_errno(err, "working folder %s", p->dir);
        if (!e) break;
        rc = put_one(p, e, err);
        if (!rc && p->buf.len >= FLUSH_BYTES) rc = flush(p, err);
    }
    if (fts) fts_close(fts);
    free(copy);
    return rc ? rc : flush(p, err);
}

/* Memory that nobody can change any more, at a descriptor that a spawn does not use itself. */
static int open_memory(rn_tree *t, rn_err *err)
{
    int fd = memfd_create("tree", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    t->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, LEAST_FD);
    if (fd >= 0) close(fd);
    return t->fd >= 0 ? 0 : rn_fail_errno(err, "memory for a working folder");
}

int rn_tree_pack(const char *dir, size_t max_bytes, rn_tree **out, rn_err *err)
{
    rn_tree *t = calloc(1, sizeof *t);
    if (!t) return rn_fail(err, RN_ENOMEM, "%s: out of memory", dir);
    packer p = {.t = t, .dir = dir, .max_bytes = max_bytes ? max_bytes : RN_TREE_MAX_BYTES};
    t->fd = -1;
    p.sha = rn_sha256_new();
    int rc = p.sha ? open_memory(t, err) : rn_fail(err, RN_ENOMEM, "%s: out of memory", dir);
    if (!rc) rc = walk(&p, err);
    if (!rc) {
        uint8_t digest[RN_SHA256_BYTES];
        rn_sha256_done(p.sha, digest);
        rn_sha256_hex(digest, t->sha);
    }
    rn_sha256_free(p.sha);
    rn_buf_free(&p.buf);
    const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (!rc && fcntl(t->fd, F_ADD_SEALS, seals) != 0)
        rc = rn_fail_errno(err, "sealing a copy of %s", dir);
    if (rc) {
        rn_tree_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

void rn_tree_free(rn_tree *t)
{
    if (!t) return;
    if (t->fd >= 0) close(t->fd);
    free(t);
}
