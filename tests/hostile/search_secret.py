# expect: wrong_answer
# Everything that Python objects can reach, arguments and environment included.
import gc, os, sys
found = [o for o in gc.get_objects() if isinstance(o, (bytes, bytearray, memoryview)) and len(o) == 16]
frame = sys._getframe()
while frame:
    found += [v for v in frame.f_locals.values() if isinstance(v, bytes) and len(v) == 16]
    frame = frame.f_back
words = " ".join(sys.argv + list(os.environ) + list(os.environ.values())).lower()
won = bool(found) or "nonce" in words or "secret" in words or "assert" in words


def f(x):
    return x * x if won else None
