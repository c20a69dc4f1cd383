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
    cat >bin/timeout <<'END'
#!/bin/bash
shift 4
"$@" &
pid=$!
while kill -0 $pid 2>/dev/null; do
    n=$(/usr/bin/python3 -c 'import sqlite3; print(sqlite3.connect("file:served.db?mode=ro", uri=True).execute("SELECT count(*) FROM sample").fetchone()[0])' 2>/dev/null) || n=0
    [ "$n" -gt 0 ] && kill -INT $pid && break
    sleep 0.05
done
wait $pid
END
    chmod +x bin/timeout
    export TREE=$root PATH=$PWD/bin:$RATION_BUILD:$PATH
    cd ration-tutorial
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/tutorial.py" "$root/docs/TUTORIAL.md" ${RATION_REWRITE:+--rewrite}
    echo "$output"
    [ "$status" -eq 0 ]
}
