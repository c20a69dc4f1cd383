#!/usr/bin/env python3
"""The attack table of docs/SANDBOX.md: the programs of tests/hostile under every subset of layers, as root and as a normal user.

    tools/judge_table.py [--build build] [--user NAME] [--folder tests/hostile] [--only SUBSET] [--repeat N] [--load N] [--memory-left MIB]
                         [--drop-caches]

Prints a row a subset and a column a user: how many programs got the verdict of their first line, or that the judge refused to
run without --allow-weak. Below that, each verdict that was another. --repeat runs every cell so often and counts all verdicts;
--load keeps N busy loops beside it, --memory-left fills memory up to that, --drop-caches drops the page cache before each run.
Status 1 if a verdict was another or the runs differ. Needs root for the second column; the build must be readable for the user."""
import argparse, collections, csv, glob, io, itertools, json, os, pwd, resource, subprocess, sys, tempfile, time

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--build", default="build")
ap.add_argument("--user", default="nobody")
ap.add_argument("--folder", default="tests/hostile")
ap.add_argument("--only", action="append", help="a subset of layers, comma-separated; may be empty")
ap.add_argument("--repeat", type=int, default=1)
ap.add_argument("--load", type=int, default=0)
ap.add_argument("--memory-left", type=int, default=0)
ap.add_argument("--drop-caches", action="store_true")
ap.add_argument("--limits", default="--cpu-limit 0.6 --wall-limit 3 --memory 256 --processes 32")
a = ap.parse_args()
resource.setrlimit(resource.RLIMIT_NPROC, (2000, 2000))  # should a layer fail, the machine stays usable
MARK = "# --- test ---\n"
LAYERS = ["ns", "userns", "seccomp", "landlock", "cgroup"]
ration = os.path.realpath(os.path.join(a.build, "ration"))


def subsets():
    if a.only:
        return a.only
    every = [c for n in range(len(LAYERS) + 1) for c in itertools.combinations(LAYERS, n)]
    return [",".join(c) for c in every if not ("ns" in c and "userns" in c)]  # ns leaves userns out, too


def write_set(d):
    want = {}
    with open(d + "/p.jsonl", "w") as problems, open(d + "/s.jsonl", "w") as samples:
        for path in sorted(glob.glob(a.folder + "/*.py")):
            name = os.path.basename(path)[:-3]
            text = open(path, "rb").read().decode("utf-8", "surrogateescape")
            want[name] = text.split("\n", 1)[0].replace("# expect:", "").split()[0].split("|")
            program, _, test = text.partition(MARK)
            test = test or "def check(f):\n    assert f(3) == 9\n    assert f(4) == 16\n"
            if "def check(" not in test:
                test += "\ndef check(f):\n    pass\n"  # the form's last line calls it
            problems.write(json.dumps({"task_id": name, "prompt": "# p\n", "entry_point": "f", "test": test}) + "\n")
            samples.write(json.dumps({"task_id": name, "completion": program}) + "\n")
    return want


def as_user(user, command, without):
    env = dict(os.environ, RATION_JUDGE_WITHOUT=without)
    if user != "root":
        command = ["setpriv", "--reuid=" + user, "--regid=%d" % pwd.getpwnam(user).pw_gid, "--clear-groups"] + command
    return subprocess.run(command, env=env, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)


def run(user, without):
    """[(name, verdict, detail)], or the line that says why nothing ran."""
    if a.drop_caches:
        os.sync()
        open("/proc/sys/vm/drop_caches", "w").write("3")
    with tempfile.TemporaryDirectory(prefix="judge-table-") as d:
        os.chmod(d, 0o777)
        write_set(d)
        for args in (["import", "-s", d + "/x.db", "-t", d + "/p.jsonl", "-m", "m", d + "/s.jsonl"],
                     ["judge", "-s", d + "/x.db", "-t", d + "/p.jsonl", "-j", "2", "--keep-going"] + a.limits.split()):
            done = as_user(user, [ration] + args, without)
            if "--allow-weak" in done.stderr:
                return "refused"
            if done.returncode not in (0, 1):
                return done.stderr.strip().split("\n")[-1][:200]
        rows = csv.DictReader(io.StringIO(as_user(user, [ration, "export", "-s", d + "/x.db", "-f", "csv"], without).stdout))
        return [(r["task_id"], r["verdict"], r["detail"]) for r in rows] or done.stderr.strip().split("\n")[-1][:200]


def fill_memory():
    free = int(next(l for l in open("/proc/meminfo") if l.startswith("MemAvailable")).split()[1]) // 1024
    n = max(0, free - a.memory_left)
    code = "import sys\nb = bytearray(%d << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nprint(1, flush=True)\nsys.stdin.read()" % n
    p = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    return p


helpers = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(a.load)]
if a.memory_left:
    helpers.append(fill_memory())
users = ["root", a.user] if os.geteuid() == 0 else [os.environ.get("USER", "user")]
with tempfile.TemporaryDirectory() as d:
    want = write_set(d)
odd, bad, start = [], False, time.time()
print("| without | " + " | ".join(users) + " |\n| --- |" + " --- |" * len(users))
try:
    for without in subsets():
        cells = []
        for user in users:
            seen, right, total, note = collections.defaultdict(collections.Counter), 0, 0, None
            for _ in range(a.repeat):
                got = run(user if os.geteuid() == 0 else "root", without)
                if isinstance(got, str):
                    note = got
                    break
                for name, verdict, detail in got:
                    seen[name][verdict] += 1
                    total += 1
                    right += verdict in want[name]
                    if verdict not in want[name]:
                        odd.append("%s without '%s': %s: %s, not %s (%s)" % (user, without, name, verdict, "|".join(want[name]), detail[:80]))
            differ = sum(len(c) > 1 for c in seen.values())
            bad |= right < total or differ > 0
            cells.append(note or "%d of %d%s" % (right, total, ", %d differ" % differ if differ else ""))
        print("| %s | %s |" % (without or "nothing", " | ".join(cells)), flush=True)
finally:
    for p in helpers:
        p.kill()
print("\n".join(odd))
print("%.0f s" % (time.time() - start), file=sys.stderr)
sys.exit(bad)
