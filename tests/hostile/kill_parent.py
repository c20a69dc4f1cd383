# expect: wrong_answer
import os, signal
for pid in (os.getppid(), 0, 1):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def f(x):
    return "survived"
