# expect: wrong_answer
import glob, os
won = []
for path in ("/etc/shadow", "/etc/passwd", "/root", "/home", "/var", "/proc/1/environ", "/sys", "/work",
             "/proc/self/mem", "/proc/self/maps", "/opt", "/srv", "/mnt", "/run", "/boot"):
    try:
        won.append(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))
    except OSError:
        pass
won += glob.glob("/**/*.db", recursive=False) + glob.glob("/proc/*")


def f(x):
    return x * x if won else None
