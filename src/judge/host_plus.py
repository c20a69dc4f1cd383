"""host_plus.py: when a returned value agrees with a reference's, by evalplus' rules.

host_calls.c does the plain case, out == exp; here is the rest: values within a tolerance, and the
problems of MBPP+ whose answer is not one value. It runs in the namespace of host_apart.py.
"""

import cmath, math

ONLY_WHETHER = frozenset(("check_str", "text_match_three", "text_starta_endb"))
AS_SETS = frozenset("""similar_elements find_char_long common_in_nested_lists extract_singly
    larg_nnum intersection_array find_dissimilar Diff""".split())


def plus_kept(oracle, entry, value):
    """What is kept of a reference's value. Some return match objects: whether they do counts."""
    return value is not None if oracle == 2 and entry in ONLY_WHETHER else value


def plus_special(oracle, entry):
    """Whether the entry point has a rule of its own."""
    if oracle == 1:
        return entry == "find_zero"
    return oracle == 2 and (entry in AS_SETS or entry in ONLY_WHETHER or entry in SPECIAL)


def polynomial(coefficients, x):
    return sum(c * math.pow(x, i) for i, c in enumerate(coefficients))


def pyramid(base, height):
    """The surface of a square pyramid by its height, where the reference takes the slant height."""
    return round(base ** 2 + 2 * base * math.sqrt((base / 2) ** 2 + height ** 2))


def digit_distance(a, b):
    a, b = str(a), str(b)
    n = max(len(a), len(b))
    return sum(abs(int(x) - int(y)) for x, y in zip(a.zfill(n), b.zfill(n)))


SPECIAL = {
    "are_equivalent": lambda args, out, exact, atol: True,
    "sum_div": lambda args, out, exact, atol: exact or out == 0,
    "surface_Area": lambda args, out, exact, atol: exact or abs(out - pyramid(*args)) <= atol,
    "digit_distance_nums": lambda args, out, exact, atol: exact or out == digit_distance(*args),
}


def plus_equal(oracle, entry, args, out, exp, atol):
    """Agrees under the rule of the entry point; None: and nothing else is asked."""
    if oracle == 1:
        return None if abs(polynomial(*args, out)) <= atol else False
    if entry in AS_SETS:
        return set(out) == set(exp)
    if entry in ONLY_WHETHER:
        return out == exp if isinstance(out, bool) else exp == (out is not None)
    return bool(SPECIAL[entry](args, out, out == exp, atol))


# ---- within a tolerance, as numpy's allclose -------------------------------------------------------

def shape(x):
    """Of an array made of x; ValueError where there is none of numbers."""
    if isinstance(x, (list, tuple)):
        inner = {shape(v) for v in x}
        if len(inner) > 1:
            raise ValueError
        return (len(x),) + (inner.pop() if inner else ())
    if isinstance(x, int):
        if not -2 ** 63 <= x < 2 ** 64:
            raise ValueError
    elif not isinstance(x, (float, complex)):
        raise ValueError
    return ()


def joint(a, b):
    """The shape that both are broadcast to."""
    n = max(len(a), len(b))
    pairs = list(zip((1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b))
    if any(x != y and x != 1 and y != 1 for x, y in pairs):
        raise ValueError
    return tuple(y if x == 1 else x for x, y in pairs)


def flat(x, own, want):
    """The numbers of x, of shape `own`, broadcast to `want`."""
    if len(own) < len(want):
        return flat(x, own, want[1:]) * want[0]
    if not want:
        return [x]
    items = x if own[0] == want[0] else list(x) * want[0]
    return [v for i in items for v in flat(i, own[1:], want[1:])]


def near(x, y, atol):
    y = y if isinstance(y, complex) else float(y)
    x = x if isinstance(x, complex) else float(x)
    if cmath.isfinite(x) and cmath.isfinite(y):
        return abs(x - y) <= atol + 1e-7 * abs(y)
    return x == y


def plus_close(out, exp, atol):
    if type(out) != type(exp) or isinstance(exp, (list, tuple)) and len(out) != len(exp):
        return False
    try:
        a, b = shape(out), shape(exp)
        want = joint(a, b)
    except ValueError:
        return False
    return all(near(x, y, atol) for x, y in zip(flat(out, a, want), flat(exp, b, want)))


def plus_altered(x):
    """A value of the same kind that is not x."""
    return next(iter(others(x)), None)
