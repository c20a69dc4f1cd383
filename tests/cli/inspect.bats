#!/usr/bin/env bats
# ration inspect: the overview of a model file in three formats, token ids, logits, refusals.

setup() {
    dir=$(mktemp -d)
    make_gguf() { tests/mkgguf.py "$1" "$dir/$1.gguf"; }
}

teardown() { rm -rf "$dir"; }

need_data() {
    [ -n "${RATION_DATA:-}" ] && [ -e "$RATION_DATA/$1" ] || skip "$1 is not in RATION_DATA"
}

@test "inspect: overview as a table" {
    make_gguf llama
    run "$RATION" inspect "$dir/llama.gguf"
    [ "$status" -eq 0 ]
    [[ "$output" == *"architecture       llama"* ]]
    [[ "$output" == *"parameters         13328"* ]]
    [[ "$output" == *"context            128"* ]]
    [[ "$output" == *"tokenizer          llama"* ]]
    [[ "$output" == *"end tokens         2 </s>"* ]]
    [[ "$output" == *"chat format        none"* ]]
    [[ "$output" == *"F32                21 tensors, 13328 weights, 53312 bytes"* ]]
    # 2 * (2 * (16*16*2 + 16*8*2 + 3*16*32) + 16*270) + attention to itself: 4 * 2 * 16
    [[ "$output" == *"FLOPs per token    17984"* ]]
}

@test "inspect: chat format and its default system text" {
    make_gguf qwen2
    run "$RATION" inspect "$dir/qwen2.gguf"
    [ "$status" -eq 0 ]
    [[ "$output" == *"tokenizer          gpt2, qwen2"* ]]
    [[ "$output" == *"chat format        chatml"* ]]
    make_gguf template
    run "$RATION" inspect "$dir/template.gguf"
    [ "$status" -eq 0 ]
    [[ "$output" == *"chat format        unknown template"* ]]
}

@test "inspect: JSON parses and holds metadata and tensors" {
    make_gguf llama
    "$RATION" inspect "$dir/llama.gguf" --format json --meta --tensors >"$dir/out.json"
    run /usr/bin/python3 - "$dir/out.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["arch"] == "llama" and d["n_params"] == 13328 and d["tied_head"] is False, d
assert d["types"] == {"F32": {"tensors": 21, "weights": 13328, "bytes": 53312}}, d["types"]
meta = {m["key"]: m for m in d["metadata"]}
assert meta["llama.rope.freq_base"]["value"] == 10000, meta
assert meta["llama.attention.layer_norm_rms_epsilon"]["value"] == 1e-05
assert meta["tokenizer.ggml.tokens"]["type"] == "string[270]"
assert meta["tokenizer.ggml.tokens"]["value"][:3] == ["<unk>", "<s>", "</s>"]
assert d["tensors"][0] == {"name": "token_embd.weight", "type": "F32", "bytes": 17280,
                           "shape": [16, 270]}, d["tensors"][0]
PY
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "inspect: CSV has one row for each fact" {
    make_gguf llama
    run "$RATION" inspect "$dir/llama.gguf" -f csv --meta --tensors
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "kind,key,type,value" ]
    [[ "$output" == *"fact,n_params,,13328"* ]]
    [[ "$output" == *"metadata,general.architecture,string,llama"* ]]
    [[ "$output" == *"tensor,blk.1.ffn_down.weight,F32,32x16"* ]]
}

@test "inspect: every weight type is told" {
    for type in f32 f16 bf16 q8_0 q4_0 q4_1 q5_0 q5_1 q2_k q3_k q4_k q5_k q6_k; do
        make_gguf "one-$type"
        run "$RATION" inspect "$dir/one-$type.gguf"
        [ "$status" -eq 0 ]
        [[ "${output^^}" == *"${type^^} "*"2 TENSORS, 768 WEIGHTS"* ]]
    done
}

@test "inspect: token ids, one line for each file" {
    make_gguf bpe-qwen2
    printf 'hello' >"$dir/a"
    printf ' hello<|im_end|>' >"$dir/b"
    : >"$dir/c"
    run "$RATION" inspect "$dir/bpe-qwen2.gguf" --tokenize "$dir/a" "$dir/b" "$dir/c"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "259" ]
    [ "${lines[1]}" = "260 60 124 105 109 95 101 110 100 124 62" ]
    [ "$("$RATION" inspect "$dir/bpe-qwen2.gguf" --tokenize "$dir/c" | od -An -c | tr -d ' ')" = '\n' ]
    run "$RATION" inspect "$dir/bpe-qwen2.gguf" --tokenize "$dir/absent"
    [ "$status" -eq 3 ]
    [[ "$output" == *"absent"* ]]
}

@test "inspect: logits of every position" {
    make_gguf llama
    printf '\001\000\000\000\005\000\000\000\010\001\000\000' >"$dir/ids"
    run "$RATION" inspect "$dir/llama.gguf" --logits "$dir/ids" "$dir/out"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(wc -c <"$dir/out")" -eq $((3 * 270 * 4)) ]
    printf '\001\000' >"$dir/odd"
    run "$RATION" inspect "$dir/llama.gguf" --logits "$dir/odd" "$dir/out"
    [ "$status" -eq 3 ]
    [[ "$output" == *"not one or more int32 token ids"* ]]
    printf '\377\377\000\000' >"$dir/high"
    run "$RATION" inspect "$dir/llama.gguf" --logits "$dir/high" "$dir/out"
    [ "$status" -eq 3 ]
    [[ "$output" == *"65535"* ]]
}

@test "inspect: golden logits within the errors of llama.cpp" {
    need_data golden/ids.bin
    for name in llama-f32 llama-q4_k qwen2-q8_0 starcoder2-q4_0; do
        "$RATION" inspect "$RATION_DATA/golden/$name.gguf" --logits "$RATION_DATA/golden/ids.bin" "$dir/out"
        run /usr/bin/python3 - "$RATION_DATA/golden" "$name" "$dir/out" <<'PY'
import array, json, math, sys
golden, name, out = sys.argv[1:]
want = array.array("f", open("%s/%s.logits" % (golden, name), "rb").read())
got = array.array("f", open(out, "rb").read())
limit = json.load(open(golden + "/llama_cpp_errors.json"))[name + ".gguf"]["rel_err_llamacpp"]
assert len(want) == len(got)
error = math.sqrt(sum((a - b) ** 2 for a, b in zip(want, got)) / sum(a * a for a in want))
print(name, error, limit)
assert error <= max(1.10 * limit, 1e-5), (name, error, limit)
PY
        echo "$output"
        [ "$status" -eq 0 ]
    done
}

@test "inspect: recorded token vectors through the command" {
    need_data tokenizers/llama-spm.inp
    for name in llama-spm llama-bpe qwen2 deepseek-coder starcoder; do
        mkdir "$dir/$name"
        /usr/bin/python3 - "$RATION_DATA/tokenizers/$name.inp" "$dir/$name" <<'PY'
import sys
texts = open(sys.argv[1], "rb").read().split(b"\n__ggml_vocab_test__\n")[:-1]
for i, text in enumerate(texts):
    open("%s/%02d" % (sys.argv[2], i), "wb").write(text)
PY
        "$RATION" inspect "$RATION_DATA/tokenizers/$name.gguf" --tokenize "$dir/$name"/* >"$dir/got"
        sed 's/^ *//' "$RATION_DATA/tokenizers/$name.out" | diff - "$dir/got"
    done
}

@test "inspect: usage errors" {
    make_gguf llama
    run "$RATION" inspect
    [ "$status" -eq 2 ]
    run "$RATION" inspect "$dir/llama.gguf" extra
    [ "$status" -eq 2 ]
    run "$RATION" inspect "$dir/llama.gguf" --format xml
    [ "$status" -eq 2 ]
    [[ "$output" == *"'xml'"* ]]
    run "$RATION" inspect "$dir/llama.gguf" --tokenize
    [ "$status" -eq 2 ]
    run "$RATION" inspect "$dir/llama.gguf" --logits "$dir/ids"
    [ "$status" -eq 2 ]
    run "$RATION" inspect --help
    [ "$status" -eq 0 ]
}

@test "inspect: files that are none, or damaged, or incomplete" {
    run "$RATION" inspect "$dir/absent.gguf"
    [ "$status" -eq 3 ]
    printf '<!DOCTYPE html>' >"$dir/page"
    run "$RATION" inspect "$dir/page"
    [ "$status" -eq 3 ]
    [[ "$output" == *"web page"* ]]
    make_gguf llama
    head -c 30000 "$dir/llama.gguf" >"$dir/cut.gguf"
    run "$RATION" inspect "$dir/cut.gguf"
    [ "$status" -eq 3 ]
    [[ "$output" == *"incomplete"* ]]
    tests/mkgguf.py split1 "$dir/m-00001-of-00002.gguf"
    run "$RATION" inspect "$dir/m-00001-of-00002.gguf"
    [ "$status" -eq 3 ]
    [[ "$output" == *"m-00002-of-00002.gguf is missing"* ]]
    tests/mkgguf.py split2 "$dir/m-00002-of-00002.gguf"
    run "$RATION" inspect "$dir/m-00001-of-00002.gguf"
    [ "$status" -eq 0 ]
    [[ "$output" == *"parts              2"* ]]
    run "$RATION" inspect "$dir/m-00002-of-00002.gguf"
    [ "$status" -eq 3 ]
    [[ "$output" == *"open the first part"* ]]
}
