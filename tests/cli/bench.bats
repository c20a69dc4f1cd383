#!/usr/bin/env bats
# bench.bats: `ration bench engine` on a small shape: figures, formats, a saved model, bad input.

load helpers

setup() {
    dir=$(mktemp -d)
    shape="2,64,96,4,2,320"
}

teardown() {
    rm -rf "$dir"
}

@test "bench: a table and JSON of a small random model" {
    run "$RATION" bench engine --shape "$shape" --prompt 8 --gen 4 --samples 1,3 --texts 2 --text-tokens 5
    [ "$status" -eq 0 ]
    [[ "$output" == *"integer peak"*" Tera-operations/s ("*"), memory"* ]]
    RATION_CPU=scalar run "$RATION" bench engine --shape "$shape" --prompt 8 --gen 4 --samples 1
    [[ "$output" == *"GiB, scalar"*"Tera-operations/s (plain C)"* ]]
    run "$RATION" bench engine --shape "$shape" --prompt 8 --gen 4 --samples 1,3 --texts 2 --text-tokens 5
    [[ "$output" == *"samples 3"* ]]
    [[ "$output" == *"score 2x5"* ]]
    run "$RATION" bench engine --shape "$shape" --type q4_0 --prompt 8 --gen 4 --samples 2 --format json
    [ "$status" -eq 0 ]
    [[ "$output" == *'"prefill_tok_s"'* ]]
}

@test "bench: the saved model is a model" {
    for type in f32 f16 bf16 q8_0 q4_0; do
        "$RATION" bench engine --shape "$shape" --type $type --threads 1 --prompt 4 --gen 2 --samples 1 --save "$dir/$type.gguf"
    done
    "$RATION" bench engine -m "$dir/q4_0.gguf" --prompt 4 --gen 2 --samples 1
    cd "$dir"
    make_set
    for type in f32 f16 bf16 q8_0 q4_0; do
        "$RATION" generate -m $type.gguf -t tiny.jsonl -s $type.db -n 2 --max-tokens 4
        [ "$(sql $type.db "SELECT count(*) FROM sample")" = 8 ]
    done
}

@test "bench: a mixture of experts of any type is a model" {
    for type in q8_0 q4_k iq4_nl mxfp4 tq2_0 bf16; do
        "$RATION" bench engine --shape 2,256,256,4,2,320,8,3 --type $type --threads 1 --prompt 4 --gen 2 --samples 2 \
            --save "$dir/$type.gguf"
        run "$RATION" inspect "$dir/$type.gguf"
        echo "$type: $output"
        [ "$status" -eq 0 ]
        [[ "$output" == *qwen3moe* ]]
    done
    run "$RATION" bench engine --shape 2,256,256,4,2,320,8,9
    [ "$status" -eq 3 ]
    [[ "$output" == *"9 of 8 experts"* ]]
    run "$RATION" bench engine --shape 2,256,256,4,2,320,8
    [ "$status" -eq 3 ]
    [[ "$output" == *"experts and how many"* ]]
}

@test "bench: bad requests say what to do" {
    run "$RATION" bench
    [ "$status" -eq 2 ]
    run "$RATION" bench engine --samples 1,x
    [ "$status" -eq 2 ]
    run "$RATION" bench engine --gen 0
    [ "$status" -eq 2 ]
    run "$RATION" bench engine --shape 1,2,3
    [ "$status" -eq 3 ]
    [[ "$output" == *"layers,width,ffn"* ]]
    run "$RATION" bench engine --shape 1,64,96,5,5,320
    [ "$status" -eq 3 ]
    [[ "$output" == *"do not divide"* ]]
    run "$RATION" bench engine --shape "$shape" --type q9
    [ "$status" -eq 3 ]
    run "$RATION" bench engine --shape "$shape" --type q4_k
    [ "$status" -eq 3 ]
    [[ "$output" == *"blocks of 256"* ]]
    run "$RATION" bench engine --shape 1000,1048576,1048576,4096,4096,320
    [ "$status" -eq 3 ]
    [[ "$output" == *"MiB"* ]]
}
