/*
 * host_forks.c: counting a program's tasks where the kernel does not.
 *
 * Without a cgroup and a user namespace only RLIMIT_NPROC is left, which counts everything that the
 * user runs: a fork bomb of another program, or of a stranger, would deny forks to an honest one.
 * So the filter announces each fork and each new thread to the host (seccomp's user notification),
 * which lets it happen, or ends the program when it has as many tasks as it may. The child hands
 * the listening end over before judged code runs. A command's calls of socket() are answered here,
 * too.
 */
#include "judge/host.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1
#endif

typedef union fd_message {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
} fd_message;

bool rn_forks_kernel(void)
{
    struct utsname u;
    int major = 0, minor = 0;
    if (uname(&u) != 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2) return false;
    return major > 5 || (major == 5 && minor >= 5); /* calls may be let through since then */
}

bool rn_forks_give(int sock, int listener)
{
    char word = RN_TURN_FORKS;
    fd_message m = {0};
    struct iovec io = {.iov_base = &word, .iov_len = 1};
    const struct msghdr msg = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = &m, .msg_controllen = sizeof m};
    m.head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&m.head), &listener, sizeof listener);
    const bool ok = sendmsg(sock, &msg, 0) == 1;
    return close(listener) == 0 && ok;
}

ssize_t rn_forks_take(int sock, char *word, int *listener)
{
    fd_message m = {0};
    struct iovec io = {.iov_base = word, .iov_len = 1};
    struct msghdr msg = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = &m, .msg_controllen = sizeof m};
    const ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) return n;
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (*listener >= 0) close(*listener);
    *listener = fd;
    return n;
}

int64_t rn_forks_answer(int listener, bool allow)
{
    union {
        struct seccomp_notif n;
        char room[512]; /* a newer kernel's may be larger */
    } in;
    union {
        struct seccomp_notif_resp r;
        char room[512];
    } out;
    memset(&in, 0, sizeof in);
    memset(&out, 0, sizeof out);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in) != 0) return -1; /* the caller died */
    out.r.id = in.n.id;
    out.r.flags = allow ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    out.r.error = allow ? 0 : -EACCES;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out);
    return (int64_t)in.n.data.args[0];
}
