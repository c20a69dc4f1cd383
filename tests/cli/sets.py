"""sets.py: two problems of ours in the form of each published set, with an answer that passes and one that does not, and what strangers
do to such files. Used by sets.bats:

    sets.py files RATION     every form: as lines, with a byte order mark, CRLF, as an array, on several lines, compressed, as Parquet, as a
                             folder of parts: one set; the right answer passes, the wrong one does not
    sets.py fields RATION    a field that is missing, null or of another type is read or refused by file, line and field
    sets.py damage RATION    empty files, cut files, other encodings, lines that are no problems: refused by name
    sets.py place DIR        the sets of README's table as the files that `ration fetch` would bring
"""
import base64, copy, gzip, io, json, os, pickle, subprocess, sys, tempfile, zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import parquet

ADD = "def add(a, b):\n    \"\"\"Adds.\"\"\"\n"
CHECK = "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-5, 7) == 2\n"
RIGHT, WRONG = "    return a + b\n", "    return a - b\n"
SUM, LESS = "print(sum(map(int, input().split())))\n", "print(0)\n"
METHOD = "class Solution:\n    def add(self, a, b):\n        return a %s b\n"


def cases(pairs, kind):
    return json.dumps([{"input": i, "output": o, "testtype": kind} for i, o in pairs])


def packed(text):
    return base64.b64encode(zlib.compress(pickle.dumps(text))).decode()


def humaneval(i):
    return {"task_id": "Own/%d" % i, "prompt": ADD, "entry_point": "add", "test": CHECK, "canonical_solution": RIGHT}


def infilling(i):
    return {"task_id": "SingleLineInfilling/HumanEval/%d/L0" % i, "prompt": ADD, "suffix": "    return c\n", "entry_point": "add", "test": CHECK,
            "canonical_solution": "    c = a + b\n"}


def mbpp(i, **more):
    return dict({"task_id": 11 + i, "text": "Add %d." % i, "code": "def add(a, b):\r\n    return a + b", "test_setup_code": "",
                 "test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"], "challenge_test_list": []}, **more)


def sanitized(i):
    p = mbpp(i, test_imports=["import math"], source_file="x", prompt="Add.")
    for k in ("text", "test_setup_code", "challenge_test_list"):
        del p[k]
    return p


def apps(i):
    return {"problem_id": i, "question": "Print the sum.", "difficulty": "interview", "starter_code": "", "url": "x",
            "input_output": json.dumps({"inputs": ["1 2\n", "5 6\n"], "outputs": ["3\n", "11\n"]}), "solutions": json.dumps([SUM])}


def taco(i):
    return dict({k: v for k, v in apps(i).items() if k != "problem_id"}, skill_types="[]", tags="[]", source="codeforces", date="2021-0%d-01" % (i + 1))


def codecontests(i):
    return {"name": "%d_A" % i, "question": "Print the sum.", "timeout": 2, "test_cases": {"input": ["1 2\n"], "output": ["3\n"]}}


def deepmind(i):
    return {"name": "%d_A. Sum" % i, "description": "Print the sum.", "source": 2, "difficulty": 7, "time_limit": {"seconds": 2, "nanos": 0},
            "public_tests": {"input": ["1 2\n"], "output": ["3\n"]}, "private_tests": {"input": [], "output": []},
            "generated_tests": {"input": ["3 4\n"], "output": ["7\n"]}, "solutions": {"language": [3, 2], "solution": [SUM, "int main(){}"]}}


def evalplus(i):
    return {"task_id": "HumanEval/%d" % i, "prompt": ADD, "entry_point": "add", "canonical_solution": RIGHT, "base_input": [[1, 2]],
            "plus_input": [[3, 4], [0.5, 1]], "atol": 0, "contract": "", "assertion": ""}


def livecodebench(i):
    return {"question_title": "Sum", "question_content": "Print the sum.", "platform": "atcoder", "question_id": "abc30%d_a" % i, "contest_id": "abc",
            "contest_date": "2024-0%d-11T00:00:00" % (i + 4), "starter_code": "", "difficulty": "easy", "public_test_cases": cases([("1 2\n", "3\n")], "stdin"),
            "private_test_cases": packed(cases([("4 5\n", "9\n")], "stdin")), "metadata": "{}"}


def functional(i):
    return dict(livecodebench(i), question_id="300%d" % i, platform="leetcode", starter_code="class Solution:\n    def add(self, a, b):\n        ",
                public_test_cases=cases([("1\n2", "3")], "functional"), private_test_cases=cases([("4\n5", "9")], "functional"),
                metadata=json.dumps({"func_name": "add"}))


def bigcodebench(i):
    head = "import os\ndef add(a, b):\n"
    return {"task_id": "BigCodeBench/%d" % i, "complete_prompt": head + "    '''Adds.'''\n", "instruct_prompt": "Write add.", "code_prompt": head,
            "canonical_solution": RIGHT, "entry_point": "add", "libs": "['os']",
            "test": "import unittest\nclass TestCases(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(add(1, 2), 3)\n"}


def leetcode(i):
    return {"task_id": "add-%d" % i, "question_id": i, "difficulty": "Easy", "tags": [], "problem_description": "Add.", "starter_code": "class Solution:",
            "estimated_date": "2024-08-0%d" % (i + 1), "prompt": "from typing import *\n", "completion": METHOD % "+", "entry_point": "Solution().add",
            "test": "def check(candidate):\n    assert candidate(a = 1, b = 2) == 3\n", "query": "Add two numbers.", "response": ""}


def leetcode_first(i):
    p = {k: leetcode(i)[k] for k in ("task_id", "prompt", "completion", "entry_point", "test")}
    return dict(p, src="Add two numbers.", meta={"difficulty": "Easy", "question_id": i}, examples=[])


def javascript(i):
    return {"task_id": "JavaScript/%d" % i, "prompt": "/* Adds. */\nconst add = (a, b) => {\n", "declaration": "\nconst add = (a, b) => {\n",
            "canonical_solution": "  return a + b;\n}\n\n", "test": "const testAdd = () => {\n  console.assert(add(1, 2) === 3)\n}\n\ntestAdd()\n"}


def cpp(i):
    return {"task_id": "CPP/%d" % i, "prompt": "int add(int a, int b){\n", "declaration": "int add(int a, int b){\n",
            "canonical_solution": "    return a + b;\n}\n", "test": "#undef NDEBUG\n#include<assert.h>\nint main(){\n    assert (add(1, 2) == 3);\n}\n"}


def pack(i):
    return dict(javascript(i), entry_point="add", import_="", test_setup="", buggy_solution="  return a - b;\n}\n", bug_type="operator misuse")


def multipl_e(i):
    return {"name": "HumanEval_%d_add" % i, "language": "sh", "prompt": "#!/bin/bash\n# Adds.\nadd() {\n", "doctests": "transform", "original": "x",
            "prompt_terminology": "reworded", "tests": "}\nset -e\n[ \"$(add 1 2)\" = 3 ]\n", "stop_tokens": ["\n}"]}


# name: (problem, right answer, wrong answer, language that has to be here or None)
FORMS = {
    "humaneval": (humaneval, RIGHT, WRONG, None), "infilling": (infilling, "    c = a + b\n", "    c = a\n", None),
    "mbpp": (mbpp, "def add(a, b):\n" + RIGHT, "def add(a, b):\n" + WRONG, None),
    "sanitized": (sanitized, "def add(a, b):\n" + RIGHT, "def add(a, b):\n" + WRONG, None),
    "mbpp-hub": (lambda i: mbpp(i, test="assert add(9, 9) == 18\n"), "def add(a, b):\n" + RIGHT, "def add(a, b):\n    return 3 if a == 1 else 4\n", None),
    "apps": (apps, SUM, LESS, None), "taco": (taco, SUM, LESS, None), "codecontests": (codecontests, SUM, LESS, None),
    "deepmind": (deepmind, SUM, LESS, None), "evalplus": (evalplus, RIGHT, "    return 3 if a == 1 else 0\n", None),
    "livecodebench": (livecodebench, SUM, "print(3)\n", None), "functional": (functional, METHOD % "+", METHOD % "*", None),
    "bigcodebench": (bigcodebench, RIGHT, WRONG, None), "leetcode": (leetcode, METHOD % "+", METHOD % "-", None),
    "leetcode-first": (leetcode_first, METHOD % "+", METHOD % "-", None),
    "javascript": (javascript, "  return a + b;\n}\n", "  return a - b;\n}\n", "node"), "cpp": (cpp, "  return a + b;\n}\n", "  return a - b;\n}\n", "g++"),
    "pack": (pack, "  return a + b;\n}\n", "  return a - b;\n}\n", "node"),
    "multipl-e": (multipl_e, "    echo $(($1 + $2))\n", "    echo $(($1 - $2))\n", None),
}


def rows(form):
    return [FORMS[form][0](i) for i in (0, 1)]


def lines(records):
    return "".join(json.dumps(r) + "\n" for r in records)


def spellings(records):
    text = lines(records)
    yield "plain.jsonl", text.encode()
    yield "bom.jsonl", b"\xef\xbb\xbf" + text.encode()
    yield "crlf.jsonl", text.replace("\n", "\r\n").encode()
    yield "blank.jsonl", ("\n" + text.replace("\n", "\n\n")).rstrip().encode()
    yield "array.json", json.dumps(records).encode()
    yield "bom_array.json", b"\xef\xbb\xbf" + json.dumps(records).encode()
    yield "spread.json", json.dumps(records, indent=2).encode()
    yield "spread_crlf.json", json.dumps(records, indent=2).replace("\n", "\r\n").encode()
    yield "escaped.jsonl", json.dumps(records, ensure_ascii=True).encode()
    yield "packed.jsonl.gz", gzip.compress(text.encode())
    yield "packed_array.json.gz", gzip.compress(json.dumps(records, indent=1).encode())


# As hubs and tools write them: pyarrow, polars, DuckDB.
PARQUET = {"hub.parquet": {"dictionary": True}, "v2.parquet": {"codec": "zstd", "version": 2, "converted": False},
           "delta.parquet": {"codec": "gzip", "delta": True, "page_rows": 1, "group_rows": 1}, "bare.parquet": {"codec": "none"}}


def tables(records):
    """Names of the same rows as Parquet and as folders of parts; none where a column would be of several types."""
    try:
        parquet.of(records)
    except ValueError:
        return
    for name, options in PARQUET.items():
        parquet.write(name, records, **options)
        yield name
    for folder in ("parts", "hub/data", "lines"):
        os.makedirs(folder, exist_ok=True)
        for i, r in enumerate(records):
            if folder == "lines": # as LiveCodeBench's test.jsonl, test2.jsonl
                with open("lines/test%s.jsonl" % ("" if i == 0 else i + 1), "w") as f:
                    f.write(json.dumps(r) + "\n")
            else:
                parquet.write("%s/test-%05d-of-%05d.parquet" % (folder, i, len(records)), [r], parquet.of(records))
        with open(folder + "/train.jsonl", "w") as f: # another split
            f.write(json.dumps(records[0]) + "\n")
        yield folder.split("/")[0]


def ident(record):
    for key in ("task_id", "question_id", "name"):
        if key in record and not (key == "question_id" and "task_id" in record):
            return record[key]
    return record.get("problem_id", 0)


def run(*args):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def store_hash(path):
    import sqlite3
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        return db.execute("SELECT hash, (SELECT count(*) FROM problem) FROM problem_set").fetchone()


bad = []


def expect(ok, *what):
    if not ok:
        bad.append(what)
        print("NOT", *what, flush=True)


def sample_ids(form, records):
    return [("TACO/%d" % i) if form == "taco" else ident(r) for i, r in enumerate(records)]


def load(ration, path, ids):
    """The set's hash as an import sees it, or the status and message of a refusal."""
    if os.path.exists("l.db"):
        os.unlink("l.db")
    with open("l.jsonl", "w") as f:
        f.write(json.dumps({"task_id": ids[0], "completion": "x"}) + "\n")
    status, text = run(ration, "import", "-s", "l.db", "-t", path, "--model", "m", "l.jsonl")
    return (status, store_hash("l.db")) if status == 0 else (status, text.strip())


def files(ration):
    for form, (_, right, wrong, tool) in FORMS.items():
        records = rows(form)
        ids, hashes = sample_ids(form, records), {}
        for name, data in spellings(records):
            with open(name, "wb") as f:
                f.write(data)
            status, got = load(ration, name, ids)
            expect(status == 0, form, name, status, got)
            hashes[got] = name
        for name in tables(records):
            status, got = load(ration, name, ids)
            expect(status == 0, form, name, status, got)
            hashes[got] = name
        expect(len(hashes) == 1, form, "differs by", hashes)
        if tool and run("sh", "-c", "command -v " + tool)[0]:
            continue
        with open("s.jsonl", "w") as f:
            for text in (right, wrong):
                f.write(json.dumps({"task_id": ids[0], "completion": text}) + "\n")
        run(ration, "import", "-s", form + ".db", "-t", "plain.jsonl", "--model", "m", "s.jsonl")
        status, text = run(ration, "judge", "-s", form + ".db", "-t", "plain.jsonl", "-j", "1")
        rows_ = run(ration, "export", "-s", form + ".db", "--format", "csv")[1].splitlines()
        verdicts = [r.split(",")[6] for r in rows_[1:]]
        expect(status == 0 and len(verdicts) == 2 and verdicts[0] == "passed" and verdicts[1] in ("wrong_answer", "exception"), form, verdicts, text)


def fields(ration):
    for form in FORMS:
        good = rows(form)
        for key in good[1]:
            for what, value in (("missing", None), ("null", None), ("number", 17), ("array", []), ("object", {"a": 1}), ("text", "x")):
                if value is not None and type(value) is type(good[1][key]) and what != "text":
                    continue
                records = copy.deepcopy(good)
                if what == "missing":
                    del records[1][key]
                else:
                    records[1][key] = value
                with open("f.jsonl", "w") as f:
                    f.write(lines(records))
                status, got = load(ration, "f.jsonl", sample_ids(form, good))
                expect(status in (0, 3), form, key, what, status, got)
                named = status == 0 or ("f.jsonl: line 2" in got and "internal" not in got)
                expect(named, form, key, what, got)


def parquet_bytes():
    parquet.write("whole.parquet", rows("humaneval"))
    with open("whole.parquet", "rb") as f:
        return f.read()


def damage(ration):
    text = lines(rows("humaneval")).encode()
    for name, data, says in (
            ("empty.jsonl", b"", "holds no problem"), ("blank.jsonl", b"\n \r\n\t\n", "holds no problem"), ("bom.jsonl", b"\xef\xbb\xbf", "holds no problem"),
            ("none.json", b"[]", "holds no problem"), ("cut.jsonl", text[:-30], "line 2"), ("cut.json", b"[" + text[:100], "cut.json"),
            ("cut.jsonl.gz", gzip.compress(text)[:-40], "cut.jsonl.gz"), ("utf16.jsonl", text.decode().encode("utf-16"), "utf16.jsonl"),
            ("zip.jsonl", b"PK\x03\x04" + bytes(40), "zip.jsonl"), ("parquet.jsonl", b"PAR1" + bytes(40), "parquet.jsonl: the Parquet file has no end"),
            ("cut.parquet", parquet_bytes()[:-20], "cut.parquet: the Parquet file has no end"), ("set.arrow", b"ARROW1\0\0" + bytes(40), "set.arrow is an Arrow file"),
            ("set.riegeli", bytes.fromhex("83af70d10d884a3f") + bytes(56), "set.riegeli is a Riegeli file"),
            ("latin1.jsonl", text.replace(b"Adds", b"Add\xe9"), "line 1"), ("words.jsonl", b"hello\n", "line 1"), ("number.jsonl", b"7\n", "line 1"),
            ("texts.json", b'["a", "b"]', "texts.json"), ("twice.jsonl", text + text, "is there twice"), ("nan.jsonl", text + b'{"task_id": NaN}\n', "line 3"),
            ("answers.jsonl", b'{"task_id": "Own/0", "completion": "x"}\n', "fields (task_id, completion)"),
            ("deep.json", b"[" * 100000, "deep.json"), ("nul.jsonl", text.replace(b"Adds", b"\\u0000"), "NUL")):
        with open(name, "wb") as f:
            f.write(data)
        status, got = load(ration, name, ["Own/0"])
        expect(status == 3 and says in got and name in got, name, status, got)


def place(folder):
    where = {"humaneval/HumanEval.jsonl": "humaneval", "infilling/HumanEval-SingleLineInfilling.jsonl": "infilling", "mbpp/mbpp.jsonl": "mbpp",
             "apps/test.jsonl": "apps", "livecodebench/test.jsonl": "livecodebench", "bigcodebench/BigCodeBench-Hard.jsonl": "bigcodebench",
             "humaneval-x/humaneval_cpp.jsonl": "cpp", "humanevalplus/HumanEvalPlus.jsonl": "evalplus", "leetcode/LeetCodeDataset-v0.3.1-test.jsonl": "leetcode",
             "humanevalpack/humanevalpack_js.jsonl": "pack", "multipl-e/humaneval-sh-reworded.jsonl": "multipl-e",
             "TACO/ALL/test-00000-of-00001.parquet": "taco"}
    for path, form in where.items():
        records = rows(form)
        if form == "mbpp":
            records += [dict(mbpp(0), task_id=i) for i in (2, 3, 4)]
        if form == "apps":
            records = [dict(r, difficulty="introductory") for r in records]
        if form == "livecodebench":
            records = [dict(r, contest_date="2024-09-01T00:00:00") for r in records]
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        if path.endswith(".parquet"):
            parquet.write(os.path.join(folder, path), records)
            continue
        with open(os.path.join(folder, path), "w") as f:
            f.write(lines(records))


def main():
    what, arg = sys.argv[1], os.path.abspath(sys.argv[2])
    if what == "place":
        return place(arg)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["RATION_DATA"] = folder
        {"files": files, "fields": fields, "damage": damage}[what](arg)
        os.chdir("/")
    print("%d expectations failed" % len(bad))
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
