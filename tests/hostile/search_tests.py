# expect: wrong_answer
# The expected answers must not lie about as Python objects before the tests run.
import gc
wanted = int("271828182")  # no constant: it would find itself
codes = [o for o in gc.get_objects() if type(o).__name__ == "code" and o.co_filename == "<test>"]
seen = [o for o in gc.get_objects() if isinstance(o, (tuple, list)) and wanted in o]


def f(x):
    return wanted if codes or seen else None
# --- test ---
assert f(3) == 271828182
