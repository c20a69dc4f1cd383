#!/usr/bin/python3
"""How long headless Chromium takes to open a page: page_load.py FILE [TIMES]

Navigation timing of each load in a fresh browser, milliseconds: until the document is parsed and all
scripts have run (charts are drawn by then), and until the end of the load event; the median last.
"""
import pathlib
import statistics
import sys

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service


def load(url):
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1280,900"]:
        options.add_argument(argument)
    browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    try:
        browser.get(url)
        return browser.execute_script(
            "const n = performance.getEntriesByType('navigation')[0];"
            "return [n.domInteractive, n.loadEventEnd, charts.length,"
            " document.querySelectorAll('*').length];")
    finally:
        browser.quit()


def main():
    url = pathlib.Path(sys.argv[1]).resolve().as_uri()
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = [load(url) for _ in range(times)]
    for parsed, loaded, charts, elements in rows:
        print(f"parsed {parsed:7.0f} ms, loaded {loaded:7.0f} ms, {charts} charts, {elements} elements")
    print(f"loaded, median of {times}: {statistics.median(r[1] for r in rows):.0f} ms")


main()
