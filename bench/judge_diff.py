#!/usr/bin/env python3
"""Compares two result files line by line: pass@10 and pass@100 of each, and every verdict that differs."""
import json
import sys
from collections import defaultdict
from math import comb


def pass_at(rows, k):
    by = defaultdict(list)
    for r in rows:
        by[r["task_id"]].append(r["passed"])
    if min(map(len, by.values())) < k:
        return float("nan")
    return sum(1 - comb(len(v) - sum(v), k) / comb(len(v), k) for v in by.values()) / len(by)


def main():
    sides = [[json.loads(line) for line in open(path, encoding="utf-8")] for path in sys.argv[1:3]]
    for name, rows in zip(("first", "second"), sides):
        print(f"{name}: pass@1 {pass_at(rows, 1):.4f}  pass@10 {pass_at(rows, 10):.4f}  "
              f"pass@100 {pass_at(rows, 100):.4f}")
    differ = [(i, a, b) for i, (a, b) in enumerate(zip(*sides)) if a["passed"] != b["passed"]]
    print(f"verdicts that differ: {len(differ)} of {len(sides[0])}")
    for i, a, b in differ:
        print(f"  {i} {a['task_id']}: {a.get('verdict', a['passed'])} ({a['result']}, "
              f"cpu {a.get('cpu', 0):.2f} s) against {b['result']!r}")
    return 0


sys.exit(main())
