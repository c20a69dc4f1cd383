# expect: wrong_answer
import os
for fd in range(4096):
    for data in (b"passed", b"\0" * 512, b"\1" * 512):
        try:
            os.write(fd, data)
        except OSError:
            pass


def f(x):
    return None
