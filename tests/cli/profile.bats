#!/usr/bin/env bats
# profile.bats: `ration profile` on a small random model: table, JSON, store, bad input.

setup() {
    dir=$(mktemp -d)
    model=$dir/tiny.gguf
    "$RATION" bench engine --shape 2,64,96,4,2,320 --prompt 4 --gen 2 --samples 1 --save "$model" >/dev/null
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

@test "profile: bad requests say what to do" {
    run "$RATION" profile
    [ "$status" -eq 2 ]
    run "$RATION" profile -m "$model" --tokens 0
    [ "$status" -eq 2 ]
    run "$RATION" profile -m "$model" --prompt 5000 --tokens 10
    [ "$status" -eq 3 ]
    [[ "$output" == *"context of 4096"* ]]
    run "$RATION" profile -m "$dir/none.gguf"
    [ "$status" -eq 3 ]
}
