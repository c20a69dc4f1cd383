#!/usr/bin/env python3
"""humaneval_x.py RATION FOLDER [LANGUAGE...]: every canonical solution of HumanEval-X (humaneval_LANGUAGE.jsonl.gz in FOLDER: cpp, go,
java, js, rust) and a mutant of each, judged through the reader. A mutant is the same solution with its return value changed: the body is
called as a closure and what it returns is made another value of the same type (negated, one more, one element longer, ...). Prints a
Markdown table: solutions that pass, mutants that compile, mutants that fail, and names those that do not. docs/REPRODUCE.md."""
import csv, gzip, io, json, os, re, subprocess, sys, tempfile, time

ration, folder = sys.argv[1], os.path.abspath(sys.argv[2])
languages = sys.argv[3:] or ["cpp", "go", "java", "js", "rust"]

JS = """  const ration_r = (() => {%s})();
  const ration_m = v => typeof v === 'boolean' ? !v : typeof v === 'number' ? v + 1 : typeof v === 'string' ? v + 'x'
    : Array.isArray(v) ? v.concat([0]) : v === null || v === undefined ? 1 : 0;
  return ration_m(ration_r);
}
"""
CPP = """    auto ration_r = [&]() -> %s {%s}();
    %s
    return ration_r;
}
"""
RUST = """    trait RationM { fn m(self) -> Self; }
    macro_rules! ration_n { ($($t:ty)*) => { $(impl RationM for $t { fn m(self) -> Self { self + (1 as $t) } })* } }
    ration_n!(i32 i64 u32 u64 usize isize i128 f64 f32);
    impl RationM for bool { fn m(self) -> Self { !self } }
    impl RationM for u8 { fn m(self) -> Self { self.wrapping_add(1) } }
    impl RationM for String { fn m(self) -> Self { self + "x" } }
    impl RationM for &str { fn m(self) -> Self { if self == "x" { "y" } else { "x" } } }
    impl<T: Default> RationM for Vec<T> { fn m(mut self) -> Self { self.push(T::default()); self } }
    impl<T: Default> RationM for Option<T> { fn m(self) -> Self { if self.is_some() { None } else { Some(T::default()) } } }
    impl<K: Default + Eq + std::hash::Hash, V: Default> RationM for std::collections::HashMap<K, V> {
        fn m(mut self) -> Self { if self.is_empty() { self.insert(K::default(), V::default()); } else { self.clear(); } self }
    }
    impl<A: RationM, B> RationM for (A, B) { fn m(self) -> Self { (self.0.m(), self.1) } }
    impl<A: RationM, B, C> RationM for (A, B, C) { fn m(self) -> Self { (self.0.m(), self.1, self.2) } }
    let ration_r: %s = (move || -> %s {%s})();
    ration_r.m()
}
"""


def body(text, braces):
    for _ in range(braces):
        text = text[:text.rindex("}")]
    return text


def go_change(kind):
    if kind == "bool":
        return "!r"
    if kind == "string":
        return 'r + "x"'
    if re.fullmatch(r"u?int\d*|float\d+|rune|byte", kind):
        return "r + 1"
    if kind.startswith("[]"):
        return "append(r, *new(%s))" % kind[2:]
    return "*new(%s)" % kind


def go_mutant(p):
    head = re.findall(r"^func [A-Z]\w*\(.*\)\s*(.*?)\s*\{", p["declaration"] + p["prompt"], re.M)[-1]
    inner = body(p["canonical_solution"], 1)
    if not head:
        return None
    if head.startswith("("):
        kinds = [k.split()[-1] for k in head.strip("()").split(",")]
        names = ["r"] + ["r%d" % i for i in range(1, len(kinds))]
        return "    %s := func() %s {%s}()\n    return %s, %s\n}\n" % (
            ", ".join(names), head, inner, go_change(kinds[0]), ", ".join(names[1:]))
    return "    r := func() %s {%s}()\n    return %s\n}\n" % (head, inner, go_change(head))


def java_mutant(p):
    kind, params, throws = re.findall(r"public\s+(?:static\s+)?([\w<>\[\], .?]+?)\s+\w+\((.*)\)\s*(.*?)\s*\{",
                                      p["declaration"])[-1]
    change = {"boolean": "!r", "Boolean": "!r", "String": 'r + "x"', "int": "r + 1", "Integer": "r + 1", "long": "r + 1",
              "double": "r + 1", "char": "(char) (r + 1)"}.get(kind)
    if kind.startswith("List") or kind.startswith("ArrayList"):
        change = "(%s) ration_longer(r)" % kind
    elif kind.endswith("[]"):
        change = "java.util.Arrays.copyOf(r, r.length + 1)"
    elif kind.startswith("Optional"):
        change = "r.isPresent() ? %s.empty() : null" % kind.split("<")[0]
    helper = "    private static java.util.List ration_longer(java.util.List v) { java.util.List w = new java.util.ArrayList(v); " \
             "w.add(v.isEmpty() ? 1 : v.get(0)); return w; }\n"
    inner = body(p["canonical_solution"], 2)
    names = re.findall(r"(\w+)\s*(?:,(?![^<]*>)|$)", params)
    return ("        %s r = ration_inner(%s);\n        return %s;\n    }\n    private %s ration_inner(%s) %s {%s}\n%s}\n"
            % (kind, ", ".join(names), change or "null", kind, params, throws, inner, helper))


def mutant(language, p):
    if language == "js":
        return JS % body(p["canonical_solution"], 1)
    if language == "cpp":
        kind = re.findall(r"^([\w<>:, *]+?)\s*\b\w+\s*\([^;{]*\)\s*\{", p["declaration"] or p["prompt"], re.M)[-1]
        change = ("ration_r = !ration_r;" if kind == "bool" else 'ration_r += "x";' if kind == "string" else
                  "ration_r.push_back(decltype(ration_r)::value_type());" if kind.startswith("vector") else
                  "ration_r.clear(); ration_r[{}];" if "map" in kind else "ration_r = ration_r + 1;")
        return CPP % (kind, body(p["canonical_solution"], 1), change)
    if language == "rust":
        found = re.findall(r"fn \w+(?:<.*?>)?\(.*?\)\s*->\s*(.*?)\s*\{", p["declaration"], re.S)
        return RUST % (found[-1], found[-1], body(p["canonical_solution"], 1)) if found else None
    return go_mutant(p) if language == "go" else java_mutant(p)


def verdicts(path, problems, solutions):
    with tempfile.TemporaryDirectory() as tmp:
        samples, store = os.path.join(tmp, "x.jsonl"), os.path.join(tmp, "s.db")
        with open(samples, "w", encoding="utf-8") as f:
            for p, text in zip(problems, solutions):
                if text is not None:
                    f.write(json.dumps({"task_id": p["task_id"], "completion": text}) + "\n")
        subprocess.run([ration, "import", "-s", store, "-t", path, "--model", "x", samples], check=True, stdout=subprocess.DEVNULL)
        # Every canonical solution is a sample of its own here: the reference run is not wanted twice.
        subprocess.run([ration, "judge", "-s", store, "-t", path, "--keep-going"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        rows = subprocess.run([ration, "export", "-s", store, "--format", "csv"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {r["task_id"]: (r["verdict"] or "none", r.get("detail") or "") for r in csv.DictReader(io.StringIO(rows))}


print("| language | solutions that pass | which do not | mutants that compile | of them fail | which do not | seconds | programs per second and core |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
for language in languages:
    path = os.path.join(folder, "humaneval_%s.jsonl.gz" % language)
    with gzip.open(path, "rt", encoding="utf-8") as f:
        problems = [json.loads(line) for line in f]
    start = time.monotonic()
    good = verdicts(path, problems, [p["canonical_solution"] for p in problems])
    passed = [t for t, v in good.items() if v[0] == "passed"]
    ids = set(passed)
    wrong = verdicts(path, problems, [mutant(language, p) if p["task_id"] in ids else None for p in problems])
    compiled = {t: v for t, v in wrong.items() if v[0] != "syntax_error"}
    alive = [t for t, v in compiled.items() if v[0] == "passed"]
    seconds = time.monotonic() - start
    # Every problem's own solution runs first each time, as a reference.
    rate = 2 * (len(good) + len(wrong)) / seconds / (os.cpu_count() or 1)
    print("| %s | %d of %d | %s | %d | %d (%.1f %%) | %s | %.0f | %.1f |" % (
        language, len(passed), len(problems), "; ".join("%s %s" % (t, v[0]) for t, v in good.items() if v[0] != "passed"), len(compiled),
        len(compiled) - len(alive), 100 * (len(compiled) - len(alive)) / max(1, len(compiled)), ", ".join(alive),
        seconds, rate), flush=True)
    if os.environ.get("DETAIL"):
        for t, v in wrong.items():
            if v[0] == "syntax_error":
                print("  ", t, v[1], file=sys.stderr, flush=True)
