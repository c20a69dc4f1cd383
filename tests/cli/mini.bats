#!/usr/bin/env bats
# The bundled problem set: its references pass, its tests catch mutants, no problem is there twice.

@test "mini: references pass, at least 90 % of mutants fail, six assertions each" {
    run env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tools/mini/check_mini.py data/mini/mini.jsonl
    [ "$status" -eq 0 ]
    [[ "$output" == *" problems, "* ]]
}

@test "mini: at least 164 problems in three difficulties" {
    [ "$(wc -l < data/mini/mini.jsonl)" -ge 164 ]
    for level in easy medium hard; do
        grep -q "\"difficulty\": \"$level\"" data/mini/mini.jsonl
    done
}
