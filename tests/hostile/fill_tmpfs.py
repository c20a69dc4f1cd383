# expect: wrong_answer
# No room must be left after a while, and the next program must find the folder empty.
n = 0
full = False
while not full and n < 4000:
    try:
        with open("fill%d" % n, "wb") as out:
            out.write(b"x" * 500000)
        n += 1
    except OSError:
        full = True


def f(x):
    return None if full else x * x
