#!/usr/bin/python3
"""Every number of `ration report` and `ration plan` on random stores against the definitions.

    check.py RATION [SEED...]     prints one line for each kind of number: how many, largest error

Curves, stopping, reallocation, ranks and plans must be equal to 1e-8 (JSON holds ten digits); leaders,
markers and the finding must follow from the numbers beside them.
"""
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
from fractions import Fraction as F

import oracle
import stores

AXES = {"flops": "pass_flops@f", "seconds": "pass_time@t", "usd": "pass_usd@u"}


class Tally:
    def __init__(self):
        self.rows = {}

    def equal(self, what, got, want, where=""):
        n, worst = self.rows.get(what, (0, 0.0))
        if want is None or got is None:
            if got is not want:
                raise AssertionError(f"{what} {where}: {got}, must be {want}")
            self.rows[what] = (n + 1, worst)
            return
        error = abs(float(got) - float(want)) / max(1.0, abs(float(want)))
        if not error <= 1e-8:
            raise AssertionError(f"{what} {where}: {got}, must be {float(want)}")
        self.rows[what] = (n + 1, max(worst, error))

    def true(self, what, holds, where=""):
        if not holds:
            raise AssertionError(f"{what} {where}")
        n, worst = self.rows.get(what, (0, 0.0))
        self.rows[what] = (n + 1, worst)


def costs_of(entry):
    flop, fixed, second, hour = stores.ENTRIES[entry]
    usd = F(repr(hour)) / 3600
    out = {"flops": oracle.Cost(0, flop), "seconds": oracle.Cost(fixed, second),
           "usd": oracle.Cost(0, 0)}
    out["usd"].shared, out["usd"].each = usd * F(repr(fixed)), usd * F(repr(second))
    return out


class Case:
    """One store under one policy for missing samples."""

    def __init__(self, ration, folder, store, missing, tally):
        self.store, self.missing, self.t = store, missing, tally
        self.ration, self.folder = ration, folder
        self.names = list(store["models"])
        self.costs = {n: costs_of(store["models"][n]["cost"]) for n in self.names}
        self.rows = {n: oracle.counts(store["models"][n], missing) for n in self.names}
        self.last = {n: oracle.k_max(self.rows[n]) for n in self.names}
        self.common = [i for i in range(len(store["problems"]))
                       if all(self.rows[n][i] for n in self.names)]
        self.both = [{n: self.rows[n][i] for n in self.names} for i in self.common]

    def run(self, command, *options):
        done = subprocess.run([self.ration, command, "-s", "o.db", "--format", "json", "--missing",
                               self.missing, "--cost-file", "costs.txt", "--profile", "box",
                               *options], cwd=self.folder, capture_output=True, text=True)
        if done.returncode > 1:
            raise AssertionError(done.stderr)
        self.t.true("exit status 1 has a line", done.returncode == 0 or done.stderr.strip())
        return json.loads(done.stdout)

    def value(self, name, axis, budget):
        """(k, pass@k over the common problems) or why not: "none", "ended"."""
        cost = self.costs[name][axis]
        k = cost.afford(budget)
        if k == 0:
            return 0, "none"
        if k > self.last[name]:
            return k, "ended"
        return k, oracle.mean(1 - oracle.fail(*row[name], k) for row in self.both)

    # ---- report ----

    def curves(self, report):
        for s in report["series"]:
            if s["ranker"]:
                continue
            axis = {v: k for k, v in AXES.items()}.get(s["metric"])
            rows = self.rows[s["model"]]
            for p in s["points"]:
                k = p["k"]
                self.t.equal(s["metric"], p["value"], oracle.pass_at(rows, k), s["model"])
                self.t.equal("cost of k", p["x"], self.costs[s["model"]][axis].of(k) if axis else k)
                self.t.true("k up to n/2", k <= self.last[s["model"]])
                self.interval("interval of pass@k", p, sum(1 for r in rows if r))
            model = self.store["models"][s["model"]]
            greedy = model["greedy"] and sum(model["greedy"]) / len(model["greedy"])
            self.t.equal("greedy", s["greedy"], greedy if model["greedy"] else None)

    def interval(self, what, p, n):
        """Around its value; Wilson's where few problems or a mean near 0 or 1 call for it."""
        self.t.true(f"{what} holds its value", p["lo"] - 1e-9 <= p["value"] <= p["hi"] + 1e-9)
        if n < 10 or min(p["value"], 1 - p["value"]) * n < 5:
            lo, hi = oracle.wilson(p["value"], n)
            self.t.equal(what, p["lo"], lo)
            self.t.equal(what, p["hi"], hi)

    def leaders(self, task):
        for axis in task["axes"]:
            name = axis["axis"]
            budgets = [b["budget"] for b in axis["budgets"]]
            unit = min(self.names, key=lambda m: self.costs[m][name].of(1))
            self.t.true("unit is the cheapest", axis["unit"] == unit)
            for m in self.names:
                self.t.true("each first sample has a row", any(
                    abs(b / float(self.costs[m][name].of(1)) - 1) < 1e-8 for b in budgets), m)
            self.last_common(name, budgets)
            for row in axis["budgets"]:
                self.leader(name, row)
            for c in axis["crossovers"]:
                self.crossover(name, c)

    def last_common(self, axis, budgets):
        end = min(self.costs[m][axis].of(self.last[m] + 1) for m in self.names)
        last = max(self.costs[m][axis].of(k) for m in self.names for k in range(1, self.last[m] + 1)
                   if self.costs[m][axis].of(k) < end)
        self.t.true("the last budget that all curves reach has a row",
                    any(abs(b / float(last) - 1) < 1e-8 for b in budgets), axis)

    def leader(self, axis, row):
        where = f"{axis} {row['budget']}"
        at = {m: self.value(m, axis, row["budget"]) for m in self.names}
        shown = {m["model"]: m for m in row["models"]}
        known = {}
        for m, (k, value) in at.items():
            if value == "none":
                self.t.true("affords none is not there", m not in shown, where)
                continue
            self.t.equal("k at a budget", shown[m]["k"], k, where)
            self.t.equal("value at a budget", shown[m]["value"], None if value == "ended" else value)
            if value != "ended":
                known[m] = value
        ended = any(v == "ended" for _, v in at.values())
        self.t.true("complete", row["complete"] == (not ended), where)
        if ended or not known:
            self.t.true("nobody leads where a curve has ended", row["leader"] is None, where)
            return
        order = sorted(known.values(), reverse=True)
        self.t.equal("the leader has the best value", known[row["leader"]], order[0], where)
        if len(known) < 2:
            self.t.true("no margin of one", row["second"] is None and row["ahead"] is None)
            return
        self.t.equal("the second", known[row["second"]], order[1], where)
        self.t.equal("margin", row["ahead"], order[0] - order[1], where)
        self.t.true("the interval holds the margin", row["lo"] - 1e-9 <= row["ahead"] <= row["hi"] + 1e-9)
        # One computation: an interval (95 %) that holds 0 goes with a P(lead) of at most 97.5 %.
        if row["lo"] <= 0:
            self.t.true("P(lead) agrees with the interval", row["sure"] <= 0.9765, where)
        elif len(known) == 2:
            self.t.true("P(lead) agrees with the interval", row["sure"] >= 0.9735, where)

    def crossover(self, axis, c):
        """The first budget of the last run of a grid of 256 that one model leads, and the other before."""
        a, b = c["a"], c["b"]
        step = (c["to"] / c["from"]) ** (1 / 255)
        ahead = []
        for i in range(256):
            budget = c["to"] if i == 255 else c["from"] * step**i
            x, y = self.value(a, axis, budget)[1], self.value(b, axis, budget)[1]
            if "ended" in (x, y) or "none" in (x, y):
                return  # the ends of the grid are rounded to ten digits
            ahead.append((budget, (x > y) - (x < y)))
        ahead = [x for x in ahead if x[1]]
        signs = [s for _, s in ahead]
        if len(set(signs)) < 2:
            self.t.equal("no crossover", c["budget"], None, f"{a} {b}")
            return
        i = len(signs) - 1
        while signs[i - 1] == signs[i]:
            i -= 1
        self.t.true("crossover", abs(c["budget"] / ahead[i][0] - 1) < 1e-6, f"{a} {b} {axis}")
        self.t.true("who leads after it", c["after"] == (a if signs[i] > 0 else b))

    def answers(self, task):
        for answer in task["answers"]:
            axis = [a for a in task["axes"] if a["axis"] == answer["axis"]][0]
            rows = [r for r in axis["budgets"] if r["leader"] and r["second"]]
            if not rows:
                self.t.true("no answer without a comparison", answer["leader"] is None)
                continue
            every = [r for r in rows if len(r["models"]) == len(self.names)]
            row = every[0] if every else rows[-1]
            self.t.true("the answer buys all", answer["buys_all"] == bool(every))
            self.t.equal("the answer's budget", answer["budget"], row["budget"])
            self.t.true("the answer's leader", answer["leader"] == row["leader"])
            for mine, theirs in (("ahead",) * 2, ("lo",) * 2, ("hi",) * 2, ("p_lead", "sure")):
                self.t.equal("the answer is a row", answer[mine], row[theirs])

    def ranks(self, report):
        for s in report["series"]:
            if not s["ranker"]:
                continue
            model = self.store["models"][s["model"]]["samples"]
            lower = self.store["rankers"][s["ranker"]]
            kept = [i for i, r in enumerate(self.rows[s["model"]]) if r]
            drawn = [oracle.rank_population(model[i], s["ranker"], self.missing) for i in kept]
            for p in s["points"]:
                for what, key in (("ranker", "value"), ("blind", "random"), ("perfect", "perfect")):
                    want = oracle.mean(oracle.rank_score(row, p["k"], lower, what) for row in drawn)
                    self.t.equal(f"{s['metric']} {key}", p[key], want, s["model"])

    def stopping(self, task):
        for row in task["stopping"]:
            m, k = row["model"], row["k"]
            rows = [r for r in self.rows[m] if r]
            self.t.equal("stopping: draws", row["draws"],
                         oracle.mean(oracle.draws(n, c, k) for n, c in rows))
            self.t.equal("stopping: value", row["value"], oracle.pass_at(rows, k))
            for axis, cost in self.costs[m].items():
                self.t.equal("stopping: cost", row[axis], oracle.mean(
                    oracle.spent(n, c, k, cost.shared, cost.each) for n, c in rows))
                self.t.equal("stopping: full cost", row[f"{axis}_full"], cost.of(k))

    def reallocation(self, task):
        axis = task["plan_axis"]
        for row in task["reallocation"]:
            m = row["model"]
            cost, last = self.costs[m][axis], self.last[m]
            rows = [r[m] for r in self.both]
            least = min(n for n, _ in rows if n)
            total = F(row["budget"]) * len(rows)
            self.t.equal("same k", row["same_k"], self.value(m, axis, row["budget"])[1])

            def rounds(k):
                return sum((oracle.spent(n, c, k, cost.shared, cost.each) for n, c in rows), F(0))
            end = rounds(min(last + 1, least))
            if total * (1 + F(1, 10**9)) >= end:
                self.t.equal("rounds end at the cost of one more", row["rounds"], None)
                self.t.equal("so does the upper line", row["oracle"], None)
                continue
            k = max(k for k in range(last + 1) if rounds(k) <= total * (1 + F(1, 10**9)))
            self.t.equal("rounds", row["rounds"], oracle.mean(1 - oracle.fail(n, c, k) for n, c in rows))
            self.t.equal("upper line", row["oracle"], oracle.upper_line(rows, last, cost, total))

    def comparison(self, task):
        c = task["comparison"]
        a, b = c["a"], c["b"]
        for row in c["k"]:
            k = round(row["x"])
            self.t.equal("difference at k", row["difference"], oracle.mean(
                oracle.fail(*r[b], k) - oracle.fail(*r[a], k) for r in self.both))
        for axis in AXES:
            for row in c[axis]:
                x, y = (self.value(m, axis, row["x"])[1] for m in (a, b))
                known = "none" not in (x, y) and "ended" not in (x, y)
                self.t.equal("difference at a budget", row["difference"], x - y if known else None)

    def reach(self, task):
        for row in task["reach"]:
            m = row["model"]
            k = next((k for k in range(1, self.last[m] + 1) if oracle.mean(
                1 - oracle.fail(*r[m], k) for r in self.both) >= F(1, 2)), None)
            self.t.equal("k to reach", row["k"], k, m)
            for axis, cost in self.costs[m].items():
                self.t.equal("budget to reach", row[axis], cost.of(k) if k else None)

    def cascades(self, task):
        """Some division of the problems into halves explains every row; the plan is the best of all."""
        if not task["cascades"]:
            return
        axis = task["plan_axis"]
        costs = {m: self.costs[m][axis] for m in self.names}
        kinds = {kind: oracle.Chooser(self.both, self.names, self.last, costs, kind, "mean")
                 for kind in ("single", "cascade")}
        everyone = tuple(range(len(self.both)))
        wanted = []
        for row in task["cascades"]:
            best = [kinds["cascade"].list[p][0] for p in kinds["cascade"].best(everyone, row["budget"])]
            plan = [(row["first"], row["k1"])] + ([(row["second"], row["k2"])] if row["k2"] else [])
            self.t.true("the cascade is the best of all", plan in best, f"{plan} {best}")
            wanted += [("single", row["budget"], row["single_value"], None),
                       ("cascade", row["budget"], row["value"], None)]
        self.crossfit("cascades, cross-fitted", kinds, wanted)

    def crossfit(self, what, kinds, wanted):
        n = len(self.both)
        if n > 8:
            return
        for halves in oracle.splits(n, 2):
            if all(self.explains(kinds[kind], halves, budget, score, cost, n)
                   for kind, budget, score, cost in wanted):
                self.t.rows[what] = (self.t.rows.get(what, (0, 0.0))[0] + len(wanted), 0.0)
                return
        raise AssertionError(f"{what}: no halves of the problems give these numbers")

    @staticmethod
    def explains(chooser, halves, budget, score, cost, n):
        """Chosen on one half and applied to the other, both ways round; ties are free."""
        applied = []
        for mine, other in (halves, halves[::-1]):
            applied.append([(sum(chooser.list[p][2][i][0] for i in mine),
                             sum(chooser.list[p][2][i][1] for i in mine))
                            for p in chooser.best(other, budget)])
        return any(abs((s + u) / n - score) < 1e-8 and
                   (cost is None or abs((c + v) / n / cost - 1) < 1e-8 if cost else True)
                   for (s, c), (u, v) in itertools.product(*applied))

    # ---- plan ----

    def plans(self, total):
        budgets = ["12TFLOP", "40TFLOP"] if not total else ["90TFLOP", "250TFLOP"]
        out = self.run("plan", "--folds", "2", *(["--total"] if total else []),
                       *[x for b in budgets for x in ("-b", b)])["plans"][0]
        costs = {m: self.costs[m]["flops"] for m in self.names}
        limit = "mean" if total else "each"
        scale = len(self.both) if total else 1
        choosers, wanted = {}, []
        everyone = tuple(range(len(self.both)))
        for row in out["budgets"] + out["frontier"]:
            budget = row["budget"] / scale
            for c in row["choices"]:
                kind = c["choice"]
                if kind in ("mixture", "one-model upper line"):
                    self.mixture(c, row, budget, total, costs)
                    continue
                key = (kind, c["model"], c["stop"])
                if key not in choosers:
                    models = [c["model"]] if c["model"] else [m["model"] for m in out["models"]]
                    choosers[key] = oracle.Chooser(
                        self.both, models, self.last, costs,
                        "cascade" if kind == "cascade" else "single", limit, c["stop"])
                best = [choosers[key].list[p][0] for p in choosers[key].best(everyone, budget)]
                plan = [(m, int(k)) for m, k in re.findall(r"(\w+) x (\d+)", c["plan"])]
                self.t.true("a plan is the best there is", plan in best, f"{plan} {best}")
                ended = [self.ends(m, costs[m], limit, c["stop"]) <= budget
                         for m in ([c["model"]] if c["model"] else self.names)]
                self.t.true("what recorded samples limit is marked", c["limited"] == any(ended),
                            f"{key} {budget}")
                self.over(c, row, total)
                self.t.true("what buys nothing has no score", (c["score"]["value"] is None) == (
                    c["plan"] == "nothing" and c["cost"]["value"] == 0), f"{key} {budget}")
                wanted.append((key, budget, c["score"]["value"] or 0, c["cost"]["value"]))
            self.first(row)
        self.crossfit("plans, cross-fitted", choosers, wanted)

    def ends(self, model, cost, limit, stop):
        """From which budget on more samples are paid for than the curve has."""
        k = self.last[model]
        if limit == "each":
            return float(cost.of(k + 1)) * (1 - 1e-9)
        if not stop:
            return float(cost.of(k)) * (1 + 1e-9)
        return float(oracle.mean(oracle.spent(*r[model], k, cost.shared, cost.each)
                                 for r in self.both)) * (1 + 1e-9)

    def over(self, c, row, total):
        scale = len(self.both) if total else 1
        dear = c["cost"]["value"] * scale > row["budget"] * (1 + 1e-8)
        self.t.true("over its budget is said", c["over"] == dear or abs(
            c["cost"]["value"] * scale / row["budget"] - 1) < 1e-8)
        self.t.true("no problem costs more than its budget", total or not dear)

    def first(self, row):
        for stop in (False, True):
            shares = [c["first"] for c in row["choices"] if c["stop"] == stop and
                      c["first"] is not None]
            if not any(c["score"]["value"] is None for c in row["choices"]):
                self.t.equal("shares of the lead add up", sum(shares), 1)

    def mixture(self, c, row, budget, total, costs):
        if c["choice"] == "one-model upper line":
            best = max(oracle.upper_line([r[m] for r in self.both], self.last[m], costs[m],
                                         F(row["budget"])) for m in self.names)
            self.t.equal("one-model upper line", c["score"]["value"] or 0, best)
            return
        self.over(c, row, total)
        if not total:
            bought = re.findall(r"(\w+) x (\d+)", c["plan"].split(" in turns")[0])
            cost = sum((costs[m].of(int(k)) for m, k in bought), F(0))
            self.t.true("a mixture keeps to the budget", cost <= F(budget) * (1 + F(1, 10**9)))

    def replay(self):
        out = self.run("plan", "--replay", "--folds", "2", "--orders", "4000", "-b", "12TFLOP",
                       "-b", "30TFLOP")["replays"][0]
        costs = {m: self.costs[m]["flops"] for m in self.names}
        for row in out["budgets"]:
            for p in row["policies"]:
                courses = p["course"].split(" folds)")
                if len(courses) > 1 or " in turns" in p["course"]:
                    continue
                steps = [(m, int(k)) for m, k in re.findall(r"(\w+) x (\d+)", p["course"])]
                got = [oracle.score_and_cost(r, steps, costs) for r in self.both]
                score, cost = (float(oracle.mean(x[i] for x in got)) for i in (0, 1))
                # Random orders: five standard errors of the mean over them.
                slack = 5 * (0.25 / 4000 / len(self.both)) ** 0.5
                self.t.true("a replay equals its course",
                            abs((p["score"]["value"] or 0) - score) < slack and
                            abs(p["cost"]["value"] - cost) < slack * row["budget"], p["course"])

    def samples(self, report, task):
        """`plan --samples` shows the figures of the report, with its intervals."""
        def ask(question):
            # The figures are those of the recorded samples; how many more are simulated has no say.
            (row,) = self.run("plan", "--samples", question, "-n", "32")["recorded"]
            return row
        units = {"flops": (1e-12, "TFLOP"), "seconds": (1, "s"), "usd": (1, "USD")}
        for answer in task["answers"]:
            if not answer["leader"] or not answer["second"]:
                continue
            factor, unit = units[answer["axis"]]
            at = f"{answer['budget'] * factor * (1 + 1e-10):.15g}{unit}"
            for names, sign in (("leader second", 1), ("second leader", -1)):
                a, b = (answer[x] for x in names.split())
                for question in (f"{a}>{b} at {at}", f"{a} - {b} at {at} +-20"):
                    row = ask(question)
                    ks = (row["k"], row["second_k"])[::sign]
                    self.t.true("plan --samples: k", ks == (answer["k"], answer["second_k"]))
                    self.t.equal("plan --samples: margin", sign * row["ahead"], answer["ahead"], question)
                    ends = sorted((sign * row["lo"], sign * row["hi"]))
                    self.t.equal("plan --samples: interval", ends[0], answer["lo"], question)
                    self.t.equal("plan --samples: interval", ends[1], answer["hi"], question)
        for s in report["series"]:
            if s["metric"] != "pass@k":
                continue
            for p in s["points"]:
                row = ask(f"{s['model']} pass@{p['k']} +-20")
                for key in ("value", "lo", "hi"):
                    self.t.equal(f"plan --samples: pass@k, {key}", row[key], p[key], s["model"])
            ended = ask(f"{s['model']} pass@{self.last[s['model']] + 1} +-20")
            self.t.equal("plan --samples: a curve that has ended", ended["value"], None)

    def check(self):
        report = self.run("report", "--reach", "0.5", "--compare", ",".join(self.names[:2]))
        task = report["tasks"][0]
        self.curves(report)
        self.ranks(report)
        self.leaders(task)
        self.answers(task)
        self.stopping(task)
        self.reallocation(task)
        self.comparison(task)
        self.reach(task)
        self.cascades(task)
        self.plans(False)
        self.plans(True)
        self.replay()
        self.samples(report, task)


def main():
    ration = str(pathlib.Path(sys.argv[1]).resolve())
    tally = Tally()
    for seed in map(int, sys.argv[2:] or range(6)):
        store = stores.draw(seed)
        for missing in ["drop", "fail"] if seed % 4 == 1 else ["drop"]:
            with tempfile.TemporaryDirectory() as folder:
                stores.write(ration, folder, store)
                try:
                    Case(ration, folder, store, missing, tally).check()
                except AssertionError as failed:
                    sys.exit(f"seed {seed}, --missing {missing}: {failed}")
    for what, (n, worst) in sorted(tally.rows.items()):
        print(f"{what:50} {n:6}  {worst:.1e}" if worst else f"{what:50} {n:6}")
    print(f"{sum(n for n, _ in tally.rows.values())} numbers")


if __name__ == "__main__":
    main()
