#!/usr/bin/env bats
# ration export: each form back and forth, flat rows, choice of runs.

load helpers

setup() {
    in_tmpdir
    make_set
}
teardown() { leave_tmpdir; }

# round_trip FORM SET FILE... : import, export as FORM, import that: the same content.
round_trip() {
    local form=$1 set=$2
    shift 2
    "$RATION" import -s a.db -t "$set" --model m $KIND "$@" >/dev/null
    "$RATION" export -s a.db --format "$form" -o "out.$form.gz"
    "$RATION" import -s b.db -t "$set" --model m $KIND "out.$form.gz" >/dev/null
    [ "$(digest a.db)" = "$(digest b.db)" ]
    "$RATION" export -s b.db --format "$form" | cmp - <(zcat "out.$form.gz")
    [ ! -e "out.$form.gz.part" ]
    rm -f a.db b.db
}

# Every kind of character that JSON treats in its own way.
odd='a\\"b\\u0000\\u0001\\u007f\\té€😀\\ud83d\\ude00\\n'

@test "export: round trip of every form" {
    KIND=
    printf '{"task_id": "Tiny/1", "completion": "'"$odd"'", "generated_tokens": 3, "prompt_tokens": 9, "finish_reason": "length", "logprob": -1.25}\n{"task_id": "Tiny/1", "completion": "", "result": "failed: E", "passed": false}\n' >a.jsonl
    round_trip human-eval tiny.jsonl a.jsonl
    sed '1!d; s/completion/solution/' a.jsonl >e.jsonl
    round_trip evalplus tiny.jsonl e.jsonl
    printf '{"eval": {"Tiny/3": [{"solution": "'"$odd"'", "base_status": "pass", "plus_status": "timeout"}, {"solution": "y"}]}}' >r.json
    round_trip evalplus-results tiny.jsonl r.json
    printf '[[], ["'"$odd"'", ""], [], ["z"]]' >b.json
    round_trip bigcode tiny.jsonl b.json
    printf '{"prompt": "def f1(x):\\n", "samples": ["'"$odd"'", ""]}\n' >c.jsonl
    round_trip codet tiny.jsonl c.jsonl
    printf '{"Tiny/0": {"samples": [{"generation": "'"$odd"'"}, {"pass_at_1": 100.0, "generation": ""}]}}' >s.json
    round_trip release tiny.jsonl s.json
    printf '{"task_id": "Tiny/2", "runs": [{"code": "'"$odd"'", "result": "Fail", "seconds": 4.37}, {"code": ""}]}\n' >n.jsonl
    round_trip runs tiny.jsonl n.jsonl
    printf 'task_id,n,c\nTiny/1,5,2\n' >n.csv
    round_trip counts tiny.jsonl n.csv
    printf 'k,pass@k\n1,0.28\n100,0.9300000001\n' >k.csv
    round_trip curve tiny.jsonl k.csv
}

@test "export: round trip of real files" {
    need_data samples/codegen-16b.humaneval.codet.jsonl.gz
    d=$RATION_DATA/samples
    KIND=
    round_trip codet humaneval "$d/codegen-16b.humaneval.codet.jsonl.gz"
    round_trip human-eval humaneval "$d/wizardcoder-python-7b.humaneval.jsonl.gz"
    round_trip runs humaneval "$d/codellama-34b-instruct.humaneval.10runs.jsonl.gz"
    KIND=--greedy
    round_trip human-eval humaneval "$d/wizardcoder-python-34b.humaneval.greedy.jsonl"
    round_trip evalplus humaneval "$d/untruncated/humaneval_CodeLlama-7b-hf.jsonl.gz"
    round_trip evalplus-results humaneval "$d/untruncated/humaneval_CodeLlama-7b-hf.jsonl.gz" \
        "$d/untruncated/humaneval_CodeLlama-7b-hf_eval_results.json.gz"
}

@test "export: CodeT's prompts find the same problems with and without their map" {
    need_data samples/codegen-16b.humaneval.codet.jsonl.gz
    d=$RATION_DATA/samples
    "$RATION" import -s a.db -t humaneval --model m "$d/codegen-16b.humaneval.codet.jsonl.gz"
    "$RATION" import -s b.db -t humaneval --model m "$d/codegen-16b.humaneval.codet.jsonl.gz" \
        --map "$d/codet.HumanEval_for_code_generation.jsonl"
    [ "$(digest a.db)" = "$(digest b.db)" ]
}

@test "export: whole programs are made from completions where a form wants them" {
    printf '{"task_id": "Tiny/1", "completion": "    return x + 1\\n"}\n' >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model m a.jsonl
    mkdir away
    cd away
    run "$RATION" export -s ../a.db --format evalplus
    [ "$status" -eq 0 ] # the set is found where it came from
    mv ../tiny.jsonl ../gone.jsonl
    run "$RATION" export -s ../a.db --format evalplus
    [ "$status" -eq 3 ]
    [[ "$output" == *"tiny"* ]]
    mv ../gone.jsonl ../tiny.jsonl
    sed 's/Tiny/Other/' ../tiny.jsonl >tiny.jsonl
    run "$RATION" export -s ../a.db --format evalplus -t tiny.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"is not the set that the samples are of"* ]]
    cd ..
    run "$RATION" export -s a.db --format evalplus -t tiny.jsonl
    [ "$output" = '{"task_id": "Tiny/1", "solution": "def f1(x):\n    return x + 1\n"}' ]
    run "$RATION" export -s a.db --format bigcode -t tiny.jsonl
    [ "$(printf '%s' "$output" | tr -d '\n')" = '[[],["def f1(x):\n    return x + 1\n"],[],[]]' ]
}

@test "export: rows in the order of the set, then of the samples" {
    printf '{"task_id": "Tiny/3", "completion": "d"}\n{"task_id": "Tiny/0", "completion": "a"}\n{"task_id": "Tiny/3", "completion": "e"}\n{"task_id": "Tiny/0", "completion": "b"}\n' >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model m a.jsonl
    run "$RATION" export -s a.db --format human-eval
    [ "$(printf '%s\n' "${lines[@]}" | sed 's/.*completion": "\(.\)".*/\1/' | tr -d '\n')" = abde ]
}

@test "export: one run is chosen, or asked for; flat rows hold all" {
    printf '{"task_id": "Tiny/0", "completion": "a,\\"b\\"", "passed": true}\n' >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model one a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model two a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model two --greedy a.jsonl
    run "$RATION" export -s a.db --format human-eval
    [ "$status" -eq 2 ]
    [[ "$output" == *"'human-eval' holds one run; choose with --run"*"1: one, tiny, sample, 1 sample"* ]]
    run "$RATION" export -s a.db --format human-eval --model two --greedy
    [ "$status" -eq 0 ]
    run "$RATION" export -s a.db --format human-eval --run 2
    [ "$status" -eq 0 ]
    run "$RATION" export -s a.db --format human-eval --model three
    [ "$status" -eq 3 ]
    [[ "$output" == *"a.db has no model 'three'; it has one, two"* ]]
    run "$RATION" export -s a.db --format csv
    [ "${#lines[@]}" = 4 ]
    [[ "${lines[0]}" == run,set,model,kind,task_id,sample,verdict,* ]]
    [[ "${lines[3]}" == 3,tiny,two,greedy,Tiny/0,0,passed,* ]]
    "$RATION" export -s a.db --format jsonl | /usr/bin/python3 -c 'import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert [r["model"] for r in rows] == ["one", "two", "two"], rows
assert all(r["text"] == "a,\"b\"" and r["verdict"] == "passed" for r in rows), rows'
}

@test "export: usage, stores that are not there, outputs that cannot be written" {
    run "$RATION" export --help
    [ "$status" -eq 0 ]
    for args in "" "-s a.db" "-s a.db --format nonsense" "-s a.db --format csv extra" \
        "-s a.db --format csv --greedy --samples"; do
        run "$RATION" export $args
        [ "$status" -eq 2 ] || { echo "$args: $status $output"; false; }
    done
    run "$RATION" export -s none.db --format csv
    [ "$status" -eq 3 ]
    [[ "$output" == *"none.db: no such experiment file"* ]]
    printf '{"task_id": "Tiny/0", "completion": "a"}\n' >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model one a.jsonl
    run "$RATION" export -s a.db --format csv -o none/out.csv
    [ "$status" -eq 3 ]
    [[ "$output" == *"cannot create none/out.csv.part"* ]]
    [ -w /dev/full ] || skip "no /dev/full"
    run sh -c '"$0" export -s a.db --format csv >/dev/full' "$RATION"
    [ "$status" -eq 3 ]
}

@test "export: texts that are not UTF-8 are counted" {
    printf '{"task_id": "Tiny/0", "completion": "a"}\n' >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model one a.jsonl
    /usr/bin/python3 -c 'import sqlite3
c = sqlite3.connect("a.db"); c.execute("update sample_text set text = x%s" % repr("61ff62")); c.commit()'
    run "$RATION" export -s a.db --format human-eval
    [ "$status" -eq 0 ]
    [[ "$output" == *"1 text has bytes that are not UTF-8"* ]]
}
