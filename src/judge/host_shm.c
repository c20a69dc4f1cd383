/*
 * host_shm.c: named semaphores and shared memory of judged programs where they have no view of
 * their own.
 *
 * The C library keeps them in /dev/shm, which is everybody's: without a mount namespace a program
 * must not reach it, and multiprocessing, whose locks are such semaphores, could not work. These
 * functions stand before the library's own (the host exports them, see the Makefile) and keep the
 * names in the program's working folder, as the view does by a link.
 */
#include "judge/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const char *folder = "/dev/shm";

void rn_shm_folder(const char *dir)
{
    folder = dir;
}

static bool path_of(const char *kind, const char *name, char out[PATH_MAX])
{
    while (*name == '/')
        name++;
    if (*name && !strchr(name, '/') && strlen(name) <= NAME_MAX - 4)
        return snprintf(out, PATH_MAX, "%s/%s%s", folder, kind, name) < PATH_MAX;
    errno = EINVAL;
    return false;
}

/* A file of its size, made under another name first: nobody opens it half made. */
static int make_semaphore(const char *path, mode_t mode, unsigned value)
{
    char temp[PATH_MAX + 16];
    snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    int fd = mkstemp(temp);
    if (fd < 0) return -1;
    sem_t s;
    memset(&s, 0, sizeof s);
    bool ok = sem_init(&s, 1, value) == 0 && fchmod(fd, mode) == 0 &&
              write(fd, &s, sizeof s) == (ssize_t)sizeof s && link(temp, path) == 0;
    int e = errno;
    unlink(temp);
    if (ok) return fd;
    close(fd);
    errno = e;
    return -1;
}

EXPORT sem_t *sem_open(const char *name, int flags, ...)
{
    char path[PATH_MAX];
    if (!path_of("sem.", name, path)) return SEM_FAILED;
    int fd = flags & O_EXCL ? -1 : open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && flags & O_CREAT) {
        va_list ap;
        va_start(ap, flags);
        mode_t mode = va_arg(ap, mode_t);
        unsigned value = va_arg(ap, unsigned);
        va_end(ap);
        fd = make_semaphore(path, mode, value);
    }
    if (fd < 0) return SEM_FAILED;
    void *at = mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? SEM_FAILED : at;
}

EXPORT int sem_close(sem_t *s)
{
    return munmap(s, sizeof *s);
}

EXPORT int sem_unlink(const char *name)
{
    char path[PATH_MAX];
    return path_of("sem.", name, path) ? unlink(path) : -1;
}

EXPORT int shm_open(const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    return path_of("", name, path) ? open(path, flags | O_NOFOLLOW | O_CLOEXEC, mode) : -1;
}

EXPORT int shm_unlink(const char *name)
{
    char path[PATH_MAX];
    return path_of("", name, path) ? unlink(path) : -1;
}
