#!/usr/bin/env bats
# kill -9 during import and merge at ten random moments each: run again, the store equals that of an
# undisturbed run. helpers.bash has kill_then_finish for the other commands.

load helpers

setup() {
    in_tmpdir
    make_set
    # Big enough that a run goes through several pages, transactions and checkpoints.
    /usr/bin/python3 - <<'PY'
import json, random
rng = random.Random(7)
with open("big.jsonl", "w") as f:
    for i in range(8000):
        text = "%d %s" % (i, "x = %d\n" % rng.getrandbits(64) * rng.randint(1, 40))
        f.write(json.dumps({"task_id": "Tiny/%d" % (i % 4), "completion": text, "passed": i % 3 == 0}) + "\n")
PY
}
teardown() { leave_tmpdir; }

@test "kill -9 at ten moments of an import" {
    KILL_FULL_MS=$(time_ms "$RATION" import -s whole.db -t tiny.jsonl --model m big.jsonl)
    run kill_then_finish 11 10 "$RATION" import -s s.db -t tiny.jsonl --model m big.jsonl
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(digest s.db)" = "$(digest whole.db)" ]
    [ "$(sql s.db "pragma integrity_check")" = ok ]
    [ "$(sql s.db "select count(*) from source where done = 1")" = 1 ]
}

@test "kill -9 at ten moments of an import that appends" {
    head -1000 big.jsonl | sed 's/passed/failed/' >head.jsonl
    "$RATION" import -s start.db -t tiny.jsonl --model m head.jsonl
    cp start.db whole.db
    KILL_FULL_MS=$(time_ms "$RATION" import -s whole.db -t tiny.jsonl --model m --append big.jsonl)
    cp start.db s.db
    run kill_then_finish 12 10 "$RATION" import -s s.db -t tiny.jsonl --model m --append big.jsonl
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(sql s.db "select count(*) from sample")" = 9000 ]
    [ "$(digest s.db)" = "$(digest whole.db)" ]
}

@test "kill -9 at ten moments of a merge" {
    split -n l/2 big.jsonl part.
    "$RATION" import -s a.db -t tiny.jsonl --model m part.aa
    "$RATION" import -s b.db -t tiny.jsonl --model m --first 4000 part.ab
    KILL_FULL_MS=$(time_ms "$RATION" merge -s whole.db a.db b.db)
    run kill_then_finish 13 10 "$RATION" merge -s s.db a.db b.db
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "$(digest s.db)" = "$(digest whole.db)" ]
    [ "$(sql s.db "pragma integrity_check")" = ok ]
}
