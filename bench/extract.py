#!/usr/bin/python3
"""What the extractors make of recorded answers: how many programs Python's own parser reads.

    bench/extract.py BUILD DATA

One line for each file and extractor: answers, answers with code, programs that parse.
"""
import ast
import json
import subprocess
import sys
import warnings

FILES = [
    ("mbpp", "wizardcoder-python-7b.mbpp.greedy.raw.jsonl.gz", "completion",
     "raw/1 stop/1 chat/5 auto/5"),
    ("humaneval", "untruncated/humaneval_CodeLlama-7b-hf.jsonl.gz", "solution",
     "whole/2 stop/1 completion/5 auto/5"),
    ("mbpp-full", "untruncated/mbpp_CodeLlama-7b-hf.jsonl.gz", "solution",
     "whole/2 stop/1 completion/5 auto/5"),
    ("humaneval", "wizardcoder-python-7b.humaneval.jsonl.gz", "completion",
     "raw/1 stop/1 completion/5 auto/5"),
    ("humaneval", "codegen-16b.humaneval.codet.jsonl.gz", "samples",
     "raw/1 stop/1 completion/5 auto/5"),
]


def parses(source):
    try:
        ast.parse(source)
        return True
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def main(build, data):
    warnings.simplefilter("ignore")
    print("%-52s %-13s %8s %9s %8s %6s" % ("file", "extractor", "answers", "with code", "parse", "MB/s"))
    for task, name, field, extractors in FILES:
        for extractor in extractors.split():
            run = subprocess.run([build + "/bench/bench_extract", task, data,
                                  data + "/samples/" + name, field, extractor],
                                 capture_output=True, text=True, check=True)
            rows = [json.loads(line) for line in run.stdout.splitlines()]
            known = {}
            for r in rows:
                if r["program"] not in known:
                    known[r["program"]] = parses(r["program"])
            print("%-52s %-13s %8d %9d %8d %6s" % (
                name, extractor, len(rows), sum(r["found"] for r in rows),
                sum(known[r["program"]] for r in rows), run.stderr.split()[-2]))


main(sys.argv[1], sys.argv[2])
