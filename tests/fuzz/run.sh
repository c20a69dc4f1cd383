#!/bin/bash
# Builds and runs every fuzz target, tests/fuzz/fuzz_WHAT.c, with libFuzzer, ASan and UBSan.
#   tests/fuzz/run.sh [WHAT...]
#   FUZZ_SECONDS   seconds for each target (default 60; 0: only the seeds)
#   FUZZ_JOBS      compiler jobs (default: cores)
# Seeds: the files of tests/fuzz/seeds/WHAT/, or what tests/fuzz/seeds/WHAT.sh writes into the folder
# that it is given. What a run finds worth keeping grows in build/fuzz/corpus/WHAT; a finding is left
# in build/fuzz/findings/WHAT. One line for each target; the exit status is 1 after a finding.
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=${FUZZ_SECONDS:-60}
out=build/fuzz
cc=${FUZZ_CC:-clang}
command -v "$cc" >/dev/null || {
    echo "fuzz: $cc is not installed (apt install clang)" >&2
    exit 2
}
san=address,undefined
mkdir -p "$out"

chosen() { # FILE: 0 if it was asked for
    local what
    what=$(basename "$1" .c)
    [ ${#names[@]} -eq 0 ] || [[ " ${names[*]} " == *" ${what#fuzz_} "* ]]
}
names=("$@")

# A target may name the modules that it needs ("modules: base task" in its head comment), so that
# the others need not be built; one that names none gets all.
modules=
for src in tests/fuzz/fuzz_*.c; do
    chosen "$src" || continue
    m=$(sed -n 's/^.*[*] modules: *\([a-z ]*\).*$/\1/p' "$src" | head -1)
    [ -n "$m" ] || {
        modules=
        break
    }
    modules="$modules $m"
done
rm -f "$out/lib/libration.a" # its parts are kept; which of them it holds depends on the modules
make --no-print-directory -j"${FUZZ_JOBS:-$(nproc)}" BUILD="$out/lib" CC="$cc" OPT=-O1 \
    SAN="$san,fuzzer-no-link" ${modules:+MODULES="$(tr ' ' '\n' <<<"$modules" | sort -u | xargs)"} \
    "$out/lib/libration.a" >"$out/build.log" 2>&1 || {
    tail -20 "$out/build.log" >&2
    echo "fuzz: the library does not build; see $out/build.log" >&2
    exit 2
}
libs=$(PKG_CONFIG_PATH='' pkg-config --libs sqlite3 jansson libseccomp libpcre2-8 nettle zlib libzstd)
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"

targets=0 findings=0
for src in tests/fuzz/fuzz_*.c; do
    what=$(basename "$src" .c)
    what=${what#fuzz_}
    chosen "$src" || continue
    targets=$((targets + 1))
    bin=$out/fuzz_$what log=$out/$what.log
    corpus=$out/corpus/$what found=$out/findings/$what seeds=$out/seeds/$what
    mkdir -p "$corpus" "$found" "$seeds"
    # shellcheck disable=SC2086
    if ! "$cc" -std=c17 -D_GNU_SOURCE -O1 -g -Iinclude -Isrc -Itests -Wall -Wextra -Werror \
        -fsanitize=fuzzer,$san -fno-omit-frame-pointer -o "$bin" "$src" "$out/lib/libration.a" \
        $libs -lm -lpthread 2>"$log"; then
        tail -20 "$log" >&2
        echo "$what: does not build, see $log"
        findings=$((findings + 1))
        continue
    fi
    folders="$corpus"
    [ -d "tests/fuzz/seeds/$what" ] && folders="$folders tests/fuzz/seeds/$what"
    if [ -x "tests/fuzz/seeds/$what.sh" ]; then
        "tests/fuzz/seeds/$what.sh" "$seeds" >"$log" 2>&1 || {
            echo "$what: its seed script failed, see $log"
            findings=$((findings + 1))
            continue
        }
        folders="$folders $seeds"
    fi
    limit="-max_total_time=$seconds"
    [ "$seconds" = 0 ] && limit="-runs=0"
    # shellcheck disable=SC2086
    "$bin" $limit -timeout=20 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$found/" $folders >"$log" 2>&1
    status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cov=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    if [ $status -eq 0 ]; then
        echo "$what: ok, ${runs:-0} runs in ${seconds} s, coverage ${cov:-0}"
    else
        findings=$((findings + 1))
        echo "$what: FINDING (exit $status), see $log and $found/"
        grep -m3 -E 'ERROR|runtime error|SUMMARY' "$log"
    fi
done
echo "fuzz: $targets targets, $findings with findings"
[ "$findings" -eq 0 ]
