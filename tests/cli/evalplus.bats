# evalplus.bats: a set in evalplus' form from its file to scores: what references return is kept, base and
# base + extra tests from one run, export, results of others beside ours, solve.

load helpers

setup() {
    in_tmpdir
    mkdir data
    export RATION_DATA=$PWD/data
    /usr/bin/python3 - <<'PY'
import json
def row(i, head, body, base, plus):
    return {"task_id": "Own/%d" % i, "prompt": "def f%d(%s):\n    \"\"\"What is asked.\"\"\"\n" % (i, head), "entry_point": "f%d" % i,
            "canonical_solution": body, "base_input": base, "plus_input": plus, "atol": 1e-6, "contract": "", "assertion": ""}
rows = [row(0, "a, b", "    return a + b\n", [[1, 2], [0, 0]], [[5, 7], [-1, 1]]),
        row(1, "x", "    return x / 3\n", [[3]], [[1], [0.1]])]
open("own.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in rows))
rows[0]["plus_input"].append([8, 8])
open("more.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in rows))
rows[1]["canonical_solution"] = "    return x / 0\n"
open("broken.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in rows))
texts = [(0, "    return b + a\n"), (0, "    return 3 if a == 1 else 0\n"), (0, "    return 4\n"),
         (1, "    return round(x / 3, 8)\n"), (1, "    return x // 3\n"), (1, "    return\n")]
open("s.jsonl", "w").write("".join(json.dumps({"task_id": "Own/%d" % i, "completion": t}) + "\n" for i, t in texts))
PY
}

teardown() {
    [ ! -d server ] || stop_server server
    leave_tmpdir
}

# "ID BASE ALL" of each sample: the verdicts under the base tests and under all.
verdicts() {
    sql "$1" "SELECT p.task_id, group_concat(k.name, ' ') FROM (SELECT * FROM verdict ORDER BY
        (SELECT ifnull(json_extract(json, '\$.tests'), '') <> 'base' FROM protocol t WHERE t.id = protocol_id)) v
        JOIN verdict_kind k ON k.id = v.kind_id JOIN sample s ON s.id = v.sample_id JOIN problem p ON p.id = s.problem_id
        GROUP BY s.id ORDER BY s.id"
}

@test "evalplus: base and base + extra are two scores of one run; what references return is kept by the set's hash" {
    "$RATION" import -s s.db -t own.jsonl --model m s.jsonl
    run "$RATION" judge -s s.db -t own.jsonl
    echo "$output"
    [ "$status" -eq 0 ]
    verdicts s.db
    [ "$(verdicts s.db)" = "Own/0|passed passed
Own/0|passed wrong_answer
Own/0|wrong_answer wrong_answer
Own/1|passed passed
Own/1|passed wrong_answer
Own/1|wrong_answer wrong_answer" ]
    [ "$(ls data/expected | wc -l)" = 1 ]
    run "$RATION" report -s s.db
    echo "$output"
    [[ "$output" == *"base tests"*"pass@1 66.7"*"base + extra tests"*"pass@1 33.3"* ]]
    # read again, not computed: a file that is cut is made anew
    kept=$(ls data/expected)
    before=$(stat -c %i "data/expected/$kept")
    "$RATION" judge -s s.db -t own.jsonl --recheck >/dev/null
    [ "$(stat -c %i "data/expected/$kept")" = "$before" ]
    head -c 40 "data/expected/$kept" >cut && mv cut "data/expected/$kept"
    "$RATION" judge -s s.db -t own.jsonl --recheck >/dev/null
    [ "$(stat -c %s "data/expected/$kept")" -gt 40 ]
    # another set, another file
    "$RATION" import -s m.db -t more.jsonl --model m s.jsonl
    "$RATION" judge -s m.db -t more.jsonl >/dev/null
    [ "$(ls data/expected | wc -l)" = 2 ]
}

@test "evalplus: what references return is kept in a data folder that is made for it, with its parents" {
    "$RATION" import -s s.db -t own.jsonl --model m s.jsonl
    run "$RATION" judge -s s.db -t own.jsonl --data new/share/ration
    echo "$output"
    [[ "$output" != *"are not kept"* ]]
    [ "$(ls new/share/ration/expected | wc -l)" = 1 ]
}

@test "evalplus: a reference that fails ends it by name, or its problem has no verdicts" {
    "$RATION" import -s s.db -t broken.jsonl --model m s.jsonl
    run "$RATION" judge -s s.db -t broken.jsonl
    echo "$output"
    [ "$status" -eq 3 ]
    [[ "$output" == *"Own/1"* ]]
    [ ! -e data/expected ] || [ -z "$(ls data/expected)" ]
    run "$RATION" judge -s s.db -t broken.jsonl --keep-going
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(verdicts s.db | grep -c 'Own/0')" = 3 ]
    [ "$(verdicts s.db | grep -c 'Own/1.*passed')" = 0 ]
}

@test "evalplus: results of evalplus beside ours, like with like; its forms are written" {
    cat >theirs_eval_results.json <<'JSON'
{"date": "x", "hash": "y", "eval": {
 "Own/0": [{"task_id": "Own/0", "solution": "def f0(a, b):\n    return a + b\n", "base_status": "pass", "plus_status": "pass"},
           {"task_id": "Own/0", "solution": "def f0(a, b):\n    return 3 if a == 1 else 0\n", "base_status": "pass", "plus_status": "pass"}],
 "Own/1": [{"task_id": "Own/1", "solution": "def f1(x):\n    return x // 3\n", "base_status": "pass", "plus_status": "fail"}]}}
JSON
    "$RATION" import -s t.db -t own.jsonl --model m theirs_eval_results.json
    "$RATION" judge -s t.db -t own.jsonl >/dev/null
    run "$RATION" report -s t.db --against imported
    echo "$output"
    [[ "$output" == *"1 verdict"*"differ"* ]]
    [[ "$output" == *"Own/0"* ]]
    "$RATION" export -s t.db --format evalplus-results -t own.jsonl >out.json
    /usr/bin/python3 -c 'import json
e = json.load(open("out.json"))["eval"]
print(e)
assert [x["base_status"] for x in e["Own/0"]] == ["pass", "pass"]
assert [x["plus_status"] for x in e["Own/0"]] == ["pass", "fail"]
assert e["Own/1"][0]["plus_status"] == "fail"'
}

@test "evalplus: solve tests by what the references return" {
    mkdir server
    echo '{"def f0": ["    return 3 if a == 1 else 0\n", "    return a + b\n"]}' >answers.json
    start_server server --answers answers.json
    run "$RATION" solve -m "$BASE/v1#test-model" -b 30s --problem Own/0 own.jsonl -q
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"return a + b"* ]]
    [ "$(ls data/expected | wc -l)" = 1 ]
    run "$RATION" solve -m "$BASE/v1#test-model" -b 30s --problem Own/1 broken.jsonl -q
    echo "$output"
    [ "$status" -eq 3 ]
    [[ "$output" == *"Own/1: its reference fails"* ]]
}
