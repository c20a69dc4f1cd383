#!/usr/bin/env bats
# Nothing that a program, a model or a problem set wrote reaches a terminal as a control sequence.

load helpers

setup() { in_tmpdir; }
teardown() { leave_tmpdir; }

# Fails if the file holds C0 (but newline and tab), DEL, C1 or marks of direction.
plain() {
    /usr/bin/python3 - "$1" <<'PY'
import sys
t = open(sys.argv[1], "rb").read().decode()
bad = [c for c in t if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or
       0x202a <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069]
sys.exit("%r in %r" % (bad, t) if bad else 0)
PY
}

@test "names with control characters: messages, tables, and data as they are" {
    name=$(printf 'm\033]0;owned\007\302\233x')
    printf '{"task_id": "t\\u001b[2J", "prompt": "def f(x):\\n", "entry_point": "f", "test": "def check(f):\\n    assert f(1) == 1\\n"}\n' >p.jsonl
    printf '{"task_id": "t\\u001b[2J", "completion": "    return 1 / 0 if x else \\"\\u202e\\"\\n"}\n' >s.jsonl
    "$RATION" import -s x.db -t p.jsonl -m "$name" s.jsonl >out 2>err
    "$RATION" judge -s x.db -t p.jsonl --keep-going >>out 2>>err || true
    "$RATION" report -s x.db >>out 2>>err || true
    "$RATION" report -s "$name" >>out 2>>err || true
    plain out
    plain err
    grep -q 'owned' out
    "$RATION" export -s x.db --format csv >csv
    LC_ALL=C grep -q "$(printf '\033')" csv
}

@test "on a terminal no line of a message, table or footer is over 100 columns" {
    make_set
    printf '{"task_id": "Tiny/1", "completion": "    return x + 1"}\n' >a.jsonl
    "$RATION" import -s s.db -t tiny.jsonl --model "a-model-with-a-long-name-instruct-v1.0-q4_k_m" a.jsonl
    /usr/bin/python3 - "$RATION" <<'END'
import os, pty, subprocess, sys

for args in (["judge", "-s", "s.db", "--keep-going"], ["judge", "-s", "s.db", "--model", "nobody"],
             ["report", "-s", "s.db", "--metric", "pass_flop"], ["report", "-s", "s.db", "--all"],
             ["report", "-s", "s.db", "--cost", "nobody=code-llama-7b"], ["judge", "-s", "s.db", "-t", "humanevel"],
             ["rank", "-s", "s.db"], ["export", "-s", "s.db", "-f", "digest", "-o", "d.txt"]):
    master, slave = pty.openpty()
    done = subprocess.Popen([sys.argv[1], *args], stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 65536):
            text += part
    except OSError:
        pass
    done.wait()
    lines = text.decode().replace("\r\n", "\n").split("\n")
    wide = [line for line in lines if len(line.split("\r")[-1]) > 100]
    assert text and not wide, (args, wide)
END
}

@test "a word that was mistyped is answered with the one that is meant; a count agrees with its noun" {
    make_set
    printf '{"task_id": "Tiny/1", "completion": "    return x + 1"}\n' >a.jsonl
    run "$RATION" import -s s.db -t tiny.jsonl --model small a.jsonl
    [[ "$output" == *"1 sample added; 1 of 4 problems"* ]]
    run "$RATION" judge -s s.db --keep-going
    [[ "$output" == *"1 sample judged now, 1 program run, 0 passes confirmed"* ]]
    while IFS='|' read -r args meant; do
        # shellcheck disable=SC2086
        run "$RATION" $args
        echo "$args: $output"
        [ "$status" -gt 1 ]
        [[ "$output" == *"(did you mean '$meant'?)"* ]]
    done <<'END'
report -s s.db --metric pass_flops|pass_flops@f
report -s s.db --metric Pass@K1|pass@k
report -s s.db --metric stoping|stopping
report -s s.db -t tinny|tiny
report -s s.db -m smal|small
report -s s.db --missing drpo|drop
judge -s s.db -t human-evl|humaneval
judge -s s.db -t mbp|mbpp
END
    run "$RATION" report -s s.db --metric xyzzy
    [[ "$output" != *"did you mean"* ]]
    run "$RATION" export -s s.db -f csv -o s.csv
    [ "$output" = "ration export: 1 sample in s.csv (csv)" ]
    run "$RATION" report -s s.db --html p.html
    [[ "$output" == *"ration report: the page is p.html: open it in a browser"* ]]
}
