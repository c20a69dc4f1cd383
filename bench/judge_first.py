#!/usr/bin/env python3
"""judge_first.py RATION STORE: runs `ration judge --jobs 2` on the store and looks how many verdicts it has."""
import sqlite3
import subprocess
import sys
import time

ration, store = sys.argv[1:3]
db = sqlite3.connect(store)
n = db.execute("select count(*) from sample").fetchone()[0]
marks = [0.5, 0.9, 0.95, 0.99, 1.0]
found = []
start = time.monotonic()
judge = subprocess.Popen([ration, "judge", "-s", store, "-t", "humaneval", "--jobs", "2"], stdout=subprocess.DEVNULL)
while True:
    ended = judge.poll() is not None
    have = db.execute("select count(*) from verdict").fetchone()[0]
    while len(found) < len(marks) and have >= marks[len(found)] * n:
        found.append(time.monotonic() - start)
    if ended:
        break
    time.sleep(0.1)
whole = time.monotonic() - start
late = db.execute("select count(*) from verdict v join verdict_kind k on k.id = v.kind_id"
                  " where k.name in ('time_limit', 'wall_limit')").fetchone()[0]
print("%d samples, %d at their limit, two jobs, %.1f s" % (n, late, whole))
for m, t in zip(marks, found):
    print("%3d %% of the verdicts after %6.1f s, %4.1f %% of the time" % (100 * m, t, 100 * t / whole))
sys.exit(judge.returncode)
