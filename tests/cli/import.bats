#!/usr/bin/env bats
# ration import: every form, repetition, and input that is bad.

load helpers

setup() {
    in_tmpdir
    make_set
}
teardown() { leave_tmpdir; }

# import FILE...: into s.db as model m on tiny.jsonl
imp() { "$RATION" import -s s.db -t tiny.jsonl --model m "$@"; }

three_rows() {
    printf '{"task_id": "Tiny/0", "completion": "a"}\n{"task_id": "Tiny/0", "completion": ""}\n'
    printf '{"task_id": "Tiny/2", "completion": "c", "generated_tokens": 7}\n'
}

@test "import: help, usage errors" {
    run "$RATION" import --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"--append"* ]]
    for args in "" "-s s.db" "-s s.db -t tiny.jsonl" "-s s.db -t tiny.jsonl --model m" \
        "-s s.db -t tiny.jsonl --model m --format nonsense x" \
        "-s s.db -t tiny.jsonl --model m --run nonsense x" "-s s.db -t tiny.jsonl --model m -n -1 x"; do
        run "$RATION" import $args
        [ "$status" -eq 2 ] || { echo "$args: $status $output"; false; }
    done
    [ ! -e s.db ]
}

@test "import: human-eval rows, plain, gzip, standard input; a second time changes nothing" {
    three_rows >a.jsonl
    gzip -k a.jsonl
    run imp a.jsonl
    [ "$status" -eq 0 ]
    [[ "$output" == *"3 samples added; 2 of 4 problems"* ]]
    one=$(digest s.db)
    run imp a.jsonl.gz
    [[ "$output" == *"0 samples added, 3 were there already"* ]]
    run imp --format human-eval - <a.jsonl
    [ "$status" -eq 0 ]
    [ "$one" = "$(digest s.db)" ]
    [ "$(sql s.db "select group_concat(idx || ':' || text, ' ') from sample s join sample_text on sample_id = s.id")" = "0:a 1: 0:c" ]
    [ "$(sql s.db "select gen_tok from sample where gen_tok is not null")" = 7 ]
    [ "$(sql s.db "select settings, provenance from run")" = '{"extractor":"raw/1"}|{"source":"human-eval"}' ]
}

@test "import: a file that has grown goes on; another file is refused without --append" {
    three_rows >a.jsonl
    imp a.jsonl
    printf '{"task_id": "Tiny/2", "completion": "d"}\n' >>a.jsonl
    run imp a.jsonl
    [[ "$output" == *"1 sample added, 3 were there already"* ]]
    printf '{"task_id": "Tiny/0", "completion": "other"}\n' >b.jsonl
    run imp b.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"b.jsonl: line 1: sample 0 of Tiny/0 is stored with another text"*"--append"* ]]
    run imp --append b.jsonl
    [[ "$output" == *"1 sample added"* ]]
    run imp --append b.jsonl
    [[ "$output" == *"0 samples added"* ]]
    cp b.jsonl c.jsonl
    run imp --append c.jsonl
    [[ "$output" == *"1 sample added"* ]]
    [ "$(sql s.db "select group_concat(idx) from sample s join problem p on p.id = problem_id where task_id = 'Tiny/0'")" = 0,1,2,3 ]
}

@test "import: shards in one call count on; --first leaves room" {
    three_rows >a.jsonl
    sed 's/"a"/"z"/' a.jsonl >b.jsonl
    run imp a.jsonl b.jsonl
    [[ "$output" == *"6 samples added"* ]]
    "$RATION" import -s t.db -t tiny.jsonl --model m --first 0 a.jsonl
    "$RATION" import -s t2.db -t tiny.jsonl --model m --first 2 b.jsonl
    [ "$(sql t2.db "select group_concat(idx) from sample")" = 2,3,2 ]
    "$RATION" merge -s t.db t2.db
    [ "$(sql t.db "select count(*) from sample")" = 6 ]
}

@test "import: settings make runs; greedy has one answer" {
    printf '{"task_id": "Tiny/0", "completion": "a"}\n' >a.jsonl
    imp --setting temperature=0.8 --run note=x a.jsonl
    imp --setting temperature=0.80 --run note=x a.jsonl
    imp --setting temperature=0.6 a.jsonl
    imp --greedy a.jsonl
    [ "$(sql s.db "select count(*) from run")" = 3 ]
    three_rows >b.jsonl
    run "$RATION" import -s s.db -t tiny.jsonl --model other --greedy b.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"line 2: Tiny/0: a second answer in a greedy run"* ]]
    run imp --setting source=elsewhere --cost code-llama-7b a.jsonl
    [ "$(sql s.db "select cost from model where name = 'm'")" = code-llama-7b ]
}

@test "import: verdicts of human-eval's results" {
    {
        printf '{"task_id": "Tiny/0", "completion": "a", "result": "passed", "passed": true}\n'
        printf '{"task_id": "Tiny/0", "completion": "b", "result": "timed out", "passed": false}\n'
        printf '{"task_id": "Tiny/0", "completion": "c", "result": "failed: x: y", "passed": false}\n'
        printf '{"task_id": "Tiny/0", "completion": "d", "verdict": "syntax_error"}\n'
        printf '{"task_id": "Tiny/0", "completion": "e"}\n'
    } >a.jsonl
    run imp a.jsonl
    [[ "$output" == *"5 samples added, 4 verdicts"* ]]
    [ "$(sql s.db "select n, c, missing from outcome")" = "4|1|1" ]
    [ "$(sql s.db "select group_concat(verdict) from newest_verdict")" = passed,time_limit,wrong_answer,syntax_error ]
    "$RATION" export -s s.db --format human-eval >b.jsonl
    grep -q '"result": "failed: x: y", "passed": false}' b.jsonl
    "$RATION" import -s t.db -t tiny.jsonl --model m b.jsonl
    [ "$(digest s.db)" = "$(digest t.db)" ]
    printf '{"task_id": "Tiny/1", "completion": "a", "passed": 1}\n' >c.jsonl
    run imp c.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *'"passed" is neither true nor false'* ]]
}

@test "import: evalplus, its results in both generations" {
    printf '{"task_id": "tiny/0", "solution": "p"}\n{"task_id": "Tiny/1", "solution": "q"}\n' >a.jsonl
    printf '{"date": "x", "eval": {"Tiny/0": {"base": [["success", []]], "plus": [["failed", []]]}, "Tiny/1": {"base": [["timed out", []]], "plus": [["success", []]]}}}' >old.json
    printf '{"eval": {"Tiny/0": [{"task_id": "Tiny/0", "solution": "p", "base_status": "pass", "plus_status": "fail"}], "Tiny/1": [{"solution": "q", "base_status": "timeout", "plus_status": "pass"}]}, "hash": "z"}' >new.json
    run imp a.jsonl old.json
    [ "$status" -eq 0 ]
    [[ "$output" == *"4 verdicts"* ]]
    [ "$(sql s.db "select group_concat(verdict) from newest_verdict")" = passed,time_limit ]
    [ "$(sql s.db "select group_concat(k.name) from verdict v join verdict_kind k on k.id = kind_id where judged_ms = -1")" = wrong_answer,time_limit ]
    "$RATION" import -s t.db -t tiny.jsonl --model m new.json
    [ "$(digest s.db)" = "$(digest t.db)" ]
    run "$RATION" import -s u.db -t tiny.jsonl --model m old.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"results of a sample that is not stored"* ]]
    [ ! -e u.db ]
}

@test "import: bigcode, CodeT, release, several runs" {
    printf '[["p0", "p1"], [], ["p2"]]' >b.json
    run imp b.json
    [[ "$output" == *"3 samples added; 2 of 4 problems"*"bigcode"* ]]
    printf '[[],[],[],[],["x"]]' >b5.json
    run "$RATION" import -s x.db -t tiny.jsonl --model m b5.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"more lists than set 'tiny' has problems (4)"* ]]

    printf '{"prompt": "def f2(x):\\n", "samples": ["s0", "s1"]}\n' >c.jsonl
    imp c.jsonl
    [ "$(sql s.db "select distinct task_id from sample s join problem p on p.id = problem_id join run r on r.id = run_id where provenance like '%codet%'")" = Tiny/2 ]
    printf '{"prompt": "def g(x):\\n", "samples": ["s0"]}\n' >c2.jsonl
    run imp c2.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"c2.jsonl: line 1: its prompt belongs to no problem"*"--map"* ]]
    printf '{"task_id": "Tiny/3", "prompt": "def g(x):\\n"}\n' >map.jsonl
    run imp --setting v=2 --map map.jsonl c2.jsonl
    [ "$status" -eq 0 ]
    run imp --setting v=2 --map map.jsonl c.jsonl
    [[ "$output" == *"is not in the map"* ]]

    printf '{"Tiny/1": {"task_id": "Tiny/1", "prompt": "p", "samples": [{"pass_at_1": 100.0, "generation": "g{[\\"\\\\"},\n {"pass_at_1": 0.0, "generation": "h"}]}}' >r.json
    run imp r.json
    [[ "$output" == *"2 samples added, 2 verdicts"*"release"* ]]
    printf '{"Tiny/1": {"samples": [{"pass_at_1": 50.0, "generation": "g"}]}}' >r2.json
    run imp --setting v=3 r2.json
    [ "$status" -eq 3 ]
    [[ "$output" == *'must be 100.0 or 0.0'* ]]
    printf '{"Tiny/1": {"samples": [{"generation": "g"}]}, "Tiny/1": {"samples": []}}' >r3.json
    run imp --setting v=4 r3.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"Tiny/1: the problem is there twice"* ]]

    printf '{"task_id": "Tiny/0", "total": 2, "runs": [{"result": "Pass", "seconds": 1.5, "code": "x"}, {"result": "Fail", "seconds": 2, "code": "y"}]}\n' >n.jsonl
    run imp --setting v=6 n.jsonl
    [[ "$output" == *"2 samples added, 2 verdicts"*"runs"* ]]
    sed 's/"total": 2/"total": 1/' n.jsonl >n2.jsonl
    run imp --setting v=5 n2.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"declares a total of 1 and has 2 runs"* ]]
}

@test "import: counts and curves, without texts" {
    printf 'task_id,n,c\nTiny/0,10,3\nTiny/3,10,0\n' >a.csv
    run imp a.csv
    [[ "$output" == *"2 counts added; 2 of 4 problems"* ]]
    run imp a.csv
    [ "$status" -eq 0 ]
    run "$RATION" export -s s.db --format counts
    [ "$output" = "$(cat a.csv)" ]
    printf '{"task_id": "Tiny/0", "n": 10, "c": 4}\n' >b.jsonl
    run imp --setting source=counts b.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"b.jsonl: line 1: Tiny/0: n = 10, c = 4; n = 10, c = 3 is stored"* ]]
    printf 'task_id,n,c\nTiny/1,3,4\n' >c.csv
    run imp c.csv
    [[ "$output" == *"c.csv: line 2"*"0 <= c <= n"* ]]
    printf 'task_id,n,c\nTiny/1,3,1\nTiny/1,3,1\n' >d.csv
    run imp --setting v=2 d.csv
    [[ "$output" == *"line 3: Tiny/1 is there twice"* ]]

    printf 'k,pass@k\n1,28.2%%\n2,0.385\n' >k.csv
    "$RATION" import -s s.db -t anything --model paper --format curve k.csv
    run "$RATION" export -s s.db --model paper --format curve
    [ "${lines[1]%%0000*}" = "1,0.28199999999999997" ] || [ "${lines[1]}" = "1,0.28199999999999997" ] || [[ "${lines[1]}" == 1,0.282* ]]
    printf 'k,pass@k\n1,28.2\n' >k2.csv
    run "$RATION" import -s s.db -t anything --model p2 --format curve k2.csv
    [ "$status" -eq 3 ]
    [[ "$output" == *"k2.csv: line 2: k = 1, pass@k = 28.2"* ]]
}

@test "import: unknown problems, wrong types, missing fields name file and line; --skip-bad goes on" {
    {
        printf '{"task_id": "Tiny/0", "completion": "ok"}\n'
        printf '{"task_id": "Other/9", "completion": "x"}\n'
        printf '{"task_id": "Tiny/0", "completion": 5}\n'
        printf '{"task_id": "Tiny/0"}\n'
        printf '{"completion": "x"}\n'
        printf '{"task_id": "Tiny/0", "completion": "x", "generated_tokens": "7"}\n'
        printf '[1]\n'
        printf '{"task_id": "Tiny/0", "task_id": "Tiny/1", "completion": "x"}\n'
        printf '{"task_id": "Tiny/0", "completion": "\xff"}\n'
        printf '{"task_id": "Tiny/0", "completion": "\\ud800"}\n'
        printf '{"task_id": "Tiny/0", "completion": "nul \\u0000 inside"}\n'
        printf 'not json\n'
        printf '{"task_id": "Tiny/0", "completion": "cut'
    } >a.jsonl
    run imp a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"a.jsonl: line 2: unknown problem 'Other/9'; set 'tiny' has no such id"* ]]
    [ "$(sql s.db "select count(*) from sample")" = 1 ]
    run imp --skip-bad a.jsonl
    [ "$status" -eq 1 ]
    [[ "$output" == *"2 samples added, 1 was there already, 10 rows left out"* ]]
    [[ "$output" == *'line 3: field "completion" is neither a string nor a list of strings'* ]]
    [[ "$output" == *'line 4: field "completion" is missing'* ]]
    [[ "$output" == *'line 9, column'*'unable to decode byte 0xff'* ]]
    [ "$(sql s.db "select length(text), hex(text) like '%00%' from sample_text order by sample_id desc limit 1")" = "12|1" ]
}

@test "import: more samples than declared are refused, fewer reported" {
    three_rows >a.jsonl
    run imp -n 1 a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"line 2: Tiny/0: more samples than were declared with -n"* ]]
    run imp -n 2 a.jsonl
    [ "$status" -eq 1 ]
    [[ "$output" == *"3 problems have fewer than the declared 2 samples"* ]]
}

@test "import: truncated and corrupt gzip: what was read is kept, the whole file goes on" {
    for i in $(seq 3000); do
        printf '{"task_id": "Tiny/%d", "completion": "text %d %s"}\n' $((i % 4)) "$i" "$RANDOM$RANDOM"
    done >a.jsonl
    gzip -k a.jsonl
    head -c $(($(stat -c %s a.jsonl.gz) / 2)) a.jsonl.gz >cut.jsonl.gz
    run imp cut.jsonl.gz
    [ "$status" -eq 3 ]
    [[ "$output" == *"after line "*"cut.jsonl.gz: the gzip stream ends too early"* ]]
    kept=$(sql s.db "select count(*) from sample")
    [ "$kept" -gt 0 ]
    cp a.jsonl.gz bad.jsonl.gz
    printf 'XXXXXXXXXXXXXXXX' | dd of=bad.jsonl.gz bs=1 seek=$(($(stat -c %s a.jsonl.gz) / 2)) conv=notrunc 2>/dev/null
    run "$RATION" import -s bad.db -t tiny.jsonl --model m bad.jsonl.gz
    [ "$status" -eq 3 ]
    run imp a.jsonl.gz
    [ "$status" -eq 0 ]
    [[ "$output" == *"$kept were there already"* ]]
    "$RATION" import -s t.db -t tiny.jsonl --model m a.jsonl
    [ "$(digest s.db)" = "$(digest t.db)" ]
    head -c 100 a.jsonl >c.json
    printf '{"Tiny/0": {"samples": [{"generation": "a"}, {"generation": "b' >r.json
    run "$RATION" import -s r.db -t tiny.jsonl --model m r.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"r.json: line 1: the file ends within its JSON"* ]]
    [ "$(sql r.db "select count(*) from sample")" = 1 ]
}

@test "import: files that are not there, empty, folders, of no known form" {
    run imp nothing.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"nothing.jsonl"*"No such file"* ]]
    : >empty
    run imp empty
    [[ "$output" == *"empty is empty"* ]]
    mkdir d
    run imp d
    [[ "$output" == *"d: nothing is in it as evalplus"* ]]
    echo hello >x
    run imp x
    [[ "$output" == *"its form is not known; name it with --format"* ]]
    run "$RATION" import -s s.db -t no-such-set --model m x
    [ "$status" -eq 3 ]
}

@test "import: --ids-only takes ids as they come" {
    printf '{"task_id": "b", "completion": "x"}\n{"task_id": "a", "completion": "y"}\n' >a.jsonl
    run "$RATION" import -s s.db -t mine --ids-only --model m a.jsonl
    [ "$status" -eq 0 ]
    [ "$(sql s.db "select group_concat(task_id) from (select task_id from problem order by ord)")" = b,a ]
    run "$RATION" import -s s.db -t mine --ids-only --model m2 a.jsonl
    [ "$(sql s.db "select count(*) from problem")" = 2 ]
}

@test "import: a completion of 100 MB" {
    /usr/bin/python3 -c 'import sys
sys.stdout.write("{\"task_id\": \"Tiny/0\", \"completion\": \"")
for i in range(100): sys.stdout.write("x" * 1000000)
sys.stdout.write("\"}\n")' >a.jsonl
    run imp a.jsonl
    [ "$status" -eq 0 ]
    [ "$(sql s.db "select text_bytes from sample")" = 100000000 ]
}

@test "import: stores that cannot be used" {
    three_rows >a.jsonl
    cp tiny.jsonl not.db
    run "$RATION" import -s not.db -t tiny.jsonl --model m a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"not.db is not an experiment file"* ]]
    [ "$(cmp tiny.jsonl not.db && echo same)" = same ]
    imp a.jsonl
    # A second writer is told who is first.
    mkfifo pipe
    "$RATION" import -s s.db -t tiny.jsonl --model m2 --format human-eval - <pipe 3>&- >/dev/null &
    exec 9>pipe
    await '[ -e s.db.lock ]'
    run imp a.jsonl
    exec 9>&-
    wait || true
    [ "$status" -eq 3 ]
    [[ "$output" == *"process"*"(ration) is writing to it"* ]]
}

@test "import: a folder and a file that cannot be written; reports still read them" {
    three_rows >a.jsonl
    imp a.jsonl
    as=
    if [ "$(id -u)" = 0 ]; then
        command -v setpriv >/dev/null || skip "root, and no setpriv"
        as="setpriv --reuid=65534 --regid=65534 --clear-groups"
        $as test -x "$RATION" || skip "the program is in a folder that others cannot read"
    fi
    chmod 555 .
    chmod 444 s.db
    [ "$(id -u)" != 0 ] || chmod o+rx "$TEST_DIR"
    run $as "$RATION" import -s s.db -t tiny.jsonl --model m a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"cannot be written to"*"Permission denied"* ]]
    run $as "$RATION" export -s s.db --format csv
    chmod 755 .
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" = 4 ]
}

@test "import: a full disk" {
    unshare -rm true 2>/dev/null || skip "no user namespaces here"
    /usr/bin/python3 -c 'for i in range(200): print("{\"task_id\": \"Tiny/%d\", \"completion\": \"%s\"}" % (i % 4, str(i) * 10000))' >a.jsonl
    run unshare -rm sh -c 'mkdir small && mount -t tmpfs -o size=2m none small &&
        "$0" import -s small/s.db -t tiny.jsonl --model m a.jsonl; echo "exit $?"
        ls small; mount -o remount,size=64m none small &&
        "$0" import -s small/s.db -t tiny.jsonl --model m a.jsonl && cp small/s.db kept.db' "$RATION"
    [[ "$output" == *"the disk is full"*"exit 3"* ]] || { echo "$output"; false; }
    [ "$(sql kept.db "select count(*) from sample")" = 200 ]
}

@test "import: Ctrl-C stops between samples and says so" {
    three_rows >a.jsonl
    mkfifo pipe
    "$RATION" import -s s.db -t tiny.jsonl --model m --format human-eval - <pipe 3>&- >out 2>&1 &
    pid=$!
    exec 9>pipe
    await '[ -e s.db.lock ]'
    kill -TERM $pid
    cat a.jsonl >&9
    exec 9>&-
    status=0
    wait $pid || status=$?
    [ "$status" -eq 1 ]
    grep -q "stopped; the same command continues" out
    run imp a.jsonl
    [ "$status" -eq 0 ]
    [ "$(sql s.db "select count(*) from sample")" = 3 ]
    [ "$(sql s.db "select group_concat(status) from command")" = 1,0 ]
}

@test "import, export, merge: the examples of the man pages run" {
    need_data humaneval/HumanEval.jsonl.gz
    printf '{"task_id": "HumanEval/0", "completion": "    return 1\\n"}\n' | gzip >samples.jsonl.gz
    printf '{"prompt": "\\ndef is_sum(x):\\n", "samples": []}\n' >codet.jsonl
    zcat "$RATION_DATA/humaneval/HumanEval.jsonl.gz" | head -1 |
        sed 's/^{"task_id": "[^"]*", \("prompt": ".*\), "entry_point".*/{\1, "samples": ["    return 2\\n"]}/' >codet.jsonl
    printf 'task_id,n,c\nMBPP/11,10,3\n' >n_c.csv
    cd "$BATS_TEST_DIRNAME/../.." && pages=$PWD/docs/man && cd "$TEST_DIR"
    for page in import export merge; do
        [ $page != merge ] || cp exp.db machine1.db && cp exp.db machine2.db && cp exp.db old.db
        sed -n 's/^\.Dl \$ ration //p' "$pages/ration-$page.1" >examples
        [ -s examples ]
        while read -r line; do
            run sh -c "\"\$RATION\" $line"
            echo "$page: $line: $status $output"
            [ "$status" -eq 0 ]
        done <examples
    done
    zcat results.jsonl.gz | grep -q '"task_id": "HumanEval/0", "completion": "    return 2'
}

# expect NAME TEXT WANT [EXTRA...]: the file NAME with TEXT is read, or refused with the message WANT.
# A WANT of the form "FORM: ID=VERDICT ..." is what it is read as, e.g. "generation: Tiny/0= Tiny/1=passed".
expect() {
    local name=$1 want=$3
    printf '%b' "$2" >"$name"
    rm -f f.db*
    run "$RATION" import -s f.db -t tiny.jsonl --model m "$name"
    if [[ "$want" == *=* ]]; then
        [ "$status" -eq 0 ] || { echo "$name: $status $output"; false; }
        [[ "$output" == *", ${want%%:*})"* ]] || { echo "$name: $output"; false; }
        got=$("$RATION" export -s f.db --format csv | tail -n +2 | cut -d, -f5,7 | sed 's/,/=/' | paste -sd' ')
        [ "$got" = "${want#*: }" ] || { echo "$name: $got"; false; }
    else
        [ "$status" -eq 3 ] || { echo "$name: $status $output"; false; }
        [[ "$output" == *"$want"* ]] || { echo "$name: $output"; false; }
        [ ! -e f.db ] || { echo "$name left an empty file"; false; }
    fi
}

@test "import: what other harnesses write, or a message that names it" {
    expect array.json '[{"task_id": "Tiny/0", "completion": "a"},\n {"task_id": "Tiny/1", "completion": "b"}]' 'human-eval: Tiny/0= Tiny/1='
    expect spread.json '{\n  "task_id": "Tiny/0",\n  "solution": "a"\n}\n{\n  "task_id": "Tiny/1",\n  "solution": "b"\n}\n' 'evalplus: Tiny/0= Tiny/1='
    expect bom.jsonl '\xef\xbb\xbf{"task_id": "Tiny/0", "completion": "a"}\n' 'human-eval: Tiny/0='
    expect utf16.jsonl '\xff\xfe{\x00"\x00a\x00"\x00' 'this is UTF-16'
    expect utf16be.jsonl '\x00{\x00"\x00a\x00"' 'this is UTF-16'
    expect nan.jsonl '{"task_id": "Tiny/0", "completion": "NaN \\\\\\\\\\" NaN", "logprob": NaN}\n{"task_id": "Tiny/1", "completion": "a", "logprob": -Infinity}\n' 'human-eval: Tiny/0= Tiny/1='
    expect bigint.jsonl '{"task_id": "Tiny/0", "completion": "99999999999999999999", "seed": -123456789012345678901234, "x": 1e999, "y": -5, "z": 1.5e3}\n' 'human-eval: Tiny/0='
    expect bigid.jsonl '{"task_id": 123456789012345678901234, "completion": "a"}\n' "unknown problem '123456789012345678901234'"
    expect pandas.jsonl '{"task_id": "Tiny/0", "completion": "a", "generated_tokens": 12.0}\n' 'human-eval: Tiny/0='
    [ "$(sql f.db "SELECT gen_tok FROM sample")" = 12 ]
    expect half.jsonl '{"task_id": "Tiny/0", "completion": "a", "generated_tokens": 12.5}\n' 'an integer is needed'
    expect request.jsonl '{"task_id": "Tiny/0", "completion": "a", "status": "success"}\n{"task_id": "Tiny/1", "solution": "b", "completion": "b"}\n' 'human-eval: Tiny/0= Tiny/1='
    expect noverdict.jsonl '{"task_id": "Tiny/0", "solution": "a", "status": "success"}\n{"task_id": "Tiny/1", "solution": "b", "status": "failed"}\n' 'evalplus: Tiny/0= Tiny/1='
    expect gen.jsonl '{"task_id": 0, "generation": ["a", "b"]}\n' 'generation: Tiny/0= Tiny/0='
    expect response.jsonl '{"id": "Tiny/0", "response": "a"}\n' 'response: Tiny/0='
    expect two.jsonl '{"task_id": "Tiny/0", "completion": "a", "solution": "b"}\n' 'its rows fit two forms, human-eval and evalplus; say which with --format'
    expect old.jsonl '{"question_id": "Tiny/0", "output_list": ["x", "y"], "code_list": ["a", "b"], "graded_list": [true, false]}\n' 'livecodebench: Tiny/0=passed Tiny/0=wrong_answer'
    expect lcb.json '[{"question_id": "Tiny/1", "code_list": ["a"]}]' 'livecodebench: Tiny/1='
    expect lmeval.jsonl '{"doc_id": 2, "doc": {"q": 1}, "resps": [["a", "b"]], "filter": "x"}\n{"doc_id": 2, "doc": {"q": 1}, "resps": [["a", "b"]], "filter": "y"}\n{"doc_id": 0, "doc": {"task_id": "Tiny/0"}, "resps": [["c"]], "filter": "x", "pass@1": 1.0}\n' 'lm-eval: Tiny/0=passed Tiny/2= Tiny/2='
    expect batch.jsonl '{"custom_id": "Tiny/0#1", "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "a"}, "finish_reason": "length"}], "usage": {"completion_tokens": 5}}}}\n{"custom_id": "Tiny/1", "response": {"status_code": 200, "body": {"choices": [{"message": {"content": [{"type": "text", "text": "b"}]}}, {"message": {"content": null}}]}}}\n' 'openai-batch: Tiny/0= Tiny/1= Tiny/1='
    expect failed.jsonl '{"custom_id": "Tiny/0", "response": {"status_code": 429, "body": {"error": {}}}}\n' 'Tiny/0 has no answer (status 429)'
    expect asked.jsonl '{"custom_id": "Tiny/0", "method": "POST", "url": "/v1", "body": {}}\n' 'this is requests of a batch'
    expect compass.json '{"0": {"origin_prompt": "x", "prediction": "a", "gold": "Tiny/3"}, "1": {"prediction": ["b", "c"]}}' 'opencompass: Tiny/1= Tiny/1= Tiny/3='
    expect far.json '{"9": {"prediction": "a"}}' 'has no problem in the place that this row names'
    expect inspect.json '{"version": 2, "eval": {"task": "x"}, "samples": [{"id": "Tiny/0", "epoch": 1, "output": {"choices": [{"message": {"content": "a"}, "stop_reason": "max_tokens"}]}, "scores": {"verify": {"value": "C"}}}, {"id": 1, "output": {"completion": "b"}, "scores": {"verify": {"value": 0}}}]}' 'inspect: Tiny/0=passed Tiny/1=wrong_answer'
    expect headers.json '{"version": 2, "status": "success", "eval": {}, "plan": {}}' 'this is an inspect log without samples'
    expect multi.json '{\n"name": "Tiny_2_f2", "language": "py", "prompt": "p", "completions": ["a"], "stop_tokens": []}' 'multipl-e: Tiny/2='
    expect multi.results.json '{"name": "Tiny_2_f2", "language": "py", "results": [{"program": "a", "status": "OK", "exit_code": 0}, {"program": "b", "status": "Timeout"}]}' 'multipl-e-results: Tiny/2=passed Tiny/2=time_limit'
    expect bcb.json '{"date": "x", "eval": {"Tiny/0": [{"task_id": "Tiny/0", "solution": "a", "status": "pass"}, {"solution": "b", "status": "fail"}]}}' 'evalplus-results: Tiny/0=passed Tiny/0=wrong_answer'
    expect set.jsonl '{"task_id": "Tiny/0", "prompt": "p", "test": "t", "canonical_solution": "s"}\n' 'this is a problem set without answers'
    expect scores.json '{"results": {"humaneval": {"pass@1": 0.5}}}' 'this is scores without samples'
    expect lcb_eval.json '[{"pass@1": 0.5, "detail": {"pass@1": {"0": 1.0}}}, {"0": [[true]]}, [["{}"]]]' 'this is scores without samples; import the file that holds the answers (of LiveCodeBench *_eval_all.json)'
    expect bigcode_eval.json '{"humaneval": {"pass@1": 0.3}, "config": {}}' 'this is scores without samples'
    expect texts.json '["a", "b"]' 'an array of neither rows nor lists'
    expect odd.json '{"x": 1, "y": 2}' 'its first object has the keys x, y'
    expect empty.json '{"eval": {}}' 'nothing is in it as evalplus-results'
    expect lists.json '[]' 'nothing is in it as bigcode'
    expect zip.eval 'PK\x03\x04xxxx' 'this is a zip archive'
    expect parquet 'PAR1xxxx' 'the Parquet file has no end'
    expect utf32 '\xff\xfe\x00\x00{\x00\x00\x00' 'this is UTF-32'
    expect lfs 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n' 'git lfs pull'
    expect page '<!DOCTYPE html><title>404</title>' 'a web page'
    expect table 'task_id,completion\nt/0,x\n' 'this is CSV'
    expect null '{"task_id": "t/0", "completion": null}\n' 'write "" for an answer that is empty'
    expect xz '\xfd7zXZ\x00' 'unpack it: xz -d FILE'
    expect bz2 'BZh91AY' 'bunzip2 FILE'
    expect db 'SQLite format 3\x00' "'ration merge'"
    expect blank '\n  \n' 'holds nothing but empty lines'
    expect columns.json '{"task_id": ["Tiny/0"], "completion": ["a"]}' 'a table by its columns; write its rows'
    expect pandas.json '{"task_id": {"0": "Tiny/0"}, "completion": {"0": "a"}}' 'a table by its columns; write its rows'
    expect split.json '{"columns": ["task_id"], "index": [0], "data": [["Tiny/0"]]}' 'a table by its columns; write its rows'
    expect both.jsonl '{"task_id": "Tiny/0", "output": "a", "answer": "b"}\n' '"output" and "answer" may both be the answer'
    expect lists.jsonl '{"task_id": "Tiny/0", "completion": "a", "completions": ["b"]}\n' '"completion" and "completions" may both be'
    expect above.jsonl '{"task_id": "Tiny/0", "completion": "a", "logprob": 3.5}\n' '"logprob" is above 0'
    expect zero.jsonl '{"task_id": "Tiny/0", "completion": "a", "generated_tokens": 0, "prompt_tokens": 0, "finish_reason": "content_filter"}\n' 'human-eval: Tiny/0='
    [ "$(sql f.db "SELECT ifnull(gen_tok, '?') || ifnull(prompt_tok, '?') || finish FROM sample")" = '??content_filter' ]
    printf '{"task_id": "Tiny/0", "completion": "a"}\n{"task_id": "Tiny/1", "completion": null}\n' >later.jsonl
    run imp later.jsonl
    [[ "$output" == *'line 2: field "completion" is null; an answer that is empty is ""'*"1 sample added; 1 of 4 problems"* ]]
}

@test "import: batches: an answer without a message is one, a request without an answer says why" {
    say() { printf '{"custom_id": "Tiny/0", "response": {"status_code": 200, "body": %s}}\n' "$1"; }
    expect nothing.jsonl "$(say '{"choices": []}')" 'Tiny/0 has no answer (status 200)'
    expect thought.jsonl "$(say '{"output": [{"type": "reasoning", "summary": []}], "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "usage": {"output_tokens": 9}}')" 'openai-batch: Tiny/0='
    [ "$(sql f.db "SELECT text_bytes, gen_tok, finish FROM sample")" = '0|9|length' ]
    expect parts.jsonl "$(say '{"output": [{"type": "message", "content": [{"text": "a"}]}, {"type": "message", "content": [{"text": "b"}]}], "status": "completed"}')" 'openai-batch: Tiny/0='
    [ "$(sql f.db "SELECT cast(text AS TEXT), finish FROM sample_text, sample")" = 'ab|stop' ]
    expect busy.jsonl "$(say '{"error": {"message": "overloaded"}}')" 'has no answer (status 200): overloaded; send it again'
    expect late.jsonl '{"custom_id": "Tiny/0", "response": null, "error": {"code": "batch_expired", "message": "too late"}}\n' 'Tiny/0 has no answer: too late; send'
    expect claude.jsonl '{"custom_id": "Tiny/0", "result": {"type": "errored", "error": {"type": "error", "error": {"message": "too long"}}}}\n' 'Tiny/0 has no answer: too long; send'
    expect claudes.jsonl '{"custom_id": "Tiny/0", "result": {"type": "expired"}}\n' 'Tiny/0 has no answer: expired; send'
    expect gemini.jsonl '{"key": "Tiny/0", "response": {"promptFeedback": {"blockReason": "SAFETY"}}}\n' 'Tiny/0 has no answer: SAFETY; send'
}

@test "import: tables with semicolons, tabs and 5.0" {
    printf 'task_id;n;c\nTiny/0;5;2\n' >a.csv
    printf 'task_id\tn\tc\nTiny/0\t5.0\t2.0\n' >b.tsv
    for f in a.csv b.tsv; do
        rm -f s.db*
        imp $f
        [ "$(sql s.db "SELECT n, c FROM tally")" = '5|2' ]
    done
    printf 'task_id,n,c\nTiny/0,5.5,2\n' >c.csv
    run imp c.csv
    [[ "$output" == *"n and c must be whole numbers"* ]]
}

@test "import: evalplus' folders of programs" {
    mkdir -p f/Tiny_0 f/Tiny_2
    for i in 0 1 10 2; do printf 'sample %d' $i >f/Tiny_0/$i.py; done
    printf 'x' >f/Tiny_2/0.py
    printf 'no' >f/Tiny_2/notes.txt
    run imp f
    [ "$status" -eq 0 ]
    [[ "$output" == *"5 samples added; 2 of 4 problems"*"evalplus"* ]]
    [ "$(sql s.db "select group_concat(text) from sample s join sample_text on sample_id = s.id where problem_id = 1 order by idx")" = "sample 0,sample 1,sample 2,sample 10" ]
    run imp f
    [[ "$output" == *"0 samples added, 5 were there already"* ]]
    mkdir -p f/Other_9
    run imp f
    [ "$status" -eq 3 ]
    [[ "$output" == *"unknown problem 'Other/9'"* ]]
    run imp --format human-eval f
    [ "$status" -eq 3 ]
    [[ "$output" == *"f is a folder: one of programs"* ]]
}

@test "import: a lone surrogate is a sample that fails, as in Python" {
    printf '{"task_id": "Tiny/0", "completion": "    # \\ud83d\\n    return x\\n"}\n{"task_id": "Tiny/0", "completion": "    # \\ud83d\\ude00\\n    return x\\n"}\n' >a.jsonl
    run imp a.jsonl
    [ "$status" -eq 0 ]
    [ "$(sql s.db "select group_concat(instr(hex(text), 'EDA0BD') > 0) from sample_text")" = 1,0 ]
    "$RATION" judge -s s.db -t tiny.jsonl -j 1 >/dev/null
    [ "$(sql s.db "select group_concat(verdict) from newest_verdict")" = syntax_error,passed ]
}

@test "import: evalplus' older results join the samples that they are about" {
    printf '{"task_id": "Tiny/0", "completion": "a"}\n' >a.jsonl
    printf '{"date": "x", "eval": {"Tiny/0": {"base": [["success", [1]]], "plus": [["failed", [1]]]}}}' >r.json
    run imp a.jsonl r.json
    [ "$status" -eq 0 ]
    [[ "$output" == *"1 sample added, 2 verdicts; 1 of 4 problems"* ]]
    [ "$(sql s.db "select count(*) from run")" = 1 ]
    imp --setting t=2 a.jsonl
    run imp r.json
    [ "$status" -eq 3 ]
    [[ "$output" == *"these results have no texts, and 2 runs of m have samples"* ]]
    [ "$(sql s.db "select count(*) from run")" = 2 ]
    "$RATION" import -s t.db -t tiny.jsonl --model m a.jsonl
    run "$RATION" import -s t.db -t tiny.jsonl --model m r.json
    [ "$status" -eq 0 ]
    [ "$(sql t.db "select count(*) from run")" = 1 ]
}

@test "import: a second time fills what was missing; a cost that names nothing is refused" {
    printf '{"task_id": "Tiny/0", "completion": "a"}\n' >a.jsonl
    printf '{"task_id": "Tiny/0", "completion": "a", "generated_tokens": 7, "finish_reason": "stop"}\n' >b.jsonl
    printf '{"task_id": "Tiny/0", "completion": "a", "generated_tokens": 9}\n' >c.jsonl
    imp --cost code-llama-7b a.jsonl
    run imp b.jsonl
    [[ "$output" == *"0 samples added, 1 was there already"* ]]
    imp c.jsonl
    [ "$(sql s.db "select gen_tok, finish from sample")" = "7|stop" ]
    run imp --cost no-such-model a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"no cost entry 'no-such-model'"*"--cost-file"* ]]
    [ "$(sql s.db "select cost from model")" = code-llama-7b ]
}

@test "import: a failed import leaves no file; a folder that cannot be written to is named" {
    printf '{"task_id": "Other/9", "completion": "a"}\n' >a.jsonl
    run imp a.jsonl
    [ "$status" -eq 3 ]
    [ "$(ls | paste -sd' ')" = "a.jsonl tiny.jsonl" ]
    run "$RATION" import -s no/such/s.db -t tiny.jsonl --model m a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"there is no folder no/such; make it first"* ]]
    [ "$(id -u)" -ne 0 ] || skip "root writes everywhere"
    mkdir ro
    chmod 555 ro
    run "$RATION" import -s ro/s.db -t tiny.jsonl --model m a.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"the folder ro cannot be written to"* ]]
}

@test "import: programs of MultiPL-E's results are judged without the tests that they end with" {
    /usr/bin/python3 - <<'PY'
import json
prompt = "def add(a: int, b: int) -> int:\n    \"\"\" Add two numbers. \"\"\"\n"
tests = "\n\n\ndef check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(5, 7) == 12\n\ndef test_check():\n    check(add)\n\ntest_check()\n"
with open("mpe.jsonl", "w") as f:
    f.write(json.dumps({"name": "HumanEval_53_add", "language": "py", "prompt": prompt, "tests": tests, "stop_tokens": ["\ndef"]}) + "\n")
right, wrong = "    return a + b\n", "    return a - b\n"
with open("mpe.results.json", "w") as f:
    json.dump({"name": "HumanEval_53_add", "language": "py", "results": [
        {"program": prompt + right + "\n" + tests, "status": "OK", "exit_code": 0},
        {"program": prompt + wrong + "\n" + tests, "status": "Exception", "exit_code": 1}]}, f)
PY
    "$RATION" import -s m.db -t mpe.jsonl --model m mpe.results.json
    [ "$(sql m.db "SELECT sum(text LIKE '%check%') FROM sample_text")" = 0 ]
    run "$RATION" judge -s m.db -t mpe.jsonl
    echo "$output"
    [ "$status" -eq 0 ]
    run "$RATION" report -s m.db --against imported
    echo "$output"
    [[ "$output" == *"2 samples were judged here and elsewhere"*"0 verdicts differ"* ]]
}
