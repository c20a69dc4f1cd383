#!/usr/bin/python3
"""Small stores for the tests of the page, made by `ration import` with verdicts of their own.

    store.py RATION DIR      writes full.db, long.db, unjudged.db, single.db, unsolved.db, far.db into DIR

Texts, names and ids hold what would break out of a page that is not careful. Scores are put by SQL:
`rank` needs a model, and this test is of the page.
"""
import json
import pathlib
import random
import sqlite3
import subprocess
import sys

EVIL = ("</script><script>window.pwned = 1; alert(1)</script><!-- <script> \u2028\u2029 ]]> "
        "<img src=x onerror=\"window.pwned = 2\"> ${window.pwned = 3} \\u003c \x01 \x7f é 🦉")
MODELS = {"small <b>&amp;\"'": ("code-llama-7b", 16, 0.45), "large": ("code-llama-34b", 8, 0.7)}
N_PROBLEMS = 12


def task_id(i):
    return f"Tiny/{i}" + ("<i>'\"" if i == 3 else "")


def write_set(path, n=N_PROBLEMS):
    with open(path, "w", encoding="utf-8") as f:
        for i in range(n):
            f.write(json.dumps({
                "task_id": task_id(i), "entry_point": f"f{i}",
                "prompt": f"def f{i}(x):\n    \"\"\"Problem {i}. {EVIL if i == 1 else ''}\"\"\"\n",
                "canonical_solution": f"    return x + {i}\n",
                "test": f"def check(f):\n    assert f(1) == {i + 1}\n"}) + "\n")


def write_samples(path, seed, n, skill, verdicts=True, problems=N_PROBLEMS):
    rng = random.Random(seed)
    with open(path, "w", encoding="utf-8") as f:
        for i in range(problems):
            rate = 0 if i == 5 else min(1, skill * 2 * rng.random())
            for j in range(n):
                passed = rng.random() < rate
                body = f"    return x + {i}  # sample {j}\n" if passed else f"    # {j} {EVIL}\n"
                row = {"task_id": task_id(i), "completion": body}
                if verdicts:
                    row["passed"] = passed
                    row["result"] = "passed" if passed else f"failed: {EVIL}"
                f.write(json.dumps(row) + "\n")


def put_scores(path):
    """Two rankers by likelihood, of which one tells its cost, and one by consensus."""
    rng = random.Random(5)
    db = sqlite3.connect(path)
    rankers = [("nll:large", 1, 2e12), ("nll:small", 1, None), ("consensus", 0, None)]
    for name, lower, flop in rankers:
        cursor = db.execute("INSERT INTO ranker (name, json, lower_is_better) VALUES (?, '{}', ?)",
                            (name, lower))
        samples = db.execute(
            "SELECT s.id, k.name = 'passed' FROM sample s JOIN verdict v ON v.sample_id = s.id "
            "JOIN verdict_kind k ON k.id = v.kind_id ORDER BY s.id").fetchall()
        sign = -1 if lower else 1
        db.executemany(
            "INSERT INTO score (sample_id, ranker_id, score, flop) VALUES (?, ?, ?, ?)",
            [(s, cursor.lastrowid, sign * (passed + rng.gauss(0, 1)), flop) for s, passed in samples])
    db.commit()
    db.close()


def put_examples(path):
    """The ranker by examples: one of two is a test, right samples pass both, some others too."""
    rng = random.Random(6)
    db = sqlite3.connect(path)
    cursor = db.execute("INSERT INTO ranker (name, json, lower_is_better) VALUES "
                        "('examples', '{\"by\":\"examples\"}', 0)")
    for s, passed in db.execute(
            "SELECT s.id, k.name = 'passed' FROM sample s JOIN verdict v ON v.sample_id = s.id "
            "JOIN verdict_kind k ON k.id = v.kind_id ORDER BY s.id").fetchall():
        right = 2 if passed or rng.random() < 0.2 else rng.randrange(2)
        votes = b"".join(n.to_bytes(2, "little") for n in
                         [2, 1, min(right, 1), 1 if passed else 2 + rng.randrange(3)])
        db.execute("INSERT INTO score (sample_id, ranker_id, score, part, votes) VALUES (?, ?, ?, ?, ?)",
                   (s, cursor.lastrowid, right, right, votes))
    db.commit()
    db.close()


def main():
    ration, folder = sys.argv[1], pathlib.Path(sys.argv[2])

    def add(store, model, samples, *more):
        subprocess.run([ration, "import", "-s", folder / store, "-t", folder / "tiny.jsonl",
                        "--model", model, *more, folder / samples], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    write_set(folder / "tiny.jsonl")
    for seed, (model, (cost, n, skill)) in enumerate(MODELS.items()):
        write_samples(folder / f"{seed}.jsonl", seed, n, skill)
        write_samples(folder / f"{seed}.greedy.jsonl", seed + 10, 1, skill)
        add("full.db", model, f"{seed}.jsonl", "--cost", cost)
        add("full.db", model, f"{seed}.greedy.jsonl", "--cost", cost, "--greedy")
    put_scores(folder / "full.db")
    for seed, model in enumerate(["organisation/coder-python-7b-instruct-v1.0-q4_k_m",
                                  "another-organisation/deep-coder-33b-instruct-awq"]):
        add("long.db", model, f"{seed}.jsonl", "--cost", ("code-llama-7b", "code-llama-34b")[seed])
    write_samples(folder / "plain.jsonl", 3, 4, 0.5, verdicts=False)
    add("unjudged.db", "small", "plain.jsonl", "--cost", "code-llama-7b")
    write_samples(folder / "one.jsonl", 4, 1, 0.8)
    add("single.db", "nameless", "one.jsonl")
    write_samples(folder / "none.jsonl", 5, 4, 0)
    add("unsolved.db", "small", "none.jsonl", "--cost", "code-llama-7b")
    write_set(folder / "tiny.jsonl", 24)
    for seed, (model, (cost, n, skill)) in enumerate(MODELS.items()):
        write_samples(folder / f"far{seed}.jsonl", seed + 20, n, skill / 3, problems=24)
        add("far.db", model, f"far{seed}.jsonl", "--cost", cost)
    write_samples(folder / "far.greedy.jsonl", 30, 1, 0.5, problems=24)
    add("far.db", "large", "far.greedy.jsonl", "--cost", "code-llama-34b", "--greedy")
    put_examples(folder / "far.db")


main()
