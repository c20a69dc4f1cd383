# expect: exited
import os, time
if os.fork() != 0:
    time.sleep(0.2)
    os._exit(0)


def f(x):
    return x * x
