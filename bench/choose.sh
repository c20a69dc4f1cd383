#!/bin/sh
# Choosing without tests: rank-score@k of the ranker `examples` beside a blind and a perfect choice.
#   bench/choose.sh BUILD STORE...    stores of docs/REPRODUCE.md, judged, e.g. wizard.db codegen.db
# Works on copies; runs `ration rank` on what has no scores yet (10 ms of CPU a sample). Prints
# rank-score with its 95 % interval over the problems, then what stopping at the first sample that
# passes all examples gives at the price of one sample of the largest model, and what each model, the
# largest too, gives by the same means whatever it costs.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
if [ $# -eq 0 ]; then
    echo "needs a store: bench/choose.sh $build wizard.db codegen.db"
    exit 0
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/ration-choose-XXXXXX")
trap 'rm -rf "$dir"' EXIT
for store in "$@"; do
    cp "$store" "$dir/store.db"
    chmod u+w "$dir/store.db"
    "$build/ration" rank -s "$dir/store.db" --ranker examples
    "$build/ration" report -s "$dir/store.db" --metric rank-score@k -k 1,2,4,5,8,20,50 --format csv >"$dir/rank.csv" || true
    awk -F, '
        $1 == "metric" { for (i = 1; i <= NF; i++) at[$i] = i
            printf "%-24s %-20s %3s %6s  %-14s %6s %8s\n", "model", "ranker", "k", "score", "95 %", "blind", "perfect" }
        $4 ~ /^examples/ && index(",2,4,5,8,20,50,", "," $at["k"] ",") {
            printf "%-24s %-20s %3d %6.1f  [%4.1f, %4.1f] %7.1f %8.1f\n", $3, $4, $at["k"], 100 * $at["value"],
                100 * $at["lo"], 100 * $at["hi"], 100 * $at["random"], 100 * $at["perfect"]
        }' "$dir/rank.csv"
    "$build/ration" plan -s "$dir/store.db" --no-tests --profile paper-8xa100 || true
    "$build/ration" report -s "$dir/store.db" --metric untested -k 1,2,4,8,16 --profile paper-8xa100 || true
    rm "$dir/store.db"
done
