"""What the house rules ask of src, counted: `python3 tools/house.py [--check | --table COMMIT]`.

Rules: functions of at most 8 parameters (6 in the public header), no .c file under 60 lines except
tables, no basename twice, private headers end in _priv.h, comments within 100 columns, no circle of
files inside src/report, and a command line that includes only ration.h, its own headers and base.
--check exits with 1 when a rule is broken; without it the table is printed all the same. --table sets
this tree beside that of a commit.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MAX_PARAMS, MAX_PUBLIC = 8, 6
# A table, a command's table of options, or a kernel of one instruction set: short by nature.
SHORT = re.compile(r"/(kern_\w+|cmd_\w+|.*_table)\.c$")
# Kernels that are inlined into their one caller: what they take is in registers.
INLINED = re.compile(r"/(attn|tile)_body\.h$")


def sources(*folders):
    for folder in folders:
        for base, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(base, name), ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def bare(text):
    """The code without comments and strings, so that commas in them do not count."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    return re.sub(r'"(\\.|[^"\\])*"', '""', text)


def n_params(args):
    depth, n = 0, 1
    for c in args:
        depth += (c == "(") - (c == ")")
        n += c == "," and depth == 0
    return 0 if args.strip() in ("", "void") else n


def functions(path):
    """(name, parameters) of each function that is declared or defined at file level."""
    text = re.sub(r"^\s*#(.*\\\n)*.*$", "", bare(read(path)), flags=re.M)
    head = re.compile(r"^(?!typedef|return|else)[A-Za-z_][\w\s\*]*?\b(\w+)\(((?:[^()]|\([^()]*\))*)\)"
                      r"\s*(?:RN_PRINTF\([^)]*\)\s*)?[;{]", re.M)
    for m in head.finditer(text):
        yield m.group(1), n_params(m.group(2))


def circles(folder):
    """Files of a folder that include each other in a circle: headers by #include of their own .c."""
    stem = lambda p: os.path.splitext(os.path.basename(p))[0].removesuffix("_priv")
    deps = collections.defaultdict(set)
    for path in sources(folder):
        for inc in re.findall(r'#include "%s/(\w+)\.h"' % os.path.basename(folder), read(path)):
            if inc != stem(path):
                deps[stem(path)].add(inc)
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in deps.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            group = []
            while True:
                group.append(stack.pop())
                if group[-1] == v:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    for v in list(deps):
        if v not in index:
            visit(v)
    return found


def options_of_two_kinds():
    """Long options that take one kind of value in one command and another kind in the next: NAME and KIB."""
    kinds = collections.defaultdict(set)
    row = re.compile(r'RN_OPT_(FLAG|STR|INT|REAL|LIST)\(\s*(?:\'.\'|0),\s*"([\w-]+)",[^"]*"([^"]*)"')
    for path in sources("src/cli"):
        for form, name, meta in row.findall(re.sub(r"\\\n", " ", read(path))):
            kinds[name].add("flag" if form == "FLAG" else meta.replace("FORMAT", "FORM"))
    return sorted(name for name, found in kinds.items() if len(found) > 1)


def survey():
    """What the tree at ROOT holds: lines and comments by module, counts, and the places that break a rule."""
    paths = list(sources("src", "include"))
    bad = []
    lines = collections.Counter()
    comments = collections.Counter()
    counts = collections.Counter()
    public = {name for path in sources("include") for name, _ in functions(path)}
    used = set()
    for path in paths:
        text = read(path)
        module = path.split("/")[1] if path.startswith("src/") else "include"
        lines[module] += text.count("\n")
        comments[module] += sum(m.group().count("\n") + 1
                                for m in re.finditer(r"/\*.*?\*/", text, flags=re.S))
        if module == "cli":
            used |= public & set(re.findall(r"\brn_\w+", bare(text)))
        counts["files"] += 1
        counts["reallocs outside base"] += module != "base" and bare(text).count("realloc(")
        seen = set()
        for name, n in functions(path):
            if name in seen:
                continue
            seen.add(name)
            counts["functions over 6 parameters"] += n > MAX_PUBLIC and path.endswith(".c")
            limit = MAX_PUBLIC if path.startswith("include/") else MAX_PARAMS
            if n > limit and not INLINED.search(path):
                bad.append(f"{path}: {name} has {n} parameters (at most {limit})")
            counts["functions over 8 parameters"] += n > MAX_PARAMS and path.endswith(".c")
        if path.endswith(".c") and text.count("\n") < 60 and not SHORT.search(path):
            bad.append(f"{path}: {text.count(chr(10))} lines; under 60, merge it with its neighbour")
            counts[".c files under 60 lines that are no table"] += 1
        if re.search(r"(_impl|inside|internal)\.h$", path):
            bad.append(f"{path}: a private header ends in _priv.h")
        for i, line in enumerate(text.split("\n"), 1):
            if len(line) > 100:
                bad.append(f"{path}:{i}: {len(line)} columns")
                counts["lines over 100 columns"] += 1
    names = collections.Counter(os.path.basename(p) for p in paths)
    bad += [f"{n}: {c} files have this name" for n, c in sorted(names.items()) if c > 1]
    counts["file names that repeat"] = sum(c > 1 for c in names.values())
    counts["files in circles"] = 0
    for module in sorted(m for m in lines if m != "include"):
        for c in circles(f"src/{module}"):
            bad.append(f"src/{module}: a circle of {len(c)} files: {' '.join(c)}")
            counts["files in circles"] += len(c)
    deeper = set()
    for path in sources("src/cli"):
        found = re.findall(r'#include "((?!cli/|base/|ration\.h)[\w/]+\.h)"', read(path))
        deeper |= {path} if found else set()
        bad += [f"{path}: includes {inc}, which the command line must not see" for inc in found]
    counts["files of cli that include inner headers"] = len(deeper)
    counts["options with two kinds of value"] = len(options_of_two_kinds())
    counts["public functions"] = len(public)
    counts["public functions that cli calls"] = len(used)
    return lines, comments, counts, bad


def table(commit):
    """Before (a commit) and after (this tree), as a table in Markdown."""
    global ROOT
    here = ROOT
    with tempfile.TemporaryDirectory() as ROOT:
        tar = subprocess.run(["git", "-C", here, "archive", commit, "src", "include"], check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", ROOT], input=tar.stdout, check=True)
        before = survey()
    ROOT = here
    after = survey()
    print(f"| | {commit} | now |\n| --- | ---: | ---: |")
    for module in sorted(set(before[0]) | set(after[0])):
        print(f"| lines of {module} | {before[0][module]:,} | {after[0][module]:,} |")
    print(f"| lines in all | {sum(before[0].values()):,} | {sum(after[0].values()):,} |")
    for name in sorted(set(before[2]) | set(after[2])):
        print(f"| {name} | {before[2][name]:,} | {after[2][name]:,} |")


def main():
    if "--table" in sys.argv:
        return table(sys.argv[sys.argv.index("--table") + 1])
    lines, comments, counts, bad = survey()
    print("module     lines  comments")
    for module in sorted(lines):
        print(f"{module:9} {lines[module]:6} {100 * comments[module] // max(lines[module], 1):7} %")
    print(f"{'all':9} {sum(lines.values()):6} {100 * sum(comments.values()) // sum(lines.values()):7} %")
    print(f"functions over 6 parameters: {counts['functions over 6 parameters']}")
    for line in bad:
        print(line)
    print(f"{len(bad)} places break a rule")
    return 1 if bad and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
