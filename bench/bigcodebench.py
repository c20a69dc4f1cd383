#!/usr/bin/env python3
"""bigcodebench.py RATION SET.jsonl[.gz] [JUDGE OPTION...]: every canonical solution of BigCodeBench as a sample of its own,
judged here. Prints a Markdown table of what did not pass, with its verdict and reason, and a last line of counts:
docs/REPRODUCE.md. Problems whose libraries are missing are missing, not failed."""
import collections, csv, gzip, io, json, os, subprocess, sys, tempfile

ration, path, options = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]
with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
    problems = [json.loads(line) for line in f if line.strip()]

with tempfile.TemporaryDirectory() as folder:
    samples, store = os.path.join(folder, "canonical.jsonl"), os.path.join(folder, "s.db")
    with open(samples, "w", encoding="utf-8") as f:
        for p in problems:
            f.write(json.dumps({"task_id": p["task_id"], "completion": p["canonical_solution"]}) + "\n")
    subprocess.run([ration, "import", "-s", store, "-t", path, "--model", "canonical", samples], check=True,
                   stdout=subprocess.DEVNULL)
    done = subprocess.run([ration, "judge", "-s", store, "-t", path, "--keep-going", *options],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    rows = subprocess.run([ration, "export", "-s", store, "--format", "csv"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout

counts = collections.Counter()
print("| problem | verdict | reason |\n| --- | --- | --- |")
for row in csv.DictReader(io.StringIO(rows)):
    counts[row["verdict"] or "none"] += 1
    if row["verdict"] != "passed":
        print("| {} | {} | {} |".format(row["task_id"], row["verdict"] or "none",
                                        " ".join((row.get("detail") or "").split()).replace("|", "\\|")[:110]))
print("\n%d problems: %s" % (len(problems), ", ".join("%d %s" % (n, v) for v, n in counts.most_common())))
