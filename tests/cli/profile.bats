#!/usr/bin/env bats
# profile.bats: `ration profile` on a small random model: table, JSON, store, bad input.

load helpers

setup() {
    dir=$(mktemp -d)
    model=$dir/tiny.gguf
    random_model "$model" 2,64,96,4,2,320
}

teardown() {
    rm -rf "$dir"
}

@test "profile: seconds per sample, as table, JSON and in the store" {
    run "$RATION" profile -m "$model" --prompt 16 --tokens 32 --slots 8
    [ "$status" -eq 0 ]
    [[ "$output" == *"s per 1,000 samples"* ]]
    [[ "$output" == *"best"* ]]
    run "$RATION" profile -m "$model" --prompt 16 --tokens 32 --slots 4 --format json -s "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *'"s_per_1000"'* ]]
    [ -s "$dir/a.db" ]
}

@test "profile: a model that no table knows is priced by its own shape" {
    set=$BATS_TEST_DIRNAME/../../data/mini/mini.jsonl
    "$RATION" generate -m "$model" -t "$set" -s "$dir/a.db" -n 2 --problems 0-2 --max-tokens 8
    run "$RATION" report -s "$dir/a.db"
    [[ "$output" == *"no cost entry for tiny"*"ration profile -m FILE.gguf -s STORE"* ]]
    "$RATION" profile -m "$model" --prompt 16 --tokens 32 --slots 8 -s "$dir/a.db"
    run "$RATION" report -s "$dir/a.db" --metric cost
    [[ "$output" != *"no cost entry"* ]]
    # 2 x 128 x (2 layers x (3 x 64 x 96 + 2 x 64 x 64 + 2 x 64 x 32) + 64 x 320) + 2 layers x 128^2 x 64
    run "$RATION" report -s "$dir/a.db" --metric cost --format json
    [[ "$output" == *'"flops":23068672,'* ]]
}

@test "profile: bad requests say what to do" {
    run "$RATION" profile
    [ "$status" -eq 2 ]
    run "$RATION" profile -m "$model" --tokens 0
    [ "$status" -eq 2 ]
    run "$RATION" profile -m "$model" --prompt 9000 --tokens 10
    [ "$status" -eq 3 ]
    [[ "$output" == *"context of 8192"* ]]
    run "$RATION" profile -m "$dir/none.gguf"
    [ "$status" -eq 3 ]
}
