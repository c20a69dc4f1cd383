"""host_alter.py: tests whose expected constants are altered, whole programs taken apart, and the
names that a plain program may use. It runs in the namespace of host_apart.py.

An altered assertion must fail: it compares something that is called with a literal, and the literal
has another value now. So only comparisons are altered that are certain to flip for a program that
is honest and does the same each time: ==, is, abs(x - literal) < small, ...close(x, literal),
assertEqual and its kin; and only where they stand on the tests' main path, not in a loop or branch.
"""
# ---- altered tests ------------------------------------------------------------------------------------------------------------

PURE = {"set", "frozenset", "tuple", "list", "sorted", "dict", "float", "int", "str", "Counter"}
EQUAL = {"assertEqual", "assertEquals", "assertAlmostEqual", "assertListEqual", "assertDictEqual", "assertTupleEqual",
         "assertSetEqual", "assertMultiLineEqual", "assertSequenceEqual", "assertCountEqual", "assertIs"}


def constants(node):
    """The constants of a literal, one of which may be altered; None if the expression is not a literal."""
    if isinstance(node, ast.Constant):
        return [node]
    if isinstance(node, ast.UnaryOp):
        return constants(node.operand)
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        parts = node.elts
    elif isinstance(node, ast.Dict):
        parts = node.values if all(isinstance(k, ast.Constant) for k in node.keys) else [None]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PURE and not node.keywords:
        parts = node.args
    else:
        return None
    found = []
    for p in parts:
        c = constants(p) if p is not None else None
        if c is None:
            return None
        found += c
    return found


def has_call(node):
    return any(isinstance(n, ast.Call) for n in ast.walk(node))


def expected_sides(test):
    """Literals whose change must make `test` fail, for a program that is honest and does the same each time."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        if isinstance(test.ops[0], (ast.Eq, ast.Is)):
            if has_call(left) and constants(left) is None:
                return [right]
            if has_call(right) and constants(right) is None:
                return [left]
        if isinstance(test.ops[0], (ast.Lt, ast.LtE)) and isinstance(left, ast.Call) and len(left.args) == 1:
            inner, eps = left.args[0], constants(right)
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub) and eps is not None:
                return [s for s in (inner.left, inner.right) if not has_call(s)]
    if isinstance(test, ast.Call):
        name = test.func.attr if isinstance(test.func, ast.Attribute) else getattr(test.func, "id", "")
        if name.endswith("close") and len(test.args) >= 2:
            return [a for a in test.args[:2] if not has_call(a)]
    return []


def value_of(side):
    """The literal's value, in the language's own functions."""
    names = {n: getattr(builtins, n, collections.Counter) for n in PURE}
    code = compile(ast.fix_missing_locations(ast.Expression(side)), "<literal>", "eval")
    return eval(code, {"__builtins__": names})


def change(side, far):
    """Alters one constant of a literal so that its value is another one; `far`: beyond any
    tolerance. True if that was possible; else the literal is as it was."""
    found = [c for c in constants(side) or [] if is_data(c.value)]
    try:
        before = value_of(side)
        for _ in range(20 if found else 0):
            node = dice.choice(found)
            kept = node.value
            if type(kept) is float or far and type(kept) is int:
                node.value += type(kept)(1 + abs(kept)) * dice.randint(2, 5)
            else:
                node.value = dice.choice(others(kept) or [kept])
            if value_of(side) != before:
                return True
            node.value = kept
    except Exception:
        pass
    return False


def expected_side(s):
    """(literal, far) of an assertion statement that has an alterable one, else None."""
    if isinstance(s, ast.Assert):
        sides = expected_sides(s.test)
        far = not isinstance(s.test, ast.Compare) or not isinstance(s.test.ops[0], (ast.Eq, ast.Is))
    elif isinstance(s, ast.Expr) and isinstance(s.value, ast.Call):
        f = s.value.func
        if not isinstance(f, ast.Attribute) or f.attr not in EQUAL or len(s.value.args) < 2:
            return None
        sides = [a for a in s.value.args[:2] if not has_call(a)]
        far = "Almost" in f.attr
    else:
        return None
    for side in sides:
        if constants(side) and change(copy.deepcopy(side), far):
            return side, far
    return None


def assertions(tree):
    """(statements, index, literal, far) of every alterable assertion that runs in any case."""
    found = []

    def visit(body):
        for i, s in enumerate(body):
            if isinstance(s, ast.With) or isinstance(s, ast.FunctionDef) and s.name == "check":
                visit(s.body)
            else:
                expected = expected_side(s)
                if expected:
                    found.append((body, i, *expected))

    visit(tree.body)
    return found


def alter_one(sources, k):
    """The tests compiled with the k-th alterable assertion altered, in code of the same shape: a
    program that looks cannot know."""
    codes = []
    for source in sources:
        tree = ast.parse(source, "<test>")
        found = assertions(tree) if k >= 0 else []
        if k < len(found):
            change(*found[k][2:])
        k -= len(found)
        codes.append(compile(tree, "<test>", "exec", dont_inherit=True))
    return codes


def alter_all(source):
    """The test with every alterable assertion altered and followed by __held__() if it holds."""
    tree = ast.parse(source, "<test>")
    for body, i, side, far in assertions(tree):
        change(side, far)
        failed = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
        held = ast.Expr(ast.Call(ast.Name("__held__", ast.Load()), [], []))
        body[i] = ast.Try([body[i]], [failed], [held], [])
    return compile(ast.fix_missing_locations(tree), "<test>", "exec", dont_inherit=True)


# ---- whole programs -----------------------------------------------------------------------------------------------------------

def split_whole(program, tests):
    """Where a program compiles only together with the tests: its code, if the tests' statements are the last of the whole,
    untouched; else None."""
    whole = ast.parse("\n".join([program, *tests]), "<string>")
    tail = [s for t in tests for s in ast.parse(t).body]
    n = len(tail)
    if not n or len(whole.body) < n or [ast.dump(s) for s in whole.body[-n:]] != [ast.dump(s) for s in tail]:
        return None
    whole.body = whole.body[:-n]
    return compile(whole, "<string>", "exec", dont_inherit=True)


# ---- names that a plain program may use (host_plain.c) -----------------------------------------

PLAIN_MODULES = frozenset("""math cmath re typing collections collections.abc itertools functools
    string random copy heapq bisect operator datetime json statistics fractions decimal numbers time
    hashlib sys __future__""".split())
PLAIN_BUILTINS = frozenset("""abs all any ascii bin bool bytearray bytes callable chr classmethod
    complex dict divmod enumerate filter float format frozenset hasattr hash hex input int
    isinstance issubclass iter len list map max min next object oct ord pow print property range
    repr reversed round set slice sorted staticmethod str sum super tuple type zip None True False
    Ellipsis NotImplemented __name__ __annotations__ __module__ __qualname__ __doc__""".split())
PLAIN_BUILTINS |= {n for n, c in vars(builtins).items()
                   if isinstance(c, type) and issubclass(c, BaseException)}
PLAIN_SYS = frozenset("""maxsize setrecursionlimit getrecursionlimit stdin stdout stderr argv exit
    float_info getsizeof""".split())
# Public names by which attributes are read or set by their names, operators are made, or what the
# library does for everybody is changed.
NOT_PLAIN = frozenset("""attrgetter methodcaller update_wrapper wraps WRAPPER_ASSIGNMENTS
    WRAPPER_UPDATES get_type_hints ForwardRef Formatter Template vformat format_map getcontext
    setcontext localcontext DefaultContext BasicContext ExtendedContext register singledispatch
    singledispatchmethod cached_property total_ordering partialmethod NamedTuple TypedDict
    runtime_checkable dispatch_table modules JSONEncoder JSONDecoder""".split())


def plain_names():
    """(modules, built-in names, attributes, attributes that no program may store)."""
    data = [str, bytes, list, dict, set, frozenset, tuple, int, float, complex, bytearray, range,
            slice, BaseException]
    inner = [types.FrameType, types.CodeType, types.TracebackType, types.GeneratorType,
             types.CoroutineType, types.AsyncGeneratorType, types.FunctionType, types.MethodType,
             types.ModuleType, type]
    found = set(PLAIN_SYS)
    reserved = set(dir(sys)) | NOT_PLAIN
    for kind in data:
        found.update(dir(kind))
    for kind in data + inner:
        reserved.update(dir(kind))
    for name in PLAIN_MODULES - {"sys", "__future__"}:
        for attribute, value in vars(importlib.import_module(name)).items():
            reserved.add(attribute)
            if isinstance(value, type):
                reserved.update(dir(value))
            if not isinstance(value, types.ModuleType):
                found.add(attribute)
                if isinstance(value, type):
                    found.update(dir(value))
    found.update(["read", "readline", "readlines", "write", "flush", "abc", "cache_clear", "send"])
    found = {n for n in found if not n.startswith("_") and n not in NOT_PLAIN}
    return PLAIN_MODULES, PLAIN_BUILTINS, frozenset(found | {"__init__"}), frozenset(reserved)
