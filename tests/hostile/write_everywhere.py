# expect: wrong_answer
import os
won = []
for root, dirs, files in os.walk("/"):
    if root.startswith("/tmp") or root.startswith("/dev/shm") or root.count("/") > 3:
        dirs.clear()
        continue
    for path in [os.path.join(root, "owned")] + [os.path.join(root, n) for n in files[:3]]:
        if path in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"):
            continue
        try:
            with open(path, "ab"):
                won.append(path)
        except OSError:
            pass


def f(x):
    return x * x if won else None
