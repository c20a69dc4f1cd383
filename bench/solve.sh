#!/bin/sh
# How long `ration solve` takes from the first passing sample's last token to its exit.
#   bench/solve.sh BUILD [N]     N: problems of the bundled set `mini` that are tried (default 40)
# With the bundled models (the smallest and the largest of models/*.gguf) where they are there, and
# with a server of tests/server that knows the answers. The moment of the last token is
# program.last_token_unix_us of the ledger; the exit is seen from outside, so that ending threads, hosts
# of the sandbox and the process itself is in the figure.
set -eu
cd "$(dirname "$0")/.."
exec /usr/bin/python3 - "$1" "${2:-40}" <<'PY'
import glob, json, os, statistics, subprocess, sys, tempfile, time

build, n = sys.argv[1], int(sys.argv[2])
problems = [json.loads(line) for line in open("data/mini/mini.jsonl")][:n]
folder = tempfile.TemporaryDirectory()


def run(name, models):
    total, judge, stop = [], [], []
    for i, p in enumerate(problems):
        path = os.path.join(folder.name, "p.json")
        ledger = os.path.join(folder.name, "l.json")
        with open(path, "w") as f:
            json.dump(p, f)
        if os.path.exists(ledger):
            os.remove(ledger)
        args = [build + "/ration", "solve", "-q", "-b", "5s", "--max-tokens", "256", "--ledger", ledger]
        for m in models:
            args += ["-m", m]
        status = subprocess.run(args + [path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
        end = time.time_ns() // 1000
        if status != 0:
            continue
        x = json.load(open(ledger))
        total.append((end - x["program"]["last_token_unix_us"]) / 1000)
        judge.append((x["program"]["judged_s"] - x["program"]["last_token_s"]) * 1000)
        stop.append((x["stopped_s"] - x["program"]["judged_s"]) * 1000)
    if not total:
        print(f"{name:24}  no problem of {len(problems)} was solved")
        return
    m = statistics.median
    print(f"{name:24}  {len(total):6} {m(total):9.1f} {max(total):9.1f} {m(judge):9.1f} {m(stop):9.1f}")


print(f"{'models':24}  {'solved':>6} {'median ms':>9} {'max ms':>9} {'judge ms':>9} {'stop ms':>9}")
local = sorted(glob.glob("models/*.gguf"), key=os.path.getsize)
if local:
    run("bundled, local", [local[0], local[-1]] if len(local) > 1 else local)
answers = {p["prompt"]: [p["canonical_solution"]] for p in problems}
with open(os.path.join(folder.name, "answers.json"), "w") as f:
    json.dump(answers, f)
port = os.path.join(folder.name, "port")
server = subprocess.Popen(["/usr/bin/python3", "tests/server/openai_server.py", "--port-file", port, "--answers",
                           os.path.join(folder.name, "answers.json"), "--seconds", "600", "--delay", "300"],
                          stdout=subprocess.DEVNULL)
try:
    while not os.path.exists(port):
        time.sleep(0.02)
    run("server, answers in 300 ms", ["http://127.0.0.1:%s/v1#test-model" % open(port).read().strip()])
finally:
    server.terminate()
    server.wait()
PY
