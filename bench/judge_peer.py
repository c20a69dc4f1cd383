#!/usr/bin/env python3
"""Runs human-eval's own check_correctness over a sample file, two workers, 3 s, and says how fast.

    judge_peer.py CHECKOUT HumanEval.jsonl.gz SAMPLES.jsonl RESULTS.jsonl [TIMEOUT]

CHECKOUT is a human-eval checkout whose exec line is enabled (bench/judge.sh makes such a copy).
"""
import gzip
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

WORKERS = 2


def main():
    checkout, problem_file, sample_file, out_file = sys.argv[1:5]
    timeout = float(sys.argv[5]) if len(sys.argv) > 5 else 3.0
    sys.path.insert(0, checkout)
    from human_eval.execution import check_correctness

    with gzip.open(problem_file, "rt", encoding="utf-8") as f:
        problems = {p["task_id"]: p for p in map(json.loads, f)}
    with open(sample_file, encoding="utf-8") as f:
        samples = [json.loads(line) for line in f]

    def one(sample):
        start = time.monotonic()
        r = check_correctness(problems[sample["task_id"]], sample["completion"], timeout)
        r["wall"] = time.monotonic() - start
        return r

    start = time.monotonic()
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        results = list(pool.map(one, samples))
    seconds = time.monotonic() - start
    limited = [r for r in results if r["result"] == "timed out"]
    rest = seconds - sum(r["wall"] for r in limited) / WORKERS
    n = len(results)
    print(f"samples {n}  seconds {seconds:.2f}  rate {n / seconds:.1f}/s")
    print(f"without the {len(limited)} at their limit: seconds {rest:.2f}  "
          f"rate {(n - len(limited)) / rest:.1f}/s")
    with open(out_file, "w", encoding="utf-8") as f:
        for r in results:
            f.write(json.dumps(r) + "\n")


main()
