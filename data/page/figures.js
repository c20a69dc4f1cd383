/*
 * figures.js: the figures of one task: pass@k by k and by budget, ranking, and other ways to spend.
 */
"use strict";

function seriesOf(task, metric) {
  return report.series.filter((s) => s.metric === metric && s.task === task.task &&
    s.hash === task.hash);
}

function points(series, x) {
  return series.points.map((p) => ({ x: p[x], y: p.value, lo: p.lo, hi: p.hi, k: p.k }));
}

/* The greedy answer of each model at what one answer costs. */
function greedyStars(task, x) {
  return task.models
    .filter((m) => known(m.greedy.value))
    .map((m) => ({
      label: `${m.model}, greedy`,
      key: m.model,
      index: colourIndex(m.model),
      style: "star",
      points: [{ x: x(m), y: m.greedy.value, lo: m.greedy.lo, hi: m.greedy.hi, k: 1 }],
    }));
}

/* Why an axis has no figure, in the words of the report, each reason once. */
function whyUnpriced(task, axis) {
  const reasons = new Set(task.models.map((m) => m.unpriced[axis.name]).filter(Boolean));
  return [...reasons].join("; ");
}

function noScores(task) {
  const samples = task.models.some((m) => m.samples > 0 || m.missing > 0);
  return samples ? "No sample has a verdict yet: run `ration judge`."
    : "There are no samples yet: `ration generate` or `ration import` brings them.";
}

/* Why a curve is a point. */
function shortCurve(series) {
  const lines = series.filter((s) => s.style === "line" && s.points.length);
  return lines.length && lines.every((s) => s.points.length === 1)
    ? "A curve stops at half of the samples of a problem, so that every point is a robust " +
      "estimate: more samples, `ration generate -n` or `ration import`, make it longer." : null;
}

function slug(task) {
  return `t${report.tasks.indexOf(task)}`;
}

/* A curve continued beyond the samples: points marked `far`, on from its last robust one. x: the
 * abscissa's name among those of an extrapolated point. */
function continued(task, model, curve, x) {
  const beyond = seriesOf(task, "extrapolated@k").find((s) => s.model === model);
  if (!beyond || !beyond.points.length) return curve;
  const from = beyond.points[0].k;
  return [...curve.filter((p) => p.k <= from),
    ...points(beyond, x).slice(1).map((p) => ({ ...p, far: true }))];
}

function isContinued(series) {
  return series.some((s) => s.points.some((p) => p.far));
}

const continuedNote = "Dashed: an extrapolation by a model of how hard the problems are, not " +
  "measured.";

function passFigures(task) {
  const curves = (metric, x) =>
    seriesOf(task, metric).map((s) => ({ label: s.model, key: s.model,
      index: colourIndex(s.model), style: "line",
      points: continued(task, s.model, points(s, "x"), x) }));
  const byK = [...curves("pass@k", "x"), ...greedyStars(task, () => 1)];
  const y = yRange(byK);
  const figures = [
    figure({ id: `${slug(task)}-pass-k`, title: "By number of samples", series: byK, y,
      xLabel: "k, samples per problem", yLabel: "pass@k", format: whole, ticks: "doubling",
      missing: noScores(task), note: isContinued(byK) ? continuedNote : shortCurve(byK) }),
  ];
  for (const axis of axes) {
    const series = curves(axis.pass, axis.name);
    if (!series.length && axis.name === "usd") continue;
    const stars = greedyStars(task, (m) => m.per_sample[axis.name]);
    figures.push(figure({ id: `${slug(task)}-pass-${axis.name}`, y,
      title: `At equal ${axis.words}`, series: [...series, ...stars], format: axis.format, tick: axis.tick,
      xLabel: `${axis.words} per problem`, yLabel: "pass@k",
      note: isContinued(series) ? continuedNote : null,
      missing: whyUnpriced(task, axis) || noScores(task) }));
  }
  return figures;
}

function confidenceWords() {
  return `${percent(report.report.confidence, 0)} % interval`;
}

function passLegend(task, scope) {
  const bands = seriesOf(task, "pass@k").some((s) => s.points.some((p) => known(p.lo)));
  const stars = task.models.some((m) => known(m.greedy.value));
  const entries = task.models.map((m) => ({ key: m.model, label: m.model,
    index: colourIndex(m.model) }));
  return el("div", { class: "legends" }, legend(entries, scope),
    bands || stars ? el("p", { class: "note" }, bands ? `Band: ${confidenceWords()}. ` : "",
      stars ? "Star: the greedy answer." : "") : null);
}

/* ---- ranking ---- */

/* A ranker has the colour of the model in its name ("nll:7b"); the part before it is the kind. */
function rankerParts(name) {
  const colon = name.indexOf(":");
  return colon > 0 ? { kind: name.slice(0, colon), model: name.slice(colon + 1) }
    : { kind: name, model: name };
}

const rankStyles = ["line", "dash", "dot"];

/* More bands than this cannot be told apart; the intervals are in the tips and tables. */
const MAX_BANDS = 3;

/* x: the points' member that is the abscissa. A bound needs no ranking, so that it costs the samples
 * alone. */
function rankCurves(task, metric, model, x) {
  const found = seriesOf(task, metric).filter((s) => s.model === model && s.points.length);
  const kinds = [...new Set(found.map((s) => rankerParts(s.ranker).kind))];
  const curves = found.map((s) => {
    const parts = rankerParts(s.ranker);
    return { label: s.ranker, key: s.ranker, index: colourIndex(parts.model),
      style: rankStyles[kinds.indexOf(parts.kind) % rankStyles.length],
      bare: found.length > MAX_BANDS, points: points(s, x) };
  });
  const bound = (name, label) => {
    const longest = found.reduce((a, b) => (a && a.points.length >= b.points.length ? a : b), null);
    return longest && longest.points.some((p) => known(p[name]))
      ? [{ label, key: label, index: -1, style: "dot",
          points: longest.points.map((p) => ({ x: p.x_sampling ?? p.x, y: p[name], k: p.k })) }]
      : [];
  };
  return [...curves, ...bound("perfect", "perfect choice"), ...bound("random", "blind choice")];
}

/* Whether the cost of ranking is known for some pair on this axis. */
function charged(task, axis, model) {
  return seriesOf(task, axis.rank).some((s) => s.model === model &&
    s.points.some((p) => known(p.x)));
}

function rankFigures(task, model) {
  const id = `${slug(task)}-rank-${colourIndex(model)}`;
  const byK = [...rankCurves(task, "rank-score@k", model, "x"), ...greedyStars(task, () => 1)];
  const y = yRange(byK);
  const figures = [
    figure({ id: `${id}-k`, title: "By number of samples", series: byK, y, format: whole,
      ticks: "doubling", xLabel: "k, samples per problem", yLabel: "rank-score@k" }),
  ];
  for (const axis of axes.filter((a) => a.rank)) {
    if (!seriesOf(task, axis.rank).some((s) => s.model === model)) {
      figures.push(figure({ id: `${id}-${axis.name}`, series: [],
        title: `At equal ${axis.words}`, missing: whyUnpriced(task, axis) }));
      continue;
    }
    const paid = charged(task, axis, model);
    const x = paid ? "x" : "x_sampling";
    const unpaid = task.models.find((m) => m.model === model).rankers
      .map((k) => k[axis.name].missing).find(Boolean);
    figures.push(figure({ id: `${id}-${axis.name}`, y, format: axis.format, tick: axis.tick,
      title: `At equal ${axis.words}, ranking ${paid ? "charged" : "not charged"}`,
      xLabel: `${axis.words} per problem`, yLabel: "rank-score@k",
      series: [...rankCurves(task, axis.rank, model, x),
        ...greedyStars(task, (m) => m.per_sample[axis.name])],
      note: unpaid ? `Cost of ranking: ${unpaid}.` : null }));
  }
  return figures;
}

/* One generator's figures at a time; the others are built when chosen. */
/* Stopping where there are no tests: a model with what is done where no sample passes all examples. */
function untestedFigure(task) {
  const rows = task.untested;
  if (!rows.length) return null;
  const axis = axes.find((a) => rows.some((row) => known(row[a.name])));
  const x = axis ? axis.name : "draws";
  const ways = new Map();
  for (const row of rows) {
    const name = `${row.model}\n${row.fallback}`;
    ways.set(name, [...(ways.get(name) || []), row]);
  }
  const series = [...ways.values()].map((way) => ({
    label: way[0].fallback === "choose" ? `${way[0].model}, else choose`
      : `${way[0].model}, else ${way[0].fallback}`,
    key: way[0].model, index: colourIndex(way[0].model),
    style: way[0].fallback === "choose" ? "line" : "dash", bare: ways.size > MAX_BANDS,
    points: way.map((row) => ({ x: row[x], y: row.value, lo: row.value_lo, hi: row.value_hi,
      k: row.k })) }));
  const stars = axis ? greedyStars(task, (m) => m.per_sample[axis.name]) : [];
  return figure({ id: `${slug(task)}-untested`, title: "Stopping at the examples, without tests",
    series: [...series, ...stars], format: axis ? axis.format : significant,
    tick: axis ? axis.tick : significant,
    xLabel: axis ? `expected ${axis.words} per problem` : "expected samples per problem",
    yLabel: "right", note: "Up to k samples, stopping at the first that passes all examples of the " +
      "prompt. Line: else the best of those drawn. Dashed: else another model's greedy answer." });
}

/* How far examples of the prompts are tests already. */
function examplesNote(examples) {
  if (!examples || !examples.told) return null;
  const { told, in_tests: seen } = examples;
  return el("p", { class: "note" }, seen === told
    ? `All ${whole(told)} examples of the prompts stand in the tests, so that choosing by them is ` +
      "no choice without tests."
    : `${seen ? whole(seen) : "None"} of the ${whole(told)} examples of the prompts ` +
      `${seen === 1 ? "stands" : "stand"} in the tests` +
      (seen ? `, too; “examples in no test” counts the other ${whole(told - seen)} alone.` : "."));
}

function rankSection(task) {
  const models = [...new Set(seriesOf(task, "rank-score@k").filter((s) => s.points.length)
    .map((s) => s.model))];
  if (!models.length) return null;
  const area = el("div", {});
  const panels = new Map();
  const show = (model) => {
    if (!panels.has(model)) {
      const figures = rankFigures(task, model);
      const row = el("div", { class: "figures" }, figures);
      const entries = rankCurves(task, "rank-score@k", model, "x").map((s) => ({ key: s.key,
        label: s.label, index: s.index, style: s.style }));
      panels.set(model, el("div", {}, legend(entries, () => row), row));
    }
    area.replaceChildren(panels.get(model));
    if (area.isConnected) drawCharts();
  };
  const select = el("select", { onchange: (event) => show(event.target.value) },
    models.map((model) => el("option", { value: model }, model)));
  show(models[0]);
  return section("Choosing one answer without tests",
    el("p", {}, "A ranker picks one of k samples; rank-score@k is the chance that it passes. The ",
      "grey lines are a blind choice and a perfect one."),
    examplesNote(task.examples),
    models.length > 1 ? el("label", { class: "control" }, "Samples of ", select) : null,
    area, el("div", { class: "figures" }, untestedFigure(task)), bestRankers(task));
}

/* ---- other ways to spend ---- */

/* "Up to k, stop at the first pass" against "always pay for k". */
function stoppingFigure(task) {
  const axis = axes.find((a) => task.stopping.some((row) => known(row[a.name])));
  const cost = (row) => (axis ? row[axis.name] : row.draws);
  const series = [];
  for (const m of task.models) {
    const rows = task.stopping.filter((row) => row.model === m.model);
    if (!rows.length) continue;
    const common = { key: m.model, index: colourIndex(m.model) };
    series.push({ ...common, label: `${m.model}, stopping`, style: "line",
      points: rows.map((row) => ({ x: cost(row), y: row.value, k: row.k })) });
    const always = seriesOf(task, axis ? axis.pass : "pass@k").find((s) => s.model === m.model);
    if (always)
      series.push({ ...common, label: `${m.model}, always k`, style: "dash",
        points: points(always, "x").map((p) => ({ ...p, lo: null, hi: null })) });
  }
  return figure({ id: `${slug(task)}-stopping`, title: "Stopping at the first pass", series,
    format: axis ? axis.format : significant, tick: axis ? axis.tick : significant,
    xLabel: axis ? `expected ${axis.words} per problem` : "expected samples per problem",
    yLabel: "solved", note: "Dashed: all k samples are always paid for.",
    missing: noScores(task) });
}

function reallocationFigure(task) {
  const axis = axisNamed(task.plan_axis);
  const series = [];
  const line = (model, name, words, style) => ({
    label: `${model}, ${words}`, key: model, index: colourIndex(model), style,
    points: task.reallocation.filter((row) => row.model === model)
      .map((row) => ({ x: row.budget, y: row[name] })) });
  for (const m of task.models)
    series.push(line(m.model, "rounds", "reallocated", "line"),
      line(m.model, "same_k", "same k for all", "dash"),
      line(m.model, "oracle", "oracle", "dot"));
  return figure({ id: `${slug(task)}-reallocation`, title: "One budget for the whole set", series,
    format: axis ? axis.format : whole, tick: axis ? axis.tick : whole,
    xLabel: axis ? `mean ${axis.words} per problem` : "", yLabel: "solved",
    note: "Line: stop at a pass, spend the rest on other problems. Dashed: the same k for all. " +
      "Dotted: an oracle that knows every rate.",
    missing: whyUnpriced(task, axes[0]) || noScores(task) });
}

function cascadeFigure(task) {
  const axis = axisNamed(task.plan_axis);
  const sampled = task.models.filter((m) => !m.published && m.k_max > 0).length;
  const single = task.cascades.map((row) => ({ x: row.budget, y: row.single_value }));
  const pair = task.cascades.map((row) => ({ x: row.budget, y: row.value }));
  return figure({ id: `${slug(task)}-cascades`, title: "The best cascade of two models",
    series: [
      { label: "best cascade", key: "cascade", index: 0, style: "line", points: pair },
      { label: "best single model", key: "single", index: -1, style: "dash", points: single },
    ],
    format: axis ? axis.format : whole, tick: axis ? axis.tick : whole,
    xLabel: axis ? `mean ${axis.words} per problem` : "", yLabel: "solved",
    note: "Line: a cascade. Dashed: one model. Both stop at a pass, and are chosen on one half of " +
      "the problems and scored on the other.",
    missing: sampled < 2 ? "A cascade needs samples of two models."
      : whyUnpriced(task, axes[0]) || "There is nothing to draw." });
}

function cascadeTable(task) {
  const axis = axisNamed(task.plan_axis);
  if (!task.cascades.length || !axis) return null;
  return lazyDetails("Cascades, budget by budget", () =>
    table("The best cascade at each budget",
      [axis.words, "first", "k", "then", "k", "cascade, %", "one model", "%"],
      task.cascades.map((row) => [axis.format(row.budget), modelName(row.first), whole(row.k1),
        row.second ? modelName(row.second) : unknown, whole(row.k2), percent(row.value),
        row.single ? modelName(row.single) : unknown, percent(row.single_value)]),
      [1, 3, 6]));
}
