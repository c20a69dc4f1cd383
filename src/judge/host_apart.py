"""host_apart.py: tests and program in processes apart; the side of each, in Python.

A pass that the program could have forged (host_plain.c) is confirmed here. The tests run in one
process, which never runs a line of the program; the program runs in its fork (host_apart.c) and
answers requests over two pipes: give me this name, call it with these arguments. What crosses is
data: the content of built-in types, copied, and of the library's types that are data (fractions,
dates, counters, numpy's arrays). So on the tests' side no method of the program runs, no frame,
constant, module or namespace of the tests is within the program's reach, and == is Python's own.

  arguments  are copied in; the lists, dictionaries and sets among them are copied back into the
             caller's when the call ends.
  functions  of the tests that are passed as arguments, or that the program names, are called back.
             Nothing else can be asked of the tests' objects.
  objects    of other types stay where they are; the other side holds a number for them (Remote) and
             forwards operators. An object that is asked whether it equals the expected value is
             asked the same of other values, in an order that it cannot know: one that agrees with a
             wrong one gives itself away. Altered tests ask as much, and nothing else.
  failures   If only data crossed and a test fails here that held before, the pass was forged. If
             objects crossed, or the tests look at what a copy cannot show (standard output, patched
             functions) or set what the program finds in its process (a seed, the folder), a failure
             shows nothing: `soft`.

The two sides never trust each other's bytes: the tests' side decodes into exact built-in types
only, calls nothing by name, and imports only modules of the library. What the program's side does
to itself is its own loss.
"""

# ---- requests ------------------------------------------------------------------------------------

def call(f, args, kwargs):
    return f(*args, **kwargs)


OPERATORS = """lt le eq ne ge gt add sub mul truediv floordiv mod pow matmul neg pos abs and_ or_
    xor lshift rshift invert index getitem setitem delitem contains iadd""".split()
DEEDS = {name: getattr(operator, name) for name in OPERATORS}
DEEDS.update({f.__name__: f for f in
              (len, iter, next, str, repr, hash, bool, int, float, complex, round, isinstance,
               issubclass, reversed, divmod, format, dir)})
DEEDS.update(call=call, attr=getattr, setattr=setattr, delattr=delattr,
             enter=lambda x: type(x).__enter__(x), exit=lambda x, *a: type(x).__exit__(x, *a))
# What the program may ask of the tests' objects: functions, instances of the tests' own classes.
ALLOWED = frozenset("""call len iter next bool str repr hash eq ne lt le gt ge getitem contains
    attr""".split())


# What no honest program asks of a function that it was given.
INSIDE = ("__globals__", "__closure__", "__builtins__")
CHANGED = ("__code__", "__defaults__", "__kwdefaults__", "__globals__", "__closure__")


class Peer:
    """One end. `tests`: the end that decides."""

    def __init__(self, read_fd, write_fd, tests):
        self.read_fd, self.write_fd, self.tests = read_fd, write_fd, tests
        self.mine, self.numbers = [], {}  # objects that the other end has numbers for
        self.theirs, self.classes = {}, {}
        self.soft = False
        self.blind = False  # whether an object that agrees with other values may do so
        self.forged = None
        self.globals, self.used = {}, set()  # the program's names, and those that its code reads

    def number(self, x):
        n = self.numbers.get(id(x))
        if n is None:
            n = self.numbers[id(x)] = len(self.mine)
            self.mine.append(x)
            self.soft = True
        return n

    def handed_out(self, x):
        """Whether the other end has a number for x. What makes classes is not called for it."""
        n = self.numbers.get(id(x))
        return n is not None and not (isinstance(x, type) and issubclass(x, type))

    def own(self, n):
        if n >= len(self.mine):
            raise Gone
        return self.mine[n]

    def remote(self, n):
        if n not in self.theirs:
            self.theirs[n] = Remote(self, n)
        return self.theirs[n]

    def mirror(self, n, name, base):
        """A class of exceptions of the other end, as one of ours."""
        if not (isinstance(base, type) and issubclass(base, BaseException)):
            raise Gone
        if n not in self.classes:
            self.classes[n] = type(str(name), (base,), {})
        return self.classes[n]

    def read(self, n):
        parts = []
        while n:
            part = os_read(self.read_fd, min(n, 1 << 20))
            if not part:
                raise Gone
            parts.append(part)
            n -= len(part)
        return b"".join(parts)

    def receive(self):
        try:
            n = struct.unpack("<Q", self.read(8))[0]
            if n > MAX_MESSAGE or n == 0:
                raise Gone
            return self.read(n)
        except OSError:
            raise Gone from None

    def send(self, data):
        data = memoryview(struct.pack("<Q", len(data)) + data)
        try:
            while data:
                data = data[os_write(self.write_fd, data):]
        except OSError:
            raise Gone from None

    def ask(self, deed, *args):
        w = Writer(self)
        w.out += b"?"
        w.put(deed)
        w.put(args)
        self.send(w.out)
        while True:
            data = self.receive()
            if data[:1] == b"?":
                self.answer(data)
                continue
            try:
                return self.take_answer(deed, Reader(self, data, w.table))
            except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError,
                    struct.error):
                if data[:1] == b"!":
                    raise
                raise Gone from None

    def take_answer(self, deed, r):
        kind = r.take(1)
        if kind == b"=":
            value = r.get()
            for _ in range(r.count()):
                i, content = r.get(), r.get()
                if deed == "call" or not self.tests:  # nothing else changes what it was asked with
                    refill(r.table[i], content)
            return value
        if kind != b"!":
            raise Gone
        c, args, text = r.get(), r.get(), r.get()
        if not isinstance(c, type) or not issubclass(c, BaseException) or type(args) is not tuple:
            raise Gone
        try:
            e = c(*args)
        except Exception:
            e = Exception(text)
        raise e

    def answer(self, data):
        r = Reader(self, data[1:])
        limit = deepen(None)
        try:
            deed, args = r.get(), r.get()
            before = [(x, snapshot(x)) for x in r.table]
            deepen(limit)
            value = self.perform(deed, args)
            limit = deepen(None)
            w = Writer(self, r.table)
            w.out += b"="
            w.put(value)
            changed = [(i, x) for i, (x, old) in enumerate(before) if differs(x, old)]
            w.out += struct.pack("<I", len(changed))
            for i, x in changed:
                w.put(i)
                w.put(plain_content(x))
        except (Gone, Forged):
            raise
        except BaseException as e:
            w = Writer(self)
            w.out += b"!"
            try:
                args, text = e.args, str(e)
            except Exception:
                args, text = (), ""
            mark = len(w.out)
            w.put(type(e))
            try:
                w.put(args)
                w.put(text[:1000])
            except Exception:
                del w.out[mark:]
                w.put(Exception)
                w.put(())
                w.put(type(e).__name__)
        deepen(limit)
        self.send(w.out)

    def perform(self, deed, args):
        if self.tests:
            inside = CHANGED if deed == "setattr" else INSIDE
            if len(args) > 1 and type(args[0]) is types.FunctionType and args[1] in inside:
                self.forged = "the program looked into a function of the tests, or changed it"
            if deed not in ALLOWED or not args or not self.handed_out(args[0]):
                raise PermissionError("the tests' objects cannot do that")
            if deed == "attr" and (not of_tests(args[0]) or str(args[1]).startswith("_")):
                raise AttributeError(args[1])
            return DEEDS[deed](*args)
        if deed == "global":
            return self.globals[args[0]]
        if deed == "wanted":
            return [n for n in args[0] if n in self.used]
        if deed == "bind":
            self.globals[args[0]] = args[1]
            return None
        if deed == "import":
            return self.take_imports(args[0])
        if deed == "kinds":
            return {n: kind_of(self.globals[n]) for n in args[0] if n in self.globals}
        return DEEDS[deed](*args)

    def take_imports(self, imports):
        """Programs may use what the tests import: all is one namespace to the official harness."""
        for module, name, bound in imports:
            if bound not in self.used:
                continue
            m = importlib.import_module(module)
            if name is not None:
                m = getattr(m, name)
            elif bound == module.split(".")[0]:
                m = sys.modules[bound]
            self.globals[bound] = m

    def serve(self):
        while True:
            self.answer(self.receive())


os_read, os_write = os.read, os.write
sys_getrecursionlimit, sys_setrecursionlimit = sys.getrecursionlimit, sys.setrecursionlimit


def deepen(limit):
    """Room on the stack for values nested deeply; back to `limit`, the program's, for its code."""
    now = sys_getrecursionlimit()
    sys_setrecursionlimit(now + 50000 if limit is None else limit)
    return now


def of_tests(x):
    """An instance of a class that the tests made: they run in a module without a name."""
    return type(x).__flags__ >> 9 & 1 and type(x).__module__ == "builtins"


def kind_of(x):
    """What a name of the program is, as far as the tests may have their own of it."""
    if type(x) is types.ModuleType:
        return "module", str(x.__name__), ""
    module, name = getattr(x, "__module__", None), getattr(x, "__qualname__", None)
    plain = type(x) in (types.BuiltinFunctionType, types.FunctionType, type)
    if plain and type(module) is str and type(name) is str:
        return "named", module, name
    return "other", "", ""


def snapshot(x):
    if isinstance(x, (list, dict, set, collections.deque)):
        return x.copy()
    return bytes(x) if type(x) is bytearray else x.tobytes()


def same_items(a, b):
    return len(a) == len(b) and all(map(operator.is_, a, b))


def differs(x, old):
    if isinstance(x, dict):
        return not (same_items(list(x), list(old)) and
                    same_items(list(x.values()), list(old.values())))
    if isinstance(x, set):
        return x != old
    if isinstance(x, (list, collections.deque)):
        return not same_items(x, old)
    return (bytes(x) if type(x) is bytearray else x.tobytes()) != old


def plain_content(x):
    """The content of a container as a value of its own, so that it is written in full."""
    if isinstance(x, dict):
        return tuple(dict.items(x))
    if isinstance(x, (list, set, collections.deque)):
        return tuple(x)
    return bytes(x) if type(x) is bytearray else numpy_parts(x)


def refill(x, content):
    if isinstance(x, dict):
        x.clear()
        x.update(content)
    elif isinstance(x, set):
        x.clear()
        x.update(content)
    elif isinstance(x, collections.deque):
        x.clear()
        x.extend(content)
    elif isinstance(x, (list, bytearray)):
        x[:] = content
    else:
        x[...] = numpy_whole(*content)


# ---- objects of the other side -------------------------------------------------------------------

class Remote:
    """An object that lives in the other process."""
    __slots__ = ("_peer", "_number", "__weakref__")

    def __init__(self, peer, number):
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)

    def __getattr__(self, name):
        return ask(self, "attr", self, name)

    def __setattr__(self, name, value):
        return ask(self, "setattr", self, name, value)

    def __delattr__(self, name):
        return ask(self, "delattr", self, name)

    def __call__(self, *args, **kwargs):
        return ask(self, "call", self, args, kwargs)

    def __eq__(self, other):
        return compare(self, "eq", other)

    def __ne__(self, other):
        return compare(self, "ne", other)

    def __hash__(self):
        return int(ask(self, "hash", self))

    def __str__(self):
        return str(ask(self, "str", self))

    def __repr__(self):
        return str(ask(self, "repr", self))

    def __format__(self, spec):
        return str(ask(self, "format", self, spec))

    def __bool__(self):
        return bool(ask(self, "bool", self))

    def __exit__(self, kind, *rest):
        swallows = ask(self, "exit", self, None, None, None)
        if swallows and kind is AssertionError:
            forge(self, "a returned object swallows what a test finds wrong")
        return swallows

    def __contains__(self, x):
        yes = bool(ask(self, "contains", self, x))
        if yes and is_data(x) and all(ask(self, "contains", self, s) for s in strangers()):
            forge(self, "a returned object claims to contain anything")
        return yes

    def __instancecheck__(self, x):
        return bool(ask(self, "isinstance", x, self))

    def __subclasscheck__(self, x):
        return bool(ask(self, "issubclass", x, self))

    def __round__(self, *n):
        return ask(self, "round", self, *n)

    def __divmod__(self, x):
        return ask(self, "divmod", self, x)


def ask(remote, deed, *args):
    return object.__getattribute__(remote, "_peer").ask(deed, *args)


def forge(remote, text):
    peer = object.__getattribute__(remote, "_peer")
    if peer.blind or not peer.tests:
        return
    peer.forged = text
    raise Forged(text)


def is_data(x):
    return x is None or type(x) in FLAT or type(x) is bool or type(x) in BY_TYPE


def strangers():
    return [dice.getrandbits(20), "".join(dice.choices("abcdefghij", k=6))]


def holds(remote, deed, *args):
    try:
        answer = ask(remote, deed, *args)
        return bool(answer.all() if numpy_parts(answer) else answer)
    except Exception:
        return False


def compare(remote, deed, other):
    peer = object.__getattribute__(remote, "_peer")
    if not peer.tests:
        return ask(remote, deed, remote, other)
    strange = others(other)
    asked = [(x, False) for x in strange] + [(other, True)]
    dice.shuffle(asked)
    agreed = 0  # one may be right: a number that equals its neighbours
    for x, real in asked:
        if real:
            result = ask(remote, deed, remote, x)
        elif holds(remote, deed, remote, x) == (deed == "eq"):
            agreed += 1
    if agreed > 1 or agreed and len(strange) == 1:
        forge(remote, "a returned object equals what it should not" if deed == "eq" else
              "a returned object differs from nothing")
    return result


OPPOSITE = {"lt": "gt", "le": "gt", "gt": "lt", "ge": "lt"}


def order(deed):
    def method(self, other):
        result = ask(self, deed, self, other)
        if is_data(other) and result is True and holds(self, OPPOSITE[deed], self, other):
            forge(self, "a returned object is both less and greater than a value")
        return result
    return method


# What tests compare numbers by, a - b and a / b - 1 among it: of two different numbers the results
# differ, but for quotients of 0 and from where on a float does not change by a small number.
TELLING = frozenset(["add", "sub", "xor", "truediv"])
LARGE = 1e15


def arithmetic(deed, swapped):
    def method(self, other):
        pair = (lambda x: (x, self)) if swapped else (lambda x: (self, x))
        result = ask(self, deed, *pair(other))
        if deed in TELLING and type(other) in (int, float) and type(result) in (int, float):
            telling = abs(result) < LARGE and (result or deed != "truediv")
            strange = others(other)[:3] if telling else ()
            if strange and all(same_number(self, deed, pair(x), result) for x in strange):
                forge(self, "a returned object's arithmetic does not depend on the other number")
        return result
    return method


def same_number(remote, deed, pair, result):
    try:
        return ask(remote, deed, *pair) == result
    except Exception:
        return False


def unary(deed):
    return lambda self: ask(self, deed, self)


def binary(deed):
    return lambda self, *args: ask(self, deed, self, *args)


for _name in ("lt", "le", "gt", "ge"):
    setattr(Remote, "__%s__" % _name, order(_name))
for _name in "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift".split():
    setattr(Remote, "__%s__" % _name.rstrip("_"), arithmetic(_name, False))
    setattr(Remote, "__r%s__" % _name.rstrip("_"), arithmetic(_name, True))
for _name in "neg pos abs invert index len iter next int float complex reversed enter dir".split():
    setattr(Remote, "__%s__" % _name, unary(_name))
for _name in "getitem setitem delitem iadd".split():
    setattr(Remote, "__%s__" % _name, binary(_name))


# ---- the tests' side -----------------------------------------------------------------------------

# Names by which tests look at what is not a value.
LOOKS = frozenset("""stdout stdin stderr redirect_stdout redirect_stderr patch mock Mock MagicMock
    inspect getsource globals locals environ subprocess __dict__ __code__ __name__ __doc__
    __module__ setattr settrace setprofile sys popen system
    seed set_state default_rng getcontext setcontext localcontext prec chdir putenv tzset input
    simplefilter filterwarnings catch_warnings resetwarnings errstate seterr set_printoptions
    printoptions setlocale setfirstweekday setrecursionlimit""".split())
# Of these modules tests get their own, also where they name a function that the program imported.
OWN_MODULES = frozenset("""math cmath operator collections itertools functools copy random re string
    heapq bisect statistics fractions decimal datetime json typing time numpy""".split())


def all_names(code, found):
    """The names that code reads, attributes among them."""
    found.update(code.co_names)
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            all_names(c, found)
    return found


def all_names_of(trees):
    found = set()
    for t in trees:
        all_names(compile(t, "<test>", "exec", dont_inherit=True), found)
    return found


def attributed(trees):
    """Names that tests use as modules: NAME.attribute."""
    return {n.value.id for t in trees for n in ast.walk(t)
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}


class Namespace(dict):
    """Where the tests run. A name that they do not define is the program's; but what the language
    or the library defines is taken from there, unless it is what is tested."""

    def __init__(self, peer, names, kinds, modules, tested, given):
        super().__init__({n: f for n, f in given.items() if n in kinds and n not in tested})
        self.update({"__builtins__": vars(builtins), "__held__": self.held, "__another__": another})
        self.peer, self.kinds, self.modules, self.tested = peer, kinds, modules, tested
        self.helpers = [n for n in kinds if n not in tested and n not in vars(builtins) and
                        n not in given and
                        not (kinds[n][0] == "module" and n in sys.stdlib_module_names)]

    def held(self):
        self.peer.forged = "a test with an altered constant held, too"
        raise Forged

    def ours(self, name):
        """True if the tests' own meaning of the name stands."""
        kind, module, what = self.kinds.get(name, ("none", "", ""))
        if name in vars(builtins):
            return True
        if kind == "module":
            return True
        if name in sys.stdlib_module_names and name in self.modules:
            return True
        return kind == "named" and module.split(".")[0] in OWN_MODULES and what != ""

    def __missing__(self, name):
        if name not in self.kinds or name.startswith("__"):
            raise KeyError(name)
        if name in self.tested or not self.ours(name):
            soft = self.peer.soft
            value = self.peer.ask("global", name)
            self.peer.soft = soft  # naming an object of the program shows nothing
            return value
        if name in vars(builtins):
            raise KeyError(name)
        kind, module, what = self.kinds[name]
        if kind == "named":
            value = importlib.import_module(module)
            for part in what.split("."):
                value = getattr(value, part)
        else:
            if kind != "module" or name in sys.stdlib_module_names:
                module = name  # whatever module the program says that it is
            top = module.split(".")[0]
            if top not in sys.stdlib_module_names and top not in ("numpy", "pandas", "scipy"):
                raise Gone
            value = importlib.import_module(module)
        self[name] = value
        return value


def tested_names(names, kinds, entry):
    """The names under test. Where the problem does not say, those of the program that the tests
    use; a built-in function's name only if there is no other."""
    if entry:
        return {entry}
    used = [n for n in kinds if kinds[n][0] == "other" or kinds[n][1] not in OWN_MODULES]
    proper = [n for n in used if n not in vars(builtins) and n not in sys.stdlib_module_names]
    return set(proper[:1] if len(proper) == 1 else used if not proper else [])


def imports_of(tree):
    """(module, name or None, bound name) of the imports among a test's statements."""
    found = []
    for s in tree.body:
        if isinstance(s, ast.Import):
            found += [(a.name, None, a.asname or a.name.split(".")[0]) for a in s.names]
        elif isinstance(s, ast.ImportFrom) and not s.level:
            found += [(s.module, a.name, a.asname or a.name) for a in s.names if a.name != "*"]
    return found


def sets_attributes(tree):
    """Whether a test gives an attribute or an item to what it did not make, or a value to a global
    name: a module's, the program's. What it makes itself stands to the left of an assignment."""
    own = {n.id for s in ast.walk(tree) if isinstance(s, (ast.Assign, ast.For, ast.With))
           for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return any(isinstance(n, ast.Global) or
               isinstance(n, (ast.Attribute, ast.Subscript)) and isinstance(n.ctx, ast.Store) and
               isinstance(n.value, ast.Name) and n.value.id not in own for n in ast.walk(tree))


def bound_names(trees):
    """What the tests define at their top level: functions, classes, values. Nothing that asserts:
    a program that may call it tries answers until one holds."""
    found = set()
    for s in (s for t in trees for s in t.body):
        if isinstance(s, (ast.FunctionDef, ast.ClassDef)):
            if not any(isinstance(n, ast.Assert) or isinstance(n, ast.Call) and
                       called_name(n) in EQUAL for n in ast.walk(s)):
                found.add(s.name)
        elif isinstance(s, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.With)):
            found.update(n.id for n in ast.walk(s)
                         if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return found


def bound_values(trees):
    """Those of bound_names() that are no functions and no classes: a table of what is expected can
    be among them."""
    return bound_names([ast.Module([s for s in t.body if not isinstance(
        s, (ast.FunctionDef, ast.ClassDef))], []) for t in trees])


def run_tree(peer, tree, ns, wanted, flags):
    """Runs one test. What it imports or defines and the program uses is the program's, too."""
    imports = imports_of(tree)
    if imports:
        peer.ask("import", imports)
    step = [[s] for s in tree.body] if wanted else [tree.body]
    for body in step:
        exec(compile(ast.Module(body, []), "<test>", "exec", flags, True), ns)
        soft = peer.soft
        for name in [n for n in wanted if n in ns]:
            peer.ask("bind", name, ns[name])
        peer.soft = soft  # they can be called, and nothing else


def given_functions(source):
    """The functions that a problem's prompt gives whole, by name. Tests that call one mean that
    one: HumanEval's encode_shift must undo what the program's decode_shift did."""
    try:
        tree = ast.parse(source)
        imports = [s for s in tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]
        functions = [s for s in tree.body if isinstance(s, ast.FunctionDef)]
        whole = [s for s in functions if not is_stub(s)]
        asked = {s.name for s in functions if is_stub(s)}
        names = {}
        if whole:
            tree.body = imports + whole
            exec(compile(tree, "<given>", "exec", 0, True), names)
        found = {s.name: names[s.name] for s in whole}
        return {n: f for n, f in found.items() if not asked & all_names(f.__code__, set())}
    except Exception:
        return {}


def is_stub(function):
    """A docstring, pass, ..., raise: what the program is to fill in."""
    return all(isinstance(s, (ast.Pass, ast.Raise)) or
               isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) for s in function.body)


def run_tests(read_fd, write_fd, sources, entry, given, altered, flags):
    """(outcome, text, units that can be altered, whether tests that hold show too little).
    `given`: the problem's own source; `flags`: the program's __future__ imports, which are the
    tests', too."""
    peer = Peer(read_fd, write_fd, True)
    ns = {}
    try:
        trees = [ast.parse(s) for s in sources]
        names, bound = all_names_of(trees), bound_names(trees)  # the same questions in both
        if altered:
            peer.blind = True  # the right one may be among the others
            for t in trees:
                alter_all(t)
        kinds = check_kinds(peer.ask("kinds", sorted(names)))
        wanted = bound.intersection(peer.ask("wanted", sorted(bound)))
        ns = Namespace(peer, names, kinds, attributed(trees), tested_names(names, kinds, entry),
                       given_functions(given) if entry else {})
        helpers = bool(ns.helpers) or bool(wanted & bound_values(trees))
        peer.soft = bool(names & LOOKS) or any(map(sets_attributes, trees))
        sys.setrecursionlimit(20000)
        for tree in trees:
            run_tree(peer, tree, ns, wanted, flags)
        if peer.forged:
            return FORGED, peer.forged, 0, 0
        more = helpers or peer.soft
        return HELD, "", count_units(trees) if more and not altered else 0, more
    except Forged:
        return FORGED, peer.forged or "", 0, 0
    except Gone:
        text = "the program ended before the tests did"
        return GONE, text, count_units(map(ast.parse, sources)), 0
    except BaseException as e:
        if peer.forged:
            return FORGED, peer.forged, 0, 0
        peer.soft |= isinstance(e, NameError) and e.name in ns
        text = "the tests held once, but not where the program cannot see them"
        return SOFT if peer.soft else FAILED, text, count_units(map(ast.parse, sources)), 0


def check_kinds(kinds):
    if type(kinds) is not dict:
        raise Gone
    for name, k in kinds.items():
        if type(name) is not str or type(k) is not tuple or [type(x) for x in k] != [str] * 3:
            raise Gone
    return kinds


def run_call(read_fd, write_fd, args):
    """(peer, value) of one call of the program's function."""
    peer = Peer(read_fd, write_fd, True)
    try:
        return peer, peer.ask("call", peer.ask("global", ""), args, {})
    except (Forged, Gone):
        return peer, NotImplemented


def serve(read_fd, write_fd, names, code):
    """The program's side, until the other ends."""
    peer = Peer(read_fd, write_fd, False)
    peer.globals = names
    if code:
        peer.used = all_names(code, set())
    sys_setrecursionlimit(sys_getrecursionlimit() + 12)  # for the frames below the program's
    try:
        peer.serve()
    except BaseException:
        pass
