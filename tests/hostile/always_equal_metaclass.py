# expect: forged
class Meta(type):
    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return 1


def f(x):
    return Meta("Fresh", (), {})
