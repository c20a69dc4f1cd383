#!/usr/bin/env bats
# until.bats: `generate --until` and `plan --samples`: questions asked until they are answered.

load helpers

setup() {
    root=$BATS_TEST_DIRNAME/../..
    in_tmpdir
    xs=$root/models/ration-mini-xs.gguf
    s=$root/models/ration-mini-s.gguf
    set=$root/data/mini/mini.jsonl
    [ -r "$xs" ] && [ -r "$s" ] || skip "no models/ration-mini-*.gguf"
}

teardown() { leave_tmpdir; }

until_answered() {
    local store=$1 question=$2
    shift 2
    "$RATION" generate --until "$question" -t "$set" -s "$store" --problems 0-19 --max-tokens 60 \
        --slots 32 "$@"
}

# What was answered, without what was made for it.
answer() { sed -n 's/^Answered: //p' <<<"$1"; }

@test "until: draws and judges until it is known; again it draws nothing, nor does a dry run" {
    run until_answered a.db 'pass@2 +-4.5' -m "$s" -n 60
    echo "$output"
    [ "$status" -eq 0 ]
    first=$(answer "$output")
    [[ "$first" == "pass@2 of ration-mini-s is "* ]]
    n=$(count a.db)
    # unequal n, and the rule of it is kept with the run
    [ "$(sql a.db "SELECT count(DISTINCT k) > 1 FROM
        (SELECT count(*) AS k FROM sample GROUP BY problem_id)")" = 1 ]
    [[ "$(sql a.db "SELECT provenance FROM run")" == *'"until":["pass@2 +-4.5: k 2, n 4 to 60, cost 1","pass@2 +-4.5: k 2, n 4 to 60, cost 1, rung '* ]]
    run until_answered a.db 'pass@2 +-4.5' -m "$s" -n 60
    [ "$(answer "$output")" = "$first" ]
    [ "$(count a.db)" = "$n" ]
    run "$RATION" generate --until 'pass@2 +-4.5' --dry-run -s a.db -n 60
    [ "$(answer "$output")" = "$first" ]
    run "$RATION" report -s a.db
    flat=$(tr -s '\n ' ' ' <<<"$output")
    [[ "$flat" == *"sampled until 'pass@2 +-4.5' was answered, 4 to "*" samples of a problem: pass@1 to pass@4 are from $n samples, without bias"*"all else is from the first 4 of each problem"* ]]
    # the report's value is the answer's
    run "$RATION" report -s a.db --metric pass@k -k 2 --format json
    echo "$first"
    /usr/bin/python3 -c 'import json, re, sys
point = next(p for s in json.loads(sys.argv[1])["series"] for p in s["points"] if p["k"] == 2)
assert abs(100 * point["value"] - float(re.search(r" is ([0-9.]+) %", sys.argv[2])[1])) < 0.051, point' "$(sed -n '/^{/,$p' <<<"$output")" "$first"
    # a narrower one goes on where the wider one ended
    run until_answered a.db 'pass@2 +-3.5' -m "$s" -n 60
    [ "$status" -eq 0 ]
    [ "$(count a.db)" -gt "$n" ]
    # judged samples of a dry run can end before the answer: a plan says what is missing
    run "$RATION" generate --until 'pass@2 +-0.5' --dry-run -s a.db -n 60
    [ "$status" -eq 1 ]
    [[ "$output" == *"the recorded samples end here"* && "$output" == *"Not answered: "*"wider than asked"* ]]
    run "$RATION" plan --samples 'pass@2 +-2' -s a.db
    echo "$output"
    [[ "$output" == *"An answer for these problems comes in "*"further"* ]]
    run "$RATION" plan --samples 'pass@2 +-2' -s a.db --format json
    /usr/bin/python3 -c 'import json, sys
p = json.loads(sys.argv[1])
m = p["models"][0]
assert m["further_lo"] <= m["further"] <= m["further_hi"] and m["further"] > 0, m
assert abs(sum(x["further"] for x in p["problems"]) - m["further"]) < 0.5 * m["further"]' "$(sed -n '/^{/,$p' <<<"$output")"
}

@test "until: killed again and again it comes to the same store; Ctrl-C says what is known" {
    cmd=(until_answered full.db 'pass@2 +-5' -m "$s" -n 60)
    "${cmd[@]}" >full.out 2>/dev/null
    for ms in 150 300 600; do
        "$RATION" generate --until 'pass@2 +-5' -t "$set" -s a.db --problems 0-19 --max-tokens 60 \
            --slots 32 -m "$s" -n 60 >/dev/null 2>&1 3>&- &
        pid=$!
        sleep "0.$ms"
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    run until_answered a.db 'pass@2 +-5' -m "$s" -n 60
    [ "$status" -eq 0 ]
    [ "$(answer "$output")" = "$(answer "$(cat full.out)")" ]
    [ "$(digest a.db)" = "$(digest full.db)" ]
    "$RATION" generate --until 'pass@4 +-0.1' -t "$set" -s b.db -m "$s" >out 2>&1 3>&- &
    pid=$!
    signal_at 1 $pid TERM b.db
    status=0
    wait $pid || status=$?
    cat out
    [ "$status" -eq 1 ]
    grep -q "the same command continues" out
    grep -q "^Not answered: " out
}

@test "until: two models, a difference, a lead and a crossover" {
    run until_answered a.db 'mini-s>mini-xs at pass@2' -m "$s" -m "$xs" -n 60
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Answered: ration-mini-s is ahead of ration-mini-xs (pass@2 against pass@2): +"* ]]
    # it ended by what it saw
    [[ "$output" == *"the difference is the median unbiased one: sampling ended by what it saw,"*"\`ration report\` may differ"* ]]
    run "$RATION" generate --until 'mini-xs>mini-s at pass@2' --dry-run -s a.db
    [[ "$output" == *"Answered: ration-mini-s is ahead of ration-mini-xs"*"as asked: -"* ]]
    run until_answered a.db 'mini-s - mini-xs at 5x +-25' -m "$s" -m "$xs" -n 60
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"ration-mini-s less ration-mini-xs at 5x (pass@1 against pass@5): +"* && "$output" != *"median"* ]]
    run until_answered a.db 'crossover mini-xs,mini-s up to 9x' -m "$s" -m "$xs" -n 12
    [[ "$output" == *"budget"*"4.5x"*"9x"* ]]
}

@test "plan --samples: the set that the models share, or -t" {
    make_set
    cp tiny.jsonl other.jsonl
    for m in a b c; do
        /usr/bin/python3 -c 'import json, sys
for i in range(4):
    for k in range(4):
        print(json.dumps({"task_id": "Tiny/%d" % i, "completion": "    return %d\n" % k, "passed": (i + k) % 3 > 0}))' >$m.jsonl
    done
    "$RATION" import -s p.db -t tiny.jsonl --model a a.jsonl
    "$RATION" import -s p.db -t other.jsonl --model a a.jsonl
    "$RATION" import -s p.db -t tiny.jsonl --model b b.jsonl
    "$RATION" import -s p.db -t other.jsonl --model c c.jsonl
    run "$RATION" plan -s p.db --samples 'a - b at pass@1 +-40' --format json
    echo "$output"
    [[ "$output" == *'"problems_compared":4'* ]]
    run "$RATION" plan -s p.db --samples 'a pass@1 +-40'
    echo "$output"
    [ "$status" -ge 2 ]
    [[ "$output" == *"p.db: samples of a are of 2 sets, tiny, other; name one with -t"* ]]
    run "$RATION" plan -s p.db --samples 'b - c at pass@1 +-40'
    [ "$status" -ge 2 ]
    [[ "$output" == *"p.db: b and c have samples of no set in common"* ]]
    run "$RATION" plan -s p.db -t other.jsonl --samples 'a - c at pass@1 +-40' --format json
    [[ "$output" == *'"problems_compared":4'* ]]
}

@test "until: a model behind a server, more than one round of one connection" {
    make_set
    mkdir srv
    printf '{"def f": ["    return x + 1\\n", "    return x\\n"]}' >answers.json
    start_server srv --answers answers.json
    run "$RATION" generate --until 'pass@1 +-14' -m "$BASE/v1#test-model" -t tiny.jsonl -s a.db -n 90
    stop_server srv
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Answered: pass@1 of test-model is "*"requests"* ]]
    [ "$(sql a.db "SELECT count(DISTINCT problem_id || ':' || idx) = count(*) FROM sample")" = 1 ]
    # the probe is asked once, not once a round
    [ "$(grep -c "n is honoured" <<<"$output")" = 1 ]
}

@test "until: what is no question, or cannot be asked, is refused" {
    until_answered a.db 'pass@1 +-30' -m "$xs" >/dev/null
    while IFS='|' read -r question want; do
        run "$RATION" generate --until "$question" --dry-run -s a.db
        echo "$question: $output"
        [ "$status" -ge 2 ]
        [[ "$output" == *"$want"* ]]
    done <<'END'
pass@10|how narrow?
pass@x +-1|what is its k?
pass@2 +-0|how narrow?
pass@2 +-100|how narrow?
nonsense|is not a question
a>b|names no budget
>b at 8x|needs two models
a>b at 8 bananas|8
a - b at 8x|how narrow?
crossover a|needs two models
crossover a,b within 1x|within less than 1x
crossover a,b maybe|after the models
no-such-model pass@1 +-9|no model is called no-such-model
rank-score@5 +-2|no unbiased estimate
mini-xs>mini-xs at pass@1|twice
pass@2000 +-1|at most 1000
END
    run "$RATION" generate --until 'a>b at 8x' -m "$xs" -t "$set" -s b.db
    [ "$status" -eq 2 ]
    [[ "$output" == *"needs 2 models"* ]]
    for option in --greedy "--shard 0/2" "--todo x" "-n 5000"; do
        run "$RATION" generate --until 'pass@1 +-9' -m "$xs" -t "$set" -s b.db $option
        [ "$status" -eq 2 ]
    done
    run "$RATION" generate --dry-run -m "$xs" -t "$set" -s b.db
    [ "$status" -eq 2 ]
    run "$RATION" generate -m "$xs" -m "$s" -t "$set" -s b.db
    [ "$status" -eq 2 ]
    [ ! -e b.db ]
    "$RATION" generate -m "$xs" -t "$set" -s c.db --problems 0-1 --max-tokens 4 >/dev/null
    run "$RATION" plan --samples 'pass@1 +-9' -s c.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"has no judged sample"* ]]
}
