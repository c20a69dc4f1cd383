# demo.bats: `ration demo` on stand-ins of the bundled models, and the published comparison.

load helpers

# Random models under the bundled names and a set of 4 problems called mini: data/, made once.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit 1
    make_stand_ins data
}

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    export RATION_DATA=$BATS_FILE_TMPDIR/data
}

@test "the demo goes the whole way, and says what each step was" {
    run "$RATION" demo -n 1
    echo "$output"
    [ "$status" -eq 0 ]
    for size in xs s m l; do
        [[ "$output" == *"ration generate -m "*"ration-mini-$size.gguf -t mini -s demo.db"*"--greedy"* ]]
        [[ "$output" == *"ration profile -m "*"ration-mini-$size.gguf"* ]]
        [[ "$output" == *"ration rank -m "*"ration-mini-$size.gguf"* ]]
    done
    [[ "$output" == *"ration judge -s demo.db -t mini"*"ration report -s demo.db --html report.html"* ]]
    grep -q '</html>' report.html
    [[ "$output" == *"pass@k, %"*"rank-score@k, %"*"nll:ration-mini-l"*"consensus:mbr"*" examples"*"pass_flops@f"*"pass_time@t"* ]]
    [[ "$output" == *"The finding"$'\n'"mini, "*"Go on with"* ]]
    [ -z "$(sed -n '/^The finding/,$p' <<<"$output" | awk 'length > 100')" ]
    # Sixteen times as many samples of the smallest model, one greedy answer of each.
    [ "$(sql demo.db "SELECT m.name, count(*) FROM sample s JOIN run r ON r.id = s.run_id
        JOIN model m ON m.id = r.model_id GROUP BY r.id ORDER BY r.id" | tr '\n' ' ')" = \
        "ration-mini-xs|64 ration-mini-xs|4 ration-mini-s|16 ration-mini-s|4 ration-mini-m|8 ration-mini-m|4 ration-mini-l|4 ration-mini-l|4 " ]
    [ "$(sql demo.db "SELECT count(*) FROM sample WHERE id NOT IN (SELECT sample_id FROM verdict)")" = 0 ]
}

@test "the demo twice gives the same samples, verdicts and scores, also when it was killed" {
    "$RATION" demo -n 1 --out a >/dev/null
    KILL_FULL_MS=$(time_ms "$RATION" demo -n 1 --out b)
    [ "$(digest a/demo.db)" = "$(digest b/demo.db)" ]
    kill_then_finish 7 5 "$RATION" demo -n 1 --out c >/dev/null
    [ "$(digest a/demo.db)" = "$(digest c/demo.db)" ]
}

@test "a second demo in the same folder keeps what is there; a quick one grows into a full one" {
    run "$RATION" demo -n 1 --quick
    [ "$status" -eq 0 ]
    [[ "$output" == *"--problems 0-3/8"*"A quick demo: every eighth problem only"* ]]
    run "$RATION" demo -n 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"demo.db is there with 27 samples: what it holds is kept"* ]]
    run "$RATION" demo -n 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"64 of 64 samples (0 made now"* ]]
    [[ "$output" == *"0 samples judged now"* ]]
    "$RATION" demo -n 1 --out fresh >/dev/null
    [ "$(sql demo.db "SELECT count(*), sum(length(text)) FROM sample_text")" = \
        "$(sql fresh/demo.db "SELECT count(*), sum(length(text)) FROM sample_text")" ]
}

@test "an interrupted demo ends with status 1 and says that it continues" {
    "$RATION" demo -n 400 >out 2>&1 3>&- &
    pid=$!
    until grep -q '^\[1/' out; do sleep 0.05; done
    sleep 0.2
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    cat out
    [ "$status" -eq 1 ]
    grep -q "the same command continues" out
}

@test "a missing bundled model is named, with the places where it was looked for" {
    mkdir some
    cp "$RATION_DATA"/models/ration-mini-{xs,s,l}.gguf some
    run "$RATION" demo --models some
    [ "$status" -eq 3 ]
    [[ "$output" == *"ration-mini-m.gguf is not here (looked at some/ration-mini-m.gguf)"*"--models DIR"* ]]
    [ ! -e demo.db ]
}

@test "a folder that cannot be written is named, and --out offered" {
    # A user without rights must reach the program and the data; root may write anywhere.
    open=$(mktemp -d "${TMPDIR:-/tmp}/ration-open-XXXXXX")
    cp -r "$RATION_DATA" "$open/data"
    RATION_DATA=$open/data
    mkdir "$open/closed"
    chmod -R a+rX "$open"
    chmod 555 "$open/closed"
    as=
    [ "$(id -u)" -ne 0 ] || as="setpriv --reuid=65534 --regid=65534 --clear-groups"
    $as test -x "$RATION" || { rm -rf "$open"; skip "the build cannot be reached without rights"; }
    cd "$open/closed"
    run $as "$RATION" demo
    [ "$status" -eq 3 ]
    [[ "$output" == *"this folder: cannot be written"*"--out DIR"* ]]
    run $as "$RATION" demo --out ../closed
    [ "$status" -eq 3 ]
    [[ "$output" == *"../closed: cannot be written"*"another folder with --out DIR"* ]]
    cd / && rm -rf "$open"
}

@test "a store that the demo did not make is left alone" {
    make_set
    "$RATION" generate -m "$RATION_DATA/models/ration-mini-xs.gguf" -t tiny.jsonl -s demo.db --max-tokens 4
    before=$(digest demo.db)
    run "$RATION" demo -n 1
    [ "$status" -eq 3 ]
    [[ "$output" == *"demo.db holds samples"*"another problem set"*"--out DIR"* ]]
    [ "$(digest demo.db)" = "$before" ]
    rm demo.db*
    random_model ration-mini-xs.gguf 2,64,64,2,2,320
    "$RATION" generate -m ration-mini-xs.gguf -t mini -s demo.db --max-tokens 4
    run "$RATION" demo -n 1
    [ "$status" -eq 3 ]
    [[ "$output" == *"another model file"* ]]
    echo "no store" >demo.db
    run "$RATION" demo -n 1
    [ "$status" -eq 3 ]
}

# Sentences that go on in further lines, indented, as one line each.
unwrap() { output=$(sed -e ':a' -e 'N;s/\n  */ /;ta' -e 'P;D' <<<"$output"); }

@test "--published compares the published curves at equal budgets, from any folder" {
    run "$RATION" demo --published
    [ "$status" -eq 0 ]
    unwrap
    for set in humaneval mbpp apps-introductory apps-interview apps-competition; do
        [[ "$output" == *"== $set: published curves"* ]]
        [[ "$output" == *"$set, at equal FLOPs, "*" per problem ("*" leads: "* ]]
        [[ "$output" == *"$set, who leads at equal wall-time: "* ]]
    done
}

@test "--published reproduces the study's statements in kind" {
    run "$RATION" demo --published
    unwrap
    # A small model leads at every budget on HumanEval and MBPP, in FLOPs and in time.
    for set in humaneval mbpp; do
        for of in FLOPs wall-time; do
            line=$(grep "^$set, who leads at equal $of: code-llama-7b from " <<<"$output" | head -1)
            [[ "$line" != *code-llama-34b* && "$line" != *code-llama-70b* ]]
        done
    done
    # On APPS 13B leads almost everywhere.
    [ "$(grep -c '^apps.* at equal .*the first budget that buys a sample of every model): code-llama-13b leads:' <<<"$output")" -eq 6 ]
    [[ "$output" == *"code-llama-7b reaches 60 % in 0.32 of the wall-time of code-llama-70b"* ]]
}

@test "wrong use of the demo" {
    run "$RATION" demo now
    [ "$status" -eq 2 ]
    run "$RATION" demo -n 0
    [ "$status" -eq 2 ]
}

@test "make names the packages that are missing, and installs none" {
    [ -d "$BATS_TEST_DIRNAME/../../tools" ] || skip "no source tree"
    mkdir bin
    printf '#!/bin/sh\ncase $* in *libjansson-dev*) exit 1;; *) echo install ok installed;; esac\n' >bin/dpkg-query
    printf '#!/bin/sh\ntouch %s/installed\n' "$PWD" | tee bin/apt-get >bin/sudo
    chmod +x bin/*
    PATH=$PWD/bin:$PATH run "$BATS_TEST_DIRNAME/../../tools/deps.sh" --print build
    [ "$status" -eq 1 ]
    [[ "$output" == *"apt-get install -y --no-install-recommends libjansson-dev" ]]
    [ ! -e installed ]
}

@test "an installed ration finds its data" {
    [ -d "$RATION_BUILD/../tools" ] || [ -d "$BATS_TEST_DIRNAME/../../tools" ]
    root=$BATS_TEST_DIRNAME/../..
    case $RATION_BUILD in "$(cd "$root" && pwd)"/*) ;; *) skip "not a build of this tree" ;; esac
    build=${RATION_BUILD#"$(cd "$root" && pwd)/"}
    [ -e "$RATION_BUILD/libration.so" ] || skip "libration.so is not built"
    DESTDIR=$PWD/dest PREFIX=/usr VERSION=9.8.7 BUILD=$build "$root/tools/install.sh"
    run dest/usr/bin/ration demo --published
    [ "$status" -eq 0 ]
    echo '#include <ration.h>' | cc -std=c17 -Werror -Idest/usr/include -fsyntax-only -x c -
    [ -f dest/usr/lib/libration.a ]
    [ "$(readlink -f dest/usr/lib/libration.so)" = "$PWD/dest/usr/lib/libration.so.9.8.7" ]
    [ "$(PKG_CONFIG_PATH=dest/usr/lib/pkgconfig pkg-config --modversion ration)" = 9.8.7 ]
    [ -f dest/usr/share/man/man1/ration.1 ]
    grep -q '^complete -F _ration ration' dest/usr/share/bash-completion/completions/ration
    [ "$(head -1 dest/usr/share/zsh/site-functions/_ration)" = "#compdef ration" ]
    DESTDIR=$PWD/dest PREFIX=/usr VERSION=9.8.7 BUILD=$build "$root/tools/install.sh" --remove
    [ -z "$(find dest ! -type d)" ]
}
