# expect: forged
class Anything:
    def __eq__(self, other):
        return True


def f(x):
    return Anything()
