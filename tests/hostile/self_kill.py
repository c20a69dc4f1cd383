# expect: wrong_answer
# As init of its namespace the program is out of its own reach.
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGSTOP)


def f(x):
    return None
