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

commands() { "$RATION" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'; }

@test "the options of --help and of the man page are the same, for every command" {
    cd "$BATS_TEST_DIRNAME/../.."
    bad=
    for c in $(commands); do
        page=docs/man/ration-$c.1
        # `-s, --store FILE` of --help is `.It Fl s , Fl -store Ar FILE` in mdoc: both as lines "-s" and "--store".
        "$RATION" "$c" --help | grep -E '^  (-.,|   ) --' | grep -oE '^ +(-., )? *--[a-z0-9-]+' |
            grep -oE -e '-[^ ,]+' | sort -u >"$BATS_TEST_TMPDIR/help"
        sed -n 's/^\.It Fl/Fl/p' "$page" | grep -oE 'Fl [A-Za-z0-9-]+' | sed 's/^Fl /-/' | sort -u >"$BATS_TEST_TMPDIR/page"
        grep -qx -e --help "$BATS_TEST_TMPDIR/help"
        diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/page" | sed -n "s,^[<>],$c: &,p" >"$BATS_TEST_TMPDIR/differ"
        cat "$BATS_TEST_TMPDIR/differ"
        [ ! -s "$BATS_TEST_TMPDIR/differ" ] || bad="$bad $c"
    done
    [ -z "$bad" ]
}

@test "ration.1 names every command in the order of --help, and each page under SEE ALSO" {
    cd "$BATS_TEST_DIRNAME/../.."
    diff <(commands) <(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh ENV/s/^\.It Cm //p' docs/man/ration.1)
    diff <(commands | sort) <(sed -n '/^\.Sh SEE ALSO/,$s/^\.Xr ration-\([a-z]*\) 1.*/\1/p' docs/man/ration.1)
    diff <(commands | sort) <(find docs/man -name 'ration-*.1' | sed 's,.*ration-,,; s,\.1$,,' | sort)
}

@test "old names of options work and are not shown" {
    while read -r c old new; do
        run "$RATION" "$c" "--$old" 1
        [[ "$output" != *"unknown option"* ]] || { echo "$c --$old: $output"; false; }
        "$RATION" "$c" --help >"$BATS_TEST_TMPDIR/help"
        ! grep -q -e "--$old\b[^-]" "$BATS_TEST_TMPDIR/help" || { echo "$c shows --$old"; false; }
        grep -q -e "--$new\b" "$BATS_TEST_TMPDIR/help"
    done <<'OLD'
bench prompt prompt-tokens
bench gen max-tokens
import run setting
judge memory memory-limit
judge output output-limit
profile prompt prompt-tokens
profile tokens max-tokens
rank by ranker
solve run test-command
OLD
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
