# expect: forged
from unittest.mock import ANY


def f(x):
    return ANY
