#!/usr/bin/env python3
"""What docs/TUTORIAL.md works with, written into the current folder; the same bytes on every machine.

    my.jsonl      twelve problems of one's own, in HumanEval's form
    small.jsonl   24 answers per problem of a small model, large.jsonl 6 of a large one: both invented,
                  as if the large one were right more often on the hard problems
    prices.txt    what a sample of either costs in FLOPs, seconds and dollars
    answers.json  what the tests' stand-in of a server says to each prompt
    project/      a folder with a function that is missing, and its tests
"""
import json
import pathlib
import random

# name, argument, what it shall return, a wrong answer, an input, passes of 24 (small) and 6 (large)
PROBLEMS = [
    ("double", "x", "x * 2", "x + 2", "5", 24, 6),
    ("last", "items", "items[-1]", "items[0]", "[1, 2, 3]", 22, 6),
    ("total", "items", "sum(items)", "len(items)", "[4, 5]", 20, 6),
    ("is_even", "x", "x % 2 == 0", "x % 2 == 1", "7", 17, 5),
    ("shout", "s", "s.upper()", "s.title()", "'hey'", 14, 5),
    ("squares", "n", "[i * i for i in range(n)]", "[i * i for i in range(n + 1)]", "4", 11, 5),
    ("words", "s", "len(s.split())", "len(s)", "'a bc d'", 8, 4),
    ("second", "items", "sorted(items)[-2]", "sorted(items)[1]", "[3, 9, 5, 1]", 6, 4),
    ("common", "a", "sorted(set(a[0]) & set(a[1]))", "a[0] + a[1]", "([1, 2], [2, 3])", 4, 3),
    ("runs", "s", "sum(i == 0 or s[i] != s[i - 1] for i in range(len(s)))", "len(set(s))", "'aabaa'", 2, 2),
    ("digits", "x", "sum(map(int, str(abs(x))))", "abs(x) % 9", "-999", 1, 1),
    ("rotate", "m", "[list(r) for r in zip(*m[::-1])]", "[r[::-1] for r in m]", "[[1, 2], [3, 4]]", 0, 1),
]
PRICES = """[model small]
flop_per_sample = 1.69 TFLOP
usd_per_1m_tokens = 0.20
[model large]
flop_per_sample = 8.58 TFLOP
usd_per_1m_tokens = 0.90
[profile my-box]
small = 0.395
large = 2.994
"""


def main():
    rng = random.Random(16)
    rows = {"my": [], "small": [], "large": []}
    answers = {}
    for place, (name, arg, right, wrong, value, small, large) in enumerate(PROBLEMS):
        want = eval(f"(lambda {arg}: {right})({value})")
        prompt = f'def {name}({arg}):\n    """Return {right.split("(")[0].strip()} ..."""\n'
        prompt = f'def {name}({arg}):\n    """{name}({value}) is {want!r}."""\n'
        rows["my"].append({"task_id": f"my/{place}", "prompt": prompt, "entry_point": name,
                           "canonical_solution": f"    return {right}\n",
                           "test": f"def check(f):\n    assert f({value}) == {want!r}\n"})
        for model, n, passes in (("small", 24, small), ("large", 6, large)):
            bodies = [right] * passes + [wrong] * (n - passes)
            rng.shuffle(bodies)
            rows[model] += [{"task_id": f"my/{place}", "completion": f"    return {body}\n",
                             "prompt_tokens": 30 + 2 * place, "generated_tokens": 8 + len(body) // 3}
                            for body in bodies]
        answers[f"def {name}("] = [f"    return {wrong}\n", f"    return {right}\n"]
    answers["int add("] = ["return a - b;", "return a + b;"]
    for name, lines in rows.items():
        pathlib.Path(f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in lines))
    pathlib.Path("prices.txt").write_text(PRICES)
    pathlib.Path("answers.json").write_text(json.dumps(answers, indent=1) + "\n")
    folder = pathlib.Path("project")
    folder.mkdir(exist_ok=True)
    (folder / "add.c").write_text("int add(int a, int b)\n{\n    /* TODO */\n}\n")
    (folder / "test.c").write_text("int add(int, int);\nint main(void) { return add(2, 3) != 5; }\n")
    (folder / "Makefile").write_text("check:\n\tcc -o test add.c test.c && ./test\n")


main()
