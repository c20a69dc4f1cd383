#!/bin/sh
# CodeGen's 16,400 samples judged by a Slurm of two one-core nodes on this machine (`ration batch`) and
# by one process with two jobs, in turns; the wall-times, their ratio, and whether both stores have one digest.
#   bench/cluster.sh BUILD [TIMES]       default 3; needs RATION_DATA, root, slurm-wlm and munge
# Every turn's stores are compared with the first local one: all runs, local and through nodes, have one digest.
# The last line has the medians; the limit is a ratio of 1.10 on an idle machine of two cores.
set -eu
cd "$(dirname "$0")/.."
ration=$PWD/$1/ration
times=${2:-3}
cluster=$PWD/tests/slurm/cluster.sh
data=${RATION_DATA:-$PWD/../shared/data}
samples=$data/samples/codegen-16b.humaneval.codet.jsonl.gz
if [ ! -r "$samples" ]; then
    echo "cluster: skipped: CodeGen samples are not in RATION_DATA"
    exit 0
fi
export RATION_DATA="$data"
dir=$(mktemp -d "${TMPDIR:-/tmp}/ration-bench-XXXXXX")
chmod 0755 "$dir"
mkdir "$dir/slurm"
trap 'exit 1' HUP INT TERM
trap '"$cluster" stop "$dir/slurm" >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
if ! "$cluster" start "$dir/slurm"; then
    echo "cluster: skipped"
    exit 0
fi
export SLURM_CONF="$dir/slurm/slurm.conf"
cd "$dir"
"$ration" import -s given.db -t humaneval --model codegen-16b -r temperature=0.8 -r top_p=0.95 \
    --map "$data/samples/codet.HumanEval_for_code_generation.jsonl" "$samples" >/dev/null

seconds() { # seconds COMMAND...: its wall-time
    from=$(date +%s%N)
    "$@" >out.txt 2>&1 || { cat out.txt >&2; exit 1; }
    echo "$(($(date +%s%N) - from))" | awk '{printf "%.2f", $1 / 1e9}'
}

median() { sort -n | awk '{x[NR] = $1} END {print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2}'; }

digest() { "$ration" export -s "$1" --format digest; }

i=0
while [ "$i" -lt "$times" ]; do
    i=$((i + 1))
    rm -rf whole.db* local.db*
    cp given.db local.db
    cp given.db whole.db
    a=$(seconds "$ration" judge -s local.db -j 2)
    b=$(seconds "$ration" batch -s whole.db --nodes 2 -- judge -j 1)
    equal=differ
    [ $i -gt 1 ] || first=$(digest local.db)
    [ "$(digest local.db) $(digest whole.db)" = "$first $first" ] && equal=equal
    echo "$a $b $(echo "$a $b" | awk '{printf "%.3f", $2 / $1}') $equal" | tee -a table.txt |
        awk '{print "two jobs " $1 " s, two nodes " $2 " s, ratio " $3 ", digests " $4}'
done
echo "medians of $times: two jobs $(cut -d' ' -f1 table.txt | median) s, two nodes $(cut -d' ' -f2 table.txt | median) s," \
    "ratio $(cut -d' ' -f3 table.txt | median)"
! grep -q differ table.txt
