"""Random stores for the oracle: written as JSONL of recorded verdicts, brought in by `ration import`.

A store is described by plain Python data, which is all that the oracle reads of it:

    {"problems": [task_id, ...], "models": {name: {"samples": [[sample, ...] per problem],
     "greedy": [bool, ...] or None, "cost": entry}}, "rankers": {name: lower_is_better}}

A sample is {"pass": True, False or None (no verdict), "cut": bool, "score": {ranker: number or None}}.
"""
import json
import pathlib
import random
import sqlite3
import subprocess

# FLOPs, then dollars of a sample by the hour of a machine that a profile times.
COSTS = """[model cheap]
flop_per_sample = 1.69e12
usd_per_hour = 3.6
[model middle]
flop_per_sample = 3.3e12
usd_per_hour = 3.6
[model dear]
flop_per_sample = 8.58e12
usd_per_hour = 7.2
[profile box]
cheap = 0.25 + 0.4
middle = 0.7
dear = 2.5
"""
ENTRIES = {"cheap": (1.69e12, 0.25, 0.4, 3.6), "middle": (3.3e12, 0, 0.7, 3.6),
           "dear": (8.58e12, 0, 2.5, 7.2)}


def draw(seed):
    rng = random.Random(seed)
    n_problems = rng.choice([8, 9, 12])
    names = ["cheap", "middle", "dear"][:rng.choice([2, 3])]
    rankers = {"nll:x": True, "votes": False} if seed % 2 else {}
    models = {}
    hard = [rng.random() ** 2 for _ in range(n_problems)]
    for place, name in enumerate(names):
        n = rng.choice([4, 6, 7]) if seed % 3 else rng.choice([6, 12, 16])
        if rankers and n == 16:  # all subsets of 16 are too many to rank one by one
            n = 10
        rows = []
        for p in range(n_problems):
            rate = min(1, hard[p] * (0.6 + 0.4 * place))
            row = []
            for _ in range(n + rng.choice([0, 0, 1])):
                passed = rng.random() < rate
                if seed % 4 == 1 and rng.random() < 0.15:
                    passed = None
                score = None if passed is None and rng.random() < 0.5 else rng.choice([1, 2, 3, 4])
                row.append({"pass": passed, "cut": rng.random() < 0.15,
                            "score": {r: score for r in rankers}})
            rows.append(row)
        if seed % 8 == 1 and place:  # a problem without any verdict of this model
            for s in rows[-1]:
                s["pass"] = None
        greedy = [rng.random() < hard[p] for p in range(n_problems)] if place else None
        models[name] = {"samples": rows, "greedy": greedy, "cost": name}
    return {"problems": [f"O/{i}" for i in range(n_problems)], "models": models,
            "rankers": rankers}


def write(ration, folder, store):
    """Makes o.db in the folder."""
    folder = pathlib.Path(folder)

    def run(*args):
        subprocess.run([ration, *map(str, args)], check=True, cwd=folder,
                       stdout=subprocess.DEVNULL)

    (folder / "costs.txt").write_text(COSTS)
    with open(folder / "set.jsonl", "w") as f:
        for task_id in store["problems"]:
            f.write(json.dumps({"task_id": task_id, "entry_point": "f", "prompt": "def f(x):\n",
                                "canonical_solution": "    return x\n",
                                "test": "def check(f):\n    assert f(1) == 1\n"}) + "\n")
    for name, model in store["models"].items():
        files = [("samples", model["samples"], [])]
        if model["greedy"]:
            files.append(("greedy", [[{"pass": g, "cut": False}] for g in model["greedy"]],
                          ["--greedy"]))
        for kind, rows, options in files:
            path = folder / f"{name}.{kind}.jsonl"
            with open(path, "w") as f:
                for task_id, row in zip(store["problems"], rows):
                    for j, s in enumerate(row):
                        line = {"task_id": task_id, "completion": f"    return {j}\n",
                                "finish_reason": "length" if s["cut"] else "stop"}
                        if s["pass"] is not None:
                            line |= {"passed": s["pass"],
                                     "result": "passed" if s["pass"] else "failed: x"}
                        f.write(json.dumps(line) + "\n")
            run("import", "-s", "o.db", "-t", "set.jsonl", "--model", name, "--cost", model["cost"],
                "--cost-file", "costs.txt",
                *options, path.name)
    put_scores(folder / "o.db", store)


def put_scores(path, store):
    """Scores need a model to make them; here they are written into the file as `rank` would."""
    db = sqlite3.connect(path)
    for ranker, lower in store["rankers"].items():
        at = db.execute("INSERT INTO ranker (name, json, lower_is_better) VALUES (?, '{}', ?)",
                        (ranker, int(lower))).lastrowid
        rows = db.execute(
            "SELECT s.id, m.name, p.ord, s.idx FROM sample s JOIN run r ON r.id = s.run_id "
            "JOIN model m ON m.id = r.model_id JOIN problem p ON p.id = s.problem_id "
            "WHERE r.kind != 'greedy'").fetchall()
        for sample, model, problem, idx in rows:
            score = store["models"][model]["samples"][problem][idx]["score"][ranker]
            if score is None:
                continue
            db.execute("INSERT INTO score (sample_id, ranker_id, score) VALUES (?, ?, ?)",
                       (sample, at, score))
    db.commit()
    db.close()
