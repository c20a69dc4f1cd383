# expect: wrong_answer
import threading, time


def work():
    while True:
        time.sleep(0.01)


for daemon in (True, False):
    threading.Thread(target=work, daemon=daemon).start()


def f(x):
    return None
