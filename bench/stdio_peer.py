#!/usr/bin/env python3
"""stdio_peer.py CHECKOUT DIR PROBLEMS WORKERS: APPS' own script over the programs of stdio_make.py, split among so many of it.

CHECKOUT: of hendrycks/apps. Packages of its that only read data sets and draw are stood in for where they are not installed,
and so is pyext, of which it uses a module made of a text. Prints the rate and how many programs passed all cases."""
import importlib
import json
import os
import subprocess
import sys
import time
import types

checkout, folder, number, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def stand_in(name, **members):
    try:
        importlib.import_module(name)
    except ImportError:
        module = types.ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module


class RuntimeModule:
    @staticmethod
    def from_string(name, doc, text):
        module = types.ModuleType(name, doc)
        exec(text, vars(module))
        return module


def load_dataset(name, split):
    first, _, last = split.partition("[")[2].rstrip("]").partition(":")
    with open(folder + "/set.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f][:number]
    return rows[int(first or 0):int(last or number)]


def worker(first, last):
    stand_in("tqdm", tqdm=lambda x: x)
    stand_in("datasets", load_dataset=load_dataset)
    stand_in("pyext", RuntimeModule=RuntimeModule)
    sys.path.insert(0, checkout + "/eval")
    import test_one_solution
    args = types.SimpleNamespace(split="test", save=folder, start=first, end=last, index=0, stop_early=None, debug=False)
    os.symlink(folder + "/all_codes.json", "%s/%d-%d_codes.json" % (folder, first, last))
    results = test_one_solution.eval_and_save_problems(args)
    passed = sum(all(c is True for c in code) for rows in results.values() for code in rows)
    print("\npassed %d of %d" % (passed, sum(map(len, results.values()))))


if len(sys.argv) > 5:
    worker(int(sys.argv[5]), int(sys.argv[6]))
    sys.exit(0)
bounds = [number * i // workers for i in range(workers + 1)]
start = time.monotonic()
running = [subprocess.Popen([sys.executable, __file__, *sys.argv[1:5], str(a), str(b)], stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.DEVNULL) for a, b in zip(bounds, bounds[1:])]
passed = n = 0
for p in running:
    words = p.communicate()[0].split()
    passed += int(words[-3])
    n += int(words[-1])
seconds = time.monotonic() - start
print("APPS' script: %d programs, %d at a time, %.1f s, %.1f programs/s; passed %d" % (n, workers, seconds, n / seconds, passed))
