# expect: wrong_answer
# New namespaces, mounts, keys, bpf, io_uring, chroot: all must be refused.
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
won = libc.unshare(0x10000000) == 0 or libc.unshare(0x20000) == 0
won = won or libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) == 0
won = won or libc.umount2(b"/tmp", 2) == 0
won = won or libc.chroot(b"/tmp") == 0
for number in (321, 425, 250, 248, 310, 311, 323, 155, 165):
    won = won or libc.syscall(number, 0, 0, 0, 0, 0, 0) >= 0
won = won or libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0) > 0
won = won or libc.sethostname(b"owned", 5) == 0
won = won or libc.setuid(0) == 0


def f(x):
    return x * x if won else None
