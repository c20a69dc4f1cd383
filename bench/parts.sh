#!/bin/sh
# Where the time of the sampling engine goes, by part, in one run: the CPU time that perf finds in each
# function of `ration bench engine` with SAMPLES in flight, loading and the measurement of the peak
# left out. Shares of one run's CPU time depend little on what else the machine does, except for
# "waiting", threads that look for work: take that from a machine that does nothing else.
#   bench/parts.sh BUILD        TYPE=q8_0 SHAPE=... THREADS=2 PROMPT=128 GEN=64 SAMPLES=64
set -eu
cd "$(dirname "$0")/.."
ration=${1:-build}/ration
[ -x "$ration" ] || { echo "bench/parts.sh: no $ration; run make" >&2; exit 2; }
command -v perf >/dev/null || { echo "bench/parts.sh: no perf (apt install linux-perf)" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
shape=${SHAPE:-22,2048,5632,32,4,32000}
"$ration" bench engine --shape "$shape" --type "${TYPE:-q8_0}" --threads "${THREADS:-2}" --prompt 1 --gen 1 \
    --samples 1 --save "$dir/m.gguf" >/dev/null
perf record -q -e cpu-clock -F 499 -o "$dir/perf" "$ration" bench engine -m "$dir/m.gguf" \
    --threads "${THREADS:-2}" --prompt "${PROMPT:-128}" --gen "${GEN:-64}" --samples "${SAMPLES:-64}" >"$dir/out"
grep -E 'integer peak|^prefill|^samples' "$dir/out" >&2
perf report -q -i "$dir/perf" --stdio --no-children -g none -F overhead,dso,sym 2>/dev/null >"$dir/functions"
awk '
function part(f, dso) {
    if (f ~ /^(peak_|rn_pack|strip_|rn_quant|rn_dequant_row$|load_|rn_gguf|rn_qtype|check_rows|put_|decode$)/ && f !~ /^load_(keys|values)/)
        return "" # loading, and the peak that shares are held against
    if (f ~ /^(tile|ftile|multiply|unpack|scales$|work$|rn_mat_mul)/) return "products"
    if (f ~ /^(quantise|set_panels|set_rows|rn_act_set)/) return "activations to 8 bits"
    if (f ~ /^(run_page|run_pages|run_keys|run_tile|run_prefixes|scores|mix|softmax_step|load_keys|load_values|store_|rn_kv_store|keys_to_values|to_half|halves)/)
        return "attention and its cache"
    if (f ~ /^(cut|mass_|keep|exp_row|max_row|rn_sampler|rn_logprob|rn_argmax|pick|rn_rng|draw|sample)/)
        return "sampling and likelihoods"
    if (f ~ /^(rmsnorm|layernorm|add$|scale_row|silu|gelu|rn_rope|.*_rows$|norm$)/) return "between the products"
    if (f ~ /^(thread_main|wait_|spin|rn_pool|run_loop|worker)/) return "waiting"
    return dso ~ /kernel/ ? "system" : "the rest"
}
/%/ {
    share = $1 + 0; dso = $2; f = $4
    p = part(f, dso)
    if (p == "") next
    sum[p] += share; all += share
    if (p == "the rest" && share > 0.05) rest = rest " " f
}
END {
    for (p in sum) printf "%-26s %5.1f %%\n", p, 100 * sum[p] / all | "sort -t% -k1.27,1.33nr"
    close("sort -t% -k1.27,1.33nr")
    if (rest != "") print "the rest:" rest
}' "$dir/functions"
