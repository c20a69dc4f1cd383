/* page.js: puts the page together, task by task. */
"use strict";

function missingBlock() {
  if (!report.notes.length) return null;
  return el("aside", { class: "notes", "aria-label": "What is missing" },
    el("h2", {}, "What is missing"),
    el("ul", {}, report.notes.map((note) => el("li", {}, prose(note)))));
}

/* A number to be seen first, and what it is. */
function large(number, words) {
  return el("div", { class: "large" }, el("strong", {}, number), el("span", { class: "soft" }, words));
}

function line(words, text) {
  return text ? el("p", {}, el("span", { class: "soft" }, `${words}: `), prose(text)) : null;
}

function samples(k) {
  return k === 1 ? "1 sample" : `${whole(k)} samples`;
}

/* What the comparison comes to on one axis, in the words and numbers of the report. */
function answerBlock(answer) {
  const axis = axisNamed(answer.axis);
  const rest = [line("Who leads at which budget", answer.budgets),
    line("Without tests", answer.ranked), line("To reach the score", answer.reach),
    line("What would make it surer", answer.surer)].filter(Boolean);
  if (!answer.leader)
    return rest.length ? el("section", { class: "answer" },
      el("h3", {}, `At equal ${axis.words} nothing can be compared yet`), rest) : null;
  const tie = answer.ahead === 0;
  return el("section", { class: "answer" },
    el("h3", {}, `At equal ${axis.words}, `, tie ? "nobody" : modelName(answer.leader), " leads"),
    el("p", {}, `When a problem may cost ${axis.format(answer.budget)}, ` +
      (answer.buys_all ? "the first budget that buys a sample of every model, "
        : "the last budget that all curves reach, ") +
      `${samples(answer.k)} of ${answer.leader} ${answer.k === 1 ? "solves" : "solve"} ` +
      `${percent(answer.value)} % of the problems, ` +
      `${whole(answer.second_k)} of ${answer.second} ${percent(answer.second_value)} %.`),
    el("div", { class: "numbers" },
      large(signed(answer.ahead), `points ahead ${spread(answer.lo, answer.hi)}`),
      known(answer.p_lead) ? large(answer.sure, "P(lead)") : large("–", answer.sure || "P(lead)")),
    rest);
}

/* A store in which nothing passes is more often a slip than a finding. */
function noPassBlock(task) {
  const judged = task.models.filter((m) => m.samples > 0);
  if (!judged.length || judged.some((m) => m.passed > 0)) return null;
  return el("aside", { class: "notes" }, el("p", {}, "No sample of any model passes. The verdicts " +
    "and texts below show why; a prompt preset, an extractor or a problem set that does not fit " +
    "the samples is the common cause."));
}

function taskWords(task) {
  const words = [`${task.models.length} ${task.models.length === 1 ? "model" : "models"}`];
  const some = task.common_problems && task.common_problems < task.problems;
  if (task.problems)
    words.push(`${some ? `${whole(task.common_problems)} of ` : ""}${whole(task.problems)} problems`);
  const samples = task.models.reduce((sum, m) => sum + m.samples, 0);
  if (samples) words.push(`${whole(samples)} judged samples`);
  if (task.source) words.push(task.source);
  return words.join(" · ");
}

function taskBlock(task) {
  const figures = el("div", { class: "figures" }, passFigures(task));
  const others = el("div", { class: "figures" }, stoppingFigure(task), reallocationFigure(task),
    cascadeFigure(task));
  const block = el("article", { id: slug(task) });
  const heading = task.models.length ? passLegend(task, () => block) : null;
  block.append(...[
    el("h2", {}, task.task),
    el("p", { class: "soft" }, taskWords(task)),
    task.answers.map(answerBlock),
    task === report.tasks[0] ? missingBlock() : null,
    noPassBlock(task),
    section("Problems solved by k samples", heading, figures),
    leaderSection(task),
    comparisonSection(task),
    reachSection(task),
    rankSection(task),
    task.stopping.length ? section("Other ways to spend a budget, where tests tell",
      others, cascadeTable(task)) : null,
    costSection(task),
    verdictSection(task),
    mapSection(task),
    conditionsSection(task),
  ].flat().filter(Boolean));
  return block;
}

function pageHeader() {
  return el("header", { class: "page" },
    el("div", {}, el("h1", {}, "Code generation under a budget"),
      el("p", { class: "soft" }, "Which model, sampled how often, solves most per FLOP, second ",
        "or dollar?")),
    themeButton());
}

const page = document.getElementById("page");
page.append(...[
  pageHeader(),
  report.tasks.length > 1 ? el("nav", { "aria-label": "Problem sets" },
    report.tasks.map((task) => el("a", { href: `#${slug(task)}` }, task.task))) : null,
].filter(Boolean));
for (const task of report.tasks) page.append(taskBlock(task));
page.append(el("footer", {}, `ration ${report.report.version}. Chart.js ${Chart.version}.`));
document.body.append(problemDialog);
drawCharts();
