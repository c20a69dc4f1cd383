# expect: wrong_answer
won = False
for path in ("/proc/self/mem", "/proc/1/mem", "/dev/mem", "/dev/kmem", "/proc/kcore"):
    try:
        open(path, "r+b")
        won = True
    except OSError:
        pass


def f(x):
    return x * x if won else None
