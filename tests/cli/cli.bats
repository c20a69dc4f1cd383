# cli.bats: the command line as a whole.

@test "--version and --help go to standard output and succeed" {
    run "$RATION" --version
    [ "$status" -eq 0 ]
    [[ "$output" == "ration "[0-9]* ]]
    run "$RATION" --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"commands:"*"report"* ]]
}

@test "no command and an unknown one are usage errors" {
    run "$RATION"
    [ "$status" -eq 2 ]
    run "$RATION" frobnicate
    [ "$status" -eq 2 ]
    [[ "$output" == *"unknown command 'frobnicate'"* ]]
}

@test "every command has --help, and its man page has every option" {
    cd "$BATS_TEST_DIRNAME/../.."
    bad=
    for c in $("$RATION" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
        "$RATION" "$c" --help >"$BATS_TEST_TMPDIR/help" || bad="$bad $c: --help fails;"
        page=docs/man/ration-$c.1
        [ -f "$page" ] || continue
        # In mdoc `-s, --store` is `Fl s` or `Fl -store`.
        sed -n 's/^  \(-\(.\), \|    \)--\([a-z0-9-]*\).*/\2 \3/p' "$BATS_TEST_TMPDIR/help" |
            sed 's/^ /. /' >"$BATS_TEST_TMPDIR/options"
        [ -s "$BATS_TEST_TMPDIR/options" ]
        while read -r short long; do
            [ "$long" = help ] || grep -q -e "Fl -$long\b" "$page" ||
                { [ "$short" != . ] && grep -q -e "Fl $short\b" "$page"; } ||
                bad="$bad $page lacks --$long;"
        done <"$BATS_TEST_TMPDIR/options"
    done
    echo "$bad"
    [ -z "$bad" ]
}

@test "a full disk is not success" {
    [ -c /dev/full ] || skip "no /dev/full"
    run sh -c '"$RATION" demo --published >/dev/full'
    [ "$status" -eq 3 ]
    [[ "$output" == *"cannot write"* ]]
}

@test "an unknown option and a missing value are usage errors" {
    run "$RATION" report --frobnicate
    [ "$status" -eq 2 ]
    [[ "$output" == *"--frobnicate"* ]]
    run "$RATION" report --profile
    [ "$status" -eq 2 ]
}
