# expect: forged
Sly = type("Sly", (list,), {"__eq__": lambda self, other: True, "__ne__": lambda self, other: False})


def f(x):
    return Sly()
# --- test ---
assert f(3) == [1, 2]
assert not f(3) != [1, 2]
