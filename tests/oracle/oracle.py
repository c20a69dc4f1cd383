"""The definitions of docs/METRICS.md in plain Python: exact fractions and enumeration, nothing clever.

Nothing here is shared with src/stat. Where the program has a recurrence, this sums; where it has a
closed form, this enumerates subsets; where it sorts hulls, this tries every slope.
"""
import functools
import itertools
from fractions import Fraction as F
from math import comb, sqrt
from statistics import NormalDist


def fail(n, c, k):
    """No pass among k of the n recorded samples: the share of such subsets."""
    return F(1) if n == 0 else F(comb(n - c, k), comb(n, k))


def effective(row, missing):
    """(n, c) of a problem, or None where it takes no part."""
    judged = [s["pass"] for s in row if s["pass"] is not None]
    n = len(judged) if missing == "drop" else len(row)
    if missing == "drop" and n == 0:
        return None
    return n, sum(judged)


def counts(model, missing):
    return [effective(row, missing) for row in model["samples"]]


def k_max(rows):
    least = min((r[0] for r in rows if r and r[0]), default=0)
    return 1 if least == 1 else least // 2


def mean(values):
    values = list(values)
    return sum(values, F(0)) / len(values)


def pass_at(rows, k):
    return mean(1 - fail(n, c, k) for n, c in (r for r in rows if r))


def draws(n, c, k):
    """Expected number of samples drawn, up to k, to the first pass."""
    return sum((fail(n, c, j) for j in range(k)), F(0))


def spent(n, c, k, shared, each):
    return F(0) if k == 0 else shared + each * draws(n, c, k)


class Cost:
    """shared + each * k, from the decimal numbers of the cost file."""

    def __init__(self, shared, each):
        self.shared, self.each = F(repr(shared)), F(repr(each))

    def of(self, k):
        return self.shared + self.each * k if k else F(0)

    def afford(self, budget):
        slack = F(budget) * (1 + F(1, 10**9))
        return max(0, int((slack - self.shared) / self.each)) if slack >= self.of(1) else 0


# ---- ranking ------------------------------------------------------------------------------------


def rank_population(row, ranker, missing):
    """[(score or None where never chosen, passes)] of the samples that are drawn and paid for."""
    out = []
    for s in row:
        if s["pass"] is None and missing == "drop":
            continue
        out.append((None if s["cut"] else s["score"][ranker], bool(s["pass"])))
    return out


def rank_score(population, k, lower, how="ranker"):
    """The chance that the best of k random samples passes, ties in random order."""
    if how != "ranker":  # the order of the scores has no say
        population = [(None if s is None else 0, p) for s, p in population]
    return best_of(tuple(sorted(population, key=repr)), k, lower, how)


@functools.lru_cache(maxsize=None)
def best_of(population, k, lower, how):
    total, n = F(0), 0
    for subset in itertools.combinations(population, k):
        n += 1
        usable = [(s, p) for s, p in subset if s is not None]
        if not usable:
            continue
        if how == "perfect":
            total += any(p for _, p in usable)
            continue
        if how == "ranker":
            best = (min if lower else max)(s for s, _ in usable)
            usable = [(s, p) for s, p in usable if s == best]
        total += F(sum(p for _, p in usable), len(usable))
    return total / n


# ---- budgets for a set ----------------------------------------------------------------------------


def upper_line(problems, last, cost, total):
    """The best expected share solved for an expected total: min over prices of a pass, by duality."""
    plans = [[(spent(n, c, k, cost.shared, cost.each), 1 - fail(n, c, k))
              for k in range(last + 1)] for n, c in problems]
    slopes = {F(0)}
    for plan in plans:
        for (x, y), (u, v) in itertools.combinations(plan, 2):
            if u != x and (v - y) / (u - x) > 0:
                slopes.add((v - y) / (u - x))
    best = min(price * total + sum((max(y - price * x for x, y in plan) for plan in plans), F(0))
               for price in slopes)
    return best / len(problems)


# ---- plans ----------------------------------------------------------------------------------------


def score_and_cost(row, steps, costs):
    """One problem: row[model] = (n, c); steps: [(model, k)], stopping at the first pass."""
    left, money = F(1), F(0)
    for model, k in steps:
        n, c = row[model]
        money += left * spent(n, c, k, costs[model].shared, costs[model].each)
        left *= fail(n, c, k)
    return 1 - left, money


def all_plans(models, last, kind):
    yield []
    for a in models:
        for k in range(1, last[a] + 1):
            yield [(a, k)]
            if kind == "cascade":
                for b in models:
                    for j in range(1, last[b] + 1) if b != a else []:
                        yield [(a, k), (b, j)]


class Chooser:
    """The best plans of a kind, from any set of problems, at any budget: score first, then cost. The
    values of each problem are exact; sums over problems are floats, and what they cannot tell apart
    (1e-12) is a tie."""

    def __init__(self, rows, models, last, costs, kind, limit, stop=True):
        self.limit, self.list, self.sums = limit, [], {}
        for steps in all_plans(models, last, kind):
            worst = float(sum((costs[m].of(k) for m, k in steps), F(0)))
            table = [score_and_cost(row, steps, costs) for row in rows]
            if not stop:  # a first step is paid whole; a second one where the first has failed
                table = [(s, self.whole(row, steps, costs)) for row, (s, _) in zip(rows, table)]
            self.list.append((steps, worst, [(float(s), float(c)) for s, c in table]))

    @staticmethod
    def whole(row, steps, costs):
        left, money = F(1), F(0)
        for model, k in steps:
            money += left * costs[model].of(k)
            left *= fail(*row[model], k)
        return money

    def means(self, members):
        if members not in self.sums:
            n = len(members)
            self.sums[members] = [(sum(t[i][0] for i in members) / n,
                                   sum(t[i][1] for i in members) / n) for _, _, t in self.list]
        return self.sums[members]

    def best(self, members, budget):
        """Every plan (its place) that reaches the highest score that fits, most cheaply."""
        fits = []
        for place, (score, cost) in enumerate(self.means(members)):
            limited = self.list[place][1] if self.limit == "each" else cost
            if limited <= budget * (1 + 1e-9):
                fits.append((score, limited, place))
        top = max(s for s, _, _ in fits)
        least = min(c for s, c, _ in fits if s > top - 1e-12)
        return [p for s, c, p in fits if s > top - 1e-12 and c <= least * (1 + 1e-12)]


def splits(n, n_folds):
    """Every way to divide n problems into folds of equal size (within one)."""
    if n_folds != 2:
        raise ValueError("only halves are enumerated")
    for half in itertools.combinations(range(n), n // 2):
        yield [half, tuple(i for i in range(n) if i not in half)]


# ---- intervals ------------------------------------------------------------------------------------


def wilson(p, n, level=0.95):
    z = NormalDist().inv_cdf(0.5 + 0.5 * level)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (0.0 if p <= 0 else max(0.0, centre - half), 1.0 if p >= 1 else min(1.0, centre + half))
