#!/usr/bin/env bats
# tasks.bats: work in shares without Slurm: shards by hand and under other schedulers as docs/CLUSTER.md has
# them, tasks of `batch` run by hand, folders that are full or read-only, clocks that differ.

load helpers

root=$BATS_TEST_DIRNAME/../..
generate="generate -m $root/models/ration-mini-xs.gguf -t mini -n 8 --problems 0-39/4"

setup() { in_tmpdir; }
teardown() {
    umount "$TEST_DIR/shared" 2>/dev/null || true
    leave_tmpdir
}

@test "without Slurm batch says what to do instead" {
    make_store whole.db
    mkdir bin
    for tool in sh; do ln -s "$(command -v $tool)" bin/; done
    PATH=$PWD/bin run "$RATION" batch -s whole.db --tasks 2 -- judge
    [ "$status" -eq 3 ]
    [[ "$output" == *"no Slurm on this machine"*"--shard"* ]]
}

@test "wrong words: no stage, options that batch sets itself, a shard that is none" {
    run "$RATION" batch -s x.db -- report
    [ "$status" -eq 2 ]
    [[ "$output" == *"generate, judge or rank"* ]]
    run "$RATION" batch -s x.db -- judge --shard 0/2
    [ "$status" -eq 2 ]
    [[ "$output" == *"--shard"* ]]
    for bad in "--tasks 0" "--nodes 0" "--tasks -1" "--every 0" "--tries 0"; do
        run "$RATION" batch -s x.db $bad -- judge
        [ "$status" -eq 2 ]
        [[ "$output" == *"are 1 to 10000"* ]] || { echo "$bad: $output"; false; }
    done
    for bad in 2/2 -1/2 a/b 1 1/0; do
        run "$RATION" judge -s x.db --shard "$bad"
        [ "$status" -ge 2 ]
        [[ "$output" == *"--shard"* ]] || { echo "$bad: $output"; false; }
    done
}

@test "shards by hand: together they are the whole, for each stage" {
    "$RATION" $generate -s local.db >/dev/null 2>&1
    for i in 0 1 2; do "$RATION" $generate -s part$i.db --shard $i/3 >/dev/null 2>&1; done
    "$RATION" merge -s whole.db part0.db part1.db part2.db >/dev/null
    [ "$(digest whole.db)" = "$(digest local.db)" ]
    [ "$(sql part1.db 'select count(*) from sample')" -lt 40 ]

    "$RATION" judge -s local.db >/dev/null
    for i in 0 1 2; do cp whole.db part$i.db; "$RATION" judge -s part$i.db --shard $i/3 >/dev/null; done
    "$RATION" merge -s whole.db part0.db part1.db part2.db >/dev/null
    [ "$(digest whole.db)" = "$(digest local.db)" ]

    "$RATION" rank -s local.db -m "$root/models/ration-mini-s.gguf" >/dev/null 2>&1
    export JOB_COMPLETION_INDEX
    for JOB_COMPLETION_INDEX in 0 1; do
        cp whole.db part$JOB_COMPLETION_INDEX.db
        "$RATION" rank -s part$JOB_COMPLETION_INDEX.db -m "$root/models/ration-mini-s.gguf" \
            --shard auto/2 >/dev/null 2>&1
    done
    "$RATION" merge -s whole.db part0.db part1.db >/dev/null
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

@test "the study: every step with samples, hours and money before anything is submitted" {
    cat >prices <<'END'
[model ration-mini-xs]
layers = 2
d_model = 64
d_ffn = 128
heads = 2
vocab = 512
usd_per_hour = 2
[profile box]
hardware = a box
ration-mini-xs = 0.36
END
    run "$RATION" batch -s study.db --preset paper -m "$root/models/ration-mini-xs.gguf" \
        --profile box --cost-file prices --print
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    # 164 problems x 2000 samples x 0.36 s = 32.8 hours, at 2 dollars each.
    [[ "$output" == *"generate "*"humaneval"*"328000"*"32.8"*"65.6"* ]]
    [[ "$output" == *"generate, greedy"*"apps-interview"*"3000"* ]]
    [[ "$output" == *"-- generate -m"*"--preset paper-mbpp -n 2000"* ]]
    [[ "$output" == *"-- judge -t humaneval"* ]]
    [ ! -e study.db ]
    # The size of a model that is in no table is in its file; how long it takes is not known then.
    cp "$root/models/ration-mini-xs.gguf" mine.gguf
    run "$RATION" batch -s study.db --preset paper -m mine.gguf --nodes 4 --sbatch "--gres=gpu:1 --exclusive" --print
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"ration profile -m mine.gguf"* ]]
    [[ "$output" == *"study.db --nodes 4 --sbatch '--gres=gpu:1 --exclusive' -- generate -m mine.gguf"* ]]
    run "$RATION" batch -s study.db --preset paper -m unknown.gguf --print
    [ "$status" -eq 3 ]
    [[ "$output" == *"ration profile -m unknown.gguf"* ]]
}

@test "--serve: a server for one command, its log, its end" {
    port_file=$PWD/port
    serve="/usr/bin/python3 $BATS_TEST_DIRNAME/../server/openai_server.py --port {port} --port-file $port_file"
    run "$RATION" generate -m 'http://127.0.0.1:{port}/v1#test-model' --serve "$serve" --serve-log s.log -t mini \
        -n 2 --problems 0-1 -s x.db
    [ "$status" -eq 0 ] || { echo "$output"; cat s.log; false; }
    [ "$(sql x.db 'select count(*) from sample')" = 4 ]
    ! pgrep -f "port-file $port_file" >/dev/null
    # It dies twice in the middle of its work, each time at the 15th request of at least 40; what it had started ends with it, and
    # the log has all three lives.
    cat >serve.sh <<END
echo x >>lives
n=\$(wc -l <lives)
sleep 1000 & echo \$! >child
$serve --delay 20 --log asked\$n & server=\$!
[ "\$n" -gt 2 ] || {
    until [ -e asked\$n ] && [ "\$(wc -l <asked\$n)" -ge 15 ]; do sleep 0.02; done
    kill -9 \$server; echo "life \$n is over"; exit 9
}
wait
END
    sed -i 's#{port}#$1#' serve.sh
    run "$RATION" generate -m 'http://127.0.0.1:{port}/v1#test-model' --serve 'sh serve.sh {port}' --serve-log d.log \
        --serve-restarts 2 --in-flight 1 -t mini -n 2 --problems 0-39 -s dies.db
    [ "$status" -eq 0 ] || { echo "$output"; cat d.log; false; }
    [ "$(sql dies.db 'select count(*) from sample')" = 80 ]
    [ "$(wc -l <lives)" = 3 ]
    grep -q "life 1 is over" d.log && grep -q "life 2 is over" d.log
    await '! kill -0 $(cat child) 2>/dev/null'
    ! pgrep -f "port-file $port_file" >/dev/null
    # A task keeps the log beside its own.
    "$RATION" batch -s task.db --tasks 1 --print -- generate -m 'http://127.0.0.1:{port}/v1#test-model' \
        --serve "$serve" -t mini -n 2 --problems 0-1 >plan.txt
    "$RATION" batch --dir task.db.batch --task 0 2>/dev/null
    [ -e task.db.batch/0000.serve.log ]
    "$RATION" batch -s task.db --attach 2>/dev/null
    [ "$(sql task.db 'select count(*) from sample')" = 4 ]
    run "$RATION" generate -m 'http://127.0.0.1:{port}/v1#test-model' --serve 'echo no weights; exit 4' \
        --serve-log s.log --serve-restarts 1 -t mini -n 2 --problems 0-1 -s x.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"status 4"*"no weights"* ]]
    run "$RATION" generate -m 'http://127.0.0.1:{port}/v1#test-model' -t mini -s x.db
    [ "$status" -eq 2 ]
    [[ "$output" == *"--serve"* ]]
}

# guide_generate PATTERN: an example of the guide that shares `generate`, as 4 shards of 2 samples each.
guide_generate() {
    cp "$root/models/ration-mini-xs.gguf" small.gguf
    guide_block "$1" 's/humaneval/mini --problems 0-39\/4/; s/-n 200/-n 2/; s/16/4/g; s/ 15/ 3/'
}

same_as_local() { # same_as_local STORE: as one process makes it
    "$RATION" generate -m small.gguf -t mini --problems 0-39/4 -n 2 -s local.db >/dev/null 2>&1
    [ "$(digest "$1")" = "$(digest local.db)" ]
}

@test "GNU parallel, as the guide has it" {
    command -v parallel >/dev/null || skip "GNU parallel is not installed"
    guide_generate '^parallel' >form.sh
    PATH=${RATION%/*}:$PATH run sh -e form.sh
    [ "$status" -eq 0 ] || { cat form.sh; echo "$output"; false; }
    same_as_local study.db
}

@test "xargs, as the guide has it" {
    guide_generate 'xargs' >form.sh
    PATH=${RATION%/*}:$PATH run sh -e form.sh
    [ "$status" -eq 0 ] || { cat form.sh; echo "$output"; false; }
    same_as_local study.db
}

@test "the command of the Kubernetes manifest, and PBS and LSF by their variables" {
    make_store study.db
    cp study.db local.db
    "$RATION" judge -s local.db >/dev/null
    export PATH=${RATION%/*}:$PATH
    # Kubernetes itself replaces $(JOB_COMPLETION_INDEX); each pod has a scratch folder of its own.
    guide_block '^kind: Job' '' | sed -n '/args:/,/volumeMounts:/p' | sed '1d; $d; s/^ *- //' >pod.sh
    grep -q 'ration judge' pod.sh
    mkdir -p study/parts
    cp study.db study/
    export JOB_COMPLETION_INDEX
    for JOB_COMPLETION_INDEX in 0 1 2; do
        mkdir scratch
        sed "s#/study/#$PWD/study/#g; s#/scratch/#$PWD/scratch/#g; s#auto/64#auto/4#
            s#\$(JOB_COMPLETION_INDEX)#$JOB_COMPLETION_INDEX#" pod.sh >this.sh
        run sh -e this.sh
        [ "$status" -eq 0 ] || { cat this.sh; echo "$output"; false; }
        rm -r scratch
    done
    unset JOB_COMPLETION_INDEX
    "$RATION" merge -s study.db study/parts/*.db >/dev/null
    [ "$(digest study.db)" = "$(digest local.db)" ]

    cmd=$(guide_block '^ration judge -s .TMPDIR/part.db --shard auto/64' 's#auto/64#auto/2#')
    for i in 0 1; do
        "$RATION" export -s study.db --format digest >/dev/null
        make_store part.db
        TMPDIR=$PWD PBS_ARRAY_INDEX=$i sh -ec "$cmd" >/dev/null
        mv part.db pbs$i.db
        make_store part.db
        TMPDIR=$PWD LSB_JOBINDEX=$((i + 1)) sh -ec "$cmd" >/dev/null
        mv part.db lsf$i.db
    done
    for kind in pbs lsf; do
        "$RATION" merge -s $kind.db ${kind}0.db ${kind}1.db >/dev/null
        [ "$(digest $kind.db)" = "$(digest local.db)" ]
    done
}

# Tasks of batch by hand, in any order: Slurm only starts them.
@test "tasks by hand, with clocks that are years off, are the whole" {
    make_store whole.db
    cp whole.db local.db
    "$RATION" judge -s local.db >/dev/null
    "$RATION" batch -s whole.db --tasks 3 --print -- judge >plan.txt
    touch -d 2049-01-01 whole.db.batch/* whole.db
    for i in 2 0 1; do
        "$RATION" batch --dir whole.db.batch --task $i 2>&1
        touch -d 1999-01-0$((i + 1)) whole.db.batch/000$i.*
    done
    run "$RATION" batch --dir whole.db.batch --task 1 # requeued after its end: nothing is left to do
    [ "$status" -eq 0 ]
    [ "$(grep -c attempt.:1, whole.db.batch/0001.json)" = 1 ]
    # Two nodes that confine less are both named.
    for i in 1 2; do
        sed -i "s/\"host\":\"[^\"]*\"/\"host\":\"weak$i\"/; s/\"sandbox\":\"[^\"]*\"/\"sandbox\":\"rlimit\"/" \
            whole.db.batch/000$i.json
    done
    run "$RATION" batch -s whole.db --attach
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ "$output" == *"sandboxes differ"*"weak1 has rlimit"*"weak2 has rlimit"* ]]
    [ "$(digest whole.db)" = "$(digest local.db)" ]
    [ "$(sql whole.db 'select count(*) from verdict')" = 72 ]
}

@test "a part that is older than its report, as a network file system may show it, is waited for" {
    make_store whole.db
    cp whole.db local.db
    "$RATION" judge -s local.db >/dev/null
    "$RATION" batch -s whole.db --tasks 1 --print -- judge >plan.txt
    "$RATION" batch --dir whole.db.batch --task 0 2>/dev/null
    mv whole.db.batch/0000.out.db new.db
    cp whole.db.batch/0000.in.db whole.db.batch/0000.out.db
    "$RATION" batch -s whole.db --attach 2>err.txt 3>&- &
    pid=$!
    await_handler $pid 2
    sleep 1
    kill -0 $pid
    mv new.db whole.db.batch/0000.out.db
    wait $pid
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

@test "an attempt whose node was taken for lost ends when it sees its successor" {
    "$RATION" batch -s whole.db --tasks 1 --every 1 --print -- \
        generate -m "$root/models/ration-mini-l.gguf" -t mini -n 600 --problems 0-39/4 --threads 1 >plan.txt
    "$RATION" batch --dir whole.db.batch --task 0 2>err.txt 3>&- &
    pid=$!
    await '[ -e whole.db.batch/0000.out.db ] || ! kill -0 $pid 2>/dev/null'
    cp whole.db.batch/0000.json next.json
    sed -i 's/"attempt":1/"attempt":2/; s/"host":"[^"]*"/"host":"n77"/' next.json
    # Its successor says so time and again: the task may be about to write its own report.
    while kill -0 $pid 2>/dev/null; do
        cp next.json said.json
        mv said.json whole.db.batch/0000.json
        sleep 0.1
    done
    status=0
    wait $pid || status=$?
    [ "$status" -eq 1 ]
    grep -q "started again on n77" err.txt || { cat err.txt; false; }
    grep -q '"attempt":2' whole.db.batch/0000.json
}

@test "results in the folder are never thrown away: another store, a store that is gone" {
    make_store whole.db
    cp whole.db other.db
    "$RATION" batch -s whole.db --tasks 1 --print -- judge >plan.txt
    "$RATION" batch --dir whole.db.batch --task 0 2>/dev/null
    run "$RATION" batch -s other.db --dir whole.db.batch --print -- judge
    [ "$status" -eq 3 ]
    [[ "$output" == *"job of another store"*"--dir"* ]] || { echo "$output"; false; }
    mv whole.db away.db
    run "$RATION" batch -s whole.db --print -- generate -m "$root/models/ration-mini-xs.gguf" -t mini -n 1
    [ "$status" -eq 3 ]
    [[ "$output" == *"results of a job of"*"not there any more"* ]] || { echo "$output"; false; }
    make_store_anew whole.db # of the same name, and another
    run "$RATION" batch -s whole.db --print -- judge
    [ "$status" -eq 3 ]
    [[ "$output" == *"part of another store"*"does not take"* ]] || { echo "$output"; false; }
    [ -e whole.db.batch/0000.out.db ]
    mv away.db whole.db
    "$RATION" batch -s whole.db --print -- judge >plan.txt 2>err.txt
    grep -q "nothing is missing" err.txt
    [ "$(sql whole.db 'select count(*) from verdict')" = 72 ]
}

@test "scores that no attempt can bring are said, with exit status 1" {
    make_set
    /usr/bin/python3 -c 'import json; print(json.dumps({"task_id": "Tiny/0", "completion": "    x = 1\n" * 3000}))' >long.jsonl
    "$RATION" import -s whole.db -t tiny.jsonl --model m long.jsonl >/dev/null
    "$RATION" batch -s whole.db --tasks 1 --print -- rank -m "$root/models/ration-mini-xs.gguf" >plan.txt
    "$RATION" batch --dir whole.db.batch --task 0 2>/dev/null
    run "$RATION" batch -s whole.db --attach
    [ "$status" -eq 1 ]
    [[ "$output" == *"too long for the context"*"1 of 1 say that something is missing"* ]] || { echo "$output"; false; }
}

@test "unusual names: spaces, quotes, percent signs, relative paths, a task from another folder" {
    mkdir -p "it's a 50%done folder/sub" scratch
    cd "it's a 50%done folder"
    cp "$root/models/ration-mini-xs.gguf" "my model.gguf"
    "$RATION" generate -m "my model.gguf" -t mini -n 2 --problems 0-3 -s local.db >/dev/null 2>&1
    "$RATION" batch -s "sub/my store.db" --dir 'job $1' --tasks 1 \
        --sbatch "--comment='a b' --partition main" --print -- \
        generate -m "my model.gguf" -t mini -n 2 --problems 0-3 >plan.txt
    grep -qF "50%%done" plan.txt # in sbatch's pattern a percent sign is written twice
    grep -qF -- "'--comment=a b' --partition main" plan.txt
    # The script as Slurm runs it: elsewhere, with a scratch folder that this node has not.
    script=$PWD/'job $1'/script.sh
    (cd / && SLURM_TMPDIR=/nowhere TMPDIR=$TEST_DIR/scratch SLURM_ARRAY_TASK_ID=0 "$script")
    [ -z "$(ls "$TEST_DIR/scratch")" ]
    sh -ec "$(grep '^ration batch' plan.txt | sed "s#^ration#'$RATION'#")"
    [ "$(digest "sub/my store.db")" = "$(digest local.db)" ]
    cd "$TEST_DIR"
}

@test "all tasks compute with the kernels of the machine that made the job, as numbers depend on them" {
    RATION_CPU=scalar "$RATION" $generate -s local.db >/dev/null 2>&1
    RATION_CPU=scalar "$RATION" batch -s whole.db --tasks 2 --print -- $generate >plan.txt
    for i in 0 1; do "$RATION" batch --dir whole.db.batch --task $i 2>/dev/null; done
    "$RATION" batch -s whole.db --attach 2>/dev/null
    [ "$(digest whole.db)" = "$(digest local.db)" ]
    [ "$(sql whole.db 'select count(*) from run')" = 1 ]
}

@test "options of --sbatch that batch decides, words that are none, and options that --attach does not take" {
    for bad in "--array=1-3" "-a 1-3" "-a1" "--wait" "-W" "--wrap=ls" "--clusters=b" "cpu" "--time=1 cpu" "-n2 x"; do
        run "$RATION" batch -s x.db --sbatch "$bad" -- judge
        [ "$status" -eq 2 ]
        [[ "$output" == *"--sbatch '$bad'"* ]] || { echo "$bad: $output"; false; }
    done
    for bad in "--a 'b" '$NOT_SET_HERE' 'a;b'; do
        run "$RATION" batch -s x.db --sbatch "$bad" -- judge
        [ "$status" -eq 2 ]
        [[ "$output" == *"quotes"* || "$output" == *"not set"* ]] || { echo "$bad: $output"; false; }
    done
    for bad in --tasks=2 --nodes=2 --every=3 --no-wait --print; do
        run "$RATION" batch -s x.db --attach $bad
        [ "$status" -eq 2 ]
        [[ "$output" == *"--attach takes the job as it was made"* ]]
    done
    [ ! -e x.db.batch ]
}

@test "SIGTERM, as before a time limit or for preemption: results travel home, and the task goes on" {
    n=${RATION_SANITIZE:+10} # instrumented, it is slow enough with few
    slow="generate -m $root/models/ration-mini-l.gguf -t mini -n ${n:-400} --problems 0-39/4 --threads 1"
    "$RATION" $slow -s local.db >/dev/null 2>&1
    "$RATION" batch -s whole.db --tasks 1 --every 1 --print -- $slow >plan.txt
    "$RATION" batch --dir whole.db.batch --task 0 2>err.txt 3>&- &
    pid=$!
    await '[ -e whole.db.batch/0000.out.db ] || ! kill -0 $pid 2>/dev/null'
    # To its stage too, and first: Slurm's signal reaches every process of a task that it preempts.
    kill -TERM $(pgrep -P $pid) $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 1 ] || { cat err.txt; false; }
    grep -q '"state":"stopped"' whole.db.batch/0000.json
    n=$(sql whole.db.batch/0000.out.db 'select count(*) from sample')
    [ "$n" -lt "$(sql local.db 'select count(*) from sample')" ]
    "$RATION" batch --dir whole.db.batch --task 0 2>/dev/null
    "$RATION" batch -s whole.db --attach 2>/dev/null
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

# A file system of a few MB at ./shared; needs root.
mount_shared() {
    mkdir shared
    [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=2m tmpfs shared 2>/dev/null || skip "a file system cannot be mounted"
}

@test "a shared folder that is full: the task works on, and nothing is lost" {
    mount_shared
    n=${RATION_SANITIZE:+3}
    slow="generate -m $root/models/ration-mini-l.gguf -t mini -n ${n:-10} --problems 0-39/4"
    "$RATION" $slow -s local.db >/dev/null 2>&1
    "$RATION" batch -s whole.db --dir shared/job --tasks 1 --every 1 --print -- $slow >plan.txt
    mkdir scratch
    TMPDIR=$PWD/scratch "$RATION" batch --dir shared/job --task 0 2>err.txt 3>&- &
    pid=$!
    await '[ -e shared/job/0000.json ]'
    dd if=/dev/zero of=shared/filler bs=64k 2>/dev/null || true
    status=0
    wait $pid || status=$?
    [ "$status" -eq 3 ]
    grep -q "results stay in .*'ration merge -s STORE' takes them.*cannot be written" err.txt || { cat err.txt; false; }
    part=$(sed -n 's/.*stay in \([^ ]*\) .*/\1/p' err.txt)
    cp whole.db by-hand.db
    "$RATION" merge -s by-hand.db "$part" >/dev/null
    [ "$(digest by-hand.db)" = "$(digest local.db)" ]
    # With room again a second run completes.
    rm shared/filler
    "$RATION" batch --dir shared/job --task 0 2>/dev/null
    "$RATION" batch -s whole.db --dir shared/job --attach 2>/dev/null
    [ "$(digest whole.db)" = "$(digest local.db)" ]
}

@test "a shared folder that is read-only is named, for the submitter and for a task" {
    mount_shared
    "$RATION" batch -s whole.db --dir shared/job --tasks 1 --print -- $generate >plan.txt
    mount -o remount,ro shared
    run "$RATION" batch --dir shared/job --task 0
    [ "$status" -eq 3 ]
    [[ "$output" == *"shared/job/"*"ead-only file system"* ]] || { echo "$output"; false; }
    run "$RATION" batch -s other.db --dir shared/new --tasks 1 --print -- $generate
    [ "$status" -eq 3 ]
    [[ "$output" == *"shared/new"*"ead-only file system"* ]] || { echo "$output"; false; }
    mount -o remount,rw shared
    "$RATION" batch --dir shared/job --task 0 2>/dev/null
    "$RATION" batch -s whole.db --dir shared/job --attach 2>/dev/null
    [ "$(sql whole.db 'select count(*) from sample')" = 80 ]
}
