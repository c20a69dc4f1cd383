# completion.bats: the scripts that `ration completion` prints, driven as the shells drive them.

load helpers

setup() {
    in_tmpdir
}

teardown() {
    leave_tmpdir
}

# What bash would offer for the last of these words, one a line.
offers() {
    COMP_WORDS=(ration "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _ration
    printf '%s\n' "${COMPREPLY[@]}"
}

load_bash() {
    "$RATION" completion bash >ration.bash
    # shellcheck disable=SC1091
    source ./ration.bash
}

@test "bash: commands, and every option of every command" {
    load_bash
    for c in $("$RATION" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
        offers "" | grep -qx "$c"
        "$RATION" "$c" --help | sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/--\2/p' | sort >want
        offers "$c" -- | sort >got
        diff want got
    done
    [ "$(offers rep)" = report ]
    offers "" | grep -qx -- --version
}

@test "bash: values follow from what an option takes" {
    load_bash
    touch a.gguf a.db
    mkdir folder
    [ "$(offers report --format "" | tr '\n' ' ')" = "table csv json " ]
    [ "$(offers report -f c)" = csv ]
    [ "$(offers report --format = j)" = json ]
    [ "$(offers report --missing "" | tr '\n' ' ')" = "drop fail refuse " ]
    [ "$(offers report --metric rank-score@)" = rank-score@k ]
    [ "$(offers generate -m "" | sort | tr '\n' ' ')" = "a.gguf folder " ]
    [ "$(offers generate --preset paper-apps-int | tr '\n' ' ')" = "paper-apps-introductory paper-apps-interview " ]
    [ "$(offers generate -t apps-intr)" = apps-introductory ]
    [ "$(offers generate -t a.d)" = a.db ]
    [ "$(offers generate --kv q | sort | xargs)" = "q4 q8" ]
    [ "$(offers judge --extractor chat/)" = chat/5 ]
    [ "$(offers demo --out "")" = folder ]
    [ -z "$(offers generate --top-p "")" ]
    [ "$(offers export --format dig)" = digest ]
    [ "$(offers rank --ranker "" | tr '\n' ' ')" = "examples nll verifier consensus tests " ]
}

@test "bash: operands" {
    load_bash
    touch a.jsonl a.gguf
    [ "$(offers completion "" | tr '\n' ' ')" = "bash zsh " ]
    [ "$(offers fetch mbpp-san | tr '\n' ' ')" = "mbpp-sanitized mbpp-sanitized-full " ]
    [ "$(offers inspect a.)" = a.gguf ]
    [ "$(offers import -s x.db a.j)" = a.jsonl ]
    # A file with spaces stays one word.
    touch "my store.db"
    [ "$(offers report -s my)" = "my store.db" ]
}

@test "zsh: each command's specification reaches _arguments as it is meant" {
    "$RATION" completion zsh >_ration
    [ "$(head -1 _ration)" = "#compdef ration" ]
    for c in $("$RATION" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
        grep -q "^        '$c:" _ration
        grep -q "^    $c)" _ration
    done
    command -v zsh >/dev/null || skip "no zsh here"
    zsh -n _ration
    cat >drive.zsh <<'END'
_arguments() { print -rl -- "$@" }
_describe() { print -rl -- "${(@P)2}" }
words=(ration report --format ""); CURRENT=4
source ./_ration
words=(ration ""); CURRENT=2
source ./_ration
END
    run zsh -f drive.zsh
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"(-f --format)--format=[table, csv or json]:FORMAT:(table csv json)"* ]]
    [[ "$output" == *"--published[the study's published tables]"* ]]
    [[ "$output" == *$'\ndemo:the whole way'* ]]
}

@test "completion: another shell is a usage error" {
    run "$RATION" completion
    [ "$status" -eq 2 ]
    run "$RATION" completion fish
    [ "$status" -eq 2 ]
    [[ "$output" == *"bash or zsh"* ]]
}
