# expect: wrong_answer
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_TRACEME, PTRACE_ATTACH = 0, 16
won = libc.ptrace(PTRACE_TRACEME, 0, 0, 0) == 0
for pid in range(1, 400):
    won = won or libc.ptrace(PTRACE_ATTACH, pid, 0, 0) == 0


def f(x):
    return x * x if won else None
