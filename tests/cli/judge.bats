#!/usr/bin/env bats
# ration judge: verdicts into the store, resuming, options, and input that is bad.

load helpers

setup() {
    in_tmpdir
    make_set
    cat >a.jsonl <<'JSON'
{"task_id": "Tiny/0", "completion": "    return x + 0\n"}
{"task_id": "Tiny/0", "completion": "    return x + 0\n"}
{"task_id": "Tiny/1", "completion": "    return x\n"}
{"task_id": "Tiny/1", "completion": "    return x +\n"}
{"task_id": "Tiny/2", "completion": "    import sys; sys.exit(0)\n"}
{"task_id": "Tiny/2", "completion": "    while True: pass\n"}
{"task_id": "Tiny/3", "completion": ""}
JSON
    "$RATION" import -s s.db -t tiny.jsonl --model m a.jsonl
}
teardown() { leave_tmpdir; }

judge() { "$RATION" judge -s s.db -t tiny.jsonl --cpu-limit 0.5 "$@"; }

# "verdict count" lines of all samples
verdicts() {
    sql "${1:-s.db}" "select k.name, count(*) from verdict v join verdict_kind k on k.id = v.kind_id group by 1"
}

@test "judge: help, usage errors" {
    run "$RATION" judge --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"--calibrate"* ]]
    for args in "" "-t tiny.jsonl" "-s s.db -t tiny.jsonl --format nonsense" "-s s.db -t tiny.jsonl --jobs -1" \
        "-s s.db -t tiny.jsonl --memory 0" "-s s.db -t tiny.jsonl --extractor nonsense" \
        "-s s.db -t tiny.jsonl --calibrate 5 --cpu-limit 3" "-s s.db -t tiny.jsonl extra"; do
        run "$RATION" judge $args
        [ "$status" -eq 2 ] || { echo "$args: $status $output"; false; }
    done
    run "$RATION" judge -s none.db -t tiny.jsonl
    [ "$status" -eq 3 ]
    run "$RATION" judge -s s.db -t tiny.jsonl --model nobody
    [ "$status" -eq 3 ]
    [[ "$output" == *"has no model 'nobody'; it has m"* ]]
}

@test "judge: verdicts, equal programs once, a second time changes nothing" {
    run judge --format json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *'"judged_now": 7, "programs_run": 6'* ]]
    [ "$(verdicts)" = "exited|1
passed|2
syntax_error|2
time_limit|1
wrong_answer|1" ] || { verdicts; false; }
    one=$(digest s.db)
    run judge --format json
    [ "$status" -eq 0 ]
    [[ "$output" == *'"judged_now": 0'* ]]
    [ "$(digest s.db)" = "$one" ]
    run judge --recheck --format csv
    [ "$status" -eq 0 ]
    [[ "$output" == *'
m,sample,1,7,2,1,0,2,1,0,0,1,'* ]]
    [ "$(digest s.db)" = "$one" ]
}

@test "judge: CSV doubles quotes, and a reader of CSV gets the model's name back" {
    head -1 a.jsonl >one.jsonl
    "$RATION" import -s q.db -t tiny.jsonl --model 'a "7B", größer' one.jsonl
    "$RATION" judge -s q.db -t tiny.jsonl --format csv >q.csv
    run /usr/bin/python3 -c 'import csv
rows = list(csv.reader(open("q.csv", newline="", encoding="utf-8")))
print(len(rows), len(rows[0]) == len(rows[1]), rows[1][0])'
    [ "$output" = '2 True a "7B", größer' ]
}

@test "judge: programs that differ in comments, layout or docstrings run once, each with its own verdict" {
    cat >b.jsonl <<'JSON'
{"task_id": "Tiny/0", "completion": "    return x + 0\n"}
{"task_id": "Tiny/0", "completion": "    return x + 0  # as it is\n"}
{"task_id": "Tiny/0", "completion": "    'Says x.'\n\n    return x+0\n"}
{"task_id": "Tiny/0", "completion": "    return x + 1\n"}
{"task_id": "Tiny/0", "completion": "    return x + 1  # or so\n"}
{"task_id": "Tiny/0", "completion": "    return [][x]\n"}
{"task_id": "Tiny/0", "completion": "    return [] [x] # fails\n"}
{"task_id": "Tiny/0", "completion": "    'Reads itself.'\n    return x if 'R' in f0.__doc__ else 0\n"}
{"task_id": "Tiny/0", "completion": "    'reads itself.'\n    return x if 'R' in f0.__doc__ else 0\n"}
{"task_id": "Tiny/1", "completion": "    return x + 0  # as it is\n"}
JSON
    each="select p.task_id, s.idx, k.name, v.n_passed, v.detail, hex(v.program_sha) from verdict v join verdict_kind k on k.id = v.kind_id join sample s on s.id = v.sample_id join problem p on p.id = s.problem_id order by 1, 2"
    "$RATION" import -s e.db -t tiny.jsonl --model m b.jsonl
    run "$RATION" judge -s e.db -t tiny.jsonl --format json
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *'"judged_now": 10, "programs_run": 6'* ]]
    # As each by itself: shards of one sample.
    "$RATION" import -s one.db -t tiny.jsonl --model m b.jsonl
    for i in 0 1 2 3 4 5 6 7 8 9; do
        "$RATION" judge -s one.db -t tiny.jsonl --shard "$i/10" >/dev/null
    done
    [ "$(sql e.db "$each" | wc -l)" = 10 ]
    [ "$(sql e.db "$each")" = "$(sql one.db "$each")" ] || { sql e.db "$each"; sql one.db "$each"; false; }
}

@test "judge: verdicts under an older version of the protocol count, and --recheck judges them anew" {
    judge >/dev/null
    /usr/bin/python3 -c 'import sqlite3
d = sqlite3.connect("s.db")
d.execute("UPDATE protocol SET json = replace(json, ?, ?)", ("raw/1", "raw/0"))
d.commit()'
    run judge
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"0 samples judged now, 0 programs run"* ]]
    [[ "$output" == *"7 samples were judged under an older version of this protocol"* ]]
    run judge --recheck
    [[ "$output" == *"7 samples judged now"* ]]
    run "$RATION" judge -s s.db -t tiny.jsonl --cpu-limit 0.4 # another choice of the user, not a version
    [[ "$output" == *"7 samples judged now"* ]]
}

@test "judge: a failing reference stops it and is named; --keep-going goes on" {
    sed -i '2s/return x + 1/return x + 7/' tiny.jsonl
    "$RATION" import -s t.db -t tiny.jsonl --model m a.jsonl
    run "$RATION" judge -s t.db -t tiny.jsonl --cpu-limit 0.5
    [ "$status" -eq 3 ]
    [[ "$output" == *"Tiny/1: wrong_answer"*"--keep-going"* ]]
    [ "$(sql t.db "select count(*) from verdict")" = 0 ]
    run "$RATION" judge -s t.db -t tiny.jsonl --cpu-limit 0.5 --keep-going
    [ "$status" -eq 0 ]
    [ "$(sql t.db "select count(*) from verdict")" = 7 ]
}

@test "judge: a limit is what was asked for; calibrated limits; other sets" {
    run judge --calibrate 3
    [ "$status" -eq 2 ]
    run "$RATION" judge -s s.db -t tiny.jsonl --calibrate 20 --floor 0.3
    [ "$status" -eq 0 ]
    cpu=$(sql s.db "select cpu_ns from verdict v join verdict_kind k on k.id = v.kind_id where k.name = 'time_limit'")
    [ "$cpu" -gt 290000000 ]
    [ "$cpu" -lt 900000000 ]
    sed 's/x + /x - /' tiny.jsonl >other/tiny.jsonl 2>/dev/null || { mkdir other; sed 's/f(1) == /f(0) == /' tiny.jsonl >other/tiny.jsonl; }
    run "$RATION" judge -s s.db -t other/tiny.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"another version of set"* ]]
}

@test "judge: --near lists what the store holds, not only what is judged now" {
    run judge
    [ "$status" -eq 0 ]
    run judge --near
    [ "$status" -eq 0 ]
    [[ "$output" == *"0 samples judged now"* ]]
    [[ "$output" != *"near their limit"* ]]
    # As on a slower machine: 0.41 s of 0.5 for the two samples of Tiny/0, 0.39 s for another.
    /usr/bin/python3 - <<'PY'
import sqlite3
db = sqlite3.connect("s.db")
q = "update verdict set cpu_ns = ? where sample_id in (select s.id from sample s join problem p on p.id = s.problem_id where p.task_id = ?)"
db.execute(q, (410000000, "Tiny/0"))
db.execute(q, (390000000, "Tiny/3"))
db.commit()
PY
    run judge --near
    [ "$status" -eq 0 ]
    [[ "$output" == *"0 samples judged now"* ]]
    [[ "$output" == *"near their limit"*"Tiny/0"*"0.41"*"0.5"*"passed"*"Tiny/0"* ]] || { echo "$output"; false; }
    [[ "$output" != *"Tiny/3"* ]]
    [[ "$output" != *"time_limit "*"Tiny/2"* ]]
    run judge --format json
    [[ "$output" == *'"near_limit": [{"task_id": "Tiny/0", "run": 1, "sample": 0, "cpu_s": 0.410, "limit_s": 0.5, "verdict": "passed"}, {"task_id": "Tiny/0", "run": 1, "sample": 1'* ]]
    # Under other limits nothing was judged yet that is near them.
    run "$RATION" judge -s s.db -t tiny.jsonl --cpu-limit 0.6 --near
    [ "$status" -eq 0 ]
    [[ "$output" != *"near their limit"* ]]
}

# Two problems in BigCodeBench's form; the second needs a module that nobody has. The first solution relies on what
# the code prompt imports.
make_bigcodebench() {
    local i lib
    for i in 0 1; do
        [ $i = 0 ] && lib=json || lib=ration_no_such_module
        printf '{"task_id": "BigCodeBench/%d", "complete_prompt": "import %s\\ndef task_func(x):\\n    \\"\\"\\"Adds.\\"\\"\\"\\n", "instruct_prompt": "Write task_func, which adds one.", "code_prompt": "import %s\\ndef task_func(x):\\n", "canonical_solution": "    return x + len(%s.dumps(1))\\n", "test": "import unittest\\nclass TestCases(unittest.TestCase):\\n    def test_one(self):\\n        self.assertEqual(task_func(1), 2)\\n", "entry_point": "task_func", "libs": "['"'%s'"']"}\n' $i $lib $lib $lib $lib
    done >big.jsonl
}

@test "judge: a problem whose library is missing is missing, named and not failed; calibrated or not" {
    make_bigcodebench
    printf '{"task_id": "BigCodeBench/%d", "solution": "def task_func(x):\\n    return x + len(json.dumps(1))\\n"}\n' 0 1 >whole.jsonl
    "$RATION" import -s b.db -t big.jsonl --model m whole.jsonl
    run "$RATION" judge -s b.db -t big.jsonl --format json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"no Python module ration_no_such_module here: BigCodeBench/1 cannot be judged and count as missing"* ]]
    [[ "$output" == *'"missing": 1'* && "$output" == *'"passed": 1'* && "$output" == *'"missing_library": 1'* ]]
    run "$RATION" judge -s b.db -t big.jsonl --uncalibrated --format json
    echo "$output"; [[ "$output" == *'"wrong_answer": 1'* && "$output" == *'"calibrated":false'* ]]
    mkdir -p v/lib/python3.11/site-packages
    echo 'dumps = str' >v/lib/python3.11/site-packages/ration_no_such_module.py
    run "$RATION" judge -s b.db -t big.jsonl --venv v --format json
    echo "$output"
    [[ "$output" == *'"missing_library": 0'* && "$output" == *'"missing": 0'* ]]
    # what is installed later is judged then, under the same protocol
    rm v/lib/python3.11/site-packages/ration_no_such_module.py
    "$RATION" import -s c.db -t big.jsonl --model m whole.jsonl
    run "$RATION" judge -s c.db -t big.jsonl --venv v --format json
    [[ "$output" == *'"missing_library": 1'* ]]
    echo 'dumps = str' >v/lib/python3.11/site-packages/ration_no_such_module.py
    run "$RATION" judge -s c.db -t big.jsonl --venv v --format json
    echo "$output"
    [[ "$output" == *'"judged_now": 1'* && "$output" == *'"missing": 0'* ]]
    run "$RATION" report -s b.db -t big.jsonl --by library --format csv
    [[ "$output" == *"big,json,m,1,1,0,1,1"* ]]
}

@test "judge: a problem whose own solution asks for the network is missing and named; others that fail are not" {
    /usr/bin/python3 - <<'PY'
import json
def row(i, body):
    head = "import socket\ndef task_func():\n"
    return {"task_id": "BigCodeBench/%d" % i, "complete_prompt": head + "    '''Two.'''\n", "code_prompt": head, "entry_point": "task_func",
            "canonical_solution": body, "libs": "['socket']",
            "test": "import unittest\nclass TestCases(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(task_func(), 2)\n"}
rows = [row(0, "    try:\n        socket.create_connection(('localhost', 80))\n        return 2\n    except OSError:\n        return None\n"),
        row(1, "    with socket.socket():\n        return 2\n"),
        row(2, "    a, b = socket.socketpair()\n    a.send(b'xx')\n    return len(b.recv(9))\n"),
        row(3, "    socket.socketpair()\n    return 3\n")]
open("net.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in rows))
open("two.jsonl", "w").write("".join(json.dumps({"task_id": r["task_id"], "solution": "def task_func():\n    return 2\n"}) + "\n" for r in rows))
PY
    "$RATION" import -s n.db -t net.jsonl --model m two.jsonl
    run "$RATION" judge -s n.db -t net.jsonl --format json
    echo "$output"
    [ "$status" -eq 3 ]
    [[ "$output" == *"BigCodeBench/0 cannot be judged here and counts as missing: the network, which its own solution asks for"* ]]
    [[ "$output" == *"1 of 4 reference solutions fail"*"BigCodeBench/3: wrong_answer"* ]]
    run "$RATION" judge -s n.db -t net.jsonl --keep-going --format json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *'"missing": 2'* && "$output" == *'"passed": 2'* && "$output" == *'"missing_library": 2'* ]]
    [ "$(sql n.db "select group_concat(p.task_id || ' ' || v.detail) from newest_verdict v join sample s on s.id = v.sample_id join problem p on p.id = s.problem_id where v.verdict = 'missing_library'")" = \
        "BigCodeBench/0 not here: the network, which its own solution asks for,BigCodeBench/1 not here: the network, which its own solution asks for" ]
}

@test "judge: a problem whose own solution uses a library that its compiler does not find is missing, and told the package" {
    command -v g++ || skip "no g++"
    /usr/bin/python3 - <<'PY'
import json
def row(i, head):
    return {"task_id": "CPP/%d" % i, "prompt": head + "int add(int a,int b){\n", "declaration": head + "int add(int a,int b){\n",
            "canonical_solution": "    return a + b;\n}\n",
            "test": "#undef NDEBUG\n#include<assert.h>\nint main(){\n    assert (add(1, 2) == 3);\n}\n"}
open("lib.jsonl", "w").write(json.dumps(row(0, "#include<nosuch/any.hpp>\n")) + "\n" + json.dumps(row(1, "")) + "\n")
open("two.jsonl", "w").write("".join(json.dumps({"task_id": "CPP/%d" % i, "completion": "    return a + b;\n}\n"}) + "\n" for i in (0, 1)))
PY
    "$RATION" import -s l.db -t lib.jsonl --model m two.jsonl
    run "$RATION" judge -s l.db -t lib.jsonl --format json
    echo "$output"
    [[ "$output" == *"CPP/0 cannot be judged here and counts as missing: "*"nosuch/any.hpp"*"(its libraries: apt install g++ libboost-dev libssl-dev)"* ]]
    [[ "$output" == *'"missing": 1'* && "$output" == *'"passed": 1'* && "$output" == *'"missing_library": 1'* ]]
}

@test "judge: a problem in a language that is not here is missing, not failed" {
    printf '{"name": "HumanEval_%d_f", "language": "%s", "prompt": "f() {\\n", "tests": "f\\n", "stop_tokens": ["\\nf"]}\n' 0 klingon 1 sh >multi.jsonl
    printf '{"task_id": "HumanEval_%d_f", "completion": "  true; }"}\n' 0 1 >answers.jsonl
    "$RATION" import -s l.db -t multi.jsonl --model m answers.jsonl
    run "$RATION" judge -s l.db -t multi.jsonl --format json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"no compiler or interpreter of klingon here: HumanEval_0_f cannot be judged"* ]]
    [[ "$output" == *'"passed": 1'* && "$output" == *'"missing_library": 1'* ]]
}

@test "judge: packages of a virtual environment" {
    mkdir -p venv/lib/python3.11/site-packages
    echo 'def one(): return 1' >venv/lib/python3.11/site-packages/onlyhere.py
    echo '{"task_id": "Tiny/1", "completion": "    import onlyhere; return x + onlyhere.one()\n"}' >v.jsonl
    "$RATION" import -s v.db -t tiny.jsonl --model m v.jsonl
    run "$RATION" judge -s v.db -t tiny.jsonl
    [ "$(verdicts v.db)" = "exception|1" ]
    chmod 755 . venv
    run "$RATION" judge -s v.db -t tiny.jsonl --venv venv
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *" 1 "*"1 sample judged now"* ]]
    [ "$(sql v.db "select count(*) from verdict v join verdict_kind k on k.id = v.kind_id where k.name = 'passed'")" = 1 ]
}

@test "judge: kill -9 at ten moments, then the store equals that of an undisturbed run" {
    /usr/bin/python3 - <<'PY'
import json
with open("many.jsonl", "w") as f:
    for i in range(600):
        text = "    return x + %d  # %d\n" % (i % 5, i)
        f.write(json.dumps({"task_id": "Tiny/%d" % (i % 4), "completion": text}) + "\n")
PY
    "$RATION" import -s k.db -t tiny.jsonl --model m many.jsonl
    cp k.db whole.db
    KILL_FULL_MS=$(time_ms "$RATION" judge -s whole.db -t tiny.jsonl)
    run kill_then_finish 17 10 "$RATION" judge -s k.db -t tiny.jsonl
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(digest k.db)" = "$(digest whole.db)" ]
    [ "$(sql k.db "select count(*) from verdict")" = 600 ]
    [ "$(sql k.db "pragma integrity_check")" = ok ]
}

@test "judge: answers without code and answers that are no program are counted beside the score" {
    /usr/bin/python3 - >chat.jsonl <<'PY'
import json
for i in range(4):
    for text in ("Sure:\n```python\ndef f%d(x):\n    return x + %d\n```\n" % (i, i), "I cannot help with that."):
        print(json.dumps({"task_id": "Tiny/%d" % i, "completion": text}))
PY
    "$RATION" import -s chat.db -t tiny.jsonl --model m chat.jsonl
    "$RATION" judge -s chat.db -t tiny.jsonl --extractor raw
    run "$RATION" report -s chat.db
    [[ "$output" == *"syntax errors: 8 of 8 answers of m: chat answers? try"*"--extractor auto"* ]]
    "$RATION" judge -s chat.db -t tiny.jsonl --extractor auto
    run "$RATION" report -s chat.db
    echo "$output"
    [[ "$output" == *"no code in 4 of 8 answers of m: failed"* ]]
    [[ "$output" != *"syntax errors"* ]]
    [[ "$("$RATION" report -s chat.db --format json)" == *'"no_code":4'* ]]
}

@test "what fills memory is nothing to the programs behind it" {
    make_set
    for i in 0 1; do
        printf '{"task_id": "Tiny/0", "completion": "    x = [%d]\\n    while True: x.append(\\" \\" * 10**6)\\n"}\n' $i
        printf '{"task_id": "Tiny/0", "completion": "    return x  # %d\\n"}\n' $i
        printf '{"task_id": "Tiny/0", "completion": "    y = %d\\n    return x\\n"}\n' $i
    done >f.jsonl
    "$RATION" import -s t.db -t tiny.jsonl --model m f.jsonl >/dev/null
    "$RATION" judge -s t.db -t tiny.jsonl -j 1 --memory-limit 1000 >/dev/null || [ "$?" -eq 1 ]
    verdicts=$("$RATION" export -s t.db -f csv | tail -n +2 | cut -d, -f7 | sort | uniq -c | tr -s ' \n' ' ')
    [ "$verdicts" = " 2 memory_limit 4 passed " ] || { echo "$verdicts"; false; }
}

@test "judge, rank and export find a set of one's own where it came from, and say when it is gone or another" {
    mkdir -p sets away
    (cd sets && make_set)
    printf '{"task_id": "Tiny/1", "completion": "    return x + 1"}\n' >a.jsonl
    "$RATION" import -s own.db -t sets/tiny.jsonl --model m a.jsonl
    [ "$(sql own.db "SELECT path FROM problem_set")" = "$PWD/sets/tiny.jsonl" ]
    cd away
    run "$RATION" judge -s ../own.db --keep-going
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(sql ../own.db "SELECT verdict FROM newest_verdict")" = passed ]
    run "$RATION" rank -s ../own.db
    echo "$output"
    [[ "$output" != *"came from"* && "$output" != *"no problem set"* ]]
    # A merged store remembers it, too, and the path is no part of what is compared.
    "$RATION" merge -s ../two.db ../own.db
    [ "$(sql ../two.db "SELECT path FROM problem_set")" = "$(dirname "$PWD")/sets/tiny.jsonl" ]
    came_from() { /usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect("../own.db")
db.execute("UPDATE problem_set SET path = ?", sys.argv[1:])
db.commit()' "$1"; }
    came_from /nowhere/else.jsonl
    [ "$("$RATION" export -s ../own.db --format digest)" = "$("$RATION" export -s ../two.db --format digest)" ]
    # Gone: the message says where it was; a file of its name in this folder stands in.
    run "$RATION" judge -s ../own.db --recheck
    echo "$output"
    [ "$status" -eq 3 ]
    [[ "$output" == *"of the set 'tiny' from /nowhere/else.jsonl, which is not there any more; give its path with -t"* ]]
    cp ../sets/tiny.jsonl .
    run "$RATION" judge -s ../own.db --recheck --keep-going
    [ "$status" -eq 0 ]
    rm tiny.jsonl
    # Changed: nothing is judged by other tests.
    came_from "$(dirname "$PWD")/sets/tiny.jsonl"
    sed -i 's/assert f(1) == 2/assert f(1) == 3/' ../sets/tiny.jsonl
    run "$RATION" judge -s ../own.db --recheck
    echo "$output"
    [ "$status" -ne 0 ]
    [[ "$output" == *"/sets/tiny.jsonl, which holds something else by now; give the file that it was with -t"* ]]
    # Neither a pipe nor a device of a stranger's store is opened.
    mkfifo pipe
    came_from "$PWD/pipe"
    run timeout 20 "$RATION" judge -s ../own.db --recheck
    [ "$status" -eq 3 ]
    [[ "$output" == *"which is not there any more"* ]]
}
