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

@test "chat: a question in 20 forms of template is what the reference makes of it" {
    make_set
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/../golden/chat.py" "$RATION" tiny.jsonl
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -ge 20 ]
}
