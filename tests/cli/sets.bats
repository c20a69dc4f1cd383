# sets.bats: every published set from its file to a verdict (sets.py has the files), and README's command for each.

load helpers

setup() { in_tmpdir; }
teardown() {
    [ ! -d server ] || stop_server server
    leave_tmpdir
}

sets() { /usr/bin/python3 "$BATS_TEST_DIRNAME/sets.py" "$@"; }

@test "sets: each form, however it is spelled, is the same set; the right answer passes and the wrong one does not" {
    run sets files "$RATION"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "sets: a field that is missing or of another type is read, or refused by file, line and field" {
    run sets fields "$RATION"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "sets: files that are empty, cut, or no set at all are refused by name" {
    run sets damage "$RATION"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "sets: README's command for each set samples it, judge follows, and report groups by month" {
    sets place data
    export RATION_DATA=$PWD/data
    ln -s data/TACO TACO
    mkdir server
    start_server server
    /usr/bin/python3 - "$BATS_TEST_DIRNAME/../../README.md" >commands <<'PY'
import re, sys
table = re.search(r"\| set \| samples of it \|\n.*?\n\n", open(sys.argv[1], encoding="utf-8").read(), re.S).group()
print("\n".join(re.findall(r"`(ration generate [^`]*)`", table)))
PY
    [ "$(wc -l <commands)" -eq 11 ]
    while read -r line; do
        rm -f x.db*
        read -ra words <<<"${line#ration }"
        words[2]=$BASE/v1#test-model
        set_name=${words[4]}
        echo "$line"
        run "$RATION" "${words[@]}" -n 2
        echo "$output"
        [ "$status" -eq 0 ]
        [ "$(sql x.db "select count(*) > 0 from sample")" = 1 ]
        run "$RATION" judge -s x.db -t "$set_name" -j 1
        echo "$output"
        [ "$status" -le 1 ]
        [ "$(sql x.db "select count(*) from sample s left join verdict v on v.sample_id = s.id where v.kind_id is null")" = 0 ]
        [ "$set_name" != livecodebench ] || {
            run "$RATION" report -s x.db -t livecodebench --by month --format csv
            echo "$output"
            [[ "$output" == *"livecodebench,2024-09,test-model,2,"* ]]
        }
    done <commands
}

@test "sets: in each language that is here a program passes, fails, hangs, and does not pass by leaving early" {
    # Most of it is the compilers' time: the sanitizers' run has one of each kind.
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/languages.py" "$RATION" ${RATION_SANITIZE:+c go_test.go js sh}
    echo "$output"
    [ "$status" -eq 0 ]
}
