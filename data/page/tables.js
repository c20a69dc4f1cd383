/*
 * tables.js: who leads, what a sample costs, what the verdicts were, the conditions of the run.
 */
"use strict";

function section(title, ...children) {
  return el("section", {}, el("h3", {}, title), children);
}

/* ---- who leads ---- */

/* P(lead) as the terminal has it; of published curves nothing but 100 % is certain. */
function sureness(p, resampled) {
  if (resampled && p > 0.995) return "> 99 %";
  return resampled && p < 0.005 ? "< 1 %" : `${percent(p, 0)} %`;
}

function leadRows(task, axis, short) {
  return axis.budgets.map((row) => {
    const cell = (model) => {
      const c = row.models.find((m) => m.model === model.model);
      if (!c) return "affords none";
      if (!known(c.value)) return el("span", { class: "soft" }, `no estimate, k = ${whole(c.k)}`);
      const text = [percent(c.value), " ", el("span", { class: "soft" }, `k = ${whole(c.k)}`)];
      return row.leader === model.model ? el("strong", {}, text) : el("span", {}, text);
    };
    const leader = row.leader ? row.ahead === 0 ? "a tie" : modelName(row.leader, short.get(row.leader))
      : row.complete ? "nobody" : "not known";
    return [
      axisNamed(axis.axis).format(row.budget),
      leader,
      known(row.sure) ? sureness(row.sure, task.problems > 0) : unknown,
      known(row.ahead) ? `${signed(row.ahead)} ${spread(row.lo, row.hi)}` : unknown,
      `${significant(row.normalised)} ×`,
      ...task.models.map(cell),
    ];
  });
}

/* An interval of differences. */
function spread(lo, hi) {
  return known(lo) && known(hi) ? `(${signed(lo)} to ${signed(hi)})` : "";
}

function crossings(axis) {
  const format = axisNamed(axis.axis).format;
  const found = axis.crossovers.filter((c) => known(c.budget));
  if (!found.length) return null;
  return el("ul", { class: "crossings" }, found.map((c) => el("li", {},
    `${c.after} overtakes ${c.before} for good at ${format(c.budget)} per problem` +
      (known(c.lo) && known(c.hi) ? ` (${format(c.lo)} to ${format(c.hi)})` : "") + ".")));
}

function leaderSection(task) {
  if (!task.axes.length) return null;
  const names = task.models.map((m) => m.model);
  const short = new Map(shortNames(names).map((text, i) => [names[i], text]));
  const blocks = task.axes.map((axis) => {
    const words = axisNamed(axis.axis).words;
    return [
      table(`At equal ${words}: pass@k in %, 1 × is one sample of ${axis.unit}`,
        [words, "leads", "P(lead)", "ahead of the second, points", "budget",
          ...task.models.map((m) => modelName(m.model, short.get(m.model)))],
        leadRows(task, axis, short), [1]),
      crossings(axis),
    ];
  });
  return section("Who leads at each budget",
    task.models.length === 1 ? el("p", {}, prose("There is one model, so that nothing can be " +
      "compared: bring another one's samples with `ration generate` or `ration import`.")) : null,
    blocks,
    el("p", { class: "note" }, task.problems > 0
      ? `Ahead: paired by problem, with its ${confidenceWords()}. P(lead): how sure it is that the ` +
        "leader is ahead of all others. Not known: the curve of a model has ended."
      : "P(lead): 100 % where no curve through the published values could change the leader."));
}

/* ---- rankers ---- */

/* Which ranker of whose samples is best at each budget, beside the largest model's greedy answer. */
function bestRankers(task) {
  return task.axes.filter((axis) => axis.ranked && axis.ranked.budgets.some((row) => row.ranker))
    .map((axis) => {
      const kind = axisNamed(axis.axis);
      const { yardstick, greedy, budgets } = axis.ranked;
      return table(`The best ranker at equal ${kind.words}, ranking charged` + (yardstick
        ? `; the greedy answer of ${yardstick} solves ${percent(greedy)} %` : ""),
      ["budget", kind.words, "samples of", "ranker", "k", "rank-score, %", "interval",
        "below greedy, points", "budget buys greedy"],
      budgets.map((row) => [`${significant(row.normalised)} ×`, kind.format(row.budget),
        row.model ? modelName(row.model) : unknown, row.ranker || unknown,
        row.ranker ? whole(row.k) : unknown, percent(row.value), interval(row.lo, row.hi),
        known(row.below) ? (100 * row.below).toFixed(1).replace("-", "−") : unknown,
        row.greedy_affordable ? "yes" : "no"]), [2, 3, 8]);
    });
}

/* ---- two models side by side, a score to reach ---- */

function comparisonSection(task) {
  const c = task.comparison;
  if (!c) return null;
  const blocks = [["k", { words: "k", format: whole }], ...axes.map((a) => [a.name, a])]
    .filter(([name]) => c[name] && c[name].length)
    .map(([name, axis]) => table(`${c.a} less ${c.b}, at equal ${axis.words}, points`,
      [axis.words, "difference", "interval", `${c.a} is ahead in`],
      c[name].map((row) => [axis.format(row.x), signed(row.difference), spread(row.lo, row.hi),
        known(row.p_a_ahead) ? `${percent(row.p_a_ahead, 0)} %` : unknown])));
  return blocks.length ? section(`${c.a} and ${c.b}`, blocks) : null;
}

function reachSection(task) {
  if (!task.reach || !task.reach.length) return null;
  return section(`What ${percent(task.reach[0].score)} % costs`,
    table("Samples and budget per problem", ["model", "k", "interval of k",
      ...axes.map((a) => a.words)],
    task.reach.map((row) => [modelName(row.model), known(row.k) ? whole(row.k) : "never",
      known(row.k_lo) ? `${whole(row.k_lo)} to ${known(row.k_hi) ? whole(row.k_hi) : "never"}` : "",
      ...axes.map((a) => a.format(row[a.name]))])));
}

/* ---- costs and verdicts ---- */

/* Where the costs of ranking are from, or why they are not known; each reason once, with whom it is
 * about unless it is about all. */
function rankingReasons(task) {
  const all = task.models.flatMap((m) => m.rankers);
  const items = axes.filter((a) => a.rank).flatMap((a) => {
    const names = new Map();
    for (const k of all) {
      const why = k[a.name].from || k[a.name].missing;
      if (why) names.set(why, new Set([...(names.get(why) || []), k.ranker]));
    }
    return [...names].map(([why, whom]) =>
      `${a.words} of ${names.size > 1 ? [...whom].join(", ") : "ranking"}: ${why}.`);
  });
  return items.length ? el("ul", { class: "note" },
    items.map((text) => el("li", {}, prose(text)))) : null;
}

function costSection(task) {
  const rows = task.models.map((m) => [modelName(m.model), m.cost || unknown,
    ...axes.map((a) => a.format(m.per_sample[a.name])),
    flops(m.per_sample.flop_exact_sample), flops(m.per_sample.flop_exact_prompt),
    flops(m.per_sample.flop_2n), known(m.per_sample.prompt_tok)
      ? significant(m.per_sample.prompt_tok) : unknown,
    known(m.per_sample.gen_tok) ? significant(m.per_sample.gen_tok) : unknown]);
  const ranking = task.models.flatMap((m) => m.rankers.map((k) => [modelName(m.model), k.ranker,
    whole(k.drawn), whole(k.scored), flops(k.flops.sample), seconds(k.seconds.sample)]));
  const reasons = axes.map((a) => [a, whyUnpriced(task, a)]).filter(([, why]) => why);
  return section("What a sample costs",
    table("One sample", ["model", "priced as", ...axes.map((a) => a.words), "exact FLOPs",
      "of its prompt, once", "2N on all tokens", "prompt tokens", "generated tokens"], rows, [1]),
    ranking.length ? lazyDetails("Ranking one sample", () => table("Ranking one sample",
      ["samples of", "ranker", "drawn", "scored", "FLOPs", "wall-time"], ranking, [1])) : null,
    rankingReasons(task),
    reasons.length ? el("ul", { class: "note" }, reasons.map(([a, why]) =>
      el("li", {}, prose(`${a.words}: ${why}.`)))) : null);
}

function verdictSection(task) {
  const stored = task.models.filter((m) => !m.published);
  if (!stored.length) return null;
  const kinds = [...new Set(stored.flatMap((m) => Object.keys(m.verdicts)))]
    .filter((kind) => kind !== "none");
  return section("Samples and verdicts",
    table("Counts", ["model", "problems", "most per problem", "judged", "no verdict",
      "greedy, %", ...kinds.map(verdictWords)],
    stored.map((m) => [modelName(m.model), whole(m.problems), whole(m.n), whole(m.samples),
      whole(m.missing), known(m.greedy.value) ? percent(m.greedy.value) : unknown,
      ...kinds.map((kind) => whole(m.verdicts[kind] || 0))])));
}

/* ---- conditions ---- */

function flat(value) {
  if (value === null || value === undefined) return unknown;
  if (typeof value !== "object") return String(value);
  return Object.entries(value).map(([name, v]) => `${name} ${flat(v)}`).join(", ");
}

function facts(entries) {
  return el("dl", {}, entries.filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function conditionsSection(task) {
  const r = report.report;
  const stored = task.problems > 0;
  const missing = { drop: "not counted", fail: "counted as failed", refuse: "refused" };
  return section("Conditions",
    facts([
      ["problem set", stored ? `${task.task}, ${whole(task.problems)} problems, ` +
        `${whole(task.common_problems)} of them with samples of every model` : task.task],
      ["its hash", task.hash],
      ["source", task.source],
      ["intervals", stored ? `${percent(r.confidence, 0)} %, ${whole(r.resamples)} resamples of ` +
        `the problems, seed ${r.seed}` : null],
      ["samples without a verdict", stored ? missing[r.missing] || r.missing : null],
      ["FLOPs", r.flops === "exact" ? "prompt once, generated tokens at their true length"
        : "one pass over 128 tokens per sample"],
      ["wall-time", r.profile && r.hardware && r.hardware !== r.profile
        ? `${r.profile}: ${r.hardware}` : r.profile],
      ["published curves", r.interpolated ? "interpolated, linear in log k" : null],
      ["program", `ration ${r.version}`],
    ]),
    el("details", { class: "keep" }, el("summary", {}, "Settings of each model"),
      el("div", {}, task.models.map((m) =>
      el("div", { class: "settings" }, el("h4", {}, modelName(m.model)), facts([
        ["n", whole(m.n)],
        ["largest robust k", whole(m.k_max)],
        ["prompt preset", m.preset],
        ["sampling", m.settings ? flat(m.settings) : null],
        ["judging", m.protocol ? flat(m.protocol) : null],
        ["protocols", m.protocols > 1
          ? `${m.protocols} meet here; the newest verdict of each sample counts` : null],
      ]))))));
}
