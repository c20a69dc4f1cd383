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
