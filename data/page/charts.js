/*
 * charts.js: one kind of chart: lines over a logarithmic axis with bands and stars, and its table.
 *
 * A series is {label, index, points: [{x, y, lo, hi, k}], style: "line" | "dash" | "dot" | "star",
 * key}. A point that is `far` is extrapolated: the line to it is dashed. Series with the same key are
 * shown and hidden together. The line's dataset keeps the label and the points as they are; the two
 * edges of its band are datasets of their own, marked `band`; a `bare` series has none.
 */
"use strict";

const charts = [];
const waiting = [];

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.animation = false;

/* The interval of a curve that is one point. */
function drawWhisker(chart, dataset, element) {
  const p = dataset.data[0];
  if (!known(p.lo) || !known(p.hi)) return;
  const c = chart.ctx;
  c.save();
  c.strokeStyle = dataset.borderColor;
  c.lineWidth = 1.5;
  c.beginPath();
  for (const y of [p.lo, p.hi].map((v) => chart.scales.y.getPixelForValue(v))) {
    c.moveTo(element.x - 5, y);
    c.lineTo(element.x + 5, y);
    c.moveTo(element.x, element.y);
    c.lineTo(element.x, y);
  }
  c.stroke();
  c.restore();
}

/* Stars are drawn as paths, so that they are crisp and filled. */
const starPlugin = {
  id: "stars",
  afterDatasetsDraw(chart) {
    const c = chart.ctx;
    chart.data.datasets.forEach((dataset, i) => {
      if (!chart.isDatasetVisible(i) || dataset.band) return;
      const elements = chart.getDatasetMeta(i).data;
      if (!dataset.star && elements.length === 1) drawWhisker(chart, dataset, elements[0]);
      if (!dataset.star) return;
      for (const point of elements) {
        c.save();
        c.translate(point.x, point.y);
        c.beginPath();
        for (let corner = 0; corner < 10; corner++) {
          const radius = corner % 2 ? 3.4 : 8;
          const angle = (Math.PI * corner) / 5 - Math.PI / 2;
          c.lineTo(radius * Math.cos(angle), radius * Math.sin(angle));
        }
        c.closePath();
        c.fillStyle = dataset.borderColor;
        c.strokeStyle = cssColour("--surface");
        c.lineWidth = 1.5;
        c.stroke();
        c.fill();
        c.restore();
      }
    });
  },
};

/* The point nearest to the pointer that is of a curve or a star: edges of bands do not count. */
Chart.Interaction.modes.curve = (chart, event) => {
  let best = null;
  let least = 60 ** 2; // pixels
  for (const meta of chart.getSortedVisibleDatasetMetas()) {
    if (chart.data.datasets[meta.index].band) continue;
    meta.data.forEach((element, index) => {
      const distance = (element.x - event.x) ** 2 + (element.y - event.y) ** 2;
      if (distance > least) return;
      least = distance;
      best = { element, datasetIndex: meta.index, index };
    });
  }
  return best ? [best] : [];
};

/* 1, 2, 5 in each decade, or whole decades where there are many. */
function decadeTicks(min, max) {
  const ticks = [];
  const steps = max / min > 3000 ? [1] : max / min > 60 ? [1, 3] : [1, 2, 5];
  for (let e = Math.floor(Math.log10(min)); e <= Math.ceil(Math.log10(max)); e++)
    for (const step of steps) ticks.push(step * 10 ** e);
  return ticks.filter((v) => v >= min && v <= max);
}

function doublingTicks(min, max) {
  const ticks = [];
  const factor = max / min > 200 ? 4 : 2;
  for (let v = 1; v <= max; v *= factor) if (v >= min) ticks.push(v);
  return ticks;
}

function xRange(series) {
  const all = series.flatMap((s) => s.points.map((p) => p.x));
  const min = Math.min(...all);
  const max = Math.max(...all);
  const room = min === max ? 2 : (max / min) ** 0.04;
  return { min: min / room, max: max * room };
}

/* Of all series, in whole steps, so that the figures of a row can be compared. */
function yRange(series) {
  const all = series.flatMap((s) =>
    s.points.flatMap((p) => [p.y, p.lo, p.hi].filter((v) => known(v))),
  );
  if (!all.length) return { min: 0, max: 1 };
  const low = Math.min(...all);
  const high = Math.max(...all);
  const step = high - low > 0.45 ? 0.2 : 0.1;
  const min = Math.max(0, step * Math.floor(low / step + 1e-9));
  const max = Math.min(1, step * Math.ceil(high / step - 1e-9));
  if (max - min >= 0.2) return { min, max };
  return max < 0.2 ? { min: 0, max: 0.2 } : { min: max - 0.2, max };
}

const dashes = { line: null, dash: [7, 4], dot: [2, 3], star: [] };

function datasetsOf(series) {
  const colour = seriesColour(series.index);
  const common = {
    parsing: false,
    borderColor: colour,
    backgroundColor: colour,
    key: series.key,
    index: series.index,
  };
  const sets = [];
  if (series.style === "line" && !series.bare && series.points.some((p) => known(p.lo) && known(p.hi))) {
    const banded = series.points.filter((p) => known(p.lo) && known(p.hi));
    const edge = { ...common, label: "", band: true, borderWidth: 0, pointRadius: 0,
      pointHitRadius: 0, pointHoverRadius: 0 };
    sets.push({ ...edge, fill: false, data: banded.map((p) => ({ x: p.x, y: p.lo })) });
    sets.push({ ...edge, fill: "-1", backgroundColor: faded(colour, 0.14),
      data: banded.map((p) => ({ x: p.x, y: p.hi })) });
  }
  const star = series.style === "star";
  sets.push({
    ...common,
    label: series.label,
    data: series.points,
    star,
    fill: false,
    borderWidth: series.style === "line" ? 2 : 1.6,
    borderDash: dashes[series.style] || dashOf(series.index),
    ...(series.points.some((p) => p.far) ? { segment: { borderDash: (at) =>
      (series.points[at.p1DataIndex].far ? dashes.dash : undefined) } } : {}),
    showLine: !star,
    pointRadius: star ? 0 : series.points.length === 1 ? 4 : 0,
    pointHoverRadius: star ? 9 : 4,
    pointHitRadius: 12,
    clip: 6, // a point on the edge is whole
  });
  return sets;
}

function paint(chart) {
  const text = cssColour("--text-soft");
  const grid = cssColour("--rule");
  for (const dataset of chart.data.datasets) {
    const colour = seriesColour(dataset.index);
    dataset.borderColor = colour;
    dataset.backgroundColor = dataset.fill === "-1" ? faded(colour, 0.14) : colour;
  }
  for (const axis of Object.values(chart.options.scales)) {
    axis.ticks.color = text;
    axis.title.color = text;
    axis.grid.color = grid;
    axis.grid.borderColor = cssColour("--rule-strong");
  }
  Object.assign(chart.options.plugins.tooltip, {
    backgroundColor: cssColour("--tip"),
    titleColor: cssColour("--tip-text"),
    bodyColor: cssColour("--tip-text"),
  });
}

function scalesOf(spec, x, y) {
  const ticks = spec.ticks === "doubling" ? doublingTicks : decadeTicks;
  return {
    x: {
      type: "logarithmic",
      ...x,
      title: { display: true, text: spec.xLabel },
      grid: {},
      afterBuildTicks: (axis) => (axis.ticks = ticks(x.min, x.max).map((value) => ({ value }))),
      ticks: { maxRotation: 0, autoSkipPadding: 10, callback: (v) => (spec.tick || spec.format)(v) },
    },
    y: {
      ...y,
      title: { display: Boolean(spec.yLabel), text: spec.yLabel || "" },
      grid: {},
      ticks: { stepSize: y.max - y.min > 0.55 ? 0.2 : 0.1,
        callback: (v) => `${Math.round(100 * v)} %` },
    },
  };
}

function farWords(point) {
  return point.far ? ", extrapolated" : "";
}

function tipsOf(spec) {
  return {
    displayColors: false,
    padding: 10,
    callbacks: {
      title: (items) => (items.length ? items[0].dataset.label + farWords(items[0].raw) : ""),
      label: (item) => {
        const p = item.raw;
        const at = [spec.format(p.x)];
        if (known(p.k) && spec.ticks !== "doubling") at.push(`k = ${whole(p.k)}`);
        return [`${percent(p.y)} % ${interval(p.lo, p.hi)}`.trim(),
          `${spec.ticks === "doubling" ? "k = " : ""}${at.join(", ")}`];
      },
    },
  };
}

/* spec: {id, title, xLabel, yLabel, format, ticks, series, y, note}. A figure with its table; where
 * no series has a point, the sentence `missing` instead of the drawing. */
function figure(spec) {
  const series = spec.series
    .map((s) => ({ ...s, points: s.points.filter((p) => known(p.x) && known(p.y) && p.x > 0) }))
    .filter((s) => s.points.length);
  const head = el("figcaption", {}, spec.title);
  if (!series.some((s) => s.style !== "star" || spec.starsAlone))
    return el("figure", { class: "chart empty", id: spec.id }, head,
      el("p", { class: "missing" }, el("span", {}, prose(spec.missing || "There is nothing to draw."))));
  const canvas = el("canvas", {
    id: `${spec.id}-canvas`,
    role: "img",
    "aria-label": `${spec.title}. The table below has the same numbers.`,
  });
  waiting.push({ canvas, spec, series });
  return el("figure", { class: "chart", id: spec.id }, head,
    el("div", { class: "canvas" }, canvas),
    spec.note ? el("p", { class: "note" }, prose(spec.note)) : null,
    lazyDetails("Table", () => figureTable(spec, series)));
}

/* Draws what figure() made; its canvas must be in the document by now, to have a size. */
function drawCharts() {
  for (const { canvas, spec, series } of waiting.splice(0)) {
    const chart = new Chart(canvas, {
      type: "line",
      data: { datasets: series.flatMap(datasetsOf) },
      plugins: [starPlugin],
      options: {
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "curve", intersect: false },
        scales: scalesOf(spec, xRange(series), spec.y || yRange(series)),
        plugins: { legend: { display: false }, tooltip: tipsOf(spec) },
      },
    });
    paint(chart);
    chart.update();
    charts.push(chart);
  }
}

/* Content that is built when it is opened first. */
function lazyDetails(summary, build) {
  const details = el("details", { class: "lazy" }, el("summary", {}, summary));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(build());
  });
  return details;
}

function figureTable(spec, series) {
  const rows = [];
  for (const s of series)
    for (const p of s.points)
      rows.push([s.label + farWords(p), whole(p.k), spec.ticks === "doubling" ? whole(p.x) : spec.format(p.x),
        percent(p.y), interval(p.lo, p.hi)]);
  return table(spec.title, ["series", "k", spec.xLabel, "%", "interval"], rows);
}

/* Buttons that show and hide the series of a key in the charts of `scope`. */
function legend(entries, scope) {
  const toggle = (button, key) => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    for (const chart of charts) {
      if (!scope().contains(chart.canvas)) continue;
      chart.data.datasets.forEach((dataset, i) => {
        if (dataset.key === key) chart.setDatasetVisibility(i, on);
      });
      chart.update();
    }
  };
  return el("div", { class: "legend", role: "group", "aria-label": "Series" },
    entries.map((entry) =>
      el("button", { type: "button", "aria-pressed": "true",
        onclick: (event) => toggle(event.currentTarget, entry.key) },
      entry.style ? el("span", { class: `swatch ${entry.style} ${colourClass(entry.index)}` })
        : chip(entry.index), entry.label)));
}

themeListeners.push(() => {
  for (const chart of charts) {
    paint(chart);
    chart.update();
  }
});
addEventListener("beforeprint", () => {
  for (const chart of charts) chart.resize();
});
