# expect: wrong_answer
import os, signal, time
for i in range(10):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.setsid()
        time.sleep(1000)


def f(x):
    return None
