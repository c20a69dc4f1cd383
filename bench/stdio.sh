#!/bin/sh
# Judges 20 programs for each of 1,000 problems of the shape of APPS' stdin ones, 20 cases each, all of them run, and, given a
# checkout of hendrycks/apps, runs its script over the first problems of them: programs a second.
#   bench/stdio.sh BUILD [APPS_CHECKOUT [PROBLEMS [PROBLEMS_OF_THE_PEER]]]
set -eu
cd "$(dirname "$0")/.."
ration=$1/ration
peer=${2:-${RATION_APPS:-}}
problems=${3:-1000}
few=${4:-20}
python=/usr/bin/python3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$python" bench/stdio_make.py "$problems" "$tmp"
"$ration" import -s "$tmp/s.db" -t "$tmp/set.jsonl" --model m "$tmp/samples.jsonl" >"$tmp/import.out"
start=$(date +%s.%N)
"$ration" judge -s "$tmp/s.db" -t "$tmp/set.jsonl" --jobs 2 --all-tests --format json >"$tmp/judge.json"
end=$(date +%s.%N)
"$python" - "$tmp/judge.json" "$start" "$end" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
s = float(sys.argv[3]) - float(sys.argv[2])
print("ration: %d programs, two jobs, %.1f s, %.1f programs/s; %d run, passed %d" % (
    r["judged_now"], s, r["judged_now"] / s, r["programs_run"], r["runs"][0]["verdicts"]["passed"]))
PY
"$ration" export -s "$tmp/s.db" --format csv >"$tmp/rows.csv"
"$python" - "$tmp/rows.csv" "$few" <<'PY'
import csv, sys
rows = [r for r in csv.DictReader(open(sys.argv[1])) if int(r["task_id"].split("/")[1]) < int(sys.argv[2])]
print("of the first %s problems passed %d of %d" % (sys.argv[2], sum(r["verdict"] == "passed" for r in rows), len(rows)))
PY
[ -n "$peer" ] || exit 0
"$python" bench/stdio_peer.py "$peer" "$tmp" "$few" 2
