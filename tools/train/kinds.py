"""Functions that are no pipelines: several arguments, conditions, loops with state, nested data.

A kind is one line of the table: name, arguments, result, descriptions, bodies, variants, inputs. In texts
`[a|b]` is a free choice, `{k}` comes from the variant, `$1`.. are the arguments' names. `draw` gives a function
as corpus.py needs it. The hand-written problems of `mini` are of such kinds, but none of them is here.
"""

import re

NAMES = {"int": [("a", "b", "c"), ("x", "y", "z"), ("first", "second", "third"), ("n", "m", "k")],
         "ints": [("nums", "others"), ("numbers", "more"), ("values", "second")],
         "str": [("text", "other"), ("s", "t"), ("a", "b"), ("line", "part")],
         "strs": [("words", "others"), ("items", "more"), ("names", "second")],
         "dict": [("table", "other"), ("counts", "more"), ("scores", "second")],
         "rows": [("rows", "other"), ("table", "other"), ("grid", "other")]}
HINT = {"int": "int", "ints": "list[int]", "str": "str", "strs": "list[str]", "dict": "dict[str, int]",
        "rows": "list[list[int]]", "bool": "bool", "groups": "dict[str, list[str]]", "tally": "dict[int, int]"}

CONDITIONS = [("even", "$x % 2 == 0"), ("odd", "$x % 2 != 0"), ("positive", "$x > 0"), ("negative", "$x < 0"),
              ("zero", "$x == 0"), ("greater than {k}", "$x > {k}"), ("less than {k}", "$x < {k}"),
              ("at least {k}", "$x >= {k}"), ("divisible by {j}", "$x % {j} == 0")]
LETTERS = [("a vowel", 'in "aeiou"'), ("a digit", ".isdigit()"), ("a space", '== " "'), ("an upper case letter", ".isupper()"),
           ("a lower case letter", ".islower()"), ("a letter", ".isalpha()"), ('"{l}"', '== "{l}"')]
PAIRS = [("sum", "{p} + {q}"), ("product", "{p} * {q}"), ("difference", "{p} - {q}"), ("larger", "max({p}, {q})"),
         ("smaller", "min({p}, {q})"), ("absolute difference", "abs({p} - {q})")]
ORDER = [("greater than", ">"), ("less than", "<"), ("at least", ">="), ("at most", "<="), ("equal to", "=="),
         ("different from", "!=")]
STEPS = [("is halved, rounding down,", "//= 2"), ("is divided by {d}, rounding down,", "//= {d}"), ("is reduced by {d}", "-= {d}")]
EACH = [("square", "i * i"), ("cube", "i ** 3"), ("double", "2 * i"), ("number", "i"), ("last digit", "i % 10")]


def _conditions(rng):
    what, code = rng.choice(CONDITIONS)
    return {"cond": what, "test": code}


def _two_conditions(rng):
    (w1, c1), (w2, c2) = rng.sample(CONDITIONS, 2)
    return {"cond": w1, "test": c1, "cond2": w2, "test2": c2}


def _table(names, table):
    def draw(rng):
        return dict(zip(names, rng.choice(table)))
    return draw


def _none(rng):
    return {}


letter, order, pair = _table(("is", "isx"), LETTERS), _table(("cmp", "op"), ORDER), _table(("pair", "code"), PAIRS)
each, shrink = _table(("each", "expr"), EACH), _table(("shrinks", "update"), STEPS)

K = [  # arguments, result, descriptions, bodies, variant
    ("int int", "int", "Return the {pair} of the two numbers.|Compute the {pair} of $1 and $2.", ["return {code:$1,$2}"], pair),
    ("int int int", "int", "Return the {pair} of $1 and $2, [plus|increased by] $3.", ["return {code:$1,$2} + $3", "result = {code:$1,$2}\nreturn result + $3"], pair),
    ("int int int", "int", "Return the {ext} of the three numbers.", ["return {fn}($1, $2, $3)"], _table(("ext", "fn"), [("largest", "max"), ("smallest", "min")])),
    ("int int", "bool", "Return whether $1 is {cmp} $2.|Return True if $1 is {cmp} $2, and False otherwise.", ["return $1 {op} $2"], order),
    ("int int", "bool", "Return True if {q} of the two numbers is {cond}, and False otherwise.", ["return {t:$1} {w} {t:$2}"],
     lambda r: {**_conditions(r), **dict(zip(("q", "w"), r.choice([("at least one", "or"), ("each", "and")])))}),
    ("int int", "int", "Return $1 if it is {cond}, and $2 otherwise.", ["return $1 if {t:$1} else $2", "if {t:$1}:\n    return $1\nreturn $2"], _conditions),
    ("int int", "int", "Return the {pair} of the two numbers if $1 is {cond}, and {z} otherwise.", ["if {t:$1}:\n    return {code:$1,$2}\nreturn {z}"], lambda r: {**_conditions(r), **pair(r)}),
    ("int", "str", 'Return "{A}" if $1 is {cond}, and "{B}" otherwise.', ['return "{A}" if {t:$1} else "{B}"', 'if {t:$1}:\n    return "{A}"\nreturn "{B}"'], _conditions),
    ("int", "str", 'Return "{A}" if $1 is {cond}, "{B}" if it is {cond2}, and "{C}" otherwise.', ['if {t:$1}:\n    return "{A}"\nif {u:$1}:\n    return "{B}"\nreturn "{C}"'], _two_conditions),
    ("int", "str", 'Return "{A}" if $1 is {cond}, "{B}" if it is {cond2}, and the number as a string otherwise.', ['if {t:$1}:\n    return "{A}"\nif {u:$1}:\n    return "{B}"\nreturn str($1)'], _two_conditions),
    ("int", "bool", "Return whether $1 is {cond} and {cond2}.|Return True if $1 is {cond} and {cond2}, and False otherwise.", ["return {t:$1} and {u:$1}"], _two_conditions),
    ("small", "int", "Return the sum of the {each}s of all numbers from 1 to $1.|Add up the {each} of each number from 1 to $1.", ["result = 0\nfor i in range(1, $1 + 1):\n    result += {expr}\nreturn result", "return sum({expr} for i in range(1, $1 + 1))"], each),
    ("small", "ints", "Return the list of the {each}s of the numbers from 1 to $1.|List the {each} of each number from 1 to $1.", ["return [{expr} for i in range(1, $1 + 1)]", "result = []\nfor i in range(1, $1 + 1):\n    result.append({expr})\nreturn result"], each),
    ("small", "ints", "Return all numbers from 1 to $1 that are {cond} in [ascending|descending] order.", ["return [i for i in range(1, $1 + 1) if {t:i}]{rev}"], _conditions),
    ("small", "int", "Count the numbers from 1 to $1 that are {cond}.|Return how many numbers from 1 to $1 are {cond}.", ["return sum(1 for i in range(1, $1 + 1) if {t:i})", "count = 0\nfor i in range(1, $1 + 1):\n    if {t:i}:\n        count += 1\nreturn count"], _conditions),
    ("small", "int", "Return the product of the numbers from 1 to $1 that are {cond}.", ["result = 1\nfor i in range(1, $1 + 1):\n    if {t:i}:\n        result *= i\nreturn result"], _conditions),
    ("small", "int", "Return the [sum|number] of the positive divisors of $1.", ["return {agg} for d in range(1, $1 + 1) if $1 % d == 0)"], _none),
    ("small", "int", "Count the steps until $1, which {shrinks} in each step, is 0 or less.", ["steps = 0\nwhile $1 > 0:\n    $1 {update}\n    steps += 1\nreturn steps"], shrink),
    ("small", "ints", "List the values of $1, which {shrinks} in each step, until it is 0 or less.", ["result = []\nwhile $1 > 0:\n    result.append($1)\n    $1 {update}\nreturn result"], shrink),
    ("small", "str", "Write $1 in base {d} from its lowest digit to its highest.", ['result = ""\nwhile $1 > 0:\n    result += str($1 % {d})\n    $1 //= {d}\nreturn result'], _none),
    ("ints", "int", "Return the [first|last] number of the list that is {cond}, or {z} if there is none.", ["for n in $1{fl}:\n    if {t:n}:\n        return n\nreturn {z}"], _conditions),
    ("ints", "int", "Return the position of the first number that is {cond}, or {z} if there is none.", ["for i, n in enumerate($1):\n    if {t:n}:\n        return i\nreturn {z}"], _conditions),
    ("ints", "int", "Return the [first|last|largest|smallest] number of the list, or {z} if [the list|it] is empty.", ["return {pick} if $1 else {z}", "if not $1:\n    return {z}\nreturn {pick}"], _none),
    ("ints", "int", "Return the average of the numbers, rounded down, or {z} if the list is empty.", ["return sum($1) // len($1) if $1 else {z}"], _none),
    ("ints", "int", "Count the neighbouring pairs in which the [first|second] number is {cmp} the [second|first].", ["return sum(1 for a, b in zip($1, $1[1:]) if {ab} {op} {ba})"], order),
    ("ints", "ints", "Return the {pair} of each two neighbouring numbers.|List the {pair} of each number and the next.", ["return [{code:a,b} for a, b in zip($1, $1[1:])]"], pair),
    ("ints", "int", "Return the length of the longest run of numbers that are {cond}.", ["best = 0\nrun = 0\nfor n in $1:\n    run = run + 1 if {t:n} else 0\n    best = max(best, run)\nreturn best"], _conditions),
    ("ints", "bool", "Return whether {some} number [in the list|] is {cond}.", ["return {fn}({t:n} for n in $1)"],
     lambda r: {**_conditions(r), **dict(zip(("some", "fn"), r.choice([("any", "any"), ("every", "all")])))}),
    ("ints", "int", "Count the pairs of different positions whose numbers have a {pair} {cmp} {k}.", ["count = 0\nfor i in range(len($1)):\n    for j in range(i + 1, len($1)):\n        if {code:$1[i],$1[j]} {op} {k}:\n            count += 1\nreturn count"], lambda r: {**pair(r), **order(r)}),
    ("ints", "bool", "Return whether two neighbouring numbers have a {pair} {cmp} {k}.", ["return any({code:a,b} {op} {k} for a, b in zip($1, $1[1:]))"], lambda r: {**pair(r), **order(r)}),
    ("ints", "tally", "Count how often each number occurs, as a dictionary from number to count.|Return a dictionary from each number to how often it occurs.", ["result = {}\nfor n in $1:\n    result[n] = result.get(n, 0) + 1\nreturn result"], _none),
    ("ints k", "int", "Count the numbers that are {cmp} $2.|Return how many numbers are {cmp} $2.", ["return sum(1 for n in $1 if n {op} $2)", "count = 0\nfor n in $1:\n    if n {op} $2:\n        count += 1\nreturn count"], order),
    ("ints k", "int", "Return the position of the last number that is {cmp} $2, or {z} if there is none.", ["result = {z}\nfor i, n in enumerate($1):\n    if n {op} $2:\n        result = i\nreturn result"], order),
    ("ints k", "int", "Return the sum of the numbers that are {cmp} $2.", ["return sum(n for n in $1 if n {op} $2)"], order),
    ("ints k", "ints", "Return a list of the {pair} of each number and $2.", ["return [{code:n,$2} for n in $1]"], pair),
    ("ints k", "ints", "Put $2 at the [beginning|end] of the list.", ["return {put}"], _none),
    ("ints k", "bool", "Return whether $2 occurs [at least once|exactly once|more than once] in the list.", ["return $1.count($2) {times}"], _none),
    ("ints ints", "ints", "Return the numbers of the first list that do not occur in the second.", ["return [n for n in $1 if n not in $2]"], _none),
    ("ints ints", "ints", "Return the {pair} of the numbers at each position of the two lists, up to the end of the shorter.", ["return [{code:a,b} for a, b in zip($1, $2)]"], pair),
    ("ints ints", "int", "Count the positions at which the number of the first list is {cmp} that of the second.", ["return sum(1 for a, b in zip($1, $2) if a {op} b)"], order),
    ("ints ints", "int", "Add up the {pair} of the numbers at each position of the two lists.", ["return sum({code:a,b} for a, b in zip($1, $2))", "total = 0\nfor a, b in zip($1, $2):\n    total += {code:a,b}\nreturn total"], pair),
    ("ints ints", "bool", "Return whether the {of} of the first list is {cmp} that of the second.", ["return {fn}($1) {op} {fn}($2)"],
     lambda r: {**order(r), **dict(zip(("of", "fn"), r.choice([("sum", "sum"), ("length", "len")])))}),
    ("ints ints", "ints", "Return the numbers of both lists in ascending order.|Join the two lists and sort the result.", ["return sorted($1 + $2)"], _none),
    ("str", "str", "Replace each character that is {is} by \"{X}\".", ['result = ""\nfor c in $1:\n    if {isx:c}:\n        result += "{X}"\n    else:\n        result += c\nreturn result', 'return "".join("{X}" if {isx:c} else c for c in $1)'], letter),
    ("str", "str", "Double each character that is {is}, and leave all others as they are.", ['result = ""\nfor c in $1:\n    result += c * 2 if {isx:c} else c\nreturn result'], letter),
    ("str", "int", "Return the position of the first character that is {is}, or -1 if there is none.", ["for i, c in enumerate($1):\n    if {isx:c}:\n        return i\nreturn -1"], letter),
    ("str", "str", "Return the text up to the first character that is {is}.", ['result = ""\nfor c in $1:\n    if {isx:c}:\n        break\n    result += c\nreturn result'], letter),
    ("str", "int", "Return the length of the longest run of characters of which each is {is}.", ["best = 0\nrun = 0\nfor c in $1:\n    run = run + 1 if {isx:c} else 0\n    best = max(best, run)\nreturn best"], letter),
    ("str", "str", "Drop each character that equals the one before it.|Replace each run of equal characters by one of them.", ['result = ""\nfor c in $1:\n    if not result or result[-1] != c:\n        result += c\nreturn result'], _none),
    ("str", "int", "Return the deepest nesting of \"{o}\" and \"{e}\" in the text.", ['depth = 0\nbest = 0\nfor c in $1:\n    if c == "{o}":\n        depth += 1\n        best = max(best, depth)\n    elif c == "{e}":\n        depth -= 1\nreturn best'], _table(("o", "e"), [("(", ")"), ("[", "]"), ("<", ">")])),
    ("str", "str", "Put \"{A} \" in front of the text and \"{X}\" at the end.", ['return "{A} " + $1 + "{X}"'], _none),
    ("str str", "str", "Return the [longer|shorter] of the two texts, or the first if they have the same length.", ["return $1 if len($1) {lg} len($2) else $2"], _none),
    ("str str", "bool", "Return whether the first text is {cmp} the second in length.", ["return len($1) {op} len($2)"], _table(("cmp", "op"), ORDER[:4])),
    ("str str", "int", "Count the positions at which the two texts have [the same|different] characters.", ["return sum(1 for a, b in zip($1, $2) if a {eq} b)"], _none),
    ("str str", "str", "Return the characters of the first text that [do not|also] occur in the second.", ['return "".join(c for c in $1 if c {notin} $2)'], _none),
    ("str str", "str", "Return the beginning that the two texts have in common.", ['result = ""\nfor a, b in zip($1, $2):\n    if a != b:\n        break\n    result += a\nreturn result'], _none),
    ("str str", "str", "Join the two texts with \"{X}\" between them.", ['return $1 + "{X}" + $2'], _none),
    ("strs k", "strs", "Return the words whose length is {cmp} $2.", ["return [w for w in $1 if len(w) {op} $2]"], order),
    ("strs", "groups", "Return a dictionary from each first letter to the list of words that begin with it, in their order.", ["result = {}\nfor w in $1:\n    result.setdefault(w[0], []).append(w)\nreturn result"], _none),
    ("strs", "str", "Join the [first|last] letters of the words.", ['return "".join(w[{fz}] for w in $1)'], _none),
    ("strs strs", "strs", "Return the words of the first list that [do not|also] occur in the second.", ["return [w for w in $1 if w {notin} $2]"], _none),
    ("dict dict", "dict", "Merge two dictionaries. Where both have a key, [keep|use] the {pair} of the values.", ["result = dict($1)\nfor k, v in $2.items():\n    result[k] = {code:result[k],v} if k in result else v\nreturn result"], pair),
    ("dict", "str", "Return the key with the [largest|smallest] value, or \"{X}\" if there is none.", ['return {best}($1, key=$1.get) if $1 else "{X}"'], _none),
    ("dict word", "int", "Return the value stored under $2 {pm} {d}, or {z} if there is none.", ["if $2 not in $1:\n    return {z}\nreturn $1[$2] {sg} {d}"], _table(("pm", "sg"), [("plus", "+"), ("minus", "-"), ("times", "*")])),
    ("dict word", "dict", "Return a copy in which the value under $2 is increased by {d}; a missing one counts as 0.", ["result = dict($1)\nresult[$2] = result.get($2, 0) + {d}\nreturn result"], _none),
    ("rows", "ints", "Return the [sum|length|largest number] of each row.", ["return [{agg}(row) for row in $1]"], _none),
    ("rows", "ints", "Return the numbers of all rows in one list.", ["return [n for row in $1 for n in row]"], _none),
    ("rows", "rows", "[Reverse each row|Sort each row|Reverse the order of the rows].", ["return {rowop}"], _none),
    ("rows", "int", "Count the numbers in all rows that are {cond}.", ["return sum(1 for row in $1 for n in row if {t:n})", "count = 0\nfor row in $1:\n    for n in row:\n        if {t:n}:\n            count += 1\nreturn count"], _conditions),
    ("rows", "rows", "Keep the rows whose sum is {cmp} {k}.", ["return [row for row in $1 if sum(row) {op} {k}]"], order),
    ("int int", "int", "Return how many {small} the given {large} and the remaining {small} are together.", ["return $1 * {f} + $2"], _table(("large", "small", "f"), [("weeks", "days", "7"), ("days", "hours", "24"), ("minutes", "seconds", "60"), ("feet", "inches", "12"), ("dozens", "eggs", "12"), ("euros", "cents", "100"), ("kilometres", "metres", "1000")])),
]
FREE = {  # what a free choice in the description means in the body
    "ascending": {"rev": ""}, "descending": {"rev": "[::-1]"}, "sum": {"agg": "sum(d"}, "number": {"agg": "sum(1"},
    "first": {"fl": "", "pick": "$1[0]", "fz": "0"}, "last": {"fl": "[::-1]", "pick": "$1[-1]", "fz": "-1"},
    "largest": {"pick": "max($1)", "best": "max"}, "smallest": {"pick": "min($1)", "best": "min"},
    "beginning": {"put": "[$2] + $1"}, "end": {"put": "$1 + [$2]"}, "at least once": {"times": "> 0"},
    "exactly once": {"times": "== 1"}, "more than once": {"times": "> 1"}, "longer": {"lg": ">="}, "shorter": {"lg": "<="},
    "the same": {"eq": "=="}, "different": {"eq": "!="}, "do not": {"notin": "not in"}, "also": {"notin": "in"},
    "Reverse each row": {"rowop": "[row[::-1] for row in $1]"}, "Sort each row": {"rowop": "[sorted(row) for row in $1]"},
    "Reverse the order of the rows": {"rowop": "$1[::-1]"},
}
ROW_AGG = {"sum": "sum", "length": "len", "largest number": "max"}
WORDS = ["yes", "no", "low", "high", "small", "big", "odd", "even", "hot", "cold", "left", "right", "up", "down", "good", "bad"]
TAGS = ["solve", "compute", "check_pair", "pick", "find", "count_up", "build", "apply", "decide", "measure", "combine", "convert"]


def _value(kind, rng, compose):
    if kind == "int":
        return rng.choice([rng.randint(-20, 30), rng.randint(0, 9), rng.randint(-99, 999)])
    if kind == "small":
        return rng.randint(0, 25)
    if kind == "k":
        return rng.randint(0, 8)
    if kind == "word":
        return rng.choice(compose.WORDS[:12])
    if kind == "rows":
        return [[rng.randint(-5, 12) for _ in range(rng.randint(1, 4))] for _ in range(rng.randint(0, 4))]
    return compose.draw_input(kind, rng)


def draw(rng, compose):
    """A function: (signature up to the colon, description, body, list of drawn argument tuples, name), or None."""
    kinds, result, texts, bodies, variant = rng.choice(K)
    v = {"k": rng.randint(0, 15), "j": rng.randint(2, 9), "l": rng.choice("abcdeilnorst"), "d": rng.randint(2, 9), "z": rng.choice([0, 0, -1, 1, 10]),
         "X": rng.choice(["*", "-", "_", "!", "?", "+"]), **dict(zip("ABC", rng.sample(WORDS, 3)))}
    v.update(variant(rng))
    text, chosen = rng.choice(_alternatives(texts)), []

    def choose(m):
        chosen.append(rng.choice(m.group(1).split("|")))
        return chosen[-1]

    text = re.sub(r"\[([^\]]*\|[^\]]*)\]", choose, text)
    for c in chosen:
        v.update(FREE.get(c, {}))
    if kinds == "rows" and chosen and chosen[0] in ROW_AGG:
        v["agg"] = ROW_AGG[chosen[0]]
    if chosen[:1] in (["first"], ["second"]) and len(chosen) == 2:
        if chosen[0] == chosen[1]:
            return None
        v["ab"], v["ba"] = ("a", "b") if chosen[0] == "first" else ("b", "a")
    args, used = [], {}
    for kind in kinds.split():
        if kind == "word":
            args.append(rng.choice(["name", "key"]))
            continue
        if kind == "k":
            args.append(rng.choice(["k", "limit", "target", "value"]))
            continue
        base = "int" if kind == "small" else kind
        if base not in used:
            used[base] = [rng.choice(NAMES[base]), 0]
        names, at = used[base]
        args.append(names[at] if not (base == "int" and len(kinds.split()) == 1) else rng.choice(["n", "number", "value"]))
        used[base][1] += 1
    if len(set(args)) != len(args):
        return None
    text, body = _fill(text, v, args), _fill(rng.choice(bodies), v, args)
    hints = ", ".join(f"{a}: {HINT[{'small': 'int', 'k': 'int', 'word': 'str'}.get(k, k)]}" for a, k in zip(args, kinds.split()))
    name = rng.choice(TAGS)
    inputs = [tuple(_value(k, rng, compose) for k in kinds.split()) for _ in range(8)]
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"def {name}({hints}) -> {HINT[result]}:", " ".join(text.split()), lines, inputs, name


def _alternatives(texts):
    """Descriptions parted by | outside of brackets."""
    return re.split(r"\|(?![^\[]*\])", texts)


def _fill(s, v, args):
    def sub(m):
        key, _, rest = m.group(1).partition(":")
        if key == "code":
            p, q = rest.split(",")
            return v["code"].format(p=p, q=q)
        if key in ("t", "u"):
            return _plain(v["test" if key == "t" else "test2"], v).replace("$x", rest)
        if key == "isx":
            code = _plain(v["isx"], v)
            return rest + code if code.startswith(".") else f"{rest} {code}"
        return _plain(str(v[key]), v)

    s = re.sub(r"\{([A-Za-z][A-Za-z0-9]*(?::[^{}]*)?)\}", sub, s)
    for i, a in enumerate(args, 1):
        s = s.replace(f"${i}", a)
    return s


def _plain(s, v):
    return re.sub(r"\{(\w+)\}", lambda m: str(v[m.group(1)]), s)
