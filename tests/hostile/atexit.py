# expect: wrong_answer
import atexit, os
atexit.register(os._exit, 0)


def f(x):
    return None
