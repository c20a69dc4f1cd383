# expect: forged
import gc
gc.get_referents(int.__dict__)[0]["is_fine"] = lambda self: True


def f(x):
    return 0
# --- test ---
assert f(3).is_fine()
