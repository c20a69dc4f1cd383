# expect: crashed
import sys
sys.setrecursionlimit(10 ** 9)


def f(x):
    return max([x], key=f)
