#!/usr/bin/env python3
"""Checks a problem set in HumanEval's form that make_mini.py wrote: check_mini.py data/mini/mini.jsonl

Every reference solution passes its own tests, every problem has at least six assertions, and at least
90 % of the mutants of all reference solutions fail. Prints one line; exits 1 if something is wrong.
"""

import json
import sys

from make_mini import MIN_ASSERTS, MIN_KILLED, Slow, mutants


def passes(program):
    budget = [20000]

    def trace(frame, event, arg):
        budget[0] -= 1
        if budget[0] < 0:
            raise Slow
        return trace

    sys.settrace(trace)
    try:
        exec(program, {})
        return True
    except Exception:
        return False
    finally:
        sys.settrace(None)


def main(path):
    wrong, killed, total, ids = [], 0, 0, set()
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    for r in rows:
        tail = f"\n{r['test']}\ncheck({r['entry_point']})\n"
        source = r["prompt"] + r["canonical_solution"]
        if r["task_id"] in ids:
            wrong.append(f"{r['task_id']}: id occurs twice")
        ids.add(r["task_id"])
        if not passes(source + tail):
            wrong.append(f"{r['task_id']}: the reference fails")
        if r["test"].count("    assert ") < MIN_ASSERTS:
            wrong.append(f"{r['task_id']}: too few assertions")
        for m in mutants(source):
            total += 1
            killed += not passes(m + tail)
    if killed < MIN_KILLED * total:
        wrong.append(f"only {killed} of {total} mutants fail")
    for w in wrong:
        print(w, file=sys.stderr)
    print(f"{len(rows)} problems, {killed} of {total} mutants fail ({killed / total:.1%})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
