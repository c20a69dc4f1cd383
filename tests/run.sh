#!/bin/sh
# Runs every test of a build under prove: cmocka programs and bats files, both as TAP.
#   tests/run.sh BUILD [NAME...]     NAME: part of a test's file name
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
for f in "$build"/tests/test_*; do
    case $f in *.d | *'*') continue ;; esac
    [ "${RATION_SANITIZE:-}" = thread ] && ! grep -q "^/\* tsan \*/" "tests/${f##*/}.c" && continue
    list="$list $f"
done
if [ "${RATION_SANITIZE:-}" != thread ]; then
    for f in tests/cli/*.bats; do
        [ -e "$f" ] && list="$list $f"
    done
fi
chosen=
for f in $list; do
    for name in "$@"; do
        if [ "$name" = . ]; then match=1; else case ${f##*/} in *"$name"*) match=1 ;; *) match= ;; esac; fi
        [ -n "$match" ] && chosen="$chosen $f" && break
    done
done
# shellcheck disable=SC2086
exec prove --timer --exec tests/one.sh $chosen
