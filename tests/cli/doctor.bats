#!/usr/bin/env bats
# ration doctor: what is here, what is missing, and the fix.

load helpers

setup() { in_tmpdir; }
teardown() { leave_tmpdir; }

@test "doctor: table, json, csv; missing sets come with their fix" {
    run "$RATION" doctor --data .
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"Python"*"seccomp"*"judging"*"memory"*"disk"*"CPU"* ]]
    [[ "$output" == *"ration fetch humaneval"* ]]
    [[ "$(RATION_CPU=scalar "$RATION" doctor --data . --format csv)" == *"kernels: scalar"*"in use: scalar"* ]]
    # One line a family of sets, with one fix.
    [[ "$output" == *"apps "*"apps-introductory, apps-interview, apps-competition"*"fix: ration fetch apps"* ]]
    [ "$(grep -c "fix: ration fetch apps" <<<"$output")" -eq 1 ]
    [ "$(grep -c "^missing *infilling" <<<"$output")" -eq 1 ]
    # No line is wider than a screen, and a fix that goes on can be pasted.
    [ -z "$(awk 'length > 100' <<<"$output")" ]
    sed -n '/fix: ration fetch infilling/,/^[a-z]/p' <<<"$output" | grep -v '^[a-z]' | sed 's/fix: ration fetch/echo/' >fix
    [ "$(sh fix)" = "infilling-single-line infilling-multi-line infilling-random-span" ]
    "$RATION" doctor --data . --format json >d.json
    /usr/bin/python3 -c '
import json
rows = json.load(open("d.json"))
assert {"item", "status", "value", "fix"} == set(rows[0]), rows[0]
assert all(r["status"] in ("ok", "weak", "missing") for r in rows)'
    # As CSV the same, whatever is in it.
    "$RATION" doctor --data . --format csv >d.csv
    head -1 d.csv
    [ "$(head -1 d.csv)" = "item,status,value,fix" ]
    /usr/bin/python3 -c '
import csv, json
rows = json.load(open("d.json"))
read = list(csv.reader(open("d.csv", newline="")))[1:]
for r, got in zip(rows, read):
    assert len(got) == 4 and got[:2] == [r["item"], r["status"]] and got[3] == (r["fix"] or ""), (got, r)
assert len(rows) == len(read)'
}

@test "doctor: a language without the libraries of HumanEval-X's problems is weak, with what to install" {
    run "$RATION" doctor --data .
    for x in "cpp /usr/include/boost/any.hpp g++" "go /usr/share/gocode/src/github.com/stretchr/testify/assert golang-go" \
        "rust /usr/share/cargo/registry/md5-* rustc"; do
        # shellcheck disable=SC2086
        set -- $x
        grep -q "^missing *$1 " <<<"$output" && continue
        compgen -G "$2" && want=ok || want=weak
        [ "$1" != rust ] || compgen -G "/usr/share/cargo/registry/rand-*" || want=weak
        grep -q "^$want *$1 " <<<"$output" || { echo "$1 should be $want"; echo "$output"; false; }
        [ $want = ok ] || [[ "$output" == *"fix: apt install $3"* ]]
    done
}

@test "doctor: usage errors" {
    for args in "--format nonsense" "extra" "--nonsense"; do
        run "$RATION" doctor $args
        [ "$status" -eq 2 ] || { echo "$args: $status $output"; false; }
    done
}

@test "doctor: weaker layers are named with their fix; no sandbox at all is status 1" {
    RATION_JUDGE_WITHOUT=ns run "$RATION" doctor --data .
    [ "$status" -eq 0 ]
    [[ "$output" == *"weak"*"user namespace"*"verdicts stay the same"*"fix: sysctl"* ]]
    # A row may go on below.
    [ "$(sed -e ':a' -e 'N;s/\n  */ /;ta' -e 'P;D' <<<"$output" | grep -c "^weak .*not here; .*\(verdict\|limit\)")" -ge 4 ]
    RATION_JUDGE_WITHOUT=ns,seccomp run "$RATION" doctor --data .
    [ "$status" -eq 1 ]
    [[ "$output" == *"missing"*"sandbox"* ]]
}
