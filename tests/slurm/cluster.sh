#!/bin/sh
# A real Slurm of two one-core nodes on this machine, for tests and benches.
#   cluster.sh start DIR     exit 0: up, with SLURM_CONF=DIR/slurm.conf; 77: it cannot run here (says why);
#                            RATION_SLURM_CONF: lines more for that file; a job that is submitted while
#                            DIR/quota holds a number may not bring the tasks at a time above it
#   cluster.sh stop DIR      ends every daemon and every step of it
#   cluster.sh kill-node DIR N       node N's daemon and its steps die at once
#   cluster.sh start-node DIR N
#   cluster.sh stop-ctld DIR, start-ctld DIR     the controller, killed and started again
#   cluster.sh hurry DIR    until DIR/stop is there: what was requeued starts now, not in two minutes, and what
#                           a lost controller left drained or held goes on, as an administrator would see to
# Needs root (slurmd starts steps as their user) and Debian's slurm-wlm and munge.
set -eu
command=$1
dir=$2
export SLURM_CONF="$dir/slurm.conf"
export PATH="$PATH:/usr/sbin:/sbin"

cannot() {
    echo "Slurm cannot be started here: $1" >&2
    exit 77
}

write_conf() {
    cat >"$SLURM_CONF" <<END
ClusterName=ration
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/ctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/ctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=1000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=10
MinJobAge=30
KillWait=5
UnkillableStepTimeout=30
JobRequeue=1
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1))-$((port + 2)) CPUs=1 RealMemory=4000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
${RATION_SLURM_CONF:-}
END
}

# MaxSubmitJobs needs accounting; a plugin of the administrator's can refuse in the same words.
write_quota() {
    cat >"$dir/job_submit.lua" <<END
local function tasks(text)
    local n = 0
    for first, last in string.gmatch(text or "", "(%d+)%-?(%d*)") do
        n = n + (last ~= "" and last - first + 1 or 1)
    end
    return n
end
function slurm_job_submit(job, partitions, uid)
    local f = io.open("$dir/quota")
    if f == nil then return slurm.SUCCESS end
    local most, n = f:read("*n"), tasks(job.array_inx)
    f:close()
    for _, other in pairs(slurm.jobs) do
        if other.job_state < 3 then n = n + math.max(1, tasks(other.array_task_str)) end
    end
    return n > most and slurm.ESLURM_ACCOUNTING_POLICY or slurm.SUCCESS
end
function slurm_job_modify() return slurm.SUCCESS end
return slurm.SUCCESS
END
}

# Whether slurmctld's plugin for that is here, with the Lua that it needs.
has_lua() {
    for f in /usr/lib/*/slurm-wlm/job_submit_lua.so /usr/lib/*/slurm/job_submit_lua.so; do
        [ ! -e "$f" ] || ldconfig -p | grep -q 'liblua.*\.so' || return 1
        [ ! -e "$f" ] || return 0
    done
    return 1
}

start_munge() {
    install -d -o munge -g munge -m 0755 "$dir/munge"
    [ -e "$dir/munge/key" ] || {
        dd if=/dev/urandom of="$dir/munge/key" bs=128 count=8 2>/dev/null
        chown munge:munge "$dir/munge/key"
        chmod 0400 "$dir/munge/key"
    }
    setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged --key-file="$dir/munge/key" \
        --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" \
        --seed-file="$dir/munge/seed" --num-threads=2 3>&- ||
        cannot "munged does not start (see $dir/munge/log)"
}

end_pid() { # end_pid PIDFILE SIGNAL
    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    kill -s "$2" "$pid" 2>/dev/null || return 0
    i=0
    while kill -0 "$pid" 2>/dev/null && [ $i -lt 10 ]; do
        sleep 0.1
        i=$((i + 1))
    done
    kill -s KILL "$pid" 2>/dev/null || true
    rm -f "$1"
}

# Steps hang below slurmstepd, whose command line names job and node alike; the folder in their
# environment tells whose they are.
steps() {
    grep -lzxF "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ 2>/dev/null | while read -r e; do
        grep -qz "^SLURM_JOB_ID=" "$e" 2>/dev/null || continue # a step's, not a client's
        [ -z "$1" ] || grep -qzx "SLURMD_NODENAME=$1" "$e" 2>/dev/null || continue
        p=${e%/environ}
        case $(cat "$p/comm" 2>/dev/null) in slurmctld | slurmd | munged) continue ;; esac
        echo "${p#/proc/}"
    done
}

case $command in
start)
    [ "$(id -u)" = 0 ] || cannot "it needs root"
    for program in munged slurmctld slurmd sbatch setpriv; do
        command -v $program >/dev/null || cannot "$program is missing (packages slurm-wlm, munge)"
    done
    mkdir -p "$dir/state" "$dir/log" "$dir/spool-n1" "$dir/spool-n2"
    chmod 0755 "$dir"
    host=$(hostname -s)
    port=$((20000 + $$ % 10000))
    write_conf
    if has_lua; then
        write_quota
        echo JobSubmitPlugins=lua >>"$SLURM_CONF"
    fi
    start_munge
    slurmctld -c 3>&- || cannot "slurmctld does not start (see $dir/log/ctld.log)"
    for n in 1 2; do slurmd -N "n$n" 3>&- || cannot "slurmd does not start (see $dir/log)"; done
    i=0
    until [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" = 2 ]; do
        i=$((i + 1))
        [ $i -lt 150 ] || cannot "its nodes do not become idle within 15 s (see $dir/log)"
        sleep 0.1
    done
    ;;
stop)
    [ -d "$dir" ] || exit 0
    touch "$dir/stop"
    scancel --full --user=root 2>/dev/null || true
    for f in "$dir"/slurmd-n1.pid "$dir"/slurmd-n2.pid "$dir/ctld.pid" "$dir/munge/pid"; do
        end_pid "$f" TERM
    done
    # shellcheck disable=SC2046
    kill -9 $(steps "") 2>/dev/null || true
    ;;
kill-node)
    kill -9 "$(cat "$dir/slurmd-n$3.pid")" 2>/dev/null || true
    # slurmstepd itself has no such environment: it is the parent of what has.
    for p in $(steps "n$3"); do
        parent=$(awk '{print $4}' "/proc/$p/stat" 2>/dev/null || echo 0)
        case $(cat "/proc/$parent/comm" 2>/dev/null) in slurmstepd) kill -9 "$parent" ;; esac
        kill -9 "$p" 2>/dev/null || true
    done
    rm -f "$dir/slurmd-n$3.pid"
    ;;
start-node) slurmd -N "n$3" 3>&- ;;
stop-ctld)
    kill -9 "$(cat "$dir/ctld.pid")" 2>/dev/null || true
    rm -f "$dir/ctld.pid"
    ;;
hurry)
    while [ ! -e "$dir/stop" ]; do
        for job in $(squeue -h -r -t PENDING -o '%A %r' 2>/dev/null | awk '$2 == "BeginTime" {print $1}'); do
            scontrol update JobId="$job" StartTime=now 2>/dev/null || true
        done
        for node in $(sinfo -h -N -t drain,down -o %N 2>/dev/null); do
            [ -s "$dir/slurmd-$node.pid" ] || continue # its daemon is dead on purpose
            scontrol update NodeName="$node" State=RESUME 2>/dev/null || true
        done
        for job in $(squeue -h -r -t PENDING -o '%F_%K %r' 2>/dev/null | awk '/launch failed/ {print $1}'); do
            scontrol release "$job" 2>/dev/null || true
        done
        sleep 0.5
    done
    ;;
start-ctld) slurmctld 3>&- ;;
*)
    echo "cluster.sh: unknown command '$command'" >&2
    exit 2
    ;;
esac
