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

@test "mini: no problem occurs in the training text of the bundled models" {
    command -v /usr/bin/python3 >/dev/null
    work=$(mktemp -d)
    # The first functions of the text that they were trained on; models/README.md has the count over all of it.
    run /usr/bin/python3 -B tools/train/corpus.py --functions 4000 --out "$work/corpus.jsonl"
    [ "$status" -eq 0 ]
    run /usr/bin/python3 -B tools/train/corpus.py --check "$work/corpus.jsonl"
    [ "$status" -eq 0 ]
    [ "$output" = "0 held-out functions found in 4000" ]
    # The check sees a problem's program under other names, and a problem's docstring over another program.
    /usr/bin/python3 -B - "$work" <<'PY'
import json, re, sys
rows = [json.loads(line) for line in open("data/mini/mini.jsonl")]
r = next(r for r in rows if "result" in r["canonical_solution"] and "(nums" in r["prompt"])
other = lambda s: re.sub(r"\bresult\b", "zz", re.sub(r"\bnums\b", "qq", s))
with open(sys.argv[1] + "/leak.jsonl", "w") as f:
    f.write(json.dumps(["def f(qq: list[int]):\n    \"\"\"Something else.\"\"\"\n", other(r["canonical_solution"]), None]) + "\n")
    f.write(json.dumps([r["prompt"], "    return None", None]) + "\n")
    f.write(json.dumps(["def f(a):\n    \"\"\"New.\"\"\"\n", "    return 123456", None]) + "\n")
PY
    run /usr/bin/python3 -B tools/train/corpus.py --check "$work/leak.jsonl"
    rm -r "$work"
    [ "$status" -eq 1 ]
    [[ "$output" == *"leak.jsonl:1: held out"*"leak.jsonl:2: held out"*"2 held-out functions found in 3" ]]
}
