# expect.bats: scripts beside their exact output, tests/cli/expect/NAME.sh and NAME.out. A script runs in a
# folder of its own with standard error joined to its output. RATION_REWRITE=1 writes the expectations
# anew: look at `git diff` before they are committed.

load helpers

@test "each script of expect/ prints exactly what stands beside it" {
    export EXPECT=$BATS_TEST_DIRNAME/expect
    local script name bad=
    for script in "$EXPECT"/*.sh; do
        name=${script%.sh}
        in_tmpdir
        bash "$script" >out.txt 2>&1 || echo "exit status $?" >>out.txt
        if [ -n "${RATION_REWRITE:-}" ]; then
            cp out.txt "$name.out"
        elif ! diff -u "$name.out" out.txt; then
            bad="$bad ${name##*/}"
        fi
        leave_tmpdir
    done
    [ -z "$bad" ] || { echo "differs:$bad; RATION_REWRITE=1 takes the new output"; false; }
}
