# expect: wrong_answer
import os
os.closerange(0, 4096)


def f(x):
    return None
