# report.bats: `ration report` from published tables and from stores.

load helpers

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
}

@test "something to report on is needed" {
    run "$RATION" report
    [ "$status" -eq 2 ]
    [[ "$output" == *"--published"* ]]
    run "$RATION" report -s none.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"none.db"* ]]
    run "$RATION" report x.db
    [ "$status" -eq 2 ]
}

@test "bad values of options are usage errors that quote them" {
    for args in "--format xml" "--metric pass" "--k 1,x" "--k 4,2" "--k 1.5" "--budgets 0" \
        "--reach 60" "--confidence 95" "--resamples 1" "--missing maybe" "--flops some" \
        "--compare a" "--cost a" "--prompt-tokens 0"; do
        run "$RATION" report --published $args
        echo "$args: $status $output"
        [ "$status" -eq 2 ]
    done
}

@test "published curves as CSV: the step function of equation 2" {
    run "$RATION" report --published -t humaneval -m code-llama-7b --metric pass@k \
        --metric pass_flops@f --format csv
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "metric,task,model,ranker,n,greedy,k,x,value,lo,hi,x_sampling,random,perfect" ]
    [ "${lines[1]}" = "pass@k,humaneval,code-llama-7b,,2000,,1,1,0.282,,,,," ]
    [ "${lines[10]}" = "pass_flops@f,humaneval,code-llama-7b,,2000,,1,1.693576069e+12,0.282,,,,," ]
}

@test "published curves as JSON parse, and budgets are what was asked for" {
    "$RATION" report --published -t mbpp --format json --profile paper-8xa100 --budgets 8,64 \
        --reach 0.6 >r.json
    /usr/bin/python3 - <<'EOF'
import json
r = json.load(open("r.json"))
assert {s["metric"] for s in r["series"]} == {"pass@k", "pass_flops@f", "pass_time@t"}
t = r["tasks"][0]
assert [b["normalised"] for b in t["axes"][0]["budgets"]] == [8, 64]
assert t["axes"][1]["unit"] == "code-llama-7b"
assert t["axes"][1]["budgets"][0]["budget"] == 8 * 0.395
assert [x["k"] for x in t["reach"]][:2] == [16, 4]
EOF
}

@test "an unknown profile names those that there are" {
    run "$RATION" report --published --profile my-box
    [ "$status" -eq 3 ]
    [[ "$output" == *"no profile 'my-box'; known: paper-8xa100"* ]]
}

@test "a cost file adds a wall-time; its errors name the line" {
    printf '[profile paper-8xa100]\nllama-3-8b = 0.4\n' >costs.txt
    run "$RATION" report --published -t humaneval -m llama-3-8b --metric pass_time@t -f csv \
        --profile paper-8xa100 --cost-file costs.txt
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = "pass_time@t,humaneval,llama-3-8b,,2000,,1,0.4,0.318,,,,," ]
    echo 'llama-3-8b = fast' >>costs.txt
    run "$RATION" report --published --cost-file costs.txt
    [ "$status" -eq 3 ]
    [[ "$output" == *"costs.txt: line 3:"* ]]
}

# three_problems: set.jsonl.
three_problems() {
    printf '{"task_id": "C/%d", "prompt": "def f(x):\\n", "entry_point": "f", "canonical_solution": "    return x\\n", "test": "def check(f):\\n    assert f(1) == 1\\n"}\n' 0 1 2 >set.jsonl
}

@test "prices as people write them: per million tokens, per sample; FLOPs with their unit" {
    three_problems
    for m in a b; do
        for i in 0 0 1 1 2 2; do
            printf '{"task_id": "C/%d", "completion": "    return %s\\n", "passed": true, "result": "passed", "prompt_tokens": 100, "generated_tokens": 50}\n' $i $m
        done >$m.jsonl
        "$RATION" import -s s.db -t set.jsonl --model $m $m.jsonl >/dev/null
    done
    printf '[model a]\nflop_per_sample = 1.5 TFLOP\nusd_per_1m_tokens = 2\n[model b]\nflop_per_sample = 1e12\nusd_per_sample = 0.001\n' >costs.txt
    for how in once each cached; do
        "$RATION" report -s s.db --cost-file costs.txt --prompt $how -f json --budgets 1 >r.json 2>/dev/null || [ $? -eq 1 ]
        /usr/bin/python3 - $how <<'EOF'
import json, sys
r = json.load(open("r.json"))
cost = {(s["model"], s["metric"]): [p["x"] for p in s["points"]] for s in r["series"]}
assert cost["a", "pass_flops@f"] == [1.5e12], cost
assert abs(cost["a", "pass_usd@u"][0] - 150 * 2e-6) < 1e-12 and cost["b", "pass_usd@u"] == [0.001]
assert r["report"]["prompt"] == sys.argv[1]
EOF
    done
    run "$RATION" report -s s.db --cost-file costs.txt --prompt once --metric pass_usd@u
    [[ "$output" == *"the prompt is paid once per problem (--prompt cached, once or each)"* ]]
    run "$RATION" report -s s.db --cost a=code-llama-7b --cost b=code-llama-7b --metric pass_usd@u
    [[ "$output" == *"its cost entry has no prices: write "* ]]
}

@test "the same budget: each model's first sample has a row, nobody leads where a curve has ended" {
    three_problems
    printf 'task_id,n,c\nC/0,10,2\nC/1,10,5\nC/2,10,9\n' >a.csv
    printf 'task_id,n,c\nC/0,10,6\nC/1,10,7\nC/2,10,9\n' >b.csv
    "$RATION" import -s s.db -t set.jsonl --model A --cost code-llama-7b --format counts a.csv >/dev/null
    "$RATION" import -s s.db -t set.jsonl --model B --cost code-llama-34b --format counts b.csv >/dev/null
    run "$RATION" report -s s.db
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -le 45 ]
    [[ "$output" == *"at equal FLOPs, 8.578 TFLOP per problem (the first budget that buys a sample of every model)"* ]]
    [[ "$output" == *"  leads    "*"  ahead    "*" points, 95 % interval "*"  P(lead)  "*"  surer    "* ]]
    # One finding: the terminal, the sentences of the demo and the JSON say the same.
    "$RATION" report -s s.db -f json >r.json
    /usr/bin/python3 - "$output" <<'EOF'
import json, sys
task = json.load(open("r.json"))["tasks"][0]
answer = task["answers"][0]
for part in ("wins", "margin", "sure", "surer"):
    assert answer[part] in " ".join(sys.argv[1].split()), (part, answer[part])
assert answer["wins"].split(": ", 1)[1] in task["findings"][0] and answer["margin"] in task["findings"][0]
row = [b for b in task["axes"][0]["budgets"] if b["budget"] == answer["budget"]][0]
assert (row["leader"], row["ahead"], row["sure"]) == (answer["leader"], answer["ahead"], answer["p_lead"])
EOF
    # Counts have no samples for plan --samples to go by.
    [[ "$output" == *"surer    draw 10 more of A on 1 problem first"$'\n'* ]]
    [[ "$output" != *"ration plan"* ]]
    run "$RATION" report -s s.db --all --budgets 1,64
    [[ "$output" == *"affords none"*"no estimate"*"nobody leads there"* ]]
}

@test "what would make it surer is a command that runs as it is printed, with the report's prices" {
    local root line n=0
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    PATH=$RATION_BUILD:$PATH
    /usr/bin/python3 "$root/docs/tutorial/samples.py"
    mv prices.txt "pri ces'.txt"
    for model in small large; do
        ration import -s "a b.db" -t my.jsonl --model "$model of mine" "$model.jsonl" >/dev/null
        ration import -s "a b.db" -t mini --model "$model of mine" --skip-bad "$model.jsonl" >/dev/null 2>&1 || true
    done
    ration judge -s "a b.db" >/dev/null
    printf '[model s-cost]\nflop_per_sample = 1.69 TFLOP\nusd_per_1m_tokens = 0.2\n' >more.txt
    printf '[model l-cost]\nflop_per_sample = 8.58 TFLOP\nusd_per_1m_tokens = 0.9\n' >>more.txt
    printf '[profile box]\ns-cost = 0.1 + 0.3\nl-cost = 2:3.4 8:6\n' >>more.txt
    run ration report -s "a b.db" -t my.jsonl --cost-file "pri ces'.txt" --cost-file more.txt \
        --cost "small of mine=s-cost" --cost "large of mine=l-cost" --profile box
    echo "$output"
    [ "$status" -eq 0 ]
    grep -o '`ration plan .*`' <<<"$output" | tr -d '`' >commands
    while read -r line; do
        n=$((n + 1))
        run sh -c "$line"
        echo "$line: $status $output"
        echo "$output" >>asked.all
        [ "$status" -le 1 ]
        [[ "$output" == *"As recorded (the figure of "*"  small of mine less large of mine at "* ||
            "$output" == *"As recorded (the figure of "*"  large of mine less small of mine at "* ]]
        [[ "$output" == *"12 problems; "* ]]
    done <commands
    [ "$n" -eq 3 ]
    # The k of the question and its figure are those of the report.
    ration report -s "a b.db" -t my.jsonl --cost-file "pri ces'.txt" --cost-file more.txt --profile box \
        --cost "small of mine=s-cost" --cost "large of mine=l-cost" -f json >r.json
    grep '^  .* less ' asked.all >asked
    /usr/bin/python3 - <<'EOF'
import json
for answer, line in zip(json.load(open("r.json"))["tasks"][0]["answers"], open("asked"), strict=True):
    assert line.startswith(f"  {answer['leader']} less {answer['second']} at "), (answer, line)
    figure = "{ahead:+.1f} points [{lo:+.1f}, {hi:+.1f}]".format(**{k: 100 * answer[k] for k in ("ahead", "lo", "hi")})
    assert f"(pass@{answer['k']} against pass@{answer['second_k']}): {figure}" in line, (answer, line)
EOF
    # Where plan cannot price alike, no command is given.
    run ration report -s "a b.db" --cost-file "pri ces'.txt" --cost-file more.txt --prompt each \
        --cost "small of mine=s-cost" --cost "large of mine=l-cost"
    [[ "$output" == *"surer    draw"* && "$output" != *"ration plan"* ]]
}

@test "the screen keeps to 100 columns with long names, but for the command to be pasted" {
    three_problems
    printf 'task_id,n,c\nC/0,10,2\nC/1,10,5\nC/2,10,9\n' >a.csv
    printf 'task_id,n,c\nC/0,10,6\nC/1,10,7\nC/2,10,9\n' >b.csv
    for pair in "organisation/coder-python-7b-instruct-v1.0-q4_k_m another/deep-coder-33b-instruct-awq-ümlaut" \
        "coder-python-instruct-7b coder-python-instruct-34b"; do
        rm -f s.db*
        "$RATION" import -s s.db -t set.jsonl --model "${pair% *}" --cost code-llama-7b --format counts a.csv >/dev/null
        "$RATION" import -s s.db -t set.jsonl --model "${pair#* }" --cost code-llama-34b --format counts b.csv >/dev/null
        run "$RATION" report -s s.db --profile paper-8xa100
        echo "$output"
        [ "$status" -eq 0 ]
        [ "$(LC_ALL=C.UTF-8 wc -L <<<"$output")" -le 100 ]
        [ "${#lines[@]}" -le 45 ]
        [[ "$output" == *"  leads    ${pair% *}: "*" ${pair#* }"* ]] # whole names in the answer
        case $pair in
        coder*) [[ "$output" == *"8.578 TFLOP  7b "*"  34b  "* ]] ;;
        *) [[ "$output" == *"  organisa…-q4_k_m  "*"  another/…ümlaut  "* ]] ;;
        esac
    done
}

@test "samples without a verdict are reported with the command that judges them, and status 1" {
    three_problems
    for i in 0 0 1 1; do
        printf '{"task_id": "C/%d", "completion": "    return x\\n", "passed": true, "result": "passed"}\n' $i
    done >a.jsonl
    printf '{"task_id": "C/2", "completion": "    return x\\n"}\n' >>a.jsonl
    "$RATION" import -s s.db -t set.jsonl --model A --cost code-llama-7b a.jsonl >/dev/null
    for form in table csv json; do
        run "$RATION" report -s s.db -f $form
        [ "$status" -eq 1 ]
        output=$(tr -s ' \n' ' ' <<<"$output") # lines of the screen are wrapped
        [[ "$output" == *"set: 1 sample without a verdict (A 1), 2 of 3 problems are complete: run \`ration judge -s s.db\`"* ]]
    done
    run "$RATION" report -s s.db --missing refuse
    [ "$status" -eq 3 ]
    [[ "$output" == *"A: C/2: 1 of 1 samples have no verdict; run \`ration judge -s s.db\`"* ]]
}

@test "what is missing is said" {
    printf '[model other]\nflop_per_sample = 1e12\n' >costs.txt
    run "$RATION" report --published -t mbpp -m code-llama-7b --cost code-llama-7b=other \
        --cost-file costs.txt
    [ "$status" -eq 0 ]
    [[ "$output" == *"give --profile NAME"* ]]
    run "$RATION" report --published -t mbpp -m nobody
    [ "$status" -eq 3 ]
}

@test "figures: an unknown form or figure is a usage error, an empty one says what is missing" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed: apt install gnuplot-nox"
    run "$RATION" report --published --plot a.gif
    [ "$status" -eq 2 ]
    [[ "$output" == *".svg, .pdf or .png"* ]]
    run "$RATION" report --published --plot a.svg --figure pie
    [ "$status" -eq 2 ]
    run "$RATION" report --published --figure time
    [ "$status" -eq 2 ]
    run "$RATION" report --published -t humaneval --plot a.svg --figure time
    [ "$status" -eq 3 ]
    [[ "$output" == *"give --profile NAME"* ]]
    run "$RATION" report --published -t humaneval --plot a.svg --figure rank
    [ "$status" -eq 3 ]
    [[ "$output" == *"ration rank"* ]]
    [ ! -e a.svg ]
    for form in svg pdf png; do
        run "$RATION" report --published -t humaneval --profile paper-8xa100 --plot "my figure.$form"
        [ "$status" -le 1 ]
        [ -s "my figure.$form" ]
    done
    grep -q "code-llama-13b" "my figure.svg"
    grep -q "At equal wall-time" "my figure.svg"
}

@test "pass@k beyond the samples is named so, or refused with the reason" {
    cd "$BATS_TEST_TMPDIR"
    /usr/bin/python3 - >counts.jsonl <<'PY'
import json
for i in range(40):
    print(json.dumps({"task_id": "P/%d" % i, "n": 20, "c": (i * 7) % 21 if i % 4 else 0}))
PY
    "$RATION" import -s a.db -t other --ids-only --model m --format counts counts.jsonl >/dev/null
    run "$RATION" report -s a.db --extrapolate 100 --resamples 50
    [[ "$output" == *"pass@k extrapolated beyond the samples, %"* ]]
    [[ "$output" == *"m: from k = 10 on, "*" fit"* ]]
    run "$RATION" report -s a.db --extrapolate 100 --resamples 50 --format csv
    [[ "$output" == *"extrapolated@k,other,m,,20,,100,100,0."* ]]
    run "$RATION" report -s a.db --extrapolate 2000
    [[ "$output" == *"no extrapolation to k = 2000: k is beyond 50 times the samples of a problem"* ]]
    run "$RATION" report -s a.db --extrapolate 1
    [ "$status" -eq 2 ]
    if command -v gnuplot >/dev/null; then
        "$RATION" report -s a.db --extrapolate 100 --resamples 50 --plot far.svg --figure pass@k >/dev/null || [ $? -eq 1 ]
        grep -q "dashed: extrapolated" far.svg
        "$RATION" report -s a.db --resamples 50 --plot near.svg --figure pass@k >/dev/null || [ $? -eq 1 ]
        ! grep -q "extrapolated" near.svg
    fi
    # counts that cannot tell: none passed, all passed, too few problems, too few samples
    for how in "0 20 40 no_sample_passed" "20 20 40 every_sample_passed" \
        "7 20 19 fewer_than_20_problems" "1 3 40 fewer_than_4_judged_samples"; do
        read -r c n problems why <<<"$how"
        rm -f b.db
        for i in $(seq "$problems"); do
            printf '{"task_id": "P/%d", "n": %d, "c": %d}\n' "$i" "$n" "$c"
        done >counts.jsonl
        "$RATION" import -s b.db -t other --ids-only --model m --cost code-llama-7b --format counts counts.jsonl >/dev/null
        for command in report plan; do
            run "$RATION" $command -s b.db --extrapolate 100 --resamples 50
            echo "$how, $command: $output"
            [ "$status" -eq 1 ]
            [[ "$output" == *"no extrapolation to k = 100: "*"${why//_/ }"* ]]
            [[ "$output" != *"beyond the samples, %"* && "$output" != *" e "* ]]
        done
    done
}

@test "plan beyond the samples: each model alone, paired, marked as an extrapolation" {
    cd "$BATS_TEST_TMPDIR"
    for m in small:7 large:11; do
        for i in $(seq 40); do
            c=$(((i * 7) % 21 * ${m#*:} / 14))
            printf '{"task_id": "P/%d", "n": 20, "c": %d}\n' "$i" \
                $((i % 4 ? (c > 20 ? 20 : c) : i % 8 ? 0 : ${m#*:} / 10))
        done >counts.jsonl
        cost=code-llama-7b
        [ "${m%:*}" = large ] && cost=code-llama-34b
        "$RATION" import -s a.db -t other --ids-only --model "${m%:*}" --cost $cost --format counts counts.jsonl >/dev/null
    done
    run "$RATION" plan -s a.db --extrapolate 200 --resamples 200 -b 10TFLOP -b 100TFLOP -b 3PFLOP
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"beyond the samples: each model alone"* ]]
    [[ "$output" == *"e an extrapolation, not measured"* ]]
    [[ "$output" == *"small: measured up to k = 10, "*" fit from there on"* ]]
    [[ "$output" == *"3 PFLOP    small  over 200 "* ]]
    run "$RATION" plan -s a.db --extrapolate 200 --resamples 200 -b 10TFLOP -b 100TFLOP -b 3PFLOP --format json
    echo "$output" >plan.json
    "$RATION" report -s a.db --extrapolate 59 --resamples 200 --format json >report.json
    /usr/bin/python3 - <<'PY'
import json
rows = json.load(open("plan.json"))["extrapolated"][0]["rows"]
at = {(round(r["budget"] / 1e12), r["model"]): r for r in rows}
assert at[10, "small"]["k"] == 5 and not at[10, "small"]["extrapolated"], at
far = at[100, "small"]
assert far["k"] == 59 and far["extrapolated"], far
assert at[100, "large"]["k"] == 11 and at[100, "large"]["extrapolated"], at
# more than was asked for has no value, and nobody is compared with it
assert at[3000, "small"]["k"] is None and at[3000, "small"]["value"] is None, at[3000, "small"]
series = json.load(open("report.json"))["series"]
def points(metric, model):
    return next(s["points"] for s in series if s["metric"] == metric and s["model"] == model)
curve, beyond = points("pass@k", "small"), points("extrapolated@k", "small")
assert abs(next(p["value"] for p in curve if p["k"] == 5) - at[10, "small"]["value"]) < 1e-12
end = beyond[-1]
assert end["k"] == 59 and abs(end["value"] - far["value"]) < 1e-9, (end, far)
assert abs(end["lo"] - far["value_lo"]) < 1e-9 and abs(end["hi"] - far["value_hi"]) < 1e-9
a, b = far, at[100, "large"]
assert abs(a["ahead"] - (a["value"] - b["value"])) < 1e-9 and abs(a["ahead"] + b["ahead"]) < 1e-9
assert a["ahead_lo"] < a["ahead"] < a["ahead_hi"] and abs(a["first"] + b["first"] - 1) < 1e-9
assert a["value"] > at[10, "small"]["value"] and a["cost"] < 100e12
PY
    run "$RATION" plan -s a.db --extrapolate 200 --resamples 50
    [ "$status" -eq 0 ]
    [[ "$output" == *" e"* ]]
    for bad in --total --replay --no-tests --stop; do
        run "$RATION" plan -s a.db --extrapolate 200 $bad
        [ "$status" -eq 2 ]
    done
    run "$RATION" plan -s a.db --extrapolate 1
    [ "$status" -eq 2 ]
    if command -v gnuplot >/dev/null; then
        "$RATION" plan -s a.db --extrapolate 200 --resamples 50 --plot plan.svg >/dev/null
        grep -q "FLOPs (dashed: extrapolated)" plan.svg
    fi
}

@test "-t takes a name or a file everywhere; a typo lists what there is" {
    cd "$BATS_TEST_TMPDIR"
    make_set
    for m in a b; do
        printf '{"task_id": "Tiny/1", "completion": "    return x + 1\\n", "passed": true}\n' >$m.jsonl
        "$RATION" import -s t.db -t tiny.jsonl --model $m $m.jsonl >/dev/null
    done
    mkdir sub
    cp tiny.jsonl sub
    for t in tiny tiny.jsonl sub/tiny.jsonl; do
        run "$RATION" report -s t.db -t $t --cost a=code-llama-7b --cost b=code-llama-34b --compare a,b
        [ "$status" -le 1 ]
        [[ "$output" == *"a minus b at equal k"* ]] || { echo "$output"; false; }
        run "$RATION" export -s t.db -t $t -m a --format counts
        [[ "$output" == *"Tiny/1,1,1"* ]]
        run "$RATION" judge -s t.db -t $t
        [ "$status" -eq 0 ] || { echo "$output"; false; }
    done
    for args in "-t tinny" "-m c" "--compare a,c" "--metric pass@q" "--profile paper" "--cost a=code-lama"; do
        run "$RATION" report -s t.db $args
        [ "$status" -ge 2 ] || { echo "$args: $output"; false; }
        [[ "$output" == *"it has "* || "$output" == *"there "* || "$output" == *"known"* ]] || { echo "$args: $output"; false; }
    done
    run "$RATION" reprot
    [[ "$output" == *"did you mean 'report'"* ]]
    run "$RATION" report --metirc reach
    [[ "$output" == *"did you mean --metric?"* ]]
}

@test "verdicts from several protocols are said to be so beside the score" {
    make_set
    printf '{"task_id": "Tiny/%s", "completion": "    return x + 1\\n"}\n' 0 1 >a.jsonl
    "$RATION" import -s t.db -t tiny.jsonl --model m a.jsonl >/dev/null
    "$RATION" judge -s t.db -t tiny.jsonl --problems 0 --cpu-limit 1 >/dev/null || [ "$?" -eq 1 ]
    run "$RATION" report -s t.db -k 1
    [[ "$output" != *"come from"* ]] || { echo "$output"; false; }
    "$RATION" judge -s t.db -t tiny.jsonl --cpu-limit 2 --problems 1 >/dev/null || [ "$?" -eq 1 ]
    run "$RATION" report -s t.db -k 1
    [[ "$output" == *"protocols: the verdicts of m come from 2;"* ]] || { echo "$output"; false; }
}
