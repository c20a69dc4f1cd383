#!/bin/sh
# What kills cost `ration batch` on a Slurm of two nodes on this machine: for each seed a node's daemon and its step
# die while a task is at work there, the submitter is killed -9 and the controller is killed and started again; the
# job is attached to its end and its store compared with a local run's. It is the test of batch.bats, with more seeds.
#   bench/kill.sh BUILD [SEEDS [SAMPLES]]     default "1 2 3 4 5 6 7 8 9 10" and 400 samples of 10 problems each;
#                                             needs root, slurm-wlm, munge and bats
# A row a seed: the samples that were home when the node died; those that the dead task had made since its last copy
# (--every 1) and another attempt made again, with the seconds that they take; whether the task was at work; the digest.
set -eu
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
export RATION="$build/ration" RATION_BUILD="$build"
export RATION_KILL_SEEDS="${2:-1 2 3 4 5 6 7 8 9 10}" RATION_KILL_SAMPLES="${3:-400}"
echo "| seed | node | home at the kill | done twice | seconds of these | at work | digest |"
echo "| ---: | --- | ---: | ---: | ---: | --- | --- |"
out=$(mktemp "${TMPDIR:-/tmp}/ration-kill-XXXXXX")
trap 'rm -f "$out"' EXIT
bats --tap -f 'a node dies midway' tests/cli/batch.bats | tee "$out" | sed -un 's/^# \(|.*\)/\1/p'
if ! grep -q '^ok 1' "$out" || grep -q '^ok 1.*# skip' "$out"; then
    cat "$out" >&2
    exit 1
fi
