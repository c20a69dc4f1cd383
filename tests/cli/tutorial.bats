# tutorial.bats: the commands of docs/TUTORIAL.md, and what the page says that they print (tutorial.py).
# RATION_REWRITE=1 writes what they print into the page: look at `git diff` before it is committed.

load helpers

setup() {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    cd "$BATS_TEST_TMPDIR" || exit 1
    unset RATION_DATA
}

teardown() { [ ! -e ration-tutorial/server.pid ] || kill "$(cat ration-tutorial/server.pid)" 2>/dev/null || true; }

@test "the nine jobs of the tutorial print what the page shows" {
    # Ctrl-C comes when something is there to be kept, not after a time that depends on the machine.
    mkdir bin ration-tutorial
    cat >bin/timeout <<END
#!/bin/bash
. "$BATS_TEST_DIRNAME/helpers.bash"
shift 4
"\$@" &
signal_at 1 \$! INT served.db
wait \$!
END
    chmod +x bin/timeout
    export TREE=$root PATH=$PWD/bin:$RATION_BUILD:$PATH
    cd ration-tutorial
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/tutorial.py" "$root/docs/TUTORIAL.md" ${RATION_REWRITE:+--rewrite}
    echo "$output"
    [ "$status" -eq 0 ]
}
