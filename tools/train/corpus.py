#!/usr/bin/env python3
"""Writes the training text of the bundled models: corpus.py --functions N --out FILE [--seed S]

One row a line, [prompt, body, verdict]: a pipeline in the wording and styles of tools/mini/compose.py, or a
function of another kind (kinds.py). verdict is null for a plain function. Where it is true or false, the row
teaches the verifier: the body is right, or that of another pipeline whose values differ, and data.py appends
the question and the answer. Some pipelines take one of their numbers as a second argument.

Held out: no function whose description or normal form (syntax tree with names canonical, in any style) is
that of a problem in data/mini; `--check FILE` tests a written file for it.
"""

import argparse
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "mini"))
import compose  # noqa: E402
import kinds  # noqa: E402
from make_mini import wrapped  # noqa: E402

STEPS = [1] * 4 + [2] * 7 + [3] * 6 + [4] * 3
STYLES = ["steps"] * 6 + ["nested"] * 2 + ["loops"] * 2
SECOND = ["k", "limit", "amount", "other", "m", "b"]  # names of a second argument
KINDS, VERIFIED, SECOND_SHARE, RIGHT = 0.22, 0.2, 0.1, 0.4


def description(prompt):
    """The docstring's words before its examples."""
    doc = prompt.split('"""', 1)[1].split(">>>", 1)[0].split('"""', 1)[0]
    return " ".join(doc.split())


def held_out(path):
    forms, texts = set(), set()
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            forms.add(compose.normal_form(r["prompt"] + r["canonical_solution"]))
            texts.add(description(r["prompt"]))
    return forms, texts


def with_argument(pipeline, rng):
    """The pipeline with one of its numbers as an argument: (pipeline, its name, its values), or None."""
    places = [(i, name) for i, (op, params) in enumerate(pipeline) for name in params
              if isinstance(params[name], int)]
    if not places:
        return None
    i, name = rng.choice(places)
    op, params = pipeline[i]
    arg = rng.choice(SECOND)
    return pipeline[:i] + ((op, {**params, name: arg}),) + pipeline[i + 1:], arg, op.params[name]


def wrong_one(pipeline, rng):
    """A pipeline between the same types: any, or one that a writer could mistake for this one, with another
    number, operation or order, or a step less."""
    if rng.random() < 0.4:
        for _ in range(20):
            other = compose.draw_pipeline(rng, len(pipeline), pipeline[0][0].tin)
            if other and other[-1][0].tout == pipeline[-1][0].tout:
                return other
    i = rng.randrange(len(pipeline))
    op, params = pipeline[i]
    kind = rng.random()
    if kind < 0.45 and params:
        name = rng.choice(sorted(params))
        return pipeline[:i] + ((op, {**params, name: rng.choice(op.params[name])}),) + pipeline[i + 1:]
    if kind < 0.6 and len(pipeline) > 1 and op.tin == op.tout:
        return pipeline[:i] + pipeline[i + 1:]
    if kind < 0.75 and i + 1 < len(pipeline) and {op.tin, op.tout} == {pipeline[i + 1][0].tout}:
        return pipeline[:i] + (pipeline[i + 1], pipeline[i]) + pipeline[i + 2:]
    other = rng.choice([o for o in compose.BY_INPUT[op.tin] if o.tout == op.tout])
    same = {k: v for k, v in params.items() if k in other.params and v in other.params[k]}
    return pipeline[:i] + ((other, {**compose.draw_params(other, rng), **same}),) + pipeline[i + 1:]


def evaluate(source, func, args):
    space = {}
    exec(compose.imports(source) + source, space)
    return [repr(space[func](*json.loads(json.dumps(a)))) for a in args]


def with_doc(head, words, examples, body):
    doc = wrapped(words, "    ") + ("\n\n" + examples + "    " if examples else "\n    ")
    return f'{head}\n    """{doc}"""\n', body.rstrip("\n")


def shown_examples(func, inputs, values):
    """The first inputs and values as lines of the docstring; None if one is too long."""
    text = "".join(f"    >>> {func}({', '.join(map(repr, a))})\n    {v}\n" for a, v in zip(inputs, values))
    return None if max(map(len, text.splitlines()), default=0) > 98 else text


def of_kind(rng, forms, texts):
    """A row of kinds.py, or None."""
    drawn = kinds.draw(rng, compose)
    if not drawn or drawn[1] in texts or compose.normal_form(f"{drawn[0]}\n{drawn[2]}") in forms:
        return None
    head, words, body, inputs, func = drawn
    shown = rng.choice([0, 1, 2, 2])
    examples = shown_examples(func, inputs[:shown], evaluate(f"{head}\n{body}", func, inputs[:shown]))
    if examples is None:
        return None
    return [*with_doc(head, words, examples, body), None]


def one(rng, forms, texts):
    """A row, or None if the draw does not give one."""
    if rng.random() < KINDS:
        return of_kind(rng, forms, texts)
    pipeline = compose.draw_pipeline(rng, rng.choice(STEPS))
    if not pipeline:
        return None
    verdict = rng.random() < RIGHT if rng.random() < VERIFIED else None
    second = with_argument(pipeline, rng) if verdict is None and rng.random() < SECOND_SHARE else None
    if second:
        pipeline = second[0]
    arg = rng.choice(compose.ARG[pipeline[0][0].tin])
    func = compose.name(pipeline, rng) if not second else rng.choice([compose.name(pipeline, rng), "solve", "apply"])
    words = compose.sentence(pipeline, rng)
    if words in texts:
        return None

    def written(p, style, draws=None):
        source = compose.function(p, func, arg, style, draws)
        return source.replace(") ->", f", {second[1]}: int) ->", 1) if second else source

    for style in compose.STYLES:  # in any style, since the model may answer in another
        if compose.normal_form(written(pipeline, style)) in forms:
            return None
    source = written(pipeline, rng.choice(STYLES), rng)
    if compose.normal_form(source) in forms or max(map(len, source.splitlines())) > 110:
        return None
    inputs = [(compose.draw_input(pipeline[0][0].tin, rng),) + ((rng.choice(second[2]),) if second else ())
              for _ in range(2 if verdict is not False else 8)]
    try:
        values = evaluate(source, func, inputs)
        if verdict is False:
            wrong = written(wrong_one(pipeline, rng), rng.choice(STYLES), rng)
            if evaluate(wrong, func, inputs) == values or compose.normal_form(wrong) in forms:
                return None
    except Exception:
        return None
    shown = rng.choice([0, 1, 2, 2]) if verdict is None else 2
    examples = shown_examples(func, inputs[:shown], values)
    if examples is None:
        return None
    head, body = source.split(":\n", 1)
    if verdict is False:
        body = wrong.split(":\n", 1)[1]
    return [*with_doc(compose.imports(source) + head + ":", words, examples, body), verdict]


def check(path, forms, texts):
    """Of a written corpus: how many rows are problems of `mini`, and how many rows there are."""
    bad = number = 0
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            prompt, body, _ = json.loads(line)
            if description(prompt) in texts or compose.normal_form(prompt + body) in forms:
                print(f"{path}:{number}: held out", file=sys.stderr)
                bad += 1
    return bad, number


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--functions", type=int, default=400000)
    p.add_argument("--seed", type=int, default=725)
    p.add_argument("--mini", default=os.path.join(ROOT, "data", "mini", "mini.jsonl"))
    p.add_argument("--out")
    p.add_argument("--check")
    a = p.parse_args()
    forms, texts = held_out(a.mini)
    if a.check:
        bad, rows = check(a.check, forms, texts)
        print(f"{bad} held-out functions found in {rows}")
        return 1 if bad else 0
    rng = random.Random(a.seed)
    n = 0
    with open(a.out + ".tmp", "w", encoding="utf-8") as f:
        while n < a.functions:
            row = one(rng, forms, texts)
            if row:
                f.write(json.dumps(row) + "\n")
                n += 1
    os.replace(a.out + ".tmp", a.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
