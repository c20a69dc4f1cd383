#!/usr/bin/env bats
# batch.bats: stages as tasks of a real Slurm of two one-core nodes on this machine
# (tests/slurm/cluster.sh). Skipped where Slurm cannot be started. What needs none is in tasks.bats.

load helpers

cluster=$BATS_TEST_DIRNAME/../slurm/cluster.sh
root=$BATS_TEST_DIRNAME/../..

setup_file() {
    export SLURM_DIR="$BATS_FILE_TMPDIR/slurm"
    mkdir -p "$SLURM_DIR"
    chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
    if [ -n "${RATION_SANITIZE:-}" ]; then
        why="the sanitizers' run leaves Slurm out"
        status=77
    else
        status=0
        # An array of 5 tasks at most, as a small quota; a partition that preempts.
        why=$(RATION_SLURM_CONF="MaxArraySize=5
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL PriorityTier=10" "$cluster" start "$SLURM_DIR" 2>&1) || status=$?
    fi
    export NO_SLURM=
    [ "$status" -eq 0 ] || NO_SLURM=${why:-Slurm does not start}
    export SLURM_CONF="$SLURM_DIR/slurm.conf"
    [ -n "$NO_SLURM" ] || "$cluster" hurry "$SLURM_DIR" 3>&- 4>&- >/dev/null 2>&1 &
}

teardown_file() { "$cluster" stop "$SLURM_DIR" >/dev/null 2>&1 || true; }

setup() { in_tmpdir; }
teardown() { leave_tmpdir; }

need_slurm() { [ -z "$NO_SLURM" ] || skip "$NO_SLURM"; }

generate="generate -m $root/models/ration-mini-xs.gguf -t mini -n 8 --problems 0-39/4"

@test "batch judge equals a local run, and asks for nothing twice" {
    need_slurm
    make_store whole.db
    cp whole.db local.db
    "$RATION" judge -s local.db >/dev/null
    run "$RATION" batch -s whole.db --tasks 3 -- judge
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(digest whole.db)" = "$(digest local.db)" ]
    run "$RATION" batch -s whole.db --attach
    [ "$status" -eq 0 ]
    [[ "$output" == *"is done"* ]]
    run "$RATION" batch -s whole.db --tasks 3 -- judge
    [ "$status" -eq 0 ]
    [[ "$output" == *"nothing is missing"* ]]
    [ "$(sql whole.db 'select count(*) from verdict')" = 72 ]
}

@test "batch generate: the samples of a local run, bit for bit" {
    need_slurm
    "$RATION" $generate -s local.db >/dev/null 2>&1
    run "$RATION" batch -s whole.db --tasks 4 -- $generate
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

@test "variables of other jobs and of the user's taste, a name with spaces, a job submitted by hand" {
    need_slurm
    "$RATION" $generate -s local.db >/dev/null 2>&1
    mkdir "a 50%n folder"
    cd "a 50%n folder"
    export SBATCH_WAIT=1 SBATCH_NO_REQUEUE=1 SBATCH_JOB_NAME=x SBATCH_ARRAY_INX=7-9 SBATCH_OUTPUT=/nowhere/x \
        SQUEUE_STATES=COMPLETED SQUEUE_PARTITION=urgent SQUEUE_FORMAT=%N \
        SLURM_TMPDIR=/nowhere SLURM_JOB_ID=3 SLURM_ARRAY_TASK_ID=77 SLURM_ARRAY_JOB_ID=76
    "$RATION" batch -s "my whole.db" --tasks 2 --print --sbatch "--job-name='it'\\''s mine'" -- $generate >plan.txt
    grep '^sbatch' plan.txt | sed 's/^/unset SBATCH_WAIT; /' | sh # as a person would
    run "$RATION" batch -s "my whole.db" --attach
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" != *"submitted"* ]] # it found the job that was there
    [ "$(grep -l '"attempt":1' "my whole.db.batch"/0*.json | wc -l)" = 2 ]
    ls "my whole.db.batch"/slurm-*-0.log
    [ "$(digest "my whole.db")" = "$(digest ../local.db)" ]
}

@test "a task that is preempted goes on, one that is cancelled is not submitted again until --attach" {
    need_slurm
    # A server on each node that takes its time, whatever the machine's load: 5 s, until the file says less.
    echo 160 >delay
    "$RATION" batch -s whole.db --tasks 2 --every 1 -- generate -m 'http://127.0.0.1:{port}/v1#test-model' \
        --serve "/usr/bin/python3 $root/tests/server/openai_server.py --port {port} --port-file port.\$SLURM_JOB_ID --delay \$(cat delay)" \
        --in-flight 4 -t mini -n 2 --problems 0-159 2>err.txt 3>&- &
    pid=$!
    await '[ "$(ls whole.db.batch/*.out.db 2>/dev/null | wc -l)" = 2 ] || ! kill -0 $pid'
    job=$(cut -d' ' -f1 whole.db.batch/jobs)
    scancel "${job}_1"
    srun -p urgent -w "$(sed -n 's/.*"host":"\([^"]*\)".*/\1/p' whole.db.batch/0000.json)" true 2>/dev/null
    echo 5 >delay
    status=0
    wait $pid || status=$?
    [ "$status" -eq 1 ] || { cat err.txt; false; }
    grep -q "task 1 was cancelled (scancel): it is not submitted again" err.txt
    grep -q '"state":"done","attempt":2' whole.db.batch/0000.json
    grep -q '"state":"stopped","attempt":1' whole.db.batch/0001.json
    [ "$(sql whole.db 'select count(*) from sample')" -lt 320 ]
    run "$RATION" batch -s whole.db --attach
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(sql whole.db 'select count(*) from sample')" = 320 ]
    ! pgrep -f "port-file port\.[0-9]* --delay" # servers end with their tasks, however these end
}

@test "a quota that refuses part of the array, and then all of it" {
    need_slurm
    [ -e "$SLURM_DIR/job_submit.lua" ] || skip "Slurm's plugin for job_submit.lua is not here"
    await '[ -z "$(squeue -h)" ]'
    echo 2 >"$SLURM_DIR/quota"
    run "$RATION" batch -s whole.db --tasks 4 -- $generate
    echo 0 >"$SLURM_DIR/quota"
    [ "$status" -eq 0 ] || { rm "$SLURM_DIR/quota"; echo "$output"; false; }
    [[ "$output" == *"2 tasks submitted; Slurm accepts the rest later"* ]]
    [ "$(sql whole.db 'select count(*) from sample')" = 80 ]
    run "$RATION" batch -s other.db --tasks 4 -- $generate
    rm "$SLURM_DIR/quota"
    [ "$status" -eq 3 ]
    [[ "$output" == *"sbatch refuses"*"violates accounting/QOS policy"*"--attach"* ]] || { echo "$output"; false; }
    run "$RATION" batch -s other.db --attach
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(sql other.db 'select count(*) from sample')" = 80 ]
}

@test "batch rank: the scores of a local run" {
    need_slurm
    make_store whole.db
    cp whole.db local.db
    "$RATION" rank -s local.db -m "$root/models/ration-mini-xs.gguf" >/dev/null 2>&1
    run "$RATION" batch -s whole.db --tasks 2 -- rank -m "$root/models/ration-mini-xs.gguf"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

# What the attempts that were killed had in their scratch folders (a killed task leaves its own) and had not
# sent home by then: done twice. Prints the rows that were home, those done twice, and the seconds that these took.
done_twice() { # done_twice SCRATCH HOME
    /usr/bin/python3 - "$1" "$2" <<'END'
import glob, sqlite3, sys
def rows(pattern):
    found = {}
    for path in glob.glob(pattern):
        q = "SELECT p.task_id, s.idx, s.wall_ns FROM sample s JOIN problem p ON p.id = s.problem_id"
        found.update({r[:2]: r[2] for r in sqlite3.connect(path).execute(q)})
    return found
home, dead = rows(sys.argv[2] + "/*.out.db"), rows(sys.argv[1] + "/ration-task-*/part.db")
twice = [ns for key, ns in dead.items() if key not in home]
print(len(home), len(twice), "%.2f" % (sum(twice) / 1e9))
END
}

@test "a node dies midway, the submitter is killed, the controller starts again: the same store" {
    need_slurm
    slow="generate -m $root/models/ration-mini-l.gguf -t mini -n ${RATION_KILL_SAMPLES:-200} --problems 0-39/4"
    "$RATION" $slow -j 2 -s local.db >/dev/null 2>&1
    all=$(sql local.db 'select count(*) from sample')
    for seed in ${RATION_KILL_SEEDS:-1}; do
        await '[ "$(sinfo -h -N -t idle -o %N | sort -u | wc -l)" = 2 ]' || { sinfo -N; squeue; false; }
        rm -rf whole.db* scratch home
        mkdir scratch home
        export TMPDIR=$PWD/scratch
        node=$((seed % 2 + 1))
        "$RATION" batch -s whole.db --tasks 2 --every 1 -- $slow -j 1 2>err.txt 3>&- &
        pid=$!
        # The task on that node has sent its first part home, and is killed at some time after.
        await 'task=$(grep -l "\"host\":\"n$node\"" whole.db.batch/0*.json 2>/dev/null | head -1)
               [ -n "$task" ] && [ -e "${task%.json}.out.db" ]'
        sleep 0.$((seed * 7 % 20 + 10))
        "$cluster" kill-node "$SLURM_DIR" $node
        cp whole.db.batch/*.out.db home
        sleep 0.$((seed * 53 % 10))
        kill -9 $pid 2>/dev/null || true # it may be done already
        wait $pid || true
        "$cluster" stop-ctld "$SLURM_DIR"
        "$cluster" start-node "$SLURM_DIR" $node
        "$cluster" start-ctld "$SLURM_DIR"
        run timeout 120 "$RATION" batch -s whole.db --attach
        unset TMPDIR
        [ "$status" -eq 0 ] || { echo "seed $seed: $output"; cat err.txt; false; }
        [ "$(digest whole.db)" = "$(digest local.db)" ]
        read -r n_home n_twice seconds <<<"$(done_twice scratch home)"
        # A task that ended before the kill has removed its scratch folder: nothing to measure then.
        midway=no
        ! ls scratch/ration-task-*/part.db >/dev/null 2>&1 || midway=yes
        [ -z "${RATION_KILL_SEEDS:-}" ] ||
            echo "# | $seed | n$node | $n_home of $all | $n_twice | $seconds | $midway | equal |" >&3
        awk "BEGIN {exit !($seconds < 60)}"
    done
}

@test "Ctrl-C detaches, a second submitter is refused, --attach ends it" {
    need_slurm
    "$RATION" $generate -s local.db >/dev/null 2>&1
    "$RATION" batch -s whole.db --tasks 4 -- $generate 2>err.txt 3>&- &
    pid=$!
    await 'grep -q "tasks submitted" err.txt'
    run "$RATION" batch -s whole.db --tasks 2 -- $generate
    [ "$status" -eq 3 ]
    [[ "$output" == *"is writing to it"* ]]
    kill -INT $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 1 ]
    grep -q -- "--attach" err.txt
    run "$RATION" batch -s whole.db --tasks 2 -- $generate
    if [ "$status" -ne 0 ]; then [[ "$output" == *"still at work"* ]]; fi
    run "$RATION" batch -s whole.db --attach
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

@test "a normal user submits" {
    need_slurm
    id nobody >/dev/null || skip "no user nobody"
    chmod -R a+rwX .
    chmod a+rx "$BATS_FILE_TMPDIR" "$PWD"
    runuser -u nobody -- test -x "$RATION" || skip "nobody cannot read the build"
    run runuser -u nobody -- env HOME="$PWD" "$RATION" batch -s user.db --tasks 2 -- \
        generate -m "$root/models/ration-mini-xs.gguf" -t mini -n 2 --problems 0-3
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(sql user.db 'select count(*) from sample')" = 8 ]
}

@test "a task that always fails, a partition that is not there, a part that is cut in half" {
    need_slurm
    make_store whole.db
    run "$RATION" batch -s whole.db --tasks 2 --sbatch --partition=nowhere -- judge
    [ "$status" -eq 3 ]
    [[ "$output" == *"sbatch refuses"*partition* ]]
    run "$RATION" batch -s whole.db --tasks 2 --no-wait -- judge
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    # What arrives is not a part: it is made again.
    await '[ "$(grep -l "\"state\":\"done\"" whole.db.batch/0*.json 2>/dev/null | wc -l)" = 2 ]'
    f=$(ls whole.db.batch/*.out.db | head -1)
    truncate -s 20000 "$f"
    run "$RATION" batch -s whole.db --attach
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"cannot be merged"* ]]
    [ "$(sql whole.db 'select count(*) from verdict')" = 72 ]
    # Its stage has no model any more when the task runs.
    cp "$root/models/ration-mini-xs.gguf" gone.gguf
    "$RATION" batch -s other.db --tasks 1 --print -- \
        generate -m gone.gguf -t mini -n 1 --problems 0-3 >plan.txt
    grep -q "^sbatch --parsable --array=0 " plan.txt
    rm gone.gguf
    run "$RATION" batch -s other.db --tries 1 --attach
    [ "$status" -eq 1 ]
    [[ "$output" == *"gone.gguf"*"given up"* ]]
}

@test "more tasks than an array may have become several arrays" {
    need_slurm
    "$RATION" $generate -s local.db >/dev/null 2>&1
    run timeout 120 "$RATION" batch -s whole.db --tasks 7 -- $generate # MaxArraySize is 5
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"3 tasks submitted; Slurm accepts the rest later"*"4 tasks submitted"* ]]
    [ "$(cut -d' ' -f2 whole.db.batch/jobs | tr '\n' ' ')" = "0 3 " ]
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

@test "tasks that Slurm holds are named, with what lets them go on" {
    need_slurm
    "$RATION" batch -s whole.db --tasks 1 --sbatch --hold -- $generate 2>err.txt 3>&- &
    pid=$!
    await 'grep -q "held by Slurm" err.txt'
    release=$(sed -n "s/.*'\(scontrol release [0-9_]*\)'.*/\1/p" err.txt)
    $release
    wait $pid
    [ "$(sql whole.db 'select count(*) from sample')" = 80 ]
}

@test "a plain Slurm array, as the guide has it" {
    need_slurm
    make_store study.db
    cp study.db local.db
    "$RATION" judge -s local.db >/dev/null
    mkdir parts scratch
    guide_block '^sbatch --array' 's/sbatch /sbatch --output=log-%a /; s/0-63/0-2/' >form.sh
    export PATH=${RATION%/*}:$PATH
    TMPDIR=$PWD/scratch sh -ec "$(grep -v '^ration merge' form.sh)"
    await '[ -z "$(squeue -h)" ]'
    sh -ec "$(grep '^ration merge' form.sh)" || { cat log-*; false; }
    [ "$(digest study.db)" = "$(digest local.db)" ]
}
