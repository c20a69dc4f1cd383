#!/bin/sh
# Speed of the sampling engine and, given the build folder of llama.cpp or a fork of it, of that
# peer beside it: the same file of random weights, the same prompt and lengths, runs alternating,
# medians of ROUNDS. Scoring is held against the peer's prefill: both are passes over given tokens.
#   bench/engine.sh BUILD [PEER_BUILD_DIR]      PEER_BUILD_DIR holds bin/llama-batched-bench
# TYPES="q8_0 q4_0 q4_k" SHAPE=... ROUNDS=3 THREADS=2 PROMPT=128 GEN=64 SAMPLES=1,16,64 TEXTS=64
set -eu
cd "$(dirname "$0")/.."
ration=${1:-build}/ration
peer=${2:-${RATION_LLAMA:-}}
[ -x "$ration" ] || { echo "bench/engine.sh: no $ration; run make" >&2; exit 2; }
if [ -n "$peer" ]; then
    peer=$(cd "$peer" && pwd)/bin/llama-batched-bench
    [ -x "$peer" ] || { echo "bench/engine.sh: no $peer" >&2; exit 2; }
fi

types=${TYPES:-q8_0 q4_0 q4_k}
shape=${SHAPE:-22,2048,5632,32,4,32000}
rounds=${ROUNDS:-3}
threads=${THREADS:-2}
prompt=${PROMPT:-128}
gen=${GEN:-64}
samples=${SAMPLES:-1,16,64}
texts=${TEXTS:-64}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
most=$(echo "$samples" | tr , '\n' | sort -n | tail -1)
context=$((prompt + most * gen + 64))

# Lines "WHO NAME TOK/S".
ours() {
    "$ration" bench engine -m "$1" --threads "$threads" --prompt "$prompt" --gen "$gen" \
        --samples "$samples" --texts "$texts" --text-tokens 128 >"$dir/ours.txt"
    awk '$1 == "prefill" { print "ours prefill", $3 }
         $1 == "samples" { print "ours samples-" $2, $3 }
         $1 == "score" { print "ours score", $3 }
         /integer peak|loaded in/ { print > "/dev/stderr" }' "$dir/ours.txt"
}

theirs() {
    [ -n "$peer" ] || return 0
    # In $dir, where it may leave its log.
    (cd "$dir" && "$peer" -m "$1" -npp "$prompt" -ntg "$gen" -npl "$samples" -pps -t "$threads" -c "$context" \
        2>&1) |
        awk -F'|' '$2 + 0 > 0 { gsub(/ /, ""); print "theirs samples-" $4 + 0, $9;
                                if ($7 + 0 > best) best = $7 + 0 }
                   END { print "theirs prefill", best }'
}

median() {
    awk -v who="$1" -v name="$2" '$1 == who && $2 == name { print $3 }' "$dir/all" | sort -g |
        awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print 0 }'
}

printf '%-6s %-12s %10s %10s %7s\n' type what ours peer ratio
for type in $types; do
    file=$dir/$type.gguf
    "$ration" bench engine --shape "$shape" --type "$type" --threads "$threads" --prompt 1 --gen 1 \
        --samples 1 --save "$file" >/dev/null
    : >"$dir/all"
    for _ in $(seq "$rounds"); do
        ours "$file" >>"$dir/all"
        theirs "$file" >>"$dir/all"
    done
    for what in prefill $(echo "$samples" | tr , '\n' | sed 's/^/samples-/') score; do
        a=$(median ours "$what")
        if [ "$what" = score ]; then b=$(median theirs prefill); else b=$(median theirs "$what"); fi
        awk -v type="$type" -v what="$what" -v a="$a" -v b="$b" 'BEGIN {
            printf "%-6s %-12s %10.1f", type, what, a
            if (b > 0) printf " %10.1f %7.2f", b, a / b
            printf "\n" }'
    done
    rm -f "$file"
done
