# outputs.bats: what other harnesses write, in every form that import reads (outputs.py has the files).

load helpers

setup() {
    in_tmpdir
    make_set
}
teardown() { leave_tmpdir; }

@test "outputs: every form with a byte order mark, CRLF, compressed, as an array or on several lines is the same" {
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/outputs.py" files "$RATION"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "outputs: cut and foreign files and fields of other types are refused by file and line, in every form" {
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/outputs.py" damage "$RATION"
    echo "$output"
    [ "$status" -eq 0 ]
}
