#!/usr/bin/env bats
# generate.bats: samples into a store, continued after any end, and what is refused.

load helpers

setup() {
    dir=$(mktemp -d)
    model=${RATION_DATA:-/nowhere}/weights/stories260K-f32.gguf
    set=$BATS_TEST_DIRNAME/../../data/mini/mini.jsonl
}

teardown() {
    rm -rf "$dir"
}

need_model() {
    [ -r "$model" ] || skip "no weights/stories260K-f32.gguf in RATION_DATA"
}

digest() {
    "$RATION" export -s "$1" --format digest
}

generate() {
    "$RATION" generate -m "$model" -t "$set" -s "$@"
}

@test "generate: the same samples whatever slots, threads and three kill -9" {
    need_model
    args="-n 64 --problems 0-3 --max-tokens 24 --seed 5"
    generate "$dir/a.db" $args --slots 1 --threads 1
    generate "$dir/b.db" $args --slots 7 --threads 2
    [ "$(digest "$dir/a.db")" = "$(digest "$dir/b.db")" ]
    for i in 1 2 3; do
        "$RATION" generate -m "$model" -t "$set" -s "$dir/c.db" $args --slots 64 >/dev/null 2>&1 &
        pid=$!
        sleep 0.0$((i * 3))
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    run generate "$dir/c.db" $args --slots 64
    [ "$status" -eq 0 ]
    [[ "$output" == *"256 of 256 samples"* ]]
    [ "$(digest "$dir/a.db")" = "$(digest "$dir/c.db")" ]
}

@test "generate: what is there is kept, more can be asked for" {
    need_model
    run generate "$dir/a.db" -n 2 --problems 0-1 --max-tokens 8
    [[ "$output" == *"4 of 4 samples (4 made now"* ]]
    run generate "$dir/a.db" -n 3 --problems 1-2 --max-tokens 8
    [[ "$output" == *"6 of 6 samples (4 made now"* ]]
    run generate "$dir/a.db" -n 3 --problems 1-2 --max-tokens 8
    [ "$status" -eq 0 ]
    [[ "$output" == *"(0 made now"* ]]
}

@test "generate: a preset of the study sets prompt, sampling and n; every option wins over it" {
    cd "$dir"
    make_set
    random_model tiny.gguf
    run "$RATION" generate -m tiny.gguf -s a.db -t tiny.jsonl --preset paper-humaneval --max-tokens 1 --problems 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"2000 of 2000 samples"* ]] # the study's n for the smallest class of models
    run sql a.db "SELECT preset, json_extract(settings, '$.temperature', '$.top_p', '$.max_tokens') FROM run"
    [ "$output" = "paper-humaneval|[0.8,0.95,1]" ]
    "$RATION" generate -m tiny.gguf -s b.db -t tiny.jsonl --preset paper-humaneval -n 2 --temperature 0.5
    run sql b.db "SELECT json_extract(settings, '$.temperature', '$.top_p', '$.max_tokens'),
        (SELECT count(*) FROM sample) FROM run"
    [ "$output" = "[0.5,0.95,512]|8" ]
    "$RATION" generate -m tiny.gguf -s c.db -t tiny.jsonl --preset paper-humaneval --greedy --max-tokens 2
    [ "$(sql c.db "SELECT kind, (SELECT count(*) FROM sample) FROM run")" = "greedy|4" ]
    # Without -t the preset names the set; its prompt must fit the set.
    run env -u RATION_DATA XDG_DATA_HOME="$dir" "$RATION" generate -m tiny.gguf -s d.db --preset paper-apps-interview
    [ "$status" -eq 3 ]
    [[ "$output" == *"apps"* ]]
    run "$RATION" generate -m tiny.gguf -s d.db -t tiny.jsonl --preset paper-apps-interview
    [ "$status" -eq 3 ]
    [[ "$output" == *"paper-apps does not fit"* ]]
    run "$RATION" generate -m tiny.gguf -s d.db -t tiny.jsonl --preset paper-nothing
    [ "$status" -eq 3 ]
    [[ "$output" == *"no prompt preset 'paper-nothing'"*"paper-apps-competition"* ]]
}

@test "generate: every k-th problem" {
    cd "$dir"
    make_set
    random_model tiny.gguf
    "$RATION" generate -m tiny.gguf -s a.db -t tiny.jsonl --problems 0-3/2 --max-tokens 2
    [ "$(sql a.db "SELECT group_concat(p.ord) FROM sample s JOIN problem p ON p.id = s.problem_id")" = "0,2" ]
    for bad in 0-3/0 0-3/ 0-3/-1 0/x 0-4/2; do
        run "$RATION" generate -m tiny.gguf -s a.db -t tiny.jsonl --problems "$bad"
        [ "$status" -eq 3 ]
    done
}

@test "generate: Ctrl-C stops cleanly and the same command continues" {
    need_model
    # a background job of a shell without job control ignores SIGINT: SIGTERM goes the same way
    "$RATION" generate -m "$model" -t "$set" -s "$dir/a.db" -n 1000 --problems 0-3 --max-tokens 200 \
        --slots 4 >"$dir/out" 2>&1 &
    pid=$!
    await 'grep -q "samples to make" "$dir/out"'
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 1 ]
    grep -q "the same command continues" "$dir/out"
}

@test "generate: greedy is one sample of its own run" {
    need_model
    generate "$dir/a.db" --greedy --problems 0 --max-tokens 8
    run generate "$dir/a.db" --greedy --problems 0 --max-tokens 8
    [[ "$output" == *"(0 made now"* ]]
    run generate "$dir/a.db" --problems 0 --max-tokens 8
    [[ "$output" == *"(1 made now"* ]]
}

@test "generate: bad requests say what to do" {
    run generate "$dir/a.db" -n 0
    [ "$status" -eq 2 ]
    [[ "$output" == *"-n is 0"* ]]
    run generate "$dir/a.db" --temperature -1
    [ "$status" -eq 2 ]
    [[ "$output" == *"temperature -1 is out of range"* ]]
    run generate "$dir/a.db" --top-p 0
    [ "$status" -eq 2 ]
    [[ "$output" == *"outside (0, 1]"* ]]
    run generate "$dir/a.db" --top-p 1.01
    [ "$status" -eq 2 ]
    run generate "$dir/a.db" --memory much
    [ "$status" -eq 2 ]
    run generate "$dir/a.db" --kv f8
    [ "$status" -eq 2 ]
    run "$RATION" generate -m /nowhere.gguf -t "$set" -s "$dir/a.db"
    [ "$status" -eq 3 ]
    [[ "$output" == *"/nowhere.gguf"* ]]
}

@test "generate: with a model" {
    need_model
    run generate "$dir/a.db" --problems 0-9999
    [ "$status" -eq 3 ]
    [[ "$output" == *"has problems 0 to"* ]]
    run generate "$dir/a.db" --problems 3-1
    [ "$status" -eq 3 ]
    run generate "$dir/a.db" --preset nonsense
    [ "$status" -eq 3 ]
    [[ "$output" == *"no prompt preset 'nonsense'"* ]]
    run generate "$dir/a.db" --chat auto
    [ "$status" -eq 3 ]
    [[ "$output" == *"no chat template"* ]]
    run generate "$dir/a.db" --memory 1M
    [ "$status" -eq 3 ]
    [[ "$output" == *"MiB may be used"* ]]
}

@test "generate: a prompt longer than the context is left out and said so" {
    need_model
    printf '{"task_id": "long/0", "prompt": "%s", "entry_point": "f", "canonical_solution": "", "test": "def check(c):\\n    pass\\n"}\n' \
        "$(head -c 5000 /dev/zero | tr '\0' 'x')" >"$dir/long.jsonl"
    run "$RATION" generate -m "$model" -t "$dir/long.jsonl" -s "$dir/a.db" -n 2
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not fit the context of 512"* ]]
}

@test "generate: a store that another writer holds" {
    need_model
    "$RATION" generate -m "$model" -t "$set" -s "$dir/a.db" -n 1000 --problems 0-3 --max-tokens 200 \
        --slots 4 >"$dir/out" 2>&1 &
    pid=$!
    await 'grep -q "samples to make" "$dir/out"'
    run generate "$dir/a.db" -n 1 --problems 0
    kill -9 $pid
    wait $pid 2>/dev/null || true
    [ "$status" -eq 3 ]
    [[ "$output" == *"in use"* || "$output" == *"$pid"* ]]
}

@test "generate: the example of the library" {
    example=${RATION%/*}/examples/generate
    [ -x "$example" ] || skip "examples are not built"
    run "$example" /nowhere.gguf x
    [ "$status" -eq 1 ]
    need_model
    run "$example" "$model" "Once upon a time"
    [ "$status" -eq 0 ]
    [[ "$output" == *"#7 length, 64 tokens"* ]]
}

@test "generate: a problem with a gap is asked in the model's own form, where its file names the tokens" {
    cd "$dir"
    random_model plain.gguf
    printf '%s\n' '{"task_id": "Gap/0", "prompt": "def f(x):\n", "suffix": "    return y\n", "entry_point": "f", "canonical_solution": "    y = x\n", "test": "def check(f):\n    assert f(1) == 1\n"}' >gap.jsonl
    # The same model, whose tokens 300 to 302 are control tokens that the file names.
    /usr/bin/python3 - <<'PY'
import struct
b = open("plain.gguf", "rb").read()
n_tensors, n_kv = struct.unpack_from("<QQ", b, 8)
at, sizes = 24, {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
out = bytearray(b)
def text(at):
    n, = struct.unpack_from("<Q", b, at)
    return b[at + 8:at + 8 + n], at + 8 + n
def value(kind, at, key=None):
    if kind == 8:
        return text(at)[1]
    if kind != 9:
        return at + sizes[kind]
    kind, n = struct.unpack_from("<IQ", b, at)
    at += 12
    if key == b"tokenizer.ggml.token_type":
        for i in (300, 301, 302):
            struct.pack_into("<i", out, at + 4 * i, 3)
    for _ in range(n):
        at = value(kind, at)
    return at
for _ in range(n_kv):
    key, at = text(at)
    at = value(struct.unpack_from("<I", b, at)[0], at + 4, key)
kvs = at
for _ in range(n_tensors):
    _, at = text(at)
    dims, = struct.unpack_from("<I", b, at)
    at += 4 + 8 * dims + 4 + 8
data = (at + 31) // 32 * 32
more = b"".join(struct.pack("<Q", len(k)) + k + struct.pack("<II", 4, v) for k, v in (
    (b"tokenizer.ggml.fim_pre_token_id", 300), (b"tokenizer.ggml.fim_suf_token_id", 301), (b"tokenizer.ggml.fim_mid_token_id", 302)))
head = bytes(out[:16]) + struct.pack("<Q", n_kv + 3) + bytes(out[24:kvs]) + more + bytes(out[kvs:at])
open("fim.gguf", "wb").write(head + b"\0" * (-len(head) % 32) + b[data:])
PY
    run "$RATION" generate -m plain.gguf -t gap.jsonl -s plain.db -n 1 --max-tokens 4
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"sees what stands before the gap alone: its file names no tokens that fill gaps"* ]]
    run "$RATION" generate -m fim.gguf -t gap.jsonl -s fim.db -n 1 --max-tokens 4
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" != *"gap alone"* ]]
    # the texts before and behind the gap, three tokens around them
    printf 'def f(x):\n' >before
    printf '    return y\n' >behind
    n=$("$RATION" inspect --tokenize fim.gguf before behind | wc -w)
    [ "$(sql fim.db "SELECT prompt_tok FROM sample")" = $((n + 3 + 1)) ] || { sql fim.db "SELECT prompt_tok FROM sample"; echo "$n"; false; }
    [ "$(sql fim.db "SELECT json_extract(settings, '\$.infill') FROM run")" = 1 ]
    [ "$(sql plain.db "SELECT json_extract(settings, '\$.infill') IS NULL FROM run")" = 1 ]
    "$RATION" rank -m fim.gguf -t gap.jsonl -s fim.db
}
