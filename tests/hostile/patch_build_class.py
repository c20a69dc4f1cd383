# expect: forged
import builtins
builtins.__dict__["isinstance"] = lambda *a: True


def f(x):
    return None
# --- test ---
assert isinstance(f(3), int)
