# expect: memory_limit
import os, time
for i in range(8):
    if os.fork() == 0:
        keep = b"x" * (100 << 20)
        time.sleep(1000)
time.sleep(1000)
