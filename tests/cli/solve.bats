#!/usr/bin/env bats
# solve.bats: a passing program from models and a budget: policies, ledger, working folders in C and
# Python, the store, ends of every kind, and what is refused. Models are tests/server's, which answers
# as it is told, and small random files.

load helpers

setup() {
    in_tmpdir
    server=$BATS_TEST_DIRNAME/../server/openai_server.py
}

teardown() {
    [ -z "${server_pid:-}" ] || kill "$server_pid" 2>/dev/null || true
    leave_tmpdir
}

# serve ANSWERS [OPTION...]: the server's address up to /v1#test-model in $url.
serve() {
    local answers=$1
    shift
    echo "$answers" >answers.json
    rm -f port
    /usr/bin/python3 "$server" --port-file port --answers answers.json --seconds 120 "$@" >/dev/null 2>&1 3>&- &
    server_pid=$!
    for _ in $(seq 200); do
        [ -s port ] && break
        sleep 0.05
    done
    url=http://127.0.0.1:$(cat port)
}

problem() {
    printf '{"task_id": "T/0", "prompt": "def f0(x):\\n", "entry_point": "f0", "test": "%s"}\n' \
        "${1:-def check(f):\\n    assert f(1) == 2\\n    assert f(3) == 4\\n}" >p.json
}

json() { /usr/bin/python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."):
    v = v[int(k)] if k.isdigit() else v[k]
print(v)' "$1" "$2"; }

# Waits until no host of judged programs is a child of process $1, or has lost its parent.
no_process_left() {
    /usr/bin/python3 - "$1" <<'END'
import glob, sys, time

def left():
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            name, rest = open(path).read().rsplit(")", 1)
        except OSError:
            continue
        if name.endswith("(ration-judge-ho") and rest.split()[0] != "Z" and rest.split()[1] in (sys.argv[1], "1"):
            yield path

for _ in range(200):
    found = list(left())
    if not found:
        sys.exit(0)
    time.sleep(0.05)
print("left:", found)
sys.exit(1)
END
}

some_wrong='{"def f0": ["    return x - 1\n", "    return x * 2 + 1\n", "    return x\n", "    return x + 1\n"]}'
all_wrong='{"def f0": ["    return x - 1\n", "    return [][x]\n", "    return [][x] + 0\n"]}'

@test "solve: the first program that passes, with a ledger" {
    serve "$some_wrong" --in-order
    problem
    "$RATION" solve -m "$url/v1#test-model" -b 30s --in-flight 1 --ledger l.json p.json >out 2>err
    [ "$(cat out)" = "$(printf 'def f0(x):\n    return x + 1')" ]
    grep -q "sample 3 of test-model passes every test" err
    [ "$(json l.json outcome)" = solved ]
    [ "$(json l.json models.0.samples)" -ge 4 ]
    [ "$(json l.json verdicts.passed)" = 1 ]
    [ "$(json l.json program.index)" = 3 ]
    [ "$(json l.json passes_on_nothing)" = False ]
    "$RATION" solve -m "$url/v1#test-model" -b 30s --format json p.json >out 2>err
    grep -q '"outcome":"solved"' err
}

@test "solve: no pass says what failed most often; the ranker's choice only where it is wanted" {
    serve "$all_wrong"
    problem
    cat >costs <<'END'
[model test-model]
usd_per_1m_input = 1
usd_per_1m_output = 2
END
    run "$RATION" solve -m "$url/v1#test-model" -b 0.002USD --cost-file costs --ledger l.json p.json
    [ "$status" -eq 1 ]
    [[ "$output" == *"no sample passed"*"most often exception"*"IndexError"* ]]
    # Each sample is charged, and the next is not bought when it does not fit.
    /usr/bin/python3 - <<'END'
import json
l = json.load(open("l.json"))
m = l["models"][0]
assert abs(m["usd"] - ((m["prompt_tok"] - m["cached_tok"]) + m["cached_tok"] + 2 * m["gen_tok"]) * 1e-6) < 1e-9, m
assert 0.0005 < l["spent"] < 0.0025, l
assert m["samples"] > 3
END
    run "$RATION" solve -m "$url/v1#test-model" -b 0.002USD --cost-file costs --accept-unverified p.json
    [ "$status" -eq 0 ]
    [[ "$output" == *"NOT VERIFIED"* ]]
    run "$RATION" solve -m "$url/v1#test-model" -b 0.002USD --cost-file costs --no-tests p.json
    [ "$status" -eq 0 ]
    [[ "$output" == *"NOT VERIFIED"*"by examples, then likelihood"* ]] || { echo "$output"; false; }
}

@test "solve: without tests, the sample that agrees with most on inputs from the prompt" {
    # The likeliest by its server (shortest answers cost 0.25 a byte alike) is not what most agree with.
    serve '{"def f0": ["    return x + 1\n", "    return 1 + x\n", "    y = x + 1\n    return y\n", "    return x * 2\n"]}' --in-order
    cat >p.json <<'END'
{"task_id": "T/0", "prompt": "def f0(x):\n    \"\"\"f0(3) gives the next one; f0(5) too.\"\"\"\n", "entry_point": "f0", "test": "def check(f):\n    pass\n"}
END
    cat >costs <<'END'
[model test-model]
usd_per_1m_input = 1
usd_per_1m_output = 1
END
    run "$RATION" solve -m "$url/v1#test-model" -b 0.0004USD --cost-file costs --no-tests --ledger l.json p.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"NOT VERIFIED"*"by examples, then likelihood"* ]]
    [ "$(json l.json ranker)" = "examples, then likelihood" ]
    [[ "$output" != *"return x * 2"* ]]
}

@test "solve: two models; fixed policies buy where they say" {
    serve "$all_wrong"
    problem
    cat >costs <<'END'
[model cheap]
usd_per_1m_input = 1
usd_per_1m_output = 1
[model dear]
usd_per_1m_input = 10
usd_per_1m_output = 10
END
    two="-m cheap=$url/v1#test-model -m dear=$url/v1#test-model --cost-file costs -b 0.02USD --ledger l.json p.json"
    for policy in adaptive small-only large-only cascade; do
        run "$RATION" solve --policy $policy $two
        [ "$status" -eq 1 ] || { echo "$output"; false; }
        echo "$policy $(json l.json models.0.samples) $(json l.json models.1.samples)"
    done >counts
    cat counts
    awk '$1 == "small-only" && ($2 == 0 || $3 != 0) {exit 1}
         $1 == "large-only" && ($2 != 0 || $3 == 0) {exit 1}
         $1 == "cascade" && ($2 == 0 || $3 == 0) {exit 1}
         $1 == "adaptive" && $2 + $3 == 0 {exit 1}' counts
}

@test "solve: prompt, tests and entry from files; tests as statements" {
    serve "$some_wrong"
    printf 'def f0(x):\n' >prompt.py
    printf 'assert f0(1) == 2\nassert f0(5) == 6\n' >tests.py
    run "$RATION" solve -m "$url/v1#test-model" -b 30s --prompt prompt.py --tests tests.py --entry f0 -q
    [ "$status" -eq 0 ]
    [[ "$output" == *"return x + 1"* ]]
}

@test "solve: a local model within a budget of FLOPs, stored and never paid twice" {
    random_model tiny.gguf
    problem
    run "$RATION" solve -m tiny.gguf -b 30MFLOP -s s.db --max-tokens 16 --ledger l.json p.json
    [ "$status" -eq 1 ]
    n=$(json l.json models.0.samples)
    [ "$n" -gt 3 ]
    [ "$(sql s.db "SELECT count(*) FROM sample")" = "$n" ]
    [ "$(sql s.db "SELECT count(*) FROM verdict")" = "$n" ]
    run "$RATION" solve -m tiny.gguf -b 30MFLOP -s s.db --max-tokens 16 --ledger l.json p.json
    [ "$(json l.json models.0.stored)" = "$n" ]
    [ "$(sql s.db "SELECT count(*) = count(DISTINCT idx) FROM sample")" = 1 ]
}

@test "solve: a stored pass costs nothing" {
    serve "$some_wrong"
    problem
    "$RATION" solve -m "$url/v1#test-model" -b 30s -s s.db p.json >first
    dates=$(sql s.db "SELECT sample_id, protocol_id, judged_ms FROM verdict ORDER BY 1, 2")
    "$RATION" solve -m "$url/v1#test-model" -b 30s -s s.db --ledger l.json p.json >second
    cmp first second
    [ "$(sql s.db "SELECT sample_id, protocol_id, judged_ms FROM verdict ORDER BY 1, 2")" = "$dates" ]
    [ "$(json l.json models.0.samples)" = 0 ]
    [ "$(json l.json program.stored)" = True ]
}

@test "solve and judge name a protocol alike: what solve judged is not judged again" {
    problem
    random_model m.gguf
    run "$RATION" solve -m m.gguf --budget 1GFLOP --max-tokens 24 -s c.db p.json
    [ "$status" -eq 1 ]
    [ "$(sql c.db "SELECT count(*) FROM verdict")" -gt 1 ]
    run "$RATION" judge -s c.db -t p.json
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"0 samples judged now, 0 programs run"* ]]
    [ "$(sql c.db "SELECT count(DISTINCT protocol_id) FROM verdict")" = 1 ]
}

@test "solve: what a store recorded of other problems is expected of the models" {
    serve "$some_wrong"
    make_set
    problem
    for i in 0 1 2 3; do
        printf '{"task_id": "Tiny/%d", "completion": "    return x + 1"}\n' $i $i $i
    done >s.jsonl
    "$RATION" import -s r.db -t tiny.jsonl --model test-model s.jsonl >/dev/null
    "$RATION" judge -s r.db -t tiny.jsonl >/dev/null 2>&1
    run "$RATION" solve -m "$url/v1#test-model" -b 30s --learn-from r.db --ledger l.json p.json
    [ "$status" -eq 0 ]
    [ "$(json l.json prior)" = r.db ]
    run "$RATION" solve -m "other=$url/v1#test-model" -b 30s --learn-from r.db p.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"holds no samples of other"* ]]
}

c_project() {
    mkdir project
    cat >project/add.c <<'END'
/* Sums. */
int add(int a, int b)
{
    /* TODO */
}
END
    printf 'int add(int, int);\nint main(void) { return !(add(2, 3) == 5 && add(-1, 1) == 0); }\n' >project/check.c
    printf 'check: check.c add.c\n\tcc -o t check.c add.c\n\t./t\n' >project/Makefile
}

@test "solve: a C function in a working folder, by make check" {
    c_project
    serve '{"int add": ["    return a - b;\n}\n", "    return a\n", "    return a + b;\n}\n\nint main(void) {}\n"]}'
    cp -r project before
    run "$RATION" solve -m "$url/v1#test-model" -b 60s --in project --file add.c --at '/* TODO */' --run 'make check' --ledger l.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"    return a + b;
}"* ]]
    diff -r project before # the folder itself is as it was
    [ "$(json l.json passes_on_nothing)" = False ]
}

@test "solve: a command that fails whatever the code is ends the search early, unless asked to go on" {
    c_project
    # The answers are words of the prompt's hash: all different.
    serve '{"nothing of it": ["x"]}'
    in="-m $url/v1#test-model --in project --file add.c --at TODO"
    run "$RATION" solve $in -b 120s --test-command 'make chek' --ledger l.json
    [ "$status" -eq 1 ] || { echo "$output"; false; }
    [[ "$output" == *"an empty place fails in the same way, so this ends early"*"--keep-going"* ]] || { echo "$output"; false; }
    [[ "$output" == *"wall-time "*"judging included; model s: "* ]]
    samples=$(/usr/bin/python3 -c 'import json; print(sum(r["samples"] for r in json.load(open("l.json"))["models"]))')
    [ "$samples" -lt 100 ] || { echo "$samples samples"; false; }
}

# two_servers: $weak, whose answers are all different and all wrong, and $good, which is right.
two_servers() {
    serve '{"nothing of it": ["x"]}'
    weak=$url weak_pid=$server_pid
    serve '{"int add": ["    return a + b;\n}\n\nint main(void) {}\n"]}'
    good=$url
}

asked_of() { # asked_of MODEL: its samples in l.json
    /usr/bin/python3 -c 'import json, sys
print(sum(m["samples"] for m in json.load(open("l.json"))["models"] if m["name"] == sys.argv[1]))' "$1"
}

@test "solve: a model whose answers all fail like an empty place does not keep the others from being asked" {
    c_project
    two_servers
    local in=(--in project --file add.c --at '/* TODO */')
    run "$RATION" solve -m "weak=$weak/v1#test-model" -m "good=$good/v1#test-model" -b 60s "${in[@]}" \
        --test-command 'make -s check 2>/dev/null' --ledger l.json
    kill "$weak_pid"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"return a + b"* ]]
    [ "$(asked_of weak)" -lt 64 ] || { echo "$output"; false; } # by the policy, before they are counted
}

@test "solve: a model that fails alike is asked no more where another, however dear, can be" {
    c_project
    two_servers
    # One sample of good costs as much as 3,000 of weak: the policy alone would buy weak for long.
    for m in weak:0.001 good:3; do
        printf '[model %s]\nusd_per_1m_input = %s\nusd_per_1m_output = %s\n' "${m%:*}" "${m#*:}" "${m#*:}"
    done >costs.txt
    local in=(--in project --file add.c --at '/* TODO */')
    run "$RATION" solve -m "weak=$weak/v1#test-model" -m "good=$good/v1#test-model" -b 0.002USD "${in[@]}" --cost-file costs.txt \
        --max-tokens 40 --test-command 'make -s check 2>/dev/null' --ledger l.json
    kill "$weak_pid"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"return a + b"* && "$output" == *"weak is asked no more: its answers fail as an empty place does"*"--keep-going"* ]]
    [ "$(asked_of weak)" -ge 64 ] && [ "$(asked_of weak)" -lt 300 ] || { echo "$output"; false; }
}

@test "what a command prints is shown, not obeyed" {
    mkdir -p project
    printf '/* TODO */\n' >project/add.c
    printf "printf '\\302\\23331m\\342\\200\\256x\\033[2J\\n'; exit 1\n" >project/check.sh
    serve '{"TODO": ["x"], "": ["x"]}'
    "$RATION" solve -m "$url/v1#test-model" -b 3s --in project --file add.c --at '/* TODO */' --run 'sh check.sh' >out 2>err || true
    grep -q '31m' err || { cat err; false; }
    [ -z "$(LC_ALL=C grep "$(printf '\033')" err)" ]
    [ -z "$(LC_ALL=C grep "$(printf '\302\233')" err)" ]
    [ -z "$(LC_ALL=C grep "$(printf '\342\200\256')" err)" ]
}

@test "solve: a Python package in a working folder, by pytest, with an instruct model" {
    /usr/bin/python3 -c 'import pytest' 2>/dev/null || skip "no python3-pytest"
    mkdir -p project/pkg project/tests
    touch project/pkg/__init__.py
    printf 'def clamp(x, lo, hi):\n    """x within [lo, hi]"""\n    # FILL IN\n' >project/pkg/nums.py
    printf 'from pkg.nums import clamp\n\ndef test_clamp():\n    assert clamp(5, 0, 3) == 3\n    assert clamp(-1, 0, 3) == 0\n    assert clamp(2, 0, 3) == 2\n' >project/tests/test_nums.py
    serve '{"the file pkg/nums.py": ["Sure!\n```python\nreturn min(x, hi)\n```\n", "```python\nreturn max(lo, min(x, hi))\n```"]}'
    run "$RATION" solve -m "$url/v1#test-model" --api chat -b 60s -s s.db --in project --file pkg/nums.py --at '# FILL IN' \
        --run 'python3 -m pytest -q tests' --ledger l.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"    return max(lo, min(x, hi))"* ]]
    [ "$(json l.json models.0.asked)" = chat ]
    [ "$(sql s.db "SELECT count(*) > 0 FROM verdict")" = 1 ]
}

@test "solve: a marker that is missing or there twice; a path outside; a command that is not there" {
    c_project
    serve '{"": ["x"]}'
    in="-m $url/v1#test-model -b 5s --in project"
    run "$RATION" solve $in --file add.c --at NOWHERE --run 'make check'
    [ "$status" -eq 3 ]
    [[ "$output" == *"'NOWHERE' does not occur in add.c"* ]]
    run "$RATION" solve $in --file add.c --at int --run 'make check'
    [ "$status" -eq 3 ]
    [[ "$output" == *"more than once in add.c, in lines 2 and"* ]]
    run "$RATION" solve $in --file ../p.json --at x --run 'make check'
    [ "$status" -eq 3 ]
    [[ "$output" == *"not the path of a file"* ]]
    run "$RATION" solve $in --file add.c --at '/* TODO */' --run 'no-such-tool check'
    [ "$status" -eq 3 ]
    [[ "$output" == *"cannot be run in the sandbox"*"not found"* ]]
    mkfifo project/pipe
    run "$RATION" solve $in --file add.c --at '/* TODO */' --run 'make check'
    [ "$status" -eq 3 ]
    [[ "$output" == *"pipe"*"cannot be copied"* ]]
}

@test "solve: a command that asks for the network is refused it, and it is said so" {
    c_project
    serve '{"int add": ["    return a - b;\n}\n"]}'
    run "$RATION" solve -m "$url/v1#test-model" -b 2s --in project --file add.c --at '/* TODO */' \
        --run 'python3 -c "import socket; socket.create_connection((\"127.0.0.1\", 9))"'
    [ "$status" -eq 1 ]
    [[ "$output" == *"warning: the command asks for the network, which the sandbox refuses"* ]]
    [[ "$output" == *"it asked for the network"* ]]
}

@test "solve: tests that pass on nothing are warned of" {
    serve "$some_wrong"
    problem 'def check(f):\n    pass\n'
    run "$RATION" solve -m "$url/v1#test-model" -b 20s p.json
    [ "$status" -eq 0 ]
    [[ "$output" == *"the tests pass on a function that does nothing"* ]]
    c_project
    serve '{"int add": ["    return a - b;\n}\n"]}'
    run "$RATION" solve -m "$url/v1#test-model" -b 20s --in project --file add.c --at '/* TODO */' --run true
    [ "$status" -eq 0 ]
    [[ "$output" == *"the command exits with 0 although the marker's place is empty"* ]]
}

@test "solve: a budget of 0, without unit, too small for a sample, or of a cost that is not known" {
    random_model tiny.gguf
    problem
    for b in 0s 0 60 -1s 5parsec nanUSD; do
        run "$RATION" solve -m tiny.gguf -b $b p.json
        [ "$status" -eq 3 ] || { echo "$b: $status $output"; false; }
    done
    run "$RATION" solve -m tiny.gguf -b 60 p.json
    [[ "$output" == *"unit"* ]]
    run "$RATION" solve -m tiny.gguf -b 10FLOP p.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"tiny"* ]]
    run "$RATION" solve -m tiny.gguf -b 1USD p.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"no price of tiny is known"* ]]
    run "$RATION" solve -m tiny.gguf p.json
    [ "$status" -eq 2 ]
    run "$RATION" solve -m tiny.gguf -b 1ms p.json
    [ "$status" -eq 1 ]
    [[ "$output" == *"no sample was finished within the budget"* || "$output" == *"no sample passed"* ]]
}

@test "solve: servers that are down, refuse the key, or know no such model" {
    problem
    serve "$some_wrong" --key secret
    run "$RATION" solve -m "$url/v1#nobody" -b 5s p.json
    [ "$status" -eq 3 ]
    run "$RATION" solve -m "$url/v1#test-model" -b 5s p.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"401"* ]]
    KEY=secret run "$RATION" solve -m "$url/v1#test-model" --key-env KEY -b 20s p.json
    [ "$status" -eq 0 ]
    kill "$server_pid"
    run "$RATION" solve -m "$url/v1#test-model" --retries 1 -b 3s p.json
    [ "$status" -ne 0 ]
    [ "$status" -le 3 ]
    # One model that is gone does not end the other.
    serve "$some_wrong"
    run "$RATION" solve -m "gone=$url/404/v1#test-model" -m "here=$url/v1#test-model" -b 20s p.json
    [ "$status" -eq 0 ]
    [[ "$output" == *"gone is used no more"* ]]
    # Failures on the way are retried, and are no samples.
    run "$RATION" solve -m "$url/500:2+cut:1/v1#test-model" -b 30s --in-flight 1 p.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
}

@test "solve: Ctrl-C prints the ledger, keeps the store, and leaves no process" {
    serve "$all_wrong" --delay 20
    problem
    "$RATION" solve -m "$url/v1#test-model" -b 60s -s s.db --ledger l.json p.json >out 2>err 3>&- &
    pid=$!
    signal_at 4 $pid INT s.db
    status=0
    wait $pid || status=$?
    cat err
    [ "$status" -eq 1 ]
    grep -q "stopped; the same command goes on from the store" err
    [ "$(json l.json interrupted)" = True ]
    [ "$(sql s.db "SELECT count(*) FROM sample")" -ge "$(json l.json models.0.samples)" ]
    no_process_left $pid
}

@test "solve: kill -9 at ten moments leaves no process and a store that goes on" {
    serve "$all_wrong" --delay 2
    problem
    cat >costs <<'END'
[model test-model]
usd_per_1m_input = 1
usd_per_1m_output = 2
END
    args="-m $url/v1#test-model -b 0.003USD --cost-file costs -s s.db p.json"
    RANDOM=31
    for i in $(seq 10); do
        "$RATION" solve $args >/dev/null 2>&1 3>&- &
        pid=$!
        sleep "0.$(printf %03d $((RANDOM % 500)))"
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        no_process_left $pid
    done
    before=$([ -e s.db ] && sql s.db "SELECT count(*) FROM sample" || echo 0)
    run "$RATION" solve $args --ledger l.json
    [ "$status" -eq 1 ] || { echo "$output"; false; }
    [ "$(json l.json models.0.stored)" = "$before" ]
    [ "$(sql s.db "pragma integrity_check")" = ok ]
    [ "$(sql s.db "SELECT count(*) = count(DISTINCT idx) FROM sample")" = 1 ]
    [ "$(sql s.db "SELECT count(*) FROM sample s WHERE NOT EXISTS (SELECT 1 FROM verdict v WHERE v.sample_id = s.id)")" = 0 ]
}

@test "solve: the lines of the README, with random models and less work" {
    random_model small.gguf
    random_model large.gguf 2,64,96,2,2,320
    problem
    mv p.json problem.json
    c_project
    cp project/* .
    rm -r project
    grep '^ration solve -m small' "$BATS_TEST_DIRNAME/../../README.md" | sed 's/60s/0.00003TFLOP --max-tokens 16/' >lines
    [ "$(wc -l <lines)" -eq 2 ]
    while IFS= read -r line <&4; do # bats reports on 3
        run bash -c "PATH=$RATION_BUILD:\$PATH; $line"
        echo "$line: $status $output"
        [ "$status" -eq 1 ]
        [[ "$output" == *"no sample passed"* ]]
    done 4<lines
}

@test "solve: the bundled models solve a bundled problem" {
    models=$BATS_TEST_DIRNAME/../../models
    [ -r "$models/ration-mini-l.gguf" ] || skip "no bundled models"
    run "$RATION" solve -m "$models/ration-mini-s.gguf" -m "$models/ration-mini-l.gguf" -b 0.5TFLOP --problem mini/0 --max-tokens 160 \
        --ledger l.json mini
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(json l.json outcome)" = solved ]
    /usr/bin/python3 - <<'END'
import json
l = json.load(open("l.json"))
assert abs(l["spent"] - sum(m["flop"] for m in l["models"])) < 1e-6 * l["spent"]
assert l["program"]["last_token_s"] <= l["program"]["judged_s"] <= l["stopped_s"] <= l["seconds"]
END
}

@test "solve: without tests, or without a pass, examples choose, then a bundled model's likelihood" {
    models=$BATS_TEST_DIRNAME/../../models
    [ -r "$models/ration-mini-s.gguf" ] || skip "no bundled models"
    printf 'def zz(n: int) -> int:\n    """Add 3 to it, and return the result."""\n' >prompt.py
    echo 'assert zz(1) == "never"' >tests.py
    run "$RATION" solve -m "$models/ration-mini-xs.gguf" -m "$models/ration-mini-s.gguf" -b 0.02TFLOP --no-tests --prompt prompt.py \
        --entry zz --max-tokens 60 --ledger l.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"def zz(n: int)"* ]]
    [[ "$output" == *"NOT VERIFIED"*"by examples, then likelihood"* ]] || { echo "$output"; false; }
    run "$RATION" solve -m "$models/ration-mini-s.gguf" -b 0.02TFLOP --prompt prompt.py --tests tests.py --entry zz --max-tokens 60
    [ "$status" -eq 1 ]
    [[ "$output" != *"def zz(n: int)"* ]]
    run "$RATION" solve -m "$models/ration-mini-s.gguf" -b 0.02TFLOP --prompt prompt.py --tests tests.py --entry zz --max-tokens 60 \
        --accept-unverified
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"def zz(n: int)"* ]]
}

@test "solve: without tests it stops at a sample that passes the examples, else asks the fallback" {
    serve '{"def f0": ["    return x * 2\n", "    return x + 1\n", "    return x + 2\n"]}' --in-order
    cat >p.json <<'END'
{"task_id": "T/0", "prompt": "def f0(x):\n    \"\"\"\n    >>> f0(3)\n    4\n    >>> f0(5)\n    6\n    \"\"\"\n", "entry_point": "f0", "test": "def check(f):\n    pass\n"}
END
    for name in test-model big; do
        printf '[model %s]\nusd_per_1m_input = 1\nusd_per_1m_output = 1\n' $name >>costs
    done
    set -- solve -b 0.002USD --cost-file costs --no-tests --in-flight 1 --ledger l.json
    run "$RATION" "$@" -m "$url/v1#test-model" p.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"NOT VERIFIED"*"sample 1 of test-model, chosen from "*" by examples: it passes all of them"*"return x + 1"* ]] || { echo "$output"; false; }
    [ "$(json l.json models.0.samples)" -le 4 ] # the next ones are asked for while it is tried
    # Nothing passes: the greedy answer of the other model, which is the first of the list.
    kill "$server_pid"
    serve '{"def f0": ["    return x - 7\n", "    return x + 2\n"]}'
    run "$RATION" "$@" -m "$url/v1#test-model" -m "big=$url/v1#test-model" --fallback big -s s.db p.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"sample 0 of big"*"by fallback: no sample passes all examples"*"return x - 7"* ]] || { echo "$output"; false; }
    [ "$(json l.json models.1.samples)" = 1 ]
    [ "$(json l.json models.0.samples)" -gt 3 ]
    # What was paid for is not asked for again.
    run "$RATION" "$@" -m "$url/v1#test-model" -m "big=$url/v1#test-model" --fallback big -s s.db p.json
    [[ "$output" == *"by fallback"*"return x - 7"* ]] || { echo "$output"; false; }
    [ "$(json l.json models.1.samples)" = 0 ]
    # Without an example nothing could stop the others: they are not drawn.
    sed -i 's/>>> f0(.)\\n    [46]/It adds one./g' p.json
    run "$RATION" "$@" -m "$url/v1#test-model" -m "big=$url/v1#test-model" --fallback big p.json
    [[ "$output" == *"by fallback: the prompt shows no example"* ]] || { echo "$output"; false; }
    [ "$(json l.json models.0.samples)" = 0 ]
    run "$RATION" "$@" -m "$url/v1#test-model" --fallback big p.json
    [ "$status" -ne 0 ]
    [[ "$output" == *"fallback"* ]]
}

@test "solve: without tests the policy learns how often samples pass the examples, not the tests" {
    serve '{"def f9": ["    return x + 1\n"]}'
    printf '[model small]\nusd_per_1m_input = 0\nusd_per_1m_output = 1\n[model big]\nusd_per_1m_input = 0\nusd_per_1m_output = 3\n' >costs
    # On record small's programs pass the example of every problem and no test, big's pass all.
    for i in 0 1 2 3 4 5 6 7; do
        printf '{"task_id": "T/%d", "prompt": "def f%d(x):\\n    \\"\\"\\"\\n    >>> f%d(3)\\n    4\\n    \\"\\"\\"\\n", "entry_point": "f%d", "canonical_solution": "    return x + 1\\n", "test": "def check(f):\\n    assert f(3) == 4\\n    assert f(5) == 6\\n"}\n' $i $i $i $i
    done >set.jsonl
    for i in 0 1 2 3 4 5 6 7; do
        for j in 1 2 3 4 5 6; do
            printf '{"task_id": "T/%d", "completion": "    return 4 # %d\\n"}\n' $i $j >>small.jsonl
            printf '{"task_id": "T/%d", "completion": "    return x + 1 # %d\\n"}\n' $i $j >>big.jsonl
        done
    done
    for name in small big; do
        "$RATION" import -s r.db -t set.jsonl --model $name $name.jsonl >/dev/null
    done
    "$RATION" judge -s r.db -t set.jsonl >/dev/null
    cp r.db ranked.db
    "$RATION" rank -s ranked.db -t set.jsonl >/dev/null
    sed 's/f0/f9/g; s/T.0/T\/9/; s/"test".*/"test": "def check(f):\\n    pass\\n"}/' set.jsonl | head -1 >p.json
    set -- solve -b 0.04USD --cost-file costs --no-tests --in-flight 1 --max-tokens 1000 --ledger l.json \
        -m "small=$url/v1#test-model" -m "big=$url/v1#test-model"
    run "$RATION" "$@" --learn-from r.db p.json # verdicts: small never passes
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"sample 0 of big, "*"by examples: it passes all of them"* ]] || { echo "$output"; false; }
    run "$RATION" "$@" --learn-from ranked.db p.json
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"sample 0 of small, "*"by examples: it passes all of them"* ]] || { echo "$output"; false; }
    [ "$(json l.json models.1.samples)" = 0 ]
}

@test "solve: wrong usage" {
    problem
    random_model tiny.gguf
    for args in "-b 5s p.json" "-m tiny.gguf -b 5s" "-m tiny.gguf -b 5s --prompt p.json" \
        "-m tiny.gguf -b 5s --in . --file x" "-m tiny.gguf -b 5s p.json --run x" "-m tiny.gguf -b 5s p.json more" \
        "-m tiny.gguf -b 5s p.json --format csv" "-m tiny.gguf -b 5s p.json --temperature -1"; do
        run "$RATION" solve $args
        [ "$status" -eq 2 ] || { echo "$args: $status $output"; false; }
    done
    run "$RATION" solve -m tiny.gguf -b 5s --policy best p.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"no policy 'best'"* ]]
    run "$RATION" solve -m no-such.gguf -b 5s p.json
    [ "$status" -eq 3 ]
    run "$RATION" solve -m tiny.gguf -m tiny.gguf -b 5s p.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"two models are called tiny"* ]]
    make_set
    run "$RATION" solve -m tiny.gguf -b 5s tiny.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"choose one with --problem"* ]]
}

@test "solve: the example of the library" {
    serve "$some_wrong"
    problem
    run "$RATION_BUILD/examples/solve" 30s p.json "$url/v1#test-model"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"return x + 1"* ]]
    run "$RATION_BUILD/examples/solve" 0s p.json "$url/v1#test-model"
    [ "$status" -eq 3 ]
}

@test "solve: money: what a server does not count is charged at its most, what it hides is paid for" {
    printf '[model test-model]\nusd_per_1m_input = 1\nusd_per_1m_output = 10\n' >price.ini
    serve '{"def f0": ["    return 0\n"]}'
    problem
    for how in zerousage nousage hidden; do
        run timeout 30 "$RATION" solve -m "$url/$how/v1#test-model" --budget 0.01USD --max-tokens 100 \
            --cost-file price.ini -q --ledger led.json p.json
        echo "$how: $output"
        [ "$status" -eq 1 ]
        spent=$(json led.json spent) n=$(json led.json models.0.samples)
        /usr/bin/python3 -c "assert 0.007 < $spent <= 0.01 and 7 <= $n <= 10, ($spent, $n)"
    done
    [[ "$output" != *"does not report its tokens"* ]]
}

@test "solve: a server that refuses everything is asked no more, and said so once" {
    serve '{"def f0": ["    return 0\n"]}' --log log
    problem
    run "$RATION" solve -m "$url/400/v1#test-model" --budget 20s -q --ledger led.json p.json
    echo "$output"
    [ "$status" -eq 3 ]
    [ "$(grep -c "status 400 for a test" <<<"$output")" = 1 ]
    [ "$(grep -c completions log)" -le 32 ]
}

@test "solve: two signals 3 ms apart are one wish: the ledger is written" {
    printf '[model test-model]\nusd_per_1m_input = 1\nusd_per_1m_output = 10\n' >price.ini
    serve '{"def f0": ["    return 0\n"]}' --delay 10
    problem
    for i in 1 2 3; do
        rm -f led.json
        "$RATION" solve -m "$url/v1#test-model" --budget 1USD --cost-file price.ini -q \
            --ledger led.json p.json >out 2>&1 3>&- &
        pid=$!
        await_handler $pid 15
        sleep 0.4
        kill -TERM $pid
        sleep 0.003
        kill -TERM $pid 2>/dev/null || true
        status=0
        wait $pid || status=$?
        cat out
        [ "$status" -eq 1 ]
        [ -s led.json ]
        grep -q "stopped" out
    done
}
