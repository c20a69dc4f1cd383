# helpers.bash: what the tests of commands share. `load helpers` at the top of a .bats file.

# A folder of its own for each test, as current folder.
in_tmpdir() {
    TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/ration-cli-XXXXXX")
    cd "$TEST_DIR" || return 1
}

leave_tmpdir() {
    cd / && [ -n "${TEST_DIR:-}" ] && chmod -R u+rwX "$TEST_DIR" && rm -rf "$TEST_DIR"
}

# Skips the test unless the named file of RATION_DATA is here; prints its path.
need_data() {
    [ -n "${RATION_DATA:-}" ] && [ -e "$RATION_DATA/$1" ] || skip "$1 is not in RATION_DATA"
}

# The hash of all content of a store.
digest() { "$RATION" export -s "$1" --format digest; }

# One value from a store by SQL (python's sqlite3 is on every machine that builds).
sql() { /usr/bin/python3 -ISc 'import sqlite3, sys
for row in sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute(sys.argv[2]):
    print("|".join("" if v is None else str(v) for v in row))' "$1" "$2"; }

# await_handler PID SIGNAL: until the command PID has installed its handler of a signal (a number), or has
# ended. A signal before that kills it, on a slow machine after any fixed pause.
await_handler() {
    local caught
    while caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) && [ -n "$caught" ]; do
        [ "$(readlink "/proc/$1/exe")" = "$RATION" ] && [ $(((0x$caught >> ($2 - 1)) & 1)) = 1 ] && return
        sleep 0.01
    done
}

# await CONDITION: until the shell finds it true; fails after a minute.
await() {
    local i
    for i in $(seq 1200); do
        if eval "$1"; then return 0; fi
        sleep 0.05
    done
    echo "waited a minute for: $1" >&2
    return 1
}

# How many samples a store holds.
count() { sql "$1" "SELECT count(*) FROM sample"; }

# signal_at N PID SIGNAL STORE: a command gets the signal (INT, ...) when its store holds N samples or more; fails
# when it ends before. It stands still while it is looked at: on a busy machine it would be done meanwhile.
signal_at() {
    /usr/bin/python3 -IS - "$@" <<'END'
import os, signal, sqlite3, sys, time
n, pid, wanted, store = int(sys.argv[1]), int(sys.argv[2]), signal.Signals["SIG" + sys.argv[3]], sys.argv[4]
held = -1
while held < n:
    time.sleep(0.02)
    os.kill(pid, signal.SIGSTOP)
    with open(f"/proc/{pid}/stat") as f:
        if f.read().rpartition(")")[2].split()[0] == "Z":
            sys.exit(f"the command ended with {held} samples in {store}, before it got the signal")
    try:
        held = sqlite3.connect(f"file:{store}?mode=ro", uri=True).execute("SELECT count(*) FROM sample").fetchone()[0]
    except sqlite3.Error: # it is not there yet, or being written to
        pass
    if held >= n:
        os.kill(pid, wanted)
    os.kill(pid, signal.SIGCONT)
END
}

# made_once NAME FILE COMMAND...: FILE as a copy of what the COMMAND, given a path as its last word, makes. It runs
# once in a run of tests, for all files of it; at the same time in two of them, the one's is as good as the other's.
made_once() {
    local kept=${RATION_TEST_CACHE:-$BATS_RUN_TMPDIR}/$1 to=$2
    shift 2
    [ -e "$kept" ] || { "$@" "$kept.$BASHPID" >/dev/null 2>&1 && mv "$kept.$BASHPID" "$kept"; } || return 1
    cp "$kept" "$to"
}

# make_store FILE: 12 problems of mini with 6 samples each, of which some pass.
make_store() { made_once store.db "$1" make_store_anew; }
make_store_anew() {
    "$RATION" generate -m "$BATS_TEST_DIRNAME/../../models/ration-mini-s.gguf" -t mini -n 6 --problems 0-47/4 \
        -s "$1" >/dev/null 2>&1
}

# random_model FILE [SHAPE]: a model of random numbers, see `ration bench engine`.
random_model() {
    local shape=${2:-1,32,64,2,2,320}
    made_once "model-$shape.gguf" "$1" "$RATION" bench engine --shape "$shape" --threads 1 --prompt 4 --gen 2 --samples 1 --save
}

# guide_block PATTERN SED: the example of docs/CLUSTER.md with a line that matches, changed to be small.
guide_block() {
    awk -v at="$1" '/^```/ {if (hit) exit; text = ""; code = !code; next}
        code {text = text $0 "\n"; if ($0 ~ at) hit = 1}
        END {printf "%s", text}' "$BATS_TEST_DIRNAME/../../docs/CLUSTER.md" | sed "$2"
}

# A set of 4 problems in HumanEval's form: tiny.jsonl, with ids Tiny/0 ... Tiny/3.
make_set() {
    local i
    for i in 0 1 2 3; do
        printf '{"task_id": "Tiny/%d", "prompt": "def f%d(x):\\n", "entry_point": "f%d", "canonical_solution": "    return x + %d\\n", "test": "def check(f):\\n    assert f(1) == %d\\n"}\n' \
            $i $i $i $i $((i + 1))
    done >tiny.jsonl
}

# make_stand_ins DIR: random models under the bundled names in DIR/models and the 4 problems of make_set
# as DIR/mini/mini.jsonl: with RATION_DATA=DIR, `ration demo` takes them for its own.
make_stand_ins() {
    local s
    mkdir -p "$1/models" "$1/mini"
    (cd "$1/mini" && make_set && mv tiny.jsonl mini.jsonl)
    for s in xs:2,32,64,2 s:2,64,96,2 m:2,96,128,2 l:3,128,192,4; do
        random_model "$1/models/ration-mini-${s%%:*}.gguf" "${s#*:},2,320"
    done
}

# make_public_sets DIR: a few problems of our own in the form and place of HumanEval, MBPP and APPS.
make_public_sets() {
    local i level
    mkdir -p "$1/humaneval" "$1/mbpp" "$1/apps"
    make_set
    sed 's#Tiny/#HumanEval/#' tiny.jsonl >"$1/humaneval/HumanEval.jsonl"
    rm tiny.jsonl
    for i in 2 3 4 11 12; do
        printf '{"task_id": %d, "text": "Add %d.", "code": "def f(x):\\r\\n    return x + %d", "test_list": ["assert f(1) == %d"], "test_setup_code": "", "challenge_test_list": []}\n' \
            "$i" "$i" "$i" $((i + 1))
    done >"$1/mbpp/mbpp.jsonl"
    i=0
    for level in introductory interview competition; do
        printf '{"problem_id": %d, "difficulty": "%s", "question": "Print %d.", "starter_code": "", "solutions": "[\\"print(%d)\\"]", "input_output": "{\\"inputs\\": [\\"1\\"], \\"outputs\\": [\\"%d\\"]}"}\n' \
            $((i += 1)) "$level" "$i" "$i" "$i"
    done >"$1/apps/test.jsonl"
}

# kill_then_finish SEED TIMES COMMAND...: starts the command TIMES times, ends each with SIGKILL after
# a random part of the time that an undisturbed run took (KILL_FULL_MS), then runs it to its end.
# The moments come from SEED alone. Says at the end how many runs were really cut off.
kill_then_finish() {
    local seed=$1 times=$2 i pid killed=0
    shift 2
    RANDOM=$seed
    for i in $(seq "$times"); do
        local ms=$((1 + RANDOM % (KILL_FULL_MS > 1 ? KILL_FULL_MS : 1)))
        "$@" >/dev/null 2>&1 3>&- &
        pid=$!
        sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
        kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
        wait "$pid" 2>/dev/null || true
    done
    echo "$killed of $times runs cut off"
    "$@"
}

# Milliseconds that a command takes.
time_ms() {
    local from
    from=$(date +%s%N)
    "$@" >/dev/null 2>&1
    echo $((($(date +%s%N) - from) / 1000000))
}

# start_server FOLDER OPTION...: the test server (tests/server) in the background; its port, log and pid
# lie in FOLDER. `stop_server FOLDER` ends it. BASE is http://127.0.0.1:PORT.
start_server() {
    local dir=$1 i
    shift
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../server/openai_server.py" --port-file "$dir/port" \
        --log "$dir/log" --seconds 900 "$@" >/dev/null 2>&1 3>&- &
    echo $! >"$dir/pid"
    for i in $(seq 1200); do
        [ -e "$dir/port" ] && break
        sleep 0.05
    done
    BASE=http://127.0.0.1:$(cat "$dir/port")
}

stop_server() { kill "$(cat "$1/pid")" 2>/dev/null || true; }
