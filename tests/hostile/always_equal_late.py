# expect: forged
# The operator arrives only when the test is running.
class Plain:
    pass


def f(x):
    setattr(Plain, "__e" + "q__", lambda self, other: isinstance(other, int))
    return Plain()
