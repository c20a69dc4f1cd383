#!/bin/sh
# Speed of the sampling engine beside llama.cpp or a fork of it: the same file of random weights, the
# same prompt and lengths, runs alternating, medians of ROUNDS.
#   bench/engine.sh PEER_BUILD_DIR [BUILD]      PEER_BUILD_DIR holds bin/llama-batched-bench
# TYPES="q8_0 q4_0 q4_k" SHAPE=... ROUNDS=3 THREADS=2 PROMPT=128 GEN=64 SAMPLES=1,16,64 TEXTS=64
set -eu
peer=${1:?give the folder of the peer, which holds bin/llama-batched-bench}/bin/llama-batched-bench
cd "$(dirname "$0")/.."
ration=${2:-build}/ration
[ -x "$peer" ] || { echo "bench/engine.sh: no $peer" >&2; exit 2; }
[ -x "$ration" ] || { echo "bench/engine.sh: no $ration; run make" >&2; exit 2; }

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
    "$peer" -m "$1" -npp "$prompt" -ntg "$gen" -npl "$samples" -pps -t "$threads" -c "$context" \
        -ngl 0 2>/dev/null |
        awk -F'|' '$2 + 0 > 0 { gsub(/ /, ""); print "theirs samples-" $4 + 0, $9;
                                if ($7 + 0 > best) best = $7 + 0 }
                   END { print "theirs prefill", best }'
}

median() {
    awk -v who="$1" -v name="$2" '$1 == who && $2 == name { print $3 }' "$dir/all" | sort -g |
        awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print "nan" }'
}

printf '%-6s %-12s %10s %10s %7s\n' type what ours peer ratio
for type in $types; do
    file=$dir/$type.gguf
    "$ration" bench engine --shape "$shape" --type "$type" --threads "$threads" --prompt 1 --gen 1 \
        --samples 1 --save "$file" >/dev/null
    : >"$dir/all"
    for i in $(seq "$rounds"); do
        ours "$file" >>"$dir/all"
        theirs "$file" >>"$dir/all"
    done
    for what in prefill $(echo "$samples" | tr , '\n' | sed 's/^/samples-/') score; do
        a=$(median ours "$what")
        # scoring is held against the peer's prefill: both are one pass over given tokens
        if [ "$what" = score ]; then b=$(median theirs prefill); else b=$(median theirs "$what"); fi
        printf '%-6s %-12s %10.1f %10.1f %7.2f\n' "$type" "$what" "$a" "$b" \
            "$(awk -v a="$a" -v b="$b" 'BEGIN { print b > 0 ? a / b : 0 }')"
    done
    rm -f "$file"
done
