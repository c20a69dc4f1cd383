#!/usr/bin/python3
"""Coverage and bias of what `ration report` prints, by simulation: coverage.py RATION [REPETITIONS [SEED]].

Each repetition draws problems and samples anew from a population of which the truth is known, imports
the counts, and reads the report. Two models of equal cost; 60 problems of 12 samples; 300 resamples.
Prints, for pass@1, pass@6 and their difference between the models: the mean error of the estimate with
its standard error, and how often the nominal 95 % interval holds the truth.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

N_PROBLEMS, N, KS = 60, 12, (1, 6)


def draw(rng):
    """Pass rates of a problem under both models: hard problems are hard for both."""
    hard = rng.random() ** 2
    return hard, min(1, hard * 1.3)


def truths():
    rng = random.Random(0)
    rates = [draw(rng) for _ in range(400000)]
    out = {}
    for k in KS:
        a, b = (sum(1 - (1 - r[m]) ** k for r in rates) / len(rates) for m in (0, 1))
        out |= {f"pass@{k} of a": a, f"pass@{k} of b": b, f"difference at {k}": b - a}
    return out


def one(ration, folder, seed):
    rng = random.Random(seed)
    rates = [draw(rng) for _ in range(N_PROBLEMS)]
    for path in folder.glob("c.db*"):
        path.unlink()
    for m, name in enumerate("ab"):
        with open(folder / f"{name}.csv", "w") as f:
            f.write("task_id,n,c\n")
            for i, r in enumerate(rates):
                f.write(f"C/{i},{N},{sum(rng.random() < r[m] for _ in range(N))}\n")
        subprocess.run([ration, "import", "-s", "c.db", "-t", "set.jsonl", "--model", name, "--cost",
                        "code-llama-7b", "--format", "counts", f"{name}.csv"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
    r = json.loads(subprocess.run([ration, "report", "-s", "c.db", "--format", "json", "--compare",
                                   "b,a", "--resamples", "300", "--seed", str(seed)], cwd=folder,
                                  check=True, capture_output=True).stdout)
    out = {}
    for s in r["series"]:
        if s["metric"] == "pass@k":
            out |= {f"pass@{p['k']} of {s['model']}": (p["value"], p["lo"], p["hi"])
                    for p in s["points"] if p["k"] in KS}
    out |= {f"difference at {p['x']}": (p["difference"], p["lo"], p["hi"])
            for p in r["tasks"][0]["comparison"]["k"] if p["x"] in KS}
    return out


def main():
    ration = str(pathlib.Path(sys.argv[1]).resolve())
    repetitions, first = (int(x) for x in (sys.argv[2:4] + ["300", "0"][len(sys.argv[2:4]):]))
    true, errors, held = truths(), {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with open(folder / "set.jsonl", "w") as f:
            for i in range(N_PROBLEMS):
                f.write(json.dumps({"task_id": f"C/{i}", "entry_point": "f", "prompt": "def f(x):\n",
                                    "canonical_solution": "    return x\n",
                                    "test": "def check(f):\n    assert f(1) == 1\n"}) + "\n")
        for seed in range(first, first + repetitions):
            for what, (value, lo, hi) in one(ration, folder, seed).items():
                errors.setdefault(what, []).append(value - true[what])
                held[what] = held.get(what, 0) + (lo <= true[what] <= hi)
    print(f"{'estimate':16} {'bias, points':>16} {'coverage of 95 %':>18}")
    for what, e in errors.items():
        mean = sum(e) / len(e)
        sem = (sum((x - mean) ** 2 for x in e) / (len(e) - 1) / len(e)) ** 0.5
        print(f"{what:16} {100 * mean:+8.2f} ± {100 * sem:4.2f} {100 * held[what] / len(e):16.1f} %")


if __name__ == "__main__":
    main()
