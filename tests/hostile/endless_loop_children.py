# expect: time_limit
import os, time
for i in range(4):
    if os.fork() == 0:
        while True:
            pass
time.sleep(1000)
