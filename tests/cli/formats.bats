#!/usr/bin/env bats
# docs/FORMATS.md: its SQL runs, and it names every table and column of a store.

load helpers

setup() {
    in_tmpdir
    make_set
    page=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/docs/FORMATS.md
    printf '{"task_id": "Tiny/0", "completion": "a", "passed": true}\n{"task_id": "Tiny/0", "completion": "a", "passed": false}\n' >a.jsonl
    "$RATION" import -s s.db -t tiny.jsonl --model m a.jsonl >/dev/null
}
teardown() { leave_tmpdir; }

@test "the questions in SQL run" {
    run /usr/bin/python3 - "$page" <<'PY'
import re, sqlite3, sys
text = open(sys.argv[1], encoding="utf-8").read()
db = sqlite3.connect("s.db")
n = 0
for block in re.findall(r"```sql\n(.*?)```", text, re.S):
    for statement in block.split(";\n"):
        if statement.strip():
            print(db.execute(statement.replace("HumanEval/0", "Tiny/0")).fetchall())
            n += 1
assert n >= 6, n
PY
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == "[(1, 'm', 'sample', 0.5)]" ]]
    [[ "${lines[3]}" == "[(0, 'a')]" ]]
    [[ "${lines[4]}" == "[('Tiny/0', 2)]" ]]
}

@test "every table, view and column of the schema is explained" {
    run /usr/bin/python3 - "$page" <<'PY'
import re, sqlite3, sys
text = open(sys.argv[1], encoding="utf-8").read()
db = sqlite3.connect("s.db")
missing = []
for (table,) in db.execute("select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite%'").fetchall():
    if "`%s`" % table not in text:
        missing.append(table)
    for row in db.execute("pragma table_info(%s)" % table):
        if not re.search(r"\b%s\b" % row[1], text):
            missing.append(table + "." + row[1])
print(missing)
sys.exit(bool(missing))
PY
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "an experiment file says what it is" {
    [ "$(sql s.db "pragma application_id")" = $((0x52544E53)) ]
    [ "$(sql s.db "pragma user_version")" = "$(sed -n 's/.*the version of the schema (now \([0-9]*\)).*/\1/p' "$page")" ]
    [ "$(sql s.db "pragma journal_mode")" = wal ]
}
