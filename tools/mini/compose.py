"""Pipelines of operations: their code in several styles, their docstrings, names, inputs and values.

A pipeline is a tuple of (operation, parameters). Everything here is a pure function of a pipeline and
a random.Random, so that the problem set and the training text are reproducible from a seed.
"""

import ast
import builtins
import math
import random

from ops import OPS, TYPES

ARG = {"int": ["n", "number", "value"], "str": ["text", "s", "line"], "ints": ["nums", "numbers", "values"],
       "strs": ["words", "items", "names"], "dict": ["counts", "scores", "table"]}
ELEMENT = {"ints": "n", "strs": "w", "str": "c", "dict": "v"}
EMPTY = {"ints": "[]", "strs": "[]", "str": '""', "dict": "{}"}
BY_INPUT = {}
for _op in OPS:
    BY_INPUT.setdefault(_op.tin, []).append(_op)


def draw_params(op, rng):
    return {name: rng.choice(values) for name, values in sorted(op.params.items())}


def draw_pipeline(rng, n_steps, tin=None):
    """n_steps operations whose types fit, no operation twice; None if it ran into a dead end."""
    t = tin or rng.choice(["int", "str", "ints", "ints", "strs", "dict"])
    steps = []
    for i in range(n_steps):
        choices = [o for o in BY_INPUT.get(t, ()) if all(o.tag != s.tag for s, _ in steps)]
        if i + 1 < n_steps:
            choices = [o for o in choices if o.tout in BY_INPUT]
        if not choices:
            return None
        op = rng.choice(choices)
        steps.append((op, draw_params(op, rng)))
        t = op.tout
    return tuple(steps)


def key(pipeline):
    """Identity of a pipeline: operations with their parameters, whatever the wording and style."""
    return " | ".join(op.tag + ":" + op.tin + "".join(f" {k}={v}" for k, v in sorted(p.items())) for op, p in pipeline)


def _atom(x):
    """x in parentheses unless it binds tightly."""
    if x.isidentifier() or (x.endswith(("]", ")")) and _balanced_call(x)):
        return x
    return f"({x})"


def _balanced_call(x):
    depth = 0
    for ch in x:
        if ch in "([{":
            depth += 1
        elif ch in ")]}":
            depth -= 1
        elif depth == 0 and not (ch.isalnum() or ch in "._\""):
            return False
    return depth == 0


def expression(op, params, x):
    """One expression for op applied to the expression x."""
    if op.kind in ("expr", "fold"):
        return op.code.format(x=_atom(x), **params)
    e = ELEMENT[op.tin]
    inner = op.code.format(e=e, **params)
    if op.tin == "dict":
        new, cond = (inner, "") if op.kind == "map" else ("v", f" if {inner}")
        return f"{{k: {new} for k, v in {_atom(x)}.items(){cond}}}"
    new, cond = (inner, "") if op.kind == "map" else (e, f" if {inner}")
    body = f"{new} for {e} in {x}{cond}"
    return f'"".join({body})' if op.tin == "str" else f"[{body}]"


def loop(op, params, x, target):
    """Lines of a loop that leaves op's result in `target`; None where op has no loop form."""
    e = ELEMENT.get(op.tin)
    if op.kind == "fold" and op.loop:
        init, update = op.loop
        return [f"{target} = {init}", f"for {e} in {x}:", "    " + update.format(a=target, e=e, **params)]
    if op.kind not in ("map", "filter"):
        return None
    inner = op.code.format(e=e, **params)
    head = f"for k, v in {x}.items():" if op.tin == "dict" else f"for {e} in {x}:"
    new = inner if op.kind == "map" else e
    add = {"dict": f"{target}[k] = {new}", "str": f"{target} += {new}"}.get(op.tin, f"{target}.append({new})")
    if op.kind == "map":
        return [f"{target} = {EMPTY[op.tin]}", head, "    " + add]
    return [f"{target} = {EMPTY[op.tin]}", head, f"    if {inner}:", "        " + add]


NAMES = {"int": ["result", "total", "value"], "bool": ["answer", "result"], "str": ["result", "out"],
         "ints": ["result", "kept", "out"], "strs": ["result", "kept", "out"], "dict": ["result", "out"]}


def body(pipeline, arg, style, rng=None):
    """The function's lines. style: "nested" one expression, "steps" a line per step, "loops" loops
    where an operation has them."""
    if style == "nested":
        x = arg
        for op, params in pipeline:
            x = expression(op, params, x)
        return [f"return {x}"]
    lines, x = [], arg
    for i, (op, params) in enumerate(pipeline):
        last = i + 1 == len(pipeline)
        name = rng.choice(NAMES[op.tout]) if rng else NAMES[op.tout][0]
        steps = None
        if style == "loops":
            target = name if name != x else name + "2"
            steps = loop(op, params, x, target)
            if steps:
                lines += steps
                x = target
                if last:
                    lines.append(f"return {x}")
                continue
        value = expression(op, params, x)
        if last:
            lines.append(f"return {value}")
        else:
            lines.append(f"{name} = {value}")
            x = name
    return lines


STYLES = ("steps", "nested", "loops")


def sentence(pipeline, rng):
    """The docstring's description."""
    parts = []
    for i, (op, params) in enumerate(pipeline):
        last = i + 1 == len(pipeline)
        if last and op.ret and (rng.random() < 0.75 or op.tout == "bool"):
            parts.append("return " + rng.choice(op.ret).format(**params))
        else:
            parts.append(rng.choice(op.do).format(**params) + (" and return the result" if last else ""))
    if len(parts) == 1:
        text = parts[0]
    elif rng.random() < 0.4:
        text = ". Then ".join([parts[0], *[p for p in parts[1:]]])
    elif len(parts) == 2:
        text = rng.choice(["{}, then {}", "{}, and {}", "first {}, then {}"]).format(*parts)
    else:
        text = ", ".join(parts[:-1]) + rng.choice([", and ", ", then ", ", and finally "]) + parts[-1]
    return text[0].upper() + text[1:] + "."


NEUTRAL = "solve process transform compute handle convert apply evaluate prepare rework derive answer".split()


def name(pipeline, rng):
    """Says at most one of the steps, so that the docstring has to be read."""
    tag = rng.choice([op.tag for op, _ in pipeline])
    return rng.choice(NEUTRAL) if rng.random() < 0.5 or hasattr(builtins, tag) else tag  # never hide abs, sum, ...


def signature(func, pipeline, arg):
    return f"def {func}({arg}: {TYPES[pipeline[0][0].tin]}) -> {TYPES[pipeline[-1][0].tout]}:"


def imports(code):
    return "import math\n\n\n" if "math." in code else ""


WORDS = ("apple banana kiwi plum pear fig date lemon melon cherry stone river cloud table chair paper small great red "
         "blue green dog cat bird fish tree leaf sun moon star level noon radar ab abc a i to of the one two six ten").split()


def draw_input(t, rng):
    if t == "int":
        return rng.choice([rng.randint(-20, 60), rng.randint(0, 9), rng.randint(100, 9999), rng.randint(-300, 300)])
    if t == "ints":
        hi = rng.choice([5, 12, 30])
        return [rng.randint(-hi // 2, hi) for _ in range(rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8]))]
    if t == "str":
        kind = rng.random()
        if kind < 0.15:
            return "".join(rng.choice("abcde123 XYZ!") for _ in range(rng.randint(0, 8)))
        words = [rng.choice(WORDS) for _ in range(rng.randint(0, 4))]
        words = [w.capitalize() if rng.random() < 0.3 else w.upper() if rng.random() < 0.1 else w for w in words]
        if rng.random() < 0.25:
            words.append(str(rng.randint(0, 99)))
        return " ".join(words)
    if t == "strs":
        return [rng.choice(WORDS) if rng.random() < 0.85 else rng.choice(WORDS).capitalize() for _ in range(rng.choice([0, 1, 2, 3, 4, 5, 6]))]
    if t == "dict":
        return {w: rng.randint(-5, 20) for w in rng.sample(WORDS, rng.choice([0, 1, 2, 3, 4, 5]))}
    raise ValueError(t)


def run(source, func, argument):
    """func's value for a copy of argument; raises what the program raises."""
    space = {"math": math}
    exec(compile(source, "<pipeline>", "exec"), space)
    return space[func](ast.literal_eval(repr(argument)))


class _Canonical(ast.NodeTransformer):
    """Renames every local name and the function in order of appearance and drops docstrings and
    annotations: equal trees are the same program written with other names."""

    def __init__(self):
        self.names = {}

    def visit_FunctionDef(self, node):
        self.names[node.name] = "f"
        node.name = "f"
        node.returns = None
        for a in node.args.args:
            a.annotation = None
            a.arg = self.names.setdefault(a.arg, f"v{len(self.names)}")
        if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
        node.body = [self.visit(s) for s in node.body]
        return node

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store) or node.id in self.names:
            node.id = self.names.setdefault(node.id, f"v{len(self.names)}")
        return node

    def visit_ListComp(self, node):
        return self._comprehension(node)

    visit_GeneratorExp = visit_SetComp = visit_DictComp = visit_ListComp

    def _comprehension(self, node):
        for g in node.generators:  # targets are bound before the element is read
            g.target = self.visit(g.target)
            g.iter = self.visit(g.iter)
            g.ifs = [self.visit(i) for i in g.ifs]
        for f in ("elt", "key", "value"):
            if hasattr(node, f):
                setattr(node, f, self.visit(getattr(node, f)))
        return node


def normal_form(source):
    """A string that is equal for programs that differ only in names, docstrings and annotations."""
    tree = ast.parse(source)
    func = next(n for n in tree.body if isinstance(n, ast.FunctionDef))
    return ast.dump(_Canonical().visit(func))


def function(pipeline, func, arg, style, rng=None):
    lines = body(pipeline, arg, style, rng)
    return signature(func, pipeline, arg) + "\n" + "".join(f"    {line}\n" for line in lines)


def sound(pipeline, seed):
    """True if every step matters and the values vary: no step can be left out without changing some
    value, and the inputs do not all give the same value."""
    rng = random.Random(seed)
    inputs = [draw_input(pipeline[0][0].tin, rng) for _ in range(60)]
    source = function(pipeline, "f", "x", "steps")

    def values(src):
        out = []
        for i in inputs:
            try:
                out.append(repr(run(src, "f", i)))
            except Exception:
                return None
        return out

    base = values(source)
    if base is None or len(set(base)) < (2 if pipeline[-1][0].tout == "bool" else 8):
        return False
    top = max(base.count(v) for v in set(base))
    if top > (0.85 if pipeline[-1][0].tout == "bool" else 0.6) * len(base) or max(map(len, base)) > 300:
        return False
    for i, (op, _) in enumerate(pipeline):
        rest = pipeline[:i] + pipeline[i + 1:]
        if len(pipeline) > 1 and op.tin == op.tout and rest:
            other = values(function(rest, "f", "x", "steps"))
            if other is not None and sum(a != b for a, b in zip(base, other)) < 6:
                return False
    return True
