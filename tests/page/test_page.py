#!/usr/bin/python3
"""The page in a browser: its charts have the numbers of the JSON, its texts stay texts, it asks the
network for nothing, and it says what is missing.

    test_page.py DIR     DIR holds NAME.html and NAME.json of each store of store.py
"""
import json
import pathlib
import sys
import unittest

from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FOLDER = pathlib.Path(sys.argv.pop(1)).resolve()

DATASETS = """
const chart = Chart.getChart(document.getElementById(arguments[0]));
if (!chart) return null;
return chart.data.datasets.map((d, i) => ({label: d.label, band: Boolean(d.band),
  star: Boolean(d.star), colour: d.borderColor, visible: chart.isDatasetVisible(i),
  data: d.data.map((p) => ({x: p.x, y: p.y, lo: p.lo, hi: p.hi}))}));
"""


def start_browser():
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--window-size=1280,900"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = start_browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()

    def open(self, name, width=1280, scheme="light"):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.browser.get_log("performance")
        self.browser.get(f"file://{FOLDER}/{name}.html")
        self.report = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        return self.browser

    def tearDown(self):
        """After each test: no alert, no script of a text, no complaint, nothing asked for."""
        with self.assertRaises(NoAlertPresentException):
            self.browser.switch_to.alert.accept()
        self.assertIsNone(self.browser.execute_script("return window.pwned ?? null"))
        self.assertEqual(self.browser.get_log("browser"), [])
        self.assertEqual([u for u in self.requests() if not u.startswith(("file://", "data:"))], [])

    def requests(self):
        events = [json.loads(row["message"])["message"] for row in
                  self.browser.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events
                if e["method"] == "Network.requestWillBeSent"]

    def datasets(self, canvas):
        found = self.browser.execute_script(DATASETS, canvas)
        self.assertIsNotNone(found, canvas)
        return found

    def text(self):
        return self.browser.find_element(By.TAG_NAME, "body").text

    def series(self, metric, model, ranker=None):
        [found] = [s for s in self.report["series"] if s["metric"] == metric
                   and s["model"] == model and s["ranker"] == ranker]
        return found

    def compare(self, datasets, label, expected):
        """expected: (x, y, lo, hi) of each point; a band before the line has its edges."""
        at = [i for i, d in enumerate(datasets) if d["label"] == label]
        self.assertEqual(len(at), 1, (label, [d["label"] for d in datasets]))
        got = [(p["x"], p["y"], p["lo"], p["hi"]) for p in datasets[at[0]]["data"]]
        self.assertEqual(got, expected, label)
        if at[0] >= 2 and datasets[at[0] - 1]["band"]:
            low, high = datasets[at[0] - 2], datasets[at[0] - 1]
            self.assertEqual([(p["x"], p["y"]) for p in low["data"]],
                             [(x, lo) for x, _, lo, _ in expected])
            self.assertEqual([(p["x"], p["y"]) for p in high["data"]],
                             [(x, hi) for x, _, _, hi in expected])

    # ---- charts ----

    def test_pass_charts_are_the_json(self):
        self.open("full")
        axes = {"k": "pass@k", "flops": "pass_flops@f", "seconds": "pass_time@t"}
        n = 0
        for name, metric in axes.items():
            datasets = self.datasets(f"t0-pass-{name}-canvas")
            for model in self.report["tasks"][0]["models"]:
                points = self.series(metric, model["model"])["points"]
                self.compare(datasets, model["model"],
                             [(p["x"], p["value"], p["lo"], p["hi"]) for p in points])
                greedy = model["greedy"]
                x = 1 if name == "k" else model["per_sample"][name]
                self.compare(datasets, f"{model['model']}, greedy",
                             [(x, greedy["value"], greedy["lo"], greedy["hi"])])
                n += len(points)
            colours = {d["label"]: d["colour"] for d in datasets if not d["star"]}
            self.assertEqual(len(set(colours.values()) - {""}), 2)
        self.assertGreater(n, 20)

    def test_curves_go_on_dashed_beyond_the_samples(self):
        self.open("far")
        dashes = """
            const d = Chart.getChart(document.getElementById(arguments[0])).data.datasets
              .find((d) => d.label === arguments[1] && !d.band);
            return d.data.map((p, i) => [Boolean(p.far),
              i ? Boolean(d.segment.borderDash({p1DataIndex: i})) : false]);"""
        for name in ["k", "flops"]:
            datasets = self.datasets(f"t0-pass-{name}-canvas")
            metric = {"k": "pass@k", "flops": "pass_flops@f"}[name]
            x_far = {"k": "x", "flops": "flops"}[name]
            for model in self.report["tasks"][0]["models"]:
                beyond = self.series("extrapolated@k", model["model"])["points"]
                inside = [p for p in self.series(metric, model["model"])["points"]
                          if p["k"] <= beyond[0]["k"]]
                self.assertEqual(beyond[-1]["k"], 200)
                self.compare(datasets, model["model"],
                             [(p["x"], p["value"], p["lo"], p["hi"]) for p in inside] +
                             [(p[x_far], p["value"], p["lo"], p["hi"]) for p in beyond[1:]])
                marks = self.browser.execute_script(dashes, f"t0-pass-{name}-canvas",
                                                    model["model"])
                self.assertEqual(marks, [[False, False]] * len(inside) +
                                 [[True, True]] * (len(beyond) - 1))
        self.assertIn("Dashed: an extrapolation by a model of how hard the problems are",
                      self.text())

    def test_stopping_without_tests_is_the_json(self):
        self.open("far")
        rows = self.report["tasks"][0]["untested"]
        datasets = self.datasets("t0-untested-canvas")
        ways = {(r["model"], r["fallback"]) for r in rows}
        self.assertEqual(len(ways), 3)
        for model, other in ways:
            label = f"{model}, else {other}"
            self.compare(datasets, label, [(r["flops"], r["value"], r["value_lo"], r["value_hi"])
                                           for r in rows if (r["model"], r["fallback"]) == (model, other)])
        self.assertIn("24 of the 48 examples of the prompts stand in the tests, too", self.text())

    def test_rank_charts_are_the_json(self):
        self.open("full")
        models = [m["model"] for m in self.report["tasks"][0]["models"]]
        choice = [s for s in self.browser.find_elements(By.CSS_SELECTOR, "label.control select")
                  if models[1] in s.text][0]
        for i, model in enumerate(models):
            self.browser.execute_script(
                "arguments[0].value = arguments[1]; "
                "arguments[0].dispatchEvent(new Event('change'))", choice, model)
            rankers = [s["ranker"] for s in self.report["series"]
                       if s["metric"] == "rank-score@k" and s["model"] == model]
            self.assertEqual(sorted(rankers), ["consensus", "nll:large", "nll:small"])
            by_k = self.datasets(f"t0-rank-{i}-k-canvas")
            for ranker in rankers:
                points = self.series("rank-score@k", model, ranker)["points"]
                self.compare(by_k, ranker, [(p["x"], p["value"], p["lo"], p["hi"])
                                            for p in points])
            self.assertEqual({d["label"] for d in by_k} & {"perfect choice", "blind choice"},
                             {"perfect choice", "blind choice"})
            # The cost of nll:large is known, so that it is charged; the others have no place.
            paid = self.datasets(f"t0-rank-{i}-flops-canvas")
            points = self.series("rank-score_flops@f", model, "nll:large")["points"]
            self.compare(paid, "nll:large", [(p["x"], p["value"], p["lo"], p["hi"])
                                             for p in points])
            # Nobody timed a ranking: the samples alone are charged, and the page says so.
            unpaid = self.datasets(f"t0-rank-{i}-seconds-canvas")
            points = self.series("rank-score_time@t", model, "consensus")["points"]
            self.compare(unpaid, "consensus", [(p["x_sampling"], p["value"], p["lo"], p["hi"])
                                               for p in points])
            self.assertIn("ranking not charged", self.text())

    def test_other_charts_are_the_json(self):
        self.open("full")
        task = self.report["tasks"][0]
        stopping = self.datasets("t0-stopping-canvas")
        moved = self.datasets("t0-reallocation-canvas")
        for model in [m["model"] for m in task["models"]]:
            rows = [r for r in task["stopping"] if r["model"] == model]
            self.compare(stopping, f"{model}, stopping",
                         [(r["flops"], r["value"], None, None) for r in rows])
            rows = [r for r in task["reallocation"] if r["model"] == model]
            self.compare(moved, f"{model}, reallocated",
                         [(r["budget"], r["rounds"], None, None) for r in rows
                          if r["rounds"] is not None])
        pairs = self.datasets("t0-cascades-canvas")
        self.compare(pairs, "best cascade", [(r["budget"], r["value"], None, None)
                                             for r in task["cascades"] if r["value"] is not None])

    def test_tables_are_the_json(self):
        browser = self.open("full")
        task = self.report["tasks"][0]
        tables = browser.find_elements(By.CSS_SELECTOR, ".scroll table")
        leads = [t for t in tables
                 if t.get_attribute("aria-label").startswith("At equal FLOPs")][0]
        rows = leads.find_elements(By.CSS_SELECTOR, "tbody tr")
        budgets = task["axes"][0]["budgets"]
        self.assertEqual(len(rows), len(budgets))
        for row, budget in zip(rows, budgets):
            for model in budget["models"]:
                if model["value"] is not None:
                    self.assertIn(f"{100 * model['value']:.1f}", row.text)
            self.assertIn(budget["leader"] or "", row.text)
        # The page opens with the answers that the terminal gives, their two numbers large.
        for answer, box in zip(task["answers"],
                               browser.find_elements(By.CSS_SELECTOR, ".answer"), strict=True):
            self.assertIn(answer["leader"], box.find_element(By.TAG_NAME, "h3").text)
            numbers = [n.text for n in box.find_elements(By.CSS_SELECTOR, ".large strong")]
            self.assertEqual(numbers, [f"{100 * answer['ahead']:+.1f}".replace("-", "−"),
                                       answer["sure"]])
            for name in ["budgets", "surer", "ranked", "reach"]:
                self.assertIn((answer[name] or "").replace("`", ""), box.text)
        for words in [task["hash"], "1,000 resamples", "seed 0", "paper-8xa100", "8 x A100",
                      f"ration {self.report['report']['version']}"]:
            self.assertIn(words, self.text())
        details = browser.find_element(By.CSS_SELECTOR, "#t0-pass-k details")
        details.find_element(By.TAG_NAME, "summary").click()
        n = sum(len(self.series("pass@k", m["model"])["points"]) + 1 for m in task["models"])
        # The table is made when the browser tells that it was opened, which is a task of its own.
        rows = WebDriverWait(browser, 20).until(
            lambda _: details.find_elements(By.CSS_SELECTOR, "tbody tr"))
        self.assertEqual(len(rows), n)

    def test_legend_hides_a_model(self):
        browser = self.open("full")
        button = browser.find_element(By.CSS_SELECTOR, ".legend button")
        button.click()
        self.assertEqual(button.get_attribute("aria-pressed"), "false")
        label = self.report["tasks"][0]["models"][0]["model"]
        for canvas in ["t0-pass-k-canvas", "t0-pass-flops-canvas", "t0-stopping-canvas"]:
            for d in self.datasets(canvas):
                if not d["band"]:
                    self.assertEqual(d["visible"], not d["label"].startswith(label), d["label"])

    def test_tips_tell_value_and_interval(self):
        browser = self.open("full")
        canvas = browser.find_element(By.ID, "t0-pass-flops-canvas")
        model = self.report["tasks"][0]["models"][0]["model"]
        point = self.series("pass_flops@f", model)["points"][3]
        x, y = browser.execute_script("""
            const chart = Chart.getChart(arguments[0]);
            const i = chart.data.datasets.findIndex((d) => d.label === arguments[1]);
            const at = chart.getDatasetMeta(i).data[3];
            return [at.x - chart.width / 2, at.y - chart.height / 2];""", canvas, model)
        ActionChains(browser).move_to_element_with_offset(canvas, round(x), round(y)).perform()
        # Chart.js takes up the pointer's move with the next frame.
        title, lines, opacity = WebDriverWait(browser, 20).until(lambda b: b.execute_script("""
            const tip = Chart.getChart(arguments[0]).tooltip;
            return tip.opacity === 1 && [tip.title, tip.body.flatMap((b) => b.lines), tip.opacity];
            """, canvas))
        self.assertEqual((title, opacity), ([model], 1))
        self.assertEqual(lines[0], f"{100 * point['value']:.1f} % "
                                   f"({100 * point['lo']:.1f} to {100 * point['hi']:.1f})")
        self.assertEqual(lines[1], "6.77 TFLOP, k = 4")

    # ---- the map ----

    def test_cell_problem_sample(self):
        browser = self.open("full")
        cells = browser.find_elements(By.CSS_SELECTOR, ".map tbody tr:nth-child(2) button.cell")
        self.assertEqual(len(cells), 2)
        browser.execute_script("arguments[0].scrollIntoView()", cells[1])
        cells[1].click()
        dialog = browser.find_element(By.CSS_SELECTOR, "dialog[open]")
        self.assertEqual(dialog.find_element(By.TAG_NAME, "h3").text, "Tiny/1")
        texts = [p.get_property("textContent") for p in dialog.find_elements(By.TAG_NAME, "pre")]
        self.assertIn("</script><script>window.pwned = 1; alert(1)</script>", texts[0])
        self.assertIn("<img src=x onerror=\"window.pwned = 2\">", texts[0])
        self.assertIn("\u2028\u2029", texts[0])
        self.assertTrue(any("sample " in t and "return x + 1" in t for t in texts[1:]))
        self.assertTrue(any("# 0 </script>" in t or "window.pwned" in t for t in texts[1:]))
        for summary in dialog.find_elements(By.CSS_SELECTOR, "details.sample summary"):
            browser.execute_script("arguments[0].parentElement.open = true", summary)
        self.assertIn("wrong answer", dialog.text)
        self.assertIn("✓ passed", dialog.text)
        self.assertIn("greedy answer", dialog.text)
        dialog.find_element(By.XPATH, ".//button[text()='Next']").click()
        dialog.find_element(By.XPATH, ".//button[text()='Next']").click()
        self.assertEqual(dialog.find_element(By.TAG_NAME, "h3").text, "Tiny/3<i>'\"")
        dialog.find_element(By.XPATH, ".//button[text()='Close']").click()
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "dialog[open]"), [])
        self.assertEqual(browser.find_elements(By.CSS_SELECTOR, "main i, main b, main img"), [])

    def test_map_has_the_counts(self):
        browser = self.open("full")
        rates = browser.execute_script("""
            return [...document.querySelectorAll('.map tbody tr')].map((tr) =>
              [...tr.querySelectorAll('button.cell')].map((b) => b.title));""")
        self.assertEqual(len(rates), 12)
        for i, model in enumerate(self.report["tasks"][0]["models"]):
            passed = sum(int(row[i].split(" of ")[0]) for row in rates)
            judged = sum(int(row[i].split(" of ")[1].split(" ")[0]) for row in rates)
            self.assertEqual((passed, judged), (model["passed"], model["samples"]))

    def test_map_filters_and_sorts(self):
        browser = self.open("full")
        selects = browser.find_elements(By.CSS_SELECTOR, ".controls select")
        change = ("arguments[0].value = arguments[1]; "
                  "arguments[0].dispatchEvent(new Event('change'))")

        def ids():
            return [b.text for b in browser.find_elements(By.CSS_SELECTOR, ".map .id")]

        browser.execute_script(change, selects[0], "none")
        self.assertIn("Tiny/5", ids())
        self.assertLess(len(ids()), 12)
        browser.execute_script(change, selects[0], "all")
        browser.execute_script(change, selects[1], "hard")
        self.assertEqual(len(ids()), 12)
        self.assertNotEqual(ids()[0], "Tiny/0")
        browser.find_element(By.CSS_SELECTOR, ".controls input").send_keys("tiny/1")
        self.assertEqual(sorted(ids()), ["Tiny/1", "Tiny/10", "Tiny/11"])

    # ---- looks ----

    def test_light_and_dark(self):
        def background():
            return self.browser.execute_script(
                "return getComputedStyle(document.documentElement).backgroundColor")

        self.open("full", scheme="dark")
        dark = background()
        colour = self.datasets("t0-pass-k-canvas")[2]["colour"]
        self.browser.find_element(By.CSS_SELECTOR, "button.theme").click()
        self.assertNotEqual(background(), dark)
        self.assertNotEqual(self.datasets("t0-pass-k-canvas")[2]["colour"], colour)
        light = background()
        self.open("full", scheme="light")
        self.assertEqual(background(), light)

    def test_no_sideways_scrolling(self):
        for name in ["full", "long", "single", "unjudged"]:
            for width in [1280, 390]:
                self.open(name, width=width)
                wide = self.browser.execute_script("return document.documentElement.scrollWidth")
                self.assertLessEqual(wide, width, name)

    def test_a_telephone_shows_leader_and_certainty(self):
        """At 390 pixels the first three columns of who leads are in sight, however long the names
        are, and every table that is wider than its box says so."""
        for name in ["full", "long"]:
            with self.subTest(name):
                self.telephone(name)

    def telephone(self, name):
        browser = self.open(name, width=390)
        browser.execute_script("document.querySelectorAll('details').forEach((d) => d.open = true)")
        # Tables in them are made, and watched, when the browser tells that they are open.
        WebDriverWait(browser, 20).until(lambda b: b.execute_script("""
            return [...document.querySelectorAll("details.lazy")].every((d) => d.querySelector("table"))
              && [...document.querySelectorAll(".scroll")].every((box) =>
                (box.scrollWidth > box.clientWidth + 1) === !box.previousElementSibling.hidden);"""))
        boxes = browser.execute_script("""
            return [...document.querySelectorAll(".scroll")].map((box) => ({
              wide: box.scrollWidth > box.clientWidth + 1,
              says: !box.previousElementSibling.hidden,
              caption: box.getAttribute("aria-label"),
              right: Math.max(...[...box.querySelectorAll("tr > :nth-child(3)")]
                .map((c) => c.getBoundingClientRect().right)),
              edge: box.getBoundingClientRect().right}));""")
        leaders = [b for b in boxes if "pass@k in %" in b["caption"]]
        self.assertEqual(len(leaders), 2)
        for box in leaders:
            self.assertLessEqual(box["right"], box["edge"] + 1, box["caption"])
        for box in boxes:
            self.assertEqual(box["wide"], box["says"], box["caption"])

    def test_prints(self):
        self.open("full", scheme="dark")
        pdf = self.browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
        self.assertGreater(len(pdf["data"]), 20000)
        settings = self.browser.find_element(By.CSS_SELECTOR, "details.keep")
        self.assertEqual(settings.get_property("open"), True)

    def test_nothing_of_it_can_ask_the_network(self):
        browser = self.open("full")
        blocked = browser.execute_async_script("""
            const done = arguments[arguments.length - 1];
            addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
            fetch("http://127.0.0.1:9/").catch(() => {});""")
        self.assertEqual(blocked, "connect-src")
        inline = browser.execute_async_script("""
            const done = arguments[arguments.length - 1];
            addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.pwned = 4";
            document.body.append(script);""")
        self.assertEqual(inline, "script-src-elem")
        self.browser.get_log("browser")

    # ---- stores with something missing ----

    def test_unjudged(self):
        self.open("unjudged")
        self.assertIn("No sample has a verdict yet: run ration judge", self.text())
        self.browser.find_element(By.CSS_SELECTOR, ".map .id").click()
        self.assertIn("no verdict", self.browser.find_element(By.CSS_SELECTOR, "dialog").text)

    def test_one_model_one_sample_no_cost(self):
        self.open("single")
        self.compare(self.datasets("t0-pass-k-canvas"), "nameless",
                     [(p["x"], p["value"], p["lo"], p["hi"])
                      for p in self.series("pass@k", "nameless")["points"]])
        for words in ["no cost entry for nameless", "give --cost MODEL=ENTRY",
                      "ration generate -n", "A cascade needs samples of two models"]:
            self.assertIn(words, self.text())

    def test_solved_by_nobody(self):
        self.open("unsolved")
        self.assertIn("by none: 12", self.text())
        self.assertIn("No sample of any model passes", self.text())
        self.assertIn("There is one model, so that nothing can be compared", self.text())
        for d in self.datasets("t0-pass-k-canvas"):
            if d["label"]:
                self.assertEqual({p["y"] for p in d["data"]}, {0})
        for words in ["give --profile NAME", "ration profile"]:
            self.assertIn(words, self.text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
