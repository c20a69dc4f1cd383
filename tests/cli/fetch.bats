#!/usr/bin/env bats
# `ration fetch` against a local server that misbehaves on request (tests/http_server.py).

setup_file() {
    export TMP=$BATS_FILE_TMPDIR
    mkdir "$TMP/www"
    /usr/bin/python3 - "$TMP/www" <<'PY'
import json, sys
row = lambda i: {"text": "Add %d.%s" % (i, " " * 300), "code": "def f(x):\r\n    return x", "task_id": i,
                 "test_setup_code": "", "test_list": ["assert f(1) == 1"], "challenge_test_list": []}
with open(sys.argv[1] + "/mbpp.jsonl", "w") as f:
    f.writelines(json.dumps(row(i)) + "\n" for i in range(11, 438))
with open(sys.argv[1] + "/short.jsonl", "w") as f:
    f.writelines(json.dumps(row(i)) + "\n" for i in range(11, 60))
PY
    /usr/bin/python3 tests/http_server.py "$TMP/www" "$TMP/port" 60 >/dev/null 2>&1 3>&- &
    echo $! >"$TMP/server.pid"
    for _ in $(seq 100); do [ -s "$TMP/port" ] && break; sleep 0.05; done
    URL=http://127.0.0.1:$(cat "$TMP/port")
    export URL
    SHA=$(sha256sum "$TMP/www/mbpp.jsonl" | cut -d' ' -f1)
    export SHA
    export no_proxy=127.0.0.1
}

teardown_file() { kill "$(cat "$BATS_FILE_TMPDIR/server.pid")" 2>/dev/null || true; }

setup() { DATA=$(mktemp -d "$TMP/data.XXXXXX"); }

fetch() { "$RATION" fetch --data "$DATA" "$@" mbpp-sanitized; }

got_whole() {
    [ "$status" -eq 0 ]
    cmp "$DATA/mbpp/sanitized-mbpp.json" "$TMP/www/mbpp.jsonl"
    grep -q "^$SHA  sanitized-mbpp.json" "$DATA/mbpp/sanitized-mbpp.json.sha256"
    [ ! -e "$DATA/mbpp/sanitized-mbpp.json.part" ]
    [ ! -e "$DATA/mbpp/sanitized-mbpp.json.part.meta" ]
}

requests() { grep -c " /$1/" "$TMP/port.log"; }

@test "downloads, checks, records the hash, and does it once" {
    run fetch --url "$URL/ok/mbpp.jsonl"
    got_whole
    [[ $output == *"427 problems of mbpp-sanitized-full"*"recorded now"* ]]
    n=$(requests ok)
    run fetch --url "$URL/ok/mbpp.jsonl"
    got_whole
    [[ $output == *"already there"* ]]
    [ "$(requests ok)" -eq "$n" ]
    (cd "$DATA/mbpp" && sha256sum -c sanitized-mbpp.json.sha256)
}

@test "follows a redirect, waits out a busy server" {
    run fetch --url "$URL/redirect/mbpp.jsonl"
    got_whole
    rm -r "$DATA/mbpp"
    run fetch --url "$URL/busy/mbpp.jsonl"
    got_whole
}

@test "continues after a reset, asking for the rest of the same content" {
    run fetch --url "$URL/reset/mbpp.jsonl"
    got_whole
    [[ $output == *"download continued"* ]]
    grep -q '/reset/mbpp.jsonl bytes=[1-9][0-9]*- "one"' "$TMP/port.log"
}

@test "a second run continues where the first was broken" {
    run fetch --url "$URL/cut/mbpp.jsonl" --retries 0
    [ "$status" -eq 3 ]
    [[ $output == *"bytes are kept, run again to continue"* ]]
    [ -s "$DATA/mbpp/sanitized-mbpp.json.part" ]
    [ ! -e "$DATA/mbpp/sanitized-mbpp.json" ]
    before=$(stat -c %s "$DATA/mbpp/sanitized-mbpp.json.part")
    run fetch --url "$URL/cut/mbpp.jsonl" --retries 0
    [ "$(stat -c %s "$DATA/mbpp/sanitized-mbpp.json.part")" -gt "$before" ]
}

@test "starts anew when the server ignores ranges, lies about them or has no validator" {
    for how in norange lie noetag; do
        run fetch --url "$URL/$how/mbpp.jsonl" --again
        got_whole
    done
}

@test "content that changed on the way is not glued together" {
    run fetch --url "$URL/changed/mbpp.jsonl"
    [ "$status" -eq 3 ]
    [[ $output == *"this is not the problem set mbpp-sanitized"* ]]
    [ ! -e "$DATA/mbpp/sanitized-mbpp.json" ]
    [ ! -e "$DATA/mbpp/sanitized-mbpp.json.part" ]
}

@test "a missing file, an empty one, a wrong address and no server say so" {
    run fetch --url "$URL/404/mbpp.jsonl"
    [ "$status" -eq 3 ]
    [[ $output == *"answers 404"*"--url"*"--from"* ]]
    run fetch --url "$URL/empty/mbpp.jsonl"
    [ "$status" -eq 3 ]
    [[ $output == *"is empty"* ]]
    run fetch --url "ftp://127.0.0.1/x"
    [ "$status" -eq 3 ]
    [[ $output == *"not an http or https address"* ]]
    run fetch --url "http://127.0.0.1:1/x" --retries 0
    [ "$status" -eq 3 ]
    [ -z "$(find "$DATA" -type f)" ]
}

@test "a wrong hash or a wrong number of problems is refused" {
    run fetch --url "$URL/ok/mbpp.jsonl" --sha256 "$(printf '%064d' 0)"
    [ "$status" -eq 3 ]
    [[ $output == *"SHA-256 is $SHA, expected is 0000"* ]]
    run fetch --url "$URL/ok/short.jsonl"
    [ "$status" -eq 3 ]
    [[ $output == *"holds 49 problems"*"427"* ]]
    run "$RATION" fetch --data "$DATA" --url "$URL/ok/mbpp.jsonl" humaneval
    [ "$status" -eq 3 ]
    [[ $output == *"expected is b796127e"* ]]
    [ -z "$(find "$DATA" -type f)" ]
    run fetch --sha256 xyz
    [ "$status" -eq 3 ]
}

@test "what was recorded on first use must come again" {
    run fetch --url "$URL/ok/mbpp.jsonl"
    got_whole
    echo '{}' >>"$DATA/mbpp/sanitized-mbpp.json"
    run fetch --url "$URL/ok/mbpp.jsonl"
    [ "$status" -eq 3 ]
    [[ $output == *"--again replaces it"* ]]
    sed 's/Add 11[.]/Sub 11./' "$TMP/www/mbpp.jsonl" >"$TMP/www/other.jsonl"
    run fetch --url "$URL/ok/other.jsonl" --again
    [ "$status" -eq 3 ]
    [[ $output == *"expected is $SHA"* ]]
    run fetch --url "$URL/ok/mbpp.jsonl" --again
    got_whole
}

@test "a full disk and a read-only folder leave what was there" {
    run bash -c "trap '' XFSZ; ulimit -f 8; '$RATION' fetch --data '$DATA' --url '$URL/ok/mbpp.jsonl' mbpp-sanitized"
    [ "$status" -eq 3 ]
    [[ $output == *"cannot write"*"sanitized-mbpp.json.part"* ]]
    [ ! -e "$DATA/mbpp/sanitized-mbpp.json" ]
    touch "$DATA/file"
    run "$RATION" fetch --data "$DATA/file" --url "$URL/ok/mbpp.jsonl" mbpp-sanitized
    [ "$status" -eq 3 ]
    [[ $output == *"cannot create"* ]]
    [ "$(id -u)" -ne 0 ] || skip "root may write everywhere"
    mkdir "$DATA/ro" && chmod 555 "$DATA/ro"
    run "$RATION" fetch --data "$DATA/ro" --url "$URL/ok/mbpp.jsonl" mbpp-sanitized
    [ "$status" -eq 3 ]
    [[ $output == *"cannot create folder"* ]]
}

@test "--from takes a local copy, plain or compressed, and checks it" {
    run fetch --from "$TMP/www/mbpp.jsonl"
    got_whole
    gzip -c "$TMP/www/mbpp.jsonl" >"$TMP/copy.jsonl.gz"
    run fetch --from "$TMP/copy.jsonl.gz"
    [ "$status" -eq 0 ]
    [ -s "$DATA/mbpp/sanitized-mbpp.json.gz" ]
    head -c 2000 "$TMP/copy.jsonl.gz" >"$TMP/bad.jsonl.gz"
    run fetch --from "$TMP/bad.jsonl.gz" --again
    [ "$status" -eq 3 ]
    [[ $output == *"gzip stream ends too early"* ]]
    run fetch --from "$TMP/absent.jsonl" --again
    [ "$status" -eq 3 ]
    [[ $output == *"cannot open"* ]]
    run fetch --from "$TMP/www" --again
    [ "$status" -eq 3 ]
    [[ $output == *"is a folder"* ]]
    [ -z "$(find "$DATA" -name '*.copy')" ]
}

@test "a set whose later problems are files of their own says what brings them" {
    for i in '' 4; do
        echo '{"question_title": "Sum", "question_content": "Print the sum.", "platform": "atcoder", "question_id": "a'$i'", "contest_id": "c",
            "contest_date": "2024-0'$((${i:-1} + 2))'-11T00:00:00", "starter_code": "", "difficulty": "easy", "metadata": "{}",
            "public_test_cases": "[{\"input\": \"1 2\\n\", \"output\": \"3\\n\", \"testtype\": \"stdin\"}]", "private_test_cases": "[]"}' |
            tr -d '\n' >"$TMP/lcb$i.jsonl"
    done
    run "$RATION" fetch --data "$DATA" --from "$TMP/lcb.jsonl" livecodebench
    [ "$status" -eq 0 ]
    [[ $output == *"later problems of the same set: ration fetch livecodebench-v2 "* ]]
    generate() { "$RATION" generate -m "$BATS_TEST_DIRNAME/../../models/ration-mini-xs.gguf" --data "$DATA" -t livecodebench --preset livecodebench-base -s "$DATA/x.db" -n 1 --max-tokens 1 "$@"; }
    run generate --from 2024-06
    [ "$status" -ne 0 ]
    [[ $output == *"(1 problem, from 2024-03-11 to 2024-03-11); for later ones: ration fetch livecodebench-v2 livecodebench-v3 "* ]]
    run generate --to 2024-02 # earlier ones there are none
    [[ $output == *"from 2024-03-11 to 2024-03-11)"* && $output != *"for later ones"* ]]
    run "$RATION" fetch --data "$DATA" --from "$TMP/lcb4.jsonl" livecodebench-v4
    [ "$status" -eq 0 ]
    [[ $output != *"later problems"* ]]
    generate --from 2024-06
}

@test "usage errors" {
    run "$RATION" fetch
    [ "$status" -eq 2 ]
    run "$RATION" fetch nonsense
    [ "$status" -eq 2 ]
    [[ $output == *"there are humaneval, mbpp"* ]]
    run fetch --from a --url b
    [ "$status" -eq 2 ]
    run "$RATION" fetch --list
    [ "$status" -eq 0 ]
    [[ $output == *humaneval*mbpp*apps* ]]
}
