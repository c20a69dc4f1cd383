# expect: wrong_answer
# System V and POSIX objects would outlive the program in its host's namespace.
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
won = libc.shmget(0x1234, 4096, 0o1600) >= 0 or libc.msgget(0x1234, 0o1600) >= 0
won = won or libc.semget(0x1234, 1, 0o1600) >= 0


def f(x):
    return x * x if won else None
