# readme.bats: the commands of the README and of docs/REPRODUCE.md work as they are written there.

load helpers

setup() {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    cd "$BATS_TEST_TMPDIR" || exit 1
    PATH=$RATION_BUILD:$PATH
}

# The commands of a file that match, as they are written there.
commands_of() {
    sed -n '/^```sh/,/^```/p' "$1" | grep "^ration .*$2"
}

@test "the five lines for one's own models" {
    make_stand_ins data
    cp data/models/ration-mini-s.gguf small.gguf
    commands_of "$root/README.md" own | grep -v '^ration plan' >commands
    [ "$(wc -l <commands)" -eq 5 ]
    export RATION_DATA=$PWD/data
    while read -r line; do
        run sh -c "$line"
        echo "$line: $status $output"
        [ "$status" -eq 0 ]
    done <commands
    grep -q '</html>' own.html
}

@test "the nine jobs of the README, one after the other in a folder with their files" {
    # Its first block makes files and server, in a folder of this test.
    sed -n '/^export TREE=/,/^```$/p' "$root/README.md" | grep -v '^```' | sed "s,/tmp/jobs,jobs,g; s,& sleep 1,>/dev/null 2>\&1 3>\&- \& echo \$! >pid; until [ -s port ]; do sleep 0.1; done," >first.sh
    [ "$(wc -l <first.sh)" -eq 4 ]
    ln -s "$root"/docs "$root"/tests "$RATION_BUILD" .
    . ./first.sh
    # The demo runs whole in demo.bats; here with one sample of these problems.
    sed -n '/^## Nine jobs/,/^## /p' "$root/README.md" | grep '^ration ' |
        sed 's/^ration demo --quick$/& -n 1 -t my.jsonl/' >commands
    [ "$(wc -l <commands)" -eq 15 ]
    while read -r line; do
        run sh -c "$line"
        echo "$line: $status $output"
        case $line in
        *--metirc*) [ "$status" -eq 2 ] && [[ "$output" == *"did you mean --metric?"* ]] ;;
        *doctor*) [ "$status" -le 1 ] && [[ "$output" == *"user namespace"* ]] ;;
        *"report -s x.db --cost-file"*my-box) [[ "$output" == *"leads    small: 5 samples solve 74.0 %"* ]] ;;
        *) [ "$status" -eq 0 ] ;;
        esac
    done <commands
    stop_server .
    grep -q '</html>' x.html
    [ -s small-judged.jsonl.gz ]
}

@test "the README shows problems, samples and prices as the tutorial's files have them" {
    /usr/bin/python3 "$root/docs/tutorial/samples.py"
    sed -n '/^## Nine jobs/,/^## Install/p' "$root/README.md" >jobs
    grep -qxF "$(head -1 my.jsonl)" jobs
    grep -qxF "$(head -1 small.jsonl)" jobs
    for line in 1 2 3 7 8; do grep -qxF "$(sed -n "${line}p" prices.txt)" jobs; done
}

@test "the study of docs/REPRODUCE.md, on four problems of each set and stand-ins of the models" {
    make_stand_ins data
    for size in 7b 13b 34b 70b; do
        cp data/models/ration-mini-xs.gguf codellama-$size.gguf
    done
    export RATION_DATA=$PWD/data
    make_public_sets data
    # Two samples of a few tokens instead of 2,000 of hundreds; the data is there already.
    mkdir bin
    cat >bin/ration <<END
#!/bin/sh
case \$1 in
fetch) exit 0 ;;
generate) case "\$*" in *--greedy*) n= ;; *) n="-n 2" ;; esac; exec "$RATION" "\$@" \$n --max-tokens 6 ;;
profile) exec "$RATION" "\$@" --prompt 16 --tokens 16 --slots 4 ;;
esac
exec "$RATION" "\$@"
END
    chmod +x bin/ration
    sed -n '/^ration fetch humaneval mbpp apps/,/^```/p' "$root/docs/REPRODUCE.md" | grep -v '^```' >study.sh
    [ "$(wc -l <study.sh)" -eq 14 ]
    PATH=$PWD/bin:$PATH run sh -e study.sh
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(sql study.db "SELECT count(*) FROM run")" = 40 ]
    [ "$(sql study.db "SELECT count(DISTINCT preset) FROM run")" = 3 ]
    [ "$(sql study.db "SELECT count(*) FROM sample WHERE id NOT IN (SELECT sample_id FROM verdict)")" = 0 ]
    grep -q '</html>' study.html
    if command -v gnuplot >/dev/null; then [ "$(head -c 4 study.pdf)" = %PDF ]; fi

    # Its release, as it was published.
    /usr/bin/python3 -c 'import json
print(json.dumps({f"HumanEval/{i}": {"task_id": f"HumanEval/{i}", "prompt": f"def f{i}(x):\n",
    "samples": [{"pass_at_1": 100.0, "generation": f"    return x + {i}\n"}]} for i in range(4)}))' >humaneval_7b.json
    run sh -c "$(commands_of "$root/docs/REPRODUCE.md" release.db)"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(sql release.db "SELECT count(*) FROM verdict")" = 4 ]
}

@test "make targets that the README names exist" {
    cd "$root"
    for target in $(grep -o '`\?make [a-z]*' README.md CONTRIBUTING.md | sed 's/.*make //' | sort -u); do
        grep -q "^$target:" Makefile || { echo "no target $target"; false; }
    done
}

@test "links of the documents lead somewhere" {
    cd "$root"
    for doc in README.md CONTRIBUTING.md docs/*.md; do
        for link in $(grep -o '](\([^)#]*\)' "$doc" | sed 's/](//' | grep -v '^http'); do
            [ -e "$(dirname "$doc")/$link" ] || { echo "$doc: $link"; false; }
        done
    done
}
