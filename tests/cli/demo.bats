# demo.bats: `ration demo` and what it says about the study.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
}

@test "the demo compares the published curves at equal budgets, from any folder" {
    run "$RATION" demo
    [ "$status" -eq 0 ]
    for set in humaneval mbpp apps-introductory apps-interview apps-competition; do
        [[ "$output" == *"== $set: published curves"* ]]
        [[ "$output" == *"$set: of "*" equal FLOPs budgets"* ]]
        [[ "$output" == *"$set: of "*" equal wall-time budgets"* ]]
    done
}

@test "the demo reproduces the study's statements in kind" {
    run "$RATION" demo
    # The small models are ahead at every equal budget on HumanEval and MBPP, in FLOPs and in time.
    for set in humaneval mbpp; do
        n=$(grep -c "^$set: .*small models are ahead of larger ones at 7 of the 7" <<<"$output")
        [ "$n" -eq 2 ]
    done
    # On APPS 13B leads almost everywhere.
    [ "$(grep -c '^apps.*wall-time.*code-llama-13b leads at 7' <<<"$output")" -eq 3 ]
    [ "$(grep -c '^apps.*FLOPs.*code-llama-13b leads at [57]' <<<"$output")" -eq 3 ]
    [[ "$output" == *"code-llama-7b reaches 60 % in 0.32 of the wall-time of code-llama-70b"* ]]
}

@test "the demo takes no arguments" {
    run "$RATION" demo now
    [ "$status" -eq 2 ]
}

@test "an installed ration finds its data" {
    [ -d "$RATION_BUILD/../tools" ] || [ -d "$BATS_TEST_DIRNAME/../../tools" ]
    root=$BATS_TEST_DIRNAME/../..
    case $RATION_BUILD in "$(cd "$root" && pwd)"/*) ;; *) skip "not a build of this tree" ;; esac
    build=${RATION_BUILD#"$(cd "$root" && pwd)/"}
    [ -e "$RATION_BUILD/libration.so" ] || skip "libration.so is not built"
    DESTDIR=$PWD/dest PREFIX=/usr VERSION=9.8.7 BUILD=$build "$root/tools/install.sh"
    run dest/usr/bin/ration demo
    [ "$status" -eq 0 ]
    [ -f dest/usr/include/ration.h ]
    [ -f dest/usr/lib/libration.a ]
    [ "$(readlink -f dest/usr/lib/libration.so)" = "$PWD/dest/usr/lib/libration.so.9.8.7" ]
    [ "$(PKG_CONFIG_PATH=dest/usr/lib/pkgconfig pkg-config --modversion ration)" = 9.8.7 ]
    [ -f dest/usr/share/man/man1/ration.1 ]
    DESTDIR=$PWD/dest PREFIX=/usr VERSION=9.8.7 BUILD=$build "$root/tools/install.sh" --remove
    [ -z "$(find dest ! -type d)" ]
}
