#!/bin/sh
# Judges 20 copies of each of MBPP+'s canonical solutions, which differ in a comment, with all inputs and, given a checkout
# of evalplus, runs its evaluation beside it: samples a second, expected values there before on both sides. The peer runs
# every sample by itself, so that two copies of each (PEER_COPIES) have its rate; 20 take it ten times as long.
#   bench/plus.sh BUILD [EVALPLUS_CHECKOUT]       needs RATION_DATA, or SET: a file in its form; evalplus needs numpy
set -eu
cd "$(dirname "$0")/.."
ration=$1/ration
peer=${2:-${RATION_EVALPLUS:-}}
data=${RATION_DATA:-../shared/data}
set=${SET:-$data/mbppplus/MbppPlus-2023.jsonl.gz}
if [ ! -r "$set" ]; then
    echo "plus: skipped: MBPP+ is not in RATION_DATA"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python=/usr/bin/python3
"$python" bench/plus_copies.py "$set" 20 "$tmp/samples.jsonl"
gzip -dcf "$set" >"$tmp/mbpp-plus.jsonl"

judge() {
    "$ration" import -s "$tmp/$1.db" -t "$tmp/mbpp-plus.jsonl" --model copies "$tmp/$2" >"$tmp/import.out"
    "$python" - "$ration" "$tmp" "$1" <<'PY'
import json, resource, subprocess, sys, time
ration, tmp, name = sys.argv[1:]
start = time.time()
r = json.loads(subprocess.run([ration, "judge", "-s", "%s/%s.db" % (tmp, name), "-t", tmp + "/mbpp-plus.jsonl", "--data", tmp, "--jobs", "2", "--format", "json"],
                              stdout=subprocess.PIPE).stdout)
s, u = time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
if name == "all":
    print("ration: %d samples, two jobs, %.2f s, %.1f samples/s; %.1f s of processor time; %d programs run, passed %d" % (
        r["judged_now"], s, r["judged_now"] / s, u.ru_utime + u.ru_stime, r["programs_run"], r["runs"][0]["verdicts"]["passed"]))
PY
}

head -1 "$tmp/samples.jsonl" >"$tmp/first.jsonl"
judge first first.jsonl
judge all samples.jsonl
[ -n "$peer" ] || exit 0
"$python" bench/plus_copies.py "$set" "${PEER_COPIES:-2}" "$tmp/peer.jsonl"
"$python" bench/plus_peer.py "$peer" "$set" "$tmp/peer.jsonl" "$tmp/results.json" 2
