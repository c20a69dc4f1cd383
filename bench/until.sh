#!/bin/sh
# What sampling until an interval is narrow enough saves over equal allocation, and its coverage.
#   bench/until.sh BUILD STORE...     stores of docs/REPRODUCE.md, e.g. wizard.db
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
if [ $# -eq 0 ]; then
    echo "needs a store: bench/until.sh $build wizard.db"
    exit 0
fi
"$build/bench/bench_until" "$@"
