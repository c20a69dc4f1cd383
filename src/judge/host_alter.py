"""host_alter.py: altered tests, programs that take the tests into themselves, and the names that a
plain program may use. It runs in the namespace of host_apart.py.

An altered assertion must fail for every program that is honest and does the same each time:

  x == literal                  another literal of the same kind; likewise `is`, assertEqual and kin
  abs(x - literal) < small      a number beyond the tolerance; likewise ...close(x, literal)
  x == name                     the literals that the name stands for: an assignment, a loop's table
  x == expression               (expression, None); apart, another value than the expression's
  literal < x < literal         an interval apart from it
  anything else                 its negation

Only assertions that run in any case are altered: on the main path, in loops over a literal table.
"""

# ---- other values than the expected one ----------------------------------------------------------

def others(x):
    """Up to seven values of the same kind that differ from x, so that each of the eight could as
    well be x: numbers are a series in which x has any place, texts and containers all that comes of
    replacing the same few of their parts or not. Of values that each differ from x alone in one
    part, who sees three of them knows x."""
    if type(x) is bool:
        return [not x]
    if type(x) in (int, float):
        step = dice.randint(1, 3) if abs(x) < 1000 else abs(x) // dice.randint(5, 50) + 1
        step = type(x)(step)
        place = dice.randrange(8)
        return [v for v in (x + (i - place) * step for i in range(8)) if v != x and v == v]
    if type(x) is str:
        return ["".join(v) for v in combined(list(x), other_letters)] or dice.sample("abcxyz01", 7)
    if type(x) is bytes:
        return [v.encode("latin-1") for v in others(x.decode("latin-1"))]
    if type(x) in (list, tuple):
        return [type(x)(v) for v in other_items(list(x))]
    if type(x) is dict:
        return [dict(zip(x, v)) for v in other_items(list(x.values()))] if x else [{0: 0}, {"a": 1}]
    if type(x) in (set, frozenset):
        return [v for v in (type(x)(i) for i in other_items(list(x))) if v != x]
    if x is None:
        return [0, "", False]
    if issubclass(type(x), tuple) and hasattr(type(x), "_fields"):
        return [type(x)(*v) for v in other_items(list(x))]
    if numpy_parts(x):
        return other_arrays(x)
    return other_objects(x) if of_tests(x) else []


def other_arrays(x):
    import numpy as np
    a = np.asarray(x)
    found = [np.array(v).astype(a.dtype).reshape(a.shape) for v in other_items(a.ravel().tolist())]
    return [v if type(x) is np.ndarray else v[()] for v in found]


def other_objects(x):
    """Copies of an instance of a class of the tests, with other attributes."""
    attributes = getattr(x, "__dict__", None)
    found = []
    for v in combined(list(attributes.values()), others) if attributes else ():
        y = copy.copy(x)
        y.__dict__.update(zip(attributes, v))
        found.append(y)
    return found


def other_items(items):
    return combined(items, others) or ([[0], [1]] if not items else [items[1:]])


def combined(items, choices):
    """Lists like `items`, in all ways of replacing up to three of them by one of their choices."""
    places = dice.sample(range(len(items)), len(items))
    table = [(i, c) for i, c in ((i, choices(items[i])) for i in places[:64]) if c][:3]
    found = [[]]
    for (i, c), n in zip(table, {1: [7], 2: [3, 1], 3: [1, 1, 1]}.get(len(table), [])):
        column = [items[i]] + dice.sample(c, min(n, len(c)))
        found = [row + [(i, v)] for row in found for v in column]
    changed = []
    for row in found[1:]:
        copied = list(items)
        for i, v in row:
            copied[i] = v
        changed.append(copied)
    return changed


def other_letters(c):
    alphabet = ("0123456789" if c.isdigit() else "abcdefghijklmnopqrstuvwxyz" if c.islower() else
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c.isupper() else " .,()[]<>-_/|*#")
    return list(alphabet.replace(c, ""))


# ---- literals -----------------------------------------------------------------------------------

PURE = frozenset("set frozenset tuple list sorted dict float int str Counter".split())
EQUAL = frozenset("""assertEqual assertEquals assertAlmostEqual assertListEqual assertDictEqual
    assertTupleEqual assertSetEqual assertMultiLineEqual assertSequenceEqual assertCountEqual
    assertIs assertion assert_equal assert_array_equal assert_allclose assert_almost_equal
    assert_array_almost_equal""".split())
TOLERANT = frozenset("""assertAlmostEqual assertion assert_allclose assert_almost_equal
    assert_array_almost_equal""".split())
CLOSE = frozenset("isclose allclose array_equal array_equiv".split())


def called_name(node):
    f = node.func
    return f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "")


def constants(node):
    """The constants of a literal that may be altered; None if the expression is not a literal."""
    if isinstance(node, ast.Constant):
        return [node]
    if isinstance(node, ast.UnaryOp):
        return constants(node.operand)
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        parts = node.elts
    elif isinstance(node, ast.Dict):
        if not all(isinstance(k, ast.Constant) for k in node.keys):
            return None
        parts = node.values
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id not in PURE:
            return None
        parts = node.args
    else:
        return None
    found = [constants(p) for p in parts]
    return None if None in found else [c for part in found for c in part]


def value_of(literal):
    """The literal's value, in the language's own functions."""
    names = {n: getattr(builtins, n, collections.Counter) for n in PURE}
    code = compile(ast.fix_missing_locations(ast.Expression(literal)), "<literal>", "eval")
    return eval(code, {"__builtins__": names})


def change(literal, far):
    """Alters one constant of a literal so that its value is another one; `far`: beyond any
    tolerance. True if that was possible; else the literal is as it was."""
    found = [c for c in constants(literal) or [] if is_data(c.value)]
    try:
        before = value_of(literal)
        for _ in range(20 if found else 0):
            node = dice.choice(found)
            kept = node.value
            if type(kept) is float or far and type(kept) is int:
                node.value += type(kept)(1 + abs(kept)) * dice.randint(2, 5)
            else:
                node.value = dice.choice(others(kept) or [kept])
            if value_of(literal) != before:
                return True
            node.value = kept
    except Exception:
        pass
    return False


def changeable(literal, far):
    return literal is not None and change(copy.deepcopy(literal), far)


# ---- names that stand for literals --------------------------------------------------------------

def inside_functions(tree):
    """Names that stand for a parameter of a function around them: others than what is called so
    outside of it."""
    found = set()
    for f in ast.walk(tree):
        if isinstance(f, (ast.FunctionDef, ast.Lambda)):
            parameters = {a.arg for a in ast.walk(f.args) if isinstance(a, ast.arg)}
            found.update(n for n in ast.walk(f) if isinstance(n, ast.Name) and n.id in parameters)
    return found


class Names:
    """What the names of a test stand for: `rows[name]`, the literals that it takes one after the
    other. Only of names that are bound once and read nowhere but as an expected value."""

    def __init__(self, tree):
        self.rows, self.bound, self.read = {}, collections.Counter(), collections.Counter()
        self.assigned = {}
        inner = inside_functions(tree)
        for n in ast.walk(tree):
            if isinstance(n, ast.Assert):
                for m in ast.walk(n.msg) if n.msg else ():
                    if isinstance(m, ast.Name) and m not in inner:
                        self.read[m.id] -= 1
            if isinstance(n, ast.Name) and n not in inner:
                counter = self.read if isinstance(n.ctx, ast.Load) else self.bound
                counter[n.id] += 1
            target = n.targets[0] if isinstance(n, ast.Assign) and len(n.targets) == 1 else None
            if isinstance(target, ast.Name):
                self.assigned[target.id] = n.value

    def literal(self, node):
        """The literal that an expression is, or that a name was assigned, read here alone."""
        if isinstance(node, ast.Name) and self.bound[node.id] == 1 and self.read[node.id] == 1:
            node = self.assigned.get(node.id)
        return node if node is not None and constants(node) is not None else None

    def table(self, node):
        """The rows of what a loop goes over: expressions, or tuples of them; None: unknown."""
        if isinstance(node, ast.Name) and self.bound[node.id] == 1 and self.read[node.id] == 1:
            node = self.assigned.get(node.id)
        if isinstance(node, (ast.List, ast.Tuple)):
            return node.elts
        if not isinstance(node, ast.Call):
            return None
        name = called_name(node)
        if name == "enumerate" and node.args:
            rows = self.table(node.args[0])
            return rows and [(None, r) for r in rows]
        if name == "zip" and node.args:
            parts = [self.table(a) for a in node.args]
            known = [p for p in parts if p]
            if not known:
                return None
            n = min(map(len, known))
            return list(zip(*[p[:n] if p else [None] * n for p in parts]))
        if name == "items" and isinstance(node.func, ast.Attribute):
            d = self.literal(node.func.value) if isinstance(node.func.value, ast.Name) else None
            return list(zip(d.keys, d.values)) if isinstance(d, ast.Dict) else None
        if name == "range" and isinstance(node.func, ast.Name):
            try:
                return [None] * min(len(value_of_range(node)), 1)
            except Exception:
                return None
        return None

    def bind(self, target, row):
        if isinstance(target, ast.Name):
            self.rows.setdefault(target.id, []).append(row if isinstance(row, ast.AST) else None)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = row.elts if isinstance(row, (ast.Tuple, ast.List)) else row
            if not isinstance(parts, (tuple, list)) or len(parts) != len(target.elts):
                parts = [None] * len(target.elts)
            for t, p in zip(target.elts, parts):
                self.bind(t, p)

    def expected(self, node):
        """The literals that an expected value takes; [] if they are not known."""
        if isinstance(node, ast.Name):
            if self.bound[node.id] != 1 or self.read[node.id] != 1:
                return []
            rows = self.rows.get(node.id)
            if rows is None:
                rows = [self.assigned.get(node.id)]
        else:
            rows = [node]
        return rows if all(r is not None and constants(r) is not None for r in rows) else []


def value_of_range(node):
    return range(*[ast.literal_eval(a) for a in node.args])


# ---- assertions ---------------------------------------------------------------------------------

class Assertion:
    """One alterable assertion: statement `body[i]`, and how it is altered."""

    def __init__(self, body, i, rows, far, test=None):
        self.body, self.i, self.rows, self.far, self.test = body, i, rows, far, test

    def units(self):
        return len(self.rows) or 1

    def alter(self, unit):
        """Alters one row, or the statement; unit None: all rows, in tests that run apart."""
        if self.rows:
            for row in self.rows if unit is None else [self.rows[unit]]:
                change(row, self.far)
        else:
            s = self.body[self.i]
            s.test = elsewhere(s.test) if unit is None else self.test


def has_call(node):
    return any(isinstance(n, ast.Call) for n in ast.walk(node))


INVERSE = {ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
           ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}


def sides(test):
    """(expressions whose change makes `test` fail, whether it tolerates a difference)."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return next((s for s in map(sides, test.values) if s[0]), ([], False))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = test.operand
        unequal = isinstance(inner, ast.Compare) and len(inner.ops) == 1 and \
            isinstance(inner.ops[0], ast.NotEq)
        return ([inner.comparators[0], inner.left], False) if unequal else ([], False)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        if isinstance(test.ops[0], (ast.Eq, ast.Is)):
            return [right, left], False
        if isinstance(test.ops[0], (ast.Lt, ast.LtE)) and isinstance(left, ast.Call):
            inner = left.args[0] if len(left.args) == 1 else None
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub) and small(right):
                return [inner.right, inner.left], True
    if isinstance(test, ast.Call) and len(test.args) >= 2 and called_name(test) in CLOSE:
        return [unwrapped(test.args[1]), unwrapped(test.args[0])], True
    return [], False


def unwrapped(node):
    """What an array is made of."""
    array = isinstance(node, ast.Call) and called_name(node) in ("array", "asarray") and node.args
    return node.args[0] if array else node


def small(node):
    return constants(node) is not None and value_of(node) < 1


def another(x):
    """A value of the same kind that differs from x."""
    return dice.choice(others(x) or [(x, None)])


def elsewhere(test):
    """negated(), where the program does not see the tests' code but what is asked of its objects."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) is ast.Eq:
        other = ast.Call(ast.Name("__another__", ast.Load()), test.comparators, [])
        return ast.Compare(test.left, [ast.Eq()], [other])
    return negated(test)


def negated(test):
    """An expression that is false where `test` holds, as near to it as can be."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    if isinstance(test, ast.Compare) and len(test.ops) == 2:
        return shifted(test) or ast.UnaryOp(ast.Not(), test)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        op = type(test.ops[0])
        if op is ast.Eq:
            other = ast.Tuple([test.comparators[0], ast.Constant(None)], ast.Load())
            return ast.Compare(test.left, [ast.Eq()], [other])
        return ast.Compare(test.left, [INVERSE[op]()], test.comparators)
    return ast.UnaryOp(ast.Not(), test)


def shifted(test):
    """low < x < high between other bounds, which no x meets that meets these; None: not of the kind."""
    low, high = test.left, test.comparators[1]
    if any(type(op) not in (ast.Lt, ast.LtE) for op in test.ops) or \
            constants(low) is None or constants(high) is None:
        return None
    a, b = value_of(low), value_of(high)
    if type(a) not in (int, float) or type(b) not in (int, float) or not a <= b:
        return None
    by = (b - a + type(b)(1)) * dice.choice([-3, -2, 2, 3])
    return ast.Compare(ast.Constant(a + by), test.ops, [test.comparators[0], ast.Constant(b + by)])


def read_assertion(body, i, names):
    s = body[i]
    if isinstance(s, ast.Assert):
        found, far = sides(s.test)
    elif isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and len(s.value.args) >= 2 and \
            called_name(s.value) in EQUAL:
        found = [unwrapped(a) for a in s.value.args[1::-1]]
        far = called_name(s.value) in TOLERANT
    else:
        return None
    for side in found:
        rows = names.expected(side)
        if rows and all(changeable(r, far) for r in rows):
            return Assertion(body, i, rows, far)
    if isinstance(s, ast.Assert) and has_call(s.test) or found and isinstance(s, ast.Assert):
        return Assertion(body, i, [], False, negated(s.test))
    return None


def skips(definition):
    """Whether a decorator may keep a test from running, or from failing."""
    return any("skip" in ast.dump(d) or "expected" in ast.dump(d) for d in definition.decorator_list)


def names_case(base):
    """TestCase, whose methods test... all run."""
    return getattr(base, "attr", getattr(base, "id", "")) == "TestCase"


def refuses(body):
    """True if statements end in `assert False`, `raise` or fail()."""
    s = body[-1]
    if isinstance(s, ast.Assert):
        return isinstance(s.test, ast.Constant) and not s.test.value
    failing = isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and \
        called_name(s.value) == "fail"
    return failing or isinstance(s, ast.Raise)


def assertions(tree):
    names, found, cases = Names(tree), [], set()

    def visit(body):
        for i, s in enumerate(body):
            if isinstance(s, ast.With) or isinstance(s, ast.FunctionDef) and \
                    (s.name == "check" or s.name.startswith("test") and s in cases) and not skips(s):
                visit(s.body)
            elif isinstance(s, ast.ClassDef) and any(map(names_case, s.bases)) and not skips(s):
                cases.update(s.body)
                visit(s.body)
            elif isinstance(s, ast.For) and not s.orelse:
                rows = names.table(s.iter)
                for row in rows or ():
                    names.bind(s.target, row)
                if rows and not any(isinstance(n, (ast.Break, ast.Continue)) for n in ast.walk(s)):
                    visit(s.body)
            elif isinstance(s, ast.Try) and len(s.handlers) == 1:
                if refuses(s.orelse or s.body):  # so that the handler ran
                    visit(s.handlers[0].body)
            else:
                a = read_assertion(body, i, names)
                if a:
                    found.append(a)

    visit(tree.body)
    return found


def count_units(trees):
    return sum(a.units() for t in trees for a in assertions(t))


def alter_one(sources, k, flags):
    """The tests compiled with the k-th unit altered: code that a program cannot tell from tests
    that were written so."""
    codes = []
    for source in sources:
        tree = ast.parse(source, "<test>")
        for a in assertions(tree):
            if 0 <= k < a.units():
                a.alter(k)
            k -= a.units()
        codes.append(compile(ast.fix_missing_locations(tree), "<test>", "exec", flags, True))
    return codes


def alter_all(tree):
    """Alters every assertion and puts __held__() behind it, which is called if it holds."""
    for a in assertions(tree):
        a.alter(None)
        failed = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
        held = ast.Expr(ast.Call(ast.Name("__held__", ast.Load()), [], []))
        a.body[a.i] = ast.Try([a.body[a.i]], [failed], [held], [])
    ast.fix_missing_locations(tree)


# ---- whole programs -----------------------------------------------------------------------------

def split_whole(program, tests):
    """Where a program compiles only together with the tests: its code, if the tests' statements
    are the last of the whole, untouched; else None."""
    whole = ast.parse("\n".join([program, *tests]), "<string>")
    tail = [s for t in tests for s in ast.parse(t).body]
    n = len(tail)
    if not n or list(map(ast.dump, whole.body[-n:])) != list(map(ast.dump, tail)):
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
# Names by which a program would learn of what is not in its code and its input: the time, the
# system's random numbers, where objects lie in memory, docstrings, lines of its text.
UNSTEADY = frozenset("""__doc__ __slots__ hash time now today utcnow localtime gmtime ctime seed Random
    SystemRandom get_overloads""".split())
# Public names by which attributes are read or set by their names, operators are made, or what the
# library does for everybody is changed.
NOT_PLAIN = frozenset("""attrgetter methodcaller update_wrapper wraps WRAPPER_ASSIGNMENTS
    WRAPPER_UPDATES get_type_hints ForwardRef Formatter Template vformat format_map getcontext
    setcontext localcontext DefaultContext BasicContext ExtendedContext register singledispatch
    singledispatchmethod cached_property total_ordering partialmethod NamedTuple TypedDict
    runtime_checkable dispatch_table modules JSONEncoder JSONDecoder""".split())
# Modules that a program may import which leaves no trace in its process. What of `sys` some runs get
# anew: host_plain.c.
TRACELESS = frozenset("""math cmath typing collections collections.abc itertools functools string
    copy heapq bisect operator re sys __future__""".split())
# What it may name of them: all of the first, of the others these names, and of the objects that they
# make. Everything else in them is a trace: what is new, or was not thought of, is refused.
STAYS_WHOLE = "math cmath itertools heapq bisect operator".split()
STAYS = frozenset("""List Dict Tuple Set FrozenSet Optional Any Union Iterable Iterator Sequence
    Callable Generator Mapping Deque DefaultDict Text Counter defaultdict OrderedDict deque
    most_common elements subtract total appendleft extendleft popleft rotate maxlen move_to_end
    default_factory reduce cmp_to_key partial lru_cache cache cache_clear ascii_letters
    ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation printable whitespace copy
    deepcopy compile match search fullmatch split findall finditer sub subn escape I IGNORECASE M
    MULTILINE S DOTALL X VERBOSE A ASCII group groups groupdict start end span string read readline
    readlines write flush buffer send annotations stdin stdout maxsize setrecursionlimit exit
    """.split())
# Traces elsewhere. `type` leads to classes of the library that have no name here: typing's and the
# language's types in brackets set an attribute on whatever their origin returns.
TRACES = frozenset("abstractmethod random samples type".split())


def own_names(value):
    """Names of an object's class that lead to what it keeps for itself, and what it keeps; of a
    class, also those of its own: dir() leaves out a metaclass's, and what a class likes to hide."""
    found = set()
    for kind in (value, type(value)) if isinstance(value, type) else (type(value),):
        for base in type.mro(kind) if kind is not type else (type,):
            found.update(n for n in vars(base) if n.startswith("_"))
    return found | set(dir(value) if isinstance(value, type) else vars(value)
                       if hasattr(value, "__dict__") and not isinstance(value, types.ModuleType)
                       else ())


def public_names(module):
    """Of a module and of its classes."""
    found = set()
    for name, value in vars(module).items():
        found.update([name], dir(value) if isinstance(value, type) else ())
    return {n for n in found if not n.startswith("_")}


def plain_names():
    """(modules and what `import *` binds of each, built-in names, attributes, attributes that no
    program may store, names that none may read, names that no steady one has; numbers of the
    instructions with a name, with a constant; modules and names: see TRACELESS, TRACES)."""
    data = [str, bytes, list, dict, set, frozenset, tuple, int, float, complex, bytearray, range,
            slice, BaseException]
    inner = [types.FrameType, types.CodeType, types.TracebackType, types.GeneratorType,
             types.CoroutineType, types.AsyncGeneratorType, types.FunctionType, types.MethodType,
             types.ModuleType, type, io.FileIO, io.BufferedReader, io.BufferedWriter,
             io.TextIOWrapper]
    found = set(PLAIN_SYS)
    reserved = set(dir(sys)) | NOT_PLAIN
    for kind in data:
        found.update(dir(kind))
    for kind in data + inner:
        reserved.update(dir(kind))
    modules = {"sys": (), "__future__": ()}
    for name in PLAIN_MODULES - set(modules):
        members = vars(importlib.import_module(name))
        modules[name] = tuple(members.get("__all__") or [n for n in members if n[0] != "_"])
        for attribute, value in members.items():
            reserved.add(attribute)
            reserved.update(own_names(value))
            if not isinstance(value, types.ModuleType):
                found.add(attribute)
                if isinstance(value, type):
                    found.update(dir(value))
    found.update(["read", "readline", "readlines", "write", "flush", "buffer", "abc", "cache_clear",
                  "send"])
    found.update(__future__.all_feature_names)
    # No __init__, either: property.__init__ makes one of the library's properties anew.
    found = {n for n in found if not n.startswith("_") and n not in NOT_PLAIN}
    stays = STAYS.union(*(dir(kind) for kind in data),
                        *(public_names(importlib.import_module(m)) for m in STAYS_WHOLE))
    kept = {n for m in TRACELESS for n in public_names(importlib.import_module(m))} - stays
    kept -= PLAIN_BUILTINS
    return (modules, PLAIN_BUILTINS, frozenset(found), frozenset(reserved),
            NOT_PLAIN, UNSTEADY, opcode.hasname, opcode.hasconst, TRACELESS, TRACES | kept)
