#!/usr/bin/env python3
"""Writes a file in the form of the study's release: {task_id: {task_id, prompt, samples}}.

    make_release.py OUT [PROBLEMS [SAMPLES]]      default 664 x 2000, about 400 bytes a sample

Texts are functions of varied length; the seed is fixed, so that every run writes the same bytes.
"""
import json
import random
import sys

BODY = [
    "    result = []",
    "    for i, item in enumerate(values):",
    "        if item is None or i in seen:\n            continue",
    "        seen.add(i)\n        result.append((i, item))",
    "    values = sorted(values, key=lambda pair: (-pair[1], pair[0]))",
    "    while left < right:\n        middle = (left + right) // 2",
    "    # the empty list has no largest element",
    "    if not values:\n        return \"\"",
    "    counts = {c: text.count(c) for c in set(text)}",
    "    total = sum(x * weight for x, weight in zip(values, weights))",
    "    try:\n        number = int(token)\n    except ValueError:\n        number = 0",
    "    return \" \".join(f\"{name}:\\t{value:>8.3f}\" for name, value in result)",
]


def main():
    out = sys.argv[1]
    problems = int(sys.argv[2]) if len(sys.argv) > 2 else 664
    samples = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    rng = random.Random(1)
    lines = [json.dumps(line + "\n")[1:-1] for line in BODY]
    with open(out, "w", encoding="utf-8") as f:
        f.write("{")
        for p in range(problems):
            task = f"HumanEval/{p}" if p < 164 else f"MBPP/{p - 153}"
            rate = rng.random()
            if p:
                f.write(", ")
            f.write(f'"{task}": {{"task_id": "{task}", "prompt": "def solve(values):\\n", "samples": [')
            rows = []
            for i in range(samples):
                text = "".join(rng.choices(lines, k=rng.randint(3, 11)))
                score = "100.0" if rng.random() < rate else "0.0"
                rows.append(f'{{"pass_at_1": {score}, "generation": "    # attempt {i}\\n{text}"}}')
            f.write(", ".join(rows))
            f.write("]}")
        f.write("}\n")


main()
