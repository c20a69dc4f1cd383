#!/bin/sh
# Judges the 16,400 CodeGen samples and, given a human-eval checkout, runs that harness beside it: rates
# over the whole run and without the samples that run into their limit, and every verdict that differs.
#   bench/judge.sh BUILD [HUMAN_EVAL_CHECKOUT]       needs RATION_DATA
set -eu
cd "$(dirname "$0")/.."
build=$1
peer=${2:-${RATION_HUMAN_EVAL:-}}
data=${RATION_DATA:-../shared/data}
if [ ! -r "$data/samples/codegen-16b.humaneval.codet.jsonl.gz" ]; then
    echo "judge: skipped: CodeGen samples are not in RATION_DATA"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python=/usr/bin/python3
problems=$data/humaneval/HumanEval.jsonl.gz

"$python" bench/judge_samples.py "$data/samples/codet.HumanEval_for_code_generation.jsonl" \
    "$data/samples/codegen-16b.humaneval.codet.jsonl.gz" "$tmp/samples.jsonl"
echo "ration, two jobs:"
"$build/bench/bench_judge" "$problems" "$tmp/samples.jsonl" "$tmp/ours.jsonl" 2
[ -n "$peer" ] || exit 0

cp -r "$peer/human_eval" "$tmp/"
# The checkout ships with the line that executes programs commented out.
sed -i 's/^\( *\)# *exec(check_program, exec_globals)/\1exec(check_program, exec_globals)/' \
    "$tmp/human_eval/execution.py"
echo "human-eval, two workers, 3 s:"
"$python" bench/judge_peer.py "$tmp" "$problems" "$tmp/samples.jsonl" "$tmp/theirs.jsonl"
"$python" bench/judge_diff.py "$tmp/ours.jsonl" "$tmp/theirs.jsonl"
