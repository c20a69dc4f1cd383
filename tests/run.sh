#!/bin/sh
# Runs every test of a build under prove: cmocka programs and bats files, both as TAP, one per processor.
#   tests/run.sh BUILD [NAME...]     NAME: part of a test's file name
# The tests of the judge wait for one another: each measures limits on every processor.
# RATION_SANITIZE=address|thread leaves out what cannot run there.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
export RATION_BUILD="$PWD/$build"
export RATION="$PWD/$build/ration"
if [ -z "${RATION_DATA:-}" ] && [ -d ../shared/data ]; then
    RATION_DATA=$(cd ../shared/data && pwd)
    export RATION_DATA
fi
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"

set -- "${@:-.}"
list=
# The long ones first, so that none is left over at the end.
if [ "${RATION_SANITIZE:-}" != thread ]; then
    for f in tests/cli/batch.bats tests/cli/tasks.bats tests/cli/solve.bats tests/cli/rank.bats tests/cli/*.bats; do
        case "$list " in *" $f "*) ;; *) [ ! -e "$f" ] || list="$list $f" ;; esac
    done
fi
for f in "$build"/tests/test_*; do
    case $f in *.d | *'*') continue ;; esac
    [ "${RATION_SANITIZE:-}" = thread ] && ! grep -q "^/\* tsan \*/" "tests/${f##*/}.c" && continue
    list="$list $f"
done
chosen=
for f in $list; do
    for name in "$@"; do
        if [ "$name" = . ]; then match=1; else case ${f##*/} in *"$name"*) match=1 ;; *) match= ;; esac; fi
        [ -n "$match" ] && chosen="$chosen $f" && break
    done
done
# shellcheck disable=SC2086
exec prove --timer --jobs "$(nproc)" --rules 'seq=**/test_judge*' --rules 'par=**' --exec tests/one.sh $chosen
