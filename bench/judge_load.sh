#!/bin/sh
# The same verdicts with the machine idle and with four busy loops beside it: judges every STEP-th CodeGen
# sample both ways and compares. Exit status 1 if a verdict differs.
#   bench/judge_load.sh BUILD [STEP]       needs RATION_DATA
set -eu
cd "$(dirname "$0")/.."
build=$1
step=${2:-20}
data=${RATION_DATA:-../shared/data}
if [ ! -r "$data/samples/codegen-16b.humaneval.codet.jsonl.gz" ]; then
    echo "judge_load: skipped: CodeGen samples are not in RATION_DATA"
    exit 0
fi
tmp=$(mktemp -d)
loops=
stop_loops() {
    # shellcheck disable=SC2086
    [ -z "$loops" ] || kill $loops 2>/dev/null || true
    loops=
}
trap 'stop_loops; rm -rf "$tmp"' EXIT
problems=$data/humaneval/HumanEval.jsonl.gz
/usr/bin/python3 bench/judge_samples.py "$data/samples/codet.HumanEval_for_code_generation.jsonl" \
    "$data/samples/codegen-16b.humaneval.codet.jsonl.gz" "$tmp/all.jsonl"
awk "NR % $step == 0" "$tmp/all.jsonl" >"$tmp/samples.jsonl"

echo "idle:"
"$build/bench/bench_judge" "$problems" "$tmp/samples.jsonl" "$tmp/idle.jsonl" 2
for _ in 1 2 3 4; do
    sh -c 'while :; do :; done' &
    loops="$loops $!"
done
echo "with four busy loops:"
"$build/bench/bench_judge" "$problems" "$tmp/samples.jsonl" "$tmp/busy.jsonl" 2
stop_loops
for f in idle busy; do
    sed 's/.*"task_id": "\([^"]*\)".*"verdict": "\([^"]*\)".*/\1 \2/' "$tmp/$f.jsonl" >"$tmp/$f.txt"
done
if diff "$tmp/idle.txt" "$tmp/busy.txt"; then
    echo "all $(wc -l <"$tmp/idle.txt") verdicts are the same"
else
    exit 1
fi
