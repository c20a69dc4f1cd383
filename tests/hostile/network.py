# expect: wrong_answer
import socket
won = False
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_PACKET, socket.AF_NETLINK):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(family, kind)
            won = True
        except OSError:
            pass


def f(x):
    return x * x if won else None
