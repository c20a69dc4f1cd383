"""Rewrites the figures of README.md and docs/ that follow from the recorded samples.

    tools/figures.py [--check] [--stores DIR] [NAME...]      `make figures`

A figure stands between `<!-- figure NAME -->` and `<!-- end -->`. It is made from what `ration` prints
as JSON about a store that the commands of docs/REPRODUCE.md make: so a document never says what the
code does not. Stores are made once, in DIR (build/figures), from $RATION_DATA/samples; judging them
takes some ten minutes on two cores. --check changes nothing and exits with 1 when a figure differs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
RATION = os.environ.get("RATION", os.path.join(ROOT, "build", "ration"))
DATA = os.environ.get("RATION_DATA", os.path.join(ROOT, "..", "shared", "data"))
SIZES = ("7b", "13b", "34b")
PAGES = ["README.md"] + ["docs/" + n for n in sorted(os.listdir(os.path.join(ROOT, "docs")))
                         if n.endswith(".md")]


def ration(*args, ok=(0,)):
    done = subprocess.run([RATION, *args], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in ok:
        sys.exit(f"figures: ration {' '.join(args)} ended with {done.returncode}")
    return done.stdout


# ---- stores -------------------------------------------------------------------------------------------

def samples(name):
    path = os.path.join(DATA, "samples", name)
    if not os.path.exists(path):
        sys.exit(f"figures: {path} is missing: name the folder of recorded samples in RATION_DATA")
    return path


def make_wizard(path):
    for s in SIZES:
        model = f"wizardcoder-python-{s}"
        common = ["import", "-s", path, "-t", "humaneval", "--data", DATA, "--model", model]
        ration(*common, "--cost", f"code-llama-{s}", "-r", "temperature=0.8", "-r", "top_p=0.95",
               samples(f"{model}.humaneval.jsonl.gz"))
        ration(*common, "--greedy", samples(f"{model}.humaneval.greedy.jsonl"))
    ration("judge", "-s", path, "-t", "humaneval", "--data", DATA)


def make_codegen(path):
    ration("import", "-s", path, "-t", "humaneval", "--data", DATA, "--model", "codegen-16b",
           "--format", "codet", "--prompts", samples("codet.HumanEval_for_code_generation.jsonl"),
           samples("codegen-16b.humaneval.codet.jsonl.gz"))
    ration("judge", "-s", path, "-t", "humaneval", "--data", DATA)


MAKERS = {"wizard": make_wizard, "codegen": make_codegen}
STORES = os.path.join(ROOT, "build", "figures")


def store(name):
    path = os.path.join(STORES, name + ".db")
    if not os.path.exists(path):
        os.makedirs(STORES, exist_ok=True)
        print(f"figures: making {path}", file=sys.stderr)
        MAKERS[name](path + ".new")
        ration("merge", "-s", path + ".new")  # the write-ahead log into the file
        shutil.move(path + ".new", path)
    return path


KEPT = {}


def wizard():
    """The report of the README's comparison, as JSON."""
    if "wizard" not in KEPT:
        KEPT["wizard"] = json.loads(ration(
            "report", "-s", store("wizard"), "--profile", "paper-8xa100", "--reach", "0.8",
            "--compare", "wizardcoder-python-7b,wizardcoder-python-34b", "--format", "json"))
    return KEPT["wizard"]


# ---- words ----------------------------------------------------------------------------------------------

def percent(p):
    return f"{100 * p:.1f}"


def interval(p):
    return f"{percent(p['value'])} [{percent(p['lo'])}, {percent(p['hi'])}]"


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
                     + ["| " + " | ".join(r) + " |" for r in rows]) + "\n"


def series(metric, size):
    return next(s for s in wizard()["series"] if s["metric"] == metric
                and s["model"].endswith("-" + size) and s["ranker"] is None)


def affordable(axis, size, k):
    """What a model reaches at the cost of k samples of 7B; None where that buys it no sample."""
    axis = next(a for a in wizard()["tasks"][0]["axes"] if a["axis"] == axis)
    row = next(b for b in axis["budgets"] if abs(b["normalised"] / k - 1) < 1e-9)
    cell = next((m for m in row["models"] if m["model"].endswith("-" + size)), None)
    return cell if cell and cell["k"] else None


def model_row(size):
    return next(m for m in wizard()["tasks"][0]["models"] if m["model"].endswith("-" + size))


# ---- figures --------------------------------------------------------------------------------------------

def readme_budgets():
    f, t = "flops", "seconds"
    rows = []
    for k in (2, 4, 8, 16, 32):
        cells = {(a, s): affordable(a, s, k) for a in (f, t) for s in SIZES}
        value = lambda m, s: percent(cells[m, s]["value"]) if cells[m, s] else ""
        leads = lambda m: max((s for s in SIZES if cells[m, s]),
                              key=lambda s: cells[m, s]["value"]).upper()
        rows.append([str(k), value(f, "7b"), value(f, "13b"), value(f, "34b"), leads(f),
                     value(t, "13b"), value(t, "34b"), leads(t)])
    return table(["budget", "7B", "13B", "34B, FLOPs", "leads, FLOPs", "13B, time", "34B, time",
                  "leads, time"], rows)


def wizard_models():
    task = wizard()["tasks"][0]
    reach = {s: next(r for r in task["reach"] if r["model"].endswith("-" + s)) for s in SIZES}
    at = lambda s, k: interval(next(p for p in series("pass@k", s)["points"] if p["k"] == k))
    rows = [["passed, of 16,400"] + [f"{model_row(s)['passed']:,}" for s in SIZES],
            ["greedy, %"] + [percent(series("pass@k", s)["greedy"]) for s in SIZES]]
    rows += [[f"pass@{k}"] + [at(s, k) for s in SIZES] for k in (1, 8, 50)]
    rows.append(["80 %: k, TFLOP, seconds"]
                + [f"{reach[s]['k']}, {reach[s]['flops'] / 1e12:.1f}, {reach[s]['seconds']:.2f}"
                   for s in SIZES])
    return table(["", "7B", "13B", "34B"], rows)


def wizard_difference():
    compared = wizard()["tasks"][0]["comparison"]
    unit = {"flops": series("pass_flops@f", "7b")["points"][0]["x"],
            "seconds": series("pass_time@t", "7b")["points"][0]["x"]}

    def cell(axis, k):
        row = min(compared[axis], key=lambda r: abs(r["x"] - k * unit[axis]))
        assert abs(row["x"] / (k * unit[axis]) - 1) < 1e-6, f"no budget of {k} samples: {row}"
        return f"{percent(row['difference'])} [{percent(row['lo'])}, {percent(row['hi'])}]"

    rows = [[("at %d samples of 7B" if k == 8 else "at %d") % k, cell("flops", k), cell("seconds", k)]
            for k in (8, 16, 32)]
    return table(["7B less 34B, points", "equal FLOPs", "equal wall-time"], rows)


NAMES = {"adaptive": "adaptive", "small-only": "small-only (7B)", "large-only": "large-only (34B)",
         "cascade": "cascade (7B, 34B)", "only wizardcoder-python-13b": "only 13B"}


def replay(budgets, unit, scale, extra):
    args = [x for b in budgets for x in ("-b", f"{b:g}{unit}")]
    said = json.loads(ration("plan", "-s", store("wizard"), "--replay", "--format", "json",
                             *extra, *args))
    rows = []
    for row in said["replays"][0]["budgets"]:
        policy = {p["policy"]: p for p in row["policies"]}
        cells = []
        for name in NAMES:
            p = policy[name]
            score = interval(p["score"]) if p["score"]["value"] else "0"
            cells.append(f"{score}; {p['cost']['value'] / scale:.3g}")
        a = policy["adaptive"]["ahead"]
        cells.append("%+.1f [%+.1f, %+.1f]" % tuple(100 * a[k] for k in ("value", "lo", "hi")))
        rows.append([f"{row['budget'] / scale:g}"] + cells)
    what = "TFLOP per problem" if unit == "TFLOP" else "seconds per problem"
    return table([what] + list(NAMES.values()) + ["adaptive less the best fixed"], rows)


FIGURES = {
    "readme-budgets": readme_budgets,
    "wizard-models": wizard_models,
    "wizard-difference": wizard_difference,
    "replay-flops": lambda: replay((5, 10, 20, 40, 80), "TFLOP", 1e12, []),
    "replay-seconds": lambda: replay((1.5, 3, 6, 12, 20), "s", 1, ["--profile", "paper-8xa100"]),
}


def main():
    global STORES
    ap = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    ap.add_argument("--check", action="store_true", help="change nothing; 1 when a figure differs")
    ap.add_argument("--stores", default=STORES, help="folder of the stores (build/figures)")
    ap.add_argument("names", nargs="*", help="some figures only")
    o = ap.parse_args()
    STORES = os.path.abspath(o.stores)
    mark = re.compile(r"(<!-- figure ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.S)
    stale, seen = [], set()
    for page in PAGES:
        path = os.path.join(ROOT, page)
        with open(path, encoding="utf-8") as f:
            text = f.read()

        def fresh(m, page=page):
            seen.add(m.group(2))
            if o.names and m.group(2) not in o.names:
                return m.group()
            if m.group(2) not in FIGURES:
                sys.exit(f"figures: {page} names an unknown figure '{m.group(2)}'")
            body = FIGURES[m.group(2)]()
            if body != m.group(3):
                stale.append(f"{page}: {m.group(2)}")
            return m.group(1) + body + m.group(4)

        changed = mark.sub(fresh, text)
        if changed != text and not o.check:
            with open(path, "w", encoding="utf-8") as f:
                f.write(changed)
    unused = set(FIGURES) - seen
    if unused and not o.names:
        sys.exit(f"figures: no page shows {', '.join(sorted(unused))}")
    for line in stale:
        print(("differs: " if o.check else "rewritten: ") + line)
    print(f"{len(seen)} figures, {len(stale)} {'differ' if o.check else 'rewritten'}")
    return 1 if o.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
