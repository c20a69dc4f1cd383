#!/bin/sh
# Import of a file in the study's release form with 1,328,000 samples: at most 60 s and 1 GiB.
#   bench/import.sh BUILD [PROBLEMS [SAMPLES]]     default 664 x 2000
# Also what reading such a store costs: n and c of each problem, the digest, all of it as a file.
set -eu
cd "$(dirname "$0")/.."
ration=$PWD/$1/ration
bench=$PWD/bench
problems=${2:-664}
samples=${3:-2000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/ration-bench-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
/usr/bin/python3 "$bench/make_release.py" release.json "$problems" "$samples"

measure() { /usr/bin/python3 "$bench/measure.py" "$@"; }

echo "$((problems * samples)) samples, file of $(($(stat -c %s release.json) / 1000000)) MB"
measure "import" "$ration" import -s s.db -t bench --ids-only --model m release.json
measure "import again (nothing changes)" "$ration" import -s s.db -t bench --ids-only --model m release.json
measure "export counts (n, c)" "$ration" export -s s.db --format counts
measure "export release" "$ration" export -s s.db --format release -o again.json
measure "digest" "$ration" export -s s.db --format digest
echo "store of $(($(stat -c %s s.db) / 1000000)) MB"
