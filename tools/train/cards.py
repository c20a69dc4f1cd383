#!/usr/bin/env python3
"""Measures the bundled models and writes models/README.md and models/loss.svg: cards.py [--samples N]

Runs build/ration: one greedy answer and N samples of each problem of `mini`, judged; the curves are those of
`ration report`. Data, steps and time come from the training logs beside the models. Needs gnuplot.
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RATION = os.path.join(ROOT, "build", "ration")
SIZES = ["xs", "s", "m", "l"]
KS = [1, 2, 4, 8, 16, 32]
MAX_TOKENS = "160"


def ration(*args):
    done = subprocess.run([RATION, *args], capture_output=True, text=True)
    if done.returncode > 1:  # 1: the report misses something, such as wall-times, which are no part of a card
        sys.exit(f"cards: ration {' '.join(args)}: {done.stderr}")
    return done.stdout


def curves(path, store, samples):
    """The model's series of the report: (greedy, {k: (value, lo, hi)}), in percent."""
    for extra in (["--greedy"], ["-n", str(samples)]):
        ration("generate", "-m", path, "-t", "mini", "-s", store, "--max-tokens", MAX_TOKENS, *extra)
    ration("judge", "-t", "mini", "-s", store, "--cpu-limit", "1")
    name = os.path.basename(path)[:-5]
    for s in json.loads(ration("report", "-s", store, "--format", "json"))["series"]:
        if s["metric"] == "pass@k" and s["model"] == name:
            return 100 * s["greedy"], {p["k"]: [100 * p[x] for x in ("value", "lo", "hi")] for p in s["points"]}
    sys.exit(f"cards: no pass@k of {name} in the report")


def log(path):
    with open(path, encoding="utf-8") as f:
        return list(csv.DictReader(f))


def plot(models):
    lines = [f"'{os.path.join(models, f'ration-mini-{s}.log.csv')}' using 2:3 skip 1 with lines lw 1.5 title '{s}'"
             for s in SIZES]
    script = f"""set datafile separator ','; set terminal svg size 720,400 font 'sans,12'
set output '{os.path.join(models, "loss.svg")}'; set logscale y; set grid; set yrange [0.05:3]
set xlabel 'training tokens'; set ylabel 'loss of the bodies, nats a token'; set format x '%.0s %c'
plot {', '.join(lines)}
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--samples", type=int, default=64)
    p.add_argument("--models", default=os.path.join(ROOT, "models"))
    p.add_argument("--checked", required=True, help="what corpus.py --check printed for the whole corpus")
    a = p.parse_args()
    rows, cards = [], []
    for size in SIZES:
        path = os.path.join(a.models, f"ration-mini-{size}.gguf")
        with open(path, "rb") as f:
            data = f.read()
        info = json.loads(ration("inspect", path, "--format", "json"))
        steps = log(path[:-5] + ".log.csv")[-1]
        with tempfile.TemporaryDirectory() as work:
            greedy, curve = curves(path, os.path.join(work, "card.db"), a.samples)
        rows.append(f"| {size} | {info['n_params'] / 1e6:.2f} M | {len(data) / 2**20:.2f} | {greedy:.1f} | "
                    + " | ".join(f"{curve[k][0]:.1f}" for k in KS) + " |")
        cards.append(f"""## ration-mini-{size}

- {info['n_params']:,} parameters: {info['n_layer']} layers, width {info['d_model']}, {info['n_head']} heads of which
  {info['n_kv_head']} for keys and values, feed-forward {info['d_ffn']}; Q8_0, {len(data):,} bytes, SHA-256 `{hashlib.sha256(data).hexdigest()}`
- trained on {int(steps['tokens']):,} tokens in {int(steps['step']):,} steps, {int(steps['seconds']) / 60:.0f} minutes of one core; loss of the
  bodies at the end {float(steps['body_loss']):.3f} nats a token, of the verifier's answers {float(steps['verify_loss']):.3f}
- greedy pass@1 {greedy:.1f} %; pass@k with 95 % intervals: """ + ", ".join(
            f"{k}: {v[0]:.1f} ({v[1]:.1f}-{v[2]:.1f})" for k, v in curve.items() if k in KS) + "\n")
    plot(a.models)
    with open(os.path.join(ROOT, "tools", "train", "card_head.md"), encoding="utf-8") as f:
        head = f.read()
    head = head.replace("@TABLE@", "\n".join(rows)).replace("@N@", str(a.samples)).replace("@CHECKED@", a.checked)
    with open(os.path.join(a.models, "README.md"), "w", encoding="utf-8") as f:
        f.write(head + "\n" + "\n".join(cards))


if __name__ == "__main__":
    main()
