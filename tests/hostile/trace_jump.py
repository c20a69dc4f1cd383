# expect: forged
import sys


def jump(frame, event, arg):
    if event == "line" and frame.f_code.co_name == "check":
        frame.f_lineno = frame.f_code.co_firstlineno + 3
    return jump


def f(x):
    try:
        raise ValueError
    except ValueError as e:
        frame = e.__traceback__.tb_frame.f_back
    frame.f_trace = jump
    sys.settrace(jump)
    return None
# --- test ---
def check(candidate):
    x = candidate(3)
    assert x == 9
    return None


check(f)
