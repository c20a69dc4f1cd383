# plan.bats: `ration plan`: what is best for a budget, and replays of policies, from counts.

load helpers

setup() {
    in_tmpdir
}

teardown() {
    leave_tmpdir
}

# problems N: a set of N problems, big.jsonl.
problems() {
    /usr/bin/python3 - "$1" <<'PY'
import json, sys
with open("big.jsonl", "w") as out:
    for i in range(int(sys.argv[1])):
        out.write(json.dumps({"task_id": f"Big/{i}", "prompt": f"def f{i}(x):\n", "entry_point": f"f{i}",
                              "canonical_solution": "    return x\n", "test": "def check(f):\n    assert f(1) == 1\n"}) + "\n")
PY
}

# counts MODEL N FORMULA: N samples for each problem i, of which FORMULA pass.
counts() {
    /usr/bin/python3 - "$2" "$3" <<'PY' >"$1.csv"
import sys
n = int(sys.argv[1])
total = sum(1 for _ in open("big.jsonl"))
print("task_id,n,c")
for i in range(total):
    print(f"Big/{i},{n},{max(0, min(n, int(eval(sys.argv[2]))))}")
PY
    "$RATION" import -s s.db -t big.jsonl --model "$1" --format counts "$1.csv" >/dev/null
}

three_models() {
    problems 60
    counts code-llama-7b 40 "(i * 7919 % 61) - 12"
    counts code-llama-13b 30 "(i * 7919 % 61) * 0.7 - 6"
    counts code-llama-34b 20 "(i * 7919 % 61) * 0.5 - 3 + i % 3"
}

@test "budgets without a unit, of nothing, of too little, or in two units are errors" {
    three_models
    for bad in 60 0s -5TFLOP many 5parsecs "" '$'; do
        run "$RATION" plan -s s.db --budget "$bad"
        echo "$bad: $status $output"
        [ "$status" -eq 2 ]
        [[ "$output" == *"budget '$bad'"* ]]
    done
    run "$RATION" plan -s s.db -b 60s -b 5TFLOP
    [ "$status" -eq 2 ]
    run "$RATION" plan -s s.db -b 60s --axis flops
    [ "$status" -eq 2 ]
    run "$RATION" plan -s s.db -b 1TFLOP
    [ "$status" -eq 3 ]
    [[ "$output" == *"too small for one sample: the cheapest, of code-llama-7b, costs 1.694 TFLOP"* ]]
}

@test "bad options are usage errors" {
    run "$RATION" plan
    [ "$status" -eq 2 ]
    for args in "--folds 1" "--orders 0" "--format xml" "--axis x" "--replay --total" "--replay --stop" \
        "--plot a.gif" "--cost a" "--confidence 7" "x.db"; do
        run "$RATION" plan -s s.db $args
        echo "$args: $status $output"
        [ "$status" -eq 2 ]
    done
    run "$RATION" plan -s none.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"none.db"* ]]
}

@test "what is missing is said: verdicts, costs, wall-times, problems" {
    make_set
    printf '{"task_id": "Tiny/0", "completion": "    return x\\n"}\n' >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model code-llama-7b a.jsonl
    run "$RATION" plan -s a.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"ration judge"* ]]
    problems 60
    counts mystery 4 "i % 5"
    run "$RATION" plan -s s.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"no model has a cost in FLOPs: no cost entry: give --cost MODEL=ENTRY"* ]]
    run "$RATION" plan -s s.db --cost mystery=code-llama-7b -b 10s
    [ "$status" -eq 3 ]
    [[ "$output" == *"no wall-times: give --profile NAME"* ]]
    run "$RATION" plan -s s.db --cost mystery=code-llama-7b -b 1USD
    [ "$status" -eq 3 ]
    [[ "$output" == *"no prices"* ]]
    run "$RATION" plan -s s.db --cost mystery=code-llama-7b --folds 40
    [ "$status" -eq 3 ]
    [[ "$output" == *"60 problems are too few"* ]]
    run "$RATION" plan -s s.db --cost mystery=code-llama-7b
    [ "$status" -eq 0 ]
}

@test "a model without a cost is left out, with a note and status 1" {
    three_models
    counts mystery 4 "i % 5"
    run "$RATION" plan -s s.db -b 10TFLOP
    [ "$status" -eq 1 ]
    [[ "$output" == *"note: "*"mystery takes no part in plans: no cost entry"* ]]
}

@test "one model: k is what the budget affords, the score pass@k, the cost that of the real draws" {
    problems 60
    counts code-llama-7b 40 "(i * 7919 % 61) - 12"
    "$RATION" plan -s s.db -b 12TFLOP --format json >p.json
    "$RATION" plan -s s.db -b 12TFLOP --replay --orders 3000 --format json >r.json
    /usr/bin/python3 - <<'PY'
import csv, json
from math import comb
rows = [(int(r["n"]), int(r["c"])) for r in csv.DictReader(open("code-llama-7b.csv"))]
one = json.load(open("p.json"))["plans"][0]
assert one["scope"] == "each" and one["axis"] == "flops" and one["folds"] == 5
cost = one["models"][0]["sample"]
k = int(12e12 / cost)
assert k == 7
fail = lambda n, c, j: comb(n - c, j) / comb(n, j)
score = sum(1 - fail(n, c, k) for n, c in rows) / len(rows)
draws = sum(sum(fail(n, c, j) for j in range(k)) for n, c in rows) / len(rows)
for c in one["budgets"][0]["choices"]:
    assert c["choice"] == "single" and c["plan"] == "code-llama-7b x 7", c
    assert abs(c["score"]["value"] - score) < 1e-9, (c, score)
    want = draws * cost if c["stop"] else k * cost
    assert abs(c["cost"]["value"] / want - 1) < 1e-9, (c, want)
for p in json.load(open("r.json"))["replays"][0]["budgets"][0]["policies"]:
    assert abs(p["score"]["value"] - score) < 0.005, (p, score)
    assert abs(p["cost"]["value"] / (draws * cost) - 1) < 0.01, (p, draws)
PY
}

@test "no plan costs a problem more than its budget; several models together keep up with the best one" {
    three_models
    "$RATION" plan -s s.db -b 10TFLOP -b 40TFLOP --format json >p.json
    /usr/bin/python3 - <<'PY'
import json, re
plan = json.load(open("p.json"))["plans"][0]
cost = {m["model"]: m["sample"] for m in plan["models"]}
assert list(cost) == ["code-llama-7b", "code-llama-13b", "code-llama-34b"]
assert [b["budget"] for b in plan["budgets"]] == [10e12, 40e12]
for row in plan["budgets"] + plan["frontier"]:
    share = {True: 0, False: 0}
    for c in row["choices"]:
        worst = sum(cost[m] * int(k) for m, k in
                    re.findall(r"(\S+) x (\d+)", c["plan"].split(" in turns")[0]))
        assert worst <= row["budget"] * (1 + 1e-9), (row["budget"], c)
        assert c["cost"]["value"] <= row["budget"] * (1 + 1e-9), (row["budget"], c)
        if c["plan"] == "nothing":
            assert c["score"]["value"] is None and c["ahead"]["value"] is None and c["first"] is None
            continue
        assert c["score"]["lo"] <= c["score"]["value"] <= c["score"]["hi"]
        share[c["stop"]] += c["first"] or 0
    assert all(abs(s - 1) < 1e-6 for s in share.values()), share
best = {(c["choice"], c["model"]): c["score"]["value"] for c in plan["budgets"][1]["choices"] if c["stop"]}
assert max(best.values()) < max(best["cascade", None], best["mixture", None]) + 0.02, best
PY
    run "$RATION" plan -s s.db -b 3TFLOP # buys one of the smallest
    echo "$output"
    [[ "$output" == *"code-llama-34b alone"*"affords none"* ]]
    [ "$(awk 'length > n { n = length } END { print n }' < <(grep -v ^advice <<<"$output"))" -le 100 ]
    run "$RATION" plan -s s.db --replay -b 8TFLOP
    [ "$(awk 'length > n { n = length } END { print n }' < <(grep -v ^advice <<<"$output"))" -le 100 ]
    run "$RATION" plan -s s.db -b 10TFLOP --no-stop --format csv
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == "task,axis,scope,part,budget,normalised,choice,model,stop,value,lo,hi,cost,"* ]]
    [[ "$output" != *",each,budget,"*",single,,1,"* ]]
}

@test "one budget for the whole set: spent in expectation, and stopping pays" {
    three_models
    "$RATION" plan -s s.db --total -b 400TFLOP --format json >p.json
    /usr/bin/python3 - <<'PY'
import json
plan = json.load(open("p.json"))["plans"][0]
assert plan["scope"] == "total"
row = plan["budgets"][0]
assert abs(row["normalised"] - 400e12 / 60 / plan["unit"]) < 1e-9
c = {(c["choice"], c["stop"]): c for c in row["choices"] if c["model"] is None}
assert c["single", True]["score"]["value"] > c["single", False]["score"]["value"]
assert c["single", True]["ahead"]["lo"] > 0
assert abs(c["mixture", True]["cost"]["value"] * 60 / 400e12 - 1) < 0.15  # of the other folds
assert c["one-model upper line", True]["score"]["value"] >= c["single", True]["score"]["value"]
PY
}

@test "a plan for a budget ends with one line of advice" {
    three_models
    run "$RATION" plan -s s.db -b 10TFLOP
    [ "$status" -eq 0 ]
    [ -z "$(awk 'length > 100' <<<"$output")" ]
    [[ "$(sed -n '/^advice/,$p' <<<"$output" | tr -s ' \n' ' ')" =~ ^"advice for 10 TFLOP: buy up to "[0-9]+" of code-llama-7b, ".*"stop at the first pass: "[0-9.]+" %, "[0-9.]+" TFLOP per problem" ]]
}

@test "replay: five budgets, all policies, the adaptive one keeps up with the best fixed one" {
    three_models
    "$RATION" plan -s s.db --replay --orders 300 -b 3TFLOP -b 6TFLOP -b 12TFLOP -b 24TFLOP -b 48TFLOP \
        --format json >r.json
    /usr/bin/python3 - <<'PY'
import json
r = json.load(open("r.json"))["replays"][0]
assert r["orders"] == 300 and len(r["budgets"]) == 5
for row in r["budgets"]:
    p = {p["policy"]: p for p in row["policies"]}
    assert list(p) == ["adaptive", "small-only", "large-only", "cascade", "only code-llama-13b"], list(p)
    assert not p["adaptive"]["fixed"] and row["best_fixed"] != "adaptive"
    for x in p.values():
        assert x["cost"]["value"] <= row["budget"] * (1 + 1e-9)
    assert p["adaptive"]["ahead"]["hi"] >= 0, (row["budget"], p["adaptive"])
PY
    "$RATION" plan -s s.db --replay --orders 300 -b 3TFLOP -f csv >a.csv
    "$RATION" plan -s s.db --replay --orders 300 -b 3TFLOP -f csv >b.csv
    cmp a.csv b.csv
    [ "$(wc -l <a.csv)" -eq 6 ]
}

@test "n = 1, and problems that nobody solves, are planned for as well" {
    problems 20
    counts code-llama-7b 1 0
    counts code-llama-34b 1 0
    run "$RATION" plan -s s.db -b 20TFLOP
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"+ the budget pays for more samples than curves have"* ]]
    run "$RATION" plan -s s.db -b 20TFLOP --total
    [ "$status" -eq 0 ]
    run "$RATION" plan -s s.db -b 20TFLOP --replay --orders 10
    [ "$status" -eq 0 ]
    [[ "$output" == *"adaptive "*" 0.0 ["*"] +"* ]]
    [[ "$output" == *"+ the budget pays for more samples than are recorded"* ]]
}

@test "figures of a frontier and of a replay" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed: apt install gnuplot-nox"
    three_models
    "$RATION" plan -s s.db --plot f.svg >/dev/null
    grep -q "code-llama-13b" f.svg
    grep -q "cascade" f.svg
    "$RATION" plan -s s.db --replay --orders 20 --plot r.svg >/dev/null
    grep -q "small-only" r.svg
}
