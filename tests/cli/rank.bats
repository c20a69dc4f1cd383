#!/usr/bin/env bats
# rank.bats: scores of samples by likelihood: continued after any end, left-out samples, bad input.

setup() {
    dir=$(mktemp -d)
    set=$BATS_TEST_DIRNAME/../../data/mini/mini.jsonl
    model=$dir/tiny.gguf
    "$RATION" bench engine --shape 2,64,96,4,2,320 --prompt 4 --gen 2 --samples 1 --save "$model" >/dev/null
}

teardown() {
    rm -rf "$dir"
}

fill() {
    "$RATION" generate -m "$model" -t "$set" -s "$1" -n 16 --problems 0-2 --max-tokens 200 \
        --temperature 1 --top-p 1
}

rank() {
    "$RATION" rank -m "$model" -t "$set" -s "$@"
}

@test "rank: every sample that ended is scored, once" {
    fill "$dir/a.db"
    run rank "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"at their token limit"* ]]
    [[ "$output" != *"run 1: 0 of"* ]]
    run rank "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"run 1: 0 of 0 scored"* ]]
}

@test "rank: the same scores after kill -9, whatever slots and threads" {
    fill "$dir/a.db"
    cp "$dir/a.db" "$dir/b.db"
    rank "$dir/a.db" --slots 1 --threads 1
    for i in 1 2 3; do
        "$RATION" rank -m "$model" -t "$set" -s "$dir/b.db" >/dev/null 2>&1 &
        pid=$!
        sleep 0.0$((i * 2))
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    rank "$dir/b.db" --slots 7 --threads 2
    [ "$("$RATION" export -s "$dir/a.db" --format digest)" = "$("$RATION" export -s "$dir/b.db" --format digest)" ]
}

@test "rank: samples of others" {
    printf '{"task_id": "mini/0", "completion": "    return 1\\n"}\n{"task_id": "mini/0", "completion": ""}\n' \
        >"$dir/s.jsonl"
    "$RATION" import -s "$dir/a.db" -t "$set" --model other "$dir/s.jsonl"
    run rank "$dir/a.db"
    [ "$status" -eq 0 ]
    [[ "$output" == *"1 scored"* ]]
    [[ "$output" == *"1 without a token"* ]]
    run rank "$dir/a.db" --of nobody
    [ "$status" -eq 3 ]
    [[ "$output" == *"no run with samples"* ]]
}

@test "rank: bad requests say what to do" {
    run "$RATION" rank -m "$model"
    [ "$status" -eq 2 ]
    run rank "$dir/a.db" --by magic
    [ "$status" -eq 2 ]
    [[ "$output" == *"there is nll"* ]]
    run rank "$dir/none.db"
    [ "$status" -eq 3 ]
    fill "$dir/a.db"
    run "$RATION" rank -m "$model" -t "$BATS_TEST_DIRNAME/rank.bats" -s "$dir/a.db"
    [ "$status" -eq 3 ]
}
