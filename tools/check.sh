#!/bin/sh
# `make check`: what a reviewer would otherwise have to look for.
#   formatting (clang-format), the house rules (house.py), static analysis (cppcheck), shell scripts (shellcheck), man pages
#   (mandoc), the whole tree compiled by gcc and by clang with warnings as errors, and the ARM
#   kernels under an emulator.
# Every step runs, then the status tells whether one failed. Some steps only:
#   tools/check.sh [format|house|analysis|shell|man|gcc|clang|neon...]
set -eu
cd "$(dirname "$0")/.."
RATION_EXTRA_DEPS="clang clang-format cppcheck shellcheck mandoc" tools/deps.sh
jobs=$(nproc)
failed=

step() { # step NAME COMMAND...
    name=$1
    shift
    start=$(date +%s)
    if "$@"; then result=ok; else
        result=FAILED
        failed="$failed $name"
    fi
    echo "check: $name: $result ($(($(date +%s) - start)) s)"
}

c_files() { git ls-files '*.c' '*.h'; }

format() { c_files | xargs -r -P "$jobs" -n 16 clang-format -n -Werror; }

analysis() {
    mkdir -p build/cppcheck
    # Kernels are written in intrinsics, which cppcheck cannot follow without their headers.
    git ls-files 'src/*.c' | grep -v -e '_avx2\.c$' -e '_avx512\.c$' -e '_amx\.c$' -e '_neon\.c$' |
        cppcheck --quiet --std=c11 --language=c --enable=warning,portability --inline-suppr \
            --error-exitcode=1 -j "$jobs" --cppcheck-build-dir=build/cppcheck \
            --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
            --suppress=arrayIndexOutOfBoundsCond \
            -D__x86_64__ -D__linux__ -D_GNU_SOURCE -Iinclude -Isrc --file-list=-
}

shell() { git ls-files '*.sh' .ci/run | xargs -r shellcheck; }

house() { python3 tools/house.py --check; }

man() { git ls-files 'docs/man/*.1' | xargs -r mandoc -T lint -W warning; }

compile() { make --no-print-directory -s -j"$jobs" BUILD="$1" CC="$2" tests >/dev/null; }
gcc() { compile build gcc; }
clang() { compile build/clang clang; }
neon() { tools/neon-check.sh; }

for s in "${@:-all}"; do
    case $s in
    all) for each in format house analysis shell man gcc clang neon; do step $each $each; done ;;
    format | house | analysis | shell | man | gcc | clang | neon) step "$s" "$s" ;;
    *)
        echo "check: unknown step '$s'" >&2
        exit 2
        ;;
    esac
done
if [ -n "$failed" ]; then
    echo "check: failed:$failed" >&2
    exit 1
fi
