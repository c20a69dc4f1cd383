#!/usr/bin/env bats
# server.bats: models behind a server in generate, rank and profile, against tests/server.

setup_file() {
    load helpers
    SRV=$(mktemp -d "${TMPDIR:-/tmp}/ration-server-XXXXXX")
    start_server "$SRV"
    export SRV BASE
}

teardown_file() {
    load helpers
    stop_server "$SRV"
    rm -rf "$SRV"
}

setup() {
    load helpers
    in_tmpdir
    make_set
}

teardown() {
    leave_tmpdir
}

# generate HOW STORE OPTION...: from the server under that fault.
generate() {
    local how=$1 store=$2
    shift 2
    "$RATION" generate -m "$BASE${how:+/$how}/v1#test-model" -t tiny.jsonl -s "$store" \
        --retry-wait 0.001 "$@"
}

@test "server: samples, their conditions and what they cost are in the store" {
    run generate "" a.db -n 20 --seed 3 --max-tokens 40 --cost code-llama-7b
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"80 of 80 samples (80 made now"* ]]
    [[ "$output" == *"n is honoured, log probabilities are given"* ]]
    [[ "$output" == *"0 of 12 greedy answers differ"* ]]
    [[ "$output" == *" requests, sent "* ]]
    [ "$(sql a.db "SELECT count(*) FROM sample WHERE prompt_tok > 0 AND gen_tok > 0 AND flop > 0
        AND abs(logprob + 0.25 * text_bytes) < 1e-9 AND finish = 'stop'")" = 80 ]
    settings=$(sql a.db "SELECT settings FROM run")
    [[ "$settings" == *'"api":"completions"'* ]]
    [[ "$(sql a.db "SELECT provenance FROM run")" == *"\"server\":\"$BASE/v1\""* ]]
    [[ "$settings" == *'"seed":3'* ]]
    note=$(sql a.db "SELECT note FROM command")
    [[ "$note" == *'"greedy_disagree":0'* && "$note" == *'"cached_tokens":'* ]]
    [ "$(sql a.db "SELECT name FROM model")" = test-model ]
}

@test "server: what is there is kept, more can be asked for" {
    generate "" a.db -n 2 --problems 0-1
    run generate "" a.db -n 3 --problems 1-2
    [[ "$output" == *"6 of 6 samples (4 made now"* ]]
    before=$(grep -c completions "$SRV/log")
    run generate "" a.db -n 3 --problems 1-2
    [ "$status" -eq 0 ]
    [[ "$output" == *"(0 made now"* ]]
    [ "$(grep -c completions "$SRV/log")" = "$before" ] # nothing is asked for nothing
}

@test "server: without n, or with equal choices, single requests" {
    for how in n1 nsame; do
        run generate $how $how.db -n 5 --max-tokens 40
        echo "$output"
        [ "$status" -eq 0 ]
        [[ "$output" == *"one sample a request"* ]]
        [ "$(count $how.db)" = 20 ]
    done
    [ "$(sql n1.db "SELECT count(DISTINCT text) FROM sample_text JOIN sample s ON s.id = sample_id
        WHERE problem_id = 1")" -gt 1 ]
    # a server that stops honouring n in the middle of the work
    run generate "n1:400" b.db -n 5
    [ "$(count b.db)" = 20 ]
}

@test "server: chat, greedy, without log probabilities and usage" {
    run generate "nologprobs+nousage" a.db -n 2 --api chat
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"log probabilities are not given"* ]]
    [[ "$output" == *"(8 made now, tokens unknown of 8, "* ]]
    [ "$(sql a.db "SELECT count(*) FROM sample WHERE logprob IS NULL AND gen_tok IS NULL")" = 8 ]
    [[ "$(sql a.db "SELECT settings FROM run")" == *'"api":"chat","chat":"server"'* ]]
    generate "" a.db --greedy
    [ "$(sql a.db "SELECT count(*) FROM sample JOIN run r ON r.id = run_id WHERE kind = 'greedy'")" = 4 ]
}

@test "server: faults that pass are waited for, and what they cost is told" {
    run generate "500:2+reset:5" a.db -n 3 --max-tokens 40
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(count a.db)" = 12 ]
    [[ "$output" == *"answers not reported"* ]]
}

@test "server: faults that stay end with a message, and nothing is stored" {
    while read -r how message; do
        run generate "$how" a.db -n 2 --retries 2
        echo "$how: $output"
        [ "$status" -eq 3 ]
        [[ "$output" == *"$message"* ]]
        [ ! -e a.db ] || [ "$(count a.db)" = 0 ]
    done <<'END'
html is a web page
json is not valid JSON
empty empty list of choices
many 2 choices, 1 were asked for
huge sends more than
redirect redirects are not followed
reset (3 attempts)
429 too many requests
500 answers 500 (3 attempts): status 500 for a test
400 status 400 for a test
401 name the environment variable of the key with --key-env
404 is the address right up to /v1
END
    run generate "hang" a.db --timeout 0.05 --retries 1
    [ "$status" -eq 3 ]
    [[ "$output" == *"no whole answer within"* ]]
    run "$RATION" generate -m "http://127.0.0.1:1/v1#m" -t tiny.jsonl -s a.db --retry-wait 0.001
    [ "$status" -eq 3 ]
    [[ "$output" == *"is the server running at this address?"* ]]
}

@test "server: faults that begin in the middle: what was there stays, the rest is missing" {
    while read -r how expected message; do
        run generate "$how" "$how.db" -n 8 --max-tokens 40 --retries 2 --in-flight 1
        echo "$how: $output"
        [ "$status" -eq "$expected" ]
        [[ "$output" == *"$message"* ]]
        [ "$(count "$how.db")" = 16 ] # six requests were the probe's, two gave eight samples each
    done <<'END'
html@8 1 answers 502 (3 attempts): (a web page)
reset@8 1 (3 attempts)
401@8 3 status 401 for a test
429@8 3 too many requests
END
}

@test "server: what the model ended is a sample, whatever it says: it is not asked for again" {
    while read -r how n what; do
        run generate "$how" "$how.db" -n 6 --api chat
        echo "$how: $output"
        [ "$status" -eq 0 ]
        [ "$(count "$how.db")" = 24 ]
        [ "$(sql "$how.db" "SELECT count(*) >= $n FROM sample s WHERE $what")" = 1 ]
    done <<'END'
filter1 1 finish = 'content_filter'
null3 3 text_bytes = 0 AND finish = 'stop'
bare3 4 text_bytes = 0 AND finish = 'length' AND gen_tok = 512
finish-tool_calls 24 finish = 'tool_calls'
parts 24 text_bytes > 20
END
    run generate "abort@8" abort.db -n 8 --in-flight 1
    [ "$status" -eq 1 ]
    [[ "$output" == *"broken off by the server"* ]]
}

@test "server: what is not sent is named in the settings, with one line" {
    while read -r how decided setting; do
        run generate "$how" "$how.db" -n 20
        echo "$how: $output"
        [ "$status" -eq 0 ]
        [ "$(count "$how.db")" = 80 ]
        [ "$(grep -c "the server decides" <<<"$output")" = "$([ "$decided" = - ] && echo 0 || echo 1)" ]
        [ "$decided" = - ] || [[ "$output" == *"the server decides ${decided//,/, },"* ]]
        [[ "$(sql "$how.db" "SELECT settings FROM run")" == *"$setting"* ]]
        run generate "$how" "$how.db" -n 20 # the same run again
        [[ "$output" == *"run 1: 80 of 80 samples (0 made now"* ]]
    done <<'END'
ok - "top_k":0
maxn-4 - "top_k":0
maxstop-4 - "top_k":0
newmax - "max_tokens":512
notopk top_k,min_p,repetition_penalty "server_decides":["top_k","min_p","repetition_penalty"]
extra-seed seed "server_decides":["seed"]
temp1 temperature "server_decides":["temperature"]
END
    [[ "$(sql maxstop-4.db "SELECT note FROM command")" == *'"stops_sent":4'* ]]
    [[ "$(sql maxn-4.db "SELECT note FROM command")" == *'"choices_at_most":4'* ]]
    run generate "topp1" g.db --greedy
    [ "$status" -eq 0 ]
    [[ "$output" != *"the server decides"* ]]
}

@test "server: fields, headers and parameters of the user's own; keys are kept nowhere" {
    T_KEY=hush-hush run generate "" a.db -n 2 --body '{"reasoning_effort": "low", "seed": null}' \
        --header 'X-Team: eval' --header 'X-Api-Key: $T_KEY' --query api-version=7
    echo "$output"
    [ "$status" -eq 0 ]
    grep '"x-api-key": "hush-hush"' "$SRV/log" | grep -q 'completions?api-version=7'
    settings=$(sql a.db "SELECT settings FROM run")
    [[ "$settings" == *'"body":{"reasoning_effort":"low","seed":null}'* && "$settings" != *'"seed":0'* ]]
    [[ "$settings" == *'"X-Team":"eval"'* ]]
    ! grep -q "hush-hush" a.db*
    run generate "" b.db --header 'Authorization: Bearer x'
    [ "$status" -eq 3 ]
    [[ "$output" == *'$VAR'* ]]
    run generate "" b.db --body '{"top_p": 1}'
    [[ "$output" == *"use --top-p"* ]]
    run "$RATION" generate -m "127.0.0.1:1/v1#m" -t tiny.jsonl -s b.db
    [ "$status" -eq 2 ]
    [[ "$output" == *"http://127.0.0.1:1/v1#m"* ]]
    run generate "" b.db --max-tokens 0
    [ "$status" -eq 2 ]
}

@test "server: the key is sent, and kept nowhere" {
    RATION_TEST_KEY=sk-very-secret run generate "" a.db -n 2 --key-env RATION_TEST_KEY
    echo "$output"
    [ "$status" -eq 0 ]
    grep -q "Bearer sk-very-secret" "$SRV/log"
    ! grep -q "sk-very-secret" a.db*
    [[ "$output" != *"sk-very-secret"* ]]
    run generate "" a.db -n 2 --key-env RATION_NOT_SET
    [ "$status" -eq 3 ]
    [[ "$output" == *"RATION_NOT_SET"* ]]
}

@test "server: Ctrl-C stops cleanly, the same command continues" {
    "$RATION" generate -m "$BASE/slow-100/v1#test-model" -t tiny.jsonl -s a.db -n 40 --in-flight 2 \
        >out 2>&1 3>&- &
    pid=$!
    signal_at 1 $pid TERM a.db
    status=0
    wait $pid || status=$?
    cat out
    [ "$status" -eq 1 ]
    grep -q "the same command continues" out
    n=$(count a.db)
    [ "$n" -gt 0 ]
    run generate "slow-100" a.db -n 40 --in-flight 64
    [ "$status" -eq 0 ]
    [[ "$output" == *"160 of 160 samples ($((160 - n)) made now"* ]]
}

@test "server: ten kill -9, then the rest: nothing twice, nothing lost" {
    cmd=("$RATION" generate -m "$BASE/slow-5/v1#test-model" -t tiny.jsonl -n 60 --seed 9
        --in-flight 4 --max-tokens 40 -s)
    KILL_FULL_MS=$(time_ms "${cmd[@]}" full.db)
    kill_then_finish 5 10 "${cmd[@]}" a.db
    [ "$(count a.db)" = 240 ]
    [ "$(sql a.db "SELECT count(DISTINCT problem_id || ':' || idx) FROM sample")" = 240 ]
}

@test "server: bad requests say what to do" {
    run "$RATION" generate -m "http://h/v1" -t tiny.jsonl -s a.db
    [ "$status" -eq 2 ]
    [[ "$output" == *"#MODEL"* ]]
    run "$RATION" generate -m "http://u:p@h/v1#m" -t tiny.jsonl -s a.db
    [ "$status" -eq 2 ]
    [[ "$output" == *"--key-env"* ]]
    run generate "" a.db --threads 2
    [ "$status" -eq 2 ]
    run generate "" a.db --chat llama3
    [ "$status" -eq 2 ]
    run generate "" a.db --api both
    [ "$status" -eq 2 ]
    run generate "" a.db --in-flight 0
    [ "$status" -eq 2 ]
    run bash -c "ulimit -n 200; '$RATION' generate -m '$BASE/v1#test-model' -t tiny.jsonl -s a.db --in-flight 200"
    [ "$status" -eq 3 ]
    [[ "$output" == *"ulimit -n"* ]]
    run "$RATION" generate -m x.gguf -t tiny.jsonl -s a.db --key-env K
    [ "$status" -eq 2 ]
    [[ "$output" == *"behind a server"* ]]
    run generate "" a.db --cost nonsense
    [ "$status" -eq 3 ]
    [[ "$output" == *"--cost-file"* ]]
}

@test "server: libcurl is loaded when a server is asked; without it a message says what to install" {
    run bash -c "LD_DEBUG=files '$RATION' --version 2>&1 | grep -c libcurl"
    [ "$output" = 0 ]
    mkdir none
    echo nothing >none/libcurl.so.4
    run env LD_LIBRARY_PATH=none "$RATION" generate -m "$BASE/v1#test-model" -t tiny.jsonl -s a.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"apt install libcurl4"* ]]
    run env LD_LIBRARY_PATH=none "$RATION" fetch --data "$PWD/none" humaneval
    [ "$status" -eq 3 ]
    [[ "$output" == *"apt install libcurl4"* ]]
}

@test "server: prices of a cost file give dollars" {
    printf '[model mine]\nusd_per_1m_input = 1000\nusd_per_1m_cached = 100\nusd_per_1m_output = 2000\n' >prices
    run generate "" a.db -n 2 --cost mine --cost-file prices
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"; \$0."* ]]
    [[ "$(sql a.db "SELECT note FROM command")" == *'"usd":'* ]]
}

@test "server: rank scores by echo or prompt_logprobs, and says where neither is" {
    generate "" a.db -n 4 --max-tokens 40
    for how in bos noecho; do
        run "$RATION" rank -m "$BASE/$how/v1#test-model" -s a.db -t tiny.jsonl --name $how --in-flight 2
        echo "$output"
        [ "$status" -eq 0 ]
        [[ "$output" == *"run 1: 16 of 16 scored"* ]]
        [ "$(sql a.db "SELECT count(*) FROM score c JOIN ranker r ON r.id = c.ranker_id
            JOIN sample s ON s.id = c.sample_id WHERE r.name = 'nll:$how'
            AND abs(c.sum + 0.25 * s.text_bytes) < 1e-9 AND abs(c.score * c.n_tok + c.sum) < 1e-9")" = 16 ]
    done
    run "$RATION" rank -m "$BASE/bos/v1#test-model" -s a.db -t tiny.jsonl --name bos
    [[ "$output" == *"run 1: 0 of 0 scored"* ]]
    run "$RATION" rank -m "$BASE/zeroprobs+noprompt/v1#test-model" -s a.db -t tiny.jsonl
    echo "$output"
    [ "$status" -eq 3 ]
    [[ "$output" == *"its log probabilities are all 0"* ]]
    run "$RATION" rank -m "$BASE/llama/v1#test-model" -s a.db -t tiny.jsonl
    echo "$output"
    [ "$status" -eq 3 ]
    [[ "$output" == *"rank with a GGUF file"* ]]
    generate "" b.db -n 1 --api chat
    run "$RATION" rank -m "$BASE/v1#test-model" -s b.db -t tiny.jsonl
    [ "$status" -eq 3 ]
    [[ "$output" == *"a server scores plain prompts only"* ]]
}

@test "server: profile tells what it honours and keeps the time of a sample" {
    run "$RATION" profile -m "$BASE/slow-10/v1#test-model" -s a.db --tokens 20 --prompt 20 --in-flight 8 \
        --cost code-llama-7b
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"server $BASE/slow-10/v1"* ]]
    [[ "$output" == *"n honoured: yes (4 choices of 4, 4 different)"* ]]
    [[ "$output" == *"greedy: of 12 repetitions 0 differ"* ]]
    [[ "$output" == *"context: 4096 tokens"* ]]
    [ "$(sql a.db "SELECT count(*) FROM profile WHERE s_per_sample > 0 AND flop_per_sample > 0
        AND json LIKE '%honours_n%'")" = 1 ]
    run "$RATION" profile -m "$BASE/noseed+unstable+n1/v1#test-model" --tokens 20 --prompt 20 \
        --in-flight 1 --format json
    [ "$status" -eq 0 ]
    [[ "$output" == *'"honours_seed": false'* && "$output" == *'"choices_of_4": 1'* ]]
    run "$RATION" profile -m "$BASE/nousage/v1#test-model" --tokens 20
    [ "$status" -eq 3 ]
    [[ "$output" == *"does not report how many tokens"* ]]
}

@test "server: a prompt that is refused is that prompt's alone, the first of all too" {
    for how in prompt-f0 prompt-f2; do
        run generate "$how" "$how.db" -n 5
        echo "$output"
        [ "$status" -eq 1 ]
        [[ "$output" == *"maximum context length"*"run 1: 15 of 20 samples"* ]]
        [[ "$output" == *"n is honoured, log probabilities are given"* ]]
    done
}

@test "server: what a busy server says is said when the budget ends; no loss is told for samples without counts" {
    printf '{"task_id": "T/0", "prompt": "def f0(x):\\n", "entry_point": "f0", "test": "def check(f):\\n    assert f(1) == 99999\\n"}\n' >p.json
    run "$RATION" solve -m "$BASE/429+after-1/v1#test-model" -b 2s p.json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"no sample: "*"answers 429"*"status 429 for a test"* ]]
    printf '[model test-model]\nusd_per_1m_input = 1\nusd_per_1m_output = 10\n' >price.ini
    run "$RATION" solve -m "$BASE/nousage/v1#test-model" -b 0.02USD --cost-file price.ini --ledger l.json p.json
    /usr/bin/python3 - <<'END'
import json
m = json.load(open("l.json"))["models"][0]
assert m["samples"] > 1 and m["gen_tok"] == 512 * m["samples"] and m["discarded_tok"] == 512 * m["cancelled"], m
END
}

@test "server: samples that repeat each other are told" {
    run generate "frozen" a.db -n 5
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"of 4 problems, 4 got samples that are all equal"* ]]
    run generate "" b.db -n 5
    [[ "$output" != *"all equal"* ]]
}
