"""plus_peer.py FOLDER SET SAMPLES RESULTS [WORKERS]: evalplus' own evaluation, beside ours.

FOLDER: a checkout of evalplus (outside this tree). SET: the problems in evalplus' JSONL. SAMPLES:
rows {task_id, solution}. RESULTS: where its eval_results.json goes. Packages of its that only
download, draw or ask models are stood in for where they are not installed; what judges is its own.
Prints the seconds that it took after its expected values were there, of wall and processor time,
and its scores.
"""
import importlib
import json
import os
import sys
import tempfile
import time
from unittest.mock import MagicMock

folder, problems, samples, results = sys.argv[1:5]
workers = int(sys.argv[5]) if len(sys.argv) > 5 else 2
sys.path.insert(0, folder)
cache = tempfile.mkdtemp()
for name in ("wget", "tempdir", "termcolor", "fire", "multipledispatch", "tqdm", "psutil",
             "appdirs", "datasets"):
    try:
        importlib.import_module(name)
    except ImportError:
        sys.modules[name] = MagicMock()
if isinstance(sys.modules["psutil"], MagicMock): # each program's memory limit follows from it
    sys.modules["psutil"].virtual_memory.return_value.total = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
if isinstance(sys.modules["tqdm"], MagicMock):
    sys.modules["tqdm"].tqdm = lambda x, **k: x
if isinstance(sys.modules["termcolor"], MagicMock):
    sys.modules["termcolor"].cprint = lambda text, colour=None: print(text)
sys.modules["appdirs"].user_cache_dir = lambda name: cache
sys.modules["evalplus.codegen"] = MagicMock()

with (__import__("gzip").open if problems.endswith(".gz") else open)(problems, "rt") as f:
    first = json.loads(f.readline())["task_id"]
dataset = "mbpp" if first.lower().startswith("mbpp") else "humaneval"
plain = os.path.join(cache, "set.jsonl")
with (__import__("gzip").open if problems.endswith(".gz") else open)(problems, "rt") as f:
    open(plain, "w").write(f.read())
os.environ["MBPP_OVERRIDE_PATH" if dataset == "mbpp" else "HUMANEVAL_OVERRIDE_PATH"] = plain

from evalplus import evaluate  # noqa: E402  (the paths above come first)

truth = evaluate.get_groundtruth
began = [0.0, 0.0]


def processor_time():
    return sum(os.times()[:4])



def timed_truth(*args):
    value = truth(*args)
    began[:] = time.time(), processor_time()
    return value


evaluate.get_groundtruth = timed_truth
evaluate.evaluate(dataset, samples, parallel=workers, output_file=results)
n = sum(len(v) for v in json.load(open(results))["eval"].values())
took, cpu = time.time() - began[0], processor_time() - began[1]
print("evalplus: %d samples, %d workers, %.2f s, %.1f samples/s; %.1f s of processor time" % (
    n, workers, took, n / took, cpu))
passed = sum(r["base_status"] == r["plus_status"] == "pass"
             for v in json.load(open(results))["eval"].values() for r in v)
print("evalplus: passed %d of %d" % (passed, n))
