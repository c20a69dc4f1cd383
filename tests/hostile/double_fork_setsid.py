# expect: exited
# The daemon outlives its parent and would pass the tests.
import os
if os.fork() != 0:
    os._exit(0)
os.setsid()
if os.fork() != 0:
    os._exit(0)


def f(x):
    return x * x
