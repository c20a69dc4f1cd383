#!/usr/bin/env python3
"""plus_copies.py SET COPIES OUT: the canonical solutions of an evalplus file, so many copies of each, which differ
in a comment: rows {task_id, solution} for both sides of bench/plus.sh."""
import gzip
import json
import sys

path, copies, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
    problems = [json.loads(line) for line in f]
inputs = sum(len(p["base_input"]) + len(p["plus_input"]) for p in problems)
with open(out, "w", encoding="utf-8") as f:
    for p in problems:
        for i in range(copies):
            text = "%s%s\n# copy %d\n" % (p["prompt"], p["canonical_solution"], i)
            f.write(json.dumps({"task_id": p["task_id"], "solution": text}) + "\n")
print("%d problems, %d inputs, %d programs" % (len(problems), inputs, copies * len(problems)))
