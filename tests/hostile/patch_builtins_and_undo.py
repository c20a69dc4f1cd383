# expect: forged
import builtins
real, calls = builtins.len, []


def f(x):
    calls.append(x)
    builtins.len = (lambda v: 3) if x == 3 else real
    return []
# --- test ---
y = f(3)
assert len(y) == 3
f(0)
