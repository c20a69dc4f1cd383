/* lock.c: the writer's lock. See lock.h. */
#include "store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int busy(int fd, const char *store, rn_err *err)
{
    char text[128] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    char *name = NULL;
    long pid = strtol(text, &name, 10);
    if (pid <= 0)
        return rn_fail(err, RN_EBUSY,
                       "%s: another process is writing to it; try again when it is done", store);
    return rn_fail(err, RN_EBUSY,
                   "%s: process %ld (%s) is writing to it; wait for it or end it, then run again",
                   store, pid, *name ? name + 1 : "unknown");
}

enum { MAX_TEXT = 128 };

/* The lock lies beside the store: where it cannot be made, the store could not be written
 * either. */
static int no_lock(const char *lock_path, const char *store, rn_err *err)
{
    const char *slash = strrchr(lock_path, '/');
    int n = slash ? slash == lock_path ? 1 : (int)(slash - lock_path) : 1;
    const char *folder = slash ? lock_path : ".";
    if (errno == EACCES || errno == EROFS || errno == EPERM)
        return rn_fail_errno(err,
                             "%s: the folder %.*s cannot be written to; give a file elsewhere with "
                             "-s, or change the folder's permissions",
                             store, n, folder);
    if (errno == ENOENT)
        return rn_fail(err, RN_ENOTFOUND, "%s: there is no folder %.*s; make it first", store, n,
                       folder);
    if (errno == ELOOP)
        return rn_fail(err, RN_EFORMAT, "%s: %s is a link, not a lock of ration's; remove it",
                       store, lock_path);
    return rn_fail_errno(err, "%s: cannot create the lock %s", store, lock_path);
}

/* True if `path` still names the file behind fd: the last holder may have removed it meanwhile. */
static bool still_there(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

int rn_lock_take(const char *lock_path, const char *store, int *out, rn_err *err)
{
    for (;;) {
        /* A link could lead to a file of the user's, which the text below would overwrite. */
        int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (fd < 0) return no_lock(lock_path, store, err);
        struct stat st;
        if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink > 1 || st.st_size > MAX_TEXT) {
            close(fd);
            return rn_fail(err, RN_EFORMAT, "%s: %s is no lock of ration's; remove it", store,
                           lock_path);
        }
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            int rc = errno == EWOULDBLOCK
                         ? busy(fd, store, err)
                         : rn_fail_errno(err, "%s: cannot lock %s", store, lock_path);
            close(fd);
            return rc;
        }
        if (!still_there(fd, lock_path)) {
            close(fd);
            continue;
        }
        char text[MAX_TEXT];
        int n =
            snprintf(text, sizeof text, "%ld %s", (long)getpid(), program_invocation_short_name);
        /* Only a message depends on this text. */
        if (ftruncate(fd, 0) == 0 && n > 0) (void)!pwrite(fd, text, strlen(text), 0);
        *out = fd;
        return 0;
    }
}

void rn_lock_release(const char *lock_path, int fd)
{
    if (fd < 0) return;
    unlink(lock_path); /* while it is held: nobody else can have taken this inode */
    close(fd);
}
