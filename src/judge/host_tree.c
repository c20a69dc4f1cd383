/* host_tree.c: unpacking a working folder's copy, in the sandboxed child; see tree.h. */
#include "judge/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_file(int dir, const char *path, const rn_tree_entry *head, const char *data)
{
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    (mode_t)head->mode | 0600);
    if (fd < 0) return false;
    bool ok = true;
    for (size_t at = 0; ok && at < head->data_len;) {
        ssize_t n = write(fd, data + at, head->data_len - at);
        ok = n > 0 || (n < 0 && errno == EINTR);
        if (n > 0) at += (size_t)n;
    }
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                      {.tv_sec = head->mtime_s, .tv_nsec = head->mtime_ns}};
    ok = ok && futimens(fd, times) == 0;
    return close(fd) == 0 && ok;
}

static bool make_one(int dir, const char *path, const rn_tree_entry *head, const char *data)
{
    switch ((rn_tree_kind)head->kind) {
    case RN_TREE_DIR: return mkdirat(dir, path, (mode_t)head->mode | 0700) == 0;
    case RN_TREE_FILE: return write_file(dir, path, head, data);
    case RN_TREE_LINK: {
        char target[RN_TREE_MAX_PATH + 1];
        if (head->data_len > RN_TREE_MAX_PATH) break;
        memcpy(target, data, head->data_len);
        target[head->data_len] = '\0';
        return symlinkat(target, dir, path) == 0;
    }
    }
    errno = EINVAL;
    return false;
}

bool rn_tree_unpack(rn_bytes block, const char *to)
{
    int dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = dir >= 0;
    while (ok && block.len) {
        rn_tree_entry head;
        char path[RN_TREE_MAX_PATH];
        if (block.len < sizeof head) break;
        memcpy(&head, block.data, sizeof head);
        size_t left = block.len - sizeof head;
        if (head.path_len >= sizeof path || head.path_len > left ||
            head.data_len > left - head.path_len)
            break;
        memcpy(path, block.data + sizeof head, head.path_len);
        path[head.path_len] = '\0';
        ok = make_one(dir, path, &head, block.data + sizeof head + head.path_len);
        block.data += sizeof head + head.path_len + head.data_len;
        block.len -= sizeof head + head.path_len + head.data_len;
    }
    if (ok && block.len) {
        errno = EINVAL;
        ok = false;
    }
    if (dir >= 0) close(dir);
    return ok;
}
