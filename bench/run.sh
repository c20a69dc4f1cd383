#!/bin/sh
# Runs the benchmarks of a build and prints their tables; `make bench` calls it.
#   bench/run.sh BUILD [NAME...]    NAME: part of a benchmark's name
# A benchmark is a script bench/NAME.sh (its first argument is BUILD) or a program bench/bench_NAME.c.
# The exit status is 1 when one of them failed.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
shift
status=0

wanted() {
    name=$1
    shift
    [ $# -eq 0 ] && return 0
    for part in "$@"; do
        case $name in *"$part"*) return 0 ;; esac
    done
    return 1
}

run() {
    echo "== $1"
    shift
    "$@" || status=1
    echo
}

for script in bench/*.sh; do
    name=$(basename "$script" .sh)
    [ "$name" != run ] && wanted "$name" "$@" && run "$name" "$script" "$build"
done
for program in "$build"/bench/bench_*; do
    case $program in *.d | *'*') continue ;; esac
    name=$(basename "$program")
    wanted "$name" "$@" && run "${name#bench_}" "$program"
done
exit $status
