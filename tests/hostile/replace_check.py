# expect: forged
import threading, time


def replace():
    while "check" not in globals():
        time.sleep(0.001)
    globals()["check"] = lambda candidate: None


threading.Thread(target=replace, daemon=True).start()


def f(x):
    return None
# --- test ---
def check(candidate):
    assert candidate(3) == 9


import time
time.sleep(0.3)
check(f)
