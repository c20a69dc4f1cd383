# expect: forged
import sys


class Fake:
    def isclose(self, a, b):
        return True


sys.modules["math"] = Fake()


def f(x):
    return 0
# --- test ---
import math
assert math.isclose(f(3), 9)
