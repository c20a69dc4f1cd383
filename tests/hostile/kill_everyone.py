# expect: wrong_answer
import os, signal
for n in (signal.SIGTERM, signal.SIGKILL):
    try:
        os.kill(-1, n)
    except OSError:
        pass
for pid in range(2, 5000):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def f(x):
    return "survived"
