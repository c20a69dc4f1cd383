#!/bin/sh
# Speed of the sampling engine and, given build folders of llama.cpp and forks of it, of those peers
# beside it: the same file of random weights, the same prompt and lengths, runs alternating, medians
# of ROUNDS, ratios to the best peer. Scoring is held against the peers' prefill: both are passes over
# given tokens.
#   bench/engine.sh BUILD [PEER_BUILD_DIR]...      each holds bin/llama-batched-bench
# TYPES="q8_0 q4_0 q4_k" SHAPE=... ROUNDS=3 THREADS=2 PROMPT=128 GEN=64 SAMPLES=1,16,64 TEXTS=64
# KV=f16 (or q8, q4) for the cache; PEER_ARGS: more options of the peers. TEXTS=0: no scoring.
set -eu
cd "$(dirname "$0")/.."
ration=${1:-build}/ration
[ "$#" -eq 0 ] || shift
[ -x "$ration" ] || { echo "bench/engine.sh: no $ration; run make" >&2; exit 2; }
[ "$#" -gt 0 ] || [ -z "${RATION_LLAMA:-}" ] || set -- "$RATION_LLAMA"
for peer in "$@"; do
    [ -x "$peer/bin/llama-batched-bench" ] ||
        { echo "bench/engine.sh: no $peer/bin/llama-batched-bench" >&2; exit 2; }
done

types=${TYPES:-q8_0 q4_0 q4_k}
shape=${SHAPE:-22,2048,5632,32,4,32000}
rounds=${ROUNDS:-3}
threads=${THREADS:-2}
prompt=${PROMPT:-128}
gen=${GEN:-64}
samples=${SAMPLES:-1,16,64}
texts=${TEXTS:-64}
kv=${KV:-f16}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
most=$(echo "$samples" | tr , '\n' | sort -n | tail -1)
context=$((prompt + most * gen + 64))
case $kv in
q8 | q4) their_kv="-ctk ${kv}_0 -ctv ${kv}_0" ;;
*) their_kv= ;;
esac

# Lines "WHO NAME TOK/S"; ours is 0, peers 1, 2, ...
ours() {
    "$ration" bench engine -m "$1" --threads "$threads" --prompt-tokens "$prompt" --max-tokens "$gen" \
        --samples "$samples" --texts "$texts" --text-tokens 128 --kv "$kv" >"$dir/ours.txt"
    awk '$1 == "prefill" { print 0, "prefill", $3; print "share", "prefill", $4 + 0 }
         $1 == "samples" { print 0, "samples-" $2, $3; print "share", "samples-" $2, $4 + 0 }
         $1 == "score" { print 0, "score", $3; print "share", "score", $4 + 0 }
         /integer peak|loaded in/ { print > "/dev/stderr" }' "$dir/ours.txt"
}

theirs() {
    # In $dir, where it may leave its log.
    # shellcheck disable=SC2086
    (cd "$dir" && "$2/bin/llama-batched-bench" -m "$3" -npp "$prompt" -ntg "$gen" -npl "$samples" -pps \
        -t "$threads" -c "$context" $their_kv ${PEER_ARGS:-} 2>&1) |
        awk -F'|' -v who="$1" '
            $2 + 0 > 0 { gsub(/ /, ""); print who, "samples-" $4 + 0, $9; if ($7 + 0 > best) best = $7 + 0 }
            END { print who, "prefill", best + 0; print who, "score", best + 0 }'
}

median() {
    awk -v who="$1" -v name="$2" '$1 == who && $2 == name { print $3 }' "$dir/all" | sort -g |
        awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print 0 }'
}

printf '%-6s %-12s %10s %8s' type what ours 'integer'
n=0
for peer in "$@"; do
    n=$((n + 1))
    peer=$(cd "$peer" && pwd)
    eval "peer_$n=\$peer"
    printf ' %10s' "peer $n"
    echo "peer $n: $peer" >&2
done
[ "$n" -eq 0 ] || printf ' %7s' ratio
printf '\n'
for type in $types; do
    file=$dir/$type.gguf
    "$ration" bench engine --shape "$shape" --type "$type" --threads "$threads" --prompt-tokens 1 \
        --max-tokens 1 --samples 1 --save "$file" >/dev/null
    sync # or the writing of gigabytes takes the processors from who runs first
    : >"$dir/all"
    for _ in $(seq "$rounds"); do
        ours "$file" >>"$dir/all"
        for i in $(seq "$n"); do
            eval "peer=\$peer_$i"
            theirs "$i" "$peer" "$file" >>"$dir/all"
        done
    done
    for what in prefill $(echo "$samples" | tr , '\n' | sed 's/^/samples-/') score; do
        a=$(median 0 "$what")
        [ "$what" != score ] || [ "$texts" -gt 0 ] || continue
        printf '%-6s %-12s %10.1f %7.1f%%' "$type" "$what" "$a" "$(median share "$what")"
        best=0
        for i in $(seq "$n"); do
            b=$(median "$i" "$what")
            printf ' %10.1f' "$b"
            best=$(echo "$best $b" | awk '{ print ($1 > $2 ? $1 : $2) }')
        done
        [ "$n" -eq 0 ] || echo "$a $best" | awk '{ if ($2 > 0) printf " %7.2f", $1 / $2 }'
        printf '\n'
    done
    rm -f "$file"
done
