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
    # It waits while the store is looked at, or on a busy machine it would be done before.
    cat >bin/timeout <<'END'
#!/usr/bin/python3
import os, signal, sqlite3, subprocess, sys, time
run = subprocess.Popen(sys.argv[5:])
while run.poll() is None:
    time.sleep(0.02)
    os.kill(run.pid, signal.SIGSTOP)
    try:
        there = sqlite3.connect("file:served.db?mode=ro", uri=True).execute("SELECT count(*) FROM sample").fetchone()[0]
    except sqlite3.Error:
        there = 0
    if there:
        run.send_signal(signal.SIGINT)
    os.kill(run.pid, signal.SIGCONT)
    if there:
        break
sys.exit(run.wait())
END
    chmod +x bin/timeout
    export TREE=$root PATH=$PWD/bin:$RATION_BUILD:$PATH
    cd ration-tutorial
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/tutorial.py" "$root/docs/TUTORIAL.md" ${RATION_REWRITE:+--rewrite}
    echo "$output"
    [ "$status" -eq 0 ]
}
