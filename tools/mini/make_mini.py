#!/usr/bin/env python3
"""Writes the problem set `mini` in HumanEval's form: make_mini.py > data/mini/mini.jsonl

Problems are drawn pipelines (ops.py) plus the hand-written ones (hand.py). The tests of each are inputs
chosen so that they kill as many mutants of the reference solution as possible; a drawn problem whose
tests kill fewer than MIN_KILLED of its mutants is left out. Everything follows from SEED.
"""

import ast
import copy
import json
import random
import sys

import compose
from hand import HAND

SEED = 20404  # of the paper's number, arXiv 2404.00725
PER_LEVEL = {"easy": 32, "medium": 50, "hard": 58}
STEPS = {"easy": (1, 1, 2), "medium": (2, 3), "hard": (3, 4)}
MIN_ASSERTS, MAX_ASSERTS, MIN_KILLED = 6, 14, 0.9

SWAP = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
        ast.Pow: ast.Mult, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
        ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And}


def mutants(source):
    """Sources that differ from `source` in one place: an operator, a constant, a called name, a slice's
    bound, a dropped condition, a dropped call or a negated test."""
    tree = ast.parse(source)  # comparing whole programs by text: one that unparses alike is no mutant
    out = set()

    def emit(change):
        t = copy.deepcopy(tree)
        change(list(ast.walk(t)))
        try:
            text = ast.unparse(ast.fix_missing_locations(t))
            compile(text, "<mutant>", "exec")
        except (SyntaxError, ValueError):
            return
        out.add(text)

    nodes = list(ast.walk(tree))
    doc = next((n.body[0].value for n in nodes if isinstance(n, ast.FunctionDef) and n.body
                and isinstance(n.body[0], ast.Expr)), None)
    skip = set()
    for n in nodes:  # annotations are no behaviour
        if isinstance(n, ast.FunctionDef):
            for a in [n.returns, *[a.annotation for a in n.args.args]]:
                skip.update(map(id, ast.walk(a)) if a else [])
    for i, n in enumerate(nodes):
        if id(n) in skip:
            continue
        if isinstance(n, (ast.BinOp, ast.AugAssign)) and type(n.op) in SWAP:
            emit(lambda w, i=i: setattr(w[i], "op", SWAP[type(w[i].op)]()))
        elif isinstance(n, ast.BoolOp):
            emit(lambda w, i=i: setattr(w[i], "op", SWAP[type(w[i].op)]()))
        elif isinstance(n, ast.Compare) and type(n.ops[0]) in SWAP:
            emit(lambda w, i=i: setattr(w[i], "ops", [SWAP[type(w[i].ops[0])]()] + w[i].ops[1:]))
        elif isinstance(n, ast.Constant) and n is not doc:
            v = n.value
            others = [not v] if isinstance(v, bool) else [v + 1, v - 1] if isinstance(v, int) else [v + "q", v[1:]] if isinstance(v, str) else []
            for o in others:
                if o != v:
                    emit(lambda w, i=i, o=o: setattr(w[i], "value", o))
        elif isinstance(n, ast.comprehension) and n.ifs:
            emit(lambda w, i=i: setattr(w[i], "ifs", []))
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in ("min", "max"):
            emit(lambda w, i=i: setattr(w[i].func, "id", "max" if w[i].func.id == "min" else "min"))
        elif isinstance(n, ast.Call) and n.keywords:
            emit(lambda w, i=i: setattr(w[i], "keywords", w[i].keywords[1:]))
        elif isinstance(n, (ast.If, ast.IfExp, ast.While)):
            if not isinstance(n, ast.While):
                emit(lambda w, i=i: setattr(w[i], "test", ast.UnaryOp(ast.Not(), w[i].test)))
    out.discard(ast.unparse(tree))
    return sorted(out)


class Slow(Exception):
    pass


def value(source, func, args):
    """repr of the value, or the exception's name. Mutants may loop: the line count is bounded."""
    budget = [20000]

    def trace(frame, event, arg):
        budget[0] -= 1
        if budget[0] < 0:
            raise Slow
        return trace

    space = {}
    sys.settrace(trace)
    try:
        exec(compile(source, "<p>", "exec"), space)
        v = space[func](*copy.deepcopy(args))
        return repr(v) + type(v).__name__
    except Exception as e:
        return "!" + type(e).__name__
    finally:
        sys.settrace(None)


def near_misses(pipeline, func, arg, rng):
    """Programs of neighbouring meaning: one step has another parameter or is another operation between
    the same types. A test set should tell them apart wherever they differ."""
    out = set()
    for i, (op, params) in enumerate(pipeline):
        for name, values in op.params.items():
            others = [v for v in values if v != params[name]]
            for v in rng.sample(others, min(2, len(others))):
                out.add((i, op, tuple(sorted({**params, name: v}.items()))))
        siblings = [o for o in compose.BY_INPUT[op.tin] if o.tout == op.tout and o.tag != op.tag]
        for o in rng.sample(siblings, min(4, len(siblings))):
            out.add((i, o, tuple(sorted(compose.draw_params(o, rng).items()))))
    return [compose.function(pipeline[:i] + ((o, dict(p)),) + pipeline[i + 1:], func, arg, "steps")
            for i, o, p in sorted(out, key=lambda t: (t[0], t[1].tag, t[2]))]


def choose_inputs(source, func, inputs, fixed=(), misses=()):
    """Inputs that kill mutants and near misses, greedily, at least MIN_ASSERTS; and the share of
    mutants killed (near misses may be equal in meaning, so they do not count)."""
    base = [value(source, func, a) for a in inputs]
    usable = [i for i, b in enumerate(base) if not b.startswith("!") and len(b) < 160]
    pure = mutants(source)
    muts = pure + [compose.imports(m) + m for m in misses]
    killed_by = {i: set() for i in usable}
    for m, text in enumerate(muts):
        for i in usable:
            if value(text, func, inputs[i]) != base[i]:
                killed_by[i].add(m)
    chosen, dead = list(fixed), set().union(*[killed_by.get(i, set()) for i in fixed]) if fixed else set()
    while len(chosen) < MAX_ASSERTS:
        rest = [i for i in usable if i not in chosen]
        best = max(rest, key=lambda i: (len(killed_by[i] - dead), base[i] not in [base[c] for c in chosen], -i), default=None)
        if best is None or (not killed_by[best] - dead and len(chosen) >= MIN_ASSERTS):
            break
        chosen.append(best)
        dead |= killed_by[best]
    killed = sum(m < len(pure) for m in dead)
    return chosen, (killed / len(pure) if pure else 1.0), len(pure)


def wrapped(text, indent):
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > 96 - len(indent):
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return ("\n" + indent).join([*lines, line])


def problem(number, level, n_steps, source, func, description, inputs, values):
    """One row. `source` is the function without its docstring."""
    head, rest = source.split(":\n", 1)
    shown = "".join(f"    >>> {func}({', '.join(map(repr, a))})\n    {v!r}\n" for a, v in list(zip(inputs, values))[:2])
    prefix = compose.imports(source)
    prompt = f'{prefix}{head}:\n    """{wrapped(description, "    ")}\n\n{shown}    """\n'
    lines = "".join(f"    assert candidate({', '.join(map(repr, a))}) == {v!r}\n" for a, v in zip(inputs, values))
    return {"task_id": f"mini/{number}", "prompt": prompt, "entry_point": func, "canonical_solution": rest,
            "test": f"def check(candidate):\n{lines}", "difficulty": level, "n_steps": n_steps}


def drawn(level, rng, taken):
    """One drawn problem of the level: (n_steps, source, func, description, chosen inputs)."""
    while True:
        pipeline = compose.draw_pipeline(rng, rng.choice(STEPS[level]))
        if not pipeline or compose.key(pipeline) in taken or not compose.sound(pipeline, rng.random()):
            continue
        arg = compose.ARG[pipeline[0][0].tin][0]
        func = compose.name(pipeline, rng)
        source = compose.function(pipeline, func, arg, "steps")
        form = compose.normal_form(source)
        description = compose.sentence(pipeline, rng)
        if form in taken or description in taken or max(map(len, source.splitlines())) > 96:
            continue
        inputs = [(compose.draw_input(pipeline[0][0].tin, rng),) for _ in range(60)]
        full = compose.imports(source) + source
        chosen, share, n = choose_inputs(full, func, inputs, misses=near_misses(pipeline, func, arg, rng))
        if share < MIN_KILLED or len(chosen) < MIN_ASSERTS:
            continue
        taken.update([compose.key(pipeline), form, description])
        return len(pipeline), source, func, description, [inputs[i] for i in chosen], share, n


def main():
    rng = random.Random(SEED)
    taken, rows, killed, total = set(), [], 0.0, 0
    for level in PER_LEVEL:
        for _ in range(PER_LEVEL[level]):
            n_steps, source, func, description, inputs, share, n = drawn(level, rng, taken)
            values = [run(source, func, a) for a in inputs]
            rows.append(problem(len(rows), level, n_steps, source, func, description, inputs, values))
            killed += share * n
            total += n
        for lv, text, inputs in HAND:
            if lv != level:
                continue
            tree = ast.parse(text).body[0]
            doc = ast.get_docstring(tree)
            tree.body = tree.body[1:]
            source = text[:text.index('"""')].rstrip() + "\n" + text[text.rindex('"""') + 4:]
            chosen, share, n = choose_inputs(source, tree.name, inputs, fixed=range(len(inputs)))
            if share < MIN_KILLED:
                print(f"{tree.name}: only {share:.0%} of {n} mutants killed", file=sys.stderr)
            values = [run(source, tree.name, a) for a in inputs]
            rows.append(problem(len(rows), level, 1, source, tree.name, " ".join(doc.split()), inputs, values))
            killed += share * n
            total += n
    for r in rows:
        print(json.dumps(r))
    print(f"{len(rows)} problems, {total} mutants, {killed / total:.1%} killed", file=sys.stderr)


def run(source, func, args):
    space = {}
    exec(compose.imports(source) + source, space)
    return space[func](*copy.deepcopy(args))


if __name__ == "__main__":
    main()
