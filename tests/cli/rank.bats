#!/usr/bin/env bats
# rank.bats: scores of samples by likelihood, verifier and consensus: continued after any end, left-out
# samples, bad input.

load helpers

setup() {
    dir=$(mktemp -d)
    set=$BATS_TEST_DIRNAME/../../data/mini/mini.jsonl
    model=$dir/tiny.gguf
    random_model "$model" 2,64,96,4,2,320
}

teardown() {
    rm -rf "$dir"
}

fill() {
    "$RATION" generate -m "$model" -t "$set" -s "$1" -n 16 --problems 0-2 --max-tokens 200 \
        --temperature 1 --top-p 1
}

rank() {
    "$RATION" rank -m "$model" -t "$set" -s "$@"
}

@test "rank: every sample that ended is scored, once" {
    fill "$dir/a.db"
    run rank "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"at their token limit"* ]]
    [[ "$output" != *"run 1: 0 of"* ]]
    run rank "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"run 1: 0 of 0 scored"* ]]
}

@test "rank: the same scores after kill -9, whatever slots and threads" {
    fill "$dir/a.db"
    cp "$dir/a.db" "$dir/b.db"
    rank "$dir/a.db" --slots 1 --threads 1
    for i in 1 2 3; do
        "$RATION" rank -m "$model" -t "$set" -s "$dir/b.db" >/dev/null 2>&1 &
        pid=$!
        sleep 0.0$((i * 2))
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    rank "$dir/b.db" --slots 7 --threads 2
    [ "$("$RATION" export -s "$dir/a.db" --format digest)" = "$("$RATION" export -s "$dir/b.db" --format digest)" ]
}

@test "rank: samples of others" {
    printf '{"task_id": "mini/0", "completion": "    return 1\\n"}\n{"task_id": "mini/0", "completion": ""}\n' \
        >"$dir/s.jsonl"
    "$RATION" import -s "$dir/a.db" -t "$set" --model other "$dir/s.jsonl"
    run rank "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"1 scored"* ]]
    [[ "$output" == *"1 without a token"* ]]
    run rank "$dir/a.db" --of nobody
    [ "$status" -eq 3 ]
    [[ "$output" == *"no run with samples"* ]]
}

@test "rank: a sample is paired with its problem by id, whatever order the store holds them in" {
    /usr/bin/python3 - "$set" "$dir" <<'EOF'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])][:8]
for name, order in (("forward", rows), ("reversed", rows[::-1])):
    with open(f"{sys.argv[2]}/{name}.jsonl", "w") as f:
        for r in order:
            f.write(json.dumps({"task_id": r["task_id"], "completion": r["canonical_solution"]}) + "\n")
EOF
    for order in forward reversed; do
        "$RATION" import -s "$dir/$order.db" -t mini --model other --ids-only "$dir/$order.jsonl"
        "$RATION" rank -m "$model" -t "$set" -s "$dir/$order.db" --preset humaneval-0shot
        sql "$dir/$order.db" "SELECT p.task_id, c.score FROM score c JOIN sample s ON s.id = c.sample_id
            JOIN problem p ON p.id = s.problem_id ORDER BY p.task_id" >"$dir/$order.txt"
    done
    [ "$(wc -l <"$dir/forward.txt")" -eq 8 ]
    cmp "$dir/forward.txt" "$dir/reversed.txt"
}

@test "rank: bad requests say what to do" {
    run "$RATION" rank -m "$model"
    [ "$status" -eq 2 ]
    run rank "$dir/a.db" --by magic
    [ "$status" -eq 2 ]
    [[ "$output" == *"there is examples, nll, verifier, consensus and tests"* ]]
    run rank "$dir/none.db"
    [ "$status" -eq 3 ]
    fill "$dir/a.db"
    run "$RATION" rank -m "$model" -t "$BATS_TEST_DIRNAME/rank.bats" -s "$dir/a.db"
    [ "$status" -eq 3 ]
}

@test "rank: Ctrl-C ends it with what is scored kept, and the same command goes on" {
    "$RATION" generate -m "$model" -t "$set" -s "$dir/a.db" -n 60 --problems 0-9 --max-tokens 60 \
        --temperature 1 --top-p 1 >/dev/null
    for how in "-m $model --slots 1 --threads 1" "--ranker consensus -j 1"; do
        cp "$dir/a.db" "$dir/b.db"
        # A shell without job control starts background commands with SIGINT ignored.
        # shellcheck disable=SC2086
        /usr/bin/python3 - "$RATION" rank $how -t "$set" -s "$dir/b.db" >"$dir/out" 2>"$dir/err" <<'PY' || true
import re, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
p = subprocess.Popen(sys.argv[1:])
caught = 0 # until it has a handler for SIGINT, signal 2
while p.poll() is None and not caught & 2:
    time.sleep(0.01)
    caught = int(re.search(r"SigCgt:\s*(\w+)", open("/proc/%d/status" % p.pid).read()).group(1), 16)
time.sleep(0.2)
p.send_signal(signal.SIGINT)
sys.exit(p.wait())
PY
        if ! grep -q "stopped; the same command continues" "$dir/err"; then
            grep -q "scored; left out" "$dir/out" # it was faster than the signal
        fi
        kept=$(sql "$dir/b.db" "select count(*) from score")
        # shellcheck disable=SC2086
        run "$RATION" rank $how -t "$set" -s "$dir/b.db"
        [ "$status" -eq 0 ]
        [ "$(sql "$dir/b.db" "select count(*) from score")" -ge "$kept" ]
        # shellcheck disable=SC2086
        "$RATION" rank $how -t "$set" -s "$dir/a.db" >/dev/null
        [ "$(digest "$dir/a.db")" = "$(digest "$dir/b.db")" ]
        rm "$dir/b.db"
    done
}

@test "rank: the verifier adds a model's yes to the generator's likelihood" {
    fill "$dir/a.db"
    run rank "$dir/a.db" --ranker verifier
    [ "$status" -eq 0 ]
    [[ "$output" != *" 0 scored; left out"* ]]
    [ "$(sql "$dir/a.db" "select name from ranker")" = "verifier:tiny" ]
    [ "$(sql "$dir/a.db" "select count(*) from score where part >= 0 or part is null or abs(score - part - sum / n_tok) > 1e-12")" = 0 ]
    # The recorded likelihood of the sample is the one that was added.
    [ "$(sql "$dir/a.db" "select count(*) from score c join sample s on s.id = c.sample_id where s.logprob <> c.sum")" = 0 ]
    before=$(digest "$dir/a.db")
    run rank "$dir/a.db" --ranker verifier
    [ "$(digest "$dir/a.db")" = "$before" ]
    # Another question is another ranker; the name says which.
    printf '{"name": "mine", "form": "text", "text": "{prompt}{program}{", "yes": "A b", "no": "B"}' >"$dir/v.json"
    rank "$dir/a.db" --ranker verifier --verifier "$dir/v.json"
    [ "$(sql "$dir/a.db" "select name from ranker where id = 2")" = "verifier/mine:tiny" ]
    sql "$dir/a.db" "select json from ranker where id = 2" | grep -q "$(sha256sum <"$dir/v.json" | cut -d' ' -f1)"
    # The same, whatever slots and threads.
    cp "$dir/a.db" "$dir/b.db"
    /usr/bin/python3 -c "import sqlite3; d = sqlite3.connect('$dir/b.db'); d.execute('delete from score where ranker_id = 2'); d.commit()"
    rank "$dir/b.db" --ranker verifier --verifier "$dir/v.json" --slots 3 --threads 2
    [ "$(digest "$dir/a.db")" = "$(digest "$dir/b.db")" ]
}

@test "rank: the verifier takes likelihoods from scores where samples do not tell them" {
    printf '{"task_id": "mini/0", "completion": "    return 1\\n"}\n' >"$dir/s.jsonl"
    "$RATION" import -s "$dir/a.db" -t "$set" --model tiny "$dir/s.jsonl"
    run rank "$dir/a.db" --ranker verifier
    [ "$status" -eq 3 ]
    [[ "$output" == *"no sample of tiny has a likelihood under its generator"* ]]
    rank "$dir/a.db"
    run rank "$dir/a.db" --ranker verifier
    [ "$status" -eq 0 ]
    [ "$(sql "$dir/a.db" "select abs(v.score - v.part + n.score) < 1e-12 from score v, score n where n.ranker_id <> v.ranker_id and v.part is not null")" = 1 ]
}

@test "rank: templates of the verifier that cannot be used" {
    fill "$dir/a.db"
    run rank "$dir/a.db" --ranker verifier --verifier nothing
    [ "$status" -eq 3 ]
    [[ "$output" == *"give function, chat or a file"* ]]
    run rank "$dir/a.db" --ranker verifier --verifier chat
    [ "$status" -eq 3 ]
    [[ "$output" == *"no chat template"* ]]
    bad() {
        printf '%s' "$1" >"$dir/v.json"
        run rank "$dir/a.db" --ranker verifier --verifier "$dir/v.json"
        [ "$status" -eq 3 ]
        [[ "$output" == *"$2"* ]] || { echo "$output"; false; }
    }
    bad '{"name": "x", "form": "text", "text": "Is it right?", "yes": " yes", "no": " no"}' "does not contain {program}"
    bad '{"name": "x", "form": "text", "text": "{program}", "yes": "y", "no": "y"}' "two different texts"
    bad '{"name": "x", "form": "text", "text": "{program}", "yes": "y"}' "no"
    bad '{"name": "x", "form": "song", "text": "{program}", "yes": "y", "no": "n"}' '"text" or "chat"'
    bad '{"name": "a:b", "form": "text", "text": "{program}", "yes": "y", "no": "n"}' "without ':'"
    bad '[1]' "a JSON object"
    bad 'no JSON' "v.json"
    [ "$(sql "$dir/a.db" "select count(*) from score")" = 0 ]
}

# Three answers to mini/0 (the spread of a list), two of them alike in what they do, one wrong, one
# that does nothing; and one to a problem of a set without examples.
answers() {
    printf '{"task_id": "mini/0", "completion": "%s"}\n' \
        '    return max(nums) - min(nums) if nums else 0\n' \
        '    s = sorted(nums)\n    return s[-1] - s[0] if s else 0\n' \
        '    return 0\n' '    return len(nums)\n' '    return 0\n' '    return nothing\n' \
        '    return nothing \n' '    return nothing  \n' '    this is no program\n' \
        '    while True: pass\n' >"$dir/s.jsonl"
    "$RATION" import -s "$1" -t "$set" --model other "$dir/s.jsonl" >/dev/null
}

@test "rank: consensus scores a sample by the programs that do the same" {
    answers "$dir/a.db"
    run "$RATION" rank --ranker consensus -t "$set" -s "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"10 scored; left out: 0 at their token limit, 0 that the sandbox failed on"* ]]
    [[ "$output" == *"7 programs executed"* ]]
    [ "$(sql "$dir/a.db" "select name from ranker")" = "consensus:mbr" ]
    scores=$(sql "$dir/a.db" "select c.score from score c join sample s on s.id = c.sample_id order by s.idx" | tr '\n' ' ')
    [ "$scores" = "2.0 2.0 2.0 1.0 2.0 0.0 0.0 0.0 0.0 0.0 " ]
    groups=$(sql "$dir/a.db" "select c.grp from score c join sample s on s.id = c.sample_id order by s.idx" | tr '\n' ' ')
    [ "$groups" = "1 1 2 3 2 4 4 4 5 6 " ]
    [ "$(sql "$dir/a.db" "select sum(n_runs), sum(flop), count(cpu_ns) from score")" = "7|0.0|10" ]
    before=$(digest "$dir/a.db")
    run "$RATION" rank --ranker consensus -t "$set" -s "$dir/a.db"
    [[ "$output" == *" 0 scored; "* || "$output" == "run 1: 0 scored"* ]]
    [ "$(digest "$dir/a.db")" = "$before" ]
    # With the examples' values only the first group has any: -4 ... 26 spread over 38, [] over 0.
    "$RATION" rank --ranker consensus --agree codet -t "$set" -s "$dir/a.db"
    [ "$(sql "$dir/a.db" "select name from ranker where id = 2")" = "consensus:codet+examples" ]
    scores=$(sql "$dir/a.db" "select c.score from score c join sample s on s.id = c.sample_id where ranker_id = 2 order by s.idx" | tr '\n' ' ')
    [ "$scores" = "4.0 4.0 2.0 1.0 2.0 0.0 0.0 0.0 0.0 0.0 " ]
    # A sample more changes what the others agree with.
    printf '{"task_id": "mini/0", "completion": "    return 0 # zero\\n"}\n' >"$dir/more.jsonl"
    "$RATION" import -s "$dir/a.db" -t "$set" --model other --append "$dir/more.jsonl" >/dev/null
    "$RATION" rank --ranker consensus -t "$set" -s "$dir/a.db"
    [ "$(sql "$dir/a.db" "select max(score) from score where ranker_id = 1")" = "3.0" ]
}

@test "rank: examples choose what passes most of them, then what most agree with" {
    answers "$dir/a.db"
    run "$RATION" rank -t "$set" -s "$dir/a.db" -j 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"10 scored; left out: 0 at their token limit, 0 that the sandbox failed on"* ]]
    [[ "$output" == *"2 examples give a value; "* ]]
    [ "$(sql "$dir/a.db" "select name from ranker")" = examples ]
    # Both examples, one, one, none: the digit before the point; agreement behind it.
    right=$(sql "$dir/a.db" "select cast(c.score as integer) || ':' || cast(c.part as integer) from score c join sample s on s.id = c.sample_id order by s.idx" | tr '\n' ' ')
    [ "$right" = "2:2 2:2 1:1 1:1 1:1 0:0 0:0 0:0 0:0 0:0 " ]
    [ "$(sql "$dir/a.db" "select count(distinct score) from score where part = 2")" = 1 ]
    [ "$(sql "$dir/a.db" "select count(*) from score where length(votes) > 100")" = 10 ]
    before=$(digest "$dir/a.db")
    run "$RATION" rank -t "$set" -s "$dir/a.db"
    [[ "$output" == *"0 programs executed"* ]]
    [ "$(digest "$dir/a.db")" = "$before" ]
    "$RATION" merge -s "$dir/b.db" "$dir/a.db" >/dev/null
    [ "$(digest "$dir/b.db")" = "$before" ]
    "$RATION" judge -s "$dir/a.db" -t "$set" --cpu-limit 0.5 >/dev/null
    run "$RATION" report -s "$dir/a.db" --metric rank-score@k --format csv
    [[ "$output" == *"rank-score@k,mini,other,examples,10,"* ]]
    # Two of ten pass both examples. Up to 2, stopping at the first that does: 1 + 8/10 drawn, and
    # none among them with 8 x 7 of 90; then the greedy answer of another model, which is right.
    printf '{"task_id": "mini/0", "completion": "    return max(nums) - min(nums) if nums else 0\\n"}\n' >"$dir/g.jsonl"
    "$RATION" import -s "$dir/a.db" -t "$set" --model big --greedy "$dir/g.jsonl" >/dev/null
    "$RATION" judge -s "$dir/a.db" -t "$set" --cpu-limit 0.5 >/dev/null
    "$RATION" report -s "$dir/a.db" --metric untested --fallback big -k 2 --format json >"$dir/r.json" || true
    /usr/bin/python3 - "$dir/r.json" <<'EOF'
import json, sys
choose, ask = json.load(open(sys.argv[1]))["tasks"][0]["untested"]
met = 1 - 8 * 7 / 90
assert choose["fallback"] == "choose" and abs(choose["value"] - met) < 1e-9, choose
assert ask["fallback"] == "big" and abs(ask["value"] - 1) < 1e-9, ask
for row in choose, ask:
    assert abs(row["draws"] - 1.8) < 1e-9, row
assert abs(ask["asked"] - (1 - met)) < 1e-9, ask
assert ask["models"][0]["model"] == "big" and abs(ask["models"][0]["less_greedy"]) < 1e-9, ask
EOF
    run "$RATION" plan -s "$dir/a.db" --no-tests --fallback other
    [ "$status" -eq 3 ]
    [[ "$output" == *"--fallback other: its greedy answers are not judged"* ]]
    run "$RATION" plan -s "$dir/a.db" --no-tests --total
    [ "$status" -eq 2 ]
    "$RATION" plan -s "$dir/a.db" --no-tests --cost other=code-llama-7b --cost big=code-llama-34b         --format json >"$dir/p.json" || true
    /usr/bin/python3 - "$dir/p.json" <<'EOF'
import json, sys
plan = json.load(open(sys.argv[1]))["untested"][0]
assert plan["axis"] == "flops"
row = plan["rows"][0] # 7B at the cost of one sample of 34B
assert row["k"] == 5 and row["flops"] <= row["budget"], row
EOF
}

@test "rank: examples of a program that reads standard input are its sample blocks" {
    cat >"$dir/sum.jsonl" <<'END'
{"id": 0, "question": "Add two numbers.\n\n-----Input-----\n\nTwo numbers a and b.\n\n-----Output-----\n\nTheir sum.\n\n-----Examples-----\nInput\n1 2\n\nOutput\n3\n\nInput\n2 2\n\nOutput\n4\n", "solutions": "[\"\"]", "input_output": "{\"inputs\": [\"1 2\\n\", \"5 6\\n\"], \"outputs\": [\"3\\n\", \"11\\n\"]}", "difficulty": "introductory", "url": "", "starter_code": ""}
END
    for program in 'a, b = map(int, input().split())\nprint(a * b)' 'a, b = map(int, input().split())\nprint(a + b)' 'print(nothing)' 'print(3)'; do
        printf '{"task_id": "APPS/0", "completion": "%s\\n"}\n' "${program//\\/\\\\}"
    done | sed 's/\\\\n/\\n/g' >"$dir/s.jsonl"
    run "$RATION" import -s "$dir/a.db" -t "$dir/sum.jsonl" --model other "$dir/s.jsonl"
    [ "$status" -eq 0 ] || { echo "$output"; cat "$dir/s.jsonl"; false; }
    run "$RATION" rank -t "$dir/sum.jsonl" -s "$dir/a.db"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"2 examples give a value; 1 of them is in no test"* ]] || { echo "$output"; false; }
    "$RATION" judge -t "$dir/sum.jsonl" -s "$dir/a.db" --keep-going >/dev/null
    for how in "" "--metric rank-score@k"; do
        run "$RATION" report -s "$dir/a.db" $how
        [[ "$output" == *"examples: the tests repeat 1 of the 2 of the prompts; 'examples in no test' counts the other 1 alone"* ]] || { echo "$output"; false; }
    done
    run "$RATION" report -s "$dir/a.db" --metric rank-score@k --format json
    /usr/bin/python3 -c 'import json, sys
r = json.loads(sys.argv[1])
assert r["tasks"][0]["examples"] == {"told": 2, "in_tests": 1}, r["tasks"][0]["examples"]
assert {s["ranker"] for s in r["series"]} == {"examples", "examples in no test"}' "$(sed -n '/^{/,$p' <<<"$output")"
    right=$(sql "$dir/a.db" "select cast(c.score as integer) from score c join sample s on s.id = c.sample_id order by s.idx" | tr '\n' ' ')
    [ "$right" = "1 2 0 1 " ] || { echo "$right"; false; }
}

@test "rank: examples of a method of LeetCode are calls of a Solution object" {
    cat >"$dir/set.jsonl" <<'END'
{"task_id": "L/0", "prompt": "r\"\"\"Add them.\n\nExample 1:\nInput: nums = [1,2], k = 3\nOutput: 6\n\nclass Solution:\n    def add(self, nums: List[int], k: int) -> int:\n\"\"\"\n", "entry_point": "Solution().add", "canonical_solution": "class Solution:\n    def add(self, nums, k):\n        return sum(nums) + k\n", "test": "def check(f):\n    assert f(nums = [1, 2, 3], k = 3) == 9\n"}
END
    for body in 'return sum(nums) + k' 'return 7' 'return 6'; do
        printf '{"task_id": "L/0", "completion": "class Solution:\\n    def add(self, nums, k):\\n        %s\\n"}\n' "$body"
    done >"$dir/s.jsonl"
    "$RATION" import -s "$dir/a.db" -t "$dir/set.jsonl" --model other "$dir/s.jsonl" >/dev/null
    run "$RATION" rank -t "$dir/set.jsonl" -s "$dir/a.db"
    [[ "$output" == *"1 example gives a value; 1 of them is in no test"* ]] || { echo "$output"; false; }
    right=$(sql "$dir/a.db" "select cast(c.score as integer) from score c join sample s on s.id = c.sample_id order by s.idx" | tr '\n' ' ')
    [ "$right" = "1 0 1 " ] || { echo "$right"; false; }
    [ "$(sql "$dir/a.db" "select count(distinct votes) from score")" = 3 ]
}

@test "rank: a program that hangs costs the limit, once an input, twice at most" {
    printf '{"task_id": "mini/0", "completion": "    while True:\\n        pass\\n"}\n' >"$dir/hang.jsonl"
    "$RATION" import -s "$dir/a.db" -t "$set" --model other "$dir/hang.jsonl" >/dev/null
    cp "$dir/a.db" "$dir/b.db"
    run "$RATION" rank --ranker consensus --cpu-limit 0.5 --inputs 1 -t "$set" -s "$dir/a.db" -j 1
    [[ "$output" == *"1 program executed: 0."[56]" CPU seconds"* ]] || { echo "$output"; false; }
    run "$RATION" rank --ranker consensus --cpu-limit 0.5 --inputs 16 -t "$set" -s "$dir/b.db" -j 1
    [[ "$output" == *"1 program executed: 1."[012]" CPU seconds"* ]] || { echo "$output"; false; }
}

@test "rank: examples+nll orders by examples passed, then by likelihood, and knows no verdict" {
    answers "$dir/a.db"
    run "$RATION" rank --ranker examples+nll -t "$set" -s "$dir/a.db"
    [ "$status" -eq 3 ]
    [[ "$output" == *"0 rankers are called examples"* ]] || { echo "$output"; false; }
    "$RATION" rank -t "$set" -s "$dir/a.db" >/dev/null
    rank "$dir/a.db" >/dev/null
    cp "$dir/a.db" "$dir/b.db"
    "$RATION" judge -s "$dir/b.db" -t "$set" --cpu-limit 0.5 >/dev/null # verdicts must not matter
    for db in a b; do
        run "$RATION" rank --ranker examples+nll -t "$set" -s "$dir/$db.db"
        [ "$status" -eq 0 ] || { echo "$output"; false; }
        sql "$dir/$db.db" "select s.idx, c.score from score c join sample s on s.id = c.sample_id join ranker r on r.id = c.ranker_id where r.name = 'examples+nll' order by s.idx" >"$dir/$db.txt"
    done
    cmp "$dir/a.txt" "$dir/b.txt"
    /usr/bin/python3 - "$dir/b.db" <<'EOF'
import sqlite3, sys
q = sqlite3.connect(sys.argv[1]).execute
def of(name, what): return dict(q("select c.sample_id, c.%s from score c join ranker r on r.id = c.ranker_id where r.name like ?" % what, (name,)))
passed, nll, both = of("examples", "part"), of("nll:%", "score"), of("examples+nll", "score")
want = sorted(both, key=lambda i: (passed[i], -nll[i]))
keys = sorted({(passed[i], -nll[i]) for i in want})
for i in want:
    assert both[i] == keys.index((passed[i], -nll[i])) + 1, (i, both[i])
EOF
    run "$RATION" rank --ranker examples+consensus -t "$set" -s "$dir/a.db"
    [ "$status" -ne 0 ]
    [[ "$output" == *"is not two to four of examples, nll and verifier"* ]]
    for bad in logit:examples logit:tests+nll examples++nll logit:+nll; do
        run "$RATION" rank --ranker $bad -t "$set" -s "$dir/a.db"
        [ "$status" -ne 0 ]
    done
    run "$RATION" rank --ranker logit:examples+nll -t "$set" -s "$dir/b.db"
    [ "$status" -ne 0 ]
    [[ "$output" == *"1 judged problems are too few"* ]] || { echo "$output"; false; }
}

@test "rank: logit:examples+nll weighs by the verdicts of other problems alone" {
    xs=$BATS_TEST_DIRNAME/../../models/ration-mini-xs.gguf
    [ -r "$xs" ] || skip "no models/ration-mini-xs.gguf"
    "$RATION" generate -m "$xs" -t "$set" -s "$dir/a.db" -n 8 --problems 0-23 --max-tokens 60 --temperature 0.7 >/dev/null
    "$RATION" judge -s "$dir/a.db" -t "$set" >/dev/null
    "$RATION" rank -t "$set" -s "$dir/a.db" >/dev/null
    "$RATION" rank -m "$xs" -t "$set" -s "$dir/a.db" >/dev/null
    cp "$dir/a.db" "$dir/b.db"
    # All of mini/3 turned round: its own order stays, other weights change.
    /usr/bin/python3 - "$dir/b.db" <<'EOF'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("""update verdict set kind_id = (select id from verdict_kind where name = case
    when kind_id = (select id from verdict_kind where name = 'passed') then 'wrong_answer' else 'passed' end)
    where sample_id in (select s.id from sample s join problem p on p.id = s.problem_id
                        where p.task_id = 'mini/3')""")
db.commit()
EOF
    for db in a b; do
        run "$RATION" rank --ranker logit:examples+nll -t "$set" -s "$dir/$db.db"
        [ "$status" -eq 0 ] || { echo "$output"; false; }
    done
    /usr/bin/python3 - "$dir/a.db" "$dir/b.db" <<'EOF'
import sqlite3, sys
def read(path):
    q = sqlite3.connect(path).execute
    def of(name, what): return dict(q("select c.sample_id, c.%s from score c join ranker r on r.id = c.ranker_id where r.name like ?" % what, (name,)))
    return dict(q("select s.id, p.task_id from sample s join problem p on p.id = s.problem_id")), of("logit:examples+nll", "score"), of("nll:%", "score"), of("examples", "part")
problem, a, nll, passed = read(sys.argv[1])
_, b, _, _ = read(sys.argv[2])
assert set(a) == set(nll) & set(passed) and len(a) > 100, len(a)
own = {i for i in a if problem[i] == "mini/3"}
assert own and all(a[i] == b[i] for i in own), [(a[i], b[i]) for i in own]
assert any(a[i] != b[i] for i in a if i not in own)
# Within a problem a sum of both with the same weights: of equal counts the likelier first, or last.
for task in set(problem.values()):
    ids = [i for i in a if problem[i] == task]
    signs = {(a[i] > a[j]) == (nll[i] < nll[j]) for i in ids for j in ids
             if passed[i] == passed[j] and nll[i] != nll[j] and a[i] != a[j]}
    assert len(signs) <= 1, task
EOF
    run "$RATION" report -s "$dir/a.db" --metric rank-score@k --format csv
    [[ "$output" == *",logit:examples+nll,"* ]]
}

@test "rank: tests that a model writes, by dual agreement; asked once" {
    answers "$dir/a.db"
    name=$(/usr/bin/python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["entry_point"])' "$set")
    # Two answers, one goes on from "assert NAME(": three right tests, and a wrong one that len() passes.
    printf '{"check the correctness of": ["[1, 5]) == 4\\nassert %s([]) == 0\\n", "[2, 2]) == 2\\nassert %s([3, 3]) == 0\\nassert %s([]) == 0\\nassert %s(x) == 1\\n"]}' \
        "$name" "$name" "$name" "$name" >"$dir/answers.json"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../server/openai_server.py" --port-file "$dir/port" --in-order \
        --answers "$dir/answers.json" --seconds 60 >/dev/null 2>&1 3>&- &
    server=$!
    for _ in $(seq 200); do
        [ -s "$dir/port" ] && break
        sleep 0.05
    done
    url=http://127.0.0.1:$(cat "$dir/port")/v1#test-model
    run "$RATION" rank --ranker tests -m "$url" --inputs 2 -t "$set" -s "$dir/a.db"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"10 scored; "*"4 different tests written for 1 problem"* ]] || { echo "$output"; false; }
    [ "$(sql "$dir/a.db" "select name from ranker")" = "tests:test-model" ]
    # Samples times tests passed: 2 x 3, 2 x 2 for "return 0", 1 x 2 for len(), 0.
    scores=$(sql "$dir/a.db" "select cast(c.score as integer) from score c join sample s on s.id = c.sample_id order by s.idx" | tr '\n' ' ')
    [ "$scores" = "6 6 4 2 4 0 0 0 0 0 " ] || { echo "$scores"; false; }
    before=$(digest "$dir/a.db")
    run "$RATION" rank --ranker tests -m "$url" --inputs 2 -t "$set" -s "$dir/a.db"
    [[ "$output" == *"0 programs executed"* ]] || { echo "$output"; false; }
    [ "$(digest "$dir/a.db")" = "$before" ]
    kill $server
    # Of two samples, which stands first follows from the groups of these two alone: of the 45 pairs,
    # the two right ones are chosen where they are together (1), or with any other: 2 x 8.
    "$RATION" judge -s "$dir/a.db" -t "$set" --cpu-limit 0.5 >/dev/null
    "$RATION" report -s "$dir/a.db" --metric rank-score@k -k 2 --format json >"$dir/r.json" || true
    /usr/bin/python3 - "$dir/r.json" <<'EOF'
import json, sys
points = [s["points"] for s in json.load(open(sys.argv[1]))["series"] if s["ranker"] == "tests:test-model"][0]
value = [p["value"] for p in points if p["k"] == 2][0]
assert abs(value - 17 / 45) < 0.02, value
EOF
    run "$RATION" rank --ranker tests -t "$set" -s "$dir/a.db"
    [ "$status" -eq 2 ]
}

@test "rank: a bundled model as the writer of tests" {
    models=$BATS_TEST_DIRNAME/../../models
    [ -r "$models/ration-mini-s.gguf" ] || skip "no bundled models"
    answers "$dir/a.db"
    run "$RATION" rank --ranker tests -m "$models/ration-mini-s.gguf" --inputs 2 -t "$set" -s "$dir/a.db"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"10 scored; "*" different test"*" written for 1 problem"* ]]
    printf '{"name": "x", "text": "no place", "begin": "", "chat": "{prompt}"}' >"$dir/q.json"
    run "$RATION" rank --ranker tests --question "$dir/q.json" -m "$models/ration-mini-s.gguf" -t "$set" -s "$dir/a.db"
    [ "$status" -ne 0 ]
    [[ "$output" == *"must contain {prompt}"* ]]
}

@test "rank: consensus without examples, samples or sense" {
    in_tmpdir
    make_set
    printf '{"task_id": "Tiny/0", "completion": "    return x\\n"}\n{"task_id": "Tiny/1", "completion": "    return 2\\n"}\n' >s.jsonl
    "$RATION" import -s b.db -t tiny.jsonl --model other s.jsonl
    run "$RATION" rank --ranker consensus -t tiny.jsonl -s b.db
    [ "$status" -eq 0 ]
    # Inputs follow from the signatures.
    [[ "$output" == *"2 programs executed"* ]]
    [ "$(sql b.db "select distinct score from score")" = "1.0" ]
    # Every sample at its limit: nothing to rank, which is no failure.
    "$RATION" generate -m "$model" -t tiny.jsonl -s c.db -n 3 --max-tokens 1 --temperature 1 >/dev/null
    /usr/bin/python3 -c "import sqlite3; d = sqlite3.connect('c.db'); d.execute(\"update sample set finish = 'length'\"); d.commit()"
    for ranker in nll verifier; do
        run "$RATION" rank --ranker $ranker -m "$model" -t tiny.jsonl -s c.db
        [ "$status" -eq 0 ]
        [[ "$output" == *"12 at their token limit"* ]]
    done
    run "$RATION" rank --ranker consensus -t tiny.jsonl -s c.db
    [ "$status" -eq 0 ]
    [[ "$output" == *"12 at their token limit"* ]]
    # Requests that make no sense.
    run "$RATION" rank --ranker consensus -s b.db -m "$model"
    [ "$status" -eq 2 ]
    for bad in "--agree vote" "--inputs 500" "--cpu-limit -1" "--jobs 1000" "--extractor magic"; do
        # shellcheck disable=SC2086
        run "$RATION" rank --ranker consensus -s b.db $bad
        [ "$status" -eq 2 ]
    done
    leave_tmpdir
}

@test "rank: equal texts have equal scores, those that each has alone" {
    for text in 1 2 1 1; do
        printf '{"task_id": "mini/0", "completion": "    return %d\\n"}\n' $text
    done >"$dir/s.jsonl"
    sed -n 2,3p "$dir/s.jsonl" >"$dir/two.jsonl"
    for s in s two; do
        "$RATION" import -s "$dir/$s.db" -t "$set" --model other "$dir/$s.jsonl"
        rank "$dir/$s.db"
    done
    scores() { /usr/bin/python3 -c 'import sqlite3, sys
print([row[0] for row in sqlite3.connect(sys.argv[1]).execute("SELECT score FROM score ORDER BY sample_id")])' "$1"; }
    [ "$(scores "$dir/s.db" | tr -d '[],' | wc -w)" -eq 4 ]
    read -r one two three four <<<"$(scores "$dir/s.db" | tr -d '[],')"
    [ "$one" = "$three" ] && [ "$one" = "$four" ] && [ "$one" != "$two" ]
    [ "[$two, $one]" = "$(scores "$dir/two.db")" ]
}

@test "rank: a real vocabulary answers in one token" {
    need_data weights/stories260K-f32.gguf
    stories=$RATION_DATA/weights/stories260K-f32.gguf
    answers "$dir/a.db"
    "$RATION" rank -m "$stories" -t "$set" -s "$dir/a.db" --name other >/dev/null
    run "$RATION" rank --ranker verifier -m "$stories" -t "$set" -s "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"10 scored"* ]]
    [ "$(sql "$dir/a.db" "select count(*) from score where part < 0 and score < part")" = 10 ]
}

@test "rank: the report sets the best ranker against the larger model's greedy answer" {
    large=$dir/large.gguf
    random_model "$large" 3,128,192,4,2,320
    "$RATION" generate -m "$model" -t "$set" -s "$dir/a.db" -n 8 --problems 0-3 --max-tokens 100 \
        --temperature 1 --top-p 1 >/dev/null
    "$RATION" generate -m "$large" -t "$set" -s "$dir/a.db" --greedy --problems 0-3 --max-tokens 100 >/dev/null
    "$RATION" judge -s "$dir/a.db" -t "$set" >/dev/null
    for i in "$model" "$large"; do
        "$RATION" profile -m "$i" -s "$dir/a.db" --prompt 16 --tokens 16 --slots 4 >/dev/null
    done
    rank "$dir/a.db" >/dev/null
    rank "$dir/a.db" --ranker verifier >/dev/null
    "$RATION" rank --ranker consensus -s "$dir/a.db" -t "$set" >/dev/null
    run "$RATION" report -s "$dir/a.db" --metric rankers
    [[ "$output" == *"the best ranker at an equal FLOPs budget, ranking charged, %"* ]]
    [[ "$output" == *"the best ranker at an equal wall-time budget, ranking charged, %"* ]]
    [[ "$output" == *"against one greedy answer of large: "* ]]
    [[ "$output" == *"ithout tests"* ]]
    [[ "$output" == *"consensus:mbr ran "*" programs for "*" samples of tiny: "* ]]
}
