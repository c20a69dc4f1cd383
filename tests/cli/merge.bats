#!/usr/bin/env bats
# ration merge: union by identity, conflicts, repetition.

load helpers

setup() {
    in_tmpdir
    make_set
}
teardown() { leave_tmpdir; }

# rows FIRST LAST TEXT: samples FIRST..LAST of Tiny/0 as a file
rows() { for i in $(seq "$1" "$2"); do printf '{"task_id": "Tiny/0", "completion": "%s %d", "passed": true}\n' "$3" "$i"; done; }

@test "merge: shards make the whole, in any order and any number of times" {
    rows 0 9 x >all.jsonl
    rows 0 3 x >a.jsonl
    rows 4 9 x >b.jsonl
    "$RATION" import -s whole.db -t tiny.jsonl --model m all.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model m a.jsonl
    "$RATION" import -s b.db -t tiny.jsonl --model m --first 4 b.jsonl
    run "$RATION" merge -s out.db a.db b.db
    [ "$status" -eq 0 ]
    [[ "$output" == *"10 samples added, 0 were there already, 10 verdicts, 0 scores; 0 conflicts"* ]]
    [ "$(digest out.db)" = "$(digest whole.db)" ]
    run "$RATION" merge -s out.db b.db a.db
    [[ "$output" == *"0 samples added, 10 were there already, 0 verdicts"* ]]
    [ "$(digest out.db)" = "$(digest whole.db)" ]
    "$RATION" merge -s other.db b.db a.db
    [ "$(digest other.db)" = "$(digest whole.db)" ]
    [ "$(sql out.db "select group_concat(name) from command")" = merge,import,import,merge ]
}

@test "merge: other runs, greedy, counts, curves come along" {
    rows 0 0 x >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model m a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model m --greedy a.jsonl
    printf 'task_id,n,c\nTiny/1,5,2\n' >n.csv
    "$RATION" import -s a.db -t tiny.jsonl --model counts --cost code-llama-7b n.csv
    printf 'k,pass@k\n1,0.28\n' >k.csv
    "$RATION" import -s a.db -t paper --model curve k.csv
    "$RATION" merge -s out.db a.db
    [ "$(digest out.db)" = "$(digest a.db)" ]
    [ "$(sql out.db "select count(*) from run")" = 4 ]
}

@test "merge: conflicts are reported and the first keeps its place" {
    rows 0 2 x >a.jsonl
    rows 0 2 y >b.jsonl
    printf 'task_id,n,c\nTiny/1,5,2\n' >n.csv
    printf 'task_id,n,c\nTiny/1,5,3\n' >n2.csv
    "$RATION" import -s a.db -t tiny.jsonl --model m a.jsonl
    "$RATION" import -s b.db -t tiny.jsonl --model m b.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model c n.csv
    "$RATION" import -s b.db -t tiny.jsonl --model c n2.csv
    run "$RATION" merge -s a.db b.db
    [ "$status" -eq 1 ]
    [[ "$output" == *"conflict: b.db: Tiny/0: sample 0 of this problem is stored with another text"* ]]
    [[ "$output" == *"conflict: b.db: Tiny/1: n = 5, c = 3; n = 5, c = 2 is stored"* ]]
    [[ "$output" == *"4 conflicts"* ]]
    [ "$(sql a.db "select group_concat(text) from sample_text")" = "x 0,x 1,x 2" ]
}

@test "merge: refuses itself, what is no store, what is not there; checks without inputs" {
    rows 0 2 x >a.jsonl
    "$RATION" import -s a.db -t tiny.jsonl --model m a.jsonl
    run "$RATION" merge -s a.db a.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"a.db: a file cannot be merged into itself"* ]]
    run "$RATION" merge -s a.db a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"a.jsonl is not an experiment file"* ]]
    run "$RATION" merge -s a.db none.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"none.db: no such experiment file"* ]]
    run "$RATION" merge
    [ "$status" -eq 2 ]
    run "$RATION" merge -s a.db
    [ "$status" -eq 0 ]
    [[ "$output" == *"a.db: up to date, no damage found"* ]]
    run "$RATION" merge -s none.db
    [ "$status" -eq 3 ]
    [ ! -e none.db ]
}
