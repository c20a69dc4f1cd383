# examples.bats: every example of every man page, and those of the README that need models of these names
# (readme.bats and solve.bats have the others), as they are written, in a folder that has what they name.
#
# Models are small random ones under the names of the examples, problem sets have a few problems, and
# generate and demo are held to a few short samples, solve to a GFLOP or half a second. `fetch` from the network is
# tested against a local server in fetch.bats.

load helpers

# The lines of a page's examples that begin with "ration " (after "$ "), in order.
examples() {
    awk '/^\.Sh EXAMPLES/ {on = 1; next} /^\.Sh/ {on = 0}
        on && sub(/^(\.Dl )?(\$ )?/, "") && /^(ration |bash -c )/' "$1"
}

setup() {
    man=$(cd "$BATS_TEST_DIRNAME/../../docs/man" && pwd)
    in_tmpdir
    make_stand_ins data
    make_public_sets data
    mkdir bin
    local i
    for i in codellama-7b.gguf codellama-34b.gguf model.gguf; do
        cp data/models/ration-mini-s.gguf $i
    done
    random_model codellama-34b.gguf 2,96,128,2,2,320
    export RATION_DATA=$PWD/data
    mkdir server
    start_server server --model codellama-7b
    cat >bin/ration <<END
#!/bin/bash
set -- "\${@/#http:\\/\\/gpu:8000/$BASE}" # the server of the examples
case \$1 in
solve)
    set -- "\${@/#1TFLOP/1GFLOP}"
    exec "$RATION" "\${@/#2s/0.5s}"
    ;;
demo) case "\$*" in *--published*) n= ;; *) n="-n 1" ;; esac; exec "$RATION" "\$@" \$n ;; # demo.bats has it whole
generate) case "\$*" in *--greedy*) n= ;; *) n="-n 12" ;; esac; exec "$RATION" "\$@" \$n --max-tokens 6 ;;
bench) exec "$RATION" "\$@" --gen 2 --prompt 4 ;;
profile) exec "$RATION" "\$@" --prompt 16 --tokens 16 --slots 4 ;;
esac
exec "$RATION" "\$@"
END
    chmod +x bin/ration
    PATH=$PWD/bin:$PATH
}

teardown() {
    stop_server server
    leave_tmpdir
}

# What each page's examples find in the folder.
prepare() {
    local i
    case $1 in
    inspect) echo 'def f(x):' >prompt.txt ;;
    import)
        for i in 0 1 2 3; do
            printf '{"task_id": "HumanEval/%d", "completion": "    return x + %d\\n"}\n' $i $i
        done | gzip >samples.jsonl.gz
        for i in 0 1 2 3; do
            printf '{"prompt": "def f%d(x):\\n", "samples": ["    return x + 1\\n"]}\n' $i
        done >codet.jsonl
        printf 'task_id,n,c\n11,5,2\n12,5,0\n' >n_c.csv
        ;;
    judge) cp exp.db experiment.db ;;
    batch)
        "$RATION" generate -m model.gguf -t humaneval -s own.db -n 2 --max-tokens 6 >/dev/null 2>&1
        ;;
    plan)
        for i in $(seq 0 19); do
            sed -n "1s#Tiny/0#P/$i#p" data/mini/mini.jsonl
        done >p.jsonl
        for i in 7:9 13:11; do
            (echo task_id,n,c && seq -f "P/%.0f,12,${i#*:}" 0 19 | awk -F, '{print $1 "," $2 "," $3 - NR % 10}') >n_c.csv
            "$RATION" import -s study.db -t p.jsonl --model code-llama-${i%:*}b --format counts n_c.csv >/dev/null
        done
        ;;
    export) mv experiment.db exp.db ;;
    solve)
        head -1 data/mini/mini.jsonl >problem.json
        mkdir project
        printf 'int add(int a, int b)\n{\n    /* TODO */\n}\n' >project/add.c
        printf 'check:\n\tcc -c add.c\n' >project/Makefile
        ;;
    README) cp study.db own.db ;;
    merge)
        for i in all machine1 machine2 old; do cp exp.db $i.db; done
        ;;
    esac
}

@test "the examples of the man pages and of the README" {
    # A later page goes on with what an earlier one made.
    order="inspect import generate profile rank judge export merge report completion doctor bench fetch demo"
    for page in "$man"/ration-*.1; do
        name=${page##*/ration-}
        name=${name%.1}
        case " $order " in *" $name "*) ;; *) order="$order $name" ;; esac
    done
    for name in $order ration README; do
        case $name in
        README) page=$man/../../README.md ;;
        ration) page=$man/ration.1 ;;
        *) page=$man/ration-$name.1 ;;
        esac
        if [ "$name" = README ]; then
            grep -E '^ration (plan -s own.db|.*http://)' "$page" >lines # readme.bats has the nine jobs
        else
            examples "$page" >lines
        fi
        [ -s lines ] || { echo "$page has no examples"; false; }
        prepare "$name"
        while IFS= read -r line <&4; do # bats reports on 3
            case $line in "ration fetch "[!-]* | "ration fetch --from"*) continue ;; esac
            run bash -c "$line"
            echo "$name: $line: $status $output"
            # Random models leave things undone, which is said with status 1.
            [ "$status" -eq 0 ] || [ "$status" -eq 1 ]
        done 4<lines
    done
}

@test "a whole experiment in one C program, against the public header alone" {
    run "$RATION_BUILD/examples/experiment" model.gguf data/mini/mini.jsonl whole.db
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"has problems 0 to 3"* ]]
    for i in 1 2; do sed "s#Tiny/#Twin$i/#" data/mini/mini.jsonl; done >eight.jsonl
    run "$RATION_BUILD/examples/experiment" model.gguf eight.jsonl whole.db
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"32 samples"*"of 32 passed"*"samples ranked"*"pass@1"* ]]
}
