#!/bin/sh
# How soon verdicts are there: judges WizardCoder's samples, every STEP-th of each size, and says when 50, 90, 95, 99 and
# all of 100 verdicts were in the store, as a share of the whole run.
#   bench/judge_first.sh BUILD [STEP]       needs RATION_DATA
set -eu
cd "$(dirname "$0")/.."
ration=$1/ration
step=${2:-10}
data=${RATION_DATA:-../shared/data}
if [ ! -r "$data/samples/wizardcoder-python-7b.humaneval.jsonl.gz" ]; then
    echo "judge_first: skipped: WizardCoder's samples are not in RATION_DATA"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for size in 7b 13b 34b; do
    gzip -dc "$data/samples/wizardcoder-python-$size.humaneval.jsonl.gz" | awk "NR % $step == 0" >"$tmp/$size.jsonl"
    "$ration" import -s "$tmp/s.db" -t humaneval --model "$size" "$tmp/$size.jsonl" >/dev/null
done
/usr/bin/python3 bench/judge_first.py "$ration" "$tmp/s.db"
