# expect: wrong_answer
# A file of an earlier program, or of another one beside this, would be seen here.
import os
won = os.listdir(".") or os.listdir("/dev/shm")
os.mkdir("left")
open("left/over", "w").close()
os.chmod(".", 0o500)


def f(x):
    return x * x if won else None
