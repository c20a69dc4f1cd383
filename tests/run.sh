#!/bin/sh
# Runs every test of a build under prove: cmocka programs and bats files, both as TAP; half as many again as processors
# at a time, as many of them wait.
#   tests/run.sh BUILD [NAME...]     NAME: part of a test's file name
# The tests of the judge wait for one another, beside all others: each measures limits on every processor.
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

# What tests make once for all of them: made_once of tests/cli/helpers.bash.
RATION_TEST_CACHE=$(mktemp -d "${TMPDIR:-/tmp}/ration-tests-XXXXXX")
export RATION_TEST_CACHE
trap 'rm -rf "$RATION_TEST_CACHE"' EXIT
trap 'exit 130' INT TERM

set -- "${@:-.}"
list=
# The long ones first, so that none is left over at the end.
first="sets batch tasks judge solve outputs oracle rank examples demo arch bench readme report page"
if [ "${RATION_SANITIZE:-}" != thread ]; then
    for f in $(echo "$first" | sed 's#[^ ]*#tests/cli/&.bats#g') tests/cli/*.bats; do
        case "$list " in *" $f "*) ;; *) [ ! -e "$f" ] || list="$list $f" ;; esac
    done
fi
for f in "$build"/tests/test_*; do
    case $f in *.d | *'*') continue ;; esac
    [ "${RATION_SANITIZE:-}" = thread ] && ! grep -q "^/\* tsan \*/" "tests/${f##*/}.c" && continue
    list="$list $f"
done
chosen=
rules="--rules seq=**/test_judge*"
for f in $list; do
    for name in "$@"; do
        if [ "$name" = . ]; then match=1; else case ${f##*/} in *"$name"*) match=1 ;; *) match= ;; esac; fi
        [ -n "$match" ] || continue
        chosen="$chosen $f"
        rules="$rules --rules seq=$f" # of its own, or prove would have the tests of the judge wait for all
        break
    done
done
mkdir "$RATION_TEST_CACHE/failed"
set -f
rc=0
# shellcheck disable=SC2086
prove --timer --jobs "$(($(nproc) * 3 / 2))" $rules --exec tests/one.sh $chosen || rc=$?
set +f
for f in "$RATION_TEST_CACHE"/failed/*; do
    if [ "$rc" -eq 0 ] || [ ! -f "$f" ]; then continue; fi
    echo "${f##*/} said:"
    grep -v '^ok ' "$f" | tail -40 | cut -c1-400
done
exit "$rc"
