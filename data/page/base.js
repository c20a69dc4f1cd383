/*
 * base.js: the page's data, elements, numbers as text, colours of models, light and dark.
 *
 * Text reaches the document through text nodes only: el() has no way to pass markup.
 */
"use strict";

const report = JSON.parse(document.getElementById("report").textContent);
const problemMap = JSON.parse(document.getElementById("map").textContent);

/* An element: attributes from an object, on... as listeners; children are nodes or text. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/* Text in which `backticks` mark what to type. */
function prose(text) {
  return text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

/* A box that scrolls sideways where it must, and says so in the line before it. */
const scrollWatch = new ResizeObserver((entries) => {
  for (const { target } of entries)
    target.previousElementSibling.hidden = target.scrollWidth <= target.clientWidth + 1;
});

function scrollBox(attributes, ...children) {
  const box = el("div", attributes, children);
  scrollWatch.observe(box);
  return box;
}

/* A table. head: texts; rows: arrays of texts or nodes, the first is the row's head. `left`: numbers
 * of the columns that hold words. Columns in which nothing is known are left out (null: all of
 * them); wide tables scroll inside their own box. */
function table(caption, head, rows, left) {
  const keep = head.map((text, i) => i === 0 || rows.some((row) => row[i] && row[i] !== unknown));
  if (keep.filter(Boolean).length < 2) return null;
  const words = new Set([0, ...(left || [])]);
  const cells = (row, make) => row.map((c, i) => (keep[i] ? make(c, i) : null));
  const cell = (content, i, tag, scope) =>
    el(tag, { scope, class: words.has(i) ? "word" : null }, content);
  return el(
    "div",
    { class: "table" },
    el("p", { class: "caption" }, caption),
    el("p", { class: "note sideways", hidden: true }, "There is more to the right: this table scrolls."),
    scrollBox(
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el(
        "table",
        { "aria-label": caption },
        el("thead", {}, el("tr", {}, cells(head, (text, i) => cell(text, i, "th", "col")))),
        el(
          "tbody",
          {},
          rows.map((row) =>
            el("tr", {}, cells(row, (c, i) => cell(c, i, i ? "td" : "th", i ? null : "row"))),
          ),
        ),
      ),
    ),
  );
}

/* ---- numbers ---- */

const unknown = "–";

function known(v) {
  return v !== null && v !== undefined && Number.isFinite(v);
}

function whole(v) {
  return known(v) ? v.toLocaleString("en-US", { maximumFractionDigits: 0 }) : unknown;
}

/* A fraction as a percentage, without its sign in tables of percentages. */
function percent(v, digits = 1) {
  return known(v) ? (100 * v).toFixed(digits) : unknown;
}

function signed(v) {
  return known(v) ? (v < 0 ? "−" : "+") + (100 * Math.abs(v)).toFixed(1) : unknown;
}

/* "(57.6 to 68.9)", or nothing where there is no interval. */
function interval(lo, hi) {
  return known(lo) && known(hi) ? `(${percent(lo)} to ${percent(hi)})` : "";
}

function significant(v) {
  if (v === 0) return "0";
  return String(Number(v.toPrecision(v >= 100 ? Math.max(3, String(Math.trunc(v)).length) : 3)));
}

const prefixes = ["", "k", "M", "G", "T", "P", "E", "Z"];

/* "1.69 T" */
function scaled(v) {
  const step = v < 1000 ? 0 : Math.min(prefixes.length - 1, Math.floor(Math.log10(v) / 3 + 1e-9));
  return `${significant(v / 1000 ** step)} ${prefixes[step]}`.trim();
}

function flops(v) {
  if (!known(v)) return unknown;
  const text = scaled(v);
  return /[A-Za-z]$/.test(text) ? `${text}FLOP` : `${text} FLOP`;
}

function seconds(v) {
  if (!known(v)) return unknown;
  if (v < 0.001) return `${significant(v * 1e6)} µs`;
  if (v < 1) return `${significant(v * 1000)} ms`;
  if (v < 120) return `${significant(v)} s`;
  return v < 7200 ? `${significant(v / 60)} min` : `${significant(v / 3600)} h`;
}

function dollars(v) {
  return known(v) ? `$${significant(v)}` : unknown;
}

/* The axes of budgets: name in the JSON, words, how an amount is written (and beside a tick, where
 * it must be short), metrics over it. */
const axes = [
  { name: "flops", words: "FLOPs", format: flops, tick: scaled, pass: "pass_flops@f",
    rank: "rank-score_flops@f" },
  { name: "seconds", words: "wall-time", format: seconds, tick: seconds, pass: "pass_time@t",
    rank: "rank-score_time@t" },
  { name: "usd", words: "money", format: dollars, tick: dollars, pass: "pass_usd@u", rank: null },
];

function axisNamed(name) {
  return axes.find((axis) => axis.name === name);
}

/* ---- colours ---- */

const nColours = 8;
const paletteOrder = [];

for (const task of report.tasks)
  for (const model of task.models)
    if (!paletteOrder.includes(model.model)) paletteOrder.push(model.model);

/* The same name has the same colour everywhere on the page; -1 is grey. */
function colourIndex(name) {
  if (!paletteOrder.includes(name)) paletteOrder.push(name);
  return paletteOrder.indexOf(name);
}

function cssColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function seriesColour(index) {
  return cssColour(index < 0 ? "--muted" : `--c${index % nColours}`);
}

/* "#rrggbb" with an opacity. */
function faded(colour, opacity) {
  return colour + Math.round(255 * opacity).toString(16).padStart(2, "0");
}

/* More series than colours: those that begin anew are dashed. */
function dashOf(index) {
  return index < nColours ? [] : index < 2 * nColours ? [8, 4] : [2, 3];
}

function colourClass(index) {
  return index < 0 ? "grey" : `k${index % nColours}`;
}

function chip(index) {
  return el("span", { class: `chip ${colourClass(index)}` });
}

/* Names without the beginning that all of them share, up to a mark in it: "7b" of "coder-7b". */
function shortNames(names) {
  let shared = names[0] || "";
  for (const name of names) while (!name.startsWith(shared)) shared = shared.slice(0, -1);
  const cut = names.length > 1 ? shared.search(/[^-_/. :]*$/) : 0;
  return names.map((name) => name.slice(cut) || name);
}

/* A short form has the name behind it. */
function modelName(name, short) {
  return el("span", { class: "model", title: short && short !== name ? name : null },
    chip(colourIndex(name)), short || name);
}

/* ---- light and dark ---- */

const themeListeners = [];

function themeNow() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function tellTheme() {
  for (const listener of themeListeners) listener();
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  tellTheme();
}

function themeButton() {
  const words = () => (themeNow() === "dark" ? "Light" : "Dark");
  const button = el("button", {
    type: "button",
    class: "theme",
    onclick: () => setTheme(themeNow() === "dark" ? "light" : "dark"),
  });
  themeListeners.push(() => (button.textContent = words()));
  button.textContent = words();
  return button;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tellTheme);

/* Paper is white. */
let themeBeforePrint = null;
addEventListener("beforeprint", () => {
  themeBeforePrint = document.documentElement.dataset.theme || "";
  setTheme("light");
  for (const details of document.querySelectorAll("details.keep")) details.open = true;
});
addEventListener("afterprint", () => setTheme(themeBeforePrint));
