#!/usr/bin/env python3
"""Golden numbers of src/stat, in exact rational arithmetic: tests/golden/stat.py > tests/golden/stat.inc

Takes half a minute. Every value is one integer ratio, rounded once to float64; nothing here uses the formulas of src/stat
beyond the definitions in docs/METRICS.md.
"""
from math import comb
from statistics import NormalDist


def passes(n, c, k):
    """pass@k by its definition: the share of k-subsets that hold a passing sample."""
    total = comb(n, k)
    return (total - comb(n - c, k)) / total


def draws(n, c, k):
    """E[min(T, k)] as the sum over j < k of P(the first j draws all fail)."""
    total = term = comb(n, c)  # C(n-j, c)
    num = 0
    for j in range(k):
        num += term
        term = term * (n - j - c) // (n - j)
    return num / total


def rank_score(place, k):
    n = len(place)
    weight, num = comb(n - 1, k - 1), 0  # C(n-i, k-1), from place to place
    for i, passed in enumerate(place, 1):
        num += weight * passed
        if i < n:
            weight = weight * (n - i - k + 1) // (n - i)
    return num / comb(n, k)


def wilson(p, n, level):
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return max(0, centre - half), min(1, centre + half)


def row(*values):
    print("    {" + ", ".join(repr(v) for v in values) + "},")


def table(name, type_, comment):
    print(f"\n/* {comment} */\nstatic const {type_} {name}[] = {{")


print("/* Made by tests/golden/stat.py; do not edit. */")

table("golden_pass", "struct {\n    int64_t n, c, k;\n    double pass;\n}", "n, c, k, pass@k")
for n, cs, ks in [
    (1, [0, 1], [1]),
    (5, [0, 1, 2, 4, 5], [1, 2, 5]),
    (200, [1, 7, 100, 199], [1, 10, 100, 150, 200]),
    (2000, [1, 3, 40, 1000, 1990], [1, 2, 17, 500, 1000, 1999]),
    (100000, [1, 2, 30, 999, 50000, 99999], [1, 3, 100, 5000, 50000]),
    (1000003, [1, 5, 1000], [1, 1000, 500001]),
]:
    for c in cs:
        for k in ks:
            row(n, c, k, passes(n, c, k))
print("};")

table("golden_draws", "struct {\n    int64_t n, c, k;\n    double draws;\n}", "n, c, k, E[min(T, k)]")
for n, cs, ks in [
    (1, [0, 1], [1]),
    (6, [0, 1, 3, 6], [1, 3, 6]),
    (200, [0, 1, 20, 200], [1, 10, 100]),
    (2000, [1, 3, 700], [1, 2, 500, 1000]),
    (20000, [2, 500], [10, 10000]),
]:
    for c in cs:
        for k in ks:
            row(n, c, k, draws(n, c, k))
print("};")

# pass_i = 1 where (7 i mod 11) < 4, places 1..n: no structure that a formula could exploit.
table("golden_rank", "struct {\n    int64_t n, k;\n    double score;\n}",
      "n, k, rank-score@k of pass_i = (7 i mod 11) < 4")
for n, ks in [(1, [1]), (7, [1, 3, 7]), (100, [1, 2, 50, 100]), (2000, [1, 10, 999, 1000]),
              (20000, [1, 100, 10000])]:
    place = [int(7 * i % 11 < 4) for i in range(1, n + 1)]
    for k in ks:
        row(n, k, rank_score(place, k))
print("};")

table("golden_wilson", "struct {\n    double p, n, level, lo, hi;\n}", "p, n, level, lo, hi")
for p, n, level in [(0.0, 164, 0.95), (1.0, 164, 0.95), (0.5, 10, 0.9), (0.02, 500, 0.99),
                    (0.97, 164, 0.95), (0.3, 3, 0.5)]:
    row(p, float(n), level, *map(float, wilson(p, n, level)))
print("};")
