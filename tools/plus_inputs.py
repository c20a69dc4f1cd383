"""plus_inputs.py HUMANEVAL OUT.jsonl HUB.jsonl: a set in evalplus' form and in the hub's, made from HumanEval.

The base inputs are the literal calls in each problem's `check`; the extra ones are ours: each base
input with one number, text or list changed, kept where the canonical solution gives a value in half
a second. Seeded by the problem's number. No file of evalplus' is read; the hub's form has the same
inputs with what the solution returns.
"""
import ast
import copy
import gzip
import json
import random
import signal
import sys

HUB = """def assertion(out, exp, atol):
    if isinstance(exp, float) or isinstance(exp, (list, tuple)) and exp and all(
            isinstance(i, float) for i in exp):
        atol = atol or 1e-6
    if out == exp:
        return
    assert atol and type(out) == type(exp)
    pairs = [(out, exp)] if isinstance(exp, (int, float)) else list(zip(out, exp))
    assert isinstance(exp, (int, float)) or len(out) == len(exp)
    assert all(abs(a - b) <= atol + 1e-7 * abs(b) for a, b in pairs)


def check(candidate):
    inputs = %s
    results = %s
    for inp, exp in zip(inputs, results):
        assertion(candidate(*inp), exp, 0)
"""


def changed(value, dice):
    """value with one place changed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + dice.choice([-1, 1, 2, 7])
    if isinstance(value, float):
        return value + dice.choice([-0.5, 0.25, 3.0])
    if isinstance(value, str):
        at = dice.randint(0, len(value))
        return value[:at] + dice.choice(["", "a", "B", " ", "0", ")"]) + value[at + dice.randint(0, 1):]
    if isinstance(value, list):
        if not value or dice.random() < 0.2:
            return value + value[:1]
        at = dice.randrange(len(value))
        return value[:at] + [changed(value[at], dice)] + value[at + 1:]
    return value


def calls_of(test):
    for node in ast.walk(ast.parse(test)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "candidate" and not node.keywords:
                try:
                    args = [ast.literal_eval(a) for a in node.args]
                    if json.loads(json.dumps(args)) == args:
                        yield args
                except (ValueError, TypeError):
                    pass


def late(*_):
    raise TimeoutError


def returned(f, args):
    """(whether f gives a value that is data, the value)."""
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        value = f(*copy.deepcopy(args))
        return eval(repr(value), {"inf": float("inf")}) == value and len(repr(value)) < 10000, value
    except Exception:
        return False, None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    rows = [json.loads(line) for line in gzip.open(sys.argv[1], "rt")]
    own, hub = open(sys.argv[2], "w"), open(sys.argv[3], "w")
    n = 0
    for number, row in enumerate(rows):
        dice = random.Random(number)
        names = {}
        exec(row["prompt"] + row["canonical_solution"], names)
        f = names[row["entry_point"]]
        base = [a for a in calls_of(row["test"]) if returned(f, a)[0]]
        extra = []
        for _ in range(60):
            if base and len(extra) < 30:
                args = copy.deepcopy(dice.choice(base))
                at = dice.randrange(len(args)) if args else 0
                if args:
                    args[at] = changed(args[at], dice)
                if args not in base and args not in extra and returned(f, args)[0]:
                    extra.append(args)
        if not base:
            continue
        n += 1
        keep = {k: row[k] for k in ("task_id", "prompt", "entry_point", "canonical_solution")}
        own.write(json.dumps(dict(keep, base_input=base, plus_input=extra, atol=0, contract="",
                                  )) + "\n")
        values = [returned(f, a)[1] for a in base + extra]
        hub.write(json.dumps(dict(keep, test=HUB % (repr(base + extra), repr(values)))) + "\n")
    print("%d of %d problems" % (n, len(rows)))


main()
