#!/usr/bin/env bats
# chat.bats: templates in the forms of public models, each as the reference renders it
# (tests/golden/chat.py), with and without the variables that it knows.

setup() {
    load helpers
    /usr/bin/python3 -c "import numpy, jinja2" 2>/dev/null || skip "numpy or jinja2 is not installed"
    in_tmpdir
}

teardown() {
    leave_tmpdir
}

golden() { /usr/bin/python3 "$BATS_TEST_DIRNAME/../golden/$1.py" "${@:2}"; }

# asked FILE ARGS: a run with the template in FILE, and what it recorded beside the reference
asked() {
    golden arch make llama . "tokenizer.chat_template=str:$(cat "$1")"
    rm -f t.db
    "$RATION" generate -m llama.gguf -t tiny.jsonl -s t.db -n 1 --max-tokens 1 --problems 0 --chat template \
        --chat-args "$2" >/dev/null
    golden chat check t.db "./$1" "$2"
}

@test "chat: a question in 20 forms of template is what the reference makes of it" {
    make_set
    n=0
    for name in $(golden chat list); do
        golden chat template "$name" >"$name.jinja"
        asked "$name.jinja" '{}'
        args=$(golden chat args "$name")
        [ "$args" = '{}' ] || asked "$name.jinja" "$args"
        n=$((n + 1))
    done
    [ $n -ge 20 ]
}
