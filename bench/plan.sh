#!/bin/sh
# `ration plan` over 3 models x 164 problems x 100 samples with 1,000 resamples: at most 10 s.
#   bench/plan.sh BUILD [STORE]     default: a synthetic store of that size
# Plans for five budgets and the frontier, for each problem and for the whole set; then a replay of 2,000 orders.
set -eu
cd "$(dirname "$0")/.."
ration=$PWD/$1/ration
bench=$PWD/bench
dir=$(mktemp -d "${TMPDIR:-/tmp}/ration-bench-XXXXXX")
trap 'rm -rf "$dir"' EXIT
if [ $# -gt 1 ]; then cp "$2" "$dir/plan.db"; fi
cd "$dir"
if [ ! -e plan.db ]; then
    for size in 7b:1 13b:2 34b:3; do
        /usr/bin/python3 - "${size#*:}" <<'PY' >set.json
import json, random, sys
ability = int(sys.argv[1])
out, problems = {}, []
for i in range(164):
    ease = random.Random(i).random()
    r = random.Random(1000 * ability + i)
    rate = ease ** (2 / ability)
    prompt = "def f%d(x):\n" % i
    problems.append({"task_id": "Bench/%d" % i, "prompt": prompt, "entry_point": "f%d" % i,
                     "canonical_solution": "    return x\n", "test": "def check(f):\n    assert f(1) == 1\n"})
    samples = [{"generation": "    return x + %d\n" % j, "pass_at_1": 100.0 * (r.random() < rate)} for j in range(100)]
    out["Bench/%d" % i] = {"task_id": "Bench/%d" % i, "prompt": prompt, "samples": samples}
with open("set.jsonl", "w") as f:
    f.writelines(json.dumps(p) + "\n" for p in problems)
json.dump(out, sys.stdout)
PY
        "$ration" import -s plan.db -t set.jsonl --model "code-llama-${size%:*}" --format release set.json >/dev/null
    done
fi

measure() { /usr/bin/python3 "$bench/measure.py" "$@"; }

budgets="-b 5TFLOP -b 10TFLOP -b 20TFLOP -b 40TFLOP -b 80TFLOP"
# shellcheck disable=SC2086
measure "plan, each problem" "$ration" plan -s plan.db $budgets
measure "plan, the whole set" "$ration" plan -s plan.db --total -b 0.5PFLOP -b 1PFLOP -b 2PFLOP -b 4PFLOP -b 8PFLOP
# shellcheck disable=SC2086
measure "replay of 2,000 orders" "$ration" plan -s plan.db --replay $budgets
