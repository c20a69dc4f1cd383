/*
 * map.js: the problem-by-model map of success rates, and the dialog with a problem's texts.
 *
 * Rows come in tables of BLOCK rows, side by side where there is room; beyond FIRST rows the rest is
 * built on request.
 */
"use strict";

const BLOCK = 42;
const FIRST = 504;

const verdictSigns = { passed: "✓", wrong_answer: "✗", none: "?" };

function verdictWords(kind) {
  return kind === "none" ? "no verdict" : kind.replaceAll("_", " ");
}

function verdictBadge(kind) {
  const name = kind || "none";
  return el("span", { class: `verdict ${name === "passed" ? "pass" : name === "none" ? "none"
    : "fail"}` }, `${verdictSigns[name] || "!"} ${verdictWords(name)}`);
}

/* The share of a model's judged samples that pass; null without one. */
function rate(model, problem) {
  return model.n && model.n[problem] > 0 ? model.c[problem] / model.n[problem] : null;
}

/* One row per problem: mean and spread of the models' rates, null without any. */
function mapRows(task) {
  return task.problems.map((problem, i) => {
    const rates = task.models.map((m) => rate(m, i)).filter((v) => v !== null);
    return {
      i,
      id: problem.id || `problem ${i + 1}`,
      rates,
      mean: rates.length ? rates.reduce((a, b) => a + b, 0) / rates.length : null,
      spread: rates.length ? Math.max(...rates) - Math.min(...rates) : 0,
    };
  });
}

const filters = {
  all: { words: "all problems", test: () => true },
  none: { words: "solved by nobody", test: (r) => r.rates.length && r.rates.every((v) => v === 0) },
  some: { words: "solved by some models only",
    test: (r) => r.rates.some((v) => v === 0) && r.rates.some((v) => v > 0) },
  every: { words: "solved by every model",
    test: (r) => r.rates.length && r.rates.every((v) => v > 0) },
  unjudged: { words: "without verdicts", test: (r) => !r.rates.length },
};

const orders = {
  set: { words: "in the order of the set", compare: (a, b) => a.i - b.i },
  hard: { words: "hardest first", compare: (a, b) => (a.mean ?? 2) - (b.mean ?? 2) || a.i - b.i },
  spread: { words: "largest difference first", compare: (a, b) => b.spread - a.spread || a.i - b.i },
};

function rateCell(task, model, row, open) {
  const value = rate(model, row.i);
  const n = model.n ? model.n[row.i] : 0;
  const text = value === null ? unknown : String(Math.round(100 * value));
  const button = el("button", {
    type: "button",
    class: value === null ? "cell none" : value > 0.55 ? "cell deep" : "cell",
    "aria-label": value === null ? `${row.id}, ${model.model}: no verdict`
      : `${row.id}, ${model.model}: ${model.c[row.i]} of ${n} pass`,
    title: value === null ? "no verdict" : `${model.c[row.i]} of ${n} pass`,
    onclick: () => open(row.i, model.model),
  }, text);
  if (value !== null) button.style.setProperty("--rate", `${Math.round(100 * value)}%`);
  return el("td", {}, button);
}

function mapBlock(task, rows, open) {
  const short = shortNames(task.models.map((m) => m.model));
  return el("table", { class: "map" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "problem"),
      task.models.map((m, i) => el("th", { scope: "col", title: m.model },
        el("span", { class: "model" }, chip(colourIndex(m.model)),
          el("span", { class: "short" }, short[i])))))),
    el("tbody", {}, rows.map((row) => el("tr", {},
      el("th", { scope: "row" },
        el("button", { type: "button", class: "id", onclick: () => open(row.i, null) }, row.id)),
      task.models.map((m) => rateCell(task, m, row, open))))));
}

/* ---- the dialog ---- */

function codeBlock(text, bytes) {
  const cut = known(bytes) && new TextEncoder().encode(text).length < bytes;
  return el("div", {}, el("pre", { tabindex: "0" }, text),
    cut ? el("p", { class: "note" },
      `Cut: ${whole(new TextEncoder().encode(text).length)} of ${whole(bytes)} bytes.`) : null);
}

function sampleDetails(sample, open) {
  const words = [];
  if (known(sample.tests_passed) && known(sample.tests) && sample.tests > 1)
    words.push(`${sample.tests_passed} of ${sample.tests} tests held`);
  if (known(sample.tokens)) words.push(`${whole(sample.tokens)} tokens`);
  if (sample.length) words.push("cut by the token limit");
  if (known(sample.cpu_s)) words.push(`${seconds(sample.cpu_s)} CPU`);
  return el("details", { class: "sample", open },
    el("summary", {}, verdictBadge(sample.verdict), " ",
      sample.greedy ? "greedy answer" : `sample ${sample.idx}`,
      el("span", { class: "soft" }, words.length ? ` ${words.join(", ")}` : "")),
    sample.detail ? el("p", { class: "detail" }, sample.detail) : null,
    codeBlock(sample.text, sample.bytes));
}

function modelBlock(task, model, problem, open) {
  const samples = model.samples.filter((s) => s.problem === problem);
  const n = model.n ? model.n[problem] : 0;
  const missing = model.missing ? model.missing[problem] : 0;
  const words = n ? `${whole(model.c[problem])} of ${whole(n)} samples pass` : "no verdict yet";
  return el("section", { class: "model-block", "data-model": model.model },
    el("h4", {}, modelName(model.model), el("span", { class: "soft" },
      ` ${words}${missing ? `, ${whole(missing)} without a verdict` : ""}`)),
    samples.length ? samples.map((s, i) => sampleDetails(s, open && i === 0))
      : el("p", { class: "note" }, "The page holds no text of this model for this problem."));
}

/* One dialog for all tasks; its content is made when it opens. */
const problemDialog = el("dialog", { class: "problem", "aria-labelledby": "problem-title" });

/* order: indices of problems as the map shows them, for the buttons to its neighbours. */
function openProblem(task, order, problem, modelFirst) {
  const at = order.indexOf(problem);
  const step = (by, words) => {
    const to = order[at + by];
    return el("button", { type: "button", disabled: to === undefined,
      onclick: () => openProblem(task, order, to, modelFirst) }, words);
  };
  const p = task.problems[problem];
  problemDialog.replaceChildren(
    el("header", {},
      el("h3", { id: "problem-title" }, p.id || `problem ${problem + 1}`),
      el("div", { class: "buttons" }, step(-1, "Previous"), step(1, "Next"),
        el("button", { type: "button", onclick: () => problemDialog.close() }, "Close"))),
    el("div", { class: "body", tabindex: "0" },
      p.prompt === undefined
        ? el("p", { class: "note" }, "The store does not have the text of this problem; ration " +
          "judge with the problem set brings it.")
        : codeBlock(p.prompt, p.bytes),
      task.models.map((m) => modelBlock(task, m, problem, modelFirst === null
        || m.model === modelFirst))));
  if (!problemDialog.open) problemDialog.showModal();
  problemDialog.querySelector(".body").scrollTop = 0;
  if (modelFirst === null) return;
  for (const block of problemDialog.querySelectorAll(".model-block"))
    if (block.dataset.model === modelFirst) block.scrollIntoView({ block: "start" });
}

/* ---- the section ---- */

function select(label, choices, onchange) {
  return el("label", { class: "control" }, label,
    el("select", { onchange: (event) => onchange(event.target.value) },
      Object.entries(choices).map(([value, c]) => el("option", { value }, c.words))));
}

function solvedWords(task, rows) {
  const judged = rows.filter((r) => r.rates.length);
  if (!judged.length) return "No sample has a verdict yet.";
  const nobody = judged.filter((r) => filters.none.test(r)).length;
  const words = task.models.filter((m) => m.n).map((m) => {
    const have = rows.filter((r) => rate(m, r.i) !== null);
    return `${m.model} ${have.filter((r) => rate(m, r.i) > 0).length} of ${have.length}`;
  });
  return `Solved by at least one sample: ${words.join(", ")}; by none: ${nobody}.`;
}

function mapSection(task) {
  const own = problemMap.tasks.find((t) => t.task === task.task && t.hash === task.hash);
  if (!own || !own.problems.length || !own.models.length) return null;
  const rows = mapRows(own);
  const state = { filter: "all", order: "set", text: "", limit: FIRST };
  const area = el("div", { class: "blocks" });
  const count = el("span", { class: "soft", role: "status" });
  const more = el("button", { type: "button", onclick: () => {
    state.limit = Infinity;
    draw();
  } });
  function draw() {
    const chosen = rows
      .filter((r) => filters[state.filter].test(r) && r.id.toLowerCase().includes(state.text))
      .sort(orders[state.order].compare);
    const order = chosen.map((r) => r.i);
    const open = (problem, model) => openProblem(own, order, problem, model);
    const blocks = [];
    const shown = chosen.slice(0, state.limit);
    for (let i = 0; i < shown.length; i += BLOCK)
      blocks.push(mapBlock(own, shown.slice(i, i + BLOCK), open));
    area.replaceChildren(...blocks);
    count.textContent = `${whole(chosen.length)} of ${whole(rows.length)} problems`;
    more.textContent = `Show all ${whole(chosen.length)}`;
    more.hidden = shown.length === chosen.length;
  }
  const set = (name) => (value) => {
    state[name] = value;
    draw();
  };
  draw();
  return section("Problem by problem",
    el("p", {}, "Share of a model's samples that pass, in %. A cell opens the problem with its ",
      "text, samples and verdicts. ", solvedWords(own, rows)),
    el("div", { class: "controls" },
      select("Show ", filters, set("filter")), select("sorted ", orders, set("order")),
      el("label", { class: "control" }, "named ", el("input", { type: "search",
        oninput: (event) => set("text")(event.target.value.toLowerCase()) })), count),
    area, more,
    el("p", { class: "note" }, `The page holds the texts of ${whole(own.texts)} of ` +
      `${whole(own.of)} samples: of each problem and model the first of each verdict and the ` +
      `greedy answer, each up to ${whole(own.text_bytes)} bytes, as far as there is room. The ` +
      "store has all of them (ration export)."));
}
