#!/bin/sh
# What extrapolation is worth: pass@100 predicted from 5, 10 and 20 samples of each problem.
#   bench/extrapolate.sh BUILD STORE...     stores of docs/REPRODUCE.md, e.g. wizard.db codegen.db
# Without a store only the study's published curves are checked.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
[ $# -eq 0 ] || "$build/bench/bench_extrapolate" "$@"
"$build/bench/bench_extrapolate"
