#!/usr/bin/env bats
# Stores of older versions: what a release paid for is not paid for again by the next one.

load helpers

setup() {
    in_tmpdir
    export RATION_CPU=scalar RATION_JUDGE_WITHOUT=cgroup RATION_DATA=$BATS_TEST_DIRNAME/../../data
    XS=$BATS_TEST_DIRNAME/../../models/ration-mini-xs.gguf
}
teardown() { leave_tmpdir; }

# old_store FILE: tests/stores/v0.1.0.sql as a store of this machine. ration 0.1.0 made it: generate and
# greedy of two problems of mini, judge, rank by likelihood and by consensus, then solve of mini/1;
# Python's version and the sandbox's level, on which verdicts depend, are this machine's.
old_store() {
    make_set
    printf '{"task_id": "Tiny/0", "completion": "    return x\\n"}\n' >probe.jsonl
    "$RATION" import -s probe.db -t tiny.jsonl --model m probe.jsonl >/dev/null
    "$RATION" judge -s probe.db -t tiny.jsonl -j 1 >/dev/null
    python=$(sql probe.db "select json_extract(json, '\$.python') from protocol")
    sandbox=$(sql probe.db "select json_extract(json, '\$.sandbox') from protocol")
    sed "s/@PYTHON@/$python/g; s/@SANDBOX@/$sandbox/g" "$BATS_TEST_DIRNAME/../stores/v0.1.0.sql" >old.sql
    /usr/bin/python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[2]).executescript(open(sys.argv[1]).read())' old.sql "$1"
}

@test "store: nothing of a store of 0.1.0 is generated, judged, scored or bought again" {
    old_store s.db
    run "$RATION" generate -m "$XS" -t mini -s s.db --problems 0-1 -n 3 --max-tokens 48
    [[ "$output" == *"run 1: 6 of 6 samples (0 made now"* ]]
    run "$RATION" generate -m "$XS" -t mini -s s.db --problems 0-1 --greedy --max-tokens 48
    [[ "$output" == *"run 2: 2 of 2 samples (0 made now"* ]]
    run "$RATION" judge -s s.db -t mini -j 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"0 samples judged now, 0 programs run"* ]]
    run "$RATION" rank -m "$XS" -s s.db --run 1
    [[ "$output" == *"0 scored"* ]]
    run "$RATION" rank --ranker consensus --inputs 4 -j 1 -s s.db --run 1
    [[ "$output" == *"0 programs executed"* ]]
    run "$RATION" solve -m "$XS" --budget 200MFLOP -s s.db --max-tokens 48 mini --problem mini/1
    [[ "$output" == *"ration-mini-xs "*" 0       5 "* ]]
    [ "$(sql s.db "select count(*) from sample")" = 13 ]
    [ "$(sql s.db "select count(*) from run")" = 3 ]
    [ "$(sql s.db "select count(*) from ranker")" = 2 ]
    # What was split off is shown as before.
    run "$RATION" export -s s.db --format jsonl
    [[ "$output" == *'"source":"ration generate"'*'"version":"0.1.0"'* ]]
}

@test "store: an old store is read without being changed, and merged as what it is" {
    old_store s.db
    sha256sum s.db >before
    old=$(digest s.db)
    "$RATION" export -s s.db --format jsonl >/dev/null
    sha256sum -c --quiet before
    "$RATION" merge -s new.db s.db
    [ "$(digest new.db)" = "$old" ]
    "$RATION" merge -s s.db
    [ "$(sql s.db "pragma user_version")" -gt 3 ]
    [ "$(digest s.db)" = "$old" ]
    run "$RATION" merge -s new.db s.db
    [[ "$output" == *"0 samples added, 13 were there already, 0 verdicts, 0 scores; 0 conflicts"* ]]
    # The protocol of solve is in the form in which judge writes it.
    [ "$(sql s.db "select json_extract(json, '$.memory_mib') from protocol where json like '%auto/1%'")" = 4096 ]
}

# label: the protocol that the report's JSON gives for the first model, and its pass@1
label() {
    "$RATION" report -s s.db -k 1 --format json | /usr/bin/python3 -c 'import json, sys
m = json.load(sys.stdin)
e = m["tasks"][0]["models"][0]
print(json.dumps(e["protocol"]), e["protocols"], [s["points"][0]["value"] for s in m["series"] if s["metric"] == "pass@k"][0])'
}

@test "store: the label of a score is the protocol of the verdicts that count" {
    make_set
    printf '{"eval": {"Tiny/0": [{"solution": "p", "base_status": "pass", "plus_status": "fail"}]}}' >r.json
    "$RATION" import -s s.db -t tiny.jsonl --model m r.json
    [[ "$(label)" == *'"tests": "base"'*' 1 1'* ]]
    [[ "$("$RATION" report -s s.db -k 1 --format json)" == *'"task":"tiny, base + extra tests"'* ]]
    rm s.db
    printf '{"task_id": "Tiny/0", "completion": "    return x\\n"}\n{"task_id": "Tiny/1", "completion": "    return x\\n"}\n' >a.jsonl
    "$RATION" import -s s.db -t tiny.jsonl --model m a.jsonl
    # The protocol with the higher number was judged first, and counts for nothing afterwards.
    "$RATION" judge -s s.db -t tiny.jsonl -j 1 --memory 512 >/dev/null
    sleep 0.01
    "$RATION" judge -s s.db -t tiny.jsonl -j 1 --memory 1024 >/dev/null
    sleep 0.01
    "$RATION" judge -s s.db -t tiny.jsonl -j 1 --memory 512 --recheck >/dev/null
    [[ "$(label)" == *'"memory_mib": 512'*' 1 0.5'* ]]
    # Verdicts of two protocols count: the one of most samples names them, and there are two.
    /usr/bin/python3 -c 'import sqlite3
c = sqlite3.connect("s.db")
c.execute("update verdict set judged_ms = judged_ms + 100000 where sample_id = 1 and protocol_id = 2")
c.commit()'
    [[ "$(label)" == *' 2 0.5'* ]]
}

@test "store: report --against imported shows where our verdict and an imported one differ" {
    make_set
    {
        printf '{"task_id": "Tiny/0", "completion": "    return x\\n", "passed": true}\n'
        printf '{"task_id": "Tiny/0", "completion": "    return 1 / 0\\n", "passed": true}\n'
        printf '{"task_id": "Tiny/1", "completion": "    return 0\\n", "passed": false}\n'
        printf '{"task_id": "Tiny/2", "completion": "x"}\n'
    } >a.jsonl
    "$RATION" import -s s.db -t tiny.jsonl --model m a.jsonl
    run "$RATION" report -s s.db --against imported
    [ "$status" -eq 3 ]
    [[ "$output" == *"no sample has both an imported verdict and one of our own: run \`ration judge -s s.db\`"* ]]
    "$RATION" judge -s s.db -t tiny.jsonl -j 1 >/dev/null
    run "$RATION" report -s s.db --against imported
    [ "$status" -eq 0 ]
    [[ "$output" == *"m on "*" (run 1): 3 samples were judged here and elsewhere"* ]]
    [[ "$output" == *"1 verdict differs: 0 passed here alone, 1 elsewhere alone"* ]]
    [[ "$output" == *"Tiny/0"*"1"*"exception"*"passed"*"ZeroDivisionError"* ]]
    run "$RATION" report -s s.db --against imported --format csv
    [ "${#lines[@]}" = 2 ]
    [[ "${lines[1]}" == m,tiny,1,Tiny/0,1,exception,passed,* ]] || { echo "$output"; false; }
    "$RATION" report -s s.db --against imported --format json >r.json
    run /usr/bin/python3 -c 'import json
r = json.load(open("r.json"))["runs"][0]
print(r["both"], r["differ"], r["samples"][0]["sample"])'
    [ "$output" = "3 1 1" ]
    run "$RATION" report -s s.db --against nonsense
    [ "$status" -eq 2 ]
}

@test "store: beside it a link or a pipe in the place of a file of its own is refused by name and left alone" {
    make_set
    printf '{"task_id": "Tiny/0", "completion": "    return x\\n"}
' >a.jsonl
    "$RATION" import -s x.db -t tiny.jsonl --model m a.jsonl >/dev/null
    echo precious >mine
    ln -s mine x.db.lock
    run "$RATION" judge -s x.db -t tiny.jsonl -j 1
    [ "$status" -eq 3 ]
    [[ $output == *"x.db.lock is a link"* ]]
    rm x.db.lock
    ln mine x.db.lock
    run "$RATION" judge -s x.db -t tiny.jsonl -j 1
    [ "$status" -eq 3 ]
    [[ $output == *"x.db.lock is no lock"* ]]
    [ "$(cat mine)" = precious ]
    rm x.db.lock
    for end in -journal -wal -shm .lock; do
        mkfifo "x.db$end"
        run timeout 20 "$RATION" judge -s x.db -t tiny.jsonl -j 1
        [ "$status" -eq 3 ]
        [[ $output == *"x.db$end"* ]]
        rm "x.db$end"
    done
    "$RATION" judge -s x.db -t tiny.jsonl -j 1 >/dev/null
}
