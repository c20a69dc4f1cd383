"""languages.py RATION [LANGUAGE...]: a problem in MultiPL-E's form of each language that is here, with a program that passes, one that fails, one that
hangs and one that leaves with status 0 before the tests are over. Prints what is not as it should be. Used by sets.bats."""
import json, os, shutil, subprocess, sys


def languages():
    """(name, tool, {"head", "right", "endless", "early", "end", "tests"}) of each block of languages.txt."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "languages.txt")) as f:
        for block in f.read().split("\n=== ")[1:]:
            name, text = block.split("\n", 1)
            part = dict.fromkeys(("head", "end"), "")
            for section in ("--- head\n" + text).rstrip("\n").split("--- ")[1:]:
                what, lines = section.split("\n", 1)
                part[what] = lines.rstrip("\n") + "\n" if lines else ""
            yield *name.split(), part


def put(language, part):
    """Problem and programs of a language into all.db; its set is NAME.jsonl."""
    head, tests = part["head"], part["tests"]
    programs = [part["right"], part["right"].replace("*", "+"), part["endless"], part["early"]]
    if language == "rust":  # HumanEval-X
        name = "Rust/0"
        problem = {"task_id": name, "prompt": "/* Squares. */\n", "declaration": head.replace("fn main() {}\n", ""), "test": tests}
    else:
        name = "HumanEval_0_f"
        problem = {"name": name, "language": language, "prompt": head, "tests": tests, "stop_tokens": []}
    with open(language + ".jsonl", "w") as f:
        f.write(json.dumps(problem) + "\n")
    with open("a.jsonl", "w") as f:
        f.writelines(json.dumps({"task_id": name, "completion": t + part["end"]}) + "\n" for t in programs)
    subprocess.run([ration, "import", "-s", "all.db", "-t", language + ".jsonl", "--model", "m", "a.jsonl"], stdout=subprocess.DEVNULL, check=True)


ration, bad, here = os.path.abspath(sys.argv[1]), 0, []
for language, tool, part in languages():
    if shutil.which(tool) and (not sys.argv[2:] or language in sys.argv[2:]):
        put(language, part)
        here.append(language)
# All at once: what a language's programs need is built once for a judge.
said = subprocess.run([ration, "judge", "-s", "all.db", "-j", "1", "--cpu-limit", "0.8"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
for language in here:
    rows = subprocess.run([ration, "export", "-s", "all.db", "-t", language + ".jsonl", "--format", "jsonl"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.splitlines()
    got = [json.loads(r)["verdict"] for r in rows]
    if got == ["missing_library"] * 4 and "no compiler or interpreter of" in said:
        continue  # a part of it is not here
    failed = ("wrong_answer", "exception")
    # Go and Haskell have no early end that a continuation could reach.
    early_ends = failed if language in ("go_test.go", "hs") else ("exited", "exception")
    if not (len(got) == 4 and got[0] == "passed" and got[1] in failed and got[2] == "time_limit" and got[3] in early_ends):
        bad += 1
        print(language, got, [json.loads(r).get("detail") for r in rows], said, flush=True)
print("%d languages are wrong" % bad)
sys.exit(bad > 0)
