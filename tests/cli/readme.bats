# readme.bats: the commands of the README and of docs/REPRODUCE.md work as they are written there.

setup() {
    root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    cd "$BATS_TEST_TMPDIR" || exit 1
    PATH=$RATION_BUILD:$PATH
}

@test "the daily use of the README, on twelve problems of the bundled set" {
    # Two "models": one knows the even problems, the other all; each wrong answer differs.
    /usr/bin/python3 - "$root/data/mini/mini.jsonl" <<'EOF'
import json, sys
problems = [json.loads(line) for line in open(sys.argv[1])][:12]
for name, every in (("small", 2), ("large", 1)):
    with open(name + ".jsonl", "w") as out:
        for i, p in enumerate(problems):
            for j in range(4):
                right = i % every == 0 and j > i % 3
                text = p["canonical_solution"] if right else f"    return {j!r} + object()\n"
                out.write(json.dumps({"task_id": p["task_id"], "completion": text}) + "\n")
EOF
    sed -n '/^ration import/,/^```/p' "$root/README.md" | grep '^ration ' >commands
    [ "$(wc -l <commands)" -eq 4 ]
    while read -r line; do
        run sh -c "$line"
        echo "$line: $status $output"
        [ "$status" -eq 0 ] || [[ "$line" == *report* && "$status" -eq 1 ]]
    done <commands
    [[ "$output" == *"large minus small"* || "$output" == *"small minus large"* ]]
    [[ "$output" == *"pass_time@t"* ]]
}

@test "make targets that the README names exist" {
    cd "$root"
    for target in $(grep -o '`\?make [a-z]*' README.md CONTRIBUTING.md | sed 's/.*make //' | sort -u); do
        grep -q "^$target:" Makefile || { echo "no target $target"; false; }
    done
}

@test "links of the documents lead somewhere" {
    cd "$root"
    for doc in README.md CONTRIBUTING.md docs/*.md; do
        for link in $(grep -o '](\([^)#]*\)' "$doc" | sed 's/](//' | grep -v '^http'); do
            [ -e "$(dirname "$doc")/$link" ] || { echo "$doc: $link"; false; }
        done
    done
}
