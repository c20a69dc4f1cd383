#!/bin/sh
# Judges 20 copies of each of MBPP+'s canonical solutions, which differ in a comment, with all inputs and, given a checkout
# of evalplus, runs its evaluation beside it: samples a second, expected values there before on both sides. The peer runs
# every sample by itself, so that two copies of each (PEER_COPIES) have its rate; 20 take it ten times as long.
#   bench/plus.sh BUILD [EVALPLUS_CHECKOUT]       needs RATION_DATA; evalplus needs numpy
set -eu
cd "$(dirname "$0")/.."
ration=$1/ration
peer=${2:-${RATION_EVALPLUS:-}}
data=${RATION_DATA:-../shared/data}
set=$data/mbppplus/MbppPlus-2023.jsonl.gz
if [ ! -r "$set" ]; then
    echo "plus: skipped: MBPP+ is not in RATION_DATA"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python=/usr/bin/python3
"$python" bench/plus_copies.py "$set" 20 "$tmp/samples.jsonl"
gzip -dc "$set" >"$tmp/mbpp-plus.jsonl"

judge() {
    "$ration" import -s "$tmp/$1.db" -t "$tmp/mbpp-plus.jsonl" --model copies "$tmp/$2" >"$tmp/import.out"
    start=$(date +%s.%N)
    "$ration" judge -s "$tmp/$1.db" -t "$tmp/mbpp-plus.jsonl" --data "$tmp" --jobs 2 --format json >"$tmp/$1.json"
    end=$(date +%s.%N)
}

head -1 "$tmp/samples.jsonl" >"$tmp/first.jsonl"
judge first first.jsonl
judge all samples.jsonl
"$python" - "$tmp/all.json" "$start" "$end" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
s = float(sys.argv[3]) - float(sys.argv[2])
print("ration: %d samples, two jobs, %.2f s, %.1f samples/s; %d programs run, passed %d" % (
    r["judged_now"], s, r["judged_now"] / s, r["programs_run"], r["runs"][0]["verdicts"]["passed"]))
PY
[ -n "$peer" ] || exit 0
"$python" bench/plus_copies.py "$set" "${PEER_COPIES:-2}" "$tmp/peer.jsonl"
"$python" bench/plus_peer.py "$peer" "$set" "$tmp/peer.jsonl" "$tmp/results.json" 2
