# expect: wrong_answer
import os
won = []
for i, target in enumerate(("/etc/shadow", "/proc/1/root/etc/shadow", "../../../etc/shadow", "/dev/mem",
                            "/usr/lib/owned", "/proc/self/fd/3")):
    name = "link%d" % i
    os.symlink(target, name)
    for mode in ("rb", "wb"):
        try:
            with open(name, mode):
                won.append(target)
        except OSError:
            pass
    try:
        os.link(target, "hard%d" % i)
        won.append(target)
    except OSError:
        pass
os.chmod(".", 0o777)


def f(x):
    return x * x if won else None
