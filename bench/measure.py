#!/usr/bin/env python3
"""Runs a command, its output into out.txt, and prints one line: seconds, processor time, peak memory.

    measure.py LABEL COMMAND...
"""
import resource
import subprocess
import sys
import time

label, command = sys.argv[1], sys.argv[2:]
start = time.monotonic()
with open("out.txt", "wb") as out:
    status = subprocess.call(command, stdout=out)
seconds = time.monotonic() - start
use = resource.getrusage(resource.RUSAGE_CHILDREN)
if status:
    sys.exit(f"{label}: exit status {status}")
cpu, mib = use.ru_utime + use.ru_stime, use.ru_maxrss / 1024
print(f"{label:<34} {seconds:8.2f} s {cpu:8.2f} s cpu {mib:8.0f} MiB")
